"""What ops do with their room: topic, modes, roles, invitations, and what becomes of it.

Each takes place once it is kept; then the room hears of it.
"""

from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.defer import Deferred, succeed

from chatservice.accounts.accounts import Accounts
from chatservice.errors import ChatError, Code
from chatservice.events import INVITATION, Kind
from chatservice.people.order import Order
from chatservice.people.person import Person
from chatservice.roles import Role
from chatservice.rooms import rights
from chatservice.rooms.audit import Audit
from chatservice.rooms.modes import Modes
from chatservice.rooms.rights import Act
from chatservice.rooms.room import Charter, Room
from chatservice.rooms.rooms import Rooms

MAX_TOPIC: Final = 300
"""The longest topic, in characters."""

_NOT_IN_LOBBY: Final = ("invite-only", "key", "secret", "secure", "limit")
_CANNOT: Final = {"key": "have a", "limit": "have a"}


class Ops:
    """Changes of charters that people make.

    :param find: returns who wears a nickname; raises ChatError.
    :param connections: returns everybody who is here with an identity.
    :param now: the wall clock, seconds since 1970.
    """

    def __init__(
        self,
        rooms: Rooms,
        accounts: Accounts,
        order: Order,
        audit: Audit,
        find: Callable[[str], Person],
        connections: Callable[[str], Sequence[Person]],
        now: Callable[[], float],
    ) -> None:
        self._rooms = rooms
        self._accounts = accounts
        self._order = order
        self._audit = audit
        self._find = find
        self._connections = connections
        self._now = now

    def set_topic(self, person: Person, room: Room, topic: str) -> Deferred[None]:
        """Change what a room is about; "" for nothing. Fails with ChatError.

        :raises ChatError: if that may not be, as all the others here.
        """
        self._check(person, room, Act.SET_TOPIC, from_outside=Role.OP)
        if len(topic) > MAX_TOPIC:
            raise ChatError(
                Code.BAD_ARGUMENTS, f"A topic has at most {MAX_TOPIC} characters: make it shorter."
            )
        heard = self._rooms.admission.speak(person, room)
        if not heard:
            self._order.echo(person, self._order.event(room.name, Kind.TOPIC, person, topic))
            return succeed(None)
        nick, at = person.nick, self._now()
        changed = self._amend(room, lambda charter: charter.with_topic(topic, nick, at))
        deed = f"set the topic to: {topic}" if topic else "removed the topic"
        return changed.addCallback(lambda _: self._publish(person, room, deed, Kind.TOPIC, topic))

    def set_modes(
        self, person: Person, room: Room, changes: Sequence[tuple[str, str]]
    ) -> Deferred[None]:
        """Change some of a room's modes, all or none. Fails with ChatError.

        :param changes: names and values (see Modes.changed).
        """
        self._check(person, room, Act.SET_MODE)
        changes = [(name.lower(), value) for name, value in changes]

        def changed(modes: Modes) -> Modes:
            for name, value in changes:
                modes = modes.changed(name, value)
            return modes

        for name, _ in changes:
            if room is self._rooms.lobby and name in _NOT_IN_LOBBY:
                raise ChatError(
                    Code.BAD_ARGUMENTS,
                    f"Everybody starts in {room.name}: it cannot {_CANNOT.get(name, 'be')} {name}.",
                )
        changed(room.charter.modes)  # what cannot be is refused at once

        def done(_: object) -> None:
            names = dict.fromkeys(name for name, _ in changes)
            said = ", ".join(f"{name} {room.charter.modes.said(name)}" for name in names)
            self._publish(person, room, f"set {said}", Kind.MODE, said)

        amended = self._amend(room, lambda charter: charter.with_modes(changed(charter.modes)))
        return amended.addCallback(done)

    def give(
        self, person: Person, room: Room, nick: str, act: Act, role: Role, instead: Role
    ) -> Deferred[None]:
        """Give somebody a role. Fails with ChatError.

        :param nick: of whoever wears it, or of an account.
        :param act: what that is.
        :param role: the new one.
        :param instead: the highest that is expected so far: one is not demoted by the way. Who
            takes back a role of its own needs no other for that, and may have a higher one.
        """
        if role <= Role.USER and self._may_step_down(person, room, nick, instead):
            return self._step_down(person, room)
        self._check(person, room, act)
        identity, name, other = self._whom(room, nick)
        account = self._accounts.of(identity)
        if role is Role.OP and account is not None and account.maker:
            text = f"{name} is a bot: /voice {name} lets it speak in moderated and slow rooms."
            raise ChatError(Code.BAD_ARGUMENTS, text)
        own = self._rooms.role(person, room)
        rights.check_on(own, act, room.charter.modes, room.name, other, name)
        rights.check_given(own, role)
        now = room.charter.role(identity)
        if (now > instead if role > Role.USER else now != instead) or now == role:
            what = now.label if now > Role.USER else "without a role"
            raise ChatError(Code.BAD_ARGUMENTS, f"{name} is {what} in {room.name}.")

        return self._change(person, room, identity, name, role)

    def hand_over(self, person: Person, room: Room, nick: str) -> Deferred[None]:
        """Make somebody else a room's founder; who was it is an op then. Fails with ChatError."""
        self._check(person, room, Act.HAND_OVER)
        if room is self._rooms.lobby:
            raise ChatError(Code.BAD_ARGUMENTS, f"{room.name} has no founder.")
        identity, name, _ = self._whom(room, nick)
        if room.charter.registered and self._accounts.of(identity) is None:
            raise ChatError(Code.LOGIN_NEEDED, f"{name} is a guest: it has to /register first.")
        if (account := self._accounts.of(identity)) is not None and account.maker:
            raise ChatError(Code.BAD_ARGUMENTS, f"{name} is a bot: it could do nothing as founder.")
        if identity == room.charter.founder:
            raise ChatError(Code.BAD_ARGUMENTS, f"{name} is the founder of {room.name}.")
        if room.charter.registered:
            self._rooms.charters.check_another(identity, name)

        def how(charter: Charter) -> Charter:
            former = charter.founder
            changed = charter.with_role(identity, Role.FOUNDER)
            return changed.with_role(former, Role.OP) if former not in ("", identity) else changed

        before = room.charter.role(identity)

        def done(_: object) -> None:
            deed = f"made {name} founder"
            self._publish(person, room, deed, Kind.ROLE, "founder", name, before.label)

        return self._amend(room, how).addCallback(done)

    def invite(self, person: Person, room: Room, nick: str, seconds: float) -> Deferred[None]:
        """Let somebody come in for a while, whatever the modes. Fails with ChatError.

        By whoever is no op it is a word alone, which outlives no change of the modes.

        :param seconds: how long the invitation stands.
        """
        self._check(person, room, Act.INVITE, from_outside=None)
        heard = self._rooms.admission.speak_privately(person, room)
        identity, name, _ = self._whom(room, nick)
        now = self._now()
        until = now + seconds
        text = f"{person.nick} invited {name}."
        if not heard:
            news = self._order.event(room.name, Kind.NOTED, person, text, name, INVITATION)
            self._order.echo(person, news)
            return succeed(None)

        def done(_: object) -> None:
            self._publish(person, room, f"invited {name}", Kind.NOTED, text, name, aside=INVITATION)
            for one in self._connections(identity):
                event = self._order.event("", Kind.INVITED, person, room.name)
                self._order.show(one, event)

        if self._rooms.role(person, room) < Role.OP:
            done(None)
            return succeed(None)
        changed = self._amend(room, lambda charter: charter.with_invited(identity, until, now))
        return changed.addCallback(done)

    def drop(self, person: Person, room: Room) -> Deferred[None]:
        """Keep a room no more when nobody is in it. Fails with ChatError."""
        self._check(person, room, Act.DROP)
        if not room.charter.registered or room is self._rooms.lobby:
            raise ChatError(Code.BAD_ARGUMENTS, f"{room.name} is not one that can be given up.")
        deed = "gave the room up: it is gone when everybody has left"

        def done(_: object) -> None:
            self._publish(person, room, deed, Kind.NOTED, f"{person.nick} {deed}.")

        return self._rooms.charters.drop(room).addCallback(done)

    # Inside.

    def _check(
        self, person: Person, room: Room, act: Act, from_outside: Role | None = Role.GUEST
    ) -> None:
        """Ask whether somebody may do it.

        :param from_outside: which role it takes to do so without being in the room; None for any.
        :raises ChatError: if not.
        """
        role = self._rooms.admission.check(person, room, act)
        if room.name in person.place.rooms:
            return
        if from_outside is None or role < from_outside:
            raise ChatError(Code.NO_SUCH_ROOM, f"You are not in {room.name}: /join it first.")

    def _may_step_down(self, person: Person, room: Room, nick: str, role: Role) -> bool:
        """Tell whether somebody means itself, and has the role; a founder is an op as well."""
        now = room.charter.role(person.inbox)
        if now is not role and (now, role) != (Role.FOUNDER, Role.OP):
            return False
        try:
            return self._find(nick).inbox == person.inbox
        except ChatError:
            return False

    def _step_down(self, person: Person, room: Room) -> Deferred[None]:
        """Let somebody give its role back.

        :raises ChatError: NOT_ALLOWED if nobody could give up a room then that is kept.
        """
        self._rooms.admission.come_back(person, room)
        if room.charter.registered and room.charter.founder == person.inbox:
            raise ChatError(
                Code.NOT_ALLOWED,
                f"{room.name} is kept for you: /founder {room.name} NICK hands it over, "
                f"/drop {room.name} gives it up; then you can step down.",
            )
        return self._change(person, room, person.inbox, person.nick, Role.USER)

    def _change(
        self, person: Person, room: Room, identity: str, name: str, role: Role
    ) -> Deferred[None]:
        """Put somebody in another role, and let the room know."""
        before = room.charter.role(identity)

        def done(_: object) -> None:
            deed = f"made {name} {role.label}"
            self._publish(person, room, deed, Kind.ROLE, role.label, name, before.label)

        changed = self._amend(room, lambda charter: charter.with_role(identity, role))
        return changed.addCallback(done)

    def _amend(self, room: Room, how: Callable[[Charter], Charter]) -> Deferred[None]:
        return self._rooms.charters.amend(room, how)

    def _whom(self, room: Room, nick: str) -> tuple[str, str, Role]:
        """Return identity, name and role of who wears a nickname, or of an account."""
        account = self._accounts.find(nick)
        try:
            other = self._find(nick)
        except ChatError:
            if account is None:
                raise
            return account.identity, account.name, self._rooms.role_of(account, room)
        return other.inbox, other.nick, self._rooms.role(other, room)

    def _publish(
        self,
        person: Person,
        room: Room,
        deed: str,
        kind: Kind,
        text: str,
        to: str = "",
        aside: str = "",
    ) -> None:
        news = self._order.event(room.name, kind, person, text, to, aside)
        self._order.publish(person, news, self._audit.entry(person, room, deed))
        if room.name not in person.place.rooms:
            self._order.show(person, news)
