"""What a running chat keeps its memory in: chosen by the operator, and looked after."""

import time
from collections.abc import Callable, Container
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.interfaces import IClock, ILog, IRecords, IThreads, ITickets
from chatservice.meters import Meters
from chatservice.retention import Keep, Retention
from chatservice.store.database import Database
from chatservice.store.memory import MemoryLog, MemoryRecords, MemoryTickets
from chatservice.store.sqlite import SqliteLog, SqliteTickets
from chatservice.store.sqlite_records import SqliteRecords

IN_MEMORY: Final = ":memory:"

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at whether the disk still answers, and what others have changed."""

PRUNE_EVERY: Final = 60.0
"""Seconds between two rounds of removing what is no longer kept."""


class Reactor(IClock, IThreads, Protocol):
    """What is used of the reactor."""


class Keeper:
    """The log, the tickets and the records of one chat, from opening to closing.

    Records are watched before it is opened.

    :param reactor: for time, and for the way back from threads.
    :param data: the directory, or IN_MEMORY.
    :param retention: how long lines are kept.
    :param now: the wall clock.
    :param meters: count commits, and what is on disk.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Reactor,
        data: str,
        retention: Retention,
        now: Callable[[], float] = time.time,
        meters: Meters | None = None,
    ) -> None:
        self.log: ILog
        self.tickets: ITickets
        self.records: IRecords
        self._retention = retention
        self._now = now
        self._sqlite: SqliteLog | None = None
        self._looks: list[Callable[[], None]] = []
        if data == IN_MEMORY:
            self.log, self.tickets = MemoryLog(), MemoryTickets(now)
            self.records = MemoryRecords()
        else:
            database = Database(Path(data), reactor, now)
            self.log = self._sqlite = SqliteLog(database, meters)
            self.tickets = SqliteTickets(database)
            records = SqliteRecords(database)
            self.records = records
            self._looks = [self._sqlite.look, records.look]
        self._looking = self._repeating(reactor, self._look)
        self._pruning = self._repeating(reactor, self._prune)

    def consent(self, room: str) -> str:
        """Return the line that tells whoever joins a room what is kept of it."""
        keep = self._retention.of(room)
        if keep.lines is not None:
            kept = f"Of what is said here {keep.words} {'is' if keep.lines == 1 else 'are'} kept"
        elif self._sqlite is not None:
            kept = f"What is said here is kept {keep.words}"
        elif keep == Keep():
            kept = "What is said here is kept until the server stops"
        else:
            kept = f"What is said here is kept {keep.words} or until the server stops"
        return f"{kept}; /forget me removes what you said."

    def keep_inboxes(self, inboxes: Container[str]) -> None:
        """Keep some inboxes as long as rooms: those of accounts. Asked in other threads, too."""
        self._retention = replace(self._retention, inboxes=inboxes)

    def open(self) -> None:
        """Open what there is to open, and look after it from now on.

        :raises StoreError: if the directory or what is in it cannot be used.
        """
        if self._sqlite is not None:
            self._sqlite.open()
        self._looking.start(LOOK_EVERY).addErrback(self._failed)
        self._pruning.start(PRUNE_EVERY).addErrback(self._failed)

    def close(self) -> None:
        """Let go of everything, after the log was closed."""
        for loop in (self._looking, self._pruning):
            if loop.running:
                loop.stop()
        if self._sqlite is not None:
            self._sqlite.shut()

    def _repeating(self, reactor: IClock, call: Callable[[], object]) -> LoopingCall:
        loop = LoopingCall(call)
        loop.clock = cast("IReactorTime", reactor)
        return loop

    def _look(self) -> None:
        for look in self._looks:
            look()

    def _prune(self) -> None:
        """Start a round; it goes on beside the chat."""
        if self._sqlite is not None:
            self._sqlite.measure()
        self.log.prune(self._retention, self._now()).addCallbacks(self._pruned, self._not_pruned)

    def _pruned(self, count: int) -> None:
        if count:
            self._log.info("{count} lines are no longer kept", count=count)

    def _not_pruned(self, failure: Failure) -> None:
        self._log.warn("could not prune: {why}", why=failure.getErrorMessage())

    def _failed(self, failure: Failure) -> None:
        self._log.failure("looking after the history ended", failure=failure)
