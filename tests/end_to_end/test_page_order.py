"""Keeping order at the page: what moderators are offered, and what it does to people at nc."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, expect

from tests.end_to_end.browser import Visitor, Visits, WebChat
from tests.end_to_end.harness import Program

SECRET = "correct horse battery"  # noqa: S105


@pytest.fixture
def founder(visit: Visits) -> Visitor:
    """Return somebody whose room #tea is."""
    alice = visit("alice")
    alice.register(SECRET)
    alice.enter("#tea")
    expect(alice.member("alice")).to_have_accessible_name(re.compile("founder"))
    return alice


@pytest.fixture
def troll(web_chat: WebChat, founder: Visitor) -> Iterator[Program]:
    """Let somebody with nc be in #tea."""
    with web_chat.nc("troll", "/join #tea", "spam, spam") as person:
        founder.hears("spam, spam")
        yield person


def card(visitor: Visitor, nick: str) -> Locator:
    """Open somebody's dialog."""
    visitor.member(nick).click()
    dialog = visitor.page.get_by_role("dialog", name=nick)
    expect(dialog).to_be_visible()
    return dialog


def do(dialog: Locator, what: str, nick: str, reason: str, long: int | None = None) -> None:
    """Choose something, fill in why and which of the times, and confirm."""
    dialog.get_by_role("button", name=what, exact=True).click()
    if long is not None:
        dialog.get_by_label("For how long").select_option(index=long)
    dialog.get_by_role("textbox", name="Reason").fill(reason)
    dialog.get_by_role("button", name=f"{what} {nick}", exact=True).click()
    expect(dialog).to_have_count(0)


def test_kicking(founder: Visitor, troll: Program) -> None:
    """With its reason, which everybody is told."""
    do(card(founder, "troll"), "Kick", "troll", reason="that is enough")
    troll.expect("alice kicked (you|troll) out of #tea: that is enough|that is enough")
    expect(founder.member("troll")).to_have_count(0)
    expect(founder.event(re.compile("kicked troll.*that is enough"))).to_have_count(1)


def test_muting_for_a_while(founder: Visitor, troll: Program) -> None:
    """For the time chosen; the other is told until when and why, and is not heard."""
    do(card(founder, "troll"), "Mute", "troll", reason="calm down", long=0)
    troll.expect("calm down.*\\[muted\\]")
    troll.say("am I heard?")
    troll.expect("\\[muted\\]", times=2)
    troll.say("#lobby nor here?")
    expect(founder.event(re.compile("muted troll for .*: calm down"))).to_have_count(1)
    expect(founder.message("am I heard?")).to_have_count(0)


def test_banning(web_chat: WebChat, founder: Visitor, troll: Program) -> None:
    """Who is banned is out, and cannot come in again."""
    do(card(founder, "troll"), "Ban", "troll", reason="spam & <more>", long=1)
    troll.expect("spam & <more>")
    expect(founder.member("troll")).to_have_count(0)
    troll.say("/join #tea")
    troll.expect("\\[banned\\]")


def test_giving_voice(founder: Visitor, troll: Program) -> None:
    """What needs neither time nor reason needs no second click, and can be taken back."""
    card(founder, "troll").get_by_role("button", name="Give voice").click()
    expect(founder.member("troll")).to_have_accessible_name(re.compile("voice"))
    troll.expect("made troll voice|made you voice|voice")
    card(founder, "troll").get_by_role("button", name="Take voice").click()
    expect(founder.member("troll")).not_to_have_accessible_name(re.compile("voice"))


def test_a_guest_is_offered_nothing(founder: Visitor, troll: Program, visit: Visits) -> None:
    """But to write privately; also not about oneself."""
    bob = visit("bob")
    bob.enter("#tea")
    for nick in ("alice", "troll"):
        dialog = card(bob, nick)
        expect(dialog.get_by_role("button", name="Write privately")).to_be_visible()
        for what in ("Kick", "Mute", "Ban", "Give voice"):
            expect(dialog.get_by_role("button", name=what, exact=True)).to_have_count(0)
        bob.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


def test_a_refusal_is_shown_where_it_was_asked(
    web_chat: WebChat, founder: Visitor, troll: Program
) -> None:
    """Who has gone meanwhile cannot be kicked: it says so and nothing is lost."""
    dialog = card(founder, "troll")
    dialog.get_by_role("button", name="Kick", exact=True).click()
    troll.say("/quit")
    expect(founder.event("troll left")).to_have_count(1)
    confirm = dialog.get_by_role("button", name="Kick troll", exact=True)
    if confirm.count():  # unless the dialog closed with who it was about
        confirm.click()
        expect(founder.page.get_by_text(re.compile("Nobody .*called troll")).first).to_be_visible()


def test_being_kicked_out_of_a_room(founder: Visitor, visit: Visits) -> None:
    """At the page: the room is gone, the reason is shown, the lobby goes on."""
    bob = visit("bob")
    bob.enter("#tea")
    do(card(founder, "bob"), "Kick", "bob", reason="closing time")
    expect(bob.page.get_by_text("closing time").first).to_be_visible()
    expect(bob.room("#tea")).to_have_count(0)
    expect(bob.heading).to_have_text("#lobby")
    bob.say("here then")
    bob.hears("here then")


def test_being_muted(founder: Visitor, visit: Visits) -> None:
    """At the page: what is typed is refused with the reason, and not lost; times are one's own."""
    bob = visit("bob", timezone_id="Asia/Kathmandu")
    bob.enter("#tea")
    begun = datetime.now(ZoneInfo("Asia/Kathmandu"))
    founder.say("/mute bob 10m calm down")
    expect(bob.event("You are muted")).to_contain_text("calm down")
    ends = [begun + timedelta(minutes=minutes) for minutes in (10, 11)]
    times = "|".join(f"{end:%-d %b %Y, %H:%M}" for end in ends)
    expect(bob.event("You are muted")).to_have_text(re.compile(rf"until ({times}) \(in 10m\)"))
    bob.say("but I want to say this")
    expect(bob.page.get_by_text(re.compile("muted|calm down")).nth(1)).to_be_visible()
    if not bob.box.input_value():
        bob.box.press("ArrowUp")
    expect(bob.box).to_have_value("but I want to say this")
