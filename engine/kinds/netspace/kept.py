"""Networks that a person has found in a space, or placed in it, and kept: artifacts of the workspace, of kind "network", that a space
shows among its instances. They belong to the space as it was: made again, it no longer shows them.

Legend: N instances, P parameters, E embedding.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...archs import architecture
from ...core.artifacts import Artifact, Manifest, Store, manifest_hash
from ...core.errors import CorruptArtifact, InvalidValue
from ...core.slugs import plain, slug, unused

LSO, PLACE = "lso", "place"  # what made it, in its config
SPLITS = {LSO: "kept", PLACE: "placed"}  # of a space's table: neither trained on, nor chosen with, nor held out
FOUND = {"kept": "found by LSO", "placed": "placed"}  # that, for a person


def save(
    store: Store,
    space,
    start_row: int,
    embedding_E: np.ndarray,
    parameters_P: np.ndarray,
    arch_id: str,
    config: dict,
    metrics: dict,
    provenance: dict,
    name: str | None = None,
    replace: bool = False,
    made_by: str = LSO,
) -> Artifact:
    """Write a found or placed network with its lineage. Its id is made of a person's `name` for it, with a number behind it where that is
    taken and not to be replaced, else of the instance that it began near; the same embedding under the same name is the same artifact.
    Raises StorageError, InvalidValue where what is to be replaced cannot be."""
    near, mine = str(space.table["id"].iloc[start_row]), ids(store, space.id)
    id_ = slug(name) or f"{near[:80]}-{made_by}-{hashlib.sha256(embedding_E.tobytes()).hexdigest()[:6]}"
    known = {each: store.open(each).arrays("network.safetensors") for each in mine}
    again = {each for each, arrays in known.items() if "embedding" in arrays and np.array_equal(arrays["embedding"], embedding_E)}
    if not replace:
        id_ = unused(id_, {*space.table["id"], *store.folders(), *store.broken()} - again)
    if id_ in set(space.table["id"]) and id_ not in mine:
        raise InvalidValue(f"{id_!r} is already an instance of {space.id}. Choose another name.")
    found = f"{FOUND[SPLITS[made_by]]} in {space.id}"
    title = f"{plain(name)}, {found}" if plain(name) else f"{found[0].upper()}{found[1:]}"
    config = {"made_by": made_by, "space": space.id, "architecture": arch_id, "near": near, made_by: config}
    inputs = {space.id: {"sha256": manifest_hash(store.open(space.id, "netspace"))}}
    manifest = Manifest(id_, "network", title, "", "", config, inputs, metrics, provenance, task=space.manifest.task)
    return store.write(
        manifest, {"network.safetensors": {"parameters": parameters_P, "embedding": embedding_E}}, replace=replace or id_ in again
    )


def ids(store: Store, space_id: str) -> tuple[str, ...]:
    """Ids of the networks kept in a space as it is now; fast, for every answer of the host asks."""
    try:
        return _ids(store.workspace, store.workspace.stat().st_mtime_ns, store.gallery).get(space_id, ())
    except FileNotFoundError:
        return ()


@lru_cache(maxsize=4)
def _ids(workspace: Path, changed: int, gallery: Path) -> dict[str, tuple[str, ...]]:
    """Space -> ids. A folder's time changes when something is put into it or taken out."""
    store, found = Store(workspace, gallery), {}
    for manifest in store.manifests("network"):
        space = manifest.config.get("space")
        entry = manifest.inputs.get(space) if isinstance(space, str) else None
        if manifest.config.get("made_by") in SPLITS and isinstance(space, str) and isinstance(entry, dict) and store.has(space):
            if entry.get("sha256") == manifest_hash(store.open(space)):
                found.setdefault(space, []).append(manifest.id)
    return {space: tuple(each) for space, each in found.items()}


def merged(store: Store, space):
    """The space with its kept networks behind its instances. Raises CorruptArtifact."""
    import pandas as pd
    import torch

    kept = [store.open(id_, "network") for id_ in ids(store, space.id)]
    if not kept:
        return space
    arrays = [artifact.arrays("network.safetensors") for artifact in kept]
    parameters_NP, embeddings_NE = [space.parameters_NP], [space.embeddings_NE]
    for artifact, found in zip(kept, arrays):
        embedding_E, parameters_P = (torch.from_numpy(found.get(name, np.zeros(0, np.float32))) for name in ("embedding", "parameters"))
        room = space.parameters_NP.shape[1] - len(parameters_P)  # a smaller architecture leaves some, as in the zoo
        if (
            embedding_E.shape != space.embeddings_NE.shape[1:]
            or parameters_P.shape != (architecture(artifact.manifest.config["architecture"]).parameters,)
            or room < 0
        ):
            raise CorruptArtifact(f"{artifact.id}: its tensors do not fit {space.id}. Remove its folder from the workspace.")
        parameters_NP.append(torch.nn.functional.pad(parameters_P, (0, room))[None].to(space.parameters_NP))
        embeddings_NE.append(embedding_E[None].to(space.embeddings_NE))
    flat, solid = space.place_on_map(torch.cat(embeddings_NE[1:]))
    rows = [row_of(space, artifact.manifest) for artifact in kept]
    if "steps" in space.table:
        space = replace(space, table=space.table.astype({"steps": np.float64}))  # with NaN for what was not trained
    for row, two, three in zip(rows, flat, solid):
        row.update(zip(("x2", "y2", "x3", "y3", "z3"), (*two, *three)))
    table = pd.concat([space.table, pd.DataFrame(rows)[list(space.table.columns)].astype(space.table.dtypes)], ignore_index=True)
    name = f"target_{space.task.likeness_key}"
    reached = {each.id: each.manifest.metrics.get(name, {}).get("value") for each in kept}
    agreements = {id_: float(value) for id_, value in reached.items() if isinstance(value, (int, float))}
    return replace(
        space, table=table, parameters_NP=torch.cat(parameters_NP), embeddings_NE=torch.cat(embeddings_NE), agreements=agreements
    )


def row_of(space, manifest: Manifest) -> dict:
    """A kept network's line of the table: that of the instance it began near, with what is its own. Its target is the network
    itself, so predicted figures are its own where none are told; it was not trained here, so it has no length of training."""
    ids_, config = list(space.table["id"]), manifest.config
    row = space.table.iloc[ids_.index(config["near"]) if config.get("near") in ids_ else 0].to_dict()
    row |= {"id": manifest.id, "split": SPLITS[config["made_by"]], "architecture": config["architecture"], "steps": np.nan}
    if "class_id" in row:
        row["class_id"] = [arch.id for arch in space.archs].index(config["architecture"])
    return row | {name: value for name, value in space.task.kept_row(manifest.metrics).items() if name in row}
