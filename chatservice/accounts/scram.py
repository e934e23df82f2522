"""The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), and what is kept of a password for it.

    C: n,,n=alice,r=CLIENTS               alice wants in; a nonce
    S: r=CLIENTSSERVERS,s=SALT,i=600000   with what to make keys of the password
    C: c=biws,r=CLIENTSSERVERS,p=PROOF    that the client has such a key
    S: v=SIGNATURE                        that the server knows it, too

The password itself is never sent, and what is kept is of no use for logging in elsewhere. Channels
are not bound: TLS, where there is some, may end at a proxy. Pure: knows no accounts, and no wire
but these messages, which whoever carries them has decoded from base64.
"""

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

MECHANISM: Final = "SCRAM-SHA-256"

ITERATIONS: Final = 600_000
"""Rounds of PBKDF2 of new verifiers, see docs/decisions.md; the standard's least is 4,096."""

SALT: Final = 16
"""Bytes of a salt."""

LONGEST: Final = 1024
"""Bytes of a message from a client."""

_KEY: Final = 32  # bytes of SHA-256
_NONCE: Final = r"[!-+\x2d-~]+"  # printable ASCII without the comma
_FIRST: Final = re.compile(rf"(([ny]|p=[^,]*),(?:a=([^,]+))?,)(n=([^,]+),r=({_NONCE})(?:,.*)?)")
_FINAL: Final = re.compile(rf"(c=([A-Za-z0-9+/=]+),r=({_NONCE})(?:,.*)?),p=([A-Za-z0-9+/=]+)")


class BadMessage(ValueError):
    """What a client sent is no message of this exchange, or none that is understood here."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """What is kept of a password: enough to know it when it is used, not enough to use it.

    :ivar salt: random bytes.
    :ivar iterations: how much work each guess is.
    :ivar stored: what a client's key is compared with (StoredKey).
    :ivar server: with what the server shows that it knows the password (ServerKey).
    """

    salt: bytes
    iterations: int
    stored: bytes = field(repr=False)
    server: bytes = field(repr=False)

    def __str__(self) -> str:
        """Return it as it is kept, in the form of RFC 5803."""
        salt, stored, server = map(_encode, (self.salt, self.stored, self.server))
        return f"{MECHANISM}${self.iterations}:{salt}${stored}:{server}"


def derive(password: str, salt: bytes, iterations: int = ITERATIONS) -> Verifier:
    """Return the verifier of a password; this takes its time, on purpose.

    :param password: in its normal form (passwords.normal).
    """
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    return Verifier(salt, iterations, stored, _hmac(salted, b"Server Key"))


def read_verifier(kept: str) -> Verifier | None:
    """Return a verifier as it was kept; None if that is none."""
    found = re.fullmatch(rf"{MECHANISM}\$(\d{{1,9}}):([^$:]+)\$([^$:]+):([^$:]+)", kept)
    if found is None:
        return None
    try:
        salt, stored, server = map(_decode, found.groups()[1:])
    except BadMessage:
        return None
    if int(found[1]) < 1 or len(stored) != _KEY or len(server) != _KEY:
        return None
    return Verifier(salt, int(found[1]), stored, server)


def nobodys(secret: bytes, name: str, iterations: int = ITERATIONS) -> Verifier:
    """Return what looks like the verifier of a name that has none, always the same one.

    :param secret: known to this server alone: who knew it could tell these from others.
    :param name: folded, as accounts are known.
    """
    made = (_hmac(secret, f"{use} {name}".encode()) for use in ("salt", "stored", "server"))
    salt, stored, server = made
    return Verifier(salt[:SALT], iterations, stored, server)


class _Step(Enum):
    FIRST = auto()
    FINAL = auto()
    OVER = auto()


class Exchange:
    """One exchange, from the client's first message to the server's last.

    :param verifier: returns that of an account, or nobodys.
    :param nonce: the server's part: printable ASCII without a comma, never used before.

    :ivar name: whose the password is said to be; "" before the first message.
    """

    def __init__(self, verifier: Callable[[str], Verifier], nonce: str) -> None:
        self._verifier_of = verifier
        self._nonce = nonce
        self._step = _Step.FIRST
        self.name = ""

    def first(self, message: bytes) -> bytes:
        """Take the client's first message; return the server's.

        :raises BadMessage: if it is none; the exchange is over then.
        """
        text = self._take(message, _Step.FIRST)
        found = _FIRST.fullmatch(text)
        if found is None:
            raise BadMessage("no client-first-message (RFC 5802, section 7)")
        self._header, binding, other, self._bare, name, nonce = found.groups()
        if binding.startswith("p"):
            raise BadMessage("channels are not bound here: use SCRAM-SHA-256 without -PLUS")
        self.name = _unescape(name)
        if other is not None and _unescape(other) != self.name:
            raise BadMessage("nobody acts for another here")
        self._nonce = nonce + self._nonce
        self._verifier = self._verifier_of(self.name)
        salt, iterations = _encode(self._verifier.salt), self._verifier.iterations
        self._reply = f"r={self._nonce},s={salt},i={iterations}"
        self._step = _Step.FINAL
        return self._reply.encode()

    def final(self, message: bytes) -> bytes | None:
        """Take the client's proof; return the server's, or None if the password is another.

        :raises BadMessage: if it is none of this exchange.
        """
        text = self._take(message, _Step.FINAL)
        found = _FINAL.fullmatch(text)
        if found is None:
            raise BadMessage("no client-final-message (RFC 5802, section 7)")
        without_proof, binding, nonce, proof = found.groups()
        same = _decode(binding) == self._header.encode()
        if not same or not hmac.compare_digest(nonce.encode(), self._nonce.encode()):
            raise BadMessage("this belongs to another exchange")
        said = f"{self._bare},{self._reply},{without_proof}".encode()
        signature, given = _hmac(self._verifier.stored, said), _decode(proof)
        if len(given) != _KEY:
            raise BadMessage("a proof has 32 bytes")
        key = bytes(one ^ other for one, other in zip(given, signature, strict=True))
        if not hmac.compare_digest(hashlib.sha256(key).digest(), self._verifier.stored):
            return None
        return b"v=" + _encode(_hmac(self._verifier.server, said)).encode()

    def _take(self, message: bytes, step: _Step) -> str:
        """Return a message as text, if its turn has come."""
        expected, self._step = self._step, _Step.OVER
        if expected is not step:
            raise BadMessage(f"it is not the turn of the {step.name.lower()} message")
        if len(message) > LONGEST:
            raise BadMessage(f"a message has {LONGEST} bytes at most")
        try:
            text = message.decode()
        except UnicodeDecodeError:
            raise BadMessage("not UTF-8") from None
        if "\0" in text:
            raise BadMessage("NUL in a message")
        return text


def _unescape(name: str) -> str:
    """Return a name that was written so that it has no comma and no equals sign (saslname)."""
    if re.search("=(?!2C|3D)", name):
        raise BadMessage("= in a name is written =3D")
    return name.replace("=2C", ",").replace("=3D", "=")


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _encode(data: bytes) -> str:
    return b64encode(data).decode()


def _decode(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadMessage("no base64") from None
