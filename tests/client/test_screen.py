"""A person at a terminal: keys in, rows out, with a server that says what a test wants."""

from functools import partial

import pyte
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatservice.client.link import Link
from chatservice.client.look import Look
from chatservice.client.outbox import MOST
from chatservice.client.screen import Keyboard, Screen
from chatservice.text import MAX_LINE
from tests.client.test_link import Server

TOO_FAST = "! Not accepted, that was too fast: try again in 2.5 seconds. [too-fast]"
REFUSED = ("NICK", "! No such nicknames. [nick-invalid]", "NICK")
PROMPT = b"alice> "


class ScreenCase(SynchronousTestCase):
    """Alice at her terminal; not yet in."""

    def setUp(self) -> None:
        self.begin()

    def begin(self, columns: int = 60) -> None:
        """Start a client on a terminal that is so wide."""
        self.clock = Clock()
        self.server = Server(self.clock)
        self.size = columns, 20
        self.calls: list[str] = []
        leave, suspend = (partial(self.calls.append, name) for name in ("leave", "suspend"))
        self.screen = Screen(self.clock, Look(False), lambda: self.size, leave, suspend)
        self.screen.link = Link(self.clock, self.server, "alice", self.screen)
        self.keyboard = Keyboard(self.screen)
        self.wire = StringTransport()
        self.glass = pyte.Screen(*self.size)
        self.keyboard.makeConnection(self.wire)
        self.screen.connecting("localhost:1")
        self.screen.link.start()

    def enter(self) -> None:
        self.server.welcomes()
        self.server.says("-- 3 here: alice bob carol")
        self.assertEqual(self.server.said()[1:], ["/who"])

    def types(self, keys: str | bytes) -> None:
        self.keyboard.dataReceived(keys if isinstance(keys, bytes) else keys.encode())

    def written(self) -> bytes:
        """Return what was written to the terminal since this was last asked."""
        data: bytes = self.wire.value()
        self.wire.clear()
        pyte.ByteStream(self.glass).feed(data)
        return data

    def rows(self) -> list[str]:
        """Return what the terminal shows, down to the last row that is not empty."""
        self.written()
        return "\n".join(row.rstrip() for row in self.glass.display).rstrip("\n").split("\n")

    def typed(self) -> str:
        """Return the row with the cursor, | where it stands; without the prompt."""
        rows = [*self.rows(), ""]
        row, at = rows[self.glass.cursor.y], self.glass.cursor.x
        return (row[:at].ljust(at) + "|" + row[at:]).removeprefix("alice> ")


REGISTERED = "! alice is registered: if it is yours, ... [nick-registered]"


class Passwords(ScreenCase):
    """Never shown, never kept."""

    def seen(self) -> str:
        """Return everything that was ever written to the terminal."""
        return self.ever.decode()

    def begin(self, columns: int = 60) -> None:
        super().begin(columns)
        self.ever = b""

    def written(self) -> bytes:
        data = super().written()
        self.ever += data
        return data

    def test_in_a_command_it_shows_as_dots(self) -> None:
        """And cannot be recalled."""
        self.enter()
        for line in ("/login xyzzy", "/register xyzzy", "/password xyzzy xyzzy", "/LOGIN bo xyzzy"):
            self.types("hi\r")
            self.server.said()
            self.server.says("alice: hi")
            for key in line:
                self.types(key)
                self.written()
            command, _, rest = line.partition(" ")
            self.assertEqual(self.typed(), f"{command} {'•' * len(rest)}|")
            self.types("\r")
            self.assertEqual(self.server.said(), [line])
            self.server.says("-- Done.")
            self.types("\x1b[A")
            self.assertEqual(self.typed(), "hi|")
            self.types("\x15")
        self.assertNotIn("xyzzy", self.seen())

    def test_it_is_not_said_by_mistake(self) -> None:
        """With a blank before the command, or with the command taken away."""
        self.begin(100)
        self.enter()
        self.types(" /login xyzzy\r")
        self.assertEqual(self.typed(), " /login •••••|")
        self.assertIn("would be said to all", self.rows()[-2])
        self.types("\x01\x1b[3~" * 8 + "\r")
        self.assertEqual(self.typed(), "|•••••")
        self.assertIn("not sent", self.rows()[-2])
        self.types("\x03")
        self.assertEqual((self.typed(), self.server.said()), ("|", []))
        self.assertNotIn("xyzzy", self.seen())

    def test_it_is_asked_for_a_registered_nickname(self) -> None:
        """Until it is right."""
        self.server.says("NICK", REGISTERED, "NICK")
        self.server.said()
        for password, answer in (("wrong", "! Wrong. [bad-password]"), ("xyzzy no", "")):
            for key in password:
                self.types(key)
                self.written()
            self.assertEqual(self.rows()[-1], f"password of alice> {'•' * len(password)}")
            self.types("\r")
            self.assertEqual(self.server.said(), [f"alice {password}"])
            if answer:
                self.server.says(answer, "NICK")
        self.server.welcomes()
        self.assertEqual(self.typed(), "|")
        self.types("\x1b[A")
        self.assertEqual(self.typed(), "|")
        self.assertNotIn("xyzzy", self.seen())

    def test_only_enter_takes_another_nickname(self) -> None:
        """Which may have a password behind it at once."""
        self.server.says("NICK", REGISTERED, "NICK")
        self.types("\r")
        self.assertEqual(self.rows()[-1], "nickname>")
        self.types("bob xyzzy")
        self.assertEqual(self.rows()[-1], "nickname> bob •••••")
        self.types("\r")
        self.assertEqual(self.server.said(), ["alice", "bob xyzzy"])
        self.assertEqual(self.rows()[-1], "bob>")
        self.assertNotIn("xyzzy", self.seen())

    def test_who_can_be_overheard_is_told_once(self) -> None:
        """Before it is too late."""
        self.screen.link.private = False
        self.enter()
        self.types("/login xyzzy\r")
        self.assertEqual((self.server.said(), self.typed()), ([], "/login •••••|"))
        self.assertIn("not encrypted", " ".join(self.rows()))
        self.types("\r")
        self.assertEqual(self.server.said(), ["/login xyzzy"])

    def test_what_was_half_typed_when_the_connection_was_lost_stays_hidden(self) -> None:
        """Also if it is no longer asked for, and is not said then."""
        self.enter()
        self.server.closes()
        self.clock.advance(5)
        self.server.says("NICK", "! No. [bad-token]", "NICK", REGISTERED, "NICK")
        self.types("xyzzy")
        self.server.closes()
        self.assertEqual(self.typed(), "•••••|")
        self.clock.advance(9)
        self.server.welcomes()
        self.server.says("-- 1 here: alice")
        self.server.said()
        self.types("\r")
        self.assertEqual((self.server.said(), self.typed()), ([], "•••••|"))
        self.assertNotIn("xyzzy", self.seen())

    def test_how_to_encrypt_is_said_where_that_is_needed(self) -> None:
        self.begin(100)
        self.enter()
        self.server.says("! Only over an encrypted connection. [needs-encryption]")
        self.assertIn("chat-client --tls", self.rows()[-2])


class Rooms(ScreenCase):
    """Where one is, and no longer is."""

    def test_the_prompt_names_the_room_once_the_server_has(self) -> None:
        """Who never leaves the first room needs no name."""
        self.enter()
        self.assertEqual(self.rows()[-1], "alice>")
        for room in ("#dev", "#lobby"):
            self.server.says(f"-- You are in {room} now.")
            self.types("hi")
            self.assertEqual(self.rows()[-1], f"alice {room}> hi")
            self.types("\x15")

    def test_who_is_thrown_out_is_told_why_and_it_is_over(self) -> None:
        self.enter()
        self.server.says("! bob kicked you out of the chat: spam [kicked]")
        self.server.closes()
        self.assertIn("! bob kicked you out of the chat: spam [kicked]", self.rows())
        self.assertEqual(self.calls, ["leave"])
        self.assertEqual(self.screen.ending, "bob kicked you out of the chat: spam")

    def test_who_was_kicked_is_completed_no_more(self) -> None:
        self.enter()
        self.server.says("alice kicked bob out of the chat: spam")
        self.types("bo\t")
        self.assertEqual(self.typed(), "bo|")


class Typing(ScreenCase):
    """The line being typed."""

    def test_keys(self) -> None:
        """A table: the bytes, then the line with | for the cursor."""
        for keys, expected in (
            ("hello", "hello|"),
            ("ab\x1b[Dc", "ac|b"),
            ("ab\x1bODc", "ac|b"),
            ("one two\x1b[1;5Dx", "one x|two"),
            ("one two\x1b[1;5D\x1b[1;5D\x1b[1;5Cx", "onex| two"),
            ("one two\x1b[1;3Dx", "one x|two"),
            ("one two\x1bbx", "one x|two"),
            ("ab\x1b[Hx\x1b[Fy", "xaby|"),
            ("ab\x1b[1~x\x1b[4~y", "xaby|"),
            ("ab\x1bOHx\x1bOFy", "xaby|"),
            ("ab\x1b[D\x1b[3~", "a|"),
            ("ab\x7f\x08", "|"),
            ("ab\x01\x0b\x19\x19", "abab|"),
            ("héé\x7f中", "hé中|"),
            ("ab\x01\x04", "|b"),
        ):
            self.begin()
            self.types(keys)
            # pyte fills the second column of a wide character with a blank of no width
            self.assertEqual(self.typed().replace("中 |", "中|"), expected, keys)

    def test_keys_without_a_character_type_nothing(self) -> None:
        """Page keys, function keys, shift-tab and what nobody knows."""
        self.types("a")
        for keys in (
            *(f"\x1b[{n}~" for n in range(5, 35)),
            *("\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[2~", "\x1b[E", "\x1b[Z", "\x1b[I"),
            *("\x1b[1;2P", "\x1b[5;5~", "\x1b[1;9A", "\x1b[R", "\x1b[1;1R", "\x1bx", "\x1b\x1b"),
            *("\x00", "\x1c", "\x1d", "\x1f"),
        ):
            self.types(keys)
            self.assertEqual(self.typed(), "a|", keys)

    def test_a_character_may_come_in_parts(self) -> None:
        """Byte by byte; one cut short by a key is dropped, and what is no text is replaced."""
        self.enter()
        for byte in "é中👍\r".encode():
            self.types(bytes([byte]))
        self.assertEqual(self.server.said(), ["é中👍"])
        self.types(b"a\xe4\xb8\x1b[Db")
        self.assertEqual(self.typed(), "b|a")

        self.types(b"\x15\x0b\xff\xc2\x9b\xe2\x80\xae")
        self.assertEqual(self.typed(), "\ufffd\ufffd\ufffd|")

    def test_tab_completes(self) -> None:
        """Who is here, but not alice; then commands."""
        self.enter()
        for word, completed in (("", ""), ("ca", "carol: "), ("al", "al"), ("/w", "/who ")):
            self.types(f"\x15{word}\t")
            self.assertEqual(self.typed(), f"{completed}|")

    def test_json_is_not_asked_for(self) -> None:
        """Nobody could read what comes then, nor leave it again."""
        self.enter()
        self.types("/JSON on\r")
        self.written()
        self.assertEqual(self.server.said(), [])
        self.assertIn("-- That is for programs; you would not see any more.", self.rows())

    def test_a_line_that_is_too_long_is_kept(self) -> None:
        """With a notice; shortened, it goes."""
        self.enter()
        self.types("x" * (MAX_LINE + 1))
        self.assertEqual(self.written().count(PROMPT), 5)  # four lines before, and the paste once
        self.types("\r")
        self.assertIn("-- That is longer than 1024 bytes: shorten it.", self.rows())
        self.types("\x7f\r")
        self.assertEqual(self.server.said(), ["x" * MAX_LINE])
        self.assertEqual(self.typed(), "|")


class Sending(ScreenCase):
    """Lines on their way."""

    def setUp(self) -> None:
        self.begin()
        self.enter()

    def test_pasted_lines_go_out_one_by_one(self) -> None:
        """In order, at the server's speed, and the paste is one drawing."""
        lines = [f"line {n}" for n in range(40)]
        self.written()
        self.types("\r".join(lines) + "\r\n\r \r")
        self.assertEqual(self.written().count(PROMPT), 1)
        for line in lines:
            self.assertEqual(self.server.said(), [line])
            if line.endswith("7"):
                self.server.says(TOO_FAST)
                self.clock.advance(2.5)
                self.assertEqual(self.server.said(), [line])
            self.server.says(f"alice: {line}")
        self.assertEqual(self.server.said(), [])
        shown = self.written()
        self.assertNotIn(b"[too-fast]", shown)
        self.assertEqual(shown.count(b"lines wait for the server"), 1)

    def test_a_rename_is_the_answer_to_nick(self) -> None:
        """The next line goes at once, although the event has the old nickname."""
        self.types("/nick al\rhi\r")
        self.server.says("alice is now known as al")
        self.assertEqual(self.server.said(), ["/nick al", "hi"])

    def test_too_many_lines_are_not_taken(self) -> None:
        """The last is kept for later."""
        self.types("x\r" * MOST + "last\r")
        self.assertTrue(self.rows()[-2].startswith("-- Too many lines wait"))
        self.assertEqual(self.typed(), "last|")

    def test_without_a_connection_the_line_is_kept(self) -> None:
        """And goes when there is one."""
        self.server.closes()
        self.types("hello\r")
        self.assertIn("-- Not connected: your line is kept, try again later.", self.rows())
        self.clock.advance(2)
        self.enter()
        self.types("\r")
        self.assertEqual(self.server.said(), ["hello"])

    def test_what_was_on_its_way_is_looked_for(self) -> None:
        """After coming back; it goes again only if it was not accepted."""
        for missed, said in ((["[2026-11-20 10:00:00 1] alice: one"], ["two"]), ([], ["one"])):
            self.setUp()
            self.types("one\rtwo\r")
            self.server.closes()
            self.clock.advance(2)
            self.server.said()
            self.server.welcomes(*missed, read=f"#lobby:{len(missed)} @:0")
            self.assertEqual(self.server.said()[1:], said)

    def test_interrupt(self) -> None:
        """^C clears the line, then drops the lines that wait, then leaves."""
        self.types("one\rtwo\rthree\x1b[D\x03")
        self.assertEqual(self.typed(), "|")
        self.types("\x03")
        self.assertIn("Waiting lines dropped:", self.rows()[-2])
        self.server.says("alice: one")
        self.assertEqual((self.server.said(), self.calls), (["one"], []))
        self.types("\x03")
        self.assertEqual(self.calls, ["leave"])

    def test_a_line_on_its_way_does_not_hold_back_who_leaves(self) -> None:
        """As the look at who is here, right after joining."""
        self.types("one\r\x03")
        self.assertEqual(self.calls, ["leave"])

    def test_end_of_input(self) -> None:
        """^D deletes to the right, and leaves where there is nothing at all."""
        for keys, typed, left in (("ab\x04\x01\x04", "|b", 0), ("\x04", "|", 0), ("\x04", "|", 1)):
            self.types(keys)
            self.assertEqual((self.typed(), len(self.calls)), (typed, left))

    def test_commands_to_leave(self) -> None:
        """All that the server takes for that, so that the client does not come back."""
        for line in ("/quit", "/q", "/exit", "/bye", "/quit ", "/QUIT", "/Bye"):
            self.setUp()
            self.types(f"{line}\r")
            self.assertEqual((self.calls, self.server.said()), (["leave"], []), line)

    def test_other_control_keys(self) -> None:
        """^L leaves only the line being typed; ^Z suspends."""
        self.types("abc\x0c\x1a")
        self.assertEqual((self.rows(), self.typed()), (["alice> abc"], "abc|"))
        self.assertEqual(self.calls, ["suspend"])


class Showing(ScreenCase):
    """What comes in."""

    def test_the_line_being_typed_stays_whole(self) -> None:
        """Below what is said, with its cursor."""
        self.enter()
        self.types("hello\x1b[D\x1b[D")
        self.server.says("bob: hi", "carol joined the chat")
        self.assertEqual(self.rows()[-3:], ["bob: hi", "carol joined the chat", "alice> hello"])
        self.assertEqual(self.typed(), "hel|lo")

    def test_a_line_for_alice_rings(self) -> None:
        """Others do not."""
        self.enter()
        for line, rings in (("bob: hi", 0), ("bob: hi alice", 1)):
            self.written()
            self.server.says(line)
            self.assertEqual(self.written().count(b"\a"), rings)

    def test_the_server_s_bell_rings_too(self) -> None:
        """It stands before a line; not twice, and it is no part of what was said."""
        for line, rings in {
            "\a[10:00:00 1] bob: hi": 1,
            "\abob: hi alice": 1,
            "bob: hi": 0,
        }.items():
            self.server.says(line)
            written = self.written()
            self.assertEqual(written.count(b"\a"), rings, line)
            self.assertIn(b"hi", written)
            self.assertNotIn("\ufffd".encode(), written)

    def test_the_past_rings_only_if_it_was_missed(self) -> None:
        """Not a backlog, nor what was asked for; and it is shown with its time."""
        mention = "[2001-02-03 12:00:00 {}] bob: hi alice"
        self.written()
        self.server.welcomes(mention.format(1), read="#lobby:1 @:0")
        self.assertNotIn(b"\a", self.written())
        self.server.says(mention.format(1))
        self.assertNotIn(b"\a", self.written())
        self.server.closes()
        self.clock.advance(2)
        self.written()
        self.server.welcomes(mention.format(2), read="#lobby:2 @:0")
        self.assertEqual(self.written().count(b"\a"), 1)
        shown = [row for row in self.rows() if row.endswith("bob: hi alice")]
        self.assertEqual(len(shown), 3)
        self.assertTrue(all(row.startswith("2001-02-0") for row in shown))

    def test_what_the_client_asks_by_itself_is_not_shown(self) -> None:
        """Nor is the answer."""
        self.server.welcomes("-- Kept for 30 days.", "-- Now.")
        expected = ["-- Connected as alice. Ctrl-D leaves, /help helps.", "-- Kept for 30 days."]
        self.assertEqual(self.rows()[1:], [*expected, "-- Now.", "alice>"])

    def test_who_leaves_at_once_is_not_held_up(self) -> None:
        """Although nothing can be said yet."""
        self.server.says("NICK", "Connected to the server")
        self.types("\x03")
        self.assertEqual(self.calls, ["leave"])

    def test_the_start(self) -> None:
        """Where it connects, and then as whom."""
        self.enter()
        self.assertEqual(self.rows()[0], "-- Connecting to localhost:1 ...")
        self.assertEqual(self.rows()[1], "-- Connected as alice. Ctrl-D leaves, /help helps.")
        self.assertEqual(self.rows()[2:], ["-- 3 here: alice bob carol", "alice>"])

    def test_a_lost_connection_is_told(self) -> None:
        """With the reason; who was here is forgotten."""
        self.enter()
        self.server.closes()
        self.assertIn("-- No connection: the server closed the connection.", "".join(self.rows()))
        self.types("ca\t")
        self.assertEqual(self.typed(), "ca|")

    def test_a_nickname_is_asked_for(self) -> None:
        """The prompt says so; what is typed is offered."""
        self.server.says(*REFUSED)
        notice = "-- No such nicknames. Type a nickname and Enter."
        self.assertEqual(self.rows()[-2:], [notice, "nickname>"])
        self.types("bob\r")
        self.assertEqual(self.server.said(), ["alice", "bob"])
        self.server.says("Connected to the server")
        self.assertEqual(self.rows()[-1], "bob>")

    def test_who_is_asked_for_a_nickname_can_leave(self) -> None:
        """By key or command."""
        for keys in ("\x03", "\x04", "/quit\r"):
            self.begin()
            self.server.says(*REFUSED)
            self.types(keys)
            self.assertEqual(self.calls, ["leave"], keys)

    def test_a_narrow_terminal_keeps_the_line_in_its_row(self) -> None:
        """Wide characters and a narrower terminal included."""
        for columns in (10, 5, 3):
            for text in ("the quick brown fox " * 5, "中文" * 20):
                self.begin(columns)
                self.types("\x0c")
                for character in text:
                    self.types(character)
                    self.written()
                    self.assertEqual(self.glass.cursor.y, 0, (columns, text))
                self.types("\x1b[D" * 30)
                self.assertLessEqual(len(self.rows()), 1, (columns, text))

    def test_resizing_clears_the_rows_that_the_line_took(self) -> None:
        """The terminal has wrapped it; it goes up as many rows."""
        self.types("x" * 40)
        self.written()
        self.size = 20, 20
        for up in (b"\x1b[2A", b""):
            self.screen.resized()
            self.assertTrue(self.written().startswith(up + b"\r\x1b[J\r" + PROMPT))

    def test_a_closed_terminal_leaves(self) -> None:
        """And what is said afterwards raises nothing."""
        self.enter()
        self.keyboard.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.calls, ["leave"])
        self.server.says("bob: hi")
        self.server.closes()
        self.screen.resized()
