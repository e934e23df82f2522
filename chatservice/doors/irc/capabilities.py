"""What a client and this door can agree on beyond plain IRC: the table, and its negotiation.

ircv3.net/specs/extensions/capability-negotiation (CAP 302). Pure: requests in, words out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

CAPABILITIES: Final[Mapping[str, str]] = {
    "account-notify": "",
    "account-tag": "",
    "away-notify": "",
    "batch": "",
    "cap-notify": "",
    "chghost": "",
    "draft/account-registration": "",
    "draft/chathistory": "",
    "draft/read-marker": "",
    "echo-message": "",
    "extended-join": "",
    "extended-monitor": "",
    "invite-notify": "",
    "labeled-response": "",
    "message-tags": "",
    "multi-prefix": "",
    "sasl": "",
    "server-time": "",
    "setname": "",
    "standard-replies": "",
    "userhost-in-names": "",
}
"""Every capability, and its value, "" for none; see IrcPerson.offered for what depends."""

SHAPING: Final = frozenset(
    (
        *("account-notify", "account-tag", "away-notify", "batch", "extended-join"),
        *("chghost", "invite-notify", "multi-prefix"),
        *("message-tags", "server-time", "setname"),
    )
)
"""Those that change what an event is as bytes: who has the same of them gets the same bytes."""

_ALWAYS: Final = frozenset({"cap-notify"})
"""What a client that speaks version 302 cannot give up."""


_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(slots=True)
class Negotiation:
    """What one client has asked for.

    :ivar version: of CAP; 301 unless it says a higher one.
    :ivar open: whether it wants to be let in only when it says so.
    :ivar agreed: what it has.
    """

    version: int = 301
    open: bool = False
    agreed: frozenset[str] = _NOTHING

    def offer(self, version: str, offered: Mapping[str, str]) -> list[str]:
        """Return what to list for CAP LS.

        :param version: as the client gave it, "" for none.
        :param offered: what there is on this connection, with its values.
        """
        if version.isdecimal() and len(version) < 8:
            self.version = max(self.version, int(version))
        if self.version >= 302:
            self.agreed = _shared(self.agreed | _ALWAYS)
            return [f"{name}={value}" if value else name for name, value in offered.items()]
        return [*offered]

    def request(self, wanted: str, offered: Iterable[str]) -> bool:
        """Take a CAP REQ; all of it is agreed on, or nothing.

        :param wanted: names with blanks between them, each perhaps with a minus.
        """
        words, known = wanted.split(), {*offered}
        added = {word for word in words if not word.startswith("-")}
        removed = {word[1:] for word in words if word.startswith("-")}
        fixed = _ALWAYS if self.version >= 302 else frozenset()
        if not added | removed <= known or removed & fixed:
            return False
        agreed = set(self.agreed)
        for word in words:  # in order: the last word on a name counts
            agreed -= {word[1:]}
            agreed |= set() if word.startswith("-") else {word}
        self.agreed = _shared(frozenset(agreed))
        return True


@lru_cache(maxsize=256)
def _shared(agreed: frozenset[str]) -> frozenset[str]:
    """Return a set that is the same for all who have the same: each takes 2 KiB."""
    return agreed
