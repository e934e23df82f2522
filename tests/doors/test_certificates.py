"""Which doors ask for certificates, and whose they take note of; real handshakes are in
end_to_end/test_certificates.py.
"""

from collections.abc import Callable
from typing import cast

from OpenSSL import SSL
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Factory
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from chatservice.doors.connection import Connection
from chatservice.doors.irc.protocol import IrcFactory
from chatservice.doors.line import ChatFactory
from chatservice.doors.raw import RawFactory


class Certificate:
    """What pyOpenSSL gives."""

    def digest(self, name: str) -> bytes:
        assert name == "sha256"
        return b":".join([b"AB"] * 32)


class Tls(StringTransport):
    """A transport as over TLS, at whose handshake a certificate may be shown."""

    def __init__(self, shown: Certificate | None) -> None:
        super().__init__()
        directlyProvides(self, ISSLTransport)
        self.shown = shown
        self.asked: list[tuple[int, Callable[..., bool]]] = []

    def getHandle(self) -> "Tls":
        return self

    def set_verify(self, mode: int, callback: Callable[..., bool]) -> None:
        self.asked.append((mode, callback))

    def getPeerCertificate(self) -> Certificate | None:
        return self.shown


class Asking(SynchronousTestCase):
    """At the handshake."""

    def connect(self, factory: Factory, shown: Certificate | None) -> tuple[Tls, str]:
        """Connect; return the transport, and the fingerprint that is known then."""
        protocol = cast("Connection", factory.buildProtocol(None))
        transport = Tls(shown)
        protocol.makeConnection(transport)  # type: ignore[attr-defined]
        protocol.handshakeCompleted()
        return transport, protocol.session.person.certificate

    def test_any_is_taken_and_none_demanded(self) -> None:
        for factory in (ChatFactory(), IrcFactory()):
            transport, known = self.connect(factory, Certificate())
            self.assertEqual(known, "ab" * 32)
            ((mode, accept),) = transport.asked
            self.assertTrue(mode & SSL.VERIFY_PEER)
            self.assertFalse(mode & SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
            self.assertTrue(accept(None, None, 18, 0, 0))  # self-signed
            _, known = self.connect(factory, None)
            self.assertEqual(known, "")

    def test_behind_a_proxy_it_would_be_the_proxys(self) -> None:
        for factory in (ChatFactory(peer_known_late=True), IrcFactory(peer_known_late=True)):
            transport, known = self.connect(factory, Certificate())
            self.assertEqual((transport.asked, known), ([], ""))

    def test_not_every_door_asks(self) -> None:
        transport, known = self.connect(RawFactory(), Certificate())
        self.assertEqual((transport.asked, known), ([], ""))
