"""The rules of rooms, roles and keeping order, as one would tell them: what tests hold the chat to.

It knows people, rooms and penalties, and nothing of how the chat is made.
"""

import fnmatch
import ipaddress
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from chatservice.roles import Role

LOBBY = "#lobby"
ROOMS = [LOBBY, "#a", "#b", "#c"]
ACCOUNTS = {"boss": Role.ADMIN, "root2": Role.ADMIN, "ann": Role.USER, "ben": Role.USER}
EVERYWHERE = ""


class Refused(Exception):
    """What the model says of what may not be."""


@dataclass
class Someone:
    nick: str
    identity: str
    account: Role  # GUEST for none
    host: str | None
    came: float
    rooms: list[str] = field(default_factory=list)


@dataclass
class Place:
    founder: str = ""
    roles: dict[str, Role] = field(default_factory=dict)
    modes: dict[str, object] = field(default_factory=lambda: {"topic-locked": True})
    topic: str = ""
    invited: dict[str, float] = field(default_factory=dict)
    registered: bool = False
    floor: int = 0
    spoke: dict[str, float] = field(default_factory=dict)

    def given(self, identity: str) -> Role:
        return Role.FOUNDER if identity == self.founder else self.roles.get(identity, Role.GUEST)


@dataclass
class Penalty:
    measure: str
    nick: str
    identity: str
    network: str
    guests: bool
    rank: Role
    at: float
    until: float
    mask: str = ""


def check(holds: object, code: str) -> None:
    if not holds:
        raise Refused(code)


class Model:
    """The rules, as one would tell them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.people: dict[str, Someone] = {}  # by slot
        self.rooms = {LOBBY: Place(registered=True)}
        self.penalties: dict[tuple[str, str, str], Penalty] = {}
        self.closed: set[str] = set()
        self.lines: dict[str, list[str]] = {name: [] for name in ROOMS}

    # Who is who.

    def role(self, one: Someone, room: str) -> Role:
        return max(one.account, self.rooms[room].given(one.identity))

    def wearer(self, nick: str) -> Someone | None:
        return next((one for one in self.people.values() if one.nick == nick), None)

    def whom(self, nick: str, room: str) -> tuple[str, Role, bool]:
        """Identity, role and whether there is an account."""
        one = self.wearer(nick)
        if one is not None:
            return one.identity, self.role(one, room), one.account > Role.GUEST
        check(nick in ACCOUNTS, "no-such-nick")
        return nick, max(ACCOUNTS[nick], self.rooms[room].given(nick)), True

    def inside(self, room: str) -> Iterator[str]:
        return (slot for slot, one in self.people.items() if room in one.rooms)

    # What stops people.

    def meant(self, penalty: Penalty, one: Someone, room: str, nick: str = "") -> bool:
        role = self.role(one, room)
        if role >= penalty.rank or penalty.until <= self.now:
            return False
        if penalty.identity == one.identity or penalty.nick == (nick or one.nick):
            return True
        if penalty.mask and fnmatch.fnmatchcase(nick or one.nick, penalty.mask):
            return True
        if not penalty.network or one.host is None:
            return False
        if penalty.guests and (role > Role.GUEST or one.came < penalty.at):
            return False
        return ipaddress.ip_address(one.host) in ipaddress.ip_network(penalty.network)

    def stopped(self, one: Someone, room: str, measure: str, nick: str = "") -> bool:
        return any(
            penalty.measure == measure and self.meant(penalty, one, where, nick)
            for (_, scope, _), penalty in self.penalties.items()
            for where in [LOBBY if scope == EVERYWHERE else room]
            if scope in (EVERYWHERE, room)
        )

    # What the commands do; they raise Refused.

    def visible(self, one: Someone, room: str) -> None:
        there = room in self.rooms and (
            not self.rooms[room].modes.get("secret")
            or room in one.rooms
            or one.account is Role.ADMIN
        )
        check(there, "no-such-room")

    def may(self, one: Someone, room: str, needed: Role) -> Role:
        check(not self.stopped(one, room, "ban"), "banned")
        role = self.role(one, room)
        check(role >= needed, "not-allowed")
        return role

    def join(self, one: Someone, room: str, key: str) -> None:
        if room in one.rooms:
            return
        if room not in self.rooms:
            floor = len(self.lines[room]) if room in self.closed else 0
            own = one.account > Role.GUEST
            self.rooms[room] = Place(one.identity, registered=own, floor=floor)
        place = self.rooms[room]
        check(not self.stopped(one, room, "ban"), "banned")
        check(not place.modes.get("secure") or one.host is None, "needs-encryption")
        invited = place.invited.get(one.identity, 0.0) > self.now
        if self.role(one, room) < Role.VOICE and not invited:
            check(place.modes.get("key", "") in ("", key), "bad-key")
            check(not place.modes.get("invite-only"), "invite-only")
            limit = int(str(place.modes.get("limit", 0)))
            check(not limit or len([*self.inside(room)]) < limit, "room-full")
        one.rooms.append(room)

    def leave(self, one: Someone, room: str) -> None:
        check(room in one.rooms, "no-such-room")
        check(len(one.rooms) > 1, "last-room")
        self.out(one, room)

    def out(self, one: Someone, room: str) -> None:
        one.rooms.remove(room)
        self.sweep(room)

    def sweep(self, room: str) -> None:
        if room in self.rooms and not self.rooms[room].registered and not [*self.inside(room)]:
            del self.rooms[room]
            for key in [key for key in self.penalties if key[1] == room]:
                del self.penalties[key]

    def gone(self, slot: str) -> None:
        one = self.people.pop(slot)
        for room in one.rooms:
            self.sweep(room)

    def speak(self, one: Someone, room: str) -> bool:
        place = self.rooms[room]
        check(not self.stopped(one, room, "mute"), "muted")
        role = self.role(one, room)
        check(role >= Role.VOICE or not place.modes.get("moderated"), "moderated")
        if (slow := place.modes.get("slow")) and role < Role.VOICE:
            last = place.spoke.get(one.identity, -math.inf)
            check(self.now >= last + float(str(slow)), "slow-mode")
            place.spoke[one.identity] = self.now
        return not self.stopped(one, room, "shadow")

    def say(self, one: Someone, room: str, text: str) -> bool:
        if room not in one.rooms:
            self.visible(one, room)
            check(self.rooms[room].modes.get("outside"), "no-such-room")
            check(not self.stopped(one, room, "ban"), "banned")
            check(not self.rooms[room].modes.get("secure") or one.host is None, "needs-encryption")
        heard = self.speak(one, room)
        if heard:
            self.lines[room].append(text)
        return heard

    def set_topic(self, one: Someone, room: str, text: str) -> None:
        self.visible(one, room)
        locked = self.rooms[room].modes.get("topic-locked")
        role = self.may(one, room, Role.OP if locked else Role.GUEST)
        check(room in one.rooms or role >= Role.OP, "no-such-room")
        if self.speak(one, room):
            self.rooms[room].topic = text

    def set_mode(self, one: Someone, room: str, name: str, value: object) -> None:
        self.visible(one, room)
        self.may(one, room, Role.OP)
        closing = name in ("invite-only", "key", "secret", "secure")
        check(not (room == LOBBY and (closing or name == "limit")), "bad-arguments")
        self.rooms[room].modes[name] = value
        if closing and value:
            self.closed.add(room)

    def invite(self, one: Someone, room: str, nick: str, seconds: float) -> None:
        check(room in one.rooms, "no-such-room")
        modes = self.rooms[room].modes
        restricted = modes.get("key") or modes.get("invite-only")
        role = self.may(one, room, Role.OP if restricted else Role.GUEST)
        check(not self.stopped(one, room, "mute"), "muted")
        identity, _, _ = self.whom(nick, room)
        if role >= Role.OP and not self.stopped(one, room, "shadow"):
            self.rooms[room].invited[identity] = self.now + seconds

    def give(self, one: Someone, room: str, command: str, nick: str) -> None:
        self.visible(one, room)
        if nick == one.nick and self.steps_down(one, room, command):
            return
        needed = Role.FOUNDER if command in ("op", "deop") else Role.OP
        own = self.may(one, room, needed)
        identity, other, _ = self.whom(nick, room)
        check(other < own, "outranked")
        place = self.rooms[room]
        now = place.given(identity)
        good = {
            "op": now < Role.OP,
            "deop": now == Role.OP,
            "voice": now < Role.VOICE,
            "devoice": now == Role.VOICE,
        }
        check(good[command], "bad-arguments")
        place.roles.pop(identity, None)
        if command in ("op", "voice"):
            place.roles[identity] = Role.OP if command == "op" else Role.VOICE
            assert place.roles[identity] < own

    def steps_down(self, one: Someone, room: str, command: str) -> bool:
        """Take a role of one's own back."""
        place = self.rooms[room]
        now = place.given(one.identity)
        own = {"deop": (Role.OP, Role.FOUNDER), "devoice": (Role.VOICE,)}
        if now not in own.get(command, ()):
            return False
        check(not self.stopped(one, room, "ban"), "banned")
        check(not place.modes.get("secure") or one.host is None, "needs-encryption")
        check(now is not Role.FOUNDER or not place.registered, "not-allowed")
        place.roles.pop(one.identity, None)
        place.founder = "" if now is Role.FOUNDER else place.founder
        return True

    def hand_over(self, one: Someone, room: str, nick: str) -> None:
        self.visible(one, room)
        self.may(one, room, Role.FOUNDER)
        check(room != LOBBY, "bad-arguments")
        identity, _, account = self.whom(nick, room)
        place = self.rooms[room]
        check(account or not place.registered, "login-needed")
        check(identity != place.founder, "bad-arguments")
        place.roles.pop(identity, None)
        if place.founder:
            place.roles[place.founder] = Role.OP
        place.founder = identity

    def drop(self, one: Someone, room: str) -> None:
        self.visible(one, room)
        self.may(one, room, Role.FOUNDER)
        check(self.rooms[room].registered and room != LOBBY, "bad-arguments")
        self.rooms[room].registered = False
        self.sweep(room)

    def kick(self, one: Someone, room: str, nick: str) -> None:
        self.visible(one, room)
        own = self.may(one, room, Role.OP)
        other = self.wearer(nick)
        check(other is not None, "no-such-nick")
        assert other is not None
        check(room in other.rooms or room == LOBBY, "no-such-nick")
        check(self.role(other, room) < own, "outranked")
        self.throw_out(other, room)

    def throw_out(self, other: Someone, room: str) -> None:
        if room == LOBBY:
            self.gone(next(slot for slot, one in self.people.items() if one is other))
            return
        self.out(other, room)
        if not other.rooms:
            other.rooms.append(LOBBY)

    def punish(self, one: Someone, room: str, measure: str, whom: str, seconds: float) -> None:
        self.visible(one, room)
        own = self.may(one, room, Role.OP)
        network = network_of(whom)
        if network and measure == "shadow":  # it would tell where somebody is
            check(own >= Role.ADMIN, "not-allowed")
        label, nick, identity, guests = network or whom, "", "", False
        mask = whom if "*" in whom else ""
        if not network and not mask:
            nick = whom
            try:
                identity, other, _ = self.whom(whom, room)
            except Refused:
                pass
            else:
                check(other < own, "outranked")
            if (wearer := self.wearer(whom)) is not None:
                network, guests = network_of(wearer.host or ""), True
        kind = "ban" if measure == "ban" else "mute"
        scope = EVERYWHERE if room == LOBBY else room
        old = self.penalties.get((kind, scope, label))
        check(old is None or old.rank <= own or old.until <= self.now, "outranked")
        penalty = Penalty(
            measure, nick, identity, network, guests, own, self.now, self.now + seconds, mask
        )
        self.penalties[kind, scope, label] = penalty
        if measure == "ban":
            for other_one in [*self.people.values()]:
                if room in (*other_one.rooms, LOBBY) and self.meant(penalty, other_one, room):
                    assert self.role(other_one, room) < own
                    self.throw_out(other_one, room)

    def lift(self, one: Someone, room: str, command: str, whom: str) -> None:
        self.visible(one, room)
        own = self.may(one, room, Role.OP)
        kind = "ban" if command == "unban" else "mute"
        key = (kind, EVERYWHERE if room == LOBBY else room, network_of(whom) or whom)
        old = self.penalties.get(key)
        check(old is not None and old.until > self.now, "no-such-sanction")
        assert old is not None
        check(old.rank <= own, "outranked")
        del self.penalties[key]

    def wear(self, one: Someone, nick: str) -> None:
        """What is asked of every nickname."""
        check(nick not in ACCOUNTS or one.identity == nick, "nick-registered")
        check(self.wearer(nick) is None, "nick-taken")

    def rename(self, one: Someone, nick: str) -> None:
        check(not any(self.stopped(one, room, "mute") for room in one.rooms), "muted")
        check(not self.stopped(one, LOBBY, "ban", nick), "banned")
        self.wear(one, nick)
        one.nick = nick

    def come(self, slot: str, one: Someone) -> None:
        self.wear(one, one.nick)
        check(not self.stopped(one, LOBBY, "ban"), "banned")
        self.people[slot] = one
        one.rooms.append(LOBBY)

    def restart(self) -> None:
        self.people.clear()
        for room in [*self.rooms]:
            self.sweep(room)
        for place in self.rooms.values():
            place.spoke.clear()


def network_of(text: str) -> str:
    """An address or a network as a network; "" for neither."""
    try:
        if "/" in text:
            return str(ipaddress.ip_network(text, strict=False))
        address = ipaddress.ip_address(text)
        return str(ipaddress.ip_network((address, 32 if address.version == 4 else 64), False))
    except ValueError:
        return ""
