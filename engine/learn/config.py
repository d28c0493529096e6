"""What an optimisation in a latent space is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..core.config import require
from ..core.fields import LAST_SEED, SEED, STEPS, TEMPERATURE, VALIDATE
from ..core.told import check, told


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
    objective: Literal["distillation", "task", "answers", "cloud", "image"] = told(
        "Objective",
        "The loss to minimise. Classifiers: distillation, task or answers. Shapes: answers or cloud. Signals: answers or image.",
        "distillation",
    )
    target: str = told(
        "Target",
        "The teacher, the network whose answers are matched, the cloud of points, or the image; "
        "by default the best instance on validation.",
        "",
    )
    architecture: str = told("Wanted architecture", "In a space of several architectures (eq. 6); by default the start's.", "")
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
