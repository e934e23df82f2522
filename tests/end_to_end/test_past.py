"""Looking back: the backlog on joining, history, search, being forgotten, and what is kept."""

import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatservice.delivery.past import HITS, MOST_LINES, NOW
from chatservice.plain import parse
from tests.end_to_end.harness import BIN, CONSENT, PATIENCE, Person, Program, Server, stored, tool

PRESENT = f"-- {NOW}"
BEGINS = "-- That is where the history begins."
NOTHING = "-- There is nothing earlier."
NOT_FOUND = "-- Nothing found."


@pytest.fixture(params=[(), ("--data", ":memory:")], ids=["disk", "memory"])
def chat(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Run a chat that keeps its history on disk, and one that keeps it in memory."""
    with Server(tmp_path, "--no-limits", *request.param) as server:
        yield server


def join(chat: Server, nick: str) -> Person:
    """Join and read up to what is told to everybody who joins."""
    person = chat.connect()
    person.expect("NICK")
    person.say(nick)
    person.expect(f"{nick} joined the chat", "Connected to the server")
    assert (person.line() or "").startswith("-- What is said here is kept")
    return person


def said(lines: list[str]) -> list[tuple[int, str]]:
    """Return number and text of past lines."""
    events = [parse(line) for line in lines]
    assert all(event.past for event in events), lines
    return [(event.seq, event.text) for event in events]


def history(person: Person, arguments: str, end: str) -> list[tuple[int, str]]:
    """Ask for history; return number and text of the lines up to the one that ends it."""
    person.say(f"/history {arguments}")
    return said(person.until(end))


def search(person: Person, query: str) -> list[str]:
    """Search; return the texts that were found."""
    person.say(f"/search {query}", "/help who")
    lines = person.until("-- /who [#ROOM]   who is here")
    person.expect("-- For example: /who", "-- Also: /names /list /w")
    if lines == [NOT_FOUND]:
        return []
    assert re.fullmatch(r"-- (One line|\d+ lines) found, the newest first; .*", lines[0]), lines
    return [text for _, text in said([line for line in lines if line.startswith("[")])]


@pytest.mark.parametrize("shown", [20, 5, 0])
@pytest.mark.parametrize("data", [(), ("--data", ":memory:")], ids=["disk", "memory"])
def test_who_joins_is_told_what_was_said_last(
    tmp_path: Path, shown: int, data: tuple[str, ...]
) -> None:
    """The newest lines with their numbers, then where the present begins; nothing if none."""
    with (
        Server(tmp_path, "--no-limits", "--backlog", str(shown), *data) as chat,
        join(chat, "alice") as alice,
        ExitStack() as stack,
    ):
        alice.say("hello")
        alice.expect("alice: hello")  # and nothing before it
        total = 1
        for count in (0, 1, 30):
            for n in range(count):
                alice.say(f"{count} {n}")
                alice.until(f"alice: {count} {n}")
            total += count
            bob = stack.enter_context(join(chat, f"bob{count}"))
            if shown:
                told = said(bob.until(PRESENT))
                assert [n for n, _ in told] == [*range(max(1, total - shown + 1), total + 1)]
            alice.say("now")
            bob.expect("alice: now")
            total += 1


def test_twenty_is_the_default(tmp_path: Path) -> None:
    """As --help says."""
    port = ("--port", "tcp:0:interface=127.0.0.1", "--no-limits")
    with Program(BIN / "twistd", "-n", "--pidfile=", "chat", *port, cwd=tmp_path) as chat:
        found = chat.expect(r"ChatFactory starting on (\d+)")
        people = [
            Person(socket.create_connection(("127.0.0.1", int(found[1])), PATIENCE)) for _ in "ab"
        ]
        with people[0] as alice, people[1] as bob:
            alice.say("alice", *(f"{n}" for n in range(1, 31)))
            alice.until("alice: 30")
            bob.say("bob")
            bob.until(CONSENT)
            assert said(bob.until(PRESENT)) == [(n, str(n)) for n in range(11, 31)]


def test_nothing_is_missed_or_told_twice_while_others_talk(tmp_path: Path) -> None:
    """Fifty join while somebody talks without a pause: past and present make one sequence."""
    with (
        Server(tmp_path, "--no-limits", "--backlog", "50") as chat,
        join(chat, "talker") as talker,
        ExitStack() as stack,
    ):
        stop = threading.Event()

        def talk() -> None:
            n = 0
            while not stop.is_set():
                talker.say(*(f"{m}" for m in range(n + 1, n + 11)))
                n += 10
                talker.until(f"talker: {n}")  # its number, since nobody else says anything
            talker.say("end")
            talker.until("talker: end")

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        try:
            people: list[tuple[Person, str]] = []
            for n in range(50):
                person = stack.enter_context(join(chat, f"person{n}"))
                line = person.line() or ""
                while "talker: " not in line:  # the talker may have said nothing yet
                    line = person.line() or ""
                people.append((person, line))
        finally:
            stop.set()
            thread.join(PATIENCE)
        for person, first in people:
            lines = [first, *person.until("talker: end")]
            events = [parse(line) for line in lines if "talker: " in line]
            past = [event for event in events if event.past]
            live = [event for event in events if not event.past]
            assert events == past + live
            assert len(past) <= 50
            assert all(event.seq == int(event.text) for event in past)
            numbers = [int(event.text) for event in events]
            assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
            assert (PRESENT in lines) == bool(past)
            if past:
                assert lines.index(PRESENT) == len(past)


def test_history_in_all_its_forms(chat: Server) -> None:
    """So many, before a line, before a time; and every way to get it wrong."""
    with join(chat, "alice") as alice:
        alice.say("/history")
        alice.expect(NOTHING)
        alice.say(*(f"{n}" for n in range(1, 251)))
        alice.until("alice: 250")
        lines = [(n, str(n)) for n in range(1, 251)]
        assert history(alice, "", "-- Earlier lines: /history 20 before 231") == lines[-20:]
        assert history(alice, "3", "-- Earlier lines: /history 3 before 248") == lines[-3:]
        assert history(alice, "before 5", BEGINS) == lines[:4]
        assert history(alice, "2 before 5", "-- Earlier lines: /history 2 before 3") == lines[2:4]
        assert history(alice, "2 BEFORE 3", "-- Earlier lines: /history 2 before 1") == lines[:2]
        most = f"-- Earlier lines: /history {MOST_LINES} before 51"
        assert history(alice, "1000", most) == lines[-200:]
        assert history(alice, "999999999 before 999999999999999999", most) == lines[-200:]
        for nothing in ("before 1", "before 0", "5 before 1970-01-01", "before 900w", "before 1d"):
            assert history(alice, nothing, NOTHING) == []
        for all_of_them in ("before 0s", "before 9999-12-31", "20 before 2100-01-01T00:00"):
            told = history(alice, all_of_them, "-- Earlier lines: /history 20 before 231")
            assert told == lines[-20:]
        for wrong in (
            *(
                "0",
                "-1",
                "many",
                "5 5",
                "before",
                "5 before",
                "before yesterday",
                "1e3",
                "before -3",
            ),
            *(
                "before 25:00",
                "before 2026-02-30",
                "before 99999w",
                "'; DROP TABLE events",
                "x" * 99,
            ),
            *("before " + "9" * 41, "0x10", "5 after 3", "before before 3", "9999999999"),
        ):
            alice.say(f"/history {wrong}")
            assert (alice.line() or "").endswith("[bad-arguments]"), wrong
        alice.say("/HIST 1", "/backlog 1")
        for _ in range(2):
            assert said([alice.line() or ""]) == lines[-1:]
            alice.line()
        assert "Traceback" not in chat.text


def test_history_leads_to_its_beginning(chat: Server) -> None:
    """Each page says how to get the one before it; all pages make the whole."""
    with join(chat, "alice") as alice:
        alice.say(*(f"{n}" for n in range(1, 1001)))
        alice.until("alice: 1000")
        told: list[tuple[int, str]] = []
        ask = "/history 90"
        while ask:
            alice.say(ask)
            page = []
            while (line := alice.line() or "").startswith("["):
                page.append(line)
            told = said(page) + told
            ask = line.removeprefix("-- Earlier lines: ") if "Earlier" in line else ""
        assert line == BEGINS
        assert told == [(n, str(n)) for n in range(1, 1001)]


def test_a_search_finds_what_was_said(chat: Server) -> None:
    """Words, beginnings, phrases, people, times, numbers, context, all the world's scripts."""
    with join(chat, "alice") as alice, join(chat, "bob") as bob:
        alice.expect("bob joined the chat")
        lines = [
            (alice, "The deployment went wrong"),
            (bob, "went home, nothing was wrong"),
            (alice, "Crème brûlée for ÉVERYBODY"),
            (bob, "東京都に行きます"),
            (alice, "Привет, МИР 🎉"),
            (bob, "straße and C++ and 3.14"),
            (alice, 'a\' OR 1=1 -- "quoted" NEAR(x) AND NOT text:y *'),
        ]
        for person, text in lines:
            person.say(text)
            for one in (alice, bob):
                one.until(f"{'alice' if person is alice else 'bob'}: {text}")
        alice.say("/msg bob secret wrong thing")
        for one in (alice, bob):
            one.expect("alice -> bob: secret wrong thing")
        texts = [text for _, text in lines]
        found = {
            "wrong": [texts[1], texts[0]],
            "WENT wrong": [texts[1], texts[0]],
            '"went wrong"': [texts[0]],
            '"wrong went"': [],
            "deploy": [],
            "deploy*": [texts[0]],
            '"went wr"*': [texts[0]],
            "wrong from:alice": [texts[0]],
            "wrong from:ALICE": [texts[0]],
            "wrong from:nobody": [],
            "wrong since:1h": [texts[1], texts[0]],
            "wrong since:2100-01-01": [],
            "wrong before:2": [texts[0]],
            "wrong before:1": [],
            "in:#lobby wrong": [texts[1], texts[0]],
            "in:@ wrong": ["secret wrong thing"],
            "secret": [],
            "creme BRULEE": [texts[2]],
            "everybody": [texts[2]],
            "東京": [texts[3]],
            "京都": [texts[3]],
            "都京": [],
            "行き": [texts[3]],
            "привет мир": [texts[4]],
            "🎉": [texts[4]],
            "STRASSE": [texts[5]],
            "3.14": [texts[5]],
            "NEAR(x)": [texts[6]],
            "AND NOT": [texts[6]],
            "text:y": [texts[6]],
        }
        assert {query: search(alice, query) for query in found} == found
        assert search(bob, "in:@ wrong") == ["secret wrong thing"]
        alice.say("/search nothing -C 1")
        alice.expect("-- One line found, the newest first; times are UTC:")
        assert [text for _, text in said([alice.line() or "" for _ in range(3)])] == texts[:3]
        alice.expect("-- (2)")


def test_hostile_searches_are_answered(chat: Server) -> None:
    """Each with lines, with nothing, or with what is wrong about it; and the chat goes on."""
    hostile = [
        *('"', '""', "*", "-C", "-C 6 x", "-C 99999999999 x", "-C -1 x", "from:", "from: x"),
        *("since:never x", "before:x y", "before:99999999999999999999 x", "in:#secret x", "in: x"),
        *("in:@0123456789abcdef x", "' OR 1=1 --", 'x" OR "y', "NEAR(x y, 5)", "{text} : x", "x^2"),
        *("rowid:1", "words MATCH x", "place:r1", "who:n61", "(((((", "x" * 1000, "a " * 500),
        *(
            "a* " * 20,
            '"' + "b " * 60 + '"',
            "\\",
            "%",
            "_",
            "x*y",
            "**",
            "!!!",
            "\ufffd",
            "\u0301",
        ),
        *("🏳️‍🌈", "ﷺ " * 15, "since:0s x", "since:1000000w x", "x since:9999-12-31T23:59:59"),
    ]
    with join(chat, "alice") as alice:
        alice.say("x y a b")
        alice.expect("alice: x y a b")
        for query in hostile:
            alice.say(f"/search {query}", "/history 1")
            lines = alice.until("-- Earlier lines: /history 1 before 1")
            first = lines[0]
            good = first.startswith("-- One line found") or first == NOT_FOUND
            wrong = re.search(r"\[(bad-arguments|no-such-room|line-too-long)\]$", first)
            assert good or wrong, (query, lines)
        alice.say("/search")
        assert (alice.line() or "").endswith("[bad-arguments]")
        assert "Traceback" not in chat.text


def test_many_hits_come_page_by_page(chat: Server) -> None:
    """Newest first, and a line that says how to go on."""
    with join(chat, "alice") as alice:
        alice.say(*(f"lunch {n}" for n in range(1, 36)))
        alice.until("alice: lunch 35")
        ask, told = "/search lunch", list[int]()
        for _ in range(4):
            alice.say(ask)
            line = alice.line() or ""
            assert " found" in line
            left = min(HITS, 35 - len(told))
            told += [number for number, _ in said([alice.line() or "" for _ in range(left)])]
            if len(told) < 35:
                ask = (alice.line() or "").removeprefix("-- More: ")
        assert told == [*range(35, 0, -1)]


def test_who_forgets_is_gone_from_history_and_search(chat: Server, tmp_path: Path) -> None:
    """For everybody, private lines included; what others said stays, numbers stay."""
    alice, bob = join(chat, "alice"), join(chat, "bob")
    alice.say("pancakes one", "/nick anna", "pancakes two", "/msg bob pancakes three")
    alice.until("anna -> bob: pancakes three")
    bob.until("anna -> bob: pancakes three")
    bob.say("pancakes four")
    alice.expect("bob: pancakes four")
    bob.expect("bob: pancakes four")
    assert search(bob, "pancakes") == ["pancakes four", "pancakes two", "pancakes one"]
    alice.hang_up()
    bob.until("anna left the chat")
    with join(chat, "anna") as other:  # the same nickname is not the same person
        bob.expect("anna joined the chat")
        other.say("/forget me yes")
        other.expect("-- You have said nothing that is kept.")
        other.say("/forget bob", "/forget", "/forget me no", "/forget me now yes")
        for _ in range(4):
            assert (other.line() or "").endswith("[bad-arguments]")
        other.say("pancakes five", "/forget me")
        bob.expect("anna: pancakes five")
        other.until("-- To do it, type: /forget me yes")
        assert len(search(bob, "pancakes")) == 4  # not without the yes
        other.say("/FORGET Me YES")
        other.expect("-- One line was removed from the history for good.")
        assert search(bob, "pancakes") == ["pancakes four", "pancakes two", "pancakes one"]
        bob.say("/forget me yes")
        bob.expect("-- One line was removed from the history for good.")
        assert search(other, "pancakes") == ["pancakes two", "pancakes one"]
        lines = [(1, "pancakes one"), (2, "pancakes two")]
        assert history(other, "", BEGINS) == lines
        other.say("after")
        bob.expect("anna: after")
        assert history(bob, "", BEGINS) == [*lines, (5, "after")]
    bob.hang_up()


def test_who_forgets_leaves_no_trace_in_the_file(tmp_path: Path) -> None:
    """Not a byte, once the server has stopped; and nothing comes back with the next one."""
    with Server(tmp_path, "--no-limits") as chat, join(chat, "alice") as alice:
        alice.say(*(f"zeppelin{n} {'x' * 200}" for n in range(600)), "/search zeppelin*")
        alice.until("-- More: /search zeppelin* before:591")
        with join(chat, "bob") as bob:
            alice.expect("bob joined the chat")
            bob.say("balloon")
            alice.expect("bob: balloon")
            alice.say("/msg bob zeppelin", "/forget me yes")
            alice.until("-- 602 lines were removed from the history for good.")
        chat.stop()
    data = tmp_path / "chat-data"
    for file in data.iterdir():
        assert b"zeppelin" not in file.read_bytes().lower(), file
    assert b"balloon" in (data / "chat.db").read_bytes()
    assert stored(data) == [(601, "bob", "balloon")]
    with Server(tmp_path, "--no-limits") as chat, join(chat, "carol") as carol:
        assert search(carol, "zeppelin*") == []
        assert search(carol, "balloon") == ["balloon"]
        carol.say("next")
        carol.expect("carol: next")
        assert history(carol, "", BEGINS) == [(601, "balloon"), (602, "next")]


def test_each_room_is_kept_as_long_as_it_says(tmp_path: Path) -> None:
    """The room's own number wins over that for all; the limit is kept from the start on."""
    with Server(tmp_path, "--no-limits") as chat, join(chat, "alice") as alice:
        alice.say(*(f"{n}" for n in range(1, 2001)))
        alice.until("alice: 2000")
    with Server(tmp_path, "--keep", "1500", "--keep", "#LOBBY=50") as chat:
        chat.expect("1950 lines are no longer kept")
        with chat.connect() as bob:
            bob.say("bob")
            bob.until("Connected to the server")
            assert "the newest 50 lines" in (bob.line() or "")
            told = history(bob, "100", BEGINS)
            assert told == [(n, str(n)) for n in range(1951, 2001)]
            bob.say("/search 1950")
            bob.expect(NOT_FOUND)
            bob.say("next", "/history 1")
            bob.expect("bob: next")
            assert said([bob.line() or ""]) == [(2001, "next")]
    with Server(tmp_path, "--keep", "90d") as chat, chat.connect() as carol:
        carol.say("carol")
        carol.until("-- What is said here is kept for 90 days; /forget me removes what you said.")
        assert len(history(carol, "100", BEGINS)) == 51


def test_a_pipe_gets_all_its_answers_in_order(chat: Server) -> None:
    """History and search take their time; the end of the input waits for them."""
    lines = r"alice\nhello\n/history\n/search hello\nbye"
    script = f"printf '{lines}' | {tool('nc')} -N 127.0.0.1 {chat.port}"
    ran = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    got = [re.sub(r"^\[[-0-9]{10} [:0-9]{8} (\d+)\]", r"[\1]", x) for x in ran.stdout.splitlines()]
    assert got[:3] == ["NICK", "alice joined the chat", "Connected to the server"]
    assert got[4:] == [
        "alice: hello",
        "[1] alice: hello",
        BEGINS,
        "-- One line found, the newest first; times are UTC:",
        "[1] alice: hello",
        "alice: bye",
    ]


def test_many_pipes_at_once_get_all_their_answers(chat: Server) -> None:
    """Under load, too, the end of the input waits."""
    with ExitStack() as stack:
        pipes = [stack.enter_context(chat.connect()) for _ in range(30)]
        for n, pipe in enumerate(pipes):
            lines = [f"p{n}", f"hello{n}", "/history 1", f"/search hello{n}", "/resume", f"bye{n}"]
            pipe.send("\n".join(lines).encode())
            pipe.sock.shutdown(socket.SHUT_WR)
        for n, pipe in enumerate(pipes):
            pipe.until("Connected to the server")
            pipe.until(f"p{n}: hello{n}")
            pipe.until("-- One line found, the newest first; times are UTC:")
            before = pipe.until(f"p{n}: bye{n}")
            assert f"] p{n}: hello{n}" in before[0]
            assert sum("-- To come back" in line for line in before) == 1
            while pipe.line() is not None:
                pass
