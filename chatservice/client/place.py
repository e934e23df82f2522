"""Where one stands in the chat: the room, the token to come back with, and what has been read.

Numbers come from the server (/resume) and from the lines themselves: a stamped line has its own, a
bare one is the next, as the numbers of a room are dense. A line without a room's name is of the
current room. Knows no connection.
"""

from chatservice.events import Event, Kind
from chatservice.names import LOBBY
from chatservice.resume import OWN, is_token, parse_offer
from chatservice.text import MAX_LINE


class Place:
    """A token and positions.

    :ivar token: what proves who comes back; "" if that cannot be done.
    :ivar here: the current room.
    :ivar named: whether the server has said so since one came in.
    :ivar whole: whether everything that was missed since came_back has been told. What the server
        keeps no longer leaves a hole in the numbers.
    """

    def __init__(self) -> None:
        self.token = ""
        self.here = LOBBY
        self.named = False
        self.whole = True
        self._read: dict[str, int] = {}
        self._telling = False  # what was missed is being told

    def forget(self) -> None:
        """Forget everything: another chat's numbers mean nothing, nor does a refused token."""
        self.token = ""
        self._read = {}

    def came_in(self) -> None:
        """Take note that one is in, at first in the lobby."""
        self.here, self.named = LOBBY, False

    def came_back(self) -> None:
        """Take note that the token was accepted: what was missed comes now."""
        self.whole = self._telling = True

    def offer(self, nick: str) -> str:
        """Return what to answer to the question for a nickname."""
        line = f"{nick} {self.token}".rstrip()
        for room, seq in self._read.items():
            if len(f"{line} {room}:{seq}".encode()) <= MAX_LINE:  # the server knows the others
                line += f" {room}:{seq}"
        return line

    def learn(self, event: Event) -> None:
        """Take the answer to /resume: a token, and what had been read when it was given."""
        found = parse_offer(f"{event.nick} {event.text}")
        if found is None or not is_token(found.token):
            return
        known = {room: self._read.get(room, seq) for room, seq in found.read.items()}
        if not self._telling and OWN in known:  # who has logged in has another inbox
            known[OWN] = found.read[OWN]
        self.whole &= all(seq <= known[room] for room, seq in found.read.items())
        self._read = {room: max(seq, known[room]) for room, seq in found.read.items()}
        self.token = event.text.split()[0]
        self._telling = False

    def saw(self, event: Event) -> None:
        """Take note that something was read."""
        if event.kind is Kind.SWITCHED:
            self.here, self.named = event.text, True
        room = self._room_of(event)
        if room is None:
            return
        if room not in self._read:  # joined since the token was given
            if event.seq and not event.past and self.token:
                self._read[room] = event.seq
            return
        last = self._read[room]
        if not event.seq and not event.past:
            self._read[room] = last + 1
        # An answer to /history or /search may be newer than what is still on its way to us.
        elif self._telling or not event.past or event.seq == last + 1:
            self.whole &= event.seq <= last + 1
            self._read[room] = max(last, event.seq)

    def _room_of(self, event: Event) -> str | None:
        """Return whose number an event moves; None if that is nobody's, or cannot be told."""
        if event.kind is Kind.PRIVATE:
            return OWN if OWN in self._read else None
        return event.room or self.here if event.kind.kept else None
