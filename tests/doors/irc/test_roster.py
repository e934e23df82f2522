"""Names of large rooms, kept up to date, against those put together anew."""

from dataclasses import replace

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.strategies import data, integers, sampled_from
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.accounts import ACCOUNT
from chatservice.doors.irc import roster
from chatservice.doors.irc.roster import LARGE, MOST_KEPT, Rosters, pieces, signs
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from chatservice.roles import Role
from tests import examples
from tests.doors.irc.chat import SERVER, Chat
from tests.fakes import Chat as CoreChat
from tests.fakes import Guest

WAYS = [(several, whole) for several in (False, True) for whole in (False, True)]


class Pieces(SynchronousTestCase):
    """Putting names together."""

    def test_none_is_cut_and_none_is_lost(self) -> None:
        names = [f"n{'é' * (number % 9)}{number}" for number in range(200)]
        for size in (25, 40, 500, 100_000):
            texts = [*pieces(names, size)]
            self.assertTrue(all(len(text.encode()) <= size for text in texts))
            self.assertEqual(" ".join(texts).split(), names)
        self.assertEqual([*pieces([], 10)], [])
        self.assertEqual([*pieces(["a", "b", "c"], 3, ",")], ["a,b", "c"])


class Large(RuleBasedStateMachine):
    """A room with many people, of whom some come, go, rename, log in and get roles."""

    def __init__(self) -> None:
        super().__init__()
        self.chat = CoreChat(policy=Policy(limits=UNLIMITED, absence=0))
        self.rosters = Rosters(self.chat.hub, SERVER)
        self.count = 0
        self.guests: list[Guest] = []

    @initialize()
    def fill(self) -> None:
        """Let in as many as make it large."""
        for _ in range(LARGE):
            self.come()

    @rule()
    def come(self) -> None:
        """Somebody comes."""
        self.count += 1
        self.guests.append(self.chat.join(f"n{self.count}"))

    @rule(d=data())
    def go_and_come_back_as_somebody_else(self, d: data) -> None:  # type: ignore[valid-type]
        """Somebody goes, another takes the nickname."""
        guest = self._one(d)
        nick = guest.nick
        guest.types("/quit")
        self.guests.remove(guest)
        self.guests.append(self.chat.join(nick))

    @rule(d=data())
    def rename(self, d: data) -> None:  # type: ignore[valid-type]
        """Somebody takes another nickname."""
        self.count += 1
        self._one(d).types(f"/nick n{self.count}")

    @rule(d=data(), role=sampled_from((Role.VOICE, Role.OP, Role.USER)))
    def give(self, d: data, role: Role) -> None:  # type: ignore[valid-type]
        """Somebody is given a role."""
        room, one = self.chat.hub.rooms.lobby, self._one(d).person
        room.charter = room.charter.with_role(one.inbox, role)

    @rule(d=data(), role=sampled_from((Role.ADMIN, Role.USER)))
    def log_in(self, d: data, role: Role) -> None:  # type: ignore[valid-type]
        """Somebody is logged in, as an admin perhaps."""
        guest = self._one(d)
        if guest.person.account is None:
            name = f"a{self.count}"
            self.count += 1
            value = {"name": name, "identity": f"@{name}", "role": role.name}
            self.chat.records.change(ACCOUNT, name, lambda _: value)
            account = self.chat.hub.accounts.find(name)
            assert account is not None
            self.chat.hub.parts.identities.log_in(guest.person, account)
        else:
            name = guest.person.account.name
            value = {"name": name, "identity": guest.person.inbox, "role": role.name}
            self.chat.records.change(ACCOUNT, name, lambda _: value)
        self.chat.turn()

    @invariant()
    def names_are_as_if_put_together_anew(self) -> None:
        """What is kept is what is true."""
        room = self.chat.hub.rooms.lobby
        for several, whole in WAYS:
            kept = " ".join(self.rosters.names(room, several, whole)).split()
            anew = [self._entry(nick, several, whole) for nick in room.nicks()]
            assert sorted(kept) == sorted(anew)

    def _entry(self, nick: str, several: bool, whole: bool) -> str:
        hub = self.chat.hub
        person = hub.parts.nicks.wearer(nick)
        assert person is not None
        host = f"!~u@{hub.cloaks.of(person.inbox)}" if whole else ""
        return f"{signs(hub, person, hub.rooms.lobby, several)}{nick}{host}"

    def _one(self, d: data) -> Guest:  # type: ignore[valid-type]
        return self.guests[d.draw(integers(0, len(self.guests) - 1))]  # type: ignore[attr-defined]


LargeRoom = Large.TestCase
LargeRoom.settings = settings(max_examples=examples(10), stateful_step_count=20, deadline=None)


class Bounds(SynchronousTestCase):
    """What is kept, and for how long."""

    def setUp(self) -> None:
        self.chat = Chat(Policy(limits=UNLIMITED))
        self.rosters = self.chat.factory.rosters
        self.hub = self.chat.hub
        self.alice = self.chat.joined("alice")

    def fill(self, name: str) -> None:
        """Fill a room, which alice made, with names."""
        self.alice.send(f"JOIN {name}")
        room = self.hub.rooms.find(name)
        assert room is not None
        for number in range(LARGE):
            room.add(f"n{number}")
        self.rosters.names(room, False, False)

    def test_not_too_many_lists_are_kept(self) -> None:
        for number in range(MOST_KEPT + 3):
            self.fill(f"#r{number}")
        self.assertEqual(len(self.rosters._kept), MOST_KEPT)
        room = self.hub.rooms.find("#r0")
        assert room is not None
        self.assertEqual(room._followers, [])

    def test_changes_nobody_asks_for_are_not_held(self) -> None:
        self.fill("#r")
        room = self.hub.rooms.find("#r")
        assert room is not None
        for number in range(roster._MOST_CHANGED + 10):
            room.add(f"m{number}")
        (kept,) = self.rosters._kept.values()
        self.assertIsNone(kept._changed)
        names = " ".join(self.rosters.names(room, False, False)).split()
        self.assertEqual(len(names), len(room))

    def test_another_room_of_that_name_is_another(self) -> None:
        self.fill("#r")
        room = self.hub.rooms.find("#r")
        assert room is not None
        for nick in [*room.everybody()]:
            if nick != "alice":
                room.remove(nick)
        self.alice.send("PART #r")
        self.fill("#r")
        names = " ".join(self.alice.asks("NAMES #r")).split()
        self.assertEqual(names.count("n1"), 1)
        self.assertIn("@alice", {name.lstrip(":") for name in names})

    def test_a_role_is_seen_at_once(self) -> None:
        self.fill("#r")
        room = self.hub.rooms.find("#r")
        assert room is not None
        self.alice.lines()
        self.assertIn("@alice", " ".join(self.alice.asks("NAMES #r")))
        room.charter = replace(room.charter, founder="")
        self.assertNotIn("@alice", " ".join(self.alice.asks("NAMES #r")))
