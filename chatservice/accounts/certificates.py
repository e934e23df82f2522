"""Certificates with which people log in: what they let be done with their account's.

The door says which one a connection has shown (Person.certificate); logins.py logs in by it.
"""

from collections.abc import Sequence

from twisted.internet.defer import Deferred

from chatservice.accounts.accounts import Accounts
from chatservice.errors import ChatError, Code
from chatservice.people.account import Account
from chatservice.people.person import Person


class Certificates:
    """The certificates of those who are here.

    :param accounts: know them.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def of(self, person: Person) -> Sequence[str]:
        """Return the fingerprints of the certificates that a person's account is known by.

        :raises ChatError: LOGIN_NEEDED.
        """
        return _account(person).certificates

    def add(self, person: Person) -> Deferred[str]:
        """Let a person's account be known by the certificate of this connection.

        :returns: what to say about it. Fails with ChatError.
        :raises ChatError: LOGIN_NEEDED, or NOT_ALLOWED if there is none.
        """
        account, own = _account(person), person.certificate
        if not own:
            text = "Your connection has no certificate: connect with TLS, and one of your own."
            raise ChatError(Code.NOT_ALLOWED, text)
        added = self._accounts.add_certificate(account, own)
        return added.addCallback(lambda _: f"{account.name} can log in with {own} from now on.")

    def remove(self, person: Person, fingerprint: str) -> Deferred[str]:
        """Let a person's account be known by a certificate no more.

        :returns: what to say about it. Fails with ChatError.
        :raises ChatError: LOGIN_NEEDED, or BAD_ARGUMENTS if it is not.
        """
        account = _account(person)
        if fingerprint not in account.certificates:
            raise ChatError(Code.BAD_ARGUMENTS, "You do not log in with that one: see /cert list.")
        removed = self._accounts.remove_certificate(account, fingerprint)
        return removed.addCallback(lambda _: f"{account.name} cannot log in with it any more.")


def _account(person: Person) -> Account:
    """Return what a person is logged in to.

    :raises ChatError: LOGIN_NEEDED.
    """
    if person.account is None:
        raise ChatError(Code.LOGIN_NEEDED, "Log in first: /login ACCOUNT PASSWORD.")
    return person.account
