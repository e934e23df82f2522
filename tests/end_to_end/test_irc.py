"""The IRC door of a real server, by plain sockets: where it is, who comes in, how it ends."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import BIN, Program, Server
from tests.end_to_end.irc import GUEST, NAME, IrcChat, IrcPerson
from tests.end_to_end.pem import make_certificate

LOOPBACK = "interface=127.0.0.1"
GAP = 6_000_000
"""Bytes said in one room: more than what is kept at hand of it, and than what the kernel holds."""


@pytest.fixture
def irc_chat(tmp_path: Path) -> Iterator[IrcChat]:
    """Run a chat with an IRC door and without limits."""
    with IrcChat(tmp_path, "--no-limits") as server:
        yield server


def test_the_server_goes_by_the_name_it_was_given(irc_chat: IrcChat) -> None:
    """In every line of its own, and in people's masks; nobody's address is shown."""
    with IrcPerson(irc_chat.irc) as alice, irc_chat.join("bob") as bob:
        for line in alice.come_in("alice"):
            assert line.source == NAME
        assert re.fullmatch(rf"alice!~alice@{GUEST}", str(alice.get("JOIN", "#lobby").source))
        alice.send("PRIVMSG #lobby :hello")
        bob.until("alice: hello")
        bob.say("hello yourself")
        said = alice.get("PRIVMSG", "#lobby", "hello yourself")
        assert re.fullmatch(rf"bob!~u@{GUEST}", str(said.source))
        alice.send("PING :are you there")
        pong = alice.get("PONG")
        assert (pong.source, pong.params) == (NAME, [NAME, "are you there"])


def test_without_a_name_it_goes_by_the_hosts(tmp_path: Path) -> None:
    """Which is a name that IRC clients can take for one."""
    with (
        Server(tmp_path, "--irc", f"tcp:0:{LOOPBACK}") as chat,
        IrcPerson(chat.also("IrcFactory")) as alice,
    ):
        greeting = alice.come_in("alice")
        assert {line.source for line in greeting} == {greeting[0].source}
        assert greeting[0].source


def test_over_tls(tmp_path: Path) -> None:
    """As on port 6697."""
    certificate = make_certificate(tmp_path / "keys", "localhost")
    door = f"ssl:0:{LOOPBACK}:privateKey={certificate}:certKey={certificate}"
    with (
        IrcChat(tmp_path, irc=door) as chat,
        IrcPerson(chat.irc, tls=True) as alice,
        chat.join("bob") as bob,
    ):
        alice.come_in("alice")
        bob.until("alice joined the chat")
        alice.send("PRIVMSG #lobby :hello")
        bob.expect("alice: hello")
        with IrcPerson(chat.irc) as plain:  # who forgets TLS learns nothing, and does no harm
            plain.send("NICK mallory", "USER m 0 * :m")
            assert b" 001 " not in plain.rest()
        bob.say("still here")
        alice.get("PRIVMSG", "#lobby", "still here")


def test_behind_a_proxy_the_real_address_is_limited(tmp_path: Path) -> None:
    """Two connections from one address behind the proxy, one of them too many; others are free."""

    def come_from(address: str) -> IrcPerson:
        header = f"PROXY TCP4 {address} 127.0.0.1 4242 6667\r\n"
        return IrcPerson(chat.irc, before=header.encode())

    door = f"haproxy:tcp:0:{LOOPBACK}"
    with (
        IrcChat(tmp_path, "--connections", "1", irc=door) as chat,
        come_from("192.0.2.1") as alice,
    ):
        alice.come_in("alice")
        alice.get("366")
        with come_from("192.0.2.1") as mallory:
            mallory.send("NICK mallory", "USER m 0 * :m")
            *_, last = mallory.lines()
            assert last.command == "ERROR"
        with come_from("192.0.2.2") as bob:
            bob.come_in("bob")
            assert re.fullmatch(rf"bob!~bob@{GUEST}", str(alice.get("JOIN", "#lobby").source))


REQUESTS = {
    "a browser's": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a form's": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n"
    b"NICK mallory\r\nUSER m 0 * :m\r\nPRIVMSG #lobby :buy\r\n",
    "a TLS client's": bytes.fromhex("16030100c8010000c40303") + bytes(180),
}


@pytest.mark.parametrize("request_", REQUESTS)
def test_who_speaks_something_else_is_cut_off(irc_chat: IrcChat, request_: str) -> None:
    """Before anything of it is taken for IRC; nothing is said in the room."""
    with irc_chat.join("bob") as bob:
        with IrcPerson(irc_chat.irc, before=REQUESTS[request_]) as mallory:
            heard = mallory.rest()
        assert b" 001 " not in heard
        bob.say("quiet here")
        bob.expect("bob: quiet here")


def test_garbage_does_no_harm(irc_chat: IrcChat) -> None:
    """Neither before nor after coming in; what is sensible in between is done."""
    dice = random.Random(7)  # noqa: S311
    with irc_chat.join("bob") as bob:
        for n in range(20):
            with IrcPerson(irc_chat.irc) as mallory:
                if n % 2:
                    mallory.come_in(f"mallory{n}")
                    bob.until(f"mallory{n} joined the chat")
                mallory.sock.sendall(dice.randbytes(5000).replace(b"QUIT", b"") + b"\r\n")
                mallory.sock.sendall(
                    b"\r\n@" + b"a" * 9000 + b"\r\n\0\r\n:\r\n@ :\r\n" + b"\n" * 50
                )
                if n % 2:
                    mallory.send("PRIVMSG #lobby :sensible")
                    bob.until(f"mallory{n}: sensible")
            if n % 2:
                bob.until(f"mallory{n} left the chat")
        bob.say("/who")
        bob.until("-- 1 here: bob")
    assert "Traceback" not in irc_chat.text


def test_who_is_too_slow_is_caught_up_and_told_who_is_there(irc_chat: IrcChat) -> None:
    """All lines come, in order, and then the list of who is there now."""
    text = "x" * 400
    count = GAP // 400
    with IrcPerson(irc_chat.irc, small=True) as slow, irc_chat.join("bob") as bob:
        slow.come_in("slow")
        slow.get("366", "slow", "#lobby")
        bob.until("slow joined the chat")
        carol = irc_chat.join("carol")
        for start in range(0, count, 500):
            lines = [f"{n} {text}" for n in range(start, min(start + 500, count))]
            bob.say(*lines)
            bob.until(f"bob: {lines[-1]}")
            carol.until(f"bob: {lines[-1]}")
            if start == 1000:
                carol.say("/nick caroline")
                bob.until("carol is now known as caroline")
        carol.say("/quit")
        bob.until("caroline left the chat")
        carol.hang_up()
        bob.say("the end")
        dave = irc_chat.join("dave")
        slow.sock.settimeout(60)
        heard = slow.until("PRIVMSG", "#lobby", "the end")
        said = [line.params[1].partition(" ")[0] for line in heard if line.command == "PRIVMSG"]
        assert said[:-1] == [str(n) for n in range(count)]
        slow.send("PING :end")
        heard += slow.until("PONG")
        here = {"slow", "bob", "carol"}
        for line in heard:
            match line.command, line.params:
                case "353", [*_, names]:
                    here = set(names.split())
                case "JOIN", _:
                    here.add(line.hostmask.nickname)
                case "QUIT", _:
                    here.discard(line.hostmask.nickname)
                case "NICK", [new]:
                    here.discard(line.hostmask.nickname)
                    here.add(new)
        assert here == {"slow", "bob", "dave"}
        assert any(line.command == "366" for line in heard)
        dave.hang_up()


def test_sigterm_says_goodbye(irc_chat: IrcChat) -> None:
    """What was said before arrives, then ERROR and the end."""
    with IrcPerson(irc_chat.irc) as alice, irc_chat.join("bob") as bob:
        alice.come_in("alice")
        bob.until("alice joined the chat")
        bob.say(*(f"line {n}" for n in range(200)))
        bob.until("bob: line 100")
        irc_chat.process.terminate()
        heard = list(alice.lines())
        said = [line.params[1] for line in heard if line.command == "PRIVMSG"]
        assert said == [f"line {n}" for n in range(len(said))]
        assert len(said) > 100
        assert heard[-1].command == "ERROR"
        assert "The server is closing" in heard[-1].params[-1]
    assert irc_chat.process.wait(5) in (0, -15)


def test_a_token_brings_one_back_after_a_crash(tmp_path: Path) -> None:
    """By PASS: in the same rooms, with what was missed, under the same name, seen to join once."""
    with IrcChat(tmp_path, "--no-limits") as chat:
        with IrcPerson(chat.irc) as alice, chat.join("bob") as bob:
            alice.come_in("alice")
            bob.until("alice joined the chat")
            alice.send("JOIN #dev", "RESUME")
            *_, told = alice.until("NOTICE", "alice")
            while "PASS" not in told.params[-1]:
                told = alice.get("NOTICE", "alice")
            token = told.params[-1].rpartition("PASS ")[2]
            alice.send("PRIVMSG #lobby :mine")
            bob.until("alice: mine")
            alice.send("QUIT :for now")
            assert [*alice.lines()][-1].command == "ERROR"
            bob.until("alice left the chat")
            bob.say("missed")
            bob.expect("bob: missed")
        chat.kill()
    with (
        IrcChat(tmp_path, "--no-limits", again=chat) as chat,
        chat.join("bob") as bob,
        IrcPerson(chat.irc) as alice,
    ):
        alice.come_in("alice", password=token)
        alice.send("PING :end")
        heard = alice.until("PONG")
        rooms = sorted(line.params[0] for line in heard if line.command == "JOIN")
        assert rooms == ["#dev", "#lobby"]
        [missed] = [line.params[1] for line in heard if line.command == "PRIVMSG"]
        assert re.fullmatch(r"\[\d\d:\d\d\] missed", missed)  # without server-time
        bob.expect("alice joined the chat")
        alice.send("PRIVMSG #lobby :back again")
        bob.expect("alice: back again")


COMMANDS = {
    "docs/irc.md": "twistd -n chat --port 55555 --irc 6667",
    "README.md": (
        "twistd -n chat --irc ssl:6697:privateKey=key.pem:certKey=cert.pem"
        " --server-name irc.example"
    ),
}


@pytest.mark.parametrize("page", COMMANDS)
def test_the_commands_of_the_docs_work(tmp_path: Path, page: str) -> None:
    """As they stand there, but at ports of our own."""
    command = COMMANDS[page]
    assert command in (Path(__file__).parents[2] / page).read_text()
    certificate = make_certificate(tmp_path / "keys", "localhost").read_bytes()
    for name in ("key.pem", "cert.pem"):
        (tmp_path / name).write_bytes(certificate)
    if "--port" not in command:
        command += " --port 55555"
    command = re.sub(r"(ssl:)6697|\b(?:55555|6667)\b", rf"\1tcp:0:{LOOPBACK}", command)
    words = command.replace("ssl:tcp:0", "ssl:0").split()[1:]
    with Program(BIN / "twistd", "--pidfile=", *words, cwd=tmp_path) as server:
        port = int(server.expect(r"IrcFactory(?: \(TLS\))? starting on (\d+)")[1])
        with IrcPerson(port, tls="ssl" in command) as alice:
            alice.come_in("alice")
            alice.get("JOIN", "#lobby")
