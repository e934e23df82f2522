"""Behind HAProxy, by the configuration that docs/admin.md gives."""

import http.client
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import PATIENCE, Server, tool
from tests.end_to_end.pem import make_certificate
from tests.end_to_end.web import Peer

DOCS = Path(__file__).parents[2] / "docs" / "admin.md"
ORIGIN = "https://chat.example"  # as in the docs
FAR = "127.0.0.9"


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Server]:
    """Run a chat as the docs say, for a proxy that tells addresses."""
    web = "haproxy:tcp:0:interface=127.0.0.1"
    with Server(tmp_path, "--web", web, "--web-origin", ORIGIN) as server:
        yield server


@pytest.fixture
def front(chat: Server, tmp_path: Path) -> Iterator[int]:
    """Run HAProxy before it; the port is ours, so that nobody takes it meanwhile."""
    found = re.search(r"^```\n(defaults\n.*?)^```$", DOCS.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    with socket.create_server(("127.0.0.1", 0)) as listening:
        changes = {
            ":443": f"fd@{listening.fileno()}",
            "/etc/haproxy/chat.pem": str(make_certificate(tmp_path / "tls", "localhost")),
            "127.0.0.1:8055": f"127.0.0.1:{chat.also('Site')}",
        }
        config = found[1]
        for documented, here in changes.items():
            assert config.count(documented) == 1
            config = config.replace(documented, here)
        path = tmp_path / "haproxy.cfg"
        path.write_text(config)
        command = [tool("haproxy"), "-db", "-f", str(path)]
        proxy = subprocess.Popen(command, pass_fds=[listening.fileno()])
        try:
            yield listening.getsockname()[1]
        finally:
            proxy.terminate()
            proxy.wait(PATIENCE)


def test_a_page_through_haproxy_is_encrypted(front: int) -> None:
    """To browsers: their cookie goes by that."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    web = http.client.HTTPSConnection("127.0.0.1", front, timeout=PATIENCE, context=context)
    web.request("GET", "/", headers={"Host": "chat.example"})
    answer = web.getresponse()
    assert answer.status == 200
    assert answer.getheader("Set-Cookie", "").startswith("__Host-chat=")
    web.close()


def test_haproxy_tells_who_comes(chat: Server, front: int) -> None:
    """Browsers at https:// get in, from the address where they are; pages from elsewhere do not."""
    with Peer(front, f"Origin: {ORIGIN}", tls=True, source=FAR) as alice:
        assert alice.answer.startswith("HTTP/1.1 101 ")
        alice.join("alice")
        chat.expect(f"'alice' joined from '{FAR}'")
        with Peer(front, "Origin: https://elsewhere.example", tls=True) as other:
            assert other.answer.startswith("HTTP/1.1 403 ")
        alice.ask("say", id="s", room="#lobby", text="by proxy")
        alice.until("said", text="by proxy")
