"""Whatever bytes come in by any door: to IRC clients go messages, well formed and not too long."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from irctokens.line import tokenise
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.capabilities import CAPABILITIES
from chatservice.doors.irc.commands import VERBS
from chatservice.doors.irc.message import MAX_BODY, MAX_TAGS_IN
from chatservice.doors.line import ChatFactory
from chatservice.doors.raw import RawFactory
from chatservice.limits import UNLIMITED
from chatservice.names import MAX_ROOM
from chatservice.people.person import Policy
from tests import examples
from tests.doors.irc.chat import Chat, Wire
from tests.doors.test_line import LinePerson
from tests.fakes import quick

SAID = frozenset(
    (
        *("PRIVMSG", "NOTICE", "TAGMSG", "JOIN", "PART", "QUIT", "NICK", "KICK", "TOPIC", "MODE"),
        *("INVITE", "AWAY", "ACCOUNT", "SETNAME", "CHGHOST", "PONG", "PING", "ERROR", "CAP"),
        *("FAIL", "WARN", "NOTE", "BATCH", "ACK", "AUTHENTICATE", "REGISTER", "MARKREAD"),
        *("CHATHISTORY", "KILL", "WALLOPS"),
    )
)
"""The verbs of a server."""

WORDS = [
    *(b" ", b"  ", b":", b"@", b"#", b"*", b"?", b"!", b",", b";", b"=", b"\\", b"+", b"-", b"/"),
    *(b"\0", b"\r", b"\n", b"\r\n", b"\x01", b"\x02", b"\x03", b"\x7f", b"\t", b"\xff", b"\xc3"),
    *(
        b"\xe2\x80\xae",
        b"\xe2\x80\xa8",
        b"\xcc\x81",
        b"\xf0\x9f\x98\x80",
        b"x" * 300,
        b"\xc3\xa9" * 200,
    ),
    *(b"alice", b"mallory", b"#lobby", b"#dev", b"irc.chat.tests", b"ACTION", b"QUIT :", b"label"),
    *(b"LATEST ", b"BETWEEN ", b"TARGETS ", b"AROUND ", b"msgid=lobby/1 ", b"timestamp="),
    *(b"2023-11-14T22:13:20.000Z ", b"%tcuihsnfdlaor,1", b"PLAIN", b"* ", b"#lobby ", b"alice "),
    *(b"0", b"1", b"-1", b"99999999999", b"+o", b"+k", b"-v+i", b"+b", b"$", b"*!*@*"),
]
TYPED = [
    *(b"/me ", b"/msg alice ", b"/topic ", b"/nick ", b"/join #dev", b"/join ", b"/leave "),
    *(b"/kick alice ", b"/away ", b"/invite alice ", b"/mode ", b"/op alice", b"/voice alice "),
    *(b"/mute alice ", b"/ban alice ", b"/whois ", b"/seen ", b"/quit ", b"/say #lobby ", b"{"),
    *(b"/announce ", b"/register ", b"/login ", b"/history ", b"/search ", b"/resume", b"/json on"),
]
SENT = [f"{verb} ".encode() for verb in sorted(VERBS)] + [
    *(b"PRIVMSG #lobby :", b"PRIVMSG alice :", b"NOTICE alice ", b"PRIVMSG alice :\x01ACTION "),
    *(b"@+a=", b"@label=1;+b ", b"@+a TAGMSG alice", b":alice PRIVMSG #lobby ", b"CAP REQ :"),
    *(b"JOIN #dev", b"TOPIC #dev :", b"KICK #dev alice :", b"MODE #dev ", b"QUIT :", b"NICK "),
]

LEAVING = (b"QUIT", b"KILL", b"CAP", b"@", b":")
"""With these one leaves, or gives up labels, or they have tags or a source of their own."""

TAILS = st.lists(st.sampled_from(WORDS) | st.binary(max_size=12), max_size=8).map(b"".join)


def lines(beginnings: list[bytes]) -> st.SearchStrategy[bytes]:
    """Make lines, or what is nearly one."""
    begun = st.tuples(st.sampled_from(beginnings), TAILS).map(b"".join)
    return begun | st.binary(max_size=60) | TAILS


def deeds() -> st.SearchStrategy[list[tuple[str, bytes]]]:
    """Make what people send: by which door, and what."""
    door = {"line": TYPED, "irc": SENT, "raw": TYPED, "alice": SENT}
    one = st.one_of([st.tuples(st.just(name), lines(begin)) for name, begin in door.items()])
    return st.lists(one, max_size=12)


class ToClients(SynchronousTestCase):
    """What is so of everything that comes to a client."""

    def check(self, wire: Wire) -> None:
        """Check all that came to somebody."""
        data: bytes = wire.transport.value()
        wire.transport.clear()
        self.assertTrue(not data or data.endswith(b"\r\n"))
        for line in data.split(b"\r\n")[:-1]:
            self.assertNotRegex(line, rb"[\r\n\0]")
            line.decode()  # it is UTF-8
            tags, _, body = line.partition(b" ") if line.startswith(b"@") else (b"", b"", line)
            self.assertLessEqual(len(body), MAX_BODY)
            self.assertLess(len(tags), MAX_TAGS_IN)
            token = tokenise(line)
            self.assertTrue(token.command in SAID or token.command.isdecimal(), line)
            if token.command.isdecimal() or token.command in ("FAIL", "PONG", "BATCH", "ACK"):
                self.assertEqual(token.source, wire.protocol.server, line)
            self.assertNotIn(b"That went wrong here", line)


class AnythingComes(ToClients):
    """To alice, who has agreed on some capabilities and does something now and then."""

    @quick
    @given(st.sets(st.sampled_from(sorted(CAPABILITIES))), deeds())
    def test_from_others(self, capabilities: set[str], sent: list[tuple[str, bytes]]) -> None:
        """Only messages come out to her, and to the hostile one by IRC."""
        chat = Chat(Policy(UNLIMITED, plaintext_login=True))
        alice = chat.joined("alice", *sorted(capabilities))
        mallory = chat.joined("mallory", "message-tags", "labeled-response", "echo-message")
        typist = LinePerson(ChatFactory(chat.hub))
        raw = LinePerson(RawFactory(chat.hub))  # type: ignore[arg-type]
        typist.type("typist")
        raw.send(b"raw")
        chat.turn()
        for one in (alice, mallory):
            self.check(one)
        for door, data in sent:
            match door:
                case "line":
                    typist.send(data + b"\n")
                case "raw":
                    raw.send(data)
                case "alice":
                    alice.send(data)
                case _:
                    mallory.send(data)
            chat.turn()
        for one in (alice, mallory):
            self.check(one)
        self.assertEqual(self.flushLoggedErrors(), [])


class EveryLabel(ToClients):
    """Whatever a client asks for with a label."""

    @quick
    @given(
        st.lists(lines([line for line in SENT if not line.startswith(LEAVING)]), max_size=8),
        st.booleans(),
    )
    def test_is_answered_once(self, asked: list[bytes], echo: bool) -> None:
        """On one line: the answer, the beginning of a batch, or ACK; nobody else sees it."""
        chat = Chat(Policy(UNLIMITED, plaintext_login=True))
        bob = chat.joined("bob", *sorted(CAPABILITIES))
        wanted = ("labeled-response", "batch", "message-tags", *(["echo-message"] * echo))
        alice = chat.joined("alice", *wanted)
        asked = [line for line in asked if re.fullmatch(rb"[^@:\r\n\0 ][^\r\n\0]*", line)]
        for number, line in enumerate(asked):
            alice.send(b"@label=%d " % number + line)
        self.wait(chat)
        labels = []
        for line in alice.transport.value().split(b"\r\n")[:-1]:
            tags = tokenise(line).tags or {}
            if "label" in tags:
                labels.append(tags["label"])
        answered = asked if not alice.transport.disconnecting else asked[: len(labels)]
        self.assertEqual(labels, [str(number) for number in range(len(answered))])
        self.assertNotIn(b"label=", bob.transport.value())
        self.check(alice)
        self.check(bob)

    def wait(self, chat: Chat) -> None:
        """Let what takes its time be done."""
        for _ in range(3):
            chat.clock.advance(0.1)


LONGEST = "".join(f"{letter}" for letter in map(chr, range(0x10330, 0x10340)))  # four bytes each
ROOM = "#" + "\N{GOTHIC LETTER AHSA}" * MAX_ROOM
HOST = "irc." + "x" * 55 + ".net"


class TheLongestNames(ToClients):
    """People, rooms and a server with names as long as there are, and much to say."""

    @settings(quick, max_examples=examples(10))
    @given(st.sets(st.sampled_from(sorted(CAPABILITIES))))
    def test_everything_fits(self, capabilities: set[str]) -> None:
        """What has to be whole is whole, and everything that can be done is told."""
        chat = Chat(Policy(UNLIMITED, plaintext_login=True), server=HOST)
        nicks = [f"{LONGEST[:15]}{letter}" for letter in LONGEST]
        people = [chat.joined(nick, *sorted(capabilities)) for nick in nicks]
        for one in people:
            one.send(f"JOIN {ROOM}")
            self.check(one)
        first, second = people[:2]
        long = "x" * 300
        for line in (
            f"TOPIC {ROOM} :{long}",
            f"MODE {ROOM} +o {nicks[1]}",
            f"MODE {ROOM} +ovv {nicks[2]} {nicks[3]} {nicks[4]}",
            f"MODE {ROOM} +bk {LONGEST}x*!*@* {'k' * 60}",
            f"INVITE {nicks[5]} {ROOM}",
            f"PRIVMSG {ROOM} :hi",
            f"PRIVMSG {nicks[1]} :{long}",
            f"NOTICE {nicks[1]} :hi",
            f"@+typing=active TAGMSG {nicks[1]},{ROOM}",
            *(
                f"{verb} {word}"
                for verb in sorted(VERBS)
                for word in (ROOM, nicks[1])
                if verb not in ("JOIN", "PART", "KICK", "QUIT", "NICK", "KILL")
            ),
            f"AWAY :{long}",
            f"SETNAME :{long}",
            "LIST",
            "NAMES",
            "WHO *",
            f"WHO {ROOM} %tcuihsnfdlaor,1",
            f"WHOIS {nicks[0]}",
            f"KICK {ROOM} {nicks[1]} :out",
            f"PART {ROOM} :{long}",
        ):
            first.send(line)
        kick = [line for line in second.lines() if " KICK " in line]
        self.assertEqual([tokenise(line).params[:2] for line in kick], [[ROOM, nicks[1]]])
        second.send("MODE", f"NAMES {ROOM}", f"QUIT :{long}")
        for one in people:
            self.check(one)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_names(self) -> None:
        """Everybody is named, in several lines."""
        chat = Chat(Policy(UNLIMITED), server=HOST)
        nicks = [f"{LONGEST[:15]}{letter}" for letter in LONGEST]
        people = [chat.joined(nick, "multi-prefix", "userhost-in-names") for nick in nicks]
        for one in people:
            one.send(f"JOIN {ROOM}")
        people[-1].lines()
        lines = [tokenise(line) for line in people[-1].asks(f"NAMES {ROOM}")]
        named = [
            word for line in lines if line.command == "353" for word in line.params[-1].split()
        ]
        self.assertEqual({name.lstrip("@+").partition("!")[0] for name in named}, set(nicks))
        self.assertTrue(all(name.endswith(f"@{HOST}") for name in named))
