"""Private conversations: saying something to one person alone, and what waits for who is away.

What is said goes to two inboxes, the other's and one's own; an inbox is the log of an identity, and
every connection with that identity hears it. A registered nickname that is away has one as well:
what is said to it waits there, and is told to whoever logs in.

How far somebody has been given its inbox is counted beside (readings.py).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.accounts.accounts import Accounts
from chatservice.delivery.delivery import Delivery
from chatservice.delivery.past import Past
from chatservice.delivery.recall import PAGE, Recall
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.interfaces import ILog
from chatservice.names import fold
from chatservice.people.account import Account
from chatservice.people.nicks import Nicks
from chatservice.people.order import Order
from chatservice.people.person import Partner, Person
from chatservice.rooms.readings import Readings

MOST_UNREAD: Final = 500
"""Lines that may wait for somebody who is away."""

MOST_BY_ONE: Final = 100
"""So many of them may be by one person."""

MOST_BY_GUESTS: Final = 20
"""So many may be by people who are not logged in: they can come back as somebody else."""

_LAST: Final = 10**18  # above every number


class Conversations:
    """Whatever two people say to each other alone.

    :param nicks: who wears which nickname.
    :param people: returns everybody who is here with an identity.
    :param speak: tells whether what somebody says is heard; raises ChatError if it may say nothing.
    :param written_to: called with whom something was said to, and by whom.
    """

    def __init__(
        self,
        log: ILog,
        order: Order,
        past: Past,
        delivery: Delivery,
        accounts: Accounts,
        nicks: Nicks[Person],
        people: Callable[[str], Sequence[Person]],
        speak: Callable[[Person], bool],
        written_to: Callable[[Person, Person], None],
    ) -> None:
        self._history = log
        self._order = order
        self._past = past
        self._delivery = delivery
        self._accounts = accounts
        self._nicks = nicks
        self._people = people
        self._speak = speak
        self._written_to = written_to
        self._readings = Readings(accounts, delivery)
        accounts.watch(self._learn)

    # What people do.

    def say(
        self,
        person: Person,
        nick: str,
        text: str,
        kind: Kind = Kind.PRIVATE,
        aside: str = "",
        own: bool = False,
    ) -> Deferred[None] | None:
        """Say something to one other person, who may be away if its nickname is registered.

        :param kind: PRIVATE, or HINTED.
        :param aside: see Event.
        :param own: whether one may say it to oneself, too.
        :returns: fires when it is on its way, if that takes time. Fails with ChatError.
        :raises ChatError: if there is nobody of that name, or nothing can be said now.
        """
        wearer = self._nicks.wearer(nick)
        if wearer is not None:
            partner = Partner(wearer.inbox, wearer.nick)
            return self._say(person, partner, text, wearer, kind, aside, own)
        account = self._accounts.find(nick)
        if account is not None and account.maker:
            text = f"{account.name} is a bot: it reads no private lines."
            raise ChatError(Code.NO_SUCH_NICK, text)
        if account is not None:
            partner = Partner(account.identity, account.name)
            return self._say(person, partner, text, None, kind, aside)
        raise ChatError(
            Code.NO_SUCH_NICK,
            f"Nobody here is called {nick}: see /who. "
            "Only for registered nicknames lines are kept while they are away.",
        )

    def nudge(self, person: Person, nick: str, aside: str, text: str = "") -> None:
        """Give one person a sign that is not kept.

        :param aside: see Event.
        :param text: what its door says to the other's.
        :raises ChatError: if there is nobody of that name, or nothing can be said now.
        """
        wearer = self._nicks.find(nick)
        event = self._order.event("", Kind.NUDGED, person, text, wearer.nick, aside)
        if not self._speak(person):
            self._order.echo(person, event._replace(room=event.by))
            return
        self._publish(person, Partner(wearer.inbox, wearer.nick), event, wearer)

    def reply(self, person: Person, text: str) -> Deferred[None] | None:
        """Say something to whom a person wrote with last, whoever of both it was.

        :returns: as say.
        :raises ChatError: as say, or if that is nobody, or gone.
        """
        if person.partner is not None:
            return self._answer(person.partner, person, text)
        found = self._history.before(person.inbox, _LAST, PAGE)
        return found.addCallback(self._partner, person).addCallback(self._answer, person, text)

    def between(self, person: Person, nick: str) -> Callable[[Event], bool]:
        """Return what tells whether a line of a person's inbox was said to or by somebody.

        :param nick: what that one was called then, is called now, or is registered as.
        """
        own, wanted = person.inbox, fold(nick)
        wearer, account = self._nicks.wearer(nick), self._accounts.find(nick)
        identities = {wearer and wearer.inbox, account and account.identity} - {own}
        known = {nick: True}  # folding is slow, and lines are many

        def fits(event: Event) -> bool:
            if event.by in identities:
                return True
            other = event.to if event.by == own else event.nick
            if other not in known:
                known[other] = fold(other) == wanted
            return known[other]

        return fits

    # What is called when people come and go.

    def logged_in(self, person: Person) -> None:
        """Tell somebody who has just logged in what was said while it was away."""
        head = self._order.keep(person, self._history.head(person.inbox))
        head.addCallback(lambda head: self.catch_up(person, head))
        head.addErrback(self._order.refused, person)

    def catch_up(self, person: Person, head: int | None) -> None:
        """Tell somebody who has come in what was said while it was away, if it is logged in.

        :param head: the number of the last line in its inbox that it does not hear; None if that
            is unknown so far, as for who has logged in before it was welcomed.
        """
        account = self._accounts.of(person.inbox)
        if head is None or account is None or person.departed or self._readings.follows(person):
            return
        others = self._people(person.inbox)
        known = (self._readings.read(other) or 0 for other in others if other is not person)
        read = max(account.read, *known, 0)
        if read >= head or person.looks_back:
            self._readings.follow(person, head, None)
        else:
            person.partner = None  # whoever wrote last meanwhile
            missed = self._past.unread(person.member, person.inbox, read, head)
            self._readings.follow(person, head, missed)

    def came_back(
        self,
        person: Person,
        read: Mapping[str, int],
        told: Mapping[str, Recall],
        heads: Mapping[str, int],
    ) -> None:
        """Take note of what somebody is told who came back to its place; see Past.missed."""
        if person.inbox not in read:
            self.catch_up(person, heads.get(person.inbox))
        elif person.inbox in heads and not self._readings.follows(person):
            self._readings.follow(person, heads[person.inbox], told.get(person.inbox))

    def may_return(self, person: Person, head: int) -> None:
        """Count for a guest, too, from now on: it has a token.

        :param head: the number of the last line in its inbox at this point.
        """
        if not self._readings.follows(person) and self._accounts.of(person.inbox) is None:
            self._readings.follow(person, head, None)

    def lost(self, person: Person) -> None:
        """Take note that a connection is gone; read is to be asked for before."""
        self._readings.lost(person)

    def read(self, person: Person) -> int | None:
        """Return the number up to which a connection was given its inbox; None if it is unknown."""
        return self._readings.read(person)

    # Inside: saying something.

    def _say(
        self,
        person: Person,
        other: Partner,
        text: str,
        wearer: Person | None = None,
        kind: Kind = Kind.PRIVATE,
        aside: str = "",
        own: bool = False,
    ) -> Deferred[None] | None:
        if other.identity == person.inbox and not own:
            raise ChatError(Code.NO_SUCH_NICK, "That is you: name somebody else, see /who.")
        say = self._publish if self._speak(person) else self._pretend
        self._order.check()
        event = self._order.event("", kind, person, text, other.nick, aside)
        account = self._accounts.of(other.identity)
        if account is None or self._is_here(account):
            say(person, other, event, wearer)
            return None
        since = self._history.after(account.identity, account.read, MOST_UNREAD)
        since.addCallback(self._check_box, account, person, event.by)
        return since.addCallback(lambda _: say(person, other, event, wearer))

    def _check_box(
        self, unread: Sequence[Event], account: Account, person: Person, by: str
    ) -> None:
        """Refuse what would be too much for somebody who is away."""
        waiting = [event.by for event in unread if event.by != account.identity]
        guests = sum(1 for by in waiting if self._accounts.of(by) is None)
        if len(unread) >= MOST_UNREAD:
            problem = f"{MOST_UNREAD} lines wait for it already."
        elif person.account is None and guests >= MOST_BY_GUESTS:
            problem = f"{MOST_BY_GUESTS} lines by guests wait for it already: /login and try again."
        elif waiting.count(by) >= MOST_BY_ONE:
            problem = f"{MOST_BY_ONE} lines of yours wait for it already."
        else:
            return
        raise ChatError(
            Code.TOO_MUCH, f"Not kept: {account.name} is away, and {problem} Write when it is here."
        )

    def _publish(self, person: Person, other: Partner, event: Event, wearer: Person | None) -> None:
        """Put a line into both inboxes, where every connection of both hears it."""
        theirs = self._connections(other.identity, wearer)
        ears = {*theirs, *self._connections(event.by, person)}
        if event.kind.kept and other.identity != event.by:
            person.partner = other
        for one in ears:
            self._order.hear(one, one.inbox, until_read=True)
        inboxes = dict.fromkeys((other.identity, event.by))  # one, of who writes to itself
        lines = [event._replace(room=inbox) for inbox in inboxes]
        said = self._order.publish(person, *lines)
        if event.kind.kept:
            said.addCallback(self._published, person, other, theirs, ears)
        for one in ears:
            self._order.at_this_point(one, self._delivery.keep_order, one.member)

    def _pretend(self, person: Person, other: Partner, event: Event, wearer: Person | None) -> None:
        """Let somebody believe that a line was said, whom nobody is to hear."""
        person.partner = other
        self._order.echo(person, event._replace(room=event.by))
        self._order.at_this_point(person, self._tell_if_away, person, other)

    def _published(
        self,
        events: Sequence[Event],
        person: Person,
        other: Partner,
        theirs: Sequence[Person],
        ears: set[Person],
    ) -> None:
        for event in events:
            self._readings.said(event, ears)
        if not events or other.identity == events[0].by:
            return
        for one in ears - {person}:  # who may be writing to somebody else by now
            if one not in theirs:
                one.partner = other
            elif person.inbox not in one.settings.ignored:  # else it does not know of it
                one.partner = Partner(events[0].by, events[0].nick)
        self._tell_if_away(person, other)

    def _tell_if_away(self, person: Person, other: Partner) -> None:
        here = self._people(other.identity)
        named = [one for one in here if one.nick == other.nick]
        for one in (named or here)[:1]:
            self._written_to(one, person)
        account = self._accounts.of(other.identity)
        if account is not None and not self._is_here(account):
            text = f"{account.name} is away: kept until it returns."
            self._order.tell_now(person, Kind.NOTICE, text)

    def _connections(self, identity: str, known: Person | None) -> Sequence[Person]:
        """Return the connections with an identity, of which one may be known already."""
        if known is not None and known.account is None and known.inbox == identity:
            return (known,)  # a guest has one
        return self._people(identity)

    def _is_here(self, account: Account) -> bool:
        return any(not one.absent for one in self._people(account.identity))

    # Inside: with whom.

    def _answer(self, partner: Partner, person: Person, text: str) -> Deferred[None] | None:
        here = self._people(partner.identity)
        if here:
            return self._say(person, Partner(partner.identity, here[0].nick), text, here[0])
        account = self._accounts.of(partner.identity)
        if account is not None:
            return self._say(person, Partner(account.identity, account.name), text)
        raise self._gone(partner)

    def _gone(self, partner: Partner) -> ChatError:
        """Return the refusal for somebody with whom one wrote and who is not here."""
        nick = partner.nick
        text = f"Not said: {nick}, whom you wrote with, is gone"
        if self._nicks.wearer(nick) is not None or self._accounts.find(nick) is not None:
            text += (
                f", and whoever is called {nick} now is perhaps somebody else: "
                f"/msg {nick} TEXT if that is whom you mean"
            )
        return ChatError(Code.NO_SUCH_NICK, f"{text}.")

    def _partner(self, events: Sequence[Event], person: Person) -> Partner:
        """Return with whom a person wrote last, from the last lines of its inbox.

        Lines of one's own say what the other was called; who that was is known if it wrote, too.
        """
        events = [event for event in events if event.by not in person.settings.ignored]
        if not events:
            raise ChatError(
                Code.NO_SUCH_NICK, "You have written with nobody in private yet: /msg NICK TEXT"
            )
        last, own = events[-1], person.inbox
        if last.by != own:
            return Partner(last.by, last.nick)
        for event in reversed(events):
            if event.by != own and fold(event.nick) == fold(last.to):
                return Partner(event.by, last.to)
        account = self._accounts.find(last.to)
        known = account is not None and account.since <= last.at
        return Partner(account.identity if account and known else "", last.to)

    # Inside: new accounts.

    def _learn(self, old: Account | None, new: Account | None) -> None:
        """Take note of an account that is new."""
        if old is None and new is not None:
            for person in self._people(new.identity):
                self._registered(person)

    def _registered(self, person: Person) -> None:
        """Take note that somebody has made an account of its identity: it has read everything."""

        def follow(head: int) -> None:
            if not self._readings.follows(person):
                self._readings.follow(person, head, None)
            self._readings.note(person)

        head = self._order.keep(person, self._history.head(person.inbox))
        head.addCallback(follow).addErrback(self._order.refused, person)
