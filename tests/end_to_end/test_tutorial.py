"""The tutorial's own client, which frames nothing, at the raw door."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import Program, Server

# What such a client does, to the byte: compares a whole chunk with NICK, answers without a line's
# end, writes "nickname: text" without one, decodes ASCII and gives up at anything else.
TUTORIAL = """
import socket, sys, threading
nickname = input("Nickname? ")
server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def listen():
    while True:
        try:
            chunk = server.recv(1024).decode("ascii")
        except Exception:
            print("gave up", flush=True)
            return
        if not chunk:
            print("closed", flush=True)
            return
        if chunk == "NICK":
            server.send(nickname.encode("ascii"))
        else:
            print(chunk, flush=True)
threading.Thread(target=listen, daemon=True).start()
for line in sys.stdin:
    server.send(f"{nickname}: {line.strip()}".encode("ascii"))
"""


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Server]:
    """Run a chat with a raw door."""
    with Server(tmp_path, "--raw", "tcp:0:interface=127.0.0.1") as server:
        yield server


@pytest.fixture
def client(chat: Server) -> Iterator[Program]:
    """Start the tutorial's client."""
    with Program(sys.executable, "-c", TUTORIAL, str(chat.also("RawFactory"))) as program:
        yield program


def test_the_tutorials_client_talks_with_everybody(chat: Server, client: Program) -> None:
    """Its text is shown once, and it survives what is not ASCII."""
    client.say("alice")
    client.expect("alice joined the chat")
    client.expect("^Connected to the server")
    with chat.join("bob") as bob:
        client.expect("^bob joined the chat")
        client.say("hello")
        bob.expect("alice: hello")
        client.expect("^alice: hello$")
        assert "alice: alice:" not in client.text
        bob.say("grüße")
        client.expect(r"^bob: gr\?\?e")
        client.say("still here")
        bob.expect("bob: grüße", "alice: still here")
        client.end()
        bob.expect("alice left the chat")


def test_a_taken_nickname_is_told_and_ends_it(chat: Server, client: Program) -> None:
    """It would offer the same one for ever."""
    with chat.join("alice"):
        client.say("alice")
        client.expect(r"is here already.*\[nick-taken\]")
        client.expect("^closed")
