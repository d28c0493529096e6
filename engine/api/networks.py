"""A network of a space as a file to download."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..host.export import network_bytes
from ..host.host import Host
from ..nets.export import formats, one_file
from .answers import attachment, choice, ends


def network(host: Host, request: Request) -> Response:
    """The network at `gamma` between `a` and `b` as a file: of a `format` of nets.export, a folder as a zip."""
    id_, a, b, gamma = ends(request)
    form = choice(request, "format", tuple(formats.names()), "safetensors")
    data = network_bytes(host, id_, a, b, gamma, request.query_params.get("path", "embedding"))
    suffix, content = host.run_long(one_file, data, form)
    return attachment(content, f"{id_}-{a}-{b}-{gamma:.3f}{suffix}")


ROUTES = {"/api/spaces/{id}/network": network}
