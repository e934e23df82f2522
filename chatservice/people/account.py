"""One account, the record that it is kept as, and what changes make of that.

All pure: the chat (accounts/accounts.py) and chat-admin use the same functions.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Final

from chatservice.errors import ChatError, Code
from chatservice.interfaces import Value
from chatservice.names import fold
from chatservice.roles import Role

MOST_CERTIFICATES: Final = 8
"""Certificates that one account may be known by."""

MOST_NETWORKS: Final = 4
"""Networks from which an account was logged in to that it remembers."""

OPERATOR: Final = "operator"
"""Who made a bot with chat-admin. No identity is this word."""

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
    :ivar certificates: the fingerprints of certificates that prove the same as the password.
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
    certificates: tuple[str, ...] = ()


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
        certificates=tuple(map(str, account.certificates)),
    )


def to_value(account: Account) -> Value:
    """Return an account as a record holds it."""
    lists = {"networks": [*account.networks], "certificates": [*account.certificates]}
    return {**asdict(account), "role": account.role.name, **lists}


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


def with_password(
    account: Account, password: str, scram: str, before: str | None = None, alone: bool = False
) -> Change:
    """Return the change of a password.

    :param password: the new hash.
    :param scram: the new verifier.
    :param before: the hash that it replaces; None for whichever there is.
    :param alone: whether nothing else, no certificate, proves the same from then on.
    """

    def how(value: Value) -> Value:
        if before is not None and value.get("password", "") != before:
            raise ChatError(Code.BUSY, "The password was changed meanwhile: log in again.")
        certificates = [] if alone else [*from_value(value).certificates]
        return {**value, "password": password, "scram": scram, "certificates": certificates}

    return _of(account, how)


def with_certificate(account: Account, fingerprint: str) -> Change:
    """Return the change that lets an account be known by a certificate."""

    def how(value: Value) -> Value:
        known = from_value(value).certificates
        if fingerprint in known:
            return value
        if len(known) >= MOST_CERTIFICATES:
            text = f"There are {MOST_CERTIFICATES} certificates already: /cert remove one first."
            raise ChatError(Code.TOO_MUCH, text)
        return {**value, "certificates": [*known, fingerprint]}

    return _of(account, how)


def without_certificate(account: Account, fingerprint: str) -> Change:
    """Return the change that lets an account be known by a certificate no more."""

    def how(value: Value) -> Value:
        known = from_value(value).certificates
        return {**value, "certificates": [one for one in known if one != fingerprint]}

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
    return _of(account, lambda value: None if expired(from_value(value), since) else value)


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


def expired(account: Account, since: float) -> bool:
    return account.role is not Role.ADMIN and max(account.seen, account.since) < since


def _finite(number: object) -> float:
    value = float(number)  # type: ignore[arg-type]
    if not math.isfinite(value):
        raise ValueError("not a number")
    return value
