"""The one thread that writes to the database: what waits is committed together.

Entries come in a queue and are numbered and committed in its order, as many in one transaction as
wait; what became of them goes back to the reactor's thread in the same order. Jobs are other
changes (forgetting, pruning, tickets); each step of a job is a transaction of its own between
those of the entries, so that a long job holds nobody up.
"""

import queue
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from chatservice.events import Event
from chatservice.names import is_inbox
from chatservice.store import rows, words
from chatservice.store.schema import connect

GROUP: Final = 1000
"""So many entries are enough to be committed, so that the first of them does not wait for more."""

INDEX_AT: Final = 500
"""So many events are taken into the index of words at once: one by one would cost far more."""

IDLE: Final = 0.02
"""Seconds without anything to do after which the index has its turn."""

INDEX_BUSY_AT: Final = 20_000
"""The same while lines keep coming, so that a burst is committed first."""

INDEX_BUSY: Final = 2000
"""Events that are taken into the index at once then: each time is a commit more."""

_INBOXES: Final = 4096  # whose heads are remembered; there may be very many


class Entry:
    """Something with a place in the log's order: events, or the question for a room's head.

    :ivar events: to be committed; none for a fence.
    :ivar room: whose head is asked for; "" for none.
    :ivar at: when it was appended, on the monotonic clock; if something of it is kept.
    :ivar done: fires with the numbered events or with the head.
    """

    __slots__ = ("at", "done", "events", "kept", "room")

    def __init__(self, events: Sequence[Event] = (), room: str = "") -> None:
        self.events = events
        self.room = room
        self.kept = False
        for event in events:
            if event.kind.kept:
                self.kept = True
        self.at = time.monotonic() if self.kept else 0.0
        self.done: Deferred[Sequence[Event]] = Deferred()


class Outcome(NamedTuple):
    """What became of an entry: events with their numbers, a head, or an error."""

    entry: Entry
    events: Sequence[Event] = ()
    head: int = 0
    error: Exception | None = None


class Job(NamedTuple):
    """A change, step by step.

    :ivar step: makes one step; returns None if there are more, else what it all came to.
    :ivar done: called from the writer's thread with the result or the error.
    :ivar writing: whether it changes anything.
    """

    step: Callable[[sqlite3.Connection], object | None]
    done: Callable[[object], None]
    writing: bool = True


class _Place(NamedTuple):
    room: int  # the room's id, 0 if it has none yet
    head: int


class Writer:
    """The thread and its connection.

    :param path: the database.
    :param report: called from the thread with what became of the entries, in order.
    :param closed: called from the thread when all is done and the database is closed.
    """

    def __init__(
        self,
        path: Path,
        report: Callable[[Sequence[Outcome]], None],
        closed: Callable[[], None],
    ) -> None:
        self.path = path
        self._report = report
        self._closed = closed
        self._queue: queue.SimpleQueue[Sequence[Entry] | Job | None] = queue.SimpleQueue()
        self._db: sqlite3.Connection | None = None
        self._version = -1  # of the data, as this connection sees it
        self._places: dict[str, _Place] = {}  # of all rooms, and of some inboxes
        self._forget_at = _INBOXES
        self._next_id = 0
        self._unindexed = 0
        # A daemon: a disk that hangs for ever must not keep the process from ending.
        self._thread = Thread(target=self._run, name="chat-writer", daemon=True)

    def start(self) -> None:
        """Open the database and go to work.

        :raises sqlite3.Error: if it cannot be read.
        """
        try:
            self._open()
            self._look_again()
        except BaseException:
            self._close()
            raise
        self._thread.start()

    def put(self, entries: Sequence[Entry]) -> None:
        """Take entries."""
        for start in range(0, len(entries), GROUP):
            self._queue.put(entries[start : start + GROUP])

    def do(self, job: Job) -> None:
        """Take a job."""
        self._queue.put(job)

    def stop(self) -> None:
        """Take no more; what is in the queue will be done first."""
        self._queue.put(None)

    def head(self, room: str) -> int | None:
        """Return a room's head if it is at hand. To be asked only while no entry is on its way."""
        place = self._places.get(room)
        if place is not None:
            return place.head
        return None if is_inbox(room) else 0  # all rooms of which something is kept are known

    # In the thread.

    def _run(self) -> None:
        jobs: list[Job] = []
        stopping = False
        while not stopping or jobs:
            entries: list[Entry] = []
            due, jobs = jobs[:1], jobs[1:]
            for item in self._take(0.0 if due else None if self._unindexed < INDEX_AT else IDLE):
                if isinstance(item, Job):
                    due.append(item)
                elif item is not None:
                    entries += item
                else:
                    stopping = True
            if entries:
                self._report(self._commit(entries))
            if due:
                jobs += [job for job in due if not self._step(job, last=stopping)]
            elif not entries and self._unindexed >= INDEX_AT:
                self._index(words.STEP)
            elif self._unindexed >= INDEX_BUSY_AT:
                self._index(INDEX_BUSY)
        self._fold()
        self._close()
        self._closed()

    def _take(self, patience: float | None) -> Iterator[Sequence[Entry] | Job | None]:
        """Go through what is in the queue; if that is nothing, wait so many seconds or for ever.

        A job is the last: its first step, and a ticket's only one, comes before later entries.
        """
        taken = 0
        try:
            item = self._queue.get(timeout=patience)
            while True:
                yield item
                if not isinstance(item, list):
                    return
                taken += len(item)
                if taken >= GROUP:
                    return
                item = self._queue.get_nowait()
        except queue.Empty:
            return

    # Entries.

    def _commit(self, entries: Sequence[Entry]) -> list[Outcome]:
        try:
            return self._number(entries)
        except Exception as error:  # whatever it is: without this thread nothing goes on
            self._close()
            if is_trouble(error):  # the disk: the next would fail, too
                return [self._refuse(entry, error) for entry in entries]
            if len(entries) == 1:
                return [self._refuse(entries[0], error)]
        # One of them is to blame; the others are not to suffer for it.
        return [outcome for entry in entries for outcome in self._commit([entry])]

    def _number(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Commit entries; raise what the database raises, and then nothing has changed."""
        if len(self._places) > self._forget_at:
            self.forget_inboxes()
        db = self._open()
        places: dict[str, _Place] = {}  # as they will be
        added: list[rows.Row] = []
        row = self._next_id
        outcomes = []

        def place(room: str) -> _Place:
            return places.get(room) or self._places.get(room) or self._look_up(db, room)

        def number(event: Event) -> Event:
            nonlocal row
            _, at, name, kind, nick, text, to, by, *_ = event
            room, head = place(name)
            if kind.kept:
                room = room or rows.add_room(db, name)
                head += 1
                places[name] = _Place(room, head)
                added.append((row, room, head, at, kind.label, nick, text, to, by))
                row += 1
            return event.numbered(head)

        with self._transaction(db) if any(entry.kept for entry in entries) else _nothing():
            row = self._next_id
            for entry in entries:
                head = place(entry.room).head if entry.room else 0
                outcomes.append(Outcome(entry, [number(event) for event in entry.events], head))
            rows.insert(db, added)
        self._places.update(places)
        self._next_id = row
        self._unindexed += len(added)
        return outcomes

    def _refuse(self, entry: Entry, error: Exception) -> Outcome:
        """Let an entry fail if something in it was to be kept; coming and going goes on."""
        if entry.kept:
            return Outcome(entry, error=error)
        try:
            return self._number([entry])[0]
        except Exception as another:  # not even that can be read: what is at hand must do
            heads = [self.head(event.room) for event in entry.events]
            head = self.head(entry.room) if entry.room else 0
            if head is None or None in heads or not is_trouble(another):
                return Outcome(entry, error=another)
            numbered = [e.numbered(h or 0) for e, h in zip(entry.events, heads, strict=True)]
            return Outcome(entry, numbered, head)

    def _look_up(self, db: sqlite3.Connection, room: str) -> _Place:
        found = rows.room_id(db, room)
        if found is None:
            return _Place(0, rows.start(db, room))
        place = self._places[room] = _Place(found, rows.head(db, found))
        return place

    # Jobs.

    def _step(self, job: Job, last: bool) -> bool:
        """Make a step; tell whether the job is done. After the last one it is given up."""
        try:
            db = self._open()
            with self._transaction(db, writing=job.writing):
                result = job.step(db)
        except Exception as error:
            self._close()
            result = error
        if result is None and last:
            result = InterruptedError("the server is closing")
        if result is not None:
            job.done(result)
        return result is not None

    def _index(self, most: int) -> None:
        try:
            db = self._open()
            with self._transaction(db):
                more = words.index(db, most)
        except Exception:
            self._close()
            more = False  # until the next events come
        self._unindexed = max(INDEX_AT, self._unindexed - most) if more else 0

    # The connection.

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = connect(self.path, writing=True)
            self._version = -1
        return self._db

    @contextmanager
    def _transaction(self, db: sqlite3.Connection, *, writing: bool = True) -> Iterator[None]:
        db.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
        (version,) = db.execute("PRAGMA data_version").fetchone()
        if version != self._version:  # chat-admin was here, or the connection is new
            self._look_again()
            self._version = version
        yield
        db.execute("COMMIT")

    def _look_again(self) -> None:
        """Learn what may have changed."""
        db = self._open()
        self._places = {
            name: _Place(found, rows.head(db, found)) for name, found in rows.rooms(db).items()
        }
        self._next_id = rows.next_id(db)
        self._unindexed = rows.unindexed(db)

    def forget_inboxes(self) -> None:
        """Remember no more where inboxes are: some may be gone. For jobs."""
        self._places = {name: at for name, at in self._places.items() if not is_inbox(name)}
        self._forget_at = len(self._places) + _INBOXES

    def _fold(self) -> None:
        """Bring everything into the one file, since readers keep closing from doing it."""
        with suppress(sqlite3.Error):
            self._open().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _close(self) -> None:
        """Undo what was begun. After a failure, too: the connection may be beyond help."""
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                if db.in_transaction:
                    db.execute("ROLLBACK")
            with suppress(sqlite3.Error):
                db.close()


def is_trouble(error: Exception) -> bool:
    """Tell whether an error is the database's, so that others would fail as well."""
    mine = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError)
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, mine)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
