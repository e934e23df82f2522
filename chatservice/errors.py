"""What can go wrong for a person, once for all doors.

Every refusal is a ChatError with a stable code and a message that says what to do next.
A door turns it into its own wire's error; nothing here knows of wires.
"""

from enum import StrEnum


class Code(StrEnum):
    """The stable names of refusals, for programs; docs/protocol.md lists them."""

    NICK_EMPTY = "nick-empty"
    NICK_INVALID = "nick-invalid"
    NICK_RESERVED = "nick-reserved"
    NICK_TAKEN = "nick-taken"
    NICK_TIMEOUT = "nick-timeout"
    NICK_TRIES = "nick-tries"
    BAD_TOKEN = "bad-token"  # noqa: S105
    NO_SUCH_NICK = "no-such-nick"
    NO_SUCH_ROOM = "no-such-room"
    ROOM_INVALID = "room-invalid"
    LAST_ROOM = "last-room"
    TOO_MANY_ROOMS = "too-many-rooms"
    UNKNOWN_COMMAND = "unknown-command"
    BAD_ARGUMENTS = "bad-arguments"
    BAD_REQUEST = "bad-request"
    LINE_TOO_LONG = "line-too-long"
    TOO_FAST = "too-fast"
    FLOODING = "flooding"
    TOO_MANY_CONNECTIONS = "too-many-connections"
    NOT_ALLOWED = "not-allowed"
    OUTRANKED = "outranked"
    BANNED = "banned"
    MUTED = "muted"
    MODERATED = "moderated"
    SLOW_MODE = "slow-mode"
    INVITE_ONLY = "invite-only"
    BAD_KEY = "bad-key"
    ROOM_FULL = "room-full"
    NEEDS_ENCRYPTION = "needs-encryption"
    KICKED = "kicked"
    NO_SUCH_SANCTION = "no-such-sanction"
    NICK_REGISTERED = "nick-registered"
    BAD_PASSWORD = "bad-password"  # noqa: S105
    LOGIN_NEEDED = "login-needed"
    TOO_MANY_TRIES = "too-many-tries"
    TOO_MUCH = "too-much"
    BUSY = "busy"
    NOT_STORED = "not-stored"
    NOT_READ = "not-read"
    TOKEN_NEEDED = "token-needed"  # noqa: S105
    KEY_REUSED = "key-reused"
    NO_SUCH_PATH = "no-such-path"
    NO_SUCH_METHOD = "no-such-method"
    UNKNOWN_TYPE = "unknown-type"
    CLOSING = "closing"
    INTERNAL = "internal"


class ChatError(Exception):
    """A refusal that a person is shown.

    :param code: the stable name of the reason.
    :param message: one sentence, saying what to do next where there is something to do.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NickRefused(ChatError):
    """A nickname that cannot be worn; the person may offer another."""


class TooFast(ChatError):
    """A line over the allowed rate: it was not accepted and may be sent again later.

    :param wait: after how many seconds.
    """

    def __init__(self, code: Code, message: str, wait: float) -> None:
        super().__init__(code, message)
        self.wait = wait


class Expelled(ChatError):
    """A refusal that ends the connection."""
