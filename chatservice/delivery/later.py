"""Answers to one member that are made only when all before them was given."""

from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred

from chatservice.events import Event, Kind


class Later(Protocol):
    """An answer that is made when its turn comes, perhaps page by page.

    :ivar room: what it is about.
    :ivar since: the number of the last line that was told; None if that is of no interest.
    :ivar done: whether all was told.
    """

    room: str
    since: int | None
    done: bool

    async def next_page(self, now: float) -> Sequence[Event]:
        """Return what to tell next, a piece (feed.PIECE) at most; sets done with the last.

        :param now: seconds since 1970.
        :raises ChatError: if that cannot be told.
        """

    def end(self) -> None:
        """Take note that nothing more is told."""


class Change:
    """A change in what a member is shown: what was to be told before is told as before.

    :param change: makes it.
    :param texts: what to say about it.

    :ivar told: fires when it was made and told, or the member is gone.
    """

    room = ""
    since: int | None = None

    def __init__(self, change: Callable[[], None], *texts: str) -> None:
        self.done = False
        self.told: Deferred[None] = Deferred()
        self._change = change
        self._texts = texts

    async def next_page(self, now: float) -> Sequence[Event]:
        """Make the change and return what to say; see Later."""
        self.done = True
        self._change()
        return [Event(0, now, "", Kind.NOTICE, "", text) for text in self._texts]

    def end(self) -> None:
        """Take note that it was told, or that there is nobody to tell; see Later."""
        if not self.told.called:
            self.told.callback(None)
