"""MODE: a room's modes, roles and bans as letters.

    MODE #dev                    what holds there
    MODE #dev +im-s              changes without a param: one event, one MODE for everybody
    MODE #dev +lk 30 sesame      changes with one; at most MOST_MODES in a message
    MODE #dev +o-v alice bob     roles
    MODE #dev +b bar*!*@*        bans: by nickname, mask, network, account ($a:NAME) or cloak
    MODE #dev b                  who is banned

RFC 2812, section 3.2.3, as modern.ircdocs.horse has it. Which letter is what stands in letters.py.
What changes nothing is not told, as elsewhere.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.channels import known, told
from chatservice.doors.irc.commands.oneself import user_mode
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.isupport import MOST_MODES
from chatservice.doors.irc.letters import CONTRARY, LETTERS, ban_mask, mode_change
from chatservice.doors.irc.masks import MAX_MASK, read_mask
from chatservice.doors.irc.message import Message, word
from chatservice.doors.irc.refusals import refusal_in
from chatservice.errors import ChatError, Code
from chatservice.names import fold, is_room
from chatservice.people.account import Account
from chatservice.people.person import Gone, Person
from chatservice.presence.cloaks import is_cloak
from chatservice.roles import Role
from chatservice.rooms.modes import NAMES
from chatservice.rooms.rights import Act
from chatservice.rooms.room import Room
from chatservice.rooms.sanction import Measure, Sanction, parse_network
from chatservice.rooms.sanctions import MOST_IN_ROOM
from chatservice.text import clean

_NAME_OF: Final = {letter: name for name, letter in LETTERS.items()}
_WITH_VALUE: Final = frozenset("kfl")
_ON_PEOPLE: Final = frozenset("ov")
_BAN: Final = "b"
_ALWAYS_WITH: Final = frozenset("bkov")
_MOST_LETTERS: Final = 40
_ACCOUNT: Final = "$a:"
_BAD_WHOM: Final = (Code.BAD_ARGUMENTS, Code.NICK_EMPTY, Code.NICK_INVALID, Code.NICK_RESERVED)


class Change(NamedTuple):
    """One letter of a message.

    :ivar on: whether it stands behind a plus.
    :ivar param: what belongs to it; None if there is nothing.
    """

    on: bool
    letter: str
    param: str | None = None


def read(letters: str, params: Sequence[str]) -> Iterator[Change]:
    """Take changes apart; those with a param that are too many are left out.

    :param letters: with signs, before the first of which a plus is meant.
    """
    on, rest, left = True, iter(params), MOST_MODES
    for letter in letters[:_MOST_LETTERS]:
        if letter in "+-":
            on = letter == "+"
        elif letter in _ALWAYS_WITH or (on and letter in _WITH_VALUE):
            param = next(rest, None)
            left -= param is not None
            if left >= 0:
                yield Change(on, letter, param)
        else:
            yield Change(on, letter)


def _mode(irc: IrcClient, message: Message) -> Deferred[None] | None:
    if not is_room(message.params[0]):
        user_mode(irc, message)
        return None
    room = known(irc, message.params[0])
    if room is None:
        return None
    if len(message.params) < 2:
        _show(irc, room)
        return None
    changes = _understood(irc, room, [*read(message.params[1], message.params[2:])])
    if not any(change for change in changes if not _is_own(irc, room, change)):
        return _all([_give(irc, message, room, change) for change in changes])
    try:
        irc.hub.rooms.admission.check(irc.person, room, Act.SET_MODE)
    except ChatError as refusal:
        irc.refuse(refusal, message, room.name)
        return None
    waiting = [_set(irc, message, room, changes)]
    waiting += [_give(irc, message, room, one) for one in changes if one.letter in _ON_PEOPLE]
    waiting += [_ban(irc, message, room, one) for one in changes if one.letter == _BAN]
    return _all(waiting)


def _all(waiting: Sequence[Deferred[None] | None]) -> Deferred[None] | None:
    pending = [one for one in waiting if one is not None]
    return DeferredList(pending).addCallback(lambda _: None) if pending else None


def _understood(irc: IrcClient, room: Room, changes: Sequence[Change]) -> list[Change]:
    """Answer what is a question, or cannot be; return what is to be changed."""
    found = []
    for change in dict.fromkeys(changes):
        letter = change.letter
        if letter == _BAN and change.param is None:
            _show_bans(irc, room)
        elif letter not in _NAME_OF and letter not in _ON_PEOPLE and letter != _BAN:
            irc.reply(n.ERR_UNKNOWNMODE, word(letter), f"There is no such mode in {room.name}")
        elif change.param is None and _needs_param(change):
            irc.reply(n.ERR_NEEDMOREPARAMS, "MODE", f"Say what {letter} is to be about")
        else:
            found.append(change)
    return found


def _needs_param(change: Change) -> bool:
    return change.letter in _ON_PEOPLE or (change.on and change.letter in _WITH_VALUE)


# What holds.


def _show(irc: IrcClient, room: Room) -> None:
    modes = room.charter.modes
    changes = [(name, modes.said(name)) for name in NAMES]
    shown = [(name, value) for name, value in changes if (value == "off") is (name == CONTRARY)]
    letters, *params = mode_change(shown, modes.key if room.name in irc.person.place.rooms else "")
    irc.reply(n.RPL_CHANNELMODEIS, room.name, letters or "+", *params)
    if room.charter.since:
        irc.reply(n.RPL_CREATIONTIME, room.name, str(int(room.charter.since)))


def _show_bans(irc: IrcClient, room: Room) -> None:
    """List bans; many clients ask for them unbidden, so who may not see them is not scolded."""
    try:
        standing = irc.hub.moderation.standing(irc.person, room)
    except ChatError:
        irc.reply(n.RPL_ENDOFBANLIST, room.name, "Only ops see who is banned")
        return
    bans = [one for one in standing if one.measure is Measure.BAN]
    for ban in bans[-MOST_IN_ROOM:]:
        irc.reply(n.RPL_BANLIST, room.name, _written(ban), ban.by, str(int(ban.at)))
    more = f", without {len(bans) - MOST_IN_ROOM:,} older ones" if len(bans) > MOST_IN_ROOM else ""
    irc.reply(n.RPL_ENDOFBANLIST, room.name, f"End of the list of bans{more}")


# Modes.


def _set(
    irc: IrcClient, message: Message, room: Room, changes: Sequence[Change]
) -> Deferred[None] | None:
    modes, wanted = room.charter.modes, []
    for change in changes:
        if (name := _NAME_OF.get(change.letter)) is None:
            continue
        value = _value(change, name)
        try:
            if change.on and value == "off" and name != CONTRARY:
                raise ChatError(Code.BAD_ARGUMENTS, "off takes it away: use a minus")
            changed = modes.changed(name, value)
        except ChatError as refusal:
            _bad_param(irc, room, change, refusal.message)
            continue
        if changed != modes:
            wanted.append((name, value))
        modes = changed
    tell = told(irc, message, room)
    try:
        return irc.hub.ops.set_modes(irc.person, room, wanted).addErrback(tell) if wanted else None
    except ChatError as refusal:
        tell(refusal)
        return None


def _value(change: Change, name: str) -> str:
    """Return what a mode is to be, as people type it."""
    if change.letter in _WITH_VALUE and change.on:
        value = clean(change.param or "")
        return f"{value}s" if name == "slow" and value.isdecimal() else value
    return "on" if change.on is not (name == CONTRARY) else "off"


def _bad_param(irc: IrcClient, room: Room, change: Change, why: str) -> None:
    """Refuse a param; a key is not repeated."""
    shown = "*" if change.letter == "k" else word(change.param or "")
    irc.reply(n.ERR_INVALIDMODEPARAM, room.name, change.letter, shown, why)


# Roles.


def _is_own(irc: IrcClient, room: Room, change: Change) -> bool:
    """Tell whether a change is somebody's who gives a role of its own back."""
    return change.letter in _ON_PEOPLE and not change.on and _wears(irc, change.param or "")


def _wears(irc: IrcClient, nick: str) -> bool:
    wearer = irc.hub.parts.nicks.wearer(nick)
    return wearer is not None and wearer.inbox == irc.person.inbox


def _give(irc: IrcClient, message: Message, room: Room, change: Change) -> Deferred[None] | None:
    """Give or take a role, of somebody in the room or of an account that is not here."""
    nick = change.param or ""
    wearer, account = irc.hub.parts.nicks.wearer(nick), irc.hub.accounts.find(nick)
    if wearer is not None and room.name not in wearer.place.rooms:
        irc.reply(n.ERR_USERNOTINCHANNEL, wearer.nick, room.name, "That one is not in the room")
        return None
    if wearer is not None:
        now = irc.hub.rooms.role(wearer, room)
    elif account is not None:
        now = irc.hub.rooms.role_of(account, room)
    else:
        irc.reply(n.ERR_NOSUCHNICK, word(nick), "Nobody here is called that")
        return None
    act, role = (Act.OP, Role.OP) if change.letter == "o" else (Act.VOICE, Role.VOICE)
    if change.on is (now >= role) or (change.letter == "v" and now > Role.VOICE):
        return None  # so it is already, or an op, who may speak anyway
    given, instead = (role, Role(role - 1)) if change.on else (Role.USER, role)
    tell = told(irc, message, room, word(nick))
    try:
        given_to = irc.hub.ops.give(irc.person, room, nick, act, given, instead)
        return given_to.addErrback(tell)
    except ChatError as refusal:
        tell(refusal)
        return None


# Bans.


def _ban(irc: IrcClient, message: Message, room: Room, change: Change) -> Deferred[None] | None:
    def failed(failure: Failure) -> None:
        tell(refusal_in(failure))

    def tell(refusal: ChatError) -> None:
        if refusal.code is Code.NO_SUCH_SANCTION:
            return
        if refusal.code in _BAD_WHOM:
            _bad_param(irc, room, change, refusal.message)
        elif refusal.code is Code.TOO_MUCH:
            irc.reply(n.ERR_BANLISTFULL, room.name, word(change.param or ""), refusal.message)
        else:
            told(irc, message, room, word(change.param or ""))(refusal)

    moderation = irc.hub.moderation
    try:
        text = clean(change.param or "")
        standing = moderation.standing(irc.person, room)
        bans = [one for one in standing if one.measure is Measure.BAN]
        written = str(read_mask(text))
        found = [] if change.on else [one for one in bans if fold(one.written) == fold(written)]
        if not found:
            whom = _whom(irc, text)
            found = [one for one in bans if _is_about(one, whom)]
        if change.on is bool(found):
            return None
        if found:
            label = found[0].label
            return moderation.lift(irc.person, room, [Measure.BAN], label).addErrback(failed)
        written = "" if isinstance(whom, str) else written
        banned = moderation.sanction(irc.person, room, Measure.BAN, whom, None, "", written)
        return banned.addErrback(failed)
    except ChatError as refusal:
        tell(refusal)
        return None


def _written(ban: Sanction) -> str:
    """Return whom a ban means as IRC writes it."""
    return ban.written or ban_mask(ban.label)


def _is_about(ban: Sanction, whom: str | Person | Account | Gone) -> bool:
    """Tell whether a ban means somebody, as it was named."""
    match whom:
        case str():
            return fold(ban.label) in {fold(whom), fold(parse_network(whom) or whom)}
        case Person():
            return ban.identity == whom.inbox
        case Account():
            return ban.identity == whom.identity
        case _:
            return ban.identity == whom.by


def _whom(irc: IrcClient, text: str) -> str | Person | Account | Gone:
    """Return whom a mask means: as people type it, or somebody by the cloak.

    :raises ChatError: BAD_ARGUMENTS if no ban here can mean that.
    """
    if text.lower().startswith(_ACCOUNT):
        account = irc.hub.accounts.find(text[len(_ACCOUNT) :])
        if account is None:
            raise ChatError(Code.BAD_ARGUMENTS, "There is no account of that name")
        return account.name
    mask = read_mask(text)
    if mask.user == "*" and mask.host == "*":
        return mask.nick
    cloak = mask.host.lstrip("*")  # some clients put one there
    if is_cloak(cloak):
        who = irc.hub.cloaks.who(cloak) if len(text) <= MAX_MASK else None
        if who is None:
            raise ChatError(
                Code.BAD_ARGUMENTS,
                f"Nobody has the host {cloak[:40]}, or not any more: write all of a host, "
                "or ban a nickname (NICK!*@*)",
            )
        return who
    if mask.user == "*" and mask.nick == "*" and parse_network(mask.host) is not None:
        return mask.host
    raise ChatError(
        Code.BAD_ARGUMENTS,
        "Users are not known: ban a nickname (NICK!*@*, also with * and ? in it), somebody by the "
        "host that is shown (*!*@guest-k3v7q2xa), an account ($a:NAME), or a network "
        "(*!*@192.0.2.0/24)",
    )


ROWS: Final = (Row("MODE", _mode, least=1, asks=1),)
"""The rows of the table."""
