"""Batch norm folded into the convolution before it (paper, Suppl. VI)."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

STATISTICS = 4096  # images are enough for a mean and a variance per channel


@torch.no_grad()
def measure_statistics(module: nn.Module, images_BCHW: Tensor) -> nn.Module:
    """A copy whose batch norms hold the mean and variance over the given images (the first STATISTICS), ready for `eval()` and for
    folding.

    The statistics are those of one pass with batch statistics ("precise batch norm"), so they do not depend on the order in
    which training met the images.
    """
    module = copy.deepcopy(module).train()
    for norm in batch_norms(module):
        norm.track_running_stats, norm.momentum = True, None
        norm.register_buffer("running_mean", torch.zeros_like(norm.weight))
        norm.register_buffer("running_var", torch.ones_like(norm.weight))
        norm.register_buffer("num_batches_tracked", torch.tensor(0))
    module(images_BCHW[:STATISTICS])
    return module.eval()


def fold_batch_norm(module: nn.Module) -> nn.Module:
    """An equal module without batch norm: each ConvNorm's `conv` takes scale and bias over, its `norm` becomes None.

    `module` is in eval mode with measured statistics. Modules without batch norm come back as a copy.
    """
    module = copy.deepcopy(module)
    for part in module.modules():
        if isinstance(getattr(part, "norm", None), nn.BatchNorm2d):
            assert part.norm.running_mean is not None, "measure_statistics comes first"
            part.conv, part.norm = fuse_conv_bn_eval(part.conv, part.norm), None
    return module


def batch_norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
