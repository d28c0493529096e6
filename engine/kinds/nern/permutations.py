"""Smoothness by permutation (paper, 3.3): the orders of a layer's kernels, and what it costs to store them.

Legend: F filters, C channels, K values of a kernel, M kernels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ...core.errors import InvalidValue
from .tours import cores, tour

KINDS = ("none", "in-filter", "cross-filter")


def permutation(weight_FCkk: np.ndarray, kind: str) -> np.ndarray:
    """The order of a layer's kernels, int64 [F C]: the number f C + c of the kernel at each place.

    "cross-filter": one tour through all kernels. "in-filter": a tour through the kernels of each filter, then one through
    the permuted filters, each seen as one vector.
    """
    filters, channels = weight_FCkk.shape[:2]
    scalar = weight_FCkk[0, 0].size == 1
    kernels_FCK = weight_FCkk.reshape(filters, channels, -1)
    if kind == "none":
        return np.arange(filters * channels)
    if kind == "cross-filter":
        return tour(kernels_FCK.reshape(filters * channels, -1), scalar)
    if kind == "in-filter":
        inner_FC = np.stack([tour(kernels_CK, scalar) for kernels_CK in kernels_FCK])
        permuted_FCK = np.take_along_axis(kernels_FCK, inner_FC[..., None], 1)
        outer_F = tour(permuted_FCK.reshape(filters, -1), scalar)
        return (outer_F[:, None] * channels + inner_FC[outer_F]).ravel()
    raise InvalidValue(f"There is no permutation {str(kind)[:40]!r}: use one of {', '.join(KINDS)}.")


def permutations(weights: Sequence[np.ndarray], kind: str) -> list[np.ndarray]:
    """`permutation` of each layer, largest first, a core each."""
    by_size = sorted(range(len(weights)), key=lambda i: -weights[i].size)
    with ThreadPoolExecutor(cores()) as pool:
        found = dict(zip(by_size, pool.map(lambda i: permutation(weights[i], kind), by_size)))
    return [found[i] for i in range(len(weights))]


def inverse(order_M: np.ndarray) -> np.ndarray:
    """The place of each kernel. Raises InvalidValue where `order_M` is no permutation."""
    order_M = np.asarray(order_M)
    if order_M.ndim != 1 or order_M.dtype.kind not in "iu" or not np.array_equal(np.sort(order_M), np.arange(len(order_M))):
        raise InvalidValue(
            f"That is not a permutation: each of 0 to {max(0, order_M.size - 1)} must be there once. Compute it again from the original."
        )
    result = np.empty(len(order_M), np.int64)
    result[order_M] = np.arange(len(order_M))
    return result


def bits(shapes: Sequence[tuple[int, int]], kind: str) -> float:
    """Bits to store the permutations of layers of (filters, channels) (paper, 3.3 and table 9)."""
    if kind == "cross-filter":
        return float(sum(f * c * (math.log2(f) + math.log2(c)) for f, c in shapes))
    if kind == "in-filter":
        return float(sum(f * c * math.log2(c) + f * math.log2(f) for f, c in shapes))
    return 0.0
