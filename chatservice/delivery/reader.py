"""A member as delivery knows it: where it is in each of its rooms, and what it waits for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from twisted.internet.defer import Deferred

from chatservice.delivery.feed import Batch, Cursor, Feed
from chatservice.delivery.later import Later
from chatservice.delivery.recall import PAGE
from chatservice.events import Event
from chatservice.interfaces import IBatch, IMember


@dataclass(slots=True)
class Answer:
    """What a member is told, and its place among what was committed in the same turn.

    :ivar marks: positions in the member's rooms behind which it stands.
    :ivar events: what is told, or:
    :ivar recall: what is made when it is due, and then told.
    """

    marks: "dict[Feed[Reader], int]"
    events: list[Event]
    recall: Later | None = None


class Reader:
    """One member. It is LIVE in a room where its cursor is None, else BEHIND.

    :ivar amid: the room amid whose next batches its answers stand, where it is LIVE all the same:
        who says something is answered so, and need not leave the fan-out for that.
    :ivar holding: whether the connection holds a rest of what it was given.
    :ivar limit: how many events to read from the log for it at once.
    :ivar drained: fires when it holds nothing any more.
    :ivar catching_up: whether somebody sees to it that it catches up.
    :ivar finishing: whether it leaves once it has read up to its cursors' ends.
    :ivar gone: whether its connection is.
    """

    __slots__ = (
        "_again",
        "amid",
        "answers",
        "catching_up",
        "cursors",
        "deliver",
        "drained",
        "finishing",
        "gone",
        "holding",
        "limit",
        "member",
    )

    def __init__(self, member: IMember) -> None:
        self.member = member
        self.deliver: Callable[[Batch], bool] = member.deliver
        self.cursors: dict[Feed[Reader], Cursor | None] = {}
        self._again: dict[Feed[Reader], list[Cursor]] = {}  # where it begins after it has left
        self.answers: list[Answer] = []
        self.amid: Feed[Reader] | None = None
        self.holding = False
        self.limit = PAGE
        self.drained: Deferred[None] | None = None
        self.catching_up = False
        self.finishing = False
        self.gone = False

    # Where it is.

    @property
    def live(self) -> bool:
        """Whether it is LIVE in all its rooms."""
        return all(cursor is None for cursor in self.cursors.values())

    @property
    def behind(self) -> bool:
        """Whether something was handed out that it has not been given."""
        return any(cursor and feed.behind(cursor) for feed, cursor in self.cursors.items())

    @property
    def owed(self) -> bool:
        """Whether it should get something else before an answer given now."""
        return (
            self.catching_up
            or bool(self.answers)
            or any(feed.pending for feed in self.cursors)
            or self.behind
        )

    def ends(self) -> dict[str, int]:
        """Return for each room the number up to which all comes before an answer given now."""
        return {feed.room: feed.end().seq for feed in self.cursors}

    def hears(self, feed: Feed["Reader"]) -> bool:
        """Tell whether it is given what is committed in a room from now on."""
        last = self._last_stay(feed) if feed in self.cursors else None
        return feed in self.cursors and (last is None or last.end is None)

    def read(self) -> dict[str, int]:
        """Return for each room the number up to which it was given it."""
        read = {
            feed.room: feed.seq if cursor is None else cursor.seq
            for feed, cursor in self.cursors.items()
        }
        for answer in self.answers:  # what it missed before and is still to be told
            if answer.recall is not None and answer.recall.since is not None:
                read[answer.recall.room] = answer.recall.since
        return read

    # Off the fan-out, and on it again.

    def hold_back(self, feed: Feed["Reader"]) -> Cursor:
        """Take it off the fan-out of a room; return where it is there."""
        cursor = self.cursors[feed]
        if cursor is None:
            cursor = self.cursors[feed] = feed.here()
            feed.live.pop(self, None)
        if feed is self.amid:
            self._stand_amid(None)
        return cursor

    def fall_behind(self) -> None:
        """Take it off the fan-out of all its rooms."""
        for feed in self.cursors:
            self.hold_back(feed)

    def end(self, feed: Feed["Reader"]) -> None:
        """Let it read a room up to what is committed by now, and no more of this stay."""
        self.hold_back(feed)
        last = self._last_stay(feed)
        if last is not None and last.end is None:
            last.end = feed.end()

    def enter_again(self, feed: Feed["Reader"]) -> None:
        """Let it read a room from here on that it has left, and not read up to there yet."""
        last = self._last_stay(feed)
        if last is not None and last.end is not None:
            self._again.setdefault(feed, []).append(feed.end())

    def _last_stay(self, feed: Feed["Reader"]) -> Cursor | None:
        """Return its cursor in a room, or that of its last stay to come; None if it is LIVE."""
        later = self._again.get(feed)
        return later[-1] if later else self.cursors[feed]

    def _stay(self, feed: Feed["Reader"], cursor: Cursor) -> Cursor:
        """Return where it is in a room, which may be in its next stay there by now."""
        while feed in self._again and cursor.end and cursor.position >= cursor.end.position:
            cursor, *later = self._again.pop(feed)
            self.cursors[feed] = cursor
            if later:
                self._again[feed] = later
        return cursor

    def let_go(self) -> list[Feed["Reader"]]:
        """Forget the rooms that it has left and read up to there; return them."""
        if self.finishing:  # how far it has read is still asked for
            return []
        ended = [feed for feed, cursor in self.cursors.items() if cursor and feed.finished(cursor)]
        for feed in ended:
            del self.cursors[feed]
            feed.readers -= 1
        return ended

    def next_up(self) -> tuple[Feed["Reader"], Cursor, int | None] | None:
        """Return a room with something for it, its cursor there, and where to stop for an answer.

        Where nothing is left it becomes LIVE.
        """
        answer = self.answers[0] if self.answers else None
        for feed, cursor in self.cursors.items():
            if cursor is None:
                continue
            cursor = self._stay(feed, cursor)
            mark = answer.marks.get(feed, cursor.position) if answer else None
            if feed.behind(cursor, mark):
                return feed, cursor, mark
            if cursor.end is None and cursor.position == feed.position and answer is None:
                self.cursors[feed] = None
                feed.live[self] = None
        return None

    # Answers.

    def add_answer(self, events: Sequence[Event], recall: Later | None = None) -> None:
        """Tell it something behind all that was committed, and before all that comes."""
        marks = {feed: self._last_due(feed).position for feed in self.cursors}
        last = self.answers[-1] if self.answers else None
        if recall is None and last is not None and last.marks == marks and last.recall is None:
            last.events += events
            return
        amid = self._only_pending(marks) if recall is None else None
        self.answers.append(Answer(marks, [*events], recall))
        for feed in marks:  # or the fan-out would overtake the answer
            if feed is not amid:
                self.hold_back(feed)
        self._stand_amid(amid)

    def _only_pending(self, marks: "Mapping[Feed[Reader], int]") -> "Feed[Reader] | None":
        """Return the room where it is LIVE, if an answer waits for what is pending there alone."""
        if self.catching_up or (self.answers and self.amid is None):
            return None
        waited_for = [feed for feed, mark in marks.items() if mark > self._position(feed)]
        only = waited_for[0] if len(waited_for) == 1 else None
        return only if only is not None and self.cursors[only] is None else None

    def _position(self, feed: Feed["Reader"]) -> int:
        cursor = self.cursors[feed]
        return feed.position if cursor is None else cursor.position

    def _stand_amid(self, feed: "Feed[Reader] | None") -> None:
        self.amid = feed
        self.deliver = self.member.deliver if feed is None else partial(self._deliver_amid, feed)

    def _deliver_amid(self, feed: Feed["Reader"], batch: Batch) -> bool:
        """Give it what was just cut from a room, each answer behind what it waits for there."""
        begin, at = feed.position - batch.count, 0
        parcel: list[IBatch] = []
        while self.answers and (stop := self.answers[0].marks[feed] - begin) <= batch.count:
            parcel.append(batch.piece(at, stop))
            if events := self.answers.pop(0).events:  # else it only kept an order
                parcel.append(Batch("", events))
            at = stop
        if at < batch.count:
            parcel.append(batch.piece(at, batch.count))
        if not self.answers:
            self._stand_amid(None)
        return self.member.deliver_all(parcel)

    def _last_due(self, feed: Feed["Reader"]) -> Cursor:
        """Return where a room ends for it as of now: with what is committed, or when it left."""
        last = self._last_stay(feed)
        return feed.end() if last is None or last.end is None else last.end

    @property
    def due(self) -> Answer | None:
        """The next answer, if all that it stands behind was handed out."""
        answer = self.answers[0] if self.answers else None
        if answer and all(mark <= feed.position for feed, mark in answer.marks.items()):
            return answer
        return None
