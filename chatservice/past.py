"""Looking back: the backlog, what somebody missed, history, search, and being forgotten.

What is told of the past has its place among the answers to one person (delivery.recall); whatever
comes meanwhile waits behind it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.delivery import Delivery
from chatservice.events import Event, Kind
from chatservice.interfaces import Hit, ILog, IMember
from chatservice.recall import Recall
from chatservice.search import Query

MOST_LINES: Final = 200
"""Lines that /history gives at once."""

MOST_MISSED: Final = 10_000
"""Lines that somebody who comes back is told of each room; /history has what is before them."""

HITS: Final = 10
"""Lines that one search gives."""

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
            past = Recall(self._log, room, head, last=count, ending=_present)
            self._delivery.recall(member, past)

    def missed(self, member: IMember, read: Mapping[str, int], heads: Mapping[str, int]) -> None:
        """Tell somebody who comes back what it has not read.

        :param read: the number that was read last, for each room and the inbox.
        :param heads: where the present begins there.
        """
        behind = {room: seq for room, seq in read.items() if seq < heads.get(room, 0)}
        for index, (room, seq) in enumerate(behind.items()):
            head = heads[room]
            if head - seq > MOST_MISSED:
                text = f"You missed {head - seq:,} lines; here are the newest, /history has more."
                self._tell(member, text)
                seq = head - MOST_MISSED
            ending = _present if index == len(behind) - 1 else _nothing
            self._delivery.recall(member, Recall(self._log, room, head, since=seq, ending=ending))

    def history(
        self,
        member: IMember,
        room: str,
        head: Deferred[int],
        count: int,
        before: int | None,
        at: float | None,
    ) -> Deferred[None]:
        """Tell somebody what was said.

        :param head: the number of the last line that comes before the answer.
        :param count: how many lines.
        :param before: the number before which they end; None for the present.
        :param at: instead of a number: the time.
        :returns: fires when it was told, or the member is gone: who asks for more and does not
            read should wait. Fails with ChatError.
        """
        if before is not None:
            end = head.addCallback(lambda head: min(head + 1, before))
        elif at is not None:
            end = head.addCallback(lambda _: self._log.first_since(room, at))
        else:
            end = head.addCallback(lambda head: head + 1)

        def ending(first: Event | None, told: int) -> str:
            if first is None:
                return "There is nothing earlier."
            if told < count:
                return "That is where the history begins."
            return f"Earlier lines: /history {count} before {first.seq}"

        def tell(end: int) -> Deferred[None]:
            past = Recall(self._log, room, end - 1, last=count, ending=ending)
            told = past.ended()
            self._delivery.recall(member, past)
            return told

        return end.addCallback(tell)

    def search(self, member: IMember, room: str, query: Query, typed: str) -> Deferred[None]:
        """Tell somebody which lines of a room fit.

        :param typed: the query as it was typed.
        :returns: fires when the answer was given. Fails with ChatError.
        """
        found = self._log.search(query, room, HITS + 1)
        return found.addCallback(
            lambda hits: self._delivery.tell(member, *self._show(hits, query, typed))
        )

    def _show(self, hits: Sequence[Hit], query: Query, typed: str) -> list[Event]:
        more, hits = len(hits) > HITS, hits[:HITS]
        if not hits:
            return [self._notice("Nothing found.")]
        lines = "One line" if len(hits) == 1 else f"{len(hits)} lines"
        shown = [self._notice(f"{lines} found, the newest first; times are UTC:")]
        for event, earlier, later in hits:
            shown += [around.retold() for around in (*earlier, event, *later)]
            if query.context:
                shown.append(self._notice(f"({event.seq})"))
        if more:
            words = " ".join(w for w in typed.split() if not w.lower().startswith("before:"))
            shown.append(self._notice(f"More: /search {words} before:{hits[-1].event.seq}"))
        return shown

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


def _present(first: Event | None, told: int) -> str:
    return NOW if told else ""


def _nothing(first: Event | None, told: int) -> str:
    return ""
