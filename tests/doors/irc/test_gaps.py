"""Who reads slowly by IRC: it gets every line once, and knows who is there in the end."""

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.delivery import feed
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from tests.doors.irc.chat import SERVER, Chat, DurableChat, Wire
from tests.fakes import quick

ROOM = "#dev"
POLICY = Policy(limits=UNLIMITED)
RING = 2000
"""Bytes that a room keeps at hand, in these tests."""


class Client:
    """What a client knows of the room from what it is told.

    :ivar roster: who is in it.
    :ivar said: what was said.
    :ivar topic: what it is about.
    :ivar lists: how often it was told anew who is there.
    """

    def __init__(self, *roster: str) -> None:
        self.roster = {*roster}
        self.said: list[str] = []
        self.topic = ""
        self.lists = 0
        self._new: set[str] = set()

    def reads(self, lines: Sequence[str]) -> None:
        """Take what came."""
        for line in lines:
            source, verb, *params = line.removeprefix(":").split(" ")
            self._take(source.partition("!")[0], verb, " ".join(params))

    def _take(self, nick: str, verb: str, rest: str) -> None:
        target, _, text = rest.partition(" ")
        text = text.removeprefix(":")
        match verb:
            case "JOIN" if target == ROOM:
                self.roster.add(nick)
            case "PART" if target == ROOM:
                self.roster.discard(nick)
            case "QUIT":
                self.roster.discard(nick)
            case "NICK" if nick in self.roster:
                self.roster ^= {nick, rest.removeprefix(":")}
            case "353":
                self._new |= {name.lstrip("@+") for name in rest.partition(" :")[2].split()}
            case "366":
                self.roster, self._new, self.lists = self._new, set(), self.lists + 1
            case "TOPIC" if target == ROOM:
                self.topic = text
            case "331":
                self.topic = ""
            case "332":
                self.topic = rest.partition(" :")[2] or rest.rpartition(" ")[2]
            case "PRIVMSG" if target == ROOM:
                self.said.append(text)


def joined(chat: Chat, nick: str) -> Wire:
    """Return somebody who is in the room, and has read everything."""
    wire = chat.joined(nick)
    wire.asks(f"JOIN {ROOM}")
    return wire


class Slow(SynchronousTestCase):
    """Somebody who reads nothing for a while."""

    def setUp(self) -> None:
        self.patch(feed, "RECENT", RING)
        self.open(Chat(POLICY, roomless=True))

    def open(self, chat: Chat) -> None:
        """Let two in, of whom one is slow."""
        self.chat = chat
        self.alice = joined(self.chat, "alice")
        self.slow = joined(self.chat, "slow")
        self.client = Client("alice", "slow")
        self.alice.asks()

    def says(self, count: int) -> list[str]:
        """Let something be said that is more than a room keeps at hand, if it is much."""
        texts = [f"{n:04} {'x' * 60}" for n in range(count)]
        for text in texts:
            self.alice.asks(f"PRIVMSG #dev :{text}")
        return texts

    def test_what_is_still_at_hand_is_told_as_it_was(self) -> None:
        self.slow.stall()
        said = self.says(3)
        joined(self.chat, "carol")
        self.client.reads(self.slow.read())
        self.assertEqual((self.client.said, self.client.lists), (said, 0))
        self.assertEqual(self.client.roster, {"alice", "slow", "carol"})

    def test_beyond_that_it_is_told_who_is_there_behind_all_that_was_said(self) -> None:
        carol, dan = joined(self.chat, "carol"), joined(self.chat, "dan")
        self.alice.asks("TOPIC #dev :cats")
        self.client.reads(self.slow.asks())
        self.slow.stall()
        early = self.says(1)  # which the connection still holds
        carol.asks("QUIT")
        self.alice.asks("TOPIC #dev :dogs")
        said = self.says(100)
        dan.asks("NICK dana")
        lines = self.slow.read()
        self.client.reads(lines)
        self.assertEqual(self.client.said, early + said)
        self.assertEqual(self.client.roster, {"alice", "slow", "dana"})
        self.assertEqual((self.client.topic, self.client.lists), ("dogs", 1))
        self.assertEqual(lines[-1], f":{SERVER} 366 slow #dev :End of /NAMES list")

    def test_of_a_room_that_it_has_left_meanwhile_it_is_told_nothing(self) -> None:
        self.slow.stall()
        self.says(100)
        self.slow.send("PART #dev")
        lines = self.slow.read()
        self.assertFalse([line for line in lines if f":{SERVER} 353" in line], lines)

    def test_who_is_gone_when_its_turn_comes_is_not_in_the_way(self) -> None:
        self.slow.stall()
        self.says(100)
        self.slow.drain()
        self.slow.lose()
        self.chat.turn()
        room = self.chat.hub.rooms.find(ROOM)
        assert room is not None
        self.assertEqual([*room.nicks()], ["alice"])

    def test_with_a_log_on_disk(self) -> None:
        self.open(DurableChat(self, POLICY, roomless=True))
        self.slow.stall()
        early = self.says(1)
        carol = joined(self.chat, "carol")
        said = self.says(60)
        carol.asks("QUIT")
        self.client.reads(self.slow.read())
        self.assertEqual(self.client.said, early + said)
        self.assertEqual(self.client.roster, {"alice", "slow"})
        self.assertEqual(self.client.lists, 1)

    def test_a_log_that_was_pruned_meanwhile_says_so(self) -> None:
        self.slow.stall()
        self.says(100)
        log = self.chat.hub.parts.log
        forgotten = self.successResultOf(log.forget(self.alice.protocol.person.inbox, 0.0))
        self.assertEqual(forgotten, 100)
        lines = self.slow.read()
        (notice,) = [line for line in lines if " NOTICE slow :" in line]
        self.assertIn("lines you missed are no longer kept", notice)


happenings = st.lists(
    st.sampled_from(["come", "come", "go", "rename", "say", "much", "stall", "read", "topic"]),
    max_size=30,
)


class Roster(SynchronousTestCase):
    """Whatever happens while somebody reads or does not: in the end it knows who is there."""

    def setUp(self) -> None:
        self.patch(feed, "RECENT", RING)

    @quick
    @given(happenings)
    @example(["stall", "say", "come", "much", "rename", "read", "go", "stall", "come", "read"])
    def test_it(self, happened: list[str]) -> None:
        chat = Chat(POLICY, roomless=True)
        alice, slow = joined(chat, "alice"), joined(chat, "slow")
        room = chat.hub.rooms.find(ROOM)
        assert room is not None
        client = Client("alice", "slow")
        others: list[Wire] = []
        said: list[str] = []
        stalled = False
        for number, what in enumerate(happened):
            if what == "come":
                others.append(joined(chat, f"other{number}"))
            elif what == "go" and others:
                others.pop(0).asks("QUIT")
            elif what == "rename" and others:
                others[0].asks(f"NICK new{number}")
            elif what == "topic":
                alice.asks(f"TOPIC #dev :{number}")
            elif what in ("say", "much"):
                for n in range(40 if what == "much" else 1):
                    said.append(f"{number}-{n} {'x' * 80}")
                    alice.asks(f"PRIVMSG #dev :{said[-1]}")
            elif what == "stall" and not stalled:
                slow.stall()
                stalled = True
            elif what == "read" and stalled:
                client.reads(slow.read())
                stalled = False
        client.reads(slow.read() if stalled else slow.asks())
        self.assertEqual(client.said, said)
        self.assertEqual(client.roster, {*room.nicks()})
        self.assertEqual(client.topic, room.charter.topic)
