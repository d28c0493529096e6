"""Adam as a function, for many rows that are trained side by side."""

from __future__ import annotations

import math

from torch import Tensor

BETAS, EPS = (0.9, 0.999), 1e-8  # Adam's own defaults


def adam_(parameter: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, step: int, lr: float) -> None:
    """One step of Adam in place, elementwise, so that stacked rows are trained as each would be alone."""
    mean.lerp_(gradient, 1 - BETAS[0])
    square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
    correction = math.sqrt(1 - BETAS[1] ** step)
    parameter.addcdiv_(mean, square.sqrt().div_(correction).add_(EPS), value=-lr / (1 - BETAS[0] ** step))
