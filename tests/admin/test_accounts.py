"""Accounts and sanctions by chat-admin: before the first start, and with odd records."""

import io
import json
import sys
from collections.abc import Mapping
from contextlib import closing, redirect_stdout
from typing import cast
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts import scram
from chatservice.accounts.accounts import ACCOUNT, Accounts
from chatservice.admin import accounts
from chatservice.admin.commands import COMMANDS
from chatservice.admin.opening import Refused, opened
from chatservice.admin.options import parse
from chatservice.admin.records import change
from chatservice.interfaces import Value
from chatservice.people.account import Account, registered
from chatservice.roles import Role
from chatservice.rooms.sanction import Measure, Sanction
from chatservice.rooms.sanctions import SANCTION
from chatservice.store.database import FILE
from chatservice.store.schema import connect
from tests.fakes import CHEAP, FEW
from tests.store_fakes import Store, new_directory

WORD = b"correct horse battery"


class Operator(SynchronousTestCase):
    """Somebody with chat-admin, and a directory in which no chat ever ran."""

    def setUp(self) -> None:
        self.directory = new_directory(self)
        self.patch(accounts, "PasswordHasher", lambda: CHEAP)
        self.patch(scram, "ITERATIONS", FEW)

    def run_with(self, *words: str, stdin: bytes = WORD + b"\n") -> str:
        """Run a command; return what it prints."""
        given = parse(COMMANDS, ["--data", str(self.directory), *words])
        out = io.StringIO()
        source = io.TextIOWrapper(io.BytesIO(stdin))
        with patch.object(sys, "stdin", source), redirect_stdout(out):
            self.assertEqual(given.run(given), 0)
        return out.getvalue()

    def refused(self, *words: str, stdin: bytes = WORD + b"\n") -> str:
        """Run a command that is refused; return why."""
        given = parse(COMMANDS, ["--data", str(self.directory), *words])
        source = io.TextIOWrapper(io.BytesIO(stdin))
        with patch.object(sys, "stdin", source):
            return str(self.assertRaises(Refused, given.run, given))


class Looking(Operator):
    """Accounts and sanctions."""

    def known(self) -> Accounts:
        """Return the accounts as a chat that starts now knows them."""
        made: list[Accounts] = []
        Store(self, self.directory, watch=lambda records: made.append(Accounts(records))).close()
        return made[0]

    def test_the_first_admin_is_made_with_the_directory(self) -> None:
        self.run_with("adduser", "Alice", "--role", "admin")
        self.assertEqual(self.directory.stat().st_mode & 0o777, 0o700)
        alice = self.known().find("alice")
        assert alice is not None
        self.assertEqual((alice.name, alice.role), ("Alice", Role.ADMIN))
        self.assertTrue(CHEAP.verify(alice.password, WORD))
        self.assertRegex(alice.identity, "^@[0-9a-f]{16}$")

    def test_who_cannot_be_is_refused_and_nothing_is_made(self) -> None:
        for name in ("root", "a:b", "", "x" * 33, "a b"):
            self.refused("adduser", name)
        for stdin in (b"", b"\n", b"short\n", b"x" * 257, b"\xff" * 20, b"alice\xcc\x88"):
            self.refused("adduser", "alice", stdin=stdin)
        self.assertFalse(self.directory.exists())

    def test_a_name_and_what_looks_like_it_is_registered_once(self) -> None:
        self.run_with("adduser", "alice")
        for name in ("alice", "ALICE", "аlice"):
            self.assertIn("alice is registered already", self.refused("adduser", name))
        self.assertEqual(len(self.known()), 1)

    def test_only_the_first_line_is_the_password(self) -> None:
        for end in (b"", b"\n", b"\r\n", b"\nmore\n"):
            self.run_with("adduser", f"alice{len(end)}", stdin=WORD + end)
            found = self.known().find(f"alice{len(end)}")
            assert found is not None
            self.assertTrue(CHEAP.verify(found.password, WORD))

    def test_password_role_and_removal(self) -> None:
        self.run_with("adduser", "alice")
        before = self.known().find("alice")
        self.run_with("passwd", "ALICE", stdin=b"another word\n")
        self.assertIn("alice is an admin now", self.run_with("grant", "Alice", "admin"))
        after = self.known().find("alice")
        assert before is not None
        assert after is not None
        self.assertEqual((after.identity, after.role), (before.identity, Role.ADMIN))
        self.assertTrue(CHEAP.verify(after.password, b"another word"))
        self.assertIn("alice is a user now", self.run_with("revoke", "alice"))
        self.run_with("deluser", "alice")
        self.assertEqual(len(self.known()), 0)
        for words in (("passwd",), ("deluser",), ("revoke",)):
            self.assertIn("there is no account", self.refused(*words, "alice"))
        self.assertIn("there is no account", self.refused("grant", "alice", "admin"))

    def test_without_a_database_there_is_nothing_to_list(self) -> None:
        for command in ("users", "bans"):
            self.assertIn("name the chat's directory", self.refused(command))

    def test_users_are_listed(self) -> None:
        self.run_with("adduser", "bob", "--role", "admin")
        elsewhere = registered(Account("Alice", "@1"))
        with opened(self.directory, writing=True) as db:
            change(db, ACCOUNT, "alice", elsewhere)
        lines = self.run_with("users").splitlines()
        self.assertEqual(
            [line.split()[:2] for line in lines], [["Alice", "user"], ["bob", "admin"]]
        )
        self.assertTrue(lines[0].endswith("password elsewhere"))
        listed = json.loads(self.run_with("users", "--json"))
        self.assertEqual([user["password"] for user in listed], [False, True])
        self.assertNotIn("argon2", self.run_with("users", "--json"))

    def test_an_account_that_cannot_be_read_is_told(self) -> None:
        self.run_with("adduser", "alice")
        with opened(self.directory, writing=True) as db:
            change(db, ACCOUNT, "bob", lambda _: {"odd": 1})
        self.assertIn('"bob" cannot be read', self.refused("users"))

    def test_bans_are_listed_whatever_is_in_them(self) -> None:
        self.run_with("adduser", "alice")
        self.assertEqual(self.run_with("bans"), "nobody is banned or muted\n")
        troll = Sanction(
            *(Measure.SHADOW, "#a", "troll", ("troll",), "", "", False),
            *("al", Role.OP, 2.0, 4e9, "sp\x1bam"),
        )
        values: list[Mapping[str, object]] = [
            {"measure": "ban", "label": "192.0.2.0/24", "by": "al", "at": 1.0, "reason": ""},
            troll.to_value(),
            {"measure": "ban", "label": "over", "until": 1.0},
            {},
            {"at": "never", "until": None, "label": None, "measure": 3},
        ]
        with opened(self.directory, writing=True) as db:
            for n, value in enumerate(values):
                change(db, SANCTION, str(n), lambda _, value=value: cast("Value", value))  # type: ignore[misc]
        lines = self.run_with("bans").splitlines()
        self.assertEqual(len(lines), 4)
        self.assertIn("ban 192.0.2.0/24 for good by al", lines)
        self.assertIn("shadow troll in #a until 2096-10-02 07:06 by al: sp\ufffdam", lines)
        self.assertEqual(len(json.loads(self.run_with("bans", "--json"))), 4)

    def test_no_password_is_written(self) -> None:
        self.run_with("adduser", "alice")
        with closing(connect(self.directory / FILE, writing=False)) as db:
            self.assertNotIn(WORD.decode(), "\n".join(db.iterdump()))
