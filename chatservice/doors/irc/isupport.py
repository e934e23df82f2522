"""What this server can do, as clients are told on coming in (RPL_ISUPPORT, 005).

modern.ircdocs.horse, section "RPL_ISUPPORT Parameters". Only what is true stands here.
"""

import math
from collections.abc import Mapping
from typing import Final

from chatservice.doors.irc.voice import IrcVoice
from chatservice.names import MAX_NICK, MAX_ROOM
from chatservice.people.away import LONGEST
from chatservice.presence.watching import MOST_WATCHED
from chatservice.rooms.moderation import MAX_REASON
from chatservice.rooms.modes import MAX_KEY
from chatservice.rooms.ops import MAX_TOPIC
from chatservice.rooms.sanctions import MOST_IN_ROOM

MAX_NAME: Final = 128
"""The longest real name, in characters."""

MAX_USER: Final = 16
"""The longest user name, in characters, without the ~ before it."""

MOST_HISTORY: Final = 100
"""Messages that CHATHISTORY gives at once."""

MOST_TARGETS: Final = 4
"""People or rooms that one message may go to."""

MOST_JOINED: Final = 50
"""Rooms that one message may join, or leave."""

MOST_MODES: Final = 4
"""Changes of a room with a param that one message may make."""

MOST_CONDITIONS: Final = 8
"""What a question for rooms may ask for at a time."""

MOST_USERHOSTS: Final = 5
"""Nicknames that USERHOST may name."""

TARGETS: Final[Mapping[str, int | None]] = {
    "PRIVMSG": MOST_TARGETS,
    "NOTICE": MOST_TARGETS,
    "TAGMSG": MOST_TARGETS,
    "WHOIS": MOST_TARGETS,
    "WHOWAS": MOST_TARGETS,
    "USERHOST": MOST_USERHOSTS,
    "KICK": MOST_TARGETS,
    "JOIN": MOST_JOINED,
    "PART": MOST_JOINED,
    "NAMES": MOST_TARGETS,
    "LIST": MOST_CONDITIONS,
    "MONITOR": None,
}
"""How many names a command may take, with commas between them; None for as many as fit."""


def tokens(irc: IrcVoice) -> list[str]:
    """Return the tokens of RPL_ISUPPORT."""
    most = irc.hub.limits.rooms
    targets = ",".join(f"{verb}:{count or ''}" for verb, count in TARGETS.items())
    return [
        "CASEMAPPING=ascii",
        f"CHATHISTORY={MOST_HISTORY}",
        "MSGREFTYPES=msgid,timestamp",
        "CHANTYPES=#",
        "CHANMODES=b,k,fl,imnstz",
        "PREFIX=(ov)@+",
        f"NICKLEN={MAX_NICK}",
        f"USERLEN={MAX_USER + 1}",
        f"NAMELEN={MAX_NAME}",
        f"AWAYLEN={LONGEST}",
        f"CHANNELLEN={MAX_ROOM + 1}",
        f"TOPICLEN={MAX_TOPIC}",
        f"CHANLIMIT=#:{'' if most == math.inf else int(most)}",
        "ELIST=CMNTU",
        f"KEYLEN={MAX_KEY}",
        f"KICKLEN={MAX_REASON}",
        f"MAXLIST=b:{MOST_IN_ROOM}",
        f"MODES={MOST_MODES}",
        "SAFELIST",
        f"MONITOR={MOST_WATCHED}",
        "WHOX",
        f"TARGMAX={targets}",
        f"NETWORK={irc.server}",
        "UTF8ONLY",
    ]
