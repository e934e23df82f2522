"""What one chooses to see, command by command, and how long what one has set holds."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.accounts import ACCOUNT
from chatservice.commands import perform
from chatservice.interfaces import Value
from chatservice.people.person import Policy
from chatservice.people.settings import MOST_CHOSEN, NOTHING_SET, Settings, read_settings
from chatservice.taste import Bell
from tests.fakes import NOT_STORED, Chat, Guest, SlowLog, quick


def make_account(chat: Chat, name: str, role: str = "USER", **settings: object) -> None:
    """Put an account among the records."""
    account = {"name": name, "identity": f"@of-{name}", "role": role, "settings": settings}
    chat.hub.parts.records.change(ACCOUNT, name, lambda _: account)


def log_in(guest: Guest, name: str) -> None:
    """Let somebody be logged in to an account."""
    account = guest.chat.hub.accounts.find(name)
    assert account is not None
    guest.chat.hub.parts.identities.log_in(guest.person, account)


def kept(chat: Chat, name: str) -> Mapping[str, object]:
    """Return what an account keeps."""
    account = chat.hub.accounts.find(name)
    assert account is not None
    return account.settings


class WithPeople(SynchronousTestCase):
    def setUp(self) -> None:
        self.chat = Chat()
        self.alice, self.bob, self.carol = self.chat.everybody("alice", "bob", "carol")

    def told(self, guest: Guest, typed: str) -> list[str]:
        """Let somebody type something that only it hears of; return the answer."""
        others = [one for one in (self.alice, self.bob, self.carol) if one is not guest]
        for one in (*others, guest):
            one.hears()
        guest.types(typed)
        for one in others:
            self.assertEqual(one.hears(), [])
        return guest.hears()


class Ignoring(WithPeople):
    def test_the_list_names_people_as_they_were_known_and_as_they_are_called_now(self) -> None:
        self.alice.types("/ignore bob", "/ignore CAROL")
        self.bob.types("/nick bo")
        self.alice.hears()
        self.alice.types("/ignore")
        self.assertEqual(self.alice.hears(), ["-- You ignore bob (bo now), carol."])
        for name in ("BO", "carol"):
            self.alice.types(f"/unignore {name}")
        self.alice.hears()
        self.alice.types("/ignore")
        self.assertIn("You ignore nobody", self.alice.hears()[0])
        self.assertIsNone(self.alice.taste)

    def test_it_is_about_people_not_nicknames(self) -> None:
        self.alice.types("/ignore bob")
        self.alice.hears()
        self.bob.types("/nick bo", "still hidden")
        self.carol.types("/nick bob", "hello")
        self.assertEqual(self.alice.hears(), ["carol is now known as bob", "bob: hello"])

    def test_somebody_with_an_account_can_be_ignored_in_its_absence(self) -> None:
        make_account(self.chat, "zoe")
        self.alice.types("/ignore zoe")
        self.assertEqual(dict(self.alice.person.settings.ignored), {"@of-zoe": "zoe"})

    def test_there_are_only_so_many_and_guests_who_have_gone_make_room(self) -> None:
        gone = {f"@{n}": f"n{n}" for n in range(MOST_CHOSEN)}
        self.alice.person.settings = Settings(gone)
        self.alice.types("/ignore bob")
        self.assertEqual([*self.alice.person.settings.ignored.values()], ["bob"])
        for n in range(MOST_CHOSEN):
            make_account(self.chat, f"n{n}")
        full = Settings({f"@of-n{n}": f"n{n}" for n in range(MOST_CHOSEN)})
        self.alice.person.settings = full
        self.alice.hears()
        self.alice.types("/ignore bob")
        self.assertIn("[too-much]", self.alice.hears()[0])
        self.assertIs(self.alice.person.settings, full)
        self.alice.types("/focus " + " ".join(["bob"] * (MOST_CHOSEN + 1)))
        self.assertIn("[too-much]", self.alice.hears()[0])

    def test_long_lists_come_in_readable_lines(self) -> None:
        self.alice.person.settings = Settings({f"@{n}": "x" * 32 for n in range(MOST_CHOSEN)})
        self.alice.types("/ignore")
        self.assertLess(max(map(len, self.alice.hears())), 500)

    def test_what_was_said_before_is_still_seen(self) -> None:
        """Also if it was said in the same turn of the reactor."""
        for typed in ("/ignore bob", "/bell all", "/focus carol"):
            alice, bob, carol = Chat().everybody("alice", "bob", "carol")
            alice.hears()
            perform(bob.session, "before")
            perform(alice.session, typed)
            perform(bob.session, "after")
            perform(alice.session, "/who")
            alice.chat.turn()
            heard = alice.hears()
            self.assertEqual(heard[0], "bob: before", typed)
            self.assertEqual(heard[2:-1], ["\abob: after"] if "bell" in typed else [])
            self.assertEqual(heard[-1], "-- 3 here: alice bob carol")
            self.assertEqual(carol.hears(), ["bob: before", "bob: after"])

    def test_so_also_while_a_disk_is_slow(self) -> None:
        log = SlowLog()
        alice, bob = Chat(log).everybody("alice", "bob")
        alice.hears()
        log.slow = True
        bob.types("before")
        alice.types("/ignore bob")
        bob.types("after")
        log.commit()
        alice.chat.turn()
        heard = alice.hears()
        self.assertEqual(heard[0], "bob: before")
        self.assertEqual(len(heard), 2)

    def test_who_reads_slowly_is_told_in_the_right_place(self) -> None:
        self.alice.stalled = True
        self.carol.types("held")
        self.bob.types("before")
        self.alice.types("/ignore bob")
        self.bob.types("after")
        self.alice.reads()
        heard = self.alice.hears()
        self.assertEqual(heard[:2], ["carol: held", "bob: before"])
        self.assertEqual([line[:2] for line in heard[2:]], ["--"])


class Hidden(WithPeople):
    """Of the ignored nothing is seen, wherever it would be."""

    def test_in_the_backlog_of_a_room(self) -> None:
        chat = Chat(policy=Policy(backlog=5))
        alice, bob = chat.everybody("alice", "bob")
        alice.types("/ignore bob")
        for one in (bob, chat.join("carol")):
            one.types("/join #dev", "hi")
        alice.hears()
        alice.types("/join #dev")
        self.assertEqual(
            [line for line in alice.hears() if "hi" in line], ["[2023-11-14 22:13:20 2] carol: hi"]
        )

    def test_in_history_and_search_where_it_does_not_count(self) -> None:
        self.bob.types("hi there", "/msg alice hi you")
        self.alice.types("/ignore bob")
        self.carol.types("hi all")
        self.alice.hears()
        self.alice.types("/history")
        self.assertEqual(self.alice.hears()[:-1], ["[2023-11-14 22:13:20 2] carol: hi all"])
        self.alice.types("/search hi")
        self.assertEqual(
            self.alice.hears(),
            [
                "-- One line found, the newest first; times are UTC:",
                "[2023-11-14 22:13:20 2] carol: hi all",
            ],
        )
        self.alice.types("/search you in:@")
        self.assertEqual(self.alice.hears(), ["-- Nothing found."])

    def test_a_search_goes_on_behind_what_is_hidden(self) -> None:
        self.carol.types("hi from long ago")
        self.bob.types(*["hi"] * 12)
        self.alice.types("/ignore bob")
        self.alice.hears()
        self.alice.types("/search hi")
        self.assertEqual(
            self.alice.hears(),
            [
                "-- One line found, the newest first; times are UTC:",
                "[2023-11-14 22:13:20 1] carol: hi from long ago",
            ],
        )

    def test_a_reply_goes_to_nobody_of_whom_one_sees_nothing(self) -> None:
        self.alice.types("/ignore bob")
        self.carol.types("/msg alice shown")
        self.bob.types("/msg alice hidden")
        self.carol.hears(), self.bob.hears()
        self.alice.types("/reply yes")
        self.assertEqual(self.carol.hears(), ["alice -> carol: yes"])
        self.assertEqual(self.bob.hears(), [])

    def test_in_what_was_missed(self) -> None:
        self.alice.types("/ignore bob", "/resume")
        token = self.alice.hears()[-1].split(": ")[1]
        self.alice.goes()
        self.bob.types("hidden", "/msg alice hidden")
        self.carol.types("shown")
        again = self.chat.connect()
        again.claims(token)
        self.assertEqual(
            [line for line in again.hears() if not line.startswith("--")],
            ["Connected to the server", "[2023-11-14 22:13:20 2] carol: shown"],
        )


class TheBell(WithPeople):
    def test_it_rings_at_the_nickname_worn_now_and_the_accounts_name(self) -> None:
        make_account(self.chat, "alicia")
        log_in(self.alice, "alicia")
        self.alice.types("/bell mentions", "/nick al")
        self.alice.hears(), self.bob.hears()
        self.bob.types("alice", "al", "alicia", "/msg al psst")
        self.assertEqual(
            self.alice.hears(),
            ["bob: alice", "\abob: al", "\abob: alicia", "\abob -> al: psst"],
        )

    def test_it_can_be_asked_for_and_put_off(self) -> None:
        self.assertIn("The bell: off.", self.told(self.alice, "/bell")[0])
        self.alice.types("/bell ALL")
        self.assertIn("The bell: all.", self.told(self.alice, "/bell")[0])
        self.alice.types("/bell off")
        self.assertIsNone(self.alice.taste)


class Accounts(WithPeople):
    def test_what_is_set_is_kept_with_the_account_and_holds_when_it_logs_in_again(self) -> None:
        make_account(self.chat, "al", color="blue")
        make_account(self.chat, "zoe")
        log_in(self.alice, "al")
        self.alice.types(*("/bell all", "/quiet", "/time", "/ignore zoe", "/ignore bob"))
        self.alice.types("/focus bob")
        expected = {"ignored": ["@of-zoe"], "quiet": True, "bell": "all", "time": True}
        self.assertEqual(kept(self.chat, "al"), {"color": "blue", **expected})
        later = self.chat.join("later")
        log_in(later, "al")
        self.assertEqual(
            later.person.settings, Settings({"@of-zoe": "zoe"}, None, True, Bell.ALL, True)
        )
        self.bob.types("hi")
        self.assertEqual(later.hears(), ["\a[22:13:20 1] bob: hi"])

    def test_a_change_holds_for_every_connection_of_the_account(self) -> None:
        make_account(self.chat, "al")
        for one in (self.alice, self.carol):
            log_in(one, "al")
        self.alice.types("/ignore bob", "/time on")
        self.carol.hears()
        self.bob.types("hi")
        self.assertEqual(self.carol.hears(), [])
        self.alice.types("hi")
        self.assertEqual(self.carol.hears(), ["[22:13:20 2] alice: hi"])

    def test_the_focus_and_times_for_a_program_are_of_one_connection(self) -> None:
        make_account(self.chat, "al")
        self.chat.join("dave")
        for one in (self.alice, self.carol):
            log_in(one, "al")
        self.carol.types("/time here")
        self.alice.types("/focus dave", "/time on", "/quiet on", "/time off")
        self.assertEqual(kept(self.chat, "al")["time"], False)
        self.carol.hears(), self.alice.hears()
        self.bob.types("hi")
        self.assertEqual(self.carol.hears(), ["[22:13:20 1] bob: hi"])
        self.assertEqual(self.alice.hears(), [])
        self.carol.types("/time", "/ignore dave")
        self.carol.hears()
        self.bob.types("hi")
        self.assertEqual(self.carol.hears(), ["bob: hi"])

    def test_who_has_set_something_before_logging_in_keeps_it_and_so_does_the_account(self) -> None:
        make_account(self.chat, "al", bell="mentions")
        make_account(self.chat, "zoe")
        self.alice.types("/ignore zoe", "/quiet on", "/bell all")
        log_in(self.alice, "al")
        self.assertEqual(
            self.alice.person.settings, Settings({"@of-zoe": "zoe"}, None, True, Bell.MENTIONS)
        )
        self.assertEqual(kept(self.chat, "al")["ignored"], ["@of-zoe"])

    def test_registering_keeps_what_is_set_and_who_comes_in_with_the_password_has_it(self) -> None:
        self.alice.types("/quiet on", "/bell mentions", "/register open sesame")
        expected = {"ignored": [], "quiet": True, "bell": "mentions", "time": False}
        self.assertEqual(kept(self.chat, "alice"), expected)
        self.alice.types("/quit")
        again = self.chat.connect("192.0.2.1")
        again.person.encrypted = True
        again.claims("alice open sesame")
        again.hears()
        self.carol.types("/nick caro", "hi alice", "hi")
        self.assertEqual(again.hears(), ["\acaro: hi alice", "caro: hi"])

    def test_whose_account_is_removed_keeps_what_it_has_set_as_a_guest(self) -> None:
        make_account(self.chat, "al", quiet=True)
        log_in(self.alice, "al")
        self.chat.hub.parts.records.change(ACCOUNT, "al", lambda _: None)
        self.alice.types("/focus bob")
        self.alice.hears()
        self.carol.types("/nick caro", "hi")
        self.alice.types("I")
        self.assertEqual(self.alice.hears(), ["alice: I"])

    def test_a_guest_s_settings_are_kept_nowhere(self) -> None:
        make_account(self.chat, "al")
        self.alice.types("/bell all")
        self.assertEqual(kept(self.chat, "al"), {})

    def test_what_cannot_be_kept_holds_all_the_same_and_is_told(self) -> None:
        make_account(self.chat, "al")
        log_in(self.alice, "al")

        def refused(kind: str, key: str, how: object) -> Deferred[Value | None]:
            return fail(NOT_STORED)

        self.patch(self.chat.hub.parts.records, "change", refused)
        self.alice.types("/bell all")
        self.assertEqual(len(self.alice.hears()), 2)
        self.assertIs(self.alice.person.settings.bell, Bell.ALL)

    json = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    )

    @quick
    @given(
        st.dictionaries(st.sampled_from(["ignored", "focus", "quiet", "bell", "time", "x"]), json)
        | json
    )
    def test_whatever_is_kept_is_read_without_harm(self, stored: Mapping[str, object]) -> None:
        settings = read_settings(stored, lambda identity: None)
        self.assertEqual((dict(settings.ignored), settings.focus), ({}, None))
        self.assertIsInstance(settings.quiet, bool)
        self.assertIsInstance(settings.stamped, bool)
        self.assertIn(settings.bell, list(Bell))

    def test_no_more_is_read_than_may_be_kept(self) -> None:
        stored = {"ignored": [f"@{n}" for n in range(1000)]}
        here = Settings({"@here": "here"})
        self.assertEqual(len(read_settings(stored, str, here).ignored), MOST_CHOSEN)

    def test_what_is_kept_is_read_as_it_was(self) -> None:
        settings = Settings({"@a": "@a"}, None, True, Bell.ALL, True)
        self.assertEqual(read_settings(settings.kept(lambda _: True), str), settings)
        self.assertEqual(read_settings({}, str), NOTHING_SET)


class Mistakes(WithPeople):
    def test_each_of_these_is_refused_and_changes_nothing(self) -> None:
        for typed, code in {
            **dict.fromkeys(("/ignore alice", "/ignore ALICE"), "bad-arguments"),
            **dict.fromkeys(("/focus alice", "/ignore a b"), "bad-arguments"),
            **dict.fromkeys(
                ("/bell loud", "/quiet maybe", "/time x", "/unignore"), "bad-arguments"
            ),
            **dict.fromkeys(("/ignore zoe", "/focus zoe", "/focus bob zoe"), "no-such-nick"),
            f"/ignore {'x' * 129}": "bad-arguments",
            f"/focus {'x' * 900}": "no-such-nick",
        }.items():
            self.assertIn(f"[{code}]", self.told(self.alice, typed)[0], typed)
            self.assertIs(self.alice.person.settings, NOTHING_SET)
            self.assertIsNone(self.alice.taste)

    def test_whom_one_does_not_ignore_one_need_not_see_again(self) -> None:
        self.assertIn("You do not ignore zoe", self.told(self.alice, "/unignore zoe")[0])

    def test_what_is_set_when_the_connection_is_gone_harms_nobody(self) -> None:
        settings = Settings(quiet=True)
        self.alice.goes()
        told = self.chat.hub.preferences.choose(self.alice.person, settings)
        self.chat.turn()
        self.assertTrue(told.called)
