"""Placing a network by inverting the decoder: gradient descent on its embedding until the decoded network answers alike.

Ours, beyond the paper. Needs no labels. Legend: N instances, P parameters, E embedding, B images, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..archs import Architecture
from ..stacked import logits
from ..training import generator
from .losses import distillation, spread

LR = 1e-2
IMAGES = 256  # per step


def invert(model, arch: Architecture, targets_NP: Tensor, start_NE: Tensor, images_BCHW: Tensor, steps: int, temperature: float = 4.0, seed: int = 0) -> Tensor:
    """Embeddings [N, E] refined by `steps` of Adam from `start_NE`, the decoder frozen.

    Each instance's loss is eq. 1 divided by the variance of its target's logits, so that poor networks count as good ones do.
    """
    with torch.no_grad():
        target_NBK = torch.cat([logits(part, images_BCHW, arch) for part in targets_NP.split(32)])
        weight_N = 1 / spread(target_NBK).clamp_min(1e-6)
    embedding_NE = start_NE.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([embedding_NE], lr=LR)
    for step in range(steps):
        picks_B = torch.randperm(len(images_BCHW), generator=generator(seed, 31, step))[:IMAGES]
        predicted_NBK = logits(model.decode(embedding_NE), images_BCHW[picks_B], arch)
        loss = (distillation(predicted_NBK, target_NBK[:, picks_B], temperature) * weight_N).sum()
        (embedding_NE.grad,) = torch.autograd.grad(loss, embedding_NE)
        optimizer.step()
    return embedding_NE.detach()
