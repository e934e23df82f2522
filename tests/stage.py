"""What scenarios stand on: a chat, people who come to it by some door, and what they hear."""

from abc import abstractmethod
from typing import Protocol

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatservice.events import Event, Kind
from chatservice.hub import Hub
from chatservice.people.person import Policy
from chatservice.store.memory import MemoryLog
from chatservice.store.sqlite import SqliteTickets
from tests.fakes import NOW as THEN
from tests.fakes import cheap
from tests.store_fakes import Store

Heard = tuple[Kind, str, str]
"""Kind, nick and text of an event; what doors must not change."""


class Person(Protocol):
    """Somebody at a door."""

    def offer(self, nick: str) -> None:
        """Offer a nickname."""

    def type(self, line: str) -> None:
        """Type a line: text or a command."""

    def hang_up(self) -> None:
        """Break the connection."""

    def heard(self) -> list[Event]:
        """Return what came since the last call."""

    @property
    def connected(self) -> bool:
        """Whether the server still holds the connection."""


class Stage:
    """What scenarios need. Mix in with a SynchronousTestCase and say how to connect."""

    clock: Clock
    hub: Hub
    policy = Policy(plaintext_login=True)
    """The default limits, and nothing from the past for who comes in; passwords come in as well."""

    means_something_else: frozenset[str] = frozenset()
    """What is no mistake at a door whose wire has words of its own, or another one."""

    nowhere = False
    """Whether people at this door may be in no room."""

    numbers = True
    """Whether who wants to come back is told the numbers of what it has read."""

    @abstractmethod
    def connect(self) -> Person:
        """Return somebody who has just connected to self.hub."""

    def open(self) -> None:
        """Open a new chat."""
        self.clock = Clock()
        self.hub = Hub(
            MemoryLog(),
            self.clock,
            now=self.clock.seconds,
            policy=self.policy,
            passwords=cheap(),
        )

    def setUp(self) -> None:
        """Open a chat."""
        self.open()

    def turn(self) -> None:
        """End the reactor's turn."""
        self.clock.advance(0)

    def joined(self, nick: str) -> Person:
        """Return somebody who has joined and read everything."""
        person = self.connect()
        person.offer(nick)
        self.turn()
        person.heard()
        return person

    def in_room(self, room: str, *nicks: str) -> list[Person]:
        """Return people who are in the lobby and in a room, which is their current one."""
        people = [self.joined(nick) for nick in nicks]
        for person in people:
            person.type(f"/join {room}")
        self.turn()
        for person in people:
            person.heard()
        return people

    def is_back(self, person: Person, room: str = "") -> list[Event]:
        """Check that somebody has come back, which it is told first; return what it heard then.

        :param room: the current one, if it is another than the lobby, or that has another name.
        """
        self.turn()
        expected = [(Kind.WELCOME, ""), *([(Kind.SWITCHED, room)] if room else [])]
        heard = person.heard()
        got = [(event.kind, event.text) for event in heard[: len(expected)]]
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(got, expected)
        return heard[len(expected) :]

    def told(self, person: Person) -> list[tuple[bool, str]]:
        """Return what somebody was told since the last look: whether it is past, and the text."""
        self.turn()
        return [(event.past, event.text) for event in person.heard()]

    def hears(self, person: Person, *expected: Heard) -> None:
        """Check what somebody heard since the last look."""
        self.turn()
        got = [(event.kind, event.nick, event.text) for event in person.heard()]
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(got, list(expected))

    def listen(self, *people: Person) -> None:
        """Let people hear what there was."""
        self.turn()
        for person in people:
            person.heard()

    def tells(self, person: Person, *expected: Heard) -> None:
        """Check that somebody heard certain things since the last look, in order, among others."""
        self.turn()
        got = iter([(event.kind, event.nick, event.text) for event in person.heard()])
        for one in expected:
            assert any(one == other for other in got), f"never {one}"

    def refused(self, person: Person, code: str) -> None:
        """Check that somebody was told of one refusal and nothing else."""
        self.turn()
        got = [(event.kind, event.nick) for event in person.heard()]
        assert isinstance(self, SynchronousTestCase)
        self.assertEqual(got, [(Kind.ERROR, code)])

    def goes(self, person: Person) -> None:
        """Let somebody lose the connection, and not come back as long as its place is kept."""
        person.hang_up()

    def refuses(self, person: Person, line: str, code: str) -> None:
        """Let somebody type a line that is refused, and wait until the next is within limits."""
        if line in self.means_something_else:
            return
        person.type(line)
        self.refused(person, code)
        self.clock.advance(1)


class Durable(Stage):
    """The same with a log on disk: everything takes its time. To be mixed in first."""

    def open(self) -> None:
        """Open a new chat in a directory of its own."""
        assert isinstance(self, SynchronousTestCase)
        self.clock = Clock()

        def now() -> float:
            return THEN + self.clock.seconds()

        def make_hub(store: Store) -> None:
            self.hub = Hub(
                store.log,
                self.clock,
                now=now,
                policy=self.policy,
                tickets=SqliteTickets(store.database, now),
                records=store.records,
                passwords=cheap(),
            )

        self.store = Store(self, before=make_hub)

    def turn(self) -> None:
        """End the reactor's turn once the disk has done what it was asked to do, and was asked
        because of that."""
        for _ in range(4):
            if self.store.database.closing:
                self.store.wait(self.store.log.close())
            else:
                self.store.wait(self.store.log.append(()))
                self.store.wait(self.store.database.change(lambda db: True))
            while self.store.database.asked:
                self.store.pump.turn()
            super().turn()
