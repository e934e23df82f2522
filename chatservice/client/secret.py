"""Passwords: which part of a typed line is one, and where a program's own comes from.

What is one is not shown, not remembered and not written anywhere.
"""

import os
import re
import stat
from collections.abc import MutableMapping
from typing import Final

from chatservice.commands import COMMANDS
from chatservice.text import clean

VARIABLE: Final = "CHAT_PASSWORD"
"""The environment variable that may hold the password."""

LONGEST: Final = 512
"""Bytes that a password may have here: it has to go into one line, with the nickname."""

_WITH_PASSWORD: Final = ("login", "register", "password")


def _names() -> str:
    aliases = (name for row in COMMANDS if row.name in _WITH_PASSWORD for name in row.aliases)
    return "|".join(map(re.escape, (*_WITH_PASSWORD, *aliases)))


# /nick takes no password, but who has just answered NICK with one may well try.
_COMMAND: Final = re.compile(rf"/(?:(?:{_names()})\s+|nick\s+\S+\s+)(?=\S)", re.IGNORECASE)
_ANSWER: Final = re.compile(r"\s*\S+\s+(?=\S)")


def in_line(text: str) -> int | None:
    """Return where a password begins in a typed line; None if there is none."""
    found = _COMMAND.match(text)
    return found.end() if found else None


def in_answer(text: str) -> int | None:
    """Return where a password begins in an answer to NICK; None if there is none."""
    found = _ANSWER.match(text)
    return found.end() if found else None


def given(file: str | None, environment: MutableMapping[str, str]) -> str:
    """Return the password that a program was given; "" for none.

    :param file: a file whose first line it is; None for the environment variable, which is
        removed, so that no other program inherits it.
    :raises OSError: if the file cannot be read.
    :raises ValueError: if others may read it, or if it holds no password.
    """
    variable = environment.pop(VARIABLE, "")
    if file is None:
        return _checked(variable, VARIABLE) if variable else ""
    with open(file, "rb") as opened:
        if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
            raise ValueError(f"others may read {file}: type chmod 600 {file}")
        line = opened.readline(LONGEST + 2).removesuffix(b"\n").removesuffix(b"\r")
    try:
        return _checked(line.decode(), file)
    except UnicodeDecodeError:
        raise ValueError(f"the password in {file} is not UTF-8") from None


def _checked(password: str, source: str) -> str:
    if not password.strip() or len(password.encode("utf-8", "replace")) > LONGEST:
        raise ValueError(f"{source} holds no password: one line of at most {LONGEST} bytes")
    if clean(password) != password:
        raise ValueError(f"the password in {source} has a character that cannot be sent")
    return password
