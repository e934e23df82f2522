"""What hostile or unlucky peers do to the running server; numbers name rows of the threat model."""

import contextlib
import ipaddress
import itertools
import os
import re
import select
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.end_to_end.harness import CONSENT, Program, Server, tool

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff]")


def test_no_control_byte_comes_out(open_chat: Server) -> None:
    """1, 2, 3: all 256 bytes and direction marks in text, nickname and commands."""
    with open_chat.join("alice") as alice, open_chat.connect() as mallory:
        mallory.expect("NICK")
        mallory.send(b"\x1b]0;owned\x07mal\r\n")
        refusal = mallory.line()
        assert refusal is not None
        assert refusal.endswith("[nick-invalid]")
        mallory.expect("NICK")
        mallory.say("mallory")
        mallory.expect("mallory joined the chat", "Connected to the server", CONSENT)
        alice.expect("mallory joined the chat")
        everything = bytes(b for b in range(256) if b not in b"\r\n\xff")
        mallory.send(everything + b"\r\n/me " + everything + b"\r\n")
        mallory.send("\u202egnp.exe\u2066\u200b\ufeff\r\n".encode())
        mallory.send(b"/nick \x1b[2J\r\n/\x9bhm\r\nmiddle\r\n")
        lines = [*alice.until("mallory: middle"), *mallory.until("mallory: middle")]
        mallory.send(b"/msg alice " + everything + b"\r\n")
        lines += [alice.line() or "", mallory.line() or ""]
        mallory.say("end")
        alice.expect("mallory: end")
        assert len(lines) == 10
        for line in lines:
            assert not CONTROL.search(line.replace("\t", "")), ascii(line)


def test_the_log_has_one_clean_record_for_each_event(open_chat: Server) -> None:
    """19: nothing that somebody writes gets raw into the operator's terminal."""
    with open_chat.connect() as mallory:
        mallory.expect("NICK")
        mallory.send(b"\x1b[2Jx\x9b\r\nmallory\r\n")
        mallory.until("Connected to the server")
        mallory.send("/nick \u202ex\r\n\x1b]0;{nick}\x07%s {0.__class__}\r\n/quit\r\n".encode())
        mallory.until("mallory: \ufffd]0;{nick}\ufffd%s {0.__class__}")
    open_chat.expect("'mallory' left")
    assert not CONTROL.search(open_chat.text.replace("\n", ""))
    assert "Traceback" not in open_chat.text
    assert all(re.match(r"\d{4}-\d\d-\d\dT", line) for line in open_chat.text.splitlines())


def test_a_browser_cannot_be_tricked_into_talking(chat: Server) -> None:
    """18: an HTTP request whose body is a conversation."""
    with chat.join("alice") as alice:
        body = "mallory\r\nI am a form\r\n"
        with chat.connect() as browser:
            browser.expect("NICK")
            browser.send(f"POST / HTTP/1.1\r\nHost: x\r\n\r\n{body}".encode())
            browser.expect(None)
        alice.say("/who")
        alice.expect("-- 1 here: alice")
    chat.expect("cut off '127.0.0.1'")


def test_a_flood_is_stopped_and_the_others_talk_on(chat: Server) -> None:
    """6: of 100 lines the burst is delivered; then errors; then the connection is closed."""
    with chat.join("alice") as alice, chat.join("flood") as flood:
        alice.expect("flood joined the chat")
        flood.say(*(f"spam {n}" for n in range(100)))
        got = flood.until("! You wrote too much too fast and are disconnected. [flooding]")
        flood.expect(None)
        delivered = [line for line in got if line.startswith("flood: ")]
        assert delivered == [f"flood: spam {n}" for n in range(len(delivered))]
        assert 10 <= len(delivered) <= 13
        assert sum(line.endswith("[too-fast]") for line in got) == 20 - 1
        alice.say("peace")
        assert alice.until("flood left the chat") == delivered
        alice.expect("alice: peace")


def test_who_drips_bytes_is_closed_in_time(tmp_path: Path) -> None:
    """7: bytes without a nickname do not count."""
    with Server(tmp_path, "--nick-time", "0.5") as chat, chat.connect() as slow:
        slow.expect("NICK")
        slow.sock.setblocking(False)
        heard = b""
        for _ in range(100):  # a drip each time that nothing has come for a while
            with contextlib.suppress(OSError):
                slow.send(b"a")
            if select.select([slow.sock], [], [], 0.1)[0]:
                heard += slow.sock.recv(1000)
            if heard.endswith(b"\r\n"):
                break
        assert heard.endswith(b"[nick-timeout]\r\n"), heard


def test_connections_from_one_address_are_counted(chat: Server) -> None:
    """11: the eleventh gets one line and is closed; another address comes in."""
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(chat.connect()).expect("NICK")
        with chat.connect() as eleventh:
            refusal = eleventh.line()
            assert refusal is not None
            assert refusal.endswith("[too-many-connections]")
            eleventh.expect(None)
        with chat.connect("127.0.0.2") as other:
            other.expect("NICK")


def test_a_line_without_end_costs_nothing(open_chat: Server) -> None:
    """10: 100 MB without LF are one error, and the connection is kept."""
    with open_chat.join("mallory") as mallory:
        before = open_chat.resident
        for _ in range(100):
            mallory.send(b"x" * 1_000_000)
        mallory.send(b"\nhello\n")
        refusal = mallory.line()
        assert refusal is not None
        assert refusal.endswith("[line-too-long]")
        mallory.expect("mallory: hello")
        assert open_chat.resident - before < 20_000_000


def test_slow_readers_cost_nothing_and_miss_nothing(open_chat: Server) -> None:
    """9: five that do not read; one that does gets everything; then they catch up in order."""
    stalled = [open_chat.join(f"stalled{n}") for n in range(5)]
    with open_chat.join("alice") as alice, contextlib.ExitStack() as stack:
        for person in stalled:
            stack.enter_context(person)
        text = "x" * 900
        before = open_chat.resident
        sent = 12_000
        for n in range(0, sent, 100):
            alice.say(*(f"{m} {text}" for m in range(n, n + 100)))
            alice.expect(*(f"alice: {m} {text}" for m in range(n, n + 100)))
        grown = open_chat.resident - before
        assert grown < 40_000_000, grown  # the log itself keeps 16 MiB of text
        for person in stalled:
            person.until("alice joined the chat")
            person.expect(*(f"alice: {m} {text}" for m in range(sent)))
        alice.say("all there?")
        for person in stalled:
            person.expect("alice: all there?")


def test_without_descriptors_those_inside_go_on(tmp_path: Path) -> None:
    """12: with 40 descriptors new connections wait, the others talk, and it recovers."""
    with Server(tmp_path, "--no-limits", files=40) as chat, contextlib.ExitStack() as stack:
        alice = stack.enter_context(chat.join("alice"))
        crowd = [stack.enter_context(chat.connect()) for _ in range(60)]
        alice.say("still here?")
        alice.expect("alice: still here?")
        for person in crowd:
            person.hang_up()
        with chat.join("late") as late:
            alice.expect("late joined the chat")
            late.say("made it")
            alice.expect("late: made it")


def test_a_peer_that_vanished_is_missed_in_time(tmp_path: Path) -> None:
    """8: a link that goes down says nothing; ping and timeout find it."""
    with _Network(tmp_path) as network, network.server.join("bob") as bob:
        network.client.expect("NICK")
        network.client.say("alice")
        bob.expect("alice joined the chat")
        network.cut()
        began = time.monotonic()
        bob.expect("alice left the chat")
        assert time.monotonic() - began < 15


def test_a_peer_that_vanished_amid_talk_is_missed_too(tmp_path: Path) -> None:
    """8: keepalive is silent while data is unacknowledged."""
    with _Network(tmp_path) as network, network.server.join("bob") as bob:
        network.client.expect("NICK")
        network.client.say("alice")
        bob.expect("alice joined the chat")
        network.cut()
        bob.say("are you there?")
        bob.expect("bob: are you there?", "alice left the chat")


def test_a_peer_that_merely_sleeps_is_not_thrown_out(tmp_path: Path) -> None:
    """8, 9: a stopped process still has a living kernel; it gets what it missed."""
    with (
        Server(tmp_path, "--no-limits", "--ping", "1", "--ping-timeout", "1") as chat,
        chat.join("bob") as bob,
        Program(tool("nc"), "127.0.0.1", str(chat.port)) as sleeper,
    ):
        sleeper.say("alice")
        sleeper.expect("Connected to the server")
        bob.expect("alice joined the chat")
        os.kill(sleeper.process.pid, signal.SIGSTOP)
        began, sent = time.monotonic(), 0
        while time.monotonic() - began < 6 or sent < 5000:  # several times ping + timeout
            text = "x" * (900 if sent < 5000 else 1)
            bob.say(*(f"{sent + n} {text}" for n in range(50)))
            bob.expect(*(f"bob: {sent + n} {text}" for n in range(50)))
            sent += 50
        bob.say("wake up")
        bob.expect("bob: wake up")
        os.kill(sleeper.process.pid, signal.SIGCONT)
        sleeper.expect("^bob: wake up")
        missed = re.search(r"^-- (\d+) lines you missed", sleeper.text, re.MULTILINE)
        got = len(re.findall(r"^bob: \d+ x+$", sleeper.text, re.MULTILINE))
        assert got + int(missed[1] if missed else 0) == sent


_numbers = itertools.count()


class _Network:
    """A client in a network of its own, whose cable can be cut."""

    def __init__(self, tmp_path: Path) -> None:
        self._stack = contextlib.ExitStack()
        self._path = tmp_path
        self._id = f"{os.getpid()}x{next(_numbers)}"
        subnet = 4 * (os.getpid() % 2**15)  # of those for measurements (RFC 2544), one's own
        self._here, self._there = (
            str(ipaddress.IPv4Address("198.18.0.0") + subnet + end) for end in (1, 2)
        )
        self._cable = f"chat{self._id}"

    def __enter__(self) -> "_Network":
        if os.geteuid() != 0:
            pytest.skip("making a network needs root")
        self._ip = tool("ip")
        namespace = f"chatns{self._id}"
        self._run("netns", "add", namespace)
        self._stack.callback(self._run, "netns", "del", namespace)
        self._run("link", "add", self._cable, "type", "veth", "peer", "far", "netns", namespace)
        self._run("addr", "add", f"{self._here}/30", "dev", self._cable)
        self._run("link", "set", self._cable, "up")
        self._run("-n", namespace, "addr", "add", f"{self._there}/30", "dev", "far")
        self._run("-n", namespace, "link", "set", "far", "up")
        self.server = self._stack.enter_context(
            Server(self._path, "--ping", "2", "--ping-timeout", "2", port="tcp:0")
        )
        inside = [self._ip, "netns", "exec", namespace, "nc", self._here, str(self.server.port)]
        self.client = self._stack.enter_context(Program(*inside))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def cut(self) -> None:
        """Take the link down; neither side is told."""
        self._run("link", "set", self._cable, "down")

    def _run(self, *arguments: str) -> None:
        with Program(self._ip, *arguments) as program:
            assert program.wait() == 0, program.text


def test_a_jump_of_the_clock_disconnects_nobody_and_stops_no_timer(tmp_path: Path) -> None:
    """15: an hour forward, then two back; nobody is timed out, and who says nothing still is."""
    tool("faketime")
    libraries = list(Path("/usr/lib").glob("**/faketime/libfaketime.so.1"))
    assert libraries
    jump = tmp_path / "jump"
    jump.write_text("+0")
    environment = {
        "LD_PRELOAD": str(libraries[0]),
        "FAKETIME_TIMESTAMP_FILE": str(jump),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with (
        Server(tmp_path, "--nick-time", "4", env=environment) as chat,
        chat.join("alice") as alice,
        chat.connect() as bob,
    ):
        bob.expect("NICK")
        hours = [chat.expect("^.*'alice' joined")[0][:13]]
        for offset, nick in (("+1h", "later"), ("-1h", "earlier")):
            jump.write_text(offset)
            chat.join(nick).hang_up()
            alice.until(f"{nick} left the chat")
            hours.append(chat.expect(f"^.*'{nick}' joined")[0][:13])
        assert len(set(hours)) == 3, "the wall clock did not jump"
        began = time.monotonic()
        refusal = bob.line()  # the first thing that bob hears, and not before its time
        assert refusal is not None
        assert refusal.endswith("[nick-timeout]")
        assert time.monotonic() - began > 1


def test_a_peer_that_resets_is_gone_at_once(chat: Server) -> None:
    """25: writing to it fails; the others get everything."""
    with chat.join("alice") as alice:
        rude = chat.join("rude")
        alice.expect("rude joined the chat")
        linger = (1).to_bytes(4, "little") + bytes(4)
        rude.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        rude.hang_up()
        alice.expect("rude left the chat")
        alice.say("fine")
        alice.expect("alice: fine")
