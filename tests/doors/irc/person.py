"""Somebody with an IRC client, as the scenarios of all doors know people.

What is typed goes out as the message that a client would make of it, and what comes in is read back
into events, by a parser that is not the server's. As in a client, the room that is looked at is the
client's own business: it is the one joined last.
"""

import re
from typing import Final, Protocol, cast

from irctokens.line import Line, tokenise
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport

from chatservice.delivery.past import NOW
from chatservice.doors.irc.protocol import IrcFactory, IrcProtocol
from chatservice.events import Event, Kind
from chatservice.names import LOBBY
from chatservice.people.order import BACK
from chatservice.plain import parse

CAPABILITIES: Final = "batch echo-message message-tags server-time standard-replies"

CODES: Final = {
    "263": ["too-fast"],
    "401": ["no-such-nick"],
    "403": ["no-such-room", "room-invalid"],
    "404": ["no-such-room", "muted", "moderated", "slow-mode"],
    "405": ["too-many-rooms"],
    "406": ["no-such-nick"],
    "411": ["bad-arguments"],
    "412": ["bad-arguments"],
    "417": ["line-too-long"],
    "421": ["unknown-command"],
    "431": ["bad-arguments"],
    "432": ["nick-invalid", "nick-reserved"],
    "433": ["nick-taken", "nick-registered"],
    "442": ["no-such-room"],
    "461": ["bad-arguments"],
    "464": ["bad-password", "bad-token"],
    "465": ["banned"],
    "471": ["room-full"],
    "473": ["invite-only"],
    "474": ["banned"],
    "475": ["bad-key"],
    "476": ["room-invalid"],
    "481": ["not-allowed", "outranked"],
    "482": ["not-allowed", "outranked"],
    "489": ["needs-encryption"],
}
"""What the numbers of IRC's errors may mean here; the others have the code in their text."""

FAILURES: Final = {
    "already-authenticated": "not-allowed",
    "need-more-params": "bad-arguments",
    "weak-password": "bad-arguments",
}
"""The same for the codes of standard replies that differ from ours."""

HINTS: Final = {
    "bad-token": "token",
    "moderated": "voice",
    "muted": "muted",
    "nick-registered": "registered",
    "nick-reserved": "reserved|cannot be worn",
    "outranked": "below|as high",
    "room-invalid": "looks like|starts with|name",
    "slow-mode": "slow",
}
"""By what in the text they differ: so that a person, too, knows what to do."""

LETTERS: Final = {
    "i": "invite-only",
    "k": "key",
    "m": "moderated",
    "s": "secret",
    "t": "topic-locked",
    "z": "secure",
}
ROLES: Final = {"o": "op", "v": "voice"}

_UNHEARD: Final = frozenset(
    (
        *("002", "003", "004", "005", "250", "251", "252", "253", "254", "255", "265", "266"),
        *("315", "317", "318", "331", "332", "333", "353", "366", "372", "375", "376", "422"),
        *("CAP", "PONG", "ERROR", "ACCOUNT", "AWAY", "SETNAME", "TAGMSG", "MARKREAD", "REGISTER"),
    )
)
_ENDED: Final = re.compile(r"Closing link: (.*(?:wants it back|another connection).*)")
_RESUME: Final = re.compile(r"To come back, connect with the nickname (\S+) and: PASS (.*)")


class IrcPerson:
    """One person.

    :ivar here: the room that is looked at.
    """

    def __init__(self, factory: IrcFactory, host: str = "192.0.2.1") -> None:
        self.protocol = cast("IrcProtocol", factory.buildProtocol(None))
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", host, 4242))
        self.protocol.makeConnection(self.transport)
        self.gone = False
        self.nick = ""
        self.lobby = self.here = factory.hub.rooms.lobby.name
        self._known = False  # to the server: USER was sent
        self._why = ""  # the last notice
        self._rooms: dict[str, set[str]] = {}
        self._past: set[str] = set()  # batches that are open
        self._shown: list[Event] = []  # by the client itself

    # What it does.

    def send(self, line: str) -> None:
        """Send one line."""
        if not self.gone:
            self.protocol.dataReceived(f"{line}\r\n".encode())

    def offer(self, nick: str) -> None:
        """Offer a nickname, and what stands behind it as the password."""
        nick, _, password = nick.partition(" ")
        if not self._known:
            self.send("CAP LS 302")
            self.send(f"CAP REQ :{CAPABILITIES}")
        if password:
            self.send(f"PASS :{password}")
        self.send(f"NICK {nick}")
        if not self._known:
            self._known = True
            self.send("USER user 0 * :Somebody")
            self.send("CAP END")

    def type(self, line: str) -> None:
        """Type a line into the client."""
        if line.startswith("//") or not line.startswith(("/", "#")):
            self._say(self.here, line.removeprefix("/"))
        elif line.startswith("#"):
            self._say(*line.split(" ", 1))
        else:
            verb, _, rest = line[1:].partition(" ")
            self._do(verb, rest)

    def _do(self, verb: str, rest: str) -> None:
        first, _, more = rest.partition(" ")
        match verb:
            case "me" if rest:
                self._say(self.here, f"\x01ACTION {rest}\x01")
            case "msg" | "say":
                self._say(first, more)
            case "join" if rest in self._rooms:
                self._look(rest)
            case "leave":
                self.send(f"PART {rest or self.here}")
            case "topic" if first.startswith("#"):
                self.send(f"TOPIC {rest}")
            case "topic":
                self.send(f"TOPIC {self.here} :{rest}")
            case "kick":
                self.send(f"KICK {self.here} {first}" + (f" :{more}" if more else ""))
            case "invite":
                self.send(f"INVITE {rest} {self.here}")
            case "voice":
                self.send(f"MODE {self.here} +v {rest}")
            case "mode":
                (letter,) = [letter for letter, name in LETTERS.items() if name == first]
                sign, value = "-" if more == "off" else "+", "" if more == "on" else more
                self.send(f"MODE {self.here} {sign}{letter} {value}".strip())
            case "rooms":
                self.send("LIST")
            case "register" if rest:
                self.send(f"REGISTER * * :{rest}")
            case _:
                self.send(f"{verb.upper()} {rest}".strip())

    def _say(self, target: str, text: str = "") -> None:
        self.send(f"PRIVMSG {target} :{text}" if text else f"PRIVMSG {target}")

    def _look(self, room: str) -> None:
        """Look at another room."""
        self.here = room
        self._shown.append(Event(0, 0.0, "", Kind.SWITCHED, "", room))

    def hang_up(self) -> None:
        """Break the connection."""
        if not self.gone:
            self.gone = True
            self.protocol.connectionLost()

    @property
    def connected(self) -> bool:
        """Whether the server still holds the connection."""
        return not self.transport.disconnecting

    # What it hears.

    def lines(self) -> list[str]:
        """Return the lines that came since the last call."""
        data: bytes = self.transport.value()
        self.transport.clear()
        assert not data or data.endswith(b"\r\n")
        return data.decode().split("\r\n")[:-1]

    def heard(self) -> list[Event]:
        """Return the events that came since the last call."""
        found, self._shown = self._shown, []
        for line in map(tokenise, self.lines()):
            found += self._events(line)
            found += self._shown
            self._shown = []
        return self._as_elsewhere(found)

    def _as_elsewhere(self, events: list[Event]) -> list[Event]:
        """Return events as at other doors, where who comes in has joined before it is welcome."""
        past = [index for index, event in enumerate(events) if event.past]
        kinds = [event.kind for event in events[:2]]
        if past and kinds[0] is Kind.WELCOME:
            events.insert(past[-1] + 1, Event(0, 0.0, "", Kind.NOTICE, "", NOW))
        if kinds != [Kind.WELCOME, Kind.JOINED] or not events[1].lobby:
            return events
        called = Event(0, 0.0, "", Kind.SWITCHED, "", self.lobby)
        return [events[1], events[0], *([called] if self.lobby != LOBBY else []), *events[2:]]

    def _events(self, line: Line) -> list[Event]:
        nick = line.hostmask.nickname if line.source is not None and "!" in line.source else ""
        tags = line.tags or {}
        past = (tags.get("batch") or "") in self._past
        _, _, number = (tags.get("msgid") or "").partition("/")
        seq = int(number) if number.isdecimal() else 0

        def event(kind: Kind, nick: str, text: str = "", room: str = "") -> Event:
            shown = "" if room == self.here and kind not in (Kind.JOINED, Kind.LEFT) else room
            if kind in (Kind.JOINED, Kind.LEFT) and room == self.lobby:
                shown = "" if room == self.here else room
            lobby = kind in (Kind.JOINED, Kind.LEFT, Kind.KICKED) and room == self.lobby
            return Event(seq, 0.0, shown, kind, nick, text, past=past, lobby=lobby)

        match line.command, line.params:
            case "BATCH", [name, *rest]:
                if name.startswith("+") and rest[0] == "chathistory":
                    self._past.add(name[1:])
                elif name[1:] in self._past:
                    self._past.remove(name[1:])
                return []
            case "001", [own, *_]:
                self.nick = own
                return [event(Kind.WELCOME, "")]
            case ("PRIVMSG" | "NOTICE") as verb, [target, text]:
                return self._said(event, verb, nick, target, text)
            case "JOIN", [room, *_]:
                self._rooms.setdefault(room, set()).add(nick)
                if nick != self.nick:
                    return [event(Kind.JOINED, nick, "", room)]
                if room == self.lobby == self.here:
                    return [event(Kind.JOINED, nick, "", room)]
                self._look(room)
                switched, self._shown = self._shown, []
                return [*switched, event(Kind.JOINED, nick, "", room)]
            case "353", [_, _, room, names]:
                self._rooms.setdefault(room, set()).update(n.lstrip("@+") for n in names.split())
                return []
            case "PART", [room, *_]:
                return self._gone(event, nick, room, Kind.LEFT, nick)
            case "KICK", [room, whom, *why]:
                return self._gone(event, whom, room, Kind.KICKED, nick, why[0] if why else "")
            case "QUIT", _:
                places = [room for room, members in self._rooms.items() if nick in members]
                return [
                    one for room in places for one in self._gone(event, nick, room, Kind.LEFT, nick)
                ]
            case "NICK", [new]:
                self.nick = new if nick == self.nick else self.nick
                places = [room for room, members in self._rooms.items() if nick in members]
                for room in places:
                    self._rooms[room] ^= {nick, new}
                shown = places or [self.here]
                return [event(Kind.RENAMED, nick, new, room) for room in shown]
            case "TOPIC", [room, text]:
                return [event(Kind.TOPIC, nick, text, room)]
            case "MODE", [room, change, *values]:
                return [event(kind, nick, text, room) for kind, text in _changes(change, values)]
            case "INVITE", [_, room]:
                return [event(Kind.INVITED, nick, room)]
            case "352", [_, _, _, _, _, who, flags, _]:
                return [event(Kind.NOTICE, "", f"{who} (away)" if "G" in flags else who)]
            case "301", [_, who, why]:
                return [event(Kind.NOTICE, "", f"{who} is away: {why}")]
            case "900", [_, _, account, _]:
                return [event(Kind.NOTICE, "", f"You are logged in as {account}.")]
            case "305", _:
                return [event(Kind.NOTICE, "", BACK)]
            case "ERROR", [text] if (found := _ENDED.fullmatch(text)) and found[1] not in self._why:
                return [event(Kind.ERROR, "kicked", found[1])]
            case "FAIL", [_, code, *_, text]:
                code = code.lower().replace("_", "-")
                return [event(Kind.ERROR, FAILURES.get(code, code), text)]
            case "PING", [token, *_]:
                self.send(f"PONG :{token}")
                return []
            case command, _ if command in _UNHEARD:
                return []
            case command, [*_, text] if command in CODES or command[0] in "45":
                return [event(Kind.ERROR, *_code(command, text))]
            case _, [*_, text]:
                return [event(Kind.NOTICE, "", text)]
            case _:
                return []

    def _said(self, event: "Maker", verb: str, nick: str, target: str, text: str) -> list[Event]:
        if not nick:  # the server
            if text.startswith("["):  # found, or of some other place: with time and number
                return [parse(text)]
            text = text.replace("/quote ", "/")  # see doors/irc/wording.py
            self._why = text
            if found := _RESUME.fullmatch(text):
                return [event(Kind.RESUME, found[1], found[2])]
            return [event(Kind.NOTICE, "", text, target if target.startswith("#") else "")]
        in_room = target.startswith("#")
        if text.startswith("\x01ACTION ") and text.endswith("\x01"):
            text = text[8:-1]
            if in_room:
                return [event(Kind.ACTED, nick, text, target)]
            text = f"/me {text}"
        kinds = (Kind.SAID, Kind.PRIVATE) if verb == "PRIVMSG" else (Kind.REMARKED, Kind.HINTED)
        return [event(kinds[0], nick, text, target) if in_room else event(kinds[1], nick, text)]

    def _gone(
        self, event: "Maker", who: str, room: str, kind: Kind, nick: str, text: str = ""
    ) -> list[Event]:
        """Take note that somebody is out of a room."""
        found = [event(kind, nick, text, room)]
        self._rooms[room].discard(who)
        if who == self.nick:
            del self._rooms[room]
            if kind is Kind.KICKED:
                told = f"{nick} kicked you out of {room}: {text}"
                found = [event(Kind.ERROR, "kicked", told)]
            if self._rooms and room == self.here:
                self._look([*self._rooms][-1])
        return found


def _changes(change: str, values: list[str]) -> list[tuple[Kind, str]]:
    """Return what a MODE message says, in words."""
    sign, found = "+", []
    for letter in change:
        if letter in "+-":
            sign = letter
        elif letter == "b":  # for the lists of clients: who is banned is told otherwise
            values.pop(0)
        elif letter in ROLES:
            values.pop(0)
            found.append((Kind.ROLE, ROLES[letter] if sign == "+" else "user"))
        else:
            found.append((Kind.MODE, f"{LETTERS[letter]} {'on' if sign == '+' else 'off'}"))
    return found


def _code(number: str, text: str) -> tuple[str, str]:
    """Return the code of an error, and its text without it."""
    if found := re.fullmatch(r"(.*) \[([a-z-]+)\]", text):
        return found[2], found[1]
    first, *others = CODES.get(number, ["?"])
    return next((code for code in others if re.search(HINTS[code], text)), first), text


class Maker(Protocol):
    """Makes an event of what a line says."""

    def __call__(self, kind: Kind, nick: str, text: str = "", room: str = "", /) -> Event:
        """Make it."""
