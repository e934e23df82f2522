"""Looking back: the backlog, what somebody missed, history, search, and being forgotten.

What is told of the past has its place among the answers to one person (delivery.recall); whatever
comes meanwhile waits behind it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.delivery.delivery import Delivery
from chatservice.delivery.recall import Ending, Recall
from chatservice.events import AROUND, FOUND, Event, Kind
from chatservice.interfaces import Hit, ILog, IMember
from chatservice.names import fold
from chatservice.search import Query

MOST_LINES: Final = 200
"""Lines that /history gives at once."""

MOST_MISSED: Final = 10_000
"""Lines that somebody who comes back is told of each room; /history has what is before them."""

HITS: Final = 10
"""Lines that one search gives."""

_SIFTED: Final = 50  # lines found that are looked through at once for those that are wanted
_MOST_SIFTED: Final = 500

NOW: Final = "The lines above are from before, their times are UTC. Now:"


class Past:
    """The log and the delivery, as far as the past is concerned.

    :param now: the wall clock.
    """

    def __init__(self, log: ILog, delivery: Delivery, now: Callable[[], float]) -> None:
        self._log = log
        self._delivery = delivery
        self._now = now

    def backlog(self, member: IMember, room: str, head: int, count: int) -> None:
        """Tell somebody who has just come in what was said last, if anything was.

        :param head: the number of the last line before it came in.
        """
        if count and head:
            past = Recall(self._log, room, head, last=count, ending=_present, aside=AROUND)
            self._delivery.recall(member, past)

    def missed(
        self, member: IMember, read: Mapping[str, int], heads: Mapping[str, int]
    ) -> Mapping[str, Recall]:
        """Tell somebody who comes back what it has not read.

        :param read: the number that was read last, for each room and the inbox.
        :param heads: where the present begins there.
        :returns: what is being told of each room, if anything is.
        """
        told = {}
        behind = {room: seq for room, seq in read.items() if seq < heads.get(room, 0)}
        for index, (room, seq) in enumerate(behind.items()):
            head = heads[room]
            if head - seq > MOST_MISSED:
                text = f"You missed {head - seq:,} lines; here are the newest, /history has more."
                self._tell(member, text)
                seq = head - MOST_MISSED
            ending = _present if index == len(behind) - 1 else _nothing
            told[room] = Recall(self._log, room, head, since=seq, ending=ending, aside=AROUND)
            self._delivery.recall(member, told[room])
        return told

    def unread(self, member: IMember, inbox: str, read: int, head: int) -> Recall:
        """Tell somebody what was said to it in private while it was away.

        :param read: the number that was read last.
        :param head: where the present begins.
        """
        since = max(read, head - MOST_MISSED)
        # A box that was empty for long goes on with a higher number: gaps mean nothing.
        past = Recall(
            *(self._log, inbox, head), since=since, ending=_unread, aside=AROUND, gaps=False
        )
        self._delivery.recall(member, past)
        return past

    def history(
        self,
        member: IMember,
        room: str,
        head: Deferred[int],
        count: int,
        before: int | None,
        at: float | None,
        name: str = "",
        wanted: Callable[[Event], bool] | None = None,
    ) -> Deferred[None]:
        """Tell somebody what was said.

        :param head: the number of the last line that comes before the answer.
        :param count: how many lines.
        :param before: the number before which they end; None for the present.
        :param at: instead of a number: the time.
        :param name: how the room is to be named in order to go on; "" for the current one.
        :param wanted: which lines count; by default all.
        :returns: fires when it was told, or the member is gone: who asks for more and does not
            read should wait. Fails with ChatError.
        """
        if before is not None:
            end = head.addCallback(lambda head: min(head + 1, before))
        elif at is not None:
            end = head.addCallback(lambda _: self._log.first_since(room, at))
        else:
            end = head.addCallback(lambda head: head + 1)

        again = f"/history {name}{name and ' '}{count} before"

        def tell(end: int) -> Deferred[None]:
            def ending(first: Event | None, told: int) -> Ending:
                if (rest := past.rest) is not None:
                    text = f"Not all was looked through; there may be more: {again} {rest}"
                    return Ending(text, rest)
                if first is None:
                    return Ending("There is nothing earlier.")
                if told < count:
                    return Ending("That is where the history begins.")
                return Ending(f"Earlier lines: {again} {first.seq}", first.seq)

            past = Recall(self._log, room, end - 1, last=count, ending=ending, wanted=wanted)
            told = past.ended()
            self._delivery.recall(member, past)
            return told

        return end.addCallback(tell)

    def search(
        self,
        member: IMember,
        room: str,
        query: Query,
        typed: str,
        wanted: Callable[[Event], bool] | None = None,
    ) -> Deferred[None]:
        """Tell somebody which lines of a room fit.

        :param typed: the query as it was typed.
        :param wanted: which lines count; by default all.
        :returns: fires when the answer was given. Fails with ChatError.
        """
        searching = Deferred.fromCoroutine(self._search(room, query, wanted))
        return searching.addCallback(
            lambda found: self._delivery.tell(member, *self._show(found[0], found[1], query, typed))
        )

    async def _search(
        self, room: str, query: Query, wanted: Callable[[Event], bool] | None
    ) -> tuple[Sequence[Hit], int | None]:
        """Return the newest lines that fit, and the number before which there may be more."""
        hits: list[Hit] = []
        at_once, rest = HITS + 1 if wanted is None else _SIFTED, query.before
        for _ in range(_MOST_SIFTED // _SIFTED):
            page = await self._log.search(replace(query, before=rest), room, at_once)
            hits += page if wanted is None else _sifted(page, wanted)
            if len(hits) > HITS:
                return hits[:HITS], hits[HITS - 1].event.seq
            if len(page) < at_once:
                return hits, None
            rest = page[-1].event.seq
        return hits, rest

    def _show(self, hits: Sequence[Hit], rest: int | None, query: Query, typed: str) -> list[Event]:
        if not hits and rest is None:
            return [self._notice("Nothing found.")]
        lines = "One line" if len(hits) == 1 else f"{len(hits) or 'No'} lines"
        header = self._notice(f"{lines} found, the newest first; times are UTC:")
        shown = [header._replace(aside=FOUND)]
        for event, earlier, later in hits:
            shown += [around.retold() for around in (*earlier, event, *later)]
            if query.context:
                shown.append(self._notice(f"({event.seq})"))
        if rest is not None:
            words = " ".join(w for w in typed.split() if not w.lower().startswith("before:"))
            more = self._notice(f"More: /search {words} before:{rest}")
            shown.append(more._replace(seq=rest))
        return shown

    def last_said(self, room: str, nick: str) -> Deferred[Event | None]:
        """Return the last line in a room by somebody of a nickname; None if there is none."""
        found = self._log.search(Query(nick=fold(nick)), room, 1)
        return found.addCallback(lambda hits: hits[0].event if hits else None)

    def forget(self, member: IMember, by: str, since: float) -> Deferred[None]:
        """Remove all that somebody said, and say how much that was.

        :param by: the identity.
        :param since: when it first came.
        """

        def done(count: int) -> None:
            if not count:
                self._tell(member, "You have said nothing that is kept.")
                return
            lines = "One line was" if count == 1 else f"{count:,} lines were"
            self._tell(member, f"{lines} removed from the history for good.")

        return self._log.forget(by, since).addCallback(done)

    def _tell(self, member: IMember, text: str) -> None:
        self._delivery.tell(member, self._notice(text))

    def _notice(self, text: str) -> Event:
        return Event(0, self._now(), "", Kind.NOTICE, "", text)


def _sifted(hits: Sequence[Hit], wanted: Callable[[Event], bool]) -> Iterator[Hit]:
    """Return what is wanted of lines that were found, and of those around them."""
    for event, earlier, later in hits:
        if wanted(event):
            yield Hit(event, [*filter(wanted, earlier)], [*filter(wanted, later)])


def _present(first: Event | None, told: int) -> Ending:
    return Ending(NOW) if told else Ending()


def _unread(first: Event | None, told: int) -> Ending:
    if not told:
        return Ending()
    lines = "One private line" if told == 1 else f"{told:,} private lines"
    text = f"{lines} from while you were away, see above; times are UTC. /reply answers the last."
    return Ending(text)


def _nothing(first: Event | None, told: int) -> Ending:
    return Ending()
