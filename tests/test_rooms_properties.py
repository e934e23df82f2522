"""Rooms under whatever people do, with a log and readers that take their time."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.events import Kind
from chatservice.names import LOBBY
from chatservice.plain import parse
from tests.fakes import Chat, Guest, SlowLog, quick
from tests.test_returning import token_of

ROOMS = [LOBBY, "#a", "#b"]
MOVES = st.tuples(
    st.sampled_from([0, 0, 0, 1, 2]),
    st.sampled_from(
        [*("join", "leave") * 4, "say", "say", "nick", "stall", "read", "lose", "turn", "commit"]
    ),
    st.sampled_from([LOBBY, "#a", "#a", "#a", "#b"]),
)


class Scene:
    """Three people with tokens, one of whom may be away."""

    def __init__(self) -> None:
        self.log = SlowLog()
        self.chat = Chat(self.log)
        self.guests = self.chat.everybody("alice", "bob", "carol")
        self.tokens = [token_of(guest) for guest in self.guests]
        self.said = 0

    def move(self, who: int, what: str, room: str) -> None:
        """Let somebody do something."""
        guest = self.guests[who]
        match what:
            case "join" | "leave":
                guest.types(f"/{what} {room}")
            case "say":
                self.said += 1
                guest.types(f"/say {room} line {self.said}")
            case "nick":
                guest.types(f"/nick n{who}{self.said}")
            case "stall":
                guest.stalled = True
            case "read":
                guest.reads()
            case "lose":
                self.comes_back(who)
            case "turn":
                self.chat.turn()
            case "commit":
                self.log.commit(1)

    def comes_back(self, who: int) -> None:
        """Lose a connection and come back at once, perhaps before that was noticed everywhere."""
        guest = self.guests[who]
        nick, token = self.tokens[who].split()
        self.tokens[who] = f"{guest.nick or nick} {token}"
        guest.goes()
        again = self.guests[who] = self.chat.connect()
        again.claims(self.tokens[who]).addErrback(lambda _: None)

    def settle(self) -> None:
        """Let everything that was begun be done."""
        for who in range(3):
            self.guests[who].reads()
            self.wait()
            if not self.guests[who].nick:
                self.comes_back(who)
                self.wait()

    def wait(self) -> None:
        """Let the log do what it was asked to."""
        for _ in range(60):
            self.log.commit()
            self.log.answer()
            self.chat.turn()


def shown(guest: Guest) -> list[tuple[str, str]]:
    """Return room and text of all that somebody was shown, told by the lines alone."""
    here, told = LOBBY, []
    for line in guest.hears():
        event = parse(line)
        if event.kind is Kind.SWITCHED:
            here = event.text
        elif event.kind is Kind.SAID and not event.past:
            told.append((event.room or here, event.text))
    return told


class WhateverHappens(SynchronousTestCase):
    """Rooms, members and readers agree in the end."""

    @quick
    @given(st.booleans(), st.lists(MOVES, min_size=15, max_size=40))
    def test_who_is_in_a_room_hears_it_and_nobody_else(
        self, slow: bool, moves: list[tuple[int, str, str]]
    ) -> None:
        scene = Scene()
        scene.log.slow = slow
        for move in moves:
            scene.move(*move)
        scene.settle()
        scene.log.slow = False
        rooms, delivery = scene.chat.hub.rooms, scene.chat.hub.delivery
        members = {LOBBY: set[str]()}
        for guest in scene.guests:
            self.assertEqual(guest.wrongs, [])
            shown(guest)
            for name in guest.person.place.rooms:
                members.setdefault(name, set()).add(guest.nick)
        self.assertEqual({name: set(rooms._rooms[name].nicks()) for name in rooms._rooms}, members)
        for guest in scene.guests:
            heard = {feed.room for feed in delivery._readers[guest].cursors if feed.room[0] == "#"}
            self.assertEqual(heard, set(guest.person.place.rooms))
        for name, nicks in members.items():
            speaker = next((one for one in scene.guests if one.nick in nicks), None)
            if speaker is None:
                continue
            speaker.types(f"/say {name} probe")
            for guest in scene.guests:
                probes = [line for line in guest.hears() if line.endswith(": probe")]
                here = guest.person.place.current == name
                line = f"{speaker.nick}: probe" if here else f"{name} {speaker.nick}: probe"
                self.assertEqual(probes, [line] if guest.nick in nicks else [])

    @quick
    @given(st.lists(MOVES.filter(lambda move: move[1] != "lose"), min_size=15, max_size=40))
    def test_each_line_is_shown_once_in_its_order_with_its_own_room(
        self, moves: list[tuple[int, str, str]]
    ) -> None:
        scene = Scene()
        scene.log.slow = True
        for move in moves:
            scene.move(*move)
        scene.settle()
        for guest in scene.guests:
            told = shown(guest)
            for name in ROOMS:
                texts = [event.text for event in scene.log._events(name)]
                mine = [text for room, text in told if room == name]
                self.assertEqual(mine, [text for text in texts if text in mine])
