"""What events look like on a terminal: colours, and what deserves a bell."""

import re
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from chatservice.events import Event, Kind
from chatservice.names import fold
from chatservice.plain import render

_COLOURS: Final = (31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96)
_BOLD: Final = 1
_DIM: Final = 2
_RED: Final = 31
_YELLOW: Final = 33
_CYAN: Final = 36
_ZONE: Final = re.compile(r"[,;](?: their)? times are UTC")  # not those shown here
_WORD: Final = re.compile(r"[\w\-\[\]{}|^`]+")


class Look:
    """Turns events into lines for a terminal.

    :param colour: whether to use colours.
    :param now: returns the time, seconds since 1970.
    """

    def __init__(self, colour: bool, now: Callable[[], float] = time.time) -> None:
        self._colour = colour
        self._now = now

    def line(self, event: Event, me: str) -> str:
        """Return the event as a line; one from the past has its local time before it.

        :param me: the nickname worn here; its lines and mentions stand out.
        """
        if event.past:
            when = self._when(event.at)
            line = self.line(event._replace(past=False), me)
            return f"{_paint(when, _DIM) if self._colour else when} {line}"
        line = render(event, elsewhere=True)  # with the room where the server named it
        if event.kind is Kind.NOTICE:
            line = _ZONE.sub("", line)
        if not self._colour:
            return line
        match event.kind:
            case Kind.ERROR:
                return _paint(line, _RED)
            case Kind.SAID | Kind.ACTED | Kind.PRIVATE:
                painted = self._paint_nick(line, event)
                return _paint(painted, _BOLD) if mentions(event, me) else painted
            case Kind.TOPIC:
                return _paint(line, _CYAN)
            case Kind.KICKED:
                return _paint(line, _RED if event.to == me else _YELLOW)
            case Kind.INVITED | Kind.ROLE if mentions(event, me):
                return _paint(line, _BOLD)
            case _:
                return _paint(line, _DIM)

    def notice(self, text: str) -> str:
        """Return a line of the client's own."""
        line = f"-- {text}"
        return _paint(line, _DIM) if self._colour else line

    def _when(self, at: float) -> str:
        then, now = _local(at), _local(self._now())
        return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M}"

    def _paint_nick(self, line: str, event: Event) -> str:
        nick, before = event.nick, len(event.room)
        colour = _COLOURS[zlib.crc32(fold(nick).encode()) % len(_COLOURS)]
        head, _, rest = line[before:].partition(nick)
        return f"{line[:before]}{head}\x1b[{colour}m{nick}\x1b[39m{rest}"


def mentions(event: Event, me: str) -> bool:
    """Tell whether somebody else's line is for this person: said or done to it, or naming it."""
    if event.nick == me or not me:
        return False
    if event.kind is Kind.INVITED:
        return True
    if event.kind in (Kind.PRIVATE, Kind.KICKED, Kind.ROLE):
        return event.to == me
    if event.kind not in (Kind.SAID, Kind.ACTED):
        return False
    return fold(me) in map(fold, _WORD.findall(event.text))


def _local(at: float) -> datetime:
    try:
        return datetime.fromtimestamp(at)
    except (OverflowError, OSError, ValueError):  # the server may say year 1 or 9999
        return datetime.fromtimestamp(at, UTC)


def _paint(text: str, code: int) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"
