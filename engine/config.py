"""What an experiment is: frozen dataclasses, checked when they are made. The paper's values are the defaults."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

from .errors import InvalidValue


def require(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidValue(message)


@dataclass(frozen=True)
class ZooConfig:
    """Many instances of one architecture, each from its own random start and trained for its own length (Suppl. IV)."""

    architecture: str
    dataset: str
    train: int = 100  # instances that a space is trained on
    val: int = 16  # instances that choose
    test: int = 16  # instances held out, touched once
    steps_min: int = 8  # the shortest training, in steps of one batch
    steps_max: int = 1200  # the longest; lengths between are spaced evenly in the logarithm
    batch: int = 128  # images per step
    lr: float = 1e-4  # Adam's constant learning rate
    stack: int = 64  # instances trained at once
    half: bool = True  # keep parameters in half precision; every metric is measured from what is kept
    seed: int = 0

    def __post_init__(self):
        require(min(self.train, self.val, self.test) >= 1, "A zoo needs at least one instance in each of train, val and test.")
        require(1 <= self.steps_min <= self.steps_max, "steps_min is at least 1 and at most steps_max.")
        require(min(self.batch, self.stack) >= 1 and self.lr > 0, "batch and stack are at least 1, lr is above 0.")

    @property
    def instances(self) -> int:
        return self.train + self.val + self.test


@dataclass(frozen=True)
class NetSpaceConfig:
    """A space of the instances of one zoo: encoder, decoder, loss (paper, III; sizes of the paper's code by default)."""

    zoo: str  # preset of its zoo
    prep_height: int = 8
    prep_width: int = 10_000
    embedding: int = 4096  # seen by the decoder as 1 x s x s
    encoder_width: int = 128  # filters of the encoder's first convolution (embedding / 32)
    decoder_channels: tuple[int, int, int] = (128, 2048, 256)  # depth and length after block 1, depth after block 3
    normalise: Literal["none", "zoo", "layer"] = "none"  # ours: divide PReps by the zoo's standard deviation before encoding
    start: Literal["paper", "zoo"] = "paper"  # ours ("zoo"): the elementwise scale starts at the zoo's spread per layer
    balance: bool = False  # ours: divide each instance's loss by the variance of its target's logits
    performance: float = 0.0  # ours: weight of the squared difference in soft accuracy between predicted and target
    temperature: float = 4.0  # T of eq. 1
    networks: int = 8  # instances per step
    images: int = 128  # images per step
    steps: int = 100_000
    lr: float = 1e-4
    warmup: int = 0  # steps of linear warm-up
    cosine: bool = False  # decay the learning rate to zero along a cosine
    clip: float = 0.0  # largest gradient norm; 0 for no clipping
    noise: float = 0.0  # ours: relative Gaussian noise on the PReps that the encoder reads while training
    weight_decay: float = 0.0  # ours: decoupled (AdamW)
    validate_every: int = 500  # steps between looks at the validation split
    seed: int = 0

    def __post_init__(self):
        side = round(self.embedding**0.5)
        require(side * side == self.embedding and side % 2 == 0, f"The embedding is the square of an even number (256, 4096); got {self.embedding}.")
        require(self.prep_height >= 4 and self.prep_height % 4 == 0, "prep_height is a multiple of 4.")
        require(self.prep_width >= 8 and self.prep_width % 8 == 0, "prep_width is a multiple of 8.")
        depth, length, _ = self.decoder_channels
        require(length % 4 == 0 and depth * self.prep_height * length % (side // 2) ** 2 == 0, f"decoder_channels {self.decoder_channels} do not divide into the embedding's {side} x {side}.")
        require(self.embedding % self.encoder_width == 0, "encoder_width divides the embedding.")
        require(min(self.networks, self.images, self.steps, self.validate_every) >= 1, "networks, images, steps and validate_every are at least 1.")
        require(self.temperature > 0 and self.lr > 0 and self.clip >= 0, "temperature and lr are above 0, clip is at least 0.")


def digest(config) -> str:
    """Short hash of a config; two runs with the same one are the same run."""
    text = json.dumps([type(config).__name__, asdict(config)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
