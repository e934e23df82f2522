"""What is known of people's coming and going: who is away, who is called what, who was here."""

from collections.abc import Callable, Sequence
from typing import Final

from chatservice.events import Kind
from chatservice.names import fold
from chatservice.people.away import AWAY, Away
from chatservice.people.order import Order
from chatservice.people.person import Gone, Person
from chatservice.rooms.room import Room
from chatservice.rooms.rooms import Rooms
from chatservice.rooms.sanction import Measure

MOST_GONE: Final = 5000
"""People that were here and are gone who are remembered; who left first is forgotten first."""

MOST_EACH: Final = 8
"""So many of them may have worn the same nickname."""

IS_AWAY: Final = " is away: "
"""What stands between who is away and why, where somebody is told so."""

ABSENT: Final = "absent"
"""Somebody whose connection is lost and who may come back; beside away.AWAY and "" for here."""


def presence(person: Person) -> str:
    """Return how somebody is there, in a word for programs."""
    return ABSENT if person.absent else AWAY if person.away is not None else ""


class Presence:
    """Who is away, and who was here.

    :param order: where answers have their place.
    :param rooms: where people may be heard.
    :param now: the wall clock.
    """

    def __init__(self, order: Order, rooms: Rooms, now: Callable[[], float]) -> None:
        self._order = order
        self._rooms = rooms
        self._now = now
        self._gone: dict[str, tuple[Gone, ...]] = {}  # by folded nickname, newest first
        self._count = 0

    def leave(self, person: Person, text: str) -> None:
        """Take note that somebody says it is away, until it says something or is back.

        :param text: what to tell who writes to it; rooms hear it where the person is heard.
        """
        lobby = self._rooms.lobby
        reasons = {room.name: self.reason(person, room.name, text) for room in self._own(person)}
        reasons[""] = self._rooms.parting(person, lobby, text)
        self._order.away(person, Away(text, self._now()), reasons)

    def back(self, person: Person) -> None:
        """Take note that somebody is not away any more."""
        self._order.away(person, None)

    def reason(self, person: Person, room: str, text: str) -> str:
        """Return why somebody is away, as a room hears it; "" if it is not heard there."""
        found = self._rooms.find(room)
        return "" if found is None else self._rooms.parting(person, found, text)

    def why(self, person: Person, asker: Person | None = None) -> str:
        """Return why somebody is away, as anybody may know it; of who is not heard in the chat that
        it is; "" of who is not.

        :param asker: who wants to know; oneself knows what one has said.
        """
        if person.away is None:
            return ""
        if asker is person:
            return person.away.text
        silenced = (Measure.MUTE, Measure.SHADOW)
        admission = self._rooms.admission
        found = admission.sanction(person, self._rooms.lobby, *silenced)
        return person.away.text if found is None else AWAY

    def came(self, person: Person) -> None:
        """Take note that somebody comes in: who may say nothing does not say it as its real name.

        :param person: with its nickname and identity, before anybody hears of it.
        """
        admission, lobby = self._rooms.admission, self._rooms.lobby
        if person.card.name and admission.sanction(person, lobby, Measure.MUTE) is not None:
            person.card = person.card._replace(name="")

    def describe(self, person: Person, name: str) -> None:
        """Let somebody have another real name, which its rooms hear.

        :param name: clean text.
        :raises ChatError: MUTED, if it may not speak in one of them.
        """
        own = self._own(person)
        self._rooms.admission.change_nick(person, own, person.nick)
        person.card = person.card._replace(name=name)
        if all(self._rooms.admission.heard(person, room) for room in [self._rooms.lobby, *own]):
            self._order.spread(person, Kind.DESCRIBED, name)
            return
        for event in self._order.everywhere(person.place.rooms, Kind.DESCRIBED, person, name):
            self._order.echo(person, event)

    def written_to(self, person: Person, sender: Person) -> None:
        """Tell who has written to one person alone that this one is away, if it is; not each time.

        To be called when that was said.
        """
        away = person.away
        if away is not None and away.news_to(sender.inbox, self._now()):
            text = f"{person.nick}{IS_AWAY}{self.why(person)}"
            self._order.tell_now(sender, Kind.NOTICE, text, aside=AWAY)

    # Who was here.

    def gone(self, person: Person) -> None:
        """Take note that somebody leaves, or takes another nickname."""
        key = fold(person.nick)
        before = self._gone.pop(key, ())
        gone = Gone(person.nick, self._now(), person.card, person.inbox, person.host)
        now = (gone, *before)[:MOST_EACH]
        self._gone[key] = now
        self._count += len(now) - len(before)
        while self._count > MOST_GONE:
            self._count -= len(self._gone.pop(next(iter(self._gone))))

    def last(self, nick: str) -> tuple[str, float] | None:
        """Return as whom and until when somebody was here; None if that is not known."""
        found = self.former(nick)
        return found[0][:2] if found else None

    def former(self, nick: str) -> Sequence[Gone]:
        """Return who wore a nickname and is gone, or called otherwise; the last one first."""
        return self._gone.get(fold(nick), ())

    def left(self, identity: str) -> Gone | None:
        """Return somebody who is gone as it was called last; None if that is not known."""
        found = (one for gone in self._gone.values() for one in gone if one.by == identity)
        return max(found, key=lambda one: one.at, default=None)

    def _own(self, person: Person) -> list[Room]:
        return [*self._rooms.own(person)]
