"""Where one stands: the token, and what has been read."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.client.place import Place
from chatservice.plain import parse
from chatservice.resume import parse_offer
from chatservice.text import MAX_LINE
from tests.client.test_link import TOKEN, comes_back
from tests.fakes import quick

LINES = st.one_of(
    st.builds("[2026-11-20 10:00:00 {}] bob: x".format, st.integers(0, 30)),
    st.builds("[10:00:00 {}] * bob x".format, st.integers(0, 30)),
    st.builds("[10:00:00 {}] bob -> alice: x".format, st.integers(0, 30)),
    st.builds("#lobby:{} @:{}".format, st.integers(0, 30), st.integers(0, 30)).map(comes_back),
    st.sampled_from(["bob: x", "alice -> bob: x", "bob joined the chat", "-- x", "! x [y]"]),
)


def place(*lines: str) -> Place:
    """Return where one stands after lines."""
    here = Place()
    for line in lines:
        read(here, line)
    return here


def read(here: Place, line: str) -> None:
    """Read a line, as the link does."""
    event = parse(line)
    if line.startswith("-- To come back"):
        here.learn(event)
    here.saw(event)


def positions(here: Place) -> dict[str, int]:
    """Return what is offered as read."""
    offer = parse_offer(here.offer("alice"))
    return dict(offer.read) if offer is not None else {}


class Places(SynchronousTestCase):
    """What is offered."""

    def test_without_a_token_it_is_the_nickname(self) -> None:
        """Whatever was read; also after forgetting."""
        self.assertEqual(place("bob: x", "[10:00:00 5] bob: x").offer("alice"), "alice")
        here = place(comes_back("#lobby:5 @:1"))
        here.forget()
        self.assertEqual((here.offer("alice"), here.token), ("alice", ""))

    def test_only_a_token_is_taken_for_one(self) -> None:
        """A server can say anything; the answer is one line of harmless words."""
        for text in ("", "token", TOKEN[:-1], TOKEN + "x", f"#lobby:1 {TOKEN}", "~" + "é" * 22):
            self.assertEqual(place(f"-- To come back, answer NICK with: alice {text}").token, "")
        odd = "#lobby:x #a:1:2 #lobby: :3 @:-1 @ nonsense #b:²"
        self.assertEqual(place(comes_back(odd)).offer("al")[:27], f"al {TOKEN} "[:27])

    def test_the_offer_is_no_longer_than_a_line_may_be(self) -> None:
        """The server knows what is left out."""
        many = " ".join(f"#room{n}:{n}" for n in range(1000))
        offer = place(comes_back(many)).offer("alice")
        self.assertLessEqual(len(offer.encode()), MAX_LINE)
        self.assertGreater(len(offer.encode()), MAX_LINE - 20)

    def test_a_line_counts_in_the_room_that_it_names_or_in_the_current_one(self) -> None:
        """The lobby, until another is said to be."""
        here = place(comes_back("#lobby:1 #a:2 @:3"), "bob: x", "#a bob: x", "#a * bob waves")
        self.assertEqual(positions(here), {"#lobby": 2, "#a": 4, "@": 3})
        for line in ("-- You are in #a now.", "bob: x", "[10:00:00 9] #lobby bob: x"):
            read(here, line)
        self.assertEqual((positions(here), here.here), ({"#lobby": 9, "#a": 5, "@": 3}, "#a"))
        here.came_in()
        self.assertEqual(here.here, "#lobby")

    def test_who_logs_in_has_another_inbox_with_numbers_of_its_own(self) -> None:
        """The server says so with a line like the answer to /resume."""
        for number in (2, 900):
            here = place(comes_back("#lobby:1 @:600"), "bob -> alice: x", "bob: x")
            for line in (
                "[2026-11-20 10:00:00 2] carol -> alice: kept",
                comes_back(f"#lobby:2 @:{number}"),
                "bob -> alice: x",
            ):
                read(here, line)
            self.assertEqual(positions(here), {"#lobby": 2, "@": number + 1})

    def test_a_room_joined_later_counts_from_its_first_numbered_line(self) -> None:
        """What has none, or is from before, tells nothing of where one is."""
        here = place(comes_back("#lobby:1 @:3"), "bob joined #a", "#a bob: x")
        read(here, "[2026-11-20 10:00:00 5] #a bob: x")
        self.assertEqual(positions(here), {"#lobby": 1, "@": 3})
        for line in ("[10:00:00 9] #a bob: x", "#a bob: x"):
            read(here, line)
        self.assertEqual(positions(here), {"#lobby": 1, "@": 3, "#a": 10})
        self.assertEqual(place("[10:00:00 9] #a bob: x").offer("alice"), "alice")

    @quick
    @given(st.lists(LINES), st.lists(LINES), st.booleans())
    def test_positions_never_go_backward(
        self, before: list[str], after: list[str], returning: bool
    ) -> None:
        """Whatever comes, in whatever order; what is stamped and live has then been read."""
        here = place(*before)
        if returning:
            here.came_back()
        for line in after:
            known = positions(here)
            read(here, line)
            now = positions(here)
            anew = line.startswith("-- To come back")  # another inbox, perhaps
            back = [room for room, seq in known.items() if now[room] < seq]
            self.assertIn(back, [[], ["@"]] if anew else [[]], line)
            event = parse(line)
            if known and event.seq and not event.past:
                room = "@" if event.to else "#lobby"
                self.assertGreaterEqual(now[room], event.seq)

    @quick
    @given(st.integers(0, 9), st.lists(st.sampled_from(["bare", "stamped", "past"])), st.booleans())
    def test_dense_lines_are_counted_however_they_come(
        self, start: int, forms: list[str], twice: bool
    ) -> None:
        """And leave no hole; a line that is read again changes nothing."""
        here = place(comes_back(f"#lobby:{start} @:0"))
        here.came_back()
        for seq, form in enumerate(forms, start + 1):
            stamp = {"bare": "", "stamped": f"[10:00:00 {seq}] "}
            line = stamp.get(form, f"[2026-11-20 10:00:00 {seq}] ") + "bob: x"
            for _ in range(1 + (twice and form != "bare")):
                read(here, line)
        self.assertEqual(positions(here), {"#lobby": start + len(forms), "@": 0})
        self.assertTrue(here.whole)
