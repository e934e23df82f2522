"""The load generator of the benchmarks: what it says of a server is true, in every dialect."""

import base64
import contextlib
import hashlib
import json
import re
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.end_to_end.harness import PATIENCE, Server, tool

SOURCE = Path(__file__).parents[2] / "benchmarks" / "load" / "load.c"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the generator, with no warnings."""
    program = tmp_path_factory.mktemp("load") / "load"
    command = [tool("gcc"), "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(SOURCE)]
    subprocess.run(command, check=True)
    return program


def measure(load: Path, port: int, *options: str) -> tuple[int, dict[str, float | str]]:
    """Run it; return its exit code and what it reports."""
    command = [str(load), "--json", "--port", str(port), "--drain", "1", *options]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return ran.returncode, json.loads(ran.stdout)


@pytest.mark.parametrize("dialect", ["line", "websocket"])
@pytest.mark.parametrize("rooms", [1, 3])
def test_all_that_is_said_at_a_real_door_arrives(
    load: Path, tmp_path: Path, dialect: str, rooms: int
) -> None:
    """Nobody misses anything, in one room or in several."""
    anywhere = "tcp:0:interface=127.0.0.1"
    with Server(tmp_path, "--no-limits", "--web", anywhere) as server:
        port = server.port if dialect == "line" else server.also("Site")
        crowd = ("--clients", "30", "--senders", "6", "--rooms", str(rooms))
        code, report = measure(load, port, "--dialect", dialect, *crowd, "--messages", "120")
    assert (code, report["last_error"]) == (0, "")
    assert report["joined"] == 30
    assert report["received"] == report["expected"] == 120 * (30 / rooms - 1)
    assert report["echoes"] == 120


def test_a_websocket_that_is_refused_is_a_failure(load: Path, tmp_path: Path) -> None:
    """The door of lines speaks no HTTP."""
    with Server(tmp_path, "--no-limits") as server:
        code, report = measure(load, server.port, "--dialect", "websocket", "--clients", "2")
    assert (code, report["failed"]) == (1, 2)


class FakeServer:
    """A WebSocket server for two, which relays what one says to the other as it likes.

    :param relay: makes the frames for the other out of what was said, None at the beginning.
    :param piece: bytes that it sends at a time.
    """

    def __init__(self, relay: Callable[[int, str], bytes], piece: int) -> None:
        self._relay = relay
        self._piece = piece
        self.pongs: list[bytes] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._people: list[socket.socket] = []
        self._count = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Wait until both are gone."""
        for thread in self._threads:
            thread.join(PATIENCE)
        self._door.close()

    def _serve(self) -> None:
        sock, _ = self._door.accept()
        with sock, sock.makefile("rb") as file, contextlib.suppress(OSError):
            self._talk(sock, file)

    def _talk(self, sock: socket.socket, file: BinaryIO) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = sock.makefile("rb")
        request = b"".join(iter(file.readline, b"\r\n"))
        found = re.search(rb"Sec-WebSocket-Key: (\S+)", request)
        assert found is not None
        accept = base64.b64encode(hashlib.sha1(found[1] + GUID).digest())  # noqa: S324
        answer = b"HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        with self._lock:
            self._people.append(sock)
            self._send(sock, answer)
        while head := file.read(2):
            opcode, length = head[0] & 15, head[1] & 127
            assert head[1] & 128, "a client's frame must be masked"
            if length == 126:
                (length,) = struct.unpack("!H", file.read(2))
            mask = file.read(4)
            data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(file.read(length)))
            if opcode == 10:
                self.pongs.append(data)
            else:
                self._hear(sock, json.loads(data))

    def _hear(self, sock: socket.socket, said: dict[str, str]) -> None:
        with self._lock:
            if said["do"] == "nick":
                self._send(sock, frame('{"type":"welcome","nick":"u"}'))
                return
            (other,) = (one for one in self._people if one is not sock)
            self._count += 1
            self._send(other, self._relay(self._count, said["line"]))

    def _send(self, sock: socket.socket, data: bytes) -> None:
        for start in range(0, len(data), self._piece):
            sock.sendall(data[start : start + self._piece])


def frame(text: str | bytes, opcode: int = 1, form: int = 0) -> bytes:
    """Return a server's frame; its length in the short form, or in 2 or 8 bytes."""
    payload = text.encode() if isinstance(text, str) else text
    form = form or (2 if len(payload) > 125 else 1)
    lengths = {1: "!BB", 2: "!BxH", 8: "!BxQ"}
    head = bytearray(struct.pack(lengths[form], 0x80 | opcode, len(payload)))
    if form > 1:
        head[1] = 126 if form == 2 else 127
    return bytes(head) + payload


def said(text: str, nick: str = "u00000") -> str:
    """Return the object that tells what a client said, by default the first."""
    return f'{{"type":"said","room":"#lobby","nick":"{nick}","text":"{text}"}}'


@pytest.fixture
def measured(load: Path) -> Iterator[Callable[..., dict[str, float | str]]]:
    """Return what the generator reports of some messages between two at a fake server."""
    servers: list[FakeServer] = []

    def run(
        relay: Callable[[int, str], bytes], piece: int = 4096, messages: int = 10
    ) -> dict[str, float | str]:
        servers.append(server := FakeServer(relay, piece))
        work = ("--clients", "2", "--messages", str(messages), "--window", "1")
        code, report = measure(load, server.port, "--dialect", "websocket", *work)
        wrong = ("lost", "duplicated", "damaged", "refused", "disconnects", "failed")
        report["faults"] = ", ".join(f"{report[name]} {name}" for name in wrong if report[name])
        assert code == bool(report["faults"])
        report["pongs"] = len(server.pongs)
        return report

    yield run
    for server in servers:
        server.close()


@pytest.mark.parametrize("form", [2, 8])
@pytest.mark.parametrize("piece", [1, 3, 4096])
def test_a_frame_is_read_however_it_is_cut(
    measured: Callable[..., dict[str, float | str]], form: int, piece: int
) -> None:
    """Between any two bytes, with a length of any form, and after a ping."""

    def relay(number: int, text: str) -> bytes:
        return frame(b"are you there?", 9) + frame(said(text), form=form)

    report = measured(relay, piece)
    assert (report["faults"], report["received"], report["pongs"]) == ("", 10, 10)


@pytest.mark.parametrize(
    ("third", "faults"),
    [
        (lambda text: b"", "1 lost"),
        (lambda text: frame(said(text)) * 2, "1 duplicated"),
        (lambda text: frame(said(text[:-1] + "!")), "1 damaged"),
        (lambda text: frame(said("hello")), "1 lost, 1 damaged"),
        (lambda text: frame(said(text, "u00001")), "1 damaged"),
        (lambda text: frame('{"type":"error"}') + frame(said(text)), "1 refused"),
    ],
    ids=["lost", "twice", "changed", "unmarked", "by another", "an error"],
)
def test_what_a_server_does_wrong_is_found(
    measured: Callable[..., dict[str, float | str]], third: Callable[[str], bytes], faults: str
) -> None:
    """The third message of ten."""

    def relay(number: int, text: str) -> bytes:
        return third(text) if number == 3 else frame(said(text))

    assert measured(relay)["faults"] == faults


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"\x01\x01x", "several frames"),
        (b"\x81\x81abcdx", "masked"),
        (b"\xc1\x01x", "reserved bits"),
        (b"\x82\x01x", "neither text nor control"),
        (b"\x88\x02\x03\xe9", "close frame"),
        (b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "4 GiB"),
    ],
)
def test_what_is_no_frame_of_a_servers_ends_the_connection(
    measured: Callable[..., dict[str, float | str]], broken: bytes, why: str
) -> None:
    """It is said why."""
    report = measured(lambda number, text: broken, messages=1)
    assert report["disconnects"] == 1
    assert why in str(report["last_error"])
