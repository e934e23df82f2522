"""Signals wait until the reactor has time for them."""

import signal
from types import FrameType
from typing import cast

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from chatservice.signals import take_calmly
from tests.store_fakes import Pump

ALL = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals(SynchronousTestCase):
    """A pump stands in for the reactor; the signals are real."""

    def setUp(self) -> None:
        self.pump = Pump()
        self.taken: list[int] = []
        for number in ALL:
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        signal.signal(signal.SIGTERM, self.take)
        signal.signal(signal.SIGINT, self.take)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        take_calmly(self.pump)

    def take(self, number: int, frame: FrameType | None) -> None:
        self.taken.append(number)

    def test_handlers_run_in_the_reactors_loop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
            self.assertEqual(self.taken, [])
            self.pump.turn()
            self.assertEqual(self.taken, [number])
            self.taken.clear()

    def test_nothing_is_logged_from_within_a_handler(self) -> None:
        logged: list[LogEvent] = []
        observer = cast("ILogObserver", logged.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        signal.raise_signal(signal.SIGHUP)
        self.assertEqual(logged, [])
        self.pump.turn()
        self.assertEqual(len(logged), 1)

    def test_a_hang_up_that_is_ignored_stays_so(self) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        take_calmly(self.pump)
        self.assertIs(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)
