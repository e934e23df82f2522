"""Draws what is seen better than read: docs/performance/*.svg, with matplotlib.

Knows the runs and how a picture looks. Must not know how anything is run.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.report import BUSY, middle, number
from benchmarks.runs import Run, Runs
from benchmarks.scenarios import CPU, DELIVERIES, EVERYBODY, JOINS, P50, P99, Figure
from benchmarks.servers import Server

CLOSED = ("closed-10", "closed-100", "closed-1000", "closed-10000")
TOLD_OF = ("limit", "inspircd", "disk", "naive")
"""Whose numbers stand in a picture's second line."""

LOOK: dict[str, tuple[str, str, float]] = {
    "limit": ("#222222", ":", 1.4),
    "ngircd": ("#c77700", "-", 1.2),
    "inspircd": ("#2a8a4a", "-", 1.2),
    "ircd-hybrid": ("#8a5fb5", "-", 1.2),
    "disk": ("#0b5cad", "-", 2.4),
    "memory": ("#4fa3e0", "--", 1.8),
    "naive": ("#b03a2e", "-", 1.2),
}
"""Colour, dashes and width, by server."""

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "chat",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "figure.facecolor": "white",
}


def draw(directory: Path, runs: Runs) -> None:
    """Draw what the runs allow.

    :raises SystemExit: if there is no matplotlib.
    """
    try:
        plt = import_module("matplotlib.pyplot")
    except ImportError:
        raise SystemExit(
            "The tables are written. The plots want matplotlib: pip install -e '.[bench]'"
        ) from None
    plt.switch_backend("svg")
    plt.rcParams.update(STYLE)
    _by_members(plt, directory / "deliveries.svg", runs, DELIVERIES)
    _by_members(plt, directory / "cpu.svg", runs, CPU)
    _by_server(
        plt,
        directory / "joins.svg",
        "People let in per second, everybody told of everybody",
        "joins/s",
        [
            Mark("joins-1000", JOINS, "1,000 people", "o"),
            Mark("joins-10000", JOINS, "10,000 people", "s"),
        ],
        runs,
    )
    _by_server(
        plt,
        directory / "latency.svg",
        "From sending to arriving: 1,000 members, 20 messages/s",
        "ms",
        [
            Mark("paced-20", P50, "half have arrived", "o"),
            Mark("paced-20", P99, "99 % have arrived", "|"),
        ],
        runs,
    )


def _points(
    runs: Runs, server: Server, figure: Figure
) -> tuple[list[int], list[float], list[bool]]:
    """Return members, medians, and whether each is a lower bound."""
    members, values, bounds = [], [], []
    for name in CLOSED:
        found = runs.get(name, {}).get(server.name, [])
        value = middle(figure, found)
        if value:
            members.append(found[0].clients)
            values.append(value)
            bounds.append(figure.bound and min(run.busy for run in found) >= BUSY)
    return members, values, bounds


def _by_members(plt: Any, path: Path, runs: Runs, figure: Figure) -> None:
    """A line for each server, members across."""
    lines = {server: _points(runs, server, figure) for server in EVERYBODY}
    lines = {server: points for server, points in lines.items() if points[0]}
    if not lines:
        return
    chart, axes = plt.subplots(figsize=(7.2, 4.3))
    for server, (members, values, bounds) in lines.items():
        colour, dashes, width = LOOK[server.name]
        axes.plot(members, values, dashes, color=colour, linewidth=width)
        for x, y, bound in zip(members, values, bounds, strict=True):
            axes.plot(x, y, "^" if bound else "o", color=colour, markersize=6 if bound else 4)
    axes.set(xscale="log", yscale="log", xlabel="members of the room")
    axes.margins(y=0.1)
    _plain_numbers(axes.xaxis, (1,))
    _plain_numbers(axes.yaxis, (1, 2, 5))
    ends = {server: (points[0][-1], points[1][-1]) for server, points in lines.items()}
    _labels(axes, ends)
    if any(any(bounds) for _, _, bounds in lines.values()):
        note = "triangles: lower bounds, the load generator was busy all the time"
        axes.text(1, 0.02, note, transform=axes.transAxes, ha="right", fontsize=8, color="#555555")
    label = figure.label[0].upper() + figure.label[1:]
    _title(
        axes, f"{label} in one room: 10 senders, 8 messages on their way each", _told(runs, figure)
    )
    _save(plt, chart, path)


def _told(runs: Runs, figure: Figure) -> str:
    """Return what was found at 1,000 members, in words."""
    found = runs.get("closed-1000", {})
    values = {name: middle(figure, found.get(name, [])) for name in TOLD_OF}
    labels = {server.name: server.label for server in EVERYBODY}
    told = [f"{labels[name]}: {number(value)}" for name, value in values.items() if value]
    return "at 1,000 members: " + " · ".join(told) if told else ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark in each server's row.

    :ivar scenario: where it comes from.
    :ivar figure: which figure it is.
    :ivar label: what the legend calls it.
    :ivar shape: matplotlib's name of its shape.
    """

    scenario: str
    figure: Figure
    label: str
    shape: str


def _by_server(
    plt: Any, path: Path, title: str, unit: str, marks: Sequence[Mark], runs: Runs
) -> None:
    """A row for each server with its marks, on one logarithmic axis."""
    rows = [(server, _values(runs, server, marks)) for server in reversed(EVERYBODY)]
    rows = [(server, values) for server, values in rows if values]
    if not rows:
        return
    chart, axes = plt.subplots(figsize=(7.2, 0.8 + 0.38 * len(rows) + 0.5))
    for row, (server, values) in enumerate(rows):
        colour, last = LOOK[server.name][0], max(values.values())
        axes.hlines(row, min(values.values()), last, color=colour, linewidth=1.5)
        for mark, value in values.items():
            axes.plot(value, row, mark.shape, color=colour, markersize=7, markeredgewidth=2)
            axes.annotate(
                number(value),
                (value, row),
                xytext=(8 if value == last else -8, 0),
                textcoords="offset points",
                ha="left" if value == last else "right",
                va="center",
                fontsize=8,
                color="#333333",
            )
    for mark in marks:
        axes.plot([], [], mark.shape, color="#555555", markeredgewidth=2, label=mark.label)
    axes.set(xscale="log", ylim=(-0.6, len(rows) - 0.4), xlabel=unit)
    axes.set_yticks(range(len(rows)), [server.label for server, _ in rows])
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    _plain_numbers(axes.xaxis, (1, 2, 5))
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 0.97),
        ncols=len(marks),
        frameon=False,
        fontsize=9,
        columnspacing=1.5,
        handletextpad=0.3,
    )
    _title(axes, title, " ")
    _save(plt, chart, path)


def _values(runs: Runs, server: Server, marks: Sequence[Mark]) -> dict[Mark, float]:
    found = {
        mark: middle(mark.figure, _complete(runs.get(mark.scenario, {}), server)) for mark in marks
    }
    return {mark: value for mark, value in found.items() if value}


def _complete(results: Mapping[str, list[Run]], server: Server) -> list[Run]:
    return [run for run in results.get(server.name, []) if run.complete]


def _labels(axes: Any, ends: Mapping[Server, tuple[float, float]]) -> None:
    """Name the lines where they end, kept apart from each other."""
    low, high = (math.log10(limit) for limit in axes.get_ylim())
    for column in {x for x, _ in ends.values()}:
        here = [(y, server) for server, (x, y) in ends.items() if x == column]
        here.sort(key=lambda end: end[0])
        places = spread([math.log10(y) for y, _ in here], (high - low) * 0.05)
        for (y, server), at in zip(here, places, strict=True):
            axes.annotate(
                server.label,
                (column, y),
                xytext=(column * 1.12, 10**at),
                color=LOOK[server.name][0],
                va="center",
                fontsize=9,
                fontweight="bold" if server.name == "disk" else "normal",
            )


def spread(places: Sequence[float], apart: float) -> list[float]:
    """Move places apart, as little as that takes, those that are too close around their middle.

    :param places: in ascending order.
    :param apart: the least distance.
    """
    groups: list[list[float]] = []
    for place in places:
        group = [place]
        while groups and _around(group, apart)[0] - _around(groups[-1], apart)[-1] < apart:
            group = groups.pop() + group
        groups.append(group)
    return [place for group in groups for place in _around(group, apart)]


def _around(group: Sequence[float], apart: float) -> list[float]:
    first = sum(group) / len(group) - apart * (len(group) - 1) / 2
    return [first + apart * number for number in range(len(group))]


def _plain_numbers(axis: Any, steps: Sequence[int]) -> None:
    """Write 10,000 rather than 10 to the 4, at so many steps in a decade."""
    ticker = import_module("matplotlib.ticker")
    axis.set_major_locator(ticker.LogLocator(subs=steps))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axis.set_minor_locator(ticker.NullLocator())


def _title(axes: Any, first: str, second: str) -> None:
    axes.set_title(first, loc="left", fontsize=11, pad=22 if second else 10)
    axes.text(0, 1.03, second, transform=axes.transAxes, fontsize=9, color="#555555")


def _save(plt: Any, chart: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    chart.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(chart)
