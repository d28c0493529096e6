"""Batch statistics of mixed networks (REPAIR, Jordan et al., ICLR 2023): a network half-way between two others has activations of too
little variance; where there are batch norms, measuring their statistics again puts that right.

Legend: B images, C channels.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def repaired(module: nn.Module, images_BCHW: Tensor, batch: int = 500) -> nn.Module:
    """A copy in evaluation mode whose batch norms have the statistics of these images, over all of them; the same module, copied, where
    it has no batch norm."""
    module = deepcopy(module).eval()
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # an average over all batches
        norm.train()
    if norms:
        for part_BCHW in images_BCHW.split(batch):
            module(part_BCHW)
    return module.eval()
