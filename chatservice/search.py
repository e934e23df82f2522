"""What people search for, and the words of a line.

``words`` cuts lines and questions alike, so that a store can index the one and look up the other;
``parse_query`` reads what somebody typed. A store that scans asks ``Query.matches``; SQLite's FTS5
is asked ``Query.expression``, and answers the same. Nothing here knows of stores.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby
from typing import Final
from unicodedata import category, normalize

from chatservice.durations import DAY, parse_duration
from chatservice.errors import ChatError, Code
from chatservice.events import Event
from chatservice.names import fold

MAX_PHRASES: Final = 20
"""The most phrases that one query may have."""

MAX_WORDS: Final = 64
"""The most words that one query may have, in all its phrases."""

MAX_CONTEXT: Final = 5
"""The most lines around each line found."""

_ASCII_WORD: Final = re.compile("[a-z0-9]+")
# What makes no difference: accents, joiners, variation selectors (also those of Mongolian).
_DROPPED: Final = re.compile(
    "[\u0300-\u036f\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]+"
)
_WITHOUT_BLANKS: Final = re.compile(
    "["
    "\u0e00-\u0eff\u1780-\u17ff"  # Thai and Lao, Khmer
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Myanmar
    "\u3000-\u30ff\u31f0-\u31ff\U0001aff0-\U0001b16f"  # Hiragana and Katakana, with 々 and 〇
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "]"
)
_EMOJI: Final = range(0x1F000, 0x1FB00)

_ITEM: Final = re.compile(r'"([^"]*)"(\*?)|-C\s*([0-9]*)(?!\S)|(\S+)')
_NUMBER: Final = re.compile("[0-9]{1,18}")  # what fits into SQLite's integers
_TIME: Final = re.compile("[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_DATE: Final = re.compile(f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([T ]{_TIME.pattern}Z?)?")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def words(text: str) -> list[str]:
    """Return the words by which a text is found, in order.

    Case, accents and compatibility forms make no difference. A word is a run of letters, marks and
    digits; where scripts are written without blanks each letter is a word, with its marks, so that
    any part can be found as a phrase; so is each symbol and emoji beyond ASCII.

    No word contains a blank, or any ASCII character but a-z and 0-9: expressions rely on it.
    """
    if text.isascii():  # nearly every line, at a tenth of the cost
        return _ASCII_WORD.findall(text.lower())
    bare = _DROPPED.sub("", normalize("NFKD", text).casefold())
    return _word(max(bare, default="") > "\uffff").findall(normalize("NFC", bare))


@cache
def _word(everywhere: bool) -> re.Pattern[str]:
    """Return what matches one word of folded text; Python's \\w leaves out the marks of Asia.

    :param everywhere: whether beyond U+FFFF, too. There a set of characters is a list of ranges,
        gone through to its end at each blank: two to five times slower, and seldom needed.
    """
    kinds: dict[str, list[str]] = {"alone": [], "mark": [], "run": [], "symbol": []}
    for kind, group in groupby(range(0x80, 0x20000 if everywhere else 0x10000), _kind):
        if kind:
            codes = list(group)
            kinds[kind].append(f"{chr(codes[0])}-{chr(codes[-1])}")
    if everywhere:  # planes 2 and 3 are for Han alone, also what is not assigned yet
        kinds["alone"].append("\U00020000-\U0003ffff")
    alone, mark, run, symbol = map("".join, kinds.values())
    return re.compile(f"[{alone}][{mark}]*|[a-z0-9{run}{mark}]+|[{symbol}]")


def _kind(code: int) -> str:
    """Tell what a character beyond ASCII is to a word; "" if it separates words."""
    char = chr(code)
    kind = category(char)
    if kind[0] == "M":
        return "mark"
    if kind[0] in "LN":
        # "Nl" for the Han zero; the decimal digits of Thai and others are written as numbers.
        letter = kind[0] == "L" or kind == "Nl"
        return "alone" if letter and _WITHOUT_BLANKS.match(char) else "run"
    # An emoji may be newer than this Python, which then does not know it for a symbol.
    return "symbol" if kind[0] == "S" or code in _EMOJI else ""


def who(nick: str) -> str:
    """Return the one word that stands for a nickname in an index, the same in any case.

    :param nick: as written; a nickname may contain what separates words, hence the digits.
    """
    return _who(fold(nick))


def _who(folded: str) -> str:
    return "n" + folded.encode("utf-8", "surrogatepass").hex()


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow one another.

    :ivar words: one at least, as ``words`` gives them.
    :ivar prefix: whether the last word may go on.
    """

    words: tuple[str, ...]
    prefix: bool = False

    @property
    def expression(self) -> str:
        """The phrase for FTS5; in quotes, where OR, NOT and NEAR are words like others."""
        return f'"{" ".join(self.words)}"{"*" if self.prefix else ""}'


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody searches for. A line is found if everything holds.

    :ivar phrases: every one occurs in the text.
    :ivar nick: who said it, folded (names.fold); "" for anybody.
    :ivar room: where to search, as typed; "" for where one is. Whoever asks the store sees to it.
    :ivar since: the earliest time, in seconds since 1970; None for any.
    :ivar before: only lines with a lower number; None for any.
    :ivar context: how many lines to show around each.
    """

    phrases: tuple[Phrase, ...] = ()
    nick: str = ""
    room: str = ""
    since: float | None = None
    before: int | None = None
    context: int = 0

    def matches(self, event: Event, tokens: Sequence[str] | None = None) -> bool:
        """Tell whether a line is found; its room is not looked at.

        :param tokens: the words of the event's text, if they are known already.
        """
        if (
            (self.before is not None and event.seq >= self.before)
            or (self.since is not None and event.at < self.since)
            or (self.nick and fold(event.nick) != self.nick)
        ):
            return False
        # No word contains a blank, so that phrases can be looked for in the whole.
        line = f" {' '.join(words(event.text) if tokens is None else tokens)} "
        return all(
            f" {' '.join(phrase.words)}{'' if phrase.prefix else ' '}" in line
            for phrase in self.phrases
        )

    def expression(self) -> str:
        """Return phrases and nick as the right side of a MATCH of SQLite's FTS5; "" for neither.

        It is meant for ``fts5(text, who, tokenize='ascii')``, with words joined by blanks in
        ``text`` and the word of ``who`` in the other column. What is left is for SQL.
        """
        parts = []
        if self.phrases:
            phrases = " AND ".join(phrase.expression for phrase in self.phrases)
            parts.append(f"{{text}} : ({phrases})")
        if self.nick:
            parts.append(f'{{who}} : "{_who(self.nick)}"')
        return " AND ".join(parts)


def parse_query(text: str, now: float) -> Query:
    """Return what somebody searches for.

    :param text: ``WORDS [from:nick] [in:#room] [since:2d] [before:4711] [-C n]``, in any order.
        Of the words ``"these together"`` are a phrase and ``thi*`` is the beginning of one; nothing
        else has a meaning. Of a filter that stands there twice the last holds.
    :param now: seconds since 1970.
    :raises ChatError: if there is no word, there are too many, or a filter's value will not do.
    """
    query = Query()
    phrases: list[Phrase] = []
    for item in _ITEM.finditer(text):
        quoted, star, context, word = item.groups()
        if context is not None:
            query = replace(query, context=_context(context))
        elif quoted is not None:
            phrases += _phrase(quoted, star)
        else:
            name, colon, value = word.partition(":")
            if colon and (filtered := _FILTERS.get(name.lower())):
                query = filtered(query, value, now)
            else:
                phrases += _phrase(word, word[-1])
    if not phrases:
        raise _refused("Give a word to search for, for example: lunch from:alice since:2d")
    if len(phrases) > MAX_PHRASES or sum(len(phrase.words) for phrase in phrases) > MAX_WORDS:
        raise _refused(
            f"That is too much to search for: give at most {MAX_PHRASES} words or phrases, "
            f"and {MAX_WORDS} words in all."
        )
    return replace(query, phrases=tuple(phrases))


def _phrase(text: str, end: str) -> list[Phrase]:
    found = tuple(words(text))
    return [Phrase(found, end == "*")] if found else []


def _context(value: str) -> int:
    if not value or int(value[:9]) > MAX_CONTEXT:
        raise _refused(f"-C takes a number of lines from 0 to {MAX_CONTEXT}, for example -C 2")
    return int(value)


def _from(query: Query, value: str, now: float) -> Query:
    if not value:
        raise _refused("from: takes a nickname, for example from:alice")
    return replace(query, nick=fold(value))


def _in(query: Query, value: str, now: float) -> Query:
    # Besides rooms one's own inbox, which is called @, or a part of it; nobody may name another's.
    if not value.startswith(("#", "@")) or value == "#":
        raise _refused("in: takes a room, for example in:#lobby, or @ or @bob for private lines")
    return replace(query, room=value)


def _since(query: Query, value: str, now: float) -> Query:
    return replace(query, since=parse_moment(value, now))


def _before(query: Query, value: str, now: float) -> Query:
    if not _NUMBER.fullmatch(value):
        raise _refused("before: takes the number of a line, for example before:4711")
    return replace(query, before=int(value))


_FILTERS: Final[dict[str, Callable[[Query, str, float], Query]]] = {
    "from": _from,
    "in": _in,
    "since": _since,
    "before": _before,
}


def parse_moment(text: str, now: float) -> float:
    """Return a moment in seconds since 1970.

    :param text: how long ago (30s, 10m, 12h, 2d, 3w), or in UTC a date (2026-11-20), a date with a
        time (2026-11-20T14:03, also with seconds or a blank), or a time (14:03, 14:03:05): the last
        such moment.
    :param now: seconds since 1970.
    :raises ChatError: if it is none of these.
    """
    text = text.strip().upper()
    try:
        if _DATE.fullmatch(text):
            at = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
            return (at - _EPOCH).total_seconds()
        if _TIME.fullmatch(text):
            time = datetime.fromisoformat(f"1970-01-01T{text}").replace(tzinfo=UTC)
            at_day = now // DAY * DAY + (time - _EPOCH) / timedelta(seconds=1)
            return at_day if at_day <= now else at_day - DAY
        return now - parse_duration(text)
    except ValueError:
        raise _refused(
            "A time is how long ago (30s, 10m, 12h, 2d, 3w) or, in UTC, 14:03, 2026-11-20 or "
            "2026-11-20T14:03"
        ) from None


def _refused(message: str) -> ChatError:
    return ChatError(Code.BAD_ARGUMENTS, message)
