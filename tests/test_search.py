"""What people search for: words, queries, and that an index finds what a scan finds."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from unicodedata import normalize

from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import ChatError, Code
from chatservice.events import Event, Kind
from chatservice.names import fold
from chatservice.search import (
    MAX_PHRASES,
    MAX_WORDS,
    Phrase,
    Query,
    parse_moment,
    parse_query,
    who,
    words,
)
from tests.fakes import NOW, quick

DAY = 86400.0

WORDS = {
    "": "",
    " \t...!": "",
    "Hello, World 42": "hello world 42",
    "don't foo_bar a.b@c": "don t foo bar a b c",
    "Straße STRASSE ﬁn Ⅷ x²": "strasse strasse fin viii x2",
    "Café CAFE cafe\u0301": "cafe cafe cafe",
    "Ёлка ΣΊΣΥΦΟΣ": "елка σισυφοσ",
    "日本語のﾃｽﾄ、ラーメン": "日 本 語 の テ ス ト ラ ー メ ン",
    "人々 二〇二六 が か\u3099": "人 々 二 〇 二 六 が が",
    "東京tower2号": "東 京 tower2 号",
    "\U00020000\U00031350": "\U00020000 \U00031350",  # Han beyond the first plane
    "สวัสดี ๑๒๓": "ส วั ส ดี ๑๒๓",
    "ລາວ ខ្មែរ မြန်မာ": "ລ າ ວ ខ្ មែ រ မြ န် မာ",
    "हिन्दी நண்பன்": "हिन्दी நண்பன்",
    "مُحَمَّد שָׁלוֹם": "مُحَمَّد שָׁלוֹם",
    "می\u200cخواهم": "میخواهم",
    "안녕하세요 안녕": "안녕하세요 안녕",
    "👍🏽 ❤️ ❤ 👨\u200d👩\u200d👧": "👍 🏽 ❤ ❤ 👨 👩 👧",
    "👍👍ok🇩🇪": "👍 👍 ok 🇩 🇪",
    "5€ ± ↔️ $5 a^b `c`": "5 € ± ↔ 5 a b c",
    "\U0001faff\U000e0100": "\U0001faff",  # not assigned in the Unicode of Python 3.11
    'a"b\0c\ud800d\u2028e\ue000f': "a b c d e f",
}

PIECES = [
    *(
        "a",
        "b",
        "ab",
        "abc",
        "B",
        "É",
        "e\u0301",
        "ß",
        "ss",
        "日",
        "本",
        "日本",
        "が",
        "น้ำ",
        "हि",
        "안",
    ),
    *("👍", "👍🏽", "👨\u200d👩", "❤️", "€", "7", "\u0301", "\u0e49", "\u20e3"),
    *(" ", " ", " ", "  ", "\t", "\u3000", "\0", "\ud800", "\ufffd", "\U000e0100"),
    *("OR", " OR ", " AND ", " NOT ", "NEAR(", "NEAR/2", "text:", "who :", "rowid"),
    *('"', '""', "'", "*", "^", "(", ")", "{", "}", ":", ";", "+", "-", "--", "\\", "%", "_", "/*"),
]
texts = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=20))

few = st.lists(st.sampled_from(["a", "b", "ab", "日", "日本"]), max_size=4).map(" ".join)


def said(text: str, nick: str = "alice", seq: int = 1, at: float = NOW) -> Event:
    return Event(seq, at, "#lobby", Kind.SAID, nick, text)


def query(text: str) -> Query:
    return parse_query(text, NOW)


def any_query(text: str) -> Query:
    """Return the query; an example that is refused does not count."""
    try:
        return query(text)
    except ChatError:
        assume(False)
        raise


class Words(SynchronousTestCase):
    """By what a text is found."""

    def test_these_texts_have_these_words(self) -> None:
        for text, expected in WORDS.items():
            self.assertEqual(words(text), expected.split(), ascii(text))

    @quick
    @given(st.text(st.characters(max_codepoint=127)))
    def test_plain_text_is_no_special_case(self, text: str) -> None:
        self.assertEqual(words(text), words(f"{text} é")[:-1])
        self.assertEqual(words(text), words(f"{text} 👍")[:-1])

    @quick
    @given(texts)
    def test_words_contain_nothing_that_has_a_meaning_to_the_index(self, text: str) -> None:
        for word in words(text):
            self.assertRegex(word, r"\A[a-z0-9\u0080-\ud7ff\ue000-\U0010ffff]+\Z")
            self.assertEqual(len(word.split()), 1)

    @quick
    @given(texts)
    def test_case_and_forms_make_no_difference(self, text: str) -> None:
        found = words(text)
        self.assertEqual(words(" ".join(found)), found)
        self.assertEqual(words(text.casefold()), found)
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            self.assertEqual(words(normalize(form, text)), found)

    def test_of_every_character_the_words_are_words(self) -> None:
        for code in range(0x20000):
            found = words(chr(code))
            if found:
                self.assertEqual(words(" ".join(found)), found, hex(code))
                plain = [char for char in "".join(found) if char.isascii()]
                self.assertTrue(all(c.isdigit() or c.islower() for c in plain), hex(code))


class Typed(SynchronousTestCase):
    """What somebody typed after /search."""

    def test_words_and_phrases(self) -> None:
        for text, phrases in {
            "lunch": ["lunch"],
            "Lunch at  NOON": ["lunch", "at", "noon"],
            '"lunch at" noon': ["lunch at", "noon"],
            'say"a b"': ["say a", "b"],
            '"a b"c': ["a b", "c"],
            'a "b c': ["a", "b", "c"],
            'a "b" c" d': ["a", "b", "c", "d"],
            '"" "!" ! a': ["a"],
            "don't": ["don t"],
            "a OR b NOT c NEAR(d e)": ["a", "or", "b", "not", "c", "near d", "e"],
            "foo:bar http://x.org/y": ["foo bar", "http x org y"],
            '"from:bob" :from x:in:#y': ["from bob", "from", "x in y"],
            "日本語": ["日 本 語"],
            "👍🏽": ["👍 🏽"],
            "lun*": ["lun*"],
            '"at no"* LUN** don\'t*': ["at no*", "lun*", "don t*"],
            "*lun l*n *": ["lun", "l n"],
            "gcc -c x-C 3 -Cfoo": ["gcc", "c", "x c", "3", "cfoo"],
        }.items():
            shown = [" ".join(phrase.words) + "*" * phrase.prefix for phrase in query(text).phrases]
            self.assertEqual(shown, phrases, text)

    def test_filters(self) -> None:
        lunch = (Phrase(("lunch",)),)
        self.assertEqual(
            query("from:Alice in:#Ops lunch since:2d before:4711 -C 3"),
            Query(lunch, "alice", "#Ops", NOW - 2 * DAY, 4711, 3),
        )
        self.assertEqual(
            query("FROM:Straße lunch IN:#a -C5"), Query(lunch, "strasse", "#a", None, None, 5)
        )
        self.assertEqual(query("lunch from:a from:b -C 1 -C 0"), Query(lunch, "b"))
        self.assertEqual(query("lunch since:2023-11-14T22:13:20Z").since, NOW)

    def test_wrong_ones_are_refused_with_what_would_do(self) -> None:
        for text, told in {
            "": "Give a word",
            "from:alice -C 2 !?": "Give a word",
            "lunch from:": "from:alice",
            "lunch in:": "in:#lobby",
            "lunch in:#": "in:#lobby",
            "lunch in:lobby": "in:#lobby",
            "lunch since:": "2d",
            "lunch since:yesterday": "2d",
            "lunch before:": "before:4711",
            "lunch before:noon": "before:4711",
            "lunch before:-1": "before:4711",
            "lunch before:٣": "before:4711",
            "lunch before:" + "9" * 19: "before:4711",
            "lunch -C": "-C 2",
            "lunch -C 6": "-C 2",
            "lunch -C -1": "-C 2",
            "lunch -C x": "-C 2",
            "lunch -C 2x": "-C 2",
            "lunch -C " + "9" * 5000: "-C 2",
            "lunch -C ٣": "-C 2",
            "a " * (MAX_PHRASES + 1): "too much",
            "日" * (MAX_WORDS + 1): "too much",
        }.items():
            with self.assertRaises(ChatError, msg=text[:40]) as caught:
                query(text)
            self.assertEqual(caught.exception.code, Code.BAD_ARGUMENTS)
            self.assertIn(told, caught.exception.message)
            self.assertTrue(caught.exception.message.isprintable())

    def test_the_most_is_accepted(self) -> None:
        self.assertEqual(len(query("a " * MAX_PHRASES).phrases), MAX_PHRASES)
        self.assertEqual(len(query("日" * MAX_WORDS).phrases[0].words), MAX_WORDS)

    @quick
    @given(texts)
    def test_whatever_is_typed_is_understood_or_refused(self, text: str) -> None:
        found = any_query(text)
        self.assertLessEqual(len(found.phrases), MAX_PHRASES)
        self.assertTrue(all(phrase.words for phrase in found.phrases))


class Moments(SynchronousTestCase):
    """Times as people write them."""

    now = datetime(2026, 11, 22, 14, 3, 5, tzinfo=UTC).timestamp() + 0.5

    def test_these_are_understood(self) -> None:
        for text, expected in {
            "30s": "2026-11-22T14:02:35.5",
            "10m": "2026-11-22T13:53:05.5",
            "12H": "2026-11-22T02:03:05.5",
            "2d": "2026-11-20T14:03:05.5",
            "3w": "2026-11-01T14:03:05.5",
            " 2026-11-20 ": "2026-11-20T00:00",
            "2026-11-20T14:03": "2026-11-20T14:03",
            "2026-11-20t14:03:07z": "2026-11-20T14:03:07",
            "2026-11-20 14:03:07": "2026-11-20T14:03:07",
            "0001-01-01": "0001-01-01",
            "14:03": "2026-11-22T14:03",
            "14:03:05": "2026-11-22T14:03:05",
            "14:03:06": "2026-11-21T14:03:06",
            "00:00": "2026-11-22",
            "23:59": "2026-11-21T23:59",
        }.items():
            at = datetime.fromisoformat(expected).replace(tzinfo=UTC)
            self.assertEqual(parse_moment(text, self.now), at.timestamp(), text)

    def test_these_are_refused_with_what_would_do(self) -> None:
        for text in (
            *("", "now", "2", "2y", "-2d", "1d12h", "999999999999w", "9" * 5000, "9" * 5000 + "d"),
            *("2026-02-30", "2026-13-01", "0000-01-01", "2026-1-1", "20261120", "2026-W47-1"),
            *("24:00", "14:60", "14:03:60", "9:00", "14", "14:03Z", "2026-11-20T", "2026-11-20Z"),
            *("2026-11-20T14:03+01:00", "2026-11-20T25:00", "２０２６-11-20", "14:03x"),
        ):
            with self.assertRaises(ChatError, msg=text[:40]) as caught:
                parse_moment(text, self.now)
            self.assertEqual(caught.exception.code, Code.BAD_ARGUMENTS)
            self.assertIn("2026-11-20T14:03", caught.exception.message)

    @quick
    @given(st.times().map(lambda t: t.replace(microsecond=0)), st.integers(0, 2**35))
    def test_a_time_of_day_was_within_the_last_day(self, time: object, now: float) -> None:
        at = parse_moment(str(time), now)
        self.assertTrue(now - DAY < at <= now)
        self.assertEqual(datetime.fromtimestamp(at, UTC).time(), time)


class Scanned(SynchronousTestCase):
    """Which lines a query finds, one by one."""

    def test_the_text(self) -> None:
        line = said("Lunch at noon, in the café: 日本語 👍🏽")
        for text in (
            "lunch",
            "NOON at",
            '"at noon"',
            "lun*",
            '"at no"*',
            "Cafe",
            "本",
            "日本",
            "👍",
        ):
            self.assertTrue(query(text).matches(line), text)
        for text in (
            "lun",
            '"noon at"',
            "lunch dinner",
            "unch*",
            '"a noon"',
            "本日",
            '"lunch no"*',
        ):
            self.assertFalse(query(text).matches(line), text)

    def test_words_known_already_are_taken_as_they_are(self) -> None:
        self.assertTrue(query("lunch").matches(said("dinner"), ["lunch"]))
        self.assertFalse(query("lunch").matches(said("lunch"), []))

    def test_nick_time_and_number(self) -> None:
        line = said("lunch", "José", 17, NOW)
        for text, found in {
            "lunch from:JOSÉ": True,
            "lunch from:jose": False,
            "lunch before:18": True,
            "lunch before:17": False,
            "lunch since:0s": True,
        }.items():
            self.assertEqual(query(text).matches(line), found, text)
        self.assertFalse(parse_query("lunch since:1h", NOW + 3601).matches(line))

    def test_the_room_is_not_looked_at(self) -> None:
        self.assertTrue(query("lunch in:#other").matches(said("lunch")))


class Indexed(SynchronousTestCase):
    """SQLite's FTS5 finds what a scan finds, and never stumbles."""

    def agree(self, asked: Query, lines: list[Event]) -> set[int]:
        """Check that index and scan find the same; return the numbers."""
        with closing(sqlite3.connect(":memory:")) as base:
            base.execute(
                "CREATE VIRTUAL TABLE lines USING fts5(text, who, content='', tokenize='ascii')"
            )
            base.executemany(
                "INSERT INTO lines (rowid, text, who) VALUES (?, ?, ?)",
                [(line.seq, " ".join(words(line.text)), who(line.nick)) for line in lines],
            )
            found = base.execute(
                "SELECT rowid FROM lines WHERE lines MATCH ?", (asked.expression(),)
            )
            numbers = {number for (number,) in found}
        self.assertEqual(numbers, {line.seq for line in lines if asked.matches(line)})
        return numbers

    def test_the_expression(self) -> None:
        self.assertEqual(
            query('OR "at noon" lun* from:Bob').expression(),
            '{text} : ("or" AND "at noon" AND "lun"*) AND {who} : "n626f62"',
        )
        self.assertEqual(Query(nick="bob").expression(), '{who} : "n626f62"')
        self.assertEqual(Query().expression(), "")
        self.assertEqual(who("BOB"), "n626f62")

    def test_a_nickname_is_no_text_and_text_no_nickname(self) -> None:
        lines = [said(who("bob"), "alice", 1), said("hello", "Bob", 2), said("hello", "bo", 3)]
        self.assertEqual(self.agree(query(who("bob")), lines), {1})
        self.assertEqual(self.agree(query("hello from:BOB"), lines), {2})
        self.assertEqual(self.agree(query("text who n* from:bob"), lines), set())

    def test_all_scripts(self) -> None:
        for number, text in enumerate(WORDS):
            lines = [said(text, seq=1), said(f"x {text} y", seq=2), said("z", seq=3)]
            if words(text):
                phrase = Query((Phrase(tuple(words(text))),))
                self.assertEqual(self.agree(phrase, lines), {1, 2}, f"{number} {text!a}")

    @quick
    @given(st.lists(texts, max_size=6), texts, st.sampled_from(["", " from:A|", " from:Bob"]))
    def test_the_index_finds_what_a_scan_finds(
        self, lines: list[str], typed: str, nick: str
    ) -> None:
        nicks = ["a|", "bob", "BOB"]
        events = [said(text, nicks[seq % 3], seq) for seq, text in enumerate(lines)]
        self.agree(any_query(typed + nick), events)

    @quick
    @given(st.lists(few, max_size=6), st.lists(few, min_size=1, max_size=2), st.booleans())
    def test_words_of_a_phrase_stand_in_their_order(
        self, lines: list[str], quoted: list[str], prefix: bool
    ) -> None:
        events = [said(text, seq=seq) for seq, text in enumerate(lines)]
        typed = " ".join(f'"{phrase}"{"*" * prefix}' for phrase in quoted)
        self.agree(any_query(typed), events)

    @quick
    @given(texts, texts, texts, st.booleans(), st.data())
    def test_any_part_of_a_line_is_found_as_a_phrase(
        self, before: str, part: str, after: str, prefix: bool, data: st.DataObject
    ) -> None:
        found = words(f"{before} {part} {after}")
        assume(found)
        start = data.draw(st.integers(0, len(found) - 1))
        end = data.draw(st.integers(start + 1, len(found)))
        last = found[end - 1]
        if prefix:
            last = last[: data.draw(st.integers(1, len(last)))]
        asked = Query((Phrase((*found[start : end - 1], last), prefix),), nick=fold("ALICE"))
        self.assertEqual(self.agree(asked, [said(f"{before} {part} {after}", seq=7)]), {7})
