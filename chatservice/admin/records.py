"""Records as chat-admin reads and changes them; a running chat learns of it within a second or two.

It makes no record that the chat would not: what a change is goes by the same functions.
"""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.accounts import Accounts
from chatservice.admin.opening import Refused, turn
from chatservice.interfaces import IRecords, Value
from chatservice.store import records
from chatservice.store.watchers import Watchers

LEARN: Final[tuple[Callable[[IRecords], object], ...]] = (Accounts,)
"""Whoever keeps records in memory while a chat runs, and must be able to."""


def read_all(db: sqlite3.Connection, kind: str) -> dict[str, Value]:
    """Return all records of a kind, by their keys.

    :param db: as opening.opened gives it.
    :raises Refused: if one of them cannot be read.
    """
    try:
        return {record.key: record.value or {} for record in records.of_kind(db, kind)}
    except records.Damaged as error:
        raise _damaged(error) from None


def change(
    db: sqlite3.Connection, kind: str, key: str, how: Callable[[Value | None], Value | None]
) -> Value | None:
    """Put in a record's place what a function makes of it, and commit that.

    :param db: as opening.opened gives it for writing, not within a transaction.
    :param how: given what there is, None if there is nothing; returns what is to be there, None to
        remove it. It holds up the chat while it works: everything that takes time, such as hashing
        a password or asking for one, comes before.
    :returns: what is there now.
    :raises Exception: whatever the function raises, such as Refused; then nothing has changed.
    :raises Refused: if what is there cannot be read.
    """
    try:
        with turn(db):
            return records.change(db, kind, key, how).value
    except records.Damaged as error:
        raise _damaged(error) from None


def problems(db: sqlite3.Connection) -> Iterator[str]:
    """Look for what would keep the chat from starting, or from noticing a change."""
    learners = _Learners()
    for keep in LEARN:
        keep(learners)
    for record in records.everything(db):
        try:
            value = record.value
            for learn in learners.of(record.kind):
                learn(record.key, value)
        except records.Damaged as error:
            yield str(error)
        except Exception as error:  # whatever a chat would stumble over
            yield f"the {record.kind} {record.key!r} is not understood: {error!r}"
    (above,) = db.execute(
        "SELECT max(revision) FROM records"
        " WHERE revision > (SELECT value FROM meta WHERE name = 'revision')"
    ).fetchone()
    if above is not None:
        yield f"revision {above} of the records was never given: changes are not noticed"


class _Learners(Watchers):
    """Stands for a chat's records, to get hold of those who learn of them."""

    def watch(self, kind: str, learn: Callable[[str, Value | None], None]) -> None:
        self.add(kind, learn)

    def change(
        self, kind: str, key: str, how: Callable[[Value | None], Value | None]
    ) -> Deferred[Value | None]:
        raise NotImplementedError("nothing is changed while it is checked")


def _damaged(error: records.Damaged) -> Refused:
    return Refused(f"{error}; see what chat-admin check says, and docs/admin.md about backups")
