"""How long something lasts, as people write it: 30s, 10m, 12h, 2d, 3w."""

import math
import re
from typing import Final

DAY: Final = 86_400.0
"""A day, in seconds."""

MAX_DURATION: Final = 1000 * 366 * DAY
"""The longest duration, in seconds: a thousand years, beyond which somebody slipped on a key."""

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY, "w": 7 * DAY}
_DURATION: Final = re.compile(r"([0-9]{1,12})([smhdw])")


def parse_duration(text: str) -> float:
    """Return a duration in seconds.

    :param text: a whole number and its unit, in any case.
    :raises ValueError: if it is no duration, or longer than MAX_DURATION.
    """
    found = _DURATION.fullmatch(text.lower())
    if found is None:
        raise ValueError("a duration is a whole number with s, m, h, d or w, for example 12h")
    seconds = int(found[1]) * _UNITS[found[2]]
    if seconds > MAX_DURATION:
        raise ValueError("a duration is at most a thousand years, for example 90d")
    return seconds


def say_duration(seconds: float) -> str:
    """Return a duration as parse_duration reads it, rounded up: 90s is 2m, 36h is 36h.

    Of several units the largest is taken in which little is lost: there are at least two of it, or
    it is one exactly.
    """
    whole = math.ceil(seconds)
    for unit in reversed(_UNITS):
        size = int(_UNITS[unit])
        if whole == size or whole >= 2 * size:
            return f"{-(-whole // size)}{unit}"
    return f"{whole}s"


def in_words(seconds: float) -> str:
    """Return about how long something has lasted, in words: ``2 hours``.

    :param seconds: what is below a second, as after a clock was set back, counts as one.
    """
    size, unit = 1.0, "second"
    for larger, name in ((60.0, "minute"), (3600.0, "hour"), (DAY, "day")):
        if seconds >= larger:
            size, unit = larger, name
    count = max(1, int(seconds / size))
    return f"{count:,} {unit}{'' if count == 1 else 's'}"
