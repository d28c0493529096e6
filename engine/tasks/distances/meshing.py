"""SDF network -> triangles: marching cubes over a grid that is asked only where the surface can be.

The grid has R nodes an axis over the cube [-1, 1]^3. Its cells are grouped into blocks, large ones first. A block whose
centre has the value v is passed over where |v - level| > L d, with d its half diagonal and L a bound on the slope; the
others are halved, down to blocks of 2 x 2 x 2 cells, and only the nodes of those are evaluated.

The bound is checked, not assumed, since a decoded network can be steeper than a distance. L is the steepest gradient
measured at the centres of the block and its 26 neighbours (of about 4 000 first blocks), times a safety margin. Then
every halved block must confirm it (centre against centre), and at the end no cell of a block passed over may be crossed
by the surface. Where either fails, the margin grows; where it grows beyond use, or little can be passed over, the whole
grid is evaluated. What a check cannot see is a closed piece of surface wholly inside of blocks passed over, where the
network is steeper than the margin times anything measured around it. ``lipschitz`` gives a bound that is known.

Every evaluation is in batches of one size, so a node's value does not depend on who else is asked, and the triangles
equal those of :func:`mesh_dense` bit for bit.

Shape suffixes: M points, K blocks, V vertices, F faces, R nodes an axis, 3 coordinates or indices.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from skimage.measure import marching_cubes
from torch import Tensor

from ...core.errors import ExplorerError, InvalidValue

Field = Callable[[Tensor], Tensor]  # points (M, 3) -> values (M,), negative inside

BATCH = 2048  # points evaluated at once: 256 hidden units of them fit the cache
MAX_RESOLUTION = 512
FIRST_BLOCKS = 16  # an axis, about
LAST_SIDE = 2  # cells along the smallest blocks
MARGIN, MARGIN_GROWTH, MAX_MARGIN = 1.25, 1.6, 10.0
DENSE_SHARE = 0.8  # of the nodes: from here on the whole grid is cheaper


class NonFiniteField(ExplorerError):
    """The network answers with a NaN or an infinity somewhere in the cube."""


@dataclass(frozen=True)
class Mesh:
    """Triangles in the cube, their corners counter-clockwise seen from outside.

    ``evaluated`` is the number of points at which the network was asked, ``sparse`` whether that was less than all.
    """

    vertices_V3: np.ndarray  # float32
    faces_F3: np.ndarray  # int32
    evaluated: int = 0
    sparse: bool = False


@dataclass(frozen=True)
class NoSurface:
    """The level is not reached anywhere on the grid: all of it lies outside of the shape, or all of it inside."""

    side: Literal["outside", "inside"]
    evaluated: int = 0


def mesh(
    field: Field, resolution: int, level: float = 0.0, lipschitz: float | None = None, device: str | torch.device = "cpu"
) -> Mesh | NoSurface:
    """The surface ``field = level`` on a grid of ``resolution`` nodes an axis (8 to 512), sparsely evaluated.

    Without ``lipschitz`` the field must be differentiable by torch. Raises InvalidValue for a resolution or level that
    is none, :class:`NonFiniteField` where the network does not answer with numbers.
    """
    _check(resolution, level)
    margin, evaluated = MARGIN, 0
    while margin <= MAX_MARGIN:
        active_bbb, sign_bbb, asked = _surviving_blocks(field, resolution, level, lipschitz, margin, device)
        evaluated += asked
        if active_bbb is not None and sign_bbb is not None:
            nodes_RRR = _nodes_of(active_bbb, resolution)
            if nodes_RRR.mean() > DENSE_SHARE:
                break
            volume_RRR = np.where(_upsample(sign_bbb, LAST_SIDE, resolution), np.float32(level + 1), np.float32(level - 1))
            wanted_M = np.flatnonzero(nodes_RRR)
            volume_RRR.reshape(-1)[wanted_M] = _evaluate(field, wanted_M, resolution, device)
            evaluated += len(wanted_M)
            cells_ccc = _upsample(active_bbb, LAST_SIDE, resolution - 1)
            if not (_crossed(volume_RRR <= level) & ~cells_ccc).any():
                return _march(volume_RRR, level, evaluated, mask=nodes_RRR)
            if lipschitz is not None:
                break  # the bound that was given does not hold: trust nothing
        margin *= MARGIN_GROWTH
    return mesh_dense(field, resolution, level, device, evaluated)


def mesh_dense(
    field: Field, resolution: int, level: float = 0.0, device: str | torch.device = "cpu", evaluated: int = 0
) -> Mesh | NoSurface:
    """The same surface from the whole grid, evaluated in batches that fit the cache; the yardstick of :func:`mesh`."""
    _check(resolution, level)
    count = resolution**3
    volume_M = _evaluate(field, np.arange(count), resolution, device)
    return _march(volume_M.reshape((resolution,) * 3), level, evaluated + count)


def grid_values(field: Field, resolution: int, device: str | torch.device = "cpu") -> np.ndarray:
    """Values (R, R, R) at the nodes of the grid, x first."""
    _check(resolution, 0.0)
    return _evaluate(field, np.arange(resolution**3), resolution, device).reshape((resolution,) * 3)


def numpy_field(function: Callable[[np.ndarray], np.ndarray]) -> Field:
    """A numpy function of points (M, 3) as a field. It has no gradient: :func:`mesh` needs its ``lipschitz`` (1 for a
    signed distance)."""
    return lambda points: torch.from_numpy(np.asarray(function(points.cpu().numpy()), np.float32)).to(points.device)


def _check(resolution: int, level: float) -> None:
    if not isinstance(resolution, int) or not 8 <= resolution <= MAX_RESOLUTION:
        raise InvalidValue(f"The resolution is a whole number from 8 to {MAX_RESOLUTION}, not {resolution!r}.")
    if not np.isfinite(level):
        raise InvalidValue(f"The level is a finite number, not {level!r}.")


def _march(volume_RRR: np.ndarray, level: float, evaluated: int, mask: np.ndarray | None = None) -> Mesh | NoSurface:
    inside = volume_RRR <= level
    if not inside.any() or inside.all():
        return NoSurface("inside" if inside.all() else "outside", evaluated)
    spacing = 2 / (len(volume_RRR) - 1)
    try:
        vertices_V3, faces_F3, _, _ = marching_cubes(volume_RRR, level, spacing=(spacing,) * 3, gradient_direction="descent", mask=mask)
    except RuntimeError:  # it touches the level in single nodes, and encloses nothing
        return NoSurface("outside" if inside.mean() < 0.5 else "inside", evaluated)
    return Mesh((vertices_V3 - 1).astype(np.float32), np.ascontiguousarray(faces_F3), evaluated, mask is not None)


def _evaluate(field: Field, nodes_M: np.ndarray, resolution: int, device) -> np.ndarray:
    """Values (M,) at the nodes of these flat indices."""
    axis = np.linspace(-1, 1, resolution, dtype=np.float32)
    values_M = np.empty(len(nodes_M), np.float32)
    points_M3 = np.zeros((BATCH, 3), np.float32)  # always a full batch: its size must not change a node's value
    with torch.inference_mode():
        for start in range(0, len(nodes_M), BATCH):
            batch_M = nodes_M[start : start + BATCH]
            for column, index_M in enumerate(np.unravel_index(batch_M, (resolution,) * 3)):
                points_M3[: len(batch_M), column] = axis[index_M]
            values = field(torch.from_numpy(points_M3).to(device))
            values_M[start : start + BATCH] = values[: len(batch_M)].cpu().numpy()
    return _finite(values_M)


def _finite(values_M: np.ndarray) -> np.ndarray:
    if not np.isfinite(values_M).all():
        raise NonFiniteField("The network answers with numbers that are not finite; its weights are damaged or diverged.")
    return values_M


def _surviving_blocks(
    field, resolution: int, level: float, lipschitz: float | None, margin: float, device
) -> tuple[np.ndarray | None, np.ndarray | None, int]:
    """Which of the smallest blocks may hold surface (b, b, b), on which side the others lie (True: outside), and the
    number of points asked. The first two are None where a block was found steeper than the margin allows."""
    from scipy.ndimage import maximum_filter

    cell = 2 / (resolution - 1)
    side = LAST_SIDE
    while (resolution - 1) / side > FIRST_BLOCKS:
        side *= 2
    count = -(-(resolution - 1) // side)  # blocks an axis; the last ones may reach beyond the cube
    blocks_K3 = np.indices((count,) * 3).reshape(3, -1).T
    centres_K3 = (blocks_K3 + 0.5) * (side * cell) - 1
    if lipschitz is None:
        value_K, slope_K = _values_and_slopes(field, centres_K3, device)
        bound_K = margin * maximum_filter(slope_K.reshape((count,) * 3), 3, mode="nearest").reshape(-1)
    else:
        value_K = _finite(_values(field, centres_K3, device))
        bound_K = np.full(len(value_K), float(lipschitz))
    asked = len(value_K)
    sign_bbb = (value_K > level).reshape((count,) * 3)
    octant_83 = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    while True:
        radius = side * cell * 3**0.5 / 2
        keep_K = abs(value_K - level) <= bound_K * radius * (1 + 1e-5)
        blocks_K3, value_K, bound_K = blocks_K3[keep_K], value_K[keep_K], bound_K[keep_K]
        if side == LAST_SIDE:
            active_bbb = np.zeros(sign_bbb.shape, bool)
            active_bbb[tuple(blocks_K3.T)] = True
            return active_bbb, sign_bbb, asked
        side //= 2
        parents_value_K, bound_K = value_K.repeat(8), bound_K.repeat(8)
        blocks_K3 = (blocks_K3[:, None] * 2 + octant_83).reshape(-1, 3)
        value_K = _finite(_values(field, (blocks_K3 + 0.5) * (side * cell) - 1, device))
        asked += len(value_K)
        step = side * cell * 3**0.5 / 2  # from a block's centre to those of its octants
        if (abs(value_K - parents_value_K) > bound_K * step * (1 + 1e-5) + 1e-6).any():
            return None, None, asked
        sign_bbb = sign_bbb.repeat(2, 0).repeat(2, 1).repeat(2, 2)
        sign_bbb[tuple(blocks_K3.T)] = value_K > level


def _values(field: Field, points_M3: np.ndarray, device) -> np.ndarray:
    points = torch.as_tensor(points_M3, dtype=torch.float32, device=device)
    with torch.inference_mode():
        parts = [field(batch).cpu().numpy() for batch in points.split(BATCH)]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def _values_and_slopes(field: Field, points_M3: np.ndarray, device) -> tuple[np.ndarray, np.ndarray]:
    values, slopes = [], []
    for batch in torch.as_tensor(points_M3, dtype=torch.float32, device=device).split(BATCH):
        batch.requires_grad_()
        with torch.enable_grad():
            value = field(batch)
            (gradient,) = torch.autograd.grad(value.sum(), batch)
        values.append(value.detach().cpu().numpy())
        slopes.append(gradient.norm(dim=-1).cpu().numpy())
    return _finite(np.concatenate(values)), _finite(np.concatenate(slopes))


def _upsample(blocks_bbb: np.ndarray, side: int, count: int) -> np.ndarray:
    """A value for each of ``count`` cells or nodes an axis, from that of its block."""
    for axis in range(3):
        blocks_bbb = blocks_bbb.repeat(side, axis)
    if len(blocks_bbb) < count:  # the last nodes have no block of their own
        blocks_bbb = np.pad(blocks_bbb, (0, count - len(blocks_bbb)), mode="edge")
    return blocks_bbb[:count, :count, :count]


def _nodes_of(active_bbb: np.ndarray, resolution: int) -> np.ndarray:
    """The nodes (R, R, R) at the corners of the cells of active blocks."""
    nodes = np.pad(active_bbb.repeat(LAST_SIDE, 0).repeat(LAST_SIDE, 1).repeat(LAST_SIDE, 2), (0, 1))
    nodes[1:] |= nodes[:-1].copy()
    nodes[:, 1:] |= nodes[:, :-1].copy()
    nodes[:, :, 1:] |= nodes[:, :, :-1].copy()
    return np.ascontiguousarray(nodes[:resolution, :resolution, :resolution])


def _crossed(inside_RRR: np.ndarray) -> np.ndarray:
    """Which cells have corners on both sides."""
    some, every = inside_RRR, inside_RRR
    some, every = some[1:] | some[:-1], every[1:] & every[:-1]
    some, every = some[:, 1:] | some[:, :-1], every[:, 1:] & every[:, :-1]
    some, every = some[:, :, 1:] | some[:, :, :-1], every[:, :, 1:] & every[:, :, :-1]
    return some & ~every
