"""One person at the IRC door: what it is told in words of its own, and what not.

The events of rooms come encoded once for all with the same capabilities (dialect.py). Of single
people's concern, and looked at for them alone, are only the batches in which they did something
themselves, or in which something happened in several rooms at once; see IBatch.alike.
"""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from chatservice.accounts import Account
from chatservice.away import AWAY
from chatservice.doors.connection import Connection, Dialects
from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.capabilities import SHAPING, Negotiation
from chatservice.doors.irc.greeting import back, greet, inside, known_anew, numbered
from chatservice.doors.irc.labels import LABEL, Labels
from chatservice.doors.irc.message import Message, answer, say, write
from chatservice.doors.irc.refusals import numeric
from chatservice.doors.irc.registration import Registration
from chatservice.doors.irc.retold import retold
from chatservice.errors import ChatError, Code
from chatservice.events import ABOUT, AROUND, INVITATION, LOGIN, Event, Kind
from chatservice.hub import Hub
from chatservice.interfaces import IBatch
from chatservice.person import Person
from chatservice.plain import render
from chatservice.presence import IS_AWAY
from chatservice.watching import WATCHED

if TYPE_CHECKING:
    from chatservice.doors.irc.protocol import IrcFactory

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


class IrcPerson(Connection):
    """What of an IRC connection does not depend on how its lines are framed."""

    factory: "IrcFactory"

    parting = ""  # what it said on leaving
    _account = ""  # to which it was told that it is logged in
    _names: tuple[str, ...] = ()  # that it knows itself by, the one it has now last
    _early: tuple[bytes, ...] = ()  # what happened before it was welcomed
    _welcomed = False
    _joined: frozenset[str] = frozenset()  # rooms it was told of before that
    _unknown: frozenset[str] = frozenset()  # rooms of which it is to be told anew
    _heard_of: deque[tuple[object, ...]] | None = None

    def connectionMade(self) -> None:
        """Let somebody in; it speaks first."""
        self.registration = Registration()
        self.negotiation = Negotiation()
        self.labels = Labels(self.server)
        super().connectionMade()

    # What handlers of commands use.

    @property
    def hub(self) -> Hub:
        """The chat."""
        return self.factory.hub

    @property
    def person(self) -> Person:
        """Who this is to the core."""
        return self.session.person

    @property
    def server(self) -> str:
        """The server's name."""
        return self.factory.server_name

    @property
    def called(self) -> str:
        """What numerics call the client: its nickname, the last one, or ``*`` before the first."""
        return self.person.nick or (self._names[-1] if self._names else "*")

    def has(self, capability: str) -> bool:
        """Tell whether a capability was agreed on."""
        return capability in self.negotiation.agreed

    def reshape(self) -> None:
        """Write what happens from now on as the capabilities ask for."""
        self.person.looks_back = self.has("draft/chathistory")
        self._dialects = self.dialects_at(stamped=True)

    def dialects_at(self, stamped: bool) -> Dialects:
        """Return how events are written: with time and number if that was agreed on."""
        self.lines = dialect = self.factory.dialect(self.negotiation.agreed & SHAPING)
        return Dialects(dialect, dialect)

    def reply(self, number: str, *params: str) -> None:
        """Answer with a numeric, behind all that the person did before."""
        self.send(number, self.called, *params)

    def send(self, command: str, *params: str, source: str | None = None) -> None:
        """Tell this client something, behind all that the person did before.

        :param source: who says it; by default the server.
        """
        source = self.server if source is None else source
        self.wire(answer(command, *params, source=source))

    def wire(self, *lines: str) -> None:
        """Tell this client lines that are ready, behind all that the person did before."""
        if not lines:
            return
        now = self.hub.now()
        self.hub.answer(self.person, *(Event(0, now, "", Kind.WIRE, "", line) for line in lines))

    def batched(self, kind: str, lines: list[str], *params: str) -> list[str]:
        """Return lines as a batch, if batches were agreed on; else as they are.

        :param params: what stands behind the batch's type.
        """
        return self.labels.batched(kind, lines, *params) if self.has("batch") else lines

    def refuse(self, refusal: ChatError, asked: Message | None, about: str = "") -> None:
        """Tell this client why something was not done."""
        self.hub.meters.refuse(refusal.code)
        self.person.refused = refusal.message
        self.reply(*numeric(refusal, asked, about))

    def fail(self, command: str, code: str, *params: str) -> None:
        """Tell this client of an error that has no numeric (standard-replies).

        Also if that was not agreed on: what needs it says so, and the others show it as it is.

        :param params: what it is about, and why.
        """
        self.send("FAIL", command, code, *params)

    # For Connection and the core.

    def greet(self) -> None:
        """Say nothing: by IRC the client begins."""

    def stamp(self, on: bool) -> None:
        """Do nothing: server-time says when; see IMember."""

    def disconnect(self) -> None:
        """Say why, and close in good order; see IMember."""
        line = write("ERROR", f"Closing link: {self._farewell()}")
        self.answer(self.framed(line))
        super().disconnect()

    def _farewell(self) -> str:
        """Return why the connection ends."""
        if self.person.replaced:
            return "You came back on another connection"
        if self.hub.closing:
            return "The server is closing"
        return self.parting or self.person.refused or "Goodbye"

    def framed(self, line: str) -> bytes:
        """Return a line as it goes over this wire."""
        return self.factory.framed(line)

    def deliver(self, batch: IBatch) -> bool:
        """Write a batch; see IMember. The fan-out: nothing is done here that need not be."""
        if self._taste is not None or not (batch.room and self._welcomed):
            return self.deliver_all((batch,))
        if batch.alike(self.session.person.inbox):
            return self._outlet.write(batch.encoded(self._dialects.here))
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
                self._names = (event.nick,)  # perhaps it has left again by now
                return [*greet(self), *back(self, self._joined)]
            case Kind.NOTICE if event.aside == LOGIN:
                return self.logged_in(self.person.account, event.text)
            case Kind.NOTICE if event.aside == AWAY:
                return [self._about_away(event.text)]
            case Kind.NOTICE if event.aside in (ABOUT, AROUND):
                return []  # the topic has a numeric, and lines of the past have their times
            case Kind.NOTICE:
                return self.notice(event.text)
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
                return [numbered(self, found, *params)]
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

    def logged_in(self, account: Account | None, text: str = "", again: bool = False) -> list[str]:
        """Return that this client is logged in, or no more; nothing if it was told that already.

        :param text: what to say about it.
        :param again: whether to tell it all the same.
        """
        name = "" if account is None else account.name
        if name == self._account and not again:
            return []
        self._account = name
        mask = self.lines.mask(self.called)
        if not name:
            return [numbered(self, n.RPL_LOGGEDOUT, mask, text)]
        return [numbered(self, n.RPL_LOGGEDIN, mask, name, f"You are now logged in as {name}")]

    def _about_away(self, text: str) -> str:
        """Return that somebody to whom was written is away, or oneself is not any more."""
        nick, said, reason = text.partition(IS_AWAY)
        if not said:
            return numbered(self, n.RPL_UNAWAY, text)
        return numbered(self, n.RPL_AWAY, nick, reason)

    def _watched(self, event: Event) -> list[str]:
        """Return that somebody who is watched has come, is gone, or did something everywhere.

        Who shares a room with it hears that there (ircv3.net/specs/extensions/extended-monitor).
        """
        if event.kind is Kind.JOINED:
            mask = self.lines.mask(event.nick, event.by)
            return [numbered(self, n.RPL_MONONLINE, mask)]
        if event.kind is Kind.LEFT:
            return [numbered(self, n.RPL_MONOFFLINE, event.nick)]
        wearer = self.hub.parts.nicks.wearer(event.nick)
        shared = wearer is not None and wearer.place.rooms.keys() & self.person.place.rooms.keys()
        return self.lines.lines(event) if self.has("extended-monitor") and not shared else []

    def notice(self, text: str) -> list[str]:
        """Return what the server says to this client, in several lines if it must be."""
        return [*say("NOTICE", self.called, text, source=self.server)]

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
