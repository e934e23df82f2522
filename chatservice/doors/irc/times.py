"""Times as IRC has them, in server-time, selectors and read markers: to the millisecond, in UTC.

    2023-11-14T22:13:20.000Z

ircv3.net/specs/extensions/server-time. Knows nothing of the chat.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z"
)


def timestamp(at: float) -> str:
    """Return a time as server-time has it.

    :param at: seconds since 1970.
    """
    seconds, rest = divmod(milliseconds(at), 1000)
    return f"{_second(seconds)}.{rest:03}Z"


@lru_cache(maxsize=64)  # lines of one second come together, and for several dialects
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def milliseconds(at: float) -> int:
    """Return a time as milliseconds since 1970, those that timestamp shows."""
    return round(at * 1e6) // 1000


def read_timestamp(text: str) -> int:
    """Return what a time as server-time has it says, in milliseconds since 1970.

    :raises ValueError: if it is none.
    """
    form = _TIMESTAMP.fullmatch(text)
    if form is None:
        raise ValueError(f"no time: {text!r}")
    at = datetime.strptime(form[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC) - _EPOCH
    return at // timedelta(milliseconds=1) + int((form[2] or "")[:3].ljust(3, "0"))


def since(at: int) -> float:
    """Return the first time that is shown as one of some milliseconds, in seconds since 1970.

    What is shown is rounded to microseconds and then cut, see timestamp.
    """
    first = math.nextafter(math.nextafter(at / 1000 - 5e-7, -math.inf), -math.inf)
    while milliseconds(first) < at:
        first = math.nextafter(first, math.inf)
    return first
