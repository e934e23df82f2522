"""Lines of the past that a client is told without asking for them in IRC's words.

    S: :irc.example.org BATCH +b1 chathistory #lobby
    S: @batch=b1;time=...;msgid=lobby/17 :alice!~al@irc.example.org PRIVMSG #lobby :hi
    S: :irc.example.org BATCH -b1

That is what somebody is told on coming in, what it has missed, and what /history shows: each line
where it was said. What was found by /search would be lost there, and is told as notices.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from chatservice.doors.irc.voice import IrcVoice
from chatservice.events import FOUND, SPEAKING, WHISPERING, Event
from chatservice.plain import render

_SAID: Final = frozenset({*SPEAKING, *WHISPERING})


def retold(irc: IrcVoice, events: Sequence[Event]) -> Iterator[tuple[list[str], Sequence[Event]]]:
    """Go through answers of which some are lines of the past.

    Yields these as lines, and then the others that follow, as they are.
    """
    found = any(event.aside == FOUND for event in events)
    for target, run in groupby(events, key=lambda event: _target(irc, event)):
        if not target:
            yield [], [*run]
        elif found:
            shown = (irc.notice(render(event, elsewhere=True)) for event in run)
            yield [line for lines in shown for line in lines], ()
        else:
            lines = [line for event in run for line in _lines(irc, event)]
            yield irc.batched("chathistory", lines, target), ()


def _target(irc: IrcVoice, event: Event) -> str:
    """Return where a line of the past was said, for this client; "" if it is none."""
    if not event.past or event.kind not in _SAID:
        return ""
    if event.kind in SPEAKING:
        return event.room
    return event.to if event.by == irc.person.inbox else event.nick


def _lines(irc: IrcVoice, event: Event) -> list[str]:
    """Return a line of the past as messages.

    What somebody said to one other itself, a client must know how to show: it would take that for
    something said to it.
    """
    own = event.kind in WHISPERING and event.by == irc.person.inbox
    if own and not (irc.has("batch") or irc.has("echo-message")):
        return irc.notice(render(event))
    return irc.lines.lines(event)
