"""``chat-client``: puts the client together, in a terminal or in a pipe."""

import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable
from types import FrameType
from typing import Final, Protocol, cast

from twisted.internet import stdio
from twisted.internet.error import ReactorNotRunning

from chatservice.client.link import Link, endpoint_for
from chatservice.client.options import Settings, parse
from chatservice.client.pipe import Pipe, PipeInput
from chatservice.interfaces import IClock

PARTING: Final = 2.0
"""Seconds that saying goodbye to the server may take."""


class Reactor(IClock, Protocol):
    """What is used of the reactor."""

    def callWhenRunning(self, call: Callable[[], object], /) -> object:
        """Call once it runs."""

    def callFromThread(self, call: Callable[[], object], /) -> None:
        """Call soon, from anywhere."""

    def addSystemEventTrigger(
        self, phase: str, event: str, call: Callable[[], object], /
    ) -> object:
        """Call at a moment of the reactor's life."""

    def run(self) -> None:
        """Run until stopped."""

    def stop(self) -> None:
        """Stop."""


def main() -> None:
    """Run the client and exit: 0 if all went well, 1 with the reason if not."""
    settings = parse()
    run = in_terminal if sys.stdin.isatty() and sys.stdout.isatty() else in_pipe
    try:
        reason = run(settings)
    except (OSError, ValueError) as error:
        reason = str(error)
    if reason is not None:
        print(f"chat-client: {reason}", file=sys.stderr)  # noqa: T201
        raise SystemExit(1)


def in_pipe(settings: Settings) -> str | None:
    """Say what standard input says; return what went wrong, None if nothing did."""
    from twisted.internet import reactor

    outcome: list[str | None] = []

    def show(line: str) -> None:
        try:
            print(line, flush=True)  # noqa: T201
        except BrokenPipeError:  # whoever read it has read enough
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
            done(None)

    def warn(line: str) -> None:
        print(f"chat-client: {line}", file=sys.stderr, flush=True)  # noqa: T201

    def done(reason: str | None) -> None:
        outcome.append(reason)
        if reason is None:
            pipe.link.send("/quit")
        pipe.link.stop().addBoth(lambda _: _stop(core))

    core = cast("Reactor", reactor)
    pipe = Pipe(core, settings.follow, show, warn, done)
    pipe.link = Link(core, endpoint_for(reactor, settings), settings.nick, pipe)

    def start() -> None:
        core.addSystemEventTrigger("before", "shutdown", pipe.link.stop)
        pipe.link.start()
        pipe.input = stdio.StandardIO(PipeInput(pipe))

    _run(core, start)
    return outcome[0] if outcome else None


def in_terminal(settings: Settings) -> str | None:
    """Let a person talk; return what went wrong, None if nothing did."""
    from twisted.conch.insults.insults import ServerProtocol
    from twisted.internet import reactor

    from chatservice.client.look import Look
    from chatservice.client.screen import Screen

    core = cast("Reactor", reactor)
    keyboard, display = sys.stdin.fileno(), sys.stdout.fileno()
    before = termios.tcgetattr(keyboard)

    def restore() -> None:
        screen.erase()
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)

    def leave() -> None:
        screen.link.send("/quit")
        core.callLater(PARTING, _stop, core)
        screen.link.stop().addBoth(lambda _: _stop(core))

    def suspend() -> None:
        restore()
        signal.raise_signal(signal.SIGTSTP)
        tty.setraw(keyboard)
        screen.redraw()

    def resized(number: int, frame: FrameType | None) -> None:
        core.callFromThread(screen.redraw)  # which wakes the reactor

    def size() -> tuple[int, int]:
        try:
            columns, rows = os.get_terminal_size(display)
        except OSError:
            columns, rows = 0, 0
        return columns or 80, rows or 24  # some terminals do not know their size

    screen = Screen(Look("NO_COLOR" not in os.environ), size, leave, suspend)
    screen.link = Link(core, endpoint_for(reactor, settings), settings.nick, screen)

    def start() -> None:
        signal.signal(signal.SIGWINCH, resized)
        signal.signal(signal.SIGHUP, lambda *_: core.callFromThread(leave))
        stdio.StandardIO(ServerProtocol(lambda: screen))
        core.addSystemEventTrigger("before", "shutdown", screen.link.stop)
        screen.link.start()

    try:
        tty.setraw(keyboard)
        _run(core, start)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        os.write(display, b"\r\x1b[K")
    return None


def _run(reactor: Reactor, start: Callable[[], None]) -> None:
    failed: list[BaseException] = []

    def begin() -> None:
        try:
            start()
        except Exception as error:
            failed.append(error)
            _stop(reactor)

    reactor.callWhenRunning(begin)
    reactor.run()
    if failed:
        raise failed[0]


def _stop(reactor: Reactor) -> None:
    with contextlib.suppress(ReactorNotRunning):
        reactor.stop()


if __name__ == "__main__":
    main()
