"""The client in a pipe, against a server that says what a test wants."""

from errno import ECONNREFUSED

from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatservice.client.link import Link
from chatservice.client.pipe import AWAY, PATIENCE, WAITING, Pipe, PipeInput
from chatservice.text import MAX_LINE
from tests.client.test_link import Server

TOO_FAST = "! Not accepted, that was too fast: try again in 2.5 seconds. [too-fast]"


class PipeCase(SynchronousTestCase):
    """A pipe named bot; not yet in."""

    def setUp(self) -> None:
        self.begin()

    def begin(self, follow: bool = False) -> None:
        """Start a pipe."""
        self.clock = Clock()
        self.server = Server(self.clock)
        self.shown: list[str] = []
        self.warned: list[str] = []
        self.outcome: list[str | None] = []
        self.pipe = Pipe(
            self.clock, follow, self.shown.append, self.warned.append, self.outcome.append
        )
        self.pipe.link = Link(self.clock, self.server, "bot", self.pipe, stamps=follow)
        self.pipe.link.start()
        self.input = PipeInput(self.pipe)
        self.source = self.pipe.input = StringTransport()
        self.input.makeConnection(self.source)

    def enter(self) -> None:
        """Let it in."""
        self.server.welcomes()
        self.assertEqual(self.server.said()[0].split()[0], "bot")

    def enter_for_once(self) -> None:
        """Let it in, without a way to come back."""
        self.server.says("NICK", "Connected to the server")
        for _ in self.server.own():
            self.server.says("! There is no such command. [unknown-command]")
        self.server.says("bob: hi")

    def give(self, *lines: str) -> None:
        """Write lines to standard input."""
        self.input.dataReceived("".join(f"{line}\n" for line in lines).encode())

    def end(self) -> None:
        """End standard input."""
        self.input.connectionLost(Failure(ConnectionDone()))


class Refused(PipeCase):
    """Where nobody can be asked."""

    def test_a_registered_nickname_needs_its_password(self) -> None:
        """How to give it is said."""
        self.server.says("NICK", "! bot is registered. [nick-registered]", "NICK")
        self.assertEqual(len(self.outcome), 1)
        self.assertIn("--password-file or CHAT_PASSWORD", str(self.outcome[0]))
        self.begin()
        self.pipe.link.private = False
        self.server.says("NICK", "! bot is registered. [nick-registered]", "NICK")
        self.assertIn("--tls", str(self.outcome[0]))

    def test_a_wrong_password_is_the_end(self) -> None:
        self.server.says("NICK", "! Wrong. [bad-password]", "NICK")
        self.assertEqual(self.outcome, ["Wrong."])

    def test_who_is_thrown_out_does_not_come_back(self) -> None:
        """Though something is still to be said, or to be followed."""
        for follow in (False, True):
            self.begin(follow)
            self.enter()
            self.give("one")
            self.server.says("! You are banned: spam [banned]")
            self.server.closes()
            self.assertEqual((self.outcome, self.warned), (["You are banned: spam"], []))
            self.assertTrue(self.pipe.link.thrown)


class Saying(PipeCase):
    """Lines, one by one."""

    def test_what_looks_like_a_line_for_another_room_is_said_as_it_is(self) -> None:
        """In the lobby; what can be no room needs no help."""
        self.begin()
        self.enter()
        self.give("#include <stdio.h> ", "# heading", "/#a b", "#a")
        for typed, seen in (
            ("/say #lobby #include <stdio.h>", "bot: #include <stdio.h>"),
            ("# heading", "bot: # heading"),
            ("//#a b", "bot: /#a b"),
            ("#a", "bot: #a"),
        ):
            self.assertEqual(self.server.said(), [typed])
            self.server.says(seen)
        self.end()
        self.assertEqual(self.outcome, [None])

    def test_it_is_said_where_everybody_starts_whatever_that_room_is_called(self) -> None:
        self.server.welcomes("-- You are in #hall now.", read="#hall:0 @:0")
        self.server.said()
        self.give("#include <stdio.h>")
        self.assertEqual(self.server.said(), ["/say #hall #include <stdio.h>"])

    def test_each_line_waits_until_the_one_before_was_seen(self) -> None:
        """Seen as one's own; another's same words do not count."""
        self.give("one", "two")
        self.assertEqual(self.outcome, [])
        self.server.welcomes()
        self.assertEqual(self.server.said(), ["bot", "one"])
        self.server.says("bob: one", "bot: zero", "bot joined the chat", "-- bot: one")
        self.assertEqual(self.server.said(), [])
        self.server.says("bot: one")
        self.assertEqual(self.server.said(), ["two"])
        self.end()
        self.assertEqual(self.outcome, [])
        self.server.says("bot: two")
        self.assertEqual(self.outcome, [None])
        self.assertFalse(self.pipe.unfinished)
        self.assertEqual(self.shown, [])

    def test_a_renamed_pipe_knows_its_own_lines(self) -> None:
        """A taken nickname has a number."""
        self.give("one")
        self.server.says("NICK", "! Taken. [nick-taken]", "NICK", "Connected to the server")
        self.server.settles()
        self.server.says("bot: one")
        self.end()
        self.assertEqual(self.outcome, [])
        self.server.says("bot2: one")
        self.assertEqual(self.outcome, [None])

    def test_what_is_said_is_what_stands_there(self) -> None:
        """Slashes are text, blank lines nothing; the last line needs no end."""
        self.enter()
        self.give("/me x", "", "  \t", "\u3000\u00a0", "//y", " z ")
        for said, seen in (("//me x", "/me x"), ("///y", "//y"), (" z ", " z ")):
            self.assertEqual(self.server.said(), [said])
            self.server.says(f"bot: {seen}")
        self.input.dataReceived(b"crlf\r\nrest")
        self.end()
        self.assertEqual(self.server.said(), ["crlf"])
        self.server.says("bot: crlf")
        self.assertEqual(self.server.said(), ["rest"])
        self.server.says("bot: rest")
        self.assertEqual(self.outcome, [None])

    def test_too_fast_is_said_again(self) -> None:
        """When the server said."""
        self.enter()
        self.give("one")
        self.server.said()
        for _ in range(3):
            self.server.says(TOO_FAST)
            self.clock.advance(2.4)
            self.assertEqual(self.server.said(), [])
            self.clock.advance(0.1)
            self.assertEqual(self.server.said(), ["one"])
        self.assertEqual(self.outcome, [])

    def test_any_other_refusal_is_the_end(self) -> None:
        """With its reason, once."""
        self.enter()
        self.give("one", "two")
        self.server.says("! It was not stored. [not-stored]", "! More. [internal]", "bot: one")
        self.assertEqual(self.outcome, ["It was not stored."])
        self.assertEqual(self.server.said(), ["one"])
        self.assertTrue(self.pipe.unfinished)

    def test_a_line_that_is_too_long_is_refused_with_its_number(self) -> None:
        """The slash that is put before counts; so do empty lines."""
        for line, fits in (
            ("x" * MAX_LINE, True),
            ("é" * (MAX_LINE // 2), True),
            ("x" * (MAX_LINE + 1), False),
            ("é" * (MAX_LINE // 2) + "x", False),
            ("/" + "x" * (MAX_LINE - 1), False),
            ("x" * (3 << 20), False),
        ):
            self.begin()
            self.enter()
            self.give("", line)
            reason = f"line 2 is longer than {MAX_LINE} bytes: make it shorter"
            self.assertEqual(self.outcome, [] if fits else [reason], line[:3])

    def test_an_endless_line_is_refused_once(self) -> None:
        """Whatever follows."""
        self.enter()
        for _ in range(40):
            self.input.dataReceived(b"x" * (1 << 16))
        self.end()
        self.assertEqual(len(self.outcome), 1)

    def test_standard_input_waits(self) -> None:
        """It is read on as soon as half of what waited is said."""
        self.give(*(str(n) for n in range(WAITING - 1)))
        self.assertEqual(self.source.producerState, "producing")
        self.give("more")
        self.assertEqual(self.source.producerState, "paused")
        self.enter()
        said = 0
        while self.source.producerState == "paused":
            self.server.says(f"bot: {said}")
            said += 1
        self.assertEqual(said, WAITING // 2 - 1)
        self.assertEqual(self.outcome, [])

    def test_an_input_that_ended_is_not_resumed(self) -> None:
        """Nothing is there any more."""
        self.give(*(str(n) for n in range(WAITING)))
        self.end()
        self.enter()
        for n in range(WAITING):
            self.server.says(f"bot: {n}")
        self.assertEqual(self.source.producerState, "paused")
        self.assertEqual(self.outcome, [None])

    def test_nothing_to_say_is_no_failure(self) -> None:
        """Once the server let us in."""
        self.end()
        self.assertEqual(self.outcome, [])
        self.enter()
        self.assertEqual(self.outcome, [None])


class Failing(PipeCase):
    """What makes it give up."""

    def test_a_line_that_is_never_seen(self) -> None:
        """Patience ends; other people's lines do not renew it."""
        self.enter()
        self.give("one")
        self.clock.advance(PATIENCE - 1)
        self.server.says("bob: hi")
        self.assertEqual(self.outcome, [])
        self.clock.advance(1)
        self.assertEqual(self.outcome, ["a line was not seen within 30 seconds"])

    def test_a_server_that_lets_nobody_in(self) -> None:
        """It speaks, and then nothing."""
        self.server.says("NICK")
        self.clock.advance(PATIENCE)
        self.assertEqual(self.outcome, ["no answer from the server"])

    def test_patience_is_for_answers_not_for_input(self) -> None:
        """Standard input may take its time."""
        self.enter()
        self.clock.advance(PATIENCE * 10)
        self.give("one")
        self.server.says("bot: one")
        self.clock.advance(PATIENCE * 10)
        self.assertEqual(self.outcome, [])

    def test_a_lost_connection(self) -> None:
        """Without a way back; mid-way, before anything, or waiting for input: nobody knows."""
        for lines in ((), ("one",), ("one", "two")):
            self.begin()
            self.enter_for_once()
            self.give(*lines)
            self.server.closes()
            self.assertEqual(self.outcome, ["the server closed the connection"], lines)

    def test_a_refused_nickname(self) -> None:
        """Nobody is here to choose another."""
        self.server.says("NICK", "! No such nicknames. [nick-invalid]", "NICK")
        self.assertEqual(self.outcome, ["No such nicknames."])


class Following(PipeCase):
    """With --follow."""

    def setUp(self) -> None:
        self.begin(follow=True)

    def test_lines_are_shown_and_it_stays(self) -> None:
        """After the last line; what is between the pipe and the server is not shown."""
        self.give("one")
        self.enter()
        self.server.says("bob: hi", TOO_FAST, "bob joined the chat")
        self.clock.advance(2.5)
        self.server.says("bot: one")
        self.end()
        self.server.says("* bob waves", "-- note", "bob -> bot: x")
        expected = ["bob: hi", "bob joined the chat", "bot: one", "* bob waves", "-- note"]
        self.assertEqual(self.shown, [*expected, "bob -> bot: x"])
        self.assertEqual(self.outcome, [])
        self.clock.advance(PATIENCE * 10)
        self.assertEqual(self.outcome, [])

    def test_it_comes_back_if_nothing_is_unsaid(self) -> None:
        """Says so, and shows what is said then."""
        self.end()
        self.enter()
        self.server.closes()
        self.assertEqual(self.outcome, [])
        self.assertEqual(len(self.warned), 1)
        self.assertTrue(self.warned[0].startswith("the server closed the connection; trying again"))
        self.clock.advance(2)
        self.enter()
        self.server.says("bob: hi")
        self.assertEqual((self.shown, self.outcome), (["bob: hi"], []))

    def test_a_line_on_its_way_cannot_be_vouched_for(self) -> None:
        """So a loss ends it if there is no way back."""
        self.enter_for_once()
        self.give("one")
        self.end()
        self.server.closes()
        self.assertEqual(self.outcome, ["the server closed the connection"])

    def test_the_past_is_no_answer_and_a_later_error_no_refusal(self) -> None:
        """Only what is live tells of a line; and with none on its way nothing is refused."""
        self.enter()
        self.give("one")
        self.server.said()
        self.give("two")
        self.server.says("[2026-11-20 10:00:00 6] bot: one")
        self.assertEqual(self.server.said(), [])
        self.server.says("bot: one", "bot: two", "! Closing down. [closing]")
        self.assertEqual(self.outcome, [])

    def test_a_reader_who_is_gone(self) -> None:
        """The rest is said, then it ends well; nothing is shown."""
        self.enter()
        self.give("one", "two")
        self.pipe.reader_gone()
        self.server.says("bot: one", "bot: two")
        self.assertEqual(self.outcome, [])
        self.end()
        self.assertEqual((self.outcome, self.shown), ([None], []))

    def test_a_reader_who_is_gone_after_the_last_line(self) -> None:
        """Ends it at once."""
        self.enter()
        self.end()
        self.assertEqual(self.outcome, [])
        self.pipe.reader_gone()
        self.assertEqual(self.outcome, [None])

    def test_the_past_is_shown_with_its_date(self) -> None:
        """As on the wire; what is live is bare, however it came."""
        past = "[2026-11-20 10:00:00 6] bob: old"
        self.server.says("NICK", "Connected to the server", past)
        self.server.settles("#lobby:6 @:0")
        self.server.says("[10:00:00 7] bob: new", "* bob waves")
        self.assertEqual(self.shown, [past, "bob: new", "* bob waves"])


class ComingBack(PipeCase):
    """After a lost connection, with a way back; whether it follows or not."""

    def loses(self, follow: bool, *lines: str) -> None:
        """Say lines, see none, and get a new connection."""
        self.begin(follow)
        self.server.welcomes(read="#lobby:4 @:0")
        self.give(*lines)
        self.server.closes()
        self.server.said()
        self.assertEqual(self.outcome, [])
        self.clock.advance(2)

    def test_what_was_missed_tells_whether_a_line_was_accepted(self) -> None:
        """If it was the next is said, if not that one again; not before the present begins."""
        for follow in (False, True):
            for missed, said in (
                (["[2026-11-20 10:00:00 5] bot: one"], ["two"]),
                (["[2026-11-20 10:00:00 5] bob: one"], ["one"]),
                ([], ["one"]),
            ):
                self.loses(follow, "one", "two")
                self.server.says("NICK", "Connected to the server", "-- Kept.", *missed)
                self.assertEqual(self.server.said()[1:], [])
                self.server.settles(f"#lobby:{4 + len(missed)} @:0")
                self.assertEqual((self.server.said(), self.outcome), (said, []))

    def test_nobody_can_tell(self) -> None:
        """The token is refused, something is no longer kept, or there is no answer: give up."""
        for follow in (False, True):
            for lines in (
                ["NICK", "! Too old. [bad-token]", "NICK", "Connected to the server"],
                ["NICK", "Connected to the server", "[2026-11-20 10:00:00 6] bob: hi"],
            ):
                self.loses(follow, "one")
                self.server.says(*lines)
                self.server.settles("#lobby:6 @:0")
                self.assertEqual(self.outcome, ["the server closed the connection"])
            self.loses(follow, "one")
            self.server.says("NICK", "Connected to the server")
            self.clock.advance(100)
            self.assertEqual(self.outcome, ["the server closed the connection"])

    def test_what_was_not_sent_or_was_refused_is_said_in_any_case(self) -> None:
        """That it was not accepted is certain."""
        self.loses(False)
        self.give("one")
        self.server.says("NICK", "! Too old. [bad-token]", "NICK", "Connected to the server")
        self.server.settles()
        self.assertEqual(self.server.said()[2:], ["one"])
        self.server.says(TOO_FAST)
        self.server.closes()
        self.clock.advance(2)
        self.server.says("NICK", "! Too old. [bad-token]", "NICK", "Connected to the server")
        self.server.settles()
        self.assertEqual((self.server.said()[2:], self.outcome), (["one"], []))

    def test_patience_ends(self) -> None:
        """For who does not follow; the first reason counts, and nothing is left behind."""
        self.begin()
        self.enter()
        self.give("one")
        self.server.error = ConnectError(ECONNREFUSED)
        self.server.closes()
        while not self.outcome:
            self.clock.advance(1)
        self.assertTrue(AWAY - 2 < self.clock.seconds() < AWAY + 2)
        self.assertEqual(self.outcome, ["the server closed the connection"])
        self.assertIn("Connection refused; trying again in ", self.warned[-1])
        self.pipe.link.stop()
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_follows_is_patient(self) -> None:
        """It may take the server a day."""
        self.begin(follow=True)
        self.server.welcomes(read="#lobby:4 @:0")
        self.give("one")
        self.server.error = ConnectError(ECONNREFUSED)
        self.server.closes()
        self.clock.pump([60] * 24 * 60)
        self.server.error = None
        while not self.server.wires[-1].connected:
            self.clock.advance(1)
        self.server.welcomes(read="#lobby:4 @:0")
        self.assertEqual((self.server.said()[-1:], self.outcome), (["one"], []))

    def test_a_refusal_of_something_else_ends_nothing(self) -> None:
        """While it is not known what became of the line."""
        self.loses(False, "one")
        self.server.says("NICK", "Connected to the server", "! No. [not-read]")
        self.server.settles("#lobby:4 @:0")
        self.assertEqual(self.outcome, [])
