"""Who is here under which nickname, and what they say to each other."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.closing import GRACE
from chatservice.departures import PARTING
from chatservice.errors import ChatError, Code, NickRefused
from chatservice.hub import Hub
from chatservice.names import keys
from chatservice.store.memory import MemoryLog
from tests.fakes import NOT_STORED, Chat, FailingLog, Member, SlowLog, quick

NOT_STORED_LINE = "! The disk is full: try again later. [not-stored]"


class Nicknames(SynchronousTestCase):
    """No two people here have nicknames that look alike (threats 3 and 4)."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.alice = self.chat.join("alice")

    def refusal(self, nick: str) -> str:
        """Offer a nickname that is taken; return what is said about it."""
        stranger = self.chat.connect()
        refused: NickRefused = self.failureResultOf(stranger.claims(nick), NickRefused).value
        self.assertEqual(refused.code, Code.NICK_TAKEN)
        return refused.message

    def test_the_first_of_two_gets_it(self) -> None:
        self.assertIn("alice is here already:", self.refusal("alice"))

    def test_nor_is_another_case_or_form_of_it_free(self) -> None:
        for nick in ("Alice", "ALICE", "ａｌｉｃｅ"):
            self.assertIn("alice is here already:", self.refusal(nick))

    def test_what_looks_like_it_is_refused_and_the_reason_told(self) -> None:
        for nick in ("аlice", "aIice", "a1ice"):
            self.assertIn("look the same", self.refusal(nick))

    def test_it_is_free_again_when_its_owner_leaves(self) -> None:
        self.alice.types("/quit")
        self.assertEqual(self.chat.join("alice").nick, "alice")

    def test_it_is_free_again_when_its_owners_connection_is_lost(self) -> None:
        self.alice.goes()
        self.assertEqual(self.chat.join("alice").nick, "alice")

    def test_what_looked_like_it_is_free_as_well(self) -> None:
        self.alice.goes()
        self.assertEqual(self.chat.join("аlice").nick, "аlice")

    def test_an_offer_that_was_refused_blocks_nobody(self) -> None:
        self.refusal("аlice")
        self.alice.goes()
        self.assertEqual(self.chat.join("аlice").nick, "аlice")

    def test_the_end_of_somebody_else_frees_nothing(self) -> None:
        stranger = self.chat.connect()
        stranger.claims("alice").addErrback(lambda _: None)
        stranger.goes()
        self.assertTrue(self.refusal("alice"))

    @quick
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 3),
                st.sampled_from(["alice", "аlice", "AIice", "Alice", "bob", "b0b", "BOB", ""]),
            ),
            max_size=20,
        )
    )
    def test_whoever_comes_goes_and_changes_no_two_ever_share_a_key(
        self, moves: list[tuple[int, str]]
    ) -> None:
        chat = Chat()
        guests = [chat.connect() for _ in range(4)]
        for who, nick in moves:
            guest = guests[who]
            if not nick:
                guest.goes()
                guests[who] = chat.connect()
            elif guest.nick:
                guest.types(f"/nick {nick}")
            else:
                guest.claims(nick).addErrback(lambda _: None)
            worn = [key for guest in guests if guest.nick for key in keys(guest.nick)]
            self.assertEqual(len(worn), len(set(worn)))
            self.assertEqual(set(chat.hub.parts.nicks._by_key), set(worn))
            self.assertEqual(
                sorted(guest.nick for guest in guests if guest.nick),
                sorted(chat.hub.rooms.lobby.nicks()),
            )


class Renaming(SynchronousTestCase):
    """A new nickname for somebody who is here."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.alice, self.bob = self.chat.everybody("alice", "bob")

    def test_everybody_hears_of_it_and_of_what_is_said_under_it(self) -> None:
        self.alice.types("/nick al", "hi")
        heard = ["alice is now known as al", "al: hi"]
        self.assertEqual((self.alice.hears(), self.bob.hears()), (heard, heard))

    def test_the_old_one_is_free_and_the_new_one_is_not(self) -> None:
        self.alice.types("/nick carol")
        self.assertEqual(self.chat.join("alice").nick, "alice")
        self.failureResultOf(self.chat.connect().claims("CAROL"), NickRefused)

    def test_a_taken_one_is_refused_and_nothing_changes(self) -> None:
        for nick in ("bob", "BOB", "b0b", "admin", "a:b"):
            self.alice.types(f"/nick {nick}")
            (line,) = self.alice.hears()
            self.assertTrue(line.startswith("! "), line)
            self.assertEqual(self.alice.nick, "alice")
        self.assertEqual(self.bob.hears(), [])
        self.failureResultOf(self.chat.connect().claims("alice"), NickRefused)

    def test_another_case_of_ones_own_is_allowed_and_stays_ones_own(self) -> None:
        self.alice.types("/nick ALICE")
        self.assertEqual(self.alice.nick, "ALICE")
        self.failureResultOf(self.chat.connect().claims("alice"), NickRefused)

    def test_ones_very_own_is_refused(self) -> None:
        self.alice.types("/nick alice")
        self.assertEqual(self.alice.hears(), ["! You are called alice already. [nick-taken]"])

    def test_the_room_knows_the_new_name(self) -> None:
        self.alice.types("/nick zoe")
        self.assertEqual(self.chat.hub.rooms.lobby.nicks(), ["bob", "zoe"])

    def test_people_are_found_by_what_they_wear_now(self) -> None:
        self.alice.types("/nick zoe")
        self.assertIs(self.chat.hub.find("ZOE"), self.alice.person)
        self.assertRaises(ChatError, self.chat.hub.find, "alice")


class Talking(SynchronousTestCase):
    """In the lobby, and two alone."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.alice, self.bob, self.carol = self.chat.everybody("alice", "bob", "carol")

    def test_everybody_hears_what_is_said_the_sender_too(self) -> None:
        self.alice.types("hello")
        for guest in (self.alice, self.bob, self.carol):
            self.assertEqual(guest.hears(), ["alice: hello"])

    def test_all_hear_everything_in_the_same_order(self) -> None:
        for n in range(5):
            self.alice.types(f"a{n}")
            self.bob.types(f"b{n}")
        heard = self.alice.hears()
        self.assertEqual(len(heard), 10)
        self.assertEqual((self.bob.hears(), self.carol.hears()), (heard, heard))

    def test_a_private_line_is_heard_by_the_two_alone(self) -> None:
        self.alice.types("/msg bob hi")
        self.bob.types("/msg ALICE hello")
        heard = ["alice -> bob: hi", "bob -> alice: hello"]
        self.assertEqual((self.alice.hears(), self.bob.hears()), (heard, heard))
        self.assertEqual(self.carol.hears(), [])

    def test_whoever_takes_a_freed_nickname_hears_nothing_of_the_old_conversation(self) -> None:
        self.alice.types("/msg bob one")
        self.bob.goes()
        newcomer = self.chat.join("bob")
        self.alice.types("/msg bob two")
        self.assertEqual(newcomer.hears(), ["alice -> bob: two"])

    def test_a_private_line_to_a_slow_member_waits_for_it(self) -> None:
        self.bob.stalled = True
        self.alice.types("held")
        self.alice.types("/msg bob private", "public")
        self.assertEqual(self.bob.hears(), ["alice: held"])
        self.bob.reads()
        self.assertEqual(sorted(self.bob.hears()), ["alice -> bob: private", "alice: public"])

    def test_private_lines_one_after_the_other_all_arrive_with_a_slow_log(self) -> None:
        log = SlowLog()
        chat = Chat(log)
        alice, bob = chat.everybody("alice", "bob")
        log.slow = True
        for n in range(3):
            alice.types(f"/msg bob {n}")
        for _ in range(15):  # four fences and a line each, every one in a turn of its own
            log.commit(1)
            chat.turn()
        self.assertEqual(bob.hears(), [f"alice -> bob: {n}" for n in range(3)])

    def test_private_lines_committed_together_with_the_next_all_arrive(self) -> None:
        log = SlowLog()
        chat = Chat(log)
        alice, bob = chat.everybody("alice", "bob")
        log.slow = True
        alice.types("/msg bob 1", "/msg bob 2")
        log.commit(7)  # all but the second line: the log stopped between fence and line
        chat.turn()
        log.commit()
        chat.turn()
        self.assertEqual(bob.hears(), ["alice -> bob: 1", "alice -> bob: 2"])

    def test_answers_and_private_lines_come_in_the_order_of_typing(self) -> None:
        self.alice.types("one", "/who", "/msg bob two")
        heard = ["alice: one", "-- 3 here: alice bob carol", "alice -> bob: two"]
        self.assertEqual(self.alice.hears(), heard)

    def test_private_and_public_lines_come_in_the_order_of_typing(self) -> None:
        self.alice.types("one", "/msg bob two", "three", "/msg bob four", "/nick al", "five")
        heard = [
            "alice: one",
            "alice -> bob: two",
            "alice: three",
            "alice -> bob: four",
            "alice is now known as al",
            "al: five",
        ]
        self.assertEqual((self.alice.hears(), self.bob.hears()), (heard, heard))

    def test_a_member_that_does_not_read_costs_one_inbox_whoever_writes_to_it(self) -> None:
        self.bob.stalled = True
        self.alice.types("held")
        for n in range(100):
            self.carol.types(f"/nick carol{n}", "/msg bob hi")
        self.assertLessEqual(len(self.chat.hub.delivery._feeds), 4)
        self.bob.reads()
        self.assertEqual(sum("-> bob: hi" in line for line in self.bob.hears()), 100)
        self.assertEqual(len(self.chat.hub.delivery._feeds), 1)

    def test_nobody_is_found_who_is_not_here_or_oneself(self) -> None:
        for nick in ("nobody", "Alice", "", "@alice,bob", "#lobby", "bob,"):
            self.assertRaises(
                ChatError, self.chat.hub.conversations.say, self.alice.person, nick, "x"
            )
        self.chat.turn()
        self.assertEqual([guest.hears() for guest in (self.alice, self.bob)], [[], []])

    def test_who_has_claimed_a_nickname_and_is_not_in_yet_is_not_found(self) -> None:
        stranger = self.chat.connect()
        self.successResultOf(self.chat.hub.arrivals.claim(stranger.person, "dave"))
        self.assertRaises(ChatError, self.chat.hub.find, "dave")

    def test_people_are_those_with_a_nickname_in_the_order_of_connecting(self) -> None:
        self.chat.connect()
        self.bob.goes()
        names = [person.nick for person in self.chat.hub.people()]
        self.assertEqual(names, ["alice", "carol"])

    def test_without_a_clock_everything_is_delivered_at_once(self) -> None:
        hub = Hub(MemoryLog())
        member = Member()
        person = hub.connect(member)
        hub.arrivals.enter(person, self.successResultOf(hub.arrivals.claim(person, "alice")))
        hub.rooms.say(person, "hi")
        self.assertEqual(
            member.lines(),
            ["alice joined the chat", "Connected to the server", "alice: hi"],
        )


class Leaving(SynchronousTestCase):
    """Leaving in good order takes as long as reading does, but not for ever."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.alice, self.bob = self.chat.everybody("alice", "bob")
        self.bob.stalled = True
        self.alice.types("hello")
        self.bob.types("/quit")

    def test_who_leaves_and_does_not_read_is_cut_off_after_a_while(self) -> None:
        self.chat.clock.advance(PARTING - 1)
        self.assertEqual((self.bob.disconnects, self.bob.aborts), (0, 0))
        self.chat.clock.advance(1)
        self.assertEqual(self.bob.aborts, 1)

    def test_who_reads_in_time_is_disconnected_and_no_timer_remains(self) -> None:
        self.bob.reads()
        self.assertEqual(self.bob.disconnects, 1)
        self.bob.goes()
        self.chat.clock.advance(PARTING)
        self.assertEqual(self.bob.aborts, 0)
        self.assertEqual(self.chat.clock.getDelayedCalls(), [])


class FailingStore(SynchronousTestCase):
    """When the log cannot keep a line (threat 13)."""

    def setUp(self) -> None:
        self.log = FailingLog()
        self.chat = Chat(self.log)
        self.alice, self.bob = self.chat.everybody("alice", "bob")
        self.log.failing = NOT_STORED

    def test_the_sender_is_told_and_nobody_hears_the_line(self) -> None:
        self.alice.types("lost")
        self.assertEqual((self.alice.hears(), self.bob.hears()), ([NOT_STORED_LINE], []))

    def test_so_also_with_a_private_line(self) -> None:
        self.alice.types("/msg bob lost")
        self.assertEqual((self.alice.hears(), self.bob.hears()), ([NOT_STORED_LINE], []))

    def test_the_chat_goes_on_when_the_log_does(self) -> None:
        self.alice.types("lost", "/msg bob lost")
        self.log.failing = None
        self.alice.hears()
        self.alice.types("back", "/msg bob here", "/me waves")
        heard = ["* alice waves", "alice -> bob: here", "alice: back"]
        self.assertEqual(sorted(self.alice.hears()), heard)
        self.assertEqual(sorted(self.bob.hears()), heard)

    def test_people_come_and_go_meanwhile(self) -> None:
        carol = self.chat.join("carol")
        carol.types("/quit")
        self.assertEqual(self.bob.hears(), ["carol joined the chat", "carol left the chat"])

    def test_a_mistake_in_the_log_is_logged(self) -> None:
        self.log.failing = ZeroDivisionError()
        self.alice.types("lost")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.bob.hears(), [])


class Closing(SynchronousTestCase):
    """The end of the chat (threat 16)."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.alice, self.bob = self.chat.everybody("alice", "bob")

    def test_everybody_hears_what_was_said_and_a_last_word_and_is_disconnected(self) -> None:
        stranger = self.chat.connect()
        self.alice.types("last")
        self.chat.hub.close("Goodbye.")
        self.chat.turn()
        heard = [guest.hears() for guest in (self.alice, self.bob, stranger)]
        self.assertEqual(heard, [["alice: last", "-- Goodbye."]] * 2 + [["-- Goodbye."]])
        self.assertEqual([g.disconnects for g in (self.alice, self.bob, stranger)], [1, 1, 1])

    def test_it_is_over_when_all_connections_are_gone(self) -> None:
        over = self.chat.hub.close("Goodbye.")
        self.chat.turn()
        self.alice.goes()
        self.assertNoResult(over)
        self.bob.goes()
        self.assertIsNone(self.successResultOf(over))

    def test_nobody_is_told_that_the_others_leave(self) -> None:
        self.chat.hub.close("Goodbye.")
        self.alice.goes()
        self.assertEqual(self.bob.hears(), ["-- Goodbye."])

    def test_it_is_over_at_once_when_nobody_is_there(self) -> None:
        self.assertIsNone(self.successResultOf(Chat().hub.close("Goodbye.")))

    def test_stalled_members_are_cut_off_after_a_grace_and_not_before(self) -> None:
        self.bob.stalled = True
        self.alice.types("held")
        over = self.chat.hub.close("Goodbye.")
        self.chat.turn()
        self.alice.goes()
        self.chat.clock.advance(GRACE - 0.1)
        self.assertEqual(self.bob.aborts, 0)
        self.assertNoResult(over)
        self.chat.clock.advance(0.2)
        self.assertEqual((self.alice.aborts, self.bob.aborts), (0, 1))
        self.assertIsNone(self.successResultOf(over))

    def test_closing_twice_says_goodbye_once(self) -> None:
        self.chat.hub.close("Goodbye.")
        self.chat.hub.close("Goodbye.")
        self.chat.turn()
        self.assertEqual((self.alice.hears(), self.alice.disconnects), (["-- Goodbye."], 1))

    def test_who_comes_now_is_told_and_disconnected(self) -> None:
        self.chat.hub.close("Goodbye.")
        late = self.chat.connect("192.0.2.1")
        self.chat.turn()
        self.assertFalse(late.admitted)
        self.assertEqual(late.disconnects, 1)
        self.assertTrue(late.hears()[-1].endswith("[closing]"))

    def test_what_was_accepted_is_committed_before_the_last_word(self) -> None:
        log = SlowLog()
        chat = Chat(log)
        alice = chat.join("alice")
        log.slow = True
        alice.types("pending")
        log.commit()
        chat.hub.close("Goodbye.")
        chat.turn()
        self.assertEqual(alice.hears(), ["alice: pending", "-- Goodbye."])

    def test_a_log_that_cannot_be_closed_does_not_keep_the_chat_open(self) -> None:
        log = FailingLog()
        chat = Chat(log)
        alice = chat.join("alice")
        log.failing = ZeroDivisionError()
        over = chat.hub.close("Goodbye.")
        chat.turn()
        alice.goes()
        self.assertEqual(alice.hears(), ["-- Goodbye."])
        self.assertIsNone(self.successResultOf(over))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
