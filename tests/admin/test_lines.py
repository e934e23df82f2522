"""One event as a line of JSON: what export writes is read back, and nothing else is trusted."""

import contextlib
import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.admin.lines import MAX_JSON, MAX_SEQ, MAX_TEXT, decode, encode, shown
from chatservice.events import Event
from tests.admin.fakes import as_fields, line, private
from tests.fakes import NOW

GOOD = as_fields(line("hello", seq=1))

BAD: list[tuple[str, object, str]] = [
    ("room", "lobby", 'room must be # .* not "lobby"'),
    ("room", "#", "room must be #"),
    ("room", "#a b", "room must be #"),
    ("room", "#a\n", "room must be #"),
    ("room", "#a\x1b[2J", "room must be #"),
    ("room", "#\u202eevil", "room must be #"),
    ("room", "#" + "x" * 101, "room must be #"),
    ("room", None, "room must be text in quotes, not null"),
    ("seq", 0, "seq must be a whole number from 1 to 1000000000000000, not 0"),
    ("seq", -1, "seq must be"),
    ("seq", 1.0, "seq must be"),
    ("seq", "1", 'seq must be .* not "1"'),
    ("seq", True, "seq must be .* not true"),
    ("seq", MAX_SEQ + 1, "seq must be"),
    ("seq", 10**4000, "seq must be"),
    ("at", -1, "at must be a time in seconds since 1970"),
    ("at", math.nan, "at must be .* not NaN"),
    ("at", math.inf, "at must be"),
    ("at", 10**400, "at must be"),
    ("at", 253402300800, "at must be"),
    ("at", "2026-11-22", "at must be"),
    ("at", False, "at must be"),
    (
        "kind",
        "joined",
        'kind must be said, acted, remarked, private, hinted, recorded, not "joined"',
    ),
    ("kind", "sang", "kind must be"),
    ("kind", [], "kind must be text in quotes"),
    ("nick", "", "nick must begin with a letter"),
    ("nick", "a b", "nick must begin .* contain no blank"),
    ("nick", "a:", "nick must begin"),
    ("nick", "*a", "nick must begin"),
    ("nick", "\x1ba", "nick must begin"),
    ("nick", "x" * 33, "nick must have at most 32 characters"),
    ("nick", "中" * 22, "nick must have at most 32 characters \\(64 bytes\\)"),
    ("text", "é" * (MAX_TEXT // 2 + 1), "text must have at most 4,096 bytes"),
    ("text", 7, "text must be text in quotes, not 7"),
    ("to", "bob", "only what is private is said to somebody"),
    ("to", None, "to must be text"),
    ("by", "a b", "by must be an identity"),
    ("by", "\x1b", "by must be an identity"),
    ("kind", "private", "what is private belongs in an inbox"),
    ("room", "@b2", "only what is private belongs in an inbox"),
    ("topic", "x", 'there is no field "topic"'),
    ("\x1b]0;", "x", r"there is no field \"\\u001b\]0;\""),
]


class Reading(SynchronousTestCase):
    """Lines of a file that somebody has had in their hands."""

    def refused(self, data: bytes) -> str:
        return str(self.assertRaises(ValueError, decode, data))

    def read(self, **changes: object) -> Event:
        return decode(json.dumps({**GOOD, **changes}).encode()).event

    def test_every_field_that_will_not_do_is_named(self) -> None:
        for name, value, why in BAD:
            with self.subTest(name=name, value=shown(value)):
                message = self.refused(_json({**GOOD, name: value}))
                self.assertRegex(message, why)
                self.assertTrue(message.isascii())
                self.assertTrue(message.isprintable())

    def test_what_is_missing_is_named(self) -> None:
        for name in ("room", "seq", "at", "kind", "nick", "text"):
            rest = {key: value for key, value in GOOD.items() if key != name}
            self.assertEqual(self.refused(_json(rest)), f"{name} is missing")

    def test_what_is_no_json_object(self) -> None:
        for data, why in [
            (b"hello", "it is not JSON: Expecting value at column 1"),
            (b'{"room": "#a"', "it is not JSON"),
            (b"[1, 2]", r"it is \[1, 2\], not a JSON object"),
            (b"7", "it is 7, not"),
            (b"9" * 10_000, "it is not JSON"),
            (b"[" * 60_000, "it is not JSON"),
            (b'{"text": "\xff"}', "it is not UTF-8"),
            (b"{" + b" " * MAX_JSON + b"}", "it is longer than 65,536 bytes"),
        ]:
            self.assertRegex(self.refused(data), why)

    def test_what_is_unclean_is_replaced(self) -> None:
        read = decode(_json({**GOOD, "nick": "al\x1bice", "text": "a\x1b[2J\nb\tc\ud800"}))
        self.assertTrue(read.cleaned)
        self.assertEqual(read.event.nick, "al\ufffdice")
        self.assertEqual(read.event.text, "a\ufffd[2J\ufffdb\tc\ufffd")
        self.assertFalse(decode(_json(GOOD)).cleaned)

    def test_the_time_for_people_says_nothing(self) -> None:
        self.assertEqual(self.read(time=["whatever"]), line("hello", seq=1))

    def test_to_and_by_may_be_absent(self) -> None:
        rest = {key: value for key, value in GOOD.items() if key not in ("to", "by")}
        self.assertEqual(decode(_json(rest)).event.by, "")

    def test_a_private_line(self) -> None:
        self.assertEqual(decode(_json(as_fields(private("psst", 3)))).event, private("psst", 3))

    def test_the_longest_of_everything_fits(self) -> None:
        text = "\U0001f600" * (MAX_TEXT // 4)
        data = _json({**GOOD, "text": text, "room": "#" + "\U0001f600" * 100})
        self.assertLess(len(data), MAX_JSON)
        self.assertEqual(decode(data).event.text, text)


class Writing(SynchronousTestCase):
    """What export writes."""

    def test_a_line(self) -> None:
        row = (7, NOW + 0.5, "said", "Ålice", 'say "hi"\t👍', "", "")
        self.assertEqual(
            encode("#lobby", row),
            '{"room":"#lobby","seq":7,"at":'
            + repr(NOW + 0.5)
            + ',"time":"2023-11-14T22:13:20.500Z",'
            '"kind":"said","nick":"Ålice","text":"say \\"hi\\"\\t👍"}',
        )

    def test_to_and_by_where_there_are_any(self) -> None:
        written = json.loads(encode("@b2", (1, NOW, "private", "alice", "psst", "bob", "@a1")))
        self.assertEqual((written["to"], written["by"]), ("bob", "@a1"))

    def test_a_time_that_no_calendar_has(self) -> None:
        self.assertEqual(json.loads(encode("#a", (1, 1e18, "said", "a", "", "", "")))["time"], "?")

    @given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
    def test_nothing_else_is_raised(self, data: bytes) -> None:
        with contextlib.suppress(ValueError):
            decode(data)


def _json(fields: dict[str, Any]) -> bytes:
    number = fields.get("seq")
    if isinstance(number, int) and number > 10**3999:  # which Python would not write
        text = json.dumps({**fields, "seq": 0})
        return text.replace('"seq": 0', '"seq": 1' + "0" * 4000).encode()
    return json.dumps(fields).encode()
