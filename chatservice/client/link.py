"""The client's connection: offers the nickname, tells its user what it hears, comes back.

Knows the plain lines' form (plain.py) and nothing of terminals. What the server sends is as
hostile as what anybody sends: it is cleaned before anybody sees it.
"""

import itertools
import time
import unicodedata
from collections.abc import Iterator
from typing import Final, Protocol, cast

from twisted.application.internet import ClientService, backoffPolicy
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from chatservice.client.errands import RESUME, TIMES, Errands
from chatservice.client.outbox import retry_after
from chatservice.client.place import Place
from chatservice.client.reach import CLOSED, ENCRYPT, Endpoint, Watched, describe
from chatservice.doors.liveness import prepare, tcp_below
from chatservice.errors import Code
from chatservice.events import Event, Kind
from chatservice.interfaces import IClock, ITimer
from chatservice.names import MAX_NICK
from chatservice.plain import parse
from chatservice.text import decode

LONGEST: Final = 16 << 10
"""Bytes in a line of the server's; a longer one ends the connection."""

ANSWER: Final = 10.0
"""Seconds in which the other side must say something at all."""

PING: Final = 60.0
PING_TIMEOUT: Final = 30.0
"""Seconds of silence before the kernel asks for a sign of life, and in which it must come."""

RETRY: Final = 5.0
"""Seconds after which a nickname is offered again that was refused for a reason that passes."""

_PASSING: Final = (Code.NOT_STORED, Code.NOT_READ, Code.BUSY)
_LOCKED: Final = (Code.NICK_REGISTERED, Code.BAD_PASSWORD, Code.TOO_MANY_TRIES)
THROWN_OUT: Final = (Code.KICKED, Code.BANNED)

THROWN: Final = 10.0
"""Seconds after it says so in which the server ends the connection of somebody thrown out."""

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0


class User(Protocol):
    """Whom a link talks to."""

    def joined(self, nick: str) -> None:
        """We are in, under this nickname; nothing can be said before present."""

    def present(self, whole: bool) -> None:
        """What is said from now on is heard.

        :param whole: whether all that was missed since the loss of the last connection has been
            told: what was on its way then and has not come back was not accepted.
        """

    def heard(self, event: Event) -> None:
        """Something was said, happened or was answered."""

    def refused(self, reason: str) -> None:
        """No nickname was accepted; Link.offer can try another."""

    def locked(self, refusal: Event) -> None:
        """The nickname needs a password: Link.unlock gives one, Link.offer another nickname."""

    def lost(self, reason: str, pause: float) -> None:
        """There is no connection; the next try is after so many seconds."""

    def thrown_out(self, reason: str) -> None:
        """Somebody has thrown us out of the chat: coming back is not for a program to decide."""


class _Line(LineOnlyReceiver):
    """The wire."""

    delimiter = b"\n"
    MAX_LENGTH = LONGEST
    factory: "_Lines"

    def connectionMade(self) -> None:
        if (below := tcp_below(self.transport)) is not None:
            prepare(below, PING, PING_TIMEOUT)
        self.factory.link._connected(self)

    def lineReceived(self, line: bytes) -> None:
        link = self.factory.link
        link.rung = line.startswith(b"\a")
        link._heard(parse(decode(line.strip(b"\r\a")), time.time()))

    def lineLengthExceeded(self, line: bytes) -> None:
        self.factory.link._give_up("the server sent a line without end")

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.factory.link._disconnected(reason)


class _Lines(Factory):
    protocol = _Line  # type: ignore[assignment]
    noisy = False

    def __init__(self, link: "Link") -> None:
        self.link = link


class Link:
    """A place in the chat that is kept for as long as the user wants it.

    :param clock: for the pauses.
    :param endpoint: where to connect.
    :param nick: the nickname to offer first; taken ones are followed by a number.
    :param user: whom to tell.
    :param stamps: whether to ask for each line's number. Without them what was read is counted,
        which costs no command but is right only for who never falls behind.
    :param password: the nickname's, to be sent if the server asks for it; "" for none.
    :param private: whether nobody between can read what is sent; else no password is sent unless
        a person decides to.
    :ivar thrown: whether the server wants nothing of us, as it said last.
    :ivar joined: whether we are in.
    :ivar ready: whether we are in and something can be said.
    :ivar rung: whether the server rings a bell at what is being told.
    """

    def __init__(
        self,
        clock: IClock,
        endpoint: Endpoint,
        nick: str,
        user: User,
        stamps: bool = True,
        password: str = "",
        private: bool = True,
    ) -> None:
        self.nick = unicodedata.normalize("NFC", nick.strip())
        self.joined = self.ready = self.rung = False
        self.private = private
        self.thrown = False
        self._password = password
        self._owner = self.nick  # whose that is
        self._thrown_at: float | None = None  # when we were told that, and
        self._last_words = ""  # in what words
        self._wanted = False
        self._clock = clock
        self._user = user
        self._line: _Line | None = None
        self._reason = CLOSED
        self._refusal: Event | None = None
        self._asked = False  # for a nickname
        self._wish = self.nick  # what alternatives are made of
        self._alternatives = _alternatives(self._wish)
        self._place = Place()
        self._resuming = False  # the token was offered on this connection
        self._errands = Errands(clock, self._write, user.heard, self._settled)
        self._commands = (RESUME, TIMES) if stamps else (RESUME,)
        self._failures = 0  # since we were last in
        self._deadline: ITimer | None = None
        self._pauses = backoffPolicy(FIRST_PAUSE, LONGEST_PAUSE, factor=2.0)
        self._service = ClientService(
            Watched(endpoint, self._unreachable),  # type: ignore[arg-type]
            _Lines(self),  # type: ignore[arg-type]
            retryPolicy=self._pause,
            clock=cast("IReactorTime", clock),
        )

    @property
    def can_return(self) -> bool:
        """Whether coming back tells what was missed."""
        return bool(self._place.token)

    @property
    def here(self) -> str:
        """The current room: what is typed is said there."""
        return self._place.here

    @property
    def room(self) -> str:
        """The current room if the server has named it; "" for where everybody starts."""
        return self._place.here if self._place.named else ""

    @property
    def catching_up(self) -> bool:
        """Whether what comes from the past now was missed while there was no connection."""
        return self.joined and not self.ready and self._resuming

    def start(self) -> None:
        """Connect, and connect again whenever the connection is gone."""
        self._wanted = True
        self._service.startService()

    def stop(self) -> "Deferred[None]":
        """Say goodbye, disconnect and stay so; fires when that is done."""
        if self._wanted and self.joined:  # without it we would be taken for lost, and waited for
            self._write("/quit")
        self._wanted = False
        stopped: Deferred[None] | None = self._service.stopService()
        if stopped is None:
            stopped = Deferred()
            stopped.callback(None)
        return stopped

    def send(self, line: str) -> bool:
        """Send a line as a person would type it.

        :returns: False if there is no connection in which to say it, or not yet.
        """
        if self.ready:
            self._write(line)
        return self.ready

    def offer(self, nick: str, password: str = "") -> None:
        """Offer a nickname instead of a refused one."""
        self.nick = unicodedata.normalize("NFC", nick.strip())
        self._wish = self.nick
        self._alternatives = _alternatives(self._wish)
        self._password = ""
        if password:
            self.unlock(password)
        else:
            self._offer()

    def unlock(self, password: str) -> None:
        """Offer the nickname with its password, which is kept for as long as this runs."""
        self._password, self._owner = password, self.nick
        self._refusal = None
        if self._asked:
            self._asked = self._resuming = False
            self._write(f"{self.nick} {password}")

    def _offer(self) -> None:
        """Answer the question for a nickname; unasked it would be said, token and all."""
        self._refusal = None
        if self._asked:
            self._asked = False
            self._resuming = self.can_return
            self._write(self._place.offer(self.nick))

    def _write(self, line: str) -> None:
        if self._line is not None:
            self._line.sendLine(line.encode("utf-8", "replace"))

    def _connected(self, line: _Line) -> None:
        self._line = line
        self._reason = CLOSED
        silent = f"no answer within {ANSWER:.0f} seconds; does that port speak chat, with TLS?"
        self._deadline = self._clock.callLater(ANSWER, self._give_up, silent)

    def _give_up(self, reason: str) -> None:
        """End a connection that leads nowhere."""
        if self._line is not None:
            self._reason = reason
            self._line.transport.abortConnection()  # type: ignore[union-attr]

    def _relax(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _heard(self, event: Event) -> None:
        self._relax()
        self._reason = CLOSED  # unless this is the last line and says why
        match event.kind:
            case Kind.PROMPT:
                self._answer_prompt()
                return
            case Kind.WELCOME:
                self._enter()
                return
            case Kind.RENAMED if event.nick == self.nick:
                self.nick = self._wish = event.text
            case Kind.RESUME:
                self._place.learn(event)
            case Kind.SWITCHED:  # it was out of a room
                self._thrown_at = None
            case Kind.KICKED if event.to == self.nick and not event.lobby:
                self._thrown_at = None
            case Kind.ERROR:
                self._reason = event.text.rstrip(".")
                if event.nick in THROWN_OUT:
                    self._thrown_at, self._last_words = self._clock.seconds(), self._reason
                if not self.joined:
                    self._refusal = event
                    return
        self._place.saw(event)
        self._errands.heard(event)

    def _answer_prompt(self) -> None:
        if self.joined:
            return
        self._asked = True
        refusal = self._refusal
        if refusal is None:
            self._offer()
            return
        pause = RETRY if refusal.nick in _PASSING else retry_after(refusal)
        if pause is not None:
            self._clock.callLater(pause, self._offer)
            return
        resuming = self.can_return
        self._place.forget()
        if refusal.nick == Code.BAD_PASSWORD:
            self._password = ""
        if refusal.nick == Code.NICK_TAKEN:
            self.nick = next(self._alternatives)
            self._offer()
        elif refusal.nick == Code.BAD_TOKEN and resuming:
            self._offer()
        elif refusal.nick == Code.NICK_REGISTERED and self._proves():
            self.unlock(self._password)
        elif refusal.nick in _LOCKED:
            self._user.locked(refusal)
        else:
            self.thrown = refusal.nick in THROWN_OUT
            advice = f" {ENCRYPT}" if refusal.nick == Code.NEEDS_ENCRYPTION else ""
            self._user.refused(f"{refusal.text}{advice}")

    def _proves(self) -> bool:
        """Tell whether there is a password for the nickname that nobody between could read."""
        return bool(self._password) and self._owner == self.nick and self.private

    def _enter(self) -> None:
        if self.joined:
            return
        self.joined = True
        self.thrown = False
        self._thrown_at = None
        self._failures = 0
        self._alternatives = _alternatives(self._wish)
        self._place.came_in()
        if self._resuming:
            self._place.came_back()
        self._user.joined(self.nick)
        self._errands.start(self._commands)

    def _settled(self, answered: bool) -> None:
        """Let the user speak: what was missed stands before the answers to our own commands."""
        self.ready = True
        self._user.present(self._resuming and answered and self._place.whole)

    def _unreachable(self, reason: str) -> None:
        self._reason = reason

    def _disconnected(self, reason: Failure | None) -> None:
        self._line = None
        self.joined = self.ready = self._asked = False
        self._refusal = None
        self._relax()
        self._errands.stop()
        if self._thrown_at is not None:
            self.thrown = self._clock.seconds() - self._thrown_at < THROWN
            self._thrown_at = None
        if reason is not None and not reason.check(ConnectionDone, ConnectionAborted):
            self._reason = describe(reason)

    def _pause(self, attempt: int) -> float:
        # The service counts from the last connection; one that did not let us in is none.
        pause = self._pauses(self._failures)
        self._failures += 1
        if self._wanted:  # told later: within this call the service cannot be stopped
            if self.thrown:
                self._clock.callLater(0, self._user.thrown_out, self._last_words)
            else:
                self._clock.callLater(0, self._user.lost, self._reason, pause)
        return pause


def _alternatives(nick: str) -> Iterator[str]:
    """Return nicknames to offer when this one is taken: with 2, 3, ... behind it."""
    return (f"{nick[: MAX_NICK - len(str(n))]}{n}" for n in itertools.count(2))
