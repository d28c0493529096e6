"""Networks that a person placed in a space, or kept from an LSO, compared again with what they were to be.

Legend: E embedding.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from ...core.artifacts import Store
from ...nets.networks import Net
from . import placed_shapes
from .space import Network, load_space
from .targets import target


def likenesses(store: Store, net: Net) -> dict:
    """Of a placed network the likenesses to what its space makes of it (that of the fit is the manifest's: its file is kept as it is
    shown only); of a network kept from an LSO towards another's answers the likeness to that. Raises UnknownId, CorruptArtifact, and
    InvalidValue where its space has changed."""
    if placed_shapes.is_id(net.id):
        return placed_metrics(store, net)
    lso = net.manifest.config.get("lso")
    if not isinstance(lso, dict) or lso.get("objective") != "answers":
        return {}
    space = load_space(store, str(net.manifest.config.get("space")))
    towards = target(store, space, str(lso.get("target", "")))
    unseen = space.task.unseen(space, towards.arch, towards.parameters())
    (reached,) = space.task.compare(space, [Network(net.arch, net.parameters_P())], unseen)
    return {f"target_{space.task.likeness_key}": entry(reached, "against the target network")}


def placed_metrics(store: Store, net: Net) -> dict:
    space = load_space(store, str(net.manifest.config.get("space")))
    found = placed_shapes.load(store, space, net.id)
    unseen = space.task.unseen(space, net.arch, net.parameters_P().to(space.embeddings_NE))
    networks = [space.at(torch.from_numpy(np.array(each_E)).to(space.embeddings_NE)) for each_E in (found.encoded_E, found.inverted_E)]
    said, key = net.manifest.metrics, space.task.likeness_key
    values = zip((f"encoded_{key}", f"placed_{key}"), space.task.compare(space, networks, unseen))
    return {name: entry(value, said.get(name, {}).get("split", "")) for name, value in values}


def entry(value: float, split: str) -> dict:
    """A metric of one likeness, null where it is not defined."""
    return {"value": None if math.isnan(value) else round(value, 6), "split": split, "n": 1}
