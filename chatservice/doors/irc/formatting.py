r"""What IRC clients put between the characters of a text: mIRC's formatting, and CTCP.

    \x02 bold    \x1d italics    \x1f underlined    \x1e struck through    \x11 monospace
    \x16 reversed    \x0f plain again    \x03FG,BG colours    \x04RRGGBB,RRGGBB the same
    \x01COMMAND ARGUMENT\x01 in place of a text: CTCP

modern.ircdocs.horse/formatting and /ctcp. The chat has text alone: formatting is taken off, or each
of these characters would be shown as a replacement character. Knows nothing of the chat.
"""

import re
from typing import Final

_MARK: Final = "\x01"
ACTED: Final = (f"{_MARK}ACTION ", _MARK)
"""What stands before and behind what somebody does ("waves") as the text of a message."""

_FORMATTING: Final = re.compile(
    r"[\x02\x0f\x11\x16\x1d\x1e\x1f]"
    r"|\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?"
    r"|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?"
)


def strip(text: str) -> str:
    """Return a text without its formatting."""
    if text.isprintable():  # nearly every text
        return text
    return _FORMATTING.sub("", text)


def ctcp(text: str) -> tuple[str, str] | None:
    """Return the command, in upper case, and the argument of a CTCP message; None for a text.

    The mark at its end may be missing: whoever cut the message cut that.
    """
    if not text.startswith(_MARK):
        return None
    command, _, argument = text[1:].removesuffix(_MARK).partition(" ")
    if not command or _MARK in command:
        return None
    return command.upper() if command.isascii() else command, argument


def write_ctcp(command: str, argument: str = "") -> str:
    """Return a CTCP message as text; marks within the argument are left out."""
    said = f"{command} {argument}" if argument else command
    return f"{_MARK}{said.replace(_MARK, '')}{_MARK}"
