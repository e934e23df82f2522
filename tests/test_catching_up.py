"""Who is behind: stalled members, catching up, and conversations until they are read (threat 9)."""

import tracemalloc

from twisted.trial.unittest import SynchronousTestCase

from chatservice.delivery import feed as feed_module
from chatservice.delivery import reader, recall
from chatservice.delivery.feed import PIECE
from chatservice.store.memory import MemoryLog
from tests.fakes import Scene, SlowLog, joined, numbers, said, texts

A, B = "#a", "#b"


class Behind(SynchronousTestCase):
    """Who does not read costs a cursor, and loses nothing (threat 9)."""

    def setUp(self) -> None:
        self.log = SlowLog()
        self.scene = Scene(self.log)
        self.slow, self.live = self.scene.member(A, B), self.scene.member(A)

    def test_while_it_holds_a_rest_it_is_given_no_more_of_any_room(self) -> None:
        self.slow.stalled = True
        self.scene.commit("1")
        self.scene.commit("2", room=B)
        self.scene.turn()
        self.scene.publish("3")
        self.assertEqual((texts(self.slow), texts(self.live)), (["1"], ["1", "3"]))
        self.assertEqual(self.slow.wrongs, [])

    def test_answers_do_not_wait_for_it_to_read(self) -> None:
        self.scene.stall(self.slow)
        self.scene.tell(self.slow, "answer")
        self.scene.turn()
        self.assertEqual(self.slow.lines(""), ["-- held", "-- answer"])

    def test_it_catches_up_and_is_live_again(self) -> None:
        self.scene.stall(self.slow)
        self.scene.fill(5)
        self.scene.read(self.slow)
        self.assertEqual(texts(self.slow), numbers(1, 5))
        self.scene.publish("6")
        self.assertEqual(texts(self.slow), numbers(1, 6))

    def test_it_catches_up_also_with_what_is_not_kept(self) -> None:
        self.scene.stall(self.slow)
        self.log.append([said("1", A), joined("bob", A), said("2", A)])
        self.scene.turn()
        self.scene.read(self.slow)
        self.assertEqual(self.slow.lines(A), ["alice: 1", f"bob joined {A}", "alice: 2"])

    def test_what_it_gets_at_once_while_catching_up_is_bounded(self) -> None:
        self.scene.stall(self.slow)
        self.scene.fill(200)
        self.scene.read(self.slow)
        self.assertEqual(texts(self.slow), numbers(1, 200))
        self.assertLessEqual(max(len(data) for _, data in self.slow.given), PIECE)

    def test_also_what_it_gets_at_once_from_the_log_is_bounded(self) -> None:
        self.scene.stall(self.slow)
        self.scene.fill(1000)
        self.scene.read(self.slow)
        self.assertEqual(texts(self.slow), numbers(1, 1000))
        self.assertLessEqual(max(len(data) for _, data in self.slow.given), PIECE)

    def test_a_member_that_stalls_again_at_each_piece_gets_everything_once(self) -> None:
        self.scene.stall(self.slow)
        self.scene.fill(1000)
        for _ in range(40):
            self.slow.holding = False
            self.scene.delivery.drained(self.slow)
        self.assertEqual(texts(self.slow), numbers(1, 1000))
        self.assertEqual(self.slow.wrongs, [])

    def test_its_memory_is_bounded(self) -> None:
        scene = Scene(MemoryLog(capacity=100_000))
        slow = scene.member(A)
        scene.stall(slow)
        tracemalloc.start()
        try:
            scene.fill(4000)
            size, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertEqual(slow.lines(A), [])
        self.assertLess(size, 1 << 20)

    def test_further_back_than_the_recent_batches_it_reads_the_log(self) -> None:
        self.patch(feed_module, "RECENT", 1000)
        for module in (reader, recall):
            self.patch(module, "PAGE", 7)
        self.scene.stall(self.slow)
        self.scene.fill(50)
        self.scene.read(self.slow)
        self.assertEqual(texts(self.slow), numbers(1, 50))
        self.scene.publish("51")
        self.assertEqual(texts(self.slow), numbers(1, 51))
        self.assertNotIn("no longer kept", " ".join(self.slow.lines("")))

    def test_lines_that_come_while_the_log_is_asked_are_not_lost(self) -> None:
        self.patch(feed_module, "RECENT", 1000)
        for module in (reader, recall):
            self.patch(module, "PAGE", 7)
        self.scene.stall(self.slow)
        self.scene.fill(20)
        self.log.slow = True
        self.scene.read(self.slow)
        for n in range(21, 41):
            self.scene.log.append([said(str(n), A)])
            self.log.commit()
            self.scene.turn()
            self.log.answer()
        while self.log.asked:
            self.log.answer()
        self.assertEqual(texts(self.slow), numbers(1, 40))
        self.assertEqual(self.slow.wrongs, [])

    def test_a_member_that_goes_while_the_log_is_asked_gets_nothing(self) -> None:
        self.patch(feed_module, "RECENT", 1000)
        for capacity in (1 << 20, 10 * 1200):  # the log has all it is asked for, or a part
            log = SlowLog(capacity)
            scene = Scene(log)
            slow = scene.member(A)
            scene.stall(slow)
            scene.fill(20)
            log.slow = True
            scene.read(slow)
            self.assertEqual(log.asked, 1)
            scene.delivery.drop(slow)
            log.answer()
            self.assertEqual((slow.lines(), slow.disconnects), (["-- held"], 0))

    def test_answers_wait_for_what_the_log_is_asked_for(self) -> None:
        self.patch(feed_module, "RECENT", 1000)
        self.scene.stall(self.slow)
        self.scene.fill(5)
        self.log.slow = True
        self.scene.read(self.slow)
        self.scene.tell(self.slow, "answer")
        self.scene.turn()
        self.assertEqual(self.slow.lines(""), ["-- held"])
        self.log.answer()
        self.assertEqual(texts(self.slow), numbers(1, 5))
        self.assertEqual(self.slow.lines()[-1], "-- answer")

    def test_who_reads_on_within_a_turn_gets_its_answer_where_it_belongs(self) -> None:
        self.scene.stall(self.slow)
        self.scene.publish("1")
        self.scene.commit("2")
        self.scene.tell(self.slow, "answer")
        self.slow.stalled = self.slow.holding = False
        self.scene.delivery.drained(self.slow)
        self.scene.commit("3")
        self.scene.turn()
        self.assertEqual(self.slow.lines()[1:], ["alice: 1", "alice: 2", "-- answer", "alice: 3"])


class Forgotten(SynchronousTestCase):
    """When the log no longer has what somebody missed, it says so."""

    def setUp(self) -> None:
        self.patch(feed_module, "RECENT", 1000)
        self.scene = Scene(MemoryLog(capacity=10 * 1200))
        self.slow = self.scene.member(A)
        self.scene.stall(self.slow)

    def test_a_notice_tells_how_many_lines(self) -> None:
        self.scene.fill(30)
        self.scene.read(self.slow)
        self.assertEqual(self.slow.lines("")[1:], ["-- 20 lines you missed are no longer kept."])
        self.assertEqual(texts(self.slow), numbers(21, 30))

    def test_a_single_line_is_told_as_such(self) -> None:
        self.scene.fill(11)
        self.scene.read(self.slow)
        self.assertEqual(self.slow.lines("")[1:], ["-- One line you missed is no longer kept."])

    def test_the_notice_stands_where_the_lines_are_missing(self) -> None:
        self.scene.fill(30)
        self.scene.read(self.slow)
        self.assertEqual([room for room, _ in self.slow.given][:3], ["", "", A])

    def test_who_holds_the_notice_is_given_nothing_of_the_room(self) -> None:
        self.scene.fill(30)
        self.slow.holding = False
        self.scene.delivery.drained(self.slow)
        self.assertEqual(self.slow.wrongs, [])
        self.assertEqual((len(self.slow.lines("")), texts(self.slow)), (2, []))

    def test_also_when_nothing_at_all_is_left_of_them(self) -> None:
        self.scene = Scene(MemoryLog(capacity=0))
        slow = self.scene.member(A)
        self.scene.stall(slow)
        self.scene.fill(30)
        self.scene.read(slow)
        self.assertEqual(slow.lines("")[1:], ["-- 29 lines you missed are no longer kept."])
        self.assertEqual(texts(slow), ["30"])

    def test_lines_of_other_rooms_are_not_counted(self) -> None:
        scene = Scene(MemoryLog(capacity=10 * 1200))
        slow = scene.member(A)
        scene.stall(slow)
        scene.log.append([joined("bob", A)])
        for room in (B, "#c"):
            for _ in range(30):
                scene.publish("x" * 1000, room=room)
        scene.fill(5)
        scene.read(slow)
        self.assertEqual((slow.lines("")[1:], texts(slow)), ([], numbers(1, 5)))


class UntilRead(SynchronousTestCase):
    """A conversation of two lasts until what was said in it is read."""

    room = "@alice,bob"

    def setUp(self) -> None:
        self.scene = Scene()
        self.pair = [self.scene.member(A), self.scene.member(A)]

    def open(self) -> None:
        for member in self.pair:
            self.scene.enter(member, self.room, True)

    def test_both_get_what_is_said_next_and_nothing_later(self) -> None:
        self.open()
        self.scene.publish("hi", room=self.room)
        self.scene.publish("later", room=self.room)
        self.assertEqual([texts(member) for member in self.pair], [["hi"], ["hi"]])

    def test_when_it_is_read_it_is_forgotten(self) -> None:
        self.open()
        self.scene.publish("hi", room=self.room)
        self.assertEqual([*self.scene.delivery._feeds], [A])

    def test_it_lasts_until_the_slow_one_has_read_it(self) -> None:
        fast, slow = self.pair
        self.scene.stall(slow)
        self.open()
        self.scene.publish("hi", room=self.room)
        self.assertEqual((texts(fast), texts(slow)), (["hi"], []))
        self.scene.read(slow)
        self.assertEqual(texts(slow), ["hi"])
        self.assertEqual([*self.scene.delivery._feeds], [A])

    def test_it_is_forgotten_when_the_slow_one_goes(self) -> None:
        self.scene.stall(self.pair[1])
        self.open()
        self.scene.publish("hi", room=self.room)
        self.scene.delivery.drop(self.pair[1])
        self.assertEqual([*self.scene.delivery._feeds], [A])

    def test_it_can_be_opened_again_and_again(self) -> None:
        for n in range(3):
            self.open()
            self.scene.publish(str(n), room=self.room)
        self.assertEqual([texts(member) for member in self.pair], [["0", "1", "2"]] * 2)

    def test_what_is_said_within_one_turn_is_given_together(self) -> None:
        for n in range(3):
            self.open()
            self.scene.commit(str(n), room=self.room)
        self.scene.turn()
        for member in self.pair:
            self.assertEqual(member.given, [(self.room, b"alice: 0\nalice: 1\nalice: 2\n")])

    def test_opened_again_before_it_is_read_it_waits_for_what_is_said_next(self) -> None:
        self.open()
        self.scene.commit("1", room=self.room)
        self.open()  # the log takes its time to commit what comes with this
        self.scene.turn()
        self.scene.publish("2", room=self.room)
        self.assertEqual([texts(member) for member in self.pair], [["1", "2"]] * 2)
