"""Shapes that a person has placed in a space: artifacts of the workspace, of kind "network", the last LIMIT of them.

Legend: E embedding, P parameters, V vertices, F faces.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass

import numpy as np

from ...core.artifacts import Artifact, Manifest, Store, manifest_hash
from ...core.errors import CorruptArtifact, InvalidValue, UnknownId
from ...core.provenance import command_line
from ...core.replacing import FOLDER
from ...tasks.distances.meshing import Mesh

LIMIT = 24
ID = re.compile(r"placed-[0-9a-f]{12}")


@dataclass(frozen=True)
class PlacedShape:
    """A shape of a person's own: the network that was fitted to it and where it lives, without and with inversion."""

    id: str
    name: str  # of the file that it came from
    parameters_P: np.ndarray
    encoded_E: np.ndarray
    inverted_E: np.ndarray
    original: Mesh
    metrics: dict


def is_id(name: object) -> bool:
    """Whether an id is that of a placed shape."""
    return isinstance(name, str) and ID.fullmatch(name) is not None


def id_of(space, content: bytes) -> str:
    """The same file in the same space has the same id."""
    return f"placed-{hashlib.sha256(space.id.encode() + b' ' + content).hexdigest()[:12]}"


def save(store: Store, space, shape: PlacedShape, sheet: dict[str, np.ndarray], provenance: dict) -> Artifact:
    """Write it into the workspace and drop the oldest beyond LIMIT. Raises StorageError."""
    config = {"space": space.id, "name": shape.name, "architecture": space.arch.id}
    inputs = {space.id: {"sha256": manifest_hash(store.open(space.id, "netspace"))}}
    manifest = Manifest(
        shape.id,
        "network",
        f"{shape.name} in {space.id}",
        "",
        "",
        config,
        inputs,
        shape.metrics,
        {"command": command_line(["place", space.id, shape.name]), **provenance},
        task=space.manifest.task,
    )
    arrays = {
        "network.safetensors": {"parameters": shape.parameters_P, "encoded": shape.encoded_E, "inverted": shape.inverted_E},
        "original.safetensors": {"vertices": shape.original.vertices_V3, "faces": shape.original.faces_F3.astype(np.int32)},
        "sheet.safetensors": sheet,
    }
    artifact = store.write(manifest, arrays, replace=True)  # its id is that of its content
    mine = [each for each in store.manifests("network") if is_id(each.id)]
    for old in oldest_first(store, mine)[:-LIMIT]:
        forget(store, old.id)
    return artifact


def oldest_first(store: Store, manifests: list[Manifest]) -> list[Manifest]:
    """By when each was written, to the file system's precision: `created` counts whole seconds."""
    folders = store.folders()
    return sorted(manifests, key=lambda each: (folders[each.id] / "manifest.json").stat().st_mtime_ns)


def forget(store: Store, id_: str) -> None:
    """Remove a placed shape from the workspace. Raises UnknownId."""
    folder = store.workspace / id_
    if not is_id(id_) or not folder.is_dir():
        raise UnknownId(f"There is no placed shape {str(id_)[:100]!r} in the workspace.")
    shutil.rmtree(folder)
    shutil.rmtree(store.workspace / FOLDER / id_, ignore_errors=True)


def listed(store: Store, space_id: str) -> list[Manifest]:
    """Manifests of the shapes placed in a space as it is now, newest first."""
    if not store.has(space_id):
        return []
    now = manifest_hash(store.open(space_id))
    mine = [each for each in store.manifests("network") if is_id(each.id) and each.inputs.get(space_id, {}).get("sha256") == now]
    return oldest_first(store, mine)[::-1]


def load(store: Store, space, id_: str) -> PlacedShape:
    """The placed shape of that id. Raises UnknownId, CorruptArtifact, and InvalidValue where it was placed in another space."""
    artifact = store.open(id_, "network")
    entry = artifact.manifest.inputs.get(space.id)
    if not isinstance(entry, dict) or entry.get("sha256") != manifest_hash(store.open(space.id, "netspace")):
        raise InvalidValue(f"{id_} was placed in another space, or in another version of {space.id}. Place its mesh again.")
    network, original = artifact.arrays("network.safetensors"), artifact.arrays("original.safetensors")
    expected = {"parameters": (space.arch.parameters,), "encoded": (space.config.embedding,), "inverted": (space.config.embedding,)}
    faces_F3, vertices_V3 = original.get("faces"), original.get("vertices")
    if (
        {name: array.shape for name, array in network.items()} != expected
        or faces_F3 is None
        or vertices_V3 is None
        or faces_F3.shape[1:] != (3,)
        or vertices_V3.shape[1:] != (3,)
        or not len(faces_F3)
        or faces_F3.min() < 0
        or faces_F3.max() >= len(vertices_V3)
    ):
        raise CorruptArtifact(f"{id_}: its tensors do not fit its space. Place its mesh again.")
    shape = Mesh(vertices_V3.astype(np.float32), faces_F3.astype(np.int32))
    parameters_P, encoded_E, inverted_E = (network[name].astype(np.float32) for name in expected)
    name = str(artifact.manifest.config.get("name", id_))
    return PlacedShape(id_, name, parameters_P, encoded_E, inverted_E, shape, artifact.manifest.metrics)
