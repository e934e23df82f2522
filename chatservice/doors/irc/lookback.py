"""What CHATHISTORY asks for, from its params; commands/history.py looks for it."""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from chatservice.doors.irc.isupport import MOST_HISTORY
from chatservice.doors.irc.message import word
from chatservice.doors.irc.times import read_timestamp

_SELECTORS: Final = {"LATEST": 1, "BEFORE": 1, "AFTER": 1, "AROUND": 1, "BETWEEN": 2, "TARGETS": 2}
"""How many of them each subcommand has."""

_LIMIT: Final = re.compile("0*[1-9][0-9]{0,8}")
_ANY: Final = "*"
_END: Final = 250_000_000_000_000  # milliseconds; in the year 9892 nothing was said yet


class Refused(Exception):
    """A request that is answered with FAIL.

    :param code: of standard-replies.
    :param params: what it is about, and why.
    """

    def __init__(self, code: str, *params: str) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Selector(NamedTuple):
    """A point in the past.

    :ivar at: milliseconds since 1970; None if it is a message.
    :ivar id: that message's; "" for a time.
    """

    at: int | None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What one message asks for.

    :ivar sub: the subcommand, in upper case.
    :ivar target: a room or nickname as it was written; "" for TARGETS.
    :ivar selectors: none for LATEST without one.
    :ivar most: how many lines at most.
    """

    sub: str
    target: str
    selectors: tuple[Selector, ...]
    most: int


def read_request(params: tuple[str, ...]) -> Request:
    """Return what the params of a message ask for.

    :raises Refused: if that is not clear.
    """
    given = params[0] if params else ""
    sub, about = given.upper(), word(given)
    if sub not in _SELECTORS:
        raise Refused("INVALID_PARAMS", about, f"Say one of {' '.join(_SELECTORS)}")
    targets = 0 if sub == "TARGETS" else 1
    target, rest = params[1] if targets and len(params) > 1 else "", params[1 + targets :]
    if len(rest) != _SELECTORS[sub] + 1:
        problem = "Insufficient" if len(rest) <= _SELECTORS[sub] else "Too many"
        raise Refused("INVALID_PARAMS", about, f"{problem} parameters")
    *selectors, limit = rest
    if not _LIMIT.fullmatch(limit):
        raise Refused("INVALID_PARAMS", about, word(limit), "The limit must be a positive number")
    found = () if (sub, *selectors) == ("LATEST", _ANY) else (*map(_selector, selectors),)
    for text, selector in zip(selectors, found, strict=False):
        if selector is None or (selector.at is None and not targets):
            problem = "Write timestamp=YYYY-MM-DDThh:mm:ss.sssZ"
            raise Refused(
                *("INVALID_PARAMS", about, word(text)),
                f"{problem} or msgid=ID" if targets else problem,
            )
    most = min(int(limit), MOST_HISTORY)
    return Request(sub, target, (*filter(None, found),), most)


def _selector(text: str) -> Selector | None:
    kind, _, value = text.partition("=")
    if kind == "msgid" and value:
        return Selector(None, value)
    try:
        at = read_timestamp(value) if kind == "timestamp" else None
    except ValueError:
        return None
    return None if at is None else Selector(min(max(at, 0), _END))
