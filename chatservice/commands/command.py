"""A row of the table of commands: name, arguments, help, example, handler; knows no command."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.durations import parse_duration
from chatservice.errors import ChatError, Code
from chatservice.names import MAX_NICK, MAX_ROOM
from chatservice.rooms.rights import Act
from chatservice.text import MAX_LINE, clean

Handler = Callable[..., Deferred[None] | None]


@cache  # there are a few dozen labels
def _key(label: str) -> str:
    name = label.strip("[]#")
    return name.lower() if name.isalpha() and name.isupper() else "value"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command.

    :ivar label: what usage lines call it.
    :ivar rest: whether it is all that remains of the line, blanks included; else one word.
    :ivar optional: whether it may be missing; the handler then gets "".
    :ivar longest: characters it may have.
    :ivar form: what the word looks like. A word of another form is not this argument: it is the
        next one, if this one is optional, and a mistake if not.
    :ivar value: what the handler gets for the word; raises ValueError.
    """

    label: str
    rest: bool = False
    optional: bool = False
    longest: int | None = None
    form: re.Pattern[str] | None = None
    value: Callable[[str], object] = str

    @property
    def key(self) -> str:
        """What programs call it: ``room`` for ``#ROOM``, ``value`` for what has no name."""
        return _key(self.label)

    def __str__(self) -> str:
        """Return the argument as it stands in a usage line."""
        if self.label.startswith("["):
            return self.label
        return f"[{self.label}]" if self.optional else self.label

    def take(self, text: str) -> tuple[str, str]:
        """Cut this argument off a line; return it, "" if it is missing, and what remains."""
        text = text.strip()
        if self.rest:
            return text, ""
        word, _, remaining = text.partition(" ")
        if self.form is not None and self.optional and not self.form.fullmatch(word):
            return "", text
        return word, remaining


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table.

    :ivar name: what stands behind the slash.
    :ivar arguments: in order; only the last may take the rest.
    :ivar help: one line.
    :ivar example: a line that a person might type.
    :ivar handler: called with the session and a value for each argument.
    :ivar aliases: other names.
    :ivar act: what it takes a role to do; whoever does it asks rights.check, /help shows it.
    :ivar free: whether it counts for no limit.
    :ivar patient: whether the next line waits for its answer however long that takes.
    """

    name: str
    arguments: tuple[Argument, ...]
    help: str
    example: str
    handler: Handler
    aliases: tuple[str, ...] = ()
    act: Act | None = None
    free: bool = False
    patient: bool = False

    @property
    def usage(self) -> str:
        """How to type it."""
        return " ".join([f"/{self.name}", *map(str, self.arguments)])

    def parse(self, text: str) -> list[object]:
        """Take apart what stands behind the command's name.

        :raises ChatError: if an argument is missing, too long, too many, or cannot be.
        """
        values: list[object] = []
        for argument in self.arguments:
            word, text = argument.take(text)
            if not word and not argument.optional:
                raise self._misused(f"{argument.label} is missing.")
            values.append(self._value(argument, word, self._misused, argument.label))
        if text.strip():
            raise self._misused("That is too much.")
        return values

    def take(self, fields: Mapping[str, object]) -> list[object]:
        """Take the arguments out of what a program gave by name; other names are ignored.

        :raises ChatError: if one is missing, too long, of more than a word, or not a string.
        """
        return [self._take(argument, fields.get(argument.key, "")) for argument in self.arguments]

    def _take(self, argument: Argument, given: object) -> object:
        key = argument.key
        if not isinstance(given, str):
            raise self._misasked(f'"{key}" must be a string.')
        value = clean(given)
        if len(value.encode()) > MAX_LINE:
            raise ChatError(Code.LINE_TOO_LONG, f'"{key}" is longer than {MAX_LINE} bytes.')
        if argument is not TEXT:  # what is said is said as it is
            value = value.strip()
        if not value or value.isspace():
            if not argument.optional:
                raise self._misasked(f'"{key}" is missing.')
            return ""
        if not argument.rest and len(value.split()) > 1:
            raise self._misasked(f'"{key}" must be one word.')
        if argument.form is not None and not argument.form.fullmatch(value):
            raise self._misasked(f'"{key}" has another form.')
        return self._value(argument, value, self._misasked, f'"{key}"')

    def _value(
        self,
        argument: Argument,
        word: str,
        refusal: Callable[[str], ChatError],
        label: str,
    ) -> object:
        """Return what the handler gets for a word."""
        if argument.longest is not None and len(word) > argument.longest:
            raise refusal(f"{label} is too long.")
        try:
            return argument.value(word) if word else ""
        except ValueError as error:
            raise refusal(f"{label}: {error}.") from None

    def _misused(self, problem: str) -> ChatError:
        return ChatError(
            Code.BAD_ARGUMENTS, f"{problem} Type {self.usage} (for example {self.example})"
        )

    def _misasked(self, problem: str) -> ChatError:
        fields = [f'"{argument.key}": "{argument}"' for argument in self.arguments]
        form = ", ".join([f'"do": "{self.name}"', *fields])
        return ChatError(Code.BAD_ARGUMENTS, f"{problem} Send {{{form}}}")


TEXT: Final = Argument("TEXT", rest=True)
NICK: Final = Argument("NICK", longest=4 * MAX_NICK)
ROOM: Final = Argument("#ROOM", longest=4 * MAX_ROOM)
OWN_ROOM: Final = Argument("#ROOM", optional=True, longest=4 * MAX_ROOM)
PLACE: Final = Argument("#ROOM", optional=True, longest=4 * MAX_ROOM, form=re.compile(r"#\S+"))
"""The room that something is about, before the other arguments; the current one if missing."""


def _term(text: str) -> float:
    """Return a duration of a second at least.

    :raises ValueError: if it is none.
    """
    seconds = parse_duration(text)
    if seconds < 1:
        raise ValueError("a duration is a second at least, for example 10m")
    return seconds


DURATION: Final = Argument(
    "DURATION", optional=True, form=re.compile(r"[0-9]+[a-zA-Z]?"), value=_term
)
"""For how long. A number without a unit is a mistake, not the beginning of a reason: it would make
of ten minutes for good."""
REASON: Final = Argument("REASON", rest=True, optional=True)
