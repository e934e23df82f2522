"""Certificates of clients: real TLS handshakes, with the certificate, another one, and none."""

import hashlib
import socket
import ssl
from pathlib import Path

import pytest

from tests.end_to_end.harness import PATIENCE, Person, Server
from tests.end_to_end.pem import make_certificate

WORD = "correct horse battery"


def fingerprint(pem: Path) -> str:
    """What the chat should call a certificate."""
    text = pem.read_text("ascii")
    begin = text.index("-----BEGIN CERTIFICATE-----")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text[begin:])).hexdigest()


def connect(
    port: int,
    server: Path,
    own: Path | None = None,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> Person:
    """Come to the question for a nickname."""
    context = ssl.create_default_context(cafile=str(server))
    context.maximum_version = version
    if own is not None:
        context.load_cert_chain(own)
    plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
    person = Person(context.wrap_socket(plain, server_hostname="localhost"))
    person.expect("NICK")
    return person


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("kind", ["ssl", "tls"])
def test_a_certificate_is_known_by_its_fingerprint(
    tmp_path: Path, version: ssl.TLSVersion, kind: str
) -> None:
    """Nobody has signed it but itself; and who has none comes in as well."""
    server = make_certificate(tmp_path / "keys", "localhost")
    alices = make_certificate(tmp_path / "alice", "alice")
    port = {
        "ssl": f"ssl:0:interface=127.0.0.1:privateKey={server}",
        "tls": f"tls:{server.parent}:0:interface=127.0.0.1",
    }[kind]
    with Server(tmp_path, "--no-limits", port=port) as chat:
        alice = connect(chat.port, server, alices, version)
        alice.say("alice", f"/register {WORD}")
        alice.until("-- alice is yours now: the next time, answer NICK with alice PASSWORD.")
        alice.say("/cert", "/cert add", "/cert")
        own = fingerprint(alices)
        alice.expect(
            "-- There are none.",
            f"-- This connection's is {own}: /cert add lets it be one.",
            f"-- alice can log in with {own} from now on.",
            "-- Certificates that you log in with, 1:",
            f"--   {own} (this connection)",
        )
        alice.hang_up()
        again = connect(chat.port, server, alices, version)
        again.say(f"alice {WORD}", "/cert")
        again.until("-- Certificates that you log in with, 1:")
        again.expect(f"--   {own} (this connection)")
        spelled = ":".join(own[at : at + 2].upper() for at in range(0, 64, 2))
        again.say(f"/cert remove {spelled}", "/cert", f"/cert remove {own}", "/cert add it")
        again.expect(
            "-- alice cannot log in with it any more.",
            "-- There are none.",
            f"-- This connection's is {own}: /cert add lets it be one.",
        )
        assert "[bad-arguments]" in (again.line() or "")
        assert "[bad-arguments]" in (again.line() or "")
        bob = connect(chat.port, server, version=version)
        bob.say("bob", "/cert", f"/register {WORD}", "/cert", "/cert add")
        bob.until("! Log in first: /login ACCOUNT PASSWORD. [login-needed]")
        bob.until("-- There are none.")
        bob.expect(
            "! Your connection has no certificate: connect with TLS, and one of your own. "
            "[not-allowed]"
        )
        again.hang_up()
        bob.hang_up()
