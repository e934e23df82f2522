"""Masks: patterns for names, and for people as nick!user@host (RFC 2812 section 2.5).

``*`` is any text, ``?`` one character; nothing else is special, also no backslash: nicknames of
other servers have those. Matching takes the product of both lengths at most.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

MAX_MASK: Final = 256
"""The longest mask that can match anything, in characters."""


class Mask(NamedTuple):
    """A mask for people; each part may have wildcards."""

    nick: str = "*"
    user: str = "*"
    host: str = "*"

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.nick}!{self.user}@{self.host}"


def read_mask(text: str) -> Mask:
    """Return the mask that somebody means: ``ada``, ``*@host``, ``ada!user`` or all of it.

    A name alone is a nickname, with a dot or colon in it a host, as with other servers.
    """
    nick, bang, rest = text.partition("!")
    if bang:
        user, _, host = rest.rpartition("@") if "@" in rest else (rest, "", "")
    elif "@" in text:
        nick = ""
        user, _, host = text.rpartition("@")
    elif "." in text or ":" in text:
        nick, user, host = "", "", text
    else:
        user = host = ""
    return Mask(nick or "*", user or "*", host or "*")


def matches(mask: str, name: str) -> bool:
    """Tell whether a name is what a mask means, both taken as they are: fold them for no case."""
    return len(mask) <= MAX_MASK and _pattern(mask).fullmatch(name) is not None


def is_mask(text: str) -> bool:
    """Tell whether a text has wildcards."""
    return "*" in text or "?" in text


@lru_cache(maxsize=256)
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
