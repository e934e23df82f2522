"""Prometheus at a running chat: a real twistd, people who talk, and what /metrics says of them."""

import http.client
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.harness import BIN, PATIENCE, Program, Server

ANYWHERE = "tcp:0:interface=127.0.0.1"


class Prometheus:
    """Somebody who looks at a server's metrics."""

    def __init__(self, server: Server) -> None:
        self.port = server.also("MetricsSite")

    def get(self, path: str = "/metrics") -> str:
        """Return what is at a path."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    def values(self) -> dict[str, float]:
        """Return every sample by its name and labels."""
        return {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in text_string_to_metric_families(self.get())
            for sample in family.samples
        }

    def wait(self, name: str, good: Callable[[float], bool]) -> float:
        """Look until a number is good; return it."""
        until = time.monotonic() + PATIENCE
        while not good(value := self.values().get(name, 0.0)):
            assert time.monotonic() < until, f"{name} is {value}"
        return value


@pytest.fixture
def measured(tmp_path: Path) -> Iterator[Server]:
    """Run a chat with metrics, and a door for each kind of client."""
    doors = ("--raw", ANYWHERE, "--web", ANYWHERE, "--metrics", ANYWHERE)
    with Server(tmp_path, "--no-limits", *doors) as server:
        yield server


def test_the_numbers_move_as_people_talk(measured: Server) -> None:
    """Lines, deliveries, commits and refusals are those that there were."""
    prometheus = Prometheus(measured)
    before = prometheus.values()
    assert before["chatservice_connections line"] == 0
    assert before["chatservice_connections raw"] == 0
    assert before["chatservice_connections websocket"] == 0
    with measured.join("alice") as alice, measured.join("bob") as bob:
        alice.expect("bob joined the chat")
        alice.say("hello", "/nonsense")
        bob.expect("alice: hello")
        alice.expect("alice: hello")
        assert "unknown-command" in (alice.line() or "")
        after = prometheus.values()
    assert after["chatservice_connections line"] == after["chatservice_people"] == 2
    assert after["chatservice_messages_total said"] == 1
    assert after["chatservice_deliveries_total"] == 2 + 1 + 2  # the line, and who joined
    assert after["chatservice_commit_seconds_count"] == 1
    assert after["chatservice_refusals_total unknown-command"] == 1
    assert after["chatservice_history_trouble"] == 0
    assert after["chatservice_history_size_bytes"] > 0
    assert after["process_resident_memory_bytes"] > 1e7
    prometheus.wait("chatservice_connections line", lambda count: count == 0)
    assert prometheus.values()["chatservice_connections_accepted_total line"] == 2


def test_who_does_not_read_is_seen_until_it_has_read(measured: Server) -> None:
    """A stalled client is one member behind, not a mystery."""
    prometheus = Prometheus(measured)
    with measured.join("alice") as alice, measured.connect() as bob:
        bob.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        bob.expect("NICK")
        bob.say("bob")
        bob.until("Connected to the server")
        alice.expect("bob joined the chat")
        said = 0
        while not prometheus.values()["chatservice_members_stalled"]:
            alice.say(*["x" * 1000] * 200)
            alice.expect(*[f"alice: {'x' * 1000}"] * 200)
            said += 200
            assert said < 20_000
        bob.say("/quit")
        while bob.line() is not None:
            pass
        prometheus.wait("chatservice_members_stalled", lambda count: count == 0)


def test_connections_that_are_not_let_in_are_counted(tmp_path: Path) -> None:
    """One address, one connection; a browser at the door of lines is none."""
    with Server(tmp_path, "--connections", "1", "--metrics", ANYWHERE) as server:
        prometheus = Prometheus(server)
        with server.connect() as alone, server.connect() as other:
            alone.expect("NICK")
            assert "too-many-connections" in (other.line() or "")
            assert other.line() is None
        prometheus.wait("chatservice_connections line", lambda count: count == 0)
        with server.connect() as browser:
            browser.expect("NICK")
            browser.send(b"GET / HTTP/1.1\r\n\r\n")
            assert browser.line() is None
        values = prometheus.values()
        assert values["chatservice_connections_refused_total too-many-connections"] == 1
        assert values["chatservice_connections_refused_total foreign"] == 1


def test_a_page_from_elsewhere_is_counted(measured: Server) -> None:
    """It is not let in, and the operator sees that somebody tries."""
    prometheus, web = Prometheus(measured), measured.also("Site")
    headers = {
        "Origin": "https://elsewhere.example",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    page = http.client.HTTPConnection("127.0.0.1", web, timeout=PATIENCE)
    page.request("GET", "/ws", headers=headers)
    assert page.getresponse().status == 403
    page.close()
    assert prometheus.values()["chatservice_connections_refused_total origin"] == 1


def test_there_is_nothing_but_metrics(measured: Server) -> None:
    """No page, no WebSocket."""
    prometheus = Prometheus(measured)
    for path in ("/", "/ws", "/metrics/"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            prometheus.get(path)
        assert refused.value.code == 404
        refused.value.close()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(
            f"http://127.0.0.1:{prometheus.port}/metrics", data=b"x", timeout=PATIENCE
        )
    assert refused.value.code == 405
    refused.value.close()


def test_a_port_number_is_open_to_this_machine_alone(tmp_path: Path) -> None:
    """Who wants more says so with an endpoint description."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Server(tmp_path, "--metrics", str(port)) as server:
        assert Prometheus(server).port == port
        listening = Path(f"/proc/{server.process.pid}/net/tcp").read_text("utf-8")
        assert f" 0100007F:{port:04X} 00000000:0000 0A" in listening
        assert f" 00000000:{port:04X} " not in listening


def test_an_endpoint_that_is_none_is_refused(tmp_path: Path) -> None:
    """With one line, as for every door."""
    command = ("twistd", "-n", "--pidfile=", "chat", "--metrics", "nonsense:1")
    with Program(BIN / command[0], *command[1:], cwd=tmp_path) as program:
        assert program.wait() == 1
        program.expect("chat: cannot use endpoint nonsense:1")
