"""Who is here, as far as a client can tell from what it reads: for completion."""

import re
from typing import Final

from chatservice.events import Event, Kind

MOST: Final = 2000
"""Nicknames remembered; the longest silent go first."""

_MARKS: Final = re.compile(r" \([a-z, ]*\)")  # bob (op, away)
_LIST: Final = re.compile(r"(?:\d+ here:| ) ?(.*)")


class Roster:
    """Nicknames, those who spoke last first."""

    def __init__(self) -> None:
        self._nicks: dict[str, None] = {}  # the last is the newest
        self._listing = False

    def nicks(self) -> list[str]:
        """Return the nicknames, those who spoke last first."""
        return list(reversed(self._nicks))

    def clear(self) -> None:
        """Forget everybody, as after a lost connection."""
        self._nicks.clear()

    def heard(self, event: Event) -> None:
        """Learn from an event who is here; the past does not tell."""
        if event.past:
            return
        match event.kind:
            case Kind.LEFT:
                self._nicks.pop(event.nick, None)
            case Kind.KICKED:
                self._nicks.pop(event.to, None)
            case Kind.RENAMED:
                self._nicks.pop(event.nick, None)
                self._add(event.text)
            case Kind.SAID | Kind.ACTED | Kind.PRIVATE | Kind.JOINED:
                self._add(event.nick)
            case Kind.NOTICE:
                self._read_list(event.text)

    def _add(self, nick: str) -> None:
        self._nicks.pop(nick, None)
        self._nicks[nick] = None
        if len(self._nicks) > MOST:
            del self._nicks[next(iter(self._nicks))]

    def _read_list(self, text: str) -> None:
        """Read an answer to /who: ``3 here: alice bob``, further lines begin with a blank."""
        found = _LIST.fullmatch(text)
        self._listing = found is not None and (self._listing or not text.startswith(" "))
        if self._listing and found is not None:
            for nick in _MARKS.sub("", found[1].split(" and ")[0]).split():
                if nick not in self._nicks:
                    self._nicks = {nick: None, **self._nicks}
