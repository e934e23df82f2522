"""What programs said with a key, so that who asks twice says it once.

The key's mark is stored with the line, in the same commit (Event.to, which has no other meaning for
what is said in a room): so it is known after a crash as well, exactly if the line is. What is at
hand here was read from the log once, for each token and room; the rest is bounded.
"""

import base64
import hashlib
from collections import OrderedDict
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatservice.durations import DAY
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.interfaces import ILog

MOST_KEYS: Final = 1000
"""Keys of one token in one room that are known: those used last."""

MOST_SCANNED: Final = 50_000
"""The newest lines of a room in which keys are looked for after a restart."""

MOST_AT_HAND: Final = 20_000
"""Keys that are in memory, of all tokens and rooms; others are read again."""

_PAGE: Final = 500
_MARK: Final = "~"  # no nickname begins with it

_DIFFERENT: Final = "That Idempotency-Key was used for another text: give each new line a new key."


class Saying:
    """Something that was said with a key, or is about to be.

    :ivar event: as it was committed; None so far.
    """

    __slots__ = ("_waiting", "event", "kind", "text")

    def __init__(self, kind: Kind, text: str, event: Event | None = None) -> None:
        self.kind = kind
        self.text = text
        self.event = event
        self._waiting: list[Deferred[Event]] = []

    def result(self) -> Deferred[Event]:
        """Return what fires with the event as it was committed, or fails as that did."""
        waiting: Deferred[Event] = Deferred()
        if self.event is not None:
            waiting.callback(self.event)
        else:
            self._waiting.append(waiting)
        return waiting

    def finish(self, result: Event | Failure) -> None:
        """Tell whoever waits."""
        if isinstance(result, Event):
            self.event = result
        for waiting in self._waiting:
            waiting.callback(result)
        self._waiting.clear()


class _Known:
    """The keys of one token in one room."""

    __slots__ = ("loading", "sayings")

    def __init__(self, loading: list[Deferred[None]]) -> None:
        self.sayings: OrderedDict[str, Saying] = OrderedDict()
        self.loading: list[Deferred[None]] | None = loading  # who waits; None once it is read

    @property
    def busy(self) -> bool:
        return self.loading is not None or any(s.event is None for s in self.sayings.values())


class Repeats:
    """Every key that is known.

    :param log: where lines are with their marks.
    """

    def __init__(self, log: ILog) -> None:
        self._log = log
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    def __len__(self) -> int:
        """Return how many keys are at hand, and places where keys may be."""
        return sum(1 + len(known.sayings) for known in self._known.values())

    def read(self, token: str, room: str, by: str, now: float) -> Deferred[None]:
        """See to it that the keys of a token in a room are at hand.

        :param by: the bot's identity.
        :param now: seconds since 1970.
        :returns: fires when they are; until the caller's turn ends. Fails with ChatError.
        """
        place, ready = (token, room), Deferred[None]()
        known = self._known.get(place)
        if known is not None:
            self._known.move_to_end(place)
            if known.loading is None:
                ready.callback(None)
            else:
                known.loading.append(ready)
            return ready
        known = self._known[place] = _Known([ready])
        reading = Deferred.fromCoroutine(self._read(known, room, by, now))
        reading.addBoth(self._have_read, place, known)
        return ready

    def find(
        self, token: str, room: str, mark: str, kind: Kind, text: str, now: float
    ) -> Saying | None:
        """Return what was said with a key, or is about to be; call read before.

        :param mark: see mark_of.
        :raises ChatError: KEY_REUSED, if that was something else.
        """
        sayings = self._known[token, room].sayings
        saying = sayings.get(mark)
        if saying is not None and saying.event is not None and saying.event.at < now - DAY:
            del sayings[mark]
            return None
        if saying is not None and (saying.kind, saying.text) != (kind, text):
            raise ChatError(Code.KEY_REUSED, _DIFFERENT)
        return saying

    def begin(self, token: str, room: str, mark: str, kind: Kind, text: str) -> Saying:
        """Take note of something that is about to be said."""
        known = self._known[token, room]
        saying = known.sayings[mark] = Saying(kind, text)
        self._bound(known)
        return saying

    def end(
        self, token: str, room: str, mark: str, saying: Saying, result: Event | Failure
    ) -> None:
        """Take note of what became of it: what was not said may be said again."""
        known = self._known.get((token, room))
        if isinstance(result, Failure) and known and known.sayings.get(mark) is saying:
            del known.sayings[mark]
        saying.finish(result)

    # Inside.

    async def _read(self, known: _Known, room: str, by: str, now: float) -> None:
        end = await self._log.head(room) + 1
        found: list[Event] = []  # the newest first
        for _ in range(MOST_SCANNED // _PAGE):
            page = await self._log.before(room, end, _PAGE)
            found += [one for one in reversed(page) if one.by == by and one.to.startswith(_MARK)]
            if len(page) < _PAGE or page[0].at < now - DAY or len(found) >= MOST_KEYS:
                break
            end = page[0].seq
        for event in reversed(found[:MOST_KEYS]):
            known.sayings[event.to] = Saying(event.kind, event.text, event)

    def _have_read(self, result: Failure | None, place: tuple[str, str], known: _Known) -> None:
        waiting, known.loading = known.loading or [], None
        if isinstance(result, Failure) and self._known.get(place) is known:
            del self._known[place]
        for one in waiting:
            one.callback(result)
        self._bound(known)

    def _bound(self, known: _Known) -> None:
        """Forget the oldest keys of a token in a room, then what was not asked for longest."""
        while len(known.sayings) > MOST_KEYS:
            mark = next((m for m, s in known.sayings.items() if s.event is not None), None)
            if mark is None:
                break
            del known.sayings[mark]
        if len(self) <= MOST_AT_HAND:
            return
        for place in [*self._known]:
            if self._known[place] is not known and not self._known[place].busy:
                del self._known[place]
                if len(self) <= MOST_AT_HAND:
                    return


def mark_of(token: str, room: str, key: str) -> str:
    """Return what is stored with a line for the key with which it was said.

    :param token: its digest.
    """
    hashed = hashlib.sha256(f"{token} {room} {key}".encode()).digest()
    return _MARK + base64.urlsafe_b64encode(hashed[:16]).decode().rstrip("=")
