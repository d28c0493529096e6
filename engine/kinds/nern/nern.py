"""A NeRN in memory: an original, the order of its kernels, and what predicts them.

Legend: M kernels (of all layers, or of a group), D numbers of an embedding, K values of a predicted kernel, F filters, C channels,
B images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...core.errors import InvalidValue
from .config import NernConfig
from .coordinates import embed
from .original import Layer, Original
from .permutations import bits, inverse, permutations
from .predictor import Inputs, Predictor, Predictors, centre, count, margins

BYTES = 4  # of a float32
Size = tuple[int, int]  # rows and columns of a kernel


@dataclass(frozen=True)
class Group:
    """Layers whose kernels one predictor gives, by their numbers; all in the size `kernel`, smaller ones in the centre."""

    layers: tuple[int, ...]
    kernel: Size
    inputs: Inputs
    slot_M: Tensor  # where each of the original's kernels is among those of the group; -1 for those of other groups

    def picked(self, picks_B: Tensor) -> Tensor:
        """Those of some of the original's kernels that are of this group, as their numbers within it."""
        slots_B = self.slot_M[picks_B]
        return slots_B[slots_B >= 0]

    def to(self, device: str | torch.device) -> Group:
        return replace(self, inputs=self.inputs.to(device), slot_M=self.slot_M.to(device))


@dataclass(frozen=True)
class Places:
    """What the predictors are asked for each kernel, in the original's order."""

    original: Original
    orders: list[np.ndarray]  # of each layer: the kernel at each place
    groups: tuple[Group, ...]

    @property
    def kernels(self) -> list[Size]:
        """The size of kernels that each predictor gives."""
        return [group.kernel for group in self.groups]

    def weights(self, predictor: Predictor | Predictors, dtype: torch.dtype = torch.float32) -> list[Tensor]:
        """All kernels as they are predicted, the weights [F, C, *kernel] of each layer, float32; `dtype`: of the products."""
        parts = zip(predictor.parts, self.groups, strict=True)
        return self.split([part(group.inputs) if dtype == torch.float32 else part.rounded(group.inputs) for part, group in parts])

    def split(self, kernels: Sequence[Tensor]) -> list[Tensor]:
        """The predicted kernels of each group as the weights of each layer [F, C, *kernel]; smaller ones are cut from the centre."""
        found: dict[int, Tensor] = {}
        for group, kernels_MK in zip(self.groups, kernels, strict=True):
            at = 0
            for number in group.layers:
                layer = self.original.layers[number]
                here_MK = kernels_MK[at : at + layer.stop - layer.start]
                found[number] = centre(here_MK, layer.size, group.kernel).view(layer.dims)
                at += len(here_MK)
        return [found[number] for number in range(len(found))]

    def whole(self) -> list[tuple[Tensor, Tensor]]:
        """Of each group the original's kernels as its predictor gives them [M, K], smaller ones in the centre, and which of those values
        count."""
        weights = self.original.weights
        found = []
        for group in self.groups:
            kernels, counts = [], []
            for number in group.layers:
                (rows, columns), (wide_rows, wide_columns) = self.original.layers[number].size, group.kernel
                top, left = margins((rows, columns), group.kernel)
                pad = (left, wide_columns - columns - left, top, wide_rows - rows - top)
                kernels_MRC = weights[number].reshape(-1, rows, columns)
                kernels.append(F.pad(kernels_MRC, pad).flatten(1))
                counts.append(F.pad(torch.ones_like(kernels_MRC), pad).flatten(1))
            found.append((torch.cat(kernels), torch.cat(counts)))
        return found


def grouping(config: NernConfig, original: Original) -> list[tuple[Size, tuple[int, ...]]]:
    """(size of its kernels, numbers of its layers) of each predictor: the paper's one, or one for each size, the largest first. Raises
    InvalidValue where the original has larger kernels than the one predictor gives."""
    sizes = [layer.size for layer in original.layers]
    regular = all(rows == columns and rows % 2 for rows, columns in sizes)
    if config.predictors == "one" or config.predictors == "auto" and (regular or config.kernel):
        largest = max(rows for rows, _ in sizes), max(columns for _, columns in sizes)
        if config.kernel and config.kernel < max(largest):
            raise InvalidValue(
                f"{original.id} has kernels of {in_words(largest)}, the predictor gives {in_words((config.kernel, config.kernel))}: "
                f"set kernel to {max(largest)} (or 0), or skip those layers."
            )
        return [((config.kernel, config.kernel) if config.kernel else largest, tuple(range(len(sizes))))]
    if config.kernel:
        raise InvalidValue("kernel is the size that one predictor gives, and there is one for each size: leave it at 0.")
    by_size = sorted(set(sizes), key=lambda size: (-size[0] * size[1], size))
    return [(size, tuple(number for number, each in enumerate(sizes) if each == size)) for size in by_size]


def in_words(size: Size) -> str:
    return f"{size[0]} x {size[1]}"


def places(
    config: NernConfig, original: Original, orders: Sequence[np.ndarray] | None = None, device: str | torch.device = "cpu"
) -> Places:
    """The coordinates of a NeRN: kernels keep their places in the network, and each is told the coordinate of its place in the
    permuted layer. `orders`: the permutations, where they are known. Raises InvalidValue."""
    groups = grouping(config, original)
    if orders is None:
        orders = permutations([weight.cpu().numpy() for weight in original.weights], config.permutation)
    if len(orders) != len(original.layers):
        raise InvalidValue(
            f"{original.id} has {len(original.layers)} layers and there are {len(orders)} permutations. "
            "Compute them again from the original."
        )
    rows = [row_of(layer, order_M) for layer, order_M in zip(original.layers, orders)]
    most = (max(f for f, _ in original.shapes), max(c for _, c in original.shapes))
    filters, channels = (embed(torch.arange(number)[:, None], config.base, config.levels) for number in most)
    found = []
    for kernel, numbers in groups:
        layers = [original.layers[number] for number in numbers]
        starts = np.cumsum([0, *(layer.stop - layer.start for layer in layers)])
        place_M = np.concatenate([start + rows[number] for start, number in zip(starts, numbers)])
        slot_M = torch.full((original.kernels,), -1)
        for start, layer in zip(starts.tolist(), layers):
            slot_M[layer.start : layer.stop] = torch.arange(start, start + layer.stop - layer.start)
        of_layers = embed(torch.tensor(numbers)[:, None], config.base, config.levels)
        inputs = Inputs(tuple(layer.shape for layer in layers), torch.from_numpy(place_M), (of_layers, filters, channels))
        found.append(Group(numbers, kernel, inputs, slot_M).to(device))
    return Places(original, [np.asarray(order_M, np.int64) for order_M in orders], tuple(found))


def row_of(layer: Layer, order_M: np.ndarray) -> np.ndarray:
    """The place of each of a layer's kernels. Raises InvalidValue."""
    if len(order_M) != layer.stop - layer.start:
        raise InvalidValue(
            f"{layer.name} has {layer.stop - layer.start} kernels, its permutation {len(order_M)}. Compute it again from the original."
        )
    return inverse(order_M)


@dataclass(frozen=True)
class Nern:
    """A trained predictor and its places."""

    id: str
    config: NernConfig
    places: Places
    predictor: Predictor | Predictors

    @property
    def original(self) -> Original:
        return self.places.original

    @torch.no_grad()
    def weights(self, predictor: Predictor | Predictors | None = None, dtype: torch.dtype = torch.float32) -> list[Tensor]:
        """The reconstructed kernels of each layer [F, C, *kernel]; `dtype`: of the products, bfloat16 for looking only."""
        return self.places.weights(predictor or self.predictor, dtype)

    def state(self, weights: Sequence[Tensor] | None = None) -> dict[str, Tensor]:
        """State dict of the reconstructed network: the original's, with the predicted kernels."""
        state = {name: tensor.detach().clone() for name, tensor in self.original.module.state_dict().items()}
        for layer, weight in zip(self.original.layers, weights or self.weights()):
            state[f"{layer.name}.weight"] = weight.detach().clone()
        return state


def predictor_size(config: NernConfig, original: Original) -> int:
    """Parameters of the predictors."""
    return sum(count(6 * config.levels, config.hidden, rows * columns) for (rows, columns), _ in grouping(config, original))


def sizes(config: NernConfig, original: Original) -> dict[str, float]:
    """Bytes: `learnable` (kernels of the original, float32), `predictor` (float32), `permutation` (the paper's formulas); and
    `ratio`, predictor and permutation over learnable."""
    learnable, predictor = BYTES * original.learnable, BYTES * predictor_size(config, original)
    permutation = bits(original.shapes, config.permutation) / 8
    return {"learnable": learnable, "predictor": predictor, "permutation": permutation, "ratio": (predictor + permutation) / learnable}
