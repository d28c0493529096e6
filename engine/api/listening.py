"""The socket that a server listens on."""

from __future__ import annotations

import errno
import socket

from ..core.errors import InvalidValue, PortInUse


def listen(address: str, port: int) -> socket.socket:
    """A listening TCP socket. Raises PortInUse, InvalidValue.

    Opened as IPPROTO_TCP, which is what makes asyncio set TCP_NODELAY on every connection: without it an answer waits 40 ms
    for the other side's acknowledgement.
    """
    if not 0 <= port <= 65535:
        raise InvalidValue(f"Port {port} is out of range. Use one from 1024 to 65535.")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
        sock.listen(512)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"Port {port} is in use: stop what runs there, or choose another with --port {port + 1 if port < 65535 else 8501}."
            ) from error
        raise InvalidValue(
            f"Cannot listen on {address!r}, port {port} ({error.strerror or error}). Use 127.0.0.1 and a port above 1023."
        ) from error
    return sock
