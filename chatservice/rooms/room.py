"""A room: who is in it, who is what in it, and what was decided about it. Rules only, no I/O."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from chatservice.errors import ChatError, Code, TooFast
from chatservice.roles import Role
from chatservice.rooms.modes import NORMAL, Modes

MAX_ROLES: Final = 500
"""People who may have a role in one room."""

MAX_INVITED: Final = 500
"""Invitations of one room that may stand at a time."""

Value = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Charter:
    """What was decided about a room. People are named by their identities.

    :ivar founder: who made it; "" for nobody.
    :ivar roles: who has which other role.
    :ivar modes: what holds in it.
    :ivar topic: what it is about.
    :ivar topic_by: the nickname of who set that.
    :ivar topic_at: when that was, seconds since 1970.
    :ivar invited: who may come in though others may not, and until when.
    :ivar registered: whether all this is kept when nobody is in it.
    :ivar floor: nobody reads lines with this number or a lower one: they were said when this was
        another room, not for everybody.
    :ivar since: when it was made, seconds since 1970; 0 if that is not known, or it always was.
    :ivar closed: whether it ever was for some people only: then who makes it anew does not read
        what was said there.
    """

    founder: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    modes: Modes = NORMAL
    topic: str = ""
    topic_by: str = ""
    topic_at: float = 0.0
    invited: Mapping[str, float] = field(default_factory=dict)
    registered: bool = False
    closed: bool = False
    floor: int = 0
    since: float = 0.0

    def role(self, identity: str) -> Role:
        """Return the role that was given to somebody here; GUEST for none."""
        return Role.FOUNDER if identity == self.founder else self.roles.get(identity, Role.GUEST)

    def with_role(self, identity: str, role: Role) -> "Charter":
        """Return it with somebody in another role; USER and below are none.

        A founder in another role leaves it without one.

        :raises ChatError: TOO_MUCH.
        """
        if role is Role.FOUNDER:
            return replace(self.with_role(identity, Role.USER), founder=identity)
        roles = {one: given for one, given in self.roles.items() if one != identity}
        founder = "" if identity == self.founder else self.founder
        if role > Role.USER:
            roles[identity] = role
        if len(roles) > MAX_ROLES:
            raise ChatError(
                Code.TOO_MUCH, f"{MAX_ROLES} people have a role here: take one back first."
            )
        return replace(self, roles=roles, founder=founder)

    def with_modes(self, modes: Modes) -> "Charter":
        """Return it with other modes."""
        return replace(self, modes=modes, closed=self.closed or modes.closed)

    def with_topic(self, topic: str, by: str, at: float) -> "Charter":
        """Return it with another topic."""
        return replace(self, topic=topic, topic_by=by, topic_at=at)

    def with_invited(self, identity: str, until: float, now: float) -> "Charter":
        """Return it with an invitation, without those that are over.

        :raises ChatError: TOO_MUCH.
        """
        invited = {one: end for one, end in self.invited.items() if end > now}
        invited[identity] = until
        if len(invited) > MAX_INVITED:
            raise ChatError(
                Code.TOO_MUCH, f"{MAX_INVITED} invitations stand: wait until some are over."
            )
        return replace(self, invited=invited)

    def moved(self, old: str, new: str) -> "Charter":
        """Return it for when somebody who had one identity goes by another."""
        charter = self
        if self.founder == old:
            charter = replace(charter, founder=new)
        elif old in self.roles:
            role = max(self.role(old), self.role(new))
            charter = replace(charter.with_role(old, Role.USER))
            charter = charter if role is Role.FOUNDER else charter.with_role(new, role)
        if old in charter.invited:
            invited = dict(charter.invited)
            invited[new] = max(invited.pop(old), invited.get(new, 0.0))
            charter = replace(charter, invited=invited)
        return charter

    def to_value(self) -> Value:
        """Return what is kept of it."""
        return {
            "founder": self.founder,
            "roles": {identity: role.label for identity, role in self.roles.items()},
            "modes": self.modes.to_value(),
            "topic": [self.topic, self.topic_by, self.topic_at],
            "invited": dict(self.invited),
            "registered": self.registered,
            "closed": self.closed,
            "floor": self.floor,
            "since": self.since,
        }

    @classmethod
    def from_value(cls, value: Value) -> "Charter":
        """Return what was kept.

        :raises KeyError: if something is missing; TypeError or ValueError if it is something else.
        """
        topic, by, at = _list(value["topic"])
        roles = {str(k): Role[str(v).upper()] for k, v in _mapping(value["roles"]).items()}
        if not {*roles.values()} <= {Role.VOICE, Role.OP}:
            raise ValueError("a role that nobody has in a room alone")
        return cls(
            founder=str(value["founder"]),
            roles=roles,
            modes=Modes.from_value(_mapping(value["modes"])),
            topic=str(topic),
            topic_by=str(by),
            topic_at=float(str(at)),
            invited={str(k): float(str(v)) for k, v in _mapping(value["invited"]).items()},
            registered=value["registered"] is True,
            closed=value["closed"] is True,
            floor=max(0, int(str(value["floor"]))),
            since=float(str(value["since"])),
        )


class Room:
    """The people in one room, by nickname, and its charter.

    :param name: the room's name, with its ``#``.
    """

    __slots__ = ("_followers", "_nicks", "_spoke", "charter", "name")

    def __init__(self, name: str, charter: Charter | None = None) -> None:
        self.name = name
        self.charter = Charter() if charter is None else charter
        self._nicks: set[str] = set()
        self._followers: list[Callable[[str], None]] = []
        self._spoke: dict[str, float] = {}  # when who spoke last, while the room is slow

    def __len__(self) -> int:
        """Return how many are in the room."""
        return len(self._nicks)

    def __bool__(self) -> bool:
        """A room is one, however many are in it."""
        return True

    def __contains__(self, nick: str) -> bool:
        """Tell whether this very nickname is in the room."""
        return nick in self._nicks

    def add(self, nick: str) -> None:
        """Let somebody in."""
        self._nicks.add(nick)
        self.touch(nick)

    def remove(self, nick: str) -> None:
        """Let somebody out."""
        self._nicks.discard(nick)
        self.touch(nick)

    def rename(self, old: str, new: str) -> None:
        """Know somebody by a new nickname."""
        self.remove(old)
        self.add(new)

    def nicks(self) -> Iterable[str]:
        """Return the nicknames, in the order of the alphabet."""
        return sorted(self._nicks, key=str.casefold)

    def everybody(self) -> Collection[str]:
        """Return the nicknames, always as of now, in no order."""
        return self._nicks

    def follow(self, follower: Callable[[str], None]) -> None:
        """Call back with every nickname that comes, goes, or is somebody else's than before."""
        self._followers.append(follower)

    def unfollow(self, follower: Callable[[str], None]) -> None:
        """Call back no more."""
        self._followers.remove(follower)

    def touch(self, nick: str) -> None:
        """Let those who follow know that a nickname here may stand for something else now."""
        for follower in self._followers:
            follower(nick)

    def pace(self, identity: str, now: float, line: bool = True) -> None:
        """Account for a line in a slow room.

        :param now: any clock's seconds, always the same one's.
        :param line: whether it is one; what is none counts for nothing.
        :raises ChatError: SLOW_MODE if it comes too soon after the one before.
        """
        slow = self.charter.modes.slow
        spoke = self._spoke.get(identity, -math.inf)
        wait = spoke + slow - now
        if wait > 0 and spoke <= now:  # or the clock was set back meanwhile
            raise TooFast(
                Code.SLOW_MODE,
                f"{self.name} is slow, one line in {slow:g} seconds: "
                f"send it again in {math.ceil(wait)} seconds.",
                wait,
            )
        if not line:
            return
        if len(self._spoke) > 2 * len(self):
            self._spoke = {one: at for one, at in self._spoke.items() if at + slow > now}
        self._spoke[identity] = now


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError("not an object")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        raise TypeError("not a list")
    return [*value]
