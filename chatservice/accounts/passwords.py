"""Passwords: what one may be, and hashing and checking it away from the reactor's thread.

argon2id (RFC 9106) costs tens of milliseconds and of megabytes each time, on purpose. So few are
worked on at a time, and few may wait. Nothing here shows a password to anybody, or logs one.
"""

import secrets
import unicodedata
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Final, NamedTuple, TypeVar, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from chatservice.accounts import scram
from chatservice.errors import ChatError, Code
from chatservice.interfaces import IThreads
from chatservice.names import fold
from chatservice.text import REPLACEMENT, clean

SHORTEST: Final = 8
"""Characters that a password has at least."""

LONGEST: Final = 256
"""Bytes of UTF-8 that a password has at most."""

AT_A_TIME: Final = 2
"""Passwords that are worked on at a time: 64 MiB of memory each."""

MOST_WAITING: Final = 64
"""Passwords that may wait; more are refused."""

Result = TypeVar("Result")


def normal(text: str) -> str:
    """Return a password as it is hashed, however a keyboard composes it (RFC 8265, OpaqueString).

    Blanks around it do not belong to it.
    """
    return unicodedata.normalize("NFC", clean(text)).strip()


def check_new(text: str, nick: str) -> str:
    """Return what may become a password, in its normal form.

    :param nick: of whom.
    :raises ChatError: BAD_ARGUMENTS, with the reason.
    """
    password = normal(text)
    if len(password) < SHORTEST:
        problem = f"is too short: use at least {SHORTEST} characters"
    elif len(password.encode("utf-8", "replace")) > LONGEST:
        problem = f"is too long: use at most {LONGEST} bytes"
    elif REPLACEMENT in password:
        problem = "has characters that cannot be read: use UTF-8 and no control characters"
    elif fold(password) == fold(nick):
        problem = "is the nickname: choose one that nobody guesses"
    else:
        return password
    raise ChatError(Code.BAD_ARGUMENTS, f"That password {problem}.")


class Kept(NamedTuple):
    """What is kept of a password.

    :ivar hashed: with what it is compared when it is told (argon2id, PHC string).
    :ivar scram: with what a proof of it is compared (scram.Verifier).
    """

    hashed: str
    scram: str

    def __repr__(self) -> str:
        """Show neither."""
        return "Kept(...)"


def make_kept(password: str, hasher: PasswordHasher, iterations: int | None = None) -> Kept:
    """Return what is to be kept of a password; this takes its time.

    :param password: in its normal form.
    :param iterations: of the verifier; None for scram.ITERATIONS.
    """
    verifier = scram.derive(
        password, secrets.token_bytes(scram.SALT), iterations or scram.ITERATIONS
    )
    return Kept(hasher.hash(password.encode()), str(verifier))


class _Threads(ThreadPool):
    """Threads that do not keep the process from ending."""

    threadFactory = staticmethod(partial(Thread, daemon=True))  # type: ignore[assignment]


class Passwords:
    """Makes hashes and checks passwords against them.

    :param hasher: with the parameters of the hashes that are made; by default the library's, which
        are RFC 9106's for little memory.
    :param threads: the reactor; without one it works at once, in the caller's thread.
    :param iterations: of the verifiers that are made.
    """

    def __init__(
        self,
        hasher: PasswordHasher | None = None,
        threads: IThreads | None = None,
        iterations: int = scram.ITERATIONS,
    ) -> None:
        self._hasher = PasswordHasher() if hasher is None else hasher
        self.iterations = iterations
        self._threads = threads
        self._pool: _Threads | None = None
        self._working = 0
        self._waiting: deque[Callable[[], Deferred[None]]] = deque()
        self._closed = False

    def make(self, password: str) -> Deferred[Kept]:
        """Return what is to be kept of a password. Fails with ChatError (BUSY).

        :param password: in its normal form.
        """
        return self._work(lambda: make_kept(password, self._hasher, self.iterations))

    def verify(self, password: str, hashed: str) -> Deferred[bool]:
        """Tell whether a hash is a password's. Fails with ChatError (BUSY).

        :param hashed: "" is no password's, which is found out in the same time.
        """
        return self._work(lambda: self._matches(password, hashed))

    def outdated(self, kept: Kept) -> bool:
        """Tell whether something was made with other parameters than new ones, or is missing."""
        verifier = scram.read_verifier(kept.scram)
        if verifier is None or verifier.iterations != self.iterations:
            return True
        try:
            return self._hasher.check_needs_rehash(kept.hashed)
        except InvalidHashError:
            return True

    def close(self) -> None:
        """Work on no more."""
        self._closed = True
        self._waiting.clear()
        if self._pool is not None:
            self._pool.stop()

    def _matches(self, password: str, hashed: str) -> bool:
        try:
            return self._hasher.verify(hashed or self._nobodys(), password.encode())
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError):  # a record that somebody spoiled
            return False

    def _nobodys(self) -> str:
        """Return what looks like a hash and takes as long to check, but is of no password."""
        own = self._hasher
        salt, digest = secrets.token_bytes(own.salt_len), secrets.token_bytes(own.hash_len)
        cost = f"m={own.memory_cost},t={own.time_cost},p={own.parallelism}"
        encoded = "$".join(b64encode(part).rstrip(b"=").decode() for part in (salt, digest))
        return f"$argon2id$v=19${cost}${encoded}"

    def _work(self, work: Callable[[], Result]) -> Deferred[Result]:
        if self._closed:
            return fail(ChatError(Code.CLOSING, "The server is closing: connect again later."))
        if self._threads is None:
            return maybeDeferred(work)
        if len(self._waiting) >= MOST_WAITING:
            text = "Many are logging in just now: try again in a moment."
            return fail(ChatError(Code.BUSY, text))
        done: Deferred[Result] = Deferred()
        self._waiting.append(lambda: self._begin(work, done))
        self._go_on()
        return done

    def _begin(self, work: Callable[[], Result], done: Deferred[Result]) -> Deferred[None]:
        if self._pool is None:  # not before: a daemon has forked by now
            self._pool = _Threads(0, AT_A_TIME, "chat-passwords")
            self._pool.start()
        threads = cast("IReactorFromThreads", self._threads)
        result: Deferred[Result] = deferToThreadPool(threads, self._pool, work)
        return result.addCallbacks(done.callback, done.errback)

    def _go_on(self, _: object = None) -> None:
        while self._waiting and self._working < AT_A_TIME:
            self._working += 1
            self._waiting.popleft()().addBoth(self._done)

    def _done(self, _: object) -> None:
        self._working -= 1
        self._go_on()
