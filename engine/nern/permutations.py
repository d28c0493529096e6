"""Smoothness by permutation (paper, 3.3): greedy tours through a layer's kernels, and what it costs to store them.

A tour starts at kernel 0 and goes on to the nearest kernel that it has not visited, ties to the lowest index. Near is a
large cosine; of 1x1 kernels, which are numbers, a small squared distance after division by the layer's norm. Sums run over
a kernel's values in their order in float64, with no fused multiply-add, so that a tour is the same on every machine.

Legend: F filters, C channels, K values of a kernel, M kernels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from ..errors import InvalidValue

KINDS = ("none", "in-filter", "cross-filter")
VALUES = 9  # of a 3x3 kernel: the layers of many kernels have those, and for them the searches below are made
LEAF = 32  # kernels of a leaf of that tree, or of a block
FLAT = 32_768  # up to so many kernels, looking at all of them is faster than a tree
SLACK = np.float32(4e-6)  # more than float32 can be wrong by, in the products of unit vectors of 9 numbers


def unit(vectors_MK: np.ndarray, scalar: bool) -> np.ndarray:
    """Float64 vectors made comparable: of length 1 (a zero vector stays), or (scalars) divided by the norm of all of them."""
    vectors_MK = np.ascontiguousarray(vectors_MK, np.float64)
    return _unit(vectors_MK, scalar)


@numba.njit(cache=True, nogil=True)
def _unit(vectors_MK, scalar):
    result = vectors_MK.copy()
    count, size = vectors_MK.shape
    total = 0.0
    for m in range(count):
        if not scalar:
            total = 0.0
        for k in range(size):
            total += vectors_MK[m, k] * vectors_MK[m, k]
        if not scalar and total > 0:
            result[m] /= math.sqrt(total)
    if scalar and total > 0:
        result /= math.sqrt(total)
    return result


def tour(vectors_MK: np.ndarray, scalar: bool = False) -> np.ndarray:
    """The greedy tour: int64 [M], the index of the kernel at each place. `scalar` for 1x1 kernels."""
    unit_MK = unit(vectors_MK, scalar)
    count, size = unit_MK.shape
    if scalar and size == 1:
        return _line(unit_MK[:, 0], np.argsort(unit_MK[:, 0], kind="stable"))
    if scalar or size != VALUES:
        return _brute(unit_MK, scalar)
    result_M = np.zeros(count, np.int64)
    left_M, place = np.arange(count), 1  # `left_M` holds the kernel where the tour is, and all that it has not visited
    while len(left_M) > FLAT:  # a new tree whenever half of the old one has been visited
        until = place + len(left_M) // 2
        left_M = _walk(*_tree(unit_MK, left_M), unit_MK, result_M, place, until)
        place = until
    _flat(_blocks(unit_MK, left_M), left_M, unit_MK, result_M, place)
    return result_M


@numba.njit(cache=True, nogil=True)
def _score(a_K, b_K, scalar):
    """How near: the cosine, or minus the squared distance."""
    total = 0.0
    for k in range(len(a_K)):
        if scalar:
            total -= (a_K[k] - b_K[k]) * (a_K[k] - b_K[k])
        else:
            total += a_K[k] * b_K[k]
    return total


@numba.njit(cache=True, nogil=True)
def _brute(unit_MK, scalar):
    count = len(unit_MK)
    left = np.arange(1, count)
    result = np.zeros(count, np.int64)
    here = 0
    for place in range(1, count):
        best, at = -np.inf, 0
        for i in range(count - place):
            score = _score(unit_MK[here], unit_MK[left[i]], scalar)
            if score > best:  # `left` is in the order of the indices: the first of equals is the lowest
                best, at = score, i
        here = left[at]
        for i in range(at, count - place - 1):
            left[i] = left[i + 1]
        result[place] = here
    return result


def _tree(unit_MK: np.ndarray, left_M: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The leaves of a k-d tree of some kernels: values float32 [leaves, 9, LEAF] (zero behind the last), indices int64 [leaves,
    LEAF], and how many each holds."""
    leaves: list[np.ndarray] = []

    def split(part_M: np.ndarray) -> None:
        if len(part_M) <= LEAF:
            leaves.append(part_M)
            return
        values = unit_MK[part_M]
        axis = int((values.max(0) - values.min(0)).argmax())
        order = np.argpartition(values[:, axis], len(part_M) // 2)
        split(part_M[order[: len(part_M) // 2]])
        split(part_M[order[len(part_M) // 2 :]])

    split(left_M)
    tree_LKW, index_LW = np.zeros((len(leaves), VALUES, LEAF), np.float32), np.zeros((len(leaves), LEAF), np.int64)
    for leaf, part_M in enumerate(leaves):
        tree_LKW[leaf, :, : len(part_M)] = unit_MK[part_M].T
        index_LW[leaf, : len(part_M)] = part_M
    return tree_LKW, index_LW, np.array([len(part_M) for part_M in leaves])


@numba.njit(cache=True, nogil=True)
def _line(value_M, sorted_M):
    """The tour of numbers: the nearest is the next one that is left in sorted order, up or down, or one as near as it."""
    count = len(value_M)
    column_M = np.empty(count, np.int64)
    column_M[sorted_M] = np.arange(count)
    down_M, up_M = np.arange(-1, count - 1), np.arange(1, count + 1)  # columns of the neighbours that are left
    result_M = np.zeros(count, np.int64)
    here = 0
    for place in range(1, count):
        column = column_M[here]
        down, up = down_M[column], up_M[column]
        if down >= 0:
            up_M[down] = up
        if up < count:
            down_M[up] = down
        best, found, value = np.inf, count, value_M[here]
        for start, way_M in ((down, down_M), (up, up_M)):
            at = start
            while 0 <= at < count:
                far = (value - value_M[sorted_M[at]]) * (value - value_M[sorted_M[at]])
                if far > best:
                    break
                found = min(found, sorted_M[at]) if far == best else sorted_M[at]
                best, at = far, way_M[at]
        here = found
        result_M[place] = here
    return result_M


def _blocks(unit_MK: np.ndarray, left_M: np.ndarray) -> np.ndarray:
    """Some kernels in blocks of LEAF: values float32 [blocks, 9, LEAF], zero behind the last."""
    rows = np.zeros((-(-len(left_M) // LEAF) * LEAF, VALUES), np.float32)
    rows[: len(left_M)] = unit_MK[left_M]
    return np.ascontiguousarray(rows.reshape(-1, LEAF, VALUES).transpose(0, 2, 1))


@numba.njit(cache=True, nogil=True)
def _flat(blocks_LKW, index_M, unit_MK, result_M, place):
    """The rest of the tour from `place` on, looking at all kernels `index_M` that are left, in float32 and where that is near in
    float64. The last kernel takes the place of the one that goes, so that what is left stays together."""
    count = len(unit_MK)
    slot_M = np.empty(count, np.int64)
    for slot in range(len(index_M)):
        slot_M[index_M[slot]] = slot
    query_K, score_W = np.empty(VALUES, np.float32), np.empty(LEAF, np.float32)
    here, left = result_M[place - 1], len(index_M)
    for at in range(place, count):
        left -= 1
        slot = slot_M[here]
        index_M[slot] = index_M[left]
        slot_M[index_M[slot]] = slot
        for k in range(VALUES):
            blocks_LKW[slot // LEAF, k, slot % LEAF] = blocks_LKW[left // LEAF, k, left % LEAF]
            query_K[k] = unit_MK[here, k]
        best, found = -np.inf, count
        for block in range((left + LEAF - 1) // LEAF):
            first = block * LEAF
            best, found = _look(blocks_LKW, index_M[first : first + LEAF], min(LEAF, left - first), block, unit_MK, here, query_K, score_W, best, found)
        here = found
        result_M[at] = here


@numba.njit(cache=True, nogil=True)
def _walk(tree_LKW, index_LW, left_L, unit_MK, result_M, place, until):
    """The tour's places [place, until), looking only into leaves whose bounding box may hold a kernel as near as the best so far,
    first in float32, and in float64 at what comes near. What is skipped could not have been chosen: the tour is the brute
    force's. Returns the kernels that are left, the one where the tour is among them."""
    count, leaves = len(unit_MK), len(left_L)
    low_KL, high_KL = np.empty((VALUES, leaves), np.float32), np.empty((VALUES, leaves), np.float32)
    leaf_M, slot_M = np.empty(count, np.int64), np.empty(count, np.int64)  # where in the tree each kernel is
    for leaf in range(leaves):
        for slot in range(left_L[leaf]):
            leaf_M[index_LW[leaf, slot]], slot_M[index_LW[leaf, slot]] = leaf, slot
        _box(tree_LKW, left_L, low_KL, high_KL, leaf)
    query_K, score_W, bound_L = np.empty(VALUES, np.float32), np.empty(LEAF, np.float32), np.empty(leaves, np.float32)
    here = result_M[place - 1]
    for at in range(place, until):
        home, slot = leaf_M[here], slot_M[here]
        last = left_L[home] - 1
        index_LW[home, slot] = index_LW[home, last]  # the last kernel of the leaf takes the place of the one that goes
        slot_M[index_LW[home, slot]] = slot
        for k in range(VALUES):
            tree_LKW[home, k, slot] = tree_LKW[home, k, last]
            tree_LKW[home, k, last] = 0
            query_K[k] = unit_MK[here, k]
        left_L[home] = last
        _box(tree_LKW, left_L, low_KL, high_KL, home)
        best, found = _look(tree_LKW, index_LW[home], last, home, unit_MK, here, query_K, score_W, -np.inf, count)
        bound_L[:] = SLACK
        for k in range(VALUES):
            corner_L = high_KL[k] if query_K[k] > 0 else low_KL[k]
            for leaf in range(leaves):
                bound_L[leaf] += query_K[k] * corner_L[leaf]
        bound_L[home] = -np.inf
        first = np.argmax(bound_L)  # the most promising leaf first: its best rules most others out
        if bound_L[first] >= best:
            best, found = _look(tree_LKW, index_LW[first], left_L[first], first, unit_MK, here, query_K, score_W, best, found)
        bound_L[first] = -np.inf
        for leaf in range(leaves):
            if bound_L[leaf] >= best:
                best, found = _look(tree_LKW, index_LW[leaf], left_L[leaf], leaf, unit_MK, here, query_K, score_W, best, found)
        here = found
        result_M[at] = here
    rest_M, total = np.empty(left_L.sum(), np.int64), 0
    for leaf in range(leaves):
        for slot in range(left_L[leaf]):
            rest_M[total] = index_LW[leaf, slot]
            total += 1
    return rest_M


@numba.njit(cache=True, nogil=True)
def _look(tree_LKW, index_W, left, leaf, unit_MK, here, query_K, score_W, best, found):
    """The nearest kernel of a leaf or block, if it is nearer than the best so far (or as near and of a lower index)."""
    top = np.float32(-np.inf)
    for i in range(LEAF):  # of constant length, as the one below: they become vector instructions
        total = SLACK
        for k in range(VALUES):
            total += query_K[k] * tree_LKW[leaf, k, i]
        score_W[i] = total
    for i in range(LEAF):
        top = max(top, score_W[i])
    if top >= best:
        for i in range(left):
            if score_W[i] >= best:
                exact = _score(unit_MK[here], unit_MK[index_W[i]], False)
                if exact > best or (exact == best and index_W[i] < found):
                    best, found = exact, index_W[i]
    return best, found


@numba.njit(cache=True, nogil=True)
def _box(tree_LKW, left_L, low_KL, high_KL, leaf):
    """The bounding box of what is left in a leaf; of nothing, one that no look is worth."""
    for k in range(VALUES):
        low, high = np.float32(np.inf), np.float32(-np.inf)
        for i in range(left_L[leaf]):
            low = min(low, tree_LKW[leaf, k, i])
            high = max(high, tree_LKW[leaf, k, i])
        low_KL[k, leaf], high_KL[k, leaf] = (low, high) if left_L[leaf] else (np.float32(9), np.float32(-9))


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
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()) as pool:
        found = dict(zip(by_size, pool.map(lambda i: permutation(weights[i], kind), by_size)))
    return [found[i] for i in range(len(weights))]


def inverse(order_M: np.ndarray) -> np.ndarray:
    """The place of each kernel. Raises InvalidValue where `order_M` is no permutation."""
    order_M = np.asarray(order_M)
    if order_M.ndim != 1 or order_M.dtype.kind not in "iu" or not np.array_equal(np.sort(order_M), np.arange(len(order_M))):
        raise InvalidValue(f"That is no permutation: each of 0 to {max(0, order_M.size - 1)} must be there once. Compute it again from the original.")
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
