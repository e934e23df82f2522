"""The modes of a room: what they are called, what they may be, how they are written."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from chatservice.durations import parse_duration, say_duration
from chatservice.errors import ChatError, Code
from chatservice.text import clean

MAX_KEY: Final = 64
"""The longest key of a room, in characters."""

MAX_SLOW: Final = 86_400.0
"""The slowest that a room may be, in seconds between two lines of one person."""


@dataclass(frozen=True, slots=True)
class Modes:
    """What holds in a room besides who is who.

    :ivar invite_only: who was not invited cannot come in.
    :ivar moderated: who has no voice cannot speak.
    :ivar secret: who is not in it does not learn that it exists.
    :ivar topic_locked: only ops set the topic.
    :ivar secure: only who comes over an encrypted connection can come in.
    :ivar key: what one has to say to come in; "" for nothing.
    :ivar slow: seconds between two lines of one person.
    """

    invite_only: bool = False
    moderated: bool = False
    secret: bool = False
    topic_locked: bool = True
    secure: bool = False
    key: str = ""
    slow: float = 0.0

    @property
    def restricted(self) -> bool:
        """Whether it takes a key or an invitation to come in."""
        return self.invite_only or bool(self.key)

    @property
    def closed(self) -> bool:
        """Whether what is said is not for everybody who may come by."""
        return self.restricted or self.secret or self.secure

    def changed(self, name: str, value: str) -> "Modes":
        """Return the modes with one of them changed.

        :param name: as listed in NAMES, in any case.
        :param value: ``on`` or ``off``; for ``key`` and ``slow`` what they are to be, or ``off``.
        :raises ChatError: BAD_ARGUMENTS.
        """
        field = NAMES.get(name.lower())
        if field is None:
            raise _bad(f"There is no mode {name[:MAX_KEY]}: there are {', '.join(NAMES)}.")
        off = value.lower() == "off"
        if field == "key":
            return replace(self, key="" if off else _key(value))
        if field == "slow":
            return replace(self, slow=0.0 if off else _slow(value))
        if not off and value.lower() != "on":
            raise _bad(f"{name} is on or off, for example /mode {name} on.")
        return self._with({field: not off})

    def said(self, name: str) -> str:
        """Return what one of them is, in words; a key is not told."""
        value = getattr(self, NAMES[name])
        if name == "slow" and value:
            return say_duration(value)
        return "on" if value else "off"

    def to_value(self) -> Mapping[str, object]:
        """Return what is kept of them: what is not as it is at first."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not _plain(self, f.name)}

    @classmethod
    def from_value(cls, value: Mapping[str, object]) -> "Modes":
        """Return the modes that were kept; what cannot be is as it is at first."""
        known = {f.name for f in fields(cls)}
        return NORMAL._with(
            {
                name: given
                for name, given in value.items()
                if name in known and isinstance(given, type(getattr(NORMAL, name)))
            }
        )

    def _with(self, changes: Mapping[str, object]) -> "Modes":
        return replace(self, **changes)  # type: ignore[arg-type]  # the names are those of fields


NORMAL: Final = Modes()
"""The modes of a new room."""

NAMES: Final[Mapping[str, str]] = {f.name.replace("_", "-"): f.name for f in fields(Modes)}
"""What people call each mode, and the field that it is."""


def _plain(modes: Modes, name: str) -> bool:
    return bool(getattr(modes, name) == getattr(NORMAL, name))


def _key(text: str) -> str:
    if not text or len(text) > MAX_KEY or text != clean(text) or " " in text:
        raise _bad(f"A key is one word of at most {MAX_KEY} characters; off takes it away.")
    return text


def _slow(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise _bad(f"Say how slow: {error}.") from None
    if not 1 <= seconds <= MAX_SLOW:
        raise _bad("slow is from 1s to 1d; off takes it away.")
    return seconds


def _bad(problem: str) -> ChatError:
    return ChatError(Code.BAD_ARGUMENTS, problem)
