"""The rooms there are, and who is in which: coming in, going out and speaking there.

Everybody is in one room at least, in the lobby at first. The room joined last is the current one;
what is said without naming a room is said there. A room lives while somebody is in it, the lobby
and registered ones always; what was said in it stays in the log. Who may come in or speak is asked
here, of Admission; nobody else lets people in or out.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from chatservice.delivery.past import Past
from chatservice.errors import ChatError, Code
from chatservice.events import ABOUT, CHAT, Event, Kind
from chatservice.interfaces import IRecords
from chatservice.names import audit_log, check_room, fold
from chatservice.people.account import Account
from chatservice.people.order import Order
from chatservice.people.person import Person, Policy
from chatservice.roles import Role
from chatservice.rooms.admission import Admission
from chatservice.rooms.audit import MADE_ANEW
from chatservice.rooms.charters import UNKNOWN, Charters
from chatservice.rooms.rights import Act, may
from chatservice.rooms.room import Charter, Room
from chatservice.rooms.sanctions import Sanctions


class Rooms:
    """Every room of one chat.

    What takes part in it costs as much as the person has rooms, at most; speaking costs as much as
    there are people in the room.

    :ivar lobby: where everybody starts.
    :ivar admission: who may come in and speak.
    :ivar charters: what was decided about rooms.
    """

    def __init__(
        self,
        order: Order,
        past: Past,
        policy: Policy,
        records: IRecords,
        sanctions: Sanctions,
        now: Callable[[], float],
    ) -> None:
        self.lobby = Room(policy.lobby, Charter(registered=True))
        self._rooms = {self.lobby.name: self.lobby}
        self.admission = Admission(self.lobby, sanctions, now)
        self.charters = Charters(records, self._rooms, self.lobby, now)
        self._order = order
        self._sanctions = sanctions
        self._past = past
        self._policy = policy

    def __len__(self) -> int:
        """Return how many rooms there are."""
        return len(self._rooms)

    # Which, and who is in them.

    def current(self, person: Person) -> Room:
        """Return the room that a person joined last.

        :raises ChatError: if it is in none.
        """
        if not person.place.rooms:
            raise ChatError(
                Code.NO_SUCH_ROOM, f"You are in no room: /join {self.lobby.name} first."
            )
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
            room = check_room(name, self.lobby.name)  # what can be no room is not to be joined
        if room not in person.place.rooms:
            raise ChatError(Code.NO_SUCH_ROOM, f"You are not in {room}: /join {room} first.")
        return self._rooms[room]

    def shown(self, person: Person, name: str) -> Room:
        """Return a room that a person may know of, be it in it or not.

        :param name: as typed; "" for the current room.
        :raises ChatError: if there is none.
        """
        if name and (room := self._rooms.get(fold(name))) is not None and self.sees(person, room):
            return room
        return self.named(person, name)  # of a secret room as of one that is not there

    def find(self, name: str) -> Room | None:
        """Return the room of a name, as rooms have it, whoever may know of it."""
        return self._rooms.get(name)

    def sees(self, person: Person, room: Room) -> bool:
        """Tell whether a person may know that a room exists, and who is in it."""
        return (
            not room.charter.modes.secret
            or room.name in person.place.rooms
            or may(self.role(person, room), Act.ENTER_ANYWHERE, room.charter.modes)
        )

    def role(self, person: Person, room: Room) -> Role:
        """Return what a person is in a room."""
        return self.admission.role(person, room)

    def role_of(self, account: Account, room: Room) -> Role:
        """Return what the owner of an account is in a room."""
        return max(account.role, room.charter.role(account.identity))

    def all(self) -> Iterable[Room]:
        """Return every room there is."""
        return self._rooms.values()

    def own(self, person: Person) -> Iterator[Room]:
        """Go through the rooms that a person is in, the current one first.

        Of who has left already those that are still there.
        """
        names = reversed(person.place.rooms)
        return (room for name in names if (room := self._rooms.get(name)) is not None)

    def touch(self, person: Person) -> None:
        """Let those who follow a person's rooms know that its role there may be another now."""
        for room in self.own(person):
            room.touch(person.nick)

    def largest(self, person: Person, count: int) -> tuple[Sequence[Room], int]:
        """Return some rooms: the person's own, the current one first, then the largest others.

        :returns: these, and how many there are that the person may know of.
        """
        own = list(islice(self.own(person), count))
        others = [
            room
            for room in self._rooms.values()
            if room.name not in person.place.rooms and self.sees(person, room)
        ]
        shown = own + heapq.nlargest(count - len(own), others, key=len)
        return shown, len(person.place.rooms) + len(others)

    # What people do.

    def say(
        self, person: Person, text: str, kind: Kind = Kind.SAID, name: str = "", aside: str = ""
    ) -> None:
        """Say something in a room, or with another kind do it, remark it, or give a sign.

        Who is not in it and may speak there nevertheless is shown what it said, and no more.

        :param name: see named.
        :param aside: see Event.
        :raises ChatError: if nothing can be said there, or now.
        """
        room = self.shown(person, name)
        inside = room.name in person.place.rooms
        if not inside:
            self.admission.call_in(person, room)
        self._order.check()
        heard = self.admission.speak(person, room, kind.kept)
        event = self._order.event(room.name, kind, person, text, aside=aside)
        if not heard:
            self._order.echo(person, event)
            return
        said = self._order.publish(person, event)
        if not inside:
            said.addCallback(self._show, person)

    def join(self, person: Person, name: str, key: str = "") -> None:
        """Bring a person into a room, which becomes the current one; into its own: only that.

        Who comes into a room that is not there makes it, and is its founder.

        :param key: what it says to be let in.
        :raises ChatError: if it cannot be a room, the person is in too many, or is not let in.
        """
        name, rooms = check_room(name, self.lobby.name), person.place.rooms
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
        if (room := self._rooms.get(name)) is not None:
            self.admission.enter(person, room, key)
        rooms[name] = None
        self._bring_in(person, name)

    def _bring_in(self, person: Person, name: str) -> None:
        made = name not in self._rooms
        news = self._enter([name], person)
        self._order.switch(person, name)
        entered = self._order.enter(person, [name], news)
        entered.addCallback(self._entered, person, self._rooms[name], made)
        entered.addErrback(self._order.refused, person)

    def leave(self, person: Person, name: str, reason: str = "") -> None:
        """Let a person out of a room.

        :param name: see named.
        :param reason: what it says of that; only who may speak is heard.
        :raises ChatError: if the person is in no other room, or not in this one.
        """
        room = self.named(person, name)
        if len(person.place.rooms) == 1 and not person.roomless:
            raise ChatError(
                Code.LAST_ROOM,
                f"You are only in {room.name}: /join another room first, or /quit the chat.",
            )
        said = self.parting(person, room, reason)
        self._take_out(person, room, *self._exit([room.name], person, said))

    def throw_out(self, person: Person, room: Room, news: Event) -> None:
        """Take a person out of a room other than the lobby, into the lobby if it is in no other.

        :param news: what the room hears of it.
        """
        self._exit([room.name], person)
        if len(person.place.rooms) == 1 and not person.roomless:
            del person.place.rooms[room.name]
            self._order.publish(person, news)
            self._order.exit(person, room.name)
            person.place.rooms[self.lobby.name] = None
            self._bring_in(person, self.lobby.name)
        else:
            self._take_out(person, room, news)

    def _take_out(self, person: Person, room: Room, *news: Event) -> None:
        was_current = room.name == person.place.current
        del person.place.rooms[room.name]
        self._order.publish(person, *news)
        self._order.exit(person, room.name)
        if was_current and person.place.rooms:
            self._order.switch(person, person.place.current)

    def show_topic(self, person: Person, room: Room) -> None:
        """Tell a person what a room is about, if that was said."""
        if room.charter.topic:
            text = f"The topic of {room.name}: {room.charter.topic}"
            self._order.tell_now(person, Kind.NOTICE, text, aside=ABOUT)

    def show_backlog(self, person: Person, room: Room, head: int) -> None:
        """Tell a person who has just come in what was said last, unless it asks for that itself.

        :param head: the number of the last line before that.
        """
        if person.looks_back:
            return
        if (most := head - room.charter.floor) > 0:
            count = min(self._policy.backlog, most)
            self._past.backlog(person.member, room.name, head, count)

    def narrow(self, ghost: Person, heir: Person) -> None:
        """Take somebody out of rooms that a connection taking its place is not good enough for."""
        for room in [*self.own(ghost)]:
            try:
                self.admission.encrypted(heir, room)
            except ChatError as refusal:
                self._order.tell(heir, Kind.ERROR, refusal.message, code=refusal.code)
                self.throw_out(ghost, room, self._order.event(room.name, Kind.LEFT, ghost))

    # What befalls somebody in all its rooms.

    def arrive(self, person: Person) -> list[Event]:
        """Put somebody who comes into the chat into its rooms; return what others should hear.

        Of those it was in before it is told which it may not come back to. What was made after it
        left is another room, whatever its name: it comes in as anybody.
        """
        rooms = person.place.rooms
        for name in list(rooms):
            try:
                if (room := self._rooms.get(name)) is None:
                    continue
                if room.charter.since > person.place.left:
                    self.admission.enter(person, room, "")
                else:
                    self.admission.come_back(person, room)
            except ChatError as refusal:
                del rooms[name]
                self._order.tell(person, Kind.ERROR, refusal.message, code=refusal.code)
        if not rooms and not person.roomless:
            rooms[self.lobby.name] = None
        return self._enter(rooms, person, back=True)

    def readable(self, person: Person, read: Mapping[str, int]) -> dict[str, int]:
        """Return how far somebody who comes back has read, but that it is told nothing of what was
        said when its rooms were others, whatever it says that it has read.

        :param read: the number that was read last, for each room and the inbox.
        """
        gone = [name for name in person.place.rooms if name not in self._rooms]
        bounded = {name: seq for name, seq in read.items() if name not in gone}
        for room in self.own(person):
            floor = room.charter.floor
            if room.name in read:
                least = min(floor, person.place.read.get(room.name, floor))
                bounded[room.name] = max(read[room.name], least)
        return bounded

    def settle(self, person: Person, heads: Mapping[str, int]) -> None:
        """Finish rooms that somebody made by coming back to them.

        :param heads: the numbers of the last lines said in each before that.
        """
        for room in self.own(person):
            if room.charter.floor == UNKNOWN and room.name in heads:
                self.charters.settle(room, heads[room.name], own=False)

    def depart(self, person: Person, reason: str = "") -> list[Event]:
        """Take somebody who leaves the chat out of its rooms; return what others should hear.

        Its place still knows them, in case it comes back. A guest's roles are over.

        :param reason: what it says of that, or is said of it.
        """
        said = all(self.parting(person, room, reason) for room in self.own(person))
        if person.account is None:
            for room in self.own(person):
                self.charters.forget(room, person.inbox)
        return self._exit(person.place.rooms, person, reason if said else "", CHAT)

    def parting(self, person: Person, room: Room, reason: str) -> str:
        """Return somebody's last words in a room, if they may be heard there; "" if not."""
        try:
            self.admission.may_speak(person, room)
        except ChatError:
            return ""
        return reason if self.admission.heard(person, room) else ""

    def rename(self, person: Person, nick: str) -> list[Event]:
        """Know somebody by a new nickname; return what everybody should hear."""
        for name in person.place.rooms:
            self._rooms[name].rename(person.nick, nick)
        return self._order.everywhere(person.place.rooms, Kind.RENAMED, person, nick)

    # Inside.

    def _show(self, events: Sequence[Event], person: Person) -> Sequence[Event]:
        self._order.show_now(person, *events)
        return events

    def _enter(self, names: Iterable[str], person: Person, back: bool = False) -> list[Event]:
        for name in names:
            room = self._rooms.get(name)
            if room is None:
                charter = self.charters.new(name, person.inbox, back)
                room = self._rooms[name] = Room(name, charter)
                self._sanctions.forget(name)
                if charter.closed and not back:  # what was decided before is not for who makes it
                    entry = self._order.event(audit_log(name), Kind.RECORDED, person, MADE_ANEW)
                    self._order.publish(person, entry)
            room.add(person.nick)
        return self._order.everywhere(names, Kind.JOINED, person)

    def _exit(
        self, names: Iterable[str], person: Person, reason: str = "", aside: str = ""
    ) -> list[Event]:
        for name in names:
            room = self._rooms[name]
            room.remove(person.nick)
            if not len(room) and not room.charter.registered:
                del self._rooms[name]
                self._sanctions.forget(name)
        return self._order.everywhere(names, Kind.LEFT, person, reason, aside)

    def _entered(self, heads: dict[str, int], person: Person, room: Room, made: bool) -> None:
        head = heads.get(room.name, 0)
        if self._rooms.get(room.name, room) is not room:
            return  # it has left, and by now that is another room
        if made and room.name in heads:  # or its floor stays unknown, and nobody reads anything
            own = person.account is not None
            settled = self._order.keep(person, self.charters.settle(room, head, own))
            settled.addErrback(self._order.refused, person)
        else:
            self.show_topic(person, room)
        self.show_backlog(person, room, head)
