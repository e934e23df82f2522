"""One room's way out: batches of committed events, and how far somebody has read in them.

Data only: what to do with it is delivery's business.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, Generic, TypeVar

from chatservice.events import Event
from chatservice.interfaces import IDialect

PIECE: Final = 64 << 10
"""The most that is handed to one member at once, in bytes, roughly."""

RECENT: Final = 256 << 10
"""What a room keeps at hand for members that are behind, in bytes, roughly."""

_OVERHEAD: Final = 64  # bytes of a line besides its text, roughly

Reader = TypeVar("Reader")


def fitting(events: Sequence[Event]) -> int:
    """Return how many of the events make a PIECE; one at least, if there are any."""
    size = 0
    for count, event in enumerate(events):
        size += _OVERHEAD + len(event.text) + len(event.aside)
        if count and size > PIECE:
            return count
    return len(events)


def full(size: int) -> bool:
    """Tell whether so many bytes are enough to be given to one member at once."""
    return size >= PIECE


class Batch:
    """Events of one room that were committed together, or answers to one member.

    :param room: the room's or inbox's name, "" for answers.
    :param events: oldest first.
    """

    __slots__ = ("_by", "_encoded", "_everywhere", "events", "room", "size")

    def __init__(self, room: str, events: Sequence[Event]) -> None:
        self._by: Mapping[str, Sequence[int]] | None = None  # whose events, by their indices
        self._everywhere: Sequence[int] = ()
        self.room = room
        self.events = events
        self.size = sum(_OVERHEAD + len(e.text) + len(e.aside) for e in events)
        self._encoded: dict[IDialect, tuple[bytes, list[int]]] = {}

    @property
    def count(self) -> int:
        """How many events there are."""
        return len(self.events)

    def alike(self, identity: str) -> bool:
        """Tell whether it is the same for somebody as for everybody; see IBatch."""
        by = self._by
        if by is None:
            by = self._sort_out()
        return not self._everywhere and identity not in by

    def encoded(self, dialect: IDialect) -> bytes:
        """Return all events as bytes; encoded once for each dialect."""
        return (self._encoded.get(dialect) or self._encode(dialect))[0]

    def each(self, dialect: IDialect) -> Iterator[tuple[Event, bytes]]:
        """Go through the events and what they are as bytes; see IBatch."""
        for index, event in enumerate(self.events):
            yield event, self.part(dialect, index, index + 1)

    def parted(self, dialect: IDialect, identity: str) -> Iterator[tuple[Event | None, bytes]]:
        """Go through it with somebody's own events apart; see IBatch."""
        own = (self._by if self._by is not None else self._sort_out()).get(identity, ())
        apart = sorted({*own, *self._everywhere}) if self._everywhere else own
        data, ends = self._encode(dialect)
        at = 0
        for index in apart:
            start, stop = ends[index], ends[index + 1]
            if at < start:
                yield None, data[at:start]
            yield self.events[index], data[start:stop]
            at = stop
        if at < len(data):
            yield None, data[at:]

    def _sort_out(self) -> Mapping[str, Sequence[int]]:
        by: dict[str, list[int]] = {}
        everywhere: list[int] = []
        for index, event in enumerate(self.events):
            by.setdefault(event.by, []).append(index)
            if event.everywhere:
                everywhere.append(index)
        self._by, self._everywhere = by, everywhere
        return by

    def part(self, dialect: IDialect, start: int, stop: int) -> bytes:
        """Return the events from start up to stop, indices into events, as bytes."""
        data, ends = self._encode(dialect)
        return data[ends[start] : ends[stop]]

    def piece(self, start: int, stop: int) -> "Piece":
        """Return the events from start up to stop, indices into events, for one member."""
        piece = Piece(self.room)
        piece.add(self, start, stop)
        return piece

    def _encode(self, dialect: IDialect) -> tuple[bytes, list[int]]:
        cached = self._encoded.get(dialect)
        if cached is None:
            lines = [dialect.encode(event) for event in self.events]
            cached = (b"".join(lines), list(accumulate(map(len, lines), initial=0)))
            self._encoded[dialect] = cached
        return cached


class Piece:
    """Consecutive parts of a room's batches, for one member.

    :ivar size: of the batches in which they are, in bytes, roughly.
    """

    __slots__ = ("_parts", "room", "size")

    def __init__(self, room: str) -> None:
        self.room = room
        self.size = 0
        self._parts: list[tuple[Batch, int, int]] = []

    def add(self, batch: Batch, start: int, stop: int) -> None:
        """Go on with the events of a batch from start up to stop."""
        self._parts.append((batch, start, stop))
        self.size += batch.size

    @property
    def events(self) -> Sequence[Event]:
        """The events, oldest first."""
        return [e for batch, start, stop in self._parts for e in batch.events[start:stop]]

    @property
    def count(self) -> int:
        """How many events there are."""
        return sum(stop - start for _, start, stop in self._parts)

    def alike(self, identity: str) -> bool:
        """Tell whether it is the same for somebody as for everybody; see IBatch."""
        return all(batch.alike(identity) for batch, _, _ in self._parts)

    def each(self, dialect: IDialect) -> Iterator[tuple[Event, bytes]]:
        """Go through the events and what they are as bytes; see IBatch."""
        for batch, start, stop in self._parts:
            for index in range(start, stop):
                yield batch.events[index], batch.part(dialect, index, index + 1)

    def parted(self, dialect: IDialect, identity: str) -> Iterator[tuple[Event | None, bytes]]:
        """Go through it with somebody's own events apart; see IBatch."""
        for batch, start, stop in self._parts:
            if batch.alike(identity):
                yield None, batch.part(dialect, start, stop)
                continue
            for index in range(start, stop):
                event, data = batch.events[index], batch.part(dialect, index, index + 1)
                yield event if event.by == identity or event.everywhere else None, data

    def encoded(self, dialect: IDialect) -> bytes:
        """Return the events as bytes, out of what the batches have encoded."""
        return b"".join(batch.part(dialect, start, stop) for batch, start, stop in self._parts)


class Cursor:
    """How far a member that is behind has read in a room.

    :ivar position: counts all events of the feed, kept ones and others; leads into its recent
        batches. It may point at what is committed and not handed out yet.
    :ivar seq: the number of the last kept event; leads into the log.
    :ivar end: where the member that leaves gets no more; None while it stays.
    """

    __slots__ = ("end", "position", "seq")

    def __init__(self, position: int, seq: int) -> None:
        self.position = position
        self.seq = seq
        self.end: Cursor | None = None


class Feed(Generic[Reader]):
    """What a room handed out lately, what it will hand out next, and who hears it live.

    :param room: the room's or inbox's name.
    :param until_read: whether the feed is over once everybody has read it (an inbox).
    :param seq: the number of the newest kept event so far.

    :ivar position: how many events were handed out.
    :ivar seq: the number of the last kept one of them.
    :ivar until: the position that must be handed out before the feed can be over.
    :ivar pending: committed, to be handed out at the end of the turn.
    :ivar live: who is at the head, in the order of arrival; a dict serves as an ordered set.
    :ivar readers: how many there are, live or behind.
    :ivar resting: whether what is pending waits for a moment.
    """

    __slots__ = (
        "_recent",
        "_recent_size",
        "live",
        "pending",
        "position",
        "readers",
        "resting",
        "room",
        "seq",
        "until",
        "until_read",
    )

    def __init__(self, room: str, until_read: bool, seq: int = 0) -> None:
        self.room = room
        self.until_read = until_read
        self.until = 0
        self.position = 0
        self.seq = seq
        self.pending: list[Event] = []
        self.live: dict[Reader, None] = {}
        self.readers = 0
        self.resting = False
        self._recent: deque[tuple[int, int, Batch]] = deque()  # position and seq before, batch
        self._recent_size = 0

    @property
    def over(self) -> bool:
        """Whether nobody needs the feed any more."""
        if not self.readers:
            return True
        read = len(self.live) == self.readers and not self.pending
        return self.until_read and read and self.position >= self.until

    def expect(self) -> None:
        """Stay at least until one more event is handed out."""
        self.until = self.position + len(self.pending) + 1

    def here(self) -> Cursor:
        """Return a cursor behind all that was handed out."""
        return Cursor(self.position, self.seq)

    def end(self) -> Cursor:
        """Return a cursor behind all that is committed, handed out or not."""
        last = self.pending[-1].seq if self.pending else self.seq
        return Cursor(self.position + len(self.pending), last)

    def cut(self) -> Iterator[Batch]:
        """Hand out what is pending, in batches of a PIECE at most or a single longer event."""
        while self.pending:
            count = fitting(self.pending)
            events = self.pending[:count]
            del self.pending[:count]
            yield self._hand_out(Batch(self.room, events))

    def _hand_out(self, batch: Batch) -> Batch:
        self._recent.append((self.position, self.seq, batch))
        self._recent_size += batch.size
        while self._recent_size > RECENT and len(self._recent) > 1:
            self._recent_size -= self._recent.popleft()[2].size
        self.position += len(batch.events)
        self.seq = batch.events[-1].seq
        return batch

    def behind(self, cursor: Cursor, mark: int | None = None) -> bool:
        """Tell whether something was handed out that the cursor's owner should still get.

        :param mark: a position at which to stop for now; None to go on.
        """
        return cursor.position < self._stop(cursor, mark)

    def finished(self, cursor: Cursor) -> bool:
        """Tell whether the cursor's owner has left and got all up to there.

        It may stand where it left and still wait: for what was committed before it came to be
        handed out, as its answers do.
        """
        end = cursor.end
        return end is not None and end.position <= min(cursor.position, self.position)

    def reaches(self, cursor: Cursor) -> bool:
        """Tell whether the recent batches go back to the cursor."""
        return cursor.position >= self.origin()[0]

    def origin(self) -> tuple[int, int]:
        """Return position and seq before the oldest recent batch."""
        return self._recent[0][:2] if self._recent else (self.position, self.seq)

    def take(self, cursor: Cursor, mark: int | None = None) -> Piece:
        """Return what follows the cursor, a PIECE at most or one batch, and move it on.

        The recent batches must reach back to it.

        :param mark: see behind.
        """
        piece = Piece(self.room)
        stop = self._stop(cursor, mark)
        for position, batch in self._following(cursor):
            if position >= stop or (piece.size and piece.size + batch.size > PIECE):
                break
            upto = min(len(batch.events), stop - position)
            piece.add(batch, cursor.position - position, upto)
            cursor.position, cursor.seq = position + upto, batch.events[upto - 1].seq
        return piece

    def _following(self, cursor: Cursor) -> Iterator[tuple[int, Batch]]:
        """Go through the recent batches from the cursor on, with the positions before them."""
        following = []
        for position, _, batch in reversed(self._recent):  # most are near the end
            if position + len(batch.events) <= cursor.position:
                break
            following.append((position, batch))
        return reversed(following)

    def _stop(self, cursor: Cursor, mark: int | None) -> int:
        end = self.position if cursor.end is None else cursor.end.position
        return min(self.position, end, end if mark is None else mark)
