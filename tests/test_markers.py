"""How far somebody has read: forwards only, shared by all of an account, kept with it."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.accounts import ACCOUNT
from chatservice.accounts.markers import LONGEST, MARKERS, MOST_PLACES, Markers, read_marks
from chatservice.errors import ChatError, Code
from chatservice.people.account import removed
from chatservice.store.memory import MemoryRecords
from tests.fakes import NOW, Guest, SlowRecords, quick
from tests.test_logging_in import WORD, AccountsChat

MS = int(NOW * 1000)


class Reading(SynchronousTestCase):
    """What clients say that was read."""

    def setUp(self) -> None:
        self.chat = AccountsChat()
        self.told: list[tuple[str, str, int]] = []
        self.markers = self.chat.hub.markers
        self.markers.watch(lambda *news: self.told.append(news))

    def kept(self) -> dict[str, object]:
        """Return what the records have."""
        found: dict[str, object] = {}
        self.chat.records.watch(MARKERS, lambda key, value: found.update({key: value}))
        return found

    def test_it_only_moves_forward(self) -> None:
        alice = self.chat.join("alice").person
        self.assertEqual(self.markers.find(alice.inbox, "#dev"), 0)
        for at, known in ((1000, 1000), (2000, 2000), (1500, 2000), (2000, 2000), (0, 2000)):
            self.assertEqual(self.markers.mark(alice, "#dev", at), known)
            self.assertEqual(self.markers.find(alice.inbox, "#dev"), known)
        self.assertEqual(self.told, [(alice.inbox, "#dev", 1000), (alice.inbox, "#dev", 2000)])

    def test_nobody_has_read_what_is_to_come(self) -> None:
        alice = self.chat.join("alice").person
        self.assertEqual(self.markers.mark(alice, "#dev", MS + 10**9), MS)

    def test_a_guests_last_until_it_leaves(self) -> None:
        alice = self.chat.join("alice")
        inbox = alice.person.inbox
        self.markers.mark(alice.person, "#dev", 1000)
        self.assertEqual(self.kept(), {})
        alice.goes()
        self.assertEqual(self.markers.find(inbox, "#dev"), 0)

    def test_an_accounts_are_kept_and_shared(self) -> None:
        alice = self.chat.registered("alice")
        other = self.chat.join("al")
        other.types(f"/login alice {WORD}")
        self.markers.mark(alice.person, "#dev", 1000)
        self.markers.mark(other.person, "@bob", 3000)
        identity = alice.person.inbox
        for guest in (alice, other):
            guest.goes()
        self.assertEqual(self.kept(), {identity: {"read": {"#dev": 1000, "@bob": 3000}}})
        self.assertEqual(self.markers.find(identity, "@bob"), 3000)
        later = AccountsChat()
        later.records = self.chat.records
        later.hub = later.make_hub(later.hub.policy)
        self.assertEqual(later.hub.markers.find(identity, "#dev"), 1000)

    def test_who_logs_in_or_registers_takes_along_what_it_has_read(self) -> None:
        alice = self.chat.registered("alice")
        self.markers.mark(alice.person, "#dev", 2000)
        guest = self.chat.join("al")
        self.markers.mark(guest.person, "#dev", 1000)
        self.markers.mark(guest.person, "#ops", 1000)
        guest.types(f"/login alice {WORD}")
        self.assertEqual(self.kept()[alice.person.inbox], {"read": {"#dev": 2000, "#ops": 1000}})
        bob = self.chat.join("bob")
        self.markers.mark(bob.person, "#dev", 5000)
        bob.types(f"/register {WORD}")
        self.assertEqual(self.kept()[bob.person.inbox], {"read": {"#dev": 5000}})

    def test_with_the_account_they_are_gone(self) -> None:
        alice = self.chat.registered("alice")
        self.markers.mark(alice.person, "#dev", 2000)
        identity = alice.person.inbox
        account = self.chat.account("alice")
        self.chat.records.change(ACCOUNT, "alice", removed(account))
        self.assertEqual(self.kept(), {})
        self.assertEqual(self.markers.find(identity, "#dev"), 0)

    def test_so_many_places_and_so_long_names(self) -> None:
        alice = self.chat.join("alice").person
        for number in range(1, MOST_PLACES + 2):
            self.markers.mark(alice, f"#{number}", number)
        self.assertEqual(self.markers.find(alice.inbox, "#1"), 0)
        self.assertEqual(self.markers.find(alice.inbox, f"#{MOST_PLACES + 1}"), MOST_PLACES + 1)
        refusal = self.assertRaises(ChatError, self.markers.mark, alice, "#" * (LONGEST + 1), 1)
        self.assertEqual(refusal.code, Code.TOO_MUCH)

    def test_while_the_disk_is_slow_one_change_waits_with_all_that_is_new(self) -> None:
        records = SlowRecords()
        self.chat.records = cast("MemoryRecords", records)
        self.chat.hub = self.chat.make_hub(self.chat.hub.policy)
        alice: Guest = self.chat.registered("alice")
        markers: Markers = self.chat.hub.markers
        records.slow = True
        for at in range(1, 100):
            markers.mark(alice.person, "#dev", at)
        records.commit()
        self.assertEqual(self.kept()[alice.person.inbox], {"read": {"#dev": 1}})
        records.commit()
        self.assertEqual(self.kept()[alice.person.inbox], {"read": {"#dev": 99}})
        self.assertEqual(markers.find(alice.person.inbox, "#dev"), 99)

    @quick
    @given(st.dictionaries(st.text(max_size=5), st.integers(0, 2**50), max_size=5))
    def test_a_record_is_read_as_it_was_written(self, marks: dict[str, int]) -> None:
        self.assertEqual(read_marks({"read": marks}), marks)

    def test_what_is_no_record_is_told(self) -> None:
        for value in ({}, {"read": 5}, {"read": {"#dev": "x"}}, {"read": {"#dev": None}}):
            self.assertRaises((KeyError, TypeError, ValueError), read_marks, value)
