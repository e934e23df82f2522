"""The web server: one tree of resources over one chat.

/                     the page; a WebSocket there is IRC
/static/VERSION/NAME  its files
/ws                   its WebSocket
/irc                  IRC over WebSocket
/healthz              how the server is
/rooms                what programs say and read there, described by /openapi.json
"""

from collections.abc import Collection, Mapping

from twisted.internet.interfaces import IReactorTime

from chatservice.doors.web import WebFactory
from chatservice.hub import Hub
from chatservice.site.api import Description, Rooms
from chatservice.site.chatsite import ChatSite
from chatservice.site.files import Files
from chatservice.site.origins import Origins
from chatservice.site.resources import Folder, Health, Index, static
from chatservice.site.upgrade import Front, Upgrade


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
    return ChatSite(root, hub, door.peer_known_late, reactor)
