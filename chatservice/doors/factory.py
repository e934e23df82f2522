"""What every door's factory does: makes connections, knows them, ends the dead ones."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, TypedDict, TypeVar, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.doors.connection import Connection
from chatservice.doors.liveness import tcp_below, unheard
from chatservice.hub import Hub
from chatservice.interfaces import IClock
from chatservice.store.memory import MemoryLog

Door = TypeVar("Door", bound=Connection)


class Settings(TypedDict, total=False):
    """What every door's factory is told by name; see DoorFactory."""

    clock: IClock | None
    ping: float
    ping_timeout: float
    peer_known_late: bool


class DoorFactory(Factory):
    """Makes one door's connections; the same factory may listen in several places.

    :param hub: the chat to open a door to. By default a new one of its own, in memory, in which
        nothing is timed and every line is delivered at once.
    :param clock: for that new hub, a reactor or a Clock.
    :param ping: seconds of silence after which a peer must give a sign of life.
    :param ping_timeout: seconds in which it must.
    :param peer_known_late: whether the peer's address is known only with its first bytes, as
        behind a PROXY protocol.
    """

    noisy = False
    door: ClassVar[str]
    """What the door is called where connections are counted."""

    _log = Logger()

    def __init__(
        self,
        hub: Hub | None = None,
        *,
        clock: IClock | None = None,
        ping: float = 90.0,
        ping_timeout: float = 30.0,
        peer_known_late: bool = False,
    ) -> None:
        self.hub = Hub(MemoryLog(), clock) if hub is None else hub
        self.ping = ping
        self.ping_timeout = ping_timeout
        self.peer_known_late = peer_known_late
        self.hub.meters.connections[self.door] += 0  # a door without anybody is shown, too
        self._connections: dict[Connection, None] = {}
        self._sweep = LoopingCall(self._end_unheard)
        if self.hub.clock is not None:
            self._sweep.clock = cast("IReactorTime", self.hub.clock)

    def opened(self, connection: Connection) -> None:
        """Take note of a new connection."""
        self._connections[connection] = None
        self.hub.meters.opened(self.door)
        if not self._sweep.running and self.hub.clock is not None:
            self._sweep.start(max(1.0, self.ping_timeout / 2), now=False).addErrback(self._failed)

    def closed(self, connection: Connection) -> None:
        """Take note of a connection's end."""
        if connection in self._connections:
            del self._connections[connection]
            self.hub.meters.closed(self.door)
        if not self._connections and self._sweep.running:
            self._sweep.stop()

    def connections(self) -> list[Connection]:
        """Return the connections, in the order of their opening."""
        return list(self._connections)

    def _end_unheard(self) -> None:
        for connection in self.connections():
            below = tcp_below(connection.transport)
            if below is not None and unheard(below) > self.ping + self.ping_timeout:
                connection.abort()

    def _failed(self, failure: Failure) -> None:
        self._log.failure("looking for dead connections ended", failure=failure)


class Clients(Mapping[str, Door]):
    """The people who came in by one factory: each nickname, as worn now, to its connection."""

    def __init__(self, factory: DoorFactory, door: type[Door]) -> None:
        self._factory = factory
        self._door = door

    def _all(self) -> dict[str, Door]:
        return {
            connection.session.nick: connection
            for connection in self._factory.connections()
            if isinstance(connection, self._door) and connection.session.nick
        }

    def __getitem__(self, nick: str) -> Door:
        """Return the connection of the person who wears this very nickname."""
        return self._all()[nick]

    def __iter__(self) -> Iterator[str]:
        """Go through the nicknames, in the order of connecting."""
        return iter(self._all())

    def __len__(self) -> int:
        """Return how many have joined."""
        return len(self._all())

    def __repr__(self) -> str:
        """Show nicknames and connections, as a dict would."""
        return repr(self._all())
