"""Certificates of clients: asked for at the TLS handshake, never demanded.

Any will do, a self-signed one, too: only its fingerprint counts, which an account may be known by.
TLS itself sees to it that the client has the key (RFC 8446, section 4.4.3).
"""

from typing import TYPE_CHECKING, Protocol, cast

from twisted.internet.interfaces import ISSLTransport

if TYPE_CHECKING:
    from OpenSSL.crypto import X509
    from OpenSSL.SSL import Connection


class _Secured(Protocol):
    """What is used of twisted's transports over TLS."""

    def getHandle(self) -> "Connection":
        """Return the TLS connection."""

    def getPeerCertificate(self) -> "X509 | None":
        """Return what the client has shown; None for nothing."""


def ask(transport: object) -> None:
    """Let the handshake ask for a certificate; to be called before it begins.

    Not for browsers: they would ask their users.
    """
    if ISSLTransport.providedBy(transport) and hasattr(transport, "getHandle"):
        from OpenSSL import SSL  # not before: without TLS nobody needs it

        optional = SSL.VERIFY_PEER | SSL.VERIFY_CLIENT_ONCE  # FAIL_IF_NO_PEER_CERT would demand it
        cast("_Secured", transport).getHandle().set_verify(optional, _accept)


def fingerprint(transport: object) -> str:
    """Return the SHA-256 fingerprint of a client's certificate, hexadecimal; "" for none.

    To be called when the handshake is over.
    """
    if not ISSLTransport.providedBy(transport):
        return ""
    certificate = cast("_Secured", transport).getPeerCertificate()
    if certificate is None:
        return ""
    return certificate.digest("sha256").decode().replace(":", "").lower()


def _accept(_: "Connection", certificate: "X509", error: int, depth: int, good: int) -> bool:
    """Take whatever was shown: who signed it, and until when it is good, does not matter."""
    return True
