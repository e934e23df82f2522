"""CHATHISTORY over the wire: what is found, for whom, and what is answered to what is none."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.commands import perform
from chatservice.delivery.excerpts import View
from chatservice.delivery.recall import MOST_LOOKED_AT
from chatservice.doors.irc.isupport import MOST_HISTORY
from chatservice.doors.irc.times import milliseconds, read_timestamp, since, timestamp
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from tests.doors.irc.chat import SERVER, Chat, DurableChat, Wire
from tests.fakes import quick

CAPABILITIES = ("batch", "draft/chathistory", "echo-message", "message-tags", "server-time")
SAID = 12
"""Messages that a list has."""

FREE = Policy(limits=UNLIMITED, plaintext_login=True)
words_typed = st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), max_size=20)

EARLY, LATE = "timestamp=2020-01-01T00:00:00.000Z", "timestamp=2262-01-01T00:00:00.000Z"


class Line(NamedTuple):
    """A message of a batch, as far as a client can tell two apart."""

    time: str
    id: str
    target: str
    text: str

    @property
    def by_time(self) -> str:
        return f"timestamp={self.time}"

    @property
    def by_id(self) -> str:
        return f"msgid={self.id}"


def line_of(text: str) -> Line:
    """Return what a line with tags says."""
    tags, _, _, target, said = text.split(" ", 4)
    values = dict(tag.partition("=")[::2] for tag in tags[1:].split(";"))
    return Line(values["time"], values.get("msgid", ""), target, said.removeprefix(":"))


def unwrapped(lines: Sequence[str], target: str, kind: str = "chathistory") -> list[str]:
    """Return what is in the batch that some lines are."""
    opening, *inside, closing = lines
    what = re.escape(f"{kind} {target}".strip())
    head = re.fullmatch(rf":{SERVER} BATCH \+(\w+) {what}", opening)
    assert head is not None, opening
    assert closing == f":{SERVER} BATCH -{head[1]}", closing
    assert all(line.startswith(f"@batch={head[1]}") for line in inside), inside
    return inside


def asked(wire: Wire, request: str) -> list[Line]:
    """Return the messages that a request is answered with."""
    wire.asks()
    inside = unwrapped(wire.asks(f"CHATHISTORY {request}"), request.split()[1])
    return [line_of(line) for line in inside]


def starts(lines: Sequence[str], start: str) -> str:
    """Return the one line that there is, which starts in some way, from there on."""
    (line,) = lines
    assert line.startswith(f":{SERVER} {start}"), line
    return line.removeprefix(f":{SERVER} {start}")


def types(wire: Wire, line: str) -> None:
    """Let somebody do what people do by typing a line elsewhere."""
    perform(wire.protocol.session, line)
    wire.asks()


class Scene:
    """Two who talk, and one of them looks back.

    :ivar said: what its client saw of one room, and of one conversation.
    """

    def __init__(self, chat: Chat | None = None) -> None:
        self.chat = chat or Chat(FREE)
        self.alice = self.chat.joined("alice", *CAPABILITIES)
        self.bob = self.chat.joined("bob", *CAPABILITIES)
        self.alice.lines()

    def says(self, who: Wire, target: str, text: str, later: float = 0.002) -> Line:
        """Let one of the two say something; return its echo."""
        self.chat.clock.advance(later)
        line = line_of(who.asks(f"PRIVMSG {target} :{text}")[-1])
        self.alice.lines()
        self.bob.lines()
        return line


class Subcommands(SynchronousTestCase):
    """What each of them selects."""

    def setUp(self) -> None:
        self.scene = Scene()
        self.alice = self.scene.alice
        self.said = [self.scene.says(self.scene.bob, "#lobby", str(n)) for n in range(10)]

    def finds(self, request: str, expected: Sequence[Line]) -> None:
        self.assertEqual(asked(self.alice, request), [*expected])

    def test_latest(self) -> None:
        self.finds("LATEST #lobby * 100", self.said)
        self.finds("latest #lobby * 3", self.said[-3:])
        self.finds(f"LATEST #lobby {self.said[4].by_id} 100", self.said[5:])
        self.finds(f"LATEST #lobby {self.said[4].by_time} 2", self.said[-2:])

    def test_before_and_after(self) -> None:
        self.finds(f"BEFORE #lobby {self.said[6].by_id} 100", self.said[:6])
        self.finds(f"BEFORE #lobby {self.said[6].by_time} 2", self.said[4:6])
        self.finds(f"AFTER #lobby {self.said[3].by_id} 100", self.said[4:])
        self.finds(f"AFTER #lobby {self.said[3].by_time} 3", self.said[4:7])

    def test_between_counts_from_the_first_selector(self) -> None:
        first, last = self.said[0], self.said[-1]
        self.finds(f"BETWEEN #lobby {first.by_id} {last.by_time} 3", self.said[1:4])
        self.finds(f"BETWEEN #lobby {last.by_time} {first.by_id} 3", self.said[-4:-1])
        self.finds(f"BETWEEN #lobby {first.by_id} {first.by_id} 3", [])

    def test_around(self) -> None:
        self.finds(f"AROUND #lobby {self.said[7].by_id} 1", self.said[7:8])
        self.finds(f"AROUND #lobby {self.said[7].by_time} 3", self.said[6:9])
        self.finds(f"AROUND #lobby {self.said[9].by_id} 5", self.said[5:])
        self.finds(f"AROUND #lobby {self.said[0].by_id} 5", self.said[:5])

    def test_no_more_than_advertised(self) -> None:
        for n in range(10, MOST_HISTORY + 20):
            self.said.append(self.scene.says(self.scene.bob, "#lobby", str(n)))
        self.finds("LATEST #lobby * 999999999", self.said[-MOST_HISTORY:])

    def test_messages_of_one_moment_have_an_order(self) -> None:
        same = [self.scene.says(self.scene.bob, "#lobby", f"at once {n}", 0.0) for n in range(3)]
        self.assertEqual(len({line.time for line in [self.said[-1], *same]}), 1)
        self.finds(f"AFTER #lobby {same[0].by_id} 9", same[1:])
        self.finds(f"BEFORE #lobby {same[1].by_id} 2", [self.said[-1], same[0]])
        self.finds(f"AFTER #lobby {same[0].by_time} 9", [])
        self.finds(f"BEFORE #lobby {same[0].by_time} 1", [self.said[-2]])

    def test_what_is_long_is_several_lines_of_which_the_first_has_the_id(self) -> None:
        carol = self.scene.chat.joined("carol")
        self.scene.chat.hub.rooms.say(carol.protocol.person, "x" * 1024, name="#lobby")
        first, *others = asked(self.alice, "LATEST #lobby * 1")
        self.assertEqual(first.id, "lobby/11")
        self.assertEqual({(line.id, line.time) for line in others}, {("", first.time)})
        self.assertEqual("".join(line.text for line in [first, *others]), "x" * 1024)

    def test_an_answer_with_a_label_is_one_batch(self) -> None:
        carol = self.scene.chat.joined("carol", *CAPABILITIES, "labeled-response")
        opening, *_, closing = carol.asks("@label=x CHATHISTORY LATEST #lobby * 3")
        name = opening.split(" ")[3].removeprefix("+")
        self.assertEqual(opening, f"@label=x :{SERVER} BATCH +{name} chathistory #lobby")
        self.assertEqual(closing, f":{SERVER} BATCH -{name}")

    def test_an_error_has_it_as_well(self) -> None:
        carol = self.scene.chat.joined("carol", *CAPABILITIES, "labeled-response")
        (line,) = carol.asks("@label=x CHATHISTORY LATEST #none * 3")
        self.assertTrue(line.startswith(f"@label=x :{SERVER} FAIL CHATHISTORY "), line)

    def test_whatever_was_said_by_whatever_door(self) -> None:
        hub, bob = self.scene.chat.hub, self.scene.bob.protocol.person
        hub.rooms.say(bob, "waves", Kind.ACTED, "#lobby")
        hub.rooms.say(bob, "beep", Kind.REMARKED, "#lobby")
        hub.conversations.say(bob, "alice", "/me winks")
        hub.conversations.say(bob, "alice", "boop", Kind.HINTED)
        self.alice.asks()
        said = []
        for target in ("#lobby", "bob"):
            lines = self.alice.asks(f"CHATHISTORY LATEST {target} * 2")
            said += [line.partition(f" :bob!~bob@{SERVER} ")[2] for line in lines[1:-1]]
        self.assertEqual(
            said,
            [
                "PRIVMSG #lobby :\x01ACTION waves\x01",
                "NOTICE #lobby :beep",
                "PRIVMSG alice :\x01ACTION winks\x01",
                "NOTICE alice :boop",
            ],
        )

    def test_who_does_not_read_is_given_one_answer_and_no_more(self) -> None:
        for n in range(10, MOST_HISTORY):
            self.said.append(self.scene.says(self.scene.bob, "#lobby", f"{n} {'x' * 300}"))
        one = sum(len(line) + 2 for line in self.alice.asks("CHATHISTORY LATEST #lobby * 100"))
        self.alice.stall()
        self.alice.send(*["CHATHISTORY LATEST #lobby * 100"] * 20)
        self.assertLess(len(self.alice.transport.value()), 2 * one)
        lines = self.alice.read()
        self.assertEqual(sum(" BATCH -" in line for line in lines), 20)
        self.assertEqual(sum(" PRIVMSG " in line for line in lines), 20 * MOST_HISTORY)

    def test_without_batches_it_is_plain_lines(self) -> None:
        carol = self.scene.chat.joined("carol", "draft/chathistory", "server-time")
        lines = carol.asks("CHATHISTORY LATEST #lobby * 2")
        self.assertEqual(
            [line.partition(" ")[0] for line in lines], [f"@time={s.time}" for s in self.said[-2:]]
        )

    def test_it_is_offered(self) -> None:
        wire = self.scene.chat.connect()
        self.assertIn(" draft/chathistory ", wire.asks("CAP LS 302")[0])
        self.assertIn(
            f" CHATHISTORY={MOST_HISTORY} MSGREFTYPES=msgid,timestamp ",
            " ".join(wire.asks("NICK dan", "USER dan 0 * :Dan", "CAP END")),
        )


class Private(SynchronousTestCase):
    """Conversations, and the list of targets."""

    def setUp(self) -> None:
        self.scene = Scene()
        self.alice, self.bob = self.scene.alice, self.scene.bob

    def test_both_sides_see_the_same(self) -> None:
        said = []
        for n in range(6):
            who, to = [(self.alice, "bob"), (self.bob, "alice")][n % 2]
            said.append(self.scene.says(who, to, str(n)))
        for who, to in ((self.alice, "BOB"), (self.bob, "alice")):
            self.assertEqual(asked(who, f"LATEST {to} * 10"), said)
            for n, line in enumerate(said):
                self.assertEqual(asked(who, f"AFTER {to} {line.by_id} 10"), said[n + 1 :])
                self.assertEqual(asked(who, f"BEFORE {to} {line.by_time} 10"), said[:n])

    def test_nobody_sees_what_others_say_to_each_other(self) -> None:
        line = self.scene.says(self.alice, "bob", "psst")
        carol = self.scene.chat.joined("carol", *CAPABILITIES)
        for nick in ("alice", "bob", "carol", "dave"):
            self.assertEqual(asked(carol, f"LATEST {nick} * 10"), [])
            self.assertEqual(asked(carol, f"AROUND {nick} {line.by_id} 10"), [])

    def test_what_one_says_to_oneself_is_there_once(self) -> None:
        said = line_of(self.alice.asks("PRIVMSG alice :note")[-1])
        self.assertEqual(asked(self.alice, "LATEST alice * 10"), [said])
        self.assertEqual(asked(self.alice, "LATEST bob * 10"), [])

    def test_a_message_that_is_gone_still_says_when(self) -> None:
        first = self.scene.says(self.bob, "alice", "one")
        kept = self.scene.says(self.alice, "bob", "two")
        types(self.bob, "/forget me yes")
        self.assertEqual(asked(self.alice, "LATEST bob * 10"), [kept])
        self.assertEqual(asked(self.alice, f"AFTER bob {first.by_id} 10"), [kept])
        self.assertEqual(asked(self.alice, f"BEFORE bob {first.by_id} 10"), [])

    def targets(self, request: str) -> list[tuple[str, str]]:
        lines = self.alice.asks(f"CHATHISTORY TARGETS {request}")
        inside = unwrapped(lines, "", "draft/chathistory-targets")
        words = [line.split(" ") for line in inside]
        for _, *verb, _, _ in words:
            self.assertEqual(verb, [f":{SERVER}", "CHATHISTORY", "TARGETS"])
        return [(name, at) for *_, name, at in words]

    def test_targets_are_rooms_and_people_by_their_last_messages(self) -> None:
        self.alice.send("JOIN #dev", "JOIN #empty")
        carol = self.scene.chat.joined("carol", *CAPABILITIES)
        self.scene.says(self.bob, "alice", "early")
        said = [
            self.scene.says(self.alice, "#dev", "one"),
            self.scene.says(self.alice, "bob", "two"),
            self.scene.says(self.bob, "#lobby", "three"),
            self.scene.says(carol, "alice", "four"),
        ]
        names = ("#dev", "bob", "#lobby", "carol")
        expected = [(name, line.time) for name, line in zip(names, said, strict=True)]
        self.assertEqual(self.targets(f"{EARLY} {LATE} 100"), expected)
        self.assertEqual(self.targets(f"{LATE} {EARLY} 100"), expected)
        self.assertEqual(self.targets(f"{EARLY} {LATE} 2"), expected[:2])
        self.assertEqual(self.targets(f"{LATE} {EARLY} 2"), expected[-2:])
        self.assertEqual(self.targets(f"{said[0].by_time} {said[3].by_time} 9"), expected[1:3])
        self.assertEqual(self.targets(f"{EARLY} {said[0].by_time} 9"), [])


class Eyes(SynchronousTestCase):
    """Who sees what: the same as by /history."""

    def setUp(self) -> None:
        self.scene = Scene()
        self.alice, self.bob = self.scene.alice, self.scene.bob

    def test_nothing_of_rooms_that_one_is_not_in_nor_whether_they_are_there(self) -> None:
        self.bob.send("JOIN #dev", "JOIN #den")
        types(self.bob, "/mode secret on")
        self.scene.says(self.bob, "#dev", "here")
        why = set()
        for name in ("#dev", "#den", "#none"):
            lines = self.alice.asks(f"CHATHISTORY LATEST {name} * 10")
            why.add(starts(lines, f"FAIL CHATHISTORY INVALID_TARGET LATEST {name} :"))
        self.assertEqual(len(why), 1)

    def test_what_was_said_before_a_room_was_made_anew_is_not_for_the_newcomers(self) -> None:
        self.bob.send("JOIN #den")
        types(self.bob, "/mode key swordfish")
        old = self.scene.says(self.bob, "#den", "secret")
        self.bob.send("PART #den")
        self.alice.send("JOIN #den")
        self.alice.lines()
        self.assertEqual(asked(self.alice, "LATEST #den * 10"), [])
        self.assertEqual(asked(self.alice, f"AROUND #den {old.by_id} 10"), [])
        new = self.scene.says(self.alice, "#den", "hello")
        self.assertEqual(asked(self.alice, f"BETWEEN #den {EARLY} {LATE} 10"), [new])

    def test_nothing_by_people_who_are_ignored(self) -> None:
        self.scene.says(self.bob, "#lobby", "spam")
        self.scene.says(self.bob, "alice", "spam")
        own = self.scene.says(self.alice, "#lobby", "mine")
        types(self.alice, "/ignore bob")
        self.assertEqual(asked(self.alice, "LATEST #lobby * 10"), [own])
        self.assertEqual(asked(self.alice, "LATEST bob * 10"), [])
        lines = self.alice.asks(f"CHATHISTORY TARGETS {EARLY} {LATE} 10")
        self.assertEqual([line.split(" ")[-2] for line in lines[1:-1]], ["#lobby"])

    def test_no_more_is_looked_at_for_it_than_for_others(self) -> None:
        """A page that is empty would say that there is no more: so it is an error."""
        for n in range(MOST_LOOKED_AT + 100):
            self.scene.chat.hub.rooms.say(self.bob.protocol.person, str(n), name="#lobby")
        self.alice.lines()
        types(self.alice, "/ignore bob")
        lines = self.alice.asks("CHATHISTORY LATEST #lobby * 10")
        self.assertTrue(starts(lines, "FAIL CHATHISTORY MESSAGE_ERROR LATEST #lobby :"))


class Refused(SynchronousTestCase):
    """What cannot be answered gets the code that the specification has for it."""

    def setUp(self) -> None:
        self.scene = Scene()

    def test_bad_requests(self) -> None:
        stamp = EARLY
        for request, answer in (
            ("", "INVALID_PARAMS * :Say one of "),
            ("FIRST #lobby * 10", "INVALID_PARAMS FIRST :Say one of "),
            ("LATEST", "INVALID_PARAMS LATEST :Insufficient parameters"),
            ("LATEST #lobby *", "INVALID_PARAMS LATEST :Insufficient parameters"),
            ("BETWEEN #lobby msgid=lobby/1 10", "INVALID_PARAMS BETWEEN :Insufficient parameters"),
            ("LATEST #lobby * 10 10", "INVALID_PARAMS LATEST :Too many parameters"),
            (f"TARGETS #lobby {stamp} {stamp} 10", "INVALID_PARAMS TARGETS :Too many parameters"),
            ("LATEST #lobby * 0", "INVALID_PARAMS LATEST 0 :"),
            ("LATEST #lobby * -1", "INVALID_PARAMS LATEST -1 :"),
            ("LATEST #lobby * many", "INVALID_PARAMS LATEST many :"),
            ("BEFORE #lobby * 10", "INVALID_PARAMS BEFORE * :"),
            ("BEFORE #lobby timestamp=now 10", "INVALID_PARAMS BEFORE timestamp=now :"),
            ("BEFORE #lobby timestamp=2023-13-01T00:00:00.000Z 10", "INVALID_PARAMS BEFORE "),
            ("BEFORE #lobby msgid= 10", "INVALID_PARAMS BEFORE msgid= :"),
            ("TARGETS msgid=lobby/1 msgid=lobby/2 10", "INVALID_PARAMS TARGETS msgid=lobby/1 :"),
            ("LATEST * * 10", "INVALID_TARGET LATEST * :"),
            ("LATEST a/b * 10", "INVALID_TARGET LATEST a/b :"),
            ("LATEST #a/b * 10", "INVALID_TARGET LATEST #a/b :"),
            ("AFTER #lobby msgid=dev/1 10", "MESSAGE_ERROR AFTER #lobby :"),
            ("AFTER #lobby msgid=17 10", "MESSAGE_ERROR AFTER #lobby :"),
            ("AFTER bob msgid=lobby/1 10", "MESSAGE_ERROR AFTER bob :"),
            ("AFTER bob msgid=@1-\u0661 10", "MESSAGE_ERROR AFTER bob :"),
        ):
            lines = self.scene.alice.asks(f"CHATHISTORY {request}")
            with self.subTest(request):
                starts(lines, f"FAIL CHATHISTORY {answer}")

    def test_a_log_that_cannot_be_read(self) -> None:
        async def cannot(view: View, span: object) -> None:
            raise ChatError(Code.NOT_READ, "The disk is gone")

        self.patch(self.scene.chat.hub.excerpts, "lines", cannot)
        lines = self.scene.alice.asks("CHATHISTORY LATEST #lobby * 10")
        why = starts(lines, "FAIL CHATHISTORY MESSAGE_ERROR LATEST #lobby :")
        self.assertEqual(why, "The disk is gone")

    @quick
    @given(st.lists(words_typed, max_size=7))
    @example(["LATEST", "#lobby", "timestamp=9999-12-31T23:59:59.999Z", "1"])
    @example(["LATEST", "#lobby", "timestamp=0001-01-01T00:00:00.000Z", "1"])
    @example(["LATEST", "bob", "msgid=@99999999999999-a", "1"])
    @example(["LATEST", "#lobby", "msgid=lobby/999999999999999", "1"])
    def test_whatever_is_asked_is_answered(self, words: list[str]) -> None:
        self.scene.alice.lines()
        lines = self.scene.alice.asks(" ".join(["CHATHISTORY", *words])[:400].rstrip(), "PING x")
        self.assertEqual(lines[-1], f":{SERVER} PONG {SERVER} x")
        verbs = {re.sub("^@[^ ]* ", "", line).split(" ")[1] for line in lines[:-1]}
        self.assertTrue(verbs and verbs <= {"BATCH", "FAIL", "417"}, lines)


class Model:
    """What a client should find: its own list of all that it was shown, cut by hand."""

    def __init__(self, said: Sequence[Line]) -> None:
        self.said = [*said]

    def bounds(self, point: tuple[str, int]) -> tuple[int, int]:
        """Return how many lines are before what a selector selects, and up to its end."""
        kind, which = point
        if kind == "msgid":
            return which, which + 1
        times = [line.time for line in self.said]
        at = moment(self.said, which)
        return sum(t < at for t in times), sum(t <= at for t in times)

    def find(self, sub: str, one: tuple[str, int], two: tuple[str, int], limit: int) -> list[Line]:
        said, first, last = self.said, self.bounds(one)[0], self.bounds(one)[1]
        match sub:
            case "LATEST":
                return said[last:][-limit:]
            case "LATEST *":
                return said[-limit:]
            case "BEFORE":
                return said[:first][-limit:]
            case "AFTER":
                return said[last:][:limit]
            case "BETWEEN":
                other, end = self.bounds(two)
                return said[last:other][:limit] if first <= other else said[end:first][-limit:]
        start = max(0, min(first - (limit - 1) // 2, len(said) - limit))
        return said[start : start + limit]


def moment(said: Sequence[Line], which: int) -> str:
    """Return a time between two messages, or of one: odd numbers are between them."""
    at = datetime.strptime(said[which // 2].time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return timestamp((at + timedelta(milliseconds=which % 2)).timestamp())


def questions() -> "st.SearchStrategy[Question]":
    """Return requests, any of them."""
    point = st.tuples(st.just("msgid"), st.integers(0, SAID - 1)) | st.tuples(
        st.just("timestamp"), st.integers(0, 2 * SAID - 1)
    )
    sub = st.sampled_from(["LATEST *", "LATEST", "BEFORE", "AFTER", "AROUND", "BETWEEN"])
    target = st.sampled_from(["#lobby", "alice"])
    return st.tuples(target, sub, point, point, st.integers(1, SAID + 2))


Question = tuple[str, str, tuple[str, int], tuple[str, int], int]


class Asked:
    """Two conversations, and whether what is found of them is what a plain list has."""

    def __init__(self, chat: Chat) -> None:
        self.scene = scene = Scene(chat)
        carol = scene.chat.joined("carol", *CAPABILITIES)
        types(scene.bob, "/ignore carol")
        self.said: dict[str, list[Line]] = {"#lobby": [], "alice": []}
        for n in range(SAID):  # some at the same moment, and others' lines between them
            pause = (0.0, 0.001, 0.003)[n % 3]
            self.said["#lobby"].append(scene.says(scene.alice, "#lobby", str(n), pause))
            self.said["alice"].append(scene.says(scene.alice, "bob", str(n), 0.0))
            scene.says(carol, "#lobby", "noise", 0.0)
            scene.says(carol, "bob", "noise", 0.0)

    def about(self, question: Question) -> tuple[list[Line], list[Line]]:
        """Return what is found, and what there is to be found."""
        target, sub, one, two, limit = question
        said = self.said[target]
        points = [
            said[which].by_id if kind == "msgid" else f"timestamp={moment(said, which)}"
            for kind, which in (one, two)
        ]
        points = {"LATEST *": ["*"], "BETWEEN": points}.get(sub, points[:1])
        request = " ".join([sub.split(" ")[0], target, *points, str(limit)])
        return asked(self.scene.bob, request), Model(said).find(sub, one, two, limit)


class AgainstAList(SynchronousTestCase):
    """Any selector and any limit, in a room and in private, against a plain list."""

    def setUp(self) -> None:
        self.asked = Asked(Chat(FREE))

    @quick
    @given(questions())
    def test_it(self, question: Question) -> None:
        self.assertEqual(*self.asked.about(question))


class AgainstAListOnDisk(SynchronousTestCase):
    """The same with a log on disk."""

    def setUp(self) -> None:
        self.asked = Asked(DurableChat(self, FREE))

    @quick
    @given(questions())
    def test_it(self, question: Question) -> None:
        self.assertEqual(*self.asked.about(question))


class Moments(SynchronousTestCase):
    """Times as they are shown, and as they are asked for."""

    @quick
    @given(st.integers(0, 2**42))
    def test_the_first_time_that_is_shown_so(self, at: int) -> None:
        first = since(at)
        self.assertGreaterEqual(milliseconds(first), at)
        self.assertLess(milliseconds(first - 1e-6 * max(1.0, first / 2**33)), at)

    @quick
    @given(st.floats(0, 2**33))
    def test_what_is_shown_can_be_asked_for(self, at: float) -> None:
        shown = read_timestamp(timestamp(at))
        self.assertEqual(shown, milliseconds(at))
        self.assertLessEqual(since(shown), at)
        self.assertLess(at, since(shown + 1))
