"""Coming back by IRC with a token or a password: to the rooms one was in, and what one missed."""

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from tests.doors.irc.chat import SERVER, Chat, DurableChat
from tests.doors.irc.test_backlog import verb
from tests.doors.irc.test_history import unwrapped

POLICY = Policy(limits=UNLIMITED, backlog=5, plaintext_login=True)
SECRET = "correct horse"  # noqa: S105
BATCHES = ("batch", "message-tags", "server-time")


def without_tags(lines: Sequence[str]) -> list[str]:
    """Return lines without their tags."""
    return [line.partition(" ")[2] if line.startswith("@") else line for line in lines]


def about(lines: Sequence[str], room: str) -> list[str]:
    """Return what is done in a room, in order."""
    return [verb(line) for line in lines if room in line.split(" ") or f"PRIVMSG {room} " in line]


class Comings(SynchronousTestCase):
    """What they stand on: alice, who comes and goes, and bob, who stays and talks."""

    def setUp(self) -> None:
        self.open(Chat(POLICY))

    def open(self, chat: Chat) -> None:
        """Let two in."""
        self.chat = chat
        self.bob = self.chat.joined("bob")
        self.alice = self.chat.joined("alice", *BATCHES)
        self.alice.asks("JOIN #dev")
        self.bob.asks("JOIN #dev")
        self.bob.asks("TOPIC #dev :cats")
        self.alice.asks("TOPIC #dev :cats")
        self.bob.asks()

    def token(self) -> str:
        """Return what alice gives when she comes back."""
        (line,) = self.alice.asks("RESUME")
        head, _, token = line.rpartition("PASS ")
        self.assertTrue(head.startswith(f":{SERVER} NOTICE alice :To come back"), line)
        return token

    def registered(self) -> str:
        """Let alice have an account; return what she gives when she comes back."""
        self.alice.asks(f"REGISTER * * :{SECRET}")
        return f"alice:{SECRET}"

    def comes_back(self, password: str, *capabilities: str) -> list[str]:
        """Let alice come back; return what she is told behind the welcome."""
        self.alice = self.chat.connect()
        if capabilities:
            self.alice.send("CAP LS 302", f"CAP REQ :{' '.join(capabilities)}")
        self.alice.send(f"PASS {password}", "NICK alice", "USER alice 0 * :Alice")
        lines = self.alice.asks("CAP END")
        numbers = [verb(line) for line in lines]
        self.assertIn("001", numbers, lines)
        return lines[numbers.index("422") + 1 :]

    def hears(self, *expected: str) -> None:
        """Check what bob has heard."""
        self.assertEqual(self.bob.asks(), [*expected])


class ByToken(Comings):
    """With what /resume gave."""

    def test_it_is_shown_its_rooms_before_what_it_missed(self) -> None:
        token = self.token()
        self.alice.lose()
        self.bob.asks("PRIVMSG #dev :one", "PRIVMSG #lobby :two", "PRIVMSG #dev :three")
        lines = without_tags(self.comes_back(token, *BATCHES))
        joined = ["JOIN", "332", "333", "353", "366"]
        self.assertEqual(about(lines, "#dev"), [*joined, "BATCH", "PRIVMSG", "PRIVMSG"])
        self.assertEqual(about(lines, "#lobby"), ["JOIN", "353", "366", "BATCH", "PRIVMSG"])
        said = [line.rpartition(":")[2] for line in lines if " PRIVMSG " in line]
        self.assertEqual(sorted(said), ["one", "three", "two"])
        last = [index for index, line in enumerate(lines) if " 366 " in line][-1]
        first = next(index for index, line in enumerate(lines) if " PRIVMSG " in line)
        self.assertLess(last, first)
        self.hears()

    def test_names_have_who_is_there(self) -> None:
        token = self.token()
        self.alice.lose()
        self.chat.joined("carol").asks("JOIN #dev")
        self.bob.asks("PART #dev")
        lines = self.comes_back(token)
        (line,) = [line for line in lines if line.startswith(f":{SERVER} 353 alice = #dev :")]
        self.assertEqual({*line.partition(" :")[2].split(" ")}, {"@alice", "carol"})

    def test_what_is_said_then_comes_behind_that_and_nothing_twice(self) -> None:
        token = self.token()
        self.bob.asks("PRIVMSG #dev :zero")
        self.alice.asks()
        self.alice.lose()
        self.bob.asks("PRIVMSG #dev :one")
        lines = self.comes_back(token)
        self.bob.asks("PRIVMSG #dev :two")
        lines += self.alice.asks()
        source = f":bob!~bob@{SERVER} PRIVMSG #dev"
        said = [line for line in lines if " PRIVMSG " in line]
        self.assertEqual(said, [f"{source} :[22:13] one", f"{source} :two"])
        self.alice.lose()
        self.bob.asks("PRIVMSG #dev :three")
        lines = self.comes_back(token)
        said = [line for line in lines if " PRIVMSG " in line]
        self.assertEqual(said, [f"{source} :[22:13] three"])

    def test_private_lines_too(self) -> None:
        token = self.token()
        self.alice.lose()
        self.bob.asks("PRIVMSG alice :psst")
        lines = self.comes_back(token, *BATCHES)
        opening = next(n for n, line in enumerate(lines) if " BATCH +" in line)
        (line,) = unwrapped(lines[opening:], "bob")
        self.assertTrue(line.endswith(f":bob!~bob@{SERVER} PRIVMSG alice :psst"), line)

    def test_who_looks_back_by_itself_is_shown_its_rooms_alone(self) -> None:
        token = self.token()
        self.alice.lose()
        self.bob.asks("PRIVMSG #dev :one", "PRIVMSG alice :psst")
        lines = without_tags(self.comes_back(token, *BATCHES, "draft/chathistory"))
        self.assertEqual(about(lines, "#dev"), ["JOIN", "332", "333", "353", "366"])
        self.assertFalse([line for line in lines if " PRIVMSG " in line])
        one, *_ = unwrapped(self.alice.asks("CHATHISTORY LATEST #dev * 9"), "#dev")
        self.assertTrue(one.endswith("PRIVMSG #dev :one"), one)

    def test_after_it_was_given_up_others_see_it_come_and_it_sees_itself_once(self) -> None:
        token = self.token()
        self.alice.lose()
        self.chat.clock.advance(61)
        self.bob.asks("PRIVMSG #dev :one")
        lines = without_tags(self.comes_back(token, *BATCHES))
        self.assertEqual(about(lines, "#dev")[:5], ["JOIN", "332", "333", "353", "366"])
        self.assertEqual(about(lines, "#dev")[5:], ["BATCH", "PRIVMSG"])
        self.assertEqual(about(lines, "#lobby"), ["JOIN", "353", "366"])
        self.hears(
            *(f":alice!~alice@{SERVER} JOIN {room}" for room in ("#lobby", "#dev")),
            f":{SERVER} MODE #dev +o alice",
        )

    def test_who_is_away_is_told_so(self) -> None:
        token = self.token()
        self.alice.asks("AWAY :lunch")
        self.alice.lose()
        self.assertEqual([verb(line) for line in self.comes_back(token)].count("306"), 1)

    def test_a_token_that_is_none(self) -> None:
        self.token()
        self.alice.lose()
        wire = self.chat.connect()
        lines = wire.asks("PASS ~AAAAAAAAAAAAAAAAAAAAAA", "NICK alice", "USER alice 0 * :Alice")
        self.assertEqual(verb(lines[0]), "464")
        self.assertEqual(lines[1][:5], "ERROR")
        self.assertEqual(len(lines), 2)

    def test_a_connection_that_still_stands_gives_way(self) -> None:
        token = self.token()
        before = self.alice
        lines = without_tags(self.comes_back(token, *BATCHES))
        self.assertEqual(about(lines, "#dev"), ["JOIN", "332", "333", "353", "366"])
        *_, last = before.asks()
        self.assertEqual(last, "ERROR :Closing link: You came back on another connection")
        self.assertTrue(before.transport.disconnecting)
        self.hears()
        self.bob.asks("PRIVMSG alice :hi")
        self.assertEqual([line[-3:] for line in self.alice.asks()], [":hi"])


class ByPassword(Comings):
    """With an account's password: by PASS, here; SASL comes to the same."""

    def test_a_lost_connection(self) -> None:
        password = self.registered()
        self.bob.asks()
        self.alice.lose()
        self.bob.asks("PRIVMSG #dev :one", "PRIVMSG alice :psst")
        lines = without_tags(self.comes_back(password, *BATCHES))
        self.assertEqual(about(lines, "#dev")[:5], ["JOIN", "332", "333", "353", "366"])
        self.assertEqual(about(lines, "#dev")[5:], ["BATCH", "PRIVMSG"])
        said = [line.rpartition(":")[2] for line in lines if " PRIVMSG " in line]
        self.assertEqual(sorted(said), ["one", "psst"])
        self.hears()

    def test_a_connection_that_still_stands(self) -> None:
        password = self.registered()
        self.bob.asks()
        before = self.alice
        lines = without_tags(self.comes_back(password, *BATCHES))
        self.assertEqual(about(lines, "#dev"), ["JOIN", "332", "333", "353", "366"])
        self.assertIn("You came back on another connection", before.asks()[-1])
        self.hears()

    def test_who_quits_does_not_come_back_to_rooms(self) -> None:
        password = self.registered()
        self.alice.asks("QUIT")
        lines = without_tags(self.comes_back(password, *BATCHES))
        self.assertEqual(about(lines, "#dev"), [])

    def test_under_another_nickname_than_the_accounts(self) -> None:
        password = self.registered()
        self.alice.asks("NICK wonder")
        self.bob.asks()
        self.alice.lose()
        self.alice = self.chat.connect()
        lines = self.alice.asks(f"PASS {password}", "NICK wonder", "USER alice 0 * :Alice")
        self.assertEqual(about(lines, "#dev"), ["JOIN", "332", "333", "353", "366"])
        self.hears()


class Ends(Comings):
    """Why a connection ends is no news of what was refused before."""

    def test_the_server_closes(self) -> None:
        self.alice.asks("JOIN #a/b")
        self.chat.hub.close("Bye.")
        self.assertEqual(self.alice.asks()[-1], "ERROR :Closing link: The server is closing")


class OnDisk(ByToken):
    """The same with a log on disk."""

    def setUp(self) -> None:
        self.open(DurableChat(self, POLICY))


class ByPasswordOnDisk(ByPassword):
    """The same with a log on disk."""

    def setUp(self) -> None:
        self.open(DurableChat(self, POLICY))
