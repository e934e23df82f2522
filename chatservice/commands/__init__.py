"""What people can type and programs can ask for: the table of commands, and how it is used.

A command is a row (command.py) in the module of its subject, beside its handler; the table
(table.py) gathers them, and /help is made from it. Doors call ``perform`` with a typed line, and
``fulfil`` with a program's request.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from chatservice.commands.table import BY_NAME, COMMANDS, find
from chatservice.commands.talking import say_there
from chatservice.errors import ChatError, Code
from chatservice.names import check_room
from chatservice.objects import Request
from chatservice.session import Session
from chatservice.text import MAX_LINE, clean

__all__ = ["COMMANDS", "address", "find", "fulfil", "perform", "refuse"]

_SECRET: Final = re.compile(r"\s+/(login|register|password)\b", re.IGNORECASE)
_NOT_SAID: Final = (
    "Not said, there may be a password in it: type the slash without a blank before it."
)
_ADDRESSED: Final = re.compile(r"(#\S+)\s+(\S.*)")


class Deed(NamedTuple):
    """What somebody wants to be done: a call, and how Session.do is to take it.

    :ivar program: whether it is answered in the form for programs, where there is one.
    """

    action: Callable[..., Deferred[None] | None]
    args: tuple[object, ...] = ()
    free: bool = False
    patient: bool = False
    program: bool = False


def perform(session: Session, line: str) -> None:
    """Take a line as somebody typed it: a command, or something to say.

    :param line: clean text, one line; an empty one does nothing.
    """
    deed = _typed(session, line)
    if deed is not None:
        session.do(deed.action, *deed.args, free=deed.free, patient=deed.patient)


def fulfil(session: Session, request: Request) -> None:
    """Do what a program asks for, which is told so when it is committed, or why it is not.

    The next request is not begun before that, so that it is clear which one is answered.

    :param request: a command by name, or with the name "line" what somebody might type.
    """
    try:
        deed = _asked(session, request) or Deed(_nothing)
    except ChatError as refusal:
        deed = Deed(refuse, (refusal,))
    session.do(_complete, session, deed, free=deed.free, patient=True)


def refuse(refusal: ChatError) -> None:
    """Be refused, in the place of something done."""
    raise refusal


def _typed(session: Session, line: str) -> Deed | None:
    if _SECRET.match(line):
        return Deed(refuse, (ChatError(Code.BAD_ARGUMENTS, _NOT_SAID),))
    if not line.startswith("/"):
        if (addressed := address(line)) is not None:
            return Deed(say_there, (session, *addressed))
        if line and not line.isspace():
            return Deed(session.hub.rooms.say, (session.person, line))
        return None
    if line.startswith("//"):
        return Deed(session.hub.rooms.say, (session.person, line[1:]))
    row = BY_NAME.get(line[1:].partition(" ")[0].lower())
    if row is None:
        return Deed(_perform, (session, line))
    return Deed(_perform, (session, line), row.free, row.patient)


def _asked(session: Session, request: Request) -> Deed | None:
    if request.do == "line":
        line = request.fields.get("line")
        if not isinstance(line, str):
            raise ChatError(Code.BAD_ARGUMENTS, 'Send {"do": "line", "line": "/who"}')
        if len(line) > MAX_LINE or len(clean(line).encode()) > MAX_LINE:
            raise ChatError(Code.LINE_TOO_LONG, f'"line" is longer than {MAX_LINE} bytes.')
        return _typed(session, clean(line))
    row = find(request.do)
    return Deed(row.handler, (session, *row.take(request.fields)), row.free, program=True)


def _complete(session: Session, deed: Deed) -> Deferred[None]:
    person = session.person
    person.stored = 0
    person.program = deed.program
    try:
        pending = deed.action(*deed.args)
    finally:
        person.program = False
    if pending is None:
        return session.hub.complete(person)
    return pending.addCallback(lambda _: session.hub.complete(person))


def _nothing() -> None:
    """Do what an empty line does."""


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
