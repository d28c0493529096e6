"""Configs of zoos and spaces of several architectures. The paper's values are the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..config import (
    BATCH, DATASET, HALF, INSTANCES, LAST_SEED, MEASURED, RATE, SCALE, SEED, STACK, STACKED, TEMPERATURE, SpaceConfig, ZooConfig, require,
)  # fmt: skip
from ..core.told import check, told


@dataclass(frozen=True)
class MultiZooConfig:
    """Good instances of several architectures, and the teacher (Suppl. IV). An architecture's ClassId is its place here."""

    KIND: ClassVar[str] = "zoo"
    architectures: tuple[str, ...] = told(
        "Architectures",
        "Their ids, by rising number of parameters; the order is that of the ClassIds.",
    )
    dataset: str = told(*DATASET)
    teacher: str = told("Teacher", "The architecture whose best instance teaches the space.")
    train: tuple[int, ...] = told(
        "Training instances",
        "Instances of each architecture that a space may be trained on, in the order above.",
        (100, 100, 100, 100), low=1, high=INSTANCES,
    )
    val: int = told(
        "Validation instances",
        "Instances of each architecture that choose between trainings of a space.",
        16, low=1, high=INSTANCES,
    )
    test: int = told(
        "Held-out instances",
        "Instances of each architecture that no space is trained on; measured once, at the end.",
        16, low=1, high=INSTANCES,
    )
    steps: tuple[int, ...] = told(
        "Longest training",
        "Of each architecture, in the order above.",
        (30_000, 30_000, 30_000, 30_000), unit="steps", low=1,
    )
    shortest: float = told(
        "Shortest training",
        "As a share of the longest; lengths in between are spaced evenly in the logarithm.",
        0.5, unit="share", above=0, high=1,
    )
    teacher_steps: int = told("Teacher's training", "Length of the teacher's training.", 60_000, unit="steps", low=1)
    batch: int = told(*BATCH, 128, unit="images", low=1)
    lr: float = told("Learning rate", "Adam's, constant.", 1e-3, above=0, high=RATE)
    stack: int = told(*STACK, 64, unit="instances", low=1, high=STACKED)
    half: bool = told(*HALF, True)
    measured: int = told(*MEASURED, 0, unit="images", low=0)
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)
        several = 2 <= len(self.architectures) == len(set(self.architectures))
        require(several, "A zoo of several architectures names at least two different ones.")
        each = len(self.train) == len(self.steps) == len(self.architectures)
        require(each, f"train and steps give a number for each of the {len(self.architectures)} architectures.")
        self.parts()  # what is wrong with one part is wrong with all

    def parts(self) -> list[ZooConfig]:
        """The zoo of each architecture, in the order of the ClassIds, and last that of the teacher."""
        shared = {name: getattr(self, name) for name in ("dataset", "batch", "lr", "stack", "half", "measured")}
        counts = {"val": self.val, "test": self.test, "seed": self.seed}
        each = zip(self.architectures, self.train, self.steps)
        zoos = [
            ZooConfig(arch, train=train, steps_min=max(1, round(self.shortest * steps)), steps_max=steps, **counts, **shared)
            for arch, train, steps in each
        ]
        teacher = {"train": 1, "val": 1, "test": 1, "steps_min": self.teacher_steps, "steps_max": self.teacher_steps}
        return [*zoos, ZooConfig(self.teacher, seed=self.seed, **teacher, **shared)]


@dataclass(frozen=True)
class MultiSpaceConfig(SpaceConfig):
    """A space of several architectures, taught by a teacher (eq. 3 to 12)."""

    networks: int = told(
        "Networks per step",
        "Instances in each step; where stratified, of each architecture.",
        2, low=1, high=STACKED,
    )
    stratified: bool = told(
        "Stratified",
        "Takes as many instances of each architecture into every step, instead of any. Not in the paper.",
        False,
    )
    train: tuple[int, ...] = told(
        "Instances shown",
        "Of each architecture, from the smallest to the largest; 0: the space never sees it.",
        (60, 50, 60, 100), low=0, high=INSTANCES,
    )
    alpha: float = told(
        "Teacher's share",
        "Alpha of eq. 5 and 10: the teacher's share of the loss, the rest is the labels'.",
        0.9, low=0, high=1,
    )
    temperature: float = told(*TEMPERATURE, 4.0, above=0, high=1_000)
    interpolation: bool = told("Interpolation loss", "Eq. 7 to 12; off for the ablation.", True)
    scale: float = told(*SCALE, 1.0, above=0, high=1_000)
    images: int = told(*BATCH, 128, unit="images", low=1)
    shift: int = told(
        "Shift images by",
        "Pixels at most, of some images of a step; the teacher is asked about them as shifted. 0 for none. Not in the paper.",
        0, unit="pixels", low=0, high=16,
    )
    shifted: float = told("Share of shifted images", "Of the images of a step. Not in the paper.", 0.25, low=0, high=1)
    measured: int = told(*MEASURED, 0, unit="images", low=0)

    def __post_init__(self):
        super().__post_init__()
        require(self.normalise != "layer", "normalise is none or zoo: architectures share their PRep's cells, not their layers.")
        require(len(self.train) >= 2 and self.train[0] > 0 and self.train[-1] > 0, "The smallest and the largest architecture are shown.")
