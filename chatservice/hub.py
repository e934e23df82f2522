"""The hub: who is here under which nickname, who comes, goes and comes back.

The only place where any of that changes; who is in which room is the business of its Rooms. It
knows the log and the delivery, and members only as somebody to deliver to; no bytes, no doors. What
happens goes to the log and comes to the members from there; what concerns one person alone is told
to that person.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from operator import setitem
from typing import Final

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred, fail, succeed

from chatservice.accounts import Account, Accounts
from chatservice.audit import Audit
from chatservice.closing import Closing
from chatservice.conversations import Conversations
from chatservice.delivery import Delivery
from chatservice.draining import Draining
from chatservice.errors import ChatError, Code, NickRefused
from chatservice.events import Event, Kind
from chatservice.identities import Identities
from chatservice.interfaces import IClock, ILog, IMember, IRecords, ITickets
from chatservice.journal import Journal
from chatservice.limits import Limits, Quota, Quotas
from chatservice.logins import Logins, is_local
from chatservice.moderation import Moderation
from chatservice.names import LOBBY, check_nick
from chatservice.nicks import Nicks
from chatservice.ops import Ops
from chatservice.order import Order
from chatservice.owners import Owners
from chatservice.passwords import Passwords
from chatservice.past import Past
from chatservice.person import Person, Policy
from chatservice.preferences import Preferences
from chatservice.presence import Presence
from chatservice.resume import Offer, Place, describe, is_token, parse_offer
from chatservice.returns import Returns, merged
from chatservice.rights import Act, check
from chatservice.rooms import Rooms
from chatservice.sanctions import Sanctions
from chatservice.store.memory import MemoryRecords, MemoryTickets

PARTING: Final = 60.0
"""How long, in seconds, somebody who leaves may take to read what was said before."""


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
    ) -> None:
        self.clock = clock
        self.policy = Policy() if policy is None else policy
        self.now = now
        self._history = log
        seconds = time.monotonic if clock is None else clock.seconds
        self._quotas = Quotas(self.limits, seconds)
        self._records = MemoryRecords() if records is None else records
        self.accounts = Accounts(self._records, now)
        self._identities = Identities(self.accounts)
        self._people: dict[Person, None] = {}  # every connection
        self._nicks: Nicks[Person] = Nicks()
        self._owners: dict[str, Person] = {}  # of tokens
        self.delivery = Delivery(log, clock, now)
        self.past = Past(log, self.delivery, now)
        self._order = Order(log, self.delivery, now, self.policy.lobby)
        self.presence = Presence(self._order, now)
        self.preferences = Preferences(self.accounts, self._order, self.connections_of)
        self.sanctions = Sanctions(self._records, now)
        self.rooms = Rooms(self._order, self.past, self.policy, self._records, self.sanctions, now)
        find, audit = self._nicks.find, Audit(log, self._order, now)
        self.ops = Ops(self.rooms, self.accounts, self._order, audit, find, now)
        self.moderation = Moderation(
            self.rooms,
            self.sanctions,
            self.accounts,
            self._order,
            audit,
            find,
            self.people,
            self.expel,
            now,
        )
        self.conversations = Conversations(
            log,
            self._order,
            self.past,
            self.delivery,
            self.accounts,
            self._nicks,
            self,
            self.rooms.admission.speak_privately,
            self.presence.written_to,
        )
        self.on_identity(lambda person, _: self.preferences.logged_in(person))
        self.on_identity(lambda person, _: self.conversations.logged_in(person))
        self.on_identity(self._known_as)
        self.accounts.watch(self._registered)
        self.ended: Callable[[], object] = lambda: None
        self._draining = Draining(clock, self._say_to_all, lambda: self.ended())
        self._closing = Closing(log, self._order, self.delivery, clock, lambda: self._people)
        self._journal = Journal(clock)
        self._returns = Returns(tickets or MemoryTickets(now), log, self.delivery, now)
        self.passwords = passwords or Passwords()
        self.owners = Owners(
            self.accounts,
            self._identities,
            Logins(self.accounts, self.passwords, self.policy, clock, seconds, checkers),
            self._nicks,
            self._order,
            self._returns,
            depart=self._depart,
            leave=self.leave,
            wear=self._wear,
            revoke=self._revoke,
            tell_token=self.tell_token,
            read=self.conversations.read,
        )
        self._identities.changed = self.owners.changed
        log.watch(self._trouble)

    @property
    def limits(self) -> Limits:
        """What one person and one address may do."""
        return self.policy.limits

    # Coming and going.

    def connect(self, member: IMember) -> Person:
        """Know a new connection, which has no nickname yet."""
        person = Person(member, self.now())
        self._people[person] = None
        self.delivery.add(member)
        return person

    def admit(self, person: Person, host: str | None, encrypted: bool = False) -> Quota:
        """Count a connection for its address.

        :param host: the peer's IP address; None for peers without one.
        :param encrypted: whether it is known to be, all the way.
        :raises ChatError: if there are too many, or the server is closing.
        """
        if self._closing.begun:
            raise ChatError(Code.CLOSING, "The server is closing: connect again later.")
        self._draining.check()
        person.quota = self._quotas.admit(host)
        person.host = host
        person.encrypted = encrypted or is_local(host)
        return person.quota

    def claim(self, person: Person, text: str) -> Deferred[str]:
        """Reserve a nickname for a person, who does not wear it yet.

        :param text: what the person offered: a nickname, perhaps with a token or its password
            behind it.
        :returns: the nickname in its normal form. Fails with ChatError.
        """
        before = person.place
        offer = parse_offer(text)
        nick, _, password = text.strip().partition(" ")
        if text.strip().lower() == "/why":
            return fail(self._reason(person))
        if offer is not None and is_token(offer.token):
            place = self._returns.recognise(offer)
            claimed = place.addCallback(self._claim_place, person, offer)
        elif password:
            claimed = self.owners.claim(person, nick, password.strip())
        else:
            claimed = self._claim_nick(person, text)
        return claimed.addCallback(self._admitted, person, before)

    def _admitted(self, nick: str, person: Person, before: Place) -> str:
        """Let nobody in who is banned, whatever it has proved to be."""
        account = person.proved or self.accounts.of(person.inbox)
        try:
            self.rooms.admission.come_in(person, nick, account)
        except ChatError as refusal:
            self.unclaim(person, nick)
            person.place, person.offered, person.proved = before, None, None
            person.refused = refusal.message
            raise
        return nick

    def _reason(self, person: Person) -> ChatError:
        """Say what keeps somebody out who has no nickname yet."""
        return NickRefused(
            Code.NICK_INVALID,
            person.refused or "Nothing keeps you out so far: answer NICK with a nickname.",
        )

    def _claim_nick(self, person: Person, text: str) -> Deferred[str]:
        try:
            nick = check_nick(text)
            self.owners.check(person, nick)
            self._nicks.claim(person, nick)
        except ChatError as refusal:
            return fail(refusal)
        return succeed(nick)

    def _claim_place(self, place: Place, person: Person, offer: Offer) -> Deferred[str]:
        """Reserve the nickname of somebody who comes back, which its own ghost may still wear."""

        def claimed(nick: str) -> str:
            person.place, person.offered = place, offer
            return nick

        owner = self._owners.get(offer.token)
        person.proved = self.accounts.of(place.inbox)
        if owner is None:
            return self._claim_nick(person, offer.nick).addCallback(claimed)
        return succeed(claimed(owner.nick))

    def enter(self, person: Person, nick: str) -> None:
        """Bring a person in, under a nickname it has claimed: into the lobby, or where it was."""
        person.nick, before = nick, person.inbox
        if person.offered:
            ghost = self._owners.get(person.offered.token)
            person.account = self.accounts.of(person.inbox)
        else:
            ghost = self.owners.enter(person, nick)
        if ghost is None:
            self._nicks.wear(person, nick)
            self._identities.add(person)
            news = self.rooms.arrive(person)
        else:
            self._take_over(ghost, person)
            news = []
        rooms, current = person.place.rooms, person.place.current
        inbox: dict[str, int] = {}  # where the present begins there
        if person.offered or person.account:
            head = self._history.head(person.inbox).addErrback(self._order.refused, person)
            head.addCallback(partial(setitem, inbox, person.inbox))
        entered = self._order.enter(person, rooms, news)
        entered.addCallback(lambda heads: self._welcome(person, current, heads | inbox))
        if ghost is None and not person.offered and person.inbox != before:
            entered.addCallback(lambda _: self._identities.tell_followers(person, before))
        entered.addErrback(self._order.refused, person)
        if person.place.token:
            self._owners[person.place.token] = person
            self._returns.connected(person)
        self.preferences.logged_in(person)
        self._journal.note(f"{nick!r} joined from {person.host!r}")

    def rename(self, person: Person, text: str) -> Deferred[None]:
        """Change a person's nickname.

        :returns: fires when it is changed. Fails with ChatError.
        """
        self.rooms.admission.change_nick(person, [*self.rooms.own(person)], text)
        return self._claim_nick(person, text).addCallback(self._wear, person)

    def unclaim(self, person: Person, nick: str) -> None:
        """Give back a nickname that was claimed and is not worn after all."""
        self._nicks.unclaim(person, nick)

    def leave(self, person: Person) -> None:
        """Let a person go: it gets all up to here, the others hear of it, it is disconnected."""
        if person.departed:
            return
        self._order.at_this_point(person, self._finish, person, person.nick)
        self._depart(person)
        self._cut_off_later(person)

    def hang_up(self, person: Person) -> None:
        """Let a person go who says no more but did not say so: as leave, but for who may return."""
        if person.nick and person.place.token and self._may_return():
            self._order.at_this_point(person, self._finish, person, person.nick)
            self._cut_off_later(person)
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
        self._order.tell(person, Kind.ERROR, refusal.message, code=refusal.code)
        self._order.at_this_point(person, self._finish, person, person.nick)
        self._depart(person, news)
        self._cut_off_later(person)

    def lost(self, person: Person) -> None:
        """Take note that a person's connection is gone; who has a token may come back to it."""
        person.cancel()
        if person.account is not None and not self._closing.begun:
            self.owners.note(person)
        if person.departed:
            if person.place.token:  # before delivery forgets it
                self._returns.note(person)
        elif person.nick and person.place.token and self._may_return():
            self._wait_for(person)
        else:
            self._depart(person)
        self.conversations.lost(person)
        self.delivery.drop(person.member)
        if person in self._people:
            del self._people[person]
            if person.quota is not None:
                self._quotas.release(person.quota)
        self._closing.gone()

    def close(self, goodbye: str) -> Deferred[None]:
        """End the chat: what was accepted is committed and delivered, with a last word to all.

        :returns: fires when everybody is gone.
        """
        kept: list[Deferred[None]] = []
        if not self._closing.begun:
            kept += [self.owners.note(person) for person in self._people if person.account]
            for person in self._owners.values():
                person.cancel()
                if self.delivery.behind(person.member):  # it may not get the rest any more
                    kept.append(self._returns.keep(person, person.nick))
        return self._closing.begin(goodbye, kept)

    # What people do.

    def join(self, person: Person, room: str, key: str = "") -> None:
        """Bring a person into a room; see Rooms.join."""
        self.rooms.join(person, room, key)
        self._returns.connected(person)

    def leave_room(self, person: Person, room: str) -> None:
        """Let a person out of a room; see Rooms.leave."""
        self.rooms.leave(person, room)
        self._returns.connected(person)

    def tell(
        self, person: Person, kind: Kind, *texts: str, code: str = "", request: str = ""
    ) -> None:
        """Answer one person, behind all that it has done before; see Order.tell."""
        self._order.tell(person, kind, *texts, code=code, request=request)

    def complete(self, person: Person) -> Deferred[None]:
        """Tell a person when what it asked for is done and committed; see Order.complete."""
        return self._order.complete(person)

    def tell_token(self, person: Person) -> Deferred[None]:
        """Tell a person with what it can come back, and how far it has read.

        :returns: fires when it was told. Fails with ChatError.
        """

        def issued(token: str) -> Deferred[None]:
            if not person.departed:
                self._owners[token] = person
            return self._history.head(person.inbox).addCallback(tell)

        def tell(head: int) -> None:
            ends = self.delivery.ends(person.member)
            read = {room: ends[room] for room in person.place.rooms if room in ends}
            read[person.inbox] = head
            text = f"{person.place.token} {describe(read, person.inbox)}"
            self._order.tell_now(person, Kind.RESUME, text)

        return self._returns.issue(person).addCallback(issued)

    def drain(self, person: Person, seconds: float | None) -> None:
        """Close the chat after a while, and let nobody in until then; None: go on after all.

        :raises ChatError: NOT_ALLOWED, or BAD_ARGUMENTS.
        """
        role, lobby = self.rooms.role(person, self.rooms.lobby), self.rooms.lobby
        check(role, Act.DRAIN, lobby.charter.modes, "the chat")
        if seconds is None:
            self._draining.stop()
        else:
            self._draining.begin(seconds)

    # Who is here, and where they are.

    def present(self, person: Person, room: str) -> Deferred[int]:
        """Return the number of the last line of a room that comes before an answer given now."""
        return self._order.present(person, room)

    def find(self, nick: str) -> Person:
        """Return the person with a nickname, however it is capitalised.

        :raises ChatError: if there is none.
        """
        return self._nicks.find(nick)

    def people(self) -> Sequence[Person]:
        """Return everybody who is connected and wears a nickname, in the order of connecting."""
        return [person for person in self._people if person.nick]

    def connections_of(self, identity: str) -> Sequence[Person]:
        """Return everybody of an identity who wears a nickname: an account may be logged in to
        several times. Those whose connection is lost and who may come back (Person.absent) count.
        """
        return self._identities.people(identity)

    def on_identity(self, follow: Callable[[Person, str], None]) -> None:
        """Call back with everybody whose identity changes, and its identity before.

        That is who logs in, in the chat or at the question for a nickname (then once it was
        welcomed), and who is logged in to an account that is removed. Not who comes back to a
        place of its own, by token or password: it is told what it missed there anyway.
        """
        self._identities.follow(follow)

    def expire(self, seconds: float) -> Deferred[int]:
        """Remove accounts whose owners were not here for so long; never admins.

        :returns: how many that were. Fails with ChatError.
        """
        return self.accounts.expire(self.now() - seconds, self._identities.people)

    # Inside.

    def _welcome(self, person: Person, current: str, heads: dict[str, int]) -> None:
        person.welcomed = True
        self.rooms.settle(person, heads)
        self._order.tell_now(person, Kind.WELCOME)
        if person.replaced:  # somebody else with its token was as fast
            return
        if not current == LOBBY == self.policy.lobby:  # which is what clients and doors take it for
            self._order.tell_now(person, Kind.SWITCHED, current)
        notes = [self.policy.welcome, self.owners.greeting(person)]
        if self._history.trouble:
            notes.append(_unwritten(self._history.trouble))
        if any(notes):
            self._order.tell_now(person, Kind.NOTICE, *filter(None, notes))
        if person.offered is None:
            self.rooms.show_topic(person, self.rooms.lobby)
            self.rooms.show_backlog(person, self.rooms.current(person), heads.get(current, 0))
            self.conversations.catch_up(person, heads.get(person.inbox, 0))
        else:
            read = self.rooms.readable(person, merged(person.place, person.offered.read))
            told = self.past.missed(person.member, read, heads)
            self.conversations.came_back(person, read, told, heads)

    def _wear(self, nick: str, person: Person) -> None:
        if person.departed:  # while the claim was decided
            self.unclaim(person, nick)
            return
        news = self.rooms.rename(person, nick)
        self.presence.gone(person.nick)
        person.nick = nick
        self._nicks.wear(person, nick)
        self.preferences.apply(person)
        self._order.publish(person, *news)
        self._returns.connected(person)

    def _known_as(self, person: Person, old: str) -> None:
        """Let somebody who has logged in keep its roles, unless it is banned as who it is."""
        if person.account is not None and self.accounts.of(old) is None:
            for room in self.rooms.own(person):
                moved = self.rooms.charters.move(room, old, person.inbox)
                moved.addErrback(self._order.refused, person)
        self.moderation.recheck(person)

    def _registered(self, old: Account | None, new: Account | None) -> None:
        """Keep the rooms of somebody who has just made an account."""
        for person in () if old is not None or new is None else self.connections_of(new.identity):
            for room in self.rooms.own(person):
                if room.charter.founder == person.inbox:
                    kept = self.rooms.charters.keep(room)
                    kept.addErrback(self._order.refused, person)

    # Going, and coming back.

    def _finish(self, person: Person, nick: str) -> None:
        self.delivery.finish(person.member)
        if person.account is not None and not self._closing.begun:
            self.owners.note(person)
        if person.place.token and nick:
            self._returns.keep(person, nick)

    def _depart(self, person: Person, kicked: Event | None = None) -> None:
        person.departed = True
        self._owners.pop(person.place.token, None)
        if person.nick:
            news = self.rooms.depart(person)
            if kicked is not None:
                news = [event for event in news if event.room != kicked.room] + [kicked]
            if not self._closing.begun:
                self._order.publish(person, *news)
            self._nicks.take_off(person)
            self._identities.remove(person)
            self.presence.gone(person.nick)
            self._journal.note(f"{person.nick!r} left")
            person.nick = ""

    def _may_return(self) -> bool:
        return self.clock is not None and not self._closing.begun and self.policy.absence > 0

    def _wait_for(self, person: Person) -> None:
        """Keep the nickname of a lost connection for a while."""
        person.absent = True
        self._returns.keep(person, person.nick)
        if self.clock is not None:
            person.timer = self.clock.callLater(self.policy.absence, self._depart, person)

    def _cut_off_later(self, person: Person) -> None:
        """Give a person some time to read its last words: who does not would stay for ever."""
        if self.clock is not None:
            person.timer = self.clock.callLater(PARTING, person.member.abort)

    def _take_over(self, ghost: Person, person: Person) -> None:
        """Put a person in the place of a connection that it had before; nobody else notices."""
        self._nicks.hand_over(ghost, person)
        self._identities.remove(ghost)
        code = ""
        if person.offered is None:  # came back with the password, from elsewhere perhaps
            self._revoke(ghost)  # or the client that has the token would come back in turn
            person.offered, code = Offer(ghost.nick, "", {}), Code.KICKED
        person.place, person.account = ghost.place, ghost.account
        person.away, person.active = ghost.away, ghost.active
        self.preferences.take_over(ghost, person)
        self._identities.add(person)
        ghost.cancel()
        if ghost.absent:
            ghost.nick, ghost.departed = "", True
            return
        self._returns.note(ghost)
        parting = "You came back on another connection: this one ends."
        ghost.nick, ghost.departed, ghost.replaced = "", True, True
        self._order.tell(ghost, Kind.ERROR if code else Kind.NOTICE, parting, code=code)
        self._order.at_this_point(ghost, self.delivery.finish, ghost.member)
        self._cut_off_later(ghost)

    def _revoke(self, person: Person) -> None:
        """Let a person's token be good no more."""
        self._owners.pop(person.place.token, None)
        self._returns.revoke(person)

    def _trouble(self, trouble: str) -> None:
        self._say_to_all(_unwritten(trouble) if trouble else "The history is written again: go on.")

    def _say_to_all(self, text: str) -> None:
        for person in self.people():
            self._order.tell_now(person, Kind.NOTICE, text)


def _unwritten(trouble: str) -> str:
    return f"Nothing that is said now is accepted: the history cannot be written ({trouble})."
