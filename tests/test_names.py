"""What a nickname may be, and which two are one and the same to a reader (threats 3 and 5)."""

import unicodedata

from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.errors import ChatError, Code, NickRefused
from chatservice.events import Event, Kind
from chatservice.names import (
    LOBBY,
    MAX_NICK,
    MAX_NICK_BYTES,
    MAX_ROOM,
    PUNCTUATION,
    RESERVED_WORDS,
    check_nick,
    check_room,
    fold,
    inbox,
    is_inbox,
    keys,
    skeleton,
)
from chatservice.plain import parse, render
from tests.fakes import quick

ACCEPTED = {
    "alice": "alice",
    "Alice": "Alice",
    "  alice\t": "alice",
    "_": "_",
    "7": "7",
    "al-ice": "al-ice",
    "a[]{}|^`b": "a[]{}|^`b",
    "José": "José",
    "Jose\N{COMBINING ACUTE ACCENT}": "José",
    "Ёлка": "Ёлка",
    "日本語": "日本語",
    "राम": "राम",
    "شهاب": "شهاب",
    "administrators": "administrators",
    "a" * MAX_NICK: "a" * MAX_NICK,
    "я" * 32: "я" * 32,
}
REFUSED = {
    Code.NICK_EMPTY: ["", " ", "\t", " \u3000\xa0 ", "\n"],
    Code.NICK_INVALID: [
        *("a b", "a\tb", "a\xa0b", "a\u3000b"),  # blanks
        *("a:b", "a*b", "*", "a>b", "<a>", "a,b", "a@b", "#lobby", "a/b", "a.b", "a!b", "a;b"),
        *("-a", "-- a", "!a", "[a]", "`a", "|a", "^", "/quit"),  # at the start
        *("\u0301a", "x\u0301\u0301\u0301", "x\u0337\u0337\u0337", "Z\u0351\u0343\u036f"),  # marks
        *("al\u200bice", "al\u200dice", "al\u200cice", "al\xadice", "al\ufeffice"),  # invisible
        *("al\u115fice", "\u3164", "\uffa0a", "a\ufe0f", "a\u034fb", "a\u17b4", "a\U000e0100"),
        *("al\u202eice", "al\u2066ice", "al\u200fice", "al\u061cice"),  # directions
        *("a\x1b[2J", "a\x00", "a\x07b", "a\x7f", "a\x9bb", "a\ufffd", "a\ud800"),  # bytes
        *("\U0001f600", "a\u2764", "½", "²", "Ⅷ", "\ue000"),  # no letters
        *("a" * 33, "日" * 22, "a" * 100_000),  # too long: characters, bytes, both
    ],
    Code.NICK_RESERVED: [
        *RESERVED_WORDS,
        *("ADMIN", "Server", "ｓｅｒｖｅｒ", "ｃhat", "𝐜𝐡𝐚𝐭"),
        *("Аdmin", "rооt", "r00t", "y0u", "уоu", "ѕystem", "sеrver", "сhаt"),  # Cyrillic, digits
        *("aIl", "a1l", "ALL", "chαt", "hеrе"),
    ],
}
LOOK_ALIKES = [
    ("alice", "аlice"),  # Cyrillic
    ("alice", "ＡＬＩＣＥ"),
    ("Alice", "AIice"),
    ("bill", "biII"),
    ("bob", "Ьob"),
    ("paypal", "раураl"),
    ("modern", "rnodern"),
    ("rn", "m"),
    ("O0", "0O"),
    ("jose\u0301", "josé"),
    ("straße", "STRASSE"),
    ("ﬁn", "fin"),
]
DIFFERENT = [("alice", "alicia"), ("bob", "rob"), ("anna", "ana"), ("rené", "rene"), ("a", "b")]

# Letters and marks of many scripts, with what could break a line or fool a reader.
nicks = st.text(
    st.one_of(
        st.characters(categories=("L", "M", "Nd")),
        st.sampled_from("abcXYZ019" + "".join(sorted(PUNCTUATION))),
        st.sampled_from(" :*><,@#!-\t\u200b\u202e\u0301аｓ\r\n\u3164\u2028"),
    ),
    max_size=12,
)


class ATableOfNicknames(SynchronousTestCase):
    """Accepted and refused."""

    def test_these_are_accepted_in_their_normal_form(self) -> None:
        for offered, nick in ACCEPTED.items():
            self.assertEqual(check_nick(offered), nick)

    def test_these_are_refused_with_the_reason(self) -> None:
        for code, offers in REFUSED.items():
            for offered in offers:
                with self.assertRaises(NickRefused, msg=ascii(offered)) as caught:
                    check_nick(offered)
                self.assertEqual(caught.exception.code, code, ascii(offered[:40]))

    def test_the_refusal_can_be_shown_to_anybody(self) -> None:
        for offers in REFUSED.values():
            for offered in offers:
                with self.assertRaises(NickRefused) as caught:
                    check_nick(offered)
                message = caught.exception.message
                self.assertTrue(message.isprintable(), ascii(message))
                self.assertLess(len(message), 200)

    def test_the_longest_in_bytes_is_accepted_and_one_more_is_not(self) -> None:
        self.assertEqual(len("日" * 21 + "a"), 22)
        self.assertEqual(len(check_nick("日" * 21 + "a").encode()), MAX_NICK_BYTES)
        self.assertRaises(NickRefused, check_nick, "日" * 21 + "aa")


class LookAlikes(SynchronousTestCase):
    """Two nicknames clash when they share a key."""

    def test_what_looks_the_same_shares_a_key(self) -> None:
        for one, other in LOOK_ALIKES:
            self.assertTrue(keys(one) & keys(other), f"{one} {other}")

    def test_what_looks_different_shares_none(self) -> None:
        for one, other in DIFFERENT:
            self.assertFalse(keys(one) & keys(other), f"{one} {other}")

    def test_cyrillic_a_looks_like_latin_a(self) -> None:
        self.assertEqual(skeleton("аlice"), skeleton("alice"))
        self.assertNotEqual(fold("аlice"), fold("alice"))

    def test_ascii_has_no_other_forms_than_those_of_case(self) -> None:
        """So that its short way is the same as the long one."""
        for char in map(chr, range(128)):
            folded = unicodedata.normalize("NFKC", char).casefold()
            self.assertEqual((fold(char), fold(f"{char}é")), (folded, f"{folded}é"))

    def test_a_nickname_always_clashes_with_itself_in_another_case(self) -> None:
        for nick in ("alice", "JOSÉ", "straße", "Ёлка", "ΣΊΣΥΦΟΣ", "ǆ", "Ⅎa", "İi"):
            for variant in (nick.lower(), nick.upper(), nick.title(), nick.casefold()):
                if fold(variant) == fold(nick):
                    self.assertTrue(keys(variant) & keys(nick), f"{nick} {variant}")
        self.assertTrue(keys("ΣΊΣΥΦΟΣ") & keys("σίσυφος"))
        self.assertTrue(keys("STRASSE") & keys("straße"))

    @quick
    @given(st.text("abcdefghjknopqrstuvwxyz_-^|", min_size=1, max_size=32))
    def test_case_variants_of_plain_letters_have_the_very_same_keys(self, nick: str) -> None:
        self.assertEqual(keys(nick), keys(nick.upper()))

    @quick
    @given(st.text("aAbBiIlLmMoO019_éÉяЯ", min_size=1, max_size=12))
    def test_case_variants_always_share_a_key(self, nick: str) -> None:
        self.assertIn(fold(nick), keys(nick) & keys(nick.swapcase()))

    @quick
    @given(nicks, st.sampled_from([*zip("aeopcx", "аеорсх", strict=True)]))
    def test_a_letter_and_its_look_alike_can_be_exchanged(
        self, nick: str, letters: tuple[str, str]
    ) -> None:
        latin, cyrillic = letters
        self.assertTrue(keys(nick + latin) & keys(nick + cyrillic))


class WhateverIsAccepted(SynchronousTestCase):
    """What the rest of the server relies on."""

    @quick
    @given(nicks)
    def test_it_is_accepted_again_unchanged(self, offered: str) -> None:
        nick = accepted(offered)
        self.assertEqual(check_nick(nick), nick)

    @quick
    @given(nicks)
    def test_it_contains_nothing_that_has_a_meaning_in_a_line(self, offered: str) -> None:
        nick = accepted(offered)
        self.assertEqual(set(nick) & set(":*<>,@#!/\\\"'&\0"), set())
        self.assertTrue(nick.isprintable() and not any(map(str.isspace, nick)), ascii(nick))
        self.assertNotIn(nick[0], "-!")
        self.assertLessEqual(len(nick), MAX_NICK)
        self.assertLessEqual(len(nick.encode()), MAX_NICK_BYTES)

    @quick
    @given(nicks, st.sampled_from([Kind.JOINED, Kind.LEFT, Kind.SAID, Kind.ACTED]))
    def test_it_is_found_again_in_a_rendered_line(self, offered: str, kind: Kind) -> None:
        nick = accepted(offered)
        seen = parse(render(Event(1, 0.0, "#lobby", kind, nick, "")))
        self.assertEqual((seen.kind, seen.nick), (kind, nick))

    @quick
    @given(nicks, st.sampled_from(RESERVED_WORDS))
    def test_it_is_no_reserved_word_nor_looks_like_one(self, offered: str, word: str) -> None:
        self.assertFalse(keys(accepted(offered)) & keys(word))


class Deceptions(SynchronousTestCase):
    """Characters that are letters or marks to Unicode and deceive a reader."""

    def test_a_mark_must_belong_on_its_letter(self) -> None:
        for nick in ("victim\u2d7f", "victim\u17d2", "victi\u1039m", "victim\u16fe4", "v\u0332ic"):
            self.assertRaises(NickRefused, check_nick, nick)
        for nick in ("e\u0323\u0301kan", "हिन्दी", "สมชาย", "မြန်မာ", "நண்பன்", "مُحَمَّد", "שָׁלוֹם"):
            self.assertTrue(check_nick(nick))

    def test_letters_that_look_like_our_punctuation_are_refused(self) -> None:
        for nick in ("ǃ", "alice\u02d0", "a\u01c0b", "x\u02d1y", "a\u02d0b"):
            self.assertRaises(NickRefused, check_nick, nick)


class RoomNames(SynchronousTestCase):
    """A room has one name, however it is typed."""

    def test_these_are_accepted_in_their_one_form(self) -> None:
        for offered, room in {
            "#dev": "#dev",
            "#Dev": "#dev",
            "#DEV-2.0_x": "#dev-2.0_x",
            "#_": "#_",
            "#7": "#7",
            "#Ёлка": "#ёлка",
            "#日本語": "#日本語",
            "#Jose\u0301": "#josé",
            "#STRASSE": "#strasse",
            "#straße": "#strasse",
            "#ｄｅｖ": "#dev",
            "#LOBBY": LOBBY,
            "#राम": "#राम",
            "#" + "x" * MAX_ROOM: "#" + "x" * MAX_ROOM,
        }.items():
            self.assertEqual(check_room(offered), room)

    def test_these_are_refused_with_a_reason_that_can_be_shown(self) -> None:
        for offered in (
            *("", "#", "dev", "@1", "@", " #dev", "＃dev", "\0", "/dev", "alice"),
            *("##", "##dev", "#-dev", "#.dev", "#..", "#\u0301", "#!", "#*", "#[dev]"),
            *(
                "#a b",
                "#a\tb",
                "#a:1",
                "#a,b",
                "#a\0",
                "#a\x1b[2J",
                "#a\u202eb",
                "#a\u200b",
                "#\ud800",
            ),
            *("#ﷺ", "#\u3164", "#👍", "#a\ufffd", "#x\u0301\u0301\u0301", "#v\u0332"),
            *("#1obby", "#lоbby", "#l0bby", "#ⅼobby\u0337"),
            *("#" + "x" * (MAX_ROOM + 1), "#" + "ﬃ" * MAX_ROOM, "#" + "x" * 100_000),
        ):
            with self.assertRaises(ChatError, msg=ascii(offered)) as caught:
                check_room(offered, LOBBY)
            self.assertEqual(caught.exception.code, Code.ROOM_INVALID)
            self.assertLess(len(caught.exception.message), 200)

    def test_what_looks_like_the_lobby_is_refused_whatever_that_is_called(self) -> None:
        for offered, lobby in (("#l0bby", LOBBY), ("#ha1l", "#hall"), ("#lobby", "#l0bby")):
            with self.assertRaises(ChatError) as caught:
                check_room(offered, lobby)
            self.assertIn(lobby, caught.exception.message)
            self.assertEqual(check_room(offered), offered)
        for lobby in (LOBBY, "#hall", "#l0bby"):
            self.assertEqual(check_room(lobby.upper(), lobby), lobby)
        self.assertEqual(check_room(LOBBY, "#hall"), LOBBY)

    @quick
    @given(nicks)
    def test_what_is_accepted_is_one_harmless_word(self, text: str) -> None:
        try:
            room = check_room(f"#{text}", LOBBY)
        except ChatError:
            return
        self.assertEqual(check_room(room), room)
        self.assertEqual(room.split(), [room])
        self.assertEqual(set(room[1:]) & set("#:*<>,@!/\\\"'&\0"), set())
        self.assertTrue(1 <= len(room) - 1 <= MAX_ROOM and not is_inbox(room))
        self.assertTrue(room == LOBBY or not keys(room) & keys(LOBBY))

    @quick
    @given(nicks)
    def test_case_makes_no_other_room(self, text: str) -> None:
        try:
            room, upper = check_room(f"#{text}"), check_room(f"#{text.upper()}")
        except ChatError:
            return
        if fold(text) == fold(text.upper()):
            self.assertEqual(room, upper)


class Inboxes(SynchronousTestCase):
    """The name of the log of what concerns one person alone."""

    def test_no_room_and_no_person_can_be_called_so(self) -> None:
        name = inbox("17")
        self.assertTrue(is_inbox(name))
        self.assertFalse(is_inbox("#lobby"))
        self.assertNotEqual(name, inbox("18"))
        self.assertRaises(NickRefused, check_nick, name)


def accepted(offered: str) -> str:
    """Return the nickname; an example that is refused does not count."""
    try:
        return check_nick(offered)
    except NickRefused:
        assume(False)
        raise
