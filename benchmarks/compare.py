"""Compares the chat, on disk and in memory, with the naive one: deliveries, time, latency.

python benchmarks/compare.py CHATLOAD [--rounds 3] [--clients 10 100 1000]

CHATLOAD is a load generator that joins --clients to --port, has --senders of them send in a closed
loop for --duration seconds, and prints its figures as JSON; --pid names the server whose processor
time it reads. Server and generator are pinned to cores 0 and 1. The servers take turns, so that a
machine whose speed drifts treats them alike; quoted are medians and the ratios to the naive one.
With --rate R so many messages a second are sent instead of as many as go.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
TWISTD = [str(BIN / "twistd"), "-n", "--pidfile=", "--logfile=/dev/null", "chat", "--no-limits"]
ENDPOINT = "tcp:{port}:interface=127.0.0.1:backlog=1024"
SERVERS = {
    "naive": [sys.executable, str(HERE / "naive.py"), "{port}"],
    "disk": [*TWISTD, "--data", "{data}", "--port", ENDPOINT],
    "memory": [*TWISTD, "--data", ":memory:", "--port", ENDPOINT],
}
FIGURES = {
    "deliveries_per_s": "deliveries/s",
    "cpu_us_per_delivery": "CPU us/delivery",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "joins_per_s": "joins/s",
}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running(name: str) -> Iterator[tuple[int, int]]:
    """Run a server on core 0; give its port and process id once it listens."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as data,
        subprocess.Popen(
            ["taskset", "-c", "0", *(p.format(port=port, data=data) for p in SERVERS[name])],
            stdout=subprocess.DEVNULL,
        ) as server,
    ):
        try:
            while server.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    continue
            yield port, server.pid
        finally:
            server.terminate()


def measure(
    chatload: str, name: str, clients: int, seconds: float, rate: float
) -> dict[str, float]:
    """Return the generator's figures for one run."""
    with running(name) as (port, pid):
        options = {"clients": clients, "senders": 10, "duration": seconds, "port": port, "pid": pid}
        options |= {"rate": rate} if rate else {}
        command = ["taskset", "-c", "1", chatload, "--dialect", "line", "--json"]
        for option, value in options.items():
            command += [f"--{option}", str(value)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(ran.stdout)
    for fault in ("failed", "lost", "duplicated", "reordered", "damaged"):
        if figures[fault]:
            raise SystemExit(f"{name}: {figures[fault]} {fault}")
    return figures


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("chatload")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--clients", type=int, nargs="+", default=[10, 100, 1000])
    given = parser.parse_args()
    print("| clients | | naive | disk | memory | ratios |\n|---|---|---|---|---|---|")
    for clients in given.clients:
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in SERVERS}
        for _ in range(given.rounds):
            for name, results in runs.items():
                results.append(measure(given.chatload, name, clients, given.seconds, given.rate))
        for figure, label in FIGURES.items():
            found = {name: median(run[figure] for run in results) for name, results in runs.items()}
            naive, disk, memory = (found[name] for name in SERVERS)
            print(
                f"| {clients} | {label} | {naive:,.2f} | {disk:,.2f} | {memory:,.2f} "
                f"| {disk / naive:.2f} {memory / naive:.2f} |"
            )


if __name__ == "__main__":
    main()
