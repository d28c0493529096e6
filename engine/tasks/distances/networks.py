"""What many SIRENs say at once: values, insides, and queries near their own surfaces.

A network is given by its `layers`, (weight, bias) pairs stacked over instances: see engine.archs.siren.
Legend: N instances, P parameters, B points of all networks, Q queries of each, M nodes of a grid.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from ...archs import Architecture
from ...archs.sine import sine, sine_
from ...archs.siren import Layers as OfActivation
from ...archs.siren import activation_of, siren_forward, stacked_layers
from ...core.seeds import generator
from .sampling import NEAR_SHARE, NEAR_SPREADS, NoInside

Layers = list[tuple[Tensor, Tensor]]
GRID = 48  # cells an axis where insides are compared
SEEDS = 16_384  # uniform points among which those near the surface are found
NEAR = 0.06  # how near


def layers_of(parameters_NP: Tensor, arch: Architecture) -> Layers:
    """The layers of instances in flat form. Split, not sliced: the gradient of a split is one concatenation."""
    parts = parameters_NP.split([entry.stop - entry.start for entry in arch.layout], -1)
    return stacked_layers({entry.name: part.view(-1, *entry.shape) for entry, part in zip(arch.layout, parts)})


def rows_of(layers: Layers, rows) -> Layers:
    """Some of the instances."""
    return OfActivation([(weight[rows], bias[rows]) for weight, bias in layers], activation_of(layers))


def values(layers: Layers, points: Tensor) -> Tensor:
    """Values [N, B] at the points (B, 3) or (N, B, 3); differentiable, fast in inference mode."""
    if points.dim() == 2:
        points = points.expand(len(layers[0][0]), -1, -1)
    return siren_forward(layers, points, sine_ if torch.is_inference_mode_enabled() else sine)


@cache
def grid(count: int = GRID) -> Tensor:
    """Middles (M, 3) of the cells of a grid over the cube [-1, 1]^3, x slowest."""
    with torch.inference_mode(False):  # kept: it must not matter who asked first
        axis = (torch.arange(count) + 0.5) * (2 / count) - 1
        return torch.cartesian_prod(axis, axis, axis)


@cache
def sample(count: int = GRID) -> Tensor:
    """Rows [M / 8] of the grid (of an even `count`): of each block of 2 x 2 x 2 cells one, drawn once and for all."""
    with torch.inference_mode(False):
        half = torch.arange(count // 2)
        drawn = torch.randint(2, (3, (count // 2) ** 3), generator=generator(0, 42))
        x, y, z = 2 * torch.cartesian_prod(half, half, half).T + drawn
        return (x * count + y) * count + z


def insides(layers: Layers, count: int = GRID) -> Tensor:
    """Which cells of the grid lie inside, bool [N, M], on the CPU."""
    return insides_at(layers, grid(count))


@torch.inference_mode()
def insides_at(layers: Layers, points_M3: Tensor) -> Tensor:
    """Which points lie inside, bool [N, M], on the CPU."""
    device = layers[0][0].device
    rows = [
        torch.cat([values(rows_of(layers, [i]), part)[0] < 0 for part in points_M3.to(device).split(2048)])
        for i in range(len(layers[0][0]))
    ]
    return torch.stack(rows).cpu()


def ious(inside_NM: Tensor, other_NM: Tensor) -> Tensor:
    """Intersection over union [N] of shapes given as booleans on one grid; NaN, undefined, where both are empty."""
    union_N = (inside_NM | other_NM).sum(-1)
    return torch.where(union_N > 0, (inside_NM & other_NM).sum(-1) / union_N.clamp_min(1), torch.nan)


def queries(layers: Layers, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """`count` queries of each network, points [N, Q, 3] in the cube and its own answers [N, Q]: half inside and half outside in
    turn, so that every even slice is such a set too; near the surface and in the cube, in the shares of engine.tasks.distances.sampling.

    Raises NoInside for a network without an inside or an outside.
    """
    with torch.inference_mode():
        drawn = [_queries_of(rows_of(layers, [i]), count, generator(seed, 41, i)) for i in range(len(layers[0][0]))]
    points, answers = zip(*drawn)
    return torch.stack(points), torch.stack(answers)


def _queries_of(layers: Layers, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    device, half = layers[0][0].device, count // 2
    cube_B3 = torch.rand(SEEDS, 3, generator=random) * 2 - 1
    surface_B3 = cube_B3[(_values(layers, cube_B3.to(device)).abs() < NEAR).cpu()]
    if not len(surface_B3):
        raise NoInside("the network has no surface in the cube: its values have one sign, or jump")
    near = round(2 * count * NEAR_SHARE)
    picks_B = torch.randint(len(surface_B3), (near,), generator=random)
    spread_B1 = torch.tensor(NEAR_SPREADS)[torch.randint(len(NEAR_SPREADS), (near,), generator=random)][:, None]
    near_B3 = surface_B3[picks_B] + spread_B1 * torch.randn(near, 3, generator=random)
    points_B3 = torch.cat([near_B3.clamp(-1, 1), cube_B3[: 2 * count - near]])
    points_B3 = points_B3[torch.randperm(len(points_B3), generator=random)].to(device)
    value_B = _values(layers, points_B3)
    sides = []
    for side in (torch.nonzero(value_B < 0)[:, 0], torch.nonzero(value_B >= 0)[:, 0]):
        if not len(side):
            raise NoInside("the network answers with one sign everywhere: it encloses nothing")
        sides.append(side.repeat(-(-half // len(side)))[:half])
    picks_Q = torch.stack(sides, 1).flatten()
    return points_B3[picks_Q], value_B[picks_Q]


def _values(layers: Layers, points_B3: Tensor) -> Tensor:
    return torch.cat([values(layers, part)[0] for part in points_B3.split(2048)])
