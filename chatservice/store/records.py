"""Records (interfaces.IRecords) in the database, statement by statement; on whatever connection.

Every change gets the next revision, whichever program makes it, so that whoever has seen everything
up to some revision asks for what is above it. A record that is gone stays as a row without a value
until the running chat has had the news, or starts: nobody else keeps records in memory.

Every function raises sqlite3.Error if the database does. Those that write do it within the
caller's transaction.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from chatservice.interfaces import Value

Connection = sqlite3.Connection
How = Callable[[Value | None], Value | None]

_COLUMNS: Final = "revision, kind, key, value"


class Damaged(Exception):
    """What is stored of a record is not what was ever written; the message names the record."""


class Record(NamedTuple):
    """A record as it is stored.

    :ivar revision: the number of its last change.
    :ivar text: its value in JSON; None if it is gone.
    """

    revision: int
    kind: str
    key: str
    text: str | None

    @property
    def value(self) -> Value | None:
        """What it holds.

        :raises Damaged: if that cannot be read.
        """
        try:
            return decode(self.text)
        except ValueError as error:
            raise Damaged(f"the {self.kind} {self.key!r} cannot be read: {error}") from None


def encode(value: Value | None) -> str | None:
    """Return a value as it is stored.

    :raises TypeError: if JSON cannot hold it.
    :raises ValueError: if JSON cannot hold it.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"a record holds values by name, not {type(value).__name__}")
    return json.dumps(dict(value), allow_nan=False)


def decode(text: str | None) -> Value | None:
    """Return what is stored as a value, one of the caller's own.

    :raises ValueError: if it is none.
    """
    if text is None:
        return None
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("it holds no values by name")
    return value


def find(db: Connection, kind: str, key: str) -> Record:
    """Return a record, without a text and with revision 0 if there never was one."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM records WHERE kind = ? AND key = ?",  # noqa: S608
        (kind, key),
    ).fetchone()
    return Record(0, kind, key, None) if found is None else Record(*found)


def of_kind(db: Connection, kind: str) -> Iterator[Record]:
    """Go through all records of a kind, by their keys."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM records WHERE kind = ? AND value IS NOT NULL"  # noqa: S608
        " ORDER BY key",
        (kind,),
    )
    return map(Record._make, found)


def everything(db: Connection) -> Iterator[Record]:
    """Go through all records of all kinds."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM records WHERE value IS NOT NULL ORDER BY kind, key"  # noqa: S608
    )
    return map(Record._make, found)


def since(db: Connection, revision: int) -> list[Record]:
    """Return what changed after a revision, in this order; of each record the last change."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM records WHERE revision > ? ORDER BY revision",  # noqa: S608
        (revision,),
    )
    return [*map(Record._make, found)]


def revision(db: Connection) -> int:
    """Return the revision of the newest change."""
    found = db.execute("SELECT value FROM meta WHERE name = 'revision'")
    return int(found.fetchone()[0])


def change(db: Connection, kind: str, key: str, how: How) -> Record:
    """Put in a record's place what a function makes of it.

    :returns: the record as it is now; with the revision it had if it is as it was.
    :raises Damaged: if what is stored cannot be read.
    :raises Exception: what the function raises, or if what it returns cannot be stored; then
        nothing was written.
    """
    old = find(db, kind, key)
    text = encode(how(old.value))
    if text == old.text:
        return old
    new = Record(revision(db) + 1, kind, key, text)
    db.execute(
        f"INSERT INTO records ({_COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT (kind, key)"  # noqa: S608
        " DO UPDATE SET revision = excluded.revision, value = excluded.value",
        new,
    )
    db.execute("UPDATE meta SET value = ? WHERE name = 'revision'", (new.revision,))
    return new


def drop_gone(db: Connection, revision: int, most: int = -1) -> None:
    """Remove the rows of records that were gone by a revision which everybody has seen.

    :param most: how many at once; by default all.
    """
    db.execute(
        "DELETE FROM records WHERE rowid IN (SELECT rowid FROM records"
        " WHERE value IS NULL AND revision <= ? LIMIT ?)",
        (revision, most),
    )
