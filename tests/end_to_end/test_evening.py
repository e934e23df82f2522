"""A moderator's evening, through nc and chat-client, and the morning after."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.harness import BIN, Program, Server, tool

WORD = "correct horse battery"
TROLL = "127.0.0.66"
NETWORK = "127.0.0.64/29"


def nc(server: Server, nick: str, source: str) -> Program:
    """Answer the question for a nickname through nc, from an address of one's own."""
    program = Program(tool("nc"), "-s", source, "127.0.0.1", str(server.port))
    program.expect("^NICK")
    program.say(nick)
    return program


@contextmanager
def connected(client: Program) -> Iterator[None]:
    """Wait until a client has come in."""
    client.expect("Connected as")
    yield


def test_an_evening(tmp_path: Path) -> None:
    """Register, make a room, invite; a troll floods, is muted, kicked, banned, and stays out."""
    with Server(tmp_path, "--burst", "50") as server:
        env = {**os.environ, "TERM": "xterm-256color", "HOME": str(tmp_path)}
        client = (BIN / "chat-client", f"alice@127.0.0.1:{server.port}")
        with (
            Program(*client, on_terminal=True, env=env) as alice,
            connected(alice),
            nc(server, "bob", "127.0.0.2") as bob,
            nc(server, "troll", TROLL) as troll,
        ):
            alice.expect("troll joined the chat")
            alice.say(f"/register {WORD}")
            alice.expect("alice is yours now")
            assert WORD not in alice.text
            alice.say("/join #dev")
            alice.expect("You are in #dev now")
            alice.say("/topic Release on Friday")
            alice.expect("alice set the topic to: Release on Friday")
            alice.say("/mode invite-only on")
            alice.expect("alice set invite-only on")

            for one, nick in ((bob, "bob"), (troll, "troll")):
                one.say("/join #dev")
                one.expect(r"#dev is for those who are invited.*\[invite-only\]")
                alice.say(f"/invite {nick} 1h")
                one.expect("^-- alice invites you to #dev: type /join #dev")
                one.say("/join #dev")
                one.expect("^-- The topic of #dev: Release on Friday")

            for n in range(8):
                troll.say(f"buy {n}")
            bob.expect("^troll: buy 7")
            alice.say("/mute troll 10m calm down")
            troll.expect(r"^! You are muted in #dev until .* by alice: calm down \[muted\]")
            troll.say("buy more")
            troll.expect(r"\[muted\]", times=2)
            troll.say("/why")
            troll.expect("^-- You are muted in #dev until")
            alice.say("/kick troll enough")
            bob.expect("^alice kicked troll out of #dev: enough")
            troll.expect("^! alice kicked you out of #dev: enough")
            alice.say(f"/ban {NETWORK} 2d spam")
            bob.expect(f"^-- alice banned {NETWORK} for 2d: spam")

        with nc(server, "innocent", TROLL) as again:
            again.expect("^Connected")
            again.say("/join #dev")
            again.expect(r"^! You are banned from #dev until .* by alice: spam \[banned\]")
            again.say("/why #dev")
            again.expect("^-- You are banned from #dev until .* by alice: spam")
            assert "buy" not in again.text
        server.kill()

    with Server(tmp_path) as server, nc(server, "whoever", TROLL) as again:
        again.expect("^Connected")
        again.say("/join #dev")
        again.expect(r"^! You are banned from #dev until .* by alice: spam \[banned\]")
        with nc(server, f"alice {WORD}", "127.0.0.3") as alice:
            alice.expect("^-- You are logged in as alice")
            alice.say("/join #dev")
            alice.expect("^-- The topic of #dev: Release on Friday")
            alice.say("/bans")
            alice.expect(f"banned {NETWORK} until .* by alice: spam")
            alice.say("/audit")
            alice.expect("alice kicked troll out of #dev: enough")
            alice.say("/unban 127.0.0.64/29")
            alice.expect(f"alice unbanned {NETWORK}")
            alice.say("/invite whoever")
            again.expect("alice invites you")
            again.say("/join #dev")
            again.expect("^whoever joined #dev")
    assert WORD not in server.text


def test_the_chat_is_drained(tmp_path: Path) -> None:
    """Nobody new comes in, and the process ends by itself."""
    with Server(tmp_path) as server, server.join("alice") as alice:
        alice.say(f"/register {WORD}")
        alice.until("-- alice is yours now: the next time, answer NICK with alice PASSWORD.")
        data = str(tmp_path / "chat-data")
        command = [str(BIN / "chat-admin"), "--data", data, "grant", "alice", "admin"]
        subprocess.run(command, check=True, capture_output=True)
        with nc(server, f"alice {WORD}", "127.0.0.1") as alice2:
            alice2.expect("^-- You are logged in as alice, an admin")
            alice2.say("/drain 2s")
            alice2.expect("^-- The chat closes in 2 seconds. Nobody new can come in.")
            with server.connect() as late:
                assert (late.line() or "").startswith("! The server closes in")
            alice2.expect("Goodbye")
        assert server.wait() == 0
