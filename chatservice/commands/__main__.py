"""Prints docs/commands.md, which is made from the table: ``python -m chatservice.commands``."""

from collections.abc import Iterator
from typing import Final

from chatservice.commands.command import Command
from chatservice.commands.table import SUBJECTS
from chatservice.limits import STRIKES
from chatservice.roles import Role
from chatservice.rooms.rights import who_may
from chatservice.text import MAX_LINE

_ABOUT: Final = f"""\
# Commands

This page is made from the table of commands (`python -m chatservice.commands > docs/commands.md`).

What begins with `/` is a command, everything else is said in the current room; `#dev hello` says it
in `#dev`. To say something that begins with a slash, type two: `//like this`. A line has at most
{MAX_LINE:,} bytes; {STRIKES} lines in a row over the allowed rate end the connection. In what
follows UPPER CASE stands for something of yours, brackets for what may be left out.

A command about a room takes the room's name first (`/kick #dev bob`); without one it is the current
room. A `DURATION` is a number and its unit: `30s`, `10m`, `12h`, `2d`, `3w`; without one it is for
good. A `WHOM` is a nickname, a mask for nicknames (`bar*`; `?` is one character), an account, an IP
address or a network (`192.0.2.0/24`, `2001:db8::/48`; a single IPv6 address stands for its /64).

Roles, from low to high: {", ".join(role.label for role in Role)}. Users are logged in; voice, op
and founder are given in one room; admins are made by `chat-admin`. Nobody can act on somebody whose
role is as high or higher, and nobody can give a role that is not below their own; but everybody
can take back a role of their own (`/deop` oneself). The lobby stands
for the whole chat: who is muted there can speak nowhere, who is kicked out of the lobby is out of
the chat, and who is banned there cannot come in by any door.
"""

_MODES: Final = """
## Modes of a room

| mode | what it does |
|---|---|
| `invite-only` | only who is invited (`/invite`) can come in; so can whoever has a role there |
| `key` | who comes in must say the key: `/join #dev KEY` |
| `moderated` | only who has voice can speak |
| `secret` | who is not in it does not learn that it exists |
| `topic-locked` | only ops set the topic; on at first |
| `slow` | one line of each person in so much time, but for who has voice |
| `secure` | only who comes over an encrypted connection, or from the same machine, can come in |
| `limit` | so many people can come in (`/mode limit 30`); an op's invitation is a place more |
| `outside` | who is not in the room can speak there, too, if nothing else stops it |

A room that somebody with an account makes is registered: it keeps its topic, modes, roles and bans
when it is empty and when the server restarts. Any other room is gone when the last one leaves; what
was said in it stays in the history, but if it was closed (by a key, by invitation, secret, secure),
whoever makes a room of that name anew does not read it.
"""


def page() -> Iterator[str]:
    """Return the page, line by line."""
    yield from _ABOUT.splitlines()
    for subject, rows in SUBJECTS:
        yield ""
        yield f"## {subject}"
        for row in rows:
            yield ""
            yield from _about(row)
        if subject == "A room":
            yield from _MODES.rstrip().splitlines()


def _about(row: Command) -> Iterator[str]:
    yield f"### `{row.usage}`"
    yield ""
    yield f"{row.help[0].upper()}{row.help[1:]}. For example:"
    yield ""
    yield f"    {row.example}"
    if row.aliases:
        yield ""
        yield f"Also: {', '.join(f'`/{alias}`' for alias in row.aliases)}."
    if row.act is not None:
        yield ""
        yield f"Who may: {who_may(row.act)}."


if __name__ == "__main__":
    for line in page():
        print(line)  # noqa: T201
