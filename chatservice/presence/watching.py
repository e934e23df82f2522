"""Who watches which nicknames, and is told when somebody comes, goes, or does something everywhere.

A nickname is watched whoever wears it, by whatever door. What is told are events of no room:
JOINED and LEFT with the nickname, and what else is everywhere (events.EVERYWHERE) but RENAMED.
Knows no door; to whom it means nothing, nobody lets it be told.
"""

from collections.abc import Callable, Sequence
from typing import Final

from chatservice.delivery.delivery import Delivery
from chatservice.errors import ChatError, Code
from chatservice.events import EVERYWHERE, Event, Kind
from chatservice.interfaces import ILog
from chatservice.names import fold
from chatservice.people.order import Order
from chatservice.people.person import Person

MOST_WATCHED: Final = 100
"""Nicknames that one person may watch."""


WATCHED: Final = (EVERYWHERE - {Kind.RENAMED}) | {Kind.JOINED, Kind.LEFT}
"""The kinds of events that are told; these are of no room."""


class Watching:
    """Who watches whom.

    :param log: tells when what happened was committed.
    :param order: tells what people do everywhere.
    :param delivery: tells those who watch.
    :param now: the wall clock.
    """

    def __init__(
        self, log: ILog, order: Order, delivery: Delivery, now: Callable[[], float]
    ) -> None:
        self._history = log
        self._delivery = delivery
        self._now = now
        self._watched: dict[Person, dict[str, str]] = {}  # as written, by folded nickname
        self._watchers: dict[str, dict[Person, None]] = {}  # by folded nickname
        order.follow(self._happened)

    def watch(self, person: Person, nick: str) -> None:
        """Tell a person from now on of who wears a nickname.

        :raises ChatError: TOO_MUCH.
        """
        own, key = self._watched.setdefault(person, {}), fold(nick)
        if key not in own and len(own) >= MOST_WATCHED:
            raise ChatError(Code.TOO_MUCH, f"You watch {MOST_WATCHED} nicknames: drop one first.")
        own[key] = nick
        self._watchers.setdefault(key, {})[person] = None

    def unwatch(self, person: Person, nick: str) -> None:
        """Tell a person of a nickname no more."""
        own, key = self._watched.get(person, {}), fold(nick)
        if key in own:
            del own[key]
            self._forget(person, key)

    def clear(self, person: Person) -> None:
        """Tell a person of nobody any more."""
        for key in self._watched.pop(person, {}):
            self._forget(person, key)

    def watched(self, person: Person) -> Sequence[str]:
        """Return the nicknames that a person watches, as it has written them."""
        return [*self._watched.get(person, {}).values()]

    # What is called when people come and go.

    def came(self, person: Person) -> None:
        """Take note that somebody has come."""
        self._tell(person.nick, Kind.JOINED, person)

    def gone(self, person: Person) -> None:
        """Take note that somebody goes, who still has its nickname."""
        self._tell(person.nick, Kind.LEFT, person)

    def renamed(self, person: Person, old: str) -> None:
        """Take note that somebody has another nickname than before."""
        if fold(old) != fold(person.nick):
            self._tell(old, Kind.LEFT, person)
            self.came(person)

    # Inside.

    def _forget(self, person: Person, key: str) -> None:
        watchers = self._watchers[key]
        del watchers[person]
        if not watchers:
            del self._watchers[key]

    def _tell(self, nick: str, kind: Kind, person: Person) -> None:
        if self._watchers:
            self._pass_on(nick, Event(0, self._now(), "", kind, nick, by=person.inbox))

    def _happened(self, person: Person, event: Event) -> None:
        if self._watchers and event.kind in WATCHED:
            self._pass_on(person.nick, event)

    def _pass_on(self, nick: str, event: Event) -> None:
        """Tell who watches a nickname, behind all that has happened so far."""
        watchers = [*self._watchers.get(fold(nick), ())]
        if watchers:
            self._history.append(()).addBoth(lambda _: self._tell_all(watchers, event))

    def _tell_all(self, watchers: Sequence[Person], event: Event) -> None:
        for one in watchers:
            self._delivery.tell(one.member, event)
