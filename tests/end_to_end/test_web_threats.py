"""threats.md at the web server, with the real twistd: whoever means harm, and those beside it."""

import contextlib
import re
import signal
import socket
import time
from pathlib import Path

from chatservice.doors.tabs import token_of
from tests.doors.web import PING, handshake, peer_frame
from tests.end_to_end.harness import Server
from tests.end_to_end.test_threats import CONTROL
from tests.end_to_end.test_websocket import WEB, cookie_from
from tests.end_to_end.web import Peer

GET = b"GET %s HTTP/1.1\r\nHost: chat.example\r\n\r\n"


def connect(port: int, data: bytes = b"", small: bool = False) -> socket.socket:
    """Connect as a browser does, and send something.

    :param small: whether to take as little as can be without reading.
    """
    sock = socket.socket()
    if small:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(20)
    sock.connect(("127.0.0.1", port))
    with contextlib.suppress(OSError):  # it may be full, or closed
        sock.setblocking(False)
        sock.send(data)
    sock.settimeout(20)
    return sock


def test_without_descriptors_those_in_the_chat_go_on(tmp_path: Path) -> None:
    """12: idle browsers take all there are; it recovers when they are gone."""
    with (
        Server(tmp_path, *WEB, "--no-limits", files=45) as chat,
        contextlib.ExitStack() as stack,
    ):
        port = chat.also("ChatSite")
        alice = stack.enter_context(Peer(port)).join("alice")
        crowd = [connect(port, GET % b"/healthz") for _ in range(60)]
        alice.ask("say", id=1, room="#lobby", text="still here?")
        alice.until("done", id=1)
        for sock in crowd:
            sock.close()
        with Peer(port) as late:
            late.join("late")
            late.ask("say", room="#lobby", text="made it")
            assert alice.until("said", nick="late")[-1]["text"] == "made it"


def test_the_log_has_no_secret_and_no_control_byte(tmp_path: Path) -> None:
    """19: whatever stands in requests; passwords, cookies and tokens least of all."""
    with Server(tmp_path, *WEB, "--no-limits") as chat:
        port = chat.also("ChatSite")
        cookie = cookie_from(port)
        with Peer(port, cookie=cookie) as alice:
            alice.join("alice", tab="t")
            token = token_of(cookie, "t")
            for do, fields in (
                ("register", {"password": "correct horse battery"}),
                ("line", {"line": "/login alice correct horse battery"}),
                ("resume", {}),
                ("\x1b]0;x\x07", {"\x9b": "\u202e"}),
            ):
                alice.ask(do, id=do, **fields)
                alice.until("done" if do in ("register", "line") else "error")
        for data in (
            b"GET /\x1b[2J HTTP/1.1\r\nHost: \x1b[2J\r\nCookie: \x9b\x1b\r\n\r\n",
            handshake("Origin: http://\x1b[2J"),
            handshake("User-Agent: \x1b]0;x\x07"),
            handshake() + b"\x81\x00\x1b\x9b",
            b"\x1b\r\n\r\n",
        ):
            with connect(port, data) as sock:
                assert sock.recv(12).startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))
        assert chat.stop() == -signal.SIGTERM
    assert not CONTROL.search(chat.text.replace("\n", ""))
    for secret in ("horse", cookie, token, "Traceback"):
        assert secret not in chat.text
    assert all(re.match(r"\d{4}-\d\d-\d\dT", line) for line in chat.text.splitlines())


def test_answers_that_nobody_takes_cost_nothing(tmp_path: Path) -> None:
    """6, 9: thousands of requests at once, none of whose answers is read; others do not notice."""
    with Server(tmp_path, *WEB, "--no-limits") as chat, contextlib.ExitStack() as stack:
        port = chat.also("ChatSite")
        alice = stack.enter_context(Peer(port)).join("alice")
        with connect(port, b"GET / HTTP/1.0\r\n\r\n") as sock:
            page = sock.makefile("rb").read()
        script = re.search(rb"/static/[0-9a-f]+/main\.js", page)
        assert script is not None
        before = chat.resident
        for _ in range(20):
            stack.enter_context(connect(port, GET % script[0] * 5000, small=True))
        slowest = 0.0
        for n in range(50):
            begun = time.monotonic()
            alice.ask("say", id=n, room="#lobby", text="hello")
            alice.until("done", id=n)
            slowest = max(slowest, time.monotonic() - begun)
        assert chat.resident - before < 20_000_000
        assert slowest < 2


def test_pings_without_end_leave_the_others_their_turn(tmp_path: Path) -> None:
    """6: whoever sends them has no more of the server than others."""
    with Server(tmp_path, *WEB, "--no-limits") as chat, contextlib.ExitStack() as stack:
        port = chat.also("ChatSite")
        alice = stack.enter_context(Peer(port)).join("alice")
        before = chat.resident
        flood = peer_frame(b"", PING) * 100_000
        for _ in range(5):
            stack.enter_context(connect(port, handshake() + flood, small=True))
        for n in range(20):
            alice.ask("say", id=n, room="#lobby", text="hello")
            alice.until("done", id=n)
        assert chat.resident - before < 20_000_000


def test_it_ends_in_time_whoever_does_not_read(tmp_path: Path) -> None:
    """16: with browsers that are stuck in everything they might be stuck in."""
    with Server(tmp_path, *WEB, "--no-limits") as chat, contextlib.ExitStack() as stack:
        port = chat.also("ChatSite")
        writer = stack.enter_context(Peer(port)).join("writer")
        stuck = stack.enter_context(Peer(port, small=True))
        stuck.ask("nick", id=1, nick="stuck")
        for data in (
            b"",
            b"GET / HT",
            GET % b"/" * 100,
            b"POST / HTTP/1.1\r\nContent-Length: 9\r\n",
        ):
            stack.enter_context(connect(port, data, small=True))
        for n in range(500):
            writer.ask("say", room="#lobby", text="x" * 1000, id=n)
            writer.until("done", id=n)
        begun = time.monotonic()
        assert chat.stop() == -signal.SIGTERM
        assert time.monotonic() - begun < 5.5
    assert "Traceback" not in chat.text
