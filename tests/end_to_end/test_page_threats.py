"""What the page must withstand: text that wants to be more than text, other sites, crowds."""

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import expect

from tests.end_to_end.browser import Visitor, Visits, WebChat

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "javascript:alert(1)",
    "[click](javascript:alert(1)) `<b>code</b>`",
    'https://example.org/"onmouseover="alert(1)',
    "https://example.org/<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#x3c;",
    "${alert(1)} {{constructor.constructor('alert(1)')()}} %3Cscript%3E",
    "__proto__ constructor hasOwnProperty",
    "</textarea></title></style><base href=//example.org>",
)
FORBIDDEN = "script:not([src]), iframe, object, embed, base, svg[onload], img[src='x'], [onerror]"
"""What none of that may make, anywhere in the page. (Its own script has a source.)"""


def is_whole(visitor: Visitor) -> None:
    """Check that the page is what it was: no element of an attack, nothing wider than the screen.

    That nothing ran shows in the visitor's problems at the end of the test.
    """
    expect(visitor.page.locator(FORBIDDEN)).to_have_count(0)
    wide = visitor.page.evaluate(
        """() => [document.documentElement, document.body, document.querySelector('[role=log]')]
            .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.tagName)"""
    )
    assert wide == []


def said(visitor: Visitor) -> list[str]:
    """Return the texts that are shown, as a reader gets them."""
    return visitor.log.locator(".message .text").all_text_contents()


def test_text_stays_text(web_chat: WebChat, visit: Visits) -> None:
    """From nc and from the page itself, in a room, in private, and in what is found."""
    alice, bob = visit("alice"), visit("bob")
    plain = [line for line in ATTACKS if "`" not in line]
    with web_chat.nc("carol", *ATTACKS) as carol:
        for line in plain:
            alice.hears(line)
        for line in plain:
            bob.say(line)
            expect(alice.message(line)).to_have_count(2)
        for line in plain:
            carol.say(f"/msg alice {line}")
        alice.go("carol")
        for line in plain:
            alice.hears(line)
        is_whole(alice)
        alice.go("#lobby")
        alice.button("Search").click()
        box = alice.page.get_by_role("search").get_by_role("searchbox", name="Search")
        for words in ("alert", '"<script>alert(1)</script>"', "<img src=x onerror=alert(1)>"):
            box.fill(words)
            box.press("Enter")
            hits = alice.page.get_by_role("list", name="Results").get_by_role("button")
            expect(hits.first).to_contain_text("alert(1)")
            is_whole(alice)
    is_whole(bob)


def test_names_topics_and_reasons_stay_text(web_chat: WebChat, visit: Visits) -> None:
    """Whatever of them the server accepts; what it refuses is told as text, too."""
    alice = visit("alice")
    attack = "<img src=x onerror=alert(1)>"
    with web_chat.nc("carol", "/register correct horse battery", "/join #tea") as carol:
        carol.expect("^carol joined #tea")
        alice.enter("#tea")
        carol.say(f"/topic {attack}")
        expect(alice.page.locator("#topic")).to_have_text(attack)
        for nick in ("<b>x</b>", "x&amp;y", "'onclick='x", "__proto__", "constructor"):
            carol.say(f"/nick {nick}")
            carol.say(f"/join #{nick}")
            carol.say("/join #tea")
            alice.say(f"/nick {nick}", f"/join #{nick}")
            joined = alice.page.get_by_role("heading", name=f"#{nick}", exact=True)
            refused = alice.page.locator(".unsent", has_text=f"/join #{nick}").get_by_role("button")
            expect(joined.or_(refused.first)).to_be_visible()
            alice.go("#tea")
            is_whole(alice)
        alice.say("/nick alice")
        expect(alice.member("alice")).to_be_visible()
        carol.say("/nick carol")
        carol.say(f"/away {attack}")
        carol.say(f"{attack} still here")
        expect(alice.message(f"{attack} still here")).to_have_count(1)
        for nick in ("toString", "valueOf", "hasOwnProperty", "constructor"):
            with web_chat.nc(nick, "/join #tea", f"called {nick}", f"/msg alice {attack}"):
                alice.hears(f"called {nick}")
                expect(alice.member(nick)).to_be_visible()
                alice.go(nick)
                alice.hears(attack)
                alice.go("#tea")
        alice.button("Join a room").click()
        expect(alice.dialog).to_be_visible()
        is_whole(alice)


def test_direction_marks_and_invisible_letters_change_nothing(
    web_chat: WebChat, visit: Visits
) -> None:
    """They are shown as something, and text from right to left stays in its own line."""
    alice = visit("alice")
    with web_chat.nc("carol") as carol:
        carol.say("abc\u202edef\u2066ghi\u200bjkl\ufeffmno")
        carol.say("שלום alice! 123")
        carol.say("after")
        alice.hears("after", "abc\ufffddef\ufffdghi\ufffdjkl\ufffdmno", "שלום alice! 123")
        line = alice.message("שלום alice! 123")
        nick, text = (line.locator(one).bounding_box() for one in (".nick", ".text"))
        assert nick is not None
        assert text is not None
        after = alice.message("after").locator(".nick").bounding_box()
        assert after is not None
        assert abs(nick["x"] - after["x"]) < 4
        isolated = line.locator(".text").evaluate(
            "e => getComputedStyle(e).unicodeBidi + ' ' + (e.dir || e.closest('[dir]')?.dir)"
        )
        assert re.search("isolate|plaintext|auto", isolated)
        is_whole(alice)


@pytest.mark.parametrize("width", [1280, 390])
def test_endless_words_do_not_break_the_page(web_chat: WebChat, visit: Visits, width: int) -> None:
    """1,024 bytes without a blank, as text, code, link and topic, in nicknames and rooms."""
    alice = visit("alice", viewport={"width": width, "height": 800})
    nick = "W" * 20
    with web_chat.nc(nick, "/register correct horse battery", "/join #" + "W" * 20) as carol:
        carol.expect("joined #")
        carol.say("/topic " + "W" * 500)
        lines = ["W" * 1024, "`" + "W" * 1000 + "`", "http://" + "w" * 1000, "ä" * 512, "‿" * 341]
        for line in lines:
            carol.say(line)
        alice.enter("#" + "w" * 20)
        carol.say("end")
        alice.hears("end")
        is_whole(alice)


@contextmanager
def another_site(html: str) -> Iterator[str]:
    """Serve a page from another port; return where."""

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


TRY = """(url) => new Promise((done) => {
    const socket = new WebSocket(url);
    socket.onopen = () => done("open");
    socket.onerror = () => done("refused");
})"""


def test_another_site_cannot_talk(web_chat: WebChat, visit: Visits) -> None:
    """Though the same browser is in the chat; nor can it show the page in a frame."""
    alice = visit("alice")
    where = web_chat.url.replace("http:", "ws:") + "ws"
    assert alice.page.evaluate(TRY, where) == "open"
    alice.expects("another host", "WebSocket connection to", "frame-ancestors", "ERR_FAILED|CORS")
    alice.expects("ERR_BLOCKED_BY_RESPONSE|Failed to load resource")
    with another_site(f"<title>evil</title><iframe src='{web_chat.url}'></iframe>") as url:
        page = alice.context.new_page()
        page.goto(url)
        assert page.evaluate(TRY, where) == "refused"
        [frame] = page.frames[1:]
        assert frame.get_by_role("textbox").count() == 0
        assert (
            page.evaluate(f"() => fetch('{web_chat.url}').then(() => 'read', () => 'refused')")
            == "refused"
        )
        page.goto("data:text/html,<title>null origin</title>")
        assert page.evaluate(TRY, where) == "refused"
    alice.say("unharmed")
    alice.hears("unharmed")


MANY_WAVES = 500


def test_a_flood_does_not_freeze_the_page(web_chat: WebChat, visit: Visits) -> None:
    """Who types while 2,000 lines and more come is heard while they still come.

    Each wave comes as soon as the server has told the one before; they go on until alice is heard,
    or so many have come that she never will be.
    """
    alice = visit("alice")
    heard = threading.Event()
    waves = 0

    with ExitStack() as stack:
        bots = [stack.enter_context(web_chat.join(f"bot{n}")) for n in range(4)]
        witness = stack.enter_context(web_chat.nc("witness"))

        def flood() -> None:
            nonlocal waves
            while not heard.is_set() and waves < MANY_WAVES:
                waves += 1
                for n, bot in enumerate(bots):
                    bot.say(*(f"wave {waves} of bot {n}, line {line}" for line in range(25)))
                witness.expect(f"^bot3: wave {waves} of bot 3, line 24")
                witness.expect(f"^bot0: wave {waves} of bot 0, line 24")

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            witness.expect("wave 20 of bot 3")
            alice.box.press_sequentially("still here")
            expect(alice.box).to_have_value("still here")
            alice.box.press("Enter")
            witness.expect("^alice: still here")
        finally:
            heard.set()
            thread.join()
        assert 20 <= waves < MANY_WAVES
        bots[0].say("the last line")
        expect(alice.message("the last line")).to_be_in_viewport()
        expect(alice.box).to_have_value("")
        assert alice.log.locator(".message").count() <= 2000


def test_five_hundred_people(web_chat: WebChat, visit: Visits) -> None:
    """All are there, can be found, and a line is heard; their going is no flood of lines."""
    alice = visit("alice")
    with ExitStack() as stack:
        for n in range(500):
            one = stack.enter_context(web_chat.connect())
            one.say(f"member{n}")
        people = alice.page.get_by_role("complementary", name="People")
        expect(people).to_contain_text("501")
        people.get_by_role("searchbox", name="Find a person").fill("member49")
        expect(people.get_by_role("button", name=re.compile("^member49"))).to_have_count(11)
        alice.box.press_sequentially("hello member49")
        alice.box.press("Tab")
        options = alice.page.get_by_role("listbox", name="Suggestions").get_by_role("option")
        expect(options.first).to_be_visible()
        alice.box.press("Escape")
        one.say("one of many")
        alice.hears("one of many")
        is_whole(alice)
    expect(people.get_by_role("button", name=re.compile("^member"))).to_have_count(0)
    alice.say("alone again")
    alice.hears("alone again")
