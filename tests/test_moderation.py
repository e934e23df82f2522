"""Keeping order: kicks, bans, mutes, and who may."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import Code
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from chatservice.roles import Role
from chatservice.rooms.sanctions import MOST_MASKS
from tests.fakes import WORD, Chat, Guest, register
from tests.test_returning import token_of

ELSEWHERE = "198.51.100.7"


class Order(SynchronousTestCase):
    """Alice is an admin, Bob a guest, Troll one from elsewhere; all are in the lobby."""

    def setUp(self) -> None:
        self.chat = Chat(policy=Policy(replace(UNLIMITED)))
        self.alice = self.come("alice", role=Role.ADMIN)
        self.bob = self.come("bob")
        self.troll = self.come("troll", host=ELSEWHERE)
        self.wait()
        self.listen()

    def wait(self, seconds: float = 1.0) -> None:
        """Let time pass on the wall clock."""
        self.chat.time += seconds

    def come(self, nick: str, host: str | None = None, role: Role | None = None) -> Guest:
        """Bring somebody in, with an account if it has a role."""
        if role is not None:
            return self.chat.joined_as(nick, role, host)
        guest = self.chat.connect(host)
        guest.claims(nick)
        guest.hears()
        return guest

    def listen(self, *guests: Guest) -> None:
        """Let people hear what there was."""
        for guest in guests or (self.alice, self.bob, self.troll):
            guest.hears()

    def hear(self, guest: Guest, *lines: str) -> None:
        """Check what somebody heard."""
        self.assertEqual(guest.hears(), list(lines))

    def refuse(self, guest: Guest, line: str, code: str) -> None:
        """Check that a line is refused, and that nobody else hears anything."""
        self.listen()
        others = [one for one in (self.alice, self.bob, self.troll) if one is not guest]
        guest.types(line)
        (answer,) = guest.hears()
        self.assertRegex(answer, rf"^! .*\[{code}\]$")
        for other in others:
            self.assertEqual(other.hears(), [])


class Kicking(Order):
    """Out, and back."""

    def test_who_is_kicked_out_of_the_lobby_is_out_of_the_chat(self) -> None:
        self.alice.types("/kick troll enough now")
        self.hear(self.bob, "alice kicked troll out of the chat: enough now")
        self.hear(self.troll, "! alice kicked you out of the chat: enough now [kicked]")
        self.assertEqual(self.troll.disconnects, 1)
        self.come("troll", ELSEWHERE)

    def test_who_is_kicked_out_of_a_room_is_in_the_lobby(self) -> None:
        self.bob.types("/join #dev")
        self.troll.types("/join #dev", "/leave #lobby")
        self.listen()
        self.bob.types("/kick troll")
        self.hear(
            self.troll,
            "! bob kicked you out of #dev. [kicked]",
            "bob kicked troll out of #dev",
            "-- You are in #lobby now.",
            "troll joined the chat",
        )
        self.hear(self.bob, "bob kicked troll out of #dev", "#lobby troll joined the chat")
        self.troll.types("/join #dev")
        self.assertIn("troll joined #dev", self.bob.hears())

    def test_who_was_kicked_out_of_a_room_does_not_come_back_to_it_by_token(self) -> None:
        self.bob.types("/join #dev")
        self.troll.types("/join #dev")
        token = token_of(self.troll)
        self.bob.types("/mode invite-only on", "/kick troll")
        again = Chat(self.chat.log, tickets=self.chat.tickets, records=self.chat.records)
        guest = again.connect(ELSEWHERE)
        guest.claims(token)
        self.assertEqual([*guest.person.place.rooms], ["#lobby"])

    def test_only_ops_kick(self) -> None:
        self.refuse(self.bob, "/kick troll", "not-allowed")
        self.refuse(self.bob, "/kick alice", "not-allowed")
        self.refuse(self.alice, "/kick alice", "outranked")
        self.refuse(self.alice, "/kick nobody", "no-such-nick")
        self.refuse(self.alice, "/kick", "bad-arguments")

    def test_nobody_acts_on_somebody_as_high(self) -> None:
        self.bob.types("/join #dev")
        self.alice.types("/join #dev")
        self.troll.types("/join #dev")
        self.bob.types("/op troll")
        self.listen()
        self.refuse(self.bob, "/kick alice", "outranked")
        self.refuse(self.troll, "/kick bob", "outranked")
        self.refuse(self.troll, "/deop bob", "not-allowed")
        self.refuse(self.troll, "/op bob", "not-allowed")


class Banning(Order):
    """Out for a while, by whatever name."""

    def refused_at(self, nick: str, host: str | None) -> str:
        guest = self.chat.connect(host)
        failure = self.failureResultOf(guest.claims(nick))
        return f"{failure.value.code}: {failure.value.message}"

    def test_a_banned_nickname_stays_out_under_other_names(self) -> None:
        self.alice.types("/ban troll 10m spam")
        self.hear(
            self.bob,
            "-- alice banned troll for 10m: spam",
            "alice kicked troll out of the chat: banned for 10m: spam",
        )
        self.assertEqual(self.troll.disconnects, 1)
        for nick in ("troll", "TROLL", "other"):
            told = self.refused_at(nick, ELSEWHERE)
            self.assertRegex(told, r"banned: You are banned from the chat until .* UTC \(in 10m\)")
            self.assertIn("by alice: spam", told)
        self.assertIn("banned", self.refused_at("troll", "203.0.113.1"))
        self.come("other", "203.0.113.1")

    def test_who_has_left_is_not_here_whatever_token_it_has(self) -> None:
        """Or one could lay in tokens for as many bans; whoever has only lost the connection is."""
        gone, lost = self.come("gone", ELSEWHERE), self.come("lost", ELSEWHERE)
        tokens = token_of(gone), token_of(lost)
        gone.types("/quit")
        unnamed = self.chat.connect(ELSEWHERE)
        lost.goes()
        self.wait()
        self.alice.types("/ban troll 1h")
        self.assertIn("banned", self.refused_at(tokens[0], ELSEWHERE))
        failure = self.failureResultOf(unnamed.claims("innocent"))
        self.assertEqual(failure.value.code, "banned")
        self.assertEqual(self.come(tokens[1], ELSEWHERE).nick, "lost")

    def test_who_was_here_at_the_same_address_stays(self) -> None:
        carol = self.come("carol", ELSEWHERE)
        self.wait()
        self.alice.types("/ban troll")
        self.assertEqual(carol.disconnects, 0)
        carol.hears()
        carol.types("hello")
        self.hear(carol, "carol: hello")

    def test_a_network_is_banned_for_all_in_it(self) -> None:
        carol = self.come("carol", ELSEWHERE)
        self.alice.types("/ban 198.51.100.0/24 2d open proxy")
        self.assertEqual((carol.disconnects, self.troll.disconnects), (1, 1))
        self.assertIn("banned", self.refused_at("newcomer", "198.51.100.99"))
        self.assertIn("banned", self.refused_at("newcomer", "::ffff:198.51.100.99"))
        self.come("newcomer", "198.51.101.99")
        self.alice.types("/unban 198.51.100.0/24")
        self.come("another", "198.51.100.99")

    def test_a_room_keeps_somebody_out(self) -> None:
        self.bob.types("/join #dev", "/ban troll 1h")
        self.listen()
        self.troll.types("/join #dev")
        (answer,) = self.troll.hears()
        self.assertRegex(answer, r"^! You are banned from #dev until .*, by bob\. \[banned\]$")
        self.troll.types("/why #dev")
        self.assertEqual(self.troll.hears(), [answer.replace("!", "--").removesuffix(" [banned]")])
        self.troll.types("/nick other", "/join #dev")
        self.assertRegex(self.troll.hears()[-1], "banned from #dev")
        self.bob.types("/unban troll")
        self.troll.types("/join #dev")
        self.assertIn("other joined #dev", self.troll.hears())

    def test_what_a_room_decided_is_gone_with_it(self) -> None:
        self.troll.types("/join #dev", "/ban #dev bob", "/leave #dev")
        self.listen()
        self.come("carol").types("/join #dev")
        self.bob.types("/join #dev")
        self.assertIn("bob joined #dev", self.bob.hears())

    def test_nor_does_it_hold_when_the_chat_ended_before_the_room(self) -> None:
        self.troll.types("/join #dev", "/ban #dev bob")
        again = Chat(records=self.chat.records)
        carol, bob = again.everybody("carol", "bob")
        carol.types("/join #dev")
        bob.types("/join #dev")
        self.assertIn("bob joined #dev", bob.hears())

    def test_who_turns_out_to_be_somebody_banned_is_out_of_the_chat(self) -> None:
        register(self.chat.hub, "evil")
        self.alice.types("/ban evil 1h")
        self.listen()
        self.bob.types(f"/login evil {WORD}")
        self.assertIn("alice kicked bob out of the chat: banned", self.troll.hears())

    def test_a_ban_ends(self) -> None:
        self.alice.types("/ban troll 10m")
        self.wait(601)
        self.come("troll", ELSEWHERE)

    def test_what_cannot_be_banned(self) -> None:
        for whom in ("0.0.0.0/0", "10.0.0.0/7", "::/8", ":x", "a:b", "1.2.3.4.5"):
            self.alice.types(f"/ban {whom}")
            (answer,) = self.alice.hears()
            self.assertRegex(answer, r"^! .*\[(bad-arguments|nick-invalid)\]$")
        self.refuse(self.alice, "/ban alice", "outranked")
        self.refuse(self.bob, "/ban troll", "not-allowed")
        self.refuse(self.alice, "/unban troll", "no-such-sanction")

    def test_an_admin_is_not_banned_by_a_network(self) -> None:
        self.bob.types("/join #dev")
        admin = self.come("root2", ELSEWHERE, Role.ADMIN)
        admin.types("/join #dev")
        self.bob.types("/ban 198.51.100.7")
        self.assertIn("#dev", admin.person.place.rooms)

    def test_a_mask_keeps_nicknames_out(self) -> None:
        self.alice.types("/ban tro* 10m spam")
        self.assertIn("-- alice banned tro* for 10m: spam", self.bob.hears())
        self.assertEqual(self.troll.disconnects, 1)
        self.assertIn("banned", self.refused_at("TROmbone", "203.0.113.1"))
        self.come("atroll", "203.0.113.1")
        self.alice.types("/bans")
        self.assertRegex(self.alice.hears()[-1], r"^--   banned tro\* until .*, by alice: spam$")
        self.alice.types("/unban TRO*")
        self.come("trombone", "203.0.113.1")
        self.refuse(self.alice, "/ban *", "bad-arguments")

    def test_so_many_masks_may_stand(self) -> None:
        self.bob.types("/join #dev")
        for number in range(MOST_MASKS):
            self.bob.types(f"/ban a{number}*")
        self.listen()
        self.refuse(self.bob, "/ban b*", "too-much")
        self.bob.types("/ban a0* 1h", "/ban carol", "/unban a1*", "/ban b*")
        self.assertFalse([line for line in self.bob.hears() if line.startswith("!")])

    def test_an_op_cannot_lift_what_an_admin_decided(self) -> None:
        self.bob.types("/join #dev")
        self.alice.types("/join #dev", "/ban troll")
        self.listen()
        self.refuse(self.bob, "/unban troll", "outranked")
        self.refuse(self.bob, "/ban troll 1s", "outranked")

    def test_bans_are_listed_for_ops(self) -> None:
        self.alice.types("/ban troll 10m spam", "/bans")
        heard = self.alice.hears()
        self.assertIn("-- 1 in the chat:", heard)
        self.assertRegex(heard[-1], r"^--   banned troll until .*, by alice: spam$")
        self.refuse(self.bob, "/bans", "not-allowed")


class Muting(Order):
    """Reading only."""

    def test_who_is_muted_is_told_and_cannot_speak(self) -> None:
        self.alice.types("/mute troll 10m calm down")
        self.hear(self.bob, "-- alice muted troll for 10m: calm down")
        heard = self.troll.hears()
        self.assertRegex(heard[-1], r"^! You are muted in the chat until .*: calm down \[muted\]$")
        for line in ("hi", "/me waves", "/nick other", "/say #lobby hi"):
            self.refuse(self.troll, line, "muted")
        self.troll.types("/why")
        self.assertRegex(self.troll.hears()[0], r"^-- You are muted in the chat until")
        self.alice.types("/unmute troll")
        self.assertIn("-- You can speak in the chat again.", self.troll.hears())
        self.troll.types("thanks")
        self.assertIn("troll: thanks", self.bob.hears())

    def test_a_duration_has_a_unit(self) -> None:
        """Or a slip would make of ten minutes for good."""
        for line in (
            "/mute troll 10",
            "/mute troll 10 spam",
            "/mute troll 10x",
            "/mute troll 0s",
            "/ban troll 99999999999d",
        ):
            self.refuse(self.alice, line, "bad-arguments")
        self.alice.types("/mute troll 3rd warning")
        self.assertIn("-- alice muted troll for good: 3rd warning", self.bob.hears())

    def test_a_mute_outlives_reconnecting(self) -> None:
        self.alice.types("/mute troll")
        self.troll.goes()
        self.wait()
        again = self.come("other", ELSEWHERE)
        self.listen()
        self.refuse(again, "hi", "muted")

    def test_a_room_mutes_for_itself(self) -> None:
        self.bob.types("/join #dev")
        self.troll.types("/join #dev")
        self.bob.types("/mute troll")
        self.listen()
        self.refuse(self.troll, "hi", "muted")
        self.troll.types("#lobby hi")
        self.assertIn("troll: hi", self.alice.hears())

    def test_nobody_finds_out_an_address_by_shadows(self) -> None:
        self.bob.types("/join #dev")
        self.refuse(self.bob, "/shadow #dev 198.51.100.0/24", "not-allowed")
        self.alice.types("/shadow 198.51.100.0/24")
        self.assertIn("You shadow-muted", self.alice.hears()[-1])

    def test_nobody_hears_who_is_shadow_muted(self) -> None:
        self.alice.types("/shadow troll 1d")
        self.assertEqual(self.bob.hears(), [])
        self.listen()
        self.troll.types("anybody?", "/why")
        self.hear(self.troll, "troll: anybody?", "-- Nothing stops you.")
        self.hear(self.bob)
        self.hear(self.alice)


class Others(Order):
    """Audit, announcements, closing down."""

    def test_what_was_done_is_kept(self) -> None:
        self.alice.types("/mute troll 10m spam", "/unmute troll", "/kick troll bye")
        self.listen()
        self.alice.types("/audit")
        heard = self.alice.hears()
        self.assertEqual(
            [line.split("-- alice ")[-1] for line in heard[:-1]],
            ["muted troll for 10m: spam", "unmuted troll", "kicked troll out of the chat: bye"],
        )
        self.alice.types("/audit 1")
        self.assertEqual(len(self.alice.hears()), 2)
        self.refuse(self.bob, "/audit", "not-allowed")

    def test_everybody_is_told(self) -> None:
        self.bob.types("/join #dev", "/leave #lobby")
        self.listen()
        self.alice.types("/announce soup is ready")
        self.hear(self.bob, "-- alice to everybody: soup is ready")
        self.hear(self.troll, "-- alice to everybody: soup is ready")
        self.refuse(self.bob, "/announce hi", "not-allowed")

    def test_the_chat_closes_in_good_time(self) -> None:
        ended: list[None] = []
        self.chat.hub.ended = lambda: ended.append(None)
        self.refuse(self.bob, "/drain 10", "not-allowed")
        self.alice.types("/drain 10")
        self.hear(self.bob, "-- The chat closes in 10 minutes. Nobody new can come in.")
        self.assertFalse(self.chat.connect().admitted)
        self.chat.clock.advance(540)
        self.hear(self.bob, "-- The chat closes in 1 minute.")
        self.assertEqual(ended, [])
        self.chat.clock.advance(60)
        self.assertEqual(ended, [None])

    def test_who_had_no_nickname_yet_does_not_come_in_either(self) -> None:
        late = self.chat.connect()
        self.alice.types("/drain 10")
        self.assertIs(self.failureResultOf(late.claims("late")).value.code, Code.CLOSING)

    def test_and_does_not_after_all(self) -> None:
        self.alice.types("/drain 10", "/drain off")
        self.assertIn("-- The chat does not close after all.", self.bob.hears())
        self.chat.clock.advance(3600)
        self.assertTrue(self.chat.connect().admitted)
        self.refuse(self.alice, "/drain off", "bad-arguments")
        self.refuse(self.alice, "/drain soon", "bad-arguments")
        self.alice.types("/audit")
        deeds = [line.partition("] ")[2] for line in self.alice.hears()[:-1]]
        self.assertEqual(deeds, ["-- alice closes the chat in 10m", "-- alice lets the chat go on"])
