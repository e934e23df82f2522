"""ii, WeeChat and irssi in a room with nc and a browser: all see the same, each in its words."""

import re

from playwright.sync_api import expect

from tests.end_to_end.browser import Wire
from tests.end_to_end.irc_clients import Ii
from tests.end_to_end.irc_party import LOBBY, Party

PASSWORD = "correct-horse-battery"  # noqa: S105
LOST = "WebSocket connection|ERR_CONNECTION|ERR_EMPTY|ERR_INTERNET"
"""What Chromium itself says of a server that is not there."""


def test_who_comes_talks_and_goes(party: Party) -> None:
    """Everybody sees everybody come, hears all lines once, in order, and sees everybody go."""
    alice, bob = party.nc("alice"), party.page("bob")
    carol = party.irc()
    alice.expect("^carol joined the chat$")
    expect(bob.event("carol joined")).to_have_count(1)
    expect(bob.member("carol")).to_be_visible()
    carol.sees("joined", LOBBY, nick="carol", room=LOBBY)
    assert carol.people(LOBBY) == ["alice", "bob", "carol"]
    dave = party.nc("dave")
    carol.sees("joined", LOBBY, nick="dave", room=LOBBY)

    alice.say("hello from nc")
    carol.hears("alice", "hello from nc", LOBBY)
    bob.say("hello from the page")
    carol.hears("bob", "hello from the page", LOBBY)
    carol.say("hello from IRC", LOBBY)
    alice.expect("^carol: hello from IRC$")
    bob.hears("hello from nc", "hello from the page", "hello from IRC")
    carol.hears("carol", "hello from IRC", LOBBY)
    alice.say("/me nods")
    carol.sees("acted", LOBBY, nick="alice", text="nods")
    bob.say("/me smiles")
    carol.sees("acted", LOBBY, nick="bob", text="smiles")
    carol.act("waves", LOBBY)
    alice.expect(r"^\* carol waves$")
    expect(bob.message("waves").locator(".nick")).to_have_text("carol")

    dave.say("/quit")
    carol.sees("quit", LOBBY, nick="dave")
    assert carol.people(LOBBY) == ["alice", "bob", "carol"]
    carol.quit("good night")
    alice.expect("^carol left the chat$")
    expect(bob.event("carol left")).to_have_count(1)
    expect(bob.member("carol")).to_have_count(0)
    told = re.findall("^.*carol.*$", alice.text, re.MULTILINE)
    assert told == [
        "carol joined the chat",
        "carol: hello from IRC",
        "* carol waves",
        "carol left the chat",
    ]


def test_a_private_conversation_is_one_everywhere(party: Party) -> None:
    """What is said to one alone is shown to both, in a window of its own, and to nobody else."""
    alice, bob, carol = party.nc("alice"), party.page("bob"), party.irc()
    alice.say("/msg carol psst")
    carol.hears("alice", "psst", "alice")
    carol.say("what is it?", "alice")
    alice.expect(r"^carol -> alice: what is it\?$")
    alice.say("/reply nothing")
    carol.hears("alice", "nothing", "alice")
    carol.act("shrugs", "alice")
    alice.expect("^carol -> alice: /me shrugs$")
    alice.say("/msg carol /me grins")
    carol.sees("acted", "alice", nick="alice", text="grins")

    carol.say("hello, page", "bob")
    bob.go("carol")
    bob.hears("hello, page")
    bob.say("hello, IRC")
    carol.hears("bob", "hello, IRC", "bob")
    for text in ("psst", "what is it", "nothing", "hello, page", "hello, IRC"):
        assert not [line for line in carol.lines(LOBBY) if text in line]
    assert "hello" not in alice.text


def test_what_was_said_before_is_told_once(party: Party) -> None:
    """In order, as what was said, before what is said now; also to who comes again."""
    alice = party.nc("alice", "one", "/me does two", "three")
    alice.expect("^alice: three")
    carol = party.irc()
    carol.recalls("said", LOBBY, "alice", "one")
    carol.recalls("acted", LOBBY, "alice", "does two")
    carol.recalls("said", LOBBY, "alice", "three")
    alice.say("four")
    carol.hears("alice", "four", LOBBY)
    told = [
        found[0] for line in carol.lines(LOBBY) if (found := re.search("one|two|three|four", line))
    ]
    assert told == ["one", "two", "three", "four"]


def test_a_crash_ends_nothing(party: Party) -> None:
    """All come back by themselves (ii is started again), see each other, and what was said."""
    alice, bob, carol = party.nc("alice"), party.page("bob"), party.irc()
    bob.expects(LOST)
    alice.say("before")
    carol.hears("alice", "before", LOBBY)
    party.restart()
    alice = party.nc("alice")
    if isinstance(carol, Ii):
        carol.end()
        carol = party.irc()
    else:
        carol.comes_in(2)
    alice.expect("^carol joined the chat$")
    bob.is_in()
    alice.say("after")
    carol.hears("alice", "after", LOBBY)
    carol.say("well, well", LOBBY)
    alice.expect("^carol: well, well$")
    bob.hears("before", "after", "well, well")
    assert carol.people(LOBBY) == ["alice", "bob", "carol"]
    assert re.findall("^.*carol.*$", alice.text, re.MULTILINE) == [
        "carol joined the chat",
        "carol: well, well",
    ]


def test_who_has_an_account_may_lose_the_connection(party: Party) -> None:
    """It is told what it has missed, and that alone; nobody has seen it go, or come back."""
    with party.nc("carol", f"/register {PASSWORD}", "/quit") as carol_with_nc:
        carol_with_nc.expect("^-- carol is yours now")
        carol_with_nc.close_input()  # openbsd's nc waits for that
        carol_with_nc.wait()
    alice = party.nc("alice")
    with Wire(party.chat.irc) as wire:
        carol = party.irc(port=wire.port, password=f"carol:{PASSWORD}")
        alice.expect("^carol joined the chat$")
        alice.say("before")
        carol.hears("alice", "before", LOBBY)
        wire.cut()
        alice.say("missed")
        alice.expect("^alice: missed$")
        wire.mend()
        if isinstance(carol, Ii):  # it ends with its connection
            carol.end()
            carol = party.irc(port=wire.port, password=f"carol:{PASSWORD}")
            carol.sees("joined", LOBBY, nick="carol", room=LOBBY)
        else:
            carol.comes_in(2)
            carol.sees("joined", LOBBY, 2, nick="carol", room=LOBBY)
        alice.say("after")
        carol.hears("alice", "after", LOBBY)
        told = re.findall("before|missed|after", "\n".join(carol.lines(LOBBY)))
        assert told == ["before", "missed", "after"][isinstance(carol, Ii) :]
        assert carol.people(LOBBY) == ["alice", "carol"]
        carol.say("here I am", LOBBY)
        alice.expect("^carol: here I am$")
        told = re.findall("^carol (?:joined|left).*$", alice.text, re.MULTILINE)
        assert told == ["carol joined the chat"]
        carol.end()


def test_who_is_cut_off_is_seen_to_go(party: Party) -> None:
    """A client that is killed leaves no ghost, and its nickname is free."""
    alice, bob, carol, dave = party.nc("alice"), party.page("bob"), party.irc(), party.irc("dave")
    carol.sees("joined", LOBBY, nick="dave", room=LOBBY)
    dave.end()
    alice.expect("^dave left the chat$")
    expect(bob.member("dave")).to_have_count(0)
    carol.sees("quit", LOBBY, nick="dave")
    assert carol.people(LOBBY) == ["alice", "bob", "carol"]
    dave = party.irc("dave")
    carol.sees("joined", LOBBY, 2, nick="dave", room=LOBBY)
    assert carol.people(LOBBY) == ["alice", "bob", "carol", "dave"]


def test_a_line_too_long_for_irc_comes_in_parts(party: Party) -> None:
    """All of it, in order, cut where no character is."""
    alice, carol = party.nc("alice"), party.irc()
    text = "grüße 🎉 " * 85
    text = text.encode()[:1024].decode("utf-8", "ignore").strip()
    assert len(text.encode()) > 1000
    alice.say(text)
    alice.say("the end")
    carol.hears("alice", "the end", LOBBY)
    said = re.compile(carol.WORDS["said"].format(nick="alice", text="(.*)"))
    parts = [found[1] for line in carol.lines(LOBBY) if (found := said.search(line))]
    assert parts.pop() == "the end"
    assert len(parts) > 1
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")


def test_a_long_line_from_irc_arrives_whole(party: Party) -> None:
    """As far as the client sends it; what comes in parts comes in order."""
    alice, carol = party.nc("alice"), party.irc()
    text = " ".join(f"word{n}" for n in range(50))
    carol.say(text, LOBBY)
    alice.expect("word49$")
    said = re.findall("^carol: (.*)$", alice.text, re.MULTILINE)
    assert " ".join(said).split() == text.split()


NAMES = ("zoë", "中文", "x[y]{z}|^`", "_a-b_", "7of9")
TEXTS = (
    ":-) colon first",
    "  two  blanks",
    "👩‍👩‍👧 🇩🇪 é",
    "/not a command",
    "%s ${buffer.name} $HOME #{pid}",
    "PRIVMSG #lobby :forged",
    "-!- bob has quit",
)


def test_odd_names_and_texts_pass(party: Party) -> None:
    """Nothing is lost, changed, or taken for something else."""
    carol = party.irc()
    for nick in NAMES:
        person = party.nc(nick)
        carol.sees("joined", LOBBY, nick=nick, room=LOBBY)
        person.say("hello")
        carol.hears(nick, "hello", LOBBY)
    assert carol.people(LOBBY) == sorted(["carol", *NAMES])
    for text in TEXTS:
        person.say(f"/{text}" if text.startswith("/") else text)
        carol.hears(NAMES[-1], text, LOBBY)
    for text in TEXTS:
        if text.startswith("/"):
            carol.ask(f"PRIVMSG {LOBBY} :{text}")
        else:
            carol.say(text, LOBBY)
        person.expect(f"^carol: {re.escape(text)}")
