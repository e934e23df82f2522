"""What every door's connection does: admission, time for a nickname, delivery, and the end.

A door's protocol mixes Connection in, sets ``dialect`` and calls its session.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, TypeVar, cast

from twisted.internet.interfaces import IHalfCloseableProtocol, IReactorTime
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from chatservice.doors.liveness import prepare, tcp_below, unheard
from chatservice.doors.outlet import Outlet, Transport, outlet_for
from chatservice.errors import Code, Expelled
from chatservice.hub import Hub
from chatservice.interfaces import IBatch, IClock, IDialect, ITimer
from chatservice.session import Session, State
from chatservice.store.memory import MemoryLog

LINGER: Final = 10.0
"""Seconds that a closing connection may take to accept its last words."""

_FOREIGN: Final = re.compile(
    rb"[A-Z]{3,10} \S+ (?:HTTP|RTSP|SIP)/\d"  # a browser tricked into a request, or a scanner
    rb"|SSH-\d|\x16\x03"  # an SSH client; a TLS handshake
)


def is_foreign(data: bytes) -> bool:
    """Tell whether a connection's first bytes are another protocol's, not a nickname."""
    return _FOREIGN.match(data) is not None


@implementer(IHalfCloseableProtocol)
class Connection:
    """The half of a door's protocol that does not depend on its wire; implements IMember."""

    _log = Logger()

    factory: "DoorFactory"
    transport: Transport
    session: Session
    dialect: ClassVar[IDialect]

    _outlet: Outlet
    _timer: ITimer | None = None
    _admitted = False
    _unheard_answers = False

    # For twisted.

    def connectionMade(self) -> None:
        """Let somebody in, if there is room, and ask who it is."""
        self._outlet = outlet_for(self.transport, self._drained)
        self.session = Session(self.factory.hub, self)
        self.factory.opened(self)
        if (below := tcp_below(self.transport)) is not None:
            prepare(below, self.factory.ping, self.factory.ping_timeout)
        self._call_later(self.factory.hub.limits.nick_seconds, self._no_nick)
        if self.factory.peer_known_late or self.admit():
            self.session.ask()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Clean up; the session tells the others."""
        self._cancel_timer()
        self.factory.closed(self)
        self.session.lost()

    def readConnectionLost(self) -> None:
        """The peer sends no more (the end of a pipe): give it all up to here, then close."""
        self.session.leave()

    def writeConnectionLost(self) -> None:
        """The peer reads no more."""
        self.abort()

    # For the core: IMember.

    def deliver(self, batch: IBatch) -> bool:
        """Write a batch; see IMember."""
        data = batch.encoded(self.dialect)
        return self._outlet.write(data) if batch.room else self.answer(data)

    def disconnect(self) -> None:
        """Close in good order, by force after LINGER; see IMember."""
        self._cancel_timer()
        self._call_later(LINGER, self.abort)
        self._outlet.close()

    def abort(self) -> None:
        """Cut the connection; see IMember."""
        abort = getattr(self.transport, "abortConnection", None)
        if abort is not None:
            abort()

    # For doors.

    def admit(self) -> bool:
        """Count the connection for its address; False if it may not stay."""
        if not self._admitted:
            self._admitted = True
            return self.session.admit(host_of(self.transport.getPeer()))
        return True

    def answer(self, data: bytes) -> bool:
        """Write what the peer has asked for; who does not read that is not read either.

        :returns: what IMember.deliver returns.
        """
        taken = self._outlet.write(data)
        if not taken and not self._unheard_answers:
            self._unheard_answers = True
            self.pause()
        return taken

    def pause(self) -> None:
        """Stop reading."""
        self.transport.pauseProducing()

    def resume(self) -> None:
        """Read again."""
        self.transport.resumeProducing()

    def refuse_foreign(self) -> None:
        """Cut off something that is no chat client, without a word it could use."""
        host = host_of(self.transport.getPeer())
        self._log.info("cut off {host}, which speaks another protocol", host=host)
        self.session.leave()
        self.abort()

    # Inside.

    def _no_nick(self) -> None:
        self._timer = None
        if self.session.state in (State.CONNECTED, State.CLAIMING):
            seconds = self.factory.hub.limits.nick_seconds
            reason = f"No nickname within {seconds:g} seconds: connect again when you have one."
            self.session.expel(Expelled(Code.NICK_TIMEOUT, reason))

    def _drained(self) -> None:
        if self._unheard_answers:
            self._unheard_answers = False
            self.resume()
        self.factory.hub.delivery.drained(self)

    def _call_later(self, seconds: float, call: object) -> None:
        clock = self.factory.hub.clock
        if clock is not None and seconds < math.inf and callable(call):
            self._timer = clock.callLater(seconds, call)

    def _cancel_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()


def host_of(address: object) -> str | None:
    """Return the IP address of a peer; None for one without."""
    host = getattr(address, "host", None)
    return host if isinstance(host, str) else None


Door = TypeVar("Door", bound=Connection)


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
        self._connections: dict[Connection, None] = {}
        self._sweep = LoopingCall(self._end_unheard)
        if self.hub.clock is not None:
            self._sweep.clock = cast("IReactorTime", self.hub.clock)

    def opened(self, connection: Connection) -> None:
        """Take note of a new connection."""
        self._connections[connection] = None
        if not self._sweep.running and self.hub.clock is not None:
            self._sweep.start(max(1.0, self.ping_timeout / 2), now=False).addErrback(self._failed)

    def closed(self, connection: Connection) -> None:
        """Take note of a connection's end."""
        self._connections.pop(connection, None)
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
        Connection._log.failure("looking for dead connections ended", failure=failure)


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
