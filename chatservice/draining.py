"""Closing in good time: nobody new comes in, and those who are here learn when it ends."""

from collections.abc import Callable
from typing import Final

from chatservice.errors import ChatError, Code
from chatservice.interfaces import IClock, ITimer

LONGEST: Final = 86_400.0
"""The longest notice that can be given, in seconds."""

_WARNINGS: Final = (60.0, 10.0)  # seconds before the end at which it is said again


class Draining:
    """The time before the end of a chat.

    :param clock: without one there is no later: then this cannot begin.
    :param say: tells everybody something.
    :param end: ends the chat; called once.
    """

    def __init__(
        self, clock: IClock | None, say: Callable[[str], None], end: Callable[[], object]
    ) -> None:
        self._clock = clock
        self._say = say
        self._end = end
        self._at = 0.0
        self._timers: list[ITimer] = []

    def begin(self, seconds: float) -> None:
        """Let nobody in any more and end the chat after a while.

        :raises ChatError: BAD_ARGUMENTS.
        """
        if self._clock is None or not 0 <= seconds <= LONGEST:
            raise ChatError(Code.BAD_ARGUMENTS, "Say when it ends: /drain 10m, at most 1d.")
        self._cancel()
        self._at = self._clock.seconds() + seconds
        self._say(f"The chat closes {_in(seconds)}. Nobody new can come in.")
        for before in _WARNINGS:
            if before < seconds:
                text = f"The chat closes {_in(before)}."
                self._timers.append(self._clock.callLater(seconds - before, self._say, text))
        self._timers.append(self._clock.callLater(seconds, self._end))

    @property
    def begun(self) -> bool:
        """Whether nobody is let in any more."""
        return bool(self._timers)

    def stop(self) -> None:
        """Let people in again.

        :raises ChatError: BAD_ARGUMENTS if nothing had begun.
        """
        if not self._timers:
            raise ChatError(Code.BAD_ARGUMENTS, "The chat is not closing: /drain 10m begins that.")
        self._cancel()
        self._say("The chat does not close after all.")

    def check(self) -> None:
        """Ask whether somebody new may come in.

        :raises ChatError: CLOSING.
        """
        if self._timers and self._clock is not None:
            left = max(0.0, self._at - self._clock.seconds())
            raise ChatError(
                Code.CLOSING, f"The server closes {_in(left)}: connect again after that."
            )

    def _cancel(self) -> None:
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        self._timers.clear()


def _in(seconds: float) -> str:
    if seconds < 1:
        return "now"
    number, unit = (round(seconds / 60), "minute") if seconds >= 60 else (round(seconds), "second")
    return f"in {number} {unit}{'' if number == 1 else 's'}"
