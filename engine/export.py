"""A network of a space as a file to take away: safetensors, with what it is in the metadata. A shape also as its mesh."""

from __future__ import annotations

import json

from safetensors.numpy import save

from . import __version__
from .errors import InvalidValue
from .host import Host
from .meshing import Mesh
from .shapes import measures, viewing
from .stacked import unflatten

FORMS = ("safetensors",)

def network_bytes(host: Host, space_id: str, a: str, b: str, gamma: float, path: str = "embedding") -> bytes:
    """The .safetensors file of the network at `gamma` between instances `a` and `b`: tensors named as in the architecture's
    module, float32; metadata `architecture`, `space`, `anchors`, `gamma`, `path`, `metrics` (on the whole test split, measured
    here; none for a shape, or where the images are not here), `explorer` (version)."""
    space = host.space(space_id)
    if space.is_shapes:
        view = viewing.View(space_id, a, b, gamma, path)
        arch, parameters_P, gamma, metrics = space.arch, viewing.parameters(host, view).cpu(), view.gamma, {}
    else:
        found = host.step(space_id, a, b, gamma, path, images="none" if space.images is None else "all")
        arch, parameters_P, gamma = found.network.arch, found.parameters_P, found.gamma
        metrics = {"test_accuracy": {"value": found.accuracy, "split": found.split, "n": found.n, "low": found.low, "high": found.high}} if found.n else {}
    metadata = {
        "architecture": arch.id,
        "space": space_id,
        "anchors": json.dumps([a, b]),
        "gamma": repr(gamma),
        "path": path,
        "metrics": json.dumps(metrics),
        "explorer": __version__,
    }
    tensors = {name: tensor.numpy().copy() for name, tensor in unflatten(parameters_P, arch).items()}
    return save(tensors, metadata)


def mesh_bytes(host: Host, view: viewing.View, form: str) -> bytes:
    """The surface that is looked at as a file: form is glb, ply, stl or obj. Raises InvalidValue where there is none."""
    found = viewing.surface(host, view)
    if not isinstance(found, Mesh):
        raise InvalidValue(f"There is no surface at level {view.level:g}: all of the cube lies {found.side} of it. Choose another level or gamma.")
    return measures.to_bytes(found, form)
