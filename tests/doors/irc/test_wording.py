"""The chat's words at an IRC client."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.commands.table import BY_NAME
from chatservice.doors.irc.wording import CLIENTS_OWN, by_quote
from tests.doors.irc.chat import SERVER, Chat


class Wording(SynchronousTestCase):
    """What is behind /quote, and what is not."""

    def test_only_the_chats_own_commands_are_quoted(self) -> None:
        for text, shown in {
            "What is kept; /forget me removes it.": "What is kept; /quote forget me removes it.",
            "More: /search fish before:17": "More: /quote search fish before:17",
            "see /who, or /join #dev first": "see /who, or /join #dev first",
            "at https://chat.example/history/search": "at https://chat.example/history/search",
            "there is no /nonsense, and //forget is said": (
                "there is no /nonsense, and //forget is said"
            ),
        }.items():
            self.assertEqual(by_quote(text), shown)

    def test_what_clients_know_is_no_surprise(self) -> None:
        self.assertLessEqual(CLIENTS_OWN, BY_NAME.keys())

    def test_a_refusal_and_a_notice_say_so(self) -> None:
        alice = Chat().joined("alice")
        (line,) = alice.asks("nonsense")
        self.assertTrue(line.startswith(f":{SERVER} 421 alice NONSENSE :"), line)
        self.assertIn("/quote HELP", line)
        (line,) = alice.asks("quiet on on")
        self.assertIn("/quote quiet", line)


class Asking(SynchronousTestCase):
    """Questions have a rate of their own."""

    def test_a_client_with_many_rooms_can_speak_at_once(self) -> None:
        chat = Chat()
        bob, alice = chat.joined("bob"), chat.joined("alice")
        bob.lines()
        alice.send("JOIN #a,#b,#c,#d,#e")
        alice.send(*[f"{verb} #{room}" for verb in ("MODE", "WHO", "NAMES") for room in "abcde"])
        alice.send("PRIVMSG #lobby :hello")
        self.assertEqual(bob.lines(), [f":alice!~alice@{SERVER} PRIVMSG #lobby :hello"])

    def test_but_not_without_end(self) -> None:
        chat = Chat()
        alice = chat.joined("alice")
        answers = alice.asks(*["MODE #lobby"] * 200, "PING x")
        self.assertLess(len(answers), 200)
        self.assertFalse([line for line in answers if " PONG " in line])
        chat.clock.pump([1.0] * 60)
        self.assertIn(f":{SERVER} PONG {SERVER} x", alice.lines())

    def test_nor_are_signs_of_life_without_end_but_leaving_is(self) -> None:
        """Each is cheap; together they would leave the others no time."""
        chat = Chat()
        bob, alice = chat.joined("bob"), chat.joined("alice")
        self.assertEqual(len(alice.asks(*["PING x"] * 200)), 80)
        chat.clock.advance(1)
        self.assertLessEqual(len(alice.lines()), 16)
        bob.asks(*["CAP LIST"] * 40, *["PONG x"] * 40)
        self.assertTrue(bob.asks("QUIT")[-1].startswith("ERROR "))
