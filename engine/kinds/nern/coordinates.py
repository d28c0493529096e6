"""Where kernels are and how a predictor is told (paper, 3.1 and eq. 1).

Legend: M kernels, D numbers of an embedding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...core.errors import InvalidValue


def coordinates(shapes: Sequence[tuple[int, int]]) -> Tensor:
    """(layer, filter, channel) of every kernel, int64 [M, 3], layer after layer and filter after filter; `shapes` are (filters,
    channels)."""
    if not shapes:
        raise InvalidValue("A network without convolutions has no kernels to represent. Choose one with convolutions.")
    parts = []
    for layer, (filters, channels) in enumerate(shapes):
        place = torch.arange(filters * channels)
        parts.append(torch.stack([torch.full_like(place, layer), place // channels, place % channels], -1))
    return torch.cat(parts)


def frequencies(base: float, levels: int) -> Tensor:
    """b^0 pi, ..., b^(N-1) pi, float64 [levels]."""
    return math.pi * base ** torch.arange(levels, dtype=torch.float64)


def embed(coordinates_MI: Tensor, base: float, levels: int) -> Tensor:
    """Eq. 1 of each of I indices, side by side: float32 [M, 2 I levels]. Indices are used as they are, not normalised."""
    angles_MIL = coordinates_MI.double()[..., None] * frequencies(base, levels)
    return torch.stack([angles_MIL.sin(), angles_MIL.cos()], -1).flatten(1).float()


def similarity(base: float, levels: int, at: int = 31, count: int = 64) -> Tensor:
    """Cosine similarity of the embeddings of (0, 0, c), c in [0, count), to that of (0, 0, at), float64 [count] (paper, fig. 8)."""
    places = torch.zeros(count, 3, dtype=torch.int64)
    places[:, 2] = torch.arange(count)
    unit_MD = torch.nn.functional.normalize(embed(places, base, levels).double(), dim=-1)
    return unit_MD @ unit_MD[at]
