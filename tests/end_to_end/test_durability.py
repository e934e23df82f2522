"""What was shown was stored: crashes, full and slow disks, restarts, slow readers."""

import contextlib
import os
import random
import re
import selectors
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import BIN, PATIENCE, Person, Program, Server, stored, tool

LINE = re.compile(rb"\[[0-9:]{8} (\d+)\] (\w+): ([^\r\n]*)\r\n")
"""What /time on shows of something said."""

STAMPED = b"-- Before each line now stand its time (UTC) and number.\r\n"
GOODBYE = b"-- The server is closing down. Goodbye!\r\n"
REFUSED = "-- Nothing that is said now is accepted: the history cannot be written ({})."
AGAIN = "-- The history is written again: go on."

Said = tuple[int, str, str]


class Talker:
    """A client that talks as fast as it is heard, and keeps everything that comes.

    :param window: lines on their way at once; none for a listener.
    :param size: characters of a line, at least.
    :param heard: called with the number of lines heard so far, whenever there are more.
    """

    def __init__(
        self,
        port: int,
        nick: str,
        window: int,
        size: int = 0,
        heard: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.nick = nick
        self.data = b""
        self.said = 0
        self._size = size
        self._window = window
        self._heard = heard
        self._sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._sock.sendall(f"{nick}\r\n/time on\r\n".encode())
        while STAMPED not in self.data:
            self._receive()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to talk."""
        self._thread.start()

    def join(self) -> None:
        """Wait until the server has closed the connection."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self._sock.close()

    def _run(self) -> None:
        done = len(self.data)
        mine, count = f"] {self.nick}: ".encode(), 0
        with contextlib.suppress(ConnectionError):
            self._say(self._window)
            while self._receive():
                end = self.data.rfind(b"\n") + 1
                new, done = self.data[done:end], end
                count += new.count(b"] ")
                self._heard(count)
                self._say(new.count(mine))

    def _receive(self) -> bool:
        data = self._sock.recv(1 << 16)
        self.data += data
        return bool(data)

    def _say(self, count: int) -> None:
        if self._window and count:
            numbers = range(self.said, self.said + count)
            self.said += count
            lines = (f"{self.nick} {n}".ljust(self._size, ".") + "\r\n" for n in numbers)
            try:
                self._sock.sendall("".join(lines).encode())
            except ConnectionError:  # the server has closed: there may be more to read
                self._window = 0

    @property
    def heard(self) -> list[Said]:
        """The lines that were heard, with their numbers."""
        return [(int(n), nick.decode(), text.decode()) for n, nick, text in LINE.findall(self.data)]


def check_stored(talkers: list[Talker], kept: list[Said]) -> None:
    """Check that all that anybody heard is stored just so, and what was stored is in order."""
    assert [seq for seq, _, _ in kept] == list(range(1, len(kept) + 1))
    for talker in talkers:
        heard = talker.heard
        assert heard, talker.nick
        first = heard[0][0] - 1
        assert heard == kept[first : first + len(heard)]
        said = [text.rstrip(".") for _, nick, text in kept if nick == talker.nick]
        assert said == [f"{talker.nick} {n}" for n in range(len(said))]  # nothing twice or left out


def test_what_was_seen_survives_kill_9(tmp_path: Path) -> None:
    """Twenty crashes under load: nothing that anybody saw is lost, changed or there twice."""
    seed = int(os.environ.get("CHAT_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"CHAT_TEST_SEED={seed}")  # noqa: T201  # pytest shows it when the test fails
    dice = random.Random(seed)  # noqa: S311
    took: list[float] = []
    kept: list[Said] = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(tmp_path, "--no-limits"))
        for cycle in range(20):
            moment = dice.choice((1, 20, 300, 2000)) + dice.randrange(300)

            def crash(count: int, server: Server = server, moment: int = moment) -> None:
                if count >= moment:
                    server.process.kill()

            talkers = [Talker(server.port, f"t{cycle}x{n}", 200, 10 + 300 * n) for n in range(3)]
            talkers.append(Talker(server.port, f"listener{cycle}", 0, heard=crash))
            for talker in talkers[::-1]:
                talker.start()
            server.wait()
            for talker in talkers:
                talker.join()
            began = time.monotonic()
            server = stack.enter_context(Server(tmp_path, "--no-limits"))
            server.join("back").hang_up()
            took.append(time.monotonic() - began)
            before, kept = len(kept), stored(tmp_path / "chat-data")
            assert len(kept) >= before + moment
            check_stored(talkers, kept)
        with server.join("reader") as reader:
            assert history(reader, len(kept)) == kept
    imports = "import twisted.scripts.twistd, chatservice.tap, twisted.internet.reactor"
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", imports], check=True)
    imported = time.monotonic() - began
    print(  # noqa: T201
        f"{len(kept)} lines; back after {statistics.median(took):.2f} s (median), "
        f"at most {max(took):.2f} s, of which Python's imports take {imported:.2f} s"
    )
    assert max(took) < 5, took


def history(reader: Person, count: int) -> list[Said]:
    """Return what /history shows up to a number, asked for page by page from the end."""
    form = re.compile(r"\[\d{4}-\d\d-\d\d [0-9:]{8} (\d+)\] (\w+): (.*)")
    told: list[Said] = []
    while count > 0:
        reader.say(f"/history 200 before {count + 1}")
        page = []
        while found := form.fullmatch(reader.line() or ""):
            page.append((int(found[1]), found[2], found[3]))
        told = page + told
        count -= 200
    return told


def test_sigterm_under_load_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    """All that was accepted is stored and shown to everybody; a stalled peer does not hold it."""
    with Server(tmp_path, "--no-limits") as server:
        stalled = socket.socket()
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        stalled.connect(("127.0.0.1", server.port))
        stalled.sendall(b"stalled\r\n")
        terminated: list[float] = []

        def terminate(count: int) -> None:
            if count >= 8000 and not terminated:  # 8 MB: the stalled one is far behind
                terminated.append(time.monotonic())
                server.process.terminate()

        talkers = [Talker(server.port, f"t{n}", 200, 1000) for n in range(3)]
        talkers.append(Talker(server.port, "listener", 0, heard=terminate))
        for talker in talkers[::-1]:
            talker.start()
        assert server.wait() in (0, -signal.SIGTERM)
        assert time.monotonic() - terminated[0] < 5
        for talker in talkers:
            talker.join()
        stalled.close()
    kept = stored(tmp_path / "chat-data")
    check_stored(talkers, kept)
    listener = talkers[-1]
    assert GOODBYE in listener.data
    assert listener.heard[-1] == kept[-1]
    for talker in talkers[:-1]:  # whoever sends to the last may be cut off by its own words
        refused = talker.data.count(b"[closing]")
        said = sum(nick == talker.nick for _, nick, _ in kept)
        assert 200 < said + refused <= talker.said


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of a few blocks."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    place = tmp_path / "disk"
    place.mkdir()
    _run(tool("mount"), "-t", "tmpfs", "-o", "size=1m", "chat-test", str(place))
    try:
        yield place
    finally:
        _run(tool("umount"), str(place))


def _run(*command: str) -> None:
    with Program(*command) as program:
        assert program.wait() == 0, program.text


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return filler


def test_a_full_disk_is_told_and_survived(small_disk: Path) -> None:
    """Nothing is accepted, everything else goes on, and it recovers by itself."""
    full = REFUSED.format("database or disk is full")
    with Server(small_disk, "--no-limits") as server, server.join("alice") as alice:
        alice.say("one", "two", "/history 1")
        alice.expect("alice: one", "alice: two")
        assert alice.line()
        assert alice.line()
        with server.join("bob") as bob:
            alice.expect("bob joined the chat")
            filler = _fill(small_disk)
            alice.say("lost 1")
            alice.expect(full)
            _refused(alice)
            bob.expect(full)
            _fill(small_disk)  # again, since the failure has freed a little
            for n in range(2, 200):  # nobody is told again, but who talks
                alice.say(f"lost {n}")
                _refused(alice)
            alice.say("/msg bob lost", "/me is lost")
            _refused(alice)
            _refused(alice)
            with server.connect() as carol:
                carol.expect("NICK")
                carol.say("carol")
                carol.expect("carol joined the chat", "Connected to the server")
                carol.consents()
                carol.expect(full)
                carol.say("/who")
                carol.expect("-- 3 here: alice bob carol")
                carol.say("/help who")
                carol.expect("-- /who [#ROOM]   who is here", "-- For example: /who")
                carol.expect("-- Also: /names /list /w")
                assert [text for _, _, text in history(carol, 2)] == ["one", "two"]
                carol.say("/nick caroline")
                carol.expect("carol is now known as caroline")
                carol.say("/quit")
                carol.expect(None)
            for person in (alice, bob):
                person.expect("carol joined the chat", "carol is now known as caroline")
                person.expect("caroline left the chat")
            filler.unlink()
            alice.say("three")
            for person in (alice, bob):
                person.expect(AGAIN, "alice: three")
            bob.say("four")
            for person in (alice, bob):
                person.expect("bob: four")
    words = ["one", "two", "three", "four"]
    kept = stored(small_disk / "chat-data")
    assert [(seq, text) for seq, _, text in kept] == list(enumerate(words, 1))


def _refused(person: Person) -> None:
    line = person.line()
    assert line is not None
    assert line.startswith("! Not accepted, the history cannot be written")
    assert line.endswith("[not-stored]")


def test_history_is_read_on_a_full_disk_though_nobody_read_it_before(small_disk: Path) -> None:
    """The files that reading needs are made while there is room; and trouble is told once."""
    full = REFUSED.format("database or disk is full")
    with Server(small_disk, "--no-limits") as server, server.join("alice") as alice:
        alice.say("one")
        alice.expect("alice: one")
        _fill(small_disk)
        alice.say("lost")
        alice.expect(full)
        _refused(alice)
        for _ in range(3):
            _fill(small_disk)
            alice.say("/history 1")
            line = alice.line() or ""
            assert line.endswith("alice: one"), line
            alice.line()
            alice.say("lost")
            _refused(alice)


def test_coming_back_works_on_a_full_disk(small_disk: Path) -> None:
    """A token that was given before is good; what was missed can be read."""
    with Server(small_disk, "--no-limits") as server, server.join("bob") as bob:
        alice = server.join("alice")
        bob.expect("alice joined the chat")
        answer = alice.resume()
        alice.say("/history")
        alice.until("-- There is nothing earlier.")
        alice.reset()
        bob.say("one")
        bob.expect("bob: one")
        _fill(small_disk)
        bob.say("lost")
        bob.expect(REFUSED.format("database or disk is full"))
        _refused(bob)
        with server.come_back(answer) as alice:
            alice.until(REFUSED.format("database or disk is full"))
            line = alice.line() or ""
            assert line.endswith(" 1] bob: one"), line


def test_a_disk_that_is_full_at_the_start_is_told(small_disk: Path) -> None:
    """A new database needs room: one line and exit code 1. One that is there can be used."""
    (small_disk / "chat-data").mkdir()
    filler = _fill(small_disk)
    _fails(small_disk, "cannot use the database", "full")
    filler.unlink()
    with Server(small_disk, "--no-limits") as server, server.join("alice") as alice:
        alice.say("one")
        alice.expect("alice: one")
    filler = _fill(small_disk)
    with Server(small_disk, "--no-limits") as server, server.join("bob") as bob:
        said = ["one"]  # what was left in the log's own file may be enough for a few
        bob.say("two")
        while (line := bob.line()) == "bob: two":
            said.append("two")
            bob.say("two")
        assert line == REFUSED.format("database or disk is full")
        _refused(bob)
        filler.unlink()
        bob.say("three")
        bob.expect(AGAIN, "bob: three")
    assert [text for _, _, text in stored(small_disk / "chat-data")] == [*said, "three"]


def _twistd(*arguments: str) -> list[str | Path]:
    return [BIN / "twistd", "-n", "--pidfile=", "chat", *arguments]


def _fails(cwd: Path, *reasons: str, data: str = "chat-data") -> None:
    """Start a chat that cannot start: one clear line that contains all of the reasons."""
    with Program(
        *_twistd("--port", "tcp:0:interface=127.0.0.1", "--data", data), cwd=cwd
    ) as program:
        assert program.wait() == 1, program.text
        said = [line for line in program.text.splitlines() if "chat: " in line]
        assert len(said) == 1, program.text
        assert all(reason in said[0] for reason in reasons), said
        assert "Traceback" not in program.text


def test_a_second_chat_in_the_same_directory_does_not_start(chat: Server, tmp_path: Path) -> None:
    """Nor does it disturb the first."""
    _fails(tmp_path, "another chat uses the directory chat-data")
    with chat.join("alice") as alice:
        alice.say("undisturbed")
        alice.expect("alice: undisturbed")


def test_a_broken_database_is_told(tmp_path: Path) -> None:
    """Garbage, another program's database, a cut off one; and the file stays as it was."""
    data = tmp_path / "chat-data"
    data.mkdir()
    file = data / "chat.db"
    file.write_bytes(os.urandom(10_000))
    before = file.read_bytes()
    _fails(tmp_path, "cannot use the database", "file is not a database")
    assert file.read_bytes() == before
    file.unlink()
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    _fails(tmp_path, "is a database of another program")
    file.unlink()
    with Server(tmp_path, "--no-limits") as server, server.join("alice") as alice:
        alice.say(*(f"line {n}" for n in range(1000)))
        alice.until("alice: line 999")
        server.stop()
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)
    _fails(tmp_path, "cannot use the database", "malformed")


def test_a_directory_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    """A file in its place, or no place at all."""
    (tmp_path / "file").touch()
    _fails(tmp_path, "cannot use the directory file: File exists", data="file")
    _fails(tmp_path, "cannot use the directory file/below: Not a directory", data="file/below")
    _fails(tmp_path, "cannot use the directory /proc/chat", data="/proc/chat")


def test_the_history_is_for_its_owner_alone(chat: Server, tmp_path: Path) -> None:
    """Whatever the umask: 0700 for the directory, 0600 for the files."""
    with chat.join("alice") as alice:
        alice.say("hello")
        alice.expect("alice: hello")
        data = tmp_path / "chat-data"
        assert data.stat().st_mode & 0o777 == 0o700
        modes = {file.name: file.stat().st_mode & 0o777 for file in data.iterdir()}
        assert modes == dict.fromkeys(modes, 0o600)
        assert "chat.db" in modes


def test_nothing_is_written_in_memory(tmp_path: Path) -> None:
    """--data :memory: leaves nothing behind."""
    with Server(tmp_path, "--data", ":memory:") as server:
        with server.connect() as alice:
            alice.send(b"alice\r\nhello\r\n/history\r\n")
            alice.until("alice: hello")
            assert (alice.line() or "").endswith(" 1] alice: hello")
        server.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_daemon_keeps_its_history(tmp_path: Path) -> None:
    """Stopped and started as README says."""
    pid, log = tmp_path / "chat.pid", tmp_path / "chat.log"
    socket_at = tmp_path / "chat.sock"
    start = (BIN / "twistd", f"--pidfile={pid}", f"--logfile={log}", "chat")
    said: list[str] = []
    for n in range(3):
        _run(*map(str, start), "--port", f"unix:{socket_at}", "--data", str(tmp_path / "data"))
        daemon = int(pid.read_text())
        try:
            with _join_unix(socket_at) as alice:
                told = [alice.line() for _ in said]
                assert [line and line[line.index("]") + 2 :] for line in told] == said
                if said:
                    alice.line()
                alice.say(f"{n}")
                alice.expect(f"alice: {n}")
                said.append(f"alice: {n}")
                os.kill(daemon, signal.SIGTERM)
                alice.until("-- The server is closing down. Goodbye!")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(daemon, signal.SIGTERM)
        _gone(daemon)
        assert not pid.exists()


def _join_unix(path: Path) -> Person:
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))
    person = Person(sock)
    person.expect("NICK")
    person.say("alice")
    person.expect("alice joined the chat", "Connected to the server")
    person.consents()
    return person


def _gone(pid: int) -> None:
    """Wait until a process that is no child has ended."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        with contextlib.closing(open(descriptor)), selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            assert selector.select(PATIENCE)


def test_a_slow_disk_is_told_and_survived(tmp_path: Path) -> None:
    """A write lock stands for a disk that does not answer: lines wait, and nothing is lost."""
    slow = REFUSED.format("the disk has not answered for 5 seconds")
    patient = (
        "from chatservice.store import schema; schema.BUSY = 60.0;"
        "from twisted.scripts.twistd import run; run()"
    )
    runner = (sys.executable, "-c", patient, "-n", "--pidfile=")
    with (
        Server(tmp_path, "--no-limits", runner=runner) as server,
        server.join("alice") as alice,
        server.join("bob") as bob,
    ):
        alice.expect("bob joined the chat")
        alice.say("before")
        for person in (alice, bob):
            person.expect("alice: before")
        path = tmp_path / "chat-data" / "chat.db"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            alice.say(*(f"waits {n}" for n in range(100)))
            bob.say("/help who")  # others are not held up
            bob.expect("-- /who [#ROOM]   who is here", "-- For example: /who")
            bob.expect("-- Also: /names /list /w")
            assert time.monotonic() - began < 4
            alice.expect(slow)
            bob.expect(slow)
            assert 4 < time.monotonic() - began < 10
            bob.say("refused", "/who")
            bob.expect("! The history is too slow at present: try again in a moment. [not-stored]")
            bob.expect("-- 2 here: alice bob")
            alice.say("/help who")
            alice.expect("-- /who [#ROOM]   who is here", "-- For example: /who")
            alice.expect("-- Also: /names /list /w")
            with server.join("carol", slow):  # coming and going goes on
                for person in (alice, bob):
                    person.expect("carol joined the chat")
            for person in (alice, bob):
                person.expect("carol left the chat")
            db.execute("ROLLBACK")
        for person in (alice, bob):
            person.expect(AGAIN, *(f"alice: waits {n}" for n in range(100)))
        bob.say("after")
        for person in (alice, bob):
            person.expect("bob: after")
    texts = ["before", *(f"waits {n}" for n in range(100)), "after"]
    assert [(n, text) for n, _, text in stored(tmp_path / "chat-data")] == [*enumerate(texts, 1)]


def test_a_database_that_another_program_holds_is_told_and_survived(tmp_path: Path) -> None:
    """What is said meanwhile is refused in good time; it is over without anybody's doing."""
    with Server(tmp_path, "--no-limits") as server, server.join("alice") as alice:
        path = tmp_path / "chat-data" / "chat.db"
        for line in map(str, range(5)):  # between them is done what there is to do at the start
            alice.say(line)
            alice.expect(f"alice: {line}")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            alice.say("refused")
            alice.expect(REFUSED.format("database is locked"))
            _refused(alice)
            assert time.monotonic() - began < 10
        alice.expect(AGAIN)
        alice.say("after")
        alice.expect("alice: after")
    assert stored(tmp_path / "chat-data")[5:] == [(6, "alice", "after")]


STALLED, READERS = 100, 50


class _Crowd:
    """Many plain sockets, of which some do not read and the others are looked after at once."""

    def __init__(self, port: int) -> None:
        self.readers = [self._join(port, f"reader{n}") for n in range(READERS)]
        self.stalled = [self._join(port, f"stalled{n}", 1 << 16) for n in range(STALLED)]
        self._selector = selectors.DefaultSelector()
        for sock in self.readers:
            self._selector.register(sock, selectors.EVENT_READ, sock)

    def _join(self, port: int, nick: str, buffer: int = 0) -> socket.socket:
        sock = socket.socket()
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.settimeout(PATIENCE)
        sock.connect(("127.0.0.1", port))
        sock.sendall(f"{nick}\r\n".encode())
        return sock

    def close(self) -> None:
        self._selector.close()
        for sock in (*self.readers, *self.stalled):
            sock.close()

    def quiet(self, last: bytes) -> None:
        """Read for all readers until each has come to a line."""
        tails = dict.fromkeys(self.readers, b"")
        while tails:
            for sock in self._ready():
                tails[sock] = tails[sock][-100:] + sock.recv(1 << 18)
                if tails[sock].endswith(last):
                    del tails[sock]

    def read(self, expected: bytes) -> None:
        """Read for all readers just what is expected, in pieces as they come."""
        at = dict.fromkeys(self.readers, 0)
        while at:
            for sock in self._ready():
                at[sock] = _follow(sock, expected, at[sock])
                if at[sock] == len(expected):
                    del at[sock]

    def _ready(self) -> list[socket.socket]:
        ready = self._selector.select(PATIENCE)
        assert ready
        return [key.data for key, _ in ready]


def _follow(sock: socket.socket, expected: bytes, at: int) -> int:
    """Read a piece and check that it is what stands there; return where it ends."""
    data = sock.recv(1 << 18)
    assert data
    assert data == expected[at : at + len(data)]
    return at + len(data)


def test_a_hundred_who_do_not_read_cost_nothing(tmp_path: Path) -> None:
    """50 others hear everything in order; memory does not grow; then the hundred catch up."""
    with Server(tmp_path, "--no-limits") as server, server.join("talker") as talker:
        crowd = _Crowd(server.port)
        try:
            talker.until(f"stalled{STALLED - 1} joined the chat")
            talker.say("begin")
            crowd.quiet(b"talker: begin\r\n")
            talker.until("talker: begin")
            text = "x" * 990
            sizes = []
            everything = []
            for megabyte in range(50):
                if megabyte in (20, 49):  # by 20 every buffer has had its largest size
                    sizes.append(server.resident)
                lines = [f"{n} {text}" for n in range(megabyte * 1000, megabyte * 1000 + 1000)]
                everything.append("".join(f"talker: {line}\r\n" for line in lines).encode())
                talker.say(*lines)
                crowd.read(everything[-1])
                talker.expect(*(f"talker: {line}" for line in lines))
            assert sizes[1] - sizes[0] < 20_000_000, sizes
            missed = b"talker: begin\r\n" + b"".join(everything)
            for sock in crowd.stalled[:2]:  # all of them would take minutes
                data = b""
                while b"talker: begin" not in data:
                    data += sock.recv(1 << 18)
                data = data[data.index(b"talker: begin") :]
                assert missed.startswith(data)
                at = len(data)
                while at < len(missed):
                    at = _follow(sock, missed, at)
            assert server.resident - sizes[0] < 20_000_000
        finally:
            crowd.close()


def test_who_missed_what_is_no_longer_kept_is_told_how_much(tmp_path: Path) -> None:
    """Of 8 MB the newest 50 lines are kept; one line says how many are missing."""
    often = (
        "import chatservice.store.keeper as k; k.PRUNE_EVERY = 0.5;"
        "from twisted.scripts.twistd import run; run()"
    )
    runner = (sys.executable, "-c", often, "-n", "--pidfile=")
    with Server(tmp_path, "--no-limits", "--keep", "50", runner=runner) as server:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        sock.connect(("127.0.0.1", server.port))
        with Person(sock) as stalled, server.connect() as talker:
            stalled.say("stalled")
            stalled.until("Connected to the server")
            talker.say("talker")
            talker.until("Connected to the server")
            assert (talker.line() or "").startswith("-- Of what is said here the newest 50 lines ")
            stalled.until("talker joined the chat")
            for n in range(0, 8000, 100):
                talker.say(*(f"{m} {'x' * 1000}" for m in range(n, n + 100)))
                talker.until(f"talker: {n + 99} {'x' * 1000}")
            removed = rounds = 0
            while removed < 8000 - 50:
                rounds += 1
                removed += int(server.expect(r"(\d+) lines are no longer kept", times=rounds)[1])
            assert removed == 8000 - 50
            got = stalled.until(f"talker: 7999 {'x' * 1000}")
        told = [n for n, line in enumerate(got) if line.startswith("-- ")]
        assert len(told) == 1, [got[n] for n in told]
        before, after = got[: told[0]], got[told[0] + 1 :]
        missing = 8000 - 1 - len(before) - len(after)
        assert missing > 1000
        assert got[told[0]] == f"-- {missing} lines you missed are no longer kept."
        numbers = [*range(len(before)), *range(len(before) + missing, 7999)]
        assert before + after == [f"talker: {n} {'x' * 1000}" for n in numbers]
    kept = stored(tmp_path / "chat-data")
    assert [seq for seq, _, _ in kept] == [*range(7951, 8001)]
