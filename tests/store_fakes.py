"""What stands in for the reactor in the tests of stores: a pump for what their threads hand back.

Nothing here sleeps: whoever waits, waits for what a thread has to say.
"""

import queue
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import ChatError
from chatservice.events import Event
from chatservice.meters import Meters
from chatservice.search import Query, parse_query
from chatservice.store.database import FILE, Database
from chatservice.store.sqlite import SqliteLog
from chatservice.store.sqlite_records import SqliteRecords
from tests.fakes import NOW, said

PATIENCE: Final = 30.0
"""Seconds until a thread that says nothing fails the test."""

Result = TypeVar("Result")


class Cleans(Protocol):
    """What makes things undone in the end, last first: a test."""

    def addCleanup(self, cleanup: Callable[[], object], /) -> object:
        """Call in the end."""


class Pump:
    """What threads call, until it is made in the test's own thread."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

    def callFromThread(self, callable: Callable[..., object], *args: object) -> None:
        """Take a call; see IThreads."""
        self._calls.put(lambda: callable(*args))

    def turn(self) -> None:
        """Wait for one call and make it."""
        self._calls.get(timeout=PATIENCE)()

    def wait(self, deferred: Deferred[Result]) -> Result:
        """Make calls until a Deferred has fired; return its result or raise its failure."""
        results: list[Result] = []
        failures: list[BaseException] = []
        deferred.addCallbacks(results.append, lambda failure: failures.append(failure.value))
        while not results and not failures:
            self.turn()
        if failures:
            raise failures[0]
        return results[0]


class Store:
    """A log and records in a database, open until the test ends.

    :param directory: where it is; a new one if none is given.
    :param watch: watches the records before they are opened.
    :param before: called with the store before it is opened.
    """

    def __init__(
        self,
        test: Cleans,
        directory: Path | None = None,
        watch: Callable[[SqliteRecords], object] = lambda records: None,
        before: "Callable[[Store], object]" = lambda store: None,
    ) -> None:
        self.directory = new_directory(test) if directory is None else directory
        self.path = self.directory / FILE
        self.pump = Pump()
        self.database = Database(self.directory, self.pump, now=lambda: NOW)
        self.meters = Meters()
        self.log = SqliteLog(self.database, self.meters)
        self.records = SqliteRecords(self.database)
        watch(self.records)
        before(self)
        self.log.open()
        self._open = True
        test.addCleanup(self.close)

    def close(self) -> None:
        """Close in good order; the directory is free then."""
        if self._open:
            self._open = False
            self.wait(self.log.close())
            self.log.shut()

    def wait(self, deferred: Deferred[Result]) -> Result:
        """Return the result, once it is there; raise its failure."""
        return self.pump.wait(deferred)

    def append(self, *events: Event) -> list[Event]:
        """Commit events together; return them with their numbers."""
        return [*self.wait(self.log.append(events))]

    def kept(self, room: str = "#lobby") -> list[Event]:
        """Return what is kept of a room."""
        return [*self.wait(self.log.after(room, 0, 1_000_000))]

    def found(self, text: str, room: str = "#lobby", limit: int = 1000) -> list[int]:
        """Return the numbers of the lines that a search finds."""
        hits = self.wait(self.log.search(query(text), room, limit))
        return [hit.event.seq for hit in hits]

    @contextmanager
    def held(self) -> Iterator[list[str]]:
        """Hold the writer's thread, so that what is asked of it waits; give the SQL it executes."""
        entered, gate = threading.Event(), threading.Event()
        statements: list[str] = []

        def hold(db: sqlite3.Connection) -> bool:
            db.set_trace_callback(statements.append)
            entered.set()
            return gate.wait(PATIENCE)

        held = self.database.change(hold)
        assert entered.wait(PATIENCE)
        try:
            yield statements
        finally:
            gate.set()
        self.wait(held)

    def plain(self) -> "closing[sqlite3.Connection]":
        """Return a connection of one's own, as another program has it; it commits at once."""
        return closing(sqlite3.connect(self.path, isolation_level=None, timeout=0))


def refusal(test: SynchronousTestCase, store: Store, deferred: Deferred[Result]) -> ChatError:
    """Return the refusal with which a Deferred fails."""
    refused: ChatError = test.assertRaises(ChatError, store.wait, deferred)
    return refused


def new_directory(test: Cleans) -> Path:
    """Return a directory that is not there yet and goes when the test ends."""
    parent = tempfile.TemporaryDirectory(prefix="chat-test-")
    test.addCleanup(parent.cleanup)
    return Path(parent.name) / "data"


def line(
    text: str, at: float = 0.0, room: str = "#lobby", nick: str = "alice", by: str = ""
) -> Event:
    """What somebody says, not numbered yet.

    :param at: seconds since NOW.
    """
    return said(text, room, nick)._replace(at=NOW + at, by=by)


def query(text: str, now: float = NOW) -> Query:
    """Return what somebody searches for who types this."""
    return parse_query(text, now)
