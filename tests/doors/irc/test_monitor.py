"""MONITOR and extended-monitor: who watches whom by IRC."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from chatservice.presence.watching import MOST_WATCHED
from tests.doors.irc.chat import SERVER, Chat
from tests.doors.irc.test_people import bare


class Monitor(SynchronousTestCase):
    """alice watches others, and shares no room with them."""

    def setUp(self) -> None:
        self.chat = Chat(Policy(limits=UNLIMITED, absence=0), roomless=True)
        self.alice = self.chat.joined("alice")

    def test_who_is_here_and_who_is_not(self) -> None:
        self.chat.joined("bob")
        expected = [f"730 :bob!~bob@{SERVER}", "731 :zoe,yan"]
        lines = [
            line.replace("730 bob", "730 :bob")
            for line in bare(self.alice.asks("MONITOR + BOB,zoe,yan,zoe"))
        ]
        self.assertEqual(lines, expected)
        lines = [line.replace("730 bob", "730 :bob") for line in bare(self.alice.asks("MONITOR s"))]
        self.assertEqual(lines, expected)
        listed = bare(self.alice.asks("MONITOR L"))
        self.assertEqual(listed, ["732 :BOB,zoe,yan", "733 :End of MONITOR list"])

    def test_coming_and_going_by_any_name(self) -> None:
        self.alice.send("MONITOR + bob,rob")
        self.alice.lines()
        bob = self.chat.joined("Bob")
        self.assertEqual(bare(self.alice.lines()), [f"730 Bob!~Bob@{SERVER}"])
        bob.send("NICK BOB")
        self.assertEqual(self.alice.lines(), [])
        bob.send("NICK rob")
        self.assertEqual(bare(self.alice.lines()), ["731 BOB", f"730 rob!~Bob@{SERVER}"])
        bob.send("QUIT")
        self.assertEqual(bare(self.alice.lines()), ["731 rob"])

    def test_who_loses_the_connection_is_gone(self) -> None:
        bob = self.chat.joined("bob")
        self.alice.send("MONITOR + bob")
        self.alice.lines()
        bob.protocol.connectionLost()
        self.chat.turn()
        self.assertEqual(bare(self.alice.lines()), ["731 bob"])

    def test_who_wants_to_see_no_coming_and_going_sees_that_all_the_same(self) -> None:
        self.alice.send("JOIN #den", "QUIET on", "MONITOR + bob")
        self.alice.lines()
        self.chat.joined("bob").send("JOIN #den")
        self.assertEqual(bare(self.alice.lines()), [f"730 bob!~bob@{SERVER}"])

    def test_no_more_of_who_is_not_watched_any_more(self) -> None:
        self.alice.send("MONITOR + bob,carol")
        self.alice.lines()
        self.assertEqual(self.alice.asks("MONITOR - BOB,nobody_else"), [])
        self.chat.joined("bob")
        self.assertEqual(self.alice.lines(), [])
        self.assertEqual(self.alice.asks("MONITOR C"), [])
        self.chat.joined("carol")
        self.assertEqual(self.alice.lines(), [])
        self.assertEqual(bare(self.alice.asks("MONITOR L")), ["733 :End of MONITOR list"])

    def test_not_too_many(self) -> None:
        names = [f"n{number}" for number in range(MOST_WATCHED + 2)]
        for start in range(0, MOST_WATCHED - 10, 10):
            self.alice.send(f"MONITOR + {','.join(names[start : start + 10])}")
        self.alice.lines()
        told = bare(self.alice.asks(f"MONITOR + {','.join(names[MOST_WATCHED - 10 :])}"))
        self.assertTrue(told[0].startswith("734 100 n100,n101 :"), told)
        self.assertEqual(told[1], f"731 :{','.join(names[MOST_WATCHED - 10 : MOST_WATCHED])}")

    def test_long_lists_go_out_in_several_lines(self) -> None:
        names = ["x" * 28 + f"{number:03}" for number in range(40)]
        for start in range(0, 40, 10):
            self.alice.send(f"MONITOR + {','.join(names[start : start + 10])}")
        self.alice.lines()
        lines = bare(self.alice.asks("MONITOR L"))
        self.assertEqual([line[:4] for line in lines], ["732 "] * 3 + ["733 "])
        self.assertEqual([n for line in lines[:-1] for n in line[5:].split(",")], names)

    def test_what_is_no_nickname_is_refused_and_what_is_no_command(self) -> None:
        for mask in ("*!x@y", "#lobby", "a b", "x" * 99):
            (line, *rest) = bare(self.alice.asks(f"MONITOR + :{mask}"))
            self.assertTrue(line.startswith("432 "), line)
            self.assertEqual(rest, [])
        self.assertTrue(bare(self.alice.asks("MONITOR X"))[0].startswith("400 MONITOR :"))
        self.assertEqual(self.alice.asks("MONITOR +"), [])

    def test_whoever_is_in_the_way_of_a_label_is_not_part_of_its_answer(self) -> None:
        dan = self.chat.joined("dan", "labeled-response", "batch")
        dan.send("MONITOR + bob")
        dan.lines()
        self.assertEqual(dan.asks("@label=x PING y"), [f"@label=x :{SERVER} PONG {SERVER} y"])
        self.chat.joined("bob")
        self.assertEqual(bare(dan.lines()), [f"730 bob!~bob@{SERVER}"])


class ExtendedMonitor(SynchronousTestCase):
    """What those do everywhere who are watched."""

    def setUp(self) -> None:
        self.chat = Chat(Policy(limits=UNLIMITED), roomless=True)
        caps = ("away-notify", "setname", "extended-monitor")
        self.alice, self.carol = (
            self.chat.joined("alice", *caps),
            self.chat.joined("carol", *caps[:2]),
        )
        self.bob = self.chat.joined("bob")
        for watcher in (self.alice, self.carol):
            watcher.send("MONITOR + bob")
            watcher.lines()

    def test_is_told_to_those_who_have_agreed_on_both(self) -> None:
        self.bob.send("AWAY :lunch", "AWAY", "SETNAME :Robert")
        source = f":bob!~bob@{SERVER}"
        expected = [f"{source} AWAY lunch", f"{source} AWAY", f"{source} SETNAME :Robert"]
        self.assertEqual(self.alice.lines(), expected)
        self.assertEqual(self.carol.lines(), [])

    def test_but_once_in_a_room_in_common(self) -> None:
        for wire in (self.alice, self.bob):
            wire.send("JOIN #den")
            wire.lines()
        self.alice.lines()
        self.bob.send("AWAY :lunch")
        self.assertEqual(self.alice.lines(), [f":bob!~bob@{SERVER} AWAY lunch"])
