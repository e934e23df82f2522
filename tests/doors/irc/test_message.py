"""IRC messages from bytes and to text, checked against an independent tokeniser."""

import re

from hypothesis import given
from hypothesis import strategies as st
from irctokens.line import tokenise
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.message import (
    MAX_BODY,
    MAX_TAG_DATA,
    MAX_WORD,
    BadLine,
    Message,
    NotUtf8,
    TooLong,
    answer,
    client_only,
    cut,
    escape,
    parse,
    read_tags,
    say,
    tag,
    unescape,
    word,
    write,
    write_tags,
)

PARSED: list[tuple[str, Message]] = [
    # Words, and a last one that may be anything.
    ("ping", Message("PING")),
    ("topic #tea", Message("TOPIC", ("#tea",))),
    ("TOPIC #tea :", Message("TOPIC", ("#tea", ""))),
    ("TOPIC #tea :hot", Message("TOPIC", ("#tea", "hot"))),
    ("TOPIC #tea hot", Message("TOPIC", ("#tea", "hot"))),
    ("TOPIC #tea :hot and sweet", Message("TOPIC", ("#tea", "hot and sweet"))),
    ("TOPIC #tea ::-)", Message("TOPIC", ("#tea", ":-)"))),
    ("TOPIC #tea :  hot  ", Message("TOPIC", ("#tea", "  hot  "))),
    ("TOPIC #tea :hot :) ", Message("TOPIC", ("#tea", "hot :) "))),
    ("JOIN :", Message("JOIN", ("",))),
    ("MODE #tea +oo ada :bob", Message("MODE", ("#tea", "+oo", "ada", "bob"))),
    # A colon inside a word is nothing special.
    ("PRIVMSG #tea a:b", Message("PRIVMSG", ("#tea", "a:b"))),
    # Blanks, of which a tab is none.
    ("  TOPIC   #tea    hot  ", Message("TOPIC", ("#tea", "hot"))),
    ("TOPIC #tea   :hot", Message("TOPIC", ("#tea", "hot"))),
    ("TOPIC\t#tea hot", Message("TOPIC\t#TEA", ("hot",))),
    # A source, which may look like anything.
    (":ada AWAY", Message("AWAY", (), "ada")),
    (":ada AWAY ", Message("AWAY", (), "ada")),
    (":ada   AWAY :lunch", Message("AWAY", ("lunch",), "ada")),
    (":a!b@c\x034d\x03e.f X :y z", Message("X", ("y z",), "a!b@c\x034d\x03e.f")),
    # Tags.
    ("@a=1;b;c= X", Message("X", (), "", {"a": "1", "b": "", "c": ""})),
    ("@a=1;a=2 X", Message("X", (), "", {"a": "2"})),
    ("@a=1;v/a=2 X", Message("X", (), "", {"a": "1", "v/a": "2"})),
    ("@a=1=2 :ada X y", Message("X", ("y",), "ada", {"a": "1=2"})),
    (r"@a=\:\s\\\r\n X", Message("X", (), "", {"a": "; \\\r\n"})),
    (r"@a=\\n X", Message("X", (), "", {"a": r"\n"})),
    (r"@a=\x;b=1\ X", Message("X", (), "", {"a": "x", "b": "1"})),
    ("@;a=1;;=2 X", Message("X", (), "", {"a": "1"})),
    # More params than the standards have.
    ("X " + "y " * 20, Message("X", ("y",) * 20)),
    # The verb is in ASCII where it is one of ours; "ß" has no upper case of its own.
    ("straße", Message("straße")),
]

WORDS = st.text(st.characters(exclude_characters="\0\r\n ", exclude_categories=["Cs"]), min_size=1)
MIDDLES = WORDS.filter(lambda word: word[0] not in ":@").map(lambda word: word[:20])
WORD_CHARACTERS = st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"])
LASTS = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]))
KEYS = st.from_regex(r"\+?([a-z.]{1,9}/)?[A-Za-z0-9-]{1,9}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
TAGS = st.dictionaries(KEYS, VALUES, max_size=4)


class ParseTest(SynchronousTestCase):
    """What a line means."""

    def test_lines(self) -> None:
        """Each is read as the table says."""
        for line, message in PARSED:
            self.assertEqual(parse(line.encode()), message, line)

    def test_the_independent_tokeniser_agrees(self) -> None:
        """It reads the same in each; but it takes tags without a key."""
        for line, message in PARSED:
            if line.startswith("@;"):
                continue
            token = tokenise(line.encode())
            self.assertEqual((*token.params,), message.params, line)
            self.assertEqual(token.source or "", message.source, line)
            self.assertEqual(token.tags or {}, message.tags, line)

    def test_no_command(self) -> None:
        """A line without a command is none."""
        for line in (
            b"",
            b"   ",
            b":ada",
            b":ada ",
            b"@a=1",
            b"@a=1 ",
            b"@a :ada",
            b"@ @a X",
            b":",
        ):
            with self.assertRaises(BadLine, msg=repr(line)):
                parse(line)

    def test_line_ends_inside(self) -> None:
        """NUL, CR and LF cannot be smuggled in, wherever they stand."""
        for char in b"\0\r\n":
            for at in range(len(line := b"@a=b :ada PRIVMSG #tea :hot")):
                smuggled = line[: at + 1] + bytes([char]) + line[at + 1 :]
                with self.assertRaises(BadLine, msg=repr(smuggled)):
                    parse(smuggled)

    def test_not_utf8(self) -> None:
        """What can be read stands in the error: an answer needs the label."""
        with self.assertRaises(NotUtf8) as caught:
            parse(b"@label=7 privmsg #tea :caf\xe9")
        self.assertEqual(caught.exception.command, "PRIVMSG")
        self.assertEqual(caught.exception.tags, {"label": "7"})
        with self.assertRaises(NotUtf8):
            parse(b"@label=\xff PRIVMSG #tea :hot")

    def test_longest(self) -> None:
        """Tags and message have limits of their own."""
        data = b"@" + b"a" * MAX_TAG_DATA
        body = b"PRIVMSG " + b"x" * (MAX_BODY - 8)
        self.assertEqual(len(parse(data + b" " + body).params[0]), MAX_BODY - 8)
        with self.assertRaises(TooLong):
            parse(data + b"a " + body)
        with self.assertRaises(TooLong) as caught:
            parse(b"@label=7 " + body + b"x")
        self.assertEqual(caught.exception.tags, {"label": "7"})
        self.assertEqual(caught.exception.command, "PRIVMSG")

    @given(
        st.binary(max_size=700)
        | st.lists(
            st.sampled_from(
                [
                    b"@",
                    b" ",
                    b":",
                    b";",
                    b"=",
                    b"\\",
                    b"+",
                    b"PING",
                    b"\xc3\xa9",
                    b"\xff",
                    b"\r",
                    b"#a",
                ]
            )
        ).map(b"".join)
    )
    def test_any_bytes(self, line: bytes) -> None:
        """They are a message, which can be written and says the same then, or they are refused."""
        try:
            message = parse(line)
        except BadLine:
            return
        sendable = {
            key: value for key, value in message.tags.items() if re.fullmatch(r"[a-z+]+", key)
        }
        again = write(message.command, *message.params, source=message.source, tags=sendable)
        self.assertEqual(parse(again.encode()), message._replace(tags=sendable))


class WriteTest(SynchronousTestCase):
    """Messages as lines."""

    def test_colon(self) -> None:
        """The last param has it where it must, or where it was asked for."""
        self.assertEqual(write("PING"), "PING")
        self.assertEqual(write("PING", "a", source="tea.example"), ":tea.example PING a")
        self.assertEqual(write("TOPIC", "#tea", ""), "TOPIC #tea :")
        self.assertEqual(write("TOPIC", "#tea", ":-)"), "TOPIC #tea ::-)")
        self.assertEqual(write("TOPIC", "#tea", "hot tea"), "TOPIC #tea :hot tea")
        self.assertEqual(write("TOPIC", "#tea", "hot", trailing=True), "TOPIC #tea :hot")

    def test_tags(self) -> None:
        """They stand in front; a tag without a value has no equals sign."""
        line = write("X", tags={"a": "1;2", "b": ""})
        self.assertEqual(line, r"@a=1\:2;b X")
        self.assertEqual(tag(line, "label", "7"), r"@label=7;a=1\:2;b X")
        self.assertEqual(tag("X", "label", "7"), "@label=7 X")
        self.assertEqual(write("X", tags={}), "X")

    def test_impossible(self) -> None:
        """What would be read as something else is not written."""
        for params in (("", "a"), (":a", "b"), ("a b", "c"), ("a\r", "b"), ("a\nQUIT",), ("a\0",)):
            with self.assertRaises(ValueError, msg=repr(params)):
                write("X", *params)
        for command, source in (
            ("", ""),
            (":X", ""),
            ("@X", ""),
            ("X Y", ""),
            ("X", "a b"),
            ("X", "a\n"),
        ):
            with self.assertRaises(ValueError):
                write(command, source=source)
        for key, value in (
            ("", ""),
            ("a b", ""),
            ("a", "\0"),
            ("a;b", "1"),
            ("a=b", "1"),
            ("++a", ""),
        ):
            with self.assertRaises(ValueError):
                tag("X", key, value)
        with self.assertRaises(ValueError):
            write("X", "a" * MAX_BODY, "b")
        with self.assertRaises(ValueError):
            write("X" * (MAX_BODY + 1))

    def test_too_long(self) -> None:
        """The last param is cut, never inside what is seen as one character."""
        family = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
        for char in (
            "x",
            "é",
            "e\N{COMBINING ACUTE ACCENT}",
            "\N{SMILING FACE WITH OPEN MOUTH}",
            family,
        ):
            line = write("PRIVMSG", "#tea", char * MAX_BODY)
            said = parse(line.encode()).params[1]
            self.assertEqual(said, char * (len(said) // len(char)))
            self.assertGreater(len(line.encode()), MAX_BODY - len(char.encode()))

    @given(
        MIDDLES, st.lists(MIDDLES, max_size=9), LASTS, MIDDLES | st.just(""), TAGS, st.booleans()
    )
    def test_round_trip(
        self,
        command: str,
        middles: list[str],
        last: str,
        source: str,
        tags: dict[str, str],
        trailing: bool,
    ) -> None:
        """What was written is read, by us and by others, but for the end of what is too long."""
        try:
            line = write(command, *middles, last, source=source, tags=tags, trailing=trailing)
        except ValueError as refused:
            self.assertIn("too long", str(refused))
            return
        body = line.partition(" ")[2] if tags else line
        self.assertLessEqual(len(body.encode()), MAX_BODY)
        token = tokenise(line.encode())
        self.assertEqual(token.tags or {}, tags)
        self.assertEqual(token.source or "", source)
        params = token.params if len(token.params) > len(middles) else [*token.params, ""]
        self.assertEqual(params[:-1], middles)
        self.assertTrue(last.startswith(params[-1]))
        if len(body.encode()) < MAX_BODY - 100:
            self.assertEqual(params[-1], last)

    @given(
        st.lists(st.text(), max_size=3), st.text(), st.text(), st.dictionaries(st.text(), st.text())
    )
    def test_any_text(
        self, params: list[str], command: str, source: str, tags: dict[str, str]
    ) -> None:
        """One line or an error, whatever it is made of."""
        try:
            line = write(command, *params, source=source, tags=tags)
        except ValueError:
            return
        self.assertNotRegex(line, "[\r\n\0]")
        self.assertEqual(len(tokenise(line).params), len(params))


class AnswerTest(SynchronousTestCase):
    """What a client is answered, with its own words in it."""

    def test_words(self) -> None:
        """Of what can be no param its first word is left, or a star."""
        for text, left in (("a", "a"), ("", "*"), (":", "*"), ("::a b", "a"), (" a", "*")):
            self.assertEqual(word(text), left)
            self.assertEqual(answer("401", text, "No", source="s"), f":s 401 {left} No")
        self.assertEqual(len(word("é" * 510).encode()), MAX_WORD)

    def test_too_long_together(self) -> None:
        """The longest loses what is too much, and the last what is left."""
        line = answer("352", "a" * 60, "b" * 180, "c" * 190, "d" * 84, "e" * 99, source="s")
        token = tokenise(line)
        self.assertEqual(len(line), MAX_BODY)
        lengths = [len(param) for param in token.params]
        self.assertEqual((lengths[:2], lengths[3]), ([60, 180], 84))
        self.assertLess(lengths[2], 190)

    @given(st.lists(st.text(WORD_CHARACTERS, max_size=510), max_size=20))
    def test_any_words(self, params: list[str]) -> None:
        """One message with all of them, none of them something else."""
        line = answer("421", *params, source="irc.example.org")
        self.assertLessEqual(len(line.encode()), MAX_BODY)
        found = tokenise(line).params
        self.assertIn(len(params) - len(found), (0, 1))  # of the last nothing may be left
        for param, left in zip(params[:-1], found[:-1], strict=False):
            self.assertTrue(left == "*" or left in param, (left, param))


class TagValueTest(SynchronousTestCase):
    """Tags as text."""

    @given(VALUES)
    def test_escaping(self, value: str) -> None:
        """A value comes back, and has nothing in it that ends a tag."""
        self.assertNotRegex(escape(value), "[; \r\n]")
        self.assertEqual(unescape(escape(value)), value)

    @given(TAGS)
    def test_round_trip(self, tags: dict[str, str]) -> None:
        """Tags come back."""
        self.assertEqual(read_tags(write_tags(tags)), tags)

    @given(st.binary(max_size=MAX_TAG_DATA))
    def test_nothing_grows(self, data: bytes) -> None:
        """What one client may send, another can be sent."""
        text = re.sub("[\0\r\n ]", "", data.decode("utf-8", "ignore"))
        written = write_tags(client_only(read_tags(text)))
        self.assertLessEqual(len(written.encode()), len(text.encode()))

    def test_client_only(self) -> None:
        """Only those of clients go on, and of those only what is a key."""
        tags = {
            "+typing": "active",
            "msgid": "1",
            "+draft/reply": "2",
            "+": "",
            "+a b": "",
            "++": "",
        }
        self.assertEqual(client_only(tags), {"+typing": "active", "+draft/reply": "2"})


class SayTest(SynchronousTestCase):
    """Long texts in several messages."""

    def test_frame(self) -> None:
        """It is around each piece, and counts."""
        lines = [*say("PRIVMSG", "#tea", "x" * 600, source="a", frame=("<", ">"))]
        self.assertEqual([len(line) for line in lines], [MAX_BODY, 600 - MAX_BODY + 2 * 19])
        for line in lines:
            self.assertRegex(line, "^:a PRIVMSG #tea :<x+>$")
        self.assertEqual([*say("PRIVMSG", "#tea", "", source="a")], [])


class CutTest(SynchronousTestCase):
    """Long texts in pieces."""

    def test_at_blanks(self) -> None:
        """Words stay whole where that costs little room."""
        self.assertEqual([*cut("the quick brown fox", 10)], ["the quick", "brown fox"])
        self.assertEqual([*cut("a verylongword", 10)], ["a verylong", "word"])
        self.assertEqual([*cut("the quick", 9)], ["the quick"])
        self.assertEqual([*cut("", 9)], [])

    def test_room(self) -> None:
        """There must be room for every character."""
        with self.assertRaises(ValueError):
            list(cut("abc", 3))

    @given(LASTS, st.integers(4, 600))
    def test_any_text(self, text: str, room: int) -> None:
        """Every piece fits and is some text, and nothing is lost but blanks."""
        pieces = [*cut(text, room)]
        for piece in pieces:
            self.assertTrue(piece)
            self.assertLessEqual(len(piece.encode()), room)
        self.assertEqual("".join(pieces).replace(" ", ""), text.replace(" ", ""))
