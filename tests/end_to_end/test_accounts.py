"""Accounts with the real programs: chat-admin, twistd and sockets; through restarts."""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from chatservice.accounts.accounts import ACCOUNT
from chatservice.admin.opening import opened
from chatservice.admin.records import change
from chatservice.interfaces import Value
from tests.end_to_end.harness import BIN, PATIENCE, Person, Program, Server

ADMIN = BIN / "chat-admin"
WORD = "correct horse battery"


def admin(data: Path, *arguments: str, password: str = "") -> str:
    """Run a command of chat-admin that goes well; return what it printed."""
    command = [str(ADMIN), "--data", str(data), *arguments]
    stdin = f"{password}\n".encode()
    ran = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout.decode()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The directory of a chat that runs in tmp_path."""
    return tmp_path / "chat-data"


def answer(server: Server, *offers: str) -> Person:
    """Connect and answer NICK."""
    person = server.connect()
    person.expect("NICK")
    person.say(*offers)
    return person


def logged_in(server: Server, nick: str, password: str = WORD, role: str = "") -> Person:
    """Come in with a password."""
    person = answer(server, f"{nick} {password}")
    person.until("Connected to the server")
    person.consents()
    person.expect(f"-- You are logged in as {nick}{role}.")
    return person


def test_what_is_registered_stays(tmp_path: Path, data: Path) -> None:
    """Across a kill -9 and a restart; nobody else may wear it, and no password is anywhere."""
    with Server(tmp_path) as server:
        with server.join("alice") as alice:
            alice.say(f"/register {WORD}")
            alice.expect("-- alice is yours now: the next time, answer NICK with alice PASSWORD.")
        server.kill()
        log = server.text
    with Server(tmp_path) as server:
        with answer(server, "alice", "alice wrong wrong", "nobody1 wrong wrong") as mallory:
            lines = [mallory.line() for _ in range(6)]
            codes = [line.rpartition(" ")[2] for line in lines if line and line != "NICK"]
            assert codes == ["[nick-registered]", "[bad-password]", "[bad-password]"]
            assert lines[1::2] == ["NICK"] * 3
        logged_in(server, "alice").hang_up()
        server.stop()
        log += server.text
    assert WORD not in log
    assert "Traceback" not in log
    for file in data.iterdir():
        assert WORD.encode() not in file.read_bytes(), file
    assert [user["name"] for user in json.loads(admin(data, "users", "--json"))] == ["alice"]


def test_the_first_admin_is_made_before_the_chat(tmp_path: Path, data: Path) -> None:
    """And what chat-admin changes, a running chat knows within seconds."""
    assert admin(data, "adduser", "alice", "--role", "admin", password=WORD)
    with Server(tmp_path) as server:
        alice = logged_in(server, "alice", role=", an admin")
        admin(data, "revoke", "alice")
        alice.expect("-- You are logged in as alice.")
        admin(data, "grant", "alice", "admin")
        alice.expect("-- You are logged in as alice, an admin.")
        admin(data, "passwd", "alice", password="battery staple")
        admin(data, "adduser", "bob", password=WORD)
        admin(data, "deluser", "alice")
        alice.expect("-- The account alice was removed: you are a guest now.")
        logged_in(server, "bob").hang_up()
        alice.hang_up()
        server.expect("'alice' left")
        with server.join("alice"):
            pass
    assert admin(data, "bans") == "nobody is banned or muted\n"
    assert admin(data, "users").startswith("bob  user ")


def test_the_password_is_asked_for_unseen(data: Path) -> None:
    """On a terminal, twice."""
    with Program(ADMIN, "--data", data, "adduser", "alice", on_terminal=True) as program:
        program.expect("Password for alice: ")
        program.say(WORD)
        program.expect("Once more: ")
        program.say(WORD)
        assert program.wait() == 0
        assert "alice is registered" in program.text
        assert WORD not in program.text
    with Program(ADMIN, "--data", data, "passwd", "alice", on_terminal=True) as program:
        program.expect("Password for alice: ")
        program.say("one word, then")
        program.expect("Once more: ")
        program.say("another word")
        assert program.wait() == 1
        assert "two different passwords" in program.text


def test_other_checkers(tmp_path: Path) -> None:
    """Passwords from a file; there is no registering then."""
    (tmp_path / "passwords").write_text("alice:secret\nbob:hush hush\n")
    with Server(tmp_path, "--auth", "file:passwords", "--auth", "memory:carol:quiet") as server:
        for nick, word in {"alice": "secret", "bob": "hush hush", "carol": "quiet"}.items():
            logged_in(server, nick, word).hang_up()
        with answer(server, "alice secrets") as mallory:
            line = mallory.line()
            assert line is not None
            assert line.endswith("[bad-password]")
        with server.join("dave") as dave:
            dave.say(f"/register {WORD}")
            line = dave.line()
            assert line is not None
            assert line.endswith("[not-allowed]")
            dave.say("/login alice secret")
            dave.expect("-- You are logged in as alice.")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--help-auth"], "memory"),
        (["--auth", "nonsense"], "not recognized"),
        (["--account-expiry", "soon"], "--account-expiry"),
        (["--account-expiry", "1h"], "a day at least"),
    ],
)
def test_options(tmp_path: Path, option: list[str], said: str) -> None:
    """Help about checkers, and what is no good."""
    with Program(BIN / "twistd", "-n", "chat", *option, cwd=tmp_path) as program:
        program.expect(said)
        assert program.wait() == (0 if option == ["--help-auth"] else 1)


def long_ago(value: Value | None) -> Value | None:
    """Let an account be from long ago."""
    return value and {**value, "since": 1.0, "seen": 1.0}


def test_accounts_expire(tmp_path: Path, data: Path) -> None:
    """At the start, if the operator says so; admins' do not."""
    for name in ("alice", "bob", "carol"):
        admin(data, "adduser", name, password=WORD)
    admin(data, "grant", "alice", "admin")
    with opened(data, writing=True) as db:
        for name in ("alice", "bob"):
            change(db, ACCOUNT, name, long_ago)
    with Server(tmp_path):
        pass
    assert len(json.loads(admin(data, "users", "--json"))) == 3
    with Server(tmp_path, "--account-expiry", "90d") as server:
        server.expect("accounts that have expired: 1")
    names = [user["name"] for user in json.loads(admin(data, "users", "--json"))]
    assert names == ["alice", "carol"]


@pytest.mark.parametrize("allowed", [False, True])
def test_passwords_over_a_network(tmp_path: Path, data: Path, allowed: bool) -> None:
    """Behind a proxy the peer's own address counts."""
    admin(data, "adduser", "alice", password=WORD)
    options = ["--allow-plaintext-login"] if allowed else []
    port = "haproxy:tcp:0:interface=127.0.0.1"
    with Server(tmp_path, *options, port=port) as server, server.connect() as alice:
        alice.say("PROXY TCP4 192.0.2.1 127.0.0.1 4000 55555", f"alice {WORD}")
        line = alice.line()
        while line == "NICK":
            line = alice.line()
        assert line is not None
        assert line.endswith("joined the chat" if allowed else "[needs-encryption]")
    with Server(tmp_path, port=port) as server, server.connect() as alice:
        alice.say("PROXY TCP4 127.0.0.1 127.0.0.1 4000 55555", f"alice {WORD}")
        alice.until("alice joined the chat")


def test_the_tutorials_client_logs_in(tmp_path: Path, data: Path) -> None:
    """One chunk is the nickname and its password; what it puts before the text is never said."""
    admin(data, "adduser", "alice", password=WORD)
    with Server(tmp_path, "--raw", "tcp:0:interface=127.0.0.1") as server:
        bob = server.join("bob")
        port = server.also("RawFactory")
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as alice:
            assert alice.recv(100) == b"NICK"
            alice.sendall(f"alice {WORD}".encode())
            bob.expect("alice joined the chat")
            prefix = f"alice {WORD}: "
            alice.sendall(f"{prefix}hello{prefix}two at a time".encode())
            bob.expect("alice: hello", "alice: two at a time")
        bob.hang_up()


def test_who_stays_is_not_held_up_by_who_logs_in(tmp_path: Path, data: Path) -> None:
    """Many log in at once: all get in or are told, while others talk."""
    admin(data, "adduser", "alice", password=WORD)
    with Server(tmp_path, "--no-limits") as server:
        bob = server.join("bob")
        people = [server.connect() for _ in range(80)]
        for n, person in enumerate(people):
            person.expect("NICK")
            person.say(f"guest{n}", f"/login alice {WORD}")
        for n in range(20):
            bob.say(f"line {n}")
            bob.until(f"bob: line {n}")
        codes = set()
        for person in people:
            while (line := person.line()) is not None:
                if line == "-- You are logged in as alice.":
                    codes.add("")
                    break
                if line.startswith("! "):
                    codes.add(line.rpartition(" ")[2])
                    break
        assert codes <= {"", "[busy]", "[too-many-tries]"}
        assert "" in codes
        for person in (bob, *people):
            person.hang_up()
