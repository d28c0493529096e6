"""The routes together, behind their guard, and the server that serves them alone."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from ..core.collected import collected
from ..core.errors import UnknownId
from ..host.host import Host
from ..host.live import serve_live
from .answers import endpoint
from .guard import Guard, guarded
from .jobs import job_routes
from .listening import listen
from .wire import configuration

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]  # none but GET does anything


def routes(host: Host) -> list[BaseRoute]:
    """The routes. They belong behind a guard, as `guarded` puts one."""
    from . import __name__ as package
    from . import __path__ as paths

    functions = {path: function for of_file in collected(package, paths, "ROUTES") for path, function in of_file.items()}
    http = [Route(path, endpoint(host, function), methods=["GET"]) for path, function in functions.items()]
    rest = Route("/api/{rest:path}", endpoint(host, nothing), methods=METHODS)  # last: what no route before it knows
    return [WebSocketRoute("/api/live", serve_live(host)), *job_routes(host.store), *http, rest]


def app(host: Host, hosts: Iterable[str] = ()) -> Guard:
    """The routes as an application of their own."""
    return guarded(Starlette(routes=routes(host)), hosts)


def nothing(host: Host, request: Request) -> Response:
    raise UnknownId("There is nothing here. GET /api/artifacts lists what is; /api/live is a WebSocket.")


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
