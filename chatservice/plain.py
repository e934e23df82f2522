"""Events as lines of plain text, and back: what nc shows, and what the terminal client reads.

    alice joined the chat            alice left the chat          alice is now known as al
    alice: text                      * alice text                 alice -> bob: text
    NICK    Connected to the server  -- text                      ! text [code]

Nobody can write a line of another kind or in another's name: a person's text always stands behind
their nickname, and a nickname contains no blank, colon, asterisk or angle bracket and does not
start with a dash or an exclamation mark (names.check_nick). So ``parse`` undoes ``render``.
"""

import re
from typing import Final

from chatservice.events import Event, Kind

_NICK: Final = r"(\w[^\s:,*>]*)"
_GRAMMAR: Final = [
    (Kind.SAID, re.compile(rf"{_NICK}: (.*)")),
    (Kind.ACTED, re.compile(rf"\* {_NICK} (.*)")),
    (Kind.PRIVATE, re.compile(rf"{_NICK} -> {_NICK}: (.*)")),
    (Kind.ERROR, re.compile(r"! (.*) \[([a-z-]+)\]")),
    (Kind.NOTICE, re.compile(r"-- (.*)")),
    (Kind.JOINED, re.compile(rf"{_NICK} joined the chat")),
    (Kind.LEFT, re.compile(rf"{_NICK} left the chat")),
    (Kind.RENAMED, re.compile(rf"{_NICK} is now known as {_NICK}")),
    (Kind.PROMPT, re.compile(r"NICK")),
    (Kind.WELCOME, re.compile(r"Connected to the server")),
]


def render(event: Event) -> str:
    """Return the event as a line, without the line's end."""
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
        case _:  # a kind this dialect does not know is still shown
            return f"-- {text}"


def parse(line: str) -> Event:
    """Return the event that a line shows.

    Its seq, at and room are 0 and "", which a line does not tell.
    A line of no known form is a notice with the whole line as its text.
    """
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
