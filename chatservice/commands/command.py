"""A row of the table of commands: name, arguments, help, example, handler; knows no command."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.errors import ChatError, Code
from chatservice.names import MAX_NICK, MAX_ROOM

Handler = Callable[..., Deferred[None] | None]


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command.

    :ivar label: what usage lines call it.
    :ivar rest: whether it is all that remains of the line, blanks included; else one word.
    :ivar optional: whether it may be missing; the handler then gets "".
    :ivar longest: characters it may have.
    """

    label: str
    rest: bool = False
    optional: bool = False
    longest: int | None = None

    def __str__(self) -> str:
        """Return the argument as it stands in a usage line."""
        if self.label.startswith("["):
            return self.label
        return f"[{self.label}]" if self.optional else self.label


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table.

    :ivar name: what stands behind the slash.
    :ivar arguments: in order; only the last may take the rest.
    :ivar help: one line.
    :ivar example: a line that a person might type.
    :ivar handler: called with the session and a string for each argument.
    :ivar aliases: other names.
    :ivar free: whether it counts for no limit.
    :ivar patient: whether the next line waits for its answer however long that takes.
    """

    name: str
    arguments: tuple[Argument, ...]
    help: str
    example: str
    handler: Handler
    aliases: tuple[str, ...] = ()
    free: bool = False
    patient: bool = False

    @property
    def usage(self) -> str:
        """How to type it."""
        return " ".join([f"/{self.name}", *map(str, self.arguments)])

    def parse(self, text: str) -> list[str]:
        """Take apart what stands behind the command's name.

        :raises ChatError: if an argument is missing, too long or too many.
        """
        values = []
        for argument in self.arguments:
            if argument.rest:
                value, text = text.strip(), ""
            else:
                value, _, text = text.strip().partition(" ")
            if not value and not argument.optional:
                raise self._misused(f"{argument.label} is missing.")
            if argument.longest is not None and len(value) > argument.longest:
                raise self._misused(f"{argument.label} is too long.")
            values.append(value)
        if text.strip():
            raise self._misused("That is too much.")
        return values

    def _misused(self, problem: str) -> ChatError:
        return ChatError(
            Code.BAD_ARGUMENTS, f"{problem} Type {self.usage} (for example {self.example})"
        )


TEXT: Final = Argument("TEXT", rest=True)
NICK: Final = Argument("NICK", longest=4 * MAX_NICK)
ROOM: Final = Argument("#ROOM", longest=4 * MAX_ROOM)
OWN_ROOM: Final = Argument("#ROOM", optional=True, longest=4 * MAX_ROOM)
