"""What holds at every door: scenarios written once, run through each of them.

A door's test module subclasses Conformance and says how its people connect, speak and hear; what
they hear is compared as events, so that the scenarios know no wire.
"""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.delivery.past import NOW
from chatservice.events import Kind
from chatservice.people.person import Policy
from tests.scenarios_of_accounts import Accounts
from tests.scenarios_of_order import Order
from tests.scenarios_of_people import People
from tests.stage import Durable, Person, Stage

__all__ = ["Backlog", "Conformance", "Durable", "Hall", "Person", "Stage"]


class Conformance(Order, People, Accounts):
    """The scenarios, without anything from before for who comes in."""

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
            "/who there": "room-invalid",
            "/who in there": "bad-arguments",
            "/me": "bad-arguments",
        }.items():
            self.refuses(bob, line, code)
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

    # Rooms.

    def hears_in(self, person: Person, *expected: tuple[Kind, str, str, str]) -> None:
        """Check what somebody heard since the last look: kind, room as shown, nick, text."""
        self.turn()
        got = [(event.kind, event.room, event.nick, event.text) for event in person.heard()]
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(got, list(expected))

    def test_joining_a_room_is_seen_there_and_makes_it_current(self) -> None:
        """What is said then is heard there and nowhere else."""
        alice, bob = self.in_room("#dev", "alice", "bob")
        carol = self.joined("carol")
        alice.heard(), bob.heard()
        carol.type("/join #Dev")
        for one in (alice, bob):
            self.hears_in(one, (Kind.JOINED, "#dev", "carol", ""))
        self.hears_in(carol, (Kind.SWITCHED, "", "", "#dev"), (Kind.JOINED, "#dev", "carol", ""))
        dave = self.joined("dave")
        carol.heard()
        carol.type("hello")
        self.hears_in(carol, (Kind.SAID, "", "carol", "hello"))
        self.hears_in(dave)

    def test_the_room_of_each_line_can_be_told(self) -> None:
        """Its name stands before what happens elsewhere."""
        (alice,) = self.in_room("#dev", "alice")
        bob = self.joined("bob")
        bob.type("hi")
        bob.type("/me waves")
        bob.type("/nick bo")
        bob.type("/quit")
        self.hears_in(
            alice,
            (Kind.JOINED, "#lobby", "bob", ""),
            (Kind.SAID, "#lobby", "bob", "hi"),
            (Kind.ACTED, "#lobby", "bob", "waves"),
            (Kind.RENAMED, "#lobby", "bob", "bo"),
            (Kind.LEFT, "#lobby", "bo", ""),
        )
        alice.type("/join #lobby")
        alice.type("here")
        alice.type("#dev there")
        self.hears_in(
            alice,
            (Kind.SWITCHED, "", "", "#lobby"),
            (Kind.SAID, "", "alice", "here"),
            (Kind.SAID, "#dev", "alice", "there"),
        )

    def test_a_room_can_be_left(self) -> None:
        """Seen by all in it; but not the last one."""
        alice, bob = self.in_room("#dev", "alice", "bob")
        bob.type("/leave")
        self.hears_in(alice, (Kind.LEFT, "#dev", "bob", ""))
        self.hears_in(bob, (Kind.LEFT, "#dev", "bob", ""), (Kind.SWITCHED, "", "", "#lobby"))
        alice.type("bob is gone")
        self.hears_in(bob)
        bob.type("/leave")
        self.refused(bob, "last-room")

    def test_errors_about_rooms_change_nothing(self) -> None:
        """Rooms one is not in, and what can be no room."""
        (alice,) = self.in_room("#dev", "alice")
        bob = self.joined("bob")
        alice.heard()
        for line, code in {
            "/join": "bad-arguments",
            "/join dev": "room-invalid",
            "/join #l0bby": "room-invalid",
            "/join #a #b": "bad-arguments",
            "/leave #dev": "no-such-room",
            "/say #dev hi": "no-such-room",
            "/say #lobby": "bad-arguments",
            "#dev hi": "no-such-room",
            "/who #none": "no-such-room",
            "/search x in:#dev": "no-such-room",
        }.items():
            self.refuses(bob, line, code)
        self.hears_in(alice)

    def test_who_comes_back_is_in_all_its_rooms(self) -> None:
        """And is told what was said in each; nobody notices."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.in_room("#dev", "alice", "bob")
        token = self.token(alice)
        alice.hang_up()
        bob.type("in #dev")
        bob.type("#lobby in #lobby")
        self.turn()
        bob.heard()
        again = self.connect()
        again.heard()
        again.offer(token)
        heard = self.is_back(again, "#dev")
        self.assertEqual(
            sorted((event.room, event.text, event.past) for event in heard[:-1]),
            [("", "in #dev", True), ("#lobby", "in #lobby", True)],
        )
        again.type("here")
        self.hears_in(bob, (Kind.SAID, "", "alice", "here"))

    # The past.

    def test_history_pages_back(self) -> None:
        """The last lines, then those before them, as lines from the past with their numbers."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        for n in range(1, 6):
            alice.type(f"line {n}")
            self.clock.advance(1)
        self.turn()
        bob.heard()
        bob.type("/history 2")
        self.turn()
        told = bob.heard()
        self.assertEqual(
            [(event.past, event.past and event.seq, event.nick, event.text) for event in told],
            [
                (True, 4, "alice", "line 4"),
                (True, 5, "alice", "line 5"),
                (False, False, "", "Earlier lines: /history 2 before 4"),
            ],
        )
        bob.type("/history before 4")
        lines = [(True, f"line {n}") for n in (1, 2, 3)]
        self.assertEqual(self.told(bob), [*lines, (False, "That is where the history begins.")])
        bob.type("/history before 1")
        self.assertEqual(self.told(bob), [(False, "There is nothing earlier.")])

    def test_what_is_said_can_be_found(self) -> None:
        """By words, in any case; private lines only by who has them."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob, carol = map(self.joined, ("alice", "bob", "carol"))
        alice.type("The deploy went wrong")
        alice.type("/msg bob a secret deploy")
        self.turn()
        bob.heard(), carol.heard()
        one = "One line found, the newest first; times are UTC:"
        carol.type("/search DEPLOY")
        self.assertEqual(self.told(carol), [(False, one), (True, "The deploy went wrong")])
        carol.type("/search secret")
        self.assertEqual(self.told(carol), [(False, "Nothing found.")])
        carol.type("/search secret in:@")
        self.assertEqual(self.told(carol), [(False, "Nothing found.")])
        bob.type("/search secret in:@")
        self.assertEqual(self.told(bob), [(False, one), (True, "a secret deploy")])

    def test_a_search_that_cannot_be_is_refused(self) -> None:
        """With the reason."""
        alice = self.joined("alice")
        for line, code in {
            "/search ...": "bad-arguments",
            "/search x since:yesterday": "bad-arguments",
            "/search x in:#elsewhere": "no-such-room",
            "/history never": "bad-arguments",
            "/history 0": "bad-arguments",
            "/history before": "bad-arguments",
            "/history before noon": "bad-arguments",
            "/forget bob": "bad-arguments",
            "/time sometimes": "bad-arguments",
        }.items():
            self.refuses(alice, line, code)

    def test_who_wants_to_be_forgotten_is(self) -> None:
        """After a confirmation; others are not."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.type("mine")
        bob.type("his")
        alice.type("/forget me")
        self.turn()
        alice.heard()
        alice.type("/forget me yes")
        self.assertEqual(
            self.told(alice), [(False, "One line was removed from the history for good.")]
        )
        alice.type("/history")
        self.assertEqual([text for past, text in self.told(alice) if past], ["his"])

    def test_lines_are_stamped_for_who_wants_it(self) -> None:
        """With their numbers; for the others nothing changes."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        alice.type("/time on")
        self.turn()
        alice.heard()
        bob.type("one")
        self.turn()
        seen = [(event.seq, event.text) for event in alice.heard() + bob.heard()]
        self.assertEqual(seen, [(1, "one"), (0, "one")])
        alice.type("/time off")
        bob.type("two")
        self.turn()
        self.assertEqual([event.seq for event in alice.heard()], [0, 0])

    # Coming back.

    def token(self, person: Person) -> str:
        """Ask for somebody's token."""
        person.type("/resume")
        self.turn()
        (event,) = [event for event in person.heard() if event.kind is Kind.RESUME]
        return f"{event.nick} {event.text.split()[0]}"

    def test_a_lost_connection_may_come_back_unnoticed(self) -> None:
        """And is told exactly what was said meanwhile."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.type("before")
        token = self.token(alice)
        alice.hang_up()
        bob.type("meanwhile")
        bob.type("/msg alice for you")
        self.turn()
        bob.heard()
        again = self.connect()
        again.heard()
        again.offer(token)
        heard = self.is_back(again)
        self.assertEqual(
            [(event.past, event.kind, event.text) for event in heard[:-1]],
            [(True, Kind.SAID, "meanwhile"), (True, Kind.PRIVATE, "for you")],
        )
        self.assertEqual((heard[-1].kind, heard[-1].past), (Kind.NOTICE, False))
        self.hears(bob)
        again.type("here")
        self.hears(bob, (Kind.SAID, "alice", "here"))

    def test_who_does_not_come_back_in_time_has_left(self) -> None:
        """And may still come back later and be told what it missed."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        token = self.token(alice)
        alice.hang_up()
        self.turn()
        bob.heard()
        self.clock.advance(59)
        self.hears(bob)
        self.clock.advance(2)
        self.hears(bob, (Kind.LEFT, "alice", ""))
        bob.type("too late")
        self.turn()
        bob.heard()
        again = self.connect()
        again.heard()
        again.offer(token)
        self.hears(bob, (Kind.JOINED, "alice", ""))
        kinds = [(event.kind, event.past) for event in again.heard()]
        self.assertEqual(kinds[:2], [(Kind.JOINED, False), (Kind.WELCOME, False)])
        self.assertIn((Kind.SAID, True), kinds)

    def test_coming_back_ends_the_old_connection(self) -> None:
        """It is told, and can say nothing more."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        token = self.token(alice)
        bob.heard()
        again = self.connect()
        again.heard()
        again.offer(token)
        self.turn()
        self.assertEqual([event.kind for event in alice.heard()], [Kind.NOTICE])
        self.assertFalse(alice.connected)
        alice.type("ghost")
        alice.hang_up()
        self.hears(bob)

    def test_a_wrong_token_is_refused(self) -> None:
        """Somebody else's, a made-up one; the nickname alone is free to take or not, as ever."""
        alice, bob = self.joined("alice"), self.joined("bob")
        token = self.token(alice).split()[1]
        for offer in (f"bob {token}", "alice ~" + "x" * 22):
            mallory = self.connect()
            mallory.heard()
            mallory.offer(offer)
            self.turn()
            assert isinstance(self, SynchronousTestCase)
            self.assertEqual(mallory.heard()[0].nick, "bad-token")
            mallory.hang_up()
        self.hears(alice)
        self.hears(bob)


class Hall(Stage):
    """The lobby under another name; mixed in and run like the other scenarios."""

    policy = Policy(backlog=2, welcome="History is kept.", lobby="#hall")

    def told_there(self, person: Person) -> list[tuple[Kind, str, str, str, bool]]:
        """Return what somebody heard since the last look."""
        self.turn()
        return [
            (event.kind, event.room, event.nick, event.text, event.lobby)
            for event in person.heard()
        ]

    def test_it_is_the_chat_and_whoever_comes_in_is_told_its_name(self) -> None:
        """Before anything whose room must be known."""
        assert isinstance(self, SynchronousTestCase)
        alice = self.joined("alice")
        alice.type("hello")
        self.turn()
        bob = self.connect()
        bob.heard()
        bob.offer("bob")
        self.turn()
        self.assertEqual(
            self.told_there(bob),
            [
                (Kind.JOINED, "", "bob", "", True),
                (Kind.WELCOME, "", "", "", False),
                (Kind.SWITCHED, "", "", "#hall", False),
                (Kind.NOTICE, "", "", "History is kept.", False),
                (Kind.SAID, "", "alice", "hello", False),
                (Kind.NOTICE, "", "", NOW, False),
            ],
        )
        bob.type("/quit")
        self.assertEqual(
            self.told_there(alice)[1:],
            [(Kind.JOINED, "", "bob", "", True), (Kind.LEFT, "", "bob", "", True)],
        )

    def test_any_other_room_is_an_ordinary_one(self) -> None:
        """Also one called #lobby; from there the lobby's lines have its name."""
        assert isinstance(self, SynchronousTestCase)
        alice = self.joined("alice")
        alice.type("/join #lobby")
        self.assertEqual(
            self.told_there(alice),
            [
                (Kind.SWITCHED, "", "", "#lobby", False),
                (Kind.JOINED, "#lobby", "alice", "", False),
            ],
        )
        bob = self.joined("bob")
        bob.type("hi")
        self.assertEqual(
            self.told_there(alice),
            [(Kind.JOINED, "#hall", "bob", "", True), (Kind.SAID, "#hall", "bob", "hi", False)],
        )
        alice.type("/leave #hall")
        self.assertEqual(self.told_there(bob)[1:], [(Kind.LEFT, "", "alice", "", True)])
        alice.type("/leave")
        told = [event[2] for event in self.told_there(alice)[1:]]
        self.assertEqual(told, ["alice" if self.nowhere else "last-room"])

    def test_nothing_may_look_like_it(self) -> None:
        """But what looks like #lobby may, now."""
        alice = self.joined("alice")
        self.refuses(alice, "/join #ha1l", "room-invalid")
        self.refuses(alice, "#ha1l hello", "no-such-room")
        alice.type("/join #l0bby")
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(self.told_there(alice)[0], (Kind.SWITCHED, "", "", "#l0bby", False))

    def test_who_comes_back_to_a_room_called_lobby_is_told_so(self) -> None:
        """Or its lines would be taken for those of the other."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.type("/join #lobby")
        self.turn()
        alice.heard()
        alice.type("/resume")
        self.turn()
        (answer,) = alice.heard()
        alice.hang_up()
        again = self.connect()
        again.heard()
        again.offer(f"alice {answer.text}")
        self.is_back(again, "#lobby")
        again.type("here")
        bob.type("there")
        self.assertEqual(
            sorted(event[1:4] for event in self.told_there(again)[-2:]),
            [("", "alice", "here"), ("#hall", "bob", "there")],
        )

    def test_who_comes_back_to_it_is_told_its_name_and_what_was_missed(self) -> None:
        """As from any room that is not #lobby."""
        assert isinstance(self, SynchronousTestCase)
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.heard()
        alice.type("/resume")
        self.turn()
        (answer,) = alice.heard()
        self.assertEqual("#hall:0" in answer.text, self.numbers)
        alice.hang_up()
        bob.type("news")
        self.turn()
        again = self.connect()
        again.heard()
        again.offer(f"alice {answer.text}")
        self.assertEqual(
            [(event.kind, event.room, event.text) for event in self.is_back(again, "#hall")],
            [
                (Kind.NOTICE, "", "History is kept."),
                (Kind.SAID, "", "news"),
                (Kind.NOTICE, "", NOW),
            ],
        )


class Backlog(Stage):
    """What is shown to who comes in; mixed in and run like the other scenarios."""

    policy = Policy(backlog=2, welcome="History is kept.", plaintext_login=True)

    def test_who_comes_in_is_shown_the_last_lines(self) -> None:
        """Behind the welcome, as lines from the past, and then where the present begins."""
        assert isinstance(self, SynchronousTestCase)
        alice = self.joined("alice")
        for n in range(1, 4):
            alice.type(f"line {n}")
        self.turn()
        bob = self.connect()
        bob.heard()
        bob.offer("bob")
        alice.type("now")
        self.turn()
        self.assertEqual(
            [(event.kind, event.past, event.text) for event in bob.heard()],
            [
                (Kind.JOINED, False, ""),
                (Kind.WELCOME, False, ""),
                (Kind.NOTICE, False, "History is kept."),
                (Kind.SAID, True, "line 2"),
                (Kind.SAID, True, "line 3"),
                (Kind.NOTICE, False, NOW),
                (Kind.SAID, False, "now"),
            ],
        )

    def test_when_nothing_was_said_nothing_is_shown(self) -> None:
        """Not even where the present begins."""
        bob = self.connect()
        bob.heard()
        bob.offer("bob")
        self.hears(
            bob,
            (Kind.JOINED, "bob", ""),
            (Kind.WELCOME, "", ""),
            (Kind.NOTICE, "", "History is kept."),
        )
