"""Typed lines on their way to the server."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatservice.client.outbox import MOST, Outbox, retry_after
from chatservice.plain import parse

TOO_FAST = "! Not accepted, that was too fast: try again in 2.5 seconds. [too-fast]"


class Sending(SynchronousTestCase):
    """An outbox whose server answers when a test says so."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.sent: list[str] = []
        self.connected = True
        self.outbox = Outbox(self.clock, self.send)

    def send(self, line: str) -> bool:
        """Take a line, if there is a connection."""
        if self.connected:
            self.sent.append(line)
        return self.connected

    def hear(self, line: str) -> bool:
        """Let the outbox hear a line, as alice."""
        return self.outbox.heard(parse(line), "alice")

    def test_lines_go_in_order_one_at_a_time(self) -> None:
        """The next when the one before was answered: seen, refused or told about."""
        lines = ["a", "/b", "/who", "/me d"]
        for line in lines:
            self.assertTrue(self.outbox.add(line))
        self.assertEqual((self.sent, len(self.outbox)), (["a"], 4))
        for answer, sent in (
            ("bob: a", 1),
            ("alice: a", 2),
            ("! There is no command /b. [unknown-command]", 3),
            ("bob joined the chat", 3),
            ("-- 2 here: alice bob", 4),
            ("* alice d", 4),
        ):
            self.assertFalse(self.hear(answer))
            self.assertEqual(self.sent, lines[:sent], answer)
        self.assertEqual(len(self.outbox), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_line_for_another_room_is_answered_where_it_is_said(self) -> None:
        for line in (
            "#dev hi ",
            "/say #dev hi",
            "/join #dev",
            "/join #a",
            "/leave",
            "/nick al",
            "a",
        ):
            self.outbox.add(line)
        for answer, sent in (
            *(("#dev bob: hi", 1), ("#dev alice: hi", 2), ("#dev alice: hi", 3)),
            *(("-- You are in #dev now.", 4), ("alice joined #a", 5), ("alice left #a", 6)),
            *(("alice is now known as alice", 7), ("#dev al is now known as alice", 7)),
            *(("bob left #dev", 7), ("alice: a", 7)),
        ):
            self.hear(answer)
            self.assertEqual(len(self.sent), sent, answer)
        self.assertEqual(len(self.outbox), 0)

    def test_too_fast_is_sent_again_when_the_server_said(self) -> None:
        """Before the lines behind it; that answer is for nobody else."""
        self.outbox.add("a")
        self.outbox.add("b")
        for _ in range(3):
            self.sent.clear()
            self.assertTrue(self.hear(TOO_FAST))
            self.clock.advance(2.4)
            self.assertEqual(self.sent, [])
            self.clock.advance(0.1)
            self.assertEqual(self.sent, ["a"])
        self.hear("alice: a")
        self.assertEqual(self.sent, ["a", "b"])

    def test_an_answer_of_many_lines_answers_one_line(self) -> None:
        """The rest of it answers no text that was sent meanwhile; so none is lost to too fast."""
        for line in ("/help", "one", "two"):
            self.outbox.add(line)
        for n in range(4):
            self.hear(f"-- help {n}")
        self.assertEqual(self.sent, ["/help", "one"])
        self.assertTrue(self.hear(TOO_FAST))
        self.clock.advance(2.5)
        self.assertEqual(self.sent, ["/help", "one", "one"])

    def test_nothing_answers_a_line_that_was_refused_as_too_fast(self) -> None:
        """It is not on its way: what comes before it goes again is about something else."""
        self.outbox.add("a")
        self.hear(TOO_FAST)
        self.hear("-- The server restarts soon.")
        self.hear("alice: earlier")
        self.clock.advance(2.5)
        self.assertEqual(self.sent, ["a", "a"])

    def test_too_fast_with_nothing_on_its_way_is_shown(self) -> None:
        """It then answers something else."""
        self.assertFalse(self.hear(TOO_FAST))

    def test_how_long_to_wait(self) -> None:
        """What the server says, within reason; a second if it does not say."""
        for line, seconds in {
            TOO_FAST: 2.5,
            "! Again in 3 seconds. [too-fast]": 3.0,
            "! Again in 99999999 seconds. [too-fast]": 60.0,
            "! Slower. [too-fast]": 1.0,
            "! Again in 3 seconds. [nick-taken]": None,
            "bob: in 3 seconds": None,
        }.items():
            self.assertEqual(retry_after(parse(line)), seconds, line)

    def test_silence_is_taken_for_done(self) -> None:
        """After a while: not every line has an answer."""
        self.outbox.add("/quiet")
        self.outbox.add("b")
        self.clock.advance(2.9)
        self.assertEqual(self.sent, ["/quiet"])
        self.clock.advance(0.1)
        self.assertEqual((self.sent, len(self.outbox)), (["/quiet", "b"], 1))
        self.clock.advance(29.9)  # what should come back may take longer
        self.assertEqual(len(self.outbox), 1)
        self.clock.advance(0.1)
        self.assertEqual(len(self.outbox), 0)

    def test_it_is_bounded(self) -> None:
        """What is too much is not taken."""
        for n in range(MOST):
            self.assertTrue(self.outbox.add(str(n)))
        self.assertFalse(self.outbox.add("x"))
        self.hear("alice: 0")
        self.assertTrue(self.outbox.add("x"))

    def test_clear_forgets_what_waits_and_is_not_stuck(self) -> None:
        """A line on its way stays until it is answered; one that waits to go again does not."""
        for answer, dropped in (("bob: hi", 2), (TOO_FAST, 3)):
            self.sent.clear()
            for line in "abc":
                self.outbox.add(line)
            self.hear(answer)
            self.assertEqual(self.outbox.clear(), dropped)
            self.assertEqual(self.outbox.clear(), 0)
            self.clock.advance(30)
            self.assertEqual((self.sent, len(self.outbox)), (["a"], 0))
            self.outbox.add("next")
            self.assertEqual(self.sent, ["a", "next"])
            self.hear("alice: next")

    def test_the_rest_waits_for_the_next_connection(self) -> None:
        """What was on its way may have arrived and is not said twice."""
        for line in "abc":
            self.outbox.add(line)
        self.connected = False
        self.outbox.lost(returning=False)
        self.outbox.lost(returning=False)
        self.clock.advance(100)
        self.assertEqual((self.sent, len(self.outbox)), (["a"], 2))
        self.connected = True
        self.outbox.present(whole=False)
        self.hear("alice: b")
        self.assertEqual(self.sent, ["a", "b", "c"])

    def test_what_was_on_its_way_is_looked_for_in_what_was_missed(self) -> None:
        """If it is there it arrived; if not, and that is all, it goes again, before the rest."""
        for line, missed, sent in (
            ("x", ["[2026-11-20 10:00:00 5] alice: x"], ["next"]),
            ("x", ["alice: x"], ["next"]),
            ("//x", ["[2026-11-20 10:00:00 5] alice: /x"], ["next"]),
            ("/ME  x ", ["[2026-11-20 10:00:00 5] * alice x"], ["next"]),
            ("/tell Bob x", ["[2026-11-20 10:00:00 5] alice -> bob: x"], ["next"]),
            ("x", [], ["x"]),
            ("x", ["[2026-11-20 10:00:00 5] bob: x", "[2026-11-20 10:00:00 6] alice: y"], ["x"]),
            ("/me x", ["[2026-11-20 10:00:00 5] alice: x", "! No. [internal]"], ["/me x"]),
        ):
            self.setUp()
            for text in (line, "next"):
                self.outbox.add(text)
            self.outbox.lost(returning=True)
            self.outbox.lost(returning=True)
            self.connected = False
            self.sent.clear()
            for text in missed:
                self.assertFalse(self.hear(text))
            self.outbox.add("last")
            self.assertEqual(self.sent, [])
            self.connected = True
            self.outbox.present(whole=True)
            self.assertEqual(self.sent, sent, line)

    def test_what_may_have_arrived_is_not_sent_again(self) -> None:
        """If nobody can tell: a command leaves no trace, or what was missed has holes."""
        for line, returning, whole in (
            ("/nick al", True, True),
            ("/nonsense", True, True),
            ("/msg", True, True),
            ("x", False, True),
            ("x", True, False),
        ):
            self.setUp()
            self.outbox.add(line)
            self.outbox.add("next")
            self.outbox.lost(returning)
            self.outbox.present(whole)
            self.assertEqual(self.sent, [line, "next"])

    def test_what_was_refused_is_sent_again_in_any_case(self) -> None:
        """It cannot have arrived."""
        self.outbox.add("x")
        self.hear(TOO_FAST)
        self.outbox.lost(returning=False)
        self.clock.advance(100)
        self.assertEqual(self.sent, ["x"])
        self.outbox.present(whole=False)
        self.assertEqual(self.sent, ["x", "x"])

    def test_what_is_not_known_to_have_arrived_can_be_dropped(self) -> None:
        """It is not sent again then."""
        self.outbox.add("x")
        self.outbox.lost(returning=True)
        self.assertEqual(self.outbox.clear(), 1)
        self.hear("alice: x")
        self.outbox.present(whole=True)
        self.assertEqual((self.sent, len(self.outbox)), (["x"], 0))

    def test_the_past_answers_commands_only(self) -> None:
        """One's own old line is not the one on its way."""
        old = "[2026-11-20 10:00:00 5] alice: x"
        for line in ("/who", "x", "/me x"):
            self.outbox.add(line)
        self.hear(old)
        self.assertEqual(self.sent, ["/who", "x"])
        self.hear(old)
        self.assertEqual(self.sent, ["/who", "x"])
        self.hear("[10:00:00 6] alice: x")
        self.assertEqual(self.sent, ["/who", "x", "/me x"])
        self.hear("-- note")
        self.hear(old)
        self.assertEqual(len(self.outbox), 1)

    def test_without_a_connection_lines_wait(self) -> None:
        """And nothing runs meanwhile."""
        self.connected = False
        self.outbox.add("a")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.connected = True
        self.outbox.present(whole=False)
        self.assertEqual(self.sent, ["a"])
