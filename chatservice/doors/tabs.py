"""Tabs of a browser: who may come back to a place after a reload or a lost connection.

    C: {"do":"nick","id":1,"nick":"alice","tab":"TAB"}
    C: {"do":"return","id":1,"nick":"alice","tab":"TAB","read":{"#lobby":17,"@":3}}

A tab is known by a random word of its own, which is no secret, together with the browser's cookie,
which no script can read. The token of resume.py is made of both, and never leaves the server.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

from chatservice.objects import BadRequest, Request
from chatservice.resume import OWN, new_token
from chatservice.text import clean

COOKIE: Final = "chat"
"""The name of the cookie by which a browser is known again."""

NICK: Final = '{"do": "nick", "nick": "alice"}'
"""The first request of all, for who needs an example."""

_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_TAB: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ROOM: Final = re.compile(rf"{OWN}|#\S{{1,100}}")
_LAST: Final = 10**18


def new_cookie() -> str:
    """Return the value of a cookie that nobody can guess: 256 bits."""
    return secrets.token_urlsafe(32)


def read_cookie(header: str, called: str = COOKIE) -> str:
    """Return the value of our cookie from a Cookie header (RFC 6265, 4.2.1).

    "" if there is none, if it is not as new_cookie makes them, or if there are several: a browser
    that was tricked into a second one must not have it chosen by order.

    :param called: the cookie's name.
    """
    found = [
        value.strip()
        for name, _, value in (pair.partition("=") for pair in header.split(";"))
        if name.strip() == called
    ]
    return found[0] if len(found) == 1 and _COOKIE.fullmatch(found[0]) else ""


def token_of(cookie: str, tab: str) -> str:
    """Return the token with which a tab may come back.

    :param cookie: its browser's.
    """
    mac = hmac.digest(cookie.encode(), f"chat tab {tab}".encode(), hashlib.sha256)
    return "~" + base64.urlsafe_b64encode(mac[:16]).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a first request says.

    :ivar claim: what is offered for a nickname.
    :ivar token: with which the person may come back later; "" for not at all.
    """

    claim: str
    token: str


def read_opening(request: Request, cookie: str) -> Opening:
    """Return what somebody says who has no nickname yet.

    :param cookie: its browser's; "" for none. Without it nobody can return.
    :raises BadRequest: with the reason.
    """
    nick, tab = request.fields.get("nick"), request.fields.get("tab")
    if request.do not in ("nick", "return") or not isinstance(nick, str):
        raise BadRequest(f"Give a nickname first: {NICK}.")
    if tab is not None and not (isinstance(tab, str) and _TAB.fullmatch(tab)):
        raise BadRequest('A "tab" is 1 to 64 of A-Z a-z 0-9 _ and -.')
    if request.do == "nick":
        return Opening(clean(nick), token_of(cookie, tab) if cookie and tab else "")
    if tab is None or not nick or nick.split() != [nick]:
        raise BadRequest('Who returns gives "tab" and "nick", and no password.')
    # Who has no cookie is refused as others are whose token is not known, at the same expense.
    token = token_of(cookie, tab) if cookie else new_token()
    words = [clean(nick), token, *_positions(request.fields.get("read"))]
    return Opening(" ".join(words), token)


def _positions(read: object) -> list[str]:
    """Return positions as parse_offer reads them.

    :raises BadRequest: if they are none.
    """
    if read is None:
        return []
    if not isinstance(read, dict):
        raise BadRequest('"read" is an object of rooms and numbers, like {"#lobby": 17, "@": 3}.')
    words: list[str] = []
    for room, seq in read.items():
        if not (_ROOM.fullmatch(room) and type(seq) is int and 0 <= seq < _LAST):
            raise BadRequest('"read" has rooms and numbers, like {"#lobby": 17, "@": 3}.')
        words.append(f"{room}:{seq}")
    return words
