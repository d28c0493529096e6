"""From what a layout found to a survey: properties joined and cleaned, splits and runs named as they are here."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pandas as pd

from ..core.boundary import readable
from ..core.errors import InvalidValue, closest
from .members import CHANGED, FILE, ROW, RUN, SIZE, SPLIT, STEP, Asked, Survey, check_count, stamp
from .tables import SUFFIXES, clean, joined, read_table

SPLITS = {
    "train": ("train", "training", "trainset"),
    "val": ("val", "valid", "validation", "dev", "valset"),
    "test": ("test", "testing", "held-out", "heldout", "holdout", "testset"),
}
WORDS = {word: split for split, words in SPLITS.items() for word in words}
RUNS = ("run", "run_id", "modeldir", "model_dir", "trial", "trial_id")
STEPS = ("step", "epoch", "iteration", "training_iteration", "global_step")
NUMBERED = re.compile(r"(?P<run>.*?)[-_./]?(?:epoch|step|steps|iter|iteration|checkpoint|ckpt|ep|e)[-_=]?(?P<step>\d{1,12})", re.I)
NO_SPLIT, NO_NAME = "Its split is not given.", "Its name is not UTF-8. Rename it."


def finish(
    asked: Asked, seen: str, members: pd.DataFrame, properties: pd.DataFrame, notes: list[str] | None = None,
    whole: tuple[str, ...] = (), table: Path | None = None,
) -> Survey:  # fmt: skip
    """The survey of members (their "file", "run", ... columns) and their own `properties`, row by row. `table`: one that the layout found,
    used where none is named. Raises InvalidValue."""
    notes, table = list(notes or []), asked.table or table
    check_count(len(members), asked.path.name)
    members, properties = members.reset_index(drop=True), properties.reset_index(drop=True)
    if table is not None:
        found = read_table(table)
        if whole and len(found) == len(members):
            told = [f"Properties are those of {readable(table.name)}, row by row."]
        else:
            found, told = joined(members, found, readable(table.name))
        notes += told
        properties = pd.concat([properties[[name for name in properties if name not in found]], found], axis=1)
    column = asked.split or ("split" if SPLIT not in members and "split" in properties else "")
    if column and column not in properties:
        raise InvalidValue(f"There is no column {column[:60]!r} to take the splits from.{closest(column, map(str, properties.columns))}")
    if column:
        members = members.assign(**{SPLIT: properties[column]})
        notes.append(f"Splits are those of the column {column[:60]!r}.")
    properties = properties.drop(columns=[name for name in ("split", column) if name in properties])
    members, properties = with_course(members, properties)
    cleaned, told = clean(properties)
    notes += told
    kept, left = with_splits(members)
    for member, name in enumerate(members[FILE]):
        if name != readable(name):
            kept[member] = False
            left.append((readable(name), NO_NAME))
    whole_table = pd.concat([members, cleaned[[name for name in cleaned if name not in members]]], axis=1)
    return Survey(seen, whole_table.loc[kept].reset_index(drop=True), tuple(notes), whole, tuple(left))


def with_splits(members: pd.DataFrame) -> tuple[list[bool], list[tuple[str, str]]]:
    """Which members stay, and the others with why not; the words of the column "split" become train, val and test. Raises InvalidValue."""
    if SPLIT not in members:
        return [True] * len(members), []
    said = [None if pd.isna(value) else str(value).strip() for value in members[SPLIT]]
    unknown = Counter(value for value in said if value is not None and value.lower() not in WORDS)
    if unknown:
        value, count = unknown.most_common(1)[0]
        raise InvalidValue(f"{readable(value)[:60]!r} ({count:,} networks) is not a split (train, val, test). Choose another --split.")
    members[SPLIT] = [None if value is None else WORDS[value.lower()] for value in said]
    names = members[FILE] if any(members[FILE]) else members[ROW].map(lambda row: f"row {row}")
    return [value is not None for value in said], [(readable(name), NO_SPLIT) for name, value in zip(names, said) if value is None]


def with_course(members: pd.DataFrame, properties: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Members with their run and step, from the columns of properties that are called so, where the layout does not say."""
    if RUN not in members and (run := next((name for name in RUNS if name in properties), None)):
        members = members.assign(**{RUN: properties[run].astype(str)})
        if STEP not in members and (step := next((name for name in STEPS if name in properties), None)):
            steps = pd.to_numeric(properties[step], errors="coerce")
            members = members.assign(**{STEP: steps})
    return members, properties.drop(columns=[name for name in (RUN, STEP) if name in properties and name in members])


def course_of(files: list[str]) -> tuple[list[str], list[int]] | None:
    """(run, step) of each file, where their names say so ("seed3/epoch_10.pt", "net-step200.pt") and some run has several; else None."""
    stems = [re.sub(r"\.[a-zA-Z]\w*$", "", name) for name in files]
    found = [NUMBERED.fullmatch(stem) for stem in stems]
    if not all(found):
        return None
    runs = [match["run"].rstrip("-_./") for match in found if match]
    if len(set(runs)) in (1, len(runs)):  # all of one run: those are networks that are numbered
        return None
    return runs, [int(match["step"]) for match in found if match]


def stamped(root: Path, files: list[str]) -> pd.DataFrame:
    """The columns "file", "file_bytes" and "file_changed"; of a file that is gone by now no size fits."""
    stamps = []
    for name in files:
        try:
            stamps.append(stamp(root / name))
        except OSError:
            stamps.append((-1, -1))
    sizes, times = (pd.Series(values, dtype="int64") for values in ([size for size, _ in stamps], [at for _, at in stamps]))
    return pd.DataFrame({FILE: files, SIZE: sizes, CHANGED: times})


def tables_in(folder: Path, but: tuple[str, ...] = ()) -> list[Path]:
    """Tables that lie in a folder itself."""
    found = (path for path in sorted(folder.iterdir()) if path.name.lower().endswith(SUFFIXES) and path.is_file())
    return [path for path in found if path.name not in but and not path.name.startswith(".")]


def one_table(asked: Asked, folder: Path, notes: list[str], but: tuple[str, ...] = ()) -> Path | None:
    """The table of a folder, where none is named and one lies there; of several it is said that they do."""
    found = [] if asked.table else tables_in(folder, but)
    if len(found) > 1:
        notes.append(f"{', '.join(readable(path.name) for path in found[:5])} may be tables of properties: name one with --table.")
    return found[0] if len(found) == 1 else None
