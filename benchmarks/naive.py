"""The chat that everybody writes first: one sendLine per client and message. What we compare with.

python benchmarks/naive.py PORT
"""

import sys

from twisted.application import strports
from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure


class NaiveChat(LineReceiver):
    """Asks for a nickname, then relays each line to each client by itself."""

    factory: "NaiveFactory"
    nick: str | None = None

    def connectionMade(self) -> None:
        """Ask who it is."""
        self.sendLine(b"NICK")

    def lineReceived(self, line: bytes) -> None:
        """Take the nickname, then lines."""
        text = line.decode("utf-8", "replace")
        if self.nick is None:
            self.nick = text
            self.factory.clients[text] = self
            self.factory.broadcast(f"{text} joined the chat")
            self.sendLine(b"Connected to the server")
        else:
            self.factory.broadcast(f"{self.nick}: {text}")

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Tell the others."""
        if self.nick is not None:
            del self.factory.clients[self.nick]
            self.factory.broadcast(f"{self.nick} left the chat")


class NaiveFactory(Factory):
    """Holds the clients."""

    protocol = NaiveChat  # type: ignore[assignment]

    def __init__(self) -> None:
        self.clients: dict[str, NaiveChat] = {}

    def broadcast(self, text: str) -> None:
        """Send a line to everybody."""
        for client in list(self.clients.values()):
            client.sendLine(text.encode())


if __name__ == "__main__":
    place = f"tcp:{int(sys.argv[1])}:interface=127.0.0.1:backlog=1024"
    strports.service(place, NaiveFactory()).startService()  # type: ignore[arg-type]
    reactor.run()  # type: ignore[misc]
