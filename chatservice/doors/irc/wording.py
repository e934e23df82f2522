"""What the chat says to people, in words for who sits at an IRC client.

Such a client keeps lines with a slash for itself: it sends those it knows in words of IRC, and what
it does not know only behind ``/quote``.
"""

import re
from typing import Final

from chatservice.commands.table import BY_NAME

CLIENTS_OWN: Final = frozenset(
    (
        *("away", "ban", "help", "ignore", "invite", "join", "kick", "list", "me", "mode", "msg"),
        *("names", "nick", "part", "query", "quit", "topic", "unban", "who", "whois"),
    )
)
"""What every client knows, and sends so that it means the same."""

_TYPED: Final = re.compile(r"(?<![\w/#@.:~-])/([a-z]+)\b(?!/)")


def by_quote(text: str) -> str:
    """Return a text with the chat's commands as one types them at an IRC client."""

    def typed(found: re.Match[str]) -> str:
        name = found[1]
        return f"/quote {name}" if name in BY_NAME and name not in CLIENTS_OWN else found[0]

    return _TYPED.sub(typed, text) if "/" in text else text
