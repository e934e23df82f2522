"""The service: a chat that listens in several places, from the first to the last goodbye."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from twisted.application import strports
from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IProtocolFactory

from chatservice.expiry import Expiry
from chatservice.hub import Hub
from chatservice.options import CannotStart
from chatservice.store.keeper import Keeper
from chatservice.store.schema import StoreError

GOODBYE: Final = "The server is closing down. Goodbye!"


class ChatService(Service):
    """A chat and its doors, from listening to the last goodbye.

    :param hub: the chat.
    :param keeper: what it remembers.
    :param ports: a service for each place to listen in.
    :param upkeep: what else is started and stopped with it.
    :param closers: end connections that are nobody's in the chat.
    """

    def __init__(
        self,
        hub: Hub,
        keeper: Keeper,
        ports: Sequence[tuple[str, StreamServerEndpointService]],
        upkeep: Expiry | None = None,
        closers: Sequence[Callable[[], None]] = (),
    ) -> None:
        self.hub = hub
        self._keeper = keeper
        self._ports = ports
        self._upkeep = upkeep
        self._closers = closers

    def privilegedStartService(self) -> None:
        """Listen, while twistd still may.

        :raises CannotStart: if one of the places cannot be had.
        """
        for description, port in self._ports:
            self._listen(description, port.privilegedStartService)

    def startService(self) -> None:
        """Start; under twist this listens, too.

        :raises CannotStart: if one of the places, or the history, cannot be had.
        """
        super().startService()
        try:  # not before: a daemon has forked and given up its rights only now
            self._keeper.open()
        except StoreError as error:
            raise CannotStart(str(error)) from None
        if self._upkeep is not None:
            self._upkeep.start()
        for description, port in self._ports:
            self._listen(description, port.startService)

    def stopService(self) -> Deferred[None]:
        """Close the doors, say goodbye, and fire when everybody is gone."""
        super().stopService()
        if self._upkeep is not None:
            self._upkeep.stop()
        for close in self._closers:
            close()
        stopped = [port.stopService() for _, port in self._ports]
        closed = self.hub.close(GOODBYE)
        waiting = [d for d in [*stopped, closed] if isinstance(d, Deferred)]
        return DeferredList(waiting).addCallback(lambda _: self._close())

    def _close(self) -> None:
        self.hub.passwords.close()
        self._keeper.close()

    def _listen(self, description: str, listen: Callable[[], object]) -> None:
        try:
            listen()
        except Exception as error:  # taken, forbidden, out of range: none can be mended here
            raise CannotStart(f"cannot listen on {description}: {_reason(error)}") from None


def listen_at(factory: IProtocolFactory, description: str) -> StreamServerEndpointService:
    """Return a service that listens for connections.

    :param description: a port number, or a twisted endpoint's description.
    :raises CannotStart: if it is not usable.
    """
    # The backlog: who all connect at once must not be turned away; twisted's default is 50.
    endpoint = f"tcp:{description}:backlog=1024" if description.isdecimal() else description
    try:
        _check_certificates(endpoint)
        return strports.service(endpoint, factory)
    except Exception as error:  # a wrong description or key fails in many ways, all of them here
        raise CannotStart(f"cannot use endpoint {description}: {_reason(error)}") from None


def _check_certificates(endpoint: str) -> None:
    """Refuse a directory without certificates, which tls: would notice only at a handshake.

    :raises OSError: if a certificate cannot be read.
    :raises ValueError: if there is none.
    """
    found = re.match(r"(?:haproxy:)?tls:((?:\\.|[^:])*)", endpoint)
    if found is None:
        return
    directory = Path(re.sub(r"\\(.)", r"\1", found[1]))
    certificates = list(directory.rglob("*.pem"))
    for certificate in certificates:
        certificate.read_bytes()
    if not certificates:
        raise ValueError(f"no certificate (*.pem) in {directory}")


def _reason(error: Exception) -> str:
    cause = getattr(error, "socketError", error)
    return (getattr(cause, "strerror", None) or str(cause)).rstrip(".")
