"""What people type to choose what they see of others, and what rings a bell."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from twisted.internet.defer import Deferred

from chatservice.commands.command import NICK, Argument, Command
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.hub import Hub
from chatservice.names import MAX_NICK, fold
from chatservice.people.settings import MOST_CHOSEN, Settings
from chatservice.session import Session
from chatservice.taste import Bell

_BELLS: Final = {
    Bell.OFF: "No more bells.",
    Bell.MENTIONS: "A bell rings when somebody says your name, or something to you alone.",
    Bell.ALL: "A bell rings at whatever others say.",
}
_EVERYBODY: Final = "You see everybody: /focus NICK to see in rooms only what somebody says."
_NOBODY: Final = "You ignore nobody: /ignore NICK to see nothing of somebody."


# Whom to see.


def _ignore(session: Session, nick: str) -> Deferred[None] | None:
    hub, person = session.hub, session.person
    ignored = person.settings.ignored
    if not nick:
        names = _named(hub, ignored)
        hub.tell(person, Kind.NOTICE, *_lines(f"You ignore {names}." if names else _NOBODY))
        return None
    identity, name = _known(hub, nick)
    if identity == person.inbox:
        raise ChatError(Code.BAD_ARGUMENTS, "That is you: name somebody else, see /who.")
    if identity not in ignored and len(ignored) >= MOST_CHOSEN:
        ignored = _remaining(hub, ignored)
    guest = "" if hub.accounts.of(identity) else " A guest can come back as somebody else."
    return _choose(
        session,
        replace(person.settings, ignored={**ignored, identity: name}),
        f"You see nothing more of {name}, wherever it would be shown; "
        f"/unignore {name} ends that.{guest}",
    )


def _remaining(hub: Hub, ignored: Mapping[str, str]) -> dict[str, str]:
    """Return whom to go on ignoring: guests who are gone do not come back.

    :raises ChatError: if these are too many.
    """
    here = {one.inbox for one in hub.people()}
    left = {one: nick for one, nick in ignored.items() if one in here or hub.accounts.of(one)}
    if len(left) >= MOST_CHOSEN:
        raise ChatError(
            Code.TOO_MUCH,
            f"You ignore {MOST_CHOSEN} people, more cannot be: /unignore one of them first.",
        )
    return left


def _unignore(session: Session, nick: str) -> Deferred[None] | None:
    hub, person = session.hub, session.person
    ignored = person.settings.ignored
    try:
        wanted = _known(hub, nick)[0]
    except ChatError:
        wanted = ""
    if wanted not in ignored:  # by the nickname that it had
        named = [one for one, name in ignored.items() if fold(name) == fold(nick)]
        if not named:
            hub.tell(person, Kind.NOTICE, f"You do not ignore {nick}: /ignore shows whom you do.")
            return None
        wanted = named[0]
    rest = {one: name for one, name in ignored.items() if one != wanted}
    return _choose(
        session, replace(person.settings, ignored=rest), f"You see {ignored[wanted]} again."
    )


def _focus(session: Session, text: str) -> Deferred[None] | None:
    hub, person = session.hub, session.person
    focus = person.settings.focus
    if not text:
        names = _named(hub, focus)
        only = f"You see in rooms only {names} and yourself; /focus off ends that."
        hub.tell(person, Kind.NOTICE, *_lines(only if names else _EVERYBODY))
        return None
    if text.lower() == "off":
        return _choose(session, replace(person.settings, focus=None), "You see everybody again.")
    nicks = text.split()
    if len(nicks) > MOST_CHOSEN:
        raise ChatError(Code.TOO_MUCH, f"You can focus on {MOST_CHOSEN} people at most.")
    chosen = dict(_known(hub, nick) for nick in nicks)
    chosen.pop(person.inbox, None)
    if not chosen:
        raise ChatError(Code.BAD_ARGUMENTS, "That is you: name somebody else, see /who.")
    return _choose(
        session,
        replace(person.settings, focus=chosen),
        f"You see in rooms only what {_named(hub, chosen)} and you say and do from now on; "
        "/focus off ends that.",
    )


def _known(hub: Hub, nick: str) -> tuple[str, str]:
    """Return identity and name of somebody who is here or has an account.

    :raises ChatError: if there is nobody of that name.
    """
    account = hub.accounts.find(nick)
    if account is not None:
        return account.identity, account.name
    person = hub.find(nick)
    return person.inbox, person.nick


def _named(hub: Hub, people: Mapping[str, str] | None) -> str:
    """Return names to show: as people were known, and as whom they are here."""
    if not people:
        return ""
    here = {one.inbox: one.nick for one in hub.people() if one.inbox in people}
    return ", ".join(_as_known(name, here.get(one, name)) for one, name in people.items())


def _as_known(name: str, nick: str) -> str:
    return name if fold(name) == fold(nick) else f"{name} ({nick} now)"


# How much to see, and to hear.


def _quiet(session: Session, word: str) -> Deferred[None]:
    quiet = _switched("quiet", word, session.person.settings.quiet)
    shown = "is not shown to you any more" if quiet else "is shown to you again"
    return _choose(
        session,
        replace(session.person.settings, quiet=quiet),
        f"Who comes, goes or changes the nickname {shown}.",
    )


def _time(session: Session, word: str) -> Deferred[None]:
    settings = session.person.settings
    if word.lower() == "here":
        on, chosen = True, replace(settings, stamped_here=True)
    else:
        on = _switched("time", word, settings.stamps)
        chosen = replace(settings, stamped=on, stamped_here=False)
    shown = "Before each line now stand its time (UTC) and number." if on else "No more times."
    return _choose(session, chosen, shown)


def _switched(name: str, word: str, now: bool) -> bool:
    """Return what a word switches to; nothing switches over."""
    match word.lower():
        case "":
            return not now
        case "on":
            return True
        case "off":
            return False
    raise ChatError(Code.BAD_ARGUMENTS, f"Type /{name} on or /{name} off.")


def _bell(session: Session, word: str) -> Deferred[None] | None:
    person = session.person
    if not word:
        bell = person.settings.bell
        how = "" if bell is Bell.OFF else f" {_BELLS[bell]}"
        usage = "/bell mentions, /bell all or /bell off"
        session.hub.tell(person, Kind.NOTICE, f"The bell: {bell}.{how} Type {usage}.")
        return None
    try:
        bell = Bell(word.lower())
    except ValueError:
        usage = "Type /bell mentions, /bell all or /bell off."
        raise ChatError(Code.BAD_ARGUMENTS, usage) from None
    return _choose(session, replace(person.settings, bell=bell), _BELLS[bell])


def _choose(session: Session, settings: Settings, answer: str) -> Deferred[None]:
    return session.hub.preferences.choose(session.person, settings, *_lines(answer))


def _lines(text: str) -> Iterable[str]:
    """Cut what names many people into lines of a readable length."""
    line = ""
    for word in text.split(" "):
        if line and len(line) + len(word) > 400:
            yield line
            line = " "
        line += f" {word}" if line else word
    yield line


_SWITCH: Final = Argument("[on|off]", optional=True)

ROWS: Final = (
    Command(
        "ignore",
        (Argument("NICK", optional=True, longest=4 * MAX_NICK),),
        "see nothing more of somebody",
        "/ignore bob",
        _ignore,
        patient=True,
    ),
    Command(
        "unignore",
        (NICK,),
        "see somebody again",
        "/unignore bob",
        _unignore,
        patient=True,
    ),
    Command(
        "focus",
        (Argument("[NICK ...|off]", rest=True, optional=True),),
        "see in rooms only what some people say",
        "/focus bob",
        _focus,
        patient=True,
    ),
    Command(
        "quiet",
        (_SWITCH,),
        "hide who comes and goes",
        "/quiet on",
        _quiet,
        patient=True,
    ),
    Command(
        "bell",
        (Argument("[all|mentions|off]", optional=True),),
        "ring when you are mentioned, or always",
        "/bell mentions",
        _bell,
        patient=True,
    ),
    Command(
        "time",
        (Argument("[on|off|here]", optional=True),),
        "show each line's time and number",
        "/time on",
        _time,
        patient=True,
    ),
)
"""The rows of the table. They wait for their answers: it comes when all before it was read."""
