"""What the core asks of its neighbours: a member to deliver to, a dialect to write in, a log.

Doors implement IMember and IDialect, stores implement ILog; the core knows no more of them.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred

from chatservice.events import Event


class IDialect(Protocol):
    """One way of writing events for a wire: a door and the choices that change the bytes.

    Members with the same dialect object get the same bytes, encoded once.
    """

    def encode(self, event: Event, /) -> bytes:
        """Return the event as it stands on the wire, complete with its framing."""


class IBatch(Protocol):
    """Events on their way to members, in order, all of one room or all answers to one member."""

    @property
    def room(self) -> str:
        """The room's or conversation's name, "" for answers."""

    @property
    def events(self) -> Sequence[Event]:
        """The events, oldest first."""

    def encoded(self, dialect: IDialect, /) -> bytes:
        """Return all events as bytes; encoded once for each dialect, whoever asks."""


class IMember(Protocol):
    """One connection, as the core sees it. It never calls the core from within these methods."""

    @property
    def dialect(self) -> IDialect:
        """How this member wants events written."""

    def deliver(self, batch: IBatch, /) -> bool:
        """Write the batch towards the person.

        :returns: True if the connection took it at once. False if it holds a rest: then
            Delivery.drained must be called as soon as the rest is gone, and until then no more
            batches of rooms come.
        """

    def disconnect(self) -> None:
        """Close the connection once what was delivered is out, or by force after a while."""

    def abort(self) -> None:
        """Cut the connection now, whatever it holds."""


class ILog(Protocol):
    """The rooms' history and the one order in which things happen."""

    def append(self, events: Sequence[Event], /) -> Deferred[Sequence[Event]]:
        """Commit events, in order, after all that was appended before.

        Subscribers get them first; then the Deferred fires, before anything appended later
        reaches a subscriber. Appending nothing is a fence: it fires at this point of the order.

        :returns: the events with their numbers. Fails with a ChatError (NOT_STORED) if the kept
            events could not be committed; subscribers then never see them.
        """

    def subscribe(self, callback: Callable[[Sequence[Event]], None], /) -> None:
        """Call back with every committed event, in order. The only way to a member."""

    def after(self, room: str, seq: int, limit: int, /) -> Deferred[Sequence[Event]]:
        """Return up to limit kept events of a room with numbers above seq, oldest first."""

    def before(self, room: str, seq: int, limit: int, /) -> Deferred[Sequence[Event]]:
        """Return the last kept events, up to limit, with numbers below seq, oldest first."""

    def close(self) -> Deferred[None]:
        """Commit what was appended, then take no more."""


class ITimer(Protocol):
    """A call that will be made."""

    def active(self) -> bool:
        """Tell whether it is still to be made."""

    def cancel(self) -> None:
        """Do not make it."""


class IClock(Protocol):
    """The time, and calls at a later time: a reactor, or a Clock in tests."""

    def seconds(self) -> float:
        """Return monotonic seconds since an arbitrary moment."""

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kwargs: object
    ) -> ITimer:
        """Call back after so many seconds."""
