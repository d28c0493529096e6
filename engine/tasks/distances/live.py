"""What a person sees of a shape while a thumb moves: its surface, and how like others it is.

Legend: N networks, K others, M cells of the grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...core.errors import InvalidValue
from ...nets.answers import wilson
from .measuring import mesh_of
from .meshing import Mesh, NoSurface
from .networks import GRID, grid, insides_at, layers_of, sample

LIVE_RESOLUTION = 64  # up to here a mesh is made between two frames of a drag; finer ones are made elsewhere (Host.run_long)
MIN_RESOLUTION, MAX_RESOLUTION = 16, 256


def check_resolution(value: object) -> int:
    """Nodes an axis of a mesh. Raises InvalidValue."""
    if isinstance(value, bool) or not isinstance(value, int) or not MIN_RESOLUTION <= value <= MAX_RESOLUTION:
        raise InvalidValue(
            f"resolution must be a whole number from {MIN_RESOLUTION} to {MAX_RESOLUTION} (nodes per axis); got {str(value)[:40]!r}."
        )
    return value


def look(host: Any, found: Any, question: Mapping[str, Any]) -> tuple[dict, dict[str, np.ndarray]]:
    """The surface of a network: vertices [V, 3] and faces [F, 3]; `surface` is "outside" or "inside" where there is none. Raises
    InvalidValue, NonFiniteField."""
    resolution = check_resolution(question.get("resolution", 48))
    run = host.run if resolution <= LIVE_RESOLUTION else host.run_long
    made: Mesh | NoSurface = run(mesh_of, found.network.parameters_P.to(host.device), found.network.arch, resolution)
    if not isinstance(made, Mesh):
        return {"resolution": resolution, "surface": made.side}, {}
    return {"resolution": resolution, "surface": "mesh"}, {"vertices": made.vertices_V3, "faces": made.faces_F3.astype(np.uint32)}


def between(host: Any, found: Sequence[Any], ends: Mapping[str, Any], question: Mapping[str, Any]) -> tuple[dict, list[dict]]:
    """The IoU of each shape with the nearest of others: on a sample of the grid's cells, or with "cells": "all" on all of them. Its
    interval is that of a share of the union's cells."""
    if (cells := question.get("cells")) not in (None, "all"):
        raise InvalidValue(f'cells is "all" or left out (a sample of {len(sample()):,}); got {str(cells)[:40]!r}.')
    run = host.run_long if cells else host.run

    def inside(network: Any) -> Tensor:
        layers = layers_of(network.parameters_P[None].to(host.device), network.arch)
        return insides_at(layers, grid() if cells else grid()[sample()])[0]

    kept = host.loaded_space(found[0].space.id)
    end_KM = torch.stack([kept.once(("inside", name, cells), partial(run, inside, end)) for name, end in ends.items()])
    inside_NM = run(lambda: torch.stack([inside(each.network) for each in found]))
    both_NK, union_NK = ((op(inside_NM[:, None], end_KM)).sum(-1) for op in (torch.logical_and, torch.logical_or))
    basis = {"n": inside_NM.shape[1], "total": GRID**3, "dtype": "float32", "on": "cells of a grid"}
    return basis, [figure(*each) for each in zip(both_NK.tolist(), union_NK.tolist())]


def figure(both_K: list[int], union_K: list[int]) -> dict:
    """The highest IoU, and each of them (`to`); None where both shapes are empty."""
    to_K = [both / union if union else None for both, union in zip(both_K, union_K)]
    if all(each is None for each in to_K):
        return {"value": None, "to": to_K}
    value, nearest = max((each, k) for k, each in enumerate(to_K) if each is not None)
    low, high = wilson(both_K[nearest], union_K[nearest])
    return {"value": value, "low": low, "high": high, "to": to_K}
