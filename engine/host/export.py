"""A network as a file to use elsewhere: safetensors, with what it is and what its input is in the metadata. A shape also as its mesh."""

from __future__ import annotations

import json

from ..archs import Architecture
from ..core.artifacts import Store
from ..core.errors import InvalidValue
from ..core.tensors import to_bytes
from ..core.version import VERSION
from ..datasets import preprocessing_of
from ..datasets.preprocessing import Preprocessing
from ..kinds.netspace.space import Network, Space
from ..nets.networks import read, trained_on
from ..nets.stacked import unflatten
from ..tasks.distances import measures
from ..tasks.distances.meshing import Mesh
from . import shapes as viewing
from .host import Host

FORMS = ("safetensors",)


def network_bytes(host: Host, space_id: str, a: str, b: str, gamma: float, path: str = "embedding") -> bytes:
    """The .safetensors file of the network at `gamma` between instances `a` and `b`: tensors named as in the architecture's
    module, float32; metadata `architecture`, `preprocessing` (of its images), `space`, `anchors`, `gamma`, `path`, `metrics` (on the
    whole test split, measured here; none for a shape, or where the images are not here), `explorer` (version)."""
    found = host.between(space_id, a, b, gamma, path)
    said = {"anchors": json.dumps([a, b]), "gamma": repr(found.gamma), "path": path}
    return of_space(host.store, found.space, found.network, found.space.task.exported(host, found), said)


def of_space(store: Store, space: Space, network: Network, metrics: dict, said: dict[str, str]) -> bytes:
    """The .safetensors file of a network of a space, on the CPU; `said` is told of it beside."""
    dataset, recorded = trained_on(store, space.manifest)
    metadata = described(network.arch, recorded or preprocessing_of(dataset)) | {"space": space.id, **said, "metrics": json.dumps(metrics)}
    tensors = {name: tensor.numpy().copy() for name, tensor in unflatten(network.parameters_P, network.arch).items()}
    return to_bytes(tensors, metadata)


def artifact_bytes(store: Store, id_: str) -> bytes:
    """The .safetensors file of a network artifact, whatever made it: its tensors in float32 by their names; metadata `architecture`,
    `preprocessing`, `id`, `metrics` (its manifest's), `explorer`. Raises what reading it raises."""
    net = read(store, id_)
    metadata = described(net.arch, net.preprocessing) | {"id": id_, "metrics": json.dumps(net.manifest.metrics)}
    return to_bytes({name: tensor.numpy().copy() for name, tensor in net.module().state_dict().items()}, metadata)


def described(arch: Architecture, preprocessing: Preprocessing | None) -> dict[str, str]:
    """What every exported network says of itself: what it is, and what its input is."""
    said = {"architecture": arch.id, "explorer": VERSION, **arch.notes}
    return said | ({"preprocessing": json.dumps(preprocessing.as_dict())} if preprocessing else {})


def mesh_bytes(host: Host, view: viewing.View, form: str) -> bytes:
    """The surface that is looked at as a file: form is glb, ply, stl or obj. Raises InvalidValue where there is none."""
    found = viewing.surface(host, view)
    if not isinstance(found, Mesh):
        raise InvalidValue(
            f"There is no surface at level {view.level:g}: all of the cube lies {found.side} of it. Choose another level or gamma."
        )
    return measures.to_bytes(found, form)
