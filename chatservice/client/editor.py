"""The line being typed, as data: what each key does to it. Knows no terminal.

A cursor stands between graphemes (Unicode UAX #29), so that a family of emoji or a letter with
its accents is one step, one deletion, and as wide as the terminal shows it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from wcwidth import iter_graphemes, wcswidth

from chatservice.names import fold
from chatservice.text import MAX_LINE

HISTORY: Final = 500
"""How many lines are remembered."""

LONGEST: Final = 4 * MAX_LINE
"""How many characters a line may have while it is edited."""

DOT: Final = "\N{BULLET}"
"""What is shown for each character of a password."""

_WORD_LEFT: Final = re.compile(r"\w+\W*$|\W+$")
_WORD_RIGHT: Final = re.compile(r"\W*\w+|\W+")
_BLANK_WORD_LEFT: Final = re.compile(r"\S*\s*$")


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return max(0, wcswidth(text))


class Editor:
    """One line with a cursor, the lines typed before, and completion.

    What is secret shows as dots, and neither the line nor what is cut out of it is remembered. It
    stays secret when what stands before it is changed.

    :param secret: returns where a line becomes secret; None if it does not.
    :ivar before: the text left of the cursor.
    :ivar after: the text right of it.
    """

    def __init__(self, secret: Callable[[str], int | None] = lambda text: None) -> None:
        self.before = ""
        self.after = ""
        self._secret = secret
        self._open: str | None = None  # what stands before what is secret; None if nothing is
        self._history: list[str] = []
        self._recalled = 0  # index into the history; its length: the line being written
        self._draft: tuple[str, str | None] = ("", None)
        self._killed = ""
        self._candidates: list[str] = []
        self._completed = ""  # what completion put left of the cursor, to see if it goes on

    @property
    def text(self) -> str:
        """The whole line."""
        return self.before + self.after

    @property
    def secret(self) -> bool:
        """Whether a part of the line is, or was when it was typed, a secret."""
        self._look()
        return self._open is not None

    def insert(self, text: str) -> None:
        """Type something; nothing more where the line is longer than any that can be sent."""
        if len(self.text) < LONGEST:
            self.before += text
            self._look()

    def press(self, key: str) -> bool:
        """Do what a key does.

        :param key: a name from KEYS.
        :returns: False if there is no such key.
        """
        action = KEYS.get(key)
        if action is None:
            return False
        self._look()
        action(self)
        self._look()
        return True

    def enter(self, remember: bool = True) -> str:
        """Return the line, remember it unless it is secret, and begin a new one."""
        line = self.text
        new = line and (not self._history or self._history[-1] != line)
        if new and remember and not self.secret:
            self._history = [*self._history, line][-HISTORY:]
        self._recalled = len(self._history)
        self._draft = ("", None)
        self.before = self.after = ""
        self._open = None
        return line

    def complete(self, nicks: Iterable[str], commands: Sequence[str]) -> None:
        """Complete the word left of the cursor; again: with the next that fits.

        :param nicks: nicknames, the likeliest first.
        :param commands: with their slash.
        """
        if not (self._candidates and self.before == self._completed):
            word = self.before.rpartition(" ")[2]
            at_start = word == self.before
            if not word:
                return
            pool = list(commands) if at_start and word.startswith("/") else list(nicks)
            behind = ": " if at_start and not word.startswith("/") else " "
            stem, mark = (word[1:], "@") if word.startswith("@") else (word, "")
            head = self.before[: len(self.before) - len(word)]
            self._candidates = [
                f"{head}{mark}{name}{behind}"
                for name in pool
                if fold(name).startswith(fold(stem)) and name != word
            ]
            if not self._candidates:
                return
        self.before = self._completed = self._candidates.pop(0)
        self._candidates.append(self.before)

    def view(self, width: int) -> tuple[str, int]:
        """Return the part of the line that fits a row, and the cursor's column in it.

        :param width: columns there are, the cursor's own included.
        """
        before, after = self._shown()
        widths = [(grapheme, columns(grapheme)) for grapheme in iter_graphemes(before)]
        at, first = sum(width for _, width in widths), 0
        while at >= width:
            # Drop half a row at a time, so that the text does not crawl at every key.
            dropped = 0
            while first < len(widths) and dropped < max(1, width // 2):
                dropped += widths[first][1]
                first += 1
            at -= dropped
        shown, used = "".join(grapheme for grapheme, _ in widths[first:]), at
        for grapheme in iter_graphemes(after):
            used += columns(grapheme)
            if used >= width:
                break
            shown += grapheme
        return shown, at

    def _look(self) -> None:
        """See what of the line is secret now; nothing any more once only the open part is left."""
        text = self.text
        start = self._secret(text)
        if start is not None:
            self._open = text[:start]
        elif self._open is not None and self._open.startswith(text):
            self._open = None

    def _shown(self) -> tuple[str, str]:
        """Return what is shown left and right of the cursor."""
        if not self.secret:
            return self.before, self.after
        start = self._secret(self.text) or 0
        behind = max(0, start - len(self.before))
        return (
            self.before[:start] + _dots(self.before[start:]),
            self.after[:behind] + _dots(self.after[behind:]),
        )

    def _kill(self, text: str) -> None:
        self._killed = "" if self._open is not None else text

    # The keys.

    def _left(self) -> None:
        *rest, last = [*iter_graphemes(self.before)] or [""]
        self.before, self.after = "".join(rest), last + self.after

    def _right(self) -> None:
        first = next(iter(iter_graphemes(self.after)), "")
        self.before, self.after = self.before + first, self.after[len(first) :]

    def _home(self) -> None:
        self.before, self.after = "", self.text

    def _end(self) -> None:
        self.before, self.after = self.text, ""

    def _word_left(self) -> None:
        cut = len(self.before) - _length(_WORD_LEFT.search(self.before))
        self.before, self.after = self.before[:cut], self.before[cut:] + self.after

    def _word_right(self) -> None:
        cut = _length(_WORD_RIGHT.match(self.after))
        self.before, self.after = self.before + self.after[:cut], self.after[cut:]

    def _backspace(self) -> None:
        self.before = "".join([*iter_graphemes(self.before)][:-1])

    def _delete(self) -> None:
        self.after = self.after[len(next(iter(iter_graphemes(self.after)), "")) :]

    def _kill_word(self) -> None:
        cut = len(self.before) - _length(_BLANK_WORD_LEFT.search(self.before))
        self._kill(self.before[cut:])
        self.before = self.before[:cut]

    def _kill_to_start(self) -> None:
        self._kill(self.before)
        self.before = ""

    def _kill_to_end(self) -> None:
        self._kill(self.after)
        self.after = ""

    def _yank(self) -> None:
        self.before += self._killed

    def _transpose(self) -> None:
        graphemes = [*iter_graphemes(self.before)]
        if len(graphemes) >= 2:
            graphemes[-2:] = reversed(graphemes[-2:])
            self.before = "".join(graphemes)

    def _older(self) -> None:
        self._recall(self._recalled - 1)

    def _newer(self) -> None:
        self._recall(self._recalled + 1)

    def _recall(self, index: int) -> None:
        if not 0 <= index <= len(self._history):
            return
        if self._recalled == len(self._history):
            self._draft = (self.text, self._open)
        self._recalled = index
        self.after = ""
        if index < len(self._history):
            self.before, self._open = self._history[index], None
        else:
            self.before, self._open = self._draft


def _dots(text: str) -> str:
    return DOT * sum(1 for _ in iter_graphemes(text))


def _length(found: re.Match[str] | None) -> int:
    return len(found[0]) if found else 0


KEYS: Final[dict[str, Callable[[Editor], None]]] = {
    "left": Editor._left,
    "right": Editor._right,
    "home": Editor._home,
    "end": Editor._end,
    "up": Editor._older,
    "down": Editor._newer,
    "backspace": Editor._backspace,
    "delete": Editor._delete,
    "^A": Editor._home,
    "^B": Editor._left,
    "^E": Editor._end,
    "^F": Editor._right,
    "^H": Editor._backspace,
    "^K": Editor._kill_to_end,
    "^N": Editor._newer,
    "^P": Editor._older,
    "^T": Editor._transpose,
    "^U": Editor._kill_to_start,
    "^W": Editor._kill_word,
    "^Y": Editor._yank,
    "alt-b": Editor._word_left,
    "alt-f": Editor._word_right,
    "alt-backspace": Editor._kill_word,
    "ctrl-left": Editor._word_left,
    "ctrl-right": Editor._word_right,
}
"""What each key does to the line."""
