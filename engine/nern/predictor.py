"""The predictor: embeddings of coordinates -> kernels (paper, 3.1 and appendix B).

Legend: M kernels, D numbers of an embedding, K values of a kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .coordinates import coordinates

LAYERS = 5
PIECE = 2048  # kernels that are predicted at once where no gradient is wanted


@dataclass(frozen=True)
class Inputs:
    """The embeddings of all kernels: kernel m is told that of place `place_M[m]`, places counted layer after layer and filter after
    filter. An embedding is three, of the layer, the filter and the channel, side by side; so a linear layer of it is the sum of
    three rows of small products, and the embeddings are never needed in full."""

    shapes: tuple[tuple[int, int], ...]  # (filters, channels) of each layer
    place_M: Tensor
    tables: tuple[Tensor, Tensor, Tensor]  # [layers, D / 3], [filters, D / 3], [channels, D / 3]

    def coordinates(self) -> Tensor:
        """(layer, filter, channel) of the place of each kernel, int64 [M, 3]."""
        return coordinates(self.shapes).to(self.place_M.device)[self.place_M]

    def full(self) -> Tensor:
        """The embeddings [M, D]."""
        return torch.cat([table[index_M] for table, index_M in zip(self.tables, self.coordinates().T)], -1)

    def to(self, device: str | torch.device) -> Inputs:
        return Inputs(self.shapes, self.place_M.to(device), tuple(table.to(device) for table in self.tables))


class Predictor(nn.Module):
    """Five linear layers with ReLU between them: embeddings [M, D] -> kernels [M, K]."""

    def __init__(self, inputs: int, hidden: int, outputs: int):
        super().__init__()
        sizes = [inputs, *[hidden] * (LAYERS - 1), outputs]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes, sizes[1:]))

    def forward(self, inputs: Inputs, picks: Tensor | None = None) -> Tensor:
        """Kernels [M, K] of all coordinates, or of some (int64 [M])."""
        first = self.layers[0]
        layers, filters, channels = (F.linear(table, part) for table, part in zip(inputs.tables, first.weight.chunk(3, 1)))
        layers = layers + first.bias
        if picks is not None:
            l_M, f_M, c_M = inputs.coordinates()[picks].T
            return self.rest(F.relu(layers[l_M] + filters[f_M] + channels[c_M]))
        grids = (((layers[i] + filters[:f])[:, None] + channels[:c]).flatten(0, 1).relu_() for i, (f, c) in enumerate(inputs.shapes))
        if torch.is_grad_enabled():
            kernels_MK = self.rest(torch.cat(list(grids)))
        else:  # a piece of a layer after the other: what is between the layers of the predictor stays in the cache
            kernels_MK = torch.cat([self.rest(part) for grid in grids for part in grid.split(PIECE)])
        return kernels_MK.index_select(0, inputs.place_M)

    def rest(self, x: Tensor) -> Tensor:
        hidden = fused_linear_relu if not torch.is_grad_enabled() and x.device.type == "cpu" and torch.backends.mkldnn.is_available() else linear_relu
        for layer in self.layers[1:-1]:
            x = hidden(layer, x)
        return self.layers[-1](x)

    def plain(self, embeddings_MD: Tensor) -> Tensor:
        """The same from the embeddings in full; the reference of `forward`."""
        return self.rest(F.relu(self.layers[0](embeddings_MD)))


def linear_relu(layer: nn.Linear, x: Tensor) -> Tensor:
    """relu of a linear layer."""
    return layer(x).relu_()


def fused_linear_relu(layer: nn.Linear, x: Tensor) -> Tensor:
    """The same by oneDNN, in one pass; on AMD's cores its products are twice as fast as MKL's, which PyTorch takes."""
    return torch.ops.mkldnn._linear_pointwise(x, layer.weight, layer.bias, "relu", [], "")


def count(inputs: int, hidden: int, outputs: int) -> int:
    """Parameters of a predictor of that size."""
    return (inputs + 1) * hidden + (LAYERS - 2) * (hidden + 1) * hidden + (hidden + 1) * outputs


@torch.no_grad()
def start(inputs: int, hidden: int, outputs: int, places: Inputs, mean: float, deviation: float, random: torch.Generator) -> Predictor:
    """A predictor whose first kernels, over all coordinates, have the mean and the standard deviation of the original's
    (appendix B): He's start in the hidden layers, and an output layer scaled to it."""
    predictor = Predictor(inputs, hidden, outputs)
    for layer in predictor.layers:
        layer.weight.normal_(0, (2 / layer.in_features) ** 0.5, generator=random)
        layer.bias.zero_()
    last = predictor.layers[-1]
    values_MK = predictor(places)
    last.weight.mul_(deviation / values_MK.std().clamp_min(1e-12))
    last.bias.fill_(mean - predictor(places).mean())
    return predictor


def centre(kernels_MK: Tensor, size: int, wide: int) -> Tensor:
    """The middle `size` x `size` of kernels of `wide` x `wide` (flat, [M, wide^2] -> [M, size^2])."""
    if size == wide:
        return kernels_MK
    low = (wide - size) // 2
    return kernels_MK.view(-1, wide, wide)[:, low : low + size, low : low + size].reshape(len(kernels_MK), -1)
