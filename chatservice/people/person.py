"""One connection as the hub knows it, and what the operator decided for all of them."""

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from chatservice.events import Event
from chatservice.interfaces import IMember, ITimer
from chatservice.limits import DEFAULT, Limits, Quota
from chatservice.names import LOBBY, inbox
from chatservice.people.account import Account
from chatservice.people.away import Away
from chatservice.people.settings import NOTHING_SET, Settings
from chatservice.resume import Offer, Place


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided.

    :ivar limits: what one person and one address may do.
    :ivar backlog: how many lines somebody who comes in is told of.
    :ivar absence: how long, in seconds, the nickname of a lost connection is kept for whoever has
        its token.
    :ivar welcome: what everybody who comes in is told; "" for nothing.
    :ivar lobby: the room in which everybody starts, which stands for the chat itself.
    :ivar plaintext_login: whether passwords may come over a network unencrypted.
    """

    limits: Limits = DEFAULT
    backlog: int = 0
    absence: float = 60.0
    welcome: str = ""
    lobby: str = LOBBY
    plaintext_login: bool = False


class Partner(NamedTuple):
    """Somebody with whom one writes in private.

    :ivar identity: who it is, whatever it is called.
    :ivar nick: what it was called then.
    """

    identity: str
    nick: str


class Card(NamedTuple):
    """What a client says of its person, which nobody checks (RFC 2812, section 3.1.3).

    :ivar user: a name without blanks.
    :ivar name: a real name, or whatever else.
    """

    user: str = ""
    name: str = ""


NO_CARD: Final = Card()
"""Of who said nothing."""


class Gone(NamedTuple):
    """Somebody who was here.

    :ivar nick: the nickname, as worn.
    :ivar at: until when, seconds since 1970.
    :ivar card: what its client said of it.
    :ivar by: its identity.
    :ivar host: the IP address it came from; None for who had none.
    """

    nick: str
    at: float
    card: Card
    by: str
    host: str | None


class Person:
    """One connection as the hub knows it.

    :ivar member: where to deliver.
    :ivar nick: the nickname worn, "" before the first and after the last.
    :ivar place: who it is beyond this connection: identity, inbox, token.
    :ivar account: what it is logged in to; None for a guest.
    :ivar host: the IP address; None for who has none.
    :ivar certificate: the fingerprint (SHA-256, hexadecimal) of the certificate that its client
        showed at the TLS handshake, with proof that it is its own; "" for none.
    :ivar displaced: when it took the place of a connection that stood, seconds since 1970;
        before everything if it did not.
    :ivar encrypted: whether nobody between can read what it says: it comes over TLS, from this
        machine, or not over a network at all.
    :ivar partner: with whom it wrote in private last; None if that is nobody, or to be looked up.
    :ivar quota: what the person may still do; None before admission.
    :ivar refused: what it was told of the last thing that was refused; "" for nothing.
    :ivar came: since when it has been here without leaving, seconds since 1970; later than
        everything until it is in.
    :ivar settings: what it has set for itself.
    :ivar away: that it says it is away; None if it does not.
    :ivar active: when it said something last, or came, seconds since 1970.
    :ivar card: what its client says of it beside the nickname.
    :ivar roomless: whether it may be in no room at all, as its door has it; else it is in one.
    :ivar looks_back: whether its client asks for the past by itself: then it is told none unasked.
    :ivar recognised: whether its door makes its token, which the person itself must not know.
    :ivar unasked: whether it has a token that it does not know, as it did not ask for one.
    :ivar left: once it goes, under which nickname, and up to which number of each room it is to be
        given that before; None while it stays, and when its connection is gone.
    :ivar departed: whether it has left, in whatever way.
    :ivar replaced: whether it left because somebody with its token took its place.
    :ivar welcomed: whether it has come in, from its own point of view.
    :ivar absent: whether its connection was lost and it may still come back to its nickname.
    :ivar request: the door's name for what it asks for, if it is a program's; "" for nothing.
    :ivar program: whether it is answered just now in the form for programs.
    :ivar stored: the number of what it said last; whoever wants to know sets it to 0 before.
    :ivar timer: until when it may be absent, or may take to read its last words.
    """

    __slots__ = (
        "absent",
        "account",
        "active",
        "away",
        "came",
        "card",
        "certificate",
        "departed",
        "displaced",
        "encrypted",
        "host",
        "last",
        "left",
        "looks_back",
        "member",
        "nick",
        "offered",
        "partner",
        "place",
        "program",
        "proved",
        "quota",
        "recognised",
        "refused",
        "replaced",
        "request",
        "roomless",
        "settings",
        "stored",
        "timer",
        "unasked",
        "waiting",
        "welcomed",
    )

    def __init__(self, member: IMember, now: float) -> None:
        self.member = member
        self.place = Place(inbox(secrets.token_hex(8)), now)
        self.nick = ""
        self.account: Account | None = None
        self.came = math.inf
        self.host: str | None = None
        self.displaced = -math.inf
        self.encrypted = False
        self.certificate = ""
        self.partner: Partner | None = None
        self.quota: Quota | None = None
        self.settings: Settings = NOTHING_SET
        self.away: Away | None = None
        self.active = now
        self.offered: Offer | None = None  # with which it came back
        self.refused = ""
        self.proved: Account | None = None  # whose owner it has shown to be on coming in
        self.card = NO_CARD
        self.roomless = False
        self.looks_back = False
        self.recognised = False
        self.unasked = False
        self.left: tuple[str, dict[str, int]] | None = None
        self.departed = False
        self.replaced = False
        self.welcomed = False
        self.absent = False
        self.request = ""
        self.program = False
        self.stored = 0
        self.timer: ITimer | None = None
        self.waiting = 0  # of what it did, how much is on its way through the log
        self.last: Deferred[Sequence[Event]] | None = None  # of that, the last, if it was published

    @property
    def inbox(self) -> str:
        """The name of the log of what concerns this person alone; its identity in events."""
        return self.place.inbox

    def cancel(self) -> None:
        """Let time pass."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
