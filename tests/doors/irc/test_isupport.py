"""RPL_ISUPPORT tells the truth: every token, against what the server does."""

import re

from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.isupport import tokens
from chatservice.limits import UNLIMITED, Limits
from chatservice.people.person import Policy
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
            *("PREFIX", "MODES", "MAXLIST", "KICKLEN", "KEYLEN", "ELIST", "SAFELIST"),
            *("CHATHISTORY", "MSGREFTYPES"),
        }
        elsewhere = {"CHANMODES"}  # test_modes.py
        self.assertEqual({*self.tokens}, tested | elsewhere)

    def modes(self, *lines: str) -> list[str]:
        """Return what a room's founder is answered, without its name."""
        return [re.sub(r"^:alice!~alice@\S+ ", "", line) for line in bare(self.alice.asks(*lines))]

    def test_prefix_and_modes(self) -> None:
        self.assertEqual(self.tokens["PREFIX"], "(ov)@+")
        nicks = [f"n{number}" for number in range(int(self.tokens["MODES"]) + 1)]
        self.alice.asks("JOIN #den")
        for nick in nicks:
            self.chat.joined(nick).send("JOIN #den")
        self.alice.lines()
        letters = "vvvvvo"[-len(nicks) :]
        given = " ".join(self.modes(f"MODE #den +{letters} {' '.join(nicks)}"))
        self.assertEqual([nick in given for nick in nicks], [True] * (len(nicks) - 1) + [False])
        self.alice.send(f"MODE #den +o {nicks[-1]}")
        self.alice.lines()
        names = " ".join(self.alice.asks("NAMES #den")).replace(":", " ").split()
        self.assertTrue({"@alice", f"+{nicks[0]}", f"@{nicks[-1]}"} <= {*names})

    def test_keylen(self) -> None:
        self.alice.asks("JOIN #den")
        key = "k" * int(self.tokens["KEYLEN"])
        self.assertEqual(self.modes(f"MODE #den +k {key}"), [f"MODE #den +k {key}"])
        bob = self.chat.joined("bob")
        self.assertIn(" JOIN #den", bob.asks(f"JOIN #den {key}")[0])
        self.assertEqual(self.modes(f"MODE #den +k {key}k")[-1][:12], "696 #den k *")

    def test_maxlist(self) -> None:
        self.alice.asks("JOIN #den")
        name, most = self.tokens["MAXLIST"].split(":")
        self.assertEqual(name, "b")
        for number in range(int(most)):
            self.alice.protocol.dataReceived(f"MODE #den +b x{number}!*@*\r\n".encode())
        self.chat.turn()
        self.assertEqual(
            len([one for one in self.alice.lines() if " MODE #den +b " in one]), int(most)
        )
        self.assertEqual(self.modes("MODE #den +b y!*@*")[0][:4], "478 ")

    def test_kicklen(self) -> None:
        self.alice.asks("JOIN #den")
        self.chat.joined("bob").send("JOIN #den")
        self.alice.lines()
        most = int(self.tokens["KICKLEN"])
        self.assertEqual(
            self.modes(f"KICK #den bob :{'r' * (most + 1)}"), [f"KICK #den bob :{'r' * most}"]
        )

    def test_elist_and_safelist(self) -> None:
        self.assertEqual(self.tokens["ELIST"], "CMNTU")
        self.assertIn("SAFELIST", self.tokens)
        self.alice.send("JOIN #old", "TOPIC #old :x")
        self.chat.clock.advance(3600)
        self.chat.joined("bob").send("JOIN #old", "JOIN #new", "TOPIC #new :y")
        self.alice.lines()
        for asked, found in {
            "": {"#lobby", "#old", "#new"},
            "*ew": {"#new"},
            "!*o*": {"#new"},
            ">1": {"#lobby", "#old"},
            "<2": {"#new"},
            "#old,C>30": {"#old"},
            "*,!#lobby,C<30": {"#new"},
            "*,!#lobby,T<30": {"#new"},
            "*,!#lobby,T>30": {"#old"},
        }.items():
            lines = bare(self.alice.asks(f"LIST {asked}"))
            listed = {line.split()[1] for line in lines if line[:4] == "322 "}
            self.assertEqual(listed, found, asked)

    def test_chathistory_and_msgreftypes(self) -> None:
        most = int(self.tokens["CHATHISTORY"])
        self.assertEqual(self.tokens["MSGREFTYPES"], "msgid,timestamp")
        dan = self.chat.joined("dan", "draft/chathistory", "batch", "server-time", "message-tags")
        for number in range(most + 5):
            self.alice.protocol.dataReceived(f"PRIVMSG #lobby :{number}\r\n".encode())
        self.chat.turn()
        dan.lines()
        told = dan.asks(f"CHATHISTORY LATEST #lobby * {most}")
        self.assertEqual(len([line for line in told if " PRIVMSG " in line]), most)
        for mark in ("msgid=lobby/3", "timestamp=2033-01-01T00:00:00.000Z"):
            told = dan.asks(f"CHATHISTORY BEFORE #lobby {mark} 1")
            self.assertEqual(len([line for line in told if " PRIVMSG " in line]), 1)
        over = dan.asks(f"CHATHISTORY LATEST #lobby * {most + 5}")
        self.assertLessEqual(len([line for line in over if " PRIVMSG " in line]), most)

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
