"""GET /rooms/NAME/events: events as they happen, from where somebody was, and how it ends."""

import json

from chatservice.errors import Code
from chatservice.site.streams import BEAT
from tests.fakes import Chat
from tests.site.test_api import Programs, Wire

EVENTS = b"GET /rooms/dev/events"


def chunks(data: bytes) -> bytes:
    """Return what was sent in chunks (RFC 9112, 7.1)."""
    found = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        found += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]
    return found


class Listening(Programs):
    """A stream."""

    def listen(self, *headers: str, query: bytes = b"") -> Wire:
        """Open a stream; the head of the answer is taken."""
        wire = Wire(self)
        wire.ask(EVENTS + query, *headers)
        head, _, rest = wire.transport.value().partition(b"\r\n\r\n")
        self.assertIn(b" 200 ", head.split(b"\r\n")[0])
        self.assertIn(b"Content-Type: text/event-stream; charset=utf-8", head)
        wire.transport.clear()
        wire.transport.write(rest)
        return wire

    def heard(self, wire: Wire) -> list[str]:
        """Return the events that came, as they stand on the wire; without comments."""
        self.chat.turn()
        text = chunks(wire.transport.value()).decode()
        wire.transport.clear()
        return [one for one in text.split("\n\n") if one and not one.startswith(":")]

    def test_what_an_event_looks_like(self) -> None:
        wire = self.listen()
        self.bob.types("hello", "/me waves", "/leave #dev")
        said, acted, left = self.heard(wire)
        number, kind, data = said.split("\n")
        self.assertEqual((number, kind), ("id: 1", "event: said"))
        self.assertEqual(json.loads(data.removeprefix("data: "))["text"], "hello")
        self.assertTrue(acted.startswith("id: 2\nevent: acted\n"))
        self.assertTrue(left.startswith("event: left\n"), "what is not kept has no number")

    def test_from_where_it_was(self) -> None:
        for n in range(5):
            self.bob.types(f"{n}")
        for wire in (
            self.listen("Last-Event-ID: 3"),
            self.listen(query=b"?after=3"),
            self.listen("Last-Event-ID: 3", query=b"?after=1"),
        ):
            self.assertEqual([one.split("\n")[0] for one in self.heard(wire)], ["id: 4", "id: 5"])
        self.assertEqual(self.heard(self.listen("Last-Event-ID:")), [])
        self.bob.hears()
        for bad in ("x", "-1", "1.5", "9" * 17):
            self.refused(400, Code.BAD_REQUEST, self.ask(EVENTS, f"Last-Event-ID: {bad}"))

    def test_who_may_not(self) -> None:
        self.refused(401, Code.TOKEN_NEEDED, self.ask(EVENTS, token=""))
        self.refused(403, Code.NOT_ALLOWED, self.ask(b"GET /rooms/lobby/events"))
        self.alice.types("/ban deploy")
        self.bob.hears()
        self.refused(403, Code.BANNED, self.ask(EVENTS))
        self.assertEqual(len(self.chat.hub.parts.people), 2)

    def test_one_too_many(self) -> None:
        wires = [self.listen() for _ in range(10)]
        self.refused(429, Code.TOO_MANY_CONNECTIONS, self.ask(EVENTS))
        wires[0].end()
        self.listen()

    def test_it_says_that_it_is_there(self) -> None:
        wire = self.listen()
        self.assertEqual(chunks(wire.transport.value()), b":\n\n")
        wire.transport.clear()
        self.chat.clock.advance(BEAT)
        self.chat.clock.advance(BEAT)
        self.assertEqual(chunks(wire.transport.value()), b":\n\n" * 2)
        wire.end()
        self.assertEqual([*self.chat.hub.listeners.streams()], [])
        meters = self.chat.hub.meters
        self.assertEqual((meters.accepted["stream"], meters.connections["stream"]), (1, 0))

    def test_who_does_not_read_is_waited_for(self) -> None:
        wire = self.listen()
        producer = wire.transport.producer
        assert producer is not None
        producer.pauseProducing()
        for n in range(2000):
            self.bob.types(f"{n} " + "x" * 300)
        self.chat.clock.advance(BEAT)
        self.assertLess(len(wire.transport.value()), 1000)
        producer.resumeProducing()
        self.chat.clock.pump([0.01] * 30)
        found = [json.loads(one.split("data: ")[1]) for one in self.heard(wire)]
        said = [one["text"].split()[0] for one in found if one["type"] == "said"]
        self.assertEqual(said, [str(n) for n in range(2000)])
        self.assertIn("gap", [one["type"] for one in found])

    def test_who_does_not_read_is_not_read_either(self) -> None:
        """What it sends behind its request would be kept, without end."""
        wire = self.listen()
        producer = wire.transport.producer
        assert producer is not None
        producer.pauseProducing()
        wire.send(b"GET / HTTP/1.1\r\n" * 100)
        self.assertEqual(wire.transport.producerState, "paused")
        producer.resumeProducing()
        self.bob.types("hello")
        self.assertEqual(len(self.heard(wire)), 1)

    def test_the_end_is_told_and_closes_the_connection(self) -> None:
        for end, kind in (
            (lambda: self.alice.types("/token revoke deploy"), "error"),
            (lambda: self.alice.types("/ban deploy"), "error"),
            (lambda: self.chat.hub.close("Goodbye!"), "notice"),
        ):
            self.open(Chat(policy=self.policy))
            wire = self.listen()
            end()
            self.chat.turn()
            text = chunks(wire.transport.value()).decode()
            self.assertIn(f"event: {kind}\n", text.split("\n\n")[-2])
            self.assertTrue(wire.closed)
            wire.end()
            self.assertEqual([*self.chat.hub.listeners.streams()], [])

    def test_the_server_waits_for_nobody_when_it_closes(self) -> None:
        wires = [self.listen() for _ in range(3)]
        self.site.close()
        closed = self.chat.hub.close("Goodbye!")
        self.chat.turn()
        for wire in wires:
            self.assertIn(b"Goodbye!", wire.transport.value())
            self.assertTrue(wire.closed)
            wire.end()
        for guest in (self.alice, self.bob):
            guest.goes()
        self.successResultOf(closed)

    def test_it_is_encoded_once_for_all(self) -> None:
        wires = [self.listen() for _ in range(5)]
        self.bob.types("hello")
        self.assertEqual(len({tuple(self.heard(wire)) for wire in wires}), 1)
