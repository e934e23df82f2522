"""WebSocket frames: the peer's by autobahn, within bounds; and ours, written here.

autobahn takes the opening handshake, control frames and the peer's frames apart (RFC 6455), but
for messages that are one good frame, as nearly all are (take_text). It would read on while it is
paused, keep an endless number of empty frames, and log what peers say; here it is given a few KiB
at a time, and no more while it is not to read.
"""

import struct
from typing import Any, Final

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol

from chatservice.objects import MAX_REQUEST

MAX_FRAMES: Final = 256
"""So many frames may make up a message, however short they are."""

AT_ONCE: Final = 256
"""Steps of reading, one to three for a frame, before other connections should have their turn."""

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
NOT_TEXT: Final = 1003
POLICY: Final = 1008
TOO_BIG: Final = 1009
REPLACED: Final = 4001
"""Why a connection is closed (RFC 6455, 7.4; the last is our own)."""

TEXT: Final = 1
BINARY: Final = 2
"""The kinds of messages (RFC 6455, 5.2)."""

_LAST: Final = 0x80  # the last frame of a message
_TEXT_FRAME: Final = _LAST | TEXT
_MASK_BIT: Final = 0x80
_MASKED: Final = 6  # bytes of a masked frame's head at least
_PIECE: Final = 4096  # bytes that autobahn is given at a time: it copies the rest for each frame


def frame(text: str, opcode: int = TEXT) -> bytes:
    """Return a text as a server's frame (RFC 6455, 5.2).

    :param opcode: TEXT or BINARY.
    """
    first = _LAST | opcode
    payload = text.encode()
    length = len(payload)
    if length < 126:
        return struct.pack("!BB", first, length) + payload
    if length < 1 << 16:
        return struct.pack("!BBH", first, 126, length) + payload
    return struct.pack("!BBQ", first, 127, length) + payload


def take_text(data: bytes) -> tuple[bytes, bytes] | None:
    """Return the text in data's first frame, and the rest, if it is what nearly all are.

    That is one whole message of good UTF-8, masked, in one frame, and not too long; None for
    whatever else it is, which is autobahn's to judge.
    """
    if len(data) < _MASKED or data[0] != _TEXT_FRAME or data[1] < _MASK_BIT:
        return None
    length, start = data[1] & ~_MASK_BIT, _MASKED
    if length == 126:
        length, start = int.from_bytes(data[2:4], "big"), _MASKED + 2
        if length < 126:
            return None
    elif length == 127:  # eight bytes of length follow: too long, or not as short as it could be
        return None
    end = start + length
    if length > MAX_REQUEST or len(data) < end:
        return None
    mask = (data[start - 4 : start] * (length // 4 + 1))[:length]
    masked = int.from_bytes(data[start:end], "big")
    text = (masked ^ int.from_bytes(mask, "big")).to_bytes(length, "big")
    try:
        text.decode()
    except UnicodeDecodeError:
        return None
    return text, data[end:]


_DEFAULTS: Final = WebSocketServerFactory()


class _Quiet:
    """What autobahn logs to: nothing of it is for the operator, and some of it is the peer's."""

    def _nothing(self, *_: object, **__: object) -> None:
        """Log nothing."""

    trace = debug = info = warn = error = critical = failure = _nothing


class BoundedProtocol(WebSocketServerProtocol):
    """One connection, from the opening handshake on."""

    # Options of autobahn's: here all of them, so that none is copied for each connection.
    CONFIG_ATTRS: list[str] = []  # noqa: RUF012  # autobahn reads them from here
    maxFramePayloadSize = MAX_REQUEST
    maxMessagePayloadSize = MAX_REQUEST
    failByDrop = False
    openHandshakeTimeout = 0  # twisted.web has read all of it
    closeHandshakeTimeout = 0  # ours is disconnect's
    autoPingInterval = 0  # ours are the factory's
    webStatus = False
    log: Any = _Quiet()

    takes_binary = False
    """Whether messages may be binary."""

    _unread = b""  # received, and not given to autobahn yet
    _taking = False
    _frames = 0  # of the message that is coming in

    @property
    def reading(self) -> bool:
        """Whether what the peer sends is to be looked at now; read goes on when it is again."""
        return True

    @property
    def unread(self) -> bool:
        """Whether anything was received that was not looked at, or is not whole."""
        return bool(self._unread or self.data)

    def resting(self) -> None:
        """Called when AT_ONCE steps were taken; who is not reading then lets others have a turn."""

    def dataReceived(self, data: bytes) -> None:
        """Take bytes from the wire."""
        if self.state in (self.STATE_OPEN, self.STATE_CLOSING):
            self._unread += data
            self.read()
        elif self.state != self.STATE_CLOSED:  # autobahn would keep all that comes then
            self._dataReceived(data)

    def consumeData(self) -> None:
        """Take what came behind the opening handshake, or that itself."""
        if self.state in (self.STATE_OPEN, self.STATE_CLOSING):
            self.read()
        else:
            super().consumeData()

    def read(self) -> None:
        """Give autobahn what was received, until it is not to be read any more."""
        if self._taking:
            return
        self._taking = True
        taken = 0
        try:
            while self.reading and self.state != self.STATE_CLOSED:
                taken += 1
                if taken % AT_ONCE == 0:
                    self.resting()
                elif self._between and (found := take_text(self.data)) is not None:
                    text, self.data = found
                    self.onMessage(text, isBinary=False)
                elif not self.processData():  # it wants more
                    piece, self._unread = self._unread[:_PIECE], self._unread[_PIECE:]
                    if not piece:
                        break
                    self.data += piece
        finally:
            self._taking = False

    @property
    def _between(self) -> bool:
        """Whether the next byte is a message's first, and messages are taken."""
        between = self.current_frame is None and not self.inside_message
        return between and self.state == self.STATE_OPEN

    def onMessageBegin(self, isBinary: bool) -> None:  # noqa: N803
        """Begin with a message, if it is text."""
        super().onMessageBegin(isBinary)
        self._frames = 0
        if isBinary and not self.takes_binary:
            self._fail_connection(NOT_TEXT, "Send text: JSON objects.")

    def onMessageFrameBegin(self, length: int) -> None:
        """Begin with a frame of a message, of which there must not be too many."""
        self._frames += 1
        super().onMessageFrameBegin(length)
        if self._frames > MAX_FRAMES:
            self._fail_connection(TOO_BIG, f"More than {MAX_FRAMES} frames make up that message.")


for _name in WebSocketServerProtocol.CONFIG_ATTRS:
    if _name not in vars(BoundedProtocol):
        _value = getattr(_DEFAULTS, _name)
        setattr(BoundedProtocol, _name, staticmethod(_value) if callable(_value) else _value)
