"""Networks of shapes that lie as artifacts, placed in a space or kept from an LSO, measured again.

Legend: E embedding, M cells of a grid.
"""

from __future__ import annotations

import numpy as np
import torch

from ..artifacts import Store
from ..nets.networks import Net
from ..shapes import placed
from ..shapes.networks import insides, ious, layers_of
from ..targets import of_parameters, target
from .space import load_space


def shape_metrics(store: Store, net: Net) -> dict:
    """Of a placed network the IoUs to what its space makes of it (that of the fit is the manifest's: its mesh is kept as it is shown
    only); of a kept one that to the LSO's target. Raises UnknownId, CorruptArtifact, and InvalidValue where its space has changed."""
    own = of_parameters(net.id, net.arch, net.parameters_P()).layers()
    if placed.is_id(net.id):
        return placed_metrics(store, net, insides(own))
    lso = net.manifest.config.get("lso")
    if not isinstance(lso, dict) or lso.get("objective") == "cloud":
        return {}
    space = load_space(store, str(net.manifest.config.get("space")))
    towards = target(store, space, str(lso.get("target", "")))
    return {"target_iou": entry(ious(insides(own), insides(towards.layers()))[0], "against the target network")}


def placed_metrics(store: Store, net: Net, own_1M: torch.Tensor) -> dict:
    space = load_space(store, str(net.manifest.config.get("space")))
    found = placed.load(store, space, net.id)
    embeddings_2E = torch.from_numpy(np.stack([found.encoded_E, found.inverted_E])).to(space.embeddings_NE)
    decoded_2M = insides(layers_of(space.decode(embeddings_2E), space.arch))
    encoded, inverted = ious(decoded_2M, own_1M.expand(2, -1))
    said = net.manifest.metrics
    values = {"encoded_iou": encoded, "placed_iou": inverted}
    return {name: entry(value, said.get(name, {}).get("split", "")) for name, value in values.items()}


def entry(value: torch.Tensor, split: str) -> dict:
    """A metric of one IoU, null where both shapes are empty."""
    return {"value": None if value.isnan() else round(float(value), 6), "split": split, "n": 1}
