"""One room's way out: batches, what is kept at hand of them, and how far somebody has read."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.delivery import feed as feed_module
from chatservice.delivery.feed import PIECE, RECENT, Batch, Cursor, Feed, Piece, fitting
from chatservice.events import Event, Kind
from chatservice.plain import render
from tests.fakes import Lines, joined, quick, said


def numbered(count: int, length: int = 1) -> list[Event]:
    """So many lines with their numbers, as the log has committed them."""
    return [said(f"{n} ".ljust(length, "x")).numbered(n) for n in range(1, count + 1)]


def as_lines(events: Sequence[Event]) -> bytes:
    return b"".join(f"{render(event)}\n".encode() for event in events)


def read_on(feed: Feed[str], cursor: Cursor) -> list[list[Event]]:
    """Take pieces until there are none; return the events of each."""
    pieces = []
    while feed.behind(cursor):
        pieces.append(list(feed.take(cursor).events))
    return pieces


class Batches(SynchronousTestCase):
    """Events that were committed together."""

    def test_are_their_events_one_after_the_other(self) -> None:
        events = numbered(3)
        self.assertEqual(Batch("#lobby", events).encoded(Lines()), as_lines(events))

    def test_are_as_long_as_what_is_said_and_what_stands_beside_it(self) -> None:
        plain, tagged = said("hi"), said("hi")._replace(aside="+a=" + "x" * PIECE)
        self.assertGreater(Batch("#lobby", [tagged]).size, PIECE)
        self.assertLess(Batch("#lobby", [plain]).size, 100)
        self.assertEqual((fitting([plain] * 3), fitting([tagged] * 3)), (3, 1))

    def test_are_encoded_once_for_each_dialect(self) -> None:
        events = numbered(3)
        batch = Batch("#lobby", events)
        dialects = [Lines(), Lines()]
        for dialect in dialects * 5:
            batch.encoded(dialect)
            batch.part(dialect, 1, 2)
        for dialect in dialects:
            self.assertEqual(dialect.encoded, dict.fromkeys(events, 1))

    @quick
    @given(st.lists(st.text("aä€\n", max_size=4), max_size=6), st.data())
    def test_a_part_is_the_bytes_of_its_events(self, texts: list[str], data: st.DataObject) -> None:
        events = [said(text) for text in texts]
        start = data.draw(st.integers(0, len(events)))
        stop = data.draw(st.integers(start, len(events)))
        part = Batch("#lobby", events).part(Lines(), start, stop)
        self.assertEqual(part, as_lines(events[start:stop]))

    @quick
    @given(
        st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=12),
        st.lists(st.integers(0, 12), min_size=2, max_size=2),
    )
    def test_what_somebody_did_stands_apart(
        self, deeds: list[tuple[str, bool]], ends: list[int]
    ) -> None:
        """And what happens everywhere, for all; what is between is one piece of bytes."""
        events = [
            said(f"{n}")._replace(by=by, kind=Kind.RENAMED if everywhere else Kind.SAID)
            for n, (by, everywhere) in enumerate(deeds)
        ]
        batch, dialect = Batch("#lobby", events), Lines()
        start, stop = sorted(min(end, len(events)) for end in ends)
        piece = Piece("#lobby")
        piece.add(batch, start, stop)
        for part, within in ((batch, events), (piece, events[start:stop])):
            for identity in "abcd":
                parted = [*part.parted(dialect, identity)]
                apart = [event for event, _ in parted if event is not None]
                own = [e for e in within if e.by == identity or e.kind is Kind.RENAMED]
                self.assertEqual(apart, own)
                self.assertEqual(b"".join(data for _, data in parted), part.encoded(dialect))
                for event, data in parted:
                    if event is not None:
                        self.assertEqual(data, as_lines([event]))
                if part.alike(identity):
                    self.assertEqual(own, [])
                if part is batch:
                    self.assertEqual(part.alike(identity), not own)
                    self.assertLessEqual(len(parted), 2 * len(own) + 1)

    def test_a_piece_is_parts_of_batches_in_order_and_encodes_nothing_anew(self) -> None:
        one, other = numbered(4)[:2], numbered(4)[2:]
        batches = [Batch("#lobby", one), Batch("#lobby", other)]
        dialect = Lines()
        for batch in batches:
            batch.encoded(dialect)
        piece = Piece("#lobby")
        piece.add(batches[0], 1, 2)
        piece.add(batches[1], 0, 2)
        self.assertEqual(piece.events, [*one[1:], *other])
        self.assertEqual(piece.encoded(dialect), as_lines([*one[1:], *other]))
        self.assertEqual(set(dialect.encoded.values()), {1})


class HandingOut(SynchronousTestCase):
    """What was committed in a turn leaves the feed in batches."""

    def setUp(self) -> None:
        self.feed: Feed[str] = Feed("#lobby", until_read=False)

    def hand_out(self, events: Sequence[Event]) -> list[Batch]:
        for event in events:
            self.feed.pending.append(event)
        return list(self.feed.cut())

    def test_everything_of_a_turn_is_one_batch(self) -> None:
        events = numbered(10)
        (batch,) = self.hand_out(events)
        self.assertEqual((batch.room, batch.events), ("#lobby", events))

    def test_nothing_is_handed_out_twice(self) -> None:
        self.hand_out(numbered(3))
        self.assertEqual(list(self.feed.cut()), [])

    def test_a_very_large_turn_is_cut_into_pieces(self) -> None:
        events = numbered(200, 1000)
        batches = self.hand_out(events)
        self.assertEqual([event for batch in batches for event in batch.events], events)
        self.assertTrue(all(batch.size <= PIECE for batch in batches))
        self.assertLess(len(batches), 6)

    def test_a_single_event_larger_than_a_piece_still_comes_out(self) -> None:
        self.assertEqual(len(self.hand_out([said("x" * 2 * PIECE).numbered(1)])), 1)

    def test_what_is_kept_at_hand_is_bounded_and_reaches_to_the_head(self) -> None:
        for event in numbered(2000, 1000):
            self.hand_out([event])
        position, seq = self.feed.origin()
        self.assertEqual(position, seq)
        self.assertEqual(self.feed.position, 2000)
        kept = (2000 - position) * (1000 + 64)
        self.assertLessEqual(kept, RECENT)
        self.assertGreater(kept, RECENT - PIECE)

    def test_a_cursor_made_within_a_turn_is_behind_what_is_pending_in_it(self) -> None:
        first, second, third = numbered(3)
        self.feed.pending.append(first)
        here, end = self.feed.here(), self.feed.end()
        self.hand_out([second, third])
        self.assertEqual(read_on(self.feed, end), [[second, third]])
        self.assertEqual(read_on(self.feed, here), [[first, second, third]])


class Reading(SynchronousTestCase):
    """Whoever is behind reads on from a cursor."""

    def setUp(self) -> None:
        self.patch(feed_module, "PIECE", 300)

    @quick
    @given(st.lists(st.integers(0, 4), max_size=12), st.integers(0, 50), st.integers(0, 50))
    def test_reading_on_gives_what_lies_between_cursor_and_end_each_once(
        self, turns: list[int], start: int, stop: int
    ) -> None:
        feed: Feed[str] = Feed("#lobby", until_read=False)
        events: list[Event] = []
        cursors: list[Cursor] = [feed.end()]
        for count in turns:
            for _ in range(count):
                event = said("x" * 50).numbered(len(events) + 1)
                events.append(event)
                feed.pending.append(event)
                cursors.append(feed.end())
            list(feed.cut())
        start, stop = sorted((start % len(cursors), stop % len(cursors)))
        cursor = cursors[start]
        cursor.end = Cursor(cursors[stop].position, cursors[stop].seq)
        pieces = read_on(feed, cursor)
        self.assertEqual([event for piece in pieces for event in piece], events[start:stop])
        self.assertTrue(all(pieces))
        self.assertEqual((cursor.position, cursor.seq), (stop, stop))

    def test_a_piece_is_no_larger_than_allowed(self) -> None:
        feed: Feed[str] = Feed("#lobby", until_read=False)
        cursor = feed.here()
        for event in numbered(20, 50):
            feed.pending.append(event)
            list(feed.cut())
        sizes = {len(piece) for piece in read_on(feed, cursor)}
        self.assertEqual(sizes, {2})

    def test_the_head_is_not_behind(self) -> None:
        feed: Feed[str] = Feed("#lobby", until_read=False)
        feed.pending.append(numbered(1)[0])
        list(feed.cut())
        self.assertFalse(feed.behind(feed.here()))

    def test_a_cursor_far_back_is_not_reached_any_more(self) -> None:
        self.patch(feed_module, "RECENT", 1000)
        feed: Feed[str] = Feed("#lobby", until_read=False)
        old = feed.here()
        for event in numbered(50, 100):
            feed.pending.append(event)
            list(feed.cut())
        self.assertTrue(feed.behind(old))
        self.assertFalse(feed.reaches(old))
        self.assertTrue(feed.reaches(feed.here()))

    def test_a_feed_that_begins_in_the_middle_of_a_log_asks_for_nothing_older(self) -> None:
        for first in (said("x").numbered(101), joined("al").numbered(100)):
            feed: Feed[str] = Feed("#lobby", until_read=False, seq=100)
            cursor = feed.end()
            feed.pending.append(first)
            list(feed.cut())
            self.assertEqual(cursor.seq, 100)
            self.assertEqual([event.seq for event in feed.take(cursor).events], [first.seq])

    def test_a_conversation_is_over_when_what_was_expected_is_read(self) -> None:
        feed: Feed[str] = Feed("@a,b", until_read=True)
        feed.readers = 2
        feed.expect()
        feed.live.update(a=None, b=None)
        self.assertFalse(feed.over)
        feed.pending.append(numbered(1)[0])
        self.assertFalse(feed.over)
        list(feed.cut())
        self.assertTrue(feed.over)
        del feed.live["a"]
        self.assertFalse(feed.over)

    def test_a_room_is_over_only_when_nobody_is_left(self) -> None:
        feed: Feed[str] = Feed("#lobby", until_read=False)
        feed.readers = 1
        feed.live["a"] = None
        self.assertFalse(feed.over)
        feed.readers = 0
        self.assertTrue(feed.over)
