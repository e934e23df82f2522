"""The web server: who may connect, what requests may be, and how it is."""

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from chatservice.doors.websocket import WebSocketProtocol
from chatservice.limits import Limits
from chatservice.site.channel import LINGER, MAX_BODY, MAX_HEAD, MAX_PIECES, TIMEOUT, Request
from chatservice.site.chatsite import BROWSERS
from chatservice.site.origins import Origins as Which
from chatservice.site.resources import SAFE_COOKIE
from tests.doors.web import handshake
from tests.site.fakes import Answer, Browser, Web

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Origins(SynchronousTestCase):
    """Which pages may connect."""

    def test_the_table(self) -> None:
        """Our own page, and programs."""
        for origin, secure, host, may in (
            (None, False, "chat.example", True),
            ("http://chat.example", False, "chat.example", True),
            ("http://chat.example:8055", False, "chat.example:8055", True),
            ("HTTP://Chat.Example", False, "chat.EXAMPLE", True),
            ("https://chat.example", True, "chat.example", True),
            ("http://[::1]:8055", False, "[::1]:8055", True),
            ("https://chat.example", False, "chat.example", False),
            ("http://chat.example", True, "chat.example", False),
            ("http://chat.example:8056", False, "chat.example:8055", False),
            ("http://chat.example", False, "chat.example:8055", False),
            ("http://evil.example", False, "chat.example", False),
            ("http://chat.example.evil.example", False, "chat.example", False),
            ("http://chat.example@evil.example", False, "chat.example", False),
            ("http://evil.chat.example", False, "chat.example", False),
            ("http://other.example", False, "chat.example", False),
            ("null", False, "chat.example", False),
            ("null", False, "null", False),
            ("", False, "", False),
            ("http://", False, "", False),
            ("file://", False, "chat.example", False),
            ("*", False, "chat.example", False),
        ):
            got = Which().may_connect(origin, secure, host)
            self.assertEqual(got, may, (origin, secure, host))

    def test_once_some_are_named_other_names_count_no_more(self) -> None:
        """Whoever owns a name may let it lead here (DNS rebinding); nobody owns an address."""
        for origin, secure, host, may in (
            (None, False, "chat.example", True),
            ("https://chat.example", False, "chat.example", True),
            ("https://Chat.Example", False, "127.0.0.1:8055", True),
            ("https://wiki.example:81", False, "", True),
            ("http://chat.example", False, "chat.example", False),
            ("http://evil.example", False, "evil.example", False),
            ("https://evil.example:8055", True, "evil.example:8055", False),
            ("http://127.0.0.1.evil.example", False, "127.0.0.1.evil.example", False),
            ("http://localhost.evil.example", False, "localhost.evil.example", False),
            ("http://localhost:8055", False, "localhost:8055", True),
            ("http://192.0.2.1:8055", False, "192.0.2.1:8055", True),
            ("http://[::1]:8055", False, "[::1]:8055", True),
            ("http://192.0.2.1", False, "192.0.2.1:8055", False),
            ("http://evil.example", False, "192.0.2.1", False),
            ("null", False, "chat.example", False),
        ):
            ours = Which(("https://chat.example", "https://wiki.example:81"))
            got = ours.may_connect(origin, secure, host)
            self.assertEqual(got, may, (origin, secure, host))

    def test_the_cookie_is_one_that_no_neighbour_can_plant(self) -> None:
        """Where the browser sees us at https://, also by a proxy; a planted one is not taken."""
        web = Web(origins=("https://chat.example",))
        planted = "p" * 43
        got = web.get("/", Cookie=f"chat={planted}").header("Set-Cookie")
        first, *rest = got.split("; ")
        name, _, value = first.partition("=")
        self.assertEqual(name, SAFE_COOKIE)
        self.assertNotEqual(value, planted)
        self.assertTrue({"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(rest))
        self.assertNotIn("Domain", got)
        for cookies, taken in (
            (f"{first}; chat={planted}", value),
            (f"chat={planted}", ""),
            (f"{first}; {SAFE_COOKIE}={planted}", ""),
            (f"a=b; {first}", value),
        ):
            browser = web.connect()
            browser.ask("/ws", "GET", b"", **UPGRADE, Origin="https://chat.example", Cookie=cookies)
            (connection,) = web.door.connections()
            assert isinstance(connection, WebSocketProtocol)
            self.assertEqual(connection._cookie, taken, cookies)
            browser.transport.loseConnection()
            connection.connectionLost()

    def test_over_http_it_is_the_plain_one(self) -> None:
        """The browser would take no other."""
        web = Web(origins=("https://chat.example",))
        browser = web.connect()
        browser.send(b"GET / HTTP/1.1\r\nHost: localhost:8055\r\n\r\n")
        (answer,) = browser.answers()
        self.assertTrue(answer.header("Set-Cookie").startswith("chat="))
        self.assertNotIn("Secure", answer.header("Set-Cookie"))

    def test_a_page_from_elsewhere_is_refused_in_the_handshake(self) -> None:
        """Before there is a WebSocket."""
        web = Web(origins=("https://other.example", "http://chat.example"))
        for origin, status in (
            *(("http://evil.example", 403), ("null", 403), ("", 403)),
            *(("http://chat.example", 101), ("https://other.example", 101)),
        ):
            self.assertEqual(web.get("/ws", **UPGRADE, Origin=origin).status, status, origin)
        self.assertEqual(web.get("/ws", **UPGRADE).status, 101)
        self.assertEqual(len(web.door.connections()), 3)

    def test_two_origins_are_none(self) -> None:
        """Whichever of them is ours."""
        browser = Web().connect()
        browser.send(handshake("Origin: http://chat.example", "Origin: http://evil.example"))
        self.assertEqual([one.status for one in browser.answers()], [400])


class Handshakes(SynchronousTestCase):
    """What becomes a WebSocket, and what does not."""

    def test_the_table(self) -> None:
        """Each has its own status; the connection is still one for HTTP."""
        web = Web()
        for changes, status in (
            ({}, 101),
            ({"Upgrade": "h2c, WebSocket", "Connection": "keep-alive, upgrade"}, 101),
            ({"Upgrade": "h2c"}, 426),
            ({"Connection": "close"}, 426),
            ({"Sec_WebSocket_Version": "8"}, 426),
            ({"Sec_WebSocket_Version": "13, 8"}, 426),
            ({"Sec_WebSocket_Key": "short"}, 400),
            ({"Sec_WebSocket_Key": "!" * 24}, 400),
            ({"Sec_WebSocket_Protocol": "text.ircv3.net"}, 101),
            ({"Sec_WebSocket_Extensions": "permessage-deflate"}, 101),
        ):
            browser = web.connect()
            got = browser.ask("/ws", "GET", b"", **(UPGRADE | changes))
            self.assertEqual(got.status, status, changes)
            self.assertEqual(got.header("Sec-WebSocket-Protocol"), "")
            self.assertEqual(got.header("Sec-WebSocket-Extensions"), "")
            if status == 426:
                self.assertEqual(got.header("Sec-WebSocket-Version"), "13")
            if status != 101 and "Connection" not in changes:
                self.assertEqual(browser.ask("/healthz").status, 200)

    def test_what_else_the_peer_says_is_not_looked_at(self) -> None:
        """Only what is needed goes on from here: no other program refuses it in its own words."""
        for headers in (
            ("Sec-WebSocket-Protocol: a,a",),
            ("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99",),
            ("Cookie: \xff\xfe", "X-Forwarded-For: 192.0.2.66", "User-Agent: \x1b[2J"),
            ("Origin: http://a:99999999",),
        ):
            browser = Web().connect()
            host = headers[0].partition("http://")[2] or "[::1"
            browser.send(handshake(*headers).replace(b"chat.example", host.encode()))
            self.assertEqual([one.status for one in browser.answers()], [101], headers)
        browser = Web().connect()
        browser.send(handshake().replace(b"/ws", b"/ws?a=%00#x"))
        self.assertEqual([one.status for one in browser.answers()], [101])

    def test_irc_is_spoken_at_two_paths_in_the_way_the_client_likes_best(self) -> None:
        """What it may like besides is not told of; the page is still where it was."""
        for path, asked, spoken in (
            *(
                ("/irc", "", ""),
                ("/", "", ""),
                ("/irc", "chat", ""),
                ("/irc", "TEXT.ircv3.net", ""),
            ),
            ("/irc", "text.ircv3.net", "text.ircv3.net"),
            ("/", "binary.ircv3.net, text.ircv3.net", "binary.ircv3.net"),
            ("/irc", "soap,  text.ircv3.net,text.ircv3.net", "text.ircv3.net"),
        ):
            web = Web()
            headers = UPGRADE | ({"Sec_WebSocket_Protocol": asked} if asked else {})
            got = web.get(path, **headers)
            self.assertEqual((got.status, got.header("Set-Cookie")), (101, ""), path)
            self.assertEqual(got.header("Sec-WebSocket-Protocol"), spoken)
            self.assertEqual(got.header("Server"), "")
            self.assertEqual(len(web.irc[spoken].connections()), 1)
            self.assertEqual(web.door.connections(), [])

    def test_irc_has_the_same_rules_as_the_page(self) -> None:
        """Who comes from elsewhere is refused; a plain request is no WebSocket."""
        web = Web()
        for path in ("/irc", "/"):
            got = web.get(path, **UPGRADE, Origin="http://evil.example")
            self.assertEqual(got.status, 403)
            got = web.get(path, **UPGRADE, Origin="http://chat.example")
            self.assertEqual(got.status, 101)
            self.assertEqual(web.get(path, **UPGRADE | {"Sec_WebSocket_Key": "x"}).status, 400)
            got = web.connect().ask(path, "HEAD", b"", **UPGRADE)
            self.assertIn(got.status, (200, 405))
        self.assertEqual(web.get("/irc").status, 426)
        self.assertEqual(web.get("/").header("Content-Type"), "text/html; charset=utf-8")

    def test_a_body_is_no_frame(self) -> None:
        """It would be taken for one."""
        got = Web().connect().ask("/ws", "GET", b"x", **UPGRADE)
        self.assertEqual(got.status, 400)
        self.assertEqual(Web().connect().ask("/ws", "POST", b"x", **UPGRADE).status, 405)
        self.assertEqual(Web().get("/ws?redirect=http://evil.example").status, 426)

    def test_http_has_no_say_any_more(self) -> None:
        """Neither its timeouts nor its limits."""
        web = Web(Limits(connections=1))
        browser = web.connect()
        self.assertEqual(browser.ask("/ws", "GET", b"", **UPGRADE).status, 101)
        web.clock.advance(TIMEOUT - 0.1)
        self.assertFalse(browser.transport.disconnecting)
        self.assertEqual(web.site._channels, {})
        web.site.close()
        self.assertFalse(browser.transport.disconnecting)


class Requests(SynchronousTestCase):
    """What one connection may do."""

    def setUp(self) -> None:
        """Open a web server."""
        self.web = Web()

    def refused(self, browser: Browser) -> Answer:
        """Return the only answer; nothing more is answered, and the connection ends."""
        (answer,) = browser.answers()
        self.assertEqual(answer.header("Connection"), "close")
        browser.send(b"GET /healthz HTTP/1.1\r\n\r\n" * 3)
        self.assertEqual(browser.answers(), [])
        self.web.clock.advance(LINGER)
        self.assertTrue(browser.transport.aborted)
        return answer

    def test_a_long_body_is_refused_before_it_comes(self) -> None:
        """By its length alone, in the form that whoever asked understands."""
        browser = self.web.connect()
        head = b"POST /rooms/x/messages HTTP/1.1\r\nContent-Length: %d\r\n\r\n"
        browser.send(head % (MAX_BODY + 1))
        answer = self.refused(browser)
        self.assertEqual((answer.status, answer.json["code"]), (413, "line-too-long"))

    def test_a_body_that_grows_too_long_is_refused(self) -> None:
        """Whatever its length is not."""
        browser = self.web.connect()
        browser.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"1000\r\n" + bytes(0x1000) + b"\r\n"
        for _ in range(17):
            browser.send(chunk)
        browser.send(b"0\r\n\r\n")
        self.assertEqual(self.refused(browser).status, 413)

    def test_a_body_in_too_many_pieces_is_refused(self) -> None:
        """To take them apart costs far more than to send them; nothing behind them is looked at."""
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        browser = self.web.connect()
        browser.send(head + b"1\r\na\r\n" * MAX_PIECES + b"0\r\n\r\n")
        self.assertEqual([one.status for one in browser.answers()], [405])
        taken: list[bytes] = []
        take = Request.handleContentChunk

        def counted(request: Request, data: bytes) -> None:
            taken.append(data)
            take(request, data)

        self.patch(Request, "handleContentChunk", counted)
        browser = self.web.connect()
        browser.send(head + b"1\r\na\r\n" * 10 * MAX_PIECES)
        self.assertEqual(self.refused(browser).status, 413)
        self.assertEqual(len(taken), MAX_PIECES + 1)
        rest = getattr(browser.channel, "_transferDecoder", None)
        self.assertIsNone(rest, "60 KiB of each, until garbage is collected")

    def test_a_body_of_the_longest_kind_is_read(self) -> None:
        """The limit itself is within it."""
        got = self.web.connect().ask("/", "POST", bytes(MAX_BODY))
        self.assertEqual((got.status, got.header("Allow")), (405, "GET, HEAD"))

    def test_an_endless_head_is_refused(self) -> None:
        """In one line or in many."""
        for data in (b"GET /" + b"x" * MAX_HEAD, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200):
            browser = self.web.connect()
            browser.send(data + b"\r\n" + b"x" * 100)
            self.assertIn(self.refused(browser).status, (400, 431))

    def test_what_is_no_request_is_refused(self) -> None:
        """In one line of text."""
        for data in (
            *(b"\x16\x03\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nbad\r\n\r\n"),
            b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            *(
                b"GET / HTTP/1.1\r\nContent-Length: " + b"0" * 9999 + end
                for end in (b"\r\n" * 2, b"\r\nA: b\r\n\r\n")
            ),
        ):
            browser = self.web.connect()
            browser.send(data)
            answer = self.refused(browser)
            self.assertEqual(answer.status, 400, data)
            self.assertEqual(answer.text, "That is no good HTTP request.\n")

    def test_programs_are_told_so_in_json(self) -> None:
        """As soon as it is known that it is one that asks; and that is counted."""
        for head, status in (
            (b"A\0: b\r\n", 400),
            (b"A: b\r\n" * 200, 400),
            (b"A: " + b"b" * MAX_HEAD + b"\r\n", 431),
        ):
            browser = self.web.connect()
            browser.send(b"POST /rooms/ops/messages HTTP/1.1\r\n" + head + b"\r\n")
            answer = self.refused(browser)
            self.assertEqual((answer.status, answer.json["code"]), (status, "bad-request"))
        self.assertEqual(self.web.get("/rooms/ops/nothing").status, 404)
        self.assertEqual(self.web.get("/nothing").status, 404)
        self.assertEqual(self.web.hub.meters.refused, {"bad-request": 3, "no-such-path": 1})

    def test_nobody_is_told_to_go_on_with_what_was_refused(self) -> None:
        """That would stand behind the last answer (RFC 9110, 10.1.1)."""
        browser = self.web.connect()
        head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        browser.send(head % (MAX_BODY + 1))
        self.assertEqual(self.refused(browser).status, 413)
        browser = self.web.connect()
        browser.send(head % 1)
        self.assertEqual([one.status for one in browser.answers()], [100])

    def test_who_has_it_already_is_told_that_alone(self) -> None:
        """A length would be taken for the file's (RFC 9110, 8.6); the next answer stands behind."""
        browser = self.web.connect()
        tag = browser.ask("/").header("ETag")
        got = browser.ask("/", If_None_Match=tag)
        self.assertEqual(got.status, 304)
        self.assertNotIn("content-length", got.headers)
        self.assertNotIn("content-type", got.headers)
        self.assertEqual(browser.ask("/healthz").status, 200)

    def test_drop_after_drop_keeps_no_connection_open(self) -> None:
        """A request must be complete in time."""
        browser = self.web.connect()
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\nA: bcdefghijklmnopqrstuvwxyz":
            browser.send(bytes([byte]))
            self.web.clock.advance(1)
        self.assertTrue(browser.transport.disconnecting)
        self.web.clock.advance(LINGER)
        self.assertTrue(browser.transport.aborted)

    def test_who_wants_one_answer_gets_one_and_the_end(self) -> None:
        """However it says so among other options (RFC 9112, 9.6)."""
        for options in ("close", "Close", "close, TE", "TE,close", "x ,\tclose,"):
            browser = self.web.connect()
            answer = browser.ask("/healthz", Connection=options)
            self.assertEqual((answer.status, answer.header("Connection")), (200, "close"), options)
            self.assertTrue(browser.transport.disconnecting, options)
        browser = self.web.connect()
        browser.ask("/healthz", Connection="keep-alive, closed")
        self.assertFalse(browser.transport.disconnecting)

    def test_who_asks_for_nothing_is_sent_away(self) -> None:
        """Before the first request, and after the last."""
        silent, idle = self.web.connect(), self.web.connect()
        self.web.clock.advance(TIMEOUT / 2)
        idle.ask("/")
        self.web.clock.advance(TIMEOUT / 2)
        self.assertTrue(silent.transport.disconnecting)
        self.assertFalse(idle.transport.disconnecting)
        idle.ask("/")
        self.web.clock.advance(TIMEOUT)
        self.assertTrue(idle.transport.disconnecting)

    def test_a_connection_is_cleaned_up(self) -> None:
        """Nothing of it is left, nor a timer."""
        browser = self.web.connect()
        browser.ask("/")
        self.web.clock.advance(TIMEOUT)
        browser.hang_up()
        self.assertEqual(self.web.clock.getDelayedCalls(), [])
        self.assertEqual((self.web.site._channels, self.web.site._theirs), ({}, {}))

    def test_a_mistake_of_ours_is_told_as_one(self) -> None:
        """Without a word of what it was."""

        class Broken(Resource):
            def render_GET(self, request: Request) -> bytes:
                raise ValueError("secret")

        self.web.site.resource.put("broken", Broken())
        got = self.web.get("/broken")
        self.assertEqual((got.status, got.text.count("secret")), (500, 0))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_an_address_has_so_many_connections(self) -> None:
        """And as many again when it closes some; others are not concerned."""
        for late in (False, True):
            web = Web(Limits(connections=2), late=late)
            browsers = [web.connect() for _ in range(2 * BROWSERS)]
            for browser in browsers:
                self.assertEqual(browser.ask("/").status, 200)
                browser.send(b"GET / HT")
            over = web.connect()
            if late:
                over.send(b"GET / HTTP/1.1\r\n\r\n")
            (refusal,) = over.answers()
            self.assertEqual((refusal.status, refusal.json["code"]), (429, "too-many-connections"))
            self.assertGreater(int(refusal.header("Retry-After")), 0)
            self.assertEqual(web.hub.meters.turned_away, {"too-many-connections": 1})
            self.assertEqual(web.connect("192.0.2.2").ask("/").status, 200)
            over.hang_up()
            browsers[0].hang_up()
            self.assertEqual(web.connect().ask("/").status, 200)

    def test_a_connection_that_rests_gives_way(self) -> None:
        """Browsers keep theirs for a while: somebody else at the address would not get in."""
        web = Web(Limits(connections=2))
        browsers = [web.connect() for _ in range(2 * BROWSERS)]
        for browser in browsers[1:]:
            browser.ask("/")
        self.assertEqual(web.connect().ask("/").status, 200)
        ended = [one.transport.disconnecting for one in browsers]
        self.assertEqual(ended, [False, True, *[False] * 4])
        # Whoever does not take the end still counts, up to as many again.
        others = [web.connect() for _ in range(2 * BROWSERS)]
        refused = [[one.status for one in other.answers()] for other in others]
        self.assertEqual(refused, [[]] * 5 + [[429]])
        others[0].ask("/")
        self.assertEqual([one.status for one in web.connect().answers()], [429])
        for browser in [*browsers, *others]:
            browser.hang_up()
        self.assertEqual(web.connect().ask("/").status, 200)

    def test_who_takes_an_answer_slowly_rests_then_too(self) -> None:
        """It has all the time for its next request, and gives way as others do."""
        web = Web(Limits(connections=2))
        slow = web.connect()

        def ask_slowly() -> None:
            slow.channel.pauseProducing()
            self.assertEqual(slow.ask("/").status, 200)
            slow.channel.resumeProducing()
            web.clock.advance(0)

        ask_slowly()
        web.clock.advance(TIMEOUT - 1)
        slow.send(b"GET / HT")
        web.clock.advance(TIMEOUT - 1)
        slow.send(b"TP/1.1\r\nHost: chat.example\r\n\r\n")
        self.assertEqual([one.status for one in slow.answers()], [200])
        ask_slowly()
        for _ in range(2 * BROWSERS):
            web.connect()
        self.assertTrue(slow.transport.disconnecting)

    def test_many_requests_at_once_leave_others_their_turn(self) -> None:
        """One is answered in each; none before the answers so far are taken."""
        browser = self.web.connect()
        browser.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 50 + b"GET / HT")
        self.assertEqual(len(browser.answers()), 1)
        self.assertEqual(browser.transport.producerState, "paused")
        others: list[Answer] = []
        self.web.clock.callLater(0, lambda: others.extend(browser.answers()))
        self.web.clock.advance(0)
        self.assertEqual([one.status for one in others], [200])
        self.assertEqual([one.status for one in browser.answers()], [200] * 48)
        self.assertEqual(browser.transport.producerState, "producing")
        browser.send(b"TP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual([one.status for one in browser.answers()], [200])

    def test_who_takes_no_answers_is_not_read(self) -> None:
        """Not even if it is an answer that fills the connection."""
        browser = self.web.connect()
        write = browser.transport.write

        def full(data: bytes) -> None:
            write(data)
            browser.channel.pauseProducing()

        self.patch(browser.transport, "write", full)
        browser.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        for _ in range(5):
            self.web.clock.advance(0)
        self.assertEqual(len(browser.answers()), 1)
        self.assertEqual(browser.transport.producerState, "paused")
        self.web.clock.advance(TIMEOUT)
        self.assertTrue(browser.transport.disconnecting)
        self.web.clock.advance(LINGER)
        self.assertTrue(browser.transport.aborted)
        browser.hang_up()
        self.assertEqual(self.web.clock.getDelayedCalls(), [])

    def test_all_connections_end_with_the_server(self) -> None:
        """The idle ones at once."""
        browser = self.web.connect()
        browser.ask("/")
        self.web.site.close()
        self.assertTrue(browser.transport.disconnecting)
        self.web.clock.advance(LINGER)
        self.assertTrue(browser.transport.aborted)


class Health(SynchronousTestCase):
    """How the server is."""

    def test_it_says_whether_people_and_lines_are_taken(self) -> None:
        """And why not."""
        web = Web()
        got = web.get("/healthz")
        self.assertEqual((got.status, got.json), (200, {"status": "ok"}))
        self.assertEqual(got.header("Cache-Control"), "no-store")
        self.patch(web.log, "trouble", "the disk is full")
        got = web.get("/healthz")
        self.assertEqual((got.status, got.json["status"]), (503, "not-stored"))
        self.assertIn("the disk is full", got.json["text"])
        self.patch(web.log, "trouble", "")
        web.hub._draining.begin(60)
        self.assertEqual(web.get("/healthz").json["status"], "closing")
        web.hub._draining.stop()
        self.assertEqual(web.get("/healthz").status, 200)
        web.hub.close("Goodbye!")
        self.assertEqual(web.get("/healthz").json["status"], "closing")
