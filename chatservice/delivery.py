"""Committed events on their way to the members: one write each a turn, and catching up.

What the log commits in one turn of the reactor becomes one Batch for each room, encoded once for
each dialect, and every member of the room gets it with one call. A member is LIVE or BEHIND:

    LIVE     has everything up to the head of its rooms; each new batch is given to it at once.
    BEHIND   has everything up to its cursors. When its connection has room it gets the next
             piece, from the room's recent batches or, further back, from the log; at the head of
             all its rooms it is LIVE again.

Who does not read, or has just come in, is BEHIND; so a slow reader costs its cursors and no more.
Nothing in here calls back to the left: no session, no hub, no rule.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.errors import ChatError
from chatservice.events import Event, Kind
from chatservice.feed import Batch, Cursor, Feed, fitting
from chatservice.interfaces import IBatch, ILog, IMember
from chatservice.recall import PAGE, Recall, missing


@dataclass(slots=True)
class _Answer:
    """What a member is told, and its place among what was committed in the same turn."""

    marks: "dict[Feed[_Reader], int]"  # positions in its rooms behind which it stands
    events: list[Event]
    recall: Recall | None = None  # instead of events: to be read first


class _Reader:
    """A member as delivery knows it: where it is in each of its rooms, and what it waits for."""

    __slots__ = (
        "answers",
        "catching_up",
        "cursors",
        "deliver",
        "drained",
        "finishing",
        "gone",
        "holding",
        "member",
    )

    def __init__(self, member: IMember) -> None:
        self.member = member
        self.deliver: Callable[[IBatch], bool] = member.deliver
        self.cursors: dict[Feed[_Reader], Cursor | None] = {}  # None: LIVE in that room
        self.answers: list[_Answer] = []
        self.holding = False  # the connection holds a rest of what it was given
        self.drained: Deferred[None] | None = None  # fires when it holds nothing any more
        self.catching_up = False  # _catch_up runs for it
        self.finishing = False  # it leaves once it has read up to its cursors' ends
        self.gone = False


class Delivery:
    """Gives every member what the log commits, in order, as fast as each can take it.

    :param log: what it subscribes to, and reads for those who are far behind.
    :param soon: calls back at the end of the reactor's turn, or at once where there are no turns.
    :param now: wall-clock time, for lines of its own.
    """

    _log = Logger()

    def __init__(
        self,
        log: ILog,
        soon: Callable[[Callable[[], None]], object],
        now: Callable[[], float],
    ) -> None:
        self._history = log
        self._soon = soon
        self._now = now
        self._feeds: dict[str, Feed[_Reader]] = {}
        self._readers: dict[IMember, _Reader] = {}
        self._dirty: dict[Feed[_Reader], None] = {}  # feeds with events pending
        self._ready: dict[_Reader, None] = {}  # readers to be answered, caught up or let go
        self._scheduled = False
        log.subscribe(self._committed)

    # What the hub calls.

    def add(self, member: IMember) -> None:
        """Know a new member; it is in no room yet but can be answered."""
        self._readers[member] = _Reader(member)

    def enter(self, member: IMember, room: str, head: int, until_read: bool = False) -> None:
        """Let a member hear a room from this point of the log's order on.

        :param head: the number of the room's newest kept event at this point.
        :param until_read: whether everybody is out again once they have read what is said next.
        """
        reader = self._readers.get(member)
        if reader is None or reader.finishing:  # it left while the log was busy
            return
        feed = self._feeds.get(room)
        if feed is None:
            feed = self._feeds[room] = Feed(room, until_read, head)
        feed.expect()
        if feed not in reader.cursors:
            feed.readers += 1
            reader.cursors[feed] = feed.end()
            self._wake(reader)

    def tell(self, member: IMember, *answers: Event) -> None:
        """Answer one member, after all that was committed before and before all that comes."""
        reader = self._readers.get(member)
        if reader is None:
            return
        if not self._owed(reader):
            self._give(reader, Batch("", answers))
            if reader.holding:
                self._fall_behind(reader)
            return
        self._answer_here(reader, answers)

    def keep_order(self, member: IMember) -> None:
        """Let nothing that comes, in whatever room, overtake what was committed before.

        In one room that goes without saying; across rooms it holds for who is not behind.
        """
        reader = self._readers.get(member)
        if reader is not None and self._owed(reader):
            self._answer_here(reader, ())

    def recall(self, member: IMember, past: Recall) -> None:
        """Tell a member of the past, in the place of an answer: what comes then has to wait."""
        reader = self._readers.get(member)
        if reader is not None:
            self._answer_here(reader, (), past)

    def _answer_here(
        self, reader: _Reader, answers: Sequence[Event], past: Recall | None = None
    ) -> None:
        marks = {feed: feed.end().position for feed in reader.cursors}
        last = reader.answers[-1] if reader.answers else None
        if past is None and last is not None and last.marks == marks and last.recall is None:
            last.events += answers
        else:
            reader.answers.append(_Answer(marks, [*answers], past))
            for feed in marks:  # or the fan-out would overtake the answer
                self._hold_back(reader, feed)
        self._wake(reader)

    def finish(self, member: IMember) -> None:
        """Give a member all up to this point of the log's order, then disconnect it."""
        reader = self._readers.get(member)
        if reader is None or reader.finishing:
            return
        reader.finishing = True
        for feed in reader.cursors:
            self._hold_back(reader, feed).end = feed.end()
        self._wake(reader)

    def ends(self, member: IMember) -> dict[str, int]:
        """Return the numbers up to which everything comes before an answer given now."""
        reader = self._readers.get(member)
        return {} if reader is None else {feed.room: feed.end().seq for feed in reader.cursors}

    def read(self, member: IMember) -> dict[str, int]:
        """Return the numbers up to which a member was given its rooms, or will be if it leaves."""
        reader = self._readers.get(member)
        if reader is None:
            return {}
        return {
            feed.room: feed.seq if cursor is None else (cursor.end or cursor).seq
            for feed, cursor in reader.cursors.items()
        }

    def behind(self, member: IMember) -> bool:
        """Tell whether a member has not been given everything."""
        reader = self._readers.get(member)
        return reader is not None and any(
            cursor is not None and feed.behind(cursor) for feed, cursor in reader.cursors.items()
        )

    def drop(self, member: IMember) -> None:
        """Forget a member whose connection is gone."""
        reader = self._readers.pop(member, None)
        if reader is None:
            return
        reader.gone = True
        self._ready.pop(reader, None)
        for feed in reader.cursors:
            feed.live.pop(reader, None)
            feed.readers -= 1
            self._close_if_over(feed)
        reader.cursors.clear()
        self._resume(reader)

    # What doors call.

    def drained(self, member: IMember) -> None:
        """Go on with a member whose connection has taken all it was given."""
        reader = self._readers.get(member)
        if reader is not None:
            reader.holding = False
            self._resume(reader)

    # The turn.

    def _committed(self, events: Sequence[Event]) -> None:
        for event in events:
            feed = self._feeds.get(event.room)
            if feed is not None:
                feed.add(event)
                self._dirty[feed] = None
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._soon(self._flush)

    def _wake(self, reader: _Reader) -> None:
        self._ready[reader] = None
        self._schedule()

    def _flush(self) -> None:
        """End the turn: hand out what was committed, then see to single members."""
        try:
            while self._dirty or self._ready:
                self._hand_out()
        finally:  # whatever went wrong, there is a next turn
            self._scheduled = False

    def _hand_out(self) -> None:
        dirty, self._dirty = self._dirty, {}
        for feed in dirty:
            for batch in feed.cut():
                self._fan_out(feed, batch)
        ready, self._ready = self._ready, {}
        for reader in ready:
            self._serve(reader)
        for feed in dirty:
            self._close_if_over(feed)

    def _fan_out(self, feed: Feed[_Reader], batch: Batch) -> None:
        """Give a batch to every LIVE member: the one loop that must stay short."""
        for reader in tuple(feed.live):
            try:
                if reader.deliver(batch):
                    continue
            except Exception:
                self._fail(reader)
                continue
            reader.holding = True
            self._fall_behind(reader)

    def _fall_behind(self, reader: _Reader) -> None:
        """Leave a member where it is in all its rooms, until its connection has room again."""
        for feed in reader.cursors:
            self._hold_back(reader, feed)
        self._catch_up_soon(reader)

    def _hold_back(self, reader: _Reader, feed: Feed[_Reader]) -> Cursor:
        """Take a member off the fan-out of a room; return where it is there."""
        cursor = reader.cursors[feed]
        if cursor is None:
            cursor = reader.cursors[feed] = feed.here()
            feed.live.pop(reader, None)
        return cursor

    # Single members.

    def _owed(self, reader: _Reader) -> bool:
        """Tell whether a member should get something else before an answer given now."""
        return (
            reader.catching_up
            or bool(reader.answers)
            or any(feed.pending for feed in reader.cursors)
            or any(cursor and feed.behind(cursor) for feed, cursor in reader.cursors.items())
        )

    def _serve(self, reader: _Reader) -> None:
        behind = any(cursor is not None for cursor in reader.cursors.values())
        if reader.catching_up:
            if reader.holding:  # for how long, nobody knows: answers do not wait for that
                self._answer_all(reader)
        elif behind or reader.finishing or any(answer.recall for answer in reader.answers):
            self._catch_up_soon(reader)
        else:
            self._answer_all(reader)
            if reader.holding:
                self._fall_behind(reader)

    def _answer_all(self, reader: _Reader) -> None:
        while reader.answers and reader.answers[0].recall is None:
            self._answer(reader)

    async def _tell_past(self, reader: _Reader, past: Recall) -> None:
        try:
            page = await past.next_page(self._now())
        except ChatError as refusal:
            page = [self._error(refusal)]
            past.done = True
        if past.done and reader.answers:
            del reader.answers[0]
        if page and not reader.gone:
            self._give(reader, Batch("", page))

    def _answer(self, reader: _Reader) -> None:
        if events := reader.answers.pop(0).events:  # else it only kept an order
            self._give(reader, Batch("", events))

    def _give(self, reader: _Reader, batch: IBatch) -> None:
        try:
            reader.holding = not reader.deliver(batch)
        except Exception:
            self._fail(reader)

    def _resume(self, reader: _Reader) -> None:
        waiting, reader.drained = reader.drained, None
        if waiting is not None:
            waiting.callback(None)

    def _catch_up_soon(self, reader: _Reader) -> None:
        if not reader.catching_up and not reader.gone:
            Deferred.fromCoroutine(self._catch_up(reader)).addErrback(self._lost_track, reader)

    async def _catch_up(self, reader: _Reader) -> None:
        """Bring a member to the head of all its rooms, answer it, let it go if it leaves."""
        reader.catching_up = True
        try:
            while not reader.gone:
                if reader.holding:
                    self._fall_behind(reader)
                    self._answer_all(reader)
                    reader.drained = Deferred()
                    await reader.drained
                elif (next_up := self._next_up(reader)) is not None:
                    await self._give_next(reader, *next_up)
                elif reader.answers and self._due(reader.answers[0]):
                    if (past := reader.answers[0].recall) is not None:
                        await self._tell_past(reader, past)
                    else:
                        self._answer(reader)
                else:
                    break
        finally:
            reader.catching_up = False
        if reader.finishing and not reader.gone:
            self._let_go_if_done(reader)

    def _due(self, answer: _Answer) -> bool:
        """Tell whether all that an answer stands behind was handed out."""
        return all(mark <= feed.position for feed, mark in answer.marks.items())

    def _next_up(self, reader: _Reader) -> tuple[Feed[_Reader], Cursor, int | None] | None:
        """Return a room with something for the member, up to its next answer if there is one.

        Where nothing is left it becomes LIVE.
        """
        answer = reader.answers[0] if reader.answers else None
        for feed, cursor in list(reader.cursors.items()):
            if cursor is None:
                continue
            mark = answer.marks.get(feed, cursor.position) if answer else None
            if feed.behind(cursor, mark):
                return feed, cursor, mark
            if cursor.end is None and cursor.position == feed.position and answer is None:
                reader.cursors[feed] = None
                feed.live[reader] = None
                self._close_if_over(feed)
        return None

    async def _give_next(
        self, reader: _Reader, feed: Feed[_Reader], cursor: Cursor, mark: int | None
    ) -> None:
        if feed.reaches(cursor):
            self._give(reader, feed.take(cursor, mark))
            if reader.holding and feed in reader.cursors:  # it is slow: all rooms get their turn
                reader.cursors[feed] = reader.cursors.pop(feed)
            return
        page: Sequence[Event] | None = None
        try:
            page = await self._history.after(feed.room, cursor.seq, PAGE)
        except ChatError as refusal:
            self._give(reader, Batch("", [self._error(refusal)]))
        if reader.gone:
            return
        position, seq = feed.origin()
        if cursor.end is not None and cursor.end.position < position:
            position, seq = cursor.end.position, cursor.end.seq
        if page is None:  # what is at hand is better than nothing
            cursor.position, cursor.seq = position, seq
            return
        page = [event for event in page if event.seq <= seq]
        page = page[: fitting(page)]
        reached = page[0].seq - 1 if page else seq
        if missed := reached - cursor.seq:
            notice = Event(0, self._now(), "", Kind.NOTICE, "", missing(missed))
            self._give(reader, Batch("", [notice]))
        if page and not missed:
            self._give(reader, Batch(feed.room, page))
            reached = page[-1].seq
        cursor.seq = reached
        if cursor.seq >= seq:
            cursor.position = position

    def _error(self, refusal: ChatError) -> Event:
        return Event(0, self._now(), "", Kind.ERROR, refusal.code, refusal.message)

    # Letting go.

    def _close_if_over(self, feed: Feed[_Reader]) -> None:
        """Forget a feed that nobody hears, or that was meant to last only until it is read."""
        if not feed.over:
            return
        for reader in feed.live:
            reader.cursors.pop(feed, None)
        if self._feeds.get(feed.room) is feed:
            del self._feeds[feed.room]

    def _let_go_if_done(self, reader: _Reader) -> None:
        for cursor in reader.cursors.values():
            if cursor and cursor.end and cursor.position < cursor.end.position:
                return  # the rest is pending: the end of the turn comes back here
        self._let_go(reader)

    def _let_go(self, reader: _Reader) -> None:
        self.drop(reader.member)
        reader.member.disconnect()

    def _fail(self, reader: _Reader) -> None:
        """Let go of a member whose delivery raised; the others must not notice."""
        self._log.failure("delivery to a member failed; it is disconnected")
        try:
            self._let_go(reader)
        except Exception:
            self._log.failure("and could not be disconnected")

    def _lost_track(self, failure: Failure, reader: _Reader) -> None:
        self._log.failure("catching up failed; the member is disconnected", failure=failure)
        self._let_go(reader)
