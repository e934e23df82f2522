"""What people type about a room of theirs: its topic, modes, roles, invitations."""

from typing import Final

from twisted.internet.defer import Deferred

from chatservice.commands.command import DURATION, NICK, PLACE, Argument, Command
from chatservice.durations import DAY, say_duration
from chatservice.events import Kind
from chatservice.roles import Role
from chatservice.rooms.modes import MAX_KEY, NAMES
from chatservice.rooms.rights import Act
from chatservice.session import Session


def _topic(session: Session, place: str, topic: str) -> Deferred[None] | None:
    hub, person = session.hub, session.person
    room = hub.rooms.shown(person, place)
    if topic:
        return hub.ops.set_topic(person, room, "" if topic == "-" else topic)
    charter = room.charter
    if charter.topic:
        text = f"The topic of {room.name}, by {charter.topic_by}: {charter.topic}"
    else:
        text = f"{room.name} has no topic: /topic TEXT sets one."
    hub.tell(person, Kind.NOTICE, text)
    return None


def _mode(session: Session, place: str, name: str, value: str) -> Deferred[None] | None:
    hub, person = session.hub, session.person
    room = hub.rooms.shown(person, place)
    if name:
        return hub.ops.set_modes(person, room, [(name, value or "on")])
    modes = ", ".join(f"{one} {room.charter.modes.said(one)}" for one in NAMES)
    hub.tell(person, Kind.NOTICE, f"{room.name}: {modes}")
    return None


def _invite(session: Session, place: str, nick: str, seconds: float | str) -> Deferred[None]:
    hub, person = session.hub, session.person
    room = hub.rooms.named(person, place)
    term = seconds if isinstance(seconds, float) else DAY
    invited = hub.ops.invite(person, room, nick, term)
    text = f"{nick} can come into {room.name} for {say_duration(term)}."
    return invited.addCallback(lambda _: hub.tell(person, Kind.NOTICE, text))


def _op(session: Session, place: str, nick: str) -> Deferred[None]:
    return _give(session, place, nick, Act.OP, Role.OP, Role.VOICE)


def _deop(session: Session, place: str, nick: str) -> Deferred[None]:
    return _give(session, place, nick, Act.OP, Role.USER, Role.OP)


def _voice(session: Session, place: str, nick: str) -> Deferred[None]:
    return _give(session, place, nick, Act.VOICE, Role.VOICE, Role.GUEST)


def _devoice(session: Session, place: str, nick: str) -> Deferred[None]:
    return _give(session, place, nick, Act.VOICE, Role.USER, Role.VOICE)


def _give(
    session: Session, place: str, nick: str, act: Act, role: Role, instead: Role
) -> Deferred[None]:
    room = session.hub.rooms.shown(session.person, place)
    return session.hub.ops.give(session.person, room, nick, act, role, instead)


def _founder(session: Session, place: str, nick: str) -> Deferred[None]:
    room = session.hub.rooms.shown(session.person, place)
    return session.hub.ops.hand_over(session.person, room, nick)


def _drop(session: Session, place: str) -> Deferred[None]:
    return session.hub.ops.drop(session.person, session.hub.rooms.shown(session.person, place))


_MODE: Final = Argument("MODE", optional=True, longest=MAX_KEY)
_VALUE: Final = Argument("VALUE", optional=True, longest=MAX_KEY)

ROWS: Final = (
    Command(
        "topic",
        (PLACE, Argument("TEXT", rest=True, optional=True)),
        "what the room is about; - removes it",
        "/topic Release on Friday",
        _topic,
    ),
    Command(
        "invite",
        (PLACE, NICK, DURATION),
        "let somebody into a room",
        "/invite #dev bob 2d",
        _invite,
        act=Act.INVITE,
    ),
    Command(
        "mode",
        (PLACE, _MODE, _VALUE),
        "the room's modes: alone it lists them",
        "/mode #dev slow 10s",
        _mode,
        aliases=("modes",),
        act=Act.SET_MODE,
    ),
    Command("voice", (PLACE, NICK), "let somebody speak", "/voice bob", _voice, act=Act.VOICE),
    Command("devoice", (PLACE, NICK), "take that back", "/devoice bob", _devoice, act=Act.VOICE),
    Command("op", (PLACE, NICK), "let somebody keep order", "/op bob", _op, act=Act.OP),
    Command("deop", (PLACE, NICK), "take that back", "/deop bob", _deop, act=Act.OP),
    Command(
        "founder", (PLACE, NICK), "hand a room over", "/founder bob", _founder, act=Act.HAND_OVER
    ),
    Command("drop", (PLACE,), "give a room up", "/drop #dev", _drop, act=Act.DROP),
)
"""The rows of the table."""
