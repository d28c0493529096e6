"""Zoos as they lie in artifacts.

`parameters.safetensors` of one architecture holds `parameters` [N, P]; of several a tensor an architecture, by its id, in the order of
the table, and the teacher's. Legend: N instances, P parameters.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ... import datasets
from ...archs import Architecture
from ...core.artifacts import Artifact, Store
from ...core.boundary import untrusted
from ...core.config import require
from ...core.errors import CorruptArtifact, UnknownId, closest
from ...core.rows import mapped, single
from ...nets.networks import read, record_of
from ...tasks.zoo import Zoo, class_ids, padded, zoos_of
from ..configs import read_config

FILE, TABLE = "parameters.safetensors", "instances.parquet"
PARAMETERS, TEACHER = "parameters", "teacher"


def load_zoo(store: Store, id_: str, device: str | torch.device = "cpu", of: Artifact | None = None) -> Zoo:
    """A zoo from its artifact; with `of` in the version that this space was made from. Raises UnknownId, CorruptArtifact."""
    artifact = store.open(id_, "zoo") if of is None else store.made_from(of, id_)
    config, table, arrays = read_config(artifact), artifact.table(TABLE), mapped(artifact, FILE)
    zoos = zoos_of(config.TASK)
    archs, teacher = zoos.archs(config), zoos.teacher(config)
    with untrusted(f"{id_}: its table", CorruptArtifact, "Fetch or make it again."):
        class_id_N = class_ids(table, len(archs))
    counts = [int((class_id_N == id_).sum()) for id_ in range(len(archs))]
    expected: dict[str, tuple[int, ...]] = {name: (count, arch.parameters) for name, arch, count in zip(names_of(archs), archs, counts)}
    if teacher is not None:
        expected[TEACHER] = (teacher.parameters,)
    in_order = sum(counts) == len(table) and (np.diff(class_id_N) >= 0).all()
    if not in_order or {name: array.shape for name, array in arrays.items()} != expected:
        raise CorruptArtifact(f"{id_}: its parameters do not fit its table and architectures. Fetch or make it again.")
    tensors = {name: torch.from_numpy(single(array)).to(device) for name, array in arrays.items()}
    parameters_NP = padded([tensors[name] for name in names_of(archs)])
    teacher_P = torch.empty(0) if teacher is None else tensors[TEACHER]
    return Zoo(id_, archs, config.dataset, parameters_NP, table, record_of(artifact.manifest), teacher, teacher_P, zoos.pixels(config))


def taught(store: Store, zoo: Zoo, name: str) -> Zoo:
    """The zoo with a network as its teacher ("": the zoo as it is). Raises UnknownId, CorruptArtifact, CheckpointMismatch, InvalidValue
    where that network answers other images."""
    if not name:
        return zoo
    net, own = read(store, name), zoo.preprocessing or datasets.preprocessing_of(zoo.dataset)
    same = (net.arch.input_shape, net.arch.classes) == (zoo.arch.input_shape, zoo.arch.classes)
    require(same and net.preprocessing == own, f"{name} ({net.arch.id}) sees other images than {zoo.id}: it cannot teach its networks.")
    return replace(zoo, teacher=net.arch, teacher_P=net.parameters_P().to(zoo.parameters_NP.device))


def names_of(archs: tuple) -> list[str]:
    """The names of the tensors in which the instances of each architecture are kept."""
    return [PARAMETERS] if len(archs) == 1 else [arch.id for arch in archs]


def arrays_of(zoo: Zoo, half: bool) -> dict[str, np.ndarray]:
    """The tensors of a zoo's file, in half precision where that is wanted."""
    tensors = dict(zip(names_of(zoo.archs), zoo.parts()))
    if zoo.teacher is not None:
        tensors[TEACHER] = zoo.teacher_P
    return {name: tensor.cpu().numpy().astype(np.float16 if half else np.float32) for name, tensor in tensors.items()}


def instance_of(store: Store, zoo_id: str, instance: str, device: str | torch.device = "cpu") -> tuple[Architecture, Tensor]:
    """(architecture, parameters [P]) of a zoo's instance. Raises UnknownId."""
    zoo = load_zoo(store, zoo_id, device)
    rows = np.flatnonzero(zoo.table["id"].to_numpy() == instance)
    if not len(rows):
        raise UnknownId(f"There is no instance {instance[:100]!r} in {zoo_id}.{closest(instance, zoo.table['id'])}")
    arch = zoo.arch_of(rows[0])
    return arch, zoo.parameters_NP[rows[0], : arch.parameters]
