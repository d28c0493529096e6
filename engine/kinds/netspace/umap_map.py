"""The picture of a space: UMAP of its embeddings, made once; other embeddings are put among its points. Of a large zoo a sample is
fitted, and the rest are put among it as others are.

Legend: N instances, S of them in the sample, M other points, K neighbours, E embedding, D axes of a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

NEIGHBOURS = 15
MAP_2D, MAP_3D = ["x2", "y2"], ["x3", "y3", "z3"]  # columns of a space's table
SEED = 0
SAMPLE = 5000  # instances that UMAP is fitted to, at most: it takes 7 ms of an instance, and placing one 0.2 ms
BLOCK = 1 << 23  # distances that are held at once
CLOSE = 0.25  # of its neighbours' mean distance: what is nearer to a known point than that is drawn towards it


def project(embeddings_NE: np.ndarray, progress: Callable[[str, int], Any] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """UMAP in two and three dimensions: float32 [N, 2] and [N, 3], by umap-learn with a fixed seed. Where each is a neighbour of all
    others there are no neighbourhoods to draw: then the principal axes, at once (UMAP compiles for 20 s first). Of more than SAMPLE
    instances as many, drawn with the seed, are fitted; the others are put among them (see `place`). `progress(title, total)` gives an
    `on_step(step, metrics)`."""
    count = len(embeddings_NE)
    rows_S = np.arange(count) if count <= SAMPLE else np.sort(np.random.default_rng(SEED).choice(count, SAMPLE, replace=False))
    rest = np.setdiff1d(np.arange(count), rows_S)
    parts = np.array_split(rest, max(1, len(rest) * len(rows_S) // BLOCK)) if len(rest) else []
    on_step = progress("picture", 2 + len(parts)) if progress and parts else lambda step, metrics: None
    pictures = []
    for size in (2, 3):
        pictures.append(np.empty((count, size), np.float32))
        pictures[-1][rows_S] = fitted(embeddings_NE[rows_S], size)
        on_step(len(pictures) - 1, {})
    for number, part in enumerate(parts):
        near_MK, weight_MK = neighbours(embeddings_NE[part], embeddings_NE[rows_S])
        for picture_ND in pictures:
            picture_ND[part] = (weight_MK[..., None] * picture_ND[rows_S][near_MK]).sum(1)
        on_step(2 + number, {})
    return pictures[0], pictures[1]


def fitted(embeddings_NE: np.ndarray, size: int) -> np.ndarray:
    """The picture of so many axes that UMAP gives, float32 [N, size]; the principal axes where there are no more than NEIGHBOURS."""
    if len(embeddings_NE) <= NEIGHBOURS:
        return principal(embeddings_NE, size)
    import torch
    from umap import UMAP

    threads = torch.get_num_threads()
    made = UMAP(n_components=size, n_neighbors=NEIGHBOURS, random_state=SEED, n_jobs=1, init="pca").fit_transform(embeddings_NE)
    torch.set_num_threads(threads)  # numba's thread pool had set OpenMP's own number again
    return np.asarray(made).astype(np.float32)


def principal(embeddings_NE: np.ndarray, size: int) -> np.ndarray:
    """Coordinates along the principal axes, float32 [N, size]; zero along axes that so few points do not have."""
    centred_NE = embeddings_NE.astype(np.float64) - embeddings_NE.mean(0)
    left_NK, spread_K, _ = np.linalg.svd(centred_NE, full_matrices=False)
    found_NK = (left_NK * spread_K)[:, :size]
    return np.pad(found_NK, ((0, 0), (0, size - found_NK.shape[1]))).astype(np.float32)


def place(points_ME: np.ndarray, embeddings_NE: np.ndarray, picture_ND: np.ndarray) -> np.ndarray:
    """Where other embeddings go in a picture [M, D]: the mean of their nearest known points, weighted as `neighbours` says. It is the
    start of UMAP's own transform; the picture itself never changes. A known embedding goes where it is drawn."""
    near_MK, weight_MK = neighbours(points_ME, embeddings_NE)
    return (weight_MK[..., None] * picture_ND[near_MK]).sum(1)


def neighbours(points_ME: np.ndarray, embeddings_NE: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows [M, K] of the nearest known points, and their weights, which sum to 1: exp(-(d - nearest) / scale), as UMAP weighs neighbours,
    over 1 - exp(-(d / c)^2) with c = CLOSE of their mean distance. The divisor is 1 but for what all but coincides with a known point,
    which then has all the weight."""
    count = min(NEIGHBOURS, len(embeddings_NE))
    middle_E = embeddings_NE.mean(0)  # distances are differences of squares: far from the origin they would be rounded away
    known_NE, squares_N = embeddings_NE - middle_E, ((embeddings_NE - middle_E) ** 2).sum(1)
    near, weights = [np.zeros((0, count), int)], [np.zeros((0, count))]
    for part_ME in np.array_split(points_ME, max(1, len(points_ME) * len(embeddings_NE) // BLOCK)):
        near_MK = np.argpartition(squares_N - 2 * (part_ME - middle_E) @ known_NE.T, count - 1, axis=1)[:, :count]
        distance_MK = np.linalg.norm((part_ME[:, None] - embeddings_NE[near_MK]).astype(np.float64), axis=2)
        beyond_MK = distance_MK - distance_MK.min(1, keepdims=True)
        scale_M1 = np.maximum(beyond_MK.mean(1, keepdims=True), 1e-12) / np.log2(max(2, count))
        apart_MK = distance_MK / np.maximum(CLOSE * distance_MK.mean(1, keepdims=True), 1e-300)
        weight_MK = np.exp(-beyond_MK / scale_M1) / np.maximum(-np.expm1(-(np.minimum(apart_MK, 30) ** 2)), 1e-30)
        weights.append(weight_MK / weight_MK.sum(1, keepdims=True))
        near.append(near_MK)
    return np.concatenate(near), np.concatenate(weights)
