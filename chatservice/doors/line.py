r"""The line door: plain text lines, for nc, telnet, bots and the terminal client.

    S: NICK                          on connecting, and again after a refused nickname
    C: alice
    S: alice joined the chat         to everyone, alice too
    S: Connected to the server       to alice
    C: hello
    S: alice: hello                  to everyone, alice too: seeing it is the acknowledgement
    C: /quit                         or the connection ends
    S: alice left the chat           to everyone else

The server ends lines with CR LF and accepts LF, CR LF and CR NUL; UTF-8; 1,024 bytes a line.
What the lines look like stands in plain.py, commands in commands/.

For programs a line may be a JSON object, in both directions (objects.py): behind /json on, or from
the first one that offers a nickname so:

    S: NICK
    C: {"do":"nick","nick":"bot","id":1}
    S: {"type":"hello","id":1,"v":1,...}
"""

from typing import ClassVar, Final

from chatservice.commands import perform
from chatservice.doors.connection import BELL, Dialects, is_foreign
from chatservice.doors.factory import Clients, DoorFactory
from chatservice.doors.requests import Requests
from chatservice.doors.stream import Stream
from chatservice.doors.telnet import IAC, MOST_COMMANDS, TIMING_MARK
from chatservice.errors import ChatError
from chatservice.events import JSON, Event, Kind
from chatservice.objects import MAX_REQUEST, BadRequest, write_event
from chatservice.plain import render
from chatservice.session import State
from chatservice.text import MAX_LINE, decode


class PlainLines:
    """The dialect of plain lines.

    :param stamped: whether time and number stand before what is said.
    :param elsewhere: whether it is for rooms other than the current one.
    """

    def __init__(self, stamped: bool = False, elsewhere: bool = False) -> None:
        self._stamped = stamped
        self._elsewhere = elsewhere

    def encode(self, event: Event) -> bytes:
        """Return the event as one line."""
        line = render(event, self._stamped, self._elsewhere)
        return f"{line}\r\n".encode() if line else b""


class JsonLines:
    """The dialect of JSON objects, one a line: the same for every room, with time and number."""

    def encode(self, event: Event) -> bytes:
        """Return the event as one line."""
        return f"{write_event(event)}\r\n".encode()


_OBJECT: Final = JsonLines()  # one for all rooms, so that what is shown in several is shared
OBJECTS: Final = Dialects(_OBJECT, _OBJECT)
PLAIN: Final = Dialects(PlainLines(), PlainLines(elsewhere=True), BELL)
STAMPED: Final = Dialects(PlainLines(stamped=True), PlainLines(stamped=True, elsewhere=True), BELL)


class ChatProtocol(Stream):
    """One connection at the line door. What a line means depends on the session's state."""

    MAX_LENGTH = MAX_REQUEST  # of an object; text is looked at when it is clear that it is text
    dialects: ClassVar[tuple[Dialects, Dialects]] = (PLAIN, STAMPED)
    factory: "ChatFactory"

    _requests: Requests | None = None  # of who speaks JSON, or has done so
    _takes_json = False
    _stamped = False

    def dataReceived(self, data: bytes) -> None:
        """Take bytes from the wire, once it is clear that they may come in."""
        if not self._admitted and not self.admit():
            return
        unnamed = self.session.state is State.CONNECTED
        if (unnamed and is_foreign(data)) or data.count(IAC) > MOST_COMMANDS:
            self.refuse_foreign()
        else:
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Take one line, without its end: the state says what it is."""
        match self.session.state:
            case State.CONNECTED:
                self._offer_nick(line)
            case State.CLAIMING:  # kept until it is decided who speaks
                self.take_later(line)
            case State.JOINED:
                self.session.in_turn(self._take_line, line)
                self.wait_for_session()
            case State.LEFT:
                self.clearLineBuffer()

    def lineTooLong(self) -> None:
        """Answer a line that was too long to be taken; it can have been no nickname."""
        match self.session.state:
            case State.CONNECTED:
                self.refuse_foreign()
            case State.CLAIMING:
                self.take_later(None)
            case _:
                self.session.in_turn(self._refuse_long)

    def _take_line(self, line: bytes) -> None:
        """Take what somebody who is in sends, when it is clear which form it has."""
        if self._takes_json and self._requests is not None:
            self._requests.take(line)
        elif len(line) > MAX_LINE:
            self.session.too_long()
        else:
            perform(self.session, decode(line))

    def _refuse_long(self) -> None:
        if self._takes_json and self._requests is not None:
            self._requests.too_long()
        else:
            self.session.too_long()

    def sendLine(self, line: bytes) -> None:
        """Send a line of the caller's own, in order with all others."""
        self.answer(line + self.delimiter)

    def timingMarkAsked(self) -> None:
        """Answer a telnet in which ^C was pressed: it shows nothing until then."""
        self.answer(TIMING_MARK)

    def readConnectionLost(self) -> None:
        """Take what the peer left without a line's end, as the shell's printf does, then close."""
        if self.session.state is State.JOINED:
            self.finish()
        super().readConnectionLost()

    # Offering a nickname.

    def _offer_nick(self, line: bytes) -> None:
        if line.startswith(b"{") or self._takes_json:  # no nickname begins so
            self._offer_object(line)
        elif is_foreign(line) or len(line) > MAX_LINE:
            self.refuse_foreign()
        else:
            self.claim(decode(line))

    def _offer_object(self, line: bytes) -> None:
        """Take a nickname from a program; who cannot say that is sent away."""
        requests = self._requests
        if requests is None:
            requests = self._speak(json=True)
            self.factory.hub.tell(self.session.person, Kind.HELLO, JSON)
        try:
            nick = requests.nick(line)
        except BadRequest as refusal:
            self.session.expel(refusal)
        else:
            self.claim(nick)

    def nick_accepted(self) -> None:
        """Tell a program that it is in, before it goes on."""
        if self._requests is not None:
            hub, session = self.factory.hub, self.session
            session.do(hub.complete, session.person, free=True, patient=True)

    def nick_refused(self, refusal: ChatError) -> None:
        """Say why, and ask for another."""
        self.session.refuse(refusal)
        self.session.ask()

    # Speaking JSON.

    def speak_json(self, on: bool) -> None:
        """Take lines as JSON objects, or as text; see IMember."""
        self._speak(on)

    def _speak(self, json: bool) -> Requests:
        self._takes_json = json
        self._requests = self._requests or Requests(self.session)
        return self._requests

    def stamp(self, on: bool) -> None:
        """Choose the dialects; in JSON there is no choice. See IMember."""
        self._stamped = on
        if self._dialects is not OBJECTS:
            super().stamp(on)

    def _written(self, event: Event) -> bytes:
        if self._requests is None:
            return super()._written(event)
        if event.kind is Kind.HELLO:
            self._dialects = OBJECTS if event.text == JSON else self.dialects[self._stamped]
        answer = self._requests.answer(event)
        if self._dialects is OBJECTS:
            return f"{answer}\r\n".encode() if answer else b""
        return b"" if event.kind is Kind.DONE else super()._written(event)


class ChatFactory(DoorFactory):
    """Makes the line door's connections; see DoorFactory for its arguments.

    ``clients`` maps each nickname that came in here to its ChatProtocol.
    """

    door = "line"

    protocol = ChatProtocol  # type: ignore[assignment]

    @property
    def clients(self) -> Clients[ChatProtocol]:
        """Who came in by this door: nickname to protocol, always as of now."""
        return Clients(self, ChatProtocol)
