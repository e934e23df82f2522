"""What somebody is told on coming in: the welcome, and of each room its topic and who is there."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Final

import chatservice
from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.isupport import tokens
from chatservice.doors.irc.letters import LETTERS
from chatservice.doors.irc.message import MAX_BODY, cut, write
from chatservice.doors.irc.roster import pieces
from chatservice.doors.irc.times import timestamp
from chatservice.doors.irc.voice import IrcVoice
from chatservice.events import Event, Kind

MOST_TOKENS: Final = 12
"""Of RPL_ISUPPORT in one line; 13 would fit."""

MAX_MOTD_LINE: Final = 400
"""Bytes of a line of the message of the day, at most; longer ones are cut at blanks."""

USER_MODES: Final = "io"
"""The modes of a person: to be found by who shares a room alone, as everybody; to be an admin."""


def wrapped(head: str, words: Iterable[str], between: str = " ") -> list[str]:
    """Return words in as many lines as it takes, none of them cut; none for no words.

    :param head: what every line begins with.
    """
    return [head + text for text in pieces(words, MAX_BODY - len(head.encode()), between)]


def greet(irc: IrcVoice) -> list[str]:
    """Return the welcome (RFC 2812, section 5.1, by modern.ircdocs.horse)."""
    server, version = irc.server, f"chatservice-{chatservice.__version__}"
    since = datetime.fromtimestamp(irc.factory.since, UTC)
    mask = irc.lines.mask(irc.called, irc.person.inbox)
    mode_letters = "".join(sorted({*LETTERS.values(), *"bov"}))
    return [
        irc.numbered(n.RPL_WELCOME, f"Welcome to the chat, {mask}"),
        irc.numbered(n.RPL_YOURHOST, f"Your host is {server}, running {version}"),
        irc.numbered(n.RPL_CREATED, f"This server was started {since:%Y-%m-%d %H:%M:%S} UTC"),
        irc.numbered(n.RPL_MYINFO, server, version, USER_MODES, mode_letters, "bfklov"),
        *isupport(irc),
        *lusers(irc),
        *motd(irc),
        *still_away(irc),
    ]


def still_away(irc: IrcVoice) -> list[str]:
    """Return that somebody who comes back is away, as it said before."""
    away = irc.person.away
    return [irc.numbered(n.RPL_NOWAWAY, f"You are away: {away.text}")] if away else []


def isupport(irc: IrcVoice) -> list[str]:
    """Return what this server can do."""
    found = tokens(irc)
    return [
        irc.numbered(n.RPL_ISUPPORT, *found[i : i + MOST_TOKENS], "are supported by this server")
        for i in range(0, len(found), MOST_TOKENS)
    ]


def lusers(irc: IrcVoice, *more: str) -> list[str]:
    """Return how many are here: what is known without counting, as everybody is told that.

    Who lost the connection and may come back counts as in NAMES. Everybody is as if with mode +i.

    :param more: lines that stand behind the first.
    """
    nicks = irc.hub.parts.nicks
    people, most, rooms = len(nicks), nicks.most, len(irc.hub.rooms)

    def users(number: str, which: str) -> str:
        text = f"Current {which} users {people}, max {most}"
        return irc.numbered(number, str(people), str(most), text)

    text = f"There are 0 users and {people} invisible on 1 servers"
    return [
        irc.numbered(n.RPL_LUSERCLIENT, text),
        *more,
        irc.numbered(n.RPL_LUSERCHANNELS, str(rooms), "rooms formed"),
        irc.numbered(n.RPL_LUSERME, f"I have {people} clients and 0 servers"),
        users(n.RPL_LOCALUSERS, "local"),
        users(n.RPL_GLOBALUSERS, "global"),
    ]


def motd(irc: IrcVoice) -> list[str]:
    """Return the message of the day, if the operator has one."""
    if not irc.factory.motd:
        return [irc.numbered(n.ERR_NOMOTD, "There is no message of the day")]
    return [
        irc.numbered(n.RPL_MOTDSTART, f"- {irc.server} Message of the day -"),
        *(
            irc.numbered(n.RPL_MOTD, f"- {text}")
            for line in irc.factory.motd
            for text in [*cut(line, MAX_MOTD_LINE)] or [""]
        ),
        irc.numbered(n.RPL_ENDOFMOTD, "End of the message of the day"),
    ]


def topic(irc: IrcVoice, name: str) -> list[str]:
    """Return a room's topic, if it has one."""
    room = irc.hub.rooms.find(name)
    if room is None or not room.charter.topic:
        return []
    charter = room.charter
    at = str(int(charter.topic_at))
    return [
        irc.numbered(n.RPL_TOPIC, name, charter.topic),
        irc.numbered(
            n.RPL_TOPICWHOTIME,
            name,
            irc.lines.mask(charter.topic_by) if charter.topic_by else "*",
            at,
        ),
    ]


def inside(irc: IrcVoice, name: str) -> list[str]:
    """Return what somebody is told of a room that it has come into."""
    return [*topic(irc, name), *marker(irc, name), *names(irc, name)]


def back(irc: IrcVoice, known: Collection[str]) -> list[str]:
    """Return in which rooms somebody is who has come back: no other client has seen it go and come.

    :param known: rooms of which it is told as if it had come into them.
    """
    person = irc.person
    if person.offered is None:
        return []
    lines: list[str] = []
    for room in [room for room in person.place.rooms if room not in known]:
        joined = Event(0, irc.hub.now(), room, Kind.JOINED, person.nick, by=person.inbox)
        lines += [irc.lines.lines(joined)[0], *inside(irc, room)]
    return lines


def away(irc: IrcVoice) -> str:
    """Return that somebody is away."""
    return irc.numbered(n.RPL_NOWAWAY, "You are away, until you say something or AWAY alone")


def known_anew(irc: IrcVoice, name: str) -> list[str]:
    """Return how a room is just now, of whose changes not all were told; nothing of one that
    somebody is not in.
    """
    if name not in irc.person.place.rooms or irc.person.departed:
        return []
    none = irc.numbered(n.RPL_NOTOPIC, name, "No topic is set")
    return [*(topic(irc, name) or [none]), *names(irc, name)]


def marker(irc: IrcVoice, name: str) -> list[str]:
    """Return how far somebody has read a room (ircv3.net/specs/extensions/read-marker)."""
    if not irc.has("draft/read-marker"):
        return []
    return [marked(irc, name, irc.hub.markers.find(irc.person.inbox, name))]


def marked(irc: IrcVoice, target: str, at: int) -> str:
    """Return up to when somebody has read something.

    :param at: milliseconds since 1970; 0 if that is not known.
    """
    word = f"timestamp={timestamp(at / 1000)}" if at else "*"
    return write("MARKREAD", target, word, source=irc.server)


def names(irc: IrcVoice, name: str) -> list[str]:
    """Return who is in a room (RPL_NAMREPLY), in as many lines as it takes."""
    room = irc.hub.rooms.find(name)
    end = irc.numbered(n.RPL_ENDOFNAMES, name, "End of /NAMES list")
    if room is None:
        return [end]
    kind = "@" if room.charter.modes.secret else "="
    head = irc.numbered(n.RPL_NAMREPLY, kind, name, "")
    several, whole = irc.has("multi-prefix"), irc.has("userhost-in-names")
    found = irc.factory.rosters.names(room, several, whole)
    return [*(head + text for text in found), end]
