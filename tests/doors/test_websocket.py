"""The WebSocket door: the scenarios of all doors, tabs that come back, and whatever may come in."""

import json
import math
import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts import ACCOUNT
from chatservice.doors.connection import LINGER
from chatservice.doors.frames import AT_ONCE, MAX_FRAMES
from chatservice.doors.tabs import new_cookie, read_cookie, token_of
from chatservice.doors.websocket import WebSocketFactory
from chatservice.errors import ChatError, Code
from chatservice.hub import Hub
from chatservice.limits import DEFAULT, UNLIMITED, Limits
from chatservice.names import fold
from chatservice.objects import MAX_REQUEST, read_event
from chatservice.passwords import Passwords
from chatservice.person import Policy
from chatservice.resume import Offer, Place, is_token
from chatservice.roles import Role
from chatservice.store.memory import MemoryLog
from tests.conformance import Backlog, Conformance, Durable, Person, Stage
from tests.doors.test_json import PIECES, brief
from tests.doors.web import BINARY, CLOSE, COOKIE, PING, TEXT, WebPerson, peer_frame
from tests.fakes import CHEAP, NOW, WORD, SlowLog, quick, register


class InABrowser(Stage):
    """Where the scenarios take place."""

    rings = False

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

    def test_lines_are_stamped_for_who_wants_it(self) -> None:
        """In JSON they always are."""
        assert isinstance(self, SynchronousTestCase)
        alice = self.joined("alice")
        for n, line in enumerate(["/time on", "/time off"], 1):
            alice.type(line)
            alice.type("hello")
            self.turn()
            self.assertEqual(alice.heard()[-1].seq, n)


class WebConformance(InABrowser, Conformance, SynchronousTestCase):
    """The scenarios, in a browser."""


class WebBacklog(InABrowser, Backlog, SynchronousTestCase):
    """The scenarios of those who come in later, in a browser."""


class DurableWebConformance(Durable, InABrowser, Conformance, SynchronousTestCase):
    """The scenarios, in a browser, with a log on disk."""


class DurableWebBacklog(Durable, InABrowser, Backlog, SynchronousTestCase):
    """The scenarios of those who come in later, in a browser, with a log on disk."""


class Chat:
    """A chat with a WebSocket door."""

    def __init__(self, log: MemoryLog | None = None, limits: Limits = UNLIMITED) -> None:
        self.clock = Clock()
        self.hub = Hub(
            log or MemoryLog(),
            self.clock,
            now=lambda: NOW + self.clock.seconds(),
            policy=Policy(limits, plaintext_login=True),
            passwords=Passwords(CHEAP),
        )
        self.door = WebSocketFactory(self.hub)

    def turn(self) -> None:
        """End the turn."""
        self.clock.advance(0)

    def connect(self, cookie: str = COOKIE) -> WebPerson:
        """Connect a browser."""
        return WebPerson(self.door, cookie=cookie)

    def join(self, nick: str, tab: str = "", cookie: str = COOKIE) -> WebPerson:
        """Bring somebody in, who has read everything then."""
        person = self.connect(cookie)
        person.ask("nick", nick=nick, **({"tab": tab} if tab else {}))
        self.turn()
        person.lines()
        return person

    def back(self, nick: str, tab: str, cookie: str = COOKIE, read: object = None) -> WebPerson:
        """Connect a browser that wants to return."""
        person = self.connect(cookie)
        person.ask("return", 1, nick=nick, tab=tab, **({"read": read} if read else {}))
        self.turn()
        return person


def last(person: WebPerson) -> tuple[object, ...]:
    """Return type and code of the last object that somebody got."""
    return brief(person.objects(), "type", "code")[-1]


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


class Tabs(SynchronousTestCase):
    """Who may come back, as whom."""

    def test_a_cookie_is_read_or_it_is_none(self) -> None:
        """Only our own form counts, and never one of two."""
        one, other = new_cookie(), new_cookie()
        for header, value in {
            f"chat={one}": one,
            f"a=b; chat={one}; c=d": one,
            f"chat={one}; chat={other}": "",
            f"chat={one}; chat={one}": "",
            f"chat={one},chat={other}": "",
            "chat=": "",
            "chat": "",
            "": "",
            f"chat={one[:-1]}": "",
            f"chat={one}x": "",
            f'chat="{one}"': "",
            f"Chat={one}": "",
            f"chat2={one}": "",
            "chat=" + "\xe9" * 43: "",
        }.items():
            self.assertEqual(read_cookie(header), value, header)

    def test_a_token_is_the_tabs_and_the_browsers(self) -> None:
        """Another for each of both, and one that is taken for a token."""
        tokens = {token_of(c, t) for c in (new_cookie(), new_cookie()) for t in ("a", "b", "a ")}
        self.assertEqual(len(tokens), 6)
        self.assertTrue(all(map(is_token, tokens)))
        self.assertEqual(token_of(COOKIE, "a"), token_of(COOKIE, "a"))

    def test_a_tab_comes_back_and_misses_nothing(self) -> None:
        """Nobody else notices; it is given what it has not read."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        bob.ask("say", room="#lobby", text="one")
        chat.turn()
        alice.hang_up()
        bob.ask("say", room="#lobby", text="two")
        chat.turn()
        bob.lines()
        again = chat.back("alice", "t", read={"#lobby": 1})
        self.assertEqual(
            [one for one in brief(again.objects(), "type", "id", "seq") if one[0] != "notice"],
            [("hello", None, None), ("welcome", 1, None), ("said", 1, 2), ("done", 1, None)],
        )
        self.assertEqual(bob.lines(), [])

    def test_without_numbers_what_the_server_knows_counts(self) -> None:
        """That is what it handed out."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        bob.ask("say", room="#lobby", text="one")
        chat.turn()
        alice.hang_up()
        bob.ask("say", room="#lobby", text="two")
        chat.turn()
        again = chat.connect()
        again.ask("return", 1, nick="alice", tab="t")
        chat.turn()
        said = [shown["text"] for shown in again.objects() if shown["type"] == "said"]
        self.assertEqual(said, ["two"])

    def test_a_page_that_went_away_is_lost_not_gone(self) -> None:
        """A browser that reloads closes with 1001: its nickname waits."""
        for code in (1000, 1001):
            chat = Chat()
            alice, bob = chat.join("alice", "t"), chat.join("bob")
            alice.close(code)
            self.assertTrue(alice.transport.disconnecting)
            alice.hang_up()
            chat.turn()
            self.assertEqual(bob.lines(), [])
            chat.back("alice", "t")
            chat.clock.advance(chat.hub.policy.absence + 1)
            self.assertEqual(bob.lines(), [])

    def test_after_the_absence_it_joins_again(self) -> None:
        """In its rooms, and with what it missed."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        alice.ask("join", room="#dev")
        chat.turn()
        alice.hang_up()
        chat.clock.advance(chat.hub.policy.absence)
        chat.turn()
        bob.ask("say", room="#lobby", text="one")
        chat.turn()
        self.assertEqual(brief(bob.objects(), "type"), [("left",), ("said",), ("done",)])
        again = chat.back("alice", "t")
        kinds = [shown["type"] for shown in again.objects()]
        self.assertEqual(kinds[0], "hello")
        self.assertIn("welcome", kinds)
        self.assertIn("switched", kinds)
        self.assertIn("said", kinds)
        self.assertEqual(brief(bob.objects(), "type", "nick"), [("joined", "alice")])

    def test_a_duplicated_tab_takes_over(self) -> None:
        """The other is told so, and closed with a code of its own."""
        chat = Chat()
        alice = chat.join("alice", "t")
        again = chat.back("alice", "t")
        self.assertEqual(last(again)[0], "done")
        self.assertEqual(last(alice)[0], "notice")
        self.assertEqual(alice.end(), 4001)
        again.ask("say", 2, room="#lobby", text="here")
        chat.turn()
        self.assertEqual(last(again)[0], "done")
        self.assertEqual(len(chat.hub.people()), 1)

    def test_private_lines_are_not_missed_either(self) -> None:
        """Also by who had none before, and does not say how far it has read."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        alice.hang_up()
        bob.ask("msg", nick="alice", text="psst")
        chat.turn()
        again = chat.back("alice", "t")
        told = [one for one in brief(again.objects(), "type", "text") if one[0] == "private"]
        self.assertEqual(told, [("private", "psst")])

    def test_who_may_not_come_back(self) -> None:
        """Is refused, all in the same way, and may offer a nickname."""
        chat = Chat()
        alice = chat.join("alice", "t")
        plain = chat.join("plain")
        for person in (alice, plain):
            person.hang_up()
        for nick, tab, cookie in (
            ("alice", "u", COOKIE),
            ("alice", "t", "d" * 43),
            ("alice", "t", ""),
            ("bob", "t", COOKIE),
            ("plain", "t", COOKIE),
            ("nobody", "t", COOKIE),
        ):
            person = chat.back(nick, tab, cookie)
            got = brief(person.objects(), "type", "code", "id")
            self.assertEqual(got[1:], [("error", "bad-token", 1)], (nick, tab, cookie))
            self.assertTrue(person.connected)
            person.ask("nick", 2, nick="new")
            chat.turn()
            self.assertEqual(last(person)[0], "done")
            person.hang_up()
            chat.turn()

    def test_guessing_has_an_end(self) -> None:
        """As nicknames that are refused have."""
        chat = Chat()
        eve = chat.connect("")
        for n in range(10):
            eve.ask("return", n, nick="alice", tab="t")
            chat.turn()
        self.assertEqual(last(eve), ("error", "nick-tries"))
        self.assertEqual(eve.end(), 1008)

    def test_without_a_cookie_there_is_no_token(self) -> None:
        """A program can join all the same, and come back by /resume."""
        chat = Chat()
        bot = chat.join("bot", "t", cookie="")
        self.assertEqual(bot.web.session.person.place.token, "")
        bot.ask("resume", 1)
        chat.turn()
        told = bot.objects()[0]
        bot.hang_up()
        again = chat.connect("")
        again.ask("nick", 1, nick=f"{told['nick']} {told['text']}")
        chat.turn()
        self.assertEqual(brief(again.objects(), "type")[1:], [("welcome",), ("done",)])

    def test_who_logs_in_elsewhere_takes_over_for_good(self) -> None:
        """The tab's token is good no more; the other's is."""
        chat = Chat()
        register(chat.hub, "alice")
        alice = chat.join(f"alice {WORD}", "t")
        phone = chat.join(f"alice {WORD}", "p", cookie="p" * 43)
        self.assertEqual(last(alice), ("error", "kicked"))
        self.assertEqual(alice.end(), 4001)
        self.assertEqual(last(chat.back("alice", "t")), ("error", "bad-token"))
        phone.hang_up()
        self.assertEqual(last(chat.back("alice", "p", "p" * 43))[0], "done")

    def test_a_new_password_ends_all_that_the_old_one_began(self) -> None:
        """Other connections, those that are lost just now, and tokens of those that have left."""
        chat = Chat()
        register(chat.hub, "alice")
        alice = chat.join(f"alice {WORD}", "t")
        others = [chat.join(f"other{n}", "t", str(n) * 43) for n in range(3)]
        bob = chat.join("bob", "t", "b" * 43)
        for other in others:
            other.ask("line", line=f"/login alice {WORD}")
            chat.turn()
        others[1].hang_up()
        others[2].ask("quit")
        chat.turn()
        self.assertEqual(others[2].end(), 1000)
        alice.lines()
        alice.ask("line", 1, line=f"/password {WORD} -> {WORD} staple")
        chat.turn()
        self.assertEqual(last(others[0]), ("error", "kicked"))
        self.assertEqual(others[0].end(), 1008)
        self.assertIn("were ended", "".join(alice.lines()))
        for n in range(3):
            got = last(chat.back(f"other{n}", "t", str(n) * 43))
            self.assertEqual(got, ("error", "bad-token"), n)
        for person, cookie in ((alice, COOKIE), (bob, "b" * 43)):
            nick = person.web.session.nick
            person.hang_up()
            self.assertEqual(last(chat.back(nick, "t", cookie))[0], "done")

    def test_what_happened_meanwhile_counts_for_who_comes_back(self) -> None:
        """A new nickname, a ban, an account that is no more, a chat that is about to close."""
        chat = Chat()
        register(chat.hub, "zoe")
        chat.hub.parts.records.change(
            ACCOUNT, fold("zoe"), lambda value: {**(value or {}), "role": Role.ADMIN.name}
        )
        zoe = chat.join(f"zoe {WORD}", "t", "r" * 43)
        alice = chat.join("alice", "t")
        alice.ask("line", line="/nick alicia")
        chat.turn()
        alice.hang_up()
        self.assertEqual(last(chat.back("alice", "t")), ("error", "bad-token"))
        alice = chat.back("alicia", "t")
        self.assertEqual(last(alice)[0], "done")
        zoe.ask("line", 1, line="/ban alicia 1d")
        chat.turn()
        self.assertEqual((last(alice)[0], alice.end()), ("error", 1008))
        self.assertEqual(last(chat.back("alicia", "t")), ("error", "banned"))
        self.assertEqual(len(chat.hub.people()), 1)

        register(chat.hub, "carol")
        carol = chat.join(f"carol {WORD}", "t", "c" * 43)
        carol.hang_up()
        account = chat.hub.accounts.find("carol")
        assert account is not None
        chat.hub.accounts.remove(account)
        chat.turn()
        back = chat.back("carol", "t", "c" * 43)
        self.assertEqual(last(back), ("error", "bad-token"))

        dave = chat.join("dave", "t", "d" * 43)
        dave.hang_up()
        chat.hub._draining.begin(60)
        self.assertEqual(last(chat.back("dave", "t", "d" * 43)), ("error", "closing"))

    def test_returns_at_once_end_with_one(self) -> None:
        """Of many that are as fast, the last is in; the others are told so, and nobody leaves."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        finding: list[Deferred[None]] = []
        recognise = chat.hub.parts.returns.recognise

        def later(offer: Offer) -> Deferred[Place]:
            finding.append(Deferred())
            return finding[-1].addCallback(lambda _: recognise(offer))

        self.patch(chat.hub.parts.returns, "recognise", later)
        many = [chat.connect() for _ in range(5)]
        for one in many:
            one.ask("return", 1, nick="alice", tab="t")
        chat.turn()
        for found in reversed(finding):
            found.callback(None)
        chat.turn()
        alice.hang_up()
        chat.turn()
        ends = [one.end() for one in many]
        self.assertEqual(ends.count(None), 1)
        self.assertEqual(ends.count(4001), 4)
        self.assertEqual(bob.lines(), [])
        self.assertEqual(len(chat.hub.people()), 2)

    def test_who_quit_may_still_come_back(self) -> None:
        """If the nickname is free, to the place that was left; or anew, with a tab of its own."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        alice.ask("quit")
        chat.turn()
        self.assertEqual(alice.end(), 1000)
        bob.ask("say", room="#lobby", text="one")
        chat.turn()
        fresh = chat.join("alice", "u")
        self.assertEqual(last(chat.back("alice", "t")), ("error", "nick-taken"))
        fresh.ask("quit")
        chat.turn()
        self.assertEqual(fresh.end(), 1000)
        back = chat.back("alice", "t")
        self.assertIn(("said",), brief(back.objects(), "type"))

    def test_a_tab_that_is_used_anew_is_whoever_it_is_now(self) -> None:
        """Whoever it was before cannot be come back to; nobody else's token changes."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob", "t")
        alice.hang_up()
        self.assertEqual(last(chat.back("alice", "t")), ("error", "bad-token"))
        bob.hang_up()
        self.assertEqual(last(chat.back("bob", "t"))[0], "done")

    def test_a_token_that_was_given_is_replaced_by_the_tabs(self) -> None:
        """Who comes back with what /resume told, comes back later as a tab, and only so."""
        chat = Chat()
        bot = chat.join("bot", cookie="")
        bot.ask("resume", 1)
        chat.turn()
        offer = f"bot {bot.objects()[0]['text']}"
        bot.hang_up()
        tab = chat.join(offer, "t")
        tab.hang_up()
        self.assertEqual(last(chat.back("bot", "t"))[0], "done")
        other = chat.connect()
        other.ask("nick", 1, nick=offer)
        chat.turn()
        self.assertEqual(last(other), ("error", "bad-token"))

    def test_no_script_is_told_the_token(self) -> None:
        """Neither when it asks, nor when it logs in, or its account is removed."""
        chat = Chat()
        register(chat.hub, "alice")
        guest, back = chat.join("guest", "t"), chat.join("back", "u")
        back.hang_up()
        back = chat.back("back", "u")
        for person in (guest, back):
            token = person.web.session.person.place.token
            self.assertTrue(is_token(token))
            got = ""
            for request in (
                *({"do": "resume"}, {"do": "line", "line": "/resume"}),
                *({"do": "login", "account": "alice", "password": WORD}, {"do": "resume"}),
                {"do": "line", "line": f"/login alice {WORD}"},
            ):
                person.ask(str(request.pop("do")), 1, **request)
                chat.turn()
                got += "\n".join(person.lines())
            self.assertNotIn(token, got)
            self.assertNotIn('"resume"', got)
            self.assertIn("not-allowed", got)
            self.assertEqual(person.web.session.person.place.token, token)
            self.assertIsNotNone(person.web.session.person.account)
        account = chat.hub.accounts.find("alice")
        assert account is not None
        chat.hub.accounts.remove(account)
        chat.turn()
        for person in (guest, back):
            got = "\n".join(person.lines())
            self.assertIn("was removed", got)
            self.assertNotIn("~", got)

    def test_two_at_once_with_one_tab_have_it_one_after_the_other(self) -> None:
        """The later one is who comes back; the other is nobody's place."""
        chat = Chat()
        saving: list[Deferred[None]] = []
        save = chat.hub.parts.returns._save

        def later(*args: Any) -> Deferred[None]:
            saving.append(Deferred())
            return saving[-1].addCallback(lambda _: save(*args))

        self.patch(chat.hub.parts.returns, "_save", later)
        alice, bob = chat.connect(), chat.connect()
        alice.ask("nick", 1, nick="alice", tab="t")
        bob.ask("nick", 1, nick="bob", tab="t")
        chat.turn()
        for one in saving:
            one.callback(None)
        chat.turn()
        self.assertEqual((last(alice)[0], last(bob)[0]), ("done", "done"))
        self.patch(chat.hub.parts.returns, "_save", save)
        bob.hang_up()
        alice.hang_up()
        self.assertEqual(last(chat.back("alice", "t")), ("error", "bad-token"))
        self.assertEqual(last(chat.back("bob", "t"))[0], "done")

    def test_who_cannot_be_remembered_is_in_all_the_same(self) -> None:
        """The page only cannot come back."""
        chat = Chat()

        full = ChatError(Code.NOT_STORED, "The disk is full.")
        self.patch(chat.hub.parts.returns, "_save", lambda *_: fail(full))
        alice = chat.connect()
        alice.ask("nick", 1, nick="alice", tab="t")
        chat.turn()
        self.assertEqual(last(alice)[0], "done")


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
