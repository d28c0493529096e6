"""Configs of zoos and spaces of signals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ...core.fields import ARCHITECTURE, DATASET, HALF, INSTANCES, LAST_SEED, RATE, SCALE, SEED, STACK, STACKED, WEIGHT
from ...core.told import check, told
from ..config import ImportedZooConfig, OneArchitecture, SpaceConfig


@dataclass(frozen=True)
class SignalZooConfig(OneArchitecture):
    """Many SIRENs, each fitted to an image of its own. The images of training, validation and held-out instances are the first of the
    data set's own splits."""

    KIND: ClassVar[str] = "zoo"
    TASK: ClassVar[str] = "signals"
    teacher: ClassVar[str] = ""  # one architecture needs none
    pixels: ClassVar[int] = 0  # those of the data set
    architecture: str = told(*ARCHITECTURE, "siren-image")
    dataset: str = told(*DATASET, "digits")
    train: int = told("Training instances", "Images that a space is trained on.", 1000, low=1, high=INSTANCES)
    val: int = told("Validation instances", "Images used to choose between trainings of a space.", 100, low=1, high=INSTANCES)
    test: int = told(
        "Held-out instances",
        "Images used neither to train nor to choose a space; measured once, at the end.",
        100, low=1, high=INSTANCES,
    )
    steps: int = told("Fitting length", "Steps of gradient descent for each image.", 500, unit="steps", low=1)
    lr: float = told("Learning rate", "Adam's, at the start; to zero along a cosine.", 5e-3, above=0, high=RATE)
    between: int = told("Points between pixels", "Points of the bicubic image in each step, besides all pixels.", 64, unit="points", low=1)
    between_weight: float = told("Weight of these points", "Factor of their error, where that of the pixels is 1.", 0.5, low=0, high=WEIGHT)
    shared: bool = told("Shared start", "Starts all networks from one random initialisation, instead of one each.", False)
    stack: int = told(*STACK, 200, unit="instances", low=1, high=STACKED)
    half: bool = told(*HALF, True)
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)


@dataclass(frozen=True)
class ImportedSignalsConfig(ImportedZooConfig):
    """SIRENs that others fitted to pictures which are not here: each stands for the picture that it is."""

    TASK: ClassVar[str] = "signals"
    pixels: int = told("Pixels a side", "Where the networks are sampled.", 28, unit="pixels", low=4, high=64)
    omega: tuple[float, ...] = told("Frequency of the sines", "Before they became sines of 30; none: 30.", (), above=0, high=1000)
    levels: tuple[float, ...] = told("Black and white", "What they answered there; none: 0 and 1.", (), low=-1e6, high=1e6)


@dataclass(frozen=True)
class SignalSpaceConfig(SpaceConfig):
    """A space of images, trained to answer as its targets do (eq. 2)."""

    TASK: ClassVar[str] = "signals"

    networks: int = told("Networks per step", "Instances of the zoo in each step.", 32, low=1, high=STACKED)
    points: int = told("Points per step", "Points between the pixels, besides all pixels.", 64, unit="points", low=1)
    encoder: Literal["prep", "probe"] = told(
        "Encoder reads",
        "'prep': the weights, as in the paper. 'probe': the network's answers at learned points.",
        "probe",
    )
    probes: int = told("Probe points", "Points at which the probe encoder queries a network.", 64, unit="points", low=1)
    probe_width: int = told("Probe width", "Units in each of the probe encoder's two hidden layers.", 256, unit="units", low=1)
    scale: float = told(*SCALE, 1.0, above=0, high=1_000)
    half: bool = told(
        "Store in half precision",
        "Stores encoder, decoder and embeddings in 16 bits instead of 32. Every metric is measured from what is stored.",
        True,
    )
