"""Artifacts small enough to ship. Of a zoo and its spaces fewer training instances: the spaces stay what they are, they were trained
on all of them, and what is measured on held-out instances stays as it was. Everything in half precision, and measured again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import kinds
from ..core.artifacts import Artifact, Store, manifest_hash
from ..core.errors import InvalidValue
from ..tasks import task_of
from ..tasks.zoo import class_ids
from .configs import read_config

INSTANCES = "instances.parquet"


def trim(store: Store, id_: str, train: int | None = None, val: int | None = None) -> list[Artifact]:
    """Write an artifact and everything that was made from it again, in the workspace, in half precision. Of a zoo stay
    `train` and `val` instances of each architecture (None: all; spread evenly by the quality that its task chooses by, the best among
    them), and all test instances. Raises UnknownId, InvalidValue."""
    artifact = store.open(id_)
    if not kinds.kind_of(artifact.manifest.kind).trims:
        raise kinds.kind_of(artifact.manifest.kind).refusal("trimmed by itself: trim what it was made from")
    made_from = [store.open(each.id) for each in store.manifests() if id_ in each.inputs and each.config_type]
    rows, note = None, "kept in half precision"
    if INSTANCES in artifact.manifest.files:
        table = artifact.table(INSTANCES)
        if train is None:
            raise InvalidValue(f"How many training instances of {id_} should be kept? Set --train N.")
        task = task_of(artifact.manifest.task)
        quality = task.best_column
        if not task.trims or quality not in table:
            raise InvalidValue(f"{id_} is a zoo of {task.many}, which cannot be trimmed.")
        config = read_config(artifact)
        rows = kept_rows(table, class_ids(table, len(config.arch_ids)), train, val, quality)
        kept = kept_note(config.counts, table["split"].iloc[rows])
        note = f"{kept} are kept here; all were there when spaces were trained"
    smaller = write(store, artifact, rows, note)
    inputs = {id_: {"sha256": manifest_hash(smaller)}}
    return [smaller, *(write(store, each, rows, note, inputs) for each in made_from)]


def kept_note(counts: Sequence[int], splits) -> str:
    """How many of the instances that a zoo's config counts are there, such as "12 of 600 training and 8 of 64 validation instances"."""
    words = zip(("train", "val"), counts, ("training", "validation"))
    parts = [f"{(splits == split).sum()} of {made} {word}" for split, made, word in words]
    return f"{' and '.join(parts)} instances"


def kept_rows(table, class_id_N: np.ndarray, train: int, val: int | None = None, quality: str = "val_accuracy") -> np.ndarray:
    """Rows that stay, in their order: all of test, and `train` and `val` (None: all) of the others, of each architecture."""
    kept = [np.flatnonzero(table["split"] == "test")]
    for id_ in np.unique(class_id_N):
        for split, count, least in (("train", train, 1), ("val", val, 0)):
            rows = np.flatnonzero((table["split"] == split) & (class_id_N == id_))
            if count is not None and not least <= count <= len(rows):
                raise InvalidValue(f"Keep {least} to {len(rows)} of the {split} instances; got {count}.")
            ranked = rows[np.argsort(table[quality].to_numpy()[rows], kind="stable")]
            kept.append(ranked if count is None else ranked[spread(len(ranked), count)])
    return np.sort(np.concatenate(kept))


def spread(length: int, count: int) -> np.ndarray:
    """`count` of `length` places at even distances, the last among them."""
    return np.linspace(0, length - 1, count).round().astype(int) if count > 1 else np.arange(length)[length - count :]


def write(store: Store, artifact: Artifact, rows: np.ndarray | None, note: str, inputs: dict | None = None) -> Artifact:
    """The artifact with what is kept of it, measured again from that."""
    old, kind = artifact.manifest, kinds.kind_of(artifact.manifest.kind)
    arrays, tables = kind.trimmed(artifact, rows)
    small = {file: {name: half(array) for name, array in tensors.items()} for file, tensors in arrays.items()}
    made = {**old.provenance, "trimmed": note}
    found = store.write(replace(old, inputs=inputs or old.inputs, provenance=made), small, tables, replace=True)
    try:
        metrics = kind.measure(store, found, "cpu")
    except BaseException:
        store.restore(found.id)  # what could not be measured does not stay
        raise
    return store.update_metrics(found, {**{name: entry for name, entry in old.metrics.items() if name not in metrics}, **metrics})


def half(array: np.ndarray) -> np.ndarray:
    """Numbers in half precision; places in as few bytes as the largest needs."""
    return array.astype(np.float16 if array.dtype.kind == "f" else np.min_scalar_type(array.max(initial=0)))
