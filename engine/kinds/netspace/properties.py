"""What an embedding knows: how well a linear probe reads each property of a zoo's instances off their embeddings, beside the same probe
on statistics of their weights (Unterthiner et al., 2020) and on the principal components of the weights.

Legend: N instances, P parameters, E embedding, F features, H held-out instances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from ...core.errors import InvalidValue
from .probing import Figure, Probe, Rows, probe_category, probe_number
from .space import Space

EMBEDDING, STATISTICS, COMPONENTS = "embedding", "weight statistics", "PCA of weights"
QUANTILES = (0, 25, 50, 75, 100)
MOST_COMPONENTS = 64
MOST_CATEGORIES = 20
RANGE = 100  # of the largest to the smallest: beyond it, the logarithm is probed
FEWEST = 4  # held-out instances
MOST = {"train": 10_000, "val": 2000, "test": 2000}  # instances of a split; of more so many, drawn at random
SEED = 0
NAMES = ("id", "split", "class_id")  # columns that name an instance


@dataclass(frozen=True)
class Property:
    """A property of a zoo's instances: its true values on those held out, and the probe of each kind of features."""

    name: str  # log10 before it where the logarithm is probed
    numeric: bool
    ids_H: list[str]
    true_H: np.ndarray
    probes: Mapping[str, Probe]
    chance: float | None = None  # of a category: the share of its most frequent one

    def as_json(self) -> dict:
        """For JSON."""
        return {
            "name": self.name, "kind": "number" if self.numeric else "category", "n": len(self.true_H), "chance": self.chance,
            "probes": {name: figures(probe) for name, probe in self.probes.items()},
        }  # fmt: skip


def figures(probe: Probe) -> dict:
    """A probe's figures for JSON: name -> {"value", "low", "high"}."""
    found = {name: getattr(probe, name) for name in ("r2", "tau", "accuracy")}
    return {name: vars(each) for name, each in found.items() if each.defined} | {"strength": probe.strength}


def properties(space: Space) -> list[Property]:
    """All properties that vary among the training instances and among those that are held out. Raises InvalidValue where there
    is none, or too few instances to tell."""
    table = space.zoo.table
    rows = Rows(*(some(np.flatnonzero(table["split"] == name), most) for name, most in MOST.items()))
    if len(rows.test_H) < FEWEST or len(rows.train_T) < FEWEST:
        raise InvalidValue(
            f"{space.zoo.id} holds out {len(rows.test_H)} instances and trains on {len(rows.train_T)}: at least {FEWEST} of each are "
            "needed to say what an embedding knows."
        )
    features = features_of(space, rows)
    found = []
    for name, column in columns_of(space).items():
        numeric = types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
        known = rows_where(rows, column.notna().to_numpy())
        if len(known.test_H) < FEWEST or len(known.train_T) < FEWEST:
            continue
        found.append(number(name, column, known, features, table) if numeric else category(name, column, known, features, table))
    kept = [each for each in found if each is not None]
    if not kept:
        raise InvalidValue(f"No property of {space.zoo.id} varies among its instances: there is nothing to read off an embedding.")
    return kept


def some(rows_N: np.ndarray, most: int) -> np.ndarray:
    """All rows, or so many of them, drawn at random with a fixed seed."""
    return rows_N if len(rows_N) <= most else np.sort(np.random.default_rng(SEED).choice(rows_N, most, replace=False))


def columns_of(space: Space) -> dict[str, pd.Series]:
    """The properties of a zoo's table, and those that its task works out from them."""
    table = space.zoo.table
    own: dict[str, pd.Series] = {str(name): pd.Series(table[name]) for name in table.columns if name not in NAMES}
    return own | {name: pd.Series(values, index=table.index) for name, values in space.task.properties(table).items()}


def number(name: str, column: pd.Series, rows: Rows, features: Mapping[str, np.ndarray], table: pd.DataFrame) -> Property | None:
    """A numeric property; None where it does not vary."""
    values_N = column.to_numpy(float)
    here = np.concatenate([rows.train_T, rows.test_H])
    if not np.isfinite(values_N[here]).all() or min(np.ptp(values_N[rows.train_T]), np.ptp(values_N[rows.test_H])) == 0:
        return None
    if values_N[here].min() > 0 and values_N[here].max() > RANGE * values_N[here].min():
        name, values_N = f"log10 {name}", np.log10(np.where(values_N > 0, values_N, 1))
    probes = {kind: probe_number(features_NF, values_N, rows) for kind, features_NF in features.items()}
    return Property(name, True, list(table["id"].iloc[rows.test_H]), values_N[rows.test_H], probes)


def category(name: str, column: pd.Series, rows: Rows, features: Mapping[str, np.ndarray], table: pd.DataFrame) -> Property | None:
    """A categorical property; None where it does not vary, or has about as many values as there are instances."""
    labels_N = column.astype(str).to_numpy()
    fits, _ = rows.choosing
    if len(set(labels_N[rows.train_T])) > MOST_CATEGORIES or min(len(set(labels_N[each])) for each in (fits, rows.test_H)) < 2:
        return None
    probes = {kind: probe_category(features_NF, labels_N, rows) for kind, features_NF in features.items()}
    names, counts = np.unique(labels_N[rows.train_T], return_counts=True)
    chance = float((labels_N[rows.test_H] == names[counts.argmax()]).mean())
    return Property(name, False, list(table["id"].iloc[rows.test_H]), labels_N[rows.test_H], probes, round(chance, 4))


def rows_where(rows: Rows, known_N: np.ndarray) -> Rows:
    """The rows whose value is known."""
    return Rows(*(each[known_N[each]] for each in (rows.train_T, rows.val_V, rows.test_H)))


def features_of(space: Space, rows: Rows) -> dict[str, np.ndarray]:
    """The features [N, F] of each kind that probes read."""
    count = len(space.zoo.table)
    parameters_NP = space.zoo.parameters_NP.cpu().numpy().astype(np.float64)
    return {
        EMBEDDING: space.embeddings_NE[:count].cpu().numpy().astype(np.float64),
        STATISTICS: statistics(space, parameters_NP),
        COMPONENTS: components(parameters_NP, rows.train_T),
    }


def statistics(space: Space, parameters_NP: np.ndarray) -> np.ndarray:
    """Mean, variance and five quantiles of each parameter tensor [N, F]; of several architectures each has columns of its own, zero for
    the others."""
    ids_N = space.zoo.table["class_id"].to_numpy() if space.several else np.zeros(len(parameters_NP), int)
    blocks = []
    for id_, arch in enumerate(space.archs):
        own_N = ids_N == id_
        for entry in arch.layout:
            block_N7 = np.zeros((len(parameters_NP), 2 + len(QUANTILES)))
            part_NP = parameters_NP[own_N, entry.start : entry.stop]
            if len(part_NP):
                block_N7[own_N] = np.column_stack([part_NP.mean(1), part_NP.var(1), *np.percentile(part_NP, QUANTILES, axis=1)])
            blocks.append(block_N7)
    return np.concatenate(blocks, 1)


def components(parameters_NP: np.ndarray, train_T: np.ndarray) -> np.ndarray:
    """Coordinates along the principal axes of the training instances' weights [N, F]."""
    mean_P = parameters_NP[train_T].mean(0)
    _, _, axes_FP = np.linalg.svd(parameters_NP[train_T] - mean_P, full_matrices=False)
    return (parameters_NP - mean_P) @ axes_FP[: min(MOST_COMPONENTS, len(train_T) - 1)].T


def table_of(found: list[Property]) -> pd.DataFrame:
    """A row for each property: the figures of each kind of features, with their intervals, as text."""
    rows = []
    for each in found:
        row: dict[str, object] = {"property": each.name, "held out": len(each.true_H), "measure": "R²" if each.numeric else "accuracy"}
        for kind, probe in each.probes.items():
            row[kind] = shown(probe.r2 if each.numeric else probe.accuracy)
        for kind, probe in each.probes.items():
            row[f"tau, {kind}"] = shown(probe.tau)
        rows.append(row | {"most frequent": "" if each.chance is None else f"{each.chance:.2f}"})
    return pd.DataFrame(rows)


def shown(of: Figure) -> str:
    """'0.93 (0.90 to 0.95)'; nothing where it is not defined."""
    return f"{of.value:.2f} ({of.low:.2f} to {of.high:.2f})" if of.defined else ""
