"""Who may ask: the Host and Origin of a request against the names that this server answers to.

A page on the web can point a name of its own at 127.0.0.1 (DNS rebinding), can open a WebSocket to any address, and can ask for
any picture. So the Host must be known on every route; an Origin, where the browser sends one, must be this server's own page;
and where the browser says who asks, /api answers its own pages only. The guard stands in front of the whole application, which
sees what it let through as if it had been asked without a proxy.
"""

from __future__ import annotations

import logging
import posixpath
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, RedirectResponse
from starlette.websockets import WebSocket

from ..core import settings
from ..core.errors import InvalidValue

LOOPBACK = ("127.0.0.1", "localhost", "::1")
FOREIGN = 4403  # WebSocket close code
PORTS = {"http": 80, "https": 443}
READING = ("GET", "HEAD", "OPTIONS")
OWN = ("same-origin", "none")  # of Sec-Fetch-Site; "none" is a person, "same-site" another port or subdomain
BASE = re.compile(r"(/[A-Za-z0-9@._~-]+)*")
NAME = "This server does not answer to that host name. Use http://127.0.0.1, or add it to EXPLORER_ALLOWED_HOSTS."
PAGE = "That page is not allowed to use this server. Open the explorer's own page, or add its host to EXPLORER_ALLOWED_HOSTS."
SITE = "This request came from another site's page. Open the address itself, or the explorer's own page."
log = logging.getLogger(__name__)


def allowed_hosts(more: Iterable[str] = ()) -> frozenset[str]:
    """Host names this server answers to: loopback, those of EXPLORER_ALLOWED_HOSTS (a comma between them), and `more`."""
    named = settings.allowed_hosts()
    return frozenset(name.strip().strip("[]").lower() for name in (*LOOPBACK, *named, *more) if name.strip())


def base_path() -> str:
    """The path under which a proxy serves this server and which it leaves in what it passes on: EXPLORER_BASE_PATH, "" or
    "/user/ada/explorer". Raises InvalidValue."""
    named = settings.base_path().strip().strip("/")
    path = f"/{named}" if named else ""
    if not BASE.fullmatch(path) or any(part in (".", "..") for part in path.split("/")):
        raise InvalidValue(f"EXPLORER_BASE_PATH is a path such as /user/ada/explorer, of letters, digits and @._~-; got {named[:60]!r}.")
    return path


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


def refusal(headers: Headers, scheme: str, hosts: frozenset[str], path: str = "/", method: str = "GET") -> tuple[str, str] | None:
    """(kind, reason) why a request is refused; None where it may pass."""
    named, origins = headers.getlist("host"), headers.getlist("origin")
    here = place(f"{scheme}://{named[0]}") if len(named) == 1 else None
    if here is None or here[1] not in hosts:
        return "ForeignHost", NAME
    if settings.read_only() and method not in READING:
        return "ReadOnly", settings.LOCKED
    if path.startswith("/api/") and any(site not in OWN for site in headers.getlist("sec-fetch-site")):
        return "ForeignOrigin", SITE
    if not origins:  # not a browser, or a plain GET from the same page
        return None
    there = place(origins[0]) if len(origins) == 1 else None
    proxied = hosts.difference(LOOPBACK)  # behind a proxy the page's port is not ours
    if there is None or (there != here and there[1] not in proxied):
        return "ForeignOrigin", PAGE
    return None


def without_base(scope: dict, base: str) -> dict | None:
    """The scope with the base path taken off, where a proxy left it on; None for the base path itself without its slash."""
    path = scope["path"]
    if not base or not (path == base or path.startswith(f"{base}/")):
        return scope
    if path == base:
        return None
    raw = scope.get("raw_path")
    shorter = {"raw_path": raw[len(base) :]} if raw and raw.startswith(base.encode()) else {}
    return {**scope, "path": path[len(base) :], **shorter}


def relative(target: str, path: str) -> str:
    """A redirect from `path` to a place of this server, without naming the server's root, which a proxy may have moved."""
    if not target.startswith("/") or target.startswith("//"):
        return target
    return ("../" * (path.count("/") - 1) or "./") + target[1:]


class Guard:
    """ASGI middleware around a whole application: 403 with a JSON reason, or a WebSocket closed with 4403, for a foreign Host or
    Origin. `base` is what `base_path` says."""

    def __init__(self, app, hosts: frozenset[str], base: str = ""):
        self.app, self.hosts, self.base = app, hosts, base

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):  # the server's own start and stop
            return await self.app(scope, receive, send)
        asked: str = scope["scheme"]
        scheme = {"ws": "http", "wss": "https"}.get(asked, asked)
        inner = without_base(scope, self.base)
        refused = refusal(Headers(scope=scope), scheme, self.hosts, inner["path"] if inner else "/", scope.get("method", "GET"))
        if refused is not None:
            await refuse(refused, scope, receive, send)
        elif inner is None:
            await RedirectResponse(f"{posixpath.basename(self.base)}/", 308)(scope, receive, send)
        else:
            await self.pass_on(as_own(inner, scheme), receive, send)

    async def pass_on(self, scope, receive, send) -> None:
        async def answer(message):
            if message["type"] == "http.response.start" and 300 <= message["status"] < 400:
                headers = MutableHeaders(scope=message)
                if "location" in headers:
                    headers["location"] = relative(headers["location"], scope["path"])
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except ClientDisconnect:
            log.info("A request to %.200s was cut off by its sender.", scope["path"])


def as_own(scope: dict, scheme: str) -> dict:
    """The scope with the Origin that a page of this very address would send. The check is done: what stands behind the guard
    (Streamlit, which compares the two and knows nothing of proxies) must not come to another end."""
    headers = scope["headers"]
    host = next(value for name, value in headers if name == b"host")
    own = scheme.encode() + b"://" + host
    return {**scope, "headers": [(name, own if name == b"origin" else value) for name, value in headers]}


async def refuse(refused: tuple[str, str], scope, receive, send) -> None:
    kind, reason = refused
    if scope["type"] == "websocket":
        socket = WebSocket(scope, receive, send)
        await socket.accept()  # a browser shows code and reason only of a socket that was open
        await socket.close(FOREIGN, reason)
    else:
        await JSONResponse({"error": reason, "kind": kind}, 403)(scope, receive, send)
