"""The pictures and meshes of a space of shapes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ..core.frames import frame
from ..host import shapes as viewing
from ..host.export import mesh_bytes
from ..host.host import Host
from ..kinds.netspace import kept, placed_shapes
from ..tasks.distances import sheet
from ..tasks.distances.live import MAX_RESOLUTION, MIN_RESOLUTION
from ..tasks.distances.measures import FORMATS
from .answers import attachment, binary, choice, ends, number, whole


def contact_sheet(host: Host, request: Request) -> Response:
    """A small picture of each target of a space of shapes, in the table's order (of very many, some that lie evenly in it), and of each
    shape kept or placed in it (`sheets`: the ids of each, and how its pictures lie in the WebP file of that name)."""
    found = viewing.shapes(host, request.path_params["id"]).space
    ids = found.table["id"].tolist()
    own = (~found.table["split"].isin(list(kept.FOUND))).sum()
    whole_sheet = sheet.sheet(host.store, host.store.open(found.id), found.parameters_NP[:own], found.arch)
    artifacts = [([ids[row] for row in sheet.rows_of(int(own), int(whole_sheet["grid"][2]))], whole_sheet)]
    for id_, parameters_P in zip(ids[own:], found.parameters_NP[own:]):
        artifacts.append(([id_], sheet.sheet(host.store, host.store.open(id_), parameters_P[None], found.arch)))
    for each in placed_shapes.listed(host.store, found.id):
        artifacts.append(([each.id], host.store.open(each.id).arrays(sheet.FILE)))
    header, arrays = {"sheets": []}, {}
    for index, (ids, drawn) in enumerate(artifacts):
        columns, side, _ = drawn["grid"].tolist()
        header["sheets"].append(
            {"webp": f"webp{index}", "ids": ids, "columns": columns, "side": side, "drawn": sheet.RENDERERS[int(drawn["drawn"][0])]}
        )
        arrays[f"webp{index}"] = drawn["webp"]
    return binary(frame(header, arrays))


def mesh(host: Host, request: Request) -> Response:
    """The mesh that a view shows, as a GLB, PLY, STL or OBJ file."""
    id_, a, b, gamma = ends(request)
    form = choice(request, "format", FORMATS, "glb")
    path = request.query_params.get("path", "embedding")
    resolution = whole(request, "resolution", MIN_RESOLUTION, MAX_RESOLUTION, 128)
    data = mesh_bytes(host, viewing.View(id_, a, b, gamma, path, resolution, number(request, "level", 0.0)), form)
    return attachment(data, f"{id_}-{a}-{b}-{gamma:.3f}-{path}.{form}")


ROUTES = {"/api/spaces/{id}/sheet": contact_sheet, "/api/spaces/{id}/mesh": mesh}
