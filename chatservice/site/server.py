"""The web server: one tree of resources over one chat."""

from typing import cast

from autobahn.twisted.resource import WebSocketResource
from twisted.web.resource import IResource
from twisted.web.server import Site
from twisted.web.static import File

from chatservice.doors.websocket import WebSocketFactory
from chatservice.site.page import FOLDER


def make_site(door: WebSocketFactory) -> Site:
    """Return the web server.

    :param door: where the page connects to.
    """
    root = File(str(FOLDER))
    root.indexNames = ["index.html"]
    root.putChild(b"ws", cast("IResource", WebSocketResource(door)))
    return Site(root)
