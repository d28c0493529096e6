"""What the routes have in common: how they answer, and how they read what is asked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..core.errors import ExplorerError, InvalidValue, UnknownId

if TYPE_CHECKING:
    from ..host.host import Host

STATUS = {UnknownId: 404, InvalidValue: 400}  # any other ExplorerError is 409: what is there cannot be used


def endpoint(host: Host, function: Callable[[Host, Request], Response]) -> Callable:
    """`function` on a worker thread, its errors as JSON."""

    async def handle(request: Request) -> Response:
        try:
            return await run_in_threadpool(function, host, request)
        except ExplorerError as error:
            return refused(error)

    return handle


def refused(error: ExplorerError) -> Response:
    """An error as JSON, with its status."""
    return JSONResponse({"error": str(error), "kind": type(error).__name__}, STATUS.get(type(error), 409))


def binary(message: bytes) -> Response:
    return Response(message, media_type="application/octet-stream", headers={"Cache-Control": "no-cache"})


def attachment(data: bytes, name: str, media: str = "application/octet-stream") -> Response:
    """A file to download. The name is made of ids, which are safe: the host knew them."""
    return Response(data, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def plain(value: Any) -> Any:
    """A table's cell for JSON, which knows no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def ends(request: Request) -> tuple[str, str, str, float]:
    """(space, a, b, gamma) of a request. Raises InvalidValue where one is missing."""
    query = request.query_params
    missing = [name for name in ("a", "b", "gamma") if name not in query]
    if missing:
        raise InvalidValue(f"{', '.join(missing)} missing. Ask with ?a=<instance>&b=<instance>&gamma=<0 to 1>.")
    return request.path_params["id"], query["a"], query["b"], number(request, "gamma", 0.5)


def number(request: Request, name: str, default: float) -> float:
    text = request.query_params.get(name, str(default))
    try:
        return float(text)
    except ValueError as error:
        raise InvalidValue(f"{name} must be a number; got {text[:40]!r}.") from error


def choice(request: Request, name: str, known: tuple[str, ...], default: str) -> str:
    value = request.query_params.get(name, default)
    if value not in known:
        raise InvalidValue(f"{name} must be one of {', '.join(known)}; got {value[:40]!r}.")
    return value


def whole(request: Request, name: str, low: int, high: int, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise InvalidValue(f"{name} must be a whole number from {low} to {high}; got {text[:40]!r}.")
    return int(text)
