"""What every store of tickets promises (interfaces.ITickets), to be mixed in by each one's own."""

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from twisted.internet.defer import Deferred

from chatservice.interfaces import ITickets
from chatservice.resume import GOOD_FOR, Ticket
from tests.fakes import NOW

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as TestCase
else:
    TestCase = object

Result = TypeVar("Result")

CONNECTED = Ticket("k", "Ålice 👍", "@7", NOW - 50.25, NOW, ("#lobby", "#ä"))
LEFT = replace(CONNECTED, read={"#lobby": 17, "#ä": 0, "@7": 3})


class TicketsContract(TestCase):
    """The tests; a subclass says how to make a store of tickets and how to wait for it.

    :ivar time: what its clock shows, seconds since 1970.
    """

    time = NOW

    def make_tickets(self) -> ITickets:
        """Return a new store, with self.time for its clock."""
        raise NotImplementedError

    def wait(self, deferred: Deferred[Result]) -> Result:
        """Return the result, once it is there; raise its failure."""
        raise NotImplementedError

    def test_of_a_key_nobody_knows_there_is_no_ticket(self) -> None:
        tickets = self.make_tickets()
        self.wait(tickets.save(CONNECTED))
        self.assertIsNone(self.wait(tickets.find("other")))

    def test_a_ticket_comes_back_as_it_was(self) -> None:
        tickets = self.make_tickets()
        for ticket in (CONNECTED, replace(LEFT, key="l"), replace(LEFT, key="e", read={})):
            self.wait(tickets.save(ticket))
            self.assertEqual(self.wait(tickets.find(ticket.key)), ticket)
        self.assertEqual(self.wait(tickets.find("k")), CONNECTED)

    def test_a_ticket_replaces_the_one_before(self) -> None:
        tickets = self.make_tickets()
        for ticket in (CONNECTED, LEFT, replace(CONNECTED, nick="bob", rooms=())):
            self.wait(tickets.save(ticket))
            self.assertEqual(self.wait(tickets.find("k")), ticket)

    def test_what_was_saved_before_is_found_whoever_waits(self) -> None:
        tickets = self.make_tickets()
        saved = [tickets.save(CONNECTED), tickets.save(LEFT)]
        self.assertEqual(self.wait(tickets.find("k")), LEFT)
        for deferred in saved:
            self.wait(deferred)

    def test_a_ticket_is_good_for_a_day_after_its_owner_left(self) -> None:
        tickets = self.make_tickets()
        self.wait(tickets.save(LEFT))
        self.time = NOW + GOOD_FOR
        self.assertEqual(self.wait(tickets.find("k")), LEFT)
        self.time = NOW + GOOD_FOR + 1
        self.assertIsNone(self.wait(tickets.find("k")))

    def test_nobody_comes_back_to_what_was_forgotten(self) -> None:
        tickets = self.make_tickets()
        self.wait(tickets.save(CONNECTED))
        self.wait(tickets.save(replace(LEFT, key="l")))
        self.wait(tickets.save(replace(LEFT, key="other", inbox="@8")))
        self.wait(tickets.forget("@7"))
        self.assertIsNone(self.wait(tickets.find("k")))
        self.assertIsNone(self.wait(tickets.find("l")))
        self.assertIsNotNone(self.wait(tickets.find("other")))

    def test_the_ticket_of_somebody_who_is_there_stays_good(self) -> None:
        tickets = self.make_tickets()
        self.wait(tickets.save(CONNECTED))
        self.time = NOW + 100 * GOOD_FOR
        self.assertEqual(self.wait(tickets.find("k")), CONNECTED)
