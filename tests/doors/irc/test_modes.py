"""MODE: what holds in a room, roles and bans, as letters; and the same things typed elsewhere."""

from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.commands.modes import Change, read
from chatservice.doors.irc.isupport import MOST_MODES, tokens
from chatservice.doors.irc.letters import LETTERS, ban_mask, mode_change
from chatservice.roles import Role
from chatservice.rooms.modes import NAMES
from chatservice.rooms.sanctions import MOST_MASKS
from tests.doors.irc.chat import SERVER
from tests.doors.irc.test_channels import InRooms, numbers
from tests.fakes import WORD, register


def off(letter: str, param: str | None = None) -> Change:
    """Return a change behind a minus."""
    return Change(False, letter, param)


class Reading(SynchronousTestCase):
    """How letters and params are taken apart."""

    def test_signs_and_params(self) -> None:
        for line, changes in (
            ("", []),
            ("+-+", []),
            ("im-s", [Change(True, "i"), Change(True, "m"), Change(False, "s")]),
            ("+o-ov a b c", [Change(True, "o", "a"), off("o", "b"), off("v", "c")]),
            ("+lk 3 x", [Change(True, "l", "3"), Change(True, "k", "x")]),
            ("-lf x", [Change(False, "l"), Change(False, "f")]),
            ("-k", [Change(False, "k")]),
            ("-ko x a", [Change(False, "k", "x"), Change(False, "o", "a")]),
            ("b", [Change(True, "b")]),
            ("+q", [Change(True, "q")]),
            ("+vvvvv a b c d e", [Change(True, "v", nick) for nick in "abcd"]),
            ("-vvvvvi a b c d e", [*[off("v", nick) for nick in "abcd"], off("i")]),
        ):
            letters, *params = line.split(" ")
            self.assertEqual([*read(letters, params)], changes, line)
        self.assertLess(len([*read("i" * 500, [])]), 50)

    def test_every_mode_has_a_letter_of_its_own(self) -> None:
        self.assertEqual({*LETTERS}, {*NAMES})
        self.assertEqual(len({*LETTERS.values(), *"bov"}), len(LETTERS) + 3)

    def test_as_letters(self) -> None:
        for changes, written in (
            ([], [""]),
            ([("purple", "on")], [""]),
            ([("moderated", "on"), ("secret", "off"), ("key", "on")], ["+mk-s", "*"]),
            ([("outside", "off"), ("slow", "10s"), ("limit", "off")], ["+nf-l", "10s"]),
            ([("key", "off"), ("limit", "7")], ["+l-k", "7", "*"]),
        ):
            self.assertEqual(mode_change(changes), written)
        for label, mask in (("bob", "bob!*@*"), ("b*", "b*!*@*"), ("::/64", "*!*@::/64")):
            self.assertEqual(ban_mask(label), mask)


class Setting(InRooms):
    """What holds in a room."""

    def test_what_holds_is_told(self) -> None:
        at = int(self.chat.hub.now())
        self.answer(self.carol, "MODE #DEV", "324 carol #dev +tn", f"329 carol #dev {at}")
        self.alice.asks("MODE #dev +imszklf-nt sesame 30 10")
        self.bob.lines()
        shown = "324 bob #dev +imszkfl sesame 10s 30"
        self.answer(self.bob, "MODE #dev", shown, f"329 bob #dev {at}")
        self.alice.asks("MODE #dev -imszklf")
        self.bob.lines()
        self.answer(self.bob, "MODE #dev", "324 bob #dev +", f"329 bob #dev {at}")

    def test_several_at_once_are_one_line_for_everybody(self) -> None:
        nina = self.line_person("nina")
        self.types(nina, "/join #dev")
        self.alice.lines()
        self.bob.lines()
        line = f":alice!~alice@{SERVER} MODE #dev +iml-nt 30"
        self.assertEqual(self.alice.asks("MODE #dev +im-nt+l 30"), [line])
        self.all_hear(line, self.bob)
        heard = "alice set invite-only on, moderated on, outside on, topic-locked off, limit 30"
        self.assertEqual(nina.lines(), [heard])
        self.assertEqual(self.alice.asks("MODE #dev +im-nt+l 30"), [])

    def test_what_is_typed_elsewhere_is_told_here(self) -> None:
        nina = self.line_person("nina")
        self.types(nina, "/join #own")
        self.alice.asks("JOIN #own")
        for typed, told in (
            *(("moderated on", "+m"), ("key s3cret", "+k s3cret"), ("slow 2m", "+f 2m")),
            *(("limit 5", "+l 5"), ("outside on", "-n"), ("slow off", "-f"), ("key off", "-k *")),
        ):
            self.types(nina, f"/mode #own {typed}")
            self.all_hear(f":nina!~u@{SERVER} MODE #own {told}", self.alice)
        self.types(nina, "/op #own alice")
        self.all_hear(f":nina!~u@{SERVER} MODE #own +o alice", self.alice)
        self.types(nina, "/ban #own troll", "/ban #own bot* 2d spam", "/unban #own troll")
        self.assertEqual(
            self.alice.lines(),
            [
                f":nina!~u@{SERVER} MODE #own +b troll!*@*",
                f":nina!~u@{SERVER} MODE #own +b bot*!*@*",
                f":{SERVER} NOTICE #own :nina banned bot* for 2d: spam",
                f":nina!~u@{SERVER} MODE #own -b troll!*@*",
            ],
        )
        self.types(nina, "/founder #own alice")
        self.all_hear(f":{SERVER} NOTICE #own :nina made alice founder", self.alice)

    def test_each_does_what_it_says(self) -> None:
        self.alice.asks("MODE #dev +m")
        self.bob.lines()
        self.refuse(self.bob, "PRIVMSG #dev :hi", "404")
        self.alice.asks("MODE #dev -m+f 9")
        self.bob.asks("PRIVMSG #dev :one")
        self.refuse(self.bob, "PRIVMSG #dev :two", "404")
        self.refuse(self.carol, "PRIVMSG #dev :hi", "404")
        self.alice.asks("MODE #dev -nf")
        self.bob.lines()
        self.assertEqual(self.carol.asks("PRIVMSG #dev :hi from afar"), [])
        self.all_hear(f":carol!~carol@{SERVER} PRIVMSG #dev :hi from afar", self.alice, self.bob)
        dan = self.chat.joined("dan", "echo-message")
        line = f":dan!~dan@{SERVER} PRIVMSG #dev :me, too"
        self.assertEqual(dan.asks("PRIVMSG #dev :me, too"), [line])
        self.alice.asks("MODE #dev +b dan!*@*")
        self.assertEqual(numbers(dan.asks("PRIVMSG #dev :hi")), ["404"])

    def test_what_cannot_be(self) -> None:
        for line, numerics in (
            *(("MODE #dev +q", ["472"]), ("MODE #dev +qxq-x", ["472"] * 3)),
            *(("MODE #dev +l", ["461"]), ("MODE #dev +k", ["461"]), ("MODE #dev +o", ["461"])),
            *(("MODE #dev +l :", ["696"]), ("MODE #dev +l 0", ["696"]), ("MODE #none +i", ["403"])),
            *(("MODE #dev +l off", ["696"]), ("MODE #dev +f off", ["696"])),
            *(("MODE #dev +f soon", ["696"]), ("MODE #dev +f 0", ["696"]), ("MODE", ["461"])),
            *(("MODE #dev +k :a b", ["696"]), ("MODE #dev +k off", ["696"]), ("MODE :", ["461"])),
            *(("MODE #dev +:", ["472"]), ("MODE #dev +é", ["472"]), ("MODE #dev :", [])),
            *(("MODE #dev -k", []), ("MODE #dev +t", []), ("MODE #dev -l x", [])),
        ):
            self.refuse(self.alice, line, *numerics)
        (line,) = self.alice.asks("MODE #dev +k :a secret")
        self.assertTrue(line.startswith(f":{SERVER} 696 alice #dev k * :"), line)
        (line,) = self.alice.asks("MODE #dev +l many")
        self.assertTrue(line.startswith(f":{SERVER} 696 alice #dev l many :"), line)
        self.answer(self.bob, "MODE #dev", "324 bob #dev +tn", self.created("bob"))

    def created(self, nick: str) -> str:
        return f"329 {nick} #dev {int(self.chat.hub.now())}"

    def test_who_may_not_is_told_once(self) -> None:
        for wire in (self.bob, self.carol):
            for change in ("+im-t", "+o-v+b carol bob x!*@*", "-o alice", "-ov bob alice"):
                self.refuse(wire, f"MODE #dev {change}", "482")

    def test_in_the_lobby_everybody_can_come_in(self) -> None:
        self.refuse(self.alice, "MODE #lobby +s", "482")
        lobby, identity = self.chat.hub.rooms.lobby, self.chat.hub.find("alice").inbox
        lobby.charter = lobby.charter.with_role(identity, Role.OP)
        for change in ("+s", "+i", "+k x", "+l 3", "+z"):
            (line,) = self.alice.asks(f"MODE #lobby {change}")
            self.assertIn("Everybody starts in #lobby", line)
        self.assertEqual(numbers(self.alice.asks("MODE #lobby +m")), ["MODE"])


class Roles(InRooms):
    """+o and +v."""

    def test_they_are_given_and_taken(self) -> None:
        for change in ("+v bob", "-v bob", "+o bob", "-o bob"):
            line = f":alice!~alice@{SERVER} MODE #dev {change}"
            self.assertEqual(self.alice.asks(f"MODE #dev {change}"), [line])
            self.all_hear(line, self.bob)
        self.alice.asks("MODE #dev +v bob")
        self.bob.lines()
        self.assertEqual(
            self.alice.asks("MODE #dev +o bob"),
            [f":alice!~alice@{SERVER} MODE #dev +o-v bob bob"],
        )

    def test_who_sees_all_prefixes_keeps_count(self) -> None:
        dan = self.chat.joined("dan", "multi-prefix")
        dan.asks("JOIN #dev")
        signs = ""
        for change in ("+v", "+o", "-o", "+o", "-o", "+v", "-v"):
            self.alice.asks(f"MODE #dev {change} bob")
            for line in dan.lines():
                letters = line.split()[3]
                sign = "+"
                for letter in letters:
                    if letter in "+-":
                        sign = letter
                    elif sign == "+":
                        signs += letter
                    else:
                        signs = signs.replace(letter, "")
            prefixes = "".join(p for p, m in (("@", "o"), ("+", "v")) if m in signs)
            (names, _) = dan.asks("NAMES #dev")
            self.assertIn(f" {prefixes}bob ", f"{names} ", (change, signs))

    def test_several(self) -> None:
        self.carol.asks("JOIN #dev")
        self.alice.lines()
        lines = self.alice.asks("MODE #dev +vo-t bob carol")
        self.assertEqual([line.split(" ", 3)[3] for line in lines], ["-t", "+v bob", "+o carol"])

    def test_what_changes_nothing_is_not_told(self) -> None:
        self.alice.asks("MODE #dev +o bob")
        self.bob.lines()
        for change in ("+o bob", "+v bob", "-v bob", "+v alice", "+o alice", "-v alice"):
            self.refuse(self.alice, f"MODE #dev {change}")

    def test_who_has_one_may_give_it_back(self) -> None:
        self.alice.asks("MODE #dev +o bob")
        self.bob.lines()
        line = f":bob!~bob@{SERVER} MODE #dev -o bob"
        self.assertEqual(self.bob.asks("MODE #dev -o BOB"), [line])
        line = f":alice!~alice@{SERVER} MODE #dev -o alice"
        self.alice.lines()
        self.assertEqual(self.alice.asks("MODE #dev -o alice"), [line])
        self.all_hear(line, self.bob)
        self.refuse(self.alice, "MODE #dev +o alice", "482")
        self.refuse(self.alice, "MODE #dev -o alice")

    def test_a_founder_whose_room_is_kept_does_not_step_down(self) -> None:
        register(self.chat.hub, "dora")
        dora = self.chat.connect()
        dora.send(f"PASS :dora:{WORD}", "NICK dora", "USER dora 0 * :Dora")
        dora.asks("JOIN #kept")
        (line,) = dora.asks("MODE #kept -o dora")
        self.assertIn(f":{SERVER} 482 dora #kept :#kept is kept for you", line)

    def test_whom_they_cannot_be_given(self) -> None:
        self.refuse(self.alice, "MODE #dev +o carol", "441")
        self.refuse(self.alice, "MODE #dev -v carol", "441")
        self.refuse(self.alice, "MODE #dev +o nobody1", "401")
        self.refuse(self.alice, "MODE #dev +ov nobody1 carol", "401", "441")
        self.alice.asks("MODE #dev +o bob")
        self.bob.lines()
        self.refuse(self.bob, "MODE #dev -o alice", "482")
        self.carol.asks("JOIN #dev")
        self.alice.lines()
        self.bob.lines()
        self.refuse(self.bob, "MODE #dev +o carol", "482")

    def test_an_account_that_is_not_here_gets_one(self) -> None:
        register(self.chat.hub, "dora")
        self.assertEqual(
            self.alice.asks("MODE #dev +v dora"), [f":alice!~alice@{SERVER} MODE #dev +v dora"]
        )


class Banning(InRooms):
    """+b."""

    def test_a_ban_keeps_somebody_out_and_can_be_lifted(self) -> None:
        line = f":alice!~alice@{SERVER} MODE #dev +b CAR*!*@*"
        self.assertEqual(self.alice.asks("MODE #dev +b CAR*"), [line])
        self.all_hear(line, self.bob)
        self.refuse(self.carol, "JOIN #dev", "474")
        at = int(self.chat.hub.now())
        for asked in ("b", "+b", "-b"):
            self.answer(
                self.alice,
                f"MODE #dev {asked}",
                f"367 alice #dev CAR*!*@* alice {at}",
                "368 alice #dev :End of the list of bans",
            )
        self.refuse(self.alice, "MODE #dev +b car*!*@*")
        line = f":alice!~alice@{SERVER} MODE #dev -b CAR*!*@*"
        self.assertEqual(self.alice.asks("MODE #dev -b car*!*@*"), [line])
        self.all_hear(line, self.bob)
        self.refuse(self.alice, "MODE #dev -b car*!*@*")
        self.assertIn("JOIN", numbers(self.carol.asks("JOIN #dev")))

    def test_who_is_here_is_put_out(self) -> None:
        nina = self.line_person("nina")
        self.types(nina, "/join #dev")
        self.alice.lines()
        self.bob.lines()
        self.chat.clock.advance(1)  # or Nina could be Bob, at the same address
        self.alice.asks("MODE #dev +b bob!*@*")
        told, kick = self.bob.lines()[-2:]
        self.assertTrue(told.startswith(f":{SERVER} NOTICE bob :You are banned from #dev for good"))
        self.assertEqual(kick, f":alice!~alice@{SERVER} KICK #dev bob :banned for good")
        self.assertEqual(
            nina.lines(),
            ["-- alice banned bob for good", "alice kicked bob out of #dev: banned for good"],
        )

    def test_networks_and_accounts(self) -> None:
        register(self.chat.hub, "dora")
        for mask, shown in (
            ("*!*@203.0.113.0/24", "*!*@203.0.113.0/24"),
            ("203.0.113.9", "*!*@203.0.113.9/32"),
            ("$a:DORA", "dora!*@*"),
            ("x?z!*", "x?z!*@*"),
        ):
            for sign in "+-":
                (line,) = self.alice.asks(f"MODE #dev {sign}b {mask}")
                self.assertEqual(line, f":alice!~alice@{SERVER} MODE #dev {sign}b {shown}")

    def test_only_ops_see_who_is_banned(self) -> None:
        self.alice.asks("MODE #dev +b x!*@*")
        self.bob.lines()
        self.answer(self.bob, "MODE #dev b", "368 bob #dev :Only ops see who is banned")

    def test_a_ban_that_was_typed_is_listed(self) -> None:
        self.alice.asks("BAN #dev 10.1.0.0/16 2d", "MUTE #dev x", "SHADOW #dev y")
        (line, _) = self.alice.asks("MODE #dev b")
        self.assertIn(" 367 alice #dev *!*@10.1.0.0/16 alice ", line)

    def test_whom_a_ban_cannot_mean(self) -> None:
        for mask in (
            *("*!*@*", "*", "*!~user@*", f"*!*@{SERVER}", "*!*@*.example", "a!b@c", "$a:nobody1"),
            *("$r:x", "a.b!*@*", "*!*@10.0.0.0/2", "x" * 40, "server!*@*", "a,b!*@*"),
        ):
            self.refuse(self.alice, f"MODE #dev +b {mask}", "696")
        self.refuse(self.alice, "MODE #dev +b alice!*@*", "482")
        self.refuse(self.alice, "MODE #dev -b nobody1!*@*")

    def test_a_list_that_is_full(self) -> None:
        for number in range(MOST_MASKS):
            self.alice.asks(f"MODE #dev +b a{number}*")
        self.bob.lines()
        self.refuse(self.alice, "MODE #dev +b b*", "478")


class OfPeople(InRooms):
    """MODE of a nickname."""

    def test_ones_own_is_told_and_no_others(self) -> None:
        self.answer(self.alice, "MODE alice", "221 alice +i")
        self.answer(self.alice, "MODE ALICE +i", "221 alice +i")
        self.refuse(self.alice, "MODE alice +x", "501")
        self.refuse(self.alice, "MODE bob", "502")
        self.refuse(self.alice, "MODE nobody1 +i", "401")


class Truth(InRooms):
    """What clients are told that there is."""

    def test_the_modes_that_are_listed_are_those_that_there_are(self) -> None:
        told = dict(token.partition("=")[::2] for token in tokens(self.alice.protocol))
        lists, always, on, never = told["CHANMODES"].split(",")
        self.assertEqual({*always, *on, *never}, {*LETTERS.values()})
        self.assertEqual((lists, told["PREFIX"], told["MODES"]), ("b", "(ov)@+", str(MOST_MODES)))
        for letter in always + on:
            self.refuse(self.alice, f"MODE #dev +{letter}", "461")
        for letter in never:
            self.assertNotIn("461", numbers(self.alice.asks(f"MODE #dev +{letter}-{letter}")))
