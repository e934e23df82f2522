"""IRC messages from bytes and to text. Knows nothing of the chat; it keeps nothing.

    @TAG=VALUE;TAG :SOURCE COMMAND PARAM PARAM :last param with blanks

RFC 1459 section 2.3.1, modern.ircdocs.horse and ircv3.net/specs/extensions/message-tags. Lines are
here without their end, CR LF. All text is UTF-8 (ircv3.net/specs/extensions/utf8-only).
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from wcwidth import grapheme_boundary_before

MAX_BODY: Final = 510
"""The longest message in bytes, without tags and without the line's end."""

MAX_TAGS_IN: Final = 8191
"""The longest tags that may stand before a message, in bytes, with "@" and the blank."""

MAX_TAG_DATA: Final = 4094
"""The most that a client may put into tags, in bytes, without "@" and the blank."""

MAX_WORD: Final = 200
"""What is given back of a word that a client wrote, in bytes at most."""

_ENDS: Final = re.compile("[\0\r\n]")  # what no message can contain
_KEY: Final = re.compile(r"\+?(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9-]+")
_ESCAPED: Final = {";": r"\:", " ": r"\s", "\\": r"\\", "\r": r"\r", "\n": r"\n"}
_MEANT: Final = {escaped[1]: char for char, escaped in _ESCAPED.items()}
_TO_ESCAPE: Final = re.compile(r"[; \\\r\n]")
_ESCAPE: Final = re.compile(r"\\(.?)", re.DOTALL)
_NO_TAGS: Final[Mapping[str, str]] = MappingProxyType({})


class Message(NamedTuple):
    """One message.

    :ivar command: the verb in upper case, or three digits.
    :ivar params: what stands behind it.
    :ivar source: who sent it, without the colon; "" if it does not say.
    :ivar tags: the tags with their values, unescaped; "" for a tag without a value.
    """

    command: str
    params: tuple[str, ...] = ()
    source: str = ""
    tags: Mapping[str, str] = _NO_TAGS


class BadLine(ValueError):
    """A line is no message, for the reason given; what could be read of it stands beside it.

    :ivar command: its verb; "" if there is none.
    :ivar tags: its tags.
    """

    def __init__(self, reason: str, message: Message | None = None) -> None:
        super().__init__(reason)
        self.command = message.command if message else ""
        self.tags = message.tags if message else _NO_TAGS


class NotUtf8(BadLine):
    """A line is not UTF-8."""


class TooLong(BadLine):
    """A line, or its tags, are longer than they may be."""


def parse(line: bytes) -> Message:
    """Return the message that a line is.

    Several blanks are taken as one, the last param may lack its colon, and there may be more than
    the 15 params of the standards.

    :param line: what came from a wire, without its end.
    :raises TooLong: if the message or its tags are over the limits for clients.
    :raises NotUtf8: if it is not UTF-8.
    :raises BadLine: if it contains NUL, CR or LF, or has no command.
    """
    if b"\0" in line or b"\r" in line or b"\n" in line:
        raise BadLine("a message cannot contain NUL, CR or LF")
    data, body = b"", line
    if line.startswith(b"@"):
        data, _, body = line[1:].partition(b" ")
    if len(data) > MAX_TAG_DATA:
        raise TooLong(f"a message may have {MAX_TAG_DATA} bytes of tags at most")
    tags = read_tags(data.decode("utf-8", "replace")) if data else _NO_TAGS
    if len(body) > MAX_BODY:
        start = body[:MAX_BODY].decode("utf-8", "replace")
        raise TooLong(f"a message may have {MAX_BODY} bytes at most", _split(start, tags))
    try:
        text = body.decode()
        data.decode()
    except UnicodeDecodeError:
        message = _split(body.decode("utf-8", "replace"), tags)
        raise NotUtf8("text must be UTF-8", message) from None
    message = _split(text, tags)
    if not message.command:
        raise BadLine("there is no command", message)
    return message


def _split(body: str, tags: Mapping[str, str]) -> Message:
    """Return a message's parts; the command is "" if there is none."""
    source = ""
    body = body.lstrip(" ")
    if body.startswith(":"):
        source, _, body = body[1:].partition(" ")
        body = body.lstrip(" ")
    middle, colon, last = body.partition(" :")
    command, *params = [word for word in middle.split(" ") if word] or [""]
    if colon:
        params.append(last)
    if command.startswith((":", "@")):
        command = ""
    return Message(command.upper() if command.isascii() else command, (*params,), source, tags)


def read_tags(data: str) -> dict[str, str]:
    """Return tags with their values; of several with one key the last counts.

    :param data: the tags as on the wire, without "@".
    """
    tags = {}
    for item in data.split(";"):
        key, _, value = item.partition("=")
        if key:
            tags[key] = unescape(value) if "\\" in value else value
    return tags


def write_tags(tags: Mapping[str, str]) -> str:
    """Return tags as on the wire, without "@".

    :raises ValueError: if a key is none, or a value contains NUL.
    """
    return ";".join([_tag(key, value) for key, value in tags.items()])


def client_only(tags: Mapping[str, str]) -> dict[str, str]:
    """Return those tags that clients may send each other, see message-tags."""
    return {
        key: value for key, value in tags.items() if key.startswith("+") and _KEY.fullmatch(key)
    }


def escape(value: str) -> str:
    """Return a tag's value as on the wire."""
    return _TO_ESCAPE.sub(lambda match: _ESCAPED[match[0]], value)


def unescape(value: str) -> str:
    """Return what a tag's value on the wire means.

    A backslash that escapes nothing is dropped, see message-tags.
    """
    return _ESCAPE.sub(lambda match: _MEANT.get(match[1], match[1]), value)


def tag(line: str, key: str, value: str = "") -> str:
    """Return a line that is a message already with one more tag in front.

    :raises ValueError: if the key is none, or the value contains NUL.
    """
    new = _tag(key, value)
    return f"@{new};{line[1:]}" if line.startswith("@") else f"@{new} {line}"


def _tag(key: str, value: str) -> str:
    if not _KEY.fullmatch(key) or "\0" in value:
        raise ValueError(f"no tag: {key!r}, {value!r}")
    return f"{key}={escape(value)}" if value else key


def write(
    command: str,
    *params: str,
    source: str = "",
    tags: Mapping[str, str] | None = None,
    trailing: bool = False,
) -> str:
    """Return a message as a line without its end.

    What is over MAX_BODY bytes of UTF-8 is cut from the last param, at a whole character.

    :param trailing: whether the last param gets its colon also where it needs none. Some clients
        expect that of what people say.
    :raises ValueError: if a param but the last is empty, begins with a colon or contains a blank,
        the same of command and source; if anything contains NUL, CR or LF; if the message is too
        long without its last param.
    """
    head = f":{source} {command}" if source else command
    if not command or command[0] in ":@" or " " in command or " " in source:
        raise ValueError(f"no command: {head!r}")
    for param in params[:-1]:
        if not param or param[0] == ":" or " " in param:
            raise ValueError(f"only the last param can be {param!r}")
        head = f"{head} {param}"
    line = head
    if params:
        last = params[-1]
        colon = ":" if trailing or not last or last[0] == ":" or " " in last else ""
        head = f"{head} {colon}"
        line = head + last
    if _ENDS.search(line):
        raise ValueError(f"NUL, CR or LF in {line!r}")
    if len(line) > MAX_BODY or not (line.isascii() or len(line.encode()) <= MAX_BODY):
        room = MAX_BODY - len(head.encode())
        if not params or room < 0:
            raise ValueError(f"too long: {head!r}")
        line = head + params[-1][: _fitting(params[-1], room)]
    return f"@{write_tags(tags)} {line}" if tags else line


def word(text: str) -> str:
    """Return what somebody wrote as a param that need not be the last: ``*`` if it can be none.

    Its first word, and not more of it than leaves room for others.
    """
    first = text.lstrip(":").partition(" ")[0]
    return next(cut(first, MAX_WORD), "*")


def answer(command: str, *params: str, source: str) -> str:
    """Return an answer to a client as a line without its end, whatever its params are.

    Those that need not be the last may be of somebody's own making, or too long together; what
    does not fit is cut from the longest.
    """
    try:
        return write(command, *params, source=source)
    except ValueError:
        words = [word(param) for param in params[:-1]]
    room = MAX_BODY - len(f":{source} {command}   :".encode())
    while (over := sum(len(one.encode()) + 1 for one in words) - room) > 0:
        longest = max(words, key=lambda one: len(one.encode()))
        least = max(4, len(longest.encode()) - over)
        words[words.index(longest)] = next(cut(longest, least))
    return write(command, *words, *params[-1:], source=source)


def say(
    verb: str, target: str, text: str, *, source: str, frame: tuple[str, str] = ("", "")
) -> Iterator[str]:
    """Yield what is said to somebody in as many messages as it takes; none for no text.

    :param frame: what stands before and behind the text in each.
    """
    before, behind = frame
    head = len(f":{source} {verb} {target} :{before}{behind}".encode())
    for piece in cut(text, MAX_BODY - head):
        yield write(verb, target, f"{before}{piece}{behind}", source=source, trailing=True)


def cut(text: str, room: int) -> Iterator[str]:
    """Yield text in pieces that fit, cut at blanks where there is one near, else at characters.

    The blank at which it is cut is dropped. No piece is empty; for no text there is none.

    :param room: the most bytes of UTF-8 in a piece, at least 4: then every character fits.
    :raises ValueError: if it is less.
    """
    if room < 4:
        raise ValueError("there must be room for one character")
    while len(text) > room or not (text.isascii() or len(text.encode()) <= room):
        end = _fitting(text, room)
        blank = text.rfind(" ", end * 2 // 3, end + 1)
        if blank > 0:
            yield text[:blank]
            text = text[blank + 1 :]
        else:
            yield text[:end]
            text = text[end:]
    if text:
        yield text


def _fitting(text: str, room: int) -> int:
    """Return how many of the first code points of a text that is too long fit into some bytes.

    What is seen as one character stays whole, unless it alone is too long.
    """
    if text.isascii():
        return room
    end = len(text[: room + 1].encode()[:room].decode("utf-8", "ignore"))
    return grapheme_boundary_before(text, end + 1) or end
