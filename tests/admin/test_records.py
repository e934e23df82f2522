"""Records as chat-admin sees and changes them: by the same rules as the chat."""

import sqlite3

from twisted.trial.unittest import SynchronousTestCase

from chatservice.admin.opening import Refused, opened
from chatservice.admin.records import change, read_all
from chatservice.interfaces import Value
from tests.admin.fakes import execute, fill
from tests.store_fakes import new_directory


def refuse(value: Value | None) -> Value | None:
    """Change nothing."""
    raise Refused(f"no, not {value}")


class Case(SynchronousTestCase):
    """A directory with a database, opened for writing."""

    def setUp(self) -> None:
        self.directory = new_directory(self)
        fill(self.directory)
        context = opened(self.directory, writing=True)
        self.db: sqlite3.Connection = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)

    def put(self, key: str, value: Value | None, kind: str = "a") -> Value | None:
        return change(self.db, kind, key, lambda old: value)

    def rows(self) -> list[object]:
        return execute(self.directory, "SELECT * FROM records ORDER BY revision")


class Changing(Case):
    """What there is, and what becomes of it."""

    def test_at_first_there_is_nothing(self) -> None:
        self.assertEqual(read_all(self.db, "a"), {})
        self.assertIsNone(change(self.db, "a", "x", lambda value: value))
        self.assertEqual(self.rows(), [])

    def test_what_was_put_there_is_there(self) -> None:
        self.assertEqual(
            self.put("ålice", {"n": 1, "l": [1, None, "👍"]}), {"n": 1, "l": [1, None, "👍"]}
        )
        self.put("bob", {})
        self.put("ålice", {"other": True}, kind="b")
        self.assertEqual(
            read_all(self.db, "a"), {"bob": {}, "ålice": {"n": 1, "l": [1, None, "👍"]}}
        )
        self.assertEqual(read_all(self.db, "b"), {"ålice": {"other": True}})

    def test_a_change_sees_what_there_is(self) -> None:
        self.put("x", {"n": 1})
        changed = change(self.db, "a", "x", lambda old: {"n": int(str((old or {})["n"])) + 1})
        self.assertEqual(changed, {"n": 2})

    def test_what_is_gone_leaves_news_and_nothing_else(self) -> None:
        self.put("x", {"secret": 1})
        self.assertIsNone(self.put("x", None))
        self.assertEqual(read_all(self.db, "a"), {})
        self.assertEqual(self.rows(), [("a", "x", None, 2)])
        self.put("x", {"again": 1})
        self.assertEqual(self.rows(), [("a", "x", '{"again": 1}', 3)])

    def test_what_stays_as_it_is_is_no_change(self) -> None:
        self.put("x", {"n": 1})
        self.put("x", {"n": 1})
        self.put("y", None)
        self.assertEqual(self.rows(), [("a", "x", '{"n": 1}', 1)])

    def test_who_refuses_changes_nothing(self) -> None:
        self.put("x", {"n": 1})
        with self.assertRaisesRegex(Refused, "no, not {'n': 1}"):
            change(self.db, "a", "x", refuse)
        self.assertFalse(self.db.in_transaction)
        self.assertEqual(self.put("x", {"n": 2}), {"n": 2})

    def test_what_json_cannot_hold_changes_nothing(self) -> None:
        for bad in ({"x": object()}, {"x": float("nan")}, ["x"], "x"):
            with self.assertRaises((TypeError, ValueError)):
                self.put("x", bad)  # type: ignore[arg-type]
        self.assertEqual(self.rows(), [])

    def test_what_is_damaged_is_named(self) -> None:
        self.put("x", {"n": 1})
        self.db.execute("PRAGMA ignore_check_constraints=ON")
        for bad in ("{", "[]", "7"):
            self.db.execute("UPDATE records SET value = ?", (bad,))
            with self.assertRaisesRegex(Refused, "the a 'x' cannot be read: .*chat-admin check"):
                read_all(self.db, "a")
            with self.assertRaisesRegex(Refused, "the a 'x' cannot be read"):
                self.put("x", {"n": 2})

    def test_by_hand_nobody_writes_what_cannot_be_read(self) -> None:
        self.put("x", {"n": 1})
        for bad in ("{", "[]", "7"):
            with self.assertRaises(sqlite3.IntegrityError):
                execute(self.directory, "UPDATE records SET value = ?", bad)
