"""A shell, a CI job: real curl says, reads and follows, through crashes and revocations."""

import json
import re
import socket
import subprocess
import time
from pathlib import Path

from tests.end_to_end.harness import BIN, PATIENCE, Program, stored
from tests.end_to_end.pem import make_certificate
from tests.end_to_end.programs import PASSWORD, Site, curl, follow, token_of


def ids(program: Program) -> list[int]:
    """Return the numbers of the events that somebody who follows was given."""
    return [int(number) for number in re.findall(r"(?m)^id: (\d+)$", program.text)]


def admin(cwd: Path, *words: str) -> str:
    """Run chat-admin."""
    ran = subprocess.run(
        [BIN / "chat-admin", *words], cwd=cwd, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def test_the_example_of_the_docs(tmp_path: Path) -> None:
    """Say it, read it, be told what is wrong."""
    with Site(tmp_path) as site, site.founder() as alice:
        token = token_of(alice)
        said, answer = curl("-d", "deploy done", site.url(), token=token)
        assert (said, answer["room"], answer["seq"]) == (201, "#ops", 1)
        alice.until("deploy: deploy done")
        status, page = curl(site.url("/rooms/ops/messages?after=0"), token=token)
        assert (status, [one["text"] for one in page["messages"]]) == (200, ["deploy done"])
        assert page["next"] == 1
        for expected, code, *arguments in (
            (401, "token-needed", "-d", "x", site.url()),
            (403, "not-allowed", "-d", "x", site.url("/rooms/lobby/messages"), "-H", "A: b"),
            (404, "no-such-path", site.url("/rooms/ops")),
            (413, "line-too-long", "-d", "x" * 2000, site.url()),
        ):
            status, answer = curl(*arguments, token=token if expected != 401 else "")
            assert (status, answer["code"]) == (expected, code)
        assert site.process.poll() is None
        big = tmp_path / "big"
        big.write_bytes(b"x" * (1 << 24))
        status, _ = curl("--data-binary", f"@{big}", site.url(), token=token)
        assert status in (413, 0), "or the connection was closed while it sent"


def test_a_token_made_in_one_breath_with_its_room(tmp_path: Path) -> None:
    """Whoever sends all of it at once does not have to wait until the room is registered."""
    with Site(tmp_path) as site, site.connect() as alice:
        alice.say("alice", f"/register {PASSWORD}", "/join #ops")
        said, _ = curl("-d", "hello", site.url(), token=token_of(alice))
        assert said == 201


def test_a_key_holds_over_kill_9(tmp_path: Path) -> None:
    """A job that is repeated until it is answered says each line once, whatever happens."""
    key = "Idempotency-Key: build-"
    with Site(tmp_path) as site, site.founder() as alice:
        token = token_of(alice)
        first = curl("-H", f"{key}1", "-d", "one", site.url(), token=token)
        assert first[0] == 201
        sent = follow(site.url(), token, "-H", f"{key}2", "-d", "two")
        with sent:
            alice.until("deploy: two")  # committed; whether it is answered, nobody knows
            site.kill()
    with Site(tmp_path) as site:
        assert curl("-H", f"{key}1", "-d", "one", site.url(), token=token) == first
        again = curl("-H", f"{key}2", "-d", "two", site.url(), token=token)
        assert (again[0], again[1]["seq"]) == (201, 2)
        assert curl("-H", f"{key}2", "-d", "three", site.url(), token=token)[0] == 422
        assert [text for _, _, text in stored(tmp_path / "chat-data", "#ops")] == ["one", "two"]
        assert "~" not in admin(tmp_path, "export", "--room", "#ops")


def test_a_stream_goes_on_where_it_was_over_kill_9(tmp_path: Path) -> None:
    """Last-Event-ID: nothing is lost, nothing comes twice."""
    seen: list[int] = []
    with Site(tmp_path, "--no-limits") as site, site.founder() as alice:
        token = token_of(alice)
        with follow(site.url("/rooms/ops/events?after=0"), token) as stream:
            stream.expect("^:$")
            alice.say(*(f"line {n}" for n in range(1, 301)))
            stream.expect("^id: 200$")
            site.kill()
            stream.wait()
            seen += ids(stream)
    with Site(tmp_path, "--no-limits") as site:
        last = f"Last-Event-ID: {seen[-1]}"
        with follow(site.url("/rooms/ops/events"), token, "-H", last) as stream:
            stream.expect("^:$")
            kept = len(stored(tmp_path / "chat-data", "#ops"))
            for n in range(5):
                assert curl("-d", f"more {n}", site.url(), token=token)[0] == 201
            stream.expect(f"^id: {kept + 5}$")
            seen += ids(stream)
            site.stop()
            stream.expect("event: notice\ndata: .*closing down")
            assert stream.wait() == 0, "it ended as it should"
    assert seen == [*range(1, kept + 6)]


def test_a_stream_ends_when_chat_admin_revokes_the_token(tmp_path: Path) -> None:
    """Beside the running chat, within a second or two; the room learns of both."""
    with Site(tmp_path) as site, site.founder() as alice:
        token = admin(tmp_path, "token", "add", "watcher", "#ops", "--read")
        alice.until("-- The operator lets the bot watcher read here.")
        with follow(site.url("/rooms/ops/events"), token) as stream:
            stream.expect("^:$")
            alice.say("are you there?")
            stream.expect('"text":"are you there\\?"')
            begun = time.monotonic()
            admin(tmp_path, "token", "revoke", "watcher")
            stream.expect('^event: error\ndata: .*"bad-token"')
            assert stream.wait() == 0
            assert time.monotonic() - begun < PATIENCE / 4
        assert curl(site.url(), token=token)[1]["code"] == "bad-token"


def test_who_does_not_read_a_stream_costs_no_memory(tmp_path: Path) -> None:
    """Five stalled streams, ten megabytes of talk; then one of them reads it all, in order."""
    with Site(tmp_path, "--no-limits") as site, site.founder() as alice:
        token = token_of(alice)
        request = (
            f"GET /rooms/ops/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        stalled = []
        for _ in range(5):
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
            sock.settimeout(PATIENCE)
            sock.connect(("127.0.0.1", site.web))
            sock.sendall(request.encode())
            assert sock.recv(100).startswith(b"HTTP/1.1 200")
            stalled.append(sock)
        before, total = site.resident, 0
        with site.join("bob") as bob:
            bob.say("/join #ops", "/quiet on")
            for n in range(20):
                bob.say(*(f"{n * 500 + m} ".ljust(1000, "x") for m in range(500)))
                alice.until(f"bob: {f'{n * 500 + 499} '.ljust(1000, 'x')}")
                total += 500
        assert site.resident - before < 24 << 20, "ten megabytes were said, to five"
        data = b""
        while f"id: {total}\n".encode() not in data:
            more = stalled[0].recv(1 << 16)
            assert more, "it ended early"
            data += more
        found = [int(one) for one in re.findall(rb"\nid: (\d+)\n", data)]
        assert found == [*range(1, total + 1)]
        for sock in stalled:
            sock.close()


def test_the_maker_is_told_what_works(tmp_path: Path) -> None:
    """The example that /token gives, with the host and port filled in."""
    with Site(tmp_path) as site, site.founder() as alice:
        alice.say("/token deploy #ops write")
        lines = alice.until("-- To end it: /token revoke deploy")
        (example,) = [line for line in lines if "curl" in line]
        command = example.partition("For example: ")[2].replace("HOST:PORT", site.url("")[7:])
        ran = subprocess.run(["sh", "-c", f"{command} -sS"], capture_output=True, check=True)
        assert json.loads(ran.stdout)["seq"] == 1
        assert PASSWORD not in site.text
        assert "chat_" not in site.text, "no token is in the log"


def test_over_tls(tmp_path: Path) -> None:
    """A room for encrypted connections, and a stream by TLS."""
    pem = make_certificate(tmp_path / "keys", "localhost")
    web = f"ssl:0:privateKey={pem}:certKey={pem}:interface=127.0.0.1"
    with Site(tmp_path, web=web) as site, site.founder() as alice:
        alice.say("/mode secure")
        token = token_of(alice)
        url = site.url().replace("http:", "https:").replace("127.0.0.1", "localhost")
        trusted = ("--cacert", str(pem), "--resolve", f"localhost:{site.web}:127.0.0.1")
        stream = follow(url.replace("messages", "events"), token, *trusted)
        with stream:
            stream.expect("^:$")
            assert curl(*trusted, "-d", "by tls", url, token=token)[0] == 201
            stream.expect('"text":"by tls"')
            alice.say("/token revoke deploy")
            stream.expect("^event: error$")
            assert stream.wait() == 0
