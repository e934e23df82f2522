"""JSON objects at the line door: the scenarios of all doors, ids, and whatever may come in."""

import json
from typing import cast
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chatservice.commands import COMMANDS
from chatservice.doors.line import ChatFactory
from chatservice.doors.raw import RawFactory
from chatservice.events import FOR_PROGRAMS, Event, Kind
from chatservice.hub import Hub
from chatservice.limits import DEFAULT, UNLIMITED, Limits
from chatservice.names import LOBBY
from chatservice.objects import MAX_REQUEST, read_event
from chatservice.people.person import Policy
from chatservice.plain import parse
from chatservice.store.memory import MemoryLog
from chatservice.text import MAX_LINE
from tests.conformance import Backlog, Conformance, Durable, Person, Stage
from tests.doors.test_line import LinePerson
from tests.doors.test_raw import RawPerson
from tests.fakes import NOT_STORED, NOW, FailingLog, SlowLog, quick

Shown = dict[str, object]


class JsonPerson(LinePerson):
    """A program at the line door, which offers its nickname as an object."""

    def __init__(self, factory: ChatFactory, host: str = "192.0.2.1") -> None:
        super().__init__(factory, host)
        self._here = LOBBY

    def ask(self, do: str, id: str | int | None = None, **fields: object) -> None:
        """Send a request."""
        request = {"do": do, **({} if id is None else {"id": id}), **fields}
        self.send(f"{json.dumps(request)}\n".encode())

    def offer(self, nick: str) -> None:
        """Offer a nickname."""
        self.ask("nick", nick=nick)

    def type(self, line: str) -> None:
        """Do what somebody would do with a line."""
        self.ask("line", line=line)

    def objects(self) -> list[Shown]:
        """Return the objects that came since the last call, each in a line of its own."""
        return [json.loads(line) for line in self.lines() if line.startswith("{")]

    def heard(self) -> list[Event]:
        """Return the events that came since the last call, as others would have seen them.

        Scenarios know the room of a line by where it is read; they know nothing of requests.
        """
        events = [
            read_event(line) if line.startswith("{") else parse(line) for line in self.lines()
        ]
        return [self._as_seen(event) for event in events if event.kind not in _ABOUT_JSON]

    def _as_seen(self, event: Event) -> Event:
        if event.kind is Kind.SWITCHED:
            self._here = event.text
        if event.kind is Kind.WELCOME:
            event = event._replace(nick="")
        if event.kind is Kind.NOTICE:
            event = event._replace(aside="")
        if event.kind in (Kind.JOINED, Kind.LEFT) and event.room != LOBBY:
            return event
        return event._replace(room="") if event.room == self._here else event


PIECES = [
    *(b'{"do":"say","room":"#lobby","text":"hi"}', b'{"do":"who"}', b'{"do":"join","room":"#a"}'),
    *(b'{"do":"line","line":"/nick al"}', b'{"do":"history"}', b'{"do":"', b'"}', b"{}", b"[]"),
    *(b'{"do":"say","room":"#lobby","text":"\\u0000\\ud800\\u2028"}', b"\xff\xf4", b"\r\n"),
    *(b'{"do":"time","value":"on"}', b'{"do":"help","id":1}', b'{"do":"rooms","id":"\\u00e9"}'),
]
"""What a property is likely to find something with."""

_ABOUT_JSON = (Kind.HELLO, Kind.DONE, *FOR_PROGRAMS)


class InObjects(Stage):
    """What holds where everything is an object."""

    rings = False

    def test_lines_are_stamped_for_who_wants_it(self) -> None:
        """In JSON they always are."""
        assert isinstance(self, SynchronousTestCase)
        alice = self.joined("alice")
        for n, line in enumerate(["/time on", "/time off"], 1):
            alice.type(line)
            alice.type("hello")
            self.turn()
            self.assertEqual(alice.heard()[-1].seq, n)


class InJson(InObjects):
    """Where the scenarios take place."""

    def setUp(self) -> None:
        """Open a chat with a line door."""
        super().setUp()
        self.factory = ChatFactory(self.hub)

    def connect(self) -> JsonPerson:
        """Connect a program."""
        return JsonPerson(self.factory)

    def as_received(self, person: Person) -> list[str]:
        """Return the lines that came since the last look, as they came."""
        return cast("JsonPerson", person).lines()


class JsonConformance(InJson, Conformance, SynchronousTestCase):
    """The scenarios, in JSON."""


class JsonBacklog(InJson, Backlog, SynchronousTestCase):
    """The scenarios of those who come in later, in JSON."""


class DurableJsonConformance(Durable, InJson, Conformance, SynchronousTestCase):
    """The scenarios, in JSON, with a log on disk."""


class DurableJsonBacklog(Durable, InJson, Backlog, SynchronousTestCase):
    """The scenarios of those who come in later, in JSON, with a log on disk."""


def brief(objects: list[Shown], *names: str) -> list[tuple[object, ...]]:
    """Return some fields of each object."""
    return [tuple(shown.get(name) for name in names) for shown in objects]


class Chat:
    """A chat with a line door."""

    def __init__(self, log: MemoryLog | None = None, limits: Limits = UNLIMITED) -> None:
        self.clock = Clock()
        self.hub = Hub(log or MemoryLog(), self.clock, now=lambda: NOW, policy=Policy(limits))
        self.door = ChatFactory(self.hub)

    def turn(self) -> None:
        """End the turn."""
        self.clock.advance(0)

    def connect(self) -> JsonPerson:
        """Connect somebody."""
        return JsonPerson(self.door)

    def join(self, nick: str) -> JsonPerson:
        """Bring somebody in who speaks JSON."""
        person = self.connect()
        person.offer(nick)
        self.turn()
        person.lines()
        return person


class Answers(SynchronousTestCase):
    """Each request has one last answer, with its id."""

    def test_requests_that_come_together_are_answered_in_order(self) -> None:
        """And all that each is told carries its id."""
        chat = Chat()
        alice = chat.join("alice")
        alice.ask("say", 1, room="#lobby", text="hello")
        alice.ask("history", "two")
        alice.ask("halp", 3)
        alice.ask("join", 4, room="#dev")
        alice.ask("who")
        alice.ask("me", 6, text="waves")
        chat.turn()
        self.assertEqual(
            brief(alice.objects(), "type", "id", "seq", "room", "past"),
            [
                ("said", None, 1, "#lobby", None),
                ("done", 1, 1, None, None),
                ("said", "two", 1, "#lobby", True),
                ("notice", "two", None, None, None),
                ("done", "two", None, None, None),
                ("error", 3, None, None, None),
                ("switched", 4, None, "#dev", None),
                ("joined", None, None, "#dev", None),
                ("done", 4, None, None, None),
                ("member", None, None, "#dev", None),
                ("done", None, None, None, None),
                ("acted", None, 1, "#dev", None),
                ("done", 6, 1, None, None),
            ],
        )

    def test_where_to_go_on_in_the_past(self) -> None:
        """Programs need not read it in the words of the notice; at the beginning there is none."""
        chat = Chat()
        alice = chat.join("alice")
        for text in ("one", "two", "three"):
            alice.ask("say", room="#lobby", text=text)
        alice.objects()
        alice.ask("history", value="2")
        alice.ask("history", value="2 before 2")
        chat.turn()
        told = [one for one in alice.objects() if one["type"] == "notice"]
        self.assertEqual([one.get("before") for one in told], [2, None])

    def test_done_is_told_when_it_is_committed(self) -> None:
        """And the next request has to wait until then."""
        log = SlowLog()
        chat = Chat(log)
        alice = chat.join("alice")
        log.slow = True
        alice.ask("say", 1, room="#lobby", text="one")
        alice.ask("who", 2)
        alice.ask("say", 3, room="#lobby", text="three")
        chat.turn()
        self.assertEqual(alice.objects(), [])
        log.commit()
        chat.turn()
        self.assertEqual(
            brief(alice.objects(), "type", "id"),
            [("said", None), ("done", 1), ("member", 2), ("done", 2)],
        )
        log.commit()
        chat.turn()
        self.assertEqual(
            brief(alice.objects(), "type", "id", "seq"), [("said", None, 2), ("done", 3, 2)]
        )

    def test_what_could_not_be_stored_is_not_done(self) -> None:
        """The error is the last answer."""
        log = FailingLog()
        chat = Chat(log)
        alice = chat.join("alice")
        log.failing = NOT_STORED
        alice.ask("say", 1, room="#lobby", text="one")
        alice.ask("who", 2)
        chat.turn()
        self.assertEqual(
            brief(alice.objects(), "type", "id", "code"),
            [("error", 1, "not-stored"), ("member", 2, None), ("done", 2, None)],
        )

    def test_what_was_too_fast_is_known_by_its_id(self) -> None:
        """So that it can be sent again; until the end."""
        chat = Chat(limits=DEFAULT)
        alice = chat.join("alice")
        for n in range(40):
            alice.ask("say", n, room="#lobby", text="spam")
        chat.turn()
        answers = [shown for shown in alice.objects() if shown["type"] in ("done", "error")]
        self.assertEqual(
            brief(answers, "id", "code"),
            [
                *((n, None) for n in range(10)),
                *((n, "too-fast") for n in range(10, 29)),
                (29, "flooding"),
            ],
        )

    def test_others_get_no_ids(self) -> None:
        """What one hears is no answer, except to who said it."""
        chat = Chat()
        alice, bob = chat.join("alice"), chat.join("bob")
        alice.lines()
        alice.ask("msg", 1, nick="bob", text="psst")
        chat.turn()
        self.assertEqual(
            brief(bob.objects(), "type", "id", "nick", "to", "room", "text", "seq"),
            [("private", None, "alice", "bob", None, "psst", 1)],
        )
        self.assertEqual(
            brief(alice.objects(), "type", "id", "seq"), [("private", None, 1), ("done", 1, 1)]
        )

    def test_who_is_refused_something_unasked_is_answered_all_the_same(self) -> None:
        """The error of somebody else's doing has no id, and is no last answer."""
        log = SlowLog()
        chat = Chat(log)
        alice = chat.join("alice")
        log.slow = True
        alice.ask("say", 1, room="#lobby", text="one")
        chat.hub._order.tell_now(alice.protocol.session.person, Kind.ERROR, "Sh!", code="muted")
        log.commit()
        chat.turn()
        self.assertEqual(
            brief(alice.objects(), "type", "id"), [("error", None), ("said", None), ("done", 1)]
        )

    def test_who_is_heard_by_nobody_cannot_tell(self) -> None:
        """Its lines look like those of others: no id, and a number in the answer."""
        chat = Chat()
        alice, bob = chat.join("alice"), chat.join("bob")
        bob.ask("say", room="#lobby", text="one")
        chat.turn()
        alice.lines(), bob.lines()
        person = alice.protocol.session.person
        event = chat.hub._order.event("#lobby", Kind.SAID, person, "two")
        with patch.object(
            chat.hub.rooms, "say", lambda *_, **__: chat.hub._order.echo(person, event)
        ):
            alice.ask("say", 1, room="#lobby", text="two")
            chat.turn()
        self.assertEqual(bob.lines(), [])
        said, done = alice.objects()
        self.assertEqual((said["type"], said.get("id"), done["id"]), ("said", None, 1))
        self.assertEqual(said["seq"], done["seq"])

    def test_leaving_needs_no_answer(self) -> None:
        """The end of the connection is one."""
        chat = Chat()
        alice = chat.join("alice")
        alice.ask("quit", 1)
        chat.turn()
        self.assertEqual(alice.objects(), [])
        self.assertFalse(alice.connected)


class Entrances(SynchronousTestCase):
    """Coming to JSON, and going back."""

    def test_a_program_speaks_json_from_the_first_line(self) -> None:
        """All that follows NICK is objects; a refused nickname is asked for again."""
        chat = Chat()
        chat.join("alice")
        bot = chat.connect()
        self.assertEqual(bot.lines(), ["NICK"])
        bot.ask("nick", 1, nick="alice")
        bot.ask("nick", 2, nick="bot")
        bot.ask("say", 3, room="#lobby", text="here")
        chat.turn()
        self.assertEqual(
            brief(bot.objects(), "type", "id", "code", "v", "nick"),
            [
                ("hello", None, None, 1, ""),
                ("error", 1, "nick-taken", None, None),
                ("prompt", None, None, None, None),
                ("joined", None, None, None, "bot"),
                ("welcome", 2, None, None, "bot"),
                ("done", 2, None, None, None),
                ("said", None, None, None, "bot"),
                ("done", 3, None, None, None),
            ],
        )

    def test_who_cannot_say_who_it_is_is_sent_away(self) -> None:
        """With the reason: nothing else can be asked for before."""
        chat = Chat()
        for line in (b'{"do":"who","id":1}', b"{", b'{"do":"nick"}', b'{"do":"nick","nick":7}'):
            bot = chat.connect()
            bot.send(line + b"\n")
            chat.turn()
            self.assertEqual(brief(bot.objects(), "type", "code")[1:], [("error", "bad-request")])
            self.assertFalse(bot.connected)

    def test_a_token_is_offered_with_the_nickname(self) -> None:
        """As at NICK; ``resume`` tells it."""
        chat = Chat()
        alice = chat.join("alice")
        alice.ask("resume", 1)
        chat.turn()
        (told, done) = alice.objects()
        self.assertEqual((told["type"], told["id"], done["type"]), ("resume", 1, "done"))
        alice.hang_up()
        again = chat.connect()
        again.offer(f"{told['nick']} {told['text']}")
        chat.turn()
        self.assertEqual(
            brief(again.objects(), "type", "nick"),
            [("hello", ""), ("welcome", "alice"), ("done", None)],
        )

    def test_json_on_and_off(self) -> None:
        """The lines before are text, those behind are objects, whenever they were sent."""
        chat = Chat()
        alice = chat.connect()
        alice.send(
            b'alice\n{"do":"who"}\n/json on\n{"do":"say","room":"#lobby","text":"/json off"}\n'
            b'{"do":"json","id":1,"value":"off"}\n{"do":"who"}\n'
        )
        chat.turn()
        lines = alice.lines()
        self.assertEqual(
            lines[:4],
            ["NICK", "alice joined the chat", "Connected to the server", 'alice: {"do":"who"}'],
        )
        self.assertEqual(
            [json.loads(line)["type"] for line in lines[4:7]], ["hello", "said", "done"]
        )
        self.assertEqual(lines[7:], ["-- Lines are text from here on.", 'alice: {"do":"who"}'])

    def test_time_is_what_it_was_when_lines_are_text_again(self) -> None:
        """In JSON there is nothing to choose."""
        chat = Chat()
        alice = chat.join("alice")
        alice.ask("time", value="on")
        alice.ask("json", value="off")
        alice.send(b"hello\n")
        chat.turn()
        self.assertTrue(alice.lines()[-1].endswith(" 1] alice: hello"))

    def test_the_end_of_input_changes_nothing_about_that(self) -> None:
        """A pipe's last lines are taken in turn, also while something takes its time."""
        for how in ("half", "closed"):
            log = SlowLog()
            chat = Chat(log)
            bob = chat.join("bob")
            alice = chat.connect()
            alice.send(b"alice\n")
            chat.turn()
            log.slow = True
            alice.send(b"/history\n/json on\n")
            alice.send(b'{"do":"say","room":"#lobby","text":"bye"}\n')
            bob.lines()
            if how == "half":
                alice.protocol.readConnectionLost()
            else:
                alice.protocol.connectionLost(Failure(ConnectionDone()))
            for _ in range(9):
                log.commit()
                chat.turn()
            said = [shown["text"] for shown in bob.objects() if shown["type"] == "said"]
            self.assertEqual(said, ["bye"], how)

    def test_a_pipe_may_end_with_many_requests(self) -> None:
        """They wait for what takes its time, then all are done."""
        log = SlowLog()
        chat = Chat(log)
        alice, bob = chat.join("alice"), chat.join("bob")
        log.slow = True
        alice.ask("history")
        for _ in range(2000):
            alice.ask("say", room="#lobby", text="x")
        bob.lines()
        alice.protocol.readConnectionLost()
        log.slow = False
        log.commit()
        chat.turn()
        said = [shown["seq"] for shown in bob.objects() if shown["type"] == "said"]
        self.assertEqual(said, list(range(1, 2001)))

    def test_the_raw_door_has_no_json(self) -> None:
        """It says so."""
        chat = Chat()
        alice = RawPerson(RawFactory(chat.hub))
        alice.offer("alice")
        chat.turn()
        alice.text()
        alice.type("/json on")
        chat.turn()
        self.assertEqual([event.nick for event in alice.heard()], ["not-allowed"])


class Input(SynchronousTestCase):
    """Whatever comes in."""

    def setUp(self) -> None:
        """Bring in a program and somebody who listens."""
        self.chat = Chat()
        self.alice, self.bob = self.chat.join("alice"), self.chat.join("bob")
        self.alice.lines()

    def answers(self, *data: bytes) -> list[Shown]:
        """Send lines, return what comes."""
        for line in data:
            self.alice.send(line + b"\n")
            self.chat.turn()
        return self.alice.objects()

    def test_text_is_text(self) -> None:
        """Whatever it begins with, blanks included; unsafe characters are replaced."""
        for text, said in {
            "/quit": "/quit",
            "//": "//",
            "#dev hi": "#dev hi",
            '{"do":"quit"}': '{"do":"quit"}',
            "   indented": "   indented",
            "a\nb\r\x1b\x9b\u202e\ud800\u2028": "a\ufffdb" + "\ufffd" * 6,
        }.items():
            self.alice.ask("say", room="#lobby", text=text)
            self.chat.turn()
            self.assertEqual(brief(self.bob.objects(), "type", "text"), [("said", said)])

    def test_what_is_wrong_is_told_and_changes_nothing(self) -> None:
        """With a code, and with the id if there is one."""
        for line, code, number in (
            (b"hello", "bad-request", None),
            (b"\xc3\x28", "bad-request", None),
            (b"[" * 4000, "bad-request", None),
            (b'{"id":1}', "bad-request", 1),
            (b'{"id":1,"do":"say","do":"quit"}', "bad-request", None),
            (b'{"id":1,"do":"halp"}', "unknown-command", 1),
            (b'{"id":1,"do":""}', "unknown-command", 1),
            (b'{"id":1,"do":"say"}', "bad-arguments", 1),
            (b'{"id":1,"do":"say","room":"#lobby","text":" "}', "bad-arguments", 1),
            (b'{"id":1,"do":"say","room":"#lobby","text":7}', "bad-arguments", 1),
            (b'{"id":1,"do":"say","room":"#lobby","text":null}', "bad-arguments", 1),
            (b'{"id":1,"do":"say","room":"#lobby","text":["x"]}', "bad-arguments", 1),
            (b'{"id":1,"do":"say","room":"#dev","text":"x"}', "no-such-room", 1),
            (b'{"id":1,"do":"say","room":"lobby","text":"x"}', "room-invalid", 1),
            (b'{"id":1,"do":"msg","nick":"bob eve","text":"x"}', "bad-arguments", 1),
            (b'{"id":1,"do":"msg","nick":"b\\nob","text":"x"}', "no-such-nick", 1),
            (b'{"id":1,"do":"nick","nick":"' + b"x" * 1025 + b'"}', "line-too-long", 1),
            (b'{"id":1,"do":"nick","nick":"' + b"x" * 200 + b'"}', "bad-arguments", 1),
            (b'{"id":1,"do":"line"}', "bad-arguments", 1),
            (b'{"id":1,"do":"line","line":"/halp"}', "unknown-command", 1),
            (b'{"id":1,"do":"line","line":"' + b"x" * 1025 + b'"}', "line-too-long", 1),
            (b'{"id":1,"do":"json","value":"maybe"}', "bad-arguments", 1),
            (b'{"id":1,"do":"who"' + b" " * MAX_REQUEST + b"}", "line-too-long", None),
        ):
            answers = brief(self.answers(line), "type", "code", "id")
            self.assertEqual(answers, [("error", code, number)], line[:60])
        self.assertEqual(self.bob.lines(), [])
        self.assertTrue(self.alice.connected)

    def test_blank_lines_and_empty_text_do_nothing(self) -> None:
        """The latter is done at once."""
        self.assertEqual(self.answers(b"", b"  ", b"\t\r"), [])
        self.assertEqual(
            brief(self.answers(b'{"do":"line","line":"","id":1}'), "type", "id"), [("done", 1)]
        )

    def test_a_whole_line_of_text_has_room_in_an_object(self) -> None:
        """Also if all of it is escaped."""
        for text in ("x" * MAX_LINE, "\N{GRINNING FACE}" * (MAX_LINE // 4), "é" * 512):
            self.alice.ask("say", "i" * 64, room="#lobby", text=text)
            self.chat.turn()
            self.assertEqual(self.bob.objects()[0]["text"], text)

    def test_text_has_its_limit_outside_json(self) -> None:
        """An object may be longer than a line, a line may not."""
        self.alice.ask("json", value="off")
        self.alice.send(b"x" * MAX_LINE + b"\n" + b"y" * (MAX_LINE + 1) + b"\n")
        self.chat.turn()
        self.assertIn("[line-too-long]", self.alice.lines()[-1])
        self.assertEqual([shown["text"] for shown in self.bob.objects()], ["x" * MAX_LINE])

    def test_fields_that_nobody_knows_are_ignored(self) -> None:
        """So that a program may be newer than the server."""
        got = self.answers(b'{"do":"who","mood":[1,{"a":null}],"id":1}')
        self.assertEqual(brief(got, "type", "id"), [("member", 1), ("member", 1), ("done", 1)])

    def test_every_command_can_be_asked_for(self) -> None:
        """By name, with arguments by name; they cannot be mistaken for something else."""
        for command in COMMANDS:
            keys = [argument.key for argument in command.arguments]
            self.assertEqual(len(set(keys)), len(keys), command.name)
            self.assertFalse({"do", "id", "line"} & set(keys), command.name)
            chat = Chat()
            someone = chat.join("someone")
            someone.ask(command.name, 1, **dict.fromkeys(keys, "x"))
            for _ in range(3):
                chat.turn()
            last = someone.objects()[-1:]
            if someone.connected:
                self.assertEqual(brief(last, "id"), [(1,)], command.name)
                self.assertIn(last[0]["type"], ("done", "error"), command.name)
                self.assertNotIn("There is no command /" + command.name, str(last[0]))
                self.assertNotEqual(last[0].get("code"), "bad-request")

    def test_it_is_written_once_for_all(self) -> None:
        """Whatever their current rooms are."""
        self.alice.ask("join", room="#dev")
        self.chat.turn()
        protocols = [self.alice.protocol, self.bob.protocol]
        self.assertEqual(len({id(p._dialects.here) for p in protocols}), 1)
        self.assertIs(protocols[0]._dialects.here, protocols[0]._dialects.elsewhere)

    @quick
    @given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(PIECES)), max_size=8))
    def test_whatever_comes_in_only_objects_come_out(self, data: list[bytes]) -> None:
        """One in each line, each of a known type; nobody is harmed."""
        chat = Chat()
        alice, bob = chat.join("alice"), chat.join("bob")
        alice.lines()
        alice.send(b"\n".join([*data, b'{"do":"say","room":"#lobby","text":"end","id":"end"}\n']))
        chat.turn()
        for line in (*alice.lines(), *bob.lines()):
            read_event(line)
