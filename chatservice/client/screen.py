"""A person at a terminal: what is said scrolls above, what is typed stays whole below.

The terminal is in raw mode; insults takes its bytes apart into keys. Incoming lines are written
where the line being typed stood, and that is written again below them, in one write.
"""

import codecs
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from twisted.conch.insults.insults import ServerProtocol, TerminalProtocol
from wcwidth import iter_graphemes

from chatservice.client import secret
from chatservice.client.editor import Editor, columns
from chatservice.client.link import Link
from chatservice.client.look import Look, mentions
from chatservice.client.outbox import Outbox
from chatservice.client.reach import ENCRYPT
from chatservice.client.roster import Roster
from chatservice.commands import COMMANDS
from chatservice.errors import Code
from chatservice.events import Event, Kind
from chatservice.interfaces import IClock
from chatservice.text import MAX_LINE, clean

Key = bytes | object

_NAMED: Final[dict[Key, str]] = {
    b"\x7f": "backspace",
    **{
        getattr(ServerProtocol, constant): name
        for constant, name in {
            "LEFT_ARROW": "left",
            "RIGHT_ARROW": "right",
            "UP_ARROW": "up",
            "DOWN_ARROW": "down",
            "HOME": "home",
            "END": "end",
            "DELETE": "delete",
        }.items()
    },
}
_SEQUENCES: Final = {
    b"\x1b[1;5D": "ctrl-left",
    b"\x1b[1;5C": "ctrl-right",
    b"\x1b[1;3D": "ctrl-left",
    b"\x1b[1;3C": "ctrl-right",
    b"\x1b[OA": "up",
    b"\x1b[OB": "down",
    b"\x1b[OC": "right",
    b"\x1b[OD": "left",
    b"\x1b[OH": "home",
    b"\x1b[OF": "end",
}
_LEAVING: Final = frozenset(
    f"/{name}"
    for command in COMMANDS
    if command.name == "quit"
    for name in (command.name, *command.aliases)
)
_READABLE: Final = f"This connection is not encrypted: a password can be read on its way. {ENCRYPT}"
_NARROW: Final = 8  # with less room than that for it, the prompt shows no nickname


class Asking(Enum):
    """What is asked of the person."""

    NOTHING = auto()
    NICK = auto()
    PASSWORD = auto()


class Screen(TerminalProtocol):
    """The screen and the keys; implements link.User.

    :param clock: a reactor.
    :param look: how events are shown.
    :param size: returns columns and rows.
    :param leave: ends the program.
    :param suspend: stops the program until the shell wakes it.
    :ivar ending: why the person was thrown out; "" if it was not.
    """

    def __init__(
        self,
        clock: IClock,
        look: Look,
        size: Callable[[], tuple[int, int]],
        leave: Callable[[], None],
        suspend: Callable[[], None],
    ) -> None:
        self.link: Link
        self.ending = ""
        self._outbox = Outbox(clock, lambda line: self.link.send(line))
        self._quiet = False  # more keys are coming: draw after the last
        self._told = False  # that lines are waiting
        self._dropping = False  # the rest of what came together is dropped
        self._drawn = 0  # the cursor's column as drawn last
        self._look = look
        self._size = size
        self._leave = leave
        self._editor = Editor(self._secret)
        self._roster = Roster()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._commands = [f"/{command.name}" for command in COMMANDS]
        self._asking = Asking.NOTHING
        self._warned = False  # that a password can be read on its way
        self._typed = {
            b"\r": self._enter,
            b"\n": self._enter,
            b"\t": self._complete,
            b"\x03": self._interrupt,
            b"\x04": self._end_of_input,
            b"\x0c": self._clear,
            b"\x1a": suspend,
        }

    def connecting(self, place: str) -> None:
        """Say where the first connection goes."""
        self._print(self._look.notice(f"Connecting to {place} ..."))

    # From the terminal.

    def connectionMade(self) -> None:
        """Begin."""
        self.redraw()

    def keystrokeReceived(self, key: Key, modifier: Key) -> None:
        """Take a key: a byte, or the name of one that has no character."""
        if self._dropping:
            return
        if not (isinstance(key, bytes) and len(key) == 1):
            self._decoder.reset()
        if modifier is not None:
            self._editor.press(f"alt-{_NAMED.get(key) or _ascii(key)}")
        elif key in self._typed:
            self._typed[key]()
        elif key in _NAMED:
            self._editor.press(_NAMED[key])
        elif isinstance(key, bytes) and key < b" ":
            self._editor.press("^" + chr(key[0] + 64))
        elif isinstance(key, bytes) and len(key) == 1:
            # A character of several bytes comes byte by byte; insults' own names are longer.
            self._editor.insert(clean(self._decoder.decode(key)))
        self.redraw()

    def several(self, keys: Callable[[], None]) -> None:
        """Take keys that came together, as in a paste, and draw once after them."""
        self._quiet = True
        try:
            keys()
        finally:
            self._quiet = self._dropping = False
            self.redraw()

    def connectionLost(self, reason: object) -> None:
        """The terminal is gone; nobody is here any more."""
        self.terminal = None
        self._leave()

    def unhandledControlSequence(self, sequence: bytes) -> None:
        """Take a key that insults does not know; others mean nothing here."""
        if (name := _SEQUENCES.get(bytes(sequence))) is not None:
            self._editor.press(name)
            self.redraw()

    # From the link.

    def joined(self, nick: str) -> None:
        """Say that the chat is open."""
        self._asking = Asking.NOTHING
        self._print(self._look.notice(f"Connected as {nick}. Ctrl-D leaves, /help helps."))

    def present(self, whole: bool) -> None:
        """Say what was typed meanwhile, and look who is here."""
        self._outbox.present(whole)
        self._outbox.add("/who")

    def heard(self, event: Event) -> None:
        """Show what was said."""
        waiting = len(self._outbox)
        if waiting <= 1:
            self._told = False
        if self._outbox.heard(event, self.link.nick):
            if waiting > 1 and not self._told:
                self._told = True
                hint = f"{waiting} lines wait for the server's limits. Ctrl-C drops them."
                self._print(self._look.notice(hint))
            return
        self._roster.heard(event)
        # Of the past only what was missed is news; a backlog, or what was searched for, is not.
        news = not event.past or self.link.catching_up
        bell = "\a" if news and (self.link.rung or mentions(event, self.link.nick)) else ""
        self._print(self._look.line(event, self.link.nick) + bell)
        if event.kind is Kind.ERROR and event.nick == Code.NEEDS_ENCRYPTION:
            self._print(self._look.notice(ENCRYPT))

    def refused(self, reason: str) -> None:
        """Ask for another nickname."""
        self._asking = Asking.NICK
        self._print(self._look.notice(f"{reason} Type a nickname and Enter."))

    def locked(self, refusal: Event) -> None:
        """Ask for the nickname's password."""
        self._asking = Asking.PASSWORD
        self._print(self._look.notice(refusal.text))
        how = f"Type the password of {self.link.nick}, or only Enter for another nickname."
        self._print(self._look.notice(how))
        if not self.link.private and not self._warned:
            self._warned = True
            self._print(self._look.notice(_READABLE))

    def lost(self, reason: str, pause: float) -> None:
        """Say that there is no connection now."""
        self._asking = Asking.NOTHING
        self._roster.clear()
        self._outbox.lost(self.link.can_return)
        self._print(self._look.notice(f"No connection: {reason}. Trying again in {pause:.0f} s."))

    def thrown_out(self, reason: str) -> None:
        """End: whether to come back is for the person to decide."""
        self.ending = reason
        self._leave()

    # The keys that do more than edit.

    def _enter(self) -> None:
        line = self._editor.text
        if self._asking is Asking.PASSWORD:
            self._enter_password(line)
            return
        if not line.strip():
            return
        if len(line.encode()) > MAX_LINE:
            self._keep(f"That is longer than {MAX_LINE} bytes: shorten it.")
        elif line.strip().lower() in _LEAVING:
            self._leave()
        elif line.split()[0].lower() == "/json":
            self._keep("That is for programs; you would not see any more.")
        elif self._asking is Asking.NICK:
            self._asking = Asking.NOTHING
            nick, _, password = self._editor.enter(remember=False).strip().partition(" ")
            self.link.offer(nick, password.strip())
        elif line != line.lstrip() and secret.in_line(line.lstrip()) is not None:
            self._keep("With a blank before it that would be said to all: take it away.")
        elif self._editor.secret and secret.in_line(line) is None:
            self._keep("There was a password in that line: not sent. Ctrl-C drops it.")
        elif self._editor.secret and not self.link.private and not self._warned:
            self._warned = True
            self._keep(f"{_READABLE} Enter sends it all the same.")
        elif not self.link.joined:
            self._keep("Not connected: your line is kept, try again later.")
        elif self._outbox.add(line):
            self._editor.enter()
        else:
            self._keep("Too many lines wait: try again when some are said.")

    def _enter_password(self, password: str) -> None:
        if len(password.encode()) > secret.LONGEST:
            self._keep("That is too long for a password here.")
        elif self._editor.enter(remember=False).strip():
            self._asking = Asking.NOTHING
            self.link.unlock(password)
        else:
            self.refused("As you like.")

    def _secret(self, line: str) -> int | None:
        """Return where a line that is being typed becomes secret; None if it does not."""
        match self._asking:
            case Asking.PASSWORD:
                return 0 if line else None
            case Asking.NICK:
                return secret.in_answer(line)
        blanks = len(line) - len(line.lstrip())
        start = secret.in_line(line[blanks:])
        return None if start is None else blanks + start

    def _keep(self, why: str) -> None:
        """Leave a line as it is; what was pasted behind it is dropped, or it would run into it."""
        self._dropping = self._quiet
        self._print(self._look.notice(why))

    def _complete(self) -> None:
        if self._editor.secret:
            return
        others = [nick for nick in self._roster.nicks() if nick != self.link.nick]
        self._editor.complete(others, self._commands)

    def _interrupt(self) -> None:
        if self._editor.text:
            self._editor.press("^E")
            self._editor.press("^U")
        elif dropped := self._outbox.clear():
            self._print(self._look.notice(f"Waiting lines dropped: {dropped}."))
        else:
            self._leave()

    def _end_of_input(self) -> None:
        if self._editor.text:
            self._editor.press("delete")
        else:
            self._leave()

    def _clear(self) -> None:
        self._write("\x1b[H\x1b[2J")

    # Drawing.

    def redraw(self) -> None:
        """Write the line being typed, and put the cursor where it stands."""
        if not self._quiet:
            self._write(self._typed_line())

    def resized(self) -> None:
        """Draw again after the terminal has wrapped the line to a new width."""
        rows = self._drawn // max(1, self._size()[0])
        up = f"\x1b[{rows}A" if rows else ""
        self._write(f"{up}\r\x1b[J{self._typed_line()}")

    def _print(self, line: str) -> None:
        self._write(f"\r\x1b[K{line}\r\n{self._typed_line()}")

    def _typed_line(self) -> str:
        available = self._size()[0]
        prompt = _shortened(self._prompt(), available // 2) + "> "
        width = max(2, available - columns(prompt))
        shown, at = self._editor.view(width)
        column = self._drawn = columns(prompt) + at
        return f"\r{prompt}{shown}\x1b[K\r" + (f"\x1b[{column}C" if column else "")

    def _prompt(self) -> str:
        match self._asking:
            case Asking.NICK:
                return "nickname"
            case Asking.PASSWORD:
                return f"password of {self.link.nick}"
        return f"{self.link.nick} {self.link.room}".rstrip()

    def _write(self, text: str) -> None:
        if self.terminal is not None:
            self.terminal.transport.write(text.encode("utf-8", "replace"))


class Keyboard(ServerProtocol):
    """Takes a terminal's bytes apart into keys for a Screen."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(lambda: screen)
        self._screen = screen

    def dataReceived(self, data: bytes) -> None:
        """Take what was typed, or pasted."""
        # Some terminals say Alt by a second ESC, of which insults knows nothing.
        keys = data.replace(b"\x1b\x1b", b"\x1b")
        self._screen.several(lambda: ServerProtocol.dataReceived(self, keys))


def _shortened(text: str, width: int) -> str:
    """Return as much of a text as fits so many columns; nothing where there is hardly room."""
    shown = ""
    for grapheme in iter_graphemes(text if width >= _NARROW else ""):
        if columns(shown + grapheme) > width:
            break
        shown += grapheme
    return shown


def _ascii(key: Key) -> str:
    return key.decode("ascii", "replace") if isinstance(key, bytes) else ""
