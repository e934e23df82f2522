"""The log in memory: what every log promises, and that it is bounded."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatservice.events import Event
from chatservice.interfaces import IRecords
from chatservice.store import memory
from chatservice.store.memory import MemoryLog, MemoryRecords, MemoryTickets, _cost
from tests.fakes import joined, quick, said
from tests.log_contract import LogContract
from tests.records_contract import Learned, RecordsContract, count
from tests.store_fakes import line, query
from tests.tickets_contract import CONNECTED, TicketsContract

Result = TypeVar("Result")


class MemoryLogContract(LogContract, SynchronousTestCase):
    """What every log promises."""

    def make_log(self) -> MemoryLog:
        return MemoryLog()

    def wait(self, deferred: Deferred[Result]) -> Result:
        return result_of(deferred)


class MemoryRecordsContract(RecordsContract, SynchronousTestCase):
    """What every store of records promises, and that it may be watched at any time."""

    def make_records(self, *watch: Callable[[IRecords], object]) -> MemoryRecords:
        records = MemoryRecords()
        for each in watch:
            each(records)
        return records

    def wait(self, deferred: Deferred[Result]) -> Result:
        return result_of(deferred)

    def test_who_comes_later_learns_of_all_there_are(self) -> None:
        records = self.make_records()
        records.change("a", "x", count)
        records.change("b", "y", count)
        learned = Learned("a")
        learned.watch(records)
        records.change("a", "z", count)
        self.assertEqual([key for _, key, _ in learned.told], ["x", "z"])


class MemoryTicketsContract(TicketsContract, SynchronousTestCase):
    """What every store of tickets promises, and that it is bounded."""

    def make_tickets(self) -> MemoryTickets:
        return MemoryTickets(now=lambda: self.time)

    def wait(self, deferred: Deferred[Result]) -> Result:
        return result_of(deferred)

    def test_the_ticket_that_was_saved_longest_ago_goes_when_there_are_too_many(self) -> None:
        self.patch(memory, "_MOST_TICKETS", 2)
        tickets = self.make_tickets()
        for key in ("a", "b", "a", "c"):
            result_of(tickets.save(replace(CONNECTED, key=key)))
        found = [key for key in "abc" if result_of(tickets.find(key)) is not None]
        self.assertEqual(found, ["a", "c"])


class Capacity(SynchronousTestCase):
    """It keeps the newest lines of all rooms."""

    def setUp(self) -> None:
        self.line = _cost(said("x" * 10))
        self.log = MemoryLog(capacity=3 * self.line)

    def append(self, *rooms: str) -> list[Event]:
        return [result_of(self.log.append([said("x" * 10, room)]))[0] for room in rooms]

    def kept(self, room: str) -> list[int]:
        return [event.seq for event in result_of(self.log.after(room, 0, 1000))]

    def test_the_oldest_goes_when_there_is_no_room(self) -> None:
        self.append("#a", "#a", "#a")
        self.assertEqual(self.kept("#a"), [1, 2, 3])
        self.append("#a")
        self.assertEqual(self.kept("#a"), [2, 3, 4])

    def test_the_oldest_of_all_rooms_goes_first(self) -> None:
        self.append("#a", "#b", "#a", "#b")
        self.assertEqual((self.kept("#a"), self.kept("#b")), ([2], [1, 2]))

    def test_a_busy_room_pushes_out_a_quiet_one(self) -> None:
        self.append("#quiet", "#busy", "#busy", "#busy")
        self.assertEqual((self.kept("#quiet"), self.kept("#busy")), ([], [1, 2, 3]))

    def test_long_lines_take_more_room_than_short_ones(self) -> None:
        self.append("#a", "#a", "#a")
        result_of(self.log.append([said("x" * (self.line + 10), "#b")]))
        self.assertEqual((self.kept("#a"), self.kept("#b")), ([3], [1]))

    def test_a_line_that_is_larger_than_everything_is_delivered_and_not_kept(self) -> None:
        seen: list[Event] = []
        self.log.subscribe(seen.extend)
        committed = result_of(self.log.append([said("x" * 10_000, "#a")]))
        self.assertEqual((seen, self.kept("#a")), ([*committed], []))

    def test_numbers_go_on_when_lines_are_forgotten(self) -> None:
        events = self.append(*["#a"] * 10)
        self.assertEqual([event.seq for event in events], list(range(1, 11)))

    def test_a_forgotten_room_never_counts_backwards(self) -> None:
        last = self.append("#a", "#a")[-1].seq
        self.append("#b", "#b", "#b")
        self.assertEqual(self.kept("#a"), [])
        self.assertGreater(self.append("#a")[0].seq, last)

    def test_asking_for_forgotten_lines_gives_those_that_are_left(self) -> None:
        self.append(*["#a"] * 10)
        after = result_of(self.log.after("#a", 2, 2))
        before = result_of(self.log.before("#a", 9, 100))
        self.assertEqual([event.seq for event in after], [8, 9])
        self.assertEqual([event.seq for event in before], [8])
        self.assertEqual(result_of(self.log.before("#a", 5, 100)), [])

    def test_thousands_of_rooms_leave_nothing_behind(self) -> None:
        self.append(*(f"@{n},x" for n in range(5000)))
        self.assertEqual(len(self.log._rooms), 3)
        self.assertEqual(len(self.log._order), 3)

    def test_what_is_not_kept_takes_no_room(self) -> None:
        self.append("#a", "#a", "#a")
        for n in range(1000):
            result_of(self.log.append([joined(f"n{n}", "#a")]))
        self.assertEqual(self.kept("#a"), [1, 2, 3])


class Removing(SynchronousTestCase):
    """What is removed makes room; a search looks through the newest lines only."""

    def test_what_is_forgotten_makes_room(self) -> None:
        log = MemoryLog(capacity=4 * _cost(line("x")))
        result_of(log.append([line("x", by=by, room=room) for room in "ab" for by in "12"]))
        self.assertEqual(result_of(log.forget("1", 0)), 2)
        result_of(log.append([line("x", by="3", room="a"), line("x", by="3", room="a")]))
        self.assertEqual(kept(log, "a"), [2, 3, 4])
        self.assertEqual(kept(log, "b"), [2])
        result_of(log.append([line("x", by="3", room="b")]))
        self.assertEqual((kept(log, "a"), kept(log, "b")), ([3, 4], [2, 3]))

    def test_a_search_looks_at_the_newest_lines(self) -> None:
        self.patch(memory, "SEARCHED", 3)
        log = MemoryLog()
        events = result_of(log.append([line("tick") for _ in range(5)]))
        hits = result_of(log.search(query("tick -C 1"), "#lobby", 10))
        self.assertEqual([hit.event.seq for hit in hits], [5, 4, 3])
        self.assertEqual(hits[0].earlier, [events[3]])


rooms = st.sampled_from(["#a", "#b", "@a,b"])
appended = st.one_of(
    st.builds(said, st.text("x", max_size=300), rooms),
    st.builds(joined, st.just("bob"), rooms),
)


class Model(SynchronousTestCase):
    """Against a list of everything, of which the newest part is kept."""

    @quick
    @given(
        st.integers(0, 3000),
        st.lists(st.lists(appended, max_size=4), max_size=15),
        rooms,
        st.integers(-1, 20),
        st.integers(0, 8),
    )
    def test_it_is_the_newest_part_of_a_list_of_everything(
        self, capacity: int, appends: list[list[Event]], room: str, seq: int, limit: int
    ) -> None:
        log = MemoryLog(capacity)
        everything = [event for events in appends for event in result_of(log.append(events))]
        kept = [event for event in everything if event.kind.kept]
        while sum(map(_cost, kept)) > capacity:
            del kept[0]
        mine = [event for event in kept if event.room == room]
        after = [event for event in mine if event.seq > seq][:limit]
        before = [event for event in mine if event.seq < seq]
        self.assertEqual(result_of(log.after(room, seq, limit)), after)
        self.assertEqual(result_of(log.before(room, seq, limit)), before[-limit:] if limit else [])

    @quick
    @given(st.integers(0, 3000), st.lists(st.lists(appended, max_size=4), max_size=15))
    def test_a_rooms_numbers_only_grow(self, capacity: int, appends: list[list[Event]]) -> None:
        log = MemoryLog(capacity)
        last: dict[str, int] = {}
        for events in appends:
            for event in result_of(log.append(events)):
                least = last.get(event.room, 0) + event.kind.kept
                self.assertGreaterEqual(event.seq, least)
                last[event.room] = event.seq

    @quick
    @given(st.lists(st.lists(appended, max_size=4), max_size=15))
    def test_while_nothing_is_forgotten_numbers_are_dense(self, appends: list[list[Event]]) -> None:
        log = MemoryLog()
        count: dict[str, int] = {}
        for events in appends:
            for event in result_of(log.append(events)):
                count[event.room] = count.get(event.room, 0) + event.kind.kept
                self.assertEqual(event.seq, count[event.room])


def kept(log: MemoryLog, room: str) -> list[int]:
    """Return the numbers of what is kept of a room."""
    return [event.seq for event in result_of(log.after(room, 0, 1000))]


def result_of(deferred: Deferred[Result]) -> Result:
    """Return what a Deferred has fired with; memory answers at once."""
    results: list[Result] = []
    failures: list[BaseException] = []
    deferred.addCallbacks(results.append, lambda failure: failures.append(failure.value))
    if failures:
        raise failures[0]
    return results[0]
