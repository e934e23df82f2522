"""Who came and went, in the program's log: one record for all that happens in a turn.

A record for each was a sixth of what a join costs, and in a storm they come by the hundred.
"""

from twisted.logger import Logger

from chatservice.interfaces import IClock


class Journal:
    """Gathers lines until the turn's end.

    :param clock: the reactor; without one every line is a record.
    """

    _log = Logger()

    def __init__(self, clock: IClock | None) -> None:
        self._clock = clock
        self._lines: list[str] = []

    def note(self, line: str) -> None:
        """Take a line; what comes from the network must be quoted in it."""
        self._lines.append(line)
        if self._clock is None:
            self._write()
        elif len(self._lines) == 1:
            self._clock.callLater(0, self._write)

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        self._log.info("{lines}", lines="\n".join(lines))
