"""How long lines are kept, in each room: for a time, up to a number, or for good.

This is the rule alone; what it says is done by the store that keeps the lines.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from chatservice.durations import DAY, parse_duration
from chatservice.names import fold, is_inbox, is_room

MAX_LINES: Final = 10**12
"""The largest number of lines that can be asked for; whoever wants more wants ``forever``."""

_SHORTEST: Final = 60.0  # seconds
_UNITS: Final = (("day", DAY), ("hour", 3600.0), ("minute", 60.0), ("second", 1.0))
_FORMS: Final = "use for example 90d, 12h, 30m, 2w, 100000 (lines) or forever"


@dataclass(frozen=True, slots=True)
class Keep:
    """How long the lines of one room are kept; with neither limit for good.

    :ivar seconds: how old a line may become, in seconds.
    :ivar lines: how many lines there may be, the newest ones.
    """

    seconds: float | None = None
    lines: int | None = None

    @property
    def words(self) -> str:
        """The same for people: what stands behind "kept"."""
        parts = []
        if self.seconds is not None:
            # The largest unit in which it is a whole number: 36 hours are not 1.5 days.
            name, unit = next((u for u in _UNITS if self.seconds % u[1] == 0), _UNITS[-1])
            count = round(self.seconds / unit)
            parts.append(f"for {count:,} {name}{'' if count == 1 else 's'}")
        if self.lines is not None:
            parts.append(
                "the newest line" if self.lines == 1 else f"the newest {self.lines:,} lines"
            )
        return ", at most ".join(parts) or "for good"


INBOX_KEEP: Final = Keep(seconds=DAY)
"""For inboxes of guests, whatever the rooms have: such an inbox belongs to one connection and can
be read again only with its resume token, which is good for a day."""


@dataclass(frozen=True)
class Retention:
    """How long lines are kept everywhere.

    :ivar default: for rooms that have nothing of their own.
    :ivar rooms: for rooms by their names, folded (see names.fold).
    :ivar inboxes: those of accounts, which are kept like rooms.
    """

    default: Keep = Keep()
    rooms: Mapping[str, Keep] = field(default_factory=dict)
    inboxes: Container[str] = ()

    def of(self, room: str) -> Keep:
        """Return what holds for a room, its name in any case, or for an inbox."""
        if is_inbox(room):
            return self.default if room in self.inboxes else INBOX_KEEP
        if not is_room(room):  # who did what to whom is kept for good
            return Keep()
        return self.rooms.get(fold(room), self.default)


def parse_keep(text: str) -> Keep:
    """Return what somebody wrote: a duration (90d), a number of lines (100000) or ``forever``.

    :raises ValueError: if it is none of these, below a minute or one line, or absurdly large.
    """
    text = text.strip().lower()
    if text == "forever":
        return Keep()
    if text.isascii() and text.isdecimal():
        # By length first: Python refuses to read numbers of thousands of digits.
        if len(text) > 100 or not 1 <= int(text) <= MAX_LINES:
            raise ValueError(f"keep between 1 and {MAX_LINES:,} lines, or forever")
        return Keep(lines=int(text))
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ValueError(f"{error}; {_FORMS}") from None
    if seconds < _SHORTEST:
        raise ValueError(f"keep lines for a minute at least; {_FORMS}")
    return Keep(seconds=seconds)


def parse_retention(values: Sequence[str]) -> Retention:
    """Return what a list of options says; the last one for a room, or for the default, holds.

    :param values: each ``SPEC``, the default, or ``#room=SPEC``; a SPEC is what parse_keep takes.
    :raises ValueError: with the value that is wrong, and what would do.
    """
    default, rooms = Keep(), {}
    for value in values:
        room, equals, spec = value.rpartition("=")
        room = room.strip()
        if equals and not (room.startswith("#") and len(room) > 1):
            raise ValueError(f"{value!r}: a room's name starts with #, for example #lobby=90d")
        if not equals and value.strip().startswith("#"):
            raise ValueError(f"{value!r}: say how long, for example #lobby=90d")
        try:
            keep = parse_keep(spec)
        except ValueError as error:
            raise ValueError(f"{value!r}: {error}") from None
        if equals:
            rooms[fold(room)] = keep
        else:
            default = keep
    return Retention(default, rooms)
