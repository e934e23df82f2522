"""Logging in, registering, changing a password: whether somebody may, and is who it says.

A password, a proof that one knows it (scram.py), or a certificate: all are tried within the same
limits. What becomes of a person who is logged in is the hub's business. A password that comes in
here goes to a checker or into a hash, and nowhere else.
"""

import hashlib
import ipaddress
import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar, cast

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import ICredentials, UsernamePassword
from twisted.cred.error import LoginFailed
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatservice.accounts.accounts import Accounts
from chatservice.accounts.credentials import IAccount, make_portal
from chatservice.accounts.passwords import Kept, Passwords, check_new, normal
from chatservice.accounts.scram import Exchange, Verifier, nobodys, read_verifier
from chatservice.accounts.secret import Secret
from chatservice.accounts.tries import Tries, Try
from chatservice.errors import ChatError, Code
from chatservice.interfaces import IClock
from chatservice.limits import network_of
from chatservice.meters import ACCEPTED, Meters
from chatservice.names import MAX_NICK_BYTES, fold, inbox
from chatservice.people.account import Account
from chatservice.people.person import Person, Policy

PATIENCE: Final = 10.0
"""Seconds that checking a password may take; checkers of other people's making may hang."""

_SEPARATOR: Final = " -> "
_WRONG: Final = "Wrong account or password."

Result = TypeVar("Result")


class Logins:
    """Everybody's passwords, as those who come see them.

    :param passwords: hashes them.
    :param clock: for time-outs; None for none.
    :param seconds: the monotonic clock.
    :param secret: with which verifiers are made up for names that have none.
    :param others: who checks passwords besides us; with any there is no registering here.
    :param meters: count what becomes of passwords.

    :ivar elsewhere: whether passwords are kept elsewhere.
    """

    _log = Logger()

    def __init__(
        self,
        accounts: Accounts,
        passwords: Passwords,
        policy: Policy,
        clock: IClock | None,
        seconds: Callable[[], float],
        secret: Secret,
        others: Sequence[ICredentialsChecker] = (),
        meters: Meters | None = None,
    ) -> None:
        self._meters = Meters() if meters is None else meters
        self._accounts = accounts
        self._passwords = passwords
        self._policy = policy
        self._clock = clock
        self._secret = secret
        self.elsewhere = bool(others)
        self._portal = make_portal(accounts, passwords, _new_identity, others)
        self._tries = Tries(policy.limits, seconds)

    def check(self, person: Person, name: str, password: str) -> Deferred[Account]:
        """Return the account whose name and password these are. Fails with ChatError.

        :param person: who says so.
        """
        return Deferred.fromCoroutine(self._check(person, name, password))

    def check_certificate(self, person: Person, name: str) -> Deferred[Account]:
        """Return the account that a person's certificate is known for. Fails with ChatError.

        :param name: which account that is to be; "" for whichever.
        """
        return Deferred.fromCoroutine(self._counted(self._log_in_by_certificate(person, name)))

    def check_scram(
        self, person: Person, exchange: Exchange, message: bytes
    ) -> Deferred[tuple[Account, bytes]]:
        """Return the account whose password somebody knows, and the proof that we do, too. Fails
        with ChatError, or scram.BadMessage.

        :param message: the client's proof.
        """
        proving = self._log_in_by_scram(person, exchange, message)
        return Deferred.fromCoroutine(self._counted(proving))

    async def verifiers(self) -> Callable[[str], Verifier]:
        """Return what returns the verifier of a name, made up if it has none."""
        secret = await self._secret.get()

        def find(name: str) -> Verifier:
            account = self._accounts.find(name)
            kept = None if account is None else read_verifier(account.scram)
            return kept or nobodys(secret, fold(name), self._passwords.iterations)

        return find

    def may_be_told(self, person: Person) -> bool:
        """Tell whether nobody else could read a password that a person sends."""
        return person.encrypted or self._policy.plaintext_login

    def register(self, person: Person, password: str) -> Deferred[Account]:
        """Make an account of the nickname that a person wears. Fails with ChatError."""
        return Deferred.fromCoroutine(self._register(person, password))

    def change(self, person: Person, text: str) -> Deferred[None]:
        """Change the password of the account that a person is logged in to. Fails with ChatError.

        :param text: the old password and the new one, see parted.
        """
        return Deferred.fromCoroutine(self._change(person, text))

    async def _check(self, person: Person, name: str, password: str) -> Account:
        return await self._counted(self._log_in(person, name, password))

    async def _counted(self, logging_in: Coroutine[Any, Any, Result]) -> Result:
        try:
            result = await logging_in
        except ChatError as refusal:
            self._meters.log_in(refusal.code)
            raise
        self._meters.log_in(ACCEPTED)
        return result

    async def _log_in(self, person: Person, name: str, password: str) -> Account:
        self._private(person)
        attempt = self._attempt(person, name)
        account = await self._enter(name, password, attempt)
        await self._renew(account, password)
        return await self._noted(person, account)

    async def _log_in_by_certificate(self, person: Person, name: str) -> Account:
        account = self._accounts.certified(person.certificate)
        attempt = self._attempt(person, name or ("" if account is None else account.name))
        if account is None or (name and fold(name) != fold(account.name)):
            text = "That account does not know your certificate: log in with the password, then "
            raise ChatError(Code.BAD_PASSWORD, text + "/cert add.")
        attempt.succeeded()
        return await self._noted(person, account)

    async def _log_in_by_scram(
        self, person: Person, exchange: Exchange, message: bytes
    ) -> tuple[Account, bytes]:
        attempt = self._attempt(person, exchange.name)
        answer, account = exchange.final(message), self._accounts.find(exchange.name)
        if answer is None or account is None:  # or it was removed at this very moment
            raise ChatError(Code.BAD_PASSWORD, _WRONG)
        attempt.succeeded()
        return await self._noted(person, account), answer

    def _attempt(self, person: Person, name: str) -> Try:
        """Take note that somebody tries to log in.

        :raises ChatError: TOO_MANY_TRIES.
        """
        account, network = self._accounts.find(name), _network(person)
        known = account is not None and _digest(account, network) in account.networks
        return self._tries.login(network, fold(name)[:MAX_NICK_BYTES], known)

    async def _noted(self, person: Person, account: Account) -> Account:
        """Note from where somebody logged in; return the account as it is then."""
        try:
            network = _digest(account, _network(person))
            await self._accounts.note(account.identity, network=network)
        except ChatError as refusal:  # that can wait
            self._log.warn("could not note a login: {why}", why=refusal.message)
        return self._accounts.of(account.identity) or account

    async def _enter(self, name: str, password: str, attempt: Try) -> Account:
        """Ask whether it is so; if there is no account, the answer is the same, as late."""
        try:
            if not password:
                raise LoginFailed()
            credentials = UsernamePassword(name.encode(), password.encode())
            entering = self._portal.login(cast("ICredentials", credentials), None, IAccount)
            if self._clock is not None:
                entering.addTimeout(PATIENCE, self._clock)  # type: ignore[arg-type]
            _, account, _ = await entering
        except (LoginFailed, UnicodeError):
            raise ChatError(Code.BAD_PASSWORD, _WRONG) from None
        except ChatError:
            attempt.void()
            raise
        except (defer.TimeoutError, defer.CancelledError):
            attempt.void()
            self._log.warn("checking a password took longer than {s:g} seconds", s=PATIENCE)
            raise ChatError(
                Code.BUSY, "Passwords cannot be checked now: try again in a moment."
            ) from None
        except Exception:
            attempt.void()
            self._log.failure("checking a password failed")
            raise ChatError(
                Code.INTERNAL,
                "That went wrong here, not with you: tell the operator.",
            ) from None
        attempt.succeeded()
        return cast("Account", account)

    async def _renew(self, account: Account, password: str) -> None:
        """Make anew what is kept of a password if that is made otherwise by now."""
        if account.password and self._passwords.outdated(Kept(account.password, account.scram)):
            try:
                kept = await self._passwords.make(normal(password))
                await self._accounts.set_password(account, *kept)
            except ChatError as refusal:  # the old one is good for now
                self._log.warn("could not renew a hash: {why}", why=refusal.message)

    async def _register(self, person: Person, text: str) -> Account:
        self._own(person)
        if person.account is not None:
            raise ChatError(Code.NOT_ALLOWED, f"You are registered as {person.account.name}.")
        nick, identity = person.nick, person.inbox
        if (owner := self._accounts.owner(nick)) is not None:
            raise ChatError(
                Code.NICK_REGISTERED,
                f"{owner.name} is registered already: /login PASSWORD if it is yours, "
                "or choose another with /nick.",
            )
        password = check_new(text, nick)
        attempt = self._tries.register(_network(person))
        try:
            kept = await self._passwords.make(password)
            if person.departed or (person.nick, person.inbox) != (nick, identity):
                raise ChatError(Code.BUSY, "You changed meanwhile: try again.")
            return await self._accounts.register(nick, identity, kept.hashed, scram=kept.scram)
        except ChatError:
            attempt.void()
            raise

    async def _change(self, person: Person, text: str) -> None:
        self._own(person)
        if person.account is None:
            raise ChatError(Code.LOGIN_NEEDED, "You are not logged in: /login first.")
        old, new = parted(text)
        new = check_new(new, person.account.name)
        account = await self._check(person, person.account.name, old)
        await self._accounts.set_password(account, *await self._passwords.make(new))

    def _own(self, person: Person) -> None:
        """See whether passwords are kept here, and may be told."""
        if self.elsewhere:
            raise ChatError(
                Code.NOT_ALLOWED,
                "Passwords are not kept here but elsewhere: ask the operator for an account.",
            )
        self._private(person)

    def _private(self, person: Person) -> None:
        """See whether nobody else could read a password that a person has sent."""
        if not self.may_be_told(person):
            raise ChatError(
                Code.NEEDS_ENCRYPTION,
                "Your connection is not encrypted and that password was readable on its way: do "
                "not use it again. Connect with TLS to log in.",
            )


def parted(text: str) -> tuple[str, str]:
    """Return the old and the new password from ``OLD NEW`` or ``OLD -> NEW``.

    The arrow is for passwords with blanks; with it there must be one alone.

    :raises ChatError: BAD_ARGUMENTS.
    """
    parts = text.split(_SEPARATOR) if _SEPARATOR in text else text.split()
    if len(parts) != 2 or not all(part.strip() for part in parts):
        raise ChatError(
            Code.BAD_ARGUMENTS,
            "Type /password OLD NEW or, if there are blanks in them, /password OLD -> NEW.",
        )
    return parts[0], parts[1]


def is_local(host: str | None) -> bool:
    """Tell whether what comes from an address goes over no network.

    :param host: an IP address; None for a unix socket.
    """
    if host is None:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback if mapped is None else mapped.is_loopback


def _network(person: Person) -> str | None:
    return None if person.host is None else network_of(person.host)


def _digest(account: Account, network: str | None) -> str:
    """Return what an account remembers of a network: enough to know it again, no more."""
    return hashlib.sha256(f"{account.identity} {network or 'local'}".encode()).hexdigest()[:16]


def _new_identity() -> str:
    return inbox(secrets.token_hex(8))
