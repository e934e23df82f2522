"""Runs a server that refuses to be root and asks for everybody's name: ircd-hybrid.

As root it is run as nobody, and is told of a name server of our own that knows no names: how fast
the machine's one answers is not what we measure. As anybody else it is run as it is. Must not know
what is measured.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME_SERVER = "127.0.53.53"
NO_SUCH_NAME = b"\x81\x83"
"""A response; recursion desired and available; RCODE 3 (RFC 1035, section 4.1.1)."""

SCRIPT = (
    'mount --bind "$0" /etc/resolv.conf'
    ' && exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"'
)


def command(directory: Path) -> list[str]:
    """Return what to put before the server's command.

    :param directory: where to write the list of name servers; anybody must be able to read it.
    """
    if os.geteuid():
        return []
    servers = directory / "resolv.conf"
    servers.write_text(f"nameserver {NAME_SERVER}\n")
    return ["unshare", "--mount", "sh", "-c", SCRIPT, str(servers)]


@contextmanager
def answering() -> Iterator[None]:
    """Answer whoever asks for a name that there is none, until the end of the block."""
    if os.geteuid():
        yield
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((NAME_SERVER, 53))
        thread = threading.Thread(target=_answer, args=(server,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.sendto(b"", server.getsockname())
            thread.join()


def _answer(server: socket.socket) -> None:
    while True:
        asked, asker = server.recvfrom(512)
        if not asked:
            return
        server.sendto(asked[:2] + NO_SUCH_NAME + asked[4:6] + bytes(6) + asked[12:], asker)
