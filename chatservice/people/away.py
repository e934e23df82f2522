"""That somebody said it is away: why, since when, and who has been told."""

from typing import Final

AWAY: Final = "away"
"""What programs are told of somebody who is."""

LONGEST: Final = 200
"""The longest reason, in characters."""

AGAIN: Final = 300.0
"""Seconds after which who writes once more to somebody away is told so once more."""

_MOST_TOLD: Final = 1000
"""So many people that were told are remembered; another is told anew."""


class Away:
    """Somebody's absence from the keyboard.

    :param text: what it says of it.
    :param since: when it said so, seconds since 1970.
    """

    __slots__ = ("_told", "since", "text")

    def __init__(self, text: str, since: float) -> None:
        self.text = text
        self.since = since
        self._told: dict[str, float] = {}  # by identity, the one told last at the end

    def news_to(self, identity: str, now: float) -> bool:
        """Tell whether somebody who writes should be told; it then counts as told.

        :param now: seconds since 1970.
        """
        told = self._told.pop(identity, None)
        news = told is None or not told <= now < told + AGAIN  # a clock may be set back
        self._told[identity] = now if told is None or news else told
        if len(self._told) > _MOST_TOLD:
            del self._told[next(iter(self._told))]
        return news
