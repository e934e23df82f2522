"""Ends connections whose other end is gone without a word: power, cable, sleep.

TCP keepalive finds idle ones. It is silent while data is unacknowledged, when the kernel would
try for a quarter of an hour; there, TCP_INFO tells how long nothing was heard. TCP_USER_TIMEOUT
would do both, but it also ends a peer that is alive and merely does not read.
"""

import socket
import struct
import sys
from typing import Final

from twisted.internet import tcp
from twisted.protocols.policies import ProtocolWrapper

_TCP_INFO: Final = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_UNACKED: Final = 24  # offsets into struct tcp_info, linux/tcp.h: 32-bit numbers
_LAST_ACK_RECV: Final = 56
_PROBES: Final = 3
_LONGEST: Final = 32767  # seconds that the kernel takes for either time
_SEND_BUFFER: Final = 64 << 10  # what the kernel holds for who does not read; 2.9 MB otherwise


def tcp_below(transport: object) -> tcp.Connection | None:
    """Return the TCP connection that carries a transport, through TLS and proxies, if one does."""
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    if isinstance(transport, tcp.Connection) and transport.getHandle().family != socket.AF_UNIX:
        return transport
    return None


def prepare(transport: tcp.Connection, ping: float, timeout: float) -> None:
    """Set up a connection for chat: send at once, hold little, notice when the peer is gone.

    :param ping: seconds of silence before the kernel asks for a sign of life.
    :param timeout: seconds after it in which an answer must come.
    """
    transport.setTcpNoDelay(True)
    sock = transport.getHandle()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        interval = min(_LONGEST, max(1, round(timeout / _PROBES)))
        idle = min(_LONGEST, max(1, round(ping)))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)


def unheard(transport: tcp.Connection) -> float:
    """Return for how many seconds a peer has left sent data unacknowledged; 0 if it owes none."""
    if _TCP_INFO is None:
        return 0.0
    try:
        info = transport.getHandle().getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 104)
    except OSError:  # closed meanwhile
        return 0.0
    (unacked,) = struct.unpack_from("=I", info, _UNACKED)
    (silent_ms,) = struct.unpack_from("=I", info, _LAST_ACK_RECV)
    return float(silent_ms) / 1000 if unacked else 0.0
