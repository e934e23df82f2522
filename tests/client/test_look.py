"""What the client shows, rings at, and knows of who is here."""

import os
import re
import time
from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from chatservice.client.look import Look, mentions
from chatservice.client.roster import MOST, Roster
from chatservice.delivery.past import NOW
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
            "bob kicked alice out of #dev: spam": True,
            "bob kicked carol out of the chat: alice": False,
            "bob made alice op": True,
            "alice made bob op": False,
            "-- bob invites you to #dev: type /join #dev": True,
        }.items():
            self.assertIs(mentions(parse(line), "alice"), rings, line)


class Colours(SynchronousTestCase):
    """Colours help and change nothing."""

    def test_without_colours_a_line_is_what_came(self) -> None:
        """To the letter."""
        for line in (
            "bob: hi alice",
            "! No. [too-fast]",
            "bob joined the chat",
            "-- x",
            "?",
            "#dev bob: hi",
        ):
            expected = line if line != "?" else "-- ?"
            self.assertEqual(Look(False).line(parse(line), "alice"), expected)

    def test_what_befalls_a_room_has_a_colour(self) -> None:
        """What befalls me stands out."""
        for line, code in (
            ("bob set the topic to: cats", 36),
            ("bob kicked alice out of the chat: spam", 31),
            ("bob kicked carol out of #dev", 33),
            ("bob made alice op", 1),
            ("bob made carol op", 2),
            ("bob set moderated on", 2),
            ("-- bob invites you to #dev: type /join #dev", 1),
            ("#dev -- all is well", 2),
        ):
            shown = Look(True).line(parse(line), "alice")
            self.assertEqual(shown, f"\x1b[{code}m{line}\x1b[0m")

    def test_the_nickname_is_coloured_not_the_room(self) -> None:
        """Which may be called alike."""
        line = Look(True).line(parse("#bob bob: hi bob"), "alice")
        self.assertTrue(re.fullmatch("#bob \x1b\\[\\d+mbob\x1b\\[39m: hi bob", line), ascii(line))

    def test_a_nickname_has_one_colour_in_any_case(self) -> None:
        """And two nicknames usually have two."""
        look = Look(True)
        colours = {
            look.line(parse(f"{nick}: x"), "me").split(nick)[0] for nick in ("bob", "BOB", "Bob")
        }
        self.assertEqual(len(colours), 1)
        many = {look.line(parse(f"n{n}: x"), "me").split("n")[0] for n in range(50)}
        self.assertGreater(len(many), 6)


class Past(SynchronousTestCase):
    """When something was said, if that was not now."""

    def setUp(self) -> None:
        before = os.environ.get("TZ")
        self.zone("IST-5:30")
        self.addCleanup(self.zone, before)

    def zone(self, name: str | None) -> None:
        """Live in a time zone (POSIX, which needs no files)."""
        os.environ.pop("TZ", None)
        if name is not None:
            os.environ["TZ"] = name
        time.tzset()

    def test_it_has_its_local_time_before_it(self) -> None:
        """With the date if that is not today's, here; what is live has none."""
        now = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
        look = Look(False, lambda: now)
        for line, shown in {
            "[2026-11-21 10:33:59 7] bob: hi": "16:03 bob: hi",
            "[2026-11-20 18:30:00 7] * bob waves": "00:00 * bob waves",
            "[2026-11-20 18:29:59 7] bob: hi": "2026-11-20 23:59 bob: hi",
            "[2026-11-21 18:30:00 7] bob: hi": "2026-11-22 00:00 bob: hi",
            "[10:33:59 7] bob: hi": "bob: hi",
            "bob: hi": "bob: hi",
        }.items():
            self.assertEqual(look.line(parse(line, now), "alice"), shown)

    def test_the_zone_of_the_servers_times_is_not_told(self) -> None:
        """Here they are shown in the reader's own."""
        for told, shown in {
            f"-- {NOW}": "-- The lines above are from before. Now:",
            "-- 2 lines found, the newest first; times are UTC:": (
                "-- 2 lines found, the newest first:"
            ),
        }.items():
            self.assertEqual(Look(colour=False).line(parse(told), "alice"), shown)

    def test_the_time_is_dim(self) -> None:
        """The line is what it is without."""
        look = Look(True, lambda: 0.0)
        past = look.line(parse("[1970-01-01 00:00:00 7] bob: hi alice"), "alice")
        self.assertEqual(past, "\x1b[2m05:30\x1b[0m " + look.line(parse("bob: hi alice"), "alice"))

    def test_no_time_is_too_odd(self) -> None:
        """The server may say any."""
        for zone in ("A-14", "B14"):
            self.zone(zone)
            for day in ("0001-01-01 00:00:00", "9999-12-31 23:59:59"):
                line = Look(False, lambda: 0.0).line(parse(f"[{day} 7] bob: hi"), "alice")
                self.assertTrue(line.endswith(" bob: hi"), line)


class Known(SynchronousTestCase):
    """The roster, from what is read."""

    def test_it_follows_what_happens(self) -> None:
        """Those who spoke last come first."""
        roster = Roster()
        for line in (
            "-- 3 here: alice (founder, away) bob carol",
            "--   dave",
            "-- 9 lines you missed are no longer kept.",
            "--   not a nickname",
            "carol left the chat",
            "bob is now known as rob",
            "alice: hi",
            "erin joined the chat",
            "[2026-11-20 10:00:00 7] frank: I was here",
            "[2026-11-20 10:00:00 8] rob: so was I",
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
