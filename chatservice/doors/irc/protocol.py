"""The IRC door: any IRC client, in the same rooms as everybody.

    C: NICK alice
    C: USER alice 0 * :Alice Liddell
    S: :irc.example.org 001 alice :Welcome to the chat, alice!~alice@irc.example.org
    S: ...
    S: :alice!~alice@irc.example.org JOIN #lobby
    S: :irc.example.org 353 alice = #lobby :alice bob
    C: PRIVMSG #lobby :hello

RFC 1459 and 2812 as modern.ircdocs.horse has them, and IRCv3 (docs/irc.md). What a verb does stands
in commands/, what happens as messages in dialect.py, what is one person's alone in person.py
and voice.py.
"""

import socket
from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from chatservice.doors.connection import is_foreign
from chatservice.doors.factory import DoorFactory
from chatservice.doors.framing import LineFramer
from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands import Row, find
from chatservice.doors.irc.commands.markers import tell_marker
from chatservice.doors.irc.dialect import IrcLines
from chatservice.doors.irc.entrance import IrcNewcomer
from chatservice.doors.irc.labels import LABEL, MAX_LABEL
from chatservice.doors.irc.message import (
    MAX_BODY,
    MAX_TAGS_IN,
    BadLine,
    Message,
    NotUtf8,
    TooLong,
    parse,
)
from chatservice.doors.irc.person import IrcPerson
from chatservice.doors.irc.roster import Rosters
from chatservice.doors.outlet import Transport
from chatservice.errors import ChatError, Expelled
from chatservice.events import Event, Kind
from chatservice.hub import Hub
from chatservice.interfaces import IClock
from chatservice.limits import TokenBucket
from chatservice.session import State

ASKED: Final = 8
"""Questions that a client may ask for each line that it may say."""

MOST_UNREGISTERED: Final = 100
"""Messages that a client may send before it is in."""


def _too_long(irc: "IrcSpeaker", message: Message) -> None:
    irc.reply(n.ERR_INPUTTOOLONG, "That line is too long: make it shorter")


def _not_utf8(irc: "IrcSpeaker", message: Message) -> None:
    text = "That is not UTF-8 and was not taken"
    irc.fail(message.command or "*", "INVALID_UTF8", text)


TOO_LONG: Final = Row("", _too_long, registered=None)
NOT_UTF8: Final = Row("", _not_utf8, registered=None)
"""What is done instead of what a line asks for that cannot be taken."""


class IrcSpeaker(IrcNewcomer):
    """Takes messages and does what they ask for, one after another."""

    _said = 0  # before it is in
    _questions: TokenBucket | None = None

    def take(self, line: bytes) -> None:
        """Take one message as it came, without its end."""
        if not line.strip():
            return
        try:
            message = parse(line)
        except TooLong as bad:
            self.do(Message(bad.command, tags=bad.tags), TOO_LONG)
        except NotUtf8 as bad:
            self.do(Message(bad.command, tags=bad.tags), NOT_UTF8)
        except BadLine:
            pass
        else:
            self.do(message, find(message.command))

    def do(self, message: Message, row: Row) -> None:
        """Do what a message asks for, when its time has come."""
        if self.session.state is not State.JOINED:
            self._do_before(row, message)
        elif (wait := self._price(row, message)) > 0.0 and self.hub.clock is not None:
            self.hold("rate")
            self.hub.clock.callLater(wait, self._again, message, row)
        else:
            self._do_now(row, message)

    def _do_now(self, row: Row, message: Message) -> None:
        label = message.tags.get("label", "") if self.has("labeled-response") else ""
        if label and len(label) <= MAX_LABEL:
            self.session.do(self._labelled, row, message, label, free=True, patient=True)
        else:
            self.session.do(self._run, row, message, free=True, patient=True)
        self.wait_for_session()

    def _do_before(self, row: Row, message: Message) -> None:
        """Do what a message asks for that comes before its sender is in."""
        self._said += 1
        if self._said > MOST_UNREGISTERED:
            self.abort()
        elif self.session.state is State.CONNECTED:
            pending = self._run(row, message)
            if pending is not None and not pending.called:  # what comes next may hang on it
                self.hold("pending")
                pending.addBoth(lambda _: self.release("pending"))

    def _price(self, row: Row, message: Message) -> float:
        """Account for a message; who is too fast is not read for a while, rather than refused.

        Clients that come in ask several questions about each room at once; these have a rate of
        their own, or the first line would have to wait for them.

        :returns: after how many seconds it can be done, if not now.
        """
        quota = self.person.quota
        if quota is None or not row.cost:
            return 0.0
        if len(message.params) > row.asks:
            return quota.delay()
        if self._questions is None:
            limits, seconds = self.hub.limits, self.hub.parts.seconds
            self._questions = TokenBucket(ASKED * limits.burst, ASKED * limits.rate, seconds)
        if not (wait := self._questions.wait()):
            self._questions.take()
        return wait

    def _again(self, message: Message, row: Row) -> None:
        self._held -= {"rate"}
        if self.session.state is State.JOINED:
            self.do(message, row)
        if "rate" not in self._held:
            self._held |= {"rate"}
            self.release("rate")

    def _labelled(self, row: Row, message: Message, label: str) -> Deferred[None]:
        """Do something whose answers carry a label: behind all that is still to be answered."""
        person = self.person

        def begin(_: object) -> Deferred[None]:
            self._requests += 1
            person.request = str(self._requests)
            now, request = self.hub.now(), person.request
            opening = Event(0, now, "", Kind.WIRE, "", label, to=request, aside=LABEL)
            self.hub.answer(person, opening)
            done: Deferred[object] = maybeDeferred(self._run, row, message)
            return done.addBoth(end)

        def end(result: object) -> Deferred[None]:  # also of what went wrong: all would wait for it
            def go_on(_: None) -> None:
                if isinstance(result, Failure):
                    result.raiseException()

            return self.hub.complete(person).addCallback(go_on)

        return self.hub.complete(person).addCallback(begin)

    _requests = 0

    def _run(self, row: Row, message: Message) -> Deferred[None] | None:
        """Do it; a refusal is told as what it answers."""
        if not self._fits(row, message):
            return None
        try:
            pending = row.handler(self, message)
        except Expelled:
            raise
        except ChatError as refusal:
            self.refuse(refusal, message)
            return None
        if pending is not None:
            pending.addErrback(self._told, message)
        return pending

    def _fits(self, row: Row, message: Message) -> bool:
        registered = self.session.state is State.JOINED
        if row.registered is True and not registered:
            self.reply(n.ERR_NOTREGISTERED, "Register first: send NICK and USER")
        elif row.registered is False and registered:
            self.reply(n.ERR_ALREADYREGISTERED, "You are in already")
        elif len(message.params) < row.least or "" in message.params[: row.least]:
            self.reply(n.ERR_NEEDMOREPARAMS, message.command, "Not enough parameters")
        else:
            return True
        return False

    def _told(self, failure: Failure, message: Message) -> None:
        failure.trap(ChatError)
        refusal = failure.value
        if isinstance(refusal, ChatError):
            self.refuse(refusal, message)


class IrcProtocol(IrcSpeaker, LineFramer):
    """One connection at the IRC door, over a stream."""

    MAX_LENGTH = MAX_TAGS_IN + MAX_BODY
    speaks_telnet = False
    certified = True
    transport: Transport  # type: ignore[assignment]  # LineReceiver does not say what it is

    def dataReceived(self, data: bytes) -> None:
        """Take bytes from the wire, once it is clear that they may come in."""
        if not self._admitted and not self.admit():
            return
        if self.session.state is State.CONNECTED and is_foreign(data):
            self.refuse_foreign()
        else:
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Take one line, without its end."""
        match self.session.state:
            case State.CLAIMING:  # kept until it is decided who speaks
                self.take_later(line)
            case State.LEFT:
                self.clearLineBuffer()
            case _:
                self.session.in_turn(self.take, line)

    def lineTooLong(self) -> None:
        """Answer a line that was too long to be taken."""
        match self.session.state:
            case State.CLAIMING:
                self.take_later(None)
            case State.LEFT:
                pass
            case _:
                self.session.in_turn(self.do, Message(""), TOO_LONG)

    def resting(self) -> None:
        """Let others have their turn."""
        clock = self.factory.hub.clock
        if clock is not None:
            self.hold("turn")
            clock.callLater(0, self.release, "turn")

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Take what a peer that closed in good order has left; clean up."""
        in_order = reason is not None and reason.check(ConnectionDone)
        if in_order and self.session.state is State.JOINED:
            self.finish()
        super().connectionLost(reason)

    def pause(self) -> None:
        """Stop reading, between two lines."""
        self.pauseProducing()

    def resume(self) -> None:
        """Read again, first what was read already."""
        self.resumeProducing()


def framed(line: str) -> bytes:
    """Return a line as it goes over a stream."""
    return f"{line}\r\n".encode()


class IrcFactory(DoorFactory):
    """Makes the IRC door's connections; see DoorFactory for its other arguments.

    :param server: the server's name as clients see it; by default this host's.
    :param roomless: whether people come in without being in the lobby.
    :param motd: the message of the day, in lines; none of them for none.

    :ivar since: when it was made, seconds since 1970.
    """

    door = "irc"

    protocol = IrcProtocol  # type: ignore[assignment]

    def __init__(
        self,
        hub: Hub | None = None,
        *,
        clock: IClock | None = None,
        ping: float = 90.0,
        ping_timeout: float = 30.0,
        peer_known_late: bool = False,
        server: str = "",
        roomless: bool = False,
        motd: Sequence[str] = (),
    ) -> None:
        super().__init__(
            hub, clock=clock, ping=ping, ping_timeout=ping_timeout, peer_known_late=peer_known_late
        )
        self.server_name = server or socket.gethostname()
        self.roomless = roomless
        self.since = self.hub.now()
        self.framed: Callable[[str], bytes] = framed
        self.motd = motd
        self.rosters = Rosters(self.hub, self.server_name)
        self._dialects: dict[frozenset[str], IrcLines] = {}
        self.hub.markers.watch(self._read_on)

    def _read_on(self, identity: str, place: str, at: int) -> None:
        """Tell all clients of somebody how far it has read, those that want to know."""
        for person in self.hub.connections_of(identity):
            member = person.member
            if isinstance(member, IrcPerson) and member.factory is self:
                tell_marker(member, place, at)

    def dialect(self, capabilities: frozenset[str]) -> IrcLines:
        """Return the dialect of everybody with the same capabilities."""
        found = self._dialects.get(capabilities)
        if found is None:
            found = IrcLines(self.hub, self.server_name, capabilities, self.framed)
            self._dialects[capabilities] = found
        return found
