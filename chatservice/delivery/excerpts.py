"""Excerpts of the past, for doors whose clients look back by themselves, from whatever line on.

Where somebody may look, and what of it is for its eyes, is a View; which part it wants, a Span. How
a client says that, and how it is shown the lines, is its door's business.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from chatservice.delivery.delivery import Delivery
from chatservice.delivery.feed import fitting
from chatservice.delivery.recall import MOST_LOOKED_AT, PAGE
from chatservice.errors import ChatError, Code
from chatservice.events import Event
from chatservice.interfaces import ILog, IMember
from chatservice.names import fold

Wanted = Callable[[Event], bool]
"""Tells whether a line counts."""

NEWEST: Final = 10**18
"""Above every number."""

_FIRST_LOOK: Final = 32  # lines read at first where not all count


@dataclass(frozen=True, slots=True)
class View:
    """What of the past somebody may see.

    :ivar log: the name of a room or an inbox.
    :ivar floor: the number up to which lines are not for it.
    :ivar wanted: which of the others count; None for all.
    """

    log: str
    floor: int = 0
    wanted: Wanted | None = None

    @property
    def filter(self) -> Wanted | None:
        """What tells of a line whether it may be seen; None if all may."""
        floor, wanted = self.floor, self.wanted
        if not floor:
            return wanted
        if wanted is None:
            return lambda event: event.seq > floor
        return lambda event: event.seq > floor and wanted(event)

    def but(self, shows: Wanted | None) -> "View":
        """Return the view of which also something else decides what counts."""
        wanted = self.wanted
        if wanted is None or shows is None:
            return View(self.log, self.floor, wanted or shows)
        return View(self.log, self.floor, lambda event: wanted(event) and shows(event))


class Span(NamedTuple):
    """A part of a log.

    :ivar after: the number behind which it begins.
    :ivar before: the number before which it ends.
    :ivar most: how many lines of it at most.
    :ivar newest: whether these are its last, or its first.
    """

    after: int
    before: int
    most: int
    newest: bool


class Excerpts:
    """Reads the log for one member at a time, and no more of it than is asked for, about."""

    def __init__(self, log: ILog, delivery: Delivery) -> None:
        self._log = log
        self._delivery = delivery

    def tell(
        self, member: IMember, find: Callable[[], Coroutine[Deferred[object], None, list[Event]]]
    ) -> Deferred[None]:
        """Tell a member what is looked up when its turn comes, behind all that came before.

        :param find: looks it up.
        :returns: fires when it was told, or the member is gone: who asks for more and does not
            read should wait.
        """
        found = _Found(find)
        self._delivery.recall(member, found)
        return found.told

    async def first_since(self, log: str, at: float) -> int:
        """Return the number of the first line since a time; above all if there is none.

        :param at: seconds since 1970.
        :raises ChatError: if it cannot be read; so all others here.
        """
        return await self._log.first_since(log, at)

    async def find(self, log: str, since: float, until: float, fits: Wanted) -> Event | None:
        """Return the first line that fits of those between two times; None if there is none.

        :param since: seconds since 1970.
        :param until: the same; not so much lies between them.
        """
        first = await self._log.first_since(log, since)
        page = await self._log.after(log, first - 1, PAGE)
        return next((event for event in page if event.at < until and fits(event)), None)

    async def lines(self, view: View, span: Span) -> list[Event]:
        """Return the lines of a part of a log that somebody may see, oldest first.

        :raises ChatError: TOO_MUCH, if of the first MOST_LOOKED_AT none is to be seen.
        """
        found: list[Event] = []
        after, before = max(span.after, view.floor), span.before
        look, looked_at = span.most if view.wanted is None else _FIRST_LOOK, 0
        while before - after > 1 and len(found) < span.most:
            if looked_at >= MOST_LOOKED_AT:
                if found:
                    break
                raise ChatError(
                    Code.TOO_MUCH, "Too much that is not for you lies there: ask for another time."
                )
            look = min(2 * look if looked_at else look, PAGE, MOST_LOOKED_AT - looked_at)
            page = await self._page(view.log, after, before, look, span.newest)
            looked_at += look
            inside = [event for event in page if after < event.seq < before]
            found += filter(view.wanted, inside if not span.newest else reversed(inside))
            if len(inside) < look:
                break
            after, before = (after, page[0].seq) if span.newest else (page[-1].seq, before)
        del found[span.most :]
        return found[::-1] if span.newest else found

    async def around(self, view: View, middle: int, end: int, count: int) -> list[Event]:
        """Return lines on both sides of a number, its own among the later ones.

        :param end: the number before which they end.
        """
        start = min(middle, end)
        later = await self.lines(view, Span(start - 1, end, count, newest=False))
        most = max((count - 1) // 2, count - len(later))
        earlier = await self.lines(view, Span(0, start, most, newest=True))
        return earlier + later[: count - len(earlier)]

    async def partners(self, view: View, after: int) -> dict[str, Event]:
        """Return the last line with each whom somebody wrote with in private, by what that one was
        called; of the last MOST_LOOKED_AT lines.

        :param view: of its inbox.
        :param after: the number behind which these lines are.
        """
        span = Span(after, NEWEST, MOST_LOOKED_AT, newest=True)
        folded: dict[str, str] = {}  # folding is slow, and lines are many
        last: dict[str, Event] = {}
        for event in reversed(await self.lines(view, span)):
            name = event.to if event.by == view.log else event.nick
            if name not in folded:
                folded[name] = fold(name)
            last.setdefault(folded[name], event)
        return {e.to if e.by == view.log else e.nick: e for e in last.values()}

    async def _page(
        self, log: str, after: int, before: int, count: int, newest: bool
    ) -> Sequence[Event]:
        if newest:
            return await self._log.before(log, before, count)
        return await self._log.after(log, after, count)


class _Found:
    """An answer that is looked up when its turn comes, all at once, and told piece by piece."""

    room = ""
    since: int | None = None

    def __init__(self, find: Callable[[], Coroutine[Deferred[object], None, list[Event]]]) -> None:
        self.done = False
        self.told: Deferred[None] = Deferred()
        self._find = find
        self._rest: list[Event] | None = None

    async def next_page(self, now: float) -> Sequence[Event]:
        """Return what comes next; see Later."""
        if self._rest is None:
            self._rest = await self._find()
        page = self._rest[: fitting(self._rest)]
        del self._rest[: len(page)]
        self.done = not self._rest
        return page

    def end(self) -> None:
        """Take note that it was told, or that there is nobody to tell; see Later."""
        self.done = True
        if not self.told.called:
            self.told.callback(None)
