"""Every ban and mute that stands, kept in the records: whom they stop, and where."""

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.errors import ChatError, Code
from chatservice.interfaces import IRecords, Value
from chatservice.names import keys
from chatservice.roles import Role
from chatservice.rooms.sanction import EVERYWHERE, Measure, Sanction, Subject, address_of, fits

SANCTION: Final = "sanction"
"""The kind of record that a sanction is."""

MOST: Final = 10_000
"""Sanctions that may stand at a time for the whole chat, and as many for all rooms together:
whoever makes a room may ban people there, and must not keep admins from it."""

MOST_IN_ROOM: Final = 500
"""Sanctions that may stand in one room."""

MOST_MASKS: Final = 100
"""Those by mask in one room, or for the whole chat: each is asked whenever somebody speaks."""


class Sanctions:
    """Every sanction that stands.

    Whether somebody is meant costs a few look-ups, however many there are, and a match for each
    mask of the room.

    :param records: where they are kept.
    :param now: the wall clock, seconds since 1970.
    """

    def __init__(self, records: IRecords, now: Callable[[], float]) -> None:
        self._records = records
        self._now = now
        self._all: dict[str, Sanction] = {}
        self._by_mark: dict[tuple[str, str], dict[str, Sanction]] = {}  # room and mark
        self._by_mask: dict[str, dict[str, Sanction]] = {}  # room
        self._prefixes: Counter[tuple[int, int]] = Counter()  # version and length of networks
        self._in_room: Counter[str] = Counter()
        records.watch(SANCTION, self._learn)

    def find(self, subject: Subject, room: str, *measures: Measure) -> Sanction | None:
        """Return what stops somebody in a room; of several what lasts longest.

        :param room: which one, alone; EVERYWHERE for the whole chat.
        """
        if not self._all:
            return None
        now = self._now()
        found = [one for one in self._meaning(subject, room, measures) if not one.over(now)]
        return max(found, key=lambda one: (one.until is None, one.until or 0.0), default=None)

    def __len__(self) -> int:
        """Return how many there are, also those that are over and not forgotten yet."""
        return len(self._all)

    def of(self, room: str) -> Sequence[Sanction]:
        """Return the sanctions of a room, or of the whole chat, the oldest first."""
        now = self._now()
        found = [one for one in self._all.values() if one.room == room and not one.over(now)]
        return sorted(found, key=lambda sanction: sanction.at)

    def add(self, sanction: Sanction) -> Deferred[Value | None]:
        """Let a sanction hold from when it is kept.

        :raises ChatError: TOO_MUCH.
        """
        if sanction.key not in self._all and self._full(sanction):
            self.sweep()
            if self._full(sanction):
                raise ChatError(Code.TOO_MUCH, "Too many bans and mutes stand: lift some first.")

        now = self._now()

        def how(old: Value | None) -> Value:
            _may_change(old, sanction.rank, sanction.label, now)
            return sanction.to_value()

        return self._records.change(SANCTION, sanction.key, how)

    def lift(self, sanction: Sanction, rank: Role) -> Deferred[Value | None]:
        """Let a sanction hold no more.

        :param rank: the role of who wants that. Fails with OUTRANKED if it is too low.
        """

        now = self._now()

        def how(old: Value | None) -> None:
            _may_change(old, rank, sanction.label, now)

        return self._records.change(SANCTION, sanction.key, how)

    def sweep(self) -> None:
        """Forget what is over."""
        now = self._now()

        def how(old: Value | None) -> Value | None:
            return old if old is not None and not Sanction.from_value(old).over(now) else None

        for key in [key for key, sanction in self._all.items() if sanction.over(now)]:
            self._records.change(SANCTION, key, how).addErrback(lambda _: None)

    def forget(self, room: str) -> None:
        """Forget what was decided in a room that is no more."""
        if room in self._in_room:
            for key in [key for key, sanction in self._all.items() if sanction.room == room]:
                self._records.change(SANCTION, key, lambda _: None).addErrback(lambda _: None)

    def _full(self, sanction: Sanction) -> bool:
        """Tell whether no more like this one can stand in its room."""
        room = sanction.room
        if sanction.mask and len(self._by_mask.get(room, ())) >= MOST_MASKS:
            return True
        if room == EVERYWHERE:
            return self._in_room[room] >= MOST
        in_rooms = len(self._all) - self._in_room[EVERYWHERE]
        return in_rooms >= MOST or self._in_room[room] >= MOST_IN_ROOM

    def _meaning(
        self, subject: Subject, room: str, measures: Sequence[Measure]
    ) -> Iterator[Sanction]:
        for mark in self._marks_of(subject):
            for sanction in self._by_mark.get((room, mark), {}).values():
                if sanction.measure in measures and sanction.means(subject):
                    yield sanction
        for sanction in self._by_mask.get(room, {}).values():
            asked = sanction.measure in measures and fits(sanction.mask, subject.nick)
            if asked and sanction.means(subject):
                yield sanction

    def _marks_of(self, subject: Subject) -> Iterator[str]:
        yield subject.identity
        yield from (f"nick {key}" for key in keys(subject.nick))
        if subject.host is not None and self._prefixes:
            address = address_of(subject.host)
            for version, length in self._prefixes:
                if address is not None and address.version == version:
                    yield str(ipaddress.ip_network((address, length), strict=False))

    def _learn(self, key: str, value: Value | None) -> None:
        old = self._all.pop(key, None)
        if old is not None:
            self._index(key, old, -1)
        try:
            new = None if value is None else Sanction.from_value(value)
        except (KeyError, TypeError, ValueError):
            new = None  # written by another version, or by hand
        if new is not None and new.key != key:
            new = None  # by hand: it could not be lifted
        if new is not None:
            self._all[key] = new
            self._index(key, new, +1)

    def _index(self, key: str, sanction: Sanction, step: int) -> None:
        marks = [f"nick {nick}" for nick in sanction.nicks]
        marks += filter(None, (sanction.identity, sanction.network))
        for mark in marks:
            place = (sanction.room, mark)
            if step > 0:
                self._by_mark.setdefault(place, {})[key] = sanction
            elif place in self._by_mark:
                self._by_mark[place].pop(key, None)
                if not self._by_mark[place]:
                    del self._by_mark[place]
        if sanction.mask:
            masks = self._by_mask.setdefault(sanction.room, {})
            if step > 0:
                masks[key] = sanction
            elif masks.pop(key, None) and not masks:
                del self._by_mask[sanction.room]
        if sanction.network:
            network = ipaddress.ip_network(sanction.network)
            self._prefixes[network.version, network.prefixlen] += step
            self._prefixes += Counter()  # without those that are none any more
        self._in_room[sanction.room] += step
        if not self._in_room[sanction.room]:
            del self._in_room[sanction.room]


def _may_change(old: Value | None, rank: Role, label: str, now: float) -> None:
    """Ask whether somebody may change what is kept; what is over stops nobody.

    :raises ChatError: OUTRANKED.
    """
    try:
        kept = None if old is None else Sanction.from_value(old)
    except (KeyError, TypeError, ValueError):
        return
    if kept is not None and kept.rank > rank and not kept.over(now):
        raise ChatError(
            Code.OUTRANKED,
            f"What holds for {label} was decided by {kept.by}, who stands higher than you.",
        )
