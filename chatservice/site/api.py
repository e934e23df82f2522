"""The interface for programs over HTTP: rooms, and what a bot with a token does there.

    POST /rooms/NAME/messages    says a line: its text, or JSON {"text": ..., "kind": "acted"}
    GET  /rooms/NAME/messages    reads, page by page: ?after=17&limit=100
    GET  /rooms/NAME/events      listens (streams.py)
    GET  /openapi.json           describes all that

What may be done is decided in bots/programs.py; here is what stands in requests and answers.
Nothing of it is for pages from elsewhere: no CORS, and no cookie is looked at.
"""

import re
from importlib import resources
from typing import Final, NamedTuple

from twisted.web.resource import Resource

from chatservice.bots.programs import MOST_READ, Page
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.hub import Hub
from chatservice.names import MAX_ROOM, check_room
from chatservice.objects import load, write_event
from chatservice.site.channel import Request
from chatservice.site.endpoint import (
    Endpoint,
    answer,
    answer_text,
    caller_of,
    header,
    no_such_path,
    parameters,
    refuse,
)
from chatservice.site.resources import Folder, NotFound
from chatservice.site.streams import DOOR, Events

MAX_BODY: Final = 8192
"""The longest body of a request, in bytes: a line in JSON, however it is escaped."""

PAGE: Final = 100
"""Lines of a page unless told otherwise."""

_KINDS: Final = {kind.label: kind for kind in (Kind.SAID, Kind.ACTED)}
_KEY: Final = re.compile(rb"[\x21-\x7e]{1,64}")
_JSON: Final = re.compile(rb"application/(?:json|[\w.+-]+\+json)", re.IGNORECASE)
_CHARSET: Final = re.compile(rb";\s*charset\s*=\s*\"?([^\";\s]*)\"?", re.IGNORECASE)
_NOT_TEXT: Final = re.compile(rb"multipart/|image/|audio/|video/", re.IGNORECASE)


class Rooms(Folder):
    """/rooms: every name that can be a room's is there; whether it is one, only tokens tell."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub
        hub.meters.connections[DOOR] += 0  # a door without anybody is shown, too

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Return the place of a room."""
        try:
            name = path.decode()
            if len(name) > 4 * MAX_ROOM or name.startswith("#"):
                return NotFound()
            room = check_room(f"#{name}")
        except (UnicodeDecodeError, ChatError):
            return NotFound()
        return Room(self._hub, room)


class Room(Folder):
    """/rooms/NAME."""

    def __init__(self, hub: Hub, room: str) -> None:
        super().__init__()
        self.put("messages", Messages(hub, room))
        self.put("events", Events(hub, room))


class Messages(Endpoint):
    """/rooms/NAME/messages."""

    def __init__(self, hub: Hub, room: str) -> None:
        super().__init__(hub, room)
        self.methods = {b"GET": self._read, b"HEAD": self._read, b"POST": self._say}

    def _say(self, request: Request) -> object:
        caller, key = caller_of(self.hub, request), _key_of(request)
        parameters(request)
        text, kind = _text_of(request)
        said = self.hub.programs.say(caller, self.room, text, kind, key)

        def done(event: Event) -> bytes:
            fields: dict[str, object] = {"room": event.room, "seq": event.seq}
            return answer(request, 201, fields | {"at": round(event.at, 3)})

        return self.later(request, said, done)

    def _read(self, request: Request) -> object:
        caller, given = (
            caller_of(self.hub, request),
            parameters(request, b"after", b"before", b"limit"),
        )
        limit = given.get(b"limit", PAGE)
        if not 1 <= limit <= MOST_READ:
            raise ChatError(Code.BAD_ARGUMENTS, f"limit is a number from 1 to {MOST_READ}.")
        programs = self.hub.programs
        page = programs.read(caller, self.room, given.get(b"after"), given.get(b"before"), limit)
        return self.later(request, page, lambda page: _write_page(request, page))


class Description(Resource):
    """/openapi.json."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self._text = (resources.files("chatservice.site") / "openapi.json").read_text("utf-8")

    def render(self, request: Request) -> object:
        """Return the description."""
        if request.postpath:
            return refuse(request, no_such_path())
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"Allow", b"GET, HEAD")
            return refuse(request, ChatError(Code.NO_SUCH_METHOD, "Here there is only GET."))
        return answer_text(request, 200, self._text.rstrip())


def _key_of(request: Request) -> str:
    key = header(request, b"Idempotency-Key")
    if key is None:
        return ""
    if not _KEY.fullmatch(key):
        raise ChatError(
            Code.BAD_REQUEST, "An Idempotency-Key has 1 to 64 visible ASCII characters."
        )
    return key.decode("ascii")


class _Line(NamedTuple):
    text: str
    kind: Kind


def _text_of(request: Request) -> _Line:
    """Return what is to be said.

    :raises ChatError: if it cannot be read.
    """
    content = request.content
    body = b"" if content is None else content.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise ChatError(Code.LINE_TOO_LONG, f"That is longer than {MAX_BODY} bytes: say less.")
    kind = header(request, b"Content-Type") or b""
    charset = _CHARSET.search(kind)
    encoded = header(request, b"Content-Encoding") or b"identity"
    if (
        _NOT_TEXT.match(kind)
        or (charset and charset[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"))
        or encoded.lower() != b"identity"
    ):
        raise ChatError(
            Code.UNKNOWN_TYPE,
            'Send the line itself in UTF-8, or {"text": "..."} as application/json.',
        )
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ChatError(Code.BAD_REQUEST, "That is no UTF-8.") from None
    if not _JSON.fullmatch(kind.partition(b";")[0].strip()):
        return _Line(text.removesuffix("\n").removesuffix("\r"), Kind.SAID)
    return _read_json(text)


def _read_json(text: str) -> _Line:
    try:
        asked = load(text)
    except ValueError as problem:
        raise ChatError(Code.BAD_REQUEST, f"That is no good JSON: {problem}.") from None
    if not isinstance(asked, dict):
        raise ChatError(Code.BAD_REQUEST, 'Send a JSON object: {"text": "hello"}')
    line, kind = asked.get("text"), asked.get("kind", Kind.SAID.label)
    if not isinstance(line, str):
        raise ChatError(Code.BAD_ARGUMENTS, '"text" must be a string.')
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ChatError(Code.BAD_ARGUMENTS, '"kind" is "said" or, as /me does, "acted".')
    return _Line(line, _KINDS[kind])


def _write_page(request: Request, page: Page) -> bytes:
    following = "null" if page.next is None else str(page.next)
    messages = ",".join(map(write_event, page.events))
    return answer_text(request, 200, f'{{"messages":[{messages}],"next":{following}}}')
