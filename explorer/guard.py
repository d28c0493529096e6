"""Refuses requests whose Host header names a machine that this server is not.

A page on the web can point a name of its own at 127.0.0.1 and then read what is served here (DNS rebinding). Streamlit's
`server.allowedHosts` guards its WebSocket only; this guards everything, routes and pages and sockets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlsplit


def hostname(header: str) -> str | None:
    """'example.com' of 'Example.com:8501', '::1' of '[::1]:80'; None where the header is no host."""
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None


class HostGuard:
    """ASGI middleware: 400 with a JSON reason, or a closed WebSocket, for a host that is not in `hosts`."""

    def __init__(self, app, hosts: Sequence[str]):
        self.app, self.hosts = app, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        named = [value.decode("latin-1") for key, value in scope["headers"] if key == b"host"]
        if len(named) == 1 and hostname(named[0]) in self.hosts:
            return await self.app(scope, receive, send)
        if scope["type"] == "websocket":  # closed before it is accepted: uvicorn answers 403
            await receive()
            return await send({"type": "websocket.close", "code": 1008, "reason": "host not allowed"})
        reason = "This server does not answer to that host name. Use http://127.0.0.1, or start it with --allow-host NAME."
        body = json.dumps({"error": reason}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 400, "headers": headers})
        await send({"type": "http.response.body", "body": body})
