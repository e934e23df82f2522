"""The table of commands: every command there is, and /help, which is made from it."""

import difflib
from typing import Final

from chatservice.commands import oneself, past, rooms, talking
from chatservice.commands.command import Argument, Command
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.names import MAX_NICK
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
    def show(*lines: str) -> None:
        session.hub.tell(session.person, Kind.NOTICE, *lines)

    if name:
        command = find(name)
        show(f"{command.usage}   {command.help}", f"For example: {command.example}")
        if command.aliases:
            show("Also: " + " ".join(f"/{alias}" for alias in command.aliases))
        return
    width = max(len(command.usage) for command in COMMANDS)
    show(
        "Type something and everybody reads it. Or type a command:",
        *(f"  {command.usage:{width}}   {command.help}" for command in COMMANDS),
        "A line that starts with // says the rest, with one slash.",
    )


COMMANDS: Final = (
    Command(
        "help",
        (Argument("COMMAND", optional=True),),
        "what you can type, or more about one command",
        "/help msg",
        _help,
        aliases=("h", "?"),
    ),
    *rooms.ROWS,
    *talking.ROWS,
    *past.ROWS,
    *oneself.ROWS,
)
"""Every command there is."""

BY_NAME: Final = {name: row for row in COMMANDS for name in (row.name, *row.aliases)}
"""The rows by name and alias."""
