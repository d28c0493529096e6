"""What an experiment is: frozen dataclasses, checked when they are made. The paper's values are the defaults."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

from .core.told import check, told
from .errors import InvalidValue


def require(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidValue(message)


# Ceilings of fields without a unit that has one (engine/core/told.py).
INSTANCES = 1_000_000
STACKED = 4_096  # instances at once
RATE = 100  # of learning rates and of decays
WEIGHT = 1_000_000_000  # of a part of a loss
LAST_SEED = 2**63 - 1

# Fields that several configs have: their label and what they do.
ARCHITECTURE = ("Architecture", "What the networks are made of, by its id.")
DATASET = ("Data set", "What the networks are trained on.")
BATCH = ("Batch size", "Images in each step of gradient descent.")
STACK = ("Trained side by side", "Instances that one step trains at once: faster, and more memory.")
HALF = ("Store in half precision", "Stores parameters in 16 bits instead of 32. Every metric is measured from what is stored.")
MEASURED = (
    "Measured on the first",
    "Training and validation images that accuracies are measured on, the first of each split; 0 for all. "
    "The test split is always measured whole.",
)
SEED = ("Seed", "Of everything random: the same seed on a CPU gives the same result, bit for bit.")
VALIDATE = ("Validate every", "Steps between two looks at the validation split, which chooses the best step.")
STEPS = ("Training length", "Steps of gradient descent.")
TEMPERATURE = ("Temperature", "T of the paper's distillation loss: higher softens the answers that are compared.")
WEIGHT_DECAY = ("Weight decay", "Pulls parameters towards zero, apart from the gradient (AdamW); 0 for none. Not in the paper.")
SCALE = (
    "Starting scale",
    "Where the decoder's elementwise scale starts, as a multiple of the zoo's spread; used where the start is 'zoo'. Not in the paper.",
)


@dataclass(frozen=True)
class ZooConfig:
    """Many instances of one architecture, each from its own random start and trained for its own length (Suppl. IV)."""

    KIND: ClassVar[str] = "zoo"
    architecture: str = told(*ARCHITECTURE)
    dataset: str = told(*DATASET)
    train: int = told("Training instances", "Instances that a space is trained on.", 100, low=1, high=INSTANCES)
    val: int = told("Validation instances", "Instances that choose between trainings of a space.", 16, low=1, high=INSTANCES)
    test: int = told(
        "Held-out instances",
        "Instances that no space is trained on or chosen with; measured once, at the end.",
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
    lr: float = told("Learning rate", "Adam's, constant.", 1e-4, above=0, high=RATE)
    stack: int = told(*STACK, 64, unit="instances", low=1, high=STACKED)
    half: bool = told(*HALF, True)
    quiet: bool = told(
        "Start as shortcuts",
        "Residual blocks start as their shortcuts alone, so that the weights, batch norm folded "
        "in, tell the length of training. Not in the paper.",
        False,
    )
    measured: int = told(*MEASURED, 0, unit="images", low=0)
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)
        require(self.steps_min <= self.steps_max, "The shortest training (steps_min) is no longer than the longest (steps_max).")

    @property
    def instances(self) -> int:
        return self.train + self.val + self.test


@dataclass(frozen=True)
class ShapeZooConfig:
    """Many SIRENs, each fitted to the signed distances of a shape of its own from its own random start (Suppl. V)."""

    KIND: ClassVar[str] = "zoo"
    architecture: str = told(*ARCHITECTURE, "siren")
    dataset: str = told(
        "Shapes",
        "Built-in shapes by name, or a folder of triangle meshes and DeepSDF files.",
        "chairs",
    )
    train: int = told("Training instances", "Shapes that a space is trained on.", 1000, low=1, high=INSTANCES)
    val: int = told("Validation instances", "Shapes that choose between trainings of a space.", 16, low=1, high=INSTANCES)
    test: int = told(
        "Held-out instances",
        "Shapes that no space is trained on or chosen with; measured once, at the end.",
        16, low=1, high=INSTANCES,
    )
    steps: int = told("Fitting length", "Steps of gradient descent for each shape.", 10_000, unit="steps", low=1)
    batch: int = told(
        "Batch size",
        "Query points of an instance in a step, half of them inside; even.",
        20_000, unit="points", low=2,
    )
    queries: int = told(
        "Query points",
        "Of an instance in all; each step takes the next of them in turn.",
        200_000, unit="points", low=2,
    )
    lr: float = told("Learning rate", "Adam's, at the start.", 1e-4, above=0, high=RATE)
    schedule: Literal["steps", "cosine"] = told(
        "Learning rate schedule",
        "'steps': times 0.9 every 1,000 steps. 'cosine': to zero along a cosine.",
        "steps",
    )
    stack: int = told(*STACK, 4, unit="instances", low=1, high=STACKED)
    half: bool = told(*HALF, True)
    up: Literal["y", "-y", "z", "-z", "x", "-x"] = told("Up axis", "The axis of a folder's files that points up.", "y")
    turn: int = told("Quarter turns", "By which a folder's shapes are turned about the up axis, counterclockwise from above.", 0, low=0, high=3)
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)
        require(self.batch % 2 == 0 and self.queries >= self.batch, "batch is even (half of it inside), and queries is at least batch.")

    @property
    def instances(self) -> int:
        return self.train + self.val + self.test


@dataclass(frozen=True)
class SpaceConfig:
    """What every space of one zoo has: encoder, decoder, optimiser (paper, III; sizes of the paper's code by default)."""

    KIND: ClassVar[str] = "netspace"
    zoo: str = told("Zoo", "The networks that the space is trained on: a preset, or the id of a zoo at hand.")
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
    networks: int = told("Networks per step", "Instances of the zoo in each step.", 8, low=1, high=STACKED)
    steps: int = told(*STEPS, 100_000, unit="steps", low=1)
    lr: float = told("Learning rate", "Adam's, at its highest.", 1e-4, above=0, high=RATE)
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


@dataclass(frozen=True)
class NetSpaceConfig(SpaceConfig):
    """A space of classifiers, trained by distillation (eq. 1)."""

    balance: bool = told(
        "Balance instances",
        "Divides each instance's loss by the variance of its target's logits, so that weak "
        "networks count no more than good ones. Not in the paper.",
        False,
    )
    performance: float = told(
        "Weight of performance",
        "Of the squared difference in soft accuracy between predicted and target; 0 for none. Not in the paper.",
        0.0, low=0, high=WEIGHT,
    )
    temperature: float = told(*TEMPERATURE, 4.0, above=0, high=1_000)
    images: int = told(*BATCH, 128, unit="images", low=1)
    measured: int = told(
        "Measured on the first",
        "Images of a split, the first ones, that choose and that the space's paths are measured on; 0 for all.",
        0, unit="images", low=0,
    )


@dataclass(frozen=True)
class ShapeSpaceConfig(SpaceConfig):
    """A space of signed distances, trained to answer as its targets do (eq. 2)."""

    networks: int = told("Networks per step", "Instances of the zoo in each step.", 4, low=1, high=STACKED)
    points: int = told(
        "Points per step",
        "Query points of an instance in a step, half of them inside; even.",
        50_000, unit="points", low=2,
    )
    queries: int = told(
        "Query points",
        "Of an instance in all, drawn and answered once; even, and at least as many as a step takes.",
        50_000, unit="points", low=2,
    )
    encoder: Literal["prep", "probe"] = told(
        "Encoder reads",
        "'prep': the weights, as in the paper. 'probe': the network's answers at learned points.",
        "prep",
    )
    probes: int = told("Probe points", "Points that the probe encoder asks at.", 256, unit="points", low=1)
    probe_width: int = told(
        "Probe width",
        "Units in each of the probe encoder's two hidden layers.",
        512, unit="units", low=1,
    )
    scale: float = told(*SCALE, 1.0, above=0, high=1_000)
    half: bool = told(
        "Store in half precision",
        "Stores encoder, decoder and embeddings in 16 bits instead of 32. Every metric is measured from what is stored.",
        False,
    )

    def __post_init__(self):
        super().__post_init__()
        require(self.points % 2 == 0 and self.queries % 2 == 0, "points and queries are even (half of them inside).")
        require(self.queries >= self.points, "queries is at least points.")


ZOO_CONFIGS, SPACE_CONFIGS = (ZooConfig, ShapeZooConfig), (NetSpaceConfig, ShapeSpaceConfig)


def is_shapes(config) -> bool:
    """Whether a zoo's or space's instances are shapes (signed distances), not classifiers."""
    return isinstance(config, (ShapeZooConfig, ShapeSpaceConfig))


def from_fields(fields: dict, kinds: tuple[type, ...]):
    """The config that was stored as `fields`: of the first of `kinds` that knows them all. Raises TypeError, InvalidValue."""
    kind = next((kind for kind in kinds if fields.keys() <= kind.__dataclass_fields__.keys()), kinds[0])
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})


def digest(config, *inputs: str) -> str:
    """Short hash of a config and of what its run reads (manifest hashes); two runs with the same one are the same run."""
    text = json.dumps([type(config).__name__, asdict(config), *inputs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class LsoConfig:
    """Latent space optimisation: gradient descent on one embedding, encoder and decoder frozen (IV; eq. 3 to 5)."""

    space: str = told("Space", "The space whose embeddings are searched, by its id.")
    a: str = told("Anchor A", "The instance that the descent starts at (gamma 0).", "")
    b: str = told("Anchor B", "With it, the descent starts between anchors A and B, at gamma.", "")
    gamma: float = told("Gamma", "Where between the anchors: 0 at A, 1 at B.", 0.0, low=0, high=1)
    xy: tuple[float, float] | None = told(
        "Place of the map",
        "Two numbers: the place of the two-dimensional map that the descent starts at, instead of an anchor.",
        None, low=-1_000_000, high=1_000_000,
    )
    objective: Literal["distillation", "task", "answers", "cloud"] = told(
        "Objective",
        "What is descended. Classifiers: distillation, task or answers. Shapes: answers or cloud.",
        "distillation",
    )
    target: str = told(
        "Target",
        "The teacher, the network whose answers are matched, or the cloud of points; by default the best instance on validation.",
        "",
    )
    architecture: str = told("Wanted architecture", "In a space of several (eq. 6); by default that of the start.", "")
    alpha: float = told(
        "Teacher's share",
        "Alpha of eq. 5: the teacher's share of the loss, the rest is the labels'.",
        0.9, low=0, high=1,
    )
    temperature: float = told(*TEMPERATURE, 4.0, above=0, high=1_000)
    steps: int = told(*STEPS, 200, unit="steps", low=1, high=100_000)
    lr: float = told(
        "Learning rate",
        "Adam's, constant, in units of the spread of the space's embeddings.",
        0.05, above=0, high=10,
    )
    batch: int = told("Batch size", "Images, or points of a shape, in each step.", 256, low=2, high=1_000_000)
    validate_every: int = told(*VALIDATE, 5, unit="steps", low=1)
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)
        require(bool(self.a) != bool(self.xy), "An LSO starts at an instance (a, or between a and b), or at a place of the map (xy).")
        require(self.xy is None or len(self.xy) == 2, "xy is two numbers, a place of the map.")
