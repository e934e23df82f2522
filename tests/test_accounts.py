"""Accounts: who has which name, what is remembered, and races for both."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts import accounts
from chatservice.accounts.accounts import ACCOUNT, MOST_SETTINGS, OFTEN, Accounts
from chatservice.durations import DAY
from chatservice.errors import ChatError, Code
from chatservice.interfaces import Value
from chatservice.people.account import (
    MOST_NETWORKS,
    Account,
    from_value,
    registered,
    to_value,
    with_role,
)
from chatservice.roles import Role
from chatservice.store.memory import MemoryRecords
from tests.fakes import NOW, quick
from tests.store_fakes import Store

Result = TypeVar("Result")


class SlowRecords(MemoryRecords):
    """Changes records when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Callable[[], object]] = []

    def change(
        self, kind: str, key: str, how: Callable[[Value | None], Value | None]
    ) -> Deferred[Value | None]:
        changed: Deferred[Value | None] = Deferred()
        change = super().change
        self._waiting.append(lambda: change(kind, key, how).chainDeferred(changed))
        return changed

    def commit(self) -> None:
        """Make every change so far."""
        waiting, self._waiting = self._waiting, []
        for make in waiting:
            make()


class Known(SynchronousTestCase):
    """Accounts in memory."""

    def setUp(self) -> None:
        self.now = NOW
        self.records = MemoryRecords()
        self.accounts = Accounts(self.records, lambda: self.now)

    def register(self, name: str, identity: str = "@1") -> Account:
        return self.successResultOf(self.accounts.register(name, identity, "hash"))

    def refused(self, deferred: Deferred[Result]) -> Code:
        return self.failureResultOf(deferred, ChatError).value.code  # type: ignore[no-any-return]

    def test_an_account_is_found_by_name_look_and_identity(self) -> None:
        alice = self.register("Alice")
        self.assertEqual(alice, Account("Alice", "@1", "hash", Role.USER, NOW, NOW))
        for name in ("Alice", "ALICE", "alice"):
            self.assertEqual(self.accounts.find(name), alice)
            self.assertEqual(self.accounts.owner(name), alice)
        self.assertIsNone(self.accounts.find("аlice"))
        self.assertEqual(self.accounts.owner("аlice"), alice)
        self.assertEqual(self.accounts.of("@1"), alice)
        self.assertIsNone(self.accounts.owner("bob"))

    def test_a_name_and_what_looks_like_it_is_registered_once(self) -> None:
        self.register("alice")
        for name in ("alice", "Alice", "аlice"):
            self.assertEqual(self.refused(self.accounts.register(name, "@2")), Code.NICK_REGISTERED)
        self.assertEqual(len(self.accounts), 1)

    def test_there_are_only_so_many(self) -> None:
        self.patch(accounts, "MOST_ACCOUNTS", 2)
        self.register("alice", "@1"), self.register("bob", "@2")
        self.assertEqual(self.refused(self.accounts.register("carol", "@3")), Code.TOO_MUCH)

    def test_settings_are_merged_forgotten_and_bounded(self) -> None:
        self.register("alice")
        self.successResultOf(self.accounts.remember("@1", bell="off", quiet=True))
        self.successResultOf(self.accounts.remember("@1", quiet=None, ignored=["@2"]))
        alice = self.accounts.of("@1")
        assert alice is not None
        self.assertEqual(alice.settings, {"bell": "off", "ignored": ["@2"]})
        huge = self.accounts.remember("@1", bell="x" * MOST_SETTINGS)
        self.assertEqual(self.refused(huge), Code.TOO_MUCH)
        self.assertEqual(self.accounts.of("@1"), alice)

    def test_of_a_guest_nothing_is_kept(self) -> None:
        self.successResultOf(self.accounts.remember("@9", bell="off"))
        self.successResultOf(self.accounts.note("@9", read=3))
        self.assertEqual(len(self.accounts), 0)

    def test_that_somebody_was_here_is_noted_now_and_then(self) -> None:
        self.register("alice")
        seen = []
        self.accounts.watch(lambda old, new: seen.append((new.seen - NOW, new.read) if new else ()))
        for later, read in ((1, None), (2, 0), (OFTEN, None), (OFTEN + 1, 7), (OFTEN + 2, 5)):
            self.now = NOW + later
            self.successResultOf(self.accounts.note("@1", read=read))
        self.assertEqual(seen, [(OFTEN, 0), (OFTEN + 1, 7)])

    def test_networks_are_remembered_the_last_few(self) -> None:
        self.register("alice")
        for network in ("a", "b", "c", "a", "d", "e", "e"):
            self.now += OFTEN
            self.successResultOf(self.accounts.note("@1", network=network))
        alice = self.accounts.of("@1")
        assert alice is not None
        self.assertEqual(alice.networks, ("c", "a", "d", "e"))
        self.assertEqual(len(alice.networks), MOST_NETWORKS)

    def test_a_change_is_one_of_this_very_account(self) -> None:
        """Not of another of the same name, which was registered after it was removed."""
        alice = self.register("alice")
        self.records.change(ACCOUNT, "alice", lambda value: None)
        self.register("alice", "@2")
        self.assertEqual(
            self.refused(self.accounts.set_password(alice, "other")), Code.NO_SUCH_NICK
        )

    def test_a_password_that_was_changed_meanwhile_stays(self) -> None:
        alice = self.register("alice")
        self.successResultOf(self.accounts.set_password(alice, "second"))
        self.assertEqual(self.refused(self.accounts.set_password(alice, "third")), Code.BUSY)

    def test_who_does_not_come_expires_but_admins_and_who_is_here(self) -> None:
        for n, name in enumerate(("alice", "bob", "carol", "dave")):
            self.register(name, f"@{n}")
        alice = self.accounts.find("alice")
        assert alice is not None
        self.records.change(ACCOUNT, "alice", with_role(alice, Role.ADMIN))
        self.now = NOW + DAY
        self.successResultOf(self.accounts.note("@1"))
        gone = self.accounts.expire(NOW + 1, lambda identity: identity == "@2")
        self.assertEqual(self.successResultOf(gone), 1)
        self.assertEqual([self.accounts.of(f"@{n}") is None for n in range(4)], [0, 0, 0, 1])

    def test_whoever_watches_learns_what_was_and_is(self) -> None:
        heard: list[tuple[str, str]] = []

        def name(account: Account | None) -> str:
            return "" if account is None else account.password

        self.accounts.watch(lambda old, new: heard.append((name(old), name(new))))
        alice = self.register("alice")
        self.accounts.set_password(alice, "second")
        self.records.change(ACCOUNT, "alice", lambda value: None)
        self.assertEqual(heard, [("", "hash"), ("hash", "second"), ("second", "")])

    def test_no_hash_is_shown(self) -> None:
        self.assertNotIn("hash", repr(self.register("alice")))

    @quick
    @given(
        st.builds(
            Account,
            st.text(max_size=5),
            st.text(max_size=5),
            st.text(max_size=5),
            st.sampled_from(Role),
            st.floats(0, 1e10),
            st.floats(0, 1e10),
            st.integers(0, 2**40),
            st.dictionaries(st.text(max_size=3), st.booleans() | st.text(max_size=3), max_size=3),
            st.lists(st.text(max_size=3), max_size=3).map(tuple),
        )
    )
    def test_a_record_holds_all_of_an_account(self, account: Account) -> None:
        self.assertEqual(from_value(to_value(account)), account)
        self.assertEqual(from_value({**to_value(account), "later": "versions"}), account)

    def test_what_is_no_account_is_told(self) -> None:
        for value in ({}, {"name": "x"}, {**to_value(Account("a", "@1")), "role": "KING"}):
            self.assertRaises((KeyError, TypeError, ValueError), from_value, value)


class Races(SynchronousTestCase):
    """Two at a time."""

    def outcomes(self, *deferreds: Deferred[Account]) -> list[str]:
        found: list[str] = []
        for one in deferreds:
            one.addCallbacks(
                lambda account: found.append(account.identity),
                lambda failure: found.append(failure.value.code),
            )
        return found

    def test_of_two_who_want_one_name_or_its_look_one_gets_it(self) -> None:
        for names in (("alice", "alice"), ("alice", "ALICE"), ("alice", "аlice")):
            records = SlowRecords()
            known = Accounts(records)
            pending = [known.register(name, f"@{n}") for n, name in enumerate(names)]
            records.commit()
            self.assertEqual(self.outcomes(*pending), ["@0", Code.NICK_REGISTERED], names)
            self.assertEqual(len(known), 1)

    def test_of_two_programs_one_gets_it(self) -> None:
        """chat-admin is another; what it did is not known here yet."""
        records = SlowRecords()
        known = Accounts(records)
        other = Account("Alice", "@other")
        records.change(ACCOUNT, "alice", registered(other))
        mine = known.register("alice", "@mine")
        records.commit()
        self.assertEqual(self.outcomes(mine), [Code.NICK_REGISTERED])
        self.assertEqual(known.find("alice"), other)

    def test_a_name_that_could_not_be_stored_can_be_registered_again(self) -> None:
        records = SlowRecords()
        known = Accounts(records)
        records.change(ACCOUNT, "alice", registered(Account("alice", "@other")))
        refused = known.register("alice", "@mine")
        records.commit()
        records.change(ACCOUNT, "alice", lambda value: None)
        records.commit()
        again = known.register("alice", "@mine")
        records.commit()
        self.assertEqual(self.outcomes(refused, again), [Code.NICK_REGISTERED, "@mine"])

    def test_on_disk_one_of_many_gets_it_and_keeps_it(self) -> None:
        made: list[Accounts] = []
        store = Store(self, watch=lambda records: made.append(Accounts(records)))
        pending = [made[0].register("alice", f"@{n}") for n in range(10)]
        found = self.outcomes(*pending)
        store.wait(store.records.change("other", "x", lambda value: {}))
        self.assertEqual(sorted(found), sorted(["@0", *[Code.NICK_REGISTERED] * 9]))
        store.wait(made[0].remember("@0", bell="off"))
        store.close()
        again: list[Accounts] = []
        Store(self, store.directory, watch=lambda records: again.append(Accounts(records)))
        self.assertEqual(again[0].find("alice"), made[0].find("alice"))
