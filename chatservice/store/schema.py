"""The database file: how it is opened, what is in it, and how an older one is upgraded."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

APPLICATION: Final = 0x43484154
"""Marks the file as ours (SQLite's application_id): "CHAT"."""

BUSY: Final = 4.0
"""Seconds to wait for another program to let go of the database."""

MIGRATIONS: Final[Sequence[str]] = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('indexed', 0);  -- the last event whose words are in the index
    INSERT INTO meta VALUES ('dropped', 0);  -- the highest number in an inbox that is gone

    CREATE TABLE rooms (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        floor INTEGER NOT NULL DEFAULT 0  -- the highest number that was ever removed
    ) STRICT;

    CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        room INTEGER NOT NULL REFERENCES rooms,
        seq INTEGER NOT NULL,
        at REAL NOT NULL,
        kind TEXT NOT NULL,
        nick TEXT NOT NULL,
        text TEXT NOT NULL,
        recipient TEXT NOT NULL,
        author TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX events_in_room ON events (room, seq);

    -- The words as search.words cuts them, so that ascii is all the tokenizer that is needed.
    -- A change of search.words needs a migration that fills this again.
    CREATE VIRTUAL TABLE words USING fts5 (text, who, place, content='', tokenize='ascii');

    CREATE TABLE probe (bytes BLOB NOT NULL) STRICT;  -- empty, but while looking for room

    CREATE TABLE tickets (
        key TEXT PRIMARY KEY,
        nick TEXT NOT NULL,
        inbox TEXT NOT NULL,
        since REAL NOT NULL,
        at REAL NOT NULL,
        rooms TEXT NOT NULL,  -- JSON, a list
        read TEXT  -- JSON, room to number; NULL while connected
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE records (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT CHECK (  -- NULL once it is gone
            value IS NULL OR json_valid(value) AND json_type(value) = 'object'
        ),
        revision INTEGER NOT NULL UNIQUE,  -- counts the changes, of all records together
        PRIMARY KEY (kind, key)
    ) STRICT;
    CREATE INDEX records_gone ON records (revision) WHERE value IS NULL;
    INSERT INTO meta VALUES ('revision', 0);  -- the newest; given again never
    """,
)
"""How to get from each version of the schema to the next; the first makes it."""


class StoreError(Exception):
    """The database cannot be used; the message says why and what to do."""


def connect(path: Path, *, writing: bool) -> sqlite3.Connection:
    """Open a database that is up to date.

    :raises sqlite3.Error: if that fails.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'rw' if writing else 'ro'}",
        uri=True,
        timeout=BUSY,
        isolation_level=None,  # transactions begin where we say so
        check_same_thread=False,  # one thread at a time, but not always the same
        cached_statements=64,
    )
    try:
        if writing:
            # FULL: what was committed outlives a power cut, not only the end of the process.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON")  # who forgets means it
        else:
            connection.execute("PRAGMA query_only=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def prepare(path: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Make the database, or bring an older one up to date and keep a backup of it.

    :raises StoreError: if it is not ours, newer than we are, or cannot be used.
    """
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # the wal file takes after it
        connection = connect(path, writing=True)
        try:
            _version(connection, path)  # nothing is changed in what is not ours
            connection.execute("PRAGMA journal_mode=WAL")
            _upgrade(connection, path, migrations)
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"cannot use the database {path}: {reason}") from None


def _upgrade(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    version = _version(connection, path)
    if version > len(migrations):
        raise StoreError(
            f"the database {path} was written by a newer version of this program: use that one"
        )
    if version == len(migrations):
        return
    if version:
        _back_up(connection, path.with_name(f"{path.name}.v{version}.backup"))
    connection.execute("BEGIN EXCLUSIVE")
    try:
        if _version(connection, path) == version:  # nobody else was faster
            for script in migrations[version:]:
                for statement in _statements(script):
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION}")
            connection.execute(f"PRAGMA user_version={len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the schema, 0 for an empty database.

    :raises StoreError: if it is somebody else's.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (tables or version):
        raise StoreError(f"{path} is a database of another program: name another directory")
    return int(version)


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    """Copy the whole database; the copy has its name only once it is complete."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_RDWR | os.O_CREAT, 0o600))
    copy = sqlite3.connect(partial)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(path)


def _statements(script: str) -> list[str]:
    """Cut a script, since executescript would commit in between."""
    statements, rest = [], ""
    for piece in script.split(";"):
        rest += f"{piece};"
        if sqlite3.complete_statement(rest):
            statements.append(rest)
            rest = ""
    return [*statements, rest]  # a comment, or what has no end and fails
