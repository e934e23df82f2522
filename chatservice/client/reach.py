"""How the server is reached, and in what words it is told that it was not."""

import os
from collections.abc import Callable
from typing import Any, Final, Protocol

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocol, IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from chatservice.client.options import Settings

CLOSED: Final = "the server closed the connection"

ENCRYPT: Final = "chat-client --tls encrypts, at a port where the server does."
"""What to do about a connection that anybody between can read."""


class Endpoint(Protocol):
    """Where to connect (IStreamClientEndpoint)."""

    def connect(self, factory: Any, /) -> Deferred[IProtocol]:
        """Connect."""


@implementer(IStreamClientEndpoint)
class Watched:
    """An endpoint that tells why it could not connect.

    :param endpoint: the endpoint itself.
    :param failed: called with the reason.
    """

    def __init__(self, endpoint: Endpoint, failed: Callable[[str], object]) -> None:
        self._endpoint = endpoint
        self._failed = failed

    def connect(self, factory: object) -> Deferred[IProtocol]:
        """Connect."""
        return self._endpoint.connect(factory).addErrback(self._tell)

    def _tell(self, failure: Failure) -> Failure:
        self._failed(describe(failure))
        return failure


def describe(failure: Failure) -> str:
    """Return a failure's reason as one sentence without a full stop."""
    error = failure.value
    if failure.check(ConnectionDone):
        return CLOSED
    if isinstance(error, SSL.Error) and error.args and error.args[0]:
        return "TLS: " + ", ".join(str(entry[-1]) for entry in error.args[0])
    if isinstance(error, VerificationError):
        return "TLS: the certificate is not for this host"
    number = getattr(error, "osError", None)
    text = os.strerror(number) if isinstance(number, int) else failure.getErrorMessage()
    return text.rstrip(".")


def endpoint_for(reactor: object, settings: Settings) -> Endpoint:
    """Return where the settings say to connect.

    :raises OSError: if the file of authorities cannot be read.
    :raises ValueError: if it contains no certificate.
    """
    endpoint = HostnameEndpoint(reactor, settings.host, settings.port)
    if settings.tls:
        trust = ssl.platformTrust() if settings.tls_ca is None else _authorities(settings.tls_ca)
        options = ssl.optionsForClientTLS(settings.host, trustRoot=trust)
        return wrapClientTLS(options, endpoint)  # type: ignore[arg-type]
    return endpoint


def _authorities(path: str) -> Any:
    end = b"-----END CERTIFICATE-----"
    with open(path, "rb") as file:
        blocks = [block + end for block in file.read().split(end)[:-1]]
    if not blocks:
        raise ValueError(f"{path} contains no certificate")
    return ssl.trustRootFromCertificates([ssl.Certificate.loadPEM(block) for block in blocks])
