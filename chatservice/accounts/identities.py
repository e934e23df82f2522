"""Who is here under which identity, and who hears of it when somebody's changes.

An identity is an inbox (Person.inbox): a guest's own, or that of the account it is logged in to,
which several connections may share. Knows no log and no door.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence

from chatservice.accounts.accounts import Accounts
from chatservice.names import inbox
from chatservice.people.account import Account
from chatservice.people.person import Person


class Identities:
    """The identities of those who are here.

    :param accounts: what becomes of them, those who are logged in learn at once.
    :ivar changed: called with a person who is logged in to an account that has changed, and the
        account as it was.
    """

    def __init__(self, accounts: Accounts) -> None:
        self.changed: Callable[[Person, Account], None] = lambda person, old: None
        self._people: dict[str, tuple[Person, ...]] = {}
        self._followers: list[Callable[[Person, str], None]] = []
        accounts.watch(self._learn)

    def people(self, identity: str) -> Sequence[Person]:
        """Return everybody of an identity who wears a nickname, the absent included."""
        return self._people.get(identity, ())

    def __iter__(self) -> Iterator[str]:
        """Go through the identities of everybody who wears a nickname."""
        return iter(self._people)

    def add(self, person: Person) -> None:
        """Know somebody who has come in."""
        self._people[person.inbox] = (*self._people.get(person.inbox, ()), person)

    def remove(self, person: Person) -> None:
        """Forget somebody who has gone."""
        left = tuple(one for one in self._people.get(person.inbox, ()) if one is not person)
        if left:
            self._people[person.inbox] = left
        else:
            self._people.pop(person.inbox, None)

    def follow(self, follower: Callable[[Person, str], None]) -> None:
        """Call back with everybody whose identity has changed, and the one before."""
        self._followers.append(follower)

    def log_in(self, person: Person, account: Account) -> None:
        """Let a person be an account's owner, from now on; what it did before stays as it is."""
        person.account = account
        person.place.since = min(person.place.since, account.since)
        self._become(person, account.identity)

    def log_out(self, person: Person) -> None:
        """Let a person be a guest, whom nobody knows yet."""
        person.account = None
        self._become(person, inbox(secrets.token_hex(8)))

    def tell_followers(self, person: Person, old: str) -> None:
        """Say that somebody's identity was another before."""
        for follower in self._followers:
            follower(person, old)

    def _become(self, person: Person, identity: str) -> None:
        old = person.inbox
        if old == identity:
            return
        here = person in self._people.get(old, ())
        if here:
            self.remove(person)
        person.place.inbox = identity
        if here:
            self.add(person)
            self.tell_followers(person, old)

    def _learn(self, old: Account | None, new: Account | None) -> None:
        if old is None:
            return
        if new is not None and new.identity != old.identity:
            new = None  # another of the same name
        for person in self.people(old.identity):
            if new is None:
                self.log_out(person)
            else:
                person.account = new
            self.changed(person, old)
