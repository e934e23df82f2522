"""A connection whose lines come out of a byte stream: what the doors for such lines share.

What a line says, each door knows; this is when lines are taken.
"""

from typing import ClassVar

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from chatservice.doors.connection import Connection
from chatservice.doors.framing import LineFramer
from chatservice.doors.outlet import Transport
from chatservice.session import State


class Stream(Connection, LineFramer):
    """One connection that is read line by line."""

    certified: ClassVar[bool] = True
    transport: Transport  # type: ignore[assignment]  # LineReceiver does not say what it is

    def resting(self) -> None:
        """Let others have their turn."""
        clock = self.factory.hub.clock
        if clock is not None:
            self.hold("turn")
            clock.callLater(0, self.release, "turn")

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Take what a peer that closed in good order has left, whole lines or not; clean up."""
        in_order = reason is not None and reason.check(ConnectionDone)
        if in_order and self.session.state is State.JOINED:
            self.finish()
        super().connectionLost(reason)

    def pause(self) -> None:
        """Stop reading, between two lines."""
        self.pauseProducing()

    def resume(self) -> None:
        """Read again, first what was read already."""
        self.resumeProducing()
