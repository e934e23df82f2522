"""What all tests share: how they spread over the cores, and that nothing is skipped silently."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    "tests.end_to_end.harness", "tests.conformance", "tests.log_contract", "tests.tickets_contract"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --require-all, which continuous integration gives."""
    parser.addoption(
        "--require-all",
        action="store_true",
        help="fail tests that would be skipped because a program is absent",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn every skip into a failure if everything must run."""
    report = yield
    if item.config.getoption("--require-all") and getattr(report, "skipped", False):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped, though --require-all was given"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Begin no workers for single files or tests: that would take longer than most of them."""
    wanted = (argument.partition("::")[0] for argument in config.args)
    alone = not any(Path(path).is_dir() for path in wanted)
    return 0 if alone and "PYTEST_XDIST_AUTO_NUM_WORKERS" not in os.environ else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the checkers, which take longest, lest one core waits for another's at the end."""
    items.sort(key=lambda item: item.path.name != "test_house.py")
