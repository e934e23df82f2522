"""How the page calls for attention: counts in the title, and notifications for who wants them."""

import re

import pytest
from playwright.sync_api import expect

from tests.end_to_end.browser import Visitor, Visits, WebChat

RECORD = """
window.notified = [];
const Real = window.Notification;
window.Notification = class extends Real {
    constructor(title, options) {
        super(title, options);
        window.notified.push(`${title}: ${options?.body ?? ""}`);
    }
};
"""


def notified(visitor: Visitor) -> list[str]:
    """Return the notifications that were shown."""
    return [str(one) for one in visitor.page.evaluate("window.notified")]


def wants_notifications(visit: Visits) -> Visitor:
    """Return somebody who switched them on."""
    alice = visit()
    alice.context.grant_permissions(["notifications"])
    alice.context.add_init_script(RECORD)
    alice.join("alice")
    alice.you()
    switch = alice.dialog.get_by_label("Notify me when I am mentioned")
    switch.check()
    expect(switch).to_be_checked()
    alice.page.keyboard.press("Escape")
    return alice


def test_the_title_counts_mentions(web_chat: WebChat, visit: Visits) -> None:
    """While one looks elsewhere; it is as before when one is back."""
    alice = visit("alice")
    title = alice.page.title()
    assert "#lobby" in title
    with web_chat.nc("carol") as carol:
        alice.look_away()
        carol.say("alice: one")
        expect(alice.page).to_have_title(re.compile(r"\(1\)"))
        carol.say("not of her")
        carol.say("hey @alice, two")
        expect(alice.page).to_have_title(re.compile(r"\(2\)"))
        carol.say("/msg alice three")
        expect(alice.page).to_have_title(re.compile(r"\(3\)"))
        alice.look_away(False)
        alice.go("carol")
        alice.go("#lobby")
        expect(alice.page).to_have_title(title)


@pytest.mark.parametrize("nick", ["anna-lena", "a[b]{c}", "x|_^`"])
def test_a_nickname_of_any_sign_is_mentioned(web_chat: WebChat, visit: Visits, nick: str) -> None:
    """What means something in a pattern is a sign like others; who is called so can talk."""
    one = visit(nick)
    with web_chat.nc("carol", f"ask {nick}, who knows"):
        one.hears(f"ask {nick}, who knows")
        expect(one.log.locator(".message.mention mark")).to_have_text(nick)


def test_a_mention_is_notified_when_one_looks_elsewhere(web_chat: WebChat, visit: Visits) -> None:
    """Who said what and where; private lines, too; nothing while one looks."""
    alice = wants_notifications(visit)
    with web_chat.nc("carol", "alice: seen") as carol:
        alice.hears("alice: seen")
        assert notified(alice) == []
        alice.look_away()
        carol.say("nothing of her")
        carol.say("tea, alice? <b>")
        alice.hears("tea, alice? <b>")
        [one] = notified(alice)
        assert "carol" in one
        assert "#lobby" in one
        assert "tea, alice? <b>" in one
        carol.say("/msg alice psst")
        expect(alice.room("carol")).to_have_accessible_name(re.compile("1 unread"))
        assert len(notified(alice)) == 2
        assert "psst" in notified(alice)[1]


def test_nobody_is_notified_without_asking(web_chat: WebChat, visit: Visits) -> None:
    """The page neither shows one nor asks for leave, unless it is switched on."""
    alice = visit()
    alice.context.add_init_script(
        "window.asked = 0; Notification.requestPermission = async () => { window.asked++; };"
    )
    alice.context.grant_permissions(["notifications"])
    alice.context.add_init_script(RECORD)
    alice.join("alice")
    with web_chat.nc("carol") as carol:
        alice.look_away()
        carol.say("alice: hello")
        alice.hears("alice: hello")
        assert notified(alice) == []
        assert alice.page.evaluate("window.asked") == 0


def test_the_choice_survives_a_reload(visit: Visits) -> None:
    """It is kept in this browser."""
    alice = wants_notifications(visit)
    alice.page.reload()
    alice.is_in()
    alice.you()
    expect(alice.dialog.get_by_label("Notify me when I am mentioned")).to_be_checked()


def test_a_browser_that_forbids_them_is_told_so(visit: Visits) -> None:
    """The switch does not pretend."""
    alice = visit("alice")
    alice.you()
    switch = alice.dialog.get_by_label("Notify me when I am mentioned")
    if switch.is_enabled():
        switch.click()
    expect(switch).not_to_be_checked()
    expect(alice.dialog).to_contain_text(re.compile("browser|permission|allow", re.IGNORECASE))
