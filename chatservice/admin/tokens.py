"""Bots and their tokens, as an operator sees to them: beside a running chat, or before its first.

A running chat tells the rooms, as soon as it knows or at its start.
"""

import secrets
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chatservice.accounts import tokens
from chatservice.accounts.accounts import ACCOUNT
from chatservice.accounts.tokens import MOST, MOST_ROOMS, TOKEN, Token
from chatservice.admin.accounts import check_free, find, made_good, of_bot, when
from chatservice.admin.lines import shown
from chatservice.admin.opening import Refused, opened
from chatservice.admin.records import change, read_all
from chatservice.names import LOBBY, check_nick, check_room, fold, inbox
from chatservice.people.account import OPERATOR, Account, registered, removed
from chatservice.rooms.charters import ROOM
from chatservice.store import rows
from chatservice.text import clean


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot with its token as it is listed; times in seconds since 1970, 0 for never."""

    name: str
    rooms: list[str]
    read: bool
    write: bool
    by: str
    at: float
    used: float


def add(directory: Path, name: str, rooms: Sequence[str], read: bool, write: bool) -> str:
    """Let a bot into rooms; one that is there gets a new token instead of the one before.

    :returns: the token.
    :raises Refused: if that cannot be.
    """
    with made_good(), opened(directory, writing=True) as db:
        nick = check_nick(clean(name))
        since = {room: _since(db, room) for room in map(check_room, rooms)}
        if len(since) > MOST_ROOMS:
            raise Refused(f"a token is for {MOST_ROOMS} rooms at most: make another bot as well")
        if len(read_all(db, TOKEN)) >= MOST:
            raise Refused(f"there are {MOST:,} tokens, more cannot be: revoke one")
        account = _bot(db, nick)
        before = of_bot(db, account.identity)
        secret, token = tokens.make(account, OPERATOR, since, read, write, time.time(), told=False)
        change(db, TOKEN, token.key, lambda _: token.to_value())
        for key in before:
            change(db, TOKEN, key, lambda _: None)
    return secret


def revoke(directory: Path, name: str) -> str:
    """End a bot and its tokens; return its name.

    :raises Refused: if there is none.
    """
    with made_good(), opened(directory, writing=True) as db:
        account = find(db, name)
        if not account.maker:
            raise Refused(f"{account.name} is no bot: see chat-admin token list")
        # In this order: a running chat removes bots without a token by itself.
        change(db, ACCOUNT, fold(account.name), removed(account))
        for key in of_bot(db, account.identity):
            change(db, TOKEN, key, lambda _: None)
    return account.name


def listed(directory: Path) -> list[Bot]:
    """Return every bot that has a token, those whose token was made first first.

    :raises Refused: if the database cannot be used.
    """
    with opened(directory, writing=False) as db:
        names = {str(v.get("identity")): str(v.get("name")) for v in read_all(db, ACCOUNT).values()}
        found = [_read(key, value) for key, value in read_all(db, TOKEN).items()]
    return [
        Bot(clean(names[one.bot]), [*one.rooms], one.read, one.write, one.by, one.at, one.used)
        for one in sorted(found, key=lambda token: token.at)
        if one.bot in names
    ]


def describe(bot: Bot) -> str:
    """Return a bot as a line for people."""
    rights = " and ".join(["read"] * bot.read + ["write"] * bot.write)
    used = f"last used {when(bot.used)}" if bot.used else "never used"
    rooms, by = clean(" ".join(bot.rooms)), clean(bot.by)
    return f"{bot.name}  may {rights} in {rooms}  made by {by} {when(bot.at)}  {used}"


def _bot(db: sqlite3.Connection, nick: str) -> Account:
    """Return the bot of a name, made if there is nobody of that name.

    :raises ChatError: if the name is somebody else's.
    """
    if fold(nick) in read_all(db, ACCOUNT):
        account = find(db, nick)
        if account.maker:
            return account
    check_free(db, nick)
    now = time.time()
    account = Account(nick, inbox(secrets.token_hex(8)), since=now, seen=now, maker=OPERATOR)
    change(db, ACCOUNT, fold(nick), registered(account))
    return account


def _since(db: sqlite3.Connection, room: str) -> float:
    """Return since when a room is there, as the chat knows it.

    :raises Refused: if it is not one that is kept.
    """
    charter = read_all(db, ROOM).get(room)
    if charter is None and (room == LOBBY or rows.room_id(db, room) is not None):
        return 0.0  # good if it is the lobby, of which nothing was decided yet
    if charter is None or charter.get("registered") is not True:
        raise Refused(
            f"there is no room {shown(room)} that is kept: somebody who has an account makes it "
            f"with /join {room}"
        )
    return float(str(charter.get("since", 0.0)))


def _read(key: str, value: object) -> Token:
    try:
        return Token.from_value(key, value)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError):
        raise Refused(f"the token {shown(key)} cannot be read: see chat-admin check") from None
