"""What is measured of an imported zoo's networks, block by block; and who reads and measures it.

Legend: N instances, P parameters, K columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..archs import architecture
from ..core.errors import Stopped
from ..core.rows import open_rows
from ..datasets.preprocessing import Preprocessing, parse
from ..tasks.config import ImportedZooConfig
from ..tasks.zoo import Zoos, zoos_of
from .partial import Partial
from .reading import Work, on_cores

BLOCK = 256  # instances that are measured together


@dataclass(frozen=True)
class Measure:
    """The rows of a file, and on what they are measured. Plain, so that another machine on the same folders can measure some of them."""

    rows: str
    config: ImportedZooConfig
    normalise: str
    device: str

    @property
    def zoos(self) -> Zoos:
        return zoos_of(architecture(self.config.architecture).task)

    @property
    def preprocessing(self) -> Preprocessing | None:
        """What a person says of the networks' input."""
        channels = architecture(self.config.architecture).input_shape[0]
        return parse(self.normalise, channels) if self.normalise else None

    def data(self) -> Any:
        """What they are measured on; None where no data set is named. Raises DataMissing, InvalidValue."""
        return self.zoos.data(self.config, self.device, self.preprocessing) if self.config.dataset else None

    def parameters(self) -> np.ndarray:
        """[N, P], mapped."""
        return open_rows(Path(self.rows), architecture(self.config.architecture).parameters)

    def columns(self, first: int, last: int, data: Any) -> dict[str, np.ndarray]:
        """Name -> [n] of the instances [first, last)."""
        rows_NP = torch.from_numpy(np.array(self.parameters()[first:last])).to(self.device)
        return {name: values_N.cpu().numpy() for name, values_N in self.zoos.looked_at(self.config, rows_NP, data).items()}

    def block(self, first: int, data: Any) -> np.ndarray:
        """The columns [n, K] float32 of the block that begins at an instance."""
        return np.stack([*self.columns(first, first + BLOCK, data).values()], 1).astype("<f4")


class Crew:
    """Who reads and measures: the cores of this machine."""

    def read(self, work: Work, on_members: Callable[[int], None], stop: Callable[[], bool]) -> tuple[str, ...]:
        """Reads some parts; what is to be told. Raises InvalidValue, StorageError, Stopped."""
        return on_cores(work, on_members, stop)

    def blocks(self, measure: Measure, data: Any, firsts: Sequence[int], stop: Callable[[], bool]) -> Iterator[np.ndarray]:
        """The columns [n, K] of each block, in order. Raises Stopped."""
        for first in firsts:
            if stop():
                raise Stopped("The import was stopped.")
            yield measure.block(first, data)


def measured(
    partial: Partial, crew: Crew, measure: Measure, data: Any, on_step: Callable[[int, dict[str, float]], None], stop: Callable[[], bool]
) -> dict[str, np.ndarray]:
    """What the task measures of each instance, name -> [N]; what was measured before a kill is not measured again. Raises Stopped."""
    count = len(measure.parameters())
    if data is None:
        return {name: np.full(count, value_1[0]) for name, value_1 in measure.columns(0, 1, None).items()}
    names = list(measure.columns(0, 1, data))
    with open(partial.measured, "a+b") as file:
        done = file.tell() // (4 * len(names)) // BLOCK * BLOCK
        file.truncate(done * 4 * len(names))
        firsts = range(done, count, BLOCK)
        for first, columns_NK in zip(firsts, crew.blocks(measure, data, firsts, stop)):
            file.write(columns_NK.tobytes())
            file.flush()
            on_step(min(first + BLOCK, count), {})
    found_NK = np.fromfile(partial.measured, "<f4").reshape(-1, len(names))
    return {name: found_NK[:, at] for at, name in enumerate(names)}
