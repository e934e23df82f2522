"""What people set for themselves: changed, applied to their connections, and kept for accounts."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatservice.accounts.accounts import Accounts
from chatservice.delivery.later import Change
from chatservice.events import Event
from chatservice.people.account import Account
from chatservice.people.order import Order
from chatservice.people.person import Person
from chatservice.people.settings import NOTHING_SET, Settings, read_settings
from chatservice.taste import Taste


class Preferences:
    """Everybody's settings.

    :param accounts: keep them for who is logged in.
    :param order: where a change has its place.
    :param connections: returns who is here with an identity.
    """

    def __init__(
        self, accounts: Accounts, order: Order, connections: Callable[[str], Iterable[Person]]
    ) -> None:
        self._accounts = accounts
        self._order = order
        self._connections = connections
        accounts.watch(self._learn)

    def choose(self, person: Person, settings: Settings, *texts: str) -> Deferred[None]:
        """Let other settings hold for a person, behind all that comes before an answer given now.

        But for what is of one connection, they hold for all that are logged in to its account, and
        are kept with it.

        :param texts: what to answer.
        :returns: fires when it was told, or is gone.
        """
        old, person.settings = person.settings, settings

        def change() -> None:
            if settings.stamps != old.stamps:
                person.member.stamp(settings.stamps)
            self.apply(person)

        answer = Change(change, *texts)
        self._order.recall(person, answer)
        if self._accounts.of(person.inbox) is not None:
            for other in self._connections(person.inbox):
                if other is not person:
                    own = other.settings
                    shared = replace(settings, focus=own.focus, stamped_here=own.stamped_here)
                    self._set(other, shared)
            self._keep(person)
        return answer.told

    def apply(self, person: Person) -> None:
        """Show a person what follows as it has chosen; to be called when it has another name."""
        person.member.prefer(self.taste(person))

    def taste(self, person: Person) -> Taste | None:
        """Return what a person chooses to see; None for everything."""
        if person.settings is NOTHING_SET:
            return None
        account = self._accounts.of(person.inbox)
        names = [person.nick] if account is None else [person.nick, account.name]
        return person.settings.taste(person.inbox, names)

    def shows(self, person: Person) -> Callable[[Event], bool] | None:
        """Return what tells whether a person wants to see an event of the past; None for all."""
        taste = self.taste(person)
        if taste is None or not taste.ignored:
            return None
        past = replace(taste, focus=None)  # which is on the present
        return lambda event: not past.hides(event)

    def logged_in(self, person: Person) -> None:
        """Let what an account has kept hold for somebody who is logged in to it from now on.

        What the person has set before stays where the account has kept nothing, and whom it
        ignored stays ignored; the account then keeps that, too. Without an account everything
        stays as it is.
        """
        account = self._accounts.of(person.inbox)
        if account is None:
            self.apply(person)  # it may have another identity now
            return
        settings = read_settings(account.settings, self._name, person.settings)
        self._set(person, settings)
        if self._kept(settings) != self._kept(read_settings(account.settings, self._name)):
            self._keep(person)

    def take_over(self, ghost: Person, person: Person) -> None:
        """Let what somebody had set hold for the connection with which it comes back."""
        if ghost.settings is not NOTHING_SET:
            self._set(person, ghost.settings)

    def _learn(self, old: Account | None, new: Account | None) -> None:
        """Let an account that was just registered keep what its owner has set."""
        if old is None and new is not None:
            for person in self._connections(new.identity):
                self.logged_in(person)

    def _set(self, person: Person, settings: Settings) -> None:
        old, person.settings = person.settings, settings
        if settings.stamps != old.stamps:
            person.member.stamp(settings.stamps)
        self.apply(person)

    def _name(self, identity: str) -> str | None:
        account = self._accounts.of(identity)
        return None if account is None else account.name

    def _kept(self, settings: Settings) -> dict[str, object]:
        """Return what an account keeps: guests that it ignored will be somebody else next time."""
        return settings.kept(self._accounts.of)

    def _keep(self, person: Person) -> None:
        def failed(failure: Failure) -> None:
            self._order.refused(failure, person)

        self._accounts.remember(person.inbox, **self._kept(person.settings)).addErrback(failed)
