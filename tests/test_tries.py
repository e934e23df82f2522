"""Guessing passwords: how often, from where, for whom (threat 22)."""

import math
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts import tries
from chatservice.accounts.tries import LONGEST_WAIT, MOST_KNOWN, Tries
from chatservice.errors import ChatError, Code
from chatservice.limits import UNLIMITED, Limits
from tests.fakes import quick


class Guessing(SynchronousTestCase):
    """Alice's password is tried."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.tries = Tries(Limits(), self.clock.seconds)

    def wait(self, network: str | None, name: str = "alice", known: bool = False) -> float:
        """Try a wrong password; return how long that has to wait, 0 if it was tried."""
        try:
            self.tries.login(network, name, known)
        except ChatError as refusal:
            self.assertEqual(refusal.code, Code.TOO_MANY_TRIES)
            return float(str(refusal).split()[4])
        return 0.0

    def tried(self, network: str | None, seconds: int, known: bool = False) -> int:
        """Go on trying, as often as it is allowed; return how often that was."""
        count, until = 0, self.clock.seconds() + seconds
        while self.clock.seconds() < until:
            wait = self.wait(network, known=known)
            count += wait == 0
            self.clock.advance(wait)
        return count

    def test_an_address_has_three_tries_a_minute(self) -> None:
        for n in range(3):
            self.assertEqual(self.wait("192.0.2.1", f"nick{n}"), 0)
        self.assertEqual(self.wait("192.0.2.1", "nick3"), 20)
        self.assertEqual(self.wait("192.0.2.2", "nick3"), 0)
        self.clock.advance(20)
        self.assertEqual(self.wait("192.0.2.1", "nick3"), 0)

    def test_an_account_has_three_tries_then_waits_twice_as_long_each_time(self) -> None:
        waits = []
        for n in range(9):
            waits.append(wait := self.wait(f"192.0.2.{n}"))
            self.clock.advance(wait)
            if wait:
                self.assertEqual(self.wait(f"198.51.100.{n}"), 0)
        self.assertEqual(waits, [0, 0, 0, 20, 40, 80, 160, LONGEST_WAIT, LONGEST_WAIT])

    def test_a_day_of_guessing_is_a_few_hundred_tries(self) -> None:
        self.assertLess(self.tried(None, 86_400), 300)

    def test_unknown_accounts_are_no_different(self) -> None:
        waits = [[self.wait(None, name) for _ in range(5)] for name in ("alice", "nobody")]
        self.assertEqual(waits[0], waits[1])

    def test_whoever_guesses_elsewhere_does_not_keep_the_owner_out(self) -> None:
        for n in range(200):
            self.wait(f"198.51.100.{n}")
        self.assertGreater(self.wait("203.0.113.1"), 0)
        self.assertEqual(self.wait("192.0.2.1", known=True), 0)

    def test_success_counts_for_nothing_and_ends_the_waiting(self) -> None:
        for _ in range(100):
            self.tries.login(None, "alice", True).succeeded()
        for _ in range(20):
            self.tries.login("192.0.2.1", "alice", True).succeeded()
        for _ in range(2):
            self.tries.login("192.0.2.1", "alice", True)
        self.tries.login("192.0.2.1", "alice", True).succeeded()
        self.assertEqual(self.wait("192.0.2.1", known=True), 0)

    def test_even_right_ones_are_checked_only_so_often_for_an_address(self) -> None:
        for n in range(30):
            self.tries.login("192.0.2.1", f"nick{n}", False).succeeded()
        self.assertEqual(self.wait("192.0.2.1", "nick31"), 2)
        self.assertEqual(self.wait("192.0.2.2", "nick31"), 0)

    def test_what_could_not_be_checked_counts_for_nothing(self) -> None:
        for _ in range(20):
            self.tries.login("192.0.2.1", "alice", False).void()
        self.assertEqual([self.wait("192.0.2.1") for _ in range(3)], [0, 0, 0])

    def test_many_at_once_are_not_more_than_one_by_one(self) -> None:
        under_way = [self.tries.login("192.0.2.1", "alice", False) for _ in range(3)]
        self.assertGreater(self.wait("192.0.2.2"), 0)
        under_way[0].succeeded()
        self.assertEqual(self.wait("192.0.2.2"), 0)

    def test_without_limits_an_account_still_waits(self) -> None:
        self.tries = Tries(UNLIMITED, self.clock.seconds)
        for n in range(100):
            self.assertEqual(self.wait("192.0.2.1", f"nick{n}"), 0)
        self.assertEqual([self.wait("192.0.2.1") for _ in range(4)], [0, 0, 0, 20])
        for _ in range(100):
            self.tries.register("192.0.2.1")

    def test_an_address_registers_three_an_hour(self) -> None:
        for _ in range(3):
            self.tries.register("192.0.2.1")
        refusal = self.assertRaises(ChatError, self.tries.register, "192.0.2.1")
        self.assertIn("wait 1200 seconds", str(refusal))
        self.tries.register("192.0.2.2")
        self.tries.register(None)

    def test_failures_are_forgotten_after_an_hour(self) -> None:
        for n in range(8):
            self.clock.advance(self.wait(f"192.0.2.{n}"))
        self.clock.advance(3601)
        self.assertEqual([self.wait(f"198.51.100.{n}") for n in range(3)], [0, 0, 0])

    def test_what_is_remembered_is_bounded(self) -> None:
        with patch.object(tries, "MOST_KNOWN", 100):
            for n in range(1000):
                self.wait(f"10.0.{n // 250}.{n % 250}", f"nick{n}")
                self.assertLessEqual(len(self.tries), 300)
        self.assertGreaterEqual(MOST_KNOWN, 1000)

    @quick
    @given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 400)), max_size=60))
    def test_a_wait_is_bounded_and_true(self, steps: list[tuple[str | None, int]]) -> None:
        self.setUp()
        for network, pause in steps:
            self.clock.advance(pause)
            wait = self.wait(network)
            self.assertLessEqual(wait, LONGEST_WAIT)
            self.assertTrue(math.isfinite(wait))
            if wait:
                self.clock.advance(wait)
                self.assertEqual(self.wait(network), 0)
