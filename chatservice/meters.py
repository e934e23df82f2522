"""What is counted while the chat runs: numbers that the core and the doors add to, cheaply.

Knows no format and nobody who reads it; what can be counted when asked is not in here. Every label
is one of a few that are fixed: nothing that people choose (rooms, nicknames, addresses) is one.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

from chatservice.errors import Code
from chatservice.events import Event, Kind
from chatservice.names import is_inbox

BUCKETS: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
"""Upper bounds of how long a commit takes, in seconds; the disk counts as stuck after five."""

ACCEPTED: Final = "accepted"
"""What becomes of a login that is not refused."""

FOREIGN: Final = "foreign"
"""Why a connection was cut off that speaks another protocol."""

ORIGIN: Final = "origin"
"""Why a browser's connection was not let in: the page is somebody else's."""


class Histogram:
    """How many of some times were how long.

    :ivar counts: by bucket of BUCKETS, and one more for what was longer.
    :ivar total: of all times, in seconds.
    """

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count a time."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class Meters:
    """The numbers of one chat; they only grow, but for `connections` and `stored`.

    :ivar events: what was committed, by the kind's label; a private line once.
    :ivar deliveries: events given to members, summed up over these.
    :ivar commits: how long kept entries took from being appended to being committed.
    :ivar refused: what people were refused, by Code.
    :ivar turned_away: connections that were not let in, by Code, FOREIGN or ORIGIN.
    :ivar logins: what became of passwords, ACCEPTED or by Code.
    :ivar connections: that stand, by door.
    :ivar accepted: connections there were, by door.
    :ivar stored: the history on disk, in bytes; None without a disk, or not known yet.
    """

    __slots__ = (
        "accepted",
        "commits",
        "connections",
        "deliveries",
        "events",
        "logins",
        "refused",
        "stored",
        "turned_away",
    )

    def __init__(self) -> None:
        self.events = {kind.label: 0 for kind in Kind}
        self.deliveries = 0
        self.commits = Histogram()
        self.refused: Counter[str] = Counter()
        self.turned_away: Counter[str] = Counter()
        self.logins: Counter[str] = Counter()
        self.connections: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.stored: int | None = None

    def committed(self, events: Sequence[Event]) -> None:
        """Count what was committed; of a private line, which is in two inboxes, the speaker's."""
        counted = self.events
        for event in events:
            if not is_inbox(event.room) or event.by == event.room:
                counted[event.kind.label] += 1

    def refuse(self, code: str) -> None:
        """Count that somebody was refused something."""
        self.refused[Code(code)] += 1

    def turn_away(self, reason: str) -> None:
        """Count a connection that was not let in."""
        self.turned_away[reason] += 1

    def log_in(self, result: str) -> None:
        """Count a password that was looked at, or refused unseen."""
        self.logins[result] += 1

    def opened(self, door: str) -> None:
        """Count a new connection at a door."""
        self.connections[door] += 1
        self.accepted[door] += 1

    def closed(self, door: str) -> None:
        """Count a connection's end."""
        self.connections[door] -= 1
