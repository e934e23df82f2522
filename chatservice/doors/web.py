"""What every door over a WebSocket does (RFC 6455), whatever the messages say.

The opening handshake, control frames and frames from the peer are autobahn's; the frames with
events are written by the doors, since a server's frames are not masked and so the same bytes for
everybody.
"""

from collections import deque
from typing import ClassVar, Final, Unpack

from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from chatservice.doors.connection import REFUSED_LINGER, Connection
from chatservice.doors.factory import DoorFactory, Settings
from chatservice.doors.frames import GOING_AWAY, NORMAL, POLICY, REPLACED, BoundedProtocol
from chatservice.hub import Hub
from chatservice.session import State


class _Closed:
    """The way out once it was said that nothing more comes."""

    holding = True

    def write(self, _: bytes) -> bool:
        """Send nothing: who was about to is not done with the person yet, for all it knows."""
        return False

    def close(self) -> None:
        """Wait for the peer, which closes in turn."""


_CLOSED: Final = _Closed()
_NOTHING_CHOPPED: Final[deque[object]] = deque()  # shared: sendData chops nothing


class WebConnection(Connection, BoundedProtocol):  # type: ignore[misc]
    """One connection; autobahn annotates parts of itself differently."""

    written: ClassVar[bool] = True  # autobahn's handshake
    factory: "WebFactory"

    _opened = False
    _closing = False  # nothing more is sent
    _leaving = False  # it has all that it was to be given
    _lost = False
    _cut = False
    _deaf = False  # nothing comes from the peer any more
    _paused = False
    _heard = True  # since it was looked at last
    _silent_since = 0.0
    _asked = False  # for a sign of life

    # For twisted and autobahn.

    def connectionMade(self) -> None:
        """Begin the opening handshake."""
        BoundedProtocol.connectionMade(self)

    def onOpen(self) -> None:
        """Let somebody in, once the handshake is done."""
        self.send_queue = _NOTHING_CHOPPED
        self.http_headers, self.http_request_data, self.http_response_data = {}, b"", ""
        self.transport.unregisterProducer()  # twisted.web's
        Connection.connectionMade(self)
        self._opened = True

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Clean up."""
        BoundedProtocol.connectionLost(self, reason or Failure(ConnectionDone()))
        self._cancel_timer()
        if self._opened:
            self.factory.closed(self)
            self._lose()

    def readConnectionLost(self) -> None:
        """The peer sends no more: it gets all up to here, but nobody waits for its last word."""
        self._deaf = True
        if self._closing:
            self.dropConnection()
        elif not self._held:  # else when what it asked for is done, as where it is paused
            super().readConnectionLost()

    def dataReceived(self, data: bytes) -> None:
        """Take bytes from the wire, as long as somebody reads what they say."""
        self._heard = True
        super().dataReceived(data)
        if self._held and self.unread and not self._paused and not self._over:
            self._paused = True
            self.transport.pauseProducing()

    @property
    def reading(self) -> bool:
        """Whether what the peer sends is to be looked at now; see BoundedProtocol."""
        return not self._held

    def resting(self) -> None:
        """Let others have their turn."""
        clock = self.factory.hub.clock
        if clock is not None:
            self.hold("turn")
            clock.callLater(0, self.release, "turn")

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
        """Say the last word, whoever began with the end: by force after LINGER.

        The peer's own code is given back (RFC 6455, 5.5.1): Firefox tells a page that it reloads of
        the answer, and one of 1000 would mean that the person left.
        """
        if isReply:
            code = self.remoteCloseCode
        BoundedProtocol.sendCloseFrame(self, code, reasonUtf8, isReply)
        self._begin_end()
        if self._deaf:
            self.dropConnection()

    def dropConnection(self, abort: bool = False) -> None:
        """Close the connection below, by force only if the peer did not close in good order."""
        self._begin_end()
        BoundedProtocol.dropConnection(self, abort and not self.wasClean)

    # For Connection and the core.

    def disconnect(self) -> None:
        """Close in good order, by force after LINGER; see IMember."""
        if not self._closing:
            self._leaving = True
            self.sendCloseFrame(self._why())

    def release(self, reason: str) -> None:
        """Read again unless there is another reason not to; also the last word of who leaves."""
        if reason in self._held:
            self._held -= {reason}
            if not self._held:
                self.resume()

    def pause(self) -> None:
        """Stop reading as soon as more comes than is looked at: most wait for what they asked for,
        and pausing would cost two calls of the system for each request.
        """

    def resume(self) -> None:
        """Read again, first what was read already."""
        self.read()
        if self._held or self._over:
            return
        if self._paused:
            self._paused = False
            super().resume()
        elif self._deaf and not self._closing:
            super().readConnectionLost()

    def abort(self) -> None:
        """Cut the connection; see IMember. What is done until it is gone does nothing to it."""
        self._cut = True
        super().abort()

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

    @property
    def _over(self) -> bool:
        """Whether the connection below was told to end."""
        return self._cut or self.state == self.STATE_CLOSED

    def _begin_end(self) -> None:
        """Send nothing any more, and wait for the peer's end no longer than LINGER."""
        if self._closing:
            return
        self._closing = True
        self._outlet = _CLOSED
        if not self._leaving:  # the peer ends it, or broke the rules: it is lost already
            self._linger = REFUSED_LINGER
        self._cancel_timer()
        self._call_later(self._linger, self.abort)
        if not self._leaving and self._opened:
            self._lose()

    def _lose(self) -> None:
        """Take note, once, that the person is not reached any more."""
        if not self._lost:
            self._lost = True
            self.session.lost()

    def _why(self) -> int:
        """Return the reason for closing."""
        hub, session = self.factory.hub, self.session
        if hub.closing or (hub.draining and session.expelled and not session.person.welcomed):
            return GOING_AWAY
        if session.person.replaced:
            return REPLACED
        left_by_itself = session.state is State.LEFT and not session.expelled
        return NORMAL if left_by_itself else POLICY


class WebFactory(DoorFactory, WebSocketServerFactory):
    """Makes one door's connections; see DoorFactory for its arguments."""

    protocol = WebConnection  # type: ignore[assignment]

    def __init__(self, hub: Hub | None = None, **settings: Unpack[Settings]) -> None:
        WebSocketServerFactory.__init__(self, server="")
        DoorFactory.__init__(self, hub, **settings)

    def _end_unheard(self) -> None:
        super()._end_unheard()
        clock = self.hub.clock
        for connection in self.connections():
            if clock is not None and isinstance(connection, WebConnection):
                connection.look_after(clock.seconds())
