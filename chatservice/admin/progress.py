"""How far something long is: one line on a terminal's standard error, and nothing anywhere else."""

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Self, TextIO

from chatservice.admin.opening import LOOK_EVERY

DRAW_EVERY: Final = 0.1
"""Seconds between two drawings."""


class Progress:
    """A line that says what is being done and how far it is.

    :param what: the beginning of the line.
    :param total: how many lines there are to do; None if that is not known.
    :param stream: where to draw; standard error by default.
    :param hidden: draw nothing even on a terminal, as when others write there, too.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        what: str,
        total: int | None = None,
        *,
        stream: TextIO | None = None,
        hidden: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._shown = not hidden and self._stream.isatty()
        self._clock = clock
        self._began = clock()
        self._drawn = self._began - DRAW_EVERY
        self._width = 0
        self._lines = 0
        self._share: float | None = None

    def __enter__(self) -> Self:
        """Use it as a context: the line goes with the block."""
        try:
            self.tick()
        except BaseException:  # Ctrl-C, as soon as there is something to see
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """Take the line away."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0
            self._stream.flush()

    def at(self, lines: int, share: float | None = None) -> None:
        """Say how many lines are done.

        :param share: how much that is of everything, 0 to 1, if not lines / total.
        """
        self._lines = lines
        self._share = share if share is not None or not self._total else lines / self._total
        self.tick()

    def tick(self) -> None:
        """Draw the line if it is time to."""
        now = self._clock()
        if self._shown and now - self._drawn >= DRAW_EVERY:
            self._drawn = now
            text = self._text(now - self._began)
            padded = text.ljust(self._width)
            self._width = len(text)
            self._stream.write("\r" + padded)
            self._stream.flush()

    def _text(self, seconds: float) -> str:
        parts = []
        if self._share is not None:
            parts.append(f"{100 * min(1.0, self._share):.0f} %")
        if self._lines and seconds:
            parts.append(f"{self._lines / seconds:,.0f} lines/s")
        if self._share and seconds:
            parts.append(f"{_span(seconds / self._share - seconds)} left")
        else:
            parts.append(_span(seconds))
        return f"{self._what}: {', '.join(parts)}"


@contextmanager
def watched(db: sqlite3.Connection, progress: Progress) -> Iterator[None]:
    """Let time go on, and let Ctrl-C end it, while SQLite is busy with long statements."""
    db.set_progress_handler(progress.tick, LOOK_EVERY)  # an error in there interrupts SQLite
    try:
        yield
    except sqlite3.OperationalError as error:
        if str(error) == "interrupted":
            raise KeyboardInterrupt from None
        raise
    finally:
        db.set_progress_handler(None, 0)


def _span(seconds: float) -> str:
    whole = round(max(0.0, seconds))
    return f"{whole // 60}:{whole % 60:02} min" if whole >= 60 else f"{whole} s"
