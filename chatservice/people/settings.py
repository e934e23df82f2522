"""What a person has set for itself, as one record: what it chooses to see, and how.

What is kept of it with an account is read as if a stranger had written it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from chatservice.names import fold
from chatservice.taste import Bell, Taste

MOST_CHOSEN: Final = 100
"""People that one person may ignore, or focus on."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person has set for itself.

    :ivar ignored: identities of people of whom it wants to see nothing, each with the nickname
        by which it knew them.
    :ivar focus: the same of those who alone are to be seen in rooms; None for everybody.
    :ivar quiet: whether coming, going and renaming are not shown.
    :ivar bell: at what a bell rings.
    :ivar stamped: whether time and number stand before what is said.
    :ivar stamped_here: whether they do on this connection, as programs want it.

    The focus and stamped_here are of one connection; an account keeps the rest.
    """

    ignored: Mapping[str, str] = field(default_factory=dict)
    focus: Mapping[str, str] | None = None
    quiet: bool = False
    bell: Bell = Bell.OFF
    stamped: bool = False
    stamped_here: bool = False

    @property
    def stamps(self) -> bool:
        """Whether time and number stand before what is said, for either reason."""
        return self.stamped or self.stamped_here

    def taste(self, me: str, names: Iterable[str]) -> Taste | None:
        """Return what to show; None for everything, as to people who have set nothing.

        :param me: the person's identity.
        :param names: by which it may be mentioned, as written.
        """
        if not self.ignored and self.focus is None and not self.quiet and self.bell is Bell.OFF:
            return None
        return Taste(
            me,
            frozenset(map(fold, names)),
            frozenset(self.ignored),
            None if self.focus is None else frozenset(self.focus),
            self.quiet,
            self.bell,
        )

    def kept(self, lasting: Callable[[str], object]) -> dict[str, object]:
        """Return what is kept with an account.

        :param lasting: tells of an identity whether it outlives a visit; or why remember it?
        """
        return {
            "ignored": [identity for identity in self.ignored if lasting(identity)],
            "quiet": self.quiet,
            "bell": self.bell.value,
            "time": self.stamped,
        }


NOTHING_SET: Final = Settings()
"""What nearly everybody has set."""


def read_settings(
    kept: Mapping[str, object], name: Callable[[str], str | None], present: Settings = NOTHING_SET
) -> Settings:
    """Return settings as they were kept; what is none of ours, or not usable, is left out.

    :param kept: the settings of an account.
    :param name: returns what somebody of an identity is called; None if there is nobody.
    :param present: what holds for what is not kept; who is ignored at present stays so.
    """
    kept = kept if isinstance(kept, Mapping) else {}
    quiet, bell, stamped = kept.get("quiet"), kept.get("bell"), kept.get("time")
    ignored = _people(kept.get("ignored"), name) | dict(present.ignored)
    return Settings(
        dict(list(ignored.items())[:MOST_CHOSEN]),
        present.focus,
        quiet if isinstance(quiet, bool) else present.quiet,
        Bell(bell) if isinstance(bell, str) and bell in list(Bell) else present.bell,
        stamped if isinstance(stamped, bool) else present.stamped,
        present.stamped_here,
    )


def _people(kept: object, name: Callable[[str], str | None]) -> dict[str, str]:
    """Return those whom there still is, by identity."""
    if not isinstance(kept, list):
        return {}
    names = {one: name(one) for one in kept[:MOST_CHOSEN] if isinstance(one, str)}
    return {identity: known for identity, known in names.items() if known is not None}
