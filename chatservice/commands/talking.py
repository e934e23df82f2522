"""What people type to say something."""

from typing import Final

from twisted.internet.defer import Deferred

from chatservice.commands.command import NICK, ROOM, TEXT, Command
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.session import Session


def _me(session: Session, text: str) -> None:
    session.hub.rooms.say(session.person, text, Kind.ACTED)


def _say(session: Session, room: str, text: str) -> None:
    session.hub.rooms.say(session.person, text, name=room)


def say_there(session: Session, room: str, text: str) -> None:
    """Say something in the room before it; who only meant to begin with # is told how to."""
    rooms, person = session.hub.rooms, session.person
    try:
        rooms.say(person, text, name=room)
    except ChatError as refusal:
        if refusal.code not in (Code.NO_SUCH_ROOM, Code.ROOM_INVALID):
            raise
        raise ChatError(
            Code.NO_SUCH_ROOM,
            f"Not said, as you are not in {room}: /join {room} first. Or, if that is no room, "
            f"type /say {person.place.current} before the line.",
        ) from None


def _msg(session: Session, nick: str, text: str) -> Deferred[None] | None:
    return session.hub.conversations.say(session.person, nick, text)


def _reply(session: Session, text: str) -> Deferred[None] | None:
    return session.hub.conversations.reply(session.person, text)


ROWS: Final = (
    Command("me", (TEXT,), "say what you do", "/me waves", _me),
    Command(
        "say",
        (ROOM, TEXT),
        "say it in that room; short: #ROOM TEXT",
        "/say #dev lunch?",
        _say,
    ),
    Command(
        "msg",
        (NICK, TEXT),
        "say something to one person alone",
        "/msg bob lunch?",
        _msg,
        aliases=("m", "tell", "query"),
    ),
    Command(
        "reply",
        (TEXT,),
        "say something to whom you wrote with last",
        "/reply at noon?",
        _reply,
        aliases=("r",),
    ),
)
"""The rows of the table."""
