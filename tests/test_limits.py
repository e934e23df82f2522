"""How much one person and one address may do (threats 6 and 11), by a clock of the test's own."""

import math

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import ChatError, Code, Expelled, TooFast
from chatservice.limits import (
    SHARED,
    STRIKES,
    UNLIMITED,
    Limits,
    Quota,
    Quotas,
    TokenBucket,
    network_of,
)
from tests.fakes import quick


class Buckets(SynchronousTestCase):
    """A burst at once, and a rate for ever."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.bucket = TokenBucket(3, 2, self.clock.seconds)

    def take_all(self) -> int:
        """Take what there is; return how many that was."""
        count = 0
        while self.bucket.wait() == 0:
            self.bucket.take()
            count += 1
        return count

    def test_lets_the_burst_through_and_no_more(self) -> None:
        self.assertEqual(self.take_all(), 3)

    def test_gives_the_rate_back_each_second(self) -> None:
        self.take_all()
        self.clock.advance(1)
        self.assertEqual(self.take_all(), 2)

    def test_never_holds_more_than_the_burst(self) -> None:
        self.clock.advance(1_000_000)
        self.assertEqual(self.take_all(), 3)

    def test_tells_how_long_to_wait(self) -> None:
        self.take_all()
        self.assertEqual(self.bucket.wait(), 0.5)
        self.clock.advance(0.25)
        self.assertEqual(self.bucket.wait(), 0.25)
        self.clock.advance(0.25)
        self.assertEqual(self.bucket.wait(), 0)

    def test_asking_uses_nothing_up(self) -> None:
        for _ in range(100):
            self.bucket.wait()
        self.assertEqual(self.take_all(), 3)

    def test_is_full_until_something_is_taken_and_again_when_that_came_back(self) -> None:
        self.assertTrue(self.bucket.full)
        self.bucket.take()
        self.assertFalse(self.bucket.full)
        self.clock.advance(0.5)
        self.assertTrue(self.bucket.full)

    @quick
    @given(st.lists(st.integers(0, 20), max_size=30))
    def test_in_no_stretch_of_time_lets_more_through_than_burst_and_rate(
        self, eighths: list[int]
    ) -> None:
        clock = Clock()
        self.bucket = TokenBucket(3, 2, clock.seconds)
        taken = self.take_all()
        for eighth in eighths:
            clock.advance(eighth / 8)
            taken += self.take_all()
            self.assertLessEqual(taken, 3 + 2 * clock.seconds())


class OnePerson(SynchronousTestCase):
    """A connection's quota."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.quotas = Quotas(Limits(burst=3, rate=2, nick_tries=3), self.clock.seconds)
        self.quota = self.quotas.admit("192.0.2.1")

    def test_the_burst_is_accepted_and_the_next_line_is_not(self) -> None:
        self.assertEqual(accepted(self.quota, 4), 3)

    def test_of_a_hundred_lines_in_ten_seconds_burst_and_rate_are_accepted(self) -> None:
        count = 0
        for _ in range(100):
            count += accepted(self.quota, 1)
            self.clock.advance(0.125)
        self.assertEqual(count, 3 + 24)

    def test_the_refusal_names_a_time_after_which_the_line_is_accepted(self) -> None:
        for step in range(1, 50):
            clock = Clock()
            quota = Quotas(Limits(burst=1, rate=2), clock.seconds).admit(None)
            quota.spend()
            clock.advance(step / 100)
            refusal = self.assertRaises(TooFast, quota.spend)
            self.assertEqual(refusal.code, Code.TOO_FAST)
            clock.advance(float(refusal.message.split(" seconds")[0].split()[-1]))
            self.assertEqual(accepted(quota, 1), 1, refusal.message)

    def test_a_refused_line_uses_nothing_up(self) -> None:
        accepted(self.quota, 3)
        accepted(self.quota, 10)
        self.clock.advance(0.5)
        self.assertEqual(accepted(self.quota, 1), 1)

    def test_too_many_refusals_in_a_row_end_the_connection(self) -> None:
        accepted(self.quota, 3)
        for _ in range(STRIKES - 1):
            self.assertRaises(TooFast, self.quota.spend)
        expulsion = self.assertRaises(Expelled, self.quota.spend)
        self.assertEqual(expulsion.code, Code.FLOODING)

    def test_an_accepted_line_forgives_the_refusals_before_it(self) -> None:
        accepted(self.quota, 3)
        for _ in range(3):
            for _ in range(STRIKES - 1):
                self.assertRaises(TooFast, self.quota.spend)
            self.clock.advance(0.5)
            self.quota.spend()

    def test_only_so_many_nicknames_may_be_refused(self) -> None:
        self.quota.refused_nick()
        self.quota.refused_nick()
        expulsion = self.assertRaises(Expelled, self.quota.refused_nick)
        self.assertEqual(expulsion.code, Code.NICK_TRIES)


class OneAddress(SynchronousTestCase):
    """What people at the same address share."""

    def setUp(self) -> None:
        self.clock = Clock()
        limits = Limits(burst=3, rate=2, connections=10)
        self.quotas = Quotas(limits, self.clock.seconds)

    def test_may_do_as_much_as_several_people_and_no_more(self) -> None:
        people = [self.quotas.admit("192.0.2.1") for _ in range(10)]
        self.assertEqual(sum(accepted(quota, 3) for quota in people), 3 * SHARED)

    def test_does_not_suffer_from_another_address(self) -> None:
        for _ in range(10):
            accepted(self.quotas.admit("192.0.2.1"), 3)
        self.assertEqual(accepted(self.quotas.admit("192.0.2.2"), 3), 3)

    def test_a_line_refused_for_the_address_costs_the_person_nothing(self) -> None:
        *others, last = [self.quotas.admit("192.0.2.1") for _ in range(SHARED + 1)]
        for quota in others:
            accepted(quota, 3)
        self.assertEqual(accepted(last, 3), 0)
        self.clock.advance(0.3)
        self.assertEqual(accepted(last, 4), 3)

    def test_coming_back_does_not_refill_what_the_address_used_up(self) -> None:
        for _ in range(SHARED):
            quota = self.quotas.admit("192.0.2.1")
            accepted(quota, 3)
            self.quotas.release(quota)
        self.assertEqual(accepted(self.quotas.admit("192.0.2.1"), 3), 0)

    def test_a_person_without_an_address_is_limited_alone(self) -> None:
        counts = [accepted(self.quotas.admit(None), 4) for _ in range(20)]
        self.assertEqual(counts, [3] * 20)


class Admission(SynchronousTestCase):
    """Connections from one address."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.quotas = Quotas(Limits(connections=2), self.clock.seconds)

    def admit(self, *hosts: str | None) -> list[Quota]:
        return [self.quotas.admit(host) for host in hosts]

    def refused(self, host: str) -> bool:
        try:
            self.quotas.admit(host)
        except ChatError as refusal:
            self.assertEqual(refusal.code, Code.TOO_MANY_CONNECTIONS)
            self.assertIn("2 connections", refusal.message)
            return True
        return False

    def test_one_more_than_allowed_is_refused(self) -> None:
        self.admit("192.0.2.1", "192.0.2.1")
        self.assertTrue(self.refused("192.0.2.1"))
        self.assertFalse(self.refused("192.0.2.2"))

    def test_there_is_room_again_when_one_goes(self) -> None:
        first, _ = self.admit("192.0.2.1", "192.0.2.1")
        self.quotas.release(first)
        self.assertFalse(self.refused("192.0.2.1"))
        self.assertTrue(self.refused("192.0.2.1"))

    def test_a_refused_one_does_not_count(self) -> None:
        first, _ = self.admit("192.0.2.1", "192.0.2.1")
        for _ in range(5):
            self.assertTrue(self.refused("192.0.2.1"))
        self.quotas.release(first)
        self.assertFalse(self.refused("192.0.2.1"))

    def test_ipv6_counts_by_its_64_bit_network(self) -> None:
        self.admit("2001:db8:0:1::1", "2001:db8:0:1:ffff::2")
        self.assertTrue(self.refused("2001:db8:0:1:abcd:ef01:2345:6789"))
        self.assertFalse(self.refused("2001:db8:0:2::1"))

    def test_ipv4_mapped_into_ipv6_counts_as_ipv4(self) -> None:
        self.admit("192.0.2.1", "::ffff:192.0.2.1")
        self.assertTrue(self.refused("::ffff:c000:201"))
        self.assertFalse(self.refused("::ffff:192.0.2.2"))

    def test_who_has_no_address_is_not_counted(self) -> None:
        self.assertEqual(len(self.admit(*[None] * 100)), 100)
        self.assertEqual(len(self.quotas), 0)

    def test_the_network_of_an_address(self) -> None:
        networks = {
            "192.0.2.1": "192.0.2.1",
            "::ffff:192.0.2.1": "192.0.2.1",
            "2001:db8::1": "2001:db8::/64",
            "fe80::1%eth0": "fe80::/64",
            "::1": "::/64",
            "no address": "no address",
        }
        self.assertEqual({host: network_of(host) for host in networks}, networks)


class Memory(SynchronousTestCase):
    """What is remembered of addresses stays bounded."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.quotas = Quotas(Limits(burst=1, rate=1), self.clock.seconds)

    def test_addresses_with_nothing_to_remember_are_forgotten(self) -> None:
        for host in addresses(20_000):
            self.quotas.release(self.quotas.admit(host))
        self.assertLessEqual(len(self.quotas), 1100)

    def test_who_is_connected_is_not_forgotten(self) -> None:
        quotas = Quotas(Limits(connections=1), self.clock.seconds)
        quotas.admit("192.0.2.1")
        for host in addresses(5000):
            quotas.release(quotas.admit(host))
        self.assertRaises(ChatError, quotas.admit, "192.0.2.1")

    def test_who_used_something_up_is_not_forgotten_before_it_came_back(self) -> None:
        for _ in range(SHARED):
            quota = self.quotas.admit("192.0.2.1")
            quota.spend()
            self.quotas.release(quota)
        for host in addresses(5000):
            self.quotas.release(self.quotas.admit(host))
        self.assertEqual(accepted(self.quotas.admit("192.0.2.1"), 1), 0)

    def test_floods_from_many_addresses_are_forgotten_in_time(self) -> None:
        for host in addresses(20_000):
            quota = self.quotas.admit(host)
            quota.spend()
            self.quotas.release(quota)
            self.clock.advance(0.01)
        self.assertLessEqual(len(self.quotas), 1100)


class Unlimited(SynchronousTestCase):
    """For trusted networks and benchmarks."""

    def setUp(self) -> None:
        self.quotas = Quotas(UNLIMITED, Clock().seconds)

    def test_any_number_of_lines_is_accepted(self) -> None:
        self.assertEqual(accepted(self.quotas.admit("192.0.2.1"), 10_000), 10_000)

    def test_any_number_of_connections_is_accepted(self) -> None:
        admitted = [self.quotas.admit("192.0.2.1") for _ in range(1000)]
        self.assertEqual(len(admitted), 1000)
        self.assertEqual(UNLIMITED.connections, math.inf)

    def test_guessing_nicknames_for_ever_stays_impossible(self) -> None:
        quota = self.quotas.admit("192.0.2.1")
        for _ in range(UNLIMITED.nick_tries - 1):
            quota.refused_nick()
        self.assertRaises(Expelled, quota.refused_nick)

    def test_its_addresses_are_forgotten_too(self) -> None:
        for host in addresses(5000):
            quota = self.quotas.admit(host)
            quota.spend()
            self.quotas.release(quota)
        self.assertLessEqual(len(self.quotas), 1100)


def accepted(quota: Quota, lines: int) -> int:
    """Send so many lines; return how many were accepted."""
    count = 0
    for _ in range(lines):
        try:
            quota.spend()
        except TooFast:
            continue
        count += 1
    return count


def addresses(count: int) -> list[str]:
    """Return so many different addresses."""
    return [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(count)]
