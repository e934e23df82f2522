"""An event as a line of JSON, and back. What comes back is somebody's file: nothing is trusted.

Control characters in what people said, and in nicknames, are replaced rather than refused, as the
doors do with what people type: a file from before one more character was found to be unsafe is
still a good backup. Everything else that is wrong is refused.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from chatservice.events import WHISPERING, Event, Kind
from chatservice.names import MAX_NICK, MAX_NICK_BYTES, is_inbox
from chatservice.text import clean

MAX_TEXT: Final = 4096
"""The longest text, in bytes of UTF-8."""

MAX_JSON: Final = 1 << 16
"""The longest line of JSON, in bytes: the longest text with every character escaped, and more."""

MAX_SEQ: Final = 10**15
"""The highest number, so that those to come fit wherever numbers are read."""

END: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""The end of time, in seconds since 1970, with a day to spare for any time zone."""

_KEPT: Final = {kind.label: kind for kind in Kind if kind.kept}
_WHISPERING: Final = {kind.label for kind in WHISPERING}
_ROOM: Final = re.compile(r"[#@]\S{1,100}")
_IDENTITY: Final = re.compile(r"\S{1,101}")
# What plain.parse and every client take for a nickname. Not names.check_nick: that says what may
# be taken today, and what was worn once stays in the history.
_NICK: Final = re.compile(r"\w[^\s:,*>]*")

_dumps: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Line(NamedTuple):
    """A line that was read.

    :ivar cleaned: whether something in it had to be replaced.
    """

    event: Event
    cleaned: bool


def encode(room: str, row: Sequence[Any]) -> str:
    """Return an event as JSON, without the line's end.

    :param row: its seq, at, kind (by name), nick, text, to and by.
    """
    seq, at, kind, nick, text, to, by = row
    fields = {"room": room, "seq": seq, "at": at, "time": _time(at)}
    fields |= {"kind": kind, "nick": nick, "text": text}
    if to and kind in _WHISPERING:  # elsewhere it is a mark of ours, see bots/repeats.py
        fields["to"] = to
    if by:
        fields["by"] = by
    return _dumps(fields)


def decode(data: bytes) -> Line:
    """Read an event from a line.

    :raises ValueError: if it is none; says what is wrong with which field.
    """
    fields = _object(data)
    if unknown := sorted(fields.keys() - _FIELDS.keys()):
        raise ValueError(f"there is no field {shown(unknown[0])}; use {', '.join(_FIELDS)}")
    if missing := [name for name in _NEEDED if name not in fields]:
        raise ValueError(f"{missing[0]} is missing")
    read = {name: check(name, fields[name]) for name, check in _FIELDS.items() if name in fields}
    read.pop("time", None)
    event = Event(**read)
    if is_inbox(event.room) and event.kind not in WHISPERING:
        raise ValueError(f"only what is private belongs in an inbox: {shown(event.room)}")
    if event.kind in WHISPERING and not (is_inbox(event.room) and event.to):
        raise ValueError("what is private belongs in an inbox (@...) and needs to: a nickname")
    if event.kind not in WHISPERING and event.to:
        raise ValueError("only what is private is said to somebody: leave out to")
    return Line(event, any(read.get(name) != fields.get(name) for name in _CLEANED))


def shown(value: object) -> str:
    """Return a value as it may be shown on a terminal, in ASCII and not too long."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _object(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_JSON:
        raise ValueError(f"it is longer than {MAX_JSON:,} bytes")
    try:
        found = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):  # numbers of thousands of digits; ten thousand brackets
        raise ValueError("it is not JSON that means anything here") from None
    if not isinstance(found, dict):
        raise ValueError(f"it is {shown(found)}, not a JSON object")
    return found


def _room(name: str, value: object) -> str:
    text = _string(name, value)
    if not _ROOM.fullmatch(text) or clean(text) != text:
        raise ValueError(
            f"{name} must be # (or @ for an inbox) and up to 100 characters without blanks, "
            f"not {shown(value)}"
        )
    return text


def _seq(name: str, value: object) -> int:
    if type(value) is not int or not 1 <= value <= MAX_SEQ:
        raise ValueError(f"{name} must be a whole number from 1 to {MAX_SEQ}, not {shown(value)}")
    return value


def _at(name: str, value: object) -> float:
    if type(value) not in (int, float) or not 0 <= value < END:  # type: ignore[operator]
        raise ValueError(
            f"{name} must be a time in seconds since 1970, before the year 9999 ends, "
            f"not {shown(value)}"
        )
    return float(value) + 0.0  # type: ignore[arg-type]  # there is no -0.0 in the database


def _kind(name: str, value: object) -> Kind:
    found = _KEPT.get(_string(name, value))
    if found is None:
        raise ValueError(f"{name} must be {', '.join(_KEPT)}, not {shown(value)}")
    return found


def _nick(name: str, value: object) -> str:
    nick = clean(_string(name, value))
    if not _NICK.fullmatch(nick):
        raise ValueError(
            f"{name} must begin with a letter, digit or _ and contain no blank : , * or >, "
            f"not {shown(value)}"
        )
    if len(nick) > MAX_NICK or len(nick.encode()) > MAX_NICK_BYTES:
        raise ValueError(
            f"{name} must have at most {MAX_NICK} characters ({MAX_NICK_BYTES} bytes), "
            f"not {shown(value)}"
        )
    return nick


def _to(name: str, value: object) -> str:
    return "" if value == "" else _nick(name, value)


def _text(name: str, value: object) -> str:
    text = clean(_string(name, value))
    if len(text.encode()) > MAX_TEXT:
        raise ValueError(f"{name} must have at most {MAX_TEXT:,} bytes")
    return text


def _by(name: str, value: object) -> str:
    text = _string(name, value)
    if text and (not _IDENTITY.fullmatch(text) or clean(text) != text):
        raise ValueError(f"{name} must be an identity without blanks, not {shown(value)}")
    return text


def _ignored(name: str, value: object) -> None:
    return None


def _string(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text in quotes, not {shown(value)}")
    return value


def _time(at: float) -> str:
    try:
        moment = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return "?"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_FIELDS: Final[dict[str, Callable[[str, object], Any]]] = {
    "room": _room,
    "seq": _seq,
    "at": _at,
    "time": _ignored,  # for people
    "kind": _kind,
    "nick": _nick,
    "text": _text,
    "to": _to,
    "by": _by,
}
_CLEANED: Final = ("nick", "text", "to")
_NEEDED: Final = ("room", "seq", "at", "kind", "nick", "text")
