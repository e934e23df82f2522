"""What people type about themselves and their connection."""

from typing import Final

from twisted.internet.defer import Deferred

from chatservice.commands.command import NICK, Argument, Command
from chatservice.errors import ChatError, Code
from chatservice.events import JSON, TEXT, Kind
from chatservice.session import Session


def _nick(session: Session, nick: str) -> Deferred[None]:
    return session.hub.arrivals.rename(session.person, nick)


def _json(session: Session, word: str) -> None:
    on = word.lower() == "on"
    if not on and word.lower() != "off":
        raise ChatError(Code.BAD_ARGUMENTS, "Type /json on or /json off.")
    session.person.member.speak_json(on)
    session.hub.tell(session.person, Kind.HELLO, JSON if on else TEXT)


def _resume(session: Session) -> Deferred[None]:
    return session.hub.arrivals.tell_token(session.person)


def _quit(session: Session) -> None:
    session.leave()


ROWS: Final = (
    Command("nick", (NICK,), "change your nickname", "/nick alice2", _nick),
    Command(
        "json",
        (Argument("on|off"),),
        "JSON both ways, for programs",
        "/json on",
        _json,
    ),
    Command("resume", (), "a token to come back with and miss nothing", "/resume", _resume),
    Command("quit", (), "leave the chat", "/quit", _quit, aliases=("q", "exit", "bye"), free=True),
)
"""The rows of the table."""
