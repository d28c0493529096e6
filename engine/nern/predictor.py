"""The predictor: embeddings of coordinates -> kernels (paper, 3.1 and appendix B).

Legend: M kernels, D numbers of an embedding, K values of a kernel.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAYERS = 5


class Predictor(nn.Module):
    """Five linear layers with ReLU between them: embeddings [M, D] -> kernels [M, K]."""

    def __init__(self, inputs: int, hidden: int, outputs: int):
        super().__init__()
        sizes = [inputs, *[hidden] * (LAYERS - 1), outputs]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes, sizes[1:]))

    def forward(self, embeddings_MD: Tensor) -> Tensor:
        x = embeddings_MD
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


def count(inputs: int, hidden: int, outputs: int) -> int:
    """Parameters of a predictor of that size."""
    return (inputs + 1) * hidden + (LAYERS - 2) * (hidden + 1) * hidden + (hidden + 1) * outputs


@torch.no_grad()
def start(inputs: int, hidden: int, outputs: int, embeddings_MD: Tensor, mean: float, deviation: float, random: torch.Generator) -> Predictor:
    """A predictor whose first kernels, over all coordinates, have the mean and the standard deviation of the original's
    (appendix B): He's start in the hidden layers, and an output layer scaled to it."""
    predictor = Predictor(inputs, hidden, outputs)
    for layer in predictor.layers:
        layer.weight.normal_(0, (2 / layer.in_features) ** 0.5, generator=random)
        layer.bias.zero_()
    last = predictor.layers[-1]
    values_MK = predictor(embeddings_MD)
    last.weight.mul_(deviation / values_MK.std().clamp_min(1e-12))
    last.bias.fill_(mean - predictor(embeddings_MD).mean())
    return predictor


def centre(kernels_MK: Tensor, size: int, wide: int) -> Tensor:
    """The middle `size` x `size` of kernels of `wide` x `wide` (flat, [M, wide^2] -> [M, size^2])."""
    if size == wide:
        return kernels_MK
    low = (wide - size) // 2
    return kernels_MK.view(-1, wide, wide)[:, low : low + size, low : low + size].reshape(len(kernels_MK), -1)
