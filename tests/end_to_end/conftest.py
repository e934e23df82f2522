"""The running chat that most end-to-end tests talk to, and the browsers before it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.end_to_end.browser import FLAGS, Visits, WebChat
from tests.end_to_end.firefox import Firefox
from tests.end_to_end.harness import Server, tool
from tests.end_to_end.irc_party import CLIENTS, Party


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


@pytest.fixture
def web_chat(tmp_path: Path) -> Iterator[WebChat]:
    """Run a chat with the page and without limits."""
    with WebChat(tmp_path, "--no-limits") as server:
        yield server


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Run the one browser of all tests; each visitor gets a context of it.

    Playwright's loop of asyncio runs in this thread for as long: it does not meet the reactor of
    pytest-twisted, but nothing else here may call asyncio.run.
    """
    path = tool("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visits(chromium: Browser) -> Iterator[Visits]:
    """Open browsers before chats that the test starts itself."""
    made = Visits(chromium)
    yield made
    made.close()
    made.check()


@pytest.fixture
def visit(chromium: Browser, web_chat: WebChat) -> Iterator[Visits]:
    """Open browsers before the chat."""
    made = Visits(chromium, web_chat)
    yield made
    made.close()
    made.check()


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    """Run Firefox."""
    with Firefox(tmp_path / "firefox") as browser:
        yield browser


@pytest.fixture(params=CLIENTS)
def party(request: pytest.FixtureRequest, tmp_path: Path, chromium: Browser) -> Iterator[Party]:
    """Let people meet, with each IRC client in turn; the browsers end before the chat."""
    visits = Visits(chromium)
    with ExitStack() as stack:
        yield Party(tmp_path, CLIENTS[request.param], visits, stack)
        visits.close()
    visits.check()
