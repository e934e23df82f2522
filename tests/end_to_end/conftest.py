"""The running chat that most end-to-end tests talk to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import Server


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Server]:
    """Run a chat with the default limits."""
    with Server(tmp_path) as server:
        yield server


@pytest.fixture
def open_chat(tmp_path: Path) -> Iterator[Server]:
    """Run a chat without limits."""
    with Server(tmp_path, "--no-limits") as server:
        yield server
