"""How much one person and one address may do, fed a clock.

A token bucket for each connection and one for each network address, shared by all doors, and a
count of refusals after which somebody is asked to go. Knows no wires and no rooms.
"""

import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chatservice.errors import ChatError, Code, Expelled, TooFast

STRIKES: Final = 20
"""So many lines in a row over the rate, and the connection is closed."""

SHARED: Final = 5
"""An address may do as much as so many people."""

_SWEEP_AT: Final = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows.

    :ivar nick_seconds: time to give an acceptable nickname.
    :ivar nick_tries: nicknames that may be refused before the connection is closed.
    :ivar burst: lines that a person may send at once.
    :ivar rate: lines a second that a person may send for ever.
    :ivar connections: connections from one IPv4 address or IPv6 /64 network.
    :ivar rooms: rooms that a person may be in at a time.
    :ivar logins: passwords that may be tried from an address in a minute.
    :ivar registrations: nicknames that may be registered from an address in an hour.
    """

    nick_seconds: float = 20.0
    nick_tries: int = 10
    burst: float = 10.0
    rate: float = 2.0
    connections: float = 10.0
    rooms: int = 1000
    logins: float = 3.0
    registrations: float = 3.0


DEFAULT: Final = Limits()

UNLIMITED: Final = Limits(
    nick_seconds=math.inf,
    nick_tries=10,
    burst=math.inf,
    rate=math.inf,
    connections=math.inf,
    logins=math.inf,
    registrations=math.inf,
)
"""For trusted networks and benchmarks. Guessing nicknames for ever stays impossible, and so does
being in rooms without end: what somebody in a thousand rooms does may touch each of them."""


class TokenBucket:
    """Lets through ``burst`` at once and ``rate`` a second for ever.

    :param burst: tokens the bucket holds; it starts full.
    :param rate: tokens that come back each second.
    :param seconds: the monotonic clock.
    """

    __slots__ = ("_at", "_burst", "_rate", "_seconds", "_tokens")

    def __init__(self, burst: float, rate: float, seconds: Callable[[], float]) -> None:
        self._burst = burst
        self._rate = rate
        self._seconds = seconds
        self._tokens = burst
        self._at = seconds()

    def wait(self) -> float:
        """Return the seconds until a token is there; 0 if one is."""
        if self._rate == math.inf:
            return 0.0
        now = self._seconds()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (1.0 - self._tokens) / self._rate)

    def take(self, count: int = 1) -> None:
        """Use up tokens; call only when wait() is 0. Of several some may be there only later."""
        if self._rate != math.inf:
            self._tokens -= count

    def give_back(self) -> None:
        """Put back a token that was taken and, as it turned out, not used."""
        if self._rate != math.inf:
            self._tokens = min(self._burst, self._tokens + 1.0)

    @property
    def full(self) -> bool:
        """Whether the bucket is as good as a new one."""
        self.wait()
        return self._tokens >= self._burst


class _Address:
    """What is known of one network address."""

    __slots__ = ("bucket", "connections")

    def __init__(self, bucket: TokenBucket) -> None:
        self.bucket = bucket
        self.connections = 0


class Quota:
    """What one connection may still do. Made by Quotas.admit."""

    __slots__ = ("_address", "_own", "_strikes", "tries")

    def __init__(self, own: TokenBucket, address: _Address | None, tries: int) -> None:
        self._own = own
        self._address = address
        self._strikes = 0
        self.tries = tries

    def spend(self) -> None:
        """Account for one line.

        :raises TooFast: if the line must be refused; nothing is used up.
        :raises Expelled: if that was one refusal too many.
        """
        wait = self.delay()
        if wait == 0.0:
            self._strikes = 0
            return
        self._strikes += 1
        if self._strikes >= STRIKES:
            raise Expelled(Code.FLOODING, "You wrote too much too fast and are disconnected.")
        raise _too_fast(wait)

    def delay(self) -> float:
        """Account for one line, for who is made to wait rather than refused.

        :returns: after how many seconds to ask again; 0 if it may be done now, and was counted.
        """
        wait = self._own.wait()
        if self._address is not None:
            wait = max(wait, self._address.bucket.wait())
        if wait == 0.0:
            self._own.take()
            if self._address is not None:
                self._address.bucket.take()
        return wait

    def owe(self, count: int) -> None:
        """Account for more lines, which were done with the last one; the next waits for them all.

        :param count: how many.
        """
        self._own.take(count)
        if self._address is not None:
            self._address.bucket.take(count)

    def spend_claim(self) -> None:
        """Account for a nickname offered, accepted or not: two lines of the address's, as joining
        and leaving are shown to everybody.

        :raises TooFast: if the address has to wait; nothing is used up.
        """
        if self._address is None:
            return
        bucket = self._address.bucket
        if wait := bucket.wait():
            raise _too_fast(wait)
        bucket.take()
        bucket.take()

    def refused_nick(self) -> None:
        """Account for a refused nickname.

        :raises Expelled: if there were too many.
        """
        self.tries -= 1
        if self.tries <= 0:
            raise Expelled(Code.NICK_TRIES, "Too many refused nicknames: connect again later.")


class Quotas:
    """All addresses and connections under the same limits.

    :param limits: what the operator allows.
    :param seconds: the monotonic clock.
    """

    def __init__(self, limits: Limits, seconds: Callable[[], float]) -> None:
        self._limits = limits
        self._seconds = seconds
        self._addresses: dict[str, _Address] = {}
        self._sweep_at = _SWEEP_AT

    def admit(self, host: str | None) -> Quota:
        """Count a new connection.

        :param host: the peer's IP address; None for peers without one (a unix socket), which are
            limited as persons but not as an address.
        :raises ChatError: TOO_MANY_CONNECTIONS.
        """
        limits = self._limits
        address = None if host is None else self._address(network_of(host))
        if address is not None:
            if address.connections >= limits.connections:
                raise ChatError(
                    Code.TOO_MANY_CONNECTIONS,
                    f"There are already {limits.connections:.0f} connections from your address: "
                    "close one first, or ask the operator for more.",
                )
            address.connections += 1
        own = TokenBucket(limits.burst, limits.rate, self._seconds)
        return Quota(own, address, limits.nick_tries)

    def release(self, quota: Quota) -> None:
        """Count a connection's end; what its address used up is remembered while it matters."""
        if quota._address is not None:
            quota._address.connections -= 1

    def own(self) -> TokenBucket:
        """Return what somebody may do who comes over many connections, as one person may."""
        return TokenBucket(self._limits.burst, self._limits.rate, self._seconds)

    def spend(self, host: str | None, own: TokenBucket | None = None) -> None:
        """Account for something done over no connection of its own, as for a line.

        :param own: of whoever does it; None for who is not known.
        :raises TooFast: if it must be refused; nothing is used up.
        """
        buckets = [] if own is None else [own]
        if host is not None:
            buckets.append(self._address(network_of(host)).bucket)
        if wait := max((bucket.wait() for bucket in buckets), default=0.0):
            raise _too_fast(wait)
        for bucket in buckets:
            bucket.take()

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._addresses)

    def _address(self, network: str) -> _Address:
        address = self._addresses.get(network)
        if address is None:
            if len(self._addresses) >= self._sweep_at:
                self._sweep()
            limits = self._limits
            bucket = TokenBucket(limits.burst * SHARED, limits.rate * SHARED, self._seconds)
            address = self._addresses[network] = _Address(bucket)
        return address

    def _sweep(self) -> None:
        """Forget addresses with nothing to remember; called ever more rarely as they grow."""
        self._addresses = {
            network: address
            for network, address in self._addresses.items()
            if address.connections or not address.bucket.full
        }
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._addresses))


def _too_fast(wait: float) -> TooFast:
    return TooFast(
        Code.TOO_FAST,
        "Not accepted, that was too fast: "
        f"send it again in {math.ceil(wait * 10) / 10:.1f} seconds.",
        wait,
    )


@lru_cache(maxsize=1024)
def network_of(host: str) -> str:
    """Return what counts as one address: IPv4 itself, of IPv6 the /64 network (RFC 6177).

    :param host: an IP address; an IPv4 address mapped into IPv6 counts as IPv4.
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return str(address)
