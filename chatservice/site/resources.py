"""What the web server's tree is made of: the page, its files, and how the server is."""

import json
import re
from typing import Final, cast

from twisted.web.http import CACHED
from twisted.web.resource import IResource, Resource

from chatservice.doors.tabs import COOKIE, new_cookie, read_cookie
from chatservice.errors import ChatError
from chatservice.hub import Hub
from chatservice.site.channel import CSP, Request
from chatservice.site.files import File, Files
from chatservice.site.origins import Origins

COOKIE_SECONDS: Final = 30 * 86400
"""How long a browser is known again after it opened the page."""

SAFE_COOKIE: Final = f"__Host-{COOKIE}"
"""Its name where the browser sees us at https://. No neighbour (another host of our domain, or ours
over http://) can make a browser send one of that name, which it would know (RFC 6265bis, 4.1.3)."""

_HOST: Final = re.compile(rb"[A-Za-z0-9.\-]+(:[0-9]{1,5})?")  # CSP has no IPv6 addresses
_GZIP: Final = re.compile(
    rb"(?:^|,)\s*(?:gzip|\*)\s*"
    rb"(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[^,]*)?(?:,|$)",  # q=0 means: not this one
    re.IGNORECASE,
)


class Folder(Resource):
    """A part of the tree in which there is nothing but what was put into it."""

    def put(self, name: str, child: Resource) -> None:
        """Put something into it."""
        self.putChild(name.encode(), cast("IResource", child))

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Return what says that there is nothing of that name."""
        return NotFound()

    def render(self, request: Request) -> bytes:
        """Say that there is nothing here."""
        return request.error(404, "There is nothing here.")


class NotFound(Folder):
    """What is not there."""

    isLeaf = True


class Leaf(Resource):
    """Something in the tree, below which there is nothing."""

    isLeaf = True

    def render(self, request: Request) -> object:
        """Answer, or say that there is nothing here."""
        if request.postpath:
            return request.error(404, "There is nothing here.")
        return super().render(request)


class FileResource(Leaf):
    """A file that may be kept for ever: its path names its content.

    :param file: the content.
    """

    def __init__(self, file: File) -> None:
        super().__init__()
        self._file = file

    def render_GET(self, request: Request) -> bytes:
        """Return the content."""
        request.setHeader(b"Cache-Control", b"public, max-age=31536000, immutable")
        return send(request, self._file)


class Index(Leaf):
    """The page. Whoever opens it is given a cookie by which it is known when it comes back.

    :param file: the content.
    :param origins: where browsers see us.
    """

    def __init__(self, file: File, origins: Origins) -> None:
        super().__init__()
        self._file = file
        self._origins = origins

    def render_GET(self, request: Request) -> object:
        """Return the page."""
        # private: with it goes a cookie, which is nobody else's (RFC 9111, 7.3).
        request.setHeader(b"Cache-Control", b"private, no-cache")
        host = request.getHeader(b"Host") or b""
        safe = self._origins.encrypted(request.isSecure(), host.decode("latin-1"))
        cookie = cookie_of(request, safe) or new_cookie()
        # Lax: with Strict, who comes by a link from elsewhere would be taken for somebody new.
        parts = [f"{SAFE_COOKIE if safe else COOKIE}={cookie}", f"Max-Age={COOKIE_SECONDS}"]
        parts += ["Path=/", "HttpOnly", "SameSite=Lax", *(["Secure"] if safe else [])]
        request.setHeader(b"Set-Cookie", "; ".join(parts).encode())
        if _HOST.fullmatch(host):  # before Safari 16 'self' does not stand for WebSockets
            own = b"connect-src 'self' ws://%s wss://%s;" % (host, host)
            policy = CSP.replace(b"connect-src 'self';", own)
            request.setHeader(b"Content-Security-Policy", policy)
        return send(request, self._file)


class Health(Leaf):
    """Whether the chat takes people and lines.

    :param hub: the chat.
    """

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub

    def render_GET(self, request: Request) -> bytes:
        """Say how it is: 200, or 503 with the reason."""
        said = {"status": "ok"}
        try:
            self._hub.check()
        except ChatError as trouble:
            request.setResponseCode(503)
            said = {"status": trouble.code, "text": trouble.message}
        request.setHeader(b"Content-Type", b"application/json")
        request.setHeader(b"Cache-Control", b"no-store")
        return json.dumps(said).encode() + b"\n"


def cookie_of(request: Request, safe: bool) -> str:
    """Return the value of our cookie; "" if there is no good one.

    :param safe: whether the browser sees us at https://.
    """
    header = b"; ".join(request.requestHeaders.getRawHeaders(b"Cookie", []))
    return read_cookie(header.decode("latin-1"), SAFE_COOKIE if safe else COOKIE)


def send(request: Request, file: File) -> bytes:
    """Return a file's content as the browser wants it, nothing if it has it."""
    zipped = bool(file.zipped) and takes_gzip(request.getHeader(b"Accept-Encoding") or b"")
    request.setHeader(b"Content-Type", file.kind)
    if file.zipped:
        request.setHeader(b"Vary", b"Accept-Encoding")
    if request.setETag(f'"{file.tag}{"-gz" if zipped else ""}"'.encode()) is CACHED:
        return b""
    if zipped:
        request.setHeader(b"Content-Encoding", b"gzip")
    return file.zipped if zipped else file.content


def takes_gzip(accepted: bytes) -> bool:
    """Tell whether an Accept-Encoding header allows for gzip (RFC 9110, 12.5.3)."""
    return _GZIP.search(accepted) is not None


def static(files: Files) -> Folder:
    """Return the tree of the page's files."""
    root, version = Folder(), Folder()
    root.put(files.version, version)
    folders = {"": version}
    for name, file in files.others.items():
        place = ""
        *parents, last = name.split("/")
        for part in parents:
            above, place = folders[place], f"{place}/{part}"
            if place not in folders:
                folders[place] = Folder()
                above.put(part, folders[place])
        folders[place].put(last, FileResource(file))
    return root
