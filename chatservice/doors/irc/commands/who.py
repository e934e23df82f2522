"""WHO: who is in a room, or who fits a mask of those that the client may find.

RFC 1459 section 4.5.1 by modern.ircdocs.horse, and ircv3.net/specs/extensions/whox:

    WHO #room         WHO bob         WHO b*         WHO #room %tnf,42
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.dialect import user_of
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.masks import is_mask, matches
from chatservice.doors.irc.message import Message, word
from chatservice.doors.irc.pages import tell
from chatservice.doors.irc.people import around, flags, is_admin, members, name_of, user_host
from chatservice.names import fold, is_room
from chatservice.people.person import Person
from chatservice.rooms.room import Room

FIELDS: Final = "tcuihsnfdlaor"
"""What a client may ask for by WHOX, in the order in which it is answered."""

NO_ADDRESS: Final = "255.255.255.255"
"""Instead of anybody's address (WHOX)."""

_TOKEN: Final = re.compile("[0-9]{1,3}")


class _Form(NamedTuple):
    """How to answer.

    :ivar fields: of FIELDS, which; "" for RPL_WHOREPLY.
    :ivar token: given back with them.
    :ivar admins: whether nobody else is asked for.
    """

    fields: str
    token: str
    admins: bool


def _who(irc: IrcClient, message: Message) -> Deferred[None] | None:
    asked = message.params[0] if message.params and message.params[0] else "*"
    form = _read(message.params[1] if len(message.params) > 1 else "")
    return tell(irc, _lines(irc, asked, form))


def _read(options: str) -> _Form:
    before, _, after = options.partition("%")
    fields, _, token = after.partition(",")
    fields = "".join(field for field in FIELDS if field in fields)
    return _Form(fields, token if _TOKEN.fullmatch(token) else "0", "o" in before)


def _lines(irc: IrcClient, asked: str, form: _Form) -> Iterator[str]:
    room, people = _found(irc, asked)
    for person in people:
        if person is None or not person.nick or (form.admins and not is_admin(person)):
            yield ""
        else:
            yield _line(irc, form, person, room)
    yield irc.numbered(n.RPL_ENDOFWHO, word(asked), "End of WHO list")


def _found(irc: IrcClient, asked: str) -> tuple[Room | None, Iterator[Person | None]]:
    """Return who is asked for, and the room if it is one; None for who is left out."""
    if is_room(asked):
        room = irc.hub.rooms.find(fold(asked))
        if room is None or not irc.hub.rooms.sees(irc.person, room):
            return None, iter(())
        return room, members(irc, room)
    if asked in ("*", "0"):
        return None, around(irc)
    if not is_mask(asked):
        wearer = irc.hub.parts.nicks.wearer(asked)
        return None, iter([wearer])
    fits = _fitting(irc, fold(asked))
    return None, (one if one is not None and fits(one) else None for one in around(irc))


def _fitting(irc: IrcClient, mask: str) -> Callable[[Person], bool]:
    """Return what tells whether somebody fits a mask: by nickname, user or real name, or as
    ``nick!user@host``.
    """
    if "!" in mask or "@" in mask:
        mask = mask if "!" in mask else f"*!{mask}"
        return lambda one: matches(mask, f"{fold(one.nick)}!{user_host(irc, one).lower()}")
    return lambda one: (
        matches(mask, fold(one.nick))
        or matches(mask, user_of(one).lower())
        or matches(mask, fold(name_of(one)))
    )


def _line(irc: IrcClient, form: _Form, person: Person, room: Room | None) -> str:
    where = "*" if room is None else room.name
    user, _, host = user_host(irc, person).partition("@")
    if not form.fields:
        return irc.numbered(
            *(n.RPL_WHOREPLY, where, user, host, irc.server, person.nick),
            *(flags(irc, person, room), f"0 {name_of(person)}"),
        )
    account = "0" if person.account is None else person.account.name
    idle = max(0, int(irc.hub.now() - person.active))
    known = {
        "t": form.token,
        "c": where,
        "u": user,
        "i": NO_ADDRESS,
        "h": host,
        "s": irc.server,
        "n": person.nick,
        "f": flags(irc, person, room),
        "d": "0",
        "l": str(idle),
        "a": account,
        "o": "n/a",
        "r": name_of(person),
    }
    return irc.numbered(n.RPL_WHOSPCRPL, *(known[field] for field in form.fields))


ROWS: Final = (Row("WHO", _who, asks=9),)
"""The rows of the table."""
