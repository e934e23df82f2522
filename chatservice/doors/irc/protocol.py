"""The IRC door: any IRC client, in the same rooms as everybody.

    C: NICK alice
    C: USER alice 0 * :Alice Liddell
    S: :irc.example.org 001 alice :Welcome to the chat, alice!~alice@irc.example.org
    S: ...
    S: :alice!~alice@irc.example.org JOIN #lobby
    S: :irc.example.org 353 alice = #lobby :alice bob
    C: PRIVMSG #lobby :hello

RFC 1459 and 2812 as modern.ircdocs.horse has them, and IRCv3 (docs/irc.md). What a verb does stands
in commands/, what happens as messages in dialect.py, what is one person's alone in person.py
and voice.py; when a message is done, in speaker.py.
"""

import socket
from collections.abc import Callable, Sequence
from typing import Unpack

from chatservice.doors.connection import is_foreign
from chatservice.doors.factory import DoorFactory, Settings
from chatservice.doors.irc.commands.markers import tell_marker
from chatservice.doors.irc.dialect import IrcLines
from chatservice.doors.irc.message import (
    MAX_BODY,
    MAX_TAGS_IN,
    Message,
)
from chatservice.doors.irc.person import IrcPerson
from chatservice.doors.irc.roster import Rosters
from chatservice.doors.irc.speaker import TOO_LONG, IrcSpeaker
from chatservice.doors.stream import Stream
from chatservice.hub import Hub
from chatservice.session import State


class IrcProtocol(IrcSpeaker, Stream):
    """One connection at the IRC door, over a stream."""

    MAX_LENGTH = MAX_TAGS_IN + MAX_BODY
    speaks_telnet = False

    def dataReceived(self, data: bytes) -> None:
        """Take bytes from the wire, once it is clear that they may come in."""
        if not self._admitted and not self.admit():
            return
        if self.session.state is State.CONNECTED and is_foreign(data):
            self.refuse_foreign()
        else:
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Take one line, without its end."""
        match self.session.state:
            case State.CLAIMING:  # kept until it is decided who speaks
                self.take_later(line)
            case State.LEFT:
                self.clearLineBuffer()
            case _:
                self.session.in_turn(self.take, line)

    def lineTooLong(self) -> None:
        """Answer a line that was too long to be taken."""
        match self.session.state:
            case State.CLAIMING:
                self.take_later(None)
            case State.LEFT:
                pass
            case _:
                self.session.in_turn(self.do, Message(""), TOO_LONG)


def framed(line: str) -> bytes:
    """Return a line as it goes over a stream."""
    return f"{line}\r\n".encode()


class IrcSettings(Settings, total=False):
    """What the IRC door's factories are told by name; see IrcFactory."""

    server: str
    roomless: bool
    motd: Sequence[str]


class IrcFactory(DoorFactory):
    """Makes the IRC door's connections; see DoorFactory for its other arguments.

    :param server: the server's name as clients see it; by default this host's.
    :param roomless: whether people come in without being in the lobby.
    :param motd: the message of the day, in lines; none of them for none.

    :ivar since: when it was made, seconds since 1970.
    """

    door = "irc"

    protocol = IrcProtocol  # type: ignore[assignment]

    def __init__(
        self,
        hub: Hub | None = None,
        *,
        server: str = "",
        roomless: bool = False,
        motd: Sequence[str] = (),
        **settings: Unpack[Settings],
    ) -> None:
        super().__init__(hub, **settings)
        self.server_name = server or socket.gethostname()
        self.roomless = roomless
        self.since = self.hub.now()
        self.framed: Callable[[str], bytes] = framed
        self.motd = motd
        self.rosters = Rosters(self.hub, self.server_name)
        self._dialects: dict[frozenset[str], IrcLines] = {}
        self.hub.markers.watch(self._read_on)

    def _read_on(self, identity: str, place: str, at: int) -> None:
        """Tell all clients of somebody how far it has read, those that want to know."""
        for person in self.hub.connections_of(identity):
            member = person.member
            if isinstance(member, IrcPerson) and member.factory is self:
                tell_marker(member, place, at)

    def dialect(self, capabilities: frozenset[str]) -> IrcLines:
        """Return the dialect of everybody with the same capabilities."""
        found = self._dialects.get(capabilities)
        if found is None:
            found = IrcLines(self.hub, self.server_name, capabilities, self.framed)
            self._dialects[capabilities] = found
        return found
