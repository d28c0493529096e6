"""The picture of a space: UMAP of its embeddings, made once; other embeddings are put among its points.

Legend: N instances, M other points, E embedding.
"""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 15
MAP_2D, MAP_3D = ["x2", "y2"], ["x3", "y3", "z3"]  # columns of a space's table
SEED = 0


def project(embeddings_NE: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """UMAP in two and three dimensions: float32 [N, 2] and [N, 3], by umap-learn with a fixed seed. Where each is a neighbour of all
    others there are no neighbourhoods to draw: then the principal axes, at once (UMAP compiles for 20 s first)."""
    if len(embeddings_NE) <= NEIGHBOURS:
        return principal(embeddings_NE, 2), principal(embeddings_NE, 3)
    import torch
    from umap import UMAP

    threads = torch.get_num_threads()
    flat, solid = (
        np.asarray(UMAP(n_components=size, n_neighbors=NEIGHBOURS, random_state=SEED, n_jobs=1, init="pca").fit_transform(embeddings_NE))
        for size in (2, 3)
    )
    torch.set_num_threads(threads)  # numba's thread pool had set OpenMP's own number again
    return flat.astype(np.float32), solid.astype(np.float32)


def principal(embeddings_NE: np.ndarray, size: int) -> np.ndarray:
    """Coordinates along the principal axes, float32 [N, size]; zero along axes that so few points do not have."""
    centred_NE = embeddings_NE.astype(np.float64) - embeddings_NE.mean(0)
    left_NK, spread_K, _ = np.linalg.svd(centred_NE, full_matrices=False)
    found_NK = (left_NK * spread_K)[:, :size]
    return np.pad(found_NK, ((0, 0), (0, size - found_NK.shape[1]))).astype(np.float32)


def place(points_ME: np.ndarray, embeddings_NE: np.ndarray, picture_ND: np.ndarray) -> np.ndarray:
    """Where other embeddings go in a picture [M, D]: the mean of their nearest known points, weighted as UMAP weighs
    neighbours, exp(-(d - nearest) / scale). It is the start of UMAP's own transform; the picture itself never changes."""
    count = min(NEIGHBOURS, len(embeddings_NE))
    squares_MN = (points_ME**2).sum(1)[:, None] + (embeddings_NE**2).sum(1) - 2 * points_ME @ embeddings_NE.T
    distances_MN = np.sqrt(np.maximum(squares_MN, 0))
    near_MK = np.argpartition(distances_MN, count - 1, axis=1)[:, :count]
    distance_MK = np.take_along_axis(distances_MN, near_MK, 1)
    beyond_MK = distance_MK - distance_MK.min(1, keepdims=True)
    scale_M1 = np.maximum(beyond_MK.mean(1, keepdims=True), 1e-12) / np.log2(max(2, count))
    weight_MK = np.exp(-beyond_MK / scale_M1)
    weight_MK /= weight_MK.sum(1, keepdims=True)
    return (weight_MK[..., None] * picture_ND[near_MK]).sum(1)
