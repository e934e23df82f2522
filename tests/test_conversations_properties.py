"""Private lines under whatever people do: none is lost, and without a crash none comes twice.

So it is for accounts, which come back by password, and for who comes back by token alone.
"""

import re
from collections.abc import Iterator
from itertools import chain

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.events import Event
from chatservice.store.memory import MemoryRecords
from tests.fakes import WORD, Chat, Guest, SlowLog, quick, register

PEOPLE = ("alice", "bob", "carol")  # carol is a guest
TOKEN = ("bob", "dana")  # who come back by token; dana is a guest
LINE = re.compile(r"(?:\[.*\] )?\w+ -> \w+: line (\d+)$")
OTHERS = ("goes", "quits", "stall", "read", "slow", "commit", "answer", "turn", "restart")
MOVES = st.tuples(
    st.sampled_from(PEOPLE),
    st.sampled_from([*("msg",) * 6, *("come",) * 3, *OTHERS]),
    st.sampled_from(PEOPLE),
)
ROUGH = st.tuples(
    st.sampled_from(PEOPLE),
    st.sampled_from(["crash", "again", "beside", "token", "msg", "come"]),
    st.sampled_from(PEOPLE),
)
OVERTAKEN = [
    ("alice", "slow", ""),
    ("alice", "come", ""),
    ("alice", "token", ""),
    ("alice", "msg", "bob"),  # waits for the token, which waits for the log
    ("bob", "come", ""),  # finds out where the present begins, behind that
]

EARLY = [
    ("alice", "slow", ""),
    ("alice", "come", ""),
    ("alice", "msg", "bob"),
    ("alice", "msg", "bob"),
    ("alice", "answer", ""),  # the first is on its way, the second is not yet
    ("bob", "beside", ""),  # logs in before it is welcomed
]
TOKEN_MOVES = st.tuples(
    st.sampled_from(TOKEN),
    st.sampled_from([*("told",) * 6, *("back",) * 3, *OTHERS[:-1], "ends", "later"]),
    st.just("alice"),
)
REPLACING = st.tuples(st.sampled_from(TOKEN), st.just("replaced"), st.just(""))


class Scene:
    """A chat that is restarted now and then, and who has been there on which connection."""

    def __init__(self) -> None:
        self.log = SlowLog()
        self.records = MemoryRecords()
        self.chat = Chat(self.log, records=self.records)
        self.here: dict[str, Guest] = {}
        self.connections: dict[str, list[Guest]] = {name: [] for name in (*PEOPLE, *TOKEN)}
        self.tokens: dict[str, str] = {}  # what they answer who come back
        self.inboxes = {name: f"@{name}" for name in PEOPLE}
        self.said = 0
        for name in ("alice", "bob"):
            register(self.chat.hub, name)

    def move(self, who: str, what: str, other: str) -> None:
        """Let somebody do something."""
        guest = self.here.get(who)
        match what:
            case "msg" if guest and who != other:
                self.said += 1
                guest.types(f"/msg {other} line {self.said}")
            case "come" if guest is None:
                self.comes(who, self.offer(who))
            case "again" if guest and who != "carol":  # in the place of the other connection
                self.comes(who, self.offer(who))
            case "beside" if who != "carol":
                self.comes(f"{who}{len(self.connections[who])}", "")
                beside = self.here.pop(f"{who}{len(self.connections[who])}")
                self.connections[who].append(beside)
                beside.types(f"/login {who} {WORD}")
            case "token" if guest:
                guest.types("/resume")
            case "told":
                self.move(other, "msg", who)
            case "back" if guest is None or guest.disconnects:
                self.comes(who, self.tokens[who])
            case "replaced" if guest:
                self.comes(who, self.tokens[who])
            case "ends" if guest:
                guest.session.hang_up()
            case "later":
                self.chat.clock.advance(61)
            case "goes" if guest:
                self.here.pop(who).goes()
            case "quits" if guest:
                guest.types("/quit")
                self.here.pop(who).goes()
            case "stall" if guest:
                guest.stalled = True
            case "read" if guest:
                guest.reads()
            case "slow":
                self.log.slow = True
            case "commit":
                self.log.commit(1)
            case "answer":
                self.log.answer()
            case "turn":
                self.chat.turn()
            case "restart":
                self.settle()
                self.chat.hub.close("bye")
                self.starts()
            case "crash":
                self.starts()

    def offer(self, who: str) -> str:
        """Return what proves who somebody is; of a guest nothing does."""
        return who if who == "carol" else f"{who} {WORD}"

    def comes(self, who: str, offer: str) -> None:
        """Let somebody come in."""
        guest = self.here[who] = Guest(self.chat)
        guest.claims(offer or who).addErrback(lambda _: self.waits(who))
        self.connections.get(who, []).append(guest)

    def waits(self, who: str) -> None:
        """Take note that somebody could not come in: its nickname is kept for its token."""
        del self.here[who]

    def come_with_tokens(self) -> None:
        """Let people come who come back by token."""
        self.move("alice", "come", "")
        for name in TOKEN:
            self.comes(name, f"{name} {WORD}" if name == "bob" else name)
            guest = self.here[name]
            guest.types("/resume")
            (self.tokens[name],) = [
                " ".join(found[1].split()[:2])
                for line in guest.lines()
                if (found := re.search(r"NICK with: (.*)", line))
            ]
            self.inboxes[name] = guest.person.inbox

    def settle(self) -> None:
        """Let everything that is on its way arrive."""
        self.log.slow = False
        for _ in range(20):
            self.log.commit()
            self.log.answer()
            self.chat.turn()
        for guest in self.here.values():
            guest.reads()

    def starts(self) -> None:
        """Begin anew with what has been committed."""
        self.here.clear()
        self.log = self.log.reopened()
        self.chat = Chat(self.log, records=self.records)

    def shown(self, name: str) -> list[list[int]]:
        """Return the lines that each connection of somebody was shown, but not its own."""
        found = [
            [LINE.match(line) for line in guest.lines() if f" -> {name}:" in line]
            for guest in self.connections[name]
        ]
        return [[int(line[1]) for line in lines if line] for lines in found]

    def accepted(self, name: str) -> list[int]:
        """Return the lines that the log has for somebody."""
        events: list[Event] = []
        self.log.after(self.inboxes[name], 0, 10**6).addCallback(events.extend)
        return [int(event.text.split()[1]) for event in events if event.to == name]


class Properties(SynchronousTestCase):
    """What always holds."""

    @quick
    @given(st.lists(MOVES, min_size=20, max_size=80))
    def test_every_line_is_shown_once_and_in_order(self, moves: list[tuple[str, str, str]]) -> None:
        scene = Scene()
        for move in moves:
            scene.move(*move)
        for name, connections in self.end(scene).items():
            self.assertEqual([*chain(*connections)], scene.accepted(name))

    @quick
    @given(st.lists(st.one_of(MOVES, ROUGH), min_size=20, max_size=80))
    @example(OVERTAKEN)
    @example(EARLY)
    def test_none_is_lost_whatever_happens(self, moves: list[tuple[str, str, str]]) -> None:
        scene = Scene()
        for move in moves:
            scene.move(*move)
        for name, connections in self.end(scene).items():
            accepted = scene.accepted(name)
            self.assertLessEqual(set(accepted), set(chain(*connections)))
            for lines in connections:
                self.assertEqual(lines, [line for line in accepted if line in lines])

    @quick
    @given(st.lists(TOKEN_MOVES, min_size=20, max_size=80))
    def test_who_returns_by_token_is_told_once(self, moves: list[tuple[str, str, str]]) -> None:
        for name, connections, accepted in self.with_tokens(moves):
            self.assertEqual([*chain(*connections)], accepted, name)

    @quick
    @given(st.lists(st.one_of(TOKEN_MOVES, REPLACING), min_size=20, max_size=80))
    def test_who_is_replaced_by_token_misses_none(self, moves: list[tuple[str, str, str]]) -> None:
        for name, connections, accepted in self.with_tokens(moves):
            self.assertLessEqual(set(accepted), set(chain(*connections)), name)
            for lines in connections:
                self.assertEqual(lines, [line for line in accepted if line in lines])

    def with_tokens(
        self, moves: list[tuple[str, str, str]]
    ) -> Iterator[tuple[str, list[list[int]], list[int]]]:
        """Go through moves; return who comes back by token, what is shown, and what is due."""
        scene = Scene()
        scene.come_with_tokens()
        for move in moves:
            scene.move(*move)
        scene.settle()
        for name in TOKEN:
            scene.move(name, "goes", "")
            scene.settle()
            scene.move(name, "back", "")
            scene.settle()
            yield name, scene.shown(name), scene.accepted(name)

    def end(self, scene: Scene) -> dict[str, list[list[int]]]:
        """Let both come in once more; return what each has been shown."""
        scene.settle()
        for name in ("alice", "bob"):
            if name in scene.here:
                scene.move(name, "quits", "")
            scene.settle()
            scene.move(name, "come", "")
            scene.settle()
        return {name: scene.shown(name) for name in ("alice", "bob")}
