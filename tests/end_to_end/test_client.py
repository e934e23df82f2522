"""chat-client as people use it: on a terminal, and in a pipe."""

import contextlib
import re
import signal
import socket
import struct
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pyte
import pytest

from tests.end_to_end.harness import BIN, PATIENCE, Program, Server
from tests.end_to_end.pem import make_certificate

CLIENT = BIN / "chat-client"


class Terminal(Program):
    """chat-client on a terminal of 80 x 24, and what that shows."""

    def __init__(self, destination: str, *options: str, env: dict[str, str] | None = None) -> None:
        super().__init__(CLIENT, *options, destination, on_terminal=True, env=env)

    def rows(self) -> list[str]:
        """Return the rows that are not empty."""
        screen = pyte.Screen(80, 24)
        pyte.ByteStream(screen).feed(self.output)
        return [row.rstrip() for row in screen.display if row.strip()]

    def cursor(self) -> int:
        """Return the cursor's column."""
        screen = pyte.Screen(80, 24)
        pyte.ByteStream(screen).feed(self.output)
        return int(screen.cursor.x)

    def shows(self, *last: str) -> None:
        """Wait until the last rows are these."""
        self.until(lambda: self.rows()[-len(last) :] == list(last), f"{last}")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition of what is shown."""
        with self._more:
            met = self._more.wait_for(lambda: condition() or self._closed, PATIENCE)
        assert met, f"never {what}: {self.rows()}"
        assert condition(), f"not {what}: {self.rows()}"


@pytest.fixture
def alice(open_chat: Server) -> Iterator[Terminal]:
    """Sit at a terminal as alice."""
    with Terminal(f"alice@127.0.0.1:{open_chat.port}", env={"NO_COLOR": "1"}) as terminal:
        terminal.shows("-- 1 here: alice", "alice>")
        assert terminal.rows()[1:3] == [
            "alice joined the chat",
            "-- Connected as alice. Ctrl-D leaves, /help helps.",
        ]
        yield terminal


def test_incoming_lines_do_not_tear_what_is_typed(alice: Terminal, open_chat: Server) -> None:
    """Wide characters, the cursor in the middle, and somebody talks meanwhile."""
    with open_chat.join("bob") as bob:
        alice.type("héllo 中文 wörld")
        alice.shows("bob joined the chat", "alice> héllo 中文 wörld")
        alice.type("\x1b[D" * 6)  # left, to before the blank
        alice.until(
            lambda: alice.cursor() == len("alice> héllo ") + 4, "cursor after the wide ones"
        )
        bob.say("one", "two 🎉")
        alice.shows("bob: one", "bob: two 🎉", "alice> héllo 中文 wörld")
        assert alice.cursor() == len("alice> héllo ") + 4
        alice.type("!\r")
        bob.until("alice: héllo 中文! wörld")
        alice.shows("alice: héllo 中文! wörld", "alice>")


def test_keys_history_and_completion(alice: Terminal, open_chat: Server) -> None:
    """Arrow up recalls, ^U clears, Tab completes nicknames and commands."""
    with open_chat.join("barbara"):
        alice.shows("barbara joined the chat", "alice>")
        alice.type("first\r")
        alice.shows("alice: first", "alice>")
        alice.type("\x1b[A")
        alice.shows("alice> first")
        alice.type("\x15bar\t")
        alice.shows("alice> barbara:")
        alice.type("\x15/he\t")
        alice.shows("alice> /help")
        alice.type("\r")
        alice.expect("-- Type something and everybody reads it")


def test_a_long_line_scrolls_within_its_row(alice: Terminal) -> None:
    """It takes one row, whatever its length, and is sent whole."""
    text = " ".join(f"word{n}" for n in range(40))
    alice.type(text)
    alice.until(lambda: alice.rows()[-1].endswith("word39"), "the end of the long line")
    assert alice.rows()[-1].startswith("alice> ")
    assert len([row for row in alice.rows() if "word" in row]) == 1
    alice.type("\x01")
    alice.until(lambda: alice.rows()[-1].startswith("alice> word0 word1"), "its beginning")
    alice.type("\r")
    alice.expect("alice: word0 .* word39")


def test_a_mention_rings(alice: Terminal, open_chat: Server) -> None:
    """Not every line, and not one's own."""
    with open_chat.join("bob") as bob:
        alice.type("I am Alice\r")
        bob.say("malice", "ALICE?", "/msg alice psst", "done")
        alice.expect("bob: done")
        alice.expect("bob -> alice: psst")
        rung = re.findall(r"([^\n]*)\a", alice.text)
        assert len(rung) == 2
        assert rung[0].endswith("bob: ALICE?")
        assert rung[1].endswith("bob -> alice: psst")


def test_nicknames_have_colours_unless_not_wanted(alice: Terminal, open_chat: Server) -> None:
    """NO_COLOR is respected; otherwise the same nickname has the same colour."""
    with Terminal(f"bob@127.0.0.1:{open_chat.port}", env={"NO_COLOR": "1"}) as plain:
        plain.expect("Connected as bob")
        assert "\x1b[3" not in plain.text
    environment = {"TERM": "xterm", "NO_COLOR": ""}
    with Terminal(f"carol@127.0.0.1:{open_chat.port}", env=environment) as carol:
        carol.expect("Connected as carol")
        alice.type("hello\r")
        carol.expect(r"\x1b\[\d\dmalice\x1b\[39m: hello")


def test_a_taken_nickname_is_followed_by_a_number(alice: Terminal, open_chat: Server) -> None:
    """The client answers NICK by itself, and again."""
    with Terminal(f"alice@127.0.0.1:{open_chat.port}", env={"NO_COLOR": "1"}) as second:
        second.expect("Connected as alice2")
        alice.shows("alice2 joined the chat", "alice>")


def test_an_impossible_nickname_is_asked_for(open_chat: Server) -> None:
    """With the reason; what is typed then is the nickname."""
    with Terminal(f"root@127.0.0.1:{open_chat.port}", env={"NO_COLOR": "1"}) as terminal:
        terminal.expect("reserved for the server")
        terminal.shows("nickname>")
        terminal.type("dave\r")
        terminal.expect("Connected as dave")


def test_it_comes_back_by_itself_and_says_so(tmp_path: Path) -> None:
    """The server dies and is started again; what was being typed is still there."""
    with Server(tmp_path) as chat:
        port = chat.port
        alice = Terminal(f"alice@127.0.0.1:{port}", env={"NO_COLOR": "1"})
        alice.expect("Connected as alice")
        alice.type("half a thou")
        alice.shows("alice> half a thou")
        chat.process.kill()
        alice.expect("-- No connection: .*Trying again in [123] s")
        alice.type("ght\r")
        alice.expect("Not connected: your line is kept")
        alice.shows("alice> half a thought")
    with alice, Server(tmp_path, port=f"tcp:{port}:interface=127.0.0.1"):
        alice.expect("Connected as alice", times=2)
        alice.type("\r")
        alice.expect("alice: half a thought")


@pytest.mark.parametrize("way", ["ctrl-d", "/quit", "ctrl-c", "SIGTERM", "SIGHUP"])
def test_the_terminal_is_restored(way: str, open_chat: Server) -> None:
    """However it ends, the settings are what they were."""
    with Terminal(f"alice@127.0.0.1:{open_chat.port}") as alice:
        assert alice.terminal is not None
        alice.expect("Connected as alice")
        raw = termios.tcgetattr(alice.terminal)
        assert not raw[3] & termios.ICANON
        keys = {"ctrl-d": "\x04", "/quit": "/quit\r", "ctrl-c": "\x03"}
        if way in keys:
            alice.type(keys[way])
        else:
            alice.process.send_signal(getattr(signal, way))
        alice.process.wait(PATIENCE)
        restored = termios.tcgetattr(alice.terminal)
        assert restored[3] & termios.ICANON
        assert restored[3] & termios.ECHO
        assert restored[1] & termios.OPOST


class Relay:
    """A way to a server that can break, as networks do.

    :ivar port: where it is.
    """

    def __init__(self, server: int) -> None:
        self._server = server
        self._ends: list[socket.socket] = []
        self.port = 0
        self.mend()

    def mend(self) -> None:
        """Let connections through from now on."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Break everything, without a goodbye in either direction."""
        self._listener.shutdown(socket.SHUT_RDWR)  # which wakes accept
        self._listener.close()
        for end in self._ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD)  # which wakes recv
            end.close()
        self._ends.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                one = listener.accept()[0]
                other = socket.create_connection(("127.0.0.1", self._server))
                self._ends += [one, other]
                for ends in ((one, other), (other, one)):
                    Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                target.sendall(data)


@pytest.fixture
def relay(open_chat: Server) -> Iterator[Relay]:
    """Go to the server by a way that can break."""
    way = Relay(open_chat.port)
    yield way
    way.cut()


def test_a_broken_connection_costs_a_terminal_nothing(open_chat: Server, relay: Relay) -> None:
    """What was missed is shown with its time, and rings; the others notice nothing."""
    destination = f"alice@127.0.0.1:{relay.port}"
    with open_chat.join("bob") as bob, Terminal(destination, env={"NO_COLOR": "1"}) as alice:
        alice.expect("-- 2 here: ")
        bob.say("before")
        alice.shows("bob: before", "alice>")
        relay.cut()
        alice.expect("-- No connection")
        bob.say("hello alice", "/msg alice psst")
        bob.until("bob -> alice: psst")
        relay.mend()
        alice.expect(r"\d\d:\d\d bob: hello alice\a")
        alice.expect(r"\d\d:\d\d bob -> alice: psst\a")
        alice.expect("Connected as alice", times=2)
        alice.expect("-- 2 here: ", times=2)  # the client looks who is here; then all is quiet
        alice.type("here I am\r")
        assert bob.until("alice: here I am") == []
        alice.shows("alice: here I am", "alice>")
        assert alice.text.count("bob: before\n") == 1


@pytest.mark.parametrize("options", [["--follow"], []], ids=["follow", "plain"])
def test_a_broken_connection_costs_a_pipe_nothing(
    options: list[str], open_chat: Server, relay: Relay
) -> None:
    """Each line is said once; who follows sees what it missed."""
    bot_at = f"bot@127.0.0.1:{relay.port}"
    with open_chat.join("alice") as alice, Program(CLIENT, *options, bot_at) as bot:
        bot.say("one")
        alice.until("bot: one")
        relay.cut()
        bot.expect("trying again in")
        alice.say("missed")
        bot.say("two")
        bot.close_input()
        relay.mend()
        assert alice.until("bot: two") == ["alice: missed"]
        if options:
            bot.expect(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d 2\] alice: missed$")
            bot.expect("^bot: two$")
        else:
            assert bot.wait() == 0
            alice.until("bot left the chat")


def pipe(chat: Server, *options: str, nick: str = "bot") -> Program:
    """Return chat-client in a pipe."""
    return Program(CLIENT, *options, f"{nick}@127.0.0.1:{chat.port}")


def test_a_pipe_says_its_lines_and_ends_well(chat: Server) -> None:
    """Each line as it is, also one that looks like a command; blank ones are nothing to say."""
    with chat.join("alice") as alice, pipe(chat) as bot:
        bot.type("build done\n\n/etc/passwd\n  indented\r\nno end")
        bot.close_input()
        assert bot.wait() == 0
        assert bot.output == b""
        said = alice.until("bot left the chat")
        assert said[1:] == ["bot: build done", "bot: /etc/passwd", "bot:   indented", "bot: no end"]


def test_a_pipe_keeps_to_the_limits(chat: Server) -> None:
    """More lines than the burst: it waits, and all of them are said once, in order."""
    with chat.join("alice") as alice, pipe(chat) as bot:
        bot.type("".join(f"{n}\n" for n in range(13)))
        bot.close_input()
        assert bot.wait() == 0
        assert alice.until("bot left the chat")[1:] == [f"bot: {n}" for n in range(13)]


def test_a_pipe_that_follows_prints_what_is_said(chat: Server) -> None:
    """And stays when its input has ended."""
    with chat.join("alice") as alice, pipe(chat, "--follow") as bot:
        bot.close_input()
        alice.expect("bot joined the chat")
        alice.say("hello bot")
        bot.expect("^alice: hello bot")
        with chat.join("too-fast") as odd:  # a nickname like any other
            odd.say("am I seen?")
            bot.expect(r"^too-fast: am I seen\?")


def test_a_pipe_that_cannot_connect_says_why() -> None:
    """Exit code 1."""
    with Program(CLIENT, "bot@127.0.0.1:1") as bot:
        bot.close_input()
        assert bot.wait() == 1
        assert bot.text == "chat-client: Connection refused\n"


@pytest.mark.parametrize(
    ("nick", "line", "reason"),
    [
        ("root", "hello", "reserved for the server"),
        ("a:b", "hello", "cannot contain :"),
        ("bot", "x" * 1025, "line 2 is longer than 1024 bytes"),
    ],
)
def test_a_pipe_that_is_refused_says_why(chat: Server, nick: str, line: str, reason: str) -> None:
    """Exit code 1."""
    with pipe(chat, nick=nick) as bot:
        bot.say(f"fine\n{line}")
        bot.close_input()
        assert bot.wait() == 1
        assert reason in bot.text


def test_a_pipe_whose_server_dies_does_not_claim_success(chat: Server) -> None:
    """It would come back; whoever does not wait for that is told the truth."""
    with chat.join("alice") as alice, pipe(chat) as bot:
        bot.say("one")
        alice.until("bot: one")
        chat.process.kill()
        bot.say("two")
        bot.expect("chat-client: .*trying again in", times=2)  # by then it has read that
        bot.process.terminate()
        assert bot.wait() == 1
        assert "interrupted before everything was said" in bot.text


@pytest.mark.parametrize("destination", ["", "a@b@c", "host:99999", "host:x", "[::1"])
def test_a_destination_that_is_none_is_refused(destination: str) -> None:
    """Exit code 2, and what it should look like."""
    with Program(CLIENT, destination) as client:
        assert client.wait() == 2
        assert "[nick@]host[:port]" in client.text


def test_tls_is_verified(tmp_path: Path) -> None:
    """With the right authority it talks; without, it says that the certificate is not trusted."""
    certificate = make_certificate(tmp_path / "keys", "localhost")
    port = f"ssl:0:interface=127.0.0.1:privateKey={certificate}"
    with Server(tmp_path, port=port) as chat:
        destination = f"bot@localhost:{chat.port}"
        with Program(CLIENT, "--tls-ca", certificate, destination) as bot:
            bot.say("encrypted")
            bot.close_input()
            assert bot.wait() == 0, bot.text
        with Program(CLIENT, "--tls", destination) as bot:
            bot.say("never said")
            bot.close_input()
            assert bot.wait() == 1
            assert "certificate verify failed" in bot.text
        with Program(CLIENT, "--tls-ca", "/dev/null", destination) as bot:
            bot.close_input()
            assert bot.wait() == 1
            assert "contains no certificate" in bot.text
