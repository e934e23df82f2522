"""What nicknames and room names may be, and when two of them are one and the same to a reader.

A nickname is written and compared in three ways: as its owner typed it, folded (case and
compatibility forms, Unicode chapter 3.13), and as a skeleton of what it looks like (UTS #39,
section 4). Two people may not share any of the folded or look-alike keys. A room has one name, the
folded one, however it is typed.
"""

import json
import re
import unicodedata
from collections.abc import Set
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from chatservice.errors import ChatError, Code, NickRefused

MAX_NICK: Final = 32
"""The longest nickname, in characters."""

MAX_NICK_BYTES: Final = 64
"""The longest nickname, in bytes of UTF-8."""

MAX_ROOM: Final = 50
"""The longest name of a room, in characters without its ``#``."""

LOBBY: Final = "#lobby"
"""Where everybody starts unless the operator calls it otherwise, and what clients take for the
current room until they are told (docs/protocol.md)."""

PUNCTUATION: Final = frozenset("_-[]{}|^`")
"""What a nickname may contain besides letters, digits and the marks on letters."""

ROOM_PUNCTUATION: Final = frozenset("_-.")
"""The same for the name of a room."""

RESERVED_WORDS: Final = (
    *("admin", "administrator", "moderator", "operator", "oper", "root"),
    *("chat", "connected", "channel", "server", "service", "services", "system"),
    *("nickserv", "chanserv", "memoserv", "operserv"),  # who is told passwords elsewhere
    *("hostserv", "botserv", "saslserv", "authserv"),
    *("all", "anybody", "anyone", "everybody", "everyone", "here", "nobody", "you"),
)

# Letters and marks that show nothing at all (Default_Ignorable_Code_Point).
_INVISIBLE: Final = frozenset(
    map(
        chr,
        [
            *[0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0],
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ],
    )
)
# Letters to Unicode, but to a reader the signs that our lines are made of: clicks, modifiers.
_LIKE_PUNCTUATION: Final = frozenset(map(chr, [*range(0x1C0, 0x1C4), *range(0x2B9, 0x2E0)]))
_PLAIN: Final = re.compile(rf"\w[\w{re.escape(''.join(sorted(PUNCTUATION)))}]*", re.ASCII)
_PLAIN_ROOM: Final = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
_MAX_MARKS: Final = 2  # marks in a row on one letter; more climb over the lines above


def check_nick(text: str) -> str:
    """Return the nickname in its normal form (NFC), as it will be shown.

    :param text: what a person offered, already decoded; surrounding blanks are dropped.
    :raises NickRefused: with the reason and what would do.
    """
    nick = unicodedata.normalize("NFC", text[: 4 * MAX_NICK].strip())
    if not nick:
        raise NickRefused(Code.NICK_EMPTY, "A nickname needs at least one letter or digit.")
    if len(text) > 4 * MAX_NICK or len(nick) > MAX_NICK or len(_utf8(nick)) > MAX_NICK_BYTES:
        raise NickRefused(
            Code.NICK_INVALID,
            f"That nickname is too long: use at most {MAX_NICK} characters "
            f"({MAX_NICK_BYTES} bytes).",
        )
    if not _PLAIN.fullmatch(nick):  # nearly every nickname is
        for problem in _problems(nick, "nickname", PUNCTUATION):
            raise NickRefused(Code.NICK_INVALID, problem)
    if keys(nick) & _reserved():
        raise NickRefused(
            Code.NICK_RESERVED, "That nickname is reserved for the server: choose another."
        )
    return nick


def check_room(text: str, lobby: str = "") -> str:
    """Return the name under which a room is known, however it is typed: folded, with its ``#``.

    :param text: what a person offered, already decoded.
    :param lobby: the room that no other may look like; "" for none.
    :raises ChatError: ROOM_INVALID, with the reason and what would do.
    """
    if not text.startswith("#"):  # or a sign that folds into one, which nobody types
        raise _no_room(f"A room's name starts with #, for example #{text[:MAX_ROOM] or 'dev'}.")
    name = fold(text[: 4 * MAX_ROOM])[1:]
    if len(text) > 4 * MAX_ROOM or len(name) > MAX_ROOM:
        raise _no_room(f"That name of a room is too long: use at most {MAX_ROOM} characters.")
    if not name:
        raise _no_room("A room's name has a letter or digit behind the #, for example #dev.")
    if not _PLAIN_ROOM.fullmatch(name):
        for problem in _problems(name, "room's name", ROOM_PUNCTUATION):
            raise _no_room(problem)
        if fold(name) != name:  # it would be another room for who types what is shown
            raise _no_room("That name of a room can be written in several ways: choose another.")
    room = f"#{name}"
    if lobby and room != lobby and keys(room) & keys(lobby):
        raise _no_room(f"That looks like {lobby} and is not: choose another name.")
    return room


def _no_room(problem: str) -> ChatError:
    return ChatError(Code.ROOM_INVALID, problem)


def is_room(name: str) -> bool:
    """Tell whether this is the name of a room, not of an inbox or of nothing."""
    return name.startswith("#")


def fold(name: str) -> str:
    """Return the name without differences of case and compatibility forms."""
    if name.isascii():  # nearly every name, at a tenth of the cost
        return name.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def skeleton(name: str) -> str:
    """Return what the name looks like, as a string that look-alikes share (UTS #39, section 4)."""
    prototypes = _prototypes()
    decomposed = unicodedata.normalize("NFD", name)
    return unicodedata.normalize("NFD", "".join(prototypes.get(c, c) for c in decomposed))


@lru_cache(maxsize=4096)  # asked at the claim, on entering and on leaving
def keys(nick: str) -> frozenset[str]:
    """Return every key under which this nickname may clash with another; see forms."""
    return frozenset(forms(nick))


@lru_cache(maxsize=4096)
def forms(nick: str) -> tuple[str, str, str]:
    """Return a nickname in the forms in which it is compared: folded, and twice what it looks like.

    Looks are compared both as typed and folded: ``AIice`` looks like ``Alice`` only as typed,
    ``ALICE`` is ``alice`` only folded.
    """
    folded = fold(nick)
    return folded, skeleton(nick).casefold(), skeleton(folded).casefold()


def inbox(identity: str) -> str:
    """Return the name of the log of what concerns one person alone; no room can have it.

    :param identity: the person's, never used for another: nicknames change hands.
    """
    return f"@{identity}"


def audit_log(room: str) -> str:
    """Return the name of the log of what ops did in a room; no room can have it."""
    return f"&{room}"


def about(log: str) -> str:
    """Return the room that a log is about: its own, or what ops did in it."""
    return log.removeprefix("&")


def is_inbox(room: str) -> bool:
    """Tell whether this is the name of an inbox, not of a room."""
    return room.startswith("@")


def _utf8(nick: str) -> bytes:
    return nick.encode("utf-8", "replace")


def _problems(name: str, what: str, punctuation: Set[str]) -> list[str]:
    """Say what is wrong with a name's characters; the first is the one worth telling."""
    first = name[0]
    if not (_is_letter(first) or first.isdecimal() or first == "_"):
        return [f"A {what} starts with a letter, a digit or _."]
    marks, base = 0, first
    for char in name:
        is_mark = unicodedata.category(char).startswith("M")
        marks = marks + 1 if is_mark else 0
        if marks > _MAX_MARKS:
            return [f"That {what} has too many marks on one letter: use fewer."]
        allowed = _is_letter(char) or is_mark or char.isdecimal() or char in punctuation
        if is_mark and not _fits(char, base):
            return [f"That {what} has a mark that does not belong on its letter: leave it out."]
        base = base if is_mark else char
        if not allowed or char in _INVISIBLE or char in _LIKE_PUNCTUATION:
            shown = char if char.isprintable() and not char.isspace() else f"U+{ord(char):04X}"
            return [
                f"A {what} cannot contain {'a blank' if char == ' ' else shown}: "
                f"use letters, digits and {' '.join(sorted(punctuation))}"
            ]
    return []


def _fits(mark: str, letter: str) -> bool:
    """Tell whether a mark is one that letters like this one carry; on others it hardly shows."""
    script = unicodedata.name(mark, "?").partition(" ")[0]
    if script == "COMBINING":
        return mark in _common_marks()
    return script == unicodedata.name(letter, "").partition(" ")[0]


@cache
def _common_marks() -> frozenset[str]:
    """Return the marks of Latin, Greek and Cyrillic: those of letters that Unicode has whole."""
    letters = filter(str.isalpha, map(chr, [*range(0xC0, 0x530), *range(0x1E00, 0x2000)]))
    parts = "".join(unicodedata.normalize("NFD", letter) for letter in letters)
    # Japanese writes its voiced sounds with marks that are called combining as well.
    return frozenset(c for c in parts if unicodedata.combining(c)) | {"\u3099", "\u309a"}


def _is_letter(char: str) -> bool:
    return unicodedata.category(char).startswith("L")


@cache
def _reserved() -> frozenset[str]:
    return frozenset().union(*map(keys, RESERVED_WORDS))


@cache
def _prototypes() -> dict[str, str]:
    """Read Unicode's confusables: from each character to the one that stands for its look-alikes.

    The library's table lists the pairs in both directions. A character with several partners is
    itself the prototype; one with a single partner looks like that partner. Of two that have only
    each other, the lower stands for both.
    """
    source = resources.files("confusable_homoglyphs") / "confusables.json"
    partners = {
        char: [entry["c"] for entry in entries]
        for char, entries in json.loads(source.read_text("utf-8")).items()
    }
    prototypes = {}
    for char, others in partners.items():
        if len(char) > 1 or len(others) > 1:
            continue
        other = others[0]
        if len(partners.get(other, ())) == 1 and char < other:
            continue
        prototypes[char] = other
    return prototypes
