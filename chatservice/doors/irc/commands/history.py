"""What clients say to look back: CHATHISTORY (ircv3.net/specs/extensions/chathistory).

    CHATHISTORY LATEST <target> <* | selector> <limit>
    CHATHISTORY BEFORE | AFTER | AROUND <target> <selector> <limit>
    CHATHISTORY BETWEEN <target> <selector> <selector> <limit>
    CHATHISTORY TARGETS <timestamp> <timestamp> <limit>

A selector is ``timestamp=`` or ``msgid=``; what it selects is left out, but for AROUND. Who may see
what is decided where /history asks, too.
"""

import re
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatservice.commands.past import view_of
from chatservice.delivery.excerpts import NEWEST, Excerpts, Span, View
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.dialect import message_id
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.lookback import Refused, Request, Selector, read_request
from chatservice.doors.irc.message import Message, word, write
from chatservice.doors.irc.times import milliseconds, since, timestamp
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.names import check_nick, is_room
from chatservice.resume import OWN

VERB: Final = "CHATHISTORY"

_IN_ROOM: Final = re.compile(r"(.+)/([0-9]{1,15})")
_IN_PRIVATE: Final = re.compile(r"@([0-9]{1,14})-\w+", re.ASCII)

Find = Callable[[], Coroutine[Deferred[object], None, list[str]]]


class Bounds(NamedTuple):
    """Where a selector stands in a log.

    :ivar first: the number of the first line that it selects, or of the next behind it.
    :ivar last: the number of the last that it selects, or of the one before it.
    """

    first: int
    last: int


def _chathistory(irc: IrcClient, message: Message) -> Deferred[None] | None:
    try:
        request = read_request(message.params)
        if request.sub == "TARGETS":
            return _tell(irc, partial(_targets, irc, request), request)
        view = _view(irc, request)
    except Refused as refused:
        irc.fail(VERB, refused.code, *refused.params)
        return None
    look = _Look(irc.hub.excerpts, view, request)

    def found(head: int) -> Deferred[None]:
        return _tell(irc, partial(_messages, irc, look, head), request)

    def unknown(failure: Failure) -> None:
        failure.trap(ChatError)
        irc.fail(VERB, *_failed(request, str(failure.value)))

    return irc.hub.present(irc.person, view.log).addCallbacks(found, unknown)


def _view(irc: IrcClient, request: Request) -> View:
    """Return where to look.

    :raises Refused: if there is no such place, or none for this person: nobody is told which.
    """
    target = request.target
    try:
        if not is_room(target):
            check_nick(target)
            target = f"{OWN}{target}"
        view = view_of(irc.session, target)
    except ChatError:
        problem = "Messages could not be retrieved: JOIN that room, or name somebody"
        about = (request.sub, word(request.target))
        raise Refused("INVALID_TARGET", *about, problem) from None
    return view.but(irc.hub.preferences.shows(irc.person))


def _tell(irc: IrcClient, find: Find, request: Request) -> Deferred[None]:
    """Tell a client what is found once its turn has come; there, too, that it cannot be."""

    async def told() -> list[Event]:
        try:
            lines = await find()
        except ChatError as refusal:
            irc.hub.meters.refuse(refusal.code)
            lines = [write("FAIL", VERB, *_failed(request, refusal.message), source=irc.server)]
        now = irc.hub.now()
        return [Event(0, now, "", Kind.WIRE, "", line) for line in lines]

    return irc.hub.excerpts.tell(irc.person.member, told)


def _failed(request: Request, why: str) -> tuple[str, ...]:
    return ("MESSAGE_ERROR", request.sub, word(request.target), why)


async def _messages(irc: IrcClient, look: "_Look", head: int) -> list[str]:
    events = await look.find(head)
    lines = [line for event in events for line in irc.lines.lines(event.retold())]
    return irc.batched("chathistory", lines, look.request.target)


async def _targets(irc: IrcClient, request: Request) -> list[str]:
    """Return rooms and people by their last messages, if these are in some span of time."""
    one, two = (selector.at or 0 for selector in request.selectors)
    low, high = min(one, two), max(one, two)
    last: list[tuple[float, str]] = []
    for name, event in await _last_messages(irc, low):
        if low < milliseconds(event.at) < high:
            last.append((event.at, name))
    last.sort()
    some = last[: request.most] if one <= two else last[-request.most :]
    source = irc.server
    lines = [write(VERB, "TARGETS", name, timestamp(at), source=source) for at, name in some]
    return irc.batched("draft/chathistory-targets", lines)


async def _last_messages(irc: IrcClient, low: int) -> list[tuple[str, Event]]:
    """Return the last message in each room, and with everybody since some time."""
    excerpts, shows = irc.hub.excerpts, irc.hub.preferences.shows(irc.person)
    found: list[tuple[str, Event]] = []
    for name in [*irc.person.place.rooms]:
        try:
            view = view_of(irc.session, name).but(shows)
            lines = await excerpts.lines(view, Span(0, NEWEST, 1, newest=True))
        except ChatError:  # out of it by now, or nothing but what is not to be shown
            continue
        found += [(name, event) for event in lines]
    inbox = view_of(irc.session, OWN).but(shows)
    first = await excerpts.first_since(inbox.log, since(low + 1))
    partners = await excerpts.partners(inbox, first - 1)
    return [*found, *partners.items()]


class _Look:
    """A look for some messages.

    :param view: where, and what may be seen.
    """

    def __init__(self, excerpts: Excerpts, view: View, request: Request) -> None:
        self.request = request
        self._excerpts = excerpts
        self._view = view

    async def find(self, head: int) -> list[Event]:
        """Return the messages, oldest first.

        :param head: the number of the last that comes before the answer.
        :raises ChatError: if they cannot be read, or not found.
        """
        end, most = head + 1, self.request.most
        bounds = [await self._bounds(selector) for selector in self.request.selectors]
        match self.request.sub, bounds:
            case "AROUND", [middle]:
                return await self._excerpts.around(self._view, middle.first, end, most)
            case "BEFORE", [one]:
                span = Span(0, min(one.first, end), most, newest=True)
            case "AFTER", [one]:
                span = Span(one.last, end, most, newest=False)
            case "BETWEEN", [one, two] if one.first <= two.first:
                span = Span(one.last, min(two.first, end), most, newest=False)
            case "BETWEEN", [one, two]:
                span = Span(two.last, min(one.first, end), most, newest=True)
            case _, [one]:
                span = Span(one.last, end, most, newest=True)
            case _:
                span = Span(0, end, most, newest=True)
        return await self._excerpts.lines(self._view, span)

    async def _bounds(self, selector: Selector) -> Bounds:
        at = selector.at
        if at is None:
            if is_room(self._view.log):
                return self._numbered(selector.id)
            form = _IN_PRIVATE.fullmatch(selector.id)
            if form is None:
                raise _unknown(selector.id)
            at = int(form[1])
            said = await self._excerpts.find(
                self._view.log,
                *(since(max(at - 1, 0)), since(at + 2)),
                lambda event: message_id(event) == selector.id,
            )
            if said is not None:
                return Bounds(said.seq, said.seq)
        first = await self._excerpts.first_since(self._view.log, since(at))
        return Bounds(first, await self._excerpts.first_since(self._view.log, since(at + 1)) - 1)

    def _numbered(self, name: str) -> Bounds:
        form = _IN_ROOM.fullmatch(name)
        if form is None or f"#{form[1]}" != self._view.log:
            raise _unknown(name)
        return Bounds(int(form[2]), int(form[2]))


def _unknown(name: str) -> ChatError:
    return ChatError(Code.BAD_ARGUMENTS, f"There is no message {word(name)} there")


ROWS: Final = (Row(VERB, _chathistory, asks=9),)
"""The rows of the table."""
