"""What the spaces of every task have. The paper's values are the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ..core.config import Reference, added_architectures, require
from ..core.fields import ARCHITECTURE, DATASET, INSTANCES, LAST_SEED, RATE, SEED, STACKED, STEPS, VALIDATE, WEIGHT, WEIGHT_DECAY
from ..core.told import check, told


class OneArchitecture:
    """What the configs of all zoos of one architecture answer."""

    networks_of: ClassVar[str] = ""  # the preset or artifact that holds the networks which a config is about; none: it makes them
    architecture: str
    train: int
    val: int
    test: int

    @property
    def references(self) -> tuple[Reference, ...]:
        """What it is made from: its architecture, where that was added."""
        return added_architectures(self.architecture)

    @property
    def arch_ids(self) -> tuple[str, ...]:
        """The ids of its architectures, by ClassId."""
        return (self.architecture,)

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many instances it has for training, for validation and held out."""
        return self.train, self.val, self.test

    @property
    def instances(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True)
class ImportedZooConfig(OneArchitecture):
    """Networks that others trained, as `zoo import` took them in. A task that takes such zoos has a config of its own that names it."""

    KIND: ClassVar[str] = "zoo"
    TASK: ClassVar[str] = ""
    teacher: ClassVar[str] = ""
    architecture: str = told(*ARCHITECTURE)
    source: str = told("Imported from", "Name of the file or folder.")
    layout: str = told("Layout", "The layout that was recognised.")
    dataset: str = told(*DATASET, "")
    train: int = told("Training instances", "Instances that a space is trained on.", 0, low=0, high=INSTANCES)
    val: int = told("Validation instances", "Instances used to choose between trainings of a space.", 0, low=0, high=INSTANCES)
    test: int = told("Held-out instances", "Instances used neither to train nor to choose a space.", 0, low=0, high=INSTANCES)
    splits: str = told("Splits", "The column that gave the splits; none where they were drawn.", "")
    measured: int = told(
        "Measured on the first",
        "Images that accuracies are measured on, the first of each split, the test split among them; 0 for all.",
        1000, unit="images", low=0,
    )
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)

    @property
    def test_images(self) -> int:
        """How many images of the test split are measured on; 0 for all."""
        return self.measured


@dataclass(frozen=True)
class SpaceConfig:
    """What every space of one zoo has: encoder, decoder, optimiser (paper, III; sizes of the paper's code by default)."""

    KIND: ClassVar[str] = "netspace"
    TASK: ClassVar[str] = ""
    SEVERAL: ClassVar[bool] = False  # whether it holds several architectures
    OPEN: ClassVar[bool] = False  # whether something is left to be chosen before it can be trained
    zoo: str = told("Zoo", "The networks that the space is trained on: a preset, or the id of an available zoo.")
    prep_height: int = told(
        "PRep height",
        "Rows of the picture that parameters are written into; a multiple of 4.",
        8, unit="rows", low=4,
    )
    prep_width: int = told(
        "PRep width",
        "Columns of that picture; a multiple of 8. Rows times columns is at least the number of parameters.",
        10_000, unit="columns", low=8,
    )
    embedding: int = told(
        "Embedding size",
        "Numbers that stand for a network: the square of an even number, such as 256 or 4096.",
        4096, unit="numbers", low=4,
    )
    encoder_width: int = told(
        "Encoder width",
        "Filters of the encoder's first convolution; divides the embedding size. The paper: embedding / 32.",
        128, unit="filters", low=1,
    )
    decoder_channels: tuple[int, int, int] = told(
        "Decoder channels",
        "Three numbers: depth and length after the decoder's first block, depth after its third.",
        (128, 2048, 256), low=1, high=65_536,
    )
    normalise: Literal["none", "zoo", "layer"] = told(
        "Normalise PReps by",
        "What the encoder's input is divided by: nothing, the zoo's standard deviation, or each layer's. Not in the paper.",
        "none",
    )
    start: Literal["paper", "zoo"] = told(
        "Decoder's start",
        "Where the decoder's elementwise scale starts: as in the paper, or ('zoo', not in the paper) at the zoo's spread per layer.",
        "paper",
    )
    elementwise: bool = told(
        "Elementwise scale",
        "The decoder scales and shifts each element of a PRep by itself, as in the paper; off for the ablation.",
        True,
    )
    networks: int = told("Networks per step", "Instances of the zoo in each step.", 8, low=1, high=STACKED)
    steps: int = told(*STEPS, 100_000, unit="steps", low=1)
    lr: float = told("Learning rate", "Adam's, at its peak.", 1e-4, above=0, high=RATE)
    warmup: int = told(
        "Warm-up",
        "Steps over which the learning rate rises linearly from zero.",
        0, unit="steps", low=0,
    )
    cosine: bool = told("Cosine decay", "Lowers the learning rate to zero along a cosine; constant where off.", False)
    clip: float = told("Clip gradients at", "The largest norm of a gradient; 0 for no clipping.", 0.0, low=0, high=WEIGHT)
    noise: float = told(
        "Noise on PReps",
        "Gaussian noise on what the encoder reads while training, relative to its size; 0 for none. Not in the paper.",
        0.0, low=0, high=100,
    )
    weight_decay: float = told(*WEIGHT_DECAY, 0.0, low=0, high=RATE)
    bf16: bool = told(
        "Train in bfloat16",
        "Encoder, decoder and the decoded networks multiply in bfloat16 while training: faster, less precise. Not in the paper.",
        False,
    )
    validate_every: int = told(*VALIDATE, 500, unit="steps", low=1)
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    @property
    def networks_of(self) -> str:
        """The preset or artifact that holds the networks which it is about."""
        return self.zoo

    @property
    def unseen(self) -> int:
        """How many of its zoo's architectures it is not trained on."""
        return 0

    @property
    def taught_by(self) -> str:
        """The network that teaches the optimisation which measures it; "": its zoo's teacher, or an instance."""
        return ""

    @property
    def references(self) -> tuple[Reference, ...]:
        """What it is made from: its zoo, with its own seed where that is a preset's."""
        return (Reference(self.zoo, "zoo", self.seed),)

    def __post_init__(self):
        check(self)
        side = round(self.embedding**0.5)
        square = side * side == self.embedding and side % 2 == 0
        require(square, f"The embedding is the square of an even number (256, 4096); got {self.embedding}.")
        require(self.prep_height % 4 == 0, "prep_height is a multiple of 4.")
        require(self.prep_width % 8 == 0, "prep_width is a multiple of 8.")
        require(len(self.decoder_channels) == 3, "decoder_channels is three numbers.")
        depth, length, _ = self.decoder_channels
        fits = length % 4 == 0 and depth * self.prep_height * length % (side // 2) ** 2 == 0
        require(fits, f"decoder_channels {self.decoder_channels} do not divide into the embedding's {side} x {side}.")
        require(self.embedding % self.encoder_width == 0, "encoder_width divides the embedding.")
