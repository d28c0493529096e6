"""What is here: the device, the artifacts, the scripts that pages need."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from ..host.host import Host

LONG = "public, max-age=2592000"


def health(host: Host, request: Request) -> Response:
    return JSONResponse(
        {
            "ok": True,
            "device": host.device_name(),
            "spaces": [manifest.id for manifest in host.store.manifests("netspace")],
            "loaded": host.loaded(),
        }
    )


def artifacts(host: Host, request: Request) -> Response:
    """What `list --json` prints, and the reason of each that cannot be used."""
    rows = [{"id": each.id, "kind": each.kind, "title": each.title, "metrics": each.metrics} for each in host.store.manifests()]
    return JSONResponse({"artifacts": rows, "broken": host.store.broken()})


def plotly(host: Host, request: Request) -> Response:
    """Plotly's own bundle, from the installed package."""
    spec = find_spec("plotly")
    assert spec is not None and spec.origin is not None, "plotly is in requirements.txt"
    return FileResponse(
        Path(spec.origin).parent / "package_data" / "plotly.min.js", media_type="text/javascript", headers={"Cache-Control": LONG}
    )


ROUTES = {"/api/health": health, "/api/artifacts": artifacts, "/api/static/plotly.min.js": plotly}
