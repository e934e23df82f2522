"""Coming back: tokens, and what their owners have read.

A ticket is what the server knows of somebody who asked for a token; the token itself is known to
its owner alone. Whoever answers ``nick TOKEN`` at the question for a nickname is that person again
and gets exactly what it missed.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chatservice.names import MAX_NICK_BYTES
from chatservice.text import MAX_LINE

GOOD_FOR: Final = 86400.0
"""Seconds that a ticket is good for after its owner left."""

OWN: Final = "@"
"""What one's own inbox is called towards its owner."""

_BEFORE: Final = MAX_NICK_BYTES + 1 + 23  # bytes of a nickname and a token, which stand before

_TOKEN: Final = re.compile(r"~[A-Za-z0-9_-]{22}")
_POSITION: Final = re.compile(r"(@|#\S{1,100}):([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the server knows of somebody who may come back.

    :ivar key: the token's digest.
    :ivar nick: the nickname worn last.
    :ivar inbox: the person's inbox, which is also its identity (Event.by).
    :ivar since: when it first came, seconds since 1970.
    :ivar at: when this was written.
    :ivar rooms: the rooms it is in, the current one last.
    :ivar read: for each room and the inbox, the number of the last event that it was given; None
        while it is connected.
    """

    key: str
    nick: str
    inbox: str
    since: float
    at: float
    rooms: tuple[str, ...]
    read: Mapping[str, int] | None = None


@dataclass(slots=True)
class Place:
    """What is known of one person beyond its connection.

    :ivar inbox: its inbox and identity.
    :ivar since: when it first came, seconds since 1970.
    :ivar token: the token with which it may come back; "" if none was asked for.
    :ivar rooms: the names of the rooms it is in, or was in when it was lost, in the order in which
        it joined or switched to them; a dict serves as an ordered set.
    :ivar read: how far it had read then, of each room and the inbox, as far as that is known.
    :ivar left: when it is known to have been there last, seconds since 1970.
    """

    inbox: str
    since: float
    token: str = ""
    rooms: dict[str, None] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    left: float = 0.0

    @property
    def current(self) -> str:
        """The room to which it switched last; "" if it is in none."""
        return next(reversed(self.rooms), "")


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody answers who comes back.

    :ivar token: as it was given out.
    :ivar read: what it says that it has read, room (OWN: the inbox) to number.
    """

    nick: str
    token: str
    read: Mapping[str, int]


def new_token() -> str:
    """Return a token that nobody can guess."""
    return "~" + secrets.token_urlsafe(16)


def is_token(text: str) -> bool:
    """Tell whether something looks as new_token makes them."""
    return _TOKEN.fullmatch(text) is not None


def digest(token: str) -> str:
    """Return the key under which the server knows a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def parse_offer(text: str) -> Offer | None:
    """Read ``nick TOKEN [#room:17 ...] [@:3]``; None if the text is nothing of the kind.

    What begins as a token does is one, good or not.
    """
    nick, *rest = text.split() or [""]
    if not rest or not rest[0].startswith("~"):
        return None
    found = [_POSITION.fullmatch(word) for word in rest[1:]]
    return Offer(nick, rest[0], {f[1]: int(f[2]) for f in found if f is not None})


def describe(read: Mapping[str, int], inbox: str) -> str:
    """Return positions as their owner may give them back: ``#lobby:17 @:3``.

    What does not fit into a line is left out, from the front: the server knows it, too.
    """
    words: list[str] = []
    room_for = MAX_LINE - _BEFORE
    for room, seq in reversed(list(read.items())):
        word = f"{OWN if room == inbox else room}:{seq}"
        room_for -= len(word.encode()) + 1
        if room_for < 0:
            break
        words.append(word)
    return " ".join(reversed(words))
