"""What an IRC client is told in IRC's words, whoever has something to say: the handlers of commands
do, and person.py, when things happen.
"""

from typing import TYPE_CHECKING

from chatservice.doors.connection import Connection, Dialects
from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.capabilities import SHAPING, Negotiation
from chatservice.doors.irc.dialect import user_of
from chatservice.doors.irc.labels import Labels
from chatservice.doors.irc.message import Message, answer, say, write
from chatservice.doors.irc.refusals import numeric
from chatservice.doors.irc.registration import Registration
from chatservice.errors import ChatError
from chatservice.events import Event, Kind
from chatservice.hub import Hub
from chatservice.people.account import Account
from chatservice.people.person import Person

if TYPE_CHECKING:
    from chatservice.doors.irc.protocol import IrcFactory


class IrcVoice(Connection):
    """An IRC connection, as far as it can be told something.

    :ivar registration: what the client has said on coming in.
    :ivar negotiation: what it has agreed on.
    :ivar labels: the labelled message that is being answered.
    :ivar parting: what it said on leaving.
    """

    factory: "IrcFactory"

    parting = ""
    _account = ""  # to which it was told that it is logged in
    _names: tuple[str, ...] = ()  # that it knows itself by, the one it has now last

    def connectionMade(self) -> None:
        """Let somebody in; it speaks first."""
        self.registration = Registration()
        self.negotiation = Negotiation()
        self.labels = Labels(self.server)
        super().connectionMade()

    @property
    def hub(self) -> Hub:
        """The chat."""
        return self.factory.hub

    @property
    def person(self) -> Person:
        """Who this is to the core."""
        return self.session.person

    @property
    def server(self) -> str:
        """The server's name."""
        return self.factory.server_name

    @property
    def called(self) -> str:
        """What numerics call the client: its nickname, the last one, or ``*`` before the first."""
        return self.person.nick or (self._names[-1] if self._names else "*")

    def has(self, capability: str) -> bool:
        """Tell whether a capability was agreed on."""
        return capability in self.negotiation.agreed

    def reshape(self) -> None:
        """Write what happens from now on as the capabilities ask for."""
        self.person.looks_back = self.has("draft/chathistory")
        self._dialects = self.dialects_at(stamped=True)

    def dialects_at(self, stamped: bool) -> Dialects:
        """Return how events are written: with time and number if that was agreed on."""
        self.lines = dialect = self.factory.dialect(self.negotiation.agreed & SHAPING)
        return Dialects(dialect, dialect)

    def reply(self, number: str, *params: str) -> None:
        """Answer with a numeric, behind all that the person did before."""
        self.send(number, self.called, *params)

    def numbered(self, number: str, *params: str) -> str:
        """Return a numeric to this client as a line."""
        return answer(number, self.called, *params, source=self.server)

    def send(self, command: str, *params: str, source: str | None = None) -> None:
        """Tell this client something, behind all that the person did before.

        :param source: who says it; by default the server.
        """
        source = self.server if source is None else source
        self.wire(answer(command, *params, source=source))

    def wire(self, *lines: str) -> None:
        """Tell this client lines that are ready, behind all that the person did before."""
        if not lines:
            return
        now = self.hub.now()
        self.hub.answer(self.person, *(Event(0, now, "", Kind.WIRE, "", line) for line in lines))

    def batched(self, kind: str, lines: list[str], *params: str) -> list[str]:
        """Return lines as a batch, if batches were agreed on; else as they are.

        :param params: what stands behind the batch's type.
        """
        return self.labels.batched(kind, lines, *params) if self.has("batch") else lines

    def refuse(self, refusal: ChatError, asked: Message | None, about: str = "") -> None:
        """Tell this client why something was not done."""
        self.hub.meters.refuse(refusal.code)
        self.person.refused = refusal.message
        self.reply(*numeric(refusal, asked, about))

    def fail(self, command: str, code: str, *params: str) -> None:
        """Tell this client of an error that has no numeric (standard-replies).

        Also if that was not agreed on: what needs it says so, and the others show it as it is.

        :param params: what it is about, and why.
        """
        self.send("FAIL", command, code, *params)

    def notice(self, text: str) -> list[str]:
        """Return what the server says to this client, in several lines if it must be."""
        return [*say("NOTICE", self.called, text, source=self.server)]

    def logged_in(self, account: Account | None, text: str = "", again: bool = False) -> list[str]:
        """Return that this client is logged in, or no more; nothing if it was told that already.

        :param text: what to say about it.
        :param again: whether to tell it all the same.
        """
        name = "" if account is None else account.name
        if name == self._account and not again:
            return []
        self._account = name
        cloak = self.hub.cloaks.of(self.person.inbox if account is None else account.identity)
        mask = f"{self.called}!{user_of(self.person)}@{cloak}"
        if not name:
            return [self.numbered(n.RPL_LOGGEDOUT, mask, text)]
        return [self.numbered(n.RPL_LOGGEDIN, mask, name, f"You are now logged in as {name}")]

    def disconnect(self) -> None:
        """Say why, and close in good order; see IMember."""
        line = write("ERROR", f"Closing link: {self._farewell()}")
        self.answer(self.framed(line))
        super().disconnect()

    def _farewell(self) -> str:
        """Return why the connection ends."""
        if self.person.replaced:
            return "You came back on another connection"
        if self.hub.closing:
            return "The server is closing"
        return self.parting or self.person.refused or "Goodbye"

    def framed(self, line: str) -> bytes:
        """Return a line as it goes over this wire."""
        return self.factory.framed(line)
