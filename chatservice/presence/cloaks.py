"""Cloaks: what stands for where somebody comes from, and tells nobody where that is.

    user-Ian         whoever is logged in to an account
    name-nxb3y4q     the same with a name that has other signs, in UTF-8 and base32 (RFC 4648)
    guest-k3v7q2xa   a guest: the same for all that it does under whatever nickname

No cloak has a dot or colon: of one with dots clients make masks for all with the same end.
"""

import re
import secrets
from base64 import b32decode, b32encode
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from chatservice.accounts.accounts import Accounts
from chatservice.accounts.identities import Identities
from chatservice.people.account import Account
from chatservice.people.person import Gone, Person
from chatservice.presence.presence import Presence

MOST_KNOWN: Final = 16_384
"""Guests whose cloaks are remembered; whose was asked for first is forgotten first."""

_USER: Final = "user-"
_CODED: Final = "name-"
_GUEST: Final = "guest-"
_PLAIN: Final = re.compile("[A-Za-z0-9_-]+")
_LONGEST: Final = 200


class Cloaks:
    """What everybody's cloak is, and whose one is.

    Those of guests are others after a restart: the key that makes them is kept nowhere.

    :param accounts: whose owners are called by name.
    :param identities: who is here.
    :param presence: who was.
    """

    def __init__(self, accounts: Accounts, identities: Identities, presence: Presence) -> None:
        self._accounts = accounts
        self._identities = identities
        self._presence = presence
        self._key = secrets.token_bytes(32)
        self._cloaks: dict[str, str] = {}  # of guests, by identity
        self._wearers: dict[str, str] = {}  # identities, by cloak
        identities.follow(self._follow)

    def of(self, identity: str) -> str:
        """Return the cloak of an identity: ASCII without blanks."""
        account = self._accounts.of(identity)
        return self.of_guest(identity) if account is None else of_account(account.name)

    def of_guest(self, identity: str) -> str:
        """Return the cloak that an identity has, or had, without an account."""
        return self._cloaks.get(identity) or self._remember(identity)

    def who(self, cloak: str) -> Person | Account | Gone | None:
        """Return whose cloak this is, in any case; None if that is not known.

        Who has logged in since it wore it is meant all the same.
        """
        cloak = cloak.lower()
        if cloak.startswith((_USER, _CODED)):
            account = self._accounts.find(_name(cloak)) if len(cloak) <= _LONGEST else None
            if account is None or of_account(account.name).lower() != cloak:
                return None
            identity = account.identity
        else:
            identity = self._wearers.get(cloak) or self._look_for(cloak)
        here = self._identities.people(identity)
        return here[0] if here else self._accounts.of(identity) or self._presence.left(identity)

    def _remember(self, identity: str) -> str:
        cloak = self._made_for(identity)
        self._cloaks[identity] = cloak
        self._wearers[cloak] = identity
        if len(self._cloaks) > MOST_KNOWN:
            self._wearers.pop(self._cloaks.pop(next(iter(self._cloaks))), None)
        return cloak

    def _made_for(self, identity: str) -> str:
        digest = blake2b(identity.encode(), key=self._key, digest_size=5).digest()
        return f"{_GUEST}{b32encode(digest).decode().lower()}"

    def _look_for(self, cloak: str) -> str:
        """Return the identity of who is here with a cloak that was forgotten; "" for nobody."""
        if not is_cloak(cloak):
            return ""
        identities = (identity for identity in self._identities if self.of(identity) == cloak)
        return next(identities, "")

    def _follow(self, person: Person, old: str) -> None:
        """Take note that somebody has another identity now."""
        if (cloak := self._cloaks.get(old)) is not None:
            self._wearers[cloak] = person.inbox


def is_cloak(text: str) -> bool:
    """Tell whether a text looks like a cloak."""
    return text.lower().startswith((_USER, _CODED, _GUEST))


@lru_cache(maxsize=4096)  # asked for each line that is said
def of_account(name: str) -> str:
    """Return the cloak of who is logged in to an account of this name."""
    if _PLAIN.fullmatch(name):
        return f"{_USER}{name}"
    return f"{_CODED}{b32encode(name.encode()).decode().rstrip('=').lower()}"


def _name(cloak: str) -> str:
    """Return the name that is in an account's cloak; "" if there is none."""
    if not cloak.startswith(_CODED):
        return cloak.removeprefix(_USER)
    code = cloak.removeprefix(_CODED).upper()
    try:
        return b32decode(code + "=" * (-len(code) % 8)).decode()
    except ValueError:
        return ""
