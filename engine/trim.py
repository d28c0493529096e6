"""Artifacts small enough to ship. Of a zoo and its spaces fewer training instances: the spaces stay what they are, they were trained
on all of them, and what is measured on held-out instances stays as it was. Everything in half precision, and measured again.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from .artifacts import Artifact, Manifest, Store, manifest_hash
from .errors import InvalidValue
from .multi.zoo import TEACHER


def trim(store: Store, zoo_id: str, train: int, val: int | None = None) -> list[Artifact]:
    """Write a zoo and every space of it again, in the workspace, with `train` training and `val` validation instances of each
    architecture (None: all; spread evenly by their accuracy on validation images, the best among them) and all test instances,
    models and embeddings in half precision. Raises UnknownId, InvalidValue."""
    artifact = store.open(zoo_id, "zoo")
    table = artifact.table("instances.parquet")
    if "val_accuracy" not in table:
        raise InvalidValue(f"{zoo_id} is not a zoo of classifiers; only those can be trimmed.")
    rows = kept_rows(table, train, val)
    note = f"{kept_note(artifact.manifest.config, table['split'].iloc[rows])} are kept here; all were there when spaces were trained"
    spaces = [store.open(each.id) for each in store.manifests("netspace") if zoo_id in each.inputs]
    zoo = write(store, artifact, {"parameters.safetensors": kept_parameters(artifact, table, rows)}, instances(table, rows), note)
    return [zoo, *(trimmed_space(store, space, zoo, rows, note) for space in spaces)]


def halve(store: Store, id_: str) -> list[Artifact]:
    """Write an original and every NeRN of it again, in the workspace, in half precision. Raises UnknownId."""
    artifact = store.open(id_, "network")
    nerns = [store.open(each.id) for each in store.manifests("nern") if id_ in each.inputs]
    original = whole_in_half(store, artifact)
    return [original, *(whole_in_half(store, nern, {id_: {"sha256": manifest_hash(original)}}) for nern in nerns)]


def whole_in_half(store: Store, artifact: Artifact, inputs: dict | None = None) -> Artifact:
    files = artifact.manifest.files
    arrays = {name: artifact.arrays(name) for name in files if name.endswith(".safetensors")}
    return write(store, artifact, arrays, {name: artifact.table(name) for name in files if name.endswith(".parquet")}, "kept in half precision", inputs)


def instances(table, rows: np.ndarray) -> dict:
    return {"instances.parquet": table.iloc[rows].reset_index(drop=True)}


def kept_note(config: dict, splits) -> str:
    """How many of the instances that a zoo's config asks for are there, such as "12 of 600 training and 8 of 64 validation instances"."""
    parts = []
    for split, word in (("train", "training"), ("val", "validation")):
        made = sum(config[split]) if isinstance(config[split], list) else config[split] * len(config.get("architectures", "1"))
        parts.append(f"{(splits == split).sum()} of {made} {word}")
    return f"{' and '.join(parts)} instances"


def kept_rows(table, train: int, val: int | None = None) -> np.ndarray:
    """Rows that stay, in their order: all of test, and `train` and `val` (None: all) of the others, of each architecture."""
    class_id_N = table["class_id"].to_numpy() if "class_id" in table else np.zeros(len(table), int)
    kept = [np.flatnonzero(table["split"] == "test")]
    for id_ in np.unique(class_id_N):
        for split, count, least in (("train", train, 1), ("val", val, 0)):
            rows = np.flatnonzero((table["split"] == split) & (class_id_N == id_))
            if count is not None and not least <= count <= len(rows):
                raise InvalidValue(f"Keep {least} to {len(rows)} of the {split} instances; got {count}.")
            ranked = rows[np.argsort(table["val_accuracy"].to_numpy()[rows], kind="stable")]
            kept.append(ranked if count is None else ranked[spread(len(ranked), count)])
    return np.sort(np.concatenate(kept))


def spread(length: int, count: int) -> np.ndarray:
    """`count` of `length` places at even distances, the last among them."""
    return np.linspace(0, length - 1, count).round().astype(int) if count > 1 else np.arange(length)[length - count :]


def kept_parameters(artifact: Artifact, table, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The parameters of the rows that stay, under the names of the zoo's own file."""
    arrays = artifact.arrays("parameters.safetensors")
    if "class_id" not in table:
        return {"parameters": arrays["parameters"][rows]}
    class_id_N = table["class_id"].to_numpy()
    names = artifact.manifest.config["architectures"]  # by ClassId
    return {TEACHER: arrays[TEACHER]} | {name: arrays[name][np.isin(np.flatnonzero(class_id_N == id_), rows)] for id_, name in enumerate(names)}


def trimmed_space(store: Store, space: Artifact, zoo: Artifact, rows: np.ndarray, note: str) -> Artifact:
    embeddings_NE = space.arrays("embeddings.safetensors")["embeddings"]
    arrays = {"model.safetensors": space.arrays("model.safetensors"), "embeddings.safetensors": {"embeddings": embeddings_NE[rows]}}
    return write(store, space, arrays, instances(space.table("instances.parquet"), rows), note, {zoo.id: {"sha256": manifest_hash(zoo)}})


def write(store: Store, artifact: Artifact, arrays: dict, tables: dict, note: str, inputs: dict | None = None) -> Artifact:
    """The artifact with what is kept of it, measured again from that."""
    from .make import reevaluate

    small = {file: {name: half(array) for name, array in tensors.items()} for file, tensors in arrays.items()}
    old = artifact.manifest
    manifest = Manifest(**{**asdict(old), "inputs": old.inputs if inputs is None else inputs, "provenance": {**old.provenance, "trimmed": note}})
    found = store.write(manifest, small, tables, replace=True)
    try:
        metrics = reevaluate(store, found, "cpu")
    except BaseException:
        store.restore(found.id)  # what could not be measured does not stay
        raise
    return store.update_metrics(found, {**{name: entry for name, entry in old.metrics.items() if name not in metrics}, **metrics})


def half(array: np.ndarray) -> np.ndarray:
    """Numbers in half precision; places in as few bytes as the largest needs."""
    return array.astype(np.float16 if array.dtype.kind == "f" else np.min_scalar_type(array.max(initial=0)))
