"""The page's files, as they are sent: read once, named by what is in them, compressed.

What is not here when the server starts is never served, so no path leads out of the folder.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent.parent / "web"
"""Where the page's sources are."""

INDEX: Final = "index.html"

TYPES: Final = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".ico": b"image/x-icon",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/json",
    ".png": b"image/png",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
    ".webmanifest": b"application/manifest+json",
    ".woff2": b"font/woff2",
}
"""The kinds of files that there may be, and what they are called (Content-Type)."""

_WORTH_IT: Final = 0.9  # of the length is what is left after compressing, at most
_LINKED: Final = re.compile(r'\b(src|href)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent.

    :ivar kind: its Content-Type.
    :ivar zipped: its content, compressed; b"" if that is not worth it.
    :ivar tag: names the content (ETag, RFC 9110, 8.8.3), without quotes.
    """

    content: bytes
    kind: bytes
    zipped: bytes
    tag: str

    @classmethod
    def of(cls, name: str, content: bytes) -> "File":
        """Return a file of this name.

        :raises KeyError: if it is of no kind that is known.
        """
        zipped = gzip.compress(content, 9, mtime=0)
        if len(zipped) > _WORTH_IT * len(content):
            zipped = b""
        tag = hashlib.sha256(content).hexdigest()[:32]
        return cls(content, TYPES[Path(name).suffix], zipped, tag)


class Files:
    """The page's files.

    :param folder: where they are.

    :ivar index: the page itself, in which the names of the others are complete.
    :ivar version: one name for the content of all others, so that a module may import another by
        a relative name.
    :ivar others: by their names in the folder, with / between its parts.
    :raises OSError: if they cannot be read.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        found = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in TYPES and not path.name.startswith(".")
        }
        index = found.pop(INDEX)
        summary = hashlib.sha256()
        for name, content in found.items():
            summary.update(f"{name}\0{len(content)}\0".encode() + content)
        self.version = summary.hexdigest()[:16]
        self.others = {name: File.of(name, content) for name, content in found.items()}
        self.index = File.of(INDEX, self._complete(index.decode()).encode())

    def path(self, name: str) -> str:
        """Return where a file is served."""
        return f"/static/{self.version}/{name}"

    def _complete(self, index: str) -> str:
        def place(link: re.Match[str]) -> str:
            return f'{link[1]}="{self.path(link[2])}"' if link[2] in self.others else link[0]

        return _LINKED.sub(place, index)
