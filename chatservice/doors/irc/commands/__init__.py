"""What IRC clients can say: the table of verbs, from the modules of their subjects."""

from typing import Final

from chatservice.doors.irc.commands import (
    accounts,
    channels,
    coming,
    helping,
    history,
    listing,
    markers,
    modes,
    monitor,
    oneself,
    people,
    server,
    talking,
    typed,
    who,
)
from chatservice.doors.irc.commands.row import Row

__all__ = ["VERBS", "Row", "find"]

_ROWS: Final = (
    *coming.ROWS,
    *accounts.ROWS,
    *talking.ROWS,
    *channels.ROWS,
    *listing.ROWS,
    *modes.ROWS,
    *who.ROWS,
    *people.ROWS,
    *oneself.ROWS,
    *monitor.ROWS,
    *server.ROWS,
    *markers.ROWS,
    *history.ROWS,
)

ROWS: Final = (*_ROWS, *helping.rows(_ROWS))

VERBS: Final = {row.verb: row for row in ROWS}
"""Every verb."""


def find(verb: str) -> Row:
    """Return the row of a verb; one for what people can type, if there is none."""
    return VERBS.get(verb, typed.ROW)
