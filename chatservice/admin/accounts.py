"""Accounts and sanctions, as an operator sees to them: beside a running chat, or before its first.

Passwords come from a terminal, unseen, or as a line on standard input; never from the command line,
where others could read them.
"""

import getpass
import math
import secrets
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher

from chatservice.accounts.accounts import ACCOUNT
from chatservice.accounts.markers import MARKERS
from chatservice.accounts.passwords import LONGEST, Kept, check_new, make_kept
from chatservice.accounts.tokens import TOKEN
from chatservice.admin.lines import shown
from chatservice.admin.opening import Refused, exists, opened, turn
from chatservice.admin.records import change, read_all
from chatservice.errors import ChatError
from chatservice.interfaces import Value
from chatservice.names import check_nick, fold, inbox, keys
from chatservice.people.account import (
    Account,
    Change,
    from_value,
    registered,
    removed,
    taken,
    with_password,
    with_role,
)
from chatservice.roles import Role
from chatservice.rooms.sanctions import SANCTION
from chatservice.store import tickets
from chatservice.store.database import FILE, prepare_directory
from chatservice.store.schema import prepare
from chatservice.text import clean

ROLES: Final = {"user": Role.USER, "admin": Role.ADMIN}
"""What an account may be; other roles belong to rooms."""

_MOST_BYTES: Final = 4 * LONGEST  # of a line that may be a password


def add(directory: Path, name: str, role: Role) -> str:
    """Make an account, and the chat's directory if there is none; return its name.

    :raises Refused: if it cannot be, or there is one, or one that looks the same.
    """
    with made_good():
        nick = check_nick(clean(name))
        if exists(directory):
            with opened(directory, writing=False) as db:
                check_free(db, nick)
        kept = _ask(nick)
        if not exists(directory):
            prepare_directory(directory)
            prepare(directory / FILE)
        now = time.time()
        account = Account(
            nick, inbox(secrets.token_hex(8)), kept.hashed, role, now, now, scram=kept.scram
        )
        with opened(directory, writing=True) as db:
            check_free(db, nick)
            change(db, ACCOUNT, fold(nick), registered(account))
    return nick


def set_password(directory: Path, name: str) -> str:
    """Change an account's password; return its name.

    :raises Refused: if there is no such account, or that cannot be a password.
    """
    with made_good():
        with opened(directory, writing=False) as db:
            account = find(db, name)
        if account.maker:
            raise Refused(f"{account.name} is a bot, which has no password: see chat-admin token")
        kept = _ask(account.name)
        return _change(directory, name, lambda now: with_password(now, *kept, alone=True))


def remove(directory: Path, name: str) -> str:
    """Remove an account; return its name.

    :raises Refused: if there is none.
    """
    with made_good(), opened(directory, writing=True) as db:
        account = find(db, name)
        change(db, ACCOUNT, fold(account.name), removed(account))
        change(db, MARKERS, account.identity, lambda _: None)
        for token in of_bot(db, account.identity):
            change(db, TOKEN, token, lambda _: None)
        with turn(db):  # nobody may come back as whom it was; a running chat does the same
            tickets.forget(db, account.identity)
    return account.name


def set_role(directory: Path, name: str, role: Role) -> str:
    """Change an account's role; return its name.

    :raises Refused: if there is no such account.
    """

    def change(account: Account) -> Change:
        if account.maker and role is Role.ADMIN:
            raise Refused(f"{account.name} is a bot: whoever has its token would be an admin")
        return with_role(account, role)

    return _change(directory, name, change)


@dataclass(frozen=True, slots=True)
class User:
    """An account as it is listed; times in seconds since 1970."""

    name: str
    role: str
    since: float
    seen: float
    password: bool
    bot: bool


def users(directory: Path) -> list[User]:
    """Return every account, in the order of the alphabet.

    :raises Refused: if the database cannot be used.
    """
    with opened(directory, writing=False) as db:
        every = sorted(_all(db), key=lambda account: fold(account.name))
    return [
        User(
            clean(one.name),
            one.role.label,
            one.since,
            max(one.since, one.seen),
            bool(one.password),
            bool(one.maker),
        )
        for one in every
    ]


def bans(directory: Path) -> list[dict[str, object]]:
    """Return every ban and mute that holds, those made first first.

    :raises Refused: if the database cannot be used.
    """
    now = time.time()
    with opened(directory, writing=False) as db:
        every = [{"id": key, **value} for key, value in read_all(db, SANCTION).items()]
    return sorted((one for one in every if _number(one, "until", math.inf) > now), key=_made)


def describe_ban(ban: Value) -> str:
    """Return a ban or mute as a line for people."""
    label = clean(str(ban.get("label") or ban.get("id") or "?"))
    words = [clean(str(ban.get("measure") or "ban")), label]
    if ban.get("room"):
        words.append(f"in {clean(str(ban['room']))}")
    until = _number(ban, "until", math.inf)
    words.append("for good" if until == math.inf else f"until {when(until)}")
    if ban.get("by"):
        words.append(f"by {clean(str(ban['by']))}")
    reason = clean(str(ban.get("reason") or ""))
    return " ".join(words) + (f": {reason}" if reason else "")


def _change(directory: Path, name: str, what: Callable[[Account], Change]) -> str:
    with made_good(), opened(directory, writing=True) as db:
        account = find(db, name)
        change(db, ACCOUNT, fold(account.name), what(account))
    return account.name


def find(db: sqlite3.Connection, name: str) -> Account:
    """Return the account of a name.

    :raises Refused: if there is none.
    """
    found = read_all(db, ACCOUNT).get(fold(name))
    if found is None:
        raise Refused(f"there is no account {shown(name)}: see chat-admin users")
    return _read(fold(name), found)


def of_bot(db: sqlite3.Connection, identity: str) -> list[str]:
    """Return the keys of a bot's tokens."""
    found = read_all(db, TOKEN)
    return [key for key, value in found.items() if value.get("bot") == identity]


def _all(db: sqlite3.Connection) -> list[Account]:
    return [_read(key, value) for key, value in read_all(db, ACCOUNT).items()]


def _read(key: str, value: Value) -> Account:
    try:
        return from_value(value)
    except (KeyError, TypeError, ValueError):
        raise Refused(f"the record of the account {shown(key)} cannot be read") from None


def check_free(db: sqlite3.Connection, nick: str) -> None:
    """Ask whether an account may be called so.

    :raises ChatError: if not.
    """
    wanted = keys(nick)
    for account in _all(db):
        if wanted & keys(account.name):
            raise taken(nick, account.name)


def _ask(nick: str) -> Kept:
    """Ask for a password; return what is to be kept of it.

    :raises Refused: if there is none, or they differ.
    :raises ChatError: if it cannot be one.
    """
    if sys.stdin.isatty():
        try:
            text = getpass.getpass(f"Password for {nick}: ")
            again = getpass.getpass("Once more: ")
        except EOFError:
            raise Refused("no password was given") from None
        if text != again:
            raise Refused("these are two different passwords: try again")
    else:
        line = sys.stdin.buffer.readline(_MOST_BYTES)
        if not line:
            raise Refused("no password was given: write it to standard input, as a line")
        text = line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")
    return make_kept(check_new(text, nick), PasswordHasher())


@contextmanager
def made_good() -> Iterator[None]:
    """Turn what the chat would refuse into what chat-admin refuses."""
    try:
        yield
    except ChatError as refusal:
        raise Refused(refusal.message.rstrip(".")) from None


def _number(record: Value, name: str, default: float) -> float:
    value = record.get(name)
    return float(value) if isinstance(value, int | float) else default


def _made(ban: Value) -> float:
    return _number(ban, "at", 0.0)


def when(at: float) -> str:
    """Return a time for people (UTC)."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return "?"
