"""What a NeRN experiment is. The paper's values for CIFAR-10 are the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..config import require


@dataclass(frozen=True)
class NetworkConfig:
    """One network trained on a dataset, to be an original."""

    architecture: str
    dataset: str
    steps: int = 64_000
    batch: int = 128  # images per step
    lr: float = 0.1  # highest learning rate: linear warm-up over a tenth of the steps, then a cosine to zero
    weight_decay: float = 1e-4
    momentum: float = 0.9
    augment: int = 0  # pixels that training images are shifted by at most, and mirrored half of the time; 0 for neither
    crop: int = 0  # ours: pixels a side that training images are cut to, anywhere, in the first `cropped` of the steps: more steps in a time; 0 for none
    cropped: float = 0.75  # their share
    reshuffled: bool = False  # every training image comes once before any comes again; else each step draws its own
    label_smoothing: float = 0.0  # share of a label that is spread over all classes
    smooth: float = 0.0  # weight of eq. 6 in the loss (regularisation-based smoothness)
    validate_every: int = 500
    seed: int = 0

    def __post_init__(self):
        require(min(self.steps, self.batch, self.validate_every) >= 1, "steps, batch and validate_every are at least 1.")
        require(0 <= self.augment <= 16, "augment is 0 to 16 pixels.")
        require(self.crop == 0 or (self.augment and self.crop >= 8), "crop is 0, or at least 8 pixels of images that are shifted: set augment, too.")
        require(0 <= self.cropped <= 1, "cropped is a share from 0 to 1.")
        require(0 <= self.label_smoothing < 1, "label_smoothing is a share from 0 to below 1.")
        require(self.lr > 0 and min(self.weight_decay, self.smooth, self.momentum) >= 0, "lr is above 0; weight_decay, momentum and smooth are at least 0.")


@dataclass(frozen=True)
class NernConfig:
    """A NeRN of one original: order of the kernels, predictor, losses, sampling, optimisation (paper, 3 and 4)."""

    original: str  # preset or artifact of a network
    permutation: Literal["none", "in-filter", "cross-filter"] = "cross-filter"
    hidden: int = 160  # units of each hidden layer of the predictor
    levels: int = 40  # N of eq. 1; 6 N inputs
    base: float = 0.76  # b of eq. 1
    kernel: int = 0  # side of the predicted kernels; 0 for the largest of the original
    skip: tuple[str, ...] = ()  # layers that stay as they are, by the beginning of their names
    reconstruction: float = 1.0  # weights of the losses in eq. 2
    distillation: float = 1e-4
    features: float = 1e-4
    inputs: Literal["data", "noise", "none"] = "data"  # what is distilled on: training images, uniform noise in -1..1, nothing
    images: int = 256  # per step
    sampling: Literal["all", "layer", "uniform", "weighted"] = "weighted"
    batch: int = 4096  # kernels with a gradient per step
    partial: bool = False  # ours: without distillation, only those kernels are predicted, and the error of eq. 3 is theirs: many more steps in a time
    steps: int = 70_000
    lr: float = 5e-3
    lr_end: float = 1e-6  # of the cosine
    betas: tuple[float, float] = (0.5, 0.999)
    weight_decay: float = 1e-3
    validate_every: int = 500
    measured: int = 0  # validation images, the first ones, that choose; 0 for all
    start: str = ""  # ours: preset or artifact of a NeRN of the same original, order and size, whose predictor this one goes on from
    seed: int = 0

    def __post_init__(self):
        require(min(self.hidden, self.levels, self.images, self.batch, self.steps, self.validate_every) >= 1, "hidden, levels, images, batch, steps and validate_every are at least 1.")
        require(self.measured >= 0, "measured is at least 0.")
        require(self.lr > 0 and self.base > 0, "lr and base are above 0.")
        require(min(self.reconstruction, self.distillation, self.features, self.kernel, self.lr_end, self.weight_decay) >= 0, "loss weights, kernel, lr_end and weight_decay are at least 0.")
        require(self.kernel == 0 or self.kernel % 2 == 1, f"kernel is the odd side of the predicted kernels, or 0; got {self.kernel}.")
        require(not self.partial or not self.distils, "Distillation runs the network with all its kernels: partial goes with inputs none.")
        require(self.reconstruction > 0 or self.distils, "Some loss has a weight above 0, and distillation needs inputs.")

    @property
    def distils(self) -> bool:
        """Whether the networks are run at all while training."""
        return self.inputs != "none" and (self.distillation > 0 or self.features > 0)
