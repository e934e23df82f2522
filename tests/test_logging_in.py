"""Who is whom: registering, logging in, giving way, coming back, being removed."""

from collections.abc import Sequence
from typing import cast
from unittest.mock import patch

from argon2 import PasswordHasher
from twisted.cred.checkers import ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from chatservice.accounts.accounts import ACCOUNT
from chatservice.accounts.logins import PATIENCE, is_local
from chatservice.accounts.passwords import Passwords
from chatservice.accounts.scram import derive, read_verifier
from chatservice.errors import ChatError
from chatservice.events import Kind
from chatservice.hub import Hub
from chatservice.limits import UNLIMITED, Limits
from chatservice.names import fold
from chatservice.people.account import Account, registered, removed, with_role
from chatservice.people.person import Person, Policy
from chatservice.roles import Role
from chatservice.session import State
from chatservice.store.memory import MemoryRecords
from tests.fakes import CHEAP, NOW, Chat, Guest, cheap
from tests.test_returning import token_of

WORD = "correct horse battery"
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


class AccountsChat(Chat):
    """A chat whose records can be changed as chat-admin does.

    :param checkers: who else knows passwords.
    """

    def __init__(
        self,
        limits: Limits = UNLIMITED,
        checkers: Sequence[ICredentialsChecker] = (),
        plaintext: bool = True,
        hasher: PasswordHasher = CHEAP,
    ) -> None:
        self.records = MemoryRecords()
        self._checkers = checkers
        self._hasher = hasher
        self.now = NOW
        super().__init__(policy=Policy(limits, plaintext_login=plaintext))

    def make_hub(self, policy: Policy) -> Hub:
        return Hub(
            self.log,
            self.clock,
            now=lambda: self.now,
            policy=policy,
            tickets=self.tickets,
            records=self.records,
            passwords=cheap(self._hasher),
            checkers=self._checkers,
        )

    def account(self, name: str) -> Account:
        found = self.hub.accounts.find(name)
        assert found is not None, name
        return found

    def add(self, name: str, role: Role = Role.USER, word: str = WORD) -> Account:
        """Register somebody, as chat-admin does."""
        account = Account(name, f"@{name}", CHEAP.hash(word), role, NOW, NOW)
        self.records.change(ACCOUNT, fold(name), registered(account))
        return account

    def remove(self, name: str) -> None:
        self.records.change(ACCOUNT, fold(name), removed(self.account(name)))

    def registered(self, nick: str) -> Guest:
        """Bring somebody in who registers."""
        guest = self.join(nick)
        guest.types(f"/register {WORD}")
        guest.hears()
        return guest

    def offers(self, text: str, host: str | None = None) -> tuple[Guest, str]:
        """Offer a nickname; return who did, and the code of the refusal, if any."""
        guest = self.connect(host)
        codes: list[str] = []

        def refused(failure: Failure) -> None:
            assert isinstance(failure.value, ChatError)
            codes.append(failure.value.code)

        guest.claims(text).addErrback(refused)
        return guest, "".join(codes)

    def enters(self, text: str, host: str | None = None) -> Guest:
        """Come in."""
        guest, code = self.offers(text, host)
        assert guest.session.state is State.JOINED, code
        return guest


def fits(account: Account, password: str) -> bool:
    """Tell whether an account's verifier is a password's."""
    kept = read_verifier(account.scram)
    return kept is not None and derive(password, kept.salt, kept.iterations) == kept


class Registering(SynchronousTestCase):
    """A nickname of one's own."""

    def setUp(self) -> None:
        self.chat = AccountsChat()

    def test_the_present_identity_becomes_the_accounts(self) -> None:
        alice = self.chat.join("alice")
        before = alice.person.inbox
        alice.types(f"/register {WORD}")
        account = self.chat.account("alice")
        self.assertEqual((alice.person.inbox, account.identity), (before, before))
        self.assertEqual(alice.person.account, account)
        self.assertEqual(account.role, Role.USER)

    def test_it_is_refused_to_who_is_registered_or_wears_anothers(self) -> None:
        alice, bob = self.chat.registered("alice"), self.chat.join("bob")
        alice.types("/nick al", f"/register {WORD}")
        self.assertIn("[not-allowed]", alice.hears()[-1])
        elsewhere = registered(Account("bob", "@bob"))  # has its password elsewhere
        self.chat.records.change(ACCOUNT, "bob", elsewhere)
        bob.types(f"/register {WORD}")
        self.assertIn("[nick-registered]", bob.hears()[-1])

    def test_an_address_registers_so_many_an_hour(self) -> None:
        self.chat = AccountsChat(limits=Limits(connections=10))
        for n in range(4):
            guest = self.chat.connect(HOME)
            guest.claims(f"nick{n}")
            guest.hears()
            guest.types("/register short", f"/register {WORD}")
            heard = guest.hears()[-1]
            guest.goes()
            self.chat.clock.advance(5)
        self.assertIn("[too-many-tries]", heard)
        self.assertEqual(len(self.chat.hub.accounts), 3)

    def test_no_password_is_heard_by_anybody(self) -> None:
        alice, bob = self.chat.everybody("alice", "bob")
        alice.types(
            f"/register {WORD}",
            f"/login {WORD}",
            f"/login alice {WORD}",
            f"/password {WORD} -> {WORD} staple",
            f"/PASSWORD {WORD}",
        )
        self.assertEqual(bob.hears(), [])
        self.assertNotIn("horse", "".join(alice.hears()))
        self.assertEqual(self.chat.log.after("#lobby", 0, 100).result, [])

    def test_without_encryption_it_is_refused(self) -> None:
        self.chat = AccountsChat(plaintext=False)
        self.chat.add("carol")
        guest = self.chat.connect(HOME)
        guest.claims("alice")
        guest.hears()
        for line in (f"/register {WORD}", f"/login carol {WORD}", f"/password {WORD} x"):
            guest.types(line)
            heard = guest.hears()
            self.assertIn("[needs-encryption]", heard[-1])
            self.assertIn("do not use it again", heard[-1])
        self.assertEqual(self.chat.offers(f"carol {WORD}", HOME)[1], "needs-encryption")
        for local in (None, "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"):
            self.chat.enters(f"carol {WORD}", local).goes()
        self.assertFalse(any(map(is_local, (HOME, "::", "fe80::1%lo", "nonsense"))))

    def test_over_tls_it_is_not(self) -> None:
        self.chat = AccountsChat(plaintext=False)
        self.chat.add("carol")
        guest = Guest(self.chat, HOME)
        person = self.chat.hub.connect(guest)
        self.chat.hub.admit(person, HOME, encrypted=True)
        self.successResultOf(self.chat.hub.arrivals.claim(person, f"carol {WORD}"))


class LoggingIn(SynchronousTestCase):
    """At the question for a nickname, and later."""

    def setUp(self) -> None:
        self.chat = AccountsChat()
        self.moved: list[tuple[str, str, str]] = []
        self.chat.hub.on_identity(self.moves)

    def moves(self, person: Person, old: str) -> None:
        self.moved.append((person.nick, old, person.inbox))

    def test_the_identity_is_the_accounts(self) -> None:
        account = self.chat.add("alice")
        alice = self.chat.enters(f"ALICE  {WORD}")
        self.assertEqual((alice.nick, alice.person.account), ("ALICE", self.chat.account("alice")))
        self.assertEqual(alice.person.inbox, account.identity)
        ((nick, old, new),) = self.moved
        self.assertEqual((nick, new), ("ALICE", "@alice"))
        self.assertNotEqual(old, new)
        alice.types("hello")
        (said,) = self.successResultOf(self.chat.log.after("#lobby", 0, 10))
        self.assertEqual(said.by, "@alice")

    def test_programs_in_ones_rooms_learn_of_it(self) -> None:
        """That somebody registers, logs in, or has no account any more; others' lines do not."""
        self.chat.add("alice")
        watcher = self.chat.join("watcher")

        def learned() -> list[tuple[str, str, str]]:
            accounts = [event for event in watcher.events if event.kind is Kind.ACCOUNT]
            return [(event.nick, event.room, event.text) for event in accounts]

        al = self.chat.join("al")
        al.types("/join #dev", f"/login alice {WORD}", f"/login alice {WORD}")
        watcher.types("/join #dev")
        self.assertEqual(learned(), [("al", "#lobby", "alice")])
        self.chat.registered("bob")
        self.assertEqual(learned()[1:], [("bob", "#lobby", "bob")])
        self.chat.remove("alice")
        self.chat.turn()
        gone = [("al", "#dev", ""), ("al", "#lobby", "")]
        self.assertEqual(sorted(learned()[2:]), gone)
        self.assertFalse([line for line in watcher.hears() if "alice" in line])

    def test_several_connections_have_one_identity(self) -> None:
        self.chat.add("alice")
        alice, bob = self.chat.enters(f"alice {WORD}"), self.chat.join("bob")
        before = bob.person.inbox
        bob.types(f"/login alice {WORD}")
        self.assertEqual(self.chat.hub.connections_of("@alice"), (alice.person, bob.person))
        self.assertEqual(self.chat.hub.connections_of(before), ())
        self.assertEqual(self.moved[-1], ("bob", before, "@alice"))
        alice.goes()
        self.assertEqual(self.chat.hub.connections_of("@alice"), (bob.person,))

    def test_logging_in_again_changes_nothing_and_as_another_is_refused(self) -> None:
        self.chat.add("alice"), self.chat.add("bob")
        alice = self.chat.enters(f"alice {WORD}")
        self.moved.clear()
        alice.types(f"/login {WORD[:7]}xx", f"/login alice {WORD}", f"/login bob {WORD}")
        heard = alice.hears()[-3:]
        self.assertIn("[bad-password]", heard[0])
        self.assertEqual(heard[1], "-- You are logged in as alice.")
        self.assertIn("[not-allowed]", heard[2])
        self.assertEqual((alice.person.inbox, self.moved), ("@alice", []))

    def test_unknown_names_and_wrong_passwords_get_the_same_answer(self) -> None:
        self.chat.add("alice")
        guest = self.chat.join("guest")
        answers = []
        with patch.object(Passwords, "verify", autospec=True, side_effect=Passwords.verify) as made:
            for line in ("/login alice wrong word", "/login nonsuch wrong word"):
                guest.types(line)
                answers.append(guest.hears())
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], ["! Wrong account or password. [bad-password]"])
        self.assertEqual(made.call_count, 2)

    def test_a_hash_with_other_parameters_is_renewed(self) -> None:
        self.chat.add("alice")
        stronger = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
        chat = AccountsChat(hasher=stronger)
        chat.add("alice")
        before = chat.account("alice").password
        chat.enters(f"alice {WORD}").goes()
        after = chat.account("alice").password
        self.assertNotEqual(before, after)
        self.assertFalse(stronger.check_needs_rehash(after))
        chat.enters(f"alice {WORD}")
        self.assertEqual(chat.account("alice").password, after)

    def test_a_verifier_is_made_when_the_password_is_at_hand(self) -> None:
        """Of an account from before at its next login, and anew with each new password."""
        self.chat.add("alice")
        self.assertEqual(self.chat.account("alice").scram, "")
        alice = self.chat.enters(f"alice {WORD}")
        self.assertTrue(fits(self.chat.account("alice"), WORD))
        alice.types(f"/password {WORD} -> another word")
        self.assertTrue(fits(self.chat.account("alice"), "another word"))
        self.chat.registered("bob")
        self.assertTrue(fits(self.chat.account("bob"), WORD))

    def test_guessing_is_slowed_down_but_not_for_the_owner_at_home(self) -> None:
        self.chat = AccountsChat(limits=Limits(connections=100))
        self.chat.add("alice")
        self.chat.enters(f"alice {WORD}", HOME).goes()
        codes = [self.chat.offers(f"alice guess number {n}", ELSEWHERE)[1] for n in range(5)]
        self.assertEqual(codes, ["bad-password"] * 3 + ["too-many-tries"] * 2)
        self.assertEqual(self.chat.offers(f"alice {WORD}", "203.0.113.5")[1], "too-many-tries")
        self.chat.enters(f"alice {WORD}", HOME)

    def test_it_is_noted_when_somebody_was_here(self) -> None:
        self.chat.add("alice")
        alice, bob = self.chat.enters(f"alice {WORD}"), self.chat.join("bob")
        bob.types("/msg alice one", "/msg alice two")
        self.chat.now = NOW + 1000
        alice.goes()
        account = self.chat.account("alice")
        self.assertEqual((account.seen, account.read), (NOW + 1000, 2))
        again = self.chat.enters(f"alice {WORD}")
        self.chat.now = NOW + 2000
        again.types("/quit")
        self.assertEqual(self.chat.account("alice").seen, NOW + 2000)

    def test_it_is_noted_when_the_server_stops(self) -> None:
        self.chat.add("alice")
        self.chat.enters(f"alice {WORD}")
        self.chat.now = NOW + 1000
        self.chat.hub.close("Goodbye!")
        self.assertEqual(self.chat.account("alice").seen, NOW + 1000)


class GivingWay(SynchronousTestCase):
    """A nickname goes to whom it belongs."""

    def setUp(self) -> None:
        self.chat = AccountsChat()

    def test_a_guest_who_wears_it_is_renamed(self) -> None:
        guest, bob = self.chat.everybody("alice", "bob")
        self.chat.add("alice")
        alice = self.chat.enters(f"alice {WORD}")
        self.assertEqual(alice.nick, "alice")
        self.assertRegex(guest.nick, r"guest-\d{6}")
        self.assertEqual(
            bob.hears(), [f"alice is now known as {guest.nick}", "alice joined the chat"]
        )
        self.assertIn("its owner has come", "".join(guest.hears()))
        guest.types("still here")
        self.assertEqual(bob.hears(), [f"{guest.nick}: still here"])

    def test_an_absent_guest_is_gone(self) -> None:
        guest, bob = self.chat.everybody("alice", "bob")
        guest.types("/resume")
        guest.goes()
        self.chat.add("alice")
        self.chat.enters(f"alice {WORD}")
        self.assertEqual(bob.hears(), ["alice left the chat", "alice joined the chat"])

    def test_ones_own_ghost_is_taken_over_with_all_its_rooms(self) -> None:
        alice, bob = self.chat.registered("alice"), self.chat.join("bob")
        alice.types("/join #dev", "/resume")
        alice.goes()
        bob.types("#lobby meanwhile", "meanwhile, too")
        bob.hears()
        again = self.chat.enters(f"alice {WORD}")
        self.assertEqual(bob.hears(), [])
        self.assertEqual(list(again.person.place.rooms), ["#lobby", "#dev"])
        heard = again.hears()
        self.assertEqual(heard[0], "Connected to the server")
        self.assertIn("meanwhile, too", "".join(heard))

    def test_whose_place_is_taken_does_not_take_it_back_by_its_token(self) -> None:
        """Or two clients that come back by themselves would do so for ever."""
        for lost in (False, True):
            self.chat = AccountsChat()
            alice = self.chat.registered("alice")
            alice.types("/resume")
            token = alice.hears()[-1].split()[8]
            if lost:
                alice.goes()
            again = self.chat.enters(f"alice {WORD}")
            self.assertEqual(self.chat.offers(f"alice {token}")[1], "bad-token")
            self.assertEqual(again.disconnects, 0)
            again.types("/resume")
            other = again.hears()[-1].split()[8]
            self.assertNotEqual(other, token)
            self.assertEqual(self.chat.enters(f"alice {other}").nick, "alice")
            self.assertEqual(len(self.chat.hub.parts.tokens), 1)

    def test_a_token_logs_in_as_well(self) -> None:
        alice = self.chat.registered("alice")
        alice.types("/resume")
        token = alice.hears()[-1].split()[8]
        alice.goes()
        self.chat.clock.advance(3600)
        self.assertEqual(self.chat.offers("alice")[1], "nick-registered")
        again = self.chat.enters(f"alice {token}")
        self.assertEqual(again.person.account, self.chat.account("alice"))
        again.goes()
        self.chat.clock.advance(3600)
        self.chat.remove("alice")
        self.assertEqual(self.chat.offers(f"alice {token}")[1], "bad-token")

    def test_what_begins_as_a_token_and_is_none_is_a_password(self) -> None:
        self.chat.add("alice", word="~ my own word")
        self.chat.enters("alice ~ my own word").goes()
        self.assertEqual(self.chat.offers(f"alice ~{'x' * 22}")[1], "bad-token")

    def test_the_ticket_follows_to_another_identity(self) -> None:
        self.chat.add("alice")
        guest = self.chat.join("guest")
        guest.types("/resume")
        first = guest.hears()[-1]
        guest.types(f"/login alice {WORD}")
        told = guest.hears()
        self.assertEqual(told[0], "-- You are logged in as alice.")
        self.assertEqual(told[1].split()[:9], first.split()[:9])
        guest.goes()
        back = self.chat.enters(f"guest {told[1].split()[8]}")
        self.assertEqual(back.person.inbox, "@alice")

    def test_who_was_released_does_not_come_back_by_its_token(self) -> None:
        alice, bob = self.chat.registered("alice"), self.chat.join("bob")
        alice.types("/resume")
        token = alice.hears()[-1].split()[8]
        bob.types(f"/login alice {WORD}", "/release alice", "/release alice")
        heard = bob.hears()
        self.assertIn("alice left the chat", heard)
        self.assertIn("[no-such-nick]", heard[-1])
        self.assertEqual(alice.disconnects, 1)
        alice.goes()
        self.assertEqual(self.chat.offers(f"alice {token}")[1], "bad-token")

    def test_who_goes_while_the_password_is_checked_leaves_nothing(self) -> None:
        pending: Deferred[bytes] = Deferred()
        self.chat = AccountsChat(checkers=[cast("ICredentialsChecker", Asks(pending))])
        guest, _ = self.chat.offers("alice secret")
        self.assertIs(guest.session.state, State.CLAIMING)
        guest.goes()
        pending.callback(b"alice")
        self.assertEqual(self.chat.hub.people(), [])
        self.assertEqual(self.chat.hub.connections_of(self.chat.account("alice").identity), ())


class ChangedElsewhere(SynchronousTestCase):
    """What chat-admin does is known at once."""

    def setUp(self) -> None:
        self.chat = AccountsChat()
        self.chat.add("alice")
        self.alice = self.chat.enters(f"alice {WORD}")
        self.alice.hears()

    def test_a_role(self) -> None:
        change = with_role(self.chat.account("alice"), Role.ADMIN)
        self.chat.records.change(ACCOUNT, "alice", change)
        self.chat.turn()
        assert self.alice.person.account is not None
        self.assertIs(self.alice.person.account.role, Role.ADMIN)
        self.assertEqual(self.alice.hears(), ["-- You are logged in as alice, an admin."])

    def test_nobody_comes_back_as_who_was_removed(self) -> None:
        """Not with its token either: its roles would be there again."""
        self.alice.types("/join #dev")
        token = token_of(self.alice)
        self.alice.types("/quit")
        self.chat.remove("alice")
        again = self.chat.connect()
        failure = self.failureResultOf(again.claims(token), ChatError)
        self.assertEqual(failure.value.code, "bad-token")

    def test_a_removed_account_is_nobodys(self) -> None:
        moved: list[tuple[str, str]] = []
        self.chat.hub.on_identity(lambda person, old: moved.append((old, person.inbox)))
        self.chat.remove("alice")
        self.chat.turn()
        self.assertIsNone(self.alice.person.account)
        self.assertEqual(moved, [("@alice", self.alice.person.inbox)])
        self.assertNotEqual(self.alice.person.inbox, "@alice")
        self.assertEqual(len(self.alice.hears()), 1)
        self.alice.types("/nick other", "/nick alice")
        self.assertEqual(self.alice.nick, "alice")

    def test_a_guest_gives_way_to_an_account_that_is_made(self) -> None:
        guest = self.chat.enters("bob")
        self.chat.add("bob")
        self.chat.turn()
        self.assertRegex(guest.nick, "^guest-")
        self.assertEqual(self.chat.offers("bob")[1], "nick-registered")

    def test_with_the_account_its_roles_are_gone(self) -> None:
        self.alice.types("/join #dev")
        room = self.chat.hub.rooms.named(self.alice.person, "#dev")
        admission = self.chat.hub.rooms.admission
        self.assertIs(admission.role(self.alice.person, room), Role.FOUNDER)
        self.chat.remove("alice")
        self.assertIs(admission.role(self.alice.person, room), Role.GUEST)

    def test_expiry_spares_who_is_here(self) -> None:
        self.chat.add("bob")
        self.chat.now = NOW + 1000
        self.assertEqual(self.successResultOf(self.chat.hub.expire(999)), 1)
        self.assertIsNotNone(self.chat.hub.accounts.find("alice"))


@implementer(ICredentialsChecker)
class Asks:
    """A checker that answers what it is told to; counts how often it is asked."""

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.asked = 0

    def requestAvatarId(self, credentials: object) -> object:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class OtherCheckers(SynchronousTestCase):
    """Passwords that are known elsewhere (--auth)."""

    def chat(self, *checkers: object) -> AccountsChat:
        return AccountsChat(checkers=checkers)  # type: ignore[arg-type]

    def test_an_account_is_made_at_the_first_login(self) -> None:
        chat = self.chat(InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret"))
        self.assertEqual(chat.offers("alice secrets")[1], "bad-password")
        self.assertEqual(chat.offers("bob secret")[1], "bad-password")
        self.assertEqual(len(chat.hub.accounts), 0)
        alice = chat.enters("alice secret")
        account = chat.account("alice")
        self.assertEqual((account.password, alice.person.inbox), ("", account.identity))
        alice.goes()
        self.assertEqual(chat.offers("alice")[1], "nick-registered")
        self.assertEqual(chat.enters("ALICE secret").person.inbox, account.identity)

    def test_nobody_registers(self) -> None:
        chat = self.chat(InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret"))
        guest, alice = chat.join("guest"), chat.enters("alice secret")
        guest.types(f"/register {WORD}")
        alice.types("/password secret other-word")
        for one in (guest, alice):
            self.assertIn("[not-allowed]", one.hears()[-1])

    def test_accounts_with_a_password_of_ours_keep_it(self) -> None:
        checker = Asks(succeed(b"alice"))
        chat = self.chat(checker)
        chat.add("alice")
        self.assertEqual(chat.offers("alice secret")[1], "bad-password")
        chat.enters(f"alice {WORD}")
        self.assertEqual(checker.asked, 0)

    def test_one_after_the_other_is_asked(self) -> None:
        chat = self.chat(
            Asks(fail(UnauthorizedLogin())),
            InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret"),
        )
        chat.enters("alice secret")

    def test_one_that_crashes_is_logged_and_told_apart(self) -> None:
        for answer in (RuntimeError("secret"), fail(RuntimeError("secret")), succeed(b"a:b")):
            chat = self.chat(Asks(answer))
            guest = chat.join("guest")
            guest.types("/login alice secret")
            self.assertNotIn("secret", "".join(guest.hears()))
            self.assertEqual(guest.session.state, State.JOINED)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_one_that_hangs_is_given_up(self) -> None:
        chat = self.chat(Asks(Deferred()))
        guest = chat.join("guest")
        guest.types("/login alice secret", "after")
        chat.clock.advance(PATIENCE - 1)
        self.assertEqual(guest.hears(), [])
        chat.clock.advance(2)
        heard = guest.hears()
        self.assertIn("[busy]", heard[0])
        self.assertEqual(heard[1], "guest: after")

    def test_the_anonymous_are_nobody(self) -> None:
        self.assertEqual(self.chat(Asks(succeed(()))).offers("alice secret")[1], "bad-password")
