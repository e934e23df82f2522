"""What was said before, at the page: scrolling back, days and times, searching."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.end_to_end.browser import Visitor, Visits, WebChat, tell_the_past

LINES = 400
MIDNIGHT = 1_700_092_800.0
"""2023-11-16 00:00:00 UTC, a Thursday."""


def past() -> list[dict[str, Any]]:
    """Return what was said from two days before that midnight on, every 10 minutes."""
    first = MIDNIGHT - 2 * 86400
    return [
        {
            "seq": n,
            "at": first + 600 * n,
            "nick": ("ann", "ben")[n % 2],
            "text": f"line {n}" if n != 37 else "line 37: the golden teapot",
        }
        for n in range(1, LINES + 1)
    ]


@pytest.fixture
def old_chat(tmp_path: Path) -> Iterator[WebChat]:
    """Run a chat in which much was said long ago."""
    tell_the_past(tmp_path / "chat-data", past())
    with WebChat(tmp_path, "--no-limits", "--backlog", "20") as chat:
        yield chat


def numbers(visitor: Visitor) -> list[int]:
    """Return the numbers of the lines that are shown."""
    found = visitor.log.locator(".message[data-seq]").evaluate_all(
        "all => all.map((e) => +e.dataset.seq)"
    )
    return [int(n) for n in found]


TO_THE_TOP = """async (log) => {
    const first = () => log.querySelector(".message[data-seq]");
    const was = first().dataset.seq;
    const top = () => log.querySelector(`[data-seq="${was}"]`).getBoundingClientRect().top;
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    log.scrollTop = 0;
    const before = top();
    while (first().dataset.seq === was && +was > 1) await frame();
    await frame();
    return [+first().dataset.seq, before, top()];
}"""
"""Scroll to the top and wait until older lines are there; tell the first number then, and where the
line that was the first stood before and stands now."""


def test_scrolling_back_keeps_the_place(old_chat: WebChat, visits: Visits) -> None:
    """Back to the first line of 400; what one reads does not move when older ones come."""
    alice = visits("alice", url=old_chat.url)
    expect(alice.message(f"line {LINES}")).to_be_in_viewport()
    first = numbers(alice)[0]
    while first > 1:
        first, before, after = alice.log.evaluate(TO_THE_TOP)
        # A day's separator above the line may go, since it is no longer the first that is shown.
        assert abs(after - before) < 60, f"it went from {before} to {after} when {first} came"
    seen = numbers(alice)
    assert seen[0] == 1
    assert seen == sorted(set(seen))
    alice.hears("line 1")


def test_who_reads_back_is_not_pulled_down(old_chat: WebChat, visits: Visits) -> None:
    """What is said meanwhile does not move the log; who is at its end sees it."""
    alice = visits("alice", url=old_chat.url, viewport={"width": 900, "height": 500})
    expect(alice.message(f"line {LINES}")).to_be_in_viewport()
    with old_chat.nc("carol", "at the end") as carol:
        expect(alice.message("at the end")).to_be_in_viewport()
        alice.log.hover()
        alice.page.mouse.wheel(0, -400)
        expect(alice.message("at the end")).not_to_be_in_viewport()
        place = alice.log.evaluate("log => log.scrollTop")
        first = numbers(alice)[0]
        carol.say("not seen")
        expect(alice.message("not seen")).to_have_count(1)
        expect(alice.message("not seen")).not_to_be_in_viewport()
        if numbers(alice)[0] == first:  # else older lines came above meanwhile
            assert alice.log.evaluate("log => log.scrollTop") == place
        alice.say("my own line")
        expect(alice.message("my own line")).to_be_in_viewport()


@pytest.mark.parametrize(
    ("zone", "hour", "last_of_day"),
    [("UTC", "00:00", 287), ("Asia/Tokyo", "09:00", 377), ("America/New_York", "19:00", 317)],
)
def test_days_and_times_are_the_readers(
    old_chat: WebChat, visits: Visits, zone: str, hour: str, last_of_day: int
) -> None:
    """A line of midnight UTC has the hour of the reader's clock, and days part where it says."""
    alice = visits("alice", url=old_chat.url, timezone_id=zone)
    line = alice.log.locator('.message[data-seq="288"]')
    while numbers(alice)[0] > last_of_day - 1 or numbers(alice)[0] > 288:
        alice.log.evaluate(TO_THE_TOP)
    expect(line.locator("time")).to_contain_text(hour)
    shown = alice.log.locator(".day, .message[data-seq]")
    order = shown.evaluate_all("all => all.map((e) => e.dataset.seq || 'day')")
    assert order[order.index(str(last_of_day)) + 1] == "day"
    assert order.index(str(last_of_day)) + 2 == order.index(str(last_of_day + 1))
    assert order[0] == "day"


def test_searching_and_jumping_far_back(old_chat: WebChat, visits: Visits) -> None:
    """A hit that was never shown is found, and shown in its place among its neighbours."""
    alice = visits("alice", url=old_chat.url)
    expect(alice.message(f"line {LINES}")).to_be_in_viewport()
    alice.button("Search").click()
    box = alice.page.get_by_role("search").get_by_role("searchbox", name="Search")
    expect(box).to_be_focused()
    box.fill("golden teapot")
    box.press("Enter")
    hits = alice.page.get_by_role("list", name="Results").get_by_role("button")
    expect(hits).to_have_count(1)
    expect(hits).to_contain_text("golden teapot")
    hits.click()
    found = alice.log.locator(".message.found")
    expect(found).to_contain_text("line 37: the golden teapot")
    expect(found).to_be_in_viewport()
    alice.hears("line 36", "line 38")
    seen = numbers(alice)
    assert seen == sorted(set(seen))
    with old_chat.nc("carol", "still here"):
        alice.say("back at the end")
        expect(alice.message("back at the end")).to_be_in_viewport()
    seen = numbers(alice)
    assert seen == sorted(set(seen))


def test_a_search_that_finds_nothing_says_so(old_chat: WebChat, visits: Visits) -> None:
    """So does one with a mistake in it; Escape leads back to the button."""
    alice = visits("alice", url=old_chat.url)
    alice.button("Search").click()
    form = alice.page.get_by_role("search")
    form.get_by_role("searchbox", name="Search").fill("unheard-of")
    alice.page.keyboard.press("Enter")
    expect(form).to_contain_text(re.compile("nothing|no line|not found", re.IGNORECASE))
    form.get_by_role("searchbox", name="Search").fill("since:never teapot")
    alice.page.keyboard.press("Enter")
    expect(form).to_contain_text("A time is how long ago")
    alice.page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    expect(alice.button("Search")).to_be_focused()


def test_the_past_of_a_private_conversation(web_chat: WebChat, visit: Visits) -> None:
    """It is there again after a reload, by itself."""
    alice = visit("alice")
    with web_chat.nc("carol", "/msg alice one", "/msg alice two") as carol:
        alice.go("carol")
        alice.hears("one", "two")
        alice.page.reload()
        alice.is_in()
        alice.go("carol")
        alice.hears("one", "two")
        carol.say("/msg alice three")
        alice.hears("one", "two", "three")
