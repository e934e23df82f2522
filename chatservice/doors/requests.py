"""What a wire of JSON objects needs besides its framing: requests in, answers with their ids out.

One request is done at a time (commands.fulfil), and its answers are told in that order. So what is
answered while one is open answers it: until it is done, or refused.
"""

from collections import deque
from typing import Final

from chatservice.commands import fulfil, refuse
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.objects import MAX_REQUEST, BadRequest, Id, Request, read_request, write_event
from chatservice.session import Session

_UNASKED: Final = (Kind.PROMPT, Kind.INVITED)  # answers nothing that anybody asked for


class Requests:
    """The requests of one connection that are not answered yet.

    :param session: who asks.
    """

    __slots__ = ("_count", "_open", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._open: deque[tuple[str, Id]] = deque()
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
            fulfil(self._session, request, self.begin(request.id))

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

    def begin(self, request: Id) -> str:
        """Take note that a request is about to be answered; return its tag, see fulfil."""
        self._count += 1
        tag = str(self._count)
        self._open.append((tag, request))
        return tag

    def answer(self, event: Event) -> str:
        """Return an answer as a JSON object, with the id of what it answers.

        "" for what was answered already: a refusal is the last answer.
        """
        if not self._open or event.kind in _UNASKED:
            return "" if event.kind is Kind.DONE else write_event(event)
        tag, request = self._open[0]
        if event.kind is Kind.DONE and event.text != tag:
            return ""
        if event.kind in (Kind.DONE, Kind.ERROR):
            self._open.popleft()
        return write_event(event, request)
