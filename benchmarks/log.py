"""Measures the log on disk: lines committed, searching, and starting with many lines.

python benchmarks/log.py [--lines 1000000] [--data DIRECTORY]

Everything goes through SqliteLog, as in the chat, but for the reactor: a queue stands for it.
"""

import argparse
import itertools
import queue
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar

from twisted.internet.defer import Deferred

from chatservice.events import Event, Kind
from chatservice.search import parse_query
from chatservice.store.database import Database
from chatservice.store.sqlite import SqliteLog

ROOM = "#lobby"
COMMON, RARE = "the", "xylophone"
Result = TypeVar("Result")


class Turns:
    """What threads hand back, called in this thread."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

    def callFromThread(self, callable: Callable[..., object], *args: object) -> None:
        """Take a call."""
        self._calls.put(lambda: callable(*args))

    def turn(self) -> None:
        """Wait for a call and make it."""
        self._calls.get()()

    def wait(self, deferred: Deferred[Result]) -> Result:
        """Return a result once it is there."""
        results: list[Result] = []
        deferred.addCallback(results.append)
        while not results:
            self.turn()
        return results[0]


def lines() -> Iterator[Event]:
    """Make up lines of eight words, with time going on."""
    chance = random.Random(1)  # noqa: S311
    words = [
        "".join(chance.choices("aeioubcdfglmnprst", k=chance.randint(2, 8))) for _ in range(20000)
    ]
    at, number = time.time() - 1e7, 0
    while True:
        at, number = at + 10, number + 1
        text = " ".join(
            [COMMON, *chance.choices(words, k=7), *([RARE] if number % 5000 == 0 else [])]
        )
        nick = f"user{number % 100}"
        yield Event(0, at, ROOM, Kind.SAID, nick, text, by=f"@{nick}")


def commit(
    log: SqliteLog, turns: Turns, source: Iterator[Event], count: int, flying: int
) -> list[float]:
    """Commit so many lines with so many on their way; return how long each took, in seconds."""
    taken: list[float] = []
    sent = 0

    def send() -> None:
        nonlocal sent
        sent += 1
        began = time.perf_counter()
        log.append([next(source)]).addCallback(lambda _: done(began))

    def done(began: float) -> None:
        taken.append(time.perf_counter() - began)
        if sent < count:
            send()

    for _ in range(flying):
        send()
    while len(taken) < count:
        turns.turn()
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument(
        "--data", help="where to make the database; a temporary directory by default"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.data) as directory:
        turns, source = Turns(), lines()
        log = SqliteLog(Database(Path(directory), turns))
        log.open()
        print("| in flight | lines/s | CPU us/line | p50 ms | p99 ms |\n|---|---|---|---|---|")
        for flying, count in ((1, 2000), (20, 20_000), (200, 50_000)):
            some = iter(list(itertools.islice(source, count)))  # making them up is not measured
            clock, cpu = time.perf_counter(), time.process_time()
            taken = commit(log, turns, some, count, flying)
            clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
            p99 = quantiles(taken, n=100)[98]
            print(
                f"| {flying} | {count / clock:,.0f} | {cpu / count * 1e6:.0f} "
                f"| {median(taken) * 1e3:.2f} | {p99 * 1e3:.2f} |"
            )
        rest = given.lines - 72_000
        if rest > 0:
            commit(log, turns, source, rest, 2000)
        turns.wait(log.search(parse_query(COMMON, 0), ROOM, 1))  # the index is up to date
        print("\n| search | ms |\n|---|---|")
        for typed in (
            *(
                COMMON,
                RARE,
                f"{RARE} {COMMON}",
                f"{COMMON} from:user7",
                "ab*",
                f'"{COMMON} {RARE}"',
            ),
            *("nosuchword", f"{COMMON} since:1d", f"{RARE} -C 3", f"{COMMON} before:500"),
        ):
            query, times = parse_query(typed, time.time()), []
            for _ in range(20):
                began = time.perf_counter()
                turns.wait(log.search(query, ROOM, 11))
                times.append(time.perf_counter() - began)
            print(f"| {typed} | {median(times) * 1e3:.2f} |")
        turns.wait(log.close())
        log.shut()
        began = time.perf_counter()
        log = SqliteLog(Database(Path(directory), turns))
        log.open()
        turns.wait(log.before(ROOM, 1 << 60, 20))
        print(
            f"\nopened with {given.lines:,} lines in {(time.perf_counter() - began) * 1e3:.0f} ms"
        )
        turns.wait(log.close())
        log.shut()


if __name__ == "__main__":
    main()
