"""Lines of JSON into the history: checked as a whole first, then taken in short transactions.

What is read goes to a temporary database of SQLite's own, without a name and gone with the process,
where a million lines can be sorted and compared. Nothing is changed before all of it was found to
be good. Then the numbers are set aside (a room's floor goes up to the highest of them), so that a
running chat gives none of them to what people say meanwhile: it can meet no conflict after that.

Ids are given in the order of time, as they would have been: a search for what was said since a time
relies on it, and so does the order of what it finds.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, Final, NamedTuple

from chatservice.admin.lines import MAX_JSON, decode, encode, shown
from chatservice.admin.opening import Refused, Turns, alone, examine, exists, turn
from chatservice.admin.progress import Progress, watched
from chatservice.store import rows, words
from chatservice.store.database import FILE, prepare_directory
from chatservice.store.schema import connect, prepare

CHUNK: Final = 2000
"""Lines taken in one transaction."""

INDEXING: Final = 0.05
"""Seconds after which a transaction that takes words into the index ends."""

_CACHE: Final = 64 << 10  # KiB of memory for the temporary database
_STAGED: Final = """
    CREATE TABLE staged (
        room TEXT, seq INTEGER, at REAL, kind TEXT, nick TEXT, text TEXT, recipient TEXT,
        author TEXT, line INTEGER, PRIMARY KEY (room, seq)
    ) STRICT, WITHOUT ROWID
"""
_DIFFERENT: Final = """
    SELECT s.line, s.room, s.seq, e.at, e.kind, e.nick, e.text, e.recipient, e.author
    FROM staged s JOIN chat.rooms r ON r.name = s.room
    JOIN chat.events e ON e.room = r.id AND e.seq = s.seq
    WHERE (s.at, s.kind, s.nick, s.text, s.recipient, s.author)
    IS NOT (e.at, e.kind, e.nick, e.text, iif(e.kind = 'private', e.recipient, ''), e.author)
    ORDER BY s.line LIMIT 1
"""
_LEAVE_OUT_THE_SAME: Final = """
    DELETE FROM staged WHERE EXISTS (
        SELECT 1 FROM chat.rooms r JOIN chat.events e ON e.room = r.id
        WHERE r.name = staged.room AND e.seq = staged.seq
    )
"""
_HEADS: Final = """
    SELECT name, ifnull((SELECT max(seq) FROM chat.events WHERE room = r.id), 0)
    FROM chat.rooms r WHERE name IN (SELECT room FROM staged)
"""
_LATER: Final = """
    SELECT seq, at, kind, nick, text, recipient, author FROM events
    WHERE room = ? AND seq > ? AND seq <= ?
"""
_ONE: Final = """
    SELECT line, seq, at, kind, nick, text, recipient, author FROM staged
    WHERE room = ? AND seq = ?
"""
# By time; within a room by number, also where the clock was set back.
_IN_ORDER: Final = """
    SELECT room, seq, at, kind, nick, text, recipient, author FROM
    (SELECT *, max(at) OVER (PARTITION BY room ORDER BY seq) AS reached FROM staged)
    ORDER BY reached, room, seq
"""


class Imported(NamedTuple):
    """What became of the lines.

    :ivar taken: how many are new in the history.
    :ivar known: how many were there already, the very same.
    :ivar cleaned: in how many something was replaced.
    """

    taken: int
    known: int
    cleaned: int


def import_(directory: Path, source: BinaryIO, size: int = 0) -> Imported:
    """Take lines into the history; a directory without one gets one.

    :param source: the lines, as export writes them.
    :param size: how many bytes those are, 0 if that is not known.
    :raises Refused: if one of them is not good, or another line has its number; then nothing has
        changed.
    :raises StoreError: if the database cannot be used.
    :raises KeyboardInterrupt: with how far it went.
    """
    fresh = not exists(directory)
    if not fresh:
        examine(directory)
    with _staging() as staged:
        with Progress("reading") as progress:
            total, cleaned = _stage(staged, source, size, progress)
        if fresh:
            prepare_directory(directory)
        with alone(directory):
            if fresh:
                prepare(directory / FILE)
            with Progress("comparing") as progress, watched(staged, progress):
                known, heads = _compare(staged, directory / FILE)
            with closing(connect(directory / FILE, writing=True)) as db:
                _set_aside(db, staged, heads)
                _take(db, staged, total - known)
                _index(db)
    return Imported(total - known, known, cleaned)


@contextmanager
def _staging() -> Iterator[sqlite3.Connection]:
    """Open a temporary database."""
    with closing(sqlite3.connect("", uri=True, isolation_level=None)) as staged:
        staged.execute("PRAGMA journal_mode=OFF")
        staged.execute("PRAGMA synchronous=OFF")
        staged.execute(f"PRAGMA cache_size=-{_CACHE}")
        staged.execute("PRAGMA temp_store=FILE")
        staged.execute(_STAGED)
        yield staged


def _stage(
    staged: sqlite3.Connection, source: BinaryIO, size: int, progress: Progress
) -> tuple[int, int]:
    """Read all lines; return how many there are, and in how many something was replaced."""
    total = cleaned = offset = 0
    staged.execute("BEGIN")
    for number in count(1):
        data = source.readline(MAX_JSON + 1)
        if not data:
            break
        offset += len(data)
        if number == 1:
            data = data.removeprefix(b"\xef\xbb\xbf")
        if not data.strip():
            continue
        try:
            event, changed = decode(data)
        except ValueError as error:
            raise Refused(f"line {number}: {error}; nothing was imported") from None
        fields = (event.at, event.kind.label, event.nick, event.text, event.to, event.by)
        added = staged.execute(
            "INSERT OR IGNORE INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (event.room, event.seq, *fields, number),
        )
        if not added.rowcount:
            (first,) = staged.execute(
                "SELECT line FROM staged WHERE room = ? AND seq = ?", (event.room, event.seq)
            ).fetchone()
            raise Refused(
                f"line {number}: {shown(event.room)} {event.seq} stands in line {first} already; "
                "nothing was imported"
            )
        total += 1
        cleaned += changed
        if not total % 1000:
            progress.at(total, offset / size if size else None)
    staged.execute("COMMIT")
    return total, cleaned


def _compare(staged: sqlite3.Connection, path: Path) -> tuple[int, dict[str, int]]:
    """Look for lines that are stored, and leave them out if they are the same.

    :returns: how many were the same, and the highest number stored of each room that there is.
    :raises Refused: if one is different.
    """
    staged.execute("ATTACH ? AS chat", (f"{path.absolute().as_uri()}?mode=ro",))
    staged.execute("BEGIN")
    try:
        other = staged.execute(_DIFFERENT).fetchone()
        if other is not None:
            _, room, seq, *_ = other
            raise _conflict(room, other[2:], _staged(staged, room, seq))
        same = staged.execute(_LEAVE_OUT_THE_SAME).rowcount
        return same, dict(staged.execute(_HEADS).fetchall())
    finally:
        staged.execute("COMMIT")
        staged.execute("DETACH chat")


def _set_aside(db: sqlite3.Connection, staged: sqlite3.Connection, heads: dict[str, int]) -> None:
    """See to it that nobody else is given the numbers of the lines.

    :param heads: up to where the stored lines were compared.
    :raises Refused: if one was given to another line since then.
    """
    wanted = staged.execute("SELECT room, max(seq) FROM staged GROUP BY room").fetchall()
    with turn(db):
        for room, last in wanted:
            number = rows.room_id(db, room) or rows.add_room(db, room)
            for stored in db.execute(_LATER, (number, heads.get(room, 0), last)):
                if mine := _staged(staged, room, stored[0]):
                    raise _conflict(room, stored, mine)
            if last > rows.head(db, number):
                db.execute("UPDATE rooms SET floor = ? WHERE id = ?", (last, number))


def _staged(staged: sqlite3.Connection, room: str, seq: int) -> Sequence[Any] | None:
    """Return a line that was read: its place in the file, then the fields that encode takes."""
    found: Sequence[Any] | None = staged.execute(_ONE, (room, seq)).fetchone()
    return found


def _conflict(room: str, stored: Sequence[Any], mine: Sequence[Any] | None) -> Refused:
    line, *fields = mine or (0, *stored)
    return Refused(
        f"line {line}: {shown(room)} {stored[0]} is another line already; nothing was imported\n"
        f"  stored:    {encode(room, stored)}\n"
        f"  line {line}: {encode(room, fields)}\n"
        "Leave such lines out, give them numbers that are free, or import into a new directory."
    )


def _take(db: sqlite3.Connection, staged: sqlite3.Connection, total: int) -> None:
    """Add the lines, a chunk at a time."""
    taken = 0
    turns = Turns(db)
    try:
        with Progress("importing", total) as progress:
            with watched(staged, progress):
                found = staged.execute(_IN_ORDER)
                chunk = found.fetchmany(CHUNK)
            while chunk:
                with turns.next():
                    _add(db, chunk)
                taken += len(chunk)
                progress.at(taken)
                chunk = found.fetchmany(CHUNK)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_so_far(taken, total)) from None
    except sqlite3.Error as error:
        raise Refused(f"cannot go on: {error}; {_so_far(taken, total)}") from None


def _add(db: sqlite3.Connection, chunk: Sequence[Any]) -> None:
    # Looked up each time: an inbox that is still empty may go between two turns.
    places = {
        room: rows.room_id(db, room) or rows.add_room(db, room)
        for room in {row[0] for row in chunk}
    }
    first = rows.next_id(db)
    rows.mix(db, chunk[0][2], first + len(chunk) - 1)
    rows.insert(db, [(first + n, places[room], *rest) for n, (room, *rest) in enumerate(chunk)])


def _so_far(taken: int, total: int) -> str:
    return (
        f"{taken:,} of {total:,} new lines were imported, "
        "run it again with the same file for the others"
    )


def _index(db: sqlite3.Connection) -> None:
    """Take the words of all that is new into the index."""
    total = rows.unindexed(db)
    turns = Turns(db)
    try:
        with Progress("indexing", total) as progress:
            more = True
            while more:
                with turns.next():
                    more = _until(monotonic() + INDEXING, lambda: words.index(db, words.STEP))
                progress.at(total - rows.unindexed(db))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "all lines were imported, the chat itself makes them ready for /search"
        ) from None


def _until(deadline: float, step: Callable[[], bool]) -> bool:
    while more := step():
        if monotonic() > deadline:
            break
    return more
