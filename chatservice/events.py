"""What happens in a room, as records: the one currency between the core and the doors."""

from enum import Enum
from typing import Final, NamedTuple

TEXT: Final = "text"
JSON: Final = "JSON"
"""What the lines of one connection can be; the text of Kind.HELLO."""


class Kind(Enum):
    """What an event is; ``nick`` and ``text`` of the event mean what stands beside each kind.

    Value: (name, kept). Kept events are stored and numbered; the others are ordered among them
    for those who are present, carry the number of the kept event before them, and are not stored.
    """

    SAID = ("said", True)  # nick said text
    ACTED = ("acted", True)  # nick did text (/me)
    REMARKED = ("remarked", True)  # nick said text, which no program should answer
    PRIVATE = ("private", True)  # nick said text to one person alone
    HINTED = ("hinted", True)  # the same, which no program should answer
    JOINED = ("joined", False)  # nick came in
    LEFT = ("left", False)  # nick went out, perhaps with the last word text
    RENAMED = ("renamed", False)  # nick is now called text
    KICKED = ("kicked", False)  # nick threw to out, for the reason text
    TOPIC = ("topic", False)  # nick made text the topic; "" for none
    MODE = ("mode", False)  # nick set a mode of the room: text is its name and value
    ROLE = ("role", False)  # nick gave to the role text
    NOTED = ("noted", False)  # the server says text to the room; some are about to, see aside
    AWAY = ("away", False)  # nick is away, or back: text is "away" or ""
    ACCOUNT = ("account", False)  # nick is logged in to the account text; "" for none any more
    DESCRIBED = ("described", False)  # nick says that its real name is text
    TAGGED = ("tagged", False)  # nick gives the room a sign: see aside
    NUDGED = ("nudged", False)  # the same to one person alone

    RECORDED = ("recorded", True)  # nick did text, in a log of its own (names.audit_log)

    # Answers to one member; these are in no room and never pass through the log.
    PROMPT = ("prompt", False)  # give a nickname
    WELCOME = ("welcome", False)  # you are in, as nick
    SWITCHED = ("switched", False)  # you are in the room text now, at first in the lobby
    INVITED = ("invited", False)  # nick invites you to the room text
    NOTICE = ("notice", False)  # the server says text
    ERROR = ("error", False)  # text says what was refused and why; nick is the Code
    RESUME = ("resume", False)  # come back as nick with text: a token and what has been read
    HELLO = ("hello", False)  # from here on lines are as text says: TEXT or JSON
    DONE = ("done", False)  # a program's request is done; to is the door's name for it
    GAP = ("gap", False)  # what is not kept was not told, of the room text up to here
    WIRE = ("wire", False)  # what a door says to its own in words of its own: text

    # Answers to programs, which people get as text.
    ROOM = ("room", False)  # a room: seq people are in it, text is the topic, to one's role or ""
    MEMBER = ("member", False)  # nick is in the room, with the role to; text: see Presence
    COMMAND = ("command", False)  # what one may type: nick is the name, to the usage, text the help
    MAY = ("may", False)  # what one may do to nick in the room: text names commands

    def __init__(self, label: str, kept: bool) -> None:
        self.label = label
        self.kept = kept


FOR_PROGRAMS: Final = (
    *(Kind.AWAY, Kind.ACCOUNT, Kind.DESCRIBED, Kind.TAGGED, Kind.NUDGED, Kind.GAP),
    *(Kind.ROOM, Kind.MEMBER, Kind.COMMAND, Kind.MAY),
)
"""What is not for people who read lines."""

SPEAKING: Final = (Kind.SAID, Kind.ACTED, Kind.REMARKED)
"""What people say in rooms."""

WHISPERING: Final = (Kind.PRIVATE, Kind.HINTED)
"""What people say to one other."""

EVERYWHERE: Final = frozenset({Kind.RENAMED, Kind.AWAY, Kind.ACCOUNT, Kind.DESCRIBED})
"""What one does in all one's rooms at once; so does who leaves the chat."""

LOGIN: Final = "login"
"""As Event.aside of what somebody is told because it is logged in from then on, or no more."""

AROUND: Final = "past"
"""As Event.aside of the notice that only says of lines before it that they are from the past."""

FOUND: Final = "found"
"""As Event.aside of the notice that stands before lines that were found, for some of which a door
has no place where they were said.
"""

ABOUT: Final = "topic"
"""As Event.aside of the notice that tells the topic of a room to who comes in."""

INVITATION: Final = "invitation"
"""As Event.aside of the note that tells a room who was invited: to."""

BAN: Final = "ban"
UNBAN: Final = "unban"
"""As Event.aside of the notes that tell a room whom a ban means, or meant: to, as it was named."""

CHAT: Final = "chat"
"""As Event.aside of who leaves not only a room."""

NAMING: Final = (Kind.JOINED, Kind.LEFT, Kind.KICKED)
"""What is about a room, which is named where it is told; in the lobby it is about the chat."""


class Event(NamedTuple):
    """One thing that happened. A tuple: two are made for every line that is said.

    :ivar seq: the number in the room's log, dense from 1; 0 until the log has it, and in answers;
        of Kind.DONE that of what was said, if anything was; of a notice behind lines from the past
        the number before which there may be more.
    :ivar at: wall-clock time, seconds since 1970 (UTC).
    :ivar room: the room's name, or an inbox's (see names.inbox); "" for an answer.
    :ivar kind: see Kind, also for what nick and text mean.
    :ivar nick: the acting person's nickname as written at the time.
    :ivar text: clean text (see text.clean), one line.
    :ivar to: the nickname to which something private was said; in a refusal of a program's request
        the door's name for that.
    :ivar by: the identity that acted, which outlives nicknames; never shown.
    :ivar past: whether it is told again, as something from before.
    :ivar aside: what few doors show, and no log keeps: of what is said or signalled the client's
        own tags (IRCv3 message-tags, as on the wire); of a role the one before; of an account the
        cloak before; of who is away the reason; of who left CHAT if it left all of it; of a notice
        or note what it is about, for some.
    :ivar lobby: for NAMING kinds, whether the room is the lobby: then it is about the chat itself.
    """

    seq: int
    at: float
    room: str
    kind: Kind
    nick: str
    text: str = ""
    to: str = ""
    by: str = ""
    past: bool = False
    lobby: bool = False
    aside: str = ""

    def numbered(self, seq: int) -> "Event":
        """This event with its place in the log."""
        return Event._make((seq, *self[1:]))

    @property
    def everywhere(self) -> bool:
        """Whether it happens in all of somebody's rooms at once."""
        return self.kind in EVERYWHERE or (self.kind is Kind.LEFT and self.aside == CHAT)

    def retold(self) -> "Event":
        """This event as one from before."""
        return self._replace(past=True)
