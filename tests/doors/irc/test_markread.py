"""MARKREAD: how far somebody has read, for all clients of an account."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.doors.irc.chat import SERVER, Chat, Wire
from tests.fakes import WORD, quick, register

CAPABILITY = "draft/read-marker"
AT = "timestamp=2019-01-04T14:33:26.123Z"
LATER = "timestamp=2020-01-04T14:33:26.000Z"


def said(*words: str) -> str:
    """Return what the server says."""
    return f":{SERVER} MARKREAD {' '.join(words)}"


class Reading(SynchronousTestCase):
    """Somebody with a client that marks what was read."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.alice = self.chat.joined("alice", CAPABILITY)

    def test_it_is_asked_for_and_said(self) -> None:
        for target in ("#lobby", "#nowhere", "nobody"):
            self.assertEqual(self.alice.asks(f"MARKREAD {target}"), [said(target, "*")])
            self.assertEqual(self.alice.asks(f"MARKREAD {target} {AT}"), [said(target, AT)])
            self.assertEqual(self.alice.asks(f"MARKREAD {target}"), [said(target, AT)])

    def test_it_only_moves_forward(self) -> None:
        self.assertEqual(self.alice.asks(f"MARKREAD #lobby {LATER}"), [said("#lobby", LATER)])
        self.assertEqual(self.alice.asks(f"MARKREAD #lobby {AT}"), [said("#lobby", LATER)])

    def test_coming_into_a_room_it_is_told_before_the_end_of_the_names(self) -> None:
        for marker in ("*", AT):
            lines = self.alice.asks("JOIN #dev")
            self.assertEqual(lines.count(said("#dev", marker)), 1)
            end = lines.index(f":{SERVER} 366 alice #dev :End of /NAMES list")
            self.assertLess(lines.index(said("#dev", marker)), end)
            self.alice.send(f"MARKREAD #dev {AT}", "PART #dev")
            self.alice.lines()

    def test_who_has_not_asked_is_not_told(self) -> None:
        bob = self.chat.joined("bob")
        self.assertFalse([line for line in bob.asks("JOIN #dev") if "MARKREAD" in line])
        self.assertEqual(bob.asks(f"MARKREAD #dev {AT}"), [said("#dev", AT)])

    def test_all_clients_of_an_account_are_told(self) -> None:
        register(self.chat.hub, "carol")
        phone: Wire = self.chat.joined("carol-phone", CAPABILITY)
        old: Wire = self.chat.joined("carol-old")
        for client in (self.alice, phone, old):
            client.send(f"LOGIN carol :{WORD}")
            client.lines()
        bob = self.chat.joined("bob")
        for client in (self.alice, phone, old):
            client.lines()
        self.assertEqual(phone.asks(f"MARKREAD BOB {AT}"), [said("bob", AT)])
        self.assertEqual(self.alice.lines(), [said("bob", AT)])
        self.assertEqual(old.lines(), [])
        self.assertEqual(bob.lines(), [])

    def test_what_is_not_understood(self) -> None:
        for line, code in (
            ("MARKREAD", "NEED_MORE_PARAMS"),
            ("MARKREAD :", "NEED_MORE_PARAMS"),
            ("MARKREAD :a room", "INVALID_PARAMS *"),
            ("MARKREAD ::room", "INVALID_PARAMS *"),
            ("MARKREAD @alice timestamp=2019-01-04T14:33:26.123Z", "INVALID_PARAMS *"),
            (f"MARKREAD #{'x' * 200}", "INVALID_PARAMS *"),
            ("MARKREAD #dev *", "INVALID_PARAMS #dev"),
            ("MARKREAD #dev timestamp=*", "INVALID_PARAMS #dev"),
            ("MARKREAD #dev timestamp=2019-13-04T14:33:26.123Z", "INVALID_PARAMS #dev"),
            ("MARKREAD #dev 2019-01-04T14:33:26.123Z", "INVALID_PARAMS #dev"),
        ):
            (answer,) = self.alice.asks(line)
            self.assertIn(f" FAIL MARKREAD {code} :", answer)

    @quick
    @given(st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), max_size=120))
    def test_whatever_comes_is_answered_with_one_line(self, text: str) -> None:
        chat = Chat()
        alice = chat.joined("alice", CAPABILITY)
        self.assertEqual(len(alice.asks(f"MARKREAD {text}")), 1)
