"""Records at rest: what every store of them promises, and what a disk and other programs add."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatservice.admin import records as admin
from chatservice.errors import ChatError, Code
from chatservice.interfaces import IRecords, Value
from chatservice.store import records, schema, sqlite_records
from chatservice.store.schema import MIGRATIONS, StoreError, connect, prepare
from chatservice.store.sqlite_records import SqliteRecords
from tests.admin.fakes import line as old_line
from tests.admin.fakes import take
from tests.fakes import said
from tests.records_contract import VALUE, How, Learned, RecordsContract, be, break_, count, refuse
from tests.store_fakes import Store, new_directory

Result = TypeVar("Result")


class SqliteRecordsContract(RecordsContract, SynchronousTestCase):
    """What every store of records promises."""

    store: Store

    def make_records(self, *watch: Callable[[IRecords], object]) -> SqliteRecords:
        self.store = Store(self, watch=lambda records: [each(records) for each in watch])
        return self.store.records

    def wait(self, deferred: Deferred[Result]) -> Result:
        return self.store.wait(deferred)


class Case(SynchronousTestCase):
    """A store whose records of the kinds a and b somebody watches."""

    def setUp(self) -> None:
        self.learned = Learned("a", "b")
        self.store = Store(self, watch=self.learned.watch)

    def reopen(self) -> None:
        self.store.close()
        self.learned = Learned("a", "b")
        self.store = Store(self, self.store.directory, self.learned.watch)

    def change(self, key: str, how: How, kind: str = "a") -> Value | None:
        return self.store.wait(self.store.records.change(kind, key, how))

    def refused(self, change: Deferred[Value | None]) -> ChatError:
        refusal: ChatError = self.assertRaises(ChatError, self.store.wait, change)
        return refusal

    def elsewhere(self, key: str, how: How, kind: str = "a") -> Value | None:
        """Change something as chat-admin does."""
        with closing(connect(self.store.path, writing=True)) as db:
            return admin.change(db, kind, key, how)

    def look(self) -> None:
        """Look for what others have done, and take what was found."""
        self.drain()
        self.store.records.look()
        self.drain()

    def drain(self) -> None:
        """Take what comes of everything that is under way."""
        self.store.wait(self.store.database.look(lambda db: True))

    def values(self) -> list[Value | None]:
        return [value for _, _, value in self.learned.told]

    def rows(self) -> list[tuple[str, str | None, int]]:
        with self.store.plain() as db:
            return db.execute("SELECT key, value, revision FROM records ORDER BY key").fetchall()


class Reopening(Case):
    """What was changed is there again."""

    def test_all_there_are_are_told_at_the_start(self) -> None:
        self.change("x", be(VALUE))
        self.change("y", count)
        self.change("x", be({"other": "kind"}), kind="b")
        self.change("x", count, kind="nobody watches")
        self.change("gone", count)
        self.change("gone", be(None))
        known = self.learned.known
        self.reopen()
        self.assertEqual(self.learned.known, known)
        self.assertEqual(len(self.learned.told), 3)
        self.assertEqual(self.change("y", count), {"n": 2})
        self.assertEqual(self.change("x", count, kind="nobody watches"), {"n": 2})

    def test_what_another_program_did_meanwhile_is_told_as_it_is(self) -> None:
        self.change("x", count)
        self.change("y", count)
        self.store.close()
        self.elsewhere("x", be(None))
        self.elsewhere("y", count)
        self.reopen()
        self.assertEqual(self.learned.told, [("a", "y", {"n": 2})])
        self.look()
        self.assertEqual(len(self.learned.told), 1)

    def test_later_it_is_too_late_to_watch(self) -> None:
        self.assertRaises(RuntimeError, self.store.records.watch, "c", lambda key, value: None)

    def test_a_database_from_before_there_were_records(self) -> None:
        directory = new_directory(self)
        directory.mkdir()
        prepare(directory / "chat.db", MIGRATIONS[:1])
        self.store.close()
        self.store = Store(self, directory, self.learned.watch)
        self.assertEqual(self.change("x", count), {"n": 1})
        self.assertTrue((directory / "chat.db.v1.backup").exists())

    def test_without_a_record_that_is_damaged_nobody_starts(self) -> None:
        self.change("x", be({"secret": "s3cret"}))
        self.store.close()
        with self.store.plain() as db:
            db.execute("PRAGMA ignore_check_constraints=ON")
            db.execute("UPDATE records SET value = substr(value, 2)")
        error = self.assertRaises(StoreError, self.reopen)
        self.assertRegex(str(error), "the a 'x' cannot be read: .*; see what chat-admin check")
        self.assertNotIn("s3cret", str(error))
        self.store = Store(self, self.store.directory)  # nobody asks for it; and it is not locked

    def test_without_a_record_that_is_not_understood_nobody_starts(self) -> None:
        def learn(key: str, value: Value | None) -> None:
            raise LookupError("role")

        self.change("x", count)
        self.store.close()
        directory = self.store.directory
        with self.assertRaisesRegex(StoreError, "the a 'x' is not understood: LookupError.'role'"):
            Store(self, directory, lambda records: records.watch("a", learn))
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        self.reopen()

    def test_who_reacts_to_what_there_is_may_change_it(self) -> None:
        self.change("x", count)
        self.store.close()
        done: list[Deferred[Value | None]] = []

        def watch(records: SqliteRecords) -> None:
            self.learned.watch(records)
            records.watch("a", lambda key, value: done.append(records.change("b", key, count)))

        self.store = Store(self, self.store.directory, watch)
        self.assertEqual(self.store.wait(done[0]), {"n": 1})
        self.assertEqual(self.learned.known["b", "x"], {"n": 1})


class Writing(Case):
    """The disk: one commit for many, and trouble."""

    def test_what_waits_is_committed_together(self) -> None:
        with self.store.held() as statements:
            changes = [self.store.records.change("a", str(n % 7), count) for n in range(50)]
        for change in changes:
            self.store.wait(change)
        self.assertEqual(statements.count("COMMIT"), 2)  # the other is that of who held it
        self.assertEqual(len(self.learned.told), 50)

    def test_but_not_too_much(self) -> None:
        self.patch(sqlite_records, "TOGETHER", 20)
        with self.store.held() as statements:
            changes = [self.store.records.change("a", "x", count) for n in range(50)]
        self.assertEqual([self.store.wait(d) for d in changes], [{"n": n + 1} for n in range(50)])
        self.assertEqual(statements.count("COMMIT"), 1 + 3)

    def test_what_was_appended_before_is_committed_before(self) -> None:
        order: list[str] = []
        appended = self.store.log.append([said("x")])
        appended.addCallback(lambda _: order.append("line"))
        changed = self.store.records.change("a", "x", count)
        changed.addCallback(lambda _: order.append("record"))
        self.store.wait(changed)
        self.store.wait(appended)
        self.assertEqual(order, ["line", "record"])

    def test_a_refusal_costs_nothing(self) -> None:
        connection = self.store.wait(self.store.database.change(lambda db: db))
        with self.store.held() as statements:
            changes = [self.store.records.change("a", "x", how) for how in (refuse, break_, refuse)]
        for change, code in zip(
            changes, (Code.NICK_REGISTERED, Code.INTERNAL, Code.NICK_REGISTERED), strict=True
        ):
            self.assertEqual(self.refused(change).code, code)
        self.flushLoggedErrors(LookupError)
        self.assertNotIn("ROLLBACK", statements)
        self.assertIs(self.store.wait(self.store.database.change(lambda db: db)), connection)
        self.assertEqual(self.store.log.trouble, "")

    def test_a_full_disk(self) -> None:
        self.change("x", count)
        self.pages(1)
        with self.store.held():
            changes = [self.store.records.change("a", "x", count)]
            changes.append(self.store.records.change("a", "y", be({"text": "x" * 100_000})))
            changes.append(self.store.records.change("a", "z", refuse))
        for change in changes:
            refusal = self.refused(change)
            self.assertEqual(refusal.code, Code.NOT_STORED)
            self.assertRegex(refusal.message, r"database or disk is full.*try again")
        self.assertEqual(self.values(), [{"n": 1}])
        self.pages(4294967294)
        self.assertEqual(self.change("x", count), {"n": 2})

    def pages(self, most: int) -> None:
        sql = f"PRAGMA max_page_count={most}"
        self.store.wait(self.store.database.change(lambda db: db.execute(sql).fetchall()))

    def test_a_database_that_somebody_else_holds(self) -> None:
        self.patch(schema, "BUSY", 0.0)
        self.reopen()
        self.elsewhere("x", count)
        with self.store.plain() as other:
            other.execute("BEGIN IMMEDIATE")
            refusal = self.refused(self.store.records.change("a", "y", count))
            self.assertEqual((refusal.code, "locked" in refusal.message), (Code.NOT_STORED, True))
            self.look()  # reading goes on
            self.assertEqual(self.learned.told, [("a", "x", {"n": 1})])
            other.execute("ROLLBACK")
        self.assertEqual(self.change("y", count), {"n": 1})

    def test_only_so_much_may_wait(self) -> None:
        self.patch(sqlite_records, "MOST_WAITING", 3)
        with self.store.held():
            changes = [self.store.records.change("a", "x", count) for _ in range(3)]
            refusal = self.failureResultOf(self.store.records.change("a", "x", count), ChatError)
            self.assertEqual(refusal.value.code, Code.NOT_STORED)
        self.assertEqual([self.store.wait(d) for d in changes], [{"n": n} for n in (1, 2, 3)])
        self.assertEqual(self.change("x", count), {"n": 4})

    def test_closing_finishes_what_waits_and_takes_no_more(self) -> None:
        with self.store.held():
            waiting = self.store.records.change("a", "x", count)
            self.store.database.close()
            late = self.store.records.change("a", "y", count)
        self.assertEqual(self.store.wait(waiting), {"n": 1})
        self.store.wait(late)
        for _ in range(2):
            refusal = self.refused(self.store.records.change("a", "x", count))
            self.assertEqual(refusal.code, Code.NOT_STORED)
            self.assertIn("closing", refusal.message)
        self.store.records.look()
        self.reopen()
        self.assertEqual(self.learned.known, {("a", "x"): {"n": 1}, ("a", "y"): {"n": 1}})


class Elsewhere(Case):
    """What other programs change while the chat runs."""

    def test_a_look_finds_it(self) -> None:
        self.change("x", count)
        self.elsewhere("x", count)
        self.elsewhere("y", be(VALUE), kind="b")
        self.elsewhere("z", count, kind="nobody watches")
        self.assertEqual(len(self.learned.told), 1)
        self.look()
        self.assertEqual(self.learned.told[1:], [("a", "x", {"n": 2}), ("b", "y", VALUE)])
        self.elsewhere("x", be(None))
        self.look()
        self.assertEqual(self.learned.told[3:], [("a", "x", None)])
        self.look()
        self.assertEqual(len(self.learned.told), 4)

    def test_so_does_a_change_of_ones_own(self) -> None:
        self.change("x", count)
        self.elsewhere("x", count)
        self.elsewhere("y", count)
        self.assertEqual(self.change("x", count), {"n": 3})
        told = [("x", {"n": 1}), ("x", {"n": 2}), ("y", {"n": 1}), ("x", {"n": 3})]
        self.assertEqual([(key, value) for _, key, value in self.learned.told], told)
        self.look()
        self.assertEqual(len(self.learned.told), 4)

    def test_even_one_that_is_refused(self) -> None:
        self.elsewhere("x", count)
        self.refused(self.store.records.change("a", "x", refuse))
        self.assertEqual(self.values(), [{"n": 1}])

    def test_nothing_is_told_twice_or_out_of_order(self) -> None:
        with self.store.held():
            changes = []
            for _ in range(3):
                changes.append(self.store.records.change("a", "x", count))
                self.store.records.look()
                changes.append(self.store.records.change("a", "x", count))
                self.store.records.look()
        self.elsewhere("y", count)
        self.look()
        for change in changes:
            self.store.wait(change)
        numbers = [value for _, key, value in self.learned.told if key == "x"]
        self.assertEqual(numbers, [{"n": n} for n in range(1, 7)])
        self.assertEqual(self.learned.known["a", "y"], {"n": 1})

    def test_the_row_of_what_is_gone_stays_until_that_is_known(self) -> None:
        self.change("x", count)
        self.change("y", count)
        self.change("y", be(None))
        self.elsewhere("x", be(None))
        self.assertEqual(self.rows(), [("x", None, 4), ("y", None, 3)])
        self.change("z", count)  # when this is made, only y is known to be gone
        self.assertEqual(self.rows(), [("x", None, 4), ("z", '{"n": 1}', 5)])
        self.assertNotIn(("a", "x"), self.learned.known)
        self.change("z", count)
        self.assertEqual(self.rows(), [("z", '{"n": 2}', 6)])

    def test_no_revision_is_given_twice(self) -> None:
        self.change("x", count)
        self.change("x", be(None))
        self.reopen()
        self.change("x", be(None))  # drops the row
        self.assertEqual(self.rows(), [])
        self.change("y", count)
        self.assertEqual(self.rows(), [("y", '{"n": 1}', 3)])

    def test_what_cannot_be_read_is_left_out(self) -> None:
        self.change("x", count)
        with self.store.plain() as db:
            db.execute("PRAGMA ignore_check_constraints=ON")
            db.execute("BEGIN")
            db.execute("UPDATE records SET value = '{', revision = 2")
            db.execute("UPDATE meta SET value = 2 WHERE name = 'revision'")
            db.execute("COMMIT")
        self.elsewhere("y", count)
        self.look()
        self.assertEqual([key for _, key, _ in self.learned.told], ["x", "y"])
        self.assertEqual(
            self.refused(self.store.records.change("a", "x", count)).code, Code.INTERNAL
        )
        self.assertEqual(len(self.flushLoggedErrors(records.Damaged)), 2)
        self.assertEqual(self.change("y", count), {"n": 2})

    def test_a_look_writes_nothing_and_waits_for_no_other(self) -> None:
        with self.store.held() as statements:
            for _ in range(5):
                self.store.records.look()
        self.look()
        self.assertEqual(len([sql for sql in statements if "revision >" in sql]), 2)
        self.assertNotIn("BEGIN IMMEDIATE", statements)

    def test_when_it_cannot_be_read_the_next_look_finds_it(self) -> None:
        self.elsewhere("x", count)
        since = records.since

        def broken(db: sqlite3.Connection, revision: int) -> list[records.Record]:
            raise sqlite3.OperationalError("disk I/O error")

        self.patch(records, "since", broken)
        self.look()
        self.assertEqual(self.learned.told, [])
        self.patch(records, "since", since)
        self.look()
        self.assertEqual(self.values(), [{"n": 1}])


class Rooms(Case):
    """The same look finds what chat-admin imports."""

    def test_the_head_of_a_room_that_is_imported_is_known_before_anything_is_said(self) -> None:
        self.store.append(said("1"))
        take(self.store.directory, [old_line(str(n), "#new", n) for n in range(1, 8)])
        take(self.store.directory, [old_line("late", "#lobby", 9)])
        self.look()
        self.assertEqual(self.successResultOf(self.store.log.head("#new")), 7)
        self.assertEqual(self.successResultOf(self.store.log.head("#lobby")), 9)
        self.assertEqual(self.store.append(said("2", "#new"))[0].seq, 8)
        self.assertEqual(self.store.found("late"), [9])

    def test_what_is_said_here_is_not_looked_for(self) -> None:
        self.store.append(said("1"))
        self.look()
        self.store.append(said("2"))
        with self.store.held() as statements:
            self.store.records.look()
        self.look()
        self.assertEqual([sql for sql in statements if "FROM rooms" in sql], [])
