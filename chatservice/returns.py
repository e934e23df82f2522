"""Coming back: who may, as whom, and how far it has read."""

from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.delivery import Delivery
from chatservice.errors import Code, NickRefused
from chatservice.interfaces import ILog, ITickets
from chatservice.names import fold
from chatservice.person import Person
from chatservice.resume import OWN, Offer, Place, Ticket, digest, new_token


class Returns:
    """Issues tokens, recognises them, and remembers how far their owners have read.

    :param tickets: where that is kept.
    :param now: the wall clock.
    """

    _log = Logger()

    def __init__(
        self, tickets: ITickets, log: ILog, delivery: Delivery, now: Callable[[], float]
    ) -> None:
        self._tickets = tickets
        self._history = log
        self._delivery = delivery
        self._now = now
        self._saving: dict[str, Deferred[object]] = {}  # by token, what is being kept just now

    def issue(self, person: Person) -> Deferred[str]:
        """Return a person's token, once the server is sure to know it. Fails with ChatError."""
        place = person.place
        place.token = place.token or new_token()
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

    def note(self, person: Person) -> Deferred[None]:
        """Note how far somebody has been given its rooms and its inbox, at this point.

        Whoever was told nothing yet, or is forgotten by delivery already, has read what it had.
        """
        place, read = person.place, self._delivery.read(person.member)
        if not read or not person.welcomed or person.replaced:
            return succeed(None)
        place.read = read
        if place.inbox in read:
            return succeed(None)

        def all_read(head: int) -> None:  # it is not behind there
            read[place.inbox] = head

        return self._history.head(place.inbox).addCallback(all_read)

    def keep(self, person: Person, nick: str) -> Deferred[None]:
        """Remember how far somebody who goes has read, so that it can come back."""
        place = person.place

        def kept(_: object) -> None:
            self._saving.pop(place.token, None)

        saved = self.note(person).addCallback(lambda _: self._save(place, nick, place.read))
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
