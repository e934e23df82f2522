"""The log at rest: one SQLite database, committed in groups, read beside the reactor's thread."""

import math
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.errors import ChatError, Code
from chatservice.events import Event
from chatservice.interfaces import Hit
from chatservice.meters import Meters
from chatservice.names import is_inbox
from chatservice.resume import GOOD_FOR, Ticket
from chatservice.retention import Retention
from chatservice.search import Query
from chatservice.store import rows, tickets, words
from chatservice.store.database import Database
from chatservice.store.writer import Entry, Outcome, is_trouble

MOST_WAITING: Final = 10_000
"""Entries that may wait for the disk before no more is taken."""

STUCK: Final = 5.0
"""Seconds without an answer after which the disk is in trouble."""

PURGE_EVERY: Final = 60.0
"""Seconds after which forgotten words are taken out of the file at once again."""

MOST_TICKETS: Final = 100_000
"""Tickets kept; the oldest go first."""

_ROOMS_AT_ONCE: Final = 100

Told = TypeVar("Told")


class SqliteLog:
    """The log in a database; see ILog.

    While nothing is on its way to the disk, fences and what is not kept need not wait for it. Nor
    do they when it does not answer: what waits for it is then behind them, whenever it comes.

    :param database: not open yet.
    :param meters: count commits.
    """

    _log = Logger()

    def __init__(self, database: Database, meters: Meters | None = None) -> None:
        self._meters = Meters() if meters is None else meters
        self._database = database
        self._subscribers: list[Callable[[Sequence[Event]], None]] = []
        self._watchers: list[Callable[[str], None]] = []
        self._waiting = 0  # entries on their way
        self._progress = 0.0  # when the disk last answered, or had nothing to do
        self._stuck = False
        self._probing = False
        self._searches = DeferredSemaphore(1)
        self._purged = -math.inf  # when forgotten words were last taken out at once
        self._closing = False
        self.trouble = ""

    def open(self) -> None:
        """Open the database.

        :raises StoreError: if it cannot be used.
        """
        self._database.open(self._report)

    @property
    def waiting(self) -> int:
        """How many appends are on their way; see ILog."""
        return self._waiting

    def measure(self) -> None:
        """Find out how much there is on disk; beside the chat, as a disk may take its time."""

        def note(size: int) -> None:
            self._meters.stored = size

        def failed(_: Failure) -> None:
            """The last size stands."""

        self._database.ask(lambda _: self._database.size()).addCallbacks(note, failed)

    # Writing.

    def watch(self, callback: Callable[[str], None]) -> None:
        """Call back with the trouble; see ILog."""
        self._watchers.append(callback)

    def check(self) -> None:
        """Ask whether more may be appended; see ILog."""
        if self._closing:
            raise ChatError(Code.CLOSING, "The server is closing: connect again later.")
        if self._stuck or self._waiting >= MOST_WAITING:
            raise ChatError(
                Code.NOT_STORED, "The history is too slow at present: try again in a moment."
            )

    def append(self, events: Sequence[Event]) -> Deferred[Sequence[Event]]:
        """Commit events; see ILog."""
        entry = Entry(events)
        try:
            if entry.kept or self._closing:
                self.check()
        except ChatError as refusal:
            return fail(refusal)
        if not entry.kept and (not self._waiting or self._stuck):
            heads = [self._database.writer.head(event.room) for event in events]
            if None not in heads:
                numbered = [e.numbered(h or 0) for e, h in zip(events, heads, strict=True)]
                if numbered:
                    self._publish(numbered)
                return succeed(numbered)
        return self._commit(entry)

    def head(self, room: str) -> Deferred[int]:
        """Return a room's head; see ILog."""
        at_hand = self._database.writer.head(room) if not self._waiting or self._stuck else None
        if at_hand is not None:
            return succeed(at_hand)
        if self._closing:
            return self.close().addCallback(
                lambda _: self._database.ask(lambda db: rows.head_of(db, room))
            )
        entry: Entry = Entry(room=room)
        return self._commit(entry)  # type: ignore[return-value]

    def subscribe(self, callback: Callable[[Sequence[Event]], None]) -> None:
        """Call back with every committed event; see ILog."""
        self._subscribers.append(callback)

    def close(self) -> Deferred[None]:
        """Commit what was appended, then close the database; see ILog."""
        self._closing = True
        return self._database.close()

    def shut(self) -> None:
        """Answer no more questions, either."""
        self._database.shut()

    def _commit(self, entry: Entry) -> Deferred[Sequence[Event]]:
        if not self._waiting:
            self._progress = time.monotonic()
        self._waiting += 1
        self._database.commit(entry)
        return entry.done

    def look(self) -> None:
        """See whether the disk still answers; to be called every second or so."""
        if self._waiting and time.monotonic() - self._progress > STUCK:
            self._stuck = True
            self._note(f"the disk has not answered for {STUCK:.0f} seconds")
        elif self.trouble and not self._stuck and not self._probing:
            self._probing = True
            self._database.change(rows.probe).addBoth(self._probed)

    def _probed(self, result: object) -> None:
        self._probing = False
        if not isinstance(result, Failure):
            self._note("")

    def _report(self, outcomes: Sequence[Outcome]) -> None:
        self._progress = now = time.monotonic()
        if self._stuck and not any(outcome.error for outcome in outcomes):
            self._note("")
        self._stuck = False
        for outcome in outcomes:
            entry, error = outcome.entry, outcome.error
            if error is not None:
                if is_trouble(error):
                    self._note(str(error))
                self._waiting -= 1
                entry.done.errback(_not_stored(str(error)))
                continue
            if entry.kept:
                self._meters.commits.add(now - entry.at)
                if self.trouble:
                    self._note("")
            if outcome.events:
                self._publish(outcome.events)
            self._waiting -= 1  # only now: whoever appends when told must not overtake
            entry.done.callback(outcome.head if entry.room else outcome.events)  # type: ignore[arg-type]

    def _publish(self, events: Sequence[Event]) -> None:
        self._tell(self._subscribers, events)

    def _note(self, trouble: str) -> None:
        if trouble == self.trouble:
            return
        self.trouble = trouble
        if trouble:
            self._log.error("the history cannot be written: {trouble}", trouble=trouble)
        else:
            self._log.info("the history is written again")
        self._tell(self._watchers, trouble)

    def _tell(self, callbacks: Sequence[Callable[[Told], None]], what: Told) -> None:
        for callback in callbacks:
            try:
                callback(what)
            except Exception:  # it must not cost others their answers
                self._log.failure("{callback} failed", callback=callback)

    # Reading.

    def after(self, room: str, seq: int, limit: int) -> Deferred[Sequence[Event]]:
        """Return the events that follow a number; see ILog."""
        return self._database.ask(lambda db: rows.after(db, room, seq, limit))

    def before(self, room: str, seq: int, limit: int) -> Deferred[Sequence[Event]]:
        """Return the events that precede a number; see ILog."""
        return self._database.ask(lambda db: rows.before(db, room, seq, limit))

    def first_since(self, room: str, at: float) -> Deferred[int]:
        """Return the number of the first event since a time; see ILog."""
        return self._database.ask(lambda db: rows.first_since(db, room, at))

    def search(self, query: Query, room: str, limit: int) -> Deferred[Sequence[Hit]]:
        """Return the lines that fit; see ILog. The newest words are indexed first."""

        def search() -> Deferred[list[Hit]]:
            return self._database.ask(lambda db: rows.search(db, query, room, limit))

        indexed: Deferred[bool] = succeed(True)
        if not self.trouble:
            indexed = self._database.change(
                lambda db: None if words.index(db, words.STEP) else True
            )
            indexed.addErrback(lambda _: True)  # what is indexed can still be found
        # One at a time, so that somebody else can read meanwhile.
        return indexed.addCallback(lambda _: self._searches.run(search))

    # Removing.

    def forget(self, by: str, since: float) -> Deferred[int]:
        """Remove somebody's events; see ILog. Their words leave the file at once, or soon."""
        total = 0
        at, until = 0, 0
        purge = time.monotonic() - self._purged > PURGE_EVERY  # it is work, not to be had for free
        if purge:
            self._purged = time.monotonic()

        def step(db: sqlite3.Connection) -> int | None:
            nonlocal total, at, until
            if not until:
                at, until = rows.forget_range(db, since)
            if at < until:
                count, at = rows.forget(db, by, at, until)
                total += count
                return None
            return total if not purge or words.purge(db) else None

        return self._database.change(step)

    def prune(self, retention: Retention, now: float) -> Deferred[int]:
        """Remove what is no longer to be kept, and tickets that are no longer good; see ILog."""
        total = 0
        waiting: list[str] | None = None

        def step(db: sqlite3.Connection) -> int | None:
            nonlocal total, waiting
            if waiting is None:
                tickets.drop(db, now - GOOD_FOR, MOST_TICKETS)
                waiting = rows.all_rooms(db)[::-1]
            for _ in range(min(_ROOMS_AT_ONCE, len(waiting))):
                count = rows.prune(db, waiting[-1], retention.of(waiting[-1]), now)
                total += count
                if count:
                    return None  # perhaps there is more of this room
                room = waiting.pop()
                if is_inbox(room) and rows.drop_inbox(db, room):
                    self._database.writer.forget_inboxes()
            return None if waiting or not words.purge(db) else total

        return self._database.change(step)


class SqliteTickets:
    """Tickets in the same database; see ITickets.

    :param now: the wall clock, seconds since 1970.
    """

    def __init__(self, database: Database, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def save(self, ticket: Ticket) -> Deferred[None]:
        """Keep a ticket; see ITickets."""

        def step(db: sqlite3.Connection) -> bool:
            tickets.save(db, ticket)
            return True

        return self._database.change(step).addCallback(lambda _: None)

    def find(self, key: str) -> Deferred[Ticket | None]:
        """Return the ticket of a key; see ITickets. Sees what was saved before."""

        def step(db: sqlite3.Connection) -> list[Ticket | None]:
            ticket = tickets.find(db, key)
            if ticket and ticket.read is not None and ticket.at < self._now() - GOOD_FOR:
                ticket = None
            return [ticket]

        return self._database.change(step).addCallback(lambda found: found[0])

    def forget(self, inbox: str) -> Deferred[None]:
        """Drop the tickets of an inbox; see ITickets."""

        def step(db: sqlite3.Connection) -> bool:
            tickets.forget(db, inbox)
            return True

        return self._database.change(step).addCallback(lambda _: None)


def _not_stored(reason: str) -> ChatError:
    return ChatError(
        Code.NOT_STORED, f"Not accepted, the history cannot be written ({reason}): try again later."
    )
