"""What was decided about rooms: what is kept of it, what outlives what, who reads what was said."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import fail
from twisted.trial.unittest import SynchronousTestCase

from chatservice.limits import UNLIMITED
from chatservice.names import LOBBY
from chatservice.people.person import Policy
from chatservice.roles import Role
from chatservice.rooms.charters import ROOM
from chatservice.rooms.modes import MAX_SLOW, NORMAL, Modes
from chatservice.rooms.room import Charter
from chatservice.store.memory import MemoryTickets
from tests.fakes import NOT_STORED, NOW, Chat, Guest, quick
from tests.test_returning import token_of

identities = st.from_regex(r"@[0-9a-f]{1,4}", fullmatch=True)
keys = st.just("") | st.from_regex(r"[a-z0-9][a-z0-9#]{0,9}", fullmatch=True)
modes = st.builds(
    Modes,
    invite_only=st.booleans(),
    moderated=st.booleans(),
    secret=st.booleans(),
    topic_locked=st.booleans(),
    secure=st.booleans(),
    key=keys,
    slow=st.just(0.0) | st.floats(1, MAX_SLOW),
)
charters = st.builds(
    Charter,
    founder=st.just("") | identities,
    roles=st.dictionaries(identities, st.sampled_from([Role.VOICE, Role.OP]), max_size=5),
    modes=modes,
    topic=st.text(max_size=20),
    topic_by=st.text(max_size=9),
    topic_at=st.floats(0, 1e12),
    invited=st.dictionaries(identities, st.floats(0, 1e12), max_size=5),
    registered=st.booleans(),
    closed=st.booleans(),
    floor=st.integers(0, 2**53),
).filter(lambda charter: charter.founder not in charter.roles)


class Kept(SynchronousTestCase):
    """As records."""

    @quick
    @given(charters)
    def test_what_is_kept_comes_back(self, charter: Charter) -> None:
        self.assertEqual(Charter.from_value(charter.to_value()), charter)

    @quick
    @given(charters, identities, identities)
    def test_who_goes_by_another_identity_keeps_what_it_has(
        self, charter: Charter, old: str, new: str
    ) -> None:
        moved = charter.moved(old, new)
        self.assertEqual(moved.role(new), max(charter.role(old), charter.role(new)))
        if old != new:
            self.assertIs(moved.role(old), Role.GUEST)
            self.assertNotIn(old, moved.invited)
        until = max(charter.invited.get(one, 0.0) for one in (old, new))
        self.assertEqual(moved.invited.get(new, 0.0), until)

    @quick
    @given(charters, identities, st.sampled_from([Role.USER, Role.VOICE, Role.OP]))
    def test_a_role_is_one_persons(self, charter: Charter, identity: str, role: Role) -> None:
        changed = charter.with_role(identity, role)
        for one in {*charter.roles, charter.founder, identity} - {identity}:
            self.assertIs(changed.role(one), charter.role(one))
        if identity != charter.founder:
            self.assertIs(changed.role(identity), role if role > Role.USER else Role.GUEST)

    @quick
    @given(modes)
    def test_modes_come_back(self, modes: Modes) -> None:
        self.assertEqual(Modes.from_value(modes.to_value()), modes)

    def test_what_is_not_known_of_modes_is_left_out(self) -> None:
        self.assertEqual(Modes.from_value({"loud": True, "slow": 5}), Modes(slow=5.0))


GOOD = Charter(founder="@1", topic="plans", registered=True).to_value()
HOSTILE: list[Mapping[str, object]] = [
    {},
    {"founder": "@1"},
    *[{k: v for k, v in GOOD.items() if k != missing} for missing in GOOD],
    *[
        {**GOOD, name: value}
        for name, value in (
            ("roles", 7),
            ("roles", ["@1"]),
            ("roles", {"@1": "god"}),
            ("roles", {"@1": "admin"}),
            ("roles", {"@1": "founder"}),
            ("modes", "secret"),
            ("modes", {"secret": "yes"}),
            ("modes", {"slow": 1e300}),
            ("modes", {"slow": -1}),
            ("modes", {"slow": True}),
            ("modes", {"key": "two words"}),
            ("modes", {"key": "k" * 65}),
            ("modes", {"key": "\x1b[2J"}),
            ("modes", {"key": 5}),
            ("topic", "plans"),
            ("topic", ["plans"]),
            ("topic", ["plans", "alice", "soon"]),
            ("invited", {"@1": "soon"}),
            ("invited", [1]),
            ("floor", "low"),
            ("floor", 1.5),
            ("floor", "9" * 5000),
        )
    ],
]


class Closed(SynchronousTestCase):
    """Rooms that are for some people only, and what becomes of what was said there."""

    def setUp(self) -> None:
        self.policy = Policy(UNLIMITED, backlog=20)
        self.tickets = MemoryTickets(lambda: NOW)
        self.chat = Chat(policy=self.policy, tickets=self.tickets)
        self.alice, self.bob, self.eve = self.chat.everybody("alice", "bob", "eve")

    def tearDown(self) -> None:
        self.assertEqual(self.flushLoggedErrors(), [])

    def restart(self) -> None:
        """Open the chat anew on what was kept; nobody is there."""
        old = self.chat
        self.chat = Chat(old.log, policy=self.policy, tickets=self.tickets, records=old.records)

    def come(self, offer: str) -> Guest:
        guest = self.chat.connect()
        self.successResultOf(guest.claims(offer))
        return guest

    def talk(self, name: str = "#dev") -> None:
        """Let Alice and Bob have a closed room for a while, of whose lines the last is missed."""
        self.alice.types(f"/join {name}", "/mode key sesame")
        self.bob.types(f"/join {name} sesame")
        self.alice.types("/topic passwords", "the first secret", "the second secret")

    def look(self, guest: Guest, name: str = "#dev") -> str:
        """Return all that somebody can get to see of what was said in a room."""
        heard = [*guest.hears()]
        for line in (
            f"/history {name}",
            f"/history {name} 200",
            f"/history {name} before 99",
            f"/history {name} 50 before 1000d",
            f"/search secret in:{name}",
            f"/search fresh in:{name} -C 5",
            f"/search s* in:{name} before:99 -C 5",
            f"/topic {name}",
            f"/audit {name} 200",
            f"/mode {name}",
        ):
            guest.types(line)
            heard += guest.hears()
        return "\n".join(heard)

    def test_who_makes_it_anew_reads_nothing_of_it(self) -> None:
        self.talk()
        self.alice.types("/leave")
        self.bob.types("/leave")
        self.eve.types("/join #dev", "fresh words")
        seen = self.look(self.eve)
        self.assertIn("fresh words", seen)
        self.assertNotIn("secret", seen.replace("/search secret", "").replace("secret off", ""))
        self.assertNotIn("passwords", seen)
        self.assertNotIn("alice", seen)

    def test_nor_after_a_restart(self) -> None:
        self.talk()
        self.restart()
        eve = self.chat.join("eve")
        eve.types("/join #dev", "fresh words")
        seen = self.look(eve)
        self.assertIn("fresh words", seen)
        self.assertNotIn("the second secret", seen)
        self.assertNotIn("passwords", seen)

    def test_nor_who_comes_in_behind_that_one(self) -> None:
        self.talk()
        self.restart()
        eve, mallory = self.chat.everybody("eve", "mallory")
        eve.types("/join #dev", "fresh words")
        mallory.types("/join #dev")
        eve.types("/leave")
        self.assertNotIn("the first secret", self.look(mallory))

    def test_nor_who_registers_it(self) -> None:
        self.talk()
        self.alice.types("/leave")
        self.bob.types("/leave")
        eve = self.chat.joined_as("evelyn", Role.USER)
        eve.types("/join #dev", "fresh words")
        self.restart()
        eve = self.chat.connect()
        self.chat.log_in_again(eve, "evelyn")
        eve.claims("evelyn")
        eve.types("/join #dev")
        seen = self.look(eve)
        self.assertIn("fresh words", seen)
        self.assertNotIn("the first secret", seen)
        self.assertNotIn("passwords", seen)

    def test_nor_who_comes_upon_it_when_it_was_given_up(self) -> None:
        carol = self.chat.joined_as("carol", Role.USER)
        carol.types("/join #dev", "/mode invite-only on", "the first secret", "/drop", "/leave")
        self.eve.types("/join #dev", "fresh words")
        self.assertNotIn("the first secret", self.look(self.eve))

    def test_nor_by_saying_that_nothing_was_read(self) -> None:
        self.talk()
        self.alice.types("/leave")
        self.bob.types("/leave")
        self.eve.types("/join #dev", "fresh words")
        token = token_of(self.eve)
        for end in (self.eve.goes, self.restart):
            end()
            self.eve = self.come(f"{token} #dev:0 #lobby:0 @:0")
            seen = self.look(self.eve)
            self.assertIn("fresh words", seen)
            self.assertNotIn("the first secret", seen)
            token = token_of(self.eve)

    def test_who_was_in_it_and_comes_back_gets_what_it_missed(self) -> None:
        self.talk()
        token = token_of(self.bob)
        self.bob.goes()
        self.alice.types("the third secret", "/leave")
        bob = self.come(token)
        heard = "\n".join(bob.hears())
        self.assertIn("the third secret", heard)
        self.assertNotIn("the second secret", heard)

    def test_so_it_does_after_a_restart(self) -> None:
        self.talk()
        token = token_of(self.bob)
        self.bob.goes()
        self.alice.types("the third secret")
        self.restart()
        bob = self.come(token)
        heard = "\n".join(bob.hears())
        self.assertIn("the third secret", heard)
        self.assertNotIn("the second secret", heard)

    def test_so_it_does_when_another_made_it_anew(self) -> None:
        self.talk()
        token = token_of(self.bob)
        self.bob.goes()
        self.alice.types("the third secret", "/leave")
        self.chat.clock.advance(self.policy.absence)
        self.eve.types("/join #dev")
        bob = self.come(f"{token} #dev:0")
        heard = "\n".join(bob.hears())
        self.assertIn("the third secret", heard)
        self.assertNotIn("the second secret", heard)
        self.assertNotIn("the third secret", self.look(self.eve))

    def test_so_it_does_after_a_crash(self) -> None:
        """When the server does not know what was read, but the client does."""
        self.talk()
        token = token_of(self.bob)
        self.alice.types("the third secret")
        self.restart()
        bob = self.come(f"{token} #dev:2")
        heard = "\n".join(bob.hears())
        self.assertIn("the third secret", heard)
        self.assertNotIn("the second secret", heard)

    def test_an_open_room_is_read_by_whoever_comes(self) -> None:
        self.alice.types("/join #dev", "hello all", "/leave")
        self.eve.types("/join #dev")
        self.assertIn("hello all", "\n".join(self.eve.hears()))


class Outliving(SynchronousTestCase):
    """Registered rooms, and those that are not."""

    def setUp(self) -> None:
        self.chat = Chat()
        self.alice = self.chat.joined_as("alice", Role.USER)
        self.bob = self.chat.joined_as("bob", Role.USER)
        self.eve = self.chat.join("eve")

    def tearDown(self) -> None:
        self.assertEqual(self.flushLoggedErrors(), [])

    def come(self, name: str) -> Guest:
        guest = self.chat.connect()
        self.chat.log_in_again(guest, name)
        guest.claims(name)
        return guest

    def restart(self) -> None:
        self.chat = Chat(self.chat.log, records=self.chat.records)
        self.alice, self.bob = self.come("alice"), self.come("bob")

    def test_a_registered_room_outlives_emptiness_and_restarts(self) -> None:
        self.alice.types(
            "/join #dev", "/topic Friday", "/mode secret on", "/mode key sesame", "/mode slow 10s"
        )
        self.alice.types("/op bob", "/invite bob 2d", "/mode moderated on", "/leave")
        kept = self.chat.hub.rooms._rooms["#dev"].charter
        self.assertEqual(kept.modes, Modes(secret=True, key="sesame", slow=10.0, moderated=True))
        for _ in range(2):
            self.assertEqual(self.chat.hub.rooms._rooms["#dev"].charter, kept)
            self.restart()
        self.bob.types("/join #dev", "/mode")
        self.assertIn("-- The topic of #dev: Friday", self.bob.hears())
        self.assertIs(kept.role(self.bob.person.inbox), Role.OP)
        self.assertEqual(kept.invited, {self.bob.person.inbox: NOW + 2 * 86_400})

    def test_another_does_not(self) -> None:
        self.eve.types("/join #pub", "/topic drinks", "/mode moderated on", "/leave")
        self.assertNotIn("#pub", self.chat.hub.rooms._rooms)
        self.bob.types("/join #pub")
        self.assertEqual(self.chat.hub.rooms._rooms["#pub"].charter.modes, NORMAL)
        self.assertEqual(self.chat.hub.rooms._rooms["#pub"].charter.topic, "")

    def test_what_a_hostile_record_says_of_a_room_is_not_believed(self) -> None:
        for value in HOSTILE:
            self.chat.records.change(ROOM, "#dev", lambda _, value=value: value)  # type: ignore[misc]
            self.chat.log.append([])
            self.restart()
            self.assertNotIn("#dev", self.chat.hub.rooms._rooms, value)
            self.alice.types("/join #dev", "/mode moderated on", "/topic fine", "hello")
            charter = self.chat.hub.rooms._rooms["#dev"].charter
            self.assertEqual((charter.topic, charter.registered), ("fine", True), value)
            self.assertEqual(charter.founder, self.alice.person.inbox)

    def test_nor_under_a_name_that_no_room_can_have(self) -> None:
        for name in (
            "",
            "dev",
            "#",
            "#DEV",
            "@1",
            "&#dev",
            "#a b",
            "#a:b",
            "#\x1b",
            "#" + "x" * 99,
        ):
            self.chat.records.change(ROOM, name, lambda _: GOOD)
        self.restart()
        self.assertEqual([*self.chat.hub.rooms._rooms], [LOBBY])

    def test_nor_of_the_lobby(self) -> None:
        for value in HOSTILE:
            self.chat.records.change(ROOM, LOBBY, lambda _, value=value: value)  # type: ignore[misc]
            self.restart()
            root = self.chat.joined_as(f"r{len(self.chat.hub.accounts)}", Role.ADMIN)
            root.types("/topic fine", "/mode moderated off")
            self.assertEqual(self.chat.hub.rooms.lobby.charter.topic, "fine", value)
            self.assertIn(LOBBY, self.chat.hub.rooms._rooms)

    def test_a_room_that_becomes_the_lobby_is_for_everybody(self) -> None:
        self.alice.types("/join #dev", "/mode secret on", "/mode key sesame", "/mode slow 5s")
        self.chat = Chat(
            self.chat.log, records=self.chat.records, policy=Policy(UNLIMITED, lobby="#dev")
        )
        alice, eve = self.come("alice"), self.chat.join("eve")
        lobby = self.chat.hub.rooms.lobby
        self.assertEqual(lobby.charter.modes, Modes(slow=5.0))
        self.assertIs(self.chat.hub.rooms.role(alice.person, lobby), Role.USER)
        self.assertIn("#dev", eve.person.place.rooms)
        alice.types("/kick eve")
        self.assertIn("not-allowed", alice.hears()[-1])

    def test_a_room_that_cannot_be_given_up_is_kept(self) -> None:
        self.alice.types("/join #dev")
        charter = self.chat.hub.rooms._rooms["#dev"].charter
        room = self.chat.hub.rooms._rooms["#dev"]
        self.chat.records.change = lambda *_: fail(NOT_STORED)  # type: ignore[method-assign]
        self.alice.types("/drop")
        self.assertEqual(room.charter, charter)
