"""The servers that are measured: how each is started, and how the load generator talks to it.

Knows command lines and configuration templates (``peers/``). Must not know what is measured.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template

from benchmarks import nobody
from benchmarks.machine import HERE, Machine, numbers

PATIENCE = 20.0
"""Seconds in which a server must listen."""

TWISTD = Path(sys.executable).with_name("twistd")


class CannotStart(Exception):
    """A server ended, or did not listen; the message has the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and in which way it is measured.

    :ivar name: what it is called on the command line and in the raw numbers.
    :ivar label: what it is called in tables.
    :ivar command: program and arguments; ``{port}``, ``{data}``, ``{config}`` ... are filled in.
    :ivar load: what the generator is told beside the scenario's own options.
    :ivar burst: connections being set up at one time; more than the server's own backlog would
        have to wait for the kernel to try again.
    :ivar config: the template of its configuration in ``peers/``.
    :ivar ask: arguments that make it tell its version.
    :ivar not_root: it refuses to be root.
    """

    name: str
    label: str
    command: tuple[str, ...]
    load: tuple[str, ...] = ()
    burst: int = 1000
    config: str = ""
    ask: tuple[str, ...] = ()
    not_root: bool = False


IRC = ("--dialect", "irc")
CHAT = (str(TWISTD), "-n", "--pidfile=", "--logfile={directory}/log", "chat", "--backlog", "0")
PLAIN = "tcp:{port}:interface=127.0.0.1:backlog=1024"
FREE = (*CHAT, "--no-limits", "--port", PLAIN)
ELSEWHERE = "unix:{directory}/socket"
ENCRYPTED = "ssl:{port}:interface=127.0.0.1:backlog=1024:privateKey={key}:certKey={certificate}"

LIMIT = Server("limit", "limit", ("{limit}", "{port}", "batch"))
NGIRCD = Server(
    "ngircd",
    "ngircd",
    ("ngircd", "-n", "-f", "{config}"),
    load=IRC,
    burst=8,
    config="ngircd.conf",
    ask=("--version",),
)
INSPIRCD = Server(
    "inspircd",
    "InspIRCd",
    ("inspircd", "--nofork", *(() if os.geteuid() else ("--runasroot",)), "--config", "{config}"),
    load=IRC,
    config="inspircd.conf",
    ask=("--version",),
)
HYBRID = Server(
    "ircd-hybrid",
    "ircd-hybrid",
    (
        *("ircd-hybrid", "-foreground", "-configfile", "{config}"),
        *("-logfile", "{directory}/log", "-pidfile", "{directory}/pid"),
        *("-klinefile", "{directory}/kline", "-dlinefile", "{directory}/dline"),
        *("-xlinefile", "{directory}/xline", "-resvfile", "{directory}/resv"),
    ),
    load=IRC,
    burst=16,
    config="ircd-hybrid.conf",
    ask=("-version",),
    not_root=True,
)
DISK = Server("disk", "chat, disk", (*FREE, "--data", "{data}"))
MEMORY = Server("memory", "chat, memory", (*FREE, "--data", ":memory:"))
NAIVE = Server("naive", "naive", (sys.executable, str(HERE / "naive.py"), "{port}"))

STALLED = replace(DISK, name="disk-stalled", label="a tenth never reads", load=("--stuck", "100"))
LIMITS = replace(
    DISK,
    name="disk-limits",
    label="limits on",
    command=(*CHAT, "--port", PLAIN, "--data", "{data}"),
    load=("--src-spread",),
)
TLS = replace(
    DISK,
    name="disk-tls",
    label="TLS",
    command=(*CHAT, "--no-limits", "--port", ENCRYPTED, "--data", "{data}"),
    load=("--tls",),
)
WEBSOCKET = replace(
    DISK,
    name="disk-websocket",
    label="WebSocket",
    command=(*CHAT, "--no-limits", "--port", ELSEWHERE, "--web", PLAIN, "--data", "{data}"),
    load=("--dialect", "websocket"),
)
BY_IRC = replace(
    DISK,
    name="disk-irc",
    label="chat by IRC",
    command=(
        *(*CHAT, "--no-limits", "--port", ELSEWHERE, "--irc", PLAIN, "--irc-no-lobby"),
        *("--data", "{data}"),
    ),
    load=IRC,
)

SERVERS = {
    server.name: server
    for server in (
        *(LIMIT, NGIRCD, INSPIRCD, HYBRID, DISK, MEMORY, NAIVE),
        *(STALLED, LIMITS, TLS, WEBSOCKET, BY_IRC),
    )
}


def program(server: Server, machine: Machine) -> str | None:
    """Return the path of a server's program, or None if it is not installed."""
    first = server.command[0].format(limit=machine.limit)
    if server is TLS and not machine.tls:
        return None
    return shutil.which(first, path=machine.path)


def version_of(server: Server, machine: Machine) -> str:
    """Return what version an installed peer says it is; "" for those of this repository."""
    path = program(server, machine)
    if not server.ask or path is None:
        return ""
    as_nobody = server.not_root and not os.geteuid()
    told = subprocess.run(
        [path, *server.ask],
        capture_output=True,
        text=True,
        check=False,
        user="nobody" if as_nobody else None,
    )
    return numbers(told.stdout)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens.

    :ivar port: where, on 127.0.0.1.
    :ivar pid: its process.
    :ivar seconds: from its start until it listened.
    """

    port: int
    pid: int
    seconds: float


@contextmanager
def running(server: Server, machine: Machine) -> Iterator[Running]:
    """Run a server on its core, with a history of its own, until the end of the block.

    :raises CannotStart: if it does not listen.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as written,
        tempfile.TemporaryDirectory(prefix="data-", dir=machine.scratch) as data,
        nobody.answering() if server.not_root else nullcontext(),
    ):
        directory, port = Path(written), _free_port()
        directory.chmod(0o777)
        command = _command(server, machine, directory, data, port)
        with (directory / "output").open("wb") as output:
            began = time.monotonic()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            try:
                if not _listens(process, port):
                    raise CannotStart(f"{server.name} does not listen.\n{_last_words(directory)}")
                yield Running(port, process.pid, time.monotonic() - began)
            finally:
                _end(process)


def _command(server: Server, machine: Machine, directory: Path, data: str, port: int) -> list[str]:
    """Return the command with everything filled in, after writing the configuration."""
    config = directory / "config"
    if server.config:
        template = Template((HERE / "peers" / server.config).read_text("utf-8"))
        config.write_text(
            template.substitute(port=port, directory=directory, people=machine.people)
        )
    filled = [
        part.format(
            port=port,
            data=data,
            directory=directory,
            config=config,
            limit=machine.limit,
            key=machine.key,
            certificate=machine.certificate,
        )
        for part in server.command
    ]
    filled[0] = program(server, machine) or filled[0]
    before = nobody.command(directory) if server.not_root else []
    return ["taskset", "-c", str(machine.server_core), *before, *filled]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until it does; False if it ended, or time is up."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.001)
        else:
            return True
    return False


def _last_words(directory: Path) -> str:
    """Return the end of what a server printed and logged."""
    said = "".join(
        path.read_text("utf-8", "replace")
        for path in (directory / "output", directory / "log")
        if path.exists()
    )
    return re.sub(r"(?m)^", "    ", said.strip()[-1000:])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
