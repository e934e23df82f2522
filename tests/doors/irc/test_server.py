"""What IRC clients ask of the server, what they are welcomed with, and what admins do."""

from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

import chatservice
from chatservice.accounts.accounts import ACCOUNT
from chatservice.commands import COMMANDS
from chatservice.doors.irc.commands import VERBS
from chatservice.doors.irc.commands.helping import USAGES
from chatservice.limits import UNLIMITED
from chatservice.options import MAX_MOTD, CannotStart, Options
from chatservice.people.person import Policy
from tests.doors.irc.chat import SERVER, Chat, Wire
from tests.doors.irc.test_people import bare


class WithServer(SynchronousTestCase):
    def setUp(self) -> None:
        self.chat = Chat(Policy(limits=UNLIMITED, plaintext_login=True))
        self.alice = self.chat.joined("alice")

    def make_admin(self, wire: Wire) -> None:
        person = wire.protocol.session.person
        value = {"name": person.nick, "identity": person.inbox, "role": "ADMIN"}
        self.chat.hub.parts.records.change(ACCOUNT, person.nick, lambda _: value)
        person.account = self.chat.hub.accounts.of(person.inbox)
        self.chat.turn()
        wire.lines()


class Asking(WithServer):
    """Questions, and their answers."""

    def test_the_welcome_comes_in_order(self) -> None:
        self.chat.factory.motd = ["Hello", "", "x" * 500]
        bob = self.chat.connect()
        lines = bob.asks("NICK bob", "USER bob 0 * :Bob")
        numbers = [line.split()[1] for line in lines]
        motd = ["375", *["372"] * 4, "376"]
        expected = ["001", "002", "003", "004", "005", "005"]
        self.assertEqual(numbers[:-3], [*expected, "251", "254", "255", "265", "266", *motd])
        self.assertIn(f" bob :Welcome to the chat, bob!~bob@{SERVER}", lines[0])
        self.assertRegex(lines[3], rf" bob {SERVER} chatservice-\S+ [A-Za-z]+ [A-Za-z]+ [A-Za-z]+$")

    def test_there_is_a_message_of_the_day_if_there_is_one(self) -> None:
        self.assertEqual(bare(self.alice.asks("MOTD"))[0][:4], "422 ")
        self.chat.factory.motd = ["Be kind.", "", "word " * 200]
        lines = bare(self.alice.asks("MOTD"))
        self.assertEqual(
            lines[:3], [f"375 :- {SERVER} Message of the day -", "372 :- Be kind.", "372 :- "]
        )
        self.assertEqual("".join(line[7:] for line in lines[3:-1]).count("word"), 200)
        self.assertEqual(lines[-1][:4], "376 ")

    def test_how_many_are_here(self) -> None:
        silent, bob = self.chat.connect(), self.chat.joined("bob")
        silent.send("NICK silent")
        self.make_admin(bob)
        self.chat.joined("carol").send("QUIT")
        self.alice.lines()
        self.assertEqual(
            bare(self.alice.asks("LUSERS")),
            [
                "251 :There are 0 users and 2 invisible on 1 servers",
                "252 1 :admins online",
                "253 1 :connections without a nickname",
                "254 1 :rooms formed",
                "255 :I have 2 clients and 0 servers",
                "265 2 3 :Current local users 2, max 3",
                "266 2 3 :Current global users 2, max 3",
            ],
        )

    def test_short_answers(self) -> None:
        version = chatservice.__version__
        for asked, expected in {
            "VERSION": f"351 chatservice-{version} {SERVER} :One chat",
            "TIME": f"391 {SERVER} :Tuesday November 14 2023 -- 22:13:20 +00:00",
            "STATS u": "242 :Server Up 0 days 0:00:00",
            "STATS k": "219 k :End of STATS report",
            "STATS": "219 * :End of STATS report",
            "INFO": f"371 :chatservice {version}",
            f"TIME {SERVER.upper()}": f"391 {SERVER} :Tuesday November 14 2023 -- 22:13:20 +00:00",
            "TIME *": f"391 {SERVER} :Tuesday November 14 2023 -- 22:13:20 +00:00",
            "TIME alice": f"391 {SERVER} :Tuesday November 14 2023 -- 22:13:20 +00:00",
        }.items():
            self.assertEqual(bare(self.alice.asks(asked))[0], expected)
        for asked, number in {"ADMIN": "423", "LINKS": "365", "TIME elsewhere.net": "402"}.items():
            (line,) = bare(self.alice.asks(asked))
            self.assertEqual(line[:4], f"{number} ")
        self.assertEqual(bare(self.alice.asks("VERSION"))[1][:4], "005 ")

    def test_how_long_it_is_up(self) -> None:
        self.chat.clock.advance(90_061)
        self.assertIn("242 :Server Up 1 days 1:01:01", bare(self.alice.asks("STATS u")))

    def test_who_has_nothing_to_say_before_it_is_in(self) -> None:
        nobody = self.chat.connect()
        for verb in ("WHO *", "WHOIS alice", "LUSERS", "MONITOR L", "KILL alice", "HELP", "INFO"):
            self.assertIn(" 451 * :", nobody.asks(verb)[0])


class Motd(SynchronousTestCase):
    """--motd FILE."""

    def read(self, data: bytes) -> list[str]:
        with TemporaryDirectory() as place:
            path = Path(place) / "motd"
            path.write_bytes(data)
            options = Options()
            options.parseOptions(["--motd", str(path)])
        return options.motd

    def test_lines_are_taken_clean(self) -> None:
        self.assertEqual(
            self.read(b"Be kind.\r\n\n\tYes\xff\x07\n"), ["Be kind.", "", "        Yes\ufffd\ufffd"]
        )
        self.assertEqual(self.read(b""), [])

    def test_what_cannot_be_is_refused(self) -> None:
        self.assertRaises(CannotStart, self.read, b"x" * (MAX_MOTD + 1))
        refusal = self.assertRaises(CannotStart, Options().parseOptions, ["--motd", "/no/such"])
        self.assertIn("cannot read /no/such: No such file", str(refusal))


class Help(WithServer):
    """HELP and HELPOP."""

    def test_every_verb_has_its_help_and_none_more(self) -> None:
        self.assertEqual({*VERBS} - {*USAGES}, set())
        index = {*" ".join(bare(self.alice.asks("HELP"))).replace(":", " ").split()}
        self.assertEqual({*VERBS} - index, set())
        self.assertEqual(({*USAGES} - {*VERBS}) & index, set())

    def test_every_subject_of_the_index_is_known(self) -> None:
        for name in [*VERBS, *(row.name for row in COMMANDS)]:
            lines = bare(self.alice.asks(f"HELPOP {name.lower()}"))
            self.assertEqual(lines[0][:3], "704", name)
            self.assertEqual(lines[-1], f"706 {name.lower()} :End of HELP")
            self.assertTrue(all(line.startswith("705 ") for line in lines[1:-1]))

    def test_what_is_not_known(self) -> None:
        for subject in ("nope", ":a b", "x" * 400):
            (line,) = bare(self.alice.asks(f"HELP {subject}"))
            self.assertEqual(line[:4], "524 ")


class Kill(WithServer):
    """KILL."""

    def test_admins_throw_people_out(self) -> None:
        bob, carol = self.chat.joined("bob"), self.chat.joined("carol")
        self.make_admin(self.alice)
        self.alice.asks("KILL bob :spam")
        self.assertRegex(bob.lines()[-1], r"^ERROR :Closing link: .*spam")
        self.assertTrue(bob.transport.disconnecting)
        self.assertIn(f":alice!~alice@{SERVER} KICK #lobby bob :spam", carol.lines())
        audit = "\n".join(self.alice.asks("AUDIT"))
        self.assertIn("kicked bob out of the chat: spam", audit)

    def test_nobody_else_does(self) -> None:
        bob = self.chat.joined("bob")
        self.alice.lines()
        for whom in ("bob", "alice", "zoe", SERVER):
            (line,) = bare(self.alice.asks(f"KILL {whom} :x"))
            self.assertEqual(line[:4], "481 ")
        self.make_admin(self.alice)
        self.make_admin(bob)
        for whom, number in {"bob": "481", "zoe": "401", SERVER.upper(): "483"}.items():
            (line,) = bare(self.alice.asks(f"KILL {whom}"))
            self.assertEqual(line[:4], f"{number} ")
        self.assertFalse(bob.transport.disconnecting)
