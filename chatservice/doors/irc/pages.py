"""Long answers, page by page: none keeps others waiting.

A page is made when the one before has left, and others had their turn. Ten of them cost as much as
a message to so many people does, and count as one for the rate.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.doors.irc.voice import IrcVoice
from chatservice.events import Event, Kind

PAGE: Final = 250
"""People, or whatever a line may be about, that are looked at for one page."""

PAGES_A_MESSAGE: Final = 10
"""Pages that count as one more message for the rate."""


def tell(irc: IrcVoice, lines: Iterator[str]) -> Deferred[None] | None:
    """Answer with lines: at once if they are few.

    :param lines: made one by one; "" for nothing, where something was looked at and left out.
    :returns: fires when all were told, or there is nobody left to be told; None if they were.
    """
    first = [*islice(lines, PAGE)]
    if len(first) < PAGE:
        irc.wire(*filter(None, first))
        return None
    pages = Pages(irc, first, lines)
    irc.hub.recall(irc.person, pages)
    return pages.told


class Pages:
    """Lines on their way to one client; see Later.

    :param first: the first page.
    :param rest: what comes behind it.

    :ivar told: fires when all were told, or there is nobody left to be told.
    """

    room = ""
    since: int | None = None

    def __init__(self, irc: IrcVoice, first: Sequence[str], rest: Iterator[str]) -> None:
        self.done = False
        self.told: Deferred[None] = Deferred()
        self._irc = irc
        self._first: Sequence[str] | None = first
        self._rest = rest
        self._count = 0

    async def next_page(self, now: float) -> Sequence[Event]:
        """Return what comes next; see Later."""
        page, self._first = self._first, None
        if page is None:
            await self._turn()
            page = [*islice(self._rest, PAGE)]
        self.done = len(page) < PAGE
        return [Event(0, now, "", Kind.WIRE, "", line) for line in page if line]

    def end(self) -> None:
        """Take note that all was told, or that there is nobody to tell; see Later."""
        self.done = True
        if not self.told.called:
            self.told.callback(None)

    async def _turn(self) -> None:
        """Let others have their turn, and account for it."""
        clock, quota = self._irc.hub.clock, self._irc.person.quota
        self._count += 1
        if quota is not None and not self._count % PAGES_A_MESSAGE:
            quota.owe(1)
        if clock is not None:
            passed: Deferred[None] = Deferred()
            clock.callLater(0, passed.callback, None)
            await passed
