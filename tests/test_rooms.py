"""Several rooms: joining, switching, speaking, leaving, and what each of the others sees."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.delivery.past import NOW as PRESENT
from chatservice.errors import Code
from chatservice.limits import UNLIMITED
from chatservice.names import LOBBY
from chatservice.people.person import Policy
from chatservice.plain import parse
from tests.fakes import LINES, Chat, Guest, SlowLog
from tests.test_returning import token_of

HERE = "-- You are in #dev now."


class InRooms(SynchronousTestCase):
    """Alice and Bob are in the lobby."""

    def setUp(self) -> None:
        self.log = SlowLog()
        self.chat = Chat(self.log)
        self.alice, self.bob = self.chat.everybody("alice", "bob")

    def together(self, *rooms: str) -> None:
        """Bring both into rooms; they have heard everything then."""
        for guest in (self.alice, self.bob):
            guest.types(*(f"/join {room}" for room in rooms))
        self.alice.hears(), self.bob.hears()

    def answer(self, guest: Guest, *typed: str) -> list[str]:
        """Type something; return what came."""
        guest.types(*typed)
        return guest.hears()

    def refused(self, guest: Guest, typed: str, code: Code) -> None:
        """Type something that is refused."""
        (line,) = self.answer(guest, typed)
        self.assertEqual(parse(line).nick, code, line)


class Joining(InRooms):
    """One's own rooms."""

    def test_who_joins_is_told_and_seen_and_speaks_there(self) -> None:
        self.assertEqual(self.answer(self.alice, "/join #dev"), [HERE, "alice joined #dev"])
        self.assertEqual(self.answer(self.alice, "hello"), ["alice: hello"])
        self.assertEqual(self.bob.hears(), [])
        self.assertEqual(self.answer(self.bob, "/join #Dev"), [HERE, "bob joined #dev"])
        self.assertEqual(self.alice.hears(), ["bob joined #dev"])
        self.assertEqual(self.answer(self.bob, "hi"), ["bob: hi"])
        self.assertEqual(self.alice.hears(), ["bob: hi"])

    def test_lines_of_other_rooms_have_the_rooms_name_before_them(self) -> None:
        self.together("#dev")
        carol = self.chat.join("carol")
        carol.types("hi", "/me waves", "/nick caro", "/quit")
        heard = [
            "#lobby carol joined the chat",
            "#lobby carol: hi",
            "#lobby * carol waves",
            "#lobby carol is now known as caro",
            "#lobby caro left the chat",
        ]
        self.assertEqual((self.alice.hears(), self.bob.hears()), (heard, heard))

    def test_joining_a_room_one_is_in_only_switches(self) -> None:
        self.together("#dev")
        self.assertEqual(
            self.answer(self.alice, "/join #lobby", "in the lobby", "/join #DEV", "in #dev"),
            [
                "-- You are in #lobby now.",
                *("alice: in the lobby", HERE, "alice: in #dev"),
            ],
        )
        self.assertEqual(self.bob.hears(), ["#lobby alice: in the lobby", "alice: in #dev"])
        self.assertEqual(self.answer(self.alice, "/join #dev"), [HERE])

    def test_who_joins_before_its_welcome_sees_no_more_than_others(self) -> None:
        """The number up to which one room is shown is not another's: that begins later, perhaps."""
        log = SlowLog()
        chat = Chat(log, policy=Policy(UNLIMITED, backlog=20))
        alice, bob = chat.everybody("alice", "bob")
        alice.types("/join #dev", "/mode invite-only on", *["hidden"] * 5, "/leave #dev")
        alice.types(*["open"] * 30)
        bob.types("/join #dev", "anew")
        log.slow = True
        carol = Guest(chat)
        carol.claims("carol")
        carol.types("/join #dev")
        log.slow = False
        log.commit()
        chat.turn()
        heard = carol.hears()
        self.assertFalse([line for line in heard if line.endswith("hidden")], heard)
        self.assertEqual(len([line for line in heard if line.endswith("anew")]), 1)
        self.assertEqual(len([line for line in heard if line.endswith("open")]), 20)

    def test_who_has_left_the_room_that_it_made_takes_it_from_nobody(self) -> None:
        self.alice.types("/register correct horse")
        self.log.slow = True
        self.alice.types("/join #dev", "/leave #dev")
        self.bob.types("/join #dev")
        self.log.slow = False
        self.log.commit()
        self.chat.turn()
        room = self.chat.hub.rooms.find("#dev")
        assert room is not None
        self.assertEqual(room.charter.founder, self.bob.person.inbox)

    def test_who_is_gone_with_its_room_before_its_welcome(self) -> None:
        self.log.slow = True
        carol = Guest(self.chat)
        carol.claims("carol")
        carol.types("/join #dev", "/quit")
        self.log.slow = False
        self.log.commit()
        self.chat.turn()
        self.assertTrue(carol.person.welcomed)
        self.assertEqual(carol.disconnects, 1)

    def test_the_backlog_of_a_room_is_shown_to_who_joins_it(self) -> None:
        chat = Chat(policy=Policy(UNLIMITED, backlog=2))
        alice, bob = chat.everybody("alice", "bob")
        alice.types("/join #dev", "1", "2", "3")
        lines = self.answer(bob, "/join #dev")
        self.assertEqual(lines[:2], [HERE, "bob joined #dev"])
        self.assertEqual([line.split("] ")[-1] for line in lines[2:4]], ["alice: 2", "alice: 3"])
        self.assertEqual(lines[4:], [f"-- {PRESENT}"])
        self.assertEqual(self.answer(bob, "/join #dev"), [HERE])

    def test_what_can_be_no_room_is_refused(self) -> None:
        for name in ("dev", "#", "##", "@", "#a:b", "#l0bby", "#\ufffd", "#" + "x" * 51, "x" * 900):
            guest = self.chat.join("guest")
            (line,) = self.answer(guest, f"/join {name}")
            self.assertIn(parse(line).nick, (Code.ROOM_INVALID, Code.BAD_ARGUMENTS))
            self.assertLess(len(line), 250)
            guest.types("/quit")
        self.assertEqual(len(self.chat.hub.rooms), 1)

    def test_nobody_is_in_more_rooms_than_allowed(self) -> None:
        self.alice.types(*(f"/join #r{n}" for n in range(1100)))
        refused = [line for line in self.alice.hears() if line.startswith("!")]
        self.assertEqual(len(refused), 101)
        self.assertTrue(refused[0].endswith(f"/leave one first. [{Code.TOO_MANY_ROOMS}]"))
        self.assertEqual(len(self.chat.hub.rooms), 1000)
        self.assertEqual(self.answer(self.alice, "/join #r7")[-1], "-- You are in #r7 now.")
        self.alice.types("/leave #r8", "/join #r1099")
        self.assertEqual(self.alice.hears()[-1], "alice joined #r1099")


class Leaving(InRooms):
    """A room, or the chat with all of them."""

    def test_who_leaves_a_room_sees_that_and_is_in_the_one_before(self) -> None:
        self.together("#a", "#dev")
        self.assertEqual(
            self.answer(self.alice, "/leave", "hi"),
            ["alice left #dev", "-- You are in #a now.", "alice: hi"],
        )
        self.assertEqual(self.bob.hears(), ["alice left #dev", "#a alice: hi"])
        self.assertEqual(self.answer(self.bob, "still here"), ["bob: still here"])
        self.assertEqual(self.alice.hears(), [])

    def test_another_room_can_be_left_without_switching(self) -> None:
        self.together("#dev")
        self.assertEqual(
            self.answer(self.alice, "/leave #LOBBY", "hi"),
            ["#lobby alice left the chat", "alice: hi"],
        )
        self.bob.hears()
        self.bob.types("/say #lobby nobody hears")
        self.assertEqual(self.alice.hears(), [])

    def test_the_last_room_cannot_be_left(self) -> None:
        for typed in ("/leave", "/leave #lobby"):
            self.refused(self.alice, typed, Code.LAST_ROOM)
        self.alice.types("/join #dev", "/leave #lobby")
        self.alice.hears()
        self.refused(self.alice, "/leave", Code.LAST_ROOM)
        self.assertEqual(self.answer(self.alice, "hi"), ["alice: hi"])

    def test_a_room_one_is_not_in_cannot_be_left(self) -> None:
        self.alice.types("/join #dev")
        self.alice.hears()
        self.refused(self.bob, "/leave #dev", Code.NO_SUCH_ROOM)
        self.refused(self.bob, "/leave dev", Code.ROOM_INVALID)

    def test_an_empty_room_is_forgotten_but_not_what_was_said_there(self) -> None:
        self.alice.types("/join #dev", "1", "2", "/leave")
        self.assertEqual(len(self.chat.hub.rooms), 1)
        self.assertEqual(self.chat.hub.delivery._feeds.keys(), {LOBBY})
        self.bob.types("/join #dev", "/time on", "3")
        self.assertTrue(self.bob.hears()[-1].endswith(" 3] bob: 3"))

    def test_leaving_the_chat_is_seen_once_in_every_shared_room(self) -> None:
        for end in ("quits", "is lost"):
            chat = Chat()
            alice, bob = chat.everybody("alice", "bob")
            for guest in (alice, bob):
                guest.types("/join #a", "/join #b")
            alice.types("/join #c")
            bob.hears()
            alice.types("/quit") if end == "quits" else alice.goes()
            self.assertEqual(
                bob.hears(), ["#lobby alice left the chat", "alice left #a", "alice left #b"], end
            )
            self.assertEqual(len(chat.hub.rooms), 3)

    def test_a_new_nickname_is_seen_in_every_shared_room(self) -> None:
        self.together("#a")
        self.assertEqual(
            self.answer(self.alice, "/nick al"),
            ["#lobby alice is now known as al", "alice is now known as al"],
        )
        self.assertEqual(len(self.bob.hears()), 2)
        self.assertEqual(self.answer(self.bob, "/who"), ["-- 2 here: al (founder) bob"])
        self.assertEqual(self.answer(self.bob, "/who #lobby"), ["-- 2 in #lobby: al bob"])


class Speaking(InRooms):
    """In the current room, and in others."""

    def setUp(self) -> None:
        super().setUp()
        self.together("#a", "#b")

    def test_a_line_may_name_its_room(self) -> None:
        for typed in ("/say #a hi there", "#a hi there", "#A  hi there ", "/SAY #A hi there"):
            self.assertEqual(self.answer(self.alice, typed), ["#a alice: hi there"])
            self.assertEqual(self.bob.hears(), ["#a alice: hi there"])
        self.assertEqual(self.answer(self.alice, "#b here"), ["alice: here"])

    def test_what_only_looks_like_it_is_not_said_by_mistake(self) -> None:
        (line,) = self.answer(self.alice, "#hashtag is fun")
        self.assertIn("/join #hashtag", line)
        self.assertIn("/say #b before", line)
        self.assertTrue(line.endswith(f"[{Code.NO_SUCH_ROOM}]"))
        self.assertEqual(self.bob.hears(), [])
        self.assertEqual(
            self.answer(self.alice, "/say #b #hashtag is fun"), ["alice: #hashtag is fun"]
        )

    def test_what_can_name_no_room_is_text(self) -> None:
        for text in (
            "#",
            "# heading",
            "## heading",
            "#a",
            "#!/bin/sh -e",
            "#[x] y",
            " #a x",
            "#-a x",
        ):
            self.assertEqual(self.answer(self.alice, text), [f"alice: {text}"])

    def test_two_slashes_say_one_whatever_follows(self) -> None:
        self.assertEqual(self.answer(self.alice, "//#a hi"), ["alice: /#a hi"])

    def test_me_and_history_are_about_the_current_room(self) -> None:
        self.assertEqual(self.answer(self.alice, "/me waves"), ["* alice waves"])
        self.assertEqual(len(self.answer(self.alice, "/history")), 2)
        self.assertEqual(
            self.answer(self.alice, "/join #a", "/history")[1:], ["-- There is nothing earlier."]
        )

    def test_a_search_may_look_into_ones_other_rooms(self) -> None:
        self.alice.types("/say #a needle", "/leave #lobby")
        self.alice.hears()
        self.assertEqual(self.answer(self.alice, "/search needle"), ["-- Nothing found."])
        lines = self.answer(self.alice, "/search needle in:#A")
        self.assertTrue(lines[1].endswith("] #a alice: needle"), lines)
        for room in ("#lobby", "#secret"):
            self.refused(self.alice, f"/search needle in:{room}", Code.NO_SUCH_ROOM)

    def test_rooms_shows_ones_own_first_and_not_without_end(self) -> None:
        carol = self.chat.join("carol")
        carol.types(*(f"/join #r{n}" for n in range(100)))
        self.alice.hears()
        lines = self.answer(self.alice, "/rooms")
        self.assertEqual(
            lines[:4],
            [
                "-- 103 rooms, yours first:",
                *(
                    "--   #b: 2 here, current",
                    "--   #a: 2 here, joined",
                    "--   #lobby: 3 here, joined",
                ),
            ],
        )
        self.assertEqual((len(lines), lines[-1]), (22, "--   and 83 more"))
        carol.hears()
        lines = self.answer(carol, "/rooms")
        self.assertEqual((lines[1], len(lines)), ("--   #r99: 1 here, current", 22))

    def test_a_room_somebody_left_gives_nothing_away(self) -> None:
        self.alice.types("/leave #a")
        self.bob.types("#a secret")
        self.alice.hears()
        for typed in ("#a hi", "/say #a hi", "/search secret in:#a", "/leave #a"):
            self.refused(self.alice, typed, Code.NO_SUCH_ROOM)
        self.assertEqual(self.bob.hears()[-1], "#a bob: secret")


class Costs(InRooms):
    """What many rooms and many members cost."""

    def test_a_line_is_encoded_once_for_those_who_look_and_once_for_the_others(self) -> None:
        from tests.fakes import FROM_ELSEWHERE

        guests = self.chat.everybody(*(f"g{n}" for n in range(10)))
        for guest in guests[:5]:
            guest.types("/join #a")
        self.alice.types("only once")
        for dialect in (LINES, FROM_ELSEWHERE):
            counts = [n for event, n in dialect.encoded.items() if event.text == "only once"]
            self.assertEqual(counts, [1])

    def test_somebody_in_a_thousand_rooms_comes_and_goes(self) -> None:
        self.alice.types(*(f"/join #r{n}" for n in range(999)))
        self.assertEqual(len(self.alice.hears()), 2 * 999)
        self.alice.types("/nick al")
        self.assertEqual(len(self.alice.hears()), 1000)
        self.alice.types("/quit")
        self.assertEqual(len(self.chat.hub.rooms), 1)
        self.assertEqual(len(self.chat.hub.delivery._feeds), 1)
        self.assertEqual(self.bob.hears(), ["alice is now known as al", "al left the chat"])


class InOrder(InRooms):
    """With a log that takes its time, and with members that do."""

    def test_what_was_said_before_a_switch_is_shown_before_it(self) -> None:
        self.together("#dev")
        self.log.slow = True
        self.bob.types("1", "#lobby 2")
        self.alice.types("/join #lobby")
        self.bob.types("3", "#lobby 4")
        self.settle()
        heard = self.alice.hears()
        self.assertEqual({*heard[:2]}, {"bob: 1", "#lobby bob: 2"})
        self.assertEqual(heard[2], "-- You are in #lobby now.")
        self.assertEqual({*heard[3:]}, {"#dev bob: 3", "bob: 4"})

    def test_joining_and_leaving_race_with_what_is_said(self) -> None:
        self.alice.types("/join #dev")
        self.alice.hears()
        self.log.slow = True
        self.alice.types("0")
        self.bob.types("/join #dev", "in")
        self.alice.types("1")
        self.bob.types("/leave", "out")
        self.alice.types("2")
        self.bob.types("/join #dev", "again")
        self.alice.types("3")
        self.settle()
        self.assertEqual(
            self.bob.hears(),
            [
                *(HERE, "bob joined #dev", "bob: in", "alice: 1", "bob left #dev"),
                *("-- You are in #lobby now.", "bob: out", HERE, "bob joined #dev"),
                *("bob: again", "alice: 3"),
            ],
        )

    def test_whoever_goes_while_joining_is_nowhere(self) -> None:
        for end in ("/quit", ""):
            guest = self.chat.join("guest")
            self.log.slow = True
            guest.types("/join #dev", "/join #a", "/leave #dev")
            guest.types(end) if end else guest.goes()
            self.settle()
            self.log.slow = False
            self.assertEqual(len(self.chat.hub.rooms), 1)
            self.assertEqual(self.chat.hub.delivery._feeds.keys(), {LOBBY})

    def test_a_slow_reader_gets_a_room_up_to_where_it_left(self) -> None:
        self.together("#dev")
        self.bob.stalled = True
        for n in range(5):
            self.alice.types(f"{n}")
        self.bob.types("/leave")
        self.alice.types("not for bob")
        self.bob.reads()
        heard = self.bob.hears()
        self.assertEqual(
            [line for line in heard if "You are" not in line],
            ["alice: 0", *(f"#dev alice: {n}" for n in range(1, 5)), "bob left #dev"],
        )
        self.bob.types("/join #dev")
        self.bob.hears()
        self.alice.types("live again")
        self.assertEqual(self.bob.hears(), ["alice: live again"])

    def test_a_slow_reader_that_comes_back_to_a_room_misses_nothing(self) -> None:
        self.together("#dev")
        self.bob.stalled = True
        self.alice.types("0", "1")
        self.bob.types("/leave", "/join #dev")
        self.alice.types("2")
        self.bob.reads()
        self.alice.types("3")
        texts = [line.split(": ")[1] for line in self.bob.hears() if "alice: " in line]
        self.assertEqual(texts, ["0", "1", "2", "3"])

    def test_a_slow_reader_gets_nothing_of_a_room_between_two_stays(self) -> None:
        self.together("#dev")
        self.bob.stalled = True
        for n in range(3):
            self.alice.types(f"in {n}", f"on {n}")
            self.bob.types("/leave")
            self.alice.types(f"out {n}")
            self.bob.types("/join #dev")
        self.bob.types("/leave")
        self.alice.types("out 3")
        self.bob.reads()
        texts = [line.split(": ")[1] for line in self.bob.hears() if "alice: " in line]
        self.assertEqual(texts, ["in 0", "on 0", "in 1", "on 1", "in 2", "on 2"])
        self.assertEqual(len(self.chat.hub.delivery._readers[self.bob].cursors), 1)

    def test_a_slow_reader_in_several_stays_may_quit(self) -> None:
        self.together("#dev")
        self.bob.stalled = True
        self.alice.types("0", "1")
        self.bob.types("/leave", "/join #dev")
        self.alice.types("2")
        self.bob.types("/quit")
        self.alice.types("3")
        self.bob.reads()
        texts = [line.split(": ")[1] for line in self.bob.hears() if "alice: " in line]
        self.assertEqual((texts, self.bob.disconnects), (["0", "1", "2"], 1))

    def settle(self) -> None:
        """Let the log do all it was asked to do."""
        for _ in range(12):
            self.log.commit()
            self.log.answer()
            self.chat.turn()


class ComingBack(InRooms):
    """To all rooms that one was in."""

    def setUp(self) -> None:
        super().setUp()
        self.together("#a", "#b")
        self.token = token_of(self.alice)

    def back(self, offer: str = "") -> list[str]:
        """Come back; return what is told, without the stamps."""
        self.guest = self.chat.connect()
        self.guest.claims(offer or self.token)
        return [line.split("] ")[-1] for line in self.guest.hears()]

    def test_all_rooms_are_joined_unnoticed_and_the_current_one_is_current(self) -> None:
        self.alice.goes()
        self.assertEqual(self.back(), ["Connected to the server", "-- You are in #b now."])
        self.assertEqual(self.bob.hears(), [])
        self.guest.types("hi", "#a ha", "#lobby ho")
        self.assertEqual(self.bob.hears(), ["alice: hi", "#a alice: ha", "#lobby alice: ho"])
        self.assertEqual(len(self.guest.hears()), 3)

    def test_what_was_missed_is_told_of_each_room(self) -> None:
        self.alice.types("/join #a")
        self.alice.goes()
        self.bob.types("#lobby 1", "#a 2", "#b 3", "/msg alice 4")
        self.assertEqual(
            self.back(),
            [
                *("Connected to the server", "-- You are in #a now."),
                *("#lobby bob: 1", "bob: 2", "#b bob: 3", "bob -> alice: 4"),
                f"-- {PRESENT}",
            ],
        )

    def test_positions_count_in_each_room(self) -> None:
        self.bob.types("#lobby 1", "#lobby 2", "#a 1", "#a 2", "#b 1", "#b 2")
        self.alice.goes()
        told = self.back(f"{self.token} #lobby:1 #a:0 #b:2 #elsewhere:0 @:0")
        self.assertEqual(told[2:-1], ["#lobby bob: 2", "#a bob: 1", "#a bob: 2"])

    def test_who_comes_back_late_is_seen_to_join_each_room(self) -> None:
        self.alice.goes()
        self.chat.clock.advance(61)
        self.assertEqual(
            self.bob.hears(), ["#lobby alice left the chat", "alice left #a", "alice left #b"]
        )
        self.bob.types("/leave #a")
        self.bob.hears()
        self.assertEqual(
            self.back(),
            [
                *("alice joined the chat", "alice joined #a", "alice joined #b"),
                *("Connected to the server", "-- You are in #b now."),
            ],
        )
        self.assertEqual(self.bob.hears(), ["#lobby alice joined the chat", "alice joined #b"])
        self.assertEqual(self.answer(self.bob, "/who"), ["-- 2 here: alice (founder) bob"])

    def test_the_old_connection_hears_no_more_when_it_still_stands(self) -> None:
        self.assertEqual(self.back()[:2], ["Connected to the server", "-- You are in #b now."])
        self.assertEqual(len(self.alice.hears()), 1)
        self.bob.types("#a x")
        self.assertEqual((self.alice.hears(), self.guest.hears()), ([], ["#a bob: x"]))
        self.alice.goes()
        self.bob.hears()
        self.assertEqual(self.answer(self.bob, "/who #a"), ["-- 2 in #a: alice (founder) bob"])

    def test_the_answer_to_resume_is_a_line_that_can_be_given_back(self) -> None:
        self.alice.types(*(f"/join #{n:050}" for n in range(500)))
        self.alice.hears()
        self.alice.types("/resume")
        (line,) = self.alice.hears()
        answer = line.partition(": ")[2]
        self.assertLessEqual(len(answer.encode()), 1024)
        self.assertTrue(answer.endswith(f" #{499:050}:0 @:0"), answer)
        self.alice.goes()
        self.bob.types("#a missed")
        self.assertIn("#a bob: missed", self.back(answer))
        self.assertEqual(len(self.guest.person.place.rooms), 503)

    def test_rooms_joined_and_left_since_the_token_was_given_count(self) -> None:
        self.alice.types("/leave #a", "/join #c", "/join #lobby")
        self.alice.goes()
        self.assertEqual(self.back(), ["Connected to the server"])
        self.assertEqual([*self.guest.person.place.rooms], ["#b", "#c", LOBBY])
