"""NeRNs as they lie in artifacts."""

from __future__ import annotations

import torch

from ...core.artifacts import Store
from ...core.errors import CorruptArtifact
from ..configs import read_config
from .nern import Nern, places
from .original import load_original
from .predictor import Predictor, together

ORDERS, PREDICTOR, CURVES_FILE = "permutation.safetensors", "predictor.safetensors", "curves.parquet"


def load_nern(store: Store, id_: str, device: str = "cpu") -> Nern:
    """A NeRN with its original from the artifacts. Raises UnknownId, CorruptArtifact, InvalidValue (no permutation)."""
    artifact = store.open(id_, "nern")
    config = read_config(artifact)
    if len(artifact.manifest.inputs) != 1:
        raise CorruptArtifact(
            f"{id_}: its manifest names {len(artifact.manifest.inputs)} originals where one is needed. Fetch or make it again."
        )
    original = load_original(store, next(iter(artifact.manifest.inputs)), device, config.skip)
    orders = artifact.arrays(ORDERS)
    if orders.keys() != {layer.name for layer in original.layers}:
        raise CorruptArtifact(f"{id_}: its permutations are of other layers than those of {original.id}. Fetch or make it again.")
    placed = places(config, original, [orders[layer.name] for layer in original.layers], device)
    parts = [Predictor(6 * config.levels, config.hidden, rows * columns) for rows, columns in placed.kernels]
    predictor = together(placed.kernels, parts)
    arrays = artifact.arrays(PREDICTOR)
    if {name: array.shape for name, array in arrays.items()} != {
        name: tuple(tensor.shape) for name, tensor in predictor.state_dict().items()
    }:
        raise CorruptArtifact(f"{id_}: its predictor does not fit its config. Fetch or make it again.")
    predictor.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return Nern(id_, config, placed, predictor.to(device).eval().requires_grad_(False))
