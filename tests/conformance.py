"""What holds at every door: scenarios written once, run through each of them.

A door's test module subclasses Conformance and says how its people connect, speak and hear; what
they hear is compared as events, so that the scenarios know no wire.
"""

from abc import abstractmethod
from typing import Protocol

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatservice.events import Event, Kind
from chatservice.hub import Hub
from chatservice.limits import Limits
from chatservice.person import Policy
from chatservice.store.memory import MemoryLog

Heard = tuple[Kind, str, str]
"""Kind, nick and text of an event; what doors must not change."""


class Person(Protocol):
    """Somebody at a door."""

    def offer(self, nick: str) -> None:
        """Offer a nickname."""

    def type(self, line: str) -> None:
        """Type a line: text or a command."""

    def hang_up(self) -> None:
        """Break the connection."""

    def heard(self) -> list[Event]:
        """Return what came since the last call."""

    @property
    def connected(self) -> bool:
        """Whether the server still holds the connection."""


class Conformance:
    """The scenarios. Mix in with a SynchronousTestCase and say how to connect."""

    clock: Clock
    hub: Hub

    @abstractmethod
    def connect(self) -> Person:
        """Return somebody who has just connected to self.hub."""

    def open(self, limits: Limits | None = None) -> None:
        """Open a new chat."""
        policy = Policy(limits or Limits())
        self.clock = Clock()
        self.hub = Hub(MemoryLog(), self.clock, now=self.clock.seconds, policy=policy)

    def setUp(self) -> None:
        """Open a chat with the default limits."""
        self.open()

    def turn(self) -> None:
        """End the reactor's turn."""
        self.clock.advance(0)

    def joined(self, nick: str) -> Person:
        """Return somebody who has joined and read everything."""
        person = self.connect()
        person.offer(nick)
        self.turn()
        person.heard()
        return person

    def hears(self, person: Person, *expected: Heard) -> None:
        """Check what somebody heard since the last look."""
        self.turn()
        got = [(event.kind, event.nick, event.text) for event in person.heard()]
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(got, list(expected))

    def refused(self, person: Person, code: str) -> None:
        """Check that somebody was told of one refusal and nothing else."""
        self.turn()
        got = [(event.kind, event.nick) for event in person.heard()]
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(got, [(Kind.ERROR, code)])

    def test_joining_is_seen_by_all_and_welcomed(self) -> None:
        """The order is the tutorial's: joined, then Connected."""
        alice = self.joined("alice")
        bob = self.connect()
        bob.heard()
        bob.offer("bob")
        self.hears(alice, (Kind.JOINED, "bob", ""))
        self.hears(bob, (Kind.JOINED, "bob", ""), (Kind.WELCOME, "", ""))

    def test_what_is_said_comes_back_to_who_said_it(self) -> None:
        """Seeing it is the acknowledgement."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        alice.type("hello")
        self.hears(alice, (Kind.SAID, "alice", "hello"))
        self.hears(bob, (Kind.SAID, "alice", "hello"))

    def test_two_slashes_say_one(self) -> None:
        """So that everything can be said."""
        alice = self.joined("alice")
        alice.type("//help is a command")
        self.hears(alice, (Kind.SAID, "alice", "/help is a command"))

    def test_doing_something(self) -> None:
        """The text of /me has a form of its own."""
        alice = self.joined("alice")
        alice.type("/me waves")
        self.hears(alice, (Kind.ACTED, "alice", "waves"))

    def test_private_talk_is_heard_by_two(self) -> None:
        """And by nobody else."""
        alice, bob, carol = map(self.joined, ("alice", "bob", "carol"))
        alice.heard(), bob.heard()
        alice.type("/msg BOB psst")
        self.hears(alice, (Kind.PRIVATE, "alice", "psst"))
        self.hears(bob, (Kind.PRIVATE, "alice", "psst"))
        self.hears(carol)

    def test_a_taken_nickname_cannot_be_taken_by_renaming(self) -> None:
        """Not in another case, and not as a look-alike."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        for name in ("alice", "ALICE", "аlice"):
            bob.type(f"/nick {name}")
            self.refused(bob, "nick-taken")
        self.hears(alice)

    def test_renaming_is_seen_by_all_and_frees_the_old_nickname(self) -> None:
        """The next one may wear it."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        alice.type("/nick al")
        self.hears(alice, (Kind.RENAMED, "alice", "al"))
        self.hears(bob, (Kind.RENAMED, "alice", "al"))
        bob.type("/nick alice")
        self.hears(alice, (Kind.RENAMED, "bob", "alice"))

    def test_quitting_is_seen_by_the_others(self) -> None:
        """And by nobody twice."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        bob.type("/quit")
        self.hears(alice, (Kind.LEFT, "bob", ""))
        self.hears(bob)
        self.assertFalse(bob.connected)  # type: ignore[attr-defined]
        bob.hang_up()
        self.hears(alice)

    def test_a_lost_connection_is_seen_by_the_others(self) -> None:
        """The nickname is free at once."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        bob.hang_up()
        self.hears(alice, (Kind.LEFT, "bob", ""))
        self.joined("bob")
        self.hears(alice, (Kind.JOINED, "bob", ""))

    def test_errors_say_what_and_change_nothing(self) -> None:
        """Bad commands of several kinds."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        for line, code in {
            "/halp": "unknown-command",
            "/nick": "bad-arguments",
            "/nick two words": "bad-arguments",
            "/nick :x": "nick-invalid",
            "/nick server": "nick-reserved",
            "/msg nobody-here hi": "no-such-nick",
            "/msg alice": "bad-arguments",
            "/msg bob hi": "no-such-nick",
            "/who there": "bad-arguments",
            "/me": "bad-arguments",
        }.items():
            bob.type(line)
            self.refused(bob, code)
            self.clock.advance(1)
        self.hears(alice)

    def test_nothing_unsafe_comes_out(self) -> None:
        """Every control character, mark and override is shown as U+FFFD."""
        alice = self.joined("alice")
        alice.type("a\x1b]0;x\x07\x9b\u202e\u200b\ufeffz")
        self.hears(alice, (Kind.SAID, "alice", self.replaced("a\ufffd]0;x" + "\ufffd" * 5 + "z")))

    def replaced(self, text: str) -> str:
        """Return how this door shows a text with replacement characters."""
        return text

    def test_a_flood_is_refused_then_ended(self) -> None:
        """Ten at once, an error for each further line, then the end."""
        alice, flood = self.joined("alice"), self.joined("flood")
        alice.heard()
        for n in range(40):
            flood.type(f"spam {n}")
            self.turn()
        events = flood.heard()
        said = [event.text for event in events if event.kind is Kind.SAID]
        codes = [event.nick for event in events if event.kind is Kind.ERROR]
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(said, [f"spam {n}" for n in range(10)])
        self.assertEqual(codes, ["too-fast"] * 19 + ["flooding"])
        self.assertFalse(flood.connected)
        self.assertEqual([event.kind for event in alice.heard()][-1], Kind.LEFT)

    def test_leaving_is_never_too_fast(self) -> None:
        """Or somebody else at the same address could hold a person back."""
        alice = self.joined("alice")
        for n in range(15):
            alice.type(f"{n}")
        self.turn()
        alice.heard()
        alice.type("/quit")
        self.turn()
        self.assertFalse(alice.connected)  # type: ignore[attr-defined]

    def test_coming_and_going_is_limited_for_an_address(self) -> None:
        """Each is shown to everybody; when it is too much, a nickname has to wait."""
        alice = self.joined("alice")
        for _ in range(100):
            guest = self.connect()
            guest.offer("guest")
            guest.hang_up()
            self.turn()
        came = sum(event.kind is Kind.JOINED for event in alice.heard())
        assert isinstance(self, SynchronousTestCase)
        self.assertTrue(20 <= came <= 25, came)
        self.clock.advance(10)
        self.joined("late")
        self.assertEqual(len(alice.heard()), 1)

    def test_no_nickname_in_time_ends_it(self) -> None:
        """Whatever was typed meanwhile."""
        silent = self.connect()
        self.turn()
        silent.heard()
        self.clock.advance(20)
        self.refused(silent, "nick-timeout")
        assert isinstance(self, SynchronousTestCase)
        self.assertFalse(silent.connected)

    def test_who_has_joined_may_be_silent_for_ever(self) -> None:
        """The time for a nickname is over then."""
        alice = self.joined("alice")
        for _ in range(100):
            self.clock.advance(1000)
        self.hears(alice)
        assert isinstance(self, SynchronousTestCase)
        self.assertTrue(alice.connected)

    def test_an_address_has_only_so_many_connections(self) -> None:
        """The next is told why and closed; when one leaves there is room again."""
        people = [self.connect() for _ in range(10)]
        eleventh = self.connect()
        self.refused(eleventh, "too-many-connections")
        assert isinstance(self, SynchronousTestCase)
        self.assertFalse(eleventh.connected)
        eleventh.hang_up()
        people[0].hang_up()
        self.joined("late")

    def test_the_end_is_announced(self) -> None:
        """And everybody is let go; nobody is said to have left."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        closed = self.hub.close("Goodbye!")
        for person in (alice, bob):
            self.hears(person, (Kind.NOTICE, "", "Goodbye!"))
            person.hang_up()
        assert isinstance(self, SynchronousTestCase)
        self.successResultOf(closed)
