"""HELP and HELPOP: what clients can say, one verb after another, and what else can be typed."""

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from typing import Final

from chatservice.commands import COMMANDS
from chatservice.commands import find as find_command
from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.message import Message, word
from chatservice.doors.irc.roster import pieces
from chatservice.errors import ChatError

INDEX: Final = "index"
"""The subject of HELP without one."""

_WIDTH: Final = 70

USAGES: Final = {
    "ADMIN": ("", "who runs this"),
    "AUTHENTICATE": ("MECHANISM or base64", "sign in by SASL"),
    "AWAY": ("[REASON]", "say that you are away, or back"),
    "CAP": ("LS, LIST, REQ or END [...]", "agree on capabilities (IRCv3)"),
    "CHATHISTORY": ("LATEST, BEFORE, AFTER, AROUND, BETWEEN or TARGETS ...", "look back"),
    "HELP": ("[SUBJECT]", "this, or more about one subject"),
    "HELPOP": ("[SUBJECT]", "as HELP"),
    "INFO": ("", "what this server is"),
    "INVITE": ("[NICK #ROOM]", "ask somebody into a room; where you are asked to"),
    "ISON": ("NICK [NICK ...]", "who of some is here"),
    "JOIN": ("#ROOM[,#ROOM ...] [KEY[,KEY ...]]", "go into rooms; JOIN 0 leaves all"),
    "KICK": ("#ROOM NICK[,NICK ...] [REASON]", "throw somebody out of a room"),
    "KILL": ("NICK [REASON]", "throw somebody out of the chat, for admins"),
    "LINKS": ("", "which servers there are: this one"),
    "LIST": ("[#ROOM, *MASK*, >USERS, C<MINUTES, ...]", "which rooms there are"),
    "LOGIN": ("[ACCOUNT] PASSWORD", "sign in to an account"),
    "LUSERS": ("", "how many are here"),
    "MARKREAD": ("TARGET [timestamp=...]", "up to where you have read"),
    "MODE": ("#ROOM [MODES [PARAM ...]]", "a room's modes, and who may do what in it"),
    "MONITOR": ("+ NICK[,NICK ...], - NICK[,NICK ...], C, L or S", "watch who comes and goes"),
    "MOTD": ("", "the message of the day"),
    "NAMES": ("[#ROOM[,#ROOM ...]]", "who is in a room"),
    "NICK": ("NICK", "take another nickname"),
    "NOTICE": ("TARGET[,TARGET ...] TEXT", "say something that nothing answers"),
    "OPER": ("ACCOUNT PASSWORD", "sign in as an admin"),
    "PART": ("#ROOM[,#ROOM ...] [REASON]", "leave rooms"),
    "PASS": ("TOKEN, PASSWORD or ACCOUNT:PASSWORD", "sign in, before NICK and USER"),
    "PING": ("TOKEN", "ask for a sign of life"),
    "PONG": ("TOKEN", "give one"),
    "PRIVMSG": ("TARGET[,TARGET ...] TEXT", "say something, in rooms or to people"),
    "QUIT": ("[REASON]", "leave the chat"),
    "REGISTER": ("ACCOUNT EMAIL PASSWORD", "make an account; * for your nickname and no email"),
    "SETNAME": ("NAME", "take another real name"),
    "STATS": ("u", "how long this server is up"),
    "TAGMSG": ("TARGET[,TARGET ...]", "give a sign by tags alone, such as that you type"),
    "TIME": ("", "what time it is here"),
    "TOPIC": ("#ROOM [TEXT]", "what a room is about"),
    "USER": ("USER 0 * NAME", "say who you are, on coming in"),
    "USERHOST": ("NICK [NICK ...]", "who of some is here, and away"),
    "VERIFY": ("ACCOUNT CODE", "what REGISTER needs elsewhere; here it is not needed"),
    "VERSION": ("", "what runs here, and what it can do"),
    "WHO": ("[#ROOM, NICK or MASK] [%FIELDS[,TOKEN]]", "who is in a room, or around"),
    "WHOIS": ("NICK[,NICK ...]", "who somebody is"),
    "WHOWAS": ("NICK [COUNT]", "who wore a nickname before"),
}
"""How verbs are used, and what for; those that there are not are not shown."""


def _help(irc: IrcClient, message: Message, verbs: Collection[str]) -> None:
    asked = message.params[0] if message.params and message.params[0] else ""
    lines = [*(_about(asked.lstrip("/"), verbs) if asked else _index(verbs))]
    subject = word(asked) if asked else INDEX
    if not lines:
        irc.reply(n.ERR_HELPNOTFOUND, subject, "There is no help on that: HELP lists what there is")
        return
    numbers = [n.RPL_HELPSTART, *[n.RPL_HELPTXT] * (len(lines) - 1)]
    told = [
        irc.numbered(number, subject, line) for number, line in zip(numbers, lines, strict=True)
    ]
    irc.wire(*told, irc.numbered(n.RPL_ENDOFHELP, subject, "End of HELP"))


def _index(verbs: Collection[str]) -> Iterator[str]:
    yield "What IRC clients can say:"
    yield from pieces(sorted(verbs), _WIDTH)
    yield "What people here type with a slash can be said as well, for example /quote search fish:"
    yield from pieces(sorted(row.name for row in COMMANDS if row.name.upper() not in verbs), _WIDTH)
    yield "More about one: HELP SUBJECT"


def _about(subject: str, verbs: Collection[str]) -> Iterator[str]:
    verb = subject.upper()
    if verb in verbs and verb in USAGES:
        usage, text = USAGES[verb]
        yield f"{verb} {usage}".strip()
        yield text
        return
    try:
        row = find_command(subject)
    except ChatError:
        return
    yield row.usage
    yield row.help
    yield f"For example: {row.example}"


def rows(others: Iterable[Row]) -> tuple[Row, ...]:
    """Return the rows of the table, given the others."""
    verbs = {*(row.verb for row in others), "HELP", "HELPOP"}
    handler = partial(_help, verbs=verbs)
    return Row("HELP", handler), Row("HELPOP", handler)
