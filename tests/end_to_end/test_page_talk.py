"""Talking at the page, beside people with nc."""

import re
from contextlib import ExitStack

from playwright.sync_api import expect

from tests.end_to_end.browser import Visits, WebChat


def test_two_browsers_and_nc_in_one_room(web_chat: WebChat, visit: Visits) -> None:
    """Everybody hears everybody, once, in the same order."""
    alice, bob = visit("alice"), visit("bob")
    with web_chat.nc("carol") as carol:
        alice.say("hello from one browser")
        carol.expect("^alice: hello from one browser")
        bob.say("hello from another")
        carol.expect("^bob: hello from another")
        carol.say("hello from nc")
        for one in (alice, bob):
            one.hears("hello from one browser", "hello from another", "hello from nc")
            expect(one.log.locator(".message .text")).to_have_text(
                ["hello from one browser", "hello from another", "hello from nc"]
            )
            expect(one.message("hello from nc").locator(".nick")).to_have_text("carol")


def test_who_comes_and_goes_is_told(web_chat: WebChat, visit: Visits) -> None:
    """People of nc are named when they come, and when they leave."""
    alice = visit("alice")
    with web_chat.nc("carol") as carol:
        expect(alice.event("carol joined")).to_have_count(1)
        expect(alice.member("carol")).to_be_visible()
        carol.say("/quit")
        expect(alice.event("carol left")).to_have_count(1)
        expect(alice.member("carol")).to_have_count(0)


def test_many_who_come_and_go_are_one_line(web_chat: WebChat, visit: Visits) -> None:
    """A burst pushes nothing out of sight that was said."""
    alice = visit("alice")
    with ExitStack() as stack:
        crowd = [stack.enter_context(web_chat.nc(f"guest{n}")) for n in range(8)]
        expect(alice.event("and 3 more joined")).to_have_count(1)
        for one in crowd:
            one.say("/quit")
        expect(alice.event("and 3 more left")).to_have_count(1)
        expect(alice.log.locator(".event", has_text=re.compile("joined|left"))).to_have_count(1)


def test_a_rooms_name_leads_there(web_chat: WebChat, visit: Visits) -> None:
    """What is none stays text: numbers, parts of words and of links."""
    alice = visit("alice")
    line = "see #tea, #1 a#b https://example.org/#part"
    with web_chat.nc("carol", "/join #tea", "/join #lobby", line) as carol:
        alice.hears(line)
        expect(alice.log.locator(".text").get_by_role("button")).to_have_text(["#tea"])
        alice.log.get_by_role("button", name="#tea").click()
        expect(alice.heading).to_have_text("#tea")
        carol.expect("^alice joined #tea")


def test_what_is_done_is_shown_as_done(web_chat: WebChat, visit: Visits) -> None:
    """/me is the same to both."""
    alice = visit("alice")
    with web_chat.nc("carol", "/me waves") as carol:
        expect(alice.message("waves").locator(".nick")).to_have_text("carol")
        alice.say("/me waves back")
        carol.expect("^[*] alice waves back")


def test_a_slash_can_be_said(web_chat: WebChat, visit: Visits) -> None:
    """Two slashes are one, as at nc."""
    alice = visit("alice")
    with web_chat.nc("carol") as carol:
        alice.say("//like this")
        carol.expect("^alice: /like this")
        alice.hears("/like this")


def test_shift_and_enter_makes_a_new_line_that_is_said_apart(
    web_chat: WebChat, visit: Visits
) -> None:
    """What has two lines are two messages, after it asked."""
    alice = visit("alice")
    with web_chat.nc("carol") as carol:
        alice.box.fill("one")
        alice.box.press("Shift+Enter")
        expect(alice.box).to_have_value("one\n")
        alice.page.keyboard.type("two")
        expect(alice.box).to_have_value("one\ntwo")
        alice.button("Send").click()
        expect(alice.dialog).to_contain_text("2 messages")
        alice.dialog.get_by_role("button", name="one message per line").click()
        carol.expect("^alice: one")
        carol.expect("^alice: two")


def test_pasting_many_lines_asks_first(web_chat: WebChat, visit: Visits) -> None:
    """It says how many; Cancel says nothing, the other says them all in order."""
    alice = visit("alice")
    alice.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with web_chat.nc("carol") as carol:
        text = "first\nsecond\nthird"
        alice.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        alice.box.press("Control+V")
        expect(alice.dialog).to_contain_text("3")
        alice.dialog.get_by_role("button", name="Cancel").click()
        expect(alice.dialog).to_have_count(0)
        alice.box.fill("")
        alice.say("nothing yet")
        carol.expect("^alice: nothing yet")
        alice.box.press("Control+V")
        alice.dialog.get_by_role("button", name="one message per line").click()
        carol.expect("^alice: third")
        said = re.findall("^alice: (.*)$", carol.text, re.MULTILINE)
        assert said == ["nothing yet", "first", "second", "third"]


def test_a_paste_of_one_line_just_goes_in(visit: Visits) -> None:
    """Without its line's end, and without a question."""
    alice = visit("alice")
    alice.context.grant_permissions(["clipboard-read", "clipboard-write"])
    alice.page.evaluate("navigator.clipboard.writeText('one line')")
    alice.box.press("Control+V")
    expect(alice.box).to_have_value("one line")
    expect(alice.dialog).to_have_count(0)


def test_arrow_up_recalls(visit: Visits) -> None:
    """The last line first; down again leads back to what was being typed."""
    alice = visit("alice")
    alice.say("first", "second")
    alice.hears("first", "second")
    alice.box.press("ArrowUp")
    expect(alice.box).to_have_value("second")
    alice.box.press("ArrowUp")
    expect(alice.box).to_have_value("first")
    alice.box.press("ArrowDown")
    expect(alice.box).to_have_value("second")
    alice.box.press("ArrowDown")
    expect(alice.box).to_have_value("")


def test_links_are_safe(web_chat: WebChat, visit: Visits) -> None:
    """Only schemes that lead to the web; a punctuation mark behind one is not of it."""
    alice = visit("alice")
    line = "see https://example.org/a_(b)?c=d&e=f#g, http://example.com. javascript:alert(1) x"
    with web_chat.nc("carol", line, "data:text/html,<b>x file:///etc/passwd"):
        alice.hears(line, "data:text/html,<b>x file:///etc/passwd")
        links = alice.log.get_by_role("link")
        expect(links).to_have_text(["https://example.org/a_(b)?c=d&e=f#g", "http://example.com"])
        assert [link.get_attribute("href") for link in links.all()] == [
            "https://example.org/a_(b)?c=d&e=f#g",
            "http://example.com/",
        ]
        for link in links.all():
            assert "noopener" in (link.get_attribute("rel") or "")
            assert link.get_attribute("target") == "_blank"


def test_code_is_readable(web_chat: WebChat, visit: Visits) -> None:
    """Between back-ticks in a type of fixed width, three make a block; nothing is lost."""
    alice = visit("alice")
    with web_chat.nc("carol", "run `ls -l <dir>` now", "```if (a < b) { c(); }```", "a ` alone"):
        code = alice.log.locator(".text code")
        expect(code).to_have_text(["ls -l <dir>", "if (a < b) { c(); }"])
        for one in code.all():
            assert "mono" in one.evaluate("e => getComputedStyle(e).fontFamily")
        alice.hears("a ` alone")


def test_emoji_are_whole(web_chat: WebChat, visit: Visits) -> None:
    """Families, flags and skins arrive as they were typed, both ways."""
    emoji = "👩‍👩‍👧‍👦 🇸🇪 👍🏽 ❤️ e\u0301"
    alice = visit("alice")
    with web_chat.nc("carol", emoji) as carol:
        alice.hears(emoji)
        alice.say(f"{emoji} back")
        carol.expect(f"^alice: {emoji} back")


def test_two_thousand_bytes_are_refused_and_not_lost(web_chat: WebChat, visit: Visits) -> None:
    """A line over the limit is not cut: it says so, and the text can be had again."""
    alice = visit("alice")
    alice.say("å" * 1000)
    expect(
        alice.page.get_by_text(re.compile("1,024|too long", re.IGNORECASE)).first
    ).to_be_visible()
    if not alice.box.input_value():
        alice.box.press("ArrowUp")
    expect(alice.box).to_have_value("å" * 1000)
