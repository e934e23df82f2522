"""What people type to look back: history, search, and having one's words removed."""

import re
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.commands.command import Argument, Command
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.past import MOST_LINES
from chatservice.resume import OWN
from chatservice.search import parse_moment, parse_query
from chatservice.session import Session

HISTORY: Final = 20
"""Lines that /history gives unless told otherwise."""

_HISTORY: Final = re.compile(r"([0-9]{1,9})?\s*(?:before\s+(.{1,40}))?", re.IGNORECASE)
_NUMBER: Final = re.compile("[0-9]+")


def _history(session: Session, text: str) -> Deferred[None]:
    form = _HISTORY.fullmatch(text)
    count = min(int(form[1] or HISTORY), MOST_LINES) if form else 0
    if form is None or not count:
        raise ChatError(
            Code.BAD_ARGUMENTS,
            "Type /history, /history 50, /history before 17 (a line's number), "
            "or /history 50 before 14:30 (or 2026-11-22, or 2d for two days ago).",
        )
    hub, end = session.hub, form[2]
    number = int(end) if end and _NUMBER.fullmatch(end) else None
    at = parse_moment(end, hub.now()) if end and number is None else None
    member, room = session.person.member, session.person.place.current
    return hub.past.history(member, room, hub.present(session.person, room), count, number, at)


def _search(session: Session, text: str) -> Deferred[None]:
    hub, person = session.hub, session.person
    query = parse_query(text, hub.now())
    own = query.room == OWN
    room = person.inbox if own else hub.rooms.named(person, query.room).name
    return hub.past.search(person.member, room, query, text)


def _forget(session: Session, text: str) -> Deferred[None] | None:
    hub, person = session.hub, session.person
    match text.lower().split():
        case ["me"]:
            hub.tell(
                person,
                Kind.NOTICE,
                "This removes all that you have said since you came from the history, private "
                "lines included, for good. What others have on their screens stays there.",
                "To do it, type: /forget me yes",
            )
            return None
        case ["me", "yes"]:
            return hub.past.forget(person.member, person.inbox, person.place.since)
    raise ChatError(Code.BAD_ARGUMENTS, "You can only have your own lines removed: /forget me")


ROWS: Final = (
    Command(
        "history",
        (Argument("[N] [before WHEN]", rest=True, optional=True),),
        "what was said before",
        "/history 50 before 14:30",
        _history,
        aliases=("hist", "backlog"),
        patient=True,
    ),
    Command(
        "search",
        (Argument("WORDS", rest=True),),
        "find lines; also from:nick since:2d -C 2",
        '/search deploy "went wrong" roll* from:bob since:2d -C 2',
        _search,
        aliases=("find", "grep"),
    ),
    Command(
        "forget",
        (Argument("me", rest=True),),
        "remove your own lines from the history",
        "/forget me",
        _forget,
    ),
)
"""The rows of the table."""
