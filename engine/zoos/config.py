"""What a person asks of an import, as a form, a job and the command line have it. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..core.boundary import readable
from ..core.errors import InvalidValue
from ..core.fields import LAST_SEED, SEED
from ..core.slugs import slug
from ..core.told import check, told
from ..plan import changes
from .members import Asked

MEASURED = 1000  # images of a split


@dataclass(frozen=True)
class ImportConfig:
    """Networks that others trained, to become a zoo. docs/zoos.md lists the layouts that are recognised."""

    path: str = told("Folder or file", "Its path on the server's machine.", "")
    architecture: str = told("Architecture", "The id of its networks' architecture (`architecture add` adds your own).", "")
    dataset: str = told("Data set", "Images to measure accuracies on; none where it is left out.", "")
    table: str = told("Table", "File with properties, joined by file name: .csv, .tsv, .json, .jsonl or .parquet.", "")
    split: str = told("Split column", "Column with the splits (left out: 'split'; if there is none, they are drawn by run).", "")
    normalise: str = told("Normalisation", "How the networks' input is normalised, mean=M,std=S; left out: as the data set's own.", "")
    omega: tuple[float, ...] = told(
        "Frequency of the sines", "Of SIRENs: one, or that of the first layer and that of the others; left out: 30.", (), above=0, high=1000
    )
    pixels: int = told("Pixels a side", "Of SIRENs that are pictures: where they are sampled.", 28, unit="pixels", low=4, high=64)
    levels: tuple[float, ...] = told(
        "Black and white", "Of SIRENs that are pictures: two numbers, what they answer there; left out: 0 and 1.", (), low=-1e6, high=1e6
    )
    measured: int = told("Measured on", "Images per split that accuracies are measured on; 0 for all.", MEASURED, unit="images", low=0)
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)

    @property
    def asked(self) -> Asked:
        return Asked(Path(self.path), Path(self.table) if self.table else None, self.split)

    @property
    def own_name(self) -> str:
        """The id of the zoo, where nobody names it."""
        return f"zoo-{slug(Path(self.path).resolve().name.split('.')[0]) or 'imported'}"

    def arguments(self, id_: str) -> list[str]:
        """Of the command that does it: `zoo import ...`."""
        words = changes(replace(self, path=""), ImportConfig())
        return [readable(self.path), *map(readable, words), "--id", id_]

    def check_named(self) -> None:
        """Raises InvalidValue where something is not said that has to be."""
        if not self.path.strip():
            raise InvalidValue("Name the zoo's folder, or the file that holds it.")
        if "\0" in self.path or "\0" in self.table:
            raise InvalidValue("A path holds no null character.")
        if not self.asked.path.exists():
            raise InvalidValue(f"There is no file or folder {self.path[-200:]!r}. Name a zoo's folder, or the file that holds it.")
