"""The client's command line."""

import argparse
import getpass
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import chatservice
from chatservice.client.secret import VARIABLE

DEFAULT_PORT: Final = 55555

_DESTINATION: Final = re.compile(
    r"(?:(?P<nick>[^@]*)@)?(?:\[(?P<ip6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\[\]:@]+))"
    r"(?::(?P<port>\d{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says.

    :ivar nick: the nickname to offer.
    :ivar host: a name or an IP address, IPv6 without brackets.
    :ivar port: 1 to 65535.
    :ivar tls: whether to use TLS, with the certificate verified.
    :ivar tls_ca: a PEM file of the authorities to trust instead of the system's; None for those.
    :ivar password_file: a file whose first line is the nickname's password; None for none.
    :ivar follow: when piped, whether to print what is said, and to stay.
    """

    nick: str
    host: str
    port: int
    tls: bool
    tls_ca: str | None
    follow: bool
    password_file: str | None = None

    @property
    def private(self) -> bool:
        """Whether nobody between here and the host can read what is sent."""
        return self.tls or _is_here(self.host)


def parse(arguments: Sequence[str] | None = None) -> Settings:
    """Parse the command line.

    :param arguments: without the program's name; None for this process's own.
    :raises SystemExit: with code 2 if it is not usable; with 0 after --help or --version.
    """
    parser = argparse.ArgumentParser(
        prog="chat-client",
        description="Talk in a chatservice chat.\n\n"
        "On a terminal: type and read. /help shows what you can type, Tab completes,\n"
        "Ctrl-D leaves. In a pipe: every line of standard input is said, and the exit\n"
        "code is 0 once all of them were seen. 3: somebody there threw you out or banned you.",
        epilog="for example:\n  chat-client alice@localhost\n"
        '  echo "build done" | chat-client bot@chat.example',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "destination",
        metavar="[nick@]host[:port]",
        help="where to connect (port 55555 unless given), and the nickname to take "
        "(your login name unless given)",
    )
    parser.add_argument("--tls", action="store_true", help="encrypt; the certificate is verified")
    parser.add_argument("--tls-ca", metavar="FILE", help="trust the authorities in FILE (PEM)")
    parser.add_argument(
        "--password-file",
        metavar="FILE",
        help="the nickname's password is the first line of FILE, which nobody else may read; "
        f"or it is in {VARIABLE}. Sent if it is asked for, and only encrypted or to this machine",
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="in a pipe: print what is said, and stay after the last line",
    )
    version = f"chat-client {chatservice.__version__}"
    parser.add_argument("--version", action="version", version=version)
    given = parser.parse_args(arguments)
    found = _DESTINATION.fullmatch(given.destination)
    port = int(found["port"] or DEFAULT_PORT) if found else 0
    if found is None or not 0 < port < 65536:
        parser.error(f"{given.destination!r} is no [nick@]host[:port]")
    if re.search(r"\s", found["nick"] or ""):
        parser.error("a nickname has no blank; a password belongs into --password-file")
    try:
        nick = found["nick"] or getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        parser.error("give a nickname: nick@host")
    return Settings(
        nick=nick,
        host=found["ip6"] or found["host"],
        port=port,
        tls=given.tls or given.tls_ca is not None,
        tls_ca=given.tls_ca,
        follow=given.follow,
        password_file=given.password_file,
    )


def _is_here(host: str) -> bool:
    """Tell whether a host is this machine, by its name or address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
