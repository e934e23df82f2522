"""Who did what to whom: a log beside each room's own, kept for good."""

from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.events import Event, Kind
from chatservice.interfaces import ILog
from chatservice.names import audit_log
from chatservice.people.order import Order
from chatservice.people.person import Person
from chatservice.rooms.room import Room

MADE_ANEW: Final = "made the room anew"
"""The entry for a room that was another before; no other deed is told in these words alone."""


class Audit:
    """Notes what ops and admins do.

    :param now: the wall clock, seconds since 1970.
    """

    def __init__(self, log: ILog, order: Order, now: Callable[[], float]) -> None:
        self._log = log
        self._order = order
        self._now = now

    def entry(self, person: Person, room: Room, deed: str) -> Event:
        """Return what is to be published beside the news of a deed.

        :param deed: what goes on behind the person's nickname.
        """
        return self._order.event(audit_log(room.name), Kind.RECORDED, person, deed)

    def read(self, room: Room, count: int) -> Deferred[Sequence[Event]]:
        """Return the last entries of a room, oldest first, as far as it is the same room.

        Fails with ChatError.
        """
        name = audit_log(room.name)

        def since_made(entries: Sequence[Event]) -> Sequence[Event]:
            made = [index for index, entry in enumerate(entries) if entry.text == MADE_ANEW]
            return entries[made[-1] :] if made else entries

        head = self._log.head(name)
        found = head.addCallback(lambda head: self._log.before(name, head + 1, count))
        return found.addCallback(since_made)
