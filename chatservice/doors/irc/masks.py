"""Masks: patterns for names, and for people as nick!user@host (RFC 2812 section 2.5).

``*`` is any text, ``?`` one character; nothing else is special, also no backslash: nicknames of
other servers have those (see wildcards.py).
"""

from typing import NamedTuple

from chatservice.wildcards import MAX_MASK, is_mask, matches

__all__ = ["MAX_MASK", "Mask", "is_mask", "matches", "read_mask"]


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
