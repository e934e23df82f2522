"""What clients ask of the server: MOTD, LUSERS, VERSION."""

from typing import TYPE_CHECKING, Final

import chatservice
from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.greeting import lusers, motd
from chatservice.doors.irc.message import Message

if TYPE_CHECKING:
    from chatservice.doors.irc.protocol import IrcSpeaker


def _motd(irc: "IrcSpeaker", message: Message) -> None:
    irc.wire(*motd(irc))


def _lusers(irc: "IrcSpeaker", message: Message) -> None:
    irc.wire(*lusers(irc))


def _version(irc: "IrcSpeaker", message: Message) -> None:
    irc.reply(n.RPL_VERSION, f"chatservice-{chatservice.__version__}", irc.server, "One chat")


ROWS: Final = (
    Row("MOTD", _motd),
    Row("LUSERS", _lusers),
    Row("VERSION", _version),
)
"""The rows of the table."""
