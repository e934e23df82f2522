"""The WebSocket door: JSON objects, one a frame, for the page and other programs (RFC 6455).

    S: {"type":"hello","v":1,...}       on connecting
    C: {"do":"nick","nick":"alice","id":1}
    S: {"type":"joined","room":"#lobby","nick":"alice",...}
    S: {"type":"welcome","id":1,"nick":"alice",...}

The objects are those of the line door's JSON (objects.py). The opening handshake, control frames
and frames from the peer are autobahn's; the frames with objects are written here, since a server's
frames are not masked and so the same bytes for everybody.
"""

import struct
from collections import deque
from typing import ClassVar, Final

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from chatservice.doors.connection import Connection, Dialects
from chatservice.doors.factory import DoorFactory
from chatservice.doors.requests import Requests
from chatservice.errors import ChatError
from chatservice.events import JSON, Event, Kind
from chatservice.hub import Hub
from chatservice.objects import MAX_REQUEST, BadRequest, write_event
from chatservice.session import State

_TEXT_FRAME: Final = 0x81  # the last frame of a message, of text
_GOING_AWAY: Final = 1001


def frame(text: str) -> bytes:
    """Return a text as a server's frame (RFC 6455, 5.2)."""
    payload = text.encode()
    length = len(payload)
    if length < 126:
        return struct.pack("!BB", _TEXT_FRAME, length) + payload
    if length < 1 << 16:
        return struct.pack("!BBH", _TEXT_FRAME, 126, length) + payload
    return struct.pack("!BBQ", _TEXT_FRAME, 127, length) + payload


class JsonFrames:
    """The dialect of JSON objects, one a frame: the same for every room."""

    def encode(self, event: Event) -> bytes:
        """Return the event as one frame."""
        return frame(write_event(event))


_FRAMES: Final = JsonFrames()
FRAMES: Final = Dialects(_FRAMES, _FRAMES)


class WebSocketProtocol(Connection, WebSocketServerProtocol):  # type: ignore[misc]
    """One connection at the WebSocket door; autobahn annotates parts of itself differently."""

    dialects: ClassVar[tuple[Dialects, Dialects]] = (FRAMES, FRAMES)
    written: ClassVar[bool] = True  # autobahn's handshake
    factory: "WebSocketFactory"

    _requests: Requests
    _waiting: deque[bytes]

    # For twisted and autobahn.

    def connectionMade(self) -> None:
        """Begin the opening handshake."""
        WebSocketServerProtocol.connectionMade(self)

    def onOpen(self) -> None:
        """Let somebody in, once the handshake is done."""
        self._waiting = deque()
        self.transport.unregisterProducer()  # twisted.web's
        Connection.connectionMade(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N803
        """Take one object: the state says what it may ask for."""
        match self.session.state:
            case State.CONNECTED:
                self._offer_nick(payload)
            case State.CLAIMING:  # kept until it is decided who speaks
                self._waiting.append(payload)
            case State.JOINED:
                self.session.in_turn(self._requests.take, payload)
                self.wait_for_session()
            case State.LEFT:
                pass

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Clean up."""
        WebSocketServerProtocol.connectionLost(self, reason or Failure(ConnectionDone()))
        if hasattr(self, "session"):
            Connection.connectionLost(self, reason)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Write autobahn's own frames in order with ours."""
        if hasattr(self, "_outlet"):
            self._outlet.write(data)
        else:
            self.transport.write(data)

    # For Connection and the core.

    def greet(self) -> None:
        """Say which form everything has."""
        self._requests = Requests(self.session)
        self.factory.hub.tell(self.session.person, Kind.HELLO, JSON)

    def disconnect(self) -> None:
        """Close in good order, by force after LINGER; see IMember."""
        self._cancel_timer()
        self._call_later(self._linger, self.abort)
        self.sendClose(_GOING_AWAY)

    def nick_accepted(self) -> None:
        """Tell a program that it is in, before it goes on."""
        hub, session = self.factory.hub, self.session
        session.do(hub.complete, session.person, free=True, patient=True)
        while self._waiting:
            self.onMessage(self._waiting.popleft(), False)

    def nick_refused(self, refusal: ChatError) -> None:
        """Say why; another may be offered."""
        self.session.refuse(refusal)
        while self._waiting and self.session.state is not State.CLAIMING:
            self.onMessage(self._waiting.popleft(), False)

    def _offer_nick(self, payload: bytes) -> None:
        try:
            nick = self._requests.nick(payload)
        except BadRequest as refusal:
            self.session.expel(refusal)
        else:
            self.claim(nick)

    def _written(self, event: Event) -> bytes:
        answer = self._requests.answer(event)
        return frame(answer) if answer else b""


class WebSocketFactory(DoorFactory, WebSocketServerFactory):
    """Makes the WebSocket door's connections; see DoorFactory for its arguments."""

    protocol = WebSocketProtocol  # type: ignore[assignment]

    def __init__(
        self,
        hub: Hub | None = None,
        *,
        ping: float = 90.0,
        ping_timeout: float = 30.0,
        peer_known_late: bool = False,
    ) -> None:
        WebSocketServerFactory.__init__(self)
        DoorFactory.__init__(
            self, hub, ping=ping, ping_timeout=ping_timeout, peer_known_late=peer_known_late
        )
        self.setProtocolOptions(
            maxFramePayloadSize=MAX_REQUEST,
            maxMessagePayloadSize=MAX_REQUEST,
            failByDrop=False,
            autoPingInterval=ping,
            autoPingTimeout=ping_timeout,
            openHandshakeTimeout=10,
            closeHandshakeTimeout=10,
        )
