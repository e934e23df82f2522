"""chat-admin as an operator uses it: beside a running chat, in pipes, on a terminal."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.harness import BIN, PATIENCE, Person, Program, Server

ADMIN = BIN / "chat-admin"
THEN = 1_700_000_000.0


def admin(data: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end."""
    command = [str(ADMIN), "--data", str(data), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)


def done(data: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run a command that goes well; return what it printed."""
    ran = admin(data, *arguments, stdin=stdin)
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stderr == b""  # there is no terminal to draw on
    return ran.stdout.decode()


def failed(data: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run a command that does not go well; return the one line that says why."""
    ran = admin(data, *arguments, stdin=stdin)
    assert ran.returncode == 1, ran.stdout.decode()
    assert ran.stderr.startswith(b"chat-admin: "), ran.stderr.decode()
    return ran.stderr.decode().removeprefix("chat-admin: ").removesuffix("\n")


def line(seq: int, text: str, room: str = "#lobby", nick: str = "old") -> dict[str, Any]:
    """Return what somebody said long ago."""
    at = THEN + seq
    return {"room": room, "seq": seq, "at": at, "kind": "said", "nick": nick, "text": text}


def as_file(lines: Sequence[dict[str, Any]]) -> bytes:
    """Return lines as a file."""
    return "".join(json.dumps(one) + "\n" for one in lines).encode()


def parsed(text: str) -> list[dict[str, Any]]:
    """Read what was exported."""
    return [json.loads(one) for one in text.splitlines()]


def history(person: Person, count: int = 50) -> list[str]:
    """Return what somebody is shown of the past, who has not been shown it all."""
    person.say(f"/history {count}", "/help nick")
    return person.until("-- For example: /nick alice2")[:-1]


def search(person: Person, words: str) -> list[str]:
    """Return what somebody finds."""
    person.say(f"/search {words}", "/help nick")
    return person.until("-- For example: /nick alice2")[:-1]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The directory of a chat that runs in tmp_path."""
    return tmp_path / "chat-data"


def test_export_while_people_talk(open_chat: Server, data: Path) -> None:
    """Every export is what was said up to a moment, whole."""
    with open_chat.join("alice") as alice:
        alice.say(*(f"line {n}" for n in range(1, 201)))
        alice.until("alice: line 100")
        first = parsed(done(data, "export"))
        alice.until("alice: line 200")
        alice.say("/me waves")
        alice.until("* alice waves")
        second = parsed(done(data, "export", "--room", "#LOBBY"))
    assert len(first) >= 100
    assert second[: len(first)] == first
    assert [one["text"] for one in second] == [*(f"line {n}" for n in range(1, 201)), "waves"]
    assert [one["seq"] for one in second] == list(range(1, 202))
    assert {one["nick"] for one in second} == {"alice"}
    assert second[-1]["kind"] == "acted"


def test_what_is_private_stays_private(open_chat: Server, data: Path) -> None:
    """It is exported only by who says so."""
    with open_chat.join("alice") as alice, open_chat.join("bob"):
        alice.say("/msg bob secret", "open")
        alice.until("alice: open")
    assert [one["text"] for one in parsed(done(data, "export"))] == ["open"]
    lines = parsed(done(data, "export", "--private"))
    assert [one["text"] for one in lines if one.get("to") == "bob"] == ["secret"] * 2


def test_a_backup_brings_a_chat_back(open_chat: Server, data: Path, tmp_path: Path) -> None:
    """Export, import elsewhere, start a chat there: /history and /search show the same."""
    with open_chat.join("alice") as alice, open_chat.join("bob") as bob:
        for n in range(20):
            alice.say(f"tick {n} 中文 👍")
            bob.say(f"/me tocks {n}")
            bob.until(f"* bob tocks {n}")
        bob.say("last")
        bob.until("bob: last")
        alice.until("bob: last")
        before = history(alice), search(alice, "tick since:1d"), search(alice, "中文 from:alice")
    backup = tmp_path / "backup.jsonl"
    assert done(data, "export", "--out", str(backup)) == f"41 lines exported to {backup}\n"
    open_chat.stop()
    other = tmp_path / "other"
    other.mkdir()
    restored = other / "chat-data"
    assert done(restored, "import", str(backup)) == "41 lines imported\n"
    assert done(restored, "check") == "ok\n"
    with Server(other, "--no-limits") as server, server.join("alice") as alice:
        after = history(alice), search(alice, "tick since:1d"), search(alice, "中文 from:alice")
        assert after == before
        assert len(after[0]) == 42  # and where it begins
        alice.say("next")
        alice.until("alice: next")
        assert parsed(done(restored, "export"))[-1]["seq"] == 42
    assert done(restored, "import", stdin=backup.read_bytes()).startswith("0 lines imported, 41 ")


def test_import_while_people_talk(open_chat: Server, data: Path) -> None:
    """Nobody is held up, no number is given twice, and all of it is found afterwards."""
    count = 20_000
    with open_chat.join("alice") as alice, open_chat.join("bob") as bob:
        alice.say("live")
        alice.until("alice: live")
        new = [line(n, f"old word{n}") for n in range(2, count + 2)]
        stop = threading.Event()
        said = 0

        def talk() -> None:
            nonlocal said
            while not stop.is_set():
                bob.say(f"meanwhile {said}")
                bob.until(f"bob: meanwhile {said}")
                said += 1

        with Program(ADMIN, "--data", data, "import") as program:
            program.type(as_file(new))
            program.close_input()
            talking = threading.Thread(target=talk)
            # Earlier, a line would take a number that the import wants: see the next test.
            _wait_until_set_aside(data, count)
            talking.start()
            assert program.wait() == 0, program.text
            stop.set()
            talking.join(PATIENCE)
        assert program.text == f"{count:,} lines imported\n"
        assert said
        bob.say("next")
        bob.until("bob: next")
        alice.until("bob: next")
        assert search(alice, "word777")[1:] == ["[2023-11-14 22:26:17 777] old: old word777"]
        alice.say(f"/history 3 before {count + 2}", "done")
        shown = alice.until("alice: done")
        assert [text.partition("] ")[2] for text in shown[:3]] == [
            f"old: old word{n}" for n in range(count - 1, count + 2)
        ]
    lines = parsed(done(data, "export"))
    assert [one["seq"] for one in lines] == list(range(1, count + 2 + said + 2))
    assert [one["text"] for one in lines[count + 1 : -2]] == [f"meanwhile {n}" for n in range(said)]
    assert done(data, "check") == "ok\n"


def test_who_enters_an_imported_room_is_shown_its_backlog(tmp_path: Path) -> None:
    """Within a second or two, though nobody has said anything since."""
    with (
        Server(tmp_path, "--no-limits", "--backlog", "5") as server,
        server.join("alice") as alice,
    ):
        lines = [line(n, f"word{n}", "#old") for n in range(1, 4)]
        assert done(tmp_path / "chat-data", "import", stdin=as_file(lines)) == "3 lines imported\n"
        shown: list[str] = []
        deadline = time.monotonic() + PATIENCE
        while not shown and time.monotonic() < deadline:
            alice.say("/join #old", "/leave #old", "/help nick")
            told = alice.until("-- For example: /nick alice2")
            shown = [text.partition("] ")[2] for text in told if "old: word" in text]
        assert shown == [f"old: word{n}" for n in range(1, 4)]


def _wait_until_set_aside(data: Path, count: int) -> None:
    """Wait until an import has its numbers, which is when it cannot fail any more."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        rooms = json.loads(done(data, "stats", "--json"))["rooms"]
        if rooms and rooms[0]["head"] > count:
            return
    pytest.fail("the import does not begin")


def test_a_number_that_is_taken(open_chat: Server, data: Path) -> None:
    """The import says so, shows both lines, and changes nothing."""
    with open_chat.join("alice") as alice:
        alice.say("live")
        alice.until("alice: live")
        why = failed(data, "import", stdin=as_file([line(2, "ok"), line(1, "mine")]))
        assert why.startswith('line 2: "#lobby" 1 is another line already; nothing was imported')
        assert '"text":"live"' in why
        assert '"text":"mine"' in why
        assert [one["text"] for one in parsed(done(data, "export"))] == ["live"]


def test_upkeep_while_the_chat_runs(open_chat: Server, data: Path) -> None:
    """Vacuum, check and stats beside people who talk; what was forgotten is on no disk."""
    with open_chat.join("alice") as alice, open_chat.join("bob") as bob:
        alice.say(*["x" * 900] * 200, "xylophone")
        alice.until("alice: xylophone")
        bob.say("mine")
        bob.until("bob: mine")
        alice.say("/forget me yes")
        alice.until("-- 201 lines were removed from the history for good.")
        told = done(data, "vacuum")
        assert "A chat that runs in this directory waits" in told
        assert "given back" in told
        assert done(data, "check") == "ok\n"
        found = json.loads(done(data, "stats", "--json"))
        assert (found["lines"], found["rooms"][0]["head"], found["people"]) == (1, 202, 1)
        assert "1 line by 1 nickname in 1 room" in done(data, "stats")
        alice.say("next")
        alice.until("alice: next")
    for path in data.iterdir():
        assert b"xylophone" not in path.read_bytes()


def test_progress_on_a_terminal(tmp_path: Path) -> None:
    """Percent and speed, in one line that is gone at the end."""
    source = tmp_path / "source"
    source.write_bytes(as_file([line(n, f"word{n}") for n in range(1, 20_001)]))
    data = tmp_path / "data"
    with Program(ADMIN, "--data", data, "import", source, on_terminal=True) as program:
        assert program.wait() == 0, program.text
        assert "reading: " in program.text
        assert "importing: " in program.text
        assert " %, " in program.text
        assert " lines/s, " in program.text
        assert program.text.rpartition("\r")[2] == "20,000 lines imported\n"
    with Program(ADMIN, "--data", data, "export", on_terminal=True) as program:
        assert program.wait() == 0
        assert "exporting" not in program.text  # it would tear what is printed
        assert len(program.text.splitlines()) == 20_000


def test_ctrl_c(tmp_path: Path) -> None:
    """One clear line, exit code 130, and nothing has changed."""
    data = tmp_path / "data"
    with Program(ADMIN, "--data", data, "import", on_terminal=True) as program:
        program.expect("reading: ")
        program.process.send_signal(signal.SIGINT)
        assert program.wait() == 130
        assert program.text.rpartition("\r")[2].strip() == "chat-admin: interrupted"
    assert not data.exists()


def test_whoever_reads_may_have_read_enough(tmp_path: Path) -> None:
    """``chat-admin export | head`` ends quietly."""
    data = tmp_path / "data"
    done(data, "import", stdin=as_file([line(n, "x" * 500) for n in range(1, 1001)]))
    ran = subprocess.run(
        ["sh", "-c", f"'{ADMIN}' --data '{data}' export | head -n 1"],
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert len(ran.stdout.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk(tmp_path: Path) -> None:
    """It is told in one line."""
    data = tmp_path / "data"
    done(data, "import", stdin=as_file([line(1, "x")]))
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [ADMIN, "--data", data, "export"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ran.returncode == 1
    assert ran.stderr == b"chat-admin: cannot use that: No space left on device\n"


def test_where_there_is_no_history(tmp_path: Path) -> None:
    """One clear line, and none is made."""
    data = tmp_path / "data"
    for command in ("export", "vacuum", "check", "stats"):
        assert failed(data, command) == (
            f"there is no history in {data}: name the chat's directory with --data"
        )
    assert failed(data, "import", str(tmp_path / "nothing")) == (
        f"cannot use {tmp_path / 'nothing'}: No such file or directory"
    )
    assert failed(data, "import", stdin=b"hello\n") == (
        "line 1: it is not JSON: Expecting value at column 1; nothing was imported"
    )
    assert not data.exists()
    data.mkdir()
    (data / "chat.db").write_text("recipes " * 1000)
    assert "file is not a database" in failed(data, "stats")


def test_help() -> None:
    """There is help, for everything."""
    for arguments in (["--help"], ["import", "--help"]):
        ran = subprocess.run([ADMIN, *arguments], capture_output=True, text=True, check=True)
        assert "for example:\n" in ran.stdout
    ran = subprocess.run([ADMIN], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
