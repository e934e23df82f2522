"""One ban or mute: whom it means, what it does, what is kept of it.

A sanction means people by marks: nicknames that look like one or match a mask, identities,
networks. Whoever bears one of them is meant, under whatever nickname and at whatever door. What was
said of a nickname holds for guests who come from its address later, too: they could be the same
person, and who is somebody else can log in.
"""

import ipaddress
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from chatservice.durations import say_duration
from chatservice.errors import ChatError, Code
from chatservice.limits import network_of
from chatservice.names import MAX_NICK, PUNCTUATION, fold, forms, keys
from chatservice.roles import Role
from chatservice.wildcards import is_mask, matches

Value = Mapping[str, object]

EVERYWHERE: Final = ""
"""The room of a sanction that holds for the whole chat."""

LAST: Final = 253_402_300_799.0
"""The last moment that can be told, seconds since 1970: the year 9999 ends."""

WIDEST: Final = {4: 8, 6: 16}
"""The shortest prefix of a network that can be banned: whoever types a shorter one slipped."""


LONGEST_MASK: Final = 2 * MAX_NICK
"""The longest mask for nicknames, in characters."""


class Measure(Enum):
    """What a sanction does."""

    BAN = "ban"  # may not come in
    MUTE = "mute"  # may not speak
    SHADOW = "shadow"  # speaks, and nobody hears it

    @property
    def done(self) -> str:
        """What was done to somebody, in words."""
        return {"ban": "banned", "mute": "muted", "shadow": "shadow-muted"}[self.value]


class Subject(NamedTuple):
    """Somebody, as sanctions look at people.

    :ivar nick: worn or offered.
    :ivar identity: see names.inbox.
    :ivar host: the IP address; None for who has none.
    :ivar came: since when it has been here, seconds since 1970; later than all that for who is not.
    :ivar role: in the room in question.
    """

    nick: str
    identity: str
    host: str | None
    came: float
    role: Role


class Target(NamedTuple):
    """Whom a sanction is to mean.

    :ivar label: what it is called.
    :ivar nicks: keys of nicknames (names.keys).
    :ivar identity: an identity; "" for none.
    :ivar network: an IP network; "" for none.
    :ivar guests: whether of the network only guests are meant, who come later.
    :ivar mask: a pattern for nicknames (wildcards.py); "" for none.
    """

    label: str
    nicks: tuple[str, ...] = ()
    identity: str = ""
    network: str = ""
    guests: bool = False
    mask: str = ""


@dataclass(frozen=True, slots=True)
class Sanction:
    """A ban or a mute.

    :ivar measure: what it does.
    :ivar room: where; EVERYWHERE for the whole chat.
    :ivar label: whom it means, as it was said; nicks, identity, network, guests, mask: see Target.
    :ivar by: the nickname of who decided it.
    :ivar rank: that person's role there: who stands as high is not meant.
    :ivar at: when, seconds since 1970.
    :ivar until: until when; None for good.
    :ivar reason: why, in that person's words; "" if nothing was said.
    :ivar written: whom it means, as the door has it where that was decided; "" for as the label.
    """

    measure: Measure
    room: str
    label: str
    nicks: tuple[str, ...]
    identity: str
    network: str
    guests: bool
    by: str
    rank: Role
    at: float
    until: float | None
    reason: str
    mask: str = ""
    written: str = ""

    @property
    def key(self) -> str:
        """The record's key: of two for one target, the later one holds."""
        kind = "ban" if self.measure is Measure.BAN else "mute"
        return f"{kind} {self.room} {fold(self.label)}"

    def over(self, now: float) -> bool:
        """Tell whether its time is over."""
        return self.until is not None and self.until <= now

    def means(self, subject: Subject) -> bool:
        """Tell whether it means somebody, in its room."""
        if subject.role >= self.rank:
            return False
        if subject.identity == self.identity or not keys(subject.nick).isdisjoint(self.nicks):
            return True
        if self.mask and fits(self.mask, subject.nick):
            return True
        if not self.network or subject.host is None:
            return False
        if self.guests and (subject.role > Role.GUEST or subject.came < self.at):
            return False
        return _within(subject.host, self.network)

    def told(self, now: float, place: str) -> str:
        """Return it as the person concerned is told.

        :param place: what its room is called.
        """
        return (
            f"You are {self.measure.done} {'in' if self.measure is Measure.MUTE else 'from'} "
            f"{place} {self.term(now)}, by {self.by}{self.why}"
        )

    def term(self, now: float) -> str:
        """Return until when it holds, in words."""
        if self.until is None:
            return "for good"
        end = datetime.fromtimestamp(self.until, UTC)
        return f"until {end:%Y-%m-%d %H:%M} UTC (in {say_duration(max(1, self.until - now))})"

    @property
    def why(self) -> str:
        """The reason, as what stands behind a sentence."""
        return f": {self.reason}" if self.reason else "."

    def to_value(self) -> Value:
        """Return what is kept of it."""
        return asdict(self) | {"measure": self.measure.value, "rank": self.rank.label}

    @classmethod
    def from_value(cls, value: Value) -> "Sanction":
        """Return what was kept.

        :raises KeyError: if something is missing; ValueError or TypeError if it cannot be.
        """
        given: dict[str, object] = {"mask": "", "written": ""}
        given |= {f.name: value[f.name] for f in fields(cls) if f.name in value}
        until, nicks, network = given["until"], given["nicks"], str(given["network"])
        if not isinstance(nicks, list | tuple):
            raise TypeError("nicks is not a list")
        if network and str(ipaddress.ip_network(network)) != network:
            raise ValueError("network is not in its normal form")
        return cls(
            measure=Measure(given["measure"]),
            room=str(given["room"]),
            label=str(given["label"]),
            nicks=tuple(map(str, nicks)),
            identity=str(given["identity"]),
            network=network,
            guests=given["guests"] is True,
            by=str(given["by"]),
            rank=Role[str(given["rank"]).upper()],
            at=_moment(given["at"]),
            until=None if until is None else _moment(until),
            reason=str(given["reason"]),
            mask=str(given["mask"]),
            written=str(given["written"]),
        )


def parse_network(text: str) -> str | None:
    """Return an IP address or network in its normal form; None if the text is none.

    A single IPv6 address stands for its /64: people have as many addresses as they like in it.

    :raises ChatError: BAD_ARGUMENTS if it is wider than WIDEST.
    """
    if not ({".", ":"} & set(text)):
        return None
    try:
        network = ipaddress.ip_network(text if "/" in text else network_of(text), strict=False)
    except ValueError:
        return None
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            network = ipaddress.ip_network((mapped, network.prefixlen - 96), strict=False)
    if network.prefixlen < WIDEST[network.version]:
        raise ChatError(
            Code.BAD_ARGUMENTS,
            f"{text} is too wide: /{WIDEST[network.version]} is the widest network.",
        )
    return str(network)


def parse_mask(text: str) -> str | None:
    """Return a mask for nicknames in its normal form (NFC); None if the text has no wildcards.

    :raises ChatError: BAD_ARGUMENTS if it means nobody, or everybody.
    """
    if not is_mask(text):
        return None
    mask = unicodedata.normalize("NFC", text[: 4 * MAX_NICK])
    if len(mask) > LONGEST_MASK or not all(map(_may_match, mask)):
        raise ChatError(
            Code.BAD_ARGUMENTS,
            f"{text[:LONGEST_MASK]} can match no nickname: use letters, digits, "
            f"{' '.join(sorted(PUNCTUATION))} and for any others * and ?",
        )
    if not mask.strip("*?"):
        raise ChatError(
            Code.BAD_ARGUMENTS,
            f"{mask} is everybody: say more of the nickname. "
            "/mode invite-only keeps everybody out who is not invited.",
        )
    return mask


@lru_cache(maxsize=16_384)  # asked for each mask of a room whenever somebody speaks there
def fits(mask: str, nick: str) -> bool:
    """Tell whether a nickname, or what looks like it, is what a mask means."""
    pairs = {*zip(_forms(mask), forms(nick), strict=True)}
    return any(form is not None and matches(form, name) for form, name in pairs)


def _may_match(char: str) -> bool:
    special = char in "*?" or char in PUNCTUATION
    return special or char.isalnum() or unicodedata.category(char).startswith("M")


@lru_cache(maxsize=1024)
def _forms(mask: str) -> tuple[str | None, ...]:
    """Return a mask in the forms of names.forms; None where a letter would become a wildcard."""
    wild = _wild(mask)
    return tuple(form if _wild(form) == wild else None for form in forms(mask))


def _wild(mask: str) -> int:
    return mask.count("*") + mask.count("?")


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an IP address; an IPv4 address mapped into IPv6 is one of IPv4; None if it is none."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _moment(value: object) -> float:
    """Return seconds since 1970.

    :raises ValueError: if that is no moment that can be told.
    """
    at = float(str(value))
    if not (math.isfinite(at) and at <= LAST):
        raise ValueError("not a time")
    return at


def _within(host: str, network: str) -> bool:
    address, within = address_of(host), ipaddress.ip_network(network)
    return address is not None and address.version == within.version and address in within
