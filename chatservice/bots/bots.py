"""Bots, and who lets them in: making tokens, listing and ending them.

A bot is an account without a password: nobody else can wear its nickname, and what ops do to
accounts they can do to it. It has one token, and ends with it: when that is revoked, or good in no
room any more. Whoever is in a room is told who
lets which bot in, as people must know who reads them.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence

from twisted.internet.defer import Deferred, DeferredLock

from chatservice.accounts.accounts import Accounts
from chatservice.accounts.tokens import MOST_ROOMS, Token, Tokens, make
from chatservice.errors import ChatError, Code, NickRefused
from chatservice.events import Event, Kind
from chatservice.interfaces import IClock, ILog, IRecords, Value
from chatservice.names import audit_log, check_nick, inbox
from chatservice.people.account import OPERATOR, Account, taken
from chatservice.people.nicks import Nicks
from chatservice.people.order import Order
from chatservice.people.person import Person, Policy
from chatservice.roles import Role
from chatservice.rooms.audit import Audit
from chatservice.rooms.charters import ROOM
from chatservice.rooms.rights import Act
from chatservice.rooms.room import Room
from chatservice.rooms.rooms import Rooms


class Bots:
    """The bots of one chat, and their tokens.

    :param nicks: who wears which nickname.
    :param clock: without one what the operator does is told at once.
    :param now: the wall clock, seconds since 1970.
    """

    def __init__(
        self,
        log: ILog,
        records: IRecords,
        tokens: Tokens,
        accounts: Accounts,
        nicks: Nicks[Person],
        rooms: Rooms,
        order: Order,
        audit: Audit,
        policy: Policy,
        clock: IClock | None,
        now: Callable[[], float],
    ) -> None:
        self._log = log
        self._tokens = tokens
        self._accounts = accounts
        self._nicks = nicks
        self._rooms = rooms
        self._order = order
        self._audit = audit
        self._policy = policy
        self._clock = clock
        self._now = now
        self._making = DeferredLock()  # one at a time: each counts those before
        tokens.watch(self._token_changed)
        records.watch(ROOM, self._room_changed)

    # What people do.

    def let_in(
        self, person: Person, name: str, rooms: Sequence[Room], read: bool, write: bool
    ) -> Deferred[str]:
        """Make a token; of a bot that the person has made it takes the place of the one before.

        :param name: what the bot is called.
        :returns: the token, which is not kept here. Fails with ChatError.
        """

        def let_in() -> Deferred[str]:
            return Deferred.fromCoroutine(self._let_in(person, name, rooms, read, write))

        return self._making.run(let_in)

    def revoke(self, person: Person, name: str) -> Deferred[str]:
        """End a bot and its tokens; whoever is an op takes it out of that room alone.

        :returns: what was done, in words. Fails with ChatError.
        """
        return Deferred.fromCoroutine(self._revoke(person, name))

    def shown(self, person: Person, room: Room | None) -> list[tuple[str, Token]]:
        """Return the tokens that somebody may see, with the bots' names, those made first first.

        :param room: the one that it is about; None for those that the person made, for admins all.
        :raises ChatError: NOT_ALLOWED.
        """
        if room is not None:
            self._rooms.admission.check(person, room, Act.LET_BOTS_IN)
            return self.of(room)
        return self._named(one for one in self._tokens.all() if self._is_its(person, one.maker))

    def of(self, room: Room) -> list[tuple[str, Token]]:
        """Return the tokens that are good in a room, with the bots' names."""
        found = self._tokens.of_room(room.name)
        return self._named(token for token in found if self.place(token, room.name) is room)

    def _named(self, tokens: Iterable[Token]) -> list[tuple[str, Token]]:
        found = ((self._accounts.of(token.bot), token) for token in tokens)
        return [(account.name, token) for account, token in found if account is not None]

    def place(self, token: Token, room: str) -> Room | None:
        """Return the room of a name that a token is for; None if it is not, or that is another."""
        found = self._rooms.find(room)
        if found is None or not found.charter.registered:
            return None
        return found if token.rooms.get(room) == found.charter.since else None

    # Inside: letting in.

    async def _let_in(
        self, person: Person, name: str, rooms: Sequence[Room], read: bool, write: bool
    ) -> str:
        maker = person.account
        if maker is None:
            text = "Whoever lets bots in has an account: /register PASSWORD makes you one."
            raise ChatError(Code.LOGIN_NEEDED, text)
        if not (person.encrypted or self._policy.plaintext_login):
            raise ChatError(
                Code.NEEDS_ENCRYPTION,
                "Your connection is not encrypted, others could read the token: connect with TLS.",
            )
        for room in rooms:
            if not room.charter.registered:  # it was made just now, perhaps: then this is behind it
                await self._order.present(person, room.name)
            self._check_room(person, room)
        if len(rooms) > MOST_ROOMS:
            text = f"A token is for {MOST_ROOMS} rooms at most: make one more for the others."
            raise ChatError(Code.TOO_MUCH, text)
        nick = check_nick(name)
        known = self._own(maker, nick)
        before = [] if known is None else self._tokens.of(known.identity)
        if not before:
            self._tokens.check_another(maker.identity)
        account = known
        if account is None:
            identity = inbox(secrets.token_hex(8))
            account = await self._accounts.register(nick, identity, maker=maker.identity)
        since = {room.name: room.charter.since for room in rooms}
        secret, token = make(account, maker.name, since, read, write, self._now())
        try:
            await self._tokens.add(token)
        except ChatError:
            if known is None:
                await self._remove(account)
            raise
        if self._accounts.of(account.identity) is None:  # removed at this very moment
            await self._tokens.end(token)
            raise ChatError(Code.BUSY, f"{account.name} was removed meanwhile: try again.")
        for room in rooms:
            self._tell(person, room, f"lets the bot {account.name} {token.rights} here")
        for old in before:
            await self._tokens.end(old)
            for left in old.rooms.keys() - since.keys():
                self._tell_left(person, old, left, account.name)
        return secret

    def _check_room(self, person: Person, room: Room) -> None:
        self._rooms.admission.check(person, room, Act.LET_BOTS_IN)
        if not room.charter.registered:
            raise ChatError(
                Code.NOT_ALLOWED,
                f"{room.name} is gone when it is empty, and a token must not be for whatever room "
                "has that name next: have somebody who has an account make one.",
            )

    def _own(self, maker: Account, nick: str) -> Account | None:
        """Return somebody's bot of a name; None if there is nobody of that name.

        :raises ChatError: if the name is another's, or looks as if it were.
        """
        owner = self._accounts.owner(nick)
        if owner is not None:
            if owner.maker == maker.identity and owner is self._accounts.find(nick):
                return owner
            raise taken(nick, owner.name)
        if wearers := self._nicks.wearers(nick):
            text = f"Somebody called {wearers[0].nick} is here: choose another name for the bot."
            raise NickRefused(Code.NICK_TAKEN, text)
        return None

    # Inside: ending.

    async def _revoke(self, person: Person, name: str) -> str:
        account = self._accounts.find(name)
        if account is None or not account.maker:
            raise ChatError(Code.NO_SUCH_NICK, f"There is no bot {name}: see /token list.")
        tokens = self._tokens.of(account.identity)
        if self._is_its(person, account.maker):
            for token in tokens:
                await self._tokens.end(token)
                for place in token.rooms:
                    self._tell_left(person, token, place, account.name)
            await self._remove(account)
            return f"The bot {account.name} and its token are no more."
        places = [
            (token, room)
            for token in tokens
            for place in token.rooms
            if (room := self.place(token, place)) and self._is_op(person, room)
        ]
        if not places:
            raise ChatError(
                Code.NOT_ALLOWED,
                f"{account.name} is not a bot of yours, nor in a room where you are an op.",
            )
        for token, room in places:
            await self._tokens.take_out(token, room.name)
            self._tell_left(person, token, room.name, account.name)
        names = ", ".join(room.name for _, room in places)
        return f"The bot {account.name} is out of {names}."

    def _is_op(self, person: Person, room: Room) -> bool:
        try:
            self._rooms.admission.check(person, room, Act.LET_BOTS_IN)
        except ChatError:
            return False
        return True

    def _is_its(self, person: Person, maker: str) -> bool:
        account = person.account
        return account is not None and (account.role is Role.ADMIN or account.identity == maker)

    async def _remove(self, account: Account) -> None:
        """Remove a bot, unless that was done already."""
        try:
            await self._accounts.remove(account)
        except ChatError as refusal:
            if refusal.code is not Code.NO_SUCH_NICK:
                raise

    # Inside: what rooms hear.

    def _tell(self, person: Person, room: Room, deed: str) -> None:
        news = self._order.event(room.name, Kind.NOTED, person, f"{person.nick} {deed}.")
        self._order.publish(person, news, self._audit.entry(person, room, deed))
        if room.name not in person.place.rooms:
            self._order.show(person, news)

    def _tell_left(self, person: Person, token: Token, name: str, bot: str) -> None:
        room = self.place(token, name)
        if room is not None:
            self._tell(person, room, f"lets the bot {bot} do nothing here any more")

    def _token_changed(self, old: Token | None, new: Token | None) -> None:
        if old is not None and new is None:
            self._ended(old)
        if new is None or new.told:
            return
        if self._clock is None:
            self._tell_of_operators(new)
        else:  # not while the store is opened
            self._clock.callLater(0, self._tell_of_operators, new)

    def _ended(self, token: Token) -> None:
        """Remove a bot that has no token any more, or names could be taken without end."""
        account = self._accounts.of(token.bot)
        if account is not None and not self._tokens.of(token.bot):
            removed = Deferred.fromCoroutine(self._remove(account))
            removed.addErrback(lambda _: None)  # it is good for nothing, and expires

    def _tell_of_operators(self, token: Token) -> None:
        """Tell the rooms of a token that chat-admin made."""
        account = self._accounts.of(token.bot)
        if account is None or self._tokens.get(token.key) != token:
            return
        deed = f"lets the bot {account.name} {token.rights} here"
        now = self._now()
        events = []
        for name in token.rooms:
            if self.place(token, name) is not None:
                entry = Event(0, now, audit_log(name), Kind.RECORDED, OPERATOR, deed)
                news = Event(0, now, name, Kind.NOTED, OPERATOR, f"The operator {deed}.")
                events += [news, entry]
        told = self._log.append(events).addCallback(lambda _: self._tokens.tell(token))
        told.addErrback(lambda _: None)  # it is told at the next start

    def _room_changed(self, name: str, value: Value | None) -> None:
        """Take bots out of a room that is kept no more."""
        if value is not None and value.get("registered") is True:
            return
        for token in self._tokens.of_room(name):
            ended = self._tokens.take_out(token, name)
            ended.addErrback(lambda _: None)  # it is not let in anyway, see place
