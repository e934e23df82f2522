"""The WebSocket door and the web server with the real twistd."""

import http.client
import json
import re
import resource
import signal
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.web import peer_frame
from tests.end_to_end.harness import Program, Server, tool
from tests.end_to_end.pem import make_certificate
from tests.end_to_end.web import Peer

WEB = ("--web", "tcp:0:interface=127.0.0.1")
HOUSE = Path(__file__).parent.parent.parent


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Server]:
    """Run a chat with a web server and without limits."""
    with Server(tmp_path, *WEB, "--no-limits") as server:
        yield server


def cookie_from(port: int) -> str:
    """Open the page; return the cookie that it gives."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200
    found = re.match(r"chat=([^;]+);", answer.headers["Set-Cookie"])
    assert found is not None
    return found[1]


def test_a_browser_and_a_line_client_are_in_one_room(web: Server) -> None:
    """What one says the other hears, in order, and goodbyes are said."""
    with Peer(web.also("ChatSite")) as alice, web.join("bob") as bob:
        alice.join("alice")
        bob.expect("alice joined the chat")
        alice.ask("say", room="#lobby", text="hello", id=1)
        alice.until("done", id=1)
        bob.expect("alice: hello")
        bob.say("hi")
        assert alice.until("said")[-1]["text"] == "hi"
        alice.ask("quit")
        assert alice.closed() == 1000
        bob.expect("bob: hi", "alice left the chat")
    assert "Traceback" not in web.text


def test_a_page_from_elsewhere_may_not_connect(tmp_path: Path) -> None:
    """Its browser is refused in the handshake; the operator may allow for it."""
    origins = ("--web-origin", "https://other.example/", "--web-origin", "http://chat.example")
    with Server(tmp_path, *WEB, *origins) as chat:
        port = chat.also("ChatSite")
        for origin, status in (
            ("http://evil.example", "403"),
            ("null", "403"),
            ("http://chat.example", "101"),
            ("https://other.example", "101"),
        ):
            with Peer(port, f"Origin: {origin}") as peer:
                assert peer.answer.split()[1] == status, origin


def test_the_server_says_that_it_closes(web: Server) -> None:
    """Everybody hears it and is closed with 1001; idle HTTP connections end."""
    port = web.also("ChatSite")
    idle = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    idle.request("GET", "/healthz")
    assert json.loads(idle.getresponse().read()) == {"status": "ok"}
    with Peer(port) as alice:
        alice.join("alice")
        web.process.terminate()
        assert alice.until("notice")[-1]["text"] == "The server is closing down. Goodbye!"
        assert alice.closed() == 1001
    assert idle.sock is not None
    assert idle.sock.recv(1) == b""
    idle.close()
    assert web.wait() == -signal.SIGTERM


def test_a_huge_message_costs_no_memory(web: Server) -> None:
    """It is refused when its length is known, and dropped as it comes."""
    port = web.also("ChatSite")
    with Peer(port) as alice:
        alice.join("alice")
        before = web.resident
        frame = peer_frame(b"", mask=b"\0\0\0\0")
        head = frame[:1] + b"\xff" + (100 << 20).to_bytes(8, "big") + b"\0\0\0\0"
        alice.sock.sendall(head)
        sent = 0
        try:
            while sent < 100 << 20:
                alice.sock.sendall(bytes(1 << 20))
                sent += 1 << 20
        except OSError:  # it is cut off after a second, however far it came
            pass
        assert web.resident - before < 20_000_000
    with Peer(port) as alice:
        alice.join("alice2")
        alice.sock.sendall(head[:10] + bytes(4))
        assert alice.closed() == 1009
    assert "Traceback" not in web.text


def test_stalled_browsers_hold_up_nobody(web: Server) -> None:
    """A hundred that do not read: a healthy one gets all, and memory stays where it was."""
    port = web.also("ChatSite")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft > 300 or hard > 300
    stalled = [Peer(port, small=True) for _ in range(100)]
    for n, peer in enumerate(stalled):
        peer.ask("nick", nick=f"stalled{n}")
    try:
        with Peer(port) as reader, Peer(port) as writer:
            reader.join("reader")
            writer.join("writer")
            before = web.resident
            text = "x" * 1000
            for start in range(0, 1000, 100):
                for n in range(start, start + 100):
                    writer.ask("say", room="#lobby", text=f"{n} {text}"[:1000], id=n)
                writer.until("done", id=start + 99)
            heard: list[str] = []
            while len(heard) < 1000:
                one = reader.until("said")[-1]
                heard.append(str(one["text"]).split(" ")[0])
            assert heard == [str(n) for n in range(1000)]
            assert web.resident - before < 40_000_000
    finally:
        for peer in stalled:
            peer.hang_up()
    assert "Traceback" not in web.text


def test_a_stalled_browser_gets_all_when_it_reads(web: Server) -> None:
    """In order, each line once."""
    port = web.also("ChatSite")
    with Peer(port, small=True) as stalled, Peer(port) as writer:
        stalled.join("stalled")
        writer.join("writer")
        for start in range(0, 3000, 100):
            for n in range(start, start + 100):
                writer.ask("say", room="#lobby", text=f"{n} ".ljust(900, "x"), id=n)
            writer.until("done", id=start + 99)
        for n in range(3000):
            assert str(stalled.until("said")[-1]["text"]).split(" ")[0] == str(n)


def test_a_tab_comes_back_after_a_crash(tmp_path: Path) -> None:
    """With nothing lost and nothing twice."""
    options = (*WEB, "--no-limits", "--data", "data")
    with Server(tmp_path, *options) as chat:
        port = chat.also("ChatSite")
        cookie = cookie_from(port)
        with Peer(port, cookie=cookie) as alice, Peer(port) as bob:
            alice.join("alice", tab="t")
            bob.join("bob")
            for n in range(20):
                bob.ask("say", room="#lobby", text=f"line {n}", id=n)
                bob.until("done", id=n)
            heard = [alice.until("said")[-1] for _ in range(10)]
            chat.kill()
    with Server(tmp_path, *options) as chat:
        port = chat.also("ChatSite")
        with Peer(port, cookie=cookie) as alice, Peer(port) as other:
            read = {"#lobby": heard[-1]["seq"]}
            other.ask("return", id=1, nick="alice", tab="t", read=read)
            assert other.until("error", id=1)[-1]["code"] == "bad-token"
            alice.ask("return", id=1, nick="alice", tab="t", read=read)
            heard += [one for one in alice.until("done", id=1) if one["type"] == "said"]
            assert [one["text"] for one in heard] == [f"line {n}" for n in range(20)]
            assert [one["seq"] for one in heard] == list(range(1, 21))
            with Peer(port, cookie=cookie) as again:
                again.ask("return", id=1, nick="alice", tab="t")
                again.until("done", id=1)
                assert alice.closed() == 4001


def test_it_speaks_tls(tmp_path: Path) -> None:
    """Page, cookie and WebSocket; the origin is another then."""
    certificate = make_certificate(tmp_path / "keys", "chat.example")
    at = f"ssl:0:interface=127.0.0.1:privateKey={certificate}"
    with Server(tmp_path, "--web", at) as chat:
        port = chat.also("ChatSite")
        with Peer(port, "Origin: http://chat.example", tls=True) as peer:
            assert peer.answer.split()[1] == "403"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        page = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
        page.request("GET", "/")
        cookie = page.getresponse().headers["Set-Cookie"].split("; ")
        page.close()
        assert cookie[0].startswith("__Host-chat=")
        assert "Secure" in cookie
        for planted, code in ((f"chat={'p' * 43}", "bad-token"), (cookie[0], None)):
            with Peer(port, f"Cookie: {planted}", tls=True) as alice:
                alice.join(f"a{bool(code)}", tab="t")
                with Peer(port, f"Cookie: {planted}", tls=True) as again:
                    again.ask("return", id=1, nick=f"a{bool(code)}", tab="t")
                    got = again.until("error" if code else "done", id=1)[-1]
                    assert got.get("code") == code
        with (
            Peer(port, "Origin: https://chat.example", tls=True) as alice,
            Peer(port, tls=True) as bob,
        ):
            alice.join("alice")
            bob.join("bob")
            for n in range(10):
                alice.ask("say", room="#lobby", text=f"{n} ".ljust(1000, "x"))
                assert str(bob.until("said")[-1]["text"]).startswith(f"{n} ")
            bob.ask("quit")
            assert bob.closed() == 1000
        assert chat.stop() == -signal.SIGTERM
    assert "Traceback" not in chat.text


def test_behind_a_proxy_the_address_is_the_peers(tmp_path: Path) -> None:
    """For the limit on connections."""
    at = "haproxy:tcp:0:interface=127.0.0.1"
    with Server(tmp_path, "--web", at, "--connections", "1") as chat:
        port = chat.also("ChatSite")

        def proxied(address: str) -> bytes:
            return f"PROXY TCP4 {address} 192.0.2.9 1000 80\r\n".encode()

        with (
            Peer(port, before=proxied("192.0.2.1")) as one,
            Peer(port, before=proxied("192.0.2.2")) as other,
            Peer(port, before=proxied("192.0.2.1")) as over,
        ):
            one.join("one")
            other.join("other")
            assert over.until("error")[-1]["code"] == "too-many-connections"
            assert over.closed() == 1008


def test_the_autobahn_cases_pass(tmp_path: Path) -> None:
    """All but those about speed and compression, against the protocol that the chat uses."""
    kosoku = Path(sys.executable).parent / "kosoku"
    if not kosoku.exists():
        tool("kosoku")
    with Program(sys.executable, "-m", "tests.end_to_end.echo", cwd=HOUSE) as echo:
        port = echo.expect(r"ChatSite starting on (\d+)")[1]
        without = [word for cases in ("9.*", "12.*", "13.*") for word in ("-x", cases)]
        command = ["-m", "fuzzingclient", *without, "-o", "out", f"ws://127.0.0.1:{port}/ws"]
        with Program(kosoku, *command, cwd=tmp_path) as client:
            client.process.wait(120)
        (report,) = json.loads((tmp_path / "out" / "index.json").read_text()).values()
        good = ("OK", "NON-STRICT", "INFORMATIONAL")
        bad = {
            case: result
            for case, result in report.items()
            if {result["behavior"], result["behaviorClose"]} - {*good}
        }
        assert bad == {}
        assert len(report) > 200
        assert "Traceback" not in echo.text
