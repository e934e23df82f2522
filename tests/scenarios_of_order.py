"""What holds at every door about order: roles, modes, kicks, bans and mutes. See conformance.py."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.accounts import ACCOUNT
from chatservice.events import Kind
from chatservice.interfaces import Value
from chatservice.names import fold
from chatservice.roles import Role
from tests.stage import Person, Stage

PASSWORD = "correct horse battery"  # noqa: S105


class Order(Stage):
    """The scenarios: Alice keeps order in a room of hers, or in the whole chat."""

    def dev(self, *nicks: str) -> list[Person]:
        """Return people who are in #dev, the first of them its founder; for all it is current."""
        people = [self.joined(nick) for nick in nicks]
        for person in people:
            person.type("/join #dev")
            self.turn()
        self.listen(*people)
        self.clock.advance(5)
        return people

    def admin(self, nick: str) -> Person:
        """Return an admin."""
        person = self.joined(nick)
        person.type(f"/register {PASSWORD}")
        self.turn()

        def how(value: Value | None) -> Value:
            assert value is not None
            return {**value, "role": Role.ADMIN.name}

        self.hub.parts.records.change(ACCOUNT, fold(nick), how)
        self.listen(person)
        return person

    def test_the_founder_sets_the_topic_and_others_do_not(self) -> None:
        """And everybody in the room sees it."""
        alice, bob = self.dev("alice", "bob")
        self.refuses(bob, "/topic mine", "not-allowed")
        alice.type("/topic Release on Friday")
        for one in (alice, bob):
            self.hears(one, (Kind.TOPIC, "alice", "Release on Friday"))

    def test_who_has_no_voice_only_reads_in_a_moderated_room(self) -> None:
        """Until somebody gives it."""
        alice, bob = self.dev("alice", "bob")
        alice.type("/mode moderated on")
        self.hears(bob, (Kind.MODE, "alice", "moderated on"))
        self.refuses(bob, "hello", "moderated")
        alice.type("/voice bob")
        self.hears(bob, (Kind.ROLE, "alice", "voice"))
        bob.type("hello")
        self.hears(bob, (Kind.SAID, "bob", "hello"))

    def test_a_key_or_an_invitation_opens_a_closed_room(self) -> None:
        """Whichever one has."""
        alice, bob = self.dev("alice", "bob")
        alice.type("/mode key s3cret")
        carol, dave = self.joined("carol"), self.joined("dave")
        self.listen(carol)
        self.refuses(carol, "/join #dev", "bad-key")
        self.refuses(carol, "/join #dev guess", "bad-key")
        carol.type("/join #dev s3cret")
        self.listen(alice)
        self.tells(bob, (Kind.JOINED, "carol", ""))
        alice.type("/invite dave")
        self.tells(dave, (Kind.INVITED, "alice", "#dev"))
        dave.type("/join #dev")
        self.tells(bob, (Kind.JOINED, "dave", ""))

    def test_who_is_kicked_out_of_a_room_is_told_and_may_come_back(self) -> None:
        """It is in the lobby still."""
        alice, bob = self.dev("alice", "bob")
        self.refuses(bob, "/kick alice", "not-allowed")
        alice.type("/kick bob enough now")
        self.hears(alice, (Kind.KICKED, "alice", "enough now"))
        told = "alice kicked you out of #dev: enough now"
        self.tells(bob, (Kind.ERROR, "kicked", told), (Kind.SWITCHED, "", "#lobby"))
        bob.type("/join #dev")
        self.tells(alice, (Kind.JOINED, "bob", ""))

    def test_who_is_muted_in_a_room_is_told_why(self) -> None:
        """In other rooms it speaks."""
        alice, bob = self.dev("alice", "bob")
        alice.type("/mute bob 10m calm down")
        self.listen(alice, bob)
        self.refuses(bob, "hello", "muted")
        bob.type("/why")
        self.turn()
        (answer,) = bob.heard()
        assert isinstance(self, SynchronousTestCase)
        self.assertRegex(answer.text, r"^You are muted in #dev until .* by alice: calm down$")
        bob.type("#lobby hello")
        self.tells(bob, (Kind.SAID, "bob", "hello"))
        alice.type("/unmute bob")
        self.tells(bob, (Kind.NOTICE, "", "You can speak in #dev again."))
        bob.type("hello")
        self.tells(alice, (Kind.SAID, "bob", "hello"))

    def test_who_is_banned_from_a_room_stays_out_under_another_nickname(self) -> None:
        """And is thrown out at once."""
        alice, bob = self.dev("alice", "bob")
        alice.type("/ban bob 1d spam")
        self.tells(alice, (Kind.KICKED, "alice", "banned for 1d: spam"))
        self.listen(bob)
        self.refuses(bob, "/join #dev", "banned")
        bob.type("/nick bobby")
        self.listen(bob)
        self.refuses(bob, "/join #dev", "banned")
        alice.type("/unban bob")
        self.turn()
        bob.type("/join #dev")
        self.tells(alice, (Kind.JOINED, "bobby", ""))

    def test_who_is_banned_from_the_lobby_is_out_of_the_chat(self) -> None:
        """By whatever nickname it comes again; who has an account is somebody else."""
        alice = self.admin("alice")
        troll = self.joined("troll")
        carol = self.joined("carol")
        carol.type(f"/register {PASSWORD}")
        self.turn()
        carol.hang_up()
        self.clock.advance(5)
        alice.type("/ban troll 10m spam")
        self.turn()
        assert isinstance(self, SynchronousTestCase)
        self.assertFalse(troll.connected)
        for nick in ("troll", "other"):
            again = self.connect()
            again.offer(nick)
            self.turn()
            errors = [event for event in again.heard() if event.kind is Kind.ERROR]
            self.assertEqual([event.nick for event in errors], ["banned"])
            self.assertRegex(errors[0].text, r"^You are banned from the chat until .*: spam")
            again.hang_up()
        carol = self.connect()
        carol.offer(f"carol {PASSWORD}")
        self.turn()
        self.assertIn(Kind.WELCOME, [event.kind for event in carol.heard()])

    def test_nobody_hears_who_is_shadow_muted(self) -> None:
        """But that one sees its own lines."""
        alice, bob = self.dev("alice", "bob")
        alice.type("/shadow bob")
        self.listen(alice, bob)
        bob.type("anybody?")
        self.hears(bob, (Kind.SAID, "bob", "anybody?"))
        self.hears(alice)

    def test_a_secret_room_is_not_told_of(self) -> None:
        """To whoever is not in it."""
        (alice,) = self.dev("alice")
        alice.type("/mode secret on")
        carol = self.joined("carol")
        carol.type("/rooms")
        self.turn()
        assert not any("#dev" in event.text for event in carol.heard())
        for line in ("/who #dev", "/topic #dev", "/history #dev", "/search x in:#dev"):
            self.refuses(carol, line, "no-such-room")

    def test_what_ops_did_is_kept_for_ops(self) -> None:
        """In order, with who and when."""
        alice, bob = self.dev("alice", "bob")
        alice.type("/mute bob")
        self.turn()
        alice.type("/unmute bob")
        self.listen(alice, bob)
        alice.type("/audit")
        self.turn()
        deeds = [event.text for event in alice.heard() if "bob" in event.text]
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(len(deeds), 2)
        self.assertIn("unmuted bob", deeds[1])
        self.refuses(bob, "/audit", "not-allowed")
