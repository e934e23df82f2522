"""SASL as IRC carries it: base64 in pieces of 400 bytes (ircv3.net/specs/extensions/sasl-3.1).

    C: AUTHENTICATE PLAIN
    S: AUTHENTICATE +
    C: AUTHENTICATE AGFsaWNlAGNvcnJlY3QgaG9yc2U=
    S: :irc.example.org 900 alice alice!~al@irc.example.org alice :You are now logged in as alice
    S: :irc.example.org 903 alice :You are logged in

A piece of 400 bytes says that more follows, ``+`` stands for none. Pure: what is proved with it is
the core's business (accounts/mechanisms.py), what is answered commands/accounts.py's.
"""

import binascii
from base64 import b64decode, b64encode
from typing import Final

from chatservice.accounts.mechanisms import Proof

PIECE: Final = 400
"""Bytes of base64 in one message."""

MOST_PIECES: Final = 8
"""Pieces of one answer at most: far more than any name and password need."""

_NOTHING: Final = "+"


class BadPiece(ValueError):
    """What a client sent is no base64, or too much of it."""


class TooLong(BadPiece):
    """One piece is longer than a piece may be."""


class Authentication:
    """The attempt of one client to prove who it is, if there is one.

    :ivar busy: whether an answer is looked at just now.
    """

    __slots__ = ("_pieces", "busy", "proof")

    def __init__(self) -> None:
        self.busy = False
        self.proof: Proof | None = None
        self._pieces: list[str] = []

    @property
    def begun(self) -> bool:
        """Whether there is one."""
        return self.proof is not None

    def begin(self, proof: Proof) -> None:
        """Begin with a mechanism."""
        self.proof, self._pieces = proof, []

    def end(self) -> None:
        """Let it be over."""
        self.proof, self._pieces = None, []

    def take(self, piece: str) -> bytes | None:
        """Take a piece of an answer; return the answer if that was the last.

        :raises TooLong: if it has more than PIECE bytes; what came before is forgotten.
        :raises BadPiece: if it is none, or one too many; likewise.
        """
        if len(piece) > PIECE:
            self._pieces = []
            raise TooLong(f"a message has {PIECE} bytes of base64 at most")
        if len(self._pieces) == MOST_PIECES and piece != _NOTHING:
            self._pieces = []
            raise BadPiece("that is too much")
        if piece != _NOTHING:
            self._pieces.append(piece)
            if len(piece) == PIECE:
                return None
        whole, self._pieces = "".join(self._pieces), []
        try:
            return b64decode(whole.encode(), validate=True)
        except (binascii.Error, ValueError):
            raise BadPiece("that is no base64") from None


def pieces(answer: bytes) -> list[str]:
    """Return an answer as the pieces in which it is sent."""
    whole = b64encode(answer).decode()
    found = [whole[start : start + PIECE] for start in range(0, len(whole), PIECE)]
    if not found or len(found[-1]) == PIECE:
        found.append(_NOTHING)
    return found
