"""What is asked of the database, statement by statement; on whatever connection and thread.

Every function raises sqlite3.Error if the database does. Those that write do it within the
caller's transaction and in small steps, so that nobody waits for long.
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain, takewhile
from typing import Final

from chatservice.events import Event, Kind
from chatservice.interfaces import Hit
from chatservice.names import is_inbox
from chatservice.retention import Keep
from chatservice.search import Query
from chatservice.store.words import STEP, entry, place, want_purge

_PROBE: Final = 64 << 10  # bytes

Connection = sqlite3.Connection
Row = tuple[int, int, int, float, str, str, str, str, str]

_ROW: Final = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
_AT_ONCE: Final = (64, 8, 1)  # few sizes, so that the statements stay prepared
_INSERT: Final = {
    count: f"INSERT INTO events VALUES {', '.join([_ROW] * count)}"  # noqa: S608  # only ?
    for count in _AT_ONCE
}
_KINDS: Final = {kind.label: kind for kind in Kind}
_OF_ROOM: Final = (
    "SELECT seq, at, kind, nick, text, recipient, author FROM events"
    " WHERE room = (SELECT id FROM rooms WHERE name = ?)"
)
_FOUND: Final = (
    "SELECT e.seq, e.at, e.kind, e.nick, e.text, e.recipient, e.author"
    " FROM words CROSS JOIN events e ON e.id = words.rowid"  # CROSS: the words come first
    " WHERE words MATCH ? AND words.rowid BETWEEN ? AND ? AND e.room = ? AND e.at >= ?"
    " AND e.seq < ?"
)
_LARGEST: Final = (1 << 63) - 1


def event_of(room: str, row: Sequence[object]) -> Event:
    """Return the event of a row of _OF_ROOM or _FOUND."""
    seq, at, kind, nick, text, to, by = row
    return Event(seq, at, room, _KINDS[kind], nick, text, to, by)  # type: ignore[arg-type,index]


# Rooms and numbers.


def rooms(db: Connection) -> dict[str, int]:
    """Return the ids of all rooms but inboxes, of which there are many."""
    found = db.execute("SELECT name, id FROM rooms WHERE name NOT LIKE '@%'")
    return dict(found.fetchall())


def room_id(db: Connection, room: str) -> int | None:
    """Return a room's id; None if nothing was ever kept of it."""
    found = db.execute("SELECT id FROM rooms WHERE name = ?", (room,)).fetchone()
    return None if found is None else int(found[0])


def start(db: Connection, room: str) -> int:
    """Return the number before a new room's first: inboxes go on above those that were dropped."""
    if not is_inbox(room):
        return 0
    return int(db.execute("SELECT value FROM meta WHERE name = 'dropped'").fetchone()[0])


def add_room(db: Connection, room: str) -> int:
    """Make a room; return its id."""
    new = (room, start(db, room))
    added = db.execute("INSERT INTO rooms (name, floor) VALUES (?, ?)", new)
    return int(added.lastrowid or 0)


def head(db: Connection, room: int) -> int:
    """Return the number of a room's newest event, still kept or not."""
    found = db.execute(
        "SELECT max(floor, ifnull((SELECT max(seq) FROM events WHERE room = rooms.id), 0))"
        " FROM rooms WHERE id = ?",
        (room,),
    )
    return int(found.fetchone()[0])


def head_of(db: Connection, name: str) -> int:
    """Return the number of a room's newest event, whether there is such a room or not."""
    found = room_id(db, name)
    return start(db, name) if found is None else head(db, found)


def next_id(db: Connection) -> int:
    """Return an id above all that were indexed or are in use."""
    found = db.execute(
        "SELECT max(ifnull((SELECT max(id) FROM events), 0), value) + 1"
        " FROM meta WHERE name = 'indexed'"
    )
    return int(found.fetchone()[0])


def unindexed(db: Connection) -> int:
    """Return how many events the index of words lacks, at most."""
    (indexed,) = db.execute("SELECT value FROM meta WHERE name = 'indexed'").fetchone()
    return next_id(db) - 1 - int(indexed)


def insert(db: Connection, rows: Sequence[Row]) -> None:
    """Add events.

    As many as possible with each statement: at every one the interpreter's lock changes hands,
    which costs more than the row if the reactor's thread is busy.
    """
    start = 0
    for count in _AT_ONCE:
        while len(rows) - start >= count:
            values = chain.from_iterable(rows[start : start + count])
            db.execute(_INSERT[count], tuple(values))
            start += count


# Reading.


def after(db: Connection, room: str, seq: int, limit: int) -> list[Event]:
    """Return the events that follow a number; see ILog."""
    found = db.execute(_OF_ROOM + " AND seq > ? ORDER BY seq LIMIT ?", (room, seq, limit))
    return [event_of(room, row) for row in found]


def before(db: Connection, room: str, seq: int, limit: int) -> list[Event]:
    """Return the events that precede a number; see ILog."""
    found = db.execute(_OF_ROOM + " AND seq < ? ORDER BY seq DESC LIMIT ?", (room, seq, limit))
    return [event_of(room, row) for row in found][::-1]


def first_since(db: Connection, room: str, at: float) -> int:
    """Return the number of the first event since a time; see ILog.

    Looks in halves: times grow with numbers but for jumps of the clock.
    """
    found = room_id(db, room)
    if found is None:
        return start(db, room) + 1
    query = "SELECT seq, at FROM events WHERE room = ? AND seq >= ? ORDER BY seq LIMIT 1"
    return _first(db, query, (found,), 1, head(db, found) + 1, at)


def mixed(db: Connection) -> int:
    """Return the id up to which ids are not in the order of time, because lines were imported.

    What has a higher id was said later than all of those, and has higher numbers.
    """
    found = db.execute("SELECT value FROM meta WHERE name = 'mixed'").fetchone()
    return 0 if found is None else int(found[0])


def mix(db: Connection, at: float, last: int) -> None:
    """Take note, before events are inserted, if their ids will not be in the order of time.

    :param at: the time of the first of them.
    :param last: the id of the last.
    """
    newest = db.execute("SELECT id, at FROM events ORDER BY id DESC LIMIT 1").fetchone()
    if newest is not None and (newest[1] > at or newest[0] <= mixed(db)):
        db.execute("INSERT OR REPLACE INTO meta VALUES ('mixed', ?)", (last,))


def _first_id(db: Connection, at: float) -> int:
    """Return an id below which there is no event since a time."""
    query = "SELECT id, at FROM events WHERE id >= ? LIMIT 1"
    border = mixed(db)
    if border:
        after = db.execute(query, (border + 1,)).fetchone()
        if after is None or after[1] >= at:
            return 1
    return _first(db, query, (), border + 1, next_id(db), at)


def _first(
    db: Connection, query: str, fixed: tuple[object, ...], low: int, high: int, at: float
) -> int:
    first = high
    while low < high:
        middle = (low + high) // 2
        row = db.execute(query, (*fixed, middle)).fetchone()
        if row is not None and row[1] < at:
            low = row[0] + 1
        else:
            high = middle
            first = first if row is None else row[0]  # numbers have holes
    return int(first)


def search(db: Connection, query: Query, room: str, limit: int) -> list[Hit]:
    """Return the indexed lines of a room that fit, newest first; see ILog."""
    found = room_id(db, room)
    if found is None:
        return []
    lowest, highest = 0, _LARGEST
    border = mixed(db)
    if query.since is not None:
        lowest = _first_id(db, query.since)
    if query.before is not None:
        last = db.execute(
            "SELECT id FROM events WHERE room = ? AND seq < ? ORDER BY seq DESC LIMIT 1",
            (found, query.before),
        ).fetchone()
        highest = max(last[0], border) if last else 0
    match = f'{query.expression()} AND {{place}} : "{place(found)}"'
    limits = (found, query.since or 0.0, query.before or _LARGEST)
    # Above the border ids are in the order of numbers; only below it they must be sorted.
    hits = db.execute(
        _FOUND + " ORDER BY words.rowid DESC LIMIT ?",
        (match, max(lowest, border + 1), highest, *limits, limit),
    ).fetchall()
    if border and len(hits) < limit and lowest <= border:
        hits += db.execute(  # what was imported
            _FOUND + " ORDER BY e.seq DESC LIMIT ?",
            (match, lowest, min(highest, border), *limits, limit - len(hits)),
        )
    events = [event_of(room, row) for row in hits]
    return [
        Hit(
            event,
            before(db, room, event.seq, query.context) if query.context else [],
            after(db, room, event.seq, query.context) if query.context else [],
        )
        for event in events
    ]


def probe(db: Connection) -> bool | None:
    """Find out in two steps whether there is room again: take some and give it back."""
    if db.execute("DELETE FROM probe").rowcount > 0:
        return True
    db.execute("INSERT INTO probe VALUES (zeroblob(?))", (_PROBE,))
    return None


# Removing.


def _remove(db: Connection, found: Sequence[tuple[int, str, str, int, int]]) -> None:
    """Remove events with their words: of each id, text, nick, room, seq."""
    (indexed,) = db.execute("SELECT value FROM meta WHERE name = 'indexed'").fetchone()
    db.executemany(
        "INSERT INTO words (words, rowid, text, who, place) VALUES ('delete', ?, ?, ?, ?)",
        (entry(*row[:4]) for row in found if row[0] <= indexed),
    )
    db.executemany(
        "UPDATE rooms SET floor = max(floor, ?) WHERE id = ?", ((row[4], row[3]) for row in found)
    )
    db.executemany("DELETE FROM events WHERE id = ?", ((row[0],) for row in found))


def forget(db: Connection, by: str, since: int, until: int) -> tuple[int, int]:
    """Remove the next events by somebody among those with ids from since up to until.

    :returns: how many, and from which id to go on; that is until when all are done.
    """
    stop = min(since + 20 * STEP, until)
    found = db.execute(
        "SELECT id, text, nick, room, seq FROM events WHERE id >= ? AND id < ? AND author = ?"
        " ORDER BY id LIMIT ?",
        (since, stop, by, STEP),
    ).fetchall()
    _remove(db, found)
    if found:
        want_purge(db)
    return len(found), found[-1][0] + 1 if len(found) == STEP else stop


def forget_range(db: Connection, since: float) -> tuple[int, int]:
    """Return between which ids the events since a time are, give or take a jump of the clock."""
    return max(1, _first_id(db, since) - STEP), next_id(db)


def prune(db: Connection, room: str, keep: Keep, now: float) -> int:
    """Remove the next events that a room should no longer keep; return how many."""
    found = room_id(db, room)
    if found is None or keep == Keep():
        return 0
    oldest = db.execute(
        "SELECT id, text, nick, room, seq, at FROM events WHERE room = ? ORDER BY seq LIMIT ?",
        (found, STEP),
    ).fetchall()
    newest = head(db, found)

    def unwanted(row: tuple[int, str, str, int, int, float]) -> bool:
        too_many = keep.lines is not None and row[4] <= newest - keep.lines
        return too_many or (keep.seconds is not None and row[5] < now - keep.seconds)

    # Up to the first that is to be kept: the order of numbers decides.
    gone = [row[:5] for row in takewhile(unwanted, oldest)]
    _remove(db, gone)
    return len(gone)


def all_rooms(db: Connection) -> list[str]:
    """Return the names of all rooms and inboxes of which something may be kept."""
    return [name for (name,) in db.execute("SELECT name FROM rooms ORDER BY id")]


def drop_inbox(db: Connection, inbox: str) -> bool:
    """Forget an inbox if it is empty and nobody can come back to it; tell whether it is gone.

    Its owner may still be connected: should it be needed again, it goes on above its numbers.
    """
    gone = db.execute(
        "DELETE FROM rooms WHERE name = ?1"
        " AND NOT EXISTS (SELECT 1 FROM events WHERE room = rooms.id)"
        " AND NOT EXISTS (SELECT 1 FROM tickets WHERE inbox = ?1) RETURNING floor",
        (inbox,),
    ).fetchall()
    db.executemany("UPDATE meta SET value = max(value, ?) WHERE name = 'dropped'", gone)
    return bool(gone)
