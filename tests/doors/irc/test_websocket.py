"""IRC over WebSocket: what of it is not as over a stream."""

import math
import struct
from typing import cast

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.connection import LINGER
from chatservice.doors.irc.message import MAX_BODY, MAX_TAG_DATA
from chatservice.doors.irc.websocket import IrcWebFactory, IrcWebProtocol
from chatservice.limits import Limits
from chatservice.people.person import Policy
from tests.doors.irc.chat import SERVER, Chat
from tests.doors.web import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    WebTransport,
    handshake,
    peer_frame,
    take_frame,
)


class WebWire:
    """One client's end of a connection.

    :param spoken: the subprotocol that was agreed to, "" for none.

    :ivar kinds: of the messages that came, each once.
    :ivar code: with which the server closed; None while it has not.
    """

    def __init__(self, chat: Chat, factory: IrcWebFactory, spoken: str = "") -> None:
        self._chat = chat
        self.kinds: set[int] = set()
        self.code: int | None = None
        self.protocol = cast("IrcWebProtocol", factory.buildProtocol(None))
        self.transport = WebTransport("192.0.2.1")
        self.protocol.makeConnection(self.transport)
        asked = [f"Sec-WebSocket-Protocol: {spoken}"] if spoken else []
        self.protocol.dataReceived(handshake(*asked))
        head, _, rest = self.transport.value().partition(b"\r\n\r\n")
        self.response = head.decode()
        self.transport.clear()
        self.transport.write(rest)

    def send(self, *lines: str, kind: int = TEXT) -> None:
        """Send each line as a message, and end the reactor's turn."""
        for line in lines:
            self.protocol.dataReceived(peer_frame(line.encode(), kind))
        self._chat.turn()

    def lines(self) -> list[str]:
        """Return the messages that came since the last call."""
        data: bytes = self.transport.value()
        self.transport.clear()
        lines: list[str] = []
        while data:
            opcode, payload, data = take_frame(data)
            assert self.code is None, "something behind the last word"
            if opcode == CLOSE:
                (self.code,) = struct.unpack("!H", payload[:2])
            elif opcode == PING:
                self.protocol.dataReceived(peer_frame(payload, PONG))
            else:
                self.kinds.add(opcode)
                lines.append(self._chat.shown(payload.decode()))
        return lines

    def asks(self, *lines: str, kind: int = TEXT) -> list[str]:
        """Send lines, and return what comes."""
        self.send(*lines, kind=kind)
        return self.lines()

    def hang_up(self) -> None:
        """End the connection below."""
        self.protocol.connectionLost(Failure(ConnectionDone()))


class OverWebSocket(SynchronousTestCase):
    """Coming in, talking and going."""

    def setUp(self) -> None:
        """Open a chat with both doors."""
        self.chat = Chat()
        self.text = IrcWebFactory(self.chat.hub, server=SERVER)
        self.binary = IrcWebFactory(self.chat.hub, server=SERVER, opcode=BINARY)

    def joined(self, nick: str, factory: IrcWebFactory | None = None) -> WebWire:
        """Return somebody who is in and has read everything."""
        wire = WebWire(self.chat, factory or self.text)
        wire.send(f"NICK {nick}", f"USER {nick} 0 * :{nick.title()}")
        wire.lines()
        return wire

    def test_the_answer_to_the_handshake_names_what_is_spoken_and_no_program(self) -> None:
        for spoken in ("text.ircv3.net", ""):
            lines = WebWire(self.chat, self.text, spoken).response.lower().split("\r\n")
            named = [f"sec-websocket-protocol: {spoken}"] if spoken else []
            self.assertEqual(
                sorted(lines[1:]),
                sorted(
                    [
                        "connection: upgrade",
                        "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=",
                        "upgrade: websocket",
                        *named,
                    ]
                ),
            )

    def test_one_message_is_one_line_without_its_end(self) -> None:
        alice = WebWire(self.chat, self.text, "text.ircv3.net")
        lines = alice.asks("NICK alice", "USER al 0 * :Alice Liddell")
        self.assertEqual([line.split(" ")[1] for line in lines][:2], ["001", "002"])
        self.assertEqual(lines[-1], f":{SERVER} 366 alice #lobby :End of /NAMES list")
        self.assertFalse([line for line in lines if "\r" in line or "\n" in line])

    def test_all_hear_each_other_in_their_own_kind_of_messages(self) -> None:
        alice, bob = self.joined("alice"), self.joined("bob", self.binary)
        carol = self.chat.joined("carol")
        alice.lines(), bob.lines()
        alice.send("PRIVMSG #lobby :hello")
        bob.send("PRIVMSG #lobby :héllo", kind=BINARY)
        one = f":alice!~alice@{SERVER} PRIVMSG #lobby :hello"
        two = f":bob!~bob@{SERVER} PRIVMSG #lobby :héllo"
        self.assertEqual((alice.lines(), bob.lines()), ([two], [one]))
        self.assertEqual(carol.lines(), [one, two])
        self.assertEqual((alice.kinds, bob.kinds), ({TEXT}, {BINARY}))

    def test_who_says_no_more_is_done_with_first(self) -> None:
        """A line that has to wait for its turn is said all the same, as over a stream."""
        self.chat = Chat(Policy(Limits(burst=2, rate=1)))
        self.text = IrcWebFactory(self.chat.hub, server=SERVER)
        alice = self.joined("alice")
        bob = self.chat.joined("bob")
        self.chat.clock.advance(60)
        alice.lines(), bob.lines()
        alice.send(*[f"PRIVMSG #lobby :{n}" for n in range(3)])
        self.assertEqual(alice.transport.producerState, "producing")
        alice.protocol.readConnectionLost()
        self.chat.clock.advance(2)
        self.chat.turn()
        heard = [line.split(" :")[-1] for line in bob.lines() if "PRIVMSG" in line]
        self.assertEqual(heard, ["0", "1", "2"])
        alice.lines()
        self.assertEqual((alice.code, alice.transport.disconnecting), (1000, True))

    def test_either_kind_is_taken_and_line_ends_are_taken_off(self) -> None:
        alice = self.joined("alice")
        alice.send("", "\r\n", "   ")
        self.assertEqual(alice.asks("PING one\r\n"), [f":{SERVER} PONG {SERVER} one"])
        self.assertEqual(alice.asks("PING two", kind=BINARY), [f":{SERVER} PONG {SERVER} two"])
        self.assertEqual(alice.asks("PING 1\r\nPING 2"), [])  # two are no line

    def test_what_is_no_utf8_is_refused_in_a_binary_message_and_ends_it_in_text(self) -> None:
        alice = self.joined("alice")
        alice.protocol.dataReceived(peer_frame(b"PRIVMSG #lobby :caf\xe9", BINARY))
        self.chat.turn()
        (line,) = alice.lines()
        self.assertIn("UTF-8", line)
        alice.protocol.dataReceived(peer_frame(b"PRIVMSG #lobby :caf\xe9"))
        self.chat.turn()
        alice.lines()
        self.assertEqual(alice.code, 1007)  # RFC 6455, 8.1

    def test_the_longest_line_with_the_longest_tags_is_taken(self) -> None:
        alice = self.joined("alice")
        body = "PRIVMSG #lobby :" + "x" * (MAX_BODY - 100)
        self.assertEqual(alice.asks(f"@+a={'y' * (MAX_TAG_DATA - 3)} {body}"), [])
        (line,) = alice.asks("PRIVMSG #lobby :" + "x" * MAX_BODY)
        self.assertIn(" 417 alice ", line)
        alice.send("x" * 9000)
        alice.lines()
        self.assertEqual(alice.code, 1009)

    def test_who_quits_is_told_so_and_closed_in_good_order(self) -> None:
        alice, bob = self.joined("alice"), self.joined("bob")
        bob.lines()
        alice.lines()
        (line,) = alice.asks("QUIT :so long")
        self.assertTrue(line.startswith("ERROR :"), line)
        self.assertEqual(alice.code, 1000)
        alice.protocol.dataReceived(peer_frame(struct.pack("!H", 1000), CLOSE))
        self.assertTrue(alice.transport.disconnecting)
        alice.hang_up()
        (left,) = bob.lines()
        self.assertRegex(left, r"^:alice!\S+ QUIT :.*so long$")
        self.assertEqual(len(self.text.connections()), 1)

    def test_who_closes_the_socket_has_left(self) -> None:
        alice, bob = self.joined("alice"), self.joined("bob")
        alice.lines(), bob.lines()
        alice.protocol.dataReceived(peer_frame(struct.pack("!H", 1001), CLOSE))
        self.chat.turn()
        self.assertEqual((alice.lines(), alice.code), ([], 1001))
        self.assertTrue(alice.transport.disconnecting)
        (left,) = bob.lines()
        self.assertIn(" QUIT ", left)

    def test_who_is_silent_is_asked_for_a_sign_of_life_by_websocket(self) -> None:
        alice, bob = self.joined("alice"), self.joined("bob")
        for _ in range(20):
            self.chat.clock.advance(15)
            alice.lines()  # answers
        self.assertFalse(alice.transport.aborted)
        self.assertTrue(bob.transport.aborted)

    def test_an_address_has_only_so_many_connections(self) -> None:
        self.chat = Chat(Policy(Limits(connections=1)))
        for late in (False, True):
            door = IrcWebFactory(self.chat.hub, ping=math.inf, peer_known_late=late)
            first, second = WebWire(self.chat, door), WebWire(self.chat, door)
            self.chat.turn()
            self.assertEqual((first.lines(), first.code), ([], None))
            self.assertTrue(second.lines()[-1].startswith("ERROR :"))
            self.assertEqual(second.code, 1008)
            self.chat.clock.advance(LINGER)
            self.assertTrue(second.transport.aborted)
            first.hang_up()
            second.hang_up()

    def test_nothing_is_taken_from_who_is_on_the_way_out(self) -> None:
        alice, bob = self.joined("alice"), self.joined("bob")
        bob.lines()
        alice.send("QUIT", "PRIVMSG #lobby :ghost")
        self.assertEqual(len(bob.lines()), 1)
