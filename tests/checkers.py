"""Lint, format, types, and the unit tests under trial: run beside the other tests.

Each is a program of its own that needs one core and takes up to minutes; the tests here need about
one, too. What a test asks for that was not begun is begun then.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

import pytest

HOUSE = Path(__file__).parent.parent

CHECKS = {
    "ruff": ["ruff", "check", "."],
    "ruff-format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "trial": ["twisted.trial", "tests"],
}
"""Each by a name: the module to run, and its arguments."""


class Running(NamedTuple):
    """A check under way, and where what it says goes."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]


class Checkers:
    """The checks of one run of the tests."""

    def __init__(self) -> None:
        self._place = tempfile.TemporaryDirectory()
        self._running: dict[str, Running] = {}

    def begin(self, name: str) -> Running:
        """Start a check, unless it was started before."""
        if name not in self._running:
            command = [sys.executable, "-m", *CHECKS[name]]
            if name == "trial":
                command.insert(3, f"--temp-directory={self._place.name}/trial")
            output = tempfile.TemporaryFile()  # noqa: SIM115
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=HOUSE,
                stdin=subprocess.DEVNULL,
            )
            self._running[name] = Running(process, output)
        return self._running[name]

    def result(self, name: str) -> tuple[int, str]:
        """Return a check's exit code, and all that it said."""
        process, output = self.begin(name)
        code = process.wait()
        output.seek(0)
        return code, output.read().decode("utf-8", "replace")

    def end(self) -> None:
        """End what nobody waits for any more."""
        for process, output in self._running.values():
            process.kill()
            process.wait()
            output.close()
        self._place.cleanup()


CHECKERS = pytest.StashKey[Checkers]()
"""Where pytest's configuration has them."""

PREFIX = "test_the_checkers_are_content["
"""What the names of the tests that wait for them begin with; a check's own follows."""
