"""IRC over WebSocket with the real twistd, and a client's library that is not the server's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from irctokens.line import Line, tokenise
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.end_to_end.harness import PATIENCE, Server

WEB = ("--web", "tcp:0:interface=127.0.0.1", "--server-name", "irc.example.org")
TEXT, BINARY = Subprotocol("text.ircv3.net"), Subprotocol("binary.ircv3.net")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Server]:
    """Run a chat with a web server, and no other door for IRC."""
    with Server(tmp_path, *WEB, "--no-limits") as server:
        yield server
        assert "Traceback" not in server.text


def until(client: ClientConnection, command: str) -> Line:
    """Read up to a message with a command; each is a line without its end."""
    while True:
        message = client.recv(timeout=PATIENCE)
        text = message if isinstance(message, str) else message.decode()
        assert "\n" not in text
        assert "\r" not in text
        line = tokenise(text)
        if line.command == command:
            return line


def come_in(client: ClientConnection, nick: str) -> None:
    """Register, and wait until one is in."""
    binary = client.subprotocol == BINARY
    for line in ("CAP LS 302", f"NICK {nick}", f"USER {nick} 0 * :{nick}", "CAP END"):
        client.send(line.encode() if binary else line)
    assert until(client, "001").params[0] == nick
    until(client, "366")


def test_browsers_irc_and_line_clients_are_in_one_room(web: Server) -> None:
    """What one says the others hear, in text or in binary messages, whatever they asked for."""
    url = f"ws://127.0.0.1:{web.also('ChatSite')}"
    with (
        connect(f"{url}/irc", subprotocols=[TEXT, BINARY]) as alice,
        connect(f"{url}/", subprotocols=[BINARY]) as bob,
        connect(f"{url}/irc") as carol,
        web.join("dave") as dave,
    ):
        people = {"alice": alice, "bob": bob, "carol": carol}
        spoken = [one.subprotocol for one in people.values()]
        assert spoken == [TEXT, BINARY, None]
        for nick, one in people.items():
            come_in(one, nick)
        dave.until("carol joined the chat")
        dave.say("hello")
        for one, kind in ((alice, str), (bob, bytes), (carol, str)):
            line = until(one, "PRIVMSG")
            assert (line.hostmask.nickname, line.params) == ("dave", ["#lobby", "hello"])
            one.send("PING :zoë")
            message = one.recv(timeout=PATIENCE)
            assert isinstance(message, kind)
        alice.send("PRIVMSG #lobby :héllo\r\n")
        dave.expect("dave: hello", "alice: héllo")
        assert until(bob, "PRIVMSG").params == until(carol, "PRIVMSG").params
        alice.send("QUIT :so long")
        assert until(alice, "ERROR").params
        with pytest.raises(ConnectionClosed) as closed:
            alice.recv(timeout=PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000
        assert until(bob, "QUIT").hostmask.nickname == "alice"
        dave.expect("alice left the chat")


def test_a_page_from_elsewhere_may_not_connect(web: Server) -> None:
    """As to the page's own WebSocket."""
    port = web.also("ChatSite")
    url, evil = f"ws://127.0.0.1:{port}/irc", Origin("http://evil.example")
    with pytest.raises(InvalidStatus) as refused:
        connect(url, subprotocols=[TEXT], origin=evil)
    assert refused.value.response.status_code == 403
    with connect(url, subprotocols=[TEXT], origin=Origin(f"http://127.0.0.1:{port}")) as alice:
        come_in(alice, "alice")


def test_the_end_is_announced(tmp_path: Path) -> None:
    """With the reason, and the code for a server that goes away."""
    with Server(tmp_path, *WEB) as server:
        url = f"ws://127.0.0.1:{server.also('ChatSite')}/irc"
        with connect(url, subprotocols=[TEXT]) as alice:
            come_in(alice, "alice")
            server.stop()
            assert until(alice, "ERROR").params
            with pytest.raises(ConnectionClosed) as closed:
                alice.recv(timeout=PATIENCE)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
