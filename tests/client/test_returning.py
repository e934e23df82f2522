"""The client's connection: what it asks by itself, and how it comes back to where it was."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chatservice.client.errands import SILENT
from chatservice.client.link import Link
from tests.client.test_link import OWN, TAKEN, TOKEN, LinkCase, comes_back
from tests.fakes import quick


class Errands(LinkCase):
    """What the link asks by itself."""

    def test_its_own_commands_come_first_and_their_answers_are_not_for_the_user(self) -> None:
        """Nothing else is sent until they are answered; what else comes is told."""
        self.server.says("NICK", "alice joined the chat", "Connected to the server")
        self.assertEqual(self.server.own(), list(OWN))
        self.assertEqual((self.user.nicks, self.user.presents), (["alice"], []))
        self.server.says("-- Kept for 30 days.", "[2026-11-20 10:00:00 6] bob: old", "-- Now.")
        self.assertFalse(self.link.ready or self.link.send("early"))
        self.server.says(comes_back("#lobby:6 @:0"), "bob: new")
        self.assertEqual(self.user.presents, [])
        self.server.says("-- Each line has its time now.")
        self.assertEqual(self.user.presents, [False])
        self.assertTrue(self.link.send("hello"))
        self.server.says("-- a notice", comes_back("#lobby:9 @:0"))
        texts = [event.text for event in self.user.events[1:]]
        told = ["Kept for 30 days.", "old", "Now.", "new", "a notice"]
        self.assertEqual(texts, [*told, f"{TOKEN} #lobby:9 @:0"])

    def test_without_stamps_it_only_asks_how_to_come_back(self) -> None:
        """One line of the budget."""
        self.link = Link(self.clock, self.server, "alice", self.user, stamps=False)
        self.link.start()
        self.server.says("NICK", "Connected to the server")
        self.assertEqual(self.server.own(), ["/resume"])
        self.server.says(comes_back("#lobby:6 @:0"))
        self.assertEqual(self.user.presents, [False])

    def test_too_fast_is_tried_again_and_not_told(self) -> None:
        """Only what was refused so; the user waits, for it would fare no better."""
        too_fast = "! Too fast: in 2.5 seconds. [too-fast]"
        self.server.says("NICK", "Connected to the server")
        for asked, answers in (
            (list(OWN), (too_fast, too_fast)),
            (list(OWN), (comes_back("#lobby:6 @:0"), too_fast)),
            (["/time here"], (too_fast,)),
            (["/time here"], ("-- Each line has its time now.",)),
        ):
            self.assertEqual(self.server.own(), asked)
            self.assertFalse(self.link.ready)
            self.server.says(*answers)
            self.clock.advance(2.4)
            self.assertEqual(self.server.own(), [])
            self.clock.advance(0.1)
        self.assertEqual((self.user.events, self.user.presents), ([], [False]))
        self.assertEqual(self.server.own(), [])

    def test_another_refusal_is_told_and_holds_nothing_up(self) -> None:
        """As by a server that knows no such commands; then nobody can come back."""
        unknown = "! There is no such command. [unknown-command]"
        self.server.says("NICK", "Connected to the server", unknown, unknown)
        self.assertEqual(len(self.user.events), 2)
        self.assertEqual(self.user.presents, [False])
        self.assertFalse(self.link.can_return)
        self.assertTrue(self.link.send("hello"))

    def test_a_server_that_does_not_answer_holds_nothing_up(self) -> None:
        """For long; telling what was missed is no silence, and talk is no answer."""
        self.server.says("NICK", "Connected to the server")
        for _ in range(5):
            self.clock.advance(SILENT - 1)
            self.server.says("[2026-11-20 10:00:00 6] bob: old")
        self.clock.advance(SILENT - 1)
        self.server.says("bob: hi")
        self.assertEqual(self.user.presents, [])
        self.clock.advance(1)
        self.assertEqual(self.user.presents, [False])

    def test_a_lost_connection_ends_the_waiting(self) -> None:
        """Whether for an answer or to try again."""
        for answer in ((), ("! Too fast. [too-fast]",) * 2):
            self.begin("alice")
            self.server.says("NICK", "Connected to the server", *answer)
            self.link.stop()
            self.clock.advance(0)
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.assertEqual(self.user.presents, [])


class Returning(LinkCase):
    """Coming back to where one was."""

    def loses(self, *lines: str) -> None:
        """Get in, read lines, lose the connection and be asked for a nickname again."""
        self.server.welcomes(read="#lobby:17 @:3")
        self.server.says(*lines)
        self.server.said()
        self.server.closes()
        self.comes_back()
        self.server.says("NICK")

    def test_what_was_read_is_offered(self) -> None:
        """Stamped lines say their number, bare ones are counted; nothing goes backward."""
        for lines, read in {
            (): "#lobby:17 @:3",
            ("[10:00:00 18] bob: hi", "[10:00:00 19] * bob waves"): "#lobby:19 @:3",
            ("[10:00:00 4] bob -> alice: psst",): "#lobby:17 @:4",
            ("bob: hi", "* bob waves", "alice -> bob: psst"): "#lobby:19 @:4",
            ("[2026-11-20 10:00:00 5] bob: old", "[09:00:00 2] bob: older"): "#lobby:17 @:3",
            ("bob joined the chat", "-- note", "! no [x]", "dave left the chat"): "#lobby:17 @:3",
            ("[10:00:00 99] bob: after lines that are not kept",): "#lobby:99 @:3",
            ("[2026-11-20 10:00:00 99] bob: found, newer than what is on its way",): (
                "#lobby:17 @:3"
            ),
        }.items():
            self.begin("alice")
            self.loses(*lines)
            self.assertEqual(self.server.said(), [f"alice {TOKEN} {read}"], lines)

    def test_all_that_was_missed_is_told_before_the_present(self) -> None:
        """The user knows what is news, and that it is all."""
        self.loses()
        self.server.says("Connected to the server")
        self.assertTrue(self.link.catching_up)
        self.server.says("[2026-11-20 10:00:00 18] bob: missed", "bob: live")
        self.server.settles("#lobby:19 @:3")
        self.assertEqual(self.user.presents, [False, True])
        self.assertFalse(self.link.catching_up)
        self.assertEqual([event.past for event in self.user.events], [True, False])

    def test_only_what_is_told_on_coming_back_must_be_whole(self) -> None:
        """A hole before is past; an answer to /history after it moves nothing."""
        self.loses("[10:00:00 99] bob: after lines that are not kept")
        self.server.says("Connected to the server")
        self.server.settles("#lobby:99 @:3")
        self.assertEqual(self.user.presents, [False, True])
        self.server.says("[2026-11-20 10:00:00 120] bob: found, newer than what is on its way")
        self.server.closes()
        self.comes_back()
        self.server.said()
        self.server.says("NICK")
        self.assertEqual(self.server.said(), [f"alice {TOKEN} #lobby:99 @:3"])

    def test_a_hole_is_noticed(self) -> None:
        """Before, among, and behind what was missed; nobody may conclude anything then."""
        for told, read in (
            (["[2026-11-20 10:00:00 19] bob: x"], "#lobby:19 @:3"),
            (["[2026-11-20 10:00:00 18] bob: x"], "#lobby:20 @:3"),
            ([], "#lobby:17 @:4"),
        ):
            self.begin("alice")
            self.loses()
            self.server.says("Connected to the server", *told)
            self.server.settles(read)
            self.assertEqual(self.user.presents, [False, False], told)

    def test_without_an_answer_nobody_knows_that_it_was_all(self) -> None:
        """Silence says nothing."""
        self.loses()
        self.server.says("Connected to the server")
        self.clock.advance(SILENT)
        self.assertEqual(self.user.presents, [False, False])

    def test_a_bad_token_is_forgotten(self) -> None:
        """The nickname is offered alone at once; another chat's numbers are taken as they are."""
        self.loses()
        self.server.said()
        self.server.says("! That is too old. [bad-token]", "NICK")
        self.assertEqual(self.server.said(), ["alice"])
        self.assertEqual(self.user.refusals, [])
        self.server.says("Connected to the server")
        self.assertFalse(self.link.catching_up)
        self.server.settles("#lobby:2 @:0")
        self.assertEqual(self.user.presents, [False, False])
        self.server.closes()
        self.comes_back()
        self.server.says("NICK")
        self.assertEqual(self.server.said(), [f"alice {TOKEN} #lobby:2 @:0"])

    def test_a_bad_token_that_was_none_is_no_endless_talk(self) -> None:
        """A server that says so to a bare nickname is not offered it again."""
        self.server.says("NICK", "! Bad. [bad-token]", "NICK")
        self.assertEqual((self.server.said(), self.user.refusals), (["alice"], ["Bad."]))

    def test_somebody_else_wears_the_nickname(self) -> None:
        """An alternative is offered, without the token."""
        self.loses()
        self.server.said()
        self.server.says(TAKEN, "NICK")
        self.assertEqual(self.server.said(), ["alice2"])

    def test_too_fast_is_offered_again_once(self) -> None:
        """With the token; and if the connection is lost meanwhile, only when asked again."""
        offer = f"alice {TOKEN} #lobby:17 @:3"
        self.loses()
        self.server.said()
        self.server.says("! Too fast: in 3.0 seconds. [too-fast]", "NICK")
        self.clock.advance(3)
        self.assertEqual(self.server.said(), [offer])
        self.server.says("! Too fast: in 50.0 seconds. [too-fast]", "NICK")
        self.server.closes()
        self.comes_back()
        self.server.welcomes(read="#lobby:17 @:3")
        self.assertEqual(self.server.said(), [offer])
        self.clock.advance(60)
        self.assertEqual(self.server.said(), [])

    def test_a_connection_that_let_nobody_in_costs_nothing(self) -> None:
        """The token is as good as before."""
        self.loses()
        self.server.says("! There are too many. [too-many-connections]")
        self.server.closes()
        self.comes_back()
        self.server.said()
        self.server.says("NICK")
        self.assertEqual(self.server.said(), [f"alice {TOKEN} #lobby:17 @:3"])

    def test_what_was_told_before_another_loss_is_not_told_again(self) -> None:
        """It was read."""
        self.loses()
        self.server.says("Connected to the server", "[2026-11-20 10:00:00 18] bob: missed")
        self.server.said()
        self.server.closes()
        self.comes_back()
        self.server.says("NICK")
        self.assertEqual(self.server.said(), [f"alice {TOKEN} #lobby:18 @:3"])

    def test_leaving_says_goodbye(self) -> None:
        """Or the server would wait; also before anything can be said, but not before we are in."""
        for lines, said in (
            ((), []),
            (("NICK",), ["alice"]),
            (("NICK", "Connected to the server"), ["alice", "/quit"]),
        ):
            self.begin("alice")
            self.server.says(*lines)
            self.link.stop()
            self.link.stop()
            self.assertEqual(self.server.said(), said)

    @quick
    @given(
        st.lists(
            st.sampled_from(
                [
                    *("NICK", "Connected to the server", "alice joined the chat", "-- note"),
                    *("[2026-11-20 10:00:00 6] bob: é", "[10:00:00 7] bob: x", "bob: y"),
                    *("! Too fast. [too-fast]", "! No. [bad-token]", comes_back("#lobby:6 @:1")),
                    *("bob -> alice: psst", "alice is now known as al", TAKEN),
                ]
            )
        ),
        st.data(),
    )
    def test_any_split_of_the_bytes_is_the_same(
        self, lines: list[str], data: st.DataObject
    ) -> None:
        """What is sent, told and known depends on the lines alone."""
        stream = "".join(f"{line}\r\n" for line in lines).encode()
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
        seen = []
        for parts in ([0, len(stream)], [0, *cuts, len(stream)]):
            self.begin("alice")
            for start, end in pairwise(parts):
                self.server.wires[0].protocol.dataReceived(stream[start:end])
            told = [event._replace(at=0.0) for event in self.user.events]
            seen.append((self.server.wires[0].value(), told, self.user.presents, self.link.nick))
        self.assertEqual(seen[0], seen[1])
