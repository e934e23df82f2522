"""What people type about their account. A password is in none of what is answered here."""

from typing import Final

from twisted.internet.defer import Deferred, maybeDeferred

from chatservice.commands.command import NICK, Argument, Command
from chatservice.errors import ChatError, Code
from chatservice.events import Kind
from chatservice.session import Session


def _register(session: Session, password: str) -> Deferred[None]:
    return session.hub.owners.register(session.person, password)


def _login(session: Session, text: str) -> Deferred[None]:
    name, password = parted(text, session.nick)
    return session.hub.owners.login(session.person, name, password)


def parted(text: str, nick: str) -> tuple[str, str]:
    """Return account and password from ``PASSWORD`` or ``ACCOUNT PASSWORD``.

    :param nick: the account that a password alone is for.
    """
    name, _, password = text.strip().partition(" ")
    return (name, password.strip()) if password else (nick, name)


def _password(session: Session, text: str) -> Deferred[None]:
    return session.hub.owners.change_password(session.person, text)


def _cert(session: Session, text: str) -> Deferred[None]:
    match text.lower().split():
        case [] | ["list"]:
            return maybeDeferred(_show, session)
        case ["add"]:
            done = session.hub.certificates.add(session.person)
        case ["remove", *parts] if parts:
            fingerprint = "".join(parts).replace(":", "")
            done = session.hub.certificates.remove(session.person, fingerprint)
        case _:
            raise ChatError(
                Code.BAD_ARGUMENTS,
                "Type /cert add to log in with this connection's certificate from now on; "
                "/cert list; /cert remove FINGERPRINT.",
            )
    return done.addCallback(lambda said: session.hub.tell(session.person, Kind.NOTICE, said))


def _show(session: Session) -> None:
    known, own = session.hub.certificates.of(session.person), session.person.certificate
    lines = [f"  {one}{' (this connection)' if one == own else ''}" for one in known]
    shown = f"Certificates that you log in with, {len(known)}:" if known else "There are none."
    if own and own not in known:
        lines.append(f"This connection's is {own}: /cert add lets it be one.")
    session.hub.tell(session.person, Kind.NOTICE, shown, *lines)


def _release(session: Session, nick: str) -> None:
    session.hub.owners.release(session.person, nick)


ROWS: Final = (
    Command(
        "register",
        (Argument("PASSWORD", rest=True),),
        "make your nickname your own",
        "/register correct horse battery",
        _register,
        patient=True,
    ),
    Command(
        "login",
        (Argument("[ACCOUNT] PASSWORD", rest=True),),
        "prove that a registered nickname is yours",
        "/login alice correct horse battery",
        _login,
        patient=True,
    ),
    Command(
        "password",
        (Argument("OLD NEW", rest=True),),
        "change your password; with blanks: OLD -> NEW",
        "/password correct horse -> battery staple",
        _password,
        patient=True,
    ),
    Command(
        "cert",
        (Argument("[add|list|remove FINGERPRINT]", rest=True, optional=True),),
        "log in with a TLS certificate instead of a password",
        "/cert add",
        _cert,
    ),
    Command(
        "release",
        (NICK,),
        "throw out whoever wears your registered nickname",
        "/release alice",
        _release,
    ),
)
"""The rows of the table."""
