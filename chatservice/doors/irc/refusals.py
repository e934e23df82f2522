"""The chat's refusals as IRC's errors: by their codes, and by what they answer."""

from collections.abc import Mapping
from typing import Final, cast

from twisted.python.failure import Failure

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.message import Message
from chatservice.doors.irc.wording import by_quote
from chatservice.errors import ChatError, Code
from chatservice.names import is_room

NUMERICS: Final[Mapping[str, str]] = {
    Code.NICK_EMPTY: n.ERR_NONICKNAMEGIVEN,
    Code.NICK_INVALID: n.ERR_ERRONEUSNICKNAME,
    Code.NICK_RESERVED: n.ERR_ERRONEUSNICKNAME,
    Code.NICK_TAKEN: n.ERR_NICKNAMEINUSE,
    Code.NICK_REGISTERED: n.ERR_NICKNAMEINUSE,
    Code.NO_SUCH_NICK: n.ERR_NOSUCHNICK,
    Code.NO_SUCH_ROOM: n.ERR_NOSUCHCHANNEL,
    Code.ROOM_INVALID: n.ERR_BADCHANMASK,
    Code.TOO_MANY_ROOMS: n.ERR_TOOMANYCHANNELS,
    Code.UNKNOWN_COMMAND: n.ERR_UNKNOWNCOMMAND,
    Code.LINE_TOO_LONG: n.ERR_INPUTTOOLONG,
    Code.NOT_ALLOWED: n.ERR_CHANOPRIVSNEEDED,
    Code.OUTRANKED: n.ERR_CHANOPRIVSNEEDED,
    Code.MUTED: n.ERR_CANNOTSENDTOCHAN,
    Code.MODERATED: n.ERR_CANNOTSENDTOCHAN,
    Code.SLOW_MODE: n.ERR_CANNOTSENDTOCHAN,
    Code.BANNED: n.ERR_BANNEDFROMCHAN,
    Code.INVITE_ONLY: n.ERR_INVITEONLYCHAN,
    Code.BAD_KEY: n.ERR_BADCHANNELKEY,
    Code.ROOM_FULL: n.ERR_CHANNELISFULL,
    Code.NEEDS_ENCRYPTION: n.ERR_SECUREONLYCHAN,
    Code.TOO_FAST: n.RPL_TRYAGAIN,
    Code.BAD_PASSWORD: n.ERR_PASSWDMISMATCH,
}
"""Which error a refusal is; all others are ERR_UNKNOWNERROR, with their code in the text."""

_WITHOUT: Final = (n.ERR_NONICKNAMEGIVEN, n.ERR_INPUTTOOLONG, n.ERR_PASSWDMISMATCH)
_ON_COMING_IN: Final = {Code.BANNED: n.ERR_YOUREBANNEDCREEP}
_ON_SPEAKING: Final = {
    Code.BANNED: n.ERR_CANNOTSENDTOCHAN,
    Code.NEEDS_ENCRYPTION: n.ERR_CANNOTSENDTOCHAN,
    Code.ROOM_INVALID: n.ERR_NOSUCHCHANNEL,
}


def refusal_in(failure: Failure) -> ChatError:
    """Return why something failed.

    :raises Exception: what it failed with, if that is no refusal.
    """
    failure.trap(ChatError)
    return cast("ChatError", failure.value)


def numeric(refusal: ChatError, asked: Message | None, about: str = "") -> tuple[str, ...]:
    """Return a refusal as a numeric and what stands behind the client's name.

    :param asked: what it answers; None for nothing that is known.
    :param about: the nickname or room that it is about; by default the first that was asked for.
    """
    text = by_quote(refusal.message)
    found = NUMERICS.get(refusal.code, n.ERR_UNKNOWNERROR)
    if asked is not None and asked.command in ("NICK", "USER", "CAP"):
        found = _ON_COMING_IN.get(refusal.code, found)
    elif asked is not None and asked.command in ("PRIVMSG", "TAGMSG"):
        found = _ON_SPEAKING.get(refusal.code, found)
    if found == n.ERR_YOUREBANNEDCREEP or found in _WITHOUT:
        return found, text
    if found == n.RPL_TRYAGAIN:
        return found, asked.command if asked is not None else "*", text
    if found == n.ERR_UNKNOWNERROR:
        command = asked.command if asked is not None else "*"
        return found, command, f"{text} [{refusal.code}]"
    if found == n.ERR_UNKNOWNCOMMAND and asked is not None:
        return found, asked.command, text
    first = asked.params[0] if asked is not None and asked.params else "*"
    if found == n.ERR_CHANOPRIVSNEEDED and not is_room(about or first):
        return n.ERR_NOPRIVILEGES, text  # or clients would look for a room of that name
    return found, about or first, text
