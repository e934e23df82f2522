"""Writes the runs down: as raw numbers, and as tables of medians and ratios between markers.

Knows Markdown and JSON. Must not know how anything is run.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.runs import Run, Runs, faults_in
from benchmarks.scenarios import Figure, Scenario, Section
from benchmarks.servers import Server

BUSY = 0.95
"""The generator has no time left."""


@dataclass(frozen=True, slots=True)
class Measured:
    """All there is: the runs, and what was measured where.

    :ivar about: the machine, the versions, the options; by name.
    :ivar commits: the commit that a scenario was measured at.
    """

    about: dict[str, str] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=dict)
    runs: Runs = field(default_factory=dict)


def load(path: Path) -> Measured:
    """Read raw numbers; none if there is no such file."""
    if not path.exists():
        return Measured()
    kept = json.loads(path.read_text("utf-8"))
    return Measured(
        kept["about"],
        kept["commits"],
        {
            scenario: {name: [Run(**run) for run in runs] for name, runs in servers.items()}
            for scenario, servers in kept["runs"].items()
        },
    )


def save(path: Path, measured: Measured) -> None:
    """Write raw numbers, a run in a line."""
    scenarios = {
        name: _block({server: _runs(found) for server, found in servers.items()})
        for name, servers in measured.runs.items()
    }
    kept = {
        "about": json.dumps(measured.about),
        "commits": json.dumps(measured.commits),
        "runs": _block(scenarios),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_block(kept) + "\n", "utf-8")


def _block(parts: Mapping[str, str]) -> str:
    """Return a JSON object with a part in a line."""
    return "{" + ",\n".join(f"{json.dumps(name)}: {part}" for name, part in parts.items()) + "}"


def _runs(runs: Iterable[Run]) -> str:
    """Return a JSON list with a run in a line."""
    return "[\n" + ",\n".join(_without_defaults(run) for run in runs) + "]"


def _without_defaults(run: Run) -> str:
    return json.dumps({name: value for name, value in asdict(run).items() if value})


def number(value: float) -> str:
    """Write a number with three digits that count, or as many as come before its point.

    >>> number(1234567), number(12.345), number(0.0123)
    ('1,230,000', '12.3', '0.012')
    """
    if value == 0:
        return "0"
    place = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, place):,.{min(max(place, 0), 3)}f}"


def middle(figure: Figure, runs: Iterable[Run]) -> float | None:
    """Return the median of a figure over the runs that are good for it, if there are any."""
    found = [run.figures[figure.name] for run in runs if not run.faults and _has(figure, run)]
    return median(found) if found else None


def ratio(figure: Figure, runs: Sequence[Run], others: Sequence[Run]) -> float | None:
    """Return the median of the rounds' ratios: what drifts from round to round cancels out."""
    found = [
        run.figures[figure.name] / other.figures[figure.name]
        for run, other in zip(runs, others, strict=False)
        if not (run.faults or other.faults)
        and _has(figure, run)
        and _has(figure, other)
        and other.figures[figure.name]
    ]
    return median(found) if found else None


def _has(figure: Figure, run: Run) -> bool:
    return figure.name in run.figures


def cell(figure: Figure, scenario: Scenario, runs: Sequence[Run], others: Sequence[Run]) -> str:
    """Return what a table says of a server: the median, and the ratio in brackets.

    :param others: the runs of the server that all are divided by.
    """
    if any(run.faults for run in runs):
        return "wrong, see below"
    short = [run for run in runs if not run.complete]
    if short:
        least = min(short, key=lambda run: run.joined)
        return (
            f"{least.joined:,} of {least.clients:,} in {least.seconds:.0f} s"
            if least.joined
            else "–"
        )
    found = middle(figure, runs)
    if found is None:
        return "–"
    busy = median(run.busy for run in runs) >= BUSY
    bound = "≥ " if figure.bound and busy and "--rate" not in scenario.load else ""
    divided = ratio(figure, runs, others)
    return f"{bound}{number(found)}" + (f" ({number(divided)})" if divided is not None else "")


def table(section: Section, figure: Figure, runs: Runs) -> list[str]:
    """Return a figure's table: scenarios down, servers across; those that were not run left out."""
    scenarios = [scenario for scenario in section.scenarios if runs.get(scenario.name)]
    servers = [
        server
        for server in section.servers
        if any(runs[scenario.name].get(server.name) for scenario in scenarios)
    ]
    rows = [[figure.label, *(server.label for server in servers)]]
    for scenario in scenarios:
        results = runs[scenario.name]
        others = results.get(section.against.name, [])
        cells = (_cell_of(figure, scenario, results, server, others) for server in servers)
        rows.append([_label(scenario, results), *cells])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|---" + "|---:" * len(servers) + "|", *lines[1:]]


def _cell_of(
    figure: Figure,
    scenario: Scenario,
    results: Mapping[str, list[Run]],
    server: Server,
    others: Sequence[Run],
) -> str:
    runs = results.get(server.name, [])
    return cell(figure, scenario, runs, others) if runs else ""


def _label(scenario: Scenario, results: Mapping[str, list[Run]]) -> str:
    clients = next(run.clients for runs in results.values() for run in runs)
    return scenario.label.format(clients=f"{clients:,}")


def tables(section: Section, runs: Runs) -> str:
    """Return a section's tables, and what went wrong in it; "" if it was not run."""
    if not any(runs.get(scenario.name) for scenario in section.scenarios):
        return ""
    parts = ["\n".join(table(section, figure, runs)) for figure in section.figures]
    wrong = [
        f"- {name}, {scenario.name}: {faults_in(run)} {run.error}".rstrip()
        for scenario in section.scenarios
        for name, found in runs.get(scenario.name, {}).items()
        for run in found
        if run.faults
    ]
    return "\n\n".join([*parts, *(["\n".join(wrong)] if wrong else [])])


def about(measured: Measured) -> str:
    """Return the machine and the versions as a table."""
    commits = sorted(set(measured.commits.values()))
    others = max(
        (run.others for who in measured.runs.values() for runs in who.values() for run in runs),
        default=0.0,
    )
    rows = {
        **measured.about,
        "commit": ", ".join(commits),
        "used by others": f"{others:.0%} of the two cores at most, just before a run",
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items() if value]
    return "\n".join(["| | |", "|---|---|", *lines])


def fill(text: str, name: str, content: str) -> str:
    """Put content between a section's markers; everything else stays as it is.

    :raises ValueError: if the markers are not there, each once and in order.
    """
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed or begin in after or end in before + after:
        raise ValueError(f"There must be {begin} and then {end}, once.")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"
