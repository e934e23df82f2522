"""RPL_ISUPPORT tells the truth: every token, against what the server does."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.isupport import tokens
from chatservice.limits import UNLIMITED, Limits
from chatservice.person import Policy
from tests.doors.irc.chat import SERVER, Chat
from tests.doors.irc.test_people import bare


class Isupport(SynchronousTestCase):
    """One test for each token, or for several of a kind."""

    def setUp(self) -> None:
        self.chat = Chat(Policy(limits=UNLIMITED, plaintext_login=True))
        self.alice = self.chat.joined("alice")
        self.tokens = dict((token + "=").split("=")[:2] for token in tokens(self.alice.protocol))

    def test_lines_are_as_the_standard_has_them(self) -> None:
        lines = [line for line in bare(self.alice.asks("VERSION")) if line[:3] == "005"]
        for line in lines:
            words, text = line.split(" :")
            self.assertEqual(text, "are supported by this server")
            self.assertLessEqual(len(words.split()), 14)
            self.assertTrue(words.isascii())
            self.assertTrue(all(token.count("=") <= 1 for token in words.split()))
        self.assertEqual(
            sum(len(line.split(" :")[0].split()) - 1 for line in lines), len(self.tokens)
        )

    def test_every_token_is_tested_here(self) -> None:
        tested = {
            *("CASEMAPPING", "CHANTYPES", "NICKLEN", "USERLEN", "NAMELEN", "AWAYLEN", "CHANNELLEN"),
            *("TOPICLEN", "CHANLIMIT", "MONITOR", "WHOX", "TARGMAX", "NETWORK", "UTF8ONLY"),
        }
        elsewhere = {  # with what they are about
            *("CHANMODES", "PREFIX", "MODES", "MAXLIST", "KICKLEN", "KEYLEN", "EXTBAN", "ELIST"),
            *("ACCOUNTEXTBAN", "SAFELIST", "CHATHISTORY", "MSGREFTYPES"),
        }
        self.assertEqual({*self.tokens} - tested - elsewhere, set())
        self.assertEqual(tested - {*self.tokens}, set())

    def test_casemapping(self) -> None:
        self.assertEqual(self.tokens["CASEMAPPING"], "ascii")
        self.chat.joined("b[]{}^")
        self.alice.lines()
        self.assertEqual(len(self.alice.asks("WHO ALICE")), 2)
        self.assertEqual(bare(self.alice.asks("ISON B[]{}^ b{}{}^")), ["303 :b[]{}^"])

    def test_chantypes_and_channellen(self) -> None:
        most = int(self.tokens["CHANNELLEN"])
        self.assertEqual(self.tokens["CHANTYPES"], "#")
        longest = f"#{'x' * (most - 1)}"
        self.assertIn(f" JOIN {longest}", self.alice.asks(f"JOIN {longest}")[0])
        for name in (f"{longest}x", "&local", "+modeless"):
            self.assertRegex(bare(self.alice.asks(f"JOIN {name}"))[0], "^4(03|76|79) ")

    def test_nicklen(self) -> None:
        longest = "n" * int(self.tokens["NICKLEN"])
        self.assertIn(f" NICK :{longest}", self.alice.asks(f"NICK {longest}")[0])
        self.assertEqual(bare(self.alice.asks(f"NICK {longest}n"))[0][:4], "432 ")

    def test_userlen_and_namelen(self) -> None:
        bob = self.chat.connect()
        bob.send("NICK bob", f"USER {'u' * 40} 0 * :{'n' * 200}")
        (line,) = [one for one in bare(self.alice.asks("WHOIS bob")) if one.startswith("311 ")]
        user, name = line.split()[2], line.split()[5]
        self.assertEqual(len(user), int(self.tokens["USERLEN"]))
        self.assertEqual(len(name), int(self.tokens["NAMELEN"]))

    def test_awaylen(self) -> None:
        bob = self.chat.joined("bob")
        bob.send(f"AWAY :{'x' * 400}")
        (line,) = [one for one in bare(self.alice.asks("WHOIS bob")) if one.startswith("301 ")]
        self.assertEqual(len(line.split()[2]), int(self.tokens["AWAYLEN"]))

    def test_topiclen(self) -> None:
        self.alice.send("JOIN #den")
        most = int(self.tokens["TOPICLEN"])
        self.assertIn(" TOPIC #den :", self.alice.asks(f"TOPIC #den :{'t' * most}")[-1])
        told = self.alice.asks(f"TOPIC #den :{'t' * (most + 1)}", "TOPIC #den")
        self.assertEqual(bare(told)[-2], f"332 #den {'t' * most}")

    def test_chanlimit(self) -> None:
        self.assertRegex(self.tokens["CHANLIMIT"], "^#:[0-9]+$")
        few = Chat(Policy(limits=Limits(rooms=3, burst=50)))
        bob = few.joined("bob")
        told = [token for token in tokens(bob.protocol) if token.startswith("CHANLIMIT")]
        self.assertEqual(told, ["CHANLIMIT=#:3"])
        bob.asks("JOIN #a,#b")  # and the lobby
        self.assertEqual(bare(bob.asks("JOIN #c"))[0][:4], "405 ")

    def test_monitor(self) -> None:
        most = int(self.tokens["MONITOR"])
        for number in range(most):
            self.alice.send(f"MONITOR + n{number}")
        self.alice.lines()
        self.assertEqual(bare(self.alice.asks("MONITOR + zoe"))[0][:4], "734 ")

    def test_whox(self) -> None:
        self.assertIn("WHOX", self.tokens)
        self.assertEqual(bare(self.alice.asks("WHO alice %n"))[0], "354 alice")

    def test_targmax(self) -> None:
        most = dict(one.split(":") for one in self.tokens["TARGMAX"].split(","))
        wires = [self.chat.joined(f"n{number}") for number in range(8)]
        self.alice.lines()
        nicks = ",".join(f"n{number}" for number in range(8))
        for verb in ("PRIVMSG", "NOTICE", "TAGMSG"):
            count = int(most[verb])
            few = ",".join(f"n{number}" for number in range(count))
            self.assertEqual(self.alice.asks(f"@+x=y {verb} {few} :hi"), [])
            if verb != "TAGMSG":
                heard = [bool([line for line in one.lines() if verb in line]) for one in wires]
                self.assertEqual(heard, [number < count for number in range(8)])
            told = self.alice.asks(f"@+x=y {verb} {nicks} :hi")
            self.assertEqual(
                [line[:4] for line in bare(told)], ["407 "] if verb != "NOTICE" else []
            )
        for verb, number in {"WHOIS": "311", "WHOWAS": "406"}.items():
            told = bare(self.alice.asks(f"{verb} {nicks}"))
            self.assertEqual(len([one for one in told if one[:3] == number]), int(most[verb]))
        told = bare(self.alice.asks(f"USERHOST {nicks.replace(',', ' ')}"))
        self.assertEqual(told[0].count("="), int(most["USERHOST"]))
        rooms = [f"#r{number}" for number in range(int(most["JOIN"]))]
        joined = [line for line in self.alice.asks(f"JOIN {','.join(rooms)}") if " JOIN " in line]
        self.assertEqual(len(joined), len(rooms))
        some = rooms[: int(most["NAMES"])]
        told = bare(self.alice.asks(f"NAMES {','.join(some)}"))
        self.assertEqual(len([line for line in told if line[:3] == "353"]), len(some))
        left = [line for line in self.alice.asks(f"PART {','.join(rooms)}") if " PART " in line]
        self.assertEqual((len(left), most["PART"]), (len(rooms), most["JOIN"]))
        self.assertEqual(most["MONITOR"], "")

    def test_network_and_utf8only(self) -> None:
        self.assertEqual(self.tokens["NETWORK"], SERVER)
        self.assertIn("UTF8ONLY", self.tokens)
        (line,) = self.alice.asks(b"PRIVMSG #lobby :\xff")
        self.assertIn(" FAIL PRIVMSG INVALID_UTF8 :", line)
