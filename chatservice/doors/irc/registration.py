"""How somebody comes in by IRC: what must have been said, in whatever order (RFC 2812, 3.1).

    NICK and USER, each at least once; CAP END if capabilities are negotiated; nothing is asked.

A state and a step make the next state; what is not in the table changes nothing.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from chatservice.people.person import NO_CARD, Card


class Stage(Enum):
    """Where a connection stands on its way in."""

    SILENT = auto()  # neither nickname nor user
    NAMED = auto()  # a nickname, no user yet
    CARDED = auto()  # a user, no nickname yet
    READY = auto()  # both: may be let in, unless it negotiates


class Step(Enum):
    """What moves it."""

    NICK = auto()
    USER = auto()
    REFUSED = auto()  # the nickname was: another must be given


STEPS: Final = {
    (Stage.SILENT, Step.NICK): Stage.NAMED,
    (Stage.SILENT, Step.USER): Stage.CARDED,
    (Stage.NAMED, Step.USER): Stage.READY,
    (Stage.CARDED, Step.NICK): Stage.READY,
    (Stage.READY, Step.REFUSED): Stage.CARDED,
}
"""Every step that changes something."""


@dataclass(slots=True)
class Registration:
    """What one client has said so far.

    :ivar nick: the nickname that it offers.
    :ivar password: what it gave by PASS, "" for nothing.
    """

    stage: Stage = Stage.SILENT
    nick: str = ""
    password: str = ""
    card: Card = NO_CARD

    def take(self, step: Step) -> None:
        """Go on by a step."""
        self.stage = STEPS.get((self.stage, step), self.stage)

    @property
    def ready(self) -> bool:
        """Whether nickname and user are known."""
        return self.stage is Stage.READY
