"""The plane through three networks of a space. Ours, after the planes of Garipov et al. (2018) through three sets of weights.

Legend: M places, 3 corners A, B, C, E embedding, P parameters, D either of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...core.errors import InvalidValue
from ...tasks.task import PATHS
from .space import Network, Space

FLAT = 1e-4  # share of the longest side: a triangle whose longest side is no shorter than the others together has no width
FARTHEST = 4.0  # sides from A, to which a place may lie outside of the triangle


@dataclass(frozen=True)
class Plane:
    """A + u (B - A) + v (C - A), of three instances' embeddings, of their own weights, or of these once B's and C's units are in A's
    order."""

    space: Space
    rows: tuple[int, int, int]
    path: str
    corners_3D: Tensor

    @torch.no_grad()
    def networks(self, places_M2: Tensor) -> list[Network]:
        """The networks at places (u, v)."""
        u_M, v_M = places_M2.to(self.corners_3D).unbind(1)
        mixed_MD = torch.stack([1 - u_M - v_M, u_M, v_M], 1) @ self.corners_3D
        if self.path == "embedding":
            return self.space.decoded(mixed_MD)
        arch = self.space.arch_of(self.rows[0])
        return [Network(arch, mixed_P[: arch.parameters]) for mixed_P in mixed_MD]


def plane(space: Space, rows: tuple[int, int, int], path: str = "embedding") -> Plane:
    """The plane through three rows of a space's table. Raises InvalidValue where two are the same, where there is no such path, and on a
    path of weights where they are of several architectures."""
    if len(set(rows)) < 3:
        raise InvalidValue("A plane goes through three different networks: choose another A, B or C.")
    if path not in PATHS or path not in space.task.paths:
        raise InvalidValue(f"There is no plane of {str(path)[:40]!r}: use one of {', '.join(PATHS)}.")
    if path == "embedding":
        return wide(Plane(space, rows, path, space.embeddings_NE[list(rows)]))
    archs = {space.arch_of(row).id for row in rows}
    if len(archs) > 1:
        raise InvalidValue(f"The weights of {', '.join(sorted(archs))} cannot be mixed: ask for the plane of embeddings.")
    corners_3P = space.parameters_NP[list(rows)]
    if path == "aligned":
        corners_3P = torch.stack([corners_3P[0], *(space.aligned(rows[0], row, False) for row in rows[1:])])
    return wide(Plane(space, rows, path, corners_3P))


def wide(through: Plane) -> Plane:
    """The same plane. Raises InvalidValue where its corners lie on one line."""
    sides_3D = through.corners_3D.roll(-1, 0) - through.corners_3D
    *shorter, longest = sorted(torch.linalg.vector_norm(sides_3D, dim=1).tolist())
    if sum(shorter) - longest <= FLAT * longest:
        raise InvalidValue("A, B and C lie on one line: choose three networks that do not.")
    return through
