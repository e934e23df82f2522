"""Who wears which nickname: claimed, worn, given back. Rules only, no I/O."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from chatservice.errors import ChatError, Code, NickRefused
from chatservice.names import MAX_NICK, fold, keys

Wearer = TypeVar("Wearer", bound=Hashable)


class Nicks(Generic[Wearer]):
    """The nicknames in use. No two may share one of their keys (names.keys).

    :ivar most: how many were worn at a time, at most.
    """

    def __init__(self) -> None:
        self._by_key: dict[str, Wearer] = {}
        self._worn: dict[Wearer, str] = {}  # as written, from the claim on
        self.most = 0

    def __len__(self) -> int:
        """Return how many nicknames are worn."""
        return len(self._worn)

    def claim(self, wearer: Wearer, nick: str) -> None:
        """Reserve a nickname beside the one that is worn, if any.

        :param nick: in its normal form (names.check_nick).
        :raises NickRefused: if it is another's, or looks as if it were.
        """
        if nick == self._worn.get(wearer):
            raise NickRefused(Code.NICK_TAKEN, f"You are called {nick} already.")
        wanted = keys(nick)
        for key in sorted(wanted):
            holder = self._by_key.get(key, wearer)
            if holder is wearer:
                continue
            worn = self._worn.get(holder, nick)
            looks = "" if fold(worn) == fold(nick) else ", and it would look the same"
            raise NickRefused(
                Code.NICK_TAKEN, f"Somebody called {worn} is here already{looks}: choose another."
            )
        for key in wanted:
            self._by_key[key] = wearer

    def wear(self, wearer: Wearer, nick: str) -> None:
        """Change into a nickname that was claimed; the one before is free."""
        old = self._worn.get(wearer)
        self._worn[wearer] = nick
        self.most = max(self.most, len(self._worn))
        for key in keys(nick):
            self._by_key.setdefault(key, wearer)
        if old is not None:
            self._release(wearer, keys(old) - keys(nick))

    def unclaim(self, wearer: Wearer, nick: str) -> None:
        """Give back a nickname that was claimed and is not worn after all."""
        worn = self._worn.get(wearer)
        self._release(wearer, keys(nick) - (keys(worn) if worn is not None else frozenset()))

    def take_off(self, wearer: Wearer) -> None:
        """Give back the nickname worn."""
        nick = self._worn.pop(wearer, None)
        if nick is not None:
            self._release(wearer, keys(nick))

    def hand_over(self, wearer: Wearer, heir: Wearer) -> None:
        """Let another wear what one wears."""
        nick = self._worn.pop(wearer)
        self._worn[heir] = nick
        for key in keys(nick):
            self._by_key[key] = heir

    def find(self, nick: str) -> Wearer:
        """Return who wears a nickname, however it is capitalised.

        :raises ChatError: if nobody does.
        """
        wearer = self.wearer(nick)
        if wearer is None:
            text = f"Nobody here is called {nick[:MAX_NICK]}: see /who."
            raise ChatError(Code.NO_SUCH_NICK, text)
        return wearer

    def wearer(self, nick: str) -> Wearer | None:
        """Return who wears a nickname, however it is capitalised; None if nobody does."""
        folded = fold(nick)
        wearer = self._by_key.get(folded)
        if wearer is None:
            return None
        worn = self._worn.get(wearer, "")
        return wearer if worn == nick or fold(worn) == folded else None

    def wearers(self, nick: str) -> list[Wearer]:
        """Return who wears a nickname, or what looks like it."""
        held = dict.fromkeys(self._by_key[key] for key in sorted(keys(nick)) if key in self._by_key)
        return [wearer for wearer in held if wearer in self._worn]

    def _release(self, wearer: Wearer, released: frozenset[str]) -> None:
        for key in released:
            if self._by_key.get(key) is wearer:
                del self._by_key[key]
