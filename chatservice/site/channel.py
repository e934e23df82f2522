"""The wire of the web server: what one HTTP connection may do, and what every answer carries.

A request must be complete within TIMEOUT of its first byte, its headers and body are bounded, and
so are the connections from one address. Of several requests sent at once each waits for its turn,
and for the answer before it to be taken: they are small, answers are not. Errors are one line of
text, or JSON for programs.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, cast

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.error import UnsupportedMethod
from twisted.web.http import HTTPChannel
from twisted.web.http_headers import Headers
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.server import Request as TwistedRequest

from chatservice.errors import Code
from chatservice.interfaces import ITimer

if TYPE_CHECKING:
    from chatservice.site.chatsite import ChatSite

TIMEOUT: Final = 20.0
"""Seconds in which a request must be complete, and after which an idle connection ends."""

LINGER: Final = 5.0
"""Seconds that a closing connection may take to accept its last answer."""

MAX_BODY: Final = 64 << 10
"""The longest body of a request, in bytes."""

MAX_PIECES: Final = 1024
"""In so many pieces a body may come: each costs as much as hundreds of bytes."""

MAX_HEAD: Final = 16 << 10
"""The longest request line with all headers, in bytes."""

CSP: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
"""What a page from here may load, and where it may connect to."""

HEADERS: Final = {
    b"Content-Security-Policy": CSP,
    b"X-Content-Type-Options": b"nosniff",
    b"Referrer-Policy": b"no-referrer",
    b"Cross-Origin-Opener-Policy": b"same-origin",
    b"Cross-Origin-Resource-Policy": b"same-origin",
    b"Permissions-Policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""What every answer carries unless it says otherwise."""

CODES: Final = {
    404: Code.NO_SUCH_PATH,
    405: Code.NO_SUCH_METHOD,
    413: Code.LINE_TOO_LONG,
    429: Code.TOO_MANY_CONNECTIONS,
    500: Code.INTERNAL,
}
"""What programs are told of an answer's status; of others that the request is bad."""

SOON: Final = 5
"""Seconds after which what could not be done just now may be tried again."""

_FOR_PROGRAMS: Final = (b"/rooms", b"/healthz", b"/openapi.json")


class _TooLong(Exception):
    """Nothing more of a body is to be looked at; it was refused."""


class Request(TwistedRequest):
    """One request; see Channel."""

    defaultContentType = b"text/plain; charset=utf-8"
    channel: "Channel"
    body: BytesIO
    _pieces = 0

    def gotLength(self, length: int | None) -> None:
        """Make room for the body, if it is not too long."""
        self.content = self.body = BytesIO()
        if length is not None and length > MAX_BODY:
            self._too_long()

    def handleContentChunk(self, data: bytes) -> None:
        """Take a part of the body.

        :raises _TooLong: if that is too much.
        """
        self._pieces += 1
        if self.body.tell() + len(data) > MAX_BODY or self._pieces > MAX_PIECES:
            self._too_long()
            raise _TooLong
        self.body.write(data)

    def process(self) -> None:
        """Answer, unless it was refused already."""
        if self.channel.refused:
            return
        hosts = self.requestHeaders.getRawHeaders(b"Host", [])
        if self.clientproto == b"HTTP/1.1" and len(hosts) != 1:  # RFC 9112, 3.2
            self.channel.refuse(400, "That is no good HTTP request.", self.path)
        else:
            super().process()

    def render(self, resrc: IResource) -> None:
        """Answer with a resource."""
        try:
            body = cast("Resource", resrc).render(self)
        except UnsupportedMethod as refusal:
            self.setHeader(b"Allow", b", ".join(sorted(refusal.allowedMethods)))
            body = self.error(405, "That cannot be done here: see the header Allow.")
        if body is not NOT_DONE_YET:
            if self.code == HTTPStatus.NOT_MODIFIED:  # has none; RFC 9110, 8.6 and 15.4.5
                self.responseHeaders.removeHeader(b"Content-Type")
            else:
                self.setHeader(b"Content-Length", b"%d" % len(body))
            self.write(b"" if self.method == b"HEAD" else body)
            self.finish()

    def error(self, status: int, text: str) -> bytes:
        """Return the body of an error, for whose status and type this sees."""
        self.setResponseCode(status, HTTPStatus(status).phrase.encode())
        kind, body = self.channel.error_body(self.path, status, text)
        self.setHeader(b"Content-Type", kind)
        self.setHeader(b"Cache-Control", b"no-store")
        return body

    def processingFailed(self, reason: Failure) -> Failure:
        """Log what went wrong, and tell nothing of it."""
        self._log.failure("a request failed", failure=reason)
        if self.startedWriting or self.channel.transport is None:  # that is a WebSocket's
            self.channel.abort()
        else:
            body = self.error(500, "That went wrong here, not with you: try again.")
            self.setHeader(b"Content-Length", b"%d" % len(body))
            self.write(body)
            self.finish()
        return reason

    def _too_long(self) -> None:
        text = f"That is longer than {MAX_BODY >> 10} KiB, or in too many pieces."
        self.channel.refuse(413, text)


class Channel(HTTPChannel):
    """One HTTP connection.

    :ivar refused: whether it gets no more answers.
    :ivar resting: whether it had an answer, and asks for nothing more just now.
    :ivar when_lost: called when the connection is closed.
    """

    MAX_LENGTH = MAX_HEAD
    totalHeadersSize = MAX_HEAD
    maxHeaders = 100
    site: "ChatSite"
    transport: Any  # ITransport and whatever it is besides
    _networkProducer: Any

    when_lost: Callable[[], None] | None = None
    refused = False
    resting = False
    _counted = False
    _begun = False
    _ending: ITimer | None = None
    _next: ITimer | None = None

    # For twisted.

    def connectionMade(self) -> None:
        """Begin, if there is room."""
        super().connectionMade()
        if not self.site.peer_known_late:
            self._count()

    def dataReceived(self, data: bytes) -> None:
        """Take bytes; drop after drop does not keep a connection open."""
        if not self._counted:
            self._count()
        if self.refused:
            return
        self.resting = False
        if not self._begun:
            self._begun = True
            self.resetTimeout()
        LineReceiver.dataReceived(self, data)

    def requestDone(self, request: TwistedRequest) -> None:
        """Go on with the next, in a turn of its own."""
        self._begun = False
        self.paused = True  # LineReceiver keeps what is there already
        super().requestDone(request)
        if self.transport is None or not self.persistent:
            return
        if self._waitingForTransport:
            self._networkProducer.pauseProducing()
        elif self._buffer:
            self._networkProducer.pauseProducing()
            self._go_on_later()
        else:
            self.paused = False
            self.resting = True

    def resumeProducing(self) -> None:
        """Go on: the peer takes its answers."""
        super().resumeProducing()
        if self.paused:
            self._go_on_later()

    def lineReceived(self, line: bytes) -> None:
        """Take a line of a request's head."""
        if not self.refused:
            super().lineReceived(line)

    def headerReceived(self, line: bytes) -> bool:
        """Take a header; one that twisted cannot count with is none: a length of 5,000 digits."""
        try:
            return bool(super().headerReceived(line))
        except ValueError:
            self._respondToBadRequestAndDisconnect()
            return False

    def checkPersistence(self, request: TwistedRequest, version: bytes) -> bool:
        """Tell whether more requests may follow; twisted overlooks "close" beside other options."""
        options = b",".join(request.requestHeaders.getRawHeaders(b"Connection", [])).lower()
        if b"close" in map(bytes.strip, options.split(b",")):
            request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
            return False
        return bool(super().checkPersistence(request, version))

    def rawDataReceived(self, data: bytes) -> None:
        """Take a part of a request's body, or keep a little of what stands behind it."""
        if not self.refused:
            with suppress(_TooLong):
                super().rawDataReceived(data)
            if self._handlingRequest and self._waitingForTransport:
                self._networkProducer.pauseProducing()  # twisted would keep all of it

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse an endless line."""
        self.refuse(431, "That is too long.")

    def timeoutConnection(self) -> None:
        """End a connection on which nothing happens, or too slowly."""
        self.end()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Clean up."""
        self.gone()
        super().connectionLost(reason)
        if self.when_lost is not None:
            self.when_lost()

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        """Write an answer's head, with what each carries."""
        headers.removeHeader(b"Server")
        for name, value in HEADERS.items():
            if not headers.hasHeader(name):
                headers.setRawHeaders(name, [value])
        super().writeHeaders(version, code, reason, headers)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(400, "That is no good HTTP request.")

    def _send100Continue(self) -> None:
        if not self.refused:
            super()._send100Continue()

    # For us.

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return not self.requests

    def refuse(self, status: int, text: str, path: bytes = b"") -> None:
        """Say why nothing more is done, and close; what the peer still sends is not looked at.

        :param path: what was asked for; by default that of the request which is coming in.
        """
        if self.refused or self.transport is None:
            return
        self.refused = True
        self._transferDecoder = None  # with up to 64 KiB that it has not looked at
        kind, body = self.error_body(path or getattr(self, "_path", b""), status, text)
        lines = [
            b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode()),
            *(b"%s: %s" % header for header in HEADERS.items()),
            *([b"Retry-After: %d" % SOON] if status == HTTPStatus.TOO_MANY_REQUESTS else []),
            b"Content-Type: " + kind,
            b"Content-Length: %d" % len(body),
            b"Connection: close",
        ]
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.setTimeout(None)
        self._abort_later()
        # Closing at once would make the kernel throw the answer away while more is coming in.
        if ISSLTransport.providedBy(self.transport):  # waits for the peer by itself
            self.loseConnection()
        else:
            getattr(self.transport, "loseWriteConnection", self.loseConnection)()

    def error_body(self, path: bytes, status: int, text: str) -> tuple[bytes, bytes]:
        """Return the Content-Type and the body of an error.

        :param path: what was asked for: programs get JSON, and their refusals are counted.
        """
        if not path.startswith(_FOR_PROGRAMS):
            return b"text/plain; charset=utf-8", f"{text}\n".encode()
        code = CODES.get(status, Code.BAD_REQUEST)
        self.site.meters.refuse(code)
        return b"application/json", json.dumps({"code": code, "text": text}).encode() + b"\n"

    def end(self) -> None:
        """Close once all is written, by force after LINGER."""
        self.resting = False
        self.setTimeout(None)
        self._abort_later()
        self.loseConnection()

    def abort(self) -> None:
        """Cut the connection."""
        if self.transport is not None:
            self.transport.abortConnection()

    def gone(self) -> None:
        """Take note that this is no HTTP connection any more: it is closed, or a WebSocket."""
        self.setTimeout(None)
        for timer in (self._ending, self._next):
            if timer is not None and timer.active():
                timer.cancel()
        self.site.closed(self)

    def _count(self) -> None:
        self._counted = True
        if not self.site.opened(self):
            text = "There are too many connections from your address: close some."
            self.refuse(429, text, _FOR_PROGRAMS[0])  # whoever it is

    def _go_on_later(self) -> None:
        if self._next is None:
            self._next = cast("ITimer", self.callLater(0, self._go_on))

    def _go_on(self) -> None:
        self._next = None
        if self.paused and not self._waitingForTransport and self.transport is not None:
            self.paused = False
            self._networkProducer.resumeProducing()
            if self._buffer:
                self.dataReceived(b"")
            else:
                self.resting = True

    def _abort_later(self) -> None:
        if self._ending is None:
            self._ending = cast("ITimer", self.callLater(LINGER, self.abort))
