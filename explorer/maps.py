"""What the latent map says beyond its points: who is near in the embedding, and what lives between two anchors.

Legend: N instances, G gammas, E embedding.
"""

from __future__ import annotations

import torch

from engine.host.host import Host
from engine.kinds.netspace.outside import Outside
from engine.kinds.netspace.space import Space
from explorer.tasks import screens

NEIGHBOURS = 6
POINTS = 21


def neighbours(space: Space, instance: str, count: int = NEIGHBOURS, embedding_E: torch.Tensor | None = None) -> dict:
    """The `count` instances nearest to one, by Euclidean distance of the embeddings (not of the picture), nearest first:
    {"of", "ids", "distances"}. `embedding_E` is needed of what was placed only. Raises UnknownId."""
    embedding_E = space.embeddings_NE[space.row(instance)] if embedding_E is None else embedding_E
    distance_N = torch.linalg.vector_norm(space.embeddings_NE - embedding_E, dim=1)
    distance_N[(space.table["id"] == instance).tolist()] = torch.inf
    near, rows = distance_N.topk(min(count, len(distance_N) - 1), largest=False)
    return {"of": instance, "ids": [str(space.table["id"].iloc[r]) for r in rows.tolist()], "distances": near.tolist()}


def line(host: Host, space: Space, a: str, b: str, count: int = POINTS) -> dict:
    """The networks decoded at `count` gammas from `a` to `b`: their quality as the task measures it now (`values`; None where it does
    not), what is said of them, and their place in the picture (umap_map.place). Raises UnknownId."""
    shown = screens(space.task.id)
    a_E, b_E = (shown.embedding(host, space, name) for name in (a, b))
    gammas_G = torch.linspace(0, 1, count, device=space.embeddings_NE.device)
    flat, solid = space.place_on_map(torch.lerp(a_E, b_E, gammas_G[:, None]))
    walk = shown.walk(host, space, a, b, gammas_G.tolist())
    return {
        "a": a,
        "b": b,
        "gammas": gammas_G.tolist(),
        "values": walk.values,
        "words": walk.words,
        "basis": walk.basis,
        "outside": [far(each) for each in walk.outside],
        "xy": flat.tolist(),
        "xyz": solid.tolist(),
    }


def far(outside: Outside | None) -> dict | None:
    """What the map needs of how far outside of the zoo something lies."""
    return outside and {"hollow": outside.hollow, "words": outside.words}
