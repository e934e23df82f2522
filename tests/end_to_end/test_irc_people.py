"""People as IRC shows them, with the real twistd and somebody with nc: one world."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.irc import GUEST, NAME, IrcChat, IrcPerson


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[IrcChat]:
    """Run a chat with a message of the day."""
    motd = tmp_path / "motd.txt"
    motd.write_text("Be kind.\n")
    with IrcChat(tmp_path, "--no-limits", "--backlog", "0", "--motd", str(motd)) as server:
        yield server
        assert "Traceback" not in server.text


def come_in(person: IrcPerson, nick: str) -> list[list[str]]:
    """Register; return the params of what the server says up to the lobby's names."""
    person.send(f"NICK {nick}", f"USER {nick} 0 * :{nick.title()}")
    return [[line.command, *line.params] for line in person.until("366")]


def test_who_is_at_another_door_is_seen_as_anybody(chat: IrcChat) -> None:
    """MONITOR, WHO, WHOIS, AWAY and WHOWAS tell of who comes by nc; nobody's address."""
    with IrcPerson(chat.irc) as carol:
        welcome = come_in(carol, "carol")
        assert ["372", "carol", "- Be kind."] in welcome
        carol.send("MONITOR + alice")
        assert carol.get("731").params == ["carol", "alice"]
        with chat.nc("alice") as alice:
            online = carol.get("730").params
            assert online[0] == "carol"
            assert re.fullmatch(f"alice!~u@{GUEST}", online[1])
            host = online[1].rpartition("@")[2]
            alice.say("/away lunch")
            alice.expect("You are away")
            carol.send("PRIVMSG alice :hi", "WHO #lobby", "WHOIS alice", "USERHOST alice carol")
            told = carol.until("302")
            numbers = {line.command: line.params[1:] for line in told}
            assert numbers["301"] == ["alice", "lunch"]
            assert ["#lobby", "~u", host, NAME, "alice", "G", "0 alice"] in [
                line.params[1:] for line in told if line.command == "352"
            ]
            assert numbers["319"] == ["alice", "#lobby"]
            (hosts,) = numbers["302"]
            assert re.fullmatch(rf"alice=-~u@{GUEST} carol=\+~carol@{GUEST}", hosts)
            assert not [line for line in told if "127.0.0.1" in line.format()]
            alice.say("/quit")
            assert carol.get("731").params == ["carol", "alice"]
        carol.send("WHOWAS alice", "LUSERS")
        assert carol.get("314").params == ["carol", "alice", "~u", host, "*", "alice"]
        assert carol.get("265").params[1:3] == ["1", "2"]


def test_nothing_is_behind_a_pong_that_belongs_before_it(chat: IrcChat) -> None:
    """An answer that a disk takes part in stands where it was asked for."""
    with IrcPerson(chat.irc) as carol, IrcPerson(chat.irc) as dan:
        come_in(carol, "carol")
        come_in(dan, "dan")
        dan.send("AWAY :tea")
        dan.until("306")
        carol.send("PRIVMSG dan :hi", "PING x")
        assert [line.command for line in carol.until("PONG")][-2:] == ["301", "PONG"]
