"""How far each connection has been given its inbox, and what of that is committed.

For who is logged in it is committed now and then (Account.read): after a crash lines are told twice
rather than never.
"""

from collections.abc import Iterable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.accounts.accounts import Accounts
from chatservice.delivery.delivery import Delivery
from chatservice.delivery.recall import Recall
from chatservice.events import Event
from chatservice.people.person import Person

COMMIT_EVERY: Final = 100
"""Lines after which it is committed that somebody has them: after a crash no more are told twice,
about."""


class _Reading:
    """How far one connection has been given its inbox.

    :ivar inbox: which inbox that is.
    :ivar seen: the number up to which that is so, once all is told that was missed, and unless
        delivery says that it is behind.
    :ivar head: the number of the last that was missed.
    :ivar missed: what is being told of them; None if there was nothing.
    :ivar noted: the number that was committed, or is about to be.
    """

    __slots__ = ("head", "inbox", "missed", "noted", "seen")

    def __init__(self, inbox: str, head: int, missed: Recall | None, noted: int) -> None:
        self.inbox = inbox
        self.seen = self.head = head
        self.missed = missed
        self.noted = noted


class Readings:
    """How far everybody has read who is logged in, or has a token."""

    _log = Logger()

    def __init__(self, accounts: Accounts, delivery: Delivery) -> None:
        self._accounts = accounts
        self._delivery = delivery
        self._readings: dict[Person, _Reading] = {}

    def said(self, event: Event, ears: Iterable[Person]) -> None:
        """Take note of a line in an inbox, and who heard it."""
        for one in ears:
            reading = self._readings.get(one)
            if reading is None or reading.inbox != event.room:
                continue
            if self._delivery.hears(one.member, event.room):
                reading.seen = event.seq
                if event.seq - reading.noted >= COMMIT_EVERY:
                    self.note(one)

    def follow(self, person: Person, head: int, missed: Recall | None) -> None:
        """Count from now on how far a connection is given its inbox."""
        if person.departed or person.absent:  # meanwhile
            return
        account = self._accounts.of(person.inbox)
        noted = 0 if account is None else account.read
        self._readings[person] = _Reading(person.inbox, head, missed, noted)
        if missed is not None:
            missed.ended().addCallback(lambda _: self.note(person))

    def follows(self, person: Person) -> bool:
        """Tell whether it is counted for a connection, in the inbox that it has now."""
        reading = self._readings.get(person)
        return reading is not None and reading.inbox == person.inbox

    def read(self, person: Person) -> int | None:
        """Return the number up to which a connection was given its inbox; None if it is unknown."""
        reading = self._readings.get(person)
        if reading is None or reading.inbox != person.inbox:
            return None
        if reading.missed is not None and (reading.missed.since or 0) < reading.head:
            return reading.missed.since or 0
        given = self._delivery.given(person.member, reading.inbox)
        return reading.seen if given is None else given

    def note(self, person: Person) -> Deferred[None] | None:
        """Commit how far a connection was given its inbox, if that is further than before."""
        position, reading = self.read(person), self._readings.get(person)
        account = None if reading is None else self._accounts.of(reading.inbox)
        if reading is None or account is None or position is None:
            return None
        if position <= max(reading.noted, account.read):
            return None
        reading.noted = position
        return self._accounts.note(account.identity, read=position).addErrback(self._not_noted)

    def lost(self, person: Person) -> None:
        """Take note that a connection is gone; read is to be asked for before."""
        self._readings.pop(person, None)

    def _not_noted(self, failure: Failure) -> None:
        self._log.warn("how far somebody has read is unknown: {why}", why=failure.getErrorMessage())
