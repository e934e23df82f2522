"""A log that lives as long as the process: the newest lines of all rooms, bounded in bytes."""

import sys
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from twisted.internet.defer import Deferred, fail, succeed

from chatservice.errors import ChatError, Code
from chatservice.events import Event
from chatservice.names import is_inbox

_OVERHEAD: Final = 151
"""What an event costs besides its text, in bytes, roughly."""


class _RoomLog:
    """One room: the number of its newest event, and the events that are still kept."""

    __slots__ = ("events", "seq")

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.events: deque[Event] = deque()


class MemoryLog:
    """Keeps the newest events; the oldest of all rooms goes first.

    Every answer is there at once: its Deferreds have already fired.

    :param capacity: bytes to keep, text and overhead, over all rooms.
    """

    def __init__(self, capacity: int = 16 << 20) -> None:
        self._capacity = capacity
        self._size = 0
        self._rooms: dict[str, _RoomLog] = {}
        self._floor = 0  # where inboxes begin: a forgotten one never counts backwards
        self._order: deque[str] = deque()  # the room of each kept event, oldest first
        self._subscribers: list[Callable[[Sequence[Event]], None]] = []
        self._closed = False

    def append(self, events: Sequence[Event]) -> Deferred[Sequence[Event]]:
        """Commit events; see ILog."""
        if self._closed:
            return fail(ChatError(Code.CLOSING, "The server is closing: connect again later."))
        numbered = [self._number(event) for event in events]
        if numbered:
            for subscriber in self._subscribers:
                subscriber(numbered)
        return succeed(numbered)

    def subscribe(self, callback: Callable[[Sequence[Event]], None]) -> None:
        """Call back with every committed event; see ILog."""
        self._subscribers.append(callback)

    def after(self, room: str, seq: int, limit: int) -> Deferred[Sequence[Event]]:
        """Return the events that follow a number; see ILog."""
        log = self._rooms.get(room)
        if log is None or not log.events:
            return succeed([])
        skip = max(0, seq + 1 - log.events[0].seq)  # numbers are dense
        return succeed(list(islice(log.events, skip, skip + limit)))

    def before(self, room: str, seq: int, limit: int) -> Deferred[Sequence[Event]]:
        """Return the events that precede a number; see ILog."""
        log = self._rooms.get(room)
        if log is None or not log.events:
            return succeed([])
        stop = max(0, min(len(log.events), seq - log.events[0].seq))
        return succeed(list(islice(log.events, max(0, stop - limit), stop)))

    def close(self) -> Deferred[None]:
        """Take no more events; see ILog."""
        self._closed = True
        return succeed(None)

    def _number(self, event: Event) -> Event:
        log = self._rooms.get(event.room)
        if log is None:
            log = _RoomLog(self._floor if is_inbox(event.room) else 0)
            self._rooms[event.room] = log
        if not event.kind.kept:
            return event.numbered(log.seq)
        log.seq += 1
        event = event.numbered(log.seq)
        log.events.append(event)
        self._order.append(event.room)
        self._size += _cost(event)
        while self._size > self._capacity:
            self._forget_oldest()
        return event

    def _forget_oldest(self) -> None:
        room = self._order.popleft()
        log = self._rooms[room]
        self._size -= _cost(log.events.popleft())
        if not log.events and is_inbox(room):
            self._floor = max(self._floor, log.seq)
            del self._rooms[room]


def _cost(event: Event) -> int:
    return _OVERHEAD + sys.getsizeof(event.text)
