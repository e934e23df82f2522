"""What may be known of others: who they are, when they were here, whether they are away."""

from chatservice.accounts.accounts import ACCOUNT
from chatservice.durations import in_words
from chatservice.people.away import AGAIN, Away
from chatservice.people.order import BACK
from chatservice.people.person import Card
from chatservice.presence.presence import MOST_EACH, MOST_GONE
from tests.fakes import NOW
from tests.test_preferences import WithPeople, log_in, make_account


class BeingAway(WithPeople):
    def test_who_writes_to_somebody_away_is_told_behind_the_line_but_not_each_time(self) -> None:
        self.bob.types("/away lunch")
        self.assertEqual(len(self.bob.hears()), 1)
        for expected in ([*("alice -> bob: hi", "-- bob is away: lunch")], ["alice -> bob: hi"]):
            self.alice.types("/msg bob hi")
            self.assertEqual(self.alice.hears(), expected)
        self.carol.types("/msg bob you")
        self.assertEqual(self.carol.hears(), ["carol -> bob: you", "-- bob is away: lunch"])

    def test_so_is_who_answers_it(self) -> None:
        self.bob.types("/msg alice hi", "/away lunch")
        self.alice.hears()
        self.alice.types("/reply hi")
        self.assertEqual(self.alice.hears(), ["alice -> bob: hi", "-- bob is away: lunch"])

    def test_it_is_told_once_more_after_a_while_or_with_another_reason(self) -> None:
        away = Away("lunch", NOW)
        self.assertTrue(away.news_to("@a", NOW))
        self.assertFalse(away.news_to("@a", NOW + AGAIN - 1))
        self.assertTrue(away.news_to("@a", NOW + AGAIN))
        self.assertTrue(away.news_to("@a", NOW - 5000))  # the clock was set back
        self.bob.types("/away lunch")
        self.alice.types("/msg bob hi")
        self.bob.types("/away tea")
        self.alice.hears()
        self.alice.types("/msg bob hi")
        self.assertEqual(self.alice.hears()[1:], ["-- bob is away: tea"])

    def test_few_are_remembered_who_were_told(self) -> None:
        away = Away("lunch", NOW)
        for n in range(5000):
            self.assertTrue(away.news_to(f"@{n}", NOW))
        self.assertLessEqual(len(away._told), 1000)
        self.assertFalse(away.news_to("@4999", NOW))

    def test_saying_something_ends_it(self) -> None:
        for said in ("hello", "/me waves", "/msg alice hi"):
            self.bob.types("/away lunch")
            self.bob.hears()
            self.bob.types(said)
            self.assertEqual(self.bob.hears()[0], f"-- {BACK}")
            self.assertIsNone(self.bob.person.away)

    def test_looking_round_does_not_end_it(self) -> None:
        self.bob.types("/away lunch", "/who", "/join #dev", "/nick bo", "/history", "/msg nobody x")
        self.assertIsNotNone(self.bob.person.away)

    def test_without_a_text_one_is_back(self) -> None:
        self.bob.types("/away lunch")
        self.assertEqual(self.told(self.bob, "/away"), ["-- You are not away any more."])
        self.assertIn("/away lunch", self.told(self.bob, "/away")[0])
        self.assertEqual(self.told(self.alice, "/who"), ["-- 3 here: alice bob carol"])

    def test_who_shows_it(self) -> None:
        self.bob.types("/away lunch")
        self.assertEqual(self.told(self.alice, "/who"), ["-- 3 here: alice bob (away) carol"])

    def test_who_comes_back_to_its_place_is_as_away_as_before(self) -> None:
        self.bob.types("/quiet on", "/time on", "/away lunch", "/resume")
        token = self.bob.hears()[-1].split(": ")[1]
        self.bob.goes()
        again = self.chat.connect()
        again.claims(token)
        again.hears()
        self.assertEqual(self.told(self.alice, "/who"), ["-- 3 here: alice bob (away) carol"])
        self.carol.types("/nick caro", "hi")
        self.assertEqual(again.hears(), ["[22:13:20 1] caro: hi"])


class Whois(WithPeople):
    def test_it_says_what_may_be_known(self) -> None:
        self.bob.person.encrypted = False
        self.assertEqual(
            self.told(self.alice, "/whois BOB"),
            [
                "-- bob is a guest.",
                "--   said nothing for 1 second, not encrypted",
                "--   rooms in common: #lobby",
            ],
        )

    def test_away_and_accounts_and_encryption_are_shown(self) -> None:
        make_account(self.chat, "robert")
        self.bob.types("/away lunch")
        log_in(self.bob, "robert")
        self.bob.person.encrypted = True
        self.bob.person.active = NOW - 3 * 3600
        self.assertEqual(
            self.told(self.alice, "/whois bob"),
            [
                "-- bob is logged in as robert.",
                "--   away for 1 second: lunch",
                "--   said nothing for 3 hours, encrypted",
                "--   rooms in common: #lobby",
            ],
        )

    def test_rooms_that_one_is_not_in_and_addresses_are_for_admins(self) -> None:
        dave = self.chat.connect("192.0.2.7")
        dave.claims("dave")
        dave.types("/join #secret", "/join #both")
        self.alice.types("/join #both")
        answer = self.told(self.alice, "/whois dave")
        self.assertEqual(answer[-1], "--   rooms in common: #both #lobby")
        self.assertNotIn("192.0.2.7", " ".join(answer))
        make_account(self.chat, "root", "ADMIN")
        log_in(self.alice, "root")
        self.assertEqual(
            self.told(self.alice, "/whois dave")[-2:],
            ["--   rooms: #both #secret #lobby", "--   address: 192.0.2.7"],
        )
        self.assertEqual(
            self.told(self.bob, "/whois alice")[0], "-- alice is logged in as root, admin."
        )

    def test_roles_are_shown_of_the_room_one_looks_at(self) -> None:
        self.bob.types("/join #dev")
        self.assertEqual(self.told(self.alice, "/whois bob")[0], "-- bob is a guest.")
        self.alice.types("/join #dev")
        shown = self.told(self.alice, "/whois bob")[0]
        self.assertEqual(shown, "-- bob is a guest, founder in #dev.")
        self.bob.types("/leave #dev")
        self.assertEqual(self.told(self.alice, "/whois bob")[0], "-- bob is a guest.")

    def test_many_rooms_are_not_all_named(self) -> None:
        for n in range(30):
            self.alice.types(f"/join #{n}")
            self.bob.types(f"/join #{n}")
        self.assertTrue(self.told(self.alice, "/whois bob")[-1].endswith(" and 11 more"))


class Seen(WithPeople):
    def test_who_is_here_is_here(self) -> None:
        self.assertEqual(self.told(self.alice, "/seen BOB"), ["-- bob is here now."])
        self.bob.types("/away lunch")
        self.assertEqual(
            self.told(self.alice, "/seen bob"), ["-- bob is here now, but away: lunch."]
        )

    def test_an_account_is_here_under_another_nickname(self) -> None:
        make_account(self.chat, "robert")
        log_in(self.bob, "robert")
        self.assertEqual(self.told(self.alice, "/seen robert"), ["-- robert is here now as bob."])

    def test_who_was_here_was_seen_then(self) -> None:
        self.bob.types("/quit")
        expected = ["-- bob was last here 1 second ago (2023-11-14 22:13:20 UTC)."]
        self.assertEqual(self.told(self.alice, "/seen BOB"), expected)

    def test_accounts_say_when_their_owner_was_seen(self) -> None:
        account = {"name": "Zoe", "identity": "@zoe", "role": "USER", "seen": NOW - 86400}
        self.chat.hub.parts.records.change(ACCOUNT, "zoe", lambda _: account)
        expected = ["-- Zoe was last here 1 day ago (2023-11-13 22:13:20 UTC)."]
        self.assertEqual(self.told(self.alice, "/seen zoe"), expected)

    def test_else_the_room_knows_when_it_heard_somebody(self) -> None:
        self.bob.types("hi", "/quit")
        self.chat.hub.presence._gone.clear()  # as after a restart
        expected = ["-- bob last said something here 1 second ago (2023-11-14 22:13:20 UTC)."]
        self.assertEqual(self.told(self.alice, "/seen bob"), expected)
        self.alice.types("/join #other")
        self.assertIn("[no-such-nick]", self.told(self.alice, "/seen bob")[0])

    def test_not_everybody_is_remembered_for_ever(self) -> None:
        for n in range(MOST_GONE + 10):
            self.alice.person.nick = f"n{n}"
            self.chat.hub.presence.gone(self.alice.person)
        self.assertEqual(len(self.chat.hub.presence._gone), MOST_GONE)
        self.assertIsNone(self.chat.hub.presence.last("n9"))
        self.assertEqual(self.chat.hub.presence.last("N10"), ("n10", NOW))

    def test_of_those_who_wore_one_nickname_the_last_few_are_remembered(self) -> None:
        presence, person = self.chat.hub.presence, self.alice.person
        for n in range(MOST_EACH + 2):
            person.card = Card(f"u{n}", f"Name {n}")
            presence.gone(person)
        users = [one.card.user for one in presence.former("ALICE")]
        self.assertEqual(users, [f"u{n}" for n in range(MOST_EACH + 1, 1, -1)])
        self.assertEqual(presence._count, MOST_EACH)

    def test_how_long_is_said_in_words(self) -> None:
        for seconds, expected in {
            -5.0: "1 second",
            0.0: "1 second",
            59.9: "59 seconds",
            60.0: "1 minute",
            7199.0: "1 hour",
            7200.0: "2 hours",
            1e8: "1,157 days",
        }.items():
            self.assertEqual(in_words(seconds), expected)


class Mistakes(WithPeople):
    def test_each_of_these_is_refused_and_changes_nothing(self) -> None:
        for typed, code in {
            **dict.fromkeys(("/whois", "/seen", "/whois a b"), "bad-arguments"),
            **dict.fromkeys((f"/away {'x' * 201}", f"/seen {'x' * 129}"), "bad-arguments"),
            **dict.fromkeys(("/whois zoe", "/seen zoe", "/whois \ufffd"), "no-such-nick"),
        }.items():
            self.assertIn(f"[{code}]", self.told(self.alice, typed)[0], typed)
            self.assertIsNone(self.alice.person.away)
