"""The way out: order across the direct and the buffered path, and no plaintext below TLS."""

import socket
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import tcp
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.liveness import prepare, tcp_below, unheard
from chatservice.doors.outlet import outlet_for


class FakeSocket:
    """Takes as many bytes at each send as it is told to; raises what it is told to."""

    def __init__(self) -> None:
        self.sent = b""
        self.room: list[int] = []
        self.error: OSError | None = None

    def send(self, data: bytes) -> int:
        """Take some."""
        if self.error is not None:
            raise self.error
        taken = min(len(data), self.room.pop(0) if self.room else len(data))
        if taken == 0 and data:
            raise BlockingIOError
        self.sent += data[:taken]
        return taken


class FakeConnection(tcp.Connection):
    """A TCP transport whose kernel and reactor are the test."""

    def __init__(self) -> None:
        self.wire = FakeSocket()
        self.buffer = b""
        self.aborted = self.lost = False
        self.pull: Callable[[], None] | None = None

    def getHandle(self) -> FakeSocket:  # type: ignore[override]
        return self.wire

    def write(self, data: bytes) -> None:
        self.buffer += data

    def registerProducer(self, producer: object, streaming: bool) -> None:
        assert not streaming
        assert self.pull is None
        self.pull = producer.resumeProducing  # type: ignore[attr-defined]
        self.pull()  # as the real one does at once

    def unregisterProducer(self) -> None:
        self.pull = None

    def loseConnection(self) -> None:
        self.lost = True

    def abortConnection(self) -> None:
        self.aborted = True

    def drain(self) -> None:
        """Let the kernel take the buffer, and ask the producer as doWrite does."""
        self.wire.sent += self.buffer
        self.buffer = b""
        if self.pull is not None:
            self.pull()


class OnASocket(SynchronousTestCase):
    """Plain TCP."""

    def setUp(self) -> None:
        """Make an outlet."""
        self.connection = FakeConnection()
        self.drained = 0
        self.outlet = outlet_for(self.connection, self._drained)

    def _drained(self) -> None:
        self.drained += 1

    def test_what_the_kernel_takes_goes_by_the_socket_alone(self) -> None:
        """No write through the transport, no producer."""
        self.assertTrue(self.outlet.write(b"hello"))
        self.assertEqual(self.connection.wire.sent, b"hello")
        self.assertEqual((self.connection.buffer, self.connection.pull), (b"", None))

    def test_a_rest_is_held_and_its_end_is_told_once(self) -> None:
        """The first call of a pull producer does not mean that it is gone."""
        self.connection.wire.room = [2]
        self.assertFalse(self.outlet.write(b"hello"))
        self.assertEqual(self.drained, 0)
        self.connection.drain()
        self.assertEqual((self.connection.wire.sent, self.drained), (b"hello", 1))
        self.assertTrue(self.outlet.write(b"!"))

    def test_a_broken_connection_is_ended_without_an_error(self) -> None:
        """The fan-out must go on; the reactor brings the end."""
        self.connection.wire.error = BrokenPipeError()
        self.assertTrue(self.outlet.write(b"hello"))
        self.assertTrue(self.connection.aborted)

    def test_closing_while_something_is_held(self) -> None:
        """A transport with a producer would never close."""
        self.connection.wire.room = [1]
        self.outlet.write(b"hello")
        self.outlet.close()
        self.assertIsNone(self.connection.pull)
        self.assertTrue(self.connection.lost)

    @given(
        st.lists(
            st.one_of(st.tuples(st.binary(min_size=1, max_size=20), st.integers(0, 20)), st.none())
        )
    )
    def test_bytes_keep_their_order_under_random_partial_sends(
        self, steps: list[tuple[bytes, int] | None]
    ) -> None:
        """Whatever the kernel takes when, the wire shows what was written; None drains."""
        self.setUp()
        written, held = b"", False
        for step in steps:
            if step is None:
                self.connection.drain()
                held = False
                continue
            data, room = step
            self.connection.wire.room = [room]
            taken = self.outlet.write(data)
            written += data
            held = held or room < len(data)
            self.assertEqual(taken, not held)
            self.assertEqual(self.connection.wire.sent + self.connection.buffer, written)
        self.connection.drain()
        self.assertEqual(self.connection.wire.sent, written)


class ThroughTheTransport(SynchronousTestCase):
    """Everything that is not plain TCP."""

    def test_paused_means_held_and_resumed_means_drained(self) -> None:
        """A push producer says when."""
        told: list[None] = []
        transport = StringTransport()
        outlet = outlet_for(transport, lambda: told.append(None))
        producer = transport.producer
        assert producer is not None
        self.assertTrue(outlet.write(b"a"))
        producer.pauseProducing()
        self.assertFalse(outlet.write(b"b"))
        producer.resumeProducing()
        self.assertEqual((told, transport.value()), ([None], b"ab"))
        outlet.close()
        self.assertIsNone(transport.producer)
        self.assertTrue(transport.disconnecting)

    def test_never_by_the_socket_below_tls_or_a_wrapper(self) -> None:
        """The socket's own send would leak plaintext."""
        connection = FakeConnection()

        class Wrapper(ProtocolWrapper):
            def __init__(self) -> None:
                self.transport = connection  # type: ignore[assignment]

        class Tls(TLSMemoryBIOProtocol):
            def __init__(self) -> None:
                self.transport = connection  # type: ignore[assignment]
                self.written = b""

            def write(self, data: bytes) -> None:
                self.written += data

            def registerProducer(self, producer: object, streaming: bool) -> None:
                assert streaming

        tls = Tls()
        outlet_for(tls, lambda: None).write(b"secret")
        self.assertEqual((tls.written, connection.wire.sent), (b"secret", b""))

        connection.registerProducer = lambda *_: None  # type: ignore[method-assign]
        outlet_for(Wrapper(), lambda: None).write(b"header first")
        self.assertEqual((connection.wire.sent, connection.buffer), (b"", b"header first"))

        connection.TLS = True  # as after startTLS
        outlet_for(connection, lambda: None).write(b"secret")
        self.assertEqual(connection.wire.sent, b"")


class Liveness(SynchronousTestCase):
    """What is asked of the kernel."""

    def test_the_tcp_connection_is_found_through_wrappers(self) -> None:
        """And none is found where there is none."""
        left, right = socket.socketpair()
        self.addCleanup(left.close)
        self.addCleanup(right.close)
        unix = FakeConnection()
        unix.wire = left  # type: ignore[assignment]
        self.assertIsNone(tcp_below(unix))
        self.assertIsNone(tcp_below(StringTransport()))

    def test_a_connection_is_prepared_and_asked(self) -> None:
        """A real pair of sockets: small buffers, keepalive, nobody owes an answer."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            far = socket.create_connection(server.getsockname())
            near, _ = server.accept()
        self.addCleanup(far.close)
        self.addCleanup(near.close)
        connection = FakeConnection()
        connection.wire = connection.socket = near  # type: ignore[assignment]
        self.assertIs(tcp_below(connection), connection)
        prepare(connection, ping=7.0, timeout=6.0)
        self.assertEqual(near.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1)
        self.assertEqual(near.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 7)
        self.assertEqual(near.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL), 2)
        self.assertNotEqual(near.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), 0)
        self.assertLessEqual(near.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF), 128 << 10)
        self.assertEqual(unheard(connection), 0.0)
        near.close()
        self.assertEqual(unheard(connection), 0.0)
