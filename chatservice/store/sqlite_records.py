"""Records in the database, changed on the writer's thread; other programs' changes are noticed.

The writer's thread sends back what is committed, by revision. Each such message, whether of a
change or of a look at what others did, has all that happened between what was known here when it
was made and its own snapshot. So what is not above the revision known here is no news, whichever
message comes first, and nothing is ever left out.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from threading import Lock
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.errors import ChatError, Code
from chatservice.interfaces import Value
from chatservice.store import records
from chatservice.store.database import Database
from chatservice.store.records import Damaged, How, Record
from chatservice.store.schema import StoreError
from chatservice.store.watchers import Learn, Watchers
from chatservice.store.writer import is_trouble

MOST_WAITING: Final = 10_000
"""Changes that may wait for the disk before no more is taken."""

TOGETHER: Final = 500
"""Changes that are committed together at most: the log waits meanwhile."""

_GONE_AT_ONCE: Final = 100  # rows of records that are gone, dropped with a change


class _Wish(NamedTuple):
    """A change that somebody waits for."""

    kind: str
    key: str
    how: How
    done: Deferred[Value | None]


class _Made(NamedTuple):
    """What changes came to.

    :ivar news: what other programs have changed before.
    :ivar outcomes: of each wish the record as it is then, or why there was no change.
    """

    news: Sequence[Record]
    outcomes: Sequence[Record | Exception]


class SqliteRecords:
    """Records in a database; see IRecords. Changes that wait are committed together.

    :param database: not open yet.
    """

    _log = Logger()

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers = Watchers()
        self._known = 0  # whoever watches knows everything up to this revision
        self._opened = False
        self._waiting = 0
        self._lock = Lock()
        self._gathered: list[_Wish] | None = None  # what the writer's thread has not begun with
        self._looking = False
        database.at_open(self._learn)

    def watch(self, kind: str, learn: Learn) -> None:
        """Call back with every record of a kind; see IRecords.

        :raises RuntimeError: if the database is open: what there was would be missing.
        """
        if self._opened:
            raise RuntimeError("records must be watched before the database is opened")
        self._watchers.add(kind, learn)

    def change(self, kind: str, key: str, how: How) -> Deferred[Value | None]:
        """Put in a record's place what a function makes of it; see IRecords."""
        if self._waiting >= MOST_WAITING:
            return fail(
                ChatError(
                    Code.NOT_STORED, "The disk is too slow at present: try again in a moment."
                )
            )
        wish = _Wish(kind, key, how, Deferred())
        self._waiting += 1
        begun: list[_Wish] | None = None
        with self._lock:
            if self._gathered is None or len(self._gathered) >= TOGETHER:
                self._gathered = begun = []
            self._gathered.append(wish)
        if begun is not None:
            made = self._database.change(partial(self._make, begun))
            made.addCallbacks(self._made, self._not_made, (begun,), errbackArgs=(begun,))
        return wish.done

    def look(self) -> None:
        """See what other programs have changed; to be called every second or so."""
        if not self._looking:
            self._looking = True
            news = self._database.look(lambda db: records.since(db, self._known))
            news.addBoth(self._looked)

    def _looked(self, news: Sequence[Record] | Failure) -> None:
        self._looking = False
        if not isinstance(news, Failure):  # the next look may have more luck
            self._tell(news)

    # In the writer's thread.

    def _make(self, wishes: list[_Wish], db: sqlite3.Connection) -> _Made:
        with self._lock:
            if self._gathered is wishes:
                self._gathered = None
        known = self._known
        records.drop_gone(db, known, _GONE_AT_ONCE)  # this process is all that needed them
        return _Made(records.since(db, known), [_outcome(db, wish) for wish in wishes])

    # In the reactor's thread.

    def _learn(self, db: sqlite3.Connection) -> None:
        """Tell of all there are.

        :raises StoreError: if one is of no use: nobody is to come in because a ban was not read.
        """
        self._known = records.revision(db)
        for record in records.everything(db):
            watchers = self._watchers.of(record.kind)
            try:
                value = record.value if watchers else None
                for learn in watchers:
                    learn(record.key, value)
            except Damaged as error:
                raise _useless(str(error)) from None
            except Exception as error:
                self._log.failure("{kind} {key!r}", kind=record.kind, key=record.key)
                name = f"the {record.kind} {record.key!r}"
                raise _useless(f"{name} is not understood: {error!r}") from None
        self._opened = True

    def _made(self, made: _Made, wishes: Sequence[_Wish]) -> None:
        self._tell(made.news)
        for wish, outcome in zip(wishes, made.outcomes, strict=True):
            self._waiting -= 1
            if isinstance(outcome, Record):
                self._tell([outcome])
                wish.done.callback(outcome.value)
            else:
                wish.done.errback(self._watchers.refusal(wish.kind, wish.key, outcome))

    def _not_made(self, failure: Failure, wishes: Sequence[_Wish]) -> None:
        with self._lock:
            if self._gathered is wishes:  # it is closing: the writer never began
                self._gathered = None
        for wish in wishes:
            self._waiting -= 1
            wish.done.errback(ChatError(Code.NOT_STORED, failure.getErrorMessage()))

    def _tell(self, changed: Iterable[Record]) -> None:
        """Tell of what is news, in the order of commits."""
        for record in changed:
            if record.revision > self._known:
                self._known = record.revision
                try:
                    value = record.value
                except Damaged:
                    self._log.failure("a change by another program is left out")
                else:
                    self._watchers.tell(record.kind, record.key, value)


def _outcome(db: sqlite3.Connection, wish: _Wish) -> Record | Exception:
    try:
        return records.change(db, wish.kind, wish.key, wish.how)
    except Exception as error:
        if is_trouble(error):  # the disk: nothing of the transaction will be there
            raise
        return error


def _useless(reason: str) -> StoreError:
    return StoreError(f"{reason}; see what chat-admin check says, and docs/admin.md about backups")
