"""What IRC clients can say: the table of verbs, from the modules of their subjects."""

from typing import Final

from chatservice.doors.irc.commands import (
    accounts,
    channels,
    coming,
    markers,
    server,
    talking,
    typed,
)
from chatservice.doors.irc.commands.row import Row

__all__ = ["VERBS", "Row", "find"]

ROWS: Final = (
    *coming.ROWS,
    *accounts.ROWS,
    *talking.ROWS,
    *channels.ROWS,
    *server.ROWS,
    *markers.ROWS,
)

VERBS: Final = {row.verb: row for row in ROWS}
"""Every verb."""


def find(verb: str) -> Row:
    """Return the row of a verb; one for what people can type, if there is none."""
    return VERBS.get(verb, typed.ROW)
