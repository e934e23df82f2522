"""Looking after the database: space is given back, damage is told, numbers are right."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from chatservice.admin import upkeep
from chatservice.admin.opening import Refused, turn
from chatservice.admin.statistics import describe, human, stats
from chatservice.admin.upkeep import check, sizes, vacuum
from chatservice.resume import Ticket
from chatservice.store import records, rows, tickets
from chatservice.store.database import FILE
from chatservice.store.schema import connect
from tests.admin.fakes import execute, exported, fill, found, kept, line, private, take
from tests.fakes import NOW
from tests.store_fakes import Store, new_directory


class Case(SynchronousTestCase):
    """A directory with a history."""

    def setUp(self) -> None:
        self.directory = new_directory(self)
        fill(self.directory, *[line(f"word{n} tick") for n in range(50)], private("psst"))

    def change(self, what: Callable[[sqlite3.Connection], object]) -> None:
        with closing(connect(self.directory / FILE, writing=True)) as db, turn(db):
            what(db)

    def contents(self) -> bytes:
        """Return every byte on disk."""
        return b"".join(path.read_bytes() for path in self.directory.iterdir())


class Vacuuming(Case):
    """What was removed is gone, and its space with it."""

    def test_space_is_given_back(self) -> None:
        fill(self.directory, *[line("x" * 4000) for _ in range(100)], line("last"))
        before = sizes(self.directory).database
        self.change(lambda db: rows.forget(db, "@a1", 0, rows.next_id(db) - 1))
        self.assertGreaterEqual(sizes(self.directory).database, before)
        self.assertTrue(vacuum(self.directory))
        self.assertLess(sum(sizes(self.directory)), before / 4)
        self.assertEqual([e.text for e in kept(self.directory)], ["last"])
        self.assertEqual(check(self.directory), [])

    def test_records_stay_as_they_are(self) -> None:
        for key in "xyz":
            self.change(lambda db: records.change(db, "a", key, lambda _: {"n": 1}))  # noqa: B023
        self.change(lambda db: records.change(db, "a", "y", lambda _: None))
        before = execute(self.directory, "SELECT * FROM records ORDER BY revision")
        vacuum(self.directory)
        after = execute(self.directory, "SELECT * FROM records ORDER BY revision")
        self.assertEqual((after, len(after)), (before, 3))

    def test_a_word_that_was_forgotten_is_nowhere(self) -> None:
        fill(self.directory, line("xylophone"))
        self.change(lambda db: rows.forget(db, "@a1", 0, rows.next_id(db)))
        self.assertIn(b"xylophone", self.contents())  # in the index, until that is tidied
        vacuum(self.directory)
        self.assertNotIn(b"xylophone", self.contents())

    def test_everything_is_still_found(self) -> None:
        for n in range(30):
            fill(self.directory, line(f"later{n} tick"))
        before = exported(self.directory)
        vacuum(self.directory)
        self.assertEqual(exported(self.directory), before)
        self.assertEqual(found(self.directory, "word7"), [8])
        self.assertEqual(len(found(self.directory, "tick")), 80)
        self.assertEqual(check(self.directory), [])

    def test_while_the_chat_runs(self) -> None:
        store = Store(self, self.directory)
        store.append(line("before"))
        vacuum(self.directory)
        (said,) = store.append(line("after"))
        self.assertEqual(said.seq, 52)
        self.assertEqual(store.found("after"), [52])

    def test_while_somebody_reads(self) -> None:
        with closing(connect(self.directory / FILE, writing=False)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM events").fetchone()
            with patch("chatservice.store.schema.BUSY", 0.1):
                self.assertFalse(vacuum(self.directory))
        self.assertTrue(vacuum(self.directory))

    def test_while_somebody_writes(self) -> None:
        with closing(sqlite3.connect(self.directory / FILE, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            with (
                patch("chatservice.store.schema.BUSY", 0.1),
                self.assertRaisesRegex(Refused, "database is locked; nothing is lost"),
            ):
                vacuum(self.directory)


class Checking(Case):
    """Every kind of damage has its line."""

    def test_all_is_well(self) -> None:
        self.assertEqual(check(self.directory), [])
        take(self.directory, [line("below", "#other", 7)])
        self.change(lambda db: rows.forget(db, "@a1", 0, 20))
        self.assertEqual(check(self.directory), [])
        fill(new := new_directory(self))
        self.assertEqual(check(new), [])

    def test_what_is_not_indexed_yet_is_no_damage(self) -> None:
        self.change(
            lambda db: rows.insert(db, [(99, 1, 99, NOW, "said", "alice", "unheard", "", "")])
        )
        self.assertEqual(check(self.directory), [])

    def test_it_does_not_hold_up_a_running_chat(self) -> None:
        store = Store(self, self.directory)
        seen = []

        def talk(db: sqlite3.Connection) -> Iterator[str]:
            seen.extend(store.append(line("meanwhile")))
            return iter(())

        with patch.object(upkeep, "CHECKS", (("talk", talk), *upkeep.CHECKS)):
            self.assertEqual(check(self.directory), [])
        self.assertEqual([e.seq for e in seen], [51])

    def test_damage(self) -> None:
        for sql, problem in [
            ("DELETE FROM rooms WHERE name = '#lobby'", "event 1 is in room 1, which does not ex"),
            ("DELETE FROM rooms", "event 1 is in room 1, which does not exist"),
            ("UPDATE events SET seq = -1 WHERE id = 3", "#lobby: a line has number -1"),
            ("UPDATE rooms SET floor = -5", "#lobby: the highest number that was removed is -5"),
            ("UPDATE events SET kind = 'sang' WHERE id = 3", "event 3 is of the kind 'sang'"),
            ("DELETE FROM meta WHERE name = 'dropped'", "meta lacks 'dropped'"),
            ("DELETE FROM events WHERE id = 3", "1 lines in the index do not exist, such as ev"),
            (
                "INSERT INTO events VALUES (0, 1, 99, 0, 'said', 'a', 'hi', '', '')",
                "1 lines are not in the index, such as event 0",
            ),
            ("UPDATE events SET text = 'other' WHERE id = 3", "#lobby: line 3 is not found by its"),
            ("UPDATE events SET nick = 'bob' WHERE id = 3", "#lobby: line 3 is not found by its"),
            ("DELETE FROM words_data WHERE id > 10", "the index: "),
        ]:
            with self.subTest(sql=sql):
                self.setUp()
                execute(self.directory, sql)
                self.assertIn(problem, "\n".join(check(self.directory)))

    def test_damaged_records(self) -> None:
        put = "INSERT INTO records (kind, key, value, revision) VALUES "
        good = '{"name": "Bob", "identity": "@b", "role": "USER"}'
        newest = "UPDATE meta SET value = 9 WHERE name = 'revision'"
        for value, problem in [
            (good, ""),
            (None, ""),
            ("{", "the account 'bob' cannot be read: "),
            ("{", "the file: CHECK constraint failed in records"),
            ("[]", "the account 'bob' cannot be read: "),
            ("{}", "the account 'bob' is not understood: TypeError("),
            (good.replace("USER", "KING"), "the account 'bob' is not understood: KeyError('KING')"),
        ]:
            with self.subTest(value=value):
                self.setUp()
                with closing(sqlite3.connect(self.directory / FILE, isolation_level=None)) as db:
                    db.execute("PRAGMA ignore_check_constraints=ON")
                    db.execute(newest)
                    db.execute(f"{put} ('account', 'bob', ?, 9)", (value,))
                    db.execute(f"{put} ('of another version', 'bob', '{{}}', 2)")
                found = check(self.directory)
                self.assertIn(problem, "\n".join(found))
                self.assertEqual(bool(found), bool(problem))
        for kind in ("room", "sanction"):
            execute(self.directory, "UPDATE records SET kind = ? WHERE revision = 9", kind)
            self.assertIn(
                f"the {kind} 'bob' is not understood: KeyError(", check(self.directory)[0]
            )
        execute(self.directory, "UPDATE meta SET value = 8 WHERE name = 'revision'")
        self.assertIn(
            "revision 9 of the records was never given: changes are not noticed",
            check(self.directory),
        )
        execute(self.directory, "DELETE FROM meta WHERE name = 'revision'")
        self.assertIn("meta lacks 'revision'", check(self.directory))

    def test_a_broken_file(self) -> None:
        path = self.directory / FILE
        data = bytearray(path.read_bytes())
        size = len(data)
        data[4096 * 3 :] = os.urandom(size - 4096 * 3)
        path.write_bytes(data)
        self.assertNotEqual(check(self.directory), [])

    def test_it_is_left_as_it_is(self) -> None:
        before = (self.directory / FILE).read_bytes()
        check(self.directory)
        self.assertEqual((self.directory / FILE).read_bytes(), before)


class Counting(Case):
    """Numbers for people and programs."""

    def test_everything_is_counted(self) -> None:
        fill(
            self.directory, line("é", "#a", at=5.0, nick="Bob"), line("x", "#a", at=9.0, nick="bob")
        )
        ticket = Ticket("k", "alice", "@a1", NOW, NOW, ("#lobby",))
        self.change(lambda db: tickets.save(db, ticket))
        self.change(lambda db: tickets.save(db, Ticket("l", "b", "@b", NOW, NOW, (), {})))
        self.change(lambda db: rows.insert(db, [(99, 1, 60, NOW, "said", "eve", "z", "", "")]))
        for kind, key in (("account", "a"), ("account", "b"), ("room", "a")):
            self.change(lambda db: records.change(db, kind, key, lambda _: {}))  # noqa: B023
        self.change(lambda db: records.change(db, "room", "a", lambda _: None))
        found = stats(self.directory)
        self.assertEqual(found.records, {"account": 2})
        self.assertEqual((found.lines, found.people, found.inboxes), (54, 3, 1))
        self.assertEqual((found.private, found.tickets, found.connected), (1, 2, 1))
        self.assertEqual(found.unindexed, 1)
        self.assertEqual([room.room for room in found.rooms], ["#a", "#lobby"])
        a, lobby = found.rooms
        self.assertEqual((a.lines, a.size, a.first, a.last, a.head), (2, 9, NOW + 5, NOW + 9, 2))
        self.assertEqual((lobby.lines, lobby.head), (51, 60))
        self.assertEqual(found.database, (self.directory / FILE).stat().st_size)
        self.assertEqual(json.loads(json.dumps(found.as_json()))["rooms"][0]["room"], "#a")
        text = describe(found)
        self.assertIn("54 lines by 3 nicknames in 2 rooms\n", text)
        self.assertIn("#a                 2        9 B  2023-11-14 22:13 to 2023-11-14 22:13", text)
        self.assertIn("1 inbox with 1 private line\n", text)
        self.assertIn("2 records of the kind 'account'\n", text)
        self.assertIn("1 line not in the index yet", text)

    def test_nothing_at_all(self) -> None:
        empty = new_directory(self)
        fill(empty)
        self.assertIn("0 lines by 0 nicknames in 0 rooms\n", describe(stats(empty)))

    def test_an_empty_room(self) -> None:
        self.change(lambda db: rows.add_room(db, "#empty"))
        self.assertIn("never to never", describe(stats(self.directory)))

    def test_sizes(self) -> None:
        for size, text in [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (2.5e6, "2.5 MB")]:
            self.assertEqual(human(size), text)
        self.assertEqual(human(3.25e12), "3250.0 GB")


class Opening(SynchronousTestCase):
    """Where there is nothing to look after, nothing is made."""

    def test_no_directory_no_database_an_empty_one(self) -> None:
        directory = new_directory(self)

        def assert_refused(why: str) -> None:
            for command in (stats, check, vacuum):
                with self.assertRaisesRegex(Refused, why):
                    command(directory)

        assert_refused("there is no history in .*data: name the chat's directory with --data")
        self.assertFalse(directory.exists())
        directory.mkdir()
        assert_refused("there is no history")
        self.assertEqual(list(directory.iterdir()), [])
        (directory / FILE).touch()
        assert_refused("there is no history")
        self.assertEqual((directory / FILE).read_bytes(), b"")
        execute(directory, "PRAGMA journal_mode=WAL")
        assert_refused("there is no history in .* yet: start the chat once")

    def test_a_file_in_its_place(self) -> None:
        directory = new_directory(self)
        directory.write_text("x")
        with self.assertRaisesRegex(Refused, "there is no history"):
            stats(directory)

    def test_what_one_may_not_read(self) -> None:
        directory = new_directory(self)
        fill(directory)
        with (
            patch("os.access", return_value=False),
            self.assertRaisesRegex(Refused, "run chat-admin as the user that the chat runs as"),
        ):
            stats(directory)
        with (
            patch.object(Path, "stat", side_effect=PermissionError(13, "Permission denied")),
            self.assertRaisesRegex(Refused, "Permission denied; run chat-admin as the user"),
        ):
            stats(directory)
