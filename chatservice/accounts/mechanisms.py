"""Ways to prove who one is, message by message (SASL, RFC 4422), whichever door carries them.

    PLAIN           C: [authzid] NUL account NUL password         (RFC 4616)
    SCRAM-SHA-256   see scram.py; then  C: (nothing)
    EXTERNAL        C: [account]; the TLS certificate is the proof (RFC 4422, appendix A)

The client is first in all of them. Nobody acts for another here: an authorization identity is the
account itself or missing. Knows no base64 and no limits; those who check are in logins.py.
"""

import secrets
from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.defer import Deferred

from chatservice.accounts import scram
from chatservice.accounts.logins import Logins
from chatservice.errors import ChatError, Code
from chatservice.names import fold
from chatservice.people.account import Account
from chatservice.people.person import Person

PLAIN: Final = "PLAIN"
EXTERNAL: Final = "EXTERNAL"
SCRAM: Final = scram.MECHANISM


class _Mechanism(Protocol):
    async def take(self, message: bytes) -> bytes | Account:
        """Take what the client says; return what to answer, or who that is."""


class Proof:
    """One attempt to prove who one is.

    :param proved: called with the account, once that is sure.
    """

    def __init__(self, mechanism: _Mechanism, proved: Callable[[Account], None]) -> None:
        self._mechanism = mechanism
        self._proved = proved

    def take(self, message: bytes) -> Deferred[bytes | None]:
        """Take the client's next message.

        :returns: what to answer, so that it goes on; None if the client has proved who it is. Fails
            with ChatError, and then this attempt is over.
        """
        return Deferred.fromCoroutine(self._take(message))

    async def _take(self, message: bytes) -> bytes | None:
        result = await self._mechanism.take(message)
        if isinstance(result, bytes):
            return result
        self._proved(result)
        return None


class _Plain:
    def __init__(self, logins: Logins, person: Person) -> None:
        self._logins = logins
        self._person = person

    async def take(self, message: bytes) -> Account:
        try:
            other, name, password = message.decode().split("\0")
        except ValueError:  # of which UnicodeDecodeError is one
            raise _misused("PLAIN is [account] NUL account NUL password, in UTF-8") from None
        _check_own(other, name)
        return await self._logins.check(self._person, name, password)


class _External:
    def __init__(self, logins: Logins, person: Person) -> None:
        self._logins = logins
        self._person = person

    async def take(self, message: bytes) -> Account:
        try:
            name = message.decode()
        except UnicodeDecodeError:
            raise _misused("an account's name is UTF-8") from None
        return await self._logins.check_certificate(self._person, name)


class _Scram:
    def __init__(self, logins: Logins, person: Person) -> None:
        self._logins = logins
        self._person = person
        self._exchange: scram.Exchange | None = None
        self._account: Account | None = None

    async def take(self, message: bytes) -> bytes | Account:
        try:
            if self._exchange is None:
                find = await self._logins.verifiers()
                self._exchange = scram.Exchange(find, secrets.token_urlsafe(24))
                return self._exchange.first(message)
            if self._account is None:
                checked = self._logins.check_scram(self._person, self._exchange, message)
                self._account, answer = await checked
                return answer
        except scram.BadMessage as problem:
            raise _misused(str(problem)) from None
        if message:
            raise _misused("the last answer is empty")
        return self._account


_MECHANISMS: Final[dict[str, Callable[[Logins, Person], _Mechanism]]] = {
    EXTERNAL: _External,
    SCRAM: _Scram,
    PLAIN: _Plain,
}


def offered(logins: Logins, person: Person) -> tuple[str, ...]:
    """Return the mechanisms that a person can use, the best first."""
    may = {
        EXTERNAL: bool(person.certificate),
        SCRAM: not logins.elsewhere,
        PLAIN: logins.may_be_told(person),
    }
    return tuple(name for name in _MECHANISMS if may[name])


def begin(
    logins: Logins, person: Person, mechanism: str, proved: Callable[[Account], None]
) -> Proof:
    """Begin to prove who a person is.

    :raises ChatError: BAD_ARGUMENTS, if the person cannot use that mechanism.
    """
    usable = offered(logins, person)
    if mechanism.upper() not in usable:
        raise _misused(f"use one of {', '.join(usable)}")
    return Proof(_MECHANISMS[mechanism.upper()](logins, person), proved)


def _check_own(other: str, name: str) -> None:
    if other and fold(other) != fold(name):
        raise _misused("nobody acts for another here")


def _misused(problem: str) -> ChatError:
    return ChatError(Code.BAD_ARGUMENTS, f"That is no way to log in: {problem}.")
