"""The routes before what they need is loaded: torch takes seconds, and the first page is served without it.

They are made by the first request; who asks meanwhile waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute, Route, Router, WebSocketRoute

if TYPE_CHECKING:
    from ..host.host import Host


class Later:
    """An ASGI application: the engine's routes over a host that is made by the first request."""

    def __init__(self, host: Callable[[], Host]):
        self.host = host
        self.router: Router | None = None
        self.lock = threading.Lock()

    def made(self) -> Router:
        with self.lock:
            if self.router is None:
                from .server import routes

                self.router = Router(routes(self.host()))
            return self.router

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (self.router or await run_in_threadpool(self.made))(scope, receive, send)


def routes(host: Callable[[], Host]) -> list[BaseRoute]:
    """What answers below /api. It belongs behind a guard, as `guard.guarded` puts one."""
    later = Later(host)
    return [WebSocketRoute("/api/live", later), Route("/api/{rest:path}", later)]
