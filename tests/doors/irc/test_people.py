"""What is told of people by IRC: WHO, WHOIS, WHOWAS, AWAY, ISON, USERHOST, SETNAME."""

import re
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.accounts import ACCOUNT
from chatservice.doors.irc import pages
from chatservice.doors.irc.commands.who import FIELDS
from chatservice.doors.irc.message import parse
from chatservice.doors.irc.pages import PAGE, PAGES_A_MESSAGE
from chatservice.limits import UNLIMITED, Limits
from chatservice.names import fold
from chatservice.people.person import Policy
from chatservice.roles import Role
from tests import examples
from tests.doors.irc.chat import SERVER, Chat, Wire

FREE = Policy(limits=UNLIMITED, plaintext_login=True)
ADDRESS = "192.0.2.1"
"""From where all wires come; see chat.Wire."""


def bare(lines: list[str]) -> list[str]:
    """Return numerics without the server and the client's name."""
    return [re.sub(rf"^:{SERVER} (\d+) \S+ ?", r"\1 ", line) for line in lines]


class WithPeople(SynchronousTestCase):
    """alice and bob in #den, carol elsewhere, none of them in the lobby."""

    def setUp(self) -> None:
        self.chat = Chat(FREE, roomless=True)
        self.alice, self.bob, self.carol = map(self.chat.joined, ("alice", "bob", "carol"))
        self.alice.send("JOIN #den")
        self.bob.send("JOIN #den")
        self.carol.send("JOIN #secret", "PRIVMSG #secret :hi")
        self.hear()

    def hear(self) -> None:
        """Let everybody have heard all so far."""
        for wire in (self.alice, self.bob, self.carol):
            wire.lines()

    def log_in(self, wire: Wire, name: str, role: Role = Role.USER) -> None:
        """Give somebody an account."""
        person = wire.protocol.session.person
        value = {"name": name, "identity": person.inbox, "role": role.name}
        self.chat.hub.parts.records.change(ACCOUNT, fold(name), lambda _: value)
        person.account = self.chat.hub.accounts.of(person.inbox)
        self.chat.turn()
        self.hear()


class Who(WithPeople):
    """WHO and WHOX."""

    def test_a_room_is_told_with_who_may_do_what(self) -> None:
        self.bob.send("AWAY :lunch")
        lines = bare(self.alice.asks("WHO #DEN"))
        self.assertEqual(
            sorted(lines[:-1]),
            [
                f"352 #den ~alice {SERVER} {SERVER} alice H@ :0 Alice",
                f"352 #den ~bob {SERVER} {SERVER} bob G :0 Bob",
            ],
        )
        self.assertEqual(lines[-1], "315 #DEN :End of WHO list")

    def test_who_has_agreed_on_it_sees_all_signs(self) -> None:
        dan = self.chat.joined("dan", "multi-prefix")
        dan.asks("JOIN #own")
        self.assertIn(" dan H@+ :", dan.asks("WHO #own")[0])

    def test_a_nickname_finds_whoever_wears_it(self) -> None:
        lines = bare(self.alice.asks("WHO CAROL"))
        self.assertEqual(lines[0], f"352 * ~carol {SERVER} {SERVER} carol H :0 Carol")
        self.assertEqual(bare(self.alice.asks("WHO zoe")), ["315 zoe :End of WHO list"])

    def test_a_mask_finds_those_alone_with_whom_one_shares_a_room(self) -> None:
        for mask in ("b*", "*", "0", "b?b", "*!~bob@*", "~bo*@*", "*oB"):
            found = {line.split()[5] for line in bare(self.alice.asks(f"WHO {mask}"))[:-1]}
            self.assertEqual(found - {"alice"}, {"bob"}, mask)
        for mask in ("c*", "carol?", "*!*@nowhere"):
            self.assertEqual(len(self.alice.asks(f"WHO {mask}")), 1, mask)

    def test_admins_find_everybody_and_are_marked(self) -> None:
        self.log_in(self.alice, "alice", Role.ADMIN)
        found = [line.split()[5:7] for line in bare(self.alice.asks("WHO *"))[:-1]]
        self.assertEqual(sorted(found), [["alice", "H*"], ["bob", "H"], ["carol", "H"]])
        lines = bare(self.bob.asks("WHO #den o"))
        self.assertEqual([line.split()[5:7] for line in lines[:-1]], [["alice", "H*@"]])

    def test_a_secret_room_is_nothing_to_who_is_not_in_it(self) -> None:
        self.assertEqual(len(self.alice.asks("WHO #secret")), 2)
        secret = self.chat.hub.rooms.find("#secret")
        assert secret is not None
        modes = replace(secret.charter.modes, secret=True)
        secret.charter = replace(secret.charter, modes=modes)
        lines = bare(self.alice.asks("WHO #secret"))
        self.assertEqual(lines, ["315 #secret :End of WHO list"])
        self.assertEqual(len(self.carol.asks("WHO #secret")), 2)

    def test_all_fields_come_in_their_order_however_they_are_asked_for(self) -> None:
        expected = (
            f"354 42 #den ~bob 255.255.255.255 {SERVER} {SERVER} bob H 0 0 0 n/a :Bob"
        ).replace(":Bob", "Bob")
        for fields in (FIELDS, FIELDS[::-1], FIELDS * 2):
            lines = bare(self.alice.asks(f"WHO #den %{fields},42"))
            self.assertIn(expected, lines)

    def test_each_field_alone_is_told(self) -> None:
        self.log_in(self.bob, "robert")
        for field, told in {
            "t": "0",
            "c": "*",
            "u": "~bob",
            "i": "255.255.255.255",
            "h": SERVER,
            "s": SERVER,
            "n": "bob",
            "f": "H",
            "d": "0",
            "l": "0",
            "a": "robert",
            "o": "n/a",
            "r": "Bob",
        }.items():
            self.assertEqual(bare(self.alice.asks(f"WHO bob %{field}"))[0], f"354 {told}")

    def test_what_is_no_token_is_none(self) -> None:
        for token in ("1234", "x", "", "1,2"):
            self.assertEqual(bare(self.alice.asks(f"WHO bob %tn,{token}"))[0], "354 0 bob")
        self.assertTrue(self.alice.asks("WHO bob %")[0].startswith(f":{SERVER} 352 "))
        self.assertTrue(self.alice.asks("WHO bob %xyz")[0].startswith(f":{SERVER} 352 "))


class ManyPeople(SynchronousTestCase):
    """A room with many people."""

    def setUp(self) -> None:
        self.chat = Chat(Policy(limits=Limits(burst=1, rate=2), plaintext_login=True))
        self.alice = self.chat.joined("alice", "labeled-response", "batch")
        room = self.chat.hub.rooms.lobby
        for number in range(2 * PAGE):
            person = self.chat.connect().protocol.session.person
            person.nick = f"n{number}"
            self.chat.hub.parts.nicks.wear(person, person.nick)
            room.add(person.nick)

    def test_who_comes_in_pages_between_which_others_have_their_turn(self) -> None:
        turns: list[float] = []
        later = self.chat.clock.callLater

        def note(delay: float, call: Callable[..., object], *args: object) -> object:
            turns.append(delay)
            return later(delay, call, *args)

        self.patch(self.chat.clock, "callLater", note)
        self.alice.protocol.dataReceived(b"WHO #lobby\r\nPING x\r\n")
        self.chat.turn()
        lines = self.alice.lines()
        self.assertGreaterEqual(turns.count(0), 2)
        self.assertEqual(len(lines), 2 * PAGE + 3)
        self.assertEqual([line.split()[1] for line in lines[-2:]], ["315", "PONG"])
        self.assertEqual(len({line.split()[7] for line in lines[:-2]}), 2 * PAGE + 1)

    def test_what_is_very_long_counts_for_the_rate(self) -> None:
        told = pages.tell(self.alice.protocol, iter(["NOTICE x"] * (PAGES_A_MESSAGE + 2) * PAGE))
        self.chat.turn()
        assert told is not None
        self.assertTrue(told.called)
        self.assertEqual(len(self.alice.lines()), (PAGES_A_MESSAGE + 2) * PAGE)
        quota = self.alice.protocol.session.person.quota
        assert quota is not None
        self.assertEqual(quota.delay(), 0.5)  # the burst is one message, at two a second

    def test_with_a_label_it_is_one_batch(self) -> None:
        self.alice.protocol.dataReceived(b"@label=x WHO #lobby\r\n")
        for _ in range(20):
            self.chat.clock.advance(0.25)
        lines = self.alice.lines()
        self.assertTrue(lines[0].startswith("@label=x "), lines[0])
        self.assertEqual(len(lines), 2 * PAGE + 4)
        self.assertIn(" BATCH -", lines[-1])

    def test_who_is_gone_meanwhile_is_left_out_and_nothing_is_held(self) -> None:
        self.alice.protocol.dataReceived(b"WHO #lobby\r\n")
        self.chat.turn()
        for number in range(2 * PAGE):
            person = self.chat.hub.find(f"n{number}")
            self.chat.hub.rooms.lobby.remove(person.nick)
            self.chat.hub.parts.nicks.take_off(person)
            person.nick = ""
        for _ in range(8):
            self.chat.clock.advance(0.25)
        self.assertEqual(self.alice.lines()[-1].split()[1], "315")

    def test_who_goes_meanwhile_is_told_nothing_more(self) -> None:
        self.alice.protocol.dataReceived(b"WHO #lobby\r\n")
        self.chat.turn()
        self.alice.protocol.connectionLost()
        self.alice.transport.clear()
        for _ in range(8):
            self.chat.clock.advance(0.25)
        self.assertEqual(self.alice.transport.value(), b"")


class Whois(WithPeople):
    """WHOIS."""

    def test_a_guest_in_a_room_in_common(self) -> None:
        lines = bare(self.bob.asks("WHOIS Alice"))
        since = int(self.chat.hub.now())
        self.assertEqual(
            lines,
            [
                f"311 alice ~alice {SERVER} * Alice",
                "319 alice :@#den",
                f"312 alice {SERVER} :One chat, any client",
                f"317 alice 0 {since} :seconds idle, signon time",
                "318 Alice :End of WHOIS list",
            ],
        )

    def test_of_others_rooms_nothing_is_told_but_to_admins_and_themselves(self) -> None:
        def rooms(wire: Wire) -> list[str]:
            return [line for line in bare(wire.asks("WHOIS carol")) if line.startswith("319")]

        self.assertEqual(rooms(self.alice), [])
        self.assertEqual(rooms(self.carol), ["319 carol :@#secret"])
        self.log_in(self.alice, "alice", Role.ADMIN)
        self.assertEqual(rooms(self.alice), ["319 carol :@#secret"])

    def test_who_is_away_an_admin_logged_in_and_encrypted(self) -> None:
        self.log_in(self.bob, "robert", Role.ADMIN)
        self.bob.protocol.session.person.encrypted = True
        self.bob.send("AWAY :out: to lunch")
        lines = bare(self.alice.asks("WHOIS bob"))
        for expected in (
            "301 bob :out: to lunch",
            "313 bob :is an admin",
            "330 bob robert :is logged in as",
            "671 bob :is using a secure connection",
        ):
            self.assertIn(expected, lines)

    def test_the_fingerprint_is_for_oneself_and_admins(self) -> None:
        person = self.bob.protocol.session.person
        person.certificate = "ab" * 32
        expected = f"276 bob :has client certificate fingerprint {'ab' * 32}"
        self.assertIn(expected, bare(self.bob.asks("WHOIS bob")))
        self.assertNotIn(expected, bare(self.alice.asks("WHOIS bob")))

    def test_the_address_is_for_admins_alone(self) -> None:
        self.log_in(self.alice, "alice", Role.ADMIN)
        told = "\n".join(self.alice.asks("WHOIS bob"))
        self.assertIn(f"378 alice bob :is connecting from {ADDRESS}", told)

    def test_nobody_and_a_server_first_and_several(self) -> None:
        for asked in ("WHOIS zoe", f"WHOIS {SERVER} zoe"):
            lines = [line.split(" :")[0] for line in bare(self.alice.asks(asked))]
            self.assertEqual(lines, ["401 zoe", "318 zoe"])
        lines = bare(self.alice.asks("WHOIS bob,carol,BOB,zoe,x,y"))
        self.assertEqual(
            [line[:9] for line in lines if line[:3] == "311"],
            ["311 bob ~", "311 carol", "311 bob ~"],
        )
        self.assertTrue(lines[-1].startswith("318 bob,carol,BOB,zoe,x,y :"))
        self.assertTrue(bare(self.alice.asks("WHOIS"))[0].startswith("431 "))

    def test_a_bot_is_one(self) -> None:
        value = {"name": "buildbot", "identity": "@bot", "role": "USER", "maker": "@nobody"}
        self.chat.hub.parts.records.change(ACCOUNT, "buildbot", lambda _: value)
        lines = bare(self.alice.asks("WHOIS buildbot"))
        self.assertEqual(lines[1], "335 buildbot :is a bot, a program")

    def test_who_has_lost_the_connection_may_come_back(self) -> None:
        self.bob.send("RESUME")
        self.bob.protocol.connectionLost()
        self.chat.turn()
        told = bare(self.alice.asks("WHOIS bob"))
        self.assertIn("320 bob :has lost the connection and may come back", told)
        self.assertIn(" bob H ", self.alice.asks("WHO bob")[0])


class Whowas(WithPeople):
    """WHOWAS."""

    def test_the_last_one_comes_first(self) -> None:
        self.bob.send("QUIT :bye")
        second = self.chat.connect()
        second.send("NICK Bob", "USER two 0 * :Robert", "NICK robert")
        when = "Tue, 14 Nov 2023 22:13:20 UTC"
        both = [
            f"314 Bob ~two {SERVER} * Robert",
            f"312 Bob {SERVER} :{when}",
            f"314 bob ~bob {SERVER} * Bob",
            f"312 bob {SERVER} :{when}",
        ]
        self.hear()
        for count in ("", " 1", " -1", " 0", " x"):
            expected = both[:2] if count == " 1" else both
            lines = bare(self.alice.asks(f"WHOWAS bob{count}"))
            self.assertEqual(lines, [*expected, "369 bob :End of WHOWAS"])

    def test_nobody(self) -> None:
        lines = [line.split(" :")[0] for line in bare(self.alice.asks("WHOWAS zoe"))]
        self.assertEqual(lines, ["406 zoe", "369 zoe"])


class Away(WithPeople):
    """AWAY, and what is told of it."""

    def test_one_is_told_and_who_writes(self) -> None:
        self.assertTrue(bare(self.bob.asks("AWAY :lunch"))[0].startswith("306 "))
        self.assertEqual(bare(self.alice.asks("PRIVMSG bob :hi")), ["301 bob lunch"])
        self.hear()
        self.assertTrue(bare(self.bob.asks("AWAY"))[0].startswith("305 "))
        self.assertTrue(bare(self.bob.asks("AWAY :"))[0].startswith("305 "))
        self.assertEqual(self.alice.asks("PRIVMSG bob :hi"), [])

    def test_who_says_something_is_back(self) -> None:
        self.bob.send("AWAY :lunch")
        self.bob.lines()
        self.assertTrue(bare(self.bob.asks("PRIVMSG #den :hi"))[0].startswith("305 "))

    def test_rooms_hear_of_it_if_they_want_to(self) -> None:
        dan = self.chat.joined("dan", "away-notify")
        dan.asks("JOIN #den")
        self.hear()
        self.assertEqual(len(self.bob.asks("AWAY :lunch")), 1)
        self.assertEqual(dan.lines(), [f":bob!~bob@{SERVER} AWAY lunch"])
        self.bob.send("AWAY")
        self.assertEqual(dan.lines(), [f":bob!~bob@{SERVER} AWAY"])
        self.assertEqual(self.alice.lines(), [])

    def test_who_comes_in_away_is_seen_to_be(self) -> None:
        dan = self.chat.joined("dan", "away-notify")
        dan.asks("JOIN #den")
        erin = self.chat.joined("erin", "away-notify")
        erin.send("AWAY :tea")
        erin.lines()
        self.assertNotIn("AWAY", "".join(erin.asks("JOIN #den")))
        self.assertEqual(dan.lines()[1:], [f":erin!~erin@{SERVER} AWAY :tea"])

    def test_but_not_why_if_it_is_not_heard_there(self) -> None:
        self.log_in(self.carol, "carol", Role.ADMIN)
        dan = self.chat.joined("dan", "away-notify")
        dan.asks("JOIN #den")
        erin = self.chat.joined("erin")
        self.carol.send("JOIN #lobby", "SHADOW erin")
        erin.send("AWAY :buy gold", "JOIN #den")
        self.assertEqual(dan.lines()[1:], [f":erin!~erin@{SERVER} AWAY :away"])
        erin.send("AWAY", "AWAY :buy gold")
        self.assertEqual(dan.lines()[-1], f":erin!~erin@{SERVER} AWAY away")
        self.assertIn("301 erin away", bare(dan.asks("WHOIS erin")))
        self.assertIn("301 erin :buy gold", bare(erin.asks("WHOIS erin")))

    def test_who_may_not_speak_takes_no_other_name_in_no_room_either(self) -> None:
        self.log_in(self.carol, "carol", Role.ADMIN)
        erin = self.chat.joined("erin")
        erin.send("PART #lobby")
        self.carol.send("JOIN #lobby", "MUTE erin 1h")
        erin.lines()
        (line,) = erin.asks("NICK :buygold")
        self.assertIn("muted", line)
        (line,) = erin.asks("SETNAME :buy gold")
        self.assertIn(" CANNOT_CHANGE_REALNAME ", line)

    def test_nor_says_anything_as_its_real_name_on_coming_back(self) -> None:
        self.log_in(self.carol, "carol", Role.ADMIN)
        self.carol.send("JOIN #lobby", "MUTE erin 1h")
        dan = self.chat.joined("dan", "extended-join")
        dan.asks("JOIN #den")
        erin = self.chat.connect()
        erin.send("NICK erin", "USER erin 0 * :buy gold", "JOIN #den")
        self.assertEqual(dan.lines()[-1], f":erin!~erin@{SERVER} JOIN #den * :erin")
        self.assertNotIn("gold", "".join(self.bob.asks("WHO #den", "WHOIS erin")))

    def test_who_comes_back_away_is_told_so(self) -> None:
        told = self.bob.asks("AWAY :lunch", "RESUME")
        token = re.search(r"PASS (\S+)", told[-1])
        assert token is not None
        self.bob.protocol.connectionLost()
        again = self.chat.connect()
        lines = bare(again.asks(f"PASS {token[1]}", "NICK bob", "USER bob 0 * :Bob"))
        self.assertIn("306 :You are away: lunch", lines)
        self.assertEqual(bare(self.alice.asks("PRIVMSG bob :hi")), ["301 bob lunch"])

    def test_a_long_reason_is_cut(self) -> None:
        self.bob.send(f"AWAY :{'x' * 300}")
        self.assertEqual(bare(self.alice.asks("PRIVMSG bob :hi")), [f"301 bob {'x' * 200}"])


class Around(WithPeople):
    """ISON and USERHOST."""

    def test_ison_says_who_is_here_by_the_names_they_wear(self) -> None:
        self.assertEqual(
            bare(self.alice.asks("ISON BOB zoe :Carol alice")), ["303 :bob carol alice"]
        )
        self.assertEqual(bare(self.alice.asks("ISON zoe")), ["303 :"])

    def test_userhost_says_who_is_away(self) -> None:
        self.bob.send("AWAY :x")
        self.log_in(self.carol, "carol", Role.ADMIN)
        told = f"302 :alice=+~alice@{SERVER} bob=-~bob@{SERVER} carol*=+~carol@{SERVER}"
        self.assertEqual(bare(self.alice.asks("USERHOST alice bob carol zoe x bob")), [told])
        self.assertEqual(bare(self.alice.asks("USERHOST zoe")), ["302 :"])


class Setname(WithPeople):
    """SETNAME."""

    def test_those_in_common_rooms_and_oneself_hear_of_it(self) -> None:
        dan, erin = (self.chat.joined(nick, "setname") for nick in ("dan", "erin"))
        for wire in (dan, erin):
            wire.send("JOIN #den", "JOIN #more")
        for wire in (dan, erin):
            wire.lines()
        expected = [f":dan!~dan@{SERVER} SETNAME :Daniel D."]
        self.assertEqual(dan.asks("SETNAME :Daniel D."), expected)
        self.assertEqual(erin.lines(), expected)
        self.hear()
        self.assertIn(" * :Daniel D.", self.bob.asks("WHOIS dan")[0])

    def test_in_no_room_it_is_told_all_the_same(self) -> None:
        dan = self.chat.joined("dan", "setname")
        self.assertEqual(dan.asks("SETNAME D"), [f":dan!~dan@{SERVER} SETNAME D"])
        self.assertEqual(self.chat.joined("erin").asks("SETNAME E"), [])

    def test_what_is_no_name_is_refused(self) -> None:
        for name in (" ", "x" * 129, "\x02"):
            (line,) = self.alice.asks(f"SETNAME :{name}")
            self.assertTrue(line.startswith(f":{SERVER} FAIL SETNAME INVALID_REALNAME :"), line)

    def test_who_is_muted_may_not(self) -> None:
        self.log_in(self.carol, "carol", Role.ADMIN)
        self.carol.send("JOIN #lobby", "MUTE bob")
        self.bob.lines()
        (line,) = self.bob.asks("SETNAME :buy gold")
        self.assertIn(" FAIL SETNAME CANNOT_CHANGE_REALNAME :", line)


class Privacy(SynchronousTestCase):
    """Nobody's address, and nothing that could not be parsed."""

    def test_no_answer_shows_an_address(self) -> None:
        chat = Chat(FREE)
        alice = chat.joined("alice", "userhost-in-names", "extended-monitor", "away-notify")
        bob = chat.joined("bob")
        bob.send("AWAY :x", "NICK bobby", "NICK bob")
        told = alice.asks(
            *("WHO *", "WHO #lobby", "WHO bob %tcuihsnfdlaor,1", "WHOIS bob", "WHOIS alice"),
            *("WHOWAS bobby", "USERHOST bob alice", "ISON bob", "NAMES #lobby", "MONITOR + bob,b"),
            *("MONITOR S", "LUSERS", "STATS u", "STATS l", "STATS k", "INFO", "LINKS", "ADMIN"),
        )
        self.assertGreater(len(told), 40)
        self.assertNotIn(ADDRESS, "\n".join(told))
        self.assertIn(f"bob!~bob@{SERVER}", "\n".join(told))

    @settings(max_examples=examples(60), deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(
                    (
                        *("WHO", "WHOIS", "WHOWAS", "ISON", "USERHOST", "AWAY", "SETNAME", "HELP"),
                        *("MONITOR", "MONITOR +", "MONITOR -", "STATS", "MOTD", "TIME", "KILL"),
                        *("VERSION", "LUSERS", "ADMIN", "INFO", "LINKS"),
                    )
                ),
                st.text(max_size=60)
                | st.sampled_from(("alice", "#lobby", "*", "a*,b?", ":", " :")),
                st.text(max_size=200) | st.sampled_from(("%tn,1", "o%", "1", "-1", "x" * 400)),
            ),
            max_size=6,
        )
    )
    def test_whatever_is_asked_only_messages_come(self, asked: list[tuple[str, str, str]]) -> None:
        chat = Chat(FREE)
        alice = chat.joined("alice")
        for verb, first, second in asked:
            line = f"{verb} {first} {second}".encode(errors="replace")[:510]
            alice.send(line.replace(b"\r", b"").replace(b"\n", b""))
        alice.send("PING end")
        lines = alice.lines()
        self.assertNotIn("internal", "\n".join(lines))
        for told in lines:
            self.assertLessEqual(len(told.encode()), 510)
            self.assertTrue(parse(told.encode()).command)
        self.assertTrue(lines[-1].endswith(" end"), lines[-1:])
