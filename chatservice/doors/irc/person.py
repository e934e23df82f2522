"""One person at the IRC door: what it is told in words of its own, and what not.

The events of rooms come encoded once for all with the same capabilities (dialect.py). Of single
people's concern, and looked at for them alone, are only the batches in which they did something
themselves, or in which something happened in several rooms at once; see IBatch.alike.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.greeting import back, greet, inside, known_anew
from chatservice.doors.irc.labels import LABEL
from chatservice.doors.irc.refusals import numeric
from chatservice.doors.irc.retold import retold
from chatservice.doors.irc.voice import IrcVoice
from chatservice.doors.irc.wording import by_quote
from chatservice.errors import ChatError, Code
from chatservice.events import ABOUT, AROUND, INVITATION, LOGIN, Event, Kind
from chatservice.interfaces import IBatch
from chatservice.people.away import AWAY
from chatservice.plain import render
from chatservice.presence.presence import IS_AWAY
from chatservice.presence.watching import WATCHED

_REMEMBERED: Final = 32
"""Things that happened everywhere of which one remembers having been told."""

_ECHOED: Final = frozenset(
    (
        *(Kind.SAID, Kind.ACTED, Kind.REMARKED, Kind.PRIVATE, Kind.HINTED),
        *(Kind.TAGGED, Kind.NUDGED),
    )
)
_BEFALLEN: Final = frozenset({Code.KICKED, Code.BANNED, Code.MUTED})
"""What refuses nothing that was asked for; a KICK says it by itself."""
_UNSAID: Final = frozenset({Kind.PROMPT, Kind.SWITCHED, Kind.HELLO, Kind.DONE})


class IrcPerson(IrcVoice):
    """What of an IRC connection does not depend on how its lines are framed."""

    _early: tuple[bytes, ...] = ()  # what happened before it was welcomed
    _welcomed = False
    _joined: frozenset[str] = frozenset()  # rooms it was told of before that
    _unknown: frozenset[str] = frozenset()  # rooms of which it is to be told anew
    _heard_of: deque[tuple[object, ...]] | None = None

    # For Connection and the core.

    def greet(self) -> None:
        """Say nothing: by IRC the client begins."""

    def stamp(self, on: bool) -> None:
        """Do nothing: server-time says when; see IMember."""

    def deliver(self, batch: IBatch) -> bool:
        """Write a batch; see IMember. The fan-out: nothing is done here that need not be."""
        if self._taste is not None or not (batch.room and self._welcomed):
            return self.deliver_all((batch,))
        if batch.alike(self.session.person.place.inbox):
            return self._outlet.write(batch.encoded(self.lines))
        return self.deliver_all((batch,))

    def _encode(self, batch: IBatch) -> bytes:
        if not batch.room:
            return self._encode_answers(batch.events)
        if self._welcomed and batch.alike(self.session.person.inbox):
            return batch.encoded(self._dialects.here)
        parted = batch.parted(self._dialects.here, self.person.inbox)
        return b"".join(
            [
                self._late(data) if event is None else self._singly(event, data)
                for event, data in parted
            ]
        )

    def _encode_to_taste(self, batch: IBatch) -> bytes:
        taste = self._taste
        if taste is None or not any(map(taste.concerns, batch.events)):
            return self._encode(batch)
        if not batch.room:
            return self._encode_answers(
                [e for e in batch.events if _asked(e) or not taste.hides(e)]
            )
        each = batch.each(self._dialects.here)
        return b"".join([self._singly(e, data) for e, data in each if not taste.hides(e)])

    def _encode_answers(self, events: Sequence[Event]) -> bytes:
        if not any(event.past for event in events):  # nearly always
            return b"".join(map(self._encode_answer, events))
        data = b""
        for lines, others in retold(self, events):
            data += self._shown(lines) + b"".join(map(self._encode_answer, others))
        return data

    def _missed(self, room: str) -> list[str]:
        """Tell how a room is of which not all was told, behind all that is still to be told of it.

        Comings and goings up to here are not known any more.
        """
        clock = self.hub.clock
        if clock is None:
            return known_anew(self, room)

        async def find() -> list[Event]:
            self._unknown -= {room}
            now = self.hub.now()
            return [Event(0, now, "", Kind.WIRE, "", line) for line in known_anew(self, room)]

        if room not in self._unknown:  # else it is told of it as it will be then
            self._unknown |= {room}
            clock.callLater(0, self.hub.excerpts.tell, self, find)
        return []

    # What happens in rooms, as far as it is something of one's own.

    def _singly(self, event: Event, data: bytes) -> bytes:
        """Return what this person is shown of an event of a room."""
        if event.everywhere and self._known(event):
            return b""
        if not self._own(event):
            return self._late(data)
        heard = self._late(data) if event.kind in _ECHOED and event.to == event.nick else b""
        if event.kind in _ECHOED and not self.has("echo-message"):
            return heard  # what it says to itself it hears all the same
        lines = self.lines.lines(event)
        match event.kind:
            case Kind.JOINED:
                del lines[1:]  # that it is away, it knows
                lines += inside(self, event.room)
                if not self._welcomed:
                    self._joined |= {event.room}
            case Kind.RENAMED:
                self._names = (self._names[-1] if self._names else event.nick, event.text)
            case Kind.LEFT if event.everywhere:
                return b""  # the end of the connection says so
            case Kind.AWAY | Kind.ACCOUNT:
                return b""  # it has been told by a numeric
            case Kind.NOTED if event.aside == INVITATION:
                return b""  # as well
            case _:
                pass
        if self.labels.open:
            self.labels.take(lines)
            return heard
        return heard + self._late(b"".join(map(self.framed, lines)))

    def _own(self, event: Event) -> bool:
        """Tell whether this very connection did something; others may have its identity."""
        return event.by == self.person.inbox and event.nick in (self._names or (event.nick,))

    def _known(self, event: Event) -> bool:
        """Tell whether this was told already, in another room; else it is from now on."""
        what = (event.kind, event.by, event.at, event.text)
        if self._heard_of is None:
            if len(self.person.place.rooms) < 2:
                return False
            self._heard_of = deque(maxlen=_REMEMBERED)
        if what in self._heard_of and not self._outlet.holding:
            return True
        self._heard_of.append(what)
        return False

    def _late(self, data: bytes) -> bytes:
        """Keep for later what came before the welcome."""
        if self._welcomed:
            return data
        self._early = (*self._early, data)
        return b""

    # What is for this person alone.

    def _written(self, event: Event) -> bytes:
        if event.room and not event.past and self._own(event):  # shown to nobody else
            return self._singly(event, self._dialects.here.encode(event))
        if event.kind is Kind.DONE:
            return b"".join(map(self.framed, self.labels.end(event.to)))
        if event.kind is Kind.WIRE and event.aside == LABEL:
            self.labels.begin(event.text, event.to)
            return b""
        lines = self._answered(event)
        if _asked(event):  # once; it answers nothing
            return b"".join(map(self.framed, lines))
        return self._shown(lines) + self._after(event)

    def _shown(self, lines: list[str]) -> bytes:
        """Return lines for this person alone, if they need not wait for the end of an answer."""
        if self.labels.open:
            self.labels.take(lines)
            return b""
        return b"".join(map(self.framed, lines))

    def _answered(self, event: Event) -> list[str]:
        """Return an answer as lines."""
        match event.kind:
            case Kind.WIRE:
                return [event.text]
            case Kind.WELCOME:
                self._names = (*self._names[-1:], event.nick or self.called)
                return [*greet(self), *back(self, self._joined)]
            case Kind.NOTICE if event.aside == LOGIN:
                return self.logged_in(self.person.account, event.text)
            case Kind.NOTICE if event.aside == AWAY:
                return [self._about_away(event.text)]
            case Kind.NOTICE if event.aside in (ABOUT, AROUND):
                return []  # the topic has a numeric, and lines of the past have their times
            case Kind.NOTICE:
                return self.notice(by_quote(event.text))
            case Kind.RECORDED:
                return self.notice(render(event))
            case Kind.RESUME:
                token = event.text.partition(" ")[0]
                text = f"To come back, connect with the nickname {event.nick} and: PASS {token}"
                return self.notice(text)
            case Kind.ERROR if event.nick in _BEFALLEN:
                self.person.refused = event.text
                return [] if event.nick == Code.KICKED else self.notice(event.text)
            case Kind.ERROR:
                refusal = ChatError(Code(event.nick), event.text)
                found, *params = numeric(refusal, None)
                return [self.numbered(found, *params)]
            case Kind.INVITED:
                return self.lines.lines(event._replace(to=self.called))
            case Kind.GAP:
                return self._missed(event.text)
            case _ if _asked(event):
                return self._watched(event)
            case kind if kind in _UNSAID or not event.room:
                return []
            case _:
                return self.lines.lines(event)

    def _about_away(self, text: str) -> str:
        """Return that somebody to whom was written is away, or oneself is not any more."""
        nick, said, reason = text.partition(IS_AWAY)
        if not said:
            return self.numbered(n.RPL_UNAWAY, text)
        return self.numbered(n.RPL_AWAY, nick, reason)

    def _watched(self, event: Event) -> list[str]:
        """Return that somebody who is watched has come, is gone, or did something everywhere.

        Who shares a room with it hears that there (ircv3.net/specs/extensions/extended-monitor).
        """
        if event.kind is Kind.JOINED:
            mask = self.lines.mask(event.nick, event.by)
            return [self.numbered(n.RPL_MONONLINE, mask)]
        if event.kind is Kind.LEFT:
            return [self.numbered(n.RPL_MONOFFLINE, event.nick)]
        wearer = self.hub.parts.nicks.wearer(event.nick)
        shared = wearer is not None and wearer.place.rooms.keys() & self.person.place.rooms.keys()
        return self.lines.lines(event) if self.has("extended-monitor") and not shared else []

    def _after(self, event: Event) -> bytes:
        """Return what has to wait for the welcome."""
        if event.kind is not Kind.WELCOME:
            return b""
        self._welcomed = True
        early, self._early = self._early, ()
        return b"".join(early)


def _asked(event: Event) -> bool:
    """Tell whether an event is of somebody whom one watches."""
    return event.kind in WATCHED and not event.room
