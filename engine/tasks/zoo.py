"""A zoo in memory, and what each task says of its zoos: how they are trained and measured.

Legend: N instances, P parameters (of the largest architecture, where there are several).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..archs import Architecture, architecture
from ..core.errors import InvalidValue
from ..core.seeds import generator
from ..datasets.preprocessing import Preprocessing
from ..learn.trainee import Trainee
from ..nets.stacked import flatten
from .config import ImportedZooConfig

if TYPE_CHECKING:
    import pandas as pd

STATED = "stated_test_accuracy"  # of an imported zoo's table: what its owner says of an instance, 0 to 1
LANES = 2  # parts of a stack that a CPU trains side by side, a core each; fixed, so that any number of cores gives the same bits


@dataclass(frozen=True)
class Zoo:
    """Trained instances of one architecture or of several: `table` has a row per instance (id, split, architecture, ...; with several
    `class_id`), in the order of the tensors; parameters are zero behind an architecture's own."""

    id: str
    archs: tuple[Architecture, ...]  # by ClassId: by rising number of parameters
    dataset: str
    parameters_NP: Tensor
    table: pd.DataFrame
    preprocessing: Preprocessing | None = None  # of the images that they were trained on; None: that of the data set's own
    teacher: Architecture | None = None  # the architecture of what teaches a space of several, and its parameters
    teacher_P: Tensor = field(default_factory=lambda: torch.empty(0))
    pixels: int = 0  # a side, at which networks that are pictures are sampled; 0: at those of their data set

    @property
    def arch(self) -> Architecture:
        """The largest architecture: the only one, where there is one."""
        return self.archs[-1]

    @property
    def parameters_NZ(self) -> Tensor:
        """The parameters, where the architectures' own sizes are told apart."""
        return self.parameters_NP

    @property
    def class_ids_N(self) -> np.ndarray:
        """The ClassId of each instance."""
        return class_ids(self.table, len(self.archs))

    def arch_of(self, row: int) -> Architecture:
        """The architecture of an instance."""
        if len(self.archs) == 1:
            return self.archs[0]
        return self.archs[int(self.class_ids_N[row])]

    def parts(self) -> list[Tensor]:
        """The parameters [N, P] of each architecture's instances, by ClassId, in their order."""
        if len(self.archs) == 1:
            return [self.parameters_NP]
        class_id_N = torch.tensor(self.class_ids_N, device=self.parameters_NP.device)
        return [self.parameters_NP[class_id_N == id_, : arch.parameters] for id_, arch in enumerate(self.archs)]

    def rows(self, split: str, class_id: int | None = None) -> list[int]:
        """Row numbers of a split's instances, of all architectures or of one."""
        of_class_N = np.full(len(self.table), True) if class_id is None else self.class_ids_N == class_id
        return np.flatnonzero((self.table["split"] == split).to_numpy() & of_class_N).tolist()


def class_ids(table: pd.DataFrame, architectures: int) -> np.ndarray:
    """The ClassId of each row of a table that holds instances of so many architectures: int [N]; of one there is no column of them."""
    return np.zeros(len(table), int) if architectures == 1 else table["class_id"].to_numpy()


@dataclass(frozen=True)
class Grown:
    """What a zoo's training gave: the zoo itself (whose id is for the caller to give), its metrics and the name of its data."""

    zoo: Zoo
    metrics: dict
    data: str


class Zoos:
    """What a task says of its zoos; one object a task, `ZOOS` of its `zoo.py`. `config` is one of the task's configs of zoos, `data`
    what the instances are trained and measured on: the images of a data set, or shapes."""

    holds: str = ""  # what its instances are: "classifiers"
    imported: type[ImportedZooConfig] | None = None  # the config of zoos that others trained; None where those are not taken in

    asks: tuple[str, ...] = ()  # fields of an import that only some tasks ask for, and their config of imported zoos has

    def archs(self, config) -> tuple[Architecture, ...]:
        """The architectures, by ClassId."""
        return (architecture(config.architecture),)

    def teacher(self, config) -> Architecture | None:
        """The architecture of the teacher, where there is one."""
        return None

    def pixels(self, config) -> int:
        """Pixels a side at which networks are sampled that are pictures which are not here; else 0."""
        return 0

    def check_import(self, dataset: str, omega: tuple[float, ...], levels: tuple[float, ...]) -> None:
        """What else of an import can be refused before anything is read. Raises InvalidValue."""
        if len(omega) > 2:
            raise InvalidValue("--omega is one frequency of sines, or that of the first layer and that of the others.")
        if levels and (len(levels) != 2 or levels[0] == levels[1]):
            raise InvalidValue("--levels is two different numbers: what a picture answers where it is black, and where it is white.")

    def check(self, config) -> None:
        """Everything that can be refused before the first step. Raises UnknownId, InvalidValue, DataMissing."""
        raise NotImplementedError

    def data(self, config, device: str, preprocessing: Preprocessing | None = None) -> Any:
        """What the instances are trained and measured on, as they see it. Raises DataMissing, InvalidValue."""
        raise NotImplementedError

    def stand_in(self, config, device: str) -> Any:
        """The same for what a step costs, on noise where it is not on this machine."""
        return self.data(config, device)

    def trainee(self, config, data, device: str):
        """What `learn.loop.run` trains."""
        raise NotImplementedError

    def grown(self, config, trainee) -> Grown:
        """What a trained `trainee` gives, in the form in which it is kept, measured on its data."""
        raise NotImplementedError

    def measure(self, config, zoo: Zoo, data) -> dict:
        """The metrics of a zoo, measured from its parameters."""
        raise NotImplementedError

    def looked_at(self, config: ImportedZooConfig, parameters_NP: Tensor, data) -> dict[str, Tensor]:
        """Columns [N] of some instances of an imported zoo: what is measured of them on `data` (None: nothing is at hand)."""
        return {}

    def imported_metrics(self, config: ImportedZooConfig, table: pd.DataFrame, data) -> dict:
        """The metrics of an imported zoo, from its table with the columns of `looked_at`."""
        return {}

    def beside_stated(self, config: ImportedZooConfig, parameters_NP: np.ndarray, table: pd.DataFrame, data) -> tuple[str, ...]:
        """Sentences on what is measured of an imported zoo beside what its owner states; none where nothing can be compared."""
        return ()

    def review(self, id_: str, table: pd.DataFrame) -> None:
        """Says what is wrong with a zoo that was written. Raises InvalidValue where nothing can be made of it."""

    def stacks(self, config) -> int:
        """How many parts of a zoo can be trained by themselves (`zoo_training.ZooTraining.place`), bit for bit."""
        return 1

    def untrained(self, archs: Sequence[Architecture], counts: Sequence[int], device: str) -> Tensor:
        """Parameters [N, P] of that many networks of each architecture that nobody trained: a step costs the same on them."""
        return padded([torch.stack([flatten(arch.build()) for _ in range(count)]).to(device) for arch, count in zip(archs, counts)])


class InTurn(Trainee):
    """Several trainings one after the other as one trainee; the state of part k has "k." before its names."""

    def __init__(self, parts: Sequence[Any]):
        self._parts = list(parts)
        self.total = sum(part.total for part in parts)

    @property
    def parts(self) -> list[Any]:
        return self._parts

    def step(self, index: int) -> dict[str, float]:
        for part in self.parts:
            if index < part.total:
                return part.step(index)
            index -= part.total
        raise AssertionError("a step after the last")

    def state(self) -> dict[str, Tensor]:
        return {f"{number}.{name}": tensor for number, part in enumerate(self.parts) for name, tensor in part.state().items()}


def zoos_of(task: str) -> Zoos:
    """What a task says of its zoos."""
    return import_module(f"{__package__}.{task}.zoo").ZOOS


def splits(config) -> list[str]:
    """Split of each instance, at random from the zoo's seed."""
    names = ["train"] * config.train + ["val"] * config.val + ["test"] * config.test
    order = torch.randperm(len(names), generator=generator(config.seed, 1)).tolist()
    return [names[place] for place in order]


def padded(parts_NP: Sequence[Tensor]) -> Tensor:
    """Parameters of several architectures as one [N, P], zeros behind; of one as they are, which may be mapped from a file."""
    if len(parts_NP) == 1:
        return parts_NP[0]
    longest = max(part.shape[1] for part in parts_NP)
    return torch.cat([F.pad(part, (0, longest - part.shape[1])) for part in parts_NP])


def title(archs: Sequence[Architecture], data: str) -> str:
    """'LeNetLike, ResNet on Digits'."""
    return f"{', '.join(arch.family for arch in archs)} on {data}"


def evenly(count: int, most: int) -> np.ndarray:
    """Row numbers of at most so many of `count` instances, int64: all, or some that lie evenly in their table."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(int)
