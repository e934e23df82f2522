"""What clients say to rooms and to each other: PRIVMSG, NOTICE."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from twisted.internet.defer import Deferred

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.dialect import ACTION
from chatservice.doors.irc.formatting import ctcp, strip
from chatservice.doors.irc.isupport import MOST_TARGETS
from chatservice.doors.irc.message import Message, client_only, write_tags
from chatservice.errors import ChatError
from chatservice.events import Kind
from chatservice.names import is_room
from chatservice.text import clean

if TYPE_CHECKING:
    from chatservice.doors.irc.protocol import IrcSpeaker


def _privmsg(irc: "IrcSpeaker", message: Message) -> Deferred[None] | None:
    return _say(irc, message, Kind.SAID, Kind.PRIVATE)


def _notice(irc: "IrcSpeaker", message: Message) -> Deferred[None] | None:
    return _say(irc, message, Kind.REMARKED, Kind.HINTED)


def _say(irc: "IrcSpeaker", message: Message, aloud: Kind, alone: Kind) -> Deferred[None] | None:
    if not message.params or not message.params[0]:
        irc.reply(n.ERR_NORECIPIENT, f"No recipient given ({message.command})")
        return None
    if len(message.params) < 2 or not message.params[1]:
        irc.reply(n.ERR_NOTEXTTOSEND, "No text to send")
        return None
    text, acted = message.params[1], False
    if (found := ctcp(text)) is not None:
        if found[0] != "ACTION" or aloud is not Kind.SAID:
            return None
        text, acted = found[1], True
    text = clean(strip(text))
    aside = clean(write_tags(client_only(message.tags)))
    targets = message.params[0].split(",")
    if len(targets) > MOST_TARGETS:
        irc.reply(n.ERR_TOOMANYTARGETS, targets[MOST_TARGETS], "Too many targets: say it to fewer")
        return None
    pending: list[Deferred[None]] = []
    for target in dict.fromkeys(targets):
        if is_room(target):
            kind = Kind.ACTED if acted else aloud
            _try(irc, message, target, irc.hub.rooms.say, irc.person, text, kind, target, aside)
        else:
            said = f"{ACTION}{text}" if acted else text
            say = irc.hub.conversations.say
            waiting = _try(irc, message, target, say, irc.person, target, said, alone, aside)
            if waiting is not None:
                pending.append(waiting)
    return pending[0] if pending else None


def _try(
    irc: "IrcSpeaker",
    message: Message,
    target: str,
    act: Callable[..., Deferred[None] | None],
    *args: object,
) -> Deferred[None] | None:
    """Do something for one of several targets; a refusal is about this one."""
    try:
        return act(*args)
    except ChatError as refusal:
        irc.refuse(refusal, message, target)
        return None


ROWS: Final = (
    Row("PRIVMSG", _privmsg),
    Row("NOTICE", _notice),
)
"""The rows of the table."""
