"""The table of commands: every command there is, and /help, which is made from it."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from chatservice.commands import (
    account,
    choosing,
    moderation,
    oneself,
    ops,
    past,
    people,
    rooms,
    talking,
    tokens,
)
from chatservice.commands.command import Argument, Command
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.names import MAX_NICK
from chatservice.roles import Role
from chatservice.rooms.rights import may, who_may
from chatservice.rooms.room import Room
from chatservice.session import Session


def find(name: str) -> Command:
    """Return a command by its name or alias, with or without the slash, in any case.

    :raises ChatError: naming the nearest command, if there is none of that name.
    """
    wanted = name.removeprefix("/").lower()
    try:
        return BY_NAME[wanted]
    except KeyError:
        near = difflib.get_close_matches(wanted[:MAX_NICK], BY_NAME, n=1, cutoff=0.5)
        hint = f"did you mean /{BY_NAME[near[0]].name}?" if near else "see /help."
        raise ChatError(
            Code.UNKNOWN_COMMAND,
            f"There is no command /{wanted[:MAX_NICK]}: {hint} To say it, type it with //.",
        ) from None


def _help(session: Session, name: str) -> None:
    hub, person = session.hub, session.person
    room = hub.rooms.current(person)
    role = hub.rooms.role(person, room)
    if name:
        hub.tell(person, Kind.NOTICE, *_about(find(name)))
        return
    if person.program:
        hub.answer(person, *_as_commands(session, role, room))
        return
    lines = ["Type something and everybody reads it. Or type a command:"]
    for subject, rows in SUBJECTS:
        lines += _wrapped(subject, [row.usage for row in _allowed(rows, role, room)])
    lines += [
        "More about one: /help COMMAND. To say something that begins with /, type //.",
        f"You are {role.label} in {room.name}; /who shows who may do more.",
    ]
    hub.tell(person, Kind.NOTICE, *lines)


def _allowed(rows: Iterable[Command], role: Role, room: Room) -> Iterator[Command]:
    return (row for row in rows if row.act is None or may(role, row.act, room.charter.modes))


def _as_commands(session: Session, role: Role, room: Room) -> Iterator[Event]:
    for row in _allowed(COMMANDS, role, room):
        yield Event(0, session.hub.now(), "", Kind.COMMAND, row.name, row.help, row.usage)


def _about(command: Command) -> Iterator[str]:
    first = f"{command.usage}   {command.help}"
    yield from [first] if len(first) <= WIDTH else [command.usage, f"  {command.help}"]
    yield f"For example: {command.example}"
    if command.aliases:
        yield "Also: " + " ".join(f"/{alias}" for alias in command.aliases)
    if command.act is not None:
        yield f"Who may: {who_may(command.act)}"


def _wrapped(subject: str, usages: Sequence[str]) -> Iterator[str]:
    """Write usages under one subject, in lines that fit a terminal, none cut in two."""
    line = f"{subject:9}"
    for usage in usages:
        if len(line) + len(usage) + 2 > WIDTH:
            yield line
            line = " " * 9
        line += f"  {usage}"
    if line.strip() != subject:
        yield line


WIDTH: Final = 76
"""Characters of a line of /help, so that it fits a terminal behind the mark of the server's."""

HELP: Final = Command(
    "help",
    (Argument("COMMAND", optional=True),),
    "what you can type, or more about one command",
    "/help msg",
    _help,
    aliases=("h", "?"),
)

SUBJECTS: Final = (
    ("Help", (HELP,)),
    ("Talk", talking.ROWS),
    ("Rooms", rooms.ROWS),
    ("People", people.ROWS),
    ("To see", choosing.ROWS),
    ("The past", past.ROWS),
    ("You", oneself.ROWS),
    ("Account", account.ROWS),
    ("A room", ops.ROWS),
    ("Order", moderation.ROWS),
    ("Programs", tokens.ROWS),
)
"""The commands by what they are about."""

COMMANDS: Final = tuple(row for _, rows in SUBJECTS for row in rows)
"""Every command there is."""

BY_NAME: Final = {name: row for row in COMMANDS for name in (row.name, *row.aliases)}
"""The rows by name and alias."""
