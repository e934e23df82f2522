"""A row of the table of verbs; knows no verb."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.message import Message

Handler = Callable[[IrcClient, Message], Deferred[None] | None]

ANY: Final = 1_000
"""As Row.asks: it is a question with however many params."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    :ivar verb: in upper case.
    :ivar handler: called with the client and the message; raises ChatError for what is refused.
    :ivar least: params that must be there, and not be empty.
    :ivar registered: whether the client must be in (True), must not be (False), or either (None).
    :ivar cost: whether it counts for the rate.
    :ivar asks: the most params with which it changes nothing, and is said to nobody: then it
        counts for the rate of questions.
    """

    verb: str
    handler: Handler
    least: int = 0
    registered: bool | None = True
    cost: bool = True
    asks: int = -1
