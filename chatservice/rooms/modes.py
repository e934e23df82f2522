"""The modes of a room: what they are called, what they may be, how they are written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from chatservice.durations import parse_duration, say_duration
from chatservice.errors import ChatError, Code
from chatservice.text import clean

MAX_KEY: Final = 64
"""The longest key of a room, in characters."""

_KEY: Final = re.compile(r"[^#\s]\S*")

_NUMBER: Final = re.compile(r"[0-9]{1,9}")

MAX_SLOW: Final = 86_400.0
"""The slowest that a room may be, in seconds between two lines of one person."""

MAX_LIMIT: Final = 1_000_000
"""The most people that a room may be limited to."""


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
    :ivar limit: how many people can come in; 0 for any number.
    :ivar outside: who is not in it can speak there, too.
    """

    invite_only: bool = False
    moderated: bool = False
    secret: bool = False
    topic_locked: bool = True
    secure: bool = False
    key: str = ""
    slow: float = 0.0
    limit: int = 0
    outside: bool = False

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
        :param value: ``on`` or ``off``; for ``key``, ``slow`` and ``limit`` what they are to be, or
            ``off``.
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
        if field == "limit":
            return replace(self, limit=0 if off else _limit(value))
        if not off and value.lower() != "on":
            raise _bad(f"{name} is on or off, for example /mode {name} on.")
        return self._with({field: not off})

    def for_everybody(self) -> "Modes":
        """Return them without what keeps people out, for where everybody starts."""
        return replace(self, invite_only=False, secret=False, secure=False, key="", limit=0)

    def said(self, name: str) -> str:
        """Return what one of them is, in words; a key is not told."""
        value = getattr(self, NAMES[name])
        if name == "slow" and value:
            return say_duration(value)
        if name == "limit" and value:
            return str(value)
        return "on" if value else "off"

    def to_value(self) -> Mapping[str, object]:
        """Return what is kept of them: what is not as it is at first."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not _plain(self, f.name)}

    @classmethod
    def from_value(cls, value: Mapping[str, object]) -> "Modes":
        """Return the modes that were kept.

        :raises TypeError: if one is something else; ValueError if it cannot be.
        """
        kept = {f.name: value[f.name] for f in fields(cls) if f.name in value}
        for name, given in kept.items():
            usual = type(getattr(NORMAL, name))
            if type(given) is not usual and (usual, type(given)) != (float, int):
                raise TypeError(f"{name} is a {type(given).__name__}")
        modes = NORMAL._with(kept)
        good = 0 <= modes.slow <= MAX_SLOW and 0 <= modes.limit <= MAX_LIMIT
        if not good or (modes.key and not _is_key(modes.key)):
            raise ValueError("a mode that cannot be")
        return modes

    def _with(self, changes: Mapping[str, object]) -> "Modes":
        return replace(self, **changes)  # type: ignore[arg-type]  # the names are those of fields


NORMAL: Final = Modes()
"""The modes of a new room."""

NAMES: Final[Mapping[str, str]] = {f.name.replace("_", "-"): f.name for f in fields(Modes)}
"""What people call each mode, and the field that it is."""


def _plain(modes: Modes, name: str) -> bool:
    return bool(getattr(modes, name) == getattr(NORMAL, name))


def _key(text: str) -> str:
    if text.lower() == "on" or not _is_key(text):  # "on" stands for nothing as well
        raise _bad(
            f"Say which key, for example /mode key sesame: one word of at most {MAX_KEY} "
            "characters, without # at its front; off takes it away."
        )
    return text


def _is_key(text: str) -> bool:
    """Tell whether people can type it behind /join."""
    return len(text) <= MAX_KEY and text == clean(text) and _KEY.fullmatch(text) is not None


def _slow(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise _bad(f"Say how slow: {error}.") from None
    if not 1 <= seconds <= MAX_SLOW:
        raise _bad("slow is from 1s to 1d; off takes it away.")
    return seconds


def _limit(text: str) -> int:
    number = int(text) if _NUMBER.fullmatch(text) else 0
    if not 1 <= number <= MAX_LIMIT:
        raise _bad(
            f"Say how many, for example /mode limit 30: a number from 1 to {MAX_LIMIT:,}; "
            "off takes it away."
        )
    return number


def _bad(problem: str) -> ChatError:
    return ChatError(Code.BAD_ARGUMENTS, problem)
