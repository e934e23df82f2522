"""Commands that the client gives by itself on each connection, and what becomes of their answers.

Answers come in the order of the commands, and until these are answered nothing else is sent; so an
answer is theirs, not the user's. /resume comes first: its answer is like no other, and whatever
the server tells of its own accord on joining stands before it.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from chatservice.client.alarm import Alarm
from chatservice.client.outbox import retry_after
from chatservice.events import Event, Kind
from chatservice.interfaces import IClock

RESUME: Final = "/resume"
TIMES: Final = "/time here"

_ANSWERS: Final = {RESUME: Kind.RESUME, TIMES: Kind.NOTICE}

SILENT: Final = 10.0
"""Seconds without an answer, or a line from the past, after which none is waited for."""


class Errands:
    """Stands between the link and its user.

    :param clock: a reactor.
    :param send: sends a line.
    :param tell: tells the user of an event.
    :param done: called when nothing is to be answered any more; with whether it was answered.
    """

    def __init__(
        self,
        clock: IClock,
        send: Callable[[str], object],
        tell: Callable[[Event], object],
        done: Callable[[bool], object],
    ) -> None:
        self._send = send
        self._tell = tell
        self._done = done
        self._sent: deque[str] = deque()
        self._refused: list[str] = []  # to be sent again
        self._pause = 0.0
        self._alarm = Alarm(clock)

    def start(self, commands: Iterable[str]) -> None:
        """Send commands; done is called once they are answered."""
        self.stop()
        for command in commands:
            self._sent.append(command)
            self._send(command)
        self._alarm.after(SILENT, self._give_up)

    def stop(self) -> None:
        """Forget what is to be answered, as after a lost connection."""
        self._sent.clear()
        self._refused.clear()
        self._alarm.off()

    def heard(self, event: Event) -> None:
        """Pass an event on to the user unless it is an answer to one of the commands.

        Refusals are passed on, too, except to try again later.
        """
        if not self._sent or event.kind not in (_ANSWERS[self._sent[0]], Kind.ERROR):
            if self._sent and event.past:  # much was missed, and the answer comes behind it
                self._alarm.after(SILENT, self._give_up)
            self._tell(event)
            return
        command = self._sent.popleft()
        if (pause := retry_after(event)) is not None:
            self._refused.append(command)
            self._pause = pause
        elif event.kind is Kind.ERROR:
            self._tell(event)
        if not self._sent:
            self._go_on()

    def _go_on(self) -> None:
        if self._refused:
            again = tuple(self._refused)
            self._alarm.after(self._pause, lambda: self.start(again))
        else:
            self._alarm.off()
            self._done(True)

    def _give_up(self) -> None:
        self.stop()
        self._done(False)
