"""How long lines are kept, and how people say so."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.durations import MAX_DURATION, parse_duration
from chatservice.names import inbox
from chatservice.retention import (
    INBOX_KEEP,
    MAX_LINES,
    Keep,
    Retention,
    parse_keep,
    parse_retention,
)
from tests.fakes import quick

DAY = 86400.0

KEEPS = {
    "90d": (Keep(seconds=90 * DAY), "for 90 days"),
    "12h": (Keep(seconds=DAY / 2), "for 12 hours"),
    "36h": (Keep(seconds=1.5 * DAY), "for 36 hours"),
    "24h": (Keep(seconds=DAY), "for 1 day"),
    "30m": (Keep(seconds=1800), "for 30 minutes"),
    "60s": (Keep(seconds=60), "for 1 minute"),
    "90s": (Keep(seconds=90), "for 90 seconds"),
    "2w": (Keep(seconds=14 * DAY), "for 14 days"),
    " 2W ": (Keep(seconds=14 * DAY), "for 14 days"),
    "100000": (Keep(lines=100_000), "the newest 100,000 lines"),
    "1": (Keep(lines=1), "the newest line"),
    str(MAX_LINES): (Keep(lines=MAX_LINES), "the newest 1,000,000,000,000 lines"),
    "forever": (Keep(), "for good"),
    "Forever": (Keep(), "for good"),
}
NO_KEEPS = [
    *("", " ", "d", "90 d", "-1d", "+1d", "1.5d", "1y", "1d12h", "never", "for ever", "٣d"),
    *("0", "00", "-1", "1,000", "1_000", "1e6", "٣", "²", str(MAX_LINES + 1), "9" * 5000),
    *("0d", "59s", "0m", "400000d", "999999999999w", "9" * 5000 + "d", "1d\n\n1"),
]


class HowLong(SynchronousTestCase):
    """One SPEC."""

    def test_these_are_understood_and_told_in_words(self) -> None:
        for spec, (keep, told) in KEEPS.items():
            self.assertEqual(parse_keep(spec), keep, spec)
            self.assertEqual(keep.words, told)

    def test_these_are_refused_with_what_would_do(self) -> None:
        for spec in NO_KEEPS:
            with self.assertRaises(ValueError, msg=spec[:40]) as caught:
                parse_keep(spec)
            self.assertRegex(str(caught.exception), "forever")
            self.assertLess(len(str(caught.exception)), 200)

    def test_both_limits_are_told(self) -> None:
        both = Keep(seconds=DAY, lines=1000)
        self.assertEqual(both.words, "for 1 day, at most the newest 1,000 lines")

    @quick
    @given(st.integers(1, 10**4), st.sampled_from("mhdw"))
    def test_a_duration_is_as_long_as_in_words(self, count: int, unit: str) -> None:
        keep = parse_keep(f"{count}{unit}")
        _, number, told = keep.words.replace(",", "").split()
        self.assertEqual(keep.seconds, parse_duration(f"{number}{told[0]}"))

    @quick
    @given(st.text("0123456789smhdwSMHDW. -forever\n"))
    def test_whatever_is_written_is_in_bounds_or_refused(self, spec: str) -> None:
        try:
            keep = parse_keep(spec)
        except ValueError:
            return
        self.assertTrue(keep.seconds is None or 60 <= keep.seconds <= MAX_DURATION)
        self.assertTrue(keep.lines is None or 1 <= keep.lines <= MAX_LINES)


class RoomsAndInboxes(SynchronousTestCase):
    """What holds where."""

    def test_a_room_has_its_own_or_the_default(self) -> None:
        retention = parse_retention(["90d", "#lobby=100000", "#ops=forever"])
        self.assertEqual(retention.of("#lobby"), Keep(lines=100_000))
        self.assertEqual(retention.of("#LOBBY"), Keep(lines=100_000))
        self.assertEqual(retention.of("#ops"), Keep())
        self.assertEqual(retention.of("#other"), Keep(seconds=90 * DAY))

    def test_nothing_said_is_for_good(self) -> None:
        self.assertEqual(parse_retention([]), Retention())
        self.assertEqual(Retention().of("#lobby"), Keep())

    def test_the_last_one_of_a_kind_holds(self) -> None:
        retention = parse_retention(["1d", "#a=1d", "2d", "#A=2d", "#b=3d"])
        self.assertEqual(retention.default, Keep(seconds=2 * DAY))
        self.assertEqual(retention.rooms, {"#a": Keep(seconds=2 * DAY), "#b": parse_keep("3d")})

    def test_an_inbox_is_kept_for_a_day_whatever_rooms_have(self) -> None:
        self.assertEqual(INBOX_KEEP, Keep(seconds=DAY))
        for values in ([], ["1m"], ["forever"]):
            self.assertEqual(parse_retention(values).of(inbox("17")), INBOX_KEEP)

    def test_a_wrong_one_is_named_with_what_would_do(self) -> None:
        for value in ("lobby=90d", "@17=90d", "=90d", "#=90d", "#lobby", "#lobby=", "#lobby=x"):
            with self.assertRaises(ValueError) as caught:
                parse_retention(["1d", value])
            self.assertIn(repr(value), str(caught.exception))
            self.assertRegex(str(caught.exception), "90d")
