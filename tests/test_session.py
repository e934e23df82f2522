"""One connection's state: which steps there are, and what may happen in which state."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import ChatError, Code, Expelled, NickRefused
from chatservice.limits import STRIKES, UNLIMITED, Limits
from chatservice.session import TRANSITIONS, State, Step
from tests.fakes import Chat, SlowChat


class Table(SynchronousTestCase):
    """Every step there is."""

    def test_each_step_in_the_table_leads_where_it_says(self) -> None:
        for (state, step), target in TRANSITIONS.items():
            session = Chat().connect().session
            session.state = state
            session._step(step)
            self.assertIs(session.state, target)

    def test_each_step_not_in_the_table_is_a_mistake_and_changes_nothing(self) -> None:
        count = 0
        for state in State:
            for step in Step:
                if (state, step) not in TRANSITIONS:
                    session = Chat().connect().session
                    session.state = state
                    self.assertRaises(RuntimeError, session._step, step)
                    self.assertIs(session.state, state)
                    count += 1
        self.assertEqual(count, len(State) * len(Step) - len(TRANSITIONS))

    def test_nothing_leads_out_of_left_and_everything_leads_there(self) -> None:
        self.assertFalse(any(state is State.LEFT for state, _ in TRANSITIONS))
        leaving = {state for state, step in TRANSITIONS if step is Step.LEAVE}
        self.assertEqual(leaving, set(State) - {State.LEFT})


class ComingIn(SynchronousTestCase):
    """From the connection to the chat."""

    def setUp(self) -> None:
        self.chat = Chat()

    def test_a_new_connection_is_asked_for_a_nickname(self) -> None:
        guest = self.chat.connect()
        guest.session.ask()
        self.chat.turn()
        self.assertEqual((guest.hears(), guest.session.state), (["NICK"], State.CONNECTED))

    def test_who_gives_a_nickname_is_announced_and_welcomed(self) -> None:
        guest = self.chat.connect()
        guest.claims("alice")
        self.assertEqual(guest.hears(), ["alice joined the chat", "Connected to the server"])
        self.assertEqual((guest.session.state, guest.nick), (State.JOINED, "alice"))

    def test_the_others_hear_of_it(self) -> None:
        alice = self.chat.join("alice")
        self.chat.join("bob")
        self.assertEqual(alice.hears(), ["bob joined the chat"])

    def test_a_refused_nickname_may_be_followed_by_another(self) -> None:
        guest = self.chat.connect()
        refusal = self.failureResultOf(guest.claims("such:nick"), NickRefused)
        self.assertEqual(refusal.value.code, Code.NICK_INVALID)
        self.assertIs(guest.session.state, State.CONNECTED)
        guest.claims("alice")
        self.assertEqual(guest.nick, "alice")

    def test_a_nickname_is_offered_once(self) -> None:
        for offers in (["alice"], ["alice", "bob"]):
            guest = Chat().join(offers[0])
            self.assertRaises(RuntimeError, guest.session.claim, offers[-1])
            self.assertEqual(guest.nick, "alice")

    def test_too_many_refused_nicknames_end_the_connection(self) -> None:
        guest = self.chat.connect("192.0.2.1")
        for n in range(UNLIMITED.nick_tries):
            self.assertEqual(guest.disconnects, 0, n)
            guest.claims("admin").addErrback(lambda _: None)
        self.assertEqual((guest.disconnects, guest.session.state), (1, State.LEFT))
        codes = [line.split("[")[1] for line in guest.hears()]
        self.assertEqual(codes[-2:], ["nick-reserved]", "nick-tries]"])

    def test_nobody_hears_the_chat_before_having_a_nickname(self) -> None:
        stranger = self.chat.connect()
        alice = self.chat.join("alice")
        alice.types("secret")
        self.assertEqual(stranger.hears(), [])

    def test_nobody_speaks_before_having_a_nickname(self) -> None:
        alice, stranger = self.chat.join("alice"), self.chat.connect()
        stranger.types("hello", "/me waves", "/msg alice hi", "/quit")
        self.assertEqual((alice.hears(), stranger.hears()), ([], []))
        self.assertIs(stranger.session.state, State.CONNECTED)


class TooManyConnections(SynchronousTestCase):
    """Admission by address (threat 11)."""

    def setUp(self) -> None:
        self.chat = Chat(limits=Limits(connections=2))
        self.first, self.second = (self.chat.connect("192.0.2.1") for _ in range(2))

    def test_one_more_is_told_and_disconnected(self) -> None:
        third = self.chat.connect("192.0.2.1")
        self.chat.turn()
        self.assertFalse(third.admitted)
        self.assertEqual((third.disconnects, third.session.state), (1, State.LEFT))
        self.assertEqual(len(third.hears()), 1)

    def test_the_end_of_a_refused_one_frees_nothing(self) -> None:
        self.chat.connect("192.0.2.1").goes()
        self.assertFalse(self.chat.connect("192.0.2.1").admitted)

    def test_the_end_of_an_admitted_one_makes_room_for_one(self) -> None:
        self.first.goes()
        self.first.session.lost()
        self.assertTrue(self.chat.connect("192.0.2.1").admitted)
        self.assertFalse(self.chat.connect("192.0.2.1").admitted)


class Flooding(SynchronousTestCase):
    """Lines over the rate (threat 6)."""

    def setUp(self) -> None:
        self.chat = Chat(limits=Limits(burst=3, rate=2))
        self.bob = self.chat.join("bob")
        self.alice = self.chat.connect("192.0.2.1")
        self.alice.claims("alice")
        self.bob.hears()
        self.alice.hears()

    def test_a_line_too_fast_is_refused_and_not_said(self) -> None:
        self.alice.types("1", "2", "3", "4")
        self.assertEqual(self.bob.hears(), ["alice: 1", "alice: 2", "alice: 3"])
        self.assertTrue(self.alice.hears()[-1].endswith("[too-fast]"))

    def test_commands_count_as_well(self) -> None:
        self.alice.types("/who", "/help", "/nonsense", "/me waves")
        self.assertEqual(self.bob.hears(), [])
        self.assertTrue(self.alice.hears()[-1].endswith("[too-fast]"))

    def test_whoever_goes_on_is_told_and_disconnected(self) -> None:
        self.alice.types(*["x"] * (3 + STRIKES))
        self.assertEqual(self.bob.hears(), ["alice: x"] * 3 + ["alice left the chat"])
        self.assertTrue(self.alice.hears()[-1].endswith("[flooding]"))
        self.assertEqual((self.alice.disconnects, self.alice.session.state), (1, State.LEFT))

    def test_what_is_typed_after_the_end_is_not_heard_nor_answered(self) -> None:
        self.alice.types(*["x"] * (3 + STRIKES))
        self.bob.hears()
        self.chat.clock.advance(60)
        self.alice.hears()
        self.alice.types("still here", "/who")
        self.assertEqual((self.alice.hears(), self.bob.hears()), ([], []))


class Going(SynchronousTestCase):
    """From any state to LEFT, once."""

    def setUp(self) -> None:
        self.chat = Chat()

    def test_leaving_is_heard_once_whatever_follows(self) -> None:
        alice, bob = self.chat.everybody("alice", "bob")
        for _ in range(2):
            alice.session.leave()
            self.chat.turn()
        for _ in range(2):
            alice.goes()
        self.assertEqual(bob.hears(), ["alice left the chat"])
        self.assertEqual(alice.disconnects, 1)

    def test_who_leaves_gets_everything_up_to_there(self) -> None:
        alice, bob = self.chat.everybody("alice", "bob")
        bob.types("before")
        alice.session.leave()
        bob.types("after")
        self.assertEqual((alice.hears(), alice.disconnects), (["bob: before"], 1))

    def test_a_lost_connection_is_heard_as_leaving(self) -> None:
        alice, bob = self.chat.everybody("alice", "bob")
        alice.goes()
        self.assertEqual((bob.hears(), alice.nick), (["alice left the chat"], ""))

    def test_who_goes_without_a_nickname_is_not_heard(self) -> None:
        alice, stranger = self.chat.join("alice"), self.chat.connect()
        stranger.session.leave()
        stranger.goes()
        self.assertEqual(alice.hears(), [])


class SlowDecision(SynchronousTestCase):
    """A nickname about which somebody else decides."""

    def setUp(self) -> None:
        self.chat = SlowChat()
        self.guest = self.chat.connect()

    def decide(self) -> None:
        self.chat.hub.decide()
        self.chat.turn()

    def test_nobody_is_in_before_the_decision(self) -> None:
        claimed = self.guest.claims("alice")
        self.assertNoResult(claimed)
        self.assertIs(self.guest.session.state, State.CLAIMING)
        self.assertEqual((self.guest.nick, self.chat.hub.people()), ("", []))
        self.decide()
        self.assertEqual((self.guest.session.state, self.guest.nick), (State.JOINED, "alice"))

    def test_the_next_offer_must_wait_for_it(self) -> None:
        self.guest.claims("alice")
        self.assertRaises(RuntimeError, self.guest.session.claim, "bob")

    def test_the_nickname_is_free_again_when_the_connection_is_lost_meanwhile(self) -> None:
        claimed = self.guest.claims("alice")
        self.guest.goes()
        self.decide()
        self.assertIsNone(self.successResultOf(claimed))
        self.assertEqual(self.guest.hears(), [])
        other = self.chat.connect()
        other.claims("alice")
        self.decide()
        self.assertEqual(other.nick, "alice")

    def test_who_leaves_meanwhile_is_never_announced(self) -> None:
        self.chat.hub.slow = False
        bob = self.chat.join("bob")
        self.chat.hub.slow = True
        self.guest.claims("alice")
        self.guest.session.leave()
        self.decide()
        self.assertEqual((bob.hears(), self.guest.disconnects), ([], 1))
        self.assertEqual([person.nick for person in self.chat.hub.people()], ["bob"])

    def test_a_refusal_after_the_end_is_nobodys_business(self) -> None:
        claimed = self.guest.claims("admin")
        self.guest.goes()
        self.decide()
        self.assertIsNone(self.successResultOf(claimed))

    def test_of_two_who_claim_the_same_meanwhile_one_wins(self) -> None:
        other = self.chat.connect()
        mine, theirs = self.guest.claims("alice"), other.claims("Alice")
        self.decide()
        self.assertIsNone(self.successResultOf(mine))
        self.assertEqual(self.failureResultOf(theirs).value.code, Code.NICK_TAKEN)

    def test_a_new_nickname_decided_after_the_end_is_given_back(self) -> None:
        self.guest.claims("alice")
        self.decide()
        self.guest.types("/nick al")
        self.guest.goes()
        self.decide()
        for nick in ("alice", "al"):
            other = self.chat.connect()
            other.claims(nick)
            self.decide()
            self.assertEqual(other.nick, nick)


class Failing(SynchronousTestCase):
    """What goes wrong in a command stays there."""

    def setUp(self) -> None:
        self.alice = Chat().join("alice")

    def test_a_refusal_is_told_with_its_code(self) -> None:
        def refuse() -> None:
            raise ChatError(Code.BAD_ARGUMENTS, "Not like this.")

        self.alice.session.do(refuse)
        self.alice.chat.turn()
        self.assertEqual(self.alice.hears(), ["! Not like this. [bad-arguments]"])

    def test_a_mistake_in_the_program_is_told_without_its_details_and_logged(self) -> None:
        def fail() -> None:
            raise ZeroDivisionError("secret details")

        self.alice.session.do(fail)
        self.alice.chat.turn()
        (line,) = self.alice.hears()
        self.assertTrue(line.endswith("[internal]"), line)
        self.assertNotIn("secret", line)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.alice.disconnects, 0)


class TakingTime(SynchronousTestCase):
    """What takes its time is finished before the next line is taken."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.alice, self.bob = self.chat.everybody("alice", "bob")
        self.slow: list[Deferred[None]] = []

    def begin(self) -> None:
        """Let alice ask for something that takes its time."""

        def ask() -> Deferred[None]:
            self.slow.append(Deferred())
            return self.slow[-1]

        self.alice.session.do(ask)

    def end(self) -> None:
        """Finish what was asked for first."""
        self.slow.pop(0).callback(None)
        self.chat.turn()

    def test_the_next_line_waits_for_it(self) -> None:
        self.begin()
        self.alice.types("after")
        self.assertEqual(self.bob.hears(), [])
        self.end()
        self.assertEqual(self.bob.hears(), ["alice: after"])

    def test_others_do_not(self) -> None:
        self.begin()
        self.bob.types("meanwhile")
        self.assertEqual(self.alice.hears(), ["bob: meanwhile"])

    def test_one_after_the_other_in_order(self) -> None:
        self.begin()
        self.alice.types("1")
        self.begin()
        self.alice.types("2", "3")
        self.end()
        self.assertEqual(self.bob.hears(), ["alice: 1"])
        self.end()
        self.assertEqual(self.bob.hears(), ["alice: 2", "alice: 3"])

    def test_whoever_wants_to_know_is_told_when_all_is_done(self) -> None:
        self.assertIsNone(self.alice.session.idle())
        self.begin()
        first = self.alice.session.idle()
        self.begin()
        second = self.alice.session.idle()
        assert first is not None
        assert second is not None
        self.end()
        self.assertNoResult(first)
        self.end()
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), (None, None))
        self.assertIsNone(self.alice.session.idle())

    def test_leaving_waits_for_it_too(self) -> None:
        self.begin()
        self.alice.types("bye")
        self.alice.session.hang_up()
        self.assertEqual((self.bob.hears(), self.alice.disconnects), ([], 0))
        self.end()
        self.assertEqual(self.bob.hears(), ["alice: bye", "alice left the chat"])
        self.assertEqual(self.alice.disconnects, 1)

    def test_of_a_lost_connection_everything_is_said_all_the_same(self) -> None:
        self.begin()
        self.alice.types("1")
        self.begin()
        self.alice.types("2")
        self.alice.goes()
        self.assertEqual(self.bob.hears(), ["alice: 1", "alice: 2", "alice left the chat"])
        for _ in range(2):
            self.end()
        self.assertEqual(self.bob.hears(), [])

    def test_if_it_fails_that_is_told_and_the_next_is_taken(self) -> None:
        self.begin()
        self.alice.types("after")
        self.slow.pop().errback(ChatError(Code.NOT_READ, "Not now."))
        self.chat.turn()
        self.assertEqual(self.alice.hears(), ["! Not now. [not-read]", "alice: after"])

    def test_who_is_thrown_out_does_not_wait(self) -> None:
        self.begin()
        self.alice.types("never said")
        self.alice.session.expel(Expelled(Code.FLOODING, "Too much."))
        self.chat.turn()
        self.assertEqual(self.bob.hears(), ["alice left the chat"])
        self.end()
        self.assertEqual(self.bob.hears(), [])
