"""What holds at every door about accounts and private lines. See conformance.py."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.events import Kind
from tests.stage import Person, Stage


class Accounts(Stage):
    """The scenarios."""

    def registered(self, nick: str) -> Person:
        """Return somebody who has joined, registered the nickname and read everything."""
        person = self.joined(nick)
        person.type(f"/register {nick}'s own word")
        self.turn()
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual([event.kind for event in person.heard()], [Kind.NOTICE])
        return person

    def told_of_errors(self, person: Person) -> list[str]:
        """Return the codes of the refusals that somebody heard of since the last look."""
        self.turn()
        return [event.nick for event in person.heard() if event.kind is Kind.ERROR]

    def test_a_registered_nickname_needs_its_password(self) -> None:
        """Without it, and for look-alikes, it is refused; with it one is logged in."""
        assert isinstance(self, SynchronousTestCase)
        self.goes(self.registered("alice"))
        for offer, code in {
            "alice": "nick-registered",
            "ALICE": "nick-registered",
            "аlice": "nick-registered",
            "alice not her word": "bad-password",
            "nobody1 not her word": "bad-password",
        }.items():
            mallory = self.connect()
            mallory.heard()
            mallory.offer(offer)
            self.assertEqual(self.told_of_errors(mallory), [code], offer)
            mallory.hang_up()
            self.clock.advance(60)
        bob = self.joined("bob")
        alice = self.connect()
        alice.heard()
        alice.offer("alice alice's own word")
        self.hears(bob, (Kind.JOINED, "alice", ""))
        heard = [(event.kind, event.text) for event in alice.heard()]
        self.assertEqual(heard[:2], [(Kind.JOINED, ""), (Kind.WELCOME, "")])
        self.assertIn((Kind.NOTICE, "You are logged in as alice."), heard)
        alice.type("it is me")
        self.hears(bob, (Kind.SAID, "alice", "it is me"))

    def test_one_logs_in_and_wears_ones_nickname(self) -> None:
        """Under another nickname at first; /nick to it is refused before that."""
        self.goes(self.registered("alice"))
        bob = self.joined("bob")
        self.refuses(bob, "/nick alice", "nick-registered")
        self.refuses(bob, "/login alice wrong wrong", "bad-password")
        self.refuses(bob, "/login nobody1 wrong wrong", "bad-password")
        self.refuses(bob, "/release alice", "login-needed")
        bob.type("/login alice alice's own word")
        self.hears(bob, (Kind.NOTICE, "", "You are logged in as alice."))
        bob.type("/nick alice")
        self.hears(bob, (Kind.RENAMED, "bob", "alice"))

    def test_a_nickname_can_be_released(self) -> None:
        """By its owner: whoever wears it is told, and has left."""
        alice, carol = self.registered("alice"), self.joined("carol")
        bob = self.joined("bob")
        alice.heard(), carol.heard()
        bob.type("/login alice alice's own word")
        bob.type("/release alice")
        self.hears(carol, (Kind.LEFT, "alice", ""))
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(self.told_of_errors(alice), ["kicked"])
        self.assertFalse(alice.connected)
        bob.type("/nick alice")
        self.hears(carol, (Kind.RENAMED, "bob", "alice"))

    def test_the_password_takes_over_ones_own_connection(self) -> None:
        """Unnoticed by the others, as a token does."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.registered("alice"), self.joined("bob")
        alice.heard()
        again = self.connect()
        again.heard()
        again.offer("alice alice's own word")
        self.hears(bob)
        self.assertEqual(self.told_of_errors(alice), ["kicked"])
        self.assertFalse(alice.connected)
        self.is_back(again)
        again.type("here")
        self.hears(bob, (Kind.SAID, "alice", "here"))

    def test_a_password_can_be_changed(self) -> None:
        """By who knows the old one."""
        alice = self.registered("alice")
        self.refuses(alice, "/password wrong -> another word", "bad-password")
        self.refuses(alice, "/password alice's own word -> short", "bad-arguments")
        alice.type("/password alice's own word -> another word")
        self.hears(alice, (Kind.NOTICE, "", "Your password is changed."))
        alice.hang_up()
        again = self.connect()
        again.heard()
        again.offer("alice another word")
        self.turn()
        self.assertIn(Kind.WELCOME, [event.kind for event in again.heard()])  # type: ignore[attr-defined]

    def test_what_is_said_in_private_waits_for_who_is_away(self) -> None:
        """If the nickname is registered; it is told once, and can be answered."""
        assert isinstance(self, SynchronousTestCase)
        self.goes(self.registered("alice"))
        bob = self.joined("bob")
        for line in ("/msg ALICE hello", "/reply are you there?"):
            bob.type(line)
            told = line.partition(" ")[2].removeprefix("ALICE ")
            away = (Kind.NOTICE, "", "alice is away: kept until it returns.")
            self.hears(bob, (Kind.PRIVATE, "bob", told), away)
        self.refuses(bob, "/msg nobody1 hello", "no-such-nick")
        alice = self.back("alice")
        kept = [event for event in alice.heard() if event.kind is Kind.PRIVATE]
        self.assertEqual(
            [(event.past, event.nick, event.text) for event in kept],
            [(True, "bob", "hello"), (True, "bob", "are you there?")],
        )
        self.hears(bob, (Kind.JOINED, "alice", ""))
        alice.type("/reply now I am")
        self.hears(alice, (Kind.PRIVATE, "alice", "now I am"))
        self.hears(bob, (Kind.PRIVATE, "alice", "now I am"))
        bob.type("/reply good")
        self.hears(alice, (Kind.PRIVATE, "bob", "good"))
        alice.hang_up()
        self.turn()
        alice = self.back("alice")
        self.assertNotIn(Kind.PRIVATE, [event.kind for event in alice.heard()])

    def back(self, nick: str) -> Person:
        """Return somebody who has come in with the password of registered."""
        person = self.connect()
        person.heard()
        person.offer(f"{nick} {nick}'s own word")
        self.turn()
        return person

    def test_a_conversation_has_a_history(self) -> None:
        """Of its own, that both can page through and search."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob, carol = map(self.joined, ("alice", "bob", "carol"))
        alice.type("/msg bob one")
        alice.type("/msg carol two")
        self.turn()
        bob.type("/msg alice three")
        self.turn()
        alice.heard(), bob.heard(), carol.heard()
        end = (False, "That is where the history begins.")
        for person, partner, texts in (
            (alice, "@bob", ("one", "three")),
            (alice, "@CAROL", ("two",)),
            (alice, "@", ("one", "two", "three")),
            (bob, "@alice", ("one", "three")),
            (carol, "@", ("two",)),
        ):
            person.type(f"/history {partner}")
            self.assertEqual(self.told(person), [*((True, text) for text in texts), end])
        bob.type("/history @alice 1")
        earlier = "Earlier lines: /history @alice 1 before 2"
        self.assertEqual(self.told(bob), [(True, "three"), (False, earlier)])
        bob.type("/history @alice 1 before 2")
        self.assertEqual(self.told(bob)[0], (True, "one"))
        carol.type("/search three in:@alice")
        self.assertEqual(self.told(carol), [(False, "Nothing found.")])

    def test_bad_commands_about_accounts_change_nothing(self) -> None:
        """Missing, odd, huge."""
        alice, bob = self.registered("alice"), self.joined("bob")
        alice.heard()
        for line, code in {
            "/register": "bad-arguments",
            "/register short": "bad-arguments",
            f"/register {'x' * 257}": "bad-arguments",
            "/login": "bad-arguments",
            "/password": "bad-arguments",
            "/password one": "login-needed",
            "/release": "bad-arguments",
            "/release bob alice": "bad-arguments",
            "/release bob": "login-needed",
        }.items():
            self.refuses(bob, line, code)
        for line, code in {
            "/register another word": "not-allowed",
            "/password one": "bad-arguments",
            "/password a -> b -> c": "bad-arguments",
            "/release bob": "not-allowed",
            "/release alice": "no-such-nick",
        }.items():
            self.refuses(alice, line, code)
        self.hears(bob)
