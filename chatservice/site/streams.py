"""What happens in a room as Server-Sent Events (WHATWG HTML, 9.2), one stream a request.

    id: 17
    event: said
    data: {"type":"said","at":1763820185.25,"room":"#ops","seq":17,"nick":"alice","text":"hello"}

Whoever connects again says the last id that it has, and gets what follows, each once. A stream is a
member like any other door's connection: one that is not read costs no memory and loses nothing.
"""

from collections.abc import Sequence
from typing import Final

from twisted.internet.interfaces import IPushProducer
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from chatservice.bots.listeners import Stream
from chatservice.doors.liveness import prepare, tcp_below
from chatservice.errors import ChatError, Code
from chatservice.events import Event
from chatservice.hub import Hub
from chatservice.interfaces import IBatch, IDialect, ITimer
from chatservice.objects import write_event
from chatservice.site.channel import Request
from chatservice.site.endpoint import Endpoint, caller_of, header, number_of, parameters
from chatservice.taste import Taste

DOOR: Final = "stream"
"""What connections are counted as."""

BEAT: Final = 20.0
"""Seconds after which a stream says that it is there, so that nothing between takes it for dead."""

_DEAD_AFTER: Final = (90.0, 30.0)  # seconds of silence, and of no answer to the kernel's question
_COMMENT: Final = b":\n\n"


class ServerSentEvents:
    """The dialect: the same for every stream. Only what is kept has a number to come back to."""

    def encode(self, event: Event) -> bytes:
        """Return the event as a server-sent one. No line feed is in what write_event returns."""
        number = f"id: {event.seq}\n" if event.kind.kept else ""
        return f"{number}event: {event.kind.label}\ndata: {write_event(event)}\n\n".encode()


_DIALECT: Final = ServerSentEvents()


class Events(Endpoint):
    """/rooms/NAME/events."""

    def __init__(self, hub: Hub, room: str) -> None:
        super().__init__(hub, room)
        self.methods = {b"GET": self._listen}

    def _listen(self, request: Request) -> object:
        caller = caller_of(self.hub, request)
        after = parameters(request, b"after").get(b"after")
        last = header(request, b"Last-Event-ID")
        if last:
            after = number_of(last)
            if after is None:
                text = "Last-Event-ID is the number of the last line that you have."
                raise ChatError(Code.BAD_REQUEST, text)
        listener = Listener(self.hub, request)
        listener.stream = self.hub.listeners.listen(caller, self.room, after, listener)
        listener.begin()
        return NOT_DONE_YET


@implementer(IPushProducer)
class Listener:
    """Somebody who listens; implements IMember."""

    stream: Stream

    def __init__(self, hub: Hub, request: Request) -> None:
        self._hub = hub
        self._request = request
        self._channel = request.channel
        self._begun = False
        self._early: list[bytes] = []
        self._holding = False
        self._over = False
        self._beat: ITimer | None = None

    def begin(self) -> None:
        """Begin to answer."""
        request = self._request
        self._channel.when_lost = self._gone  # not before all is out, or the chat would not wait
        request.notifyFinish().addErrback(lambda _: None)
        request.setHeader(b"Content-Type", b"text/event-stream; charset=utf-8")
        request.setHeader(b"Cache-Control", b"no-store")
        request.setHeader(b"Connection", b"close")
        request.setHeader(b"X-Accel-Buffering", b"no")  # nginx would hold it back
        self._channel.persistent = False  # or whoever does not close would be waited for
        if (below := tcp_below(self._channel.transport)) is not None:
            prepare(below, *_DEAD_AFTER)
        self._hub.meters.opened(DOOR)
        request.registerProducer(self, True)
        self._begun = True
        request.write(b"".join([_COMMENT, *self._early]))
        self._early.clear()
        self._beat_later()
        if self._over:
            self._finish()

    # For the core: IMember.

    @property
    def dialect(self) -> IDialect:
        """How it wants events; see IMember."""
        return _DIALECT

    def deliver(self, batch: IBatch) -> bool:
        """Write a batch; see IMember."""
        return self._write(batch.encoded(_DIALECT))

    def deliver_all(self, batches: Sequence[IBatch]) -> bool:
        """Write several batches; see IMember."""
        return self._write(b"".join(batch.encoded(_DIALECT) for batch in batches))

    def stamp(self, on: bool) -> None:
        """Every event has time and number."""

    def speak_json(self, on: bool) -> None:
        """It has one form alone."""

    def prefer(self, taste: Taste | None) -> None:
        """It is shown everything."""

    def disconnect(self) -> None:
        """Close once what was delivered is out; see IMember."""
        self._over = True
        if self._begun:
            self._finish()

    def abort(self) -> None:
        """Cut the connection; see IMember."""
        self._channel.abort()

    # For the request: IPushProducer.

    def pauseProducing(self) -> None:
        """Take note that the connection holds more than it likes."""
        self._holding = True

    def resumeProducing(self) -> None:
        """Go on."""
        if self._holding:
            self._holding = False
            self._hub.listeners.drained(self.stream)

    def stopProducing(self) -> None:
        """The connection is gone; _gone is called as well."""

    # Inside.

    def _write(self, data: bytes) -> bool:
        if not self._begun:  # a chat without turns delivers at once
            self._early.append(data)
        elif not self._over:
            self._request.write(data)
        return not self._holding

    def _finish(self) -> None:
        if not self._request.finished and self._request.channel is not None:
            self._request.unregisterProducer()
            self._request.finish()

    def _beat_later(self) -> None:
        if self._hub.clock is not None:
            self._beat = self._hub.clock.callLater(BEAT, self._say_so)

    def _say_so(self) -> None:
        if not self._holding and not self._over:
            self._request.write(_COMMENT)
        self._beat_later()

    def _gone(self) -> None:
        if self._beat is not None and self._beat.active():
            self._beat.cancel()
        self._beat = None
        self._over = True
        self._hub.meters.closed(DOOR)
        self._hub.listeners.lost(self.stream)
