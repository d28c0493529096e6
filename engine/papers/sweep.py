"""Variants and seeds in one table: mean and spread, as the paper's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from .. import presets
from ..core.artifacts import Store
from ..core.config import digest
from ..core.errors import InvalidValue
from ..kinds.configs import read_config
from ..kinds.nern.config import NernConfig
from ..make import train
from ..plan import artifact_id
from ..presets.nern_tables import TABLES

COLUMNS = ("original_accuracy", "reconstructed_accuracy", "agreement", "logit_divergence", "weight_error", "size_ratio")


def sweep(store: Store, names: Sequence[str], seeds: int, changes: Callable[[NernConfig], NernConfig], device: str, progress):
    """A row for each variant and metric: variant, preset, metric, mean, spread (standard deviation over the seeds), n, seeds, split,
    and the fields that are not the preset's. `names` are tables of `presets.nern_tables`, or presets, each a variant of its
    own; `changes` maps a config to the changed one. A run that is there already is not trained again, and one that was
    stopped goes on."""
    import pandas as pd

    rows = []
    for variant, preset, config in (row for name in names for row in variants(name)):
        config = changes(config)
        found = [one(store, preset, replace(config, seed=seed), device, progress) for seed in range(seeds)]
        for metric in (column for column in COLUMNS if all(column in metrics for metrics in found)):
            values = pd.Series([metrics[metric]["value"] for metrics in found])
            spread = values.std(ddof=1) if seeds > 1 else None
            rows.append(
                {
                    "variant": variant,
                    "preset": preset,
                    "metric": metric,
                    "mean": values.mean(),
                    "spread": spread,
                    "n": seeds,
                    "seeds": f"0 to {seeds - 1}",
                    "split": found[0][metric]["split"],
                    **changed(preset, config),
                }
            )
    return pd.DataFrame(rows)


def variants(name: str) -> list[tuple[str, str, NernConfig]]:
    """(variant, preset, config) of each variant of a table, or of a preset alone. Raises UnknownId, InvalidValue."""
    if name in TABLES:
        preset, departures = TABLES[name]
        return [(variant, preset, replace(presets.config(preset), **fields)) for variant, fields in departures.items()]
    config = presets.config(name)
    if config.KIND != NernConfig.KIND:
        raise InvalidValue(f"{name} is not a preset of a NeRN; a sweep takes those whose names begin with nern-, and {', '.join(TABLES)}.")
    return [(name, name, config)]


def one(store: Store, name: str, config: NernConfig, device: str, progress) -> dict:
    """The metrics of a run, trained if it is not there with that very config."""
    own = presets.config(name)
    id_ = artifact_id(name, config.seed)
    if replace(config, seed=own.seed) != own:
        id_ = f"{name}-{digest(config)[:8]}"
    if store.has(id_) and read_config(store.open(id_)) == config:
        return store.open(id_).manifest.metrics
    return train(store, name, config, device, progress, id_).manifest.metrics


def changed(name: str, config: NernConfig) -> dict:
    """The fields of a config that are not its preset's."""
    own = presets.config(name)
    return {field: value for field, value in vars(config).items() if field != "seed" and value != getattr(own, field)}
