"""What a space of signed distances is trained on: predicted networks answer as their targets do (paper, III, eq. 2).

Legend: N instances, P parameters, B queries of a step, Q queries of an instance in all, 3 coordinates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .config import ShapeSpaceConfig
from .networks import layers_of, queries, values

VAL_QUERIES = 2048


class Matching:
    """Eq. 2. Each target's queries are drawn near its own surface and answered once, before the first step. The last model is kept."""

    chooses = False
    class_ids_N = None  # one architecture

    def __init__(self, config: ShapeSpaceConfig, zoo, data=None):
        self.config, self.arch = config, zoo.arch
        self.shown, self.chosen_by = zoo.rows("train"), zoo.rows("val")

    def begin(self, space) -> None:
        """What is known before the first step: queries and answers of the targets."""
        config = self.config
        self.count, self.val_NP = len(space.parameters_NP), space.val_NP
        self.points_NQ3, self.answers_NQ = queries(layers_of(space.parameters_NP, self.arch), config.queries, config.seed)
        self.val_points_NQ3, self.val_answers_NQ = queries(layers_of(space.val_NP, self.arch), VAL_QUERIES, config.seed + 1)

    def draw(self, random: torch.Generator) -> tuple[Tensor, slice]:
        """Rows of the training instances of a step, and which of their queries: an even slice, half inside and half outside."""
        config = self.config
        rows_N = torch.randperm(self.count, generator=random)[: config.networks]
        first = 2 * int(torch.randint((config.queries - config.points) // 2 + 1, (), generator=random))
        return rows_N, slice(first, first + config.points)

    def loss(self, space, rows_N: Tensor, part: slice, random: torch.Generator) -> Tensor:
        """Mean squared error of the predicted networks' values."""
        layers = layers_of(space.predicted(rows_N, random), self.arch)
        return (values(layers, self.points_NQ3[rows_N, part]) - self.answers_NQ[rows_N, part]).square().mean()

    @torch.no_grad()
    def validate(self, space) -> tuple[None, dict[str, float]]:
        """`val_error`: mean absolute error on the queries of the validation instances; `val_sign`: share of them on the wrong side."""
        value_NQ = values(layers_of(space.model.decode(space.model.encode(self.val_NP)), self.arch), self.val_points_NQ3)
        error = (value_NQ - self.val_answers_NQ).abs().mean()
        wrong = ((value_NQ < 0) != (self.val_answers_NQ < 0)).float().mean()
        return None, {"val_error": float(error), "val_sign": float(wrong)}


def query_error(values_NQ: Tensor, answers_NQ: Tensor, within: float = 0.01) -> Tensor:
    """The paper's score of each instance [N]: the share of its queries whose absolute error is at most 0.01."""
    return ((values_NQ - answers_NQ).abs() <= within).float().mean(-1)
