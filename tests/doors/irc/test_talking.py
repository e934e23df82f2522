"""PRIVMSG, NOTICE and TAGMSG: to rooms, to people, to several, to oneself, and what is refused."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.commands.talking import SERVICES
from chatservice.doors.line import ChatFactory
from chatservice.limits import Limits
from chatservice.names import RESERVED_WORDS
from chatservice.people.person import Policy
from tests.doors.irc.chat import SERVER, Chat, Wire
from tests.doors.test_line import LinePerson

ALICE = f":alice!~alice@{SERVER}"


def said_by(who: str, *lines: str) -> list[str]:
    """Return lines as messages by somebody."""
    return [f":{who}!~{who}@{SERVER} {line}" for line in lines]


class Talking(SynchronousTestCase):
    """A chat with alice and bob, both by IRC, and carol, who types into nc."""

    capabilities: tuple[str, ...] = ()

    def setUp(self) -> None:
        """Bring them in."""
        self.chat = Chat(Policy(plaintext_login=True, limits=Limits(burst=100)))
        self.alice = self.chat.joined("alice", *self.capabilities)
        self.bob = self.chat.joined("bob")
        self.carol = LinePerson(ChatFactory(self.chat.hub))
        self.carol.type("carol")
        self.chat.turn()
        for one in (self.alice, self.bob, self.carol):
            one.lines()

    def types(self, line: str) -> None:
        """Let carol type something."""
        self.carol.type(line)
        self.chat.turn()
        self.carol.lines()

    def refused(self, wire: Wire, line: str, *numerics: str) -> list[str]:
        """Check that something is refused, with these numerics and their words; return those."""
        lines = wire.asks(line)
        found = [line.removeprefix(f":{SERVER} ").partition(" :") for line in lines]
        self.assertEqual([head for head, _, _ in found], [*numerics])
        return [text for _, _, text in found]


class ToARoom(Talking):
    """What everybody in it hears."""

    def test_each_form_of_it(self) -> None:
        """Others hear it by IRC and by nc, without formatting; who said it does not."""
        for line, heard, read in (
            ("PRIVMSG #lobby :hi all", "PRIVMSG #lobby :hi all", "alice: hi all"),
            ("privmsg #LOBBY hi", "PRIVMSG #lobby :hi", "alice: hi"),
            ("PRIVMSG #lobby :/quit", "PRIVMSG #lobby :/quit", "alice: /quit"),
            ("PRIVMSG #lobby :#dev hi", "PRIVMSG #lobby :#dev hi", "alice: #dev hi"),
            (
                "PRIVMSG #lobby :\x01ACTION waves\x01",
                "PRIVMSG #lobby :\x01ACTION waves\x01",
                "* alice waves",
            ),
            ("NOTICE #lobby :beep", "NOTICE #lobby :beep", "alice: beep"),
            (
                "PRIVMSG #lobby :\x02bold\x0304 red\x0f",
                "PRIVMSG #lobby :bold red",
                "alice: bold red",
            ),
            ("PRIVMSG #lobby :be\x07ll", "PRIVMSG #lobby :be\ufffdll", "alice: be\ufffdll"),
        ):
            self.assertEqual(self.alice.asks(line), [], line)
            self.assertEqual(self.bob.lines(), said_by("alice", heard))
            self.assertEqual(self.carol.lines(), [read])

    def test_what_others_say(self) -> None:
        """A long line comes in several, an action as one, a private one to the nickname."""
        self.types("x" * 1000)
        lines = self.bob.lines()
        self.assertEqual([len(line) for line in lines[:-1]], [510, 510])
        self.assertEqual(sum(line.count("x") for line in lines), 1000)
        self.types("/me waves")
        self.types("/msg bob /me winks")
        self.types("/msg bob psst")
        self.assertEqual(
            [line.partition(" ")[2] for line in self.bob.lines()],
            [
                "PRIVMSG #lobby :\x01ACTION waves\x01",
                "PRIVMSG bob :\x01ACTION winks\x01",
                "PRIVMSG bob :psst",
            ],
        )

    def test_where_one_is_not(self) -> None:
        """A room that there is cannot be spoken to, one that there is not is not there."""
        self.types("/join #dev")
        self.refused(self.alice, "PRIVMSG #dev :hi", "404 alice #dev")
        self.refused(self.alice, "PRIVMSG #nowhere :hi", "403 alice #nowhere")
        self.types("/mode secret on")
        self.refused(self.alice, "PRIVMSG #dev :hi", "403 alice #dev")
        self.refused(self.alice, "PRIVMSG # :hi", "403 alice #")
        self.assertEqual(
            self.alice.asks("NOTICE #dev :hi", "NOTICE #nowhere :hi", "NOTICE # :x"), []
        )
        self.assertEqual(self.carol.lines(), [])

    def test_who_may_not_speak(self) -> None:
        """Is told why."""
        self.types("/join #dev")
        self.alice.asks("JOIN #dev")
        self.types("/mode moderated on")
        self.alice.lines()
        (text,) = self.refused(self.alice, "PRIVMSG #dev :hi", "404 alice #dev")
        self.assertIn("voice", text)
        self.assertEqual(self.alice.asks("NOTICE #dev :hi"), [])

    def test_who_is_not_heard(self) -> None:
        """Cannot tell: with echo-message it is shown what it said, without it nothing."""
        self.types("/join #dev")
        self.alice.asks("JOIN #dev")
        self.types("/shadow alice 1h")
        self.alice.lines(), self.carol.lines()
        self.assertEqual(self.alice.asks("PRIVMSG #dev :hi"), [])
        note = f"{ALICE} PRIVMSG alice :milk"
        self.assertEqual(self.alice.asks("PRIVMSG alice :milk"), [note])
        self.alice.asks("CAP REQ :echo-message labeled-response")
        self.assertEqual(self.alice.asks("PRIVMSG #dev :hi"), [f"{ALICE} PRIVMSG #dev :hi"])
        self.assertEqual(
            self.alice.asks("@label=7 PRIVMSG #dev :hi"), [f"@label=7 {ALICE} PRIVMSG #dev :hi"]
        )
        self.alice.asks("CAP REQ message-tags")
        for sign, shown in (
            ("@+a=b TAGMSG carol", "TAGMSG carol"),
            ("PRIVMSG carol :\x01VERSION\x01", "PRIVMSG carol :\x01VERSION\x01"),
        ):
            (line,) = self.alice.asks(sign)
            self.assertTrue(line.endswith(f" {ALICE} {shown}"), line)
        told = self.alice.asks("INVITE carol #dev")  # as to who is heard: no word in the room
        self.assertEqual([line.split(" ")[1] for line in told if "INVITE" not in line], ["443"])
        self.types("/leave #dev")
        self.alice.lines()
        told = self.alice.asks("INVITE carol #dev")
        self.assertEqual([line.split(" ")[1] for line in told], ["341"])
        self.assertEqual(self.carol.lines(), [])

    def test_who_types_in_a_slow_room_may_say_it(self) -> None:
        self.types("/join #dev")
        self.alice.asks("JOIN #dev", "CAP REQ :message-tags")
        self.types("/mode slow 10s")
        self.carol.lines(), self.alice.lines()
        self.assertEqual(self.alice.asks("@+typing=active TAGMSG #dev", "PRIVMSG #dev :hi"), [])
        self.assertEqual(self.carol.lines()[-1], "alice: hi")
        self.assertIn(" 404 ", self.alice.asks("@+typing=active TAGMSG #dev")[0])

    def test_from_outside(self) -> None:
        """Where that may be: who is not in it does not hear what it said."""
        self.types("/join #dev")
        self.types("/mode outside on")
        self.assertEqual(self.alice.asks("PRIVMSG #dev :hi"), [])
        self.assertEqual(self.carol.lines()[-1], "alice: hi")
        self.alice.asks("CAP REQ echo-message")
        self.assertEqual(self.alice.asks("PRIVMSG #dev :hi"), [f"{ALICE} PRIVMSG #dev :hi"])


class ToOne(Talking):
    """What one other hears."""

    def test_each_form_of_it(self) -> None:
        """By IRC, and by nc."""
        for line, heard, read in (
            ("PRIVMSG {} :psst", "PRIVMSG bob :psst", "alice -> carol: psst"),
            ("NOTICE {} :beep", "NOTICE bob :beep", "alice -> carol: beep"),
            (
                "PRIVMSG {} :\x01ACTION winks\x01",
                "PRIVMSG bob :\x01ACTION winks\x01",
                "alice -> carol: /me winks",
            ),
        ):
            self.assertEqual(self.alice.asks(line.format("BOB"), line.format("carol")), [])
            self.assertEqual(self.bob.lines(), said_by("alice", heard))
            self.assertEqual(self.carol.lines(), [read])

    def test_nobody(self) -> None:
        """Is not here; whoever sends a notice is not told."""
        for target in ("zoe", "@#lobby", "$$*", "!", "zoe!~u@h"):
            self.refused(self.alice, f"PRIVMSG {target} :hi", f"401 alice {target}")
            self.assertEqual(self.alice.asks(f"NOTICE {target} :hi"), [])

    def test_nobody_waits_for_passwords(self) -> None:
        """Who tells one to the nick service of another network is told how it is done here."""
        for name in ("NickServ", *sorted(SERVICES)):
            (text,) = self.refused(self.alice, f"PRIVMSG {name} :IDENTIFY x", f"401 alice {name}")
            self.assertIn("SASL", text)
            self.assertEqual(self.alice.asks(f"NOTICE {name} :IDENTIFY secret"), [])
        self.assertLess(SERVICES, set(RESERVED_WORDS))

    def test_oneself(self) -> None:
        """Hears it once, and once more who wants to hear what it says."""
        note = f"{ALICE} PRIVMSG alice :milk"
        self.assertEqual(self.alice.asks("PRIVMSG alice :milk"), [note])
        self.alice.asks("CAP REQ echo-message")
        self.assertEqual(self.alice.asks("PRIVMSG alice :milk"), [note, note])
        self.alice.asks("CAP REQ labeled-response")
        self.assertEqual(
            self.alice.asks("@label=7 PRIVMSG alice :milk"), [note, f"@label=7 {note}"]
        )
        self.alice.asks("PRIVMSG bob :psst")
        self.bob.lines()
        self.assertEqual(self.bob.asks("PRIVMSG alice :what?"), [])
        self.alice.asks("PRIVMSG alice :milk")
        self.alice.asks("REPLY this")
        self.assertEqual(self.bob.lines(), said_by("alice", "PRIVMSG bob :this"))


class ToSeveral(Talking):
    """What is said to several at once."""

    def test_each_hears_it_once(self) -> None:
        """However often it is named; who is not there is told of alone."""
        (text,) = self.refused(self.alice, "PRIVMSG bob,zoe,#lobby,BOB,bob :hi", "401 alice zoe")
        self.assertIn("zoe", text)
        lines = ["PRIVMSG bob :hi", "PRIVMSG #lobby :hi"]
        self.assertEqual(self.bob.lines(), said_by("alice", *lines))

    def test_too_many(self) -> None:
        """Nobody hears it."""
        self.refused(self.alice, "PRIVMSG bob,carol,#lobby,a,b :hi", "407 alice b")
        self.assertEqual(self.alice.asks("NOTICE bob,carol,#lobby,a,b :hi"), [])
        self.assertEqual(self.bob.lines(), [])

    def test_each_counts_for_the_rate(self) -> None:
        """So nobody says more by naming more."""
        self.chat = Chat(Policy(limits=Limits(burst=3, rate=1)))
        alice, bob = self.chat.joined("alice"), self.chat.joined("bob")
        self.chat.clock.advance(9)
        alice.lines(), bob.lines()
        alice.send("PRIVMSG bob,#lobby,alice,zoe :hi", "PRIVMSG bob :more")
        self.assertEqual(len(bob.lines()), 2)
        self.chat.clock.advance(1.5)
        self.assertEqual(bob.lines(), [])
        self.chat.clock.advance(1)
        self.chat.turn()
        self.assertEqual(bob.lines(), said_by("alice", "PRIVMSG bob :more"))


class Refused(Talking):
    """What is not said."""

    def test_nothing(self) -> None:
        """Something has to be said, to somebody."""
        self.refused(self.alice, "PRIVMSG", "411 alice")
        self.refused(self.alice, "PRIVMSG :", "411 alice")
        for text in ("", " :", " :  ", " :\x02\x0f", " :\x01ACTION\x01", " :\x01ACTION  \x01"):
            self.refused(self.alice, f"PRIVMSG bob{text}", "412 alice")
        self.assertEqual(self.alice.asks("PRIVMSG , :hi"), [])
        self.assertEqual(self.alice.asks("NOTICE", "NOTICE bob", "NOTICE bob :"), [])
        self.assertEqual(self.bob.lines(), [])

    def test_what_would_be_cut(self) -> None:
        """What fits with the sender's name is said whole, what does not is refused."""
        for line, form in (("PRIVMSG bob :{}", "{}"), ("NOTICE bob :{}", "{}")):
            room = 510 - len(f"{ALICE} {line.format('')}")
            self.assertEqual(self.alice.asks(line.format("x" * room)), [])
            self.assertEqual(len(self.bob.lines()[0]), 510, form)
            refused = self.alice.asks(line.format("x" * (room + 1)))
            self.assertEqual(len(refused), 0 if line.startswith("NOTICE") else 1)
            self.assertEqual(self.bob.lines(), [])
        acted = f"PRIVMSG #lobby :\x01ACTION {'x' * 450}\x01"
        room = 450 + 510 - len(f"{ALICE} {acted}")
        self.alice.asks(acted.replace("x" * 450, "x" * room))
        self.assertEqual(len(self.bob.lines()[0]), 510)
        (text,) = self.refused(self.alice, acted.replace("x" * 450, "x" * (room + 1)), "417 alice")
        self.assertIn("by 1 byte", text)
        self.refused(self.alice, "PRIVMSG bob :" + "\x07" * 400, "417 alice")

    def test_too_long(self) -> None:
        """A line over IRC's own limit, in its tags or behind them."""
        self.refused(self.alice, "PRIVMSG bob :" + "x" * 500, "417 alice")
        self.refused(self.alice, "@+a=" + "x" * 5000 + " PRIVMSG bob :hi", "417 alice")
        self.refused(self.alice, "@+a=" + "\x07" * 4000 + " PRIVMSG bob :hi", "417 alice")
        self.refused(self.alice, "@+a=" + "x" * 20000 + " PRIVMSG bob :hi", "417 alice")
        self.assertEqual(self.bob.lines(), [])
        self.assertEqual(self.alice.asks("PRIVMSG bob :hi"), [])
        self.assertEqual(len(self.bob.lines()), 1)

    def test_not_utf8(self) -> None:
        """With the label, if it asked by one."""
        line = f":{SERVER} FAIL PRIVMSG INVALID_UTF8 :That is not UTF-8 and was not taken"
        self.assertEqual(self.alice.asks(b"PRIVMSG bob :caf\xe9"), [line])
        self.alice.asks("CAP REQ labeled-response")
        self.assertEqual(self.alice.asks(b"@label=7 PRIVMSG bob :caf\xe9"), [f"@label=7 {line}"])
        self.assertEqual(self.bob.lines(), [])


class Long(SynchronousTestCase):
    """What just fits, or does not, with the longest names."""

    def test_whatever_is_not_refused_arrives_whole(self) -> None:
        chat = Chat(server="s" * 64)
        alice, bob = chat.connect(), chat.joined("bob")
        nick = "é" * 32
        alice.send(f"NICK {nick}", f"USER {'u' * 20} 0 * :x")
        alice.lines()
        bob.lines()
        said = f":{nick}!~{'u' * 16}@{'s' * 64} PRIVMSG #lobby :"  # a host of 14, shown so
        most = 510 - len(said.encode()) + 64 - 14
        for length in (*range(1, most, 37), *range(most - 3, most + 1)):
            text = "x" * length
            self.assertEqual(alice.asks(f"PRIVMSG #lobby :{text}"), [])
            self.assertEqual(bob.lines(), [said + text])
            chat.clock.advance(5)
        (refused,) = alice.asks(f"PRIVMSG #lobby :{'x' * (most + 1)}")
        self.assertIn(" 417 ", refused)
        self.assertEqual(bob.lines(), [])


class BetweenClients(Talking):
    """CTCP besides ACTION."""

    def test_questions_and_answers(self) -> None:
        """Go from one to one other by IRC; nobody else has to do with it."""
        self.assertEqual(self.alice.asks("PRIVMSG bob :\x01VERSION\x01"), [])
        self.assertEqual(self.bob.lines(), said_by("alice", "PRIVMSG bob :\x01VERSION\x01"))
        self.bob.asks("NOTICE alice :\x01VERSION ii 2.0\x01")
        self.assertEqual(self.alice.lines(), said_by("bob", "NOTICE alice :\x01VERSION ii 2.0\x01"))
        self.alice.asks("PRIVMSG bob :\x01ping 12 34")
        self.assertEqual(self.bob.lines(), said_by("alice", "PRIVMSG bob :\x01PING 12 34\x01"))
        self.assertEqual(self.alice.asks("PRIVMSG carol :\x01VERSION\x01"), [])
        self.assertEqual(self.carol.lines(), [])
        self.types("/history @alice")
        self.refused(self.alice, "PRIVMSG zoe :\x01VERSION\x01", "401 alice zoe")

    def test_not_to_rooms(self) -> None:
        """Nor with addresses to anybody."""
        self.refused(self.alice, "PRIVMSG #lobby :\x01VERSION\x01", "404 alice #lobby")
        self.refused(self.alice, "PRIVMSG bob :\x01DCC SEND a 3232235521 1 1\x01", "404 alice bob")
        self.assertEqual(self.alice.asks("NOTICE #lobby :\x01VERSION x\x01"), [])
        self.assertEqual(self.alice.asks("NOTICE bob :\x01DCC x\x01"), [])
        self.assertEqual(self.bob.lines(), [])

    def test_broken_ones(self) -> None:
        """Are texts."""
        self.alice.asks("PRIVMSG bob :\x01\x01", "PRIVMSG bob :\x01 a")
        self.assertEqual(
            self.bob.lines(),
            said_by("alice", "PRIVMSG bob :\ufffd\ufffd", "PRIVMSG bob :\ufffd a"),
        )


class Tagged(Talking):
    """What clients say beside the text, and signs without any."""

    capabilities = ("message-tags", "echo-message")

    def setUp(self) -> None:
        """Bring in dave, too, who knows tags."""
        super().setUp()
        self.dave = self.chat.joined("dave", "message-tags")
        for one in (self.alice, self.bob, self.carol):
            one.lines()

    def test_tags_of_a_line(self) -> None:
        """Who knows them sees those that begin with a plus, and the line's id."""
        (echo,) = self.alice.asks(r"@+a=1\s2;b=3;label=4;msgid=5 PRIVMSG #lobby :hi")
        self.assertEqual(echo, rf"@+a=1\s2;msgid=lobby/1 {ALICE} PRIVMSG #lobby :hi")
        self.assertEqual(self.dave.lines(), [echo])
        self.assertEqual(self.bob.lines(), [f"{ALICE} PRIVMSG #lobby :hi"])
        self.alice.asks("@+a PRIVMSG dave :hi")
        (line,) = self.dave.lines()
        self.assertTrue(line.startswith("@+a;msgid=@"), line)

    def test_signs(self) -> None:
        """Only who knows them sees them; nobody sees one that says nothing."""
        for target in ("#lobby", "dave"):
            (echo,) = self.alice.asks(f"@+typing=active TAGMSG {target}")
            self.assertTrue(echo.endswith(f"{ALICE} TAGMSG {target}"), echo)
            self.assertIn("msgid=", echo)
            self.assertEqual(self.dave.lines(), [echo])
        self.assertEqual(self.alice.asks("TAGMSG #lobby", "@a=1 TAGMSG dave"), [])
        self.alice.asks("@+typing=active TAGMSG bob", "@+typing=active TAGMSG carol")
        for one in (self.bob, self.dave):
            self.assertEqual(one.lines(), [])
        self.assertEqual(self.carol.lines(), [])

    def test_signs_that_are_refused(self) -> None:
        """As lines are."""
        self.refused(self.alice, "@+a TAGMSG", "461 alice TAGMSG")
        self.refused(self.alice, "@+a TAGMSG zoe", "401 alice zoe")
        self.refused(self.alice, "@+a TAGMSG #nowhere", "403 alice #nowhere")

    def test_the_past(self) -> None:
        """No log keeps tags, which may be longer than what is said."""
        self.alice.asks("@+a=1 PRIVMSG #lobby :hi")
        history = self.successResultOf(self.chat.hub.parts.log.after("#lobby", 0, 9))
        self.assertEqual([(event.text, event.aside) for event in history], [("hi", "")])
