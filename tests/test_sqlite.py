"""The log at rest: what every log promises, and what a disk adds to it."""

import os
import queue
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn, TypeVar
from unittest import mock

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.interfaces import Hit
from chatservice.retention import Keep, Retention
from chatservice.store import database, rows, schema, sqlite, words, writer
from chatservice.store.schema import StoreError
from chatservice.store.sqlite import SqliteLog, SqliteTickets
from tests.fakes import NOW, joined, said
from tests.log_contract import LogContract
from tests.store_fakes import PATIENCE, Pump, Store, line, new_directory, query, refusal
from tests.tickets_contract import CONNECTED, TicketsContract

Result = TypeVar("Result")


class SqliteLogContract(LogContract, SynchronousTestCase):
    """What every log promises."""

    store: Store

    def make_log(self) -> SqliteLog:
        self.store = Store(self)
        return self.store.log

    def wait(self, deferred: Deferred[Result]) -> Result:
        return self.store.wait(deferred)


class SqliteTicketsContract(TicketsContract, SynchronousTestCase):
    """What every store of tickets promises."""

    store: Store

    def make_tickets(self) -> SqliteTickets:
        self.store = Store(self)
        return SqliteTickets(self.store.database, now=lambda: self.time)

    def wait(self, deferred: Deferred[Result]) -> Result:
        return self.store.wait(deferred)


class Reopening(SynchronousTestCase):
    """What was committed is there again, and no number is given twice."""

    def setUp(self) -> None:
        self.store = Store(self)

    def reopen(self) -> Store:
        self.store.close()
        self.store = Store(self, self.store.directory)
        return self.store

    def test_everything_is_there_again_and_numbers_go_on(self) -> None:
        kept = self.store.append(
            line("tick tack", 1.125, by="@1"),
            Event(0, NOW, "#other", Kind.ACTED, "Ålice", "tän\tzt 👍 tick"),
            Event(0, NOW, "@2", Kind.PRIVATE, "alice", "tick\0tock", to="bob", by="@1"),
        )
        store = self.reopen()
        self.assertEqual([*store.kept(), *store.kept("#other"), *store.kept("@2")], kept)
        again = store.append(joined("x"), *(said("tick", room) for room in ("#lobby", "@2")))
        self.assertEqual([event.seq for event in again], [1, 2, 2])
        self.assertEqual((store.found("tick"), store.found("tick", "@2")), ([2, 1], [2, 1]))

    def test_numbers_are_not_given_again_after_everything_was_pruned(self) -> None:
        self.store.append(*(line("x", room=room) for room in ("#lobby", "@1") for _ in range(5)))
        pruned = self.store.log.prune(Retention(Keep(seconds=60)), NOW + 100_000)
        self.assertEqual(self.store.wait(pruned), 10)
        store = self.reopen()
        self.assertEqual(store.wait(store.log.head("#lobby")), 5)
        again = store.append(line("tick"), line("tick", room="@1"))
        self.assertEqual([event.seq for event in again], [6, 6])
        self.assertEqual(store.found("tick"), [6])

    def test_new_lines_are_found_after_the_newest_were_forgotten(self) -> None:
        for indexed in (True, False):
            self.store.append(line("old", by="@1"), line("secret", by="@2"))
            if indexed:
                self.assertEqual(len(self.store.found("secret")), 1)
            self.store.wait(self.store.log.forget("@2", NOW))
            with self.store.plain() as db:
                left = db.execute("SELECT rowid FROM words WHERE words MATCH 'secret'").fetchall()
            self.assertEqual(left, [])
            store = self.reopen()
            newest = store.append(line("new", by="@3"))[0].seq
            self.assertEqual(store.found("new")[0], newest)
            self.assertEqual(store.found("secret"), [])
            self.assertEqual(store.found("old")[0], newest - 2)

    def test_what_was_not_indexed_when_it_closed_is_found(self) -> None:
        self.patch(rows, "STEP", 7)
        self.store.append(*(said("tick") for _ in range(40)))
        self.assertEqual(self.reopen().found("tick"), list(range(40, 0, -1)))

    def test_after_closing_one_file_holds_everything(self) -> None:
        kept = self.store.append(said("1"), said("2"))
        self.assertEqual(self.store.kept(), kept)  # somebody reads, too
        self.store.close()
        directory = new_directory(self)
        directory.mkdir()
        shutil.copy(self.store.path, directory)
        self.assertEqual(Store(self, directory).kept(), kept)

    def test_who_was_connected_has_read_all_there_was(self) -> None:
        tickets = SqliteTickets(self.store.database)
        away = replace(CONNECTED, key="away", at=NOW - 5, read={"#lobby": 1})
        there = replace(CONNECTED, rooms=("#lobby", "#void", "#gone"), at=NOW - 100)
        for ticket in (away, there):
            self.store.wait(tickets.save(ticket))
        self.store.append(*(line("x", room=room, by=room) for room in ("#lobby", "#gone", "@7")))
        self.store.append(said("y"))
        self.store.wait(self.store.log.forget("#gone", 0))
        tickets = SqliteTickets(self.reopen().database, now=lambda: NOW)
        read = {"#lobby": 2, "#void": 0, "#gone": 1, "@7": 1}
        expected = replace(there, at=NOW, read=read)
        self.assertEqual(self.store.wait(tickets.find("k")), expected)
        self.assertEqual(self.store.wait(tickets.find("away")), away)

    def test_an_inbox_with_a_ticket_survives_pruning_until_the_ticket_does_not(self) -> None:
        tickets = SqliteTickets(self.store.database, now=lambda: NOW)
        self.store.wait(tickets.save(replace(CONNECTED, read={"@7": 1})))
        self.store.append(line("x", room="@7"), line("x", room="@8"))

        def rooms() -> list[str]:
            with self.store.plain() as db:
                return rows.all_rooms(db)

        self.store.wait(self.store.log.prune(Retention(), NOW + 86_400))
        self.assertEqual(rooms(), ["@7", "@8"])
        self.store.wait(self.store.log.prune(Retention(), NOW + 86_401))
        self.assertEqual(rooms(), [])

    def test_the_ticket_of_somebody_connected_keeps_its_inbox(self) -> None:
        self.store.wait(SqliteTickets(self.store.database).save(CONNECTED))
        self.store.append(line("x", room="@7"))
        self.store.wait(self.store.log.prune(Retention(), NOW + 1e6))
        self.assertEqual(self.store.wait(self.store.log.head("@7")), 1)
        with self.store.plain() as db:
            self.assertEqual(rows.all_rooms(db), ["@7"])


class Opening(SynchronousTestCase):
    """The directory is for one process alone; what cannot be used is refused in a sentence."""

    def setUp(self) -> None:
        self.directory = new_directory(self)

    def refused(self) -> str:
        """Open, in vain; return why, for people."""
        log = SqliteLog(database.Database(self.directory, Pump()))
        return str(self.assertRaises(StoreError, log.open))

    def test_a_second_chat_is_refused_until_the_first_is_shut(self) -> None:
        store = Store(self, self.directory)
        self.assertRegex(self.refused(), "another chat uses the directory .*data")
        store.append(said("still here"))
        store.wait(store.log.close())
        self.assertIn("another chat", self.refused())
        store.close()
        self.assertEqual(len(Store(self, self.directory).kept()), 1)

    def test_shutting_twice_is_shutting(self) -> None:
        store = Store(self, self.directory)
        store.close()
        store.log.shut()
        other = Store(self, self.directory)
        store.log.shut()
        self.assertIn("another chat", self.refused())
        self.assertEqual(other.kept(), [])

    def test_a_file_is_no_directory(self) -> None:
        self.directory.write_text("x")
        self.assertRegex(self.refused(), "cannot use the directory .*/data: ")

    def test_below_a_file_there_is_no_directory(self) -> None:
        self.directory.write_text("x")
        self.directory /= "data"
        self.assertRegex(self.refused(), "cannot use the directory .*/data/data: Not a directory")

    def test_a_directory_in_which_nothing_may_be_written_is_refused(self) -> None:
        self.directory.mkdir(0o500)
        if os.geteuid() == 0:  # who may write anywhere
            os.seteuid(65534)
            self.addCleanup(os.seteuid, 0)
        self.assertRegex(self.refused(), "cannot use the directory .*/data: Permission denied")

    def test_what_is_no_database_is_refused_and_left_alone(self) -> None:
        self.directory.mkdir()
        path = self.directory / database.FILE
        path.write_bytes(b"my diary " * 1000)
        self.assertRegex(self.refused(), "cannot use the database .*chat.db: file is not a data")
        self.assertEqual(path.read_bytes(), b"my diary " * 1000)
        path.unlink()
        Store(self, self.directory).append(said("the lock was given back"))

    def test_a_directory_in_the_place_of_the_database_is_refused(self) -> None:
        (self.directory / database.FILE).mkdir(parents=True)
        self.assertRegex(self.refused(), "cannot use the database .*: Is a directory")

    def test_another_programs_database_is_refused_and_left_alone(self) -> None:
        self.directory.mkdir()
        path = self.directory / database.FILE
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE recipes (cake)")
        before = path.read_bytes()
        self.assertRegex(self.refused(), "chat.db is a database of another program: name another")
        self.assertEqual(path.read_bytes(), before)

    def test_a_database_that_is_damaged_is_refused(self) -> None:
        store = Store(self, self.directory)
        store.append(*(said("x" * 1000) for _ in range(100)))
        store.close()
        data = store.path.read_bytes()
        store.path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
        self.assertRegex(self.refused(), "cannot use the database .*: database disk image is malf")

    def test_nobody_else_may_read_anything(self) -> None:
        self.addCleanup(os.umask, os.umask(0))
        store = Store(self, self.directory)
        store.append(said("x"))
        store.kept()
        self.assertEqual(self.directory.stat().st_mode & 0o777, 0o700)
        files = {path.name: path.stat().st_mode & 0o777 for path in self.directory.iterdir()}
        self.assertEqual(set(files.values()), {0o600})
        self.assertEqual({*files}, {"chat.db", "chat.db-shm", "chat.db-wal", "lock"})


class Waiting(SynchronousTestCase):
    """What waits is committed together; what need not wait does not."""

    def setUp(self) -> None:
        self.store = Store(self)
        self.log = self.store.log
        self.calls: list[object] = []
        self.log.subscribe(lambda events: self.calls.extend(map(brief, events)))

    def append(self, *events: Event, name: object = None) -> Deferred[object]:
        """Append; note its end under a name or, if it fails, the refusal's code."""
        return self.log.append(events).addCallbacks(
            lambda _: None if name is None else self.calls.append(name),
            lambda failure: self.calls.append(failure.value.code),
        )

    def test_what_waits_is_committed_together(self) -> None:
        pending: list[Deferred[object]] = []
        expected: list[object] = []
        with self.store.held() as statements:
            for n in range(1, 101):
                pending += [
                    self.append(said("a", "#a"), joined("x", "#b"), said("b", "#b"), name=f"{n}"),
                    self.log.head("#b").addCallback(self.calls.append),
                    self.append(name="fence"),
                    self.append(joined("y", "#a"), name="came"),
                ]
                expected += [f"#a {n} a", f"#b {n - 1} x", f"#b {n} b", str(n), n, "fence"]
                expected += [f"#a {n} y", "came"]
            self.assertEqual(self.calls, [])
        for deferred in pending:
            self.store.wait(deferred)
        self.assertEqual(self.calls, expected)
        commits = [sql for sql in statements if sql == "COMMIT"]
        self.assertEqual(len(commits), 2)  # of the one who held, and of all others
        for room in ("#a", "#b"):
            self.assertEqual([event.seq for event in self.store.kept(room)], list(range(1, 101)))

    def test_a_group_is_not_too_large(self) -> None:
        self.patch(writer, "GROUP", 10)
        with self.store.held() as statements:
            pending = [self.append(said(str(n))) for n in range(35)]
        for deferred in pending:
            self.store.wait(deferred)
        self.assertEqual(statements.count("COMMIT"), 5)
        self.assertEqual([event.text for event in self.store.kept()], [str(n) for n in range(35)])

    def test_while_nothing_waits_nothing_need_wait(self) -> None:
        self.store.append(said("1"))
        self.append(name="fence")
        self.append(joined("x"), joined("y"), name="came")
        self.log.head("#lobby").addCallback(self.calls.append)
        self.assertEqual(self.calls, ["#lobby 1 1", "fence", "#lobby 1 x", "#lobby 1 y", "came", 1])

    def test_the_heads_of_rooms_are_known_after_opening(self) -> None:
        self.store.append(said("1"), said("2"))
        self.store.close()
        log = Store(self, self.store.directory).log
        log.head("#lobby").addCallback(self.calls.append)
        self.assertEqual(self.calls[-1], 2)

    def test_while_something_waits_everything_waits_for_it(self) -> None:
        self.store.append(said("1"))
        with self.store.held():
            self.append(said("2"), name="said")
            self.append(joined("x"), name="came")
            self.append(name="fence")
            last = self.log.head("#lobby").addCallback(self.calls.append)
            self.assertEqual(self.calls, ["#lobby 1 1"])
        self.store.wait(last)
        expected = ["#lobby 1 1", "#lobby 2 2", "said", "#lobby 2 x", "came", "fence", 2]
        self.assertEqual(self.calls, expected)

    def test_who_appends_when_told_does_not_overtake(self) -> None:
        again: list[Deferred[object]] = []

        def told(events: Sequence[Event]) -> None:
            if events[0].text == "1":
                again.append(self.append(joined("x"), name="came"))

        self.log.subscribe(told)
        self.store.append(said("0"))
        self.store.wait(self.append(said("1"), name="said"))
        self.store.wait(again[0])
        self.assertEqual(self.calls, ["#lobby 1 0", "#lobby 2 1", "said", "#lobby 2 x", "came"])

    def test_a_subscriber_that_fails_costs_nobody_an_answer(self) -> None:
        calls: list[Event] = []
        self.log.subscribe(lambda events: [][0])
        self.log.subscribe(calls.extend)
        with self.store.held():
            pending = [self.append(said("1"), name="1"), self.append(said("2"), name="2")]
        for deferred in pending:
            self.store.wait(deferred)
        self.append(joined("x"), name="x")
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 3)
        self.assertEqual(self.calls, ["#lobby 1 1", "1", "#lobby 2 2", "2", "#lobby 2 x", "x"])
        self.assertEqual(len(calls), 3)

    def test_only_so_much_may_wait(self) -> None:
        self.patch(sqlite, "MOST_WAITING", 5)
        with self.store.held():
            pending = [self.append(said(str(n)), name="said") for n in range(1, 6)]
            refused = self.assertRaises(ChatError, self.log.check)
            self.append(said("too much"))
            self.assertEqual(self.calls, [Code.NOT_STORED])
            pending += [self.append(joined("x"), name="came"), self.append(name="fence")]
            self.append(said("too much"), joined("y"))
        self.assertEqual(refused.code, Code.NOT_STORED)
        self.assertRegex(refused.message, "too slow at present: try again")
        for deferred in pending:
            self.store.wait(deferred)
        expected = [call for n in range(1, 6) for call in (f"#lobby {n} {n}", "said")]
        self.assertEqual(self.calls[2:], [*expected, "#lobby 5 x", "came", "fence"])
        self.log.check()
        self.assertEqual(self.store.append(said("6"))[0].seq, 6)
        self.assertEqual(self.log.trouble, "")  # slow is not broken

    def test_it_goes_on_between_the_steps_of_a_long_change(self) -> None:
        finish: list[bool] = []
        steps: list[int] = []

        def step(db: sqlite3.Connection) -> int | None:
            steps.append(1)
            return len(steps) if finish else None

        long = self.store.database.change(step)
        self.assertEqual(self.store.append(said("1"))[0].seq, 1)
        self.assertEqual(self.store.wait(self.store.database.change(lambda db: "short")), "short")
        finish.append(True)
        self.assertEqual(self.store.wait(long), len(steps))

    def test_a_ticket_is_kept_before_a_later_line_is_shown(self) -> None:
        """Or who was killed with the server would come back to where it was before."""
        done: list[str] = []
        tickets = SqliteTickets(self.store.database)
        with self.store.held():
            first = self.append(said("one")).addCallback(lambda _: done.append("one"))
            saved = tickets.save(CONNECTED).addCallback(lambda _: done.append("ticket"))
            last = self.append(said("two")).addCallback(lambda _: done.append("two"))
        for deferred in (first, saved, last):
            self.store.wait(deferred)
        self.assertEqual(done, ["one", "ticket", "two"])

    def test_words_are_indexed_many_at_once_before_anybody_searches(self) -> None:
        self.patch(writer, "INDEX_AT", 20)
        self.patch(words, "STEP", 10)
        self.patch(rows, "STEP", 10)
        index = words.index
        steps: queue.SimpleQueue[bool] = queue.SimpleQueue()

        def watched(db: sqlite3.Connection, most: int) -> bool:
            more = index(db, most)
            steps.put(more)
            return more

        self.patch(words, "index", watched)
        self.store.append(*(said("x") for _ in range(19)))
        self.assertEqual(self.store.wait(self.log.head("#lobby")), 19)
        self.assertTrue(steps.empty())
        self.store.append(*(said("x") for _ in range(6)))
        self.assertEqual([steps.get(timeout=PATIENCE) for _ in range(3)], [True, True, False])
        self.assertEqual(self.store.found("x"), list(range(25, 0, -1)))


class Trouble(SynchronousTestCase):
    """When the disk is slow, full, locked or broken, it is said and the chat goes on."""

    def setUp(self) -> None:
        self.pages = ""  # what to set max_page_count to on every connection
        connect = schema.connect

        def limited(path: Path, *, writing: bool) -> sqlite3.Connection:
            db = connect(path, writing=writing)
            if self.pages:
                db.execute(f"PRAGMA max_page_count={self.pages}").fetchone()
            return db

        self.patch(schema, "BUSY", 0.0)
        self.patch(writer, "connect", limited)
        self.store = Store(self)
        self.log = self.store.log
        self.told: list[str] = []
        self.log.watch(self.told.append)
        self.seen: list[str] = []
        self.log.subscribe(lambda events: self.seen.extend(map(brief, events)))

    def fill_disk(self, full: bool = True) -> None:
        """Let the database grow no more, or again."""
        self.pages = "1" if full else "4294967294"  # it is never less than there are already
        sql = f"PRAGMA max_page_count={self.pages}"
        self.store.wait(self.store.database.change(lambda db: db.execute(sql).fetchall()))

    def refused(self, *events: Event) -> ChatError:
        return refusal(self, self.store, self.log.append(events))

    def test_a_full_disk(self) -> None:
        kept = self.store.append(said("1"), said("2"))
        self.fill_disk()
        for _ in range(3):
            refused = self.refused(said(LONG))
            self.assertEqual(refused.code, Code.NOT_STORED)
            self.assertRegex(refused.message, r"Not accepted.*database or disk is full.*try again")
            self.assertEqual(self.store.append(joined("x"))[0].seq, 2)
        self.assertEqual(self.told, ["database or disk is full"])
        self.assertEqual(self.log.trouble, "database or disk is full")
        self.assertEqual(self.store.kept(), kept)
        self.assertEqual(self.store.wait(self.log.head("#lobby")), 2)
        self.assertEqual(self.seen, ["#lobby 1 1", "#lobby 2 2", *["#lobby 2 x"] * 3])
        self.fill_disk(full=False)
        self.assertEqual(self.store.append(said(LONG))[0].seq, 3)
        self.assertEqual((self.log.trouble, self.told[1:]), ("", [""]))
        self.assertEqual(self.store.found("xyz"), [3])

    def test_when_there_is_room_again_nobody_has_to_try(self) -> None:
        self.store.append(said("1"))
        self.fill_disk()
        self.refused(said(LONG))
        self.log.look()
        self.log.look()
        self.fill_disk()  # which waits for what look began
        self.assertEqual(self.log.trouble, "database or disk is full")
        self.fill_disk(full=False)
        self.log.look()
        while self.log.trouble:
            self.store.pump.turn()
        self.assertEqual(self.told, ["database or disk is full", ""])
        with self.store.plain() as db:
            self.assertEqual(db.execute("SELECT count(*) FROM probe").fetchone(), (0,))

    def test_a_full_disk_with_much_waiting(self) -> None:
        self.store.append(said("1"))
        self.fill_disk()
        calls: list[object] = []
        with self.store.held():
            refused = [self.log.append([said(LONG)]), self.log.append([joined("x"), said(LONG)])]
            for event in (joined("y"), joined("z", "#new"), joined("q", "@1")):
                self.log.append([event])
            self.log.append(()).addCallback(calls.append)
            last = self.log.head("#lobby").addCallback(calls.append)
            refused.append(self.log.append([said(LONG, "#new")]))
        for deferred in refused:
            self.assertEqual(refusal(self, self.store, deferred).code, Code.NOT_STORED)
        self.store.wait(last)
        self.assertEqual(self.seen[1:], ["#lobby 1 y", "#new 0 z", "@1 0 q"])
        self.assertEqual((calls, len(self.told)), ([[], 1], 1))
        self.fill_disk(full=False)
        again = self.store.append(said("2"), said("1", "#new"), said("1", "@1"))
        self.assertEqual([event.seq for event in again], [2, 1, 1])

    def test_what_can_be_done_on_a_full_disk_is_done(self) -> None:
        self.store.append(*(line(LONG, by="@1") for _ in range(20)))
        self.assertEqual(self.store.found("xyz", limit=1), [20])
        self.fill_disk()
        self.refused(*(said(LONG) for _ in range(20)))
        self.assertEqual(self.store.wait(self.log.forget("@1", NOW)), 20)
        self.assertEqual(self.store.append(said("there is room now"))[0].seq, 21)
        self.assertEqual(self.told[1:], [""])

    def test_a_database_that_somebody_else_holds(self) -> None:
        self.store.append(said("1"))
        with self.store.plain() as other:
            other.execute("BEGIN IMMEDIATE")
            self.assertIn("locked", self.refused(said("2")).message)
            self.assertEqual(self.store.append(joined("x"))[0].seq, 1)
            failed = self.log.forget("@1", NOW)
            self.assertEqual(refusal(self, self.store, failed).code, Code.NOT_STORED)
            self.assertEqual(len(self.store.kept()), 1)
            self.assertEqual(self.store.found("1"), [])  # not indexed, but it answers
            other.execute("ROLLBACK")
        self.assertEqual(self.store.append(said("2"))[0].seq, 2)
        self.assertEqual(self.told, ["database is locked", ""])
        self.assertEqual(self.store.found("1"), [1])

    def test_a_database_that_is_damaged_is_trouble_for_all(self) -> None:
        self.store.append(said("1"))
        insert = rows.insert
        tried: list[int] = []

        def broken(db: sqlite3.Connection, added: object) -> None:
            tried.append(1)
            raise sqlite3.DatabaseError("database disk image is malformed")

        self.patch(rows, "insert", broken)
        with self.store.held():
            failed = [self.log.append([said("x")]) for _ in range(5)]
        for deferred in failed:
            self.assertIn("malformed", refusal(self, self.store, deferred).message)
        self.assertEqual((len(tried), len(self.told)), (1, 1))
        self.patch(rows, "insert", insert)
        self.assertEqual(self.store.append(said("2"))[0].seq, 2)
        self.assertEqual(self.log.trouble, "")

    def test_an_event_that_cannot_be_stored_fails_alone(self) -> None:
        self.store.append(said("1"))
        with self.store.held():
            good = [self.log.append([said("2")])]
            bad = [self.log.append([said("\ud800")])]
            good.append(self.log.append([joined("x"), said("3")]))
            bad.append(self.log.append([said("never"), line("x", float("nan"))]))
            bad.append(self.log.append([said("x", "#\ud800")]))
            bad.append(self.log.append([joined("x", "#\ud800")]))
            good.append(self.log.append([joined("y"), said("4"), said("1", "#new")]))
        for deferred in good:
            self.store.wait(deferred)
        for deferred in bad:
            self.assertEqual(refusal(self, self.store, deferred).code, Code.NOT_STORED)
        self.assertEqual([event.text for event in self.store.kept()], ["1", "2", "3", "4"])
        order = ["1 1", "2 2", "2 x", "3 3", "3 y", "4 4"]
        self.assertEqual(self.seen, [*(f"#lobby {brief}" for brief in order), "#new 1 1"])
        self.assertEqual((self.log.trouble, self.told), ("", []))
        self.assertEqual(self.store.append(said("5"))[0].seq, 5)
        self.assertEqual(self.store.found("4"), [4])

    def test_who_comes_while_the_disk_cannot_even_be_opened_comes_in(self) -> None:
        """Or it would be in a room, and hear nothing there for good."""
        self.store.append(said("1"))

        def broken(*arguments: object, **options: object) -> NoReturn:
            raise sqlite3.OperationalError("disk I/O error")

        with (
            mock.patch.object(writer, "connect", broken),
            mock.patch.object(rows, "insert", broken),
        ):
            with self.store.held():
                lost = self.log.append([said("2")])
                head = self.log.head("#new")
                came = self.log.append([joined("x", "#new"), joined("x")])
            self.assertEqual(refusal(self, self.store, lost).code, Code.NOT_STORED)
            self.assertEqual(self.store.wait(head), 0)
            self.assertEqual([event.seq for event in self.store.wait(came)], [0, 1])
        self.assertEqual(self.store.append(said("2"))[0].seq, 2)

    def test_a_change_that_fails_changes_nothing_and_others_go_on(self) -> None:
        def step(db: sqlite3.Connection) -> None:
            db.execute("INSERT INTO rooms (name) VALUES ('#never')")
            raise LookupError("oh")

        failed = refusal(self, self.store, self.store.database.change(step))
        self.assertEqual((failed.code, "oh" in failed.message), (Code.NOT_STORED, True))
        self.store.append(said("1"))
        with self.store.plain() as db:
            self.assertEqual(rows.all_rooms(db), ["#lobby"])

    def test_a_disk_that_does_not_answer(self) -> None:
        now = [1000.0]
        self.patch(sqlite, "time", SimpleNamespace(monotonic=lambda: now[0]))
        self.store.append(said("1"))
        now[0] += 100
        self.log.look()
        self.assertEqual(self.told, [])  # nobody asks it anything
        with self.store.held():
            pending = [self.log.append([said("2")])]
            now[0] += sqlite.STUCK
            pending.append(self.log.append([said("3")]))
            self.log.look()
            self.assertEqual(self.told, [])
            now[0] += 0.1
            self.log.look()
            self.log.look()
            self.assertEqual(self.told, ["the disk has not answered for 5 seconds"])
            self.assertEqual(self.log.trouble, self.told[0])
            self.assertEqual(self.assertRaises(ChatError, self.log.check).code, Code.NOT_STORED)
            self.refused(said("refused at once"))
            # Coming and going do not wait for it: the chat goes on.
            self.assertEqual(self.successResultOf(self.log.append([joined("x")]))[0].seq, 1)
            self.assertEqual(self.successResultOf(self.log.head("#lobby")), 1)
        for deferred in pending:
            self.store.wait(deferred)
        self.assertEqual((self.log.trouble, self.told[1:]), ("", [""]))
        self.assertEqual(self.seen, ["#lobby 1 1", "#lobby 1 x", "#lobby 2 2", "#lobby 3 3"])
        self.log.check()
        self.assertEqual(self.store.append(said("4"))[0].seq, 4)

    def test_another_program_adds_lines(self) -> None:
        self.store.append(said("tick"), said("tick", "@1"))
        with self.store.plain() as db:
            next_id = rows.next_id(db)
            db.execute("BEGIN")
            room, inbox, new = (rows.room_id(db, "#lobby") or 0, rows.room_id(db, "@1") or 0, 0)
            new = rows.add_room(db, "#new")
            fields = (NOW, "said", "bob", "tick", "", "")
            places = [(room, 2), (room, 3), (inbox, 2), (new, 1)]
            rows.insert(db, [(next_id + n, *at, *fields) for n, at in enumerate(places)])
            db.execute("COMMIT")
        again = self.store.append(*(said("tick", room) for room in ("#lobby", "@1", "#new", "#x")))
        self.assertEqual([event.seq for event in again], [4, 3, 2, 1])
        self.assertEqual(self.store.found("tick"), [4, 3, 2, 1])
        self.assertEqual(self.store.found("tick", "#new"), [2, 1])
        self.assertEqual(self.told, [])


class Questions(SynchronousTestCase):
    """Reading is done by a few threads, with bounds, and never costs the writer anything."""

    def setUp(self) -> None:
        self.store = Store(self)
        self.store.append(said("1"))

    def ask(self, question: Callable[[sqlite3.Connection], Result]) -> Deferred[Result]:
        return self.store.database.ask(question)

    def test_a_question_that_takes_too_long_is_given_up(self) -> None:
        self.patch(database, "LONGEST_QUESTION", 0.0)
        for _ in range(database.READERS + 1):
            refused = refusal(self, self.store, self.ask(lambda db: db.execute(ENDLESS).fetchall()))
            self.assertEqual(refused.code, Code.NOT_READ)
            self.assertRegex(refused.message, "cannot be read now: that takes too long, ask for")
        self.patch(database, "LONGEST_QUESTION", PATIENCE)
        self.assertEqual(len(self.store.kept()), 1)

    def test_a_question_that_fails_is_answered(self) -> None:
        self.assertIn("no such table", refusal(self, self.store, self.ask(no_such_table)).message)
        self.assertIn("server's log", refusal(self, self.store, self.ask(raise_oh)).message)
        self.assertEqual(len(self.flushLoggedErrors(LookupError, sqlite3.OperationalError)), 2)
        self.assertEqual(len(self.store.kept()), 1)

    def test_readers_cannot_write(self) -> None:
        refused = refusal(self, self.store, self.ask(lambda db: rows.add_room(db, "#x")))
        self.assertIn("readonly", refused.message)
        self.assertEqual(len(self.flushLoggedErrors(sqlite3.OperationalError)), 1)

    def test_a_search_begins_with_the_words(self) -> None:
        """Not with the lines of the room, of which there may be very many."""

        def plan(db: sqlite3.Connection) -> list[str]:
            asked = f"EXPLAIN QUERY PLAN {rows._FOUND}"
            values = ('"x"', 0, 1, 1, 0.0, 1)
            return [row[3] for row in db.execute(asked, values)]

        first, second = self.store.wait(self.ask(plan))
        self.assertIn("words VIRTUAL TABLE INDEX", first)
        self.assertIn("e USING INTEGER PRIMARY KEY", second)

    def test_a_search_leaves_one_who_reads(self) -> None:
        gate = threading.Event()
        self.addCleanup(gate.set)

        def slow(*_: object) -> list[Hit]:
            gate.wait(PATIENCE)
            return []

        self.patch(rows, "search", slow)
        searches = [self.store.log.search(query("x"), "#lobby", 1) for _ in range(5)]
        self.assertEqual(len(self.store.kept()), 1)
        gate.set()
        for search in searches:
            self.assertEqual(self.store.wait(search), [])

    def test_only_so_many_questions_may_wait(self) -> None:
        self.patch(database, "MOST_QUESTIONS", 3)
        gate = threading.Event()
        self.addCleanup(gate.set)
        waiting = [self.ask(lambda db: gate.wait(PATIENCE)) for _ in range(3)]
        refused = self.failureResultOf(self.store.log.after("#lobby", 0, 1), ChatError).value
        self.assertEqual(refused.code, Code.NOT_READ)
        self.assertEqual(self.store.append(said("2"))[0].seq, 2)  # writing is another matter
        gate.set()
        for deferred in waiting:
            self.assertTrue(self.store.wait(deferred))
        self.assertEqual(len(self.store.kept()), 2)

    def test_a_long_question_leaves_a_thread_for_others(self) -> None:
        gate = threading.Event()
        self.addCleanup(gate.set)
        long = self.ask(lambda db: gate.wait(PATIENCE))
        self.assertEqual(len(self.store.kept()), 1)
        gate.set()
        self.store.wait(long)

    def test_what_was_asked_before_shutting_is_answered_or_refused(self) -> None:
        asked = [self.store.log.after("#lobby", 0, 10) for _ in range(10)]
        self.store.close()
        for deferred in asked:
            try:
                self.assertEqual(len(self.store.wait(deferred)), 1)
            except ChatError as refused:
                self.assertEqual(refused.code, Code.NOT_READ)

    def test_a_long_question_does_not_hold_up_the_end(self) -> None:
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n"
        began = threading.Event()

        def ask(db: sqlite3.Connection) -> int:
            began.set()
            return sum(1 for _ in db.execute(f"{endless} WHERE i < 0"))

        asked = self.ask(ask)
        self.assertTrue(began.wait(PATIENCE))
        at = time.monotonic()
        self.store.close()
        self.assertLess(time.monotonic() - at, database.LONGEST_QUESTION)
        self.assertEqual(refusal(self, self.store, asked).code, Code.NOT_READ)

    def test_after_shutting_there_are_no_answers(self) -> None:
        self.store.close()
        log = self.store.log
        lines = [log.after("#lobby", 0, 1), log.before("#lobby", 9, 1)]
        refused = [refusal(self, self.store, deferred) for deferred in lines]
        refused.append(refusal(self, self.store, log.head("@7")))
        refused.append(refusal(self, self.store, log.search(query("x"), "#lobby", 1)))
        self.assertEqual({refusal.code for refusal in refused}, {Code.NOT_READ})


class Closing(SynchronousTestCase):
    """Everything that was asked before is answered; nothing is left behind."""

    def test_closing_finishes_whatever_waits(self) -> None:
        store = Store(self)
        store.append(*(line("tick", by="@1") for _ in range(2000)))
        tickets = SqliteTickets(store.database, now=lambda: NOW)
        with store.held():
            forgotten = store.log.forget("@1", NOW)
            saved = tickets.save(CONNECTED)
            appended = [store.log.append([said("last")]) for _ in range(3)]
            found = store.log.search(query("tick"), "#lobby", 1)
            closed = store.log.close()
            late = store.log.prune(Retention(), NOW)
        store.wait(closed)
        self.assertEqual([store.wait(d)[0].seq for d in appended], [2001, 2002, 2003])
        store.wait(saved)
        store.wait(found)
        # A long change is given up between two steps.
        self.assertIn("closing", refusal(self, store, forgotten).message)
        self.assertIn("closing", refusal(self, store, late).message)
        store.close()
        again = Store(self, store.directory)
        left = again.kept()
        self.assertEqual(left[-1].seq, 2003)
        self.assertEqual(again.found("tick"), [event.seq for event in left[:-3]][:-1001:-1])

    def test_no_thread_is_left(self) -> None:
        before = threading.active_count()
        store = Store(self)
        store.append(said("x"))
        store.kept()
        self.assertGreater(threading.active_count(), before)
        store.close()
        store.database.writer._thread.join(PATIENCE)
        self.assertEqual(threading.active_count(), before)


LONG = "xyz " * 20_000
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def brief(event: Event) -> str:
    """Return where an event stands, and what it says or who came."""
    return f"{event.room} {event.seq} {event.text or event.nick}"


def no_such_table(db: sqlite3.Connection) -> list[object]:
    """Ask for nonsense."""
    return db.execute("SELECT * FROM nonsense").fetchall()


def raise_oh(db: sqlite3.Connection) -> str:
    """Fail otherwise."""
    raise LookupError("oh")
