"""What a latent space optimisation of signals descends: towards an image, or towards what another network answers.

Legend: N networks, P parameters, B points.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...archs import Architecture
from .networks import psnr, values


class Painting:
    """The mean squared error to brightnesses [B], or [N, B] of each network its own, at fixed points. It is validated at the same points:
    an image has no others."""

    quality = "PSNR in dB"

    def __init__(self, arch: Architecture, points_B2: Tensor, wanted_B: Tensor):
        self.arch, self.points_B2, self.wanted_B = arch, points_B2, wanted_B

    def loss(self, index: int, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        value_NB = values(parameters_NP, self.points_B2, self.arch)
        return (value_NB - self.wanted_B).square().mean(-1), psnr(value_NB.detach(), self.wanted_B)

    @torch.no_grad()
    def validate(self, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        return self.loss(0, parameters_NP)


@torch.no_grad()
def reached(arch: Architecture, points_B2: Tensor, wanted_NB: Tensor, candidates: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Of several networks for each place, their parameters [N, P] in turn: which has the highest PSNR [N], and that PSNR."""
    found_CN = torch.stack([psnr(values(each_NP, points_B2, arch), wanted_NB) for each_NP in candidates])
    best_N = found_CN.argmax(0)
    return best_N, found_CN.gather(0, best_N[None])[0]
