"""Committed events on their way to the members: one write each a turn, and catching up.

What the log commits in one turn of the reactor becomes one Batch for each room, encoded once for
each dialect, and every member of the room gets it with one call. A room whose batch took long to
hand out, because many hear it, rests for a moment afterwards: what comes meanwhile makes one batch.
A member is LIVE or BEHIND:

    LIVE     has everything up to the head of its rooms; each new batch is given to it at once.
    BEHIND   has everything up to its cursors. When its connection has room it gets the next
             piece, from the room's recent batches or, further back, from the log; at the head of
             all its rooms it is LIVE again.

An answer that only waits for what is pending in one room is given amid that room's next batch, and
whoever is LIVE there stays so; for any other answer a member is BEHIND until it has been given it.
Who does not read, or has just come in, is BEHIND; so a slow reader costs its cursors and no more.
Nothing in here calls back to the left: no session, no hub, no rule.
"""

from collections.abc import Callable, Sequence
from typing import Final

from chatservice.delivery.catching_up import CatchingUp
from chatservice.delivery.feed import Batch, Feed
from chatservice.delivery.later import Later
from chatservice.delivery.reader import Reader
from chatservice.events import Event
from chatservice.interfaces import IClock, ILog, IMember
from chatservice.meters import Meters

LONGEST_REST: Final = 0.02
"""Seconds that a room rests at most; what is said to it meanwhile waits so long."""

SHORTEST_REST: Final = 0.0005
"""Seconds under which resting is not worth a timer: small rooms never rest."""

ENOUGH: Final = 64
"""So many lines are worth a write to everybody: waiting for more would gain little."""


class Delivery:
    """Gives every member what the log commits, in order, as fast as each can take it.

    :param log: what it subscribes to, and reads for those who are far behind.
    :param clock: the reactor, in whose turns it works; without one all is delivered at once.
    :param now: wall-clock time, for lines of its own.
    :param meters: count what is committed and handed out.
    """

    def __init__(
        self,
        log: ILog,
        clock: IClock | None,
        now: Callable[[], float],
        meters: Meters | None = None,
    ) -> None:
        self._meters = meters = Meters() if meters is None else meters
        self._clock = clock
        self._feeds: dict[str, Feed[Reader]] = {}
        self._readers: dict[IMember, Reader] = {}
        self._dirty: dict[Feed[Reader], None] = {}  # feeds with events pending
        self._ready: dict[Reader, None] = {}  # readers to be answered, caught up or let go
        self._parked: dict[Reader, None] = {}  # the same, once a resting room has gone on
        self._scheduled = False
        self._catching_up = CatchingUp(log, now, self._let_go, self._close_if_over, meters)
        log.subscribe(self._committed)

    # What the hub calls.

    def add(self, member: IMember) -> None:
        """Know a new member; it is in no room yet but can be answered."""
        self._readers[member] = Reader(member)

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
        else:
            reader.enter_again(feed)
        self._wake(reader)

    def exit(self, member: IMember, room: str) -> None:
        """Let a member hear a room up to this point of the log's order, and no more."""
        reader, feed = self._readers.get(member), self._feeds.get(room)
        if reader is not None and feed in reader.cursors:
            self.keep_order(member)
            reader.end(feed)
            self._wake(reader)

    def tell(self, member: IMember, *answers: Event) -> None:
        """Answer one member, after all that was committed before and before all that comes."""
        reader = self._readers.get(member)
        if reader is None:
            return
        if reader.owed:
            reader.add_answer(answers)
            self._wake(reader)
            return
        self._catching_up.give(reader, Batch("", answers))
        if reader.holding:
            self._fall_behind(reader)

    def keep_order(self, member: IMember) -> None:
        """Let nothing that comes, in whatever room, overtake what was committed before.

        In one room that goes without saying; across rooms it holds for who is not behind.
        """
        reader = self._readers.get(member)
        if reader is not None and reader.owed:
            reader.add_answer(())
            self._wake(reader)

    def recall(self, member: IMember, past: Later) -> None:
        """Tell a member of the past, or of a change, in the place of an answer: what comes then
        has to wait."""
        reader = self._readers.get(member)
        if reader is None:
            past.end()
        else:
            reader.add_answer((), past)
            self._wake(reader)

    def finish(self, member: IMember) -> None:
        """Give a member all up to this point of the log's order, then disconnect it."""
        reader = self._readers.get(member)
        if reader is None or reader.finishing:
            return
        reader.finishing = True
        for feed in reader.cursors:
            reader.end(feed)
        self._wake(reader)

    def cut(self, member: IMember, *answers: Event) -> None:
        """Disconnect a member, with a last word instead of all that it has not been given yet."""
        if member in self._readers:
            self.drop(member)
            member.deliver_all([Batch("", answers)])
            member.disconnect()

    def drop(self, member: IMember) -> None:
        """Forget a member whose connection is gone."""
        reader = self._readers.pop(member, None)
        if reader is None:
            return
        reader.gone = True
        self._ready.pop(reader, None)
        self._parked.pop(reader, None)
        for feed in reader.cursors:
            feed.live.pop(reader, None)
            feed.readers -= 1
            self._close_if_over(feed)
        reader.cursors.clear()
        for answer in reader.answers:
            if answer.recall is not None:
                answer.recall.end()
        self._resume(reader)

    # What the hub asks.

    def ends(self, member: IMember) -> dict[str, int]:
        """Return the numbers up to which everything comes before an answer given now."""
        reader = self._readers.get(member)
        return {} if reader is None else reader.ends()

    def read(self, member: IMember) -> dict[str, int]:
        """Return the numbers up to which a member was given its rooms; none if it is forgotten."""
        reader = self._readers.get(member)
        return {} if reader is None else reader.read()

    def given(self, member: IMember, room: str) -> int | None:
        """Return the number up to which a member was given a room; None if it was given all."""
        reader, feed = self._readers.get(member), self._feeds.get(room)
        if reader is None or feed is None or feed not in reader.cursors:
            return None
        cursor = reader.cursors[feed]
        return feed.seq if cursor is None else cursor.seq

    def hears(self, member: IMember, room: str) -> bool:
        """Tell whether a member is given what is committed in a room from now on."""
        reader, feed = self._readers.get(member), self._feeds.get(room)
        return reader is not None and feed is not None and reader.hears(feed)

    def behind(self, member: IMember) -> bool:
        """Tell whether something was handed out that a member has not been given."""
        reader = self._readers.get(member)
        return reader is not None and reader.behind

    def backlog(self) -> tuple[int, int, int]:
        """Return how many members are behind, how many of these hold a rest, and their answers.

        It costs as much as there are members behind.
        """
        behind = self._catching_up.members
        return (
            len(behind),
            sum(1 for reader in behind if reader.holding),
            sum(len(reader.answers) for reader in behind),
        )

    # What doors call.

    def drained(self, member: IMember) -> None:
        """Go on with a member whose connection has taken all it was given."""
        reader = self._readers.get(member)
        if reader is not None:
            reader.holding = False
            self._resume(reader)

    # The turn.

    def _committed(self, events: Sequence[Event]) -> None:
        self._meters.committed(events)
        for event in events:
            feed = self._feeds.get(event.room)
            if feed is not None:
                feed.pending.append(event)
                self._dirty[feed] = None
        if self._dirty and not self._scheduled:
            self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            if self._clock is None:
                self._flush()
            else:
                self._clock.callLater(0, self._flush)

    def _wake(self, reader: Reader) -> None:
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
            if not feed.resting:
                self._hand_out_room(feed)
        ready, self._ready = self._ready, {}
        for reader in ready:
            self._serve(reader)
            if any(feed.resting and feed.pending for feed in reader.cursors):
                self._parked[reader] = None  # there is more for it when that room goes on
        for feed in dirty:
            self._close_if_over(feed)

    def _hand_out_room(self, feed: Feed[Reader]) -> None:
        """Hand out what is pending in a room; let it rest a third as long as that took.

        A write costs about as much for one line as for ENOUGH. So while few lines come at a time
        and many hear them, a room gets three quarters of the time at most, and more goes out with
        each write. What is said after a while of silence is handed out at once.
        """
        begun, enough = self._seconds(), len(feed.pending) >= ENOUGH
        for batch in feed.cut():
            self._fan_out(feed, batch)
        rest = min((self._seconds() - begun) / 3, LONGEST_REST)
        if self._clock is not None and rest >= SHORTEST_REST and not enough:
            feed.resting = True
            self._clock.callLater(rest, self._go_on, feed)

    def _seconds(self) -> float:
        return 0.0 if self._clock is None else self._clock.seconds()

    def _go_on(self, feed: Feed[Reader]) -> None:
        feed.resting = False
        if feed.pending:
            self._dirty[feed] = None
            self._ready |= self._parked
            self._parked.clear()
            self._flush()

    def _fan_out(self, feed: Feed[Reader], batch: Batch) -> None:
        """Give a batch to every LIVE member: the one loop that must stay short."""
        live = tuple(feed.live)
        self._meters.deliveries += len(live) * len(batch.events)
        for reader in live:
            try:
                if reader.deliver(batch):
                    continue
            except Exception:
                self._meters.deliveries -= len(batch.events)
                self._catching_up.fail(reader, "delivery failed")
                continue
            reader.holding = True
            self._fall_behind(reader)

    # Single members.

    def _serve(self, reader: Reader) -> None:
        if reader.catching_up:
            if reader.holding:  # for how long, nobody knows: answers do not wait for that
                self._catching_up.answer_all(reader)
            return
        if reader.amid is not None:  # it is answered with what is pending there
            return
        if reader.live and not reader.finishing:
            self._catching_up.answer_all(reader)
            if reader.holding:
                reader.fall_behind()
        if not reader.live or reader.finishing or reader.answers:
            self._catching_up.start(reader)

    def _fall_behind(self, reader: Reader) -> None:
        """Leave a member where it is in all its rooms, until its connection has room again."""
        reader.fall_behind()
        self._catching_up.start(reader)

    def _resume(self, reader: Reader) -> None:
        waiting, reader.drained = reader.drained, None
        if waiting is not None:
            waiting.callback(None)

    def _close_if_over(self, feed: Feed[Reader]) -> None:
        """Forget a feed that nobody hears, or that was meant to last only until it is read."""
        if not feed.over:
            return
        for reader in feed.live:
            reader.cursors.pop(feed, None)
        if self._feeds.get(feed.room) is feed:
            del self._feeds[feed.room]

    def _let_go(self, reader: Reader) -> None:
        self.drop(reader.member)
        reader.member.disconnect()
