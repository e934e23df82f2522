"""What text may contain on its way in and out: one filter for every door, topic, reason and line.

Control characters drive other people's terminals, direction marks and invisible characters make a
line read differently from what it is; each is replaced by U+FFFD, so that a reader sees that
something was there.
"""

import re
from typing import Final

MAX_LINE: Final = 1024
"""The longest line a person may send, in bytes of UTF-8 without the line's end."""

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

# Zero-width joiner and non-joiner (U+200C, U+200D) stay: emoji and Persian need them.
_UNSAFE: Final = re.compile(
    "["
    "\x00-\x08\x0a-\x1f\x7f-\x9f"  # C0 but TAB, DEL, C1
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # soft hyphen, joiners and fillers
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks, embeddings, isolates
    "\u180e\u200b"  # zero-width spaces
    "\u2028\u2029"  # line and paragraph separators: many programs split lines there
    "\u2060-\u2065\u206a-\u206f"  # word joiner, invisible operators, deprecated formats
    "\ufeff\ufff9-\ufffb"  # byte order mark, interlinear marks
    "\ud800-\udfff"  # lone surrogates, which no encoding can carry
    "\U0001d173-\U0001d17a"  # beams and slurs of music
    "\U000e0000-\U000e007f"  # tags
    "]"
)


def clean(text: str) -> str:
    """Return one line of text with everything unsafe replaced by U+FFFD.

    :param text: any string; a line feed in it is unsafe, too.
    """
    if text.isascii() and text.isprintable():  # nearly every line, at a tenth of the cost
        return text
    return _UNSAFE.sub(REPLACEMENT, text)


def decode(line: bytes) -> str:
    """Return a line from a wire as clean text; what is not UTF-8 becomes U+FFFD."""
    return clean(line.decode("utf-8", "replace"))
