"""The end of a chat: what was accepted is committed and delivered, with a last word to all."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.delivery.delivery import Delivery
from chatservice.events import Kind
from chatservice.interfaces import IClock, ILog
from chatservice.people.order import Order
from chatservice.people.person import Person

LAST_WRITES: Final = 2.0
"""How long, in seconds, the log may take to commit what it has."""

GRACE: Final = 2.5
"""How long, in seconds, the last words may take to reach everybody."""


class Closing:
    """How one chat ends.

    :param clock: without one nobody is cut off.
    :param people: returns every connection there still is.
    """

    _log = Logger()

    def __init__(
        self,
        log: ILog,
        order: Order,
        delivery: Delivery,
        clock: IClock | None,
        people: Callable[[], Iterable[Person]],
    ) -> None:
        self._history = log
        self._order = order
        self._delivery = delivery
        self._clock = clock
        self._people = people
        self._ended: Deferred[None] | None = None
        self._goodbye = ""
        self._said = False

    @property
    def begun(self) -> bool:
        """Whether the end has begun."""
        return self._ended is not None

    def begin(self, goodbye: str, pending: Sequence[Deferred[None]]) -> Deferred[None]:
        """Begin the end; fires when everybody is gone, in LAST_WRITES and GRACE at most.

        :param pending: what else is to be kept before the log is closed.
        """
        if self._ended is None:
            self._ended = Deferred()
            self._goodbye = goodbye
            closed = DeferredList(pending).addCallback(lambda _: self._history.close())
            closed.addErrback(self._failed).addCallback(lambda _: self._say_goodbye())
            if self._clock is not None:
                self._clock.callLater(LAST_WRITES, self._say_goodbye)
        return self._ended

    def gone(self) -> None:
        """Take note that somebody is gone."""
        if self._ended is not None and not self._ended.called and not [*self._people()]:
            self._ended.callback(None)

    def _say_goodbye(self) -> None:
        if self._said:
            return
        self._said = True
        for person in [*self._people()]:
            self._order.tell_now(person, Kind.NOTICE, self._goodbye)
            self._delivery.finish(person.member)
        if self._clock is not None:
            self._clock.callLater(GRACE, self._cut_off)
        self.gone()

    def _cut_off(self) -> None:
        for person in [*self._people()]:
            person.member.abort()

    def _failed(self, failure: Failure) -> None:
        self._log.failure("the log could not be closed", failure=failure)
