"""A zoo of several architectures with its teacher: the zoos of the parts, one after the other.

Legend: N instances, P parameters of an architecture, Z those of the largest, B images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..archs import Architecture, architecture
from ..datasets import Images
from ..datasets.preprocessing import Preprocessing
from ..errors import InvalidValue
from ..stacked import accuracies
from ..zoo import ZooTraining, measure
from .config import MultiZooConfig


TEACHER = "teacher"  # its tensor's name beside those of the architectures


@dataclass(frozen=True)
class MultiZoo:
    """`table` has a row per instance (as a zoo's, with `class_id`); parameters [N, Z] are zero behind an architecture's own."""

    id: str
    archs: tuple[Architecture, ...]  # by ClassId
    dataset: str
    parameters_NZ: Tensor
    table: object
    teacher: Architecture
    teacher_P: Tensor
    preprocessing: Preprocessing | None = None  # see engine.zoo.Zoo

    def rows(self, split: str, class_id: int | None = None) -> list[int]:
        """Row numbers of a split's instances, of all architectures or of one."""
        wanted = zip(self.table["split"], self.table["class_id"])
        return [row for row, (name, id_) in enumerate(wanted) if name == split and class_id in (None, id_)]


def check_order(archs: tuple[Architecture, ...]) -> None:
    """ClassIds rise with the number of parameters (paper, III). Raises InvalidValue."""
    counts = [arch.parameters for arch in archs]
    if counts != sorted(set(counts)):
        raise InvalidValue(f"Architectures are named by rising number of parameters; got {', '.join(f'{arch.id} ({arch.parameters})' for arch in archs)}.")


class MultiZooTraining:
    """The zoos of all architectures and of the teacher as one trainee."""

    def __init__(self, config: MultiZooConfig, images: Images):
        self.config, self.images = config, images
        self.archs = tuple(architecture(id_) for id_ in config.architectures)
        check_order(self.archs)
        self.parts = [ZooTraining(part, images) for part in config.parts()]
        self.total = sum(part.total for part in self.parts)

    def step(self, index: int) -> dict[str, float]:
        for part in self.parts:
            if index < part.total:
                return part.step(index)
            index -= part.total
        raise AssertionError("a step after the last")

    def state(self) -> dict[str, Tensor]:
        return {f"{number}.{name}": tensor for number, part in enumerate(self.parts) for name, tensor in part.state().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self.state().items():
            tensor.copy_(state[name])

    def zoo(self, id_: str) -> MultiZoo:
        """The zoo as it is kept. The teacher is the one of its instances that is best on the validation images."""
        import pandas as pd

        *zoos_NP, teachers_NP = [part.instances() for part in self.parts]
        configs = self.config.parts()
        tables = [measure(config, parameters_NP, self.images).assign(class_id=id_) for id_, (config, parameters_NP) in enumerate(zip(configs, zoos_NP))]
        teacher = architecture(self.config.teacher)
        val = accuracies(teachers_NP, self.images.images["val"], self.images.labels["val"], teacher)
        table = pd.concat(tables, ignore_index=True)
        return MultiZoo(id_, self.archs, self.config.dataset, padded(zoos_NP), table, teacher, teachers_NP[val.argmax()])


def padded(parts_NP: list[Tensor]) -> Tensor:
    """Parameters of several architectures as one [N, Z], zeros behind."""
    longest = max(part.shape[1] for part in parts_NP)
    return torch.cat([F.pad(part, (0, longest - part.shape[1])) for part in parts_NP])
