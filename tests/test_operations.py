"""What a turn costs, counted in operations: encodings, system calls, commits, timers.

Speed is measured in benchmarks/; here stands what must not change unnoticed, on any machine.
"""

import socket
from collections import Counter
from typing import cast
from unittest import mock

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.line import ChatFactory, ChatProtocol, PlainLines
from chatservice.events import Event
from chatservice.hub import Hub
from chatservice.interfaces import IClock
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from chatservice.store.memory import MemoryLog
from tests.doors.test_outlet import FakeConnection, FakeSocket
from tests.fakes import said
from tests.store_fakes import Store


class CountingSocket(FakeSocket):
    """Counts what a program would ask of the kernel."""

    family = socket.AF_INET

    def __init__(self) -> None:
        super().__init__()
        self.sends = 0

    def send(self, data: bytes) -> int:
        self.sends += 1
        return super().send(data)

    def setsockopt(self, *option: object) -> None:
        """Take an option."""


class CountingConnection(FakeConnection):
    """A TCP connection whose system calls are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.wire: CountingSocket = CountingSocket()

    def setTcpNoDelay(self, enabled: object) -> None:
        """Send at once."""

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.1", 4242)


class ATurn(SynchronousTestCase):
    """People at the line door over plain TCP."""

    def setUp(self) -> None:
        self.clock = Clock()
        clock = cast("IClock", self.clock)
        self.factory = ChatFactory(Hub(MemoryLog(), clock, policy=Policy(limits=UNLIMITED)))
        self.encoded: Counter[Event] = Counter()
        self.here = [self.come(f"u{n}") for n in range(5)]
        self.clock.advance(0)
        self.before = [self.sends(one) for one in self.here]

        encode = PlainLines.encode

        def counting(dialect: PlainLines, event: Event) -> bytes:
            self.encoded[event] += 1
            return encode(dialect, event)

        patched = mock.patch.object(PlainLines, "encode", counting)
        patched.start()
        self.addCleanup(patched.stop)

    def come(self, nick: str) -> ChatProtocol:
        protocol = cast("ChatProtocol", self.factory.buildProtocol(None))
        protocol.makeConnection(CountingConnection())
        protocol.dataReceived(nick.encode() + b"\r\n")
        return protocol

    def sends(self, one: ChatProtocol) -> int:
        return cast("CountingConnection", one.transport).wire.sends

    def spent(self) -> list[int]:
        """Return how often each sent since the start."""
        return [self.sends(one) - n for one, n in zip(self.here, self.before, strict=True)]

    def test_all_that_is_said_costs_one_send_for_each_member_and_one_encoding_a_line(self) -> None:
        for one in self.here:
            one.dataReceived(b"one\r\ntwo\r\n")
        self.clock.advance(0)
        self.assertEqual(self.spent(), [1] * 5)
        self.assertEqual(set(self.encoded.values()), {1})
        self.assertEqual(len(self.encoded), 10)

    def test_a_storm_of_newcomers_costs_one_send_for_each_who_is_here(self) -> None:
        for n in range(100):
            self.come(f"new{n}")
        self.clock.advance(0)
        self.assertEqual(self.spent(), [1] * 5)
        announced = [count for event, count in self.encoded.items() if event.room]
        self.assertEqual(announced, [1] * 100)

    def test_coming_in_costs_two_sends_the_question_and_all_that_follows(self) -> None:
        newcomers = [self.come(f"new{n}") for n in range(3)]
        self.here[0].dataReceived(b"hello\r\n")
        self.clock.advance(0)
        self.assertEqual([self.sends(one) for one in newcomers], [2, 2, 2])
        wire = cast("CountingConnection", newcomers[1].transport).wire
        heard = wire.sent.decode().splitlines()
        self.assertEqual(heard[:3], ["NICK", "new1 joined the chat", "Connected to the server"])
        self.assertEqual(heard[3:], ["new2 joined the chat", "u0: hello"])

    def test_nothing_goes_through_the_transport_while_the_kernel_takes_it(self) -> None:
        self.here[0].dataReceived(b"hello\r\n")
        self.clock.advance(0)
        for one in self.here:
            connection = cast("CountingConnection", one.transport)
            self.assertEqual((connection.buffer, connection.pull), (b"", None))

    def test_who_does_nothing_costs_nothing(self) -> None:
        timers = len(self.clock.getDelayedCalls())
        for n in range(100):
            self.come(f"idle{n}")
        self.clock.advance(0)
        self.clock.advance(1)
        self.assertEqual(len(self.clock.getDelayedCalls()), timers)


class OnDisk(SynchronousTestCase):
    """The log in its database."""

    def test_what_comes_in_one_turn_is_committed_at_once_and_with_few_statements(self) -> None:
        store = Store(self)
        store.wait(store.log.append([said("the room's first")]))
        with store.held() as statements:
            pass  # from now on they are noted
        statements.clear()
        for deferred in [store.log.append([said(str(n))]) for n in range(80)]:
            store.wait(deferred)
        self.assertEqual(statements.count("COMMIT"), 1)
        inserted = [text for text in statements if text.startswith("INSERT INTO events")]
        self.assertEqual(len(inserted), 3)  # 64, 8 and 8 rows
