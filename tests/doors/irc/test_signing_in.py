"""Signing in by IRC: SASL, PASS, LOGIN, OPER, REGISTER; before one is in, and behind it."""

from base64 import b64encode
from typing import cast
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.accounts import ACCOUNT
from chatservice.doors.irc.sasl import MOST_PIECES, Authentication, BadPiece, TooLong, pieces
from chatservice.doors.line import ChatFactory, ChatProtocol
from chatservice.limits import Limits
from chatservice.people.account import removed, with_role
from chatservice.people.person import Policy
from chatservice.roles import Role
from tests.doors.irc.chat import SERVER, Chat, Wire
from tests.fakes import WORD, quick, register
from tests.test_proving import FINGERPRINT
from tests.test_scram import Client


def base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def plain(name: str, password: str) -> str:
    """Return what a client answers to AUTHENTICATE PLAIN."""
    return "AUTHENTICATE " + base64(f"\0{name}\0{password}")


def verbs(lines: list[str]) -> list[str]:
    """Return the verbs and numerics of lines."""
    return [
        line.split(" ")[1] if line.startswith((":", "@")) else line.split(" ")[0] for line in lines
    ]


class SigningIn(SynchronousTestCase):
    """A chat in which alice has an account."""

    def setUp(self) -> None:
        self.chat = Chat(Policy(Limits(connections=100, logins=100), plaintext_login=True))
        register(self.chat.hub, "alice")

    def negotiates(self, nick: str = "alice") -> Wire:
        """Return somebody who has not ended the negotiation yet."""
        wire = self.chat.connect()
        wire.send("CAP LS 302", "CAP REQ :sasl", f"NICK {nick}", f"USER {nick} 0 * :{nick}")
        wire.lines()
        return wire

    def plain(self, wire: Wire, name: str = "alice", password: str = WORD) -> list[str]:
        self.assertEqual(wire.asks("AUTHENTICATE PLAIN"), ["AUTHENTICATE +"])
        return wire.asks(plain(name, password))


class Sasl(SigningIn):
    """AUTHENTICATE."""

    def test_what_there_is_is_listed(self) -> None:
        (line,) = self.chat.connect().asks("CAP LS 302")
        self.assertIn(" sasl=SCRAM-SHA-256,PLAIN ", line)
        self.assertIn(" draft/account-registration ", line)
        chat = Chat(Policy(plaintext_login=False))
        (line,) = chat.connect().asks("CAP LS 302")
        self.assertIn(" sasl=SCRAM-SHA-256 ", line)
        self.assertNotIn("account-registration", line)
        (line,) = chat.connect().asks("CAP LS")
        self.assertIn(" sasl ", line)

    def test_plain_before_one_is_in(self) -> None:
        alice = self.negotiates()
        self.assertEqual(
            self.plain(alice),
            [
                f":{SERVER} 900 * *!~u@{SERVER} alice :You are now logged in as alice",
                f":{SERVER} 903 * :You have proved who you are",
            ],
        )
        lines = alice.asks("CAP END")
        self.assertIn(" 001 alice ", lines[0])
        self.assertNotIn("900", verbs(lines))  # it was told
        self.assertEqual(alice.protocol.person.account, self.chat.hub.accounts.find("alice"))

    def test_scram(self) -> None:
        first = self.negotiates()
        self.plain(first)  # makes the verifier
        first.send("QUIT")
        alice = self.negotiates("al")
        client = Client("alice", WORD)
        self.assertEqual(alice.asks("AUTHENTICATE SCRAM-SHA-256"), ["AUTHENTICATE +"])
        (answer,) = alice.asks(f"AUTHENTICATE {base64(client.first().decode())}")
        server_first = Authentication().take(answer.split(" ")[1])
        assert server_first is not None
        (answer,) = alice.asks(f"AUTHENTICATE {base64(client.final(server_first).decode())}")
        self.assertEqual(Authentication().take(answer.split(" ")[1]), client.expected)
        self.assertEqual(verbs(alice.asks("AUTHENTICATE +")), ["900", "903"])
        self.assertIn(" 001 al ", alice.asks("CAP END")[0])
        self.assertEqual(alice.protocol.person.account, self.chat.hub.accounts.find("alice"))

    def test_external(self) -> None:
        hub = self.chat.hub
        account = hub.accounts.find("alice")
        assert account is not None
        hub.accounts.add_certificate(account, FINGERPRINT)
        alice = self.chat.connect()
        alice.protocol.person.certificate = FINGERPRINT
        self.assertIn(" sasl=EXTERNAL,SCRAM-SHA-256,PLAIN ", alice.asks("CAP LS 302")[0])
        self.assertEqual(alice.asks("AUTHENTICATE EXTERNAL"), ["AUTHENTICATE +"])
        self.assertEqual(verbs(alice.asks("AUTHENTICATE +")), ["900", "903"])

    def test_under_another_nickname(self) -> None:
        bob = self.chat.joined("bob", "account-notify", "extended-join", "account-tag")
        alice = self.negotiates("al")
        self.plain(alice)
        alice.send("CAP END")
        (joined,) = bob.lines()
        self.assertTrue(joined.endswith("JOIN #lobby alice :al"), joined)
        alice.send("PRIVMSG #lobby :hello")
        (said,) = bob.lines()
        self.assertTrue(said.startswith("@account=alice :al!"), said)

    def test_behind_it_others_are_told(self) -> None:
        bob = self.chat.joined("bob", "account-notify")
        al = self.chat.joined("al", "account-notify")
        bob.lines()
        self.assertEqual(verbs(self.plain(al)), ["900", "903"])
        self.assertEqual(bob.lines(), [f":al!~al@{SERVER} ACCOUNT alice"])
        (line,) = al.asks("AUTHENTICATE PLAIN")
        self.assertTrue(line.startswith(f":{SERVER} 907 al :You are logged in as alice"), line)
        account = self.chat.hub.accounts.find("alice")
        assert account is not None
        self.chat.hub.parts.records.change(ACCOUNT, "alice", removed(account))
        self.chat.turn()
        self.assertEqual(bob.lines(), [f":al!~al@{SERVER} ACCOUNT *"])
        (line,) = al.lines()
        self.assertTrue(line.startswith(f":{SERVER} 901 al al!~al@{SERVER} :The account"), line)

    def test_failures(self) -> None:
        wire = self.negotiates()
        for lines, numeric in (
            (["AUTHENTICATE PLAIN", plain("alice", "wrong word")], "904"),
            (["AUTHENTICATE PLAIN", plain("nobody", "wrong word")], "904"),
            (["AUTHENTICATE PLAIN", "AUTHENTICATE +"], "904"),
            (["AUTHENTICATE PLAIN", "AUTHENTICATE %%%%"], "904"),
            (["AUTHENTICATE PLAIN", "AUTHENTICATE é"], "904"),
            (["AUTHENTICATE PLAIN", f"AUTHENTICATE {'A' * 401}"], "905"),
            (["AUTHENTICATE PLAIN", *["AUTHENTICATE " + "A" * 400] * (MOST_PIECES + 1)], "904"),
            (["AUTHENTICATE SCRAM-SHA-256", f"AUTHENTICATE {base64('nonsense')}"], "904"),
            (["AUTHENTICATE PLAIN", "AUTHENTICATE *"], "906"),
            (["AUTHENTICATE *"], "906"),
            (["AUTHENTICATE"], "461"),
        ):
            self.assertEqual(verbs(wire.asks(*lines))[-1], numeric, lines)
        lines = wire.asks("AUTHENTICATE EXTERNAL")
        self.assertEqual(verbs(lines), ["908", "904"])
        self.assertIn(" 908 * SCRAM-SHA-256,PLAIN :", lines[0])

    def test_after_a_failure_one_can_try_again(self) -> None:
        wire = self.negotiates()
        self.assertEqual(verbs(self.plain(wire, password="wrong word")), ["904"])
        self.assertEqual(verbs(self.plain(wire)), ["900", "903"])

    def test_who_comes_in_meanwhile_does_so_without_it(self) -> None:
        wire = self.negotiates("bob")
        wire.send("AUTHENTICATE PLAIN")
        wire.lines()
        self.assertEqual(verbs(wire.asks("CAP END"))[:2], ["906", "001"])

    def test_a_long_answer_comes_in_pieces(self) -> None:
        word = "x" * 592
        account = self.chat.hub.accounts.find("alice")
        assert account is not None
        self.chat.hub.passwords.make(word).addCallback(
            lambda kept: self.chat.hub.accounts.set_password(account, *kept)
        )
        wire = self.negotiates()
        wire.send("AUTHENTICATE PLAIN")
        for piece in (*pieces(f"\0alice\0{word}".encode()), ""):
            if piece:
                wire.send(f"AUTHENTICATE {piece}")
        self.assertEqual(verbs(wire.lines()), ["AUTHENTICATE", "900", "903"])

    def test_what_follows_waits_for_a_password_that_is_checked(self) -> None:
        waiting: Deferred[bool] = Deferred()
        with patch.object(self.chat.hub.passwords, "verify", lambda *_: waiting):
            wire = self.negotiates()
            wire.send("AUTHENTICATE PLAIN", plain("alice", WORD), "CAP END")
            self.assertEqual(verbs(wire.lines()), ["AUTHENTICATE"])
            waiting.callback(True)
        self.chat.turn()
        self.assertEqual(verbs(wire.lines())[:3], ["900", "903", "001"])

    def test_who_hangs_up_while_it_is_checked_is_told_nothing(self) -> None:
        waiting: Deferred[bool] = Deferred()
        with patch.object(self.chat.hub.passwords, "verify", lambda *_: waiting):
            wire = self.negotiates()
            wire.send("AUTHENTICATE PLAIN", plain("alice", WORD))
            wire.lines()
            wire.protocol.connectionLost()
            waiting.callback(True)
        self.chat.turn()
        self.assertEqual(wire.lines(), [])


class Pass(SigningIn):
    """PASS, which is looked at when nickname and user are known."""

    def comes(self, *lines: str) -> tuple[Wire, list[str]]:
        wire = self.chat.connect()
        return wire, wire.asks(*lines)

    def test_a_password_alone_is_the_nicknames(self) -> None:
        wire, lines = self.comes(f"PASS :{WORD}", "NICK alice", "USER al 0 * :x")
        self.assertEqual(verbs(lines)[0], "001")
        self.assertEqual(verbs(lines).count("900"), 1)
        self.assertIsNotNone(wire.protocol.person.account)

    def test_with_an_account_one_has_any_nickname(self) -> None:
        wire, lines = self.comes(f"PASS alice:{WORD}", "NICK al", "USER al 0 * :x")
        self.assertIn(" 001 al ", lines[0])
        self.assertEqual(wire.protocol.person.account, self.chat.hub.accounts.find("alice"))

    def test_a_password_may_have_a_colon(self) -> None:
        self.chat.hub.passwords.make("pass:word").addCallback(
            lambda kept: self.chat.hub.accounts.register("bob", "@bob", *kept[:1])
        )
        _, lines = self.comes("PASS pass:word", "NICK bob", "USER bob 0 * :x")
        self.assertIn(" 001 bob ", lines[0])

    def test_a_wrong_one_ends_the_connection(self) -> None:
        """And does not say whether there is such an account."""
        said = set()
        words = ("wrong word", "alice:wrong word", "nobody:wrong word", "some")
        for word, nick in zip(words, ("alice", "al", "al", "dora"), strict=True):
            wire, lines = self.comes(f"PASS :{word}", f"NICK {nick}", "USER al 0 * :x")
            self.assertEqual(verbs(lines), ["464", "ERROR"])
            self.assertTrue(wire.transport.disconnecting)
            said.add(tuple(line.partition(" :")[2] for line in lines))
            self.chat.clock.advance(3600)
        self.assertEqual(len(said), 1, said)

    def test_who_has_proved_it_by_sasl_needs_none(self) -> None:
        wire = self.chat.connect()
        wire.send("CAP REQ sasl", "PASS nonsense", "NICK alice", "USER al 0 * :x")
        wire.lines()
        self.plain(wire)
        self.assertEqual(verbs(wire.asks("CAP END"))[0], "001")

    def test_a_nickname_that_cannot_be_is_asked_for_again(self) -> None:
        wire, lines = self.comes(f"PASS alice:{WORD}", "NICK *", "USER al 0 * :x")
        self.assertEqual(verbs(lines), ["432"])
        self.assertEqual(verbs(wire.asks("NICK alice"))[0], "001")


class ComingBack(SigningIn):
    """With the password, to where one was."""

    def test_to_all_rooms_with_who_is_there_and_what_was_said(self) -> None:
        bob = self.chat.joined("bob", "draft/read-marker")
        alice = self.negotiates()
        self.plain(alice)
        alice.send("CAP END", "JOIN #dev")
        bob.send("JOIN #dev")
        alice.protocol.connectionLost()
        bob.lines()
        bob.send("PRIVMSG #dev :are you there?")
        again = self.negotiates()
        self.plain(again)
        lines = again.asks("CAP END")
        found = verbs(lines)
        self.assertEqual(found[0], "001")
        self.assertEqual(found.count("JOIN"), 2)
        self.assertIn(f":{SERVER} 366 alice #dev :End of /NAMES list", lines)
        self.assertIn(f":bob!~bob@{SERVER} PRIVMSG #dev :[22:13] are you there?", lines)
        self.assertEqual(bob.lines(), [])  # nobody saw it

    def test_at_another_door_one_is_in_the_lobby_at_least(self) -> None:
        """By IRC one may be in no room at all."""
        for lost in (True, False):
            alice = self.negotiates()
            self.plain(alice)
            alice.send("CAP END", "PART #lobby")
            if lost:
                alice.protocol.connectionLost()
            line = cast("ChatProtocol", ChatFactory(self.chat.hub).buildProtocol(None))
            line.makeConnection(StringTransport())
            for text in (f"alice {WORD}", "hello", "/quit"):
                line.dataReceived(f"{text}\r\n".encode())
                self.chat.turn()
            said = cast("StringTransport", line.transport).value().decode()
            self.assertIn("alice joined the chat\r\n", said)
            self.assertIn("alice: hello\r\n", said)
            line.connectionLost()

    def test_not_after_quitting_and_not_as_a_guest(self) -> None:
        bob = self.chat.joined("bob")
        alice = self.negotiates()
        self.plain(alice)
        alice.send("CAP END", "QUIT")
        alice.protocol.connectionLost()
        self.assertEqual(verbs(bob.lines()), ["JOIN", "QUIT"])
        self.chat.joined("carol").protocol.connectionLost()
        self.chat.turn()
        self.assertEqual(verbs(bob.lines()), ["JOIN", "QUIT"])


class TakingTurns(SigningIn):
    """Two clients of one account, which come back by themselves."""

    def comes(self, nick: str = "alice") -> tuple[Wire, list[str]]:
        wire = self.negotiates(nick)
        self.plain(wire)
        return wire, wire.asks("CAP END")

    def test_the_second_takes_over_and_the_first_comes_back_beside_it(self) -> None:
        first, _ = self.comes()
        second, lines = self.comes()
        self.assertIn(" 001 alice ", lines[0])
        (line,) = first.lines()
        self.assertEqual(line, "ERROR :Closing link: You came back on another connection")
        first, lines = self.comes()
        self.assertEqual(verbs(lines), ["433"])
        lines = first.asks("NICK alice_")
        self.assertIn(" 001 alice_ ", lines[0])
        self.assertEqual(first.protocol.person.account, second.protocol.person.account)
        self.assertEqual(verbs(second.asks("PING x")), ["JOIN", "PONG"])

    def test_by_pass_as_well(self) -> None:
        for numeric in ("001", "001", "433"):
            wire = self.chat.connect()
            lines = wire.asks(f"PASS :{WORD}", "NICK alice", "USER al 0 * :x")
            self.assertEqual(verbs(lines)[0], numeric)
        self.assertIn(" 001 alice_ ", wire.asks("NICK alice_")[0])
        self.assertIsNotNone(wire.protocol.person.account)

    def test_after_a_while_it_may_be_taken_again(self) -> None:
        self.comes()
        self.comes()
        self.chat.clock.advance(601)
        _, lines = self.comes()
        self.assertIn(" 001 alice ", lines[0])

    def test_a_lost_connections_place_may_always_be_taken(self) -> None:
        for _ in range(4):
            wire, lines = self.comes()
            self.assertIn(" 001 alice ", lines[0])
            wire.protocol.connectionLost()

    def test_a_guest_hears_that_it_is_registered(self) -> None:
        self.comes()
        self.comes()
        wire = self.chat.connect()
        (line,) = wire.asks("NICK alice", "USER x 0 * :x")
        self.assertIn(" 433 * alice :alice is registered", line)


class Becoming(SigningIn):
    """REGISTER, VERIFY, LOGIN, OPER."""

    def test_one_registers_the_nickname_that_one_wears(self) -> None:
        for name, account in (("bob", "* * "), ("carol", "Carol * ")):
            wire = self.chat.joined(name)
            lines = wire.asks(f"REGISTER {account}:correct horse battery")
            self.assertEqual(verbs(lines), ["900", "REGISTER"])
            self.assertEqual(
                lines[1], f":{SERVER} REGISTER SUCCESS {name} :Your nickname is registered"
            )
            self.assertIsNotNone(self.chat.hub.accounts.find(name))

    def test_who_types_it_is_told_in_words_that_every_client_shows(self) -> None:
        dora = self.chat.joined("dora")
        told = dora.asks("REGISTER :correct horse battery")
        self.assertEqual(verbs(told), ["900", "NOTICE"])
        self.assertTrue(told[1].endswith(" :Your nickname is registered"), told)
        ed = self.chat.joined("ed", "draft/account-registration")
        self.assertEqual(verbs(ed.asks("REGISTER :correct horse battery")), ["900", "REGISTER"])

    def test_what_cannot_be_registered(self) -> None:
        early = self.negotiates("dora")
        self.assertIn(
            " FAIL REGISTER COMPLETE_CONNECTION_REQUIRED * :", early.asks("REGISTER * * word")[0]
        )
        bob = self.chat.joined("bob")
        for line, code in (
            ("REGISTER carol * :correct horse", "ACCOUNT_NAME_MUST_BE_NICK carol"),
            ("REGISTER * * short", "WEAK_PASSWORD *"),
            ("REGISTER * * :" + "x" * 300, "WEAK_PASSWORD *"),
            ("REGISTER short", "WEAK_PASSWORD *"),
            (f"REGISTER {'x' * 400} * short", f"ACCOUNT_NAME_MUST_BE_NICK {'x' * 32}"),
        ):
            (said,) = bob.asks(line)
            self.assertIn(f" FAIL REGISTER {code} :", said)
        self.assertIn(" FAIL VERIFY INVALID_CODE bob :", bob.asks("VERIFY bob 1234")[0])
        self.assertEqual(verbs(bob.asks("REGISTER * *")), ["461"])
        bob.send("REGISTER * * :correct horse battery")
        bob.lines()
        (said,) = bob.asks("REGISTER * * :correct horse battery")
        self.assertIn(" FAIL REGISTER ALREADY_AUTHENTICATED * :", said)

    def test_login_with_and_without_an_account(self) -> None:
        wire = self.chat.joined("al")
        self.assertEqual(verbs(wire.asks(f"LOGIN alice :{WORD}")), ["900"])
        self.assertEqual(verbs(self.chat.joined("bob").asks("LOGIN :wrong")), ["464"])

    def test_an_admin_is_told_so(self) -> None:
        account = self.chat.hub.accounts.find("alice")
        assert account is not None
        self.chat.hub.parts.records.change(ACCOUNT, "alice", with_role(account, Role.ADMIN))
        wire = self.chat.joined("al")
        self.assertEqual(verbs(wire.asks("OPER alice wrong")), ["464"])
        self.assertEqual(verbs(wire.asks("OPER alice")), ["461"])
        lines = wire.asks(f"OPER alice :{WORD}")
        self.assertEqual(verbs(lines), ["900", "381", "MODE"])
        self.assertEqual(lines[2], f":{SERVER} MODE al +o")
        self.assertEqual(verbs(wire.asks(f"OPER alice :{WORD}")), ["381", "MODE"])

    def test_who_is_no_admin_is_told_so(self) -> None:
        wire = self.chat.joined("al")
        self.assertEqual(verbs(wire.asks(f"OPER alice :{WORD}")), ["900", "491"])
        register(self.chat.hub, "bob")
        self.assertEqual(verbs(wire.asks(f"OPER bob :{WORD}")), ["491"])


class Pieces(SynchronousTestCase):
    """Base64 in pieces."""

    @quick
    @given(st.binary(max_size=1500))
    def test_what_goes_out_in_pieces_comes_in_as_it_was(self, answer: bytes) -> None:
        authentication, sent = Authentication(), pieces(answer)
        self.assertTrue(all(0 < len(piece) <= 400 for piece in sent))
        *before, last = (authentication.take(piece) for piece in sent)
        self.assertEqual((last, {*before} - {None}), (answer, set()))

    @quick
    @given(st.lists(st.text(max_size=450), max_size=20))
    def test_whatever_comes_is_bytes_or_refused(self, sent: list[str]) -> None:
        authentication = Authentication()
        for piece in sent:
            try:
                taken = authentication.take(piece)
            except TooLong:
                self.assertGreater(len(piece), 400)
            except BadPiece:
                continue
            else:
                self.assertIsInstance(taken, bytes | None)
