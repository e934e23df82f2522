"""Several rooms, through real clients and a server on disk."""

from pathlib import Path

from tests.end_to_end.harness import CONSENT, Program, Server, stored, tool


def nc(chat: Server) -> Program:
    """Connect with nc."""
    return Program(tool("nc"), "127.0.0.1", str(chat.port))


def test_two_people_with_nc_talk_in_two_rooms(chat: Server) -> None:
    """The whole of what each of them sees."""
    with nc(chat) as alice, nc(chat) as bob:
        for one, nick in ((alice, "alice"), (bob, "bob")):
            one.expect("^NICK")
            one.say(nick)
            one.expect(f"^{CONSENT}")
        alice.expect("^bob joined the chat")
        alice.say("/join #dev")
        alice.expect("^alice joined #dev")
        bob.say("hi")
        alice.expect("^#lobby bob: hi")
        bob.say("/join #Dev")
        bob.expect("^bob joined #dev")
        alice.expect("^bob joined #dev")
        bob.say("over here")
        alice.expect("^bob: over here")
        alice.say("#lobby anybody?")
        bob.expect("^#lobby alice: anybody[?]")
        alice.say("/leave")
        bob.expect("^alice left #dev")
        alice.expect("^-- You are in #lobby now")
        bob.say("/quit")
        alice.expect("^bob left the chat")
        alice.say("/quit")
        for one in (alice, bob):
            one.close_input()  # openbsd's nc waits for that
            one.wait()
    assert alice.text.replace("\r", "").splitlines() == [
        *("NICK", "alice joined the chat", "Connected to the server", CONSENT),
        "bob joined the chat",
        *("-- You are in #dev now.", "alice joined #dev"),
        *("#lobby bob: hi", "bob joined #dev", "bob: over here", "#lobby alice: anybody?"),
        *("alice left #dev", "-- You are in #lobby now.", "bob left the chat"),
    ]
    assert bob.text.replace("\r", "").splitlines() == [
        *("NICK", "bob joined the chat", "Connected to the server", CONSENT),
        *("bob: hi", "-- You are in #dev now.", "bob joined #dev"),
        *("bob: over here", "#lobby alice: anybody?", "alice left #dev"),
    ]


def test_the_lobby_may_be_called_otherwise(tmp_path: Path) -> None:
    """The tutorial's conversation stays as it is; history and token survive, also a new name."""
    with Server(tmp_path, "--lobby", "Hall", "--backlog", "5") as chat, nc(chat) as alice:
        alice.expect("^NICK")
        alice.say("alice")
        alice.expect(f"^{CONSENT}")
        alice.say("hello")
        alice.say("#lobby hi")
        alice.expect("no-such-room")
        alice.say("/resume")
        answer = alice.expect("^-- To come back, answer NICK with: (alice .*)$")[1]
        assert alice.text.splitlines()[:5] == [
            *("NICK", "alice joined the chat", "Connected to the server"),
            *("-- You are in #hall now.", CONSENT),
        ]
    assert [text for _, _, text in stored(tmp_path / "chat-data", "#hall")] == ["hello"]
    with Server(tmp_path, "--lobby", "#hall") as chat, chat.come_back(answer) as alice:
        alice.until("Connected to the server")
        alice.expect("-- You are in #hall now.")
    with Server(tmp_path) as chat, chat.join("bob") as bob, chat.come_back(answer) as alice:
        alice.expect("alice joined #hall", "Connected to the server", "-- You are in #hall now.")
        bob.say("/join #hall")
        alice.until("bob joined #hall")


def test_rooms_outlive_a_killed_server_for_who_has_a_token(tmp_path: Path) -> None:
    """The rooms, the current one, and what was not read in each."""
    with Server(tmp_path, "--no-limits") as chat, chat.join("alice") as alice:
        answer = alice.resume().partition(" #")[0]
        alice.say("/join #a", "one", "/join #b", "two")
        alice.until("alice: two")
        chat.kill()
    with Server(tmp_path, "--no-limits") as chat, chat.come_back(f"{answer} #a:0 #b:1") as alice:
        alice.until("Connected to the server")
        alice.expect("-- You are in #b now.", CONSENT)
        (line, _) = (alice.line(), alice.line())
        assert line is not None
        assert line.endswith("] #a alice: one")
        alice.say("three")
        alice.expect("alice: three")
