"""Bringing members that are BEHIND to the head of their rooms, at each one's own speed.

One coroutine for each of them: it gives a piece, waits until the connection has taken it, gives the
next; from the room's recent batches or, further back, from the log. Answers have their place among
the pieces.
"""

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.delivery.feed import Batch, Cursor, Feed, fitting, full
from chatservice.delivery.later import Later
from chatservice.delivery.reader import Reader
from chatservice.delivery.recall import missing, next_limit
from chatservice.errors import ChatError
from chatservice.events import Event, Kind
from chatservice.interfaces import IBatch, ILog
from chatservice.meters import Meters


class CatchingUp:
    """What is needed for catching up.

    :param log: what those read who are far behind.
    :param now: wall-clock time, for lines of its own.
    :param let_go: disconnects a member: it has read all it should, or cannot be helped.
    :param read: called with a room that somebody has read up to its head.
    :param meters: count what is handed out.

    :ivar members: those that are behind.
    """

    _log = Logger()

    def __init__(
        self,
        log: ILog,
        now: Callable[[], float],
        let_go: Callable[[Reader], None],
        read: Callable[[Feed[Reader]], None],
        meters: Meters,
    ) -> None:
        self.members: dict[Reader, None] = {}
        self._meters = meters
        self._history = log
        self._now = now
        self._let_go = let_go
        self._read = read

    def start(self, reader: Reader) -> None:
        """See to it that a member catches up, unless somebody does already."""
        if not reader.catching_up and not reader.gone and not self._caught_up_at_once(reader):
            running = Deferred.fromCoroutine(self._run(reader))
            running.addErrback(lambda failure: self.fail(reader, "catching up failed", failure))

    def give(self, reader: Reader, *batches: IBatch) -> None:
        """Give something to a member."""
        try:
            reader.holding = not reader.member.deliver_all(batches)
        except Exception:
            self.fail(reader, "delivery failed")
        else:
            self._meters.deliveries += sum(batch.count for batch in batches if batch.room)

    def answer_all(self, reader: Reader) -> None:
        """Give a member its answers, up to one that must be read first."""
        while reader.answers and reader.answers[0].recall is None:
            if (batch := _next_answer(reader)).events:
                self.give(reader, batch)

    def fail(self, reader: Reader, what: str, failure: Failure | None = None) -> None:
        """Let go of a member with which something went wrong; the others must not notice.

        :param failure: what that was; None for the exception that is being handled.
        """
        self._log.failure("{what}; the member is disconnected", failure, what=what)
        try:
            self._let_go(reader)
        except Exception:
            self._log.failure("and could not be disconnected")

    def _caught_up_at_once(self, reader: Reader) -> bool:
        """Give a member all there is for it, if that is at hand and the connection has room.

        For one answer that is nearly all there is to do: a coroutine would cost as much again.
        """
        if reader.holding or reader.finishing:
            return False
        reader.catching_up = True
        try:
            if parcel := self._pack(reader):
                self.give(reader, *parcel)
        finally:
            reader.catching_up = False
        if reader.gone or reader.holding or reader.answers or not reader.live:
            return reader.gone
        self._note_read(reader)
        return True

    async def _run(self, reader: Reader) -> None:
        reader.catching_up = True
        self.members[reader] = None
        try:
            while not reader.gone:
                if reader.holding:
                    reader.fall_behind()
                    self.answer_all(reader)
                    reader.drained = Deferred()
                    await reader.drained
                elif parcel := self._pack(reader):
                    self.give(reader, *parcel)
                elif (next_up := reader.next_up()) is not None:
                    await self._give_from_log(reader, *next_up[:2])
                elif (answer := reader.due) is not None and answer.recall is not None:
                    await self._tell_past(reader, answer.recall)
                else:
                    break
        finally:
            reader.catching_up = False
            self.members.pop(reader, None)
        self._note_read(reader)
        for feed in reader.let_go():
            self._read(feed)
        if reader.finishing and not reader.gone:
            self._let_go_if_done(reader)

    def _note_read(self, reader: Reader) -> None:
        for feed in [feed for feed, cursor in reader.cursors.items() if cursor is None]:
            self._read(feed)

    def _pack(self, reader: Reader) -> list[IBatch]:
        """Take what is at hand for a member, answers in their places: as much as a PIECE."""
        parcel: list[IBatch] = []
        size = 0
        while not full(size):
            if (next_up := reader.next_up()) is not None:
                feed, cursor, mark = next_up
                if not feed.reaches(cursor):
                    break
                piece = feed.take(cursor, mark)
                size += piece.size
                parcel.append(piece)
                if feed.behind(cursor, mark):  # there is much: all rooms get their turn
                    reader.cursors[feed] = reader.cursors.pop(feed)
            elif (answer := reader.due) is not None and answer.recall is None:
                if (batch := _next_answer(reader)).events:
                    size += batch.size
                    parcel.append(batch)
            else:
                break
        return parcel

    async def _tell_past(self, reader: Reader, past: Later) -> None:
        try:
            page = await past.next_page(self._now())
        except ChatError as refusal:
            page = [self._error(refusal)]
            past.done = True
        if past.done and reader.answers:
            del reader.answers[0]
        if page and not reader.gone:
            self.give(reader, Batch("", page))
        if past.done:
            past.end()

    async def _give_from_log(self, reader: Reader, feed: Feed[Reader], cursor: Cursor) -> None:
        page: Sequence[Event] | None = None
        try:
            page = await self._history.after(feed.room, cursor.seq, reader.limit)
        except ChatError as refusal:
            self.give(reader, Batch("", [self._error(refusal)]))
        if reader.gone:
            return
        position, seq = feed.origin()
        if cursor.end is not None and cursor.end.position < position:
            position, seq = cursor.end.position, cursor.end.seq
        if page is None:  # what is at hand is better than nothing
            cursor.position, cursor.seq = position, seq
            self.give(reader, Batch("", [self._event(Kind.GAP, feed.room)]))
            return
        page = [event for event in page if event.seq <= seq]
        page = page[: fitting(page)]
        reader.limit = next_limit(reader.limit, len(page))
        reached = page[0].seq - 1 if page else seq
        if missed := reached - cursor.seq:
            self.give(reader, Batch("", [self._event(Kind.NOTICE, missing(missed))]))
        if page and not missed:
            self.give(reader, Batch(feed.room, page))
            reached = page[-1].seq
        cursor.seq = reached
        if cursor.seq >= seq:
            cursor.position = position
            self.give(reader, Batch("", [self._event(Kind.GAP, feed.room)]))

    def _let_go_if_done(self, reader: Reader) -> None:
        for feed, cursor in reader.cursors.items():
            if cursor and not feed.finished(cursor):
                return  # the rest is pending: the end of the turn comes back here
        self._let_go(reader)

    def _error(self, refusal: ChatError) -> Event:
        self._meters.refuse(refusal.code)
        return self._event(Kind.ERROR, refusal.message, refusal.code)

    def _event(self, kind: Kind, text: str, nick: str = "") -> Event:
        return Event(0, self._now(), "", kind, nick, text)


def _next_answer(reader: Reader) -> Batch:
    """Take a member's next answer; one without events only kept an order."""
    return Batch("", reader.answers.pop(0).events)
