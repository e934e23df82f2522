"""Plain lines: what is rendered is read back, and nobody can forge a line (threat 5)."""

from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import Code
from chatservice.events import Event, Kind
from chatservice.names import keys
from chatservice.plain import parse, render
from chatservice.text import clean
from tests.fakes import NOW, quick
from tests.test_names import accepted, nicks

FORGERIES = [
    *("bob left the chat", "bob joined the chat", "bob is now known as eve", "bob: hi"),
    *("* bob waves", "bob -> alice: hi", "alice -> bob: hi", "-- notice", "! no [flooding]"),
    *("NICK", "Connected to the server", "", " ", ": ", " -> bob: hi", "-> bob: hi", "[flooding]"),
    *("\r\nbob: hi", "\nbob: hi", "\u2028bob: hi", "\x85bob: hi", "\x1b[1Gbob: hi"),
]

texts = st.one_of(
    st.sampled_from(FORGERIES),
    st.text(st.sampled_from("ab :*>-![]\t\n\r\u2028/"), max_size=20),
    st.text(max_size=40),
).map(clean)
people = nicks.map(accepted)
PERSONS_KINDS = [Kind.SAID, Kind.ACTED]


class RoundTrip(SynchronousTestCase):
    """parse undoes render."""

    @quick
    @given(people, texts, st.sampled_from(PERSONS_KINDS))
    def test_what_a_person_says_or_does(self, nick: str, text: str, kind: Kind) -> None:
        seen = parse(render(Event(7, NOW, "#lobby", kind, nick, text)))
        self.assertEqual(seen, Event(0, 0.0, "", kind, nick, text))

    @quick
    @given(people, people, texts)
    def test_what_one_says_to_another(self, nick: str, other: str, text: str) -> None:
        assume(nick != other)
        event = Event(7, NOW, "@1", Kind.PRIVATE, nick, text, other)
        seen = parse(render(event))
        self.assertEqual(seen, Event(0, 0.0, "", Kind.PRIVATE, nick, text, other))

    @quick
    @given(people, st.sampled_from([Kind.JOINED, Kind.LEFT]))
    def test_coming_and_going(self, nick: str, kind: Kind) -> None:
        self.assertEqual(
            parse(render(Event(7, NOW, "#lobby", kind, nick))), Event(0, 0.0, "", kind, nick)
        )

    @quick
    @given(people, people)
    def test_a_new_nickname(self, nick: str, new: str) -> None:
        self.assertEqual(
            parse(render(Event(7, NOW, "#lobby", Kind.RENAMED, nick, new))),
            Event(0, 0.0, "", Kind.RENAMED, nick, new),
        )

    @quick
    @given(texts)
    def test_a_notice(self, text: str) -> None:
        self.assertEqual(
            parse(render(Event(0, NOW, "", Kind.NOTICE, "", text))),
            Event(0, 0.0, "", Kind.NOTICE, "", text),
        )

    @quick
    @given(texts, st.sampled_from(Code))
    def test_an_error_with_its_code(self, text: str, code: Code) -> None:
        self.assertEqual(
            parse(render(Event(0, NOW, "", Kind.ERROR, code, text))),
            Event(0, 0.0, "", Kind.ERROR, code, text),
        )

    def test_the_question_for_a_nickname_and_the_welcome(self) -> None:
        for kind in (Kind.PROMPT, Kind.WELCOME):
            self.assertEqual(parse(render(Event(0, NOW, "", kind, ""))).kind, kind)


class Forgery(SynchronousTestCase):
    """A person's text always stands behind that person's nickname."""

    def test_no_known_trick_makes_a_line_of_another_kind_or_of_another_person(self) -> None:
        for text in map(clean, FORGERIES):
            for kind in PERSONS_KINDS:
                seen = parse(render(Event(1, NOW, "#lobby", kind, "eve", text)))
                self.assertEqual((seen.kind, seen.nick, seen.text), (kind, "eve", text))
            seen = parse(render(Event(1, NOW, "@1", Kind.PRIVATE, "eve", text, "bob")))
            self.assertEqual((seen.kind, seen.nick, seen.text), (Kind.PRIVATE, "eve", text))

    @quick
    @given(people, people, texts, st.sampled_from([*PERSONS_KINDS, Kind.PRIVATE]))
    def test_no_line_of_one_person_reads_as_a_line_about_another(
        self, eve: str, bob: str, text: str, kind: Kind
    ) -> None:
        assume(not keys(eve) & keys(bob))
        for line in (text, f"{bob}: {text}", f"{bob} left the chat", f"* {bob} {text}"):
            seen = parse(render(Event(1, NOW, "#lobby", kind, eve, line, bob)))
            self.assertEqual((seen.kind, seen.nick), (kind, eve))

    @quick
    @given(people, texts, st.sampled_from(PERSONS_KINDS))
    def test_a_rendered_event_is_one_line(self, nick: str, text: str, kind: Kind) -> None:
        line = render(Event(1, NOW, "#lobby", kind, nick, text))
        self.assertEqual(line.splitlines(), [line])


class Forms(SynchronousTestCase):
    """What nc shows, to the letter: other people's programs read it."""

    def test_each_kind_has_the_form_that_the_protocol_promises(self) -> None:
        forms = {
            "alice: hi": (Kind.SAID, "#lobby", "alice", "hi"),
            "* alice waves": (Kind.ACTED, "#lobby", "alice", "waves"),
            "alice -> bob: hi": (Kind.PRIVATE, "@1", "alice", "hi"),
            "alice joined the chat": (Kind.JOINED, "#lobby", "alice", ""),
            "alice left the chat": (Kind.LEFT, "#lobby", "alice", ""),
            "alice is now known as al": (Kind.RENAMED, "#lobby", "alice", "al"),
            "NICK": (Kind.PROMPT, "", "", ""),
            "Connected to the server": (Kind.WELCOME, "", "alice", ""),
            "-- 2 here: alice bob": (Kind.NOTICE, "", "alice", "2 here: alice bob"),
            "! Too fast. [too-fast]": (Kind.ERROR, "", "too-fast", "Too fast."),
        }
        for line, (kind, room, nick, text) in forms.items():
            self.assertEqual(render(Event(1, NOW, room, kind, nick, text, "bob")), line)
        self.assertEqual({kind for kind, *_ in forms.values()}, set(Kind))

    def test_a_line_of_no_known_form_is_a_notice_with_all_of_it(self) -> None:
        for line in ("", "hello", "a b: c", "Connected", "*bob", "NICK ", "! no code"):
            self.assertEqual(parse(line), Event(0, 0.0, "", Kind.NOTICE, "", line))

    @quick
    @given(st.text())
    def test_any_line_can_be_parsed(self, line: str) -> None:
        self.assertIn(parse(line).kind, Kind)
