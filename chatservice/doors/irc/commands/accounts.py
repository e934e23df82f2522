"""What clients say about accounts: AUTHENTICATE, LOGIN, REGISTER, VERIFY, OPER.

ircv3.net/specs/extensions/sasl-3.2 and account-registration; RFC 2812, section 3.1.4 for OPER.
"""

from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatservice.commands.account import parted
from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.message import Message
from chatservice.doors.irc.refusals import refusal_in
from chatservice.doors.irc.sasl import BadPiece, TooLong, pieces
from chatservice.errors import ChatError, Code
from chatservice.names import MAX_NICK, fold
from chatservice.roles import Role
from chatservice.session import State
from chatservice.text import clean

_FAILURES: Final = {
    Code.NICK_REGISTERED: "ACCOUNT_EXISTS",
    Code.NOT_ALLOWED: "ALREADY_AUTHENTICATED",
    Code.BAD_ARGUMENTS: "WEAK_PASSWORD",
}
"""Why nothing is registered, in the words of the specification; else TEMPORARILY_UNAVAILABLE."""


# Proving who one is.


def _authenticate(irc: IrcClient, message: Message) -> Deferred[None] | None:
    word, authentication = message.params[0], irc.authentication
    if authentication.busy:  # whoever does not wait for an answer has none to give
        return None
    if word == "*":
        authentication.end()
        irc.reply(n.ERR_SASLABORTED, "SASL is given up")
        return None
    if authentication.proof is None:
        _begin(irc, word)
        return None
    try:
        answer = authentication.take(word)
    except BadPiece as problem:
        authentication.end()
        number = n.ERR_SASLTOOLONG if isinstance(problem, TooLong) else n.ERR_SASLFAIL
        irc.reply(number, f"SASL has failed: {problem}")
        return None
    if answer is None:
        return None
    authentication.busy = True
    taken = authentication.proof.take(answer)
    return taken.addCallbacks(_go_on, _failed, callbackArgs=(irc,), errbackArgs=(irc,))


def _begin(irc: IrcClient, mechanism: str) -> None:
    account = irc.person.account
    if account is not None:
        text = f"You are logged in as {account.name}: connect anew to be another"
        irc.reply(n.ERR_SASLALREADY, text)
        return
    try:
        irc.authentication.begin(irc.hub.owners.prove(irc.person, mechanism))
    except ChatError as refusal:
        if mechanisms := ",".join(irc.hub.owners.mechanisms(irc.person)):
            irc.reply(n.RPL_SASLMECHS, mechanisms, "are what you can use here")
        irc.reply(n.ERR_SASLFAIL, refusal.message)
    else:
        irc.send("AUTHENTICATE", "+", source="")


def _go_on(answer: bytes | None, irc: IrcClient) -> None:
    irc.authentication.busy = False
    if irc.session.state is State.LEFT:
        return
    if answer is not None:
        for piece in pieces(answer):
            irc.send("AUTHENTICATE", piece, source="")
        return
    irc.authentication.end()
    again = irc.session.state is not State.JOINED
    irc.wire(*irc.logged_in(irc.person.account or irc.person.proved, again=again))
    irc.reply(n.RPL_SASLSUCCESS, "You have proved who you are")
    irc.stay()


def _failed(failure: Failure, irc: IrcClient) -> None:
    irc.authentication.busy = False
    irc.authentication.end()
    if irc.session.state is not State.LEFT:
        irc.reply(n.ERR_SASLFAIL, refusal_in(failure).message)


# Becoming somebody.


def _register(irc: IrcClient, message: Message) -> Deferred[None] | None:
    if len(message.params) == 2:
        irc.reply(n.ERR_NEEDMOREPARAMS, "REGISTER", "Send REGISTER * * PASSWORD")
        return None
    typed = len(message.params) == 1  # by people: /register PASSWORD
    if typed:
        name, password = "*", message.params[0]
    else:
        name, password = _shown(message), message.params[2]
    if irc.session.state is not State.JOINED:
        text = "Come in first: an account is made of the nickname that you wear"
        irc.send("FAIL", "REGISTER", "COMPLETE_CONNECTION_REQUIRED", name, text)
        return None
    nick = irc.person.nick
    if name != "*" and fold(name) != fold(nick):
        text = f"An account is made of the nickname that you wear, {nick}"
        irc.send("FAIL", "REGISTER", "ACCOUNT_NAME_MUST_BE_NICK", name, text)
        return None

    def done(_: None) -> None:
        account = irc.person.account
        if account is None:  # removed at this very moment
            return
        text = "Your nickname is registered"
        if typed and not irc.has("draft/account-registration"):  # such clients know no REGISTER
            irc.wire(*irc.notice(text))
        else:
            irc.send("REGISTER", "SUCCESS", account.name, text)
        irc.stay()

    def failed(failure: Failure) -> None:
        refusal = refusal_in(failure)
        code = _FAILURES.get(refusal.code, "TEMPORARILY_UNAVAILABLE")
        irc.send("FAIL", "REGISTER", code, name, refusal.message)

    return irc.hub.owners.register(irc.person, clean(password)).addCallbacks(done, failed)


def _login(irc: IrcClient, message: Message) -> Deferred[None]:
    name, password = parted(clean(" ".join(message.params)), irc.person.nick)
    logged_in = irc.hub.owners.login(irc.person, name, password)
    return logged_in.addCallback(lambda _: irc.stay())


def _verify(irc: IrcClient, message: Message) -> None:
    name, text = _shown(message), "There is nothing to verify: accounts need no address"
    irc.send("FAIL", "VERIFY", "INVALID_CODE", name, text)


def _oper(irc: IrcClient, message: Message) -> Deferred[None]:
    name, password = message.params[0], " ".join(message.params[1:])

    def done(_: None) -> None:
        account = irc.person.account
        if account is None:  # removed at this very moment
            return
        irc.stay()
        if account.role is not Role.ADMIN:
            irc.reply(n.ERR_NOOPERHOST, f"The account {account.name} is no admin's")
            return
        irc.reply(n.RPL_YOUREOPER, "You are an admin now")
        irc.send("MODE", irc.person.nick, "+o")

    def failed(failure: Failure) -> None:
        refusal = refusal_in(failure)
        wrong = refusal.code is not Code.NOT_ALLOWED
        number = n.ERR_PASSWDMISMATCH if wrong else n.ERR_NOOPERHOST
        irc.reply(number, refusal.message)

    return irc.hub.owners.login(irc.person, name, clean(password)).addCallbacks(done, failed)


def _shown(message: Message) -> str:
    """Return the account that a message is about, so that it fits in an answer."""
    return clean(message.params[0])[:MAX_NICK] or "*"


ROWS: Final = (
    Row("AUTHENTICATE", _authenticate, least=1, registered=None),
    Row("LOGIN", _login, least=1),
    Row("REGISTER", _register, least=1, registered=None),
    Row("VERIFY", _verify, least=2, registered=None),
    Row("OPER", _oper, least=2),
)
"""The rows of the table."""
