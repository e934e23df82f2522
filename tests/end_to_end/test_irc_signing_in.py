"""Signing in by IRC as WeeChat does, with a password and with a certificate; and what stays of
somebody whose connection is lost.
"""

from pathlib import Path

import pytest

from tests.end_to_end.harness import BIN, Program
from tests.end_to_end.irc import IrcChat, IrcPerson
from tests.end_to_end.irc_clients import WeeChat
from tests.end_to_end.irssi import Irssi
from tests.end_to_end.pem import make_certificate

WORD = "correct horse battery"


def register(chat: IrcChat, nick: str, *, tls: bool = False) -> None:
    """Make an account, by IRC."""
    with IrcPerson(chat.irc, tls=tls) as person:
        person.come_in(nick)
        person.send(f"REGISTER * * :{WORD}")
        assert person.get("REGISTER").params[:2] == ["SUCCESS", nick]
        person.send("QUIT")
        person.until("ERROR")


@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-256"])
def test_weechat_signs_in_with_a_password(tmp_path: Path, mechanism: str) -> None:
    """Under whatever nickname; and the account is shown to who asks."""
    with IrcChat(tmp_path) as chat:
        register(chat, "alice")
        options = {
            "sasl_mechanism": mechanism,
            "sasl_username": "alice",
            "sasl_password": WORD,
        }
        home = tmp_path / "weechat"
        home.mkdir()
        with WeeChat(home, chat.irc, "al", **options) as client:
            client.shows(r"--\|You are now logged in as alice \(\S+\)$")
            client.say("hello", "#lobby")
            with IrcPerson(chat.irc) as bob:
                bob.come_in("bob", caps="account-tag")
                client.say("it is me", "#lobby")
                said = bob.get("PRIVMSG", "#lobby", "it is me")
                assert (said.tags or {}).get("account") == "alice"


def test_irssi_signs_in_with_a_password(tmp_path: Path) -> None:
    """As docs/irc.md says."""
    with IrcChat(tmp_path) as chat:
        register(chat, "alice")
        with Irssi(tmp_path / "irssi", chat.irc, "al") as client:
            given = f'-sasl_username alice -sasl_password "{WORD}" -sasl_mechanism PLAIN'
            client.command(f"/network add {given} chat")
            client.command(f"/server add -network chat 127.0.0.1 {chat.irc}")
            client.command("/disconnect")
            client.command("/connect chat")
            client.comes_in(2)
            client.shows("-!- SASL authentication succeeded")


def test_weechat_is_told_that_the_password_is_wrong(tmp_path: Path) -> None:
    """By SCRAM, where the server never saw it."""
    with IrcChat(tmp_path) as chat:
        register(chat, "alice")
        options = {
            "sasl_mechanism": "scram-sha-256",
            "sasl_username": "alice",
            "sasl_password": "wrong horse battery",
            "sasl_fail": "continue",
        }
        home = tmp_path / "weechat"
        home.mkdir()
        with WeeChat(home, chat.irc, "al", **options) as client:
            client.shows(r"--\|Wrong account or password\.$")


def test_weechat_signs_in_with_its_certificate(tmp_path: Path) -> None:
    """Once the account knows it; who has another is no one in particular."""
    server = make_certificate(tmp_path / "keys", "localhost")
    own = make_certificate(tmp_path / "own", "alice")
    irc = f"ssl:0:interface=127.0.0.1:privateKey={server}"
    with IrcChat(tmp_path, irc=irc) as chat:
        register(chat, "alice", tls=True)
        options = {"ssl": "on", "ssl_verify": "off", "ssl_cert": str(own)}
        home = tmp_path / "weechat"
        home.mkdir()
        with WeeChat(home, chat.irc, "alice", password=f"alice:{WORD}", **options) as client:
            client.shows(r"--\|You are now logged in as alice \(\S+\)$")
            client.ask("cert add")
            client.shows(r"--\|irc\.example: alice can log in with [0-9a-f]{64} from now on\.$")
            client.quit()
        again = tmp_path / "again"
        again.mkdir()
        options |= {"sasl_mechanism": "external"}
        with WeeChat(again, chat.irc, "alice", **options) as client:
            client.shows(r"--\|You are now logged in as alice \(\S+\)$")
        with IrcPerson(chat.irc, tls=True) as nobody:
            nobody.send("CAP LS 302")
            listed = nobody.get("CAP", "*", "LS").params[-1].split()
            assert "sasl=SCRAM-SHA-256,PLAIN" in listed


def test_a_lost_connection_is_taken_up_with_the_password(tmp_path: Path) -> None:
    """With its rooms and what was said there; the others see nothing of it."""
    with IrcChat(tmp_path) as chat:
        register(chat, "alice")
        with IrcPerson(chat.irc) as bob:
            bob.come_in("bob")
            bob.send("JOIN #dev")
            bob.until("366", None, "#dev")
            with IrcPerson(chat.irc) as alice:
                alice.come_in("alice", password=f":{WORD}")
                alice.send("JOIN #dev")
                alice.until("366", None, "#dev")
                bob.until("JOIN", "#dev")
                # The socket closes without a QUIT.
            bob.send("PRIVMSG #dev :where are you?", "PING here")
            assert [line.command for line in bob.until("PONG")] == ["PONG"]
            with IrcPerson(chat.irc) as again:
                again.send("CAP LS 302", "CAP REQ :server-time", "CAP END")
                again.send(f"PASS :{WORD}", "NICK alice", "USER alice 0 * :alice")
                again.until("JOIN", "#dev")
                again.until("366", None, "#dev")
                said = again.get("PRIVMSG", "#dev", "where are you?")
                assert "time" in (said.tags or {})
                again.send("PRIVMSG #dev :here")
                heard = bob.until("PRIVMSG", "#dev", "here")
                assert [line.command for line in heard] == ["PRIVMSG"]


def test_an_admin_that_chat_admin_made_is_one(tmp_path: Path) -> None:
    """By OPER; the verifier for SCRAM is there from the start."""
    added = ("adduser", "root1", "--role", "admin")
    with Program(BIN / "chat-admin", *added, cwd=tmp_path) as program:
        program.say(WORD)
        assert program.wait() == 0
    with IrcChat(tmp_path) as chat:
        with IrcPerson(chat.irc) as person:
            person.come_in("al")
            person.send(f"OPER root1 :{WORD}")
            person.until("381", "al")
            person.until("MODE", "al", "+o")
        home = tmp_path / "weechat"
        home.mkdir()
        options = {
            "sasl_mechanism": "scram-sha-256",
            "sasl_username": "root1",
            "sasl_password": WORD,
        }
        with WeeChat(home, chat.irc, "root1", **options) as client:
            client.shows(r"--\|You are now logged in as root1 \(\S+\)$")
