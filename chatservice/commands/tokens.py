"""What people type to let programs in: tokens of bots."""

from collections.abc import Iterator, Sequence
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.accounts.tokens import Token
from chatservice.commands.command import Argument, Command
from chatservice.durations import say_duration
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.names import is_room
from chatservice.rooms.rights import Act
from chatservice.session import Session

_RIGHTS: Final = {"read": (True, False), "write": (False, True)}
_MOST_SHOWN: Final = 100


def _token(session: Session, text: str) -> Deferred[None] | None:
    match text.split():
        case [] | ["list"]:
            _list(session, "")
            return None
        case [room] if is_room(room):
            _list(session, room)
            return None
        case ["revoke", name]:
            revoked = session.hub.bots.revoke(session.person, name)
            return revoked.addCallback(
                lambda done: session.hub.tell(session.person, Kind.NOTICE, done)
            )
        case [name, *rooms, word] if rooms and word.lower() in _RIGHTS:
            return _let_in(session, name, rooms, *_RIGHTS[word.lower()])
        case [name, *rooms] if rooms:
            return _let_in(session, name, rooms, True, True)
    raise _misused()


def _let_in(
    session: Session, name: str, names: Sequence[str], read: bool, write: bool
) -> Deferred[None]:
    if not all(map(is_room, names)) or is_room(name):
        raise _misused()
    hub, person = session.hub, session.person
    rooms = [*dict.fromkeys(hub.rooms.shown(person, one) for one in names)]
    made = hub.bots.let_in(person, name, rooms, read, write)

    def tell(secret: str) -> None:
        place = rooms[0].name.removeprefix("#")
        if write:
            example = f"-d 'hello from {name}' http://HOST:PORT/rooms/{place}/messages"
        else:
            example = f"-N http://HOST:PORT/rooms/{place}/events"
        hub.tell(
            person,
            Kind.NOTICE,
            f"The token of the bot {name}, which is shown once; whoever has it is {name}:",
            secret,
            f'For example: curl -H "Authorization: Bearer {secret}" {example}',
            f"To end it: /token revoke {name}",
        )

    return made.addCallback(tell)


def _list(session: Session, name: str) -> None:
    hub, person = session.hub, session.person
    room = hub.rooms.shown(person, name) if name else None
    found = hub.bots.shown(person, room)
    where = f" in {room.name}" if room else ""
    if not found:
        hub.tell(person, Kind.NOTICE, f"There are no bots{where}: /token NAME #ROOM makes one.")
        return
    lines = [*_lines(session, found[-_MOST_SHOWN:])]
    hub.tell(person, Kind.NOTICE, f"Bots{where}, {len(found)}:", *lines)


def _lines(session: Session, found: Sequence[tuple[str, Token]]) -> Iterator[str]:
    now = session.hub.now()
    for name, token in found:
        used = f"used {_ago(now - token.used)}" if token.used else "never used"
        rooms = " ".join(one for one in token.rooms if _may_know(session, token, one))
        made = f"made by {token.by} {_ago(now - token.at)}"
        yield f"  {name}: may {token.rights} in {rooms}; {made}, {used}"


def _may_know(session: Session, token: Token, name: str) -> bool:
    """Tell whether somebody may know that a token is for a room, which may be a secret one."""
    hub, person = session.hub, session.person
    if person.account is not None and person.account.identity == token.maker:
        return True
    room = hub.rooms.find(name)
    return room is not None and hub.rooms.sees(person, room)


def _ago(seconds: float) -> str:
    return f"{say_duration(seconds)} ago" if seconds >= 60 else "just now"


def _misused() -> ChatError:
    return ChatError(
        Code.BAD_ARGUMENTS,
        "Type /token NAME #ROOM to let a bot in, with read or write behind it if that is all it "
        "may; /token list, or /token #ROOM; /token revoke NAME.",
    )


ROWS: Final = (
    Command(
        "token",
        (Argument("[NAME #ROOM ... [read|write]]", rest=True, optional=True),),
        "let a bot in over HTTP; also list, #ROOM, revoke NAME",
        "/token deploy #dev write",
        _token,
        aliases=("tokens",),
        act=Act.LET_BOTS_IN,
    ),
)
"""The rows of the table."""
