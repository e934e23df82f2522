"""An echo server made of the WebSocket door's own protocol, for the Autobahn test cases.

python -m tests.end_to_end.echo says where it listens, as twistd does. Only what the chat does with
a message is replaced; binary messages are let in, and larger ones, since the cases send some.
"""

import sys
from typing import cast

from twisted.internet import endpoints
from twisted.internet.interfaces import IReactorCore
from twisted.python import log

from chatservice.doors.websocket import WebSocketFactory, WebSocketProtocol
from chatservice.hub import Hub
from chatservice.interfaces import IClock
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from chatservice.site.server import make_site
from chatservice.store.memory import MemoryLog


class EchoProtocol(WebSocketProtocol):
    """Says what it hears."""

    takes_binary = True
    maxFramePayloadSize = 1 << 20
    maxMessagePayloadSize = 1 << 20

    def greet(self) -> None:
        """Say nothing before it hears something."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N803
        """Say the same."""
        if not self._closing:
            self.sendMessage(payload, isBinary)


def main() -> None:
    """Serve until killed."""
    from twisted.internet import reactor

    log.startLogging(sys.stdout)
    hub = Hub(MemoryLog(), cast("IClock", reactor), policy=Policy(UNLIMITED))
    door = WebSocketFactory(hub)
    door.protocol = EchoProtocol
    endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(make_site(hub, door))
    cast("IReactorCore", reactor).run()  # type: ignore[misc]  # zope: no self


if __name__ == "__main__":
    main()
