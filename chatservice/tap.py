"""``twistd chat``: its options, and the one place where the parts meet."""

import gc
import math
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar, cast

from twisted.application import strports
from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import MultiService, Service
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import AuthOptionMixin
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IProtocolFactory, IReactorCore
from twisted.python import usage

import chatservice
from chatservice.doors.factory import DoorFactory
from chatservice.doors.line import ChatFactory
from chatservice.durations import DAY, parse_duration
from chatservice.errors import ChatError
from chatservice.expiry import Expiry
from chatservice.hub import Hub
from chatservice.interfaces import IClock, IThreads
from chatservice.limits import SHARED, STRIKES, UNLIMITED, Limits
from chatservice.meters import Meters
from chatservice.names import LOBBY, check_room, keys
from chatservice.passwords import Passwords
from chatservice.past import MOST_LINES
from chatservice.person import Policy
from chatservice.retention import Retention, parse_retention
from chatservice.signals import take_calmly
from chatservice.store.keeper import Keeper, Reactor
from chatservice.store.schema import StoreError
from chatservice.text import MAX_LINE

DEFAULT_PORT: Final = "55555"
SMALLEST: Final = 0.001
LARGEST: Final = 1_000_000
GARBAGE_AT: Final = 50_000
"""New objects after which Python looks for garbage in cycles, of which there is little. At the
usual 700, what is on its way is taken for old, and all connections are gone through with it."""

Door = TypeVar("Door", bound=DoorFactory)

GOODBYE: Final = "The server is closing down. Goodbye!"


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
        "A chat for anybody with nc, telnet or chat-client. An ENDPOINT is a port number "
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
        ["web", None, None, "ENDPOINT for browsers: the page, WebSocket and HTTP."],
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
        """A page from elsewhere that may connect, like https://example.com; may be given several
        times. Needed for our own page, too, behind a proxy that speaks TLS in our place.
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


class ChatService(Service):
    """A chat and its doors, from listening to the last goodbye.

    :param hub: the chat.
    :param keeper: what it remembers.
    :param ports: a service for each place to listen in.
    :param upkeep: what else is started and stopped with it.
    :param closers: end connections that are nobody's in the chat.
    """

    def __init__(
        self,
        hub: Hub,
        keeper: Keeper,
        ports: Sequence[tuple[str, StreamServerEndpointService]],
        upkeep: Expiry | None = None,
        closers: Sequence[Callable[[], None]] = (),
    ) -> None:
        self.hub = hub
        self._keeper = keeper
        self._ports = ports
        self._upkeep = upkeep
        self._closers = closers

    def privilegedStartService(self) -> None:
        """Listen, while twistd still may.

        :raises CannotStart: if one of the places cannot be had.
        """
        for description, port in self._ports:
            self._listen(description, port.privilegedStartService)

    def startService(self) -> None:
        """Start; under twist this listens, too.

        :raises CannotStart: if one of the places, or the history, cannot be had.
        """
        super().startService()
        try:  # not before: a daemon has forked and given up its rights only now
            self._keeper.open()
        except StoreError as error:
            raise CannotStart(str(error)) from None
        if self._upkeep is not None:
            self._upkeep.start()
        for description, port in self._ports:
            self._listen(description, port.startService)

    def stopService(self) -> Deferred[None]:
        """Close the doors, say goodbye, and fire when everybody is gone."""
        super().stopService()
        if self._upkeep is not None:
            self._upkeep.stop()
        for close in self._closers:
            close()
        stopped = [port.stopService() for _, port in self._ports]
        closed = self.hub.close(GOODBYE)
        waiting = [d for d in [*stopped, closed] if isinstance(d, Deferred)]
        return DeferredList(waiting).addCallback(lambda _: self._close())

    def _close(self) -> None:
        self.hub.passwords.close()
        self._keeper.close()

    def _listen(self, description: str, listen: Callable[[], object]) -> None:
        try:
            listen()
        except Exception as error:  # taken, forbidden, out of range: none can be mended here
            raise CannotStart(f"cannot listen on {description}: {_reason(error)}") from None


def makeService(options: Options) -> MultiService:
    """Put the chat together.

    :param options: the parsed command line.
    :raises CannotStart: if an endpoint's description is not usable.
    """
    from twisted.internet import reactor

    from chatservice.doors.raw import RawFactory

    # The wall clock jumps; every timer in this process goes by the monotonic one.
    clock = cast("IClock", reactor)
    clock.seconds = time.monotonic  # type: ignore[method-assign]
    keys(options["lobby"])  # reads Unicode's table of look-alikes now, before anybody waits for it
    meters = Meters()
    keeper = Keeper(cast("Reactor", reactor), options["data"], options.retention, meters=meters)
    policy = Policy(
        limits=options.limits,
        backlog=int(options["backlog"]),
        absence=options["absence"],
        welcome=keeper.consent(options["lobby"]),
        lobby=options["lobby"],
        plaintext_login=bool(options["allow-plaintext-login"]),
    )
    hub = Hub(
        keeper.log,
        clock,
        policy=policy,
        tickets=keeper.tickets,
        records=keeper.records,
        passwords=Passwords(threads=cast("IThreads", reactor)),
        checkers=options["credCheckers"],
        meters=meters,
    )
    keeper.keep_inboxes(hub.accounts.identities)
    hub.ended = cast("IReactorCore", reactor).stop  # type: ignore[misc]  # zope: no self
    wanted: list[tuple[type[DoorFactory], str]] = [
        (ChatFactory, at) for at in (options["port"], *options["listen"])
    ]
    if options["raw"] is not None:
        wanted.append((RawFactory, options["raw"]))
    factories: list[tuple[str, object]] = [
        (at, _factory(door, at, hub, options)) for door, at in wanted
    ]
    closers: list[Callable[[], None]] = []
    if options["web"] is not None:
        from chatservice.doors.websocket import WebSocketFactory
        from chatservice.site.server import make_site

        web = options["web"]
        site = make_site(
            hub,
            _factory(WebSocketFactory, web, hub, options),
            origins=options["web-origins"],
        )
        factories.append((web, site))
        closers.append(site.close)
    if options["metrics"] is not None:
        from chatservice.site.metrics import make_metrics

        at = options["metrics"]
        at = f"tcp:{at}:interface=127.0.0.1" if at.isdecimal() else at
        factories.append((at, make_metrics(hub)))
    ports = [(at, _port(cast("IProtocolFactory", one), at)) for at, one in factories]
    cast("IReactorCore", reactor).callWhenRunning(_running, reactor)
    service = MultiService()
    upkeep = Expiry(clock, hub, options.expiry)
    ChatService(hub, keeper, ports, upkeep, closers).setServiceParent(service)
    return service


def _running(reactor: IThreads) -> None:
    take_calmly(reactor)
    gc.collect()
    gc.freeze()  # what is here now stays: the garbage collector need not look at it again
    gc.set_threshold(GARBAGE_AT)


def _factory(door: type[Door], description: str, hub: Hub, options: Options) -> Door:
    return door(
        hub,
        ping=options["ping"],
        ping_timeout=options["ping-timeout"],
        peer_known_late=description.startswith("haproxy:"),
    )


def _port(factory: IProtocolFactory, description: str) -> StreamServerEndpointService:
    # The backlog: who all connect at once must not be turned away; twisted's default is 50.
    endpoint = f"tcp:{description}:backlog=1024" if description.isdecimal() else description
    try:
        _check_certificates(endpoint)
        return strports.service(endpoint, factory)
    except Exception as error:  # a wrong description or key fails in many ways, all of them here
        raise CannotStart(f"cannot use endpoint {description}: {_reason(error)}") from None


def _check_certificates(endpoint: str) -> None:
    """Refuse a directory without certificates, which tls: would notice only at a handshake.

    :raises OSError: if a certificate cannot be read.
    :raises ValueError: if there is none.
    """
    found = re.match(r"(?:haproxy:)?tls:((?:\\.|[^:])*)", endpoint)
    if found is None:
        return
    directory = Path(re.sub(r"\\(.)", r"\1", found[1]))
    certificates = list(directory.rglob("*.pem"))
    for certificate in certificates:
        certificate.read_bytes()
    if not certificates:
        raise ValueError(f"no certificate (*.pem) in {directory}")


def _reason(error: Exception) -> str:
    cause = getattr(error, "socketError", error)
    return (getattr(cause, "strerror", None) or str(cause)).rstrip(".")
