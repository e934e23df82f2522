"""Formatting is taken off, CTCP is told from text."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.formatting import ACTED, ctcp, strip, write_ctcp

CODES = "\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f"


class StripTest(SynchronousTestCase):
    """What is left of a text."""

    def test_texts(self) -> None:
        """Colours go with their numbers, and no further."""
        for text, left in (
            ("plain", "plain"),
            ("\x02bold\x02 and \x1ditalics\x0f", "bold and italics"),
            ("\x1fa\x1eb\x11c\x16d", "abcd"),
            ("\x033green\x03", "green"),
            ("\x0304,12hot\x03 tea", "hot tea"),
            ("\x03041 tea", "1 tea"),
            ("\x033,tea", ",tea"),
            ("\x03,4tea", ",4tea"),
            ("\x03٣tea", "٣tea"),
            ("\x04FF00ffpink\x04", "pink"),
            ("\x04ff0000,00ff00xmas", "xmas"),
            ("\x04ff00tea", "ff00tea"),
            ("\x07bell", "\x07bell"),
        ):
            self.assertEqual(strip(text), left, repr(text))

    @given(st.text() | st.text(st.sampled_from(CODES + "0123,afz ")))
    def test_any_text(self, text: str) -> None:
        """No code is left, and nothing else is lost but numbers of colours."""
        left = strip(text)
        self.assertFalse(set(left) & set(CODES))
        keep = str.maketrans("", "", CODES + "0123456789,abcdefABCDEF")
        self.assertEqual(left.translate(keep), text.translate(keep))


class CtcpTest(SynchronousTestCase):
    """Messages to programs."""

    def test_texts(self) -> None:
        """The command is told from the argument, with the last mark or without."""
        for text, meant in (
            ("hello", None),
            ("", None),
            ("\x01", None),
            ("\x01\x01", None),
            ("\x01 waves\x01", None),
            ("a \x01ACTION waves\x01", None),
            ("\x01ACTION waves\x01", ("ACTION", "waves")),
            ("\x01ACTION waves", ("ACTION", "waves")),
            ("\x01action  waves \x01", ("ACTION", " waves ")),
            ("\x01VERSION\x01", ("VERSION", "")),
            ("\x01PING 12 34\x01", ("PING", "12 34")),
        ):
            self.assertEqual(ctcp(text), meant, repr(text))

    def test_writing(self) -> None:
        """No argument ends its message early."""
        self.assertEqual("waves".join(ACTED), "\x01ACTION waves\x01")
        self.assertEqual(write_ctcp("ACTION", "wa\x01ves"), "\x01ACTION waves\x01")
        self.assertEqual(write_ctcp("VERSION"), "\x01VERSION\x01")

    @given(st.text(st.characters(exclude_characters="\x01"), min_size=1))
    def test_round_trip(self, text: str) -> None:
        """What is done is read as it was written."""
        self.assertEqual(ctcp(write_ctcp("ACTION", text)), ("ACTION", text))
        self.assertEqual(ctcp(text.join(ACTED)), ("ACTION", text))
