"""Coming in at the page: nicknames, passwords, and what of them stays in the browser."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Route, expect

from tests.end_to_end.browser import Visitor, Visits, WebChat

SECRET = "correct horse battery"  # noqa: S105

EVERYTHING = """() => JSON.stringify([
    document.documentElement.outerHTML,
    [...document.querySelectorAll("input, textarea, select")].map((one) => one.value),
    {...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state,
    window.name,
])"""
"""What a script, or who sits down at the browser later, could find."""


def refusal(visitor: Visitor) -> Locator:
    """Return where it says why one is not let in."""
    return visitor.form.get_by_role("alert")


def test_the_page_asks_for_a_nickname(visit: Visits) -> None:
    """One can type at once, and Enter is enough."""
    alice = visit().open()
    expect(alice.form).to_be_visible()
    expect(alice.page.get_by_role("textbox", name="Nickname")).to_be_focused()
    alice.page.keyboard.type("alice")
    alice.page.keyboard.press("Enter")
    alice.is_in()
    expect(alice.box).to_be_focused()
    expect(alice.heading).to_have_text("#lobby")
    expect(alice.form).to_have_count(0)


def test_who_types_before_the_page_is_loaded_is_in_time(visit: Visits) -> None:
    """On a slow network the form is there before it does anything: it says so, keeps the name."""
    alice = visit()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    alice.page.route("**/main.js", hold)
    alice.page.goto(alice.url, wait_until="commit")
    expect(alice.button("Join")).to_be_disabled()
    nick = alice.page.get_by_role("textbox", name="Nickname")
    expect(nick).to_be_focused()
    alice.page.keyboard.type("alice")
    alice.page.keyboard.press("Enter")
    expect(nick).to_have_value("alice")
    held[0].continue_()
    expect(alice.button("Join")).to_be_enabled()
    alice.page.keyboard.press("Enter")
    alice.is_in()


def test_a_browser_that_is_not_too_old_is_not_told_so(visit: Visits) -> None:
    """The style tells, and only who lacks what it needs."""
    alice = visit().open()
    told = alice.page.get_by_text("too old")
    expect(told).to_be_hidden()
    alice.page.evaluate("() => document.querySelector('link[rel=stylesheet]').remove()")
    expect(told).to_be_visible()


def test_a_page_that_did_not_load_offers_nothing(visit: Visits) -> None:
    """A form that does nothing would be worse."""
    alice = visit()
    alice.expects("people.js", "ERR_FAILED")
    alice.page.route("**/people.js", lambda route: route.abort())
    alice.open()
    expect(alice.button("Join")).to_be_disabled()


def test_a_refused_nickname_says_why(web_chat: WebChat, visit: Visits) -> None:
    """One stays at the form, and can offer another."""
    alice = visit().open()
    with web_chat.nc("carol"):
        alice.offer("carol")
        expect(refusal(alice)).to_contain_text("carol")
        alice.offer("<b>carol</b>")
        expect(refusal(alice)).not_to_be_empty()
        alice.offer("alice")
        alice.is_in()


def test_a_nickname_with_a_blank_is_not_sent(visit: Visits) -> None:
    """The server would take what is behind the blank for a password."""
    alice = visit().open()
    alice.offer("Anna Lena")
    nick = alice.form.get_by_role("textbox", name="Nickname")
    expect(nick).to_be_focused()
    assert nick.evaluate("e => e.validity.patternMismatch")
    alice.offer(" anna ")  # as phones leave a blank behind a word
    alice.is_in()
    expect(alice.member("anna")).to_be_visible()


def test_a_full_server_lets_one_in_when_there_is_room(tmp_path: Path, visits: Visits) -> None:
    """It says why one is not in yet, and goes on trying by itself."""
    with (
        WebChat(tmp_path, "--connections", "3") as chat,
        chat.nc("bob"),
        chat.nc("dave"),
        chat.nc("carol") as carol,
    ):
        alice = visits(url=chat.url).open()
        alice.offer("alice")
        expect(refusal(alice)).to_contain_text("connections from your address")
        expect(refusal(alice)).to_contain_text("Trying again")
        carol.say("/quit")
        alice.is_in()
        expect(alice.member("alice")).to_be_visible()


def test_many_refused_nicknames_do_not_end_in_a_dead_form(visit: Visits) -> None:
    """The server ends the connection after ten; the page connects anew by itself."""
    alice = visit().open()
    for n in range(12):
        alice.offer(f"no!{n}")
        expect(refusal(alice)).not_to_be_empty()
        expect(alice.button("Join")).to_be_enabled()
    alice.offer("alice")
    alice.is_in()


def test_a_registered_nickname_needs_its_password(web_chat: WebChat, visit: Visits) -> None:
    """Without it and with a wrong one it says so; with it one is logged in."""
    with web_chat.nc("alice", f"/register {SECRET}") as owner:
        owner.expect("^-- alice is yours now")
        owner.say("/quit")
        owner.expect("alice left|$")
    alice = visit().open()
    alice.offer("alice")
    expect(refusal(alice)).to_contain_text("registered")
    alice.offer("alice", "wrong horse battery")
    expect(refusal(alice)).to_contain_text("password")
    alice.offer("alice", SECRET)
    alice.is_in()
    with web_chat.nc("bob", "/whois alice") as bob:
        bob.expect("alice.*(logged in|account|registered)")


def test_registering_at_the_page(web_chat: WebChat, visit: Visits) -> None:
    """The nickname is one's own from then on, at nc as well."""
    alice = visit("alice")
    alice.register(SECRET)
    with web_chat.nc("bob", "/nick alice") as bob:
        bob.expect("nick-registered")
    assert SECRET not in alice.page.evaluate(EVERYTHING)


def test_signing_in_at_the_page(web_chat: WebChat, visit: Visits) -> None:
    """A guest becomes a user without leaving."""
    with web_chat.nc("alice", f"/register {SECRET}") as owner:
        owner.expect("^-- alice is yours now")
        owner.say("/nick elsewhere")
        owner.expect("elsewhere")
        alice = visit("guest")
        alice.box.press_sequentially(f"/login alice {SECRET}")
        expect(alice.box).to_have_value("")
        expect(alice.dialog.get_by_label("Password")).to_have_attribute("type", "password")
        alice.page.keyboard.press("Enter")
        expect(alice.dialog.get_by_role("alert")).to_contain_text(re.compile("signed|logged in"))
        alice.page.keyboard.press("Escape")
        alice.say("/nick alice")
        expect(alice.member("alice")).to_be_visible()
        assert SECRET not in alice.page.evaluate(EVERYTHING)


def test_a_password_stays_nowhere(visit: Visits) -> None:
    """Not in the page, its storage, its address, nor in what arrow-up recalls."""
    alice = visit("alice")
    alice.say("hello")
    alice.box.press_sequentially("/register ")
    expect(alice.dialog.get_by_label("Password")).to_be_focused()
    expect(alice.dialog.get_by_label("Password")).to_have_attribute("type", "password")
    alice.page.keyboard.type(SECRET)
    alice.page.keyboard.press("Enter")
    expect(alice.dialog).to_contain_text("yours now")
    assert SECRET not in alice.page.evaluate(EVERYTHING)
    alice.page.keyboard.press("Escape")
    alice.box.press("ArrowUp")
    expect(alice.box).to_have_value("hello")
    alice.you()
    alice.dialog.get_by_role("button", name=re.compile("^Leave the chat")).click()
    alice.offer("alice", SECRET)
    alice.is_in()
    assert SECRET not in alice.page.evaluate(EVERYTHING)
    alice.page.reload()
    alice.is_in()
    assert SECRET not in alice.page.evaluate(EVERYTHING)


def test_changing_the_password(web_chat: WebChat, visit: Visits) -> None:
    """In two fields, also if the command is typed; the new one counts from then on."""
    alice = visit("alice")
    alice.register(SECRET)
    alice.box.press_sequentially("/password ")
    expect(alice.box).to_have_value("")
    alice.dialog.get_by_label("Old password").fill(SECRET)
    alice.dialog.get_by_label("New password").fill(f"{SECRET} staple")
    alice.page.keyboard.press("Enter")
    expect(alice.dialog.get_by_role("alert")).to_contain_text("changed")
    assert SECRET not in alice.page.evaluate(EVERYTHING)
    with web_chat.nc("bob", f"/login alice {SECRET} staple") as bob:
        bob.expect("logged in as alice")


def test_signing_in_to_another_account(web_chat: WebChat, visit: Visits) -> None:
    """A guest names the account, whatever nickname it wears."""
    with web_chat.nc("alice", f"/register {SECRET}") as owner:
        owner.expect("^-- alice is yours now")
        guest = visit("guest")
        guest.you()
        guest.dialog.get_by_role("button", name="Sign in").click()
        guest.dialog.get_by_label("Account").fill("alice")
        guest.dialog.get_by_label("Password").fill(SECRET)
        guest.page.keyboard.press("Enter")
        expect(guest.dialog.get_by_role("alert")).to_contain_text("logged in as alice")


def test_quit_is_for_good(web_chat: WebChat, visit: Visits) -> None:
    """What is typed is as good as the button: nobody comes back by itself, and nothing is left."""
    alice = visit("alice")
    alice.say("/join #tea")
    expect(alice.heading).to_have_text("#tea")
    with web_chat.nc("bob") as bob:
        alice.say("/quit")
        bob.expect("^alice left the chat")
        expect(alice.page.get_by_role("form", name="Join the chat")).to_be_visible()
        expect(refusal(alice)).to_have_text("You left the chat.")
        assert alice.page.evaluate("sessionStorage.chat") == "{}"
        alice.offer("carol")
        bob.expect("^carol joined the chat")
        alice.is_in()
        expect(alice.room("#lobby")).to_be_visible()
        expect(alice.room("#tea")).to_have_count(0)
        expect(alice.log.locator(".unsent")).to_have_count(0)


def test_leaving_is_told_and_leads_back_to_the_form(web_chat: WebChat, visit: Visits) -> None:
    """The nickname is free at once."""
    alice = visit("alice")
    with web_chat.nc("carol") as carol:
        alice.you()
        expect(alice.dialog.get_by_role("heading")).to_have_text("alice")
        alice.dialog.get_by_role("button", name=re.compile("^Leave the chat")).click()
        carol.expect("^alice left the chat")
        expect(alice.form).to_be_visible()
        carol.say("/nick alice")
        carol.expect("alice")
        alice.page.reload()
        expect(alice.form).to_be_visible()
