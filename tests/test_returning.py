"""Coming back, as the hub sees it: with logs and tickets that take their time or fail."""

from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from chatservice.delivery import past
from chatservice.departures import PARTING
from chatservice.errors import NickRefused
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from chatservice.resume import Offer, Ticket, describe, parse_offer
from chatservice.session import PATIENCE
from chatservice.store.memory import MemoryLog, MemoryTickets
from tests.fakes import NOT_STORED, NOW, Chat, Guest, SlowLog


class Offers(SynchronousTestCase):
    """What somebody answers who comes back."""

    token = "~" + "aB3_-" * 4 + "xy"

    def test_a_nickname_a_token_and_positions(self) -> None:
        self.assertEqual(
            parse_offer(f" alice  {self.token} #lobby:17 @:3 "),
            Offer("alice", self.token, {"#lobby": 17, "@": 3}),
        )

    def test_what_is_no_position_is_left_out(self) -> None:
        for nonsense in ("#lobby", "#lobby:-1", "#lobby:x", ":3", "@bob:3", "#l:" + "9" * 19, "é"):
            offer = parse_offer(f"alice {self.token} {nonsense} @:1")
            self.assertEqual(offer, Offer("alice", self.token, {"@": 1}), nonsense)

    def test_anything_else_is_a_nickname(self) -> None:
        for text in ("", "alice", "alice smith", self.token):
            self.assertIsNone(parse_offer(text), text)

    def test_a_token_that_was_cut_is_one_all_the_same(self) -> None:
        """So that the answer is about the token, not about blanks in nicknames."""
        for token in (self.token[:-1], f"{self.token}x", "~"):
            self.assertEqual(parse_offer(f"alice {token}"), Offer("alice", token, {}))

    def test_positions_are_described_as_they_are_offered(self) -> None:
        text = describe({"#lobby": 17, "@77": 3}, "@77")
        offer = parse_offer(f"alice {self.token} {text}")
        assert offer is not None
        self.assertEqual(offer.read, {"#lobby": 17, "@": 3})


def token_of(guest: Guest) -> str:
    """Let somebody ask for a token; return what to offer, without positions."""
    guest.types("/resume")
    (line,) = [line for line in guest.hears() if "To come back" in line]
    return " ".join(line.partition(": ")[2].split()[:2])


class Returning(SynchronousTestCase):
    """On one server."""

    def setUp(self) -> None:
        self.log = SlowLog()
        self.chat = Chat(self.log)
        self.alice, self.bob = self.chat.everybody("alice", "bob")
        self.token = token_of(self.alice)
        self.bob.hears()

    def returns(self, offer: str = "") -> Guest:
        """Come back."""
        guest = self.chat.connect()
        guest.claims(offer or self.token)
        return guest

    def test_positions_that_are_offered_count(self) -> None:
        self.bob.types("1", "2", "3")
        self.alice.goes()
        self.bob.types("4")
        lines = self.returns(f"{self.token} #lobby:1").hears()
        self.assertEqual([line.split(": ")[-1] for line in lines[1:-1]], ["2", "3", "4"])

    def test_a_position_ahead_of_the_room_is_no_mistake(self) -> None:
        self.alice.goes()
        self.bob.types("1")
        self.assertEqual(
            self.returns(f"{self.token} #lobby:99").hears(), ["Connected to the server"]
        )
        self.bob.types("2")

    def test_what_was_missed_comes_before_what_comes(self) -> None:
        self.alice.goes()
        self.bob.types("missed")
        self.log.slow = True
        guest = self.returns()
        self.bob.types("present")
        for _ in range(12):
            self.log.commit()
            self.log.answer()
            self.chat.turn()
        self.assertEqual(
            [line.split("] ")[-1] for line in guest.hears()],
            [
                "Connected to the server",
                "bob: missed",
                "-- The lines above are from before, their times are UTC. Now:",
                "bob: present",
            ],
        )

    def test_more_than_can_be_told_is_said_so(self) -> None:
        self.patch(past, "MOST_MISSED", 2)
        self.alice.goes()
        self.bob.types("1", "2", "3")
        lines = self.returns().hears()
        self.assertEqual(lines[1], "-- You missed 3 lines; here are the newest, /history has more.")
        self.assertEqual([line.split("] ")[-1] for line in lines[2:-1]], ["bob: 2", "bob: 3"])

    def test_a_new_nickname_counts(self) -> None:
        self.alice.types("/nick al")
        self.alice.goes()
        offered = self.token.replace("alice", "al")
        self.assertEqual(self.returns(offered).nick, "al")
        self.bob.hears()

    def test_private_lines_reach_who_is_absent(self) -> None:
        self.alice.goes()
        self.bob.types("/msg alice psst")
        self.assertIn("bob -> alice: psst", self.bob.hears())
        self.assertIn("bob -> alice: psst", " ".join(self.returns().hears()))

    def test_absent_people_hold_nothing_up(self) -> None:
        self.alice.goes()
        closed = self.chat.hub.close("Bye.")
        self.bob.goes()
        self.successResultOf(closed)
        self.chat.clock.advance(100)
        self.assertEqual(self.alice.person.nick, "alice")  # the time for coming back was called off

    def test_a_quota_is_given_back_while_absent(self) -> None:
        self.alice.goes()
        self.assertEqual(len(self.chat.hub.people()), 1)
        self.returns()
        self.assertEqual(len(self.chat.hub.people()), 2)

    def test_who_leaves_may_come_back_but_has_left(self) -> None:
        self.alice.types("/quit")
        self.assertEqual(self.bob.hears(), ["alice left the chat"])
        self.bob.types("missed")
        self.bob.hears()
        lines = self.returns().hears()
        self.assertEqual(lines[:2], ["alice joined the chat", "Connected to the server"])
        self.assertIn("bob: missed", lines[2])

    def test_the_nickname_may_be_anothers_by_then(self) -> None:
        self.alice.types("/quit")
        self.chat.join("alice")
        guest = self.chat.connect()
        failure = self.failureResultOf(guest.claims(self.token), NickRefused)
        self.assertEqual(failure.value.code, "nick-taken")

    def test_while_it_is_absent_nobody_else_may_wear_it(self) -> None:
        self.alice.goes()
        other = self.chat.connect()
        failure = self.failureResultOf(other.claims("alice"), NickRefused)
        self.assertEqual(failure.value.code, "nick-taken")

    def test_without_absence_a_lost_connection_has_left_at_once(self) -> None:
        chat = Chat(policy=Policy(UNLIMITED, absence=0))
        alice, bob = chat.everybody("alice", "bob")
        token_of(alice)
        alice.goes()
        self.assertEqual(bob.hears(), ["alice left the chat"])

    def test_what_somebody_forgets_includes_what_was_said_before_coming_back(self) -> None:
        self.alice.types("before")
        self.alice.goes()
        guest = self.returns()
        guest.types("after", "/forget me yes")
        self.assertIn("-- 2 lines were removed from the history for good.", guest.hears())

    def test_who_wears_a_nickname_later_cannot_have_its_lines_removed(self) -> None:
        self.alice.types("hers", "/quit")
        other = self.chat.join("alice")
        other.types("/forget me yes")
        self.assertIn("-- You have said nothing that is kept.", other.hears())


class WhileTheLogIsBusy(SynchronousTestCase):
    """Somebody goes or comes back while the log has not come to that yet."""

    def setUp(self) -> None:
        self.log = SlowLog()
        self.chat = Chat(self.log)
        self.alice, self.bob = self.chat.everybody("alice", "bob")
        self.token = token_of(self.alice)
        self.bob.types("heard")

    def settle(self) -> None:
        """Let the log do all that it was asked to do, and what that leads to."""
        for _ in range(12):
            self.log.commit()
            self.log.answer()
            self.chat.turn()

    def missed(self, guest: Guest) -> list[str]:
        """Return what somebody who came back was told of the past."""
        self.settle()
        return [line.split(": ")[-1] for line in guest.hears() if line.startswith("[")]

    def returns(self, positions: str = "") -> Guest:
        guest = self.chat.connect()
        guest.claims(f"{self.token} {positions}")
        return guest

    def test_leaving_and_lost_before_the_log_comes_to_it(self) -> None:
        self.log.slow = True
        self.alice.session.leave()
        self.alice.goes()
        self.settle()
        self.bob.types("missed")
        self.settle()
        self.assertEqual(self.missed(self.returns()), ["missed"])

    def test_hung_up_and_lost_before_the_log_comes_to_it(self) -> None:
        self.log.slow = True
        self.alice.session.hang_up()
        self.alice.goes()
        self.bob.types("missed")
        self.settle()
        self.assertEqual(self.missed(self.returns()), ["missed"])

    def test_numbers_count_then_too(self) -> None:
        self.log.slow = True
        self.alice.session.leave()
        self.alice.goes()
        self.settle()
        self.assertEqual(self.missed(self.returns("#lobby:0")), ["heard"])

    def test_hung_up_and_back_before_the_connection_is_gone(self) -> None:
        self.alice.session.hang_up()
        self.chat.turn()
        self.assertEqual(self.alice.disconnects, 1)
        self.bob.types("missed")
        self.assertEqual(self.missed(self.returns()), ["missed"])
        self.alice.goes()
        self.bob.hears()

    def test_lost_again_before_the_welcome(self) -> None:
        self.alice.goes()
        self.bob.types("missed")
        self.log.slow = True
        self.returns().goes()
        self.settle()
        self.assertEqual(self.missed(self.returns()), ["missed"])

    def test_lost_again_before_the_welcome_and_back_after_the_grace(self) -> None:
        self.alice.goes()
        self.bob.types("missed")
        self.log.slow = True
        self.returns().goes()
        self.settle()
        self.chat.clock.advance(61)
        self.settle()
        self.assertEqual(self.missed(self.returns()), ["missed"])

    def test_lost_again_while_it_is_told(self) -> None:
        self.alice.goes()
        self.bob.types("missed")
        again = self.chat.connect()
        again.stalled = True
        again.claims(self.token)
        again.goes()
        self.assertEqual(self.missed(self.returns()), ["missed"])

    def test_two_at_once(self) -> None:
        self.alice.goes()
        self.bob.types("missed")
        self.log.slow = True
        first, second = self.returns(), self.returns()
        self.settle()
        told = self.missed(first) + self.missed(second)
        self.assertEqual(told, ["missed"])
        self.assertEqual((first.disconnects, second.disconnects), (1, 0))

    def private(self, guest: Guest) -> list[str]:
        """Return the private lines that somebody was told in all."""
        self.settle()
        return [line.split(" -> alice: ")[1] for line in guest.lines() if " -> alice: " in line]

    def test_lost_while_a_private_line_is_on_its_way(self) -> None:
        self.log.slow = True
        self.bob.types("/msg alice psst")
        self.alice.goes()
        self.settle()
        self.assertEqual(self.private(self.returns()), ["psst"])

    def test_back_by_token_alone_before_a_private_line_has_come(self) -> None:
        self.log.slow = True
        self.bob.types("/msg alice psst")
        self.assertEqual(self.private(self.returns()), ["psst"])

    def test_left_and_back_before_a_private_line_has_come(self) -> None:
        self.log.slow = True
        self.bob.types("/msg alice psst")
        self.alice.types("/quit")
        self.alice.goes()
        self.assertEqual(self.private(self.returns()), ["psst"])

    def test_left_and_cut_off_before_it_has_read_a_private_line(self) -> None:
        self.alice.stalled = True
        self.bob.types("held")
        self.bob.types("/msg alice psst")
        self.alice.types("/quit")
        self.chat.clock.advance(PARTING)
        self.assertEqual((self.private(self.alice), self.alice.aborts), ([], 1))
        self.assertEqual(self.private(self.returns()), ["psst"])

    def test_a_private_line_that_was_given_is_not_told_again(self) -> None:
        self.bob.types("/msg alice psst")
        for way in (self.alice.session.leave, self.alice.session.hang_up, lambda: None):
            way()
            self.settle()
            self.alice.goes()
            self.alice = self.returns()
            self.assertEqual(self.private(self.alice), [])

    def test_who_was_replaced_or_hung_up_and_does_not_read_is_cut_off(self) -> None:
        self.alice.stalled = True
        self.bob.types("held")
        self.returns()
        self.chat.clock.advance(PARTING)
        self.assertEqual(self.alice.aborts, 1)
        again = self.returns()
        again.stalled = True
        self.bob.types("held")
        again.session.hang_up()
        self.chat.clock.advance(PARTING)
        self.assertEqual(again.aborts, 1)


class Asking(SynchronousTestCase):
    """Who asks for the past and does not read has to wait."""

    def test_the_next_line_is_not_taken_before_history_was_told(self) -> None:
        chat = Chat()
        alice, bob = chat.everybody("alice", "bob")
        bob.types("line")
        alice.stalled = True
        bob.types("held")
        alice.types("/history", "/help", "later")
        self.assertIsNotNone(alice.session.idle())
        chat.clock.advance(100)
        self.assertEqual([line for line in bob.hears() if "later" in line], [])
        alice.reads()
        self.assertIsNone(alice.session.idle())
        self.assertEqual(bob.hears(), ["alice: later"])

    def test_what_the_disk_holds_up_is_not_waited_for_without_end(self) -> None:
        log = SlowLog()
        chat = Chat(log)
        alice = chat.join("alice")
        log.slow = True
        alice.types("/resume", "/help")
        self.assertEqual(alice.hears(), [])
        chat.clock.advance(PATIENCE)
        self.assertIsNone(alice.session.idle())


class Tickets(MemoryTickets):
    """Tickets that cannot be kept."""

    failing = False

    def save(self, ticket: Ticket) -> Deferred[None]:
        return fail(NOT_STORED) if self.failing else super().save(ticket)


class FailingTickets(SynchronousTestCase):
    """A token is only given out once it is kept."""

    def test_who_asks_is_told(self) -> None:
        tickets = Tickets(lambda: NOW)
        chat = Chat(MemoryLog(), tickets=tickets)
        alice = chat.join("alice")
        tickets.failing = True
        alice.types("/resume")
        self.assertEqual(alice.hears(), [f"! {NOT_STORED.message} [not-stored]"])
        tickets.failing = False
        alice.types("/resume")
        self.assertIn("To come back", alice.hears()[0])
