"""python -m benchmarks: measures the chat beside others and prints, or writes down, the tables.

Puts the parts together: options, what is installed, the runs, the report. docs/performance.md says
what is measured and how to read it.
"""

import argparse
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import document, plots, report
from benchmarks.machine import HOUSE, Machine, commit, describe, prepare, say
from benchmarks.runs import Plan, Runs, measure
from benchmarks.scenarios import QUICK, SCENARIOS, SECTIONS, Scenario, chosen
from benchmarks.servers import SERVERS, Server, program, version_of

DOCUMENT = Path("performance.md")
RAW = Path("performance", "raw.json")
PLOTS = Path("performance")


def options(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure the chat beside other servers."
    )
    parser.add_argument("--quick", action="store_true", help="a small part, in two minutes")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        choices=[*SCENARIOS, *(section.name for section in SECTIONS)],
        metavar="NAME",
        help="scenarios or sections",
    )
    parser.add_argument("--servers", nargs="+", choices=SERVERS, metavar="NAME")
    parser.add_argument("--rounds", type=int, help="how often, 5 or, with --quick, 1")
    parser.add_argument("--seconds", type=float, help="how long each load lasts, 3 or 1")
    parser.add_argument("--peer-path", action="append", default=[], metavar="DIRECTORY")
    parser.add_argument(
        "--scratch",
        type=Path,
        default=HOUSE / "build" / "benchmarks",
        metavar="DIRECTORY",
        help="on a disk: where to build, and where the chat keeps its history",
    )
    parser.add_argument(
        "--write",
        type=Path,
        nargs="?",
        const=HOUSE / "docs",
        metavar="DIRECTORY",
        help="write tables, plots and raw numbers into docs; what was not run stays",
    )
    parser.add_argument("--plot", action="store_true", help="only draw and write again; no run")
    parser.add_argument("--list", action="store_true", help="name sections, scenarios and servers")
    given = parser.parse_args(arguments)
    given.rounds = given.rounds or (1 if given.quick else 5)
    given.seconds = given.seconds or (1.0 if given.quick else 3.0)
    return given


def planned(given: argparse.Namespace, machine: Machine) -> Plan:
    """Return what is to be run with what is installed."""
    named = [SERVERS[name] for name in given.servers or SERVERS]
    if given.quick and not given.servers:
        named = [server for server in named if server in QUICK]
    absent = [server for server in named if program(server, machine) is None]
    if absent:
        say(f"Not here, and left out: {', '.join(server.name for server in absent)}")
    servers: dict[Scenario, list[Server]] = {}
    for section in SECTIONS:
        who = [server for server in section.servers if server in named and server not in absent]
        servers |= {scenario: who for scenario in section.scenarios if who}
    wanted = chosen(given.only, given.quick)
    return Plan(
        {scenario: who for scenario, who in servers.items() if scenario in wanted},
        given.rounds,
        given.seconds,
    )


def about(plan: Plan, machine: Machine) -> dict[str, str]:
    """Return what a reader must know of a plan and a machine."""
    everybody = {server: None for who in plan.servers.values() for server in who}
    versions = {server.label: version_of(server, machine) for server in everybody}
    return {
        **describe(),
        **{label: version for label, version in versions.items() if version},
        "rounds": f"{plan.rounds} of {plan.seconds:g} s",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def show(scenario: str, plan: Plan, runs: Runs) -> None:
    """Print a section's tables if this was the last of its scenarios that is run."""
    for section in SECTIONS:
        run = [each.name for each in section.scenarios if each in plan.servers]
        if run and run[-1] == scenario:
            print(f"\n{section.name}\n\n{report.tables(section, runs)}", flush=True)


def main() -> None:
    """Measure, print, write. However it is ended, so is the server that is being measured."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    given = options(sys.argv[1:])
    if given.list:
        for section in SECTIONS:
            print(f"{section.name}:", *(scenario.name for scenario in section.scenarios))
        print("Servers:", *SERVERS)
        return
    directory: Path = given.write or HOUSE / "docs"
    measured = report.load(directory / RAW)
    wrong: list[str] = []
    if not given.plot:
        machine = prepare(given.scratch, given.peer_path)
        plan = planned(given, machine)
        if not plan.servers:
            raise SystemExit("Nothing to run: see --list")
        facts, at = about(plan, machine), commit()
        say(", ".join(f"{name} {value}" for name, value in facts.items()))

        def done(name: str, runs: Runs) -> None:
            show(name, plan, runs)
            measured.about.update(facts)
            measured.commits[name] = at
            measured.runs[name] = runs[name]
            if given.write:
                report.save(directory / RAW, measured)

        wrong = measure(plan, machine, done)
    if given.write or given.plot:
        report.save(directory / RAW, measured)
        document.write(directory / DOCUMENT, measured)
        plots.draw(directory / PLOTS, measured.runs)
    if wrong:
        raise SystemExit("WRONG:\n" + "\n".join(wrong))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
