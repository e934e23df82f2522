"""A room's modes and bans as IRC's letters (modern.ircdocs.horse, section "Channel Modes")."""

from collections.abc import Iterable
from typing import Final

LETTERS: Final = {
    "invite-only": "i",
    "moderated": "m",
    "secret": "s",
    "topic-locked": "t",
    "secure": "z",
    "key": "k",
    "slow": "f",
    "limit": "l",
    "outside": "n",
}
"""The letters of a room's modes, in IRC; n is the contrary of ours, nobody speaks from outside."""

CONTRARY: Final = "outside"


def mode_change(changes: Iterable[tuple[str, str]]) -> list[str]:
    """Return modes of a room as letters with their signs, and the params of those that have one.

    :param changes: names and values as Modes.said has them. Keys are never told.
    :returns: the letters first, "" for none.
    """
    letters: dict[str, str] = {"+": "", "-": ""}
    params: dict[str, list[str]] = {"+": [], "-": []}
    for name, value in changes:
        if name not in LETTERS:
            continue
        sign = "-" if (value == "off") is not (name == CONTRARY) else "+"
        letters[sign] += LETTERS[name]
        if name == "key":
            params[sign].append("*")
        elif name in ("slow", "limit") and sign == "+":
            params[sign].append(value)
    signed = "".join(f"{sign}{found}" for sign, found in letters.items() if found)
    return [signed, *params["+"], *params["-"]]


def ban_mask(label: str) -> str:
    """Return whom a ban means as IRC writes it.

    :param label: a nickname, a mask for nicknames, or a network; only those contain dots or colons.
    """
    return f"*!*@{label}" if "." in label or ":" in label else f"{label}!*@*"
