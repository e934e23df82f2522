"""The rooms there are, and who is in which: coming in, going out and speaking there.

Everybody is in one room at least, in the lobby at first. The room joined last is the current one;
what is said without naming a room is said there. A room lives while somebody is in it, the lobby
always; what was said in it stays in the log. Who may come in or speak is to be asked here, of the
Room; nobody else lets people in or out.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.names import LOBBY, check_room, fold
from chatservice.order import Order
from chatservice.past import Past
from chatservice.person import Person, Policy
from chatservice.room import Room


class Rooms:
    """Every room of one chat.

    What takes part in it costs as much as the person has rooms, at most; speaking costs as much as
    there are people in the room.

    :ivar lobby: where everybody starts.
    """

    def __init__(self, order: Order, past: Past, policy: Policy) -> None:
        self.lobby = Room(LOBBY)
        self._rooms = {LOBBY: self.lobby}
        self._order = order
        self._past = past
        self._policy = policy

    def __len__(self) -> int:
        """Return how many rooms there are."""
        return len(self._rooms)

    # Which, and who is in them.

    def current(self, person: Person) -> Room:
        """Return the room that a person joined last."""
        return self._rooms[person.place.current]

    def named(self, person: Person, name: str) -> Room:
        """Return one of the rooms that a person is in.

        :param name: as typed; "" for the current room.
        :raises ChatError: if it is none of them.
        """
        if not name:
            return self.current(person)
        room = fold(name)
        if room not in person.place.rooms:
            room = check_room(name)  # what can be no room is not to be joined
        if room not in person.place.rooms:
            raise ChatError(Code.NO_SUCH_ROOM, f"You are not in {room}: /join {room} first.")
        return self._rooms[room]

    def own(self, person: Person) -> Iterator[Room]:
        """Go through the rooms that a person is in, the current one first."""
        return (self._rooms[name] for name in reversed(person.place.rooms))

    def largest(self, person: Person, count: int) -> Sequence[Room]:
        """Return some rooms: the person's own, the current one first, then the largest others."""
        own = list(islice(self.own(person), count))
        others = (room for room in self._rooms.values() if room.name not in person.place.rooms)
        return own + heapq.nlargest(count - len(own), others, key=len)

    # What people do.

    def say(self, person: Person, text: str, kind: Kind = Kind.SAID, name: str = "") -> None:
        """Say (or with Kind.ACTED, do) something in a room.

        :param name: see named.
        :raises ChatError: if nothing can be said there, or now.
        """
        room = self.named(person, name)
        self._order.check()
        self._order.publish(person, self._order.event(room.name, kind, person, text))

    def join(self, person: Person, name: str) -> None:
        """Bring a person into a room, which becomes the current one; into its own: only that.

        :raises ChatError: if it cannot be a room, or the person is in too many.
        """
        name, rooms = check_room(name), person.place.rooms
        most = self._policy.limits.rooms
        if name in rooms:
            if name != person.place.current:
                rooms[name] = rooms.pop(name)
            self._order.switch(person, name)
            return
        if len(rooms) >= most:
            raise ChatError(
                Code.TOO_MANY_ROOMS, f"You are in {most:,} rooms, more cannot be: /leave one first."
            )
        rooms[name] = None
        news = self._enter([name], person)
        self._order.switch(person, name)
        entered = self._order.enter(person, [name], news)
        entered.addCallback(self._show_backlog, person, name)
        entered.addErrback(self._order.refused, person)

    def leave(self, person: Person, name: str) -> None:
        """Let a person out of a room.

        :param name: see named.
        :raises ChatError: if the person is in no other room, or not in this one.
        """
        room = self.named(person, name)
        rooms, current = person.place.rooms, person.place.current
        if len(rooms) == 1:
            raise ChatError(
                Code.LAST_ROOM,
                f"You are only in {room.name}: /join another room first, or /quit the chat.",
            )
        del rooms[room.name]
        self._order.publish(person, *self._exit([room.name], person))
        self._order.exit(person, room.name)
        if room.name == current:
            self._order.switch(person, person.place.current)

    # What befalls somebody in all its rooms.

    def arrive(self, person: Person) -> list[Event]:
        """Put somebody who comes into the chat into its rooms; return what others should hear."""
        if not person.place.rooms:
            person.place.rooms[LOBBY] = None
        return self._enter(person.place.rooms, person)

    def depart(self, person: Person) -> list[Event]:
        """Take somebody who leaves the chat out of its rooms; return what others should hear.

        Its place still knows them, in case it comes back.
        """
        return self._exit(person.place.rooms, person)

    def rename(self, person: Person, nick: str) -> list[Event]:
        """Know somebody by a new nickname; return what everybody should hear."""
        for name in person.place.rooms:
            self._rooms[name].rename(person.nick, nick)
        return [self._order.event(name, Kind.RENAMED, person, nick) for name in person.place.rooms]

    # Inside.

    def _enter(self, names: Iterable[str], person: Person) -> list[Event]:
        for name in names:
            self._rooms.setdefault(name, Room(name)).add(person.nick)
        return [self._order.event(name, Kind.JOINED, person) for name in names]

    def _exit(self, names: Iterable[str], person: Person) -> list[Event]:
        for name in names:
            room = self._rooms[name]
            room.remove(person.nick)
            if not room and room is not self.lobby:
                del self._rooms[name]
        return [self._order.event(name, Kind.LEFT, person) for name in names]

    def _show_backlog(self, heads: dict[str, int], person: Person, name: str) -> None:
        self._past.backlog(person.member, name, heads.get(name, 0), self._policy.backlog)
