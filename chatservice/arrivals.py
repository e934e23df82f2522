"""Coming in: what somebody answers to the question for a nickname, and what it finds then.

Who comes back with a token, or with a password while another connection of its own stands, takes
the place it had; nobody else notices.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from operator import setitem

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from chatservice.delivery.recall import Recall
from chatservice.departures import Departures
from chatservice.errors import ChatError, Code, NickRefused
from chatservice.events import LOGIN, Kind
from chatservice.names import LOBBY, check_nick
from chatservice.parts import Parts
from chatservice.people.account import Account
from chatservice.people.person import Person
from chatservice.people.returns import merged
from chatservice.presence.owners import Owners
from chatservice.resume import Offer, Place, describe, is_token, parse_offer
from chatservice.rooms.conversations import Conversations


class Arrivals:
    """How people come into one chat, and take other nicknames.

    :param owners: of registered nicknames.
    :param departures: how people go.
    :param check: asks whether anybody may come in at present; raises ChatError.
    """

    def __init__(
        self,
        parts: Parts,
        owners: Owners,
        conversations: Conversations,
        departures: Departures,
        check: Callable[[], None],
    ) -> None:
        self._now = parts.now
        self._policy = parts.policy
        self._history = parts.log
        self._order = parts.order
        self._delivery = parts.delivery
        self._past = parts.past
        self._accounts = parts.accounts
        self._identities = parts.identities
        self._nicks = parts.nicks
        self._tokens = parts.tokens
        self._rooms = parts.rooms
        self._presence = parts.presence
        self._watching = parts.watching
        self._preferences = parts.preferences
        self._returns = parts.returns
        self._journal = parts.journal
        self._owners = owners
        self._conversations = conversations
        self._departures = departures
        self._check = check

    def claim(self, person: Person, text: str) -> Deferred[str]:
        """Reserve a nickname for a person, who does not wear it yet.

        :param text: what the person offered: a nickname, perhaps with a token or its password
            behind it.
        :returns: the nickname in its normal form. Fails with ChatError.
        """
        try:
            self._check()
        except ChatError as refusal:
            return fail(refusal)
        before = person.place, person.proved
        offer = parse_offer(text)
        nick, _, password = text.strip().partition(" ")
        if text.strip().lower() == "/why":
            return fail(self._reason(person))
        if offer is not None and is_token(offer.token):
            place = self._returns.recognise(offer)
            claimed = place.addCallback(self._claim_place, person, offer)
        elif password:
            claimed = self._owners.claim(person, nick, password.strip())
        else:
            own = self._owners.claim_proved(person, nick)
            claimed = self._claim_nick(person, text) if own is None else own
        return claimed.addCallback(self._admitted, person, before)

    def unclaim(self, person: Person, nick: str) -> None:
        """Give back a nickname that was claimed and is not worn after all."""
        self._nicks.unclaim(person, nick)

    def enter(self, person: Person, nick: str) -> None:
        """Bring a person in, under a nickname it has claimed: into the lobby, or where it was."""
        person.nick, before = nick, person.inbox
        person.came = min(person.came, self._now())
        if person.offered:
            ghost = self._tokens.get(person.offered.token)
            person.account = self._accounts.of(person.inbox)
        else:
            ghost = self._owners.enter(person, nick)
        self._presence.came(person)
        if ghost is None:
            self._nicks.wear(person, nick)
            self._identities.add(person)
            news = self._rooms.arrive(person)
        else:
            self._rooms.narrow(ghost, person)
            self._take_over(ghost, person)
            # Who was in no room by IRC is in the lobby at other doors.
            news = [] if person.place.rooms else self._rooms.arrive(person)
        rooms, current = person.place.rooms, person.place.current
        inbox: dict[str, int] = {}  # where the present begins there
        if person.offered or person.account:
            head = self._history.head(person.inbox)
            head.addCallback(partial(setitem, inbox, person.inbox))
            head.addErrback(self._order.refused, person)
        entered = self._order.enter(person, rooms, news)
        if ghost is None:
            self._watching.came(person)
        entered.addCallback(lambda heads: self._welcome(person, current, heads | inbox))
        if ghost is None and not person.offered and person.inbox != before:
            entered.addCallback(lambda _: self._identities.tell_followers(person, before))
        entered.addErrback(self._order.refused, person)
        if person.place.token:
            self._tokens[person.place.token] = person
            self._returns.connected(person)
        self._preferences.logged_in(person)
        self._journal.note(f"{nick!r} joined from {person.host!r}")

    def rename(self, person: Person, text: str) -> Deferred[None]:
        """Change a person's nickname.

        :returns: fires when it is changed. Fails with ChatError.
        """
        self._rooms.admission.change_nick(person, [*self._rooms.own(person)], text)
        return self._claim_nick(person, text).addCallback(self.wear, person)

    def tell_token(self, person: Person) -> Deferred[None]:
        """Tell a person with what it can come back, and how far it has read.

        :returns: fires when it was told. Fails with ChatError.
        """
        if person.recognised:  # who knows the token could be this person from anywhere
            text = "You come back here by loading the page again: it needs no token."
            return fail(ChatError(Code.NOT_ALLOWED, text))

        def issued(token: str) -> Deferred[None]:
            if not person.departed:
                self._tokens[token] = person
            return self._history.head(person.inbox).addCallback(tell)

        def tell(head: int) -> None:
            person.unasked = False
            self._conversations.may_return(person, head)
            ends = self._delivery.ends(person.member)
            read = {room: ends[room] for room in person.place.rooms if room in ends}
            read[person.inbox] = head
            text = f"{person.place.token} {describe(read, person.inbox)}"
            self._order.tell_now(person, Kind.RESUME, text)

        return self._returns.issue(person).addCallback(issued)

    def keep_place(self, person: Person, token: str) -> Deferred[None]:
        """Let a person come back with a token that its door made for it, and no other.

        Whoever else has that token is somebody the same client was before.

        :returns: fires when the server is sure to know the token. Fails with ChatError.
        """

        def count(head: int) -> None:
            self._conversations.may_return(person, head)

        person.recognised = True
        other = self._tokens.get(token)
        if other is person:  # which came back with it
            return succeed(None)
        if other is not None:
            self._departures.revoke(other)
        self._departures.revoke(person)
        if person.departed:
            return succeed(None)
        self._tokens[token] = person  # at once: who is as fast must find it
        issued = self._returns.issue(person, token)
        return issued.addCallback(lambda _: self._history.head(person.inbox)).addCallback(count)

    def stay(self, person: Person) -> None:
        """Keep a person's place for a while when its connection is lost, although it has asked for
        no token: it comes back to it with its password.
        """
        if person.place.token or person.departed:
            return

        def count(head: int) -> None:
            self._conversations.may_return(person, head)

        def refused(failure: Failure) -> None:
            failure.trap(ChatError)  # whoever is back soon is known all the same

        issued = self._returns.issue(person)
        person.unasked = True
        self._tokens[person.place.token] = person
        counted = issued.addCallback(lambda _: self._history.head(person.inbox))
        counted.addCallback(count).addErrback(refused)

    # Inside.

    def _admitted(self, nick: str, person: Person, before: tuple[Place, Account | None]) -> str:
        """Let nobody in who is banned, whatever it has proved to be.

        :param before: its place, and what it had proved to be, before it offered the nickname.
        """
        account = person.proved or self._accounts.of(person.inbox)
        try:
            self._rooms.admission.come_in(person, nick, account)
        except ChatError as refusal:
            self.unclaim(person, nick)
            (person.place, person.proved), person.offered = before, None
            person.came = math.inf
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
            self._owners.check(person, nick)
            self._nicks.claim(person, nick)
        except ChatError as refusal:
            return fail(refusal)
        return succeed(nick)

    def _claim_place(self, place: Place, person: Person, offer: Offer) -> Deferred[str]:
        """Reserve the nickname of somebody who comes back, which its own ghost may still wear."""

        def claimed(nick: str) -> str:
            person.place, person.offered = place, offer
            return nick

        owner = self._tokens.get(offer.token)
        person.proved = self._accounts.of(place.inbox)
        if owner is None:
            return self._claim_nick(person, offer.nick).addCallback(claimed)
        person.came = owner.came
        return succeed(claimed(owner.nick))

    def _welcome(self, person: Person, current: str, heads: dict[str, int]) -> None:
        person.welcomed = True
        self._rooms.settle(person, heads)
        self._order.tell_now(person, Kind.WELCOME)
        if person.replaced:  # somebody else with its token was as fast
            return
        # Clients take the lobby for the current room, and for #lobby, until they are told.
        if current and not current == LOBBY == self._policy.lobby:
            self._order.tell_now(person, Kind.SWITCHED, current)
        notes = {self._policy.welcome: "", self._owners.greeting(person): LOGIN}
        if self._history.trouble:
            notes[unwritten(self._history.trouble)] = ""
        for note, aside in notes.items():
            if note:
                self._order.tell_now(person, Kind.NOTICE, note, aside=aside)
        if person.offered is None:
            if person.place.rooms:
                self._rooms.show_topic(person, self._rooms.lobby)
            room = self._rooms.find(current)  # by now it may be elsewhere, or this be another room
            if room is not None and current in person.place.rooms:
                self._rooms.show_backlog(person, room, heads.get(current, 0))
            self._conversations.catch_up(person, heads.get(person.inbox))
        else:
            read = self._rooms.readable(person, merged(person.place, person.offered.read))
            told: Mapping[str, Recall] = {}
            if not person.looks_back:
                told = self._past.missed(person.member, read, heads)
            self._conversations.came_back(person, read, told, heads)

    def wear(self, nick: str, person: Person) -> None:
        if person.departed:  # while the claim was decided
            self.unclaim(person, nick)
            return
        news = self._rooms.rename(person, nick)
        self._presence.gone(person)
        old, person.nick = person.nick, nick
        self._nicks.wear(person, nick)
        self._preferences.apply(person)
        self._order.publish(person, *news)
        self._watching.renamed(person, old)
        self._returns.connected(person)

    def _take_over(self, ghost: Person, person: Person) -> None:
        """Put a person in the place of a connection that it had before; nobody else notices."""
        self._nicks.hand_over(ghost, person)
        self._identities.remove(ghost)
        code = ""
        if person.offered is None:  # came back with the password, from elsewhere perhaps
            # Or the client that has the token would come back by itself, in turn.
            self._departures.revoke(ghost)
            person.offered, code = Offer(ghost.nick, "", {}), Code.KICKED
        person.place, person.account = ghost.place, ghost.account
        person.away, person.active = ghost.away, ghost.active
        person.came = ghost.came
        self._preferences.take_over(ghost, person)
        self._identities.add(person)
        self._rooms.touch(person)
        ghost.cancel()
        if ghost.absent:
            ghost.nick, ghost.departed = "", True
            return
        self._returns.note(ghost)
        person.displaced = self._now()
        parting = "You came back on another connection: this one ends."
        ghost.nick, ghost.departed, ghost.replaced = "", True, True
        self._order.tell(ghost, Kind.ERROR if code else Kind.NOTICE, parting, code=code)
        self._order.at_this_point(ghost, self._delivery.finish, ghost.member)
        self._departures.cut_off_later(ghost)


def unwritten(trouble: str) -> str:
    """Say that the history cannot be written."""
    return f"Nothing that is said now is accepted: the history cannot be written ({trouble})."
