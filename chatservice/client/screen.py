"""A person at a terminal: what is said scrolls above, what is typed stays whole below.

The terminal is in raw mode; insults takes its bytes apart into keys. Incoming lines are written
where the line being typed stood, and that is written again below them, in one write.
"""

import codecs
from collections.abc import Callable
from typing import Final

from twisted.conch.insults.insults import ServerProtocol, TerminalProtocol

from chatservice.client.editor import Editor, columns
from chatservice.client.link import Link
from chatservice.client.look import Look, mentions
from chatservice.client.roster import Roster
from chatservice.commands import COMMANDS
from chatservice.events import Event
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
_PROMPT_WIDTH: Final = 34  # a longer prompt would leave too little for the text


class Screen(TerminalProtocol):
    """The screen and the keys; implements link.User.

    :param look: how events are shown.
    :param size: returns columns and rows.
    :param leave: ends the program.
    :param suspend: stops the program until the shell wakes it.
    """

    def __init__(
        self,
        look: Look,
        size: Callable[[], tuple[int, int]],
        leave: Callable[[], None],
        suspend: Callable[[], None],
    ) -> None:
        self.link: Link
        self._look = look
        self._size = size
        self._leave = leave
        self._suspend = suspend
        self._editor = Editor()
        self._roster = Roster()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._commands = [f"/{command.name}" for command in COMMANDS]
        self._asking = False
        self._typed = {
            b"\r": self._enter,
            b"\n": self._enter,
            b"\t": self._complete,
            b"\x03": self._interrupt,
            b"\x04": self._end_of_input,
            b"\x0c": self._clear,
            b"\x1a": suspend,
        }

    # From the terminal.

    def connectionMade(self) -> None:
        """Begin."""
        self.redraw()

    def keystrokeReceived(self, key: Key, modifier: Key) -> None:
        """Take a key: a byte, or the name of one that has no character."""
        if modifier is not None:
            self._editor.press(f"alt-{_NAMED.get(key) or _ascii(key)}")
        elif key in self._typed:
            self._typed[key]()
        elif key in _NAMED:
            self._editor.press(_NAMED[key])
        elif isinstance(key, bytes) and key < b" ":
            self._editor.press("^" + chr(key[0] + 64))
        elif isinstance(key, bytes):
            # A character of several bytes comes byte by byte.
            self._editor.insert(clean(self._decoder.decode(key)))
        self.redraw()

    def unhandledControlSequence(self, sequence: bytes) -> None:
        """Take a key that insults does not know; others mean nothing here."""
        if (name := _SEQUENCES.get(bytes(sequence))) is not None:
            self._editor.press(name)
            self.redraw()

    # From the link.

    def joined(self, nick: str) -> None:
        """Say that the chat is open, and look who is here."""
        self._asking = False
        self._print(self._look.notice(f"Connected as {nick}. Ctrl-D leaves, /help helps."))
        self.link.send("/who")

    def heard(self, event: Event) -> None:
        """Show what was said."""
        self._roster.heard(event)
        bell = "\a" if mentions(event, self.link.nick) else ""
        self._print(self._look.line(event, self.link.nick) + bell)

    def refused(self, reason: str) -> None:
        """Ask for another nickname."""
        self._asking = True
        self._print(self._look.notice(f"{reason} Type a nickname and Enter."))

    def lost(self, reason: str, pause: float) -> None:
        """Say that there is no connection now."""
        self._asking = False
        self._roster.clear()
        self._print(self._look.notice(f"No connection: {reason}. Trying again in {pause:.0f} s."))

    # The keys that do more than edit.

    def _enter(self) -> None:
        line = self._editor.text
        if not line.strip():
            return
        if len(line.encode()) > MAX_LINE:
            self._print(self._look.notice(f"That is longer than {MAX_LINE} bytes: shorten it."))
        elif self._asking:
            self._asking = False
            self.link.offer(self._editor.enter())
        elif line.strip() in ("/quit", "/q", "/exit", "/bye"):
            self._leave()
        elif self.link.send(line):
            self._editor.enter()
        else:
            self._print(self._look.notice("Not connected: your line is kept, try again later."))

    def _complete(self) -> None:
        others = [nick for nick in self._roster.nicks() if nick != self.link.nick]
        self._editor.complete(others, self._commands)

    def _interrupt(self) -> None:
        if self._editor.text:
            self._editor.press("^E")
            self._editor.press("^U")
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
        self._write(self._typed_line())

    def erase(self) -> None:
        """Take the line being typed off the screen."""
        self._write("\r\x1b[K")

    def _print(self, line: str) -> None:
        self._write(f"\r\x1b[K{line}\r\n{self._typed_line()}")

    def _typed_line(self) -> str:
        prompt = "nickname> " if self._asking else f"{self.link.nick[:_PROMPT_WIDTH]}> "
        width = max(2, self._size()[0] - columns(prompt))
        shown, at = self._editor.view(width)
        column = columns(prompt) + at
        return f"\r{prompt}{shown}\x1b[K\r" + (f"\x1b[{column}C" if column else "")

    def _write(self, text: str) -> None:
        if self.terminal is not None:
            self.terminal.transport.write(text.encode("utf-8", "replace"))


def _ascii(key: Key) -> str:
    return key.decode("ascii", "replace") if isinstance(key, bytes) else ""
