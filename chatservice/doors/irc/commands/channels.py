"""What clients say about rooms: JOIN, PART, NAMES, TOPIC."""

from typing import TYPE_CHECKING, Final

from twisted.internet.defer import Deferred

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.formatting import strip
from chatservice.doors.irc.greeting import names, topic
from chatservice.doors.irc.message import Message
from chatservice.errors import ChatError
from chatservice.names import fold
from chatservice.text import clean

if TYPE_CHECKING:
    from chatservice.doors.irc.protocol import IrcSpeaker


def _join(irc: "IrcSpeaker", message: Message) -> None:
    if message.params[0] == "0":
        for name in [*irc.person.place.rooms]:
            irc.hub.leave_room(irc.person, name)
        return
    keys = message.params[1].split(",") if len(message.params) > 1 else []
    for index, name in enumerate(dict.fromkeys(message.params[0].split(","))):
        if fold(name) in irc.person.place.rooms:
            continue
        try:
            irc.hub.join(irc.person, name, keys[index] if index < len(keys) else "")
        except ChatError as refusal:
            irc.refuse(refusal, message, name)


def _part(irc: "IrcSpeaker", message: Message) -> None:
    reason = clean(strip(message.params[1])) if len(message.params) > 1 else ""
    for name in message.params[0].split(","):
        if irc.hub.rooms.find(fold(name)) is None:
            irc.reply(n.ERR_NOSUCHCHANNEL, name, "There is no such room")
        elif fold(name) not in irc.person.place.rooms:
            irc.reply(n.ERR_NOTONCHANNEL, name, "You are not in that room")
        else:
            irc.hub.rooms.leave(irc.person, name, reason)
            irc.hub.parts.returns.connected(irc.person)


def _names(irc: "IrcSpeaker", message: Message) -> None:
    wanted = message.params[0].split(",") if message.params else [*irc.person.place.rooms]
    for name in wanted:
        room = irc.hub.rooms.find(fold(name))
        if room is not None and irc.hub.rooms.sees(irc.person, room):
            irc.wire(*names(irc, room.name))
        else:
            irc.reply(n.RPL_ENDOFNAMES, name, "End of /NAMES list")


def _topic(irc: "IrcSpeaker", message: Message) -> Deferred[None] | None:
    name = message.params[0]
    room = irc.hub.rooms.shown(irc.person, name)
    if len(message.params) > 1:
        return irc.hub.ops.set_topic(irc.person, room, clean(strip(message.params[1])))
    lines = topic(irc, room.name)
    if lines:
        irc.wire(*lines)
    else:
        irc.reply(n.RPL_NOTOPIC, room.name, "No topic is set")
    return None


ROWS: Final = (
    Row("JOIN", _join, least=1),
    Row("PART", _part, least=1),
    Row("NAMES", _names),
    Row("TOPIC", _topic, least=1),
)
"""The rows of the table."""
