"""Sums over bfloat16 numbers in float32 on a CPU, in one pass over the memory: what NumPy and PyTorch would first widen.

A bfloat16 is the upper half of a float32. Legend: B rows, X numbers of each.
"""

from __future__ import annotations

import numba
import numpy as np
import torch
from torch import Tensor


def products(one_BX: Tensor, other_BX: Tensor) -> Tensor:
    """a . b, a . a and b . b of each row, float32 [B, 3]."""
    found_B3 = np.empty((len(one_BX), 3), np.float32)
    _products(bits(one_BX), bits(other_BX), found_B3)
    return torch.from_numpy(found_B3)


def combined(one_BX: Tensor, other_BX: Tensor, factors_B2: Tensor) -> Tensor:
    """Each row's a and b times its two factors (float32), added and rounded to the nearest, bfloat16 [B, X]."""
    found_BX = torch.empty_like(one_BX)
    _combined(bits(one_BX), bits(other_BX), factors_B2.contiguous().numpy(), bits(found_BX))
    return found_BX


def bits(rows_BX: Tensor) -> np.ndarray:
    return rows_BX.view(torch.uint16).numpy()


@numba.njit(cache=True, nogil=True, fastmath=True)
def _products(one_BX: np.ndarray, other_BX: np.ndarray, found_B3: np.ndarray) -> None:
    for row in range(one_BX.shape[0]):
        both = ones = others = np.float32(0)
        for at in range(one_BX.shape[1]):
            a = np.uint32(np.uint32(one_BX[row, at]) << np.uint32(16)).view(np.float32)
            b = np.uint32(np.uint32(other_BX[row, at]) << np.uint32(16)).view(np.float32)
            both += a * b
            ones += a * a
            others += b * b
        found_B3[row, 0], found_B3[row, 1], found_B3[row, 2] = both, ones, others


@numba.njit(cache=True, nogil=True)
def _combined(one_BX: np.ndarray, other_BX: np.ndarray, factors_B2: np.ndarray, found_BX: np.ndarray) -> None:
    for row in range(one_BX.shape[0]):
        first, second = factors_B2[row, 0], factors_B2[row, 1]
        for at in range(one_BX.shape[1]):
            a = np.uint32(np.uint32(one_BX[row, at]) << np.uint32(16)).view(np.float32)
            b = np.uint32(np.uint32(other_BX[row, at]) << np.uint32(16)).view(np.float32)
            exact = np.float32(a * first + b * second).view(np.uint32)
            even = (exact >> np.uint32(16)) & np.uint32(1)  # what lies half-way goes to the even one
            found_BX[row, at] = np.uint16((exact + np.uint32(0x7FFF) + even) >> np.uint32(16))
