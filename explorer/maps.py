"""What the latent map says beyond its points: who is near in the embedding, and what lives between two anchors.

Legend: N instances, G gammas, E embedding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf

import pandas as pd
import torch

from engine.host.host import Host
from engine.kinds.netspace.outside import Outside
from engine.kinds.netspace.space import Space
from engine.kinds.netspace.umap_map import MAP_2D, MAP_3D
from explorer import code
from explorer.screens import Column, Screens
from explorer.tasks import screens

NEIGHBOURS = 6
POINTS = 21
PROPERTY = "p:"  # before the name of a property that colours, in links
NAMES = 12  # of a property that is a category, at most
OWN = ("id", "class_id", "seed", "file", "file_row", "run", "x2", "y2", "x3", "y3", "z3")  # columns that are no property


def colours(space: Space, shown: Screens) -> dict[str, Column]:
    """What the points of a space can be coloured by: of its task's columns those that it has, and the properties of its zoo."""
    table = space.table
    found = {key: each for key, each in shown.colours.items() if each.name in table and table[each.name].notna().any()}
    known = {each.name for each in (*found.values(), *shown.card)} | {part for each in shown.card for part in each.parts}
    for name in map(str, table.columns):
        if name in known or name in OWN or name.startswith("predicted_"):
            continue
        if is_number(table[name]):
            found[f"{PROPERTY}{name}"] = Column(name, name, "number", missing="not known")
        elif 1 < table[name].nunique() <= NAMES:
            found[f"{PROPERTY}{name}"] = Column(name, name, "names")
    return found


def ranges(text: str) -> bool:
    """Whether a link's text is ranges of columns: {"lr": [0.001, null]} as JSON, null for an open end."""
    try:
        found = json.loads(text)
    except ValueError:
        return False
    if not isinstance(found, dict):
        return False
    pairs = [each for each in found.values() if isinstance(each, list) and len(each) == 2]
    ends = [end for pair in pairs for end in pair if end is not None]
    return len(pairs) == len(found) and all(type(end) in (int, float) and abs(end) < inf for end in ends)


def is_share(text: str) -> bool:
    """Whether a link's text is a number from 0 to 1."""
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def offer_code(space: Space, colour: str, dims: str, along: Mapping[str, str], a: str | None, b: str | None) -> None:
    """The map as it is drawn, and the line between two anchors, as code."""
    solid = {"dims": 3} if dims.startswith("3") else {name: each for name, each in along.items() if each != "map"}
    lines, ids = [code.call("space.map", colour, **solid)], set(space.table["id"])
    if a in ids and b in ids and a != b and space.images is not None:
        lines.append(code.call("space.path", a, b))
    code.offer(code.python(space, [each for each in (a, b) if each and each in ids], *lines))


def axes(space: Space) -> list[str]:
    """The columns that an axis of the flat picture can be."""
    return [str(name) for name in space.table.columns if name not in OWN and is_number(space.table[name])]


def along_words(across: str, up: str) -> str:
    """Ends the map's caption where an axis is a property instead of UMAP's."""
    named = [f"{way} is {name.replace('_', ' ')}" for way, name in (("across", across), ("up", up)) if name != "map"]
    return f" Here {' and '.join(named)}, as chosen, instead of UMAP's axis." if named else ""


def is_number(column: pd.Series) -> bool:
    """Whether a column is of numbers, and not all the same."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column) and column.nunique() > 1


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
    known = host.loaded_space(space.id).rows
    for end, name in ((0, a), (-1, b)):  # an anchor that others have the very embedding of is drawn in its own place
        if name in known:
            flat[end], solid[end] = (space.table[axes].iloc[known[name]] for axes in (MAP_2D, MAP_3D))
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
