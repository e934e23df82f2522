"""The page for everybody: by keys alone, on a phone, with a screen reader, without motion."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.end_to_end.browser import Visitor, Visits, WebChat, axe_source
from tests.end_to_end.harness import Program

AXE = "4.14.1"
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def tab_to(visitor: Visitor, wanted: Locator, key: str = "Tab") -> None:
    """Press Tab until something has the focus, as who has no mouse does."""
    for _ in range(60):
        if wanted.count() and wanted.first.evaluate("e => e === document.activeElement"):
            return
        visitor.page.keyboard.press(key)
    raise AssertionError(f"60 times {key} do not lead to {wanted}")


def test_a_whole_conversation_by_keys(web_chat: WebChat, visit: Visits) -> None:
    """Joining, talking, another room, a private word, searching, leaving: no mouse."""
    alice = visit().open()
    press, write = alice.page.keyboard.press, alice.page.keyboard.type
    write("alice")
    press("Enter")
    alice.is_in()
    with web_chat.nc("carol", "/join #tea", "/join #lobby") as carol:
        write("hello")
        press("Enter")
        carol.expect("^alice: hello")
        tab_to(alice, alice.button("Join a room"))
        press("Enter")
        expect(alice.dialog).to_be_visible()
        tab_to(alice, alice.dialog.get_by_role("button", name=re.compile("^#tea")))
        press("Enter")
        expect(alice.heading).to_have_text("#tea")
        write("and here")
        press("Enter")
        carol.expect("^#tea alice: and here")
        tab_to(alice, alice.room("#lobby"), "Shift+Tab")
        press("Enter")
        expect(alice.heading).to_have_text("#lobby")
        tab_to(alice, alice.button("Search"))
        press("Enter")
        write("hello")
        press("Enter")
        hits = alice.page.get_by_role("list", name="Results").get_by_role("button")
        tab_to(alice, hits)
        press("Enter")
        expect(alice.log.locator(".message.found")).to_contain_text("hello")
        tab_to(alice, alice.member("carol"))
        press("Enter")
        expect(alice.dialog).to_be_visible()
        tab_to(alice, alice.dialog.get_by_role("button", name="Write privately"))
        press("Enter")
        expect(alice.heading).to_have_text("carol")
        write("psst")
        press("Enter")
        carol.expect("^alice -> carol: psst|^alice.*psst")
        you = alice.page.get_by_role("button", name=re.compile("^You"))
        tab_to(alice, you)
        press("Enter")
        tab_to(alice, alice.dialog.get_by_role("button", name=re.compile("^Leave the chat")))
        press("Enter")
        carol.expect("^alice left the chat")


def test_a_dialog_holds_the_focus_and_gives_it_back(visit: Visits) -> None:
    """Escape closes it; the button that opened it has the focus again."""
    alice = visit("alice")
    for button in (
        alice.button("Join a room"),
        alice.page.get_by_role("button", name=re.compile("^You")),
        alice.member("alice"),
    ):
        button.focus()
        alice.page.keyboard.press("Enter")
        expect(alice.dialog).to_be_visible()
        for _ in range(12):
            alice.page.keyboard.press("Tab")
            inside = alice.page.evaluate(
                "() => !!document.activeElement.closest('dialog, [role=dialog]')"
                " || document.activeElement === document.body"
            )
            assert inside
        alice.page.keyboard.press("Escape")
        expect(alice.dialog).to_have_count(0)
        expect(button).to_be_focused()


def test_the_focus_can_be_seen(visit: Visits) -> None:
    """Wherever Tab leads, something is drawn around it, or around what it stands in."""
    alice = visit("alice")
    for _ in range(15):
        alice.page.keyboard.press("Tab")
        seen = alice.page.evaluate(
            """() => {
                const one = document.activeElement;
                if (one === document.body) return true;
                return [one, one.parentElement].some((drawn) => {
                    const style = getComputedStyle(drawn);
                    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1
                        || style.boxShadow !== "none";
                });
            }"""
        )
        assert seen, alice.page.evaluate("() => document.activeElement.outerHTML")


def test_what_is_said_is_read_aloud(web_chat: WebChat, visit: Visits) -> None:
    """The log is a polite live region that can be focused; older lines are not read."""
    alice = visit("alice")
    expect(alice.log).to_have_attribute("aria-live", "polite")
    alice.log.focus()
    expect(alice.log).to_be_focused()
    expect(alice.state).to_have_role("status")
    assert alice.page.evaluate("document.documentElement.lang") == "en"


def test_nothing_is_read_twice(web_chat: WebChat, visit: Visits) -> None:
    """What waits is read once it is said, a refusal once; what stands there is not made anew.

    As screen readers go by what changes in the log, but for parts with a live region of their own.
    """
    alice = visit("alice")
    with web_chat.nc("carol") as carol:
        alice.page.evaluate(
            """() => {
                window.heard = [];
                new MutationObserver((changes) => {
                    for (const { target, addedNodes } of changes)
                        for (const added of addedNodes) {
                            const element = added instanceof Element ? added : target;
                            if (element.closest("[aria-live]").ariaLive === "polite")
                                heard.push(element.innerText.replace(/\\s+/g, " ").trim());
                        }
                }).observe(document.getElementById("log"), { childList: true, subtree: true });
            }"""
        )
        alice.say("hello", "/nonsense")
        expect(alice.unsent("There is no command")).to_be_visible()
        carol.say("one")
        alice.hears("one")
        heard = alice.page.evaluate("heard")
    assert len(heard) == len(set(heard)) == 3, heard
    assert heard[0].startswith("alice ")
    assert heard[0].endswith(" hello")
    assert [line for line in heard if "This is where" in line or "Not sent" in line] == []


def test_a_picture_is_no_text(visit: Visits) -> None:
    """The letter in it would be read before each name."""
    alice = visit("alice")
    alice.say("hello")
    alice.hears("hello")
    session = alice.context.new_cdp_session(alice.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    names = [one.get("name", {}).get("value") for one in nodes if not one["ignored"]]
    assert "hello" in names
    assert "A" not in names


def test_a_phone(web_chat: WebChat, visit: Visits) -> None:
    """By touch: rooms and people are a step away, the log has the screen, nothing is cut off."""
    alice = visit(**PHONE)
    alice.open()
    alice.page.get_by_role("textbox", name="Nickname").tap()
    alice.page.keyboard.type("alice")
    alice.button("Join").tap()
    alice.is_in()
    with web_chat.nc("carol", "/join #tea", "/join #lobby") as carol:
        alice.say("from a phone")
        carol.expect("^alice: from a phone")
        open_drawer(alice, "Rooms")
        alice.button("Join a room").tap()
        alice.dialog.get_by_role("button", name=re.compile("^#tea")).tap()
        expect(alice.heading).to_have_text("#tea")
        expect(alice.heading).to_be_in_viewport()
        expect(alice.box).to_be_in_viewport()
        open_drawer(alice, "People")
        alice.member("carol").tap()
        alice.dialog.get_by_role("button", name="Write privately").tap()
        expect(alice.heading).to_have_text("carol")
        expect(alice.box).to_be_in_viewport()
        assert alice.page.evaluate(
            "() => document.documentElement.scrollWidth <= innerWidth"
            " && document.documentElement.scrollHeight <= innerHeight"
        )
        small = alice.page.evaluate(
            """() => [...document.querySelectorAll("button, input, textarea, select, a")]
                .map((one) => [one, one.getBoundingClientRect()])
                .filter(([one, box]) => one.checkVisibility() && box.width && box.right > 0
                    && box.left < innerWidth && Math.min(box.width, box.height) < 24)
                .map(([one]) => one.outerHTML.slice(0, 100))"""
        )
        assert small == []  # WCAG 2.2, 2.5.8: targets of 24 CSS pixels at least


def open_drawer(visitor: Visitor, name: str) -> None:
    """On a phone, open the list of rooms or of people unless it is there."""
    role: Any = "navigation" if name == "Rooms" else "complementary"
    drawer = visitor.page.get_by_role(role, name=name)
    if not drawer.is_visible():
        visitor.page.get_by_role("button", name=re.compile(name, re.IGNORECASE)).first.tap()
    expect(drawer).to_be_in_viewport()


def test_a_tablet(visit: Visits) -> None:
    """What is said has most of the screen: people are a step away."""
    alice = visit("alice", viewport={"width": 820, "height": 1180}, has_touch=True)
    expect(alice.room("#lobby")).to_be_in_viewport()
    box = alice.log.bounding_box()
    assert box is not None
    assert box["width"] > 550
    expect(alice.member("alice")).not_to_be_visible()
    open_drawer(alice, "People")
    expect(alice.member("alice")).to_be_in_viewport()


def test_who_wants_no_motion_gets_none(web_chat: WebChat, visit: Visits) -> None:
    """No transition, animation or smooth scrolling anywhere."""
    alice = visit("alice", reduced_motion="reduce")
    alice.button("Join a room").click()
    moving = alice.page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((one) => {
            const style = getComputedStyle(one);
            const longest = (text) => Math.max(...text.split(",").map(parseFloat));
            return longest(style.transitionDuration) > 0.01
                || (style.animationName !== "none" && longest(style.animationDuration) > 0.01)
                || style.scrollBehavior === "smooth";
        }).map((one) => one.tagName + "." + one.className)"""
    )
    assert moving == []


def join_form(visitor: Visitor, _: Program) -> None:
    """Show the form for joining, with a refusal."""
    visitor.open()
    visitor.offer("no!")
    expect(visitor.page.get_by_role("alert").first).to_be_visible()


def in_chat(visitor: Visitor, carol: Program) -> None:
    """Show a room in which something is going on."""
    visitor.join("alice")
    carol.say("hello alice")
    carol.say("/away lunch")
    visitor.say("see https://example.org and `code`", "/me waves", "/who", "/nonsense")
    visitor.hears("see https://example.org and code")
    expect(visitor.message("hello alice")).to_have_count(1)


def with_drawer(visitor: Visitor, carol: Program) -> None:
    """Show the rooms on a phone."""
    in_chat(visitor, carol)
    open_drawer(visitor, "Rooms")


def with_people(visitor: Visitor, carol: Program) -> None:
    """Show the people on a phone."""
    in_chat(visitor, carol)
    open_drawer(visitor, "People")


def with_dialog(visitor: Visitor, carol: Program) -> None:
    """Show the dialog about oneself."""
    in_chat(visitor, carol)
    if not visitor.state.is_visible():
        open_drawer(visitor, "Rooms")
    visitor.you()
    expect(visitor.dialog).to_be_visible()


def with_card(visitor: Visitor, carol: Program) -> None:
    """Show somebody's dialog."""
    in_chat(visitor, carol)
    visitor.member("carol").click()
    expect(visitor.dialog).to_be_visible()


def with_search(visitor: Visitor, carol: Program) -> None:
    """Show what a search found."""
    in_chat(visitor, carol)
    visitor.button("Search").click()
    visitor.page.get_by_role("search").get_by_role("searchbox", name="Search").fill("hello")
    visitor.page.keyboard.press("Enter")
    expect(
        visitor.page.get_by_role("list", name="Results").get_by_role("button").first
    ).to_be_visible()


def with_suggestions(visitor: Visitor, carol: Program) -> None:
    """Show the list of commands."""
    in_chat(visitor, carol)
    visitor.box.press_sequentially("/")
    expect(visitor.page.get_by_role("listbox", name="Suggestions")).to_be_visible()


def with_rooms(visitor: Visitor, carol: Program) -> None:
    """Show the dialog in which one chooses a room."""
    in_chat(visitor, carol)
    visitor.button("Join a room").click()
    expect(visitor.dialog.get_by_role("button", name="#lobby")).to_be_visible()


def with_several_lines(visitor: Visitor, carol: Program) -> None:
    """Show the question whether several lines should be said."""
    in_chat(visitor, carol)
    visitor.box.fill("one\ntwo")
    visitor.box.press("Enter")
    expect(visitor.dialog).to_be_visible()


def with_order(visitor: Visitor, carol: Program) -> None:
    """Show to a founder how somebody would be banned."""
    in_chat(visitor, carol)
    visitor.register("correct horse battery")
    visitor.enter("#tea")
    carol.say("/join #tea")
    visitor.member("carol").click()
    visitor.dialog.get_by_role("button", name="Ban").click()
    expect(visitor.dialog.get_by_label("For how long")).to_be_focused()


DARK: dict[str, Any] = {"color_scheme": "dark"}


@pytest.mark.parametrize(
    ("show", "options"),
    [
        (join_form, {}),
        (join_form, DARK),
        (in_chat, {}),
        (in_chat, DARK),
        (with_drawer, PHONE),
        (with_people, PHONE | DARK),
        (with_dialog, {}),
        (with_dialog, DARK),
        (with_card, {}),
        (with_search, {}),
        (with_search, DARK),
        (with_suggestions, {}),
        (with_suggestions, DARK),
        (with_search, PHONE),
        (with_dialog, PHONE | DARK),
        (with_rooms, {}),
        (with_rooms, DARK),
        (with_several_lines, {}),
        (with_order, {}),
        (with_order, DARK),
    ],
    ids=lambda value: value.__name__ if callable(value) else "-".join(value) or "light",
)
def test_axe_finds_nothing_serious(
    web_chat: WebChat,
    visit: Visits,
    pytestconfig: pytest.Config,
    show: Callable[[Visitor, Program], None],
    options: dict[str, Any],
) -> None:
    """By WCAG 2.2 A and AA and best practice, in every state of the page that looks different."""
    assert pytestconfig.cache is not None
    source = axe_source(pytestconfig.cache.mkdir("axe-core"), AXE)
    visitor = visit(**options)
    with web_chat.nc("carol") as carol:
        show(visitor, carol)
        visitor.page.evaluate(source)
        found = visitor.page.evaluate(
            "(tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", TAGS
        )
    serious = [
        f"{one['id']} ({one['impact']}): {one['help']}\n  "
        + "\n  ".join(f"{node['html'][:200]} {node['failureSummary']}" for node in one["nodes"])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert not serious, "\n".join(serious)
    assert len(found["passes"]) > 5
