"""MONITOR: who watches which nicknames (ircv3.net/specs/extensions/monitor).

MONITOR + alice,bob        :irc.example.org 730 carol :alice!~alice@irc.example.org
                           :irc.example.org 731 carol :bob
"""

from collections.abc import Iterable, Sequence
from typing import Final

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.greeting import wrapped
from chatservice.doors.irc.message import Message
from chatservice.errors import ChatError
from chatservice.names import check_nick
from chatservice.presence.watching import MOST_WATCHED


def _monitor(irc: IrcClient, message: Message) -> None:
    watching, person = irc.hub.watching, irc.person
    named = message.params[1].split(",") if len(message.params) > 1 else []
    match message.params[0].upper():
        case "+":
            _add(irc, [*filter(None, named)])
        case "-":
            for nick in named:
                watching.unwatch(person, nick)
        case "C":
            watching.clear(person)
        case "L":
            watched = watching.watched(person)
            irc.wire(
                *_listed(irc, n.RPL_MONLIST, watched),
                irc.numbered(n.RPL_ENDOFMONLIST, "End of MONITOR list"),
            )
        case "S":
            _show(irc, watching.watched(person))
        case _:
            irc.reply(n.ERR_UNKNOWNERROR, "MONITOR", "Say MONITOR with + - C L or S")


def _add(irc: IrcClient, named: Sequence[str]) -> None:
    added: list[str] = []
    for index, nick in enumerate(named):
        try:
            wanted = check_nick(nick)
        except ChatError as refusal:
            irc.reply(n.ERR_ERRONEUSNICKNAME, nick, refusal.message)
            continue
        try:
            irc.hub.watching.watch(irc.person, wanted)
        except ChatError as refusal:
            rest = ",".join(named[index:])
            irc.reply(n.ERR_MONLISTFULL, str(MOST_WATCHED), rest, refusal.message)
            break
        added.append(wanted)
    _show(irc, [*dict.fromkeys(added)])


def _show(irc: IrcClient, nicks: Sequence[str]) -> None:
    """Tell who of some is here."""
    here: list[str] = []
    absent: list[str] = []
    for nick in nicks:
        wearer = irc.hub.parts.nicks.wearer(nick)
        if wearer is None:
            absent.append(nick)
        else:
            here.append(irc.lines.mask(wearer.nick))
    online, offline = n.RPL_MONONLINE, n.RPL_MONOFFLINE
    irc.wire(*_listed(irc, online, here), *_listed(irc, offline, absent))


def _listed(irc: IrcClient, number: str, names: Iterable[str]) -> list[str]:
    return wrapped(irc.numbered(number, ""), names, ",")


ROWS: Final = (Row("MONITOR", _monitor, least=1, asks=9),)
"""The rows of the table."""
