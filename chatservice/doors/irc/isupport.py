"""What this server can do, as clients are told on coming in (RPL_ISUPPORT, 005).

modern.ircdocs.horse, section "RPL_ISUPPORT Parameters". Only what is true stands here.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from chatservice.away import LONGEST
from chatservice.names import MAX_NICK, MAX_ROOM
from chatservice.ops import MAX_TOPIC
from chatservice.watching import MOST_WATCHED

if TYPE_CHECKING:
    from chatservice.doors.irc.person import IrcPerson

MAX_NAME: Final = 128
"""The longest real name, in characters."""

MAX_USER: Final = 16
"""The longest user name, in characters, without the ~ before it."""

MOST_TARGETS: Final = 4
"""People or rooms that one message may go to."""

MOST_USERHOSTS: Final = 5
"""Nicknames that USERHOST may name."""

TARGETS: Final[Mapping[str, int | None]] = {
    "PRIVMSG": MOST_TARGETS,
    "NOTICE": MOST_TARGETS,
    "TAGMSG": MOST_TARGETS,
    "WHOIS": MOST_TARGETS,
    "WHOWAS": MOST_TARGETS,
    "USERHOST": MOST_USERHOSTS,
    "KICK": 1,
    "JOIN": None,
    "PART": None,
    "NAMES": None,
    "LIST": None,
    "MONITOR": None,
}
"""How many names a command may take, with commas between them; None for as many as fit."""


def tokens(irc: "IrcPerson") -> list[str]:
    """Return the tokens of RPL_ISUPPORT."""
    most = irc.hub.limits.rooms
    targets = ",".join(f"{verb}:{count or ''}" for verb, count in TARGETS.items())
    return [
        "CASEMAPPING=ascii",
        "CHANTYPES=#",
        "CHANMODES=b,k,f,imnstz",
        "PREFIX=(ov)@+",
        f"NICKLEN={MAX_NICK}",
        f"USERLEN={MAX_USER + 1}",
        f"NAMELEN={MAX_NAME}",
        f"AWAYLEN={LONGEST}",
        f"CHANNELLEN={MAX_ROOM + 1}",
        f"TOPICLEN={MAX_TOPIC}",
        f"CHANLIMIT=#:{'' if most == math.inf else int(most)}",
        "MODES=4",
        f"MONITOR={MOST_WATCHED}",
        "WHOX",
        f"TARGMAX={targets}",
        f"NETWORK={irc.server}",
        "UTF8ONLY",
    ]
