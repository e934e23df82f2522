"""The bot in examples/, as its users run it, in a chat as they run it."""

import json
import sys
from pathlib import Path

from tests.end_to_end.harness import Program, Server, stored

BOT = Path(__file__).parent.parent.parent / "examples" / "bot.py"


def bot(port: int, nick: str, *room: str) -> Program:
    """Start the bot."""
    return Program(sys.executable, BOT, "127.0.0.1", str(port), nick, *room)


def test_it_rolls_dice_for_whoever_asks(chat: Server) -> None:
    """And leaves everybody else alone, also when it hears itself."""
    with chat.join("alice") as alice, bot(chat.port, "dice"):
        alice.until("dice joined the chat")
        alice.say("hello dice", "dice: roll 3d1", "dice: roll over", "dice: roll 1d99")
        alice.expect("alice: hello dice", "alice: dice: roll 3d1")
        rest = [alice.line() for _ in range(4)]
        assert "dice: alice: [1, 1, 1] makes 3" in rest
        assert rest[-1] is not None
        assert rest[-1].startswith("dice: alice: [")


def test_it_says_its_input_once_also_when_the_chat_is_restarted(tmp_path: Path) -> None:
    """In order, waiting where it must; what it was asked before is the past."""
    options = ["--data", str(tmp_path / "data"), "--backlog", "9"]
    with Server(tmp_path, *options) as chat, bot(chat.port, "builds", "#dev") as builds:
        with chat.join("alice") as alice:
            alice.say("/join #dev", "builds: roll 1d1")
            builds.type("".join(f"line {n}\n" for n in range(12)))
            alice.until("builds: line 11")
        chat.stop()
        builds.type("after\n\n")
        port = f"tcp:{chat.port}:interface=127.0.0.1"
        with Server(tmp_path, *options, port=port) as again, again.connect() as bob:
            bob.say("bob", "/join #dev")
            while not (line := bob.line() or "").endswith("builds: after"):
                assert line
            again.stop()
    said = [text for _, nick, text in stored(tmp_path / "data", "#dev") if nick == "builds"]
    lines = [text for text in said if "makes" not in text]
    assert lines == [*(f"line {n}" for n in range(12)), "after"]
    assert len(said) - len(lines) <= 1


def test_json_through_a_plain_socket(chat: Server) -> None:
    """From the first line; every line is an object, and done comes behind what was done."""
    with chat.connect() as person:
        person.say('{"do":"nick","id":1,"nick":"bot"}', '{"do":"say","id":2,"room":"#lobby",')
        person.say('{"do":"say","id":3,"room":"#lobby","text":"hello"}')
        person.expect("NICK")
        seen: list[dict[str, object]] = []
        while not seen or seen[-1].get("id") != 3:
            line = person.line()
            assert line is not None
            seen.append(json.loads(line))
        assert [(one["type"], one.get("id")) for one in seen] == [
            *(("hello", None), ("joined", None), ("welcome", 1), ("notice", 1), ("done", 1)),
            *(("error", None), ("said", None), ("done", 3)),
        ]
        assert seen[-1]["seq"] == seen[-2]["seq"] == 1
