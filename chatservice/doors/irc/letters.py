"""A room's modes and bans as IRC's letters (modern.ircdocs.horse, section "Channel Modes")."""

from collections.abc import Iterable
from typing import Final

from chatservice.rooms.modes import MAX_KEY

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


def mode_change(changes: Iterable[tuple[str, str]], key: str = "") -> list[str]:
    """Return modes of a room as letters with their signs, and the params of those that have one.

    :param changes: names and values as Modes.said has them.
    :param key: what a key is; "" for who may not know it. It is told if it fits into a message.
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
            told = sign == "+" and key[:1] not in ("", ":") and len(key.encode()) <= MAX_KEY
            params[sign].append(key if told else "*")
        elif name in ("slow", "limit") and sign == "+":
            params[sign].append(value)
    signed = "".join(f"{sign}{found}" for sign, found in letters.items() if found)
    return [signed, *params["+"], *params["-"]]


def ban_mask(label: str) -> str:
    """Return whom a ban means as IRC writes it.

    :param label: a nickname, a mask for nicknames, or a network, of which only those contain dots
        or colons; or what IRC has written.
    """
    if "!" in label:
        return label
    return f"*!*@{label}" if "." in label or ":" in label else f"{label}!*@*"
