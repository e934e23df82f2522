"""Lines out of a byte stream: LineReceiver with the corrections that hostile input asks for.

    line end     LF, CR LF, or CR NUL (telnet in character mode)
    too long     over MAX_LENGTH bytes without the line's end: lineTooLong is called once, all of
                 that line is dropped as it comes, and the next line is a line again
    telnet       its commands are taken out first, see telnet.py; timingMarkAsked is called for
                 the one that needs an answer

LineReceiver itself calls lineLengthExceeded with the long line *and* all that came in the same
read, forgets that it is in the middle of a long line, and counts a CR before LF.
"""

import re
from collections import deque
from typing import ClassVar, Final

from twisted.protocols.basic import LineReceiver

from chatservice.doors.telnet import TelnetFilter
from chatservice.text import MAX_LINE

AT_ONCE: Final = 64
"""Lines taken from one connection before others should have their turn."""

_NO_LINES: Final[deque[bytes | None]] = deque()  # shared: an empty one costs 0.7 KiB
_END: Final = re.compile(rb"\r\n|\n|\r\0")


class LineFramer(LineReceiver):
    """Calls lineReceived for each whole line and lineTooLong for each that is too long.

    pauseProducing and resumeProducing work between any two lines, as with LineReceiver.
    """

    delimiter = b"\r\n"  # what sendLine sends
    MAX_LENGTH = MAX_LINE

    speaks_telnet: ClassVar[bool] = True
    """Whether telnet's commands are taken out of what comes."""

    def __init__(self) -> None:
        if self.speaks_telnet:
            self._telnet = TelnetFilter()
        self._tail = b""  # an unfinished line, or its last byte if it is too long already
        self._skipping = False  # that unfinished line is too long
        self._lines = _NO_LINES  # received, not taken yet; None: was too long
        self._taking = False

    def lineReceived(self, line: bytes) -> None:
        """Called for each line, without its end."""

    def lineTooLong(self) -> None:
        """Called for a line over MAX_LENGTH, in its place among the lines."""

    def timingMarkAsked(self) -> None:
        """Called when a telnet waits for the answer TIMING_MARK before it shows anything more."""

    def dataReceived(self, data: bytes) -> None:
        """Take a chunk of the stream; empty when resumeProducing calls."""
        if data:
            if self.speaks_telnet:
                data = self._telnet.feed(data)
            self._split(data)
            if self.speaks_telnet and self._telnet.asked:  # once for each read, however often
                self._telnet.asked = False
                self.timingMarkAsked()
        if not self._taking:
            self._taking = True
            try:
                self._take()
            finally:
                self._taking = False

    def resting(self) -> None:
        """Called when AT_ONCE lines were taken and more are waiting.

        Whoever pauses here lets others have their turn.
        """

    def finish(self) -> None:
        """Take all that was received, also a last line without its end: no more will come."""
        lines, self._lines = self._lines, _NO_LINES
        tail, self._tail = self._tail.removesuffix(b"\r"), b""
        for line in lines:
            self._deliver(line)
        if tail and not self._skipping:
            self._deliver(tail)

    def clearLineBuffer(self) -> bytes:
        """Forget the lines that were received and not taken; return the unfinished one."""
        self._lines = _NO_LINES
        tail, self._tail = self._tail, b""
        return tail

    def take_later(self, line: bytes | None) -> None:
        """Put a line behind those that were received and not taken."""
        if self._lines is _NO_LINES:
            self._lines = deque()
        self._lines.append(line)

    def _split(self, data: bytes) -> None:
        *ended, tail = _END.split(self._tail + data)
        for line in ended:
            too_long = self._skipping or len(line) > self.MAX_LENGTH
            self.take_later(None if too_long else line)
            self._skipping = False
        if self._skipping or len(tail) - tail.endswith(b"\r") > self.MAX_LENGTH:
            self._skipping = True
            tail = tail[-1:]  # a CR, perhaps, whose LF is still to come
        self._tail = tail

    def _take(self) -> None:
        taken = 0
        while self._lines and not self.paused:
            if taken == AT_ONCE:
                taken = 0
                self.resting()
                continue
            taken += 1
            self._deliver(self._lines.popleft())
        if not self._lines:
            self._lines = _NO_LINES

    def _deliver(self, line: bytes | None) -> None:
        if line is None:
            self.lineTooLong()
        else:
            self.lineReceived(line)
