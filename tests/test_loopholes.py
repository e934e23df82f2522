"""What rights do not reach: acting from outside, in advance, through somebody else, or in bulk."""

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from chatservice.roles import Role
from chatservice.rooms import charters, sanctions
from tests.fakes import Chat, Guest
from tests.test_returning import token_of


class Loopholes(SynchronousTestCase):
    """Alice, who has an account, made #dev; Bob is an op there, Carol only in the lobby."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.boss = self.chat.joined_as("boss", Role.ADMIN)
        self.alice = self.chat.joined_as("alice", Role.USER)
        self.bob, self.carol = self.chat.everybody("bob", "carol")
        self.everybody = [self.boss, self.alice, self.bob, self.carol]
        self.alice.types("/join #dev")
        self.bob.types("/join #dev")
        self.alice.types("/op bob")
        self.listen()

    def tearDown(self) -> None:
        self.assertEqual(self.flushLoggedErrors(), [])

    def listen(self) -> None:
        for guest in self.everybody:
            guest.hears()

    def refuse(self, guest: Guest, line: str, code: str) -> str:
        """Check that a line is refused and nobody else hears of it; return the answer."""
        self.listen()
        guest.types(line)
        (answer,) = guest.hears()
        self.assertRegex(answer, rf"^! .*\[{code}\]$", line)
        for other in self.everybody:
            self.assertEqual(other.hears(), [])
        return answer

    def accept(self, guest: Guest, *lines: str) -> None:
        for line in lines:
            guest.hears()
            guest.types(line)
            heard = guest.hears()
            self.assertEqual([one for one in heard if one.startswith("!")], [], line)
            self.assertTrue(heard, line)

    def test_who_is_not_in_a_room_says_nothing_there_as_its_topic(self) -> None:
        self.alice.types("/mode topic-locked off")
        self.refuse(self.carol, "/topic #dev buy now", "no-such-room")
        self.alice.types("/ban carol")
        self.refuse(self.carol, "/topic #dev buy now", "banned")
        self.accept(self.boss, "/topic #dev be nice")

    def test_who_is_banned_has_no_say_any_more(self) -> None:
        self.alice.types("/ban bob")
        for line in (
            "/topic #dev mine",
            "/mode #dev moderated on",
            "/kick #dev alice",
            "/ban #dev carol",
            "/mute #dev carol",
            "/unban #dev bob",
            "/bans #dev",
            "/audit #dev",
            "/voice #dev carol",
        ):
            self.refuse(self.bob, line, "banned")
        self.alice.types("/unban bob")
        self.accept(self.bob, "/topic #dev mine")

    def test_who_is_no_op_lets_nobody_in_in_advance(self) -> None:
        dave = self.chat.join("dave")
        dave.types("/join #dev")
        self.accept(dave, "/invite carol 1000w")
        self.assertIn("-- dave invites you to #dev: type /join #dev", self.carol.hears())
        self.alice.types("/mode invite-only on")
        self.refuse(self.carol, "/join #dev", "invite-only")
        self.accept(self.bob, "/invite carol")
        self.accept(self.carol, "/join #dev")

    def test_nobody_hears_of_invitations_by_who_is_not_heard(self) -> None:
        dave = self.chat.join("dave")
        dave.types("/join #dev", "/join #buy-now")
        for line in ("/shadow #dev dave", "/shadow #lobby dave"):
            self.boss.types(line)
            self.listen()
            self.accept(dave, "/invite #dev carol")
            self.assertEqual([self.carol.hears(), self.alice.hears()], [[], []])
        self.accept(dave, "/invite #buy-now carol")
        self.assertEqual(self.carol.hears(), [])

    def test_a_secret_room_is_as_one_that_is_not_there(self) -> None:
        self.alice.types("/mode secret on")
        for command in ("who", "topic", "mode", "why", "bans", "history"):
            secret = self.refuse(self.carol, f"/{command} #dev", "no-such-room")
            nothing = self.refuse(self.carol, f"/{command} #ved", "no-such-room")
            self.assertEqual(secret.replace("#dev", "#ved"), nothing)

    def test_what_is_refused_does_not_count_in_a_slow_room(self) -> None:
        dave = self.chat.join("dave")
        dave.types("/join #dev")
        self.alice.types("/mode slow 10s", "/mode topic-locked off")
        dave.hears()
        self.refuse(dave, f"/topic {'x' * 301}", "bad-arguments")
        self.accept(dave, "hello")
        self.refuse(dave, "hello", "slow-mode")

    def test_a_secure_room_is_not_gone_on_with_over_plain_text(self) -> None:
        for alone in (True, False):
            dave = self.chat.join("dave")
            dave.person.encrypted = True
            dave.types("/join #safe", "/mode #safe secure on", *["/leave #lobby"][:alone])
            dave.types("secret")
            token = token_of(dave)
            dave.goes()
            again = self.chat.connect("198.51.100.7")
            self.successResultOf(again.claims(token))
            heard = "\n".join(again.hears())
            self.assertIn("[needs-encryption]", heard)
            self.assertEqual([*again.person.place.rooms], ["#lobby"])
            self.carol.types("hello")
            self.assertIn("carol: hello", again.hears())
            again.types("/quit")
            self.chat.clock.advance(100)

    def test_nobody_is_given_more_rooms_than_one_may_have(self) -> None:
        dave = self.chat.joined_as("dave", Role.USER)
        with patch.object(charters, "MOST_OWN", 1):
            dave.types("/join #mine")
            self.refuse(self.alice, "/founder #dev dave", "too-much")
            self.refuse(self.alice, "/founder #dev alice", "bad-arguments")

    def test_bans_in_rooms_leave_room_for_those_of_the_chat(self) -> None:
        with patch.object(sanctions, "MOST", 3), patch.object(sanctions, "MOST_IN_ROOM", 2):
            self.accept(self.alice, "/ban one", "/ban two", "/ban two 1d")
            self.refuse(self.alice, "/ban three", "too-much")
            self.accept(self.carol, "/join #own", "/ban #own one")
            self.refuse(self.carol, "/ban #own two", "too-much")
            self.accept(self.boss, "/ban #lobby one", "/ban #lobby two", "/ban #lobby three")
            self.refuse(self.boss, "/ban #lobby four", "too-much")
            self.chat.time += 86_401
            self.accept(self.carol, "/ban #own two")

    def test_a_key_can_be_typed(self) -> None:
        for key in ("", "on", "#dev", "a\u3000b", "a\tb", "x" * 65):
            self.refuse(self.alice, f"/mode key {key}", "bad-arguments")
        self.accept(self.alice, "/mode key Off", "/mode key s#same")
        self.refuse(self.carol, "/join #dev", "bad-key")
        self.accept(self.carol, "/join #dev s#same")

    def test_who_logs_in_as_somebody_banned_leaves_the_chat(self) -> None:
        self.boss.types("/ban #lobby alice")
        self.assertEqual(self.alice.disconnects, 1)
        dave = self.chat.join("dave")
        self.listen()
        account = self.chat.hub.accounts.find("alice")
        assert account is not None
        self.chat.hub.parts.identities.log_in(dave.person, account)
        self.chat.turn()
        self.assertEqual(dave.disconnects, 1)
        self.assertIn("boss kicked dave out of the chat: banned", self.carol.hears())
