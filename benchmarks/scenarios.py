"""What is measured: a table of scenarios, in the sections of docs/performance.md.

Knows the load generator's options and figures. Must not know how a scenario is run or written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.servers import (
    BY_IRC,
    DISK,
    HYBRID,
    INSPIRCD,
    LIMIT,
    LIMITS,
    MEMORY,
    NAIVE,
    NGIRCD,
    STALLED,
    TLS,
    WEBSOCKET,
    Server,
)

AS_MANY_AS_GO = 0
"""As many members as the limit on open files allows."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a run.

    :ivar name: its key in what the generator prints, or in what ``runs`` makes of that.
    :ivar label: what it is called in tables, with its unit.
    :ivar bound: whether it is a lower bound if the generator had no time left.
    """

    name: str
    label: str
    bound: bool = False


DELIVERIES = Figure("deliveries_per_s", "deliveries/s", bound=True)
CPU = Figure("cpu_us_per_delivery", "CPU us/delivery")
BYTES = Figure("bytes_per_line", "bytes/line")
P50 = Figure("p50_ms", "p50 ms")
P99 = Figure("p99_ms", "p99 ms")
JOINS = Figure("joins_per_s", "joins/s")
JOIN_CPU = Figure("join_cpu_ms", "CPU ms/join")
SIZE = Figure("kib_per_connection", "KiB/connection")
IDLE_CPU = Figure("idle_cpu_pct", "CPU % while idle")
ROOM_SIZE = Figure("rss_per_room_kib", "KiB/room")
ROOM_JOIN = Figure("person_join_s", "s to join")
MEMORY_AT_MOST = Figure("mib_at_most", "MiB at most")
START = Figure("start_ms", "ms")

FIGURES = (
    *(DELIVERIES, CPU, BYTES, P50, P99, JOINS, JOIN_CPU, SIZE, IDLE_CPU),
    *(ROOM_SIZE, ROOM_JOIN, MEMORY_AT_MOST, START),
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load.

    :ivar name: what it is called on the command line and in the raw numbers.
    :ivar label: what its row is called; ``{clients}`` is filled in.
    :ivar clients: connections.
    :ivar load: the generator's other options; ``{seconds}`` is filled in. "": it is not run.
    :ivar rounds: at most so many, since each takes its time; 0: as many as asked for.
    :ivar patience: seconds in which everybody must be in.
    :ivar quick: whether ``--quick`` includes it.
    """

    name: str
    label: str
    clients: int = 0
    load: str = ""
    rounds: int = 0
    patience: float = 60
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Scenarios that are read together: a table for each figure, scenarios down, servers across.

    :ivar name: what it is called between markers in docs/performance.md.
    :ivar against: the server that the others are divided by.
    """

    name: str
    servers: tuple[Server, ...]
    against: Server
    figures: tuple[Figure, ...]
    scenarios: tuple[Scenario, ...]


EVERYBODY = (LIMIT, NGIRCD, INSPIRCD, HYBRID, DISK, MEMORY, NAIVE)
WITH_ROOMS = (NGIRCD, INSPIRCD, HYBRID, DISK, MEMORY)
IRC_SERVERS = (NGIRCD, INSPIRCD, DISK, BY_IRC)
QUICK = (LIMIT, NGIRCD, INSPIRCD, DISK, MEMORY, NAIVE)
"""ircd-hybrid is left out, to save time: it makes a send for each delivery."""

CLOSED = "--senders 10 --window 8 --duration {seconds}"
JOIN = "--senders 0"
REST = "--senders 1 --hold {seconds} --rate 1 --messages 4"

SECTIONS = (
    Section(
        "closed",
        EVERYBODY,
        NAIVE,
        (DELIVERIES, CPU, P50),
        (
            Scenario("closed-10", "{clients} members", 10, CLOSED, quick=True),
            Scenario("closed-100", "{clients} members", 100, CLOSED, quick=True),
            Scenario("closed-1000", "{clients} members", 1000, CLOSED, quick=True),
            Scenario("closed-10000", "{clients} members", 10_000, CLOSED, 3, patience=120),
            Scenario(
                "senders-80",
                "{clients} members, 80 send",
                1000,
                "--senders 80 --window 1 --duration {seconds}",
            ),
        ),
    ),
    Section(
        "paced",
        EVERYBODY,
        NAIVE,
        (P50, P99, CPU),
        (
            Scenario(
                "paced-20",
                "20 messages/s",
                1000,
                "--senders 10 --rate 20 --duration {seconds}",
                quick=True,
            ),
            Scenario(
                "paced-1000",
                "1,000 messages/s",
                1000,
                "--senders 10 --rate 1000 --duration {seconds}",
            ),
        ),
    ),
    Section(
        "joins",
        EVERYBODY,
        NAIVE,
        (JOINS, JOIN_CPU),
        (
            Scenario("joins-1000", "{clients} join", 1000, JOIN, quick=True),
            Scenario("joins-10000", "{clients} join", 10_000, JOIN, 3),
        ),
    ),
    Section(
        "rooms",
        WITH_ROOMS,
        DISK,
        (DELIVERIES, CPU, P50),
        (
            Scenario(
                "rooms-100",
                "100 rooms of 10",
                1000,
                "--rooms 100 --senders 100 --window 8 --duration {seconds}",
            ),
        ),
    ),
    Section(
        "idle",
        EVERYBODY,
        NAIVE,
        (SIZE, IDLE_CPU, P50, P99),
        (
            Scenario("idle-10000", "{clients} members", 10_000, REST, 3),
            Scenario("idle-most", "{clients} members", AS_MANY_AS_GO, REST, 2, patience=120),
        ),
    ),
    Section(
        "many-rooms",
        WITH_ROOMS,
        DISK,
        (SIZE, IDLE_CPU),
        (
            Scenario(
                "rooms-10000",
                "{clients} rooms of 1",
                10_000,
                "--rooms 10000 --senders 0 --hold {seconds}",
                3,
            ),
        ),
    ),
    Section(
        "person",
        WITH_ROOMS,
        DISK,
        (ROOM_SIZE, ROOM_JOIN, IDLE_CPU),
        (
            Scenario(
                "person-rooms",
                "one person in 1,000 rooms",
                1,
                "--senders 0 --person-rooms 999 --hold {seconds}",
            ),
        ),
    ),
    Section(
        "costs",
        (DISK, STALLED, TLS),
        DISK,
        (DELIVERIES, CPU, P50, MEMORY_AT_MOST),
        (Scenario("costs-closed", "{clients} members", 1000, CLOSED),),
    ),
    Section(
        "costs-paced",
        (DISK, STALLED, TLS, LIMITS),
        DISK,
        (P50, P99, CPU),
        (
            Scenario(
                "costs-paced",
                "20 messages/s",
                1000,
                "--senders 20 --rate 20 --duration {seconds}",
            ),
        ),
    ),
    Section(
        "websocket",
        (DISK, WEBSOCKET),
        DISK,
        (DELIVERIES, CPU, BYTES, P50, P99),
        (
            Scenario(
                "websocket-few",
                "{clients} members, 10 send",
                1000,
                "--senders 10 --window 1 --duration {seconds}",
            ),
            Scenario(
                "websocket-many",
                "{clients} members, 80 send",
                1000,
                "--senders 80 --window 1 --duration {seconds}",
            ),
            Scenario(
                "websocket-20",
                "{clients} members, 20 messages/s",
                1000,
                "--senders 10 --rate 20 --duration {seconds}",
            ),
            Scenario(
                "websocket-1000",
                "{clients} members, 1,000 messages/s",
                1000,
                "--senders 50 --rate 1000 --duration {seconds}",
            ),
        ),
    ),
    Section(
        "websocket-idle",
        (DISK, WEBSOCKET),
        DISK,
        (JOINS, JOIN_CPU, SIZE, IDLE_CPU),
        (
            Scenario(
                "websocket-joins",
                "{clients} members",
                10_000,
                "--senders 0 --hold {seconds}",
                3,
                patience=120,
            ),
        ),
    ),
    Section(
        "irc",
        IRC_SERVERS,
        NGIRCD,
        (DELIVERIES, CPU, BYTES, P50, P99),
        (
            Scenario("irc-100", "{clients} members", 100, CLOSED),
            Scenario("irc-1000", "{clients} members", 1000, CLOSED),
            Scenario(
                "irc-80",
                "{clients} members, 80 send",
                1000,
                "--senders 80 --window 1 --duration {seconds}",
            ),
            Scenario(
                "irc-20",
                "{clients} members, 20 messages/s",
                1000,
                "--senders 10 --rate 20 --duration {seconds}",
            ),
            Scenario(
                "irc-paced-1000",
                "{clients} members, 1,000 messages/s",
                1000,
                "--senders 10 --rate 1000 --duration {seconds}",
            ),
        ),
    ),
    Section(
        "irc-idle",
        IRC_SERVERS,
        NGIRCD,
        (JOINS, JOIN_CPU, SIZE, IDLE_CPU),
        (
            Scenario("irc-joins-1000", "{clients} join", 1000, JOIN),
            Scenario(
                "irc-joins",
                "{clients} members",
                10_000,
                "--senders 0 --hold {seconds}",
                3,
                patience=120,
            ),
        ),
    ),
    Section("start", EVERYBODY, NAIVE, (START,), (Scenario("start", "until it listens"),)),
)

SCENARIOS = {scenario.name: scenario for section in SECTIONS for scenario in section.scenarios}


def chosen(only: Sequence[str], quick: bool) -> list[Scenario]:
    """Return the scenarios to run.

    :param only: their names, or those of sections; none for all.
    :param quick: whether only those for the impatient, if there are no names.
    """
    return [
        scenario
        for section in SECTIONS
        for scenario in section.scenarios
        if ({scenario.name, section.name} & set(only) if only else scenario.quick or not quick)
    ]
