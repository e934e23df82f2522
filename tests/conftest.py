"""What all tests share: nothing is skipped silently where everything must run."""

from collections.abc import Generator

import pytest

from tests.checkers import CHECKERS, PREFIX, Checkers

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


def pytest_configure(config: pytest.Config) -> None:
    """Have the checks at hand."""
    config.stash[CHECKERS] = Checkers()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin the checks that somebody will wait for."""
    for item in session.items:
        if item.name.startswith(PREFIX) and not session.config.option.collectonly:
            session.config.stash[CHECKERS].begin(item.name.removeprefix(PREFIX).removesuffix("]"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let no check go on alone."""
    config.stash[CHECKERS].end()
