"""Rooms, private conversations and people at the page."""

import re

from playwright.sync_api import expect

from tests.end_to_end.browser import Visits, WebChat


def test_entering_a_room_from_the_list(web_chat: WebChat, visit: Visits) -> None:
    """The dialog shows which rooms there are, and takes the name of a new one."""
    alice = visit("alice")
    with web_chat.nc("carol", "/join #tea") as carol:
        carol.expect("^carol joined #tea")
        alice.button("Join a room").click()
        alice.dialog.get_by_role("button", name=re.compile("^#tea")).click()
        expect(alice.dialog).to_have_count(0)
        expect(alice.heading).to_have_text("#tea")
        expect(alice.box).to_be_focused()
        expect(alice.room("#tea")).to_have_attribute("aria-current", "true")
        alice.say("tea?")
        carol.expect("^alice: tea[?]")
        alice.button("Join a room").click()
        alice.dialog.get_by_role("textbox", name="Room").fill("coffee")
        alice.page.keyboard.press("Enter")
        expect(alice.heading).to_have_text("#coffee")
        expect(alice.room("#tea")).not_to_have_attribute("aria-current", "true")


def test_a_refused_room_says_why(visit: Visits) -> None:
    """Where it was typed: in the dialog."""
    alice = visit("alice")
    alice.button("Join a room").click()
    alice.dialog.get_by_role("textbox", name="Room").fill("#no blanks, please")
    alice.page.keyboard.press("Enter")
    expect(alice.page.get_by_role("alert").first).to_be_visible()
    expect(alice.heading).to_have_text("#lobby")


def test_unread_lines_and_mentions_are_counted(web_chat: WebChat, visit: Visits) -> None:
    """On the room's button; looking at the room takes them away and shows where they begin."""
    alice = visit("alice")
    with web_chat.nc("carol") as carol:
        carol.say("before")
        alice.hears("before")
        alice.enter("#tea")
        expect(alice.room("#lobby")).to_have_accessible_name("#lobby")
        carol.say("one")
        expect(alice.room("#lobby")).to_have_accessible_name("#lobby, 1 unread")
        carol.say("two alice")
        carol.say("three")
        expect(alice.room("#lobby")).to_have_accessible_name("#lobby, 3 unread, 1 mention")
        alice.go("#lobby")
        expect(alice.room("#lobby")).to_have_accessible_name("#lobby")
        shown = alice.log.locator(".message .text, .unread-line")
        expect(shown).to_have_text(["before", re.compile("New"), "one", "two alice", "three"])
        expect(alice.message("two alice")).to_have_class(re.compile(r"\bmention\b"))
        expect(alice.message("one")).not_to_have_class(re.compile(r"\bmention\b"))


def test_what_is_typed_stays_with_its_room(visit: Visits) -> None:
    """A line half typed is there again when one comes back, and goes nowhere else."""
    alice = visit("alice")
    alice.enter("#tea")
    alice.box.fill("half a line for tea")
    alice.go("#lobby")
    expect(alice.box).to_have_value("")
    alice.go("#tea")
    expect(alice.box).to_have_value("half a line for tea")


def test_a_line_goes_where_one_looks(web_chat: WebChat, visit: Visits) -> None:
    """Also after switching to and fro, also a command."""
    alice = visit("alice")
    with web_chat.nc("carol", "/join #tea", "/join #lobby") as carol:
        alice.enter("#tea")
        alice.say("to tea")
        carol.expect("^#tea alice: to tea")
        alice.go("#lobby")
        alice.say("to all", "/me waves")
        carol.expect("^alice: to all")
        carol.expect("^[*] alice waves")
        alice.go("#tea")
        alice.say("/me drinks")
        carol.expect("^#tea [*] alice drinks")


def test_what_is_said_in_a_room_from_outside_makes_no_place(
    web_chat: WebChat, visit: Visits
) -> None:
    """It is told where one looks."""
    alice = visit("alice")
    with web_chat.nc("carol", "/join #tea", "/mode outside on") as carol:
        carol.expect("carol set outside on")
        alice.say("/say #tea is there tea?")
        carol.expect("alice: is there tea[?]")
        expect(alice.log).to_contain_text("In #tea, where you are not, you said: is there tea?")
        expect(alice.room("#tea")).to_have_count(0)
        expect(alice.heading).to_have_text("#lobby")


def test_leaving_a_room(web_chat: WebChat, visit: Visits) -> None:
    """Its button is gone, and one looks at another."""
    alice = visit("alice")
    alice.enter("#tea")
    alice.say("/leave")
    expect(alice.room("#tea")).to_have_count(0)
    expect(alice.heading).to_have_text("#lobby")


def test_a_private_conversation(web_chat: WebChat, visit: Visits) -> None:
    """It has a button and a place of its own, whoever begins."""
    alice, bob = visit("alice"), visit("bob")
    with web_chat.nc("carol") as carol:
        carol.say("/msg alice psst")
        expect(alice.room("carol")).to_have_accessible_name(re.compile("^carol, 1 unread"))
        alice.go("carol")
        alice.hears("psst")
        alice.say("what is it?")
        carol.expect("^alice -> carol: what is it[?]")
        alice.hears("what is it?")
        bob.member("alice").click()
        bob.dialog.get_by_role("button", name="Write privately").click()
        expect(bob.heading).to_have_text("alice")
        expect(bob.box).to_be_focused()
        bob.say("me too")
        expect(alice.room("bob")).to_have_accessible_name(re.compile("^bob, 1 unread"))
        expect(alice.message("me too")).to_have_count(0)
        alice.go("bob")
        alice.hears("me too")
        carol.say("/msg bob hush")
        expect(bob.room("carol")).to_be_visible()
        assert "me too" not in carol.text


def test_a_private_line_to_nobody_says_so(visit: Visits) -> None:
    """Who is gone cannot be written to; what was typed is not lost."""
    alice = visit("alice")
    bob = visit("bob")
    bob.say("/msg alice hello")
    alice.go("bob")
    bob.say("/quit")
    alice.say("are you there?")
    expect(alice.page.get_by_text(re.compile("Nobody here is called bob")).first).to_be_visible()


def test_people_presence_and_names(web_chat: WebChat, visit: Visits) -> None:
    """Who is away or has another name is shown so at once, and has a role."""
    alice = visit("alice")
    with web_chat.nc("carol") as carol:
        expect(alice.member("carol")).to_be_visible()
        expect(alice.member("alice")).to_be_visible()
        carol.say("/away lunch")
        expect(alice.member("carol")).to_have_accessible_name(re.compile("away"))
        carol.say("/away")
        expect(alice.member("carol")).not_to_have_accessible_name(re.compile("away"))
        carol.say("/nick caroline")
        expect(alice.member("caroline")).to_be_visible()
        expect(alice.member("carol")).to_have_count(0)
        expect(alice.event(re.compile("carol.*caroline"))).to_have_count(1)
        carol.say("/join #tea")
        carol.expect("^caroline joined #tea")
        alice.enter("#tea")
        expect(alice.member("caroline")).to_be_visible()
        expect(alice.member("alice")).to_be_visible()


def test_roles_are_shown(web_chat: WebChat, visit: Visits) -> None:
    """A founder's, and that of who is made op."""
    alice = visit("alice")
    with (
        web_chat.nc("carol", "/register correct horse battery", "/join #tea") as carol,
        web_chat.nc("dave", "/register battery horse correct") as dave,
    ):
        carol.expect("^carol joined #tea")
        dave.say("/join #tea")
        dave.expect("^dave joined #tea")
        alice.enter("#tea")
        expect(alice.member("carol")).to_have_accessible_name(re.compile("founder"))
        carol.say("/op dave")
        expect(alice.member("dave")).to_have_accessible_name(re.compile(r"\bop\b"))


def test_renaming_oneself(web_chat: WebChat, visit: Visits) -> None:
    """The page knows its own new name: for mentions, and on its button."""
    alice = visit("alice")
    alice.say("/nick alicia")
    expect(alice.page.get_by_role("button", name=re.compile("^You.*alicia"))).to_be_visible()
    with web_chat.nc("carol", "hello alicia", "hello alice"):
        expect(alice.message("hello alicia")).to_have_class(re.compile(r"\bmention\b"))
        expect(alice.message("hello alice")).not_to_have_class(re.compile(r"\bmention\b"))


def test_a_nickname_is_no_code(web_chat: WebChat, visit: Visits) -> None:
    """In what the page tells: a ` may be in it. Rooms can be pressed there all the same."""
    alice = visit("alice")
    with web_chat.nc("a`b`c", "/join #dev") as carol:
        expect(alice.event("a`b`c joined")).to_be_visible()
        carol.expect("#dev")
        alice.enter("#dev")
        carol.say("/topic see #tea")
        told = alice.event("a`b`c set the topic to: see #tea")
        expect(told.get_by_role("button", name="#tea")).to_be_visible()


def test_a_private_conversation_follows_a_new_name(web_chat: WebChat, visit: Visits) -> None:
    """Who is renamed is still whom one writes with."""
    alice = visit("alice")
    with web_chat.nc("carol", "/msg alice psst") as carol:
        alice.go("carol")
        carol.say("/nick caroline")
        expect(alice.heading).to_have_text("caroline")
        alice.say("still you?")
        carol.expect("^alice -> caroline: still you[?]")
        alice.hears("psst", "still you?")


def test_the_topic(web_chat: WebChat, visit: Visits) -> None:
    """It is there on entering, changes at once, and goes."""
    alice = visit("alice")
    topic = alice.page.locator("#topic")
    with web_chat.nc("carol", "/register correct horse battery", "/join #tea") as carol:
        carol.say("/topic Earl Grey, <i>hot</i>")
        carol.expect("Earl Grey")
        alice.enter("#tea")
        expect(topic).to_have_text("Earl Grey, <i>hot</i>")
        expect(alice.event("Earl Grey")).to_have_count(0)  # it is not told a second time
        alice.say("/topic")
        expect(alice.event("The topic of #tea, by carol: Earl Grey")).to_have_count(1)
        carol.say("/topic Oolong")
        expect(topic).to_have_text("Oolong")
        alice.go("#lobby")
        expect(topic).not_to_contain_text("Oolong")
        alice.go("#tea")
        expect(topic).to_have_text("Oolong")
        carol.say("/topic -")
        expect(topic).not_to_contain_text("Oolong")


def test_a_long_topic_can_be_read(web_chat: WebChat, visit: Visits) -> None:
    """With its links: whoever comes to it, by a touch or by keys, has all of it."""
    alice = visit("alice")
    topic = alice.page.locator("#topic")
    words = "kettle " * 36 + "https://example.org/tea"
    is_cut = "e => e.scrollWidth > e.clientWidth"
    lines = "/register correct horse battery", "/join #tea", f"/topic {words}"
    with web_chat.nc("carol", *lines) as carol:
        carol.expect("set the topic")
        alice.enter("#tea")
        expect(topic).to_have_text(words)
        assert topic.evaluate(is_cut)
        topic.click()
        assert not topic.evaluate(is_cut)
        expect(topic.get_by_role("link")).to_have_attribute("href", "https://example.org/tea")
        expect(topic.get_by_role("link")).to_be_in_viewport()


def test_the_room_one_goes_to_is_in_sight(visit: Visits) -> None:
    """However many there are, in the order in which people count."""
    alice = visit("alice", viewport={"width": 1000, "height": 400})
    names = [f"#r{number}" for number in range(1, 13)]
    for name in reversed(names):
        alice.enter(name)
    rooms = alice.page.get_by_role("navigation", name="Rooms").locator(".place .name")
    expect(rooms).to_have_text(["lobby", *(name[1:] for name in names)])
    alice.box.press("Alt+ArrowUp")
    expect(alice.heading).to_have_text("#lobby")
    expect(alice.room("#lobby")).to_be_in_viewport(ratio=0.9)
    alice.box.press("Alt+ArrowUp")
    expect(alice.heading).to_have_text("#r12")
    expect(alice.room("#r12")).to_be_in_viewport(ratio=0.9)
