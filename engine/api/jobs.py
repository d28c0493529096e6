"""The jobs' routes; server.py mounts them. What changes something is checked as the live socket is: Host, Origin (guard.py),
and a body of at most 64 KiB, which is JSON and says so (a form of a foreign page cannot)."""

from __future__ import annotations

import json
import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..core.artifacts import Store
from ..core.errors import ExplorerError, InvalidValue, UnknownId
from ..jobs import views
from ..jobs.backends import keeper
from ..jobs.queue import Queue
from .answers import refused

BODY_BYTES = 64 << 10
ACTIONS = ("stop", "resume")
SINCE = re.compile(r"-?[0-9]{1,9}")


def job_routes(store: Store) -> list[Route]:
    """GET and POST /api/jobs, GET and DELETE /api/jobs/{id}, POST /api/jobs/{id}/stop and /resume."""
    return [
        Route("/api/jobs", endpoint(store, jobs), methods=["GET", "POST"]),
        Route("/api/jobs/{id}", endpoint(store, job), methods=["GET", "DELETE"]),
        Route("/api/jobs/{id}/{action}", endpoint(store, act), methods=["POST"]),
    ]


def endpoint(store: Store, function):
    """`function(store, request, body)` on a worker thread, its errors as JSON."""

    async def handle(request: Request) -> Response:
        try:
            body = await body_of(request) if request.method == "POST" else None
            return await run_in_threadpool(function, store, request, body)
        except ExplorerError as error:
            return refused(error)

    return handle


async def body_of(request: Request) -> dict:
    """The JSON object that was sent; {} for an empty body. Read only as far as it may be long. Raises InvalidValue."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_BYTES:
            raise InvalidValue(f"The request is too large: at most {BODY_BYTES >> 10} KiB.")
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise InvalidValue("Send JSON, with the header Content-Type: application/json.")
    try:
        body = json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"The request is not JSON ({str(error)[:80]}).") from error
    if not isinstance(body, dict):
        raise InvalidValue('The request is not a JSON object: {"kind": "lso", "config": {...}}.')
    return body


def jobs(store: Store, request: Request, body: dict | None) -> Response:
    """GET: the latest jobs, with ?live those that are not done. POST: queue one, or attach to the live one of the same spec."""
    if body is None:
        return JSONResponse({"jobs": views.live(store) if "live" in request.query_params else views.listed(store)})
    found, attached = views.submit(store, body)
    keeper(store).warm()
    return JSONResponse({"job": views.brief(Queue(store.workspace), found), "attached": attached}, 200 if attached else 201)


def job(store: Store, request: Request, body: None) -> Response:
    """GET: a job with its metrics above step `since`. DELETE: forget one that has ended."""
    if request.method == "DELETE":
        Queue(store.workspace).delete(request.path_params["id"])
        return JSONResponse({"deleted": request.path_params["id"]})
    since = request.query_params.get("since", "-1")
    if not SINCE.fullmatch(since):
        raise InvalidValue(f"since must be a step, a whole number; got {since[:40]!r}.")
    return JSONResponse(views.whole(store, request.path_params["id"], int(since), "log" in request.query_params))


def act(store: Store, request: Request, body: dict) -> Response:
    queue, id_, action = Queue(store.workspace), request.path_params["id"], request.path_params["action"]
    if action not in ACTIONS:
        raise UnknownId(f"A job can be told to {' or '.join(ACTIONS)}; got {action[:40]!r}.")
    found = queue.stop(id_) if action == "stop" else queue.resume(id_)
    keeper(store).warm()
    return JSONResponse({"job": views.brief(queue, found)})
