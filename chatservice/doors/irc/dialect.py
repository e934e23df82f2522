"""Events as IRC messages, encoded once for all who have agreed on the same capabilities.

    alice said hi in #lobby        :alice!~al@irc.example.org PRIVMSG #lobby :hi
    alice joined                   :alice!~al@irc.example.org JOIN #lobby
    alice left the chat            :alice!~al@irc.example.org QUIT :bye

What one person alone is shown otherwise is person.py's. Nobody's address is shown, but a cloak
(presence/cloaks.py).
"""

import re
from base64 import b32encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from chatservice.doors.irc.formatting import ACTED, write_ctcp
from chatservice.doors.irc.letters import ban_mask, mode_change
from chatservice.doors.irc.message import escape, say, write
from chatservice.doors.irc.times import timestamp
from chatservice.events import BAN, CHAT, INVITATION, UNBAN, Event, Kind
from chatservice.hub import Hub
from chatservice.names import is_inbox
from chatservice.people.away import AWAY
from chatservice.people.person import Gone, Person
from chatservice.roles import Role

ACTION: Final = "/me "
"""What begins a private line that is an action, as people type it."""

ASKS: Final = "?"
ANSWERS: Final = "="
"""What begins the text of a sign to one person that is CTCP: a client asks, or answers."""

_SPOKEN: Final = {
    Kind.SAID: "PRIVMSG",
    Kind.ACTED: "PRIVMSG",
    Kind.PRIVATE: "PRIVMSG",
    Kind.REMARKED: "NOTICE",
    Kind.HINTED: "NOTICE",
}
_A_DAY: Final = 20 * 3600.0  # seconds: a time alone would not say which day
_FOR_GOOD: Final = re.compile(r"\S+ banned \S+ for good")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.\-]")


def message_id(event: Event) -> str:
    """Return an id: of what is kept in rooms the room and the number, ``lobby/17``.

    A private line is in two inboxes under two numbers; its id is of what is the same in both. A
    sign has no number.
    """
    if event.kind.kept and not is_inbox(event.room):
        return f"{event.room[1:]}/{event.seq}"
    sign = "" if event.kind.kept else event.aside  # which is not kept
    said = "\n".join((repr(event.at), event.by, event.nick, event.to, event.text, sign))
    digest = blake2b(said.encode(), digest_size=10).digest()
    return f"@{int(event.at * 1000)}-{b32encode(digest).decode().lower()}"


class IrcLines:
    """The dialect of one set of capabilities.

    :param capabilities: those of capabilities.SHAPING that are agreed on.
    :param framed: makes bytes of a line.
    """

    def __init__(
        self,
        hub: Hub,
        server: str,
        capabilities: frozenset[str],
        framed: Callable[[str], bytes],
    ) -> None:
        self._hub = hub
        self._server = server
        self._capabilities = capabilities
        self._framed = framed

    def encode(self, event: Event) -> bytes:
        """Return the event as messages, each with its end."""
        return b"".join(map(self._framed, self.lines(event)))

    def lines(self, event: Event) -> list[str]:
        """Return the event as messages without their ends; none if it is not for this dialect."""
        return [self._tagged(event, line, n) for n, line in enumerate(self._bare(event))]

    def mask(self, nick: str, identity: str = "", worn: str = "") -> str:
        """Return somebody as a message's source: ``nick!~user@host``.

        :param identity: whose nickname that was; "" for whoever wears it.
        :param worn: the nickname worn now, if it is another.
        """
        person = self._wearer(worn or nick, identity)
        wearer: Person | Gone | None = person
        if person is not None:
            identity = person.inbox
        elif identity:  # renamed meanwhile, perhaps, or gone
            gone = [one for one in self._hub.presence.former(nick) if one.by == identity]
            known: list[Person | Gone] = [*self._hub.connections_of(identity), *gone]
            wearer = known[0] if known else None
        host = self._hub.cloaks.of(identity) if identity else self._server
        return f"{nick}!{user_of(wearer)}@{host}"

    def _wearer(self, nick: str, identity: str) -> Person | None:
        wearer = self._hub.parts.nicks.wearer(nick)
        return None if wearer is not None and identity not in ("", wearer.inbox) else wearer

    def _bare(self, event: Event) -> Iterator[str]:
        """Write an event without tags."""
        kind, room, text = event.kind, event.room, event.text
        source = self.mask(event.nick, event.by, text if kind is Kind.RENAMED else "")
        match kind:
            case Kind.SAID | Kind.ACTED | Kind.REMARKED | Kind.PRIVATE | Kind.HINTED:
                yield from self._spoken(event, source)
            case Kind.JOINED:
                yield from self._joined(event, source)
            case Kind.LEFT if event.aside == CHAT:
                yield write("QUIT", text or "Bye", source=source, trailing=True)
            case Kind.LEFT:
                said = [text] if text else []
                yield write("PART", room, *said, source=source, trailing=bool(said))
            case Kind.RENAMED:
                yield write(
                    "NICK", text, source=source, trailing=True
                )  # ii takes it from there alone
            case Kind.KICKED:
                yield write(
                    "KICK", room, event.to, text or event.nick, source=source, trailing=True
                )
            case Kind.TOPIC:
                yield write("TOPIC", room, text, source=source, trailing=True)
            case Kind.MODE:
                yield from self._mode(event, source)
            case Kind.ROLE:
                yield from self._role(event, source)
            case Kind.NOTED:
                yield from self._noted(event, source)
            case Kind.INVITED:
                yield write("INVITE", event.to or "*", text, source=source)
            case _:
                yield from self._agreed(event, source)

    def _agreed(self, event: Event, source: str) -> Iterator[str]:
        """Write what only those want who have asked for it."""
        has = self._capabilities
        match event.kind:
            case Kind.AWAY if "away-notify" in has:
                yield write("AWAY", *([event.aside or AWAY] if event.text else []), source=source)
            case Kind.ACCOUNT:
                yield from self._logged_in(event, source)
            case Kind.DESCRIBED if "setname" in has:
                yield write("SETNAME", event.text, source=source, trailing=True)
            case Kind.TAGGED if "message-tags" in has:
                yield write("TAGMSG", event.room, source=source)
            case Kind.NUDGED if event.text:
                verb = "NOTICE" if event.text.startswith(ANSWERS) else "PRIVMSG"
                said = write_ctcp(event.text[1:])
                yield write(verb, event.to, said, source=source, trailing=True)
            case Kind.NUDGED if "message-tags" in has:
                yield write("TAGMSG", event.to, source=source)
            case _:
                pass

    def _spoken(self, event: Event, source: str) -> Iterator[str]:
        verb, text, acted = _SPOKEN[event.kind], event.text, event.kind is Kind.ACTED
        target = event.to if is_inbox(event.room) else event.room
        if event.kind is Kind.PRIVATE and text.startswith(ACTION):
            text, acted = text.removeprefix(ACTION), True
        if event.past and "server-time" not in self._capabilities:
            text = f"{self._when(event.at)} {text}"
        yield from say(verb, target, text, source=source, frame=ACTED if acted else ("", ""))

    def _when(self, at: float) -> str:
        """Return a time as it stands before a line for clients that know no server-time."""
        form = "[%H:%M]" if self._hub.now() - at < _A_DAY else "[%Y-%m-%d %H:%M]"
        return datetime.fromtimestamp(at, UTC).strftime(form)

    def _joined(self, event: Event, source: str) -> Iterator[str]:
        wearer = self._wearer(event.nick, event.by)
        if "extended-join" in self._capabilities:
            name = wearer.card.name if wearer is not None else ""
            yield write(
                *("JOIN", event.room, self._account(event) or "*", name or event.nick),
                source=source,
                trailing=True,
            )
        else:
            yield write("JOIN", event.room, source=source)
        room = self._hub.rooms.find(event.room)
        if wearer is None or room is None:
            return
        if letters := self._letters(self._hub.rooms.role(wearer, room).label):
            nicks = [event.nick] * len(letters)
            yield write("MODE", event.room, f"+{letters}", *nicks, source=self._server)
        if wearer.away is not None and "away-notify" in self._capabilities:
            why = self._hub.presence.reason(wearer, event.room, wearer.away.text)
            yield write("AWAY", why or AWAY, source=source, trailing=True)

    def _logged_in(self, event: Event, source: str) -> Iterator[str]:
        """Write that somebody goes by another account now, and so by another cloak."""
        mask, _, host = source.partition("@")
        if "chghost" in self._capabilities and event.aside not in ("", host):
            user = mask.partition("!")[2]
            yield write("CHGHOST", user, host, source=f"{mask}@{event.aside}")
        if "account-notify" in self._capabilities:
            yield write("ACCOUNT", event.text or "*", source=source)

    def _mode(self, event: Event, source: str) -> Iterator[str]:
        pairs = (part.partition(" ") for part in event.text.split(", "))
        room = self._hub.rooms.find(event.room)
        key = "" if room is None else room.charter.modes.key
        change, *params = mode_change(((name, value) for name, _, value in pairs), key)
        if change:
            yield write("MODE", event.room, change, *params, source=source)

    def _role(self, event: Event, source: str) -> Iterator[str]:
        before, now = self._letters(event.aside), self._letters(event.text)
        added = "".join(letter for letter in now if letter not in before)
        removed = "".join(letter for letter in before if letter not in now)
        change = (added and f"+{added}") + (removed and f"-{removed}")
        if change:
            nicks = [event.to] * len(added + removed)
            yield write("MODE", event.room, change, *nicks, source=source)
        if event.text == Role.FOUNDER.label:
            text = f"{event.nick} made {event.to} {event.text}"
            yield write("NOTICE", event.room, text, source=self._server, trailing=True)

    def _letters(self, label: str) -> str:
        """Return the letters of a role; whoever sees all prefixes of an op sees that of voice."""
        role = Role[label.upper()] if label.upper() in Role.__members__ else Role.USER
        if role >= Role.OP:
            return "ov" if "multi-prefix" in self._capabilities else "o"
        return "v" if role is Role.VOICE else ""

    def _noted(self, event: Event, source: str) -> Iterator[str]:
        """Write what the server says to a room; what it says of invitations and bans, as IRC does.

        A ban that ends, or has a reason, is told in words as well.
        """
        if event.aside == INVITATION:
            if "invite-notify" in self._capabilities:
                yield write("INVITE", event.to, event.room, source=source)
            return
        if event.aside in (BAN, UNBAN):
            change = "+b" if event.aside == BAN else "-b"
            yield write("MODE", event.room, change, ban_mask(event.to), source=source)
            if event.aside == UNBAN or _FOR_GOOD.fullmatch(event.text):
                return
        yield from say("NOTICE", event.room, event.text, source=self._server)

    def _account(self, event: Event) -> str:
        account = self._hub.accounts.of(event.by)
        return "" if account is None else account.name

    def _tagged(self, event: Event, line: str, piece: int) -> str:
        has, tags = self._capabilities, []
        if event.aside and "message-tags" in has and event.kind in _TAGGED:
            tags.append(event.aside)
        if "server-time" in has:
            tags.append(f"time={timestamp(event.at)}")
        if "account-tag" in has and (account := self._account(event)):
            tags.append(f"account={escape(account)}")
        if "message-tags" in has and event.kind in _TAGGED and not piece:
            tags.append(f"msgid={escape(message_id(event))}")
        return f"@{';'.join(tags)} {line}" if tags else line


_TAGGED: Final = frozenset({*_SPOKEN, Kind.TAGGED, Kind.NUDGED})


def user_of(person: Person | Gone | None) -> str:
    """Return the user name that somebody gave, as far as it fits in a mask; ``~u`` without one."""
    return _user(person.card.user) if person is not None else "~u"


@lru_cache(maxsize=4096)  # asked for each line that is said
def _user(said: str) -> str:
    return f"~{_UNFIT.sub('', said)[:16] or 'u'}"
