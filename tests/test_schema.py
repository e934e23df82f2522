"""The database file: made once, upgraded in one piece, and never harmed if it is not ours."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from chatservice.store import rows, schema
from chatservice.store.schema import MIGRATIONS, StoreError, connect, prepare
from tests.fakes import NOW
from tests.store_fakes import Store, new_directory

NEXT = "ALTER TABLE rooms ADD COLUMN topic TEXT NOT NULL DEFAULT 'none; really';"
"""A migration that there is not yet."""

BROKEN = "".join([NEXT, "DELETE FROM events; SELECT * FROM nonsense;"])
"""One that fails after it has done a lot."""


class Schema(SynchronousTestCase):
    """A file in a directory, looked at by a connection of its own."""

    def setUp(self) -> None:
        directory = new_directory(self)
        directory.mkdir()
        self.path = directory / "chat.db"

    def prepare(self, *more: str) -> None:
        """Prepare with further migrations."""
        prepare(self.path, (*MIGRATIONS, *more))

    def refused(self, migrations: Sequence[str] = MIGRATIONS) -> str:
        """Prepare, in vain; return why, for people."""
        return str(self.assertRaises(StoreError, prepare, self.path, migrations))

    def ask(self, sql: str, path: Path | None = None) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(path or self.path, isolation_level=None)) as db:
            return db.execute(sql).fetchall()

    def names(self) -> list[str]:
        """Return the names of all files, but those that SQLite has beside an open database."""
        names = (path.name for path in self.path.parent.iterdir())
        return sorted(name for name in names if not name.endswith(("-wal", "-shm")))

    def say(self, *texts: str) -> None:
        """Store lines."""
        with closing(connect(self.path, writing=True)) as db:
            db.execute("BEGIN")
            room = rows.room_id(db, "#a") or rows.add_room(db, "#a")
            at = rows.next_id(db)
            new = [(n, room, n, NOW, "said", "alice", t, "", "") for n, t in enumerate(texts, at)]
            rows.insert(db, new)
            db.execute("COMMIT")

    def said(self, path: Path | None = None) -> list[object]:
        return [text for (text,) in self.ask("SELECT text FROM events ORDER BY id", path)]


class Making(Schema):
    """A new database."""

    def test_it_is_made(self) -> None:
        prepare(self.path)
        self.assertEqual(self.ask("PRAGMA user_version"), [(len(MIGRATIONS),)])
        self.assertEqual(self.ask("PRAGMA application_id"), [(schema.APPLICATION,)])
        self.assertEqual(self.ask("PRAGMA journal_mode"), [("wal",)])
        self.assertEqual(self.ask("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(self.names(), ["chat.db"])
        self.say("x")
        self.assertEqual(self.said(), ["x"])

    def test_making_it_again_changes_nothing(self) -> None:
        prepare(self.path)
        self.say("x")
        before = self.ask("SELECT sql FROM sqlite_master")
        prepare(self.path)
        prepare(self.path)
        self.assertEqual(self.ask("SELECT sql FROM sqlite_master"), before)
        self.assertEqual((self.said(), self.names()), (["x"], ["chat.db"]))

    def test_its_directory_is_made(self) -> None:
        self.path = self.path.parent / "deeper" / "chat.db"
        prepare(self.path)
        self.say("x")
        self.assertEqual(self.path.parent.stat().st_mode & 0o777, 0o700)

    def test_an_empty_file_is_a_new_database(self) -> None:
        self.path.touch()  # killed between making the file and the schema
        prepare(self.path)
        self.say("x")
        self.assertEqual(self.said(), ["x"])

    def test_an_empty_database_is_a_new_database(self) -> None:
        self.ask("PRAGMA journal_mode=WAL")  # killed a moment later
        prepare(self.path)
        self.say("x")
        self.assertEqual(self.said(), ["x"])

    def test_if_the_first_schema_cannot_be_made_the_next_start_makes_it(self) -> None:
        self.refused(["CREATE TABLE a (b);", "nonsense;"])
        self.assertEqual(self.ask("SELECT * FROM sqlite_master"), [])
        prepare(self.path)
        self.say("x")
        self.assertEqual(self.said(), ["x"])

    def test_every_version_so_far_comes_to_the_same(self) -> None:
        prepare(self.path)
        expected = self.ask("SELECT sql FROM sqlite_master ORDER BY name")
        for version in range(1, len(MIGRATIONS)):
            self.path = self.path.with_name(f"from{version}.db")
            prepare(self.path, MIGRATIONS[:version])
            prepare(self.path)
            self.assertEqual(self.ask("SELECT sql FROM sqlite_master ORDER BY name"), expected)

    def test_paths_are_no_addresses(self) -> None:
        self.path = self.path.with_name("50% off?mode=memory#1 é.db")
        prepare(self.path)
        self.assertEqual(self.names(), [self.path.name])


class Upgrading(Schema):
    """An older database."""

    backup = "chat.db.v1.backup"

    def setUp(self) -> None:
        super().setUp()
        prepare(self.path, MIGRATIONS[:1])
        self.say("one", "two")

    def test_it_is_upgraded_and_keeps_what_it_has(self) -> None:
        self.prepare(NEXT)
        self.assertEqual(self.ask("PRAGMA user_version"), [(len(MIGRATIONS) + 1,)])
        self.assertEqual(self.ask("SELECT topic FROM rooms"), [("none; really",)])
        self.assertEqual(self.said(), ["one", "two"])
        self.prepare(NEXT)  # already done
        self.assertEqual(self.said(), ["one", "two"])

    def test_several_versions_are_gone_through_in_order(self) -> None:
        self.prepare(NEXT, "UPDATE rooms SET topic = 'new'")
        self.assertEqual(self.ask("SELECT topic FROM rooms"), [("new",)])

    def test_a_backup_is_kept_of_what_it_was(self) -> None:
        self.prepare(NEXT)
        self.assertEqual(self.names(), ["chat.db", self.backup])
        backup = self.path.with_name(self.backup)
        self.assertEqual(backup.stat().st_mode & 0o777, 0o600)
        self.say("three")
        self.assertEqual(self.said(backup), ["one", "two"])
        self.assertEqual(self.ask("PRAGMA user_version", backup), [(1,)])
        self.assertEqual(self.ask("PRAGMA integrity_check", backup), [("ok",)])
        prepare(backup, MIGRATIONS)  # it can be put in its place

    def test_a_backup_holds_what_is_in_the_wal_only(self) -> None:
        with closing(connect(self.path, writing=True)) as held:
            held.execute("SELECT * FROM events").fetchone()
            self.say("three")
            self.assertGreater(self.path.with_name("chat.db-wal").stat().st_size, 0)
            self.prepare(NEXT)
        said = self.said(self.path.with_name(self.backup))
        self.assertEqual(said, ["one", "two", "three"])

    def test_a_backup_that_was_not_finished_is_made_again(self) -> None:
        self.path.with_name(f"{self.backup}.partial").write_bytes(b"half a backup")
        self.prepare(NEXT)
        self.assertEqual(self.said(self.path.with_name(self.backup)), ["one", "two"])
        self.assertEqual(self.names(), ["chat.db", self.backup])

    def test_without_a_backup_there_is_no_upgrade(self) -> None:
        self.path.with_name(f"{self.backup}.partial").mkdir()
        self.assertRegex(self.refused((*MIGRATIONS, NEXT)), "cannot use the database .*chat.db: ")
        self.assertEqual(self.ask("PRAGMA user_version"), [(1,)])
        self.assertEqual(self.said(), ["one", "two"])

    def test_if_it_fails_the_old_version_is_as_it_was(self) -> None:
        before = self.ask("SELECT sql FROM sqlite_master")
        why = self.refused((*MIGRATIONS, BROKEN))
        self.assertRegex(why, "cannot use the database .*chat.db: no such table: nonsense")
        self.assertEqual(self.ask("PRAGMA user_version"), [(1,)])
        self.assertEqual(self.ask("SELECT sql FROM sqlite_master"), before)
        self.assertEqual(self.ask("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(self.said(), ["one", "two"])
        self.prepare(NEXT)  # the next release mends it
        self.assertEqual(self.said(), ["one", "two"])

    def test_all_versions_or_none(self) -> None:
        self.refused((*MIGRATIONS, NEXT, "nonsense"))
        self.assertEqual(self.ask("PRAGMA user_version"), [(1,)])
        self.assertNotIn("topic", str(self.ask("SELECT sql FROM sqlite_master")))

    def test_a_script_that_does_not_end_is_refused(self) -> None:
        self.refused((*MIGRATIONS, "UPDATE rooms SET name = 'no end;"))
        self.assertEqual(self.ask("PRAGMA user_version"), [(1,)])

    def test_triggers_and_comments_are_statements_in_one_piece(self) -> None:
        script = """
        -- one; two
        CREATE TRIGGER t AFTER INSERT ON rooms BEGIN
            UPDATE rooms SET floor = 1; UPDATE rooms SET floor = 2;
        END;
        UPDATE rooms SET name = '#c' -- the end; really"""
        self.prepare(script)
        self.assertEqual(self.ask("SELECT name FROM rooms"), [("#c",)])
        with closing(connect(self.path, writing=True)) as db:
            rows.add_room(db, "#b")
        self.assertEqual(self.ask("SELECT floor FROM rooms"), [(2,), (2,)])


class Refusing(Schema):
    """What is not ours, or newer than we are."""

    def assert_left_alone(self, why: str) -> None:
        before = self.path.read_bytes()
        self.assertRegex(self.refused(), why)
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual(self.names(), ["chat.db"])

    def test_a_newer_version(self) -> None:
        self.prepare(NEXT)
        self.say("x")
        self.assert_left_alone("chat.db was written by a newer version of this program: use that")
        self.assertEqual(self.said(), ["x"])

    def test_random_bytes(self) -> None:
        self.path.write_bytes(os.urandom(10_000))
        self.assert_left_alone("cannot use the database .*chat.db: file is not a database")

    def test_half_a_header(self) -> None:
        self.path.write_bytes(b"SQLite format 3\0" + os.urandom(50))
        self.assert_left_alone("cannot use the database .*chat.db: file is not a database")

    def test_another_programs_database(self) -> None:
        self.ask("CREATE TABLE recipes (cake)")
        self.assert_left_alone("chat.db is a database of another program: name another directory")

    def test_another_programs_database_that_is_marked(self) -> None:
        self.ask("PRAGMA application_id=4711")
        self.ask("PRAGMA user_version=1")
        self.assert_left_alone("chat.db is a database of another program: name another directory")

    def test_a_database_that_somebody_holds(self) -> None:
        self.patch(schema, "BUSY", 0.0)
        prepare(self.path, MIGRATIONS[:1])
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            self.assertIn("database is locked", self.refused((*MIGRATIONS, NEXT)))
            other.execute("ROLLBACK")
        self.prepare(NEXT)


class Migrated(SynchronousTestCase):
    """The whole store on a database that was upgraded."""

    def test_it_opens(self) -> None:
        directory = new_directory(self)
        directory.mkdir()
        prepare(directory / "chat.db", MIGRATIONS[:1])
        self.assertEqual(Store(self, directory).kept(), [])
