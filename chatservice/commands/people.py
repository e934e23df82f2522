"""What people type to know of others, and to let them know: who somebody is, who is away."""

from datetime import UTC, datetime
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.commands.command import NICK, PLACE, Argument, Command
from chatservice.durations import in_words
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.hub import Hub
from chatservice.names import fold
from chatservice.people.away import LONGEST
from chatservice.people.person import Person
from chatservice.roles import Role
from chatservice.rooms.rights import Act, may, on
from chatservice.rooms.room import Room
from chatservice.session import Session

_SHOWN: Final = 20
"""Rooms in common that /whois names."""

_NOT_TO_BOTS: Final = ("kick", "op")  # they are in no room, and do nothing but speak and read


# Who somebody is.


def _whois(session: Session, nick: str) -> None:
    hub, asker = session.hub, session.person
    bot = hub.accounts.find(nick)
    if bot is not None and bot.maker:
        maker = hub.accounts.of(bot.maker)
        by = "" if maker is None else f" of {maker.name}'s"
        hub.tell(asker, Kind.NOTICE, f"{bot.name} is a bot{by}, a program: see /who for where.")
        return
    person, here = hub.find(nick), hub.rooms.current(asker)
    role = hub.rooms.role(asker, here)
    everywhere = may(role, Act.ENTER_ANYWHERE, here.charter.modes)
    idle = in_words(hub.now() - person.active)
    lines = [f"{person.nick} is {_standing(hub, person, here)}."]
    if person.away is not None:
        since = in_words(hub.now() - person.away.since)
        lines.append(f"  away for {since}: {hub.presence.why(person, asker)}")
    if person.absent:
        lines.append("  has lost the connection and may come back")
    lines.append(f"  said nothing for {idle}, {'' if person.encrypted else 'not '}encrypted")
    rooms = [
        name for name in reversed(person.place.rooms) if everywhere or name in asker.place.rooms
    ]
    more = f" and {len(rooms) - _SHOWN:,} more" if len(rooms) > _SHOWN else ""
    what = "rooms" if everywhere or person is asker else "rooms in common"
    lines.append(f"  {what}: {' '.join(rooms[:_SHOWN]) or 'none'}{more}")
    if may(role, Act.SEE_ADDRESSES, here.charter.modes):
        lines.append(f"  address: {person.host or 'none'}")
    hub.tell(asker, Kind.NOTICE, *lines)


def _standing(hub: Hub, person: Person, room: Room) -> str:
    """Return what somebody is, to who looks at a room."""
    account = person.account
    name = "a guest" if account is None else f"logged in as {account.name}"
    role = hub.rooms.role(person, room)
    if role <= Role.USER or (role < Role.ADMIN and room.name not in person.place.rooms):
        return name
    return f"{name}, {role.label}" if role is Role.ADMIN else f"{name}, {role.label} in {room.name}"


def _seen(session: Session, nick: str) -> Deferred[None] | None:
    hub, asker = session.hub, session.person
    room = hub.rooms.current(asker)

    def tell(text: str) -> None:
        hub.tell(asker, Kind.NOTICE, text)

    def ago(at: float) -> str:
        at = min(at, hub.now())
        return f"{in_words(hub.now() - at)} ago ({datetime.fromtimestamp(at, UTC):%F %T} UTC)"

    def said(event: Event | None) -> None:
        if event is None or event.seq <= room.charter.floor:
            raise ChatError(
                Code.NO_SUCH_NICK, f"Nobody called {nick} was here lately: see /who for who is."
            )
        tell(f"{event.nick} last said something here {ago(event.at)}.")

    here = _here(hub, nick)
    if here is not None:
        away = (
            f", but away: {hub.presence.why(here, session.person)}" if here.away is not None else ""
        )
        known_as = "" if fold(here.nick) == fold(nick) else f" as {here.nick}"
        tell(f"{nick if known_as else here.nick} is here now{known_as}{away}.")
        return None
    last, account = hub.presence.last(nick), hub.accounts.find(nick)
    if account is not None and account.seen and (last is None or account.seen > last[1]):
        last = (account.name, account.seen)
    if last is not None:
        tell(f"{last[0]} was last here {ago(last[1])}.")
        return None
    return hub.past.last_said(room.name, nick).addCallback(said)


def _here(hub: Hub, nick: str) -> Person | None:
    """Return who wears a nickname, or is logged in to the account of that name."""
    try:
        return hub.find(nick)
    except ChatError:
        account = hub.accounts.find(nick)
        identity = None if account is None else account.identity
        return next((one for one in hub.people() if one.inbox == identity), None)


# What one may do to somebody.


def _may(session: Session, place: str, nick: str) -> None:
    hub, person = session.hub, session.person
    room, bot = hub.rooms.shown(person, place), hub.accounts.find(nick)
    role = hub.rooms.role(person, room)
    if bot is not None and bot.maker:
        name, other = bot.name, hub.rooms.role_of(bot, room)
    else:
        bot = None
        one = hub.find(nick)
        name, other = one.nick, hub.rooms.role(one, room)
    names = [
        act for act in on(role, room.charter.modes, other) if bot is None or act not in _NOT_TO_BOTS
    ]
    if person.program:
        text = " ".join(names)
        hub.answer(person, Event(0, hub.now(), room.name, Kind.MAY, name, text))
        return
    what = " ".join(f"/{act}" for act in names) or "nothing special"
    answer = f"You are {role.label} in {room.name} and may do to {name}: {what}"
    hub.tell(person, Kind.NOTICE, answer)


# Being away.


def _away(session: Session, text: str) -> None:
    hub, person = session.hub, session.person
    if text:
        hub.presence.leave(person, text)
        answer = "You are away. Who writes to you alone is told so, until you say something."
    elif person.away is None:
        answer = "You are not away: type /away and why, for example /away lunch."
    else:
        hub.presence.back(person)
        answer = "You are not away any more."
    hub.tell(person, Kind.NOTICE, answer)


ROWS: Final = (
    Command("whois", (NICK,), "who somebody is", "/whois bob", _whois),
    Command("may", (PLACE, NICK), "what you may do to somebody", "/may bob", _may),
    Command("seen", (NICK,), "when somebody was here last", "/seen bob", _seen),
    Command(
        "away",
        (Argument("TEXT", rest=True, optional=True, longest=LONGEST),),
        "say that you are away, or back",
        "/away lunch",
        _away,
    ),
)
"""The rows of the table."""
