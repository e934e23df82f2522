"""The chat on disk beside the best of the other servers and the limit: the table to begin with.

Knows what matters in each scenario. Must not know how anything is run or written down elsewhere.
"""

from collections.abc import Mapping, Sequence

from benchmarks.report import middle, number, ratio
from benchmarks.runs import Run, Runs
from benchmarks.scenarios import CPU, DELIVERIES, JOINS, P99, SIZE, Figure
from benchmarks.servers import DISK, HYBRID, INSPIRCD, LIMIT, NGIRCD, Server

PEERS = (NGIRCD, INSPIRCD, HYBRID)
MORE_IS_BETTER = (DELIVERIES, JOINS)

ROWS: Sequence[tuple[str, str, Figure]] = (
    ("10 members", "closed-10", DELIVERIES),
    ("10 members", "closed-10", CPU),
    ("100 rooms of 10", "rooms-100", DELIVERIES),
    ("100 rooms of 10", "rooms-100", CPU),
    ("100 members", "closed-100", DELIVERIES),
    ("1,000 members", "closed-1000", DELIVERIES),
    ("1,000 members, 80 send", "senders-80", DELIVERIES),
    ("10,000 members", "closed-10000", DELIVERIES),
    ("1,000 members, 20 messages/s", "paced-20", CPU),
    ("1,000 members, 20 messages/s", "paced-20", P99),
    ("1,000 members, 1,000 messages/s", "paced-1000", P99),
    ("1,000 join", "joins-1000", JOINS),
    ("10,000 join", "joins-10000", JOINS),
    ("10,000 idle members", "idle-10000", SIZE),
)


def best(figure: Figure, results: Mapping[str, list[Run]]) -> tuple[Server, float] | None:
    """Return the peer with the best median, and that; None if no peer could do it."""
    found = [(peer, middle(figure, _good(results, peer))) for peer in PEERS]
    able = [(peer, value) for peer, value in found if value is not None]
    if not able:
        return None
    choose = max if figure in MORE_IS_BETTER else min
    return choose(able, key=lambda one: one[1])


def comparison(runs: Runs) -> str:
    """Return the table of what was run; "" if nothing of it was."""
    rows = [row for label, name, figure in ROWS if (row := _row(label, figure, runs.get(name, {})))]
    if not rows:
        return ""
    head = "| | | chat, disk | best of the others | ratio | limit | ratio |"
    return "\n".join([head, "|---|---|---:|---:|---:|---:|---:|", *rows])


def _row(label: str, figure: Figure, results: Mapping[str, list[Run]]) -> str:
    ours = _good(results, DISK)
    value = middle(figure, ours)
    if value is None:
        return ""
    cells = [label, figure.label, f"**{number(value)}**"]
    peer = best(figure, results)
    limit = _good(results, LIMIT)
    for name, runs in (
        (peer[0].label, _good(results, peer[0])) if peer else ("", []),
        ("", limit),
    ):
        other, divided = middle(figure, runs), ratio(figure, ours, runs)
        cells.append("–" if other is None else f"{number(other)} {name}".strip())
        cells.append("–" if divided is None else f"**{number(divided)}**")
    return f"| {' | '.join(cells)} |"


def _good(results: Mapping[str, list[Run]], server: Server) -> list[Run]:
    return [run for run in results.get(server.name, []) if run.complete]
