"""The line door, over a StringTransport and a Clock."""

from typing import cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import alsoProvides

from chatservice.doors.line import ChatFactory, ChatProtocol
from chatservice.events import Event
from chatservice.hub import Hub
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from chatservice.plain import parse
from chatservice.store.memory import MemoryLog
from tests.conformance import Backlog, Conformance, Durable, Hall, Person, Stage


class LinePerson:
    """Somebody at the line door."""

    def __init__(self, factory: ChatFactory, host: str = "192.0.2.1") -> None:
        self.protocol = cast("ChatProtocol", factory.buildProtocol(None))
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", host, 4242))
        self.protocol.makeConnection(self.transport)
        self.gone = False

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.protocol.dataReceived(data)

    def offer(self, nick: str) -> None:
        """Offer a nickname."""
        self.send(f"{nick}\r\n".encode())

    type = offer

    def hang_up(self) -> None:
        """Break the connection."""
        if not self.gone:
            self.gone = True
            self.protocol.connectionLost()

    def lines(self) -> list[str]:
        """Return the lines that came since the last call."""
        data: bytes = self.transport.value()
        self.transport.clear()
        assert not data or data.endswith(b"\r\n")
        return data.decode().split("\r\n")[:-1]

    def heard(self) -> list[Event]:
        """Return the events that came since the last call."""
        return [parse(line) for line in self.lines()]

    @property
    def connected(self) -> bool:
        """Whether the server still holds the connection."""
        return not self.transport.disconnecting


class AtTheLineDoor(Stage):
    """Where the scenarios take place."""

    def setUp(self) -> None:
        """Open a chat with a line door."""
        super().setUp()
        self.factory = ChatFactory(self.hub)

    def connect(self) -> LinePerson:
        """Connect somebody."""
        return LinePerson(self.factory)

    def as_received(self, person: Person) -> list[str]:
        """Return the lines that came since the last look, as they came."""
        return cast("LinePerson", person).lines()


class LineConformance(AtTheLineDoor, Conformance, SynchronousTestCase):
    """The scenarios, through the line door."""


class LineBacklog(AtTheLineDoor, Backlog, SynchronousTestCase):
    """The scenarios of those who come in later, through the line door."""


class DurableLineConformance(Durable, AtTheLineDoor, Conformance, SynchronousTestCase):
    """The scenarios, with a log on disk."""


class LineHall(AtTheLineDoor, Hall, SynchronousTestCase):
    """Another name for the lobby, through the line door."""


class DurableLineHall(Durable, AtTheLineDoor, Hall, SynchronousTestCase):
    """The same, with a log on disk."""


class DurableLineBacklog(Durable, AtTheLineDoor, Backlog, SynchronousTestCase):
    """The scenarios of those who come in later, with a log on disk."""


class Alone(SynchronousTestCase):
    """Factory and protocol by themselves: no service, no clock, no files."""

    def test_the_conversation_to_the_word(self) -> None:
        """As the tutorial's readers know it; every line goes out at once."""
        factory = ChatFactory()
        alice, bob = LinePerson(factory), LinePerson(factory)
        self.assertEqual(alice.lines(), ["NICK"])
        alice.send(b"alice\n")
        self.assertEqual(alice.lines(), ["alice joined the chat", "Connected to the server"])
        bob.send(b"bob\r\n")
        self.assertEqual(bob.lines(), ["NICK", "bob joined the chat", "Connected to the server"])
        self.assertEqual(alice.lines(), ["bob joined the chat"])
        alice.send(b"hel")
        alice.send(b"lo\r\0")
        self.assertEqual(alice.lines() + bob.lines(), ["alice: hello"] * 2)
        alice.send(b"/quit\n")
        self.assertTrue(alice.transport.disconnecting)
        self.assertEqual((alice.lines(), bob.lines()), ([], ["alice left the chat"]))

    def test_clients_maps_nicknames_to_protocols(self) -> None:
        """Who joined, under the nickname worn now."""
        factory = ChatFactory()
        alice, nobody = LinePerson(factory), LinePerson(factory)
        self.assertEqual(dict(factory.clients), {})
        alice.send(b"alice\n")
        self.assertEqual(factory.clients, {"alice": alice.protocol})
        self.assertIsInstance(factory.clients["alice"], ChatProtocol)
        alice.send(b"/nick al\n")
        self.assertEqual(list(factory.clients), ["al"])
        self.assertNotIn("alice", factory.clients)
        alice.hang_up()
        nobody.hang_up()
        self.assertEqual(len(factory.clients), 0)

    def test_line_received_can_be_called_directly(self) -> None:
        """As LineReceiver's users do in their tests."""
        factory = ChatFactory()
        alice = LinePerson(factory)
        alice.protocol.lineReceived(b"alice")
        alice.protocol.lineReceived(b"hello")
        self.assertEqual(alice.lines()[-1], "alice: hello")


class Lines(SynchronousTestCase):
    """What is special about lines."""

    def setUp(self) -> None:
        """Open a chat."""
        self.clock = Clock()
        self.factory = ChatFactory(clock=self.clock)

    def joined(self, nick: str) -> LinePerson:
        """Return somebody who has joined."""
        person = LinePerson(self.factory)
        person.offer(nick)
        self.clock.advance(0)
        person.lines()
        return person

    def test_a_refused_nickname_is_asked_for_again(self) -> None:
        """With the reason before it."""
        self.joined("alice")
        for offer, code in {
            b"": "nick-empty",
            b"alice": "nick-taken",
            "аlice".encode(): "nick-taken",
            b"root": "nick-reserved",
            b"a:b": "nick-invalid",
            b"a b": "needs-encryption",
            b"x" * 33: "nick-invalid",
            b"\xff\xfe\xc3": "nick-empty",
        }.items():
            bob = LinePerson(self.factory)
            bob.send(offer + b"\r\n")
            self.clock.advance(0)
            asked, reason, again = bob.lines()
            self.assertEqual((asked, again), ("NICK", "NICK"))
            self.assertTrue(reason.endswith(f"[{code}]"), (offer, reason))
            bob.hang_up()

    def test_nicknames_cannot_be_guessed_for_ever(self) -> None:
        """After ten refusals the connection is closed."""
        bob = LinePerson(self.factory)
        bob.send(b"root\n" * 50)
        self.clock.advance(0)
        self.assertEqual(sum("nick-reserved" in line for line in bob.lines()), 10)
        self.assertFalse(bob.connected)

    def test_a_line_too_long_is_refused_and_the_next_is_heard(self) -> None:
        """1,024 bytes are a line, 1,025 are not; whatever comes along with them."""
        alice = self.joined("alice")
        alice.send(b"x" * 1024 + b"\n" + b"y" * 1025 + b"\nnext\n")
        self.clock.advance(0)
        said, refusal, following = alice.lines()
        self.assertEqual((said, following), (f"alice: {'x' * 1024}", "alice: next"))
        self.assertTrue(refusal.endswith("[line-too-long]"))

    def test_answers_stand_where_they_were_asked_for(self) -> None:
        """Among what was said in the same turn."""
        alice = self.joined("alice")
        alice.send(b"one\n/who\ntwo\n/oops\nthree\n")
        self.clock.advance(0)
        lines = alice.lines()
        self.assertEqual(lines[:3], ["alice: one", "-- 1 here: alice", "alice: two"])
        self.assertTrue(lines[3].endswith("[unknown-command]"))
        self.assertEqual(lines[4:], ["alice: three"])

    def test_other_protocols_are_cut_off_without_a_word(self) -> None:
        """An HTTP request, an SSH client, a TLS handshake; nothing is said in the room."""
        alice = self.joined("alice")
        for opening in (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\nmallory\r\nhello\r\n",
            b"POST /x HTTP/1.0\r\n\r\nmallory\r\nhello\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"\x16\x03\x01\x02\x00\x01\n\n\nmallory\nhello\n",
        ):
            browser = LinePerson(self.factory)
            self.assertEqual(browser.lines(), ["NICK"])
            browser.send(opening)
            self.clock.advance(0)
            self.assertEqual(browser.lines(), [])
            self.assertFalse(browser.connected)
            browser.hang_up()
        self.assertEqual(alice.lines(), [])

    def test_a_nickname_longer_than_a_line_is_another_protocols(self) -> None:
        """A request whose first line is long, and whose body is a conversation."""
        alice = self.joined("alice")
        browser = LinePerson(self.factory)
        browser.lines()
        browser.send(b"POST /" + b"a" * 1600)
        browser.send(b" HTTP/1.1\r\nHost: x\r\n\r\nmallory\r\nhello\r\n")
        self.clock.advance(0)
        self.assertFalse(browser.connected)
        self.assertEqual((browser.lines(), alice.lines()), ([], []))

    def test_lines_too_long_are_lines_to_the_limits(self) -> None:
        """They cannot be sent for ever, either."""
        alice = self.joined("alice")
        alice.send((b"x" * 1025 + b"\n") * 50)
        self.clock.advance(0)
        codes = [line.rpartition("[")[2] for line in alice.lines()]
        self.assertEqual(codes, ["line-too-long]"] * 10 + ["too-fast]"] * 19 + ["flooding]"])
        self.assertFalse(alice.connected)

    def test_one_connection_takes_so_many_lines_a_turn(self) -> None:
        """The others have theirs in between; none is lost."""
        factory = ChatFactory(Hub(MemoryLog(), self.clock, policy=Policy(UNLIMITED)))
        alice = LinePerson(factory)
        alice.send(b"alice\n" + b"".join(b"%d\n" % n for n in range(200)))
        self.assertEqual(alice.transport.producerState, "paused")
        self.clock.pump([0] * 10)
        self.assertEqual(alice.lines()[3:], [f"alice: {n}" for n in range(200)])
        self.assertEqual(alice.transport.producerState, "producing")

    def test_an_endless_telnet_is_cut_off(self) -> None:
        """Thousands of commands in one read are nobody's telnet."""
        alice = self.joined("alice")
        alice.send(b"\xff\xf1" * 5000)
        self.assertFalse(alice.connected)

    def test_a_last_line_without_its_end_is_heard(self) -> None:
        """Also where the peer's end of input and its hanging up are one, as behind TLS."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.lines()
        bob.send(b"last\r")
        bob.protocol.connectionLost(Failure(ConnectionDone()))
        self.clock.advance(0)
        self.assertEqual(alice.lines(), ["bob: last", "bob left the chat"])

    def test_many_lines_and_a_good_end_at_once_are_all_heard(self) -> None:
        """As of a pipe behind TLS, whose end comes while its lines wait for their turn."""
        for end in ("readConnectionLost", "connectionLost"):
            factory = ChatFactory(Hub(MemoryLog(), self.clock, policy=Policy(UNLIMITED)))
            alice, bob = LinePerson(factory), LinePerson(factory)
            alice.send(b"alice\n")
            bob.send(b"bob\n" + b"".join(b"%d\n" % n for n in range(200)) + b"last")
            if end == "readConnectionLost":
                bob.protocol.readConnectionLost()
            else:
                bob.protocol.connectionLost(Failure(ConnectionDone()))
            self.clock.pump([0] * 10)
            heard = [line for line in alice.lines() if line.startswith("bob: ")]
            self.assertEqual(heard, [*(f"bob: {n}" for n in range(200)), "bob: last"])

    def test_half_a_line_of_a_broken_connection_is_not_heard(self) -> None:
        """Nobody knows what it would have been."""
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.lines()
        bob.send(b"give me all your mon")
        bob.protocol.connectionLost(Failure(ConnectionLost()))
        self.clock.advance(0)
        self.assertEqual(alice.lines(), ["bob left the chat"])

    def test_an_address_that_is_none_is_cut_off(self) -> None:
        """A proxy can pass on anything; it must not get into the log or dodge the limits."""
        mallory = LinePerson(self.factory, host="\x1b[31mevil")
        self.assertFalse(mallory.connected)
        self.assertEqual(mallory.lines(), [])

    def test_who_does_not_read_its_answers_is_not_read(self) -> None:
        """So that answers cannot pile up; and when it reads, all of them are there."""
        alice = self.joined("alice")
        producer = alice.transport.producer
        assert producer is not None
        producer.pauseProducing()  # the transport holds more than it likes
        alice.send(b"/who\n/who\n/who\n")
        self.clock.advance(0)
        self.assertEqual(alice.transport.producerState, "paused")
        producer.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(alice.transport.producerState, "producing")
        self.assertEqual(alice.lines(), ["-- 1 here: alice"] * 3)

    def test_the_end_of_input_is_a_way_to_leave(self) -> None:
        """All of it is heard before, even a last line without its end."""
        alice = self.joined("alice")
        bob = self.joined("bob")
        alice.lines()
        bob.send(b"first\nlast")
        bob.protocol.readConnectionLost()
        self.clock.advance(0)
        self.assertEqual(bob.lines(), ["bob: first", "bob: last"])
        self.assertFalse(bob.connected)
        self.assertEqual(alice.lines()[-1], "bob left the chat")

    def test_a_closing_connection_is_cut_after_a_while(self) -> None:
        """loseConnection with unsent data never ends by itself."""
        alice = self.joined("alice")
        alice.send(b"/quit\n")
        self.clock.advance(0)
        self.assertFalse(alice.transport.disconnected)
        self.clock.advance(10)
        self.assertTrue(alice.transport.disconnected)

    def test_no_timer_outlives_its_connection(self) -> None:
        """Or an idle server would keep what is long gone."""
        people = [self.joined("alice"), LinePerson(self.factory)]
        people[0].send(b"/quit\n")
        self.clock.advance(0)
        for person in people:
            person.hang_up()
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class Encrypted(SynchronousTestCase):
    """Whether nobody between can read what is said."""

    def encrypted(self, host: str, tls: bool = False, proxied: bool = False) -> bool:
        """Connect, in some way; tell what is known of it."""
        factory = ChatFactory(Hub(MemoryLog(), Clock()), peer_known_late=proxied)
        protocol = factory.buildProtocol(None)
        transport = StringTransport(peerAddress=IPv4Address("TCP", host, 4242))
        if tls:
            alsoProvides(transport, ISSLTransport)
        assert isinstance(protocol, ChatProtocol)
        protocol.makeConnection(transport)
        protocol.dataReceived(b"alice\r\n")
        return protocol.session.person.encrypted

    def test_tls_and_this_machine_are_and_nothing_else(self) -> None:
        self.assertFalse(self.encrypted("192.0.2.1"))
        self.assertTrue(self.encrypted("192.0.2.1", tls=True))
        self.assertTrue(self.encrypted("127.0.0.1"))
        self.assertTrue(self.encrypted("::1"))

    def test_behind_a_proxy_nobody_knows(self) -> None:
        self.assertFalse(self.encrypted("192.0.2.1", tls=True, proxied=True))
        self.assertTrue(self.encrypted("127.0.0.1", proxied=True))
