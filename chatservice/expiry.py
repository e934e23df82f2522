"""What is over, removed in rounds: bans and mutes, and accounts that nobody uses any more."""

from typing import Final, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.hub import Hub
from chatservice.interfaces import IClock

EVERY: Final = 3600.0
"""Seconds between two rounds."""


class Expiry:
    """Removes what is over, at the start and then every hour.

    :param seconds: how long an account is kept after its owner was last here; None for good.
    """

    _log = Logger()

    def __init__(self, clock: IClock, hub: Hub, seconds: float | None) -> None:
        self._hub = hub
        self._seconds = seconds
        self._loop = LoopingCall(self._round)
        self._loop.clock = cast("IReactorTime", clock)

    def start(self) -> None:
        """Start, once what is kept is known."""
        self._loop.start(EVERY).addErrback(self._failed)

    def stop(self) -> None:
        """Stop."""
        if self._loop.running:
            self._loop.stop()

    def _round(self) -> None:
        """Begin a round; it goes on beside the chat."""
        self._hub.parts.sanctions.sweep()
        self._hub.listeners.note()  # before: who listens for months does not expire
        if self._seconds is not None:
            self._hub.expire(self._seconds).addCallbacks(self._done, self._failed)

    def _done(self, count: int) -> None:
        if count:
            self._log.info("accounts that have expired: {count}", count=count)

    def _failed(self, failure: Failure) -> None:
        self._log.warn("accounts could not expire: {why}", why=failure.getErrorMessage())
