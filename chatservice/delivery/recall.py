"""A part of a room's past, on its way to one member: read from the log page by page."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from chatservice.delivery.feed import fitting
from chatservice.events import Event, Kind
from chatservice.interfaces import ILog

PAGE: Final = 500
"""Events read from the log at once, at most."""

MOST_LOOKED_AT: Final = 10 * PAGE
"""Events that are looked at for a few that are wanted, about."""


def next_limit(limit: int, used: int) -> int:
    """Return how many events to read next: about as many as make a piece.

    :param limit: how many were asked for.
    :param used: how many of them made a piece.
    """
    return min(PAGE, 2 * limit if used >= limit else used + used // 4 + 1)


def missing(count: int) -> str:
    """Say that lines are not kept any more."""
    return (
        "One line you missed is no longer kept."
        if count == 1
        else f"{count} lines you missed are no longer kept."
    )


class Ending(NamedTuple):
    """What is said behind the lines, "" for nothing, and before which number there may be more."""

    text: str = ""
    before: int = 0


class Recall:
    """The events of a room up to a number, either all after another number or the last few.

    :param log: where they are.
    :param upto: the number of the last.
    :param since: the number after which they begin; None for the last few.
    :param last: how many of the last.
    :param ending: what to say behind them, given the first and how many they were.
    :param aside: that of what is said behind them; see Event.
    :param gaps: whether to say that lines are missing.
    :param wanted: of the last few, which ones count; by default all. Of lines that are not
        wanted, MOST_LOOKED_AT are looked at.

    :ivar since: the number of the last that was told; None for the last few.
    :ivar rest: the number before which nothing was looked at, if too many were not wanted.
    :ivar done: whether all were told.
    """

    def __init__(
        self,
        log: ILog,
        room: str,
        upto: int,
        *,
        since: int | None = None,
        last: int = 0,
        ending: Callable[[Event | None, int], Ending],
        aside: str = "",
        gaps: bool = True,
        wanted: Callable[[Event], bool] | None = None,
    ) -> None:
        self.room = room
        self.done = False
        self._log = log
        self._upto = upto
        self.since = since
        self._last = last
        self._ending = ending
        self._aside = aside
        self._gaps = gaps
        self._wanted = wanted
        self.rest: int | None = None
        self._rest: list[Event] | None = None  # of the last few
        self._first: Event | None = None
        self._count = 0
        self._limit = PAGE
        self._waiting: Deferred[None] | None = None

    def ended(self) -> Deferred[None]:
        """Return what fires when all was told, or nobody is there to be told any more."""
        self._waiting = Deferred()
        return self._waiting

    def end(self) -> None:
        """Take note that nothing more is told."""
        self.done = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    async def next_page(self, now: float) -> Sequence[Event]:
        """Return what comes next, a piece (feed.PIECE) at most; sets done with the last.

        :raises ChatError: if it cannot be read.
        """
        page = await (self._page_of_last() if self.since is None else self._page_since())
        told = [event.retold() if event.kind.kept else event for event in page]
        if self.done:
            text, before = self._ending(self._first, self._count)
            if text:
                told.append(Event(before, now, "", Kind.NOTICE, "", text, aside=self._aside))
        return told

    async def _page_of_last(self) -> list[Event]:
        if self._rest is None:
            self._rest = await self._the_last()
        return self._count_in(self._rest, len(self._rest))

    async def _the_last(self) -> list[Event]:
        wanted = self._wanted
        if wanted is None:
            return [*await self._log.before(self.room, self._upto + 1, self._last)]
        found: list[Event] = []  # newest first
        end = self._upto + 1
        for _ in range(MOST_LOOKED_AT // PAGE):
            page = await self._log.before(self.room, end, PAGE)
            found += filter(wanted, reversed(page))
            if len(page) < PAGE or len(found) >= self._last:
                break
            self.rest = end = page[0].seq
        else:
            return found[::-1]
        self.rest = None
        return found[: self._last][::-1]

    async def _page_since(self) -> list[Event]:
        since = self.since or 0
        limit = self._limit
        found = await self._log.after(self.room, since, limit)
        page = [event for event in found if event.seq <= self._upto]
        full = len(page) == limit
        gap = (page[0].seq - 1 if page else self._upto) - since
        page = self._count_in(page, None if full else len(page))
        self._limit = next_limit(limit, len(page))
        self.since = page[-1].seq if page else self._upto
        if self.done:
            self.since = self._upto
        if gap > 0 and self._gaps:  # removed from the old end, or by those who said them
            page.insert(0, Event(0, 0.0, "", Kind.NOTICE, "", missing(gap)))
        return page

    def _count_in(self, page: list[Event], final: int | None) -> list[Event]:
        """Cut off a piece of a page; final: the length at which it is the last."""
        piece = page[: fitting(page)]
        del page[: len(piece)]
        self.done = final is not None and not page
        if piece and self._first is None:
            self._first = piece[0]
        self._count += len(piece)
        return piece
