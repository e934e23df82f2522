"""Who wants something with a token, and whether it may: asked of every request; streams anew.

Here a bot is looked at as somebody who could be in the chat, so that bans, rights and limits are
those of people.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple, cast

from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.accounts.logins import is_local
from chatservice.accounts.tokens import RARELY, Token
from chatservice.bots.bots import Bots
from chatservice.errors import ChatError, Code
from chatservice.interfaces import IMember
from chatservice.limits import TokenBucket
from chatservice.parts import Parts
from chatservice.people.account import Account
from chatservice.people.person import Person
from chatservice.rooms.room import Room
from chatservice.rooms.sanction import EVERYWHERE, Measure

_NOWHERE: Final = cast("IMember", None)  # it is answered by whoever asks for it here


class Caller(NamedTuple):
    """Who wants something.

    :ivar secret: the token.
    :ivar host: the IP address; None for who has none.
    :ivar encrypted: whether nobody between can read what it says.
    """

    secret: str
    host: str | None
    encrypted: bool


class Callers:
    """Everybody with a token.

    :param closing: tells whether the end of the chat has begun.
    """

    _log = Logger()

    def __init__(self, parts: Parts, bots: Bots, closing: Callable[[], bool]) -> None:
        self._now = parts.now
        self._accounts = parts.accounts
        self._quotas = parts.quotas
        self._admission = parts.rooms.admission
        self._tokens = parts.tokens_of_bots
        self._bots = bots
        self._closing = closing
        self._buckets: dict[str, TokenBucket] = {}  # by the token's key
        self._noted: dict[str, float] = {}  # when its last use was noted
        self._tokens.watch(self._token_changed)

    def wrong(self, host: str | None) -> None:
        """Account for a request without a token that is known.

        :raises TooFast: if there were too many from an address.
        """
        self._quotas.spend(host)

    def enter(self, caller: Caller, room: str, writing: bool) -> tuple[Token, Person, Room]:
        """Count what is asked for; see check.

        :raises ChatError: TOO_FAST, CLOSING, and see check.
        """
        if self._closing():
            raise ChatError(Code.CLOSING, "The server is closing: try again later.")
        try:
            token, account = self._tokens.find(caller.secret)
        except ChatError:
            self._quotas.spend(caller.host)  # guessing is not for nothing
            raise
        bucket = self._buckets.get(token.key)
        if bucket is None:
            bucket = self._buckets[token.key] = self._quotas.own()
        self._quotas.spend(caller.host, bucket)
        allowed = self.check(caller, room, writing)
        self._note(token, account)
        return allowed

    def note(self, caller: Caller) -> None:
        """Note that a token is still in use."""
        with suppress(ChatError):
            self._note(*self._tokens.find(caller.secret))

    def check(self, caller: Caller, name: str, writing: bool) -> tuple[Token, Person, Room]:
        """Return who it is and where, if it may do that there.

        :raises ChatError: BAD_TOKEN, NOT_ALLOWED, NO_SUCH_ROOM, BANNED, MUTED or NEEDS_ENCRYPTION.
        """
        token, account = self._tokens.find(caller.secret)
        if name not in token.rooms:
            rooms = ", ".join(token.rooms) or "no room"
            raise ChatError(Code.NOT_ALLOWED, f"This token is not for {name} but for {rooms}.")
        if not (token.write if writing else token.read):
            text = f"This token may only {token.rights}: have an op make another, with /token."
            raise ChatError(Code.NOT_ALLOWED, text)
        room = self._bots.place(token, name)
        if room is None:
            text = f"{name} is not the room any more that this token was made for."
            raise ChatError(Code.NO_SUCH_ROOM, text)
        person = self._person(account, caller)
        self._admission.come_back(person, room)
        self._check_maker(account, room, writing)
        return token, person, room

    def heard(self, person: Person, room: Room) -> bool:
        """Tell whether others hear a bot, as far as it depends on who made it."""
        maker = None if person.account is None else self._accounts.of(person.account.maker)
        return maker is None or self._admission.stopped(maker, room, Measure.SHADOW) is None

    # Inside.

    def _note(self, token: Token, account: Account) -> None:
        now = self._now()
        if not 0 <= now - max(token.used, self._noted.get(token.key, 0.0)) < RARELY:
            self._noted[token.key] = now
            self._tokens.note(token, now).addErrback(self._not_noted)
            self._accounts.note(account.identity).addErrback(self._not_noted)

    def _token_changed(self, old: Token | None, new: Token | None) -> None:
        if new is None and old is not None:
            self._buckets.pop(old.key, None)
            self._noted.pop(old.key, None)

    def _check_maker(self, account: Account, room: Room, writing: bool) -> None:
        """Ask whether a bot may do what its maker may not: nobody goes on by a program of its own.

        :raises ChatError: BANNED or MUTED.
        """
        maker = self._accounts.of(account.maker)
        if maker is None:  # chat-admin made it, or the account is no more
            return
        measures = [Measure.BAN, *[Measure.MUTE] * writing]
        found = self._admission.stopped(maker, room, *measures)
        if found is not None:
            code = Code.BANNED if found.measure is Measure.BAN else Code.MUTED
            told = found.told(self._now(), "the chat" if found.room == EVERYWHERE else room.name)
            text = f"{maker.name}, who let this bot in, was told: {told}"
            raise ChatError(code, text)

    def _person(self, account: Account, caller: Caller) -> Person:
        """Return the bot as somebody who could be here."""
        person = Person(_NOWHERE, self._now())
        person.nick, person.account, person.place.inbox = account.name, account, account.identity
        person.host, person.came = caller.host, self._now()
        person.encrypted = caller.encrypted or is_local(caller.host)
        return person

    def _not_noted(self, failure: Failure) -> None:
        self._log.warn("could not note a token's use: {why}", why=failure.getErrorMessage())
