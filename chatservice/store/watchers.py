"""Who learns of records, whatever the store; and what becomes of a change that goes wrong."""

from collections.abc import Callable

from twisted.logger import Logger
from twisted.python.failure import Failure

from chatservice.errors import ChatError, Code
from chatservice.interfaces import Value

Learn = Callable[[str, Value | None], None]


class Watchers:
    """Those who keep records of a kind in memory."""

    _log = Logger()

    def __init__(self) -> None:
        self._watchers: dict[str, list[Learn]] = {}

    def add(self, kind: str, learn: Learn) -> None:
        """Tell somebody of a kind from now on."""
        self._watchers.setdefault(kind, []).append(learn)

    def of(self, kind: str) -> tuple[Learn, ...]:
        """Return those who learn of a kind."""
        return tuple(self._watchers.get(kind, ()))

    def tell(self, kind: str, key: str, value: Value | None) -> None:
        """Tell of a change. If somebody cannot take it, the others do."""
        for learn in self.of(kind):
            try:
                learn(key, value)
            except Exception:
                self._log.failure(
                    "{learn} failed with the {kind} {key!r}", learn=learn, kind=kind, key=key
                )

    def refusal(self, kind: str, key: str, error: Exception) -> ChatError:
        """Return what whoever wanted a change is told of an error, which is ours if it is none
        that people are to see."""
        if isinstance(error, ChatError):
            return error
        failure = Failure(error, type(error), error.__traceback__)
        self._log.failure("no change of the {kind} {key!r}", failure, kind=kind, key=key)
        return ChatError(Code.INTERNAL, "That went wrong here, not with you: nothing has changed.")
