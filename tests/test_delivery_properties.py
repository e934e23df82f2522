"""Whatever happens in whatever order: everybody gets what is due to them, once and in order.

Members enter rooms, stall, read, are answered, finish and are dropped between lines of two rooms; a
model notes for each member what is due to it. It need not know when the turns end.
"""

from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.delivery import feed as feed_module
from chatservice.delivery import reader, recall
from chatservice.events import Event
from chatservice.plain import render
from tests.fakes import Lines, Member, Scene, joined, quick, said

ROOMS = ("#a", "#b")
PEOPLE = 3
COST = 0.004  # seconds; with three members a room then rests for 4 ms, longer than a step

Step = tuple[str, int, int]


def scripts(names: str, min_size: int = 0, max_size: int = 60) -> st.SearchStrategy[list[Step]]:
    """Sequences of what may happen; what is named more often happens more often."""
    people, rooms = st.integers(0, PEOPLE - 1), st.integers(0, len(ROOMS) - 1)
    step = st.tuples(st.sampled_from(names.split()), people, rooms)
    return st.lists(step, min_size=min_size, max_size=max_size)


steps = scripts(
    "say say say come many turn turn enter enter leave stall read read tell finish drop"
)
undisturbed = scripts("say say come many turn enter enter tell tell")
restless = st.builds(
    lambda before, after: [*before, *after],
    scripts("enter enter turn", 3, 5),
    scripts("say say come turn turn rest enter leave stall read tell tell finish drop", 15, 40),
)
busy = st.builds(
    lambda before, after: [*before, *after],
    scripts("enter enter turn", 4, 8),
    scripts("say say turn rest enter leave tell", 20, 60),
)
unhurried = scripts("say turn rest enter tell", 10)
slow = st.builds(
    lambda before, after: [*before, *after],
    scripts("say enter enter enter turn", 8, 12),
    scripts("many many say come turn turn turn stall stall read finish tell", 20, 40),
)


class Expectation:
    """A member, and what is due to it."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.rooms: dict[str, list[Event]] = {}
        self.inside: set[str] = set()
        self.script: list[tuple[str, str]] = []  # all that is due: rooms, and lines
        self.finished = False
        self.dropped = False
        self.given_when_dropped = 0

    @property
    def present(self) -> bool:
        return not self.finished and not self.dropped


class Play:
    """Goes through steps; the members are all there from the start, in no room."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.dialect = Lines()
        self.people = [Expectation(scene.member(dialect=self.dialect)) for _ in range(PEOPLE)]
        self.count = 0

    def go(self, steps: Iterable[Step]) -> None:
        """Go through all steps, then let everybody read everything."""
        for name, person, room in steps:
            getattr(self, name)(self.people[person], ROOMS[room])
        for one in self.people:
            self.read(one, "")
        self.scene.rest()

    def say(self, _: Expectation, room: str, events: int = 1) -> None:
        self.commit(room, [said(self.unique(), room) for _ in range(events)])

    def come(self, _: Expectation, room: str) -> None:
        self.commit(room, [joined(f"n{self.unique()}", room)])

    def many(self, one: Expectation, room: str) -> None:
        self.say(one, room, 7)

    def turn(self, _: Expectation, room: str) -> None:
        self.scene.turn()

    def rest(self, _: Expectation, room: str) -> None:
        self.scene.clock.advance(0.003)

    def enter(self, one: Expectation, room: str) -> None:
        self.scene.enter(one.member, room)
        if one.present:
            one.rooms.setdefault(room, [])
            one.inside.add(room)

    def leave(self, one: Expectation, room: str) -> None:
        self.scene.delivery.exit(one.member, room)
        one.inside.discard(room)

    def stall(self, one: Expectation, _: str) -> None:
        one.member.stalled = True

    def read(self, one: Expectation, _: str) -> None:
        held = one.member.holding
        one.member.stalled = one.member.holding = False
        if held:
            self.scene.delivery.drained(one.member)

    def tell(self, one: Expectation, _: str) -> None:
        if one.present:
            answer = self.unique()
            one.script.append(("", f"-- {answer}"))
            self.scene.tell(one.member, answer)

    def finish(self, one: Expectation, _: str) -> None:
        self.scene.delivery.finish(one.member)
        one.finished = True

    def drop(self, one: Expectation, _: str) -> None:
        self.scene.delivery.drop(one.member)
        if not one.dropped:
            one.dropped = True
            one.given_when_dropped = len(one.member.given)

    def commit(self, room: str, events: Sequence[Event]) -> None:
        self.scene.log.append(events)
        for one in self.people:
            if one.present and room in one.inside:
                one.rooms[room] += events
                one.script += [(room, render(event)) for event in events]

    def unique(self) -> str:
        self.count += 1
        return f"{self.count} ".ljust(20, "x")


class Everybody(SynchronousTestCase):
    """While the recent batches reach back to everybody."""

    def check(self, play: Play) -> None:
        """Everybody has exactly what is due; who was dropped, a beginning of it."""
        for one in play.people:
            for room in ROOMS:
                got = one.member.lines(room)
                due = list(map(render, one.rooms.get(room, [])))
                self.assertEqual(got, due[: len(got)] if one.dropped else due)
            check_end(self, one)

    @quick
    @given(steps)
    def test_gets_what_follows_its_entering_up_to_its_end_once_and_in_order(
        self, steps: list[Step]
    ) -> None:
        self.check(played(steps))

    @quick
    @given(steps)
    def test_so_also_without_turns(self, steps: list[Step]) -> None:
        self.check(played(steps, standalone=True))

    @quick
    @given(steps)
    def test_so_also_in_small_pieces(self, steps: list[Step]) -> None:
        self.patch(feed_module, "PIECE", 200)
        self.check(played(steps))

    @quick
    @given(restless)
    def test_so_also_while_rooms_rest(self, steps: list[Step]) -> None:
        self.check(played(steps, cost=COST))

    @quick
    @given(st.one_of(busy, restless))
    def test_nobody_is_forgotten_while_rooms_rest(self, steps: list[Step]) -> None:
        """Whoever is in a room at the end hears what is said there next."""
        play = played(steps, cost=COST)
        self.check(play)
        for room in ROOMS:
            play.say(play.people[0], room)
        play.scene.rest()
        self.check(play)

    @quick
    @given(undisturbed)
    def test_answers_stand_where_they_belong_among_the_lines_of_each_room(
        self, steps: list[Step]
    ) -> None:
        self.check_answers(played(steps))

    @quick
    @given(unhurried)
    def test_so_do_answers_while_rooms_rest(self, steps: list[Step]) -> None:
        self.check_answers(played(steps, cost=COST))

    def check_answers(self, play: Play) -> None:
        """Everybody's answers stand behind what was committed before, before what came after."""
        for one in play.people:
            got = [
                (room, line)
                for room, data in one.member.given
                for line in data.decode().splitlines()
            ]
            for name in ROOMS:
                due = [line for line in one.script if line[0] in (name, "")]
                self.assertEqual([line for line in got if line[0] in (name, "")], due)

    @quick
    @given(steps)
    def test_no_event_is_ever_encoded_twice(self, steps: list[Step]) -> None:
        play = played(steps)
        twice = [event for event, count in play.dialect.encoded.items() if count > 1]
        self.assertEqual(twice, [])

    @quick
    @given(st.lists(st.integers(0, len(ROOMS) - 1), max_size=20))
    def test_who_reads_is_called_once_a_turn_for_each_room(self, rooms: list[int]) -> None:
        play = Play(Scene())
        for one in play.people:
            for name in ROOMS:
                play.enter(one, name)
        play.scene.turn()
        for room in rooms:
            play.say(play.people[0], ROOMS[room])
        play.scene.turn()
        for one in play.people:
            given = [name for name, _ in one.member.given]
            self.assertEqual(sorted(given), sorted({ROOMS[room] for room in rooms}))

    @quick
    @given(steps)
    def test_when_all_are_gone_nothing_is_left(self, steps: list[Step]) -> None:
        play = played(steps)
        for one in play.people:
            play.drop(one, "")
        play.scene.turn()
        delivery = play.scene.delivery
        self.assertEqual((delivery._feeds, delivery._readers), ({}, {}))


class EverybodyFarBehind(SynchronousTestCase):
    """When the recent batches are few: what is kept is read from the log, and none is missing."""

    def setUp(self) -> None:
        self.patch(feed_module, "RECENT", 300)
        self.patch(feed_module, "PIECE", 200)
        for module in (reader, recall):
            self.patch(module, "PAGE", 3)

    def check(self, play: Play) -> None:
        """Everybody has all that is due and kept, once and in order; the rest may be missing."""
        for one in play.people:
            for room in ROOMS:
                events = one.rooms.get(room, [])
                due = list(map(render, events))
                kept = {render(event) for event in events if event.kind.kept}
                got = one.member.lines(room)
                if one.dropped:  # all that is kept up to the last line that it got
                    kept &= set(due[: due.index(got[-1]) + 1] if got else ())
                self.assertEqual(got, [line for line in due if line in kept or line in got])
            check_end(self, one)

    @quick
    @given(slow)
    def test_gets_what_follows_its_entering_up_to_its_end_once_and_in_order(
        self, steps: list[Step]
    ) -> None:
        self.check(played(steps))

    @quick
    @given(slow)
    def test_so_also_without_turns(self, steps: list[Step]) -> None:
        self.check(played(steps, standalone=True))


def played(steps: list[Step], standalone: bool = False, cost: float = 0.0) -> Play:
    """Go through steps in a new scene."""
    play = Play(Scene(standalone=standalone, cost=cost))
    play.go(steps)
    return play


def check_end(test: SynchronousTestCase, one: Expectation) -> None:
    """All answers came, it was disconnected once if it finished, and nothing came afterwards."""
    test.assertEqual(one.member.wrongs, [])
    if one.dropped:
        test.assertEqual(len(one.member.given), one.given_when_dropped)
        test.assertLessEqual(one.member.disconnects, one.finished)
    else:
        test.assertEqual(one.member.disconnects, one.finished)
        answers = [line for room, line in one.script if not room]
        test.assertEqual(one.member.lines(""), answers)
