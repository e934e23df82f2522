"""Verbs that IRC does not know, but people here type with a slash: /quote search fish."""

from typing import Final

from chatservice.commands import find, perform
from chatservice.doors.irc import numerics as n
from chatservice.doors.irc.commands.row import Row
from chatservice.doors.irc.entrance import IrcClient
from chatservice.doors.irc.message import Message
from chatservice.errors import ChatError
from chatservice.text import clean


def _typed(irc: IrcClient, message: Message) -> None:
    try:
        command = find(message.command)
    except ChatError:
        text = "There is no such command: /quote HELP tells what there is"
        irc.reply(n.ERR_UNKNOWNCOMMAND, message.command, text)
        return
    line = " ".join([f"/{command.name}", *message.params])
    perform(irc.session, clean(line))


ROW: Final = Row("", _typed)
"""The row of whatever has none."""
