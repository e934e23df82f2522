"""Lines on their way to the server, one at a time, at the speed that it allows.

A line that was refused as too fast is sent again when the server said; so a paste of many lines
arrives whole and in order instead of ending the connection. A line that was on its way when the
connection was lost is looked for in what was missed, and goes again only if it is not there.
"""

import re
from collections import deque
from collections.abc import Callable
from typing import Final

from chatservice.client.alarm import Alarm
from chatservice.commands import address, find
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.interfaces import IClock

MOST: Final = 200
"""Lines that may wait."""

_RETRY: Final = 1.0
_SILENT: Final = 3.0  # seconds after which a command without an answer is taken for done
_UNSEEN: Final = 30.0  # and a line that should come back
_SAYING: Final = {"me": Kind.ACTED, "msg": Kind.PRIVATE, "say": Kind.SAID}
_SAID: Final = frozenset((Kind.SAID, Kind.ACTED, Kind.PRIVATE))
_SECONDS: Final = re.compile(r"in (\d+(?:\.\d+)?) seconds")


def retry_after(event: Event) -> float | None:
    """Return after how many seconds a line should be sent again; None if the event is not that."""
    if event.kind is not Kind.ERROR or event.nick != Code.TOO_FAST:
        return None
    found = _SECONDS.search(event.text)
    return min(60.0, float(found[1])) if found else _RETRY


def trace(line: str) -> tuple[Kind, str] | None:
    """Return kind and text of what the server keeps of a typed line; None if it keeps nothing."""
    if not line.startswith("/") or line.startswith("//"):
        addressed = address(line)
        return Kind.SAID, addressed[1] if addressed else line.removeprefix("/")
    name, _, rest = line[1:].partition(" ")
    try:
        command = find(name)
        arguments = command.parse(rest)
    except ChatError:
        return None
    kind = _SAYING.get(command.name)
    return None if kind is None else (kind, str(arguments[-1]))


class Outbox:
    """Sends typed lines in order.

    :param clock: a reactor.
    :param send: sends a line; False if there is no connection.
    """

    def __init__(self, clock: IClock, send: Callable[[str], bool]) -> None:
        self._send = send
        self._lines: deque[str] = deque()  # the first is on its way if _busy
        self._busy = False
        self._refused = False  # the line on its way waits to be sent again
        self._unsure = False  # the first was on its way when the connection was lost
        self._alarm = Alarm(clock)

    def __len__(self) -> int:
        """Return how many lines wait or are on their way."""
        return len(self._lines)

    def add(self, line: str) -> bool:
        """Take a line; False if too many wait."""
        if len(self._lines) >= MOST:
            return False
        self._lines.append(line)
        self._next()
        return True

    def heard(self, event: Event, me: str) -> bool:
        """Go on when an answer comes.

        :param me: the nickname worn.
        :returns: whether the event was for the outbox alone: a line goes again by itself.
        """
        if self._unsure and event.nick == me and (event.kind, event.text) == trace(self._lines[0]):
            self._unsure = False
            self._lines.popleft()
        if not self._busy:
            return False
        pause = retry_after(event)
        if pause is not None:
            self._refused = True
            self._alarm.after(pause, self._again)
            return True
        if not self._refused and self._answers(event, me):
            self._done()
        return False

    def _answers(self, event: Event, me: str) -> bool:
        """Tell whether an event is what the line on its way leads to."""
        if event.kind is Kind.ERROR:
            return True
        own = event.nick == me or (event.kind is Kind.RENAMED and event.text == me)
        if event.past or event.kind in (Kind.NOTICE, Kind.SWITCHED):
            return trace(self._lines[0]) is None
        # A new nickname comes once for each room: the second answers no line that is said.
        return own and (event.kind in _SAID or trace(self._lines[0]) is None)

    def lost(self, returning: bool) -> None:
        """Stop; the rest waits for the next connection.

        :param returning: whether that will tell if the line on its way has arrived. If not, or if
            it leaves no trace, it is not sent again: it may have arrived.
        """
        if self._busy and not self._refused:
            self._unsure = returning and trace(self._lines[0]) is not None
            if not self._unsure:
                self._lines.popleft()
        self._stop()

    def present(self, whole: bool) -> None:
        """Go on.

        :param whole: whether a line on its way would have come back if it had arrived.
        """
        if self._unsure and not whole:
            self._lines.popleft()
        self._unsure = False
        self._next()

    def clear(self) -> int:
        """Forget the lines that wait, but not one that is on its way; return how many they were."""
        on_its_way = self._busy and not self._refused
        kept = list(self._lines)[:1] if on_its_way else []
        dropped = len(self._lines) - len(kept)
        self._lines = deque(kept)
        if not on_its_way:
            self._unsure = False
            self._stop()
        return dropped

    def _next(self) -> None:
        if self._lines and not self._busy and not self._unsure:
            self._again()

    def _again(self) -> None:
        self._refused = False
        self._busy = self._send(self._lines[0])
        if self._busy:
            self._alarm.after(_SILENT if trace(self._lines[0]) is None else _UNSEEN, self._done)

    def _done(self) -> None:
        self._lines.popleft()
        self._stop()
        self._next()

    def _stop(self) -> None:
        self._busy = self._refused = False
        self._alarm.off()
