"""chat-client with passwords and with ops: what it shows, what it keeps, when it ends."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import BIN, PATIENCE, Program, Server
from tests.end_to_end.test_client import CLIENT, Terminal

SECRET = "correct xyzzy horse"  # noqa: S105


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Server]:
    """Run a chat without limits in which alice is an admin."""
    subprocess.run(
        [BIN / "chat-admin", "--data", "chat-data", "adduser", "alice", "--role", "admin"],
        input=f"{SECRET}\n",
        text=True,
        cwd=tmp_path,
        timeout=PATIENCE,
        check=True,
        capture_output=True,
    )
    with Server(tmp_path, "--no-limits") as server:
        yield server


def at(chat: Server, nick: str) -> str:
    """Return where to connect."""
    return f"{nick}@127.0.0.1:{chat.port}"


def test_the_password_is_asked_for_and_never_shown(chat: Server) -> None:
    """Nor is one in a command, nor can it be recalled."""
    with Terminal(at(chat, "alice"), env={"NO_COLOR": "1"}) as alice:
        alice.shows(
            "-- Type the password of alice, or only Enter for another nickname.",
            "password of alice>",
        )
        alice.type("wrong")
        alice.shows("password of alice> •••••")
        alice.type("\r")
        alice.expect("-- Wrong account or password")
        alice.shows("password of alice>")
        alice.type(SECRET)
        alice.shows(f"password of alice> {'•' * len(SECRET)}")
        alice.type("\r")
        alice.expect("Connected as alice")
        alice.expect("You are logged in as alice, an admin")
        alice.type(f"/login alice {SECRET}")
        alice.shows(f"alice> /login {'•' * len('alice ' + SECRET)}")
        alice.type("\r")
        alice.expect("You are logged in as alice", times=2)
        alice.type("\x1b[A")
        alice.type("hello\r")
        alice.expect("alice: hello")
        assert "xyzzy" not in alice.text


def test_a_pipe_is_given_it_by_file_or_environment(chat: Server, tmp_path: Path) -> None:
    """Without, with one that others may read, or with a wrong one, nothing is said."""
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    with chat.join("bob") as bob:
        for options, env in ((["--password-file", str(file)], {}), ([], {"CHAT_PASSWORD": SECRET})):
            with Program(CLIENT, *options, at(chat, "alice"), env=env) as pipe:
                pipe.say("built")
                pipe.close_input()
                assert pipe.wait() == 0, pipe.text
            assert "alice: built" in bob.until("alice left the chat")
        file.chmod(0o644)
        for options, env, reason in (
            ([], {}, "--password-file or CHAT_PASSWORD"),
            (["--password-file", str(file)], {}, f"others may read {file}"),
            ([], {"CHAT_PASSWORD": "wrong"}, "Wrong account or password"),
        ):
            with Program(CLIENT, *options, at(chat, "alice"), env=env) as pipe:
                pipe.say("broken")
                pipe.close_input()
                assert pipe.wait() == 1
                assert reason in pipe.text
                assert "xyzzy" not in pipe.text
        bob.say("nothing")
        assert bob.line() == "bob: nothing"


def test_who_is_kicked_or_banned_learns_why_and_stays_out(chat: Server) -> None:
    """Exit code 3: a terminal, and a pipe that follows."""
    environment = {"NO_COLOR": "1", "CHAT_PASSWORD": SECRET}
    with (
        Terminal(at(chat, "alice"), env=environment) as alice,
        Terminal(at(chat, "troll"), env={"NO_COLOR": "1"}) as troll,
        Program(CLIENT, "--follow", at(chat, "bot")) as bot,
    ):
        alice.expect("Connected as alice")
        alice.type("hello\r")
        troll.expect("-- .* here: .*troll")
        bot.expect("^-- What is said here")
        alice.type("/kick troll spam, spam\r")
        troll.expect("chat-client: alice kicked you out of the chat: spam, spam")
        assert troll.wait() == 3
        alice.expect("alice kicked troll out of the chat: spam, spam")
        alice.type("/ban bot 1h noise\r")
        bot.expect("^chat-client: .*noise")
        assert bot.wait() == 3
        assert "trying again" not in troll.text + bot.text
        with Program(CLIENT, at(chat, "bot")) as bot:
            bot.close_input()
            assert bot.wait() == 3
            assert "noise" in bot.text
        alice.type("/join #dev\r")
        alice.shows("alice joined #dev", "alice #dev>")
