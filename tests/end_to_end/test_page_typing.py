"""Help in typing: completion of nicknames and commands, with the keys alone."""

import re

from playwright.sync_api import Locator, expect

from tests.end_to_end.browser import Visitor, Visits, WebChat


def suggestions(visitor: Visitor) -> Locator:
    """Return the list of what would complete the word."""
    return visitor.page.get_by_role("listbox", name="Suggestions")


def test_tab_completes_the_only_nickname(web_chat: WebChat, visit: Visits) -> None:
    """At a line's beginning with a colon behind it; in it without."""
    alice = visit("alice")
    with web_chat.nc("caroline"):
        expect(alice.member("caroline")).to_be_visible()
        alice.box.press_sequentially("caro")
        alice.box.press("Tab")
        expect(alice.box).to_have_value(re.compile("^caroline[:,] $"))
        alice.box.fill("")
        alice.box.press_sequentially("hello caro")
        alice.box.press("Tab")
        expect(alice.box).to_have_value("hello caroline ")
        expect(alice.box).to_be_focused()


def test_several_nicknames_are_a_list(web_chat: WebChat, visit: Visits) -> None:
    """The arrows choose, Enter takes, Escape leaves the text as it was."""
    alice = visit("alice")
    with web_chat.nc("caroline"), web_chat.nc("carlos"):
        expect(alice.member("carlos")).to_be_visible()
        alice.box.press_sequentially("hi ca")
        alice.box.press("Tab")
        options = suggestions(alice).get_by_role("option")
        expect(options).to_have_count(2)
        alice.box.press("Escape")
        expect(suggestions(alice)).to_have_count(0)
        expect(alice.box).to_have_value(re.compile("^hi ca"))
        alice.box.fill("")
        alice.box.press_sequentially("hi ca")
        alice.box.press("Tab")
        chosen = suggestions(alice).locator('[aria-selected="true"]')
        expect(chosen).to_have_count(1)
        before = chosen.inner_text()
        alice.box.press("ArrowDown")
        expect(chosen).not_to_have_text(before)
        nick = re.search("caroline|carlos", chosen.inner_text())
        assert nick is not None
        alice.box.press("Enter")
        expect(alice.box).to_have_value(f"hi {nick[0]} ")
        expect(suggestions(alice)).to_have_count(0)
        expect(alice.box).to_be_focused()


def test_a_slash_lists_the_commands(visit: Visits) -> None:
    """All that the server's table has, each with its help; what follows narrows the list."""
    alice = visit("alice")
    alice.box.press_sequentially("/")
    options = suggestions(alice).get_by_role("option")
    expect(options.filter(has_text=re.compile("/join"))).to_contain_text(
        "enter a room, or switch to it"
    )
    expect(options.nth(20)).to_be_attached()
    alice.box.press_sequentially("top")
    expect(options).to_have_count(1)
    expect(options).to_contain_text("what the room is about")
    alice.box.press("Tab")
    expect(alice.box).to_have_value("/topic ")


def test_enter_sends_a_command_that_is_whole(visit: Visits) -> None:
    """The list does not stand in the way of who knows the command."""
    alice = visit("alice")
    alice.box.press_sequentially("/who")
    alice.box.press("Enter")
    if alice.box.input_value():  # the list may take the first Enter to complete
        alice.box.press("Enter")
    expect(alice.event(re.compile("1 here: alice"))).to_have_count(1)
    expect(alice.box).to_have_value("")


def test_an_unknown_command_says_so(visit: Visits) -> None:
    """With what the server says of it; nobody else sees it."""
    alice = visit("alice")
    alice.say("/nonsense")
    expect(alice.page.get_by_text(re.compile("/nonsense")).first).to_be_visible()
    expect(alice.message("/nonsense")).to_have_count(0)
    expect(alice.unsent().get_by_role("button", name="Discard")).to_be_visible()
    alice.say("hello")
    alice.hears("hello")
    expect(alice.unsent()).to_have_count(0)


def test_tab_leaves_an_empty_box(visit: Visits) -> None:
    """Who goes through the page by keys is not held, and backwards neither by the list."""
    alice = visit("alice")
    expect(alice.box).to_be_focused()
    alice.box.press("Tab")
    expect(alice.box).not_to_be_focused()
    alice.box.press_sequentially("/")
    expect(suggestions(alice)).to_be_visible()
    alice.box.press("Shift+Tab")
    expect(suggestions(alice)).to_have_count(0)
    expect(alice.log).to_be_focused()


def test_choosing_a_word_of_an_input_method_sends_nothing(visit: Visits) -> None:
    """In Safari the Enter that chooses it comes when composing is over: as key code 229 alone."""
    alice = visit("alice")
    alice.box.fill("ni hao")
    for code in (229, 13):
        alice.box.evaluate(
            """(box, keyCode) => box.dispatchEvent(new KeyboardEvent(
                "keydown", { key: "Enter", keyCode, bubbles: true, cancelable: true }))""",
            code,
        )
        expect(alice.box).to_have_value("ni hao" if code == 229 else "")
    alice.hears("ni hao")
