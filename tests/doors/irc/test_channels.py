"""Rooms by IRC: coming in and going out, who is there, topics, lists, invitations, kicks."""

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.isupport import MOST_JOINED
from chatservice.doors.irc.message import parse
from chatservice.doors.line import ChatFactory
from chatservice.limits import UNLIMITED, Limits
from chatservice.people.person import Policy
from chatservice.roles import Role
from chatservice.rooms.modes import MAX_KEY
from chatservice.rooms.ops import MAX_TOPIC
from tests.doors.irc.chat import SERVER, Chat, Wire
from tests.doors.test_line import LinePerson
from tests.fakes import SlowLog, quick

FREE = Policy(UNLIMITED, plaintext_login=True)


def numbers(lines: list[str]) -> list[str]:
    """Return what each line is: a verb, or the number of a numeric."""
    return [parse(line.encode()).command for line in lines]


class InRooms(SynchronousTestCase):
    """Alice made #dev, Bob is in it; Carol is in no room."""

    def setUp(self) -> None:
        self.chat = Chat(FREE, roomless=True)
        self.alice, self.bob, self.carol = map(self.chat.joined, ("alice", "bob", "carol"))
        self.alice.asks("JOIN #dev")
        self.bob.asks("JOIN #dev")
        self.alice.lines()

    def answer(self, wire: Wire, line: str, *expected: str) -> None:
        """Check that a message is answered in these words, and nobody else hears of it."""
        self.others(wire)
        self.assertEqual(wire.asks(line), [f":{SERVER} {one}" for one in expected], line)
        self.assertEqual(self.others(wire), [], line)

    def refuse(self, wire: Wire, line: str, *numerics: str) -> None:
        """Check that a message is refused so, and nobody else hears of it."""
        self.others(wire)
        self.assertEqual(numbers(wire.asks(line)), list(numerics), line)
        self.assertEqual(self.others(wire), [], line)

    def others(self, wire: Wire) -> list[str]:
        return [
            line
            for other in (self.alice, self.bob, self.carol)
            if other is not wire
            for line in other.lines()
        ]

    def all_hear(self, line: str, *wires: Wire) -> None:
        for wire in wires:
            self.assertEqual(wire.lines(), [line])

    def line_person(self, nick: str) -> LinePerson:
        """Return somebody in the same chat who uses nc."""
        person = LinePerson(ChatFactory(self.chat.hub))
        person.send(f"{nick}\n".encode())
        self.chat.turn()
        person.lines()
        return person

    def types(self, person: LinePerson, *lines: str) -> list[str]:
        for line in lines:
            person.send(f"{line}\n".encode())
            self.chat.turn()
        return person.lines()


class Joining(InRooms):
    """JOIN and PART."""

    def test_who_comes_in_is_told_the_topic_and_who_is_there(self) -> None:
        self.alice.asks("TOPIC #dev :Release on Friday")
        lines = self.carol.asks("JOIN #DEV")
        at = int(self.chat.hub.now())
        self.assertEqual(
            lines,
            [
                f":carol!~carol@{SERVER} JOIN #dev",
                f":{SERVER} 332 carol #dev :Release on Friday",
                f":{SERVER} 333 carol #dev alice!~alice@{SERVER} {at}",
                f":{SERVER} 353 carol = #dev :@alice bob carol",
                f":{SERVER} 366 carol #dev :End of /NAMES list",
            ],
        )
        self.assertEqual(self.bob.lines()[-1], f":carol!~carol@{SERVER} JOIN #dev")

    def test_others_are_told_what_who_comes_in_is_there(self) -> None:
        dan = self.chat.joined("dan", "multi-prefix")
        dan.asks("JOIN #dev")
        self.alice.asks("MODE #dev +o bob")
        self.bob.asks("PART #dev")
        for wire in (self.alice, dan):
            wire.lines()
        self.assertEqual(numbers(self.bob.asks("JOIN #dev")), ["JOIN", "353", "366"])
        came = f":bob!~bob@{SERVER} JOIN #dev"
        self.assertEqual(self.alice.lines(), [came, f":{SERVER} MODE #dev +o bob"])
        self.assertEqual(dan.lines(), [came, f":{SERVER} MODE #dev +ov bob bob"])

    def test_several_with_their_keys(self) -> None:
        self.alice.asks("JOIN #a,#b,#c", "MODE #a +k ka", "MODE #c +k kc")
        joined = [line for line in self.carol.asks("JOIN #a,#b,#a,#c ka,,x,kc") if " JOIN " in line]
        self.assertEqual([line.rpartition(" ")[2] for line in joined], ["#a", "#b", "#c"])

    def test_who_is_in_already_hears_nothing(self) -> None:
        self.assertEqual(self.bob.asks("JOIN #dev,#Dev"), [])

    def test_zero_leaves_all(self) -> None:
        self.bob.asks("JOIN #a")
        self.assertEqual(
            self.bob.asks("JOIN 0"),
            [f":bob!~bob@{SERVER} PART #dev", f":bob!~bob@{SERVER} PART #a"],
        )
        self.all_hear(f":bob!~bob@{SERVER} PART #dev", self.alice)
        self.assertEqual(self.bob.asks("JOIN 0"), [])

    def test_what_may_not_be(self) -> None:
        for setting, number in (
            ("+k sesame", "475"),
            ("-k+i", "473"),
            ("-i+l 2", "471"),
            ("-l+z", "489"),
            ("-z+b carol!*@*", "474"),
        ):
            self.alice.asks(f"MODE #dev {setting}")
            self.chat.hub.find("carol").encrypted = False
            self.refuse(self.carol, "JOIN #dev", number)
        self.refuse(self.carol, "JOIN nothing,#,#a\u200db", "476", "476", "476")
        self.refuse(self.carol, "JOIN", "461")
        self.refuse(self.carol, "JOIN :", "461")
        self.refuse(self.carol, "JOIN ,,,")

    def test_so_many_at_a_time_and_altogether(self) -> None:
        names = [f"#{number}" for number in range(MOST_JOINED + 1)]
        lines = self.carol.asks(f"JOIN {','.join(names)}")
        self.assertEqual(numbers(lines).count("JOIN"), MOST_JOINED)
        self.assertEqual(numbers(lines).count("407"), 1)
        chat = Chat(Policy(Limits(rooms=2, connections=9)), roomless=True)
        dan = chat.joined("dan")
        self.assertEqual(numbers(dan.asks("JOIN #a,#b,#c"))[-1], "405")

    def test_what_was_joined_at_once_is_paid_for_later(self) -> None:
        chat = Chat(roomless=True)
        dan = chat.joined("dan")
        dan.asks(f"JOIN {','.join(f'#{number}' for number in range(40))}")
        self.assertEqual(dan.asks("PRIVMSG nobody :x", "PING x"), [])
        chat.clock.advance(12)
        self.assertEqual(dan.lines(), [])
        chat.clock.advance(12)
        chat.turn()
        self.assertEqual(numbers(dan.lines()), ["401", "PONG"])

    def test_going_is_told_with_its_reason(self) -> None:
        line = f":bob!~bob@{SERVER} PART #dev :so long"
        self.assertEqual(self.bob.asks("PART #dev,#dev :so \x02long"), [line])
        self.all_hear(line, self.alice)
        self.refuse(self.bob, "PART #dev", "442")
        self.refuse(self.bob, "PART #none,", "403")
        self.alice.asks("MODE #dev +s")
        self.refuse(self.bob, "PART #dev", "403")

    def test_a_reason_is_not_a_way_round_being_muted(self) -> None:
        self.alice.asks("MODE #dev +m")
        self.bob.lines()
        self.assertEqual(self.bob.asks("PART #dev :psst"), [f":bob!~bob@{SERVER} PART #dev"])

    def test_what_it_is_labelled_with_comes_back(self) -> None:
        dan = self.chat.joined("dan", "labeled-response", "batch")
        first, *inside, last = dan.asks("@label=x JOIN #valid,invalid")
        name = re.fullmatch(rf"@label=x :{SERVER} BATCH \+(\S+) labeled-response", first)
        assert name is not None
        self.assertEqual(last, f":{SERVER} BATCH -{name[1]}")
        self.assertEqual({line.partition(" ")[0] for line in inside}, {f"@batch={name[1]}"})
        self.assertEqual(sorted(numbers(inside)), ["353", "366", "476", "JOIN"])


class LookingRound(InRooms):
    """NAMES, LIST and the question of TOPIC."""

    def test_names(self) -> None:
        self.carol.asks("JOIN #other")
        self.alice.asks("MODE #dev +v bob")
        self.answer(
            self.carol,
            "NAMES #dev,#other,#none",
            "353 carol = #dev :@alice +bob",
            "353 carol = #other :@carol",
            "366 carol #dev,#other,#none :End of /NAMES list",
        )
        self.answer(self.carol, "NAMES", "366 carol * :End of /NAMES list")
        self.alice.asks("MODE #dev +s")
        self.answer(self.carol, "NAMES #dev", "366 carol #dev :End of /NAMES list")
        self.answer(
            self.bob,
            "NAMES #DEV",
            "353 bob @ #dev :@alice +bob",
            "366 bob #DEV :End of /NAMES list",
        )

    def test_all_prefixes_for_who_wants_them(self) -> None:
        dan = self.chat.joined("dan", "multi-prefix", "userhost-in-names")
        lines = dan.asks("NAMES #dev")
        self.assertEqual(
            lines[0], f":{SERVER} 353 dan = #dev :@+alice!~alice@{SERVER} bob!~bob@{SERVER}"
        )

    def test_list(self) -> None:
        self.carol.asks("JOIN #a,#b")
        self.carol.asks("TOPIC #b :What b is about", "MODE #a +s")
        head, end = "321 alice Channel :Users  Name", "323 alice :End of /LIST"
        dev, b = "322 alice #dev 2 :", "322 alice #b 1 :What b is about"
        self.answer(self.alice, "LIST", head, dev, b, end)
        self.answer(self.alice, "LIST #B,#none,#a", head, b, end)
        self.answer(self.alice, "LIST #none", head, end)
        self.assertIn("#a", " ".join(self.carol.asks("LIST")))

    def test_conditions(self) -> None:
        self.alice.asks("TOPIC #dev :New")
        self.chat.clock.advance(600)
        self.chat.turn()
        self.carol.asks("JOIN #data", "TOPIC #data :Newer")
        for asked, found in (
            *(("*d*", "#dev #data"), ("#d?v", "#dev"), ("!*e*", "#data"), ("*d*,!*t*", "#dev")),
            *((">1", "#dev"), ("<2", "#data"), (">0,<9", "#dev #data"), ("<1", "")),
            *(("C>5", "#dev"), ("c<5", "#data"), ("T<5", "#data"), ("T>5,!#x", "#dev")),
            *(("C<0", ""), ("T>99", ""), ("C<x", ""), ("<", ""), ("*", "#dev #data")),
        ):
            rows = [line.split() for line in self.bob.asks(f"LIST {asked}") if " 322 " in line]
            self.assertEqual([row[3] for row in rows], found.split(), asked)

    def test_of_very_many_the_largest_are_listed(self) -> None:
        for number in range(1_001):
            self.carol.asks(f"JOIN #r{number}", f"PART #r{number}" if number == 7 else "PING x")
        lines = numbers(self.bob.asks("LIST"))
        self.assertEqual((lines.count("322"), lines[-2:]), (1_000, ["416", "323"]))
        self.assertIn(" #dev 2 :", " ".join(self.bob.asks("LIST")))

    def test_a_topic(self) -> None:
        self.answer(self.bob, "TOPIC #dev", "331 bob #dev :No topic is set")
        line = f":alice!~alice@{SERVER} TOPIC #dev :Release on Friday"
        self.assertEqual(self.alice.asks("TOPIC #dev :\x034Release on Friday"), [line])
        self.all_hear(line, self.bob)
        at = int(self.chat.hub.now())
        by = f"alice!~alice@{SERVER}"
        answers = ("332 carol #dev :Release on Friday", f"333 carol #dev {by} {at}")
        self.answer(self.carol, "TOPIC #DEV", *answers)
        self.refuse(self.bob, "TOPIC #dev :mine", "482")
        self.refuse(self.carol, "TOPIC #dev :mine", "482")
        self.refuse(self.carol, "TOPIC #none", "403")
        self.refuse(self.carol, "TOPIC", "461")
        self.alice.asks("MODE #dev -t")
        self.refuse(self.carol, "TOPIC #dev :mine", "442")
        self.bob.lines()
        self.assertEqual(self.bob.asks("TOPIC #dev :"), [f":bob!~bob@{SERVER} TOPIC #dev :"])

    def test_a_long_one_is_cut(self) -> None:
        (line,) = self.alice.asks(f"TOPIC #dev :{'x' * 400}")
        self.assertTrue(line.endswith(f" TOPIC #dev :{'x' * MAX_TOPIC}"))

    def test_a_secret_room_is_no_room(self) -> None:
        self.alice.asks("MODE #dev +s")
        for line in ("TOPIC #dev", "TOPIC #dev :x", "MODE #dev", "MODE #dev +i", "KICK #dev bob"):
            self.refuse(self.carol, line, "403")
        self.refuse(self.carol, "INVITE alice #dev", "403")


class Inviting(InRooms):
    """INVITE."""

    def test_who_is_invited_is_told(self) -> None:
        self.alice.asks("MODE #dev +i")
        self.bob.lines()
        self.assertEqual(self.alice.asks("INVITE Carol #dev"), [f":{SERVER} 341 alice carol #dev"])
        self.all_hear(f":alice!~alice@{SERVER} INVITE carol #dev", self.carol)
        self.assertEqual(self.bob.lines(), [])
        self.answer(self.carol, "INVITE", "336 carol #dev", "337 carol :End of /INVITE list")
        self.assertEqual(numbers(self.carol.asks("JOIN #dev")), ["JOIN", "353", "366"])
        self.answer(self.carol, "INVITE", "337 carol :End of /INVITE list")

    def test_others_in_the_room_if_they_want(self) -> None:
        dan = self.chat.joined("dan", "invite-notify")
        eve = self.chat.joined("eve", "invite-notify")
        dan.asks("JOIN #dev")
        eve.asks("JOIN #dev")
        dan.lines()
        self.assertEqual(eve.asks("INVITE carol #dev"), [f":{SERVER} 341 eve carol #dev"])
        self.assertEqual(dan.lines(), [f":eve!~eve@{SERVER} INVITE carol #dev"])

    def test_who_uses_nc_is_told_and_tells(self) -> None:
        nina = self.line_person("nina")
        self.alice.asks("INVITE nina #dev")
        self.chat.turn()
        self.assertEqual(nina.lines(), ["-- alice invites you to #dev: type /join #dev"])
        self.types(nina, "/join #dev", "/invite carol")
        self.all_hear(f":nina!~u@{SERVER} INVITE carol #dev", self.carol)

    def test_what_may_not_be(self) -> None:
        self.refuse(self.alice, "INVITE", "337")
        self.refuse(self.alice, "INVITE carol", "461")
        self.refuse(self.alice, "INVITE nobody1 #dev", "401")
        self.refuse(self.alice, "INVITE bob #dev", "443")
        self.refuse(self.alice, "INVITE carol #none", "403")
        self.refuse(self.carol, "INVITE alice #dev", "442")
        self.alice.asks("MODE #dev +i")
        self.bob.lines()
        self.refuse(self.bob, "INVITE carol #dev", "482")


class Kicking(InRooms):
    """KICK."""

    def test_who_is_kicked_is_out(self) -> None:
        line = f":alice!~alice@{SERVER} KICK #dev bob :that is enough"
        self.assertEqual(self.alice.asks("KICK #dev BOB :that is enough"), [line])
        self.all_hear(line, self.bob)
        self.refuse(self.bob, "PRIVMSG #dev :hi", "404")
        self.bob.asks("JOIN #dev")
        self.alice.lines()
        self.assertEqual(
            self.alice.asks("KICK #dev bob"), [f":alice!~alice@{SERVER} KICK #dev bob :alice"]
        )

    def test_several(self) -> None:
        self.carol.asks("JOIN #dev")
        self.alice.lines()
        lines = self.alice.asks("KICK #dev,#dev bob,carol,dan :out")
        self.assertEqual([line.split()[3] for line in lines], ["bob", "carol"])
        self.bob.asks("JOIN #dev")
        self.alice.lines()
        self.assertEqual(numbers(self.alice.asks("KICK #dev bob,dan,,bob")), ["KICK", "401"])

    def test_what_may_not_be(self) -> None:
        self.refuse(self.alice, "KICK #dev", "461")
        self.refuse(self.alice, "KICK #none bob", "403")
        self.refuse(self.alice, "KICK #dev nobody1", "401")
        self.refuse(self.alice, "KICK #dev carol", "441")
        self.refuse(self.alice, "KICK #dev alice", "482")
        self.refuse(self.bob, "KICK #dev alice", "482")
        self.refuse(self.bob, "KICK #dev carol", "482")
        self.refuse(self.carol, "KICK #dev bob", "482")

    def test_out_of_the_lobby_is_out_of_the_chat(self) -> None:
        lobby, identity = self.chat.hub.rooms.lobby, self.chat.hub.find("alice").inbox
        lobby.charter = lobby.charter.with_role(identity, Role.OP)
        self.bob.asks("JOIN #lobby")
        self.alice.asks("KICK #lobby bob :bye")
        self.assertEqual(
            self.bob.lines()[-1], "ERROR :Closing link: alice kicked you out of the chat: bye"
        )
        self.assertTrue(self.bob.transport.disconnecting)

    def test_who_uses_nc_kicks_and_is_kicked(self) -> None:
        nina = self.line_person("nina")
        self.types(nina, "/join #dev")
        self.alice.lines()
        self.alice.asks("KICK #dev nina :enough")
        heard = nina.lines()
        self.assertIn("! alice kicked you out of #dev: enough [kicked]", heard)
        self.assertIn("alice kicked nina out of #dev: enough", heard)


class OnASlowDisk(SynchronousTestCase):
    """What something is labelled with is on its answer, however long it takes."""

    def test_labels(self) -> None:
        log = SlowLog()
        chat = Chat(FREE, roomless=True, log=log)
        alice = chat.joined("alice", "labeled-response", "batch", "echo-message")
        bob = chat.joined("bob")
        alice.asks("JOIN #dev")
        bob.asks("JOIN #dev")
        alice.lines()
        for line, verb in (
            *(("MODE #dev +im", "MODE"), ("MODE #dev +v bob", "MODE"), ("MODE #dev +b x", "MODE")),
            *(("TOPIC #dev :tea", "TOPIC"), ("PRIVMSG #dev :hi", "PRIVMSG"), ("PART #dev", "PART")),
            *(("JOIN #dev", "BATCH"), ("KICK #dev bob", "KICK"), ("INVITE bob #dev", "341")),
            *(("MODE #dev -o alice", "MODE"), ("JOIN 0", "PART")),
        ):
            log.slow = True
            self.assertEqual(alice.asks(f"@label=x {line}"), [], line)
            log.slow = False
            log.commit()
            chat.turn()
            first = parse(alice.lines()[0].encode())
            self.assertEqual((first.tags.get("label"), first.command), ("x", verb), line)


class Hostile(SynchronousTestCase):
    """Whatever is sent, what comes back is well formed, and the chat goes on."""

    @quick
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(
                    ["JOIN", "PART", "NAMES", "TOPIC", "LIST", "INVITE", "KICK", "MODE"]
                ),
                st.lists(
                    st.sampled_from(
                        [
                            *("#dev", "#DEV", "#", "", ":", "0", "alice", "bob", "#dev,#a", ",,,"),
                            *("bob,alice,", "+o", "-ovbk", "+lkf", "+bbbbb", "b", "*!*@*", "$a:x"),
                            *("+k", "-k", "*", "!", ">1", "C<2", "\u0301", "#\u202ex", "x" * 300),
                            *("99999999999999999999", "-1", "+" * 300, "imnstz", "@#dev"),
                        ]
                    )
                    | st.text(
                        st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]),
                        max_size=30,
                    ),
                    max_size=5,
                ),
            ),
            max_size=12,
        )
    )
    def test_anything(self, messages: list[tuple[str, list[str]]]) -> None:
        chat = Chat(FREE, roomless=True)
        alice, bob = chat.joined("alice"), chat.joined("bob", "labeled-response", "batch")
        alice.asks("JOIN #dev")
        for verb, params in messages:
            line = " ".join([verb, *params])
            for wire in (alice, bob):
                wire.send(line.encode()[:500])
        for wire in (alice, bob):
            wire.send("PING done")
            lines = wire.lines()
            if wire.transport.disconnecting:
                continue
            self.assertTrue(lines[-1].endswith(f" PONG {SERVER} done"), lines[-1])
            for line in lines:
                self.assertLessEqual(len(line.encode()), 510)
                self.assertTrue(parse(line.encode()).command)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_key_is_as_long_as_it_may_be(self) -> None:
        chat = Chat(FREE, roomless=True)
        alice, bob = chat.joined("alice"), chat.joined("bob")
        alice.asks("JOIN #dev", f"MODE #dev +k {'k' * MAX_KEY}")
        self.assertEqual(numbers(bob.asks(f"JOIN #dev {'k' * 400}")), ["475"])
        self.assertIn("JOIN", numbers(bob.asks(f"JOIN #dev {'k' * MAX_KEY}")))
