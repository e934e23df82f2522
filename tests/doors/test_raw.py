"""The raw door, over a StringTransport and a Clock."""

from typing import cast

from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.line import ChatFactory
from chatservice.doors.raw import RawFactory, RawProtocol
from chatservice.events import Event, Kind
from chatservice.plain import parse
from tests.conformance import Backlog, Conformance, Hall, Person, Stage
from tests.doors.test_line import LinePerson


class RawPerson:
    """Somebody with the tutorial's client."""

    def __init__(self, factory: RawFactory) -> None:
        self.protocol = cast("RawProtocol", factory.buildProtocol(None))
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 4242))
        self.protocol.makeConnection(self.transport)
        self.nick = ""
        self.gone = False

    def offer(self, nick: str) -> None:
        """Answer NICK, as the client does, without a line's end."""
        self.nick = nick
        self.protocol.dataReceived(nick.encode())

    def type(self, line: str) -> None:
        """Type a line; the client puts the nickname before it."""
        self.protocol.dataReceived(f"{self.nick}: {line}".encode())

    def hang_up(self) -> None:
        """Break the connection."""
        if not self.gone:
            self.gone = True
            self.protocol.connectionLost()

    def text(self) -> str:
        """Return what came since the last call."""
        text: str = self.transport.value().decode("ascii")
        self.transport.clear()
        return text

    def heard(self) -> list[Event]:
        """Return the events that came since the last call."""
        text = self.text()
        if text.startswith("NICK"):
            text = text.replace("NICK", "NICK\n", 1)
        return [parse(line) for line in text.split("\n")[:-1]]

    @property
    def connected(self) -> bool:
        """Whether the server still holds the connection."""
        return not self.transport.disconnecting


class AtTheRawDoor(Stage):
    """Where the scenarios take place."""

    def setUp(self) -> None:
        """Open a chat with a raw door and a line door."""
        super().setUp()
        self.raw = RawFactory(self.hub)
        self.line = ChatFactory(self.hub)

    def connect(self) -> RawPerson:
        """Connect somebody."""
        return RawPerson(self.raw)

    def as_received(self, person: Person) -> list[str]:
        """Return the lines that came since the last look, as they came."""
        return cast("RawPerson", person).text().split("\n")[:-1]

    def replaced(self, text: str) -> str:
        """Return it in ASCII, which is all that the tutorial's client can read."""
        return text.encode("ascii", "replace").decode()


class RawHall(AtTheRawDoor, Hall, SynchronousTestCase):
    """Another name for the lobby, through the raw door."""


class RawBacklog(AtTheRawDoor, Backlog, SynchronousTestCase):
    """The scenarios of those who come in later, through the raw door."""


class RawConformance(AtTheRawDoor, Conformance, SynchronousTestCase):
    """The scenarios, through the raw door, and what is special there."""

    def test_the_question_is_a_chunk_of_its_own(self) -> None:
        """The client waits for exactly these four letters."""
        self.assertEqual(self.connect().text(), "NICK")

    def test_text_is_shown_once(self) -> None:
        """The nickname that the client writes is not doubled."""
        alice = self.joined("alice")
        bob = LinePerson(self.line)
        bob.offer("bob")
        self.turn()
        bob.lines()
        alice.type("hello")
        self.turn()
        self.assertEqual(bob.lines(), ["alice: hello"])

    def test_a_prefix_of_somebody_else_is_just_text(self) -> None:
        """Nobody can speak in another's name."""
        alice = cast("RawPerson", self.joined("alice"))
        alice.protocol.dataReceived(b"bob: hello")
        self.hears(alice, (Kind.SAID, "alice", "bob: hello"))

    def test_after_renaming_the_clients_own_prefix_still_goes(self) -> None:
        """The client does not know of the new nickname."""
        alice = self.joined("alice")
        alice.type("/nick al")
        alice.type("hello")
        self.hears(alice, (Kind.RENAMED, "alice", "al"), (Kind.SAID, "al", "hello"))

    def test_a_refused_nickname_ends_it(self) -> None:
        """The client would offer the same for ever."""
        self.joined("alice")
        other = self.connect()
        other.text()
        other.offer("alice")
        self.refused(other, "nick-taken")
        self.assertFalse(other.connected)

    def test_other_scripts_do_not_end_the_client(self) -> None:
        """It decodes ASCII and would end at anything else."""
        alice = self.joined("alice")
        alice.type("zoë 中文")
        self.hears(alice, (Kind.SAID, "alice", "zo? ??"))

    def test_too_long_a_text_is_refused(self) -> None:
        """As at the other doors."""
        alice = self.joined("alice")
        alice.type("x" * 1025)
        self.refused(alice, "line-too-long")
        alice.type("x" * 1024)
        self.hears(alice, (Kind.SAID, "alice", "x" * 1024))

    def test_an_http_request_is_cut_off(self) -> None:
        """As at the other doors."""
        browser = self.connect()
        browser.text()
        browser.protocol.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
        self.turn()
        self.assertEqual(browser.text(), "")
        self.assertFalse(browser.connected)
