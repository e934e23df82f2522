"""A room: who is in it. Rules only, no I/O."""

from collections.abc import Iterable


class Room:
    """The people in one room, by nickname.

    :param name: the room's name, with its ``#``.
    """

    __slots__ = ("_nicks", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._nicks: set[str] = set()

    def __len__(self) -> int:
        """Return how many are in the room."""
        return len(self._nicks)

    def __contains__(self, nick: str) -> bool:
        """Tell whether this very nickname is in the room."""
        return nick in self._nicks

    def add(self, nick: str) -> None:
        """Let somebody in."""
        self._nicks.add(nick)

    def remove(self, nick: str) -> None:
        """Let somebody out."""
        self._nicks.discard(nick)

    def rename(self, old: str, new: str) -> None:
        """Know somebody by a new nickname."""
        self._nicks.remove(old)
        self._nicks.add(new)

    def nicks(self) -> Iterable[str]:
        """Return the nicknames, in the order of the alphabet."""
        return sorted(self._nicks, key=str.casefold)
