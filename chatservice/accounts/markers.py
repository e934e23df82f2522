"""How far somebody has read, as its clients say: for each place a time that only moves forward.

ircv3.net/specs/extensions/read-marker. All clients of an account share it, and it is kept with the
account; a guest's lasts until the guest leaves. Not what the server counts by itself: that is what
it has handed over (rooms/readings.py), this is what somebody has looked at.
"""

from collections.abc import Callable, Mapping
from typing import Final

from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.accounts.accounts import Accounts
from chatservice.accounts.identities import Identities
from chatservice.errors import ChatError, Code
from chatservice.interfaces import IRecords, Value
from chatservice.people.account import Account
from chatservice.people.person import Person

MARKERS: Final = "markers"
"""The kind of record that the markers of an account are; its key is the identity."""

MOST_PLACES: Final = 100
"""Places that are remembered for one person; those that were marked last."""

LONGEST: Final = 100
"""Characters of what a place is called."""

Marks = dict[str, int]
"""Milliseconds since 1970 by place, the one marked last at the end."""


class Markers:
    """Everybody's markers.

    :param records: keep those of accounts.
    :param identities: who is here.
    :param now: the wall clock, seconds since 1970.
    """

    _log = Logger()

    def __init__(
        self,
        records: IRecords,
        accounts: Accounts,
        identities: Identities,
        now: Callable[[], float],
    ) -> None:
        self._records = records
        self._accounts = accounts
        self._identities = identities
        self._now = now
        self._marks: dict[str, Marks] = {}  # by identity
        self._writing: set[str] = set()  # identities whose marks are on their way to the disk
        self._changed: set[str] = set()  # those of them that have others by now
        self._watchers: list[Callable[[str, str, int], None]] = []
        records.watch(MARKERS, self._learn)
        accounts.watch(self._account_changed)
        identities.follow(self._moved)

    def find(self, identity: str, place: str) -> int:
        """Return up to when somebody has read a place, in milliseconds since 1970; 0 if that was
        never said.

        :param place: a room's name, or the identity of whom one writes with, or its folded
            nickname if it has none that lasts.
        """
        return self._marks.get(identity, {}).get(place, 0)

    def mark(self, person: Person, place: str, at: int) -> int:
        """Say up to when somebody has read a place.

        :param at: milliseconds since 1970; what is to come counts as now.
        :returns: up to when it is known to have read, which may be later.
        :raises ChatError: TOO_MUCH, if nothing can be called so.
        """
        if len(place) > LONGEST:
            raise ChatError(Code.TOO_MUCH, f"Nothing has a name of over {LONGEST} characters.")
        identity, at = person.inbox, min(at, int(self._now() * 1000))
        before = self.find(identity, place)
        if at <= before:
            return before
        _add(self._marks.setdefault(identity, {}), place, at)
        self._keep(identity)
        for tell in self._watchers:
            tell(identity, place, at)
        return at

    def watch(self, tell: Callable[[str, str, int], None]) -> None:
        """Call back with identity, place and time whenever somebody has read on."""
        self._watchers.append(tell)

    def gone(self, identity: str) -> None:
        """Take note that somebody has left; of a guest nothing is kept."""
        if self._accounts.of(identity) is None and not self._identities.people(identity):
            self._marks.pop(identity, None)

    # Inside.

    def _moved(self, person: Person, old: str) -> None:
        """Let a guest who has logged in take along what it has read."""
        if person.account is None or self._accounts.of(old) is not None:
            return
        if not self._identities.people(old):
            marks = self._marks.pop(old, {})
            if marks:
                self._merge(person.inbox, marks)
                self._keep(person.inbox)

    def _account_changed(self, old: Account | None, new: Account | None) -> None:
        if old is not None and (new is None or new.identity != old.identity):
            if self._marks.pop(old.identity, None) is not None:
                gone = self._records.change(MARKERS, old.identity, lambda _: None)
                gone.addErrback(self._failed)
        elif old is None and new is not None and new.identity in self._marks:
            self._keep(new.identity)  # of somebody who has just registered

    def _merge(self, identity: str, marks: Mapping[str, int]) -> None:
        own = self._marks.setdefault(identity, {})
        for place, at in marks.items():
            if at > own.get(place, 0):
                _add(own, place, at)

    def _keep(self, identity: str) -> None:
        """Keep what an account has read; one change at a time, with all there is to keep then."""
        if self._accounts.of(identity) is None:
            return
        if identity in self._writing:
            self._changed.add(identity)
            return

        def kept(_: object) -> None:
            self._writing.discard(identity)
            if identity in self._changed:
                self._changed.discard(identity)
                self._keep(identity)

        self._writing.add(identity)
        value = {"read": dict(self._marks.get(identity, {}))}
        changed = self._records.change(MARKERS, identity, lambda _: value)
        changed.addErrback(self._failed).addCallback(kept)

    def _failed(self, failure: Failure) -> None:
        self._log.warn("could not keep what was read: {why}", why=failure.getErrorMessage())

    def _learn(self, key: str, value: Value | None) -> None:
        if value is None:
            self._marks.pop(key, None)
        else:
            self._merge(key, read_marks(value))


def read_marks(value: Value) -> Marks:
    """Return the markers that a record holds.

    :raises KeyError, TypeError, ValueError: if it holds none.
    """
    read = value["read"]
    if not isinstance(read, Mapping):
        raise TypeError("what was read is no object")
    return {str(place): int(str(at)) for place, at in list(read.items())[-MOST_PLACES:]}


def _add(marks: Marks, place: str, at: int) -> None:
    marks.pop(place, None)
    marks[place] = at
    if len(marks) > MOST_PLACES:
        del marks[next(iter(marks))]
