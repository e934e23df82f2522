"""Who may do what: the one check, asked by whoever changes or shows something.

A rule is a row: what is done, the role that it takes in the room, what it is called. Two rules hold
for all rows: nobody acts on somebody of an equal or higher role, and nobody gives a role that is
not below one's own. Knows roles and modes; no rooms, no people.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from chatservice.errors import ChatError, Code
from chatservice.roles import Role
from chatservice.rooms.modes import NORMAL, Modes


class Act(Enum):
    """Something that not everybody may do everywhere.

    Value: (needed, words): the role in the room that it takes, and how it goes on after "may".
    """

    TALK = (Role.GUEST, "speak")
    SET_TOPIC = (Role.GUEST, "set the topic")
    INVITE = (Role.GUEST, "invite people")
    VOICE = (Role.OP, "give and take voice")
    KICK = (Role.OP, "throw people out")
    MUTE = (Role.OP, "mute people")
    BAN = (Role.OP, "ban people")
    SEE_BANS = (Role.OP, "see who is banned or muted")
    SET_MODE = (Role.OP, "change its modes")
    AUDIT = (Role.OP, "see who did what")
    LET_BOTS_IN = (Role.OP, "let bots in")
    OP = (Role.FOUNDER, "make ops")
    HAND_OVER = (Role.FOUNDER, "hand it over")
    DROP = (Role.FOUNDER, "give it up")
    ANNOUNCE = (Role.ADMIN, "speak to everybody")
    DRAIN = (Role.ADMIN, "close the chat")
    SEE_ADDRESSES = (Role.ADMIN, "see addresses")
    ENTER_ANYWHERE = (Role.ADMIN, "see and enter every room")

    def __init__(self, needed: Role, words: str) -> None:
        self.words = words
        self._needed = needed

    def needed(self, modes: Modes) -> Role:
        """Return the role that it takes in a room with these modes."""
        if self is Act.TALK and modes.moderated:
            return Role.VOICE
        if self is Act.SET_TOPIC and modes.topic_locked:
            return Role.OP
        if self is Act.INVITE and modes.restricted:
            return Role.OP
        return self._needed


def may(role: Role, act: Act, modes: Modes) -> bool:
    """Tell whether somebody with a role may do it, to nobody in particular."""
    return role >= act.needed(modes)


def check(role: Role, act: Act, modes: Modes, place: str) -> None:
    """Ask whether somebody may do it, to nobody in particular.

    :param role: in the room in question.
    :param place: what the room is called.
    :raises ChatError: NOT_ALLOWED, or MODERATED when it is only about speaking.
    """
    if may(role, act, modes):
        return
    if act is Act.TALK:
        raise ChatError(
            Code.MODERATED,
            f"{place} is moderated: who has no voice there only reads. Ask an op for /voice.",
        )
    needed = act.needed(modes)
    who = "Admins" if needed is Role.ADMIN else f"In {place} {_PLURAL[needed]}"
    raise ChatError(
        Code.NOT_ALLOWED,
        f"{who} may {act.words}, you are {_A[role]}: /who shows whom you can ask.",
    )


def check_on(role: Role, act: Act, modes: Modes, place: str, other: Role, name: str) -> None:
    """Ask whether somebody may do it to somebody else; see check.

    :param other: the other's role in the room.
    :param name: what the other is called.
    :raises ChatError: as check does; OUTRANKED if the other stands as high or higher.
    """
    check(role, act, modes, place)
    if other >= role:
        raise ChatError(
            Code.OUTRANKED,
            f"{name} is {_A[other]} as well: only who stands higher may do that."
            if other == role
            else f"{name} is {_A[other]}, you are {_A[role]}: only who stands higher may do that.",
        )


def check_given(role: Role, given: Role) -> None:
    """Ask whether somebody may give a role.

    :raises ChatError: OUTRANKED if it is not below the giver's own.
    """
    if given >= role:
        raise ChatError(Code.OUTRANKED, f"You are {_A[role]}: you can only give roles below that.")


def on(role: Role, modes: Modes, other: Role) -> tuple[str, ...]:
    """Return what somebody may do to somebody else: the names of commands.

    :param other: the other's role in the room.
    """
    return tuple(
        name
        for name, (act, given, of) in _ON.items()
        if may(role, act, modes) and other < role and given < role and other in of
    )


def who_may(act: Act) -> str:
    """Return who may do something in a room as it is at first."""
    needed = act.needed(NORMAL)
    return _PLURAL[needed] if needed > Role.GUEST else "everybody, unless the room's modes say no"


_BELOW_VOICE = (Role.GUEST, Role.USER)
# The act, the role that it gives, and to whom it makes sense.
_ON: Mapping[str, tuple[Act, Role, Sequence[Role]]] = {
    "kick": (Act.KICK, Role.GUEST, tuple(Role)),
    "mute": (Act.MUTE, Role.GUEST, tuple(Role)),
    "ban": (Act.BAN, Role.GUEST, tuple(Role)),
    "voice": (Act.VOICE, Role.VOICE, _BELOW_VOICE),
    "devoice": (Act.VOICE, Role.USER, (Role.VOICE,)),
    "op": (Act.OP, Role.OP, (*_BELOW_VOICE, Role.VOICE)),
    "deop": (Act.OP, Role.USER, (Role.OP,)),
}

_PLURAL = {
    Role.GUEST: "everybody",
    Role.USER: "who is logged in",
    Role.VOICE: "who has voice",
    Role.OP: "ops",
    Role.FOUNDER: "only the founder",
    Role.ADMIN: "admins",
}
_A = {
    Role.GUEST: "a guest",
    Role.USER: "a user",
    Role.VOICE: "somebody with voice",
    Role.OP: "an op",
    Role.FOUNDER: "the founder",
    Role.ADMIN: "an admin",
}
