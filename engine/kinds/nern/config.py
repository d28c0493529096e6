"""What a NeRN experiment is. The paper's values for CIFAR-10 are the defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from ...core.config import Reference, added_architectures, require
from ...core.fields import ARCHITECTURE, BATCH, DATASET, LAST_SEED, RATE, SEED, STEPS, VALIDATE, WEIGHT
from ...core.told import check, told


@dataclass(frozen=True)
class NetworkConfig:
    """One network trained on a dataset, to be an original."""

    KIND: ClassVar[str] = "network"
    TASK: ClassVar[str] = "images"
    networks_of: ClassVar[str] = ""  # it makes the network itself
    architecture: str = told(*ARCHITECTURE)
    dataset: str = told(*DATASET)
    steps: int = told(*STEPS, 64_000, unit="steps", low=1)
    batch: int = told(*BATCH, 128, unit="images", low=1)
    lr: float = told(
        "Highest learning rate",
        "Reached by a linear warm-up over a tenth of the steps; then a cosine to zero.",
        0.1, above=0, high=RATE,
    )
    weight_decay: float = told("Weight decay", "Pulls parameters towards zero; 0 for none.", 1e-4, low=0, high=RATE)
    momentum: float = told("Momentum", "Of stochastic gradient descent.", 0.9, low=0, high=1)
    augment: int = told(
        "Augment by",
        "Largest shift of training images, in pixels; half of them are mirrored, too. 0 for neither.",
        0, unit="pixels", low=0, high=16,
    )
    crop: int = told(
        "Crop to",
        "Side that training images are randomly cropped to in the first part of training: "
        "more steps in the same time. 0 for none. Not in the paper.",
        0, unit="pixels", low=0,
    )
    cropped: float = told("Share of cropped steps", "The first part of training, as a share of all steps.", 0.75, low=0, high=1)
    reshuffled: bool = told(
        "Reshuffle",
        "Every training image comes once before any comes again; where off, each step draws its own.",
        False,
    )
    label_smoothing: float = told(
        "Label smoothing",
        "Share of a label that is spread over all classes.",
        0.0, low=0, below=1,
    )
    smooth: float = told(
        "Weight of smoothness",
        "Factor of eq. 6 in the loss, which makes neighbouring kernels alike; 0 for none.",
        0.0, low=0, high=WEIGHT,
    )
    validate_every: int = told(*VALIDATE, 500, unit="steps", low=1)
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)
        fits = self.crop == 0 or (self.augment and self.crop >= 8)
        require(fits, "crop is 0, or at least 8 pixels of images that are shifted: set augment, too.")

    @property
    def arch_ids(self) -> tuple[str, ...]:
        """The id of its architecture."""
        return (self.architecture,)

    @property
    def references(self) -> tuple[Reference, ...]:
        """What it is made from: its architecture, where that was added."""
        return added_architectures(self.architecture)


@dataclass(frozen=True)
class NernConfig:
    """A NeRN of one original: order of the kernels, predictor, losses, sampling, optimisation (paper, 3 and 4)."""

    KIND: ClassVar[str] = "nern"
    TASK: ClassVar[str] = "images"
    original: str = told("Original", "The network that is represented: a preset, or the id of an available network.")
    permutation: Literal["none", "in-filter", "cross-filter"] = told(
        "Order of kernels",
        "How kernels are permuted so that neighbours are alike.",
        "cross-filter",
    )
    hidden: int = told("Hidden units", "Size of each hidden layer of the predictor.", 160, unit="units", low=1)
    init: Literal["original", "he"] = told(
        "Predictor's start",
        "Its first kernels have the original's mean and spread (appendix B), or come from He's initialisation.",
        "original",
    )
    levels: int = told("Embedding levels", "N of eq. 1: the predictor has 6 N inputs.", 40, unit="levels", low=1)
    base: float = told("Embedding base", "b of eq. 1: how fast frequencies change from level to level.", 0.76, above=0, high=10)
    predictors: Literal["auto", "one", "each"] = told(
        "How many predictors",
        "One for all kernels, smaller ones cut from the centre of the largest, as in the paper; or one for each size of kernels. "
        "auto: the paper's way where all kernels are square and odd.",
        "auto",
    )
    kernel: int = told(
        "Kernel side",
        "Side of the kernels that the one predictor gives, odd; 0 for the largest of the original.",
        0, unit="weights", low=0,
    )
    skip: tuple[str, ...] = told(
        "Layers kept as they are",
        "Prefixes of their names, separated by commas.",
        (),
    )
    reconstruction: float = told("Weight of reconstruction", "Factor of the weights' error in eq. 2.", 1.0, low=0, high=WEIGHT)
    distillation: float = told("Weight of distillation", "Factor of the answers' divergence in eq. 2.", 1e-4, low=0, high=WEIGHT)
    features: float = told("Weight of feature maps", "Factor of the feature maps' distance in eq. 2.", 1e-4, low=0, high=WEIGHT)
    inputs: Literal["data", "noise", "none"] = told(
        "Distil on",
        "Training images, uniform noise from -1 to 1, or nothing.",
        "data",
    )
    images: int = told("Images per step", "Images that the networks are run on in each step.", 256, unit="images", low=1)
    sampling: Literal["all", "layer", "uniform", "weighted"] = told(
        "Kernels in a step",
        "All, those of one layer, a uniform sample, or a sample weighted by size.",
        "weighted",
    )
    batch: int = told(
        "Kernels per step",
        "Kernels that get a gradient in each step, where not all do.",
        4096, unit="kernels", low=1,
    )
    partial: bool = told(
        "Predict only those",
        "Without distillation, predicts no other kernels, and eq. 3 is their error: many more steps in the same time. Not in the paper.",
        False,
    )
    steps: int = told(*STEPS, 70_000, unit="steps", low=1)
    lr: float = told("Learning rate", "The peak learning rate.", 5e-3, above=0, high=RATE)
    lr_end: float = told("Last learning rate", "Where the cosine ends.", 1e-6, low=0, high=RATE)
    betas: tuple[float, float] = told(
        "Betas",
        "The optimiser's two (RAdam with Lookahead).",
        (0.5, 0.999), low=0, below=1,
    )
    weight_decay: float = told(
        "Weight decay",
        "Pulls the predictor's parameters towards zero; 0 for none.",
        1e-3, low=0, high=RATE,
    )
    bf16: bool = told(
        "Train in bfloat16",
        "The networks multiply in bfloat16 while training, the predictor in float32: on 32x32 pixels and more faster, less precise. "
        "Not in the paper.",
        False,
    )
    validate_every: int = told(*VALIDATE, 500, unit="steps", low=1)
    measured: int = told(
        "Measured on the first",
        "The first validation images, which choose the best step; 0 for all.",
        0, unit="images", low=0,
    )
    start: str = told(
        "Starts from",
        "Preset or id of a NeRN of the same original, order and size; training starts from its predictor. Not in the paper.",
        "",
    )
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)
        grows = self.levels * math.log10(self.base) <= 30
        require(grows, f"base to the power of levels is at most 1e30, beyond which sines are noise; got {self.base:g} and {self.levels}.")
        require(len(self.betas) == 2, "betas is two numbers.")
        require(self.kernel == 0 or self.kernel % 2 == 1, f"kernel is the odd side of the predicted kernels, or 0; got {self.kernel}.")
        require(not self.partial or not self.distils, "Distillation runs the network with all its kernels: partial goes with inputs none.")
        require(self.reconstruction > 0 or self.distils, "Some loss has a weight above 0, and distillation needs inputs.")

    @property
    def networks_of(self) -> str:
        """The preset or artifact that holds the network which it is about."""
        return self.original

    @property
    def references(self) -> tuple[Reference, ...]:
        """What it is made from: its original, and the NeRN that it starts from, where it names one."""
        name = self.original[:100]
        missing = (
            f"There is no original {name!r}. Import its file: python -m engine import FILE --architecture ARCHITECTURE --id {name}."
        )
        original = Reference(self.original, "network", version="any", missing=missing)
        return (original, Reference(self.start, "nern", self.seed, "current", recorded=False)) if self.start else (original,)

    @property
    def distils(self) -> bool:
        """Whether the networks are run at all while training."""
        return self.inputs != "none" and (self.distillation > 0 or self.features > 0)
