"""Real Chromium before a real server: visitors of the page, and what must never happen to them.

Each visitor has a browser context of its own, as people have browsers of their own. Everything that
a developer would find in the console is collected: messages of errors and warnings, exceptions,
failed or foreign requests, violations of the page's Content Security Policy, dialogs of alert(). A
test that did not announce one of them fails.
"""

import json
import re
import selectors
import socket
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    Request,
    Response,
    expect,
)

from tests.end_to_end.harness import BIN, CONSENT, PATIENCE, Program, Server, tool

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=PATIENCE * 1000)

_REPORT_VIOLATIONS: Final = """
document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`CSP: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sample}`));
"""


class WebChat(Server):
    """A real ``twistd chat`` with the page, both on ports of their own choice.

    :param arguments: options of ``twistd chat``.
    :param again: a server that has ended, whose ports are to be had again.
    """

    web: int

    def __init__(self, cwd: Path, *arguments: str, again: "WebChat | None" = None) -> None:
        port, web = (again.port, again.web) if again else (0, 0)
        loopback = "interface=127.0.0.1"
        super().__init__(
            cwd, "--web", f"tcp:{web}:{loopback}", *arguments, port=f"tcp:{port}:{loopback}"
        )
        self.web = self.also("Site")

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.web}/"

    def nc(self, nick: str, *lines: str) -> Program:
        """Join with nc and type some lines."""
        person = Program(tool("nc"), "127.0.0.1", str(self.port))
        person.expect("^NICK")
        person.say(nick)
        person.expect(f"^{re.escape(CONSENT)}")
        for line in lines:
            person.say(line)
        return person


class Visitor:
    """Somebody with a browser of their own, at the page.

    :param context: their browser.
    :param url: where the page is.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self._problems: list[str] = []
        self._expected: list[str] = []
        context.set_default_timeout(PATIENCE * 1000)
        context.add_init_script(_REPORT_VIOLATIONS)
        context.on("page", self._watch)
        self.page = context.new_page()

    # What the page has, by what people (and screen readers) call it.

    @property
    def box(self) -> Locator:
        """Where one types."""
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def log(self) -> Locator:
        """What is said."""
        return self.page.get_by_role("log", name="Messages")

    @property
    def state(self) -> Locator:
        """Whether one is connected."""
        return self.page.locator("#connection")

    @property
    def heading(self) -> Locator:
        """Where one is."""
        return self.page.get_by_role("main").get_by_role("heading", level=1)

    @property
    def form(self) -> Locator:
        """The form for joining, at the door."""
        return self.page.get_by_role("form", name="Join the chat")

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    def room(self, name: str) -> Locator:
        """Return a room's button, or that of a private conversation."""
        rooms = self.page.get_by_role("navigation", name="Rooms")
        return rooms.get_by_role("button", name=re.compile(rf"^{re.escape(name)}(,|$)"))

    def member(self, nick: str) -> Locator:
        """Return somebody's button among the people of the room."""
        people = self.page.get_by_role("complementary", name="People")
        return people.get_by_role("button", name=re.compile(rf"^{re.escape(nick)}\b(?!-)"))

    def message(self, text: str | re.Pattern[str]) -> Locator:
        """Return the messages that were said with a text, exactly that if it is a string."""
        if isinstance(text, str):
            text = re.compile(rf"^\s*{re.escape(text)}\s*$")
        return self.log.locator(".message[data-seq]", has=self.page.locator(".text", has_text=text))

    def unsent(self, text: str = "") -> Locator:
        """Return the lines that were not said, or not yet."""
        return self.log.locator(".message.unsent", has_text=text)

    def event(self, text: str | re.Pattern[str]) -> Locator:
        """Return what happened: somebody came, a notice."""
        return self.log.locator(".event", has_text=text)

    def button(self, name: str) -> Locator:
        """Return a button by its exact name."""
        return self.page.get_by_role("button", name=name, exact=True)

    # What people do.

    def open(self) -> Self:
        """Go to the page."""
        self.page.goto(self.url)
        return self

    def offer(self, nick: str, password: str = "") -> None:
        """Fill the form for joining and send it."""
        form = self.form
        form.get_by_role("textbox", name="Nickname").fill(nick)
        if password:
            form.get_by_label("Password").fill(password)
        form.get_by_role("button", name="Join").click()

    def join(self, nick: str, password: str = "") -> Self:
        """Open the page and join."""
        self.open()
        self.offer(nick, password)
        self.is_in()
        return self

    def is_in(self) -> None:
        """Wait until one can talk."""
        expect(self.state).to_contain_text("Connected")
        expect(self.box).to_be_visible()

    def say(self, *lines: str) -> None:
        """Type lines, each with Enter."""
        for line in lines:
            self.box.fill(line)
            self.box.press("Enter")

    def hears(self, *texts: str | re.Pattern[str]) -> None:
        """Wait until lines are shown, each once."""
        for text in texts:
            expect(self.message(text)).to_have_count(1)

    def register(self, password: str) -> None:
        """Make the nickname one's own."""
        self.you()
        self.dialog.get_by_role("button", name="Register").click()
        self.dialog.get_by_label("Password").fill(password)
        self.page.keyboard.press("Enter")
        expect(self.dialog).to_contain_text("yours now")
        self.page.keyboard.press("Escape")
        expect(self.dialog).to_have_count(0)

    def you(self) -> None:
        """Open the dialog about oneself."""
        self.page.get_by_role("button", name=re.compile("^You")).click()
        expect(self.dialog).to_be_visible()

    def enter(self, room: str) -> None:
        """Join a room by typing."""
        self.say(f"/join {room}")
        expect(self.heading).to_have_text(room)

    def go(self, room: str) -> None:
        """Switch to a room, or to a private conversation."""
        self.room(room).click()
        expect(self.heading).to_have_text(room)

    def look_away(self, away: bool = True) -> None:
        """Turn to another tab, or back.

        Headless Chromium never hides a page, so the page is told what it would find then.
        """
        self.page.evaluate(
            """(away) => {
                const state = { hidden: away, visibilityState: away ? "hidden" : "visible" };
                for (const [name, value] of Object.entries(state))
                    Object.defineProperty(document, name, { configurable: true, value });
                document.hasFocus = () => !away;
                document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
                window.dispatchEvent(new Event(away ? "blur" : "focus"));
            }""",
            away,
        )

    # What must not happen.

    def expects(self, *patterns: str) -> None:
        """Announce problems that are meant to happen."""
        self._expected.extend(patterns)

    def unexpected(self) -> list[str]:
        """Return what went wrong behind the page's back."""
        known = re.compile("|".join(self._expected) or "(?!)")
        return [problem for problem in self._problems if not known.search(problem)]

    def problem(self, what: str) -> None:
        """Remember something that should not be."""
        self._problems.append(what)

    def _watch(self, page: Page) -> None:
        def console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning", "assert"):
                where = message.location.get("url", "")
                self.problem(f"console {message.type}: {message.text} ({where})")

        def asked(request: Request) -> None:
            parts = urlsplit(request.url)
            if parts.scheme in ("http", "https", "ws", "wss") and not self._ours(request.url):
                self.problem(f"request to another host: {request.url}")

        def answered(response: Response) -> None:
            if response.status >= 400:
                self.problem(f"status {response.status} of {response.url}")

        def failed(request: Request) -> None:
            if request.failure != "net::ERR_ABORTED":  # as a reload does
                self.problem(f"failed: {request.url}: {request.failure}")

        def alert(dialog: Dialog) -> None:
            self.problem(f"{dialog.type} dialog: {dialog.message}")
            dialog.dismiss()

        page.on("console", console)
        page.on("pageerror", lambda error: self.problem(f"exception: {error}"))
        page.on("request", asked)
        page.on("response", answered)
        page.on("requestfailed", failed)
        page.on("dialog", alert)
        page.on("crash", lambda _: self.problem("the page crashed"))

    def _ours(self, url: str) -> bool:
        return urlsplit(url).netloc == urlsplit(self.url).netloc


class Visits:
    """Opens browsers before a chat, and looks them through at the end.

    :param browser: the one Chromium of all tests.
    :param chat: where visitors go if nothing else is said.
    """

    def __init__(self, browser: Browser, chat: WebChat | None = None) -> None:
        self._browser = browser
        self._chat = chat
        self._visitors: list[Visitor] = []

    def __call__(self, nick: str = "", *, url: str = "", **options: Any) -> Visitor:
        """Open a browser; join if a nickname is given.

        :param url: where to, if not to the test's own chat.
        :param options: those of a browser context: viewport, timezone_id and so on.
        """
        if not url:
            assert self._chat is not None
            url = self._chat.url
        context = self._browser.new_context(**{"locale": "en-GB", **options})
        visitor = Visitor(context, url)
        self._visitors.append(visitor)
        return visitor.join(nick) if nick else visitor

    def close(self) -> None:
        """Close all browsers."""
        for visitor in self._visitors:
            visitor.context.close()

    def check(self) -> None:
        """Fail if something went wrong behind a page's back."""
        problems = [problem for one in self._visitors for problem in one.unexpected()]
        assert not problems, "\n".join(problems)


class Wire:
    """A stretch of network between clients and a server, which can be cut, or fall silent.

    :param to: the port behind it.

    :ivar port: the port before it.
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ends: dict[socket.socket, socket.socket] = {}
        self._servers: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._waking, self._wake = socket.socketpair()
        self._selector.register(self._waking, selectors.EVENT_READ)
        self._orders: list[Callable[[], None]] = []
        self._done = threading.Event()
        self._whole = True
        self._silent = False
        self._open = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        """Use it as a context: it is taken away with the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it away."""
        self._order(self._end)
        self._thread.join(PATIENCE)
        for one in (self._listening, self._waking, self._wake):
            one.close()
        self._selector.close()

    def cut(self) -> None:
        """End all connections; new ones end at once."""
        self._order(self._cut)

    def mend(self) -> None:
        """Let everything through again."""
        self._order(self._mend)

    def fall_silent(self) -> None:
        """Pass nothing on, and end nothing: as a network does that went away."""
        self._order(self._hush)

    def lose_answers(self) -> None:
        """Pass on what browsers send, and nothing that the server answers."""
        self._order(self._deafen)

    def _order(self, what: Callable[[], None]) -> None:
        self._done.clear()
        self._orders.append(what)
        self._wake.send(b"!")
        assert self._done.wait(PATIENCE)

    def _run(self) -> None:
        while self._open:
            for key, _ in self._selector.select():
                one = key.fileobj
                if one is self._waking:
                    self._waking.recv(1)
                    self._orders.pop(0)()
                    self._done.set()
                elif one is self._listening:
                    self._accept()
                elif isinstance(one, socket.socket) and one in self._ends:
                    self._pass_on(one)

    def _accept(self) -> None:
        near, _ = self._listening.accept()
        if not self._whole:
            near.close()
            return
        try:
            far = socket.create_connection(("127.0.0.1", self._to))
        except OSError:
            near.close()
            return
        self._servers.add(far)
        for one, other in ((near, far), (far, near)):
            self._ends[one] = other
            if not self._silent:
                self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, one: socket.socket) -> None:
        other = self._ends[one]
        try:
            data = one.recv(1 << 16)
            other.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._close(one)
            self._close(other)

    def _close(self, one: socket.socket) -> None:
        if self._ends.pop(one, None) is not None:
            if one in self._selector.get_map():
                self._selector.unregister(one)
            self._servers.discard(one)
            one.close()

    def _cut(self) -> None:
        self._whole = False
        for one in list(self._ends):
            self._close(one)

    def _mend(self) -> None:
        self._whole, self._silent = True, False
        for one in self._ends:
            if one not in self._selector.get_map():
                self._selector.register(one, selectors.EVENT_READ)

    def _hush(self) -> None:
        self._silent = True
        for one in self._ends:
            self._selector.unregister(one)

    def _deafen(self) -> None:
        for one in self._servers:
            self._selector.unregister(one)

    def _end(self) -> None:
        self._cut()
        self._open = False


def tell_the_past(data: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Put lines into a history before the chat starts, as ``chat-admin import`` does."""
    told = "".join(json.dumps({"room": "#lobby", "kind": "said", **line}) + "\n" for line in lines)
    command: Sequence[str] = (str(BIN / "chat-admin"), "--data", str(data), "import")
    ran = subprocess.run(
        command, input=told, text=True, capture_output=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr


def axe_source(folder: Path, version: str) -> str:
    """Return the source of axe-core from the npm registry, or skip the test.

    :param folder: where it is kept for the next time.
    """
    package = folder / f"axe-core-{version}.tgz"
    if not package.exists():
        command = [tool("npm"), "pack", "--silent", f"axe-core@{version}"]
        with tempfile.TemporaryDirectory(dir=folder) as own:  # other processes see all or nothing
            ran = subprocess.run(
                command, cwd=own, capture_output=True, text=True, timeout=120, check=False
            )
            if ran.returncode != 0:
                pytest.skip(f"npm cannot fetch axe-core: {ran.stderr.strip()[-300:]}")
            (Path(own) / package.name).replace(package)
    with tarfile.open(package) as tar:
        found = tar.extractfile("package/axe.min.js")
        assert found is not None
        return found.read().decode()
