"""Where a number of the documentation comes from. A reference is a few words:

    ID METRIC               a metric of an artifact or a record (its spread: `spread ID METRIC`; over how many: `n ID METRIC`)
    config ID FIELD         a field of its config; `FIELD I` the I-th of a list
    shape ID FILE TENSOR I  a tensor's size along axis I, read from the header of the file
    table FILE VARIANT METRIC   a mean in assets/tables (`spread table ...`, `n table ...`); VARIANT in quotes where it has spaces
    benched FIELD           when, commit, cpu or cores of the kept bench
    bench ROW FIELD         value, reference or ratio of a row of assets/records/bench.json
    paper ENTRY ROW.MEASURE the paper's own figure (presets/papers)
    setting SECTION.NAME    a setting of .streamlit/config.toml
    const FILE NAME         a constant of the code, or CLASS.FIELD with its default; DICT.KEY of a dictionary; `/ UNIT` divides it

An ID may carry conditions on its config, `netspace-digits-multi?interpolation=false`: that artifact if it fits, else the record that does.
"""

from __future__ import annotations

import ast
import csv
import json
import operator
import shlex
import struct
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

from ..core.errors import ExplorerError
from ..core.format1 import guess
from ..kinds.configs import defaults as defaults_of
from ..papers.entries import entry

UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "MB": 10**6, "thousand": 1000, "million": 10**6, "minutes": 60, "hours": 3600}
OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Pow: operator.pow, ast.LShift: operator.lshift,
}  # fmt: skip


class NoSource(ExplorerError):
    """A reference that names nothing."""


class Sources:
    """All that numbers may rest on, in a checkout."""

    def __init__(self, root: Path):
        self.root = root

    @cached_property
    def manifests(self) -> list[dict]:
        """Of the gallery, then of the records."""
        folders = (self.root / "assets" / name for name in ("gallery", "records"))
        return [json.loads(path.read_text("utf-8")) for folder in folders for path in sorted(folder.glob("*/manifest.json"))]

    @cached_property
    def bench(self) -> dict:
        path = self.root / "assets" / "records" / "bench.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else {"rows": []}

    def manifest(self, id_: str) -> dict:
        """The artifact or record of an id, with its conditions. Raises NoSource."""
        name, _, conditions = id_.partition("?")
        fits = [each for each in self.manifests if name in (each["id"], each["preset"]) and meets(each["config"], conditions)]
        exact = [each for each in fits if each["id"] == name]
        if not exact and (not conditions or not fits):
            raise NoSource(f"No artifact or record is {id_}.")
        return (exact or fits)[0]

    def has(self, id_: str) -> bool:
        try:
            return bool(self.manifest(id_))
        except NoSource:
            return False

    def seeds(self, id_: str) -> list[dict]:
        """All runs of the same experiment: same preset, and a config that differs in the seed alone. The one named comes first."""
        first = self.manifest(id_)
        return [first, *(each for each in self.manifests if each is not first and each["id"] != first["id"] and alike(first, each))]

    def value(self, reference: str) -> Any:
        """What a reference names. Raises NoSource."""
        words = shlex.split(reference)
        try:
            if words[0] in ("spread", "n"):
                return self.part(words[1:], words[0])
            found = getattr(self, f"of_{words[0]}")(*words[1:]) if hasattr(self, f"of_{words[0]}") else self.part(words, "value")
        except NoSource:
            raise
        except (KeyError, IndexError, TypeError, ValueError, OSError, StopIteration) as error:
            raise NoSource(f"`{reference}` names nothing ({type(error).__name__}: {error}).") from error
        if found is None:
            raise NoSource(f"`{reference}` has no value.")
        return found

    def part(self, words: list[str], part: str) -> Any:
        """value, spread or n of a metric or of a table's row."""
        if words[0] == "table":
            row = self.row(*words[1:])
            return float(row[{"value": "mean"}.get(part, part)])
        id_, metric = words
        return self.manifest(id_)["metrics"][metric][part]

    def row(self, file: str, variant: str, metric: str) -> dict:
        path = self.root / "assets" / "tables" / f"{file}.csv"
        rows = csv.DictReader(path.read_text("utf-8").splitlines())
        return next(row for row in rows if row["variant"] == variant and row["metric"] == metric)

    def of_table(self, *words: str) -> float:
        return self.part(["table", *words], "value")

    def of_config(self, id_: str, field: str, index: str = "") -> Any:
        value = self.manifest(id_)["config"][field]
        return value[int(index)] if index else value

    def of_count(self, id_: str, field: str) -> int:
        return len(self.manifest(id_)["config"][field])

    def of_shape(self, id_: str, file: str, tensor: str, axis: str) -> int:
        path = self.root / "assets" / "gallery" / id_ / file
        with path.open("rb") as handle:
            (length,) = struct.unpack("<Q", handle.read(8))
            return json.loads(handle.read(length))[tensor]["shape"][int(axis)]

    def of_bench(self, name: str, field: str) -> Any:
        return next(row for row in self.bench["rows"] if row["name"] == name)[field]

    def of_benched(self, field: str) -> Any:
        return self.bench[field]

    def of_paper(self, id_: str, key: str) -> float | None:
        row, _, measure = key.rpartition(".")
        return next(each for each in entry(id_).rows if each.id == row).cells[measure].paper

    def of_setting(self, name: str) -> Any:
        value: Any = tomllib.loads((self.root / ".streamlit" / "config.toml").read_text("utf-8"))
        for part in name.split("."):
            value = value[part]
        return value

    def of_const(self, file: str, name: str, slash: str = "", unit: str = "") -> Any:
        value = constant(self.root / file, name)
        return value / UNITS[unit] if slash == "/" else value


def meets(config: dict, conditions: str) -> bool:
    """Whether a config has the values of `name=value,...` (JSON, or text)."""
    pairs = [pair.partition("=")[::2] for pair in conditions.split(",") if pair]
    return all(same(config.get(name), text) for name, text in pairs)


def same(value: Any, text: str) -> bool:
    """Whether a config's value is what a condition says (JSON, or text)."""
    try:
        return value == json.loads(text)
    except ValueError:
        return value == text


def alike(first: dict, other: dict) -> bool:
    """Same preset, and no field differs but the seed; a field that one does not know yet means its default there. What a space was
    made from is of another seed, too, so fields that name artifacts differ by a seed at most."""
    if first["preset"] != other["preset"] or first["config"].get("seed") == other["config"].get("seed"):
        return False
    mine, yours = whole(first), whole(other)
    return all(seedless(mine.get(name)) == seedless(yours.get(name)) for name in mine.keys() | yours.keys() if name != "seed")


def whole(manifest: dict) -> dict:
    """A manifest's config with the defaults of the fields that it does not know."""
    config_type = manifest.get("config_type") or guess(manifest)[1]
    return {**defaults_of(config_type), **manifest["config"]}


def seedless(value: Any) -> Any:
    return value.partition("-seed")[0] if isinstance(value, str) else value


def constant(path: Path, name: str) -> Any:
    """The value of a module's constant, of a dataclass field's default (Class.field), or of a dictionary's entry (DICT.key)."""
    outer, _, inner = name.partition(".")
    scope = ast.parse(path.read_text("utf-8")).body
    names = {target.id: node.value for node in scope if isinstance(node, ast.Assign) for each in node.targets for target in flat(each)}
    names |= annotated(scope)
    for node in scope:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
            names |= {target.id: value for target, value in zip(flat(node.targets[0]), node.value.elts)}
    if inner:
        for node in scope:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == outer:
                return worth(defaults(node)[inner], names)
        return worth(names[outer], names)[inner]
    return worth(names[outer], names)


def flat(target: ast.expr) -> list[ast.Name]:
    return [each for each in (target.elts if isinstance(target, ast.Tuple) else [target]) if isinstance(each, ast.Name)]


def annotated(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """The values of annotated names, such as `NAME: type = value`."""
    return {
        each.target.id: each.value for each in body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value
    }


def defaults(node: ast.ClassDef | ast.FunctionDef) -> dict[str, ast.expr]:
    """Of a class's fields or a function's arguments."""
    if isinstance(node, ast.ClassDef):
        return annotated(node.body)
    arguments = node.args.args[len(node.args.args) - len(node.args.defaults) :]
    found = {argument.arg: value for argument, value in zip(arguments, node.args.defaults)}
    return found | {argument.arg: value for argument, value in zip(node.args.kwonlyargs, node.args.kw_defaults) if value}


def worth(node: ast.expr, names: dict[str, ast.expr]) -> Any:
    """A literal, or arithmetic over literals and the module's own names. Raises ValueError for anything else."""
    if isinstance(node, ast.Name):
        return worth(names[node.id], names)
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](worth(node.left, names), worth(node.right, names))
    if isinstance(node, ast.Dict):
        return {worth(key, names): value_or_none(value, names) for key, value in zip(node.keys, node.values) if key}
    return ast.literal_eval(node)


def value_or_none(node: ast.expr, names: dict[str, ast.expr]) -> Any:
    try:
        return worth(node, names)
    except (ValueError, KeyError):
        return None
