"""Coming back: who may, as whom, and how far it has read."""

from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.delivery.delivery import Delivery
from chatservice.errors import Code, NickRefused
from chatservice.interfaces import ITickets
from chatservice.names import fold
from chatservice.people.person import Person
from chatservice.resume import OWN, Offer, Place, Ticket, digest, new_token


class Returns:
    """Issues tokens, recognises them, and remembers how far their owners have read.

    :param tickets: where that is kept.
    :param given: returns the number up to which a person was given its inbox, if it is known.
    :param now: the wall clock.
    """

    _log = Logger()

    def __init__(
        self,
        tickets: ITickets,
        delivery: Delivery,
        given: Callable[[Person], int | None],
        now: Callable[[], float],
    ) -> None:
        self._tickets = tickets
        self._delivery = delivery
        self._given = given
        self._now = now
        self._saving: dict[str, Deferred[object]] = {}  # by token, what is being kept just now

    def issue(self, person: Person, token: str = "") -> Deferred[str]:
        """Return a person's token, once the server is sure to know it. Fails with ChatError.

        :param token: what it is to be; "" for what it is already, or a new one.
        """
        place = person.place
        place.token = token or place.token or new_token()
        return self._save(place, person.nick, None).addCallback(lambda _: place.token)

    def recognise(self, offer: Offer) -> Deferred[Place]:
        """Return the place of somebody who comes back. Fails with NickRefused."""
        return Deferred.fromCoroutine(self._recognise(offer))

    async def _recognise(self, offer: Offer) -> Place:
        key = digest(offer.token)
        ticket = await self._tickets.find(key)
        if (saving := self._saving.get(offer.token)) is not None:  # it has only just left
            saved: Deferred[object] = Deferred()
            saving.chainDeferred(saved)
            await saved
            ticket = await self._tickets.find(key)
        if ticket is None or fold(ticket.nick) != fold(offer.nick):
            raise NickRefused(
                Code.BAD_TOKEN,
                "That token is not good (any more) for this nickname: "
                "give a nickname alone, or with its own token.",
            )
        rooms, read = dict.fromkeys(ticket.rooms), dict(ticket.read or {})
        return Place(ticket.inbox, ticket.since, offer.token, rooms, read, ticket.at)

    def note(self, person: Person) -> None:
        """Note how far somebody has been given its rooms and its inbox, at this point.

        Whoever was told nothing yet has read what it had. Whom delivery has forgotten was given
        what it should be before it left.
        """
        place, read = person.place, self._delivery.read(person.member)
        if not read and person.left is not None:
            read = dict(person.left[1])
        if not read or not person.welcomed or person.replaced:
            return
        if place.inbox not in read:  # it is not behind there
            given = self._given(person)
            given = place.read.get(place.inbox) if given is None else given
            if given is not None:
                read[place.inbox] = given
        place.read = read

    def depart(self, person: Person) -> None:
        """Remember somebody who leaves, and may be back before the log has come to that."""
        if person.left is None:
            person.left = person.nick, {}
            self.keep(person, person.nick)

    def leave(self, person: Person, nick: str) -> None:
        """Remember how far somebody has read who is about to be given the rest, and then goes."""
        if person.left is None or not person.left[1]:
            person.left = nick, self._delivery.ends(person.member)
        self.keep(person, nick)

    def gone(self, person: Person) -> None:
        """Remember how far somebody who leaves has come before its connection was gone."""
        before = person.place.read
        self.note(person)
        if person.left is not None and person.place.read != before:
            self.keep(person, person.left[0])

    def keep(self, person: Person, nick: str) -> Deferred[None]:
        """Remember how far somebody who goes has read, so that it can come back."""
        place = person.place

        def kept(_: object) -> None:
            self._saving.pop(place.token, None)

        self.note(person)
        saved = self._save(place, nick, place.read)
        self._saving[place.token] = saved.addErrback(self._not_kept)
        return saved.addCallback(kept)

    def connected(self, person: Person) -> None:
        """Take note that somebody is here, under this nickname and in these rooms.

        Without a token there is nothing to note.
        """
        if not person.place.token:
            return
        self._save(person.place, person.nick, None).addErrback(self._not_kept)

    def revoke(self, person: Person) -> None:
        """Let a person's token be good no more."""
        place, token = person.place, person.place.token
        if token:
            place.token = ""
            gone = Ticket(digest(token), person.nick, place.inbox, place.since, 0.0, (), {})
            self._tickets.save(gone).addErrback(self._not_kept)

    def forget(self, inbox: str) -> None:
        """Let nobody come back as somebody who is no more."""
        self._tickets.forget(inbox).addErrback(self._not_kept)

    def _save(self, place: Place, nick: str, read: Mapping[str, int] | None) -> Deferred[None]:
        key, now = digest(place.token), self._now()
        kept = None if read is None else dict(read)
        ticket = Ticket(key, nick, place.inbox, place.since, now, tuple(place.rooms), kept)
        return self._tickets.save(ticket)

    def _not_kept(self, failure: Failure) -> None:
        self._log.warn("a resume token could not be kept: {why}", why=failure.getErrorMessage())


def merged(place: Place, said: Mapping[str, int]) -> dict[str, int]:
    """Return how far somebody has read: what the server knows, and what the person says.

    :param said: rooms and OWN; rooms in which it was not do not count.
    """
    read = dict(place.read)
    for room, seq in said.items():
        name = place.inbox if room == OWN else room
        if name in place.rooms or name == place.inbox:
            read[name] = seq
    return read
