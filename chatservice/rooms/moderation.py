"""Throwing out, banning, muting: what is done to people, and what they are told of it.

What is done in the lobby holds for the whole chat: who is kicked out of the lobby is disconnected,
who is banned there cannot come in by any door.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.accounts.accounts import Accounts
from chatservice.durations import say_duration
from chatservice.errors import ChatError, Code
from chatservice.events import BAN, UNBAN, Event, Kind
from chatservice.names import check_nick, fold, keys
from chatservice.people.account import Account
from chatservice.people.order import Order
from chatservice.people.person import Gone, Person
from chatservice.roles import Role
from chatservice.rooms import rights
from chatservice.rooms.audit import Audit
from chatservice.rooms.rights import Act
from chatservice.rooms.room import Room
from chatservice.rooms.rooms import Rooms
from chatservice.rooms.sanction import (
    EVERYWHERE,
    Measure,
    Sanction,
    Target,
    parse_mask,
    parse_network,
)
from chatservice.rooms.sanctions import Sanctions

MAX_REASON: Final = 300
"""The longest reason, in characters."""

_ACTS: Final = {Measure.BAN: Act.BAN, Measure.MUTE: Act.MUTE, Measure.SHADOW: Act.MUTE}


class Moderation:
    """What is done to people.

    :param find: returns who wears a nickname; raises ChatError.
    :param people: returns everybody who is in the chat.
    :param expel: throws somebody out of the chat: the person, what it is told, what the lobby
        hears.
    :param moved: keeps in which rooms somebody is who may come back.
    :param now: the wall clock, seconds since 1970.
    """

    def __init__(
        self,
        rooms: Rooms,
        sanctions: Sanctions,
        accounts: Accounts,
        order: Order,
        audit: Audit,
        find: Callable[[str], Person],
        people: Callable[[], Sequence[Person]],
        expel: Callable[[Person, ChatError, Event], None],
        moved: Callable[[Person], None],
        now: Callable[[], float],
    ) -> None:
        self._rooms = rooms
        self._sanctions = sanctions
        self._accounts = accounts
        self._order = order
        self._audit = audit
        self._find = find
        self._people = people
        self._expel = expel
        self._moved = moved
        self._now = now

    def kick(self, person: Person, room: Room, nick: str, reason: str) -> None:
        """Throw somebody out of a room; it may come back.

        :raises ChatError: if that may not be.
        """
        place = self._place(room)
        own = self._rooms.admission.check(person, room, Act.KICK)
        _check_reason(reason)
        other = self._find(nick)
        if room.name not in other.place.rooms and room is not self._rooms.lobby:
            raise ChatError(Code.NO_SUCH_NICK, f"{other.nick} is not in {room.name}: see /who.")
        role = self._rooms.role(other, room)
        rights.check_on(own, Act.KICK, room.charter.modes, place, role, other.nick)
        deed = f"kicked {other.nick} out of {place}{_because(reason)}"
        self._publish_entry(person, room, deed)
        told = f"{person.nick} kicked you out of {place}{_because(reason) or '.'}"
        self._throw_out(person, other, room, reason, ChatError(Code.KICKED, told))

    def sanction(
        self,
        person: Person,
        room: Room,
        measure: Measure,
        whom: str | Person | Account | Gone,
        seconds: float | None,
        reason: str,
        written: str = "",
    ) -> Deferred[None]:
        """Ban or mute somebody. Fails with ChatError.

        :param whom: a nickname, a mask for nicknames, an account, an IP address or a network; or
            somebody who was named otherwise.
        :param seconds: for how long; None for good.
        :param written: how that was; see Sanction.
        :raises ChatError: if that may not be.
        """
        act = _ACTS[measure]
        own = self._rooms.admission.check(person, room, act)
        _check_reason(reason)
        target = self._target(whom, room, own, act)
        if measure is Measure.SHADOW and target.network and not target.guests:
            # Whether somebody is still heard would tell where it is, and nobody would notice.
            self._rooms.admission.check(person, room, Act.SEE_ADDRESSES)
        now = self._now()
        sanction = Sanction(
            measure=measure,
            room=self._rooms.admission.scope(room),
            by=person.nick,
            rank=own,
            at=now,
            until=None if seconds is None else now + seconds,
            reason=reason,
            written=written,
            **target._asdict(),
        )
        added = self._sanctions.add(sanction)
        return added.addCallback(lambda _: self._enforce(person, room, sanction, seconds))

    def lift(
        self, person: Person, room: Room, measures: Sequence[Measure], whom: str
    ) -> Deferred[None]:
        """Take a ban or a mute back. Fails with ChatError.

        :param whom: as it was named.
        :raises ChatError: if that may not be, or there is none.
        """
        place = self._place(room)
        own = self._rooms.admission.check(person, room, _ACTS[measures[0]])
        names = {fold(whom), fold(parse_network(whom) or whom)}
        for sanction in self.standing(person, room):
            if fold(sanction.label) in names and sanction.measure in measures:
                break
        else:
            raise ChatError(
                Code.NO_SUCH_SANCTION,
                f"{whom} is not {measures[0].done} in {place}: /bans shows who is.",
            )
        deed = f"un{sanction.measure.done} {sanction.label}"

        def lifted(_: object) -> None:
            self._announce(person, room, deed, sanction, UNBAN)
            for one in self._meant(room, sanction):
                if sanction.measure is Measure.MUTE:
                    self._order.tell(one, Kind.NOTICE, f"You can speak in {place} again.")

        return self._sanctions.lift(sanction, own).addCallback(lifted)

    def standing(self, person: Person, room: Room) -> Sequence[Sanction]:
        """Return the bans and mutes of a room, the oldest first.

        :raises ChatError: NOT_ALLOWED.
        """
        self._rooms.admission.check(person, room, Act.SEE_BANS)
        return self._sanctions.of(self._rooms.admission.scope(room))

    def show_entries(self, person: Person, room: Room, count: int) -> Deferred[None]:
        """Show a person what ops did in a room last, the oldest first. Fails with ChatError.

        :raises ChatError: NOT_ALLOWED.
        """
        self._rooms.admission.check(person, room, Act.AUDIT)

        def show(entries: Sequence[Event]) -> None:
            for entry in entries:
                self._order.show(person, entry.retold()._replace(room=room.name))
            text = "Times are UTC." if entries else "Nothing was done yet."
            self._order.tell(person, Kind.NOTICE, text)

        return self._audit.read(room, count).addCallback(show)

    def announce(self, person: Person, text: str) -> None:
        """Say something to everybody, wherever they are.

        :raises ChatError: NOT_ALLOWED.
        """
        lobby = self._rooms.lobby
        self._rooms.admission.check(person, lobby, Act.ANNOUNCE)
        self._publish_entry(person, lobby, f"announced: {text}")
        for one in self._people():
            self._order.tell(one, Kind.NOTICE, f"{person.nick} to everybody: {text}")

    def recheck(self, person: Person) -> None:
        """Throw somebody out who turns out to be somebody who is banned."""
        for room in [self._rooms.lobby, *self._rooms.own(person)]:
            ban = self._rooms.admission.sanction(person, room, Measure.BAN)
            if ban is None or person.departed:
                continue
            place = self._rooms.lobby if ban.room == EVERYWHERE else room
            refusal = ChatError(Code.BANNED, ban.told(self._now(), self._place(place)))
            news = Event(0, self._now(), place.name, Kind.KICKED, ban.by, "banned", person.nick)
            news = news._replace(lobby=place is self._rooms.lobby)
            self._put_out(person, place, refusal, news)

    def reasons(self, person: Person, rooms: Iterable[Room]) -> Sequence[str]:
        """Return what stops somebody in some rooms, and until when; what is hidden is left out."""
        found = []
        for room in rooms:
            for ask in (
                self._rooms.admission.may_come_in,
                self._rooms.admission.may_speak,
            ):
                try:
                    ask(person, room)
                except ChatError as refusal:
                    if refusal.message not in found:
                        found.append(refusal.message)
        return found

    # Inside.

    def _place(self, room: Room) -> str:
        return self._rooms.admission.place(room)

    def _target(
        self, whom: str | Person | Account | Gone, room: Room, own: Role, act: Act
    ) -> Target:
        """Say whom a sanction is to mean.

        :raises ChatError: if it may not mean them.
        """
        if isinstance(whom, str):
            if (network := parse_network(whom)) is not None:
                return Target(network, network=network)
            if (mask := parse_mask(whom)) is not None:
                return Target(mask, mask=mask)
            named = self._named(whom)
            if named is None:
                nick = check_nick(whom)
                return Target(nick, tuple(sorted(keys(nick))))
            whom = named
        name = whom.name if isinstance(whom, Account) else whom.nick
        role, marks = self._role(whom, room), tuple(sorted(keys(name)))
        rights.check_on(own, act, room.charter.modes, self._place(room), role, name)
        if isinstance(whom, Account):
            return Target(name, marks, whom.identity)
        network = "" if whom.host is None else str(parse_network(whom.host) or "")
        identity = whom.by if isinstance(whom, Gone) else whom.inbox
        return Target(name, marks, identity, network, guests=True)

    def _named(self, nick: str) -> Person | Account | None:
        try:
            return self._find(nick)
        except ChatError:
            return self._accounts.find(nick)

    def _role(self, whom: Person | Account | Gone, room: Room) -> Role:
        if isinstance(whom, Person):
            return self._rooms.role(whom, room)
        if isinstance(whom, Account):
            return self._rooms.role_of(whom, room)
        return room.charter.role(whom.by)

    def _enforce(
        self, person: Person, room: Room, sanction: Sanction, seconds: float | None
    ) -> None:
        """Let everybody concerned know, and throw out whoever is banned."""
        measure, place = sanction.measure, self._place(room)
        term = "for good" if seconds is None else f"for {say_duration(seconds)}"
        deed = f"{measure.done} {sanction.label} {term}{_because(sanction.reason)}"
        self._announce(person, room, deed, sanction, BAN)
        for other in self._meant(room, sanction):
            told = sanction.told(self._now(), place)
            if measure is Measure.BAN:
                refusal = ChatError(Code.BANNED, told)
                self._throw_out(person, other, room, _short(sanction, term), refusal)
            elif measure is Measure.MUTE:
                self._order.tell(other, Kind.ERROR, told, code=Code.MUTED)

    def _meant(self, room: Room, sanction: Sanction) -> list[Person]:
        everywhere = room is self._rooms.lobby
        return [
            one
            for one in self._people()
            if (everywhere or room.name in one.place.rooms)
            and sanction.means(self._rooms.admission.subject(one, room))
        ]

    def _throw_out(
        self, person: Person, other: Person, room: Room, reason: str, refusal: ChatError
    ) -> None:
        news = self._order.event(room.name, Kind.KICKED, person, reason, other.nick)
        self._put_out(other, room, refusal, news)
        self._order.fence(person)

    def _put_out(self, person: Person, room: Room, refusal: ChatError, news: Event) -> None:
        if room is self._rooms.lobby:
            self._expel(person, refusal, news)
        else:
            self._order.tell(person, Kind.ERROR, refusal.message, code=refusal.code)
            self._rooms.throw_out(person, room, news)
            self._moved(person)

    def _announce(
        self, person: Person, room: Room, deed: str, sanction: Sanction, aside: str
    ) -> None:
        """Let a room know what was done, or only who did it.

        :param aside: what it is called if it is about a ban.
        """
        quiet = sanction.measure is Measure.SHADOW
        entry = self._audit.entry(person, room, deed)
        news = self._order.event(room.name, Kind.NOTED, person, f"{person.nick} {deed}")
        if sanction.measure is Measure.BAN:
            news = news._replace(to=sanction.written or sanction.label, aside=aside)
        self._order.publish(person, *([entry] if quiet else [entry, news]))
        if quiet or room.name not in person.place.rooms:
            self._order.tell(person, Kind.NOTICE, f"You {deed}")

    def _publish_entry(self, person: Person, room: Room, deed: str) -> None:
        self._order.publish(person, self._audit.entry(person, room, deed))


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _short(sanction: Sanction, term: str) -> str:
    return f"banned {term}{_because(sanction.reason)}"


def _check_reason(reason: str) -> None:
    """Ask whether a reason can be given.

    :raises ChatError: BAD_ARGUMENTS.
    """
    if len(reason) > MAX_REASON:
        raise ChatError(
            Code.BAD_ARGUMENTS, f"A reason has at most {MAX_REASON} characters: make it shorter."
        )
