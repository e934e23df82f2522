"""Compares the chat with the naive one, in the same run: deliveries, processor time, latency.

python benchmarks/compare.py CHATLOAD [--rounds 3] [--clients 10 100 1000]

CHATLOAD is a load generator that joins --clients to --port, has --senders of them send in a closed
loop for --duration seconds, and prints its figures as JSON; --pid names the server whose processor
time it reads. Server and generator are pinned to cores 0 and 1. The two servers take turns, so that
a machine whose speed drifts treats both alike; quoted are medians and their ratio.
"""

import argparse
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
TWISTD = [str(BIN / "twistd"), "-n", "--pidfile=", "--logfile=/dev/null", "chat", "--no-limits"]
SERVERS = {
    "naive": [sys.executable, str(HERE / "naive.py"), "{port}"],
    "chat": [*TWISTD, "--port", "tcp:{port}:interface=127.0.0.1:backlog=1024"],
}
FIGURES = {
    "deliveries_per_s": "deliveries/s",
    "cpu_us_per_delivery": "CPU us/delivery",
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
    command = ["taskset", "-c", "0", *(part.format(port=port) for part in SERVERS[name])]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
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


def measure(chatload: str, name: str, clients: int, seconds: float) -> dict[str, float]:
    """Return the generator's figures for one run."""
    with running(name) as (port, pid):
        options = {"clients": clients, "senders": 10, "duration": seconds, "port": port, "pid": pid}
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
    parser.add_argument("--clients", type=int, nargs="+", default=[10, 100, 1000])
    given = parser.parse_args()
    print("| clients | | naive | chat | ratio |\n|---|---|---|---|---|")
    for clients in given.clients:
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in SERVERS}
        for _ in range(given.rounds):
            for name, results in runs.items():
                results.append(measure(given.chatload, name, clients, given.seconds))
        for figure, label in FIGURES.items():
            naive, chat = (median(run[figure] for run in runs[name]) for name in ("naive", "chat"))
            print(f"| {clients} | {label} | {naive:,.2f} | {chat:,.2f} | {chat / naive:.2f} |")


if __name__ == "__main__":
    main()
