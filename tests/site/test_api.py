"""The HTTP interface for programs: what is answered to good requests, and to every bad one."""

import json
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime, ITransport
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.websocket import WebSocketFactory
from chatservice.errors import ChatError, Code
from chatservice.limits import UNLIMITED, Limits
from chatservice.people.person import Policy
from chatservice.roles import Role
from chatservice.site.endpoint import STATUS
from chatservice.site.server import make_site
from tests.fakes import Chat, FailingLog, SlowLog, quick
from tests.test_bots import token_in

LINE = b"POST /rooms/dev/messages"


class Wire:
    """One HTTP connection.

    :ivar closed: whether the server has ended it.
    """

    def __init__(self, case: "Programs", host: str = "127.0.0.1") -> None:
        self.case = case
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", host, 4711))
        self.protocol = cast("Protocol", case.site.buildProtocol(None))
        self.protocol.makeConnection(cast("ITransport", self.transport))

    def send(self, data: bytes) -> None:
        """Send bytes, and let the server answer."""
        self.protocol.dataReceived(data)
        self.case.chat.turn()

    def ask(self, first: bytes, *headers: str, body: bytes = b"", token: str | None = None) -> None:
        """Send a request with the token."""
        token = self.case.secret if token is None else token
        lines = [first + b" HTTP/1.1", b"Host: localhost"]
        lines += [header.encode("latin-1") for header in headers]
        if token:
            lines.append(f"Authorization: Bearer {token}".encode())
        if body:
            lines.append(b"Content-Length: %d" % len(body))
        self.send(b"\r\n".join([*lines, b"", b""]) + body)

    def take(self) -> tuple[int, dict[str, str], bytes]:
        """Return the next answer: status, headers, body."""
        head, _, rest = self.transport.value().partition(b"\r\n\r\n")
        self.transport.clear()
        first, *fields = head.decode().split("\r\n")
        named = dict(field.lower().split(": ", 1) for field in fields)
        length = int(named.get("content-length", len(rest)))
        self.transport.write(rest[length:])
        return int(first.split()[1]), named, rest[:length]

    def end(self) -> None:
        """Take note that the connection is gone."""
        self.protocol.connectionLost(Failure(ConnectionDone()))

    @property
    def closed(self) -> bool:
        return self.transport.disconnecting or self.transport.disconnected


class Programs(SynchronousTestCase):
    """A web server over a chat. The bot deploy may read and write in #dev; Bob is there."""

    policy = Policy(UNLIMITED, backlog=20)

    def setUp(self) -> None:
        self.open(Chat(SlowLog(), policy=self.policy))

    def open(self, chat: Chat) -> None:
        """Begin with a chat."""
        self.chat = chat
        self.alice = self.chat.joined_as("alice", Role.USER)
        self.bob = self.chat.join("bob")
        self.alice.types("/join #dev")
        self.bob.types("/join #dev")
        self.alice.types("/token deploy #dev")
        self.secret = token_in(self.alice.hears())
        self.bob.hears()
        hub, clock = self.chat.hub, cast("IReactorTime", self.chat.clock)
        self.site = make_site(hub, WebSocketFactory(hub), reactor=clock)

    def ask(
        self,
        first: bytes,
        *headers: str,
        body: bytes = b"",
        token: str | None = None,
        host: str = "127.0.0.1",
    ) -> tuple[int, dict[str, str], Any]:
        """Send a request on a connection of its own; return status, headers and JSON."""
        wire = Wire(self, host)
        wire.ask(first, *headers, body=body, token=token)
        status, fields, answer = wire.take()
        wire.end()
        self.assertEqual(fields["content-type"], "application/json")
        self.assertEqual(fields["cache-control"], "no-store")
        return status, fields, json.loads(answer) if answer else None

    def say(self, body: bytes, *headers: str) -> tuple[int, dict[str, str], Any]:
        """Say something."""
        return self.ask(LINE, *headers, body=body)

    def refused(self, status: int, code: Code, answer: tuple[int, dict[str, str], Any]) -> None:
        """Check a refusal; nobody hears of it."""
        self.assertEqual((answer[0], answer[2]["code"]), (status, code), answer)
        self.assertTrue(answer[2]["text"])
        self.assertEqual(self.bob.hears(), [])


class Saying(Programs):
    """POST /rooms/NAME/messages."""

    def test_the_issues_example(self) -> None:
        kind = "Content-Type: application/x-www-form-urlencoded"  # curl -d
        status, _, said = self.say(b"deploy done", kind)
        self.assertEqual((status, said), (201, {"room": "#dev", "seq": 1, "at": 1.7e9}))
        self.assertEqual(self.bob.hears(), ["deploy: deploy done"])

    def test_what_looks_like_a_form_is_text(self) -> None:
        self.say(b"a=1&b=%41+x", "Content-Type: application/x-www-form-urlencoded")
        self.assertEqual(self.bob.hears(), ["deploy: a=1&b=%41+x"])

    def test_json(self) -> None:
        status, _, _ = self.say(
            b'{"text":"restarts","kind":"acted"}', "Content-Type: application/json"
        )
        self.assertEqual(status, 201)
        utf = "Content-Type: application/json; charset=UTF-8"
        other = f'{{"text":"größer","other":{10**99}}}'
        self.assertEqual(self.say(other.encode(), utf)[0], 201)
        self.assertEqual(self.bob.hears(), ["* deploy restarts", "deploy: größer"])

    def test_one_end_of_a_line_is_none_of_the_text(self) -> None:
        for body in (b"done\n", b"done\r\n", b"done"):
            self.assertEqual(self.say(body)[0], 201)
        self.assertEqual(self.bob.hears(), ["deploy: done"] * 3)

    def test_bodies_that_say_nothing(self) -> None:
        as_json = "Content-Type: application/json"
        for body in (b"", b" ", b"\n", b"one\ntwo", b"done\n\n"):
            self.refused(400, Code.BAD_ARGUMENTS, self.say(body))
        self.refused(400, Code.BAD_REQUEST, self.say(b"caf\xe9"))
        for body in (b"", b"{", b"[]", b'"x"', b"[" * 5000, b'{"text":"a","text":"b"}', b"NaN"):
            self.refused(400, Code.BAD_REQUEST, self.say(body, as_json))
        self.assertIn("twice", self.say(b'{"text":"a","text":"b"}', as_json)[2]["text"])
        for body in (b"{}", b'{"text":7}', b'{"text":"x","kind":"joined"}', b'{"text":"a\\nb"}'):
            self.refused(400, Code.BAD_ARGUMENTS, self.say(body, as_json))

    def test_what_is_no_text(self) -> None:
        for header in (
            "Content-Type: multipart/form-data; boundary=x",
            "Content-Type: image/png",
            "Content-Type: text/plain; charset=latin-1",
            "Content-Encoding: gzip",
        ):
            self.refused(415, Code.UNKNOWN_TYPE, self.say(b"hello", header))

    def test_too_long(self) -> None:
        self.assertEqual(self.say(b"x" * 1024)[0], 201)
        self.bob.hears()
        for size in (1025, 9000, 65_536):
            self.refused(413, Code.LINE_TOO_LONG, self.say(b"x" * size))

    def test_much_too_long_is_refused_before_it_comes(self) -> None:
        wire = Wire(self)
        wire.send(LINE + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        status, _, body = wire.take()
        self.assertEqual((status, json.loads(body)["code"]), (413, "line-too-long"))
        wire.send(b"x" * 100_000)
        wire.end()
        self.assertEqual(self.bob.hears(), [])

    def test_in_chunks(self) -> None:
        wire = Wire(self)
        head = (
            f"Host: x\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer {self.secret}\r\n\r\n"
        )
        wire.send(LINE + b" HTTP/1.1\r\n" + head.encode())
        for part in (b"6\r\ndeploy\r", b"\n5\r\n done\r\n", b"0\r\n\r\n"):
            wire.send(part)
        self.assertEqual(wire.take()[0], 201)
        self.assertEqual(self.bob.hears(), ["deploy: deploy done"])
        wire.send(LINE + b" HTTP/1.1\r\n" + head.encode())
        for _ in range(20):
            wire.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        self.assertEqual(wire.take()[0], 413)
        wire.end()

    def test_one_behind_another_on_one_connection(self) -> None:
        wire = Wire(self)
        request = (
            LINE + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
            b"Authorization: Bearer " + self.secret.encode() + b"\r\n\r\n"
        )
        wire.send(b"".join(request + b"%02d" % n for n in range(20)))
        for n in range(20):
            status, _, body = wire.take()
            self.assertEqual((status, json.loads(body)["seq"]), (201, n + 1))
        wire.end()

    def test_the_answer_comes_when_it_is_committed(self) -> None:
        log = self.chat.log
        assert isinstance(log, SlowLog)
        log.slow = True
        wire = Wire(self)
        wire.ask(LINE, body=b"hello")
        self.assertEqual(wire.transport.value(), b"")
        log.commit()
        self.chat.turn()
        self.assertEqual(wire.take()[0], 201)
        wire.ask(LINE, body=b"gone before the answer")
        wire.end()
        log.commit()
        self.chat.turn()
        self.assertEqual(self.bob.hears()[-1], "deploy: gone before the answer")

    def test_with_a_key_it_is_said_once(self) -> None:
        key = "Idempotency-Key: build-17"
        answers = [self.say(b"done", key)[2] for _ in range(3)]
        self.assertEqual(answers, [answers[0]] * 3)
        self.assertEqual(self.bob.hears(), ["deploy: done"])
        self.refused(422, Code.KEY_REUSED, self.say(b"failed", key))
        for bad in ("", "x" * 65, "a b", "é"):
            self.refused(400, Code.BAD_REQUEST, self.say(b"x", f"Idempotency-Key: {bad}"))
        self.refused(400, Code.BAD_REQUEST, self.say(b"x", key, key))

    def test_a_chat_without_a_disk_says_so(self) -> None:
        log = FailingLog()
        self.open(Chat(log, policy=self.policy))
        log.failing = ChatError(Code.NOT_STORED, "the disk is full")
        answer = self.say(b"hello")
        self.refused(503, Code.NOT_STORED, answer)
        self.assertIn("retry-after", answer[1])
        log.failing = RuntimeError("a mistake")
        self.refused(500, Code.INTERNAL, self.say(b"hello"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class WhoAsks(Programs):
    """Tokens in requests."""

    def test_no_token(self) -> None:
        for header in (
            "X: y",
            "Authorization:",
            "Authorization: Bearer",
            "Authorization: Basic YTpi",
            f"Authorization: Bearer {'x' * 500}",
            "Authorization: Bearer a b",
            "Cookie: token=x",
        ):
            answer = self.ask(LINE, header, body=b"x", token="")
            self.refused(401, Code.TOKEN_NEEDED, answer)
            self.assertEqual(answer[1]["www-authenticate"], 'bearer realm="chat"')

    def test_not_in_the_address_either(self) -> None:
        path = f"POST /rooms/dev/messages?token={self.secret}".encode()
        self.refused(401, Code.TOKEN_NEEDED, self.ask(path, body=b"x", token=""))
        self.refused(400, Code.BAD_ARGUMENTS, self.ask(path, body=b"x"))

    def test_a_wrong_one(self) -> None:
        answer = self.ask(LINE, body=b"x", token="chat_" + "x" * 43)
        self.refused(401, Code.BAD_TOKEN, answer)
        self.assertIn("invalid_token", answer[1]["www-authenticate"])

    def test_two(self) -> None:
        both = f"Authorization: Bearer {self.secret}"
        self.refused(400, Code.BAD_REQUEST, self.ask(LINE, both, body=b"x"))

    def test_another_room_be_it_there_or_not(self) -> None:
        for room in (b"lobby", b"nowhere", b"%64ev2"):
            answer = self.ask(b"POST /rooms/%s/messages" % room, body=b"x")
            self.refused(403, Code.NOT_ALLOWED, answer)

    def test_whoever_is_muted_or_banned(self) -> None:
        self.alice.types("/mute deploy 5m", "/ban #dev 203.0.113.0/24")
        self.bob.hears()
        self.refused(403, Code.MUTED, self.say(b"x"))
        self.refused(403, Code.BANNED, self.ask(b"GET /rooms/dev/messages", host="203.0.113.9"))

    def test_a_secure_room(self) -> None:
        self.alice.types("/mode secure")
        self.bob.hears()
        answer = self.ask(b"GET /rooms/dev/messages", host="203.0.113.9")
        self.refused(403, Code.NEEDS_ENCRYPTION, answer)
        self.assertEqual(self.ask(b"GET /rooms/dev/messages", host="127.0.0.1")[0], 200)

    def test_every_refusal_has_a_status(self) -> None:
        self.assertEqual(set(STATUS.values()) - {*range(400, 504)}, set())
        for code in (Code.BAD_TOKEN, Code.KEY_REUSED, Code.SLOW_MODE, Code.NOT_READ):
            self.assertIn(code, STATUS)


class Limited(Programs):
    """Too much in too little time."""

    policy = Policy(Limits(), backlog=20)

    def test_when_to_try_again(self) -> None:
        for _ in range(10):
            self.assertEqual(self.say(b"x")[0], 201)
        self.bob.hears()
        answer = self.say(b"x")
        self.refused(429, Code.TOO_FAST, answer)
        self.assertEqual(answer[1]["retry-after"], "1")
        self.chat.clock.advance(1)
        self.assertEqual(self.say(b"x")[0], 201)

    def test_it_is_said_in_words_too(self) -> None:
        """Twisted has none for 429 and 422, and people look at what curl -i shows."""
        wire = Wire(self)
        for _ in range(11):
            wire.transport.clear()
            wire.ask(LINE, body=b"x")
        self.assertTrue(wire.transport.value().startswith(b"HTTP/1.1 429 Too Many Requests\r\n"))
        wire.end()

    def test_guessing_is_not_for_nothing(self) -> None:
        codes = {
            self.ask(LINE, body=b"x", token=f"guess{n}", host="192.0.2.1")[0] for n in range(99)
        }
        self.assertEqual(codes, {401, 429})
        codes = {self.ask(LINE, body=b"x", token="", host="192.0.2.2")[0] for n in range(99)}
        self.assertEqual(codes, {401, 429})
        self.assertEqual(self.ask(LINE, body=b"x", host="192.0.2.3")[0], 201)

    def test_what_is_no_request_is_not_for_nothing_either(self) -> None:
        for n, (first, header, body) in enumerate(
            (
                (LINE, "Content-Type: application/json", b"{"),
                (LINE, "Content-Type: image/png", b"x"),
                (LINE, "Idempotency-Key: a b", b"x"),
                (b"GET /rooms/dev/messages?limit=x", "X: y", b""),
                (b"GET /rooms/dev/events?after=x", "X: y", b""),
                (b"PUT /rooms/dev/messages", "X: y", b""),
                (b"GET /rooms/dev/messages/x", "X: y", b""),
            )
        ):
            for token in ("guess", self.secret):
                host = f"192.0.2.{10 * n + len(token) % 10}"
                codes = [
                    self.ask(first, header, body=body, token=token, host=host)[0] for _ in range(60)
                ]
                self.assertEqual(codes[50:], [429] * 10, first)
                self.assertNotIn(429, codes[:50])

    def test_a_slow_room(self) -> None:
        self.alice.types("/mode slow 30s")
        self.say(b"x")
        self.bob.hears()
        answer = self.say(b"x")
        self.refused(429, Code.SLOW_MODE, answer)
        self.assertEqual(answer[1]["retry-after"], "30")


class Paths(Programs):
    """What is there, and what is not."""

    def test_nothing_else_is_there(self) -> None:
        for path in (
            *("/rooms", "/rooms/", "/rooms/dev", "/rooms/dev/", "/rooms/dev/other"),
            *("/rooms/dev/messages/", "/rooms/dev/messages/1", "/rooms/dev/events/x"),
            *("/rooms/../rooms/dev/messages", "/rooms//dev/messages", "/rooms/./dev/messages"),
            *("/rooms/%00/messages", "/rooms/a%2Fb/messages", "/rooms/a%20b/messages"),
            *("/rooms/%23dev/messages", "/rooms/%ff%fe/messages", "/rooms/%/messages"),
            *("/rooms/@alice/messages", "/rooms/&dev/messages", f"/rooms/{'x' * 51}/messages"),
            *(f"/rooms/{'x' * 5000}/messages", "/rooms/dev%0d%0aX:y/messages"),
            "/openapi.json/x",
        ):
            self.refused(404, Code.NO_SUCH_PATH, self.ask(f"GET {path}".encode()))

    def test_a_room_of_any_script_however_it_is_written(self) -> None:
        self.alice.types("/join #größe", "/token deploy #größe #dev")
        self.secret = token_in(self.alice.hears())
        for path in ("gr%C3%B6%C3%9Fe", "GR%C3%96%C3%9FE", "gro%CC%88sse"):
            first = b"GET /rooms/" + path.encode() + b"/messages"
            self.assertEqual(self.ask(first)[0], 200, path)

    def test_other_methods(self) -> None:
        for method, path, allowed in (
            (b"PUT", b"/rooms/dev/messages", "get, head, post"),
            (b"DELETE", b"/rooms/dev/messages", "get, head, post"),
            (b"OPTIONS", b"/rooms/dev/messages", "get, head, post"),
            (b"post", b"/rooms/dev/messages", "get, head, post"),
            (b"POST", b"/rooms/dev/events", "get"),
            (b"HEAD", b"/rooms/dev/events", "get"),
            (b"POST", b"/openapi.json", "get, head"),
        ):
            wire = Wire(self)
            wire.ask(method + b" " + path)
            status, headers, _ = wire.take()
            wire.end()
            self.assertEqual((status, headers.get("allow")), (405, allowed), method)
            self.assertNotIn("access-control-allow-origin", headers)

    def test_requests_that_are_none(self) -> None:
        for data in (
            b"GET /rooms/dev/messages\r\n\r\n",
            b"GET /rooms/dev/messages HTTP/1.1\r\nbad header\r\n\r\n",
            b"POST /rooms/dev/messages HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            b"POST /rooms/dev/messages HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 20_000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
            b"POST /rooms/dev/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ):
            wire = Wire(self)
            wire.send(data)
            self.assertIn(wire.take()[0], (400, 431), data[:60])
            wire.end()
        self.assertEqual(self.bob.hears(), [])

    @quick
    @given(st.binary(max_size=60))
    def test_no_name_of_a_room_is_a_mistake_of_ours(self, name: bytes) -> None:
        encoded = b"".join(b"%%%02X" % byte for byte in name)
        status, _, _ = self.ask(b"GET /rooms/" + encoded + b"/messages")
        self.assertIn(status, (403, 404) if encoded else (404,))

    def test_the_description(self) -> None:
        status, _, described = self.ask(b"GET /openapi.json", token="")
        self.assertEqual((status, described["openapi"]), (200, "3.1.0"))


class Reading(Programs):
    """GET /rooms/NAME/messages."""

    def read(self, query: str = "") -> Any:
        """Return a page."""
        status, _, page = self.ask(f"GET /rooms/dev/messages{query}".encode())
        self.assertEqual(status, 200)
        return page

    def test_pages(self) -> None:
        for n in range(5):
            self.bob.types(f"line {n}")
        page = self.read("?after=1&limit=2")
        self.assertEqual(page["next"], 3)
        self.assertEqual(
            page["messages"][0],
            {
                "type": "said",
                "at": 1.7e9,
                "room": "#dev",
                "seq": 2,
                "nick": "bob",
                "text": "line 1",
            },
        )
        self.assertEqual([one["seq"] for one in self.read()["messages"]], [1, 2, 3, 4, 5])
        self.assertEqual(self.read("?before=3")["next"], None)
        self.assertEqual(self.read("?after=5"), {"messages": [], "next": 5})

    def test_head_has_no_body(self) -> None:
        wire = Wire(self)
        wire.ask(b"HEAD /rooms/dev/messages")
        self.assertEqual(wire.transport.value().partition(b"\r\n\r\n")[2], b"")

    def test_numbers_that_are_none(self) -> None:
        self.bob.hears()
        for query in (
            *("after=", "after=-1", "after=x", "after=1&after=2", "after=1.5", "after=%31%00"),
            *("limit=0", "limit=501", "other=1", "after=99999999999999999"),
            "=1",
        ):
            first = b"GET /rooms/dev/messages?" + query.encode()
            self.refused(400, Code.BAD_ARGUMENTS, self.ask(first))
