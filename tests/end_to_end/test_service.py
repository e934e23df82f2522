"""The service from outside: how it starts, where it listens, how it ends."""

import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.harness import BIN, CONSENT, PATIENCE, Person, Program, Server
from tests.end_to_end.pem import make_certificate

REFUSALS = {
    "an unknown option": (["--bogus"], "option --bogus not recognized"),
    "a word for a number": (
        ["--rate", "fast"],
        "--rate needs a number from 0.001 to 1,000,000, not 'fast'",
    ),
    "nothing allowed": (["--burst", "0"], "--burst needs a number from 0.001"),
    "less than one connection": (["--connections", "0.5"], "need at least 1"),
    "an unknown endpoint": (["--port", "carrier-pigeon"], "cannot use endpoint carrier-pigeon"),
    "a port out of range": (["--port", "99999"], "cannot listen on 99999"),
    "a missing key": (["--listen", "ssl:0:privateKey=none.pem"], "No such file or directory"),
    "a missing directory of keys": (["--listen", "tls:none:0"], "no certificate (*.pem) in none"),
    "no name for a room": (
        ["--lobby", "the hall"],
        "--lobby: A room's name cannot contain a blank",
    ),
    "a stray word": (["please"], "Wrong number of arguments"),
}


@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.parametrize("runner", [("twistd", "-n", "--pidfile="), ("twist",)])
def test_what_cannot_start_says_why_in_one_line(
    case: str, runner: tuple[str, ...], tmp_path: Path
) -> None:
    """One clear line, exit code 1, no traceback."""
    arguments, reason = REFUSALS[case]
    if "--port" not in arguments:
        arguments = ["--port", "tcp:0:interface=127.0.0.1", *arguments]
    ran = subprocess.run(
        [BIN / runner[0], *runner[1:], "chat", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=PATIENCE,
        check=False,
    )
    said = [line for line in (ran.stdout + ran.stderr).splitlines() if "chat: " in line]
    assert len(said) == 1
    assert reason in said[0]
    assert "Traceback" not in ran.stdout + ran.stderr
    assert ran.returncode == 1


def test_a_taken_port_is_said_in_one_line(chat: Server, tmp_path: Path) -> None:
    """Exit code 1; and the pid file of the failed start is gone."""
    taken = f"tcp:{chat.port}:interface=127.0.0.1"
    with Program(
        BIN / "twistd", "-n", "--pidfile=second.pid", "chat", "--port", taken, cwd=tmp_path
    ) as second:
        assert second.wait() == 1
        assert f"chat: cannot listen on {taken}: Address already in use" in second.text
        assert "Traceback" not in second.text
    assert not (tmp_path / "second.pid").exists()


def test_help_explains_every_option(tmp_path: Path) -> None:
    """Every option has an explanation, and every number its default."""
    ran = subprocess.run(
        [BIN / "twistd", "chat", "--help"], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    options = "port listen raw no-limits connections burst rate nick-time ping ping-timeout"
    for option in options.split():
        assert f"--{option}" in ran.stdout
    for default in ("55555", "20", "10", "2", "90", "30"):
        assert f"[default: {default}]" in " ".join(ran.stdout.split())
    assert "EPYTEXT" not in ran.stdout


def test_version_is_told(tmp_path: Path) -> None:
    """Which is what a release check asks first."""
    ran = subprocess.run(
        [BIN / "twistd", "chat", "--version"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("chatservice ")


def test_it_runs_under_twist_as_well(tmp_path: Path) -> None:
    """The other runner that comes with Twisted."""
    with Server(tmp_path, runner=("twist",)) as chat, chat.join("alice") as alice:
        alice.say("hello")
        alice.expect("alice: hello")


def test_one_chat_listens_in_many_places(tmp_path: Path) -> None:
    """tcp, tcp6, unix, ssl and tls lead into the same room."""
    certificate = make_certificate(tmp_path / "keys", "localhost")
    listen = [
        "tcp6:0:interface=\\:\\:1",
        f"unix:{tmp_path}/chat.sock",
        f"ssl:0:interface=127.0.0.1:privateKey={certificate}:certKey={certificate}",
        f"tls:{certificate.parent}:0:interface=127.0.0.1",
    ]
    with Server(tmp_path, *(word for at in listen for word in ("--listen", at))) as chat:
        found = chat.expect(r"ChatFactory (?:\(TLS\) )?starting on (\d+)", times=2)
        chat.expect(r"starting on '?.*chat\.sock")
        ports = [int(port) for port in _ports(chat)]
        assert int(found[1]) == ports[1]
        context = ssl.create_default_context(cafile=str(certificate))
        unix = socket.socket(socket.AF_UNIX)
        unix.connect(str(tmp_path / "chat.sock"))
        people = {
            "tcp": chat.connect(),
            "tcp6": Person(socket.create_connection(("::1", ports[1]), PATIENCE)),
            "unix": Person(unix),
            "ssl": Person(_encrypted(context, ports[2])),
            "tls": Person(_encrypted(context, ports[3])),
        }
        for name, person in people.items():
            person.expect("NICK")
            person.say(f"by-{name}")
            person.expect(f"by-{name} joined the chat", "Connected to the server")
        people["tls"].say("hello from everywhere")
        for person in people.values():
            person.until("by-tls: hello from everywhere")
            person.hang_up()


def _ports(chat: Server) -> list[str]:
    import re

    chat.expect(r"starting on \d+", times=4)
    return re.findall(r"starting on (\d+)", chat.text)


def _encrypted(context: ssl.SSLContext, port: int) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
    return context.wrap_socket(plain, server_hostname="localhost")


def test_one_tcp6_endpoint_serves_ipv4_as_well(tmp_path: Path) -> None:
    """As README says; and mapped addresses count as what they are."""
    with (
        Server(tmp_path, "--connections", "1", port="tcp6:0") as chat,
        chat.join("alice"),
        chat.connect() as second,
    ):
        refusal = second.line()
        assert refusal is not None
        assert refusal.endswith("[too-many-connections]")
        with Person(socket.create_connection(("::1", chat.port), PATIENCE)) as six:
            six.expect("NICK")


def test_nothing_crosses_the_wire_in_plaintext_under_tls(tmp_path: Path) -> None:
    """Every byte from the server is looked at; the socket below TLS is never written to."""
    certificate = make_certificate(tmp_path / "keys", "localhost")
    port = f"ssl:0:interface=127.0.0.1:privateKey={certificate}"
    with Server(tmp_path, "--no-limits", port=port) as chat:
        arrived, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=str(certificate))
        tls = context.wrap_bio(arrived, leaving, server_hostname="localhost")
        wire, text = b"", b""
        with socket.create_connection(("127.0.0.1", chat.port), PATIENCE) as sock:
            tls_says = iter([b"alice\r\n" + b"a secret\r\n" * 200])
            while text.count(b"alice: a secret\r\n") < 200:
                try:
                    text += tls.read(1 << 16)
                    if text == b"NICK\r\n":
                        tls.write(next(tls_says))
                except ssl.SSLWantReadError:
                    sock.sendall(leaving.read())
                    data = sock.recv(1 << 16)
                    assert data
                    wire += data
                    arrived.write(data)
    assert len(wire) > 2000
    for plain in (b"NICK", b"alice", b"secret", b"Connected"):
        assert plain not in wire


def test_behind_a_proxy_the_real_address_is_limited(tmp_path: Path) -> None:
    """Two connections from one address behind the proxy, one of them too many; others are free."""
    port = "haproxy:tcp:0:interface=127.0.0.1"
    with Server(tmp_path, "--connections", "1", port=port) as chat:

        def come_from(address: str, nick: str) -> Person:
            person = chat.connect()
            person.send(f"PROXY TCP4 {address} 127.0.0.1 4242 55555\r\n{nick}\r\n".encode())
            person.expect("NICK")
            return person

        with come_from("192.0.2.1", "alice") as alice:
            alice.expect("alice joined the chat", "Connected to the server", CONSENT)
            with come_from("192.0.2.1", "mallory") as mallory:
                refusal = mallory.line()
                assert refusal is not None
                assert refusal.endswith("[too-many-connections]")
                mallory.expect(None)
            with come_from("192.0.2.2", "bob") as bob:
                bob.expect("bob joined the chat", "Connected to the server")
            alice.expect("bob joined the chat")


def test_sigterm_says_goodbye_and_loses_nothing(open_chat: Server) -> None:
    """Everything sent before is delivered, then the goodbye, then the end; within 5 s."""
    with open_chat.join("alice") as alice, open_chat.join("bob") as bob:
        alice.expect("bob joined the chat")
        bob.say(*(f"line {n}" for n in range(500)))
        seen = bob.until("bob: line 250")  # what anybody has seen by now, everybody gets
        assert len(seen) == 250
        open_chat.process.terminate()
        goodbye = "-- The server is closing down. Goodbye!"
        heard = {
            "bob": [*seen, "bob: line 250", *bob.until(goodbye)],
            "alice": alice.until(goodbye),
        }
        for said in heard.values():
            assert said == [f"bob: line {n}" for n in range(len(said))]
            assert len(said) > 250
        alice.expect(None)
        bob.expect(None)
    assert open_chat.process.wait(5) == -signal.SIGTERM or open_chat.process.returncode == 0


def test_sigterm_ends_it_even_if_somebody_does_not_read(open_chat: Server) -> None:
    """A stalled peer holds its last words in the kernel; it is cut off, and the exit is in time."""
    with open_chat.join("stalled"), open_chat.join("bob") as bob:
        text = "x" * 1000
        for _ in range(1000):  # 4 MB: more than the kernel holds for who does not read
            bob.say(*[text] * 4)
            bob.expect(*[f"bob: {text}"] * 4)
        open_chat.process.terminate()
        bob.expect("-- The server is closing down. Goodbye!", None)
        assert open_chat.process.wait(5) in (0, -signal.SIGTERM)


def test_sighup_does_not_end_it(chat: Server) -> None:
    """As when the terminal that started it is closed."""
    with chat.join("alice") as alice:
        chat.process.send_signal(signal.SIGHUP)
        chat.expect("SIGHUP")
        alice.say("still here")
        alice.expect("alice: still here")


def test_systemd_hands_over_a_socket(tmp_path: Path) -> None:
    """Socket activation: the descriptor is there before the chat is."""
    activate = (
        "import os, socket, sys; s = socket.create_server(('127.0.0.1', 0));"
        "os.dup2(s.fileno(), 3); os.set_inheritable(3, True);"
        "os.environ.update(LISTEN_FDS='1', LISTEN_FDNAMES='chat', LISTEN_PID=str(os.getpid()));"
        "print('listening on', s.getsockname()[1], flush=True);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    runner = (sys.executable, "-c", activate, str(BIN / "twistd"), "-n", "--pidfile=")
    with Server(tmp_path, port="systemd:domain=INET:index=0", runner=runner) as chat:
        chat.port = int(chat.expect(r"listening on (\d+)")[1])
        with chat.join("alice") as alice:
            alice.say("hello")
            alice.expect("alice: hello")
