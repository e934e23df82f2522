"""Tokens of bots: which bot each one is, in which rooms it may read or write, and who made it.

A token is 256 random bits. What is kept is its digest (SHA-256: nobody guesses 256 bits, so it need
not be a slow one), which is the record's key; so finding a token compares no secrets. Knows nobody
who is here and no rooms but their names.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.accounts.accounts import Accounts
from chatservice.errors import ChatError, Code
from chatservice.interfaces import IRecords, Value
from chatservice.people.account import Account

TOKEN: Final = "token"  # noqa: S105
"""The kind of record that a token is; its key is the token's digest."""

PREFIX: Final = "chat_"
"""How a token begins, so that people and programs that look for leaked ones know it."""

MOST_OWN: Final = 50
"""Tokens that one account may have made."""

MOST: Final = 10_000
"""Tokens there may be."""

MOST_ROOMS: Final = 20
"""Rooms that one token may be for."""

RARELY: Final = 3600.0
"""Seconds in which it is noted once that a token was used."""

_FORM: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token.

    :ivar key: the record's key: the digest.
    :ivar bot: the identity of the bot that it is.
    :ivar maker: the identity of who made it, or accounts.OPERATOR.
    :ivar by: that one's name then.
    :ivar rooms: in which rooms it is good, and since when each was there (Charter.since): a later
        room of the same name is another.
    :ivar read: whether it may read there.
    :ivar write: whether it may write there.
    :ivar at: when it was made, seconds since 1970.
    :ivar used: when it was used last, about; 0 for never.
    :ivar told: whether its rooms have been told of it; chat-admin cannot tell them.
    """

    key: str
    bot: str
    maker: str
    by: str
    rooms: Mapping[str, float]
    read: bool
    write: bool
    at: float
    used: float = 0.0
    told: bool = True

    @property
    def rights(self) -> str:
        """What it may do, in words."""
        return " and ".join(["read"] * self.read + ["write"] * self.write)

    def to_value(self) -> Value:
        """Return what is kept of it under its key."""
        value = asdict(self)
        del value["key"]
        return value

    @classmethod
    def from_value(cls, key: str, value: Value) -> "Token":
        """Return what was kept.

        :raises KeyError, TypeError, ValueError: if that is no token.
        """
        rooms = value["rooms"]
        if not isinstance(rooms, Mapping):
            raise TypeError("rooms are not an object")
        return cls(
            key=key,
            bot=str(value["bot"]),
            maker=str(value["maker"]),
            by=str(value["by"]),
            rooms={str(room): float(str(since)) for room, since in rooms.items()},
            read=value["read"] is True,
            write=value["write"] is True,
            at=float(str(value["at"])),
            used=float(str(value.get("used", 0.0))),
            told=value.get("told", True) is True,
        )


class Tokens:
    """Every token, at hand.

    :param records: where they are kept.
    :param accounts: the bots' among others; a token ends with its bot's.
    """

    def __init__(self, records: IRecords, accounts: Accounts) -> None:
        self._records = records
        self._accounts = accounts
        self._tokens: dict[str, Token] = {}
        self._in_room: dict[str, dict[str, Token]] = {}
        self._watchers: list[Callable[[Token | None, Token | None], None]] = []
        records.watch(TOKEN, self._learn)
        accounts.watch(self._account_changed)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._tokens)

    def find(self, secret: str) -> tuple[Token, Account]:
        """Return a token and the bot that it is.

        :raises ChatError: BAD_TOKEN.
        """
        token = self._tokens.get(digest(secret)) if _FORM.fullmatch(secret) else None
        account = None if token is None else self._accounts.of(token.bot)
        if token is None or account is None:
            raise ChatError(
                Code.BAD_TOKEN,
                "That token is not known, or was revoked: an op of the room makes one in the chat, "
                "with /token NAME #ROOM.",
            )
        return token, account

    def get(self, key: str) -> Token | None:
        """Return the token of a key, if it is still good."""
        return self._tokens.get(key)

    def of(self, bot: str) -> list[Token]:
        """Return the tokens of a bot's identity."""
        return [token for token in self._tokens.values() if token.bot == bot]

    def all(self) -> Iterable[Token]:
        """Return all, those made first first."""
        return sorted(self._tokens.values(), key=lambda token: token.at)

    def of_room(self, room: str) -> list[Token]:
        """Return those that name a room."""
        return [*self._in_room.get(room, {}).values()]

    def watch(self, learn: Callable[[Token | None, Token | None], None]) -> None:
        """Call back with every token as it was and as it is now, whenever one has changed."""
        self._watchers.append(learn)

    # Changes. They fail with ChatError, and then nothing has changed.

    def check_another(self, maker: str) -> None:
        """Ask whether somebody may make one more.

        :param maker: the identity.
        :raises ChatError: TOO_MUCH.
        """
        if sum(token.maker == maker for token in self._tokens.values()) >= MOST_OWN:
            text = f"You have made {MOST_OWN} tokens, more cannot be: /token revoke NAME ends one."
            raise ChatError(Code.TOO_MUCH, text)
        if len(self._tokens) >= MOST:
            text = f"There are {MOST:,} tokens, more cannot be: ask the operator."
            raise ChatError(Code.TOO_MUCH, text)

    def add(self, token: Token) -> Deferred[Value | None]:
        """Let a token be good."""
        return self._records.change(TOKEN, token.key, lambda _: token.to_value())

    def end(self, token: Token) -> Deferred[Value | None]:
        """Let a token be good no more."""
        return self._records.change(TOKEN, token.key, lambda _: None)

    def take_out(self, token: Token, room: str) -> Deferred[Value | None]:
        """Let a token be good in a room no more; without any room it ends."""
        return self._records.change(TOKEN, token.key, without(room))

    def note(self, token: Token, now: float) -> Deferred[Value | None]:
        """Note that a token was used just now."""
        return self._update(token, used=now)

    def tell(self, token: Token) -> Deferred[Value | None]:
        """Note that a token's rooms have been told of it."""
        return self._update(token, told=True)

    def _update(self, token: Token, **fields: object) -> Deferred[Value | None]:
        def how(value: Value | None) -> Value | None:
            return None if value is None else {**value, **fields}

        return self._records.change(TOKEN, token.key, how)

    # Inside.

    def _learn(self, key: str, value: Value | None) -> None:
        """Take what is in the records now.

        :raises KeyError, TypeError, ValueError: if that is no token; then none is good.
        """
        old = self._tokens.pop(key, None)
        for room in () if old is None else old.rooms:
            self._in_room[room].pop(key, None)
            if not self._in_room[room]:
                del self._in_room[room]
        try:
            new = None if value is None else Token.from_value(key, value)
            if new is not None:
                self._tokens[key] = new
                for room in new.rooms:
                    self._in_room.setdefault(room, {})[key] = new
        finally:
            for learn in self._watchers:
                learn(old, self._tokens.get(key))

    def _account_changed(self, old: Account | None, new: Account | None) -> None:
        if old is None or not old.maker or (new is not None and new.identity == old.identity):
            return
        for token in self.of(old.identity):
            self.end(token).addErrback(lambda _: None)  # without its bot it is good for nothing


def digest(secret: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def make(
    account: Account,
    by: str,
    rooms: Mapping[str, float],
    read: bool,
    write: bool,
    now: float,
    told: bool = True,
) -> tuple[str, Token]:
    """Return a new token, and what is to be kept of it.

    :param account: the bot's.
    :param by: the name of who makes it.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    key = digest(secret)
    return secret, Token(key, account.identity, account.maker, by, rooms, read, write, now, 0, told)


def without(room: str) -> Callable[[Value | None], Value | None]:
    """Return the change of a token that is good in a room no more."""

    def how(value: Value | None) -> Value | None:
        if value is None:
            return None
        token = Token.from_value("", value)
        left = {name: since for name, since in token.rooms.items() if name != room}
        return replace(token, rooms=left).to_value() if left else None

    return how
