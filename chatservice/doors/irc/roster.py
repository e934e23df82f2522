"""Who is in a room, as NAMES has it: for large rooms put together once, then kept up to date.

Ten thousand who come into one room one after another are told of ten thousand each; what has not
changed since the one before is not looked at again.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from chatservice.doors.irc.dialect import user_of
from chatservice.doors.irc.message import MAX_BODY
from chatservice.hub import Hub
from chatservice.names import MAX_NICK_BYTES
from chatservice.people.person import Person
from chatservice.roles import Role
from chatservice.rooms.room import Room

LARGE: Final = 100
"""People in a room whose names are kept."""

MOST_KEPT: Final = 64
"""Lists of names that are kept; which was asked for longest ago goes first."""

_MOST_CHANGED: Final = 1000  # people after whose changes all is looked at again


def pieces(entries: Iterable[str], size: int, between: str = " ") -> Iterator[str]:
    """Put entries together to texts that fit, none of them cut.

    :param size: of a text at most, in bytes, which every entry fits into.
    :param between: what stands between two, and in none of them: one ASCII character.
    """
    data, mark, start = between.join(entries).encode(), between.encode(), 0
    while len(data) - start > size:
        end = data.rindex(mark, start, start + size + 1)
        yield data[start:end].decode()
        start = end + 1
    if data:
        yield data[start:].decode()


def signs(hub: Hub, person: Person | None, room: Room, several: bool) -> str:
    """Return the signs of what somebody may do in a room.

    :param several: whether all of them, or the highest only.
    """
    role = Role.USER if person is None else hub.rooms.role(person, room)
    if role >= Role.OP:
        return "@+" if several else "@"
    return "+" if role is Role.VOICE else ""


class Roster:
    """The names of one room.

    :param entry: returns what stands for a nickname.
    """

    def __init__(self, room: Room, entry: Callable[[str], str], hub: Hub) -> None:
        self.room = room
        self._entry = entry
        self._hub = hub
        self._charter = room.charter
        self._entries: dict[str, str] = {}
        self._changed: set[str] | None = None  # of whom to look again; None for everybody
        self._texts: list[str] = []
        room.follow(self._touched)

    def names(self, size: int) -> list[str]:
        """Return all names, in texts of so many bytes at most; always the same size."""
        self._follow_roles()
        changed, self._changed = self._changed, set()
        if changed is None:
            self._entries = {nick: self._entry(nick) for nick in self.room.nicks()}
        for nick in changed or ():
            if nick in self.room:
                self._entries[nick] = self._entry(nick)
            else:
                self._entries.pop(nick, None)
        if changed is None or changed:
            self._texts = [*pieces(self._entries.values(), size)]
        return self._texts

    def forget(self) -> None:
        """Keep the names up to date no more."""
        self.room.unfollow(self._touched)

    def _touched(self, nick: str) -> None:
        if self._changed is not None:
            self._changed.add(nick)
            if len(self._changed) > _MOST_CHANGED:
                self._changed = None

    def _follow_roles(self) -> None:
        old, new = self._charter, self.room.charter
        if old is new:
            return
        self._charter = new
        for identity in {*old.roles, *new.roles, old.founder, new.founder}:
            if old.role(identity) is not new.role(identity):
                for person in self._hub.connections_of(identity):
                    self._touched(person.nick)


class Rosters:
    """The names in all rooms, as the clients of one door see them.

    :param server: the server's name.
    """

    def __init__(self, hub: Hub, server: str) -> None:
        self._hub = hub
        self._size = MAX_BODY - len(f":{server} 353 {MAX_NICK_BYTES * 'x'} = # :")
        self._server = server
        self._kept: dict[tuple[str, bool, bool], Roster] = {}

    def names(self, room: Room, several: bool, whole: bool) -> list[str]:
        """Return who is in a room, in texts that fit into a message.

        :param several: whether with all signs of what each may do, or the highest only.
        :param whole: whether as nick!user@host.
        """
        size = self._size - len(room.name.encode())
        if len(room) < LARGE:
            entries = (self._entry(room, nick, several, whole) for nick in room.nicks())
            return [*pieces(entries, size)]
        key = (room.name, several, whole)
        roster = self._kept.pop(key, None)
        if roster is None or roster.room is not room:  # another room of that name
            roster = Roster(room, lambda nick: self._entry(room, nick, several, whole), self._hub)
        self._kept[key] = roster
        if len(self._kept) > MOST_KEPT:
            self._kept.pop(next(iter(self._kept))).forget()
        return roster.names(size)

    def _entry(self, room: Room, nick: str, several: bool, whole: bool) -> str:
        person = self._hub.parts.nicks.wearer(nick)
        shown = nick
        if whole:
            host = self._server if person is None else self._hub.cloaks.of(person.inbox)
            shown = f"{nick}!{user_of(person)}@{host}"
        return f"{signs(self._hub, person, room, several)}{shown}"
