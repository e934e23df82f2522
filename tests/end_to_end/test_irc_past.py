"""The past by IRC over real sockets: slow readers, a crash, and who comes back after it."""

from pathlib import Path

from irctokens.line import Line

from tests.end_to_end.irc import NAME, IrcChat, IrcPerson

LINES = 3000
"""So many that neither the system nor a room keeps them all for somebody who does not read."""

LOOKS_BACK = "batch server-time message-tags draft/chathistory echo-message"


def say(person: IrcPerson, room: str, *texts: str) -> list[Line]:
    """Say something, and wait until it is said; return what came meanwhile."""
    person.send(*(f"PRIVMSG {room} :{text}" for text in texts), "PING :said")
    return person.until("PONG", NAME, "said")


def known(line: Line) -> tuple[str, str, str]:
    """Return by what a client knows a message again, and what it says."""
    tags = line.tags or {}
    return tags["msgid"], tags["time"], line.params[-1]


def roster(lines: list[Line], *known: str) -> set[str]:
    """Return who is in the one room that there is, to somebody who knew who was, and reads on."""
    there, anew = {*known}, set[str]()
    for line in lines:
        nick = (line.source or "").partition("!")[0]
        match line.command:
            case "JOIN":
                there.add(nick)
            case "QUIT":
                there.discard(nick)
            case "353":
                anew |= {name.lstrip("@") for name in line.params[-1].split()}
            case "366":
                there, anew = anew, set()
    return there


def looked_up(person: IrcPerson, request: str) -> list[Line]:
    """Look back; return the messages."""
    person.send(f"CHATHISTORY {request}")
    person.until("BATCH", None, "chathistory")
    return person.until("BATCH")[:-1]


def test_a_slow_reader_misses_nothing_and_knows_who_is_there(tmp_path: Path) -> None:
    """It has the topic and the names of the end, behind all that was said."""
    with (
        IrcChat(tmp_path, "--no-limits", "--irc-no-lobby") as chat,
        IrcPerson(chat.irc) as alice,
        IrcPerson(chat.irc, small=True) as slow,
        IrcPerson(chat.irc) as carol,
        IrcPerson(chat.irc) as dan,
    ):
        for person, nick in ((alice, "alice"), (slow, "slow"), (carol, "carol")):
            person.come_in(nick)
            person.send("JOIN #dev")
            person.until("366", None, "#dev")
        slow.until("JOIN", "#dev")  # that is carol
        texts = [f"{n} {'x' * 400}" for n in range(LINES)]
        say(alice, "#dev", *texts[: LINES // 3])
        carol.send("QUIT")
        carol.until("ERROR")
        alice.until("QUIT")
        dan.come_in("dan")
        dan.send("JOIN #dev")
        alice.until("JOIN", "#dev")
        alice.send("TOPIC #dev :what is new")
        say(alice, "#dev", *texts[LINES // 3 :])
        lines = slow.until("PRIVMSG", None, texts[-1])
        slow.send("PING :read")
        lines += slow.until("PONG", NAME, "read")
        assert [line.params[-1] for line in lines if line.command == "PRIVMSG"] == texts
        told = [line.params[-1] for line in lines if line.command in ("TOPIC", "332")]
        assert told[-1] == "what is new"
        assert "366" in [line.command for line in lines]
        assert roster(lines, "alice", "slow", "carol") == {"alice", "slow", "dan"}


def test_what_was_seen_is_found_again_after_a_crash(tmp_path: Path) -> None:
    """With the same ids and times, from whichever of them one looks; and by who comes back."""
    with IrcChat(tmp_path) as chat, IrcPerson(chat.irc) as alice:
        alice.come_in("alice", caps=LOOKS_BACK)
        alice.send("RESUME")
        told = next(line for line in alice.lines() if "PASS" in line.params[-1])
        token = told.params[-1].rpartition(" ")[2]
        with IrcPerson(chat.irc) as bob:
            bob.come_in("bob")
            bob.until("366")
            for text in ("one", "two", "three"):
                alice.send(f"PRIVMSG #lobby :{text}", f"PRIVMSG bob :{text}")
            seen = [alice.get("PRIVMSG") for _ in range(6)]
            chat.kill()
    said = {room: [known(s) for s in seen if s.params[0] == room] for room in ("#lobby", "bob")}
    with IrcChat(tmp_path, again=chat) as chat, IrcPerson(chat.irc) as alice:
        alice.come_in("alice", caps=LOOKS_BACK, password=token)
        alice.until("366", None, "#lobby")
        for room, lines in said.items():
            assert [known(line) for line in looked_up(alice, f"LATEST {room} * 9")] == lines
            for point in (f"msgid={lines[0][0]}", f"timestamp={lines[0][1]}"):
                after = looked_up(alice, f"AFTER {room} {point} 9")
                assert {*map(known, after)} <= {*lines[1:]}, point
            around = looked_up(alice, f"AROUND {room} msgid={lines[1][0]} 3")
            assert [known(line) for line in around] == lines
