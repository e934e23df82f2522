"""Wherever a connection breaks, nothing is lost and nothing comes twice: in a pipe, at a screen."""

import re
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from chatservice.client.link import Link
from chatservice.client.look import Look
from chatservice.client.pipe import Pipe
from chatservice.client.screen import Keyboard, Screen
from chatservice.events import Kind
from chatservice.plain import parse
from chatservice.resume import parse_offer
from tests.client.test_link import Server, comes_back
from tests.fakes import quick

TOO_FAST = "! Not accepted, that was too fast: try again in 2.5 seconds. [too-fast]"
ACTIONS = ["take", "cut before", "cut after", "too fast", "talk"]


class Chat(Server):
    """A server as it should be, whose connections break where a test says.

    :ivar log: who said what, from number 1.
    :ivar actions: what happens at the next commands, or after telling so many missed lines.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.clock = clock
        self.log: list[tuple[str, str]] = []
        self.actions: list[str] = []
        self.stamps = False
        self.read = ""  # what the last answer to /resume said
        self.known = 0  # connections that were asked for a nickname

    def turn(self) -> None:
        """Do what is to be done next."""
        wire = self.wires[-1]
        if not wire.connected:
            self.clock.advance(1)
        elif self.known < len(self.wires):
            self.known, self.stamps = len(self.wires), False
            self.says("NICK")
        else:
            data = wire.value().decode()
            wire.clear()
            for line in data.splitlines():
                if not wire.connected or not self.take(line):
                    break

    def take(self, line: str) -> bool:
        """Take a line; False if the connection breaks."""
        if line.split()[0] == "bot":
            offer = parse_offer(line)
            self.says("Connected to the server", "-- Kept for ever.")
            for number in range(offer.read["#lobby"] if offer else len(self.log), len(self.log)):
                if self.actions and self.actions.pop().startswith("cut"):
                    return self.cut()
                self.says(self.shown(number, "2026-11-20 10:00:00"))
            return True
        action = self.actions.pop() if self.actions else "take"
        if action == "cut before":
            return self.cut()
        if action == "talk":
            self.say("bob", "x")
        if action == "too fast":
            self.says(TOO_FAST)
        elif line == "/resume":
            self.read = f"#lobby:{len(self.log)} @:0"
            self.says(comes_back(self.read, "bot"))
        elif line == "/time here":
            self.stamps = True
            self.says("-- Each line has its time now.")
        elif line == "/who":
            self.says("-- 1 here: bot")
        elif line != "/quit":
            self.say("bot", line, action != "cut after")
        return self.cut() if action == "cut after" else True

    def say(self, nick: str, text: str, told: bool = True) -> None:
        """Say something, which the client may not get to see."""
        self.log.append((nick, text))
        if told:
            self.says(self.shown(len(self.log) - 1, "10:00:00" if self.stamps else ""))

    def shown(self, number: int, when: str) -> str:
        """Return the line that shows what was said."""
        nick, text = self.log[number]
        return f"[{when} {number + 1}] {nick}: {text}" if when else f"{nick}: {text}"

    def cut(self) -> bool:
        """Break the connection."""
        self.closes()
        return False


LINES = st.lists(st.sampled_from("xyz"), min_size=1, max_size=6)
BREAKS = st.lists(st.sampled_from(ACTIONS), max_size=30)


class ExactlyOnce(SynchronousTestCase):
    """Against a server as it should be."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.chat = Chat(self.clock)

    def lets_in(self, actions: list[str]) -> None:
        """Let the client in; without a token there is no way back."""
        while not self.chat.read:
            self.chat.turn()
        self.chat.actions = actions

    def goes_on(self) -> None:
        """Let time pass until everything should be over."""
        quiet = 0
        while quiet < 60:
            before = len(self.chat.log), len(self.chat.actions), len(self.chat.wires)
            self.chat.turn()
            self.clock.advance(0.1)
            after = len(self.chat.log), len(self.chat.actions), len(self.chat.wires)
            quiet = quiet + 1 if before == after else 0

    def said(self) -> list[str]:
        """Return what the client got to say."""
        return [text for nick, text in self.chat.log if nick == "bot"]

    @quick
    @given(LINES, BREAKS, st.booleans())
    def test_a_pipe(self, lines: list[str], actions: list[str], follow: bool) -> None:
        """In order, although many are the same; and who follows sees each line once."""
        self.setUp()
        shown: list[str] = []
        warned: list[str] = []
        outcome: list[str | None] = []
        pipe = Pipe(self.clock, follow, shown.append, warned.append, outcome.append)
        pipe.link = Link(self.clock, self.chat, "bot", pipe, stamps=follow)
        pipe.link.start()
        self.lets_in(actions)
        for line in lines:
            pipe.add(line.encode())
        pipe.end()
        self.goes_on()
        self.assertEqual(self.said(), lines)
        self.assertEqual(outcome, [] if follow else [None])
        if follow:
            told = [event for event in map(parse, shown) if event.kind is Kind.SAID]
            self.assertEqual([(event.nick, event.text) for event in told], self.chat.log)

    @quick
    @given(LINES, BREAKS)
    def test_a_terminal(self, lines: list[str], actions: list[str]) -> None:
        """What is typed, or pasted, all at once."""
        self.setUp()
        calls: list[str] = []
        leave = partial(calls.append, "leave")
        screen = Screen(self.clock, Look(False), lambda: (80, 24), leave, leave)
        screen.link = Link(self.clock, self.chat, "bot", screen)
        wire = StringTransport()
        keyboard = Keyboard(screen)
        keyboard.makeConnection(wire)
        screen.link.start()
        self.lets_in(actions)
        keyboard.dataReceived("".join(f"{line}\r" for line in lines).encode())
        self.goes_on()
        self.assertEqual(self.said(), lines)
        told = re.findall(r"((?:bot|bob): [xyz])\r\n", wire.value().decode())
        self.assertEqual(told, [f"{nick}: {text}" for nick, text in self.chat.log])
