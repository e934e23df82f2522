"""Looking after the database: giving back space, and seeing whether all is well."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from chatservice.admin import records
from chatservice.admin.opening import Refused, Turns, opened
from chatservice.admin.progress import Progress, watched
from chatservice.events import Kind
from chatservice.names import fold
from chatservice.search import Phrase, Query, words
from chatservice.store import rows
from chatservice.store.database import FILE
from chatservice.store.words import purge, want_purge

MERGED: Final = 500
"""Pages of the index that are rewritten in one transaction, roughly."""

SAMPLE: Final = 500
"""Lines of which check sees whether they are found."""

SHOWN: Final = 20
"""Problems of one kind that check tells."""

KINDS: Final = [kind.label for kind in Kind if kind.kept]
"""The kinds of event that may be stored."""

_COPIED: Final = 2000  # pages between two looks at the keyboard
_WORDS: Final = 16  # of a line that is looked for

Problems = Iterator[str]


class Sizes(NamedTuple):
    """How large the files are, in bytes."""

    database: int
    wal: int


def sizes(directory: Path) -> Sizes:
    """Look how large the files are."""
    return Sizes(_size(directory / FILE), _size(directory / f"{FILE}-wal"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def vacuum(directory: Path) -> bool:
    """Write the database anew without holes, and without words that are no longer needed.

    :returns: whether the file is as small as it can be; not while somebody still reads the old one.
    :raises Refused: if it is in use for too long, or the disk is full.
    """
    with opened(directory, writing=True) as db:
        try:
            with Progress("tidying the index") as progress, watched(db, progress):
                _merge(db, progress)
            with Progress("writing the database anew") as progress, watched(db, progress):
                db.execute("VACUUM")
                busy, *_ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return not busy
        except sqlite3.OperationalError as error:
            raise Refused(f"cannot go on: {error}; nothing is lost, try again later") from None


def _merge(db: sqlite3.Connection, progress: Progress) -> None:
    """Make the index one piece, step by step; what was removed is only then really out of it."""
    turns = Turns(db)
    with turns.next():
        want_purge(db)
    done = False
    while not done:
        with turns.next():
            done = purge(db, MERGED)
        progress.tick()


def check(directory: Path) -> list[str]:
    """Look for whatever is wrong; return it in words, nothing if all is well.

    It looks at a temporary copy, a snapshot: a running chat is not held up.

    :raises Refused: if there is no room for the copy.
    """
    found: list[str] = []
    with opened(directory, writing=False) as db, closing(sqlite3.connect("")) as copy:
        copy.isolation_level = None
        try:
            with Progress("copying") as progress:
                _copy(db, copy, progress)
        except sqlite3.DatabaseError as error:
            if "full" in str(error):
                raise Refused(
                    f"no room for a temporary copy ({error}): set TMPDIR to a directory with room"
                ) from None
            return [f"the database cannot be read: {error}"]
        for name, look in CHECKS:
            with Progress(f"checking {name}") as progress, watched(copy, progress):
                try:
                    found += look(copy)
                except sqlite3.DatabaseError as error:
                    if isinstance(error, sqlite3.OperationalError) and "interrupted" in str(error):
                        raise
                    found.append(f"{name}: {error}")
    return found


def _copy(db: sqlite3.Connection, copy: sqlite3.Connection, progress: Progress) -> None:
    def copied(status: int, left: int, total: int) -> None:
        progress.tick()

    db.execute("BEGIN")
    db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the snapshot begins here
    db.backup(copy, pages=_COPIED, progress=copied)
    db.execute("COMMIT")


def _file(db: sqlite3.Connection) -> Problems:
    for (problem,) in db.execute(f"PRAGMA integrity_check({SHOWN})"):
        if problem != "ok":
            yield f"the file: {problem}"


def _references(db: sqlite3.Connection) -> Problems:
    found = db.execute("SELECT id, room FROM events WHERE room NOT IN (SELECT id FROM rooms)")
    for number, room in found.fetchmany(SHOWN):
        yield f"event {number} is in room {room}, which does not exist"


def _numbers(db: sqlite3.Connection) -> Problems:
    twice = db.execute(
        "SELECT name, seq, count(*) FROM events NOT INDEXED JOIN rooms ON rooms.id = events.room"
        " GROUP BY events.room, seq HAVING count(*) > 1 OR seq < 1"
    )
    for room, seq, count in twice.fetchmany(SHOWN):
        yield f"{room}: {f'{count} lines have' if count > 1 else 'a line has'} number {seq}"
    for room, floor in db.execute("SELECT name, floor FROM rooms WHERE floor < 0"):
        yield f"{room}: the highest number that was removed is {floor}"
    marks = ", ".join("?" * len(KINDS))
    strange = db.execute(f"SELECT id, kind FROM events WHERE kind NOT IN ({marks})", KINDS)  # noqa: S608
    for number, kind in strange.fetchmany(SHOWN):
        yield f"event {number} is of the kind {kind!r}, which this version does not know"
    known = {name for (name,) in db.execute("SELECT name FROM meta")}
    for name in sorted({"indexed", "dropped", "revision"} - known):
        yield f"meta lacks {name!r}"


def _records(db: sqlite3.Connection) -> Problems:
    yield from islice(records.problems(db), SHOWN)


def _index(db: sqlite3.Connection) -> Problems:
    try:
        db.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    except sqlite3.DatabaseError as error:
        yield f"the index: {error}"
    events = "SELECT id FROM events WHERE id <= (SELECT value FROM meta WHERE name = 'indexed')"
    indexed = "SELECT id FROM words_docsize"
    for one, other, problem in (
        (events, indexed, "lines are not in the index, such as event"),
        (indexed, events, "lines in the index do not exist, such as event"),
    ):
        query = f"SELECT count(*), min(id) FROM ({one} EXCEPT {other})"  # noqa: S608
        count, first = db.execute(query).fetchone()
        if count:
            yield f"{count:,} {problem} {first}"


def _findable(db: sqlite3.Connection) -> Problems:
    """Search for some lines, spread evenly."""
    (last,) = db.execute(
        "SELECT min(value, (SELECT max(id) FROM events)) FROM meta WHERE name = 'indexed'"
    ).fetchone()
    missed = 0
    for number in range(1, (last or 0) + 1, max(1, (last or 0) // SAMPLE)):
        row = db.execute(
            "SELECT name, seq, nick, text, kind FROM events JOIN rooms ON rooms.id = events.room"
            " WHERE events.id >= ? AND events.id <= ? ORDER BY events.id LIMIT 1",
            (number, last),
        ).fetchone()
        if row is None:
            return
        room, seq, nick, text, kind = row
        found = words(text)[:_WORDS]
        if not found or kind not in KINDS:
            continue
        query = Query((Phrase(tuple(found)),), nick=fold(nick), before=seq + 1)
        hits = rows.search(db, query, room, 1)
        if missed < SHOWN and [hit.event.seq for hit in hits] != [seq]:
            missed += 1
            yield f"{room}: line {seq} is not found by its words"


CHECKS: Final[tuple[tuple[str, Callable[[sqlite3.Connection], Problems]], ...]] = (
    ("the file", _file),
    ("references", _references),
    ("numbers", _numbers),
    ("records", _records),
    ("the index", _index),
    ("searching", _findable),
)
"""What is looked at, in order."""
