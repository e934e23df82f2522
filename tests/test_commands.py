"""What people can type, well and badly (threat 17)."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.commands import COMMANDS, find
from chatservice.commands.__main__ import page
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.plain import parse
from chatservice.roles import Role
from chatservice.session import State
from chatservice.text import MAX_LINE, decode
from tests.fakes import Chat, Guest, quick

NAMES = sorted({name for command in COMMANDS for name in (command.name, *command.aliases)})
IN_LOBBY = {"nick", "msg", "who", "rooms", "leave"}
"""Commands whose example is typed in the lobby; the others are typed in #dev."""

OF_GUESTS = {"register", "login", "password"}
"""Those whose example is typed by a guest; the others' by an admin."""

OF_BOB = {"login"}
"""Those whose example is typed by Bob, not Alice."""

BEFORE = {
    "unban": ["/ban troll"],
    "unmute": ["/mute troll"],
    "devoice": ["/voice bob"],
    "deop": ["/op bob"],
    "reply": ["/msg bob hello"],
    "login": ["/register correct horse battery"],
    "password": ["/register correct horse"],
}
"""What Alice needs to have typed before."""

REFUSED = {
    "an argument is missing": [*("/nick", "/nick ", "/me", "/me  ", "/msg", "/msg bob", "/m bob ")],
    "an argument is too many": [
        "/nick a b",
        "/who is here",
        "/quit now",
        "/help msg me",
        "/rooms x",
    ],
    "nobody is called so": ["/msg nobody hi", "/msg alice hi", "/msg ,bob hi", "/msg #lobby hi"],
    "the nickname is taken": ["/nick bob", "/nick BOB", "/nick b0b", "/nick alice"],
    "the nickname cannot be": ["/nick a:b", "/nick admin", "/nick \ufffd", "/nick *", "/nick 👍"],
    "an argument is huge": [f"/nick {'x' * 129}", f"/nick {'x' * 1000}", f"/msg {'x' * 900} hi"],
    "the command is unknown": ["/", "/ who", "/nonsense", "/" + "x" * 1000, "/\ufffd", "/wh", "/1"],
    "no room can be called so": ["/join dev", "/join #", "/join #a:b", "/join #\ufffd", "/who me"],
    "it is no room of one's own": [
        "/leave #a",
        "/say #a hi",
        "#a hi",
        "/who #a",
        "/search x in:#a",
    ],
    "it is the only room": ["/leave", "/leave #lobby", "/part #LOBBY"],
    "help about nothing": ["/help nonsense", "/help " + "x" * 1000, "/help \ufffd"],
}


class Typing(SynchronousTestCase):
    """Alice types; Bob is here."""

    def setUp(self) -> None:
        self.alice, self.bob = Chat().everybody("alice", "bob")

    def heard_by_both(self, *typed: str) -> list[str]:
        """Type lines that everybody hears alike; return what was heard."""
        self.alice.types(*typed)
        heard = self.bob.hears()
        self.assertEqual(self.alice.hears(), heard)
        return heard

    def answer(self, typed: str) -> list[str]:
        """Type a line that alice alone gets an answer to; return the answer."""
        self.alice.types(typed)
        self.assertEqual(self.bob.hears(), [], typed)
        return self.alice.hears()


class Speaking(Typing):
    """Lines that are no commands."""

    def test_a_line_is_said_as_it_is(self) -> None:
        self.assertEqual(
            self.heard_by_both("hello  you ", " x"), ["alice: hello  you ", "alice:  x"]
        )

    def test_empty_and_blank_lines_are_nothing(self) -> None:
        self.assertEqual(self.heard_by_both("", " ", "\t", "\u3000"), [])

    def test_two_slashes_say_the_rest_with_one(self) -> None:
        self.assertEqual(
            self.heard_by_both("//who", "///", "//"),
            [f"alice: {text}" for text in ("/who", "//", "/")],
        )

    def test_me_says_what_one_does(self) -> None:
        self.assertEqual(self.heard_by_both("/me waves  twice"), ["* alice waves  twice"])

    def test_a_line_in_a_line_is_text(self) -> None:
        self.assertEqual(
            self.heard_by_both("hi /quit", "bob: hi"), ["alice: hi /quit", "alice: bob: hi"]
        )


class Commands(Typing):
    """Each of them, as it should be typed."""

    def test_msg_says_all_the_rest_to_one_person(self) -> None:
        self.alice.types("/msg bob  lunch  at 12?")
        self.assertEqual(self.bob.hears(), ["alice -> bob: lunch  at 12?"])

    def test_nick_changes_the_nickname(self) -> None:
        self.assertEqual(self.heard_by_both("/nick al"), ["alice is now known as al"])

    def test_quit_leaves(self) -> None:
        self.alice.types("/quit")
        self.assertEqual(self.bob.hears(), ["alice left the chat"])
        self.assertEqual((self.alice.disconnects, self.alice.session.state), (1, State.LEFT))

    def test_what_is_typed_behind_quit_is_not_said(self) -> None:
        self.alice.types("/quit", "one more thing")
        self.assertEqual(self.bob.hears(), ["alice left the chat"])

    def test_who_lists_everybody_in_alphabetical_order(self) -> None:
        self.assertEqual(self.answer("/who"), ["-- 2 here: alice bob"])

    def test_who_writes_many_in_lines_of_readable_length_and_not_without_end(self) -> None:
        for n in range(600):
            self.alice.chat.hub.rooms.lobby.add(f"somebody_{n:03}")
        lines = self.answer("/who")
        self.assertLess(max(map(len, lines)), 500)
        self.assertTrue(lines[0].startswith("-- 602 here: alice bob somebody_000 "))
        self.assertTrue(lines[-1].endswith("and 102 more"))
        self.assertEqual(" ".join(lines).count("somebody_"), 498)

    def test_every_example_does_what_it_should(self) -> None:
        for command in COMMANDS:
            if command.name in ("release", "cert"):  # these take a second connection, or TLS: see
                continue  # conformance.py and end_to_end/test_certificates.py
            chat = Chat()
            if command.name in OF_GUESTS:
                alice, bob = chat.everybody("alice", "bob")
            else:
                alice, bob = chat.joined_as("alice", Role.ADMIN), chat.joined_as("bob", Role.USER)
            troll = chat.join("troll")
            for guest in (alice, bob, troll):
                guest.types("/join #dev")
            alice.types(*BEFORE.get(command.name, []))
            typing = bob if command.name in OF_BOB else alice
            typing.types("/join #lobby" if command.name in IN_LOBBY else "/join #dev")
            alice.hears(), bob.hears()
            typing.types(command.example)
            heard = [*alice.hears(), *bob.hears()]
            self.assertTrue(heard, command.example)
            self.assertFalse([line for line in heard if parse(line).kind is Kind.ERROR], heard)

    def test_every_name_and_alias_is_understood_in_any_case(self) -> None:
        for command in COMMANDS:
            for name in (command.name, *command.aliases):
                self.assertIs(find(name), command)
                self.assertIs(find(f"/{name.upper()}"), command)
        self.assertEqual(len(NAMES), sum(1 + len(command.aliases) for command in COMMANDS))


class Help(Typing):
    """It is made from the table."""

    def test_it_names_every_command(self) -> None:
        admin = self.alice.chat.joined_as("root2", Role.ADMIN)
        admin.types("/help")
        text = "\n".join(admin.hears())
        for command in COMMANDS:
            self.assertIn(f"  {command.usage}", text)

    def test_it_shows_what_one_may_do(self) -> None:
        guests = "\n".join(self.answer("/help"))
        self.assertNotIn("/kick", guests)
        self.assertIn("You are guest in #lobby", guests)
        self.alice.types("/join #a")
        self.alice.hears()
        founders = "\n".join(self.answer("/help"))
        self.assertIn("/kick", founders)
        self.assertNotIn("/announce", founders)

    def test_it_fits_a_terminal(self) -> None:
        for typed in ("/help", *(f"/help {command.name}" for command in COMMANDS)):
            lines = self.answer(typed)
            self.assertLessEqual(len(lines), 23, typed)  # and a line to type in
            self.assertLessEqual(max(map(len, lines)), 79, typed)

    def test_it_tells_more_about_one_command(self) -> None:
        for typed in ("/help msg", "/help /msg", "/HELP TELL", "/? m"):
            lines = self.answer(typed)
            self.assertIn("/msg NICK TEXT", lines[0])
            self.assertIn("/msg bob lunch?", lines[1])
            self.assertIn("/tell", lines[2])

    def test_it_is_for_the_asking_person_alone(self) -> None:
        lines = self.answer("/help")
        self.assertEqual({parse(line).kind for line in lines}, {Kind.NOTICE})


class Page(SynchronousTestCase):
    """docs/commands.md."""

    def test_it_is_current(self) -> None:
        """If not: python -m chatservice.commands > docs/commands.md"""
        written = (Path(__file__).parent.parent / "docs/commands.md").read_text("utf-8")
        self.assertEqual(written.splitlines(), list(page()))


class Mistyping(Typing):
    """A clear error, and nothing changed."""

    def error(self, typed: str) -> str:
        """Type something that is refused; return the error."""
        before = state_of(self.alice)
        (line,) = self.answer(typed)
        self.assertIs(parse(line).kind, Kind.ERROR, typed[:40])
        self.assertEqual(state_of(self.alice), before)
        return line

    def test_each_of_these_is_refused_with_one_line_and_changes_nothing(self) -> None:
        for reason, lines in REFUSED.items():
            for typed in lines:
                error = self.error(typed)
                self.assertLess(len(error), 300, f"{reason}: {typed[:40]}")

    def test_what_is_missing_is_named_with_usage_and_example(self) -> None:
        self.assertEqual(
            self.error("/msg bob"),
            "! TEXT is missing. Type /msg NICK TEXT (for example /msg bob lunch?) [bad-arguments]",
        )

    def test_an_unknown_command_suggests_the_nearest(self) -> None:
        for typed, nearest in {
            "/hlep": "/help",
            "/WHOO": "/who",
            "/qiut": "/quit",
            "/nik x": "/nick",
            "/mesg bob hi": "/msg",
            "/nmaes": "/who",
        }.items():
            self.assertIn(f"did you mean {nearest}?", self.error(typed))

    def test_a_command_like_no_other_is_pointed_to_help(self) -> None:
        for typed in ("/xyzzy", "/", "/" + "z" * 1000):
            error = self.error(typed)
            self.assertIn("see /help", error)
            self.assertTrue(error.endswith(f"[{Code.UNKNOWN_COMMAND}]"))

    def test_a_password_is_not_said_for_a_blank(self) -> None:
        for line in (" /login alice correct horse", "  /Register correct horse", " /password a b"):
            self.assertIn("there may be a password", self.error(line))

    def test_it_is_told_how_to_say_it(self) -> None:
        self.assertIn("type it with //", self.error("/etc/passwd"))

    def test_every_command_stands_bytes_that_are_no_text(self) -> None:
        noise = bytes(range(255, -1, -1)) * 2
        for name in NAMES:
            for line in (b"\xff", b"\xff \xfe", b"\xc3( \x00\x1b[2J", noise):
                alice, bob = Chat().everybody("alice", "bob")
                alice.types(decode(b"/%s %s" % (name.encode(), line)))
                for heard in (*alice.hears(), *bob.hears()):
                    self.assertTrue(heard.replace("\t", "").isprintable(), f"{name} {line!r}")
                self.assertEqual(alice.chat.hub.find("bob"), bob.person)

    @quick
    @given(
        st.sampled_from(NAMES),
        st.one_of(st.binary(max_size=60), st.text(max_size=40).map(str.encode)),
        st.sampled_from([b" ", b"", b"  ", b"\t"]),
    )
    def test_whatever_is_typed_behind_a_command_others_hear_only_what_alice_may_say(
        self, name: str, arguments: bytes, blank: bytes
    ) -> None:
        alice, bob = Chat().everybody("alice", "bob")
        alice.types(decode(b"/" + name.encode() + blank + arguments))
        for line in bob.hears():
            self.assertEqual(parse(line).nick, "alice")
        self.assertEqual(bob.nick, "bob")
        for line in alice.hears():
            self.assertLessEqual(len(line), MAX_LINE + 200)

    @quick
    @given(st.text(max_size=60))
    def test_looking_for_a_command_fails_in_one_way_only(self, name: str) -> None:
        try:
            found = find(name)
        except ChatError as refusal:
            self.assertEqual(refusal.code, Code.UNKNOWN_COMMAND)
        else:
            self.assertIn(found, COMMANDS)


def state_of(guest: Guest) -> object:
    """Return all that a command could change."""
    hub = guest.chat.hub
    return (
        guest.session.state,
        guest.disconnects,
        [person.nick for person in hub.people()],
        list(hub.rooms.lobby.nicks()),
        [*guest.person.place.rooms],
        guest.person.settings,
        guest.person.away,
        len(hub.rooms),
        dict(hub.parts.nicks._by_key),
    )
