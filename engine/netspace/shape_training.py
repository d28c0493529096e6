"""Training a space of signed distances: predicted networks answer as their targets do (paper, III, eq. 2).

Legend: N instances, P parameters, B queries of a step, Q queries of an instance in all, 3 coordinates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..config import ShapeSpaceConfig
from ..shapes.networks import layers_of, queries, values
from ..training import generator
from ..zoo import Zoo
from .training import SpaceTraining

VAL_QUERIES = 2048


class ShapeSpaceTraining(SpaceTraining):
    """Eq. 2. Each target's queries are drawn near its own surface and answered once, before the first step."""

    def __init__(self, config: ShapeSpaceConfig, zoo: Zoo):
        super().__init__(config, zoo)
        self.points_NQ3, self.answers_NQ = queries(layers_of(self.parameters_NP, zoo.arch), config.queries, config.seed)
        self.val_points_NQ3, self.val_answers_NQ = queries(layers_of(self.val_NP, zoo.arch), VAL_QUERIES, config.seed + 1)

    def step(self, index: int) -> dict[str, float]:
        config, random = self.config, generator(self.config.seed, 12, index)
        rows_N = torch.randperm(len(self.parameters_NP), generator=random)[: config.networks]
        first = 2 * int(torch.randint((config.queries - config.points) // 2 + 1, (), generator=random))
        part = slice(first, first + config.points)  # an even slice: half inside, half outside
        layers = layers_of(self.predicted(rows_N, random), self.arch)
        error_NB = values(layers, self.points_NQ3[rows_N, part]) - self.answers_NQ[rows_N, part]
        return self.descend(index, error_NB.square().mean())

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """`val_error`: mean absolute error on the queries of the validation instances; `val_sign`: share of them on the wrong side."""
        value_NQ = values(layers_of(self.model.decode(self.model.encode(self.val_NP)), self.arch), self.val_points_NQ3)
        error = (value_NQ - self.val_answers_NQ).abs().mean()
        wrong = ((value_NQ < 0) != (self.val_answers_NQ < 0)).float().mean()
        return {"val_error": float(error), "val_sign": float(wrong)}


def query_error(values_NQ: Tensor, answers_NQ: Tensor, within: float = 0.01) -> Tensor:
    """The paper's score of each instance [N]: the share of its queries whose absolute error is at most 0.01."""
    return ((values_NQ - answers_NQ).abs() <= within).float().mean(-1)
