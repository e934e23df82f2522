"""What people can type: the table of commands, and how a typed line is taken.

/help is made from the table. To add a command, write its handler and its row (command.py). Doors
call ``perform``.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.command import Argument, Command
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.names import MAX_NICK, MAX_ROOM, check_room
from chatservice.past import MOST_LINES
from chatservice.resume import OWN
from chatservice.search import parse_moment, parse_query
from chatservice.session import Session

_LINE: Final = 400  # characters that an answer's line may have, about
_NAMES_SHOWN: Final = 500
_ROOMS_SHOWN: Final = 20


def perform(session: Session, line: str) -> None:
    """Take a line as somebody typed it: a command, or something to say.

    :param line: clean text, one line; an empty one does nothing.
    """
    if not line.startswith("/"):
        if (addressed := address(line)) is not None:
            session.do(_say_there, session, *addressed)
        elif line and not line.isspace():
            session.do(session.hub.rooms.say, session.person, line)
    elif line.startswith("//"):
        session.do(session.hub.rooms.say, session.person, line[1:])
    else:
        row = _BY_NAME.get(line[1:].partition(" ")[0].lower())
        if row is None:
            session.do(_perform, session, line)
        else:
            session.do(_perform, session, line, free=row.free, patient=row.patient)


def _perform(session: Session, line: str) -> Deferred[None] | None:
    name, _, rest = line[1:].partition(" ")
    command = find(name)
    return command.handler(session, *command.parse(rest))


def address(line: str) -> tuple[str, str] | None:
    """Return room and text of a line like ``#dev hello``; None if it is of another form.

    What cannot be the name of a room addresses none: ``## a heading``, ``#!/bin/sh -e``.
    """
    found = _ADDRESSED.fullmatch(line)
    if found is None:
        return None
    try:
        return check_room(found[1]), found[2].rstrip()
    except ChatError:
        return None


def find(name: str) -> Command:
    """Return a command by its name or alias, with or without the slash, in any case.

    :raises ChatError: naming the nearest command, if there is none of that name.
    """
    wanted = name.removeprefix("/").lower()
    try:
        return _BY_NAME[wanted]
    except KeyError:
        near = difflib.get_close_matches(wanted[:MAX_NICK], _BY_NAME, n=1, cutoff=0.5)
        hint = f"did you mean /{_BY_NAME[near[0]].name}?" if near else "see /help."
        raise ChatError(
            Code.UNKNOWN_COMMAND,
            f"There is no command /{wanted[:MAX_NICK]}: {hint} To say it, type it with //.",
        ) from None


# The handlers.


def _help(session: Session, name: str) -> None:
    def show(*lines: str) -> None:
        session.hub.tell(session.person, Kind.NOTICE, *lines)

    if name:
        command = find(name)
        show(f"{command.usage}   {command.help}", f"For example: {command.example}")
        if command.aliases:
            show("Also: " + " ".join(f"/{alias}" for alias in command.aliases))
        return
    width = max(len(command.usage) for command in COMMANDS)
    show(
        "Type something and everybody reads it. Or type a command:",
        *(f"  {command.usage:{width}}   {command.help}" for command in COMMANDS),
        "A line that starts with // says the rest, with one slash.",
    )


def _nick(session: Session, nick: str) -> Deferred[None]:
    return session.hub.rename(session.person, nick)


def _join(session: Session, room: str) -> None:
    session.hub.join(session.person, room)


def _leave(session: Session, room: str) -> None:
    session.hub.leave_room(session.person, room)


def _rooms(session: Session) -> None:
    rooms, person = session.hub.rooms, session.person
    lines = ["One room:" if len(rooms) == 1 else f"{len(rooms):,} rooms, yours first:"]
    for room in rooms.largest(person, _ROOMS_SHOWN):
        current = room.name == person.place.current
        yours = ", current" if current else ", joined" if room.name in person.place.rooms else ""
        lines.append(f"  {room.name}: {len(room)} here{yours}")
    if len(rooms) > _ROOMS_SHOWN:
        lines.append(f"  and {len(rooms) - _ROOMS_SHOWN:,} more")
    session.hub.tell(person, Kind.NOTICE, *lines)


def _who(session: Session, name: str) -> None:
    rooms, person = session.hub.rooms, session.person
    room = rooms.named(person, name)
    place = "here" if room is rooms.current(person) else f"in {room.name}"
    session.hub.tell(person, Kind.NOTICE, *_listed(list(room.nicks()), place))


def _listed(nicks: Sequence[str], place: str) -> Iterator[str]:
    """Write many nicknames in lines of a readable length, and not without end."""
    line = f"{len(nicks)} {place}:"
    for nick in islice(nicks, _NAMES_SHOWN):
        if len(line) + len(nick) > _LINE:
            yield line
            line = " "
        line += f" {nick}"
    if len(nicks) > _NAMES_SHOWN:
        line += f" and {len(nicks) - _NAMES_SHOWN} more"
    yield line


def _me(session: Session, text: str) -> None:
    session.hub.rooms.say(session.person, text, Kind.ACTED)


def _say(session: Session, room: str, text: str) -> None:
    session.hub.rooms.say(session.person, text, name=room)


def _say_there(session: Session, room: str, text: str) -> None:
    """Say something in the room before it; who only meant to begin with # is told how to."""
    rooms, place = session.hub.rooms, session.person.place
    if room not in place.rooms:
        raise ChatError(
            Code.NO_SUCH_ROOM,
            f"Not said, as you are not in {room}: /join {room} first. Or, if that is no room, "
            f"type /say {place.current} before the line.",
        )
    rooms.say(session.person, text, name=room)


def _msg(session: Session, nick: str, text: str) -> None:
    session.hub.private(session.person, nick, text)


def _quit(session: Session) -> None:
    session.leave()


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


def _time(session: Session, word: str) -> None:
    on = word.lower() == "on"
    if not on and word.lower() != "off":
        raise ChatError(Code.BAD_ARGUMENTS, "Type /time on or /time off.")
    session.person.member.stamp(on)
    shown = "Before each line now stand its time (UTC) and number." if on else "No more times."
    session.hub.tell(session.person, Kind.NOTICE, shown)


def _resume(session: Session) -> Deferred[None]:
    return session.hub.tell_token(session.person)


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


HISTORY: Final = 20
"""Lines that /history gives unless told otherwise."""

_HISTORY: Final = re.compile(r"([0-9]{1,9})?\s*(?:before\s+(.{1,40}))?", re.IGNORECASE)
_NUMBER: Final = re.compile("[0-9]+")
_TEXT: Final = Argument("TEXT", rest=True)
_NICK: Final = Argument("NICK", longest=4 * MAX_NICK)
_ROOM: Final = Argument("#ROOM", longest=4 * MAX_ROOM)
_OWN_ROOM: Final = Argument("#ROOM", optional=True, longest=4 * MAX_ROOM)
_ADDRESSED: Final = re.compile(r"(#\S+)\s+(\S.*)")

COMMANDS: Final = (
    Command(
        "help",
        (Argument("COMMAND", optional=True),),
        "what you can type, or more about one command",
        "/help msg",
        _help,
        aliases=("h", "?"),
    ),
    Command("nick", (_NICK,), "change your nickname", "/nick alice2", _nick),
    Command("join", (_ROOM,), "enter a room, or switch to it", "/join #dev", _join, aliases=("j",)),
    Command("leave", (_OWN_ROOM,), "leave a room", "/leave #dev", _leave, aliases=("part",)),
    Command("rooms", (), "which rooms there are", "/rooms", _rooms, aliases=("channels",)),
    Command("who", (_OWN_ROOM,), "who is here", "/who", _who, aliases=("names", "list", "w")),
    Command("me", (_TEXT,), "say what you do", "/me waves", _me),
    Command(
        "say",
        (_ROOM, _TEXT),
        "say it in that room; short: #ROOM TEXT",
        "/say #dev lunch?",
        _say,
    ),
    Command(
        "msg",
        (_NICK, _TEXT),
        "say something to one person alone",
        "/msg bob lunch?",
        _msg,
        aliases=("m", "tell", "query"),
    ),
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
        "time",
        (Argument("on|off"),),
        "show each line's time and number",
        "/time on",
        _time,
    ),
    Command("resume", (), "a token to come back with and miss nothing", "/resume", _resume),
    Command(
        "forget",
        (Argument("me", rest=True),),
        "remove your own lines from the history",
        "/forget me",
        _forget,
    ),
    Command("quit", (), "leave the chat", "/quit", _quit, aliases=("q", "exit", "bye"), free=True),
)
"""Every command there is."""

_BY_NAME: Final = {name: row for row in COMMANDS for name in (row.name, *row.aliases)}
