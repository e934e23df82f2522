"""What people type about rooms: coming in, going out, looking round."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from chatservice.commands.command import OWN_ROOM, ROOM, Argument, Command
from chatservice.events import Event, Kind
from chatservice.presence.presence import presence
from chatservice.roles import Role
from chatservice.rooms.modes import MAX_KEY
from chatservice.rooms.room import Room
from chatservice.session import Session

BOT: Final = "bot"
"""As what programs are told of a bot, instead of a role."""

_MOST_BOTS: Final = 20
_LINE: Final = 400  # characters that an answer's line may have, about
_NAMES_SHOWN: Final = 500
_TOPIC: Final = 60  # characters of a topic
_ROOMS_SHOWN: Final = 20
_KEY: Final = Argument("KEY", optional=True, longest=MAX_KEY, form=re.compile(r"[^#]\S*"))


def _join(session: Session, room: str, key: str) -> None:
    session.hub.join(session.person, room, key)


def _leave(session: Session, room: str) -> None:
    session.hub.leave_room(session.person, room)


def _rooms(session: Session) -> None:
    rooms, person = session.hub.rooms, session.person
    if person.program:
        shown, _ = rooms.largest(person, len(person.place.rooms) + _ROOMS_SHOWN)
        _show(session, (_as_room(session, room) for room in shown))
        return
    shown, seen = rooms.largest(person, _ROOMS_SHOWN)
    lines = ["One room:" if seen == 1 else f"{seen:,} rooms, yours first:"]
    for room in shown:
        current = room.name == person.place.current
        yours = ", current" if current else ", joined" if room.name in person.place.rooms else ""
        topic = f" - {room.charter.topic[:_TOPIC]}" if room.charter.topic else ""
        lines.append(f"  {room.name}: {len(room)} here{yours}{topic}")
    if seen > _ROOMS_SHOWN:
        lines.append(f"  and {seen - _ROOMS_SHOWN:,} more")
    session.hub.tell(person, Kind.NOTICE, *lines)


def _who(session: Session, name: str) -> None:
    rooms, person = session.hub.rooms, session.person
    room = rooms.shown(person, name)
    if person.program:
        _show(session, _as_members(session, room))
        return
    place = "here" if room is rooms.current(person) else f"in {room.name}"
    lines = [*_listed(_described(session, room), len(room), place)]
    if bots := session.hub.bots.of(room):
        named = ", ".join(f"{bot} ({token.rights})" for bot, token in bots[:_MOST_BOTS])
        more = f" and {len(bots) - _MOST_BOTS} more" if len(bots) > _MOST_BOTS else ""
        lines.append(f"Bots that may read or write {place}: {named}{more}")
    session.hub.tell(person, Kind.NOTICE, *lines)


def _as_room(session: Session, room: Room) -> Event:
    hub, person = session.hub, session.person
    role = hub.rooms.role(person, room).label if room.name in person.place.rooms else ""
    topic = room.charter.topic
    return Event(len(room), hub.now(), room.name, Kind.ROOM, person.nick, topic, role)


def _as_members(session: Session, room: Room) -> Iterator[Event]:
    hub = session.hub
    for nick in room.nicks():
        if (one := hub.parts.nicks.wearer(nick)) is not None:
            role = hub.rooms.role(one, room).label
            yield Event(0, hub.now(), room.name, Kind.MEMBER, nick, presence(one), role)
    for bot, token in hub.bots.of(room):
        yield Event(0, hub.now(), room.name, Kind.MEMBER, bot, token.rights, BOT)


def _show(session: Session, events: Iterable[Event]) -> None:
    session.hub.answer(session.person, *events)


def _described(session: Session, room: Room) -> Iterator[str]:
    """Return the nicknames in a room, with roles that are given, and who is away."""
    for nick in room.nicks():
        marks = []
        if (one := session.hub.parts.nicks.wearer(nick)) is not None:
            role = session.hub.rooms.role(one, room)
            marks += [role.label] if role > Role.USER else []
            marks += ["away"] if one.away is not None else []
        yield f"{nick} ({', '.join(marks)})" if marks else nick


def _listed(nicks: Iterator[str], count: int, place: str) -> Iterator[str]:
    """Write many nicknames in lines of a readable length, and not without end.

    :param nicks: of which no more are asked for than are shown.
    """
    line = f"{count} {place}:"
    for nick in islice(nicks, _NAMES_SHOWN):
        if len(line) + len(nick) > _LINE:
            yield line
            line = " "
        line += f" {nick}"
    if count > _NAMES_SHOWN:
        line += f" and {count - _NAMES_SHOWN} more"
    yield line


ROWS: Final = (
    Command(
        "join", (ROOM, _KEY), "enter a room, or switch to it", "/join #dev", _join, aliases=("j",)
    ),
    Command("leave", (OWN_ROOM,), "leave a room", "/leave #dev", _leave, aliases=("part",)),
    Command("rooms", (), "which rooms there are", "/rooms", _rooms, aliases=("channels",)),
    Command("who", (OWN_ROOM,), "who is here", "/who", _who, aliases=("names", "list", "w")),
)
"""The rows of the table."""
