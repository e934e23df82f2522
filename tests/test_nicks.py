"""Who wears which nickname."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import ChatError, Code, NickRefused
from chatservice.names import keys
from chatservice.people.nicks import Nicks
from tests.fakes import quick


class Wearing(SynchronousTestCase):
    """One nickname each, none of them like another."""

    def setUp(self) -> None:
        self.nicks: Nicks[int] = Nicks()
        self.nicks.claim(1, "alice")
        self.nicks.wear(1, "alice")

    def refused(self, wearer: int, nick: str) -> str:
        refusal = self.assertRaises(NickRefused, self.nicks.claim, wearer, nick)
        self.assertEqual(refusal.code, Code.NICK_TAKEN)
        return str(refusal.message)

    def test_what_is_worn_is_found_in_any_case(self) -> None:
        self.assertEqual([self.nicks.find(name) for name in ("alice", "ALICE")], [1, 1])

    def test_what_looks_the_same_is_not_found_by_it(self) -> None:
        for name in ("аlice", "bob", ""):
            self.assertRaises(ChatError, self.nicks.find, name)

    def test_what_is_worn_or_looks_so_is_refused(self) -> None:
        for name in ("alice", "ALICE", "аlice"):
            self.assertIn("alice", self.refused(2, name))

    def test_what_is_claimed_is_refused_to_others_and_not_found(self) -> None:
        self.nicks.claim(2, "bob")
        self.refused(3, "bob")
        self.assertRaises(ChatError, self.nicks.find, "bob")
        self.nicks.unclaim(2, "bob")
        self.nicks.claim(3, "bob")

    def test_a_change_frees_what_was_worn(self) -> None:
        self.nicks.claim(1, "al")
        self.nicks.wear(1, "al")
        self.nicks.claim(2, "alice")
        self.assertEqual(self.nicks.find("al"), 1)

    def test_unclaiming_keeps_what_is_worn(self) -> None:
        self.nicks.claim(1, "Alice")
        self.nicks.unclaim(1, "Alice")
        self.refused(2, "alice")

    def test_the_own_one_again_is_refused_another_case_is_not(self) -> None:
        self.assertIn("already", self.refused(1, "alice"))
        self.nicks.claim(1, "ALICE")

    def test_what_is_taken_off_is_free(self) -> None:
        self.nicks.take_off(1)
        self.nicks.take_off(1)
        self.nicks.claim(2, "alice")
        self.nicks.wear(2, "alice")
        self.assertEqual(self.nicks.find("alice"), 2)

    def test_an_heir_wears_it_at_once(self) -> None:
        self.nicks.hand_over(1, 2)
        self.assertEqual(self.nicks.find("alice"), 2)
        self.nicks.take_off(1)
        self.refused(1, "alice")
        self.nicks.take_off(2)
        self.nicks.claim(3, "alice")

    @quick
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["claim", "unclaim", "take off", "hand over"]),
                st.integers(1, 3),
                st.sampled_from(["alice", "ALICE", "аlice", "AIice", "bob", "Bob"]),
            ),
            max_size=30,
        )
    )
    def test_no_two_ever_share_a_key(self, steps: list[tuple[str, int, str]]) -> None:
        nicks: Nicks[int] = Nicks()
        worn: dict[int, str] = {}
        for what, who, name in steps:
            match what:
                case "claim" | "unclaim":
                    try:
                        nicks.claim(who, name)
                    except NickRefused:
                        continue
                    if what == "claim":
                        nicks.wear(who, name)
                        worn[who] = name
                    else:
                        nicks.unclaim(who, name)
                case "take off":
                    nicks.take_off(who)
                    worn.pop(who, None)
                case "hand over" if who in worn and 4 not in worn:
                    nicks.hand_over(who, 4)
                    worn[4] = worn.pop(who)
            held = [key for nick in worn.values() for key in keys(nick)]
            self.assertEqual(len(held), len(set(held)))
            self.assertEqual(set(nicks._by_key), set(held))
            self.assertEqual(
                {w: nicks.find(nick) for w, nick in worn.items()}, {w: w for w in worn}
            )
