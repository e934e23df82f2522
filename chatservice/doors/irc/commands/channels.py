"""What clients say about rooms: JOIN, PART, NAMES, TOPIC, INVITE, KICK.

RFC 2812, section 3.2, as modern.ircdocs.horse has it. LIST is in listing.py, MODE in modes.py.
"""

from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.formatting import strip
from chatservice.doors.irc.greeting import names, topic
from chatservice.doors.irc.isupport import MOST_JOINED, MOST_TARGETS
from chatservice.doors.irc.message import Message, word
from chatservice.doors.irc.refusals import refusal_in
from chatservice.durations import DAY
from chatservice.errors import ChatError, Code
from chatservice.names import fold
from chatservice.rooms.moderation import MAX_REASON
from chatservice.rooms.ops import MAX_TOPIC
from chatservice.rooms.rights import Act
from chatservice.rooms.room import Room
from chatservice.text import clean

# What other modules about rooms use as well.


def known(irc: IrcClient, name: str) -> Room | None:
    """Return a room that the client may know of; if there is none of the name, say so (403)."""
    room = irc.hub.rooms.find(fold(name))
    if room is not None and irc.hub.rooms.sees(irc.person, room):
        return room
    irc.reply(n.ERR_NOSUCHCHANNEL, word(name), "There is no such room")
    return None


def inside(irc: IrcClient, name: str) -> Room | None:
    """Return a room that the client is in; if it is not, say so (403 or 442)."""
    room = known(irc, name)
    if room is None or room.name in irc.person.place.rooms:
        return room
    irc.reply(n.ERR_NOTONCHANNEL, room.name, "You are not in that room")
    return None


def told(
    irc: IrcClient, message: Message, room: Room, about: str = ""
) -> Callable[[ChatError | Failure], None]:
    """Return what tells the client why something was not done in a room.

    It takes a ChatError, or a Failure with one.

    :param about: what the refusal is about; by default the room.
    """

    def tell(refusal: ChatError | Failure) -> None:
        if isinstance(refusal, Failure):
            refusal = refusal_in(refusal)
        if refusal.code is Code.NO_SUCH_ROOM:  # one that is known, so it is about being there
            irc.reply(n.ERR_NOTONCHANNEL, room.name, refusal.message)
        elif refusal.code is Code.NO_SUCH_NICK:
            irc.refuse(refusal, message, about or room.name)
        else:
            irc.refuse(refusal, message, room.name)

    return tell


def text_of(message: Message, index: int) -> str:
    """Return a param as clean text without formatting; "" if there is none."""
    return clean(strip(message.params[index])) if len(message.params) > index else ""


def charge(irc: IrcClient, more: int) -> None:
    """Account for what a message did beside the first thing: the next one waits for it."""
    if irc.person.quota is not None and more > 0:
        irc.person.quota.owe(more)


def _several(irc: IrcClient, listed: Sequence[str], most: int) -> list[str]:
    """Return names without those that are empty, or there twice; more than may be are refused."""
    named = [*{fold(name): name for name in listed if name}.values()]
    if len(named) > most:
        irc.reply(n.ERR_TOOMANYTARGETS, word(named[most]), f"Too many: name {most} at a time")
    return named[:most]


# The verbs.


def _join(irc: IrcClient, message: Message) -> None:
    if message.params[0] == "0":
        _leave(irc, [*irc.person.place.rooms], "")
        return
    wanted = message.params[0].split(",")
    keys = message.params[1].split(",") if len(message.params) > 1 else []
    key_of: dict[str, str] = {}
    for name, key in zip(wanted, keys, strict=False):
        key_of.setdefault(fold(name), key)
    joined = 0
    for name in _several(irc, wanted, MOST_JOINED):
        if fold(name) in irc.person.place.rooms:
            continue
        joined += 1
        try:
            irc.hub.join(irc.person, name, clean(key_of.get(fold(name), "")))
        except ChatError as refusal:
            irc.refuse(refusal, message, word(name))
    charge(irc, joined - 1)


def _part(irc: IrcClient, message: Message) -> None:
    named = _several(irc, message.params[0].split(","), MOST_JOINED)
    rooms = [inside(irc, name) for name in named]
    left = [room.name for room in rooms if room is not None]
    _leave(irc, left, text_of(message, 1))


def _leave(irc: IrcClient, rooms: Sequence[str], reason: str) -> None:
    for name in rooms:
        irc.hub.rooms.leave(irc.person, name, reason)
    if rooms:
        irc.hub.parts.returns.connected(irc.person)
    charge(irc, len(rooms) - 1)


def _names(irc: IrcClient, message: Message) -> None:
    asked = message.params[0] if message.params else ""
    for name in _several(irc, asked.split(","), MOST_TARGETS):
        room = irc.hub.rooms.find(fold(name))
        if room is not None and irc.hub.rooms.sees(irc.person, room):
            irc.wire(*names(irc, room.name)[:-1])
    irc.reply(n.RPL_ENDOFNAMES, word(asked), "End of /NAMES list")


def _topic(irc: IrcClient, message: Message) -> Deferred[None] | None:
    room = known(irc, message.params[0])
    if room is None:
        return None
    if len(message.params) > 1:
        tell = told(irc, message, room)
        try:
            text = text_of(message, 1)[:MAX_TOPIC]
            return irc.hub.ops.set_topic(irc.person, room, text).addErrback(tell)
        except ChatError as refusal:
            tell(refusal)
            return None
    if lines := topic(irc, room.name):
        irc.wire(*lines)
    else:
        irc.reply(n.RPL_NOTOPIC, room.name, "No topic is set")
    return None


def _invite(irc: IrcClient, message: Message) -> Deferred[None] | None:
    if not message.params:
        _invitations(irc)
        return None
    if len(message.params) < 2:
        irc.reply(n.ERR_NEEDMOREPARAMS, message.command, "Say whom, and into which room")
        return None
    nick, name = message.params[:2]
    wearer = irc.hub.parts.nicks.wearer(nick)
    if wearer is None and irc.hub.accounts.find(nick) is None:
        irc.reply(n.ERR_NOSUCHNICK, word(nick), "Nobody here is called that")
        return None
    room = inside(irc, name)
    if room is None:
        return None
    if wearer is not None and room.name in wearer.place.rooms:
        irc.reply(n.ERR_USERONCHANNEL, wearer.nick, room.name, "That one is in the room already")
        return None
    tell = told(irc, message, room, word(nick))

    def done(_: None) -> None:
        irc.reply(n.RPL_INVITING, wearer.nick if wearer is not None else word(nick), room.name)

    try:
        return irc.hub.ops.invite(irc.person, room, nick, DAY).addCallbacks(done, tell)
    except ChatError as refusal:
        tell(refusal)
        return None


def _invitations(irc: IrcClient) -> None:
    """Say where the client is invited to."""
    own, now = irc.person.inbox, irc.hub.now()
    for room in irc.hub.rooms.all():
        if room.charter.invited.get(own, 0.0) > now and room.name not in irc.person.place.rooms:
            irc.reply(n.RPL_INVITELIST, room.name)
    irc.reply(n.RPL_ENDOFINVITELIST, "End of /INVITE list")


def _kick(irc: IrcClient, message: Message) -> None:
    rooms, nicks = message.params[0].split(","), message.params[1].split(",")
    if len(rooms) == 1:
        nicks = _several(irc, nicks, MOST_TARGETS)
        rooms *= len(nicks)
    pairs = [*zip(rooms, nicks, strict=False)][:MOST_TARGETS]
    reason = text_of(message, 2)[:MAX_REASON]
    for name, nick in pairs:
        if (room := known(irc, name)) is not None:
            _throw_out(irc, message, room, nick, reason)
    charge(irc, len(pairs) - 1)


def _throw_out(irc: IrcClient, message: Message, room: Room, nick: str, reason: str) -> None:
    wearer = irc.hub.parts.nicks.wearer(nick)
    lobby = room is irc.hub.rooms.lobby
    try:
        if wearer is not None and room.name not in wearer.place.rooms and not lobby:
            irc.hub.rooms.admission.check(irc.person, room, Act.KICK)
            irc.reply(n.ERR_USERNOTINCHANNEL, wearer.nick, room.name, "That one is not in the room")
        else:
            irc.hub.moderation.kick(irc.person, room, nick, reason)
    except ChatError as refusal:
        told(irc, message, room, word(nick))(refusal)


ROWS: Final = (
    Row("JOIN", _join, least=1),
    Row("PART", _part, least=1),
    Row("NAMES", _names, asks=9),
    Row("TOPIC", _topic, least=1, asks=1),
    Row("INVITE", _invite),
    Row("KICK", _kick, least=2),
)
"""The rows of the table."""
