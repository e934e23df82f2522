"""What is known of people's coming and going: who is away, and who was here last."""

from collections.abc import Callable
from typing import Final

from chatservice.away import AWAY, Away
from chatservice.events import Kind
from chatservice.names import fold
from chatservice.order import Order
from chatservice.person import Person

MOST_GONE: Final = 5000
"""People that were here and are gone who are remembered; who left first is forgotten first."""


ABSENT: Final = "absent"
"""Somebody whose connection is lost and who may come back; beside away.AWAY and "" for here."""


def presence(person: Person) -> str:
    """Return how somebody is there, in a word for programs."""
    return ABSENT if person.absent else AWAY if person.away is not None else ""


class Presence:
    """Who is away, and who was here.

    :param order: where answers have their place.
    :param now: the wall clock.
    """

    def __init__(self, order: Order, now: Callable[[], float]) -> None:
        self._order = order
        self._now = now
        self._gone: dict[str, tuple[str, float]] = {}  # by folded nickname: as worn, and until when

    def leave(self, person: Person, text: str) -> None:
        """Take note that somebody says it is away, until it says something or is back.

        :param text: what to tell who writes to it.
        """
        self._order.away(person, Away(text, self._now()))

    def back(self, person: Person) -> None:
        """Take note that somebody is not away any more."""
        self._order.away(person, None)

    def written_to(self, person: Person, sender: Person) -> None:
        """Tell who has written to one person alone that this one is away, if it is; not each time.

        To be called when that was said.
        """
        away = person.away
        if away is not None and away.news_to(sender.inbox, self._now()):
            self._order.tell(sender, Kind.NOTICE, f"{person.nick} is away: {away.text}")

    def gone(self, nick: str) -> None:
        """Take note that somebody has left."""
        self._gone.pop(fold(nick), None)
        self._gone[fold(nick)] = (nick, self._now())
        if len(self._gone) > MOST_GONE:
            del self._gone[next(iter(self._gone))]

    def last(self, nick: str) -> tuple[str, float] | None:
        """Return as whom and until when somebody was here; None if that is not known."""
        return self._gone.get(fold(nick))
