"""The IRC door, over a StringTransport and a Clock: coming in, and the first things said."""

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from tests.doors.irc.chat import SERVER, Chat
from tests.fakes import SlowLog


class ComingIn(SynchronousTestCase):
    """Registration."""

    def test_who_gives_nick_and_user_is_welcome_and_in_the_lobby(self) -> None:
        chat = Chat()
        alice = chat.connect()
        self.assertEqual(alice.asks("NICK alice"), [])
        lines = alice.asks("USER al 0 * :Alice Liddell")
        verbs = [line.split(" ")[1] for line in lines]
        self.assertEqual(verbs[:5], ["001", "002", "003", "004", "005"])
        mask = f"alice!~al@{SERVER}"
        self.assertEqual(
            lines[-3:],
            [
                f":{mask} JOIN #lobby",
                f":{SERVER} 353 alice = #lobby :alice",
                f":{SERVER} 366 alice #lobby :End of /NAMES list",
            ],
        )

    def test_who_negotiates_is_let_in_when_it_says_so(self) -> None:
        alice = Chat().connect()
        alice.send("CAP LS 302", "NICK alice", "USER al 0 * :Alice")
        self.assertFalse([line for line in alice.lines() if " 001 " in line])
        self.assertTrue([line for line in alice.asks("CAP END") if " 001 " in line])

    def test_a_nickname_in_use_is_refused_and_another_does(self) -> None:
        chat = Chat()
        chat.joined("alice")
        second = chat.connect()
        second.send("NICK alice")
        (line,) = second.asks("USER al 0 * :Alice")
        self.assertTrue(line.startswith(f":{SERVER} 433 * alice :"), line)
        self.assertIn(" 001 ali ", second.asks("NICK ali")[0])

    def test_all_may_be_said_at_once(self) -> None:
        """As a script does: who has left by the time it is welcome is called by its name."""
        chat = Chat()
        bob, alice = chat.joined("bob"), chat.connect()
        script = "NICK alice\r\nUSER al 0 * :A\r\nPRIVMSG #lobby :hi\r\nQUIT\r\n"
        alice.protocol.dataReceived(script.encode())
        chat.turn()
        first, *others, last = alice.lines()
        self.assertTrue(first.startswith(f":{SERVER} 001 alice :"), first)
        self.assertTrue(last.startswith("ERROR :"), last)
        self.assertFalse([line for line in others if " PRIVMSG " in line or " * " in line])
        self.assertEqual([line.split(" ")[1] for line in bob.lines()], ["JOIN", "PRIVMSG", "QUIT"])

    def test_all_at_once_in_whatever_order_the_disk_has_it(self) -> None:
        """Also who is in no room, or in one that is gone with it, and takes another name."""
        script = "NICK alice\r\nUSER al 0 * :A\r\nJOIN #dev\r\nNICK ali\r\nwhy\r\nQUIT\r\n"
        for roomless, capabilities in product((False, True), ("", "labeled-response batch")):
            log = SlowLog()
            log.slow = True
            chat = Chat(log=log, roomless=roomless)
            alice = chat.connect()
            if capabilities:
                alice.send(f"CAP REQ :{capabilities}", "CAP END")
            alice.protocol.dataReceived(script.replace("why", "@label=1 why").encode())
            for _ in range(40):
                log.commit(1)
                chat.turn()
            log.slow = False
            log.commit()
            lines = [line for line in alice.lines() if " CAP " not in line]
            self.assertRegex(lines[0], "001 ali(ce)? :")
            self.assertTrue(lines[-1].startswith("ERROR :"), lines)
            self.assertFalse([line for line in lines if " * " in line or "  " in line], lines)
            self.assertFalse(chat.hub.people())

    def test_nothing_is_done_before(self) -> None:
        alice = Chat().connect()
        self.assertIn(" 451 * :", alice.asks("JOIN :")[0])

    def test_all_that_was_agreed_on_is_named_in_several_lines_if_it_must_be(self) -> None:
        alice = Chat().connect()
        wanted = ["message-tags", "server-time"] * 18
        lines = alice.asks(f"CAP REQ :{' '.join(wanted)}")
        self.assertEqual(len(lines), 2)
        acknowledged = [line.removeprefix(f":{SERVER} CAP * ACK :").split() for line in lines]
        self.assertEqual([*acknowledged[0], *acknowledged[1]], wanted)


class Talking(SynchronousTestCase):
    """The first things said."""

    def test_others_hear_what_is_said_and_oneself_does_not(self) -> None:
        chat = Chat()
        alice, bob = chat.joined("alice"), chat.joined("bob")
        alice.lines()
        self.assertEqual(alice.asks("PRIVMSG #lobby :hi there"), [])
        self.assertEqual(bob.lines(), [f":alice!~alice@{SERVER} PRIVMSG #lobby :hi there"])
        self.assertEqual(bob.asks("NOTICE alice :psst"), [])
        self.assertEqual(alice.lines(), [f":bob!~bob@{SERVER} NOTICE alice :psst"])

    def test_who_wants_to_sees_its_own_lines_with_their_ids(self) -> None:
        alice = Chat().joined("alice", "echo-message", "message-tags", "labeled-response")
        (line,) = alice.asks("@label=x PRIVMSG #lobby :hi")
        self.assertEqual(line, f"@label=x;msgid=lobby/1 :alice!~alice@{SERVER} PRIVMSG #lobby :hi")
