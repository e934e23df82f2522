"""The short way for the frames that nearly all are; the long one is autobahn's."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.frames import take_text
from chatservice.objects import MAX_REQUEST
from tests.doors.web import BINARY, PING, peer_frame

REST = b"\x81\x85more"


class ShortWayTest(SynchronousTestCase):
    """What take_text takes, and what it leaves to autobahn."""

    @given(st.text(), st.binary(min_size=4, max_size=4), st.binary(max_size=9))
    def test_a_whole_message(self, text: str, mask: bytes, rest: bytes) -> None:
        """It is unmasked; what follows stays."""
        found = take_text(peer_frame(text.encode(), mask=mask) + rest)
        self.assertEqual(found, (text.encode(), rest))

    def test_every_length(self) -> None:
        """One byte more than the longest is autobahn's to refuse."""
        for length in range(MAX_REQUEST + 1):
            text = bytes(32 + at % 90 for at in range(length))
            self.assertEqual(take_text(peer_frame(text) + REST), (text, REST))
        self.assertIsNone(take_text(peer_frame(b"x" * (MAX_REQUEST + 1))))
        self.assertIsNone(take_text(peer_frame(b"x" * (1 << 16))))

    def test_half_a_frame(self) -> None:
        """It is left as long as there is not all of it."""
        for length in (0, 5, 125, 126, 300):
            whole = peer_frame(b"x" * length)
            for end in range(len(whole)):
                self.assertIsNone(take_text(whole[:end]))

    def test_other_frames(self) -> None:
        """Nothing is taken but what is a message by itself, and in good order."""
        good = peer_frame(b"hello")
        others = {
            "binary": peer_frame(b"hello", BINARY),
            "a ping": peer_frame(b"hello", PING),
            "the beginning of a message": peer_frame(b"hello", last=False),
            "the end of a message": peer_frame(b"hello", 0),
            "a reserved bit": bytes([good[0] | 0x40]) + good[1:],
            "no mask": b"\x81\x05hello",
            "no mask, and long enough for one": b"\x81\x7dhello" + b"x" * 200,
            "a length not written as short as can be": (
                b"\x81" + struct.pack("!BH", 0x80 | 126, 5) + good[2:]
            ),
            "a length of eight bytes": b"\x81" + struct.pack("!BQ", 0x80 | 127, 5) + good[2:],
            "no UTF-8": peer_frame(b"hell\xff"),
            "half a character": peer_frame("é".encode()[:1]),
            "a surrogate": peer_frame(b"\xed\xa0\x80"),
        }
        for what, data in others.items():
            self.assertIsNone(take_text(data + REST), what)
