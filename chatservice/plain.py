"""Events as lines of plain text, and back: what nc shows, and what the terminal client reads.

    alice joined the chat            alice left the chat          alice is now known as al
    alice: text                      * alice text                 alice -> bob: text
    alice set the topic to: text     alice removed the topic      alice set moderated on
    alice made bob op                alice kicked bob out of the chat: text
    NICK    Connected to the server  -- text                      ! text [code]
    -- You are in #dev now.          -- alice invites you to #dev: type /join #dev

In a room other than the lobby it is ``alice joined #dev``. What happens in another room than the
reader's current one has the room's name before it, unless it names the room anyway:

    #dev alice: text                 #dev -- text                 #lobby alice joined the chat

What is told again from the past has its time (UTC) and number before it; what is said now has them,
too, for whoever asked for it:

    [2026-11-22 14:03:05 17] alice: text                          [14:03:05 17] alice: text

Nobody can write a line of another kind or in another's name: a person's text always stands behind
their nickname, and a nickname contains no blank, colon, asterisk or angle bracket and does not
start with a dash, a bracket or an exclamation mark (names.check_nick); a room's name starts with #
and contains neither blank nor colon (names.check_room). Topics and reasons end their lines; what
the server says (NOTICE, NOTED, INVITED, ERROR) begins with words of its own, or with a nickname.
So ``parse`` undoes ``render``; but what the server says to the current room reads as NOTICE.
"""

import re
from datetime import UTC, datetime
from typing import Final

from chatservice.events import FOR_PROGRAMS, NAMING, SPEAKING, Event, Kind
from chatservice.names import is_room

_NICK: Final = r"(\w[^\s:,*>]*)"
_ROOM: Final = r"(#[^\s:]{1,100})"
_GRAMMAR: Final = [
    (Kind.SAID, re.compile(rf"{_NICK}: (.*)")),
    (Kind.ACTED, re.compile(rf"\* {_NICK} (.*)")),
    (Kind.PRIVATE, re.compile(rf"{_NICK} -> {_NICK}: (.*)")),
    (Kind.TOPIC, re.compile(rf"{_NICK} set the topic to: (.*)")),
    (Kind.TOPIC, re.compile(rf"{_NICK} removed the topic")),
    (Kind.MODE, re.compile(rf"{_NICK} set ([a-z-]+ .+)")),
    (Kind.ROLE, re.compile(rf"{_NICK} made {_NICK} (\S+)")),
    (Kind.KICKED, re.compile(rf"{_NICK} kicked {_NICK} out of (?:the chat|{_ROOM})(?:: (.*))?")),
    (Kind.ERROR, re.compile(r"! (.*) \[([a-z-]+)\]")),
    (Kind.RESUME, re.compile(rf"-- To come back, answer NICK with: {_NICK} (.*)")),
    (Kind.SWITCHED, re.compile(rf"-- You are in {_ROOM} now\.")),
    (Kind.HELLO, re.compile(r"-- Lines are (text|JSON) from here on\.")),
    (Kind.INVITED, re.compile(rf"-- {_NICK} invites you to {_ROOM}: type /join \2")),
    (Kind.NOTICE, re.compile(r"-- (.*)")),
    (Kind.JOINED, re.compile(rf"{_NICK} joined (?:the chat|{_ROOM})")),
    (Kind.LEFT, re.compile(rf"{_NICK} left (?:the chat|{_ROOM})")),
    (Kind.RENAMED, re.compile(rf"{_NICK} is now known as {_NICK}")),
    (Kind.PROMPT, re.compile(r"NICK")),
    (Kind.WELCOME, re.compile(r"Connected to the server")),
]
_PREFIX: Final = re.compile(rf"{_ROOM} (.*)")
_IN_ROOMS: Final = (
    *SPEAKING,
    *(Kind.RENAMED, Kind.TOPIC, Kind.MODE, Kind.ROLE),
    *NAMING,
)
_STAMP: Final = re.compile(r"\[(?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d:\d\d) (\d{1,18})\] (.*)")
_DAY: Final = 86400


def render(event: Event, stamped: bool = False, elsewhere: bool = False) -> str:
    """Return the event as a line, without the line's end; "" for what is for programs alone.

    :param stamped: whether time and number come first also when it is not from the past.
    :param elsewhere: whether the reader's current room is another than the event's.
    """
    if event.kind in FOR_PROGRAMS:
        return ""
    line = _line(event)
    if elsewhere and is_room(event.room) and not _names_room(event):
        line = f"{event.room} {line}"
    if event.past:
        return f"[{_when(event.at):%Y-%m-%d %H:%M:%S} {event.seq}] {line}"
    if stamped and event.kind.kept:
        return f"[{_when(event.at):%H:%M:%S} {event.seq}] {line}"
    return line


def _names_room(event: Event) -> bool:
    """Tell whether the event's line names its room wherever it is read."""
    return event.kind in NAMING and not event.lobby and event.room != ""


def _when(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _line(event: Event) -> str:
    nick, text = event.nick, event.text
    place = event.room if _names_room(event) else "the chat"
    match event.kind:
        case Kind.SAID | Kind.REMARKED:
            return f"{nick}: {text}"
        case Kind.ACTED:
            return f"* {nick} {text}"
        case Kind.PRIVATE | Kind.HINTED:
            return f"{nick} -> {event.to}: {text}"
        case Kind.JOINED:
            return f"{nick} joined {place}"
        case Kind.LEFT:
            return f"{nick} left {place}"
        case Kind.RENAMED:
            return f"{nick} is now known as {text}"
        case Kind.KICKED:
            return f"{nick} kicked {event.to} out of {place}{text and ': '}{text}"
        case Kind.TOPIC:
            return f"{nick} set the topic to: {text}" if text else f"{nick} removed the topic"
        case Kind.MODE:
            return f"{nick} set {text}"
        case Kind.ROLE:
            return f"{nick} made {event.to} {text}"
        case Kind.RECORDED:
            return f"-- {nick} {text}"
        case Kind.INVITED:
            return f"-- {nick} invites you to {text}: type /join {text}"
        case Kind.HELLO:
            return f"-- Lines are {text} from here on."
        case Kind.DONE:
            return "-- Done."
        case Kind.PROMPT:
            return "NICK"
        case Kind.WELCOME:
            return "Connected to the server"
        case Kind.SWITCHED:
            return f"-- You are in {text} now."
        case Kind.ERROR:
            return f"! {text} [{nick}]"
        case Kind.RESUME:
            return f"-- To come back, answer NICK with: {nick} {text}"
        case _:  # a kind this dialect does not know is still shown
            return f"-- {text}"


def parse(line: str, now: float = 0.0) -> Event:
    """Return the event that a line shows.

    Its seq and at are 0 unless the line is stamped, its room is "" unless the line names it: then
    the event happened in the reader's current room, or in none.
    A line of no known form is a notice with the whole line as its text.

    :param now: seconds since 1970; a time without a date is taken for the nearest to it.
    """
    if found := _STAMP.fullmatch(line):
        event = _in_room(found[4])
        if event.kind.kept and (at := _read_time(found[1], found[2], now)) is not None:
            return event._replace(seq=int(found[3]), at=at, past=found[1] is not None)
    return _in_room(line)


def _read_time(day: str | None, time: str, now: float) -> float | None:
    try:
        if day is not None:
            return datetime.fromisoformat(f"{day} {time}+00:00").timestamp()
        at = datetime.fromisoformat(f"1970-01-01 {time}+00:00").timestamp()
    except ValueError:
        return None
    return at + _DAY * round((now - at) / _DAY)


def _in_room(line: str) -> Event:
    if found := _PREFIX.fullmatch(line):
        if found[2].startswith("-- "):
            return Event(0, 0.0, found[1], Kind.NOTED, "", found[2].removeprefix("-- "))
        event = _parse(found[2])
        if event.kind in _IN_ROOMS and not event.room:
            return event._replace(room=found[1])
    return _parse(line)


def _parse(line: str) -> Event:
    for kind, form in _GRAMMAR:
        if found := form.fullmatch(line):
            return _event(kind, found.groups())
    return Event(0, 0.0, "", Kind.NOTICE, "", line)


def _event(kind: Kind, parts: tuple[str, ...]) -> Event:
    room, nick, to, text = "", "", "", ""
    match kind, parts:
        case Kind.PRIVATE, (nick, to, text):
            pass
        case Kind.ERROR, (text, nick):
            pass
        case ((Kind.NOTICE | Kind.SWITCHED | Kind.HELLO), (text,)):
            pass
        case ((Kind.JOINED | Kind.LEFT), (nick, named)):
            room = named or ""
        case Kind.KICKED, (nick, to, named, text):
            room, text = named or "", text or ""
        case Kind.ROLE, (nick, to, text):
            pass
        case _, (nick, text):
            pass
        case _, (nick,):
            pass
    lobby = kind in NAMING and not room
    return Event(0, 0.0, room, kind, nick, text, to, lobby=lobby)
