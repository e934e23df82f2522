"""A browser's side of a real connection, without a browser."""

import json
import socket
import ssl
import struct
from types import TracebackType
from typing import Self, cast

from tests.doors.web import CLOSE, PING, PONG, TEXT, handshake, peer_frame
from tests.end_to_end.harness import PATIENCE

Shown = dict[str, object]


class Peer:
    """A WebSocket over a plain socket, or over TLS.

    :param cookie: the browser's; "" for none.
    :param before: what is sent first of all, as a proxy does.
    :param source: the address to come from; "" for any.
    :param small: whether to take as little as can be without reading.

    :ivar answer: the status and headers with which the server began.
    """

    def __init__(
        self,
        port: int,
        *headers: str,
        cookie: str = "",
        tls: bool = False,
        before: bytes = b"",
        source: str = "",
        small: bool = False,
    ) -> None:
        self.sock = socket.socket()
        self.sock.settimeout(PATIENCE)
        if small:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect(("127.0.0.1", port))
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock)
        self._file = self.sock.makefile("rb")
        cookies = [f"Cookie: chat={cookie}"] if cookie else []
        self.sock.sendall(before + handshake(*cookies, *headers))
        lines: list[str] = []
        while line := self._file.readline().strip():
            lines.append(line.decode())
        self.answer = "\n".join(lines)

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

    def ask(self, do: str, **fields: object) -> None:
        """Send a request."""
        self.sock.sendall(peer_frame(json.dumps({"do": do, **fields}).encode()))

    def take(self) -> Shown | int | None:
        """Return the next object; the code with which the server closes; None at the end."""
        while True:
            head = self._file.read(2)
            if len(head) < 2:
                return None
            opcode, length = head[0] & 0x0F, head[1]
            if length == 126:
                (length,) = struct.unpack("!H", self._file.read(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self._file.read(8))
            payload = self._file.read(length)
            if opcode == TEXT:
                return cast("Shown", json.loads(payload))
            if opcode == CLOSE:
                (code,) = struct.unpack("!H", payload[:2])
                return int(code)
            if opcode == PING:
                self.sock.sendall(peer_frame(payload, PONG))

    def until(self, kind: str, **fields: object) -> list[Shown]:
        """Read up to an object of a type, with certain fields; return all, that one last."""
        found: list[Shown] = []
        while True:
            one = self.take()
            assert isinstance(one, dict), f"{one} after {found}"
            found.append(one)
            if one["type"] == kind and fields.items() <= one.items():
                return found

    def join(self, nick: str, **fields: object) -> Self:
        """Offer a nickname and wait until one is in."""
        self.ask("nick", id="in", nick=nick, **fields)
        self.until("done", id="in")
        return self

    def closed(self) -> int | None:
        """Read to the last word; return its code, answer it, and see the connection end."""
        code = self.take()
        while isinstance(code, dict):
            code = self.take()
        if code is not None:
            self.sock.sendall(peer_frame(struct.pack("!H", code), CLOSE))
            assert self.take() is None
        return code

    def hang_up(self) -> None:
        """Close the connection."""
        self._file.close()
        self.sock.close()
