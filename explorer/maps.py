"""What the latent map says beyond its points: who is near in the embedding, and what lives between two anchors.

Legend: N instances, G gammas, E embedding, B images.
"""

from __future__ import annotations

import torch

from engine.host import Host
from engine.netspace.outside import Outside
from engine.netspace.space import MAP_2D, MAP_3D, Space
from engine.shapes import placed, viewing
from engine.shapes.measures import iou
from engine.shapes.networks import GRID

NEIGHBOURS = 6
POINTS = 21
HOLLOW = "A hollow marker lies outside the zoo, or stands for something that the space does not know: its card says how far."


def neighbours(space: Space, instance: str, count: int = NEIGHBOURS, embedding_E: torch.Tensor | None = None) -> dict:
    """The `count` instances nearest to one, by Euclidean distance of the embeddings (not of the picture), nearest first:
    {"of", "ids", "distances"}. `embedding_E` is needed of a placed shape only. Raises UnknownId."""
    embedding_E = space.embeddings_NE[space.row(instance)] if embedding_E is None else embedding_E
    distance_N = torch.linalg.vector_norm(space.embeddings_NE - embedding_E, dim=1)
    distance_N[(space.table["id"] == instance).tolist()] = torch.inf
    near, rows = distance_N.topk(min(count, len(distance_N) - 1), largest=False)
    return {"of": instance, "ids": [str(space.table["id"].iloc[r]) for r in rows.tolist()], "distances": near.tolist()}


def embedding(host: Host, space: Space, instance: str) -> torch.Tensor:
    """Where an instance, or a placed shape, lives [E]. Raises UnknownId."""
    if placed.is_id(instance):
        return viewing.end(host, viewing.shapes(host, space.id), instance).embedding_E
    return space.embeddings_NE[space.row(instance)]


def placed_rows(host: Host, space: Space) -> list[dict]:
    """Rows of the map's table for the shapes placed in a space: id, name, split "placed", IoUs, and where they are put."""
    rows = []
    for each in placed.listed(host.store, space.id):
        places = space.place_on_map(embedding(host, space, each.id)[None])
        figures = {name: each.metrics.get(key, {}).get("value") for name, key in (("predicted_iou", "placed_iou"), ("fit_iou", "fit_iou"))}
        columns = dict(zip([*MAP_2D, *MAP_3D], [float(value) for place in places for value in place[0]]))
        outside = viewing.outside_of_placed(host, space.id, each.id)
        said = {"hollow": outside.hollow, "outside_words": outside.words, "neighbour_percentile": outside.percentile, "neighbour_multiple": outside.multiple}
        rows.append({"id": each.id, "name": str(each.config.get("name", each.id)), "split": "placed", "architecture": "placed", "legs": "placed", **figures, **columns, **said})
    return rows


def shape_line(host: Host, space: Space, a: str, b: str, count: int = POINTS) -> dict:
    """The shapes decoded at `count` gammas from `a` to `b`: the IoU of each with the nearer of the two targets, measured now, and
    their place in the picture. Raises UnknownId."""
    loaded = viewing.shapes(host, space.id)
    gammas = torch.linspace(0, 1, count).tolist()
    ends = [viewing.target(host, loaded, name)[0] for name in (a, b)]
    insides = [host.run_long(viewing.inside, host, space, viewing.parameters(host, viewing.View(space.id, a, b, gamma))) for gamma in gammas]
    embeddings_GE = torch.lerp(*(embedding(host, space, name) for name in (a, b)), torch.tensor(gammas, device=space.embeddings_NE.device)[:, None])
    flat, solid = space.place_on_map(embeddings_GE)
    near = [max((value for end_M in ends if (value := iou(inside_M, end_M)) is not None), default=None) for inside_M in insides]
    outside = [said_of(viewing.outside(host, viewing.View(space.id, a, b, gamma))) for gamma in gammas]
    return {"a": a, "b": b, "gammas": gammas, "accuracy": near, "n": GRID**3, "split": "", "xy": flat.tolist(), "xyz": solid.tolist(), "outside": outside}


def said_of(outside: Outside | None) -> dict | None:
    """What the map needs of it."""
    return outside and {"hollow": outside.hollow, "words": outside.words}


def line(host: Host, space: Space, a: str, b: str, count: int = POINTS) -> dict:
    """The networks decoded at `count` gammas from `a` to `b`: their accuracy on the live budget of test images, measured now (None
    where the images are not here), and their place in the picture (umap_map.place). Raises UnknownId."""
    row_a, row_b = space.row(a), space.row(b)
    gammas_G = torch.linspace(0, 1, count, device=space.embeddings_NE.device)
    embeddings_GE = torch.lerp(space.embeddings_NE[row_a], space.embeddings_NE[row_b], gammas_G[:, None])
    steps = [host.step(space.id, a, b, gamma, images="none" if space.images is None else None) for gamma in gammas_G.tolist()]
    flat, solid = space.place_on_map(embeddings_GE)
    return {
        "a": a,
        "b": b,
        "gammas": gammas_G.tolist(),
        "accuracy": [step.accuracy if step.n else None for step in steps],
        "architectures": [step.network.arch.id for step in steps],
        "n": steps[0].n,
        "coarse": "" if steps[0].dtype == "float32" else f", {steps[0].dtype}",
        "split": "test",
        "outside": [said_of(step.outside) for step in steps],
        "xy": flat.tolist(),
        "xyz": solid.tolist(),
    }
