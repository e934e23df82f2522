"""Events as IRC messages: each kind, each set of capabilities, and whatever people may write."""

import re
from datetime import UTC, datetime
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from irctokens.line import Line, tokenise
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.capabilities import SHAPING
from chatservice.doors.irc.dialect import IrcLines, message_id
from chatservice.doors.irc.letters import LETTERS
from chatservice.doors.irc.message import MAX_BODY, MAX_TAGS_IN, client_only, read_tags, write_tags
from chatservice.doors.irc.times import timestamp
from chatservice.events import CHAT, SPEAKING, WHISPERING, Event, Kind
from chatservice.names import check_nick, check_room
from chatservice.people.person import Card
from chatservice.text import MAX_LINE, clean
from tests.fakes import Chat, quick

SERVER = "irc.example.org"
AT = 1_700_000_000.25
TIME = "2023-11-14T22:13:20.250Z"
NONE: frozenset[str] = frozenset()

VERBS = {
    *("PRIVMSG", "NOTICE", "TAGMSG", "JOIN", "PART", "QUIT", "NICK", "KICK", "TOPIC", "MODE"),
    *("INVITE", "AWAY", "ACCOUNT", "SETNAME"),
}
TAGS = {"time": "server-time", "account": "account-tag", "msgid": "message-tags"}


def names(check: object, text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Make names of those texts that can be one."""

    def possible(name: str) -> bool:
        try:
            return bool(check(name))  # type: ignore[operator]
        except Exception:
            return False

    return text.filter(possible).map(check)  # type: ignore[arg-type]


WIDE = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=16)
NICKS = st.sampled_from(["alice", "bob", "Ada", "x" * 32, "Ж" * 32]) | names(check_nick, WIDE)
ROOMS = st.sampled_from(["#lobby", "#dev", "#" + "x" * 50]) | names(
    check_room, WIDE.map(lambda name: f"#{name}")
)
TEXTS = (
    st.text(max_size=MAX_LINE)
    | st.text(st.sampled_from(" :@\r\n\0\x01x"), max_size=40)
    | st.sampled_from("x é😀\u0301").map(lambda char: char * MAX_LINE)
    | st.text(max_size=9).map(lambda text: f"/me {text}")
).map(lambda text: clean(text.encode("utf-8", "replace")[:MAX_LINE].decode("utf-8", "replace")))
ASIDES = st.dictionaries(
    st.sampled_from(["+typing", "+draft/reply", "+a", "msgid", "time"]), st.text(max_size=40)
).map(lambda tags: write_tags(client_only({k: v.replace("\0", "") for k, v in tags.items()})))
SPOKEN = (*SPEAKING, *WHISPERING, Kind.NOTED)
CAPABILITIES = st.sets(st.sampled_from(sorted(SHAPING))).map(frozenset)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Make an event of any kind, as the chat makes it."""
    kind = draw(st.sampled_from(Kind))
    nick, text, to, aside = draw(NICKS), draw(TEXTS), "", ""
    inbox = kind in (*WHISPERING, Kind.NUDGED)
    room = "@alice" if inbox else draw(ROOMS)
    if inbox or kind in (Kind.KICKED, Kind.ROLE):
        to = draw(NICKS)
    match kind:
        case Kind.RENAMED:
            text = draw(NICKS)
        case Kind.MODE:
            value = draw(st.sampled_from(["on", "off", "2s", "secret words"]))
            text = f"{draw(st.sampled_from([*LETTERS, 'unheard-of']))} {value}"
        case Kind.ROLE:
            roles = st.sampled_from(["guest", "user", "voice", "op", "founder", "admin", "?"])
            text, aside = draw(roles), draw(roles)
        case Kind.AWAY:
            text = draw(st.sampled_from(["", "away"]))
            aside = draw(TEXTS) if text else ""
        case Kind.LEFT:
            aside = draw(st.sampled_from(["", CHAT]))
        case Kind.ACCOUNT:
            text = draw(NICKS | st.just(""))
        case Kind.INVITED:
            text = draw(ROOMS)
        case _ if kind in (*SPEAKING, *WHISPERING, Kind.TAGGED, Kind.NUDGED):
            aside = draw(ASIDES)
    by = draw(st.sampled_from(["@alice", "@zoe", "+acc"]))
    past, lobby = draw(st.booleans()), draw(st.booleans())
    return Event(
        draw(st.integers(0, 2**60)), AT, room, kind, nick, text, to, by, past, lobby, aside
    )


def params_of(token: Line) -> list[str]:
    """Return a message's params, in a form that a type checker knows."""
    return [*token.params]


BY_SERVER = {(Kind.ROLE, "NOTICE"), (Kind.JOINED, "MODE")}
"""What else the server says of somebody: that it is the founder, what it is where it comes in."""


class Dialect(SynchronousTestCase):
    """A chat in which alice is; zoe is not."""

    def setUp(self) -> None:
        """Let alice be here."""
        self.chat = Chat()
        self.alice = self.chat.join("alice").person
        self.alice.card = Card("al", "Alice Liddell")
        cloaks = self.chat.hub.cloaks
        self.source = f"alice!~al@{cloaks.of(self.alice.inbox)}"
        self.zoes = cloaks.of("@zoe")

    def lines(self, event: Event, *capabilities: str) -> list[str]:
        """Return an event as lines."""
        dialect = IrcLines(self.chat.hub, SERVER, frozenset(capabilities), str.encode)
        return dialect.lines(event)

    def event(self, kind: Kind, text: str = "", to: str = "", aside: str = "") -> Event:
        """Return what alice does."""
        room = self.alice.inbox if kind in (*WHISPERING, Kind.NUDGED) else "#lobby"
        return Event(17, AT, room, kind, "alice", text, to, self.alice.inbox, aside=aside)


class EachKindTest(Dialect):
    """What becomes of each kind of event."""

    def test_without_capabilities(self) -> None:
        """Plain IRC, as of 1993."""
        for kind, text, to, aside, lines in (
            (Kind.SAID, "hi all", "", "+a=1", ["PRIVMSG #lobby :hi all"]),
            (Kind.SAID, "hi", "", "", ["PRIVMSG #lobby :hi"]),
            (Kind.SAID, "/me hi", "", "", ["PRIVMSG #lobby :/me hi"]),
            (Kind.ACTED, "waves", "", "", ["PRIVMSG #lobby :\x01ACTION waves\x01"]),
            (Kind.REMARKED, "beep", "", "", ["NOTICE #lobby :beep"]),
            (Kind.PRIVATE, "psst", "bob", "", ["PRIVMSG bob :psst"]),
            (Kind.PRIVATE, "/me winks", "bob", "", ["PRIVMSG bob :\x01ACTION winks\x01"]),
            (Kind.HINTED, "beep", "bob", "", ["NOTICE bob :beep"]),
            (Kind.JOINED, "", "", "", ["JOIN #lobby"]),
            (Kind.LEFT, "", "", "", ["PART #lobby"]),
            (Kind.LEFT, "so long", "", "", ["PART #lobby :so long"]),
            (Kind.LEFT, "bye", "", "", ["PART #lobby :bye"]),
            (Kind.LEFT, "so long", "", CHAT, ["QUIT :so long"]),
            (Kind.RENAMED, "al", "", "", ["NICK :al"]),
            (Kind.KICKED, "too loud", "bob", "", ["KICK #lobby bob :too loud"]),
            (Kind.KICKED, "", "bob", "", ["KICK #lobby bob :alice"]),
            (Kind.TOPIC, "tea", "", "", ["TOPIC #lobby :tea"]),
            (Kind.TOPIC, "", "", "", ["TOPIC #lobby :"]),
            (Kind.MODE, "moderated on", "", "", ["MODE #lobby +m"]),
            (Kind.MODE, "moderated off", "", "", ["MODE #lobby -m"]),
            (Kind.MODE, "outside on, limit 3, key on", "", "", ["MODE #lobby +lk-n 3 *"]),
            (Kind.MODE, "outside off, limit off", "", "", ["MODE #lobby +n-l"]),
            (Kind.MODE, "slow 2s", "", "", ["MODE #lobby +f 2s"]),
            (Kind.MODE, "slow off", "", "", ["MODE #lobby -f"]),
            (Kind.MODE, "key secret", "", "", ["MODE #lobby +k *"]),
            (Kind.MODE, "key off", "", "", ["MODE #lobby -k *"]),
            (Kind.ROLE, "op", "bob", "guest", ["MODE #lobby +o bob"]),
            (Kind.ROLE, "op", "bob", "voice", ["MODE #lobby +o-v bob bob"]),
            (Kind.ROLE, "user", "bob", "founder", ["MODE #lobby -o bob"]),
            (Kind.ROLE, "voice", "bob", "user", ["MODE #lobby +v bob"]),
            (Kind.ROLE, "voice", "bob", "op", ["MODE #lobby +v-o bob bob"]),
            (Kind.AWAY, "away", "", "lunch", []),
            (Kind.ACCOUNT, "alice", "", "", []),
            (Kind.DESCRIBED, "Al", "", "", []),
            (Kind.TAGGED, "", "", "+typing=active", []),
            (Kind.NUDGED, "", "bob", "+typing=active", []),
        ):
            expected = [f":{self.source} {line}" for line in lines]
            self.assertEqual(self.lines(self.event(kind, text, to, aside)), expected, kind)

    def test_with_a_capability(self) -> None:
        """Each shows what it is about."""
        for capability, kind, text, to, aside, lines in (
            ("away-notify", Kind.AWAY, "away", "", "lunch", ["AWAY :lunch"]),
            ("away-notify", Kind.AWAY, "away", "", "", ["AWAY :away"]),
            ("away-notify", Kind.AWAY, "", "", "", ["AWAY"]),
            ("account-notify", Kind.ACCOUNT, "alice", "", "", ["ACCOUNT alice"]),
            ("account-notify", Kind.ACCOUNT, "", "", "", ["ACCOUNT *"]),
            ("setname", Kind.DESCRIBED, "Al", "", "", ["SETNAME :Al"]),
            ("extended-join", Kind.JOINED, "", "", "", ["JOIN #lobby * :Alice Liddell"]),
        ):
            (line,) = self.lines(self.event(kind, text, to, aside), capability)
            token = tokenise(line)
            (expected,) = [tokenise(f":{self.source} {line}") for line in lines]
            self.assertEqual((token, token.tags), (expected, None), kind)

    def test_tags(self) -> None:
        """Who has asked for them gets those of the sender, and the server's own."""
        event = self.event(Kind.SAID, "hi", aside="+a=1;+b")
        for capability, tags in (
            ("server-time", {"time": TIME}),
            ("message-tags", {"+a": "1", "+b": "", "msgid": "lobby/17"}),
            ("account-tag", None),
            ("batch", None),
        ):
            (line,) = self.lines(event, capability)
            self.assertEqual(tokenise(line).tags, tags)
        self.chat.log_in(self.chat.connect(), "bob")
        account = self.chat.hub.accounts.find("bob")
        assert account is not None
        (line,) = self.lines(event._replace(by=account.identity), "account-tag")
        self.assertEqual(tokenise(line).tags, {"account": "bob"})

    def test_signs(self) -> None:
        """They are for who knows message-tags, and can be referred to."""
        for kind, to, target in ((Kind.TAGGED, "", "#lobby"), (Kind.NUDGED, "bob", "bob")):
            (line,) = self.lines(self.event(kind, "", to, "+typing=active"), "message-tags")
            token = tokenise(line)
            self.assertEqual((token.command, token.params), ("TAGMSG", [target]))
            assert token.tags is not None
            self.assertEqual(token.tags.pop("+typing"), "active")
            self.assertEqual([*token.tags], ["msgid"])

    @given(st.floats(0, 1e10))
    def test_times(self, at: float) -> None:
        """Are those of the chat, to the millisecond, the rest left out."""
        exact = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
        self.assertEqual(timestamp(at), exact.replace("+00:00", "Z"))

    def test_who_is_gone(self) -> None:
        """Has a mask all the same; who has that nickname now is somebody else."""
        said = self.event(Kind.SAID, "hi")
        self.assertEqual(
            self.lines(said._replace(nick="zoe", by="@zoe")),
            [f":zoe!~u@{self.zoes} PRIVMSG #lobby :hi"],
        )
        self.assertEqual(
            self.lines(said._replace(by="@zoe")),
            [f":alice!~u@{self.zoes} PRIVMSG #lobby :hi"],
        )

    def test_ids(self) -> None:
        """One line has one id for all, in both inboxes, and no other has it."""
        said = self.event(Kind.PRIVATE, "psst", "bob")
        self.assertEqual(message_id(said), message_id(said._replace(room="@bob", seq=3)))
        others = [
            said._replace(at=AT + 0.001),
            said._replace(text="pssst"),
            said._replace(to="bobby"),
            said._replace(by="@zoe"),
        ]
        ids = {message_id(event) for event in [said, *others]}
        self.assertEqual(len(ids), 5)


class AnyEventTest(Dialect):
    """Whatever people write, to whoever has agreed on whatever."""

    @quick
    @given(events(), CAPABILITIES)
    def test_well_formed(self, event: Event, capabilities: frozenset[str]) -> None:
        """Nothing but messages of the right length comes out, by whom they say they are."""
        dialect = IrcLines(self.chat.hub, SERVER, capabilities, lambda line: f"{line}\r\n".encode())
        data = dialect.encode(event)
        self.assertTrue(not data or data.endswith(b"\r\n"))
        for line in data.split(b"\r\n")[:-1]:
            self.assertNotRegex(line, rb"[\r\n\0]")
            tags, _, body = line.partition(b" ") if line.startswith(b"@") else (b"", b"", line)
            self.assertLessEqual(len(body), MAX_BODY)
            self.assertLessEqual(len(tags), MAX_TAGS_IN - 1)
            token = tokenise(line)
            self.assertIn(token.command, VERBS)
            source = (token.source or "").partition("!")[0]
            by_server = event.kind is Kind.NOTED or (event.kind, token.command) in BY_SERVER
            self.assertEqual(source, SERVER if by_server else event.nick)
            self.check_tags(event, token, capabilities)

    def check_tags(self, event: Event, token: Line, capabilities: frozenset[str]) -> None:
        """Check that there are those tags that were asked for, and none that a client made up."""
        for key, value in (token.tags or {}).items():
            if key.startswith("+"):
                self.assertIn("message-tags", capabilities)
                self.assertEqual(read_tags(event.aside)[key], value)
            else:
                self.assertIn(TAGS[key], capabilities)
        if "server-time" in capabilities:
            self.assertEqual((token.tags or {})["time"], TIME)

    @quick
    @given(events().filter(lambda event: event.kind in SPOKEN), CAPABILITIES)
    def test_nothing_is_lost(self, event: Event, capabilities: frozenset[str]) -> None:
        """What is said comes in one piece or several, with every character but blanks."""
        dialect = IrcLines(self.chat.hub, SERVER, capabilities, str.encode)
        said = []
        for line in dialect.lines(event):
            token = tokenise(line)
            target, piece = params_of(token)
            self.assertEqual(target, event.to or event.room)
            if acted := re.fullmatch(r"\x01ACTION (.*)\x01", piece, re.DOTALL):
                piece = acted[1]
            said.append(piece)
        whole = event.text
        if event.kind is Kind.PRIVATE:
            whole = whole.removeprefix("/me ")
        stamped = event.past and event.kind is not Kind.NOTED
        if stamped and "server-time" not in capabilities:
            self.assertEqual(said[0][:7], "[22:13]")
            said[0] = said[0][7:]
        self.assertEqual("".join(said).replace(" ", ""), whole.replace(" ", ""))

    def test_capabilities_have_names_only_here(self) -> None:
        """Every pair of them goes together."""
        event = self.event(Kind.SAID, "hi", aside="+a=1")
        for pair in combinations(sorted(SHAPING), 2):
            (line,) = self.lines(event, *pair)
            token = tokenise(line)
            self.assertEqual(token.params, ["#lobby", "hi"])
