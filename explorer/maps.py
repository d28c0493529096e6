"""What the latent map says beyond its points: who is near in the embedding, and what lives between two anchors.

Legend: N instances, G gammas, E embedding, B images.
"""

from __future__ import annotations

import torch

from engine.host import Host
from engine.netspace.space import Space

NEIGHBOURS = 6
POINTS = 21


def neighbours(space: Space, instance: str, count: int = NEIGHBOURS) -> dict:
    """The `count` instances nearest to one, by Euclidean distance of the embeddings (not of the picture), nearest first:
    {"of", "ids", "distances"}. Raises UnknownId."""
    row = space.row(instance)
    distance_N = torch.linalg.vector_norm(space.embeddings_NE - space.embeddings_NE[row], dim=1)
    distance_N[row] = torch.inf
    near, rows = distance_N.topk(min(count, len(distance_N) - 1), largest=False)
    return {"of": instance, "ids": [str(space.table["id"].iloc[r]) for r in rows.tolist()], "distances": near.tolist()}


def line(host: Host, space: Space, a: str, b: str, count: int = POINTS) -> dict:
    """The networks decoded at `count` gammas from `a` to `b`: their accuracy on the whole test split, measured now, and their
    place in the picture (umap_map.place). Raises UnknownId."""
    row_a, row_b = space.row(a), space.row(b)
    gammas_G = torch.linspace(0, 1, count, device=space.embeddings_NE.device)
    embeddings_GE = torch.lerp(space.embeddings_NE[row_a], space.embeddings_NE[row_b], gammas_G[:, None])
    steps = [host.step(space.id, a, b, gamma, images="all") for gamma in gammas_G.tolist()]
    flat, solid = space.place_on_map(embeddings_GE)
    return {
        "a": a,
        "b": b,
        "gammas": gammas_G.tolist(),
        "accuracy": [step.accuracy for step in steps],
        "architectures": [step.network.arch.id for step in steps],
        "n": steps[0].n,
        "split": "test",
        "xy": flat.tolist(),
        "xyz": solid.tolist(),
    }
