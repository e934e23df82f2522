"""Coming back: who may, as whom, and how far it has read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.delivery import Delivery
from chatservice.errors import Code, NickRefused
from chatservice.interfaces import ILog, IMember, ITickets
from chatservice.names import fold
from chatservice.resume import OWN, Offer, Ticket, digest, new_token


@dataclass(slots=True)
class Place:
    """What is known of one person beyond its connection.

    :ivar inbox: its inbox and identity.
    :ivar since: when it first came, seconds since 1970.
    :ivar token: the token with which it may come back; "" if none was asked for.
    :ivar rooms: the rooms that it was in when it was lost.
    :ivar read: how far it had read then, of each room and the inbox, as far as that is known.
    """

    inbox: str
    since: float
    token: str = ""
    rooms: tuple[str, ...] = ()
    read: dict[str, int] = field(default_factory=dict)


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

    def issue(self, place: Place, nick: str, rooms: tuple[str, ...]) -> Deferred[str]:
        """Return a person's token, once the server is sure to know it. Fails with ChatError."""
        place.token = place.token or new_token()
        saved = self._save(place, nick, rooms, None)
        return saved.addCallback(lambda _: place.token)

    def recognise(self, offer: Offer) -> Deferred[Place]:
        """Return the place of somebody who comes back. Fails with NickRefused."""
        return Deferred.fromCoroutine(self._recognise(offer))

    async def _recognise(self, offer: Offer) -> Place:
        key = digest(offer.token)
        ticket = await self._tickets.find(key)
        if (saving := self._saving.get(offer.token)) is not None:  # it has only just left
            await waits_for(saving)
            ticket = await self._tickets.find(key)
        if ticket is None or fold(ticket.nick) != fold(offer.nick):
            raise NickRefused(
                Code.BAD_TOKEN,
                "That token is not good (any more) for this nickname: "
                "give a nickname alone, or with its own token.",
            )
        return Place(ticket.inbox, ticket.since, offer.token, ticket.rooms, dict(ticket.read or {}))

    def note(self, place: Place, member: IMember) -> Deferred[Mapping[str, int]]:
        """Note how far somebody has been given its rooms and its inbox, at this point."""
        place.read = self._delivery.read(member)
        place.rooms = tuple(room for room in place.read if room != place.inbox)
        if place.inbox in place.read:
            return succeed(place.read)

        def all_read(head: int) -> Mapping[str, int]:  # it is not behind there
            place.read[place.inbox] = head
            return place.read

        return self._history.head(place.inbox).addCallback(all_read)

    def keep(self, place: Place, nick: str, member: IMember) -> Deferred[None]:
        """Remember how far somebody who leaves has read, so that it can come back."""

        def kept(_: object) -> None:
            self._saving.pop(place.token, None)

        noted = self.note(place, member)
        saved = noted.addCallback(lambda read: self._save(place, nick, place.rooms, read))
        self._saving[place.token] = saved.addErrback(self._not_kept)
        return saved.addCallback(kept)

    def connected(self, place: Place, nick: str, rooms: tuple[str, ...]) -> None:
        """Take note that the owner of a token is here, under this nickname."""
        self._save(place, nick, rooms, None).addErrback(self._not_kept)

    def _save(
        self, place: Place, nick: str, rooms: tuple[str, ...], read: Mapping[str, int] | None
    ) -> Deferred[None]:
        ticket = Ticket(
            digest(place.token), nick, place.inbox, place.since, self._now(), rooms, read
        )
        return self._tickets.save(ticket)

    def _not_kept(self, failure: Failure) -> None:
        self._log.warn("a resume token could not be kept: {why}", why=failure.getErrorMessage())


def waits_for(other: Deferred[object]) -> Deferred[object]:
    """Return what fires when another Deferred has fired, whose result is left alone."""
    waiting: Deferred[object] = Deferred()

    def passed(result: object) -> object:
        waiting.callback(None)
        return result

    other.addBoth(passed)
    return waiting


def merged(place: Place, said: Mapping[str, int]) -> dict[str, int]:
    """Return how far somebody has read: what the server knows, and what the person says.

    :param said: rooms and OWN; rooms in which it was not do not count.
    """
    read = dict(place.read)
    for room, seq in said.items():
        name = place.inbox if room == OWN else room
        if name in (*place.rooms, place.inbox):
            read[name] = seq
    return read
