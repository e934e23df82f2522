"""What clients ask of all rooms: LIST, with the conditions of ELIST (modern.ircdocs.horse).

    LIST                 every room with somebody in it that the client may know of
    LIST #a,#b           these
    LIST *dev*,!*old*    whose names match a mask, and another not (M, N)
    LIST >3,<100         with more, and with fewer people (U)
    LIST C>60,T<10       made more than an hour ago, its topic set in the last ten minutes (C, T)

Several conditions hold together; several names are one or the other.
"""

import heapq
import re
from collections.abc import Callable, Iterable
from typing import Final

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.isupport import MOST_CONDITIONS
from chatservice.doors.irc.masks import is_mask, matches
from chatservice.doors.irc.message import Message
from chatservice.names import fold
from chatservice.rooms.room import Room

MOST_LISTED: Final = 1_000
"""Rooms that one answer lists, the largest first."""

_MINUTE: Final = 60.0
_COMPARED: Final = re.compile(r"([CT]?)([<>])([0-9]{1,9})")

Condition = Callable[[Room], bool]


def _list(irc: IrcClient, message: Message) -> None:
    asked = message.params[0].split(",")[:MOST_CONDITIONS] if message.params else []
    wanted = _wanted([word for word in asked if word], irc.hub.now())
    rooms, person = irc.hub.rooms, irc.person
    found = [room for room in _candidates(irc, asked) if len(room) and wanted(room)]
    found = [room for room in found if rooms.sees(person, room)]
    irc.reply(n.RPL_LISTSTART, "Channel", "Users  Name")
    for room in heapq.nlargest(MOST_LISTED, found, key=len):
        irc.reply(n.RPL_LIST, room.name, str(len(room)), room.charter.topic)
    if len(found) > MOST_LISTED:
        text = f"These are the largest {MOST_LISTED:,}: ask for fewer, for example LIST *dev*"
        irc.reply(n.ERR_TOOMANYMATCHES, "LIST", text)
    irc.reply(n.RPL_LISTEND, "End of /LIST")


def _candidates(irc: IrcClient, asked: Iterable[str]) -> Iterable[Room]:
    """Return the rooms that are named, if nothing else is asked for; else all."""
    named = [irc.hub.rooms.find(fold(word)) for word in asked if _is_name(word)]
    if named and all(map(_is_name, asked)):
        return {room.name: room for room in named if room is not None}.values()
    return irc.hub.rooms.all()


def _is_name(word: str) -> bool:
    return word.startswith("#") and not is_mask(word)


def _wanted(asked: Iterable[str], now: float) -> Condition:
    """Return what tells whether a room is one that is asked for."""
    masks: list[str] = []
    conditions: list[Condition] = []
    for word in asked:
        if (compared := _COMPARED.fullmatch(word.upper())) is not None:
            conditions.append(_compared(compared[1], compared[2], int(compared[3]), now))
        elif word.startswith("!"):
            conditions.append(_other_than(fold(word[1:])))
        else:
            masks.append(fold(word))
    if masks:
        conditions.append(lambda room: any(matches(mask, room.name) for mask in masks))
    return lambda room: all(condition(room) for condition in conditions)


def _other_than(mask: str) -> Condition:
    return lambda room: not matches(mask, room.name)


def _compared(what: str, sign: str, number: int, now: float) -> Condition:
    """Return a condition on a number of people, or on how many minutes ago something was.

    What was never is not less than any time ago; nor is it more, but for a room that always was.
    """

    def holds(room: Room) -> bool:
        if not what:
            return len(room) < number if sign == "<" else len(room) > number
        at = room.charter.since if what == "C" else room.charter.topic_at
        if what == "T" and not room.charter.topic:
            return False
        ago = (now - at) / _MINUTE
        return ago < number if sign == "<" else ago > number

    return holds


ROWS: Final = (Row("LIST", _list, asks=9),)
"""The rows of the table."""
