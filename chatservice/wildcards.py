"""Patterns for names: ``*`` is any text, ``?`` one character; nothing else is special.

Matching takes the product of both lengths at most.
"""

import re
from functools import lru_cache
from typing import Final

MAX_MASK: Final = 256
"""The longest mask that can match anything, in characters."""


def matches(mask: str, name: str) -> bool:
    """Tell whether a name is what a mask means, both taken as they are: fold them for no case."""
    return len(mask) <= MAX_MASK and _pattern(mask).fullmatch(name) is not None


def is_mask(text: str) -> bool:
    """Tell whether a text has wildcards."""
    return "*" in text or "?" in text


@lru_cache(maxsize=1024)
def _pattern(mask: str) -> re.Pattern[str]:
    """Return a mask as a regular expression that never goes back over what it has found.

    The first place at which a piece between two stars is found is as good as any other, so the
    groups that look for it are atomic.
    """
    first, *between = (
        "".join("." if char == "?" else re.escape(char) for char in piece)
        for piece in re.split(r"\*+", mask)
    )
    if not between:
        return re.compile(first, re.DOTALL)
    *between, last = between
    found = "".join(f"(?>.*?{piece})" for piece in between)
    return re.compile(f"{first}{found}.*{last}", re.DOTALL)
