"""Proving who one is, with twisted.cred: a portal whose avatars are accounts.

Our own checker knows the passwords that are kept with the accounts. Others, which the operator
plugged in with --auth, are asked about everybody else; whom they vouch for has an account from then
on, without a password of ours.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import cast

from twisted.cred.checkers import ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import IUsernamePassword, UsernamePassword
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from zope.interface import Interface, classImplements, implementer

from chatservice.accounts.accounts import Accounts
from chatservice.accounts.passwords import Passwords, normal
from chatservice.names import check_nick
from chatservice.people.account import Account


class IAccount(Interface):  # type: ignore[misc]  # zope.interface is not typed
    """What somebody is who proved it: an accounts.Account."""


classImplements(Account, IAccount)

Vouched = Deferred[bytes | tuple[()]]
"""The name of somebody who proved to be it, as twisted's checkers give it."""


@implementer(IRealm)
class Realm:
    """The realm: everybody with a name has an account here, made when it is first needed.

    :param identity: returns a new identity.
    """

    def __init__(self, accounts: Accounts, identity: Callable[[], str]) -> None:
        self._accounts = accounts
        self._identity = identity

    def requestAvatar(
        self, avatar_id: bytes | str | tuple[()], mind: object, *interfaces: type[Interface]
    ) -> Deferred[tuple[type[Interface], object, Callable[[], None]]]:
        """Return somebody's account."""
        if IAccount not in interfaces:
            raise NotImplementedError("there are only accounts here")
        if not avatar_id:
            raise UnauthorizedLogin()  # the anonymous are guests, they need prove nothing
        name = avatar_id if isinstance(avatar_id, str) else bytes(avatar_id).decode()
        account = self._accounts.find(name)
        if account is None:
            nick = check_nick(name)  # what nobody can wear is no account
            found = self._accounts.register(nick, self._identity())
        else:
            found = succeed(account)
        return found.addCallback(lambda account: (IAccount, account, _nothing))


@implementer(ICredentialsChecker)
class Checker:
    """Checks a name and a password: ours if the account has one here, else the others' in turn.

    :param others: checkers of other kinds, which take IUsernamePassword.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(
        self,
        accounts: Accounts,
        passwords: Passwords,
        others: Sequence[ICredentialsChecker] = (),
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._others = others
        for other in others:
            if isinstance(other, InMemoryUsernamePasswordDatabaseDontUse):  # --auth memory:
                other.users = {_bytes(name): _bytes(one) for name, one in other.users.items()}

    def requestAvatarId(self, credentials: UsernamePassword) -> Vouched:
        """Return the name of who it is; fails with UnauthorizedLogin."""
        return Deferred.fromCoroutine(self._vouch(credentials))

    async def _vouch(self, credentials: UsernamePassword) -> bytes | tuple[()]:
        account = self._accounts.find(credentials.username.decode())
        if account is not None and account.maker:
            raise UnauthorizedLogin()  # nobody is a bot
        kept = "" if account is None else account.password
        if kept or not self._others:
            password = normal(credentials.password.decode())
            if await self._passwords.verify(password, kept) and account is not None:
                return account.name.encode()
            raise UnauthorizedLogin()
        if account is not None:  # as it is written there, however it is typed here
            credentials = UsernamePassword(account.name.encode(), credentials.password)
        for other in self._others[:-1]:
            with suppress(LoginFailed):
                return await _ask(other, credentials)
        return await _ask(self._others[-1], credentials)


def make_portal(
    accounts: Accounts,
    passwords: Passwords,
    identity: Callable[[], str],
    others: Sequence[ICredentialsChecker] = (),
) -> Portal:
    """Return the portal to the accounts; see Realm and Checker for the arguments."""
    checker = cast("ICredentialsChecker", Checker(accounts, passwords, others))
    return Portal(cast("IRealm", Realm(accounts, identity)), [checker])


def _ask(checker: ICredentialsChecker, credentials: UsernamePassword) -> Vouched:
    return maybeDeferred(cast("Callable[..., Vouched]", checker.requestAvatarId), credentials)


def _nothing() -> None:
    """Log out: there is nothing to do."""


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
