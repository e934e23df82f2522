"""What clients say to rooms and to each other: PRIVMSG, NOTICE, TAGMSG.

Formatting is taken off, an ACTION is what /me does here, and other CTCP goes from one client to one
other as it is, but for DCC: that would show an address. Nothing answers a NOTICE (RFC 2812, section
3.3.2). What would not fit into one message with its sender's name is refused, and never cut.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.dialect import ACTION, ANSWERS, ASKS
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.formatting import ACTED, ctcp, strip
from chatservice.doors.irc.isupport import MOST_TARGETS
from chatservice.doors.irc.message import (
    MAX_BODY,
    MAX_TAG_DATA,
    Message,
    client_only,
    word,
    write_tags,
)
from chatservice.doors.irc.refusals import refusal_in
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.names import MAX_NICK_BYTES, fold, is_room
from chatservice.text import clean

SERVICES: Final = frozenset(
    {"nickserv", "chanserv", "memoserv", "operserv", "hostserv", "botserv", "saslserv", "authserv"}
)
"""Who is told passwords elsewhere, and is nobody here."""

_NO_SERVICES: Final = (
    "Not passed on: nobody is needed for that here. Sign in with SASL, with PASS account:password "
    "or with LOGIN account password, register with REGISTER"
)


_FITS: Final = MAX_BODY - MAX_NICK_BYTES - 120
"""So many bytes of text and target fit, whatever the sender's user and the server are called."""


class _Speech(NamedTuple):
    """What one message says, to whomever.

    :ivar aloud: the kind of event that it is in a room.
    :ivar alone: the same to one person.
    :ivar text: what is said; "" for a sign alone.
    :ivar whispered: the same as one person is told.
    :ivar size: how many bytes that is on the wire.
    :ivar aside: the client's own tags.
    """

    aloud: Kind
    alone: Kind
    text: str
    whispered: str
    size: int
    aside: str


def _privmsg(irc: IrcClient, message: Message) -> Deferred[None] | None:
    return _spoken(irc, message, Kind.SAID, Kind.PRIVATE)


def _notice(irc: IrcClient, message: Message) -> Deferred[None] | None:
    return _spoken(irc, message, Kind.REMARKED, Kind.HINTED)


def _tagmsg(irc: IrcClient, message: Message) -> Deferred[None] | None:
    aside = _aside(message)
    if not aside:
        return None
    return _to_all(irc, message, _Speech(Kind.TAGGED, Kind.NUDGED, "", "", 0, aside))


def _spoken(irc: IrcClient, message: Message, aloud: Kind, alone: Kind) -> Deferred[None] | None:
    if not message.params or not message.params[0]:
        _answer(irc, message, n.ERR_NORECIPIENT, f"No recipient given ({message.command})")
        return None
    text, acted = message.params[1] if len(message.params) > 1 else "", False
    if (found := ctcp(text)) is not None:
        if found[0] != "ACTION" or aloud is not Kind.SAID:
            return _ask(irc, message, *found)
        aloud, text, acted = Kind.ACTED, found[1], True
    text = clean(strip(text))
    if not text or text.isspace():
        _answer(irc, message, n.ERR_NOTEXTTOSEND, "No text to send")
        return None
    whispered = f"{ACTION}{text}" if acted else text
    size = len(text.encode()) + (len("".join(ACTED)) if acted else 0)
    return _to_all(irc, message, _Speech(aloud, alone, text, whispered, size, _aside(message)))


def _ask(irc: IrcClient, message: Message, command: str, rest: str) -> Deferred[None] | None:
    """Pass on what one client asks another (CTCP), or answers: that is not kept."""
    if command == "DCC":
        text = "Not passed on, it would show an address: send files another way"
        _answer(irc, message, n.ERR_CANNOTSENDTOCHAN, word(message.params[0]), text)
        return None
    sign = ANSWERS if message.command == "NOTICE" else ASKS
    text = clean(strip(f"{sign}{command} {rest}".strip()))
    size = len(text.encode()) + 1
    return _to_all(irc, message, _Speech(Kind.NUDGED, Kind.NUDGED, text, text, size, ""))


def _aside(message: Message) -> str:
    """Return the client's own tags in the form of the wire, clean."""
    return clean(write_tags(client_only(message.tags))) if message.tags else ""


def _to_all(irc: IrcClient, message: Message, speech: _Speech) -> Deferred[None] | None:
    """Say it to each of the targets; a refusal is about that one."""
    targets = {fold(name): name for name in message.params[0].split(",") if name}
    if len(targets) > MOST_TARGETS:
        text = f"Too many: say it to {MOST_TARGETS} at a time"
        _answer(irc, message, n.ERR_TOOMANYTARGETS, word([*targets.values()][MOST_TARGETS]), text)
        return None
    if len(speech.aside.encode()) > MAX_TAG_DATA:
        _answer(irc, message, n.ERR_INPUTTOOLONG, "There is too much in the tags")
        return None
    if irc.person.quota is not None:
        irc.person.quota.owe(len(targets) - 1)  # the first one is paid for
    waiting: list[Deferred[None]] = []
    for key, target in targets.items():
        told = _teller(irc, message, target)
        try:
            pending = _say(irc, message, key, target, speech)
        except ChatError as refusal:
            told(refusal)
        else:
            if pending is not None:
                waiting.append(pending.addErrback(_refused, told))
    return DeferredList(waiting).addCallback(lambda _: None) if waiting else None


def _say(
    irc: IrcClient, message: Message, key: str, target: str, speech: _Speech
) -> Deferred[None] | None:
    """Say it to one target.

    :param key: its name, folded.
    :raises ChatError: if that cannot be.
    """
    rooms, conversations = irc.hub.rooms, irc.hub.conversations
    if is_room(target):
        if speech.aloud is Kind.NUDGED:
            text = "Not passed on: rooms are not for questions to clients"
            raise ChatError(Code.MODERATED, text)
        _check_size(irc, message, key, speech)
        rooms.say(irc.person, speech.text, speech.aloud, target, speech.aside)
        return None
    if key in SERVICES:
        raise ChatError(Code.NO_SUCH_NICK, _NO_SERVICES)
    _check_size(irc, message, target, speech)
    if speech.alone is Kind.NUDGED:
        conversations.nudge(irc.person, target, speech.aside, speech.text)
        return None
    return conversations.say(
        irc.person, target, speech.whispered, speech.alone, speech.aside, own=True
    )


def _check_size(irc: IrcClient, message: Message, target: str, speech: _Speech) -> None:
    """Refuse what would not fit into one message to others.

    :raises ChatError: LINE_TOO_LONG.
    """
    if speech.size + 4 * len(target) < _FITS:  # nearly always
        return
    mask = irc.lines.mask(irc.person.nick, irc.person.inbox)
    over = len(f":{mask} {message.command} {target} :".encode()) + speech.size - MAX_BODY
    if over > 0:
        text = f"Not said, too long by {over} bytes with your name before it: say it in two"
        raise ChatError(Code.LINE_TOO_LONG, text)


def _teller(irc: IrcClient, message: Message, target: str) -> Callable[[ChatError], None]:
    """Return what tells the client why something was not said to one target."""

    def tell(refusal: ChatError) -> None:
        if message.command == "NOTICE":
            irc.hub.meters.refuse(refusal.code)
        elif refusal.code is Code.NO_SUCH_ROOM and _knows(irc, target):
            irc.hub.meters.refuse(refusal.code)
            text = "Not said, you are not in that room: JOIN it first"
            irc.reply(n.ERR_CANNOTSENDTOCHAN, word(target), text)
        else:
            irc.refuse(refusal, message, word(target))

    return tell


def _refused(failure: Failure, told: Callable[[ChatError], None]) -> None:
    told(refusal_in(failure))


def _knows(irc: IrcClient, target: str) -> bool:
    room = irc.hub.rooms.find(fold(target))
    return room is not None and irc.hub.rooms.sees(irc.person, room)


def _answer(irc: IrcClient, message: Message, number: str, *params: str) -> None:
    """Answer with an error, but never to a NOTICE."""
    if message.command != "NOTICE":
        irc.reply(number, *params)


ROWS: Final = (
    Row("PRIVMSG", _privmsg),
    Row("NOTICE", _notice),
    Row("TAGMSG", _tagmsg, least=1),
)
"""The rows of the table."""
