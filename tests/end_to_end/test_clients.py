"""The conversation, pinned to the word, through the clients that people have."""

import re
import socket
from collections.abc import Iterator

import pytest

from tests.end_to_end.harness import CONSENT, Program, Server, tool

CLIENTS = {
    "nc": ["nc", "127.0.0.1", "{port}"],
    "telnet": ["inetutils-telnet", "127.0.0.1", "{port}"],
    "plink": ["plink", "-telnet", "-batch", "-P", "{port}", "127.0.0.1"],
    "socat": ["socat", "-", "TCP:127.0.0.1:{port}"],
}


@pytest.fixture(params=sorted(CLIENTS))
def client(request: pytest.FixtureRequest, chat: Server) -> Iterator[Program]:
    """Connect with each client in turn."""
    name, *arguments = CLIENTS[request.param]
    command = [tool(name), *(part.format(port=chat.port) for part in arguments)]
    with Program(*command) as program:
        yield program


def heard(client: Program) -> list[str]:
    """Return what a client showed of the chat, without its own chatter and a terminal's echo."""
    lines = re.sub(r"[\r\0]", "", client.text).split("\n")
    chatter = re.compile(r"Trying|Connected to 127|Escape char|Connection closed|^$")
    return [line for line in lines if not chatter.match(line)]


def test_two_people_talk_in_the_tutorials_words(client: Program, chat: Server) -> None:
    """The whole conversation, both sides, line by line."""
    client.expect("^NICK")
    client.say("alice")
    client.expect("^Connected to the server")
    with chat.connect() as bob:
        bob.expect("NICK")
        bob.say("bob")
        bob.expect("bob joined the chat", "Connected to the server", CONSENT)
        client.expect("^bob joined the chat")
        client.say("hello")
        bob.expect("alice: hello")
        client.expect("^alice: hello")
        bob.say("hi alice")
        client.expect("^bob: hi alice")
        bob.expect("bob: hi alice")
        client.say("/quit")
        bob.expect("alice left the chat")
    client.close_input()  # openbsd's nc waits for that
    client.wait()
    assert heard(client) == [
        "NICK",
        "alice joined the chat",
        "Connected to the server",
        CONSENT,
        "bob joined the chat",
        "alice: hello",
        "bob: hi alice",
    ]


def test_text_of_all_scripts_passes_unchanged(client: Program, chat: Server) -> None:
    """UTF-8 goes through each client as it is."""
    client.expect("^NICK")
    client.say("zoë")
    client.expect("^Connected to the server")  # telnet is connected to 127.0.0.1 before
    with chat.join("bob") as bob:
        client.say("grüße 中文 🎉")
        bob.expect("zoë: grüße 中文 🎉")


def test_a_shell_pipe_sees_everything_it_caused(chat: Server) -> None:
    """All of it in one write, then the end of input: nothing is lost, in order."""
    with Program(tool("nc"), "-N", "127.0.0.1", str(chat.port)) as nc:
        nc.type("alice\nhello\n/who\n/me waves\nbye")
        nc.close_input()
        nc.wait()
        assert nc.text.splitlines() == [
            "NICK",
            "alice joined the chat",
            "Connected to the server",
            CONSENT,
            "alice: hello",
            "-- 1 here: alice",
            "* alice waves",
            "alice: bye",
        ]


def test_a_telnet_that_negotiates_leaves_no_trace(chat: Server) -> None:
    """plink speaks telnet by itself; none of it gets into the nickname."""
    plink = tool("plink")
    with Program(plink, "-telnet", "-batch", "-P", str(chat.port), "127.0.0.1") as client:
        client.expect("NICK")
        client.say("alice")
        client.expect("Connected to the server")
        with chat.join("bob") as bob:
            bob.say("/who")
            bob.expect("-- 2 here: alice bob")


def test_telnets_interrupt_key_does_no_harm(chat: Server) -> None:
    """After ^C a telnet shows nothing until its question is answered; the talk goes on."""
    command = [tool("inetutils-telnet"), "127.0.0.1", str(chat.port)]
    with Program(*command, on_terminal=True) as client, chat.connect() as bob:
        client.expect("NICK")
        client.say("alice")
        client.expect("Connected to the server")
        bob.send(b"bob\n")
        client.expect("bob joined the chat")
        client.type("\x03")
        client.expect(r"\^C")
        client.say("hello")
        bob.until("alice: hello")
        client.expect("alice: hello")


def test_the_answer_to_telnets_question_is_the_only_one(chat: Server) -> None:
    """Three bytes, once for each read; every other question stays without an answer."""
    with chat.join("alice") as alice:
        alice.send(b"hel\xff\xf4\xff\xfb\x01\xff\xfd\x03\xff\xfd\x06lo\r\n")
        assert alice.sock.recv(3, socket.MSG_WAITALL) == b"\xff\xfb\x06"
        alice.expect("alice: hello")
