"""Real Firefox before a real server: what only another engine than Chromium's can tell.

It is driven by Marionette, its own remote protocol: over TCP, each message is its length, a colon
and JSON; [0, id, command, arguments] there, [1, id, error, result] back.
"""

import json
import re
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.end_to_end.harness import PATIENCE, Program, tool

PREFERENCES: Final = {
    "marionette.port": 0,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.serverURL": "",
    "media.gmp-manager.url": "",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.trr.mode": 5,
    "services.settings.server": "http://127.0.0.1:1/",
    "termsofuse.bypassNotification": True,
}
"""It listens where it likes, and asks nobody else about anything."""

KEYS: Final = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004"}  # WebDriver, 17.4.2
_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver, 12


class Firefox:
    """A browser, with a profile of its own.

    :param profile: a folder for that, which is made.
    """

    def __init__(self, profile: Path) -> None:
        profile.mkdir()
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in PREFERENCES.items()
        ]
        (profile / "user.js").write_text("\n".join(lines))
        command = [tool("firefox-esr"), "--headless", "--marionette", "--no-remote"]
        self._program = Program(*command, "--profile", profile, "about:blank")
        self._ids = 0
        try:
            port = int(self._program.expect(r"Marionette\s+INFO\s+Listening on port (\d+)")[1])
            self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
            self._file = self._socket.makefile("rb")
            self._read()
            self._do("NewSession")
        except BaseException:  # nobody else would end it
            self._program.end()
            raise

    def __enter__(self) -> Self:
        """Use it as a context: it ends with the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it; without its parent the processes of its pages end by themselves."""
        self._file.close()
        self._socket.close()
        self._program.end()

    def go(self, url: str) -> None:
        """Go to a page, and wait until it is loaded."""
        self._do("Navigate", url=url)

    def reload(self) -> None:
        """Load the page anew."""
        self._do("Refresh")

    def ask(self, expression: str) -> Any:
        """Return what an expression of JavaScript is."""
        return self._do("ExecuteScript", script=f"return {expression}", args=[])["value"]

    def until(self, expression: str) -> None:
        """Wait until an expression of JavaScript is true."""
        end = time.monotonic() + PATIENCE
        while not self.ask(expression):
            assert time.monotonic() < end, (
                f"never: {expression}; {self.ask('document.body.innerText')}"
            )

    def click(self, selector: str) -> None:
        """Click on what a selector of CSS names."""
        found = self._do("FindElement", using="css selector", value=selector)
        self._do("ElementClick", id=found["value"][_ELEMENT])

    def type(self, *words: str) -> None:
        """Type texts, and keys by their names."""
        keys = [key for word in words for key in ([KEYS[word]] if word in KEYS else word)]
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._do("PerformActions", actions=[{"type": "key", "id": "keys", "actions": strokes}])

    def _do(self, command: str, **arguments: Any) -> Any:
        self._ids += 1
        message = json.dumps([0, self._ids, f"WebDriver:{command}", arguments]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._read()
        assert error is None, error
        return result

    def _read(self) -> Any:
        digits = b""
        while re.fullmatch(rb"\d", one := self._file.read(1)):
            digits += one
        return json.loads(self._file.read(int(digits)))
