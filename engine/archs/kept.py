"""Architectures that a person added: artifacts of kind `architecture`, a graph and its constants. The one place that reads and writes them.

They are looked up where artifacts are, at each call of `archs.architecture` for an id that no built-in has: the workspace
(EXPLORER_WORKSPACE, or ./workspace), then the gallery.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..core import small_json
from ..core.artifacts import Artifact, Store, manifest_hash
from ..core.boundary import untrusted
from ..core.errors import CorruptArtifact, InvalidValue
from ..core.manifests import SAFE_NAME
from .base import Architecture
from .graph.form import Graph, of_json, to_json
from .graph.module import GraphNet
from .graph.shapes import check, check_statistics

AGAIN = "Add the architecture again."
KIND, FILE = "architecture", "architecture.safetensors"
GRAPH, CONSTANT = "graph", "constant."  # of the file's tensors: the graph's JSON as bytes, and prefix of its constants


def kept(id_: str) -> Architecture | None:
    """The architecture of an artifact; None where there is none of that id. Raises CorruptArtifact."""
    if not SAFE_NAME.fullmatch(id_):
        return None
    store = Store()
    for root in (store.workspace, store.gallery):
        try:
            stat = (root / id_ / "manifest.json").stat()
        except OSError:
            continue
        return _read(root, id_, stat.st_mtime_ns, stat.st_ino)
    return None


def ids() -> list[str]:
    """Ids of all of them."""
    return [manifest.id for manifest in Store().manifests(KIND)]


@lru_cache(64)
def _read(root: Path, id_: str, changed: int, inode: int) -> Architecture | None:
    """`changed` and `inode` tell the versions of a manifest apart."""
    artifact = Store(root, root).open(id_)
    return of_artifact(artifact) if artifact.manifest.kind == KIND else None


def of_artifact(artifact: Artifact) -> Architecture:
    """The architecture that an artifact holds. Raises CorruptArtifact."""
    id_, config = artifact.id, artifact.manifest.config
    arrays = artifact.arrays(FILE)
    with untrusted(f"{id_}: its graph", CorruptArtifact, AGAIN):
        try:
            graph = of_json(small_json.parse(arrays[GRAPH].tobytes()))
            check_statistics(graph)
            classes = classes_of(graph)
        except InvalidValue as error:
            raise CorruptArtifact(f"{id_}: its graph cannot be used. {error} {AGAIN}") from error
        constants = {name.removeprefix(CONSTANT): torch.from_numpy(np.array(array)) for name, array in arrays.items() if name != GRAPH}
        wanted = {slot.name: slot.shape for slot in graph.slots if slot.role == "constant" or slot.start == ("given",)}
        if {name: tuple(tensor.shape) for name, tensor in constants.items()} != wanted:
            raise CorruptArtifact(f"{id_}: its constants are not those of its graph. {AGAIN}")
        with torch.device("meta"):
            GraphNet(graph, constants)
    recorded = config.get("preprocessing")
    return Architecture(
        id_,
        id_,
        graph.input_shape,
        classes,
        lambda batch_norm: GraphNet(graph, constants, batch_norm),
        version=manifest_hash(artifact),
        preprocessing=recorded if isinstance(recorded, dict) else None,
    )


def classes_of(graph: Graph) -> int:
    """How many numbers a network answers with."""
    values = check(graph)
    shape = values[graph.output].shape  # type: ignore[union-attr] - check has seen that it is a tensor
    return shape[1] if len(shape) == 2 else 1


def arrays_of(graph: Graph, constants: Mapping[str, Tensor]) -> dict[str, dict[str, np.ndarray]]:
    """The files of an artifact."""
    text = json.dumps(to_json(graph), separators=(",", ":"), allow_nan=False)
    held = {f"{CONSTANT}{name}": tensor.detach().cpu().numpy() for name, tensor in constants.items()}
    return {FILE: {GRAPH: np.frombuffer(text.encode(), np.uint8), **held}}
