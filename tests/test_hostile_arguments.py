"""Every command, with whatever anybody may type behind it: a clear answer, and never a mistake.

What is refused is refused with one line and changes nothing at all; what is not is done.
"""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.commands import COMMANDS, fulfil, perform
from chatservice.commands.command import Command
from chatservice.errors import Code
from chatservice.events import Kind
from chatservice.limits import UNLIMITED
from chatservice.objects import Request
from chatservice.people.person import Policy
from chatservice.roles import Role
from chatservice.store.memory import MemoryRecords, MemoryTickets
from chatservice.text import MAX_LINE, clean, decode
from tests import examples
from tests.fakes import NOW, WORD, Chat, Guest

PEOPLE = ("boss", "alice", "bob", "carol", "troll")
"""An admin; the founder of #dev and #den, with an account; an op there; a guest; another, muted."""

WORDS = [
    *PEOPLE,
    *("#dev", "#den", "#lobby", "#nowhere", "#DEV", "#", "##", "#a:b", "#a b", "#�", "＃dev"),
    *("#1obby", "#ⅼobby", "@", "@bob", "@@", "&#dev", "/", "//", "//x", "/quit", "-", "--"),
    *("!", "*", "on", "off", "ON", "me", "yes", "sesame", WORD, "key", "slow", "secret"),
    *("secure", "moderated", "invite-only", "topic-locked", "before", "before 0"),
    *("before 14:30", "in:#den", "in:@", "from:", "since:2d", "since:", "before:"),
    *("before:1", "-C 2", "-C -1", "-C", "-C 99999999999", '"', '""', "0", "1", "-1", "007"),
    *("1.5", "1e9", "NaN", "inf", "٣", "٣m", "²", "①", "Ⅷ", "1_000", "0x10", "9" * 400),
    *("-" + "9" * 400, "999999999999w", "9999999999999s", "0s", "1s", "10m", "2d", "1000w"),
    *("127.0.0.1", "198.51.100.0/24", "0.0.0.0/0", "1.2.3.4/33", "::/0", "::1"),
    *("::ffff:1.2.3.4/96", "fe80::1%eth0", "1.2.3.4/-1", ".", ":", "::", "1.2.3.4/٨"),
    *("2001:db8::/32", "a.b", "٣.٣.٣.٣", "\t", "\xa0", "\u3000", "\u200b", "\x1b[2J", "\x07"),
    *("\x00", "\r", "\x9b31m", "�����", "\u202egnp.exe", "\u2066x\u2069", "مرحبا", "שלום"),
    *("é", "é", "z" + "\u0301" * 40, "🏳️\u200d🌈", "Ьоb", "rооt", "R00T", "ａｌｉｃｅ"),
    *("ALICE", "al\u200dice", "ſ", "ß", "İ", "ﬀ", "𝒶", "server", "a" * 33, "ü" * 33),
    *("x" * 300, "x" * 301, "y" * MAX_LINE, "#" + "z" * 60, "a:b", "a,b", "a*b", "{}"),
    *('{"do": "x"}', "%s%n", "{0}", "$(id)", "'; DROP TABLE rooms; --", "\\", ".."),
    *("../../x", "->", "~" + "A" * 22, "~", "None", "null", "True"),
]

arguments = st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=6).map(" ".join)
anything = st.binary(max_size=MAX_LINE).map(decode) | st.text(max_size=MAX_LINE)
blanks = st.sampled_from(["", " ", "  ", "\t", " \u00a0 "])
typed = st.builds(
    lambda left, text, right: left + text + right, blanks, arguments | anything, blanks
)

hostile = settings(deadline=None, max_examples=examples(60), database=None)


class Scene:
    """A chat in which everything can be done to somebody, and by somebody."""

    def __init__(self) -> None:
        self.records, self.tickets = MemoryRecords(), MemoryTickets(lambda: NOW)
        policy = Policy(UNLIMITED, backlog=5)
        self.chat = chat = Chat(policy=policy, records=self.records, tickets=self.tickets)
        boss = chat.joined_as("boss", Role.ADMIN)
        alice = chat.joined_as("alice", Role.USER)
        bob, carol = chat.join("bob"), chat.join("carol")
        troll = chat.connect("198.51.100.7")
        troll.claims("troll")
        self.guests = {g.nick: g for g in (boss, alice, bob, carol, troll)}
        alice.types("/join #den", "/mode secret on", "/mode key sesame", "hidden", "/join #dev")
        for guest in (bob, carol, troll):
            guest.types("/join #dev", "hello", "/msg alice psst")
        alice.types("/op bob", "/mute troll 1d calm down", "/topic what is up", "/join #lobby")
        bob.types("/ban 203.0.113.0/24 1d", "/resume")
        boss.types("/ban nobody2 1d", "/mode slow off")
        self.listen()

    def listen(self) -> dict[str, list[tuple[Kind, str, str]]]:
        """Return what everybody heard since this was asked last."""
        heard = {}
        for nick, guest in self.guests.items():
            heard[nick] = [(one.kind, one.nick, one.text) for one in guest.events]
            guest.events.clear()
            guest.given.clear()
        return heard

    def state(self) -> dict[str, object]:
        """Return all that the chat knows."""
        hub = self.chat.hub
        return {
            "rooms": {
                room.name: (room.charter, sorted(room.nicks()), dict(room._spoke))
                for room in hub.rooms.all()
            },
            "closed": dict(hub.rooms.charters._closed),
            "sanctions": dict(hub.parts.sanctions._all),
            "accounts": dict(hub.accounts._accounts),
            "records": dict(self.records._records),
            "nicks": {key: id(one) for key, one in hub.parts.nicks._by_key.items()},
            "people": {
                id(one): (one.nick, one.inbox, one.account, one.place.token, one.departed)
                for one in hub.parts.people
            },
            "places": {id(one): [*one.place.rooms] for one in hub.parts.people},
            "partners": {id(one): one.partner for one in hub.parts.people},
            "away": {id(one): one.away for one in hub.parts.people},
            "log": {
                room: [*log.events] for room, log in self.chat.log._rooms.items() if log.events
            },
            "draining": (hub._draining._at, len(hub._draining._timers)),
            "tickets": {key: ticket.rooms for key, ticket in self.tickets._tickets.items()},
        }


class Hostile(SynchronousTestCase):
    """By people of every role, from every place."""

    def setUp(self) -> None:
        self.scene = Scene()

    def tried(self, who: str, what: Callable[[Guest], None], said: str) -> bool:
        """Let somebody try something; return whether it was done."""
        scene = self.scene
        guest = scene.guests[who]
        before = scene.state()
        what(guest)
        scene.chat.turn()
        self.assertEqual(self.flushLoggedErrors(), [], said)
        heard = scene.listen()
        errors = [(code, text) for kind, code, text in heard[who] if kind is Kind.ERROR]
        for _, code, text in (one for lines in heard.values() for one in lines):
            self.assertEqual((code, text), (clean(code), clean(text)), said)
            self.assertNotIn("\n", code + text, said)
        if not errors or guest.person.departed:
            self.assertTrue(heard[who] or said.startswith(("/quit", "quit")), said)
            return True
        ((code, text),) = errors
        self.assertIn(code, set(Code), said)
        self.assertNotEqual(code, Code.INTERNAL, said)
        self.assertTrue(0 < len(text) < 600, said)
        self.assertEqual(len(heard[who]), 1, (said, heard[who]))
        others = {nick: lines for nick, lines in heard.items() if nick != who and lines}
        self.assertEqual(others, {}, said)
        after = scene.state()
        for name, value in before.items():
            self.assertEqual(after[name], value, f"{name} changed by {said!r}: {text}")
        return False

    def go_on(self) -> None:
        """Begin anew if somebody is gone or went elsewhere."""
        hub = self.scene.chat.hub
        if any(guest.person.departed for guest in self.scene.guests.values()) or (
            hub._draining._timers or len(hub.rooms) > 20
        ):
            self.scene = Scene()

    def types(self, who: str, command: Command, text: str) -> bool:
        line = decode(f"/{command.name} {text}".encode("utf-8", "surrogatepass")[:MAX_LINE])
        done = self.tried(who, lambda guest: perform(guest.session, line), line)
        self.go_on()
        return done

    def test_every_command_with_every_word(self) -> None:
        for command in COMMANDS:
            self.scene = Scene()
            for number, word in enumerate(["", *WORDS]):
                self.types(PEOPLE[number % len(PEOPLE)], command, word)

    def test_every_command_with_nothing_and_too_much(self) -> None:
        for command in COMMANDS:
            for who in PEOPLE:
                for text in ("", " ", "x " * 500, "#dev " * 200, "bob " * 250, "9" * MAX_LINE):
                    self.types(who, command, text)
            needed = [argument for argument in command.arguments if not argument.optional]
            if needed:
                self.assertFalse(self.types("boss", command, ""), command.name)
                self.assertFalse(self.types("boss", command, " \t "), command.name)

    @hostile
    @given(
        st.sampled_from(PEOPLE), st.lists(st.tuples(st.sampled_from(COMMANDS), typed), min_size=9)
    )
    def test_any_command_with_anything(self, who: str, lines: list[tuple[Command, str]]) -> None:
        self.scene = Scene()
        for command, text in lines:
            self.types(who, command, text)

    @hostile
    @given(
        st.sampled_from(PEOPLE),
        st.lists(
            st.tuples(
                st.sampled_from(COMMANDS),
                st.lists(
                    st.sampled_from(WORDS) | st.text() | st.integers() | st.none() | st.floats(),
                    min_size=6,
                    max_size=6,
                ),
            ),
            min_size=5,
        ),
    )
    def test_any_request_with_anything(
        self, who: str, asked: list[tuple[Command, list[object]]]
    ) -> None:
        self.scene = Scene()
        for command, values in asked:
            names = [argument.key for argument in command.arguments]
            request = Request("1", command.name, dict(zip(names, values, strict=False)))
            said = f"{command.name} {request.fields!r}"
            self.tried(who, lambda guest, r=request: fulfil(guest.session, r), said)  # type: ignore[misc]
            self.go_on()

    @hostile
    @given(st.sampled_from(PEOPLE), st.lists(st.binary(max_size=MAX_LINE).map(decode), min_size=5))
    def test_any_line(self, who: str, lines: list[str]) -> None:
        self.scene = Scene()
        for line in lines:
            if line and not line.isspace():
                self.tried(who, lambda guest, one=line: perform(guest.session, one), line)  # type: ignore[misc]
                self.go_on()
