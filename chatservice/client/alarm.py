"""A call at a later time, of which there is one at most."""

from collections.abc import Callable

from chatservice.interfaces import IClock, ITimer


class Alarm:
    """Calls once, unless it is set anew or called off before.

    :param clock: a reactor.
    """

    def __init__(self, clock: IClock) -> None:
        self._clock = clock
        self._timer: ITimer | None = None

    @property
    def set(self) -> bool:
        """Whether it was set and not called off, even if the call has been made."""
        return self._timer is not None

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call after so many seconds, and not what it was set to before."""
        self.off()
        self._timer = self._clock.callLater(seconds, call)

    def off(self) -> None:
        """Do not call."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
