"""What people type to look back: history, search, and having one's words removed."""

import re
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.commands.command import Argument, Command
from chatservice.delivery.excerpts import View
from chatservice.delivery.past import MOST_LINES
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.names import MAX_NICK
from chatservice.resume import OWN
from chatservice.search import parse_moment, parse_query
from chatservice.session import Session

HISTORY: Final = 20
"""Lines that /history gives unless told otherwise."""

_HISTORY: Final = re.compile(r"([#@]\S*)?\s*([0-9]{1,9})?\s*(?:before\s+(.{1,40}))?", re.IGNORECASE)
_NUMBER: Final = re.compile("[0-9]+")


def _history(session: Session, text: str) -> Deferred[None]:
    form = _HISTORY.fullmatch(text)
    count = min(int(form[2] or HISTORY), MOST_LINES) if form else 0
    if form is None or not count:
        raise ChatError(
            Code.BAD_ARGUMENTS,
            "Type /history, /history 50, /history before 17 (a line's number), "
            "or /history 50 before 14:30 (or 2026-11-22, or 2d for two days ago); of another room "
            "/history #dev 50, of what you wrote with bob /history @bob 50.",
        )
    hub, person, end = session.hub, session.person, form[3]
    number = int(end) if end and _NUMBER.fullmatch(end) else None
    at = parse_moment(end, hub.now()) if end and number is None else None
    name = form[1] or ""
    view = view_of(session, name)
    head = hub.present(person, view.log)
    return hub.past.history(person.member, view.log, head, count, number, at, name, view.filter)


def _search(session: Session, text: str) -> Deferred[None]:
    hub, person = session.hub, session.person
    query = parse_query(text, hub.now())
    view = view_of(session, query.room).but(hub.preferences.shows(person))
    return hub.past.search(person.member, view.log, query, text, view.filter)


def view_of(session: Session, name: str) -> View:
    """Return what somebody may see of the past where it wants to look back.

    :param name: a room, "" for the current one; OWN for all private lines, with a nickname behind
        it for those said to or by that one.
    :raises ChatError: if that is no such place, or none where it is.
    """
    hub, person = session.hub, session.person
    if not name.startswith(OWN):
        room = hub.rooms.named(person, name)
        return View(room.name, room.charter.floor)
    nick = name.removeprefix(OWN)
    if len(nick) > 4 * MAX_NICK:
        raise ChatError(Code.BAD_ARGUMENTS, "Behind the @ belongs a nickname, for example @bob.")
    return View(person.inbox, wanted=hub.conversations.between(person, nick) if nick else None)


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
        "what was said; also @bob or #dev 50",
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
