"""What people can type: the table of commands, and how a typed line is taken.

A command is a row (command.py) in the module of its subject, beside its handler; the table
(table.py) gathers them, and /help is made from it. Doors call ``perform``.
"""

import re
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.commands.table import BY_NAME, COMMANDS, find
from chatservice.commands.talking import say_there
from chatservice.errors import ChatError
from chatservice.names import check_room
from chatservice.session import Session

__all__ = ["COMMANDS", "address", "find", "perform"]

_ADDRESSED: Final = re.compile(r"(#\S+)\s+(\S.*)")


def perform(session: Session, line: str) -> None:
    """Take a line as somebody typed it: a command, or something to say.

    :param line: clean text, one line; an empty one does nothing.
    """
    if not line.startswith("/"):
        if (addressed := address(line)) is not None:
            session.do(say_there, session, *addressed)
        elif line and not line.isspace():
            session.do(session.hub.rooms.say, session.person, line)
    elif line.startswith("//"):
        session.do(session.hub.rooms.say, session.person, line[1:])
    else:
        row = BY_NAME.get(line[1:].partition(" ")[0].lower())
        if row is None:
            session.do(_perform, session, line)
        else:
            session.do(_perform, session, line, free=row.free, patient=row.patient)


def _perform(session: Session, line: str) -> Deferred[None] | None:
    name, _, rest = line[1:].partition(" ")
    command = find(name)
    return command.handler(session, *command.parse(rest))


def address(line: str) -> tuple[str, str] | None:
    """Return room and text of a line like ``#dev hello``; None if it is of another form.

    What cannot be the name of a room addresses none: ``## a heading``, ``#!/bin/sh -e``.
    """
    found = _ADDRESSED.fullmatch(line)
    if found is None:
        return None
    try:
        return check_room(found[1]), found[2].rstrip()
    except ChatError:
        return None
