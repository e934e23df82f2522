"""What a program does in a room that has a bot's token: say something there, read there.

The rules are everybody's: who is banned or muted, by name or address, moderated and slow rooms, how
much in how much time, which of the past is to be read. Knows no wires; see listeners.py as well.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatservice.bots.callers import Caller, Callers
from chatservice.bots.repeats import Repeats, mark_of
from chatservice.delivery.feed import fitting
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.parts import Parts
from chatservice.people.person import Person
from chatservice.rooms.room import Room
from chatservice.text import MAX_LINE, clean

MOST_READ: Final = 500
"""Lines that are read at once, at most; so many as fit into a feed.PIECE."""


class Page(NamedTuple):
    """A part of a room's past.

    :ivar events: oldest first.
    :ivar next: the number after which to go on, or before which; None if there is nothing more
        before it.
    """

    events: Sequence[Event]
    next: int | None


class Programs:
    """What tokens are good for. All of it fails with ChatError."""

    def __init__(self, parts: Parts, callers: Callers) -> None:
        self._history = parts.log
        self._now = parts.now
        self._order = parts.order
        self._admission = parts.rooms.admission
        self._callers = callers
        self._repeats = Repeats(parts.log)

    def say(
        self, caller: Caller, room: str, text: str, kind: Kind = Kind.SAID, key: str = ""
    ) -> Deferred[Event]:
        """Say something in a room, or with Kind.ACTED do it.

        :param room: its name, as rooms have it.
        :param text: one line, not cleaned yet.
        :param key: the program's name for this line: what is asked for again with it within a day
            is said once; "" for none.
        :returns: fires with the event once it is committed.
        """
        return Deferred.fromCoroutine(self._say(caller, room, text, kind, key))

    def read(
        self, caller: Caller, room: str, after: int | None, before: int | None, limit: int
    ) -> Deferred[Page]:
        """Return lines of a room: those after a number, before one, between two, or the newest.

        :param limit: how many at most; there may be fewer, and more behind them.
        """
        return Deferred.fromCoroutine(self._read(caller, room, after, before, limit))

    # Inside: saying.

    async def _say(self, caller: Caller, name: str, text: str, kind: Kind, key: str) -> Event:
        token, person, room = self._callers.enter(caller, name, writing=True)
        text = _line(text)
        if not key:
            return await self._publish(person, room, kind, text, "")
        mark = mark_of(token.key, room.name, key)
        await self._repeats.read(token.key, room.name, token.bot, self._now())
        saying = self._repeats.find(token.key, room.name, mark, kind, text, self._now())
        if saying is not None:
            return await saying.result()
        token, person, room = self._callers.check(
            caller, name, writing=True
        )  # that may have taken long
        saying = self._repeats.begin(token.key, room.name, mark, kind, text)
        try:
            event = await self._publish(person, room, kind, text, mark)
        except Exception:
            self._repeats.end(token.key, room.name, mark, saying, Failure())
            raise
        self._repeats.end(token.key, room.name, mark, saying, event)
        return event

    async def _publish(self, person: Person, room: Room, kind: Kind, text: str, mark: str) -> Event:
        self._order.check()
        heard = self._admission.speak(person, room) and self._callers.heard(person, room)
        event = self._order.event(room.name, kind, person, text, mark)
        if not heard:  # to whoever says it all is as ever
            return event.numbered(await self._history.head(room.name) + 1)
        return (await self._history.append([event]))[0]

    # Inside: reading.

    async def _read(
        self, caller: Caller, name: str, after: int | None, before: int | None, limit: int
    ) -> Page:
        _, _, room = self._callers.enter(caller, name, writing=False)
        floor, name = room.charter.floor, room.name
        if after is not None:
            page = await self._history.after(name, max(after, floor), limit)
            found = [event for event in page if before is None or event.seq < before]
            found = found[: fitting(found)]
            return Page(found, found[-1].seq if found else max(after, floor))
        head = await self._history.head(name)
        end = head + 1 if before is None else min(before, head + 1)
        found = [e for e in await self._history.before(name, end, limit) if e.seq > floor]
        newest = [*reversed(found)]
        found = newest[: fitting(newest)][::-1]
        if before is None:
            return Page(found, max(head, floor))
        return Page(found, found[0].seq if found and found[0].seq > floor + 1 else None)


def _line(text: str) -> str:
    """Return what is to be said, cleaned.

    :raises ChatError: BAD_ARGUMENTS or LINE_TOO_LONG.
    """
    if "\n" in text or "\r" in text:
        raise ChatError(
            Code.BAD_ARGUMENTS,
            "That is more than one line: one request says one line, so send one for each.",
        )
    cleaned = clean(text)
    if not text or text.isspace():
        raise ChatError(Code.BAD_ARGUMENTS, "There is nothing to say: send a line of text.")
    if len(cleaned.encode()) > MAX_LINE:
        text = f"That line is longer than {MAX_LINE} bytes and was not said: make it shorter."
        raise ChatError(Code.LINE_TOO_LONG, text)
    return cleaned
