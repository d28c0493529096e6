"""Configs of zoos and spaces of shapes. The paper's values are the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ...core.config import require
from ...core.fields import ARCHITECTURE, HALF, INSTANCES, LAST_SEED, RATE, SCALE, SEED, STACK, STACKED
from ...core.told import check, told
from ..config import ImportedZooConfig, OneArchitecture, SpaceConfig


@dataclass(frozen=True)
class ShapeZooConfig(OneArchitecture):
    """Many SIRENs, each fitted to the signed distances of a shape of its own from its own random start (Suppl. V)."""

    KIND: ClassVar[str] = "zoo"
    TASK: ClassVar[str] = "distances"
    teacher: ClassVar[str] = ""  # one architecture needs none
    architecture: str = told(*ARCHITECTURE, "siren")
    dataset: str = told(
        "Shapes",
        "Built-in shapes by name, or a folder of triangle meshes and DeepSDF files.",
        "chairs",
    )
    train: int = told("Training instances", "Shapes that a space is trained on.", 1000, low=1, high=INSTANCES)
    val: int = told("Validation instances", "Shapes used to choose between trainings of a space.", 16, low=1, high=INSTANCES)
    test: int = told(
        "Held-out instances",
        "Shapes used neither to train nor to choose a space; measured once, at the end.",
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
    turn: int = told(
        "Quarter turns", "By which a folder's shapes are turned about the up axis, counterclockwise from above.", 0, low=0, high=3
    )
    seed: int = told(*SEED, 0, low=0, high=LAST_SEED)

    def __post_init__(self):
        check(self)
        require(self.batch % 2 == 0 and self.queries >= self.batch, "batch is even (half of it inside), and queries is at least batch.")



@dataclass(frozen=True)
class ImportedShapesConfig(ImportedZooConfig):
    """SIRENs that others fitted to shapes which are not here."""

    TASK: ClassVar[str] = "distances"
    omega: tuple[float, ...] = told("Frequency of the sines", "Before they became sines of 30; none: 30.", (), above=0, high=1000)


@dataclass(frozen=True)
class ShapeSpaceConfig(SpaceConfig):
    """A space of signed distances, trained to answer as its targets do (eq. 2)."""

    TASK: ClassVar[str] = "distances"

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
    probes: int = told("Probe points", "Points at which the probe encoder queries a network.", 256, unit="points", low=1)
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
