"""The predictor: embeddings of coordinates -> kernels (paper, 3.1 and appendix B).

Legend: M kernels, D numbers of an embedding, K values of a kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        layers, filters, channels = (table.to(device) for table in self.tables)
        return Inputs(self.shapes, self.place_M.to(device), (layers, filters, channels))


class Predictor(nn.Module):
    """Five linear layers with ReLU between them: embeddings [M, D] -> kernels [M, K]. One of them is a NeRN's predictor where all its
    kernels are cut from one size; of several sizes there are `Predictors`."""

    def __init__(self, inputs: int, hidden: int, outputs: int):
        super().__init__()
        sizes = [inputs, *[hidden] * (LAYERS - 1), outputs]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes, sizes[1:]))

    @property
    def linears(self) -> list[nn.Linear]:
        """Its layers in their order."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    @property
    def parts(self) -> tuple[Predictor, ...]:
        """The predictor of each size of kernels."""
        return (self,)

    def forward(self, inputs: Inputs, picks: Tensor | None = None) -> Tensor:
        """Kernels [M, K] of all coordinates, or of some (int64 [M])."""
        first = self.linears[0]
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

    @torch.no_grad()
    def rounded(self, inputs: Inputs) -> Tensor:
        """`forward` of all coordinates with the products of all layers but the first in bfloat16; float32 again. On a CPU."""
        first, *between, last = self.linears
        weights = [(layer.weight.bfloat16(), layer.bias.bfloat16()) for layer in (*between, last)]
        layers, filters, channels = (F.linear(table, part) for table, part in zip(inputs.tables, first.weight.chunk(3, 1)))
        layers, found = layers + first.bias, []
        for at, (f, c) in enumerate(inputs.shapes):
            grid = ((layers[at] + filters[:f])[:, None] + channels[:c]).flatten(0, 1).relu_().bfloat16()
            for x in grid.split(PIECE):
                for weight, bias in weights[:-1]:
                    x = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "relu", [], "")
                found.append(F.linear(x, *weights[-1]))
        return torch.cat(found).float().index_select(0, inputs.place_M)

    def rest(self, x: Tensor) -> Tensor:
        hidden = (
            fused_linear_relu
            if not torch.is_grad_enabled() and x.device.type == "cpu" and torch.backends.mkldnn.is_available()
            else linear_relu
        )
        *between, last = self.linears[1:]
        for layer in between:
            x = hidden(layer, x)
        return last(x)

    def plain(self, embeddings_MD: Tensor) -> Tensor:
        """The same from the embeddings in full; the reference of `forward`."""
        return self.rest(F.relu(self.layers[0](embeddings_MD)))


class Predictors(nn.ModuleDict):
    """A predictor for each size of kernels, by its name: "3x3"."""

    @property
    def parts(self) -> tuple[Predictor, ...]:
        """The predictor of each size of kernels."""
        return tuple(part for part in self.values() if isinstance(part, Predictor))


def together(kernels: Sequence[tuple[int, int]], parts: Sequence[Predictor]) -> Predictor | Predictors:
    """What predicts kernels of these sizes (rows, columns), from the predictor of each."""
    return parts[0] if len(parts) == 1 else Predictors({f"{rows}x{columns}": part for (rows, columns), part in zip(kernels, parts)})


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
def start(
    inputs: int, hidden: int, outputs: int, places: Inputs, mean: float, deviation: float, random: torch.Generator, matched: bool = True
) -> Predictor:
    """A predictor whose first kernels, over all coordinates, have the mean and the standard deviation of the original's
    (appendix B): He's start in the hidden layers, and an output layer scaled to it. Not `matched`: He's start in all layers."""
    predictor = Predictor(inputs, hidden, outputs)
    for layer in predictor.linears:
        layer.weight.normal_(0, (2 / layer.in_features) ** 0.5, generator=random)
        layer.bias.zero_()
    if not matched:
        return predictor
    last = predictor.linears[-1]
    values_MK = predictor(places)
    last.weight.mul_(deviation / values_MK.std().clamp_min(1e-12))
    last.bias.fill_(mean - predictor(places).mean())
    return predictor


def centre(kernels_MK: Tensor, size: tuple[int, int], wide: tuple[int, int]) -> Tensor:
    """The middle `size` (rows, columns) of kernels of the size `wide` (flat, [M, wide rows * columns] -> [M, rows * columns]). Where no
    middle is exact, half a place nearer the start."""
    if size == wide:
        return kernels_MK
    (top, left), (rows, columns) = margins(size, wide), size
    return kernels_MK.view(-1, *wide)[:, top : top + rows, left : left + columns].reshape(len(kernels_MK), -1)


def margins(size: tuple[int, int], wide: tuple[int, int]) -> tuple[int, int]:
    """Rows above and columns left of what `centre` cuts."""
    return (wide[0] - size[0]) // 2, (wide[1] - size[1]) // 2
