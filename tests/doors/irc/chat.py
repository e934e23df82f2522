"""A chat with an IRC door, and people who come by it, over StringTransports and a Clock."""

from typing import cast

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from chatservice.doors.irc.protocol import IrcFactory, IrcProtocol
from chatservice.hub import Hub
from chatservice.interfaces import ILog
from chatservice.person import Policy
from chatservice.store.memory import MemoryLog
from tests.fakes import cheap

SERVER = "irc.test"


class Chat:
    """A chat in memory, with people at its IRC door.

    :param roomless: whether they come in without being in the lobby.
    :param server: what it is called.
    :param log: keeps the history; by default in memory, at once.
    """

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        roomless: bool = False,
        server: str = SERVER,
        log: ILog | None = None,
    ) -> None:
        self.clock = Clock()
        self.hub = Hub(
            log or MemoryLog(),
            self.clock,
            now=lambda: 1_700_000_000 + self.clock.seconds(),
            policy=policy or Policy(plaintext_login=True),
            passwords=cheap(),
        )
        self.factory = IrcFactory(self.hub, server=server, roomless=roomless)

    def turn(self) -> None:
        """End the reactor's turn."""
        self.clock.advance(0)

    def connect(self) -> "Wire":
        """Return a new connection that has said nothing."""
        return Wire(self)

    def joined(self, nick: str, *capabilities: str) -> "Wire":
        """Return somebody who is in, with some capabilities, and has read everything."""
        wire = self.connect()
        if capabilities:
            wire.send("CAP LS 302", f"CAP REQ :{' '.join(capabilities)}")
        wire.send(f"NICK {nick}", f"USER {nick} 0 * :{nick.title()}")
        if capabilities:
            wire.send("CAP END")
        self.turn()
        wire.lines()
        return wire


class Wire:
    """One client's end of a connection."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.protocol = cast("IrcProtocol", chat.factory.buildProtocol(None))
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 4242))
        self.protocol.makeConnection(self.transport)

    def send(self, *lines: str | bytes) -> None:
        """Send lines, and end the reactor's turn."""
        for line in lines:
            data = line if isinstance(line, bytes) else line.encode()
            self.protocol.dataReceived(data + b"\r\n")
        self._chat.turn()

    def lines(self) -> list[str]:
        """Return the lines that came since the last call, without their ends."""
        data: bytes = self.transport.value()
        self.transport.clear()
        *lines, rest = data.decode().split("\r\n")
        assert not rest
        return lines

    def asks(self, *lines: str | bytes) -> list[str]:
        """Send lines, and return what comes."""
        self.send(*lines)
        return self.lines()
