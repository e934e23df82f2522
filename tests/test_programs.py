"""What a program may do with a token: the rules are everybody's, and what is said twice is once."""

from collections.abc import Sequence
from typing import cast
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from chatservice.bots import repeats
from chatservice.bots.callers import Caller, Callers
from chatservice.bots.listeners import MOST_STREAMS, Stream
from chatservice.bots.programs import Page
from chatservice.errors import ChatError, Code, TooFast
from chatservice.events import Event, Kind
from chatservice.expiry import EVERY, Expiry
from chatservice.interfaces import IClock
from chatservice.limits import UNLIMITED, Limits
from chatservice.people.person import Policy
from chatservice.roles import Role
from chatservice.store.memory import MemoryLog
from tests.fakes import Chat, FailingLog, Member, SlowLog, quick, said, texts
from tests.test_bots import token_in


class WithToken(SynchronousTestCase):
    """Alice made #dev and lets the bot deploy in; Bob, a guest, is there."""

    policy = Policy(UNLIMITED, backlog=20)

    def setUp(self) -> None:
        self.log = SlowLog()
        self.open(Chat(self.log, policy=self.policy))

    def open(self, chat: Chat) -> None:
        """Begin with a chat."""
        self.chat = chat
        self.alice = self.chat.joined_as("alice", Role.USER)
        self.bob = self.chat.join("bob")
        self.alice.types("/join #dev")
        self.bob.types("/join #dev")
        self.alice.types("/token deploy #dev")
        self.secret = token_in(self.alice.hears())
        self.bob.hears()

    def caller(self, secret: str = "", host: str | None = None, encrypted: bool = False) -> Caller:
        return Caller(secret or self.secret, host, encrypted)

    def say(
        self, text: str, key: str = "", caller: Caller | None = None, kind: Kind = Kind.SAID
    ) -> Deferred[Event]:
        made = self.chat.hub.programs.say(caller or self.caller(), "#dev", text, kind, key)
        self.chat.turn()
        return made

    def reads(self) -> Deferred[Page]:
        made = self.chat.hub.programs.read(self.caller(), "#dev", None, None, 100)
        self.chat.turn()
        return made

    def said(self, text: str, key: str = "", caller: Caller | None = None) -> Event:
        return self.successResultOf(self.say(text, key, caller))

    def refusal(self, pending: Deferred[object] | Deferred[Event] | Deferred[Page]) -> ChatError:
        failure = self.failureResultOf(pending)
        assert isinstance(failure.value, ChatError), failure
        return failure.value

    def refuses(self, code: Code, text: str = "hello", caller: Caller | None = None) -> str:
        """Check that something is not said, and that nobody hears of it."""
        self.bob.hears()
        refusal = self.refusal(self.say(text, caller=caller))
        self.assertEqual(refusal.code, code)
        self.assertEqual(self.bob.hears(), [])
        return refusal.message


class Saying(WithToken):
    """Programs.say."""

    def test_it_is_said_as_the_bot_and_has_its_number(self) -> None:
        event = self.said("deploy done")
        self.assertEqual((event.seq, event.nick, event.text), (1, "deploy", "deploy done"))
        self.assertEqual(self.bob.hears(), ["deploy: deploy done"])

    def test_it_is_said_when_it_is_committed_and_not_before(self) -> None:
        self.log.slow = True
        pending = self.say("deploy done")
        self.assertNoResult(pending)
        self.log.commit()
        self.chat.turn()
        self.assertEqual(self.successResultOf(pending).seq, 1)

    def test_in_a_room_without_anybody(self) -> None:
        self.alice.types("/leave #dev")
        self.bob.types("/leave #dev")
        self.assertEqual(self.said("anybody?").seq, 1)

    def test_what_is_unsafe_is_replaced_and_a_slash_is_text(self) -> None:
        self.said("/quit \x1b[31m")
        self.assertEqual(self.bob.hears(), ["deploy: /quit \ufffd[31m"])

    def test_what_cannot_be_said(self) -> None:
        for text in ("", "  ", "one\ntwo", "one\rtwo", "\n", "\x0b"):
            self.refuses(Code.BAD_ARGUMENTS, text)
        self.refuses(Code.LINE_TOO_LONG, "x" * 1025)
        self.refuses(Code.LINE_TOO_LONG, "\x01" * 600)
        self.assertEqual(len(self.said("x" * 1024).text), 1024)

    def test_ops_do_to_it_what_they_do_to_people(self) -> None:
        self.alice.types("/mute deploy 10m hush")
        self.assertIn("hush", self.refuses(Code.MUTED))
        self.alice.types("/unmute deploy")
        self.said("again")
        self.alice.types("/ban deploy")
        self.refuses(Code.BANNED)
        self.alice.types("/unban deploy")
        self.alice.types("/mode moderated")
        self.refuses(Code.MODERATED)
        self.alice.types("/voice deploy")
        self.said("with voice")

    def test_the_chats_bans_and_those_of_addresses_hold(self) -> None:
        root = self.chat.joined_as("toor", Role.ADMIN)
        root.types("/ban #lobby 192.0.2.0/24")
        self.refuses(Code.BANNED, caller=self.caller(host="192.0.2.9"))
        self.said("from elsewhere", caller=self.caller(host="198.51.100.1"))

    def test_whoever_is_banned_or_muted_does_not_go_on_by_a_bot(self) -> None:
        root = self.chat.joined_as("toor", Role.ADMIN)
        root.types("/join #dev", "/mute #dev alice 10m hush")
        self.assertIn("alice", self.refuses(Code.MUTED))
        self.assertEqual(self.successResultOf(self.reads()).events, [])
        root.types("/unmute #dev alice", "/shadow #dev alice")
        self.bob.hears()
        self.said("nobody hears this")
        self.assertEqual(self.bob.hears(), [])
        root.types("/unmute #dev alice")
        self.said("heard")
        for room in ("#dev", "#lobby"):
            root.types(f"/ban {room} alice")
            self.refuses(Code.BANNED)
            self.assertEqual(self.refusal(self.reads()).code, Code.BANNED)
            root.types(f"/unban {room} alice")
            self.said("again")

    def test_who_is_muted_in_secret_does_not_learn_of_it(self) -> None:
        self.bob.types("one")
        self.alice.types("/shadow deploy")
        self.bob.hears()
        self.assertEqual(self.said("hello?").seq, 2)
        self.assertEqual(self.bob.hears(), [])

    def test_a_slow_room_says_how_long_to_wait(self) -> None:
        self.alice.types("/mode slow 30s")
        self.said("one")
        self.chat.time += 10
        refusal = self.refusal(self.say("two"))
        assert isinstance(refusal, TooFast)
        self.assertEqual((refusal.code, round(refusal.wait)), (Code.SLOW_MODE, 20))

    def test_a_secure_room_takes_no_token_from_an_open_network(self) -> None:
        self.alice.types("/mode secure")
        self.refuses(Code.NEEDS_ENCRYPTION, caller=self.caller(host="192.0.2.9"))
        self.said("tls", caller=self.caller(host="192.0.2.9", encrypted=True))
        self.said("here", caller=self.caller(host="127.0.0.1"))

    def test_a_token_is_for_its_rooms_and_rights(self) -> None:
        pending = self.chat.hub.programs.say(self.caller(), "#lobby", "hello")
        self.assertEqual(self.refusal(pending).code, Code.NOT_ALLOWED)
        self.alice.types("/token reader #dev read")
        reader = self.caller(token_in(self.alice.hears()))
        self.refuses(Code.NOT_ALLOWED, caller=reader)
        self.alice.types("/token writer #dev write")
        writer = self.caller(token_in(self.alice.hears()))
        reading = self.chat.hub.programs.read(writer, "#dev", None, None, 10)
        self.assertEqual(self.refusal(reading).code, Code.NOT_ALLOWED)

    def test_what_is_no_token(self) -> None:
        for secret in ("", "x", "chat_", "chat_" + "A" * 43, self.secret + "A", "\ud800", "@b"):
            self.refuses(Code.BAD_TOKEN, caller=Caller(secret, None, False))

    def test_what_cannot_be_stored_is_not_said(self) -> None:
        log = FailingLog()
        self.open(Chat(log, policy=self.policy))
        log.failing = ChatError(Code.NOT_STORED, "the disk is full")
        self.assertEqual(self.refusal(self.say("hello", "k")).code, Code.NOT_STORED)
        log.failing = None
        self.assertEqual(self.said("hello", "k").seq, 1)

    def test_a_chat_that_is_closing_takes_no_more(self) -> None:
        self.chat.hub.close("bye")
        self.assertEqual(self.refusal(self.say("hello")).code, Code.CLOSING)


class Limited(WithToken):
    """How much in how much time."""

    policy = Policy(Limits(connections=10), backlog=20)

    def test_a_token_may_as_much_as_a_person(self) -> None:
        for n in range(10):
            self.said(f"{n}", caller=self.caller(host="192.0.2.1"))
        refusal = self.refusal(self.say("more", caller=self.caller(host="198.51.100.7")))
        assert isinstance(refusal, TooFast)
        self.assertAlmostEqual(refusal.wait, 0.5)
        self.chat.clock.advance(refusal.wait)
        self.said("now", caller=self.caller(host="198.51.100.7"))

    def test_what_cannot_be_said_counts_as_well(self) -> None:
        for _ in range(10):
            self.refuses(Code.BAD_ARGUMENTS, "")
        self.refuses(Code.TOO_FAST, "")

    def test_wrong_tokens_count_for_the_address(self) -> None:
        wrong = Caller("chat_" + "x" * 43, "192.0.2.1", False)
        for _ in range(50):
            self.refuses(Code.BAD_TOKEN, caller=wrong)
        self.refuses(Code.TOO_FAST, caller=wrong)
        self.refuses(Code.TOO_FAST, caller=self.caller(host="192.0.2.1"))
        self.said("hello", caller=self.caller(host="192.0.2.2"))


class Twice(WithToken):
    """Idempotency keys."""

    def reopened(self) -> None:
        """Kill the chat and start it anew, on what was committed."""
        old = self.chat
        self.log = self.log.reopened()
        self.chat = Chat(self.log, policy=self.policy, records=old.records)
        self.chat.time = old.time
        self.bob = self.chat.join("bob")
        self.bob.types("/join #dev")
        self.bob.hears()

    def kept(self) -> list[str]:
        """Return what is in the room."""
        return [event.text for event in self.successResultOf(self.log.after("#dev", 0, 10_000))]

    def test_the_same_again_answers_the_same_and_says_nothing(self) -> None:
        first = self.said("done", "build-17")
        self.assertEqual(self.said("done", "build-17"), first)
        self.assertEqual(self.bob.hears(), ["deploy: done"])
        self.assertEqual(self.said("done", "build-18").seq, 2)
        self.assertEqual(self.said("done").seq, 3)

    def test_while_the_first_is_on_its_way(self) -> None:
        self.said("before", "other")
        self.log.slow = True
        asked = [self.say("done", "k") for _ in range(3)]
        self.log.commit()
        self.chat.turn()
        self.assertEqual({self.successResultOf(one).seq for one in asked}, {2})

    def test_while_the_keys_are_being_read(self) -> None:
        self.log.slow = True
        asked = [self.say("done", "k") for _ in range(3)]
        for _ in range(6):
            self.log.commit()
            self.log.answer()
            self.chat.turn()
        self.assertEqual({self.successResultOf(one).seq for one in asked}, {1})

    def test_the_key_of_another_text_is_refused(self) -> None:
        self.said("done", "k")
        self.assertEqual(self.refusal(self.say("failed", "k")).code, Code.KEY_REUSED)
        acted = self.say("done", "k", kind=Kind.ACTED)
        self.assertEqual(self.refusal(acted).code, Code.KEY_REUSED)

    def test_it_outlives_a_crash(self) -> None:
        first = self.said("done", "k")
        self.bob.types("and on")
        self.reopened()
        self.assertEqual(self.said("done", "k"), first)
        self.assertEqual(self.refusal(self.say("failed", "k")).code, Code.KEY_REUSED)
        self.assertEqual(self.kept(), ["done", "and on"])

    def test_a_disk_that_cannot_be_read_at_once_says_so_and_later_it_is_said(self) -> None:
        self.patch(self.log, "before", lambda *_: fail(ChatError(Code.NOT_READ, "No.")))
        refusal = self.refusal(self.say("deploy done", "k1"))
        self.assertEqual(refusal.code, Code.NOT_READ)
        self.patch(self.log, "before", lambda *args: MemoryLog.before(self.log, *args))
        self.assertEqual(self.said("deploy done", "k1").seq, 1)

    def test_after_a_day_it_is_forgotten(self) -> None:
        self.said("done", "k")
        self.chat.time += 86_401
        self.assertEqual(self.said("done", "k").seq, 2)
        self.reopened()
        self.assertEqual(self.said("done", "k").seq, 2)

    def test_keys_of_another_token_or_of_the_bots_next_token_are_others(self) -> None:
        self.said("done", "k")
        self.alice.hears()
        self.alice.types("/token deploy #dev")
        self.secret = token_in(self.alice.hears())
        self.assertEqual(self.said("done", "k").seq, 2)

    def test_the_mark_is_shown_to_nobody(self) -> None:
        first = self.said("done", "k")
        self.assertTrue(first.to)
        self.assertNotIn(first.to, "".join(self.bob.hears()))
        from chatservice.admin.lines import encode
        from chatservice.objects import write_event

        self.assertNotIn(first.to, write_event(first))
        row = (first.seq, first.at, "said", first.nick, first.text, first.to, first.by)
        self.assertNotIn(first.to, encode("#dev", row))

    def test_memory_is_bounded_and_what_was_forgotten_is_read_again(self) -> None:
        self.patch(repeats, "MOST_KEYS", 5)
        for n in range(8):
            self.said(f"{n}", f"k{n}")
        self.assertEqual(self.said("7", "k7").seq, 8)
        self.assertEqual(len(self.kept()), 8)
        self.assertEqual(self.said("0", "k0").seq, 9, "so many are remembered")
        self.patch(repeats, "MOST_AT_HAND", 4)
        self.alice.hears()
        self.alice.types("/token other #dev")
        other = self.caller(token_in(self.alice.hears()))
        for n in range(4):
            self.said(f"{n}", f"k{n}", other)
        self.assertEqual(self.said("0", "k0").seq, 9)
        self.assertEqual(self.said("1", "k1", other).seq, 11)


class TwiceInAnyOrder(SynchronousTestCase):
    """Any interleaving of retries, commits and crashes says each line once."""

    @quick
    @given(st.lists(st.sampled_from("abaCCCCCR"), min_size=10, max_size=40))
    def test_each_is_said_once(self, steps: Sequence[str]) -> None:
        case = Twice("kept")
        case.setUp()
        case.log.slow = True
        open_: list[tuple[str, Deferred[Event]]] = []
        answered: dict[str, set[int]] = {}

        def settle() -> None:
            for name, one in [*open_]:
                if one.called:
                    open_.remove((name, one))
                    answered.setdefault(name, set()).add(case.successResultOf(one).seq)

        for step in steps:
            if step == "C":
                case.log.commit(1)
                case.log.answer()
                case.chat.turn()
                settle()
            elif step == "R":
                open_.clear()  # nobody hears what becomes of it
                case.reopened()
                case.log.slow = True
            else:
                open_.append((step, case.say(f"line {step}", step)))
        for _ in range(40):
            case.log.commit()
            case.log.answer()
            case.chat.turn()
        settle()
        case.log.slow = False
        assert not open_
        kept = case.kept()
        assert len(kept) == len(set(kept)), kept
        for name, seqs in answered.items():
            assert [kept.index(f"line {name}") + 1] == [*seqs]


class Reading(WithToken):
    """Programs.read."""

    def read(self, after: int | None = None, before: int | None = None, limit: int = 100) -> Page:
        read = self.chat.hub.programs.read(self.caller(), "#dev", after, before, limit)
        return self.successResultOf(read)

    def seqs(self, page: Page) -> tuple[list[int], int | None]:
        return [event.seq for event in page.events], page.next

    def test_pages_forth_and_back(self) -> None:
        for n in range(5):
            self.bob.types(f"{n}")
        self.assertEqual(self.seqs(self.read()), ([1, 2, 3, 4, 5], 5))
        self.assertEqual(self.seqs(self.read(limit=2)), ([4, 5], 5))
        self.assertEqual(self.seqs(self.read(before=4, limit=2)), ([2, 3], 2))
        self.assertEqual(self.seqs(self.read(before=2, limit=2)), ([1], None))
        self.assertEqual(self.seqs(self.read(after=0, limit=2)), ([1, 2], 2))
        self.assertEqual(self.seqs(self.read(after=4)), ([5], 5))
        self.assertEqual(self.seqs(self.read(after=5)), ([], 5))
        self.assertEqual(self.seqs(self.read(after=99)), ([], 99))
        self.assertEqual(self.seqs(self.read(before=0)), ([], None))
        self.assertEqual(self.seqs(self.read(after=1, before=4)), ([2, 3], 3))
        self.assertEqual(self.seqs(self.read(after=4, before=2)), ([], 4))

    def test_a_page_is_bounded_in_bytes(self) -> None:
        for n in range(200):
            self.bob.types(f"{n} " + "x" * 900)
        first = self.read(limit=500, after=0)
        self.assertLess(len(first.events), 80)
        self.assertEqual(
            self.read(limit=500, after=first.next).events[0].seq, len(first.events) + 1
        )
        last = self.read(limit=500)
        self.assertEqual(last.events[-1].seq, 200)
        self.assertLess(len(last.events), 80)
        assert last.next == 200
        back = self.read(limit=500, before=last.events[0].seq)
        self.assertEqual(back.events[-1].seq, last.events[0].seq - 1)

    def test_what_was_said_when_the_room_was_another_is_not_read(self) -> None:
        carol = self.chat.joined_as("carol", Role.USER)
        carol.types("/join #vault", "/mode key secret", "the code is 1234", "/drop #vault")
        carol.types("/leave #vault")
        self.chat.time += 1
        self.alice.types("/join #vault", "hello")
        self.alice.types("/token spy #vault")
        spy = self.caller(token_in(self.alice.hears()))
        read = self.chat.hub.programs.read
        for after, before in ((0, None), (None, 100), (None, None)):
            page = self.successResultOf(read(spy, "#vault", after, before, 100))
            self.assertEqual([event.text for event in page.events], ["hello"])
        self.assertIsNone(self.successResultOf(read(spy, "#vault", None, 100, 100)).next)
        member = Member()
        self.chat.hub.listeners.listen(spy, "#vault", 0, member)
        self.chat.turn()
        self.assertEqual(texts(member), ["hello"])

    def test_who_is_banned_reads_nothing(self) -> None:
        self.alice.types("/ban deploy")
        read = self.chat.hub.programs.read(self.caller(), "#dev", None, None, 10)
        self.assertEqual(self.refusal(read).code, Code.BANNED)


class Listening(WithToken):
    """Programs.listen."""

    def listen(self, after: int | None = None, room: str = "#dev") -> tuple[Stream, Member]:
        member = Member()
        stream = self.chat.hub.listeners.listen(self.caller(), room, after, member)
        self.chat.turn()
        return stream, member

    def test_from_now_on(self) -> None:
        self.bob.types("before")
        _, member = self.listen()
        self.bob.types("hello")
        self.assertEqual(texts(member), ["hello"])
        self.assertEqual([one.nick for one in self.chat.hub.people()], ["alice", "bob"])

    def test_from_where_it_was_nothing_is_lost_or_doubled(self) -> None:
        for n in range(1200):
            self.log.append([said(f"{n}", "#dev")])
        _, member = self.listen(after=3)
        self.bob.types("hello")
        self.chat.clock.pump([0.01] * 20)
        self.assertEqual(texts(member), [*map(str, range(3, 1200)), "hello"])

    def test_a_number_that_is_not_reached_yet(self) -> None:
        _, member = self.listen(after=99)
        self.bob.types("hello")
        self.assertEqual(texts(member), ["hello"])

    def test_who_does_not_read_costs_nothing_and_gets_it_later(self) -> None:
        stream, member = self.listen()
        member.stalled = True
        for n in range(3000):
            self.bob.types(f"{n} " + "x" * 200)
        self.assertLess(len(member.events), 10)
        member.stalled = member.holding = False
        self.chat.hub.listeners.drained(stream)
        self.chat.clock.pump([0.01] * 50)
        self.assertEqual(texts(member), [*map(str, range(3000))])

    def ended(self, code: str) -> None:
        """Check what a stream hears last."""
        for member in self.members:
            self.assertEqual((member.events[-1].kind, member.events[-1].nick), (Kind.ERROR, code))
            self.assertEqual(member.disconnects, 1)
        self.assertEqual([*self.chat.hub.listeners.streams()], [])

    def test_it_ends_with_the_token_a_ban_and_the_room(self) -> None:
        for line, code in (
            ("/token revoke deploy", "bad-token"),
            ("/ban #dev deploy", "banned"),
            ("/ban #lobby deploy", "banned"),
            ("/drop #dev", "no-such-room"),
        ):
            self.setUp()
            guest = self.chat.joined_as("toor", Role.ADMIN) if "lobby" in line else self.alice
            self.members = [self.listen()[1], self.listen(after=0)[1]]
            self.bob.types("one", "two")
            guest.types(line)
            self.ended(code)

    def test_one_that_does_not_read_is_cut_off_when_it_ends(self) -> None:
        _, member = self.listen()
        member.stalled = True
        self.bob.types("one")
        self.alice.types("/token revoke deploy")
        self.chat.clock.advance(2)
        self.assertEqual(member.aborts, 1)

    def test_it_ends_in_the_room_alone_that_the_bot_is_taken_out_of(self) -> None:
        self.alice.types("/join #ops", "/token deploy #dev #ops")
        self.secret = token_in(self.alice.hears())
        _, other = self.listen()
        self.members = [self.listen(room="#ops")[1]]
        ben = self.chat.joined_as("ben", Role.USER)
        self.alice.types("/op #ops ben")
        ben.types("/token revoke deploy")
        self.bob.types("hello")
        self.assertEqual((texts(other), other.disconnects), (["hello"], 0))
        self.assertEqual([member.events[-1].nick for member in self.members], ["not-allowed"])
        self.assertEqual([member.disconnects for member in self.members], [1])

    def test_what_it_had_not_read_is_not_for_it_any_more_when_it_ends(self) -> None:
        for n in range(5000):
            self.log.append([said(f"{n}", "#dev")])
        self.log.slow = True
        _, member = self.listen(after=0)
        self.log.commit()
        self.chat.turn()
        self.log.answer()
        self.chat.turn()
        heard = len(texts(member))
        self.assertTrue(0 < heard < 5000)
        self.alice.types("/ban deploy")
        for _ in range(40):
            self.log.commit()
            self.log.answer()
            self.chat.turn()
        self.assertEqual(len(texts(member)), heard)
        self.members = [member]
        self.ended("banned")
        self.assertEqual(member.wrongs, [])

    def test_it_ends_when_its_maker_is_banned(self) -> None:
        root = self.chat.joined_as("toor", Role.ADMIN)
        for room in ("#dev", "#lobby"):
            self.members = [self.listen()[1]]
            root.types(f"/ban {room} alice")
            self.ended("banned")
            root.types(f"/unban {room} alice")

    def test_other_decisions_leave_it(self) -> None:
        _, member = self.listen()
        self.alice.types("/ban troll", "/mute deploy", "/mode slow 5s", "/token other #dev")
        self.assertEqual(member.disconnects, 0)

    def test_whoever_is_not_concerned_is_not_looked_at(self) -> None:
        """There may be a thousand streams, and tokens of a thousand others may end at once."""
        self.alice.types("/token other #dev")
        others = token_in(self.alice.hears())
        self.listen()
        with mock.patch.object(Callers, "check", side_effect=AssertionError("looked at")):
            self.chat.hub.listeners.note()
            self.alice.types("/token revoke other")
        self.assertEqual(self.refuses(Code.BAD_TOKEN, caller=self.caller(others))[:4], "That")
        self.assertEqual(len([*self.chat.hub.listeners.streams()]), 1)

    def test_so_many_and_no_more(self) -> None:
        streams = [self.listen()[0] for _ in range(MOST_STREAMS)]
        with self.assertRaises(ChatError) as refused:
            self.listen()
        self.assertEqual(refused.exception.code, Code.TOO_MANY_CONNECTIONS)
        self.chat.hub.listeners.lost(streams[0])
        self.listen()

    def test_streams_count_as_connections_of_an_address(self) -> None:
        self.open(Chat(policy=Policy(Limits(connections=2, burst=100))))
        caller, listen = self.caller(host="192.0.2.1"), self.chat.hub.listeners.listen
        streams = [listen(caller, "#dev", None, Member()) for _ in range(2)]
        with self.assertRaises(ChatError) as refused:
            listen(caller, "#dev", None, Member())
        self.assertEqual(refused.exception.code, Code.TOO_MANY_CONNECTIONS)
        self.chat.hub.listeners.lost(streams[0])
        listen(caller, "#dev", None, Member())

    def test_on_closing_it_hears_the_last_words(self) -> None:
        stream, member = self.listen()
        closed = self.chat.hub.close("Goodbye!")
        self.chat.turn()
        self.assertEqual(member.events[-1].text, "Goodbye!")
        self.assertEqual(member.disconnects, 1)
        for guest in (self.alice, self.bob):
            guest.goes()
        self.assertNoResult(closed)
        self.chat.hub.listeners.lost(stream)
        self.successResultOf(closed)

    def test_a_bot_that_only_listens_does_not_expire(self) -> None:
        self.alice.types("/token idle #dev")
        expiry = Expiry(cast("IClock", self.chat.clock), self.chat.hub, 3 * EVERY)
        expiry.start()
        self.addCleanup(expiry.stop)
        _, member = self.listen()
        for _ in range(9):
            self.chat.time += EVERY
            self.chat.clock.advance(EVERY)
        self.bob.types("hello")
        self.assertEqual(texts(member), ["hello"])
        accounts = self.chat.hub.accounts
        self.assertIsNotNone(accounts.find("deploy"))
        self.assertIsNone(accounts.find("idle"), "nobody uses it")
        self.assertIsNotNone(accounts.find("alice"), "she is here")

    def test_nobody_is_left_behind(self) -> None:
        streams = [self.listen()[0] for _ in range(3)]
        people = len(self.chat.hub.parts.people)
        for stream in streams:
            self.chat.hub.listeners.lost(stream)
        self.assertEqual(len(self.chat.hub.parts.people), people - 3)
