"""The routes together, behind their guard, and the server that serves them alone."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router, WebSocketRoute

from ..core.artifacts import Store
from ..core.collected import collected
from ..core.errors import InvalidValue, PortInUse, UnknownId
from .answers import endpoint
from .guard import Guard, allowed_hosts, base_path
from .jobs import job_routes
from .wire import LIVE, configuration

if TYPE_CHECKING:
    from ..host.host import Host

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]  # none but GET does anything
REST = "/api/{rest:path}"  # last: what no route before it knows


def routes(host: Host) -> list[BaseRoute]:
    """The routes. They belong behind a guard, as `guarded` puts one."""
    from ..host.live import serve_live

    return [WebSocketRoute(LIVE, serve_live(host)), *job_routes(host.store), *host_routes(host)]


def routes_later(store: Store, host: Callable[[], Host], rest: Callable[[], list[BaseRoute]]) -> list[BaseRoute]:
    """The same, where making a host takes seconds: the first question that needs it calls `host`, or `rest` for all routes but the live
    socket's and the jobs', on a worker thread."""

    def live() -> Router:
        made = host()  # imports torch, which the next line would, too
        from ..host.live import serve_live

        return Router([WebSocketRoute(LIVE, serve_live(made))])

    return [WebSocketRoute(LIVE, Later(live)), *job_routes(store), Route(REST, Later(lambda: Router(rest())))]


def host_routes(host: Host) -> list[BaseRoute]:
    """What a host answers, but for the live socket."""
    from . import __name__ as package
    from . import __path__ as paths
    from .films import film_routes

    functions = {path: function for of_file in collected(package, paths, "ROUTES") for path, function in of_file.items()}
    http = [Route(path, endpoint(host, function), methods=["GET"]) for path, function in functions.items()]
    rest = Route(REST, endpoint(host, nothing), methods=METHODS)
    return [*film_routes(host), *http, rest]


class Later:
    """An application that its first request makes, on a worker thread; who asks meanwhile waits for it. What making it raises, those who
    wait get, and the next request tries again."""

    def __init__(self, make: Callable[[], Callable]):
        self.make = make
        self.made: asyncio.Task[Callable] | None = None

    async def __call__(self, scope, receive, send) -> None:
        if self.made is None or self.made.done() and (self.made.cancelled() or self.made.exception()):
            self.made = asyncio.create_task(run_in_threadpool(self.make))
        app = await asyncio.shield(self.made)  # one who goes away takes it from nobody
        await app(scope, receive, send)


def guarded(app: Callable, hosts: Iterable[str] = ()) -> Guard:
    """An application that answers to loopback, EXPLORER_ALLOWED_HOSTS and `hosts` only, with or without EXPLORER_BASE_PATH before
    its paths. Raises InvalidValue."""
    return Guard(app, allowed_hosts(hosts), base_path())


def app(host: Host, hosts: Iterable[str] = ()) -> Guard:
    """The routes as an application of their own."""
    return guarded(Starlette(routes=routes(host)), hosts)


def nothing(host: Host, request: Request) -> Response:
    raise UnknownId("There is nothing here. GET /api/artifacts lists what is; /api/live is a WebSocket.")


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


def server(host: Host, hosts: Iterable[str] = ()) -> uvicorn.Server:
    """The uvicorn server of `app`. Raises InvalidValue."""
    return uvicorn.Server(configuration(app(host, hosts)))


def serve(host: Host, address: str = "127.0.0.1", port: int = 8502) -> None:
    """Serve the routes alone until interrupted. Raises PortInUse, InvalidValue."""
    running = server(host, [] if address in ("0.0.0.0", "::") else [address])
    sock = listen(address, port)
    shown = f"[{address}]" if ":" in address else address
    print(f"The API is on http://{shown}:{sock.getsockname()[1]}/api/health. Ctrl+C stops it.", file=sys.stderr, flush=True)
    running.run(sockets=[sock])
