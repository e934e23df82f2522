"""What a program does that has a bot's token: say something in a room, read there, listen.

The rules are everybody's: who is banned or muted, by name or address, moderated and slow rooms, how
much in how much time, which of the past is to be read. Knows no wires; whoever listens is a member
as any other.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, cast

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.accounts import Account
from chatservice.bots import Bots
from chatservice.charters import ROOM
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.feed import fitting
from chatservice.interfaces import IMember, Value
from chatservice.limits import Quota, TokenBucket
from chatservice.logins import is_local
from chatservice.order import UNREAD
from chatservice.parts import Parts
from chatservice.person import Person
from chatservice.recall import Recall
from chatservice.repeats import Repeats, mark_of
from chatservice.room import Room
from chatservice.sanction import EVERYWHERE
from chatservice.sanctions import SANCTION
from chatservice.text import MAX_LINE, clean
from chatservice.tokens import RARELY, Token, Tokens

MOST_STREAMS: Final = 10
"""Streams that may be open at a time with one token."""

MOST_READ: Final = 500
"""Lines that are read at once, at most; so many as fit into a feed.PIECE."""

LAST_WORDS: Final = 1.5
"""Seconds that a stream which is ended may take to hear why."""

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


class Page(NamedTuple):
    """A part of a room's past.

    :ivar events: oldest first.
    :ivar next: the number after which to go on, or before which; None if there is nothing more
        before it.
    """

    events: Sequence[Event]
    next: int | None


class Stream:
    """Somebody who listens to a room with a token.

    :ivar person: the connection, as the hub knows it; it wears no nickname.
    """

    __slots__ = ("caller", "key", "person", "room")

    def __init__(self, key: str, room: str, caller: Caller, person: Person) -> None:
        self.key = key
        self.room = room
        self.caller = caller
        self.person = person


class Programs:
    """What tokens are good for.

    :param connect: knows a new connection.
    :param admit: counts it for its address; raises ChatError.
    :param lost: takes note of its end.
    :param closing: tells whether the end of the chat has begun.
    """

    _log = Logger()

    def __init__(
        self,
        parts: Parts,
        tokens: Tokens,
        bots: Bots,
        connect: Callable[[IMember], Person],
        admit: Callable[[Person, str | None, bool], Quota],
        lost: Callable[[Person], None],
        closing: Callable[[], bool],
    ) -> None:
        self._history = parts.log
        self._clock = parts.clock
        self._now = parts.now
        self._accounts = parts.accounts
        self._delivery = parts.delivery
        self._order = parts.order
        self._quotas = parts.quotas
        self._admission = parts.rooms.admission
        self._tokens = tokens
        self._bots = bots
        self._connect = connect
        self._admit = admit
        self._lost = lost
        self._closing = closing
        self._repeats = Repeats(parts.log)
        self._buckets: dict[str, TokenBucket] = {}  # by the token's key
        self._noted: dict[str, float] = {}  # when its last use was noted
        self._streams: dict[Stream, None] = {}
        tokens.watch(self._token_changed)
        parts.accounts.watch(self._account_changed)
        parts.records.watch(SANCTION, self._sanctioned)
        parts.records.watch(ROOM, lambda name, _: self._recheck(name))

    # What programs do. All of it fails with ChatError.

    def say(
        self, caller: Caller, room: str, text: str, kind: Kind = Kind.SAID, key: str = ""
    ) -> Deferred[Event]:
        """Say something in a room, or with Kind.ACTED do it.

        :param room: its name, as rooms have it.
        :param text: one line, not cleaned yet.
        :param key: the program's name for this line: what is asked for again with it within a day
            is said once; "" for none.
        :returns: fires with the event once it is committed.
        """
        return Deferred.fromCoroutine(self._say(caller, room, text, kind, key))

    def read(
        self, caller: Caller, room: str, after: int | None, before: int | None, limit: int
    ) -> Deferred[Page]:
        """Return lines of a room: those after a number, before one, between two, or the newest.

        :param limit: how many at most; there may be fewer, and more behind them.
        """
        return Deferred.fromCoroutine(self._read(caller, room, after, before, limit))

    def listen(self, caller: Caller, room: str, after: int | None, member: IMember) -> Stream:
        """Let somebody hear a room, until it is ended or lost is called.

        :param after: the number of the last line that it knows; None to begin now.
        :raises ChatError: if it may not.
        """
        token, _, place = self._enter(caller, room, writing=False)
        if sum(stream.key == token.key for stream in self._streams) >= MOST_STREAMS:
            raise ChatError(
                Code.TOO_MANY_CONNECTIONS,
                f"There are {MOST_STREAMS} streams with this token already: close one first.",
            )
        person = self._connect(member)
        try:
            self._admit(person, caller.host, caller.encrypted)
        except ChatError:
            self._lost(person)
            raise
        stream = Stream(token.key, place.name, caller, person)
        self._streams[stream] = None
        heard = self._order.hear(person, place.name)
        heard.addCallback(self._begin, stream, after, place.charter.floor)
        heard.addErrback(lambda failure: self._log.failure("no stream", failure))
        return stream

    def lost(self, stream: Stream) -> None:
        """Take note that somebody who listened is gone."""
        self._streams.pop(stream, None)
        self._lost(stream.person)

    def drained(self, stream: Stream) -> None:
        """Go on with somebody whose connection has taken all it was given."""
        self._delivery.drained(stream.person.member)

    def streams(self) -> Iterator[Stream]:
        """Go through those who listen."""
        return iter(self._streams)

    def wrong(self, host: str | None) -> None:
        """Account for a request without a token that is known.

        :raises TooFast: if there were too many from an address.
        """
        self._quotas.spend(host)

    # Inside: saying.

    async def _say(self, caller: Caller, name: str, text: str, kind: Kind, key: str) -> Event:
        text = _line(text)
        token, person, room = self._enter(caller, name, writing=True)
        if not key:
            return await self._publish(person, room, kind, text, "")
        mark = mark_of(token.key, room.name, key)
        await self._repeats.read(token.key, room.name, token.bot, self._now())
        saying = self._repeats.find(token.key, room.name, mark, kind, text, self._now())
        if saying is not None:
            return await saying.result()
        token, person, room = self._check(caller, name, writing=True)  # that may have taken long
        saying = self._repeats.begin(token.key, room.name, mark, kind, text)
        try:
            event = await self._publish(person, room, kind, text, mark)
        except Exception:
            self._repeats.end(token.key, room.name, mark, saying, Failure())
            raise
        self._repeats.end(token.key, room.name, mark, saying, event)
        return event

    async def _publish(self, person: Person, room: Room, kind: Kind, text: str, mark: str) -> Event:
        self._order.check()
        heard = self._admission.speak(person, room)
        event = self._order.event(room.name, kind, person, text, mark)
        if not heard:  # to whoever says it all is as ever
            return event.numbered(await self._history.head(room.name) + 1)
        return (await self._history.append([event]))[0]

    # Inside: reading.

    async def _read(
        self, caller: Caller, name: str, after: int | None, before: int | None, limit: int
    ) -> Page:
        _, _, room = self._enter(caller, name, writing=False)
        floor, name = room.charter.floor, room.name
        if after is not None:
            page = await self._history.after(name, max(after, floor), limit)
            found = [event for event in page if before is None or event.seq < before]
            found = found[: fitting(found)]
            return Page(found, found[-1].seq if found else max(after, floor))
        head = await self._history.head(name)
        end = head + 1 if before is None else min(before, head + 1)
        found = [e for e in await self._history.before(name, end, limit) if e.seq > floor]
        newest = [*reversed(found)]
        found = newest[: fitting(newest)][::-1]
        if before is None:
            return Page(found, max(head, floor))
        return Page(found, found[0].seq if found and found[0].seq > floor + 1 else None)

    # Inside: listening.

    def _begin(self, head: int, stream: Stream, after: int | None, floor: int) -> None:
        if stream not in self._streams:
            return
        if head == UNREAD:  # it has been told so
            self._finish(stream)
        elif after is not None and max(after, floor) < head:
            past = Recall(
                self._history, stream.room, head, since=max(after, floor), ending=lambda *_: ""
            )
            self._delivery.recall(stream.person.member, past)

    def _end(self, stream: Stream, refusal: ChatError) -> None:
        self._streams.pop(stream, None)
        person = stream.person
        self._order.tell_now(person, Kind.ERROR, refusal.message, code=refusal.code)
        self._finish(stream)

    def _finish(self, stream: Stream) -> None:
        member = stream.person.member
        self._delivery.finish(member)
        if self._clock is not None:
            stream.person.timer = self._clock.callLater(LAST_WORDS, member.abort)

    def _recheck(self, room: str = "") -> None:
        """End the streams of those who may not listen any more.

        :param room: the only one that it is about; "" for all.
        """
        for stream in [one for one in self._streams if room in ("", one.room)]:
            try:
                self._check(stream.caller, stream.room, writing=False)
            except ChatError as refusal:
                self._end(stream, refusal)

    def _token_changed(self, old: Token | None, new: Token | None) -> None:
        if new is None and old is not None:
            self._buckets.pop(old.key, None)
            self._noted.pop(old.key, None)
        if old is not None and (new is None or new.rooms != old.rooms):
            self._recheck()

    def _account_changed(self, old: Account | None, new: Account | None) -> None:
        if old is not None and old.maker and new is None:
            self._recheck()

    def _sanctioned(self, key: str, value: Value | None) -> None:
        if value is not None:  # EVERYWHERE is no room's name
            self._recheck(str(value.get("room", EVERYWHERE)))

    # Inside: who it is, and whether it may.

    def _enter(self, caller: Caller, room: str, writing: bool) -> tuple[Token, Person, Room]:
        """Count what is asked for; see _check.

        :raises ChatError: TOO_FAST, CLOSING, and see _check.
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
        allowed = self._check(caller, room, writing)
        now = self._now()
        if not 0 <= now - max(token.used, self._noted.get(token.key, 0.0)) < RARELY:
            self._noted[token.key] = now
            self._tokens.note(token, now).addErrback(self._not_noted)
            self._accounts.note(account.identity).addErrback(self._not_noted)
        return allowed

    def _check(self, caller: Caller, name: str, writing: bool) -> tuple[Token, Person, Room]:
        """Return who it is and where, if it may do that there.

        :raises ChatError: BAD_TOKEN, NOT_ALLOWED, NO_SUCH_ROOM, BANNED or NEEDS_ENCRYPTION.
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
        return token, person, room

    def _person(self, account: Account, caller: Caller) -> Person:
        """Return the bot as somebody who could be here."""
        person = Person(_NOWHERE, self._now())
        person.nick, person.account, person.place.inbox = account.name, account, account.identity
        person.host, person.came = caller.host, self._now()
        person.encrypted = caller.encrypted or is_local(caller.host)
        return person

    def _not_noted(self, failure: Failure) -> None:
        self._log.warn("could not note a token's use: {why}", why=failure.getErrorMessage())


def _line(text: str) -> str:
    """Return what is to be said, cleaned.

    :raises ChatError: BAD_ARGUMENTS or LINE_TOO_LONG.
    """
    if "\n" in text or "\r" in text:
        raise ChatError(
            Code.BAD_ARGUMENTS,
            "That is more than one line: one request says one line, so send one for each.",
        )
    cleaned = clean(text)
    if not text or text.isspace():
        raise ChatError(Code.BAD_ARGUMENTS, "There is nothing to say: send a line of text.")
    if len(cleaned.encode()) > MAX_LINE:
        text = f"That line is longer than {MAX_LINE} bytes and was not said: make it shorter."
        raise ChatError(Code.LINE_TOO_LONG, text)
    return cleaned
