"""Registered nicknames: who owns them, and what is kept for their owners."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chatservice.interfaces import IRecords, Value
from chatservice.names import fold, keys
from chatservice.roles import Role

ACCOUNT: Final = "account"
"""The kind of record (interfaces.IRecords) that an account is; its key is the folded name."""


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
    """

    name: str
    identity: str
    password: str = ""
    role: Role = Role.USER
    since: float = 0.0
    seen: float = 0.0
    read: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)


class Accounts:
    """Every account, at hand.

    :param records: where they are kept.
    """

    def __init__(self, records: IRecords) -> None:
        self._records = records
        self._accounts: dict[str, Account] = {}  # by folded name
        self._owners: dict[str, Account] = {}  # by everything that looks like the name
        self._by_identity: dict[str, Account] = {}
        records.watch(ACCOUNT, self._learn)

    def find(self, name: str) -> Account | None:
        """Return the account of this name, however it is capitalised."""
        return self._accounts.get(fold(name))

    def owner(self, nick: str) -> Account | None:
        """Return the account that a nickname belongs to, or looks as if it did."""
        return next((self._owners[key] for key in sorted(keys(nick)) if key in self._owners), None)

    def of(self, identity: str) -> Account | None:
        """Return the account with an identity."""
        return self._by_identity.get(identity)

    def _learn(self, key: str, value: Value | None) -> None:
        """Take what is in the records now."""
        old = self._accounts.pop(key, None)
        if old is not None:
            del self._by_identity[old.identity]
            for name in keys(old.name):
                if self._owners.get(name) is old:
                    del self._owners[name]
        if value is None:
            return
        account = Account(**{**value, "role": Role[str(value["role"])]})  # type: ignore[arg-type]
        self._accounts[key] = self._by_identity[account.identity] = account
        for name in keys(account.name):
            self._owners.setdefault(name, account)
