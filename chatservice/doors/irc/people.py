"""What a client may know of a person, in the words of IRC; and of whom it may know."""

from collections.abc import Iterator

from chatservice.doors.irc.dialect import user_of
from chatservice.doors.irc.roster import signs
from chatservice.doors.irc.voice import IrcVoice
from chatservice.names import fold
from chatservice.people.person import Person
from chatservice.roles import Role
from chatservice.rooms.rights import Act, may
from chatservice.rooms.room import Room


def name_of(person: Person) -> str:
    """Return somebody's real name; the nickname of who has said none."""
    return person.card.name or person.nick


def is_admin(person: Person) -> bool:
    """Tell whether somebody is an admin: what IRC calls an operator."""
    return person.account is not None and person.account.role >= Role.ADMIN


def sees_all(irc: IrcVoice) -> bool:
    """Tell whether a client may know where everybody is."""
    lobby = irc.hub.rooms.lobby
    return may(irc.hub.rooms.role(irc.person, lobby), Act.ENTER_ANYWHERE, lobby.charter.modes)


def sees_addresses(irc: IrcVoice) -> bool:
    """Tell whether a client may know from where everybody comes."""
    lobby = irc.hub.rooms.lobby
    return may(irc.hub.rooms.role(irc.person, lobby), Act.SEE_ADDRESSES, lobby.charter.modes)


def around(irc: IrcVoice) -> Iterator[Person | None]:
    """Go through those who may be found without being named: who is in a room with the client.

    Everybody is as if with user mode +i; admins find everybody. None for who was found already.
    """
    if sees_all(irc):
        yield from irc.hub.people()
        return
    found = {irc.person}
    yield irc.person
    for name in [*irc.person.place.rooms]:
        room = irc.hub.rooms.find(name)
        for person in () if room is None else members(irc, room):
            yield None if person in found else person
            if person is not None:
                found.add(person)


def members(irc: IrcVoice, room: Room) -> Iterator[Person | None]:
    """Go through those who are in a room; None for who has gone meanwhile."""
    wearer = irc.hub.parts.nicks.wearer
    for nick in [*room.everybody()]:
        yield wearer(nick)


def flags(irc: IrcVoice, person: Person, room: Room | None) -> str:
    """Return how somebody is there, as WHO has it: ``H`` or ``G`` (gone), ``*`` for admins, and
    what it may do in a room.
    """
    away = "G" if person.away is not None else "H"
    admin = "*" if is_admin(person) else ""
    if room is None:
        return f"{away}{admin}"
    return f"{away}{admin}{signs(irc.hub, person, room, irc.has('multi-prefix'))}"


def user_host(irc: IrcVoice, person: Person) -> str:
    """Return where somebody comes from, as everybody may know it; see presence/cloaks.py."""
    return f"{user_of(person)}@{irc.hub.cloaks.of(person.inbox)}"


def is_own(irc: IrcVoice, nick: str) -> bool:
    """Tell whether a nickname is the client's."""
    return fold(nick) == fold(irc.person.nick)
