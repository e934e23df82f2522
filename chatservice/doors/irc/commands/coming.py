"""What clients say on coming in and going: CAP, PASS, NICK, USER, PING, QUIT."""

from typing import Final

from twisted.internet.defer import Deferred

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import ANY, Row
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.formatting import strip
from chatservice.doors.irc.isupport import MAX_NAME, MAX_USER
from chatservice.doors.irc.message import MAX_BODY, Message, cut, write
from chatservice.doors.irc.registration import Step
from chatservice.people.person import Card
from chatservice.session import State
from chatservice.text import clean


def _cap(irc: IrcClient, message: Message) -> None:
    sub, *rest = message.params
    argument = rest[0] if rest else ""
    joined = irc.session.state is State.JOINED
    match sub.upper():
        case "LS":
            irc.negotiation.open = irc.negotiation.open or not joined
            words = irc.negotiation.offer(argument, irc.offered())
            _list(irc, "LS", words)
        case "LIST":
            _list(irc, "LIST", sorted(irc.negotiation.agreed))
        case "REQ":
            irc.negotiation.open = irc.negotiation.open or not joined
            agreed = irc.negotiation.request(argument, irc.offered())
            for part in [*cut(argument.strip(), MAX_BODY - 200)] or [""]:  # with a name before it
                irc.send("CAP", irc.called, "ACK" if agreed else "NAK", part)
            irc.reshape()
        case "END":
            irc.negotiation.open = False
            irc.enter()
        case _:
            irc.reply(n.ERR_INVALIDCAPCMD, sub, "There is no such CAP command")


def _list(irc: IrcClient, sub: str, words: list[str]) -> None:
    """List capabilities, in several lines if it must be."""
    lines: list[str] = [""]
    for word in words:
        if len(lines[-1]) + len(word) > MAX_BODY - 110:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    for line in lines[:-1]:
        if irc.negotiation.version >= 302:
            irc.send("CAP", irc.called, sub, "*", line)
        else:
            irc.send("CAP", irc.called, sub, line)
    irc.send("CAP", irc.called, sub, lines[-1])


def _pass(irc: IrcClient, message: Message) -> None:
    irc.registration.password = clean(" ".join(message.params))


def _nick(irc: IrcClient, message: Message) -> Deferred[None] | None:
    if not message.params or not message.params[0]:
        irc.reply(n.ERR_NONICKNAMEGIVEN, "Give a nickname: NICK alice")
        return None
    nick = message.params[0]
    if irc.session.state is State.JOINED:
        if nick == irc.person.nick:
            return None
        old, before = irc.person.nick, irc.lines.mask(irc.person.nick)
        renamed = irc.hub.arrivals.rename(irc.person, nick)

        def done(_: None) -> None:
            if not irc.person.place.rooms and irc.person.nick != old:
                irc.wire(write("NICK", irc.person.nick, source=before, trailing=True))

        return renamed.addCallback(done)
    irc.registration.nick = clean(nick).partition(" ")[0]
    irc.registration.take(Step.NICK)
    irc.enter()
    return None


def _user(irc: IrcClient, message: Message) -> None:
    user, name = message.params[0], message.params[3]
    irc.registration.card = Card(clean(user)[:MAX_USER], clean(strip(name))[:MAX_NAME])
    irc.registration.take(Step.USER)
    irc.enter()


def _ping(irc: IrcClient, message: Message) -> None:
    irc.send("PONG", irc.server, message.params[0])


def _pong(irc: IrcClient, message: Message) -> None:
    """Take note of nothing: whoever sends it is alive, as the connection below knows."""


def _quit(irc: IrcClient, message: Message) -> None:
    reason = clean(strip(message.params[0])) if message.params else ""
    irc.parting = f"Quit: {reason}" if reason else "Quit"
    irc.session.leave(irc.parting)


ROWS: Final = (
    Row("CAP", _cap, least=1, registered=None, asks=ANY),
    Row("PASS", _pass, least=1, registered=False, asks=ANY),
    Row("NICK", _nick, registered=None),
    Row("USER", _user, least=4, registered=False, asks=ANY),
    Row("PING", _ping, least=1, registered=None, asks=ANY),
    Row("PONG", _pong, registered=None, asks=ANY),
    Row("QUIT", _quit, registered=None, cost=False),
)
"""The rows of the table."""
