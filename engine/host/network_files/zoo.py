"""A zoo's instance."""

from __future__ import annotations

import json

from ...core.errors import InvalidValue
from ...core.tensors import to_bytes
from ...datasets import preprocessing_of
from ...kinds.netspace.targets import instance_of
from ...nets.networks import trained_on
from ...nets.stacked import unflatten
from ..export import described
from ..host import Host


def network_file(host: Host, id_: str, a: str | None, b: str | None, gamma: float, path: str) -> bytes:
    if not a or b:
        raise InvalidValue(f"{id_} is a zoo: name one of its instances, python -m engine export {id_} INSTANCE.")
    manifest = host.store.open(id_).manifest
    arch, parameters_P = instance_of(host.store, id_, a, "cpu")
    dataset, recorded = trained_on(host.store, manifest)
    metadata = described(arch, recorded or preprocessing_of(dataset)) | {"zoo": id_, "instance": a, "metrics": json.dumps({})}
    return to_bytes({name: tensor.numpy().copy() for name, tensor in unflatten(parameters_P.cpu(), arch).items()}, metadata)
