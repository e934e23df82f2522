"""What one person chooses to see: rule by rule, and through a real door whatever is said."""

import re
from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chatservice.delivery import feed as feed_module
from chatservice.delivery import reader, recall
from chatservice.doors.line import ChatFactory, ChatProtocol, PlainLines
from chatservice.events import Event, Kind
from chatservice.hub import Hub
from chatservice.interfaces import IClock
from chatservice.limits import UNLIMITED
from chatservice.names import PUNCTUATION, fold
from chatservice.people.person import Policy
from chatservice.people.settings import Settings
from chatservice.plain import parse
from chatservice.store.memory import MemoryLog
from chatservice.taste import Bell, Taste, words
from tests.fakes import NOW, quick
from tests.test_operations import CountingConnection

ME, BOB, CAROL = "@me", "@bob", "@carol"
COMING_AND_GOING = (Kind.JOINED, Kind.LEFT, Kind.RENAMED)


def by(identity: str, kind: Kind = Kind.SAID, text: str = "hi", room: str = "#lobby") -> Event:
    """What somebody does."""
    return Event(1, NOW, room, kind, identity[1:], text, by=identity)


class Hiding(SynchronousTestCase):
    def hidden(self, taste: Taste, *events: Event) -> list[bool]:
        return [taste.hides(event) for event in events]

    def test_nothing_is_hidden_unless_it_was_chosen(self) -> None:
        for kind in Kind:
            self.assertFalse(Taste(ME).hides(by(BOB, kind)), kind)

    def test_of_the_ignored_nothing_is_seen_that_they_could_annoy_with(self) -> None:
        taste = Taste(ME, ignored=frozenset({BOB}))
        shown = {kind for kind in Kind if not taste.hides(by(BOB, kind))}
        for kind in (Kind.SAID, Kind.ACTED, Kind.PRIVATE, *COMING_AND_GOING, Kind.INVITED):
            self.assertNotIn(kind, shown)
            self.assertFalse(taste.hides(by(CAROL, kind)), kind)
        for kind in (Kind.KICKED, Kind.MODE, Kind.ROLE, Kind.NOTED):
            self.assertIn(kind, shown)  # or one would not know what became of the room

    def test_the_past_of_the_ignored_is_hidden_too(self) -> None:
        taste = Taste(ME, ignored=frozenset({BOB}))
        self.assertTrue(taste.hides(by(BOB).retold()))
        self.assertTrue(taste.hides(by(BOB, Kind.PRIVATE, room=ME).retold()))

    def test_answers_are_never_hidden(self) -> None:
        taste = Taste(ME, frozenset(), frozenset({BOB}), frozenset({CAROL}), True, Bell.ALL)
        for kind in (Kind.NOTICE, Kind.ERROR, Kind.WELCOME, Kind.SWITCHED, Kind.RESUME):
            answer = Event(0, NOW, "", kind, "")
            self.assertFalse(taste.concerns(answer), kind)

    def test_in_focus_only_some_are_seen_in_rooms_and_private_lines_still_come(self) -> None:
        taste = Taste(ME, focus=frozenset({BOB}))
        self.assertEqual(
            self.hidden(
                taste,
                *(by(one) for one in (ME, BOB, CAROL)),
                by(CAROL, Kind.ACTED),
                by(CAROL, Kind.JOINED),
                by(CAROL, Kind.PRIVATE, room=ME),
                by(CAROL, Kind.TOPIC),
                by("@"),
            ),
            [False, False, True, True, True, False, False, True],
        )

    def test_the_focus_is_on_the_present(self) -> None:
        self.assertFalse(Taste(ME, focus=frozenset()).hides(by(CAROL).retold()))

    def test_in_focus_the_ignored_stay_hidden(self) -> None:
        self.assertTrue(Taste(ME, ignored=frozenset({BOB}), focus=frozenset({BOB})).hides(by(BOB)))

    def test_quiet_hides_coming_and_going_but_ones_own(self) -> None:
        taste = Taste(ME, quiet=True)
        for kind in COMING_AND_GOING:
            self.assertEqual(self.hidden(taste, by(BOB, kind), by(ME, kind)), [True, False])
        self.assertEqual(self.hidden(taste, by(BOB), by(BOB, Kind.KICKED)), [False, False])


class Ringing(SynchronousTestCase):
    def rings(self, text: str, *names: str) -> bool:
        taste = Taste(ME, frozenset(map(fold, names or ("al",))), bell=Bell.MENTIONS)
        return taste.rings(by(BOB, text=text))

    def test_a_mention_is_the_name_as_a_word_in_any_case(self) -> None:
        for text in ("al", "AL: hi", "hi, al!", "(al)", "al's", "ask @al", "ﬁne, Ａｌ"):
            self.assertTrue(self.rings(text), text)
        for text in ("", "hi", "ally", "all", "al2", "al_", "-al-", "[al]", "al\u0301", "b-al"):
            self.assertFalse(self.rings(text), text)

    def test_names_of_all_scripts_are_found(self) -> None:
        for nick in ("straße", "Ὀδυσσεύς", "नमस्ते", "al|ice", "x[1]", "李雷", "i̇"):
            self.assertTrue(self.rings(f"hi {nick.upper()}, you", nick), nick)
            self.assertTrue(self.rings(f"hi {nick}: you", nick), nick)
            self.assertFalse(self.rings(f"hi x{nick}x", nick), nick)

    def test_each_of_ones_names_is_a_mention(self) -> None:
        self.assertTrue(self.rings("hi alice", "al", "alice"))

    def test_it_rings_at_private_lines(self) -> None:
        taste = Taste(ME, bell=Bell.MENTIONS)
        self.assertTrue(taste.rings(by(BOB, Kind.PRIVATE, room=ME)))

    def test_it_rings_never_at_ones_own_the_past_the_hidden_or_coming_and_going(self) -> None:
        for bell in (Bell.MENTIONS, Bell.ALL):
            taste = Taste(ME, frozenset({"al"}), frozenset({CAROL}), bell=bell)
            for event in (
                by(ME, text="al"),
                by(ME, Kind.PRIVATE, text="al", room=ME),
                by(BOB, text="al").retold(),
                by(CAROL, text="al"),
                *(by(BOB, kind, text="al") for kind in COMING_AND_GOING),
                by("@", Kind.NOTED, text="al"),
            ):
                self.assertFalse(taste.rings(event), event)

    def test_all_is_whatever_others_say(self) -> None:
        self.assertTrue(Taste(ME, bell=Bell.ALL).rings(by(BOB)))
        self.assertFalse(Taste(ME).rings(by(BOB, text="al")))

    @quick
    @given(st.text(max_size=40))
    def test_words_contain_only_what_a_nickname_may(self, text: str) -> None:
        for word in words(text):
            self.assertEqual(word, fold(word))
            for char in word:
                self.assertTrue(
                    char.isalpha() or char.isdecimal() or char in PUNCTUATION or not char.isascii(),
                    word,
                )


PEOPLE = ("alice", "bob", "carol", "dave")
DAVE = "dave"  # who has a taste
TEXTS = ("hi", "dave: hi", "hi DAVE!", "davey", "[dave]", "carol and dave")

some = st.frozensets(st.sampled_from(PEOPLE[:3]))
tastes = st.builds(
    lambda ignored, focus, quiet, bell: (ignored, focus, quiet, bell),
    some,
    st.none() | some,
    st.booleans(),
    st.sampled_from(Bell),
)
Chosen = tuple[frozenset[str], frozenset[str] | None, bool, Bell]
Step = tuple[str, str, str]


def scripts(names: str) -> st.SearchStrategy[list[Step]]:
    step = st.tuples(
        st.sampled_from(names.split()), st.sampled_from(PEOPLE), st.sampled_from(TEXTS)
    )
    return st.lists(step, max_size=40)


class AtADoor(SynchronousTestCase):
    """Dave gets what others get, but for what he has chosen; over plain TCP, slow or not."""

    def go(self, chosen: Chosen, steps: list[Step]) -> None:
        self.clock = Clock()
        clock = cast("IClock", self.clock)
        self.hub = Hub(MemoryLog(), clock, now=lambda: NOW, policy=Policy(limits=UNLIMITED))
        self.factory = ChatFactory(self.hub)
        self.here = {nick: self.come(nick) for nick in ("witness", *PEOPLE)}
        self.clock.advance(0)
        self.choose(chosen)
        self.wire(DAVE).wire.sent = b""
        self.wire("witness").wire.sent = b""
        self.private: list[str] = []
        for name, nick, text in steps:
            getattr(self, name)(nick, text)
        self.read(DAVE, "")
        self.clock.advance(0)
        self.check(chosen)

    def come(self, nick: str) -> ChatProtocol:
        protocol = cast("ChatProtocol", self.factory.buildProtocol(None))
        protocol.makeConnection(CountingConnection())
        protocol.dataReceived(nick.encode() + b"\r\n")
        return protocol

    def wire(self, nick: str) -> CountingConnection:
        return cast("CountingConnection", self.here[nick].transport)

    def choose(self, chosen: Chosen) -> None:
        ignored, focus, quiet, bell = chosen
        ids = {nick: self.hub.find(nick).inbox for nick in PEOPLE}
        settings = Settings(
            {ids[nick]: nick for nick in ignored},
            None if focus is None else {ids[nick]: nick for nick in focus},
            quiet,
            bell,
        )
        self.hub.preferences.choose(self.hub.find(DAVE), settings)
        self.clock.advance(0)

    # Steps.

    def say(self, nick: str, text: str) -> None:
        self.here[nick].dataReceived(f"{text}\r\n".encode())

    def me(self, nick: str, text: str) -> None:
        self.say(nick, f"/me {text}")

    def msg(self, nick: str, text: str) -> None:
        if nick != DAVE:
            self.say(nick, f"/msg dave {text}")
            self.private.append(f"{nick} -> dave: {text}")

    def visit(self, nick: str, text: str) -> None:
        self.come(f"visitor_of_{nick}").dataReceived(b"/quit\r\n")
        self.clock.advance(0)

    def turn(self, nick: str, text: str) -> None:
        self.clock.advance(0)

    def stall(self, nick: str, text: str) -> None:
        self.clock.advance(0)
        if self.wire(DAVE).pull is None:
            self.wire(DAVE).wire.room = [0]

    def read(self, nick: str, text: str) -> None:
        self.clock.advance(0)
        connection = self.wire(DAVE)
        connection.wire.room = []
        connection.wire.sent += connection.buffer
        connection.buffer = b""
        if connection.pull is not None:
            connection.pull()
        self.clock.advance(0)

    # What should have come.

    def check(self, chosen: Chosen) -> None:
        lines = self.wire(DAVE).wire.sent.decode().split("\r\n")[:-1]
        self.assertEqual(self.wire(DAVE).buffer, b"")
        private = [line for line in lines if parse(line.strip("\a")).kind is Kind.PRIVATE]
        rooms = [line for line in lines if line not in private]
        witnessed = self.wire("witness").wire.sent.decode().split("\r\n")[:-1]
        self.assertEqual(rooms, list(filter(None, (shown(chosen, line) for line in witnessed))))
        self.assertEqual(private, list(filter(None, (shown(chosen, p) for p in self.private))))

    @quick
    @given(tastes, scripts("say say me msg visit turn stall read"))
    def test_live_and_catching_up_exactly_what_was_chosen_comes_in_order(
        self, chosen: Chosen, steps: list[Step]
    ) -> None:
        self.go(chosen, steps)

    @quick
    @given(tastes, scripts("say say me msg turn stall stall read"))
    def test_so_also_from_the_log(self, chosen: Chosen, steps: list[Step]) -> None:
        self.patch(feed_module, "RECENT", 300)
        self.patch(feed_module, "PIECE", 200)
        for module in (reader, recall):
            self.patch(module, "PAGE", 3)
        self.go(chosen, steps)


def shown(chosen: Chosen, line: str) -> str:
    """Return a line as Dave gets it; "" if he does not."""
    ignored, focus, quiet, bell = chosen
    event = parse(line)
    if event.nick == DAVE:
        return line
    private, passing = event.kind is Kind.PRIVATE, event.kind in COMING_AND_GOING
    if event.nick in ignored or (quiet and passing):
        return ""
    if focus is not None and event.nick not in focus and not private:
        return ""
    mentioned = re.search(r"(?<![\w\[])dave(?![\w\]])", event.text, re.IGNORECASE)
    rings = bell is Bell.ALL or (bell is Bell.MENTIONS and (private or mentioned))
    return f"\a{line}" if rings and not passing else line


class Costs(SynchronousTestCase):
    """What is not concerned is shared with everybody; what is all hidden is not sent."""

    def setUp(self) -> None:
        self.play = AtADoor()
        self.play.go((frozenset({"bob"}), None, False, Bell.MENTIONS), [])
        self.dave = self.play.wire(DAVE)
        self.encoded: list[str] = []
        encode = PlainLines.encode

        def counting(dialect: PlainLines, event: Event) -> bytes:
            self.encoded.append(event.text)
            return encode(dialect, event)

        self.patch(PlainLines, "encode", counting)

    def test_a_batch_that_is_not_concerned_is_encoded_once_for_all(self) -> None:
        self.play.say("alice", "one")
        self.play.say("alice", "two")
        self.play.turn("", "")
        self.assertEqual(self.encoded, ["one", "two"])

    def test_another_is_encoded_for_who_is_concerned_without_what_is_hidden(self) -> None:
        for nick, text in (("alice", "one"), ("bob", "two"), ("alice", "hi dave")):
            self.play.say(nick, text)
        self.play.turn("", "")
        self.assertEqual(sorted(self.encoded), ["hi dave", "hi dave", "one", "one", "two"])
        self.assertEqual(self.dave.wire.sent, b"alice: one\r\n\x07alice: hi dave\r\n")

    def test_when_all_is_hidden_nothing_is_sent(self) -> None:
        sends = self.dave.wire.sends
        self.play.say("bob", "one")
        self.play.turn("", "")
        self.assertEqual((self.dave.wire.sends, self.dave.wire.sent), (sends, b""))
        self.play.say("alice", "two")
        self.play.turn("", "")
        self.assertEqual(self.dave.wire.sent, b"alice: two\r\n")

    def test_what_is_hidden_does_not_pass_for_read_while_something_is_held(self) -> None:
        self.play.stall("", "")
        self.play.say("alice", "held")
        self.play.turn("", "")
        dave = self.play.here[DAVE]
        hidden = told_of(self.play.hub, "bob")
        self.assertFalse(dave.deliver_all([feed_module.Batch("", [hidden])]))
        self.play.read("", "")
        self.assertTrue(dave.deliver_all([feed_module.Batch("", [hidden])]))
        self.assertEqual(self.dave.wire.sent, b"alice: held\r\n")


def told_of(hub: Hub, nick: str) -> Event:
    """Return something from the past by somebody."""
    return Event(1, NOW, "#lobby", Kind.SAID, nick, "hi", by=hub.find(nick).inbox, past=True)
