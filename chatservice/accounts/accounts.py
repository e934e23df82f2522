"""Registered nicknames: who owns them, and what is kept for their owners.

All are in memory, as the records have them; whatever is changed here is changed there and comes
back from there. What a change makes of a record stands in people/account.py. Knows no passwords
but their hashes, and nobody who is here.
"""

import json
import time
from collections.abc import Callable, Container
from typing import Final

from twisted.internet.defer import Deferred, fail, succeed

from chatservice.errors import ChatError, Code
from chatservice.interfaces import IRecords, Value
from chatservice.names import fold, keys
from chatservice.people.account import (
    Account,
    Change,
    expired,
    from_value,
    registered,
    removed,
    seen,
    taken,
    with_certificate,
    with_password,
    with_settings,
    without_certificate,
    without_expired,
)
from chatservice.roles import Role

ACCOUNT: Final = "account"
"""The kind of record (interfaces.IRecords) that an account is; its key is the folded name."""

MOST_ACCOUNTS: Final = 100_000
"""Accounts that people may register."""

MOST_SETTINGS: Final = 8192
"""How long the settings of one account may be, in characters of JSON."""

OFTEN: Final = 60.0
"""Seconds in which it is noted once that somebody was here."""


class Accounts:
    """Every account, at hand.

    :param records: where they are kept.
    :param now: the wall clock, seconds since 1970.
    """

    def __init__(self, records: IRecords, now: Callable[[], float] = time.time) -> None:
        self._records = records
        self._now = now
        self._accounts: dict[str, Account] = {}  # by folded name
        self._owners: dict[str, Account] = {}  # by everything that looks like the name
        self._by_identity: dict[str, Account] = {}
        self._by_certificate: dict[str, Account] = {}
        self._registering: set[str] = set()  # what looks like names that are on their way
        self._watchers: list[Callable[[Account | None, Account | None], None]] = []
        records.watch(ACCOUNT, self._learn)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._accounts)

    @property
    def identities(self) -> Container[str]:
        """The identities of all accounts, always as of now."""
        return self._by_identity.keys()

    def find(self, name: str) -> Account | None:
        """Return the account of this name, however it is capitalised."""
        return self._accounts.get(fold(name))

    def owner(self, nick: str) -> Account | None:
        """Return the account that a nickname belongs to, or looks as if it did."""
        if not self._owners:  # nobody is registered: nothing to look for
            return None
        return next((self._owners[key] for key in sorted(keys(nick)) if key in self._owners), None)

    def of(self, identity: str) -> Account | None:
        """Return the account with an identity."""
        return self._by_identity.get(identity)

    def certified(self, fingerprint: str) -> Account | None:
        """Return the account that is known by a certificate."""
        return self._by_certificate.get(fingerprint)

    def watch(self, learn: Callable[[Account | None, Account | None], None]) -> None:
        """Call back with every account as it was and as it is now, whenever one has changed.

        :param learn: called with None for one that was not there, or is there no more.
        """
        self._watchers.append(learn)

    # Changes. They fail with ChatError, and then nothing has changed.

    def register(
        self,
        name: str,
        identity: str,
        password: str = "",
        role: Role = Role.USER,
        maker: str = "",
        scram: str = "",
    ) -> Deferred[Account]:
        """Make an account. Of all who want the same name, or a look-alike, one gets it.

        :param name: in its normal form (names.check_nick).
        :param password: its hash; "" if it is proved elsewhere.
        :param maker: see Account.
        :param scram: see Account.
        """
        wanted = keys(name)
        if (owner := self.owner(name)) is not None:
            return fail(taken(name, owner.name))
        if wanted & self._registering:
            return fail(taken(name, name))
        if len(self._accounts) >= MOST_ACCOUNTS:
            text = f"There are {MOST_ACCOUNTS:,} accounts, more cannot be: ask the operator."
            return fail(ChatError(Code.TOO_MUCH, text))
        now = self._now()
        account = Account(name, identity, password, role, now, now, maker=maker, scram=scram)
        self._registering |= wanted

        def done(result: object) -> object:
            self._registering -= wanted
            return result

        made = self._records.change(ACCOUNT, fold(name), registered(account)).addBoth(done)
        return made.addCallback(lambda _: account)

    def remember(self, identity: str, **settings: object) -> Deferred[None]:
        """Keep settings of an account's owner; of a guest nothing is kept.

        :param settings: what JSON can hold; None forgets one.
        """
        account = self.of(identity)
        if account is None:
            return succeed(None)
        merged = {**account.settings, **settings}
        if len(json.dumps(merged)) > MOST_SETTINGS:
            return fail(
                ChatError(Code.TOO_MUCH, "That is more than is kept for you: forget something.")
            )
        return self._change(account, with_settings(account, settings))

    def note(self, identity: str, read: int | None = None, network: str = "") -> Deferred[None]:
        """Note that an account's owner was here just now; nothing to do if it has none.

        :param read: the number of the last event in its inbox that it was given, if that is known.
        :param network: the digest of the network that it logged in from.
        """
        account, now = self.of(identity), self._now()
        if account is None:
            return succeed(None)
        changed = (read or 0) > account.read or (network and network not in account.networks)
        if not changed and 0 <= now - account.seen < OFTEN:
            return succeed(None)
        return self._change(account, seen(account, now, read or 0, network))

    def set_password(self, account: Account, password: str, scram: str = "") -> Deferred[None]:
        """Put another hash in the place of an account's, if that has not changed meanwhile."""
        return self._change(account, with_password(account, password, scram, account.password))

    def add_certificate(self, account: Account, fingerprint: str) -> Deferred[None]:
        """Let an account be known by a certificate, too.

        :param fingerprint: SHA-256, hexadecimal.
        """
        known = self.certified(fingerprint)
        if known is not None and known.identity != account.identity:
            text = f"That certificate is {known.name}'s already: /cert remove it there first."
            return fail(ChatError(Code.NOT_ALLOWED, text))
        return self._change(account, with_certificate(account, fingerprint))

    def remove_certificate(self, account: Account, fingerprint: str) -> Deferred[None]:
        """Let an account be known by a certificate no more."""
        return self._change(account, without_certificate(account, fingerprint))

    def remove(self, account: Account) -> Deferred[None]:
        """Remove an account."""
        return self._change(account, removed(account))

    def expire(self, since: float, here: Callable[[str], object]) -> Deferred[int]:
        """Remove accounts whose owners were not seen since a time; never admins.

        :param here: tells of an identity whether it is here now: then it stays.
        :returns: how many that were.
        """
        return Deferred.fromCoroutine(self._expire(since, here))

    async def _expire(self, since: float, here: Callable[[str], object]) -> int:
        old = [account for account in self._accounts.values() if expired(account, since)]
        count = 0
        for account in old:
            if not here(account.identity):
                left = await self._records.change(
                    ACCOUNT, fold(account.name), without_expired(account, since)
                )
                count += left is None
        return count

    def _change(self, account: Account, how: Change) -> Deferred[None]:
        changed = self._records.change(ACCOUNT, fold(account.name), how)
        return changed.addCallback(lambda _: None)

    def _learn(self, key: str, value: Value | None) -> None:
        """Take what is in the records now.

        :raises KeyError, TypeError, ValueError: if that is no account; then the old one stays.
        """
        new = None if value is None else from_value(value)
        old = self._accounts.pop(key, None)
        if old is not None:
            self._by_identity.pop(old.identity, None)
            for fingerprint in old.certificates:
                if self._by_certificate.get(fingerprint) is old:
                    del self._by_certificate[fingerprint]
            for name in keys(old.name):
                if self._owners.get(name) is old:
                    del self._owners[name]
        if new is not None:
            self._accounts[key] = self._by_identity[new.identity] = new
            for name in keys(new.name):
                self._owners.setdefault(name, new)
            for fingerprint in new.certificates:
                self._by_certificate.setdefault(fingerprint, new)
        for learn in self._watchers:
            learn(old, new)
