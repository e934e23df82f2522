"""SCRAM-SHA-256: the standard's own example, another's client, and whatever else may come."""

import hashlib
import hmac
from base64 import b64decode, b64encode

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.accounts.scram import (
    BadMessage,
    Exchange,
    Verifier,
    derive,
    nobodys,
    read_verifier,
)
from tests.fakes import quick

SALT, NONCE = b"salt of sixteen.", "servers"
ALICE = derive("correct horse", SALT, 3)


class Client:
    """The other side, written for these tests after RFC 5802, section 3."""

    def __init__(self, name: str, password: str, header: str = "n,,") -> None:
        self.header, self.bare, self.password = header, f"n={name},r=clients", password

    def first(self) -> bytes:
        return (self.header + self.bare).encode()

    def final(self, server_first: bytes) -> bytes:
        nonce, salt, iterations = (part[2:] for part in server_first.decode().split(","))
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.password.encode(), b64decode(salt), int(iterations)
        )
        bound = f"c={b64encode(self.header.encode()).decode()},r={nonce}"
        said = f"{self.bare},{server_first.decode()},{bound}".encode()
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), said, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        own = hmac.digest(salted, b"Server Key", "sha256")
        self.expected = b"v=" + b64encode(hmac.digest(own, said, "sha256"))
        return f"{bound},p={b64encode(proof).decode()}".encode()


class Proving(SynchronousTestCase):
    """Whether somebody knows the password."""

    def exchange(self, verifier: Verifier = ALICE) -> Exchange:
        return Exchange(lambda name: verifier, NONCE)

    def test_the_standards_example(self) -> None:
        """RFC 7677, section 3."""
        verifier = derive("pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
        exchange = Exchange(lambda name: verifier, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
        first = exchange.first(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
        self.assertEqual(
            first,
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        )
        self.assertEqual(exchange.name, "user")
        final = exchange.final(
            b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
            b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        )
        self.assertEqual(final, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")

    def test_who_knows_the_password_is_shown_that_the_server_does_too(self) -> None:
        for header in ("n,,", "y,,", "n,a=alice,", "y,a=alice,"):
            client, exchange = Client("alice", "correct horse", header), self.exchange()
            final = client.final(exchange.first(client.first()))
            self.assertEqual(exchange.final(final), client.expected)

    def test_another_password_is_none(self) -> None:
        client, exchange = Client("alice", "Correct horse"), self.exchange()
        self.assertIsNone(exchange.final(client.final(exchange.first(client.first()))))

    def test_an_unknown_name_is_answered_alike(self) -> None:
        """And always with the same salt, another for each name and each server."""
        for secret, name in ((b"a", "bob"), (b"a", "carol"), (b"b", "bob")):
            made = nobodys(secret, name)
            self.assertEqual(made, nobodys(secret, name))
            self.assertEqual((len(made.salt), made.iterations), (16, 600_000))
            client, exchange = Client(name, ""), self.exchange(nobodys(secret, name, 3))
            self.assertIsNone(exchange.final(client.final(exchange.first(client.first()))))
        salts = {nobodys(*one).salt for one in ((b"a", "bob"), (b"a", "carol"), (b"b", "bob"))}
        self.assertEqual(len(salts), 3)

    def test_names_are_unescaped(self) -> None:
        exchange = self.exchange()
        exchange.first(b"n,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=x")
        self.assertEqual(exchange.name, "a,b=c")


class Refusing(SynchronousTestCase):
    """What is no message of the exchange."""

    def test_first_messages(self) -> None:
        for message in (
            b"",
            b"n,,",
            b"n,,n=alice",
            b"n,,n=,r=x",
            b"n,,n=alice,r=",
            b"n,,n=alice,r=\xc3\xa9",
            b"n,,n=al=ice,r=x",
            b"n,,m=more,n=alice,r=x",
            b"n,a=bob,n=alice,r=x",
            b"p=tls-unique,,n=alice,r=x",
            b"nn,,n=alice,r=x",
            b"n,,n=\xff,r=x",
            b"n,,n=a\0b,r=x",
            b"n,,n=alice,r=" + b"x" * 2000,
        ):
            exchange = Exchange(lambda name: ALICE, NONCE)
            self.assertRaises(BadMessage, exchange.first, message)
            self.assertRaises(BadMessage, exchange.first, b"n,,n=alice,r=x")  # it is over

    def test_final_messages(self) -> None:
        good = Client("alice", "correct horse")
        for spoil in (
            lambda final: b"",
            lambda final: final.replace(b"c=biws", b"c=eSws"),  # the header was another
            lambda final: final.replace(b"c=biws", b"c=%"),
            lambda final: final.replace(b"r=clientsservers", b"r=clientsserverz"),
            lambda final: final.replace(b"r=clientsservers", b"r=clients"),
            lambda final: final.partition(b",p=")[0],
            lambda final: final.partition(b",p=")[0] + b",p=AAAA",
            lambda final: final + b"=",
        ):
            exchange = Exchange(lambda name: ALICE, NONCE)
            final = good.final(exchange.first(good.first()))
            self.assertRaises(BadMessage, exchange.final, spoil(final))
            self.assertRaises(BadMessage, exchange.final, final)  # it is over

    def test_messages_out_of_turn(self) -> None:
        exchange = Exchange(lambda name: ALICE, NONCE)
        self.assertRaises(BadMessage, exchange.final, b"c=biws,r=servers,p=AAAA")
        exchange = Exchange(lambda name: ALICE, NONCE)
        exchange.first(b"n,,n=alice,r=x")
        self.assertRaises(BadMessage, exchange.first, b"n,,n=alice,r=x")

    @quick
    @given(st.binary(max_size=200), st.binary(max_size=200))
    def test_whatever_comes_proves_nothing(self, first: bytes, final: bytes) -> None:
        for one, other in ((first, final), (b"n,," + first, b"c=biws," + final)):
            exchange = Exchange(lambda name: ALICE, NONCE)
            try:
                exchange.first(one)
                self.assertIsNone(exchange.final(other))
            except BadMessage:
                continue


class Kept(SynchronousTestCase):
    """As it stands in a record."""

    def test_it_is_read_as_it_was_written(self) -> None:
        self.assertEqual(read_verifier(str(ALICE)), ALICE)
        self.assertTrue(str(ALICE).startswith("SCRAM-SHA-256$3:"))

    def test_its_keys_are_not_shown(self) -> None:
        self.assertNotIn(repr(ALICE.stored), repr(ALICE))
        self.assertNotIn(repr(ALICE.server), repr(ALICE))

    def test_what_is_none_is_told(self) -> None:
        good = str(ALICE)
        for spoiled in (
            "",
            "nonsense",
            good[:-2],
            good.replace("$3:", "$0:"),
            good.replace("SHA-256", "SHA-1"),
            good.rpartition(":")[0] + ":AAAA",
            good.rpartition(":")[0] + ":%",
        ):
            self.assertIsNone(read_verifier(spoiled), spoiled)

    @quick
    @given(st.text(max_size=100))
    def test_whatever_is_kept_is_read_or_told(self, kept: str) -> None:
        found = read_verifier(kept)
        self.assertTrue(found is None or isinstance(found, Verifier))
