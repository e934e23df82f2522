"""Who lets bots in, what rooms hear of it, and how a token ends."""

import re

from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.tokens import MOST_OWN, MOST_ROOMS, TOKEN, Token, digest
from chatservice.bots.callers import Caller
from chatservice.errors import ChatError, Code
from chatservice.limits import UNLIMITED
from chatservice.people.account import OPERATOR
from chatservice.people.person import Policy
from chatservice.roles import Role
from tests.fakes import Chat, Guest, SlowRecords

FORM = re.compile(r"-- (chat_[A-Za-z0-9_-]{43})")


def token_in(lines: list[str]) -> str:
    """Return the token that somebody was told."""
    (token,) = [found[1] for line in lines if (found := FORM.fullmatch(line))]
    return token


class WithBots(SynchronousTestCase):
    """Alice has an account and made #dev and #ops; Bob, with an account, is in #dev."""

    def setUp(self) -> None:
        self.chat = Chat(policy=Policy(UNLIMITED, backlog=20))
        self.alice = self.chat.joined_as("alice", Role.USER)
        self.bob = self.chat.joined_as("bob", Role.USER)
        self.alice.types("/join #ops", "/join #dev")
        self.bob.types("/join #dev")
        self.listen()

    def listen(self) -> None:
        """Let everybody hear what there was."""
        self.alice.hears()
        self.bob.hears()

    def make(self, line: str = "/token deploy #dev", guest: Guest | None = None) -> str:
        """Make a token; return it."""
        maker = self.alice if guest is None else guest
        maker.hears()
        maker.types(line)
        return token_in(maker.hears())

    def refused(self, guest: Guest, line: str, code: str) -> str:
        """Check that a line is refused."""
        guest.hears()
        guest.types(line)
        (answer,) = guest.hears()
        self.assertRegex(answer, rf"^! .*\[{code}\]$")
        return answer

    def may(self, secret: str, room: str = "#dev") -> bool:
        """Tell whether a token is good for saying something in a room."""
        said = self.chat.hub.programs.say(Caller(secret, None, False), room, "hello")
        failed: list[object] = []
        said.addErrback(failed.append)
        self.chat.turn()
        return not failed


class Making(WithBots):
    """/token NAME #ROOM."""

    def test_the_maker_is_told_the_token_once_and_the_room_who_lets_whom_in(self) -> None:
        secret = self.make()
        self.assertTrue(self.may(secret))
        lines = self.bob.hears()
        self.assertEqual(lines[0], "-- alice lets the bot deploy read and write here.")
        self.assertNotIn("chat_", "".join(lines))
        self.alice.hears()
        self.alice.types("/audit #dev")
        self.assertIn("lets the bot deploy read and write here", "".join(self.alice.hears()))

    def test_the_token_itself_is_kept_nowhere(self) -> None:
        secret = self.make()
        told: list[object] = []
        self.chat.records.watch(TOKEN, lambda key, value: told.append((key, value)))
        self.assertIn(digest(secret), str(told))
        self.assertNotIn(secret, str(told))

    def test_every_token_is_another(self) -> None:
        made = {self.make(f"/token b{n} #dev") for n in range(5)}
        self.assertEqual(len(made), 5)

    def test_only_ops_of_every_room_that_is_named_may(self) -> None:
        self.refused(self.bob, "/token spy #dev", "not-allowed")
        self.refused(self.alice, "/token spy #dev #lobby", "not-allowed")
        self.alice.types("/op #dev bob")
        self.bob.hears()
        self.assertTrue(self.may(self.make("/token builds #dev", self.bob)))

    def test_guests_have_no_bots(self) -> None:
        carol = self.chat.join("carol")
        carol.types("/join #hers")
        self.refused(carol, "/token spy #hers", "login-needed")

    def test_a_room_that_is_not_kept_is_not_for_bots(self) -> None:
        carol = self.chat.join("carol")
        carol.types("/join #hers", "/op #hers alice")
        self.alice.types("/join #hers")
        carol.types("/op #hers alice")
        self.refused(self.alice, "/token spy #hers", "not-allowed")

    def test_a_bots_name_is_nobody_elses(self) -> None:
        self.refused(self.alice, "/token bob #dev", "nick-registered")
        self.refused(self.alice, "/token alice #dev", "nick-registered")
        self.chat.join("carol")
        self.refused(self.alice, "/token carol #dev", "nick-taken")
        self.refused(self.alice, "/token admin #dev", "nick-reserved")
        self.refused(self.alice, "/token a:b #dev", "nick-invalid")
        self.alice.types("/op #dev bob")
        self.make("/token deploy #dev")
        self.refused(self.bob, "/token deploy #dev", "nick-registered")
        self.refused(self.bob, "/token dep1oy #dev", "nick-registered")

    def test_nobody_wears_a_bots_name_nor_writes_to_it(self) -> None:
        self.make()
        carol = self.chat.connect()
        refusal = self.failureResultOf(carol.claims("deploy")).value
        assert isinstance(refusal, ChatError)
        self.assertEqual(refusal.code, Code.NICK_REGISTERED)
        wrong = self.failureResultOf(carol.claims("deploy some password")).value
        assert isinstance(wrong, ChatError)
        self.assertEqual(wrong.code, Code.BAD_PASSWORD)
        self.assertIn("is a bot", self.refused(self.bob, "/msg deploy hello", "no-such-nick"))

    def test_made_again_by_its_maker_the_bot_stays_and_the_old_token_ends(self) -> None:
        first = self.make("/token deploy #dev #ops")
        account = self.chat.hub.accounts.find("deploy")
        self.alice.hears()
        second = self.make("/token deploy #dev read")
        self.assertEqual(self.chat.hub.accounts.find("deploy"), account)
        self.assertFalse(self.may(first))
        self.assertFalse(self.may(second), "it may only read")

    def test_a_bot_is_no_op_and_no_founder_but_may_have_voice(self) -> None:
        self.make()
        for line in ("/op deploy", "/founder deploy"):
            self.assertIn("is a bot", self.refused(self.alice, line, "bad-arguments"))
        self.alice.types("/voice deploy")
        self.assertIn("made deploy voice", "".join(self.alice.hears()))

    def test_forms_that_are_no_good(self) -> None:
        for line in (
            "deploy",
            "#dev deploy",
            "deploy dev",
            "deploy #dev execute",
            "revoke",
            "a b c",
        ):
            self.refused(self.alice, f"/token {line}", "bad-arguments")
        self.refused(self.alice, "/token deploy #nowhere", "no-such-room")

    def test_there_is_an_end_to_tokens(self) -> None:
        for n in range(MOST_OWN):
            self.make(f"/token b{n} #dev")
        self.refused(self.alice, "/token more #dev", "too-much")
        self.make("/token b7 #dev")
        for n in range(MOST_ROOMS + 1):
            self.alice.types(f"/join #r{n}")
        rooms = " ".join(f"#r{n}" for n in range(MOST_ROOMS + 1))
        self.refused(self.alice, f"/token b7 {rooms}", "too-much")

    def test_over_an_open_network_no_token_is_told(self) -> None:
        far = self.chat.joined_as("far", Role.USER, host="192.0.2.7")
        far.types("/join #far")
        self.refused(far, "/token spy #far", "needs-encryption")


class MakingAtOnce(WithBots):
    """Several tokens that are asked for before the first is committed."""

    def setUp(self) -> None:
        super().setUp()
        self.records = SlowRecords()
        self.chat = Chat(policy=Policy(UNLIMITED, backlog=20), records=self.records)
        self.alice = self.chat.joined_as("alice", Role.USER)
        self.again = self.chat.connect()
        self.again.claims("alice2")
        self.chat.turn()
        self.chat.log_in_again(self.again, "alice")
        self.alice.types("/join #dev")

    def secrets(self, *lines: str) -> list[str]:
        """Ask for tokens over two connections; return those that were told."""
        self.records.slow = True
        for guest, line in zip((self.alice, self.again), lines, strict=True):
            guest.types(line)
        for _ in range(20):
            self.records.commit()
            self.chat.turn()
        self.records.slow = False
        heard = self.alice.hears() + self.again.hears()
        return [found[1] for line in heard if (found := FORM.fullmatch(line))]

    def test_of_two_of_a_bot_the_later_one_is_good(self) -> None:
        first = self.make()
        second, third = self.secrets("/token deploy #dev", "/token deploy #dev")
        self.assertEqual([self.may(one) for one in (first, second, third)], [False, False, True])
        self.assertEqual(len(self.chat.hub.parts.tokens_of_bots), 1)

    def test_there_is_an_end_to_tokens_all_the_same(self) -> None:
        for n in range(MOST_OWN - 1):
            self.make(f"/token b{n} #dev")
        self.assertEqual(len(self.secrets("/token c1 #dev", "/token c2 #dev")), 1)
        self.assertEqual(len(self.chat.hub.parts.tokens_of_bots), MOST_OWN)


class Ending(WithBots):
    """/token revoke NAME, and all else that ends a token."""

    def test_its_maker_revokes_it_and_the_name_is_free(self) -> None:
        secret = self.make()
        self.bob.hears()
        self.alice.types("/token revoke deploy")
        self.assertFalse(self.may(secret))
        self.assertIsNone(self.chat.hub.accounts.find("deploy"))
        self.assertEqual(
            self.bob.hears(), ["-- alice lets the bot deploy do nothing here any more."]
        )
        self.chat.join("deploy")

    def test_an_op_takes_it_out_of_the_room_alone(self) -> None:
        secret = self.make("/token deploy #dev #ops")
        self.refused(self.bob, "/token revoke deploy", "not-allowed")
        self.alice.types("/op #dev bob")
        self.bob.hears()
        self.bob.types("/token revoke deploy")
        self.assertFalse(self.may(secret, "#dev"))
        self.assertTrue(self.may(secret, "#ops"))

    def test_admins_revoke_whatever_there_is(self) -> None:
        secret = self.make()
        root = self.chat.joined_as("toor", Role.ADMIN)
        root.types("/token revoke deploy")
        self.assertFalse(self.may(secret))

    def test_it_ends_with_the_account(self) -> None:
        secret = self.make()
        account = self.chat.hub.accounts.find("deploy")
        assert account is not None
        self.chat.hub.accounts.remove(account)
        self.assertFalse(self.may(secret))
        self.assertEqual(len(self.chat.hub.parts.tokens_of_bots), 0)

    def test_it_ends_with_the_room_and_a_later_one_of_the_name_is_another(self) -> None:
        secret = self.make()
        self.alice.types("/drop #dev")
        self.assertFalse(self.may(secret))
        self.alice.types("/leave #dev")
        self.bob.types("/leave #dev")
        self.chat.time += 1
        self.bob.types("/join #dev")
        self.assertFalse(self.may(secret))

    def test_a_bot_without_a_room_is_no_more_so_names_are_not_taken_without_end(self) -> None:
        accounts = self.chat.hub.accounts
        before = len(accounts)
        self.make("/token deploy #dev #ops")
        self.make("/token watch #dev read")
        self.alice.types("/drop #dev")
        self.assertIsNotNone(accounts.find("deploy"), "it has #ops")
        self.assertIsNone(accounts.find("watch"))
        self.alice.types("/drop #ops")
        self.assertEqual(len(accounts), before)

    def test_put_out_of_its_only_room_by_an_op_a_bot_is_no_more(self) -> None:
        self.make("/token deploy #dev")
        self.alice.types("/op #dev bob")
        self.bob.types("/token revoke deploy")
        self.assertIsNone(self.chat.hub.accounts.find("deploy"))
        self.make("/token deploy #dev", self.bob)

    def test_a_token_that_names_an_older_room_is_not_for_this_one(self) -> None:
        secret = self.make()
        (token,) = self.chat.hub.parts.tokens_of_bots.all()
        value = {**token.to_value(), "rooms": {"#dev": token.rooms["#dev"] - 1}}
        self.chat.records.change(TOKEN, token.key, lambda _: value)
        self.assertFalse(self.may(secret))

    def test_what_is_kept_outlives_a_restart(self) -> None:
        secret = self.make()
        old = self.chat
        self.chat = Chat(old.log, policy=Policy(UNLIMITED), records=old.records)
        self.assertTrue(self.may(secret))

    def test_in_the_lobby_it_outlives_what_is_decided_there(self) -> None:
        root = self.chat.joined_as("toor", Role.ADMIN)
        secret = self.make("/token herald #lobby", root)
        self.assertTrue(self.may(secret, "#lobby"))
        root.types("/topic welcome", "/mode slow 1s", "/mode slow off")
        self.assertTrue(self.may(secret, "#lobby"))
        old = self.chat
        self.chat = Chat(old.log, policy=Policy(UNLIMITED), records=old.records)
        self.assertTrue(self.may(secret, "#lobby"))

    def test_a_damaged_record_is_good_for_nothing(self) -> None:
        secret = self.make()
        self.chat.records.change(TOKEN, digest(secret), lambda _: {"rooms": 7})
        self.assertFalse(self.may(secret))
        self.flushLoggedErrors()


class Listing(WithBots):
    """/token, /token list and /token #ROOM."""

    def lists(self, guest: Guest, line: str) -> str:
        guest.hears()
        guest.types(line)
        return "\n".join(guest.hears())

    def test_everybody_sees_their_own_ops_those_of_the_room_admins_all(self) -> None:
        self.make("/token deploy #dev read")
        self.assertIn("deploy: may read in #dev; made by alice", self.lists(self.alice, "/token"))
        self.assertIn("no bots", self.lists(self.bob, "/token list"))
        self.refused(self.bob, "/token #dev", "not-allowed")
        self.alice.types("/op #dev bob")
        self.assertIn("deploy", self.lists(self.bob, "/token #dev"))
        self.assertIn("deploy", self.lists(self.chat.joined_as("toor", Role.ADMIN), "/token"))
        self.assertIn("no bots", self.lists(self.alice, "/token #ops"))

    def test_rooms_that_one_must_not_know_of_are_not_named(self) -> None:
        self.alice.types("/mode #ops secret on", "/op #dev bob")
        self.make("/token deploy #dev #ops")
        self.assertNotIn("#ops", self.lists(self.bob, "/token #dev"))
        self.assertIn("may read and write in #dev; made", self.lists(self.bob, "/token #dev"))
        self.assertIn("#dev #ops", self.lists(self.alice, "/token #dev"))
        self.assertIn("#dev #ops", self.lists(self.alice, "/token"))

    def test_the_last_use_is_noted_not_more_than_once_an_hour(self) -> None:
        secret = self.make()
        changes: list[object] = []
        self.chat.records.watch(TOKEN, lambda key, value: changes.append(value))
        changes.clear()
        for _ in range(5):
            self.assertTrue(self.may(secret))
        self.assertEqual(len(changes), 1)
        self.chat.time += 3601
        self.may(secret)
        self.assertEqual(len(changes), 2)
        self.assertIn("used just now", self.lists(self.alice, "/token"))


class Seeing(WithBots):
    """People know which bots may read them, also those who come later."""

    def test_who_names_bots_and_whois_their_makers(self) -> None:
        self.make()
        self.make("/token watcher #dev read")
        carol = self.chat.join("carol")
        carol.types("/join #dev")
        carol.hears()
        carol.types("/who", "/whois deploy", "/who #lobby")
        lines = carol.hears()
        self.assertEqual(
            lines[1],
            "-- Bots that may read or write here: deploy (read and write), watcher (read)",
        )
        self.assertIn("deploy is a bot of alice's", lines[2])
        self.assertEqual(len(lines), 4)
        self.alice.types("/token revoke deploy", "/token revoke watcher")
        carol.hears()
        carol.types("/who")
        self.assertEqual(len(carol.hears()), 1)


class Operators(WithBots):
    """Tokens that chat-admin makes, beside a running chat."""

    def test_the_room_is_told(self) -> None:
        hub = self.chat.hub
        hub.accounts.register("backup", "@b4c", maker=OPERATOR)
        room = hub.rooms.find("#dev")
        assert room is not None
        since = {"#dev": room.charter.since}
        token = Token("ab", "@b4c", OPERATOR, "operator", since, True, False, 1.0, told=False)
        self.chat.records.change(TOKEN, "ab", lambda _: token.to_value())
        self.chat.turn()
        self.assertEqual(self.bob.hears(), ["-- The operator lets the bot backup read here."])
        self.chat.turn()
        self.assertEqual(self.bob.hears(), [])
