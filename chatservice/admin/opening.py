"""The database as chat-admin opens it: never made or upgraded by accident, written to in turns."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from chatservice.store.database import FILE
from chatservice.store.schema import APPLICATION, MIGRATIONS, StoreError, connect

LOOK_EVERY: Final = 100_000
"""Steps of SQLite's machine between two looks at the keyboard; some milliseconds."""

_REST: Final = 0.5  # of the time that a transaction took


class Refused(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


def exists(directory: Path) -> bool:
    """Tell whether there is a database, be it of use or not; an empty file is none.

    :raises Refused: if one may not look.
    """
    try:
        return (directory / FILE).stat().st_size > 0
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _denied(directory, error) from None


def examine(directory: Path) -> None:
    """See whether there is a database that this version can work with; change nothing.

    :raises Refused: if there is none, or it is not up to date.
    :raises StoreError: if it is not ours, newer than we are, or cannot be read.
    """
    path = directory / FILE
    if not exists(directory):
        raise Refused(f"there is no history in {directory}: name the chat's directory with --data")
    for file in (path, directory):
        if not os.access(file, os.R_OK | os.W_OK):
            raise _denied(file, PermissionError(0, "Permission denied"))
    try:
        with closing(connect(path, writing=False)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (application,) = db.execute("PRAGMA application_id").fetchone()
            (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"cannot use the database {path}: {error}") from None
    if not tables:
        raise Refused(f"there is no history in {directory} yet: start the chat once")
    if application != APPLICATION:
        raise StoreError(f"{path} is a database of another program: name another directory")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"the database {path} was written by a newer version of this program: use that one"
        )
    if version < len(MIGRATIONS):
        raise Refused(
            f"the database {path} was written by an older version of this program: "
            "the chat upgrades it at its next start, so restart the chat first"
        )


@contextmanager
def opened(directory: Path, *, writing: bool) -> Iterator[sqlite3.Connection]:
    """Open the database of a directory, and close it in the end.

    :raises Refused: see examine.
    :raises StoreError: see examine.
    """
    examine(directory)
    with closing(connect(directory / FILE, writing=writing)) as db:
        yield db


@contextmanager
def turn(db: sqlite3.Connection) -> Iterator[None]:
    """Change something in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


class Turns:
    """Many transactions one after another, with a rest before each: a running chat gets its turn.

    A rest is half as long as the transaction before it.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._rest = 0.0

    @contextmanager
    def next(self) -> Iterator[None]:
        """Rest, then change something in one transaction."""
        time.sleep(self._rest)
        began = time.monotonic()
        with turn(self._db):
            yield
        self._rest = _REST * (time.monotonic() - began)


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Exclude other imports into a directory; the chat is not concerned.

    The lock is on the directory itself, so that no file is left behind that belongs to another
    user than the chat's.

    :raises Refused: if there is another import.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(
                f"another import into {directory} is under way: wait until it has ended"
            ) from None
        yield
    finally:
        os.close(descriptor)


def _denied(path: Path, error: OSError) -> Refused:
    return Refused(
        f"cannot use {path}: {error.strerror}; run chat-admin as the user that the chat runs as"
    )
