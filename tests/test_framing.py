"""Lines out of bytes, however the network cuts them (threats 2 and 10)."""

import re
import tracemalloc
from collections.abc import Iterable, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.framing import LineFramer
from chatservice.doors.telnet import TelnetFilter
from chatservice.text import MAX_LINE
from tests.fakes import quick

TOO_LONG = None
IAC = b"\xff"

NEGOTIATION = {
    "of plink": bytes.fromhex("fffb1ffffb20fffb18fffb27fffd01fffb03fffd03"),
    "of ^C in telnet": bytes.fromhex("fff4fffd06"),
    "IAC IAC": b"\xff\xff",
    "NOP": b"\xff\xf1",
    "WILL": b"\xff\xfb\x01",
    "DONT with a line feed as option": b"\xff\xfe\n",
    "a window size": b"\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0",
    "a subnegotiation with lines in it": b"\xff\xfa\x18\x00a\r\nb\n\xff\xf0",
    "a subnegotiation with an escaped IAC": b"\xff\xfa\x18\xff\xffabc\xff\xf0",
}

# Bytes that have a meaning come often, and long stretches of one letter do.
chunks = st.lists(
    st.one_of(
        st.sampled_from([b"\r", b"\n", b"\0", b"\r\n", b"\r\0", b"a", b"\xff", b"\xfa", b"\xf0"]),
        st.integers(MAX_LINE - 3, MAX_LINE + 3).map(lambda length: b"x" * length),
        st.binary(max_size=8),
    ),
    max_size=12,
).map(b"".join)
plain_chunks = chunks.map(lambda data: data.replace(IAC, b"i"))
cuts = st.lists(st.integers(0, 5000), max_size=12)


def pieces(data: bytes, at: Iterable[int]) -> list[bytes]:
    """Cut data in pieces, at these places."""
    places = [0, *sorted({min(place, len(data)) for place in at}), len(data)]
    return [data[start:stop] for start, stop in pairwise(places)]


def by_the_book(data: bytes) -> list[bytes | None]:
    """What the lines of a whole stream are."""
    *lines, _ = re.split(rb"\r\n|\n|\r\0", data)
    return [TOO_LONG if len(line) > MAX_LINE else line for line in lines]


class Framer(LineFramer):
    """Keeps what it is called with; pauses itself after each line if it is told to."""

    def __init__(self, one_by_one: bool = False) -> None:
        super().__init__()
        self.lines: list[bytes | None] = []
        self.one_by_one = one_by_one
        self.makeConnection(StringTransport())

    def lineReceived(self, line: bytes) -> None:
        self._take_down(line)

    def lineTooLong(self) -> None:
        self._take_down(TOO_LONG)

    def _take_down(self, line: bytes | None) -> None:
        self.lines.append(line)
        if self.one_by_one:
            self.pauseProducing()

    def feed(self, *data: bytes) -> list[bytes | None]:
        """Receive these chunks; return all lines so far."""
        for chunk in data:
            self.dataReceived(chunk)
        return self.lines


class Lines(SynchronousTestCase):
    """Whole lines, each once and in order."""

    @quick
    @given(plain_chunks, cuts)
    def test_any_bytes_at_any_split_are_the_lines_of_the_whole(
        self, data: bytes, at: list[int]
    ) -> None:
        self.assertEqual(Framer().feed(*pieces(data, at)), by_the_book(data))

    @quick
    @given(plain_chunks)
    def test_one_byte_at_a_time_gives_the_lines_of_the_whole(self, data: bytes) -> None:
        data = data.replace(b"x" * 1000, b"x" * 1022)[:4000]
        self.assertEqual(Framer().feed(*[bytes([byte]) for byte in data]), by_the_book(data))

    def test_three_ends_of_a_line_are_understood(self) -> None:
        self.assertEqual(Framer().feed(b"a\nb\r\nc\r\0d"), [b"a", b"b", b"c"])

    def test_a_cr_alone_ends_nothing(self) -> None:
        self.assertEqual(Framer().feed(b"a\rb\r\r\n"), [b"a\rb\r"])

    def test_empty_lines_are_lines(self) -> None:
        self.assertEqual(Framer().feed(b"\n\r\n\r\0"), [b"", b"", b""])

    def test_an_unfinished_line_waits_for_its_end(self) -> None:
        framer = Framer()
        self.assertEqual(framer.feed(b"hel", b"lo"), [])
        self.assertEqual(framer.feed(b"\n"), [b"hello"])

    def test_forgetting_what_came_leaves_the_unfinished_line_to_the_caller(self) -> None:
        framer = Framer()
        framer.pauseProducing()
        framer.feed(b"one\ntwo\nthr")
        self.assertEqual(framer.clearLineBuffer(), b"thr")
        framer.resumeProducing()
        self.assertEqual(framer.feed(b"ee\n"), [b"ee"])


class LongLines(SynchronousTestCase):
    """A line over the limit costs that line, and nothing else."""

    def test_the_longest_line_is_taken_with_each_of_the_ends(self) -> None:
        longest = b"x" * MAX_LINE
        for end in (b"\n", b"\r\n", b"\r\0"):
            self.assertEqual(Framer().feed(longest + end), [longest])
            self.assertEqual(Framer().feed(longest, end[:1], end[1:]), [longest])

    def test_one_byte_more_is_too_long(self) -> None:
        for end in (b"\n", b"\r\n", b"\r\0"):
            self.assertEqual(Framer().feed(b"x" * (MAX_LINE + 1) + end), [TOO_LONG])

    def test_the_neighbours_in_the_same_read_are_intact(self) -> None:
        data = b"before\n" + b"x" * 5000 + b"\r\nafter\n"
        self.assertEqual(Framer().feed(data), [b"before", TOO_LONG, b"after"])

    def test_it_is_told_once_however_many_reads_it_takes(self) -> None:
        framer = Framer()
        framer.feed(b"before\n", *[b"x" * 1000] * 50)
        self.assertEqual(framer.feed(b"\nafter\n"), [b"before", TOO_LONG, b"after"])

    def test_what_follows_a_cr_in_it_is_still_that_line(self) -> None:
        framer = Framer()
        framer.feed(b"x" * 2000 + b"\r", b"not a line of its own", b"\r", b"\n", b"after\n")
        self.assertEqual(framer.lines, [TOO_LONG, b"after"])

    def test_two_in_a_row_are_told_twice(self) -> None:
        data = (b"x" * 2000 + b"\n") * 2
        self.assertEqual(Framer().feed(data), [TOO_LONG, TOO_LONG])

    def test_ten_megabytes_without_an_end_are_not_kept(self) -> None:
        framer = Framer()
        chunk = b"x" * 65536
        tracemalloc.start()
        try:
            for _ in range(160):
                framer.dataReceived(chunk)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertLess(peak, 1 << 20)
        self.assertEqual(framer.feed(b"\nafter\n"), [TOO_LONG, b"after"])


class Pausing(SynchronousTestCase):
    """Between any two lines."""

    def test_no_line_comes_while_it_is_paused(self) -> None:
        framer = Framer(one_by_one=True)
        self.assertEqual(framer.feed(b"a\nb\n", b"c\n"), [b"a"])

    def test_lines_go_on_in_order_when_it_resumes(self) -> None:
        framer = Framer(one_by_one=True)
        framer.feed(b"a\nb\n", b"c\n")
        framer.resumeProducing()
        self.assertEqual(framer.lines, [b"a", b"b"])
        framer.resumeProducing()
        self.assertEqual(framer.lines, [b"a", b"b", b"c"])

    def test_its_transport_is_paused_as_well(self) -> None:
        framer = Framer(one_by_one=True)
        framer.feed(b"a\nb\n")
        self.assertEqual(producer_state(framer), "paused")
        framer.one_by_one = False
        framer.resumeProducing()
        self.assertEqual(producer_state(framer), "producing")

    def test_resuming_within_a_line_does_not_turn_the_order_around(self) -> None:
        class Eager(Framer):
            def lineReceived(self, line: bytes) -> None:
                self.pauseProducing()
                self.resumeProducing()
                super().lineReceived(line)

        self.assertEqual(Eager().feed(b"a\nb\nc\n"), [b"a", b"b", b"c"])

    @quick
    @given(plain_chunks, cuts)
    def test_pausing_after_each_line_changes_no_line(self, data: bytes, at: list[int]) -> None:
        framer = Framer(one_by_one=True)
        framer.feed(*pieces(data, at))
        for _ in range(len(data)):
            framer.resumeProducing()
        self.assertEqual(framer.lines, by_the_book(data))

    def test_a_line_whose_taking_fails_does_not_hold_up_the_next(self) -> None:
        class Picky(Framer):
            def lineReceived(self, line: bytes) -> None:
                if line == b"bad":
                    raise ValueError(line)
                super().lineReceived(line)

        framer = Picky()
        self.assertRaises(ValueError, framer.feed, b"bad\ngood\n")
        self.assertEqual(framer.feed(b"better\n"), [b"good", b"better"])


class Telnet(SynchronousTestCase):
    """Its commands are never part of what somebody wrote."""

    def test_each_command_vanishes_at_every_split(self) -> None:
        for name, command in NEGOTIATION.items():
            data = b"ali" + command + b"ce"
            for at in range(len(data) + 1):
                self.assertEqual(filtered(data[:at], data[at:]), b"alice", f"{name} at {at}")

    def test_each_command_vanishes_byte_by_byte(self) -> None:
        for name, command in NEGOTIATION.items():
            data = b"ali" + command + b"ce"
            self.assertEqual(filtered(*[bytes([byte]) for byte in data]), b"alice", name)

    @quick
    @given(
        st.lists(
            st.one_of(
                st.sampled_from([*NEGOTIATION.values()]).map(lambda command: (command, b"")),
                st.binary(max_size=5)
                .map(lambda data: data.replace(IAC, b""))
                .map(lambda data: (data, data)),
            )
        ),
        cuts,
    )
    def test_text_between_commands_is_all_there(
        self, parts: Sequence[tuple[bytes, bytes]], at: list[int]
    ) -> None:
        data, text = (b"".join(part) for part in zip(*parts, strict=True)) if parts else (b"", b"")
        self.assertEqual(filtered(*pieces(data, at)), text)

    @quick
    @given(chunks, cuts)
    def test_any_bytes_give_the_same_at_any_split(self, data: bytes, at: list[int]) -> None:
        self.assertEqual(filtered(*pieces(data, at)), filtered(data))

    @quick
    @given(chunks)
    def test_no_iac_is_ever_left(self, data: bytes) -> None:
        self.assertNotIn(IAC, filtered(data))

    @quick
    @given(plain_chunks)
    def test_what_has_no_iac_is_not_touched(self, data: bytes) -> None:
        self.assertEqual(filtered(data), data)

    def test_an_unterminated_subnegotiation_does_not_swallow_everything(self) -> None:
        self.assertEqual(filtered(IAC + b"\xfa", b"x" * 1024, b"hello"), b"hello")

    def test_a_subnegotiation_of_iacs_alone_is_over_some_time_as_well(self) -> None:
        text = filtered(IAC + b"\xfa", IAC * 10_000, b"a" * 100)
        self.assertGreaterEqual(len(text), 98)

    def test_a_framer_takes_them_out_of_its_lines(self) -> None:
        for name, command in NEGOTIATION.items():
            self.assertEqual(Framer().feed(b"ali" + command + b"ce\r\n"), [b"alice"], name)

    def test_they_do_not_count_for_the_length_of_a_line(self) -> None:
        longest = b"x" * MAX_LINE
        self.assertEqual(Framer().feed(longest + b"\xff\xfb\x01" * 500 + b"\n"), [longest])

    @quick
    @given(chunks, cuts)
    def test_a_framer_gives_the_lines_of_the_filtered_whole(
        self, data: bytes, at: list[int]
    ) -> None:
        self.assertEqual(Framer().feed(*pieces(data, at)), by_the_book(filtered(data)))


def filtered(*data: bytes) -> bytes:
    """Send chunks through one filter; return what is left."""
    telnet = TelnetFilter()
    return b"".join(map(telnet.feed, data))


def producer_state(framer: Framer) -> str:
    """Return what the framer's transport was told last."""
    transport = framer.transport
    assert isinstance(transport, StringTransport)
    return str(transport.producerState)
