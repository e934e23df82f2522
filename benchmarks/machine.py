"""What a run needs of the machine: two cores, open files, a compiler, programs, a certificate.

Knows the operating system and the file system. Must not know servers, nor what is measured.
"""

import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
HOUSE = HERE.parent
SOURCES = HERE / "load"
MOST_PEOPLE = 20_000
"""More would not fit between one address and one port, nor into anybody's patience."""

SPARE_FILES = 200
"""What a server needs beside its connections; ircd-hybrid the most, about 70."""

ALSO_HERE = ("/usr/sbin", "/usr/local/sbin")
"""Where servers are installed, which is not in everybody's PATH."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to measure with.

    :ivar load: the load generator, built.
    :ivar limit: the upper-bound server, built.
    :ivar scratch: a directory on a disk: what is built, and the history of the servers measured.
    :ivar path: where programs are looked for.
    :ivar server_core: the core for servers; the generator and this program have the other one.
    :ivar load_core: the other one.
    :ivar people: the most connections a server can hold.
    :ivar tls: whether the generator speaks TLS, and there is a certificate.
    """

    load: Path
    limit: Path
    scratch: Path
    path: str
    server_core: int
    load_core: int
    people: int
    tls: bool

    @property
    def certificate(self) -> Path:
        """The certificate."""
        return self.scratch / "cert.pem"

    @property
    def key(self) -> Path:
        """Its key."""
        return self.scratch / "key.pem"


def prepare(scratch: Path, peer_paths: list[str]) -> Machine:
    """Build the programs, take a core, and raise the number of open files.

    :param scratch: a directory on a disk.
    :param peer_paths: directories to look for servers in before those of PATH.
    :raises SystemExit: if something is missing without which nothing can be measured.
    """
    if sys.platform != "linux":
        raise SystemExit("The benchmarks need Linux: /proc, epoll and taskset.")
    for tool, package in {"gcc": "gcc libc6-dev", "taskset": "util-linux"}.items():
        if shutil.which(tool) is None:
            raise SystemExit(f"There is no {tool}. On Debian: apt install {package}")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("The benchmarks need two cores: one for the server, one for the load.")
    os.sched_setaffinity(0, {cores[1]})
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    scratch.mkdir(parents=True, exist_ok=True)
    people = MOST_PEOPLE if files == resource.RLIM_INFINITY else min(files, MOST_PEOPLE)
    return Machine(
        load=scratch / "load",
        limit=scratch / "limit",
        scratch=scratch,
        path=os.pathsep.join([*peer_paths, os.environ.get("PATH", os.defpath), *ALSO_HERE]),
        server_core=cores[0],
        load_core=cores[1],
        people=people - SPARE_FILES,
        tls=_build(scratch) and _certify(scratch),
    )


def _build(scratch: Path) -> bool:
    """Compile the C programs; return whether the generator speaks TLS."""
    _compile(SOURCES / "limit.c", scratch / "limit")
    tls = ["-DTLS", "-lssl", "-lcrypto"]
    try:
        _compile(SOURCES / "load.c", scratch / "load", *tls)
    except subprocess.CalledProcessError:
        say("The load generator is built without TLS; on Debian: apt install libssl-dev")
        try:
            _compile(SOURCES / "load.c", scratch / "load")
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"gcc does not compile load.c:\n{error.stderr}") from None
        return False
    return True


def _compile(source: Path, program: Path, *flags: str) -> None:
    command = ["gcc", "-O2", "-o", str(program), str(source), *flags]
    subprocess.run(command, capture_output=True, text=True, check=True)


def _certify(scratch: Path) -> bool:
    """Make a certificate for nobody, signed by itself; return whether there is one."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-keyout", str(scratch / "key.pem"), "-out", str(scratch / "cert.pem")]
    if shutil.which("openssl") is None:
        say("There is no openssl to make a certificate with: TLS is not measured.")
        return False
    subprocess.run(command, capture_output=True, check=True)
    return True


def busy(machine: Machine, seconds: float) -> float:
    """Wait for so many seconds; return which part of the two cores was used meanwhile."""
    before = _used(machine)
    time.sleep(seconds)
    used, idle = (after - then for after, then in zip(_used(machine), before, strict=True))
    return used / (used + idle) if used + idle else 0.0


def _used(machine: Machine) -> tuple[int, int]:
    """Return how long the two cores have been used and idle, in ticks."""
    used = idle = 0
    cores = (f"cpu{machine.server_core} ", f"cpu{machine.load_core} ")
    for line in Path("/proc/stat").read_text("utf-8").splitlines():
        if line.startswith(cores):
            ticks = [int(word) for word in line.split()[1:9]]
            idle += ticks[3] + ticks[4]
            used += sum(ticks) - ticks[3] - ticks[4]
    return used, idle


def describe() -> dict[str, str]:
    """Return what a reader must know of this machine; no names of it, nor of places on it."""
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor[1] if processor else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "Linux": numbers(platform.release()),
        "Python": platform.python_version(),
        "Twisted": version("Twisted"),
    }


def commit() -> str:
    """Return the commit that is measured, with a + if there is more than was committed."""
    git = ["git", "--no-optional-locks", "-C", str(HOUSE)]
    try:
        named = subprocess.run(
            [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        )
        changed = subprocess.run(
            [*git, "status", "--porcelain", "chatservice"], capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return f"version {version('chatservice')}"
    return named.stdout.strip() + ("+" if changed.stdout else "")


def numbers(text: str) -> str:
    """Return the version number in what a program says about itself."""
    found = re.search(r"\d+(\.\d+)+", text)
    return found[0] if found else "?"


def say(text: str) -> None:
    """Tell whoever waits."""
    print(text, file=sys.stderr, flush=True)
