"""What ops type to keep order."""

import re
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.commands.command import (
    DURATION,
    NICK,
    PLACE,
    REASON,
    TEXT,
    Argument,
    Command,
)
from chatservice.durations import parse_duration
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.names import MAX_NICK
from chatservice.rooms.rights import Act
from chatservice.rooms.sanction import Measure
from chatservice.session import Session

ENTRIES: Final = 20
"""Entries that /audit gives unless told otherwise."""

MOST_ENTRIES: Final = 200

_SHOWN: Final = 100  # bans and mutes


def _kick(session: Session, place: str, nick: str, reason: str) -> None:
    room = session.hub.rooms.shown(session.person, place)
    session.hub.moderation.kick(session.person, room, nick, reason)


def _sanction(
    session: Session, measure: Measure, place: str, whom: str, seconds: float | str, reason: str
) -> Deferred[None]:
    room = session.hub.rooms.shown(session.person, place)
    term = seconds if isinstance(seconds, float) else None
    return session.hub.moderation.sanction(session.person, room, measure, whom, term, reason)


def _ban(
    session: Session, place: str, whom: str, seconds: float | str, reason: str
) -> Deferred[None]:
    return _sanction(session, Measure.BAN, place, whom, seconds, reason)


def _mute(
    session: Session, place: str, whom: str, seconds: float | str, reason: str
) -> Deferred[None]:
    return _sanction(session, Measure.MUTE, place, whom, seconds, reason)


def _shadow(
    session: Session, place: str, whom: str, seconds: float | str, reason: str
) -> Deferred[None]:
    return _sanction(session, Measure.SHADOW, place, whom, seconds, reason)


def _unban(session: Session, place: str, whom: str) -> Deferred[None]:
    room = session.hub.rooms.shown(session.person, place)
    return session.hub.moderation.lift(session.person, room, [Measure.BAN], whom)


def _unmute(session: Session, place: str, whom: str) -> Deferred[None]:
    room = session.hub.rooms.shown(session.person, place)
    muted = [Measure.MUTE, Measure.SHADOW]
    return session.hub.moderation.lift(session.person, room, muted, whom)


def _bans(session: Session, place: str) -> None:
    hub, person = session.hub, session.person
    room = hub.rooms.shown(person, place)
    standing = hub.moderation.standing(person, room)
    where = hub.rooms.admission.place(room)
    if not standing:
        hub.tell(person, Kind.NOTICE, f"Nobody is banned from or muted in {where}.")
        return
    now = hub.now()
    lines = [
        f"  {one.measure.done} {one.label} {one.term(now)}, by {one.by}{one.why}"
        for one in standing[-_SHOWN:]
    ]
    more = len(standing) - len(lines)
    first = f"{len(standing)} in {where}{f', the newest {_SHOWN}' if more else ''}:"
    hub.tell(person, Kind.NOTICE, first, *lines)


def _why(session: Session, place: str) -> None:
    hub, person = session.hub, session.person
    rooms = [hub.rooms.shown(person, place)] if place else [*hub.rooms.own(person)]
    lines = [*hub.moderation.reasons(person, rooms)]
    if person.refused and not place and person.refused not in lines:
        lines.append(f"What was refused last: {person.refused}")
    hub.tell(person, Kind.NOTICE, *(lines or ["Nothing stops you."]))


def _audit(session: Session, place: str, number: int | str) -> Deferred[None]:
    hub, person = session.hub, session.person
    count = min(number, MOST_ENTRIES) if isinstance(number, int) else ENTRIES
    return hub.moderation.show_entries(person, hub.rooms.shown(person, place), count)


def _announce(session: Session, text: str) -> None:
    session.hub.moderation.announce(session.person, text)


def _drain(session: Session, when: str) -> None:
    if when.lower() == "off":
        session.hub.drain(session.person, None)
        return
    try:
        seconds = 60.0 * int(when) if when.isdecimal() and len(when) < 6 else parse_duration(when)
    except ValueError as error:
        raise ChatError(
            Code.BAD_ARGUMENTS, f"Say when: {error}; a number alone is minutes; off stops it."
        ) from None
    session.hub.drain(session.person, seconds)


_WHOM: Final = Argument("WHOM", longest=4 * MAX_NICK)
"""A nickname, a mask for nicknames, an account, an IP address or a network."""
_COUNT: Final = Argument("N", optional=True, form=re.compile("0*[1-9][0-9]{0,5}"), value=int)

ROWS: Final = (
    Command(
        "kick",
        (PLACE, NICK, REASON),
        "throw somebody out; in the lobby: out of the chat",
        "/kick troll that is enough",
        _kick,
        act=Act.KICK,
    ),
    Command(
        "mute",
        (PLACE, _WHOM, DURATION, REASON),
        "let a nickname, mask, account, address or network read only",
        "/mute troll 10m calm down",
        _mute,
        act=Act.MUTE,
    ),
    Command(
        "ban",
        (PLACE, _WHOM, DURATION, REASON),
        "keep a nickname, mask, account, address or network out",
        "/ban 192.0.2.0/24 2d spam",
        _ban,
        act=Act.BAN,
    ),
    Command(
        "shadow",
        (PLACE, _WHOM, DURATION, REASON),
        "mute somebody who does not learn of it",
        "/shadow troll 1d",
        _shadow,
        aliases=("shadowmute",),
        act=Act.MUTE,
    ),
    Command("unban", (PLACE, _WHOM), "take a ban back", "/unban troll", _unban, act=Act.BAN),
    Command(
        "unmute", (PLACE, _WHOM), "let somebody speak again", "/unmute troll", _unmute, act=Act.MUTE
    ),
    Command(
        "bans",
        (PLACE,),
        "who is banned or muted",
        "/bans #dev",
        _bans,
        aliases=("banlist",),
        act=Act.SEE_BANS,
    ),
    Command(
        "audit",
        (PLACE, _COUNT),
        "who did what to whom",
        "/audit #dev 50",
        _audit,
        act=Act.AUDIT,
    ),
    Command(
        "announce",
        (TEXT,),
        "tell everybody something",
        "/announce The lab closes at eight.",
        _announce,
        act=Act.ANNOUNCE,
    ),
    Command(
        "drain",
        (Argument("MINUTES|off"),),
        "close the chat after a while",
        "/drain 10",
        _drain,
        act=Act.DRAIN,
    ),
    Command("why", (PLACE,), "what stops you, and until when", "/why #dev", _why),
)
"""The rows of the table."""
