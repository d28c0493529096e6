"""What a latent space optimisation of shapes descends: towards another network's answers, or towards a cloud of points.

Legend: N networks, P parameters, B points, Q queries, 3 coordinates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...archs import Architecture
from ...core.seeds import generator
from .networks import Layers, layers_of, queries, values

QUERIES, VAL_QUERIES = 8192, 2048
NEAR = 0.02  # a point of a cloud is met where the network's distance is at most this


class Shaping:
    """Of shapes: eq. 2 towards the answers of a network, at queries near its surface, half of them inside."""

    quality = "queries on the right side"

    def __init__(self, arch: Architecture, layers: Layers, batch: int = 512, seed: int = 0):
        """`layers` of the network, stacked over one instance."""
        self.arch, self.batch = arch, batch - batch % 2
        self.train, self.val = queries(layers, max(QUERIES, self.batch), seed), queries(layers, VAL_QUERIES, seed + 1)

    def loss(self, index: int, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        points_NQ3, answers_NQ = self.train
        first = index * self.batch % (points_NQ3.shape[1] - self.batch + 1) // 2 * 2  # an even slice: half inside, half outside
        return self._measure(parameters_NP, points_NQ3[:, first : first + self.batch], answers_NQ[:, first : first + self.batch])

    @torch.no_grad()
    def validate(self, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        return self._measure(parameters_NP, *self.val)

    def _measure(self, parameters_NP: Tensor, points_NQ3: Tensor, answers_NQ: Tensor) -> tuple[Tensor, Tensor]:
        value_NQ = values(layers_of(parameters_NP, self.arch), points_NQ3.expand(len(parameters_NP), -1, -1))
        return (value_NQ - answers_NQ).square().mean(-1), ((value_NQ < 0) == (answers_NQ < 0)).float().mean(-1)


class Cloud:
    """Of shapes: the distance to a cloud of points on a surface, which has no inside. Where the nearest point of the cloud is d
    away, the network's |value| is to be d: 0 on the cloud, more around it. Which side is inside is left to the space."""

    quality = f"points within {NEAR} of the surface"

    def __init__(self, arch: Architecture, cloud_B3: Tensor, batch: int = 512, seed: int = 0):
        from scipy.spatial import KDTree

        assert len(cloud_B3) >= 2
        self.arch, self.batch = arch, batch
        random, device = generator(seed, 32), cloud_B3.device
        order_B = torch.randperm(len(cloud_B3), generator=random)
        held = max(1, len(cloud_B3) // 5)
        self.val_B3, on_B3 = cloud_B3[order_B[:held]], cloud_B3[order_B[held:]]
        picks_Q = torch.randint(len(on_B3), (3 * QUERIES // 4,), generator=random)
        near_Q3 = on_B3[picks_Q] + 0.05 * torch.randn(len(picks_Q), 3, generator=random).to(device)
        near_Q3[::2] = on_B3[picks_Q[::2]]
        points_Q3 = torch.cat([near_Q3, (torch.rand(QUERIES // 4, 3, generator=random) * 2 - 1).to(device)])
        self.points_Q3 = points_Q3[torch.randperm(len(points_Q3), generator=random)].clamp(-1, 1)
        self.away_Q = torch.from_numpy(KDTree(cloud_B3.cpu().numpy()).query(self.points_Q3.cpu().numpy())[0]).float().to(device)

    def loss(self, index: int, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        picks_Q = (torch.arange(self.batch) + index * self.batch) % len(self.points_Q3)
        value_NQ = values(layers_of(parameters_NP, self.arch), self.points_Q3[picks_Q])
        away_Q = self.away_Q[picks_Q]
        on_Q = away_Q == 0
        met_N = (value_NQ.detach().abs()[:, on_Q] <= NEAR).float().mean(-1) if on_Q.any() else torch.zeros(len(value_NQ))
        return (value_NQ.abs() - away_Q).square().mean(-1), met_N

    @torch.no_grad()
    def validate(self, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        value_NB = values(layers_of(parameters_NP, self.arch), self.val_B3)
        return value_NB.square().mean(-1), (value_NB.abs() <= NEAR).float().mean(-1)
