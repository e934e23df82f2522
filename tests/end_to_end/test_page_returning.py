"""What the page does when it is loaded anew, and when the server or the network goes away."""

import json
import re
from pathlib import Path

from playwright.sync_api import WebSocketRoute, expect

from tests.end_to_end.browser import Visits, WebChat, Wire
from tests.end_to_end.harness import stored

LOST = "WebSocket connection|ERR_CONNECTION|ERR_EMPTY|ERR_INTERNET"
"""What Chromium itself says of a server that is not there."""


def test_a_reload_keeps_the_session(web_chat: WebChat, visit: Visits) -> None:
    """The nickname, the rooms and what was said are there; nobody sees anybody leave or join."""
    alice = visit("alice")
    with web_chat.nc("carol") as carol:
        carol.say("before")
        alice.hears("before")
        alice.enter("#tea")
        alice.page.reload()
        alice.is_in()
        expect(alice.room("#tea")).to_be_visible()
        expect(alice.room("#lobby")).to_be_visible()
        alice.go("#lobby")
        alice.hears("before")
        alice.say("after")
        carol.expect("^alice: after")
        alice.hears("before", "after")
        assert not re.search("alice (left|joined)", carol.text)


def test_a_reload_keeps_what_is_half_written(visit: Visits) -> None:
    """In each place its own."""
    alice = visit("alice")
    alice.enter("#tea")
    alice.box.fill("a cup of")
    alice.go("#lobby")
    expect(alice.box).to_have_value("")
    alice.box.fill("half a")
    alice.page.reload()
    alice.is_in()
    expect(alice.box).to_have_value("half a")
    alice.go("#tea")
    expect(alice.box).to_have_value("a cup of")


def test_no_script_can_read_the_session(web_chat: WebChat, visit: Visits) -> None:
    """The cookie is for the server alone; nothing else that is kept would do."""
    alice = visit("alice")
    [cookie] = alice.context.cookies()
    assert cookie["name"] == "chat"
    assert cookie["httpOnly"]
    assert cookie["sameSite"] in ("Lax", "Strict")
    assert alice.page.evaluate("document.cookie") == ""
    kept = alice.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert cookie["value"] not in kept
    assert "~" not in kept  # with which tokens begin
    assert "alice" in kept
    state = alice.context.storage_state()
    # What storage holds is worth nothing in another browser.
    thief = visit()
    thief.open()
    thief.page.evaluate(
        "([local, session]) => {"
        " for (const [k, v] of Object.entries(session)) sessionStorage.setItem(k, v);"
        " for (const [k, v] of Object.entries(local)) localStorage.setItem(k, v); }",
        json.loads(kept),
    )
    thief.page.reload()
    expect(thief.form).to_be_visible()
    assert state["cookies"]
    with web_chat.nc("carol") as carol:
        alice.say("still alice")
        carol.expect("^alice: still alice")


def test_a_killed_server_comes_back(tmp_path: Path, visits: Visits) -> None:
    """Missed lines are filled in, nothing is doubled; what was typed meanwhile is said once."""
    with WebChat(tmp_path, "--no-limits") as chat:
        alice = visits("alice", url=chat.url)
        alice.expects(LOST)
        with chat.nc("carol") as carol:
            carol.say("before")
            alice.hears("before")
            alice.say("mine before")
            carol.expect("^alice: mine before")
            chat.kill()
        expect(alice.state).to_contain_text("Reconnecting")
        alice.say("typed meanwhile")
        expect(alice.unsent("typed meanwhile")).to_have_count(1)
    with (
        WebChat(tmp_path, "--no-limits", again=chat) as chat,
        chat.nc("dave", "you missed") as dave,
    ):
        expect(alice.state).to_contain_text("Connected")
        dave.expect("^alice: typed meanwhile")
        alice.hears("before", "mine before", "you missed", "typed meanwhile")
        expect(alice.unsent()).to_have_count(0)
        alice.say("and on")
        dave.expect("^alice: and on")
        alice.hears("before", "mine before", "you missed", "typed meanwhile", "and on")
    said = [text for _, _, text in stored(tmp_path / "chat-data")]
    assert sorted(said) == sorted(
        ["before", "mine before", "you missed", "typed meanwhile", "and on"]
    )


def test_a_lost_network_comes_back(web_chat: WebChat, visits: Visits) -> None:
    """While it is away much is said, in two rooms and in private: all of it is there, once."""
    with Wire(web_chat.web) as wire, web_chat.nc("carol", "/join #tea", "/join #lobby") as carol:
        alice = visits("alice", url=wire.url)
        alice.expects(LOST)
        alice.enter("#tea")
        carol.say("/msg alice before in private")
        alice.go("carol")
        alice.hears("before in private")
        alice.go("#lobby")
        carol.say("before")
        alice.hears("before")
        wire.cut()
        expect(alice.state).to_contain_text("Reconnecting")
        missed = [f"missed {n}" for n in range(150)]
        for line in missed:
            carol.say(line)
        carol.say("#tea missed tea")
        carol.say("/msg alice missed private")
        carol.expect("^alice -> carol|^carol -> alice")
        wire.mend()
        expect(alice.state).to_contain_text("Connected")
        expect(alice.log.locator(".message .text")).to_have_text(["before", *missed])
        expect(alice.room("#tea")).to_have_accessible_name("#tea, 1 unread")
        expect(alice.room("carol")).to_have_accessible_name(re.compile("^carol, 1 unread"))
        alice.go("#tea")
        alice.hears("missed tea")
        alice.go("carol")
        alice.hears("missed private")
        assert "alice left" not in carol.text
        assert carol.text.count("alice joined the chat") == 1


def test_who_came_and_went_meanwhile_is_known(web_chat: WebChat, visits: Visits) -> None:
    """In rooms that are not looked at just then, too."""
    with Wire(web_chat.web) as wire, web_chat.nc("carol", "/join #tea") as carol:
        alice = visits("alice", url=wire.url)
        alice.enter("#tea")
        expect(alice.member("carol")).to_be_visible()
        alice.go("#lobby")
        alice.expects("WebSocket connection")
        wire.cut()
        expect(alice.state).to_contain_text("Reconnecting")
        carol.say("/leave #tea")
        with web_chat.nc("dave", "/join #tea") as dave:
            dave.expect("You are in #tea")
            wire.mend()
            expect(alice.state).to_contain_text("Connected")
            alice.go("#tea")
            expect(alice.member("dave")).to_be_visible()
            expect(alice.member("carol")).to_have_count(0)


def test_who_is_too_slow_to_be_told_all_asks_again(web_chat: WebChat, visits: Visits) -> None:
    """Comings and goings that could not be told are not kept; the server says so with a gap."""
    alice = visits(url=web_chat.url)

    def lossy(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def tell(message: str | bytes) -> None:
            event = json.loads(message)
            page.send('{"type":"gap","room":"#tea"}' if is_lost(event) else message)

        server.on_message(tell)

    def is_lost(event: dict[str, str]) -> bool:
        return event["type"] == "topic" or (event["type"] == "joined" and event["nick"] == "dave")

    alice.page.route_web_socket("**/ws", lossy)
    lines = "/register correct horse battery", "/join #tea"
    with web_chat.nc("carol", *lines) as carol:
        carol.expect("You are in #tea")
        alice.join("alice").enter("#tea")
        with web_chat.nc("dave", "/join #tea"):
            expect(alice.member("dave")).to_be_visible()
        carol.say("/topic Oolong")
        expect(alice.page.locator("#topic")).to_have_text("Oolong")


def test_a_silent_network_is_noticed(web_chat: WebChat, visits: Visits) -> None:
    """What is sent into the void stays marked as unsent, and is said once in the end."""
    with Wire(web_chat.web) as wire, web_chat.nc("carol") as carol:
        alice = visits("alice", url=wire.url)
        alice.expects(LOST)
        alice.say("before")
        alice.hears("before")
        wire.fall_silent()
        alice.say("into the void")
        expect(alice.unsent("into the void")).to_have_count(1)
        wire.cut()
        expect(alice.state).to_contain_text("Reconnecting")
        wire.mend()
        carol.expect("^alice: into the void")
        alice.hears("into the void")
        expect(alice.unsent()).to_have_count(0)
        alice.say("next")
        carol.expect("^alice: next")
        assert carol.text.count("alice: into the void") == 1


def test_a_line_whose_answer_was_lost_is_not_said_twice(web_chat: WebChat, visits: Visits) -> None:
    """The server has it, the page does not know: it must find out before it says it again."""
    with Wire(web_chat.web) as wire, web_chat.nc("carol") as carol:
        alice = visits("alice", url=wire.url)
        alice.expects(LOST)
        alice.say("before")  # and all that the page asks at first
        alice.hears("before")
        wire.lose_answers()
        alice.say("said once")
        carol.expect("^alice: said once")
        wire.cut()
        expect(alice.state).to_contain_text("Reconnecting")
        wire.mend()
        expect(alice.state).to_contain_text("Connected")
        alice.hears("said once")
        expect(alice.unsent()).to_have_count(0)
        alice.say("next")
        carol.expect("^alice: next")
        assert carol.text.count("alice: said once") == 1


def test_offline_is_said_and_ends(web_chat: WebChat, visits: Visits) -> None:
    """The page says so when the browser knows that there is no network; it comes back by itself."""
    with Wire(web_chat.web) as wire, web_chat.nc("carol") as carol:
        alice = visits("alice", url=wire.url)
        alice.expects(LOST)
        wire.cut()
        alice.context.set_offline(True)
        expect(alice.state).to_contain_text("Offline")
        alice.say("kept")
        wire.mend()
        alice.context.set_offline(False)
        expect(alice.state).to_contain_text("Connected")
        carol.expect("^alice: kept")


def test_a_reload_while_the_server_is_away_asks_nothing_twice(
    tmp_path: Path, visits: Visits
) -> None:
    """Whoever's absence ended meanwhile is in again with the same nickname."""
    options = ("--no-limits", "--absence", "0")
    with WebChat(tmp_path, *options) as chat:
        alice = visits("alice", url=chat.url)
        alice.expects(LOST)
        chat.kill()
        expect(alice.state).to_contain_text("Reconnecting")
    with WebChat(tmp_path, *options, again=chat) as new, new.nc("carol") as carol:
        expect(alice.state).to_contain_text("Connected")
        alice.say("here again")
        carol.expect("^alice: here again")


def test_a_taken_nickname_leads_back_to_the_form(tmp_path: Path, visits: Visits) -> None:
    """Who comes back too late is asked anew, and told why."""
    with WebChat(tmp_path, "--no-limits", "--absence", "0") as chat, Wire(chat.web) as wire:
        alice = visits("alice", url=wire.url)
        alice.expects(LOST)
        with chat.nc("carol") as carol:
            wire.cut()
            carol.expect("^alice left the chat")
            carol.say("/nick alice")
            carol.expect("carol is now|is alice now|now alice")
            wire.mend()
            form = alice.form
            expect(form).to_be_visible()
            expect(form.get_by_role("alert")).to_contain_text("alice")
            alice.offer("alice2")
            alice.is_in()


def test_a_duplicated_tab_takes_over(web_chat: WebChat, visit: Visits) -> None:
    """The old one says so and does not fight for it; taking it back is one button."""
    alice = visit("alice")
    with web_chat.nc("carol") as carol:
        with alice.context.expect_page() as opened:
            alice.page.evaluate("() => { window.open(location.href); }")
        second = opened.value
        expect(second.get_by_role("textbox", name="Message", exact=True)).to_be_visible()
        expect(alice.page.get_by_text("another tab").first).to_be_visible()
        second.get_by_role("textbox", name="Message", exact=True).fill("from the second")
        second.keyboard.press("Enter")
        carol.expect("^alice: from the second")
        assert not re.search("alice (left|joined)", carol.text)


def test_the_servers_end_is_told(tmp_path: Path, visits: Visits) -> None:
    """A server that closes in good order says goodbye; the page waits for it to come back."""
    with WebChat(tmp_path, "--no-limits") as chat:
        alice = visits("alice", url=chat.url)
        alice.expects(LOST)
        chat.stop()
        expect(alice.state).to_contain_text("Reconnecting")
    with WebChat(tmp_path, "--no-limits", again=chat):
        expect(alice.state).to_contain_text("Connected")
