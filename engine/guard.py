"""Who may ask: the Host and Origin of a request against the names that this server answers to.

A page on the web can point a name of its own at 127.0.0.1 (DNS rebinding), and can open a WebSocket to any address. So the
Host must be known on every route, and an Origin, where the browser sends one, must be this server's own page.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

LOOPBACK = ("127.0.0.1", "localhost", "::1")
FOREIGN = 4403  # WebSocket close code
PORTS = {"http": 80, "https": 443}


def allowed_hosts(more: Iterable[str] = ()) -> frozenset[str]:
    """Host names this server answers to: loopback, those of EXPLORER_ALLOWED_HOSTS (a comma between them), and `more`."""
    named = os.environ.get("EXPLORER_ALLOWED_HOSTS", "").split(",")
    return frozenset(name.strip().strip("[]").lower() for name in (*LOOPBACK, *named, *more) if name.strip())


def place(url: str) -> tuple[str, str, int | None] | None:
    """(scheme, host name, port) of 'scheme://host:port'; None where it is no such thing."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or "@" in parts.netloc or parts.path or parts.query or parts.fragment:
        return None
    return parts.scheme, parts.hostname, port or PORTS.get(parts.scheme)


def refusal(headers: Headers, scheme: str, hosts: frozenset[str]) -> tuple[str, str] | None:
    """(kind, reason) why a request is refused; None where it may pass."""
    named, origins = headers.getlist("host"), headers.getlist("origin")
    here = place(f"{scheme}://{named[0]}") if len(named) == 1 else None
    if here is None or here[1] not in hosts:
        return "ForeignHost", "This server does not answer to that host name. Use http://127.0.0.1, or name it in EXPLORER_ALLOWED_HOSTS."
    if not origins:  # not a browser, or a plain GET from the same page
        return None
    there = place(origins[0]) if len(origins) == 1 else None
    proxied = hosts.difference(LOOPBACK)  # behind a proxy the page's port is not ours
    if there is None or (there != here and there[1] not in proxied):
        return "ForeignOrigin", "That page may not talk to this server. Open the explorer's own page, or name its host in EXPLORER_ALLOWED_HOSTS."
    return None


class Guard:
    """ASGI middleware: 403 with a JSON reason, or a WebSocket closed with 4403, for a foreign Host or Origin."""

    def __init__(self, app, hosts: frozenset[str]):
        self.app, self.hosts = app, hosts

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":  # an application's start and stop, where the guard wraps a whole one
            return await self.app(scope, receive, send)
        if scope["type"] not in ("http", "websocket"):  # the server's own start and stop
            return await self.app(scope, receive, send)
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        refused = refusal(Headers(scope=scope), scheme, self.hosts)
        if refused is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            socket = WebSocket(scope, receive, send)
            await socket.accept()  # a browser shows code and reason only of a socket that was open
            await socket.close(FOREIGN, refused[1])
        else:
            await JSONResponse({"error": refused[1], "kind": refused[0]}, 403)(scope, receive, send)
