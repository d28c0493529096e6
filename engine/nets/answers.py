"""Which classes networks answer, and how often they are right: the one home of accuracy and of its interval.

Legend: N instances, P parameters, B images, C channels, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..archs import Architecture
from ..datasets.pixels import Pixels
from . import fast
from .stacked import logits, stacking_pays

Z95 = 1.959963984540054  # of the normal distribution: 95 % lie within
CHUNK = 32  # instances that are asked together


@dataclass(frozen=True)
class Accuracy:
    """`right` of `n` answers."""

    right: int
    n: int

    @property
    def value(self) -> float:
        """The share of right answers, 0 to 1. Needs answers."""
        return self.right / self.n

    @property
    def low(self) -> float:
        """The lower end of its 95 % interval (Wilson)."""
        return wilson(self.right, self.n)[0]

    @property
    def high(self) -> float:
        """The upper end."""
        return wilson(self.right, self.n)[1]


def wilson(right: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Wilson score interval of a share (95 % by default), in 0..1. n = 0 knows nothing: (0, 1)."""
    if n == 0:
        return 0.0, 1.0
    share, spread = right / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * (share * (1 - share) / n + spread / (4 * n)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


@torch.no_grad()
def classes_of_one(
    parameters_P: Tensor, images_BCHW: Tensor | Pixels, arch: Architecture, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Predicted classes [B] of one network. `dtype` of the arithmetic, where the architecture has a faster one (`fast.fastest`)."""
    if not stacking_pays(arch, images_BCHW.device):
        return fast.answers(parameters_P, images_BCHW, arch, dtype)
    return logits(parameters_P[None], images_BCHW, arch)[0].argmax(-1)


@torch.no_grad()
def classes(parameters_NP: Tensor, images_BCHW: Tensor | Pixels, arch: Architecture) -> Tensor:
    """Predicted classes [N, B]."""
    return torch.cat(list(_in_parts(parameters_NP, images_BCHW, arch)))


@torch.no_grad()
def accuracies(
    parameters_NP: Tensor, images_BCHW: Tensor | Pixels, labels_B: Tensor, arch: Architecture, chunk: int = CHUNK
) -> Tensor:
    """Share of right answers [N], in 0..1; `chunk` instances at a time."""
    parts = _in_parts(parameters_NP, images_BCHW, arch, chunk)
    return torch.cat([(part_NB == labels_B).float().mean(-1) for part_NB in parts])


def _in_parts(
    parameters_NP: Tensor, images_BCHW: Tensor | Pixels, arch: Architecture, chunk: int = CHUNK
) -> Iterator[Tensor]:
    """Predicted classes [n, B] of some instances at a time: together where that is faster, else each alone."""
    if not stacking_pays(arch, images_BCHW.device):
        yield from (fast.answers(parameters_P, images_BCHW, arch)[None] for parameters_P in parameters_NP)
    else:
        yield from (logits(part_NP, images_BCHW, arch).argmax(-1) for part_NP in parameters_NP.split(chunk))


def share(answers_NB: Tensor, wanted_B: Tensor) -> np.ndarray:
    """How often answers are those that are wanted: [N] in 0..1, double precision."""
    return (answers_NB == wanted_B).double().mean(-1).cpu().numpy()
