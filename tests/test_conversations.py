"""Private conversations, as the hub sees them: who hears what, now or when it returns."""

import re

from twisted.trial.unittest import SynchronousTestCase

from chatservice.delivery.recall import MOST_LOOKED_AT, PAGE
from chatservice.rooms.conversations import (
    MOST_BY_GUESTS,
    MOST_BY_ONE,
    MOST_UNREAD,
)
from chatservice.rooms.readings import COMMIT_EVERY
from tests.fakes import NOT_STORED, WORD, Chat, FailingLog, Guest, SlowLog, register

_ABOUT = re.compile(r"-- You are logged in|\w+ (joined|left) the chat|Connected to")

AWAY = "-- bob is away: kept until it returns."


def later(count: str) -> str:
    """What is said behind lines that were kept."""
    return (
        f"-- {count} from while you were away, see above; times are UTC. /reply answers the last."
    )


def talk(guest: Guest) -> list[str]:
    """Return what somebody heard, without times and numbers, and about what."""
    heard = [line.rpartition("] ")[2] if line[0] == "[" else line for line in guest.hears()]
    return [line for line in heard if not _ABOUT.match(line)]


def enter(chat: Chat, name: str, nick: str = "") -> Guest:
    """Let the owner of an account come in, perhaps under another nickname."""
    guest = chat.connect()
    if nick in ("", name):
        guest.claims(f"{name} {WORD}")
    else:
        guest.claims(nick)
        guest.types(f"/login {name} {WORD}")
    return guest


class Scenario(SynchronousTestCase):
    """Alice and carol, and bob, whose nickname is registered and who is away."""

    def setUp(self) -> None:
        self.chat = Chat()
        register(self.chat.hub, "bob")
        self.alice, self.carol = self.chat.everybody("alice", "carol")

    def bob(self, nick: str = "bob") -> Guest:
        """Let bob come in."""
        guest = enter(self.chat, "bob", nick)
        for other in (self.alice, self.carol):
            other.hears()
        return guest

    def read(self) -> int:
        """Return how far bob has read, as far as that is committed."""
        account = self.chat.hub.accounts.find("bob")
        assert account is not None
        return account.read


class Kept(Scenario):
    """What is said to a registered nickname that is away."""

    def test_it_is_shown_when_it_returns_and_once(self) -> None:
        self.alice.types("/msg BOB hello")
        self.assertEqual(self.alice.hears(), ["alice -> bob: hello", AWAY])
        self.carol.types("/msg bob hi")
        bob = self.bob()
        told = ["alice -> bob: hello", "carol -> bob: hi", later("2 private lines")]
        self.assertEqual(talk(bob), told)
        self.assertEqual(self.read(), 2)
        bob.goes()
        self.assertEqual(talk(self.bob()), [])

    def test_it_has_its_times(self) -> None:
        self.alice.types("/msg bob hello")
        line = self.bob().hears()[-2]
        self.assertEqual(line, "[2023-11-14 22:13:20 1] alice -> bob: hello")

    def test_what_it_heard_itself_is_not_shown_again(self) -> None:
        bob = self.bob()
        self.alice.types("/msg bob one")
        bob.types("/msg alice two")
        self.assertEqual(talk(bob), ["alice -> bob: one", "bob -> alice: two"])
        bob.goes()
        self.alice.types("/msg bob three")
        self.assertEqual(talk(self.bob()), ["alice -> bob: three", later("One private line")])

    def test_what_it_did_not_read_is_shown_again(self) -> None:
        bob = self.bob()
        bob.stalled = True
        self.alice.types("/msg bob one")
        self.alice.types("/msg bob two")
        bob.goes()  # it holds the first, which counts as read, and was not given the second
        self.assertIn("alice -> bob: two", talk(self.bob()))

    def test_after_a_crash_it_is_shown_again(self) -> None:
        bob = self.bob()
        self.alice.types("/msg bob one")
        bob.hears()
        self.chat = Chat(self.chat.log, records=self.chat.records)
        self.alice, self.carol = self.chat.everybody("alice", "carol")
        self.assertEqual(talk(self.bob()), ["alice -> bob: one", later("One private line")])

    def test_after_a_crash_not_all_is_shown_again(self) -> None:
        self.bob()
        for n in range(COMMIT_EVERY + 3):
            self.alice.types(f"/msg bob {n}")
        self.assertIn(self.read(), range(COMMIT_EVERY - 1, COMMIT_EVERY + 2))

    def test_after_closing_it_is_not_shown_again(self) -> None:
        bob = self.bob()
        self.alice.types("/msg bob one")
        bob.hears()
        self.chat.hub.close("bye")
        self.assertEqual(self.read(), 1)

    def test_who_goes_before_it_was_told_is_told_next_time(self) -> None:
        for n in range(20):
            self.alice.types(f"/msg bob {n} " + "x" * 900)
        chat, guest = self.chat, self.chat.join("bobby")
        guest.stalled = True
        guest.types("held")
        guest.types(f"/login bob {WORD}")
        chat.turn()
        guest.goes()
        self.assertEqual(self.read(), 0)
        self.assertEqual(len(talk(self.bob())), 21)

    def test_the_rest_is_told_to_who_takes_its_time_and_then_goes(self) -> None:
        register(self.chat.hub, "alice", self.alice.person.inbox)
        self.alice.types(f"/login alice {WORD}")
        for n in range(100):
            self.alice.types(f"/msg bob {n} " + "x" * 900)
        guest = self.chat.join("bobby")
        guest.stalled = True
        guest.types(f"/login bob {WORD}")
        self.chat.turn()
        guest.goes()
        first = len([line for line in talk(guest) if line.startswith("alice")])
        self.assertTrue(0 < first < 100)
        self.assertEqual(self.read(), first)
        rest = talk(self.bob())
        self.assertEqual(rest[0].split()[3], str(first))
        self.assertEqual(len(rest), 100 - first + 1)

    def test_an_unknown_nickname_has_no_box(self) -> None:
        self.alice.types("/msg dave hi")
        (line,) = self.alice.hears()
        self.assertIn("Only for registered nicknames", line)
        self.assertIn("[no-such-nick]", line)

    def test_what_is_not_stored_is_not_kept(self) -> None:
        log = FailingLog()
        self.chat = Chat(log)
        register(self.chat.hub, "bob")
        (alice,) = self.chat.everybody("alice")
        log.failing = NOT_STORED
        alice.types("/msg bob hi")
        self.assertEqual(alice.hears(), ["! The disk is full: try again later. [not-stored]"])

    def test_who_leaves_at_once_has_said_it_all_the_same(self) -> None:
        log = SlowLog()
        self.chat = Chat(log)
        register(self.chat.hub, "bob")
        self.alice, self.carol = self.chat.everybody("alice", "carol")
        log.slow = True
        self.alice.types("/msg bob hi", "/quit")
        self.alice.goes()
        log.answer()
        log.slow = False
        log.commit()
        self.assertEqual(talk(self.bob())[0], "alice -> bob: hi")

    def test_what_comes_while_somebody_is_given_the_rest_and_goes_is_kept(self) -> None:
        bob = self.bob()
        bob.types("/resume")
        bob.stalled = True
        self.alice.types("/msg bob one")
        self.alice.types("/msg bob two")
        bob.session.hang_up()
        self.chat.turn()
        self.alice.types("/msg bob three")
        bob.reads()
        self.assertEqual((talk(bob)[-1], bob.disconnects), ("alice -> bob: two", 1))
        bob.goes()
        self.chat.clock.advance(61)
        self.assertEqual(talk(self.bob())[0], "alice -> bob: three")

    def test_who_returns_meanwhile_hears_it(self) -> None:
        log = SlowLog()
        self.chat = Chat(log)
        register(self.chat.hub, "bob")
        self.alice, self.carol = self.chat.everybody("alice", "carol")
        bob = self.bob("bobby")
        bob.goes()
        log.slow = True
        self.alice.types("/msg bob hi")  # asks how full the box is
        log.slow = False
        bob = self.bob()
        log.answer()
        self.chat.turn()
        self.assertEqual(talk(bob), ["alice -> bob: hi"])
        self.assertEqual(talk(self.alice), ["alice -> bob: hi"])

    def test_a_token_and_an_account_go_together(self) -> None:
        bob = self.bob()
        bob.types("/resume")
        offer = bob.hears()[-1].partition(": ")[2]
        bob.goes()
        self.alice.types("/msg bob one")
        self.assertEqual(talk(self.alice)[-1], AWAY)
        self.chat.clock.advance(61)
        self.assertEqual(self.read(), 0)
        back = self.chat.connect()
        back.person.account = self.chat.hub.accounts.find("bob")
        back.claims(offer)
        self.assertIn("alice -> bob: one", talk(back))
        self.assertEqual(self.read(), 1)

    def test_who_registers_has_read_everything(self) -> None:
        dave = self.chat.join("dave")
        self.alice.types("/msg dave hi")
        dave.hears()
        register(self.chat.hub, "dave", dave.person.inbox)
        dave.goes()
        self.alice.types("/msg dave more")
        dave = enter(self.chat, "dave")
        self.chat.turn()
        self.assertEqual(talk(dave), ["alice -> dave: more", later("One private line")])


class Unheard(Scenario):
    """Somebody whom nobody is to hear."""

    def test_it_notices_nothing(self) -> None:
        self.chat.hub.conversations._speak = lambda person: person is not self.alice.person
        self.alice.types("/msg bob hello", "/reply are you there?")
        told = ["alice -> bob: hello", AWAY, "alice -> bob: are you there?", AWAY]
        self.assertEqual(talk(self.alice), told)
        self.alice.types("/msg carol hello", "/reply psst")
        self.assertEqual(talk(self.alice), ["alice -> carol: hello", "alice -> carol: psst"])
        self.assertEqual(talk(self.carol), [])
        self.assertEqual(talk(self.bob()), [])


class Bounds(Scenario):
    """How much waits for who is away."""

    def refused(self, guest: Guest, reason: str) -> None:
        """Check that what somebody says to bob is not kept."""
        guest.hears()
        guest.types("/msg bob too much")
        (line,) = guest.hears()
        self.assertIn(reason, line)
        self.assertIn("[too-much]", line)

    def writes(self, count: int, *names: str) -> None:
        """Let people with accounts write to bob, so many lines each."""
        for name in names:
            register(self.chat.hub, name)
            guest = enter(self.chat, name)
            guest.types(*["/msg bob hi"] * count)
            guest.goes()

    def test_guests_have_a_small_part(self) -> None:
        self.alice.types(*["/msg bob hi"] * (MOST_BY_GUESTS - 1))
        self.carol.types("/msg bob hi")
        self.refused(self.alice, "by guests")
        self.refused(self.carol, "by guests")
        self.writes(1, "dave")
        self.assertEqual(len(talk(self.bob())), MOST_BY_GUESTS + 1 + 1)

    def test_one_person_has_a_part(self) -> None:
        self.writes(MOST_BY_ONE, "dave")
        register(self.chat.hub, "eve")
        dave, eve = enter(self.chat, "dave"), enter(self.chat, "eve")
        self.chat.turn()
        self.refused(dave, "of yours")
        eve.hears()
        eve.types("/msg bob hi")
        self.assertEqual(eve.hears()[-1], AWAY)

    def test_in_all_there_is_an_end(self) -> None:
        self.writes(MOST_BY_ONE, *(f"d{n}" for n in range(MOST_UNREAD // MOST_BY_ONE)))
        self.refused(self.alice, f"{MOST_UNREAD} lines")
        bob = self.bob()
        self.assertEqual(len(talk(bob)), MOST_UNREAD + 1)
        self.alice.types("/msg bob hi")
        self.assertEqual(talk(bob), ["alice -> bob: hi"])
        bob.goes()
        self.alice.types("/msg bob hi")
        self.assertEqual(self.alice.hears()[-1], AWAY)


class Several(Scenario):
    """Several connections with one identity."""

    def test_each_hears_a_line_once_and_ones_own_as_well(self) -> None:
        one, two = self.bob(), self.bob("bobby")
        one.hears(), two.hears()
        self.alice.types("/msg bob to both")
        two.types("/msg alice from both")
        heard = ["alice -> bob: to both", "bobby -> alice: from both"]
        self.assertEqual([talk(one), talk(two)], [heard, heard])
        self.assertEqual(talk(self.alice), heard)

    def test_the_name_of_the_account_reaches_who_is_called_otherwise(self) -> None:
        bob = self.bob("robert")
        self.alice.types("/msg bob hi")
        self.assertEqual(self.alice.hears(), ["alice -> bob: hi"])
        self.assertEqual(talk(bob), ["alice -> bob: hi"])

    def test_the_second_is_not_told_what_the_first_has(self) -> None:
        self.alice.types("/msg bob one")
        first = self.bob()
        self.alice.types("/msg bob two")
        self.assertEqual(len(talk(first)), 3)
        self.assertEqual(talk(self.bob("bobby")), [])

    def test_each_can_reply(self) -> None:
        one, two = self.bob(), self.bob("bobby")
        one.hears(), two.hears()
        one.types("/msg alice one")
        two.types("/reply two")
        self.carol.types("/msg bob hi")
        one.types("/reply hi")
        self.assertEqual(talk(self.alice), ["bob -> alice: one", "bobby -> alice: two"])
        self.assertEqual(talk(self.carol), ["carol -> bob: hi", "bob -> carol: hi"])

    def test_nobody_writes_to_itself(self) -> None:
        one, two = self.bob(), self.bob("bobby")
        for guest, nick in ((one, "bobby"), (two, "bob"), (one, "bob")):
            guest.hears()
            guest.types(f"/msg {nick} hi")
            self.assertIn("That is you", guest.hears()[0])


class Replies(Scenario):
    """Answering whoever one wrote with last."""

    def test_whoever_of_both_wrote_last(self) -> None:
        bob = self.bob()
        self.alice.types("/msg bob one")
        bob.types("/reply two")
        self.carol.types("/msg alice three")
        self.alice.types("/r four")
        self.assertEqual(talk(bob), ["alice -> bob: one", "bob -> alice: two"])
        self.assertEqual(talk(self.carol), ["carol -> alice: three", "alice -> carol: four"])

    def test_with_nobody_yet(self) -> None:
        self.alice.types("/reply hi")
        self.assertIn("written with nobody", self.alice.hears()[0])

    def test_a_new_nickname_does_not_lead_astray(self) -> None:
        self.carol.types("/msg alice hi", "/nick caroline")
        dave = self.chat.join("carol")
        self.alice.hears()
        self.alice.types("/reply you")
        self.assertEqual(self.alice.hears(), ["alice -> caroline: you"])
        self.carol.goes()
        self.alice.types("/reply you?")
        self.assertEqual(dave.hears(), ["caroline left the chat"])
        self.assertIn("caroline, whom you wrote with, is gone.", self.alice.hears()[-1])

    def test_somebody_else_with_the_nickname_does_not_get_it(self) -> None:
        self.carol.types("/msg alice hi")
        self.carol.goes()
        dave = self.chat.join("carol")
        self.alice.hears()
        self.alice.types("/reply you")
        (line,) = self.alice.hears()
        self.assertIn("whoever is called carol now is perhaps somebody else", line)
        self.assertIn("[no-such-nick]", line)
        self.assertEqual(dave.hears(), [])

    def test_somebody_who_is_away_gets_it_later(self) -> None:
        bob = self.bob("robert")
        bob.types("/msg alice hi")
        bob.goes()
        self.alice.hears()
        self.alice.types("/reply you")
        self.assertEqual(self.alice.hears(), ["alice -> bob: you", AWAY])
        bob = self.bob()
        self.assertEqual(talk(bob)[0], "alice -> bob: you")
        bob.types("/reply me")
        self.assertEqual(talk(bob), ["bob -> alice: me"])

    def test_who_wrote_last_is_found_after_a_restart(self) -> None:
        self.bob().types("/msg alice hi")
        register(self.chat.hub, "alice", self.alice.person.inbox)
        self.chat = Chat(self.chat.log, records=self.chat.records)
        self.carol = self.chat.join("carol")
        self.alice = enter(self.chat, "alice")
        bob = self.bob()
        bob.hears()
        bob.types("/reply back again")  # to whom it wrote itself, but of whom there is no line
        self.assertEqual(talk(bob), ["bob -> alice: back again"])
        self.alice.hears()
        self.alice.types("/reply yes")
        self.assertEqual(talk(self.alice), ["alice -> bob: yes"])

    def test_a_guest_of_before_the_restart_is_gone(self) -> None:
        bob = self.bob()
        bob.types("/msg alice hi")
        self.chat = Chat(self.chat.log, records=self.chat.records)
        self.alice, self.carol = self.chat.everybody("alice", "carol")
        bob = self.bob()
        bob.hears()
        bob.types("/reply hi")
        self.assertIn("alice, whom you wrote with, is gone, and whoever", bob.hears()[0])


class LookingBack(Scenario):
    """The history of a conversation."""

    def test_only_what_was_said_between_two(self) -> None:
        bob = self.bob()
        self.alice.types("/msg bob a1", "/msg carol c1")
        bob.types("/msg alice a2", "/msg carol x")
        self.carol.types("/msg alice c2")
        self.alice.hears()
        end = "-- That is where the history begins."
        self.alice.types("/history @bob")
        self.assertEqual(talk(self.alice), ["alice -> bob: a1", "bob -> alice: a2", end])
        self.alice.types("/history @CAROL 1")
        line, more = self.alice.hears()
        self.assertTrue(line.endswith("4] carol -> alice: c2"))
        self.assertEqual(more, "-- Earlier lines: /history @CAROL 1 before 4")
        self.alice.types("/history @carol before 4")
        self.assertEqual(talk(self.alice), ["alice -> carol: c1", end])
        self.alice.types("/history @ 3")
        lines = ["alice -> carol: c1", "bob -> alice: a2", "carol -> alice: c2"]
        more = "-- Earlier lines: /history @ 3 before 2"
        self.assertEqual(talk(self.alice), [*lines, more])
        self.alice.types("/history @dave")
        self.assertEqual(talk(self.alice), ["-- There is nothing earlier."])

    def test_whoever_it_was_then(self) -> None:
        self.carol.types("/msg alice one", "/nick caroline", "/msg alice two")
        self.alice.hears()
        for name in ("caroline", "carol"):
            self.alice.types(f"/history @{name}")
            self.assertIn("carol -> alice: one", talk(self.alice))
        self.alice.types("/history @caroline")
        self.assertIn("caroline -> alice: two", talk(self.alice))

    def test_another_room(self) -> None:
        self.alice.types("/join #dev", "hello", "/join #lobby")
        self.alice.hears()
        self.alice.types("/history #DEV 5")
        line, _ = self.alice.hears()
        self.assertTrue(line.endswith("] #dev alice: hello"), line)
        self.alice.types("/history #dev 1")
        self.assertEqual(self.alice.hears()[1], "-- Earlier lines: /history #dev 1 before 1")
        self.alice.types("/history #ops")
        self.assertIn("[no-such-room]", self.alice.hears()[0])

    def test_it_looks_through_so_much_at_a_time(self) -> None:
        self.carol.types("/msg alice the first")
        bob = self.bob()
        for n in range(MOST_LOOKED_AT + PAGE):
            bob.types(f"/msg alice {n}")
        self.alice.hears()
        self.alice.types("/history @carol")
        (line,) = self.alice.hears()
        rest = PAGE + 2
        self.assertEqual(
            line,
            f"-- Not all was looked through; there may be more: /history @carol 20 before {rest}",
        )
        self.alice.types(line.partition("more: ")[2])
        self.assertEqual(talk(self.alice)[0], "carol -> alice: the first")

    def test_what_cannot_be(self) -> None:
        for form in ("@" + "x" * 200, "@bob bob", "# 5", "@bob 0", "@bob before never"):
            self.alice.types(f"/history {form}")
            (line,) = self.alice.hears()
            self.assertRegex(line, r"\[(bad-arguments|room-invalid)\]")

    def test_a_conversation_can_be_searched(self) -> None:
        bob = self.bob()
        self.carol.types(*[f"/msg alice lunch {n}" for n in range(600)])
        bob.types("/msg alice lunch with bob")
        self.alice.hears()
        self.alice.types("/search lunch in:@bob")
        found, line, more = self.alice.hears()
        self.assertIn("One line found", found)
        self.assertIn("bob -> alice: lunch with bob", line)
        self.assertIn("-- More: /search lunch in:@bob before:102", more)
        self.alice.types("/search lunch in:@carol")
        lines = self.alice.hears()
        self.assertEqual(len(lines), 12)
        self.assertIn("before:591", lines[-1])
        self.alice.types("/search dinner in:@bob")
        self.assertEqual(self.alice.hears(), ["-- Nothing found."])
