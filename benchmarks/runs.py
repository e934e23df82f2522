"""Runs the scenarios: the servers take turns, round by round, and what comes out is kept raw.

A machine whose speed drifts so treats all servers alike. Knows the generator's interface. Must not
know how the numbers are written down.
"""

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.machine import Machine, busy, say
from benchmarks.scenarios import AS_MANY_AS_GO, FIGURES, Scenario
from benchmarks.servers import CannotStart, Running, Server, running

SLOW = 60.0
"""Seconds for all to be in, after which a server is not measured again."""

OTHERS = 0.05
"""The part of the two cores that others may use; more, and a run is not worth much."""

FAULTS = (
    *("lost", "duplicated", "reordered", "damaged", "strayed"),
    *("echoes_lost", "refused", "disconnects", "stuck_dropped"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What came out of one run.

    :ivar clients: connections, or one person's rooms, that were wanted.
    :ivar joined: those that were in, in time; if fewer, there are no figures.
    :ivar seconds: how long that took.
    :ivar busy: the part of its core that the generator used; at 1 the server was not the limit.
    :ivar others: the part of both cores that others used, just before.
    :ivar figures: by name.
    :ivar faults: how many messages were lost and so on, if any.
    :ivar error: the last thing that the server complained about, if a fault or somebody is missing.
    """

    clients: int = 0
    joined: int = 0
    seconds: float = 0.0
    busy: float = 0.0
    others: float = 0.0
    figures: dict[str, float] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    error: str = ""

    @property
    def complete(self) -> bool:
        """Whether everybody was in."""
        return self.joined == self.clients


Runs = dict[str, dict[str, list[Run]]]
"""By scenario and server, in the order of the rounds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run.

    :ivar servers: by scenario, those installed.
    :ivar rounds: how often.
    :ivar seconds: how long a load lasts.
    """

    servers: Mapping[Scenario, Sequence[Server]]
    rounds: int
    seconds: float

    def rounds_of(self, scenario: Scenario) -> int:
        """Return how often a scenario is run."""
        return min(self.rounds, scenario.rounds or self.rounds)


def measure(plan: Plan, machine: Machine, done: Callable[[str, Runs], None]) -> list[str]:
    """Run it all; return what went wrong.

    :param done: called with a scenario's name and all runs as soon as it is finished.
    """
    runs: Runs = {}
    wrong: list[str] = []
    total = sum(plan.rounds_of(scenario) * len(who) for scenario, who in plan.servers.items())
    number, absent = 0, set[str]()
    for scenario, servers in plan.servers.items():
        results = runs[scenario.name] = {server.name: list[Run]() for server in servers}
        for turn in range(plan.rounds_of(scenario)):
            for server in (*servers[turn % len(servers) :], *servers[: turn % len(servers)]):
                number += 1
                if server.name in absent or any(_slow(run) for run in results[server.name]):
                    continue
                where = f"[{number}/{total}] {scenario.name} {server.name}"
                try:
                    run = _run(server, scenario, machine, plan.seconds)
                except CannotStart as error:
                    say(f"{where}: {error}")
                    wrong.append(f"{server.name} does not start")
                    absent.add(server.name)
                    continue
                results[server.name].append(run)
                say(f"{where}: {_in_short(run)}")
                if run.faults:
                    wrong.append(f"{scenario.name}, {server.name}: {faults_in(run)}")
        runs[scenario.name] = {name: found for name, found in results.items() if found}
        done(scenario.name, runs)
    return wrong


def faults_in(run: Run) -> str:
    """Return a run's faults in words."""
    return ", ".join(f"{count:,} {fault.replace('_', ' ')}" for fault, count in run.faults.items())


def _slow(run: Run) -> bool:
    return not run.complete or run.seconds > SLOW


def _in_short(run: Run) -> str:
    if run.faults:
        return f"WRONG: {faults_in(run)} {run.error}"
    if not run.complete:
        return f"{run.joined:,} of {run.clients:,} in after {run.seconds:.0f} s {run.error}"
    return ", ".join(f"{name} {value:,.6g}" for name, value in run.figures.items())


def _run(server: Server, scenario: Scenario, machine: Machine, seconds: float) -> Run:
    """Run a scenario once.

    :raises CannotStart: if the server does not.
    """
    with running(server, machine) as started:
        start = {"start_ms": started.seconds * 1e3}
        if not scenario.load:
            return Run(figures=start)
        time.sleep(0.2)  # what a server does after it listens is not what we measure
        others = busy(machine, 0.3)
        if others > OTHERS:
            say(f"Beware: others use {others:.0%} of the two cores.")
        clients = scenario.clients
        if clients == AS_MANY_AS_GO:
            clients = machine.people
        reported = _generate(server, scenario, clients, machine, seconds, started)
        return replace(run_of(reported, scenario.patience), others=round(others, 2))


def _generate(
    server: Server,
    scenario: Scenario,
    clients: int,
    machine: Machine,
    seconds: float,
    started: Running,
) -> dict[str, float | str]:
    """Run the generator; return what it reports."""
    command = [
        *("taskset", "-c", str(machine.load_core), str(machine.load), "--json"),
        *("--port", str(started.port), "--pid", str(started.pid)),
        *("--clients", str(clients), "--burst", str(server.burst)),
        *("--connect-timeout", str(scenario.patience), "--max-time", str(60 + 10 * seconds)),
        *scenario.load.format(seconds=seconds).split(),
        *server.load,
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if not ran.stdout:
        raise SystemExit(f"{' '.join(command)}\n{ran.stderr or ran.returncode}")
    reported: dict[str, float | str] = json.loads(ran.stdout)
    return reported


def run_of(reported: Mapping[str, float | str], patience: float) -> Run:
    """Return what matters in a report of the generator.

    :param patience: seconds in which everybody had to be in.
    """
    told = {name: value for name, value in reported.items() if not isinstance(value, str)}
    wanted, joined, hold = int(told["clients"]), int(told["joined"]), told.get("hold_s", 0)
    if joined:
        resident = told["rss_idle_kib"] - told["rss_before_kib"]
        told["kib_per_connection"] = round(resident / joined, 3)
        told["mib_at_most"] = round(told["hwm_end_kib"] / 1024, 1)
    if hold:
        told["idle_cpu_pct"] = round(told["idle_cpu_s"] / hold * 100, 4)
    faults = {fault: int(told[fault]) for fault in FAULTS if told.get(fault)}
    if "person_rooms" in told:
        wanted, joined = int(told["person_rooms"]), int(told["person_joined"])
    complete = joined == wanted
    return Run(
        clients=wanted,
        joined=joined,
        seconds=told["join_s"] if complete else min(told["settled_s"], patience),
        busy=told.get("generator_cpu_share", 0.0),
        figures={
            figure.name: told[figure.name] for figure in FIGURES if figure.name in told and complete
        },
        faults=faults if complete else {},
        error="" if complete and not faults else str(reported["last_error"]),
    )
