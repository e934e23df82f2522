"""What ops do with their room: topic, modes, roles, invitations, and what outlives the evening."""

from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import ChatError, Code
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from chatservice.roles import Role
from chatservice.rooms.charters import MOST_OWN
from tests.fakes import Chat, Guest, SlowLog, SlowRecords
from tests.test_returning import token_of

PASSWORD = "correct horse"  # noqa: S105


class InDev(SynchronousTestCase):
    """Alice, who has an account, made #dev; Bob, a guest, is in it; Carol is only in the lobby."""

    def setUp(self) -> None:
        self.chat = Chat(policy=Policy(UNLIMITED, backlog=20))
        self.alice = self.chat.joined_as("alice", Role.USER)
        self.bob, self.carol = self.chat.everybody("bob", "carol")
        self.alice.types("/join #dev")
        self.bob.types("/join #dev")
        self.listen()

    def listen(self) -> None:
        """Let everybody hear what there was."""
        for guest in (self.alice, self.bob, self.carol):
            guest.hears()

    def refuse(self, guest: Guest, line: str, code: str) -> str:
        """Check that a line is refused and nobody else hears of it; return the answer."""
        self.listen()
        guest.types(line)
        (answer,) = guest.hears()
        self.assertRegex(answer, rf"^! .*\[{code}\]$")
        for other in {self.alice, self.bob, self.carol} - {guest}:
            self.assertEqual(other.hears(), [])
        return answer

    def both_hear(self, *lines: str) -> None:
        """Check what all in #dev heard."""
        for guest in (self.alice, self.bob):
            self.assertEqual(guest.hears(), list(lines))

    def restart(self) -> None:
        """Open the chat anew, on what was kept; Alice, Bob and Carol come again."""
        old = self.chat
        self.chat = Chat(old.log, policy=Policy(UNLIMITED, backlog=20), records=old.records)
        self.alice = self.chat.connect()
        self.chat.log_in_again(self.alice, "alice")
        self.alice.claims("alice")
        self.bob, self.carol = self.chat.everybody("bob", "carol")
        self.listen()


class Topics(InDev):
    """What a room is about."""

    def test_an_op_sets_it_and_all_see_it(self) -> None:
        self.alice.types("/topic Release on Friday")
        self.both_hear("alice set the topic to: Release on Friday")
        self.carol.types("/join #dev")
        self.assertIn("-- The topic of #dev: Release on Friday", self.carol.hears())
        self.carol.types("/rooms")
        self.assertIn("--   #dev: 3 here, current - Release on Friday", self.carol.hears())
        self.bob.types("/topic")
        self.assertEqual(self.bob.hears()[-1], "-- The topic of #dev, by alice: Release on Friday")
        self.alice.types("/topic -")
        self.assertEqual(self.bob.hears(), ["alice removed the topic"])

    def test_others_only_when_it_is_not_locked(self) -> None:
        self.refuse(self.bob, "/topic mine", "not-allowed")
        self.alice.types("/mode topic-locked off")
        self.both_hear("alice set topic-locked off")
        self.bob.types("/topic mine")
        self.both_hear("bob set the topic to: mine")

    def test_it_has_an_end(self) -> None:
        self.refuse(self.alice, f"/topic {'x' * 301}", "bad-arguments")


class ModesOfRooms(InDev):
    """Who may come in and speak."""

    def test_only_who_has_a_voice_speaks_in_a_moderated_room(self) -> None:
        self.alice.types("/mode moderated on")
        self.refuse(self.bob, "hello", "moderated")
        self.refuse(self.bob, "/me waves", "moderated")
        self.alice.types("/voice bob")
        self.assertEqual(self.bob.hears(), ["alice made bob voice"])
        self.bob.types("hello")
        self.assertIn("bob: hello", self.alice.hears())
        self.alice.types("/devoice bob")
        self.refuse(self.bob, "hello", "moderated")

    def test_a_key_is_asked_for(self) -> None:
        self.alice.types("/mode key s3cret")
        self.both_hear("alice set key on")
        self.refuse(self.carol, "/join #dev", "bad-key")
        self.refuse(self.carol, "/join #dev wrong", "bad-key")
        self.carol.types("/join #dev s3cret")
        self.assertIn("carol joined #dev", self.bob.hears())
        self.bob.types("/mode")
        self.assertNotIn("s3cret", self.bob.hears()[-1])

    def test_who_is_invited_comes_in_for_a_while(self) -> None:
        self.alice.types("/mode invite-only on")
        self.refuse(self.carol, "/join #dev", "invite-only")
        self.refuse(self.bob, "/invite carol", "not-allowed")
        self.alice.types("/invite carol 10m")
        self.assertEqual(self.carol.hears(), ["-- alice invites you to #dev: type /join #dev"])
        self.chat.time += 601
        self.refuse(self.carol, "/join #dev", "invite-only")
        self.alice.types("/invite carol")
        self.carol.types("/join #dev")
        self.assertIn("carol joined #dev", self.bob.hears())

    def test_whoever_owns_the_nickname_is_told_of_an_invitation_under_any_other(self) -> None:
        self.carol.types(f"/register {PASSWORD}", "/nick caro")
        self.listen()
        self.alice.types("/invite carol")
        self.assertEqual(self.carol.hears(), ["-- alice invites you to #dev: type /join #dev"])

    def test_an_invitation_is_worth_a_key(self) -> None:
        self.alice.types("/mode key s3cret", "/invite carol")
        self.carol.types("/join #dev")
        self.assertIn("carol joined #dev", self.bob.hears())

    def test_nobody_outside_learns_of_a_secret_room(self) -> None:
        self.alice.types("/mode secret on")
        self.listen()
        self.carol.types("/rooms")
        self.assertEqual(self.carol.hears(), ["-- One room:", "--   #lobby: 3 here, current"])
        for line in ("/who #dev", "/topic #dev", "/mode #dev", "/search x in:#dev"):
            self.refuse(self.carol, line, "no-such-room")
        self.bob.types("/rooms")
        self.assertIn("#dev: 2 here", "\n".join(self.bob.hears()))

    def test_a_slow_room_takes_one_line_at_a_time(self) -> None:
        self.alice.types("/mode slow 10s")
        self.bob.types("one")
        self.assertIn("10 seconds", self.refuse(self.bob, "two", "slow-mode"))
        self.alice.types("ops are not slowed", "down")
        self.chat.time += 10
        self.bob.types("three")
        self.assertIn("bob: three", self.bob.hears())
        self.chat.time -= 3600
        self.bob.types("four")
        self.assertIn("bob: four", self.bob.hears())
        self.refuse(self.bob, "five", "slow-mode")

    def test_only_encrypted_connections_enter_a_secure_room(self) -> None:
        self.alice.types("/mode secure on")
        self.carol.person.encrypted = False
        self.refuse(self.carol, "/join #dev", "needs-encryption")
        self.carol.person.encrypted = True
        self.carol.types("/join #dev")
        self.assertIn("carol joined #dev", self.bob.hears())

    def test_a_room_takes_so_many(self) -> None:
        self.alice.types("/mode limit 2")
        self.both_hear("alice set limit 2")
        self.assertIn("2 people", self.refuse(self.carol, "/join #dev", "room-full"))
        self.bob.types("/invite carol")  # no op's: a word alone
        self.refuse(self.carol, "/join #dev", "room-full")
        self.alice.types("/invite carol")
        self.carol.types("/join #dev")
        self.assertIn("carol joined #dev", self.bob.hears())
        self.alice.types("/mode limit 3", "/deop alice", "/mode")
        self.carol.types("/leave #dev", "/join #dev")
        self.assertIn("carol joined #dev", self.bob.hears())
        self.restart()
        self.alice.types("/mode #dev")
        self.assertIn("limit 3, outside off", self.alice.hears()[-1])

    def test_who_is_outside_may_speak_where_that_is_wanted(self) -> None:
        self.refuse(self.carol, "/say #dev hi", "no-such-room")
        self.assertIn("//", self.refuse(self.carol, "#dev hi", "no-such-room") + "//")
        self.alice.types("/mode outside on")
        self.both_hear("alice set outside on")
        self.carol.types("/say #dev hi", "#dev you")
        self.both_hear("carol: hi", "carol: you")
        self.assertEqual(self.carol.hears(), ["#dev carol: hi", "#dev carol: you"])
        self.alice.types("answer")
        self.assertEqual(self.carol.hears(), [])
        self.refuse(self.carol, "/history #dev", "no-such-room")
        self.alice.types("/mode outside off")
        self.refuse(self.carol, "/say #dev hi", "no-such-room")

    def test_but_not_if_something_else_stops_it(self) -> None:
        self.alice.types("/mode outside on", "/mode moderated on")
        self.refuse(self.carol, "/say #dev hi", "moderated")
        self.alice.types("/mode moderated off", "/mode secure on")
        self.carol.person.encrypted = False
        self.refuse(self.carol, "/say #dev hi", "needs-encryption")
        self.alice.types("/mode secure off", "/mute carol")
        self.refuse(self.carol, "/say #dev hi", "muted")
        self.alice.types("/unmute carol", "/ban carol")
        self.refuse(self.carol, "/say #dev hi", "banned")
        self.alice.types("/unban carol", "/mode secret on")
        self.refuse(self.carol, "/say #dev hi", "no-such-room")
        self.alice.types("/mode secret off", "/mode slow 10s")
        self.carol.types("/say #dev one")
        self.assertIn("carol: one", self.bob.hears())
        self.refuse(self.carol, "/say #dev two", "slow-mode")

    def test_nobody_hears_who_is_shadow_muted_outside_either(self) -> None:
        self.alice.types("/mode outside on", "/shadow carol")
        self.listen()
        self.carol.types("/say #dev hi")
        self.assertEqual(self.carol.hears(), ["#dev carol: hi"])
        self.both_hear()

    def test_several_are_changed_together_or_not_at_all(self) -> None:
        ops, dev = self.chat.hub.ops, self.chat.hub.rooms.find("#dev")
        assert dev is not None
        changes = [("moderated", "on"), ("slow", "10s"), ("key", "s3cret"), ("moderated", "off")]
        self.successResultOf(ops.set_modes(self.alice.person, dev, changes))
        self.chat.clock.advance(0)
        self.both_hear("alice set moderated off, slow 10s, key on")
        before = dev.charter.modes
        bad = [("moderated", "on"), ("limit", "many")]
        self.assertRaises(ChatError, ops.set_modes, self.alice.person, dev, bad)
        self.assertEqual(dev.charter.modes, before)
        self.both_hear()

    def test_what_cannot_be(self) -> None:
        for line in (
            *("/mode purple on", "/mode moderated maybe", "/mode slow 0s", "/mode slow 2d"),
            *("/mode slow never", f"/mode key {'x' * 65}", "/mode #lobby"),
            *("/mode limit 0", "/mode limit -1", "/mode limit x", "/mode limit 1000001"),
            *("/mode limit ٣", "/mode outside 5"),
        ):
            self.listen()
            self.alice.types(line)
            self.assertEqual(len(self.alice.hears()), 1, line)
            self.assertEqual(self.bob.hears(), [], line)
        admin = self.chat.joined_as("root2", Role.ADMIN)
        for mode in ("invite-only", "secret", "secure", "key", "limit"):
            admin.types(f"/mode #lobby {mode} on")
            self.assertRegex(admin.hears()[-1], r"\[bad-arguments\]$")


class Roles(InDev):
    """Who keeps order."""

    def test_the_founder_makes_ops_and_ops_give_voice(self) -> None:
        self.alice.types("/op bob")
        self.both_hear("alice made bob op")
        self.carol.types("/join #dev")
        self.bob.types("/voice carol")
        self.assertIn("bob made carol voice", self.carol.hears())
        self.refuse(self.bob, "/op carol", "not-allowed")
        self.refuse(self.bob, "/deop alice", "not-allowed")
        self.alice.types("/deop bob")
        self.refuse(self.bob, "/voice carol", "not-allowed")

    def test_nobody_is_demoted_by_the_way(self) -> None:
        self.alice.types("/op bob")
        self.refuse(self.alice, "/voice bob", "bad-arguments")
        self.refuse(self.alice, "/op bob", "bad-arguments")
        self.refuse(self.alice, "/deop carol", "bad-arguments")

    def test_who_has_a_role_may_give_it_back(self) -> None:
        self.alice.types("/op bob")
        self.listen()
        self.bob.types("/deop bob")
        self.both_hear("bob made bob user")
        self.refuse(self.bob, "/deop bob", "not-allowed")
        self.alice.types("/voice bob")
        self.listen()
        self.bob.types("/devoice BOB")
        self.both_hear("bob made bob user")

    def test_so_may_a_founder_unless_the_room_is_kept_for_it(self) -> None:
        answer = self.refuse(self.alice, "/deop alice", "not-allowed")
        self.assertIn("/drop #dev gives it up", answer)
        self.alice.types("/drop #dev")
        self.listen()
        self.alice.types("/deop alice")
        self.both_hear("alice made alice user")
        self.refuse(self.alice, "/mode moderated on", "not-allowed")
        self.assertEqual(self.chat.hub.rooms.find("#dev").charter.founder, "")  # type: ignore[union-attr]

    def test_a_room_can_be_handed_over(self) -> None:
        self.refuse(self.alice, "/founder bob", "login-needed")
        self.bob.types(f"/register {PASSWORD}")
        self.listen()
        self.alice.types("/founder bob")
        self.both_hear("alice made bob founder")
        self.refuse(self.alice, "/op carol", "not-allowed")
        self.bob.types("/deop alice")
        self.refuse(self.alice, "/topic mine", "not-allowed")

    def test_a_guest_founds_a_room_until_it_is_empty(self) -> None:
        self.carol.types("/join #tmp", "/mode moderated on", "/topic mine")
        self.carol.types("/leave #tmp")
        self.bob.types("/join #tmp")
        self.bob.types("hello", "/topic")
        heard = self.bob.hears()
        self.assertIn("bob: hello", heard)
        self.assertIn("-- #tmp has no topic: /topic TEXT sets one.", heard)

    def test_its_bans_are_gone_with_it(self) -> None:
        self.carol.types("/join #tmp", "/ban bob", "/mute alice")
        self.assertEqual(len(self.chat.hub.parts.sanctions), 2)
        self.carol.types("/leave #tmp")
        self.assertEqual(len(self.chat.hub.parts.sanctions), 0)
        self.bob.types("/join #tmp", "hello")
        self.assertIn("bob: hello", self.bob.hears())

    def test_a_guests_role_ends_when_it_leaves(self) -> None:
        self.alice.types("/op bob")
        self.bob.goes()
        self.assertEqual(
            dict(self.chat.hub.rooms.shown(self.alice.person, "#dev").charter.roles), {}
        )

    def test_who_registers_keeps_its_rooms(self) -> None:
        self.carol.types("/join #tmp", "/topic mine", f"/register {PASSWORD}")
        self.carol.types("/leave #tmp")
        self.bob.types("/join #tmp")
        self.assertIn("-- The topic of #tmp: mine", self.bob.hears())

    def test_a_new_password_makes_old_tokens_worthless(self) -> None:
        self.carol.types(f"/register {PASSWORD}")
        lost = self.chat.connect()
        lost.claims("carol_phone")
        lost.types(f"/login carol {PASSWORD}")
        token = token_of(lost)
        lost.types("/quit")
        self.carol.types(f"/password {PASSWORD} -> battery staple")
        failed = self.failureResultOf(self.chat.connect().claims(token))
        self.assertIs(failed.value.code, Code.BAD_TOKEN)
        mine = token_of(self.carol)
        self.carol.goes()
        self.successResultOf(self.chat.connect().claims(mine))

    def test_who_logs_in_keeps_its_roles(self) -> None:
        self.carol.types(f"/register {PASSWORD}")
        guest = self.chat.join("carol_away")
        guest.types("/join #tmp", f"/login carol {PASSWORD}", "/topic still mine")
        self.assertIn("carol_away set the topic to: still mine", guest.hears())


class OnASlowDisk(SynchronousTestCase):
    """Records that are committed when they are told to be."""

    def test_what_closes_a_room_that_is_being_registered_is_kept(self) -> None:
        records = SlowRecords()
        chat = Chat(log=SlowLog(), records=records)
        alice, bob = chat.joined_as("alice", Role.USER), chat.join("bob")
        assert isinstance(chat.log, SlowLog)
        chat.log.slow = records.slow = True
        alice.types("/join #dev", "/mode #dev invite-only on")
        for _ in range(5):
            chat.log.commit()
            records.commit()
            chat.turn()
        chat.log.slow = records.slow = False
        alice.types("/mode #dev")
        self.assertIn("alice set invite-only on", alice.hears())
        self.assertIn("-- #dev: invite-only on", "\n".join(alice.lines()))
        bob.types("/join #dev")
        self.assertRegex(bob.hears()[-1], r"\[invite-only\]$")
        again = Chat(records=records).join("bob")
        again.types("/join #dev")
        self.assertRegex(again.hears()[-1], r"\[invite-only\]$")


class Lasting(InDev):
    """What outlives those who were there, and what does not."""

    def test_a_registered_room_outlives_a_restart(self) -> None:
        self.alice.types(
            *("/topic Release", "/mode slow 10s", "/mode key s3cret", "/op bob", "/ban carol 1d")
        )
        self.restart()
        self.refuse(self.carol, "/join #dev s3cret", "banned")
        self.alice.types("/join #dev")
        self.assertIn("-- The topic of #dev: Release", self.alice.hears())
        self.alice.types("/mode")
        self.assertIn("slow 10s", self.alice.hears()[-1])
        rooms, alice = self.chat.hub.rooms, self.alice.person
        self.assertIs(rooms.role(alice, rooms.shown(alice, "#dev")), Role.FOUNDER)

    def test_the_lobbys_topic_does_as_well(self) -> None:
        admin = self.chat.joined_as("root2", Role.ADMIN)
        admin.types("/topic Welcome")
        self.restart()
        guest = self.chat.connect()
        guest.claims("newcomer")
        self.assertIn("-- The topic of #lobby: Welcome", guest.hears())

    def test_what_was_said_in_a_closed_room_is_not_for_who_makes_it_anew(self) -> None:
        self.carol.types("/join #den", "/mode key s3cret", "the plan", "/leave #den")
        self.bob.types("/join #den")
        self.assertNotIn("the plan", "\n".join(self.bob.hears()))
        for line in ("/history 50", "/search plan", "/search new -C 5", "/history before 2"):
            self.bob.types("new", line)
            self.assertNotIn("the plan", "\n".join(self.bob.hears()), line)
        self.bob.types("/leave #den")
        self.restart()
        self.alice.types("/join #den", "/history 50")
        self.assertNotIn("the plan", "\n".join(self.alice.hears()))

    def test_nor_for_who_says_on_coming_back_that_it_has_read_less(self) -> None:
        self.carol.types("/join #den", "/mode key s3cret", "the plan", "/leave #den")
        self.bob.types("/join #den", "new")
        token = token_of(self.bob)
        self.bob.goes()
        guest = self.chat.connect()
        guest.claims(f"{token} #den:0")
        lines = "\n".join(guest.hears())
        self.assertNotIn("the plan", lines)
        self.assertIn("bob: new", lines)

    def test_nor_when_it_cannot_be_read_how_far_that_went(self) -> None:
        self.carol.types("/join #den", "/mode key s3cret", "the plan", "/leave #den")
        head = self.chat.log.head

        def unread(room: str) -> Deferred[int]:
            return fail(ChatError(Code.NOT_READ, "Not now.")) if room == "#den" else head(room)

        self.patch(self.chat.log, "head", unread)
        self.bob.types("/join #den")
        self.patch(self.chat.log, "head", head)
        self.bob.types("/history 50", "/search plan")
        self.assertNotIn("the plan", "\n".join(self.bob.lines()))

    def test_nor_is_what_ops_did_there(self) -> None:
        self.carol.types("/join #den", "/mode key s3cret", "/topic the plan", "/leave #den")
        self.chat.time += 1
        self.bob.types("/join #den")
        self.listen()
        self.bob.types("/mode slow 1s", "/audit #den")
        lines = self.bob.hears()
        self.assertNotIn("the plan", "\n".join(lines))
        self.assertIn("bob made the room anew", lines[1])
        self.assertEqual(len(lines), 4, lines)

    def test_who_was_in_a_room_of_the_name_before_is_a_stranger(self) -> None:
        self.carol.types("/join #den")
        token = token_of(self.carol)
        self.carol.types("/quit")
        self.chat.time += 1
        self.bob.types("/join #den", "/mode invite-only on", "the plan")
        guest = self.chat.connect()
        guest.claims(token)
        lines = "\n".join(guest.hears())
        self.assertIn("[invite-only]", lines)
        self.assertNotIn("the plan", lines)
        self.assertEqual([*guest.person.place.rooms], ["#lobby"])

    def test_who_was_in_this_one_may_come_back(self) -> None:
        self.alice.types("/mode invite-only on")
        token = token_of(self.bob)
        self.chat.time += 1
        self.bob.types("/quit")
        guest = self.chat.connect()
        guest.claims(token)
        self.assertIn("#dev", guest.person.place.rooms)

    def test_what_was_said_in_an_open_one_is(self) -> None:
        self.carol.types("/join #pub", "hello", "/leave #pub")
        self.bob.types("/join #pub")
        self.assertIn("carol: hello", "\n".join(self.bob.hears()))

    def test_a_room_can_be_given_up(self) -> None:
        self.alice.types("/topic mine", "/drop")
        self.assertIn(
            "-- alice gave the room up: it is gone when everybody has left.", self.bob.hears()
        )
        self.alice.types("/leave #dev")
        self.bob.types("/leave #dev")
        self.carol.types("/join #dev")
        self.carol.types("/topic")
        self.assertIn("-- #dev has no topic: /topic TEXT sets one.", self.carol.hears())
        self.refuse(self.carol, "/drop", "bad-arguments")

    def test_an_account_has_only_so_many_rooms(self) -> None:
        for n in range(MOST_OWN):
            self.alice.types(f"/join #room{n}")
        self.assertIn("/drop", "\n".join(self.alice.hears()))
        self.alice.types("/drop #room0", "/join #another")
        self.assertNotIn("[too-much]", "\n".join(self.alice.hears()))
