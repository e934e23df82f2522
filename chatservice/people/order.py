"""What people do and hear, each in its place in the log's order.

The log decides what comes when. Somebody's answers wait for what that person did before, and who
hears what changes at a point of the order, behind all that was said before it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.delivery.delivery import Delivery
from chatservice.delivery.later import Later
from chatservice.errors import ChatError
from chatservice.events import NAMING, Event, Kind
from chatservice.interfaces import ILog
from chatservice.meters import Meters
from chatservice.people.away import AWAY, Away
from chatservice.people.person import Person

BACK: Final = "You are not away any more, as you say something."

Result = TypeVar("Result")


NO_ASIDES: Final[Mapping[str, str]] = MappingProxyType({})

UNREAD: Final = -1
"""Instead of a room's head, if that cannot be read."""


class Order:
    """A log and the delivery of what it commits.

    :param now: the wall clock.
    :param lobby: the room that stands for the chat itself.
    :param meters: count what is refused.
    """

    _log = Logger()

    def __init__(
        self,
        log: ILog,
        delivery: Delivery,
        now: Callable[[], float],
        lobby: str,
        meters: Meters,
    ) -> None:
        self._meters = meters
        self._history = log
        self._delivery = delivery
        self._now = now
        self._lobby = lobby
        self._followers: list[Callable[[Person, Event], None]] = []

    def tell(
        self,
        person: Person,
        kind: Kind,
        *texts: str,
        code: str = "",
        request: str = "",
        aside: str = "",
    ) -> None:
        """Answer one person, with an event for each text, behind all that it has done before.

        :param code: of an error.
        :param request: which of the person's requests that refuses, see Person.request.
        :param aside: see Event.
        """
        told = {"code": code, "request": request, "aside": aside}
        self._in_turn(person, partial(self.tell_now, person, kind, *texts, **told))

    def answer(self, person: Person, *events: Event) -> None:
        """Answer one person in the form for programs; see tell."""
        self._in_turn(person, partial(self._delivery.tell, person.member, *events))

    def _in_turn(self, person: Person, tell: Callable[[], None]) -> None:
        if person.waiting and not self._history.trouble:
            self.at_this_point(person, tell)
        else:
            tell()

    def tell_now(
        self,
        person: Person,
        kind: Kind,
        *texts: str,
        code: str = "",
        request: str = "",
        aside: str = "",
    ) -> None:
        """Answer one person, at the point of the order that the log is at; see tell.

        :param aside: see Event.
        """
        nick = code if kind is Kind.ERROR else person.nick
        if kind is Kind.ERROR:
            self._meters.refuse(code)
        now = self._now()
        events = [
            Event(0, now, "", kind, nick, text, request, aside=aside) for text in texts or ("",)
        ]
        self._delivery.tell(person.member, *events)

    def cut(self, person: Person, refusal: ChatError) -> None:
        """Disconnect a person that may hear nothing more, not even what it was too slow for."""
        self._meters.refuse(refusal.code)
        word = Event(0, self._now(), "", Kind.ERROR, refusal.code, refusal.message)
        self._delivery.cut(person.member, word)

    def recall(self, person: Person, answer: Later) -> None:
        """Answer one person with what is made only when its turn comes.

        It stands behind all that was said before, not only by that person.
        """
        if self._history.trouble:
            self._delivery.recall(person.member, answer)
        else:
            self.at_this_point(person, self._delivery.recall, person.member, answer)

    def event(
        self,
        room: str,
        kind: Kind,
        person: Person,
        text: str = "",
        to: str = "",
        aside: str = "",
    ) -> Event:
        """Return what a person does now; who says something is not away."""
        now, lobby = self._now(), room == self._lobby and kind in NAMING
        if kind.kept:
            person.active = now
            if person.away is not None:
                self.away(person, None)
                self.tell(person, Kind.NOTICE, BACK, aside=AWAY)
        return Event(0, now, room, kind, person.nick, text, to, person.inbox, False, lobby, aside)

    def everywhere(
        self, rooms: Iterable[str], kind: Kind, person: Person, text: str = "", aside: str = ""
    ) -> list[Event]:
        """Return what a person does in several rooms at once: all at one time, by which doors that
        tell it once know it again.
        """
        events = [self.event(room, kind, person, text, aside=aside) for room in rooms]
        return [event._replace(at=events[0].at) for event in events]

    def follow(self, follower: Callable[[Person, Event], None]) -> None:
        """Call back with what people do in all their rooms at once, be they in any; see spread.

        :param follower: called with the person, and an event that is of no room.
        """
        self._followers.append(follower)

    def spread(
        self, person: Person, kind: Kind, text: str = "", asides: Mapping[str, str] = NO_ASIDES
    ) -> None:
        """Let a person do something in all its rooms at once.

        :param asides: see Event, for each room in which there is one, and under "" for whoever
            hears of it in none.
        """
        happened = self.everywhere(person.place.rooms, kind, person, text)
        if happened:
            told = [event._replace(aside=asides.get(event.room, "")) for event in happened]
            self.publish(person, *told)
        event = self.event("", kind, person, text, aside=asides.get("", ""))
        for follower in self._followers:
            follower(person, event)

    def away(
        self, person: Person, away: Away | None, reasons: Mapping[str, str] = NO_ASIDES
    ) -> None:
        """Let a person be away, or back (None), and its rooms know; not if it is so already.

        :param reasons: what they hear of why, as asides in spread.
        """
        before, person.away = person.away, away
        if (before is None) is not (away is None):
            self.spread(person, Kind.AWAY, "" if away is None else AWAY, reasons)

    def show(self, person: Person, event: Event) -> None:
        """Show one person alone what happens, behind all that it has done before."""
        self.at_this_point(person, self._delivery.tell, person.member, event)

    def show_now(self, person: Person, *events: Event) -> None:
        """Show one person alone what was committed just now."""
        self._delivery.tell(person.member, *events)

    def echo(self, person: Person, event: Event) -> None:
        """Show an event to who did it, as if it had been committed, and to nobody else."""

        def show(head: int) -> None:
            person.stored = head
            self._delivery.tell(person.member, event.numbered(head))

        self.keep(person, self._history.head(event.room)).addCallback(show)

    def check(self) -> None:
        """Ask whether something can be said now.

        :raises ChatError: if not.
        """
        self._history.check()

    def publish(self, person: Person, *events: Event) -> Deferred[Sequence[Event]]:
        """Commit what a person does; the person is told if that fails.

        :returns: fires with the events as they were committed; with none if they were not.
        """
        person.waiting += 1
        published = self._history.append(events).addCallbacks(
            self._published, self._unpublished, callbackArgs=(person,), errbackArgs=(person,)
        )
        person.last = None if published.called else published
        return published

    def at_this_point(self, person: Person, change: Callable[..., object], *args: object) -> None:
        """Change what a person hears at this point of the log's order, behind all said before."""
        self.keep(person, self._history.append(())).addBoth(lambda _: change(*args))

    def fence(self, person: Person) -> None:
        """Let a person's answers wait for what was done so far, by whomever."""
        self.keep(person, self._history.append(())).addBoth(lambda _: None)

    def keep(self, person: Person, pending: Deferred[Result]) -> Deferred[Result]:
        """Let a person's answers wait for something that is on its way through the log."""
        person.waiting += 1
        person.last = None

        def passed(result: Result) -> Result:
            person.waiting -= 1
            return result

        return pending.addBoth(passed)

    def hear(self, person: Person, room: str, until_read: bool = False) -> Deferred[int]:
        """Let a person hear a room from this point on; fires with the room's head.

        With UNREAD instead if that cannot be read; the person has been told so, and hears nothing.
        """

        def enter(head: int) -> int:
            self._delivery.enter(person.member, room, head, until_read)
            return head

        def failed(failure: Failure) -> int:
            self.refused(failure, person)
            return UNREAD

        head = self.keep(person, self._history.head(room))
        return head.addCallback(enter).addErrback(failed)

    def enter(
        self, person: Person, rooms: Iterable[str], news: Sequence[Event]
    ) -> Deferred[dict[str, int]]:
        """Let a person hear rooms from this point on, and the news first.

        :returns: fires behind the news with the rooms' heads before them, as far as they are known.
        """
        heads: dict[str, int] = {}

        def note(head: int, room: str) -> None:
            if head != UNREAD:
                heads[room] = head

        for room in rooms:
            self.hear(person, room).addCallback(note, room)
        entered = self.keep(person, self._history.append(news))
        return entered.addCallback(lambda _: heads)

    def switch(self, person: Person, room: str) -> None:
        """Tell a person which room is current, behind all that was said before this point.

        So it holds for who is not behind: a line said before is shown as before. Who reads slowly
        is told earlier, with other answers, and reads the rest with the rooms' names the other way
        round; each line is right as it stands, since the door reads the same answer.
        """
        self.at_this_point(person, partial(self.tell_now, person, Kind.SWITCHED, room))

    def exit(self, person: Person, room: str) -> None:
        """Let a person hear no more of a room from this point on."""
        self.at_this_point(person, self._delivery.exit, person.member, room)

    def complete(self, person: Person) -> Deferred[None]:
        """Tell a person, behind all that it has done, that its request is done and committed.

        :returns: fires when it is told, or there is nobody left to be told.
        """
        done: Deferred[None] = Deferred()
        request = person.request

        def tell(result: object = None) -> object:
            if not person.departed:
                now, seq = self._now(), person.stored
                event = Event(seq, now, "", Kind.DONE, person.nick, to=request)
                self._delivery.tell(person.member, event)
            done.callback(None)
            return result

        if person.last is not None:  # what was said is the last of it: no fence is needed
            person.last.addBoth(tell)
        elif person.waiting:
            self.at_this_point(person, tell)
        else:
            tell()
        return done

    def present(self, person: Person, room: str) -> Deferred[int]:
        """Return the number of the last line of a room that comes before an answer given now."""
        ends = self._delivery.ends(person.member)
        if person.waiting or room not in ends:
            return self._history.head(room)
        return succeed(ends[room])

    def _published(self, events: Sequence[Event], person: Person) -> Sequence[Event]:
        person.waiting -= 1
        person.last = None
        for event in events:
            if event.kind.kept and event.kind is not Kind.RECORDED:
                person.stored = event.seq
        return events

    def _unpublished(self, failure: Failure, person: Person) -> Sequence[Event]:
        person.waiting -= 1
        person.last = None
        self.refused(failure, person)
        return ()

    def refused(self, failure: Failure, person: Person) -> int:
        """Tell a person what the log did not do; nothing (0) is known then."""
        refusal = failure.value
        if isinstance(refusal, ChatError):
            text, code = refusal.message, refusal.code
            self.tell_now(person, Kind.ERROR, text, code=code, request=person.request)
        else:
            self._log.failure("the log failed", failure=failure)
        return 0
