"""The client's connection: offers the nickname, tells its user what it hears, comes back.

Knows the plain lines' form (plain.py) and nothing of terminals. What the server sends is as
hostile as what anybody sends: it is cleaned before anybody sees it.
"""

import itertools
import os
import unicodedata
from collections.abc import Iterator
from typing import Any, Final, Protocol, cast

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.application.internet import ClientService, backoffPolicy
from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import (
    IProtocol,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from chatservice.client.options import Settings
from chatservice.client.outbox import retry_after
from chatservice.doors.liveness import prepare, tcp_below
from chatservice.errors import Code
from chatservice.events import Event, Kind
from chatservice.interfaces import IClock, ITimer
from chatservice.names import MAX_NICK
from chatservice.plain import parse
from chatservice.text import decode

LONGEST: Final = 16 << 10
"""Bytes in a line of the server's; a longer one ends the connection."""

CLOSED: Final = "the server closed the connection"

ANSWER: Final = 10.0
"""Seconds in which the other side must say something at all."""

PING: Final = 60.0
PING_TIMEOUT: Final = 30.0
"""Seconds of silence before the kernel asks for a sign of life, and in which it must come."""

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0


class Endpoint(Protocol):
    """Where to connect (IStreamClientEndpoint)."""

    def connect(self, factory: Any, /) -> Deferred[IProtocol]:
        """Connect."""


class User(Protocol):
    """Whom a link talks to."""

    def joined(self, nick: str) -> None:
        """The chat is open, under this nickname."""

    def heard(self, event: Event) -> None:
        """Something was said, happened or was answered."""

    def refused(self, reason: str) -> None:
        """No nickname was accepted; Link.offer can try another."""

    def lost(self, reason: str, pause: float) -> None:
        """There is no connection; the next try is after so many seconds."""


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
        self.factory.link._heard(parse(decode(line.rstrip(b"\r"))))

    def lineLengthExceeded(self, line: bytes) -> None:
        self.factory.link._give_up("the server sent a line without end")

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.factory.link._disconnected(reason)


class _Lines(Factory):
    protocol = _Line  # type: ignore[assignment]
    noisy = False

    def __init__(self, link: "Link") -> None:
        self.link = link


@implementer(IStreamClientEndpoint)
class _Watched:
    """An endpoint that tells why it could not connect."""

    def __init__(self, endpoint: Endpoint, link: "Link") -> None:
        self._endpoint = endpoint
        self._link = link

    def connect(self, factory: object) -> Deferred[IProtocol]:
        return self._endpoint.connect(factory).addErrback(self._failed)

    def _failed(self, failure: Failure) -> Failure:
        self._link._reason = describe(failure)
        return failure


class Link:
    """A place in the chat that is kept for as long as the user wants it.

    :param clock: for the pauses.
    :param endpoint: where to connect.
    :param nick: the nickname to offer first; taken ones are followed by a number.
    :param user: whom to tell.
    """

    def __init__(self, clock: IClock, endpoint: Endpoint, nick: str, user: User) -> None:
        self.nick = unicodedata.normalize("NFC", nick.strip())
        self.joined = False
        self._wanted = False
        self._clock = clock
        self._user = user
        self._line: _Line | None = None
        self._reason = CLOSED
        self._refusal: Event | None = None
        self._wish = self.nick  # what alternatives are made of
        self._alternatives = _alternatives(self._wish)
        self._failures = 0  # since we were last in
        self._deadline: ITimer | None = None
        self._pauses = backoffPolicy(FIRST_PAUSE, LONGEST_PAUSE, factor=2.0)
        self._service = ClientService(
            _Watched(endpoint, self),  # type: ignore[arg-type]
            _Lines(self),  # type: ignore[arg-type]
            retryPolicy=self._pause,
            clock=cast("IReactorTime", clock),
        )

    def start(self) -> None:
        """Connect, and connect again whenever the connection is gone."""
        self._wanted = True
        self._service.startService()

    def stop(self) -> "Deferred[None]":
        """Disconnect and stay so; fires when that is done."""
        self._wanted = False
        stopped: Deferred[None] | None = self._service.stopService()
        if stopped is None:
            stopped = Deferred()
            stopped.callback(None)
        return stopped

    def send(self, line: str) -> bool:
        """Send a line as a person would type it.

        :returns: False if there is no connection in which to say it.
        """
        if not self.joined or self._line is None:
            return False
        self._line.sendLine(line.encode("utf-8", "replace"))
        return True

    def offer(self, nick: str) -> None:
        """Offer a nickname instead of a refused one."""
        self.nick = unicodedata.normalize("NFC", nick.strip())
        self._wish = self.nick
        self._alternatives = _alternatives(self._wish)
        self._offer()

    def _offer(self) -> None:
        self._refusal = None
        if self._line is not None:
            self._line.sendLine(self.nick.encode("utf-8", "replace"))

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
                self.joined = True
                self._failures = 0
                self._alternatives = _alternatives(self._wish)
                self._user.joined(self.nick)
                return
            case Kind.RENAMED if event.nick == self.nick:
                self.nick = self._wish = event.text
            case Kind.ERROR:
                self._reason = event.text.rstrip(".")
                if not self.joined:
                    self._refusal = event
                    return
        self._user.heard(event)

    def _answer_prompt(self) -> None:
        refusal = self._refusal
        if refusal is None:
            self._offer()
        elif (pause := retry_after(refusal)) is not None:
            self._clock.callLater(pause, self._offer)
        elif refusal.nick == Code.NICK_TAKEN:
            self.nick = next(self._alternatives)
            self._offer()
        else:
            self._user.refused(refusal.text)

    def _disconnected(self, reason: Failure | None) -> None:
        self._line = None
        self.joined = False
        self._refusal = None
        self._relax()
        if reason is not None and not reason.check(ConnectionDone, ConnectionAborted):
            self._reason = describe(reason)

    def _pause(self, attempt: int) -> float:
        # The service counts from the last connection; one that did not let us in is none.
        pause = self._pauses(self._failures)
        self._failures += 1
        if self._wanted:  # told later: within this call the service cannot be stopped
            self._clock.callLater(0, self._user.lost, self._reason, pause)
        return pause


def _alternatives(nick: str) -> Iterator[str]:
    """Return nicknames to offer when this one is taken: with 2, 3, ... behind it."""
    return (f"{nick[: MAX_NICK - len(str(n))]}{n}" for n in itertools.count(2))


def describe(failure: Failure) -> str:
    """Return a failure's reason as one sentence without a full stop."""
    error = failure.value
    if failure.check(ConnectionDone):
        return CLOSED
    if isinstance(error, SSL.Error) and error.args and error.args[0]:
        return "TLS: " + ", ".join(str(entry[-1]) for entry in error.args[0])
    if isinstance(error, VerificationError):
        return "TLS: the certificate is not for this host"
    number = getattr(error, "osError", None)
    text = os.strerror(number) if isinstance(number, int) else failure.getErrorMessage()
    return text.rstrip(".")


def endpoint_for(reactor: object, settings: Settings) -> Endpoint:
    """Return where the settings say to connect.

    :raises OSError: if the file of authorities cannot be read.
    :raises ValueError: if it contains no certificate.
    """
    endpoint = HostnameEndpoint(reactor, settings.host, settings.port)
    if settings.tls:
        trust = ssl.platformTrust() if settings.tls_ca is None else _authorities(settings.tls_ca)
        options = ssl.optionsForClientTLS(settings.host, trustRoot=trust)
        return wrapClientTLS(options, endpoint)  # type: ignore[arg-type]
    return endpoint


def _authorities(path: str) -> Any:
    end = b"-----END CERTIFICATE-----"
    with open(path, "rb") as file:
        blocks = [block + end for block in file.read().split(end)[:-1]]
    if not blocks:
        raise ValueError(f"{path} contains no certificate")
    return ssl.trustRootFromCertificates([ssl.Certificate.loadPEM(block) for block in blocks])
