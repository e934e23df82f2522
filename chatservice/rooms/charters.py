"""What was decided about rooms, at hand and kept: topics, modes, roles, invitations.

A room that somebody with an account made is registered: its charter is a record and outlives the
people in it. Of any other room nothing is kept but that it was closed, if it was: the history of a
closed room is not for whoever comes upon its name later. Who was in it and comes back to its place
goes on there.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.errors import ChatError, Code
from chatservice.interfaces import IRecords, Value
from chatservice.names import check_room
from chatservice.roles import Role
from chatservice.rooms.room import Charter, Room

ROOM: Final = "room"
"""The kind of record that a charter is; its key is the room's name."""

MOST_OWN: Final = 50
"""Rooms that one account may have registered."""

MOST: Final = 100_000
"""Rooms that may be registered, and closed ones of which it may be kept that they were."""

UNKNOWN: Final = 2**53
"""The floor of a room until it is known: nobody reads anything."""


class Charters:
    """The charters of all rooms.

    :param records: where they are kept.
    :param rooms: every room there is, by name: registered ones are put in, empty ones that are
        registered no more taken out.
    :param lobby: always registered.
    :param now: the wall clock, seconds since 1970.
    """

    _log = Logger()

    def __init__(
        self, records: IRecords, rooms: dict[str, Room], lobby: Room, now: Callable[[], float]
    ) -> None:
        self._records = records
        self._rooms = rooms
        self._lobby = lobby
        self._closed: dict[str, int] = {}  # closed rooms that are not registered, and their floors
        self._now = now
        self._sealing: set[str] = set()  # names of rooms that are about to be closed
        self._registering: set[str] = set()
        self._registered: dict[str, str] = {}  # name to founder
        self._owned: Counter[str] = Counter()  # registered rooms of each founder
        records.watch(ROOM, self._learn)

    def new(self, name: str, founder: str, back: bool = False) -> Charter:
        """Return the charter of a room that somebody makes.

        Its floor is UNKNOWN if there was a closed room of that name: see settle.

        :param back: whether it is one that comes back to its place there.
        """
        floor, since = self._closed.get(name), self._now()
        if name in self._sealing:
            return Charter(founder=founder, closed=True, floor=UNKNOWN, since=since)
        if floor is None:
            return Charter(founder=founder, since=since)
        floor = floor if back else UNKNOWN
        return Charter(founder=founder, closed=True, floor=floor, since=since)

    def settle(self, room: Room, head: int, own: bool) -> Deferred[None]:
        """Finish a new room.

        :param head: the number of the last line that was said before it was made.
        :param own: whether it is to be registered.
        :returns: fires when that is kept. Fails with ChatError.
        """
        if room.charter.floor != UNKNOWN:
            return self.keep(room) if own else succeed(None)
        room.charter = replace(room.charter, floor=head)
        if not own:
            return self._seal(room.name, head)

        def failed(failure: Failure) -> Deferred[None]:
            return self._seal(room.name, head).addCallback(lambda _: failure.raiseException())

        return self.keep(room).addErrback(failed)

    def keep(self, room: Room) -> Deferred[None]:
        """Register a room, if its founder has not too many. Fails with ChatError."""
        charter = room.charter
        if charter.registered or charter.floor == UNKNOWN:  # then settle comes to it
            return succeed(None)
        if self._has_enough(charter.founder) or len(self._registered) >= MOST:
            problem = f"There are {MOST:,} rooms already"
            if self._has_enough(charter.founder):
                problem = f"You have {MOST_OWN} rooms already, /drop #ROOM gives one up"
            refusal = f"{problem}: {room.name} is not kept when it is empty."
            return fail(ChatError(Code.TOO_MUCH, refusal))
        room.charter = registered = replace(charter, registered=True)  # changes come behind this
        kept = self._records.change(ROOM, room.name, lambda _: registered.to_value())

        def failed(failure: object) -> object:
            room.charter = replace(room.charter, registered=False)
            return failure

        def done(result: object) -> object:
            self._registering.discard(room.name)
            return result

        self._registering.add(room.name)
        return kept.addBoth(done).addErrback(failed).addCallback(_nothing)

    def check_another(self, founder: str, name: str) -> None:
        """Ask whether somebody may have one room more.

        :param name: what it is called.
        :raises ChatError: TOO_MUCH.
        """
        if self._has_enough(founder):
            raise ChatError(Code.TOO_MUCH, f"{name} has {MOST_OWN} rooms already: name another.")

    def amend(self, room: Room, how: Callable[[Charter], Charter]) -> Deferred[None]:
        """Change a room's charter.

        :param how: a pure function; what it raises (ChatError) the Deferred fails with, or this
            raises.
        :returns: fires when it holds and is kept.
        """
        before = room.charter
        if before.registered or room is self._lobby:
            start = Charter(registered=True)

            def change(value: Value | None) -> Value:
                return how((value and _charter(value)) or start).to_value()

            return self._records.change(ROOM, room.name, change).addCallback(_nothing)
        after = how(before)
        if after.closed and room.name not in self._closed:
            if len(self._closed) >= MOST:
                raise ChatError(Code.TOO_MUCH, f"{MOST:,} rooms are kept: no more can be closed.")
            kept = self._seal(room.name, after.floor)
            return kept.addCallback(lambda _: self.amend(room, how))
        room.charter = after
        return succeed(None)

    def move(self, room: Room, old: str, new: str) -> Deferred[None]:
        """Let somebody who goes by another identity keep its role. Fails with ChatError."""
        charter = room.charter
        if charter.role(old) is Role.GUEST and old not in charter.invited:
            return succeed(None)
        moved = self.amend(room, lambda charter: charter.moved(old, new))
        return moved.addCallback(lambda _: self.keep(room) if charter.founder == old else None)

    def forget(self, room: Room, identity: str) -> None:
        """Let the role of somebody who cannot come back as the same be over."""
        if room.charter.registered and identity in room.charter.roles:
            amended = self.amend(room, lambda charter: charter.with_role(identity, Role.GUEST))
            amended.addErrback(lambda _: None)  # it does no harm, but for its place

    def drop(self, room: Room) -> Deferred[None]:
        """Let a room be registered no more. Fails with ChatError."""

        def change(value: Value | None) -> Value | None:
            kept = (value and _charter(value)) or own
            return _sealed(kept.floor).to_value() if kept.closed else None

        def failed(failure: object) -> object:
            room.charter = replace(room.charter, registered=True)
            return failure

        own = room.charter
        room.charter = replace(own, registered=False)  # changes come behind this
        dropped = self._records.change(ROOM, room.name, change)
        return dropped.addErrback(failed).addCallback(_nothing)

    def _seal(self, name: str, floor: int) -> Deferred[None]:
        """Keep of a room that is not registered that it was closed. Fails with ChatError."""

        def change(value: Value | None) -> Value:
            charter = value and _charter(value)
            return charter.to_value() if charter and charter.registered else seal

        def kept(result: object) -> object:
            self._sealing.discard(name)
            return result

        seal = _sealed(floor).to_value()
        self._sealing.add(name)
        return self._records.change(ROOM, name, change).addBoth(kept).addCallback(_nothing)

    def _learn(self, name: str, value: Value | None) -> None:
        if not _is_name(name):
            self._log.warn("no room can be called {name!r}", name=name)
            return
        charter = None if value is None else _charter(value)
        if charter is None and value is not None:
            self._log.warn("what is kept of room {name!r} cannot be read", name=name)
            charter = _sealed(UNKNOWN)  # rather too little is shown than too much
        if charter is not None and name == self._lobby.name:
            charter = replace(charter, founder="", modes=charter.modes.for_everybody())
        self._count(name, charter)
        room = self._rooms.get(name)
        if charter is not None and charter.registered:
            room = self._rooms.setdefault(name, Room(name))
            room.charter = charter
        elif room is not None and room is not self._lobby and name not in self._registering:
            room.charter = replace(room.charter, registered=False)
            if not len(room):
                del self._rooms[name]

    def _count(self, name: str, charter: Charter | None) -> None:
        if (founder := self._registered.pop(name, None)) is not None:
            self._owned[founder] -= 1
            if not self._owned[founder]:
                del self._owned[founder]
        self._closed.pop(name, None)
        if charter is not None and charter.registered:
            self._registered[name] = charter.founder
            self._owned[charter.founder] += 1
        elif charter is not None:
            self._closed[name] = charter.floor

    def _has_enough(self, founder: str) -> bool:
        return self._owned[founder] >= MOST_OWN


def _charter(value: Value) -> Charter | None:
    """Return the charter that a record holds; None if that is none."""
    try:
        return Charter.from_value(value)
    except (KeyError, TypeError, ValueError):
        return None


def _sealed(floor: int) -> Charter:
    """Return what is kept of a closed room that is not registered."""
    return Charter(closed=True, floor=floor)


def _is_name(name: str) -> bool:
    """Tell whether a room can be called so."""
    try:
        return check_room(name) == name
    except ChatError:
        return False


def _nothing(_: object) -> None:
    """Whoever waits need not know more."""
