"""IRC over WebSocket: the IRC door for browsers, one message without its CR LF in each message.

    C: GET /irc  Sec-WebSocket-Protocol: text.ircv3.net
    C: NICK alice
    C: USER alice 0 * :Alice Liddell
    S: :irc.example.org 001 alice :Welcome to the chat, alice!~alice@irc.example.org

ircv3.net/specs/extensions/websocket. Who asks for ``text.ircv3.net``, or for none, is given text,
and who asks for ``binary.ircv3.net`` binary messages; either may send both.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final, Unpack

from autobahn.websocket.types import ConnectionRequest

from chatservice.doors.frames import BINARY, TEXT, frame
from chatservice.doors.irc.message import MAX_BODY, MAX_TAGS_IN
from chatservice.doors.irc.protocol import IrcFactory, IrcSettings
from chatservice.doors.irc.speaker import IrcSpeaker
from chatservice.doors.web import WebConnection, WebFactory
from chatservice.hub import Hub
from chatservice.session import State

SUBPROTOCOLS: Final[Mapping[str, int]] = {
    "": TEXT,
    "text.ircv3.net": TEXT,
    "binary.ircv3.net": BINARY,
}
"""What clients ask for, and the kind of message that they are sent then."""


class IrcWebProtocol(IrcSpeaker, WebConnection):  # type: ignore[misc]  # see WebConnection
    """One connection at the IRC door, over a WebSocket."""

    factory: "IrcWebFactory"

    takes_binary = True
    maxFramePayloadSize = maxMessagePayloadSize = MAX_TAGS_IN + MAX_BODY

    def onConnect(self, request: ConnectionRequest) -> str | None:
        """Agree to the subprotocol that site/upgrade.py has chosen."""
        return request.protocols[0] if request.protocols else None

    def greet(self) -> None:
        """Say nothing: by IRC the client begins. By now the address is known, also by a proxy."""
        if not self._admitted:
            self.admit()

    def disconnect(self) -> None:
        """Say why, and close in good order; see IMember."""
        if not self._closing:
            super().disconnect()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N803
        """Take one message; line ends at its end, which should not be there, are taken off."""
        if self._closing or self.session.state is State.LEFT:
            return
        self.session.in_turn(self.take, payload.rstrip(b"\r\n"))


class IrcWebFactory(IrcFactory, WebFactory):
    """Makes the IRC door's connections over WebSockets; see IrcFactory for its other arguments.

    :param opcode: of the messages that are sent: frames.TEXT or frames.BINARY.
    """

    protocol = IrcWebProtocol  # type: ignore[assignment]

    def __init__(
        self, hub: Hub | None = None, *, opcode: int = TEXT, **settings: Unpack[IrcSettings]
    ) -> None:
        super().__init__(hub, **settings)
        self.framed = partial(frame, opcode=opcode)
