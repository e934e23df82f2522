"""One client that says something: its messages, done one after another, at its rate.

What is said on coming in is entrance.py's, what a verb does commands/'s. Who is too fast is not
read for a while; who wants its answers under a label gets them so (labels.py).
"""

from typing import Final

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands import Row, find
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.labels import LABEL, MAX_LABEL
from chatservice.doors.irc.message import (
    BadLine,
    Message,
    NotUtf8,
    TooLong,
    parse,
)
from chatservice.doors.irc.refusals import refusal_in
from chatservice.errors import ChatError, Expelled
from chatservice.events import Event, Kind
from chatservice.limits import TokenBucket
from chatservice.session import State

ASKED: Final = 8
"""Questions that a client may ask for each line that it may say."""

MOST_UNREGISTERED: Final = 100
"""Messages that a client may send before it is in."""


def _too_long(irc: IrcClient, message: Message) -> None:
    irc.reply(n.ERR_INPUTTOOLONG, "That line is too long: make it shorter")


def _not_utf8(irc: IrcClient, message: Message) -> None:
    text = "That is not UTF-8 and was not taken"
    irc.fail(message.command or "*", "INVALID_UTF8", text)


TOO_LONG: Final = Row("", _too_long, registered=None)
NOT_UTF8: Final = Row("", _not_utf8, registered=None)
"""What is done instead of what a line asks for that cannot be taken."""


class IrcSpeaker(IrcClient):
    """Takes messages and does what they ask for, one after another."""

    _said = 0  # before it is in
    _questions: TokenBucket | None = None

    def take(self, line: bytes) -> None:
        """Take one message as it came, without its end."""
        if not line.strip():
            return
        try:
            message = parse(line)
        except TooLong as bad:
            self.do(Message(bad.command, tags=bad.tags), TOO_LONG)
        except NotUtf8 as bad:
            self.do(Message(bad.command, tags=bad.tags), NOT_UTF8)
        except BadLine:
            pass
        else:
            self.do(message, find(message.command))

    def do(self, message: Message, row: Row) -> None:
        """Do what a message asks for, when its time has come."""
        if self.session.state is not State.JOINED:
            self._do_before(row, message)
        elif (wait := self._price(row, message)) > 0.0 and self.hub.clock is not None:
            self.hold("rate")
            self.hub.clock.callLater(wait, self._again, message, row)
        else:
            self._do_now(row, message)

    def _do_now(self, row: Row, message: Message) -> None:
        label = message.tags.get("label", "") if self.has("labeled-response") else ""
        if label and len(label) <= MAX_LABEL:
            self.session.do(self._labelled, row, message, label, free=True, patient=True)
        else:
            self.session.do(self._run, row, message, free=True, patient=True)
        self.wait_for_session()

    def _do_before(self, row: Row, message: Message) -> None:
        """Do what a message asks for that comes before its sender is in."""
        self._said += 1
        if self._said > MOST_UNREGISTERED:
            self.abort()
        elif self.session.state is State.CONNECTED:
            pending = self._run(row, message)
            if pending is not None and not pending.called:  # what comes next may hang on it
                self.hold("pending")
                pending.addBoth(lambda _: self.release("pending"))

    def _price(self, row: Row, message: Message) -> float:
        """Account for a message; who is too fast is not read for a while, rather than refused.

        Clients that come in ask several questions about each room at once; these have a rate of
        their own, or the first line would have to wait for them.

        :returns: after how many seconds it can be done, if not now.
        """
        quota = self.person.quota
        if quota is None or not row.cost:
            return 0.0
        if len(message.params) > row.asks:
            return quota.delay()
        if self._questions is None:
            limits, seconds = self.hub.limits, self.hub.parts.seconds
            self._questions = TokenBucket(ASKED * limits.burst, ASKED * limits.rate, seconds)
        if not (wait := self._questions.wait()):
            self._questions.take()
        return wait

    def _again(self, message: Message, row: Row) -> None:
        """Do what had to wait; it may have to wait once more, and is not read past until then."""
        self._held -= {"rate"}
        if self.session.state is State.JOINED:
            self.do(message, row)
        if "rate" not in self._held:
            self._held |= {"rate"}
            self.release("rate")

    def _labelled(self, row: Row, message: Message, label: str) -> Deferred[None]:
        """Do something whose answers carry a label: behind all that is still to be answered."""
        person = self.person

        def begin(_: object) -> Deferred[None]:
            self._requests += 1
            person.request = str(self._requests)
            now, request = self.hub.now(), person.request
            opening = Event(0, now, "", Kind.WIRE, "", label, to=request, aside=LABEL)
            self.hub.answer(person, opening)
            done: Deferred[object] = maybeDeferred(self._run, row, message)
            return done.addBoth(end)

        def end(result: object) -> Deferred[None]:  # also of what went wrong: all would wait for it
            def go_on(_: None) -> None:
                if isinstance(result, Failure):
                    result.raiseException()

            return self.hub.complete(person).addCallback(go_on)

        return self.hub.complete(person).addCallback(begin)

    _requests = 0

    def _run(self, row: Row, message: Message) -> Deferred[None] | None:
        """Do it; a refusal is told as what it answers."""
        if not self._fits(row, message):
            return None
        try:
            pending = row.handler(self, message)
        except Expelled:
            raise
        except ChatError as refusal:
            self.refuse(refusal, message)
            return None
        if pending is not None:
            pending.addErrback(self._told, message)
        return pending

    def _fits(self, row: Row, message: Message) -> bool:
        registered = self.session.state is State.JOINED
        if row.registered is True and not registered:
            self.reply(n.ERR_NOTREGISTERED, "Register first: send NICK and USER")
        elif row.registered is False and registered:
            self.reply(n.ERR_ALREADYREGISTERED, "You are in already")
        elif len(message.params) < row.least or "" in message.params[: row.least]:
            self.reply(n.ERR_NEEDMOREPARAMS, message.command, "Not enough parameters")
        else:
            return True
        return False

    def _told(self, failure: Failure, message: Message) -> None:
        self.refuse(refusal_in(failure), message)
