"""Every table and figure of the two papers, and what they claim in the text alone, as data: presets/papers/*.toml, one file each, checked
when it is read. Needs no torch.

An entry has *measures* (what is compared, in which unit), *rows* (an experiment each: the paper's figures, and where ours are found)
and *claims* (which figure is above which, in the paper). Nothing of ours is written down here: a row names a preset and the fields
that it changes, and `resolve.py` finds what was made with that. The state of an entry follows from it and is never written either.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

from ..core.config import require
from ..core.errors import InvalidValue, UnknownId, closest

FOLDER = Path(__file__).resolve().parent.parent / "presets" / "papers"
PAPERS = {
    "netspace": "NetSpace: Berardi et al., Learning the Space of Deep Models, ICPR 2022",
    "nern": "NeRN: Ashkenazi et al., Learning Neural Representations for Neural Networks, ICLR 2023",
}
SHORT = {"netspace": "NetSpace", "nern": "NeRN"}
KINDS = ("figure", "table", "claim")  # a claim stands in the text alone, and is numbered here
UNITS = {"%": 100.0, "MB": 1 / 2**20, "": 1.0}  # unit: what a metric is multiplied with; the papers' MB are 2^20 bytes
UNREAD = "not in our text of the paper"  # a figure that our copy of the paper lost


@dataclass(frozen=True)
class Source:
    """An experiment: a preset with some of its fields changed; or an architecture, for what is counted and not trained."""

    preset: str = ""
    arch: str = ""
    set: dict = field(default_factory=dict)  # field -> value that is not the preset's
    metrics: dict = field(default_factory=dict)  # measure -> metric, where it has another name than the measure says

    def __post_init__(self):
        require(bool(self.preset) != bool(self.arch), "a source names a preset or an arch.")

    def __str__(self) -> str:
        """'nern-cifar10-resnet20-140, permutation none'."""
        return ", ".join([self.preset or self.arch, *(f"{name} {value}" for name, value in self.set.items())])


@dataclass(frozen=True)
class Measure:
    """What is compared. `metric` is the name in a manifest; without one it is a picture, and being drawn is all that can be asked."""

    label: str
    metric: str = ""
    unit: str = ""
    decimals: int = 2
    tolerance: float = 0.0  # in the unit: ours is the paper's within this, or within twice the paper's spread
    counted: bool = False  # follows from the architecture and the config; nothing is trained

    def __post_init__(self):
        require(self.unit in UNITS, f"the unit {self.unit!r} is none of {', '.join(map(repr, UNITS))}.")
        require(self.tolerance >= 0 and self.decimals >= 0, "tolerance and decimals are at least 0.")


@dataclass(frozen=True)
class Cell:
    """What the paper says of a row's measure: a number; or words, with the bounds in which we read them."""

    paper: float | None = None
    spread: float | None = None
    says: str = ""
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self):
        require(self.paper is not None or bool(self.says), "a cell has a number or says something.")


@dataclass(frozen=True)
class Row:
    """One experiment of a table, or one curve or panel of a figure."""

    id: str
    name: str
    cells: dict  # measure -> Cell
    ours: Source | None = None  # the paper's own data and size
    reduced: tuple[Source, ...] = ()  # the same at another size or on other data; the first at hand is shown
    note: str = ""


@dataclass(frozen=True)
class Claim:
    """A comparison that the paper makes: the cell `more` ("row.measure") is above the cell `less`."""

    says: str
    more: str
    less: str


@dataclass(frozen=True)
class View:
    """Where the explorer shows it live: a page and what is selected there."""

    page: str
    says: str
    query: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    id: str
    paper: str
    kind: str
    label: str  # "Table 5"
    section: str
    title: str
    caption: str
    test: str = ""  # the paper's data
    seeds: int = 1  # runs behind a figure of the paper
    cost: str = ""  # of the paper's own size, in words
    needs: tuple[str, ...] = ()  # commands that come first
    note: str = ""
    measures: dict = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    claims: tuple[Claim, ...] = ()
    views: tuple[View, ...] = ()

    def __post_init__(self):
        require(self.paper in PAPERS and self.kind in KINDS, f"paper is one of {', '.join(PAPERS)}, kind is one of {', '.join(KINDS)}.")
        require(self.id == f"{self.paper}-{slug(self.label)}", f"the file of {self.label} is named {self.paper}-{slug(self.label)}.toml.")
        ids = [row.id for row in self.rows]
        require(len(set(ids)) == len(ids), "two rows have the same id.")
        known = {f"{row.id}.{name}" for row in self.rows for name in row.cells}
        for claim in self.claims:
            require({claim.more, claim.less} <= known, f"the claim {claim.says!r} names a cell that does not exist.")

    @property
    def sources(self) -> list[Source]:
        return [source for row in self.rows for source in (row.ours, *row.reduced) if source]


def slug(label: str) -> str:
    """'Suppl. Figure 3' as 'suppl-figure-3', 'Table I' as 'table-1'."""
    return re.sub(r"[^a-z0-9]+", "-", label.replace("Table I", "Table 1").lower()).strip("-")


@cache
def entries() -> dict[str, Entry]:
    """id -> entry, in the papers' order. Raises InvalidValue for a file that is wrong."""
    found = [read(path) for path in FOLDER.glob("*.toml")]
    return {entry.id: entry for entry in sorted(found, key=place)}


def place(entry: Entry) -> tuple:
    """NetSpace before NeRN, the supplement last, figures before tables before claims, by number."""
    return list(PAPERS).index(entry.paper), "suppl" in entry.id, KINDS.index(entry.kind), int(entry.id.rsplit("-", 1)[1])


def entry(id_: str) -> Entry:
    """The entry of that id. Raises UnknownId."""
    if id_ not in entries():
        raise UnknownId(f"There is no entry {str(id_)[:100]!r}.{closest(str(id_), entries())}")
    return entries()[id_]


def read(path: Path) -> Entry:
    """One file. Raises InvalidValue."""
    try:
        return parse(path.stem, tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError, AttributeError, InvalidValue) as error:
        raise InvalidValue(f"{path.name} cannot be used: {error} See engine/papers/entries.py for what an entry holds.") from error


def parse(id_: str, raw: dict) -> Entry:
    """The entry that a file's tables mean. Raises InvalidValue."""
    measures = {name: make(Measure, table) for name, table in raw.pop("measures", {}).items()}
    rows = tuple(row(table, measures) for table in raw.pop("rows", []))
    parts = {name: tuple(make(kind, table) for table in raw.pop(name, [])) for name, kind in (("claims", Claim), ("views", View))}
    raw["needs"] = tuple(raw.get("needs", ()))
    raw["caption"] = " ".join(raw.get("caption", "").split())
    return make(Entry, {"id": id_, **raw, "measures": measures, "rows": rows, **parts})


def row(raw: dict, measures: dict) -> Row:
    """A row; what is named as a measure is its cell."""
    cells = {name: cell(raw.pop(name)) for name in measures if name in raw}
    require(bool(cells), f"the row {raw.get('name')!r} has none of the measures.")
    ours = make(Source, raw.pop("ours")) if "ours" in raw else None
    return make(Row, {"cells": cells, "ours": ours, "reduced": tuple(make(Source, each) for each in raw.pop("reduced", [])), **raw})


def cell(raw) -> Cell:
    """87.95, [87.95, 0.37] or {says = "almost linear", at_least = 0.95}."""
    if isinstance(raw, dict):
        return make(Cell, raw)
    numbers = raw if isinstance(raw, list) else [raw]
    require(
        1 <= len(numbers) <= 2 and all(type(number) in (int, float) for number in numbers),
        f"a cell is a number, [number, spread] or a table; got {raw!r}.",
    )
    return Cell(float(numbers[0]), float(numbers[1]) if len(numbers) == 2 else None)


def make(kind: type, table: dict):
    """A dataclass of a file's table. Raises InvalidValue for a key that it does not know."""
    if unknown := table.keys() - {each.name for each in fields(kind)}:
        raise InvalidValue(f"{kind.__name__} does not know {', '.join(sorted(unknown))}.")
    return kind(**table)
