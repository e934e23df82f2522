"""The WebSocket door: JSON objects, one a frame, for the page and other programs (RFC 6455).

    S: {"type":"hello","v":1,...}       on connecting
    C: {"do":"nick","nick":"alice","id":1}
    S: {"type":"joined","room":"#lobby","nick":"alice",...}
    S: {"type":"welcome","id":1,"nick":"alice",...}

The objects are those of the line door's JSON (objects.py); how a page comes back after a reload
stands in tabs.py, and what has to do with WebSockets in web.py.
"""

from typing import ClassVar, Final

from autobahn.websocket.types import ConnectionRequest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatservice.doors.connection import Dialects
from chatservice.doors.frames import frame
from chatservice.doors.requests import Requests
from chatservice.doors.tabs import read_cookie, read_opening
from chatservice.doors.web import WebConnection, WebFactory
from chatservice.errors import ChatError
from chatservice.events import JSON, Event, Kind
from chatservice.objects import BadRequest, write_event
from chatservice.session import State


class JsonFrames:
    """The dialect of JSON objects, one a frame: the same for every room."""

    def encode(self, event: Event) -> bytes:
        """Return the event as one frame."""
        return frame(write_event(event))


_FRAMES: Final = JsonFrames()
FRAMES: Final = Dialects(_FRAMES, _FRAMES)


class WebSocketProtocol(WebConnection):
    """One connection at the WebSocket door."""

    dialects: ClassVar[tuple[Dialects, Dialects]] = (FRAMES, FRAMES)
    factory: "WebSocketFactory"

    _requests: Requests
    _cookie = ""
    _token = ""  # for who is about to come in

    # For twisted and autobahn.

    def onConnect(self, request: ConnectionRequest) -> None:
        """Take note of the browser; site/upgrade.py has seen to the rest of the request."""
        self._cookie = read_cookie(request.headers.get("cookie", ""))

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

    # For Connection and the core.

    def admit(self) -> bool:
        """Count the connection for its address; who may not stay is told so in JSON, too."""
        self._requests = Requests(self.session)
        return super().admit()

    def greet(self) -> None:
        """Say which form everything has; by now the address is known, behind a proxy, too."""
        if self._admitted or self.admit():
            self.factory.hub.tell(self.session.person, Kind.HELLO, JSON)

    def nick_accepted(self) -> None:
        """Tell a program that it is in, before it goes on."""
        self.session.do(self._enter, free=True, patient=True)

    def nick_refused(self, refusal: ChatError) -> None:
        """Say why; another may be offered."""
        self.session.refuse(refusal)

    # Inside.

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
        if not self._token:
            return hub.complete(person)
        kept = hub.arrivals.keep_place(person, self._token).addErrback(self._not_kept)
        return kept.addCallback(lambda _: hub.complete(person))

    def _not_kept(self, failure: Failure) -> None:
        failure.trap(ChatError)  # who comes in without is here all the same
        self._log.warn("a tab cannot come back later: {why}", why=failure.getErrorMessage())

    def _written(self, event: Event) -> bytes:
        answer = self._requests.answer(event)
        return frame(answer) if answer else b""


class WebSocketFactory(WebFactory):
    """Makes the WebSocket door's connections; see DoorFactory for its arguments."""

    door = "websocket"

    protocol = WebSocketProtocol
