"""What clients ask of people by name: WHOIS, WHOWAS, ISON, USERHOST.

RFC 1459 sections 4.5 and 5, by modern.ircdocs.horse. Of nobody's rooms more is told than of those
in which the client is as well, but to admins; and nobody's address but to them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.dialect import user_of
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.greeting import wrapped
from chatservice.doors.irc.isupport import MOST_TARGETS, MOST_USERHOSTS
from chatservice.doors.irc.message import Message
from chatservice.doors.irc.people import (
    is_admin,
    name_of,
    sees_addresses,
    sees_all,
    user_host,
)
from chatservice.doors.irc.roster import signs
from chatservice.people.account import Account
from chatservice.people.person import Person


def _whois(irc: IrcClient, message: Message) -> None:
    asked = [one for one in message.params[:2] if one]  # WHOIS bob, or WHOIS server bob
    if not asked:
        irc.reply(n.ERR_NONICKNAMEGIVEN, "Name somebody: WHOIS bob")
        return
    for nick in [*dict.fromkeys(asked[-1].split(","))][:MOST_TARGETS]:
        person, account = irc.hub.parts.nicks.wearer(nick), irc.hub.accounts.find(nick)
        if person is not None:
            irc.wire(*_about(irc, person))
        elif account is not None and account.maker:
            irc.wire(*_about_bot(irc, account))
        else:
            irc.reply(n.ERR_NOSUCHNICK, nick, "Nobody here is called that: see WHO")
    irc.reply(n.RPL_ENDOFWHOIS, asked[-1], "End of WHOIS list")


def _about(irc: IrcClient, person: Person) -> Iterator[str]:
    hub, asker, nick = irc.hub, irc.person, person.nick

    def line(number: str, *params: str) -> str:
        return irc.numbered(number, nick, *params)

    yield line(n.RPL_WHOISUSER, user_of(person), hub.cloaks.of(person.inbox), "*", name_of(person))
    everywhere = person is asker or sees_all(irc)
    rooms = [
        f"{signs(irc.hub, person, room, irc.has('multi-prefix'))}{room.name}"
        for room in hub.rooms.own(person)
        if everywhere or room.name in asker.place.rooms
    ]
    yield from wrapped(line(n.RPL_WHOISCHANNELS, ""), rooms)
    yield line(n.RPL_WHOISSERVER, irc.server, "One chat, any client")
    if person.away is not None:
        yield line(n.RPL_AWAY, hub.presence.why(person, asker))
    if is_admin(person):
        yield line(n.RPL_WHOISOPERATOR, "is an admin")
    if person.account is not None:
        yield line(n.RPL_WHOISACCOUNT, person.account.name, "is logged in as")
    if person.encrypted:
        yield line(n.RPL_WHOISSECURE, "is using a secure connection")
    if person.certificate and (person is asker or sees_all(irc)):
        yield line(n.RPL_WHOISCERTFP, f"has client certificate fingerprint {person.certificate}")
    if sees_addresses(irc):
        yield line(n.RPL_WHOISHOST, f"is connecting from {person.host or 'no address'}")
    if person.absent:
        yield line(n.RPL_WHOISSPECIAL, "has lost the connection and may come back")
    idle = max(0, int(hub.now() - person.active))
    since = str(int(person.came))
    yield line(n.RPL_WHOISIDLE, str(idle), since, "seconds idle, signon time")


def _about_bot(irc: IrcClient, bot: Account) -> Iterator[str]:
    maker = irc.hub.accounts.of(bot.maker)
    by = "" if maker is None else f" of {maker.name}'s"
    user, host = user_of(None), irc.hub.cloaks.of(bot.identity)
    yield irc.numbered(n.RPL_WHOISUSER, bot.name, user, host, "*", bot.name)
    yield irc.numbered(n.RPL_WHOISBOT, bot.name, f"is a bot{by}, a program")


def _whowas(irc: IrcClient, message: Message) -> None:
    asked = message.params[0]
    count = message.params[1] if len(message.params) > 1 else ""
    most = int(count) if count.isdecimal() and len(count) < 5 else 0
    for nick in [*dict.fromkeys(asked.split(","))][:MOST_TARGETS]:
        gone = irc.hub.presence.former(nick)
        for one in gone[: most or None]:
            user, name = user_of(one), one.card.name or one.nick
            irc.reply(n.RPL_WHOWASUSER, one.nick, user, irc.hub.cloaks.of(one.by), "*", name)
            until = f"{datetime.fromtimestamp(one.at, UTC):%a, %d %b %Y %H:%M:%S} UTC"
            irc.reply(n.RPL_WHOISSERVER, one.nick, irc.server, until)
        if not gone:
            irc.reply(n.ERR_WASNOSUCHNICK, nick, "Nobody of that name was here lately")
    irc.reply(n.RPL_ENDOFWHOWAS, asked, "End of WHOWAS")


def _ison(irc: IrcClient, message: Message) -> None:
    wearer = irc.hub.parts.nicks.wearer
    asked = dict.fromkeys(nick for param in message.params for nick in param.split())
    here = [person.nick for nick in asked if (person := wearer(nick)) is not None]
    head = irc.numbered(n.RPL_ISON, "")
    irc.wire(*(wrapped(head, here) or [head]))


def _userhost(irc: IrcClient, message: Message) -> None:
    asked = [nick for param in message.params for nick in param.split()][:MOST_USERHOSTS]
    here = map(irc.hub.parts.nicks.wearer, asked)
    found = [
        f"{one.nick}{'*' if is_admin(one) else ''}={'-' if one.away else '+'}{user_host(irc, one)}"
        for one in here
        if one is not None
    ]
    head = irc.numbered(n.RPL_USERHOST, "")
    irc.wire(*(wrapped(head, found) or [head]))


ROWS: Final = (
    Row("WHOIS", _whois, asks=9),
    Row("WHOWAS", _whowas, least=1, asks=9),
    Row("ISON", _ison, least=1, asks=99),
    Row("USERHOST", _userhost, least=1, asks=9),
)
"""The rows of the table."""
