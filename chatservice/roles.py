"""Who stands where: roles, from guest to admin."""

from enum import IntEnum


class Role(IntEnum):
    """What somebody is in a room; higher ranks may do all that lower ones may.

    GUEST and USER are what somebody is anywhere, ADMIN is one everywhere; the others are given in
    one room. The lobby stands for the chat as a whole: an op there is an op of the chat.
    """

    GUEST = 0  # has no account, or did not prove it
    USER = 1  # is logged in to an account
    VOICE = 2  # may speak in a moderated room
    OP = 3  # keeps order
    FOUNDER = 4  # made the room
    ADMIN = 5  # runs the server

    @property
    def label(self) -> str:
        """What it is called."""
        return self.name.lower()
