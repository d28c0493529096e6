"""The entries beside what is at hand: ours from the manifests of a store and from the tables of a sweep, read when they are looked at."""

from __future__ import annotations

import csv
import math
import statistics
from dataclasses import MISSING, asdict, dataclass, fields, replace
from functools import cache

from .. import presets
from ..core.artifacts import Manifest, Store
from .counted import counted
from .entries import UNITS, Cell, Claim, Entry, Measure, Row, Source
from .records import records
from .subjects import configured, subject

STATES = {  # of an entry, derived
    "reproduced": "Reproduced",
    "differs": "Run, differs",
    "partly": "Partly run",
    "reduced": "At reduced size",
    "unlike": "Reduced, differs",
    "missing": "Not yet run",
    "drawing": "A drawing",
}
VERDICTS = {
    "within": "as in the paper",
    "outside": "differs",
    "run": "run",
    "reduced": "at reduced size",
    "missing": "not yet run",
}  # of a line
HOLDS = {
    "holds": "holds",
    "spread": "within the spread",
    "fails": "does not hold",
    "alike": "one run for both",
    "apart": "on other data each",
    "missing": "not yet run",
}  # of a claim
TABLE_COLUMNS = (
    "variant",
    "preset",
    "metric",
    "mean",
    "spread",
    "n",
    "seeds",
    "split",
    "device",
    "seconds",
)  # of a sweep's CSV; the others are changed fields


@dataclass(frozen=True)
class Ours:
    """What was measured here: mean and spread over the seeds (of one run: the spread that its manifest says)."""

    value: float | None  # in the measure's unit; None for a picture
    spread: float | None
    seeds: int
    n: int | None
    split: str
    metric: str  # what of them
    ids: tuple[str, ...]  # artifacts, or the table's file
    preset: str
    what: str  # title of the artifact, which names its data; of a table's row, the experiment
    device: str
    seconds: float | None  # of the clock
    reduced: bool  # not the paper's own data and size
    cpu_seconds: float | None = None  # of processor time, as far as runs have told it
    comparable: bool = True  # of the paper's architecture and data: a difference means something
    data: str = ""  # name of the data set
    recorded: int = 0  # of the runs, those whose tensors are not here, only what they said of themselves


@dataclass(frozen=True)
class Line:
    """One figure of the paper and ours."""

    row: Row
    name: str  # of the measure
    measure: Measure
    cell: Cell
    ours: Ours | None

    @property
    def key(self) -> str:
        return f"{self.row.id}.{self.name}"

    @property
    def difference(self) -> float | None:
        """Ours minus the paper's, where both are numbers, of the same architecture and data."""
        if self.ours is None or self.ours.value is None or self.cell.paper is None or not self.ours.comparable:
            return None
        return self.ours.value - self.cell.paper

    @property
    def margin(self) -> float:
        """How far ours may be from the paper's figure and be called the same."""
        return max(self.measure.tolerance, 2 * (self.cell.spread or 0))

    @property
    def verdict(self) -> str:
        if self.ours is None or self.ours.reduced:
            return "missing" if self.ours is None else "reduced"
        if self.difference is not None:
            return "within" if abs(self.difference) <= self.margin + 1e-9 else "outside"
        return self.bounded or "run"

    @property
    def bounded(self) -> str:
        """Whether ours is "within" or "outside" the bounds in which we read the paper's words; "" where there are none."""
        if self.ours is None or self.ours.value is None or (self.cell.at_least, self.cell.at_most) == (None, None):
            return ""
        low, high = self.cell.at_least, self.cell.at_most
        good = (low is None or self.ours.value >= low) and (high is None or self.ours.value <= high)
        return "within" if good else "outside"


@dataclass(frozen=True)
class Resolved:
    """An entry with ours."""

    entry: Entry
    lines: tuple[Line, ...]

    @property
    def judged(self) -> list[Line]:
        """The lines that make the state: what is trained, or all where nothing is."""
        return [line for line in self.lines if not line.measure.counted] or list(self.lines)

    @property
    def state(self) -> str:
        own = [line for line in self.judged if line.ours and not line.ours.reduced]
        if not self.judged:
            return "drawing"
        if any(line.verdict == "outside" for line in own) or any(
            verdict == "fails" and self.at_own_size(claim) for claim, verdict in self.claims()
        ):
            return "differs"
        if any(verdict == "fails" for _, verdict in self.claims()):
            return "unlike"
        if own:
            return "reproduced" if len(own) == len(self.judged) else "partly"
        return "reduced" if any(line.ours for line in self.judged) else "missing"

    @property
    def run(self) -> int:
        """How many of the judged lines were run at the paper's own size."""
        return sum(1 for line in self.judged if line.ours and not line.ours.reduced)

    def at_own_size(self, claim: Claim) -> bool:
        """Whether both sides of a claim that was looked at were run at the paper's own size (`holds` compares no others)."""
        return all(line.ours and not line.ours.reduced for line in self.lines if line.key in (claim.more, claim.less))

    def claims(self) -> list[tuple[Claim, str]]:
        """Each claim and one of HOLDS."""
        lines = {line.key: line for line in self.lines}
        return [(claim, holds(lines[claim.more], lines[claim.less])) for claim in self.entry.claims]


def holds(more: Line, less: Line) -> str:
    """Whether ours tell two lines apart as the paper's do."""
    one, other = more.ours, less.ours
    if one is None or other is None or one.value is None or other.value is None or one.reduced != other.reduced:
        return "missing"
    if one.data != other.data:
        return "apart"
    if one.ids and (one.ids, one.what, one.metric) == (other.ids, other.what, other.metric):
        return "alike"
    apart = one.value - other.value
    spread = math.hypot(one.spread or 0, other.spread or 0)
    return "holds" if apart > spread else "spread" if abs(apart) <= spread and spread > 0 else "fails"


@dataclass(frozen=True)
class Shelf:
    """What a store holds, read once: manifests, and the rows of all tables of sweeps."""

    manifests: tuple[Manifest, ...]
    tables: tuple[tuple[str, dict], ...]  # (file, row)
    broken: tuple[str, ...]  # what could not be read, and why
    records: frozenset[str] = frozenset()  # ids of those manifests whose tensors are not here

    @property
    def titles(self) -> dict[str, str]:
        return {manifest.id: manifest.title for manifest in self.manifests}


def shelf(store: Store) -> Shelf:
    """Tables lie in `tables` beside the gallery and in the workspace."""
    rows, broken = [], []
    for folder in (store.gallery.parent / "tables", store.workspace / "tables"):
        for path in sorted(folder.glob("*.csv")):
            try:
                found = list(csv.DictReader(path.read_text("utf-8").splitlines()))
                rows += [(path.name, numbered(row)) for row in found]
            except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
                why = f"{type(error).__name__}: {error}"
                broken.append(f"{path.name} is not a table of a sweep ({why}). `python -m engine sweep` writes one.")
    made = store.manifests()
    here = {manifest.id for manifest in made}
    kept = [manifest for manifest in records(store).manifests() if manifest.id not in here]
    broken += records(store).broken().values()
    return Shelf((*made, *kept), tuple(rows), tuple(broken), frozenset(manifest.id for manifest in kept))


def numbered(row: dict) -> dict:
    """A table's row with its figures as numbers. Raises KeyError, TypeError, ValueError."""
    return {
        **row,
        "mean": float(row["mean"]),
        "spread": float(row["spread"]) if row["spread"] else None,
        "n": int(float(row["n"])),
        "seconds": float(row.get("seconds") or "nan"),
    }


def resolve(store: Store, entries: list[Entry]) -> list[Resolved]:
    """All entries with what is at hand for them."""
    found = shelf(store)
    return [resolved(found, entry) for entry in entries]


def resolved(shelf: Shelf, entry: Entry) -> Resolved:
    lines = [
        Line(row, name, entry.measures[name], cell, ours_for(shelf, row, name, entry.measures[name]))
        for row in entry.rows
        for name, cell in row.cells.items()
    ]
    return Resolved(entry, tuple(lines))


def ours_for(shelf: Shelf, row: Row, name: str, measure: Measure) -> Ours | None:
    """Ours for a row's measure: at the paper's size if that is at hand, else the first reduced one."""
    for source, reduced in ((row.ours, False), *((each, True) for each in row.reduced)):
        if source and (ours := look(shelf, source, source.metrics.get(name, measure.metric), measure, reduced)):
            return replace(
                ours, comparable=not reduced or row.ours is not None and subject(row.ours) == subject(source), data=subject(source)[1]
            )
    return None


def look(shelf: Shelf, source: Source, metric: str, measure: Measure, reduced: bool) -> Ours | None:
    """What one source gives: counted, or of its artifacts or tables those over more seeds."""
    scale = UNITS[measure.unit]
    if measure.counted:
        value = counted(source).get(metric)
        return (
            None
            if value is None
            else Ours(
                scale * value, None, 0, None, "counted, nothing is trained", metric, (), source.preset, str(source), "", None, reduced
            )
        )
    made = [manifest for manifest in shelf.manifests if is_of(manifest, source)]
    if not metric:
        return of_runs(
            [manifest for manifest in made if manifest.id not in shelf.records][:1], None, 1.0, reduced
        )  # a picture needs the weights
    made = [manifest for manifest in made if number(manifest.metrics.get(metric)) is not None]
    ours = of_runs(made, metric, scale, reduced)
    rows = [(file, row) for file, row in shelf.tables if row["metric"] == metric and is_row_of(row, source)]
    best = max(rows, key=lambda each: each[1]["n"], default=None)
    if best and best[1]["n"] > len(made):
        return of_table(*best, str(source), scale, reduced)
    return ours and replace(ours, recorded=sum(id_ in shelf.records for id_ in ours.ids))


def is_of(manifest: Manifest, source: Source) -> bool:
    """Whether an artifact is of that very experiment, whatever its seed."""
    if not source.preset or manifest.preset != source.preset:
        return False
    wanted = wanted_fields(
        source.preset, tuple(sorted((name, tuple(value) if isinstance(value, list) else value) for name, value in source.set.items()))
    )
    return all(manifest.config.get(name, defaults_of(source.preset).get(name)) == value for name, value in wanted.items())


@cache
def defaults_of(preset: str) -> dict:
    """What the fields of a preset's config are where nobody sets them: what a manifest means that is older than a field."""
    return {each.name: listed(each.default) for each in fields(presets.config(preset)) if each.default is not MISSING}


@cache
def wanted_fields(preset: str, changes: tuple) -> dict:
    """Fields as a manifest stores them, without the seed."""
    config = asdict(configured(Source(preset, set=dict(changes))))
    return {name: listed(value) for name, value in config.items() if name != "seed"}


def listed(value):
    """As a manifest stores it."""
    return list(value) if isinstance(value, tuple) else value


def is_row_of(row: dict, source: Source) -> bool:
    """Whether a table's row is of that very experiment: the fields that it says were changed are the source's."""
    said = {name: value for name, value in row.items() if name and name not in TABLE_COLUMNS and value not in (None, "")}
    wanted = {name: value for name, value in source.set.items() if value != ""}
    return row["preset"] == source.preset and said.keys() == wanted.keys() and all(same(text, wanted[name]) for name, text in said.items())


def same(text: str, value) -> bool:
    """Whether a table's text is that value."""
    try:
        return float(text) == float(value)
    except (TypeError, ValueError):
        return text == str(value)


def number(metric) -> float | None:
    """A metric's value if it is a finite number."""
    value = metric.get("value") if isinstance(metric, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) else None


def of_runs(made: list[Manifest], metric: str | None, scale: float, reduced: bool) -> Ours | None:
    """Mean and spread over artifacts that differ in their seed, each with a number for the metric."""
    if not made:
        return None
    first = made[0]
    entry = first.metrics[metric] if metric else {}
    figures = [number(manifest.metrics[metric]) for manifest in made] if metric else []
    values = [scale * figure for figure in figures if figure is not None]
    spread = statistics.stdev(values) if len(values) > 1 else number({"value": entry.get("spread")})
    devices = dict.fromkeys(str(manifest.provenance.get("device", "")) for manifest in made)
    return Ours(
        value=statistics.mean(values) if values else None,
        spread=spread if len(values) > 1 or spread is None else scale * spread,
        seeds=len(made),
        n=entry.get("n"),
        split=str(entry.get("split", "")),
        metric=metric or "",
        ids=tuple(manifest.id for manifest in made),
        preset=first.preset,
        what=first.title,
        device=", ".join(filter(None, devices)),
        seconds=taken(made, "seconds"),
        reduced=reduced,
        cpu_seconds=taken(made, "cpu_seconds"),
    )


def taken(made: list[Manifest], name: str) -> float | None:
    """Mean of `seconds` or `cpu_seconds` over the runs that tell it: of a whole run, what it was made from included, where its
    metrics say so."""
    told = (number(each.metrics.get(name)) if "seconds" in each.metrics else number({"value": each.provenance.get(name)}) for each in made)
    return statistics.mean(known) if (known := [seconds for seconds in told if seconds]) else None


def of_table(file: str, row: dict, what: str, scale: float, reduced: bool) -> Ours:
    """A row of a sweep's table."""
    spread = None if row["spread"] is None else scale * row["spread"]
    seconds = row["seconds"] if math.isfinite(row["seconds"]) else None
    return Ours(
        scale * row["mean"],
        spread,
        row["n"],
        None,
        row.get("split") or "",
        row["metric"],
        (file,),
        row["preset"],
        what,
        row.get("device") or "",
        seconds,
        reduced,
    )
