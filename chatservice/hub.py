"""The hub: who is here under which nickname, in which room, and what they do, in one order.

The only place where any of that changes. It knows the log and the delivery, and members only as
somebody to deliver to; no bytes, no doors. What happens goes to the log and comes to the members
from there; what concerns one person alone is told to that person.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.delivery import Delivery
from chatservice.errors import ChatError, Code, NickRefused
from chatservice.events import Event, Kind
from chatservice.interfaces import IClock, ILog, IMember, ITimer
from chatservice.limits import Limits, Quota, Quotas
from chatservice.names import LOBBY, check_nick, fold, inbox, keys
from chatservice.room import Room

GRACE: Final = 2.5
"""How long, in seconds, the last words may take to reach everybody when the server closes."""

PARTING: Final = 60.0
"""How long, in seconds, somebody who leaves may take to read what was said before."""


class Person:
    """One connection as the hub knows it.

    :ivar member: where to deliver.
    :ivar nick: the nickname worn, "" before the first and after the last.
    :ivar inbox: the name of the log of what concerns this person alone.
    :ivar host: the IP address; None for who has none.
    :ivar quota: what the person may still do; None before admission.
    """

    __slots__ = ("cut_off", "departed", "host", "inbox", "member", "nick", "quota")

    def __init__(self, member: IMember, number: int) -> None:
        self.inbox = inbox(number)
        self.member = member
        self.nick = ""
        self.host: str | None = None
        self.quota: Quota | None = None
        self.departed = False
        self.cut_off: ITimer | None = None


class Hub:
    """Everybody and every room of one chat.

    :param log: keeps the history and sets the order.
    :param clock: a reactor, or a Clock in tests. Without one nothing is timed, and there are no
        turns: every line is delivered at once.
    :param now: the wall clock, seconds since 1970.
    :param limits: what one person and one address may do.
    :param lobby: the room everybody starts in.
    """

    _log = Logger()

    def __init__(
        self,
        log: ILog,
        clock: IClock | None = None,
        now: Callable[[], float] = time.time,
        limits: Limits | None = None,
        lobby: str = LOBBY,
    ) -> None:
        self.clock = clock
        self.limits = Limits() if limits is None else limits
        self.lobby = Room(lobby)
        self._history = log
        self._now = now
        self._quotas = Quotas(self.limits, time.monotonic if clock is None else clock.seconds)
        self._numbers = itertools.count(1)
        self._people: dict[Person, None] = {}
        self._by_key: dict[str, Person] = {}  # see names.keys
        self._closing: Deferred[None] | None = None
        self.delivery = Delivery(log, self._soon, now)

    # Coming and going.

    def connect(self, member: IMember) -> Person:
        """Know a new connection, which has no nickname yet."""
        person = Person(member, next(self._numbers))
        self._people[person] = None
        self.delivery.add(member)
        return person

    def admit(self, person: Person, host: str | None) -> Quota:
        """Count a connection for its address.

        :param host: the peer's IP address; None for peers without one.
        :raises ChatError: if there are too many, or the server is closing.
        """
        if self._closing is not None:
            raise ChatError(Code.CLOSING, "The server is closing: connect again later.")
        person.quota = self._quotas.admit(host)
        person.host = host
        return person.quota

    def claim(self, person: Person, text: str) -> Deferred[str]:
        """Reserve a nickname for a person, who does not wear it yet.

        :param text: what the person offered.
        :returns: the nickname in its normal form. Fails with NickRefused.
        """
        try:
            nick = check_nick(text)
            wanted = keys(nick)
            self._check_free(nick, wanted, person)
        except NickRefused as refusal:
            return fail(refusal)
        for key in wanted:
            self._by_key[key] = person
        return succeed(nick)

    def enter(self, person: Person, nick: str) -> None:
        """Bring a person into the lobby, under a nickname it has claimed."""
        person.nick = nick
        self.lobby.add(nick)
        self._at_this_point(self.delivery.enter, person.member, self.lobby.name)
        entered = self._history.append([self._event(self.lobby.name, Kind.JOINED, person)])
        entered.addCallback(lambda _: self.tell(person, Kind.WELCOME))
        entered.addErrback(self._not_stored, person)
        self._log.info("{nick!r} joined from {host!r}", nick=nick, host=person.host)

    def rename(self, person: Person, text: str) -> Deferred[None]:
        """Change a person's nickname.

        :returns: fires when it is changed. Fails with NickRefused.
        """
        return self.claim(person, text).addCallback(self._wear, person)

    def unclaim(self, person: Person, nick: str) -> None:
        """Give back a nickname that was claimed and is not worn after all."""
        self._release(person, keys(nick) - (keys(person.nick) if person.nick else frozenset()))

    def leave(self, person: Person) -> None:
        """Let a person go: it gets all up to here, the others hear of it, it is disconnected."""
        if person.departed:
            return
        self._at_this_point(self.delivery.finish, person.member)
        self._depart(person)
        if self.clock is not None:  # who does not read would stay for ever
            person.cut_off = self.clock.callLater(PARTING, person.member.abort)

    def lost(self, person: Person) -> None:
        """Take note that a person's connection is gone."""
        self.delivery.drop(person.member)
        if not person.departed:
            self._depart(person)
        if person.cut_off is not None and person.cut_off.active():
            person.cut_off.cancel()
        if person in self._people:
            del self._people[person]
            if person.quota is not None:
                self._quotas.release(person.quota)
        if self._closing is not None and not self._people:
            self._all_gone()

    def close(self, goodbye: str) -> Deferred[None]:
        """End the chat: what was accepted is committed and delivered, with a last word to all.

        :returns: fires when everybody is gone, in GRACE seconds at most.
        """
        if self._closing is None:
            self._closing = Deferred()
            self._history.close().addErrback(self._close_failed).addCallback(
                lambda _: self._say_goodbye(goodbye)
            )
        return self._closing

    # What people do.

    def say(self, person: Person, text: str, kind: Kind = Kind.SAID) -> None:
        """Say (or with Kind.ACTED, do) something in the lobby."""
        self._publish(person, self._event(self.lobby.name, kind, person, text))

    def private(self, person: Person, nick: str, text: str) -> None:
        """Say something to one other person.

        :raises ChatError: if nobody of that nickname is here.
        """
        other = self.find(nick)
        if other is person:
            raise ChatError(Code.NO_SUCH_NICK, "That is you: name somebody else, see /who.")
        both = (other, person)
        for one in both:
            self._at_this_point(self.delivery.enter, one.member, one.inbox, True)
        event = self._event("", Kind.PRIVATE, person, text, other.nick)
        self._publish(person, *(replace(event, room=one.inbox) for one in both))
        for one in both:
            self._at_this_point(self.delivery.keep_order, one.member)

    def tell(self, person: Person, kind: Kind, *texts: str, code: str = "") -> None:
        """Answer one person, with an event for each text."""
        texts = texts or ("",)
        nick = code if kind is Kind.ERROR else person.nick
        now = self._now()
        self.delivery.tell(person.member, *(Event(0, now, "", kind, nick, t) for t in texts))

    # Who is here.

    def find(self, nick: str) -> Person:
        """Return the person with a nickname, however it is capitalised.

        :raises ChatError: if there is none.
        """
        person = self._by_key.get(fold(nick))
        if person is None or fold(person.nick) != fold(nick):
            raise ChatError(Code.NO_SUCH_NICK, f"Nobody here is called {nick}: see /who.")
        return person

    def people(self) -> Sequence[Person]:
        """Return everybody who wears a nickname, in the order of connecting."""
        return [person for person in self._people if person.nick]

    # Inside.

    def _soon(self, call: Callable[[], None]) -> None:
        if self.clock is None:
            call()
        else:
            self.clock.callLater(0, call)

    def _event(self, room: str, kind: Kind, person: Person, text: str = "", to: str = "") -> Event:
        return Event(0, self._now(), room, kind, person.nick, text, to)

    def _publish(self, person: Person, *events: Event) -> None:
        self._history.append(events).addErrback(self._not_stored, person)

    def _at_this_point(self, change: Callable[..., None], *args: object) -> None:
        """Change who hears what at this point of the log's order, behind all said before."""
        self._history.append(()).addBoth(lambda _: change(*args))

    def _wear(self, nick: str, person: Person) -> None:
        old = person.nick
        if person.departed:  # while the claim was decided
            self.unclaim(person, nick)
            return
        event = self._event(self.lobby.name, Kind.RENAMED, person, nick)
        person.nick = nick
        self._release(person, keys(old) - keys(nick))
        self.lobby.rename(old, nick)
        self._publish(person, event)

    def _depart(self, person: Person) -> None:
        person.departed = True
        nick = person.nick
        if nick:
            if self._closing is None:
                self._publish(person, self._event(self.lobby.name, Kind.LEFT, person))
            self.lobby.remove(nick)
            self._release(person, keys(nick))
            person.nick = ""
            self._log.info("{nick!r} left", nick=nick)

    def _check_free(self, nick: str, wanted: frozenset[str], person: Person) -> None:
        if nick == person.nick:
            raise NickRefused(Code.NICK_TAKEN, f"You are called {nick} already.")
        for key in sorted(wanted):
            holder = self._by_key.get(key, person)
            if holder is person:
                continue
            looks = "" if fold(holder.nick) == fold(nick) else ", and it would look the same"
            raise NickRefused(
                Code.NICK_TAKEN,
                f"Somebody called {holder.nick or nick} is here already{looks}: choose another.",
            )

    def _release(self, person: Person, names: frozenset[str]) -> None:
        for key in names:
            if self._by_key.get(key) is person:
                del self._by_key[key]

    def _not_stored(self, failure: Failure, person: Person) -> None:
        refusal = failure.value
        if isinstance(refusal, ChatError):
            self.tell(person, Kind.ERROR, refusal.message, code=refusal.code)
        else:
            self._log.failure("the log failed", failure=failure)

    def _close_failed(self, failure: Failure) -> None:
        self._log.failure("the log could not be closed", failure=failure)

    def _say_goodbye(self, goodbye: str) -> None:
        if not self._people:
            self._all_gone()
            return
        for person in list(self._people):
            self.tell(person, Kind.NOTICE, goodbye)
            self.delivery.finish(person.member)
        if self.clock is not None:
            self.clock.callLater(GRACE, self._cut_off)

    def _cut_off(self) -> None:
        for person in list(self._people):
            person.member.abort()

    def _all_gone(self) -> None:
        if self._closing is not None and not self._closing.called:
            self._closing.callback(None)
