"""The raw door: for the client of the threaded-socket tutorials, which frames nothing.

    S: NICK                  a chunk of its own, without a line's end: the client compares
    C: alice                 without a line's end
    S: alice joined the chat
    S: Connected to the server
    C: alice: hello          without a line's end; the client puts its nickname before the text
    S: alice: hello          once

One chunk that arrives is one message. The client knows ASCII alone and ends at anything else, so
other characters are sent to it as "?". It would offer a refused nickname again for ever, so it is
told the reason and disconnected. Whoever has a password answers NICK with "alice PASSWORD"; the
client then puts both before the text, and both are taken off.
"""

from typing import ClassVar, Final

from twisted.internet.protocol import Protocol

from chatservice.commands import perform
from chatservice.doors.connection import BELL, Connection, Dialects, is_foreign
from chatservice.doors.factory import DoorFactory
from chatservice.doors.outlet import Transport
from chatservice.errors import ChatError
from chatservice.events import Event, Kind
from chatservice.plain import render
from chatservice.session import State
from chatservice.text import MAX_LINE, decode


class RawText:
    """The dialect of the raw door: plain lines, but for the bare question for a nickname.

    :param stamped: whether time and number stand before what is said.
    :param elsewhere: whether it is for rooms other than the current one.
    """

    def __init__(self, stamped: bool = False, elsewhere: bool = False) -> None:
        self._stamped = stamped
        self._elsewhere = elsewhere

    def encode(self, event: Event) -> bytes:
        """Return the event as ASCII."""
        line = render(event, self._stamped, self._elsewhere)
        end = "" if event.kind is Kind.PROMPT or not line else "\n"
        return f"{line}{end}".encode("ascii", "replace")


RAW: Final = Dialects(RawText(), RawText(elsewhere=True), BELL)
STAMPED: Final = Dialects(RawText(stamped=True), RawText(stamped=True, elsewhere=True), BELL)


class RawProtocol(Connection, Protocol):
    """One connection at the raw door."""

    dialects: ClassVar[tuple[Dialects, Dialects]] = (RAW, STAMPED)
    factory: "RawFactory"
    transport: Transport  # type: ignore[assignment]  # Protocol does not say what it is

    _prefix = ""  # what the client writes before each message

    def dataReceived(self, data: bytes) -> None:
        """Take a chunk: the nickname, then messages."""
        if not self._admitted and not self.admit():
            return
        match self.session.state:
            case State.CONNECTED if is_foreign(data):
                self.refuse_foreign()
            case State.CONNECTED:
                self._offer_nick(decode(data[:MAX_LINE].strip()))
            case State.JOINED:
                for line in data.splitlines():
                    self._message(line)
            case State.CLAIMING | State.LEFT:
                pass

    def _offer_nick(self, nick: str) -> None:
        self._prefix = f"{nick}: "
        self.claim(nick)

    def nick_refused(self, refusal: ChatError) -> None:
        """Say why; the client would only offer the same again."""
        self.session.expel(refusal)

    def _message(self, line: bytes) -> None:
        if len(line) > MAX_LINE + len(self._prefix.encode()):
            self.session.too_long()
            return
        for text in self._without_prefix(decode(line)):
            perform(self.session, text)
            self.wait_for_session()

    def _without_prefix(self, text: str) -> list[str]:
        """Take off what the client writes before each message.

        To the client a password is a part of the nickname, and it must never be said; two messages
        may have come as one chunk.
        """
        if " " not in self._prefix.removesuffix(" "):
            return [text.removeprefix(self._prefix)]
        return text.removeprefix(self._prefix).split(self._prefix)


class RawFactory(DoorFactory):
    """Makes the raw door's connections; see DoorFactory for its arguments."""

    door = "raw"

    protocol = RawProtocol  # type: ignore[assignment]
