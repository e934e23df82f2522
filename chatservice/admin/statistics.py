"""What there is in the history, in numbers."""

import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chatservice.admin.opening import opened
from chatservice.admin.progress import Progress, watched
from chatservice.admin.upkeep import sizes
from chatservice.names import fold


@dataclass(frozen=True, slots=True)
class RoomStats:
    """One room.

    :ivar lines: how many are kept.
    :ivar size: their bytes, without what the database adds.
    :ivar first: the time of the oldest, seconds since 1970; None without any.
    :ivar last: the time of the newest.
    :ivar head: the number given last.
    """

    room: str
    lines: int
    size: int
    first: float | None
    last: float | None
    head: int


@dataclass(frozen=True, slots=True)
class Stats:
    """Everything; sizes in bytes.

    :ivar lines: in rooms and inboxes.
    :ivar people: how many nicknames said something in a room.
    :ivar inboxes: how many there are.
    :ivar private: how many lines are in them.
    :ivar tickets: how many people can come back, or are connected with a ticket.
    :ivar connected: how many of those are connected, as far as the database knows.
    :ivar records: how many there are of each kind: accounts, rooms and so on.
    :ivar unindexed: how many lines /search does not know yet.
    :ivar database: the size of the file.
    :ivar wal: the size of the file beside it.
    :ivar free: how much of the database is unused.
    """

    lines: int
    rooms: list[RoomStats]
    people: int
    inboxes: int
    private: int
    tickets: int
    connected: int
    records: dict[str, int]
    unindexed: int
    database: int
    wal: int
    free: int

    def as_json(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        return asdict(self)


def stats(directory: Path) -> Stats:
    """Count everything, in one snapshot.

    :raises Refused: if the database cannot be used.
    """
    with (
        opened(directory, writing=False) as db,
        Progress("counting") as progress,
        watched(db, progress),
    ):
        db.execute("BEGIN")
        file, wal = sizes(directory)
        rooms = sorted(_rooms(db), key=lambda room: room.room)
        private = _number(
            db,
            "SELECT count(*) FROM events WHERE room IN (SELECT id FROM rooms WHERE name LIKE '@%')",
        )
        return Stats(
            lines=sum(room.lines for room in rooms) + private,
            rooms=rooms,
            people=_people(db),
            inboxes=_number(db, "SELECT count(*) FROM rooms WHERE name LIKE '@%'"),
            private=private,
            tickets=_number(db, "SELECT count(*) FROM tickets"),
            connected=_number(db, "SELECT count(*) FROM tickets WHERE read IS NULL"),
            records=dict(
                db.execute(
                    "SELECT kind, count(*) FROM records WHERE value IS NOT NULL GROUP BY kind"
                )
            ),
            unindexed=_number(
                db,
                "SELECT count(*) FROM events"
                " WHERE id > (SELECT value FROM meta WHERE name = 'indexed')",
            ),
            database=file,
            wal=wal,
            free=_number(db, "PRAGMA freelist_count") * _number(db, "PRAGMA page_size"),
        )


def _rooms(db: sqlite3.Connection) -> Iterator[RoomStats]:
    found = db.execute(
        "SELECT name, count(e.id),"
        " ifnull(sum(length(CAST(text AS BLOB)) + length(CAST(nick AS BLOB))), 0),"
        " min(at), max(at), max(floor, ifnull(max(seq), 0))"
        " FROM rooms LEFT JOIN events e ON e.room = rooms.id"
        " WHERE name NOT LIKE '@%' GROUP BY rooms.id"
    )
    for row in found:
        yield RoomStats(*row)


def _people(db: sqlite3.Connection) -> int:
    found = db.execute(
        "SELECT DISTINCT nick FROM events"
        " WHERE room IN (SELECT id FROM rooms WHERE name NOT LIKE '@%')"
    )
    return len({fold(nick) for (nick,) in found})


def _number(db: sqlite3.Connection, query: str) -> int:
    return int(db.execute(query).fetchone()[0])


def describe(found: Stats) -> str:
    """Return it as people read it."""
    return "\n".join(
        [
            f"{counted(found.lines, 'line')} by {counted(found.people, 'nickname')}"
            f" in {counted(len(found.rooms), 'room')}",
            *_table(found.rooms),
            f"{counted(found.inboxes, 'inbox', 'inboxes')}"
            f" with {counted(found.private, 'private line')}",
            f"{counted(found.tickets, 'ticket')} to come back with,"
            f" {found.connected:,} of people who are connected",
            *(
                f"{counted(count, 'record')} of the kind {kind!r}"
                for kind, count in found.records.items()
            ),
            f"{counted(found.unindexed, 'line')} not in the index yet",
            f"{human(found.database)} on disk and {human(found.wal)} beside it (WAL);"
            f" {human(found.free)} of it free for vacuum to give back",
        ]
    )


def _table(rooms: list[RoomStats]) -> Iterator[str]:
    width = max((len(room.room) for room in rooms), default=0)
    for room in rooms:
        yield (
            f"  {room.room:{width}}  {room.lines:>12,}  {human(room.size):>9}"
            f"  {_day(room.first)} to {_day(room.last)} UTC"
        )


def _day(at: float | None) -> str:
    return "never" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


def human(size: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number of things, the word as it fits."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
