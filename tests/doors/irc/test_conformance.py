"""The scenarios of all doors, by IRC."""

from typing import cast

from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.protocol import IrcFactory
from chatservice.events import Event, Kind
from chatservice.people.order import BACK
from tests.conformance import Backlog, Conformance, Durable, Hall, Person, Stage
from tests.doors.irc.chat import SERVER
from tests.doors.irc.person import IrcPerson


class AtTheIrcDoor(Stage):
    """Where the scenarios take place."""

    rings = False
    nowhere = True
    numbers = False
    means_something_else = frozenset(
        {
            "/nick two words",  # the second is too much, and is not looked at
            "/nick :x",  # that is x
            "/join #a #b",  # the second is a key
            "/who there",  # people, of whom there is none
            "/who in there",
            "/msg bob hi",  # one may tell oneself something
            "/who #dev",  # an empty list
            "/who #none",
            "/time sometimes",  # another server's
            "#ha1l hello",  # a room's name, of which more is wrong than that there is none
        }
    )

    def setUp(self) -> None:
        """Open a chat with an IRC door."""
        super().setUp()
        self.factory = IrcFactory(self.hub, server=SERVER)

    def connect(self) -> IrcPerson:
        """Connect somebody."""
        return IrcPerson(self.factory)

    def as_received(self, person: Person) -> list[str]:
        """Return the lines that came since the last look, as they came."""
        return cast("IrcPerson", person).lines()

    def is_back(self, person: Person, room: str = "") -> list[Event]:
        """Check that somebody has come back: the client is told in which rooms it is."""
        self.turn()
        heard = person.heard()
        coming = (Kind.WELCOME, Kind.JOINED, Kind.SWITCHED)
        told = [event for event in heard if event.kind in coming]
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(heard[: len(told)], told)
        rooms = {event.text for event in told if event.kind is Kind.SWITCHED}
        self.assertLessEqual({room} - {""}, rooms)
        cast("IrcPerson", person).here = room or self.policy.lobby
        return heard[len(told) :]

    def goes(self, person: Person) -> None:
        """Let somebody lose the connection; who has an account could come back for a minute."""
        super().goes(person)
        self.clock.advance(61)


class ByIrc(AtTheIrcDoor, Conformance):
    """The scenarios of all doors, and what of them is otherwise by IRC."""

    def test_a_flood_is_refused_then_ended(self) -> None:
        """Nothing is refused: clients say much at once when they come in. What is too fast waits,
        in the order in which it was said.
        """
        assert isinstance(self, SynchronousTestCase)
        flood = self.joined("flood")
        for n in range(40):
            flood.type(f"spam {n}")
        self.turn()
        spam = [(Kind.SAID, "flood", f"spam {n}") for n in range(40)]
        self.hears(flood, *spam[:10])
        for _ in range(40):
            self.clock.advance(1)
            self.turn()
        self.hears(flood, *spam[10:])

    def test_leaving_is_never_too_fast(self) -> None:
        """But it is in order, too."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        for n in range(15):
            alice.type(f"{n}")
        alice.type("/quit")
        for _ in range(10):
            self.clock.advance(1)
            self.turn()
        self.assertFalse(alice.connected)
        heard = [(event.kind, event.text) for event in bob.heard()]
        self.assertEqual(heard, [*((Kind.SAID, f"{n}") for n in range(15)), (Kind.LEFT, "")])

    def test_a_room_can_be_left(self) -> None:
        """Also the last one: by IRC one may be nowhere."""
        alice, bob = self.in_room("#dev", "alice", "bob")
        bob.type("/leave")
        self.hears_in(alice, (Kind.LEFT, "#dev", "bob", ""))
        self.hears_in(bob, (Kind.LEFT, "#dev", "bob", ""), (Kind.SWITCHED, "", "", "#lobby"))
        alice.type("bob is gone")
        self.hears_in(bob)
        alice.heard()
        bob.type("/leave")
        self.hears_in(alice, (Kind.LEFT, "#lobby", "bob", ""))
        self.hears_in(bob, (Kind.LEFT, "", "bob", ""))
        alice.type("#lobby bob is gone")
        self.hears_in(bob)
        alice.type("/msg bob where are you?")
        self.hears(bob, (Kind.PRIVATE, "alice", "where are you?"))

    def test_lines_are_stamped_for_who_wants_it(self) -> None:
        """By capabilities (server-time, message-tags), and not by a command."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        bob.type("one")
        self.turn()
        self.assertEqual([event.seq for event in alice.heard() + bob.heard()], [1, 1])
        assert isinstance(bob, IrcPerson)
        bob.send("CAP REQ :-message-tags -server-time")
        alice.type("two")
        self.turn()
        self.assertEqual([event.seq for event in alice.heard() + bob.heard()], [2, 0])

    def test_who_is_away_says_so(self) -> None:
        """To who writes to it alone, in WHO and in WHOIS, until it says something."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        self.sets(bob, "/away :lunch")
        alice.heard()
        alice.type("/msg bob hi")
        self.hears(alice, (Kind.PRIVATE, "alice", "hi"), (Kind.NOTICE, "", "bob is away: lunch"))
        alice.type("/msg bob hi")
        self.hears(alice, (Kind.PRIVATE, "alice", "hi"))
        alice.type("/who #lobby")
        self.assertEqual(sorted(self.told(alice)), [(False, "alice"), (False, "bob (away)")])
        alice.type("/whois bob")
        self.assertIn((False, "bob is away: lunch"), self.told(alice))
        bob.heard()
        bob.type("back")
        self.hears(bob, (Kind.NOTICE, "", BACK), (Kind.SAID, "bob", "back"))
        alice.heard()
        alice.type("/who #lobby")
        self.assertEqual(sorted(self.told(alice)), [(False, "alice"), (False, "bob")])

    def test_one_may_know_who_somebody_is_but_not_where_it_is_without_oneself(self) -> None:
        """Nor from which address it comes."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.in_room("#dev", "alice", "bob")
        bob.type("/join #secret")
        self.turn()
        alice.heard()
        alice.type("/whois Bob")
        self.turn()
        answer = "\n".join(self.as_received(alice))
        self.assertRegex(answer, r" 311 alice bob ~user guest-[a-z2-7]{8} \* :?Somebody")
        self.assertIn(" 319 alice bob :#dev #lobby", answer)
        self.assertNotIn("#secret", answer)
        self.assertNotIn("192.0.2", answer)


class IrcConformance(ByIrc, SynchronousTestCase):
    """The scenarios, by IRC."""


class IrcBacklog(AtTheIrcDoor, Backlog, SynchronousTestCase):
    """The scenarios of those who come in later, by IRC."""


class IrcHall(AtTheIrcDoor, Hall, SynchronousTestCase):
    """Another name for the lobby, by IRC."""


class DurableIrcConformance(Durable, ByIrc, SynchronousTestCase):
    """The scenarios, with a log on disk."""


class DurableIrcBacklog(Durable, AtTheIrcDoor, Backlog, SynchronousTestCase):
    """The scenarios of those who come in later, with a log on disk."""


class DurableIrcHall(Durable, AtTheIrcDoor, Hall, SynchronousTestCase):
    """Another name for the lobby, with a log on disk."""
