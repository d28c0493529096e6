"""The plane through three instances: the networks at some of its places, and what their task measures of them.

Legend: M places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..core.errors import InvalidValue
from ..kinds.netspace.plane import plane
from ..kinds.netspace.space import Network
from .host import NONE, Host, Step, on_cpu, row_of


def networks(
    host: Host, space_id: str, corners: Sequence[str], path: str, places: Sequence[tuple[float, float]]
) -> tuple[list[Step], dict[str, Network]]:
    """The networks at M places (u, v) of the plane (netspace/plane.py), not measured, and the corners' own. Raises UnknownId,
    InvalidValue."""
    loaded = host.loaded_space(space_id)
    if not isinstance(corners, list) or len(corners) != 3:
        raise InvalidValue(f"A plane goes through three networks, A, B and C; got {str(corners)[:60]!r}.")
    a, b, c = (row_of(loaded, each) for each in corners)
    through = plane(loaded.space, (a, b, c), path)
    found = host.run(through.networks, torch.tensor(places, dtype=torch.float32))
    steps = [Step(loaded.space, 0.0, path, on_cpu(each), NONE, NONE, 0) for each in found]
    return steps, {name: on_cpu(loaded.space.target(row)) for name, row in zip(corners, (a, b, c))}


def measured(
    host: Host, space_id: str, corners: Sequence[str], path: str, places: Sequence[tuple[float, float]], question: Mapping[str, Any]
) -> tuple[list[Step], dict, list[dict]]:
    """(the networks, on what they are measured, a figure each): see `Task.between`. Raises UnknownId, InvalidValue, DataMissing."""
    steps, own = networks(host, space_id, corners, path, places)
    return steps, *steps[0].space.task.between(host, steps, own, question)
