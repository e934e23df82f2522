"""What every door's connection does: admission, time for a nickname, delivery, and the end.

A door's protocol mixes Connection in, sets ``dialects`` and calls its session.
"""

import ipaddress
import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHalfCloseableProtocol, IHandshakeListener, ISSLTransport
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from chatservice.doors import certificates
from chatservice.doors.liveness import prepare, tcp_below
from chatservice.doors.outlet import Outlet, Transport, outlet_for
from chatservice.errors import ChatError, Code, Expelled
from chatservice.events import Event, Kind
from chatservice.interfaces import IBatch, IDialect, ITimer
from chatservice.meters import FOREIGN
from chatservice.session import Session, State
from chatservice.taste import Taste

if TYPE_CHECKING:
    from chatservice.doors.factory import DoorFactory

REFUSED_LINGER: Final = 1.0
"""Seconds that a connection may take to hear that there are too many."""

LINGER: Final = 10.0
"""Seconds that a closing connection may take to accept its last words."""

_FOREIGN: Final = re.compile(
    rb"[A-Z]{3,10} \S+ (?:HTTP|RTSP|SIP)/\d"  # a browser tricked into a request, or a scanner
    rb"|SSH-\d|\x16\x03"  # an SSH client; a TLS handshake
)


def is_foreign(data: bytes) -> bool:
    """Tell whether a connection's first bytes are another protocol's, not a nickname."""
    return _FOREIGN.match(data) is not None


class Dialects(NamedTuple):
    """How one wire writes what happens, in the current room and in others.

    :ivar bell: what stands before a line to ring a bell; nothing where nobody would hear it.
    """

    here: IDialect
    elsewhere: IDialect
    bell: bytes = b""


BELL: Final = b"\a"
"""What rings a bell at a terminal. No text contains it: it only ever comes from here."""


@implementer(IHalfCloseableProtocol, IHandshakeListener)
class Connection:
    """The half of a door's protocol that does not depend on its wire; implements IMember."""

    _log = Logger()

    factory: "DoorFactory"
    transport: Transport
    session: Session
    dialects: ClassVar[tuple[Dialects, Dialects]]  # without and with time and number

    certified: ClassVar[bool] = False
    """Whether clients are asked for a certificate, where there is TLS."""

    written: ClassVar[bool] = False
    """Whether the transport may still hold bytes that were written before the connection was made
    ours, as a handshake's."""

    _outlet: Outlet
    _timer: ITimer | None = None
    _admitted = False
    _linger = LINGER
    _here: str  # the current room
    _taste: Taste | None = None
    _held: frozenset[str] = frozenset()  # why the peer is not read

    # For twisted.

    def connectionMade(self) -> None:
        """Let somebody in, if there is room, and ask who it is."""
        if self.certified and not self.factory.peer_known_late:
            certificates.ask(self.transport)
        self._dialects = self.dialects_at(stamped=False)
        self._outlet = outlet_for(self.transport, self._drained, self.written)
        self._here = self.factory.hub.rooms.lobby.name
        self.session = Session(self.factory.hub, self)
        self.factory.opened(self)
        self._call_later(self.factory.hub.limits.nick_seconds, self._no_nick)
        if (below := tcp_below(self.transport)) is not None:
            prepare(below, self.factory.ping, self.factory.ping_timeout)
        if self.factory.peer_known_late or self.admit():
            self.greet()

    def handshakeCompleted(self) -> None:
        """Take note of the certificate that the client showed at the handshake."""
        if self.certified and not self.factory.peer_known_late:
            self.session.person.certificate = certificates.fingerprint(self.transport)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Clean up; the session tells the others."""
        self._cancel_timer()
        self.factory.closed(self)
        self.session.lost()

    def readConnectionLost(self) -> None:
        """The peer sends no more (the end of a pipe): give it all up to here, then close."""
        self.session.hang_up()

    def writeConnectionLost(self) -> None:
        """The peer reads no more."""
        self.abort()

    # For the core: IMember.

    @property
    def dialect(self) -> IDialect:
        """The dialect of the current room; see IMember."""
        return self._dialects.here

    def deliver(self, batch: IBatch) -> bool:
        """Write a batch; see IMember. The fan-out: nothing is done here that need not be."""
        if self._taste is not None:
            return self.deliver_all((batch,))
        data = self._encode(batch)
        if not data:  # all of it is for others' eyes
            return not self._outlet.holding
        return self._outlet.write(data) if batch.room else self.answer(data)

    def deliver_all(self, batches: Sequence[IBatch]) -> bool:
        """Write several batches; see IMember."""
        encode = self._encode if self._taste is None else self._encode_to_taste
        data = b"".join(map(encode, batches))
        if not data:  # all of it is hidden
            return not self._outlet.holding
        answered = not all(batch.room for batch in batches)
        return self.answer(data) if answered else self._outlet.write(data)

    def _encode(self, batch: IBatch) -> bytes:
        """Encode a batch for where the person is.

        The current room changes where the line that says so is written, so that whoever reads
        knows the room of each line, whenever that line was said.
        """
        if batch.room:
            dialects = self._dialects
            return batch.encoded(dialects.here if batch.room == self._here else dialects.elsewhere)
        return b"".join(map(self._encode_answer, batch.events))

    def _encode_answer(self, event: Event) -> bytes:
        """Encode what is for one person alone; what is told of the past has a room as well."""
        if event.kind is Kind.SWITCHED:
            self._here = event.text
        return self._written(event)

    def _written(self, event: Event) -> bytes:
        return self._dialect(event.room).encode(event)

    def _encode_to_taste(self, batch: IBatch) -> bytes:
        """Encode a batch for somebody who is not shown all of it as it is."""
        taste = self._taste
        if taste is None or not any(map(taste.concerns, batch.events)):
            return self._encode(batch)
        encode = self._dialect(batch.room).encode if batch.room else self._encode_answer
        data = b""
        for event in batch.events:
            if not taste.hides(event):
                data += self._dialects.bell if taste.rings(event) else b""
                data += encode(event)
        return data

    def _dialect(self, room: str) -> IDialect:
        return self._dialects.here if room == self._here else self._dialects.elsewhere

    def stamp(self, on: bool) -> None:
        """Choose the dialects; see IMember."""
        self._dialects = self.dialects_at(on)

    def speak_json(self, on: bool) -> None:
        """Refuse to: few doors have another form; see IMember."""
        raise ChatError(
            Code.NOT_ALLOWED, "This door has no JSON: connect to the port of lines for that."
        )

    def prefer(self, taste: Taste | None) -> None:
        """Choose what is shown; see IMember."""
        self._taste = taste

    def disconnect(self) -> None:
        """Close in good order, by force after LINGER; see IMember."""
        self._cancel_timer()
        self._call_later(self._linger, self.abort)
        self._outlet.close()

    def abort(self) -> None:
        """Cut the connection; see IMember."""
        abort = getattr(self.transport, "abortConnection", None)
        if abort is not None:
            abort()

    # For doors.

    def dialects_at(self, stamped: bool) -> Dialects:
        """Return how this wire writes what happens.

        :param stamped: whether with time and number.
        """
        return self.dialects[stamped]

    def admit(self) -> bool:
        """Count the connection for its address; False if it may not stay."""
        if not self._admitted:
            self._admitted = True
            address = self.transport.getPeer()
            host = host_of(address)
            if host is None and isinstance(address, IPv4Address | IPv6Address):
                self.refuse_foreign()  # a proxy passed on what is no address
                return False
            # Behind a proxy it is known of the way from there alone.
            direct = not self.factory.peer_known_late
            if not self.session.admit(host, direct and ISSLTransport.providedBy(self.transport)):
                self._linger = REFUSED_LINGER  # or one address could hold many, half open
                return False
        return True

    def greet(self) -> None:
        """Ask who it is."""
        self.session.ask()

    def claim(self, nick: str) -> None:
        """Offer a nickname, and read no more until it is decided; see nick_refused."""
        claimed = self.session.claim(nick).addCallbacks(self._accepted, self._refused)
        if self.session.state is State.CLAIMING:
            self.hold("claim")
            claimed.addBoth(lambda _: self.release("claim"))

    def nick_accepted(self) -> None:
        """Called when somebody is in."""

    def nick_refused(self, refusal: ChatError) -> None:
        """Called when a nickname was refused; every door has its own way to go on."""

    def answer(self, data: bytes) -> bool:
        """Write what the peer has asked for; who does not read that is not read either.

        :returns: what IMember.deliver returns.
        """
        taken = self._outlet.write(data)
        if not taken:
            self.hold("answers")
        return taken

    def wait_for_session(self) -> None:
        """Read no more while something that the peer asked for takes its time."""
        if (idle := self.session.idle()) is not None and "session" not in self._held:
            self.hold("session")
            idle.addBoth(lambda _: self.release("session"))

    def hold(self, reason: str) -> None:
        """Read no more until released for the same reason."""
        if not self._held:
            self.pause()
        self._held |= {reason}

    def release(self, reason: str) -> None:
        """Read again unless there is another reason not to, or who leaves has no more to say."""
        if reason in self._held:
            self._held -= {reason}
            if not self._held and self.session.state is not State.LEFT:
                self.resume()

    def pause(self) -> None:
        """Stop reading."""
        self.transport.pauseProducing()

    def resume(self) -> None:
        """Read again."""
        self.transport.resumeProducing()

    def refuse_foreign(self) -> None:
        """Cut off something that is no chat client, without a word it could use."""
        host = host_of(self.transport.getPeer())
        self._log.info("cut off {host!r}, which speaks another protocol", host=host)
        self.factory.hub.meters.turn_away(FOREIGN)
        self.session.leave()
        self.abort()

    # Inside.

    def _accepted(self, _: None) -> None:
        if self.session.state is State.JOINED:
            self.nick_accepted()

    def _refused(self, failure: Failure) -> None:
        failure.trap(ChatError)
        self.nick_refused(cast("ChatError", failure.value))

    def _no_nick(self) -> None:
        self._timer = None
        if self.session.state in (State.CONNECTED, State.CLAIMING):
            seconds = self.factory.hub.limits.nick_seconds
            reason = f"No nickname within {seconds:g} seconds: connect again when you have one."
            self.session.expel(Expelled(Code.NICK_TIMEOUT, reason))

    def _drained(self) -> None:
        self.release("answers")
        self.factory.hub.delivery.drained(self)

    def _call_later(self, seconds: float, call: Callable[[], None]) -> None:
        clock = self.factory.hub.clock
        if clock is not None and seconds < math.inf:
            self._timer = clock.callLater(seconds, call)

    def _cancel_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()


def host_of(address: object) -> str | None:
    """Return the IP address of a peer; None for one without."""
    host = getattr(address, "host", None)
    return _ip_address(host) if isinstance(host, str) else None


@lru_cache(maxsize=1024)
def _ip_address(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return None
