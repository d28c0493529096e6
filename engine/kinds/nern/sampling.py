"""Which kernels get a gradient in a step (paper, 3.2).

Legend: M kernels, B kernels of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

KINDS = ("all", "layer", "uniform", "weighted")
P_UNIFORM = 0.8


def sample(kind: str, sizes: Sequence[int], norm_M: Tensor, batch: int, random: torch.Generator) -> Tensor | None:
    """Indices int64 [B] of the kernels of this step; None for all.

    "layer": one random layer, whole. "uniform": without replacement. "weighted": magnitude-oriented, uniform with
    probability 0.8, else with probability proportional to the kernel's norm (with replacement, repeats dropped).
    `sizes` are the kernels of each layer, in their order.
    """
    total = sum(sizes)
    if kind == "layer":
        layer = int(torch.randint(len(sizes), (), generator=random))
        first = sum(sizes[:layer])
        return torch.arange(first, first + sizes[layer])
    if kind == "all" or batch >= total:
        return None
    if kind == "weighted" and float(torch.rand((), generator=random)) >= P_UNIFORM:
        edges_M = norm_M.double().cumsum(0)
        drawn_B = torch.rand(batch, generator=random, dtype=torch.float64) * edges_M[-1]
        return torch.searchsorted(edges_M, drawn_B, right=True).clamp_max(total - 1).unique()
    return torch.randperm(total, generator=random)[:batch]
