"""A web server over one chat, for everybody or for metrics: its connections, and their number.

Knows nothing of what is in its tree.
"""

from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.web.http import Request as HttpRequest
from twisted.web.server import Site

from chatservice.doors.connection import host_of
from chatservice.errors import Code
from chatservice.hub import Hub
from chatservice.limits import network_of
from chatservice.site.channel import TIMEOUT, Channel, Request
from chatservice.site.resources import Folder

BROWSERS: Final = 3
"""An address may have so many times as many HTTP connections as people: a browser opens six."""


class ChatSite(Site):
    """A web server.

    :param root: its tree, to which more may be put; a part that is not there is a plain 404.
    :param hub: the chat, for its limits and meters.
    :param peer_known_late: whether the peer's address is known only with its first bytes, as
        behind a PROXY protocol.
    :param reactor: a Clock in tests; by default twisted's own.

    :ivar meters: what is refused is counted there.
    """

    noisy = False
    protocol = Channel  # type: ignore[assignment]  # HTTP/1.1 alone: WebSockets need it
    displayTracebacks = False
    resource: Folder

    def __init__(
        self,
        root: Folder,
        hub: Hub,
        peer_known_late: bool = False,
        reactor: IReactorTime | None = None,
    ) -> None:
        super().__init__(
            root, Request, timeout=TIMEOUT, reactor=reactor, parsePOSTFormSubmission=False
        )
        self.peer_known_late = peer_known_late
        self._most = BROWSERS * hub.limits.connections
        self.meters = hub.meters
        self._channels: dict[Channel, str] = {}  # each with its address, "" for none
        self._theirs: dict[str, dict[Channel, None]] = {}  # those of each address, in order

    def opened(self, channel: Channel) -> bool:
        """Count a connection for its address; False if there are too many.

        Browsers keep connections that they do not use: the oldest of those gives way. While some
        take their time to close there may be twice as many.
        """
        host = host_of(channel.getPeer())
        network = "" if host is None else network_of(host)
        self._channels[channel] = network
        theirs = self._theirs.setdefault(network, {})
        theirs[channel] = None
        if not network or len(theirs) <= self._most:
            return True
        resting = next((one for one in theirs if one.resting), None)
        if resting is None or len(theirs) > 2 * self._most:
            self.meters.turn_away(Code.TOO_MANY_CONNECTIONS)
            return False
        resting.end()
        return True

    def closed(self, channel: Channel) -> None:
        """Take note that a connection is gone, or is a WebSocket now."""
        network = self._channels.pop(channel, None)
        if network is not None:
            del self._theirs[network][channel]
            if not self._theirs[network]:
                del self._theirs[network]

    def close(self) -> None:
        """End all connections, but those on which something is being answered: they end then."""
        for channel in [*self._channels]:
            channel.persistent = False
            if channel.idle:
                channel.end()

    # Nobody asked for a log of every request: metrics count them.

    def startFactory(self) -> None:
        """Open no log."""

    def stopFactory(self) -> None:
        """Close no log."""

    def log(self, request: HttpRequest) -> None:
        """Log nothing."""
