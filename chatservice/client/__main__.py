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

from chatservice.client.link import Link
from chatservice.client.options import Settings, parse
from chatservice.client.pipe import Pipe, PipeInput
from chatservice.client.reach import endpoint_for
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
    for number, closed in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if closed is None:  # as after <&- in a shell; descriptors are taken in this order
            os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)
    run = in_terminal if os.isatty(0) and os.isatty(1) else in_pipe
    try:
        reason = run(settings)
    except (OSError, ValueError) as error:
        reason = str(error)
    if reason is not None:
        raise SystemExit(f"chat-client: {reason}")  # which is printed; the exit code is 1


def in_pipe(settings: Settings) -> str | None:
    """Say what standard input says; return what went wrong, None if nothing did."""
    from twisted.internet import reactor

    outcome: list[str | None] = []

    def show(line: str) -> None:
        try:
            print(line, flush=True)  # noqa: T201
        except OSError as error:  # whoever read it has read enough; or the disk is full
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
            if isinstance(error, BrokenPipeError):
                pipe.reader_gone()
            else:
                done(f"cannot write: {error.strerror}")

    def warn(line: str) -> None:
        print(f"chat-client: {line}", file=sys.stderr, flush=True)  # noqa: T201

    def done(reason: str | None) -> None:
        outcome.append(reason)
        pipe.link.stop().addBoth(lambda _: _stop(core))

    core = cast("Reactor", reactor)
    pipe = Pipe(core, settings.follow, show, warn, done)
    endpoint = endpoint_for(reactor, settings)
    pipe.link = Link(core, endpoint, settings.nick, pipe, stamps=settings.follow)

    def start() -> None:
        core.addSystemEventTrigger("before", "shutdown", pipe.link.stop)
        pipe.link.start()
        pipe.input = stdio.StandardIO(PipeInput(pipe))

    _run(core, start)
    if outcome:
        return outcome[0]
    return "interrupted before everything was said" if pipe.unfinished else None


def in_terminal(settings: Settings) -> str | None:
    """Let a person talk; return what went wrong, None if nothing did."""
    from twisted.internet import reactor

    from chatservice.client.look import Look
    from chatservice.client.screen import Keyboard, Screen

    core = cast("Reactor", reactor)
    keyboard, display = sys.stdin.fileno(), sys.stdout.fileno()
    before = termios.tcgetattr(keyboard)

    def restore() -> None:
        os.write(display, b"\r\x1b[K")
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)

    def leave() -> None:
        core.callLater(PARTING, _stop, core)
        screen.link.stop().addBoth(lambda _: _stop(core))

    def suspend() -> None:
        restore()
        signal.raise_signal(signal.SIGTSTP)
        tty.setraw(keyboard)
        screen.redraw()

    def resized(number: int, frame: FrameType | None) -> None:
        core.callFromThread(screen.resized)  # which wakes the reactor

    def size() -> tuple[int, int]:
        try:
            columns, rows = os.get_terminal_size(display)
        except OSError:
            columns, rows = 0, 0
        return columns or 80, rows or 24  # some terminals do not know their size

    # https://no-color.org: an empty NO_COLOR does not count.
    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    screen = Screen(core, Look(colour), size, leave, suspend)
    screen.link = Link(core, endpoint_for(reactor, settings), settings.nick, screen)

    def start() -> None:
        signal.signal(signal.SIGWINCH, resized)
        signal.signal(signal.SIGHUP, lambda *_: core.callFromThread(leave))
        stdio.StandardIO(Keyboard(screen))
        screen.connecting(f"{settings.host}:{settings.port}")
        core.addSystemEventTrigger("before", "shutdown", screen.link.stop)
        screen.link.start()

    try:
        tty.setraw(keyboard)
        _run(core, start)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        with contextlib.suppress(OSError):
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
