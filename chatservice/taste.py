"""What one person chooses to see of what others say and do, and what rings a bell for it.

Rules only: what happens is the same for everybody, this says which of it is shown to one. It goes
by identities (Event.by), since nicknames change hands.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from chatservice.events import SPEAKING, WHISPERING, Event, Kind
from chatservice.names import PUNCTUATION, fold

_COMING_AND_GOING: Final = frozenset(
    {Kind.JOINED, Kind.LEFT, Kind.RENAMED, Kind.AWAY, Kind.ACCOUNT, Kind.DESCRIBED}
)
_SPEAKING: Final = frozenset(SPEAKING)
_WHISPERING: Final = frozenset(WHISPERING)
_RINGING: Final = _SPEAKING | _WHISPERING
_IN_ROOMS: Final = _SPEAKING | _COMING_AND_GOING | {Kind.TAGGED}
_IGNORED: Final = _IN_ROOMS | _WHISPERING | {Kind.NUDGED, Kind.TOPIC, Kind.INVITED}
"""All by which somebody can be a nuisance; who is kicked or given a role, everybody has to know."""

_ASCII_WORD: Final = re.compile(f"[a-z0-9{re.escape(''.join(sorted(PUNCTUATION)))}]+")


class Bell(StrEnum):
    """At what a bell rings."""

    OFF = "off"
    MENTIONS = "mentions"  # one's own name, and what is said to one alone
    ALL = "all"  # whatever others say


@dataclass(frozen=True, slots=True)
class Taste:
    """What one person chooses to see.

    One's own lines and answers are always shown. What is kept from view is so wherever it would
    appear: live, in catching up and in the past; but for the focus, which is on the present.

    :ivar me: one's own identity.
    :ivar names: by which one is mentioned, folded (names.fold).
    :ivar ignored: identities of whom nothing is shown, be it said in a room or in private.
    :ivar focus: identities; only what these say is shown in rooms. None for everybody.
    :ivar quiet: whether coming, going and renaming are not shown.
    :ivar bell: at what a bell rings.
    """

    me: str = ""
    names: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    focus: frozenset[str] | None = None
    quiet: bool = False
    bell: Bell = Bell.OFF

    def hides(self, event: Event) -> bool:
        """Tell whether an event is kept from view."""
        if self._own(event):
            return False
        kind = event.kind
        if event.by in self.ignored:
            return kind in _IGNORED
        if self.quiet and kind in _COMING_AND_GOING:
            return True
        return (
            self.focus is not None
            and kind in _IN_ROOMS
            and not event.past
            and event.by not in self.focus
        )

    def rings(self, event: Event) -> bool:
        """Tell whether a bell rings at an event; never at what is hidden, one's own, or past."""
        if self.bell is Bell.OFF or event.past or event.kind not in _RINGING or self._own(event):
            return False
        return (
            self.bell is Bell.ALL
            or event.kind in _WHISPERING
            or not self.names.isdisjoint(words(event.text))
        ) and not self.hides(event)

    def concerns(self, event: Event) -> bool:
        """Tell whether an event is shown otherwise than to everybody."""
        return self.hides(event) or self.rings(event)

    def _own(self, event: Event) -> bool:
        return event.by != "" and event.by == self.me


@lru_cache(maxsize=128)  # all who have a bell ask about the same line
def words(text: str) -> frozenset[str]:
    """Return the words of a line that might be nicknames, folded.

    It is cut at whatever a nickname cannot contain (names.check_nick).
    """
    if text.isascii():  # nearly every line
        return frozenset(_ASCII_WORD.findall(text.lower()))
    return frozenset("".join(c if _may_be_in_nick(c) else " " for c in fold(text)).split(" "))


def _may_be_in_nick(char: str) -> bool:
    return char in PUNCTUATION or unicodedata.category(char)[0] in "LM" or char.isdecimal()
