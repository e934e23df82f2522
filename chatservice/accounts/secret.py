"""A secret that a server makes once and keeps with its records: nobody else needs to know it."""

import secrets
from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from chatservice.errors import ChatError
from chatservice.interfaces import IRecords, Value

SECRET: Final = "secret"  # noqa: S105
"""The kind of record that a secret is; its key says what it is for."""

_BYTES: Final = 32


class Secret:
    """One secret.

    :param records: where it is kept.
    :param use: what it is for.
    """

    _log = Logger()

    def __init__(self, records: IRecords, use: str) -> None:
        self._records = records
        self._use = use
        self._value = b""
        records.watch(SECRET, self._learn)

    async def get(self) -> bytes:
        """Return it, made when it is needed first; while it cannot be kept it is another at each
        start.
        """
        if not self._value:
            try:
                await self._records.change(SECRET, self._use, _made(secrets.token_hex(_BYTES)))
            except ChatError as refusal:
                self._log.warn("could not keep a secret: {why}", why=refusal.message)
                self._value = self._value or secrets.token_bytes(_BYTES)
        return self._value

    def _learn(self, key: str, value: Value | None) -> None:
        if key == self._use:
            self._value = b"" if value is None else read_secret(value)


def read_secret(value: Value) -> bytes:
    """Return the secret that a record holds.

    :raises KeyError, ValueError: if it holds none.
    """
    secret = bytes.fromhex(str(value["secret"]))
    if len(secret) != _BYTES:
        raise ValueError(f"a secret has {_BYTES} bytes")
    return secret


def _made(secret: str) -> Callable[[Value | None], Value]:
    """Return the change that keeps a secret if there is none."""
    return lambda value: {"secret": secret} if value is None else value
