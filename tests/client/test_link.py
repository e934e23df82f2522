"""The client's connection: how it gets in, what it lets through, how it comes back."""

from errno import ECONNREFUSED
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError, ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatservice.client.link import ANSWER, LONGEST, LONGEST_PAUSE, THROWN, Link
from chatservice.events import Event, Kind
from chatservice.names import MAX_NICK
from chatservice.plain import render
from chatservice.text import clean
from tests.fakes import quick

TAKEN = "! That nickname is taken. [nick-taken]"


TOKEN = "~" + "t" * 22
OWN = ("/resume", "/time here")  # what the link sends by itself


class Wire(StringTransport):
    """A connection's client side; like a socket's, its end is told a moment later."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.protocol: Protocol
        self.aborted = False

    def loseConnection(self) -> None:
        super().loseConnection()
        self._clock.callLater(0, self.close)

    def abortConnection(self) -> None:
        self.aborted = True
        self._clock.callLater(0, self.close, ConnectionAborted())

    def close(self, error: Exception | None = None) -> None:
        if self.connected:
            self.connected = False
            self.protocol.connectionLost(Failure(error or ConnectionDone()))


class Server:
    """An endpoint, and the other side of its connections.

    :ivar wires: all connections that were made.
    :ivar error: why connecting fails from now on; None if it does not.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.wires: list[Wire] = []
        self._said: list[str] = []
        self._own: list[str] = []
        self.error: Exception | None = None

    def connect(self, factory: Any) -> Deferred[IProtocol]:
        if self.error is not None:
            return fail(self.error)
        wire = Wire(self._clock)
        wire.protocol = factory.buildProtocol(None)
        self.wires.append(wire)
        self._own.clear()
        wire.protocol.makeConnection(wire)
        return succeed(wire.protocol)  # type: ignore[arg-type]

    def says(self, *lines: str | bytes) -> None:
        for line in lines:
            data = line.encode() if isinstance(line, str) else line
            self.wires[-1].protocol.dataReceived(data + b"\r\n")

    def welcomes(self, *lines: str, read: str = "#lobby:0 @:0") -> None:
        """Let the client in, and tell it lines before the present begins."""
        self.says("NICK", "Connected to the server", *lines)
        self.settles(read)

    def settles(self, read: str = "#lobby:0 @:0") -> None:
        """Answer what the link asked by itself: a token, and what has been read."""
        self._take()
        while self._own:
            resumes = self._own.pop(0) == "/resume"
            self.says(comes_back(read) if resumes else "-- Each line has its time now.")
            self._take()

    def said(self) -> list[str]:
        """Return what the client sent since this was last asked, but for the link's own."""
        self._take()
        said = self._said.copy()
        self._said.clear()
        return said

    def own(self) -> list[str]:
        """Return the link's own commands since this was last asked, to be answered by hand."""
        self._take()
        own = self._own.copy()
        self._own.clear()
        return own

    def _take(self) -> None:
        data: bytes = self.wires[-1].value()
        self.wires[-1].clear()
        for line in data.decode().splitlines():
            (self._own if line in OWN else self._said).append(line)

    def closes(self) -> None:
        """Close the connection, and let the client notice."""
        self.wires[-1].close()
        self._clock.advance(0)


def comes_back(read: str, nick: str = "alice") -> str:
    """Return the answer to /resume."""
    return f"-- To come back, answer NICK with: {nick} {TOKEN} {read}"


class Listener:
    """A user who keeps what the link tells."""

    def __init__(self) -> None:
        self.nicks: list[str] = []
        self.presents: list[bool] = []
        self.events: list[Event] = []
        self.refusals: list[str] = []
        self.losses: list[tuple[str, float]] = []
        self.locks: list[str] = []
        self.endings: list[str] = []

    def joined(self, nick: str) -> None:
        self.nicks.append(nick)

    def present(self, whole: bool) -> None:
        self.presents.append(whole)

    def heard(self, event: Event) -> None:
        self.events.append(event)

    def refused(self, reason: str) -> None:
        self.refusals.append(reason)

    def locked(self, refusal: Event) -> None:
        self.locks.append(refusal.nick)

    def lost(self, reason: str, pause: float) -> None:
        self.losses.append((reason, pause))

    def thrown_out(self, reason: str) -> None:
        self.endings.append(reason)


class LinkCase(SynchronousTestCase):
    """A link that has started."""

    def setUp(self) -> None:
        self.begin("alice")

    def begin(
        self,
        nick: str,
        error: Exception | None = None,
        password: str = "",
        private: bool = True,
    ) -> None:
        self.clock, self.user = Clock(), Listener()
        self.server = Server(self.clock)
        self.server.error = error
        self.link = Link(
            self.clock, self.server, nick, self.user, password=password, private=private
        )
        self.link.start()
        self.clock.advance(0)

    def comes_back(self) -> None:
        self.clock.advance(self.user.losses[-1][1])


REGISTERED = "! alice is registered: answer NICK with its password. [nick-registered]"
WRONG = "! Wrong account or password. [bad-password]"


class Passwords(LinkCase):
    """Registered nicknames."""

    def test_the_user_is_asked_for_one(self) -> None:
        """Until it is right; it is kept for the next time."""
        self.server.says("NICK", REGISTERED, "NICK")
        self.assertEqual((self.server.said(), self.user.locks), (["alice"], ["nick-registered"]))
        self.link.unlock("correct horse")
        self.assertEqual(self.server.said(), ["alice correct horse"])
        self.server.says(WRONG, "NICK")
        self.assertEqual(self.user.locks, ["nick-registered", "bad-password"])
        self.link.unlock("battery staple")
        self.assertEqual(self.server.said(), ["alice battery staple"])
        self.server.welcomes()
        self.assertEqual((self.user.nicks, self.link.nick), (["alice"], "alice"))

    def test_what_was_given_is_sent_only_when_it_is_asked_for(self) -> None:
        """By the server, and for the nickname that it belongs to."""
        self.begin("alice", password="secret")
        self.server.says("NICK")
        self.assertEqual(self.server.said(), ["alice"])
        self.server.says(REGISTERED, "NICK")
        self.assertEqual((self.server.said(), self.user.locks), (["alice secret"], []))
        self.begin("alice", password="secret")
        self.server.says("NICK", TAKEN, "NICK", REGISTERED, "NICK")
        self.assertEqual(
            (self.server.said(), self.user.locks), (["alice", "alice2"], ["nick-registered"])
        )

    def test_what_was_given_is_not_sent_where_others_can_read_it(self) -> None:
        """A person may decide to."""
        self.begin("alice", password="secret", private=False)
        self.server.says("NICK", REGISTERED, "NICK")
        self.assertEqual((self.server.said(), self.user.locks), (["alice"], ["nick-registered"]))
        self.link.unlock("secret")
        self.assertEqual(self.server.said(), ["alice secret"])

    def test_a_wrong_one_is_not_tried_again(self) -> None:
        """By itself."""
        self.begin("alice", password="wrong")
        self.server.says("NICK", REGISTERED, "NICK", WRONG, "NICK")
        self.assertEqual(self.server.said(), ["alice", "alice wrong"])
        self.assertEqual(self.user.locks, ["bad-password"])
        self.server.closes()
        self.comes_back()
        self.server.says("NICK", REGISTERED, "NICK")
        self.assertEqual(self.server.said(), ["alice"])

    def test_coming_back_takes_the_token_and_without_it_the_password(self) -> None:
        self.begin("alice", password="secret")
        self.server.says("NICK", REGISTERED)
        self.server.welcomes()
        self.server.said()
        self.server.closes()
        self.comes_back()
        self.server.says("NICK")
        self.assertEqual(self.server.said(), [f"alice {TOKEN} #lobby:0 @:0"])
        self.server.says("! No such token. [bad-token]", "NICK", REGISTERED, "NICK")
        self.assertEqual(self.server.said(), ["alice", "alice secret"])

    def test_a_password_goes_with_another_nickname(self) -> None:
        self.server.says("NICK", REGISTERED, "NICK")
        self.link.offer("bob", "secret")
        self.assertEqual((self.server.said(), self.link.nick), (["alice", "bob secret"], "bob"))

    def test_without_encryption_it_is_said_how_to_have_it(self) -> None:
        self.server.says("NICK", "! Not encrypted. [needs-encryption]", "NICK")
        self.assertIn("--tls", self.user.refusals[0])


class ThrownOut(LinkCase):
    """Coming back is then for a person to decide."""

    def test_it_does_not_come_back(self) -> None:
        """Whatever the others say meanwhile."""
        for code in ("kicked", "banned"):
            self.begin("alice")
            self.server.welcomes()
            self.server.says(f"! bob {code} you: spam [{code}]", "bob: ha", "-- bob banned alice")
            self.server.closes()
            self.assertEqual((self.user.endings, self.user.losses), ([f"bob {code} you: spam"], []))
            self.assertTrue(self.link.thrown)

    def test_who_is_not_even_let_in_does_not_either(self) -> None:
        self.server.says("NICK", "! You are banned. [banned]")
        self.server.closes()
        self.assertEqual((self.user.endings, self.user.losses), (["You are banned"], []))

    def test_another_nickname_may_do(self) -> None:
        """When the server asks for one."""
        self.server.says("NICK", "! That is banned. [banned]", "NICK")
        self.assertEqual((self.user.refusals, self.link.thrown), (["That is banned."], True))
        self.link.offer("bob")
        self.server.welcomes()
        self.assertFalse(self.link.thrown)
        self.server.closes()
        self.assertEqual((self.user.endings, len(self.user.losses)), ([], 1))

    def test_out_of_a_room_is_not_out_of_the_chat(self) -> None:
        """Nor is a ban that was told long before the connection was lost."""
        for lines in (
            ["! bob kicked you. [kicked]", "bob kicked alice out of #dev: spam"],
            ["! bob kicked you. [kicked]", "-- You are in #lobby now."],
        ):
            self.begin("alice")
            self.server.welcomes()
            self.server.says(*lines)
            self.server.closes()
            self.assertEqual((self.user.endings, len(self.user.losses)), ([], 1))
        self.begin("alice")
        self.server.welcomes()
        self.server.says("! You are banned from #dev. [banned]")
        self.clock.advance(THROWN)
        self.server.closes()
        self.assertEqual((self.user.endings, len(self.user.losses)), ([], 1))


class Nicknames(LinkCase):
    """Getting in."""

    def test_the_question_is_answered(self) -> None:
        """Not before it is asked; then the chat is open."""
        self.assertEqual(self.server.said(), [])
        self.server.says("NICK")
        self.assertEqual(self.server.said(), ["alice"])
        self.assertFalse(self.link.joined or self.link.send("early"))
        self.server.says("Connected to the server")
        self.assertEqual(self.user.nicks, ["alice"])
        self.server.settles()
        self.assertTrue(self.link.send("héllo"))
        self.assertEqual(self.server.said(), ["héllo"])
        self.assertEqual(self.user.events, [])

    def test_a_nickname_is_normalized(self) -> None:
        """As the server will write it."""
        self.begin(" e\u0301va ")
        self.server.says("NICK")
        self.assertEqual(self.server.said(), ["éva"])

    def test_a_taken_nickname_gets_a_number(self) -> None:
        """Until one is free; a long one stays as short as it must."""
        for nick, second in (("alice", "alice2"), ("x" * MAX_NICK, "x" * (MAX_NICK - 1) + "2")):
            self.begin(nick)
            self.server.says("NICK", TAKEN, "NICK")
            self.assertEqual(self.server.said(), [nick, second])
            self.server.says(TAKEN, "NICK", "Connected to the server")
            third = second[:-1] + "3"
            self.assertEqual((self.server.said(), self.user.nicks), ([third], [third]))
            self.assertEqual(self.user.refusals, [])

    def test_the_user_is_asked_when_it_is_refused_otherwise(self) -> None:
        """And what is offered instead may be taken, too."""
        self.server.says("NICK", "! No such nicknames. [nick-invalid]", "NICK")
        self.assertEqual(self.server.said(), ["alice"])
        self.assertEqual(self.user.refusals, ["No such nicknames."])
        self.link.offer(" bob ")
        self.assertEqual(self.server.said(), ["bob"])
        self.server.says(TAKEN, "NICK", "Connected to the server")
        self.assertEqual(self.server.said(), ["bob2"])
        self.assertEqual(self.user.nicks, ["bob2"])

    def test_an_offer_without_a_connection_is_for_the_next(self) -> None:
        """The person took long to think."""
        self.server.says("NICK", "! No. [nick-invalid]", "NICK")
        self.server.closes()
        self.link.offer("bob")
        self.comes_back()
        self.server.says("NICK")
        self.assertEqual(self.server.said(), ["bob"])

    def test_a_nickname_is_offered_only_when_asked_for(self) -> None:
        """It would be said in the room otherwise; here the person typed before the question."""
        self.server.says("NICK", "! No. [nick-invalid]", "NICK")
        self.server.closes()
        self.comes_back()
        self.server.said()
        self.link.offer("bob")
        self.assertEqual(self.server.said(), [])
        self.server.says("NICK", "Connected to the server", "NICK")
        self.assertEqual(self.server.said(), ["bob"])

    def test_a_rename_is_followed_on_the_next_connection(self) -> None:
        """One's own; not another's."""
        self.server.welcomes()
        self.server.says("bob is now known as rob", "alice is now known as al")
        self.assertEqual((self.link.nick, self.server.said()), ("al", ["alice"]))
        self.assertEqual([event.kind for event in self.user.events], [Kind.RENAMED] * 2)
        self.server.closes()
        self.comes_back()
        self.server.welcomes()
        self.assertEqual(self.server.said(), [f"al {TOKEN} #lobby:0 @:0"])


class ComingBack(LinkCase):
    """Lost connections."""

    def assert_pauses(self, first: int) -> None:
        """Assert that the losses from this one on have growing pauses, with some chance in them."""
        for n, (_, pause) in enumerate(self.user.losses[first:]):
            least = min(LONGEST_PAUSE, 0.5 * 2**n)
            self.assertTrue(least <= pause <= least + 1, f"{n}: {pause}")

    def test_pauses_grow_while_nobody_answers(self) -> None:
        """To a minute; the reason is told."""
        self.begin("alice", ConnectError(ECONNREFUSED))
        for _ in range(12):
            self.comes_back()
        self.assertEqual({reason for reason, _ in self.user.losses}, {"Connection refused"})
        self.assertEqual(len(self.user.losses), 13)
        self.assert_pauses(0)

    def test_pauses_grow_while_the_server_closes_at_once(self) -> None:
        """Although each connection succeeds; being let in is what counts."""
        for _ in range(12):
            self.server.says("NICK", "! Too many connections. [too-many-connections]")
            self.server.closes()
            self.comes_back()
        self.assertEqual({reason for reason, _ in self.user.losses}, {"Too many connections"})
        self.assert_pauses(0)
        self.server.welcomes()
        self.server.closes()
        self.assert_pauses(12)

    def test_the_reason_is_the_one_of_this_loss(self) -> None:
        """Not something that was refused long ago."""
        self.server.welcomes()
        self.server.says("! Nobody is called bob. [no-such-nick]", "carol: hi")
        self.server.closes()
        self.assertEqual(self.user.losses[-1][0], "the server closed the connection")

    def test_everything_begins_anew(self) -> None:
        """The old refusal is forgotten, and nothing can be said meanwhile."""
        self.server.says("NICK", "! No. [nick-invalid]")
        self.server.closes()
        self.assertFalse(self.link.joined or self.link.send("x"))
        self.comes_back()
        self.server.says("NICK")
        self.assertEqual((self.server.said(), self.user.refusals), (["alice"], []))

    def test_a_silent_server_is_given_up(self) -> None:
        """As an HTTP or TLS port would be; one that spoke may then be silent."""
        self.clock.advance(ANSWER - 0.1)
        self.assertFalse(self.server.wires[0].aborted)
        self.clock.pump([0.1, 0, 0])
        self.assertTrue(self.server.wires[0].aborted)
        self.assertIn("no answer within 10 seconds", self.user.losses[0][0])
        self.comes_back()
        self.server.says("NICK")
        self.clock.advance(ANSWER * 100)
        self.assertFalse(self.server.wires[1].aborted)

    def test_stop_ends_it(self) -> None:
        """Within a connection and within a pause; nobody is told of a loss."""
        for meanwhile in (self.server.welcomes, self.server.closes):
            meanwhile()
            told = len(self.user.losses)
            stopped = self.link.stop()
            self.clock.advance(0)
            self.assertIsNone(self.successResultOf(stopped))
            self.clock.advance(1000)
            self.assertEqual((len(self.server.wires), len(self.user.losses)), (1, told))
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.setUp()


class Hostile(LinkCase):
    """What the server sends can be anything."""

    def test_no_byte_drives_the_terminal(self) -> None:
        """Escapes, C1, direction marks and what is no UTF-8 are seen as replaced."""
        self.server.welcomes()
        self.server.says("bob: \x1b[2J|\x9b2J|\u202eevil|\r|\x00".encode(), b"bob: \xff|\x9b2J")
        texts = [event.text for event in self.user.events]
        self.assertEqual(texts, ["\ufffd[2J|\ufffd2J|\ufffdevil|\ufffd|\ufffd", "\ufffd|\ufffd2J"])

    def test_a_line_without_end_ends_the_connection(self) -> None:
        """And is not held in memory."""
        self.server.welcomes()
        for _ in range(2 * LONGEST // 1000):
            self.server.wires[0].protocol.dataReceived(b"x" * 1000)
        self.clock.pump([0, 0])
        self.assertTrue(self.server.wires[0].aborted)
        self.assertEqual(self.user.losses[0][0], "the server sent a line without end")

    @quick
    @given(
        st.binary()
        | st.sampled_from([b"a,b -> c: x", b"-> : ", b"! []", b"-- ", b": ", b"NICK ", b"a -> a: "])
    )
    def test_no_line_raises(self, line: bytes) -> None:
        """Before and after getting in; what is told can be shown."""
        self.begin("alice")
        self.server.says(line)
        self.server.welcomes()
        self.server.says(line)
        for event in self.user.events:
            self.assertEqual(render(event), clean(render(event)))
