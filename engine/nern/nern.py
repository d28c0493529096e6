"""A NeRN in memory: an original, the order of its kernels, and a predictor of them.

Legend: M kernels, D numbers of an embedding, K values of a predicted kernel, F filters, C channels, B images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import InvalidValue
from .config import NernConfig
from .coordinates import embed
from .original import Original
from .permutations import bits, inverse, permutations
from .predictor import Inputs, Predictor, centre, count

BYTES = 4  # of a float32


@dataclass(frozen=True)
class Places:
    """What the predictor is asked for each kernel, in the original's order."""

    original: Original
    orders: list[np.ndarray]  # of each layer: the kernel at each place
    inputs: Inputs
    kernel: int  # side of the predicted kernels

    def split(self, kernels_MK: Tensor) -> list[Tensor]:
        """Predicted kernels as the weights of each layer [F, C, k, k]; smaller ones are cut from the centre."""
        return [centre(kernels_MK[layer.start : layer.stop], layer.size, self.kernel).view(layer.filters, layer.channels, layer.size, layer.size) for layer in self.original.layers]


    def whole(self) -> tuple[Tensor, Tensor]:
        """The original's kernels as the predictor gives them [M, K], smaller ones in the centre, and which of those values count."""
        kernels, counts = [], []
        for weight in self.original.weights:
            margin = (self.kernel - weight.shape[-1]) // 2
            kernels.append(F.pad(weight, (margin,) * 4).reshape(-1, self.kernel**2))
            counts.append(F.pad(torch.ones_like(weight), (margin,) * 4).reshape(-1, self.kernel**2))
        return torch.cat(kernels), torch.cat(counts)


def check_kernel(config: NernConfig, original: Original) -> int:
    """Side of the kernels that the predictor gives. Raises InvalidValue where the original has larger ones."""
    kernel = config.kernel or original.kernel
    if original.kernel > kernel:
        raise InvalidValue(f"{original.id} has kernels of {original.kernel} x {original.kernel}, the predictor gives {kernel} x {kernel}: set kernel to {original.kernel} (or 0), or skip those layers.")
    return kernel


def places(config: NernConfig, original: Original, orders: Sequence[np.ndarray] | None = None, device: str | torch.device = "cpu") -> Places:
    """The coordinates of a NeRN: kernels keep their places in the network, and each is told the coordinate of its place in the
    permuted layer. `orders`: the permutations, where they are known. Raises InvalidValue."""
    kernel = check_kernel(config, original)
    if orders is None:
        orders = permutations([weight.cpu().numpy() for weight in original.weights], config.permutation)
    if len(orders) != len(original.layers):
        raise InvalidValue(f"{original.id} has {len(original.layers)} layers and there are {len(orders)} permutations. Compute them again from the original.")
    rows = []
    for layer, order_M in zip(original.layers, orders):
        if len(order_M) != layer.stop - layer.start:
            raise InvalidValue(f"{layer.name} has {layer.stop - layer.start} kernels, its permutation {len(order_M)}. Compute it again from the original.")
        rows.append(layer.start + inverse(order_M))
    most = (len(original.layers), max(f for f, _ in original.shapes), max(c for _, c in original.shapes))
    tables = tuple(embed(torch.arange(count)[:, None], config.base, config.levels) for count in most)
    inputs = Inputs(tuple(original.shapes), torch.from_numpy(np.concatenate(rows)), tables)
    return Places(original, [np.asarray(order_M, np.int64) for order_M in orders], inputs.to(device), kernel)


@dataclass(frozen=True)
class Nern:
    """A trained predictor and its places."""

    id: str
    config: NernConfig
    places: Places
    predictor: Predictor

    @property
    def original(self) -> Original:
        return self.places.original

    @torch.no_grad()
    def weights(self, predictor: Predictor | None = None) -> list[Tensor]:
        """The reconstructed kernels of each layer [F, C, k, k]."""
        return self.places.split((predictor or self.predictor)(self.places.inputs))

    def state(self, weights: Sequence[Tensor] | None = None) -> dict[str, Tensor]:
        """State dict of the reconstructed network: the original's, with the predicted kernels."""
        state = {name: tensor.detach().clone() for name, tensor in self.original.module.state_dict().items()}
        for layer, weight in zip(self.original.layers, weights or self.weights()):
            state[f"{layer.name}.weight"] = weight.detach().clone()
        return state


def predictor_size(config: NernConfig, kernel: int) -> int:
    """Parameters of the predictor."""
    return count(6 * config.levels, config.hidden, kernel**2)


def sizes(config: NernConfig, original: Original) -> dict[str, float]:
    """Bytes: `learnable` (kernels of the original, float32), `predictor` (float32), `permutation` (the paper's formulas); and
    `ratio`, predictor and permutation over learnable."""
    learnable, predictor = BYTES * original.learnable, BYTES * predictor_size(config, config.kernel or original.kernel)
    permutation = bits(original.shapes, config.permutation) / 8
    return {"learnable": learnable, "predictor": predictor, "permutation": permutation, "ratio": (predictor + permutation) / learnable}
