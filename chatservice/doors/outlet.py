"""The way out of one connection: takes bytes at once or says that it holds a rest.

On plain TCP and unix sockets what the kernel takes goes out by the socket's own ``send``; writing
through the transport costs two epoll_ctl and a poll event more for each write. Everything else
(TLS, proxies, tests) is written through the transport: the socket below TLS would leak plaintext.
Either way a rest is held by the transport, and ``drained`` is called when it is gone.
"""

from collections.abc import Callable
from typing import Protocol

from twisted.internet import tcp
from twisted.internet.interfaces import IPullProducer, IPushProducer
from zope.interface import implementer


class Transport(Protocol):
    """What doors use of a twisted transport (ITransport, IConsumer, IPushProducer)."""

    def write(self, data: bytes, /) -> None:
        """Send bytes, now or later."""

    def getPeer(self) -> object:
        """Return the peer's IAddress."""

    def loseConnection(self) -> None:
        """Close once everything is sent."""

    def registerProducer(self, producer: object, streaming: bool, /) -> None:
        """Tell a producer when there is room for more."""

    def unregisterProducer(self) -> None:
        """Tell it no more."""

    def pauseProducing(self) -> None:
        """Stop reading."""

    def resumeProducing(self) -> None:
        """Read again."""


class Outlet(Protocol):
    """What doors write to."""

    @property
    def holding(self) -> bool:
        """Whether a rest is held."""

    def write(self, data: bytes, /) -> bool:
        """Send bytes, or keep them to be sent.

        :returns: False if a rest is held; drained is then called as soon as it is gone.
        """

    def close(self) -> None:
        """Disconnect once everything is out."""


def outlet_for(transport: Transport, drained: Callable[[], None], written: bool = False) -> Outlet:
    """Return the way out of a connected transport.

    :param drained: called when a rest that was held is gone.
    :param written: whether something was just written to the transport, which may hold it still.
    """
    # Only what is known to write its bytes to the wire as they are: neither a wrapper nor a
    # connection that has turned to TLS is exactly such a transport.
    if isinstance(transport, tcp.Connection) and not getattr(transport, "TLS", False):
        return _SocketOutlet(transport, drained, written)
    return _TransportOutlet(transport, drained)


@implementer(IPullProducer)
class _SocketOutlet:
    """Sends by the socket; a pull producer tells when the transport's buffer is empty."""

    __slots__ = ("_drained", "_send", "_transport", "holding")

    def __init__(
        self, transport: tcp.Connection, drained: Callable[[], None], written: bool
    ) -> None:
        self._transport = transport
        self._drained = drained
        self._send: Callable[[bytes], int] = transport.getHandle().send
        self.holding = False
        if written:
            self._hold()

    def write(self, data: bytes) -> bool:
        if self.holding:
            self._transport.write(data)
            return False
        try:
            sent = self._send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:  # the connection is broken: its end comes through the reactor
            self._transport.abortConnection()
            return True
        if sent == len(data):
            return True
        self._transport.write(data[sent:])
        self._hold()
        return False

    def _hold(self) -> None:
        # Registering asks for data at once, which does not mean that the buffer is empty.
        self._transport.registerProducer(self, False)
        self.holding = True

    def resumeProducing(self) -> None:
        if self.holding:
            self._transport.unregisterProducer()
            self.holding = False
            self._drained()

    def stopProducing(self) -> None:
        """The connection is gone; the protocol hears of it by itself."""

    def close(self) -> None:
        if self.holding:
            self._transport.unregisterProducer()
            self.holding = False
        self._transport.loseConnection()


@implementer(IPushProducer)
class _TransportOutlet:
    """Writes through the transport, which pauses us when it holds more than it likes (64 KiB)."""

    __slots__ = ("_drained", "_transport", "holding")

    def __init__(self, transport: Transport, drained: Callable[[], None]) -> None:
        self._transport = transport
        self._drained = drained
        self.holding = False
        transport.registerProducer(self, True)

    def write(self, data: bytes) -> bool:
        self._transport.write(data)
        return not self.holding

    def pauseProducing(self) -> None:
        self.holding = True

    def resumeProducing(self) -> None:
        if self.holding:
            self.holding = False
            self._drained()

    def stopProducing(self) -> None:
        """The connection is gone; the protocol hears of it by itself."""

    def close(self) -> None:
        self._transport.unregisterProducer()  # a transport with a producer never closes
        self._transport.loseConnection()
