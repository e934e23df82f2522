"""The history as lines of JSON: from one snapshot, one line at a time, while people talk."""

import os
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chatservice.admin.lines import encode, shown
from chatservice.admin.opening import Refused, opened
from chatservice.admin.progress import Progress, watched
from chatservice.names import fold, is_inbox
from chatservice.store import rows

TOGETHER: Final = 500
"""Lines written at once."""

Write = Callable[[str], object]


def export(directory: Path, out: Path | None, room: str = "", private: bool = False) -> int:
    """Write what is kept, room by room, the oldest line first.

    :param out: the file, which has its name only once it is complete; None for standard output.
    :param room: the only room to write; "" for all.
    :param private: whether inboxes, too.
    :returns: how many lines that were.
    :raises Refused: if there is no such room, or the database cannot be used.
    """
    with opened(directory, writing=False) as db:
        db.execute("BEGIN")
        names = _chosen(db, room, private)
        with _written(out) as write:
            # What goes to the same terminal would be torn by a line that is drawn again and again.
            hidden = out is None and sys.stdout.isatty()
            with Progress("exporting", _count(db, names), hidden=hidden) as progress:
                return _export(db, names, write, progress)


def _export(
    db: sqlite3.Connection, names: Iterable[tuple[int, str]], write: Write, progress: Progress
) -> int:
    count = 0
    with watched(db, progress):
        for number, name in names:
            found = db.execute(
                "SELECT seq, at, kind, nick, text, recipient, author FROM events"
                " WHERE room = ? ORDER BY seq",
                (number,),
            )
            while page := found.fetchmany(TOGETHER):
                write("".join(f"{encode(name, row)}\n" for row in page))
                count += len(page)
                progress.at(count)
    return count


def _chosen(db: sqlite3.Connection, room: str, private: bool) -> list[tuple[int, str]]:
    """Return the ids and names of what is to be written."""
    if not private and is_inbox(room):
        raise Refused(f"{shown(room)} is an inbox: give --private to export what is private")
    if not room:
        names = rows.all_rooms(db) if private else rows.rooms(db)
    elif rows.room_id(db, room) is not None:
        names = [room]
    else:
        names = [name for name in rows.rooms(db) if fold(name) == fold(room)]
        if not names:
            known = " ".join(sorted(rows.rooms(db))[:20]) or "none yet"
            raise Refused(f"there is no room {shown(room)}; there are: {known}")
    return [(rows.room_id(db, name) or 0, name) for name in sorted(names)]


def _count(db: sqlite3.Connection, names: Iterable[tuple[int, str]]) -> int:
    query = "SELECT count(*) FROM events WHERE room = ?"
    return sum(db.execute(query, (number,)).fetchone()[0] for number, _ in names)


@contextmanager
def _written(out: Path | None) -> Iterator[Write]:
    """Write to standard output, or to a file that appears under its name when it is complete."""
    if out is None or (out.exists() and not stat.S_ISREG(out.stat().st_mode)):
        target = 1 if out is None else out
        with open(target, "w", encoding="utf-8", newline="", closefd=out is not None) as file:
            yield file.write
        return
    partial = out.with_name(f"{out.name}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        descriptor = os.open(partial, flags, 0o600)  # nobody else's business
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file.write
            file.flush()
            os.fsync(file.fileno())
        partial.replace(out)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
