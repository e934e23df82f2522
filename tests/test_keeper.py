"""What looks after the store: opened once everybody watches, looked at every second."""

from contextlib import closing
from pathlib import Path
from typing import cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatservice.admin.records import change
from chatservice.interfaces import Value
from chatservice.retention import Retention
from chatservice.store.keeper import IN_MEMORY, LOOK_EVERY, Keeper, Reactor
from chatservice.store.schema import connect
from tests.fakes import NOW
from tests.records_contract import Learned, count
from tests.store_fakes import Pump, new_directory


class Ticking(Pump, Clock):
    """A reactor whose time stands still, and whose threads' calls wait."""

    def __init__(self) -> None:
        Pump.__init__(self)
        Clock.__init__(self)


class Keeping(SynchronousTestCase):
    """A keeper, and somebody who watches its records."""

    def setUp(self) -> None:
        self.reactor = Ticking()
        self.learned = Learned("a")

    def open(self, data: str) -> Keeper:
        keeper = Keeper(cast("Reactor", self.reactor), data, Retention(), now=lambda: NOW)
        self.learned.watch(keeper.records)
        keeper.open()
        self.addCleanup(keeper.close)
        self.addCleanup(lambda: self.reactor.wait(keeper.log.close()))
        return keeper

    def elsewhere(self, directory: Path) -> Value | None:
        """Change something as chat-admin does."""
        with closing(connect(directory / "chat.db", writing=True)) as db:
            return change(db, "a", "x", count)

    def test_in_memory(self) -> None:
        keeper = self.open(IN_MEMORY)
        self.reactor.wait(keeper.records.change("a", "x", count))
        self.assertEqual(self.learned.known, {("a", "x"): {"n": 1}})
        self.reactor.advance(LOOK_EVERY)

    def test_what_another_program_changes_is_known_after_a_second(self) -> None:
        directory = new_directory(self)
        keeper = self.open(str(directory))
        self.reactor.wait(keeper.records.change("a", "x", count))
        self.elsewhere(directory)
        self.reactor.advance(LOOK_EVERY)
        while len(self.learned.told) < 2:
            self.reactor.turn()
        self.assertEqual(self.learned.known, {("a", "x"): {"n": 2}})
