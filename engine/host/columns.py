"""The table of a space as columns that answer a search: what a loaded space knows of its instances, and behind them what was placed in it.

Texts are kept once each, with a code per row; numbers as they lie in the table. Nothing here asks pandas after the columns are made.

Legend: N rows, D different texts of a column.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..kinds.netspace import kept, placed_shapes
from .host import Host, Loaded

pc: Any = pyarrow.compute  # its functions are made when it is imported, which no type checker sees
SAID = {"test": "held out", "val": "validation", **kept.FOUND}  # what a person is told of a split; a search finds both
PLACES = ("x2", "y2", "x3", "y3", "z3")  # of the map: shown there, and no property
FEW = 24  # texts of a column that can be chosen from
EXACT, PREFIX, SUBSTRING = 3, 2, 1  # how well a text fits


@dataclass(frozen=True)
class Texts:
    """A column of texts: the code of each row [N] (-1 where there is none), and the texts [D] as they are and in lower case."""

    codes_N: np.ndarray
    names_D: pa.Array
    lower_D: pa.Array
    said_D: pa.Array | None = None  # what else each is called

    def at(self, row: int) -> str | None:
        code = self.codes_N[row]
        return None if code < 0 else self.names_D[code].as_py()

    def fit(self, wanted: str) -> np.ndarray:
        """How well each row fits a text in lower case: EXACT, PREFIX, SUBSTRING or 0, uint8 [N]."""
        fit_D = fitting(self.lower_D, wanted)
        if self.said_D is not None:
            fit_D = np.maximum(fit_D, fitting(self.said_D, wanted))
        return np.append(fit_D, np.uint8(0))[self.codes_N]

    @cached_property
    def order(self) -> np.ndarray:
        """The rows in the order of their texts; those without one come last [N]."""
        rank_D = np.empty(len(self.names_D), np.int64)
        rank_D[pc.sort_indices(self.lower_D).to_numpy(zero_copy_only=False)] = np.arange(len(self.names_D))
        return np.argsort(np.append(rank_D, len(self.names_D))[self.codes_N], kind="stable")


@dataclass(frozen=True)
class Numbers:
    """A column of numbers [N]; NaN where there is none."""

    values_N: np.ndarray

    def at(self, row: int) -> float | int | None:
        value = self.values_N[row].item()
        return None if isinstance(value, float) and not math.isfinite(value) else value

    @cached_property
    def order(self) -> np.ndarray:
        """The rows from the smallest to the largest; those without a number come last [N]."""
        return np.argsort(self.values_N, kind="stable")


def fitting(lower_D: pa.Array, wanted: str) -> np.ndarray:
    """EXACT, PREFIX, SUBSTRING or 0 of each text, uint8 [D]."""
    fit_D = pc.match_substring(lower_D, wanted).to_numpy(zero_copy_only=False).astype(np.uint8)
    (at,) = np.nonzero(fit_D)
    some = lower_D.take(pa.array(at))
    for better in (pc.starts_with(some, wanted), pc.equal(some, wanted)):  # each holds only where the one before does
        fit_D[at] += better.to_numpy(zero_copy_only=False).astype(np.uint8)
    return fit_D


@dataclass(frozen=True)
class Columns:
    """The columns by name; `placed` rows at the end are of what was placed in the space and is no instance of it."""

    by_name: Mapping[str, Texts | Numbers]
    count: int
    placed: int
    quality: str  # name of the column that tells how good an instance is; "" where there is none

    @property
    def texts(self) -> dict[str, Texts]:
        return {name: each for name, each in self.by_name.items() if isinstance(each, Texts)}

    @property
    def numbers(self) -> dict[str, Numbers]:
        return {name: each for name, each in self.by_name.items() if isinstance(each, Numbers) and name not in PLACES}

    @cached_property
    def described(self) -> list[dict[str, Any]]:
        """What is told of each column: its name, what it holds, and its `values` where there are few, or its `range`."""
        return [{"name": name, **described(each)} for name, each in self.by_name.items() if name not in PLACES]

    def row_of(self, id_: str) -> int | None:
        """The row of an id; None where there is none."""
        ids = self.texts["id"]
        code = pc.index(ids.names_D, pa.scalar(id_)).as_py()
        return None if code < 0 else int(np.flatnonzero(ids.codes_N == code)[0])

    def row(self, row: int) -> dict[str, Any]:
        """What is told of a row: id, title, split (and `said` of it in words), architecture, quality, kept, placed, and what else its
        columns hold as properties."""
        told = {name: each.at(row) for name, each in self.by_name.items() if name not in PLACES}
        name = told.pop("name", None)
        head = {each: told.pop(each, None) for each in ("id", "split", "architecture")}
        return {
            **head,
            "row": row,
            "title": name or head["id"],
            "said": SAID.get(str(head["split"]), ""),
            "quality": told.get(self.quality),
            "kept": head["split"] in kept.FOUND and row < self.count - self.placed,
            "placed": row >= self.count - self.placed,
            "properties": told,
        }


def described(of: Texts | Numbers) -> dict[str, Any]:
    if isinstance(of, Texts):
        few = {"values": sorted(of.names_D.to_pylist())} if 1 < len(of.names_D) <= FEW else {}
        return {"holds": "texts", **few}
    values_N = of.values_N.astype(np.float64)
    known_N = values_N[np.isfinite(values_N)]
    return {"holds": "numbers", "range": [float(known_N.min()), float(known_N.max())] if len(known_N) else None}


def of_space(host: Host, space_id: str) -> Columns:
    """The columns of a space, made once for as long as nothing is placed in it. Raises UnknownId, CorruptArtifact."""
    loaded = host.loaded_space(space_id)
    try:
        stamp = host.store.workspace.stat().st_mtime_ns
    except FileNotFoundError:
        stamp = 0
    found = loaded.latest("columns", stamp)
    if found is None:
        found = made(host, loaded)
        loaded.note("columns", stamp, found)
    return found


def made(host: Host, loaded: Loaded) -> Columns:
    table, task = loaded.space.table, loaded.space.task
    key = task.likeness_key
    rows = [
        {
            "id": each.id,
            "name": str(each.config.get("name", each.id)),
            "split": "placed",
            "architecture": each.config.get("architecture"),
            **{f"{to}_{key}": each.metrics.get(f"{of}_{key}", {}).get("value") for to, of in (("predicted", "placed"), ("fit", "fit"))},
        }
        for each in placed_shapes.listed(host.store, loaded.space.id)
    ]
    columns = {str(name): column_of(column, [row.get(str(name)) for row in rows], str(name)) for name, column in table.items()}
    if rows:
        columns["name"] = texts([None] * len(table) + [row["name"] for row in rows])
    return Columns(columns, len(table) + len(rows), len(rows), task.quality_column if task.quality_column in columns else "")


def column_of(column, more: list, name: str) -> Texts | Numbers:
    """A column of a table of instances, with values behind it."""
    if column.dtype.kind in "iuf":
        values_N, dtype = column.to_numpy(), column.dtype if column.dtype.kind == "f" else np.dtype("float64")
        behind = np.array([math.nan if value is None else value for value in more], dtype)
        return Numbers(np.concatenate([values_N.astype(dtype), behind]) if more else values_N)
    return texts([*map(word, column.tolist()), *map(word, more)], SAID if name == "split" else None)


def word(value: Any) -> str | None:
    """A cell that is no number, as a search finds it."""
    if value is None or value != value:
        return None
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def texts(values: Sequence[str | None], said: Mapping[str, str] | None = None) -> Texts:
    coded = pa.array(values, pa.string()).dictionary_encode()
    names_D = coded.dictionary
    codes_N = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return Texts(codes_N, names_D, pc.utf8_lower(names_D), pa.array([said.get(each, "") for each in names_D.to_pylist()]) if said else None)
