"""What IRC clients are shown of the past without asking, or because somebody types for it."""

import re

from twisted.trial.unittest import SynchronousTestCase

from chatservice.commands import perform
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from tests.doors.irc.chat import SERVER, Chat, Wire
from tests.doors.irc.test_history import unwrapped

POLICY = Policy(limits=UNLIMITED, backlog=3, plaintext_login=True)
SECRET = "correct horse"  # noqa: S105


def verb(line: str) -> str:
    """Return what a line does."""
    return re.sub(r"^@\S* ", "", line).split(" ")[1]


def behind(lines: list[str], number: str) -> list[str]:
    """Return what comes behind the first line of a kind."""
    return lines[[*map(verb, lines)].index(number) + 1 :]


class OnJoining(SynchronousTestCase):
    """The backlog."""

    def setUp(self) -> None:
        self.chat = Chat(POLICY)
        self.alice = self.chat.joined("alice")
        for n in range(5):
            self.alice.send(f"PRIVMSG #lobby :{n}")
            self.chat.clock.advance(60)

    def comes(self, *capabilities: str) -> list[str]:
        """Return what somebody who comes in is told behind who is there."""
        wire = self.chat.connect()
        if capabilities:
            wire.send("CAP LS 302", f"CAP REQ :{' '.join(capabilities)}")
        wire.send("NICK bob", "USER bob 0 * :Bob")
        return behind(wire.asks("CAP END"), "366")

    def test_it_is_a_batch_with_the_times_and_ids_of_then(self) -> None:
        inside = unwrapped(self.comes("batch", "message-tags", "server-time"), "#lobby")
        self.assertEqual(
            [re.sub("^@batch=[^;]*;", "", line) for line in inside],
            [
                f"time=2023-11-14T22:1{5 + n}:20.000Z;msgid=lobby/{3 + n} "
                f":alice!~alice@{SERVER} PRIVMSG #lobby :{2 + n}"
                for n in range(3)
            ],
        )

    def test_without_server_time_the_time_stands_before_the_text(self) -> None:
        source = f":alice!~alice@{SERVER} PRIVMSG #lobby"
        expected = [f"{source} :[22:1{5 + n}] {2 + n}" for n in range(3)]
        self.assertEqual(self.comes(), expected)

    def test_and_the_day_unless_it_was_today(self) -> None:
        self.chat.clock.advance(86400)
        self.assertIn(" :[2023-11-14 22:17] 4", self.comes()[-1])

    def test_an_action_is_still_one(self) -> None:
        self.alice.send("PRIVMSG #lobby :\x01ACTION waves\x01")
        self.assertIn("PRIVMSG #lobby :\x01ACTION [22:18] waves\x01", self.comes()[-1])

    def test_a_long_line_is_cut_with_the_time_in_front_of_the_first_part(self) -> None:
        self.chat.hub.rooms.say(self.alice.protocol.person, "x" * 1024)
        lines = [line.partition(" :")[2] for line in self.comes()[2:]]
        self.assertEqual("".join(lines), f"[22:18] {'x' * 1024}")
        self.assertEqual([line.startswith("[") for line in lines], [True, False, False])

    def test_who_looks_back_by_itself_is_told_nothing(self) -> None:
        capabilities = ("batch", "server-time", "message-tags", "draft/chathistory")
        self.assertEqual(self.comes(*capabilities), [])

    def test_until_it_says_that_it_does_not_any_more(self) -> None:
        wire = self.chat.joined("bob", "draft/chathistory")
        wire.asks("CAP REQ :-draft/chathistory", "PART #lobby")
        self.assertEqual(len(behind(wire.asks("JOIN #lobby"), "366")), 3)

    def test_a_join_with_a_label_is_answered_with_it(self) -> None:
        wire = self.chat.joined("bob", "batch", "labeled-response", "server-time")
        wire.asks("PART #lobby")
        opening, *lines, closing = wire.asks("@label=x JOIN #lobby")
        outer = opening.split("+")[1].split(" ")[0]
        self.assertTrue(opening.startswith(("@label=x;", "@label=x ")), opening)
        self.assertIn(f" BATCH -{outer}", closing)
        (inner,) = [line for line in lines if " BATCH +" in line]
        self.assertTrue(inner.startswith(f"@batch={outer} "), inner)
        name = inner.split("+")[1].split(" ")[0]
        self.assertEqual(sum(line.startswith(f"@batch={name};") for line in lines), 3)

    def test_ignored_people_are_not_in_it(self) -> None:
        wire = self.chat.joined("bob")
        perform(wire.protocol.session, "/ignore alice")
        wire.asks("PART #lobby")
        self.assertEqual(behind(wire.asks("JOIN #lobby"), "366"), [])


class Typed(SynchronousTestCase):
    """What somebody looks back by as people do who type commands."""

    def setUp(self) -> None:
        self.chat = Chat(Policy(limits=UNLIMITED, plaintext_login=True))
        self.alice = self.chat.joined("alice")
        self.bob = self.chat.joined("bob", "batch", "server-time")
        self.alice.send("PRIVMSG #lobby :one fish", "PRIVMSG bob :two fish")
        self.bob.send("PRIVMSG alice :three")
        self.alice.asks()
        self.bob.asks()

    def test_history_is_shown_where_it_was_said(self) -> None:
        *lines, rest = self.bob.asks("HISTORY 5")
        (line,) = unwrapped(lines, "#lobby")
        self.assertIn(" PRIVMSG #lobby :one fish", line)
        self.assertIn(" NOTICE bob :That is where the history begins.", rest)

    def test_private_history_is_of_one_conversation(self) -> None:
        *lines, _ = self.bob.asks("HISTORY @alice")
        one, two = unwrapped(lines, "alice")
        self.assertIn(f" :alice!~alice@{SERVER} PRIVMSG bob :two fish", one)
        self.assertIn(f" :bob!~bob@{SERVER} PRIVMSG alice :three", two)

    def test_ones_own_words_are_told_by_the_server_where_the_client_may_not_know(
        self,
    ) -> None:
        two, three, _ = self.alice.asks("HISTORY @bob")
        stamp = "[2023-11-14 22:13:20"
        self.assertTrue(two.startswith(f":{SERVER} NOTICE alice :{stamp}"), two)
        self.assertTrue(two.endswith("] alice -> bob: two fish"), two)
        self.assertEqual(three, f":bob!~bob@{SERVER} PRIVMSG alice :[22:13] three")

    def test_what_was_found_is_told_together(self) -> None:
        header, line = self.bob.asks("SEARCH fish")
        self.assertTrue(header.startswith(f":{SERVER} NOTICE bob :One line found"), header)
        said = "[2023-11-14 22:13:20 1] #lobby alice: one fish"
        self.assertEqual(line, f":{SERVER} NOTICE bob :{said}")

    def test_what_was_done_says_who_and_when(self) -> None:
        self.alice.asks("JOIN #dev")
        perform(self.alice.protocol.session, "/mode moderated on")
        self.alice.asks()
        (line, *_) = [line for line in self.alice.asks("AUDIT") if "moderated" in line]
        self.assertRegex(line, rf":{SERVER} NOTICE alice :\[2023-11-14 22:13:20 \d+\] -- alice ")


class WhileAway(SynchronousTestCase):
    """Private lines that were said to an account while nobody was logged in to it."""

    CAPABILITIES = ("batch", "message-tags", "server-time")

    def setUp(self) -> None:
        self.chat = Chat(POLICY)
        self.bob = self.chat.joined("bob")
        self.bob.asks(f"REGISTER * * :{SECRET}")
        self.bob.asks("QUIT")
        alice = self.chat.joined("alice")
        alice.asks("PRIVMSG bob :one", "PRIVMSG bob :two")
        alice.asks("QUIT")

    def comes(self, *capabilities: str) -> tuple[Wire, list[str]]:
        """Let bob come in; return what he is told behind who is in the lobby."""
        wire = self.chat.connect()
        wire.send("CAP LS 302", f"CAP REQ :{' '.join(capabilities)}", f"PASS bob:{SECRET}")
        wire.send("NICK bob", "USER bob 0 * :Bob")
        lines = behind(wire.asks("CAP END"), "366")
        left_out = f":{SERVER} NOTICE ", f":{SERVER} 900 "
        return wire, [line for line in lines if not line.startswith(left_out)]

    def test_they_are_told_once(self) -> None:
        wire, lines = self.comes(*self.CAPABILITIES)
        self.assertEqual([line[-4:] for line in unwrapped(lines, "alice")], [":one", ":two"])
        wire.asks("QUIT")
        self.assertEqual(self.comes(*self.CAPABILITIES)[1], [])

    def test_or_asked_for(self) -> None:
        wire, lines = self.comes(*self.CAPABILITIES, "draft/chathistory")
        self.assertEqual(lines, [])
        said = unwrapped(wire.asks("CHATHISTORY LATEST alice * 10"), "alice")
        self.assertEqual([line[-4:] for line in said], [":one", ":two"])
