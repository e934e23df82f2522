"""What text may contain: threats 1 and 3, and that nothing else is lost."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice import text as text_module
from chatservice.text import REPLACEMENT, clean, decode
from tests.fakes import quick

UNSAFE: dict[str, list[int]] = {
    "C0 controls but TAB, and DEL": [*range(9), *range(0x0A, 0x20), 0x7F],
    "C1 controls": [*range(0x80, 0xA0)],
    "soft hyphen": [0xAD],
    "joiners and fillers": [0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0],
    "beams and slurs of music": [*range(0x1D173, 0x1D17B)],
    "direction marks": [0x061C, 0x200E, 0x200F],
    "direction embeddings and overrides": [*range(0x202A, 0x202F)],
    "direction isolates": [*range(0x2066, 0x206A)],
    "zero-width spaces": [0x180E, 0x200B],
    "line and paragraph separators": [0x2028, 0x2029],
    "word joiner and invisible operators": [*range(0x2060, 0x2066)],
    "deprecated format characters": [*range(0x206A, 0x2070)],
    "byte order mark": [0xFEFF],
    "interlinear marks": [*range(0xFFF9, 0xFFFC)],
    "lone surrogates": [0xD800, 0xDBFF, 0xDC00, 0xDFFF],
    "tags": [*range(0xE0000, 0xE0080)],
}
UNSAFE_CHARS = frozenset(chr(code) for codes in UNSAFE.values() for code in codes)

anything = st.text(
    st.one_of(st.characters(codec=None), st.sampled_from(sorted(UNSAFE_CHARS)), st.just("a")),
    max_size=60,
)


class UnsafeCharacters(SynchronousTestCase):
    """What would drive a terminal or make a line read differently from what it is."""

    def test_each_becomes_one_visible_replacement(self) -> None:
        for name, codes in UNSAFE.items():
            for code in codes:
                self.assertEqual(clean(f"a{chr(code)}b"), "a\ufffdb", f"{name}: U+{code:04X}")

    def test_all_controls_of_unicode_are_among_them(self) -> None:
        controls = {
            chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cc"
        }
        kept = {char for char in controls if clean(char) == char}
        self.assertEqual(kept, {"\t"})

    def test_no_direction_formatting_of_unicode_is_missing(self) -> None:
        formatting = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
        kept = [
            f"U+{code:04X}"
            for code in range(0x110000)
            if unicodedata.bidirectional(chr(code)) in formatting and clean(chr(code)) == chr(code)
        ]
        self.assertEqual(kept, [])

    def test_an_escape_sequence_does_not_reach_a_terminal(self) -> None:
        self.assertEqual(clean("\x1b]0;owned\x07\x1b[2J"), "\ufffd]0;owned\ufffd\ufffd[2J")

    def test_a_line_cannot_be_broken_in_two(self) -> None:
        self.assertEqual(
            len(clean("a\rb\nc\u2028d\u2029e\x85f\x0bg\x0ch\x1ci\x1dj\x1ek").splitlines()), 1
        )

    @quick
    @given(anything)
    def test_none_is_ever_left(self, text: str) -> None:
        self.assertEqual(UNSAFE_CHARS.intersection(clean(text)), set())

    @quick
    @given(anything)
    def test_nothing_else_is_touched(self, text: str) -> None:
        expected = "".join(
            REPLACEMENT if char in UNSAFE_CHARS or _lone(char) else char for char in text
        )
        self.assertEqual(clean(text), expected)


class HarmlessCharacters(SynchronousTestCase):
    """What people write must come out as it went in."""

    def test_tab_is_kept(self) -> None:
        self.assertEqual(clean("a\tb"), "a\tb")

    def test_joiners_are_kept_for_persian_and_emoji(self) -> None:
        for text in ("می\u200cخواهم", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "क्\u200dष"):
            self.assertEqual(clean(text), text)

    def test_emoji_of_every_make_are_kept(self) -> None:
        for text in ("\U0001f44d\U0001f3fd", "❤\ufe0f", "1\ufe0f\u20e3", "\U0001f1e9\U0001f1ea"):
            self.assertEqual(clean(text), text)

    def test_all_scripts_are_kept(self) -> None:
        for text in ("grüß dich", "привет", "שלום", "مرحبا", "日本語", "नमस्ते", "한국어", "ไทย"):
            self.assertEqual(clean(text), text)

    def test_no_break_spaces_and_punctuation_are_kept(self) -> None:
        for text in ("a\xa0b", "«a»", "a\u2009b", "…", "\u3000"):
            self.assertEqual(clean(text), text)


class Cleaning(SynchronousTestCase):
    """The filter as a function."""

    @quick
    @given(anything)
    def test_cleaning_twice_is_cleaning_once(self, text: str) -> None:
        self.assertEqual(clean(clean(text)), clean(text))

    @quick
    @given(st.text(st.characters(max_codepoint=0x9F), max_size=60))
    def test_the_fast_path_for_ascii_gives_what_the_slow_one_gives(self, text: str) -> None:
        slow = text_module._UNSAFE.sub(REPLACEMENT, text)
        self.assertEqual(clean(text), slow)

    @quick
    @given(anything)
    def test_the_length_stays_the_same(self, text: str) -> None:
        self.assertEqual(len(clean(text)), len(text))


class Decoding(SynchronousTestCase):
    """Bytes from a wire, which need not be UTF-8."""

    @quick
    @given(st.binary(max_size=200))
    def test_any_bytes_become_clean_text_that_can_be_encoded_again(self, line: bytes) -> None:
        text = decode(line)
        self.assertEqual(text, clean(text))
        self.assertEqual(text.encode().decode(), text)

    @quick
    @given(anything)
    def test_utf8_is_understood(self, text: str) -> None:
        text = clean(text)
        self.assertEqual(decode(text.encode()), text)

    def test_each_single_byte_gives_no_control(self) -> None:
        for byte in range(256):
            text = decode(bytes([byte]))
            self.assertTrue(text.isprintable() or text == "\t", f"byte {byte:02X} gave {text!r}")

    def test_what_is_not_utf8_is_shown_as_such(self) -> None:
        for line in (b"caf\xe9", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
            self.assertIn(REPLACEMENT, decode(line))
            self.assertNotIn("\x00", decode(line))

    def test_a_character_cut_in_two_does_not_swallow_its_neighbour(self) -> None:
        self.assertEqual(decode(b"\xe2\x82a"), "\ufffda")


def _lone(char: str) -> bool:
    return "\ud800" <= char <= "\udfff"
