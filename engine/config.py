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
    quiet: bool = False  # ours: residual blocks start as their shortcuts alone, so that folded weights tell the length of training
    measured: int = 0  # training and validation images, the first ones, that accuracies are measured on; 0 for all. Test: always all
    seed: int = 0

    def __post_init__(self):
        require(min(self.train, self.val, self.test) >= 1, "A zoo needs at least one instance in each of train, val and test.")
        require(self.measured >= 0, "measured is at least 0.")
        require(1 <= self.steps_min <= self.steps_max, "steps_min is at least 1 and at most steps_max.")
        require(min(self.batch, self.stack) >= 1 and self.lr > 0, "batch and stack are at least 1, lr is above 0.")

    @property
    def instances(self) -> int:
        return self.train + self.val + self.test


@dataclass(frozen=True)
class ShapeZooConfig:
    """Many SIRENs, each fitted to the signed distances of a shape of its own from its own random start (Suppl. V)."""

    architecture: str = "siren"
    dataset: str = "chairs"  # or a folder of triangle meshes and DeepSDF files
    train: int = 1000  # instances that a space is trained on
    val: int = 16  # instances that choose
    test: int = 16  # instances held out, touched once
    steps: int = 10_000
    batch: int = 20_000  # queries of an instance in a step, half of them inside
    queries: int = 200_000  # of an instance in all; a step takes the next of them, in turn
    lr: float = 1e-4  # Adam's first learning rate
    schedule: Literal["steps", "cosine"] = "steps"  # times 0.9 every 1 000 steps; or to zero along a cosine
    stack: int = 4  # instances fitted at once
    half: bool = True  # keep parameters in half precision; every metric is measured from what is kept
    seed: int = 0

    def __post_init__(self):
        require(min(self.train, self.val, self.test) >= 1, "A zoo needs at least one instance in each of train, val and test.")
        require(min(self.steps, self.batch, self.stack) >= 1 and self.lr > 0, "steps, batch and stack are at least 1, lr is above 0.")
        require(self.schedule in ("steps", "cosine"), f"schedule is steps or cosine; got {self.schedule!r}.")
        require(self.batch % 2 == 0 and self.queries >= self.batch, "batch is even (half of it inside), and queries is at least batch.")

    @property
    def instances(self) -> int:
        return self.train + self.val + self.test


@dataclass(frozen=True)
class SpaceConfig:
    """What every space of one zoo has: encoder, decoder, optimiser (paper, III; sizes of the paper's code by default)."""

    zoo: str  # preset of its zoo
    prep_height: int = 8
    prep_width: int = 10_000
    embedding: int = 4096  # seen by the decoder as 1 x s x s
    encoder_width: int = 128  # filters of the encoder's first convolution (embedding / 32)
    decoder_channels: tuple[int, int, int] = (128, 2048, 256)  # depth and length after block 1, depth after block 3
    normalise: Literal["none", "zoo", "layer"] = "none"  # ours: divide PReps by the zoo's standard deviation before encoding
    start: Literal["paper", "zoo"] = "paper"  # ours ("zoo"): the elementwise scale starts at the zoo's spread per layer
    networks: int = 8  # instances per step
    steps: int = 100_000
    lr: float = 1e-4
    warmup: int = 0  # steps of linear warm-up
    cosine: bool = False  # decay the learning rate to zero along a cosine
    clip: float = 0.0  # largest gradient norm; 0 for no clipping
    noise: float = 0.0  # ours: relative Gaussian noise on the PReps that the encoder reads while training
    weight_decay: float = 0.0  # ours: decoupled (AdamW)
    bf16: bool = False  # ours: encoder, decoder and the networks that it gives multiply in bfloat16 while training
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
        require(min(self.networks, self.steps, self.validate_every) >= 1, "networks, steps and validate_every are at least 1.")
        require(self.lr > 0 and self.clip >= 0, "lr is above 0, clip is at least 0.")


@dataclass(frozen=True)
class NetSpaceConfig(SpaceConfig):
    """A space of classifiers, trained by distillation (eq. 1)."""

    balance: bool = False  # ours: divide each instance's loss by the variance of its target's logits
    performance: float = 0.0  # ours: weight of the squared difference in soft accuracy between predicted and target
    temperature: float = 4.0  # T of eq. 1
    images: int = 128  # images per step
    measured: int = 0  # images of a split, the first ones, that choose and that its paths are measured on; 0 for all

    def __post_init__(self):
        super().__post_init__()
        require(self.measured >= 0, "measured is at least 0.")
        require(self.images >= 1 and self.temperature > 0, "images is at least 1, temperature is above 0.")


@dataclass(frozen=True)
class ShapeSpaceConfig(SpaceConfig):
    """A space of signed distances, trained to answer as its targets do (eq. 2)."""

    networks: int = 4
    points: int = 50_000  # queries of an instance in a step, half of them inside
    queries: int = 50_000  # of an instance in all, drawn and answered once
    encoder: Literal["prep", "probe"] = "prep"  # ours ("probe"): asks the network at learned points instead of reading its weights
    probes: int = 256  # points that the probe encoder asks at
    probe_width: int = 512  # of its two hidden layers
    scale: float = 1.0  # ours: of the zoo's spread, where the elementwise scale starts (with start="zoo")
    half: bool = False  # keep encoder, decoder and embeddings in half precision; every metric is measured from what is kept

    def __post_init__(self):
        super().__post_init__()
        require(self.encoder in ("prep", "probe"), f"The encoder is prep or probe; got {self.encoder!r}.")
        require(self.points >= 2 and self.points % 2 == 0 and self.queries % 2 == 0, "points and queries are even (half of them inside), and at least 2.")
        require(self.queries >= self.points, "queries is at least points.")
        require(min(self.probes, self.probe_width) >= 1 and self.scale > 0, "probes and probe_width are at least 1, scale is above 0.")


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

    space: str  # id of the space
    a: str = ""  # where it starts: at this instance,
    b: str = ""  # or at gamma on the line from it to this one,
    gamma: float = 0.0  # 0 at a, 1 at b
    xy: tuple[float, float] | None = None  # or at this place of the two-dimensional map
    objective: Literal["distillation", "task", "answers", "cloud"] = "distillation"  # classifiers: the first three; shapes: the last two
    target: str = ""  # the teacher, the network whose answers are matched, or the cloud; by default the best instance on validation
    architecture: str = ""  # in a space of several: the one that is wanted (eq. 6); by default that of the start
    alpha: float = 0.9  # of eq. 5: the teacher's share, the rest is the labels'
    temperature: float = 4.0  # T of eq. 3
    steps: int = 200
    lr: float = 0.05  # Adam's constant learning rate, in units of the spread of the space's embeddings
    batch: int = 256  # images, or points, per step
    validate_every: int = 5  # steps between looks at the validation split
    seed: int = 0

    def __post_init__(self):
        require(bool(self.a) != bool(self.xy), "An LSO starts at an instance (a, or between a and b), or at a place of the map (xy).")
        require(0 <= self.gamma <= 1 and 0 <= self.alpha <= 1, "gamma and alpha are numbers from 0 to 1.")
        require(self.xy is None or len(self.xy) == 2, "xy is two numbers, a place of the map.")
        require(self.objective in ("distillation", "task", "answers", "cloud"), f"The objective is distillation, task, answers or cloud; got {self.objective!r}.")
        require(1 <= self.steps <= 100_000 and self.batch >= 2 and self.validate_every >= 1, "steps is 1 to 100 000, batch at least 2, validate_every at least 1.")
        require(0 < self.lr <= 10 and self.temperature > 0, "lr is above 0 and at most 10, temperature is above 0.")
