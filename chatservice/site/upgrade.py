"""Where a WebSocket begins as an HTTP request (RFC 6455, 4.2), and who may begin one.

A browser says from which page a connection comes (Origin): only ours is let in, or the operator's
choice. Programs say nothing of the kind. autobahn, which answers, is given what it needs and no
more of what the peer sent.
"""

import base64
import binascii
from collections.abc import Mapping

from autobahn.twisted.resource import WebSocketResource
from twisted.web.http_headers import Headers

from chatservice.doors.tabs import COOKIE
from chatservice.doors.web import WebFactory
from chatservice.meters import ORIGIN
from chatservice.site.channel import Request
from chatservice.site.files import File
from chatservice.site.origins import Origins
from chatservice.site.resources import Index, Leaf, cookie_of


class Upgrade(Leaf):
    """Hands good requests over to a door, and refuses the rest as HTTP does.

    :param doors: by what of a client's Sec-WebSocket-Protocol they speak; that of "" takes those
        who ask for nothing that is here.
    :param origins: of pages that may connect.
    """

    def __init__(self, doors: Mapping[str, WebFactory], origins: Origins) -> None:
        super().__init__()
        self._resources = {name: WebSocketResource(door) for name, door in doors.items()}
        self._origins = origins
        self._meters = doors[""].hub.meters

    def render_GET(self, request: Request) -> object:
        """Begin a WebSocket."""
        if not wants_upgrade(request):
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
        secure, name = request.isSecure(), host.decode("latin-1")
        if not self._origins.may_connect(origin, secure, name):
            self._meters.turn_away(ORIGIN)
            return request.error(403, "Pages from elsewhere may not connect: see --web-origin.")
        cookie = cookie_of(request, self._origins.encrypted(secure, name))
        spoken = self._spoken(request)
        request.uri, request.requestHeaders = b"/ws", _plain(key, cookie, spoken)
        request.channel.gone()
        return self._resources[spoken].render(request)

    def _spoken(self, request: Request) -> str:
        """Return the first subprotocol that the client wants and that is here; "" for none."""
        wanted = b",".join(request.requestHeaders.getRawHeaders(b"Sec-WebSocket-Protocol", []))
        names = [name.strip() for name in wanted.decode("latin-1").split(",")]
        return next((name for name in names if name in self._resources), "")

    def _upgrade(self, request: Request, text: str) -> bytes:
        request.setHeader(b"Upgrade", b"websocket")
        request.setHeader(b"Sec-WebSocket-Version", b"13")
        return request.error(426, text)


class Front(Index):
    """The page, and IRC for whoever asks for a WebSocket in its place.

    :param upgrade: where that is begun.
    """

    def __init__(self, file: File, origins: Origins, upgrade: Upgrade) -> None:
        super().__init__(file, origins)
        self._upgrade = upgrade

    def render_GET(self, request: Request) -> object:
        """Return the page, or begin a WebSocket."""
        if request.method == b"GET" and wants_upgrade(request):
            return self._upgrade.render_GET(request)
        return super().render_GET(request)


def wants_upgrade(request: Request) -> bool:
    """Tell whether a request is for a WebSocket."""
    upgrade = _says(request, b"Upgrade", b"websocket")
    return upgrade and _says(request, b"Connection", b"upgrade")


def _plain(key: bytes, cookie: str, spoken: str) -> Headers:
    """Return what is left of a good request's headers."""
    headers = Headers()
    for name, value in (
        (b"Host", b"localhost"),
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Version", b"13"),
        (b"Sec-WebSocket-Key", key),
        (b"Sec-WebSocket-Protocol", spoken.encode()),
        (b"Cookie", f"{COOKIE}={cookie}".encode() if cookie else b""),
    ):
        if value:
            headers.addRawHeader(name, value)
    return headers


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
