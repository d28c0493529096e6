"""What lies in somebody's zoo, before a weight of it is read. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.boundary import readable
from ..core.errors import InvalidValue
from ..core.fields import INSTANCES

if TYPE_CHECKING:
    import pandas as pd

FILE, SIZE, CHANGED, RUN, STEP, SPLIT = "file", "file_bytes", "file_changed", "run", "step", "split"
ROW = "file_row"  # of a member in the file that holds all
OWN = (FILE, SIZE, CHANGED, ROW, RUN, STEP, SPLIT)
STATED = "stated"  # the prefix of accuracies that the zoo's owner tells


@dataclass(frozen=True)
class Asked:
    """What a person says of a zoo beside its path: a table of properties, and the column of it that has the splits."""

    path: Path
    table: Path | None = None
    split: str = ""


@dataclass(frozen=True)
class Survey:
    """The members of a zoo in a fixed order: a row each.

    Columns of `table`: "file" (relative to the zoo's folder; "" where one file holds all), "file_bytes" and "file_changed" (its size
    and time, by which a file that changes meanwhile is noticed), where they are known "run", "step" and "split"; the rest are
    properties. `seen` says what was recognised, `notes` what a person should know.
    """

    seen: str
    table: pd.DataFrame
    notes: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()  # files that hold all members, relative to the zoo's folder
    left: tuple[tuple[str, str], ...] = field(default=())  # (member, why it is left out) before any weights are read


def stamp(path: Path) -> tuple[int, int]:
    """(size, time of the last change in nanoseconds) of a file. Raises OSError."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def check_count(count: int, where: str) -> None:
    """Raises InvalidValue where a zoo has no members, or more than one may have."""
    if not count:
        raise InvalidValue(f"There is no network in {readable(where)}. docs/zoos.md lists the known layouts.")
    if count > INSTANCES:
        raise InvalidValue(f"{readable(where)} has more than {INSTANCES:,} networks. Import a part of it.")
