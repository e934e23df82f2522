"""Where a WebSocket begins as an HTTP request (RFC 6455, 4.2), and who may begin one.

A browser says from which page a connection comes (Origin): only ours is let in, or the operator's
choice. Programs say nothing of the kind.
"""

import base64
import binascii
from collections.abc import Collection

from autobahn.twisted.resource import WebSocketResource

from chatservice.doors.websocket import WebSocketFactory
from chatservice.meters import ORIGIN
from chatservice.site.channel import Request
from chatservice.site.resources import Leaf


def may_connect(origin: str | None, secure: bool, host: str, allowed: Collection[str]) -> bool:
    """Tell whether a page may connect to us.

    :param origin: the request's header Origin; None for no page.
    :param secure: whether the request came over TLS.
    :param host: the request's header Host.
    :param allowed: origins besides our own.
    """
    if origin is None:
        return True
    own = f"{'https' if secure else 'http'}://{host}".lower()
    return origin.lower() in ({own, *allowed} if host else allowed)


class Upgrade(Leaf):
    """Hands good requests over to the WebSocket door, and refuses the rest as HTTP does.

    :param door: the door.
    :param origins: pages from elsewhere that may connect, in lower case: https://example.com.
    """

    def __init__(self, door: WebSocketFactory, origins: Collection[str]) -> None:
        super().__init__()
        self._resource = WebSocketResource(door)
        self._origins = frozenset(origins)
        self._meters = door.hub.meters

    def render_GET(self, request: Request) -> object:
        """Begin a WebSocket."""
        upgrade = _says(request, b"Upgrade", b"websocket")
        if not upgrade or not _says(request, b"Connection", b"upgrade"):
            return self._upgrade(request, "Connect to this with a WebSocket.")
        if _one(request, b"Sec-WebSocket-Version") != b"13":
            return self._upgrade(request, "Connect to this with a WebSocket of version 13.")
        key, host = _one(request, b"Sec-WebSocket-Key"), _one(request, b"Host")
        origins = request.requestHeaders.getRawHeaders(b"Origin", [])
        if request.clientproto != b"HTTP/1.1" or not _is_key(key) or not host or len(origins) > 1:
            return request.error(400, "That is no good request for a WebSocket.")
        if request.body.getbuffer().nbytes:
            return request.error(400, "A request for a WebSocket has no body.")
        origin = origins[0].decode("latin-1") if origins else None
        if not may_connect(origin, request.isSecure(), host.decode("latin-1"), self._origins):
            self._meters.turn_away(ORIGIN)
            return request.error(403, "Pages from elsewhere may not connect: see --web-origin.")
        request.channel.gone()
        return self._resource.render(request)

    def _upgrade(self, request: Request, text: str) -> bytes:
        request.setHeader(b"Upgrade", b"websocket")
        request.setHeader(b"Sec-WebSocket-Version", b"13")
        return request.error(426, text)


def _one(request: Request, name: bytes) -> bytes:
    values = request.requestHeaders.getRawHeaders(name, [])
    return values[0].strip() if len(values) == 1 else b""


def _says(request: Request, name: bytes, word: bytes) -> bool:
    values = b",".join(request.requestHeaders.getRawHeaders(name, []))
    return word in [one.strip().lower() for one in values.split(b",")]


def _is_key(key: bytes) -> bool:
    try:
        return len(key) == 24 and len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False
