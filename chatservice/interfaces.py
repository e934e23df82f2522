"""What the core asks of its neighbours: a member to deliver to, a dialect to write in, a store.

Doors implement IMember and IDialect, stores implement ILog; the core knows no more of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from chatservice.events import Event
from chatservice.resume import Ticket
from chatservice.retention import Retention
from chatservice.search import Query
from chatservice.taste import Taste


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

    @property
    def count(self) -> int:
        """How many events there are."""

    def encoded(self, dialect: IDialect, /) -> bytes:
        """Return all events as bytes; encoded once for each dialect, whoever asks."""

    def alike(self, identity: str, /) -> bool:
        """Tell whether somebody is given the same as everybody: nothing in it was done by it, or
        happened in several rooms at once. Found out once, whoever asks.
        """

    def parted(self, dialect: IDialect, identity: str, /) -> Iterator[tuple[Event | None, bytes]]:
        """Go through it as bytes, with each event apart that somebody did, or that happened in
        several rooms at once; without an event what lies between. Encoded once, as in encoded.
        """

    def each(self, dialect: IDialect, /) -> Iterator[tuple[Event, bytes]]:
        """Go through the events and what each is as bytes; encoded once, as in encoded."""


class IMember(Protocol):
    """One connection, as the core sees it. It never calls the core from within these methods."""

    @property
    def dialect(self) -> IDialect:
        """How this member wants events of its current room written."""

    def deliver(self, batch: IBatch, /) -> bool:
        """Write the batch towards the person, with the rooms' names in front of what happened in
        another room than the current one: the lobby, or what the last Kind.SWITCHED among the
        answers says.

        :returns: True if the connection took it at once. False if it holds a rest: then
            Delivery.drained must be called as soon as the rest is gone, and until then no more
            batches of rooms come.
        """

    def deliver_all(self, batches: Sequence[IBatch], /) -> bool:
        """Write several batches, in order, with one write; as deliver otherwise."""

    def stamp(self, on: bool, /) -> None:
        """Write time and number before what is said from now on, or no more."""

    def speak_json(self, on: bool, /) -> None:
        """Take what the person sends from now on as JSON objects, or as text again. What it is
        given is written so from the next Kind.HELLO on, which says the same.

        :raises ChatError: if this wire has one form alone.
        """

    def prefer(self, taste: Taste | None, /) -> None:
        """Show what is delivered from now on to a taste; None for everything, without a bell."""

    def disconnect(self) -> None:
        """Close the connection once what was delivered is out, or by force after a while."""

    def abort(self) -> None:
        """Cut the connection now, whatever it holds."""


class Hit(NamedTuple):
    """A line that was found, and those around it, oldest first."""

    event: Event
    earlier: Sequence[Event]
    later: Sequence[Event]


class ILog(Protocol):
    """The rooms' history and the one order in which things happen.

    What is asked of it fails with a ChatError (NOT_READ) if it cannot be read now.
    """

    @property
    def trouble(self) -> str:
        """Why nothing can be stored at present, in words for people; "" if all is well."""

    @property
    def waiting(self) -> int:
        """How many appends are on their way."""

    def watch(self, callback: Callable[[str], None], /) -> None:
        """Call back with the trouble whenever it changes."""

    def check(self) -> None:
        """Ask whether more may be appended, before doing what cannot be taken back.

        :raises ChatError: CLOSING, or NOT_STORED if too much waits to be committed.
        """

    def append(self, events: Sequence[Event], /) -> Deferred[Sequence[Event]]:
        """Commit events, in order, after all that was appended before.

        Subscribers get them first; then the Deferred fires, before anything appended later
        reaches a subscriber. Appending nothing is a fence: it fires at this point of the order.

        :returns: the events with their numbers. Fails with a ChatError (NOT_STORED) if the kept
            events could not be committed; subscribers then never see them.
        """

    def head(self, room: str, /) -> Deferred[int]:
        """Return the number of a room's newest kept event, as a fence does: at this point."""

    def subscribe(self, callback: Callable[[Sequence[Event]], None], /) -> None:
        """Call back with every committed event, in order. The only way to a member."""

    def after(self, room: str, seq: int, limit: int, /) -> Deferred[Sequence[Event]]:
        """Return up to limit kept events of a room with numbers above seq, oldest first."""

    def before(self, room: str, seq: int, limit: int, /) -> Deferred[Sequence[Event]]:
        """Return the last kept events, up to limit, with numbers below seq, oldest first."""

    def first_since(self, room: str, at: float, /) -> Deferred[int]:
        """Return the number of a room's first kept event since a time; above the head if none."""

    def search(self, query: Query, room: str, limit: int, /) -> Deferred[Sequence[Hit]]:
        """Return the lines of a room that fit, newest first; never looks at query.room."""

    def forget(self, by: str, since: float, /) -> Deferred[int]:
        """Remove every kept event by an identity, from all rooms.

        :param since: when it first came, seconds since 1970.
        :returns: how many there were.
        """

    def prune(self, retention: Retention, now: float, /) -> Deferred[int]:
        """Remove what is no longer to be kept; return how many events those were."""

    def close(self) -> Deferred[None]:
        """Commit what was appended, then take no more."""


class ITickets(Protocol):
    """Who may come back to what; see resume.Ticket."""

    def save(self, ticket: Ticket, /) -> Deferred[None]:
        """Keep a ticket, instead of what is kept under its key so far."""

    def find(self, key: str, /) -> Deferred[Ticket | None]:
        """Return the ticket of a key; None if there is none (any more)."""

    def forget(self, inbox: str, /) -> Deferred[None]:
        """Let nobody come back to an inbox: drop its tickets that were kept before."""


Value = Mapping[str, object]
"""What a record holds: what JSON can hold, by name."""


class IRecords(Protocol):
    """What the chat knows besides what was said: accounts, rooms, sanctions.

    Each is a record of a kind under a key; who keeps them in memory learns of every change, its
    own included, from watch alone: what is not committed is not true yet.
    """

    def watch(self, kind: str, learn: Callable[[str, Value | None], None], /) -> None:
        """Call back with key and value of each record of a kind, None for one that is gone.

        All there are come when the store is opened (or at once, if there is nothing to open), then
        every change once it is committed, in this order, whoever made it: chat-admin works on the
        same records. Of what another program changed within a second or so only the last is told,
        even if that is the end of a record which nobody here knew.

        A callback that raises keeps the store from being opened. Later that is logged, and the
        others are told.

        :raises RuntimeError: if the store was opened before.
        """

    def change(
        self, kind: str, key: str, how: Callable[[Value | None], Value | None], /
    ) -> Deferred[Value | None]:
        """Put in a record's place what a function makes of it; None for no record.

        The function must be pure, and quick: it may be called in another thread, which commits
        everybody's lines. No two changes of a record overlap, so that it can tell who was first.
        Changes come in the order in which they were asked for, but they have no place among the
        log's events: who wants one after the other waits for it.

        :returns: fires with the new value once that is committed and whoever watches knows; nobody
            is told of a value that stays as it is. Fails with the ChatError that the function
            raises, or with INTERNAL if it raises anything else or returns what JSON cannot hold,
            and then nothing has changed; or with NOT_STORED.
        """


class IThreads(Protocol):
    """The way back from other threads: a reactor."""

    def callFromThread(self, callable: Callable[..., object], *args: object) -> None:
        """Call soon, in the reactor's own thread."""


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
