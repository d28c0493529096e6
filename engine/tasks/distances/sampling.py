"""Points with their signed distances, drawn as DeepSDF draws them: near the surface and in the cube.

Half of the points lie inside, half outside, in turn (inside at even places), so that every slice of a set is itself
such a set: a training batch is a slice, and needs no shuffling.

Shape suffixes: Q queries, 3 coordinates.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ...core.errors import ExplorerError

NEAR_SHARE = 0.9  # of the candidates; the rest is uniform in the cube
NEAR_SPREADS = (0.05, 0.0158)  # standard deviations about the surface: DeepSDF's variances 0.0025 and 0.00025
MAX_ROUNDS = 40  # of drawing candidates, before a shape is said to have no inside


class Samples(NamedTuple):
    """``points_Q3`` in the cube [-1, 1]^3 and their signed distances ``sdf_Q`` (negative inside), both float32."""

    points_Q3: np.ndarray
    sdf_Q: np.ndarray


class NoInside(ExplorerError):
    """The shape has no inside, or no outside within the cube, so half of the queries cannot be drawn."""


def draw(
    sdf: Callable[[np.ndarray], np.ndarray],
    surface: Callable[[int, np.random.Generator], np.ndarray],
    count: int,
    seed: int,
    near_share: float = NEAR_SHARE,
    near_spreads: tuple[float, ...] = NEAR_SPREADS,
) -> Samples:
    """``count`` queries (rounded up to even) of a shape, the same for the same seed.

    ``sdf`` maps points (Q, 3) to distances (Q,), ``surface(count, rng)`` draws points on the surface. Raises
    :class:`NoInside` where one of the two halves stays empty, as for an open sheet.
    """
    rng = np.random.default_rng([0x5DF, seed])
    half = (count + 1) // 2
    inside: list[np.ndarray] = []
    outside: list[np.ndarray] = []
    for _ in range(MAX_ROUNDS):
        points_Q3 = _candidates(surface, 2 * half, near_share, near_spreads, rng)
        sdf_Q = sdf(points_Q3)
        queries_Q4 = np.concatenate([points_Q3, sdf_Q[:, None]], -1).astype(np.float32)
        inside.append(queries_Q4[sdf_Q < 0])
        outside.append(queries_Q4[sdf_Q >= 0])
        if min(sum(map(len, inside)), sum(map(len, outside))) >= half:
            return _interleave(np.concatenate(inside)[:half], np.concatenate(outside)[:half])
    raise NoInside(
        "no point was found on one side of the surface; a shape must enclose a volume smaller than the cube "
        "(close the mesh, or give its faces a thickness)"
    )


def balanced(inside_Q4: np.ndarray, outside_Q4: np.ndarray, count: int, seed: int) -> Samples:
    """``count`` queries (rounded up to even) from tables of inside and outside samples (x, y, z, distance), as DeepSDF
    keeps them: without repetition where there are enough, else with. Raises :class:`NoInside` where one is empty."""
    if not len(inside_Q4) or not len(outside_Q4):
        raise NoInside("the samples lie on one side of the surface only; both 'pos' and 'neg' need rows")
    rng = np.random.default_rng([0xBA1, seed])
    half = (count + 1) // 2
    pick = [table[rng.choice(len(table), half, replace=len(table) < half)] for table in (inside_Q4, outside_Q4)]
    return _interleave(*pick)


def _candidates(surface, count, near_share, near_spreads, rng) -> np.ndarray:
    near = round(count * near_share)
    spread = rng.choice(near_spreads, near)[:, None]
    near_Q3 = surface(near, rng) + spread * rng.standard_normal((near, 3))
    points_Q3 = np.concatenate([near_Q3, rng.uniform(-1, 1, (count - near, 3))])
    points_Q3 = points_Q3[(abs(points_Q3) <= 1).all(-1)]
    return rng.permutation(points_Q3).astype(np.float32)


def _interleave(inside_Q4: np.ndarray, outside_Q4: np.ndarray) -> Samples:
    both_Q4 = np.stack([inside_Q4, outside_Q4], 1).reshape(-1, 4)
    return Samples(both_Q4[:, :3].astype(np.float32), both_Q4[:, 3].astype(np.float32))
