"""Passwords: which ones there may be, and hashing beside the reactor's thread (threat 22)."""

import threading

from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.logins import parted
from chatservice.accounts.passwords import LONGEST, MOST_WAITING, Kept, Passwords, check_new, normal
from chatservice.accounts.scram import derive, read_verifier
from chatservice.commands.account import parted as login_parted
from chatservice.errors import ChatError, Code
from tests.fakes import CHEAP, FEW, cheap, quick
from tests.store_fakes import Pump

words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


class Choosing(SynchronousTestCase):
    """What may become a password."""

    def refused(self, text: str, nick: str = "alice") -> str:
        refusal = self.assertRaises(ChatError, check_new, text, nick)
        self.assertEqual(refusal.code, Code.BAD_ARGUMENTS)
        return str(refusal)

    def test_it_has_a_length(self) -> None:
        self.assertIn("at least 8", self.refused("1234567"))
        self.assertIn("at least 8", self.refused("  1234567  "))
        self.assertEqual(check_new("12345678", "alice"), "12345678")
        self.assertEqual(check_new("ä" * (LONGEST // 2), "alice"), "ä" * (LONGEST // 2))
        self.assertIn("at most 256 bytes", self.refused("ä" * (LONGEST // 2 + 1)))

    def test_it_is_not_the_nickname(self) -> None:
        self.assertIn("nickname", self.refused("Margarete", "mARGARETE"))

    def test_what_cannot_be_read_is_none(self) -> None:
        for text in ("p\ufffdssword", "pass\x00word", "pass\x1bword", "pass\u202eword"):
            self.assertIn("UTF-8", self.refused(text))

    def test_keyboards_that_compose_differently_agree(self) -> None:
        self.assertEqual(normal("pässword"), normal("pa\u0308ssword"))

    @quick
    @given(st.text())
    def test_any_text_is_a_password_or_refused(self, text: str) -> None:
        try:
            password = check_new(text, "alice")
        except ChatError as refusal:
            self.assertEqual(refusal.code, Code.BAD_ARGUMENTS)
            if len(text) > 3:
                self.assertNotIn(text, str(refusal))
        else:
            self.assertEqual(check_new(password, "alice"), password)


class Parting(SynchronousTestCase):
    """Two things in one line."""

    @quick
    @given(words, words)
    def test_old_and_new_without_blanks(self, old: str, new: str) -> None:
        self.assertEqual(parted(f"{old} {new}"), (old, new))

    @quick
    @given(st.lists(words, min_size=1, max_size=4), st.lists(words, min_size=1, max_size=4))
    def test_old_and_new_with_blanks(self, old: list[str], new: list[str]) -> None:
        if "->" not in old + new:
            line = f"{' '.join(old)} -> {' '.join(new)}"
            self.assertEqual(parted(line), (" ".join(old), " ".join(new)))

    def test_anything_else_is_refused(self) -> None:
        for text in ("", "one", "one two three", "a -> b -> c", " -> b", "a -> ", "a -> b ->  "):
            refusal = self.assertRaises(ChatError, parted, text)
            self.assertEqual(refusal.code, Code.BAD_ARGUMENTS, text)

    @quick
    @given(words, st.lists(words, max_size=4))
    def test_of_several_words_the_first_is_the_account(self, first: str, rest: list[str]) -> None:
        line = " ".join([first, *rest])
        expected = (first, " ".join(rest)) if rest else ("worn", first)
        self.assertEqual(login_parted(line, "worn"), expected)


class AtOnce(SynchronousTestCase):
    """Without a reactor."""

    def setUp(self) -> None:
        self.passwords = cheap()

    def test_a_hash_is_of_its_password_alone(self) -> None:
        hashed, verifier = self.successResultOf(self.passwords.make("correct horse"))
        self.assertTrue(hashed.startswith("$argon2id$"))
        self.assertTrue(self.successResultOf(self.passwords.verify("correct horse", hashed)))
        self.assertFalse(self.successResultOf(self.passwords.verify("Correct horse", hashed)))
        kept = read_verifier(verifier)
        assert kept is not None
        self.assertEqual(derive("correct horse", kept.salt, kept.iterations), kept)
        again = self.successResultOf(self.passwords.make("correct horse"))
        self.assertNotIn(again.hashed, hashed)
        self.assertNotEqual(again.scram, verifier)
        self.assertEqual(repr(again), "Kept(...)")

    def test_what_is_no_hash_is_of_no_password(self) -> None:
        for hashed in ("", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$spoiled", "x" * 100):
            self.assertFalse(self.successResultOf(self.passwords.verify("", hashed)), hashed)
            self.assertFalse(self.successResultOf(self.passwords.verify("password", hashed)))

    def test_nobodys_hash_is_checked_with_the_same_parameters(self) -> None:
        self.assertFalse(CHEAP.check_needs_rehash(self.passwords._nobodys()))
        self.assertFalse(PasswordHasher().check_needs_rehash(Passwords()._nobodys()))
        nobodys = {self.passwords._nobodys() for _ in range(10)}
        self.assertEqual(len(nobodys), 10)

    def test_other_parameters_make_a_hash_outdated(self) -> None:
        kept = self.successResultOf(self.passwords.make("correct horse"))
        self.assertFalse(self.passwords.outdated(kept))
        stronger = cheap(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
        self.assertTrue(stronger.outdated(kept))
        self.assertTrue(Passwords(CHEAP, iterations=FEW + 1).outdated(kept))
        for spoiled in (kept._replace(hashed="nonsense"), kept._replace(scram="")):
            self.assertTrue(self.passwords.outdated(spoiled))


class SlowHasher(PasswordHasher):
    """Waits at a gate; counts who is there."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.gate = threading.Event()
        self.lock = threading.Lock()
        self.arrived = threading.Semaphore(0)
        self.threads: set[int] = set()
        self.inside = self.most = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.threads.add(threading.get_ident())
        self.arrived.release()
        self.gate.wait(30)
        with self.lock:
            self.inside -= 1
        return "hash"


class Elsewhere(SynchronousTestCase):
    """With a reactor: in other threads, few at a time, and few may wait."""

    def setUp(self) -> None:
        self.pump, self.hasher = Pump(), SlowHasher()
        self.passwords = cheap(self.hasher, self.pump)
        self.addCleanup(self.passwords.close)
        self.addCleanup(self.hasher.gate.set)

    def test_two_are_worked_on_and_some_wait(self) -> None:
        asked = [self.passwords.make("correct horse") for _ in range(MOST_WAITING + 2)]
        refused = self.failureResultOf(self.passwords.make("one more"), ChatError)
        self.assertEqual(refused.value.code, Code.BUSY)
        for _ in range(2):
            self.assertTrue(self.hasher.arrived.acquire(timeout=30))
        for one in asked:
            self.assertNoResult(one)
        self.hasher.gate.set()
        for one in asked:
            self.assertEqual(self.pump.wait(one).hashed, "hash")
        self.assertEqual(self.hasher.most, 2)
        self.assertNotIn(threading.get_ident(), self.hasher.threads)
        again: Deferred[Kept] = self.passwords.make("there is room again")
        self.assertEqual(self.pump.wait(again).hashed, "hash")

    def test_who_gives_up_is_no_harm(self) -> None:
        asked = [self.passwords.make("correct horse") for _ in range(4)]
        for one in asked[::2]:
            one.addErrback(lambda _: None)
            one.cancel()
        self.hasher.gate.set()
        for one in asked[1::2]:
            self.assertEqual(self.pump.wait(one).hashed, "hash")

    def test_when_it_is_closed_no_more_are_taken(self) -> None:
        self.passwords.close()
        refused = self.failureResultOf(self.passwords.make("late"), ChatError)
        self.assertEqual(refused.value.code, Code.CLOSING)
