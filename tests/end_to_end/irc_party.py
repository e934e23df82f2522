"""People who meet in one chat by IRC, with nc and with a browser."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.end_to_end.browser import Visitor, Visits
from tests.end_to_end.harness import Program
from tests.end_to_end.irc import IrcChat
from tests.end_to_end.irc_clients import Client, Ii, WeeChat
from tests.end_to_end.irssi import Irssi

LOBBY: Final = "#lobby"
DEV: Final = "#dev"
CLIENTS: Final[dict[str, Callable[..., Client]]] = {"ii": Ii, "weechat": WeeChat, "irssi": Irssi}


class Party:
    """Who meets in a chat: alice with nc, bob with a browser, and others with an IRC client.

    :param client: with which.
    """

    def __init__(
        self, home: Path, client: Callable[..., Client], visits: Visits, stack: ExitStack
    ) -> None:
        self.home = home
        self._client = client
        self._visits = visits
        self.stack = stack
        self.chat = stack.enter_context(IrcChat(home, "--no-limits", "--backlog", "20"))

    def nc(self, nick: str, *lines: str) -> Program:
        """Join with nc and type some lines."""
        return self.stack.enter_context(self.chat.nc(nick, *lines))

    def page(self, nick: str) -> Visitor:
        """Join with a browser."""
        return self._visits(nick, url=self.chat.url)

    def irc(self, nick: str = "carol", port: int = 0, **options: str) -> Client:
        """Join with an IRC client.

        :param port: what it connects to, if not to the chat itself.
        """
        home = self.home / f"{nick}-{len(list(self.home.iterdir()))}"
        client = self._client(home, port or self.chat.irc, nick, **options)
        return self.stack.enter_context(client)

    def restart(self) -> None:
        """Kill the server, and start it anew where it was."""
        self.chat.kill()
        again = IrcChat(self.home, "--no-limits", "--backlog", "20", again=self.chat)
        self.chat = self.stack.enter_context(again)
