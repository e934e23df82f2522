"""What clients say of themselves: AWAY, SETNAME, and their own modes."""

from typing import Final

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.formatting import strip
from chatservice.doors.irc.greeting import USER_MODES, away
from chatservice.doors.irc.isupport import MAX_NAME
from chatservice.doors.irc.message import Message
from chatservice.doors.irc.people import is_admin, is_own
from chatservice.errors import ChatError
from chatservice.people.away import LONGEST
from chatservice.text import clean


def _away(irc: IrcClient, message: Message) -> None:
    text = clean(strip(message.params[0])).strip()[:LONGEST] if message.params else ""
    if text:
        irc.hub.presence.leave(irc.person, text)
        irc.wire(away(irc))
    else:
        irc.hub.presence.back(irc.person)
        irc.reply(n.RPL_UNAWAY, "You are not away any more")


def _setname(irc: IrcClient, message: Message) -> None:
    """Take another real name (ircv3.net/specs/extensions/setname)."""
    name = clean(strip(message.params[0])).strip()
    if not name or len(name) > MAX_NAME:
        text = f"A real name has 1 to {MAX_NAME} characters"
        irc.fail("SETNAME", "INVALID_REALNAME", text)
        return
    try:
        irc.hub.presence.describe(irc.person, name)
    except ChatError as refusal:
        irc.hub.meters.refuse(refusal.code)
        irc.fail("SETNAME", "CANNOT_CHANGE_REALNAME", refusal.message)
        return
    if not irc.person.place.rooms and irc.has("setname"):  # else it hears of it there
        irc.send("SETNAME", name, source=irc.lines.mask(irc.person.nick))


def user_mode(irc: IrcClient, message: Message) -> None:
    """Tell a client its own modes; there is none that it could change.

    :param message: MODE, with a nickname as the first param.
    """
    nick, *changes = message.params
    if irc.hub.parts.nicks.wearer(nick) is None:
        irc.reply(n.ERR_NOSUCHNICK, nick, "Nobody here is called that: see WHO")
    elif not is_own(irc, nick):
        irc.reply(n.ERR_USERSDONTMATCH, "The modes of others are not for you")
    elif changes and not {*changes[0]} <= {*USER_MODES, *"+-"}:
        irc.reply(n.ERR_UMODEUNKNOWNFLAG, f"There are no modes but {USER_MODES}")
    else:
        irc.reply(n.RPL_UMODEIS, "+io" if is_admin(irc.person) else "+i")


ROWS: Final = (
    Row("AWAY", _away),
    Row("SETNAME", _setname, least=1),
)
"""The rows of the table."""
