"""One database, its writer's thread and its readers': what the stores in it share."""

import fcntl
import os
import queue
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Final, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from chatservice.errors import ChatError, Code
from chatservice.interfaces import IThreads
from chatservice.store import rows, tickets
from chatservice.store.schema import StoreError, connect, prepare
from chatservice.store.writer import Entry, Job, Outcome, Writer

FILE: Final = "chat.db"

READERS: Final = 2
"""Threads that read, so that a long search leaves one for everything else."""

MOST_QUESTIONS: Final = 1000
"""Questions that may wait for an answer."""

PARTING: Final = 1.0
"""Seconds that those who read may take to stop when all ends."""

LONGEST_QUESTION: Final = 2.0
"""Seconds that a question may take; it is given up then."""

_LOOK_EVERY: Final = 10_000  # steps of SQLite's machine between two looks at the clock

_GIVEN_UP: Final = "interrupted"  # what SQLite says of a question that took too long

Result = TypeVar("Result")


class _Readers(ThreadPool):
    """Threads that do not keep the process from ending, whatever the disk does."""

    threadFactory = staticmethod(partial(Thread, daemon=True))  # type: ignore[assignment]


class Database:
    """A database in a directory that this process has for itself.

    :param directory: where it is; made if there is none.
    :param threads: the reactor.
    :param now: the wall clock, seconds since 1970.
    """

    _log = Logger()

    def __init__(self, directory: Path, threads: IThreads, now: Callable[[], float] = time.time):
        self.path = directory / FILE
        self._threads = threads
        self._now = now
        self._report: Callable[[Sequence[Outcome]], None] = lambda outcomes: None
        self._close: Deferred[None] = Deferred()
        self.closing = False  # whether no more changes are taken
        self._lock = -1
        self._shut = False
        self._reading: set[sqlite3.Connection] = set()  # those that answer a question
        self.asked = 0  # questions under way
        self._gathered: list[Entry] = []  # in this turn, for the writer
        self._at_open: list[Callable[[sqlite3.Connection], None]] = []
        self._pool = _Readers(0, READERS, "chat-readers")
        self._connections: queue.SimpleQueue[sqlite3.Connection | None] = queue.SimpleQueue()
        self.writer = Writer(
            self.path,
            lambda outcomes: threads.callFromThread(self._report, outcomes),
            lambda: threads.callFromThread(self._close.callback, None),
        )

    def at_open(self, read: Callable[[sqlite3.Connection], None]) -> None:
        """Call back when the database is opened, before anything happens in it.

        :param read: reads what is to be known from the beginning; may raise StoreError.
        """
        self._at_open.append(read)

    def open(self, report: Callable[[Sequence[Outcome]], None]) -> None:
        """Open the database, making it or bringing it up to date, and start its threads.

        :param report: called with what became of entries, in order.
        :raises StoreError: if it cannot be used.
        """
        self._report = report
        prepare_directory(self.path.parent)
        self._lock = lock(self.path.parent)
        try:
            prepare(self.path)
            with closing(connect(self.path, writing=True)) as db, db:
                db.execute("BEGIN IMMEDIATE")
                tickets.close_all(db, self._now())
                for read in self._at_open:
                    read(db)
            for _ in range(READERS):
                db = connect(self.path, writing=False)
                self._connections.put(db)
                rows.rooms(db)  # makes what reading needs while there is room, and files
            self.writer.start()
        except (sqlite3.Error, StoreError) as error:
            self.shut()
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"cannot use the database {self.path}: {error}") from None
        self._pool.start()

    def commit(self, entry: Entry) -> None:
        """Take an entry into the log's order.

        What comes in one turn is handed to the writer at once: it is committed together, and the
        writer's thread does not take turns with this one for every single entry.
        """
        if not self._gathered:
            self._threads.callFromThread(self._hand_in)
        self._gathered.append(entry)

    def _hand_in(self) -> None:
        if self._gathered:
            self.writer.put(self._gathered)
            self._gathered = []

    def change(self, step: Callable[[sqlite3.Connection], Result | None]) -> Deferred[Result]:
        """Change something else, step by step between the log's entries.

        :param step: makes one step, on the writer's thread; returns None if there are more.
        :returns: the last step's result. Fails with a ChatError (NOT_STORED).
        """
        return self._do(step, writing=True)

    def look(self, step: Callable[[sqlite3.Connection], Result]) -> Deferred[Result]:
        """Read on the writer's thread, which sees by it what other programs have written.

        It locks nothing and writes nothing, but waits its turn behind what is written.

        :returns: the step's result. Fails with a ChatError (NOT_STORED).
        """
        return self._do(step, writing=False)

    def _do(
        self, step: Callable[[sqlite3.Connection], Result | None], *, writing: bool
    ) -> Deferred[Result]:
        done: Deferred[Result] = Deferred()
        if self.closing:
            _finish(done, InterruptedError("the server is closing"))
            return done
        job = Job(step, lambda result: self._threads.callFromThread(_finish, done, result), writing)
        self._hand_in()
        self.writer.do(job)
        return done

    def ask(self, question: Callable[[sqlite3.Connection], Result]) -> Deferred[Result]:
        """Read something on a thread of its own.

        :returns: the answer. Fails with a ChatError (NOT_READ).
        """
        if self._pool.joined:
            return _unanswered("the server is closing")
        if self.asked >= MOST_QUESTIONS:
            return _unanswered("too many wait to read it")
        self.asked += 1
        threads = cast("IReactorFromThreads", self._threads)
        answer: Deferred[Result] = deferToThreadPool(threads, self._pool, self._answer, question)
        return answer.addBoth(self._answered)

    def size(self) -> int:
        """Return how large the database is, what is in its write-ahead log included, in bytes."""
        size = self.path.stat().st_size
        with suppress(FileNotFoundError):
            size += self.path.with_name(f"{FILE}-wal").stat().st_size
        return size

    def close(self) -> Deferred[None]:
        """Commit what waits, then change no more; fires when that is done."""
        if not self.closing:
            self.closing = True
            self._hand_in()
            self.writer.stop()
        closed: Deferred[None] = Deferred()
        self._close.chainDeferred(closed)
        return closed

    def shut(self) -> None:
        """Answer no more questions, and leave the directory to others."""
        self._shut = True  # questions that wait are refused, those under way given up
        for db in list(self._reading):
            db.interrupt()
        ending = Thread(target=self._end_readers, daemon=True)
        ending.start()
        ending.join(PARTING)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _end_readers(self) -> None:
        if not self._pool.joined:
            self._pool.stop()
        for _ in range(READERS):
            with suppress(queue.Empty):
                if (db := self._connections.get_nowait()) is not None:
                    db.close()

    def _answer(self, question: Callable[[sqlite3.Connection], Result]) -> Result:
        db = self._connections.get()
        try:
            if db is None:
                db = connect(self.path, writing=False)
            self._reading.add(db)
            if self._shut:
                raise sqlite3.OperationalError(_GIVEN_UP)
            deadline = time.monotonic() + LONGEST_QUESTION
            db.set_progress_handler(lambda: time.monotonic() > deadline, _LOOK_EVERY)
            return question(db)
        except sqlite3.DatabaseError as error:
            # A full disk leaves a connection as it is, and makes it hard to get another.
            if db is not None and not isinstance(error, sqlite3.OperationalError):
                db.close()
                db = None  # the next question tries a new one
            raise
        finally:
            if db is not None:
                self._reading.discard(db)
            self._connections.put(db)

    def _answered(self, answer: Result | Failure) -> "Result | Deferred[Result]":
        self.asked -= 1
        if isinstance(answer, Failure):
            reason = str(answer.value) if answer.check(sqlite3.OperationalError) else ""
            if reason != _GIVEN_UP:
                self._log.failure("the history cannot be read", failure=answer)
            return _unanswered(reason or "see the server's log")
        return answer


def prepare_directory(directory: Path) -> None:
    """Make a directory that is for its owner alone.

    :raises StoreError: if that is not possible.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot use the directory {directory}: {error.strerror}") from None


def lock(directory: Path) -> int:
    """Take a directory for this process alone, until it ends; return the lock's descriptor.

    :raises StoreError: if another process has it.
    """
    try:
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot use the directory {directory}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise StoreError(
            f"another chat uses the directory {directory}: stop it, or name another with --data"
        ) from None
    return descriptor


def _finish(done: Deferred[Result], result: object) -> None:
    if isinstance(result, Exception):
        done.errback(
            ChatError(
                Code.NOT_STORED, f"Not done, it cannot be stored ({result}): try again later."
            )
        )
    else:
        done.callback(result)  # type: ignore[arg-type]


def _unanswered(reason: str) -> Deferred[Result]:
    failed: Deferred[Result] = Deferred()
    reason = "that takes too long, ask for less" if reason == _GIVEN_UP else reason
    failed.errback(ChatError(Code.NOT_READ, f"The history cannot be read now: {reason}."))
    return failed
