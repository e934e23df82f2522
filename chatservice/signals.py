"""Signals, taken when the reactor has time for them.

Twisted's handlers write to the log, and a signal comes at any moment, also in the middle of a line
of the log: its lock, taken twice by one thread at that moment, holds the process for ever.
"""

import signal
from collections.abc import Callable
from types import FrameType

from twisted.logger import Logger

from chatservice.interfaces import IThreads

_log = Logger()


def take_calmly(reactor: IThreads) -> None:
    """Let what is done at SIGTERM and SIGINT be done in the reactor's loop; survive SIGHUP.

    :param reactor: running, so that its handlers are in place.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)
        if callable(handler):
            signal.signal(number, _later(reactor, handler))
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # it would end the chat
        signal.signal(signal.SIGHUP, _later(reactor, _hang_up))


def _later(
    reactor: IThreads, handler: Callable[[int, FrameType | None], object]
) -> Callable[[int, FrameType | None], None]:
    return lambda number, frame: reactor.callFromThread(handler, number, None)


def _hang_up(number: int, frame: FrameType | None) -> None:
    _log.info("SIGHUP: nothing to read again")
