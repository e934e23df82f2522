"""The chat's refusals as IRC's errors."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.message import Message
from chatservice.doors.irc.refusals import numeric
from chatservice.errors import ChatError, Code
from tests.doors.irc.chat import SERVER, Chat


class Refusals(SynchronousTestCase):
    """Which number a refusal has, and what stands behind it."""

    def test_what_takes_a_role_in_a_room_names_the_room(self) -> None:
        refusal = ChatError(Code.NOT_ALLOWED, "no")
        for asked, about, found in (
            (Message("TOPIC", ("#dev", "tea")), "", ("482", "#dev", "no")),
            (Message("KICK", ("#dev", "bob")), "#dev", ("482", "#dev", "no")),
            (Message("LOGIN", ("alice", "sesame")), "", ("481", "no")),
            (Message("KILL", ("#dev", "x")), "bob", ("481", "no")),
            (None, "", ("481", "no")),
        ):
            with self.subTest(asked=asked):
                self.assertEqual(numeric(refusal, asked, about), found)

    def test_what_one_types_and_may_not_do_is_not_about_a_room_of_that_name(self) -> None:
        alice = Chat().joined("alice")
        (line,) = alice.asks("announce tea is ready")
        self.assertTrue(line.startswith(f":{SERVER} 481 alice :Admins may"), line)
