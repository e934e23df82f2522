"""What this server can do, as clients are told on coming in (RPL_ISUPPORT, 005).

modern.ircdocs.horse, section "RPL_ISUPPORT Parameters". Only what is true stands here.
"""

from typing import TYPE_CHECKING

from chatservice.names import MAX_NICK, MAX_ROOM
from chatservice.ops import MAX_TOPIC

if TYPE_CHECKING:
    from chatservice.doors.irc.person import IrcPerson

MOST_TARGETS = 4
"""People or rooms that one message may go to."""


def tokens(irc: "IrcPerson") -> list[str]:
    """Return the tokens of RPL_ISUPPORT."""
    return [
        "CASEMAPPING=ascii",
        "CHANTYPES=#",
        "CHANMODES=b,k,f,imnstz",
        "PREFIX=(ov)@+",
        f"NICKLEN={MAX_NICK}",
        f"CHANNELLEN={MAX_ROOM + 1}",
        f"TOPICLEN={MAX_TOPIC}",
        f"CHANLIMIT=#:{irc.hub.limits.rooms:.0f}",
        "MODES=4",
        f"TARGMAX=PRIVMSG:{MOST_TARGETS},NOTICE:{MOST_TARGETS},TAGMSG:{MOST_TARGETS},"
        "JOIN:,PART:,NAMES:,KICK:1,WHOIS:1,LIST:",
        f"NETWORK={irc.server}",
        "UTF8ONLY",
    ]
