"""The client in a pipe: says each line of standard input and waits until it was seen back.

One line is on its way at a time: seeing it come back is the acknowledgement, and the server's
limits are met by waiting. Lines are said as they are, where everybody starts; one that starts with
a slash or with what could be a room is text, too.
A line that was on its way when the connection was lost is looked for in what was missed: if it is
there it was said, if not it is said again, and if nobody can tell, that is the end.

What is shown of the past stands as on the wire, with number, date and time (UTC): nobody can write
such a line, a program can tell the same one twice by its number, and so can another zone's.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from chatservice.client.alarm import Alarm
from chatservice.client.link import THROWN_OUT, Link
from chatservice.client.outbox import retry_after
from chatservice.client.reach import ENCRYPT
from chatservice.client.secret import VARIABLE
from chatservice.commands import address
from chatservice.errors import Code
from chatservice.events import Event, Kind
from chatservice.interfaces import IClock
from chatservice.plain import render
from chatservice.text import MAX_LINE, decode

WAITING: Final = 100
"""Lines read ahead of what is said; then standard input waits."""

PATIENCE: Final = 30.0
"""Seconds in which a line must be seen back, and a nickname accepted."""


AWAY: Final = 60.0
"""Seconds in which a lost connection must be back, for who does not follow."""


class PushInput(Protocol):
    """Where standard input comes from."""

    def pauseProducing(self) -> None:
        """Read no more for now."""

    def resumeProducing(self) -> None:
        """Read on."""


class PipeInput(LineOnlyReceiver):
    """Standard input, line by line."""

    delimiter = b"\n"
    MAX_LENGTH = 1 << 20

    def __init__(self, pipe: "Pipe") -> None:
        self._pipe = pipe

    def lineReceived(self, line: bytes) -> None:
        """Take a line."""
        self._pipe.add(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a line that cannot possibly be said."""
        self._pipe.add(line[: MAX_LINE + 1])

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Take the end, and what stands before it without a line's end."""
        rest: bytes = self._buffer
        if rest:
            self._pipe.add(rest)
        self._pipe.end()


class Pipe:
    """Says lines; implements link.User.

    :param clock: a reactor.
    :param follow: whether to show what is said, and to stay after the last line.
    :param show: prints a line that was said.
    :param warn: prints a line about the connection.
    :param done: called once, with None when all went well or with the reason if not.
    """

    def __init__(
        self,
        clock: IClock,
        follow: bool,
        show: Callable[[str], None],
        warn: Callable[[str], None],
        done: Callable[[str | None], None],
    ) -> None:
        self.link: Link
        self.input: PushInput | None = None
        self._follow = follow
        self._show = show
        self._warn = warn
        self._done: Callable[[str | None], None] | None = done
        self._lines: deque[str] = deque()
        self._expected: str | None = None  # to be said next, or
        self._sent = False  # said, and neither seen nor refused
        self._trouble: str | None = None  # why there is no connection
        self._number = 0
        self._ended = False
        self._alarm = Alarm(clock)
        self._alarm.after(PATIENCE, lambda: self._finish("no answer from the server"))

    # From standard input.

    def add(self, line: bytes) -> None:
        """Take a line to be said; an empty one is nothing to say."""
        text = decode(line.rstrip(b"\r"))
        self._number += 1
        if not text or text.isspace():
            return
        if address(text) is not None:
            text = text.rstrip()  # as the command will that says it
        if len(self._typed(text).encode()) > MAX_LINE:
            self._finish(f"line {self._number} is longer than {MAX_LINE} bytes: make it shorter")
            return
        self._lines.append(text)
        if len(self._lines) >= WAITING and self.input is not None:
            self.input.pauseProducing()
        self._next()

    def end(self) -> None:
        """Take note that there is no more to say."""
        self._ended = True
        self._next()

    @property
    def unfinished(self) -> bool:
        """Whether there is something of which nobody knows that it arrived."""
        return not self._ended or bool(self._lines) or self._expected is not None

    def reader_gone(self) -> None:
        """Show no more, as nobody reads it; say what is still to be said."""
        self._follow = False
        self._next()

    # From the link.

    def joined(self, nick: str) -> None:
        """Be patient again: there is an answer."""
        self._alarm.off()

    def present(self, whole: bool) -> None:
        """Speak, or speak again; give up if nobody knows what became of the line on its way."""
        trouble, self._trouble = self._trouble, None
        if self._expected is None:
            self._next()
        elif self._sent and not whole:
            self._finish(trouble)
        else:
            self._say()

    def heard(self, event: Event) -> None:
        """Go on when what was said is seen; stop when it is refused."""
        pause = retry_after(event)
        if self._follow and pause is None:  # what is sent again is not for the reader
            self._show(render(event, elsewhere=True))
        if not self._sent:
            return
        present = self.link.ready
        if event.kind is Kind.SAID and event.nick == self.link.nick:
            if event.text == self._expected and not (event.past and present):
                self._alarm.off()
                self._expected = None
                self._sent = False
                self._next()
        elif present and pause is not None:
            self._sent = False
            self._alarm.after(pause, self._say)
        elif present and event.kind is Kind.ERROR and event.nick not in THROWN_OUT:
            self._finish(event.text)

    def refused(self, reason: str) -> None:
        """Give up: nobody is here to choose another nickname."""
        self._finish(reason)

    def locked(self, refusal: Event) -> None:
        """Give up: nobody is here to type a password."""
        how = ""
        if refusal.nick == Code.NICK_REGISTERED and self.link.private:
            how = f" Give its password with --password-file or {VARIABLE}."
        elif refusal.nick == Code.NICK_REGISTERED:
            how = f" Its password is sent only over an encrypted connection: {ENCRYPT}"
        self._finish(f"{refusal.text}{how}")

    def thrown_out(self, reason: str) -> None:
        """Give up: nobody is here to decide whether to come back."""
        self._finish(reason)

    def lost(self, reason: str, pause: float) -> None:
        """Come back if only listening, or if that tells what became of a line on its way."""
        if not self.link.can_return and not (self._follow and not self.unfinished):
            self._finish(reason)
        if self._done is None:
            return
        if self._trouble is None:
            self._trouble = reason
            self._alarm.off()
        if not self._alarm.set and not self._follow:
            self._alarm.after(AWAY, lambda: self._finish(reason))
        self._warn(f"{reason}; trying again in {pause:.0f} seconds")

    # Inside.

    def _next(self) -> None:
        if not self.link.ready or self._expected is not None or self._done is None:
            return
        if self._lines:
            self._expected = self._lines.popleft()
            if len(self._lines) == WAITING // 2 and self.input is not None and not self._ended:
                self.input.resumeProducing()
            self._say()
        elif self._ended and not self._follow:
            self._finish(None)

    def _say(self) -> None:
        text = self._expected
        if text is not None and self.link.send(self._typed(text)):
            self._sent = True
            unseen = f"a line was not seen within {PATIENCE:.0f} seconds"
            self._alarm.after(PATIENCE, lambda: self._finish(unseen))

    def _finish(self, reason: str | None) -> None:
        self._alarm.off()
        done, self._done = self._done, None
        if done is not None:
            done(reason)

    def _typed(self, text: str) -> str:
        """Return what to type so that a text is said as it is."""
        if address(text) is not None:
            return f"/say {self.link.here} {text}"
        return f"/{text}" if text.startswith("/") else text
