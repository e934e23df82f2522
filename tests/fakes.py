"""What stands in for doors, clocks and stores in the tests of the core.

A Member keeps what it is given and can be told to stop reading; Guests are members with a session,
all in one Chat with a clock of its own; the logs fail or take their time when they are told to.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, cast

from argon2 import PasswordHasher
from hypothesis import settings
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from chatservice.accounts.accounts import ACCOUNT
from chatservice.accounts.passwords import Passwords
from chatservice.commands import perform
from chatservice.delivery.delivery import Delivery
from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.hub import Hub
from chatservice.interfaces import IBatch, IClock, ILog, IRecords, IThreads, ITickets, Value
from chatservice.limits import UNLIMITED, Limits
from chatservice.meters import Meters
from chatservice.names import fold
from chatservice.people.person import Person, Policy
from chatservice.plain import render
from chatservice.roles import Role
from chatservice.session import Session
from chatservice.store.memory import MemoryLog, MemoryRecords, MemoryTickets
from chatservice.taste import Taste
from tests import examples

NOW = 1_700_000_000.0

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hashes passwords at once, and badly."""

FEW: Final = 4096
"""Iterations of verifiers that are made at once."""


def cheap(hasher: PasswordHasher = CHEAP, threads: IThreads | None = None) -> Passwords:
    """Return what makes and checks hashes at once, and badly."""
    return Passwords(hasher, threads, FEW)


WORD: Final = "one and the same word"
"""A password."""

quick = settings(max_examples=examples(100))
"""For properties: fast, and without files."""


class Lines:
    """A dialect: a plain line for each event. It counts how often it is asked for each."""

    def __init__(self, stamped: bool = False, elsewhere: bool = False) -> None:
        self.encoded: Counter[Event] = Counter()
        self.stamped = stamped
        self.elsewhere = elsewhere

    def encode(self, event: Event) -> bytes:
        self.encoded[event] += 1
        line = render(event, self.stamped, self.elsewhere)
        return f"{line}\n".encode() if line else b""


LINES = Lines()
STAMPED_LINES = Lines(stamped=True)
FROM_ELSEWHERE = Lines(elsewhere=True)


class Member:
    """Somebody to deliver to.

    :ivar here: the room whose lines are not named; None if no lines are.
    :ivar taste: what it chooses to see; events has all, given has what is shown of it.
    :ivar given: room and bytes of each batch, in order.
    :ivar calls: how often it was given something.
    :ivar events: the events of all batches, in order.
    :ivar stalled: whether it holds what it is given from now on.
    :ivar holding: whether it holds something.
    :ivar broken: whether its deliver raises.
    :ivar wrongs: what was done to it against the contract of IMember.
    """

    def __init__(self, dialect: Lines = LINES) -> None:
        self.dialect = dialect
        self.here: str | None = None
        self.taste: Taste | None = None
        self.given: list[tuple[str, bytes]] = []
        self.events: list[Event] = []
        self.stalled = self.holding = self.broken = False
        self.disconnects = self.aborts = 0
        self.wrongs: list[str] = []
        self.calls = 0
        self.spend: Callable[[], None] = lambda: None

    def deliver(self, batch: IBatch) -> bool:
        return self.deliver_all([batch])

    def deliver_all(self, batches: Sequence[IBatch]) -> bool:
        self.spend()
        if self.broken:
            raise RuntimeError("this member is broken")
        if self.disconnects:
            self.wrongs.append("given something after disconnect")
        for batch in batches:
            if self.holding and batch.room:
                self.wrongs.append(f"given a batch of {batch.room} while it holds a rest")
            if self.taste is not None:
                data = b"".join(map(self._encode_to_taste, batch.events))
            elif batch.room:
                data = batch.encoded(self._dialect(batch.room))
            else:
                data = b"".join(map(self._encode_answer, batch.events))
            self.given.append((batch.room, data))
            self.events += batch.events
        self.calls += 1
        if self.taste is None or any(data for _, data in self.given[-len(batches) :]):
            self.holding = self.stalled
        return not self.holding

    def _encode_to_taste(self, event: Event) -> bytes:
        if self.taste is None or not self.taste.concerns(event):
            return self._encode_answer(event)
        return b"" if self.taste.hides(event) else b"\a" + self._encode_answer(event)

    def _encode_answer(self, event: Event) -> bytes:
        if event.kind is Kind.SWITCHED:
            self.here = event.text
        return self._dialect(event.room).encode(event)

    def _dialect(self, room: str) -> Lines:
        return self.dialect if self.here in (room, None) else FROM_ELSEWHERE

    def stamp(self, on: bool) -> None:
        self.dialect = STAMPED_LINES if on else LINES

    def speak_json(self, on: bool) -> None:
        """It has no wire."""

    def prefer(self, taste: Taste | None) -> None:
        self.taste = taste

    def disconnect(self) -> None:
        self.disconnects += 1

    def abort(self) -> None:
        self.aborts += 1

    def lines(self, room: str | None = None) -> list[str]:
        """Every line it got, or every line of one room; "" for answers."""
        got = b"".join(data for where, data in self.given if room is None or where == room)
        return got.decode().split("\n")[:-1]


class SlowLog(MemoryLog):
    """Commits when it is told to, and answers questions when it is told to.

    :ivar slow: whether it takes its time from now on. Nothing overtakes what waits already.
    """

    def __init__(self, capacity: int = 16 << 20) -> None:
        super().__init__(capacity)
        self.slow = False
        self._appended: list[Callable[[], object]] = []
        self._asked: list[Callable[[], object]] = []

    def append(self, events: Sequence[Event]) -> Deferred[Sequence[Event]]:
        if not self.slow and not self._appended:
            return super().append(events)
        committed: Deferred[Sequence[Event]] = Deferred()
        self._appended.append(lambda: super(SlowLog, self).append(events).chainDeferred(committed))
        return committed

    def head(self, room: str) -> Deferred[int]:
        if not self.slow and not self._appended:
            return super().head(room)
        answer: Deferred[int] = Deferred()
        self._appended.append(lambda: super(SlowLog, self).head(room).chainDeferred(answer))
        return answer

    def after(self, room: str, seq: int, limit: int) -> Deferred[Sequence[Event]]:
        if not self.slow:
            return super().after(room, seq, limit)
        answer: Deferred[Sequence[Event]] = Deferred()
        page = super().after(room, seq, limit)
        self._asked.append(lambda: page.chainDeferred(answer))
        return answer

    def reopened(self) -> "SlowLog":
        """Return the same log as a new process finds it: with what was committed, and no more."""
        log = SlowLog()
        for event in [event for room in self._rooms.values() for event in room.events]:
            log.append([event])
        return log

    @property
    def asked(self) -> int:
        """How many questions wait for an answer."""
        return len(self._asked)

    def commit(self, count: int | None = None) -> None:
        """Commit what was appended first, or everything; unless slow, what follows from it, too."""
        for _ in self._appended[:count]:
            self._appended.pop(0)()
        if self._appended and count is None and not self.slow:
            self.commit()

    def answer(self) -> None:
        """Answer every question so far, as of when it was asked."""
        asked, self._asked = self._asked, []
        for give in asked:
            give()


class SlowRecords(MemoryRecords):
    """Commits changes when it is told to.

    :ivar slow: whether it takes its time from now on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slow = False
        self._wanted: list[Callable[[], object]] = []

    def change(
        self, kind: str, key: str, how: Callable[[Value | None], Value | None]
    ) -> Deferred[Value | None]:
        if not self.slow:
            return super().change(kind, key, how)
        made: Deferred[Value | None] = Deferred()
        self._wanted.append(
            lambda: super(SlowRecords, self).change(kind, key, how).chainDeferred(made)
        )
        return made

    def commit(self) -> None:
        """Commit the change that was wanted first."""
        if self._wanted:
            self._wanted.pop(0)()


class FailingLog(MemoryLog):
    """Commits nothing that is to be kept while ``failing`` is set.

    :ivar failing: with what it fails; None while it does not.
    """

    failing: Exception | None = None

    def append(self, events: Sequence[Event]) -> Deferred[Sequence[Event]]:
        if self.failing is not None and any(event.kind.kept for event in events):
            return fail(self.failing)
        return super().append(events)

    def after(self, room: str, seq: int, limit: int) -> Deferred[Sequence[Event]]:
        return super().after(room, seq, limit) if self.failing is None else fail(self.failing)

    def close(self) -> Deferred[None]:
        return super().close() if self.failing is None else fail(self.failing)


NOT_STORED = ChatError(Code.NOT_STORED, "The disk is full: try again later.")


class SlowHub(Hub):
    """Decides about nicknames when it is told to, as one that has to ask elsewhere first."""

    slow = True

    def __init__(self, log: ILog, clock: IClock | None = None) -> None:
        super().__init__(log, clock, now=lambda: NOW, policy=Policy(UNLIMITED))
        self._undecided: list[Callable[[], object]] = []
        self._at_once = self.arrivals._claim_nick
        self.arrivals._claim_nick = self._claim_nick  # type: ignore[method-assign]

    def _claim_nick(self, person: Person, text: str) -> Deferred[str]:
        decision = self._at_once(person, text)
        if not self.slow:
            return decision
        decided: Deferred[str] = Deferred()
        self._undecided.append(lambda: decision.chainDeferred(decided))
        return decided

    def decide(self) -> None:
        """Answer every claim so far."""
        undecided, self._undecided = self._undecided, []
        for answer in undecided:
            answer()


class Guest(Member):
    """Somebody in a Chat, who remembers what was heard already."""

    def __init__(self, chat: "Chat", host: str | None = None) -> None:
        super().__init__()
        self.here = chat.hub.rooms.lobby.name
        self.chat = chat
        self._heard = 0
        self.session = Session(chat.hub, self)
        self.admitted = self.session.admit(host)

    @property
    def nick(self) -> str:
        return self.session.nick

    @property
    def person(self) -> Person:
        return self.session.person

    def claims(self, nick: str) -> Deferred[None]:
        """Offer a nickname and wait for the end of the turn."""
        claimed = self.session.claim(nick)
        self.chat.turn()
        return claimed

    def types(self, *lines: str) -> None:
        """Type lines and wait for the end of the turn."""
        for line in lines:
            perform(self.session, line)
        self.chat.turn()

    def hears(self) -> list[str]:
        """Return the lines that came since this was asked last."""
        lines = self.lines()
        new, self._heard = lines[self._heard :], len(lines)
        return new

    def reads(self) -> None:
        """Take everything that it holds."""
        self.stalled = self.holding = False
        self.chat.hub.delivery.drained(self)
        self.chat.turn()

    def goes(self) -> None:
        """Lose the connection."""
        self.session.lost()
        self.chat.turn()

    def abort(self) -> None:
        super().abort()
        self.session.lost()


class Chat:
    """A hub with a clock and a log.

    :ivar time: what the wall clock shows.
    """

    time = NOW

    def __init__(
        self,
        log: MemoryLog | None = None,
        limits: Limits = UNLIMITED,
        policy: Policy | None = None,
        tickets: ITickets | None = None,
        records: IRecords | None = None,
    ) -> None:
        self.clock = Clock()
        self.log = MemoryLog() if log is None else log
        self.tickets = MemoryTickets(lambda: NOW) if tickets is None else tickets
        self.records = MemoryRecords() if records is None else records
        self.hub = self.make_hub(Policy(limits) if policy is None else policy)

    def make_hub(self, policy: Policy) -> Hub:
        clock = cast("IClock", self.clock)
        return Hub(
            self.log,
            clock,
            now=lambda: self.time,
            policy=policy,
            tickets=self.tickets,
            passwords=cheap(),
            records=self.records,
        )

    def turn(self) -> None:
        """End the turn of the reactor."""
        self.clock.advance(0)

    def connect(self, host: str | None = None) -> Guest:
        return Guest(self, host)

    def join(self, nick: str) -> Guest:
        """Bring somebody in, who has then heard everything so far."""
        guest = self.connect()
        guest.claims(nick)
        guest.hears()
        return guest

    def log_in(self, guest: Guest, name: str, role: Role = Role.USER) -> None:
        """Give somebody an account of this name, and log in to it."""
        identity = guest.person.inbox
        value = {"name": name, "identity": identity, "role": role.name}
        self.hub.parts.records.change(ACCOUNT, fold(name), lambda _: value)
        guest.person.account = self.hub.accounts.of(identity)

    def log_in_again(self, guest: Guest, name: str) -> None:
        """Log somebody in to an account that there is."""
        account = self.hub.accounts.find(name)
        assert account is not None
        guest.person.account, guest.person.place.inbox = account, account.identity

    def joined_as(self, nick: str, role: Role, host: str | None = None) -> Guest:
        """Bring somebody in who has an account of that nickname."""
        guest = self.connect(host)
        self.log_in(guest, nick, role)
        guest.claims(nick)
        guest.hears()
        return guest

    def everybody(self, *nicks: str) -> list[Guest]:
        """Bring several in, who have then heard everything so far."""
        guests = [self.join(nick) for nick in nicks]
        for guest in guests:
            guest.hears()
        return guests


class SlowChat(Chat):
    """A chat in which claims are decided when they are told to be."""

    hub: SlowHub

    def make_hub(self, policy: Policy) -> Hub:
        return SlowHub(self.log, cast("IClock", self.clock))


class Scene:
    """A log, a delivery and the turns of a reactor.

    :param standalone: whether there are no turns, and everything is delivered at once.
    :param cost: seconds that it takes to give something to a member.
    """

    def __init__(
        self, log: MemoryLog | None = None, standalone: bool = False, cost: float = 0.0
    ) -> None:
        self.clock = Clock()
        self.cost = cost
        self.log = MemoryLog() if log is None else log
        clock = None if standalone else cast("IClock", self.clock)
        self.meters = Meters()
        self.delivery = Delivery(self.log, clock, lambda: NOW, self.meters)

    def turn(self) -> None:
        self.clock.advance(0)

    def rest(self) -> None:
        """Let so much time pass that no room rests any more, whatever it hands out meanwhile."""
        self.clock.advance(0)
        while self.clock.getDelayedCalls():
            self.clock.advance(0.01)

    def spend(self) -> None:
        self.clock.rightNow += self.cost

    def member(self, *rooms: str, dialect: Lines | None = None) -> Member:
        """Bring somebody into rooms, live."""
        member = Member(LINES if dialect is None else dialect)
        member.spend = self.spend
        self.delivery.add(member)
        for room in rooms:
            self.enter(member, room)
        self.turn()
        return member

    def enter(self, member: Member, room: str, until_read: bool = False) -> None:
        head = self.log.head(room)
        head.addCallback(lambda head: self.delivery.enter(member, room, head, until_read))

    def commit(self, *texts: str, room: str = "#a") -> None:
        self.log.append([said(text, room) for text in texts])

    def publish(self, *texts: str, room: str = "#a") -> None:
        """Commit lines and end the turn."""
        self.commit(*texts, room=room)
        self.turn()

    def fill(self, count: int, length: int = 1000) -> None:
        """Publish long lines, a turn each; they begin with their number."""
        for n in range(1, count + 1):
            self.publish(f"{n} ".ljust(length, "x"))

    def tell(self, member: Member, *texts: str) -> None:
        self.delivery.tell(member, *(Event(0, NOW, "", Kind.NOTICE, "", t) for t in texts))

    def stall(self, member: Member) -> None:
        """Let a member hold what it is given, starting with a line of its own."""
        member.stalled = True
        self.tell(member, "held")
        self.turn()

    def read(self, member: Member) -> None:
        """Let a member take what it holds, and read on from now on."""
        member.stalled = member.holding = False
        self.delivery.drained(member)
        self.turn()


def said(text: str, room: str = "#lobby", nick: str = "alice") -> Event:
    """What somebody says, not numbered yet."""
    return Event(0, NOW, room, Kind.SAID, nick, text)


def joined(nick: str, room: str = "#lobby") -> Event:
    """That somebody came in, not numbered yet."""
    return Event(0, NOW, room, Kind.JOINED, nick)


def texts(member: Member) -> list[str]:
    """Return what a member got in rooms, of each line the first word."""
    return [event.text.split(" ")[0] for event in member.events if event.room]


def numbers(start: int, stop: int) -> list[str]:
    """Return the lines that Scene.fill publishes, of each the first word."""
    return [str(n) for n in range(start, stop + 1)]


def register(hub: Hub, name: str, identity: str = "") -> None:
    """Register a nickname; its password is WORD."""
    hub.accounts.register(name, identity or f"@{name}", CHEAP.hash(WORD))
