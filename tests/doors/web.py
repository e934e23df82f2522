"""A browser's side of a WebSocket, by a parser of its own (RFC 6455, 5.2)."""

import struct
from typing import cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chatservice.doors.websocket import WebSocketFactory, WebSocketProtocol
from chatservice.hub import Hub
from chatservice.limits import UNLIMITED, Limits
from chatservice.names import LOBBY
from chatservice.people.person import Policy
from chatservice.store.memory import MemoryLog
from tests.doors.test_json import JsonPerson, brief
from tests.fakes import NOW, cheap

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
COOKIE = "c" * 43
MASK = b"\x01\x9a\x3c\xf7"


def peer_frame(payload: bytes, opcode: int = TEXT, last: bool = True, mask: bytes = MASK) -> bytes:
    """Return a frame as a browser sends it."""
    head = bytes([last << 7 | opcode])
    length = len(payload)
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 1 << 16:
        head += struct.pack("!BH", 0x80 | 126, length)
    else:
        head += struct.pack("!BQ", 0x80 | 127, length)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def take_frame(data: bytes) -> tuple[int, bytes, bytes]:
    """Return opcode and payload of the first of a server's frames, whole and unmasked; the rest."""
    first, length = data[0], data[1]
    assert first & 0x70 == 0, "reserved bits"
    assert first & 0x80, "a fragment"
    assert length < 128, "masked"
    start = 2
    if length == 126:
        (length,), start = struct.unpack_from("!H", data, 2), 4
    elif length == 127:
        (length,), start = struct.unpack_from("!Q", data, 2), 10
    assert len(data) >= start + length, "half a frame"
    return first & 0x0F, data[start : start + length], data[start + length :]


def handshake(*headers: str) -> bytes:
    """Return a request for a WebSocket."""
    lines = [
        "GET /ws HTTP/1.1",
        "Host: chat.example",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class WebTransport(StringTransport):
    """A transport as twisted.web hands it over: with a producer."""

    aborted = False

    def __init__(self, host: str) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", host, 4242))
        self.registerProducer(object(), True)

    def abortConnection(self) -> None:
        """Take note."""
        self.aborted = True
        super().abortConnection()


class WebPerson(JsonPerson):
    """A browser at the WebSocket door.

    :ivar code: with which the server closed; None while it has not.
    """

    transport: WebTransport

    def __init__(
        self, factory: WebSocketFactory, host: str = "192.0.2.1", cookie: str = COOKIE
    ) -> None:
        self.web = cast("WebSocketProtocol", factory.buildProtocol(None))
        self.protocol = self.web  # type: ignore[assignment]
        self.transport = WebTransport(host)
        self.web.makeConnection(self.transport)
        self.gone = False
        self._here = LOBBY
        self.code: int | None = None
        self.pongs: list[bytes] = []
        self.web.dataReceived(handshake(*([f"Cookie: chat={cookie}"] if cookie else [])))
        self.response, _, rest = self.transport.value().partition(b"\r\n\r\n")
        self.transport.clear()
        self.transport.write(rest)

    def send(self, data: bytes) -> None:
        """Send a message, of text."""
        self.web.dataReceived(peer_frame(data.rstrip(b"\n")))

    def lines(self) -> list[str]:
        """Return the messages that came since the last call."""
        data: bytes = self.transport.value()
        self.transport.clear()
        messages: list[str] = []
        while data:
            opcode, payload, data = take_frame(data)
            assert self.code is None, "something behind the last word"
            if opcode == TEXT:
                messages.append(payload.decode())
            elif opcode == CLOSE:
                (self.code,) = struct.unpack("!H", payload[:2])
            elif opcode == PONG:
                self.pongs.append(payload)
            else:
                assert opcode == PING
                self.web.dataReceived(peer_frame(payload, PONG))
        return messages

    def close(self, code: int = 1000) -> None:
        """Begin the end, or answer to it."""
        self.web.dataReceived(peer_frame(struct.pack("!H", code), CLOSE))

    def hang_up(self) -> None:
        """Break the connection."""
        if not self.gone:
            self.gone = True
            self.web.connectionLost(Failure(ConnectionLost()))

    def end(self) -> int | None:
        """Let the connection end if the server wants that; return its code."""
        self.lines()
        if self.code is not None and not self.gone:
            self.close(self.code)
            assert self.transport.disconnecting
            self.gone = True
            self.web.connectionLost(Failure(ConnectionDone()))
        return self.code

    def returns(self, nick: str, tab: str, **read: int) -> None:
        """Come back."""
        self.ask("return", 1, nick=nick, tab=tab, **({"read": read} if read else {}))

    @property
    def connected(self) -> bool:
        """Whether the server still holds the connection."""
        if self.code is None and not self.transport.disconnecting:
            data: bytes = self.transport.value()
            while data:
                opcode, _, data = take_frame(data)
                if opcode == CLOSE:
                    return False
            return True
        return False


class Chat:
    """A chat with a WebSocket door."""

    def __init__(self, log: MemoryLog | None = None, limits: Limits = UNLIMITED) -> None:
        self.clock = Clock()
        self.hub = Hub(
            log or MemoryLog(),
            self.clock,
            now=lambda: NOW + self.clock.seconds(),
            policy=Policy(limits, plaintext_login=True),
            passwords=cheap(),
        )
        self.door = WebSocketFactory(self.hub)

    def turn(self) -> None:
        """End the turn."""
        self.clock.advance(0)

    def connect(self, cookie: str = COOKIE) -> WebPerson:
        """Connect a browser."""
        return WebPerson(self.door, cookie=cookie)

    def join(self, nick: str, tab: str = "", cookie: str = COOKIE) -> WebPerson:
        """Bring somebody in, who has read everything then."""
        person = self.connect(cookie)
        person.ask("nick", nick=nick, **({"tab": tab} if tab else {}))
        self.turn()
        person.lines()
        return person

    def back(self, nick: str, tab: str, cookie: str = COOKIE, read: object = None) -> WebPerson:
        """Connect a browser that wants to return."""
        person = self.connect(cookie)
        person.ask("return", 1, nick=nick, tab=tab, **({"read": read} if read else {}))
        self.turn()
        return person


def last(person: WebPerson) -> tuple[object, ...]:
    """Return type and code of the last object that somebody got."""
    return brief(person.objects(), "type", "code")[-1]
