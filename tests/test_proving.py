"""Proving who one is message by message (SASL), before a nickname is worn and behind it."""

from typing import cast

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.secret import SECRET
from chatservice.errors import ChatError, Code
from chatservice.limits import Limits
from chatservice.people.account import with_password
from chatservice.session import State
from tests.fakes import Guest
from tests.test_logging_in import ELSEWHERE, HOME, WORD, AccountsChat, Asks
from tests.test_scram import Client

FINGERPRINT = "ab" * 32


class Proving(SynchronousTestCase):
    """A chat with alice's account, which has a verifier and a certificate."""

    def setUp(self) -> None:
        self.chat = AccountsChat(limits=Limits(connections=100, nick_tries=100))
        self.set_up(self.chat)

    def set_up(self, chat: AccountsChat) -> None:
        chat.add("alice")
        alice = chat.enters(f"alice {WORD}", HOME)  # makes the verifier
        alice.types("/quit")
        alice.goes()
        account = chat.account("alice")
        self.successResultOf(chat.hub.accounts.add_certificate(account, FINGERPRINT))

    def guest(self, host: str | None = HOME, certificate: str = "") -> Guest:
        guest = self.chat.connect(host)
        guest.person.certificate = certificate
        return guest

    def taken(self, result: "Deferred[bytes | None]") -> bytes | None:
        self.chat.turn()
        return self.successResultOf(result)

    def plain(self, guest: Guest, message: str) -> bytes | None:
        proof = self.chat.hub.owners.prove(guest.person, "PLAIN")
        return self.taken(proof.take(message.encode()))

    def scram(self, guest: Guest, name: str, password: str) -> None:
        """Prove it, and see that the server knows the password as well."""
        proof = self.chat.hub.owners.prove(guest.person, "scram-sha-256")
        client = Client(name, password)
        first = self.taken(proof.take(client.first()))
        final = self.taken(proof.take(client.final(cast("bytes", first))))
        self.assertEqual(final, client.expected)
        self.assertIsNone(self.taken(proof.take(b"")))

    def refused(self, guest: Guest, mechanism: str, *messages: bytes) -> Code:
        """Return why the last message is refused."""
        proof = self.chat.hub.owners.prove(guest.person, mechanism)
        for message in messages[:-1]:
            self.taken(proof.take(message))
        code: Code = self.failureResultOf(proof.take(messages[-1]), ChatError).value.code
        return code


class Before(Proving):
    """Who has no nickname yet."""

    def test_by_each_mechanism_and_then_in_as_oneself(self) -> None:
        for prove in (
            lambda guest: self.plain(guest, f"\0alice\0{WORD}"),
            lambda guest: self.plain(guest, f"Alice\0alice\0{WORD}"),
            lambda guest: self.scram(guest, "ALICE", WORD),
            lambda guest: self.taken(
                self.chat.hub.owners.prove(guest.person, "EXTERNAL").take(b"")
            ),
            lambda guest: self.taken(
                self.chat.hub.owners.prove(guest.person, "EXTERNAL").take(b"alice")
            ),
        ):
            guest = self.guest(certificate=FINGERPRINT)
            self.assertEqual(guest.session.state, State.CONNECTED)
            prove(guest)
            guest.claims("alice")
            self.assertEqual(guest.session.state, State.JOINED)
            self.assertEqual(guest.person.account, self.chat.account("alice"))
            self.assertEqual(guest.person.inbox, self.chat.account("alice").identity)
            guest.goes()

    def test_ones_standing_connection_is_taken_over(self) -> None:
        before = self.chat.enters(f"alice {WORD}")
        before.types("/join #dev")
        guest = self.guest()
        self.plain(guest, f"\0alice\0{WORD}")
        guest.claims("alice")
        self.assertTrue(before.person.departed)
        self.assertEqual([*guest.person.place.rooms], ["#lobby", "#dev"])

    def test_a_guest_who_wears_it_gives_way(self) -> None:
        chat = self.chat
        guest = chat.join("bob")
        chat.add("bob")
        other = self.guest()
        self.plain(other, f"\0bob\0{WORD}")
        other.claims("bob")
        self.assertEqual(other.nick, "bob")
        self.assertTrue(guest.nick.startswith("guest-"))

    def test_under_another_nickname_one_is_logged_in(self) -> None:
        before = self.chat.enters(f"alice {WORD}")
        phone = self.guest()
        self.plain(phone, f"\0alice\0{WORD}")
        phone.claims("alice-phone")
        self.assertEqual((phone.nick, before.nick), ("alice-phone", "alice"))
        self.assertEqual(phone.person.inbox, before.person.inbox)
        self.assertIn("-- You are logged in as alice.", "\n".join(phone.hears()))

    def test_a_nickname_that_is_anothers_stays_that(self) -> None:
        carol = self.chat.join("carol")
        self.chat.add("bob")
        guest = self.guest()
        self.plain(guest, f"\0alice\0{WORD}")
        for nick, code in (("carol", Code.NICK_TAKEN), ("bob", Code.NICK_REGISTERED)):
            refused = self.failureResultOf(guest.session.claim(nick), ChatError)
            self.assertEqual(refused.value.code, code)
        guest.claims("alice")  # what was proved still holds
        self.assertEqual(guest.person.account, self.chat.account("alice"))
        self.assertEqual(carol.nick, "carol")

    def test_who_is_banned_stays_out(self) -> None:
        self.chat.log_in(admin := self.chat.join("root1"), "root1")
        self.chat.hub.parts.records.change(
            "account", "root1", lambda value: {**(value or {}), "role": "ADMIN"}
        )
        admin.types("/ban alice")
        guest = self.guest()
        self.plain(guest, f"\0alice\0{WORD}")
        refused = self.failureResultOf(guest.session.claim("other"), ChatError)
        self.assertEqual(refused.value.code, Code.BANNED)

    def test_an_account_that_is_removed_meanwhile_is_nobodys(self) -> None:
        guest = self.guest()
        self.plain(guest, f"\0alice\0{WORD}")
        self.chat.remove("alice")
        guest.claims("alice")
        self.assertEqual((guest.nick, guest.person.account), ("alice", None))


class Within(Proving):
    """Who is in the chat already: as /login."""

    def test_one_is_logged_in(self) -> None:
        guest = self.chat.join("al")
        self.scram(guest, "alice", WORD)
        self.assertEqual(guest.person.account, self.chat.account("alice"))
        self.scram(guest, "alice", WORD)  # again

    def test_nobody_becomes_another(self) -> None:
        self.chat.add("bob")
        bob = self.chat.enters(f"bob {WORD}")
        self.assertEqual(self.refused(bob, "PLAIN", f"\0alice\0{WORD}".encode()), Code.NOT_ALLOWED)
        self.assertEqual(bob.person.account, self.chat.account("bob"))


class Refusing(Proving):
    """What is no proof."""

    def test_a_wrong_password_an_unknown_name_and_one_without_a_verifier(self) -> None:
        self.chat.add("old")  # has never used its password since verifiers are kept
        for name in ("alice", "nobody", "old"):
            guest = self.guest()
            message = f"\0{name}\0not the word".encode()
            self.assertEqual(self.refused(guest, "PLAIN", message), Code.BAD_PASSWORD)
            proof = self.chat.hub.owners.prove(guest.person, "SCRAM-SHA-256")
            client = Client(name, "not the word" if name != "old" else WORD)
            first = cast("bytes", self.taken(proof.take(client.first())))
            self.assertIn(b",i=4096", first)
            failure = self.failureResultOf(proof.take(client.final(first)), ChatError)
            self.assertEqual(failure.value.code, Code.BAD_PASSWORD)
            self.assertIsNone(guest.person.proved)
            self.chat.clock.advance(3600)

    def test_a_name_has_one_salt_whether_or_not_there_is_an_account(self) -> None:
        """For good: the secret is kept."""
        salts = []
        for name in ("nobody", "NOBODY", "alice", "ALICE", "other"):
            proof = self.chat.hub.owners.prove(self.guest().person, "SCRAM-SHA-256")
            first = cast("bytes", self.taken(proof.take(Client(name, "").first())))
            salts.append(first.split(b",")[1])
        self.assertEqual(salts[0], salts[1])
        self.assertEqual(salts[2], salts[3])
        self.assertEqual(len(set(salts)), 3)
        kept: list[object] = []
        self.chat.records.watch(SECRET, lambda key, value: kept.append((key, value)))
        self.assertEqual(len(kept), 1)

    def test_guessing_is_slowed_down_whatever_the_mechanism(self) -> None:
        wrong, client = b"\0alice\0not the word", Client("alice", "not the word")
        for _ in range(3):
            guest = self.guest(ELSEWHERE)
            self.assertEqual(self.refused(guest, "PLAIN", wrong), Code.BAD_PASSWORD)
        guest = self.guest(ELSEWHERE)
        proof = self.chat.hub.owners.prove(guest.person, "SCRAM-SHA-256")
        first = cast("bytes", self.taken(proof.take(client.first())))
        failure = self.failureResultOf(proof.take(client.final(first)), ChatError)
        self.assertEqual(failure.value.code, Code.TOO_MANY_TRIES)
        self.scram(self.guest(HOME), "alice", WORD)  # the owner at home need not wait

    def test_what_is_malformed(self) -> None:
        for mechanism, message in (
            ("PLAIN", b""),
            ("PLAIN", b"alice\0" + WORD.encode()),
            ("PLAIN", b"\0alice\0one\0two"),
            ("PLAIN", b"\0alice\0\xff"),
            ("PLAIN", b"bob\0alice\0" + WORD.encode()),
            ("EXTERNAL", b"\xff"),
            ("SCRAM-SHA-256", b"nonsense"),
        ):
            guest = self.guest(certificate=FINGERPRINT)
            self.assertEqual(self.refused(guest, mechanism, message), Code.BAD_ARGUMENTS)

    def test_certificates_of_others_and_unknown_ones(self) -> None:
        for certificate, name in ((FINGERPRINT, b"bob"), ("cd" * 32, b""), ("cd" * 32, b"alice")):
            guest = self.guest(certificate=certificate)
            self.assertEqual(self.refused(guest, "EXTERNAL", name), Code.BAD_PASSWORD)
            self.chat.clock.advance(3600)

    def test_what_a_connection_cannot_use_is_not_offered(self) -> None:
        def offered(guest: Guest) -> tuple[str, ...]:
            return self.chat.hub.owners.mechanisms(guest.person)

        self.assertEqual(offered(self.guest()), ("SCRAM-SHA-256", "PLAIN"))
        with_one = self.guest(certificate=FINGERPRINT)
        self.assertEqual(offered(with_one), ("EXTERNAL", "SCRAM-SHA-256", "PLAIN"))
        self.chat = AccountsChat(plaintext=False)
        guest = self.guest(ELSEWHERE)
        self.assertEqual(offered(guest), ("SCRAM-SHA-256",))
        prove = self.chat.hub.owners.prove
        for name in ("PLAIN", "EXTERNAL", "NONSENSE", ""):
            refusal = self.assertRaises(ChatError, prove, guest.person, name)
            self.assertEqual(refusal.code, Code.BAD_ARGUMENTS)
            self.assertIn("SCRAM-SHA-256", refusal.message)
        self.chat = AccountsChat(checkers=[cast("object", Asks(b"alice"))])  # type: ignore[list-item]
        self.assertEqual(offered(self.guest()), ("PLAIN",))


class Certificates(Proving):
    """What an account is known by."""

    def test_so_many_and_each_once(self) -> None:
        accounts = self.chat.hub.accounts
        for number in range(7):
            added = accounts.add_certificate(self.chat.account("alice"), f"{number:064x}")
            self.successResultOf(added)
        again = accounts.add_certificate(self.chat.account("alice"), FINGERPRINT)
        self.successResultOf(again)
        self.assertEqual(len(self.chat.account("alice").certificates), 8)
        more = accounts.add_certificate(self.chat.account("alice"), "e" * 64)
        self.assertEqual(self.failureResultOf(more, ChatError).value.code, Code.TOO_MUCH)
        removed = accounts.remove_certificate(self.chat.account("alice"), FINGERPRINT)
        self.successResultOf(removed)
        self.assertIsNone(accounts.certified(FINGERPRINT))
        self.assertEqual(accounts.certified("0" * 64), self.chat.account("alice"))

    def test_a_new_password_leaves_them_and_the_operators_does_not(self) -> None:
        alice = self.chat.enters(f"alice {WORD}")
        alice.hears()
        alice.types(f"/password {WORD} -> another word")
        self.assertEqual(
            alice.hears(),
            ["-- Your password is changed. Certificates still log in: see /cert list."],
        )
        account = self.chat.account("alice")
        self.assertEqual(account.certificates, (FINGERPRINT,))
        self.chat.records.change(
            "account", "alice", with_password(account, "hash", "verifier", alone=True)
        )
        self.assertEqual(self.chat.account("alice").certificates, ())
        self.assertIsNone(self.chat.hub.accounts.certified(FINGERPRINT))

    def test_anothers_is_refused(self) -> None:
        bob = self.chat.add("bob")
        added = self.chat.hub.accounts.add_certificate(bob, FINGERPRINT)
        self.assertEqual(self.failureResultOf(added, ChatError).value.code, Code.NOT_ALLOWED)

    def test_with_the_account_they_are_gone(self) -> None:
        self.chat.remove("alice")
        self.assertIsNone(self.chat.hub.accounts.certified(FINGERPRINT))
