"""Films of a walk between two anchors, and filmstrips."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..core.errors import ExplorerError, InvalidValue, Stopped
from ..film.files import FORMS
from ..film.walk import MOST, RATE, THEMES, Walk
from ..host.films import film
from ..host.host import Host
from .answers import attachment, choice, refused, whole

PATH = "/api/spaces/{id}/film"
ASKED = 0.1  # seconds between two looks at whether anyone still waits
TEXT = re.compile(r"[-0-9._]*")


def walk_of(request: Request) -> Walk:
    """The walk that a request asks for. Raises InvalidValue."""
    query = request.query_params
    if missing := [name for name in ("a", "b", "gammas") if name not in query]:
        raise InvalidValue(f"{', '.join(missing)} missing. Ask with ?a=<instance>&b=<instance>&gammas=0_0.5_1, a gamma for each frame.")
    return Walk(
        request.path_params["id"],
        query["a"],
        query["b"],
        numbers(request, "gammas"),
        numbers(request, "levels"),
        whole(request, "rate", 1, 30, RATE),
        choice(request, "theme", THEMES, THEMES[0]),
        query.get("camera"),
        query.get("way", "aligned"),
        query.get("played", "1") == "1",
    )


def numbers(request: Request, name: str) -> tuple[float, ...]:
    text = request.query_params.get(name, "")
    parts = text.split("_") if text else []
    try:
        if len(parts) > MOST or not TEXT.fullmatch(text):
            raise ValueError
        return tuple(float(part) for part in parts)
    except ValueError as error:
        raise InvalidValue(f"{name} must be at most {MOST} numbers with _ between them; got {text[:40]!r}.") from error


def endpoint(host: Host) -> Callable:
    """One film at a time; one for which nobody waits any more is not finished."""
    turn = asyncio.Semaphore(1)

    async def handle(request: Request) -> Response:
        try:
            form, walk = choice(request, "format", tuple(FORMS), "gif"), walk_of(request)
            gone = threading.Event()
            watching = asyncio.create_task(watch(request, gone))
            try:
                async with turn:
                    data = await asyncio.to_thread(film, host, walk, form, gone.is_set)
            finally:
                watching.cancel()
        except Stopped:
            return JSONResponse({"error": "The film was stopped.", "kind": "Stopped"}, 409)  # nobody reads it
        except ExplorerError as error:
            return refused(error)
        return attachment(data, f"{walk.space}-{walk.a}-{walk.b}.{form}", FORMS[form])

    return handle


async def watch(request: Request, gone: threading.Event) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(ASKED)
    gone.set()


def film_routes(host: Host) -> list[Route]:
    return [Route(PATH, endpoint(host), methods=["GET"])]
