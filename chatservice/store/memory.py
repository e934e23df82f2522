"""A log that lives as long as the process: the newest lines of all rooms, bounded in bytes."""

import sys
import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from twisted.internet.defer import Deferred, fail, succeed

from chatservice.errors import ChatError, Code
from chatservice.events import Event
from chatservice.interfaces import Hit, Value
from chatservice.names import is_inbox
from chatservice.resume import GOOD_FOR, Ticket
from chatservice.retention import Keep, Retention
from chatservice.search import Query
from chatservice.store.records import How, decode, encode
from chatservice.store.watchers import Learn, Watchers

_OVERHEAD: Final = 151
"""What an event costs besides its text, in bytes, roughly."""

SEARCHED: Final = 1000
"""The newest lines of a room that a search looks through; there is no index."""

_MOST_TICKETS: Final = 10_000


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

    trouble = ""
    waiting = 0

    def __init__(self, capacity: int = 16 << 20) -> None:
        self._capacity = capacity
        self._size = 0
        self._rooms: dict[str, _RoomLog] = {}
        self._floor = 0  # where inboxes begin: a forgotten one never counts backwards
        self._order: deque[str] = deque()  # the room of each kept event, oldest first
        self._subscribers: list[Callable[[Sequence[Event]], None]] = []
        self._closed = False

    def watch(self, callback: Callable[[str], None]) -> None:
        """Call back with the trouble, of which there is none; see ILog."""

    def check(self) -> None:
        """Ask whether more may be appended; see ILog."""
        if self._closed:
            raise ChatError(Code.CLOSING, "The server is closing: connect again later.")

    def append(self, events: Sequence[Event]) -> Deferred[Sequence[Event]]:
        """Commit events; see ILog."""
        try:
            self.check()
        except ChatError as refusal:
            return fail(refusal)
        numbered = [self._number(event) for event in events]
        if numbered:
            for subscriber in self._subscribers:
                subscriber(numbered)
        return succeed(numbered)

    def head(self, room: str) -> Deferred[int]:
        """Return a room's head; see ILog."""
        return succeed(self._rooms[room].seq if room in self._rooms else self._start(room))

    def subscribe(self, callback: Callable[[Sequence[Event]], None]) -> None:
        """Call back with every committed event; see ILog."""
        self._subscribers.append(callback)

    def after(self, room: str, seq: int, limit: int) -> Deferred[Sequence[Event]]:
        """Return the events that follow a number; see ILog."""
        events = self._events(room)
        skip = bisect_right(events, seq, key=_seq)
        return succeed(list(islice(events, skip, skip + limit)))

    def before(self, room: str, seq: int, limit: int) -> Deferred[Sequence[Event]]:
        """Return the events that precede a number; see ILog."""
        events = self._events(room)
        stop = bisect_left(events, seq, key=_seq)
        return succeed(list(islice(events, max(0, stop - limit), stop)))

    def first_since(self, room: str, at: float) -> Deferred[int]:
        """Return the number of the first event since a time; see ILog."""
        events = self._events(room)
        index = bisect_left(events, at, key=_at)
        if index < len(events):
            return succeed(events[index].seq)
        return self.head(room).addCallback(lambda head: head + 1)

    def search(self, query: Query, room: str, limit: int) -> Deferred[Sequence[Hit]]:
        """Return the lines that fit, of the newest SEARCHED ones; see ILog."""
        events = list(islice(reversed(self._events(room)), SEARCHED))  # newest first
        hits: list[Hit] = []
        for index, event in enumerate(events):
            if len(hits) < limit and query.matches(event):
                earlier = events[index + 1 : index + 1 + query.context][::-1]
                later = events[max(0, index - query.context) : index][::-1]
                hits.append(Hit(event, earlier, later))
        return succeed(hits)

    def forget(self, by: str, since: float) -> Deferred[int]:
        """Remove somebody's events; see ILog."""
        return succeed(self._remove(lambda event: event.by == by))

    def prune(self, retention: Retention, now: float) -> Deferred[int]:
        """Remove what is no longer to be kept; see ILog."""
        first = {
            room: _first_kept(log, retention.of(room), now) for room, log in self._rooms.items()
        }
        if not any(log.events and log.events[0].seq < first[r] for r, log in self._rooms.items()):
            return succeed(0)
        return succeed(self._remove(lambda event: event.seq < first[event.room]))

    def close(self) -> Deferred[None]:
        """Take no more events; see ILog."""
        self._closed = True
        return succeed(None)

    def _number(self, event: Event) -> Event:
        log = self._rooms.get(event.room)
        if log is None:
            log = self._rooms[event.room] = _RoomLog(self._start(event.room))
        if not event.kind.kept:
            return event.numbered(log.seq)
        log.seq += 1
        event = event.numbered(log.seq)
        log.events.append(event._replace(aside="") if event.aside else event)
        self._order.append(event.room)
        self._size += _cost(event)
        while self._size > self._capacity:
            self._forget_oldest()
        return event

    def _forget_oldest(self) -> None:
        room = self._order.popleft()
        self._size -= _cost(self._rooms[room].events.popleft())
        self._drop_if_empty(room)

    def _start(self, room: str) -> int:
        return self._floor if is_inbox(room) else 0

    def _events(self, room: str) -> deque[Event]:
        log = self._rooms.get(room)
        return deque() if log is None else log.events

    def _drop_if_empty(self, room: str) -> None:
        log = self._rooms[room]
        if not log.events and is_inbox(room):
            self._floor = max(self._floor, log.seq)
            del self._rooms[room]

    def _remove(self, unwanted: Callable[[Event], bool]) -> int:
        """Remove events for which a condition holds; return how many those were."""
        fates = {
            room: iter([unwanted(event) for event in log.events])
            for room, log in self._rooms.items()
        }
        before = len(self._order)
        self._order = deque(room for room in self._order if not next(fates[room]))
        for room, log in list(self._rooms.items()):
            log.events = deque(event for event in log.events if not unwanted(event))
            self._drop_if_empty(room)
        self._size = sum(_cost(event) for log in self._rooms.values() for event in log.events)
        return before - len(self._order)


class MemoryTickets:
    """Tickets that live as long as the process, the newest of them; see ITickets.

    :param now: the wall clock, seconds since 1970.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._tickets: dict[str, Ticket] = {}

    def save(self, ticket: Ticket) -> Deferred[None]:
        """Keep a ticket; see ITickets."""
        self._tickets.pop(ticket.key, None)
        self._tickets[ticket.key] = ticket
        if len(self._tickets) > _MOST_TICKETS:
            del self._tickets[next(iter(self._tickets))]
        return succeed(None)

    def find(self, key: str) -> Deferred[Ticket | None]:
        """Return the ticket of a key; see ITickets."""
        ticket = self._tickets.get(key)
        if ticket is not None and ticket.read is not None and ticket.at < self._now() - GOOD_FOR:
            del self._tickets[key]
            ticket = None
        return succeed(ticket)

    def forget(self, inbox: str) -> Deferred[None]:
        """Drop the tickets of an inbox; see ITickets."""
        kept = {key: ticket for key, ticket in self._tickets.items() if ticket.inbox != inbox}
        self._tickets = kept
        return succeed(None)


class MemoryRecords:
    """Records that live as long as the process; see IRecords. They are always open.

    What is changed while somebody is told of a change comes after that.
    """

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], str] = {}  # JSON, as every store has it
        self._watchers = Watchers()
        self._changes: deque[Callable[[], None]] = deque()

    def watch(self, kind: str, learn: Learn) -> None:
        """Call back with every record of a kind, now and on each change; see IRecords."""
        self._watchers.add(kind, learn)
        for (known, key), text in list(self._records.items()):
            if known == kind:
                learn(key, decode(text))

    def change(self, kind: str, key: str, how: How) -> Deferred[Value | None]:
        """Put in a record's place what a function makes of it; see IRecords."""
        done: Deferred[Value | None] = Deferred()
        self._changes.append(lambda: self._change(kind, key, how, done))
        if len(self._changes) == 1:
            while self._changes:
                self._changes[0]()
                self._changes.popleft()
        return done

    def _change(self, kind: str, key: str, how: How, done: Deferred[Value | None]) -> None:
        old = self._records.get((kind, key))
        try:
            new = encode(how(decode(old)))
        except Exception as error:
            done.errback(self._watchers.refusal(kind, key, error))
            return
        value = decode(new)
        if new is None:
            self._records.pop((kind, key), None)
        else:
            self._records[kind, key] = new
        if new != old:
            self._watchers.tell(kind, key, value)
        done.callback(value)


def _first_kept(log: _RoomLog, keep: Keep, now: float) -> int:
    """Return the number of the first event to be kept: those before it are not, whatever they say.

    So the order of numbers decides, if the clock was set back.
    """
    for event in log.events:
        too_many = keep.lines is not None and event.seq <= log.seq - keep.lines
        if not too_many and (keep.seconds is None or event.at >= now - keep.seconds):
            return event.seq
    return log.seq + 1


def _seq(event: Event) -> int:
    return event.seq


def _at(event: Event) -> float:
    return event.at


def _cost(event: Event) -> int:
    return _OVERHEAD + sys.getsizeof(event.text)
