"""A web server in memory, and browsers that connect to it."""

import gzip
import json
from dataclasses import dataclass, field
from typing import cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chatservice.doors.irc.websocket import SUBPROTOCOLS, IrcWebFactory
from chatservice.doors.websocket import WebSocketFactory
from chatservice.hub import Hub
from chatservice.limits import UNLIMITED, Limits
from chatservice.people.person import Policy
from chatservice.site.chatsite import ChatSite
from chatservice.site.server import make_site
from chatservice.store.memory import MemoryLog


@dataclass
class Answer:
    """What a browser got."""

    status: int
    body: bytes = b""
    headers: dict[str, list[str]] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """Return a header that there is once; "" if there is none."""
        values = self.headers.get(name.lower(), [])
        assert len(values) < 2, values
        return values[0] if values else ""

    @property
    def text(self) -> str:
        """The body, as text."""
        body = self.body
        return (gzip.decompress(body) if self.header("Content-Encoding") else body).decode()

    @property
    def json(self) -> dict[str, str]:
        """The body, as JSON."""
        assert self.header("Content-Type") == "application/json"
        found: dict[str, str] = json.loads(self.body)
        return found


class Transport(StringTransport):
    """A connection that can be half closed."""

    half_closed = False
    protocol: object = None  # as a socket's transport knows it
    aborted = False

    def loseWriteConnection(self) -> None:
        """Take note."""
        self.half_closed = True

    def abortConnection(self) -> None:
        """Take note."""
        self.aborted = True
        super().abortConnection()


class Browser:
    """One HTTP connection."""

    def __init__(self, site: ChatSite, host: str = "192.0.2.1") -> None:
        self.transport = Transport(peerAddress=IPv4Address("TCP", host, 4242))
        channel = site.buildProtocol(None)
        assert channel is not None
        self.channel = channel
        self.transport.protocol = channel
        self.channel.makeConnection(self.transport)

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.channel.dataReceived(data)

    def ask(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        """Send a request; return the answer."""
        lines = [f"{method} {path} HTTP/1.1", "Host: chat.example"]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        (answer,) = self.answers(method)
        return answer

    def answers(self, method: str = "GET") -> list[Answer]:
        """Return the answers that came since the last call."""
        data: bytes = self.transport.value()
        self.transport.clear()
        found: list[Answer] = []
        while data:
            head, _, data = data.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            answer = Answer(int(first.split(" ")[1]))
            for line in lines:
                name, _, value = line.partition(": ")
                answer.headers.setdefault(name.lower(), []).append(value)
            if answer.status == 101:
                return [*found, answer]
            length = int(answer.header("Content-Length") or 0)
            if method != "HEAD" and answer.status != 304:
                answer.body, data = data[:length], data[length:]
            found.append(answer)
        return found

    def hang_up(self) -> None:
        """End the connection."""
        self.channel.connectionLost(Failure(ConnectionDone()))


class Web:
    """A chat with a web server."""

    def __init__(
        self, limits: Limits = UNLIMITED, origins: tuple[str, ...] = (), late: bool = False
    ) -> None:
        self.clock = Clock()
        self.log = MemoryLog()
        self.hub = Hub(self.log, self.clock, now=self.clock.seconds, policy=Policy(limits))
        reactor = cast("IReactorTime", self.clock)
        self.door = WebSocketFactory(self.hub, peer_known_late=late)
        self.irc = {
            name: IrcWebFactory(self.hub, server="irc.example", opcode=kind, peer_known_late=late)
            for name, kind in SUBPROTOCOLS.items()
        }
        self.site = make_site(self.hub, self.door, irc=self.irc, origins=origins, reactor=reactor)

    def connect(self, host: str = "192.0.2.1") -> Browser:
        """Connect a browser."""
        return Browser(self.site, host)

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for something on a connection of its own."""
        return self.connect().ask(path, "GET", b"", **headers)
