"""irssi in a terminal of tmux's: keys go in, and what stands on the screen comes out."""

import contextlib
import itertools
import os
import re
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final

from tests.end_to_end.harness import PATIENCE, Program, tool
from tests.end_to_end.irc_clients import Client

_ROWS: Final = 120
_COLUMNS: Final = 500  # wide enough for a whole line of IRC


class _Tmux(Program):
    """A tmux with one window, steered in its control mode: it tells when its window changes.

    :param command: what runs in the window.
    """

    def __init__(self, folder: str, command: str) -> None:
        env = {"TMUX": "", "TMUX_TMPDIR": folder, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        size = ("-x", str(_COLUMNS), "-y", str(_ROWS))
        arguments = ["-u", "-L", "irssi", "-f", os.devnull, "-C", "new-session", *size, command]
        super().__init__(tool("tmux"), *arguments, env=env)
        self.expect("^%session-changed")
        self.ask("set-option destroy-unattached on")  # tmux ends with us, whatever happens
        self._pids = [
            int(pid) for pid in self.ask('display-message -p "#{pid} #{pane_pid}"')[0].split()
        ]

    def ask(self, command: str) -> list[str]:
        """Give tmux a command; return the lines of its answer."""
        start = len(self.output)
        self.say(command)
        found = self._await(rb"^%begin (\d+ \d+ 1)\n((?:.*\n)*?)%(end|error) \1\n", start)
        answer = found[2].decode("utf-8", "replace").splitlines()
        assert found[3] == b"end", f"{command}: {answer}"
        return answer

    def changed(self, start: int) -> None:
        """Wait until the window has changed since there was so much output."""
        self._await(rb"^%output ", start)

    def _await(self, pattern: bytes, start: int) -> re.Match[bytes]:
        form = re.compile(pattern, re.MULTILINE)
        with self._more:
            self._more.wait_for(lambda: form.search(self.output, start) or self._closed, PATIENCE)
            found = form.search(self.output, start)
        assert found, f"no {pattern!r} from tmux: {self.output[start:][-2000:]!r}"
        return found

    def end(self) -> None:
        """End tmux and what runs in it, by their own ids."""
        super().end()
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Irssi(Client):
    """irssi in tmux: keys go in, and what stands on the screen comes out.

    :param home: a directory of its own.
    :param password: what it gives with PASS.
    """

    WORDS: ClassVar = {
        "said": r"<[ @+]?{nick}> {text}$",
        "acted": r" \* {nick} {text}$",
        "noticed": r"-{nick}(?::\S+)?- {text}$",
        "joined": r"-!- {nick} \[\S+\] has joined {room}$",
        "left": r"-!- {nick} \[\S+\] has left {room} \[.*\]$",
        "quit": r"-!- {nick} \[\S+\] has quit \[.*\]$",
        "renamed": r"-!- (?:{nick} is now known as {new}|You're now known as {new})$",
        "kicked": r"-!- {nick} was kicked from \S+ by {by} \[{text}\]$",
        "topic": r"-!- {nick} changed the topic of \S+ to: {text}$",
        "mode": r"-!- mode/{room} \[{text}\] by {by}$",
    }
    _SETTINGS: ClassVar = """settings = {{
      core = {{ real_name = "{nick}"; user_name = "{nick}"; nick = "{nick}";
        server_reconnect_time = "1s"; }};
      "irc/core" = {{ cmds_max_at_once = "100"; cmd_queue_speed = "10msec"; }};
      "fe-text" = {{ paste_verify_line_count = "0"; }};
    }};"""

    def __init__(self, home: Path, port: int, nick: str, *, password: str = "") -> None:
        super().__init__(nick)
        home.mkdir(parents=True, exist_ok=True)
        (home / "config").write_text(self._SETTINGS.format(nick=nick))
        self._numbers = {"": "1"}  # of the windows
        self._folder = tempfile.TemporaryDirectory()  # a socket's path must be short
        given = f"-w {password}" if password else ""
        command = f"{tool('irssi')} --home={home} -c 127.0.0.1 -p {port} -n {nick} {given}"
        self._tmux = _Tmux(self._folder.name, command)

    def comes_in(self, times: int = 1) -> None:
        """Wait for the end of the server's greeting."""
        self.shows(r"-!- .*no message of the day", times=times)

    def _keys(self, line: str) -> None:
        quoted = re.sub(r'(["\\$])', r"\\\1", line)
        self._tmux.ask(f'send-keys -l -- "{quoted}"')
        self._tmux.ask("send-keys Enter")

    def screen(self) -> list[str]:
        """Return what stands on the screen."""
        return self._tmux.ask("capture-pane -p")

    def _window(self, where: str) -> list[str]:
        """Turn to a window; return the screen as soon as it shows it."""
        there = f"query {where}" if where and where[0] != "#" else f"window goto {where or 1}"
        bar = re.compile(rf"\[(\d+):[^/ ]*/{re.escape(where)}[](]" if where else r"\[(1):")
        deadline = time.monotonic() + PATIENCE
        for asked in itertools.count():
            start = len(self._tmux.output)
            screen = self.screen()
            if found := bar.search(screen[-2]):
                self._numbers[where] = found[1]
            number = self._numbers.get(where)
            empty = rf"\[{number}(:[^/]*)?\]"  # where one was thrown out
            if found or (number and re.search(empty, screen[-2])):
                return screen
            assert time.monotonic() < deadline, "\n".join([f"no window {where!r}:", *screen])
            self._keys(f"/window goto {number}" if number and asked % 2 else f"/{there}")
            self._tmux.changed(start)
        raise AssertionError

    def command(self, line: str, where: str = "") -> None:
        """Turn to a window and type a line."""
        self._window(where)
        self._keys(line)

    def lines(self, where: str = "") -> list[str]:
        """Return what a window shows of the talk, without the times."""
        screen = self._window(where)[1:-2]
        return [re.sub(r"^\d\d:\d\d ", "", line.rstrip()) for line in screen if line.strip()]

    def shows(self, pattern: str, where: str = "", times: int = 1) -> str:
        """Wait for lines on the screen."""
        form = re.compile(rf"^{pattern}")

        def found() -> str | None:
            lines = [match[0] for line in self.lines(where) if (match := form.search(line))]
            return lines[times - 1] if len(lines) >= times else None

        return self._wait(found, f"{pattern!r} x {times} in {where!r}")

    def _wait(self, look: Callable[[], str | None], what: str) -> str:
        """Look at the screen again whenever it has changed, until there is what is looked for."""
        deadline = time.monotonic() + PATIENCE
        while True:
            start = len(self._tmux.output)
            found = look()
            if found is not None:
                return found
            assert time.monotonic() < deadline, "\n".join([f"no {what}:", *self.screen()])
            self._tmux.changed(start)

    def people(self, room: str) -> list[str]:
        """Return what irssi lists as the people of a room, without asking the server."""
        total = rf"-!- Irssi: {re.escape(room)}: Total of \d+ nicks"
        before = sum(bool(re.match(total, line)) for line in self.lines(room))
        self.command("/names", room)
        self.shows(total, room, before + 1)
        lines = self.lines(room)
        last = max(n for n, line in enumerate(lines) if line == f"[Users {room}]")
        listed = [line for line in lines[last + 1 :] if re.match(r"\[.\S+ *\]", line)]
        return sorted(name for line in listed for name in re.findall(r"\[.(\S+) *\]", line))

    def has_topic(self, topic: str, room: str) -> None:
        """Wait until it stands above a room's window."""
        self._wait(lambda: topic if self._window(room)[0].strip() == topic else None, topic)

    def quit(self, reason: str = "") -> None:
        """Leave the chat, and see irssi end."""
        self._keys(f"/quit {reason}")
        self._tmux.wait()

    def end(self) -> None:
        """End irssi and tmux."""
        self._tmux.end()
        self._folder.cleanup()
