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

    def test_a_line_of_an_unknown_room_moves_nothing(self) -> None:
        """Plain lines do not name their room, so there must be one only."""
        for rooms in ("@:3", "#a:1 #b:2 @:3"):
            here = place(comes_back(rooms), "bob: x", "[10:00:00 9] bob: x")
            self.assertEqual(here.offer("alice"), f"alice {TOKEN} {rooms}")

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
            self.assertTrue(all(now[room] >= seq for room, seq in known.items()), line)
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
