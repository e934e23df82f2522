"""Coming in by IRC: what a client may agree on, by what it proves who it is, and its nickname."""

from collections.abc import Mapping
from typing import Final

from twisted.python.failure import Failure

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.capabilities import CAPABILITIES
from chatservice.doors.irc.message import Message
from chatservice.doors.irc.person import IrcPerson
from chatservice.doors.irc.refusals import refusal_in
from chatservice.doors.irc.registration import Step
from chatservice.doors.irc.sasl import Authentication
from chatservice.errors import ChatError, Code, NickRefused
from chatservice.names import fold
from chatservice.presence.owners import NO_BLANKS
from chatservice.resume import is_token
from chatservice.session import State

_UNPROVED: Final = (
    *(Code.BAD_PASSWORD, Code.BAD_TOKEN, Code.NEEDS_ENCRYPTION, Code.TOO_MANY_TRIES, Code.BUSY),
)
"""Refusals of what was given by PASS."""


IN_TURN: Final = 600.0
"""Seconds for which a nickname stays with a client that has taken it from its owner's other."""

_IN_TURN: Final = (
    "You are here with two other clients that took this nickname from each other: choose another "
    "beside it"
)


class IrcClient(IrcPerson):
    """A client at the IRC door, with its way in; what verbs are done for.

    :ivar authentication: its attempt to prove who it is by SASL.
    """

    _proving = False  # by PASS

    def connectionMade(self) -> None:
        """Let somebody in; it speaks first."""
        self.authentication = Authentication()
        super().connectionMade()

    def offered(self) -> Mapping[str, str]:
        """Return the capabilities that there are on this connection, with their values."""
        owners, offered = self.hub.owners, dict(CAPABILITIES)
        if mechanisms := ",".join(owners.mechanisms(self.person)):
            offered["sasl"] = mechanisms
        else:
            del offered["sasl"]
        if not owners.may_register(self.person):
            del offered["draft/account-registration"]
        return offered

    def enter(self) -> None:
        """Offer the nickname, once all is said that must be."""
        registration = self.registration
        if (
            self.session.state is State.CONNECTED
            and registration.ready
            and not self.negotiation.open
            and not self._proving
        ):
            self.person.card = registration.card
            self.person.roomless = self.factory.roomless
            if self.authentication.begun:
                self.authentication.end()
                self.reply(n.ERR_SASLABORTED, "SASL is given up, as you come in without it")
            self._come_in()

    def _come_in(self) -> None:
        """Offer the nickname, with what was given by PASS; who has proved who it is by SASL needs
        none.
        """
        given = "" if self.person.proved is not None else self.registration.password
        if (given or self.person.proved is not None) and self._changes_hands(given):
            if given and ":" not in given:  # it is this nickname's, whichever comes next
                self.registration.password = f"{self.registration.nick}:{given}"
            self.nick_refused(NickRefused(Code.NICK_TAKEN, _IN_TURN))
            return
        account, _, password = given.partition(":")
        if password and self.hub.accounts.find(account) is not None:
            self._proving = True
            self.hold("pass")
            proving = self.hub.owners.login(self.person, account, password)
            proving.addCallbacks(self._passed, self._not_passed)
            proving.addBoth(lambda _: self.release("pass"))
        else:
            self.claim(f"{self.registration.nick} {given}".strip())

    def _changes_hands(self, given: str) -> bool:
        """Tell whether one client of somebody's has taken this nickname from another just now.

        Those that come back by themselves would do so in turn, for ever.
        """
        nick = self.registration.nick
        wearer = None if is_token(given.partition(" ")[0]) else self.hub.parts.nicks.wearer(nick)
        if wearer is None or wearer.absent or wearer.account is None:
            return False
        own = fold(wearer.account.name) == fold(nick)
        return own and 0 <= self.hub.now() - wearer.displaced < IN_TURN

    def _passed(self, _: None) -> None:
        self._proving = False
        if self.session.state is State.CONNECTED:
            self.registration.password = ""
            self.claim(self.registration.nick)

    def _not_passed(self, failure: Failure) -> None:
        self._proving = False
        refusal = refusal_in(failure)
        if self.session.state is State.CONNECTED:
            self.nick_refused(refusal)

    def nick_accepted(self) -> None:
        """Let the person be in no room from now on, if it wants that."""
        self._names = self._names or (self.person.nick,)  # it may leave before its welcome
        self.person.roomless = True
        self.stay()

    def stay(self) -> None:
        """Keep the place of somebody with an account, if the connection is lost, for a while: it
        comes back to its rooms with the password.
        """
        if self.person.account is not None:
            self.hub.arrivals.stay(self.person)

    def nick_refused(self, refusal: ChatError) -> None:
        """Say why; another may be offered."""
        if self.registration.password and refusal.code in _UNPROVED:
            # Whoever sent a password does not want to come in as somebody else.
            # The same for an account that there is not as for one that there is.
            text = self.person.refused = refusal.message.removesuffix(NO_BLANKS)
            self.reply(n.ERR_PASSWDMISMATCH, text)
            self.session.leave()
            return
        nick = self.registration.nick
        self.registration.take(Step.REFUSED)
        self.refuse(refusal, Message("NICK", (nick,)))
