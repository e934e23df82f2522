"""Answers with the label of what they answer (ircv3.net/specs/extensions/labeled-response).

While a labelled message is being answered, what is for that client alone is collected; at its end
it goes out: one line with the label, several as a batch, none as ACK. Where it begins and ends are
answers themselves: what was asked for before may still be on its way when a message is taken.
"""

from collections.abc import Sequence
from typing import Final

from chatservice.doors.irc.message import tag, write

MAX_LABEL: Final = 64
"""Characters of a label at most, by the specification."""

LABEL: Final = "label"
"""As Event.aside of Kind.WIRE: from here on answers carry the label text; ``to`` is the request."""


_NOTHING: Final[list[str]] = []  # shared, and not added to: nothing is taken before begin


class Labels:
    """The labelled message of one client that is being answered, if any.

    :param server: the server's name.
    """

    __slots__ = ("_count", "_label", "_lines", "_request", "_server")

    def __init__(self, server: str) -> None:
        self._server = server
        self._count = 0
        self._label = ""
        self._request = ""
        self._lines = _NOTHING

    @property
    def open(self) -> bool:
        """Whether answers are being collected."""
        return self._label != ""

    def begin(self, label: str, request: str) -> None:
        """Collect what answers a message from here on.

        :param request: the core's name for it, which its end carries.
        """
        self._label, self._request, self._lines = label, request, []

    def take(self, lines: Sequence[str]) -> None:
        """Take lines that are for this client alone."""
        self._lines += lines

    def end(self, request: str) -> list[str]:
        """Return all that was collected, as it goes out; nothing if another message ends."""
        if not self._label or request != self._request:
            return []
        label, lines = self._label, self._lines
        self._label, self._request, self._lines = "", "", _NOTHING
        if not lines:
            return [tag(write("ACK", source=self._server), "label", label)]
        if len(lines) == 1:
            return [tag(lines[0], "label", label)]
        if _is_one_batch(lines):
            return [tag(lines[0], "label", label), *lines[1:]]
        opening, *rest = self.batched("labeled-response", lines)
        return [tag(opening, "label", label), *rest]

    def batched(self, kind: str, lines: Sequence[str], *params: str) -> list[str]:
        """Return lines as a batch (ircv3.net/specs/extensions/batch).

        :param params: what stands behind the batch's type.
        """
        self._count += 1
        name = f"b{self._count}"
        inside = [line if _in_batch(line) else tag(line, "batch", name) for line in lines]
        return [
            write("BATCH", f"+{name}", kind, *params, source=self._server),
            *inside,
            write("BATCH", f"-{name}", source=self._server),
        ]


def _in_batch(line: str) -> bool:
    """Tell whether a line belongs to a batch within."""
    if line.startswith("@"):
        tags, _, line = line[1:].partition(" ")
        if any(one.startswith("batch=") for one in tags.split(";")):
            return True
    return line.split(" ", 2)[1:2] == ["BATCH"] and " BATCH -" in line


def _is_one_batch(lines: Sequence[str]) -> bool:
    """Tell whether lines are one batch already, which needs no other around it."""
    _, verb, name, *_ = [*lines[0].split(" ", 3), "", ""]
    return verb == "BATCH" and lines[-1].endswith(f" BATCH -{name.removeprefix('+')}")
