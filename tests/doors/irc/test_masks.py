"""Masks match what they should, in little time."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.masks import MAX_MASK, Mask, is_mask, matches, read_mask

LETTERS = st.text("ab\n.[", max_size=8)


def by_hand(mask: str, name: str) -> bool:
    """Tell whether a mask matches, by trying everything: slow, and plainly right."""
    if not mask:
        return not name
    if mask[0] == "*":
        return any(by_hand(mask[1:], name[at:]) for at in range(len(name) + 1))
    return bool(name) and mask[0] in (name[0], "?") and by_hand(mask[1:], name[1:])


class MatchTest(SynchronousTestCase):
    """Which names a mask matches."""

    def test_masks(self) -> None:
        """The table says."""
        for mask, yes, no in (
            ("ada", ["ada"], ["Ada", "adam", "", "bada"]),
            ("*", ["ada", ""], []),
            ("ad?", ["ada", "ad?"], ["ad", "adam"]),
            ("a*a", ["ada", "aa", "abracadabra"], ["a", "adam"]),
            ("*@*.example", ["ada!x@y.example"], ["ada!x@y.example.org", "ada.example"]),
            ("ada[x]!*@*", ["ada[x]!u@h"], ["adax!u@h"]),
            (r"a\*", [r"a\b", "a\\"], ["a*"]),
            ("*a*b*c*", ["abc", "xaxbxcx"], ["acb"]),
        ):
            for name in yes:
                self.assertTrue(matches(mask, name), (mask, name))
            for name in no:
                self.assertFalse(matches(mask, name), (mask, name))

    @given(st.text("ab*?.\n[", max_size=8), LETTERS)
    def test_any_mask(self, mask: str, name: str) -> None:
        """As by trying everything."""
        self.assertEqual(matches(mask, name), by_hand(mask, name))

    def test_cost(self) -> None:
        """A mask made to be slow is not, and one that is too long matches nothing."""
        name = "a" * 1000
        self.assertFalse(matches("*a" * (MAX_MASK // 2 - 1) + "*b", name))
        self.assertFalse(matches("*a?" * (MAX_MASK // 3 - 1) + "*b", name))
        self.assertTrue(matches("*" * MAX_MASK, name))
        self.assertFalse(matches("*" * (MAX_MASK + 1), name))


class ReadMaskTest(SynchronousTestCase):
    """What somebody means by part of a mask."""

    def test_texts(self) -> None:
        """What is left out is anything."""
        for text, meant in (
            ("ada", "ada!*@*"),
            ("ada!", "ada!*@*"),
            ("ada!u", "ada!u@*"),
            ("ada!u@h", "ada!u@h"),
            ("u@h", "*!u@h"),
            ("*@h", "*!*@h"),
            ("@h", "*!*@h"),
            ("!u@", "*!u@*"),
            ("", "*!*@*"),
            ("192.0.2.1", "*!*@192.0.2.1"),
            ("2001:db8::1", "*!*@2001:db8::1"),
            ("a!b!c@d@e", "a!b!c@d@e"),
        ):
            self.assertEqual(str(read_mask(text)), meant)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """A mask that was written is read as the same."""
        mask = read_mask(text)
        self.assertEqual(read_mask(str(mask)), mask)
        self.assertIsInstance(mask, Mask)

    def test_wildcards(self) -> None:
        """A name has none."""
        self.assertTrue(is_mask("a*"))
        self.assertTrue(is_mask("a?"))
        self.assertFalse(is_mask("ada"))
