"""HTTP and WebSocket routes over the host (Starlette). They run inside the app, or alone: `python -m engine serve`.

Errors are JSON, {"error": a sentence with a remedy, "kind"}, 4xx. Binary answers are those of `frames.py`.

Legend: N instances, B images, H x W the PRep.
"""

from __future__ import annotations

import errno
import math
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from .archs import Architecture
from .datasets import SPLITS
from .errors import ExplorerError, InvalidValue, PortInUse, UnknownId
from .export import mesh_bytes, network_bytes
from .frames import frame, to_bytes
from .guard import Guard, allowed_hosts, base_path
from .host import Host, colour_range, live_images, prep_of
from .jobs.routes import job_routes
from .live import serve_live
from .netspace import kept
from .netspace.space import Network, Space
from .shapes import placed, sheet, viewing
from .shapes.measures import FORMATS

STATUS = {UnknownId: 404, InvalidValue: 400}  # any other ExplorerError is 409: what is there cannot be used
THUMBNAIL_WIDTH = 64
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]  # none but GET does anything
LONG = "public, max-age=2592000"


def routes(host: Host) -> list[BaseRoute]:
    """The routes. They belong behind a guard, as `guarded` puts one."""
    functions = {
        "/api/health": health,
        "/api/artifacts": artifacts,
        "/api/spaces/{id}": space,
        "/api/spaces/{id}/images": images,
        "/api/spaces/{id}/preps/{instance}": prep,
        "/api/spaces/{id}/thumbnails": thumbnails,
        "/api/spaces/{id}/network": network,
        "/api/spaces/{id}/sheet": contact_sheet,
        "/api/spaces/{id}/mesh": mesh,
        "/api/static/plotly.min.js": plotly,
        "/api/{rest:path}": nothing,  # last: what no route above knows
    }
    http = [Route(path, endpoint(host, function), methods=METHODS if function is nothing else ["GET"]) for path, function in functions.items()]
    return [WebSocketRoute("/api/live", serve_live(host)), *job_routes(host.store), *http]


def guarded(app: Callable, hosts: Iterable[str] = ()) -> Guard:
    """An application that answers to loopback, EXPLORER_ALLOWED_HOSTS and `hosts` only, with or without EXPLORER_BASE_PATH before
    its paths. Raises InvalidValue."""
    return Guard(app, allowed_hosts(hosts), base_path())


def app(host: Host, hosts: Iterable[str] = ()) -> Guard:
    """The routes as an application of their own."""
    return guarded(Starlette(routes=routes(host)), hosts)


def endpoint(host: Host, function: Callable[[Host, Request], Response]):
    """`function` on a worker thread, its errors as JSON."""

    async def handle(request: Request) -> Response:
        try:
            return await run_in_threadpool(function, host, request)
        except ExplorerError as error:
            return JSONResponse({"error": str(error), "kind": type(error).__name__}, STATUS.get(type(error), 409))

    return handle


def health(host: Host, request: Request) -> Response:
    return JSONResponse({"ok": True, "device": host.device_name(), "spaces": [manifest.id for manifest in host.store.manifests("netspace")], "loaded": host.loaded()})


def artifacts(host: Host, request: Request) -> Response:
    """What `list --json` prints, and the reason of each that cannot be used."""
    rows = [{"id": each.id, "kind": each.kind, "title": each.title, "metrics": each.metrics} for each in host.store.manifests()]
    return JSONResponse({"artifacts": rows, "broken": host.store.broken()})


def space(host: Host, request: Request) -> Response:
    """Manifest, instance table as columns, layers, PRep of a space; where its networks are classifiers their data set, and classes
    and images where that is here."""
    found = host.space(request.path_params["id"])
    config, data = found.config, found.images
    more = {} if found.is_shapes else {"dataset": found.dataset}
    if data is not None:
        _, channels, rows, cols = data.images["test"].shape
        counts = {split: len(data.labels[split]) for split in SPLITS}
        more = {"classes": data.classes, "images": {"title": data.title, "rows": rows, "cols": cols, "channels": channels, "live": live_images(data.images["test"].shape), **counts}}
    return JSONResponse(
        {
            "manifest": asdict(found.manifest),
            "architecture": about(found.arch),
            "architectures": [about(arch) for arch in found.archs],
            "instances": {str(name): [plain(value) for value in column.tolist()] for name, column in found.table.items()} | outside_columns(found),
            "layers": [{"name": entry.name, "shape": entry.shape, "start": entry.start, "stop": entry.stop} for entry in found.arch.layout],
            "prep": {"rows": config.prep_height, "cols": config.prep_width},
            "shapes": found.is_shapes,
            **more,
        }
    )


def outside_columns(found: Space) -> dict[str, list]:
    """How far outside of the zoo each instance lies, as columns: whether its marker is `hollow`, and what is said of it; None of
    those trained on."""
    return {name: [None if each is None else getattr(each, of) for each in found.outside_of_rows] for name, of in (("hollow", "hollow"), ("outside_words", "words"), ("neighbour_percentile", "percentile"), ("neighbour_multiple", "multiple"))}


def about(arch: Architecture) -> dict:
    return {"id": arch.id, "family": arch.family, "parameters": arch.parameters}


def images(host: Host, request: Request) -> Response:
    """The first `count` images of a split (by default those of a live answer), uint8 [B, rows, cols(, 3)], with labels."""
    found = host.space(request.path_params["id"])
    if found.is_shapes:
        raise InvalidValue(f"{found.id} holds shapes, which answer no images: ask for /api/spaces/{found.id}/sheet.")
    split = choice(request, "split", SPLITS, "test")
    data, total = found.needed_images(), len(found.needed_images().labels[split])
    count = whole(request, "count", 1, total, live_images(data.images[split].shape))
    pixels_BCHW = data.images[split][:count].cpu().numpy()
    atlas = np.moveaxis(to_bytes(pixels_BCHW, data.low, data.high), 1, -1)
    atlas = atlas[..., 0] if atlas.shape[-1] == 1 else atlas
    header = {"split": split, "n": count, "total": total, "labels": data.labels[split][:count].tolist(), "classes": data.classes}
    return binary(frame(header, {"images": atlas}))


def prep(host: Host, request: Request) -> Response:
    """The PRep of an instance as it is (`which=target`) or as the space decodes it (`predicted`), float32 [H, W]. The colour
    range is the target's either way."""
    found = host.space(request.path_params["id"])
    row = found.row(request.path_params["instance"])
    which = choice(request, "which", ("target", "predicted"), "target")
    target_P = found.parameters_NP[row][: found.arch_of(row).parameters]
    network = Network(found.arch_of(row), target_P) if which == "target" else host.run(found.predicted, row)
    high = colour_range(target_P.cpu().numpy())
    cells = prep_of(found, network.parameters_P)
    header = {"instance": request.path_params["instance"], "which": which, "architecture": network.arch.id, "parameters": network.arch.parameters, "prep": {"rows": cells.shape[0], "cols": cells.shape[1], "vmin": -high, "vmax": high}}
    return binary(frame(header, {"prep": cells}))


def thumbnails(host: Host, request: Request) -> Response:
    """A small PRep of each target in the table's order, uint8 [N, rows, cols], on one colour scale."""
    found = host.space(request.path_params["id"])
    small, high = small_preps(found)
    header = {"thumbnails": {"rows": small.shape[1], "cols": small.shape[2], "vmin": -high, "vmax": high}}
    return binary(frame(header, {"thumbnails": small}))


def small_preps(found: Space) -> tuple[np.ndarray, float]:
    """Each run of cells in a row by the one of largest magnitude, which keeps signs where a mean would be grey."""
    preps_NHW = np.stack([prep_of(found, parameters_P) for parameters_P in found.parameters_NP])
    count, height, width = preps_NHW.shape
    run = math.ceil(width / THUMBNAIL_WIDTH)
    padded = np.pad(preps_NHW, ((0, 0), (0, 0), (0, -width % run))).reshape(count, height, -1, run)
    largest = np.take_along_axis(padded, np.abs(padded).argmax(-1)[..., None], -1)[..., 0]
    high = colour_range(largest)
    return to_bytes(largest, -high, high), high


def network(host: Host, request: Request) -> Response:
    """The network at `gamma` between `a` and `b` as a .safetensors file to take away."""
    id_, a, b, gamma = ends(request)
    data = network_bytes(host, id_, a, b, gamma, request.query_params.get("path", "embedding"))
    return attachment(data, f"{id_}-{a}-{b}-{gamma:.3f}.safetensors")


def contact_sheet(host: Host, request: Request) -> Response:
    """A small picture of each target of a space of shapes, in the table's order, and of each shape kept or placed in it (`sheets`: the
    ids of each, and how its pictures lie in the WebP file of that name)."""
    found = viewing.shapes(host, request.path_params["id"]).space
    ids = found.table["id"].tolist()
    own = (found.table["split"] != kept.SPLIT).sum()
    artifacts = [(ids[:own], sheet.sheet(host.store, host.store.open(found.id), found.parameters_NP[:own], found.arch))]
    for id_, parameters_P in zip(ids[own:], found.parameters_NP[own:]):
        artifacts.append(([id_], sheet.sheet(host.store, host.store.open(id_), parameters_P[None], found.arch)))
    for each in placed.listed(host.store, found.id):
        artifacts.append(([each.id], host.store.open(each.id).arrays(sheet.FILE)))
    header, arrays = {"sheets": []}, {}
    for number, (ids, drawn) in enumerate(artifacts):
        columns, side, _ = drawn["grid"].tolist()
        header["sheets"].append({"webp": f"webp{number}", "ids": ids, "columns": columns, "side": side, "drawn": sheet.RENDERERS[int(drawn["drawn"][0])]})
        arrays[f"webp{number}"] = drawn["webp"]
    return binary(frame(header, arrays))


def mesh(host: Host, request: Request) -> Response:
    """The mesh that a view shows, as a GLB, PLY, STL or OBJ file to take away."""
    id_, a, b, gamma = ends(request)
    form = choice(request, "format", FORMATS, "glb")
    path = request.query_params.get("path", "embedding")
    resolution = whole(request, "resolution", viewing.MIN_RESOLUTION, viewing.MAX_RESOLUTION, 128)
    data = mesh_bytes(host, viewing.View(id_, a, b, gamma, path, resolution, number(request, "level", 0.0)), form)
    return attachment(data, f"{id_}-{a}-{b}-{gamma:.3f}-{path}.{form}")


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
        raise InvalidValue(f"{name} is a number; got {text[:40]!r}.") from error


def attachment(data: bytes, name: str) -> Response:
    """A file to take away. The name is made of ids, which are safe: the host knew them."""
    return Response(data, media_type="application/octet-stream", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def plotly(host: Host, request: Request) -> Response:
    """Plotly's own bundle, from the installed package."""
    from importlib.util import find_spec

    spec = find_spec("plotly")
    assert spec is not None and spec.origin is not None, "plotly is in requirements.txt"
    return FileResponse(Path(spec.origin).parent / "package_data" / "plotly.min.js", media_type="text/javascript", headers={"Cache-Control": LONG})


def nothing(host: Host, request: Request) -> Response:
    raise UnknownId("There is nothing here. GET /api/artifacts lists what is; /api/live is a WebSocket.")


def binary(message: bytes) -> Response:
    return Response(message, media_type="application/octet-stream", headers={"Cache-Control": "no-cache"})


def plain(value):
    """A table's cell for JSON, which knows no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def choice(request: Request, name: str, known: tuple[str, ...], default: str) -> str:
    value = request.query_params.get(name, default)
    if value not in known:
        raise InvalidValue(f"{name} is one of {', '.join(known)}; got {value[:40]!r}.")
    return value


def whole(request: Request, name: str, low: int, high: int, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise InvalidValue(f"{name} is a whole number from {low} to {high}; got {text[:40]!r}.")
    return int(text)


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
            raise PortInUse(f"Port {port} is in use: stop what runs there, or choose another with --port {port + 1 if port < 65535 else 8501}.") from error
        raise InvalidValue(f"Cannot listen on {address!r}, port {port} ({error.strerror or error}). Use 127.0.0.1 and a port above 1023.") from error
    return sock


def server(host: Host, hosts: Iterable[str] = ()):
    """The uvicorn server of `app`. Raises InvalidValue."""
    import uvicorn

    from .wire import configuration

    return uvicorn.Server(configuration(app(host, hosts)))


def serve(host: Host, address: str = "127.0.0.1", port: int = 8502) -> None:
    """Serve the routes alone until interrupted. Raises PortInUse, InvalidValue."""
    running = server(host, [] if address in ("0.0.0.0", "::") else [address])
    sock = listen(address, port)
    shown = f"[{address}]" if ":" in address else address
    print(f"The API is on http://{shown}:{sock.getsockname()[1]}/api/health. Ctrl+C stops it.", file=sys.stderr, flush=True)
    running.run(sockets=[sock])
