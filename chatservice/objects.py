"""Events as JSON objects, and back; requests out of JSON text: what programs read and write.

    {"type":"said","at":1763820185.25,"room":"#dev","seq":17,"nick":"alice","text":"hello"}
    {"type":"joined","at":1763820186.5,"room":"#dev","nick":"bob"}
    {"type":"error","id":"2","at":1763820187.0,"code":"no-such-nick","text":"Nobody here is ..."}

    {"do":"say","id":"1","room":"#dev","text":"hello"}

An object is one line, without a line feed in it; the framing is the door's. Which fields an event
has depends on its kind alone (FIELDS), so that nobody needs to know what was said before. Who reads
ignores fields and types that it does not know: that is how this can grow without another VERSION.
Pure: no I/O, no commands.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeGuard, TypeVar

from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.names import about
from chatservice.text import clean

VERSION: Final = 1
"""Grows when what is here already changes its meaning."""

MAX_REQUEST: Final = 4096
"""The longest object from a program, in bytes: there is room for a line of text, all escaped."""

_MAX_ID: Final = 64  # characters
_MAX_DIGITS: Final = 18

Id = str | int | None
"""How a program knows its requests apart; None: it does not."""

Value = TypeVar("Value", str, int, bool)

_ROOM: Final = {"room": "room"}
_NICK: Final = {"nick": "nick"}
_TO: Final = {"to": "to"}
_TEXT: Final = {"text": "text"}
_SEQ: Final = {"seq": "seq"}

FIELDS: Final[Mapping[Kind, Mapping[str, str]]] = {
    Kind.SAID: _ROOM | _SEQ | _NICK | _TEXT,
    Kind.ACTED: _ROOM | _SEQ | _NICK | _TEXT,
    Kind.REMARKED: _ROOM | _SEQ | _NICK | _TEXT,
    Kind.PRIVATE: _SEQ | _NICK | _TO | _TEXT,
    Kind.HINTED: _SEQ | _NICK | _TO | _TEXT,
    Kind.JOINED: _ROOM | _NICK,
    Kind.LEFT: _ROOM | _NICK,
    Kind.RENAMED: _ROOM | _NICK | {"to": "text"},
    Kind.KICKED: _ROOM | _NICK | _TO | _TEXT,
    Kind.TOPIC: _ROOM | _NICK | _TEXT,
    Kind.MODE: _ROOM | _NICK | _TEXT,
    Kind.ROLE: _ROOM | _NICK | _TO | _TEXT,
    Kind.NOTED: _ROOM | _TEXT,
    Kind.AWAY: _ROOM | _NICK | _TEXT,
    Kind.ACCOUNT: _ROOM | _NICK | _TEXT,
    Kind.DESCRIBED: _ROOM | _NICK | _TEXT,
    Kind.TAGGED: _ROOM | _NICK | {"tags": "aside"},
    Kind.NUDGED: _NICK | _TO | {"tags": "aside"},
    Kind.RECORDED: _ROOM | _SEQ | _NICK | _TEXT,
    Kind.PROMPT: {},
    Kind.WELCOME: _NICK,
    Kind.SWITCHED: {"room": "text"},
    Kind.INVITED: _NICK | {"room": "text"},
    Kind.NOTICE: _TEXT | {"about": "aside", "before": "seq"},
    Kind.ERROR: {"code": "nick"} | _TEXT,
    Kind.RESUME: _NICK | _TEXT,
    Kind.HELLO: _NICK,
    Kind.DONE: _SEQ,
    Kind.GAP: {"room": "text"},
    Kind.ROOM: _ROOM | {"members": "seq", "role": "to"} | _TEXT,
    Kind.MEMBER: _ROOM | _NICK | {"role": "to"} | _TEXT,
    Kind.COMMAND: {"name": "nick", "usage": "to"} | _TEXT,
    Kind.MAY: _ROOM | _NICK | _TEXT,
}
"""For each kind its fields, besides type, at, past and id, and what of the event they show.

Never the identity of whoever acted, and so no inbox either.
"""

REMARKS: Final = {Kind.REMARKED: Kind.SAID, Kind.HINTED: Kind.PRIVATE}
"""Kinds that are shown as others, with a mark that programs need not know."""

_KINDS: Final = {kind.label: kind for kind in FIELDS if kind not in REMARKS}
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


# Events.


def write_event(event: Event, request: Id = None) -> str:
    """Return an event as a JSON object, in one line.

    :param request: the id of the request that it answers; None for none.
    """
    shown: dict[str, object] = {"type": REMARKS.get(event.kind, event.kind).label}
    if request is not None:
        shown["id"] = request
    if event.kind is Kind.HELLO:
        shown["v"] = VERSION
    if event.at:
        shown["at"] = round(event.at, 3)
    for name, attribute in FIELDS[event.kind].items():
        shown[name] = getattr(event, attribute)
    if event.kind is Kind.RECORDED:  # in a log beside the room's
        shown["room"] = about(event.room)
    if event.kind is Kind.DONE and not event.seq:  # nothing was kept
        del shown["seq"]
    if event.kind is Kind.NOTICE and not event.aside:
        del shown["about"]
    if event.kind is Kind.NOTICE and not event.seq:
        del shown["before"]
    if event.kind in REMARKS:
        shown["remark"] = True
    if event.past:
        shown["past"] = True
    return _encode(shown)


def read_event(text: str) -> Event:
    """Return the event that a JSON object shows; what it does not show has its default.

    :raises ValueError: if it is no such object, or of a type that is not known here.
    """
    shown = load(text)
    if not isinstance(shown, dict):
        raise ValueError("not an object")
    kind = _KINDS.get(_typed(shown, "type", str, ""))
    if kind is None:
        raise ValueError("not a type of event that is known")
    if _typed(shown, "remark", bool, False):
        kind = next((remark for remark, usual in REMARKS.items() if usual is kind), kind)
    at = shown.get("at", 0.0)
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise ValueError("at is no time")
    words = {
        attribute: _typed(shown, name, str, "")
        for name, attribute in FIELDS[kind].items()
        if attribute != "seq"
    }
    number = next((name for name, attribute in FIELDS[kind].items() if attribute == "seq"), None)
    return Event(
        0 if number is None else _typed(shown, number, int, 0),
        float(at),
        words.get("room", ""),
        kind,
        words.get("nick", ""),
        words.get("text", ""),
        words.get("to", ""),
        past=_typed(shown, "past", bool, False),
        aside=words.get("aside", ""),
    )


def _typed(shown: Mapping[str, object], name: str, form: type[Value], default: Value) -> Value:
    value = shown.get(name, default)
    if type(value) is not form:
        raise ValueError(f"{name} is of another type")
    return value


# Requests.


@dataclass(frozen=True, slots=True)
class Request:
    """What a program asks for.

    :ivar id: what the answers to it carry.
    :ivar do: the name of a command.
    :ivar fields: its arguments by name, not looked at yet, and perhaps others.
    """

    id: Id
    do: str
    fields: Mapping[str, object]


class BadRequest(ChatError):
    """Text that is no request.

    :ivar id: the request's all the same, if it has a good one.
    """

    def __init__(self, problem: str, request: Id = None) -> None:
        example = '{"do": "say", "id": "1", "room": "#lobby", "text": "hello"}'
        super().__init__(Code.BAD_REQUEST, f"{problem} Send one object a line, like {example}")
        self.id = request


def read_request(text: str) -> Request:
    """Return the request in a JSON text. Fields that no command asks for are ignored.

    :raises BadRequest: with the reason.
    """
    try:
        asked = load(text)
    except ValueError as problem:
        raise BadRequest(f"That is no good JSON: {clean(str(problem))}.") from None
    if not isinstance(asked, dict):
        raise BadRequest("That is no JSON object.")
    request = asked.get("id")
    if not _is_id(request):
        form = f"an integer of up to {_MAX_DIGITS} digits, or up to {_MAX_ID} plain characters"
        raise BadRequest(f"An id is {form}.")
    do = asked.get("do")
    if not isinstance(do, str):
        raise BadRequest('"do" must be the name of a command.', request)
    return Request(request, clean(do), asked)


def _is_id(value: object) -> TypeGuard[Id]:
    if isinstance(value, str):
        return len(value) <= _MAX_ID and clean(value) == value
    return value is None or type(value) is int


def load(text: str) -> object:
    """Return what a JSON text stands for (RFC 8259), and nothing that is almost JSON.

    :raises ValueError: if it is none, says something twice, or goes too far.
    """
    try:
        return _decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it names a field twice")
    return found


def _constant(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _integer(digits: str) -> int | float:
    """Return an integer, or about its value, as for other numbers: Python takes no endless ones."""
    return int(digits) if len(digits.lstrip("-")) <= _MAX_DIGITS else float(digits)


_decode: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer
).decode
