"""Configs of zoos and spaces of several architectures. The paper's values are the defaults."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import SpaceConfig, ZooConfig, require


@dataclass(frozen=True)
class MultiZooConfig:
    """Good instances of several architectures, and the teacher (Suppl. IV). An architecture's ClassId is its place here."""

    architectures: tuple[str, ...]  # by rising number of parameters
    dataset: str
    teacher: str  # architecture whose best instance teaches
    train: tuple[int, ...] = (100, 100, 100, 100)  # instances of each that a space may be trained on
    val: int = 16  # instances of each that choose
    test: int = 16  # instances of each held out, touched once
    steps: tuple[int, ...] = (30_000, 30_000, 30_000, 30_000)  # the longest training of each architecture, in steps of one batch
    shortest: float = 0.5  # the shortest, as a share of the longest; lengths between are spaced evenly in the logarithm
    teacher_steps: int = 60_000
    batch: int = 128  # images per step
    lr: float = 1e-3  # Adam's constant learning rate
    stack: int = 64  # instances trained at once
    half: bool = True  # keep parameters in half precision; every metric is measured from what is kept
    measured: int = 0  # training and validation images, the first ones, that accuracies are measured on; 0 for all. Test: always all
    seed: int = 0

    def __post_init__(self):
        require(len(self.architectures) >= 2 and len(set(self.architectures)) == len(self.architectures), "A zoo of several architectures names at least two different ones.")
        require(len(self.train) == len(self.steps) == len(self.architectures), f"train and steps give a number for each of the {len(self.architectures)} architectures.")
        require(self.teacher_steps >= 1 and 0 < self.shortest <= 1, "teacher_steps is at least 1, shortest is above 0 and at most 1.")
        self.parts()  # what is wrong with one part is wrong with all

    def parts(self) -> list[ZooConfig]:
        """The zoo of each architecture, in the order of the ClassIds, and last that of the teacher."""
        shared = {"dataset": self.dataset, "batch": self.batch, "lr": self.lr, "stack": self.stack, "half": self.half, "measured": self.measured}
        each = zip(self.architectures, self.train, self.steps)
        zoos = [
            ZooConfig(arch, train=train, val=self.val, test=self.test, steps_min=max(1, round(self.shortest * steps)), steps_max=steps, seed=self.seed, **shared)
            for arch, train, steps in each
        ]
        teacher = {"train": 1, "val": 1, "test": 1, "steps_min": self.teacher_steps, "steps_max": self.teacher_steps}
        return [*zoos, ZooConfig(self.teacher, seed=self.seed, **teacher, **shared)]


@dataclass(frozen=True)
class MultiSpaceConfig(SpaceConfig):
    """A space of several architectures, taught by a teacher (eq. 3 to 12)."""

    networks: int = 2  # instances per step; of each architecture where `stratified`
    stratified: bool = False  # ours: as many instances of each architecture in every step, instead of any
    train: tuple[int, ...] = (60, 50, 60, 100)  # instances of each architecture that are shown; 0: it is never seen
    alpha: float = 0.9  # eq. 5 and 10: the teacher's share, the rest is the labels'
    temperature: float = 4.0  # T of eq. 3 and 8
    interpolation: bool = True  # eq. 7 to 12; off for the ablation
    scale: float = 1.0  # ours: of the zoo's spread, where the elementwise scale starts (with start="zoo")
    images: int = 128  # images per step
    shift: int = 0  # ours: pixels that some images of a step are shifted by at most; the teacher is asked about them as they are then
    shifted: float = 0.25  # their share
    measured: int = 0  # training and validation images, the first ones, that choose and that accuracies are measured on; 0 for all. Test: always all

    def __post_init__(self):
        super().__post_init__()
        require(self.measured >= 0, "measured is at least 0.")
        require(0 <= self.shift <= 16 and 0 <= self.shifted <= 1, "shift is 0 to 16 pixels, shifted is a share from 0 to 1.")
        require(self.normalise != "layer", "normalise is none or zoo: architectures share their PRep's cells, not their layers.")
        require(len(self.train) >= 2 and self.train[0] > 0 and self.train[-1] > 0, "The smallest and the largest architecture are shown.")
        require(self.images >= 1 and self.temperature > 0 and 0 <= self.alpha <= 1, "images is at least 1, temperature is above 0, alpha is from 0 to 1.")
