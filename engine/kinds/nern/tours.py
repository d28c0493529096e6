"""The greedy tours themselves: exactly those of the definition, without looking at everything from everywhere.

A tour starts at kernel 0 and goes on to the nearest kernel that it has not visited, ties to the lowest index. Near is a
large cosine; of 1x1 kernels, which are numbers, a small squared distance after division by the layer's norm. What
decides are sums over a kernel's values in their order in float64, with no fused multiply-add, so that a tour is the same
on every machine. Float32 only rules out: a *score* is 2 + the cosine, above 0 so that its bits order as its value does,
and SLACK is more than it can be wrong by.

Legend: K values of a kernel, M kernels, L blocks, W kernels of a block, N neighbours.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

VALUES = 9  # of a 3x3 kernel: the layers of many kernels have those, and for them the searches below are made
WIDTH = 128  # W
FLAT = 16_384  # up to so many kernels, looking at all of them is fastest
NEAR = 8  # N that are known before a tour sets out
SHARE = 0.75  # of the kernels that are left, visited until their neighbours are found anew
OFFSET = np.float32(2)
SLACK = np.float32(1e-5)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    gone_M = np.zeros(count, np.bool_)
    while len(left_M) > FLAT:
        until = place + int(len(left_M) * SHARE)
        parts = _parts(unit_MK, left_M)
        tree = (*_blocks(unit_MK, parts), *_boxes(unit_MK, parts))
        near = (np.empty((count, NEAR), np.int32), np.empty((count, NEAR), np.float32))
        edges = np.linspace(0, len(parts), 4 * cores() + 1).astype(int)
        with ThreadPoolExecutor(cores()) as pool:
            list(pool.map(lambda first, last: _neighbours(*tree, first, last, *near), edges[:-1], edges[1:]))
        _walk(*tree, *near, unit_MK, gone_M, result_M, place, until)
        left_M, place = np.flatnonzero(~gone_M), until
    block_LKW, index_LW, _ = _blocks(unit_MK, np.array_split(left_M, range(WIDTH, len(left_M), WIDTH)))
    _flat(block_LKW, index_LW, unit_MK, result_M, place)
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


def _parts(unit_MK: np.ndarray, left_M: np.ndarray) -> list[np.ndarray]:
    """The leaves of a k-d tree of some kernels: at most WIDTH indices each."""
    if len(left_M) <= WIDTH:
        return [left_M]
    values = unit_MK[left_M]
    axis, middle = int((values.max(0) - values.min(0)).argmax()), len(left_M) // 2
    order = np.argpartition(values[:, axis], middle)
    return _parts(unit_MK, left_M[order[:middle]]) + _parts(unit_MK, left_M[order[middle:]])


def _blocks(unit_MK: np.ndarray, parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kernels in blocks: values float32 [L, 9, W] (zero behind the last), indices int32 [L, W], how many each holds [L]."""
    block_LKW, index_LW = np.zeros((len(parts), VALUES, WIDTH), np.float32), np.zeros((len(parts), WIDTH), np.int32)
    for block, part_M in enumerate(parts):
        block_LKW[block, :, : len(part_M)] = unit_MK[part_M].T
        index_LW[block, : len(part_M)] = part_M
    return block_LKW, index_LW, np.array([len(part_M) for part_M in parts])


def _boxes(unit_MK: np.ndarray, parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The bounding box of each block: its middle and half its extent, float32 [9, L]."""
    low_LK, high_LK = (np.stack([end(unit_MK[part_M], 0) for part_M in parts]) for end in (np.min, np.max))
    middle_LK, half_LK = (high_LK + low_LK) / 2, (high_LK - low_LK) / 2
    return np.ascontiguousarray(middle_LK.T, np.float32), np.ascontiguousarray(half_LK.T, np.float32)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _scores(block_LKW, block, query_K, score_W):
    """Scores of a block. Loops of constant length, here and below, become vector instructions."""
    q0, q1, q2, q3, q4, q5, q6, q7, q8 = (
        query_K[0],
        query_K[1],
        query_K[2],
        query_K[3],
        query_K[4],
        query_K[5],
        query_K[6],
        query_K[7],
        query_K[8],
    )
    for i in range(WIDTH):
        first = (
            OFFSET + q0 * block_LKW[block, 0, i] + q1 * block_LKW[block, 1, i] + q2 * block_LKW[block, 2, i] + q3 * block_LKW[block, 3, i]
        )
        score_W[i] = (
            first
            + q4 * block_LKW[block, 4, i]
            + q5 * block_LKW[block, 5, i]
            + q6 * block_LKW[block, 6, i]
            + q7 * block_LKW[block, 7, i]
            + q8 * block_LKW[block, 8, i]
        )


@numba.njit(cache=True, nogil=True)
def _top(bits_W):
    """The largest score, by its bits: integers have a vector instruction for that which needs no word on NaN."""
    top = np.int32(0)
    for i in range(len(bits_W)):
        top = max(top, bits_W[i])
    return top


@numba.njit(cache=True, nogil=True, fastmath=True)
def _reach_of_block(block_LKW, block, middle_KL, half_KL, other, reach_W):
    """The largest score that each kernel of a block can have with one in the box of the `other`."""
    for i in range(WIDTH):
        reach_W[i] = OFFSET + SLACK
    for k in range(VALUES):
        middle, half = middle_KL[k, other], half_KL[k, other]
        for i in range(WIDTH):
            reach_W[i] += block_LKW[block, k, i] * middle + abs(block_LKW[block, k, i]) * half


@numba.njit(cache=True, nogil=True, fastmath=True)
def _reach(query_K, middle_KL, half_KL, reach_L):
    """The largest score that a kernel can have with one in each box."""
    for block in range(len(reach_L)):
        reach_L[block] = OFFSET + SLACK
    for k in range(VALUES):
        for block in range(len(reach_L)):
            reach_L[block] += query_K[k] * middle_KL[k, block] + abs(query_K[k]) * half_KL[k, block]


@numba.njit(cache=True, nogil=True)
def _neighbours(block_LKW, index_LW, left_L, middle_KL, half_KL, first, last, near_MN, score_MN):
    """The NEAR kernels of the highest scores, highest first, for each kernel of the blocks [first, last)."""
    query_K, score_W, reach_W, reach_L = (
        np.empty(VALUES, np.float32),
        np.empty(WIDTH, np.float32),
        np.empty(WIDTH, np.float32),
        np.empty(len(left_L), np.float32),
    )
    bits_W, enough = score_W.view(np.int32), np.empty(1, np.float32)
    enough_bits = enough.view(np.int32)
    for home in range(first, last):
        for k in range(VALUES):
            query_K[k] = middle_KL[k, home]
        _reach(query_K, middle_KL, half_KL, reach_L)
        reach_L[home] = 9
        for i in range(left_L[home]):
            score_MN[index_LW[home, i]] = 0
            near_MN[index_LW[home, i]] = index_LW[home, i]
        for block in np.argsort(-reach_L):  # the likely ones first: what they hold rules most others out
            _reach_of_block(block_LKW, home, middle_KL, half_KL, block, reach_W)
            for i in range(left_L[home]):
                here = index_LW[home, i]
                if reach_W[i] < score_MN[here, NEAR - 1]:
                    continue
                for k in range(VALUES):
                    query_K[k] = block_LKW[home, k, i]
                _scores(block_LKW, block, query_K, score_W)
                enough[0] = score_MN[here, NEAR - 1]
                if _top(bits_W) <= enough_bits[0]:
                    continue
                for w in range(left_L[block]):
                    if score_W[w] > score_MN[here, NEAR - 1] and index_LW[block, w] != here:
                        n = NEAR - 1
                        while n > 0 and score_MN[here, n - 1] < score_W[w]:
                            score_MN[here, n], near_MN[here, n] = score_MN[here, n - 1], near_MN[here, n - 1]
                            n -= 1
                        score_MN[here, n], near_MN[here, n] = score_W[w], index_LW[block, w]


@numba.njit(cache=True, nogil=True)
def _walk(block_LKW, index_LW, left_L, middle_KL, half_KL, near_MN, score_MN, unit_MK, gone_M, result_M, place, until):
    """The tour's places [place, until), to a known neighbour where one is left that must be the nearest, else by looking into
    every block whose box may hold one as near as the best so far. What is skipped could not have been chosen: the tour is the
    brute force's."""
    count = len(unit_MK)
    home_M, slot_M = np.empty(count, np.int32), np.empty(count, np.int32)
    for block in range(len(left_L)):
        for i in range(left_L[block]):
            home_M[index_LW[block, i]], slot_M[index_LW[block, i]] = block, i
    query_K, score_W, reach_L = np.empty(VALUES, np.float32), np.empty(WIDTH, np.float32), np.empty(len(left_L), np.float32)
    here = result_M[place - 1]
    for at in range(place, until):
        gone_M[here] = True
        home, slot = home_M[here], slot_M[here]
        left_L[home] -= 1
        index_LW[home, slot] = index_LW[home, left_L[home]]  # the last kernel of the block takes the place of the one that goes
        slot_M[index_LW[home, slot]] = slot
        for k in range(VALUES):
            query_K[k] = block_LKW[home, k, slot]
            block_LKW[home, k, slot] = block_LKW[home, k, left_L[home]]
        best, found, sure = -np.inf, count, False
        for n in range(NEAR):
            if score_MN[here, n] - OFFSET + SLACK < best:  # all that come after, and all that are no neighbours, are farther
                sure = True
                break
            if not gone_M[near_MN[here, n]]:
                best, found = _nearer(unit_MK, here, near_MN[here, n], best, found)
        if not sure:
            _reach(query_K, middle_KL, half_KL, reach_L)
            best, found = _look(block_LKW, index_LW, home, left_L[home], query_K, score_W, unit_MK, here, best, found)
            for block in range(len(left_L)):
                if block != home and reach_L[block] - OFFSET >= best:
                    best, found = _look(block_LKW, index_LW, block, left_L[block], query_K, score_W, unit_MK, here, best, found)
        here = found
        result_M[at] = here


@numba.njit(cache=True, nogil=True)
def _look(block_LKW, index_LW, block, left, query_K, score_W, unit_MK, here, best, found):
    """The nearest of a block, if it is nearer than the best so far (or as near and of a lower index)."""
    _scores(block_LKW, block, query_K, score_W)
    for i in range(left):
        if score_W[i] - OFFSET + SLACK >= best:
            best, found = _nearer(unit_MK, here, index_LW[block, i], best, found)
    return best, found


@numba.njit(cache=True, nogil=True)
def _nearer(unit_MK, here, other, best, found):
    exact = _score(unit_MK[here], unit_MK[other], False)
    return (exact, other) if exact > best or (exact == best and other < found) else (best, found)


@numba.njit(cache=True, nogil=True)
def _flat(block_LKW, index_LW, unit_MK, result_M, place):
    """The rest of the tour from `place` on, looking at all kernels that are left: in float32, and where that is highest in float64.
    The last kernel takes the place of the one that goes, so that what is left stays together."""
    count = len(unit_MK)
    index_M, slot_M = index_LW.ravel(), np.empty(count, np.int32)
    left = count - place + 1
    for slot in range(left):
        slot_M[index_M[slot]] = slot
    query_K, score_W, top_L = np.empty(VALUES, np.float32), np.empty(WIDTH, np.float32), np.empty(len(block_LKW), np.float32)
    bits_W, top_bits_L = score_W.view(np.int32), top_L.view(np.int32)
    here = result_M[place - 1]
    for at in range(place, count):
        left -= 1
        home, slot, last, end = slot_M[here] // WIDTH, slot_M[here] % WIDTH, left // WIDTH, left % WIDTH
        index_LW[home, slot] = index_LW[last, end]
        slot_M[index_LW[last, end]] = slot_M[here]
        for k in range(VALUES):
            query_K[k] = block_LKW[home, k, slot]
            block_LKW[home, k, slot] = block_LKW[last, k, end]
        used = (left + WIDTH - 1) // WIDTH
        for block in range(used):
            _scores(block_LKW, block, query_K, score_W)
            top_bits_L[block] = _top(bits_W[: left - block * WIDTH])
        enough = top_L[:used].max() - 2 * SLACK
        best, found = -np.inf, count
        for block in range(used):
            if top_L[block] >= enough:
                _scores(block_LKW, block, query_K, score_W)
                for i in range(min(WIDTH, left - block * WIDTH)):
                    if score_W[i] >= enough:
                        best, found = _nearer(unit_MK, here, index_LW[block, i], best, found)
        here = found
        result_M[at] = here
