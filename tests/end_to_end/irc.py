"""A chat with its IRC door, and what speaks IRC to it over a plain socket."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from irctokens.line import Line, tokenise

from tests.end_to_end.browser import WebChat
from tests.end_to_end.harness import PATIENCE

NAME = "irc.example"
GUEST = "guest-[a-z2-7]{8}"
"""A guest's host, as a regular expression."""
"""What the server calls itself before IRC clients."""


class IrcChat(WebChat):
    """A real ``twistd chat`` with the page and the IRC door, on ports of their own choice.

    :param arguments: options of ``twistd chat``.
    :param irc: the endpoint of the IRC door.
    :param again: a server that has ended, whose ports are to be had again.
    """

    irc: int

    def __init__(
        self, cwd: Path, *arguments: str, irc: str = "", again: "IrcChat | None" = None
    ) -> None:
        irc = irc or f"tcp:{again.irc if again else 0}:interface=127.0.0.1"
        super().__init__(cwd, "--irc", irc, "--server-name", NAME, *arguments, again=again)
        self.irc = self.also("IrcFactory")


class IrcPerson:
    """A plain socket that speaks IRC.

    :param tls: whether to encrypt, without a look at the certificate.
    :param before: what is sent first of all, as a proxy does.
    :param small: whether to take as little as can be without reading.
    """

    def __init__(
        self, port: int, *, tls: bool = False, before: bytes = b"", small: bool = False
    ) -> None:
        self.sock = socket.socket()
        self.sock.settimeout(PATIENCE)
        if small:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect(("127.0.0.1", port))
        self.sock.sendall(before)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock)
        self._file = self.sock.makefile("rb")

    def __enter__(self) -> Self:
        """Use it as a context: it hangs up with the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        self.hang_up()

    def send(self, *lines: str) -> None:
        """Send lines, with CR LF at their ends."""
        self.sock.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def line(self) -> Line | None:
        """Return the next line; None after the last. A PING is answered on the way."""
        while True:
            try:
                line = self._file.readline()
            except ConnectionResetError:
                return None
            if not line:
                return None
            assert line.endswith(b"\r\n"), line
            got = tokenise(line[:-2].decode())
            if got.command != "PING":
                return got
            self.send(f"PONG :{got.params[-1]}")

    def rest(self) -> bytes:
        """Return what comes up to the end, whatever it is."""
        heard = b""
        with contextlib.suppress(ConnectionResetError):
            while data := self.sock.recv(1000):
                heard += data
        return heard

    def lines(self) -> Iterator[Line]:
        """Return all lines, to the last."""
        while (line := self.line()) is not None:
            yield line

    def until(self, verb: str, *words: str | None) -> list[Line]:
        """Read up to a line with a verb, whose first parameters are certain ones (None: any).

        :returns: all lines, that one last.
        """
        got: list[Line] = []
        for line in self.lines():
            got.append(line)
            fits = all(word in (None, has) for word, has in zip(words, line.params, strict=False))
            if line.command == verb and fits and len(words) <= len(line.params):
                return got
        raise AssertionError(f"no {verb} {words} after {got}")

    def get(self, verb: str, *words: str | None) -> Line:
        """Read up to a line; return it."""
        return self.until(verb, *words)[-1]

    def come_in(self, nick: str, *, password: str = "", caps: str = "") -> list[Line]:
        """Register; return what the server says to it, up to the end of its greeting."""
        if password:
            self.send(f"PASS {password}")
        if caps:
            self.send("CAP LS 302", f"CAP REQ :{caps}", "CAP END")
        self.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
        return self.until("422")

    def hang_up(self) -> None:
        """Close the connection."""
        self._file.close()
        self.sock.close()
