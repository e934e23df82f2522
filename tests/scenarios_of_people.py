"""What holds at every door about what people choose to see, and may know. See conformance.py."""

from abc import abstractmethod

from twisted.trial.unittest import SynchronousTestCase

from chatservice.events import Kind
from chatservice.people.order import BACK
from tests.stage import Person, Stage


class People(Stage):
    """The scenarios."""

    def sets(self, person: Person, line: str) -> None:
        """Let somebody set something for itself, which is answered."""
        person.type(line)
        self.turn()
        kinds = {event.kind for event in person.heard()}
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(kinds, {Kind.NOTICE}, line)
        self.clock.advance(1)

    def test_of_the_ignored_nothing_is_seen(self) -> None:
        """Neither in rooms nor in private; they do not notice, and what was before stays."""
        alice, bob, carol = map(self.joined, ("alice", "bob", "carol"))
        alice.heard(), bob.heard()
        bob.type("before")
        alice.type("/ignore bob")
        bob.type("after")
        self.turn()
        kinds = [(event.kind, event.nick) for event in alice.heard()]
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(kinds, [(Kind.SAID, "bob"), (Kind.NOTICE, "")])
        bob.type("/msg alice psst")
        bob.type("/me waves")
        bob.type("/nick bo")
        carol.type("bo?")
        self.hears(alice, (Kind.SAID, "carol", "bo?"))
        self.turn()
        self.assertIn((Kind.PRIVATE, "psst"), [(event.kind, event.text) for event in bob.heard()])
        alice.type("/history")
        self.assertEqual([text for past, text in self.told(alice) if past], ["bo?"])
        self.sets(alice, "/unignore bo")
        bob.type("hello")
        self.hears(alice, (Kind.SAID, "bo", "hello"))

    def test_nobody_can_ignore_himself_or_who_is_not(self) -> None:
        """Nothing changes."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        for line, code in {
            "/ignore alice": "bad-arguments",
            "/ignore zoe": "no-such-nick",
            "/focus alice": "bad-arguments",
            "/bell loudly": "bad-arguments",
            "/quiet please": "bad-arguments",
            "/whois zoe": "no-such-nick",
            "/seen zoe": "no-such-nick",
        }.items():
            self.refuses(alice, line, code)
        bob.type("hello")
        self.hears(alice, (Kind.SAID, "bob", "hello"))

    def test_who_wants_quiet_sees_nobody_come_and_go(self) -> None:
        """But itself, and whatever is said."""
        alice = self.joined("alice")
        self.sets(alice, "/quiet")
        bob = self.joined("bob")
        bob.type("/nick bo")
        bob.type("hello")
        bob.type("/quit")
        alice.type("/join #dev")
        self.hears(
            alice,
            (Kind.SAID, "bo", "hello"),
            (Kind.SWITCHED, "", "#dev"),
            (Kind.JOINED, "alice", ""),
        )
        self.sets(alice, "/quiet off")
        bob.hang_up()
        self.joined("carol")
        self.hears(alice, (Kind.JOINED, "carol", ""))

    def test_in_focus_one_sees_some_and_private_lines(self) -> None:
        """And oneself."""
        alice, bob, carol = map(self.joined, ("alice", "bob", "carol"))
        alice.heard()
        self.sets(alice, "/focus bob")
        carol.type("noise")
        carol.type("/msg alice psst")
        self.turn()
        bob.type("hello")
        alice.type("hi")
        self.hears(
            alice,
            (Kind.PRIVATE, "carol", "psst"),
            (Kind.SAID, "bob", "hello"),
            (Kind.SAID, "alice", "hi"),
        )
        self.sets(alice, "/focus off")
        carol.type("noise")
        self.hears(alice, (Kind.SAID, "carol", "noise"))

    def test_the_bell_rings_for_who_wants_it(self) -> None:
        """It stands before the line, and nobody else can make it."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        lines = ("alice: hi", "alice\a", "hi all", "/me sees alice")
        for setting, rung in {"off": [], "mentions": [0, 1, 3], "all": [0, 1, 2, 3]}.items():
            self.sets(alice, f"/bell {setting}")
            bob.heard()
            for line in lines:
                bob.type(line)
                self.clock.advance(1)
            self.turn()
            assert isinstance(self, SynchronousTestCase)
            raw = self.as_received(alice)
            heard = [n for n, line in enumerate(raw) if line.startswith("\a")]
            self.assertEqual(heard, rung if self.rings else [])
            self.assertEqual("".join(raw).count("\a"), len(heard))
            self.assertNotIn("\a", "".join(self.as_received(bob)))
            alice.type("alice here")
            self.turn()
            self.assertNotIn("\a", "".join(self.as_received(alice)))

    rings = True
    """Whether there may be somebody at this door who hears a bell."""

    @abstractmethod
    def as_received(self, person: Person) -> list[str]:
        """Return the lines that came since the last look, as they came."""

    def test_who_is_away_says_so(self) -> None:
        """To who writes to it alone, in /who and in /whois, until it says something."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        self.sets(bob, "/away lunch")
        alice.heard()
        alice.type("/msg bob hi")
        self.hears(alice, (Kind.PRIVATE, "alice", "hi"), (Kind.NOTICE, "", "bob is away: lunch"))
        alice.type("/msg bob hi")
        self.hears(alice, (Kind.PRIVATE, "alice", "hi"))
        alice.type("/who")
        self.assertEqual(self.told(alice), [(False, "2 here: alice bob (away)")])
        alice.type("/whois bob")
        self.assertIn("lunch", " ".join(text for _, text in self.told(alice)))
        bob.heard()
        bob.type("back")
        self.hears(bob, (Kind.NOTICE, "", BACK), (Kind.SAID, "bob", "back"))
        alice.heard()
        alice.type("/who")
        self.assertEqual(self.told(alice), [(False, "2 here: alice bob")])

    def test_one_may_know_who_somebody_is_but_not_where_it_is_without_oneself(self) -> None:
        """Nor from which address it comes."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.in_room("#dev", "alice", "bob")
        bob.type("/join #secret")
        self.turn()
        alice.heard()
        alice.type("/whois Bob")
        answer = "\n".join(text for _, text in self.told(alice))
        self.assertIn("bob is a guest.", answer)
        self.assertIn("rooms in common: #dev #lobby", answer)
        self.assertNotIn("#secret", answer)
        self.assertNotIn("192.0.2", answer)

    def test_one_may_know_when_somebody_was_here(self) -> None:
        """Now, or last."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        alice.type("/seen BOB")
        self.hears(alice, (Kind.NOTICE, "", "bob is here now."))
        bob.type("/quit")
        self.turn()
        alice.heard()
        self.clock.advance(120)
        alice.type("/seen bob")
        ((_, text),) = self.told(alice)
        assert isinstance(self, SynchronousTestCase)
        self.assertTrue(text.startswith("bob was last here 2 minutes ago"), text)
