"""What the client shows, rings at, and knows of who is here."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.client.look import Look, mentions
from chatservice.client.roster import MOST, Roster
from chatservice.plain import parse


class Mentions(SynchronousTestCase):
    """What deserves a bell."""

    def test_a_line_that_names_me_or_is_for_me_alone(self) -> None:
        """In any case, as a word; not my own lines, not parts of words."""
        for line, rings in {
            "bob: hi alice": True,
            "bob: ALICE!": True,
            "bob: @alice?": True,
            "* bob waves at alice": True,
            "bob -> alice: psst": True,
            "alice -> bob: psst": False,
            "alice: I am alice": False,
            "bob: malice": False,
            "bob: alice2": False,
            "-- 2 here: alice bob": False,
            "alice2 joined the chat": False,
        }.items():
            self.assertIs(mentions(parse(line), "alice"), rings, line)


class Colours(SynchronousTestCase):
    """Colours help and change nothing."""

    def test_without_colours_a_line_is_what_came(self) -> None:
        """To the letter."""
        for line in ("bob: hi alice", "! No. [too-fast]", "bob joined the chat", "-- x", "?"):
            expected = line if line != "?" else "-- ?"
            self.assertEqual(Look(False).line(parse(line), "alice"), expected)

    def test_a_nickname_has_one_colour_in_any_case(self) -> None:
        """And two nicknames usually have two."""
        look = Look(True)
        colours = {
            look.line(parse(f"{nick}: x"), "me").split(nick)[0] for nick in ("bob", "BOB", "Bob")
        }
        self.assertEqual(len(colours), 1)
        many = {look.line(parse(f"n{n}: x"), "me").split("n")[0] for n in range(50)}
        self.assertGreater(len(many), 6)


class Known(SynchronousTestCase):
    """The roster, from what is read."""

    def test_it_follows_what_happens(self) -> None:
        """Those who spoke last come first."""
        roster = Roster()
        for line in (
            "-- 3 here: alice bob carol",
            "--   dave",
            "-- 9 lines you missed are no longer kept.",
            "--   not a nickname",
            "carol left the chat",
            "bob is now known as rob",
            "alice: hi",
            "erin joined the chat",
        ):
            roster.heard(parse(line))
        self.assertEqual(roster.nicks(), ["erin", "alice", "rob", "dave"])
        roster.clear()
        self.assertEqual(roster.nicks(), [])

    def test_it_is_bounded(self) -> None:
        """However many come and go."""
        roster = Roster()
        for n in range(MOST * 2):
            roster.heard(parse(f"n{n} joined the chat"))
        self.assertEqual(len(roster.nicks()), MOST)
