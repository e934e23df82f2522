"""The WebSocket door: JSON objects, one a frame, for the page and other programs (RFC 6455).

    S: {"type":"hello","v":1,...}       on connecting
    C: {"do":"nick","nick":"alice","id":1}
    S: {"type":"joined","room":"#lobby","nick":"alice",...}
    S: {"type":"welcome","id":1,"nick":"alice",...}

The objects are those of the line door's JSON (objects.py); how a page comes back after a reload
stands in tabs.py. The opening handshake, control frames and frames from the peer are autobahn's;
the frames with objects are written here, since a server's frames are not masked and so the same
bytes for everybody.
"""

import struct
from typing import Any, ClassVar, Final

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionRequest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from chatservice.doors.connection import Connection, Dialects
from chatservice.doors.factory import DoorFactory
from chatservice.doors.requests import Requests
from chatservice.doors.tabs import read_cookie, read_opening
from chatservice.errors import ChatError
from chatservice.events import JSON, Event, Kind
from chatservice.hub import Hub
from chatservice.objects import MAX_REQUEST, BadRequest, write_event
from chatservice.session import State

MAX_FRAMES: Final = 256
"""So many frames may make up a message, however short they are."""

AT_ONCE: Final = 256
"""Steps of reading, about three for a frame, before other connections should have their turn."""

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
NOT_TEXT: Final = 1003
POLICY: Final = 1008
TOO_BIG: Final = 1009
REPLACED: Final = 4001
"""Why a connection is closed (RFC 6455, 7.4; the last is our own)."""

_TEXT_FRAME: Final = 0x81  # the last frame of a message, of text
_PIECE: Final = 4096  # bytes that autobahn is given at a time: it copies the rest for each frame


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


class _Quiet:
    """What autobahn logs to: nothing of it is for the operator, and some of it is the peer's."""

    def _nothing(self, *_: object, **__: object) -> None:
        """Log nothing."""

    trace = debug = info = warn = error = critical = failure = _nothing


class _Closed:
    """The way out once it was said that nothing more comes."""

    holding = True

    def write(self, _: bytes) -> bool:
        """Send nothing: who was about to is not done with the person yet, for all it knows."""
        return False

    def close(self) -> None:
        """Wait for the peer, which closes in turn."""


_CLOSED: Final = _Closed()


class WebSocketProtocol(Connection, WebSocketServerProtocol):  # type: ignore[misc]
    """One connection at the WebSocket door; autobahn annotates parts of itself differently."""

    # Options of autobahn's. Here and not at the factory, they cost no memory for each connection.
    maxFramePayloadSize = MAX_REQUEST
    maxMessagePayloadSize = MAX_REQUEST
    failByDrop = False
    openHandshakeTimeout = 0  # twisted.web has read all of it
    closeHandshakeTimeout = 0  # ours is disconnect's
    autoPingInterval = 0  # ours are the factory's
    webStatus = False
    log: Any = _Quiet()

    dialects: ClassVar[tuple[Dialects, Dialects]] = (FRAMES, FRAMES)
    written: ClassVar[bool] = True  # autobahn's handshake
    factory: "WebSocketFactory"

    _requests: Requests
    _cookie = ""
    _token = ""  # for who is about to come in
    _opened = False
    _closing = False
    _unread = b""  # received, and not given to autobahn yet
    _reading = False
    _frames = 0  # of the message that is coming in
    _heard = True  # since it was looked at last
    _silent_since = 0.0
    _asked = False  # for a sign of life

    # For twisted and autobahn.

    def connectionMade(self) -> None:
        """Begin the opening handshake."""
        WebSocketServerProtocol.connectionMade(self)

    def onConnect(self, request: ConnectionRequest) -> None:
        """Take note of the browser; the resource has seen to it that the request is a good one.

        A subprotocol would be chosen here, from request.protocols.
        """
        self._cookie = read_cookie(request.headers.get("cookie", ""))

    def onOpen(self) -> None:
        """Let somebody in, once the handshake is done."""
        self.http_headers, self.http_request_data, self.http_response_data = {}, b"", ""
        self.transport.unregisterProducer()  # twisted.web's
        Connection.connectionMade(self)
        self._opened = True

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Clean up."""
        WebSocketServerProtocol.connectionLost(self, reason or Failure(ConnectionDone()))
        if self._opened:
            Connection.connectionLost(self, reason)
        else:
            self._cancel_timer()

    def dataReceived(self, data: bytes) -> None:
        """Take bytes from the wire, as long as somebody reads what they say."""
        self._heard = True
        if self.state in (self.STATE_OPEN, self.STATE_CLOSING):
            self._unread += data
            self._read()
        else:
            self._dataReceived(data)

    def consumeData(self) -> None:
        """Take what follows on the opening handshake at once."""
        if self._opened:
            self._read()
        else:
            WebSocketServerProtocol.consumeData(self)

    def onMessageBegin(self, isBinary: bool) -> None:  # noqa: N803
        """Begin with a message, if it is text."""
        WebSocketServerProtocol.onMessageBegin(self, isBinary)
        self._frames = 0
        if isBinary:
            self._fail_connection(NOT_TEXT, "Send text: JSON objects.")

    def onMessageFrameBegin(self, length: int) -> None:
        """Begin with a frame of a message, of which there must not be too many."""
        self._frames += 1
        WebSocketServerProtocol.onMessageFrameBegin(self, length)
        if self._frames > MAX_FRAMES:
            self._fail_connection(TOO_BIG, f"More than {MAX_FRAMES} frames make up that message.")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N803
        """Take one object: the state says what it may ask for."""
        if self._closing:
            return
        match self.session.state:
            case State.CONNECTED:
                self._open(payload)
            case State.JOINED:
                self.session.in_turn(self._requests.take, payload)
                self.wait_for_session()
            case _:  # CLAIMING: nothing is read until it is decided who speaks
                pass

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Write autobahn's own frames in order with ours: who does not read is not read either."""
        if self._opened:
            self.answer(data)
        else:
            self.transport.write(data)

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,  # noqa: N803
        isReply: bool = False,  # noqa: N803
    ) -> None:
        """Say the last word, whoever began with the end: by force after LINGER."""
        WebSocketServerProtocol.sendCloseFrame(self, code, reasonUtf8, isReply)
        self._begin_end()

    def dropConnection(self, abort: bool = False) -> None:
        """Close the connection below, by force only if the peer did not close in good order."""
        self._begin_end()
        WebSocketServerProtocol.dropConnection(self, abort and not self.wasClean)

    # For Connection and the core.

    def admit(self) -> bool:
        """Count the connection for its address; who may not stay is told so in JSON, too."""
        self._requests = Requests(self.session)
        return super().admit()

    def greet(self) -> None:
        """Say which form everything has; by now the address is known, behind a proxy, too."""
        if self._admitted or self.admit():
            self.factory.hub.tell(self.session.person, Kind.HELLO, JSON)

    def disconnect(self) -> None:
        """Close in good order, by force after LINGER; see IMember."""
        if not self._closing:
            self.sendCloseFrame(self._why())

    def release(self, reason: str) -> None:
        """Read again unless there is another reason not to; also the last word of who leaves."""
        if reason in self._held:
            self._held -= {reason}
            if not self._held:
                self.resume()

    def resume(self) -> None:
        """Read again, first what was read already."""
        self._read()
        if not self._held:
            self.transport.resumeProducing()

    def nick_accepted(self) -> None:
        """Tell a program that it is in, before it goes on."""
        self.session.do(self._enter, free=True, patient=True)

    def nick_refused(self, refusal: ChatError) -> None:
        """Say why; another may be offered."""
        self.session.refuse(refusal)

    def look_after(self, now: float) -> None:
        """Ask for a sign of life after ``ping`` seconds of silence; end it without one.

        Who is not read, or does not read, is not asked: it could not answer.
        """
        waited = now - self._silent_since
        if self._closing:
            return
        if self._heard or self._held or self._outlet.holding:
            self._heard = self._asked = False
            self._silent_since = now
        elif self._asked and waited >= self.factory.ping_timeout:
            self.abort()
        elif not self._asked and waited >= self.factory.ping:
            self._asked = True
            self._silent_since = now
            self.sendPing()

    # Inside.

    def _read(self) -> None:
        """Give autobahn what was received, until it is not to be read any more."""
        if self._reading:
            return
        self._reading = True
        taken = 0
        try:
            while not self._held and self.state != self.STATE_CLOSED:
                taken += 1
                if taken % AT_ONCE == 0:
                    self._rest()
                elif not self.processData():  # it wants more
                    piece, self._unread = self._unread[:_PIECE], self._unread[_PIECE:]
                    if not piece:
                        break
                    self.data += piece
        finally:
            self._reading = False

    def _rest(self) -> None:
        """Let others have their turn."""
        clock = self.factory.hub.clock
        if clock is not None:
            self.hold("turn")
            clock.callLater(0, self.release, "turn")

    def _begin_end(self) -> None:
        """Send nothing any more, and wait for the end no longer than LINGER."""
        if not self._closing:
            self._closing = True
            self._outlet = _CLOSED
            self._cancel_timer()
            self._call_later(self._linger, self.abort)

    def _why(self) -> int:
        """Return the reason for closing."""
        session = self.session
        if self.factory.hub.closing:
            return GOING_AWAY
        if session.person.replaced:
            return REPLACED
        left_by_itself = session.state is State.LEFT and not session.expelled
        return NORMAL if left_by_itself else POLICY

    def _open(self, payload: bytes) -> None:
        try:
            opening = read_opening(self._requests.first(payload), self._cookie)
        except BadRequest as refusal:
            self.session.expel(refusal)
        else:
            self._token = opening.token
            self.claim(opening.claim)

    def _enter(self) -> Deferred[None]:
        hub, person = self.factory.hub, self.session.person
        if self._token in ("", person.place.token):
            return hub.complete(person)
        kept = hub.arrivals.keep_place(person, self._token).addErrback(self._not_kept)
        return kept.addCallback(lambda _: hub.complete(person))

    def _not_kept(self, failure: Failure) -> None:
        failure.trap(ChatError)  # who comes in without is here all the same
        self._log.warn("a tab cannot come back later: {why}", why=failure.getErrorMessage())

    def _written(self, event: Event) -> bytes:
        answer = self._requests.answer(event)
        return frame(answer) if answer else b""


class WebSocketFactory(DoorFactory, WebSocketServerFactory):
    """Makes the WebSocket door's connections; see DoorFactory for its arguments."""

    door = "websocket"

    protocol = WebSocketProtocol  # type: ignore[assignment]

    def __init__(
        self,
        hub: Hub | None = None,
        *,
        ping: float = 90.0,
        ping_timeout: float = 30.0,
        peer_known_late: bool = False,
    ) -> None:
        WebSocketServerFactory.__init__(self, server="")
        DoorFactory.__init__(
            self, hub, ping=ping, ping_timeout=ping_timeout, peer_known_late=peer_known_late
        )

    def _end_unheard(self) -> None:
        super()._end_unheard()
        clock = self.hub.clock
        for connection in self.connections():
            if clock is not None and isinstance(connection, WebSocketProtocol):
                connection.look_after(clock.seconds())
