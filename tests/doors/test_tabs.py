"""Tabs of a browser: who comes back after a reload, a lost connection, and to what."""

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.accounts import ACCOUNT
from chatservice.doors.tabs import new_cookie, read_cookie, token_of
from chatservice.errors import ChatError, Code
from chatservice.names import fold
from chatservice.resume import Offer, Place, is_token
from chatservice.roles import Role
from tests.doors.test_json import brief
from tests.doors.web import COOKIE, Chat, last
from tests.fakes import WORD, register


class Tabs(SynchronousTestCase):
    """Who may come back, as whom."""

    def test_a_cookie_is_read_or_it_is_none(self) -> None:
        """Only our own form counts, and never one of two."""
        one, other = new_cookie(), new_cookie()
        for header, value in {
            f"chat={one}": one,
            f"a=b; chat={one}; c=d": one,
            f"chat={one}; chat={other}": "",
            f"chat={one}; chat={one}": "",
            f"chat={one},chat={other}": "",
            "chat=": "",
            "chat": "",
            "": "",
            f"chat={one[:-1]}": "",
            f"chat={one}x": "",
            f'chat="{one}"': "",
            f"Chat={one}": "",
            f"chat2={one}": "",
            "chat=" + "\xe9" * 43: "",
        }.items():
            self.assertEqual(read_cookie(header), value, header)

    def test_a_token_is_the_tabs_and_the_browsers(self) -> None:
        """Another for each of both, and one that is taken for a token."""
        tokens = {token_of(c, t) for c in (new_cookie(), new_cookie()) for t in ("a", "b", "a ")}
        self.assertEqual(len(tokens), 6)
        self.assertTrue(all(map(is_token, tokens)))
        self.assertEqual(token_of(COOKIE, "a"), token_of(COOKIE, "a"))

    def test_a_tab_comes_back_and_misses_nothing(self) -> None:
        """Nobody else notices; it is given what it has not read."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        bob.ask("say", room="#lobby", text="one")
        chat.turn()
        alice.hang_up()
        bob.ask("say", room="#lobby", text="two")
        chat.turn()
        bob.lines()
        again = chat.back("alice", "t", read={"#lobby": 1})
        self.assertEqual(
            [one for one in brief(again.objects(), "type", "id", "seq") if one[0] != "notice"],
            [("hello", None, None), ("welcome", 1, None), ("said", 1, 2), ("done", 1, None)],
        )
        self.assertEqual(bob.lines(), [])

    def test_without_numbers_what_the_server_knows_counts(self) -> None:
        """That is what it handed out."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        bob.ask("say", room="#lobby", text="one")
        chat.turn()
        alice.hang_up()
        bob.ask("say", room="#lobby", text="two")
        chat.turn()
        again = chat.connect()
        again.ask("return", 1, nick="alice", tab="t")
        chat.turn()
        said = [shown["text"] for shown in again.objects() if shown["type"] == "said"]
        self.assertEqual(said, ["two"])

    def test_a_page_that_went_away_is_lost_not_gone(self) -> None:
        """A browser that reloads closes with 1001: its nickname waits."""
        for code in (1000, 1001):
            chat = Chat()
            alice, bob = chat.join("alice", "t"), chat.join("bob")
            alice.close(code)
            self.assertTrue(alice.transport.disconnecting)
            self.assertEqual(alice.end(), code)  # which the page is told in Firefox
            alice.hang_up()
            chat.turn()
            self.assertEqual(bob.lines(), [])
            chat.back("alice", "t")
            chat.clock.advance(chat.hub.policy.absence + 1)
            self.assertEqual(bob.lines(), [])

    def test_after_the_absence_it_joins_again(self) -> None:
        """In its rooms, and with what it missed."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        alice.ask("join", room="#dev")
        chat.turn()
        alice.hang_up()
        chat.clock.advance(chat.hub.policy.absence)
        chat.turn()
        bob.ask("say", room="#lobby", text="one")
        chat.turn()
        self.assertEqual(brief(bob.objects(), "type"), [("left",), ("said",), ("done",)])
        again = chat.back("alice", "t")
        kinds = [shown["type"] for shown in again.objects()]
        self.assertEqual(kinds[0], "hello")
        self.assertIn("welcome", kinds)
        self.assertIn("switched", kinds)
        self.assertIn("said", kinds)
        self.assertEqual(brief(bob.objects(), "type", "nick"), [("joined", "alice")])

    def test_a_duplicated_tab_takes_over(self) -> None:
        """The other is told so, and closed with a code of its own."""
        chat = Chat()
        alice = chat.join("alice", "t")
        again = chat.back("alice", "t")
        self.assertEqual(last(again)[0], "done")
        self.assertEqual(last(alice)[0], "notice")
        self.assertEqual(alice.end(), 4001)
        again.ask("say", 2, room="#lobby", text="here")
        chat.turn()
        self.assertEqual(last(again)[0], "done")
        self.assertEqual(len(chat.hub.people()), 1)

    def test_private_lines_are_not_missed_either(self) -> None:
        """Also by who had none before, and does not say how far it has read."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        alice.hang_up()
        bob.ask("msg", nick="alice", text="psst")
        chat.turn()
        again = chat.back("alice", "t")
        told = [one for one in brief(again.objects(), "type", "text") if one[0] == "private"]
        self.assertEqual(told, [("private", "psst")])

    def test_who_may_not_come_back(self) -> None:
        """Is refused, all in the same way, and may offer a nickname."""
        chat = Chat()
        alice = chat.join("alice", "t")
        plain = chat.join("plain")
        for person in (alice, plain):
            person.hang_up()
        for nick, tab, cookie in (
            ("alice", "u", COOKIE),
            ("alice", "t", "d" * 43),
            ("alice", "t", ""),
            ("bob", "t", COOKIE),
            ("plain", "t", COOKIE),
            ("nobody", "t", COOKIE),
        ):
            person = chat.back(nick, tab, cookie)
            got = brief(person.objects(), "type", "code", "id")
            self.assertEqual(got[1:], [("error", "bad-token", 1)], (nick, tab, cookie))
            self.assertTrue(person.connected)
            person.ask("nick", 2, nick="new")
            chat.turn()
            self.assertEqual(last(person)[0], "done")
            person.hang_up()
            chat.turn()

    def test_guessing_has_an_end(self) -> None:
        """As nicknames that are refused have."""
        chat = Chat()
        eve = chat.connect("")
        for n in range(10):
            eve.ask("return", n, nick="alice", tab="t")
            chat.turn()
        self.assertEqual(last(eve), ("error", "nick-tries"))
        self.assertEqual(eve.end(), 1008)

    def test_without_a_cookie_there_is_no_token(self) -> None:
        """A program can join all the same, and come back by /resume."""
        chat = Chat()
        bot = chat.join("bot", "t", cookie="")
        self.assertEqual(bot.web.session.person.place.token, "")
        bot.ask("resume", 1)
        chat.turn()
        told = bot.objects()[0]
        bot.hang_up()
        again = chat.connect("")
        again.ask("nick", 1, nick=f"{told['nick']} {told['text']}")
        chat.turn()
        self.assertEqual(brief(again.objects(), "type")[1:], [("welcome",), ("done",)])

    def test_who_logs_in_elsewhere_takes_over_for_good(self) -> None:
        """The tab's token is good no more; the other's is."""
        chat = Chat()
        register(chat.hub, "alice")
        alice = chat.join(f"alice {WORD}", "t")
        phone = chat.join(f"alice {WORD}", "p", cookie="p" * 43)
        self.assertEqual(last(alice), ("error", "kicked"))
        self.assertEqual(alice.end(), 4001)
        self.assertEqual(last(chat.back("alice", "t")), ("error", "bad-token"))
        phone.hang_up()
        self.assertEqual(last(chat.back("alice", "p", "p" * 43))[0], "done")

    def test_a_new_password_ends_all_that_the_old_one_began(self) -> None:
        """Other connections, those that are lost just now, and tokens of those that have left."""
        chat = Chat()
        register(chat.hub, "alice")
        alice = chat.join(f"alice {WORD}", "t")
        others = [chat.join(f"other{n}", "t", str(n) * 43) for n in range(3)]
        bob = chat.join("bob", "t", "b" * 43)
        for other in others:
            other.ask("line", line=f"/login alice {WORD}")
            chat.turn()
        others[1].hang_up()
        others[2].ask("quit")
        chat.turn()
        self.assertEqual(others[2].end(), 1000)
        alice.lines()
        alice.ask("line", 1, line=f"/password {WORD} -> {WORD} staple")
        chat.turn()
        self.assertEqual(last(others[0]), ("error", "kicked"))
        self.assertEqual(others[0].end(), 1008)
        self.assertIn("were ended", "".join(alice.lines()))
        for n in range(3):
            got = last(chat.back(f"other{n}", "t", str(n) * 43))
            self.assertEqual(got, ("error", "bad-token"), n)
        for person, cookie in ((alice, COOKIE), (bob, "b" * 43)):
            nick = person.web.session.nick
            person.hang_up()
            self.assertEqual(last(chat.back(nick, "t", cookie))[0], "done")

    def test_what_happened_meanwhile_counts_for_who_comes_back(self) -> None:
        """A new nickname, a ban, an account that is no more, a chat that is about to close."""
        chat = Chat()
        register(chat.hub, "zoe")
        chat.hub.parts.records.change(
            ACCOUNT, fold("zoe"), lambda value: {**(value or {}), "role": Role.ADMIN.name}
        )
        zoe = chat.join(f"zoe {WORD}", "t", "r" * 43)
        alice = chat.join("alice", "t")
        alice.ask("line", line="/nick alicia")
        chat.turn()
        alice.hang_up()
        self.assertEqual(last(chat.back("alice", "t")), ("error", "bad-token"))
        alice = chat.back("alicia", "t")
        self.assertEqual(last(alice)[0], "done")
        zoe.ask("line", 1, line="/ban alicia 1d")
        chat.turn()
        self.assertEqual((last(alice)[0], alice.end()), ("error", 1008))
        self.assertEqual(last(chat.back("alicia", "t")), ("error", "banned"))
        self.assertEqual(len(chat.hub.people()), 1)

        register(chat.hub, "carol")
        carol = chat.join(f"carol {WORD}", "t", "c" * 43)
        carol.hang_up()
        account = chat.hub.accounts.find("carol")
        assert account is not None
        chat.hub.accounts.remove(account)
        chat.turn()
        back = chat.back("carol", "t", "c" * 43)
        self.assertEqual(last(back), ("error", "bad-token"))

        dave = chat.join("dave", "t", "d" * 43)
        dave.hang_up()
        chat.hub._draining.begin(60)
        self.assertEqual(last(chat.back("dave", "t", "d" * 43)), ("error", "closing"))

    def test_returns_at_once_end_with_one(self) -> None:
        """Of many that are as fast, the last is in; the others are told so, and nobody leaves."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        finding: list[Deferred[None]] = []
        recognise = chat.hub.parts.returns.recognise

        def later(offer: Offer) -> Deferred[Place]:
            finding.append(Deferred())
            return finding[-1].addCallback(lambda _: recognise(offer))

        self.patch(chat.hub.parts.returns, "recognise", later)
        many = [chat.connect() for _ in range(5)]
        for one in many:
            one.ask("return", 1, nick="alice", tab="t")
        chat.turn()
        for found in reversed(finding):
            found.callback(None)
        chat.turn()
        alice.hang_up()
        chat.turn()
        ends = [one.end() for one in many]
        self.assertEqual(ends.count(None), 1)
        self.assertEqual(ends.count(4001), 4)
        self.assertEqual(bob.lines(), [])
        self.assertEqual(len(chat.hub.people()), 2)

    def test_who_quit_may_still_come_back(self) -> None:
        """If the nickname is free, to the place that was left; or anew, with a tab of its own."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob")
        alice.ask("quit")
        chat.turn()
        self.assertEqual(alice.end(), 1000)
        bob.ask("say", room="#lobby", text="one")
        chat.turn()
        fresh = chat.join("alice", "u")
        self.assertEqual(last(chat.back("alice", "t")), ("error", "nick-taken"))
        fresh.ask("quit")
        chat.turn()
        self.assertEqual(fresh.end(), 1000)
        back = chat.back("alice", "t")
        self.assertIn(("said",), brief(back.objects(), "type"))

    def test_a_tab_that_is_used_anew_is_whoever_it_is_now(self) -> None:
        """Whoever it was before cannot be come back to; nobody else's token changes."""
        chat = Chat()
        alice, bob = chat.join("alice", "t"), chat.join("bob", "t")
        alice.hang_up()
        self.assertEqual(last(chat.back("alice", "t")), ("error", "bad-token"))
        bob.hang_up()
        self.assertEqual(last(chat.back("bob", "t"))[0], "done")

    def test_a_token_that_was_given_is_replaced_by_the_tabs(self) -> None:
        """Who comes back with what /resume told, comes back later as a tab, and only so."""
        chat = Chat()
        bot = chat.join("bot", cookie="")
        bot.ask("resume", 1)
        chat.turn()
        offer = f"bot {bot.objects()[0]['text']}"
        bot.hang_up()
        tab = chat.join(offer, "t")
        tab.hang_up()
        self.assertEqual(last(chat.back("bot", "t"))[0], "done")
        other = chat.connect()
        other.ask("nick", 1, nick=offer)
        chat.turn()
        self.assertEqual(last(other), ("error", "bad-token"))

    def test_no_script_is_told_the_token(self) -> None:
        """Neither when it asks, nor when it logs in, or its account is removed."""
        chat = Chat()
        register(chat.hub, "alice")
        guest, back = chat.join("guest", "t"), chat.join("back", "u")
        back.hang_up()
        back = chat.back("back", "u")
        for person in (guest, back):
            token = person.web.session.person.place.token
            self.assertTrue(is_token(token))
            got = ""
            for request in (
                *({"do": "resume"}, {"do": "line", "line": "/resume"}),
                *({"do": "login", "account": "alice", "password": WORD}, {"do": "resume"}),
                {"do": "line", "line": f"/login alice {WORD}"},
            ):
                person.ask(str(request.pop("do")), 1, **request)
                chat.turn()
                got += "\n".join(person.lines())
            self.assertNotIn(token, got)
            self.assertNotIn('"resume"', got)
            self.assertIn("not-allowed", got)
            self.assertEqual(person.web.session.person.place.token, token)
            self.assertIsNotNone(person.web.session.person.account)
        account = chat.hub.accounts.find("alice")
        assert account is not None
        chat.hub.accounts.remove(account)
        chat.turn()
        for person in (guest, back):
            got = "\n".join(person.lines())
            self.assertIn("was removed", got)
            self.assertNotIn("~", got)

    def test_two_at_once_with_one_tab_have_it_one_after_the_other(self) -> None:
        """The later one is who comes back; the other is nobody's place."""
        chat = Chat()
        saving: list[Deferred[None]] = []
        save = chat.hub.parts.returns._save

        def later(*args: Any) -> Deferred[None]:
            saving.append(Deferred())
            return saving[-1].addCallback(lambda _: save(*args))

        self.patch(chat.hub.parts.returns, "_save", later)
        alice, bob = chat.connect(), chat.connect()
        alice.ask("nick", 1, nick="alice", tab="t")
        bob.ask("nick", 1, nick="bob", tab="t")
        chat.turn()
        for one in saving:
            one.callback(None)
        chat.turn()
        self.assertEqual((last(alice)[0], last(bob)[0]), ("done", "done"))
        self.patch(chat.hub.parts.returns, "_save", save)
        bob.hang_up()
        alice.hang_up()
        self.assertEqual(last(chat.back("alice", "t")), ("error", "bad-token"))
        self.assertEqual(last(chat.back("bob", "t"))[0], "done")

    def test_who_cannot_be_remembered_is_in_all_the_same(self) -> None:
        """The page only cannot come back."""
        chat = Chat()

        full = ChatError(Code.NOT_STORED, "The disk is full.")
        self.patch(chat.hub.parts.returns, "_save", lambda *_: fail(full))
        alice = chat.connect()
        alice.ask("nick", 1, nick="alice", tab="t")
        chat.turn()
        self.assertEqual(last(alice)[0], "done")
