"""What somebody is told on coming in: the welcome, and of each room its topic and who is there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import chatservice
from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.dialect import LETTERS, timestamp
from chatservice.doors.irc.isupport import tokens
from chatservice.doors.irc.message import MAX_BODY, write
from chatservice.person import Person
from chatservice.roles import Role
from chatservice.room import Room

if TYPE_CHECKING:
    from chatservice.doors.irc.person import IrcPerson

_TOKENS_A_LINE = 12


def numbered(irc: "IrcPerson", number: str, *params: str) -> str:
    """Return a numeric to somebody as a line."""
    return write(number, irc.called, *params, source=irc.server)


def greet(irc: "IrcPerson") -> list[str]:
    """Return the welcome (RFC 2812, section 5.1; 005 by modern.ircdocs.horse)."""
    server, version = irc.server, f"chatservice-{chatservice.__version__}"
    since = datetime.fromtimestamp(irc.factory.since, UTC)
    mode_letters = "".join(sorted({*LETTERS.values(), *"bnov"}))
    lines = [
        numbered(irc, n.RPL_WELCOME, f"Welcome to the chat, {irc.lines.mask(irc.called)}"),
        numbered(irc, n.RPL_YOURHOST, f"Your host is {server}, running {version}"),
        numbered(irc, n.RPL_CREATED, f"This server was started {since:%Y-%m-%d %H:%M:%S} UTC"),
        numbered(irc, n.RPL_MYINFO, server, version, "o", mode_letters, "bkov"),
    ]
    found = tokens(irc)
    for start in range(0, len(found), _TOKENS_A_LINE):
        some = found[start : start + _TOKENS_A_LINE]
        lines.append(numbered(irc, n.RPL_ISUPPORT, *some, "are supported by this server"))
    return [*lines, *lusers(irc), *motd(irc)]


def lusers(irc: "IrcPerson") -> list[str]:
    """Return how many are here."""
    people = len(irc.hub.people())
    rooms = len(irc.hub.rooms)
    return [
        numbered(irc, n.RPL_LUSERCLIENT, f"There are {people} users on 1 server"),
        numbered(irc, n.RPL_LUSERCHANNELS, str(rooms), "rooms formed"),
        numbered(irc, n.RPL_LUSERME, f"I have {people} clients and 0 servers"),
    ]


def motd(irc: "IrcPerson") -> list[str]:
    """Return the message of the day: there is none, what is to be known is told by itself."""
    return [numbered(irc, n.ERR_NOMOTD, "There is no message of the day")]


def topic(irc: "IrcPerson", name: str) -> list[str]:
    """Return a room's topic, if it has one."""
    room = irc.hub.rooms.find(name)
    if room is None or not room.charter.topic:
        return []
    charter = room.charter
    at = str(int(charter.topic_at))
    return [
        numbered(irc, n.RPL_TOPIC, name, charter.topic),
        numbered(irc, n.RPL_TOPICWHOTIME, name, charter.topic_by or "*", at),
    ]


def marker(irc: "IrcPerson", name: str) -> list[str]:
    """Return how far somebody has read a room (ircv3.net/specs/extensions/read-marker)."""
    if not irc.has("draft/read-marker"):
        return []
    return [marked(irc, name, irc.hub.markers.find(irc.person.inbox, name))]


def marked(irc: "IrcPerson", target: str, at: int) -> str:
    """Return up to when somebody has read something.

    :param at: milliseconds since 1970; 0 if that is not known.
    """
    word = f"timestamp={timestamp(at / 1000)}" if at else "*"
    return write("MARKREAD", target, word, source=irc.server)


def names(irc: "IrcPerson", name: str) -> list[str]:
    """Return who is in a room (RPL_NAMREPLY), in as many lines as it takes."""
    room = irc.hub.rooms.find(name)
    end = numbered(irc, n.RPL_ENDOFNAMES, name, "End of /NAMES list")
    if room is None:
        return [end]
    kind = "@" if room.charter.modes.secret else "="
    head = numbered(irc, n.RPL_NAMREPLY, kind, name, "")
    lines: list[str] = []
    line: list[str] = []
    size = len(head.encode())
    for entry in _entries(irc, room):
        length = len(entry.encode()) + 1
        if line and size + length > MAX_BODY:
            lines.append(head + " ".join(line))
            line, size = [], len(head.encode())
        line.append(entry)
        size += length
    if line:
        lines.append(head + " ".join(line))
    return [*lines, end]


def _entries(irc: "IrcPerson", room: Room) -> Iterator[str]:
    several, whole = irc.has("multi-prefix"), irc.has("userhost-in-names")
    wearer = irc.hub.parts.nicks.wearer
    for nick in room.nicks():
        one = wearer(nick)
        shown = irc.lines.mask(nick) if whole else nick
        yield f"{prefix(irc, one, room, several)}{shown}"


def prefix(irc: "IrcPerson", person: Person | None, room: Room, several: bool) -> str:
    """Return the signs of what somebody may do in a room.

    :param several: whether all of them, or the highest only.
    """
    role = Role.USER if person is None else irc.hub.rooms.role(person, room)
    if role >= Role.OP:
        return "@+" if several else "@"
    return "+" if role is Role.VOICE else ""
