"""Plain lines: what is rendered is read back, and nobody can forge a line (threat 5)."""

from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import Code
from chatservice.events import FOR_PROGRAMS, NAMING, Event, Kind
from chatservice.names import check_room, keys
from chatservice.plain import parse, render
from chatservice.roles import Role
from chatservice.text import clean
from tests.fakes import NOW, quick
from tests.test_names import accepted, nicks

FORGERIES = [
    *("bob left the chat", "bob joined the chat", "bob is now known as eve", "bob: hi"),
    *("* bob waves", "bob -> alice: hi", "alice -> bob: hi", "-- notice", "! no [flooding]"),
    *("NICK", "Connected to the server", "", " ", ": ", " -> bob: hi", "-> bob: hi", "[flooding]"),
    *("-- To come back, answer NICK with: bob ~token #lobby:1", "[2026-11-20 10:00:00 5] bob: hi"),
    *(
        "[10:00:00 5] bob: hi",
        "#dev bob: hi",
        "-- You are in #dev now.",
        "] bob: hi",
        "5] bob: hi",
        "\r\n[10:00:00 5] bob: hi",
    ),
    *("\r\nbob: hi", "\nbob: hi", "\u2028bob: hi", "\x85bob: hi", "\x1b[1Gbob: hi"),
    *("bob set the topic to: hi", "bob removed the topic", "bob set moderated on", "to: hi"),
    *("bob made eve op", "bob kicked alice out of the chat", "bob kicked alice out of #dev: hi"),
    *("#dev -- hi", "out of #dev: hi", ": hi", "#dev: hi", "made bob op", "set moderated off"),
    *("-- bob invites you to #dev: type /join #dev", "bob invites you to #dev: type /join #dev"),
]

texts = st.one_of(
    st.sampled_from(FORGERIES),
    st.text(st.sampled_from("ab :*>-![]\t\n\r\u2028/"), max_size=20),
    st.text(max_size=40),
).map(clean)
rooms = st.from_regex(r"#[a-z0-9_ж日][a-z0-9_.ж日-]{0,20}", fullmatch=True).map(check_room)
people = nicks.map(accepted)
PERSONS_KINDS = [Kind.SAID, Kind.ACTED]
KEPT = [*PERSONS_KINDS, Kind.PRIVATE]
FREE_KINDS = [*PERSONS_KINDS, Kind.PRIVATE, Kind.TOPIC, Kind.KICKED]
"""Whose lines end with what a person wrote."""
modes = st.builds(
    lambda name, value: f"{name} {value}",
    st.from_regex("[a-z]{1,9}(-[a-z]{1,9})?", fullmatch=True),
    st.sampled_from(["on", "off", "30s", "1 hour 30 minutes"]),
)
times = st.integers(0, 4_000_000_000).map(float)
numbers = st.integers(1, 10**18 - 1)


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
    @given(people, people, texts, st.sampled_from(KEPT), times, numbers)
    def test_what_is_told_from_the_past(
        self, nick: str, other: str, text: str, kind: Kind, at: float, seq: int
    ) -> None:
        """With its time and number, whatever the reader's time is."""
        to = other if kind is Kind.PRIVATE else ""
        event = Event(seq, at, "", kind, nick, text, to, past=True)
        for stamped in (False, True):
            self.assertEqual(parse(render(event._replace(by="@7"), stamped), NOW), event)

    @quick
    @given(
        *(people, people, texts, st.sampled_from(KEPT), times, numbers),
        st.floats(-43_000, 43_000),
    )
    def test_what_is_stamped(
        self, nick: str, other: str, text: str, kind: Kind, at: float, seq: int, wrong: float
    ) -> None:
        """Although it has no date: the reader's clock may be wrong by almost half a day."""
        to = other if kind is Kind.PRIVATE else ""
        event = Event(seq, at, "", kind, nick, text, to)
        self.assertEqual(parse(render(event, stamped=True), at + wrong), event)

    @quick
    @given(people, st.sampled_from([Kind.JOINED, Kind.LEFT, Kind.NOTICE, Kind.WELCOME]))
    def test_what_is_not_kept_has_no_stamp(self, nick: str, kind: Kind) -> None:
        event = Event(7, NOW, "#lobby", kind, nick, "text")
        self.assertEqual(render(event, stamped=True), render(event))

    @quick
    @given(people, st.text("~abc#:@0123 ", min_size=1, max_size=40))
    def test_how_to_come_back(self, nick: str, text: str) -> None:
        self.assertEqual(
            parse(render(Event(0, NOW, "", Kind.RESUME, nick, text))),
            Event(0, 0.0, "", Kind.RESUME, nick, text),
        )

    @quick
    @given(people, st.sampled_from([Kind.JOINED, Kind.LEFT]))
    def test_coming_and_going(self, nick: str, kind: Kind) -> None:
        self.assertEqual(
            parse(render(Event(7, NOW, "#lobby", kind, nick, lobby=True))),
            Event(0, 0.0, "", kind, nick, lobby=True),
        )

    @quick
    @given(people, people)
    def test_a_new_nickname(self, nick: str, new: str) -> None:
        self.assertEqual(
            parse(render(Event(7, NOW, "#lobby", Kind.RENAMED, nick, new))),
            Event(0, 0.0, "", Kind.RENAMED, nick, new),
        )

    @quick
    @given(*(people, people, texts, modes, rooms, st.booleans(), st.sampled_from(Role)))
    def test_what_befalls_a_room_and_those_in_it(
        self, nick: str, to: str, text: str, mode: str, room: str, elsewhere: bool, role: Role
    ) -> None:
        """Topic, mode, role, being thrown out: in the current room and in another."""
        for event in (
            Event(0, 0.0, room, Kind.TOPIC, nick, text),
            Event(0, 0.0, room, Kind.MODE, nick, mode),
            Event(0, 0.0, room, Kind.ROLE, nick, role.label, to),
            Event(0, 0.0, room, Kind.KICKED, nick, text, to),
            Event(0, 0.0, room, Kind.KICKED, nick, text, to, lobby=True),
        ):
            named = elsewhere or (event.kind is Kind.KICKED and not event.lobby)
            shown = event if named else event._replace(room="")
            line = render(event._replace(seq=7, at=NOW, by="@7"), True, elsewhere)
            self.assertEqual(parse(line, NOW), shown)
            self.assertEqual(render(shown, True, elsewhere), line)

    @quick
    @given(texts, rooms)
    def test_what_the_server_says_to_a_room(self, text: str, room: str) -> None:
        """Whoever looks at that room reads it as any notice."""
        event = Event(0, 0.0, room, Kind.NOTED, "", text)
        self.assertEqual(parse(render(event, elsewhere=True)), event)
        self.assertEqual(render(event), render(event._replace(kind=Kind.NOTICE)))

    @quick
    @given(people, rooms, st.booleans())
    def test_an_invitation(self, nick: str, room: str, elsewhere: bool) -> None:
        event = Event(0, 0.0, "", Kind.INVITED, nick, room)
        self.assertEqual(parse(render(event, elsewhere=elsewhere)), event)

    @quick
    @given(texts)
    def test_a_notice(self, text: str) -> None:
        assume(not text.startswith(("To come back, answer NICK with:", "You are in #")))
        assume(" invites you to #" not in text)
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

    @quick
    @given(
        *(rooms, people, people, texts, numbers, st.booleans(), st.booleans(), st.booleans()),
        st.sampled_from([*PERSONS_KINDS, Kind.JOINED, Kind.LEFT, Kind.RENAMED]),
    )
    def test_what_happens_in_another_room(
        self,
        room: str,
        nick: str,
        new: str,
        text: str,
        seq: int,
        past: bool,
        on: bool,
        lobby: bool,
        kind: Kind,
    ) -> None:
        """Its name is read, too; in the current room only of those who come to it and go."""
        text = {Kind.RENAMED: new, Kind.JOINED: "", Kind.LEFT: ""}.get(kind, text)
        lobby = lobby and kind in NAMING
        event = Event(seq, NOW, room, kind, nick, text, past=past and kind.kept, lobby=lobby)
        line = render(event, on, elsewhere=True)
        self.assertIn(f"{room} " if kind.kept else room, line)
        shown = event if kind.kept and (past or on) else event._replace(seq=0, at=0.0)
        self.assertEqual(parse(line, NOW), shown)
        named = kind in NAMING and not lobby
        here = parse(render(event, on), NOW)
        self.assertEqual(here, shown._replace(room=room if named else ""))
        self.assertEqual(render(parse(line, NOW), on, elsewhere=True), line)

    @quick
    @given(rooms)
    def test_which_room_is_current(self, room: str) -> None:
        event = Event(0, 0.0, "", Kind.SWITCHED, "", room)
        for elsewhere in (False, True):
            self.assertEqual(parse(render(event, elsewhere=elsewhere)), event)

    def test_the_lobby_is_the_chat(self) -> None:
        """Whatever it is called."""
        for room, lobby, elsewhere, line in (
            ("#hall", True, False, "bob joined the chat"),
            ("#hall", True, True, "#hall bob joined the chat"),
            ("#lobby", False, False, "bob joined #lobby"),
            ("#lobby", False, True, "bob joined #lobby"),
        ):
            event = Event(0, 0.0, room, Kind.JOINED, "bob", lobby=lobby)
            self.assertEqual(render(event, elsewhere=elsewhere), line)

    def test_answers_and_private_lines_name_no_room(self) -> None:
        for room, kind in (("", Kind.NOTICE), ("", Kind.SAID), ("@17", Kind.PRIVATE)):
            event = Event(1, NOW, room, kind, "alice", "hi", "bob")
            self.assertEqual(render(event, elsewhere=True), render(event))


class Forgery(SynchronousTestCase):
    """A person's text always stands behind that person's nickname."""

    def test_no_known_trick_makes_a_line_of_another_kind_or_of_another_person(self) -> None:
        for text in map(clean, FORGERIES):
            for kind in PERSONS_KINDS:
                seen = parse(render(Event(1, NOW, "#lobby", kind, "eve", text)))
                self.assertEqual((seen.kind, seen.nick, seen.text), (kind, "eve", text))
            for kind in (Kind.PRIVATE, Kind.TOPIC, Kind.KICKED):
                for room, elsewhere in (("", False), ("#dev", False), ("#dev", True)):
                    where = "@1" if kind is Kind.PRIVATE else room
                    event = Event(1, NOW, where, kind, "eve", text, "bob")
                    seen = parse(render(event, elsewhere=elsewhere))
                    self.assertEqual((seen.kind, seen.nick, seen.text), (kind, "eve", text))

    @quick
    @given(people, people, texts, st.sampled_from(FREE_KINDS))
    def test_no_line_of_one_person_reads_as_a_line_about_another(
        self, eve: str, bob: str, text: str, kind: Kind
    ) -> None:
        assume(not keys(eve) & keys(bob))
        for line in (text, f"{bob}: {text}", f"{bob} left the chat", f"* {bob} {text}"):
            seen = parse(render(Event(1, NOW, "#lobby", kind, eve, line, bob)))
            self.assertEqual((seen.kind, seen.nick), (kind, eve))

    @quick
    @given(people, people, texts, st.sampled_from(KEPT), st.booleans(), st.booleans())
    def test_no_text_changes_a_stamp_or_makes_one(
        self, eve: str, bob: str, text: str, kind: Kind, past: bool, stamped: bool
    ) -> None:
        for line in (text, f"[2026-11-20 10:00:00 9] {bob}: {text}", f"[10:00:00 9] * {bob} x"):
            event = Event(5, NOW, "#lobby", kind, eve, line, bob, past=past)
            seen = parse(render(event, stamped), NOW)
            stamp = (5, NOW, past) if past or stamped else (0, 0.0, False)
            self.assertEqual((seen.seq, seen.at, seen.past), stamp)
            self.assertEqual((seen.kind, seen.nick, seen.text), (kind, eve, line))

    @quick
    @given(people, texts, st.sampled_from(list(Kind)), st.sampled_from(Code))
    def test_only_the_server_tells_how_to_come_back(
        self, nick: str, text: str, kind: Kind, code: Code
    ) -> None:
        """No other kind reads so, whatever a person wrote; notices begin with words of its own."""
        if kind in (Kind.RESUME, Kind.NOTICE, Kind.NOTED):
            return
        who = code if kind is Kind.ERROR else nick
        seen = parse(render(Event(1, NOW, "", kind, who, text, nick)))
        self.assertIsNot(seen.kind, Kind.RESUME)

    def test_a_stamp_on_what_is_not_kept_is_none(self) -> None:
        """Nor is one that no clock shows, or without a line behind it."""
        for line in (
            *("[10:00:00 5] bob joined the chat", "[2026-11-20 10:00:00 5] NICK"),
            *("[10:00:00 5] Connected to the server", "[10:00:00 5] -- note", "[10:00:00 5] "),
            *("[25:00:00 5] bob: hi", "[2026-02-30 10:00:00 5] bob: hi", "[10:00:00 x] bob: hi"),
            *("[10:00:00] bob: hi", "[10:00 5] bob: hi", "[10:00:00 5]bob: hi", "[5] bob: hi"),
            *(" [10:00:00 5] bob: hi", "[10:00:00 5] [10:00:00 5] bob: hi"),
            f"[10:00:00 {'9' * 19}] bob: hi",
        ):
            self.assertEqual(parse(line, NOW), Event(0, 0.0, "", Kind.NOTICE, "", line))

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
            "bob: hi": (Kind.REMARKED, "#lobby", "bob", "hi"),
            "dave -> bob: hi": (Kind.HINTED, "@1", "dave", "hi"),
            "-- anything": (Kind.WIRE, "", "", "anything"),
            "alice joined the chat": (Kind.JOINED, "#lobby", "alice", ""),
            "alice left the chat": (Kind.LEFT, "#lobby", "alice", ""),
            "alice is now known as al": (Kind.RENAMED, "#lobby", "alice", "al"),
            "alice kicked bob out of the chat": (Kind.KICKED, "#lobby", "alice", ""),
            "alice kicked bob out of #dev: spam": (Kind.KICKED, "#dev", "alice", "spam"),
            "alice set the topic to: cats": (Kind.TOPIC, "#dev", "alice", "cats"),
            "alice removed the topic": (Kind.TOPIC, "#dev", "alice", ""),
            "alice set moderated on": (Kind.MODE, "#dev", "alice", "moderated on"),
            "alice made bob op": (Kind.ROLE, "#dev", "alice", "op"),
            "-- alice banned bob for good": (
                *(Kind.RECORDED, "&#dev", "alice", "banned bob for good"),
            ),
            "-- All is well.": (Kind.NOTED, "#dev", "", "All is well."),
            "-- alice invites you to #dev: type /join #dev": (
                *(Kind.INVITED, "", "alice", "#dev"),
            ),
            "NICK": (Kind.PROMPT, "", "", ""),
            "Connected to the server": (Kind.WELCOME, "", "alice", ""),
            "-- You are in #dev now.": (Kind.SWITCHED, "", "", "#dev"),
            "-- 2 here: alice bob": (Kind.NOTICE, "", "alice", "2 here: alice bob"),
            "! Too fast. [too-fast]": (Kind.ERROR, "", "too-fast", "Too fast."),
            "-- To come back, answer NICK with: alice ~t #lobby:1": (
                *(Kind.RESUME, "", "alice", "~t #lobby:1"),
            ),
            "-- Lines are text from here on.": (Kind.HELLO, "", "alice", "text"),
            "-- Done.": (Kind.DONE, "", "alice", "7"),
        }
        for line, (kind, room, nick, text) in forms.items():
            lobby = room == "#lobby"
            self.assertEqual(
                render(Event(1, NOW, room, kind, nick, text, "bob", lobby=lobby)), line
            )
        for_people = set(Kind) - set(FOR_PROGRAMS)
        self.assertEqual({kind for kind, *_ in forms.values()}, for_people)
        for kind in FOR_PROGRAMS:
            self.assertEqual(render(Event(1, NOW, "#dev", kind, "alice", "hi")), "")

    def test_time_and_number_stand_before_a_line(self) -> None:
        """NOW is 2023-11-14 22:13:20 UTC."""
        event = Event(17, NOW, "#lobby", Kind.SAID, "alice", "hi")
        self.assertEqual(render(event, stamped=True), "[22:13:20 17] alice: hi")
        for stamped in (False, True):
            past = render(event.retold(), stamped)
            self.assertEqual(past, "[2023-11-14 22:13:20 17] alice: hi")

    def test_a_time_without_a_date_is_the_nearest(self) -> None:
        """Around midnight it is yesterday's or tomorrow's."""
        midnight = 1_700_006_400.0
        for now, line, at in (
            (midnight + 60, "[23:59:00 1] a: x", midnight - 60),
            (midnight - 60, "[00:01:00 1] a: x", midnight + 60),
            (midnight, "[11:59:59 1] a: x", midnight + 43_199),
        ):
            self.assertEqual(parse(line, now).at, at)

    def test_a_line_of_no_known_form_is_a_notice_with_all_of_it(self) -> None:
        for line in (
            *(
                "",
                "hello",
                "a b: c",
                "Connected",
                "*bob",
                "NICK ",
                "! no code",
                "#dev",
                "#dev NICK",
            ),
            *("#dev alice -> bob: hi", "#dev #ops alice: hi", "#dev alice joined #dev", "# a: b"),
            *("#dev ! no [code]", "#dev Connected to the server", "#dev --note", "#dev: a: b"),
            *("#dev alice invites you to #dev: type /join #dev", "#dev alice kicked bob out of #a"),
            *("alice set Moderated on", "alice set slow", "alice made bob", "alice kicked bob"),
            *("alice kicked bob out of #dev:spam", "alice kicked bob out of the chat "),
        ):
            self.assertEqual(parse(line), Event(0, 0.0, "", Kind.NOTICE, "", line))

    @quick
    @given(st.text())
    def test_any_line_can_be_parsed(self, line: str) -> None:
        self.assertIn(parse(line).kind, Kind)
