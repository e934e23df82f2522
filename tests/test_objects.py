"""JSON objects: what is written is read back, and only what is a request is taken for one."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import Code
from chatservice.events import AROUND, Event, Kind
from chatservice.names import about
from chatservice.objects import (
    FIELDS,
    REMARKS,
    VERSION,
    BadRequest,
    Id,
    Request,
    read_event,
    read_request,
    write_event,
)
from chatservice.text import clean
from tests.fakes import NOW, quick

texts = st.text(max_size=40).map(clean)
names = st.text(max_size=10).map(clean)
ids = st.one_of(
    st.none(), st.integers(-(10**17), 10**17), st.text(max_size=64).filter(lambda t: clean(t) == t)
)
events = st.builds(
    Event,
    seq=st.integers(0, 10**18 - 1),
    at=st.floats(0, 4e9),
    room=st.sampled_from(["", "#lobby", "&#dev", "@7f"]),
    kind=st.sampled_from([*FIELDS]),
    nick=names,
    text=texts,
    to=names,
    by=st.sampled_from(["", "@7f"]),
    past=st.booleans(),
    aside=texts,
)
ROOM_KINDS = [kind for kind in FIELDS if FIELDS[kind].get("room") == "room"]


def shown(event: Event) -> Event:
    """What an object shows of an event."""
    plain = Event(0, round(event.at, 3), "", event.kind, "", past=event.past)
    fields = {attribute: getattr(event, attribute) for attribute in FIELDS[event.kind].values()}
    if event.kind is Kind.RECORDED:
        fields["room"] = about(fields["room"])
    return Event(**{**plain._asdict(), **fields})


class Events(SynchronousTestCase):
    """What programs read."""

    def test_every_kind_has_its_fields(self) -> None:
        """Those that are kept have a number; what happened in a room names it."""
        self.assertEqual(set(FIELDS), set(Kind) - {Kind.WIRE})
        for kind in FIELDS:
            self.assertEqual("seq" in FIELDS[kind], kind.kept or kind is Kind.DONE)

    @quick
    @given(events)
    def test_what_is_written_is_read_back(self, event: Event) -> None:
        self.assertEqual(read_event(write_event(event)), shown(event))

    @quick
    @given(events, ids)
    def test_an_object_is_one_line_of_json(self, event: Event, request: Id) -> None:
        """As any library reads it; with the id as it was given."""
        line = write_event(event, request)
        self.assertEqual(line.splitlines(), [line])
        found = json.loads(line)
        self.assertEqual(found["type"], REMARKS.get(event.kind, event.kind).label)
        self.assertEqual(found.get("remark", False), event.kind in REMARKS)
        self.assertEqual(found.get("id"), request)
        self.assertEqual(clean(line), line)

    @quick
    @given(events)
    def test_who_acted_stays_hidden(self, event: Event) -> None:
        """Identities and inboxes are nobody's business."""
        line = write_event(event._replace(by="@secret", room="@secret", kind=Kind.PRIVATE))
        self.assertNotIn("@secret", line)

    def test_by_hand(self) -> None:
        """A few, to the letter."""
        for event, line in {
            Event(17, NOW, "#dev", Kind.SAID, "al", 'a "b"', by="@1", past=True): (
                '{"type":"said","at":1700000000.0,"room":"#dev","seq":17,"nick":"al",'
                '"text":"a \\"b\\"","past":true}'
            ),
            Event(3, NOW, "@1", Kind.PRIVATE, "al", "psst", "bob"): (
                '{"type":"private","at":1700000000.0,"seq":3,"nick":"al","to":"bob","text":"psst"}'
            ),
            Event(9, 0.5, "#dev", Kind.RENAMED, "al", "alice"): (
                '{"type":"renamed","at":0.5,"room":"#dev","nick":"al","to":"alice"}'
            ),
            Event(0, 1, "", Kind.ERROR, "too-fast", "Wait."): (
                '{"type":"error","id":7,"at":1,"code":"too-fast","text":"Wait."}'
            ),
            Event(0, 1, "", Kind.NOTICE, "", "Hello."): (
                '{"type":"notice","at":1,"text":"Hello."}'
            ),
            Event(0, 1, "", Kind.NOTICE, "", "Hello.", aside=AROUND): (
                '{"type":"notice","at":1,"text":"Hello.","about":"past"}'
            ),
            Event(9, 1, "", Kind.NOTICE, "", "More."): (
                '{"type":"notice","at":1,"text":"More.","before":9}'
            ),
            Event(0, 1, "", Kind.DONE, "al", to="12"): '{"type":"done","id":7,"at":1}',
            Event(5, 1, "", Kind.DONE, "al", to="12"): '{"type":"done","id":7,"at":1,"seq":5}',
            Event(0, 0, "", Kind.HELLO, "al", "JSON"): (
                f'{{"type":"hello","id":7,"v":{VERSION},"nick":"al"}}'
            ),
        }.items():
            answers = event.kind in (Kind.ERROR, Kind.DONE, Kind.HELLO)
            self.assertEqual(write_event(event, 7 if answers else None), line)

    def test_what_is_no_event(self) -> None:
        """Others' fields do no harm, other types do."""
        for line in (
            *("", "{}", "[]", "7", '{"type":"else"}', '{"type":7}', '{"type":"said","seq":"1"}'),
            *('{"type":"said","at":"now"}', '{"type":"said","past":1}', '{"type":"said","nick":0}'),
        ):
            with self.assertRaises(ValueError):
                read_event(line)
        self.assertEqual(
            read_event('{"type":"left","room":"#a","nick":"al","mood":["sad"]}'),
            Event(0, 0.0, "#a", Kind.LEFT, "al"),
        )


class Requests(SynchronousTestCase):
    """What programs write."""

    def test_what_is_one(self) -> None:
        """All but id and do is for the command to look at."""
        self.assertEqual(
            read_request(' {"id": "1", "do": "say", "text": "\\ud83d\\ude00", "n": 1e999} '),
            Request(
                "1", "say", {"id": "1", "do": "say", "text": "\N{GRINNING FACE}", "n": float("inf")}
            ),
        )
        self.assertEqual(read_request('{"do":"who"}').id, None)
        self.assertEqual(read_request('{"do":"who","id":-5}').id, -5)
        self.assertEqual(read_request(f'{{"do":"who","x":-{"9" * 9999}}}').do, "who")

    def test_what_is_none(self) -> None:
        """Refused with what is wrong and an example."""
        for text, reason in {
            "": "no good JSON",
            "hello": "no good JSON",
            '{"do":"who"} {"do":"who"}': "no good JSON",
            "{'do':'who'}": "no good JSON",
            '{"do":"who",}': "no good JSON",
            '{"do":"say","text":"a\tb"}': "no good JSON",
            '{"do":"say","text":"\\x"}': "no good JSON",
            '{"do":"who","x":NaN}': "NaN",
            '{"do":"who","x":-Infinity}': "Infinity",
            '{"do":"who","do":"quit"}': "twice",
            '{"do":"who","x":{"a":1,"a":2}}': "twice",
            '{"do":"who","id":1234567890123456789}': "18 digits",
            "[" * 100_000: "deeply",
            '{"a":' * 100_000: "deeply",
            "[]": "object",
            '"who"': "object",
            "null": "object",
            "{}": "do",
            '{"do":7}': "do",
            '{"do":null}': "do",
            '{"do":["who"]}': "do",
            '{"do":"who","id":1.5}': "id",
            '{"do":"who","id":true}': "id",
            '{"do":"who","id":{}}': "id",
            '{"do":"who","id":"\\u001b[31m"}': "id",
            '{"do":"who","id":"\\ud800"}': "id",
            f'{{"do":"who","id":"{"x" * 65}"}}': "id",
        }.items():
            with self.assertRaises(BadRequest, msg=text[:50]) as caught:
                read_request(text)
            self.assertEqual(caught.exception.code, Code.BAD_REQUEST)
            self.assertIn(reason, caught.exception.message)
            self.assertEqual(clean(caught.exception.message), caught.exception.message)
            self.assertLess(len(caught.exception.message), 300)

    def test_the_id_of_a_bad_one_is_known_if_it_has_one(self) -> None:
        """So that the error can be put down to it."""
        with self.assertRaises(BadRequest) as caught:
            read_request('{"id":"x","do":7}')
        self.assertEqual(caught.exception.id, "x")

    @quick
    @given(st.one_of(st.text(max_size=60), st.text('{}[]":,do1e9N\\u8 ', max_size=60)))
    def test_nothing_else_is_raised(self, text: str) -> None:
        """Whatever comes."""
        with contextlib.suppress(BadRequest):
            read_request(text)

    @quick
    @given(ids, st.text(max_size=20), st.dictionaries(names, st.integers() | texts, max_size=3))
    def test_what_a_library_writes_is_read(
        self, request: Id, do: str, others: dict[str, int | str]
    ) -> None:
        """Escaped or not."""
        fields = {k: v for k, v in others.items() if isinstance(v, str) or abs(v) < 10**17}
        asked = {**fields, "id": request, "do": do}
        for escaped in (True, False):
            text = json.dumps(asked, ensure_ascii=escaped)
            self.assertEqual(read_request(text), Request(request, clean(do), asked))
