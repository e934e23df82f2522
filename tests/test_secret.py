"""A secret of the server's own: made once, kept, and not needed by anybody else."""

from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.secret import SECRET, Secret, read_secret
from chatservice.errors import ChatError, Code
from chatservice.interfaces import Value
from chatservice.store.memory import MemoryRecords
from tests.fakes import NOT_STORED, SlowRecords


class FullRecords(MemoryRecords):
    """Keep nothing."""

    def change(self, kind: str, key: str, how: object) -> "Deferred[Value | None]":
        return fail(ChatError(Code.NOT_STORED, NOT_STORED.message))


class Secrets(SynchronousTestCase):
    """What verifiers of unknown names are made of."""

    def got(self, secret: Secret) -> bytes:
        value: bytes = self.successResultOf(Deferred.fromCoroutine(secret.get()))
        return value

    def test_it_is_made_once_and_kept(self) -> None:
        records = MemoryRecords()
        first = self.got(Secret(records, "names"))
        self.assertEqual(len(first), 32)
        self.assertEqual(self.got(Secret(records, "names")), first)
        self.assertNotEqual(self.got(Secret(records, "others")), first)
        self.assertNotEqual(self.got(Secret(MemoryRecords(), "names")), first)

    def test_of_two_who_need_it_first_both_get_the_same(self) -> None:
        records = SlowRecords()
        secret = Secret(records, "names")
        records.slow = True
        asked = [Deferred.fromCoroutine(secret.get()) for _ in range(2)]
        records.commit()
        records.commit()
        first, second = map(self.successResultOf, asked)
        self.assertEqual(first, second)

    def test_while_it_cannot_be_kept_it_holds_for_this_process(self) -> None:
        secret = Secret(FullRecords(), "names")
        self.assertEqual(self.got(secret), self.got(secret))

    def test_what_is_none_is_told(self) -> None:
        for value in ({}, {"secret": "zz"}, {"secret": "abcd"}, {"secret": 5}):
            self.assertRaises((KeyError, ValueError), read_secret, value)

    def test_a_record_is_read_as_it_was_written(self) -> None:
        records, kept = MemoryRecords(), list[Value]()
        made = self.got(Secret(records, "names"))
        records.watch(SECRET, lambda key, value: kept.append(value or {}))
        self.assertEqual([read_secret(value) for value in kept], [made])
