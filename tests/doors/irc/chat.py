"""A chat with an IRC door, and people who come by it, over StringTransports and a Clock."""

import re
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chatservice.doors.irc.protocol import IrcFactory, IrcProtocol
from chatservice.hub import Hub
from chatservice.interfaces import ILog
from chatservice.people.person import Policy
from chatservice.store.memory import MemoryLog
from chatservice.store.sqlite import SqliteTickets
from tests.fakes import cheap
from tests.store_fakes import Cleans, Store

SERVER = "irc.chat.tests"  # as long as a cloak: where lines are cut, it makes no difference
_CLOAK = re.compile(r"(?<=[@ ])(?:guest-[a-z2-7]{8}|(?:user|name)-[\w-]+)(?= |$)", re.MULTILINE)


class Chat:
    """A chat in memory, with people at its IRC door.

    :param roomless: whether they come in without being in the lobby.
    :param server: what it is called.
    :param log: keeps the history; by default in memory, at once.
    :param cloaked: whether the hosts of people are shown as they are. Those of guests are others
        each time: by default every one is shown as the server's name.
    """

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        roomless: bool = False,
        server: str = SERVER,
        log: ILog | None = None,
        cloaked: bool = False,
    ) -> None:
        self.clock = Clock()
        self._server = server
        self._cloaked = cloaked
        self._log = log
        self.hub = self._hub(policy or Policy(plaintext_login=True))
        self.factory = IrcFactory(self.hub, server=server, roomless=roomless)

    def _hub(self, policy: Policy) -> Hub:
        log = self._log or MemoryLog()
        return Hub(log, self.clock, now=self.now, policy=policy, passwords=cheap())

    def now(self) -> float:
        """Return the wall clock's time."""
        return 1_700_000_000 + self.clock.seconds()

    def turn(self) -> None:
        """End the reactor's turn."""
        self.clock.advance(0)

    def shown(self, line: str) -> str:
        """Return a line with hosts as this chat shows them."""
        return line if self._cloaked else _CLOAK.sub(self._server, line)

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


class DurableChat(Chat):
    """The same with a log on disk: everything takes its time.

    :param test: at whose end it is closed.
    """

    def __init__(
        self, test: Cleans, policy: Policy | None = None, *, roomless: bool = False
    ) -> None:
        self._test = test
        super().__init__(policy, roomless=roomless)

    def _hub(self, policy: Policy) -> Hub:
        made: list[Hub] = []

        def make(store: Store) -> None:
            tickets = SqliteTickets(store.database, self.now)
            made.append(
                Hub(
                    *(store.log, self.clock, self.now, policy, tickets, store.records),
                    passwords=cheap(),
                )
            )

        self._store = Store(self._test, before=make)
        return made[0]

    def turn(self) -> None:
        """End the reactor's turn once the disk has done what it was asked to do, and was asked
        because of that."""
        for _ in range(4):
            self._store.wait(self._store.log.append(()))
            self._store.wait(self._store.database.change(lambda db: True))
            while self._store.database.asked:
                self._store.pump.turn()
            super().turn()


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
        return [self._chat.shown(line) for line in lines]

    @property
    def _producer(self) -> Any:  # as the transport has it
        assert self.transport.producer is not None
        return self.transport.producer

    def stall(self) -> None:
        """Read nothing any more, and be more behind than the system keeps."""
        self._producer.pauseProducing()

    def read(self) -> list[str]:
        """Read what there is and what comes then; return the lines."""
        self.drain()
        return self.asks()

    def drain(self) -> None:
        """Take what the connection holds, and what comes then in this turn."""
        self._producer.resumeProducing()

    def lose(self) -> None:
        """Lose the connection."""
        self.protocol.connectionLost(Failure(ConnectionLost()))
        self._chat.turn()

    def asks(self, *lines: str | bytes) -> list[str]:
        """Send lines, and return what comes."""
        self.send(*lines)
        return self.lines()
