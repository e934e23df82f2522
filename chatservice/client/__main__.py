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

from chatservice.client import secret
from chatservice.client.link import Link
from chatservice.client.options import Settings, parse
from chatservice.client.pipe import Pipe, PipeInput
from chatservice.client.reach import endpoint_for
from chatservice.interfaces import IClock

PARTING: Final = 2.0
"""Seconds that saying goodbye to the server may take."""


THROWN_OUT: Final = 3
"""The exit code of who was thrown out."""


class Failed(Exception):
    """Not all went well, for a reason in words."""


class ThrownOut(Failed):
    """Somebody there has kicked or banned us."""


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
    """Run the client and exit: 0 if all went well, 1 with the reason if not.

    3 if that is that somebody there threw us out: who tries again does so on purpose.
    """
    settings = parse()
    for number, closed in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if closed is None:  # as after <&- in a shell; descriptors are taken in this order
            os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)
    run = in_terminal if os.isatty(0) and os.isatty(1) else in_pipe
    try:
        run(settings, secret.given(settings.password_file, os.environ))
    except ThrownOut as error:
        print(f"chat-client: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(THROWN_OUT) from None
    except (OSError, ValueError, Failed) as error:
        raise SystemExit(f"chat-client: {error}") from None  # which is printed; the code is 1


def in_pipe(settings: Settings, password: str) -> None:
    """Say what standard input says.

    :raises Failed: if not all went well.
    """
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
    pipe.link = Link(
        core,
        endpoint,
        settings.nick,
        pipe,
        stamps=settings.follow,
        password=password,
        private=settings.private,
    )

    def start() -> None:
        core.addSystemEventTrigger("before", "shutdown", pipe.link.stop)
        pipe.link.start()
        pipe.input = stdio.StandardIO(PipeInput(pipe))

    _run(core, start)
    if outcome:
        reason = outcome[0]
        if reason is not None:
            raise ThrownOut(reason) if pipe.link.thrown else Failed(reason)
    elif pipe.unfinished:
        raise Failed("interrupted before everything was said")


def in_terminal(settings: Settings, password: str) -> None:
    """Let a person talk.

    :raises Failed: if somebody there did not.
    """
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
    screen.link = Link(
        core,
        endpoint_for(reactor, settings),
        settings.nick,
        screen,
        password=password,
        private=settings.private,
    )

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
    if screen.ending:
        raise ThrownOut(screen.ending)


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
