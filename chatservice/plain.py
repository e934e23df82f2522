"""Events as lines of plain text, and back: what nc shows, and what the terminal client reads.

    alice joined the chat            alice left the chat          alice is now known as al
    alice: text                      * alice text                 alice -> bob: text
    NICK    Connected to the server  -- text                      ! text [code]

What is told again from the past has its time (UTC) and number before it; what is said now has them,
too, for whoever asked for it:

    [2026-11-22 14:03:05 17] alice: text                          [14:03:05 17] alice: text

Nobody can write a line of another kind or in another's name: a person's text always stands behind
their nickname, and a nickname contains no blank, colon, asterisk or angle bracket and does not
start with a dash, a bracket or an exclamation mark (names.check_nick). So ``parse`` undoes
``render``.
"""

import re
from datetime import UTC, datetime
from typing import Final

from chatservice.events import Event, Kind

_NICK: Final = r"(\w[^\s:,*>]*)"
_GRAMMAR: Final = [
    (Kind.SAID, re.compile(rf"{_NICK}: (.*)")),
    (Kind.ACTED, re.compile(rf"\* {_NICK} (.*)")),
    (Kind.PRIVATE, re.compile(rf"{_NICK} -> {_NICK}: (.*)")),
    (Kind.ERROR, re.compile(r"! (.*) \[([a-z-]+)\]")),
    (Kind.RESUME, re.compile(rf"-- To come back, answer NICK with: {_NICK} (.*)")),
    (Kind.NOTICE, re.compile(r"-- (.*)")),
    (Kind.JOINED, re.compile(rf"{_NICK} joined the chat")),
    (Kind.LEFT, re.compile(rf"{_NICK} left the chat")),
    (Kind.RENAMED, re.compile(rf"{_NICK} is now known as {_NICK}")),
    (Kind.PROMPT, re.compile(r"NICK")),
    (Kind.WELCOME, re.compile(r"Connected to the server")),
]
_STAMP: Final = re.compile(r"\[(?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d:\d\d) (\d{1,18})\] (.*)")
_DAY: Final = 86400


def render(event: Event, stamped: bool = False) -> str:
    """Return the event as a line, without the line's end.

    :param stamped: whether time and number come first also when it is not from the past.
    """
    if event.past:
        return f"[{_when(event.at):%Y-%m-%d %H:%M:%S} {event.seq}] {_line(event)}"
    if stamped and event.kind.kept:
        return f"[{_when(event.at):%H:%M:%S} {event.seq}] {_line(event)}"
    return _line(event)


def _when(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _line(event: Event) -> str:
    nick, text = event.nick, event.text
    match event.kind:
        case Kind.SAID:
            return f"{nick}: {text}"
        case Kind.ACTED:
            return f"* {nick} {text}"
        case Kind.PRIVATE:
            return f"{nick} -> {event.to}: {text}"
        case Kind.JOINED:
            return f"{nick} joined the chat"
        case Kind.LEFT:
            return f"{nick} left the chat"
        case Kind.RENAMED:
            return f"{nick} is now known as {text}"
        case Kind.PROMPT:
            return "NICK"
        case Kind.WELCOME:
            return "Connected to the server"
        case Kind.ERROR:
            return f"! {text} [{nick}]"
        case Kind.RESUME:
            return f"-- To come back, answer NICK with: {nick} {text}"
        case _:  # a kind this dialect does not know is still shown
            return f"-- {text}"


def parse(line: str, now: float = 0.0) -> Event:
    """Return the event that a line shows.

    Its seq and at are 0 unless the line is stamped, its room is "", which a line does not tell.
    A line of no known form is a notice with the whole line as its text.

    :param now: seconds since 1970; a time without a date is taken for the nearest to it.
    """
    if found := _STAMP.fullmatch(line):
        event = _parse(found[4])
        if event.kind.kept and (at := _read_time(found[1], found[2], now)) is not None:
            return event._replace(seq=int(found[3]), at=at, past=found[1] is not None)
    return _parse(line)


def _read_time(day: str | None, time: str, now: float) -> float | None:
    try:
        if day is not None:
            return datetime.fromisoformat(f"{day} {time}+00:00").timestamp()
        at = datetime.fromisoformat(f"1970-01-01 {time}+00:00").timestamp()
    except ValueError:
        return None
    return at + _DAY * round((now - at) / _DAY)


def _parse(line: str) -> Event:
    for kind, form in _GRAMMAR:
        if found := form.fullmatch(line):
            return _event(kind, found.groups())
    return Event(0, 0.0, "", Kind.NOTICE, "", line)


def _event(kind: Kind, parts: tuple[str, ...]) -> Event:
    nick, to, text = "", "", ""
    match kind, parts:
        case Kind.PRIVATE, (nick, to, text):
            pass
        case Kind.ERROR, (text, nick):
            pass
        case Kind.NOTICE, (text,):
            pass
        case _, (nick, text):
            pass
        case _, (nick,):
            pass
    return Event(0, 0.0, "", kind, nick, text, to)
