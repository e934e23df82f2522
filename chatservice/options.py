"""The command line of ``twistd chat``: what may be said there, and what it means."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import AuthOptionMixin
from twisted.python import usage

import chatservice
from chatservice.delivery.past import MOST_LINES
from chatservice.durations import DAY, parse_duration
from chatservice.errors import ChatError
from chatservice.limits import SHARED, STRIKES, UNLIMITED, Limits
from chatservice.names import LOBBY, check_room
from chatservice.retention import Retention, parse_retention
from chatservice.text import MAX_LINE, clean

DEFAULT_PORT: Final = "55555"
SMALLEST: Final = 0.001
LARGEST: Final = 1_000_000

MAX_MOTD: Final = 16 << 10
"""The longest message of the day, in bytes."""


class CannotStart(SystemExit, Exception):
    """Ends the program with one clear line and exit code 1.

    It is an Exception as well, so that twistd on its way out removes its pid file and tells the
    parent of a daemon.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"chat: {reason}")


class Options(usage.Options, AuthOptionMixin):
    """The command line of ``twistd chat``."""

    supportedInterfaces = (IUsernamePassword,)
    synopsis = "[chat options]"
    longdesc = (
        "A chat for anybody with nc, telnet, chat-client, a browser (--web) or an IRC client "
        "(--irc). An ENDPOINT is a port number "
        "or a Twisted endpoint description, for example tcp6:55555, "
        "ssl:6697:privateKey=key.pem:certKey=cert.pem, unix:/run/chat.sock, systemd:domain=INET:"
        "index=0, or haproxy:tcp:55555 behind a proxy that speaks the PROXY protocol. "
        f"A line has at most {MAX_LINE:,} bytes. A connection ends after {Limits().nick_tries} "
        "refused nicknames and, unless with --no-limits, after "
        f"{STRIKES} lines in a row over the rate."
    )
    optParameters = [  # noqa: RUF012  # usage.Options reads them from here
        ["port", "p", DEFAULT_PORT, "ENDPOINT to listen on for plain text lines."],
        ["raw", None, None, "ENDPOINT for the tutorials' own client, which sends no line ends."],
        ["web", None, None, "ENDPOINT for browsers: the page, WebSocket (also IRC) and HTTP."],
        ["irc", None, None, "ENDPOINT for IRC clients, usually 6667, or ssl:6697:... for TLS."],
        ["server-name", None, None, "What IRC clients see as the server; by default this host."],
        ["motd", None, None, "FILE with the message of the day, which IRC clients are shown."],
        [
            "metrics",
            None,
            None,
            "ENDPOINT for Prometheus, at /metrics; a port number is open to this machine alone.",
        ],
        ["data", None, "chat-data", "Directory of the history; :memory: keeps nothing on disk."],
        ["lobby", None, LOBBY, "ROOM in which everybody starts, with or without its #."],
        ["backlog", None, "20", "Lines from before that somebody who joins is shown."],
        [
            "absence",
            None,
            "60",
            "Seconds that a lost connection's nickname waits for its token.",
        ],
        [
            "account-expiry",
            None,
            None,
            "How long an account is kept whose owner does not come, for example 365d; "
            "admins' are always kept, and all others without this.",
        ],
        ["nick-time", None, "20", "Seconds in which a new connection must give its nickname."],
        ["burst", None, "10", "Lines that a person may send at once."],
        ["rate", None, "2", "Lines a second that a person may send after that."],
        ["connections", None, "10", "Connections from one IPv4 address or IPv6 /64 network."],
        ["ping", None, "90", "Seconds of silence before a connection is asked for a sign of life."],
        ["ping-timeout", None, "30", "Seconds after that in which it must answer."],
    ]
    optFlags = [  # noqa: RUF012
        [
            "no-limits",
            None,
            "No limits on time, lines, connections and logins from an address: "
            "for trusted networks only.",
        ],
        ["irc-no-lobby", None, "IRC clients come in without being in any room: they join them."],
        [
            "allow-plaintext-login",
            None,
            "Accept passwords over a network without TLS, where others can read them.",
        ],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []
        self["keep"] = []
        self["web-origins"] = []
        self["credCheckers"] = []
        self.motd: list[str] = []
        self.retention = Retention()
        self.expiry: float | None = None
        self.docs["burst"] += f" An address may send {SHARED} times as many, and as fast."

    def opt_listen(self, endpoint: str) -> None:
        """One more ENDPOINT for plain text lines; may be given several times."""
        self["listen"].append(endpoint)

    def opt_keep(self, keep: str) -> None:
        """How long lines are kept: 90d, 100000 (lines) or forever; of one room: #ops=7d."""
        self["keep"].append(keep)

    def opt_web_origin(self, origin: str) -> None:
        """Where browsers see our page, or another page that may connect, like https://example.com;
        may be given several times. Without it any name that leads here will do; behind a proxy that
        speaks TLS in our place it is needed.
        """
        self["web-origins"].append(origin.lower().rstrip("/"))

    def opt_version(self) -> None:
        """Show the version and exit."""
        print(f"chatservice {chatservice.__version__}")  # noqa: T201
        raise SystemExit(0)

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse the command line.

        :raises CannotStart: if it is not usable.
        """
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            raise CannotStart(f"{error} (see twistd chat --help)") from None

    def postOptions(self) -> None:
        """Turn words into numbers, and into the name of a room.

        :raises UsageError: if a number is none, or is not above 0; if no room can be called so.
        """
        for name in (
            *("nick-time", "burst", "rate", "connections", "ping", "ping-timeout", "absence"),
        ):
            text = self[name]
            try:
                self[name] = float(text)
            except ValueError:
                self[name] = math.nan
            if not (SMALLEST <= self[name] <= LARGEST or (name == "absence" and self[name] == 0)):
                raise usage.UsageError(
                    f"--{name} needs a number from {SMALLEST} to {LARGEST:,}, not {text!r}"
                )
        try:
            self.retention = parse_retention(self["keep"])
        except ValueError as error:
            raise usage.UsageError(f"--keep: {error}") from None
        try:
            self["lobby"] = check_room("#" + self["lobby"].removeprefix("#"))
        except ChatError as refusal:
            raise usage.UsageError(f"--lobby: {refusal.message}") from None
        if self["account-expiry"] is not None:
            try:
                self.expiry = parse_duration(self["account-expiry"])
            except ValueError as error:
                raise usage.UsageError(f"--account-expiry: {error}") from None
            if self.expiry < DAY:
                raise usage.UsageError("--account-expiry: keep accounts for a day at least")
        if not re.fullmatch("[0-9]{1,4}", self["backlog"]) or int(self["backlog"]) > MOST_LINES:
            raise usage.UsageError(f"--backlog needs a number from 0 to {MOST_LINES}")
        for origin in self["web-origins"]:
            if not re.fullmatch(r"https?://[^/?#@\s]+", origin):
                raise usage.UsageError(f"--web-origin needs https://HOST, not {origin!r}")
        if self["motd"] is not None:
            self.motd = _read_motd(self["motd"])
        name = self["server-name"]
        if name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}", name):
            raise usage.UsageError(f"--server-name needs a host's name, not {name!r}")
        if self["burst"] < 1 or self["connections"] < 1:
            raise usage.UsageError("--burst and --connections need at least 1")

    @property
    def limits(self) -> Limits:
        """The limits as given."""
        if self["no-limits"]:
            return UNLIMITED
        return Limits(
            nick_seconds=self["nick-time"],
            burst=self["burst"],
            rate=self["rate"],
            connections=self["connections"],
        )


def _read_motd(path: str) -> list[str]:
    """Return the lines of the message of the day.

    :raises UsageError: if it cannot be read, or is too long.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_MOTD + 1)
    except OSError as error:
        raise usage.UsageError(f"--motd: cannot read {path}: {error.strerror}") from None
    if len(data) > MAX_MOTD:
        raise usage.UsageError(f"--motd: {path} has more than {MAX_MOTD:,} bytes")
    return [clean(line.expandtabs()) for line in data.decode("utf-8", "replace").splitlines()]
