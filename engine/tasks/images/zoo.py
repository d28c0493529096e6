"""Zoos of classifiers, of one architecture or of several with a teacher: how accurate their instances are.

Legend: N instances, P parameters, B images.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ... import datasets
from ...archs import Architecture, architecture
from ...core.errors import InvalidValue
from ...core.metrics import mean, single
from ...datasets import Images
from ...datasets.noise import at_hand_or_noise
from ...datasets.preprocessing import Preprocessing
from ...nets.answers import accuracies
from ...nets.measuring import STATED_GAP, likely
from ..config import ImportedZooConfig
from ..zoo import STATED, Grown, InTurn, Zoo, Zoos, padded, splits
from .config import ImportedClassifiersConfig, MultiZooConfig, ZooConfig
from .zoo_training import ZooTraining, lengths

TRIED_ON = 8  # instances that other normalisations are tried on


class ImageZoos(Zoos):
    """Classifiers of the images of a data set."""

    holds = "classifiers"
    imported = ImportedClassifiersConfig

    def archs(self, config: ZooConfig | MultiZooConfig | ImportedZooConfig) -> tuple[Architecture, ...]:
        return tuple(map(architecture, config.arch_ids))

    def teacher(self, config: ZooConfig | MultiZooConfig | ImportedZooConfig) -> Architecture | None:
        return architecture(config.teacher) if config.teacher else None

    def all_archs(self, config: ZooConfig | MultiZooConfig | ImportedZooConfig) -> tuple[Architecture, ...]:
        return (*self.archs(config), *filter(None, (self.teacher(config),)))

    def check(self, config: ZooConfig | MultiZooConfig | ImportedZooConfig) -> None:
        check_order(self.archs(config))
        datasets.load(config.dataset).suited(*self.all_archs(config))

    def data(
        self, config: ZooConfig | MultiZooConfig | ImportedZooConfig, device: str, preprocessing: Preprocessing | None = None
    ) -> Images:
        if not config.dataset:
            raise InvalidValue("This zoo was imported without a data set to measure its networks on: import it with --dataset.")
        return datasets.load(config.dataset, device).suited(*self.all_archs(config)).seen_by(preprocessing)

    def stand_in(self, config: ZooConfig | MultiZooConfig | ImportedZooConfig, device: str) -> Images:
        return at_hand_or_noise(config.dataset, device, self.all_archs(config))

    def trainee(self, config: ZooConfig | MultiZooConfig, data: Images, device: str = "cpu") -> ZooTraining | InTurn:
        check_order(self.archs(config))
        parts = [ZooTraining(part, data) for part in config.parts()]
        return parts[0] if len(parts) == 1 else InTurn(parts)

    def stacks(self, config: ZooConfig | MultiZooConfig) -> int:
        parts = config.parts()
        return -(-parts[0].instances // config.stack) if len(parts) == 1 else 1

    def grown(self, config: ZooConfig | MultiZooConfig, trainee: ZooTraining | InTurn) -> Grown:
        """The teacher is the one of its instances that is best on the validation images."""
        archs, teacher, data = self.archs(config), self.teacher(config), trainee.parts[0].images
        grown = [(part.config, part.instances()) for part in trainee.parts]
        tables = [table_of(each, parameters_NP, data) for each, parameters_NP in grown[: len(archs)]]
        if len(tables) > 1:
            tables = [table.assign(class_id=id_) for id_, table in enumerate(tables)]
        parameters_NP = padded([part_NP for _, part_NP in grown[: len(archs)]])
        teacher_P = torch.empty(0)
        if teacher is not None:
            _, teachers_NP = grown[-1]
            teacher_P = teachers_NP[accuracies(teachers_NP, data.images["val"], data.labels["val"], teacher).argmax()]
        table = pd.concat(tables, ignore_index=True)
        zoo = Zoo("", archs, config.dataset, parameters_NP, table, data.preprocessing, teacher, teacher_P)
        return Grown(zoo, self.measure(config, zoo, data), data.title)

    def measure(self, config: ZooConfig | MultiZooConfig | ImportedZooConfig, zoo: Zoo, data: Images) -> dict:
        """Of one architecture how its test accuracies are spread; of several their means, and the teacher's."""
        data = data.first(config.test_images)
        images_BCHW, labels_B = data.images["test"], data.labels["test"]
        measured = [
            accuracies(parameters_NP, images_BCHW, labels_B, arch).cpu().numpy() for arch, parameters_NP in zip(zoo.archs, zoo.parts())
        ]
        if zoo.teacher is None:
            return spread(measured[0], shown_of(config, data)) | beside_stated(measured[0], zoo.table)
        where = "all instances, test images"
        metrics = {f"accuracy_{arch.id}": mean(accuracy_N, where) for arch, accuracy_N in zip(zoo.archs, measured)}
        teacher_1 = accuracies(zoo.teacher_P[None], images_BCHW, labels_B, zoo.teacher)
        return metrics | {"teacher_accuracy": mean(teacher_1.cpu().numpy(), "test images")}

    def looked_at(self, config: ImportedZooConfig, parameters_NP: Tensor, data: Images | None) -> dict[str, Tensor]:
        """Their accuracies on each split of the images."""
        if data is None:
            return {}
        shown, arch = data.first(config.measured), architecture(config.architecture)
        found = {split: accuracies(parameters_NP, shown.images[split], shown.labels[split], arch) for split in datasets.SPLITS}
        return {f"{split}_accuracy": right_N.cpu() for split, right_N in found.items()}

    def imported_metrics(self, config: ImportedZooConfig, table: pd.DataFrame, data: Images | None) -> dict:
        if data is None:
            return {}
        accuracy_N = table["test_accuracy"].to_numpy()
        return spread(accuracy_N, shown_of(config, data.first(config.test_images))) | beside_stated(accuracy_N, table)

    def beside_stated(
        self, config: ImportedZooConfig, parameters_NP: np.ndarray, table: pd.DataFrame, data: Images | None
    ) -> tuple[str, ...]:
        """How far apart they are; where that is far, the likely reason: the normalisation with which the instances of the highest stated
        accuracy come closest to it."""
        known_M = np.flatnonzero(table[STATED].notna().to_numpy()) if STATED in table else np.zeros(0, int)
        if data is None or not len(known_M):
            return ()
        stated_M, ours_M = table[STATED].to_numpy(float)[known_M], table["test_accuracy"].to_numpy()[known_M]
        where = f"{shown_of(config, data.first(config.test_images))} (n {len(known_M):,})"
        said = f"test accuracy is {100 * stated_M.mean():.1f} % on average as stated, {100 * ours_M.mean():.1f} % as measured on {where}"
        if abs(stated_M.mean() - ours_M.mean()) <= STATED_GAP:
            return (f"Measured accuracies are those stated: {said}.",)
        arch, best = architecture(config.architecture), known_M[np.argsort(-stated_M, kind="stable")[:TRIED_ON]]
        best_MP = torch.from_numpy(np.array(parameters_NP[best])).to(data.labels["val"].device)

        def accuracy_of(images_BCHW: Tensor, labels_B: Tensor) -> float:
            return float(accuracies(best_MP, images_BCHW, labels_B, arch).mean())

        found = likely(accuracy_of, data, float(table[STATED].to_numpy(float)[best].mean()))
        reason = "The networks' input was probably normalised otherwise"
        reason += f": import them again with --normalise {found}." if found else " (--normalise), or these are other images."
        return (f"Measured accuracies are not those stated: {said}. {reason}",)


ZOOS = ImageZoos()


def check_order(archs: tuple[Architecture, ...]) -> None:
    """ClassIds rise with the number of parameters (paper, III). Raises InvalidValue."""
    counts = [arch.parameters for arch in archs]
    if counts != sorted(set(counts)):
        raise InvalidValue(
            "Architectures are named by rising number of parameters; got "
            f"{', '.join(f'{arch.id} ({arch.parameters})' for arch in archs)}."
        )


def table_of(config: ZooConfig, parameters_NP: Tensor, images: Images) -> pd.DataFrame:
    """The table of the instances of one architecture with their accuracies on each split of the images."""
    arch = architecture(config.architecture)
    columns = {
        "id": [f"{config.dataset}-{arch.family.lower()}-{i:04d}" for i in range(config.instances)],
        "split": splits(config),
        "architecture": arch.id,
        "steps": lengths(config),
        "seed": config.seed,
    }
    for split in datasets.SPLITS:
        shown = images if split == "test" else images.first(config.measured)
        columns[f"{split}_accuracy"] = accuracies(parameters_NP, shown.images[split], shown.labels[split], arch).cpu().numpy()
    return pd.DataFrame(columns)


def spread(accuracy_N: np.ndarray, shown: str = "test images") -> dict:
    """How a zoo's test accuracies are spread: their ends, and the share of instances in the emptiest tenth of 0.1..0.9."""
    tenths = np.histogram(accuracy_N, bins=np.linspace(0.1, 0.9, 9))[0] / len(accuracy_N)
    values = {"accuracy_min": accuracy_N.min(), "accuracy_max": accuracy_N.max(), "smallest_tenth_share": tenths.min()}
    return {name: single(float(value), f"all instances, {shown}", len(accuracy_N)) for name, value in values.items()}


def shown_of(config, data: Images) -> str:
    """The test images that are measured on, in words."""
    return f"first {len(data.labels['test'])} test images" if config.test_images else "test images"


def beside_stated(accuracy_N: np.ndarray, table: pd.DataFrame) -> dict:
    """How far the accuracies are from those that the zoo's owner states, where there are some."""
    if STATED not in table:
        return {}
    known_N = table[STATED].notna().to_numpy()
    stated_N = table[STATED].to_numpy(float)[known_N]
    where = "instances of stated accuracy"
    gap = mean(accuracy_N[known_N] - stated_N, f"{where}, measured less stated")
    return {"stated_accuracy": mean(stated_N, where), "stated_accuracy_gap": gap}
