"""What every endpoint for programs does: who asks, what stands in the request, how it is answered.

Refusals are JSON with the codes that every other door has. No cookie is looked at.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from chatservice.bots.callers import Caller
from chatservice.doors.connection import host_of
from chatservice.errors import ChatError, Code, TooFast
from chatservice.hub import Hub
from chatservice.site.channel import SOON, Request

STATUS: Final = {
    Code.BAD_REQUEST: 400,
    Code.BAD_ARGUMENTS: 400,
    Code.BAD_TOKEN: 401,
    Code.TOKEN_NEEDED: 401,
    Code.BANNED: 403,
    Code.MUTED: 403,
    Code.MODERATED: 403,
    Code.NOT_ALLOWED: 403,
    Code.NEEDS_ENCRYPTION: 403,
    Code.NO_SUCH_PATH: 404,
    Code.NO_SUCH_ROOM: 404,
    Code.NO_SUCH_METHOD: 405,
    Code.LINE_TOO_LONG: 413,
    Code.UNKNOWN_TYPE: 415,
    Code.KEY_REUSED: 422,
    Code.TOO_FAST: 429,
    Code.SLOW_MODE: 429,
    Code.TOO_MANY_CONNECTIONS: 429,
    Code.NOT_STORED: 503,
    Code.NOT_READ: 503,
    Code.BUSY: 503,
    Code.CLOSING: 503,
}
"""The status of each refusal that is not 500."""

_NO_GOOD: Final = (
    *(Code.BAD_REQUEST, Code.BAD_ARGUMENTS, Code.NO_SUCH_PATH, Code.NO_SUCH_METHOD),
    *(Code.LINE_TOO_LONG, Code.UNKNOWN_TYPE),
)

LARGEST: Final = 2**53
"""The largest number that a program may name: all of JSON's readers have them exactly so far."""

Result = TypeVar("Result")

_BEARER: Final = re.compile(rb"bearer +([\x21-\x7e]{1,200})", re.IGNORECASE)
_NUMBER: Final = re.compile(rb"[0-9]{1,16}")
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Endpoint(Resource):
    """Something that programs ask for: a method for each that it has.

    :param hub: the chat.
    :param room: the room's name.
    """

    isLeaf = True
    methods: Mapping[bytes, Callable[[Request], object]]
    _log = Logger()

    def __init__(self, hub: Hub, room: str) -> None:
        super().__init__()
        self.hub = hub
        self.room = room

    def render(self, request: Request) -> object:
        """Answer, or say what is wrong."""
        try:
            if request.postpath:
                raise no_such_path()
            method = self.methods.get(request.method)
            if method is None:
                allowed = b", ".join(sorted(self.methods))
                request.setHeader(b"Allow", allowed)
                text = f"Here there is only {allowed.decode()}."
                raise ChatError(Code.NO_SUCH_METHOD, text)
            return method(request)
        except ChatError as refusal:
            return self._refuse(request, refusal)

    def _refuse(self, request: Request, refusal: ChatError) -> bytes:
        """Refuse a request; one that was no good counts for its address, as others do."""
        if refusal.code in _NO_GOOD:
            try:
                self.hub.callers.wrong(host_of(request.getClientAddress()))
            except ChatError as too_fast:
                refusal = too_fast
        self.hub.meters.refuse(refusal.code)
        return refuse(request, refusal)

    def later(
        self,
        request: Request,
        pending: Deferred[Result],
        done: Callable[[Result], bytes],
    ) -> object:
        """Answer when something is done, if anybody is there still."""
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)

        def refused(failure: Failure) -> bytes:
            if not isinstance(failure.value, ChatError):
                self._log.failure("a request failed", failure)
                text = "That went wrong here, not with you: tell the operator."
                return refuse(request, ChatError(Code.INTERNAL, text))
            self.hub.meters.refuse(failure.value.code)
            return refuse(request, failure.value)

        def write(body: bytes) -> None:
            if not gone:
                request.write(body)
                request.finish()

        pending.addCallback(done).addErrback(refused).addCallback(write)
        return NOT_DONE_YET


def no_such_path() -> ChatError:
    """Return the refusal of a path where nothing is."""
    return ChatError(Code.NO_SUCH_PATH, "There is nothing here: see /openapi.json.")


def caller_of(hub: Hub, request: Request) -> Caller:
    """Return who wants something.

    :raises ChatError: if there is no token.
    """
    host = host_of(request.getClientAddress())
    found = header(request, b"Authorization")
    form = None if found is None else _BEARER.fullmatch(found)
    if form is None:
        hub.callers.wrong(host)
        raise ChatError(
            Code.TOKEN_NEEDED,
            "Send a token: Authorization: Bearer chat_... An op of the room makes one in the chat, "
            "with /token NAME #ROOM.",
        )
    # Behind a proxy it is known of the way from there alone.
    encrypted = request.isSecure() and not request.channel.site.peer_known_late
    return Caller(form[1].decode("ascii"), host, encrypted)


def header(request: Request, name: bytes) -> bytes | None:
    """Return a header; None if it is not there.

    :raises ChatError: BAD_REQUEST if it is there twice.
    """
    values = request.requestHeaders.getRawHeaders(name, [])
    if len(values) > 1:
        raise ChatError(Code.BAD_REQUEST, f"The header {name.decode()} stands there twice.")
    return values[0].strip() if values else None


def parameters(request: Request, *names: bytes) -> dict[bytes, int]:
    """Return the numbers behind the question mark.

    :raises ChatError: BAD_ARGUMENTS if there are others.
    """
    given = {}
    for name, values in (request.args or {}).items():
        if name not in names:
            known = b", ".join(names).decode() or "none"
            raise ChatError(Code.BAD_ARGUMENTS, f"Known behind the ? are: {known}.")
        number = number_of(values[0])
        if len(values) > 1 or number is None:
            text = f"{name.decode()} is one whole number: ?{name.decode()}=17"
            raise ChatError(Code.BAD_ARGUMENTS, text)
        given[name] = number
    return given


def number_of(text: bytes) -> int | None:
    """Return a number up to LARGEST; None if it is none."""
    number = int(text) if _NUMBER.fullmatch(text) else None
    return None if number is None or number > LARGEST else number


def answer(request: Request, status: int, fields: dict[str, object]) -> bytes:
    """Return an answer's body, for whose status and headers this sees."""
    return answer_text(request, status, _encode(fields))


def answer_text(request: Request, status: int, text: str) -> bytes:
    """Return an answer's body, which is JSON already; see answer."""
    body = text.encode() + b"\n"
    request.setResponseCode(status, HTTPStatus(status).phrase.encode())
    request.setHeader(b"Content-Type", b"application/json")
    request.setHeader(b"Content-Length", b"%d" % len(body))
    request.setHeader(b"Cache-Control", b"no-store")
    return body


def refuse(request: Request, refusal: ChatError) -> bytes:
    """Return the body of a refusal; see answer."""
    status = STATUS.get(refusal.code, 500)
    if status == 401:
        error = b', error="invalid_token"' if refusal.code is Code.BAD_TOKEN else b""
        request.setHeader(b"WWW-Authenticate", b'Bearer realm="chat"' + error)
    if status in (429, 503):
        wait = refusal.wait if isinstance(refusal, TooFast) else SOON
        request.setHeader(b"Retry-After", b"%d" % max(1, math.ceil(wait)))
    return answer(request, status, {"code": str(refusal.code), "text": refusal.message})
