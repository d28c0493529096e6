"""A space and the PReps of its instances.

Legend: N instances, H x W the PRep.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..archs import Architecture
from ..core.frames import frame
from ..datasets import SPLITS
from ..host.host import Host, colour_range, prep_of
from ..kinds.netspace import kept
from ..kinds.netspace.space import Network, Space
from ..tasks.images.live import live_images
from ..tasks.zoo import evenly
from .answers import binary, choice, plain, whole

MANY = 10**9 - 1


def space(host: Host, request: Request) -> Response:
    """Manifest, instance table as columns, layers, PRep of a space; where its networks are classifiers their data set, and classes
    and images where that is here. `most`: of more instances so many, evenly spaced, and those that were kept."""
    found = host.space(request.path_params["id"])
    listed = some(found, whole(request, "most", 0, MANY, MANY))
    config, data = found.config, found.images
    more: dict = {"dataset": found.dataset} if found.dataset else {}
    if data is not None:
        _, channels, rows, cols = data.images["test"].shape
        counts = {split: len(data.labels[split]) for split in SPLITS}
        more = {
            "classes": data.classes,
            "images": {
                "title": data.title,
                "rows": rows,
                "cols": cols,
                "channels": channels,
                "live": live_images(data.images["test"].shape),
                **counts,
            },
        }
    return JSONResponse(
        {
            "manifest": asdict(found.manifest),
            "architecture": about(found.arch),
            "architectures": [about(arch) for arch in found.archs],
            "instances": {str(name): [plain(value) for value in column.iloc[listed].tolist()] for name, column in found.table.items()}
            | outside_columns(found, listed),
            "total": len(found.table),
            "layers": [{"name": entry.name, "shape": entry.shape, "start": entry.start, "stop": entry.stop} for entry in found.arch.layout],
            "prep": {"rows": config.prep_height, "cols": config.prep_width},
            "shapes": found.task.surfaces,
            **more,
        }
    )


def some(found: Space, most: int) -> np.ndarray:
    """Rows of the table, all of them where they are no more than `most`; else so many of its own, and those that were kept."""
    count = len(found.table)
    if count <= most or not most:
        return np.arange(count if most else 0)
    kept_N = found.table["split"].isin(list(kept.FOUND)).to_numpy()
    return np.concatenate([evenly(int((~kept_N).sum()), most), np.flatnonzero(kept_N)])  # those that were kept are the last


def outside_columns(found: Space, rows: np.ndarray) -> dict[str, list]:
    """How far outside of the zoo each instance lies, as columns: whether its marker is `hollow`, and what is said of it; None of
    those trained on."""
    outside = found.outside_of(rows)
    return {
        name: [None if each is None else getattr(each, of) for each in outside]
        for name, of in (
            ("hollow", "hollow"),
            ("outside_words", "words"),
            ("neighbour_percentile", "percentile"),
            ("neighbour_multiple", "multiple"),
        )
    }


def about(arch: Architecture) -> dict:
    return {"id": arch.id, "family": arch.family, "parameters": arch.parameters}


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
    header = {
        "instance": request.path_params["instance"],
        "which": which,
        "architecture": network.arch.id,
        "parameters": network.arch.parameters,
        "prep": {"rows": cells.shape[0], "cols": cells.shape[1], "vmin": -high, "vmax": high},
    }
    return binary(frame(header, {"prep": cells}))


ROUTES = {
    "/api/spaces/{id}": space,
    "/api/spaces/{id}/preps/{instance}": prep,
}
