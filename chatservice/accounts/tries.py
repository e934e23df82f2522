"""How often somebody may try a password: for each address, and for each account, fed a clock.

Three a minute, and after three failures in a row an account takes the next after a wait that
doubles each time. Addresses that an account was logged in to from lately do not wait for what
others failed at, nor others for them: an attacker elsewhere cannot lock out the owner at home.
Knows no passwords, and not whether there is such an account.
"""

import math
from collections.abc import Callable
from typing import Final

from chatservice.errors import ChatError, Code
from chatservice.limits import Limits, TokenBucket

MINUTE: Final = 60.0
HOUR: Final = 3600.0

TRIES: Final = 3.0
"""Passwords that may be tried for one account in a minute."""

SHARED: Final = 10
"""So many times as many passwords may be checked for an address, the right ones included: each
takes time and memory, and people behind one address may all come at once."""

FREE: Final = 3
"""Failures in a row without a wait of their own."""

FIRST_WAIT: Final = 20.0
"""Seconds to wait after those; twice as long after each further one."""

LONGEST_WAIT: Final = 300.0
"""Seconds to wait at most."""

FORGET_AFTER: Final = HOUR
"""Seconds after the last try that failures are remembered."""

MOST_KNOWN: Final = 10_000
"""Accounts, and addresses, that are remembered; those that tried last."""


class _Target:
    """What was tried for one account."""

    __slots__ = ("at", "bucket", "failures", "until")

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.bucket = TokenBucket(TRIES, TRIES / MINUTE, seconds)
        self.failures = 0
        self.until = -math.inf
        self.at = seconds()


class Try:
    """One password that is being tried; counts as a failure until it turns out to be none."""

    def __init__(self, bucket: TokenBucket | None, target: _Target | None) -> None:
        self._bucket = bucket
        self._target = target

    def succeeded(self) -> None:
        """It was the right one: this counts for nothing, nor do the failures before."""
        self.void()
        if self._target is not None:
            self._target.failures, self._target.until = 0, -math.inf

    def void(self) -> None:
        """It could not be checked: this counts for nothing."""
        if self._bucket is not None:
            self._bucket.give_back()
        if self._target is not None:
            self._target.bucket.give_back()
            self._target.failures = max(0, self._target.failures - 1)
            if self._target.failures < FREE:
                self._target.until = -math.inf


class Tries:
    """What was tried from everywhere and for every account.

    :param limits: what one address may do.
    :param seconds: the monotonic clock.
    """

    def __init__(self, limits: Limits, seconds: Callable[[], float]) -> None:
        self._limits = limits
        self._seconds = seconds
        self._logins: dict[str, TokenBucket] = {}  # by network, the one used last at the end
        self._checks: dict[str, TokenBucket] = {}
        self._registrations: dict[str, TokenBucket] = {}
        self._targets: dict[tuple[str, str], _Target] = {}

    def login(self, network: str | None, name: str, known: bool) -> Try:
        """Take note that a password is tried.

        :param network: from where (limits.network_of); None from no network.
        :param name: the account's, folded, whether or not there is one.
        :param known: whether the account was logged in to from there lately.
        :raises ChatError: TOO_MANY_TRIES, with how long to wait; nothing is used up then.
        """
        bucket = checks = None
        if network is not None:
            most, per_second = self._limits.logins, self._limits.logins / MINUTE
            bucket = self._bucket(self._logins, network, most, per_second)
            checks = self._bucket(self._checks, network, SHARED * most, SHARED * per_second)
        target = self._target(name, (network or "local") if known else "")
        now = self._seconds()
        wait = max(target.bucket.wait(), target.until - now)
        if bucket is not None and checks is not None:
            wait = max(wait, bucket.wait(), checks.wait())
        _check(wait)
        if bucket is not None and checks is not None:
            bucket.take()
            checks.take()
        target.bucket.take()
        target.failures += 1
        target.at = now
        if target.failures >= FREE:
            doubled = FIRST_WAIT * 2.0 ** min(target.failures - FREE, 10)
            target.until = now + min(doubled, LONGEST_WAIT)
        return Try(bucket, target)

    def register(self, network: str | None) -> Try:
        """Take note that an account is registered.

        :raises ChatError: TOO_MANY_TRIES, with how long to wait; nothing is used up then.
        """
        if network is None:
            return Try(None, None)
        most = self._limits.registrations
        bucket = self._bucket(self._registrations, network, most, most / HOUR)
        _check(bucket.wait())
        bucket.take()
        return Try(bucket, None)

    def __len__(self) -> int:
        """Return how much is remembered."""
        buckets = len(self._logins) + len(self._checks) + len(self._registrations)
        return buckets + len(self._targets)

    def _bucket(
        self, buckets: dict[str, TokenBucket], network: str, burst: float, rate: float
    ) -> TokenBucket:
        bucket = buckets.pop(network, None) or TokenBucket(burst, rate, self._seconds)
        buckets[network] = bucket
        if len(buckets) > MOST_KNOWN:
            del buckets[next(iter(buckets))]
        return bucket

    def _target(self, name: str, network: str) -> _Target:
        target = self._targets.pop((name, network), None)
        if target is None or self._seconds() - target.at > FORGET_AFTER:
            target = _Target(self._seconds)
        self._targets[name, network] = target
        if len(self._targets) > MOST_KNOWN:
            del self._targets[next(iter(self._targets))]
        return target


def _check(wait: float) -> None:
    if wait > 0:
        seconds = math.ceil(wait)
        shown = f"{seconds} second{'' if seconds == 1 else 's'}"
        raise ChatError(Code.TOO_MANY_TRIES, f"Too many tries: wait {shown}, then try again.")
