"""The WebSocket door: the scenarios of all doors, and whatever may come in."""

import json
import math
import struct

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.connection import LINGER
from chatservice.doors.frames import AT_ONCE, MAX_FRAMES
from chatservice.doors.websocket import WebSocketFactory
from chatservice.limits import DEFAULT, Limits
from chatservice.objects import MAX_REQUEST, read_event
from tests.conformance import Backlog, Conformance, Durable, Person
from tests.doors.test_json import PIECES, InObjects, brief
from tests.doors.web import BINARY, CLOSE, PING, TEXT, Chat, WebPerson, last, peer_frame
from tests.fakes import SlowLog, quick


class InABrowser(InObjects):
    """Where the scenarios take place."""

    def setUp(self) -> None:
        """Open a chat with a WebSocket door."""
        super().setUp()
        self.factory = WebSocketFactory(self.hub, ping=math.inf)  # nobody here answers

    def connect(self) -> WebPerson:
        """Connect a browser."""
        return WebPerson(self.factory)

    def as_received(self, person: Person) -> list[str]:
        """Return the objects that came since the last look, as they came."""
        assert isinstance(person, WebPerson)
        return person.lines()


class WebConformance(InABrowser, Conformance, SynchronousTestCase):
    """The scenarios, in a browser."""


class WebBacklog(InABrowser, Backlog, SynchronousTestCase):
    """The scenarios of those who come in later, in a browser."""


class DurableWebConformance(Durable, InABrowser, Conformance, SynchronousTestCase):
    """The scenarios, in a browser, with a log on disk."""


class DurableWebBacklog(Durable, InABrowser, Backlog, SynchronousTestCase):
    """The scenarios of those who come in later, in a browser, with a log on disk."""


class Handshake(SynchronousTestCase):
    """How a connection begins."""

    def test_the_answer_is_the_standards_example(self) -> None:
        """No extension, no subprotocol, no name of a program."""
        alice = Chat().connect()
        lines = alice.response.decode().split("\r\n")
        self.assertEqual(lines[0], "HTTP/1.1 101 Switching Protocols")
        self.assertEqual(
            sorted(line.lower() for line in lines[1:]),
            [
                "connection: upgrade",
                "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=",
                "upgrade: websocket",
            ],
        )

    def test_hello_comes_first(self) -> None:
        """Nobody needs to ask for JSON."""
        chat = Chat()
        alice = chat.connect()
        chat.turn()
        self.assertEqual(brief(alice.objects(), "type", "v"), [("hello", 1)])

    def test_who_may_not_stay_is_told_so(self) -> None:
        """As an object, then with a code; the connection is cut if the peer does not end it."""
        chat = Chat(limits=Limits(connections=1))
        alice, bob = chat.connect(), chat.connect()
        chat.turn()
        self.assertEqual(brief(bob.objects(), "type", "code"), [("error", "too-many-connections")])
        self.assertEqual((alice.connected, bob.code), (True, 1008))
        chat.clock.advance(LINGER)
        self.assertTrue(bob.transport.aborted)
        bob.hang_up()
        alice.hang_up()
        self.assertEqual(chat.door.connections(), [])

    def test_who_gives_no_nickname_is_sent_away(self) -> None:
        """When the time is over."""
        chat = Chat(limits=DEFAULT)
        alice = chat.connect()
        chat.clock.advance(DEFAULT.nick_seconds)
        chat.turn()
        self.assertEqual(last(alice), ("error", "nick-timeout"))
        self.assertEqual(alice.end(), 1008)

    def test_what_is_no_first_request_ends_it(self) -> None:
        """With the reason, and the id if it has one."""
        tab = "x" * 65
        for request in (
            *('{"do":"who","id":1}', '{"do":"nick","id":1}', '{"do":"nick","nick":7,"id":1}'),
            *('{"do":"nick","nick":"al","tab":7,"id":1}', '{"do":"return","nick":"al","id":1}'),
            f'{{"do":"nick","nick":"al","tab":"{tab}","id":1}}',
            '{"do":"nick","nick":"al","tab":"a b","id":1}',
            '{"do":"return","nick":"al","tab":"","id":1}',
            '{"do":"return","nick":"al word","tab":"t","id":1}',
            '{"do":"return","nick":" al","tab":"t","id":1}',
            '{"do":"return","nick":"","tab":"t","id":1}',
            '{"do":"return","nick":"al","tab":"t","read":[],"id":1}',
            '{"do":"return","nick":"al","tab":"t","read":{"#a b":1},"id":1}',
            '{"do":"return","nick":"al","tab":"t","read":{"#a":true},"id":1}',
            '{"do":"return","nick":"al","tab":"t","read":{"#a":-1},"id":1}',
            '{"do":"return","nick":"al","tab":"t","read":{"a":1},"id":1}',
        ):
            chat = Chat()
            alice = chat.connect()
            alice.send(request.encode())
            chat.turn()
            got = brief(alice.objects(), "type", "code", "id")[1:]
            self.assertEqual(got, [("error", "bad-request", 1)], request)
            self.assertEqual(alice.end(), 1008)


class Ends(SynchronousTestCase):
    """How a connection ends."""

    def test_who_quits_is_closed_in_good_order(self) -> None:
        """The last word is a frame; the connection ends when the peer has answered."""
        chat = Chat()
        alice = chat.join("alice")
        alice.ask("quit")
        chat.turn()
        self.assertFalse(alice.transport.disconnecting)
        self.assertEqual(alice.end(), 1000)
        self.assertFalse(alice.transport.aborted)
        self.assertIsNone(alice.transport.producer)
        self.assertEqual(chat.door.connections(), [])

    def test_who_does_not_answer_is_cut_off(self) -> None:
        """After LINGER."""
        chat = Chat()
        alice = chat.join("alice")
        alice.ask("quit")
        chat.turn()
        chat.clock.advance(LINGER - 1)
        self.assertFalse(alice.transport.aborted)
        chat.clock.advance(1)
        self.assertTrue(alice.transport.aborted)

    def test_who_says_no_more_cannot_answer_and_is_not_waited_for(self) -> None:
        """A browser that crashed, say: others from its address could not come in meanwhile.

        It is given all up to there.
        """
        chat = Chat()
        for ask in ("say", "quit"):
            alice = chat.join("alice")
            alice.ask(ask, room="#lobby", text="one")
            alice.web.readConnectionLost()
            chat.turn()
            said = [o["text"] for o in alice.objects() if o["type"] == "said"]
            self.assertEqual(said, ["one"] if ask == "say" else [])
            self.assertEqual((alice.code, alice.transport.disconnecting), (1000, True))
            alice.hang_up()
            chat.turn()

    def test_who_says_no_more_while_the_end_is_awaited_is_not_waited_for(self) -> None:
        """It will not answer."""
        chat = Chat()
        alice = chat.join("alice")
        alice.ask("quit")
        chat.turn()
        self.assertFalse(alice.transport.disconnecting)
        alice.web.readConnectionLost()
        self.assertTrue(alice.transport.disconnecting)

    def test_who_does_not_read_its_last_words_is_cut_off(self) -> None:
        """Also if the transport holds them."""
        chat = Chat()
        alice = chat.join("alice")
        alice.web._outlet.pauseProducing()  # type: ignore[attr-defined]
        alice.ask("quit")
        chat.turn()
        chat.clock.advance(60 + LINGER)
        self.assertTrue(alice.transport.aborted)

    def test_who_is_thrown_out_hears_why(self) -> None:
        """And is closed with 1008."""
        chat = Chat(limits=DEFAULT)
        alice = chat.join("alice")
        for n in range(40):
            alice.ask("say", n, room="#lobby", text="spam")
        chat.turn()
        self.assertEqual(last(alice), ("error", "flooding"))
        self.assertEqual(alice.end(), 1008)

    def test_when_the_server_closes_it_says_so(self) -> None:
        """Everybody hears the goodbye, then 1001."""
        chat = Chat()
        alice, nobody = chat.join("alice"), chat.connect()
        ended = chat.hub.close("Goodbye!")
        chat.turn()
        self.assertEqual([shown["text"] for shown in alice.objects()], ["Goodbye!"])
        self.assertEqual((alice.end(), nobody.end()), (1001, 1001))
        chat.turn()
        self.successResultOf(ended)
        late = chat.connect()
        chat.turn()
        self.assertEqual(last(late), ("error", "closing"))
        self.assertEqual(late.end(), 1001)

    def test_before_it_closes_nobody_comes_in(self) -> None:
        """Who tries is told to come later; who is in may go as ever."""
        chat = Chat()
        alice = chat.join("alice")
        chat.hub._draining.begin(60)
        late = chat.connect()
        chat.turn()
        self.assertEqual(last(late), ("error", "closing"))
        self.assertEqual(late.end(), 1001)
        alice.ask("quit")
        chat.turn()
        self.assertEqual(alice.end(), 1000)

    def test_behind_the_last_word_comes_nothing(self) -> None:
        """Whoever said it: what others say is for when the person returns."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        alice.lines()
        alice.close()
        bob.ask("say", room="#lobby", text="one")
        alice.ask("say", room="#lobby", text="not heard")
        chat.turn()
        self.assertEqual(alice.lines(), [])
        self.assertEqual(alice.code, 1000)
        alice.hang_up()
        again = chat.back("alice", "t")
        self.assertEqual([o["text"] for o in again.objects() if o["type"] == "said"], ["one"])

    def test_of_what_comes_behind_the_end_nothing_is_kept(self) -> None:
        """Who takes its time to be gone, over TLS or without reading, could send on meanwhile."""
        alice = Chat().join("alice")
        alice.close()
        for _ in range(10):
            alice.web.dataReceived(peer_frame(b"x" * 1000))
        self.assertFalse(alice.web.unread)

    def test_a_last_word_is_read_also_from_who_was_not_to_be_read(self) -> None:
        """What took its time while it left makes nobody wait for LINGER."""
        log = SlowLog()
        chat = Chat(log)
        alice = chat.join("alice")
        log.slow = True
        alice.ask("say", 1, room="#lobby", text="one")
        alice.ask("quit")
        chat.turn()
        for _ in range(9):
            log.commit()
            chat.turn()
        self.assertEqual(alice.end(), 1000)

    def test_what_is_done_after_the_end_does_nothing_to_the_connection(self) -> None:
        """It is cut, or closed, and something that took its time is done only then."""
        for end in ("abort", "close"):
            log = SlowLog()
            chat = Chat(log)
            alice = chat.join("alice", "t")
            log.slow = True
            alice.ask("say", 1, room="#lobby", text="one")
            alice.ask("say", 2, room="#lobby", text="two")
            chat.turn()
            self.assertEqual(alice.transport.producerState, "paused")
            if end == "abort":
                alice.web.abort()
            else:
                alice.web.dropConnection()
            for _ in range(9):
                log.commit()
                chat.turn()
            alice.web.hold("x")
            alice.web.release("x")
            self.assertTrue(alice.transport.disconnecting)
            self.assertEqual(alice.transport.producerState, "paused")
            alice.hang_up()
            chat.turn()
            self.assertEqual(chat.door.connections(), [])


class Input(SynchronousTestCase):
    """Whatever comes in."""

    def setUp(self) -> None:
        """Bring in somebody, and somebody who listens."""
        self.chat = Chat()
        self.alice, self.bob = self.chat.join("alice"), self.chat.join("bob")
        self.alice.lines()

    def closes(self, *frames: bytes) -> int | None:
        """Send frames; return with which code the connection was closed, None if it was not."""
        for frame in frames:
            self.alice.web.dataReceived(frame)
        self.chat.turn()
        return self.alice.end()

    def test_a_binary_message_is_refused(self) -> None:
        """Before it was read."""
        self.assertEqual(self.closes(peer_frame(b"{}", BINARY, last=False)), 1003)

    def test_a_message_that_is_too_long_is_refused(self) -> None:
        """As soon as its length is known; what follows is dropped."""
        self.assertEqual(self.closes(peer_frame(b" " * (MAX_REQUEST + 1))[:20]), 1009)

    def test_a_length_of_eight_bytes_is_one(self) -> None:
        """It is not 127: what it stands for is too long, or could have been written shorter."""
        for length, code in ((1 << 20, 1009), (200, 1002)):
            self.setUp()
            head = b"\x81\xff" + length.to_bytes(8, "big") + bytes(4)
            self.assertEqual(self.closes(head + b" " * 200), code)

    def test_a_message_that_grows_too_long_is_refused(self) -> None:
        """However it is cut."""
        piece = b" " * 1000
        frames = [peer_frame(piece, last=False), *[peer_frame(piece, 0, last=False)] * 4]
        self.assertEqual(self.closes(*frames), 1009)

    def test_what_is_dropped_is_not_kept(self) -> None:
        """Until the peer has noticed."""
        frame = peer_frame(b" " * (1 << 20))
        for start in range(0, len(frame), 1 << 16):
            self.alice.web.dataReceived(frame[start : start + (1 << 16)])
        web = self.alice.web
        self.assertLess(len(web.data) + len(web._unread), 1 << 16)

    def test_a_message_of_too_many_frames_is_refused(self) -> None:
        """They may be empty, so their length is no bound."""
        frames = [peer_frame(b"", last=False), *[peer_frame(b"", 0, last=False)] * MAX_FRAMES]
        self.assertEqual(self.closes(*frames), 1009)

    def test_what_is_no_text_is_refused(self) -> None:
        """RFC 6455, 8.1."""
        self.assertEqual(self.closes(peer_frame(b'{"do":"\xff"}')), 1007)

    def test_what_is_no_frame_is_refused(self) -> None:
        """Not masked, reserved bits, unknown kinds."""
        for data in (
            b"\x81\x00",
            b"\xc1\x80" + bytes(4),
            b"\x83\x80" + bytes(4),
            b"\x80\x80" + bytes(4),
        ):
            self.setUp()
            self.assertEqual(self.closes(data), 1002, data)

    def test_the_longest_message_is_taken(self) -> None:
        """In one frame, or in many with others between."""
        request = json.dumps({"do": "say", "room": "#lobby", "text": "hi", "id": 1}).encode()
        request = request.ljust(MAX_REQUEST)
        cuts = [request[n : n + 100] for n in range(0, MAX_REQUEST, 100)]
        frames = [peer_frame(cuts[0], last=False)]
        for cut in cuts[1:-1]:
            frames += [peer_frame(cut, 0, last=False), peer_frame(b"still here", PING)]
        frames.append(peer_frame(cuts[-1], 0))
        self.assertIsNone(self.closes(peer_frame(request), *frames))
        self.assertEqual([o["text"] for o in self.bob.objects()], ["hi", "hi"])
        self.assertEqual(set(self.alice.pongs), {b"still here"})

    def test_who_does_not_read_pongs_is_not_read(self) -> None:
        """Or it could fill the memory with them."""
        self.alice.web._outlet.pauseProducing()  # type: ignore[attr-defined]
        self.alice.web.dataReceived(peer_frame(b"x" * 100, PING) * 1000)
        self.chat.turn()
        self.assertLess(len(self.alice.transport.value()), 1000)
        self.assertEqual(self.alice.transport.producerState, "paused")
        self.alice.web._outlet.resumeProducing()  # type: ignore[attr-defined]
        while self.chat.clock.getDelayedCalls()[:1] and len(self.alice.pongs) < 1000:
            self.chat.clock.advance(0)
            self.alice.lines()
        self.assertEqual(len(self.alice.pongs), 1000)

    def test_many_frames_leave_others_their_turn(self) -> None:
        """As many lines do."""
        self.alice.web.dataReceived(peer_frame(b"", PING) * 10 * AT_ONCE)
        self.alice.lines()
        self.assertLess(len(self.alice.pongs), AT_ONCE)
        self.assertEqual(self.alice.transport.producerState, "paused")
        for _ in range(40):
            self.chat.turn()
        self.alice.lines()
        self.assertEqual(len(self.alice.pongs), 10 * AT_ONCE)
        self.assertEqual(self.alice.transport.producerState, "producing")

    def test_who_waits_is_read_no_more_once_it_sends_more(self) -> None:
        """And not before: nearly all wait for what they have asked for."""
        log = SlowLog()
        chat = Chat(log)
        alice = chat.join("alice")
        log.slow = True
        alice.ask("say", 1, room="#lobby", text="one")
        self.assertEqual(alice.transport.producerState, "producing")
        alice.ask("say", 2, room="#lobby", text="two")
        self.assertEqual(alice.transport.producerState, "paused")
        for _ in range(9):
            log.commit()
            chat.turn()
        self.assertEqual(alice.transport.producerState, "producing")
        said = [shown["text"] for shown in alice.objects() if shown["type"] == "said"]
        self.assertEqual(said, ["one", "two"])

    def test_what_waits_is_bounded(self) -> None:
        """While something takes its time nothing more is read, and nothing is taken apart."""
        log = SlowLog()
        chat = Chat(log)
        alice = chat.join("alice")
        log.slow = True
        request = json.dumps({"do": "say", "room": "#lobby", "text": "x"}).encode()
        alice.web.dataReceived(peer_frame(request) * 100)
        chat.turn()
        self.assertEqual(alice.transport.producerState, "paused")
        self.assertEqual(len(alice.web.session._later), 0)
        for _ in range(300):
            log.commit()
            chat.turn()
        said = [shown["seq"] for shown in alice.objects() if shown["type"] == "said"]
        self.assertEqual(said, list(range(1, 101)))

    def test_nothing_is_logged(self) -> None:
        """Peers cannot write to the operator's log."""
        self.closes(peer_frame(b"\x1b[2J\xff"), peer_frame(struct.pack("!H", 999) + b"\x1b", CLOSE))
        self.assertEqual(self.flushLoggedErrors(), [])

    @quick
    @given(
        st.lists(
            st.one_of(
                st.binary(max_size=60),
                st.sampled_from(PIECES).map(peer_frame),
                st.builds(
                    peer_frame,
                    st.binary(max_size=130),
                    st.integers(0, 15),
                    st.booleans(),
                    st.binary(min_size=4, max_size=4),
                ),
            ),
            max_size=8,
        ),
        st.lists(st.integers(1, 40), max_size=8),
    )
    def test_whatever_comes_in_nobody_is_harmed(self, data: list[bytes], cuts: list[int]) -> None:
        """Only whole frames come out, only objects in them, nothing behind the last; all is
        forgotten when the connection is gone.
        """
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        stream = b"".join(data)
        for cut in cuts:
            alice.web.dataReceived(stream[:cut])
            stream = stream[cut:]
        alice.web.dataReceived(stream)
        chat.turn()
        for line in (*alice.lines(), *bob.lines()):
            read_event(line)
        bob.ask("say", room="#lobby", text="end")
        chat.turn()
        self.assertEqual(last(bob)[0], "done")
        alice.lines()
        alice.hang_up()
        chat.clock.advance(LINGER + chat.hub.policy.absence)
        self.assertEqual(chat.door.connections(), [bob.web])
        self.assertEqual(len(chat.hub.parts.people), 1)

    @quick
    @given(st.lists(st.integers(1, 30), max_size=20))
    def test_any_split_of_the_bytes_says_the_same(self, cuts: list[int]) -> None:
        """From the first frame on."""
        requests = [
            {"do": "nick", "nick": "alice", "tab": "t", "id": 1},
            {"do": "say", "room": "#lobby", "text": "h\N{GRINNING FACE}", "id": 2},
            {"do": "line", "line": "", "id": 3},
        ]
        stream = b"".join(peer_frame(json.dumps(request).encode()) for request in requests)
        stream += peer_frame(b'{"do":"who",', last=False) + peer_frame(b"", 0, last=False)
        stream += peer_frame(b"p", PING) + peer_frame(b'"id":4}', 0) + peer_frame(b"", TEXT)
        chat = Chat()
        alice = chat.connect()
        for cut in cuts:
            alice.web.dataReceived(stream[:cut])
            stream = stream[cut:]
            chat.turn()
        alice.web.dataReceived(stream)
        chat.turn()
        self.assertEqual(
            [number for kind, number in brief(alice.objects(), "type", "id") if kind == "done"],
            [1, 2, 3, 4],
        )
        self.assertEqual(alice.pongs, [b"p"])


class Liveness(SynchronousTestCase):
    """Peers that are gone without a word."""

    def setUp(self) -> None:
        """Bring somebody in."""
        self.chat = Chat()
        self.alice = self.chat.join("alice")
        self.ping, self.timeout = self.chat.door.ping, self.chat.door.ping_timeout

    def pass_time(self, seconds: float) -> None:
        """Let time pass, as it does."""
        for _ in range(round(seconds)):
            self.chat.clock.advance(1)

    def test_who_is_silent_is_asked(self) -> None:
        """And stays if it answers, without having said anything."""
        for _ in range(5):
            self.pass_time(self.ping + self.timeout)
            self.assertTrue(self.alice.transport.value())
            self.alice.lines()  # answers
        self.assertTrue(self.alice.connected)
        self.assertFalse(self.alice.transport.aborted)

    def test_who_does_not_answer_is_gone(self) -> None:
        """Within ping and timeout, and the time between two looks."""
        self.pass_time(self.ping + 2 * self.timeout)
        self.assertTrue(self.alice.transport.aborted)

    def test_who_is_not_read_is_not_asked(self) -> None:
        """It could not answer; nor is who does not read, as at other doors."""
        self.alice.web._outlet.pauseProducing()  # type: ignore[attr-defined]
        self.pass_time(3 * (self.ping + self.timeout))
        self.assertFalse(self.alice.transport.aborted)
        self.alice.web._outlet.resumeProducing()  # type: ignore[attr-defined]
        self.pass_time(self.timeout)
        self.assertFalse(self.alice.transport.aborted)
