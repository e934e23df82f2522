"""What people type about their account. A password is in none of what is answered here."""

from typing import Final

from twisted.internet.defer import Deferred

from chatservice.commands.command import NICK, Argument, Command
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
        "release",
        (NICK,),
        "throw out whoever wears your registered nickname",
        "/release alice",
        _release,
    ),
)
"""The rows of the table."""
