"""A network of a space as a file to take away: safetensors, with what it is in the metadata."""

from __future__ import annotations

import json

from safetensors.numpy import save

from . import __version__
from .host import Host
from .stacked import unflatten


def network_bytes(host: Host, space_id: str, a: str, b: str, gamma: float, path: str = "embedding") -> bytes:
    """The .safetensors file of the network at `gamma` between instances `a` and `b`: tensors named as in the architecture's
    module, float32; metadata `architecture`, `space`, `anchors`, `gamma`, `path`, `metrics` (on the whole test split, measured
    here), `explorer` (version)."""
    found = host.step(space_id, a, b, gamma, path, images="all")
    metrics = {"test_accuracy": {"value": found.accuracy, "split": found.split, "n": found.n, "low": found.low, "high": found.high}}
    metadata = {
        "architecture": found.space.arch.id,
        "space": space_id,
        "anchors": json.dumps([a, b]),
        "gamma": repr(found.gamma),
        "path": path,
        "metrics": json.dumps(metrics),
        "explorer": __version__,
    }
    tensors = {name: tensor.numpy().copy() for name, tensor in unflatten(found.parameters_P, found.space.arch).items()}
    return save(tensors, metadata)
