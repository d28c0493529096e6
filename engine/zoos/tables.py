"""Tables and records of properties beside a zoo's weights, as columns: bounded, scalar, of one type each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..core.boundary import readable, untrusted
from ..core.errors import InvalidValue
from ..core.manifests import CONTROL
from .members import FILE, STATED

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".json", ".jsonl", ".parquet")
BYTES = 1 << 30  # of a table's file
RECORD = 4 << 20  # of a JSON file beside a network
COLUMNS, TEXT, NAME, DEPTH = 200, 200, 80, 4
OURS = ("id", "split", "architecture", "class_id", "seen", "x2", "y2", "x3", "y3", "z3", "fit_iou")  # columns that mean something here
TEST = ("test_accuracy", "test_acc", "test/accuracy", "test/acc", "accuracy/test", "test_top1", "test_score")  # stated accuracies
MACHINE = {
    "config", "date", "timestamp", "hostname", "node_ip", "pid", "trial_id", "experiment_id", "experiment_tag", "time_this_iter_s",
    "time_total_s", "time_since_restore", "timesteps_since_restore", "iterations_since_restore", "timesteps_total", "episodes_total",
    "warmup_time", "done", "should_checkpoint", "checkpoint_dir_name",
}  # fmt: skip - of Ray's results: of the machine and the run's course, not of the network


def read_table(path: Path) -> pd.DataFrame:
    """The table of a CSV, TSV, JSON, JSON lines or parquet file. Raises InvalidValue."""
    name = readable(path.name)
    kind = next((each for each in SUFFIXES if path.name.lower().endswith(each)), "")
    if not kind:
        raise InvalidValue(f"{name} is not a table: {', '.join(SUFFIXES)} are read.")
    if not path.is_file():
        raise InvalidValue(f"There is no file {name}. --table names a table of properties.")
    if path.stat().st_size > BYTES:
        raise InvalidValue(f"{name} is over {BYTES >> 20} MiB. Leave out columns that are not properties.")
    with untrusted(f"{name}, a table,", InvalidValue, "Save it again, a row for each network."):
        if kind == ".parquet":
            return pd.read_parquet(path)
        if kind in (".json", ".jsonl"):
            return of_json(path, kind == ".jsonl")
        return pd.read_csv(path, sep="\t" if kind == ".tsv" else ",", low_memory=False)


def of_json(path: Path, lines: bool) -> pd.DataFrame:
    """A list of records, records by name (the names are the column "name"), or lists by column."""
    text = path.read_text("utf-8")
    held = [loads(line) for line in text.splitlines() if line.strip()] if lines else loads(text)
    if isinstance(held, dict) and held and all(isinstance(each, dict) for each in held.values()):
        held = [{"name": name, **each} for name, each in held.items()]
    if isinstance(held, dict) and held and all(isinstance(each, list) for each in held.values()):
        return pd.DataFrame(held)
    if not isinstance(held, list) or not all(isinstance(each, dict) for each in held):
        raise InvalidValue(f"{readable(path.name)} holds no table: a list of records, records by name, or a list for each column.")
    return frame(held)


def loads(text: str | bytes) -> object:
    """JSON as Python writes it: NaN and the infinities are no numbers that are known (None)."""
    return json.loads(text, parse_constant=lambda name: None)


def flat(record: Mapping, prefix: str = "", depth: int = 0) -> dict[str, object]:
    """A record's scalars: those of records in it have its name and a dot before theirs."""
    found: dict[str, object] = {}
    for name, value in record.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and depth < DEPTH:
            found |= flat(value, f"{key}.", depth + 1)
        elif value is None or isinstance(value, (str, bool, int, float)):
            found[key] = value
    return found


def frame(records: Iterable[object]) -> pd.DataFrame:
    """A table of records, their scalars flat."""
    return pd.DataFrame.from_records([flat(record) for record in records if isinstance(record, Mapping)])


def clean(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A table of properties as a zoo's own holds them, and what is to be told of it: at most COLUMNS columns of numbers, truth values or
    short texts; names that mean something else here begin with "source_"; stated accuracies are 0 to 1."""
    found: dict[str, pd.Series] = {}
    notes = []
    for name in table.columns:
        column = scalar(pd.Series(table[name]))
        if column is None or not column.notna().any():
            continue
        if len(found) == COLUMNS:
            notes.append(f"Only the first {COLUMNS} of {len(table.columns)} columns of properties are kept.")
            break
        called = renamed(str(name), column)
        if called not in found:
            found[called] = share(column) if called.startswith(f"{STATED}_") else column
    return pd.DataFrame(found, index=table.index), tuple(notes)


def renamed(name: str, column: pd.Series) -> str:
    """What a property's column is called here."""
    name = CONTROL.sub(" ", readable(name)).strip()[:NAME] or "unnamed"
    if name.lower() in TEST and pd.api.types.is_numeric_dtype(column):
        return f"{STATED}_test_accuracy"
    ours = name in OURS or name.startswith("predicted_") or name.endswith("_accuracy") and name.split("_")[0] in ("train", "val", "test")
    if ours and name.endswith("_accuracy") and not name.startswith("predicted_"):
        return f"{STATED}_{name}"
    return f"source_{name}" if ours or name == FILE else name


def share(column: pd.Series) -> pd.Series:
    """Accuracies as 0 to 1, where they were percentages."""
    largest = column.max()
    return column.astype(float) / 100 if 1.5 < largest <= 100 else column.astype(float)


def scalar(column: pd.Series) -> pd.Series | None:
    """A column of numbers, truth values or texts of one line; None where it has something else (lists, bytes)."""
    if pd.api.types.is_bool_dtype(column):
        return column
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column):
        return column if pd.api.types.is_integer_dtype(column) else column.astype(float).replace([np.inf, -np.inf], np.nan)
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.astype(str)
    values = column.astype(object).where(column.notna(), None).tolist()
    if any(value is not None and not isinstance(value, (str, bool, int, float)) for value in values):
        return None
    if not any(isinstance(value, str) for value in values):  # numbers and truth values, some missing
        return pd.Series([math.nan if value is None else float(value) for value in values], index=column.index)
    texts = [None if value is None else CONTROL.sub(" ", readable(str(value)))[:TEXT] for value in values]
    return pd.Series(texts, index=column.index, dtype=object)


def joined(members: pd.DataFrame, table: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]]:
    """The properties of members, by the file names in a table's column, or by their order; and what is to be told. Raises InvalidValue."""
    files = members[FILE].tolist()
    best, best_column, best_keys = 0, "", {}
    for keys in spellings(files):
        for column in table.columns:
            values = table[column]
            if pd.api.types.is_float_dtype(values) or pd.api.types.is_bool_dtype(values):
                continue
            matched = sum(1 for value in {tidy(value) for value in values} if value in keys)
            if matched > best:
                best, best_column, best_keys = matched, column, keys
    if not best:
        raise InvalidValue(f"No column of {name} names the files of the zoo, such as {readable(files[0])}. Add one.")
    rows: dict[int, int] = {}
    unknown = 0
    for row, value in enumerate(table[best_column]):
        member = best_keys.get(tidy(value))
        if member is None:
            unknown += 1
        else:
            rows.setdefault(member, row)
    notes = [f"Properties are those of {name}, joined by its column {str(best_column)[:60]!r}."]
    notes += [f"Rows of {name} that name no network: {unknown:,}."] if unknown else []
    notes += [f"Networks that are not in {name}: {len(files) - len(rows):,}."] if len(rows) < len(files) else []
    order = [rows.get(member, -1) for member in range(len(files))]
    rest = table.drop(columns=[best_column])
    taken = rest.reindex(rest.index.append(pd.Index([-1]))) if -1 in order else rest
    return taken.iloc[order].reset_index(drop=True), notes


def spellings(files: list[str]) -> list[dict[str, int]]:
    """Ways in which a table may name files: key -> member, of those keys that only one has."""
    ways = (
        lambda path: path, lambda path: without(path), lambda path: path.rpartition("/")[2],
        lambda path: without(path.rpartition("/")[2]), lambda path: path.rpartition("/")[0],
        lambda path: path.rpartition("/")[0].rpartition("/")[2],
    )  # fmt: skip
    found = []
    for way in ways:
        keys: dict[str, int] = {}
        twice = set()
        for member, path in enumerate(files):
            key = way(path)
            if key in keys:
                twice.add(key)
            keys[key] = member
        found.append({key: member for key, member in keys.items() if key and key not in twice})
    return found


def without(path: str) -> str:
    """A path without the suffix of its file."""
    head, _, last = path.rpartition("/")
    stem = last.rsplit(".", 1)[0] if "." in last[1:] else last
    return f"{head}/{stem}" if head else stem


def tidy(value: object) -> str:
    """A table's value as a path."""
    text = str(value).strip().replace("\\", "/")
    return text.removeprefix("./")


def beside(record: Path) -> dict:
    """The scalars of a JSON file beside a network; {} where it has none or cannot be read."""
    try:
        if record.stat().st_size > RECORD:
            return {}
        held = loads(record.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return flat(held) if isinstance(held, dict) else {}
