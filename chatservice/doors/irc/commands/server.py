"""What clients ask of the server, and admins of it: MOTD, LUSERS, VERSION, INFO, TIME, KILL.

RFC 2812 sections 3.4 and 3.7, by modern.ircdocs.horse.
"""

from datetime import UTC, datetime
from typing import Final

import chatservice
from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Handler, Row
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.formatting import strip
from chatservice.doors.irc.greeting import isupport, lusers, motd
from chatservice.doors.irc.masks import matches
from chatservice.doors.irc.message import Message
from chatservice.doors.irc.people import is_admin
from chatservice.errors import ChatError
from chatservice.names import fold
from chatservice.rooms.moderation import MAX_REASON
from chatservice.text import clean

INFO: Final = (
    "This is chatservice, one chat for any client: whoever comes by nc, telnet, a browser or IRC",
    "is in the same rooms. HELP lists what IRC clients can say, and what can be typed beside it.",
)
"""What there is to be said of the program; its version stands before it."""


def _here(handler: Handler) -> Handler:
    """Return what asks this server; of others, which may be named first, nothing is known."""

    def ask(irc: IrcClient, message: Message) -> None:
        named = fold(message.params[0]) if message.params else "*"
        nicks = irc.hub.parts.nicks
        if matches(named, irc.server.lower()) or nicks.wearer(named) is not None:
            handler(irc, message)
        else:
            irc.reply(n.ERR_NOSUCHSERVER, message.params[0], f"There is only {irc.server}")

    return ask


def _motd(irc: IrcClient, message: Message) -> None:
    irc.wire(*motd(irc))


def _lusers(irc: IrcClient, message: Message) -> None:
    programs = {stream.person for stream in irc.hub.listeners.streams()}
    people = [person for person in irc.hub.parts.people if not person.departed]
    admins = sum(1 for person in people if person.nick and is_admin(person))
    unknown = sum(1 for person in people if not person.nick and person not in programs)
    more = [
        irc.numbered(n.RPL_LUSEROP, str(admins), "admins online"),
        irc.numbered(n.RPL_LUSERUNKNOWN, str(unknown), "connections without a nickname"),
    ]
    irc.wire(*lusers(irc, *more))


def _version(irc: IrcClient, message: Message) -> None:
    irc.reply(n.RPL_VERSION, f"chatservice-{chatservice.__version__}", irc.server, "One chat")
    irc.wire(*isupport(irc))


def _info(irc: IrcClient, message: Message) -> None:
    since = datetime.fromtimestamp(irc.factory.since, UTC)
    irc.reply(n.RPL_INFO, f"chatservice {chatservice.__version__}")
    for line in INFO:
        irc.reply(n.RPL_INFO, line)
    irc.reply(n.RPL_INFO, f"It is on since {since:%Y-%m-%d %H:%M:%S} UTC.")
    irc.reply(n.RPL_ENDOFINFO, "End of INFO list")


def _time(irc: IrcClient, message: Message) -> None:
    now = datetime.fromtimestamp(irc.hub.now(), UTC)
    irc.reply(n.RPL_TIME, irc.server, f"{now:%A %B %d %Y -- %H:%M:%S} +00:00")


def _admin(irc: IrcClient, message: Message) -> None:
    text = "Nothing is known of who runs this: ask an admin, WHO * o lists those who are here"
    irc.reply(n.ERR_NOADMININFO, irc.server, text)


def _links(irc: IrcClient, message: Message) -> None:
    irc.reply(n.RPL_ENDOFLINKS, "*", "End of LINKS list: this server is alone")


def _stats(irc: IrcClient, message: Message) -> None:
    letter = message.params[0][:1] if message.params else ""
    if letter == "u":
        up = max(0, int(irc.hub.now() - irc.factory.since))
        days, rest = divmod(up, 86400)
        hours, minutes, seconds = rest // 3600, rest // 60 % 60, rest % 60
        text = f"Server Up {days} days {hours}:{minutes:02}:{seconds:02}"
        irc.reply(n.RPL_STATSUPTIME, text)
    irc.reply(n.RPL_ENDOFSTATS, letter or "*", "End of STATS report")


def _kill(irc: IrcClient, message: Message) -> None:
    """Throw somebody out of the chat, as a kick out of the lobby does."""
    nick = message.params[0]
    reason = clean(strip(message.params[1]))[:MAX_REASON] if len(message.params) > 1 else ""
    if not is_admin(irc.person):
        irc.reply(n.ERR_NOPRIVILEGES, "Only admins may do that")
    elif fold(nick) == irc.server.lower():
        irc.reply(n.ERR_CANTKILLSERVER, "That is this server: stop it where it was started")
    elif irc.hub.parts.nicks.wearer(nick) is None:
        irc.reply(n.ERR_NOSUCHNICK, nick, "Nobody here is called that: see WHO")
    else:
        try:
            irc.hub.moderation.kick(irc.person, irc.hub.rooms.lobby, nick, reason)
        except ChatError as refusal:
            irc.hub.meters.refuse(refusal.code)
            irc.reply(n.ERR_NOPRIVILEGES, refusal.message)


ROWS: Final = (
    Row("MOTD", _here(_motd)),
    Row("LUSERS", _lusers),
    Row("VERSION", _here(_version)),
    Row("INFO", _here(_info)),
    Row("TIME", _here(_time)),
    Row("ADMIN", _here(_admin)),
    Row("LINKS", _links),
    Row("STATS", _stats),
    Row("KILL", _kill, least=1),
)
"""The rows of the table."""
