"""Who watches which nicknames, and what is told of them."""

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import booleans, sampled_from
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from chatservice.presence.watching import MOST_WATCHED, WATCHED
from chatservice.roles import Role
from tests import examples
from tests.fakes import Chat, Guest

NICKS = sampled_from(("bob", "Bob", "carol", "dan", "DAN"))


class Watched(SynchronousTestCase):
    """alice watches bob."""

    def setUp(self) -> None:
        self.chat = Chat(policy=Policy(absence=0))
        self.watching = self.chat.hub.parts.watching
        self.alice = self.chat.join("alice")
        self.watching.watch(self.alice.person, "Bob")
        self.told(self.alice)

    def told(self, guest: Guest) -> list[tuple[Kind, str, str]]:
        """Return kind, nick and text of the events of no room that somebody was told."""
        self.chat.turn()
        events: list[Event] = [*guest.events]
        guest.events.clear()
        return [(e.kind, e.nick, e.text) for e in events if e.kind in WATCHED and not e.room]

    def test_who_watches_is_told_of_coming_and_going(self) -> None:
        bob = self.chat.join("BOB")
        self.assertEqual(self.told(self.alice), [(Kind.JOINED, "BOB", "")])
        bob.types("/nick bob")
        self.assertEqual(self.told(self.alice), [])
        bob.types("/nick robert")
        self.assertEqual(self.told(self.alice), [(Kind.LEFT, "bob", "")])
        bob.types("/nick Bob")
        self.assertEqual(self.told(self.alice), [(Kind.JOINED, "Bob", "")])
        bob.types("/quit")
        self.assertEqual(self.told(self.alice), [(Kind.LEFT, "Bob", "")])
        self.assertEqual(self.told(bob), [])

    def test_and_of_what_is_done_everywhere_also_by_who_is_in_no_room(self) -> None:
        bob = self.chat.join("bob")
        bob.person.roomless = True
        self.chat.hub.leave_room(bob.person, "#lobby")
        self.told(self.alice)
        self.chat.hub.presence.leave(bob.person, "lunch")
        self.chat.hub.presence.describe(bob.person, "Robert")
        expected = [(Kind.AWAY, "bob", "away"), (Kind.DESCRIBED, "bob", "Robert")]
        self.assertEqual(self.told(self.alice), expected)

    def test_who_does_not_watch_any_more_is_told_nothing(self) -> None:
        self.watching.unwatch(self.alice.person, "bOB")
        self.watching.unwatch(self.alice.person, "zoe")
        self.chat.join("bob")
        self.assertEqual(self.told(self.alice), [])
        self.assertEqual(self.watching._watchers, {})

    def test_who_is_gone_is_forgotten(self) -> None:
        self.alice.goes()
        self.assertEqual((self.watching._watchers, self.watching._watched), ({}, {}))
        self.chat.join("bob")

    def test_not_too_many_are_watched(self) -> None:
        for n in range(1, MOST_WATCHED):
            self.watching.watch(self.alice.person, f"n{n}")
        self.watching.watch(self.alice.person, "BOB")  # already
        refusal = self.assertRaises(ChatError, self.watching.watch, self.alice.person, "zoe")
        self.assertEqual(refusal.code, Code.TOO_MUCH)
        self.assertEqual(self.watching.watched(self.alice.person)[0], "BOB")
        self.watching.clear(self.alice.person)
        self.assertEqual(self.watching.watched(self.alice.person), [])


class Describing(SynchronousTestCase):
    """Saying that one's real name is another."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.alice, self.bob = self.chat.everybody("alice", "bob")
        self.chat.turn()

    def described(self, guest: Guest) -> list[str]:
        self.chat.turn()
        events = [*guest.events]
        guest.events.clear()
        return [e.text for e in events if e.kind is Kind.DESCRIBED]

    def sanction(self, what: str) -> None:
        ops = self.chat.joined_as(f"zoe_{what}", Role.ADMIN)
        ops.types(f"/{what} bob")
        self.chat.turn()

    def test_rooms_hear_of_it(self) -> None:
        self.chat.hub.presence.describe(self.bob.person, "Robert")
        self.assertEqual(self.described(self.alice), ["Robert"])
        self.assertEqual(self.bob.person.card.name, "Robert")

    def test_not_of_who_is_muted(self) -> None:
        self.sanction("mute")
        describe = self.chat.hub.presence.describe
        refusal = self.assertRaises(ChatError, describe, self.bob.person, "buy gold")
        self.assertEqual(refusal.code, Code.MUTED)
        self.assertEqual(self.bob.person.card.name, "")

    def test_who_is_shadowed_alone_sees_it(self) -> None:
        self.sanction("shadow")
        self.chat.hub.presence.describe(self.bob.person, "buy gold")
        self.assertEqual(self.described(self.alice), [])
        self.assertEqual(self.described(self.bob), ["buy gold"])

    def test_nobody_hears_why_somebody_is_away_that_is_not_heard(self) -> None:
        for measure in ("mute", "shadow"):
            self.sanction(measure)
            self.alice.events.clear()
            self.chat.hub.presence.leave(self.bob.person, f"gold {measure}")
            self.chat.turn()
            asides = [e.aside for e in self.alice.events if e.kind is Kind.AWAY]
            self.assertEqual(asides, [""])
            self.alice.hears()
            self.alice.types("/msg bob hi", "/whois bob", "/seen bob")
            told = "\n".join(self.alice.hears())
            self.assertNotIn("gold", told)
            self.assertIn("bob is away: away", told)
            self.chat.hub.presence.back(self.bob.person)


class Coming(RuleBasedStateMachine):
    """People come, rename and go as they like, and alice watches some of the names."""

    def __init__(self) -> None:
        super().__init__()
        self.chat = Chat(policy=Policy(limits=UNLIMITED, absence=0))
        self.watching = self.chat.hub.parts.watching
        self.alice = self.chat.join("alice")
        self.watched: set[str] = set()
        self.here: dict[str, Guest] = {}  # by folded nickname
        self.expected: list[tuple[Kind, str]] = []

    @rule(nick=NICKS)
    def watch(self, nick: str) -> None:
        """Watch a nickname."""
        self.watching.watch(self.alice.person, nick)
        self.watched.add(nick.lower())

    @rule(nick=NICKS)
    def unwatch(self, nick: str) -> None:
        """Watch it no more."""
        self.watching.unwatch(self.alice.person, nick)
        self.watched.discard(nick.lower())

    @rule(nick=NICKS)
    def come(self, nick: str) -> None:
        """Somebody comes, if nobody wears that nickname."""
        if nick.lower() not in self.here:
            self.here[nick.lower()] = self.chat.join(nick)
            self._expect(Kind.JOINED, nick)

    @rule(old=NICKS, new=NICKS)
    def rename(self, old: str, new: str) -> None:
        """Somebody who is here takes another nickname that nobody wears."""
        guest = self.here.get(old.lower())
        if guest is None or (new.lower() in self.here and new.lower() != old.lower()):
            return
        worn = guest.nick
        guest.types(f"/nick {new}")
        if new.lower() != old.lower():
            self.here[new.lower()] = self.here.pop(old.lower())
            self._expect(Kind.LEFT, worn)
            self._expect(Kind.JOINED, new)

    @rule(nick=NICKS, politely=booleans())
    def go(self, nick: str, politely: bool) -> None:
        """Somebody who is here goes, or loses the connection."""
        guest = self.here.pop(nick.lower(), None)
        if guest is not None:
            self._expect(Kind.LEFT, guest.nick)
            guest.types("/quit") if politely else guest.goes()

    @invariant()
    def alice_is_told_of_those_that_she_watches(self) -> None:
        """And of nobody else, once and in order."""
        self.chat.turn()
        events, self.alice.events = self.alice.events, []
        told = [(e.kind, e.nick) for e in events if e.kind in WATCHED and not e.room]
        assert told == self.expected
        self.expected = []
        assert {nick.lower() for nick in self.watching.watched(self.alice.person)} == self.watched
        assert self.watching._watchers.keys() == self.watched

    def _expect(self, kind: Kind, nick: str) -> None:
        if nick.lower() in self.watched:
            self.expected.append((kind, nick))


ComingCase = Coming.TestCase
ComingCase.settings = settings(max_examples=examples(25), stateful_step_count=25, deadline=None)
