"""Configs of zoos and spaces of classifiers, of one architecture and of several. The papers' values are the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ...core.config import Reference, added_architectures, require
from ...core.fields import (
    ARCHITECTURE,
    BATCH,
    DATASET,
    HALF,
    INSTANCES,
    LAST_SEED,
    MEASURED,
    RATE,
    SCALE,
    SEED,
    STACK,
    STACKED,
    TEMPERATURE,
    WEIGHT,
)
from ...core.told import check, told
from ..config import ImportedZooConfig, OneArchitecture, SpaceConfig

# How networks of a zoo are trained: what the zoos of one and of several architectures have in common.
SHARED = ("dataset", "batch", "lr", "optimiser", "momentum", "weight_decay", "decays", "augment", "stack", "half", "measured")
OPTIMISER = ("Optimiser", "Adam, or stochastic gradient descent with momentum.")
MOMENTUM = ("Momentum", "Of stochastic gradient descent; Adam has its own.")
L2 = ("Weight decay", "Of stochastic gradient descent: pulls parameters towards zero; 0 for none.")
DECAYS = ("Learning rate decays", "Shares of a training, after each of which the learning rate is a tenth of what it was; none by default.")
LSO_STEPS = ("Optimisation steps", "Most steps of the latent space optimisation that the space is measured by; validation picks the best.")
LSO_LR = ("Optimisation rate", "Adam's, constant, in that descent; 0: a twentieth of the spread of the training embeddings.")
LSO_PATIENCE = ("Optimisation's patience", "Looks at validation without a better one after which that descent ends; 0: it takes all steps.")
BRIEF = (
    "Measured briefly",
    "Measures at the end on the first so many images of each split only, along few paths, and skips inversion, optimisation and REPAIR: "
    "for slow networks. 0 measures everything.",
)
AUGMENT = ("Augment by", "Pixels that training images are shifted by at most; half of them are mirrored, too. 0 for neither.")


@dataclass(frozen=True)
class ZooConfig(OneArchitecture):
    """Many instances of one architecture, each from its own random start and trained for its own length (Suppl. IV)."""

    KIND: ClassVar[str] = "zoo"
    TASK: ClassVar[str] = "images"
    test_images: ClassVar[int] = 0  # how many of the test split are measured on: all
    architecture: str = told(*ARCHITECTURE)
    dataset: str = told(*DATASET)
    train: int = told("Training instances", "Instances that a space is trained on.", 100, low=1, high=INSTANCES)
    val: int = told("Validation instances", "Instances used to choose between trainings of a space.", 16, low=1, high=INSTANCES)
    test: int = told(
        "Held-out instances",
        "Instances used neither to train nor to choose a space; measured once, at the end.",
        16, low=1, high=INSTANCES,
    )
    steps_min: int = told(
        "Shortest training",
        "Length of the shortest training of an instance.",
        8, unit="steps", low=1,
    )
    steps_max: int = told(
        "Longest training",
        "Length of the longest; lengths in between are spaced evenly in the logarithm.",
        1200, unit="steps", low=1,
    )
    batch: int = told(*BATCH, 128, unit="images", low=1)
    lr: float = told("Learning rate", "The peak; constant if no decays are given.", 1e-4, above=0, high=RATE)
    optimiser: Literal["adam", "sgd"] = told(*OPTIMISER, "adam")
    momentum: float = told(*MOMENTUM, 0.9, low=0, below=1)
    weight_decay: float = told(*L2, 0.0, low=0, high=RATE)
    decays: tuple[float, ...] = told(*DECAYS, (), above=0, below=1)
    augment: int = told(*AUGMENT, 0, unit="pixels", low=0, high=16)
    stack: int = told(*STACK, 64, unit="instances", low=1, high=STACKED)
    half: bool = told(*HALF, True)
    quiet: bool = told(
        "Start as shortcuts",
        "Residual blocks start as their shortcuts alone, so that the weights, batch norm folded "
        "in, reveal the length of training. Not in the paper.",
        False,
    )
    measured: int = told(*MEASURED, 0, unit="images", low=0)
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)
        require(self.steps_min <= self.steps_max, "The shortest training (steps_min) is no longer than the longest (steps_max).")

    @property
    def teacher(self) -> str:
        """A zoo of one architecture has none."""
        return ""

    def parts(self) -> list[ZooConfig]:
        """The zoo of each architecture, and last that of the teacher: itself alone."""
        return [self]



@dataclass(frozen=True)
class MultiZooConfig:
    """Good instances of several architectures, and the teacher (Suppl. IV). An architecture's ClassId is its place here."""

    KIND: ClassVar[str] = "zoo"
    TASK: ClassVar[str] = "images"
    networks_of: ClassVar[str] = ""  # it makes its networks
    test_images: ClassVar[int] = 0  # how many of the test split are measured on: all
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
        "Instances of each architecture used to choose between trainings of a space.",
        16, low=1, high=INSTANCES,
    )
    test: int = told(
        "Held-out instances",
        "Instances of each architecture used neither to train nor to choose a space; measured once, at the end.",
        16, low=1, high=INSTANCES,
    )
    steps: tuple[int, ...] = told(
        "Longest training",
        "The longest training of each architecture, in the order above.",
        (30_000, 30_000, 30_000, 30_000), unit="steps", low=1,
    )
    shortest: float = told(
        "Shortest training",
        "As a share of the longest; lengths in between are spaced evenly in the logarithm.",
        0.5, unit="share", above=0, high=1,
    )
    teacher_steps: int = told("Teacher's training", "Length of the teacher's training.", 60_000, unit="steps", low=1)
    batch: int = told(*BATCH, 128, unit="images", low=1)
    lr: float = told("Learning rate", "The peak; constant if no decays are given.", 1e-3, above=0, high=RATE)
    optimiser: Literal["adam", "sgd"] = told(*OPTIMISER, "adam")
    momentum: float = told(*MOMENTUM, 0.9, low=0, below=1)
    weight_decay: float = told(*L2, 0.0, low=0, high=RATE)
    decays: tuple[float, ...] = told(*DECAYS, (), above=0, below=1)
    augment: int = told(*AUGMENT, 0, unit="pixels", low=0, high=16)
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

    @property
    def references(self) -> tuple[Reference, ...]:
        """What it is made from: those of its architectures that were added."""
        return added_architectures(*self.architectures, self.teacher)

    @property
    def arch_ids(self) -> tuple[str, ...]:
        """The ids of its architectures, by ClassId."""
        return self.architectures

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many instances it has for training, for validation and held out."""
        several = len(self.architectures)
        return sum(self.train), several * self.val, several * self.test

    @property
    def instances(self) -> int:
        return sum(self.counts)

    def parts(self) -> list[ZooConfig]:
        """The zoo of each architecture, in the order of the ClassIds, and last that of the teacher."""
        shared = {name: getattr(self, name) for name in SHARED}
        counts = {"val": self.val, "test": self.test, "seed": self.seed}
        each = zip(self.architectures, self.train, self.steps)
        zoos = [
            ZooConfig(arch, train=train, steps_min=max(1, round(self.shortest * steps)), steps_max=steps, **counts, **shared)
            for arch, train, steps in each
        ]
        teacher = {"train": 1, "val": 1, "test": 1, "steps_min": self.teacher_steps, "steps_max": self.teacher_steps}
        return [*zoos, ZooConfig(self.teacher, seed=self.seed, **teacher, **shared)]



@dataclass(frozen=True)
class ImportedClassifiersConfig(ImportedZooConfig):
    """Classifiers that others trained."""

    TASK: ClassVar[str] = "images"


@dataclass(frozen=True)
class NetSpaceConfig(SpaceConfig):
    """A space of classifiers, trained by distillation (eq. 1)."""

    TASK: ClassVar[str] = "images"

    distil: bool = told(
        "Distil answers",
        "Compares what networks answer (eq. 1). Off, for the ablation: compares weights, in the units that PReps are normalised by.",
        True,
    )
    balance: bool = told(
        "Balance instances",
        "Divides each instance's loss by the variance of its target's logits, so that weak "
        "networks count no more than good ones. Not in the paper.",
        False,
    )
    performance: float = told(
        "Weight of performance",
        "Factor of the squared difference in soft accuracy between predicted and target; 0 for none. Not in the paper.",
        0.0, low=0, high=WEIGHT,
    )
    temperature: float = told(*TEMPERATURE, 4.0, above=0, high=1_000)
    images: int = told(*BATCH, 128, unit="images", low=1)
    augment: int = told(*AUGMENT, 0, unit="pixels", low=0, high=16)
    lso_teacher: str = told(
        "Optimisation's teacher",
        "The network that teaches the latent space optimisation by which the space is measured: a preset, or the id of an available "
        "network. By default the best training instance, which is not what the paper does.",
        "",
    )
    lso_steps: int = told(*LSO_STEPS, 200, unit="steps", low=1)
    lso_lr: float = told(*LSO_LR, 0.0, low=0, high=RATE)
    lso_patience: int = told(*LSO_PATIENCE, 0, unit="looks", low=0)
    measured: int = told(
        "Measured on the first",
        "The first images of a split, used to choose the best step and to measure the space's paths; 0 for all.",
        0, unit="images", low=0,
    )
    brief: int = told(*BRIEF, 0, unit="images", low=0)

    @property
    def taught_by(self) -> str:
        return self.lso_teacher

    @property
    def references(self) -> tuple[Reference, ...]:
        """What it is made from: its zoo, and the teacher of its optimisation, where it names one."""
        teacher = Reference(self.lso_teacher, "network", version="any", recorded=False)
        return (*super().references, *([teacher] if self.lso_teacher else []))



@dataclass(frozen=True)
class MultiSpaceConfig(SpaceConfig):
    """A space of several architectures, taught by a teacher (eq. 3 to 12)."""

    TASK: ClassVar[str] = "images"
    SEVERAL: ClassVar[bool] = True

    networks: int = told(
        "Networks per step",
        "Instances in each step; where stratified, of each architecture.",
        2, low=1, high=STACKED,
    )
    stratified: bool = told(
        "Stratified",
        "Draws equally many instances of each architecture in every step, instead of any. Not in the paper.",
        False,
    )
    train: tuple[int, ...] = told(
        "Instances shown",
        "Training instances of each architecture, from the smallest to the largest; 0: the space never sees it.",
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
        "At most this many pixels, for some images of each step; the teacher sees the same shift. 0 for none. Not in the paper.",
        0, unit="pixels", low=0, high=16,
    )
    shifted: float = told("Share of shifted images", "Of the images of a step. Not in the paper.", 0.25, low=0, high=1)
    augment: int = told(*AUGMENT, 0, unit="pixels", low=0, high=16)
    lso_steps: int = told(*LSO_STEPS, 150, unit="steps", low=1)
    lso_lr: float = told(LSO_LR[0], "Adam's, constant, in that descent.", 1e-2, above=0, high=RATE)
    lso_patience: int = told(*LSO_PATIENCE, 0, unit="looks", low=0)
    measured: int = told(*MEASURED, 0, unit="images", low=0)
    brief: int = told(*BRIEF, 0, unit="images", low=0)

    def __post_init__(self):
        super().__post_init__()
        require(self.normalise != "layer", "normalise is none or zoo: architectures share their PRep's cells, not their layers.")
        require(len(self.train) >= 2 and self.train[0] > 0 and self.train[-1] > 0, "The smallest and the largest architecture are shown.")

    @property
    def unseen(self) -> int:
        """How many of its zoo's architectures it is not trained on."""
        return self.train.count(0)
