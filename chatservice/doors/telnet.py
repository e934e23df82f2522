"""Takes telnet's own commands out of a byte stream, wherever the network cut it.

    IAC (FF) IAC                   two of them would stand for one byte FF; dropped like the rest,
                                   since FF never occurs in UTF-8
    IAC WILL/WONT/DO/DONT option   three bytes
    IAC SB ... IAC SE              of any length
    IAC anything else              two bytes

RFC 854, RFC 855. Nothing is ever asked, and one question alone is answered: a telnet whose user
pressed ^C sends IAC DO TIMING-MARK and shows nothing any more until it gets the answer (RFC 860).
"""

from enum import Enum, auto
from typing import Final

IAC: Final = 0xFF
_SB: Final = 0xFA
_SE: Final = 0xF0
_WILL: Final = 0xFB
_DO: Final = 0xFD
_OPTION_COMMANDS: Final = frozenset(range(0xFB, 0xFF))  # WILL, WONT, DO, DONT
_TIMING_MARK: Final = 6

TIMING_MARK: Final = bytes([IAC, _WILL, _TIMING_MARK])
"""The answer to IAC DO TIMING-MARK."""

MOST_COMMANDS: Final = 1000
"""So many IAC in one read are no telnet's: they are work for the server and nothing else."""

_LONGEST: Final = 1024
"""After so many bytes a subnegotiation without an end is over: it was none, and would swallow
everything that a person writes."""


class _Place(Enum):
    TEXT = auto()
    COMMAND = auto()  # after IAC
    OPTION = auto()  # after IAC WILL and its like
    SUB = auto()  # after IAC SB
    SUB_COMMAND = auto()  # after IAC within SUB


class TelnetFilter:
    """Returns what a person wrote, without telnet's commands. Feed it chunks as they come.

    :ivar asked: whether a timing mark was asked for; whoever answers it sets it to False.
    """

    __slots__ = ("_command", "_length", "_place", "asked")

    def __init__(self) -> None:
        self.asked = False
        self._command = 0
        self._place = _Place.TEXT
        self._length = 0

    def feed(self, data: bytes) -> bytes:
        """Return the text in a chunk; a command may begin in one chunk and end in another."""
        if self._place is _Place.TEXT and IAC not in data:
            return data
        text = bytearray()
        start = 0
        while start < len(data):
            if self._place is _Place.TEXT:
                stop = data.find(IAC, start)
                stop = len(data) if stop < 0 else stop
                text += data[start:stop]
                start = stop
            if start < len(data):
                self._step(data[start])
                start += 1
        return bytes(text)

    def _step(self, byte: int) -> None:
        """Move on by one byte of a command."""
        match self._place:
            case _Place.TEXT:  # the byte is IAC
                self._place = _Place.COMMAND
            case _Place.COMMAND:
                if byte == _SB:
                    self._place, self._length = _Place.SUB, 0
                elif byte in _OPTION_COMMANDS:
                    self._place, self._command = _Place.OPTION, byte
                else:
                    self._place = _Place.TEXT
            case _Place.OPTION:
                self._place = _Place.TEXT
                if self._command == _DO and byte == _TIMING_MARK:
                    self.asked = True
            case _Place.SUB:
                self._length += 1
                if byte == IAC:
                    self._place = _Place.SUB_COMMAND
                elif self._length >= _LONGEST:
                    self._place = _Place.TEXT
            case _Place.SUB_COMMAND:
                self._length += 1
                self._place = _Place.TEXT if byte == _SE else _Place.SUB
