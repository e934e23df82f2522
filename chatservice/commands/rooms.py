"""What people type about rooms: coming in, going out, looking round."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from chatservice.commands.command import OWN_ROOM, ROOM, Argument, Command
from chatservice.events import Kind
from chatservice.modes import MAX_KEY
from chatservice.roles import Role
from chatservice.room import Room
from chatservice.session import Session

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
    seen = sum(rooms.sees(person, room) for room in rooms.all())
    lines = ["One room:" if seen == 1 else f"{seen:,} rooms, yours first:"]
    for room in rooms.largest(person, _ROOMS_SHOWN):
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
    place = "here" if room is rooms.current(person) else f"in {room.name}"
    session.hub.tell(person, Kind.NOTICE, *_listed([*_described(session, room)], place))


def _described(session: Session, room: Room) -> Iterator[str]:
    """Return the nicknames in a room, with roles that are given, and who is away."""
    here = {one.nick: one for one in session.hub.people()}
    for nick in room.nicks():
        marks = []
        if (one := here.get(nick)) is not None:
            role = session.hub.rooms.role(one, room)
            marks += [role.label] if role > Role.USER else []
            marks += ["away"] if one.away is not None else []
        yield f"{nick} ({', '.join(marks)})" if marks else nick


def _listed(nicks: Sequence[str], place: str) -> Iterator[str]:
    """Write many nicknames in lines of a readable length, and not without end."""
    line = f"{len(nicks)} {place}:"
    for nick in islice(nicks, _NAMES_SHOWN):
        if len(line) + len(nick) > _LINE:
            yield line
            line = " "
        line += f" {nick}"
    if len(nicks) > _NAMES_SHOWN:
        line += f" and {len(nicks) - _NAMES_SHOWN} more"
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
