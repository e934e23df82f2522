"""Owners of nicknames among those who are here: who may wear what, who takes what over from whom.

Beside the hub, and a part of it: what befalls connections it asks the hub to do.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.accounts import mechanisms
from chatservice.accounts.accounts import Accounts
from chatservice.accounts.identities import Identities
from chatservice.accounts.logins import Logins
from chatservice.accounts.mechanisms import Proof
from chatservice.errors import ChatError, Code, NickRefused
from chatservice.events import LOGIN, Kind
from chatservice.names import check_nick, fold
from chatservice.people.account import Account
from chatservice.people.nicks import Nicks
from chatservice.people.order import Order
from chatservice.people.person import Person
from chatservice.people.returns import Returns
from chatservice.presence.cloaks import Cloaks, of_account
from chatservice.roles import Role

_TRIES: Final = 10  # names for a guest, of which there are a million


_MAYBE_NO_PASSWORD: Final = (Code.BAD_PASSWORD, Code.NEEDS_ENCRYPTION)
"""Refusals of what may have been meant as a nickname with a blank in it."""

NO_BLANKS: Final = " A nickname alone has no blanks."
"""What they say of that; of no use where passwords are given otherwise."""


class Owners:
    """Accounts and nicknames, brought together.

    :param depart: lets a person be gone for the others.
    :param leave: lets a person go.
    :param wear: changes a person's nickname into a claimed one.
    :param revoke: lets a person's token be good no more.
    :param tell_token: tells a person with what it can come back.
    :param read: returns the number up to which a person was given its inbox, if it is known.
    """

    _log = Logger()

    def __init__(
        self,
        accounts: Accounts,
        identities: Identities,
        logins: Logins,
        nicks: Nicks[Person],
        order: Order,
        returns: Returns,
        cloaks: Cloaks,
        *,
        depart: Callable[[Person], None],
        leave: Callable[[Person], None],
        wear: Callable[[str, Person], None],
        revoke: Callable[[Person], None],
        tell_token: Callable[[Person], Deferred[None]],
        read: Callable[[Person], int | None],
    ) -> None:
        self._accounts = accounts
        self._identities = identities
        self._logins = logins
        self._nicks = nicks
        self._order = order
        self._returns = returns
        self._cloaks = cloaks
        self._depart = depart
        self._leave = leave
        self._wear = wear
        self._revoke = revoke
        self._tell_token = tell_token
        self._read = read

    # At the question for a nickname.

    def check(self, person: Person, nick: str) -> None:
        """See whether a person may wear a nickname, as far as that is registered.

        :raises NickRefused: with what to do, if it may not.
        """
        owner = self._accounts.owner(nick)
        if owner is None or _is(person, owner) or _proved(person, owner):
            return
        looks = "" if owner is self._accounts.find(nick) else f", and {nick} would look the same"
        if person.nick:
            way = f"type /login {owner.name} PASSWORD first"
        else:
            way = f"answer NICK with the nickname and its password ({owner.name} PASSWORD)"
        text = f"{owner.name} is registered{looks}: if it is yours, {way}; or choose another."
        raise NickRefused(Code.NICK_REGISTERED, text)

    def claim(self, person: Person, nick: str, password: str) -> Deferred[str]:
        """Reserve an account's nickname for a person who proves to be its owner.

        Whoever wears it gives way when the person enters.

        :returns: the nickname in its normal form. Fails with ChatError.
        """
        try:
            nick = check_nick(nick)
        except NickRefused as refusal:
            return fail(refusal)

        def proved(account: Account) -> str:
            person.proved = account
            return self._reserve(person, nick)

        def refused(failure: Failure) -> Failure:
            refusal = failure.value
            if isinstance(refusal, ChatError) and refusal.code in _MAYBE_NO_PASSWORD:
                text = f"{refusal.message}{NO_BLANKS}"
                raise NickRefused(refusal.code, text)
            return failure

        return self._logins.check(person, nick, password).addCallbacks(proved, refused)

    def claim_proved(self, person: Person, nick: str) -> Deferred[str] | None:
        """Reserve the nickname of the account that a person has proved to be before, or one that
        another connection of that account wears.

        :returns: what claim returns; None if the nickname is none of these, and so to be claimed
            like any other.
        """
        if person.proved is None:
            return None
        account = person.proved = self._accounts.of(person.proved.identity)
        if account is None:  # removed meanwhile
            return None
        if fold(nick) != fold(account.name):
            wearers = self._nicks.wearers(nick)
            if not wearers or not all(_is(wearer, account) for wearer in wearers):
                return None
        try:
            return succeed(self._reserve(person, check_nick(nick)))
        except NickRefused as refusal:
            return fail(refusal)

    def enter(self, person: Person, nick: str) -> Person | None:
        """Let a person who has proved to be an account's owner have a nickname, that of the account
        or one that was claimed.

        :returns: the owner's other connection that wears it, whose place it takes; None if the
            nickname is claimed and free now.
        """
        account = None if person.proved is None else self._accounts.of(person.proved.identity)
        if account is None:  # removed at this very moment
            return None
        ghost = None
        for wearer in self._nicks.wearers(nick):
            if ghost is None and _is(wearer, account):
                ghost = wearer
            elif wearer is not person:
                self._give_way(wearer, account)
        if ghost is None:
            self._nicks.claim(person, nick)
            self._identities.log_in(person, account)
        return ghost

    def taken(self, account: Account) -> None:
        """Take its nickname from others who wear it, now that it is an account's.

        Who registers it itself has the account's identity.
        """
        for wearer in self._nicks.wearers(account.name):
            if wearer.inbox != account.identity:
                self._give_way(wearer, account)

    # Before it, and in the chat.

    def mechanisms(self, person: Person) -> tuple[str, ...]:
        """Return the names of the ways in which a person can prove who it is, the best first."""
        return mechanisms.offered(self._logins, person)

    def may_register(self, person: Person) -> bool:
        """Tell whether people register here, and this one can tell a password."""
        return self._logins.may_be_told(person) and not self._logins.elsewhere

    def prove(self, person: Person, mechanism: str) -> Proof:
        """Begin to prove who a person is; once it has, it is logged in, or will be as soon as it
        has a nickname.

        :raises ChatError: BAD_ARGUMENTS, if it cannot use that mechanism.
        """
        return mechanisms.begin(
            self._logins, person, mechanism, lambda account: self._log_in(person, account)
        )

    def login(self, person: Person, name: str, password: str) -> Deferred[None]:
        """Log a person in, under whatever nickname; see prove. Fails with ChatError."""
        checked = self._logins.check(person, name, password)
        return checked.addCallback(lambda account: self._log_in(person, account))

    def register(self, person: Person, password: str) -> Deferred[None]:
        """Register the nickname that a person wears. Fails with ChatError."""

        def registered(account: Account) -> None:
            if person.inbox != account.identity:  # gone, or somebody else by now
                return
            person.account = self._accounts.of(account.identity)
            self._publish(person, self._cloaks.of_guest(person.inbox))
            self._tell(
                person,
                f"{account.name} is yours now: the next time, answer NICK with "
                f"{account.name} PASSWORD.",
                LOGIN,
            )

        return self._logins.register(person, password).addCallback(registered)

    def change_password(self, person: Person, text: str) -> Deferred[None]:
        """Change the password of a person's account. Fails with ChatError.

        Who knew the old one, or has a token of the owner's, is in no more: all other connections
        end, and nobody comes back to where any of them was.

        :param text: the old and the new one, see logins.parted.
        """

        def changed(_: None) -> None:
            account = person.account
            if account is None:  # removed at this very moment
                return
            others = [one for one in self._identities.people(person.inbox) if one is not person]
            for other in others:
                reason = f"The password of {account.name} was changed: log in with the new one."
                self._throw_out(other, reason)
            self._returns.forget(person.inbox)
            if not person.departed:
                self._returns.connected(person)
            ended = " Your other connections were ended." if others else ""
            more = " Certificates still log in: see /cert list." if account.certificates else ""
            self._tell(person, f"Your password is changed.{ended}{more}")

        return self._logins.change(person, text).addCallback(changed)

    def release(self, person: Person, nick: str) -> None:
        """Throw out whoever else wears a nickname of a person's account.

        :raises ChatError: if it is not the person's, or nobody wears it.
        """
        if person.account is None:
            raise ChatError(Code.LOGIN_NEEDED, "Log in first: /login ACCOUNT PASSWORD.")
        owner = self._accounts.owner(nick)
        if owner is None or not _is(person, owner):
            raise ChatError(Code.NOT_ALLOWED, f"{nick} is not registered to you: see /who.")
        wearers = [one for one in self._nicks.wearers(nick) if one is not person]
        if not wearers:
            text = "You wear it yourself." if person.nick == nick else f"{nick} is free: /nick it."
            raise ChatError(Code.NO_SUCH_NICK, text)
        for wearer in wearers:
            self._throw_out(wearer, _wanted(owner))
        self._tell(person, f"{nick} is free: type /nick {nick} to wear it.")

    def greeting(self, person: Person) -> str:
        """Return what somebody is told who is logged in; "" for a guest."""
        if person.account is None:
            return ""
        text = f"You are logged in as {person.account.name}"
        return f"{text}, an admin." if person.account.role is Role.ADMIN else f"{text}."

    def note(self, person: Person) -> Deferred[None]:
        """Note how far the owner of an account has read, and that it was here just now."""
        if person.account is None:
            return succeed(None)
        noted = self._accounts.note(person.account.identity, self._read(person))
        return noted.addErrback(self._not_noted)

    # Inside.

    def _reserve(self, person: Person, nick: str) -> str:
        with suppress(NickRefused):  # who wears it will give way
            self._nicks.claim(person, nick)
        return nick

    def _log_in(self, person: Person, account: Account) -> None:
        """Let a person be who it has proved to be.

        :raises ChatError: NOT_ALLOWED, if it is somebody else already.
        """
        if person.departed:
            return
        if not person.nick:
            person.proved = account
            return
        if person.account is not None and not _is(person, account):
            text = f"You are logged in as {person.account.name}: connect anew to be another."
            raise ChatError(Code.NOT_ALLOWED, text)
        old, known = person.inbox, person.account is not None
        self._identities.log_in(person, account)
        if not known:
            self._publish(person, self._cloaks.of_guest(old))
        self._tell(person, self.greeting(person), LOGIN)
        if person.inbox != old:
            self._moved(person)

    def _give_way(self, wearer: Person, account: Account) -> None:
        """Let somebody who wears another's nickname have another."""
        if wearer.absent:
            wearer.cancel()
            self._depart(wearer)
            return
        for _ in range(_TRIES):
            nick = f"guest-{secrets.randbelow(10**6):06}"
            try:
                self._nicks.claim(wearer, nick)
            except NickRefused:
                continue
            self._wear(nick, wearer)
            text = f"{account.name} is registered, and its owner has come: you are {nick} now."
            self._tell(wearer, f"{text} Choose another with /nick.")
            return
        self._throw_out(wearer, _wanted(account))

    def _throw_out(self, wearer: Person, reason: str) -> None:
        wearer.cancel()
        self._revoke(wearer)
        if wearer.absent:
            self._depart(wearer)
            return
        self._order.tell(wearer, Kind.ERROR, reason, code=Code.KICKED)
        self._leave(wearer)

    def changed(self, person: Person, old: Account) -> None:
        """Tell a person what has become of the account that it is logged in to."""
        if person.account is None:
            self._publish(person, of_account(old.name))
            gone = f"The account {old.name} was removed: you are a guest now."
            self._tell(person, gone, LOGIN)
            self._moved(person)
        elif person.account.role is not old.role:
            self._tell(person, self.greeting(person))

    def _publish(self, person: Person, before: str) -> None:
        """Let a person's rooms know what it is logged in to.

        :param before: its cloak until now.
        """
        name = "" if person.account is None else person.account.name
        asides = dict.fromkeys([*person.place.rooms, ""], before)
        self._order.spread(person, Kind.ACCOUNT, name, asides)

    def _moved(self, person: Person) -> None:
        """Let a person's ticket follow it to another identity."""
        if not person.place.token:
            return
        if person.absent:
            self._returns.keep(person, person.nick)
        else:
            self._returns.connected(person)
            if not (person.recognised or person.unasked):
                self._tell_token(person).addErrback(self._not_noted)

    def _tell(self, person: Person, text: str, aside: str = "") -> None:
        self._order.tell(person, Kind.NOTICE, text, aside=aside)

    def _not_noted(self, failure: Failure) -> None:
        self._log.warn("could not note who was here: {why}", why=failure.getErrorMessage())


def _wanted(account: Account) -> str:
    """Return why somebody goes who wears another's nickname."""
    return f"The owner of {account.name} wants it back: this connection ends."


def _is(person: Person, account: Account) -> bool:
    """Tell whether a person is logged in to an account."""
    return person.account is not None and person.account.identity == account.identity


def _proved(person: Person, account: Account) -> bool:
    """Tell whether a person who is coming in has shown that an account is its own."""
    return person.proved is not None and person.proved.identity == account.identity
