"""What every log promises (interfaces.ILog), as tests to be mixed in by each store's own.

class SqliteLogTests(LogContract, SynchronousTestCase):
    def make_log(self) -> ILog: ...
    def wait(self, deferred): ...
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from twisted.internet.defer import Deferred

from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.interfaces import Hit, ILog
from chatservice.retention import Keep, Retention
from tests.fakes import NOW, joined, said
from tests.store_fakes import line, query

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

    def numbers(self, log: ILog, room: str = "#lobby") -> list[int]:
        """Return the numbers of all that is kept of a room."""
        return [event.seq for event in self.wait(log.after(room, 0, 1_000_000))]

    def search(self, log: ILog, text: str, room: str = "#lobby", limit: int = 100) -> list[Hit]:
        """Search as somebody who types this."""
        return [*self.wait(log.search(query(text), room, limit))]

    def found(self, log: ILog, text: str, room: str = "#lobby", limit: int = 100) -> list[int]:
        """Return the numbers of the lines found."""
        return [hit.event.seq for hit in self.search(log, text, room, limit)]

    def prune(self, log: ILog, now: float = 0.0, **rooms: Keep) -> int:
        """Remove what is too old or too much.

        :param now: seconds since NOW.
        :param rooms: what to keep of rooms (without #); "default" is for all others.
        """
        default = rooms.pop("default", Keep())
        named = {f"#{room}": keep for room, keep in rooms.items()}
        return self.wait(log.prune(Retention(default, named), NOW + now))

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

    # The head.

    def test_the_head_is_the_number_of_the_newest_kept_event(self) -> None:
        log = self.make_log()
        self.fill(log, 3)
        self.append(log, joined("bob"), said("elsewhere", "#other"))
        self.assertEqual(self.wait(log.head("#lobby")), 3)
        self.assertEqual(self.wait(log.head("#other")), 1)

    def test_the_head_of_a_room_in_which_nothing_was_said_is_zero(self) -> None:
        log = self.make_log()
        self.append(log, joined("bob", "#quiet"))
        self.assertEqual(self.wait(log.head("#quiet")), 0)
        self.assertEqual(self.wait(log.head("#void")), 0)
        self.assertEqual(self.wait(log.head("@nobody")), 0)

    def test_the_head_is_that_of_its_point_of_the_order(self) -> None:
        log = self.make_log()
        calls: list[object] = []
        log.subscribe(lambda events: calls.extend(event.text or event.nick for event in events))
        pending: list[Deferred[None]] = []
        for text in ("1", "2", "3"):
            pending.append(log.append([said(text)]).addCallback(lambda _: None))
            pending.append(log.append([joined(f"n{text}")]).addCallback(lambda _: None))
            pending.append(log.head("#lobby").addCallback(calls.append))
            pending.append(log.head("#void").addCallback(calls.append))
        for deferred in pending:
            self.wait(deferred)
        self.assertEqual(calls, ["1", "n1", 1, 0, "2", "n2", 2, 0, "3", "n3", 3, 0])

    # Finding a time.

    def test_first_since_gives_the_first_event_that_is_not_older(self) -> None:
        log = self.make_log()
        self.append(log, *(line(str(at), at) for at in (10, 20, 20, 30)))
        asked = [0, 10, 11, 20, 21, 30]
        given = [self.wait(log.first_since("#lobby", NOW + at)) for at in asked]
        self.assertEqual(given, [1, 1, 2, 2, 4, 4])

    def test_first_since_a_time_after_the_last_event_is_above_the_head(self) -> None:
        log = self.make_log()
        self.append(log, line("1", 10), line("2", 20))
        self.assertEqual(self.wait(log.first_since("#lobby", NOW + 20.5)), 3)

    def test_first_since_of_a_room_nobody_knows_is_one(self) -> None:
        log = self.make_log()
        self.assertEqual(self.wait(log.first_since("#void", NOW)), 1)

    def test_first_since_looks_at_its_own_room_only(self) -> None:
        log = self.make_log()
        self.append(log, line("a", 10, "#a"), line("b", 20, "#b"), line("b", 30, "#b"))
        self.assertEqual(self.wait(log.first_since("#b", NOW)), 1)
        self.assertEqual(self.wait(log.first_since("#a", NOW + 15)), 2)

    def test_first_since_skips_what_is_gone(self) -> None:
        log = self.make_log()
        self.append(log, *(line(str(n), n, by="@x" if 3 <= n <= 8 else "@y") for n in range(1, 11)))
        self.wait(log.forget("@x", NOW))
        asked = [0, 2, 3, 5, 8, 9, 10, 11]
        given = [self.wait(log.first_since("#lobby", NOW + at)) for at in asked]
        self.assertEqual(given, [1, 2, 9, 9, 9, 9, 10, 11])

    def test_first_since_with_everything_gone_is_above_the_head(self) -> None:
        log = self.make_log()
        self.append(log, line("1", 10, by="@x"), line("2", 20, by="@x"))
        self.wait(log.forget("@x", NOW))
        self.assertEqual(self.wait(log.first_since("#lobby", NOW)), 3)

    # Searching.

    def test_a_search_finds_lines_that_have_all_words_the_newest_first(self) -> None:
        log = self.make_log()
        self.append(log, said("the blue car"), said("a Car, BLUE!"), said("blue sky"), said("cars"))
        self.assertEqual(self.found(log, "blue car"), [2, 1])

    def test_a_search_gives_the_events_themselves(self) -> None:
        log = self.make_log()
        event = Event(0, NOW, "#lobby", Kind.ACTED, "Ålice", "eats\tcrème 🍰", by="@17")
        committed = self.append(log, event)
        self.assertEqual([hit.event for hit in self.search(log, "creme")], committed)

    def test_a_phrase_is_found_where_the_words_follow_one_another(self) -> None:
        log = self.make_log()
        self.append(log, said("one two three"), said("two one"), said("one three two"))
        self.assertEqual(self.found(log, '"one two"'), [1])

    def test_a_prefix_finds_what_begins_with_it(self) -> None:
        log = self.make_log()
        self.append(log, said("deploy"), said("deployed it"), said("redeploy"), said("dep"))
        self.assertEqual(self.found(log, "deploy*"), [2, 1])
        self.assertEqual(self.found(log, '"deployed i"*'), [2])

    def test_words_with_a_meaning_elsewhere_are_words(self) -> None:
        log = self.make_log()
        self.append(log, said("this OR that"), said("that"), said("NEAR NOT AND"), said("text who"))
        self.assertEqual(self.found(log, "or"), [1])
        self.assertEqual(self.found(log, "near not and"), [3])
        self.assertEqual(self.found(log, "place r1"), [])
        self.assertEqual(self.found(log, "r1"), [])

    def test_from_finds_what_one_person_said(self) -> None:
        log = self.make_log()
        self.append(log, said("lunch"), said("lunch", nick="Bob"), said("bob: lunch", nick="carol"))
        self.assertEqual(self.found(log, "lunch from:bOB"), [2])
        self.assertEqual(self.found(log, "lunch from:nobody"), [])

    def test_since_finds_what_is_not_older(self) -> None:
        log = self.make_log()
        self.append(log, *(line("tick", at) for at in (-7200, -3600, -60)))
        self.assertEqual(self.found(log, "tick since:1h"), [3, 2])
        self.assertEqual(self.found(log, "tick since:59m"), [3])
        self.assertEqual(self.found(log, "tick since:10s"), [])

    def test_before_finds_what_has_a_lower_number(self) -> None:
        log = self.make_log()
        for _ in range(4):
            self.append(log, said("tick", "#other"), said("tick"))
        self.assertEqual(self.found(log, "tick before:3"), [2, 1])
        self.assertEqual(self.found(log, "tick before:1"), [])
        self.assertEqual(self.found(log, "tick before:0"), [])
        self.assertEqual(self.found(log, "tick before:999999999999999999"), [4, 3, 2, 1])

    def test_a_search_gives_no_more_than_it_should(self) -> None:
        log = self.make_log()
        self.append(log, *(said("tick") for _ in range(5)))
        self.assertEqual(self.found(log, "tick", limit=2), [5, 4])
        self.assertEqual(self.found(log, "tick", limit=0), [])

    def test_context_is_what_stands_around_a_line(self) -> None:
        log = self.make_log()
        events = self.append(log, *(said(text) for text in ["a", "b", "HIT", "d", "e"]))
        self.append(log, said("x", "#other"))
        self.assertEqual(self.search(log, "hit -C 1"), [Hit(events[2], events[1:2], events[3:4])])
        self.assertEqual(self.search(log, "hit -C 5"), [Hit(events[2], events[:2], events[3:])])
        self.assertEqual(self.search(log, "hit"), [Hit(events[2], [], [])])
        self.assertEqual(self.search(log, "a -C 1"), [Hit(events[0], [], events[1:2])])

    def test_a_search_finds_nothing_of_other_rooms(self) -> None:
        log = self.make_log()
        self.append(log, said("tick", "#a"), said("tick", "#b"), said("tick", "@1"))
        self.assertEqual([hit.event.room for hit in self.search(log, "tick", "#b")], ["#b"])
        self.assertEqual([hit.event.room for hit in self.search(log, "tick", "@1")], ["@1"])
        self.assertEqual(self.search(log, "tick", "#void"), [])

    def test_a_search_does_not_look_at_the_room_in_the_query(self) -> None:
        log = self.make_log()
        self.append(log, said("tick", "#a"), said("tick", "#b"))
        self.assertEqual([hit.event.room for hit in self.search(log, "tick in:#b", "#a")], ["#a"])

    def test_a_search_finds_nothing_that_was_not_kept(self) -> None:
        log = self.make_log()
        self.append(log, joined("tick"), Event(0, NOW, "#lobby", Kind.LEFT, "alice", "tick"))
        self.assertEqual(self.search(log, "tick"), [])

    def test_a_search_finds_what_was_just_committed(self) -> None:
        log = self.make_log()
        for n in range(1, 4):
            self.append(log, said("tick"))
            self.assertEqual(len(self.found(log, "tick")), n)

    # Forgetting somebody.

    def test_forgetting_removes_what_one_identity_said_everywhere(self) -> None:
        log = self.make_log()
        self.append(
            log,
            line("a", room="#a", by="@1"),
            line("b", room="#a", by="@2"),
            line("c", room="#b", by="@1"),
            line("d", room="@2", by="@1"),
            line("e", room="@1", by="@2"),
            line("f", room="#a", by="@11"),
        )
        self.assertEqual(self.wait(log.forget("@1", NOW)), 3)
        rooms = ("#a", "#b", "@2", "@1")
        left = [event.text for room in rooms for event in self.wait(log.after(room, 0, 100))]
        self.assertEqual(left, ["b", "f", "e"])

    def test_forgetting_somebody_who_said_nothing_removes_nothing(self) -> None:
        log = self.make_log()
        self.append(log, line("a", by="@1"))
        self.assertEqual(self.wait(log.forget("@2", NOW)), 0)
        self.assertEqual(self.numbers(log), [1])

    def test_what_is_forgotten_is_skipped_in_both_directions(self) -> None:
        log = self.make_log()
        events = self.append(log, *(line(str(n), by=f"@{n % 2}") for n in range(1, 8)))
        self.wait(log.forget("@0", NOW))
        left = events[::2]
        self.assertEqual(self.wait(log.after("#lobby", 0, 100)), left)
        self.assertEqual(self.wait(log.after("#lobby", 2, 2)), left[1:3])
        self.assertEqual(self.wait(log.before("#lobby", 100, 100)), left)
        self.assertEqual(self.wait(log.before("#lobby", 6, 2)), left[1:3])

    def test_numbers_go_on_after_the_newest_was_forgotten(self) -> None:
        log = self.make_log()
        self.append(log, line("a", by="@1"), line("b", by="@2"), line("c", by="@2"))
        self.wait(log.forget("@2", NOW))
        self.assertEqual(self.wait(log.head("#lobby")), 3)
        self.assertEqual(self.append(log, joined("x"), line("d"))[1].seq, 4)

    def test_what_is_forgotten_is_found_no_more(self) -> None:
        log = self.make_log()
        self.append(log, line("tick", by="@1"), line("tick", by="@2"))
        self.assertEqual(self.found(log, "tick"), [2, 1])  # all words are indexed by now
        self.append(log, line("tick", by="@1"), line("tick", by="@2"))
        self.wait(log.forget("@1", NOW))
        self.assertEqual(self.found(log, "tick"), [4, 2])
        self.append(log, line("tick", by="@1"))
        self.assertEqual(self.found(log, "tick"), [5, 4, 2])

    def test_context_skips_what_is_forgotten(self) -> None:
        log = self.make_log()
        events = self.append(
            log, *(line(text, by=f"@{text}") for text in ["a", "b", "HIT", "d", "e"])
        )
        self.wait(log.forget("@b", NOW))
        self.wait(log.forget("@d", NOW))
        expected = [Hit(events[2], [events[0]], [events[4]])]
        self.assertEqual(self.search(log, "hit -C 1"), expected)

    def test_thousands_of_lines_are_forgotten(self) -> None:
        log = self.make_log()
        self.append(log, *(line("tick", n, by=f"@{n % 5 // 4}") for n in range(3125)))
        self.assertEqual(self.found(log, "tick", limit=2), [3125, 3124])
        self.assertEqual(self.wait(log.forget("@0", NOW)), 2500)
        self.assertEqual(self.numbers(log), list(range(5, 3126, 5)))
        self.assertEqual(self.found(log, "tick", limit=3), [3125, 3120, 3115])
        self.assertEqual(self.append(log, said("next"))[0].seq, 3126)

    # Pruning.

    def test_what_is_kept_for_good_stays(self) -> None:
        log = self.make_log()
        self.fill(log, 3)
        self.assertEqual(self.prune(log, now=1e9), 0)
        self.assertEqual(self.numbers(log), [1, 2, 3])

    def test_lines_that_are_too_old_go(self) -> None:
        log = self.make_log()
        self.append(log, *(line(str(at), at) for at in (10, 20, 30, 40)))
        self.assertEqual(self.prune(log, now=90, default=Keep(seconds=60)), 2)
        self.assertEqual(self.numbers(log), [3, 4])
        self.assertEqual(self.prune(log, now=90, default=Keep(seconds=60)), 0)

    def test_lines_that_are_too_many_go(self) -> None:
        log = self.make_log()
        self.fill(log, 5)
        self.assertEqual(self.prune(log, default=Keep(lines=2)), 3)
        self.assertEqual(self.numbers(log), [4, 5])
        self.assertEqual(self.prune(log, default=Keep(lines=2)), 0)

    def test_either_limit_is_enough(self) -> None:
        log = self.make_log()
        self.append(log, *(line(str(at), at) for at in (10, 20, 30, 40)))
        self.assertEqual(self.prune(log, now=75, default=Keep(seconds=60, lines=2)), 2)
        self.assertEqual(self.prune(log, now=95, default=Keep(seconds=60, lines=3)), 1)
        self.assertEqual(self.numbers(log), [4])

    def test_the_order_of_numbers_decides_if_the_clock_was_set_back(self) -> None:
        log = self.make_log()
        self.append(log, *(line(str(at), at) for at in (10, 90, 10, 20, 95)))
        self.assertEqual(self.prune(log, now=100, default=Keep(seconds=60)), 1)
        self.assertEqual(self.numbers(log), [2, 3, 4, 5])
        self.assertEqual(self.prune(log, now=151, default=Keep(seconds=60)), 3)
        self.assertEqual(self.numbers(log), [5])

    def test_each_room_has_a_rule_of_its_own(self) -> None:
        log = self.make_log()
        for room in ("#a", "#B", "#c"):
            self.append(log, *(line(str(at), at, room) for at in (10, 20, 30)))
        count = self.prune(log, now=75, a=Keep(lines=1), b=Keep(), default=Keep(seconds=60))
        self.assertEqual(count, 3)
        left = [self.numbers(log, room) for room in ("#a", "#B", "#c")]
        self.assertEqual(left, [[3], [1, 2, 3], [2, 3]])

    def test_inboxes_are_kept_for_a_day_whatever_rooms_have(self) -> None:
        log = self.make_log()
        self.append(log, line("a", 0, "@1"), line("b", 10, "@1"), line("c", 0))
        self.assertEqual(self.prune(log, now=86400, default=Keep(lines=1)), 0)
        self.assertEqual(self.prune(log, now=86405), 1)
        self.assertEqual((self.numbers(log, "@1"), self.numbers(log)), ([2], [1]))

    def test_after_pruning_everything_numbers_go_on(self) -> None:
        log = self.make_log()
        self.fill(log, 3)
        self.assertEqual(self.prune(log, now=100, default=Keep(seconds=60)), 3)
        self.assertEqual(self.numbers(log), [])
        self.assertEqual(self.wait(log.head("#lobby")), 3)
        self.assertEqual(self.append(log, joined("x"), said("4"))[1].seq, 4)
        self.assertEqual(self.numbers(log), [4])

    def test_an_inbox_that_was_pruned_never_counts_backwards(self) -> None:
        log = self.make_log()
        self.append(log, *(line(str(n), 0, "@1") for n in range(5)))
        self.assertEqual(self.prune(log, now=100_000), 5)
        self.assertGreaterEqual(self.wait(log.head("@1")), 5)
        self.assertGreater(self.wait(log.first_since("@1", NOW)), 5)
        late = self.append(log, line("late", 100_000, "@1"))[0]
        self.assertGreater(late.seq, 5)
        self.assertEqual(self.wait(log.after("@1", 5, 10)), [late])

    def test_what_was_pruned_is_found_no_more(self) -> None:
        log = self.make_log()
        self.append(log, line("tick"), line("tick"))
        self.assertEqual(self.found(log, "tick"), [2, 1])
        self.append(log, line("tick"), line("tick"))
        self.prune(log, default=Keep(lines=1))
        self.assertEqual(self.found(log, "tick"), [4])

    def test_first_since_goes_on_from_what_is_left_after_pruning(self) -> None:
        log = self.make_log()
        self.append(log, *(line(str(n), n) for n in range(1, 11)))
        self.prune(log, default=Keep(lines=4))
        asked = [0, 5, 7, 8, 11]
        given = [self.wait(log.first_since("#lobby", NOW + at)) for at in asked]
        self.assertEqual(given, [7, 7, 7, 8, 11])

    def test_thousands_of_lines_are_pruned(self) -> None:
        log = self.make_log()
        self.append(log, *(line("tick", n) for n in range(2500)))
        self.append(log, *(line("tick", 0, f"@{n}") for n in range(250)))
        self.assertEqual(self.prune(log, now=86401, default=Keep(lines=5)), 2495 + 250)
        self.assertEqual(self.numbers(log), list(range(2496, 2501)))
        self.assertEqual(self.found(log, "tick"), list(range(2500, 2495, -1)))
        self.assertEqual(self.append(log, said("next"))[0].seq, 2501)

    # Who said it.

    def test_the_identity_survives(self) -> None:
        log = self.make_log()
        event = Event(0, NOW + 0.125, "@2", Kind.PRIVATE, "alice", "hi", to="Bob", by="@1")
        committed = self.append(log, event)
        self.assertEqual(committed, [event.numbered(1)])
        self.assertEqual(self.wait(log.after("@2", 0, 10)), committed)
        self.assertEqual(self.wait(log.before("@2", 10, 10)), committed)

    # Trouble.

    def test_all_is_well(self) -> None:
        log = self.make_log()
        told: list[str] = []
        log.watch(told.append)
        log.check()
        self.fill(log, 2)
        self.assertEqual((log.trouble, told), ("", []))

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

    def test_after_closing_asking_says_so(self) -> None:
        log = self.make_log()
        self.wait(log.close())
        refusals = [self.assertRaises(ChatError, log.check)]
        refusals += [
            self.assertRaises(ChatError, self.append, log, *events)
            for events in ([said("too late")], [joined("late")], [])
        ]
        self.assertEqual({refusal.code for refusal in refusals}, {Code.CLOSING})

    def test_after_closing_all_can_still_be_read(self) -> None:
        log = self.make_log()
        events = self.fill(log, 5)
        self.wait(log.close())
        self.assertEqual(self.wait(log.after("#lobby", 2, 100)), events[2:])
        self.assertEqual(self.wait(log.before("#lobby", 3, 100)), events[:2])
        self.assertEqual(self.wait(log.first_since("#lobby", NOW)), 1)
        self.assertEqual(self.wait(log.head("#lobby")), 5)
        self.assertEqual(self.wait(log.head("#void")), 0)
        self.search(log, "1")  # it answers; what is not indexed may be missing

    def test_closing_twice_is_closing(self) -> None:
        log = self.make_log()
        first, second = log.close(), log.close()
        self.wait(second)
        self.wait(first)
        self.wait(log.close())
