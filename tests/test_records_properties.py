"""Whatever is changed by whom in whatever order, who watches has what a dict would have.

The store on disk is also changed by another program, looked at or not, and closed and opened again
at any point.
"""

import contextlib
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatservice.admin import records as admin
from chatservice.errors import ChatError, Code
from chatservice.interfaces import IRecords, Value
from chatservice.store.memory import MemoryRecords
from chatservice.store.schema import connect
from tests import examples
from tests.records_contract import How, Learned
from tests.store_fakes import Pump, Store, new_directory

KINDS = ("a", "b")

places = st.tuples(st.sampled_from(KINDS), st.sampled_from(("x", "y", "z")))
deeds = st.sampled_from(("put", "put", "add", "add", "remove", "refuse"))
numbers = st.integers(0, 3)
changes = st.tuples(places, deeds, numbers)

Place = tuple[str, str]
Change = tuple[Place, str, int]


def how(deed: str, number: int) -> How:
    """Return what a deed makes of a record."""

    def make(old: Value | None) -> Value | None:
        if deed == "refuse" or (deed == "add" and old is None):
            raise ChatError(Code.NOT_ALLOWED, f"not {number}")
        if deed == "add":
            return {"n": cast("Any", old)["n"] + number}
        return {"n": number} if deed == "put" else None

    return make


class Model:
    """What there is."""

    def __init__(self) -> None:
        self.records: dict[Place, Value] = {}

    def change(self, change: Change) -> Value | str | None:
        """Change it; return what is there, or the refusal."""
        place, deed, number = change
        try:
            value = how(deed, number)(self.records.get(place))
        except ChatError as error:
            return error.message
        if value is None:
            self.records.pop(place, None)
        else:
            self.records[place] = value
        return value


class RecordsMachine(RuleBasedStateMachine):
    """What may happen to any records."""

    records: IRecords

    def __init__(self) -> None:
        super().__init__()
        self.cleanups = ExitStack()
        self.model = Model()
        self.learned = Learned(*KINDS)
        self.start()

    def addCleanup(self, cleanup: Callable[[], object]) -> None:
        self.cleanups.callback(cleanup)

    def teardown(self) -> None:
        self.cleanups.close()

    def start(self) -> None:
        """Make the records."""
        self.records = MemoryRecords()
        self.learned.watch(self.records)

    def wait(self, deferred: Deferred[Value | str | None]) -> Value | str | None:
        return Pump().wait(deferred)

    @rule(some=st.lists(changes, min_size=1, max_size=6))
    def change(self, some: list[Change]) -> None:
        """Several changes at once: each sees those before it."""
        done: list[Deferred[Value | str | None]] = []
        for (kind, key), deed, number in some:
            made = self.records.change(kind, key, how(deed, number))
            done.append(made.addErrback(lambda failure: str(failure.value)))
        for deferred, change in zip(done, some, strict=True):
            assert self.wait(deferred) == self.model.change(change)
        assert self.learned.known == self.model.records


class SqliteMachine(RecordsMachine):
    """What may happen to a database besides."""

    store: Store

    def start(self) -> None:
        self.open(Store(self, new_directory(self), self.learned.watch))

    def open(self, store: Store) -> None:
        self.store = store
        self.records = store.records

    def wait(self, deferred: Deferred[Value | str | None]) -> Value | str | None:
        return self.store.wait(deferred)

    @rule(some=st.lists(changes, min_size=1, max_size=3))
    def change_elsewhere(self, some: list[Change]) -> None:
        """Another program changes something, and nobody looks yet."""
        with closing(connect(self.store.path, writing=True)) as db:
            for change in some:
                (kind, key), deed, number = change
                made: Value | str | None
                try:
                    made = admin.change(db, kind, key, how(deed, number))
                except ChatError as error:
                    made = error.message
                assert made == self.model.change(change)

    @rule(times=st.integers(1, 3))
    def look(self, times: int) -> None:
        """Look for it."""
        for _ in range(times):
            self.store.records.look()
            self.store.wait(self.store.database.look(lambda db: True))
        assert self.learned.known == self.model.records

    @rule(mine=st.lists(changes, min_size=1, max_size=3), others=changes)
    def race(self, mine: list[Change], others: Change) -> None:
        """A look, a change and another program, all at once."""
        done = []
        for (kind, key), deed, number in mine:
            self.store.records.look()
            made = self.store.records.change(kind, key, how(deed, number))
            done.append(made.addErrback(lambda failure: None))
        with closing(connect(self.store.path, writing=True)) as db:
            (kind, key), deed, number = others
            with contextlib.suppress(ChatError):
                admin.change(db, kind, key, how(deed, number))
        for deferred in done:
            self.store.wait(deferred)
        with closing(connect(self.store.path, writing=False)) as db:  # whoever was first
            found = {kind: admin.read_all(db, kind) for kind in KINDS}
        self.model.records = {(k, key): v for k in KINDS for key, v in found[k].items()}
        self.look(1)

    @rule()
    def reopen(self) -> None:
        """What was committed is there; what waits is finished first."""
        self.store.close()
        self.learned = Learned(*KINDS)
        self.open(Store(self, self.store.directory, self.learned.watch))
        assert self.learned.known == self.model.records
        assert len(self.learned.told) == len(self.model.records)


class Properties(SynchronousTestCase):
    """Both stores do what a dict does."""

    def run_machine(self, machine: type[RecordsMachine], count: int) -> None:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=count,
                stateful_step_count=20,
                deadline=None,
                database=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            ),
        )

    def test_in_memory(self) -> None:
        self.run_machine(RecordsMachine, examples(50))

    def test_on_disk(self) -> None:
        self.run_machine(SqliteMachine, examples(50))
