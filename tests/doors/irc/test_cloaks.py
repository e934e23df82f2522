"""Cloaks: hosts that tell no address, and bans by them, as clients make those of a nickname."""

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.names import check_nick
from chatservice.presence import cloaks
from tests.doors.irc.chat import SERVER, Chat, Wire
from tests.doors.irc.test_channels import FREE, numbers
from tests.doors.irc.test_dialect import NICKS
from tests.fakes import WORD, quick, register

GUEST = re.compile("guest-[a-z2-7]{8}")


class Cloaked(SynchronousTestCase):
    """Alice made #dev, Bob is in it; both come from one address."""

    def setUp(self) -> None:
        self.chat = Chat(FREE, roomless=True, cloaked=True)
        self.alice, self.bob = self.joined("alice"), self.joined("bob")
        self.alice.lines()

    def joined(self, nick: str, room: str = "#dev") -> Wire:
        wire = self.chat.joined(nick)
        wire.asks(f"JOIN {room}")
        return wire

    def host(self, nick: str) -> str:
        """Return the host that everybody is shown."""
        (line,) = self.alice.asks(f"USERHOST {nick}")
        return line.rpartition("@")[2]

    def identity(self, wire: Wire) -> str:
        return wire.protocol.session.person.inbox

    def bans(self) -> list[str]:
        """Return the masks that are listed."""
        return [line.split(" ")[4] for line in self.alice.asks("MODE #dev b")[:-1]]

    def refused(self, mask: str) -> None:
        (line,) = self.alice.asks(f"MODE #dev +b {mask}")
        self.assertTrue(line.startswith(f":{SERVER} 696 alice #dev b "), line)


class Hosts(Cloaked):
    """What everybody is shown."""

    def test_everybody_has_a_host_of_its_own(self) -> None:
        hosts = {self.host("alice"), self.host("bob")}
        self.assertEqual(len(hosts), 2)
        for host in hosts:
            self.assertTrue(GUEST.fullmatch(host), host)

    def test_who_wants_to_is_told_that_it_is_another_now(self) -> None:
        """By CHGHOST (ircv3.net/specs/extensions/chghost), before anything comes from there."""
        carol = self.chat.joined("carol", "chghost", "account-notify")
        carol.asks("JOIN #dev")
        self.alice.lines()
        guest = self.host("bob")
        self.bob.asks(f"register :{WORD}")
        self.assertEqual(
            carol.lines(),
            [
                f":bob!~bob@{guest} CHGHOST ~bob user-bob",
                ":bob!~bob@user-bob ACCOUNT bob",
            ],
        )
        self.assertFalse([line for line in self.alice.lines() if "CHGHOST" in line])
        again = self.joined("bert")
        self.alice.lines()
        guest = self.host("bert")
        carol.lines()
        again.asks(f"login bob {WORD}")
        changed, _ = carol.lines()
        self.assertEqual(changed, f":bert!~bert@{guest} CHGHOST ~bert user-bob")

    def test_it_is_the_same_wherever_it_is_shown(self) -> None:
        host = self.host("bob")
        whole = f"bob!~bob@{host}"
        self.bob.asks("PRIVMSG #dev :hi", "NICK robert", "NICK bob")
        self.assertEqual(
            self.alice.lines(),
            [
                f":{whole} PRIVMSG #dev :hi",
                f":{whole} NICK :robert",
                f":robert!~bob@{host} NICK :bob",
            ],
        )
        for asked, number, at in (
            *(("WHO bob", "352", 5), ("WHOIS bob", "311", 5), ("WHO #dev %h", "354", 3)),
            *(("MONITOR + bob", "730", 3), ("WHO *@guest-*", "352", 5)),
        ):
            found = [line.split(" ") for line in self.alice.asks(asked)]
            params = [line[at] for line in found if line[1] == number]
            self.assertIn(host, [param.rpartition("@")[2] for param in params], asked)
        self.alice.send("CAP REQ userhost-in-names")
        self.alice.lines()
        self.assertIn(whole, self.alice.asks("NAMES #dev")[0])
        self.bob.send("QUIT")
        self.assertIn(f":{whole} QUIT :", "".join(self.alice.lines()))
        self.assertIn(f" 314 alice bob ~bob {host} ", self.alice.asks("WHOWAS bob")[0])

    def test_one_is_welcomed_by_it(self) -> None:
        dan = self.chat.connect()
        lines = dan.asks("NICK dan", "USER dan 0 * :Dan")
        self.assertTrue(lines[0].endswith(f", dan!~dan@{self.host('dan')}"), lines[0])

    def test_that_of_an_account_is_its_name(self) -> None:
        for name, host in (("Ian", "user-Ian"), ("[x]", "name-ln4f2"), ("mür", "name-nxb3y4q")):
            register(self.chat.hub, name)
            wire = self.joined("guest1")
            wire.lines()
            self.alice.asks("NAMES #dev")
            told = wire.asks(f"LOGIN {name} {WORD}")
            self.assertIn(f"!~guest1@{host} ", " ".join(told))
            self.assertEqual(self.host(self.nick(wire)), host)
            wire.send("QUIT")

    def nick(self, wire: Wire) -> str:
        return wire.protocol.session.person.nick

    @quick
    @given(NICKS, st.booleans())
    def test_any_name_has_one(self, name: str, upper: bool) -> None:
        """It is ASCII without dots, and leads back to the account, in any case."""
        hub = Chat().hub
        register(hub, check_nick(name))
        host = hub.cloaks.of(f"@{name}")
        self.assertTrue(host.isascii() and len(host) < 120, host)
        self.assertFalse(set(" .:!@*?") & set(host), host)
        self.assertIs(hub.cloaks.who(host.upper() if upper else host), hub.accounts.find(name))

    @quick
    @given(st.text() | st.text("abx/-é9").map("name-{}".format))
    def test_any_text_is_somebodys_or_nobodys(self, text: str) -> None:
        hub = self.chat.hub
        who = hub.cloaks.who(text)
        self.assertIsNone(who)

    def test_those_that_were_forgotten_are_found_while_somebody_is_here(self) -> None:
        host = self.host("bob")
        self.patch(cloaks, "MOST_KNOWN", 3)
        for number in range(9):
            self.chat.hub.cloaks.of(f"@{number}")
        who = self.chat.hub.cloaks.who(host)
        self.assertIs(who, self.bob.protocol.session.person)
        self.assertIsNone(self.chat.hub.cloaks.who("guest-aaaaaaaa"))


class Bans(Cloaked):
    """By the masks that clients make of a nickname."""

    def test_whoever_has_that_host_is_put_out_and_kept_out(self) -> None:
        for form in ("*!*bob@{}", "*!*@{}", "bob!*@{}", "bob!~bob@{}", "*!*@*{}"):
            mask = form.format(self.host("bob"))
            self.assertEqual(
                [line.split(" ", 1)[1] for line in self.alice.asks(f"MODE #dev +b {mask}")],
                [f"MODE #dev +b {mask}", "KICK #dev bob :banned for good"],
            )
            self.assertEqual(self.bans(), [mask])
            self.assertEqual(self.alice.asks(f"MODE #dev +b {mask}"), [])
            self.assertEqual(numbers(self.bob.asks("JOIN #dev"))[-1], "474")
            self.bob.asks("NICK robert")
            self.assertEqual(numbers(self.bob.asks("JOIN #dev"))[-1], "474")
            self.assertEqual(self.host("robert"), self.host("robert"))
            self.bob.asks("NICK bob")
            (line,) = self.alice.asks(f"MODE #dev -b {mask.upper()}")
            self.assertTrue(line.endswith(f" MODE #dev -b {mask}"), line)
            self.assertEqual(self.bans(), [])
            self.assertIn("JOIN", numbers(self.bob.asks("JOIN #dev")))
            self.alice.lines()

    def test_a_host_alone_is_enough(self) -> None:
        host = self.host("bob")
        self.alice.asks(f"MODE #dev +b @{host}")
        self.assertEqual(self.bans(), [f"*!*@{host}"])
        self.alice.asks(f"MODE #dev -b bob!x@{host}")
        self.assertEqual(self.bans(), [])

    def test_it_is_listed_elsewhere_by_nickname(self) -> None:
        self.alice.asks(f"MODE #dev +b *!*@{self.host('bob')}")
        told = " ".join(self.alice.asks("BANS #dev"))
        self.assertIn(" banned bob for good, by alice", told)
        (line,) = self.alice.asks("UNBAN #dev bob")
        self.assertRegex(line, r" MODE #dev -b \*!\*@guest-")

    def test_who_has_left_is_kept_out_too(self) -> None:
        host = self.host("bob")
        self.bob.send("QUIT")
        self.chat.clock.advance(1)
        self.alice.lines()
        self.assertEqual(len(self.alice.asks(f"MODE #dev +b *!*@{host}")), 1)
        self.assertEqual(self.bans(), [f"*!*@{host}"])
        again = self.chat.joined("bobby")
        self.assertEqual(numbers(again.asks("JOIN #dev"))[-1], "474")

    def test_nobody_learns_whether_two_share_an_address(self) -> None:
        """They do, and whoever is here stays: as with a ban by nickname."""
        carol = self.joined("carol")
        self.chat.clock.advance(1)
        self.alice.lines()
        told = self.alice.asks(f"MODE #dev +b *!*@{self.host('bob')}")
        self.assertEqual([line for line in told if "carol" in line], [])
        carol.asks("PART #dev")
        self.assertIn("JOIN", numbers(carol.asks("JOIN #dev")))

    def test_an_account_wherever_it_is(self) -> None:
        register(self.chat.hub, "Ian")
        self.assertEqual(len(self.alice.asks("MODE #dev +b *!*ian@user-ian")), 1)
        self.assertEqual(self.bans(), ["*!*ian@user-ian"])
        ian = self.chat.joined("someone")
        ian.asks(f"LOGIN Ian {WORD}")
        self.assertEqual(numbers(ian.asks("JOIN #dev"))[-1], "474")

    def test_who_has_logged_in_since_is_meant(self) -> None:
        host = self.host("bob")
        register(self.chat.hub, "Ian")
        self.bob.asks(f"LOGIN Ian {WORD}")
        self.alice.lines()
        told = self.alice.asks(f"MODE #dev +b *!*@{host}")
        self.assertIn("KICK", numbers(told))

    def test_whom_none_can_mean(self) -> None:
        for mask in (
            *("*!*@guest-*", "*!*@user-*", "*!*@guest-aaaaaaaa", "*!*@user-nobody", "*!*@user-"),
            *(
                "*!*@name-",
                "*!*@name-é",
                "*!*@name-a",
                f"*!*@{SERVER}",
                f"*!{'u' * 300}@{self.host('bob')}",
            ),
        ):
            self.refused(mask)
        self.assertEqual(
            numbers(self.alice.asks(f"MODE #dev +b *!*@{self.host('alice')}")), ["482"]
        )
        self.assertEqual(self.bans(), [])

    def test_only_ops_may(self) -> None:
        host = self.host("alice")
        self.assertEqual(numbers(self.bob.asks(f"MODE #dev +b *!*@{host}")), ["482"])


class Keys(Cloaked):
    """Who is in a room may know its key, to come back."""

    def test_who_is_there_is_told_and_nobody_else(self) -> None:
        carol = self.chat.joined("carol")
        (line,) = self.alice.asks("MODE #dev +k sesame")
        self.assertTrue(line.endswith(" MODE #dev +k sesame"), line)
        self.assertEqual(self.bob.lines()[-1], line)
        self.assertIn(" 324 bob #dev +tkn sesame", self.bob.asks("MODE #dev")[0])
        self.assertIn(" 324 carol #dev +tkn *", carol.asks("MODE #dev")[0])
        self.assertTrue(self.alice.asks("MODE #dev -k sesame")[0].endswith(" MODE #dev -k *"))

    def test_those_that_fit_in_no_message_are_not_told(self) -> None:
        for key in ("é" * 64, ":x"):
            (line,) = self.alice.asks(f"MODE #dev +k :{key}")
            self.assertTrue(line.endswith(" MODE #dev +k *"), line)
            self.assertIn(" 324 alice #dev +tkn *", self.alice.asks("MODE #dev")[0])
