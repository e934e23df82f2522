"""What clients say about how far they have read: MARKREAD.

    C: MARKREAD #dev timestamp=2023-11-14T22:13:20.000Z
    S: :irc.example.org MARKREAD #dev timestamp=2023-11-14T22:13:20.000Z     to all of one's clients

ircv3.net/specs/extensions/read-marker. A marker of private talk is about the other's identity.
"""

from typing import Final

from chatservice.accounts.markers import LONGEST
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.greeting import marked
from chatservice.doors.irc.message import Message
from chatservice.doors.irc.person import IrcPerson
from chatservice.doors.irc.times import read_timestamp
from chatservice.names import fold, is_inbox, is_room
from chatservice.text import clean


def _markread(irc: IrcClient, message: Message) -> None:
    if not message.params or not message.params[0]:
        irc.send("FAIL", "MARKREAD", "NEED_MORE_PARAMS", "Say what you have read")
        return
    target, rest = clean(message.params[0]), message.params[1:]
    impossible = not target or " " in target or target.startswith(":") or is_inbox(target)
    if impossible or len(target) > LONGEST:
        irc.send("FAIL", "MARKREAD", "INVALID_PARAMS", "*", "Nothing here is called so")
        return
    place = _place(irc, target)
    before = irc.hub.markers.find(irc.person.inbox, place)
    if not rest:
        irc.wire(marked(irc, target, before))
        return
    at = _milliseconds(rest[0])
    if at is None:
        text = "Say up to when: timestamp=2023-11-14T22:13:20.000Z"
        irc.send("FAIL", "MARKREAD", "INVALID_PARAMS", target, text)
        return
    now = irc.hub.markers.mark(irc.person, place, at)
    if now == before or not irc.has("draft/read-marker"):  # else it is told with the others
        irc.wire(marked(irc, target, now))


def tell_marker(irc: IrcPerson, place: str, at: int) -> None:
    """Tell a client how far its person has read, if it wants to know."""
    target = _target(irc, place) if irc.has("draft/read-marker") else ""
    if target:
        irc.wire(marked(irc, target, at))


def _place(irc: IrcClient, target: str) -> str:
    """Return what the core calls a room, or somebody with whom one writes."""
    if is_room(target):
        return fold(target)
    wearer = irc.hub.parts.nicks.wearer(target)
    if wearer is not None:
        return wearer.inbox
    account = irc.hub.accounts.find(target)
    return fold(target) if account is None else account.identity


def _target(irc: IrcPerson, place: str) -> str:
    """Return what a client calls it; "" for somebody who has no name any more."""
    if not is_inbox(place):
        return place
    account = irc.hub.accounts.of(place)
    people = irc.hub.connections_of(place)
    return account.name if account is not None else people[0].nick if people else ""


def _milliseconds(word: str) -> int | None:
    """Return a time in milliseconds since 1970; None if it is none."""
    kind, _, time = word.partition("=")
    try:
        return read_timestamp(time) if kind == "timestamp" else None
    except ValueError:
        return None


ROWS: Final = (Row("MARKREAD", _markread, asks=1),)
"""The rows of the table."""
