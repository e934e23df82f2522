"""Programs that listen to a room with a token: from when on, and what ends it.

Whoever listens is a member as any other, without a nickname and in no room: nobody sees it come.
"""

from collections.abc import Callable, Iterator
from typing import Final

from twisted.logger import Logger

from chatservice.accounts.tokens import Token
from chatservice.bots.callers import Caller, Callers
from chatservice.delivery.recall import Ending, Recall
from chatservice.errors import ChatError, Code
from chatservice.interfaces import IMember, Value
from chatservice.limits import Quota
from chatservice.parts import Parts
from chatservice.people.account import Account
from chatservice.people.order import UNREAD
from chatservice.people.person import Person
from chatservice.rooms.charters import ROOM
from chatservice.rooms.sanction import EVERYWHERE
from chatservice.rooms.sanctions import SANCTION

MOST_STREAMS: Final = 10
"""Streams that may be open at a time with one token."""

LAST_WORDS: Final = 1.5
"""Seconds that a stream which is ended may take to hear why."""


class Stream:
    """Somebody who listens to a room with a token.

    :ivar person: the connection, as the hub knows it; it wears no nickname.
    """

    __slots__ = ("bot", "caller", "key", "person", "room")

    def __init__(self, token: Token, room: str, caller: Caller, person: Person) -> None:
        self.key = token.key
        self.bot = token.bot
        self.room = room
        self.caller = caller
        self.person = person


class Listeners:
    """Everybody who listens with a token.

    :param connect: knows a new connection.
    :param admit: counts it for its address; raises ChatError.
    :param lost: takes note of its end.
    """

    _log = Logger()

    def __init__(
        self,
        parts: Parts,
        callers: Callers,
        connect: Callable[[IMember], Person],
        admit: Callable[[Person, str | None, bool], Quota],
        lost: Callable[[Person], None],
    ) -> None:
        self._history = parts.log
        self._clock = parts.clock
        self._delivery = parts.delivery
        self._order = parts.order
        self._callers = callers
        self._connect = connect
        self._admit = admit
        self._lost = lost
        self._streams: dict[Stream, None] = {}
        parts.tokens_of_bots.watch(self._token_changed)
        parts.accounts.watch(self._account_changed)
        parts.records.watch(SANCTION, self._sanctioned)
        parts.records.watch(ROOM, lambda name, _: self._recheck(lambda one: one.room == name))

    def listen(self, caller: Caller, room: str, after: int | None, member: IMember) -> Stream:
        """Let somebody hear a room, until it is ended or lost is called.

        :param after: the number of the last line that it knows; None to begin now.
        :raises ChatError: if it may not.
        """
        token, _, place = self._callers.enter(caller, room, writing=False)
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
        stream = Stream(token, place.name, caller, person)
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

    def note(self) -> None:
        """Note that the tokens of those who listen are in use; to be called now and then."""
        for stream in self._streams:
            self._callers.note(stream.caller)

    # Inside.

    def _begin(self, head: int, stream: Stream, after: int | None, floor: int) -> None:
        if stream not in self._streams:
            return
        if head == UNREAD:  # it has been told so
            self._finish(stream)
        elif after is not None and max(after, floor) < head:
            past = Recall(
                self._history,
                stream.room,
                head,
                since=max(after, floor),
                ending=lambda *_: Ending(),
            )
            self._delivery.recall(stream.person.member, past)

    def _end(self, stream: Stream, refusal: ChatError) -> None:
        self._streams.pop(stream, None)
        self._order.cut(stream.person, refusal)
        self._abort_later(stream)

    def _finish(self, stream: Stream) -> None:
        self._delivery.finish(stream.person.member)
        self._abort_later(stream)

    def _abort_later(self, stream: Stream) -> None:
        member = stream.person.member
        if self._clock is not None:
            stream.person.timer = self._clock.callLater(LAST_WORDS, member.abort)

    def _recheck(self, concerned: Callable[[Stream], bool]) -> None:
        """End the streams of those who may not listen any more.

        :param concerned: those that it is about: there may be many others.
        """
        for stream in [one for one in self._streams if concerned(one)]:
            try:
                self._callers.check(stream.caller, stream.room, writing=False)
            except ChatError as refusal:
                self._end(stream, refusal)

    def _token_changed(self, old: Token | None, new: Token | None) -> None:
        if old is not None and (new is None or new.rooms != old.rooms):
            self._recheck(lambda one: one.key == old.key)

    def _account_changed(self, old: Account | None, new: Account | None) -> None:
        if old is not None and old.maker and new is None:
            self._recheck(lambda one: one.bot == old.identity)

    def _sanctioned(self, key: str, value: Value | None) -> None:
        if value is not None:
            room = value.get("room", EVERYWHERE)  # which is no room's name
            self._recheck(lambda one: room in (EVERYWHERE, one.room))
