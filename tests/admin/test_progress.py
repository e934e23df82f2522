"""How far it is: on a terminal, in one line that goes away."""

import io
import sqlite3
from contextlib import closing

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatservice.admin.progress import Progress, watched


class Stream(io.StringIO):
    """A terminal, or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


class OnATerminal(SynchronousTestCase):
    """What is drawn."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.stream = Stream(True)

    def progress(self, total: int | None = None) -> Progress:
        return Progress("importing", total, stream=self.stream, clock=self.clock.seconds)

    def drawn(self) -> list[str]:
        return [text.rstrip() for text in self.stream.getvalue().split("\r")[1:]]

    def test_percent_speed_and_time_left(self) -> None:
        with self.progress(1000) as progress:
            self.clock.advance(2)
            progress.at(250)
        self.assertEqual(
            self.drawn(), ["importing: 0 s", "importing: 25 %, 125 lines/s, 6 s left", "", ""]
        )

    def test_without_a_total(self) -> None:
        with self.progress() as progress:
            self.clock.advance(2)
            progress.at(1_000_000)
            self.clock.advance(70)
            progress.tick()
        self.assertEqual(
            self.drawn()[1:3],
            ["importing: 500,000 lines/s, 2 s", "importing: 13,889 lines/s, 1:12 min"],
        )

    def test_with_a_share_of_bytes(self) -> None:
        with self.progress() as progress:
            self.clock.advance(10)
            progress.at(100, 0.1)
        self.assertEqual(self.drawn()[1], "importing: 10 %, 10 lines/s, 1:30 min left")

    def test_not_too_often(self) -> None:
        with self.progress(1000) as progress:
            for n in range(100):
                self.clock.advance(0.01)
                progress.at(n)
        self.assertLessEqual(len(self.drawn()), 14)

    def test_a_shorter_text_hides_the_longer_one(self) -> None:
        with self.progress(100_000) as progress:
            self.clock.advance(1)
            progress.at(10_000)
            before = len(self.drawn()[-1])
            self.clock.advance(1)
            progress.at(99_000)
            *_, last = self.stream.getvalue().split("\r")
            self.assertGreaterEqual(len(last), before)

    def test_it_goes_also_if_ctrl_c_comes_at_once(self) -> None:
        def flush() -> None:
            self.stream.flush = lambda: None  # type: ignore[method-assign]
            raise KeyboardInterrupt

        self.stream.flush = flush  # type: ignore[method-assign]
        with self.assertRaises(KeyboardInterrupt), self.progress():
            pass
        self.assertEqual(self.drawn(), ["importing: 0 s", "", ""])


class Elsewhere(SynchronousTestCase):
    """Nothing is drawn."""

    def test_no_terminal(self) -> None:
        stream = Stream(False)
        with Progress("x", 10, stream=stream) as progress:
            progress.at(5)
        self.assertEqual(stream.getvalue(), "")

    def test_a_terminal_that_others_write_to(self) -> None:
        stream = Stream(True)
        with Progress("x", 10, stream=stream, hidden=True) as progress:
            progress.at(5)
        self.assertEqual(stream.getvalue(), "")


class Watching(SynchronousTestCase):
    """A long statement of SQLite's."""

    LONG = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
        " SELECT count(*) FROM n"
    )

    def test_it_is_drawn_meanwhile(self) -> None:
        clock = Clock()
        stream = Stream(True)

        def seconds() -> float:
            clock.advance(1)
            return clock.seconds()

        with (
            closing(sqlite3.connect(":memory:")) as db,
            Progress("x", stream=stream, clock=seconds) as progress,
            watched(db, progress),
        ):
            self.assertEqual(db.execute(self.LONG).fetchone(), (1_000_000,))
        self.assertGreater(stream.getvalue().count(" s"), 5)

    def test_it_can_be_interrupted(self) -> None:
        class Interrupted(Progress):
            def tick(self) -> None:
                raise KeyboardInterrupt

        with closing(sqlite3.connect(":memory:")) as db:
            progress = Interrupted("x")
            with self.assertRaises(KeyboardInterrupt), watched(db, progress):
                db.execute(self.LONG).fetchone()
            db.execute(self.LONG).fetchone()  # it is over

    def test_other_errors_are_others(self) -> None:
        with (
            closing(sqlite3.connect(":memory:")) as db,
            self.assertRaises(sqlite3.OperationalError),
            watched(db, Progress("x")),
        ):
            db.execute("nonsense")
