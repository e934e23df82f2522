"""Bots by chat-admin."""

import json
from contextlib import closing

from chatservice.accounts.accounts import ACCOUNT, Accounts
from chatservice.accounts.tokens import TOKEN, Token, Tokens
from chatservice.admin.records import change, problems
from chatservice.errors import ChatError
from chatservice.rooms.charters import ROOM
from chatservice.rooms.room import Charter
from chatservice.store.database import FILE
from chatservice.store.schema import connect
from tests.admin.test_accounts import Operator
from tests.store_fakes import Store


class Bots(Operator):
    """chat-admin token."""

    def setUp(self) -> None:
        super().setUp()
        self.run_with("adduser", "alice")
        charter = Charter("@a", registered=True, since=17.5).to_value()
        with closing(connect(self.directory / FILE, writing=True)) as db:
            change(db, ROOM, "#ops", lambda _: charter)

    def found(self, secret: str) -> tuple[Token, str]:
        """Return a token, and the name of its bot, as a chat that starts now knows them."""
        made: list[Tokens] = []
        store = Store(
            self,
            self.directory,
            watch=lambda records: made.append(Tokens(records, Accounts(records))),
        )
        try:
            token, account = made[0].find(secret)
        finally:
            store.close()
        return token, account.name

    def add(self, *words: str) -> str:
        return self.run_with("token", "add", *words).strip()

    def test_one_is_made_and_the_token_printed(self) -> None:
        secret = self.add("deploy", "#ops", "lobby")
        token, name = self.found(secret)
        self.assertEqual((name, token.rooms), ("deploy", {"#ops": 17.5, "#lobby": 0.0}))
        self.assertEqual((token.read, token.write, token.told), (True, True, False))
        reader, _ = self.found(self.add("reader", "#OPS", "--read"))
        self.assertEqual((reader.read, reader.write), (True, False))
        with closing(connect(self.directory / FILE, writing=False)) as db:
            self.assertEqual([*problems(db)], [])

    def test_made_again_it_has_a_new_token(self) -> None:
        first = self.add("deploy", "#ops")
        token, _ = self.found(first)
        second = self.add("deploy", "#ops", "--write")
        self.assertEqual(self.found(second)[0].bot, token.bot)
        with self.assertRaises(ChatError):
            self.found(first)

    def test_what_cannot_be(self) -> None:
        for words, reason in (
            (("alice", "#ops"), "alice is registered already"),
            (("a1ice", "#ops"), "it would look the same"),
            (("a:b", "#ops"), "cannot contain"),
            (("deploy", "#nowhere"), "there is no room"),
            (("deploy", "#a b"), "cannot contain"),
        ):
            self.assertIn(reason, self.refused("token", "add", *words))
        self.assertIn("bot", self.refused("token", "revoke", "alice"))
        self.assertIn("no account", self.refused("token", "revoke", "nobody"))

    def test_a_bot_has_no_password_and_is_no_admin(self) -> None:
        self.add("deploy", "#ops")
        self.assertIn("is a bot", self.refused("passwd", "deploy"))
        self.assertIn("is a bot", self.refused("grant", "deploy", "admin"))
        self.assertIn("a bot", self.run_with("users"))

    def test_they_are_listed_without_their_tokens(self) -> None:
        self.assertEqual(self.run_with("token", "list"), "there are no bots\n")
        secret = self.add("deploy", "#ops", "--write")
        shown = self.run_with("token", "list")
        self.assertIn("deploy  may write in #ops  made by operator", shown)
        listed = self.run_with("token", "list", "--json")
        self.assertEqual(json.loads(listed)[0]["rooms"], ["#ops"])
        self.assertNotIn(secret, shown + listed)

    def test_it_ends_when_it_is_revoked_or_the_bot_removed(self) -> None:
        for words in (("token", "revoke", "deploy"), ("deluser", "deploy")):
            secret = self.add("deploy", "#ops")
            self.run_with(*words)
            with self.assertRaises(ChatError):
                self.found(secret)
            with closing(connect(self.directory / FILE, writing=False)) as db:
                query = "SELECT count(*) FROM records WHERE kind = ? AND value IS NOT NULL"
                self.assertEqual(db.execute(query, (TOKEN,)).fetchone(), (0,))
                self.assertEqual(db.execute(query, (ACCOUNT,)).fetchone(), (1,))
