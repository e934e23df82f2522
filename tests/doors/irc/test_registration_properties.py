"""Coming in by IRC, in whatever order the words for it come, against a model of what should be."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from irctokens.line import tokenise
from twisted.trial.unittest import SynchronousTestCase

from chatservice.limits import UNLIMITED
from chatservice.people.person import Policy
from tests import examples
from tests.doors.irc.chat import SERVER, Chat

WELCOME = ["001", "002", "003", "004", "005"]
REFUSED = {"": "431", "*": "432", "server": "432", "taken": "433", "TAKEN": "433"}
"""Nicknames that cannot be had, and what is said of that."""

FREE = ("alice", "Alice", "al b", "ä")
CAPABILITIES = ("message-tags", "server-time", "batch", "echo-message")
WANTED = (*CAPABILITIES, *(f"-{name}" for name in CAPABILITIES), "x")


class Coming(RuleBasedStateMachine):
    """One client, and what the model knows of it."""

    def __init__(self) -> None:
        super().__init__()
        self.chat = Chat(Policy(UNLIMITED))
        self.chat.joined("taken")
        self.wire = self.chat.connect()
        self.nick = ""  # offered last, before it is in; worn, then
        self.carded = self.negotiating = self.joined = self.gone = False
        self.tries = UNLIMITED.nick_tries
        self.agreed: set[str] = set()

    def says(self, line: str | bytes) -> list[list[str]]:
        """Send a line; return verb and params of each that comes."""
        answers = []
        for answer in self.wire.asks(line):
            token = tokenise(answer)
            answers.append([token.command, *token.params])
        closed = bool(self.wire.transport.disconnecting)
        assert closed is self.gone or answers[-1][0] == "ERROR", answers
        return answers

    def comes_in(self, answers: list[list[str]]) -> None:
        """Check what happens if enough was said, and that nothing does if not."""
        if self.joined or not self.nick or not self.carded or self.negotiating:
            assert answers == []
            return
        verbs = [verb for verb, *_ in answers]
        if self.nick not in REFUSED:
            self.joined = True
            assert list(dict.fromkeys(verbs))[:5] == WELCOME, verbs
            assert answers[0][1] == self.nick
            assert verbs.count("001") == 1
            assert ["JOIN", "#lobby"] in answers
            assert verbs[-1] == "366"
            person = self.chat.hub.find(self.nick)
            assert person.nick == self.nick
            return
        self.tries -= 1
        assert verbs[0] == REFUSED[self.nick]
        assert answers[0][1] == "*"
        self.nick = ""
        if self.tries:
            assert len(answers) == 1, answers
        else:
            self.gone = True
            assert verbs[-1] == "ERROR", answers

    @precondition(lambda self: not self.gone)
    @rule(nick=st.sampled_from([*FREE, *REFUSED]))
    def gives_nick(self, nick: str) -> None:
        """Offer a nickname, or change it."""
        answers = self.says(f"NICK :{nick}")
        if not nick:
            assert [answer[0] for answer in answers] == ["431"]
        elif not self.joined:
            self.nick = nick.partition(" ")[0]  # the rest is no password
            self.comes_in(answers)
        elif nick == self.nick:
            assert answers == []
        elif nick in REFUSED or " " in nick:
            refused = REFUSED.get(nick, "432")
            assert [answer[:2] for answer in answers] == [[refused, self.nick]]
        else:
            assert answers == [["NICK", nick]]
            self.nick = nick

    @precondition(lambda self: not self.gone)
    @rule(words=st.integers(0, 5))
    def gives_user(self, words: int) -> None:
        """Say who the user is, perhaps not all of it."""
        answers = self.says("USER " + " ".join("u0*rx"[:words]))
        if self.joined:
            assert [answer[0] for answer in answers] == ["462"]
        elif words < 4:
            assert [answer[:3] for answer in answers] == [["461", "*", "USER"]]
        else:
            self.carded = True
            self.comes_in(answers)

    @precondition(lambda self: not self.gone)
    @rule(version=st.sampled_from(["", " 301", " 302", " 999999999999", " x"]))
    def lists(self, version: str) -> None:
        """Ask what there is; that keeps the door closed until CAP END."""
        answers = self.says(f"CAP LS{version}")
        assert {(verb, *params[1:2]) for verb, *params in answers} == {("CAP", "LS")}
        if version in (" 302", " 999999999999"):
            self.agreed |= {"cap-notify"} & self.offered(answers)
        self.negotiating = not self.joined

    def offered(self, answers: list[list[str]]) -> set[str]:
        """Return the names of the capabilities that are listed."""
        words = " ".join(answer[-1] for answer in answers).split()
        return {word.partition("=")[0] for word in words}

    @precondition(lambda self: not self.gone)
    @rule(wanted=st.lists(st.sampled_from(WANTED), max_size=12))
    def requests(self, wanted: list[str]) -> None:
        """Ask for some; all or nothing."""
        answers = self.says(f"CAP REQ :{' '.join(wanted)}")
        good = "x" not in wanted
        assert [answer[2] for answer in answers] == ["ACK" if good else "NAK"]
        assert answers[0][3].split() == wanted
        for name in wanted if good else []:
            if name.startswith("-"):
                self.agreed.discard(name[1:])
            else:
                self.agreed.add(name)
        self.negotiating = not self.joined

    @precondition(lambda self: not self.gone)
    @rule()
    def asks_what_it_has(self) -> None:
        """Everything that was agreed on."""
        (answer,) = self.says("CAP LIST")
        assert answer[:1] + answer[2:3] == ["CAP", "LIST"]
        assert set(answer[3].split()) - {"cap-notify"} == self.agreed - {"cap-notify"}

    @precondition(lambda self: not self.gone)
    @rule()
    def ends(self) -> None:
        """Have done with capabilities."""
        answers = self.says("CAP END")
        self.negotiating = False
        self.comes_in(answers)

    @precondition(lambda self: not self.gone and not self.joined)
    @rule(
        steps=st.permutations(["nick", "user", "end"]),
        nick=st.sampled_from(FREE),
        words=st.sampled_from([4, 4, 5, 3]),
    )
    def says_all_that_must_be_said(self, steps: list[str], nick: str, words: int) -> None:
        """In some order."""
        for step in steps:
            match step:
                case "nick":
                    self.gives_nick(nick)
                case "user":
                    self.gives_user(words)
                case _:
                    self.ends()

    @precondition(lambda self: not self.gone)
    @rule(token=st.sampled_from(["x", "a b", ":"]))
    def pings(self, token: str) -> None:
        """Ask whether anybody is there."""
        assert self.says(f"PING :{token}") == [["PONG", SERVER, token]]

    @precondition(lambda self: not self.gone)
    @rule(line=st.sampled_from(["JOIN #lobby", "PRIVMSG taken :hi", "NAMES #lobby", "WHOIS taken"]))
    def does_what_it_may_when_in(self, line: str) -> None:
        """Before that nothing of it is done."""
        answers = self.says(line)
        assert ("451" in [answer[0] for answer in answers]) is not self.joined

    @precondition(lambda self: not self.gone)
    @rule(line=st.sampled_from([b"", b"   ", b":x", b"@a=b", b"\0\0", b"PONG", b"PONG x", b"CAP"]))
    def says_nothing(self, line: bytes) -> None:
        """Say what is not worth an answer, or not said to the end."""
        assert [answer[0] for answer in self.says(line)] == (["461"] if line == b"CAP" else [])

    @precondition(lambda self: not self.gone and (self.joined or self.tries < 5))
    @rule()
    def quits(self) -> None:
        """Leave; in or not, that is the end, and nobody has the nickname any more."""
        self.gone = True
        answers = self.says("QUIT :so long")
        assert [answer[0] for answer in answers] == ["ERROR"]
        if self.joined:
            assert self.chat.hub.parts.nicks.wearer(self.nick) is None

    @precondition(lambda self: self.gone)
    @rule(line=st.sampled_from(["NICK alice", "PING x", "CAP LS 302", "QUIT"]))
    def is_gone(self, line: str) -> None:
        """Nothing more is said to it."""
        self.wire.send(line)
        assert self.wire.lines() == []

    def teardown(self) -> None:
        """Whoever is not in is nowhere."""
        everybody = {person.nick for person in self.chat.hub.people()}
        assert everybody == {"taken"} | ({self.nick} if self.joined and not self.gone else set())


class ComingInTest(SynchronousTestCase):
    """In any order."""

    def test_in_any_order(self) -> None:
        run_state_machine_as_test(
            Coming,
            settings=settings(
                deadline=None, max_examples=examples(100), stateful_step_count=25, database=None
            ),
        )
