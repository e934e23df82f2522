"""Records as chat-admin reads and changes them; a running chat learns of it within a second or two.

It makes no record that the chat would not: what a change is goes by the same functions.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from chatservice.accounts.accounts import ACCOUNT
from chatservice.accounts.markers import MARKERS, read_marks
from chatservice.accounts.secret import SECRET, read_secret
from chatservice.accounts.tokens import TOKEN, Token
from chatservice.admin.opening import Refused, turn
from chatservice.interfaces import Value
from chatservice.people.account import from_value
from chatservice.rooms.charters import ROOM
from chatservice.rooms.room import Charter
from chatservice.rooms.sanction import Sanction
from chatservice.rooms.sanctions import SANCTION
from chatservice.store import records

KINDS: Final[Mapping[str, Callable[[Value], object]]] = {
    ACCOUNT: from_value,
    ROOM: Charter.from_value,
    SANCTION: Sanction.from_value,
    MARKERS: read_marks,
    SECRET: read_secret,
    TOKEN: lambda value: Token.from_value("", value),
}
"""How a chat reads the records of each kind; raises KeyError, TypeError or ValueError."""


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
    """Look for what a chat could not read, or would not notice."""
    for record in records.everything(db):
        try:
            value = record.value
            if value is not None and record.kind in KINDS:
                KINDS[record.kind](value)
        except records.Damaged as error:
            yield str(error)
        except (KeyError, TypeError, ValueError) as error:
            yield f"the {record.kind} {record.key!r} is not understood: {error!r}"
    (above,) = db.execute(
        "SELECT max(revision) FROM records"
        " WHERE revision > (SELECT value FROM meta WHERE name = 'revision')"
    ).fetchone()
    if above is not None:
        yield f"revision {above} of the records was never given: changes are not noticed"


def _damaged(error: records.Damaged) -> Refused:
    return Refused(f"{error}; see what chat-admin check says, and docs/admin.md about backups")
