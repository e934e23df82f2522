"""Going: by itself, thrown out, or with the connection; and what waits for who may come back."""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.closing import Closing
from chatservice.errors import ChatError
from chatservice.events import Event, Kind
from chatservice.parts import Parts
from chatservice.people.person import Person

PARTING: Final = 60.0
"""How long, in seconds, somebody who leaves may take to read what was said before."""


class Departures:
    """How people go from one chat.

    :ivar note: notes that somebody with an account was here; set before anybody comes.
    :ivar forget: forgets what was counted for a connection; set before anybody comes.
    """

    def __init__(self, parts: Parts, closing: Closing) -> None:
        self._clock = parts.clock
        self._policy = parts.policy
        self._order = parts.order
        self._delivery = parts.delivery
        self._identities = parts.identities
        self._markers = parts.markers
        self._nicks = parts.nicks
        self._tokens = parts.tokens
        self._people = parts.people
        self._quotas = parts.quotas
        self._rooms = parts.rooms
        self._presence = parts.presence
        self._watching = parts.watching
        self._returns = parts.returns
        self._journal = parts.journal
        self._closing = closing
        self.note: Callable[[Person], Deferred[None]]
        self.forget: Callable[[Person], None]

    def leave(self, person: Person, reason: str = "") -> None:
        """Let a person go: it gets all up to here, the others hear of it, it is disconnected.

        :param reason: what it says of that.
        """
        if person.departed:
            return
        self._order.at_this_point(person, self._finish, person, person.nick)
        self.depart(person, reason=reason)
        self.cut_off_later(person)

    def hang_up(self, person: Person) -> None:
        """Let a person go who says no more but did not say so: as leave, but for who may return."""
        if person.nick and person.place.token and self._may_return():
            self._order.at_this_point(person, self._finish, person, person.nick)
            self.cut_off_later(person)
        else:
            self.leave(person)

    def expel(self, person: Person, refusal: ChatError, news: Event) -> None:
        """Throw a person out of the chat.

        :param refusal: what it is told.
        :param news: what the lobby hears.
        """
        if person.departed:
            return
        person.cancel()
        person.refused = refusal.message
        self._order.tell(person, Kind.ERROR, refusal.message, code=refusal.code)
        self._order.at_this_point(person, self._finish, person, person.nick)
        self.depart(person, news)
        self.cut_off_later(person)

    def lost(self, person: Person) -> None:
        """Take note that a person's connection is gone; who has a token may come back to it."""
        person.cancel()
        if person.account is not None and not self._closing.begun:
            self.note(person)
        if person.departed:
            if self._may_be_kept(person) and not self._closing.begun:
                self._returns.gone(person)  # before delivery forgets it
        elif person.nick and person.place.token and self._may_return():
            self._wait_for(person)
        else:
            self.depart(person)
        person.left = None  # it is given no more
        self.forget(person)
        self._watching.clear(person)
        self._delivery.drop(person.member)
        if person in self._people:
            del self._people[person]
            if person.quota is not None:
                self._quotas.release(person.quota)
        self._closing.gone()

    def depart(self, person: Person, kicked: Event | None = None, reason: str = "") -> None:
        person.departed = True
        if self._may_be_kept(person) and not person.absent and not self._closing.begun:
            self._returns.depart(person)
        self._tokens.pop(person.place.token, None)
        if person.nick:
            news = self._rooms.depart(person, reason)
            if kicked is not None:
                news = [event for event in news if event.room != kicked.room] + [kicked]
            if not self._closing.begun:
                self._order.publish(person, *news)
            self._nicks.take_off(person)
            self._identities.remove(person)
            self._markers.gone(person.inbox)
            self._presence.gone(person)
            self._watching.gone(person)
            self._journal.note(f"{person.nick!r} left")
            person.nick = ""

    def revoke(self, person: Person) -> None:
        """Let a person's token be good no more."""
        self._tokens.pop(person.place.token, None)
        self._returns.revoke(person)

    def cut_off_later(self, person: Person) -> None:
        """Give a person some time to read its last words: who does not would stay for ever."""
        if self._clock is not None:
            person.timer = self._clock.callLater(PARTING, person.member.abort)

    # Inside.

    def _finish(self, person: Person, nick: str) -> None:
        if nick and self._may_be_kept(person):
            self._returns.leave(person, nick)
        self._delivery.finish(person.member)
        if person.account is not None and not self._closing.begun:
            self.note(person)

    def _may_be_kept(self, person: Person) -> bool:
        """Tell whether a person has a token, and nobody has come back with it already."""
        token = person.place.token
        return bool(token) and self._tokens.get(token, person) is person

    def _may_return(self) -> bool:
        return self._clock is not None and not self._closing.begun and self._policy.absence > 0

    def _wait_for(self, person: Person) -> None:
        """Keep the nickname of a lost connection for a while."""
        person.absent = True
        self._returns.keep(person, person.nick)
        if self._clock is not None:
            person.timer = self._clock.callLater(self._policy.absence, self.depart, person)
