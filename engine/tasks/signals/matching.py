"""What a space of signals is trained on: predicted networks answer as their targets do, at the pixels and between them (eq. 2).

Legend: N instances, P parameters, B pixels, Q points between them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...core.seeds import generator
from .config import SignalSpaceConfig
from .networks import pixels, psnr, values

POOL = 2048  # points between the pixels, drawn and answered once


class Matching:
    """The mean squared error to the targets' own answers. Validation, by PSNR to targets that are not trained on, chooses the model."""

    chooses = True
    class_ids_N = None  # one architecture

    def __init__(self, config: SignalSpaceConfig, zoo, shape: tuple[int, int]):
        self.config, self.arch, self.shape = config, zoo.arch, shape
        self.shown, self.chosen_by = zoo.rows("train"), zoo.rows("val")

    @torch.no_grad()
    def begin(self, space) -> None:
        """What is known before the first step: the answers of the targets."""
        device = space.parameters_NP.device
        pool_Q2 = 2 * torch.rand(POOL, 2, generator=generator(self.config.seed, 41)).to(device) - 1
        self.pixels_B2 = pixels(*self.shape).to(device)
        self.points_2 = torch.cat([self.pixels_B2, pool_Q2])
        parts = space.parameters_NP.split(128)
        self.answers_N = torch.cat([values(part, self.points_2, self.arch) for part in parts])
        self.val_NP, self.val_NB = space.val_NP, values(space.val_NP, self.pixels_B2, self.arch)

    def draw(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Rows of the training instances of a step, and the points that it asks at: all pixels, and some of the pool."""
        rows_N = torch.randperm(len(self.answers_N), generator=random)[: self.config.networks]
        own = len(self.pixels_B2)
        drawn = own + torch.randint(POOL, (self.config.points,), generator=random)
        return rows_N, torch.cat([torch.arange(own), drawn])

    def loss(self, space, rows_N: Tensor, points: Tensor, random: torch.Generator) -> Tensor:
        """Mean squared error of the predicted networks' values."""
        value_N = values(space.predicted(rows_N, random), self.points_2[points], self.arch)
        return (value_N - self.answers_N[rows_N][:, points]).square().mean()

    @torch.no_grad()
    def validate(self, space) -> tuple[Tensor, dict[str, float]]:
        """`val_psnr`: mean PSNR to the networks of the validation images."""
        value_NB = values(space.model.decode(space.model.encode(self.val_NP)), self.pixels_B2, self.arch)
        found = psnr(value_NB, self.val_NB).mean()
        return -found, {"val_psnr": float(found)}
