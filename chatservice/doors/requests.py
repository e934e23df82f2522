"""What a wire of JSON objects needs besides its framing: requests in, answers with their ids out.

One request is done at a time (commands.fulfil), and its answers are told in that order. So what is
answered while one is open answers it, until it is done or refused; which of them that was, the
answer itself says, since people are refused things as well that they did not ask for.
"""

from typing import Final

from chatservice.commands import fulfil, refuse
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.objects import MAX_REQUEST, BadRequest, Id, Request, read_request, write_event
from chatservice.session import Session
from chatservice.text import clean

_LAST: Final = (Kind.DONE, Kind.ERROR)
_ANSWERS: Final = (
    *(Kind.WELCOME, Kind.SWITCHED, Kind.NOTICE, Kind.RESUME, Kind.HELLO),
    *(Kind.ROOM, Kind.MEMBER, Kind.COMMAND, Kind.MAY),
)


class Requests:
    """The requests of one connection that are not answered yet.

    :param session: who asks.
    """

    __slots__ = ("_count", "_open", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._open: list[tuple[str, Id]] = []  # a few at most; an empty deque has 0.7 KiB
        self._count = 0

    def take(self, data: bytes) -> None:
        """Do what a JSON object asks for; blanks ask for nothing."""
        if not data.strip():
            return
        try:
            request = self.read(data)
        except BadRequest as refusal:
            self.begin(refusal.id)
            self._session.do(refuse, refusal)
        else:
            self.begin(request.id)
            fulfil(self._session, request)

    def too_long(self) -> None:
        """Refuse an object that was too long to be taken."""
        self.begin(None)
        problem = f"That is longer than {MAX_REQUEST} bytes and was not done: make it shorter."
        self._session.do(refuse, ChatError(Code.LINE_TOO_LONG, problem))

    def read(self, data: bytes) -> Request:
        """Return the request in some bytes; what is not UTF-8 becomes U+FFFD.

        :raises BadRequest: if it is none.
        """
        return read_request(data.decode("utf-8", "replace"))

    def first(self, data: bytes) -> Request:
        """Return a request of somebody who has no nickname yet; it is begun.

        :raises BadRequest: if it is none.
        """
        try:
            request = self.read(data)
        except BadRequest as refusal:
            self.begin(refusal.id)
            raise
        self.begin(request.id)
        return request

    def nick(self, data: bytes) -> str:
        """Return the nickname that somebody offers in its first request, which is begun.

        :raises BadRequest: if it is none.
        """
        request = self.first(data)
        nick = request.fields.get("nick")
        if request.do != "nick" or not isinstance(nick, str):
            raise BadRequest('Give a nickname first: {"do": "nick", "nick": "alice"}.')
        return clean(nick)

    def begin(self, request: Id) -> None:
        """Take note that a request is about to be done."""
        self._count += 1
        tag = self._session.person.request = str(self._count)
        self._open.append((tag, request))

    def answer(self, event: Event) -> str:
        """Return an answer as a JSON object, with the id of what it answers.

        "" for what was answered already: a refusal is the last answer.
        """
        tag, request = self._open[0] if self._open else ("", None)
        if event.kind in _LAST:
            if not tag or event.to != tag:
                return "" if event.kind is Kind.DONE else write_event(event)
            del self._open[0]
        elif not event.past and event.kind not in _ANSWERS:
            return write_event(event)
        return write_event(event, request)
