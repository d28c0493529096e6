"""Fewer training instances in a zoo and its spaces, so that they are small enough to ship. The spaces stay what they are: they
were trained on all of them, and everything that is measured on held-out instances stays as it was.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from .artifacts import Artifact, Manifest, Store, manifest_hash
from .errors import InvalidValue


def trim(store: Store, zoo_id: str, train: int) -> list[Artifact]:
    """Write a zoo and every space of it again, in the workspace, with `train` of their training instances (spread evenly by their
    accuracy on validation images, the best among them), models and embeddings in half precision. Raises UnknownId, InvalidValue."""
    artifact = store.open(zoo_id, "zoo")
    table = artifact.table("instances.parquet")
    if "val_accuracy" not in table or "class_id" in table:
        raise InvalidValue(f"{zoo_id} is not a zoo of one architecture of classifiers; only those can be trimmed.")
    rows = kept_rows(table, train)
    note = f"{train} of {int((table['split'] == 'train').sum())} training instances are kept here; spaces were trained on all"
    zoo = write(store, artifact, table.iloc[rows], {"parameters.safetensors": artifact.arrays("parameters.safetensors")}, rows, note)
    spaces = [store.open(each.id) for each in store.manifests("netspace") if zoo_id in each.inputs]
    return [zoo, *(trimmed_space(store, space, zoo, rows, note) for space in spaces)]


def kept_rows(table, train: int) -> np.ndarray:
    """Rows that stay, in their order: all of validation and test, and `train` training instances."""
    trained = np.flatnonzero(table["split"] == "train")
    if not 1 <= train <= len(trained):
        raise InvalidValue(f"Keep 1 to {len(trained)} of the training instances; got {train}.")
    ranked = trained[np.argsort(table["val_accuracy"].to_numpy()[trained], kind="stable")]
    picked = ranked[np.linspace(0, len(ranked) - 1, train).round().astype(int)] if train > 1 else ranked[-1:]
    return np.sort(np.concatenate([np.flatnonzero(table["split"] != "train"), picked]))


def trimmed_space(store: Store, space: Artifact, zoo: Artifact, rows: np.ndarray, note: str) -> Artifact:
    arrays = {"model.safetensors": space.arrays("model.safetensors"), "embeddings.safetensors": space.arrays("embeddings.safetensors")}
    inputs = {zoo.id: {"sha256": manifest_hash(zoo)}}
    return write(store, space, space.table("instances.parquet").iloc[rows], arrays, rows, note, inputs)


def write(store: Store, artifact: Artifact, table, arrays: dict, rows: np.ndarray, note: str, inputs: dict | None = None) -> Artifact:
    """The artifact with some of its rows, measured again from what is kept."""
    from .make import reevaluate

    per_row = {"parameters", "embeddings"}
    small = {file: {name: (array[rows] if name in per_row else array).astype(np.float16) for name, array in tensors.items()} for file, tensors in arrays.items()}
    old = artifact.manifest
    manifest = Manifest(**{**asdict(old), "inputs": old.inputs if inputs is None else inputs, "provenance": {**old.provenance, "trimmed": note}})
    found = store.write(manifest, small, {"instances.parquet": table.reset_index(drop=True)}, store.workspace)
    metrics = reevaluate(store, found, "cpu")
    return store.update_metrics(found, {**{name: entry for name, entry in old.metrics.items() if name not in metrics}, **metrics})
