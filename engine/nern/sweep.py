"""Presets and seeds in one table: mean and spread, as the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .. import presets
from ..artifacts import Store
from ..config import digest
from ..errors import InvalidValue
from ..make import artifact_id, train
from .config import NernConfig

COLUMNS = ("reconstructed_accuracy", "agreement", "logit_divergence", "weight_error", "size_ratio")


def sweep(store: Store, names: Sequence[str], seeds: int, changes, device: str, progress):
    """A row for each preset and metric: preset, the fields that were changed, metric, mean, spread (standard deviation over the
    seeds), n. `changes` maps a config to the changed one. A run that is there already is not trained again."""
    import pandas as pd

    rows = []
    for name in names:
        config = changes(presets.config(name))
        if not isinstance(config, NernConfig):
            raise InvalidValue(f"{name} is no NeRN's preset; a sweep takes those whose names begin with nern-.")
        found = [one(store, name, replace(config, seed=seed), device, progress) for seed in range(seeds)]
        for metric in (column for column in COLUMNS if all(column in metrics for metrics in found)):
            values = pd.Series([metrics[metric]["value"] for metrics in found])
            rows.append({"preset": name, "metric": metric, "mean": values.mean(), "spread": values.std(ddof=1) if seeds > 1 else None, "n": seeds, **changed(name, config)})
    return pd.DataFrame(rows)


def one(store: Store, name: str, config: NernConfig, device: str, progress) -> dict:
    """The metrics of a run, trained if it is not there with that very config."""
    own = presets.config(name)
    id_ = artifact_id(name, config.seed)
    if replace(config, seed=own.seed) != own:
        id_ = f"{name}-{digest(config)[:8]}"
    if store.has(id_) and tuples(store.open(id_).manifest.config) == tuples(vars(config)):
        return store.open(id_).manifest.metrics
    return train(store, name, config, device, progress, id_).manifest.metrics


def tuples(config: dict) -> dict:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}


def changed(name: str, config: NernConfig) -> dict:
    """The fields of a config that are not its preset's."""
    own = presets.config(name)
    return {field: value for field, value in vars(config).items() if field != "seed" and value != getattr(own, field)}
