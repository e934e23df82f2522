"""Real programs for the end-to-end tests: the server, its clients, and what they print.

Nothing here sleeps: whoever waits, waits for output, with a deadline after which the test fails
and shows what there was instead.
"""

import contextlib
import os
import pty
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

PATIENCE = 20.0
"""Seconds in which what is expected must happen."""

CONSENT = "-- What is said here is kept for good; /forget me removes what you said."
"""What everybody who joins is told first."""

BIN = Path(sys.executable).parent


def tool(name: str) -> str:
    """Return a program's path, or skip the test where it is absent."""
    # Debian has HAProxy where only root's shell looks.
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


class Program:
    """A process, what it printed, and a way to type to it.

    :param command: the program and its arguments.
    :param on_terminal: whether to run it on a pseudo terminal of 80 x 24.
    """

    def __init__(
        self,
        *command: str | Path,
        on_terminal: bool = False,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        self.output = b""
        self._more = threading.Condition()
        self._closed = False
        ours, theirs = pty.openpty() if on_terminal else (None, subprocess.PIPE)
        if ours is not None:
            termios.tcsetwinsize(ours, (24, 80))
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            preexec_fn=before,
        )
        if ours is None:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.stdin, self.stdout = self.process.stdin.fileno(), self.process.stdout.fileno()
        else:
            os.close(theirs)
            self.stdin = self.stdout = ours
        self.terminal = ours
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        """Use it as a context: it ends with the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process, by its own id."""
        self.end()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.stdout, 1 << 16)
            except OSError:  # a pseudo terminal's way of saying the end
                data = b""
            with self._more:
                self.output += data
                self._closed = not data
                self._more.notify_all()
            if not data:
                return

    @property
    def text(self) -> str:
        """Everything printed so far, line ends as LF."""
        return self.output.decode("utf-8", "replace").replace("\r\n", "\n")

    def type(self, text: str | bytes) -> None:
        """Type something; say where a line ends."""
        os.write(self.stdin, text.encode() if isinstance(text, str) else text)

    def say(self, line: str) -> None:
        """Type a line, with LF at its end."""
        self.type(f"{line}\n")

    def expect(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until the output contains a pattern so many times; return the last."""
        form = re.compile(pattern, re.MULTILINE)
        start = 0  # of the lines that were not looked through yet
        found: list[re.Match[str]] = []

        def enough() -> bool:
            nonlocal start
            text = self.text
            lines = text.rfind("\n") + 1
            found.extend(form.finditer(text, start, lines))
            start = lines
            rest = form.search(text, start)
            return len(found) + (rest is not None) >= times

        with self._more:
            self._more.wait_for(lambda: enough() or self._closed, PATIENCE)
            last = [*found, *form.finditer(self.text, start)][times - 1 : times]
            assert last, f"no {pattern!r} x {times} in the output of {self!r}:\n{self.text[-5000:]}"
            return last[0]

    def close_input(self) -> None:
        """End its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def wait(self) -> int:
        """Wait until it ends by itself; return its exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def end(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        if self.terminal is not None:
            os.close(self.terminal)
            self.terminal = None

    def __repr__(self) -> str:
        """Name the command."""
        return repr(self.process.args)


class Server(Program):
    """A real ``twistd chat`` on a port of its own choice.

    It shows nobody what was said before, unless told to: most tests are about the present.

    :param arguments: options of ``twistd chat`` besides --port.
    :param port: an endpoint description; tcp on loopback, any free port, by default.
    :param files: how many descriptors it may have; None for as many as there are.
    """

    def __init__(
        self,
        cwd: Path,
        *arguments: str,
        port: str = "tcp:0:interface=127.0.0.1",
        runner: Sequence[str] = ("twistd", "-n", "--pidfile="),
        files: int | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        def limit() -> None:
            if files is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        command = [
            str(BIN / runner[0]),
            *runner[1:],
            "chat",
            "--backlog",
            "0",
            "--port",
            port,
            *arguments,
        ]
        super().__init__(*command, cwd=cwd, env=env, before=limit)
        self.expect("ChatFactory.* starting on|reactor class")
        if port.startswith(("tcp", "haproxy", "ssl", "tls")):
            found = self.expect(r"ChatFactory(?: \(\w+\))? starting on (\d+)")
            self.port = int(found[1])

    def also(self, door: str) -> int:
        """Return the port of another door, by its factory's name."""
        return int(self.expect(rf"^.*{door}(?: \(\w+\))? starting on (\d+)")[1])

    def connect(self, source: str = "127.0.0.1") -> "Person":
        """Connect with a plain socket."""
        return Person(socket.create_connection(("127.0.0.1", self.port), PATIENCE, (source, 0)))

    def join(self, nick: str, *notes: str) -> "Person":
        """Connect and join.

        :param notes: what is told besides.
        """
        person = self.connect()
        person.expect("NICK")
        person.say(nick)
        person.expect(f"{nick} joined the chat", "Connected to the server")
        person.consents()
        person.expect(*notes)
        return person

    def come_back(self, answer: str) -> "Person":
        """Connect and answer the question for a nickname with what /resume gave."""
        person = self.connect()
        person.expect("NICK")
        person.say(answer)
        return person

    def stop(self) -> int:
        """Ask it to end and wait until it has; return its exit code."""
        self.process.terminate()
        return self.wait()

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        self.process.kill()
        self.wait()

    @property
    def resident(self) -> int:
        """Resident memory, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024


class Person:
    """A plain socket that speaks lines."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(PATIENCE)
        self._file = sock.makefile("rb")

    def __enter__(self) -> Self:
        """Use it as a context: it hangs up with the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        self.hang_up()

    def say(self, *lines: str) -> None:
        """Send lines, with CR LF at their ends."""
        self.send("".join(f"{line}\r\n" for line in lines).encode())

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def line(self) -> str | None:
        """Return the next line, without its end; None after the last."""
        try:
            line = self._file.readline()
        except ConnectionResetError:
            return None
        assert not line or line.endswith(b"\r\n"), line
        return line[:-2].decode() if line else None

    def expect(self, *lines: str | None) -> None:
        """Check the very next lines; None: the connection ends."""
        for line in lines:
            assert self.line() == line

    def consents(self) -> None:
        """Read the line that tells how long history is kept."""
        self.expect(CONSENT)

    def until(self, line: str) -> list[str]:
        """Read up to a line; return what came before it."""
        before: list[str] = []
        while (got := self.line()) != line:
            assert got is not None, f"no {line!r} after {before}"
            before.append(got)
        return before

    def resume(self) -> str:
        """Ask for a token; return the whole answer to give when coming back."""
        self.say("/resume")
        while (line := self.line()) is not None:
            if found := re.fullmatch("-- To come back, answer NICK with: (.*)", line):
                return found[1]
        raise AssertionError("no token")

    def hang_up(self) -> None:
        """Close the connection."""
        self._file.close()
        self.sock.close()

    def reset(self) -> None:
        """Cut the connection without a goodbye, as a network does that went away."""
        linger = (1).to_bytes(4, "little") + bytes(4)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.hang_up()


def stored(data: Path, room: str = "#lobby") -> list[tuple[int, str, str]]:
    """Return number, nickname and text of what a database keeps of a room, oldest first."""
    path = (data / "chat.db").absolute().as_uri()
    with contextlib.closing(sqlite3.connect(f"{path}?mode=ro", uri=True)) as db:
        return db.execute(
            "SELECT seq, nick, text FROM events JOIN rooms ON rooms.id = room WHERE name = ?"
            " ORDER BY seq",
            (room,),
        ).fetchall()
