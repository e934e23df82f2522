"""The hub: one chat, put together; whoever changes anything in it does so by a part of the hub's.

Arrivals and departures, rooms, conversations, ops and moderation. They know the log and the
delivery, and members only as somebody to deliver to; no bytes, no doors. What happens goes to the
log and comes to the members from there; what concerns one person alone is told to that person.
"""

import time
from collections.abc import Callable, Sequence

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred

from chatservice.accounts.certificates import Certificates
from chatservice.accounts.logins import Logins, is_local
from chatservice.accounts.passwords import Passwords
from chatservice.arrivals import Arrivals, unwritten
from chatservice.bots.bots import Bots
from chatservice.bots.callers import Callers
from chatservice.bots.listeners import Listeners
from chatservice.bots.programs import Programs
from chatservice.closing import Closing
from chatservice.delivery.later import Later
from chatservice.departures import Departures
from chatservice.draining import Draining
from chatservice.durations import say_duration
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.interfaces import IClock, ILog, IMember, IRecords, ITickets
from chatservice.limits import Limits, Quota
from chatservice.meters import Meters
from chatservice.parts import Parts
from chatservice.people.account import Account
from chatservice.people.person import Person, Policy
from chatservice.presence.owners import Owners
from chatservice.rooms.moderation import Moderation
from chatservice.rooms.rights import Act


class Hub:
    """Everybody and every room of one chat.

    :param log: keeps the history and sets the order.
    :param clock: a reactor, or a Clock in tests. Without one nothing is timed, and there are no
        turns: every line is delivered at once.
    :param now: the wall clock, seconds since 1970.
    :param policy: what the operator decided.
    :param tickets: who may come back; by default remembered as long as the process lives.
    :param records: accounts, rooms and sanctions; by default the same.
    :param passwords: hashes them; by default at once, in the caller's thread.
    :param checkers: who else knows passwords (--auth); with any nobody registers here.
    :param meters: count what happens; by default for nobody.
    """

    def __init__(
        self,
        log: ILog,
        clock: IClock | None = None,
        now: Callable[[], float] = time.time,
        policy: Policy | None = None,
        tickets: ITickets | None = None,
        records: IRecords | None = None,
        passwords: Passwords | None = None,
        checkers: Sequence[ICredentialsChecker] = (),
        meters: Meters | None = None,
    ) -> None:
        policy = Policy() if policy is None else policy
        parts = self.parts = Parts(log, clock, now, policy, tickets, records, meters)
        self.meters = parts.meters
        self.clock = clock
        self.policy = policy
        self.now = now
        self._order = parts.order
        self.delivery = parts.delivery
        self.past = parts.past
        self.excerpts = parts.excerpts
        self.accounts = parts.accounts
        self.markers = parts.markers
        self.presence = parts.presence
        self.cloaks = parts.cloaks
        self.watching = parts.watching
        self.preferences = parts.preferences
        self.rooms = parts.rooms
        self.ended: Callable[[], object] = lambda: None
        self._draining = Draining(clock, self._say_to_all, lambda: self.ended())
        self._closing = Closing(log, self._order, self.delivery, clock, lambda: parts.people)
        self.departures = Departures(parts, self._closing)
        self.ops = parts.ops
        self.conversations = parts.conversations
        self.moderation = Moderation(
            self.rooms,
            parts.sanctions,
            self.accounts,
            self._order,
            parts.audit,
            parts.nicks.find,
            self.people,
            self.departures.expel,
            parts.returns.connected,
            now,
        )
        self.passwords = passwords or Passwords()
        logins = Logins(
            self.accounts,
            self.passwords,
            policy,
            clock,
            parts.seconds,
            parts.secret,
            checkers,
            parts.meters,
        )
        self.owners = Owners(
            self.accounts,
            parts.identities,
            logins,
            parts.nicks,
            self._order,
            parts.returns,
            parts.cloaks,
            depart=self.departures.depart,
            leave=self.departures.leave,
            wear=lambda nick, person: self.arrivals.wear(nick, person),
            revoke=self.departures.revoke,
            tell_token=lambda person: self.arrivals.tell_token(person),
            read=self.conversations.read,
        )
        self.certificates = Certificates(self.accounts)
        self.arrivals = Arrivals(
            parts, self.owners, self.conversations, self.departures, self._draining.check
        )
        self.bots = Bots(
            log,
            parts.records,
            parts.tokens_of_bots,
            self.accounts,
            parts.nicks,
            self.rooms,
            self._order,
            parts.audit,
            policy,
            clock,
            now,
        )
        self.callers = Callers(parts, self.bots, lambda: self._closing.begun)
        self.programs = Programs(parts, self.callers)
        self.listeners = Listeners(
            parts, self.callers, self.connect, self.admit, self.departures.lost
        )
        self._follow()
        log.watch(self._trouble)

    def _follow(self) -> None:
        """Let what depends on who somebody is follow it."""
        self.departures.note = self.owners.note
        self.departures.forget = self.conversations.lost
        self.parts.identities.changed = self.owners.changed
        self.on_identity(lambda person, _: self.preferences.logged_in(person))
        self.on_identity(lambda person, _: self.conversations.logged_in(person))
        self.on_identity(self._known_as)
        self.on_identity(lambda person, _: self.rooms.touch(person))
        self.accounts.watch(self._account_changed)

    @property
    def limits(self) -> Limits:
        """What one person and one address may do."""
        return self.policy.limits

    @property
    def closing(self) -> bool:
        """Whether the chat ends just now."""
        return self._closing.begun

    @property
    def draining(self) -> bool:
        """Whether the chat ends after a while, and nobody comes in until then."""
        return self._draining.begun

    def check(self) -> None:
        """Ask whether anybody may come in, and say something.

        :raises ChatError: with the reason why not: CLOSING or NOT_STORED.
        """
        self._check_open()
        if trouble := self.parts.log.trouble:
            raise ChatError(Code.NOT_STORED, unwritten(trouble))

    # Coming and going.

    def connect(self, member: IMember) -> Person:
        """Know a new connection, which has no nickname yet."""
        person = Person(member, self.now())
        self.parts.people[person] = None
        self.delivery.add(member)
        return person

    def admit(self, person: Person, host: str | None, encrypted: bool = False) -> Quota:
        """Count a connection for its address.

        :param host: the peer's IP address; None for peers without one.
        :param encrypted: whether it is known to be, all the way.
        :raises ChatError: if there are too many, or the server is closing.
        """
        self._check_open()
        person.quota = self.parts.quotas.admit(host)
        person.host = host
        person.encrypted = encrypted or is_local(host)
        return person.quota

    def close(self, goodbye: str) -> Deferred[None]:
        """End the chat: what was accepted is committed and delivered, with a last word to all.

        :returns: fires when everybody is gone.
        """
        kept: list[Deferred[None]] = []
        if not self._closing.begun:
            kept += [self.owners.note(person) for person in self.parts.people if person.account]
            for person in self.parts.tokens.values():
                person.cancel()
                if self.delivery.behind(person.member):  # it may not get the rest any more
                    kept.append(self.parts.returns.keep(person, person.nick))
        return self._closing.begin(goodbye, kept)

    # What people do.

    def join(self, person: Person, room: str, key: str = "") -> None:
        """Bring a person into a room; see Rooms.join."""
        self.rooms.join(person, room, key)
        self.parts.returns.connected(person)

    def leave_room(self, person: Person, room: str) -> None:
        """Let a person out of a room; see Rooms.leave."""
        self.rooms.leave(person, room)
        self.parts.returns.connected(person)

    def tell(
        self, person: Person, kind: Kind, *texts: str, code: str = "", request: str = ""
    ) -> None:
        """Answer one person, behind all that it has done before; see Order.tell."""
        self._order.tell(person, kind, *texts, code=code, request=request)

    def answer(self, person: Person, *events: Event) -> None:
        """Answer one person in the form for programs; see Order.answer."""
        self._order.answer(person, *events)

    def recall(self, person: Person, answer: Later) -> None:
        """Answer one person with what is made only when its turn comes; see Order.recall."""
        self._order.recall(person, answer)

    def complete(self, person: Person) -> Deferred[None]:
        """Tell a person when what it asked for is done and committed; see Order.complete."""
        return self._order.complete(person)

    def drain(self, person: Person, seconds: float | None) -> None:
        """Close the chat after a while, and let nobody in until then; None: go on after all.

        :raises ChatError: NOT_ALLOWED, or BAD_ARGUMENTS.
        """
        lobby = self.rooms.lobby
        self.rooms.admission.check(person, lobby, Act.DRAIN)
        if seconds is None:
            self._draining.stop()
            deed = "lets the chat go on"
        else:
            self._draining.begin(seconds)
            deed = f"closes the chat in {say_duration(seconds)}"
        self._order.publish(person, self.parts.audit.entry(person, lobby, deed))

    # Who is here, and where they are.

    def present(self, person: Person, room: str) -> Deferred[int]:
        """Return the number of the last line of a room that comes before an answer given now."""
        return self._order.present(person, room)

    def find(self, nick: str) -> Person:
        """Return the person with a nickname, however it is capitalised.

        :raises ChatError: if there is none.
        """
        return self.parts.nicks.find(nick)

    def people(self) -> Sequence[Person]:
        """Return everybody who is connected and wears a nickname, in the order of connecting."""
        return [person for person in self.parts.people if person.nick]

    def connections_of(self, identity: str) -> Sequence[Person]:
        """Return everybody of an identity who wears a nickname: an account may be logged in to
        several times. Those whose connection is lost and who may come back (Person.absent) count.
        """
        return self.parts.identities.people(identity)

    def on_identity(self, follow: Callable[[Person, str], None]) -> None:
        """Call back with everybody whose identity changes, and its identity before.

        That is who logs in, in the chat or at the question for a nickname (then once it was
        welcomed), and who is logged in to an account that is removed. Not who comes back to a
        place of its own, by token or password: it is told what it missed there anyway.
        """
        self.parts.identities.follow(follow)

    def expire(self, seconds: float) -> Deferred[int]:
        """Remove accounts whose owners were not here for so long; never admins.

        :returns: how many that were. Fails with ChatError.
        """
        return self.accounts.expire(self.now() - seconds, self.parts.identities.people)

    # Inside.

    def _check_open(self) -> None:
        if self._closing.begun:
            raise ChatError(Code.CLOSING, "The server is closing: connect again later.")
        self._draining.check()

    def _known_as(self, person: Person, old: str) -> None:
        """Let somebody who has logged in keep its roles, unless it is banned as who it is."""
        if person.account is not None and self.accounts.of(old) is None:
            for room in self.rooms.own(person):
                moved = self.rooms.charters.move(room, old, person.inbox)
                moved.addErrback(self._order.refused, person)
        self.moderation.recheck(person)

    def _account_changed(self, old: Account | None, new: Account | None) -> None:
        """Let what hangs on an account follow what has become of it."""
        returns = self.parts.returns
        for person in self.connections_of(new.identity) if new is not None else ():
            self.rooms.touch(person)
        if old is not None and (new is None or new.identity != old.identity):
            returns.forget(old.identity)  # whoever is logged in is somebody else by now
        elif old is not None and new is not None and old.password not in ("", new.password):
            returns.forget(new.identity)  # whoever has a token need not know the password
            for person in self.connections_of(new.identity):
                if not person.absent:
                    returns.connected(person)
        elif old is None and new is not None:
            if new.password or new.maker:
                self.owners.taken(new)
            for person in self.connections_of(new.identity):
                self._keep_rooms(person)

    def _keep_rooms(self, person: Person) -> None:
        """Keep the rooms of somebody who has just made an account."""
        for room in self.rooms.own(person):
            if room.charter.founder == person.inbox:
                kept = self.rooms.charters.keep(room)
                kept.addErrback(self._order.refused, person)

    def _trouble(self, trouble: str) -> None:
        self._say_to_all(unwritten(trouble) if trouble else "The history is written again: go on.")

    def _say_to_all(self, text: str) -> None:
        for person in self.people():
            self._order.tell_now(person, Kind.NOTICE, text)
