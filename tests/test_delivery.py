"""Committed events on their way to members: in order, in one call a turn (threat 25)."""

from collections import Counter
from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from chatservice.delivery import feed as feed_module
from chatservice.delivery.delivery import ENOUGH
from chatservice.events import Kind
from tests.fakes import NOT_STORED, FailingLog, Lines, Member, Scene, numbers, texts

A, B = "#a", "#b"


class Turns(SynchronousTestCase):
    """What is committed in one turn of the reactor goes out at its end."""

    def setUp(self) -> None:
        self.scene = Scene()

    def test_nothing_goes_out_before_the_end_of_the_turn(self) -> None:
        member = self.scene.member(A)
        self.scene.commit("1")
        self.assertEqual(member.given, [])
        self.scene.turn()
        self.assertEqual(texts(member), ["1"])

    def test_all_of_a_turn_is_given_with_one_call_for_each_room(self) -> None:
        members = [self.scene.member(A, B) for _ in range(3)]
        for n in range(10):
            self.scene.commit(str(n), room=A)
            self.scene.commit(str(n), room=B)
        self.scene.turn()
        for member in members:
            self.assertEqual(Counter(room for room, _ in member.given), {A: 1, B: 1})
            self.assertEqual(len(member.events), 20)

    def test_an_event_is_encoded_once_for_each_dialect_however_many_hear_it(self) -> None:
        dialects = [Lines(), Lines()]
        for dialect in dialects * 10:
            self.scene.member(A, dialect=dialect)
        self.scene.publish("1", "2", "3")
        self.scene.publish("4")
        for dialect in dialects:
            self.assertEqual([*dialect.encoded.values()], [1, 1, 1, 1])

    def test_those_who_are_behind_cost_no_encoding_either(self) -> None:
        dialect = Lines()
        live, slow = (self.scene.member(A, dialect=dialect) for _ in range(2))
        slow.stalled = True
        for n in range(5):
            self.scene.publish(str(n))
        self.scene.read(slow)
        self.assertEqual([*dialect.encoded.values()], [1] * 5)
        self.assertEqual(slow.lines(), live.lines())

    def test_answers_come_after_what_was_committed_before_them_and_in_one_call(self) -> None:
        member = self.scene.member(A)
        self.scene.commit("1")
        self.scene.tell(member, "one", "two")
        self.scene.tell(member, "three")
        self.scene.turn()
        self.assertEqual(
            member.given,
            [(A, b"alice: 1\n"), ("", b"-- one\n-- two\n-- three\n")],
        )

    def test_an_answer_does_not_wait_for_the_end_of_the_turn_when_nothing_comes_first(self) -> None:
        member = self.scene.member(A)
        self.scene.tell(member, "answer")
        self.assertEqual(member.lines(), ["-- answer"])

    def test_answers_come_before_what_is_committed_after_them_in_the_same_turn(self) -> None:
        member = self.scene.member(A)
        self.scene.commit("1")
        self.scene.tell(member, "answer")
        self.scene.commit("2")
        self.scene.turn()
        self.assertEqual(member.lines(), ["alice: 1", "-- answer", "alice: 2"])

    def test_so_also_before_what_is_committed_after_them_in_another_room(self) -> None:
        member = self.scene.member(A, B)
        self.scene.commit("1", room=A)
        self.scene.tell(member, "answer")
        self.scene.commit("2", room=B)
        self.scene.turn()
        self.assertEqual(member.lines(), ["alice: 1", "-- answer", "alice: 2"])

    def test_who_is_answered_meanwhile_keeps_its_place_among_the_others(self) -> None:
        order: list[int] = []
        members = [self.scene.member(A) for _ in range(3)]
        for n, member in enumerate(members):
            member.spend = partial(order.append, n)
        self.scene.commit("1")
        self.scene.tell(members[0], "answer")
        self.scene.commit("2")
        self.scene.turn()
        self.assertEqual(order, [0, 1, 2])

    def test_who_is_answered_meanwhile_and_does_not_read_gets_the_rest_later(self) -> None:
        member = self.scene.member(A)
        member.stalled = True
        self.scene.commit("1")
        self.scene.tell(member, "answer")
        self.scene.commit("2")
        self.scene.turn()
        self.scene.publish("3")
        self.assertEqual(member.lines(), ["alice: 1", "-- answer", "alice: 2"])
        self.scene.read(member)
        self.assertEqual(member.lines()[3:], ["alice: 3"])
        self.assertEqual(member.wrongs, [])

    def test_nobody_hears_a_room_it_is_not_in(self) -> None:
        member = self.scene.member(A)
        self.scene.publish("secret", room=B)
        self.assertEqual(member.given, [])

    def test_a_room_that_nobody_hears_is_forgotten(self) -> None:
        member = self.scene.member(A, B)
        self.scene.publish("1")
        self.scene.delivery.drop(member)
        self.assertEqual(self.scene.delivery._feeds, {})

    def test_without_a_reactor_every_line_is_delivered_at_once(self) -> None:
        scene = Scene(standalone=True)
        member = scene.member(A)
        scene.commit("1")
        self.assertEqual(texts(member), ["1"])
        scene.tell(member, "answer")
        self.assertEqual(member.lines(""), ["-- answer"])
        scene.delivery.finish(member)
        self.assertEqual(member.disconnects, 1)


class Resting(SynchronousTestCase):
    """A room with many members, as it were: it takes 6 ms to hand something out."""

    def setUp(self) -> None:
        self.scene = Scene(cost=0.006)
        self.member = self.scene.member("#a")

    def test_the_first_line_goes_out_at_once(self) -> None:
        self.scene.publish("one")
        self.assertEqual(self.member.lines(), ["alice: one"])

    def test_what_comes_while_the_room_rests_makes_one_batch(self) -> None:
        self.scene.publish("one")
        self.scene.publish("two")
        self.scene.clock.advance(0.001)
        self.scene.publish("three")
        self.assertEqual(self.member.lines(), ["alice: one"])
        self.scene.clock.advance(0.001)
        self.assertEqual(self.member.given[1:], [("#a", b"alice: two\nalice: three\n")])

    def test_who_is_answered_while_the_room_rests_is_not_behind_and_is_called_once(self) -> None:
        self.scene.publish("one")
        self.scene.commit("two")
        self.scene.tell(self.member, "answer")
        self.scene.turn()
        self.assertEqual(self.scene.delivery.backlog(), (0, 0, 0))
        self.scene.commit("three")
        self.scene.clock.advance(0.002)
        self.assertEqual(
            self.member.lines(), ["alice: one", "alice: two", "-- answer", "alice: three"]
        )
        self.assertEqual(self.member.calls, 2)

    def test_after_silence_a_line_goes_out_at_once_again(self) -> None:
        self.scene.publish("one")
        self.scene.clock.advance(0.002)
        self.scene.publish("two")
        self.assertEqual(self.member.lines(), ["alice: one", "alice: two"])

    def test_a_room_rests_for_no_more_than_20_ms_however_many_hear_it(self) -> None:
        self.scene.cost = 5.0
        self.scene.publish("one")
        self.scene.publish("two")
        self.scene.clock.advance(0.0199)
        self.assertEqual(self.member.lines(), ["alice: one"])
        self.scene.clock.advance(0.0001)
        self.assertEqual(self.member.lines(), ["alice: one", "alice: two"])

    def test_a_room_that_hands_out_quickly_or_much_at_a_time_does_not_rest(self) -> None:
        self.scene.commit(*(str(n) for n in range(ENOUGH)))
        self.scene.turn()
        self.scene.cost = 0.001
        self.scene.publish("one")
        self.scene.publish("two")
        self.assertEqual(len(self.member.lines()), ENOUGH + 2)

    def test_a_room_that_rests_holds_up_no_other_room(self) -> None:
        other = self.scene.member("#b")
        self.scene.publish("one")
        self.scene.publish("two", room="#b")
        self.assertEqual(other.lines(), ["alice: two"])

    def test_when_nothing_is_said_no_timer_remains(self) -> None:
        self.scene.publish("one")
        self.scene.clock.advance(0.02)
        self.assertEqual(self.scene.clock.getDelayedCalls(), [])

    def test_who_enters_finishes_or_is_answered_meanwhile_gets_its_own_and_no_more(self) -> None:
        self.scene.publish("one")
        self.scene.commit("two")
        newcomer = Member()
        self.scene.delivery.add(newcomer)
        self.scene.enter(newcomer, "#a")
        self.scene.commit("three")
        self.scene.tell(newcomer, "answer")
        self.scene.delivery.finish(self.member)
        self.scene.commit("four")
        self.scene.rest()
        self.assertEqual(newcomer.lines(), ["alice: three", "-- answer", "alice: four"])
        self.assertEqual(self.member.lines(), ["alice: one", "alice: two", "alice: three"])
        self.assertEqual(self.member.disconnects, 1)

    def test_an_answer_waits_for_nothing_from_a_room_that_was_left(self) -> None:
        leaver = self.scene.member("#a", "#b")
        self.scene.stall(leaver)
        self.scene.publish("one")
        self.scene.delivery.exit(leaver, "#a")
        self.scene.commit("two")  # waits, since the room rests
        self.scene.tell(leaver, "answer")
        self.scene.read(leaver)
        self.assertEqual(leaver.lines(), ["-- held", "alice: one", "-- answer"])
        self.scene.rest()
        self.scene.publish("three", room="#b")
        self.assertEqual(leaver.lines()[3:], ["alice: three"])

    def test_who_leaves_at_once_a_room_that_rests_hears_the_others(self) -> None:
        """It waits for what was said before it came, as its answers do, and is not forgotten."""
        self.scene.publish("one")
        visitor = self.scene.member("#b")
        self.scene.commit("two")  # waits, since the room rests
        self.scene.enter(visitor, "#a")
        self.scene.delivery.exit(visitor, "#a")
        self.scene.rest()
        self.scene.publish("three", room="#b")
        self.assertEqual(visitor.lines(), ["alice: three"])

    def test_who_comes_is_answered_and_finishes_meanwhile_gets_the_answer(self) -> None:
        self.scene.publish("one")
        self.scene.commit("two")  # waits, since the room rests
        visitor = Member()
        self.scene.delivery.add(visitor)
        self.scene.enter(visitor, "#a")
        self.scene.tell(visitor, "answer")
        self.scene.delivery.finish(visitor)
        self.scene.rest()
        self.assertEqual((visitor.lines(), visitor.disconnects), (["-- answer"], 1))

    def test_who_waits_in_one_room_is_given_what_comes_in_others(self) -> None:
        member = self.scene.member("#a", "#b")
        other = self.scene.member("#b")
        for n in range(20):  # whenever one room goes on, the other rests with something to say
            self.scene.commit(f"a{n}")
            self.scene.clock.advance(0.001)
            self.scene.commit(f"b{n}", room="#b")
            if n == 3:
                self.scene.tell(member, "answer")
            self.scene.clock.advance(0.001)
        self.assertIn("-- answer", member.lines())
        self.scene.rest()
        self.assertEqual(len(member.lines()), 41)
        self.assertEqual(len(other.lines()), 20)


class ComingAndGoing(SynchronousTestCase):
    """Membership changes and events are one sequence."""

    def setUp(self) -> None:
        self.scene = Scene()

    def test_who_enters_within_a_turn_gets_what_follows_and_nothing_from_before(self) -> None:
        there = self.scene.member(A)
        new = self.scene.member()
        self.scene.commit("before")
        self.scene.enter(new, A)
        self.scene.commit("after")
        self.scene.turn()
        self.assertEqual((texts(there), texts(new)), (["before", "after"], ["after"]))

    def test_entering_twice_changes_nothing(self) -> None:
        member = self.scene.member(A)
        self.scene.commit("1")
        self.scene.enter(member, A)
        self.scene.commit("2")
        self.scene.turn()
        self.assertEqual(texts(member), ["1", "2"])

    def test_who_comes_again_and_reads_before_the_turn_ends_hears_what_follows(self) -> None:
        member = self.scene.member(A)
        self.scene.stall(member)
        self.scene.delivery.exit(member, A)
        self.scene.turn()
        self.scene.commit("between")
        self.scene.enter(member, A)
        member.stalled = False
        self.scene.delivery.drained(member)
        self.scene.turn()
        self.scene.publish("after")
        self.assertEqual(texts(member), ["after"])

    def test_who_finishes_within_a_turn_gets_what_came_before_and_is_disconnected(self) -> None:
        member = self.scene.member(A)
        self.scene.commit("before")
        self.scene.delivery.finish(member)
        self.scene.commit("after")
        self.assertEqual(member.disconnects, 0)
        self.scene.turn()
        self.assertEqual((texts(member), member.disconnects), (["before"], 1))

    def test_finishing_twice_disconnects_once(self) -> None:
        member = self.scene.member(A)
        for _ in range(3):
            self.scene.delivery.finish(member)
            self.scene.turn()
        self.assertEqual(member.disconnects, 1)

    def test_last_words_are_given_before_disconnecting(self) -> None:
        member = self.scene.member(A)
        self.scene.tell(member, "goodbye")
        self.scene.delivery.finish(member)
        self.scene.turn()
        self.assertEqual((member.lines(), member.disconnects), (["-- goodbye"], 1))
        self.assertEqual(member.wrongs, [])

    def test_who_enters_after_finishing_stays_out(self) -> None:
        member = self.scene.member()
        self.scene.delivery.finish(member)
        self.scene.enter(member, A)
        self.scene.publish("1")
        self.assertEqual((texts(member), member.disconnects), ([], 1))

    def test_a_slow_member_that_finishes_gets_the_rest_first(self) -> None:
        member = self.scene.member(A)
        self.scene.stall(member)
        self.scene.publish("1", "2")
        self.scene.delivery.finish(member)
        self.scene.publish("3")
        self.assertEqual((texts(member), member.disconnects), ([], 0))
        self.scene.read(member)
        self.assertEqual((texts(member), member.disconnects), (["1", "2"], 1))

    def test_a_very_slow_member_that_finishes_gets_nothing_from_afterwards(self) -> None:
        self.patch(feed_module, "RECENT", 1000)
        member = self.scene.member(A)
        self.scene.stall(member)
        self.scene.publish("before")
        self.scene.delivery.finish(member)
        self.scene.fill(20)  # pushes what is due to the member out of the recent batches
        self.scene.read(member)
        self.assertEqual((texts(member), member.disconnects), (["before"], 1))

    def test_who_is_dropped_gets_nothing_any_more_and_is_not_disconnected(self) -> None:
        member = self.scene.member(A)
        self.scene.commit("1")
        self.scene.delivery.drop(member)
        self.scene.tell(member, "late")
        self.scene.publish("2")
        self.scene.delivery.drained(member)
        self.scene.delivery.drop(member)
        self.assertEqual((member.given, member.disconnects), ([], 0))

    def test_who_is_answered_and_dropped_within_a_turn_gets_nothing(self) -> None:
        member = self.scene.member(A)
        self.scene.commit("1")
        self.scene.tell(member, "answer")
        self.scene.delivery.drop(member)
        self.scene.turn()
        self.assertEqual(member.given, [])


class Broken(SynchronousTestCase):
    """A member whose connection fails goes; nobody else notices (threat 25)."""

    def setUp(self) -> None:
        self.scene = Scene()

    def test_a_member_that_raises_is_disconnected_and_the_others_get_everything(self) -> None:
        first, broken, last = (self.scene.member(A) for _ in range(3))
        broken.broken = True
        self.scene.publish("1")
        self.scene.publish("2")
        self.assertEqual((texts(first), texts(last)), (["1", "2"], ["1", "2"]))
        self.assertEqual(broken.disconnects, 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_also_when_it_cannot_even_be_disconnected(self) -> None:
        class Hopeless(Member):
            def disconnect(self) -> None:
                raise OSError("not even that")

        hopeless = Hopeless()
        self.scene.delivery.add(hopeless)
        self.scene.enter(hopeless, A)
        healthy = self.scene.member(A)
        hopeless.broken = True
        self.scene.publish("1")
        self.scene.publish("2")
        self.assertEqual(texts(healthy), ["1", "2"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError, OSError)), 2)

    def test_also_when_it_raises_on_an_answer(self) -> None:
        broken, healthy = self.scene.member(A), self.scene.member(A)
        broken.broken = True
        self.scene.tell(broken, "answer")
        self.scene.publish("1")
        self.assertEqual((broken.disconnects, texts(healthy)), (1, ["1"]))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_also_when_it_cannot_be_disconnected_after_it_has_caught_up(self) -> None:
        class Clinging(Member):
            def disconnect(self) -> None:
                raise OSError("not yet")

        clinging = Clinging()
        self.scene.delivery.add(clinging)
        self.scene.enter(clinging, A)
        healthy = self.scene.member(A)
        self.scene.delivery.finish(clinging)
        self.scene.publish("1")
        self.assertEqual(texts(healthy), ["1"])
        logged = self.flushLoggedErrors()
        self.assertEqual([str(failure.value) for failure in logged], ["not yet", "not yet"])

    def test_also_when_it_raises_while_catching_up(self) -> None:
        broken, healthy = self.scene.member(A), self.scene.member(A)
        self.scene.stall(broken)
        self.scene.publish("1")
        broken.broken = True
        self.scene.read(broken)
        self.scene.publish("2")
        self.assertEqual((broken.disconnects, texts(healthy)), (1, ["1", "2"]))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def behind_a_failing_log(self, failing: Exception) -> tuple[FailingLog, Member, Member]:
        """Return a log, a member that is far behind and one that is not."""
        self.patch(feed_module, "RECENT", 1000)
        log = FailingLog()
        self.scene = Scene(log)
        slow, healthy = self.scene.member(A), self.scene.member(A)
        self.scene.stall(slow)
        self.scene.fill(10)
        log.failing = failing
        return log, slow, healthy

    def test_who_cannot_be_given_the_past_is_told_and_gets_what_is_at_hand(self) -> None:
        log, slow, healthy = self.behind_a_failing_log(NOT_STORED)
        self.scene.read(slow)
        log.failing = None
        self.scene.publish("11")
        self.assertEqual((slow.disconnects, texts(slow)), (0, ["10", "11"]))
        refusals = [event.nick for event in slow.events if event.kind is Kind.ERROR]
        self.assertEqual(refusals, [NOT_STORED.code])
        self.assertEqual(texts(healthy), numbers(1, 11))

    def test_a_log_that_is_broken_costs_only_the_member_that_needed_it(self) -> None:
        log, slow, healthy = self.behind_a_failing_log(RuntimeError("broken"))
        self.scene.read(slow)
        log.failing = None
        self.scene.publish("11")
        self.assertEqual((slow.disconnects, texts(healthy)), (1, numbers(1, 11)))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
