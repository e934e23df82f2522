"""What every log promises (interfaces.ILog), as tests to be mixed in by each store's own.

class SqliteLogTests(LogContract, SynchronousTestCase):
    def make_log(self) -> ILog: ...
    def wait(self, deferred): ...
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from twisted.internet.defer import Deferred

from chatservice.errors import ChatError
from chatservice.events import Event, Kind
from chatservice.interfaces import ILog
from tests.fakes import NOW, joined, said

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as TestCase
else:
    TestCase = object

Result = TypeVar("Result")


class LogContract(TestCase):
    """The tests; a subclass says how to make a log and how to wait for it."""

    def make_log(self) -> ILog:
        """Return a new, empty log that keeps what these tests put in."""
        raise NotImplementedError

    def wait(self, deferred: Deferred[Result]) -> Result:
        """Return the result, once it is there; raise its failure."""
        raise NotImplementedError

    def append(self, log: ILog, *events: Event) -> list[Event]:
        """Commit events together; return them with their numbers."""
        committed = self.wait(log.append(events))
        return [*committed]

    def fill(self, log: ILog, count: int, room: str = "#lobby") -> list[Event]:
        """Commit so many lines, one by one."""
        return [self.append(log, said(str(n), room))[0] for n in range(1, count + 1)]

    # Committing.

    def test_appended_events_come_back_numbered_and_otherwise_the_same(self) -> None:
        event = Event(0, NOW, "#lobby", Kind.ACTED, "alice", "tän\tzt\N{REPLACEMENT CHARACTER} 👍")
        self.assertEqual(self.append(self.make_log(), event), [event.numbered(1)])

    def test_numbers_of_a_room_are_dense_from_one(self) -> None:
        log = self.make_log()
        numbers = [event.seq for event in self.fill(log, 3)]
        numbers += [event.seq for event in self.append(log, said("4"), said("5"))]
        self.assertEqual(numbers, [1, 2, 3, 4, 5])

    def test_each_room_has_numbers_of_its_own(self) -> None:
        log = self.make_log()
        events = self.append(log, said("a", "#a"), said("b", "#b"), said("c", "#a"))
        self.assertEqual([event.seq for event in events], [1, 1, 2])

    def test_what_is_not_kept_carries_the_number_before_it(self) -> None:
        log = self.make_log()
        events = self.append(log, joined("a"), said("1"), joined("b"), joined("c"), said("2"))
        self.assertEqual([event.seq for event in events], [0, 1, 1, 1, 2])

    def test_what_is_not_kept_is_not_found_again(self) -> None:
        log = self.make_log()
        kept = [Kind.SAID, Kind.ACTED, Kind.PRIVATE]
        kinds = [Kind.JOINED, *kept, Kind.RENAMED, Kind.LEFT]
        self.append(log, *(Event(0, NOW, "#lobby", kind, "alice", "x") for kind in kinds))
        found = self.wait(log.after("#lobby", 0, 100))
        self.assertEqual([event.kind for event in found], kept)

    # Subscribers.

    def test_a_subscriber_gets_every_committed_event_in_order(self) -> None:
        log = self.make_log()
        seen: list[Event] = []
        log.subscribe(seen.extend)
        committed = self.append(log, joined("alice"), said("1"), said("x", "#other"))
        committed += self.append(log, said("2"))
        self.assertEqual(seen, committed)

    def test_every_subscriber_gets_them(self) -> None:
        log = self.make_log()
        one: list[Event] = []
        other: list[Event] = []
        log.subscribe(one.extend)
        log.subscribe(other.extend)
        committed = self.append(log, said("1"), said("2"))
        self.assertEqual((one, other), (committed, committed))

    def test_a_subscriber_gets_nothing_from_before(self) -> None:
        log = self.make_log()
        self.append(log, said("early"))
        seen: list[Event] = []
        log.subscribe(seen.extend)
        self.assertEqual(seen, [])
        self.assertEqual(self.append(log, said("late")), seen)

    def test_subscribers_are_called_before_the_deferred_fires(self) -> None:
        log = self.make_log()
        calls: list[str] = []
        log.subscribe(lambda events: calls.extend(event.text for event in events))
        self.wait(log.append([said("seen")]).addCallback(lambda _: calls.append("fired")))
        self.assertEqual(calls, ["seen", "fired"])

    def test_the_deferred_fires_before_the_next_events_are_seen(self) -> None:
        log = self.make_log()
        calls: list[str] = []
        log.subscribe(lambda events: calls.extend(event.text for event in events))
        first = log.append([said("1")]).addCallback(lambda _: calls.append("1 fired"))
        second = log.append([said("2")]).addCallback(lambda _: calls.append("2 fired"))
        self.wait(first)
        self.wait(second)
        self.assertEqual(calls, ["1", "1 fired", "2", "2 fired"])

    # The fence.

    def test_a_fence_fires_with_nothing(self) -> None:
        log = self.make_log()
        seen: list[Sequence[Event]] = []
        log.subscribe(seen.append)
        self.assertEqual(self.append(log), [])
        self.assertEqual([event for events in seen for event in events], [])

    def test_a_fence_fires_at_its_point_of_the_order(self) -> None:
        log = self.make_log()
        calls: list[str] = []
        log.subscribe(lambda events: calls.extend(event.text for event in events))

        def passed(nothing: Sequence[Event], text: str) -> Sequence[Event]:
            calls.append(f"fence {text}")
            return nothing

        pending: list[Deferred[Sequence[Event]]] = []
        for text in ("1", "2"):
            pending.append(log.append([said(text)]))
            pending.append(log.append(()).addCallback(passed, text))
        for deferred in pending:
            self.wait(deferred)
        self.assertEqual(calls, ["1", "fence 1", "2", "fence 2"])

    def test_a_fence_uses_up_no_number(self) -> None:
        log = self.make_log()
        self.fill(log, 1)
        self.append(log)
        self.assertEqual(self.append(log, said("next"))[0].seq, 2)

    # Reading.

    def test_after_gives_what_follows_a_number(self) -> None:
        log = self.make_log()
        events = self.fill(log, 5)
        self.assertEqual(self.wait(log.after("#lobby", 2, 100)), events[2:])
        self.assertEqual(self.wait(log.after("#lobby", 0, 100)), events)

    def test_after_gives_the_oldest_of_them_if_there_are_too_many(self) -> None:
        log = self.make_log()
        events = self.fill(log, 5)
        self.assertEqual(self.wait(log.after("#lobby", 1, 2)), events[1:3])

    def test_after_the_last_there_is_nothing(self) -> None:
        log = self.make_log()
        self.fill(log, 5)
        self.assertEqual(self.wait(log.after("#lobby", 5, 100)), [])
        self.assertEqual(self.wait(log.after("#lobby", 99, 100)), [])

    def test_before_gives_what_precedes_a_number(self) -> None:
        log = self.make_log()
        events = self.fill(log, 5)
        self.assertEqual(self.wait(log.before("#lobby", 4, 100)), events[:3])
        self.assertEqual(self.wait(log.before("#lobby", 1000, 100)), events)

    def test_before_gives_the_newest_of_them_if_there_are_too_many(self) -> None:
        log = self.make_log()
        events = self.fill(log, 5)
        self.assertEqual(self.wait(log.before("#lobby", 5, 2)), events[2:4])

    def test_before_the_first_there_is_nothing(self) -> None:
        log = self.make_log()
        self.fill(log, 5)
        self.assertEqual(self.wait(log.before("#lobby", 1, 100)), [])
        self.assertEqual(self.wait(log.before("#lobby", 0, 100)), [])

    def test_pages_forward_and_backward_are_the_whole(self) -> None:
        log = self.make_log()
        events = self.fill(log, 7)
        forward: list[Event] = []
        while page := self.wait(log.after("#lobby", forward[-1].seq if forward else 0, 3)):
            forward += page
        backward: list[Event] = []
        while page := self.wait(log.before("#lobby", backward[0].seq if backward else 8, 3)):
            backward[:0] = page
        self.assertEqual((forward, backward), (events, events))

    def test_a_room_knows_nothing_of_another(self) -> None:
        log = self.make_log()
        self.fill(log, 3, "#a")
        mine = self.fill(log, 3, "#b")
        self.assertEqual(self.wait(log.after("#b", 0, 100)), mine)
        self.assertEqual(self.wait(log.before("#b", 100, 100)), mine)

    def test_of_a_room_nobody_knows_there_is_nothing(self) -> None:
        log = self.make_log()
        self.assertEqual(self.wait(log.after("#void", 0, 100)), [])
        self.assertEqual(self.wait(log.before("#void", 100, 100)), [])

    def test_asking_for_no_lines_gives_none(self) -> None:
        log = self.make_log()
        self.fill(log, 3)
        self.assertEqual(self.wait(log.after("#lobby", 0, 0)), [])
        self.assertEqual(self.wait(log.before("#lobby", 4, 0)), [])

    # The end.

    def test_what_was_appended_before_closing_is_committed(self) -> None:
        log = self.make_log()
        seen: list[Event] = []
        log.subscribe(seen.extend)
        appended = log.append([said("last")])
        self.wait(log.close())
        committed = self.wait(appended)
        self.assertEqual((len(committed), seen), (1, [*committed]))

    def test_after_closing_nothing_is_taken(self) -> None:
        log = self.make_log()
        seen: list[Event] = []
        log.subscribe(seen.extend)
        self.wait(log.close())
        self.assertRaises(ChatError, self.append, log, said("too late"))
        self.assertRaises(ChatError, self.append, log, joined("late"))
        self.assertEqual(seen, [])
