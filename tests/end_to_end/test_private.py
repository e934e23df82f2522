"""Private lines for who is away: through a restart and a crash of the real server."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.end_to_end.harness import CONSENT, Person, Server

WORD = "bob's very own word"
AWAY = "-- bob is away: kept until it returns."


def owner(chat: Server, stack: ExitStack) -> tuple[Person, list[str]]:
    """Let bob come in with his password; return what he was told of the past."""
    bob = stack.enter_context(chat.connect())
    bob.expect("NICK")
    bob.say(f"bob {WORD}", "/help reply")
    bob.expect("bob joined the chat", "Connected to the server", CONSENT)
    bob.expect("-- You are logged in as bob.")
    told = bob.until("-- /reply TEXT   say something to whom you wrote with last")
    bob.until("-- Also: /r")
    return bob, [line.rpartition("] ")[2] for line in told]


@pytest.mark.parametrize("crash", [False, True], ids=["restart", "crash"])
def test_they_are_kept_and_shown_once(tmp_path: Path, crash: bool) -> None:
    """What was acknowledged is there when its owner returns, and can be answered."""
    with Server(tmp_path, "--no-limits") as chat, ExitStack() as stack:
        bob = stack.enter_context(chat.join("bob"))
        bob.say(f"/register {WORD}")
        assert (bob.line() or "").startswith("-- bob is yours now")
        bob.say("/quit")
        bob.expect(None)

        alice = stack.enter_context(chat.join("alice"))
        for n in range(3):
            alice.say(f"/msg bob line {n}")
            alice.until(f"alice -> bob: line {n}")
            alice.expect(AWAY)
        chat.kill() if crash else chat.stop()
    lines = [f"alice -> bob: line {n}" for n in range(3)]
    with Server(tmp_path, "--no-limits") as chat, ExitStack() as stack:
        bob, told = owner(chat, stack)
        assert told[:3] == lines
        assert told[3].startswith("-- 3 private lines from while you were away")
        assert len(told) == 4
        carol = stack.enter_context(chat.join("carol"))
        bob.expect("carol joined the chat")
        carol.say("/msg bob hello")
        bob.expect("carol -> bob: hello")
        bob.say("/r hello yourself")
        carol.expect("carol -> bob: hello", "bob -> carol: hello yourself")
        chat.kill() if crash else chat.stop()
    with Server(tmp_path, "--no-limits") as chat, ExitStack() as stack:
        bob, told = owner(chat, stack)
        again = ["carol -> bob: hello", "bob -> carol: hello yourself"] if crash else []
        assert told[: len(again)] == again
        assert len(told) == len(again) + crash
        bob.say("/reply still there?")
        assert (bob.line() or "").endswith("is gone. [no-such-nick]")
        bob.say("/history @alice 1")
        assert (bob.line() or "").endswith("alice -> bob: line 2")
        bob.expect("-- Earlier lines: /history @alice 1 before 3")
