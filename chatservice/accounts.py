"""Registered nicknames: who owns them, and what is kept for their owners.

All are in memory, as the records have them; whatever is changed here is changed there and comes
back from there. What a change makes of a record is a pure function at this module's end, which
chat-admin uses as well. Knows no passwords but their hashes, and nobody who is here.
"""

import json
import math
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Final

from twisted.internet.defer import Deferred, fail, succeed

from chatservice.errors import ChatError, Code
from chatservice.interfaces import IRecords, Value
from chatservice.names import fold, keys
from chatservice.roles import Role

ACCOUNT: Final = "account"
"""The kind of record (interfaces.IRecords) that an account is; its key is the folded name."""

MOST_ACCOUNTS: Final = 100_000
"""Accounts that people may register."""

MOST_SETTINGS: Final = 8192
"""How long the settings of one account may be, in characters of JSON."""

MOST_NETWORKS: Final = 4
"""Networks from which an account was logged in to that it remembers."""

OPERATOR: Final = "operator"
"""Who made a bot with chat-admin. No identity is this word."""

OFTEN: Final = 60.0
"""Seconds in which it is noted once that somebody was here."""

Change = Callable[[Value | None], Value | None]
"""What becomes of a record; see IRecords.change."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may prove who it is.

    :ivar name: the registered nickname, as written.
    :ivar identity: its inbox, which is also its identity in events (Event.by), for ever; whoever is
        logged in has it for person.inbox.
    :ivar password: the password's hash (argon2id, PHC string); "" if it cannot be proved here.
    :ivar role: USER or ADMIN.
    :ivar since: when it was registered, seconds since 1970.
    :ivar seen: when it was last here.
    :ivar read: the number of the last event in its inbox that its owner was given.
    :ivar settings: what the owner chose, by name.
    :ivar networks: digests of the networks that it was logged in to from, the last one last.
    :ivar maker: if it is a bot, the identity of who made it, or OPERATOR; "" for people.
    :ivar scram: what is kept of the password besides (scram.Verifier); "" until it is used again.
    """

    name: str
    identity: str
    password: str = field(default="", repr=False)
    role: Role = Role.USER
    since: float = 0.0
    seen: float = 0.0
    read: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)
    networks: tuple[str, ...] = ()
    maker: str = ""
    scram: str = field(default="", repr=False)


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
        old = [account for account in self._accounts.values() if _expired(account, since)]
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
            for name in keys(old.name):
                if self._owners.get(name) is old:
                    del self._owners[name]
        if new is not None:
            self._accounts[key] = self._by_identity[new.identity] = new
            for name in keys(new.name):
                self._owners.setdefault(name, new)
        for learn in self._watchers:
            learn(old, new)


# Records, and what becomes of them: pure.


def from_value(value: Value) -> Account:
    """Return the account that a record holds; what is not known here is left out.

    :raises KeyError, TypeError, ValueError: if it holds none.
    """
    known = {one.name: value[one.name] for one in fields(Account) if one.name in value}
    account = Account(**known)  # type: ignore[arg-type]
    return Account(
        name=str(account.name),
        identity=str(account.identity),
        password=str(account.password),
        role=Role[str(known.get("role", "USER"))],
        since=_finite(account.since),
        seen=_finite(account.seen),
        read=int(account.read),
        settings=dict(account.settings),
        networks=tuple(map(str, account.networks)),
        maker=str(account.maker),
        scram=str(account.scram),
    )


def to_value(account: Account) -> Value:
    """Return an account as a record holds it."""
    return {**asdict(account), "role": account.role.name, "networks": [*account.networks]}


def registered(account: Account) -> Change:
    """Return the change that makes an account, if there is none of its name."""

    def how(value: Value | None) -> Value:
        if value is not None:
            raise taken(account.name, str(value.get("name", account.name)))
        return to_value(account)

    return how


def with_settings(account: Account, settings: Mapping[str, object]) -> Change:
    """Return the change that keeps settings; None forgets one."""

    def how(value: Value) -> Value:
        kept = value.get("settings")
        merged = {**(kept if isinstance(kept, Mapping) else {}), **settings}
        return {**value, "settings": {k: v for k, v in merged.items() if v is not None}}

    return _of(account, how)


def with_password(account: Account, password: str, scram: str, before: str | None = None) -> Change:
    """Return the change of a password.

    :param password: the new hash.
    :param scram: the new verifier.
    :param before: the hash that it replaces; None for whichever there is.
    """

    def how(value: Value) -> Value:
        if before is not None and value.get("password", "") != before:
            raise ChatError(Code.BUSY, "The password was changed meanwhile: log in again.")
        return {**value, "password": password, "scram": scram}

    return _of(account, how)


def with_role(account: Account, role: Role) -> Change:
    """Return the change of a role."""
    return _of(account, lambda value: {**value, "role": role.name})


def removed(account: Account) -> Change:
    """Return the change that removes an account."""
    return _of(account, lambda value: None)


def seen(account: Account, now: float, read: int, network: str) -> Change:
    """Return the change that notes that the owner was here."""

    def how(value: Value) -> Value:
        current = from_value(value)
        known = [one for one in current.networks if one != network]
        if network:
            known = [*known, network][-MOST_NETWORKS:]
        at = max(now, current.seen)
        return {**value, "seen": at, "read": max(read, current.read), "networks": known}

    return _of(account, how)


def without_expired(account: Account, since: float) -> Change:
    """Return the change that removes an account whose owner was not seen since a time."""
    return _of(account, lambda value: None if _expired(from_value(value), since) else value)


def taken(name: str, owner: str) -> ChatError:
    """Return the refusal to register a nickname that is another's, or looks as if it were."""
    looks = "" if fold(name) == fold(owner) else ", and it would look the same"
    return ChatError(Code.NICK_REGISTERED, f"{owner} is registered already{looks}.")


def _of(account: Account, how: Callable[[Value], Value | None]) -> Change:
    """Let a change be one of this very account, not of a later one of the same name."""

    def checked(value: Value | None) -> Value | None:
        if value is None or value.get("identity") != account.identity:
            raise ChatError(Code.NO_SUCH_NICK, f"There is no account {account.name} any more.")
        return how(value)

    return checked


def _expired(account: Account, since: float) -> bool:
    return account.role is not Role.ADMIN and max(account.seen, account.since) < since


def _finite(number: object) -> float:
    value = float(number)  # type: ignore[arg-type]
    if not math.isfinite(value):
        raise ValueError("not a number")
    return value
