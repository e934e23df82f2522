"""The web server: one tree of resources over one chat.

/                     the page; a WebSocket there is IRC
/static/VERSION/NAME  its files
/ws                   its WebSocket
/irc                  IRC over WebSocket
/healthz              how the server is
/rooms                what programs say and read there, described by /openapi.json
"""

from collections.abc import Collection, Mapping
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.web.http import Request as HttpRequest
from twisted.web.server import Site

from chatservice.doors.connection import host_of
from chatservice.doors.web import WebFactory
from chatservice.hub import Hub
from chatservice.limits import network_of
from chatservice.site.api import Description, Rooms
from chatservice.site.channel import TIMEOUT, Channel, Request
from chatservice.site.files import Files
from chatservice.site.origins import Origins
from chatservice.site.resources import Folder, Health, Index, static
from chatservice.site.upgrade import Front, Upgrade

BROWSERS: Final = 3
"""An address may have so many times as many HTTP connections as people: a browser opens six."""


class ChatSite(Site):
    """The web server.

    :param root: its tree, to which more may be put; a part that is not there is a plain 404.
    :param most: connections from one address.
    :param peer_known_late: whether the peer's address is known only with its first bytes, as
        behind a PROXY protocol.
    :param reactor: a Clock in tests; by default twisted's own.
    """

    noisy = False
    protocol = Channel  # type: ignore[assignment]  # HTTP/1.1 alone: WebSockets need it
    displayTracebacks = False
    resource: Folder

    def __init__(
        self,
        root: Folder,
        most: float,
        peer_known_late: bool = False,
        reactor: IReactorTime | None = None,
    ) -> None:
        super().__init__(
            root, Request, timeout=TIMEOUT, reactor=reactor, parsePOSTFormSubmission=False
        )
        self.peer_known_late = peer_known_late
        self._most = most
        self._channels: dict[Channel, str] = {}  # each with its address, "" for none
        self._counts: dict[str, int] = {}

    def opened(self, channel: Channel) -> bool:
        """Count a connection for its address; False if there are too many."""
        host = host_of(channel.getPeer())
        network = "" if host is None else network_of(host)
        self._channels[channel] = network
        self._counts[network] = self._counts.get(network, 0) + 1
        return not network or self._counts[network] <= self._most

    def closed(self, channel: Channel) -> None:
        """Take note that a connection is gone, or is a WebSocket now."""
        network = self._channels.pop(channel, None)
        if network is not None:
            self._counts[network] -= 1
            if not self._counts[network]:
                del self._counts[network]

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


def make_site(
    hub: Hub,
    door: WebFactory,
    *,
    irc: Mapping[str, WebFactory] | None = None,
    origins: Collection[str] = (),
    reactor: IReactorTime | None = None,
) -> ChatSite:
    """Return the web server.

    :param door: where the page connects to.
    :param irc: where IRC clients connect to, see Upgrade; by default they cannot.
    :param origins: where browsers see our page, and others that may connect: https://example.com.
    :param reactor: a Clock in tests; by default twisted's own.
    :raises OSError: if the page's files cannot be read.
    """
    files, ours = Files(), Origins(origins)
    root = Folder()
    root.put("", Index(files.index, ours))
    root.put("static", static(files))
    root.put("ws", Upgrade({"": door}, ours))
    if irc is not None:
        upgrade = Upgrade(irc, ours)
        root.put("", Front(files.index, ours, upgrade))
        root.put("irc", upgrade)
    root.put("healthz", Health(hub))
    root.put("rooms", Rooms(hub))
    root.put("openapi.json", Description())
    return ChatSite(root, BROWSERS * hub.limits.connections, door.peer_known_late, reactor)
