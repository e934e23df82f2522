"""One connection's state over a hub: who it is, and what it may do in that state.

Doors call it with what a person wants; it calls the hub. Every refusal is told to the person here,
and every limit is kept here, so that no door can forget to.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import Final

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.errors import ChatError, Code, Expelled
from chatservice.events import Kind
from chatservice.hub import Hub
from chatservice.interfaces import IMember
from chatservice.people.person import Person
from chatservice.text import MAX_LINE

_NOTHING: Final[deque[Callable[[], None]]] = deque()  # shared: an empty one costs 0.7 KiB

PATIENCE: Final = 5.0
"""Seconds that a person's next line waits for what takes its time (a disk may hang for ever)."""


class State(Enum):
    """Where a connection stands."""

    CONNECTED = auto()  # has no nickname
    CLAIMING = auto()  # has offered one and waits for the answer
    JOINED = auto()  # is in the chat
    LEFT = auto()  # is out again, whether or not the connection still stands


class Step(Enum):
    """What moves a connection from state to state."""

    CLAIM = auto()
    REFUSED = auto()
    ACCEPTED = auto()
    LEAVE = auto()


TRANSITIONS: Final = {
    (State.CONNECTED, Step.CLAIM): State.CLAIMING,
    (State.CLAIMING, Step.REFUSED): State.CONNECTED,
    (State.CLAIMING, Step.ACCEPTED): State.JOINED,
    (State.CONNECTED, Step.LEAVE): State.LEFT,
    (State.CLAIMING, Step.LEAVE): State.LEFT,
    (State.JOINED, Step.LEAVE): State.LEFT,
}
"""Every step there is. Whatever is not here does not happen: it is a mistake in the program."""


class Session:
    """What a door holds for each connection.

    :param hub: the chat.
    :param member: the door's side of the connection.

    :ivar expelled: whether it was made to leave.
    """

    _log = Logger()

    __slots__ = ("_hanging_up", "_idle", "_later", "expelled", "hub", "person", "state")

    def __init__(self, hub: Hub, member: IMember) -> None:
        self.hub = hub
        self.person: Person = hub.connect(member)
        self.state = State.CONNECTED
        self.expelled = False
        self._idle: Deferred[None] | None = None  # while something takes its time: fires then
        self._later = _NOTHING  # waits for that
        self._hanging_up = False

    @property
    def nick(self) -> str:
        """The nickname worn; "" while there is none."""
        return self.person.nick

    def admit(self, host: str | None, encrypted: bool = False) -> bool:
        """Count the connection for its address, once that is known.

        :param host: the peer's IP address; None for peers without one.
        :param encrypted: whether nobody between can read what is said on it.
        :returns: False if it may not stay; it has then been told why and is being disconnected.
        """
        try:
            self.hub.admit(self.person, host, encrypted)
        except ChatError as refusal:
            self.hub.meters.turn_away(refusal.code)
            self.expel(refusal)
            return False
        return True

    def ask(self) -> None:
        """Ask the person for a nickname."""
        self.hub.tell(self.person, Kind.PROMPT)

    def claim(self, text: str) -> Deferred[None]:
        """Offer a nickname and, if it is accepted, enter the chat.

        :returns: fires when the person is in or has gone meanwhile. Fails with NickRefused when
            another should be offered.
        """
        try:
            if self.person.quota is not None:
                self.person.quota.spend_claim()
        except ChatError as refusal:
            return fail(refusal)
        self._step(Step.CLAIM)
        claimed = self.hub.arrivals.claim(self.person, text)
        return claimed.addCallbacks(self._accepted, self._refused)

    def do(
        self,
        action: Callable[..., Deferred[None] | None],
        *args: object,
        free: bool = False,
        patient: bool = False,
    ) -> None:
        """Do something for the person if that is within the limits; say so if it is refused.

        What takes its time is finished before the next is begun, so that answers keep their order.

        :param action: raises ChatError, or fails with it, for what the person should be told.
        :param free: whether it counts for no limit, as leaving does.
        :param patient: whether the next may have to wait for longer than PATIENCE.
        """
        if self._idle is not None:
            self.in_turn(lambda: self.do(action, *args, free=free, patient=patient))
            return
        if self.state is not State.JOINED or self.person.departed:
            return
        try:
            if self.person.quota is not None and not free:
                self.person.quota.spend()
            pending = action(*args)
        except Expelled as refusal:
            self.expel(refusal)
        except ChatError as refusal:
            self.refuse(refusal)
        except Exception:
            self._broken(Failure())
        else:
            if pending is not None:
                pending.addErrback(self._told)
                if not pending.called or pending.paused:  # or many would be done one in another
                    self._wait_for(pending, patient)

    def in_turn(self, call: Callable[..., None], *args: object) -> None:
        """Call as soon as all that was to be done before is finished; for doors.

        What the person has done so far may change what its next line is: /json does.
        """
        if self._idle is None:
            call(*args)
            return
        if self._later is _NOTHING:
            self._later = deque()
        self._later.append(lambda: call(*args))

    def idle(self) -> Deferred[None] | None:
        """Return what fires when nothing takes its time any more; None if nothing does now."""
        if self._idle is None:
            return None
        waiting: Deferred[None] = Deferred()
        self._idle.chainDeferred(waiting)
        return waiting

    def _wait_for(self, pending: Deferred[None], patient: bool) -> None:
        idle = self._idle = Deferred()

        def go_on(_: object = None) -> None:
            if timer is not None and timer.active():
                timer.cancel()
            if self._idle is idle:
                self._go_on()

        clock = self.hub.clock
        timer = None if patient or clock is None else clock.callLater(PATIENCE, go_on)
        pending.addBoth(go_on)

    def _go_on(self) -> None:
        idle, self._idle = self._idle, None
        while self._later and self._idle is None:
            self._later.popleft()()
        if self._idle is not None:  # the next one takes its time, too
            if idle is not None:
                self._idle.chainDeferred(idle)
            return
        if self._hanging_up:
            self._go(self.hub.departures.hang_up)
        if idle is not None:
            idle.callback(None)

    def too_long(self) -> None:
        """Answer a line that was too long to be taken; it counts as one all the same."""
        self.do(self._too_long)

    def refuse(self, refusal: ChatError) -> None:
        """Tell the person why something was not done."""
        self.person.refused = refusal.message
        text, code = refusal.message, refusal.code
        self.hub.tell(self.person, Kind.ERROR, text, code=code, request=self.person.request)

    def expel(self, refusal: ChatError) -> None:
        """Tell the person why it cannot stay, and disconnect it."""
        self.refuse(refusal)
        self.expelled = True
        self._later.clear()
        self.leave()

    def leave(self, reason: str = "") -> None:
        """Leave in good order: everything up to here is delivered, then the connection closed.

        :param reason: what the person says of that.
        """
        self._go(partial(self.hub.departures.leave, reason=reason))

    def hang_up(self) -> None:
        """Take note that the person says no more, for whatever reason; as leave otherwise."""
        if self._idle is None:
            self._go(self.hub.departures.hang_up)
        else:
            self._hanging_up = True

    def _go(self, how: Callable[[Person], None]) -> None:
        if self.state is not State.LEFT:
            self._step(Step.LEAVE)
            how(self.person)

    def lost(self) -> None:
        """Take note that the connection is gone; what it still had to say is said."""
        while self._later:
            self._idle = None  # nobody waits for answers any more
            self._later.popleft()()
        self._idle = None
        if self.state is not State.LEFT:
            self._step(Step.LEAVE)
        self.hub.departures.lost(self.person)

    def _too_long(self) -> None:
        raise ChatError(
            Code.LINE_TOO_LONG,
            f"That line is longer than {MAX_LINE} bytes and was not sent: make it shorter.",
        )

    def _step(self, step: Step) -> None:
        try:
            self.state = TRANSITIONS[self.state, step]
        except KeyError:
            raise RuntimeError(f"no {step.name} while {self.state.name}") from None

    def _accepted(self, nick: str) -> None:
        if self.state is State.LEFT:  # gone while the answer was on its way
            self.hub.arrivals.unclaim(self.person, nick)
            return
        self._step(Step.ACCEPTED)
        self.hub.arrivals.enter(self.person, nick)

    def _refused(self, failure: Failure) -> Failure | None:
        if self.state is State.LEFT:
            return None
        self._step(Step.REFUSED)
        if isinstance(failure.value, ChatError):
            try:
                if self.person.quota is not None:
                    self.person.quota.refused_nick()
            except Expelled as refusal:
                self.refuse(failure.value)
                self.expel(refusal)
                return None
        return failure

    def _told(self, failure: Failure) -> None:
        if isinstance(failure.value, Expelled):
            self.expel(failure.value)
        elif isinstance(failure.value, ChatError):
            self.refuse(failure.value)
        else:
            self._broken(failure)

    def _broken(self, failure: Failure) -> None:
        self._log.failure("a command failed", failure=failure)
        self.refuse(ChatError(Code.INTERNAL, "That went wrong here, not with you: try again."))
