"""Whatever happens to a log in whatever order, it is what a list of all that is kept would be.

Both stores are held against the same model; the one on disk is also closed and opened again, and
cut off in the middle of what it does.
"""

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatservice.events import Event, Kind
from chatservice.interfaces import Hit, ILog
from chatservice.names import is_inbox
from chatservice.retention import Keep, Retention
from chatservice.search import parse_query
from chatservice.store import database, rows, schema, writer
from chatservice.store.memory import MemoryLog
from tests import examples
from tests.fakes import NOW
from tests.store_fakes import Pump, Store, new_directory

Result = TypeVar("Result")

ROOMS = ("#a", "#b", "#c", "@1")
PEOPLE = ("alice", "bob")
TEXTS = ("tick", "tick tock", "tock Tick ticks", "crème 👍 tick", "tock")

rooms = st.sampled_from(("#a", "#a", "#a", *ROOMS))
texts = st.sampled_from(TEXTS)
kinds = st.sampled_from([Kind.SAID, Kind.SAID, Kind.SAID, Kind.ACTED, Kind.JOINED])
happenings = st.tuples(rooms, kinds, texts, st.sampled_from(PEOPLE))
entries = st.lists(st.lists(happenings, max_size=6), min_size=1, max_size=6)
ages = st.integers(0, 40)
limits = st.integers(0, 6)
keeps = st.builds(Keep, st.none() | ages.map(float), st.none() | st.integers(1, 30))

Happening = tuple[str, Kind, str, str]


class Model:
    """Everything that is kept, and how far each room's numbers have come."""

    def __init__(self) -> None:
        self.kept: list[Event] = []
        self.heads = dict.fromkeys(ROOMS, 0)
        self.now = NOW
        self.ordered = True  # whether the clock was never set back

    def of(self, room: str) -> list[Event]:
        return [event for event in self.kept if event.room == room]

    def add(self, events: Sequence[Event]) -> None:
        """Take what was committed; its numbers must be the next ones."""
        for event in events:
            # An inbox may be forgotten while it is empty; it goes on above its numbers, then.
            skips = is_inbox(event.room) and not self.of(event.room)
            head = max(self.heads[event.room], event.seq - event.kind.kept if skips else 0)
            assert event.seq == head + event.kind.kept
            self.heads[event.room] = event.seq
            if event.kind.kept:
                self.kept.append(event)

    def prune(self, retention: Retention, now: float) -> int:
        """Remove from the beginning of each room; return how many."""
        before = len(self.kept)
        for room in ROOMS:
            keep = retention.of(room)
            fewest = self.heads[room] - (self.heads[room] if keep.lines is None else keep.lines)
            oldest = 0.0 if keep.seconds is None else now - keep.seconds
            gone = [*takewhile(lambda e: e.seq <= fewest or e.at < oldest, self.of(room))]  # noqa: B023
            self.kept = [event for event in self.kept if event not in gone]
        return before - len(self.kept)

    def hits(self, query_text: str, room: str, limit: int) -> list[Hit]:
        """Return what a search has to find."""
        query = parse_query(query_text, self.now)
        mine = self.of(room)
        found = [n for n, event in enumerate(mine) if query.matches(event)][::-1][:limit]
        around = query.context
        return [Hit(mine[n], mine[max(0, n - around) : n], mine[n + 1 :][:around]) for n in found]


class LogMachine(RuleBasedStateMachine):
    """What may happen to any log."""

    log: ILog

    def __init__(self) -> None:
        super().__init__()
        self.cleanups = ExitStack()
        self.model = Model()
        self.seen: list[Event] = []
        self.start()

    def addCleanup(self, cleanup: Callable[[], object]) -> None:
        self.cleanups.callback(cleanup)

    def teardown(self) -> None:
        self.cleanups.close()

    def start(self) -> None:
        """Make the log."""
        self.log = MemoryLog()
        self.log.subscribe(self.seen.extend)

    def wait(self, deferred: Deferred[Result]) -> Result:
        return Pump().wait(deferred)

    def event(self, happening: Happening) -> Event:
        room, kind, text, nick = happening
        return Event(0, self.model.now, room, kind, nick, text, by=f"@{nick}")

    @rule(entries=entries)
    def append(self, entries: list[list[Happening]]) -> None:
        self.seen.clear()
        pending = [self.log.append([self.event(h) for h in entry]) for entry in entries]
        committed = [event for deferred in pending for event in self.wait(deferred)]
        assert [e.numbered(0) for e in committed] == [self.event(h) for e in entries for h in e]
        assert self.seen == committed
        self.model.add(committed)

    @rule(room=rooms, text=texts, nick=st.sampled_from(PEOPLE), count=st.integers(5, 15))
    def talk(self, room: str, text: str, nick: str, count: int) -> None:
        """Much of the same, in time."""
        for _ in range(count):
            self.append([[(room, Kind.SAID, text, nick)]])
            self.model.now += 1

    @initialize(first=texts, second=texts)
    def begin(self, first: str, second: str) -> None:
        for nick, text in zip(PEOPLE, (first, second), strict=True):
            self.talk("#a", text, nick, 5)

    @rule(seconds=ages)
    def time_goes_on(self, seconds: int) -> None:
        self.model.now += seconds

    @rule(seconds=st.integers(1, 100))
    def the_clock_is_set_back(self, seconds: int) -> None:
        if self.model.now - NOW > 50:  # seldom
            self.model.now -= seconds
            self.model.ordered = False

    @rule(room=rooms, seq=st.integers(-1, 30), limit=limits)
    def read(self, room: str, seq: int, limit: int) -> None:
        mine = self.model.of(room)
        after = [event for event in mine if event.seq > seq][:limit]
        before = [event for event in mine if event.seq < seq]
        assert self.wait(self.log.after(room, seq, limit)) == after
        assert self.wait(self.log.before(room, seq, limit)) == before[max(0, len(before) - limit) :]

    @rule(room=rooms)
    def ask_for_the_head(self, room: str) -> None:
        head = self.wait(self.log.head(room))
        if is_inbox(room) and not self.model.of(room):
            assert head >= self.model.heads[room]
        else:
            assert head == self.model.heads[room]

    @rule(room=rooms, ago=st.integers(-1, 100))
    def look_for_a_time(self, room: str, ago: int) -> None:
        at = self.model.now - ago
        first = self.wait(self.log.first_since(room, at))
        if not self.model.ordered:
            return
        if found := [event.seq for event in self.model.of(room) if event.at >= at]:
            assert first == found[0]
        else:
            assert first == self.wait(self.log.head(room)) + 1

    @rule(
        room=rooms,
        words=st.sampled_from(["tick", "tick", "tic*", '"tick tock"', "tock tick", "👍 creme"]),
        nick=st.sampled_from(["", "", *PEOPLE]),
        since=st.none() | st.none() | ages,
        before=st.none() | st.none() | st.integers(0, 30),
        context=st.sampled_from([0, 0, 1, 5]),
        limit=st.sampled_from([2, 5, 1000, 1000, 0]),
    )
    def search(
        self,
        room: str,
        words: str,
        nick: str,
        since: int | None,
        before: int | None,
        context: int,
        limit: int,
    ) -> None:
        text = words + (f" from:{nick}" if nick else "")
        text += "" if since is None or not self.model.ordered else f" since:{since}s"
        text += "" if before is None else f" before:{before}"
        text += f" -C {context}"
        hits = self.wait(self.log.search(parse_query(text, self.model.now), room, limit))
        assert hits == self.model.hits(text, room, limit)

    @rule(
        default=keeps,
        rooms=st.dictionaries(rooms, keeps, max_size=2),
        seconds=ages,
        late=st.booleans(),
    )
    def prune(self, default: Keep, rooms: dict[str, Keep], seconds: int, late: bool) -> None:
        retention = Retention(default, rooms)
        now = self.model.now + seconds + 86_380 * late  # inboxes are kept for a day
        expected = self.model.prune(retention, now)
        assert self.wait(self.log.prune(retention, now)) == expected

    @rule(nick=st.sampled_from(PEOPLE))
    def forget(self, nick: str) -> None:
        by = f"@{nick}"
        gone = [event for event in self.model.kept if event.by == by]
        since = gone[0].at if gone and self.model.ordered else 0
        assert self.wait(self.log.forget(by, since)) == len(gone)
        self.model.kept = [event for event in self.model.kept if event.by != by]


class SqliteMachine(LogMachine):
    """What may happen to one on disk."""

    store: Store

    def start(self) -> None:
        self.open(new_directory(self))

    def open(self, directory: Path) -> None:
        self.store = Store(self, directory)
        self.log = self.store.log
        self.log.subscribe(self.seen.extend)

    def wait(self, deferred: Deferred[Result]) -> Result:
        return self.store.wait(deferred)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.open(self.store.directory)

    @rule(entries=entries)
    def crash(self, entries: list[list[Happening]]) -> None:
        """Cut it off while it commits: the first entries are there then, each as a whole."""
        pending = [self.log.append([self.event(h) for h in entry]) for entry in entries]
        directory = new_directory(self)
        directory.mkdir()
        for suffix in ("", "-wal"):
            shutil.copy(f"{self.store.path}{suffix}", directory)
        committed = [self.wait(deferred) for deferred in pending]
        self.store.close()
        self.open(directory)
        there = {room: self.store.kept(room) for room in ROOMS}
        while there != {room: self.model.of(room) for room in ROOMS}:
            assert committed, "it is none of the states that it went through"
            self.model.add([event for event in committed.pop(0) if event.kind.kept])

    @rule()
    def check_the_file(self) -> None:
        with self.store.plain() as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
            (indexed,) = db.execute("SELECT value FROM meta WHERE name = 'indexed'").fetchone()
            words = {row for (row,) in db.execute("SELECT rowid FROM words WHERE words MATCH 'r*'")}
            ids = {row for (row,) in db.execute("SELECT id FROM events WHERE id <= ?", (indexed,))}
            assert words == ids


class Properties(SynchronousTestCase):
    """The machines, run."""

    def run_machine(self, machine: type[LogMachine], count: int) -> None:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=count,
                stateful_step_count=30,
                deadline=None,
                database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            ),
        )

    def test_the_log_in_memory(self) -> None:
        self.run_machine(LogMachine, examples(100))

    def test_the_log_at_rest(self) -> None:
        connect = schema.connect

        def fast(path: Path, *, writing: bool) -> sqlite3.Connection:
            db = connect(path, writing=writing)
            db.execute("PRAGMA synchronous=OFF")
            db.execute("PRAGMA wal_autocheckpoint=0")  # so that copies are of one moment
            return db

        for module in (schema, database, writer):
            self.patch(module, "connect", fast)
        self.patch(rows, "STEP", 5)
        self.run_machine(SqliteMachine, examples(80))
